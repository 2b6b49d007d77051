"""What a download tells of itself."""

from dataclasses import dataclass

from g3lib.images.download.progress import LINE_SECONDS, Progress
from g3lib.images.fates import Fate


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_every_few_seconds() -> None:
    lines, clock = list[str](), Clock()
    progress = Progress(1000, lines.append, clock)
    progress.known(Fate.STORED)
    for _ in range(300):
        clock.now += 0.1
        progress.settled(Fate.STORED, 1_000_000)
    progress.settled(Fate.NOT_FOUND, 0)
    progress.finish()
    assert 2 <= len(lines) <= 1 + 30 // LINE_SECONDS
    assert lines[-1] == ("302/1,000 photos, 10.0/s, 10.00 MB/s, 1 known before, 1 not_found, 01:09 left")


def test_a_list_of_unknown_length() -> None:
    progress = Progress(None, lambda _: None, Clock())
    progress.settled(Fate.GONE, 0)
    assert progress.line().startswith("1 photos")
    assert "left" not in progress.line()
