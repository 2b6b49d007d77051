"""How sure an answer is: how often the same experiment was right, of known photos, where it scored the like."""

from dataclasses import dataclass

import polars as pl

from g3lib.results.calibration import Calibrator, fit
from g3lib.results.metrics import hits

FEWEST = 20  # photos with a known error; a frequency among fewer tells little


@dataclass(frozen=True)
class Sureness:
    """What probabilities rest on, or why there are none (`calibrator` is None, `reason` says it)."""

    benchmarks: tuple[str, ...] = ()
    photos: int = 0  # with a score and a known error
    calibrator: Calibrator | None = None
    reason: str = ""

    def within(self, scores: list[float | None]) -> list[tuple[float, ...] | None]:
        """For each score the chances of being within THRESHOLDS_KM of the truth; None without one."""
        if self.calibrator is None:
            return [None] * len(scores)
        found = self.calibrator.probabilities([float("nan") if each is None else each for each in scores])
        return [
            None if score is None else tuple(row.tolist()) for score, row in zip(scores, found, strict=True)
        ]


def sureness(judged: pl.DataFrame, experiment: str) -> Sureness:
    """From predictions of known photos: benchmark, score and error_km, of the experiment that is asked.

    A failure has no score, and says nothing of scores. `experiment` is named in the reason.
    """
    known = judged.drop_nulls("score")
    if not judged.height:
        reason = f"{experiment} has not been tried on a benchmark with these heads and this LMM"
        return Sureness(reason=reason)
    benchmarks = tuple(known["benchmark"].unique(maintain_order=True))
    if not known.height:
        return Sureness(reason=f"{experiment} gives its answers no score")
    if known.height < FEWEST:
        reason = f"{experiment} was tried on {known.height} photos only; {FEWEST} are the least"
        return Sureness(benchmarks, known.height, reason=reason)
    calibrator = fit(known["score"].to_numpy(), hits(known["error_km"].fill_null(float("nan")).to_numpy()))
    return Sureness(benchmarks, known.height, calibrator)
