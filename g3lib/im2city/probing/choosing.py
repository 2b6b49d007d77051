"""C chosen by the accuracy on a validation split."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from g3lib.im2city.probing.descent import Report
from g3lib.im2city.probing.errors import BadFeatures, ProbeError
from g3lib.im2city.probing.probe import MOST_ITERATIONS, TOLERANCE, Probe, solve
from g3lib.im2city.probing.problem import Problem, counted, problem_of

# Half decades, CLIP's 0.316 among them. CLIP's own sweep (appendix A.3 of its paper) is over 1e-6 ... 1e6 in eighths of
# a decade; between neighbours of ours accuracies differ by less than their intervals are wide. Features of small length
# (an ImageNet network's) want a weak ridge: the grid reaches as far as that, and is left where nothing gets better.
GRID = (
    *(0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1.0, 3.16, 10.0, 31.6, 100.0),
    *(316.0, 1e3, 3160.0, 1e4),
)
PATIENCE = 3  # values of C in a row that are no better
ROUGH = 1e-3  # share of the loss still to be gained by those that are tried; the chosen one is finished


@dataclass(frozen=True)
class Choice:
    """One C of the grid: how many validation photos its probe names right, and at what cost.

    accuracy is a fraction of all validation photos. `chosen` is True for one of the grid.
    """

    c: float
    accuracy: float
    correct: int
    iterations: int
    seconds: float
    chosen: bool
    probe: Probe


def choose_c(
    features: NDArray[np.floating],
    targets: NDArray[np.int64],
    classes: int,
    validation_features: NDArray[np.floating],
    validation_targets: NDArray[np.int64],
    grid: Sequence[float] = GRID,
    *,
    soft: NDArray[np.floating] | None = None,
    device: str = "cpu",
    names: Sequence[str] | None = None,
    tolerance: float = ROUGH,
    patience: int = PATIENCE,
    most: int = MOST_ITERATIONS,
    report: Report = lambda _: None,
) -> tuple[Choice, ...]:
    """Probes along the grid, ascending, each started from the last; the best names most validation photos.

    Ends when `patience` values in a row were no better. Of equals the smallest C, the strongest ridge, is chosen, and
    its probe finished as `fit_probe` would. `report` says if the best lies at an end of the grid. Arguments and errors
    are those of `fit_probe`; ProbeError too if there is no C or no validation photo.
    """
    strengths = sorted(set(grid))
    _check(strengths, features, validation_features, validation_targets, classes)
    problem = problem_of(features, targets, classes, soft, device, names)
    validation = (validation_features, validation_targets)
    found: list[Choice] = []
    for c in strengths:
        start = found[-1].probe if found else None
        found.append(_tried(problem, c, start, validation, tolerance, most, report))
        if len(found) - 1 - _best(found) >= patience:
            break
    best = _best(found)
    if tolerance > TOLERANCE:
        rough = found[best]
        finished = _tried(problem, rough.c, rough.probe, validation, TOLERANCE, most, report)
        spent = (rough.iterations + finished.iterations, rough.seconds + finished.seconds)
        found[best] = replace(finished, iterations=spent[0], seconds=spent[1])
    _say_if_at_an_end(found[best].c, strengths, report)
    return tuple(replace(each, chosen=number == best) for number, each in enumerate(found))


def _tried(
    problem: Problem,
    c: float,
    start: Probe | None,
    validation: tuple[NDArray[np.floating], NDArray[np.int64]],
    tolerance: float,
    most: int,
    report: Report,
) -> Choice:
    """One C, and how it does on the validation photos."""
    started = time.perf_counter()
    features, targets = validation
    probe = solve(problem, c, start, tolerance, most, report)
    correct = int((probe.model().logits(features).argmax(axis=1) == targets).sum())
    seconds = time.perf_counter() - started
    report(f"C={c:g}: {correct} of {len(targets)} validation photos right, {seconds:.1f} s")
    return Choice(c, correct / len(targets), correct, probe.iterations, seconds, False, probe)


def _best(found: Sequence[Choice]) -> int:
    """The first of those with most right."""
    return max(range(len(found)), key=lambda number: found[number].correct)


def _say_if_at_an_end(c: float, strengths: Sequence[float], report: Report) -> None:
    if len(strengths) > 1 and c in (strengths[0], strengths[-1]):
        end = "smallest" if c == strengths[0] else "largest"
        report(f"C={c:g} is the best and the {end} of the grid; a wider grid may have a better one")


def _check(
    strengths: Sequence[float],
    features: NDArray[np.floating],
    validation_features: NDArray[np.floating],
    validation_targets: NDArray[np.int64],
    classes: int,
) -> None:
    """Before anything is fitted, which may take long."""
    if not strengths or not len(validation_targets):
        raise ProbeError(
            f"{len(strengths)} values of C and {len(validation_targets)} validation photos; at least one of each is "
            "needed to choose"
        )
    if not all(np.isfinite(c) and c > 0 for c in strengths):
        raise ProbeError(f"the grid of C is {tuple(strengths)}; numbers above 0 are needed")
    counted(validation_targets, classes)
    if validation_features.shape != (len(validation_targets), *features.shape[1:]):
        raise BadFeatures(
            f"validation features are {validation_features.shape} for {len(validation_targets)} targets and training "
            f"features {features.shape}; they must be of the same encoder"
        )
    if not np.isfinite(validation_features).all():
        raise BadFeatures("validation features are not finite; leave these photos out, or compute them again")
