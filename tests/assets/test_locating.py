"""What locating needs of a home, on what its probabilities may rest, and the inbox, which goes the same way."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl
import pytest
from tiny import BENCHMARK, TINY, Finished, TinyHome

from assets import locating
from assets.inbox import INBOX_STEPS
from assets.plan import Workflow
from assets.resources import Tracking
from assets.step import Task
from g3lib.baselines import colour_histograms
from g3lib.candidates.generation import Query
from g3lib.experiments import Experiment, Profile, experiment
from g3lib.gallery.errors import StampMismatch
from g3lib.images import read_shard
from g3lib.images.inbox import take_batch
from g3lib.store import Key

G3 = experiment("g3")


@pytest.fixture(scope="module")
def home(new_copy: Callable[..., TinyHome]) -> TinyHome:
    """A copy: answers are recorded, and a batch is taken in it."""
    return new_copy()


def task(home: TinyHome, found: Experiment, scratch: Path) -> Task:
    inputs = locating.made(home.workflow(), found)
    return Task(Key("locate"), home.profile(), home.home, inputs, scratch, cast(Tracking, None), "no run")


def photos_of(home: TinyHome, count: int) -> tuple[pl.DataFrame, list[bytes]]:
    """The first photos of the benchmark."""
    tar = home.home.shard(BENCHMARK, 0)
    manifest = pl.read_parquet(tar.with_suffix(".parquet")).head(count)
    return manifest, list(read_shard(tar, manifest))


def predictions(home: TinyHome, name: str) -> pl.DataFrame:
    return pl.read_parquet(home.home.table(Key("predictions", f"{BENCHMARK}|{name}")))


# --- what is needed


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("g3", {"encoder": [None], "alignment": ["image-gps-text"], "gallery_index": ["image-gps-text"]}),
        ("nn-clip", {"encoder": [None], "gallery_index": ["image"]}),
        ("nn-colour-histogram", {"gallery_index": ["colour-histogram"]}),
        ("lmm-only", {"encoder": [None], "alignment": ["image-gps-text"]}),
        ("nn-g3-equal-earth", None),
        (
            "g3-chosen-pool+other-authors",
            {
                "encoder": [None],
                "alignment": ["image-gps-text"],
                "gallery_index": ["image-gps-text"],
                "pool_choice": ["g3-chosen-pool"],
            },
        ),
    ],
)
def test_each_experiment_needs_what_it_uses(name: str, wanted: dict[str, list[str | None]] | None) -> None:
    equal_earth = "image-gps-text-equal-earth"
    wanted = wanted or {"encoder": [None], "alignment": [equal_earth], "gallery_index": [equal_earth]}
    assert locating.needed(experiment(name)) == wanted


def test_references_of_others_are_for_their_benchmarks_only() -> None:
    with pytest.raises(locating.NoAnswer, match=r"g3-official-references .* none for other photos"):
        locating.needed(experiment("g3-official-references"))


def test_what_is_not_made_is_named_with_the_remedy(finished: Finished, tmp_path: Path) -> None:
    with pytest.raises(locating.NotMade) as problem:
        locating.made(TinyHome(tmp_path).workflow(), experiment("g3+other-authors"))
    for words in ("encoder", "alignment[image-gps-text]", "gallery_index[image-gps-text]", str(tmp_path)):
        assert words in str(problem.value)
    assert "`g3 run demo`" in str(problem.value)
    with pytest.raises(
        locating.NotMade, match=r"needs alignment\[image-gps\], .*run demo --experiment g3-img-gps`"
    ):
        locating.made(finished.tiny.workflow(), experiment("g3-img-gps"))


# --- the way through


def test_photos_are_embedded_in_pieces_that_fit_memory(
    home: TinyHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, data = photos_of(home, 5)
    at_work = task(home, G3, tmp_path)
    whole = locating.embed(at_work, G3, data, 1000)
    monkeypatch.setattr(locating, "BATCH_BYTES", 2000)
    pieces = locating.embed(at_work, G3, iter(data), 1000)
    assert whole.clip is not None and pieces.clip is not None
    np.testing.assert_allclose(
        whole.clip.astype(np.float32), pieces.clip.astype(np.float32), rtol=2e-3, atol=2e-3
    )
    assert whole.histograms is None and len(whole.clip) == manifest.height


def test_a_gallery_of_colours_needs_no_encoder(finished: Finished, tmp_path: Path) -> None:
    found = experiment("nn-colour-histogram")
    _, data = photos_of(finished.tiny, 3)
    embedded = locating.embed(task(finished.tiny, found, tmp_path), found, iter(data), 1000)
    assert embedded.clip is None and embedded.histograms is not None
    assert (embedded.histograms == colour_histograms(data)).all()
    nothing = locating.embed(task(finished.tiny, found, tmp_path), found, [], 0)
    assert nothing.histograms is not None and len(nothing.histograms) == 0


def test_a_gallery_of_another_encoder_is_refused(home: TinyHome, tmp_path: Path) -> None:
    found = experiment("nn-clip")
    manifest, data = photos_of(home, 1)
    at_work = task(home, found, tmp_path)
    embedded = locating.embed(at_work, found, data, 1000)
    assert embedded.stamp is not None
    strange = replace(embedded, stamp=replace(embedded.stamp, weights="0" * 64))
    with pytest.raises(StampMismatch, match="weights is '0000"):
        locating.locate(at_work, found, manifest, strange, [])


def test_an_arm_without_copies_does_not_meet_the_picture_itself(home: TinyHome, tmp_path: Path) -> None:
    tar = home.home.shard("blue-marble", 0)
    manifest = pl.read_parquet(tar.with_suffix(".parquet")).head(3)
    data = list(read_shard(tar, manifest))
    queries = [Query(photo_id, lambda: b"") for photo_id in manifest["photo_id"]]
    for name, met in (("nn-clip", True), ("nn-clip+other-authors-no-duplicates", False)):
        found = experiment(name)
        at_work = task(home, found, tmp_path)
        embedded = locating.embed(at_work, found, data, 1000)
        located = locating.locate(at_work, found, manifest, embedded, queries)
        chosen = located.candidates.filter("chosen")
        same = (chosen["lat"] == manifest["lat"]) & (chosen["lon"] == manifest["lon"])
        assert same.to_list() == [met] * 3, name


# --- on what probabilities rest


def judged(workflow: Workflow, found: Experiment) -> pl.DataFrame:
    return locating.judged(workflow, found, locating.made(workflow, found))


def test_known_photos_of_the_same_heads_and_lmm_count(finished: Finished) -> None:
    workflow = finished.tiny.workflow()
    expected = predictions(finished.tiny, "g3").select("benchmark", "score", "error_km")
    assert judged(workflow, G3).equals(expected) and expected.height
    assert judged(workflow, experiment("g3-retrieval-only")).is_empty(), "not tried on the benchmark"


def test_another_lmms_answers_say_nothing_of_ones(finished: Finished) -> None:
    settings = {"G3_LMM__BASE_URL": "http://127.0.0.1:9", "G3_LMM__MODEL": "another"}
    other = TinyHome(finished.tiny.root, {**finished.tiny.settings, **settings})
    assert judged(other.workflow(), G3).is_empty()
    assert judged(other.workflow(), experiment("nn-clip")).height, "which asks none"


def test_other_heads_scores_say_nothing_of_these(finished: Finished) -> None:
    workflow = finished.tiny.workflow()
    inputs = locating.made(workflow, G3)
    retrained = [replace(each, data_version="other") for each in inputs["alignment"]]
    assert locating.judged(workflow, G3, inputs | {"alignment": retrained}).is_empty()


# --- what has to be known beside an answer


def profile(**settings: str) -> Profile:
    return TinyHome(Path("nowhere"), {**TINY, **settings}).profile()


def test_the_demo_says_that_it_means_nothing() -> None:
    first, second = locating.warnings(profile(), G3)
    assert "encoder knows satellite tiles only" in first and "meaningless" in first
    assert "stand-in that never looks" in second
    (only,) = locating.warnings(profile(), experiment("nn-colour-histogram"))
    assert "gallery holds satellite tiles only" in only


def test_a_real_lmm_alone_rests_on_no_tiles() -> None:
    real = {"G3_LMM__BASE_URL": "http://127.0.0.1:9", "G3_LMM__MODEL": "real"}
    assert locating.warnings(profile(**real), experiment("lmm-only")) == ()
    (tiles,) = locating.warnings(profile(**real), G3)
    assert "satellite" in tiles


# --- the inbox


def test_the_inbox_answers_as_the_benchmark_was_answered(home: TinyHome, tmp_path: Path) -> None:
    manifest, data = photos_of(home, 2)
    record = home.records()[Key("photos", home.profile().dataset(BENCHMARK).partitions[0])]
    names = [f"{photo_id}.jpg" for photo_id in manifest["photo_id"]]
    home.home.inbox.mkdir(exist_ok=True)
    for name, each in zip(names, data, strict=True):
        (home.home.inbox / name).write_bytes(each)
    batch = take_batch(home.home.inbox, names)
    at_work = replace(task(home, G3, tmp_path), key=Key("inbox_photos", batch))
    made = INBOX_STEPS["inbox_photos"].build(at_work)
    assert made.table is not None
    place = home.root / "images" / "inbox" / f"{batch}.parquet"
    place.parent.mkdir(exist_ok=True)
    made.table.write_parquet(place)
    for name, scratch in made.files.items():
        shutil.move(scratch, home.root / name)
    record = replace(
        record,
        asset="inbox_photos",
        partition=batch,
        path=home.home.relative(place),
        files={name: 0 for name in made.files},
    )
    at_work = replace(at_work, inputs={**at_work.inputs, "inbox_photos": [record]})
    located = INBOX_STEPS["inbox_predictions"].build(at_work).table
    assert located is not None and located["photo_id"].to_list() == names
    expected = predictions(home, "g3").join(manifest.select("photo_id"), on="photo_id", how="semi")
    columns = ["lat", "lon", "source", "city", "country", "lmm"]
    assert located.select(columns).rows() == expected.select(columns).rows()
    assert located["score"].to_list() == pytest.approx(
        expected["score"].to_list(), abs=1e-3
    )  # of float16 features
