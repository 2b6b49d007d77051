"""What watches over results: rules that hold a new table against the last one.

A rule is judged before the commit, while the last table still lies in its place: what fails is not committed and fails
its run, unless the run accepts it (`g3 run --accept`, or the tag `g3/accept`). What a table contains is not known here
beyond the columns that are compared.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from assets.step import Outcome, Rule, Task
from g3lib.store import Record
from g3lib.store.artifacts import read_record

ACCEPT_TAG = "g3/accept"  # set to `true` on a run to keep what is worse than the last table
WHY = "why"  # the key of a failed check's metadata that says all of it to a person

NOT_COMPARED = 1e-9  # fractions that differ by less are equal
JUMP = 0.05  # a rise of the failure rate below it is no news, however many answers prove it
SIGNIFICANCE = 0.01
TOO_MANY, FEWEST = 0.5, 20  # unreadable answers: a rate that fails whatever was before, of at least so many

Verdict = tuple[bool, dict[str, Any]]


@dataclass(frozen=True)
class Last:
    """The table that is still committed while its successor is judged."""

    table: pl.DataFrame
    record: Record

    @property
    def about(self) -> dict[str, Any]:
        """When, by which code and by which run it was made, as a check's metadata."""
        record = self.record
        return {"last made": record.finished_at, "last commit": record.git_commit, "last run": record.run_id}

    def __str__(self) -> str:
        made = f"{self.record.finished_at[:16].replace('T', ' ')} UTC"
        revision, _, changes = self.record.git_commit.partition("+")
        commit = revision[:12] + (f"+{changes}" if changes else "")
        return f"the last table was made {made} at {commit}, by run {self.record.run_id[:8]}"


def last_table(task: Task) -> Last | None:
    """The committed predecessor of what the task makes; None if there is none that can be read."""
    path = task.home.table(task.key)
    record = read_record(path)
    if record is None:
        return None
    try:
        return Last(pl.read_parquet(path), record)
    except (OSError, pl.exceptions.PolarsError):
        return None  # damaged behind its footer; there is nothing to hold the new one against


# --- accuracy


def accuracy_holds(task: Task, outcome: Outcome) -> Verdict:
    """No accuracy lies below the lower end of the 95 % interval that the last table of this partition gives it.

    Tables of other LMMs, or of a benchmark of another size, are not compared, which the metadata say. Whatever else
    changed (weights, prompts, code) is compared: a drop is a drop.
    """
    assert outcome.table is not None
    new, last = outcome.table, last_table(task)
    if last is None:
        return True, {"compared with": "nothing: this is the first table"}
    for name, what in (("n", "queries of the benchmark"), ("lmm", "LMM")):
        before, now = _said(last.table, name), _said(new, name)
        if before != now:
            reason = f"nothing: {what} was {before} and is {now}"
            return True, {"compared with": reason, **last.about}
    drops = _drops(new, last.table)
    if not drops:
        return True, {"compared with": str(last), **last.about}
    told = "; ".join(
        f"{row['accuracy']:.1%} at {row['threshold_km']} km, was {row['accuracy_before']:.1%} "
        f"with an interval from {row['low']:.1%} to {row['ci_high']:.1%}"
        for row in drops
    )
    why = f"accuracy of {task.key.partition} fell below its last interval: {told}; {last}"
    return _verdict(task, why, {"drops": drops, **last.about})


def _said(table: pl.DataFrame, column: str) -> str:
    """The values of a column that says the same in every row."""
    if column not in table.columns:
        return "not told"
    return ", ".join(sorted("none" if each is None else str(each) for each in table[column].unique()))


def _drops(new: pl.DataFrame, last: pl.DataFrame) -> list[dict[str, Any]]:
    """The thresholds at which the new accuracy lies below the last interval, nearest first."""
    before = last.select(
        "threshold_km", "n", "ci_high", accuracy_before="accuracy", low=pl.Series(_lower_ends(last))
    )
    both = new.select("threshold_km", "accuracy").join(before, on="threshold_km").sort("threshold_km")
    return both.filter(pl.col("accuracy") < pl.col("low") - NOT_COMPARED).to_dicts()


