"""Other results of the same benchmark: the warehouse's best, what papers print, and paired differences."""

from dataclasses import dataclass, field

import polars as pl

from g3lib.experiments.published import published
from g3lib.results.comparisons import COMPARISON_SCHEMA, comparison_table
from g3lib.results.outside.measuring import SEED, Scored
from g3lib.store import Home
from g3lib.store.warehouse import query

BEST, AT_KM = 3, 25  # so many of each, the best at this threshold
OTHERS = pl.Schema(
    {
        **dict.fromkeys(("kind", "name", "about"), pl.String()),
        "threshold_km": pl.Int64(),
        **dict.fromkeys(("accuracy", "ci_low", "ci_high"), pl.Float64()),
    }
)


@dataclass(frozen=True)
class Beside:
    """Others' accuracies (schema OTHERS; kind `warehouse` or `published`) and comparisons with the warehouse's."""

    others: pl.DataFrame = field(default_factory=OTHERS.to_frame)
    comparison: pl.DataFrame = field(default_factory=COMPARISON_SCHEMA.to_frame)
    note: str = ""


def beside(scored: Scored, home: Home, resamples: int) -> Beside:
    """What the home's warehouse, if there is one, and the papers have for the benchmark."""
    printed = _published(scored.benchmark)
    if not home.warehouse.is_file():
        return Beside(printed)
    best = _best(scored, home)
    names = best["name"].unique(maintain_order=True).to_list()
    found = pl.concat([best, printed])
    if not names:
        return Beside(found)
    listed = ", ".join(_quoted(name) for name in names)
    theirs = query(
        home,
        "select benchmark, experiment, photo_id, author, error_km from results.prediction "
        f"where benchmark = {_quoted(scored.benchmark)} and experiment in ({listed})",
    )
    if set(theirs["photo_id"]) != set(scored.predictions["photo_id"]):
        note = (
            f"The warehouse's {scored.benchmark} has {theirs['photo_id'].n_unique()} photos, and not the same: "
            "accuracies are of different photos, and differences are not told."
        )
        return Beside(found, note=note)
    columns = scored.predictions.select(theirs.columns)
    in_order = [theirs.filter(pl.col("experiment") == name) for name in names]
    pairs = comparison_table(pl.concat([columns, *in_order]), resamples, SEED)
    return Beside(found, pairs.filter(pl.col("experiment") == scored.name))


def _best(scored: Scored, home: Home) -> pl.DataFrame:
    """The warehouse's best experiments of the benchmark, best first."""
    rows = query(
        home,
        "select 'warehouse' as kind, experiment as name, concat_ws(', ', method, variant, lmm) as about, "
        "threshold_km::bigint as threshold_km, accuracy, ci_low, ci_high from results.accuracy "
        f"where benchmark = {_quoted(scored.benchmark)} and experiment <> {_quoted(scored.name)}",
    )
    return _first(rows, BEST)


def _published(benchmark: str) -> pl.DataFrame:
    """The best printed rows, and G3's own."""
    rows = published().filter(pl.col("benchmark") == benchmark).drop_nulls(["threshold_km", "accuracy"])
    named = rows.select(
        kind=pl.lit("published"),
        name=pl.concat_str("method", "variant", separator=", ", ignore_nulls=True),
        about=pl.concat_str("paper", "paper_table", separator=", ", ignore_nulls=True),
        threshold_km="threshold_km",
        accuracy="accuracy",
        ci_low=pl.lit(None, pl.Float64),
        ci_high=pl.lit(None, pl.Float64),
        own=(pl.col("experiment") == "g3").fill_null(False),
    )
    best = _first(named.filter(~pl.col("own")).drop("own"), BEST)
    return pl.concat([best, _first(named.filter("own").drop("own"), 1)])


def _first(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    """The rows of the best so many names, best first, by threshold."""
    at = rows.filter(pl.col("threshold_km") == AT_KM).sort("accuracy", "name", descending=[True, False])
    order = (
        at.unique(["name", "about"], keep="first", maintain_order=True).head(count).select("name", "about")
    )
    found = order.join(rows, on=["name", "about"], maintain_order="left")
    return found.select(OTHERS.names()).cast(OTHERS)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
