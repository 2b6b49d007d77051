"""The same picture twice, within a dataset or across gallery and benchmark; and the same photographer in both.

What holds of a gallery holds of photos that a probe is trained on: whoever saw them has seen the answer.

Exact duplicates have equal SHA-256; near ones have perceptual hashes (64 bits) that differ in a few bits. Near is a
suspicion: two photos of one clear sky may hash alike.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.experiments.datasets import UNKNOWN

PHOTOS = pl.Schema(
    {
        "dataset": pl.String,
        "role": pl.String,  # gallery, benchmark or training
        "photo_id": pl.String,
        "author": pl.String,
        "sha256": pl.String,
        "dhash": pl.UInt64,
    }
)
DUPLICATES = pl.Schema(
    {
        "kind": pl.String,  # exact or near
        "distance": pl.UInt8,  # bits in which the perceptual hashes differ
        "dataset": pl.String,
        "photo_id": pl.String,
        "other_dataset": pl.String,
        "other_photo_id": pl.String,
    }
)
OVERLAP = pl.Schema(
    {
        "gallery": pl.String,
        "benchmark": pl.String,
        "gallery_authors": pl.Int64,
        "benchmark_authors": pl.Int64,
        "authors_in_both": pl.Int64,
        "queries": pl.Int64,
        "queries_of_gallery_authors": pl.Int64,
        "share": pl.Float64,
        "gallery_photos": pl.Int64,
        "gallery_photos_to_go": pl.Int64,
    }
)
MAXIMUM_DISTANCE = 8  # bits; beyond it most of what is found is chance
_AGREEING = 3  # blocks of bits that a candidate pair must share


class _Pairs(NamedTuple):
    """Indices of pairs, the first below the second, and the bits in which they differ."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: NDArray[np.uint8]


def duplicates(photos: pl.DataFrame, maximum_distance: int = 3) -> pl.DataFrame:
    """Links from photos to earlier ones (schema DUPLICATES) in `photos` (at least PHOTOS but author and role).

    The output stays small where thousands of flat pictures hash alike: a photo is linked to the first of equal
    bytes (exact); the first of its bytes, to the first of its hash (near, distance 0); the first of its hash, to the
    first of each other hash within `maximum_distance` bits (near). No such link is missed. ValueError beyond 0 to 8.
    """
    known = photos.select(_row(), "sha256", "dhash")
    firsts = known.with_columns(pl.col("row").min().over("sha256").alias("first"))
    exact = firsts.filter(pl.col("first") != pl.col("row")).select(
        pl.lit("exact").alias("kind"),
        pl.lit(0, pl.UInt8).alias("distance"),
        "row",
        pl.col("first").alias("other"),
    )
    distinct = firsts.filter(pl.col("first") == pl.col("row")).drop_nulls("dhash")
    alike = distinct.with_columns(pl.col("row").min().over("dhash").alias("other"))
    same = alike.filter(pl.col("other") != pl.col("row")).select(
        pl.lit("near").alias("kind"), pl.lit(0, pl.UInt8).alias("distance"), "row", "other"
    )
    hashes = alike.filter(pl.col("other") == pl.col("row")).sort("row")
    rows, pairs = hashes["row"].to_numpy(), pairs_within(hashes["dhash"].to_numpy(), maximum_distance)
    near = pl.DataFrame({"distance": pairs.distance, "row": rows[pairs.second], "other": rows[pairs.first]})
    near = near.select(pl.lit("near").alias("kind"), "distance", "row", "other")
    return _named(pl.concat([exact, same, near]).sort("row", "other"), photos)


