"""The answers to docs/questions.md, worked out from a home's Parquet files and records, without SQL.

One function per question, in the document's order; each takes the files and gives the rows in the document's order.
"""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from g3lib.store import Home, Key, Record
from g3lib.store.artifacts import read_record

DOCUMENT = Path(__file__).parents[1] / "docs" / "questions.md"
Row = dict[str, Any]
THRESHOLDS = (1, 25, 200, 750, 2500)


@dataclass(frozen=True)
class Question:
    """One section of the document."""

    title: str
    sql: str
    shape: list[tuple[str, str]]  # column, type


def questions() -> list[Question]:
    """The sections in their order."""
    sections = DOCUMENT.read_text(encoding="utf-8").split("\n## ")[1:]
    return [
        Question(
            section.splitlines()[0],
            "\n".join(re.findall(r"```sql\n(.*?)```", section, flags=re.DOTALL)),
            re.findall(r"^\| `(\w+)` \| ([A-Z\[\]]+) \|", section, flags=re.MULTILINE),
        )
        for section in sections
    ]


@dataclass(frozen=True)
class Files:
    """A home's own files, and what is known besides when it is published."""

    home: Home
    history: Sequence[Record]  # every making, whether its file is still there or not
    runs: Sequence[Row]
    prices: dict[str, tuple[float, float]]  # by LMM: USD per million tokens, in and out
    benchmark: str

    def table(self, asset: str) -> list[Row]:
        """All rows of a table."""
        frames = [
            pl.read_parquet(path) for path in sorted((self.home.root / "tables").glob(f"{asset}/*.parquet"))
        ]
        return pl.concat(frames, how="diagonal_relaxed").to_dicts()

    @cached_property
    def predictions(self) -> dict[tuple[str, str], list[Row]]:
        """By benchmark and experiment."""
        found = defaultdict(list)
        for row in self.table("predictions"):
            found[row["benchmark"], row["experiment"]].append(row)
        return found

    @cached_property
    def queries(self) -> dict[tuple[str, str], Row]:
        """By benchmark and photo."""
        return {(row["benchmark"], row["photo_id"]): row for row in self.table("queries")}

    @cached_property
    def current(self) -> dict[Key, Record]:
        """What lies on the disk."""
        return {record.key: record for path in self.home.commits() if (record := read_record(path))}


def comparable(value: Any) -> Any:
    """Times as UTC without saying so, as the warehouse has them; floats for comparison within rounding."""
    if isinstance(value, str) and len(value) > 18 and value[4] == "-" and value[10:11] == "T":
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, float | int) and not isinstance(value, bool):
        return pytest.approx(value, rel=1e-9, abs=1e-9) if math.isfinite(value) else value
    return value


def assert_answer(found: pl.DataFrame, expected: list[Row]) -> None:
    """Row by row and in order."""
    rows = found.to_dicts()
    assert len(rows) == len(expected)
    for row, right in zip(rows, expected, strict=True):
        assert row == {name: comparable(value) for name, value in right.items()}


