"""The papers' numbers, against the papers."""

import polars as pl
import pytest

from g3lib.experiments import EXPERIMENTS
from g3lib.experiments import published as module
from g3lib.experiments.published import (
    BASES,
    PUBLISHED_SCHEMA,
    THRESHOLD_COLUMNS,
    packaged_digest,
    published,
    published_metrics,
    published_references,
    published_rows,
)

G3 = "G3 (NeurIPS 2024)"
ROW = ["paper", "paper_table", "method", "variant", "benchmark"]
NAN = float("nan")


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return published()


def test_every_table_of_g3_is_there_in_full(table: pl.DataFrame) -> None:
    assert table.schema == PUBLISHED_SCHEMA
    counts = dict(table.filter(paper=G3).group_by("paper_table").len().iter_rows())
    assert counts == {
        "Table 1": 10 * 2 * 5,
        "Table 2": 4 * 2 * 5,
        "Table 4": 4 * 5,
        "Table 5": 3 * 5,
        "Table 7": 2 * 5,
        "Figure 3": 5,
        "Figure 4": 5,
    }


def test_no_row_is_there_twice(table: pl.DataFrame) -> None:
    assert (
        not table.select(*ROW, "threshold_km")
        .filter(pl.col("threshold_km").is_not_null())
        .is_duplicated()
        .any()
    )
    assert not published_rows().select(*ROW).is_duplicated().any()
    key = ["paper", "method", "variant", "benchmark", "metric"]
    assert not published_metrics().select(key).is_duplicated().any()


def test_accuracy_grows_with_the_threshold(table: pl.DataFrame) -> None:
    printed = table.drop_nulls("accuracy").sort("threshold_km")
    growth = printed.with_columns(step=pl.col("accuracy").diff().over(ROW))["step"].drop_nulls()
    assert growth.min() > 0  # type: ignore[operator]
    assert printed["accuracy"].is_between(0, 1).all()
    assert set(printed["threshold_km"]) == {1, 25, 200, 750, 2500}


def test_thresholds_that_are_not_printed_have_no_row(table: pl.DataFrame) -> None:
    cells = published_rows().select(THRESHOLD_COLUMNS)
    missing = sum(column.null_count() for column in cells)
    assert table.drop_nulls("accuracy").height == cells.height * cells.width - missing
    card = table.filter(benchmark="im2gps", method="StreetCLIP", paper="StreetCLIP (arXiv 2302.00275)")
    assert card["threshold_km"].to_list() == [25, 200, 750, 2500]


def test_a_percentage_beyond_100_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = published_rows().with_columns(pl.lit(1694.0).alias("25"))
    monkeypatch.setattr(module, "published_rows", lambda: wrong)
    with pytest.raises(ValueError, match=r"\[L\]kNN.*im2gps3k.*1694.*25 km"):
        published()


