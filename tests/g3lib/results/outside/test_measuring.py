"""The measures are those of our own tables, and every way to see them says the same."""

import io
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from g3lib.experiments.published import published
from g3lib.results import accuracy_table
from g3lib.results.metrics import hits
from g3lib.results.outside import (
    Beside,
    Making,
    Scored,
    beside,
    config_of,
    is_kept,
    keep,
    measure,
    truth_of_photos,
)
from g3lib.results.outside.display import as_json, as_long, report, told
from g3lib.store import Home, Input, Key
from g3lib.store.artifacts import read_record
from tests.g3lib.results.outside.toy import IDS, LATS, LONS, Judge, lines, table

RESAMPLES, NEAR_KM = 200, 50.0
FAR = [
    f"{name},{lat + 9},{lon}" for name, lat, lon in zip(IDS[:9], LATS, LONS, strict=False)
]  # some 1,000 km


@pytest.fixture
def scored(judged: Judge) -> Scored:
    """Nine predictions some 1,000 km off, nineteen 28 km off, and two missing."""
    return measure(judged(table(*FAR, *lines(9, 28))), "ann", RESAMPLES, NEAR_KM)


def shown(parts: object, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    for part in parts:  # type: ignore[attr-defined]
        console.print(part)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_accuracies_divide_by_all_photos(scored: Scored) -> None:
    assert scored.accuracy["accuracy"].to_list() == [0, 0, 19 / 30, 19 / 30, 28 / 30]
    assert set(scored.accuracy["n"]) == {30} and set(scored.accuracy["n_failed"]) == {2}
    assert scored.summary["median_km"][0] == pytest.approx(27.8, abs=0.2)
    assert scored.continents["n"].sum() == 5 * 30


def test_the_tables_are_our_own_functions_of_the_same_predictions(scored: Scored) -> None:
    assert scored.accuracy.equals(accuracy_table(scored.predictions, 30, RESAMPLES, 0))
    errors = scored.predictions["error_km"].to_numpy()
    assert scored.accuracy["accuracy"].to_list() == hits(errors).mean(axis=0).tolist()
    assert set(scored.predictions["method"]) == {"ann"} and set(scored.predictions["variant"]) == {"outside"}


def test_nothing_predicted_is_zero_everywhere(judged: Judge) -> None:
    scored = measure(judged(table(*(f"{name},," for name in IDS))), "none", RESAMPLES, NEAR_KM)
    assert set(scored.accuracy["accuracy"]) == {0.0} and math.isinf(scored.summary["median_km"][0])
    assert as_json(scored, Beside())["summary"]["median_km"] is None
    assert "median ∞" in shown(report(scored, Beside()))


def test_without_photographers_only_iid_intervals_are_told(judged: Judge, scored: Scored) -> None:
    nobody = scored.judged.truth.photos.with_columns(author=pl.lit("unknown"))
    found = measure(
        judged(table(*lines()), truth_of_photos("toy", nobody, "", [])), "ann", RESAMPLES, NEAR_KM
    )
    assert not found.judged.truth.has_authors
    assert as_json(found, Beside())["accuracy"][0]["ci_author_low"] is None
    assert as_json(scored, Beside())["accuracy"][0]["ci_author_low"] is not None
    assert "no photographer is known" in " ".join(shown(report(found, Beside())).split())
    assert "accuracy_author" not in set(as_long(found)["measure"]) and "accuracy_author" in set(
        as_long(scored)["measure"]
    )


def test_a_terminal_of_80_columns_shows_all(scored: Scored) -> None:
    text = shown(report(scored, Beside()))
    assert max(map(len, text.splitlines())) <= 80
    for words in (
        "photo_id",
        "lat, lon",
        "missing",
        "photo-28.jpg",
        "63.3",
        "Oceania",
        "city",
        "2 failures",
        "GeoScore",
    ):
        assert words in text
    assert "63.3" not in shown(told(scored))


def test_json_is_json(scored: Scored) -> None:
    found = json.loads(json.dumps(as_json(scored, Beside()), allow_nan=False))
    assert [row["accuracy"] for row in found["accuracy"]] == scored.accuracy["accuracy"].to_list()
    assert (found["n"], found["n_failed"], found["name"]) == (30, 2, "ann")
    assert {row["fate"]: row["count"] for row in found["photos"]} == {"scored": 28, "missing": 2}


def test_the_long_table_has_every_measure(scored: Scored) -> None:
    long = as_long(scored)
    values = dict(long.filter(measure="accuracy").select("threshold_km", "value").iter_rows())
    assert values[200] == 19 / 30
    assert long.filter(measure="photos", of="missing")["value"].item() == 2
    assert {"geoscore", "p90_km", "place_accuracy", "accuracy_by_continent", "accuracy_haversine"} <= set(
        long["measure"]
    )


def test_published_numbers_stand_beside_a_published_benchmark(
    judged: Judge, tmp_path: Path, scored: Scored
) -> None:
    photos = scored.judged.truth.photos
    found = measure(
        judged(table(*lines()), truth_of_photos("im2gps3k", photos, "", [])), "ann", RESAMPLES, NEAR_KM
    )
    others = beside(found, Home(tmp_path), RESAMPLES)
    assert set(others.others["kind"]) == {"published"} and others.comparison.is_empty()
    at_25 = published().filter(pl.col("benchmark") == "im2gps3k", pl.col("threshold_km") == 25)
    assert others.others.filter(pl.col("threshold_km") == 25)["accuracy"].max() == at_25["accuracy"].max()
    assert "G3" in shown(report(found, others))
    assert beside(scored, Home(tmp_path), RESAMPLES).others.is_empty()


def test_kept_predictions_carry_their_lineage(tmp_path: Path, scored: Scored) -> None:
    home, photos = Home(tmp_path), Input("photos", "toy-000000", "abc")
    truth = truth_of_photos("toy", scored.judged.truth.photos, "", [photos])
    own = Scored(**{**vars(scored), "judged": type(scored.judged)(**{**vars(scored.judged), "truth": truth})})
    making = Making(datetime.now(UTC), "commit", config_of(own, "digest", near_km=NEAR_KM))
    assert not is_kept(home, "toy", "ann")
    keep(own, home, making)
    keep(own, home, making)  # again, in place of the former
    assert is_kept(home, "toy", "ann")
    path = home.table(Key("outside_predictions", "toy|ann"))
    record = read_record(path)
    assert record is not None and record.inputs == (photos,) and record.rows == 30
    assert record.config["sha256"] == "digest" and record.config["photos"] == {"scored": 28, "missing": 2}
    assert pl.read_parquet(path).equals(own.predictions)
    accuracy = read_record(home.table(Key("outside_accuracy", "toy|ann")))
    assert accuracy is not None
    assert accuracy.inputs == (Input("outside_predictions", "toy|ann", record.data_version), photos)
    assert sorted(each.parent.name for each in home.commits()) == [
        *("outside_accuracy", "outside_continents", "outside_places", "outside_predictions")
    ]