def leaked(photos: pl.DataFrame, maximum_distance: int = 3) -> pl.DataFrame:
    """For each benchmark photo and each gallery or training set that holds its picture: the nearest such photo.

    Schema DUPLICATES. Of equally near ones the first; `dataset` is the benchmark's, `other_dataset` the gallery's or
    training set's. ValueError as above.
    """
    neighbours = _neighbours(photos["dhash"], maximum_distance)
    held = photos.select(
        _row().alias("other"), "role", "dataset", "dhash", pl.col("sha256").alias("other_sha256")
    )
    held = held.filter(pl.col("role") != "benchmark").drop_nulls("dhash")
    held = held.select(
        "other", "other_sha256", pl.col("dataset").alias("gallery"), pl.col("dhash").alias("other_dhash")
    )
    asked = photos.select(_row(), "role", "sha256", "dhash").filter(pl.col("role") == "benchmark")
    seen = asked.join(neighbours, on="dhash").join(_held_once(held, asked), on="other_dhash")
    same = pl.col("sha256") == pl.col("other_sha256")
    seen = seen.with_columns(pl.when(same).then(pl.lit("exact")).otherwise(pl.lit("near")).alias("kind"))
    nearest = seen.sort("row", "gallery", "distance", "kind", "other").unique(
        ["row", "gallery"], keep="first"
    )
    return _named(nearest.sort("row", "gallery"), photos)


def same_pictures(
    gallery: pl.DataFrame, queries: pl.DataFrame, maximum_distance: int = 3
) -> list[NDArray[np.int64]]:
    """For each query the rows of every gallery photo that is its picture, by bytes or to the eye; ascending.

    Both frames have sha256 and dhash. ValueError as above.
    """
    held = gallery.select(_row().alias("other"), other_sha256="sha256", other_dhash="dhash")
    asked = queries.select(_row(), "sha256", "dhash")
    neighbours = _neighbours(pl.concat([gallery["dhash"], queries["dhash"]]), maximum_distance)
    near = asked.join(neighbours, on="dhash").join(held, on="other_dhash")
    exact = asked.join(held, left_on="sha256", right_on="other_sha256")
    found = pl.concat([near.select("row", "other"), exact.select("row", "other")]).unique()
    rows, others = found.sort("row", "other").to_numpy().T
    return np.split(others, np.searchsorted(rows, np.arange(1, queries.height)))


def author_overlap(photos: pl.DataFrame) -> pl.DataFrame:
    """How much each benchmark shares its photographers with each gallery; those named `unknown` count as nobody.

    `share` is the fraction of the benchmark's photos whose author has photos in the gallery; `gallery_photos_to_go`
    are what the gallery loses if photographers of the benchmark are excluded from it. Training sets are told like
    galleries, behind them.
    """
    named = photos.filter(pl.col("author").is_not_null() & (pl.col("author") != UNKNOWN))
    counts = named.group_by("role", "dataset", "author").agg(pl.len().alias("photos"))
    sizes = photos.group_by("role", "dataset").agg(pl.len().alias("photos"))
    rows = []
    seen = sizes.filter(pl.col("role") != "benchmark").sort("role", "dataset")
    for gallery in seen.iter_rows(named=True):
        ours = counts.filter(dataset=gallery["dataset"])
        for benchmark in sizes.filter(role="benchmark").sort("dataset").iter_rows(named=True):
            theirs = counts.filter(role="benchmark", dataset=benchmark["dataset"])
            both = ours.join(theirs, on="author", suffix="_asked")
            shared = int(both["photos_asked"].sum())
            rows.append(
                {
                    "gallery": gallery["dataset"],
                    "benchmark": benchmark["dataset"],
                    "gallery_authors": ours.height,
                    "benchmark_authors": theirs.height,
                    "authors_in_both": both.height,
                    "queries": benchmark["photos"],
                    "queries_of_gallery_authors": shared,
                    "share": shared / benchmark["photos"],
                    "gallery_photos": gallery["photos"],
                    "gallery_photos_to_go": int(both["photos"].sum()),
                }
            )
    return pl.DataFrame(rows, schema=OVERLAP)


