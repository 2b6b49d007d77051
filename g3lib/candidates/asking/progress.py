"""What people see while an LMM is asked: a bar in the terminal, a line now and then in a run's log."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from tqdm import tqdm

from g3lib.candidates.asking.items import Asked
from g3lib.candidates.asking.spending import Cost
from g3lib.candidates.costs.prices import Prices
from g3lib.candidates.responses import Answer

REPORT_SECONDS = 30.0


@dataclass
class Progress:
    """Counts what comes and what goes wrong; `total` requests are expected."""

    total: int
    prices: Prices
    report: Callable[[str], None]
    bar: "tqdm[Any]"
    started: float = field(default_factory=monotonic)
    reported: float = field(default_factory=monotonic)
    troubles: Counter[str] = field(default_factory=Counter)
    cost: Cost = field(default_factory=Cost)
    requests: int = 0
    answers: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def more(self, requests: int) -> None:
        """More requests are needed than was thought."""
        self.total += requests
        self.bar.total = self.total

    def answered(self, answer: Answer, cost: Cost) -> None:
        """A request was answered and recorded."""
        self.requests += 1
        self.answers += len(answer.texts)
        self.tokens_in += answer.tokens_in
        self.tokens_out += answer.tokens_out
        self.cost += cost
        self.bar.set_postfix_str(self._spent(), refresh=False)
        self.bar.update()
        self._tell()

    def trouble(self, kind: str) -> None:
        """A try went wrong."""
        self.troubles[kind] += 1
        self.bar.set_postfix_str(self._spent(), refresh=False)
        self._tell()

    def asked(self) -> Asked:
        """What it all came to."""
        usd = self.cost.usd if self.prices.known else None
        seconds = monotonic() - self.started
        return Asked(
            self.requests, self.answers, self.tokens_in, self.tokens_out, usd, seconds, dict(self.troubles)
        )

    def line(self) -> str:
        """One line for a log."""
        rate = self.requests / max(monotonic() - self.started, 1e-9)
        left = f", {(self.total - self.requests) / rate / 60:.0f} min to go" if rate else ""
        return (
            f"LMM: {self.requests:,} of {self.total:,} requests answered, {rate:.1f}/s{left}; {self._spent()}"
        )

    def _spent(self) -> str:
        money = f"${self.cost.usd:,.4f}" if self.prices.known else "price unknown"
        return ", ".join([money, *(f"{kind} ×{n}" for kind, n in self.troubles.most_common())])

    def _tell(self) -> None:
        if monotonic() - self.reported >= REPORT_SECONDS:
            self.reported = monotonic()
            self.report(self.line())


@contextmanager
def progress_of(total: int, prices: Prices, report: Callable[[str], None]) -> Iterator[Progress]:
    """A bar while requests are made; a last line at the end, however it comes."""
    with tqdm(total=total, desc="LMM requests", unit="request", disable=None) as bar:
        progress = Progress(total, prices, report, bar)
        try:
            yield progress
        finally:
            report(progress.line())
