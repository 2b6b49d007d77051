"""The cases that a study shows: the extremes, both ways, and none where there is nothing to compare."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from g3lib.results.paper_tables import choose_cases, paper_table

GALLERIES = ("image", "image-gps-text")


def study(
    shifts: dict[str, tuple[float, float]], policy: str = "open", depth: int = 6, benchmark: str = "b"
) -> pl.DataFrame:
    """results.case_study of queries at (0, 0) whose references lie so many degrees north, by gallery."""
    rows = [
        {
            "benchmark": benchmark,
            "gallery": gallery,
            "policy": policy,
            "photo_id": photo,
            "kind": "similar",
            "rank": rank,
            "reference_dataset": "g",
            "reference_id": f"{gallery}-{rank}",
            "lat": lat,
            "lon": 0.0,
        }
        for photo, lats in shifts.items()
        for gallery, lat in zip(GALLERIES, lats, strict=True)
        for rank in range(depth)
    ]
    queries = {"benchmark": benchmark, "photo_id": list(shifts), "lat": 0.0, "lon": 0.0}
    return paper_table("case_study", {"reference": pl.DataFrame(rows), "query": pl.DataFrame(queries)})


def names(cases: pl.DataFrame) -> list[tuple[str, str]]:
    return cases.select("case", "photo_id").unique().sort("case", "photo_id").rows()


def test_the_largest_gains_and_losses_are_chosen_with_their_first_five_references() -> None:
    shifts = {
        "much": (40.0, 0.001),
        "some": (40.0, 1.0),
        "little": (40.0, 30.0),
        "same": (5.0, 5.0),
        "worse": (1.0, 2.0),
        "worst": (0.01, 9.0),
    }
    cases = choose_cases(study(shifts))
    assert names(cases) == [("gained", "much"), ("gained", "some"), ("lost", "worst")]
    assert cases.height == 3 * 2 * 5 and cases["rank"].max() == 4
    assert cases.filter(photo_id="much", gallery=GALLERIES[1])["within_1_km_of_5"].unique().to_list() == [5]


def test_each_benchmark_has_its_own_cases_and_other_policies_none() -> None:
    several = [study({"q": (9.0, 1.0)}, benchmark=name) for name in ("a", "b")]
    hidden = study({"r": (40.0, 0.001)}, policy="other-authors")
    cases = choose_cases(pl.concat([*several, hidden]))
    assert cases.select("benchmark", "photo_id").unique().sort("benchmark").rows() == [("a", "q"), ("b", "q")]


def test_without_both_galleries_there_is_nothing_to_compare() -> None:
    only = study({"q": (9.0, 1.0)}).filter(gallery="image")
    assert choose_cases(only).is_empty() and "case" in choose_cases(only).columns
    assert choose_cases(paper_table("case_study", {})).is_empty()


@given(st.lists(st.tuples(st.floats(0, 80), st.floats(0, 80)), min_size=1, max_size=12))
def test_no_query_that_was_left_out_gains_more(shifts: list[tuple[float, float]]) -> None:
    # what the view says of such references, without asking DuckDB a hundred times
    frame = pl.DataFrame(
        [
            {
                "benchmark": "b",
                "photo_id": f"q{i:02d}",
                "gallery": gallery,
                "policy": "open",
                "rank": 0,
                "median_km_of_5": lat * 111.0,
            }
            for i, lats in enumerate(shifts)
            for gallery, lat in zip(GALLERIES, lats, strict=True)
        ]
    )
    cases = choose_cases(frame)
    gains = np.array([np.log(a * 111.0 + 1e-3) - np.log(b * 111.0 + 1e-3) for a, b in shifts])
    chosen = {
        case: [int(photo[1:]) for name, photo in names(cases) if name == case] for case in ("gained", "lost")
    }
    assert len(chosen["gained"]) == min(2, int((gains > 0).sum())) and len(chosen["lost"]) == min(
        1, int((gains < 0).sum())
    )
    rest = [i for i in range(len(shifts)) if i not in chosen["gained"]]
    assert all(gains[i] >= gains[rest].max(initial=-np.inf) for i in chosen["gained"])
    assert all(gains[i] <= gains.min() for i in chosen["lost"])
