"""What of an answer is read, in one spelling: reasoning left out, typography and markup made plain.

Everything here is linear, and everything after it sees at most some HEAD + TAIL characters, so that a hostile
answer of any length costs milliseconds.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

HEAD, TAIL = 4_000, 8_000  # characters: answers stand at the start or, after reasoning, at the end
MOST = 500  # numbers, labels and brackets in them: no honest answer has as many, and each one costs
SEAM = "\0"  # no reading reaches across it; it stands for what is left out, here and by others

# of reasoning models; the text before the last end is no part of the answer
_REASONING = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
    "<|channel|>analysis<|message|>": "<|channel|>final<|message|>",
}
_COSTLY = re.compile(r"\d[\d.]*+|[{\[]|l[ao]")
_ENTITY = re.compile(r"&#?\w{2,8};")
_CHARACTERS = str.maketrans(
    {full_width: full_width - 0xFEE0 for full_width in range(0xFF01, 0xFF5F)}
    | {ord(each): "-" for each in "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d\u2796"}
    | {ord(each): "°" for each in "º˚⁰"}
    | {ord(each): "'" for each in "′’‘ʹ´ʼ‛`"}
    | {ord(each): "''" for each in "″ʺ˝"}  # two: a double quote would end a JSON string
    | {ord(each): '"' for each in "“”„‟"}
    | {ord(each): " " for each in "*~≈∼≃$"}
    | {ord(each): "," for each in "、،"}
    | {ord("٫"): "."}
    # without width, or of the direction of writing
    | dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xAD])
    | {0: None}
)
_LATEX: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\\u(?!0022|005[cC])([0-9a-fA-F]{4})"), lambda found: chr(int(found[1], 16))),
    (re.compile(r"\^?\{?\\(?:circ|degree|textdegree)(?![a-z])\}?"), lambda _: "°"),
    (re.compile(r"\^?\{?\\prime\s?\\prime\}?"), lambda _: "''"),
    (re.compile(r"\^?\{?\\prime\}?"), lambda _: "'"),
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf)\{([^{}]{0,80})\}"), lambda found: found[1]),
    (re.compile(r"\\boxed\s?(?=\{)"), lambda _: " final answer: "),
    (re.compile(r"\\(?:[,;!: ()\[\]]|q?quad)"), lambda _: " "),
)
_ESCAPED_OBJECT = re.compile(r"\{\s?(?:\\n)?\s?\\\"")  # JSON in a JSON string
_LINKS = (
    (re.compile(r"%2[cC]"), ","),
    (re.compile(r"(?<=\d)\.{2,3}(?=[-+]?\d)"), " to "),
    (re.compile(r"!3d(-?\d+\.\d+)!4d(-?\d+\.\d+)"), r" (\1, \2) "),
    (re.compile(r"#map=\d+(?:\.\d+)?/(-?\d+\.\d+)/(-?\d+\.\d+)"), r" (\1, \2) "),
    (re.compile(r"(?i)(?<![a-z])lat(?:itude)?[_-]?(?=lo?ng?)"), "lat "),
    (re.compile(r"(?i)(?<![a-z])(lon(?:g(?:itude)?)?|lng)[_-]?(?=lat)"), "lon "),
)


@dataclass(frozen=True)
class Said:
    """The answer proper. `unfinished`: the text ended in the reasoning. `whole`: nothing was left out."""

    text: str
    unfinished: bool
    whole: bool


def clean(text: str) -> Said:
    """The text to read, without what a model only thought."""
    text = text[max(_end_of(mark, text) for mark in _REASONING.values()) :]
    starts = [at for at in map(text.find, _REASONING) if at >= 0]
    if text.rstrip().endswith("<answer>"):
        starts.append(0)
    if starts:
        text = text[: min(starts)]
    parts = _ends(_tagged(text))
    if len(_COSTLY.findall(" ".join(parts))) > MOST:
        return Said("", bool(starts), whole=False)
    return Said(f"\n\n{SEAM}\n\n".join(map(_plain, parts)), bool(starts), len(parts) == 1)


def _end_of(mark: str, text: str) -> int:
    """Where the last such mark ends; 0 without one."""
    at = text.rfind(mark)
    return at + len(mark) if at >= 0 else 0


def _tagged(text: str) -> str:
    """What stands between the last `<answer>` tags, if something does; in a bracket if the second is missing."""
    start = _end_of("<answer>", text)
    inside, closed, _ = text[start:].partition("</answer>")
    if not start or not inside or inside.isspace():
        return text
    return inside if closed else f"({inside}"


def _ends(text: str) -> list[str]:
    """The text, or of a long one the first and the last part, cut where a line, a sentence or an object ends.

    Elsewhere it would cut numbers in halves, or from their letters; without such an end nothing is kept.
    """
    if len(text) <= HEAD + TAIL:
        return [text]
    head, tail = text[:HEAD], text[-TAIL:]
    end = max(head.rfind("\n"), head.rfind(". "), head.rfind("}"))
    starts = [at for at in map(tail.find, ("\n", ". ", "{")) if at >= 0]
    return [head[: end + 1], tail[min(starts) :] if starts else ""]


def _plain(text: str) -> str:
    """One spelling of signs, digits, spaces, LaTeX and map links; a space at the end stays: it ends a number."""
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if "\\" in text:
        if _ESCAPED_OBJECT.search(text):
            text = text.replace('\\"', '"').replace("\\n", " ")
        for pattern, plain in _LATEX:
            text = pattern.sub(plain, text)
    if not text.isascii():
        text = re.sub(r"(?![0-9])\d", lambda found: str(unicodedata.decimal(found[0])), text)
    text = text.translate(_CHARACTERS)
    for link, pair in _LINKS:
        text = link.sub(pair, text)
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text)).lstrip()
