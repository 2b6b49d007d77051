"""How a download gets on: a bar in a terminal, otherwise a line every few seconds."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from g3lib.images.fates import Fate

LINE_SECONDS = 10.0  # between two lines of a report


@dataclass
class Progress:
    """Counts photos as their fates settle; `total` is None where a list's length is not known."""

    total: int | None
    report: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    bytes: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)  # of this run and the runs before
    kept: int = 0  # settled before this run
    _started: float = field(init=False)
    _reported: float = field(init=False)
    _bar: "tqdm[Any]" = field(init=False)

    def __post_init__(self) -> None:
        self._started = self._reported = self.clock()
        self._bar = tqdm(total=self.total, desc="download", unit="photo", disable=None)

    def known(self, fate: Fate) -> None:
        """A photo needs no request: an earlier run settled its fate."""
        self.kept += 1
        self.settled(fate, 0)

    def settled(self, fate: Fate, size: int) -> None:
        """A photo's fate is known; `size` in bytes is what was delivered."""
        self.done += 1
        self.bytes += size
        self.fates[fate] += 1
        self._bar.update()
        now = self.clock()
        if now - self._reported >= LINE_SECONDS:
            self._reported = now
            self._tell()

    def finish(self) -> None:
        """The last line, or the bar's last state."""
        self._tell()
        self._bar.close()

    def line(self) -> str:
        """The state in words, such as `4,000/10,000 photos, 52.1/s, 4.30 MB/s, 38 not_found, 1:55 left`."""
        seconds = max(self.clock() - self._started, 1e-9)
        rate = (self.done - self.kept) / seconds
        whole = f"{self.done:,}" if self.total is None else f"{self.done:,}/{self.total:,}"
        parts = [f"{whole} photos", f"{rate:,.1f}/s", f"{self.bytes / 1e6 / seconds:,.2f} MB/s"]
        parts += [f"{self.kept:,} known before"] if self.kept else []
        parts += [f"{count:,} {fate.value}" for fate, count in self._failures()]
        if self.total is not None and 0 < self.done < self.total and rate > 0:
            parts.append(f"{tqdm.format_interval((self.total - self.done) / rate)} left")
        return ", ".join(parts)

    def _failures(self) -> list[tuple[Fate, int]]:
        return [(fate, count) for fate, count in self.fates.most_common() if fate is not Fate.STORED]

    def _tell(self) -> None:
        if self._bar.disable:
            self.report(self.line())
        else:
            self._bar.set_postfix_str(
                ", ".join(f"{count:,} {fate.value}" for fate, count in self._failures())
            )
