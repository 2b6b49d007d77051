"""How people and programs see anybody's scores: tables of 80 columns, one long table, or JSON."""

import math
from collections.abc import Iterator
from typing import Any

import polars as pl
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from g3lib.results.metrics import THRESHOLDS_KM
from g3lib.results.outside.beside import Beside
from g3lib.results.outside.fates import PhotoFate
from g3lib.results.outside.measuring import Scored

SURE = 0.05  # of Holm's p
SHOWN = 160  # characters of an example
LONG = pl.Schema(
    {
        **dict.fromkeys(("measure", "of"), pl.String()),
        "threshold_km": pl.Int64(),
        "value": pl.Float64(),
        **dict.fromkeys(("ci_low", "ci_high"), pl.Float64()),
        **dict.fromkeys(("n", "n_failed"), pl.Int64()),
    }
)
NO_AUTHORS = "no photographer is known: i.i.d. intervals only, too narrow where one person took many photos"


def report(scored: Scored, others: Beside) -> Iterator[RenderableType]:
    """Everything for a terminal, in the order in which a reader asks: what was taken, what is lost, what it scores."""
    yield from told(scored)
    yield _accuracy(scored)
    yield from _summary(scored)
    yield _continents(scored)
    if others.others.height:
        yield _beside(scored, others)
    if others.comparison.height:
        yield _comparison(others)
    if others.note:
        yield Text(others.note, style="yellow")


def told(scored: Scored) -> Iterator[RenderableType]:
    """What was taken from where, and what became of it; no measures."""
    yield from _heading(scored)
    yield from _fates(scored)


def _heading(scored: Scored) -> Iterator[RenderableType]:
    judged = scored.judged
    yield Text(
        f"{judged.file}: {scored.name}, {scored.benchmark}, {judged.truth.photos.height:,} photos", "bold"
    )
    for what, columns in judged.columns.items():
        yield Text(f"  {what}: {columns}")
    rules = ", ".join(f"{name} {count:,}" for name, count in judged.rules.iter_rows())
    yield Text(f"  ids found: {rules}")