@pytest.mark.parametrize(
    ("paper", "method", "variant", "benchmark", "percentages"),
    [
        (f"{G3}, Table 1", "G3", "full", "im2gps3k", (16.65, 40.94, 55.56, 71.24, 84.68)),
        (f"{G3}, Table 1", "G3", "full", "yfcc4k", (23.99, 35.89, 46.98, 64.26, 78.15)),
        (f"{G3}, Table 1", "PIGEON", None, "im2gps3k", (11.3, 36.7, 53.8, 72.4, 85.3)),
        (f"{G3}, Table 1", "[L]kNN, sigma=4", None, "yfcc4k", (2.3, 5.7, 11, 23.5, 42)),
        (f"{G3}, Table 2", "G3", "w/o Geo-D", "yfcc4k", (20.28, 31.87, 43.67, 60.84, 76.25)),
        (f"{G3}, Table 4", "Img2Loc", "LLaVA", "im2gps3k", (10.21, 29.06, 39.51, 56.36, 71.07)),
        (f"{G3}, Table 5", "G3", "IMG+GPS", "im2gps3k", (16.91, 41.41, 55.02, 70.94, 84.18)),
        ("Img2Loc (SIGIR 2024)", "Img2Loc", "own paper", "im2gps3k", (17.1, 45.1, 57.9, 72.9, 84.7)),
        ("GeoRouter (arXiv 2603.24376)", "GeoRouter", None, "yfcc4k", (32.98, 46.01, 57.52, 72.02, 83.02)),
        ("Pinpoint (arXiv 2606.04133)", "Pinpoint", None, "osv5m", (NAN, 35.6, 67.5, 83.7, 93.2)),
        ("GLOBE issue #3 (GitHub)", "GLOBE-7B", None, "im2gps3k", (9.10, 36.95, 51.99, 69.88, 83.99)),
        ("GeoBridge (2026)", "GAEA", None, "im2gps3k", (NAN, 35.40, 51.92, 69.77, 83.95)),
        ("ISNs (ECCV 2018)", "ISNs", "base(M,c)", "im2gps3k", (6.2, 24.3, 36.3, 51.7, 67.0)),
        ("ISNs (ECCV 2018)", "ISNs", "ISN(M,f*,S3)", "im2gps", (16.9, 43.0, 51.9, 66.7, 80.2)),
        ("GRE (NeurIPS 2025), Table 2", "ISNs", None, "gws15k", (0.05, 0.6, 4.2, 15.5, 38.5)),
        ("GeoCoT (2025)", "GeoCoT", None, "im2gps3k", (15, 46, NAN, 74, NAN)),
        ("not checked", "PIGEOTTO", None, "yfcc26k", (10.5, 25.8, 42.7, 63.2, 79.0)),
        (
            *("GeoRanker (NeurIPS 2025), ablation", "GeoRanker", "without candidate images", "im2gps3k"),
            (15.58, 41.77, 59.15, 75.40, 88.35),
        ),
        (
            *("StreetCLIP-Repoduce (GitHub), README", "StreetCLIP", "50 US-state prompts", "im2gps"),
            (5.49, 29.96, 45.57, 70.46, 83.54),
        ),
    ],
)
def test_rows_say_what_the_papers_say(
    paper: str, method: str, variant: str | None, benchmark: str, percentages: tuple[float, ...]
) -> None:
    where = pl.concat_str("paper", "paper_table", separator=", ", ignore_nulls=True)
    found = published_rows().filter(
        where == paper,
        pl.col("method") == method,
        pl.col("variant").eq_missing(variant),
        pl.col("benchmark") == benchmark,
    )
    assert found.select(THRESHOLD_COLUMNS).fill_null(NAN).rows() == [pytest.approx(percentages, nan_ok=True)]


def test_experiments_named_are_in_the_catalogue_and_identical_rows_agree(table: pl.DataFrame) -> None:
    named = table.drop_nulls("experiment")
    assert set(named["experiment"]) <= {each.name for each in EXPERIMENTS}
    own = named.filter(pl.col("paper").str.starts_with("G3"))
    per = own.group_by("experiment", "benchmark", "threshold_km").agg(pl.col("accuracy").n_unique())
    assert set(per["accuracy"]) == {1}
    assert {"g3-llava", "img2loc-llava", "g3-prompts-4", "g3-candidates-5"} <= set(own["experiment"])


# --- what the marks promise


def test_every_number_says_how_we_know_it(table: pl.DataFrame) -> None:
    for rows in (table, published_metrics()):
        assert set(rows["basis"]) <= set(BASES)
        assert rows["source"].null_count() == rows["paper"].null_count() == 0
        assert rows.filter(
            pl.col("basis").is_in(["unverified", "re-run"]), pl.col("caveat").is_null()
        ).is_empty()
    assert table["year"].drop_nulls().is_between(2016, 2026).all()
    assert set(table.filter(pl.col("year").is_null())["method"]) == {"Semivariogram negatives", "MMLandmarks"}


def test_a_re_run_names_who_ran_it(table: pl.DataFrame) -> None:
    told = table.filter(basis="re-run").unique(ROW)["caveat"]
    assert told.str.contains("re-run by|re-implementation").all()
    by_g3 = table.filter(
        basis="re-run", method="Img2Loc", variant="G3's re-implementation", benchmark="im2gps3k"
    )
    assert by_g3["caveat"].str.contains("17.1 / 45.1 / 57.9 / 72.9 / 84.7").all() and by_g3.height == 5
    globe = table.filter(paper="GLOBE issue #3 (GitHub)")["caveat"].unique().item()
    assert "2,819 of 2,997" in globe


