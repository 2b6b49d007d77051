"""Names beside points, on no other name or point."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = NDArray[np.float64]  # left, bottom, right, top in pixels; a place or a size is two numbers

NEAR = 60.0  # pixels: points that want the same room
GAP = (5.0, 1.0)  # pixels between two names side by side, and one above the other
_POINT = 3.0  # pixels from its middle that a point takes
# to the right first, as one reads
_TURNS = np.radians([0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240])
_STEPS = (4.0, 8.0, 13.0, 20.0, 28.0, 38.0, 50.0, 64.0, 80.0, 100.0)  # pixels between a point and its name


def write_names(figure: Any, axes: Any, points: NDArray[np.float64], names: Sequence[str]) -> None:
    """Write the name of each point (n, 2) near it, joined by a thin line; what finds no room is left out.

    Call it last: the layout is settled by it. Points in a crowd choose first; others find room anyhow.
    """
    figure.draw_without_rendering()  # settles where points are in pixels
    figure.set_layout_engine("none")  # there they stay
    places = axes.transData.transform(points)
    frame = np.array(axes.get_window_extent().extents)
    taken = np.column_stack([places - _POINT, places + _POINT])
    crowd = (np.linalg.norm(places[:, np.newaxis] - places, axis=-1) < NEAR).sum(axis=1)
    for number in np.argsort(-crowd, kind="stable"):
        text = axes.annotate(names[number], points[number], (0, 0), textcoords="offset pixels", fontsize=5.5)
        text.set(ha="center", va="center", in_layout=False)
        size = np.array(text.get_window_extent().size) + GAP
        room = _room(places[number], size, taken, frame)
        text.remove()
        if room is not None:
            taken = np.vstack([taken, room])
            _write(axes, names[number], points[number], (room[:2] + room[2:]) / 2 - places[number])


def _room(place: Box, size: Box, taken: Box, frame: Box) -> Box | None:
    """Where a text of that size can stand, as near to its place as there is room; None if there is none."""
    directions = np.column_stack([np.cos(_TURNS), np.sin(_TURNS)])
    middles = (place + directions * (np.array(_STEPS)[:, np.newaxis, np.newaxis] + size / 2)).reshape(-1, 2)
    boxes = np.column_stack([middles - size / 2, middles + size / 2])
    others = taken[:, np.newaxis]
    apart = (others[..., :2] > boxes[:, 2:]).any(axis=2) | (others[..., 2:] < boxes[:, :2]).any(axis=2)
    inside = (boxes[:, :2] > frame[:2]).all(axis=1) & (boxes[:, 2:] < frame[2:]).all(axis=1)
    free = np.flatnonzero(inside & apart.all(axis=0))
    found: Box | None = boxes[free[0]] if len(free) else None
    return found


def _write(axes: Any, name: str, point: NDArray[np.float64], offset: NDArray[np.float64]) -> None:
    from matplotlib.patheffects import withStroke

    line = {"arrowstyle": "-", "linewidth": 0.3, "color": "0.5", "shrinkA": 0, "shrinkB": 2}
    text = axes.annotate(name, point, offset, textcoords="offset pixels", fontsize=5.5, arrowprops=line)
    text.set(ha="center", va="center", in_layout=False, zorder=5)
    text.set_path_effects([withStroke(linewidth=1.2, foreground="white")])  # readable on lines
