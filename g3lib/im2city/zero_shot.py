"""Zero-shot GEM: image features against those of prompts, by single templates and by weighted ensembles of them.

Text features are (t, k, d): t templates, k labels, d numbers, as the encoder's text tower projects them, not
normalised, computed once by the caller. An ensemble is one more template: what measures templates measures ensembles.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from g3lib.features.shards import FeaturesMismatch
from g3lib.im2city.model import CityModel, Matrix
from g3lib.im2city.prompts import recorded
from g3lib.im2city.ranking import ranks_of_truth

SCALE = 100.0  # of CLIP's cosines, where its training ended


def ensemble(text_features: NDArray[np.floating], weights: ArrayLike) -> Matrix:
    """(t, k, d) text features and (t,) weights to (k, d) float32 rows of length 1.

    The weighted sum of un-normalised features, then normalised (author code): a template with long features counts for
    more. ValueError for weights that are negative, not finite, all 0 or not t, and for a label whose sum has length 0.
    """
    shares = _checked_weights(text_features, weights)
    summed = np.tensordot(shares, text_features.astype(np.float64), axes=1)
    lengths = np.linalg.norm(summed, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        row = int(np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))[0])
        raise ValueError(
            f"the text features of label {row} sum to length {lengths[row, 0]}, which has no direction; compute the "
            "text features again"
        )
    return np.asarray(summed / lengths, np.float32)


def uniform_weights(templates: Sequence[str]) -> NDArray[np.float64]:
    """Equal weights (t,) that sum to 1."""
    return np.full(len(templates), 1.0 / max(len(templates), 1))


def recorded_weights(preset: str, templates: Sequence[str]) -> NDArray[np.float64]:
    """The weights (t,) of these templates as the authors' script has them: `recorded` (three) or `recorded-all` (six).

    A template with recorded weight 0 may be left out. KeyError for an unknown preset; ValueError if the templates are
    not those that were weighted.
    """
    known = recorded(preset)
    needed = {name for name, weight in known.weights.items() if weight > 0}
    if len(set(templates)) < len(templates) or not needed <= set(templates) <= set(known.weights):
        raise ValueError(
            f"weights {preset!r} were recorded for {', '.join(known.weights)}, not for {', '.join(templates)}; name "
            "those, or let the weights be measured"
        )
    return np.array([known.weights[name] for name in templates])


def measured_weights(accuracies: ArrayLike) -> NDArray[np.float64]:
    """Weights (t,) that sum to 1: the softmax of single-template top-1 accuracies in percentage points, from 0 to 100.

    So read from the recorded weights, whose logarithms differ by exactly 0.71 and 1.46. To be measured on photos that
    no result is reported on. ValueError for what is no percentage.
    """
    points = np.asarray(accuracies, np.float64)
    if points.ndim != 1 or not len(points) or not ((points >= 0) & (points <= 100)).all():
        raise ValueError(
            f"accuracies {points} are no percentages of one or more templates; give 0 to 100 for each"
        )
    powers = np.exp(points - points.max())
    return np.asarray(powers / powers.sum())


def zero_shot_model(text_features: NDArray[np.floating], weights: ArrayLike) -> CityModel:
    """The classifier of an ensemble, or of one template (weights [1]): cosines times CLIP's 100."""
    rows = ensemble(text_features, weights)
    return CityModel(rows, np.zeros(len(rows), np.float32), normalised=True, scale=SCALE)


def template_accuracies(
    image_features: NDArray[np.floating],
    text_features: NDArray[np.floating],
    truth: NDArray[np.integer],
    names: Sequence[str],
    top: tuple[int, ...] = (1, 5),
) -> pl.DataFrame:
    """How many photos each template, alone, puts among its `top` labels: template, n, and a column correct_<top> each.

    image_features (n, d), float16 or float32, need no normalising: the order of a photo's labels does not depend on it.
    text_features (t, k, d) may have ensembles among them; `names` (t,) are theirs. truth (n,) are row numbers of
    labels; photos without one (-1) are left out, and `n` counts the others. Of labels with equal cosines the first in
    order comes first. FeaturesMismatch for features of different widths; ValueError for features or truths that are no
    good.
    """
    _check(image_features, text_features, truth, names)
    rows = np.stack([ensemble(one[None], [1.0]) for one in text_features])
    known = np.flatnonzero(truth >= 0)
    ranks = ranks_of_truth(image_features, rows, truth, known)
    correct = {f"correct_{each}": (ranks < each).sum(axis=0) for each in top}
    columns = {"template": list(names), "n": np.full(len(names), len(known))} | correct
    return pl.DataFrame(columns, schema_overrides=dict.fromkeys(["n", *correct], pl.Int64))


def _checked_weights(text_features: NDArray[np.floating], weights: ArrayLike) -> NDArray[np.float64]:
    shares = np.asarray(weights, np.float64)
    if text_features.ndim != 3 or shares.shape != text_features.shape[:1]:
        raise ValueError(
            f"text features {text_features.shape} and weights {shares.shape}; (t, k, d) and (t,) are needed"
        )
    if not (np.isfinite(shares) & (shares >= 0)).all() or not shares.any():
        raise ValueError(f"weights {shares} of an ensemble; they are 0 or more, and one at least is above 0")
    return shares


def _check(
    image_features: NDArray[np.floating],
    text_features: NDArray[np.floating],
    truth: NDArray[np.integer],
    names: Sequence[str],
) -> None:
    texts, photos = text_features.shape, image_features.shape
    if len(texts) != 3 or len(photos) != 2 or photos[1] != texts[2]:
        raise FeaturesMismatch(
            f"image features are {photos}, text features {texts}; (n, d) and (t, k, d) of one encoder are needed: of "
            "another encoder, they mean nothing to each other"
        )
    if truth.shape != photos[:1] or len(names) != texts[0]:
        raise ValueError(
            f"{photos[0]} photos with truths {truth.shape}, {texts[0]} templates with {len(names)} names; each has one"
        )
    if len(truth) and not -1 <= truth.min() <= truth.max() < texts[1]:
        raise ValueError(
            f"truths from {truth.min()} to {truth.max()} for {texts[1]} labels; they are rows of the labels, or -1"
        )
