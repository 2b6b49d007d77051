"""Pictures of GEM as PNG files of 7 × 4 inches: functions of data frames, in which everything drawn can be read."""

from g3lib.im2city.drawing.accuracies import bars_png, curve_png
from g3lib.im2city.drawing.certainty import reliability_png
from g3lib.im2city.drawing.proximity import embedding_map_png, likeness_png, nearest_png, wrong_distances_png

__all__ = [
    "bars_png",
    "curve_png",
    "embedding_map_png",
    "likeness_png",
    "nearest_png",
    "reliability_png",
    "wrong_distances_png",
]
