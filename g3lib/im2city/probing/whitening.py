"""Coordinates in which a probe's objective is nearly round, so that L-BFGS needs tens of passes, not hundreds.

CLIP's features vary thousands of times more along some directions than along others, and as much does the curvature.
Its shape is that of X'HX, where H has a height for each photo: p (1 - p), taken as the mean over classes (our choice;
Boehning 1992, "Multinomial logistic regression algorithm", bounds H by 1/2 once for all, and takes half as many passes
again). Weights and bias (W, b) = U L^-1 with L L' = C X'HX + ridge are the same weights and bias in other coordinates:
nothing about the objective changes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from g3lib.im2city.probing.errors import BadFeatures
from g3lib.im2city.probing.rows import Rows, spans

SAMPLED = 4  # times d rows for X'HX: all of 12,000 x 768 saved no pass of 25, and took as long as five
LEAST = 1e-7  # height of a photo for the bias, where all are named beyond doubt and none has one


@dataclass(frozen=True)
class Whitening:
    """factor: (d + 1, d + 1) float64 lower triangle L, the bias last."""

    factor: Tensor

    def weights_and_bias(self, place: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates (k, d + 1) to weights (k, d) and bias (k,)."""
        both = torch.linalg.solve_triangular(self.factor, place, upper=False, left=False)
        return both[:, :-1], both[:, -1]

    def place(self, weights: Tensor, bias: Tensor) -> Tensor:
        """The reverse of `weights_and_bias`."""
        found: Tensor = _beside(weights, bias) @ self.factor
        return found

    def gradient(self, weights: Tensor, bias: Tensor) -> Tensor:
        """(k, d + 1): the gradient by coordinates of a gradient by weights (k, d) and bias (k,)."""
        both = _beside(weights, bias)
        slopes: Tensor = torch.linalg.solve_triangular(self.factor.T, both, upper=True, left=False)
        return slopes


def whitening(rows: Rows, c: float, weights: Tensor, bias: Tensor) -> Whitening:
    """By the curvature at weights (k, d) and bias (k,), estimated from rows at equal steps where there are many.

    Directions that vary less than rounding tells are taken to vary by as much, so that there is a factor.
    Raises BadFeatures if features are too large to be squared.
    """
    shape = c * _curvature(rows, weights, bias)
    if not torch.isfinite(shape).all():
        raise BadFeatures("features are too large to be squared; divide them all by their largest")
    diagonal = shape.diagonal()
    diagonal *= 1 + 10 * torch.finfo(rows.dtype).eps
    diagonal[:-1] += 1
    diagonal[-1] += LEAST * c * len(rows)
    return Whitening(torch.linalg.cholesky(shape))


def _curvature(rows: Rows, weights: Tensor, bias: Tensor) -> Tensor:
    """X'HX (d + 1, d + 1) float64 of centred features and a one."""
    count = min(len(rows), SAMPLED * rows.width)
    chosen = torch.linspace(0, len(rows) - 1, count, dtype=torch.float64).long().to(rows.features.device)
    narrow, offset = weights.to(rows.dtype), bias.to(rows.dtype)
    total = weights.new_zeros(rows.width + 1, rows.width + 1)
    for span in spans(count, rows.device):
        block = rows.block(chosen[span])
        shares = torch.softmax(torch.addmm(offset, block, narrow.T), dim=1)
        heights = (shares * (1 - shares)).mean(dim=1)
        scaled = _beside(block, torch.ones_like(heights)) * heights.sqrt()[:, None]
        total += scaled.T @ scaled
    return total * (len(rows) / count)


def _beside(columns: Tensor, last: Tensor) -> Tensor:
    return torch.cat([columns, last[:, None]], dim=1)
