"""How often the named city or country is right: accuracies of labels with intervals, and what chance would reach.

Photos that have no label (too far from every city) are not judged, only counted; every other photo of a test set is,
also where its true label is none that the experiment could name.
"""

from collections.abc import Iterator
from math import comb

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.results.intervals import author_clusters, bootstrap, wider

TOPS = (1, 5)
CITY_ACCURACY_SCHEMA = pl.Schema(
    {
        "experiment": pl.String,
        "test_set": pl.String,
        "scale": pl.String,  # city or country
        "mapped": pl.Boolean,  # whether cities were named and their countries judged
        "top": pl.Int64,
        **dict.fromkeys(("accuracy", "ci_low", "ci_high", "mean_accuracy", "chance", "majority"), pl.Float64),
        **dict.fromkeys(("labels", "n", "n_outside"), pl.Int64),
    }
)


def city_accuracy_table(predictions: pl.DataFrame, resamples: int, seed: int) -> pl.DataFrame:
    """Top-1 and top-5 accuracy of each experiment and test set, schema CITY_ACCURACY_SCHEMA.

    `predictions`: rows of results.city_prediction. Named cities are judged as cities and, mapped up, as countries: a
    country stands where its best label does. `chance` is what naming labels at random, without repeats, would reach;
    `majority`, always the most frequent truth; `mean_accuracy`, the mean over truths, so that many photos of one city
    count once. Intervals are the wider of the i.i.d. and the author-clustered bootstrap. A test set without a labelled
    photo has no rows.
    """
    frames = [CITY_ACCURACY_SCHEMA.to_frame()]
    for group in predictions.partition_by("experiment", "test_set", "scale", maintain_order=True):
        judged = group.drop_nulls("truth").sort("photo_id")
        if judged.height:
            outside = group.height - judged.height
            frames += [
                pl.DataFrame([row], schema=CITY_ACCURACY_SCHEMA)
                for row in _rows(judged, outside, resamples, seed)
            ]
    return pl.concat(frames)


def _rows(judged: pl.DataFrame, outside: int, resamples: int, seed: int) -> Iterator[dict[str, object]]:
    """Both tops of a test set: as named, and cities as countries too."""
    first = judged.row(0, named=True)
    about = {name: first[name] for name in ("experiment", "test_set", "labels")}
    counts = {"n": judged.height, "n_outside": outside}
    one = np.ones(judged.height, np.int64)
    kinds = [(first["scale"], False, "truth_rank", "truth", one)]
    if first["scale"] == "city":
        kinds.append(("country", True, "country_rank", "true_country", judged["in_country"].to_numpy()))
    beyond = first["labels"] + 1  # where a truth stands that is no label
    ranks = [judged[rank].fill_null(beyond).to_numpy() for _, _, rank, _, _ in kinds]
    outcomes = np.column_stack([each <= top for each in ranks for top in TOPS]).astype(np.float64)
    iid, author = (
        bootstrap(outcomes, clusters, resamples, seed) for clusters in (None, author_clusters(judged))
    )
    printed = wider(iid, author)
    for number, (scale, mapped, _, truth, right) in enumerate(kinds):
        frequent = judged[truth].value_counts(sort=True)["count"]
        for place, top in enumerate(TOPS):
            column = number * len(TOPS) + place
            hits = pl.Series(outcomes[:, column])
            yield {
                **about,
                **counts,
                "scale": scale,
                "mapped": mapped,
                "top": top,
                "accuracy": hits.mean(),
                "ci_low": printed.low[column],
                "ci_high": printed.high[column],
                "mean_accuracy": pl.DataFrame({"hit": hits}).group_by(judged[truth]).mean()["hit"].mean(),
                "chance": chance(first["labels"], right, top),
                "majority": float(frequent.head(top).sum() / judged.height),
            }


def chance(labels: int, right: NDArray[np.int64], top: int) -> float:
    """The mean chance that `top` of `labels`, drawn without repeats, hold one of the `right` (n,) ones.

    For countries of named cities it is that of drawing cities, of which several may be right.
    """
    top = min(top, labels)
    missed = {count: comb(labels - count, top) / comb(labels, top) for count in set(right.tolist())}
    return float(np.mean([1.0 - missed[count] for count in right.tolist()]))
