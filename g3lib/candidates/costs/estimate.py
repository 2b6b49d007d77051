"""What asking will take: requests, tokens, money and hours, before anything is asked.

Calibrated on what the LMM has answered so far, where it has; which questions are open is decided elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from g3lib.candidates.costs.prices import Prices
from g3lib.candidates.costs.tokens import TOKENS_PER_ANSWER, logged_tokens_in, request_tokens
from g3lib.candidates.questions import Question
from g3lib.candidates.responses import Entry, entries
from g3lib.experiments.lmm import BudgetSettings, LmmSettings

BATCH_HOURS = 24.0  # source: OpenAI's promise for a batch
_STAND_IN_SECONDS = 0.02  # a request; it answers from memory


@dataclass(frozen=True)
class Usage:
    """What the logs of a home say of one LMM: sums over its answered requests.

    seconds: over the `timed` requests, those not batched. estimated_tokens_in: what would have been estimated for
    the same requests. usd: by list prices, batched ones at theirs; None if unknown.
    """

    requests: int = 0
    answers: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    timed: int = 0
    estimated_tokens_in: int = 0
    usd: float | None = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """Both together."""
        names = [field.name for field in fields(self) if field.name != "usd"]
        both: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in names}
        return Usage(**both, usd=_sum(self.usd, other.usd))


def usage_of(entry: Entry, settings: LmmSettings, prices: Prices) -> Usage:
    """One entry of a log."""
    answer = entry.answer
    return Usage(
        requests=1,
        answers=len(answer.texts),
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
        seconds=0.0 if entry.batched else entry.latency,
        timed=0 if entry.batched else 1,
        estimated_tokens_in=logged_tokens_in(entry.request, settings.image.longest_side, prices),
        usd=_usd(prices, answer.tokens_in, answer.tokens_out, entry.batched),
    )


def usage(folder: Path, settings: LmmSettings, prices: Prices) -> Usage:
    """What every log under `folder` says of this LMM."""
    paths = sorted(folder.glob("*/*.jsonl"))
    mine = (entry for path in paths for entry in entries(path) if entry.label == settings.label)
    return sum((usage_of(entry, settings, prices) for entry in mine), Usage())


@dataclass(frozen=True)
class Estimate:
    """What asking open questions will take.

    questions, requests, answers: to be asked; recorded: answers that are there already and cost nothing.
    usd, usd_batched: directly, and through the Batch API; None if the price is unknown. hours: at that concurrency,
    or at most, if `batch` is how it will be asked. exact: whether the questions are known, and not presumed.
    """

    lmm: str
    questions: int = 0
    requests: int = 0
    answers: int = 0
    recorded: int = 0
    tokens_in: float = 0.0
    tokens_out: float = 0.0
    usd: float | None = 0.0
    usd_batched: float | None = 0.0
    hours: float = 0.0
    concurrency: int = 1
    basis: str = ""
    exact: bool = True
    batch: bool = False

    @property
    def usd_due(self) -> float | None:
        """The price of the way in which it will be asked."""
        return self.usd_batched if self.batch else self.usd

    def times(self, photos: int) -> "Estimate":
        """The same for so many photos."""
        scaled: dict[str, Any] = {name: _times(getattr(self, name), photos) for name in _COUNTED + _MONEY}
        return replace(self, **scaled, hours=self.hours if self.batch and photos else self.hours * photos)

    def __add__(self, other: "Estimate") -> "Estimate":
        """Both, one after the other; batches are waited for side by side."""
        both: dict[str, Any] = {
            name: _sum(getattr(self, name), getattr(other, name)) for name in _COUNTED + _MONEY
        }
        batch = self.batch and other.batch
        return replace(
            self,
            **both,
            lmm=self.lmm if self.lmm == other.lmm else "all",
            hours=max(self.hours, other.hours) if batch else self.hours + other.hours,
            concurrency=max(self.concurrency, other.concurrency),
            basis="; ".join(dict.fromkeys(filter(None, (self.basis, other.basis)))),
            exact=self.exact and other.exact,
            batch=batch,
        )

    def as_metadata(self) -> dict[str, float | str]:
        """For an asset's page."""
        unknown = "unknown: add the model to prices.yaml"
        return {
            "requests": float(self.requests),
            "answers": float(self.answers),
            "answers recorded before": float(self.recorded),
            "tokens in": float(round(self.tokens_in)),
            "tokens out": float(round(self.tokens_out)),
            "USD": unknown if self.usd is None else round(self.usd, 4),
            "USD through the Batch API": unknown if self.usd_batched is None else round(self.usd_batched, 4),
            "hours": round(self.hours, 4),
            "basis": f"{'exact' if self.exact else 'presumed'} questions; {self.basis}",
        }


