"""Answers of LMMs read: 10,000 in the formats of the tests, 10,000 with prose around, 10,000 that say nothing.

The official way is written from its description: all matches of one expression, of which the first two are latitude and
longitude, and (0, 0) where there are not two. No answer here was said by an LMM: the formats are ours, the positions
drawn. What is right must hold everywhere; times depend on the machine, so none of them fails a test.
"""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import pytest

from g3lib.candidates.parsing import Position, parse_position
from tests.g3lib.candidates.answer_formats import FORMATS, Format
from tests.g3lib.candidates.answer_surroundings import surrounded
from tests.g3lib.candidates.silent_formats import SILENT

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

ANSWERS = 10_000
SHOWN = 12  # of the formats in which the official way is worst
# where mistakes show: the origin, the poles, the antimeridian, next to zero, integers, the edge of a swap
EDGES = (
    *((0.0, 0.0), (90.0, 0.0), (-90.0, 0.0), (89.99999, 179.99999), (-89.99999, -180.0), (45.0, -180.0)),
    *((-0.00004, -0.00004), (-1e-7, 179.9999999), (1.0, 1.0), (-33.0, -70.0), (12.5, 90.5), (-12.5, -90.5)),
)
COLUMNS = ("right", "wrong", "at (0, 0)", "unread")
OFFICIAL = re.compile(r"[-+]?\d+\.\d+")

Pair = tuple[float, float]
Reader = Callable[[str], Pair | None]
Answer = tuple[Format, Pair, str]


def ours(text: str) -> Pair | None:
    found = parse_position(text)
    return (found.lat, found.lon) if isinstance(found, Position) else None


def official(text: str) -> Pair | None:
    numbers = OFFICIAL.findall(text)
    return (float(numbers[0]), float(numbers[1])) if len(numbers) > 1 else (0.0, 0.0)


def positions(draw: Random) -> Pair:
    """Uniform on the sphere, but for every eighth, which is an edge."""
    if draw.random() < 0.125:
        return draw.choice(EDGES)
    return math.degrees(math.asin(draw.uniform(-1, 1))), draw.uniform(-180, 180)


def answers(forms: Sequence[Format], count: int) -> list[Answer]:
    """As many of each format, with other positions and noise."""
    draw = Random(0)
    drawn = []
    for at in range(count):
        form, position = forms[at % len(forms)], positions(draw)
        drawn.append((form, position, form.write(*position, draw)))
    return drawn


def judged(found: Pair | None, form: Format, true: Pair) -> str:
    """Silence is right only where nothing was said; whatever is off by more than its rounding is wrong."""
    if found is None:
        return "right" if form in SILENT else "unread"
    return (
        "right"
        if form not in SILENT and form.is_right(found, true)
        else "at (0, 0)"
        if found == (0, 0)
        else "wrong"
    )


def outcomes(reader: Reader, drawn: Sequence[Answer]) -> dict[str, Counter[str]]:
    """COLUMNS by the name of the format."""
    counts: dict[str, Counter[str]] = {}
    for form, true, text in drawn:
        counts.setdefault(form.name, Counter())[judged(reader(text), form, true)] += 1
    return counts


def a_second(reader: Reader, drawn: Sequence[Answer]) -> float:
    """Answers read in a second, the fastest of three times."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        for _, _, text in drawn:
            reader(text)
        times.append(time.perf_counter() - started)
    return len(drawn) / min(times)


def show(what: str, counts: Counter[str], rate: float | None = None) -> None:
    """A line of the table: the share of right ones, and numbers of others."""
    cells = "".join(f"{counts[column]:>11,}" for column in COLUMNS[1:])
    speed = f"{rate:>11,.0f}/s" if rate else ""
    print(f"{what:<48}{counts['right'] / counts.total():>9.2%}{cells}{speed}")


def compare(title: str, drawn: Sequence[Answer]) -> Counter[str]:
    """Prints both readers' outcomes, also of the format that is asked for, and the official way's worst."""
    print(f"\n{title}: {len(drawn):,} answers in {len({form.name for form, _, _ in drawn})} formats")
    print(f"{'':<48}{''.join(f'{column:>{9 if column == COLUMNS[0] else 11}}' for column in COLUMNS)}")
    asked = [each for each in drawn if each[0].name == "json"]
    totals = []
    for name, reader in (("ours", ours), ("official regex", official)):
        by_format = outcomes(reader, drawn)
        totals.append(sum(by_format.values(), Counter()))
        show(name, totals[-1], a_second(reader, drawn))
        if asked:
            show(f"{name}, the JSON that is asked for", by_format["json"], a_second(reader, asked))
    worst = sorted(by_format, key=lambda name: by_format[name]["right"] / by_format[name].total())
    for name in worst[:SHOWN] if asked else ():
        show(f"official regex, {name}", by_format[name])
    return totals[0]


@pytest.mark.parametrize("what", ["coordinates", "coordinates in prose", "no coordinates"])
def test_parsing(what: str) -> None:
    draw = Random(1)
    forms = {
        "coordinates": FORMATS,
        "coordinates in prose": [surrounded(draw) for _ in range(ANSWERS)],
        "no coordinates": SILENT,
    }[what]
    counts = compare(what, answers(forms, ANSWERS))
    assert counts["right"] == counts.total() == ANSWERS
