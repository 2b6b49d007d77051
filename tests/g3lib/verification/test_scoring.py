"""Scores are cosines of the trained heads, whatever else stands in the table."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from g3lib.alignment.model import GeoAlignment
from g3lib.experiments.alignment import AlignmentSettings
from g3lib.verification import score, scoring

SCHEMA = {"photo_id": pl.String, "lat": pl.Float64, "lon": pl.Float64}
PHOTOS = pl.Series(["a", "b", "c"])
FEATURES = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
Row = tuple[str, float | None, float | None]


def trained() -> GeoAlignment:
    torch.manual_seed(0)
    return GeoAlignment(6, AlignmentSettings(rff_frequencies=4, hidden=8, location=8)).eval()


MODEL = trained()


def scores(*rows: Row) -> list[float | None]:
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    result = score(table, PHOTOS, FEATURES, MODEL)
    assert result.drop("score").equals(table) and result.schema["score"] == pl.Float64
    return result["score"].to_list()


def test_a_score_is_the_cosine_of_photo_and_place() -> None:
    places = [[48.0, 2.0], [-33.0, 151.0], [10.0, 20.0]]
    with torch.inference_mode():
        images, encoded = MODEL.image_gps(FEATURES), MODEL.gps(torch.tensor(places, dtype=torch.float64))
        expected = [float(images[photo] @ place) for photo, place in zip((1, 0, 1), encoded, strict=True)]
    rows: list[Row] = [(photo, lat, lon) for photo, (lat, lon) in zip("bab", places, strict=True)]
    assert scores(*rows) == pytest.approx(expected, abs=1e-6)


def test_many_candidates_are_scored_in_batches_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[Row] = [("abc"[i % 3], float(i % 7), float(2 * i)) for i in range(11)]
    whole = scores(*rows)
    for batch in (1, 4, 11):
        monkeypatch.setattr(scoring, "BATCH", batch)
        assert scores(*rows) == pytest.approx(whole, abs=1e-6)


def test_a_position_is_encoded_once_and_scored_the_same_to_the_last_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded, gps = list[torch.Tensor](), GeoAlignment.gps

    def noted(model: GeoAlignment, places: torch.Tensor) -> torch.Tensor:
        encoded.append(places)
        return gps(model, places)

    monkeypatch.setattr(GeoAlignment, "gps", noted)
    found = scores(("a", 1.0, 2.0), ("b", 1.0, 2.0), ("a", -0.0, 2.0), ("a", 1.0, 2.0), ("a", 0.0, 2.0))
    assert found[0] == found[3] != found[1] and found[2] == found[4]
    assert torch.cat(encoded).tolist() == [[0.0, 2.0], [1.0, 2.0]]


def test_what_has_no_usable_position_has_no_score() -> None:
    unusable: list[Row] = [
        *(("a", None, None), ("a", 1.0, None), ("a", 91.0, 0.0), ("a", 0.0, 180.0)),
        *(("a", math.nan, 0.0), ("a", 0.0, math.inf)),
    ]
    assert [each is None for each in scores(*unusable, ("a", 1.0, 2.0))] == [True] * 6 + [False]
    assert scores(*unusable) == [None] * 6
    assert scores() == []


def test_a_score_that_is_no_number_is_none() -> None:
    broken = torch.full_like(FEATURES, math.nan)
    table = pl.DataFrame([("a", 1.0, 2.0)], schema=SCHEMA, orient="row")
    assert score(table, PHOTOS, broken, MODEL)["score"].to_list() == [None]


@pytest.mark.parametrize(
    ("photos", "message"),
    [
        (PHOTOS, r"1 photos have candidates but no features, e\.g\. x"),
        (pl.Series(["a", "x"]), "2 photos with 3 features"),
    ],
)
def test_a_photo_without_features_is_named(photos: pl.Series, message: str) -> None:
    table = pl.DataFrame([("a", 1.0, 2.0), ("x", 1.0, 2.0)], schema=SCHEMA, orient="row")
    with pytest.raises(ValueError, match=message):
        score(table, photos, FEATURES, MODEL)


coordinates = st.sampled_from([-120.0, -60.5, 0.0, 12.25, 60.5, 91.0]) | st.none()
rows_of_photos = st.lists(st.tuples(st.sampled_from("abc"), coordinates, coordinates), max_size=12)


@given(rows_of_photos, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit_of_a_score(rows: list[Row], random: Any) -> None:
    order = random.sample(range(len(rows)), len(rows))
    shuffled = scores(*(rows[each] for each in order))
    assert shuffled == list(np.array(scores(*rows), dtype=object)[order] if rows else [])
