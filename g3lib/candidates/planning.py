"""Which questions an experiment asks about its queries; nothing is asked here."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from g3lib.candidates.prompts import PromptSet, Reference, prompt_set, render
from g3lib.candidates.questions import Question
from g3lib.candidates.stand_in.protocol import MODEL
from g3lib.experiments import Experiment, Prompt
from g3lib.experiments.lmm import LmmSettings


@dataclass(frozen=True)
class Query:
    """A photo to be located; `jpeg` reads its bytes when they are needed."""

    photo_id: str
    jpeg: Callable[[], bytes]


class References:
    """The references of each photo, by rank; with the names of their places if the experiment shows them."""

    def __init__(self, references: pl.DataFrame, named: bool = False) -> None:
        """`references` has photo_id, kind (`similar` or `dissimilar`), rank (from 0), lat, lon in degrees."""
        columns = ("photo_id", "kind", "rank", "lat", "lon")
        table = references.select(columns).sort("photo_id", "kind", "rank")
        names = _names(table) if named else [None] * table.height
        self._points: dict[tuple[str, str], list[Reference]] = {}
        for (photo_id, kind, _, lat, lon), name in zip(table.iter_rows(), names, strict=True):
            self._points.setdefault((photo_id, kind), []).append(Reference(lat, lon, name))

    def top(self, photo_id: str, kind: str, count: int) -> list[Reference]:
        """The first `count` references; ValueError if there are fewer."""
        points = self._points.get((photo_id, kind), [])
        if len(points) < count:
            raise ValueError(
                f"photo {photo_id!r} has {len(points)} {kind} references, {count} are needed; "
                "retrieve deeper (reference_depth) or use a larger gallery"
            )
        return points[:count]


def _names(table: pl.DataFrame) -> list[str | None]:
    """City, state and country of every position, as far as they are known."""
    from g3lib.places import geocode

    levels = geocode(table["lat"], table["lon"]).select("city", "state", "country")
    return [", ".join(filter(None, row)) or None for row in levels.iter_rows()]


def plan(
    queries: Sequence[Query], references: pl.DataFrame, experiment: Experiment, settings: LmmSettings
) -> list[list[Question]]:
    """The K questions of every query, in the order of the experiment's prompts.

    `references` as References wants them. ValueError if a query has too few of them: what cannot be asked must fail
    before anything is paid for. Reads every photo once, for its digest.
    """
    shown, prompts = References(references, experiment.reference_places), prompt_set(experiment.prompt_set)
    texts = [
        [_text(query.photo_id, prompt, prompts, shown, experiment) for prompt in experiment.prompts]
        for query in queries
    ]
    return [
        _questions(query, of_query, prompts, experiment, settings)
        for query, of_query in zip(queries, texts, strict=True)
    ]


def _text(
    photo_id: str, prompt: Prompt, prompts: PromptSet, shown: References, experiment: Experiment
) -> str:
    similar = shown.top(photo_id, "similar", prompt.similar)
    dissimilar = shown.top(photo_id, "dissimilar", prompt.dissimilar)
    return render(prompts, similar, dissimilar, experiment.reference_format)


def _questions(
    query: Query, texts: Sequence[str], prompts: PromptSet, experiment: Experiment, settings: LmmSettings
) -> list[Question]:
    digest = hashlib.sha256(query.jpeg()).hexdigest()
    temperature = experiment.temperature if settings.temperature is None else settings.temperature
    return [
        Question(
            photo_id=query.photo_id,
            source=prompt.source,
            text=text,
            image_sha256=digest,
            model=settings.model or MODEL,
            label=settings.label,
            n=experiment.answers,
            temperature=temperature,
            seed=experiment.seed,
            max_tokens=settings.max_tokens or experiment.max_tokens,
            expected=prompts.answer,
            structured=settings.structured == "auto",
            detail=settings.image.detail,
            longest_side=settings.image.longest_side,
        )
        for prompt, text in zip(experiment.prompts, texts, strict=True)
    ]
