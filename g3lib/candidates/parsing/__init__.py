"""From an LMM's answer to a position, or to a named failure; an answer is hostile until read.

The answer proper (`cleaning`) is searched for JSON (`objects`, `keys`, `words`), then for numbers (`numbers`,
`sequence`, `labels`) that are pairs (`pairs`, `bare`); of several, the words before them tell the answer (`cues`).
What is not understood fails: a failure is counted, a wrong coordinate is never noticed.
"""

import math
import re

from g3lib.candidates.parsing.cleaning import SEAM, clean
from g3lib.candidates.parsing.cues import REFERENCE, candidates_of, choose
from g3lib.candidates.parsing.keys import names_axes, reading_of
from g3lib.candidates.parsing.objects import read_objects
from g3lib.candidates.parsing.outcomes import (
    CUT_OFF,
    EMPTY,
    NO_COORDINATES,
    REASONS,
    REFUSAL,
    TOO_LONG,
    Failure,
    Position,
    Reading,
)
from g3lib.candidates.parsing.pairs import read_pairs

__all__ = ["REASONS", "Failure", "Position", "parse_position"]

_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|can(?:not|'?t)|unable|not able|won'?t|refuse|decline|impossible|unknown|don'?t know)\b",
    re.IGNORECASE,
)


def parse_position(text: str) -> Position | Failure:
    """The position that an answer gives; never raises, and never (0, 0) for want of a better one.

    (0, 0) that an answer does give is one: LMMs say so instead of refusing, but it is on Earth, and what was said is
    recorded. A number that ends the text in an open bracket is cut off: `2.3` may have been 2.35; at the end of
    prose it counts, since many answers end so. The official code takes the first two numbers with a point, whatever
    they are, and (0, 0) where there are not two.
    """
    said = clean(text)
    if not said.text.strip(f" \n{SEAM}"):
        return CUT_OFF if said.unfinished else EMPTY if said.whole else TOO_LONG
    objects, rest = _objects(said.text)
    chosen = choose(candidates_of(said.text, objects), said.whole)
    if not chosen or chosen.level <= REFERENCE:  # else numbers in prose do not matter
        chosen = choose(candidates_of(said.text, [*objects, *read_pairs(rest)]), said.whole)
    if chosen:
        return chosen.outcome
    if said.unfinished:
        return CUT_OFF
    if _REFUSAL.search(said.text):
        return REFUSAL
    return NO_COORDINATES if said.whole else TOO_LONG


def _objects(text: str) -> tuple[list[Reading], str]:
    """What objects say, and the text without those that name axes."""
    complete, torn = read_objects(text)
    readings, rest, end = [], [], 0
    for node in complete:
        reading = reading_of(node)
        if reading:
            readings.append(reading)
        if reading or names_axes(node):
            rest += [text[end : node.start], SEAM * (node.end - node.start)]
            end = node.end
    if torn:
        cut = Reading(math.nan, math.nan, torn.start, len(text), torn=True, structured=True)
        readings.append(reading_of(torn) or cut)
    rest.append(text[end : torn.start if torn else len(text)])
    return readings, "".join(rest)
