"""What the charts show: the warehouse's tables and views of one benchmark, experiments by their number in the page."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.results.metrics import THRESHOLDS_KM
from g3lib.results.report.experiments import Entry
from g3lib.results.report.reading import Source

CURVE_KM = (0.1, 20_038.0)  # from a house number to the antipodes
POINTS = 220

# experiments become numbers, so that each name stands in the page once
_NUMBERED = (
    "select number as e, {columns} from {table} join numbered using (experiment) where benchmark = $benchmark"
)
_TABLES = {
    "accuracy": ("results.accuracy", "threshold_km as km, accuracy, ci_low as low, ci_high as high", "e, km"),
    "continents": (
        "results.accuracy_by_continent",
        "continent, threshold_km as km, accuracy, ci_low as low, ci_high as high, n",
        "e, continent = 'none', continent, km",
    ),
    "places": (
        "results.place_accuracy",
        "level, accuracy, ci_low as low, ci_high as high, n",
        "e, list_position(['continent', 'country', 'state', 'city'], level)",
    ),
    "oracle": ("results.oracle", "k, threshold_km as km, accuracy", "e, km, k nulls last"),
    "miss": (
        "results.miss",
        "threshold_km as km, n, hit, ranking, retrieval, coverage, proposal",
        "e, km",
    ),
    "calibration": ("results.calibration", "threshold_km as km, bin, n, predicted, measured", "e, km, bin"),
    "selective": ("results.selective", "threshold_km as km, withheld, accuracy, n", "e, km, withheld"),
    "summary": (
        "results.summary",
        "n, median_km, mean_km, p90_km, geoscore, parse_failure_rate, cost_usd, seconds",
        "e",
    ),
}
_COMPARISONS = """
select
    one.number as e, two.number as o, threshold_km as km, difference, ci_low as low, ci_high as high,
    only_experiment as only_one, only_other, p_mcnemar as p, p_holm as holm
from results.comparison as compared
join numbered as one on one.experiment = compared.experiment
join numbered as two on two.experiment = compared.other
where benchmark = $benchmark
order by e, o, km
"""
_ERRORS = """
select number as e, error_km from results.prediction join numbered using (experiment) where benchmark = $benchmark
"""


def number(source: Source, experiments: Sequence[Entry]) -> None:
    """Let queries of this source join `numbered`: experiment, number."""
    names = pl.DataFrame(
        {"experiment": [each.name for each in experiments]}, schema={"experiment": pl.String}
    )
    source.connection.register("numbered", names.with_row_index("number"))


def collected(source: Source, benchmark: str) -> dict[str, Any]:
    """Every table by name, column-wise, rounded to what a chart can show; infinite distances are "inf"."""
    tables = {}
    for name, (table, columns, order) in _TABLES.items():
        sql = f"{_NUMBERED.format(table=table, columns=columns)} order by {order}"
        tables[name] = column_wise(source.rows(sql, benchmark=benchmark))
    tables["comparisons"] = column_wise(source.rows(_COMPARISONS, benchmark=benchmark))
    return tables | {"curves": _curves(source.rows(_ERRORS, benchmark=benchmark))}


def column_wise(frame: pl.DataFrame) -> dict[str, list[Any]]:
    """Lists by name of column; fractions to five digits, the p of tests to three that count."""
    tests = [name for name in ("p", "holm") if name in frame.columns]
    fractions = pl.selectors.float().exclude(tests).round(5)
    rounded = frame.with_columns(fractions, pl.col(tests).round_sig_figs(3))
    return {column.name: [_plain(value) for value in column] for column in rounded}


def _plain(value: Any) -> Any:
    """JSON has no infinity and no NaN."""
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else "inf"
    return value


def _curves(errors: pl.DataFrame) -> dict[str, Any]:
    """Share of all queries closer than each distance; at the thresholds it is the accuracy."""
    kilometres = np.union1d(np.geomspace(*CURVE_KM, POINTS), THRESHOLDS_KM)
    shares = {
        str(number): _shares(group["error_km"], kilometres)
        for (number,), group in errors.group_by("e", maintain_order=True)
    }
    return {"km": [round(float(km), 4) for km in kilometres], "shares": shares}


def _shares(errors: pl.Series, kilometres: NDArray[np.float64]) -> list[float]:
    known = np.sort(errors.drop_nulls().to_numpy())
    return [round(float(x), 5) for x in np.searchsorted(known, kilometres, side="left") / len(errors)]
