"""Paired differences and tests against closed forms, R's values and plain loops."""

from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.results import THRESHOLDS_KM, accuracy_table, comparison_table
from g3lib.results.comparisons import COMPARISON_SCHEMA, holm, mcnemar
from g3lib.results.intervals import resample

KEYS = ("benchmark", "experiment", "other", "threshold_km")


def predictions(
    benchmark: str = "toy", authors: int = 30, photos: int = 120, **errors: float
) -> pl.DataFrame:
    """Experiments whose errors lie around so many kilometres; what is hard is so for all."""
    generator = np.random.default_rng(len(benchmark))
    hard = generator.normal(size=photos)
    owner = generator.integers(authors, size=photos)
    frames = [
        pl.DataFrame(
            {
                "benchmark": benchmark,
                "experiment": name,
                "photo_id": [f"p{number:04d}" for number in range(photos)],
                "author": [f"a{number}" for number in owner],
                "error_km": km * np.exp(2 * hard + generator.normal(size=photos)),
            }
        )
        for name, km in errors.items()
    ]
    return pl.concat(frames)


def within(frame: pl.DataFrame, experiment: str, threshold: int) -> np.ndarray:
    own = frame.filter(pl.col("experiment") == experiment).sort("photo_id")
    return (own["error_km"].fill_null(np.inf) < threshold).to_numpy()


def test_every_pair_stands_once_in_the_order_of_first_appearance() -> None:
    frame = pl.concat([predictions(c=30, a=50, b=80), predictions("other", b=9, d=10, c=20)])
    table = comparison_table(frame, 20, 0)
    assert table.schema == COMPARISON_SCHEMA
    assert table.select(KEYS).unique().height == table.height == 2 * 3 * 5
    pairs = table.select("benchmark", "experiment", "other").unique(maintain_order=True).rows()
    assert pairs == [
        *[("toy", "c", "a"), ("toy", "c", "b"), ("toy", "a", "b")],
        *[("other", "c", "b"), ("other", "c", "d"), ("other", "b", "d")],
    ]
    assert table["threshold_km"].to_list() == list(THRESHOLDS_KM) * 6


def test_counts_and_differences_are_those_of_the_photos() -> None:
    frame = predictions(a=40, b=90)
    for row in comparison_table(frame, 50, 0).iter_rows(named=True):
        one, other = (within(frame, name, row["threshold_km"]) for name in "ab")
        assert row["n"] == 120
        assert (row["only_experiment"], row["only_other"]) == ((one & ~other).sum(), (other & ~one).sum())
        assert row["accuracy"] == one.mean() and row["other_accuracy"] == other.mean()
        assert row["difference"] == pytest.approx(one.mean() - other.mean())
        assert row["ci_low"] <= row["difference"] <= row["ci_high"]


def test_a_failure_is_a_miss() -> None:
    frame = predictions(a=1e-3, b=1e-3)
    failed = frame.with_columns(error_km=pl.when(pl.col("experiment") == "a").then("error_km"))
    table = comparison_table(failed, 50, 0)
    assert set(table["other_accuracy"]) == {0.0} and table["only_other"].sum() == 0
    assert (table["difference"] == table["accuracy"]).all()


def test_intervals_are_of_the_same_resamples_in_a_plain_loop() -> None:
    frame = predictions(a=40, b=90)
    authors = frame.filter(pl.col("experiment") == "a")["author"].to_list()
    row = comparison_table(frame, 200, 7).filter(pl.col("threshold_km") == 200).row(0, named=True)
    one, other = (within(frame, name, 200) for name in "ab")
    ends = []
    for clusters in (np.arange(120), np.unique(authors, return_inverse=True)[1]):
        labels = np.unique(clusters)
        sizes = np.bincount(clusters)
        drawn = resample(clusters[:, np.newaxis] == labels, clusters, 200, 7).totals / sizes[:, np.newaxis]
        differences = []
        for weights in drawn.T:
            rows = np.repeat(np.arange(120), weights[clusters].astype(int))
            differences.append(one[rows].mean() - other[rows].mean())
        ends.append(np.quantile(differences, [0.025, 0.975]))
    low, high = max(reversed(ends), key=lambda pair: pair[1] - pair[0])
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(low), pytest.approx(high))


