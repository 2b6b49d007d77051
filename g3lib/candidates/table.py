"""The table of candidates: its schema and rows. What is asked does not belong here."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from g3lib.candidates.parsing import Failure, Position, parse_position
from g3lib.candidates.questions import Question
from g3lib.candidates.responses import Answer

SCHEMA = pl.Schema(
    {
        "photo_id": pl.String,
        "source": pl.String,
        "rank": pl.Int32,
        "lat": pl.Float64,
        "lon": pl.Float64,
        "failure": pl.String,
        "request_key": pl.String,
        "tokens_in": pl.Int64,
        "tokens_out": pl.Int64,
        "lmm": pl.String,
    }
)

Row = dict[str, Any]


def retrieved(photo_id: str, points: Sequence[tuple[float, float]]) -> list[Row]:
    """The S retrieved candidates of a photo, (lat, lon) in degrees, most similar first."""
    return [_row(photo_id, "retrieval", rank, Position(lat, lon)) for rank, (lat, lon) in enumerate(points)]


def answered(question: Question, answer: Answer) -> list[Row]:
    """N rows of one question; the request's tokens stand in the first."""
    rows = []
    for rank in range(question.n):
        if rank < len(answer.texts):
            outcome = parse_position(answer.texts[rank])
        else:
            outcome = Failure(answer.refusal or "no answer")
        row = _row(question.photo_id, question.source, rank, outcome)
        row |= {"request_key": question.key, "lmm": question.label}
        if rank == 0:
            row |= {"tokens_in": answer.tokens_in, "tokens_out": answer.tokens_out}
        rows.append(row)
    return rows


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
        "request_key": None,
        "tokens_in": 0,
        "tokens_out": 0,
        "lmm": None,
    }