def _lower_ends(table: pl.DataFrame) -> list[float]:
    """Lower ends of the intervals; Clopper and Pearson's where resampling found no width.

    Where all queries hit (or all are one author's), every resample says the same, and a single miss would be a drop.
    """
    return [
        row["ci_low"]
        if row["ci_low"] < row["accuracy"] - NOT_COMPARED
        else _exact_low(row["accuracy"], row["n"])
        for row in table.iter_rows(named=True)
    ]


def _exact_low(accuracy: float, n: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(round(accuracy * n), n).proportion_ci(0.95, "exact").low) if n else 0.0


# --- answers that cannot be read


def failures_hold(task: Task, outcome: Outcome) -> Verdict:
    """The share of an LMM's answers that cannot be read did not jump, and is not above one half.

    A jump is a rise by at least 5 points that Fisher's exact test (one-sided) calls significant at 1 %. Answers to
    one photo are not independent, so the test alone would cry too early; hence both. A rate above one half fails even
    a first table (of at least 20 answers), but not again after it was accepted of the same LMM.
    """
    assert outcome.table is not None
    new, last = _answers(outcome.table), last_table(task)
    asked, failed = new.height, _failed(new)
    shown: dict[str, Any] = {"answers": asked, "not readable": failed}
    if not asked:
        return True, shown
    before, same = _before(new, last)
    shown |= same
    rate = failed / asked
    too_many = asked >= FEWEST and rate > TOO_MANY and not (before and before[1] / before[0] > TOO_MANY)
    if not (too_many or (before and _jumped((asked, failed), before))):
        return True, shown
    once = f"{before[1]} of {before[0]} last time; {last}" if before else "more than one half"
    why = (
        f"{failed} of {asked} answers to {task.key.partition} could not be read ({rate:.0%}), {once}. "
        f"{_reasons(new)} Every answer is kept under responses/ and will not be paid for again"
    )
    return _verdict(task, why, shown)


def _answers(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("source") != "retrieval")


def _failed(answers: pl.DataFrame) -> int:
    return int(answers["failure"].is_not_null().sum())


def _before(new: pl.DataFrame, last: Last | None) -> tuple[tuple[int, int] | None, dict[str, Any]]:
    """Answers and unreadable ones of the last table, if it is of the same LMM; and what to show of it."""
    if last is None:
        return None, {"compared with": "nothing: these are the first answers"}
    old = _answers(last.table)
    if _said(old, "lmm") != _said(new, "lmm"):
        reason = f"nothing: the LMM was {_said(old, 'lmm') or 'none'} and is {_said(new, 'lmm')}"
        return None, {"compared with": reason, **last.about}
    counts = {"last answers": old.height, "last not readable": _failed(old)}
    return (old.height, _failed(old)), {"compared with": str(last), **counts, **last.about}


def _jumped(now: tuple[int, int], before: tuple[int, int]) -> bool:
    """Whether the second number's share of the first rose, by much and not by chance."""
    if now[1] / now[0] - before[1] / before[0] < JUMP:
        return False
    from scipy.stats import fisher_exact

    table = [[now[1], now[0] - now[1]], [before[1], before[0] - before[1]]]
    return float(fisher_exact(table, alternative="greater").pvalue) < SIGNIFICANCE


def _reasons(answers: pl.DataFrame) -> str:
    """The three commonest reasons, and the beginning of one answer."""
    failed = answers.drop_nulls("failure")
    counts = failed["failure"].value_counts(sort=True).head(3).rows()
    said = failed["answer"].drop_nulls() if "answer" in failed.columns else failed["failure"].head(0)
    example = f", e.g. {said[0][:80]!r}" if len(said) else ""
    return "Why: " + ", ".join(f"{reason} ({count})" for reason, count in counts) + example + "."


def _verdict(task: Task, why: str, shown: dict[str, Any]) -> Verdict:
    """Fails with the reason and what to do, unless this run accepts it."""
    if task.accepts:
        return True, {"accepted": why, **shown}
    remedy = (
        f"The last table stays, and runs will fail until the cause is mended or the new one is kept: "
        f"`g3 run {task.profile.name} --accept`, or run tag {ACCEPT_TAG}: true on Dagster's pages "
        f"(docs/operations.md)"
    )
    return False, {WHY: f"{why}. {remedy}", **shown}


ACCURACY_HOLDS = Rule(
    "accuracy_holds", "no accuracy lies below the interval that the last table gives it", accuracy_holds
)
FAILURES_HOLD = Rule(
    "failures_hold", "the share of unreadable answers did not jump, nor is it above one half", failures_hold
)