def hits(rows: Sequence[Row], km: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether each prediction is closer than `km`; none is a miss."""
    return np.array([row["error_km"] is not None and row["error_km"] < km for row in rows])


def best(files: Files) -> list[Row]:
    answer = []
    tables = [row for row in files.table("accuracy") if row["gallery_policy"] in (None, "open")]
    pairs = files.table("comparisons")
    for benchmark in sorted({row["benchmark"] for row in tables}):
        for km in THRESHOLDS:
            measured = {
                name: hits(rows, km).mean()
                for (of, name), rows in files.predictions.items()
                if of == benchmark and name in {row["experiment"] for row in tables}
            }
            for name in sorted(n for n, share in measured.items() if share == max(measured.values())):
                (row,) = [
                    r
                    for r in tables
                    if (r["benchmark"], r["experiment"], r["threshold_km"]) == (benchmark, name, km)
                ]
                doubtful = {
                    frozenset((p["experiment"], p["other"]))
                    for p in pairs
                    if (p["benchmark"], p["threshold_km"]) == (benchmark, km) and p["p_holm"] >= 0.05
                }
                answer.append(
                    {
                        "benchmark": benchmark,
                        "threshold_km": km,
                        "experiment": name,
                        "accuracy": measured[name],
                        "ci_low": row["ci_low"],
                        "ci_high": row["ci_high"],
                        "n": len(files.predictions[benchmark, name]),
                        "not_told_apart": sorted(o for o in measured if frozenset((name, o)) in doubtful),
                    }
                )
    return answer


def better_than_clip(files: Files) -> list[Row]:
    answer = []
    for benchmark in sorted({of for of, _ in files.predictions}):
        g3, clip = (_by_photo(files, benchmark, name) for name in ("g3", "nn-clip"))
        for km in THRESHOLDS:
            ours, theirs = (
                hits([rows[photo] for photo in sorted(rows)], km).astype(int) for rows in (g3, clip)
            )
            (pair,) = [
                row
                for row in files.table("comparisons")
                if {row["experiment"], row["other"]} == {"g3", "nn-clip"}
                and (row["benchmark"], row["threshold_km"]) == (benchmark, km)
            ]
            ends = (pair["ci_low"], pair["ci_high"])
            low, high = ends if pair["experiment"] == "g3" else (-ends[1], -ends[0])
            answer.append(
                {
                    "benchmark": benchmark,
                    "threshold_km": km,
                    "gain": (ours - theirs).mean(),
                    "ci_low": low,
                    "ci_high": high,
                    "only_g3": int((ours > theirs).sum()),
                    "only_clip": int((theirs > ours).sum()),
                    "p_holm": pair["p_holm"],
                    "beyond_chance": pair["p_holm"] < 0.05,
                }
            )
    return answer


def _by_photo(files: Files, benchmark: str, experiment: str) -> dict[str, Row]:
    return {row["photo_id"]: row for row in files.predictions[benchmark, experiment]}


def worst_continent(files: Files) -> list[Row]:
    folder = files.home.root / "tables" / "accuracy" / "continents"
    ends = {
        (row["benchmark"], row["continent"]): (row["ci_low"], row["ci_high"])
        for path in folder.glob("*.parquet")
        for row in pl.read_parquet(path).to_dicts()
        if (row["experiment"], row["threshold_km"]) == ("g3", 200)
    }
    groups = defaultdict(list)
    for (benchmark, name), rows in files.predictions.items():
        for row in rows if name == "g3" else []:
            truth = files.queries[benchmark, row["photo_id"]]["continent"] or "none"
            groups[benchmark, truth].append(row)
    answer = [
        {
            "benchmark": benchmark,
            "continent": continent,
            "accuracy": hits(rows, 200).mean(),
            "ci_low": ends[benchmark, continent][0],
            "ci_high": ends[benchmark, continent][1],
            "n": len(rows),
            "n_failed": sum(row["error_km"] is None for row in rows),
        }
        for (benchmark, continent), rows in groups.items()
    ]
    return sorted(answer, key=lambda row: (row["benchmark"], row["accuracy"], row["continent"]))


def mendable(files: Files) -> list[Row]:
    answer = []
    own = [row for row in files.table("diagnoses") if row["experiment"] == "g3"]
    for benchmark in sorted({row["benchmark"] for row in own}):
        rows = [row for row in own if row["benchmark"] == benchmark]
        for km in THRESHOLDS:
            missed = [row for row in rows if not _within(row["error_km"], km)]
            why = Counter(_why(row, km) for row in missed)
            if missed:
                shares = {f"by_{name}": why[name] / len(missed) for name in WHY}
                answer.append(
                    {
                        "benchmark": benchmark,
                        "threshold_km": km,
                        "missed": len(missed) / len(rows),
                        **shares,
                    }
                )
    return answer


WHY = ("choice", "proposal", "retrieval", "coverage")


def _within(value: float | None, km: float) -> bool:
    return value is not None and value < km


def _why(row: Row, km: float) -> str:
    looked = zip(WHY, (row["oracle_km"], row["reference_km"], row["gallery_km"], 0.0), strict=True)
    return next(name for name, value in looked if _within(value, km))


def winning_prompts(files: Files) -> list[Row]:
    answer = []
    candidates = [row for row in files.table("scored_candidates") if row["experiment"] == "g3"]
    for benchmark in sorted({row["benchmark"] for row in candidates}):
        own = [row for row in candidates if row["benchmark"] == benchmark]
        predicted = [row for row in files.predictions[benchmark, "g3"] if row["error_km"] is not None]
        rows = []
        for source in {row["source"] for row in own}:
            won = [row for row in predicted if row["source"] == source]
            rows.append(
                {
                    "benchmark": benchmark,
                    "source": source,
                    "candidates": sum(row["source"] == source for row in own),
                    "unusable": sum(row["source"] == source and row["failure"] is not None for row in own),
                    "wins": len(won),
                    "share_of_wins": len(won) / len(predicted),
                    "accuracy_200_km": hits(won, 200).mean() if won else None,
                    "median_km": float(np.median([row["error_km"] for row in won])) if won else None,
                }
            )
        answer += sorted(rows, key=lambda row: (-row["wins"], row["source"]))
    return answer


def price_of_a_point(files: Files) -> list[Row]:
    answer, tokens = [], defaultdict(list)
    for row in files.table("scored_candidates"):
        if row["lmm"]:
            price = files.prices.get(row["lmm"])
            cost = row["tokens_in"] * price[0] + row["tokens_out"] * price[1] if price else math.nan
            tokens[row["benchmark"], row["experiment"]].append(cost / 1e6)
    for (benchmark, name), rows in files.predictions.items():
        lmm = rows[0]["lmm"]
        if lmm is None:
            continue
        neighbour = hits(files.predictions[benchmark, "nn-clip"], 200).mean()
        accuracy = hits(rows, 200).mean()
        cost = 1000 * sum(tokens[benchmark, name]) / len(rows)
        usd, points = None if math.isnan(cost) else cost, 100 * (accuracy - neighbour)
        answer.append(
            {
                "benchmark": benchmark,
                "experiment": name,
                "lmm": lmm,
                "accuracy": accuracy,
                "usd_per_1000_photos": usd,
                "points": points,
                "usd_per_point": None if usd is None or points <= 0 else usd / points,
            }
        )
    last = math.inf
    by = ("benchmark", "usd_per_point", "experiment")
    return sorted(answer, key=lambda row: tuple(last if row[name] is None else row[name] for name in by))


def inflation(files: Files) -> list[Row]:
    answer = []
    for (benchmark, name), rows in sorted(files.predictions.items()):
        plain = re.sub(r"\+[^@]+", "", name)
        if plain == name or (benchmark, plain) not in files.predictions:
            continue
        for km in THRESHOLDS:
            (pair,) = [
                row
                for row in files.table("comparisons")
                if {row["experiment"], row["other"]} == {name, plain}
                and (row["benchmark"], row["threshold_km"]) == (benchmark, km)
            ]
            ends = (pair["ci_low"], pair["ci_high"])
            low, high = ends if pair["experiment"] == plain else (-ends[1], -ends[0])
            usual, own = hits(files.predictions[benchmark, plain], km).mean(), hits(rows, km).mean()
            answer.append(
                {
                    "benchmark": benchmark,
                    "experiment": plain,
                    "gallery_policy": rows[0]["gallery_policy"],
                    "threshold_km": km,
                    "open_accuracy": usual,
                    "accuracy": own,
                    "inflation": usual - own,
                    "ci_low": low,
                    "ci_high": high,
                    "p_holm": pair["p_holm"],
                }
            )
    by = ("benchmark", "experiment", "gallery_policy", "threshold_km")
    return sorted(answer, key=lambda row: [row[name] for name in by])


def out_of_reach(files: Files) -> list[Row]:
    asked = defaultdict(list)
    for (benchmark, name), rows in files.predictions.items():
        for row in rows:
            asked[benchmark, row["photo_id"]].append((row["error_km"], name))
    answer = []
    for (benchmark, photo), errors in asked.items():
        known = sorted((error, name) for error, name in errors if error is not None)
        if known and known[0][0] < 2500:
            continue
        truth = files.queries[benchmark, photo]
        answer.append(
            {
                **{name: truth[name] for name in ("benchmark", "photo_id", "author")},
                **{name: truth[name] for name in ("country", "scene", "detail", "gallery_km")},
                "experiments": len(errors),
                "answered": len(known),
                "nearest_km": known[0][0] if known else None,
                "nearest_by": known[0][1] if known else None,
            }
        )
    return sorted(answer, key=lambda r: (r["benchmark"], -(r["nearest_km"] or math.inf), r["photo_id"]))


def influence(files: Files) -> list[Row]:
    answer = []
    for (benchmark, name), rows in sorted(files.predictions.items()):
        authors = {row["author"] for row in rows} - {None}
        for author in authors if name == "g3" else ():
            own, others = (
                [row for row in rows if row["author"] == author],
                [row for row in rows if row["author"] != author],
            )
            if others:
                accuracy, without = hits(rows, 200).mean(), hits(others, 200).mean()
                answer.append(
                    {
                        "benchmark": benchmark,
                        "author": author,
                        "photos": len(own),
                        "own_accuracy": hits(own, 200).mean(),
                        "accuracy": accuracy,
                        "accuracy_without": without,
                        "influence": accuracy - without,
                    }
                )
    return sorted(answer, key=lambda r: (r["benchmark"], -round(abs(r["influence"]), 12), r["author"]))[:20]


def calibration(files: Files) -> list[Row]:
    answer = []
    own = [row for row in files.table("diagnoses") if row["experiment"] == "g3"]
    for benchmark in sorted({row["benchmark"] for row in own}):
        for km in THRESHOLDS:
            column = f"probability_{km}_km"
            rows = [row for row in own if row["benchmark"] == benchmark and row[column] is not None]
            rows.sort(key=lambda row: (row[column], row["photo_id"]))
            if not rows:
                continue
            chance, hit = np.array([row[column] for row in rows]), hits(rows, km)
            tenths = np.array_split(np.arange(len(rows)), 10)  # the first are the larger ones, as ntile's
            gaps = [(len(t), abs(chance[t].mean() - hit[t].mean())) for t in tenths if len(t)]
            answer.append(
                {
                    "benchmark": benchmark,
                    "experiment": "g3",
                    "threshold_km": km,
                    "photos": len(rows),
                    "predicted": chance.mean(),
                    "measured": hit.mean(),
                    "calibration_error": sum(n * gap for n, gap in gaps) / len(rows),
                    "worst_tenth": max(gap for _, gap in gaps),
                }
            )
    return answer


def to_the_photos(files: Files) -> list[Row]:
    made = files.current[Key("predictions", f"{files.benchmark}|g3")]
    run = next((run for run in files.runs if run["run_id"] == made.run_id), None)
    tars = {
        photo: record.path
        for record in files.current.values()
        if record.asset == "photos"
        for photo in _photos(files.home, record)
        if str(record.partition).rpartition("-")[0] == files.benchmark
    }
    rows = [
        {
            "photo_id": row["photo_id"],
            "error_km": row["error_km"],
            "hit": _within(row["error_km"], 25),
            "tar": tars[row["photo_id"]],
            "git_commit": made.git_commit,
            "run_id": made.run_id,
            "job": run and run["job"],
            "run_finished_at": run and run["finished_at"],
        }
        for row in files.predictions[files.benchmark, "g3"]
    ]
    return sorted(rows, key=lambda row: (_last(row["error_km"]), row["photo_id"]))


def _photos(home: Home, record: Record) -> list[str]:
    path = (home.root / record.path).with_suffix(".parquet")
    return pl.read_parquet(path)["photo_id"].to_list()


def _last(value: float | None) -> float:
    return math.inf if value is None else value


def what_changed(files: Files) -> list[Row]:
    key = Key("predictions", f"{files.benchmark}|g3")
    current = set(map(id, files.current.values()))
    makings = {r.to_json(): r for r in [*files.current.values(), *files.history]}.values()
    ranked = sorted(makings, key=lambda r: (id(r) in current, r.finished_at), reverse=True)
    latest: dict[tuple[Key, str], Record] = {}
    for record in ranked:
        latest.setdefault((record.key, record.data_version), record)
    own = [record for record in ranked if record.key == key][:2]
    if len(own) < 2:
        return []
    now, before = ({r.key: r for r in _upstream(record, latest)} for record in own)
    answer = []
    for each in now.keys() | before.keys():
        new, old = now.get(each), before.get(each)
        if new and old and all(getattr(new, n) == getattr(old, n) for n in DETERMINING):
            continue
        answer.append(
            {
                "asset": each.asset,
                "partition": each.partition,
                "data_before": old and old.data_version[:12],
                "data_now": new and new.data_version[:12],
                "code_changed": (old and old.code_version) != (new and new.code_version),
                "config_changed": _json(old and old.config) != _json(new and new.config),
                "made_before": old and old.finished_at,
                "made_now": new and new.finished_at,
            }
        )
    return sorted(answer, key=lambda row: (row["made_now"], row["asset"], row["partition"] or "~"))


DETERMINING = ("data_version", "code_version", "config")


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _upstream(record: Record, latest: dict[tuple[Key, str], Record]) -> list[Record]:
    """The record and all that it was made from."""
    found, waiting = {id(record): record}, [record]
    while waiting:
        for edge in waiting.pop().inputs:
            each = latest[Key(edge.asset, edge.partition), edge.data_version]
            if id(each) not in found:
                found[id(each)] = each
                waiting.append(each)
    return list(found.values())


ANSWERS: tuple[Callable[[Files], list[Row]], ...] = (
    best,
    better_than_clip,
    worst_continent,
    mendable,
    winning_prompts,
    price_of_a_point,
    inflation,
    out_of_reach,
    influence,
    calibration,
    to_the_photos,
    what_changed,
)
