"""The papers' tables as assets: each reads just what stands in it, and says what the warehouse says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tiny import BENCHMARK, QUERIES, Finished, TinyHome

from assets import paper_tables
from assets.paper_tables import accuracies_of, entry_of, names
from assets.plan import Workflow
from assets.resources import Tracking
from assets.step import Outcome, Task, checks_of
from assets.steps import STEPS
from g3lib.experiments import Profile
from g3lib.experiments.published_tables import paper_tables as paper_tables_listed
from g3lib.store import Key
from g3lib.store.warehouse import query

(STEP,) = paper_tables.STEPS
MANY = {
    "G3_EXPERIMENTS": "[g3, img2loc, nn-clip, lmm-only, g3-prompts-2, g3@llava, g3-place-name]",
    "G3_GALLERY_POLICIES": "[open, other-authors]",
    "G3_LMMS__LLAVA__BASE_URL": "http://nowhere.invalid/v1",
    "G3_LMMS__LLAVA__MODEL": "llava",
}
ASKING = {"G3_EXPERIMENTS": "[nn-clip, gem-probe]", "G3_IM2CITY__TRAINING": "{street-view: blue-marble}"}
GEM_TABLES = [each.name for each in paper_tables_listed() if each.name.startswith("im2city")]


@pytest.fixture(scope="module")
def profile() -> Profile:
    """The demo with a few experiments, each that retrieves in two arms."""
    return TinyHome(Path("nowhere"), MANY).profile()


def reads(profile: Profile, name: str) -> dict[str, list[str | None]]:
    return {
        each.asset: list(each.partitions(profile, name))
        for each in STEP.upstream
        if each.partitions(profile, name)
    }


# --- what each reads


def test_a_table_reads_the_accuracies_of_its_own_rows_in_every_arm(profile: Profile) -> None:
    own = ["g3", "g3+other-authors", "img2loc", "img2loc+other-authors", "nn-clip", "nn-clip+other-authors"]
    found = reads(profile, "table_1")
    assert set(found) == {"accuracy", "published"} and found["published"] == [None]
    expected = [*own, "lmm-only", "g3@llava", "g3+other-authors@llava"]
    assert set(found["accuracy"]) == {f"{BENCHMARK}|{name}" for name in expected}
    arms = [f"{BENCHMARK}|g3-prompts-2", f"{BENCHMARK}|g3-prompts-2+other-authors"]
    assert reads(profile, "figure_3")["accuracy"] == arms


def test_a_table_without_a_measured_row_reads_the_published_numbers_alone(profile: Profile) -> None:
    for name in ("figure_4", "table_5"):
        assert reads(profile, name) == {"published": [None]}
        assert accuracies_of(profile, entry_of(name)) == []


def test_studies_and_distances_read_what_they_show(profile: Profile) -> None:
    assert reads(profile, "table_3") == {
        "distances": [f"{BENCHMARK}|{each}" for each in ("image", "image-gps-text")]
    }
    assert set(reads(profile, "case_study")) == {"references", "queries", "photos"}
    failures = reads(profile, "failure_study")
    assert failures["photos"] == profile.shards("benchmark") and failures["queries"] == profile.benchmarks
    assert len(failures["predictions"]) == len(profile.arms)


def test_dagster_hears_of_every_input(profile: Profile) -> None:
    partitions = STEP.partitions
    assert partitions is not None
    assert partitions(profile).get_partition_keys() == list(STEP.keys(profile)) == names(profile)
    mappings = {each.asset: each.mapping(profile) if each.mapping else None for each in STEP.upstream}
    assert mappings.pop("published") is None  # it has no partitions
    assert all(isinstance(each, dg.AllPartitionMapping) for each in mappings.values())


def test_an_entry_s_experiments_and_titles_are_part_of_what_determines_it(profile: Profile) -> None:
    configs = [STEP.config(profile, name) for name in names(profile)]
    assert [each["table"]["name"] for each in configs] == names(profile)
    assert "published" in STEP.config(profile, "table_3")  # its numbers come with the package


# --- in a home where everything was made


@pytest.fixture(scope="module")
def build(finished: Finished) -> Callable[[str], tuple[Task, Outcome]]:
    """Makes a table of the finished home, without committing it."""
    workflow = Workflow(finished.tiny.profile(), finished.tiny.home, {**STEPS, STEP.name: STEP})
    scratch = finished.tiny.root.parent / "paper-tables"
    scratch.mkdir(exist_ok=True)

    def built(name: str) -> tuple[Task, Outcome]:
        inputs = workflow.inputs(STEP, name)
        task = Task(
            Key(STEP.name, name),
            workflow.profile,
            workflow.home,
            inputs,
            scratch,
            cast(Tracking, None),
            "no run",
        )
        return task, STEP.build(task)

    return built


def shown(outcome: Outcome, what: str) -> str:
    return str(outcome.metadata[what].md_str)


OF_G3 = [each.name for each in paper_tables_listed() if not each.name.startswith(("im2city", "case_study"))]


@pytest.mark.parametrize("name", OF_G3)
def test_a_table_says_what_the_warehouse_says(
    name: str, finished: Finished, build: Callable[[str], tuple[Task, Outcome]]
) -> None:
    task, outcome = build(name)
    assert outcome.table is not None and all(check.passed for check in checks_of(STEP, task, outcome))
    warehouse = query(finished.tiny.home, f"from results.{name}")
    keys = [each for each, dtype in warehouse.schema.items() if dtype in (pl.String, pl.Int32, pl.Int64)]
    assert_frame_equal(outcome.table.sort(keys), warehouse.sort(keys), check_row_order=True)
    assert outcome.rows == warehouse.height > 0


def test_questions_are_tables_where_an_experiment_asks_them(profile: Profile) -> None:
    assert not any(name.startswith("im2city_") for name in names(profile))
    asking = TinyHome(Path("nowhere"), MANY | ASKING).profile()
    assert names(asking) == [each.name for each in paper_tables_listed()]
    assert set(reads(asking, "im2city_shots")) == {"city_models", "city_accuracy"}
    assert set(reads(asking, "im2city_proximity")) == {"city_models", "city_proximity"}


@pytest.mark.parametrize("name", [name for name in GEM_TABLES if name != "im2city"])
def test_a_question_says_what_the_warehouse_says(name: str, richer: TinyHome) -> None:
    workflow = richer.workflow()
    table = pl.read_parquet(workflow.home.table(Key("paper_tables", name)))
    warehouse = query(richer.home, f"from results.{name}")
    assert_frame_equal(table, warehouse)


def test_its_page_shows_measured_beside_published(build: Callable[[str], tuple[Task, Outcome]]) -> None:
    _, outcome = build("table_1")
    text = shown(outcome, "measured beside published, %")
    assert text.index(BENCHMARK) < text.index("im2gps3k")  # what was measured first
    assert "| G3, full | stand-in | open | measured |" in text and f"| {QUERIES} | 0 |" in text
    assert "| [L]kNN, sigma=4 | – | – | published | 7.2 | 19.4 | 26.9 | 38.9 | 55.9 |" in text
    assert "G3's authors" in shown(outcome, "of the published numbers")


def test_a_figure_is_a_picture_with_the_published_point_though_nothing_was_measured(
    build: Callable[[str], tuple[Task, Outcome]],
) -> None:
    _, outcome = build("figure_3")
    assert shown(outcome, "figure").startswith("![Number of prompts, K](data:image/png;base64,")
    assert "16.65" in shown(outcome, "measured beside published, %")


def test_a_case_shows_the_query_and_what_each_gallery_returned(
    build: Callable[[str], tuple[Task, Outcome]],
) -> None:
    _, outcome = build("case_study")
    cases = outcome.table
    assert cases is not None and cases.height == outcome.rows > 0
    assert set(cases["gallery"]) == {"image", "image-gps-text"} and set(cases["rank"]) == set(range(5))
    for case, benchmark, photo in cases.select("case", "benchmark", "photo_id").unique().rows():
        text = shown(outcome, f"{case} {benchmark} {photo}")
        assert text.count("data:image/jpeg;base64,") == 2 and text.count("distance_km") == 2


def test_failures_show_their_worst_photos(build: Callable[[str], tuple[Task, Outcome]]) -> None:
    _, outcome = build("failure_study")
    assert outcome.table is not None
    assert shown(outcome, f"{BENCHMARK}, g3: worst photos").startswith("![")
    per = outcome.table.group_by("experiment").agg(pl.col("n").sum())
    assert set(per["n"]) == {QUERIES}


def test_a_printed_number_that_got_lost_fails_the_check(build: Callable[[str], tuple[Task, Outcome]]) -> None:
    for name in ("table_2", "table_3"):
        task, outcome = build(name)
        assert outcome.table is not None
        column = "published" if name == "table_2" else "published_mean_km"
        row = outcome.table.with_row_index().drop_nulls(column)["index"][0]
        less = outcome.table.with_row_index().filter(pl.col("index") != row).drop("index")
        (check,) = checks_of(STEP, task, replace(outcome, table=less))
        assert not check.passed and check.metadata["shown"] == check.metadata["printed"] - 1
