"""What each query's candidates, references and gallery held, by hand and by plain loops."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.geo import geodesic_km
from g3lib.results import THRESHOLDS_KM, diagnose, hits
from g3lib.results.calibration import cross_fitted
from g3lib.results.diagnosis import DIAGNOSIS_SCHEMA, ORACLES, PROBABILITIES

CANDIDATES = {"photo_id": pl.String, "lat": pl.Float64, "lon": pl.Float64, "score": pl.Float64}
POSITIONS = {"photo_id": pl.String, "lat": pl.Float64, "lon": pl.Float64}
NO_REFERENCES = pl.DataFrame(schema=POSITIONS)


def predictions(photos: int, **columns: object) -> pl.DataFrame:
    """Photos at (0, 0), each by somebody else, that nothing was found for."""
    frame = pl.DataFrame(
        {
            "photo_id": [f"p{number}" for number in range(photos)],
            "author": [f"a{number}" for number in range(photos)],
        },
        schema={"photo_id": pl.String, "author": pl.String},
    )
    plain: dict[str, object] = {"benchmark": "toy", "experiment": "g3", "gallery_policy": "open"}
    plain |= {
        "true_lat": 0.0,
        "true_lon": 0.0,
        "error_km": pl.lit(None, pl.Float64),
        "score": pl.lit(None, pl.Float64),
    }
    return frame.with_columns(**{name: _value(each) for name, each in (plain | columns).items()})


def _value(each: object) -> object:
    return (
        pl.Series(each) if isinstance(each, list) else pl.lit(each) if isinstance(each, str | float) else each
    )


def east(degrees: float) -> float:
    return float(geodesic_km(0, 0, 0, degrees))


def test_the_nearest_of_the_first_by_score_then_by_row() -> None:
    rows = [
        ("p0", 0.0, 9.0, None),  # without a score: behind those with one, in their order
        ("p0", 0.0, 5.0, 0.5),
        ("p0", 0.0, 7.0, 0.9),
        ("p0", 0.0, 6.0, 0.9),  # equal to the one before, which came first
        ("p0", 0.0, 4.0, 0.1),
        ("p0", None, None, 1.0),  # no position
        ("p0", 91.0, 0.0, 1.0),  # none on Earth
        ("p0", 0.0, 1.0, float("nan")),
    ]
    scored = pl.DataFrame(rows, schema=CANDIDATES, orient="row")
    (row,) = diagnose(predictions(1), scored, NO_REFERENCES, None).to_dicts()
    assert row["candidates"] == 6
    assert row["oracle_1_km"] == pytest.approx(east(7))
    assert row["oracle_5_km"] == pytest.approx(east(4))  # the scored four and the first of the others
    assert row["oracle_10_km"] == row["oracle_20_km"] == row["oracle_km"] == pytest.approx(east(1))


def test_without_scores_candidates_stand_in_their_order() -> None:
    scored = pl.DataFrame({"photo_id": ["p0"] * 3, "lat": 0.0, "lon": [3.0, 2.0, 1.0], "score": [None] * 3})
    (row,) = diagnose(predictions(1), scored, NO_REFERENCES, None).to_dicts()
    assert row["oracle_1_km"] == pytest.approx(east(3)) and row["oracle_5_km"] == pytest.approx(east(1))
    assert all(row[name] is None for name in PROBABILITIES)


def test_references_and_gallery_stand_beside_the_prediction() -> None:
    references = pl.DataFrame(
        [("p0", 0.0, 3.0), ("p0", 0.0, -2.0), ("p2", 0.0, 8.0), ("another", 0.0, 0.0)],
        schema=POSITIONS,
        orient="row",
    )
    gallery = pl.DataFrame({"photo_id": ["p2", "p0", "p1"], "gallery_km": [1.5, None, 0.0]})
    scored = pl.DataFrame([("p2", 0.0, 1.0, 0.5)], schema=CANDIDATES, orient="row")
    found = diagnose(predictions(3, gallery_policy="other-authors"), scored, references, gallery)
    assert found.schema == DIAGNOSIS_SCHEMA and found["photo_id"].to_list() == ["p0", "p1", "p2"]
    assert found["reference_km"].to_list() == [pytest.approx(east(2)), None, pytest.approx(east(8))]
    assert found["gallery_km"].to_list() == [None, 0.0, 1.5]
    assert found["candidates"].to_list() == [0, 0, 1]
    assert found["oracle_km"].to_list() == [None, None, pytest.approx(east(1))]
    assert set(found["gallery_policy"]) == {"other-authors"}


def test_an_experiment_that_searches_nothing_has_neither() -> None:
    found = diagnose(
        predictions(2, gallery_policy=pl.lit(None, pl.String)),
        pl.DataFrame(schema=CANDIDATES),
        NO_REFERENCES,
        None,
    )
    for name in ("gallery_policy", "reference_km", "gallery_km", "oracle_1_km", "oracle_km"):
        assert found[name].null_count() == 2, name


def test_chances_are_those_of_other_authors() -> None:
    generator = np.random.default_rng(0)
    scores = generator.random(60)
    errors = np.exp(8 - 8 * scores + generator.normal(size=60))
    authors = [f"a{number % 9}" if number % 4 else "unknown" for number in range(60)]
    frame = predictions(60, author=authors, score=scores.tolist(), error_km=errors.tolist()).with_columns(
        pl.when(pl.col("photo_id") != "p5").then(pl.col("score", "error_km"))
    )
    found = diagnose(frame, pl.DataFrame(schema=CANDIDATES), NO_REFERENCES, None)
    chances = found.select(PROBABILITIES).to_numpy()
    assert found.select(PROBABILITIES)[5].null_count().row(0) == (1,) * 5
    clusters = [author if author != "unknown" else f"\0p{number}" for number, author in enumerate(authors)]
    filled = frame["score"].fill_null(np.nan).to_numpy()
    expected = cross_fitted(filled, hits(frame["error_km"].to_numpy()), clusters)
    assert np.array_equal(chances, expected, equal_nan=True)
    assert (np.diff(np.delete(chances, 5, axis=0), axis=1) >= 0).all()


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.floats(-90, 90),
            st.floats(-180, 179),
            st.sampled_from([0.1, 0.2, 0.3, None]),
        ),
        max_size=60,
    )
)
def test_oracles_only_get_better_with_depth_and_are_at_least_the_choice(
    rows: list[tuple[int, float, float, float | None]],
) -> None:
    named = [(f"p{photo}", *rest) for photo, *rest in rows]
    scored = pl.DataFrame(named, schema=CANDIDATES, orient="row")
    chosen: list[float | None] = []
    by_photo = {f"p{number}": [row for row in named if row[0] == f"p{number}"] for number in range(5)}
    for own in by_photo.values():
        ranked = sorted(own, key=lambda row: -row[3] if row[3] is not None else np.inf)  # stable
        chosen.append(float(geodesic_km(0, 0, ranked[0][1], ranked[0][2])) if ranked else None)
    found = diagnose(
        predictions(5, error_km=pl.Series(chosen, dtype=pl.Float64)), scored, NO_REFERENCES, None
    )
    depths = found.select([f"oracle_{k}_km" for k in ORACLES] + ["oracle_km"]).to_numpy()
    assert found["candidates"].to_list() == [len(own) for own in by_photo.values()]
    assert np.array_equal(depths[:, 0], found["error_km"].to_numpy(), equal_nan=True)
    assert (np.diff(depths[found["candidates"].to_numpy() > 0], axis=1) <= 0).all()
    accuracy = [hits(column).mean(axis=0) for column in depths.T]
    assert all((wider >= narrower).all() for narrower, wider in pairwise(accuracy))
    for own, row in zip(by_photo.values(), found.iter_rows(named=True), strict=True):
        if own:
            assert row["oracle_km"] == min(float(geodesic_km(0, 0, lat, lon)) for _, lat, lon, _ in own)


def test_thresholds_name_the_chances() -> None:
    assert list(PROBABILITIES) == [f"probability_{km}_km" for km in THRESHOLDS_KM]


def test_what_cannot_be_diagnosed_is_named() -> None:
    nothing = pl.DataFrame(schema=CANDIDATES)
    two = pl.concat([predictions(1), predictions(1).with_columns(experiment=pl.lit("other"))])
    with pytest.raises(ValueError, match="2 experiments"):
        diagnose(two, nothing, NO_REFERENCES, None)
    with pytest.raises(ValueError, match="'p0' has several predictions"):
        diagnose(pl.concat([predictions(1)] * 2), nothing, NO_REFERENCES, None)
    stranger = pl.DataFrame([("p7", 0.0, 0.0, 0.5)], schema=CANDIDATES, orient="row")
    with pytest.raises(ValueError, match="'p7' has candidates but no prediction"):
        diagnose(predictions(1), stranger, NO_REFERENCES, None)
    assert diagnose(predictions(0), nothing, NO_REFERENCES, None).schema == DIAGNOSIS_SCHEMA
