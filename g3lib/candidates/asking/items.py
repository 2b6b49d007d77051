"""What is to be asked, and what asking came to; how is not said here."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from g3lib.candidates.questions import Question


@dataclass(frozen=True)
class Item:
    """Answers `first` to `first + count - 1` of a question; `jpeg` reads the photo when its turn comes."""

    question: Question
    jpeg: Callable[[], bytes]
    first: int
    count: int

    @property
    def name(self) -> str:
        """What tells this request from every other of a benchmark: 64 characters at most."""
        return f"{self.question.key[:48]}-{self.first}-{self.count}"

    def after(self, received: int) -> "Item":
        """What is left of it once the first so many have come."""
        return Item(self.question, self.jpeg, self.first + received, self.count - received)

    def singly(self) -> "list[Item]":
        """One request for each answer, for endpoints that give no more at a time."""
        return [Item(self.question, self.jpeg, self.first + index, 1) for index in range(self.count)]


@dataclass(frozen=True)
class Asked:
    """What asking came to: requests answered, tokens, USD (None if the prices are not known), troubles by kind."""

    requests: int = 0
    answers: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = 0.0
    seconds: float = 0.0
    troubles: Mapping[str, int] = field(default_factory=Counter)

    def as_metrics(self) -> dict[str, float]:
        """Every figure that is known, for MLflow and the asset's page."""
        figures = {
            "requests": float(self.requests),
            "answers_received": float(self.answers),
            "asking_seconds": self.seconds,
        }
        if self.usd is not None:
            figures["usd_spent"] = self.usd
        return figures | {f"trouble_{_plain(kind)}": float(n) for kind, n in self.troubles.items()}


def _plain(kind: str) -> str:
    return kind.lower().replace(" ", "_")
