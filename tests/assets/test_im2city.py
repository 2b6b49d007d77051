"""GEM in the workflow: from photos to accuracies, candidates and questions; and what bad input leaves behind."""

from collections.abc import Callable

import polars as pl
import pytest
from tiny import BENCHMARK, QUERIES, TinyHome

from g3lib.store import Key
from g3lib.store.warehouse import query

NAMES = (
    "gem-zero-shot-measured",
    "gem-zero-shot-countries",
    "streetclip-two-stage",
    "gem-probe-2-shot",
    "gem-probe@other",
)
IM2CITY = {
    "G3_EXPERIMENTS": f"[nn-clip, {', '.join(NAMES)}]",
    "G3_GALLERY_POLICIES": "[open]",
    "G3_IM2CITY__COUNT": "5",
    "G3_IM2CITY__RADIUS_KM": "2500",
    "G3_IM2CITY__APART_KM": "3000",
    "G3_IM2CITY__LEAST_PHOTOS": "5",
    "G3_IM2CITY__TRAINING": "{street-view: blue-marble}",
    "G3_IM2CITY__PERMUTATIONS": "99",
    "G3_IM2CITY__BACKBONES": "{other: {architecture: timm/test_resnet, pretrained: random, image_size: 32}}",
}
OF_CITIES = {"gem-zero-shot-measured", "gem-probe-2-shot", "gem-probe@other"}


@pytest.fixture(scope="module")
def tiny(new_copy: Callable[..., TinyHome]) -> TinyHome:
    """The finished home, with a few of GEM's experiments besides."""
    found = new_copy(**IM2CITY)
    run = found.g3("run", "demo")
    assert run.returncode == 0, run.stdout + run.stderr
    return found


def asked(tiny: TinyHome, sql: str) -> pl.DataFrame:
    return query(tiny.home, sql)


def test_every_experiment_answers_for_every_test_photo(tiny: TinyHome) -> None:
    found = asked(
        tiny,
        f"select experiment, count(*) from results.city_prediction where test_set = '{BENCHMARK}' group by all",
    )
    assert dict(found.rows()) == dict.fromkeys(NAMES, QUERIES)
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
    assert both.height == found.height == 2 * len(NAMES)
    assert (both["accuracy"] - both["expected"]).abs().max() < 1e-12 and (both["n"] == both["photos"]).all()
    assert ((both["ci_low"] <= both["accuracy"]) & (both["accuracy"] <= both["ci_high"])).all()


def test_named_cities_stand_in_the_threshold_tables(tiny: TinyHome) -> None:
    candidates = asked(tiny, "select * from results.candidate where source = 'gem'")
    assert set(candidates["experiment"]) == set(NAMES)
    chosen = candidates.filter("chosen")
    assert chosen.height == len(NAMES) * QUERIES and chosen["rank"].unique().to_list() == [0]
    assert chosen["score"].is_between(0, 1).all()
    named = asked(
        tiny,
        "select prediction.* from results.prediction join results.city_prediction as city using (experiment, photo_id) "
        "join results.city_label as label on city.label = label.city "
        "where city.test_set = benchmark and (label.lat != prediction.lat or label.lon != prediction.lon)",
    )
    assert named.height == 0
    assert set(asked(tiny, "select distinct experiment from results.accuracy")["experiment"]) >= set(NAMES)


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
    scale = asked(tiny, "select distinct arm from results.im2city_scale where series like 'zero-shot%'")
    assert scale["arm"].to_list() == ["countries"]
    shots = asked(tiny, f"select arm, trained_on from results.im2city_shots where test_set = '{BENCHMARK}'")
    assert shots.rows() == [("2", 10)]
    prompts = asked(tiny, f"select arm from results.im2city_prompts where test_set = '{BENCHMARK}'")
    assert prompts["arm"].to_list() == ["measured weights"]


def test_prompts_are_read_by_the_text_tower_once(tiny: TinyHome) -> None:
    records = tiny.records()
    (folder,) = (tiny.home.root / each.path for key, each in records.items() if key.asset == "label_features")
    prompts = pl.read_parquet(folder / "prompts.parquet")
    assert prompts.group_by("label_set").len().height == 4
    assert prompts.filter(label_set="cities", template="city-of")["text"].str.starts_with("city of ").all()
    assert sum(key.asset == "label_features" for key in records) == 1


def test_a_second_run_finds_everything_current(tiny: TinyHome) -> None:
    run = tiny.g3("run", "demo")
    assert run.returncode == 0 and "Everything is current" in run.stdout, run.stdout + run.stderr


def test_one_shot_more_than_exists_is_named_and_nothing_is_written(tiny: TinyHome) -> None:
    run = tiny.g3(
        "run",
        "demo",
        G3_EXPERIMENTS="[nn-clip, gem-probe-16-shot]",
        G3_IM2CITY__COUNT="9",
        G3_IM2CITY__APART_KM="900",
    )
    assert run.returncode == 1 and "16 shots of" in run.stderr and "ask for at most" in run.stderr, run.stderr
    assert not tiny.home.table(Key("city_models", "gem-probe-16-shot")).exists()


def test_too_few_cities_are_named(tiny: TinyHome) -> None:
    run = tiny.g3("run", "demo", G3_IM2CITY__COUNT="400")
    assert run.returncode == 1 and "of 400 cities have 5 training photos" in run.stderr, run.stderr


def test_an_unknown_backbone_or_source_is_named_before_anything_runs(tiny: TinyHome) -> None:
    for name, words in (
        ("gem-probe@nothing", "no backbone 'nothing'"),
        ("gem-probe-online", "learns from 'online'"),
    ):
        run = tiny.call("run", "demo", G3_EXPERIMENTS=f"[nn-clip, {name}]")
        assert run.returncode == 2 and words in run.stderr, run.stderr


def test_labels_of_ones_own(tiny: TinyHome) -> None:
    folder = tiny.home.root / "incoming" / "im2city"
    folder.mkdir(parents=True)
    (folder / "mine.csv").write_text("city,country,lat,lon\nMoscow,Russia,55.75,37.6\nMOSCOW,Russia,60,100\n")
    run = tiny.g3("run", "demo", G3_IM2CITY__CITIES="mine.csv")
    assert run.returncode == 1 and "the same but for case" in run.stderr, run.stderr
