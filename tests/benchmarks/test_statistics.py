"""What the result tables rest on, measured: distances, accuracies, resamples, comparisons, coverage of the gallery.

Everything is drawn, in the sizes of IM2GPS3k and MP-16. Times depend on the machine, so none of them fails a test; what
the answers are must hold everywhere. geopy goes through a sample, whose pace is taken for all pairs. The least of
several turns counts, the ways that are compared taking turns.
"""

import resource
import time
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from geopy.distance import geodesic
from numpy.typing import ArrayLike, NDArray

from g3lib.geo import coordinates_of, geodesic_km, unit_vectors
from g3lib.results import THRESHOLDS_KM, comparison_table, diagnose, hits
from g3lib.results.comparisons import COMPARISON_SCHEMA
from g3lib.results.coverage import gallery_places
from g3lib.results.intervals import Interval, bootstrap, one_thread, resample

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

Positions = tuple[NDArray[np.float64], NDArray[np.float64]]

PAIRS, SAMPLE, ANTIPODAL = 1_000_000, 20_000, 2_000
QUERIES, RESAMPLES = 3_000, 10_000
PHOTOS, ASKED = 4_700_000, 4_500


def fastest(*works: Callable[[], object], turns: int = 3) -> list[float]:
    """Seconds of each, the least of alternating turns."""
    best = [np.inf] * len(works)
    for _ in range(turns):
        for number, work in enumerate(works):
            started = time.perf_counter()
            work()
            best[number] = min(best[number], time.perf_counter() - started)
    return best


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # kB on Linux


def anywhere(count: int, numbers: np.random.Generator) -> Positions:
    lat = np.degrees(np.arcsin(numbers.uniform(-1, 1, count)))
    return lat, numbers.uniform(-180, 180, count)


# --- distances


def pairs() -> tuple[Positions, Positions]:
    """Truths and predictions: a third close, the rest anywhere; the first so many are antipodes, or nearly."""
    numbers = np.random.default_rng(0)
    (lat, lon), (there, along) = anywhere(PAIRS, numbers), anywhere(PAIRS, numbers)
    close = numbers.random(PAIRS) < 1 / 3
    there[close] = np.clip(lat[close] + numbers.normal(0, 1, close.sum()), -90, 90)
    along[close] = lon[close] + numbers.normal(0, 1, close.sum())
    off = np.where(np.arange(ANTIPODAL) % 2, numbers.normal(0, 0.2, ANTIPODAL), 0.0)
    there[:ANTIPODAL] = np.clip(-lat[:ANTIPODAL] + off, -90, 90)
    along[:ANTIPODAL] = lon[:ANTIPODAL] + 180 + off
    return (lat, lon), (there, along)


def row_by_row(truth: Positions, guess: Positions) -> tuple[NDArray[np.float64], list[float]]:
    """As evaluation scripts do it: geopy and a comparison for each row."""
    found, counts = [], [0] * len(THRESHOLDS_KM)
    for lat, lon, there, along in zip(*(each.tolist() for each in (*truth, *guess)), strict=True):
        km = geodesic((lat, lon), (there, along)).km
        found.append(km)
        for number, threshold in enumerate(THRESHOLDS_KM):
            counts[number] += km < threshold
    return np.array(found), [count / len(found) for count in counts]


def test_a_million_distances_and_accuracies_beside_geopy() -> None:
    truth, guess = pairs()
    tail = np.arange(PAIRS)[-(SAMPLE - ANTIPODAL) :]
    rows = np.concatenate([np.arange(ANTIPODAL), tail])
    sample = (tuple(each[rows] for each in truth), tuple(each[rows] for each in guess))
    ordinary = (tuple(each[tail] for each in truth), tuple(each[tail] for each in guess))

    (ours,) = fastest(lambda: hits(geodesic_km(*truth, *guess)).mean(axis=0))
    (theirs,) = fastest(lambda: row_by_row(*ordinary), turns=2)
    theirs *= PAIRS / len(tail)  # without the antipodes, which are a thousandth of the pairs and slow
    km, accuracy = row_by_row(*sample)
    apart = np.abs(geodesic_km(*sample[0], *sample[1]) - km)
    assert apart.max() < 0.001  # a metre
    assert hits(geodesic_km(*sample[0], *sample[1])).mean(axis=0).tolist() == accuracy
    print(
        f"\n{PAIRS:,} pairs: {ours:.2f} s; geopy row by row {theirs:.0f} s, by {len(tail):,} rows: "
        f"{theirs / ours:.0f} times as fast; largest difference {apart.max() * 1e6:.3f} mm over {len(rows):,} "
        f"rows, of the {ANTIPODAL:,} nearly antipodal {apart[:ANTIPODAL].max() * 1e6:.3f} mm"
    )


