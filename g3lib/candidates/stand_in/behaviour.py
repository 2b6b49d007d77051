"""What the stand-in is told to do: its settings, and their change while it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from g3lib.candidates.stand_in.dialect import Dialect
from g3lib.candidates.stand_in.faults import Fault, seconds, several, share


def optional_count(value: Any) -> int | None:
    """A positive integer, or None for no limit; ValueError otherwise."""
    if value is None:
        return None
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{value!r} is no positive integer")
    return value


def optional_rate(value: Any) -> float | None:
    """A positive number, or None for no limit; ValueError otherwise."""
    if value is not None and seconds(value) == 0:
        raise ValueError(f"{value!r} is no positive number")
    return None if value is None else float(value)


def _faults(value: Any) -> tuple[Fault, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError("faults must be a list of strings NAME[=VALUE][:RATE]")
    return several(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


_CHANGEABLE: Mapping[str, Callable[[Any], Any]] = {
    "faults": _faults,
    "latency": seconds,
    "capacity": optional_count,
    "per_second": optional_rate,
    "batch_seconds": seconds,
    "batch_error": share,
    "batch_expire": share,
    "batch_fail": _flag,
}


@dataclass(frozen=True)
class Behaviour:
    """Seconds, shares from 0 to 1, and limits of which None is none.

    `latency` comes before every reply to a sound request, refusals by faults included; what the
    limits turn away is told at once.
    """

    dialect: Dialect = field(default_factory=Dialect)
    key: str | None = None
    latency: float = 0.0
    faults: tuple[Fault, ...] = ()
    seed: int = 0  # of the draws that decide whom a fault befalls
    capacity: int | None = None
    per_second: float | None = None
    batch_seconds: float = 0.2  # from a batch's creation to its end
    batch_error: float = 0.0
    batch_expire: float = 0.0
    batch_fail: bool = False

    def __post_init__(self) -> None:
        if self.batch_error + self.batch_expire > 1 + 1e-9:
            raise ValueError("batch_error and batch_expire add up to more than 1")

    def changed(self, changes: Mapping[str, Any]) -> "Behaviour":
        """With the changes that came as JSON; ValueError says what is wrong with them."""
        unknown = changes.keys() - _CHANGEABLE
        if unknown:
            raise ValueError(f"unknown: {sorted(unknown)}; there are: {', '.join(_CHANGEABLE)}")
        return replace(self, **{name: _CHANGEABLE[name](value) for name, value in changes.items()})

    def to_json(self) -> dict[str, Any]:
        """What can be changed, as `changed` takes it."""
        values = {name: getattr(self, name) for name in _CHANGEABLE}
        return values | {"faults": [str(fault) for fault in self.faults]}
