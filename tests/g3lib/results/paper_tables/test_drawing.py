"""Figures: a panel per threshold, points with intervals, and the published ones, whatever else is there."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from g3lib.experiments.published import published
from g3lib.results.paper_tables import curve_png, drawing, paper_table

KM = (1, 25, 200, 750, 2500)


def points(policy: str = "open", benchmark: str = "im2gps3k") -> pl.DataFrame:
    """Figure 3's four points; the first lies at an end of its interval."""
    arm = "" if policy == "open" else f"+{policy}"
    about = {
        "benchmark": benchmark,
        "method": "G3",
        "lmm": "gpt-x",
        "gallery_policy": policy,
        "threshold_km": KM,
    }
    frames = [
        pl.DataFrame(
            {**about, "experiment": f"g3-prompts-{k}{arm}", "variant": f"K = {k}", "accuracy": 0.1 * k}
        ).with_columns(ci_low=pl.col("accuracy"), ci_high=pl.col("accuracy") + 0.02)
        for k in (1, 2, 3, 4)
    ]
    return pl.concat(frames)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The figures that are saved, before they are."""
    figures: list[object] = []
    save = drawing.save_png
    monkeypatch.setattr(
        drawing, "save_png", lambda figure, path: (figures.append(figure), save(figure, path))
    )
    return figures


def draw(tmp_path: Path, *frames: pl.DataFrame) -> Path:
    inputs = {"published": published()} | ({"accuracy": pl.concat(frames)} if frames else {})
    path = tmp_path / "figure.png"
    curve_png(paper_table("figure_3", inputs), "Number of prompts, K", path)
    return path


def test_each_arm_is_a_line_over_all_points_in_each_panel(tmp_path: Path, drawn: list[object]) -> None:
    path = draw(tmp_path, points(), points("other-authors"))
    (figure,) = drawn
    assert [axes.get_title() for axes in figure.axes] == [f"{km} km" for km in KM]  # type: ignore[attr-defined]
    for axes in figure.axes:  # type: ignore[attr-defined]
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "2", "3", "4"]
        heights = [np.asarray(container[0].get_ydata()) for container in axes.containers]
        assert len(heights) == 2 and np.allclose(heights, [10, 20, 30, 40])
    (published_mark,) = [line for line in figure.axes[1].lines if line.get_marker() == "D"]  # type: ignore[attr-defined]
    assert published_mark.get_ydata() == pytest.approx([40.94]) and list(published_mark.get_xdata()) == [3]
    with Image.open(path) as picture:
        assert picture.size[0] > 500 and path.stat().st_size < 60_000


def test_with_nothing_measured_the_published_point_is_drawn(tmp_path: Path, drawn: list[object]) -> None:
    draw(tmp_path)
    (figure,) = drawn
    assert [len(axes.lines) for axes in figure.axes] == [1] * 5  # type: ignore[attr-defined]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["4"]  # type: ignore[attr-defined]


def test_a_benchmark_of_one_s_own_has_no_published_point(tmp_path: Path, drawn: list[object]) -> None:
    draw(tmp_path, points(benchmark="own"))
    labels = drawn[0].legends[0].get_texts()  # type: ignore[attr-defined]
    assert sorted(text.get_text() for text in labels) == ["im2gps3k, published", "own, gpt-x, open"]