def test_beside_one_that_never_hits_an_experiment_has_the_interval_it_is_printed_with() -> None:
    frame = predictions(a=40, never=1e9)
    about = {"method": "m", "variant": "v", "gallery_policy": "open", "lmm": None}
    own = frame.filter(pl.col("experiment") == "a").with_columns(
        pl.lit(v, pl.String).alias(k) for k, v in about.items()
    )
    printed = accuracy_table(own.with_columns(error_haversine_km="error_km"), 120, 300, 0)
    compared = comparison_table(frame, 300, 0)
    for name in ("ci_low", "ci_high"):
        assert compared[name].to_list() == printed[name].to_list()


def test_equal_outcomes_differ_by_nothing() -> None:
    frame = predictions(a=40)
    same = pl.concat([frame, frame.with_columns(experiment=pl.lit("again"))])
    table = comparison_table(same, 100, 0)
    for name in ("difference", "ci_low", "ci_high", "only_experiment", "only_other"):
        assert set(table[name]) == {0}
    assert set(table["p_mcnemar"]) == set(table["p_holm"]) == {1.0}


def test_what_is_hard_for_both_cancels() -> None:
    frame = predictions(photos=800, authors=800, a=60, b=80)
    row = comparison_table(frame, 2000, 0).filter(pl.col("threshold_km") == 200).row(0, named=True)
    one, other = (within(frame, name, 200) for name in "ab")
    unpaired = 2 * 1.96 * np.sqrt(one.var() / 800 + other.var() / 800)
    closed = 2 * 1.96 * np.sqrt((one.astype(float) - other).var() / 800)
    assert row["ci_high"] - row["ci_low"] == pytest.approx(closed, rel=0.1)
    assert closed < 0.8 * unpaired


def test_neither_the_order_of_photos_nor_other_experiments_change_a_pair() -> None:
    frame = predictions(a=40, b=90, c=20, d=10)
    shuffled = frame.with_columns(pl.int_range(pl.len()).shuffle(seed=1).over("experiment").alias("place"))
    order = pl.col("experiment").replace_strict({"a": 0, "b": 1, "c": 2, "d": 3}, return_dtype=pl.Int8)
    whole = comparison_table(frame, 100, 0)
    assert whole.equals(comparison_table(shuffled.sort(order, "place"), 100, 0))
    alone = comparison_table(frame.filter(pl.col("experiment").is_in(["b", "d"])), 100, 0)
    beside = whole.filter((pl.col("experiment") == "b") & (pl.col("other") == "d"))
    assert alone.equals(beside)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, 0.5, 30.0, 5000.0]),
            st.sampled_from([None, 0.5, 30.0, 5000.0]),
            st.integers(0, 3),
        ),
        min_size=2,
        max_size=12,
    )
)
def test_the_other_way_round_everything_changes_sign(rows: list[tuple[float, float, int]]) -> None:
    def of(name: str, column: int) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "benchmark": "toy",
                "experiment": name,
                "photo_id": [f"p{number}" for number in range(len(rows))],
                "author": [f"a{row[2]}" for row in rows],
                "error_km": pl.Series([row[column] for row in rows], dtype=pl.Float64),
            }
        )

    there = comparison_table(pl.concat([of("a", 0), of("b", 1)]), 80, 0)
    back = comparison_table(pl.concat([of("b", 1), of("a", 0)]), 80, 0)
    assert there["difference"].to_list() == (-back["difference"]).to_list()
    assert there["only_experiment"].to_list() == back["only_other"].to_list()
    assert there["p_holm"].to_list() == back["p_holm"].to_list()
    width = [table["ci_high"] - table["ci_low"] for table in (there, back)]
    assert width[0].to_list() == pytest.approx(width[1].to_list(), abs=1e-12)
    assert (there["ci_low"] <= there["ci_high"]).all() and there["p_holm"].is_between(0, 1).all()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # R's binom.test(b, b + c)$p.value
        (2, 10, 0.03857421875),
        (0, 5, 0.0625),
        (0, 6, 0.03125),
        (5, 5, 1.0),
        (0, 0, 1.0),
        (1, 2, 1.0),
    ],
)
def test_mcnemar_is_the_exact_binomial_test(one: int, other: int, expected: float) -> None:
    assert mcnemar([one, other], [other, one]) == pytest.approx([expected, expected])


