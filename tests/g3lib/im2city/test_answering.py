"""What is judged of a model's answers: certainty, prediction sets, and how far it is wrong."""

import numpy as np
import polars as pl
import pytest
from small_world import CITIES, STAMP, drawn_features

from g3lib.experiments import experiment
from g3lib.geo import geodesic_km
from g3lib.im2city.answering import CROSS_FITTED, HELD_OUT, Answered, answered
from g3lib.im2city.labels import NONE, label_set
from g3lib.im2city.making import calibrated, made_probe
from g3lib.im2city.predicting import TestPhotos
from g3lib.im2city.saving import Trained
from g3lib.im2city.training_set import training_set
from g3lib.im2city.two_stage import two_stage_model

LABELS, COUNTRIES = label_set(CITIES, "cities"), label_set(CITIES, "countries")
COVERAGE, PERMUTATIONS = 0.8, 199
PHOTOS = 300
SHOWN = np.random.default_rng(3).integers(-1, 6, PHOTOS)
FEATURES = drawn_features(np.maximum(SHOWN, 0), noise=5.0, seed=4)
TEST = TestPhotos(
    "test",
    pl.DataFrame(
        {
            "photo_id": [f"p{row}" for row in range(PHOTOS)],
            "author": [f"a{row % 40}" for row in range(PHOTOS)],
        }
    ),
    SHOWN,
)


@pytest.fixture(scope="module")
def trained() -> Trained:
    shown = np.random.default_rng(5).integers(0, 6, 600)
    training = training_set(drawn_features(shown, noise=5.0, seed=6), shown, np.arange(600) % 3 == 0)
    gem = experiment("gem-probe").gem
    assert gem is not None
    made, threshold = calibrated(made_probe(gem, LABELS, training, "cpu"), training, COVERAGE)
    return Trained(made.model, LABELS, STAMP, threshold)


@pytest.fixture(scope="module")
def found(trained: Trained) -> Answered:
    return answered("e", trained, TEST, FEATURES, LABELS, COVERAGE, PERMUTATIONS)


def test_every_photo_has_an_answer_and_five_candidates(found: Answered) -> None:
    assert found.predictions["photo_id"].to_list() == TEST.photos["photo_id"].to_list()
    assert found.predictions["truth"].null_count() == (SHOWN == NONE).sum()
    first = found.tops.filter(rank=0).join(found.predictions, on="photo_id")
    assert (first["label"] == first["label_right"]).all() and found.tops.height == 5 * PHOTOS


def test_reliability_is_of_the_photos_that_show_a_label_before_and_after(found: Answered) -> None:
    known = int((SHOWN != NONE).sum())
    for calibrated_ in (False, True):
        bins = found.reliability.filter(calibrated=calibrated_)
        assert bins["n"].sum() == known and (bins["ci_low"] <= bins["measured"]).all()
        error = (bins["n"] * (bins["predicted"] - bins["measured"]).abs()).sum() / known
        assert bins["error"].unique().to_list() == pytest.approx([error])
    right = found.predictions.filter(pl.col("truth") == pl.col("label")).height
    assert (
        found.reliability.filter("calibrated").select(pl.col("n") * pl.col("measured")).sum()
    ).item() == pytest.approx(right)


def test_sets_cover_what_they_say_as_far_as_photos_are_alike(found: Answered) -> None:
    assert found.sets["calibrated_on"].to_list() == [HELD_OUT, CROSS_FITTED]
    assert (found.sets["ci_high"] >= COVERAGE).all() and found.sets["stated"].unique().to_list() == [COVERAGE]
    held = found.sets.row(0, named=True)
    judged = found.predictions.drop_nulls("truth")
    assert held["measured"] == judged["in_set"].mean() and held["mean_size"] == judged["set_size"].mean()


def test_wrong_answers_are_as_far_as_they_are(found: Answered) -> None:
    wrong = found.predictions.filter(pl.col("truth").is_not_null() & (pl.col("truth") != pl.col("label")))
    told = found.wrong_answers.row(by_predicate=pl.col("measure") == "mean km", named=True)
    assert told["n"] == wrong.height and told["permutations"] == PERMUTATIONS
    assert told["measured"] == pytest.approx(wrong["km"].mean())
    assert found.wrong_distances["share"].sum() == pytest.approx(1)


def test_a_test_set_that_shows_nothing_is_answered_and_not_judged(trained: Trained) -> None:
    lost = TestPhotos("lost", TEST.photos, np.full(PHOTOS, NONE))
    found = answered("e", trained, lost, FEATURES, LABELS, COVERAGE, PERMUTATIONS)
    assert found.predictions["label"].null_count() == 0 and found.predictions["truth"].null_count() == PHOTOS
    assert found.sets.height == 0 and found.reliability["n"].sum() == 0
    assert set(found.wrong_answers["n"]) == {0}


def test_an_empty_test_set_has_the_same_columns(trained: Trained, found: Answered) -> None:
    empty = TestPhotos("empty", TEST.photos.head(0), SHOWN[:0])
    none = answered("e", trained, empty, FEATURES[:0], LABELS, COVERAGE, PERMUTATIONS)
    for name in ("predictions", "tops", "reliability", "sets", "wrong_answers", "wrong_distances"):
        one, other = getattr(none, name), getattr(found, name)
        assert one.schema == other.schema, name


def test_two_stages_are_judged_by_countries_and_answer_with_cities() -> None:
    cities = LABELS.sort("country_code")
    model = two_stage_model(COUNTRIES, cities, drawn_features(np.arange(4)), drawn_features(np.arange(6)))
    trained = Trained(model, COUNTRIES, STAMP, 0.0)
    found = answered("e", trained, TEST, FEATURES, LABELS, COVERAGE, PERMUTATIONS)
    answers = model.answers(FEATURES)
    assert found.predictions["label"].to_list() == cities["label"].gather(answers.cities[:, 0]).to_list()
    assert found.predictions["scale"].unique().to_list() == ["country"]
    named = COUNTRIES["country_code"].gather(answers.countries)
    assert found.predictions["country"].to_list() == named.to_list()
    first = found.predictions.drop_nulls("truth").row(0, named=True)
    city, true = (
        LABELS.row(by_predicate=pl.col("label") == name, named=True)
        for name in (first["label"], _true(first))
    )
    assert first["km"] == pytest.approx(geodesic_km(city["lat"], city["lon"], true["lat"], true["lon"]))
    assert found.tops.filter(photo_id="p0").height == (answers.cities[0] >= 0).sum()


def _true(row: dict[str, str]) -> str:
    return str(LABELS["label"][int(SHOWN[int(row["photo_id"][1:])])])
