"""Several experiments' labels as places, and each beside the one-hot probe."""

import numpy as np
import polars as pl
import pytest
from small_world import CITIES

from g3lib.experiments.cities import place_pulse_cities
from g3lib.geo import unit_vectors
from g3lib.im2city.labels import label_set
from g3lib.im2city.likeness import METHODS, Embedding, Likeness, likeness
from g3lib.im2city.model import CityModel
from g3lib.im2city.proximity import label_distances, label_similarities, mantel

LABELS = label_set(place_pulse_cities(), "cities")
PERMUTATIONS = 199


def model(weights: np.ndarray) -> CityModel:  # type: ignore[type-arg]
    return CityModel(weights.astype(np.float32), np.zeros(len(weights), np.float32), normalised=False)


EMBEDDINGS = {
    "knows": Embedding("knows", "text", model(unit_vectors(LABELS["lat"], LABELS["lon"])), "knows-not"),
    "knows-not": Embedding(
        "knows-not", "weights", model(np.random.default_rng(0).normal(size=(56, 8))), None
    ),
    "alone": Embedding("alone", "text", model(np.random.default_rng(1).normal(size=(56, 8))), "not there"),
}


@pytest.fixture(scope="module")
def found() -> Likeness:
    return likeness(EMBEDDINGS, LABELS, PERMUTATIONS)


def test_who_knows_places_is_told_from_who_does_not(found: Likeness) -> None:
    plain = found.proximity.filter(method="spearman", centred=False)
    rows = {row["experiment"]: row for row in plain.iter_rows(named=True)}
    assert rows["knows"]["correlation"] == pytest.approx(-1, abs=1e-3) and rows["knows"]["p"] == 1 / 200
    assert rows["knows-not"]["p"] > 0.01 and abs(rows["knows-not"]["correlation"]) < 0.2
    assert found.proximity.height == len(EMBEDDINGS) * len(METHODS)


def test_numbers_are_mantels(found: Likeness) -> None:
    distance = label_distances(LABELS["lat"], LABELS["lon"])
    similarity = label_similarities(EMBEDDINGS["alone"].model.weights)
    expected = mantel(similarity, distance, PERMUTATIONS, 0, "pearson")
    row = found.proximity.row(
        by_predicate=(pl.col("experiment") == "alone") & (pl.col("method") == "pearson"), named=True
    )
    assert (row["correlation"], row["ci_low"], row["p"]) == (expected.statistic, expected.low, expected.p)


def test_text_is_compared_with_the_probe_where_it_is_there(found: Likeness) -> None:
    (row,) = found.comparisons.iter_rows(named=True)
    assert (row["experiment"], row["other"]) == ("knows", "knows-not")
    assert row["difference"] < -0.8 and row["ci_high"] < 0
    assert row["difference"] == pytest.approx(row["correlation"] - row["other_correlation"])


def test_neighbours_and_pairs_are_named(found: Likeness) -> None:
    own = found.neighbours.filter(experiment="knows")
    assert own["label"].to_list() == LABELS["label"].to_list() and own["is_nearest"].mean() > 0.9
    kyoto = own.row(by_predicate=pl.col("label") == "Kyoto", named=True)
    assert kyoto["nearest"] == "Tokyo" and kyoto["same_country"] and kyoto["rank"] == 1
    assert np.allclose(own.select("x", "y").to_numpy().mean(axis=0), 0, atol=1e-9)
    assert found.pairs.filter(experiment="knows").height == 56 * 55 // 2
    assert set(found.summaries["measure"]) == {"mean km", "geographically nearest", "same country"}


def test_without_probes_there_is_nothing_to_compare_with() -> None:
    found = likeness({"alone": EMBEDDINGS["alone"]}, LABELS, PERMUTATIONS)
    assert found.comparisons.height == 0


def test_too_few_labels_are_refused() -> None:
    three = label_set(CITIES.head(3), "cities")
    embedding = Embedding("few", "text", model(np.eye(3)), None)
    with pytest.raises(ValueError, match="3 labels"):
        likeness({"few": embedding}, three, PERMUTATIONS)
