"""What can be wrong with a probe's photos, in words that name the label and the remedy."""

from collections.abc import Sequence

NAMED = 5  # labels that a message names; of more it says how many


class ProbeError(ValueError):
    """Any of the below, or a parameter that no probe can have."""


class BadFeatures(ProbeError):
    """Features that are not a table of finite numbers, or not as wide as what they are used with."""


class BadTargets(ProbeError):
    """Targets that are not one class for each photo, or shares of targets that are not rows that sum to 1."""


class EmptyClass(ProbeError):
    """Labels without a photo. `classes` are their numbers."""

    def __init__(self, classes: Sequence[int], names: Sequence[str] | None = None):
        self.classes = tuple(classes)
        super().__init__(
            f"no training photo of {in_words(self.classes, names)}: a probe cannot learn a label it never saw; "
            "leave these labels out, or add photos of them to the training source"
        )


class NotEnoughShots(ProbeError):
    """Labels with fewer photos than shots. `found` maps their numbers to the photos there are."""

    def __init__(self, wanted: int, found: dict[int, int], names: Sequence[str] | None = None):
        self.wanted, self.found = wanted, dict(found)
        least = min(self.found, key=lambda label: self.found[label])
        super().__init__(
            f"{wanted} shots of {in_words(tuple(self.found), names)}: there are {self.found[least]} photos of "
            f"{in_words((least,), names)}; ask for at most {self.found[least]} shots, add photos, or leave labels out"
        )


def in_words(classes: Sequence[int], names: Sequence[str] | None) -> str:
    """The first few by name, or by number if they have none."""
    shown = [names[number] if names is not None else f"class {number}" for number in classes[:NAMED]]
    more = len(classes) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
