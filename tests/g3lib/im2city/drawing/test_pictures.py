"""Pictures: whole PNGs of one size, names that overlap nothing, and frames that hold little."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.text import Text
from PIL import Image

from g3lib.experiments.cities import place_pulse_cities
from g3lib.im2city.certainty import reliability
from g3lib.im2city.drawing import (
    bars_png,
    curve_png,
    embedding_map_png,
    likeness_png,
    nearest_png,
    reliability_png,
    wrong_distances_png,
)
from g3lib.im2city.drawing.canvas import new_figure
from g3lib.im2city.drawing.names import write_names
from g3lib.im2city.proximity import (
    embedding_map,
    label_distances,
    label_pairs,
    label_similarities,
    nearest_labels,
    wrong_distances,
)

CITIES = place_pulse_cities()
LABELS = CITIES.select(label="city", lat="lat", lon="lon")
DISTANCE = label_distances(CITIES["lat"], CITIES["lon"])
SIMILARITY = label_similarities(np.random.default_rng(0).normal(size=(56, 8)))

pytestmark = pytest.mark.filterwarnings("error")


def accuracies(arms: int, series: int) -> pl.DataFrame:
    rows = [
        (f"arm {arm}", f"series {number}", 0.5, 0.4, 0.6, 1 / 56)
        for arm in range(arms)
        for number in range(series)
    ]
    names = ["arm", "series", "accuracy", "ci_low", "ci_high", "chance"]
    return pl.DataFrame(rows, schema=names, orient="row")


def shots(of: list[int | None]) -> pl.DataFrame:
    rows = [("probe", number, 0.5, 0.4, 0.6) for number in of]
    return pl.DataFrame(
        rows,
        schema={
            "series": pl.String,
            "shots": pl.Int64,
            **dict.fromkeys(["accuracy", "ci_low", "ci_high"], pl.Float64),
        },
        orient="row",
    )


def sure() -> pl.DataFrame:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 200)
    return reliability(probabilities, np.random.default_rng(1).integers(0, 3, 200))


def wrong(photos: int) -> pl.DataFrame:
    truth, predicted = np.random.default_rng(0).integers(0, 56, (2, photos))
    return wrong_distances(truth, predicted, DISTANCE, permutations=20)


def mapped() -> pl.DataFrame:
    points = embedding_map(SIMILARITY, CITIES["lat"], CITIES["lon"]).points
    group = CITIES["country_code"].replace_strict(
        {"us": "Americas", "ca": "Americas", "bw": None}, default="elsewhere"
    )
    return points.with_columns(label=CITIES["city"], group=group)


def pairs(models: int) -> pl.DataFrame:
    frame = label_pairs(SIMILARITY, DISTANCE)
    return pl.concat(frame.with_columns(model=pl.lit(f"model {number}")) for number in range(models))


PICTURES: dict[str, Callable[[Path], None]] = {
    "one model": lambda path: likeness_png(pairs(1), path),
    "two models": lambda path: likeness_png(pairs(2), path),
    "nearest labels": lambda path: nearest_png(nearest_labels(SIMILARITY, DISTANCE), LABELS, path),
    "embedding map": lambda path: embedding_map_png(mapped(), path, "map"),
    "reliability": lambda path: reliability_png({"before": sure(), "after": sure()}, path, "probe"),
    "no photos": lambda path: reliability_png({"before": sure().clear()}, path, "probe"),
    "accuracies": lambda path: bars_png(accuracies(12, 4), path, "which prompt?"),
    "one arm": lambda path: bars_png(
        accuracies(1, 1).with_columns(chance=pl.lit(None)), path, "which prompt?"
    ),
    "shots": lambda path: curve_png(shots([1, 2, 4, 8, 16, None]), path, "how many?"),
    "all photos only": lambda path: curve_png(shots([None]), path, "how many?"),
    "few shots only": lambda path: curve_png(shots([1, 4]), path, "how many?"),
    "wrong answers": lambda path: wrong_distances_png(wrong(300), path, "probe"),
    "no wrong answer": lambda path: wrong_distances_png(wrong(0), path, "probe"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_whole_png_with_something_on_it(name: str, tmp_path: Path) -> None:
    PICTURES[name](tmp_path / "folder" / "picture.png")
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["picture.png"]
    with Image.open(tmp_path / "folder" / "picture.png") as picture:
        assert picture.format == "PNG" and picture.size == (980, 560)
        drawn = np.asarray(picture.convert("L")) < 128
    assert drawn.mean() > 0.002
    # nothing runs over the edge
    assert not (drawn[[0, -1]].any() or drawn[:, [0, -1]].any())
    assert (tmp_path / "folder" / "picture.png").stat().st_size < 300_000


def written(points: np.ndarray, names: list[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names on a picture, their boxes in pixels, and the points in pixels."""
    figure, axes = new_figure()
    axes.scatter(*points.T)
    write_names(figure, axes, points, names)
    figure.draw_without_rendering()
    # an annotation's own extent holds its line, too
    boxes = [Text.get_window_extent(text).extents for text in axes.texts]
    return [text.get_text() for text in axes.texts], np.array(boxes), axes.transData.transform(points)


def test_names_stand_on_no_other_name_or_point() -> None:
    points = CITIES.select("lon", "lat").to_numpy()
    names, boxes, places = written(points, CITIES["city"].to_list())
    assert len(names) >= 50 and len(set(names)) == len(names)
    for number, box in enumerate(boxes):
        others = np.delete(boxes, number, axis=0)
        assert ((others[:, :2] >= box[2:]).any(axis=1) | (others[:, 2:] <= box[:2]).any(axis=1)).all()
        assert not ((places > box[:2]) & (places < box[2:])).all(axis=1).any()
        assert box.min() >= 0 and box[2] <= 980 and box[3] <= 560


def test_names_without_room_are_left_out() -> None:
    names, boxes, _ = written(np.zeros((80, 2)), [f"Llanfairpwllgwyngyll {number}" for number in range(80)])
    assert 10 < len(names) < 80 and len(boxes) == len(names)


def test_a_name_with_room_stands_beside_its_point() -> None:
    _, boxes, places = written(np.array([[0.0, 0.0], [1.0, 1.0]]), ["here", "there"])
    for box, place in zip(boxes, places, strict=True):
        assert np.abs((box[:2] + box[2:]) / 2 - place).max() < 40
