"""The names of the faults there are, and whom they befall; what they do is spoiling.py's and wire.py's business."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["refusal", "wire", "answer", "time"]

# each with whether it takes a value: `never`, `always`, or the value it has otherwise
FAULTS: Mapping[str, tuple[Kind, str]] = {
    "unauthorized": ("refusal", "never"),
    "status": ("refusal", "always"),
    "rate-limited": ("refusal", ""),
    "rate-limited-date": ("refusal", "1"),
    "insufficient-quota": ("refusal", "never"),
    "unknown-model": ("refusal", "never"),
    "content-filter": ("refusal", "never"),
    "hang": ("wire", "never"),
    "drop": ("wire", "never"),
    "reset": ("wire", "never"),
    "nonsense": ("wire", "never"),
    "invalid-json": ("wire", "never"),
    "empty-choices": ("answer", "never"),
    "short": ("answer", "never"),
    "fewer": ("answer", "never"),
    "refusal": ("answer", "never"),
    "filtered": ("answer", "never"),
    "long": ("answer", "never"),
    "instructions": ("answer", "never"),
    "latitude-95": ("answer", "never"),
    "nan": ("answer", "never"),
    "other-keys": ("answer", "never"),
    "length": ("answer", "never"),
    "slow": ("time", "never"),
}
_SHOWN = {"status": "status=NNN", "rate-limited": "rate-limited[=SECONDS]"}
_SHOWN["rate-limited-date"] = "rate-limited-date[=SECONDS]"
NAMES = ", ".join(_SHOWN.get(name, name) for name in FAULTS)


@dataclass(frozen=True)
class Fault:
    """A fault that befalls a share `rate` of the requests."""

    name: str
    value: str
    rate: float

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """From `NAME[=VALUE][:RATE]`; ValueError lists the names there are."""
        title, _, rate = text.partition(":")
        name, equals, value = title.partition("=")
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are: {NAMES}")
        otherwise = FAULTS[name][1]
        if (equals and otherwise == "never") or (not equals and otherwise == "always"):
            raise ValueError(f"fault {name} takes {'no' if equals else 'a'} value: {_SHOWN.get(name, name)}")
        fault = cls(name, value if equals else otherwise.replace("never", ""), share(rate or 1.0))
        fault._check_value()
        return fault

    def __str__(self) -> str:
        return f"{self.title}:{self.rate:g}"

    @property
    def title(self) -> str:
        """The name and the value."""
        return f"{self.name}={self.value}" if self.value else self.name

    @property
    def kind(self) -> Kind:
        """Where it strikes: instead of an answer, on the wire, in the answer, or in time."""
        return FAULTS[self.name][0]

    @property
    def is_about_answers(self) -> bool:
        """Whether it can befall a line of a batch, which has neither a wire nor a wait of its own."""
        return self.kind == "answer" or self.name == "content-filter"

    def _check_value(self) -> None:
        if self.name == "status" and not (self.value.isdecimal() and 400 <= int(self.value) <= 599):
            raise ValueError(f"fault status={self.value}: the status must be 400 to 599")
        if self.name.startswith("rate-limited") and self.value:
            seconds(self.value)


def several(texts: Sequence[str]) -> tuple[Fault, ...]:
    """Parsed faults; one request is befallen by one of them at most, so shares beyond 1 are a ValueError."""
    faults = tuple(map(Fault.parse, texts))
    total = sum(fault.rate for fault in faults)
    if total > 1 + 1e-9:
        raise ValueError(f"the faults' shares add up to {total:g}; one request has one fault: NAME:RATE")
    return faults


def befalling(faults: Sequence[Fault], seed: int, digest: str, attempt: int) -> Fault | None:
    """The fault that befalls a body when it comes for the `attempt`-th time, if any.

    Drawn by hash, not in sequence: which requests are befallen does not depend on their order, and
    asking again has its chance.
    """
    chance = uniform("fault", seed, digest, attempt)
    for fault in faults:
        chance -= fault.rate
        if chance < 0:
            return fault
    return None


def uniform(*parts: object) -> float:
    """From [0, 1), determined by the parts."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def share(value: object) -> float:
    """A rate from 0 to 1; ValueError otherwise."""
    rate = _number(value)
    if not 0 <= rate <= 1:
        raise ValueError(f"{value!r} is no share: it must be 0 to 1")
    return rate


def seconds(value: object) -> float:
    """A finite number of seconds, 0 or more; ValueError otherwise."""
    number = _number(value)
    if not 0 <= number < 1e9:
        raise ValueError(f"{value!r} is no number of seconds")
    return number


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{value!r} is no number")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is no number") from None
