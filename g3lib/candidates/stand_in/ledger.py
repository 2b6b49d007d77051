"""The stand-in's own count of what it received and answered: what an endpoint would bill.

`answered` counts whole completions with at least one choice that were handed to the connection while
the client was there, and lines of batches that were answered; a reply cut, dropped or replaced by
HTML is none.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Ledger:
    """The counts; request bodies are named by protocol.digest_of."""

    received: int = 0  # chat requests, whatever became of them
    answered: int = 0
    choices: int = 0  # in what was answered
    abandoned: int = 0  # chat requests whose client left before the reply
    batch_lines: int = 0
    batch_answered: int = 0  # lines; `answered` counts them, too
    at_work: int = 0
    most_at_work: int = 0
    statuses: Counter[str] = field(default_factory=Counter)  # of replies to chat requests
    faults: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around the work on one chat request."""
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            yield
        finally:
            self.at_work -= 1

    def attempt(self, digest: str) -> int:
        """Note that a sound request body arrived; how often it has by now."""
        self.attempts[digest] += 1
        return self.attempts[digest]

    def answer(self, digest: str, choices: int) -> None:
        """Note that a request body was answered."""
        if choices:
            self.answered += 1
            self.choices += choices
            self.answers[digest] += 1

    def reset(self) -> None:
        """Forget everything but the requests now at work."""
        fresh = Ledger(at_work=self.at_work, most_at_work=self.at_work)
        self.__dict__.update(fresh.__dict__)

    def to_json(self, bodies: bool) -> dict[str, Any]:
        """The counts as the API gives them; `bodies` adds those of every request body."""
        counts: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("received", "answered", "choices", "abandoned", "batch_lines", "batch_answered")
        }
        counts |= {"at_work": self.at_work, "most_at_work": self.most_at_work}
        counts |= {"statuses": dict(self.statuses), "faults": dict(self.faults)}
        counts["different_bodies"] = len(self.attempts)
        counts["answered_again"] = self.answered - len(self.answers)
        if bodies:
            counts["bodies"] = {
                digest: {"received": received, "answered": self.answers[digest]}
                for digest, received in self.attempts.items()
            }
        return counts
