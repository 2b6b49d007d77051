"""N and S chosen by photos of held-out authors, and verification that keeps to the choice, in a real run."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import dagster as dg
import polars as pl
import pytest
from tiny import BENCHMARK, TinyHome

from assets import held_out
from assets.resources import Tracking
from assets.step import Task
from g3lib.experiments import experiment
from g3lib.experiments.experiment import Gallery
from g3lib.store import Key
from g3lib.verification import choose, choose_pool, is_in_pool

NAME = "g3-chosen-pool"
EXPERIMENT = experiment(NAME)
PHOTOS = 24
SETTINGS = {
    "G3_EXPERIMENTS": f"[{NAME}, g3-retrieval-only]",
    "G3_ALIGNMENT__HELD_OUT_AUTHORS": "0.3",
    "G3_HELD_OUT_PHOTOS": str(PHOTOS),
}


@pytest.fixture(scope="module")
def home(new_copy: Callable[..., TinyHome]) -> TinyHome:
    """A copy in which heads were trained without some authors, and everything that follows was made."""
    tiny = new_copy(**SETTINGS)
    run = tiny.g3("run", "demo")
    assert run.returncode == 0, run.stdout + run.stderr
    return tiny


def table(home: TinyHome, asset: str, partition: str) -> pl.DataFrame:
    return pl.read_parquet(home.home.table(Key(asset, partition)))


def task(home: TinyHome, **settings: str) -> Task:
    """The choice at work on what the home has, perhaps with other settings."""
    workflow = home.workflow()
    profile = TinyHome(home.root, dict(home.settings) | settings).profile()
    inputs = workflow.inputs(workflow.steps["pool_choice"], NAME)
    key, nowhere = Key("pool_choice", NAME), home.root / "nowhere"
    return Task(key, profile, home.home, inputs, nowhere, cast(Tracking, None), "no run")


# --- the choice


def test_every_pool_is_judged_and_the_best_is_chosen(home: TinyHome) -> None:
    grid = table(home, "pool_choice", NAME)
    assert grid.columns == [
        *("experiment", "lmm", "answers", "retrieved", "n"),
        *(f"within_{km}_km" for km in (1, 25, 200, 750, 2500)),
        *("median_km", "geoscore", "chosen"),
    ]
    pools = grid.select("answers", "retrieved").rows()
    assert pools == [(n, s) for n in range(1, 11) for s in range(6)]
    assert grid.filter("chosen").select("answers", "retrieved").rows() == [choose_pool(grid)]
    assert grid.select("experiment", "lmm", "n").unique().rows() == [(NAME, "stand-in", PHOTOS)]


def test_its_record_says_what_it_hangs_on_and_no_benchmark_is_among_it(home: TinyHome) -> None:
    record = home.records()[Key("pool_choice", NAME)]
    assert record.config["held_out_photos"] == PHOTOS and record.config["held_out_authors"] == 0.3
    assert {each.asset for each in record.inputs} == {
        *("photos", "image_features", "alignment", "gallery_index")
    }
    photos = {each.partition for each in record.inputs if each.asset == "photos"}
    assert photos == set(home.profile().shards("gallery"))
    assert [each.name for each in record.checks] == ["one_pool_chosen"]
    assert list(home.home.responses.rglob("held-out*")), "answers are recorded apart from any benchmark's"


def test_its_page_shows_the_choice_and_leads_to_mlflow(home: TinyHome) -> None:
    answers, retrieved = choose_pool(table(home, "pool_choice", NAME))
    with home.dagster() as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("pool_choice"))
    assert event is not None and event.asset_materialization is not None
    page = event.asset_materialization.metadata
    assert (page["chosen N"].value, page["chosen S"].value, page["photos"].value) == (
        answers,
        retrieved,
        PHOTOS,
    )
    matrix = str(page["mean of the five accuracies"].value).splitlines()
    assert len(matrix) == 12 and matrix[0] == "| N | S = 0 | S = 1 | S = 2 | S = 3 | S = 4 | S = 5 |"
    run = home.records()[Key("pool_choice", NAME)].mlflow_run_id
    assert str(page["MLflow run"].value).endswith(f"/runs/{run}")
    found = home.mlflow(f"select key, value from metrics where run_uuid = '{run}' and key = 'answers'")
    assert found == [("answers", answers)]


# --- whom it asks about


def test_the_sample_is_of_held_out_authors_and_drawn_alike(home: TinyHome) -> None:
    sample = held_out.sample(task(home), EXPERIMENT)
    known = sample.gallery.group_by("author").len()
    asked = sample.photos["author"].unique().to_list()
    assert 0 < len(asked) < len(known) and sample.photos.height == PHOTOS == len(sample.features)
    again = held_out.sample(task(home), EXPERIMENT)
    assert again.photos.equals(sample.photos) and (again.features == sample.features).all()
    other = held_out.sample(task(home), replace(EXPERIMENT, seed=1))
    assert not other.photos.equals(sample.photos)
    everybody = held_out.sample(task(home, G3_HELD_OUT_PHOTOS="1000"), EXPERIMENT).photos
    assert sample.photos["query"].is_in(everybody["query"].implode()).all()
    photos = known.filter(pl.col("author").is_in(asked))["len"].sum()
    assert everybody.filter(pl.col("author").is_in(asked)).height == photos, "all of an author's or none"


def test_their_own_bytes_are_shown(home: TinyHome) -> None:
    at_work = task(home)
    sample = held_out.sample(at_work, EXPERIMENT)
    queries = held_out.queries(at_work, sample)
    assert [each.photo_id for each in queries] == sample.photos["query"].to_list()
    digests = [hashlib.sha256(each.jpeg()).hexdigest() for each in queries]
    assert digests == sample.photos["sha256"].to_list()


@pytest.mark.parametrize("gallery", ["image-gps-text", "image"])
def test_no_reference_is_of_the_same_author(home: TinyHome, gallery: Gallery) -> None:
    at_work = task(home)
    index = home.records()[Key("gallery_index", gallery)]
    at_work = replace(at_work, inputs={**at_work.inputs, "gallery_index": [index]})
    found = replace(EXPERIMENT, gallery=gallery)
    sample = held_out.sample(at_work, found)
    table = held_out.references(at_work, found, sample)
    assert table.height == 2 * PHOTOS * 15
    authors = sample.photos.select("author", photo_id="query")
    joined = table.join(authors, on="photo_id")
    assert joined.height == table.height
    assert (joined["author"] != joined["reference_author"]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"G3_ALIGNMENT__HELD_OUT_AUTHORS": "0"}, r"held_out_authors=0\.0 holds out 0 photos .* raise it"),
        ({"G3_ALIGNMENT__HELD_OUT_AUTHORS": "0.001"}, r"held_out_authors=0\.001 holds out 0 photos"),
        ({"G3_ALIGNMENT__PRETRAINED": "g3.pth"}, r"alignment\.pretrained=g3\.pth .* unset it"),
    ],
)
def test_where_there_is_nobody_the_setting_is_named(
    home: TinyHome, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(dg.Failure, match=f"N and S of {NAME} cannot be chosen.*{message}"):
        held_out.sample(task(home, **settings), EXPERIMENT)


@pytest.mark.parametrize("gallery", ["colour-histogram", "official"])
def test_galleries_without_features_are_refused(home: TinyHome, gallery: Gallery) -> None:
    with pytest.raises(dg.Failure, match=f"gallery '{gallery}' is not searched by CLIP features"):
        held_out.sample(task(home), replace(EXPERIMENT, gallery=gallery))


# --- what keeps to it


def test_what_is_outside_the_pool_keeps_its_score_and_is_not_chosen(home: TinyHome) -> None:
    answers, retrieved = choose_pool(table(home, "pool_choice", NAME))
    scored = table(home, "scored_candidates", f"{BENCHMARK}|{NAME}")
    eligible = scored.select(is_in_pool(answers, retrieved)).to_series()
    outside = scored.filter(~eligible)
    assert outside.height and outside["score"].null_count() == outside["lat"].null_count()
    assert not outside["chosen"].any()
    assert choose(scored.drop("chosen"), "verifier", 0, eligible).equals(scored)
    inputs = home.records()[Key("scored_candidates", f"{BENCHMARK}|{NAME}")].inputs
    assert ("pool_choice", NAME) in {(each.asset, each.partition) for each in inputs}


def test_retrieval_alone_is_verified_and_has_no_pool_to_keep_to(home: TinyHome) -> None:
    scored = table(home, "scored_candidates", f"{BENCHMARK}|g3-retrieval-only")
    assert scored["source"].unique().to_list() == ["retrieval"] and scored["score"].null_count() == 0
    best = scored.group_by("photo_id").agg(pl.col("score").max()).sort("photo_id")
    assert scored.filter("chosen").select("photo_id", "score").sort("photo_id").equals(best)
    inputs = home.records()[Key("scored_candidates", f"{BENCHMARK}|g3-retrieval-only")].inputs
    assert "pool_choice" not in {each.asset for each in inputs}
