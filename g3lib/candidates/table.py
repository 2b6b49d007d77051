"""The table of candidates: its schema and rows. What is asked does not belong here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from g3lib.candidates.parsing import Failure, Position, parse_position
from g3lib.candidates.place_answers import parse_place
from g3lib.candidates.questions import Expected, Question
from g3lib.candidates.responses import Answer

SCHEMA = pl.Schema(
    {
        "photo_id": pl.String,
        "source": pl.String,
        "rank": pl.Int32,
        "lat": pl.Float64,
        "lon": pl.Float64,
        "failure": pl.String,
        "answer": pl.String,  # of a failure, its first SHOWN characters
        "request_key": pl.String,
        "tokens_in": pl.Int64,
        "tokens_out": pl.Int64,
        "lmm": pl.String,
    }
)

SHOWN = 1000
Row = dict[str, Any]

Reader = Callable[[str], Position | Failure]

_READERS: Mapping[Expected, Reader] = {"coordinates": parse_position, "place": parse_place}
_REFUSED = {
    "refusal": "refusal",
    "content_filter": "content filter",
}  # by the endpoint's word for how it ended


def retrieved(photo_id: str, points: Sequence[tuple[float, float]]) -> list[Row]:
    """The S retrieved candidates of a photo, (lat, lon) in degrees, most similar first."""
    return [_row(photo_id, "retrieval", rank, Position(lat, lon)) for rank, (lat, lon) in enumerate(points)]


def answered(question: Question, parts: Sequence[tuple[int, Answer]]) -> list[Row]:
    """N rows of one question, from the requests that were answered, each by its first answer.

    A request's prompt is paid with the first of its answers that is used, its answers in equal shares: the sum over
    the rows is what this experiment alone would have cost, at least.
    """
    rows: list[Row] = []
    for first, answer in parts:
        if first > len(rows):  # a hole: what stands behind it is not the next answer
            break
        fresh = len(rows)
        for rank in range(fresh, min(question.n, first + len(answer.texts))):
            row = _answer_row(question, rank, answer, rank - first)
            rows.append(row | _share(answer, rank - first, paid=rank > fresh))
    refusal = next((answer.refusal for _, answer in parts if answer.refusal is not None), None)
    for rank in range(len(rows), question.n):
        row = _row(question.photo_id, question.source, rank, Failure(refusal or "no answer"))
        rows.append(row | {"request_key": question.key, "lmm": question.label})
    return rows


def _answer_row(question: Question, rank: int, answer: Answer, index: int) -> Row:
    text = answer.texts[index]
    finish = answer.finishes[index] if index < len(answer.finishes) else "stop"
    outcome = _outcome(_READERS[question.expected], text, finish)
    shown = text[:SHOWN] if isinstance(outcome, Failure) else None
    about = {"request_key": question.key, "lmm": question.label, "answer": shown}
    return _row(question.photo_id, question.source, rank, outcome) | about


def _outcome(read: Reader, text: str, finish: str) -> Position | Failure:
    """What is read, in the light of what the endpoint says of the answer."""
    if finish in _REFUSED:
        return Failure(_REFUSED[finish])
    found = read(text)
    if finish == "length" and found != read(_without_torn_word(text)):
        return Failure("cut off")
    return found


def _without_torn_word(text: str) -> str:
    """Of a text that ended where it had to: a last number, or name, may lack its end."""
    if text.rstrip().endswith(("}", "]", ")", "`")):
        return text
    return text[: max(text.rfind(" "), text.rfind("\n"), 0)]


def _share(answer: Answer, index: int, paid: bool) -> Row:
    """The tokens of one text: of the answers an equal share, and the prompt's if that is not paid yet."""
    before, after = (answer.tokens_out * number // len(answer.texts) for number in (index, index + 1))
    return {"tokens_in": 0 if paid else answer.tokens_in, "tokens_out": after - before}


def _row(photo_id: str, source: str, rank: int, outcome: Position | Failure) -> Row:
    """A row of SCHEMA without an LMM's part."""
    position = outcome if isinstance(outcome, Position) else None
    return {
        "photo_id": photo_id,
        "source": source,
        "rank": rank,
        "lat": position.lat if position else None,
        "lon": position.lon if position else None,
        "failure": outcome.reason if isinstance(outcome, Failure) else None,
        "answer": None,
        "request_key": None,
        "tokens_in": 0,
        "tokens_out": 0,
        "lmm": None,
    }