def test_nothing_unverified_poses_as_read(table: pl.DataFrame) -> None:
    unverified = table.filter(basis="unverified")
    assert set(unverified["benchmark"]) == {"yfcc26k", "yfcc4k"}
    assert unverified["caveat"].str.contains("check before printing").all()
    assert table.filter(paper="not checked")["basis"].unique().to_list() == ["unverified"]


@pytest.mark.parametrize(
    ("which", "says"),
    [
        ({"paper": "GeoCoT (2025)"}, "rounded to whole percent"),
        ({"method": "pinpoint-rl"}, "half of each test set"),
        ({"method": "pinpoint-rl"}, "without the query's photographer"),
        ({"method": "GeoSearch"}, "leakage-aware"),
        ({"method": "GeoSearch"}, "live reverse image search"),
        ({"benchmark": "gws15k"}, "never released"),
        ({"benchmark": "gws15k", "method": "GaGA"}, "rebuilt from OSV-5M"),
        ({"benchmark": "im2gps"}, "237 photos"),
        ({"method": "PIGEON"}, "PIGEOTTO"),
        ({"paper": G3, "method": "PlaNet"}, "CPlaNet's re-implementation"),
        ({"benchmark": "mp16-reason-test"}, "city centres"),
        ({"benchmark": "mmlandmarks", "variant": "query coordinates in the gallery"}, "an upper limit"),
        ({"method": "Pinpoint", "benchmark": "yfcc4k"}, "not stated"),
    ],
)
def test_marked_rows_say_so(table: pl.DataFrame, which: dict[str, str], says: str) -> None:
    rows = table.filter(**which)
    assert rows.height and rows["caveat"].str.contains(says, literal=True).all()


def test_what_g3_only_copied_is_marked(table: pl.DataFrame) -> None:
    copied = table.filter(paper=G3, paper_table="Table 1").filter(~pl.col("method").is_in(["G3", "Img2Loc"]))
    assert copied.height == 80 and copied["caveat"].str.starts_with("copied by G3 from earlier work").all()


def test_relative_gains_are_notes_without_a_number(table: pl.DataFrame) -> None:
    gains = table.filter(pl.col("paper_table") == "abstract")
    assert gains["accuracy"].null_count() == gains["threshold_km"].null_count() == gains.height == 4
    for gain in ("+4.1 %", "+49.5 %", "+16.8 %", "+71.0 %"):
        assert gains["note"].str.starts_with(gain).sum() == 1


# --- other measures


def test_other_measures_are_in_the_units_that_their_names_say() -> None:
    metrics = published_metrics()
    value = pl.col("value")
    fractions = metrics.filter(pl.col("metric").str.contains("_(accuracy|share)$"))
    assert fractions.height > 10 and fractions["value"].is_between(0, 1).all()
    assert metrics.filter(metric="geoscore").select(value.is_between(0, 5000).all()).item()
    assert metrics.filter(pl.col("metric").str.ends_with("_km")).select((value > 0).all()).item()
    told = dict(metrics.filter(method="OSV-5M baseline").select("metric", "value").rows())
    assert told == {
        "geoscore": 3361,
        "mean_km": 1814,
        "country_accuracy": 0.68,
        "region_accuracy": 0.394,
        "area_accuracy": 0.103,
        "city_accuracy": 0.059,
    }
    oracles = metrics.filter(pl.col("metric").str.starts_with("oracle"))
    assert oracles.height == 3 and oracles["caveat"].str.contains("an upper limit").all()


def test_shares_of_a_decomposition_add_up() -> None:
    own = published_metrics().filter(pl.col("method") == "map-guided", pl.col("variant").is_null())
    assert own["value"].sum() == pytest.approx(1.0, abs=0.002)


def test_reference_distances_shrink_with_alignment() -> None:
    table = published_references()
    assert table.height == 9
    assert table.filter(embedding="G3 + Mercator", top=5).row(0)[6:10] == (2299.2, 2054.9, 4474.7, 699.0)
    assert (table["min_km"] < table["median_km"]).all() and (table["mean_km"] < table["max_km"]).all()


def test_lineage_tells_one_state_of_the_numbers_from_another() -> None:
    assert len(packaged_digest("published.csv")) == 64
    assert packaged_digest("published.csv") != packaged_digest("published_metrics.csv")
