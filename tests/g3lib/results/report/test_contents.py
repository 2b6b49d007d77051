"""What a report carries is what the warehouse says: every table, prediction, candidate and reference."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from carried import Carried
from synthetic_home import BENCHMARK, COMMIT, GALLERY, HOSTILE, SyntheticHome, grown

from g3lib.geo import geodesic_km
from g3lib.results.metrics import THRESHOLDS_KM
from g3lib.results.report import Report, build_report
from g3lib.results.report.queries import KINDS
from g3lib.store.warehouse import WarehouseError, query

pytestmark = pytest.mark.xdist_group("report")
DEGREES, KM = 0.6e-5, 3e-4  # how exactly positions (absolute) and distances (relative) are kept


@pytest.fixture(scope="module")
def carried(report: Report) -> Carried:
    return Carried(report.path)


def of(synthetic: SyntheticHome, sql: str) -> pl.DataFrame:
    return query(synthetic.home, sql)


def queries(carried: Carried) -> tuple[dict[str, list[str]], dict[str, np.ndarray]]:
    header, columns = carried.block("queries")
    return header["texts"], columns


def test_every_query_is_there_with_all_that_is_known_of_it(
    carried: Carried, synthetic: SyntheticHome
) -> None:
    texts, columns = queries(carried)
    wanted = of(synthetic, "from results.query order by photo_id")
    assert texts["photo_id"] == wanted["photo_id"].to_list()
    assert set(HOSTILE) < set(texts["photo_id"])
    for name in ("author", "city", "country", "continent", "scene", "detail"):
        assert texts[name] == wanted[name].to_list()
    assert set(texts["licence"]) == {"CC BY 2.0"}
    np.testing.assert_allclose(columns["lat"], wanted["lat"], atol=DEGREES)
    np.testing.assert_allclose(columns["lon"], wanted["lon"], atol=DEGREES)
    np.testing.assert_allclose(
        columns["gallery_km_other_authors"], wanted["gallery_km_other_authors"], rtol=KM
    )


def test_every_prediction_is_there(carried: Carried, synthetic: SyntheticHome) -> None:
    asked, columns = carried.block("queries")[1], carried.block("predictions")[1]
    header = carried.block("predictions")[0]
    for number, each in enumerate(carried.about["experiments"]):
        wanted = of(
            synthetic, f"from results.prediction where experiment = '{each['name']}' order by photo_id"
        )
        for axis in ("lat", "lon"):
            found = columns[f"{axis}.{number}"] + asked[axis]
            np.testing.assert_allclose(
                found, wanted[axis].cast(pl.Float64).fill_null(np.nan), atol=2 * DEGREES
            )
        errors = wanted["error_km"].fill_null(np.nan).to_numpy()
        np.testing.assert_allclose(columns[f"error.{number}"], errors, rtol=1e-6)
        for km in THRESHOLDS_KM:
            np.testing.assert_array_equal(columns[f"error.{number}"] < km, errors < km)
        named = [
            header["sources"][int(code)] if code == code else None for code in columns[f"sources.{number}"]
        ]
        assert named == wanted["source"].to_list()


def test_misses_of_queries_add_up_to_the_warehouses_shares(
    carried: Carried, synthetic: SyntheticHome
) -> None:
    columns = carried.block("predictions")[1]
    shares = of(synthetic, "from results.miss")
    assert shares.height == 5 * len(synthetic.experiments)
    for row in shares.to_dicts():
        kinds = columns[f"miss_{row['threshold_km']}.{carried.number(row['experiment'])}"]
        found = np.bincount(kinds, minlength=len(KINDS)) / len(kinds)
        assert found.tolist() == pytest.approx([row[kind] for kind in KINDS])


def positions(carried: Carried) -> dict[int, list[list[tuple[float, float, float]]]]:
    """By block's experiment: of every query, the positions known once the block is read."""
    asked = carried.block("queries")[1]
    known: list[list[tuple[float, float, float]]] = [[] for _ in asked["lat"]]
    found = {}
    for number in carried.about["candidates"]:
        columns, at = carried.block(f"candidates-{number}")[1], 0
        for q, count in enumerate(columns["new_counts"].tolist()):
            for row in range(at, at + count):
                lat = asked["lat"][q] + columns["new_lat"][row] / 1e5
                lon = asked["lon"][q] + columns["new_lon"][row] / 1e5
                known[q].append((lat, lon, columns["new_km"][row]))
            at += count
        found[number] = [list(each) for each in known]
    return found


def test_every_candidate_is_there_best_first_and_positions_stand_once(
    carried: Carried, synthetic: SyntheticHome
) -> None:
    texts, _ = queries(carried)
    assert sorted(carried.about["candidates"]) == list(range(len(synthetic.experiments)))
    seen = positions(carried)
    for number in carried.about["candidates"]:
        name = carried.about["experiments"][number]["name"]
        header, columns = carried.block(f"candidates-{number}")
        wanted = of(
            synthetic,
            "select c.*, p.true_lat, p.true_lon from results.candidate as c "
            "join results.prediction as p using (benchmark, experiment, photo_id) "
            f"where experiment = '{name}' order by photo_id, score desc nulls last, source, rank",
        )
        at = 0
        for q, count in enumerate(columns["counts"].tolist()):
            rows = wanted[at : at + count]
            assert rows["photo_id"].unique().to_list() == [texts["photo_id"][q]]
            for row, told in zip(range(at, at + count), rows.iter_rows(named=True), strict=True):
                check_candidate(row, told, header, columns, seen[number][q])
            at += count
        assert at == wanted.height
    together = sum(
        carried.block(f"candidates-{n}")[1]["new_counts"].sum() for n in carried.about["candidates"]
    )
    distinct = of(
        synthetic,
        "select count(*) from (select distinct photo_id, round(lat, 5), round(lon, 5) "
        "from results.candidate where lat is not null)",
    )
    assert together == pytest.approx(distinct.item(), abs=2)  # halves may be rounded either way


