"""Geo-diversification: from queries and references to candidate positions (paper section 3.3).

It decides what is asked; asking is client.py's business, the rows are table.py's.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from g3lib.candidates.client import ask_all
from g3lib.candidates.prompts import render
from g3lib.candidates.protocol import MODEL
from g3lib.candidates.questions import LmmError, Question
from g3lib.candidates.responses import Answer, ResponseLog
from g3lib.candidates.running import running_stand_in
from g3lib.candidates.table import SCHEMA, Row, answered, retrieved
from g3lib.experiments import Experiment, Prompt
from g3lib.experiments.profile import LmmSettings

_STAND_IN_KEY = "no-key-needed"
_STAND_IN_CONCURRENCY = 8  # more only costs: the client polls every idle connection per request

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Query:
    """A photo to be located; `jpeg` reads its bytes when they are needed."""

    photo_id: str
    jpeg: Callable[[], bytes]


def generate(
    queries: Sequence[Query],
    references: pl.DataFrame,
    experiment: Experiment,
    benchmark: str,
    settings: LmmSettings,
    responses: Path,
) -> pl.DataFrame:
    """The candidates of every query, with columns SCHEMA: S retrieved, then N per prompt.

    `references` has photo_id, kind (`similar` or `dissimilar`), rank (from 0), lat, lon in degrees.
    Answers recorded under `responses` by any experiment of this benchmark are not asked again.
    Rows stand in the order of queries, prompts and ranks; two runs give identical frames.
    ValueError if a query has too few references; LmmError if questions stay open.
    """
    shown = _References(references)
    rows: list[list[Row]] = [
        retrieved(query.photo_id, shown.top(query.photo_id, "similar", experiment.retrieved))
        for query in queries
    ]
    # texts first: what cannot be asked must fail before anything is paid for
    texts = [[_text(query.photo_id, prompt, shown) for prompt in experiment.prompts] for query in queries]
    if experiment.prompts:
        answers = _answers(queries, texts, experiment, benchmark, settings, responses)
        for query_rows, of_query in zip(rows, answers, strict=True):
            for question, answer in of_query:
                query_rows += answered(question, answer)
    return pl.DataFrame([row for of_query in rows for row in of_query], schema=SCHEMA)


class _References:
    """The (lat, lon) of each photo's references, by rank."""

    def __init__(self, references: pl.DataFrame) -> None:
        grouped = (
            references.sort("photo_id", "kind", "rank")
            .group_by("photo_id", "kind", maintain_order=True)
            .agg("lat", "lon")
        )
        self._points: dict[tuple[str, str], Points] = {
            (photo_id, kind): list(zip(lat, lon, strict=True))
            for photo_id, kind, lat, lon in grouped.select("photo_id", "kind", "lat", "lon").rows()
        }

    def top(self, photo_id: str, kind: str, count: int) -> Points:
        """The first `count` references; ValueError if there are fewer."""
        points = self._points.get((photo_id, kind), [])
        if len(points) < count:
            raise ValueError(
                f"photo {photo_id!r} has {len(points)} {kind} references, {count} are needed; "
                "retrieve deeper (reference_depth) or use a larger gallery"
            )
        return points[:count]


def _text(photo_id: str, prompt: Prompt, shown: _References) -> str:
    similar = shown.top(photo_id, "similar", prompt.similar)
    return render(prompt.template, similar, shown.top(photo_id, "dissimilar", prompt.dissimilar))


def _answers(
    queries: Sequence[Query],
    texts: Sequence[Sequence[str]],
    experiment: Experiment,
    benchmark: str,
    settings: LmmSettings,
    responses: Path,
) -> list[list[tuple[Question, Answer]]]:
    """Every question with its answer, per query, asking what is not recorded yet."""
    questions = [
        _questions(query, of_query, experiment, settings)
        for query, of_query in zip(queries, texts, strict=True)
    ]
    with ResponseLog.open(responses, experiment.name, benchmark) as log:
        open_ones = [
            (question, query.jpeg)
            for query, of_query in zip(queries, questions, strict=True)
            for question in of_query
            if question.key not in log
        ]
        if open_ones:
            with _endpoint(settings) as (base_url, api_key):
                ask_all(open_ones, _paced(settings), base_url, api_key, log, len(open_ones))
        return [[(each, log[each.key]) for each in of_query] for of_query in questions]


def _questions(
    query: Query, texts: Sequence[str], experiment: Experiment, settings: LmmSettings
) -> list[Question]:
    digest = hashlib.sha256(query.jpeg()).hexdigest()
    return [
        Question(
            photo_id=query.photo_id,
            source=prompt.source,
            text=text,
            image_sha256=digest,
            model=settings.model or MODEL,
            label=settings.label,
            n=experiment.answers,
            temperature=experiment.temperature,
            seed=experiment.seed,
            max_tokens=settings.max_tokens,
        )
        for prompt, text in zip(experiment.prompts, texts, strict=True)
    ]


def _paced(settings: LmmSettings) -> LmmSettings:
    """The settings with the concurrency that suits the LMM."""
    if not settings.is_stand_in:
        return settings
    concurrency = min(settings.concurrency, _STAND_IN_CONCURRENCY)
    return settings.model_copy(update={"concurrency": concurrency})


@contextmanager
def _endpoint(settings: LmmSettings) -> Iterator[tuple[str, str]]:
    """Base URL and key: the configured endpoint's, or those of a stand-in running meanwhile."""
    if settings.base_url is None:
        with running_stand_in() as base_url:
            yield base_url, _STAND_IN_KEY
    elif settings.api_key is None or not settings.api_key.get_secret_value():
        raise LmmError(
            "no-key",
            f"no key for the LMM endpoint of model {settings.model!r}; set G3_LMM_API_KEY "
            "(any word, if the endpoint wants none)",
        )
    else:
        yield settings.base_url, settings.api_key.get_secret_value()
