"""Geo-diversification: from queries and references to candidate positions (paper section 3.3).

What is asked is planning.py's business, how asking/'s; the rows are table.py's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from g3lib.candidates.asking import Asked, Item, ask_all
from g3lib.candidates.costs.prices import Prices, prices_of
from g3lib.candidates.planning import Query, References, plan
from g3lib.candidates.questions import LmmError, Question
from g3lib.candidates.responses import Recorded, ResponseLog
from g3lib.candidates.stand_in.running import running_stand_in
from g3lib.candidates.table import SCHEMA, Row, answered, retrieved
from g3lib.experiments import Experiment
from g3lib.experiments.lmm import LmmSettings

__all__ = ["Query", "Watch", "generate"]

_STAND_IN_KEY = "no-key-needed"
_STAND_IN_CONCURRENCY = 8  # more only costs: the client polls every idle connection per request


@dataclass(frozen=True)
class Watch:
    """Who hears what is about to be asked, how it goes (a line now and then), and what it came to."""

    before: Callable[[Sequence[Item]], None] = lambda _: None
    report: Callable[[str], None] = lambda _: None
    after: Callable[[Asked], None] = lambda _: None


def generate(
    queries: Sequence[Query],
    references: pl.DataFrame,
    experiment: Experiment,
    benchmark: str,
    settings: LmmSettings,
    responses: Path,
    prices: Prices | None = None,
    at_once: Mapping[str, int] | None = None,
    watch: Watch | None = None,
) -> pl.DataFrame:
    """The candidates of every query, with columns SCHEMA: S retrieved, then N per prompt.

    `references` has photo_id, kind (`similar` or `dissimilar`), rank (from 0), lat, lon in degrees.
    Answers recorded under `responses` by any experiment of this benchmark are not asked again.
    Rows stand in the order of queries, prompts and ranks; two runs give identical frames. `at_once` says of a
    prompt how many answers to fetch where any are missing, because others will want them: a second request would
    pay for the prompt and the photo again.
    ValueError if a query has too few references; LmmError if questions stay open.
    """
    watch = watch or Watch()
    shown = References(references)
    rows: list[list[Row]] = [_retrieved(query.photo_id, shown, experiment) for query in queries]
    if experiment.prompts:
        questions = plan(queries, references, experiment, settings)
        with ResponseLog.open(responses, experiment.name, benchmark) as log:
            items = open_items(queries, questions, log.recorded, at_once or {})
            if items:
                watch.before(items)
                paid = prices or prices_of(settings)
                with _endpoint(settings) as (base_url, api_key):
                    asked = ask_all(items, _paced(settings), base_url, api_key, log, paid, watch.report)
                watch.after(asked)
            for query_rows, of_query in zip(rows, questions, strict=True):
                for question in of_query:
                    query_rows += answered(question, log.recorded.parts(question.key))
    return pl.DataFrame([row for of_query in rows for row in of_query], schema=SCHEMA)


def open_items(
    queries: Sequence[Query],
    questions: Sequence[Sequence[Question]],
    known: Recorded,
    at_once: Mapping[str, int],
) -> list[Item]:
    """What is to be asked, each question once however many photos share it."""
    found: dict[str, list[Item]] = {}
    for query, of_query in zip(queries, questions, strict=True):
        for question in of_query:
            if question.key in found or not known.missing(question.key, question.n):
                continue
            ranges = known.missing(question.key, max(question.n, at_once.get(question.source, 0)))
            found[question.key] = [Item(question, query.jpeg, *each) for each in ranges]
    return [item for items in found.values() for item in items]


def _retrieved(photo_id: str, shown: References, experiment: Experiment) -> list[Row]:
    """S retrieved candidates, each as often as the experiment repeats it."""
    points = [(each.lat, each.lon) for each in shown.top(photo_id, "similar", experiment.retrieved)]
    return retrieved(photo_id, [point for point in points for _ in range(experiment.retrieved_repeats)])


def _paced(settings: LmmSettings) -> LmmSettings:
    """The settings with the concurrency that suits the LMM."""
    if not settings.is_stand_in:
        return settings
    concurrency = min(settings.concurrency, _STAND_IN_CONCURRENCY)
    return settings.model_copy(update={"concurrency": concurrency})


@contextmanager
def _endpoint(settings: LmmSettings) -> Iterator[tuple[str, str]]:
    """Base URL and key: the configured endpoint's, or those of a stand-in running meanwhile."""
    if settings.transport == "replay":
        yield settings.base_url or "", ""  # nobody is asked
    elif settings.base_url is None:
        with running_stand_in() as base_url:
            yield base_url, _STAND_IN_KEY
    elif settings.api_key is None or not settings.api_key.get_secret_value():
        raise LmmError(
            "no-key",
            f"no key for the LMM endpoint of model {settings.model!r}; set G3_LMM_API_KEY, "
            "or G3_LMMS__<NAME>__API_KEY for one of `lmms` (any word, if the endpoint wants none)",
        )
    else:
        yield settings.base_url, settings.api_key.get_secret_value()
