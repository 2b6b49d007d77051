"""GEM in the workflow: from photos to accuracies, candidates and questions; and what bad input leaves behind."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest
from richer import GEMS
from tiny import BENCHMARK, QUERIES, TinyHome

from assets.im2city.photos import photos_of
from assets.resources import Tracking
from assets.step import Task
from g3lib.experiments.cities import place_pulse_cities
from g3lib.im2city.labels import BadLabels
from g3lib.images import read_shard
from g3lib.store import Key
from g3lib.store.warehouse import query

OF_CITIES = {"gem-zero-shot-measured", "gem-probe-2-shot", "gem-probe@other"}


@pytest.fixture(scope="module")
def tiny(richer: TinyHome) -> TinyHome:
    return richer


@pytest.fixture(scope="module")
def spare(richer: TinyHome, homes: Path) -> TinyHome:
    """A copy for what is done wrong."""
    return richer.copy_to(homes / "wrong")


def asked(tiny: TinyHome, sql: str) -> pl.DataFrame:
    return query(tiny.home, sql)


def test_every_experiment_answers_for_every_test_photo(tiny: TinyHome) -> None:
    found = asked(
        tiny,
        f"select experiment, count(*) from results.city_prediction where test_set = '{BENCHMARK}' group by all",
    )
    assert dict(found.rows()) == dict.fromkeys(GEMS, QUERIES)
    sets = asked(tiny, "select distinct test_set from results.city_prediction")["test_set"]
    assert set(sets) == {BENCHMARK, "blue-marble (held out)"}


def test_accuracies_are_those_of_the_predictions(tiny: TinyHome) -> None:
    counted = asked(
        tiny,
        "select experiment, test_set, scale, avg((truth_rank = 1)::int) as expected, count(*) as photos "
        "from results.city_prediction where truth is not null group by all",
    )
    found = asked(tiny, "select * from results.city_accuracy where top = 1 and not mapped")
    both = found.join(counted, on=["experiment", "test_set", "scale"])
    assert both.height == found.height == 2 * len(GEMS)
    assert (both["accuracy"] - both["expected"]).abs().max() < 1e-12 and (both["n"] == both["photos"]).all()
    assert ((both["ci_low"] <= both["accuracy"]) & (both["accuracy"] <= both["ci_high"])).all()


def test_named_cities_stand_in_the_threshold_tables(tiny: TinyHome) -> None:
    candidates = asked(tiny, "select * from results.candidate where source = 'gem'")
    assert set(candidates["experiment"]) == set(GEMS)
    chosen = candidates.filter("chosen")
    assert chosen.height == len(GEMS) * QUERIES and chosen["rank"].unique().to_list() == [0]
    assert chosen["score"].is_between(0, 1).all()
    named = asked(
        tiny,
        "select prediction.* from results.prediction join results.city_prediction as city using (experiment, photo_id) "
        "join results.city_label as label on city.label = label.city "
        "where city.test_set = benchmark and (label.lat != prediction.lat or label.lon != prediction.lon)",
    )
    assert named.height == 0
    assert set(asked(tiny, "select distinct experiment from results.accuracy")["experiment"]) >= set(GEMS)


def test_a_model_says_what_it_was_made_of(tiny: TinyHome) -> None:
    cards = {row["experiment"]: row for row in asked(tiny, "from results.city_model").iter_rows(named=True)}
    measured = cards["gem-zero-shot-measured"]
    assert sum(measured["weights"]) == pytest.approx(1) and len(measured["weights"]) == 6
    assert cards["gem-probe-2-shot"]["trained_on"] == 2 * 5 and cards["gem-probe-2-shot"]["c"] == 0.316
    assert cards["gem-probe@other"]["architecture"].startswith("timm/test_resnet")
    assert cards["streetclip-two-stage"]["labels"] == 193
    held_out = asked(
        tiny, "select sum(held_out) from results.city_photo where dataset = 'blue-marble'"
    ).item()
    assert measured["held_out"] == held_out > 0


def test_proximity_is_of_the_experiments_that_name_cities(tiny: TinyHome) -> None:
    found = asked(tiny, "from results.city_proximity")
    assert set(found["experiment"]) == OF_CITIES and found["p"].is_between(0, 1).all()
    assert set(asked(tiny, "select distinct embedding from results.city_proximity")["embedding"]) == {
        "text",
        "weights",
    }
    assert asked(tiny, "from results.im2city_proximity").height == len(OF_CITIES)


def test_questions_are_answered_by_what_was_run(tiny: TinyHome) -> None:
    scale = asked(tiny, "select distinct arm, experiment from results.im2city_scale")
    assert scale.rows() == [("countries", "streetclip-two-stage")]
    shots = asked(tiny, f"select arm, trained_on from results.im2city_shots where test_set = '{BENCHMARK}'")
    assert shots.rows() == [("2", 10)]
    prompts = asked(tiny, f"select arm from results.im2city_prompts where test_set = '{BENCHMARK}'")
    assert prompts["arm"].to_list() == ["measured weights"]


def test_prompts_are_read_by_the_text_tower_once(tiny: TinyHome) -> None:
    records = tiny.records()
    (folder,) = (tiny.home.root / each.path for key, each in records.items() if key.asset == "label_features")
    prompts = pl.read_parquet(folder / "prompts.parquet")
    assert prompts.group_by("label_set").len().height == 3
    assert prompts.filter(label_set="cities", template="city-of")["text"].str.starts_with("city of ").all()
    assert sum(key.asset == "label_features" for key in records) == 1


def test_a_second_run_finds_everything_current(tiny: TinyHome) -> None:
    run = tiny.g3("run", "demo")
    assert run.returncode == 0 and "Everything is current" in run.stdout, run.stdout + run.stderr


def test_one_shot_more_than_exists_is_named_and_nothing_is_written(spare: TinyHome) -> None:
    run = spare.g3(
        "run",
        "demo",
        G3_EXPERIMENTS="[nn-clip, gem-probe-16-shot]",
        G3_IM2CITY__COUNT="9",
        G3_IM2CITY__APART_KM="900",
    )
    assert run.returncode == 1 and "16 shots of" in run.stderr and "ask for at most" in run.stderr, run.stderr
    assert not spare.home.table(Key("city_models", "gem-probe-16-shot")).exists()


def test_too_few_cities_are_named(spare: TinyHome) -> None:
    run = spare.g3("run", "demo", G3_IM2CITY__COUNT="400")
    assert run.returncode == 1 and "of 400 cities have 5 training photos" in run.stderr, run.stderr


def test_an_unknown_backbone_or_source_is_named_before_anything_runs(tiny: TinyHome) -> None:
    for name, words in (
        ("gem-probe@nothing", "no backbone 'nothing'"),
        ("gem-probe-online", "learns from 'online'"),
    ):
        run = tiny.call("run", "demo", G3_EXPERIMENTS=f"[nn-clip, {name}]")
        assert run.returncode == 2 and words in run.stderr, run.stderr


def test_labels_of_ones_own(spare: TinyHome) -> None:
    folder = spare.home.root / "incoming" / "im2city"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.csv").write_text("city,country,lat,lon\nMoscow,Russia,55.75,37.6\nMOSCOW,Russia,60,100\n")
    run = spare.g3("run", "demo", G3_IM2CITY__CITIES="mine.csv")
    assert run.returncode == 1 and "the same but for case" in run.stderr, run.stderr


@pytest.mark.parametrize("name", ["gem-probe-2-shot", "gem-probe@other", "streetclip-two-stage"])
def test_a_persons_own_photo_is_named_as_the_benchmarks_are(
    tiny: TinyHome, name: str, tmp_path: Path
) -> None:
    tar = tiny.home.shard(BENCHMARK, 0)
    manifest = pl.read_parquet(tar.with_suffix(".parquet")).head(3)
    paths = [tmp_path / f"{photo_id}.jpg" for photo_id in manifest["photo_id"]]
    for path, data in zip(paths, read_shard(tar, manifest), strict=True):
        path.write_bytes(data)
    run = tiny.call("locate", "--experiment", name, "--json", *map(str, paths))
    assert run.returncode == 0, run.stderr
    told = {
        Path(each["photo"]).stem: (each["answer"]["lat"], each["answer"]["lon"])
        for each in json.loads(run.stdout)["photos"]
    }
    known = asked(tiny, f"select photo_id, lat, lon from results.prediction where experiment = '{name}'")
    expected = {row["photo_id"]: (row["lat"], row["lon"]) for row in known.iter_rows(named=True)}
    assert told == {path.stem: expected[path.stem] for path in paths}


# --- which city a photo shows


DATASETS = (
    "[{name: train, role: gallery, shards: 1, photos_per_shard: 9, incoming: pp,"
    " source: {kind: place-pulse, split: train}},"
    " {name: test, role: benchmark, shards: 1, photos_per_shard: 9, source: {kind: blue-marble}}]"
)


def photos_task(tmp_path: Path, cities: list[str | None]) -> Task:
    """Two datasets of the same photos near Paris; the metadata of the first name their cities."""
    settings = {"G3_DATASETS": DATASETS, "G3_EXPERIMENTS": "[gem-probe]", "G3_IM2CITY__CITIES": "place-pulse"}
    settings |= {"G3_IM2CITY__TRAINING": "{street-view: train}", "G3_IM2CITY__RADIUS_KM": "25"}
    ids = [f"p{row}" for row in range(len(cities))]
    positions = {"lat": [48.85] * len(ids), "lon": [2.35 + row for row in range(len(ids))]}
    manifest = pl.DataFrame({"photo_id": ids, "author": ids, **positions})
    manifest.write_parquet(tmp_path / "photos.parquet")
    pl.DataFrame({"photo_id": ids[::-1], "city": cities[::-1]}).write_parquet(tmp_path / "metadata.parquet")
    records = {
        "photos": [
            SimpleNamespace(partition=f"{name}-000000", path="photos.parquet") for name in ("train", "test")
        ],
        "metadata": [SimpleNamespace(partition="train", path="metadata.parquet")],
    }
    home = TinyHome(tmp_path, settings)
    nowhere = cast(Tracking, None)
    return Task(
        Key("city_models", "gem-probe"), home.profile(), home.home, cast(Any, records), tmp_path, nowhere, ""
    )


def test_place_pulse_names_the_city_and_others_are_the_nearest_within_the_radius(tmp_path: Path) -> None:
    task = photos_task(tmp_path, ["Kyiv", "Paris", None])
    cities = place_pulse_cities()
    assert photos_of(task, "train", cities).cities.tolist() == [27, 39, -1]  # IM2City's codes
    assert photos_of(task, "test", cities).cities.tolist() == [39, -1, -1]


def test_a_city_that_is_no_label_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadLabels, match=r"\['Atlantis'\]"):
        photos_of(photos_task(tmp_path, ["Atlantis", "Paris"]), "train", place_pulse_cities())