_COUNTED = ("questions", "requests", "answers", "recorded", "tokens_in", "tokens_out")
_MONEY = ("usd", "usd_batched")


def estimate(
    open_requests: Iterable[tuple[Question, int]],
    settings: LmmSettings,
    prices: Prices,
    recorded: Usage | None = None,
    answered: int = 0,
    exact: bool = True,
) -> Estimate:
    """What requests for so many answers each will take; `answered` answers are recorded already."""
    recorded = recorded or Usage()
    keys, requests, answers, tokens_in, tokens_out = set(), 0, 0, 0.0, 0.0
    for question, count in open_requests:
        tokens = request_tokens(question, count, prices)
        keys.add(question.key)
        requests, answers = requests + 1, answers + count
        tokens_in, tokens_out = tokens_in + tokens.tokens_in, tokens_out + tokens.tokens_out
    if recorded.tokens_in and recorded.estimated_tokens_in:  # some endpoints count nothing
        tokens_in *= recorded.tokens_in / recorded.estimated_tokens_in
    if recorded.tokens_out and recorded.answers:
        tokens_out = answers * recorded.tokens_out / recorded.answers
    batch = settings.transport == "batch"
    directly = requests * _seconds(settings, recorded) / settings.concurrency / 3600
    return Estimate(
        settings.label,
        len(keys),
        requests,
        answers,
        answered,
        tokens_in,
        tokens_out,
        usd=_usd(prices, tokens_in, tokens_out, batched=False),
        usd_batched=_usd(prices, tokens_in, tokens_out, batched=True),
        hours=BATCH_HOURS * bool(requests) if batch else directly,
        concurrency=settings.concurrency,
        basis=_basis(settings, prices, recorded),
        exact=exact,
        batch=batch,
    )


def passed_limits(budget: BudgetSettings, used: Usage, total: Estimate) -> list[str]:
    """Each limit of a budget that the estimate passes, in words; of the whole home, so `used` counts too."""
    passed = []
    for name, before, more in (
        ("requests", used.requests, total.requests),
        ("tokens", used.tokens_in + used.tokens_out, total.tokens_in + total.tokens_out),
        ("usd", used.usd, total.usd_due),
    ):
        limit = getattr(budget, name)
        if limit is None or not total.requests:
            continue
        if before is None or more is None:
            passed.append(f"{name}: limit {limit:,g}, but the price is unknown, so nothing will be asked")
        elif before + more > limit:
            passed.append(f"{name}: {before:,.6g} used + {more:,.6g} estimated > {limit:,g}")
    return passed


def _usd(prices: Prices, tokens_in: float, tokens_out: float, batched: bool) -> float | None:
    return prices.usd(tokens_in, tokens_out, batched) if prices.known else None


def _seconds(settings: LmmSettings, recorded: Usage) -> float:
    """Of a request."""
    if recorded.timed:
        return recorded.seconds / recorded.timed
    return _STAND_IN_SECONDS if settings.is_stand_in else settings.seconds_per_request


def _basis(settings: LmmSettings, prices: Prices, recorded: Usage) -> str:
    if recorded.requests:
        return f"calibrated on {recorded.requests:,} recorded requests of {settings.label}"
    answer = "all its max_tokens" if prices.thinks else f"{TOKENS_PER_ANSWER} tokens"
    return f"presumed: {answer} per answer, {_seconds(settings, recorded):g} s per request"


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _times(value: float | None, number: int) -> float | None:
    return None if value is None else value * number