# --- resamples


def authors_like_im2gps3k() -> NDArray[np.int64]:
    """198 authors of 3,000 photos, the largest of some 235, the ten largest of a third."""
    sizes = np.maximum(1, np.rint(235 * np.arange(1, 199) ** -0.73)).astype(np.int64)
    return np.resize(np.repeat(np.arange(198), sizes), QUERIES)


def experiments(count: int, authors: NDArray[np.int64]) -> pl.DataFrame:
    """Predictions whose errors share what is hard about a photo and about an author."""
    numbers = np.random.default_rng(1)
    hard = numbers.normal(size=QUERIES) + numbers.normal(size=authors.max() + 1)[authors]
    skill = numbers.normal(0, 0.3, (count, 1))
    errors = np.exp(4 + 2 * (skill + hard + numbers.normal(size=(count, QUERIES))))
    return pl.DataFrame(
        {
            "benchmark": "drawn",
            "experiment": np.repeat([f"e{number}" for number in range(count)], QUERIES),
            "photo_id": np.tile([f"p{number:05d}" for number in range(QUERIES)], count),
            "author": np.tile([f"a{number}" for number in authors], count),
            "error_km": np.minimum(errors, 20_000).ravel(),
        }
    )


@pytest.mark.parametrize("count", [30, 100])
@pytest.mark.parametrize("owners", ["198 authors", "3,000 authors"])
def test_resamples_of_many_experiments_and_all_their_differences(count: int, owners: str) -> None:
    authors = authors_like_im2gps3k() if owners == "198 authors" else np.arange(QUERIES)
    frame = experiments(count, authors)
    outcomes = hits(frame["error_km"].to_numpy()).reshape(count, QUERIES, -1)
    columns = outcomes.transpose(1, 0, 2).reshape(QUERIES, -1)
    clustered, both = fastest(
        lambda: bootstrap(columns, authors, RESAMPLES, 0), lambda: comparison_table(frame, RESAMPLES, 0)
    )
    table = comparison_table(frame, 200, 0)
    assert table.height == count * (count - 1) // 2 * len(THRESHOLDS_KM) and table.schema == COMPARISON_SCHEMA
    print(
        f"\n{RESAMPLES:,} resamples x {count} experiments x {QUERIES:,} queries of {owners}: clustered intervals "
        f"{clustered:.2f} s; {count * (count - 1) // 2:,} pairs with both bootstraps, McNemar and Holm {both:.2f} s; "
        f"peak of the process {peak_gb():.2f} GB"
    )


