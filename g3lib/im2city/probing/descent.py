"""The way down to a probe's weights: L-BFGS in whitened coordinates, in rounds.

Where photos are far apart, all but a few are soon named beyond doubt and the curvature has another shape than at the
start. So it is looked at again after every round. Rounds become longer, as each forgets what the last one learned;
CLIP's recipe on tens of thousands of photos needs only the first. Toy photos that are easily told apart took 100
iterations instead of over 1,000.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from g3lib.im2city.probing.lbfgs import Evaluate, Minimum, Point, minimise
from g3lib.im2city.probing.objective import Objective
from g3lib.im2city.probing.whitening import Whitening, whitening

FIRST_ROUND, GROWTH = 40, 2  # iterations, and how many times as many the next has
SILENCE = 5.0  # seconds between reports
Report = Callable[[str], None]
Watch = Callable[[int, float, float], None]


def least(
    objective: Objective, weights: Tensor, bias: Tensor, tolerance: float, most: int, report: Report
) -> tuple[Tensor, Tensor, Minimum]:
    """Weights (k, d) and bias (k,) of the least objective, from those given, and how `minimise` ended.

    At most `most` iterations in all; `report` hears of them now and then. Raises BadFeatures as `whitening`.
    """
    done, rounds, watch = 0, FIRST_ROUND, _watch(objective.c, report)
    while True:
        coordinates = whitening(objective.rows, objective.c, weights, bias)
        evaluate = _by_coordinates(objective, coordinates)
        first = coordinates.place(weights, bias)
        found = minimise(evaluate, first, tolerance, min(rounds, most - done), _later(watch, done))
        weights, bias = coordinates.weights_and_bias(found.point.place)
        if found.converged or found.iterations < rounds or done + found.iterations == most:
            return weights, bias, replace(found, iterations=done + found.iterations)
        done, rounds = done + found.iterations, GROWTH * rounds


def _by_coordinates(objective: Objective, coordinates: Whitening) -> Evaluate:
    def evaluate(place: Tensor) -> Point:
        value = objective(*coordinates.weights_and_bias(place))
        return Point(place, value.loss, coordinates.gradient(value.weights, value.bias))

    return evaluate


def _later(watch: Watch, done: int) -> Watch:
    return lambda iteration, loss, expected: watch(done + iteration, loss, expected)


def _watch(c: float, report: Report) -> Watch:
    """What tells `report` of iterations, not too often."""
    last = time.perf_counter()

    def watch(iteration: int, loss: float, expected: float) -> None:
        nonlocal last
        if time.perf_counter() - last > SILENCE:
            last = time.perf_counter()
            report(
                f"probe, C={c:g}: iteration {iteration}, loss {loss:.6g}, {expected:.1e} of it still to gain"
            )

    return watch
