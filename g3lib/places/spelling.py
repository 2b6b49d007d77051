"""One place, many spellings: names brought to forms that compare equal, from strict to coarse.

- `plain`: no case, accents, punctuation, apostrophes or leading "the"; "St." is "saint", initials close up ("D.C.").
- `bare`: plain, without the words that say what kind of place it is ("City of", "Province", "Oblast").
- `squeezed`: bare, without spaces and doubled letters, y as i, and ä, ö, ü however they were written out, so that
  transliterations and slips meet ("Nizhniy" and "Nizhny", "Hải Phòng" and "Haiphong", "Phillipines").

Each form follows from the one before, so the coarsest can find and the finest decide. Each takes one name per line,
since the gazetteer's names as one text are brought to form in half the time.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

LONGEST = 150  # characters of a name that are read; the gazetteer's longest has 76
SQUEEZED_FROM = 4  # letters: below, squeezed codes and abbreviations would meet ("SS" and "S")
READINGS = 5  # of one name: as it stands, without remarks in parentheses, and its parts

_KINDS = (
    "city|citta|town|village|municipality|commune|county|district|department|departement|prefecture|province|provincia|"
    "region|state|republic|kingdom|principality|canton|community|commonwealth|emirate|governorate|metropolis"
)
_BEFORE = re.compile(
    rf"^(?:(?:federal |autonomous |islamic |metropolitan |city and )?(?:{_KINDS})(?: autonoma| metropolitana)? "
    r"(?:of|de|di|du|da|do|d) (?:the |la |las |los )?"
    r"|(?:greater|metropolitan|city state|county|regierungsbezirk) )+(?=.)",
    re.MULTILINE,
)
_AFTER = re.compile(
    rf"(?: (?:{_KINDS}|voivodeship|oblast|krai|kray|kraj|raion|okrug|division|township|borough|parish|territory|"
    r"autonomous|zhuang|uyghur|uygur|hui|special administrative|sar|metropolitan|urban|area|cdp|municipal|"
    r"shi|do|si|gun|gu|ku|ken|fu))+$",
    re.MULTILINE,
)
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ə": "a"}
_LETTER = re.compile(f"[{''.join(_LETTERS)}]")
_DROPPED = re.compile("[\u0300-\u036f'`´\u02b0-\u02ff\u2018-\u201b\u2032]+")  # accents and apostrophes
_SAINT = re.compile(r"\bs(?:t|te|ainte|ankt|int)\b")
_INITIAL = re.compile(r"(?<=\b\w)\.[^\S\n]*(?=\w\b)")
_BETWEEN = re.compile(r"[^\w\n]+")
_SQUEEZED = re.compile(r"(?<=[aou])e|([^\n])(?=\1)|(?<=a)h$", re.MULTILINE)
_PARENTHESES = re.compile(r"\([^()]*\)?")
_PARTS = re.compile(r"\s*[,/;|()]\s*|\s+or\s+")


def plain(names: str) -> str:
    """Names, one per line, without case, accents and punctuation."""
    text = unicodedata.normalize("NFKD", names.casefold()).replace("&", " and ").replace("_", " ")
    text = _DROPPED.sub("", _LETTER.sub(lambda letter: _LETTERS[letter.group()], text))
    text = _INITIAL.sub("", _SAINT.sub("saint", text))
    text = f"\n{_BETWEEN.sub(' ', text)}\n".replace("\n ", "\n").replace(" \n", "\n")
    return text.replace("\nthe ", "\n")[1:-1]


def bare(plain_names: str) -> str:
    """Plain names without the words for a kind of place, unless nothing would be left."""
    return _AFTER.sub("", _BEFORE.sub("", plain_names))


def squeezed(bare_names: str) -> str:
    """Bare names as one word of no doubled letters."""
    return _SQUEEZED.sub("", bare_names.replace(" ", "").replace("y", "i"))


def readings(name: str) -> list[str]:
    """What may be meant by a name, likeliest first: "Kyiv / Kiev (capital)" is the whole, or Kyiv, or Kiev."""
    name = " ".join(name[:LONGEST].split())
    parts = [name]
    if _PARTS.search(name):
        parts += [_PARENTHESES.sub(" ", name).strip(), *_PARTS.split(name)]
    return [reading for reading in dict.fromkeys(parts) if any(map(str.isalnum, reading))][:READINGS]


class Names:
    """Numbered things by any spelling of their names; a lower number goes before a higher one."""

    def __init__(self, numbers: Sequence[int], names: Sequence[str]) -> None:
        """A number may come several times, with other names."""
        plains = plain("\n".join(names))
        self._numbers, self._plain = numbers, plains.split("\n")
        self._found: dict[str, list[int]] = defaultdict(list)
        for index, coarsest in enumerate(squeezed(bare(plains)).split("\n")):
            self._found[coarsest].append(index)

    def find(self, name: str) -> list[tuple[int, int]]:
        """How coarsely (0 to 2) a number's name had to be read to be this one, and the number; best first."""
        fine = plain(name)
        middle = bare(fine)
        coarsest = squeezed(middle)
        found = []
        for index in self._found.get(coarsest, ()):
            other = self._plain[index]
            coarse = 0 if other == fine else 1 if bare(other) == middle else 2
            if coarse < 2 or len(coarsest) >= SQUEEZED_FROM:
                found.append((coarse, self._numbers[index]))
        return sorted(found)