def pairs_within(hashes: NDArray[np.uint64], maximum_distance: int) -> _Pairs:
    """Every pair of these distinct hashes that differs in at most so many bits, each once. ValueError beyond 0 to 8.

    Of `maximum_distance` + 3 blocks of bits, that many differing bits leave three untouched: for each three blocks, the
    hashes are sorted by them, and only equal ones are compared. Memory grows with hashes and pairs found, no more.
    """
    if not 0 <= maximum_distance <= MAXIMUM_DISTANCE:
        raise ValueError(f"maximum_distance is {maximum_distance} bits; 0 to {MAXIMUM_DISTANCE} are possible")
    found = [_Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))]
    if maximum_distance and len(hashes) > 1:
        masks = _masks(maximum_distance + _AGREEING)
        for number, mask in enumerate(masks):
            for first, second in _agreeing(hashes, mask):
                differing = hashes[first] ^ hashes[second]
                near = np.flatnonzero(np.bitwise_count(differing) <= maximum_distance)
                for earlier in masks[:number]:  # agreed in those blocks too: found already
                    near = near[(differing[near] & earlier) != 0]
                if len(near):
                    low, high = np.minimum(first[near], second[near]), np.maximum(first[near], second[near])
                    found.append(_Pairs(low, high, np.bitwise_count(differing[near])))
    return _Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _masks(blocks: int) -> list[np.uint64]:
    """The bits of every choice of _AGREEING blocks among so many of about equal width."""
    edges = [64 * number // blocks for number in range(blocks + 1)]
    widths = [((1 << (end - start)) - 1) << start for start, end in pairwise(edges)]
    return [np.uint64(sum(choice)) for choice in combinations(widths, _AGREEING)]


def _agreeing(
    hashes: NDArray[np.uint64], mask: np.uint64
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of indices that agree in the mask's bits, and some that do not; never more at once than there are hashes.

    Key and index are sorted as one number, which is ten times as fast as sorting indices by key.
    """
    index_bits = np.uint64(len(hashes).bit_length())
    mixed = (hashes & mask) * np.uint64(0x9E3779B97F4A7C15)  # golden ratio: the upper bits depend on all bits
    keys = mixed >> index_bits
    order = np.sort((keys << index_bits) | np.arange(len(hashes), dtype=np.uint64))
    keys, indices = (
        order >> index_bits,
        (order & ((np.uint64(1) << index_bits) - np.uint64(1))).astype(np.int64),
    )
    left, step = np.flatnonzero(keys[1:] == keys[:-1]), 1
    while len(left):
        yield indices[left], indices[left + step]
        step += 1
        left = left[left + step < len(keys)]
        left = left[keys[left] == keys[left + step]]


def _neighbours(hashes: pl.Series, maximum_distance: int) -> pl.DataFrame:
    """dhash, other_dhash, distance: every hash with those near it, itself among them."""
    distinct = hashes.drop_nulls().unique().sort()
    pairs = pairs_within(distinct.to_numpy(), maximum_distance)
    every = np.arange(len(distinct))
    return pl.DataFrame(
        {
            "dhash": distinct.gather(np.concatenate([every, pairs.first, pairs.second])),
            "other_dhash": distinct.gather(np.concatenate([every, pairs.second, pairs.first])),
            "distance": np.concatenate([np.zeros(len(distinct), np.uint8), pairs.distance, pairs.distance]),
        }
    )


def _held_once(held: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Of each gallery's photos of one hash the first, and the first of each digest that a benchmark has too."""
    first = held.unique(["gallery", "other_dhash"], keep="first", maintain_order=True)
    shared = held.join(asked, left_on="other_sha256", right_on="sha256", how="semi")
    shared = shared.unique(["gallery", "other_sha256"], keep="first", maintain_order=True)
    return pl.concat([first, shared]).unique(maintain_order=True)


def _row() -> pl.Expr:
    return pl.int_range(pl.len(), dtype=pl.Int64).alias("row")


def _named(links: pl.DataFrame, photos: pl.DataFrame) -> pl.DataFrame:
    """Row numbers, `row` and `other`, as the photos' names."""
    names = photos.select("dataset", "photo_id")
    there = names[links["row"]]
    other = names[links["other"]].rename({"dataset": "other_dataset", "photo_id": "other_photo_id"})
    return pl.concat([links.select("kind", "distance"), there, other], how="horizontal").match_to_schema(
        DUPLICATES
    )
