"""Every experiment's labels as places: its similarities against distances, and beside those of a one-hot classifier."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.im2city.model import CityModel
from g3lib.im2city.proximity import (
    compare_models,
    embedding_map,
    label_distances,
    label_pairs,
    label_similarities,
    mantel,
    nearest_labels,
    nearest_summary,
)

SEED = 0
Method = Literal["spearman", "pearson"]
Matrix = NDArray[np.float64]
# of correlation, and whether the mean of all labels is taken off first
METHODS: tuple[tuple[Method, bool], ...] = (("spearman", False), ("pearson", False), ("spearman", True))
COMPARISON = pl.Schema(
    {
        **dict.fromkeys(("other", "method"), pl.String()),
        "labels": pl.Int64(),
        **dict.fromkeys(
            ("correlation", "other_correlation", "difference", "ci_low", "ci_high", "p"), pl.Float64()
        ),
        "permutations": pl.Int64(),
    }
)


@dataclass(frozen=True)
class Likeness:
    """Rows of results.city_proximity, and of its _comparison; of city_neighbour, and its _summary; of city_pair."""

    proximity: pl.DataFrame
    comparisons: pl.DataFrame
    neighbours: pl.DataFrame
    summaries: pl.DataFrame
    pairs: pl.DataFrame


@dataclass(frozen=True)
class Embedding:
    """A model's rows as an embedding of its labels: `text` of prompts, or `weights` of a probe.

    other: the experiment whose one-hot probe it is compared with; None of a probe itself.
    """

    experiment: str
    kind: str
    model: CityModel
    other: str | None


def likeness(embeddings: Mapping[str, Embedding], labels: pl.DataFrame, permutations: int) -> Likeness:
    """What is to be said of several models of the same labels (schema LABELS), by experiment.

    Raises ValueError for fewer than four labels, or weights without a direction.
    """
    found = [_one(each, embeddings, labels, permutations) for each in embeddings.values()]
    columns = ([getattr(one, each.name) for one in found] for each in fields(Likeness))
    return Likeness(*(pl.concat(frames) for frames in columns))


def _one(
    own: Embedding, embeddings: Mapping[str, Embedding], labels: pl.DataFrame, permutations: int
) -> Likeness:
    distance = label_distances(labels["lat"], labels["lon"])
    similarity = label_similarities(own.model.weights)
    codes = labels["country_code"].to_list()
    frames = (
        pl.DataFrame([_correlation(own, distance, *each, permutations) for each in METHODS]),
        pl.DataFrame(_comparison(own, embeddings, distance, permutations), schema=COMPARISON),
        _neighbours(similarity, distance, labels),
        nearest_summary(similarity, distance, codes, permutations, SEED),
        _named(label_pairs(similarity, distance), labels),
    )
    name = pl.lit(own.experiment).alias("experiment")
    return Likeness(*(frame.with_columns(name) for frame in frames))


def _correlation(
    own: Embedding, distance: Matrix, method: Method, centred: bool, permutations: int
) -> dict[str, object]:
    """A row of results.city_proximity."""
    similarity = label_similarities(own.model.weights, centred)
    found = mantel(similarity, distance, permutations, SEED, method)
    return {
        "embedding": own.kind,
        "labels": found.labels,
        "method": method,
        "centred": centred,
        "correlation": found.statistic,
        "ci_low": found.low,
        "ci_high": found.high,
        "p": found.p,
        "permutations": permutations,
        "null_mean": found.null_mean,
        "null_low": found.null_low,
        "null_high": found.null_high,
    }


def _comparison(
    own: Embedding, embeddings: Mapping[str, Embedding], distance: Matrix, permutations: int
) -> list[dict[str, object]]:
    """A row of results.city_proximity_comparison; none if the probe is not among the experiments."""
    beside = embeddings.get(own.other or "")
    if beside is None:
        return []
    one, other = (label_similarities(each.model.weights) for each in (own, beside))
    found = compare_models(one, other, distance, permutations, SEED)
    return [
        {
            "other": own.other,
            "method": "spearman",
            "labels": found.labels,
            "correlation": found.statistic,
            "other_correlation": found.other_statistic,
            "difference": found.difference,
            "ci_low": found.low,
            "ci_high": found.high,
            "p": found.p,
            "permutations": permutations,
        }
    ]


def _neighbours(similarity: Matrix, distance: Matrix, labels: pl.DataFrame) -> pl.DataFrame:
    """Rows of results.city_neighbour: each label's most similar other one, and where both maps have it."""
    nearest = nearest_labels(similarity, distance, labels["country_code"].to_list())
    points = embedding_map(similarity, labels["lat"], labels["lon"]).points.drop("label")
    named = labels["label"].gather(nearest["nearest"]).alias("nearest")
    about = labels.select("label", "country_code", "lat", "lon")
    return about.hstack(nearest.drop("label").with_columns(named)).hstack(points)


def _named(pairs: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Rows of results.city_pair."""
    one, other = (labels["label"].gather(pairs[each]) for each in ("one", "other"))
    return pairs.select(one.alias("label"), other.alias("other"), "km", "similarity")
