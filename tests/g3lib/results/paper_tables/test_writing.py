"""Markdown of the papers' tables: three lines a row, no more than there is to say, and nothing breaks out of a cell."""

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.experiments.published import published
from g3lib.results.paper_tables import (
    accuracies_markdown,
    caveats_markdown,
    coverage,
    markdown_table,
    paper_table,
)

KM = (1, 25, 200, 750, 2500)


def accuracy(
    experiment: str = "g3", policy: str = "open", benchmark: str = "im2gps3k", lmm: str = "gpt-x"
) -> pl.DataFrame:
    about = {"benchmark": benchmark, "experiment": experiment, "method": "G3", "variant": "full", "lmm": lmm}
    values = {"accuracy": 0.4, "ci_low": 0.38, "ci_high": 0.42, "n": 2997, "n_failed": 3}
    return pl.DataFrame({**about, "gallery_policy": policy, "threshold_km": KM, **values})


@pytest.fixture
def table_7() -> pl.DataFrame:
    frames = [accuracy(), accuracy("g3+other-authors", "other-authors"), accuracy(benchmark="own-photos")]
    return paper_table("table_7", {"accuracy": pl.concat(frames), "published": published()})


def test_measured_published_and_difference_stand_below_one_another(table_7: pl.DataFrame) -> None:
    text = accuracies_markdown(table_7)
    assert text.count("####") == 2
    assert re.search(r"G3, full \| gpt-x \| open \| measured \| 40.0 \[38.0–42.0\].*\| 2997 \| 3 \|", text)
    assert "|  |  |  | published | 16.65 | 40.94 | 55.56 | 71.24 | 84.68 |  |  |" in text
    assert re.search(r"difference \| \+23\.[34] not covered \| -0.9 covered \| -15.6 not covered", text)
    arm = text.splitlines().index(next(line for line in text.splitlines() if "other-authors" in line))
    assert not text.splitlines()[arm + 1].startswith("|  |")  # nothing is published of that arm
    only_printed = next(line for line in text.splitlines() if line.startswith("| G3, G3-N"))
    assert only_printed == (
        "| G3, G3-N, neighbourhood in the text | – | – | published | 16.44 | 40.64 | 54.35 | 70.57 | 83.98 |  |  |"
    )
    assert coverage(table_7) == (5, 1)


def test_what_was_measured_comes_first(table_7: pl.DataFrame) -> None:
    own = accuracies_markdown(
        paper_table("table_1", {"accuracy": accuracy(benchmark="zoo"), "published": published()})
    )
    assert re.findall("#### (.*)", own) == ["zoo", "im2gps3k", "yfcc4k"]


def test_caveats_are_told_once_with_the_benchmarks_they_hold_for() -> None:
    text = caveats_markdown(paper_table("table_1", {"published": published()}))
    lines = text.splitlines()
    assert len(lines) == len(set(lines))
    (planet,) = [line for line in lines if line.startswith("- PlaNet:")]
    assert "re-run; copied by G3" in planet and planet.endswith("(im2gps3k, yfcc4k)")
    assert sum("Img2Loc's own paper prints" in line for line in lines) == 2
    assert "re-run; re-run" not in text and "paper;" not in text


def test_gains_without_a_number_still_have_a_line() -> None:
    gain = {
        "place": 0,
        "benchmark": "b",
        "method": "GEM",
        "variant": None,
        "threshold_km": None,
        "published": None,
    }
    nothing = dict.fromkeys(
        ("accuracy", "difference", "covered", "lmm", "gallery_policy", "experiment", "n", "n_failed")
    )
    text = accuracies_markdown(pl.DataFrame([gain | nothing]))
    assert text.splitlines()[-1] == "| GEM | – | – | gain | – | – | – | – | – |  |  |"


def test_an_unknown_table_is_named_beside_those_there_are() -> None:
    with pytest.raises(KeyError, match=r"no table 'table_6'.*table_1.*failure_study"):
        paper_table("table_6", {})


@given(st.lists(st.lists(st.text(max_size=12), min_size=3, max_size=3), max_size=4))
def test_whatever_a_cell_holds_it_stays_one(cells: list[list[str]]) -> None:
    lines = markdown_table(["a", "b", "c"], cells, 1).removesuffix("\n").split("\n")
    assert len(lines) == 2 + len(cells)
    for line in lines:
        assert len(re.findall(r"(?<!\\)\|", line)) == 4
        assert "<" not in line and "\r" not in line


def test_names_from_outside_do_not_become_markup() -> None:
    wild = accuracy(lmm="<img src=x>|a\nb")
    text = accuracies_markdown(paper_table("table_7", {"accuracy": wild, "published": published()}))
    assert "<img" not in text and "&lt;img src=x>\\|a b" in text