def test_mcnemar_of_all_small_counts_in_whole_numbers() -> None:
    one, other = (each.ravel() for each in np.meshgrid(np.arange(25), np.arange(25)))
    for b, c, p in zip(one.tolist(), other.tolist(), mcnemar(one, other), strict=True):
        tail = sum(comb(b + c, k) for k in range(min(b, c) + 1))
        assert p == pytest.approx(min(1.0, 2 * tail / 2 ** (b + c)), rel=1e-12)


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [  # R's p.adjust(p, "holm")
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.9, 0.0001], [1.0, 1.0, 0.0003]),
        ([0.01, np.nan, 0.02], [0.02, np.nan, 0.02]),
        ([np.nan, np.nan], [np.nan, np.nan]),
    ],
)
def test_holm_is_rs(p: list[float], adjusted: list[float]) -> None:
    assert holm(p) == pytest.approx(adjusted, nan_ok=True)
    assert holm([p, p[::-1]])[1] == pytest.approx(adjusted[::-1], nan_ok=True)


def test_holm_spans_the_benchmarks_of_a_pair() -> None:
    frame = pl.concat([predictions(a=20, b=90), predictions("second", a=30, b=50, c=10)])
    table = comparison_table(frame, 20, 0)
    for (one, other), own in table.group_by("experiment", "other"):
        assert own.height == (10 if (one, other) == ("a", "b") else 5)
        assert own["p_holm"].to_list() == pytest.approx(holm(own["p_mcnemar"].to_numpy()).tolist())
    assert (table["p_holm"] >= table["p_mcnemar"]).all()


def test_authors_that_one_file_does_not_name_are_taken_from_another() -> None:
    one = pl.col("experiment") == "a"
    misses = one == pl.col("author").str.tail(1).cast(pl.Int8) % 2  # authors have a method that suits them
    frame = predictions(authors=20, a=40, b=40).with_columns(error_km=pl.when(~misses).then("error_km"))
    expected = comparison_table(frame, 100, 0)
    for nobody in (None, "unknown"):
        partly = frame.with_columns(author=pl.when(one).then(pl.lit(nobody, pl.String)).otherwise("author"))
        assert comparison_table(partly, 100, 0).equals(expected)
    nobody_at_all = frame.with_columns(author=pl.lit(None, pl.String))
    assert not comparison_table(nobody_at_all, 100, 0).equals(expected)


def test_an_experiment_with_other_photos_is_named() -> None:
    frame = predictions(a=40, b=90, c=20)
    lacking = frame.filter(~((pl.col("experiment") == "a") & (pl.col("photo_id") == "p0003")))
    with pytest.raises(
        ValueError, match=r"toy\|a: its 119 photos are not the 120 of b .*0 are not theirs, 1 are"
    ):
        comparison_table(lacking, 10, 0)
    renamed = frame.with_columns(
        photo_id=pl.when(pl.col("experiment") == "c")
        .then(pl.col("photo_id").replace("p0003", "x"))
        .otherwise("photo_id")
    )
    with pytest.raises(ValueError, match=r"toy\|c: .*1 are not theirs, 1 are missing"):
        comparison_table(renamed, 10, 0)


def test_a_repeated_photo_is_named() -> None:
    frame = predictions(a=40, b=90)
    with pytest.raises(ValueError, match=r"toy\|a: 2 rows share a photo_id, first 'p0000'"):
        comparison_table(pl.concat([frame, frame.head(1)]), 10, 0)


def test_one_experiment_has_nothing_to_be_compared_with() -> None:
    for frame in (predictions(a=40), predictions(a=40).clear()):
        table = comparison_table(frame, 10, 0)
        assert table.is_empty() and table.schema == COMPARISON_SCHEMA
