"""Whether two numbers side by side, of which nothing names the axes, are coordinates."""

import re
from typing import Literal

from g3lib.candidates.parsing.numbers import Number
from g3lib.candidates.parsing.sequence import between

CONTEXT = 80  # characters before a pair that may say what it is
CLOSE = 25  # of them, in which a word says that it is something else

_SENTENCE = re.compile(r"[.!?]\s|\n\n")
_WORD = re.compile(r"[a-z]{2,20}")
_ABOUT = re.compile(
    r"(?P<place>coordinates?|positions?|locat\w+|gps|geo\w*|points?|places?|lat(?:itude)?|lon(?:gitude)?|answer\w*"
    r"|guess\w*|estimat\w+|predict\w+)"
    r"|confiden\w+|probabilit\w+|scor\w+|accura\w+|precision|distances?|temperatures?|populations?|sizes?|scales?"
    r"|ratios?|altitudes?|elevations?|heights?|widths?|prices?|versions?|ratings?|rated|resolution|aperture|focal"
    r"|weights?|vectors?|embeddings?|grid|options?|steps?|figures?|magnitudes?|speeds?|radius|errors?"
)
_GOES_ON = re.compile(r" ?(?:$|[.,;:!?)\]}>\"'|\n(]|(?:is|are|was|as|which|with|near|in|or)\b)")
_LEADS_TO = re.compile(r"(?:[:=@]|\b(?:at|near|around)) ?[(\[]?$", re.IGNORECASE)
_OPENS, _CLOSES = re.compile(r"[(\[{<][ \"']{0,2}$"), re.compile(r"[ \"']{0,2}[)\]}>]")
_LINE_BEFORE, _LINE_AFTER = re.compile(r"(?:^|\n)[^\w\n]*$"), re.compile(r"[^\w\n]*(?:\n|$)")


def is_pair(text: str, one: Number, other: Number) -> bool:
    """By their decimals, by the words before them, or because they stand alone."""
    kinds, joint = {one.kind, other.kind}, between(text, one, other)
    if joint == "far" or one.axis or other.axis or not kinds <= {"whole", "fraction", "comma"}:
        return False
    strong, fractions = joint == "strong", "whole" not in kinds
    precise = strong and fractions and _are_precise(text, one, other)
    if not precise and not _GOES_ON.match(text, other.end):  # of something: 48, 2 people
        return False
    before = text[max(0, one.start - CONTEXT) : one.start]
    about = _about(before)
    if about == "else":
        return False
    said = (fractions or strong) and (about == "place" or bool(_LEADS_TO.search(before[-12:])))
    return precise or said or ((strong or kinds != {"whole"}) and _is_alone(text, one.start, other.end))


def _about(before: str) -> Literal["place", "else", ""]:
    """What the last telling word before a pair in its sentence says that it is."""
    sentence = _SENTENCE.split(before)[-1].lower()
    for word in reversed(list(_WORD.finditer(sentence))):
        if about := _ABOUT.fullmatch(word[0]):
            near = len(sentence) - word.end() <= CLOSE
            return "place" if about["place"] else "else" if near else ""
    return ""


def _are_precise(text: str, one: Number, other: Number) -> bool:
    """With two decimals in one of them; `12,500, 13,200` are more likely thousands."""
    lengths = [len(re.split("[.,]", text[each.start : each.end])[-1]) for each in (one, other)]
    thousands = one.kind == other.kind == "comma" and lengths == [3, 3]
    return max(lengths) > 1 and not thousands


def _is_alone(text: str, start: int, end: int) -> bool:
    """In brackets, or on a line of its own."""
    before = text[max(0, start - 40) : start]
    if _OPENS.search(before[-3:]) and _CLOSES.match(text, end):
        return True
    return bool(_LINE_BEFORE.search(before) and _LINE_AFTER.match(text, end))
