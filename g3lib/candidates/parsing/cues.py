"""Which of several coordinates is the answer: the words before each of them say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from g3lib.candidates.parsing.outcomes import Failure, Position, Reading

# by the words before: an example, said by the photo itself, of another photo, of nothing in particular, the answer
EXAMPLE, INJECTED, REFERENCE, UNMARKED, GUESS, ANSWER, FINAL = range(-2, 5)
REACH = 2_000  # characters before a reading that tell what it is

_CUE = re.compile(
    r"""\b(?:
  (?P<injected>(?:ignore|disregard|forget|override)\w*\b[^.\n]{0,40}\b(?:instruction|prompt|previous|above|prior)\w*)
| (?P<final>final(?:ly)?|conclu\w+|therefore|thus|hence|correct(?:ion|ed)|revised|actually|wait|overall)
| (?P<answer>answer|result|choice|choose|chose|pick|select(?:ed)?)
| (?P<guess>guess|estimate[ds]?|estimation|predict\w*|likely|probably|believe|think|i(?:'d|[ ]would)[ ]say
  |gives?|giving|yields?|suggests?|indicates?|points?[ ]to|(?:this|the)[ ](?:photo|image|picture|scene)(?!s)
  |(?:based|judging|according|considering|given|compar(?:ed|ing))\b[^.,\n]{0,30}\b(?:similar|references?)\b[^.,\n]{0,30}
   (?=,[ ][a-z]))
| (?P<example>examples?|for[ ]instance|schema|template|placeholders?)
| (?P<reference>similar|dissimilar|references?|e\.g\.|such[ ]as|initial(?:ly)?|first[ ]guess|instead[ ]of
  |rather[ ]than|not(?=[ ](?:at|in|near)\b|[ ][-+(\[\d])|far[ ]from|unlike|alternative(?:ly)?|another
  |says|reads|caption|candidates?|options?
  |other[ ](?:photo|image|picture|place|location)s?)
)\b
| (?P<stop>\bbut\b|[.!?]["')\]]?\s+(?=(?-i:[A-Z])|[\[({"])|(?<!:)\n\n|\n(?=(?-i:[A-Z])))""",
    re.VERBOSE | re.IGNORECASE,
)
_IS_THE_ANSWER = re.compile(
    r"\W{0,4}(?:is|are|as|would be|will be)\s(?:(?:my|the|our|a|your)\s)?"
    r"(?:(?!not|no|other|another|initial|first)\w{1,8}\s)?(?:answer|guess|estimate|prediction)\b",
    re.IGNORECASE,
)
_LEVELS = {"final": FINAL, "answer": ANSWER, "guess": GUESS, "reference": REFERENCE, "example": EXAMPLE}


@dataclass(frozen=True)
class Candidate:
    """A reading, what it comes to, and how much the words before it make it the answer."""

    reading: Reading
    outcome: Position | Failure
    level: int


def candidates_of(text: str, readings: Sequence[Reading]) -> list[Candidate]:
    """Readings with their levels, in the order of the text; a list goes on being one of references."""
    found: list[Candidate] = []
    end, level = 0, UNMARKED
    for reading in sorted(readings, key=lambda each: each.start):
        level = _level(text, end, reading, level)
        found.append(Candidate(reading, reading.outcome(), level))
        end = reading.end
    return found


def choose(candidates: Sequence[Candidate], whole: bool) -> Candidate | None:
    """The answer: the best marked, the first of equals, the last of final ones; and JSON rather than prose.

    JSON is what was asked for, so it may follow a word about references, but for several; prose may not. If the text
    was not read as a whole, prose must be marked: the answer may stand in what is missing.
    """
    structured = _best([each for each in candidates if each.reading.structured and each.level > EXAMPLE])
    prose = _best([each for each in candidates if not each.reading.structured and each.level > REFERENCE])
    if structured and (structured.level > REFERENCE or not prose or prose.level < GUESS):
        return structured
    return prose if prose and (whole or prose.level >= GUESS) else None


def _best(candidates: Sequence[Candidate]) -> Candidate | None:
    """The best marked; what nothing marks must be on Earth if something else is."""
    on_earth = [each for each in candidates if each.level > UNMARKED or isinstance(each.outcome, Position)]
    candidates = on_earth or candidates
    level = max((each.level for each in candidates), default=UNMARKED)
    best = [each for each in candidates if each.level == level]
    if not best or (level <= REFERENCE and len({each.outcome for each in best}) > 1):
        return None
    return best[-1 if level == FINAL else 0]


def _level(text: str, start: int, reading: Reading, before: int) -> int:
    """What the last words before a reading say; the end of a sentence ends what was said of references."""
    if _IS_THE_ANSWER.match(text, reading.end):
        return ANSWER
    near = max(start, reading.start - REACH)
    level = REFERENCE if before == REFERENCE and near == start else UNMARKED
    for cue in _CUE.finditer(text, near, reading.start + 1):
        if cue["injected"]:
            return INJECTED
        level = max(level, UNMARKED) if cue["stop"] else _LEVELS[cue.lastgroup or "reference"]
    return level
