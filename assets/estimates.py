"""What running a profile would ask of LMMs now: an estimate for each benchmark and experiment, and what they share.

Exact where photos and references are up to date; else as many photos as the profile names, with made-up references.
Nothing is asked and nothing is written.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import polars as pl

from assets import pool_choice
from assets.asking import stored_queries
from assets.candidates import effective
from assets.partitions import split
from assets.plan import Workflow
from assets.step import Partition
from g3lib.candidates import responses
from g3lib.candidates.costs.estimate import Estimate, Usage, estimate, usage
from g3lib.candidates.costs.prices import Prices, prices_of
from g3lib.candidates.planning import Query, plan
from g3lib.candidates.questions import Question
from g3lib.experiments import Experiment, Prompt, experiment
from g3lib.experiments.lmm import LmmSettings
from g3lib.store import Key

PLACEHOLDER = (-33.856784, 151.215297)  # a reference of the usual length, in a city that has a name
Same = tuple[object, ...]  # what questions have in common that are asked once


@dataclass(frozen=True)
class Lmm:
    """An LMM of the profile: what it charges, and what it has answered in this home."""

    settings: LmmSettings
    prices: Prices
    used: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Row:
    """What one experiment on one benchmark would ask if it were alone; `estimate` is None if it is current."""

    benchmark: str
    experiment: str
    lmm: str
    estimate: Estimate | None


@dataclass(frozen=True)
class Estimates:
    """All rows; by LMM what they ask together, shared questions once; and the LMMs by label."""

    rows: tuple[Row, ...]
    totals: dict[str, Estimate]
    lmms: dict[str, Lmm]


@dataclass(frozen=True)
class _Wanted:
    """An experiment whose candidates are to be made on a benchmark."""

    benchmark: str
    experiment: Experiment

    def same(self, prompt: Prompt) -> Same:
        """What all experiments have in common that ask this question of this benchmark."""
        return self.benchmark, *self.experiment.question(prompt)


def estimates(workflow: Workflow) -> Estimates:
    """What `g3 run` would ask now. KeyError for an LMM without a section, PriceTableError for a bad table."""
    return _Estimator(workflow).result()


class _Estimator:
    """Estimates of one workflow: each question of a benchmark is planned once, for all who ask it."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow, self.profile, self.home = workflow, workflow.profile, workflow.home
        self._settled: dict[Key, bool] = {}
        self._costs: dict[tuple[Same, int], Estimate] = {}

    def result(self) -> Estimates:
        partitions = list(self._partitions())
        wanted = [each for _, each in partitions if each is not None]
        counts: dict[Same, set[int]] = defaultdict(set)
        for each in wanted:
            for prompt in each.experiment.prompts:
                counts[each.same(prompt)].add(each.experiment.answers)
        for exactly in (True, False):  # what some experiment knows exactly, others need not presume
            for each in wanted:
                if self._is_exact(each) == exactly:
                    self._plan(each, counts, exactly)
        rows = [self._row(partition, each) for partition, each in partitions]
        totals: dict[str, Estimate] = {}
        for same, numbers in counts.items():
            most = self._costs[same, max(numbers)]
            totals[most.lmm] = totals[most.lmm] + most if most.lmm in totals else most
        return Estimates(tuple(rows), totals, {each.settings.label: each for each in self._lmms.values()})

    def _partitions(self) -> Iterator[tuple[tuple[str, str], _Wanted | None]]:
        """(benchmark, experiment) of every table that an LMM answers for, with what is to be made, if anything."""
        for name in self.workflow.steps["pool_choice"].keys(self.profile):
            found = experiment(str(name))
            wanted = _Wanted(pool_choice.BENCHMARK, found)
            yield (
                (pool_choice.BENCHMARK, found.name),
                None if self._is_settled("pool_choice", name) else wanted,
            )
        for partition in self.workflow.steps["candidates"].keys(self.profile):
            benchmark, name = split(partition)
            found = effective(self.profile, partition)
            if found.prompts:
                settled = self._is_settled("candidates", partition)
                yield (benchmark, name), None if settled else _Wanted(benchmark, found)

    def _row(self, place: tuple[str, str], wanted: _Wanted | None) -> Row:
        label = self._lmms[experiment(place[1]).lmm].settings.label
        if wanted is None:
            return Row(*place, label, None)
        answers = wanted.experiment.answers
        first, *rest = (self._costs[wanted.same(prompt), answers] for prompt in wanted.experiment.prompts)
        return Row(*place, label, sum(rest, first))

    def _plan(self, wanted: _Wanted, counts: dict[Same, set[int]], exactly: bool) -> None:
        """Cost what this experiment asks and nobody before it did."""
        new = [each for each in wanted.experiment.prompts if not self._is_costed(wanted, each)]
        if not new:
            return
        asked = replace(wanted.experiment, prompts=tuple(new))
        questions = self._planned(wanted.benchmark, asked) if exactly else _presumed(asked, self._lmm(asked))
        for prompt, column in zip(new, zip(*questions, strict=True), strict=True):
            for answers in counts[wanted.same(prompt)]:
                once = {each.key: replace(each, n=answers) for each in column}
                cost = self._cost(wanted, list(once.values()), exactly)
                self._costs[wanted.same(prompt), answers] = cost

    def _is_costed(self, wanted: _Wanted, prompt: Prompt) -> bool:
        return (wanted.same(prompt), wanted.experiment.answers) in self._costs

    def _cost(self, wanted: _Wanted, questions: list[Question], exactly: bool) -> Estimate:
        lmm = self._lmm(wanted.experiment)
        about = (lmm.settings, lmm.prices, lmm.used)
        if not exactly:
            one = estimate(((each, each.n) for each in questions), *about, exact=False)
            return one.times(self._photos(wanted.benchmark))
        missing = [(each, self._logs[wanted.benchmark].missing(each.key, each.n)) for each in questions]
        open_requests = [(question, count) for question, ranges in missing for _, count in ranges]
        answered = sum(each.n for each in questions) - sum(count for _, count in open_requests)
        return estimate(open_requests, *about, answered=answered)

    def _planned(self, benchmark: str, found: Experiment) -> list[list[Question]]:
        """The questions about the stored photos."""
        queries: list[Query] = []
        for shard in self.profile.dataset(benchmark).partitions:
            record = self.workflow.record(Key("photos", shard))
            assert record is not None, f"photos {shard} is settled"
            queries += stored_queries(self.home, record)
        references = _references([])
        if found.gallery is not None:
            key = Key("references", f"{benchmark}|{found.gallery}")
            references = pl.read_parquet(self.home.table(key)).filter(policy=found.policy)
        return plan(queries, references, found, self._lmm(found).settings)

    def _photos(self, benchmark: str) -> int:
        if benchmark == pool_choice.BENCHMARK:
            return self.profile.held_out_photos
        dataset = self.profile.dataset(benchmark)
        return dataset.shards * dataset.photos_per_shard

    def _is_exact(self, wanted: _Wanted) -> bool:
        """Whether the photos, and the references if any are shown, are up to date."""
        if wanted.benchmark == pool_choice.BENCHMARK:
            return False  # which photos are drawn is known when the heads are trained
        gallery = wanted.experiment.gallery
        referred = gallery is None or self._is_settled("references", f"{wanted.benchmark}|{gallery}")
        shards = self.profile.dataset(wanted.benchmark).partitions
        return referred and all(self._is_settled("photos", shard) for shard in shards)

    def _is_settled(self, asset: str, partition: Partition) -> bool:
        """Whether a run would leave it, and all that it is made of, as it is."""
        key = Key(asset, partition)
        if key not in self._settled:
            step = self.workflow.steps[asset]
            self._settled[key] = self.workflow.current(step, partition) is not None and all(
                self._is_settled(each.asset, needed)
                for each in step.upstream
                for needed in each.partitions(self.profile, partition)
            )
        return self._settled[key]

    def _lmm(self, found: Experiment) -> Lmm:
        return self._lmms[found.lmm]

    @cached_property
    def _lmms(self) -> dict[str, Lmm]:
        """By the name that experiments use: those that are asked."""
        names = {experiment(name).lmm for name in self.profile.arms if experiment(name).prompts}
        found: dict[str, Lmm] = {}
        for name in sorted(names):
            settings = self.profile.lmm_named(name)
            prices = prices_of(settings, self.home.prices)
            found[name] = Lmm(settings, prices, usage(self.home.responses, settings, prices))
        return found

    @cached_property
    def _logs(self) -> dict[str, responses.Recorded]:
        """The recorded answers of each benchmark."""
        return {name: responses.recorded(self.home.responses, name) for name in self.profile.benchmarks}


def _presumed(found: Experiment, lmm: Lmm) -> list[list[Question]]:
    """The questions about one photo of which nothing is known."""
    query = Query("presumed", lambda: b"")
    rows = [
        (query.photo_id, kind, rank, *PLACEHOLDER)
        for kind in _KINDS
        for rank in range(found.references_needed)
    ]
    return plan([query], _references(rows), found, lmm.settings)


_KINDS = ("similar", "dissimilar")


def _references(rows: list[tuple[str, str, int, float, float]]) -> pl.DataFrame:
    schema = {
        "photo_id": pl.String,
        "kind": pl.String,
        "rank": pl.Int32,
        "lat": pl.Float64,
        "lon": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
