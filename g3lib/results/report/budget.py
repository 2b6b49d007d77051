"""How much of everything fits into one file, and what was left out and where to get it."""

from dataclasses import dataclass, field

MEGABYTE = 1_000_000
BUDGET = 10 * MEGABYTE


@dataclass(frozen=True)
class Omission:
    """What is not in the page, and how to see it all the same."""

    what: str
    instead: str


@dataclass
class Budget:
    """Bytes of the finished file."""

    size: int = BUDGET
    used: int = 0
    omissions: list[Omission] = field(default_factory=list)

    @property
    def left(self) -> int:
        """What is not spoken for; below 0 if even what must be there is too much."""
        return self.size - self.used

    def spend(self, text: str) -> str:
        """What must be in the page."""
        self.used += len(text.encode())
        return text

    def fits(self, text: str, share: float = 1.0) -> bool:
        """Whether a text takes at most this share of what is left; then it is spent."""
        if len(text.encode()) > share * self.left:
            return False
        self.spend(text)
        return True

    def leave_out(self, what: str, instead: str) -> None:
        """Say in the page what it lacks."""
        self.omissions.append(Omission(what, instead))
