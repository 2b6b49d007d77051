"""IM2City's questions as views: what each holds fixed, what it varies, and in which order."""

from collections.abc import Iterator

import duckdb
import polars as pl
import pytest

from g3lib.experiments import experiment
from g3lib.experiments.gem_catalogue import GEM_EXPERIMENTS
from g3lib.store.views import over

BACKBONES = ("gem-probe@resnet", "gem-probe-chosen-c@resnet", "gem-zero-shot@vit")
NAMES = (*(each.name for each in GEM_EXPERIMENTS), *BACKBONES)


def model(name: str) -> dict[str, object]:
    """A row of results.city_model, as the stage writes it."""
    found = experiment(name)
    gem = found.gem
    assert gem is not None
    probe = gem.kind == "probe"
    return {
        **{"experiment": name, "method": found.method, "variant": found.variant, "kind": gem.kind},
        **{"label_set": gem.labels, "backbone": gem.backbone, "training": gem.training, "shots": gem.shots},
        **{"c": gem.c, "c_chosen": gem.c is None if probe else None, "soft_km": gem.soft_km},
        "templates": " ".join(gem.templates) or None,
        "ensemble": gem.weights if gem.kind == "zero-shot" else None,
    }


def accuracies(name: str) -> Iterator[dict[str, object]]:
    """Rows of results.city_accuracy: cities as cities and as countries, countries as countries."""
    gem = experiment(name).gem
    assert gem is not None
    scales = [("country", False)] if gem.labels == "countries" else [("city", False), ("country", True)]
    for scale, mapped in scales:
        for top in (1, 5):
            yield {
                "experiment": name,
                "test_set": "t",
                "scale": scale,
                "mapped": mapped,
                "top": top,
                "accuracy": 0.5,
            }


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    schema = {"shots": pl.Int32, "c": pl.Float64, "soft_km": pl.Float64}
    tables = {
        "city_model": pl.DataFrame(
            [model(name) for name in NAMES], schema_overrides=schema, infer_schema_length=None
        ),
        "city_accuracy": pl.DataFrame([row for name in NAMES for row in accuracies(name)]),
    }
    with over(tables) as connection:
        yield connection


def asked(warehouse: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, str, str]]:
    return warehouse.execute(f"select series, arm, experiment from results.{name}").fetchall()


def test_scale_sets_named_countries_beside_cities_mapped_up(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert asked(warehouse, "im2city_scale") == [
        ("StreetCLIP's inference, t", "countries", "streetclip-two-stage"),
        ("probe, t", "cities, mapped up", "gem-probe"),
        ("probe, t", "countries", "gem-probe-countries"),
        ("zero-shot, t", "cities, mapped up", "gem-zero-shot"),
        ("zero-shot, t", "countries", "gem-zero-shot-countries"),
    ]


def test_source_varies_the_training_photos_alone(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert asked(warehouse, "im2city_source") == [
        ("t", "street-view", "gem-probe"),
        ("t", "online", "gem-probe-online"),
    ]


def test_backbones_stand_beside_each_other_with_one_c_and_with_their_best(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert asked(warehouse, "im2city_backbone") == [
        ("probe with its best C, t", "encoder", "gem-probe-chosen-c"),
        ("probe with its best C, t", "resnet", "gem-probe-chosen-c@resnet"),
        ("probe, t", "encoder", "gem-probe"),
        ("probe, t", "resnet", "gem-probe@resnet"),
        ("zero-shot, t", "encoder", "gem-zero-shot"),
        ("zero-shot, t", "vit", "gem-zero-shot@vit"),
    ]


def test_prompts_are_single_templates_then_ensembles(warehouse: duckdb.DuckDBPyConnection) -> None:
    arms = [arm for _, arm, _ in asked(warehouse, "im2city_prompts")]
    assert arms[:6] == ["in", "from", "at", "label", "city-of", "to"]
    assert set(arms[6:]) == {
        "recorded weights",
        "city and country",
        "all templates",
        "equal weights",
        "measured weights",
    }
    assert len(arms) == 11


def test_shots_are_in_order_and_all_photos_last(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert [arm for _, arm, _ in asked(warehouse, "im2city_shots")] == ["1", "2", "4", "8", "16", "all"]


def test_targets_are_one_hot_or_shared(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert [arm for _, arm, _ in asked(warehouse, "im2city_targets")] == ["one-hot", "shared, 500 km"]


def test_every_question_is_part_of_one_view(warehouse: duckdb.DuckDBPyConnection) -> None:
    names = [
        name for (name,) in warehouse.execute("select distinct name from results.city_question").fetchall()
    ]
    counted = sum(len(asked(warehouse, name)) for name in names)
    assert (
        len(names) == 6
        and counted == warehouse.execute("select count(*) from results.city_question").fetchone()[0]
    )  # type: ignore[index]