def check_candidate(row: int, told: dict, header: dict, columns: dict, known: list) -> None:  # type: ignore[type-arg]
    assert header["source"][int(columns["source"][row])] == told["source"]
    assert columns["rank"][row] == told["rank"]
    assert bool(columns["chosen"][row]) == told["chosen"]
    if told["lat"] is None:
        assert np.isnan(columns["position"][row])
        assert header["failure"][int(columns["failure"][row])] == told["failure"]
        assert header["answers"].get(str(row)) == told["answer"]
        return
    lat, lon, km = known[int(columns["position"][row])]
    assert (lat, lon) == pytest.approx((told["lat"], told["lon"]), abs=2 * DEGREES)
    truth = told["true_lat"], told["true_lon"]
    assert km == pytest.approx(float(geodesic_km(told["lat"], told["lon"], *truth)), rel=KM, abs=0.002)
    score = columns["score"][row]
    assert np.isnan(score) if told["score"] is None else score == pytest.approx(told["score"], abs=0.6e-4)


def test_references_are_those_of_each_experiments_gallery(carried: Carried, synthetic: SyntheticHome) -> None:
    wanted = {("image-gps-text", "open"), ("image-gps-text", "other-authors"), ("image", "open")}
    assert {(each["gallery"], each["policy"]) for each in carried.about["references"]} == wanted
    for place, each in enumerate(carried.about["references"]):
        header, columns = carried.block(f"references-{place}")
        rows = of(
            synthetic,
            f"from results.reference where gallery = '{each['gallery']}' and policy = '{each['policy']}' "
            "order by photo_id, kind <> 'similar', rank",
        )
        assert [header["id"][photo] for photo in columns["photo"]] == rows["reference_id"].to_list()
        assert [header["authors"][columns["author"][p]] for p in columns["photo"]] == rows[
            "reference_author"
        ].to_list()
        np.testing.assert_array_equal(columns["dissimilar"], rows["kind"] != "similar")
        np.testing.assert_allclose(columns["similarity"], rows["similarity"], atol=0.6e-4)


def test_tables_are_the_warehouses(carried: Carried, synthetic: SyntheticHome) -> None:
    header, _ = carried.block("tables")
    names = [each["name"] for each in carried.about["experiments"]]
    accuracy = of(synthetic, "from results.accuracy")
    found = header["accuracy"]
    assert len(found["e"]) == accuracy.height
    for e, km, value, low, high in zip(
        *(found[x] for x in ("e", "km", "accuracy", "low", "high")), strict=True
    ):
        row = accuracy.row(
            by_predicate=(pl.col("experiment") == names[e]) & (pl.col("threshold_km") == km), named=True
        )
        assert (value, low, high) == pytest.approx((row["accuracy"], row["ci_low"], row["ci_high"]), abs=1e-5)
        at = header["curves"]["km"].index(km)
        assert header["curves"]["shares"][str(e)][at] == value, "the curve passes through the table's number"
    for name, table in (
        ("comparisons", "comparison"),
        ("continents", "accuracy_by_continent"),
        ("miss", "miss"),
    ):
        assert len(header[name]["e"]) == of(synthetic, f"from results.{table}").height


def test_a_small_budget_is_kept_and_what_it_costs_is_said(synthetic: SyntheticHome, tmp_path: Path) -> None:
    home = grown(tmp_path, queries=120, candidates=30, references=16, photo=synthetic.photo).home
    whole = build_report(home, BENCHMARK)
    assert whole.omissions == ()
    budget = whole.bytes - 60_000
    tight = build_report(home, BENCHMARK, budget)
    assert tight.bytes <= budget
    assert tight.omissions
    html = tight.path.read_text(encoding="utf-8")
    for each in tight.omissions:
        assert each in html.replace("&#39;", "'")
    carried = Carried(tight.path)
    assert carried.about["candidates"][0] == carried.number("g3"), "G3's candidates are the last to go"


def test_what_does_not_even_hold_the_tables_is_refused(synthetic: SyntheticHome) -> None:
    with pytest.raises(WarehouseError, match=r"takes 0\.\d MB without a single picture.*allow more"):
        build_report(synthetic.home, BENCHMARK, 100_000)


def test_an_unknown_benchmark_is_named_with_those_there_are(synthetic: SyntheticHome) -> None:
    with pytest.raises(WarehouseError, match="no predictions of 'nowhere'; it has those of: im2gps3k"):
        build_report(synthetic.home, "nowhere")


def test_lost_photos_are_told_and_stop_nothing(tmp_path: Path) -> None:
    home = grown(tmp_path, queries=12, candidates=2).home
    home.shard(GALLERY, 0).unlink()
    found = build_report(home, BENCHMARK)
    html = found.path.read_text(encoding="utf-8")
    assert f"some photos of {GALLERY} are missing" in html
    sizes = Carried(found.path).block("pictures")[1]["sizes"]
    assert (sizes > 0).all(), "the queries' own are there"


def test_provenance_names_runs_commits_and_versions(report: Report, synthetic: SyntheticHome) -> None:
    html = report.path.read_text(encoding="utf-8")
    made = of(
        synthetic,
        "select * from lineage.materialization where asset in ('accuracy', 'diagnoses', 'comparisons')",
    )
    assert made.height == 2 * len(synthetic.experiments) + 1
    for row in made.to_dicts():
        assert row["run_id"] in html
        assert row["data_version"][:16] in html
    assert COMMIT in html
    assert json.dumps(report.queries) == "40"
