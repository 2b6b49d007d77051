"""What people see: every number of a table, in 80 columns, and pictures a page can carry."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from rich.console import Console

from g3lib.geo import geodesic_km
from g3lib.results import accuracy_table
from g3lib.results.display import (
    _arc,
    accuracy_markdown,
    error_curve_png,
    leaderboard_table,
    map_png,
)


@pytest.fixture
def accuracies(predictions: pl.DataFrame) -> pl.DataFrame:
    return accuracy_table(predictions, 4, 200, 0)


def text_of(frame: pl.DataFrame, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(leaderboard_table(frame))
    return capture.get()


def test_a_terminal_of_80_columns_shows_every_number(accuracies: pl.DataFrame) -> None:
    frame = accuracies.with_columns(median_km=pl.lit(np.inf), published=pl.lit(0.1665))
    text = text_of(frame)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "stand-in" in text and "toy" in text and "∞" in text and "(16.7)" in text
    assert "…" not in text
    for row in accuracies.iter_rows(named=True):
        assert f"{100 * row['accuracy']:.1f}" in text
        assert f"{100 * row['ci_low']:.1f}–{100 * row['ci_high']:.1f}" in text


def test_experiments_stand_in_the_order_of_the_catalogue(accuracies: pl.DataFrame) -> None:
    text = accuracy_markdown(accuracies.reverse())
    assert text.index("| – |") < text.index("| stand-in |")  # nn-clip comes before g3


def test_markdown_has_one_line_per_experiment_and_keeps_its_columns(
    accuracies: pl.DataFrame,
) -> None:
    lines = accuracy_markdown(accuracies).splitlines()
    assert len(lines) == 2 + 2
    assert {line.replace("\\|", "").count("|") for line in lines} == {13}
    assert "a\\|b" in lines[2]


def test_pictures_are_small_and_whole(predictions: pl.DataFrame, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    count = 1500
    many = pl.DataFrame(
        {
            "benchmark": "toy",
            "experiment": "g3",
            "lat": generator.uniform(-90, 90, count),
            "lon": generator.uniform(-180, 180, count),
            "true_lat": generator.uniform(-90, 90, count),
            "true_lon": generator.uniform(-180, 180, count),
            "error_km": generator.uniform(0, 20_000, count),
        }
    )
    for name, frame in {"many": many, "none": predictions.clear()}.items():
        for draw in (error_curve_png, map_png):
            path = tmp_path / f"{name}-{draw.__name__}.png"
            draw(frame, path)
            assert path.stat().st_size <= 100_000
            with Image.open(path) as picture:
                picture.load()
    assert not list(tmp_path.glob(".*"))


def test_arcs_are_cut_at_the_date_line_and_follow_the_great_circle() -> None:
    pieces = _arc(np.array([50.0, 170.0]), np.array([50.0, -170.0]))
    assert len(pieces) == 2
    assert all(np.abs(np.diff(piece[:, 0])).max() < 180 for piece in pieces)
    whole = np.concatenate(_arc(np.array([0.0, 0.0]), np.array([60.0, 90.0])))
    steps = geodesic_km(whole[:-1, 1], whole[:-1, 0], whole[1:, 1], whole[1:, 0])
    assert steps.sum() == pytest.approx(geodesic_km(0, 0, 60, 90), rel=2e-3)