def by_kinds(outcomes: NDArray[np.bool_], clusters: ArrayLike | None) -> Interval:
    """The other way: weights for each distinct kind of cluster, equal ones being interchangeable."""
    index = np.arange(QUERIES) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    sums = np.zeros((index.max() + 1, outcomes.shape[1] + 1))
    np.add.at(sums, index, np.column_stack([outcomes, np.ones(QUERIES)]))
    kinds, counts = np.unique(sums, axis=0, return_counts=True)
    generator, means = np.random.default_rng(0), []
    with one_thread():
        for _ in range(RESAMPLES // 100):
            weights = generator.multinomial(counts.sum(), counts / counts.sum(), size=100)
            totals = weights.astype(np.float64) @ kinds
            means.append(totals[:, :-1] / totals[:, -1:])
    return Interval(*np.quantile(np.concatenate(means), [0.025, 0.975], axis=0))


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize("kind", ["photos", "authors"])
def test_weights_of_clusters_beside_weights_of_kinds_of_clusters(count: int, kind: str) -> None:
    authors = authors_like_im2gps3k()
    outcomes = hits(experiments(count, authors)["error_km"].to_numpy()).reshape(count, QUERIES, -1)
    columns = outcomes.transpose(1, 0, 2).reshape(QUERIES, -1)
    clusters = authors if kind == "authors" else None
    ours, theirs = fastest(
        lambda: bootstrap(columns, clusters, RESAMPLES, 0), lambda: by_kinds(columns, clusters), turns=2
    )
    found, other = bootstrap(columns, clusters, RESAMPLES, 0), by_kinds(columns, clusters)
    assert found.low == pytest.approx(other.low, abs=0.005) and found.high == pytest.approx(
        other.high, abs=0.005
    )
    print(f"\n{RESAMPLES:,} resamples of {kind}, {count} experiments: {ours:.3f} s, by kinds {theirs:.3f} s")


def test_equal_resamples_beside_other_experiments() -> None:
    """What the shared weights are for, at full size: a column alone is the column among 150, to the last bit."""
    authors = authors_like_im2gps3k()
    outcomes = hits(experiments(30, authors)["error_km"].to_numpy()).reshape(30, QUERIES, -1)
    columns = outcomes.transpose(1, 0, 2).reshape(QUERIES, -1)
    for clusters in (None, authors):
        together = resample(columns, clusters, 2_000, 0)
        assert np.array_equal(resample(outcomes[7], clusters, 2_000, 0).totals, together.totals[35:40])


# --- the gallery


def photographed(count: int, numbers: np.random.Generator) -> Positions:
    """Positions crowded around 20,000 cities of very unequal size, to a thousandth of a degree."""
    cities = np.random.default_rng(2)
    centres = unit_vectors(*anywhere(20_000, cities))
    weights = cities.pareto(1.0, 20_000) + 0.01
    around = centres[numbers.choice(20_000, count, p=weights / weights.sum())]
    lat, lon = coordinates_of(around + numbers.normal(0, 0.003, (count, 3)))
    return lat.round(3), lon.round(3)


def test_the_nearest_of_all_gallery_photos() -> None:
    numbers = np.random.default_rng(3)
    gallery, queries = photographed(PHOTOS, numbers), photographed(ASKED, numbers)
    started = time.perf_counter()
    places = gallery_places(*gallery)
    _ = places.tree
    built = time.perf_counter() - started
    own = [np.flatnonzero(places.place % 200 == author) for author in range(200)]  # 23,500 photos each
    excluded = [own[query % 200] for query in range(ASKED)]
    opened, without = fastest(
        lambda: places.nearest_km(*queries), lambda: places.nearest_km(*queries, excluded)
    )
    _, near = places.tree.query(unit_vectors(*(each[:200] for each in queries)), 5000)
    rows = [np.flatnonzero(np.isin(places.place, each)) for each in near[:5]]
    worst_queries = tuple(np.repeat(each[:5], ASKED // 5) for each in queries)
    worst_excluded = [row for row in rows for _ in range(ASKED // 5)]
    (worst,) = fastest(lambda: places.nearest_km(*worst_queries, worst_excluded), turns=1)
    found, left = places.nearest_km(*queries), places.nearest_km(*queries, excluded)
    for query in range(0, ASKED, ASKED // 10):
        km = geodesic_km(queries[0][query], queries[1][query], *gallery)
        assert found[query] == pytest.approx(km.min(), abs=1e-9)
        assert left[query] == pytest.approx(np.delete(km, excluded[query]).min(), abs=1e-9)
    print(
        f"\nnearest of {PHOTOS:,} gallery photos ({len(places.lat):,} places) for {ASKED:,} queries: {built:.1f} s to "
        f"build, {opened:.2f} s to ask, {without:.2f} s with exclusions of {len(own[0]):,} photos, {worst:.1f} s if "
        f"all 5,000 places around each query are excluded; peak of the process {peak_gb():.2f} GB"
    )


# --- diagnoses


def test_diagnoses_of_a_benchmark() -> None:
    numbers = np.random.default_rng(4)
    authors = authors_like_im2gps3k()
    predictions = experiments(1, authors).with_columns(
        gallery_policy=pl.lit("open"),
        true_lat=pl.Series(anywhere(QUERIES, numbers)[0]),
        true_lon=pl.Series(anywhere(QUERIES, numbers)[1]),
        score=pl.Series(numbers.random(QUERIES)),
    )
    lat, lon = anywhere(25 * QUERIES, numbers)
    photos = predictions["photo_id"].to_numpy().repeat(25)
    candidates = pl.DataFrame(
        {"photo_id": photos, "lat": lat, "lon": lon, "score": numbers.random(25 * QUERIES)}
    )
    gallery = predictions.select("photo_id", gallery_km="error_km")
    found: list[pl.DataFrame] = []
    (seconds,) = fastest(lambda: found.append(diagnose(predictions, candidates, candidates, gallery)))
    assert found[0].height == QUERIES and set(found[0]["candidates"]) == {25}
    print(f"\ndiagnoses of {QUERIES:,} queries with 25 candidates and 25 references each: {seconds:.2f} s")
