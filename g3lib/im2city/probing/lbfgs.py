"""L-BFGS (Nocedal & Wright, "Numerical Optimization", 2nd ed., algorithms 7.4 and 7.5) for a function with noise.

Own code, as it stops by what libraries do not offer: the fall that the quadratic model still expects, half of g'Hg,
as a share of the loss. That hangs neither on the scale of features nor on the coordinates, as the largest entry of a
gradient does, and unlike the last fall of the loss it does not take a short step for the end. And the vectors may lie
on a GPU. Losses summed from float32 products are noise in their last digits: the line search then goes by slopes
(Hager & Zhang 2005, "A new conjugate gradient method", the approximate Wolfe conditions).
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

REMEMBERED = 10  # steps
TRIALS = 20  # of a line search
FALL, FLATTER = 1e-4, 0.9  # Wolfe's two constants, as usual for quasi-Newton methods


@dataclass(frozen=True)
class Point:
    """A place, the loss and the gradient there; gradients have the place's shape."""

    place: Tensor
    loss: float
    gradient: Tensor


Evaluate = Callable[[Tensor], Point]


@dataclass(frozen=True)
class Minimum:
    """The best point, and the fall that is still expected from there, as a share of the loss."""

    point: Point
    iterations: int
    expected: float
    converged: bool


class Memory:
    """The last steps, and what they say of the curvature."""

    def __init__(self) -> None:
        self._steps: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=REMEMBERED)

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, before: Point, after: Point) -> None:
        """Learn from a step."""
        step, change = after.place - before.place, after.gradient - before.gradient
        curvature = _dot(step, change)
        if curvature > 0:
            self._steps.append((step, change, 1 / curvature))

    def clear(self) -> None:
        """Forget everything."""
        self._steps.clear()

    def direction(self, gradient: Tensor) -> Tensor:
        """Minus the approximate inverse Hessian times the gradient: the two loops."""
        direction, shares = -gradient, []
        for step, change, inverse in reversed(self._steps):
            shares.append(inverse * _dot(step, direction))
            direction = direction - shares[-1] * change
        if self._steps:
            _, change, inverse = self._steps[-1]
            direction = direction / (inverse * _dot(change, change))
        for (step, change, inverse), share in zip(self._steps, reversed(shares), strict=True):
            direction = direction + (share - inverse * _dot(change, direction)) * step
        return direction


def minimise(
    evaluate: Evaluate,
    start: Tensor,
    tolerance: float,
    most: int,
    watch: Callable[[int, float, float], None] = lambda *_: None,
) -> Minimum:
    """Least `evaluate` from `start`, in at most `most` iterations; stops when the expected fall is below `tolerance`.

    Without a step made, nothing is known of the curvature and no expectation is believed. Where no step helps any
    more, rounding is all there is: converged says whether that was within the tolerance. The loss must be positive.
    `watch` is told the iteration, the loss and the expected fall as a share of it.
    """
    point, memory, iteration = evaluate(start), Memory(), 0
    while True:
        direction = memory.direction(point.gradient)
        slope = _dot(direction, point.gradient)
        expected = -slope / 2 / point.loss
        watch(iteration, point.loss, expected)
        if (len(memory) and expected <= tolerance) or iteration == most:
            return Minimum(point, iteration, expected, expected <= tolerance)
        following = _step(evaluate, point, direction, slope)
        if following is not None:
            memory.add(point, following)
            point, iteration = following, iteration + 1
        elif len(memory):
            memory.clear()
        else:
            return Minimum(point, iteration, expected, expected <= tolerance)


def _step(evaluate: Evaluate, point: Point, direction: Tensor, slope: float) -> Point | None:
    """A point along `direction` that meets Wolfe's conditions, or their approximation; None if there is none."""
    low, high, slopes = 0.0, math.inf, (slope, math.nan)
    length = 1.0
    for _ in range(TRIALS if slope < 0 else 0):
        found = evaluate(point.place + length * direction)
        there = _dot(direction, found.gradient)
        if not _falls(point, found, length, slope, there):
            high, slopes = length, (slopes[0], there)
        elif there < FLATTER * slope:
            low, slopes = length, (there, slopes[1])
        else:
            return found
        length = _between(low, high, *slopes)
    return None


def _falls(point: Point, found: Point, length: float, slope: float, there: float) -> bool:
    """Whether the loss falls enough, or is level as far as rounding tells and the slope says that it falls."""
    noise = torch.finfo(torch.float32).eps * point.loss
    level = found.loss <= point.loss + noise and there <= (2 * FALL - 1) * slope
    return found.loss <= point.loss + FALL * length * slope or level


def _between(low: float, high: float, slope_low: float, slope_high: float) -> float:
    """Where a straight line through the slopes is zero, but well inside; twice as far if there is no upper end."""
    if high == math.inf:
        return 2 * low
    share = slope_low / (slope_low - slope_high) if slope_high > 0 else 0.5
    return low + min(max(share, 0.1), 0.9) * (high - low)


def _dot(one: Tensor, other: Tensor) -> float:
    return float(torch.sum(one * other).item())
