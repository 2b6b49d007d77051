"""The probe: multinomial logistic regression with a ridge, as scikit-learn's `LogisticRegression` defines it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.im2city.model import CityModel
from g3lib.im2city.probing.descent import Report, least
from g3lib.im2city.probing.errors import BadFeatures
from g3lib.im2city.probing.lbfgs import Minimum
from g3lib.im2city.probing.objective import Value
from g3lib.im2city.probing.problem import Problem, problem_of
from g3lib.im2city.probing.rows import Rows

# Share of the loss. scikit-learn's stop, at 1e-4 of the gradient, leaves some 1e-3 of it on features like CLIP's.
TOLERANCE = 1e-7
MOST_ITERATIONS = 1_000  # as in CLIP's recipe


@dataclass(frozen=True)
class Probe:
    """A fitted probe over features as they were given, and how the fit went.

    weights: (k, d) float32. bias: (k,) float32, sums to 0. c: inverse strength of the ridge.
    iterations: of L-BFGS. loss: C x sum of cross-entropies + half the squared weights.
    gradient: the largest entry of the loss's gradient, divided by C x photos: what scikit-learn holds against `tol`.
    converged: whether less than the tolerance was still to be gained. seconds: wall clock, without those of earlier
    probes that it was started from.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    c: float
    iterations: int
    loss: float
    gradient: float
    converged: bool
    seconds: float

    def model(self) -> CityModel:
        """For image features as they come from the encoder, not normalised (the recipe in CLIP's README)."""
        return CityModel(self.weights, self.bias, normalised=False)


def fit_probe(
    features: NDArray[np.floating],
    targets: NDArray[np.int64],
    classes: int,
    c: float,
    *,
    soft: NDArray[np.floating] | None = None,
    start: Probe | None = None,
    device: str = "cpu",
    names: Sequence[str] | None = None,
    tolerance: float = TOLERANCE,
    most: int = MOST_ITERATIONS,
    report: Report = lambda _: None,
) -> Probe:
    """Fit features (n, d) float16 or float32 to targets (n,) in 0 ... classes - 1.

    The least C x sum of cross-entropies + half the squared weights, the bias not penalised; for two classes too, where
    scikit-learn's has one row instead and equals ours at half its C. `soft` (k, k): row y is the distribution that
    photos of class y are to have. `start`: a probe to start from, of another C or of a sample; it changes how long it
    takes, not what is found. Stops when less than `tolerance` of the loss is still to be gained; if that is not so
    after `most` iterations, `report` says so and `converged` is False. `device` is `cpu` or `cuda`.

    Up to 2^20 numbers, or fewer photos than half of d, are computed in float64, more in float32 with float64 sums.
    Raises EmptyClass (with `names`), BadTargets, BadFeatures and ProbeError.
    """
    started = time.perf_counter()
    problem = problem_of(features, targets, classes, soft, device, names)
    return solve(problem, c, start, tolerance, most, report, started)


def solve(
    problem: Problem,
    c: float,
    start: Probe | None = None,
    tolerance: float = TOLERANCE,
    most: int = MOST_ITERATIONS,
    report: Report = lambda _: None,
    started: float | None = None,
) -> Probe:
    """`fit_probe` of what has been checked; `started` is when its clock began."""
    started = time.perf_counter() if started is None else started
    objective = problem.objective(c)
    weights, bias, found = least(objective, *_start(problem, start), tolerance, most, report)
    if not found.converged:
        report(_unfinished(c, found, tolerance))
    return Probe(
        *_as_given(problem.rows, weights, bias),
        c=c,
        iterations=found.iterations,
        loss=found.point.loss,
        gradient=_largest(problem.rows, objective(weights, bias)) / (c * len(problem.rows)),
        converged=found.converged,
        seconds=time.perf_counter() - started,
    )


def _start(problem: Problem, start: Probe | None) -> tuple[Tensor, Tensor]:
    """Weights and bias over centred features: those of a probe, or none and how often labels are."""
    rows, classes = problem.rows, len(problem.frequency)
    if start is None:
        bias = problem.frequency.clamp_min(1e-12).log()
        return bias.new_zeros(classes, rows.width), bias - bias.mean()
    if start.weights.shape != (classes, len(rows.centre)):
        raise BadFeatures(
            f"the probe to start from has weights {start.weights.shape}, {(classes, len(rows.centre))} are needed: it "
            "is of another encoder or other labels"
        )
    weights, bias = (
        torch.from_numpy(each).to(rows.device, torch.float64) for each in (start.weights, start.bias)
    )
    bias = bias + weights @ rows.centre.double()
    return weights if rows.basis is None else weights @ rows.basis, bias - bias.mean()


def _as_given(rows: Rows, weights: Tensor, bias: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and bias over centred features to those over features as they were given."""
    full = weights if rows.basis is None else weights @ rows.basis.T
    shifted = bias - full @ rows.centre.double()
    return full.float().cpu().numpy(), shifted.float().cpu().numpy()


def _largest(rows: Rows, value: Value) -> float:
    """The largest entry of the gradient by weights and bias over features as they were given."""
    full = value.weights if rows.basis is None else value.weights @ rows.basis.T
    by_weights = full + torch.outer(value.bias, rows.centre.double())
    return max(by_weights.abs().max().item(), value.bias.abs().max().item())


def _unfinished(c: float, found: Minimum, tolerance: float) -> str:
    return (
        f"probe, C={c:g}: not converged after {found.iterations} iterations, some {found.expected:.1e} of the loss "
        f"{found.point.loss:.6g} still to gain where {tolerance:.1e} was asked; allow more iterations, a weaker "
        "tolerance or a smaller C"
    )