def _table(title: str, *columns: str, numbers: int = 0, caption: str = "") -> Table:
    """A plain table whose last columns are numbers."""
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, title=title, title_justify="left"
    )
    table.caption, table.caption_justify = caption or None, "left"
    for place, name in enumerate(columns):
        is_number = place >= len(columns) - numbers
        table.add_column(name, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
    return table


def _fates(scored: Scored) -> Iterator[RenderableType]:
    judged = scored.judged
    rows = _table("\nWhat became of its rows", "fate", "rows", "", "first")
    for fate, count, meaning, examples in judged.rows.iter_rows():
        rows.add_row(fate, f"{count:,}", meaning, _cut("; ".join(examples)))
    yield rows
    failed = judged.photos.filter(pl.col("fate") != PhotoFate.SCORED)
    if failed.height:
        photos = _table(
            f"\nPhotos without a prediction: {failed['count'].sum():,}", "fate", "photos", "", "first"
        )
        for fate, count, meaning, examples in failed.iter_rows():
            photos.add_row(fate, f"{count:,}", meaning, _cut("; ".join(examples)))
        yield photos
    if judged.findings.height:
        found = _table("\nFound on the way", "", "", "rows", "what, and the first")
        for name, action, count, detail, example in judged.findings.iter_rows():
            text = Text.assemble(detail, *([("\n" + _cut(example), "dim")] if example else []))
            found.add_row(name, action, f"{count:,}", text)
        yield found


def _accuracy(scored: Scored) -> RenderableType:
    known = scored.judged.truth.has_authors
    failed = scored.accuracy["n_failed"][0]
    caption = f"% of all {scored.accuracy['n'][0]:,} photos, {failed:,} failures among them; the wider interval counts"
    table = _table(
        "\nAccuracy",
        *("within", "%", "95 % interval", "i.i.d.", "by author", "haversine %"),
        numbers=6,
        caption=caption if known else f"{caption}; {NO_AUTHORS}",
    )
    for row in scored.accuracy.iter_rows(named=True):
        table.add_row(
            f"{row['threshold_km']} km",
            _percent(row["accuracy"]),
            *(_interval(row, each) for each in ("ci", "ci_iid")),
            _interval(row, "ci_author") if known else "–",
            _percent(row["accuracy_haversine"]),
        )
    return table


def _summary(scored: Scored) -> Iterator[RenderableType]:
    row = scored.summary.row(0, named=True)
    median, mean, p90 = (f"{_number(row[f'{each}_km'])} km" for each in ("median", "mean", "p90"))
    yield Text(f"\nError: median {median}, 90th percentile {p90}, mean of the answered {mean}")
    yield Text(f"GeoScore: {_number(row['geoscore'])} of 5,000")
    table = _table(
        "\nPlaces",
        *("the same", "%", "95 % interval", "photos"),
        numbers=3,
        caption="place of prediction and truth by our geocoder; photos whose true place has a name",
    )
    for place in scored.places.iter_rows(named=True):
        table.add_row(place["level"], _percent(place["accuracy"]), _interval(place, "ci"), f"{place['n']:,}")
    yield table


def _continents(scored: Scored) -> RenderableType:
    names = [f"{km} km" for km in THRESHOLDS_KM]
    table = _table("\nBy the continent of the truth, %", "", "photos", *names, numbers=6)
    for group in scored.continents.partition_by("continent", maintain_order=True):
        cells = [
            Text.assemble(_percent(row["accuracy"]), "\n", (_interval(row, "ci"), "dim"))
            for row in _named(group)
        ]
        table.add_row(group["continent"][0], f"{group['n'][0]:,}", *cells)
    return table


def _beside(scored: Scored, others: Beside) -> RenderableType:
    names = [f"{km} km" for km in THRESHOLDS_KM]
    table = _table("\nBeside others, %", "", *names, numbers=5)
    own = {row["threshold_km"]: row["accuracy"] for row in _named(scored.accuracy)}
    table.add_row(Text(scored.name, "bold"), *(Text(_percent(own[km]), "bold") for km in THRESHOLDS_KM))
    for group in others.others.partition_by("kind", "name", "about", maintain_order=True):
        about = group.row(0, named=True)
        values = {row["threshold_km"]: row["accuracy"] for row in _named(group)}
        label = Text.assemble(about["name"], (f"\n{about['kind']}: {about['about']}", "dim"))
        table.add_row(label, *(_percent(values.get(km)) for km in THRESHOLDS_KM))
    return table


def _comparison(others: Beside) -> RenderableType:
    names = [f"{km} km" for km in THRESHOLDS_KM]
    caption = "points, paired 95 % intervals; * beyond chance (McNemar, Holm over the thresholds, 5 %)"
    table = _table("\nDifference from the warehouse's", "", *names, numbers=5, caption=caption)
    for group in others.comparison.partition_by("other", maintain_order=True):
        cells = []
        for row in _named(group):
            mark = "*" if row["p_holm"] < SURE else ""
            ends = f"{100 * row['ci_low']:+.1f} to {100 * row['ci_high']:+.1f}"
            cells.append(Text.assemble(f"{100 * row['difference']:+.1f}{mark}", "\n", (ends, "dim")))
        table.add_row(group["other"][0], *cells)
    return table


def as_long(scored: Scored) -> pl.DataFrame:
    """Every measure as a row (schema LONG), the fates of rows and photos among them."""
    accuracy = scored.accuracy
    plain = accuracy.select(pl.lit("accuracy").alias("measure"), pl.all())
    frames = [
        plain,
        *(_renamed(accuracy, f"accuracy_{each}", f"ci_{each}") for each in _kinds(scored)),
        accuracy.select(
            pl.lit("accuracy_haversine").alias("measure"),
            "threshold_km",
            "n",
            "n_failed",
            accuracy="accuracy_haversine",
        ),
        scored.continents.select(pl.lit("accuracy_by_continent").alias("measure"), pl.all(), of="continent"),
        scored.places.select(pl.lit("place_accuracy").alias("measure"), pl.all(), of="level"),
        scored.summary.select(
            "n", median_km="median_km", mean_km="mean_km", p90_km="p90_km", geoscore="geoscore"
        ).unpivot(index="n", variable_name="measure", value_name="accuracy"),
        _counts("rows", scored.judged.rows),
        _counts("photos", scored.judged.photos),
    ]
    long = pl.concat([frame.rename({"accuracy": "value"}) for frame in frames], how="diagonal_relaxed")
    return long.select(LONG.names()).cast(LONG)


def _kinds(scored: Scored) -> tuple[str, ...]:
    return ("iid", "author") if scored.judged.truth.has_authors else ("iid",)


def _renamed(accuracy: pl.DataFrame, measure: str, ends: str) -> pl.DataFrame:
    return accuracy.select(
        pl.lit(measure).alias("measure"),
        *("threshold_km", "accuracy", "n", "n_failed"),
        ci_low=f"{ends}_low",
        ci_high=f"{ends}_high",
    )


def _counts(measure: str, fates: pl.DataFrame) -> pl.DataFrame:
    return fates.select(measure=pl.lit(measure), of="fate", accuracy=pl.col("count").cast(pl.Float64))


def as_json(scored: Scored, others: Beside) -> dict[str, Any]:
    """Everything as plain values; what is infinite (a median if most failed) or unknown is null."""
    judged = scored.judged
    found: dict[str, Any] = {
        "file": judged.file,
        "name": scored.name,
        "benchmark": scored.benchmark,
        "n": judged.truth.photos.height,
        "n_failed": int(scored.accuracy["n_failed"][0]),
        "authors_known": judged.truth.has_authors,
        "columns": dict(judged.columns),
        "ids": dict(judged.rules.iter_rows()),
        "rows": judged.rows.to_dicts(),
        "photos": judged.photos.to_dicts(),
        "findings": judged.findings.to_dicts(),
        "accuracy": _measures(scored.accuracy),
        "summary": _measures(scored.summary)[0],
        "places": _measures(scored.places),
        "continents": _measures(scored.continents),
        "beside": others.others.to_dicts(),
        "comparison": others.comparison.to_dicts(),
        "note": others.note or None,
    }
    if not judged.truth.has_authors:
        for row in found["accuracy"]:
            row.update(ci_author_low=None, ci_author_high=None)
    plain: dict[str, Any] = _plain(found)
    return plain


def _measures(table: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, without what is said once above them, and what only ours can have."""
    about = ("benchmark", "experiment", "method", "variant", "lmm", "gallery_policy")
    ours = ("parse_failure_rate", "tokens_in", "tokens_out")
    return table.drop(*about, *ours, strict=False).to_dicts()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _named(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    return frame.sort("threshold_km").iter_rows(named=True)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _interval(row: dict[str, Any], name: str) -> str:
    return f"{_percent(row[f'{name}_low'])}–{_percent(row[f'{name}_high'])}"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return "∞" if math.isinf(value) else f"{value:,.1f}"


def _cut(text: str) -> str:
    text = text.rstrip("\N{REPLACEMENT CHARACTER}")  # of a Windows line end
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"
