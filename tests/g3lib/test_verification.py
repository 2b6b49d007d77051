"""Scores are cosines of the trained heads; one usable candidate per photo is chosen, or none."""

import math

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from g3lib import verification
from g3lib.alignment.model import GeoAlignment
from g3lib.experiments.alignment import AlignmentSettings
from g3lib.experiments.experiment import Selection
from g3lib.geo import is_on_earth
from g3lib.verification import choose, score

SETTINGS = AlignmentSettings(rff_frequencies=4, hidden=8, location=8)
SCHEMA = {"photo_id": pl.String, "lat": pl.Float64, "lon": pl.Float64, "score": pl.Float64}
Row = tuple[str, float | None, float | None, float | None]


def scored(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def chosen(table: pl.DataFrame, selection: Selection, seed: int = 0) -> list[int]:
    result = choose(table, selection, seed)
    assert result.drop("chosen").equals(table)  # nothing else changes, the order least of all
    return result.with_row_index("row").filter("chosen")["row"].to_list()


# --- scores


@pytest.fixture
def model() -> GeoAlignment:
    torch.manual_seed(0)
    return GeoAlignment(6, SETTINGS).eval()


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(3, 6, generator=torch.Generator().manual_seed(1))


def test_a_score_is_the_cosine_of_photo_and_place(model: GeoAlignment, features: torch.Tensor) -> None:
    rows: list[Row] = [("b", 48.0, 2.0, None), ("a", -33.0, 151.0, None), ("b", 10.0, 20.0, None)]
    result = score(scored(*rows).drop("score"), pl.Series(["a", "b", "c"]), features, model)
    with torch.inference_mode():
        images = model.image_gps(features)
        places = model.gps(torch.tensor([[48.0, 2.0], [-33.0, 151.0], [10.0, 20.0]], dtype=torch.float64))
        expected = [float(images[photo] @ place) for photo, place in zip((1, 0, 1), places, strict=True)]
    assert result["score"].to_list() == pytest.approx(expected, abs=1e-6)
    assert result.columns == ["photo_id", "lat", "lon", "score"]


def test_many_candidates_are_scored_in_batches_alike(
    model: GeoAlignment, features: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = scored(*[("abc"[i % 3], float(i), float(2 * i), None) for i in range(11)]).drop("score")
    whole = score(table, pl.Series(["a", "b", "c"]), features, model)["score"].to_list()
    monkeypatch.setattr(verification, "BATCH", 4)
    assert score(table, pl.Series(["a", "b", "c"]), features, model)["score"].to_list() == pytest.approx(
        whole
    )


def test_what_has_no_usable_position_has_no_score(model: GeoAlignment, features: torch.Tensor) -> None:
    table = scored(
        ("a", None, None, None),
        ("a", 1.0, None, None),
        ("a", 91.0, 0.0, None),
        ("a", 0.0, 180.0, None),
        ("a", math.nan, 0.0, None),
        ("a", 1.0, 2.0, None),
    ).drop("score")
    result = score(table, pl.Series(["a", "b", "c"]), features, model)["score"]
    assert result.is_null().to_list() == [True] * 5 + [False]
    nothing = score(table[:5], pl.Series(["a", "b", "c"]), features, model)["score"]
    assert nothing.null_count() == 5 and nothing.dtype == pl.Float64
    empty = score(table.clear(), pl.Series(["a", "b", "c"]), features, model)
    assert empty.height == 0 and empty.schema["score"] == pl.Float64


def test_a_photo_without_features_is_named(model: GeoAlignment, features: torch.Tensor) -> None:
    table = scored(("a", 1.0, 2.0, None), ("x", 1.0, 2.0, None)).drop("score")
    with pytest.raises(ValueError, match=r"1 photos have candidates but no features, e\.g\. x"):
        score(table, pl.Series(["a", "b", "c"]), features, model)


# --- choices

TABLE = scored(
    ("a", 1.0, 1.0, 0.1),
    ("b", 2.0, 2.0, 0.9),
    ("a", 3.0, 3.0, 0.5),
    ("a", 4.0, 4.0, 0.5),
    ("b", 5.0, 5.0, 0.2),
    ("c", None, None, None),
)


def test_the_verifier_takes_the_best_score_and_of_equals_the_earliest() -> None:
    assert chosen(TABLE, "verifier") == [1, 2]


def test_without_it_the_first_is_taken() -> None:
    assert chosen(TABLE, "first") == [0, 1]


@pytest.mark.parametrize("selection", ["verifier", "first", "random"])
def test_candidates_that_cannot_be_are_never_chosen(selection: Selection) -> None:
    nowhere: list[tuple[float | None, float | None]] = [
        (None, None),
        (None, 1.0),
        (1.0, None),
        (90.5, 0.0),
        (0.0, 180.0),
        (math.nan, 1.0),
        (0.0, math.inf),
    ]
    table = scored(*(("a", lat, lon, 0.99) for lat, lon in nowhere), ("a", 1.0, 2.0, -0.5))
    for seed in range(5):
        assert chosen(table, selection, seed) == [len(nowhere)]
        assert chosen(table[:-1], selection, seed) == []  # all failed: no prediction
    assert choose(table.clear(), selection, 0).schema["chosen"] == pl.Boolean


def test_a_random_choice_is_its_seeds_and_takes_each_candidate_about_as_often() -> None:
    table = scored(*(("a", float(i), 0.0, float(i)) for i in range(4)))
    picks = [chosen(table, "random", seed)[0] for seed in range(400)]
    assert picks[:20] == [chosen(table, "random", seed)[0] for seed in range(20)]
    assert np.bincount(picks, minlength=4) == pytest.approx(100, abs=45)  # five deviations


cells = st.tuples(
    st.sampled_from("abc"),
    st.none() | st.floats(-100, 100),
    st.none() | st.floats(-200, 200),
    st.none() | st.floats(-1, 1),
)


@given(st.lists(cells, max_size=12), st.sampled_from(["verifier", "first", "random"]), st.integers(0, 9))
def test_one_usable_candidate_per_photo_if_there_is_any(
    rows: list[Row], selection: Selection, seed: int
) -> None:
    table = scored(*rows)
    picks = chosen(table, selection, seed)
    usable = [
        i
        for i, (_, lat, lon, value) in enumerate(rows)
        if lat is not None and lon is not None and is_on_earth(lat, lon)
        if value is not None or selection != "verifier"
    ]
    assert set(picks) <= set(usable)
    photos = [rows[i][0] for i in picks]
    assert sorted(photos) == sorted({rows[i][0] for i in usable})
    for pick in picks if selection == "verifier" else []:
        rivals = [i for i in usable if rows[i][0] == rows[pick][0]]
        assert pick == max(rivals, key=lambda i: (rows[i][3], -i))
