"""Photos near cities: every row stays or is left out for a reason that is counted, whatever the order of rows."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.experiments.cities import CITY_SCHEMA, place_pulse_cities
from g3lib.experiments.datasets import WithinCities
from g3lib.geo import geodesic_km
from g3lib.images.metadata import FINDINGS, METADATA, BadMetadata, Metadata
from g3lib.images.metadata.table import LEFT_OUT, SCENE_TABLE
from g3lib.images.metadata.within import read_cities, within_cities

PARIS, LONDON, GABORONE = (48.85341, 2.3488), (51.50853, -0.12574), (-24.65451, 25.90859)
CITIES = pl.DataFrame(
    [("Paris", "France", *PARIS), ("London", "United Kingdom", *LONDON), ("Gaborone", "Botswana", *GABORONE)],
    schema=["city", "country", "lat", "lon"],
    orient="row",
).select(
    *(pl.col(n) if n in ("city", "country", "lat", "lon") else pl.lit(None).alias(n) for n in CITY_SCHEMA)
)

Row = tuple[str, float | None, float | None, str | None, str | None]  # id, lat, lon, scene, refused


def facts(*rows: Row, scenes: bool = True) -> Metadata:
    known = pl.DataFrame(
        rows,
        schema={
            "photo_id": pl.String,
            "lat": pl.Float64,
            "lon": pl.Float64,
            "scene": pl.String,
            "refused": pl.String,
        },
        orient="row",
    )
    absent = [pl.lit(None, pl.String).alias(name) for name in METADATA if name not in known.columns]
    table = known.with_columns(absent).with_columns(locator="photo_id").select(METADATA.names())
    told = known.select(SCENE_TABLE.names()) if scenes else SCENE_TABLE.to_frame()
    return Metadata(table, pl.DataFrame(schema=FINDINGS), told)


def near(city: tuple[float, float], km: float = 1.0) -> tuple[float, float]:
    return city[0] + km / 111.2, city[1]


def counts(found: Metadata) -> dict[str, tuple[str, int]]:
    return {name: (action, rows) for name, action, rows, *_ in found.findings.rows()}


def ids(found: Metadata) -> list[str]:
    return found.table["photo_id"].to_list()


def test_every_row_that_goes_has_its_reason() -> None:
    found = within_cities(
        facts(
            ("in", *near(PARIS), "urban", None),
            ("far", *near(PARIS, 30), "urban", None),
            ("room", *near(LONDON), "indoor", None),
            ("lost", None, None, "urban", "no_position"),
            ("unknown", *near(LONDON, 24), None, None),
            ("again", *near(PARIS), "natural", "duplicate_id"),
        ),
        WithinCities(outdoor=True),
        CITIES,
    )
    assert ids(found) == ["in", "unknown", "again"]
    assert counts(found) == {
        "outside_cities": ("left out", 1),
        "no_city": ("left out", 1),
        "indoor": ("left out", 1),
        "without_scene": ("noted", 1),
        "kept_by_city": ("noted", 3),
    }
    details = dict(found.findings.select("name", "detail").iter_rows())
    assert details["outside_cities"] == "not within 25 km around 3 cities (place-pulse)"
    assert details["kept_by_city"] == "by nearest city: Paris 2, London 1; none near Gaborone"
    assert found.scenes.rows() == [("in", "urban"), ("unknown", None), ("again", "natural")]
    assert found.left_out.schema == LEFT_OUT
    assert found.left_out.rows() == [
        ("far", "far", "outside of the cities"),
        ("room", "room", "indoor"),
        ("lost", "lost", "no position"),
    ]


def test_indoor_photos_stay_unless_they_are_unwanted_and_so_do_those_without_scenes() -> None:
    rows: list[Row] = [("room", *near(PARIS), "indoor", None), ("street", *near(PARIS), "urban", None)]
    assert ids(within_cities(facts(*rows), WithinCities(), CITIES)) == ["room", "street"]
    silent = within_cities(facts(*rows, scenes=False), WithinCities(outdoor=True), CITIES)
    assert ids(silent) == ["room", "street"] and counts(silent)["without_scene"] == ("noted", 2)


def test_the_radius_is_a_geodesic_and_strict() -> None:
    east = (PARIS[0], PARIS[1] + 0.2)
    km = float(geodesic_km(*PARIS, *east))
    photo = facts(("edge", *east, None, None), ("centre", *PARIS, None, None))
    assert ids(within_cities(photo, WithinCities(radius_km=km), CITIES)) == ["centre"]
    assert len(ids(within_cities(photo, WithinCities(radius_km=math.nextafter(km, 1e9)), CITIES))) == 2


def test_a_draw_takes_usable_photos_and_tells_of_how_many() -> None:
    rows: list[Row] = [(f"p{n}", *near(PARIS), None, "duplicate_id" if n < 3 else None) for n in range(10)]
    rows += [(f"l{n}", *near(LONDON), None, None) for n in range(2)]
    found = within_cities(facts(*rows), WithinCities(most_per_city=4), CITIES)
    assert counts(found) == {
        "refused_in_city": ("left out", 3),
        "not_drawn": ("left out", 3),
        "kept_by_city": ("noted", 6),
    }
    detail = found.findings.filter(name="kept_by_city")["detail"].item()
    assert detail == "by nearest city: Paris 4 of 10, London 2; none near Gaborone"
    assert Counter(name[0] for name in ids(found)) == {"p": 4, "l": 2}
    assert found.table["refused"].null_count() == 6
    others = {
        tuple(ids(within_cities(facts(*rows), WithinCities(most_per_city=4, seed=seed), CITIES)))
        for seed in range(9)
    }
    assert len(others) > 4, "seeds draw different photos"


def test_a_draw_is_even() -> None:
    rows: list[Row] = [(f"{n}.jpg", *PARIS, None, None) for n in range(2000)]
    drawn = [
        int(name[:-4]) for name in ids(within_cities(facts(*rows), WithinCities(most_per_city=500), CITIES))
    ]
    assert len(drawn) == 500 and np.mean(drawn) == pytest.approx(1000, abs=4 * 577 / math.sqrt(500))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_neither_order_nor_rows_elsewhere_decide(data: st.DataObject) -> None:
    positions = st.sampled_from([PARIS, near(PARIS, 20), LONDON, GABORONE, (0.0, 0.0), (None, None)])
    scenes = st.sampled_from(["indoor", "urban", None])
    fates = st.sampled_from([None, None, "duplicate_id"])
    drawn = data.draw(st.lists(st.tuples(positions, scenes, fates), min_size=1, max_size=30))
    rows: list[Row] = [(f"{n}", *where, scene, fate) for n, (where, scene, fate) in enumerate(drawn)]
    wanted = WithinCities(
        outdoor=data.draw(st.booleans()),
        most_per_city=data.draw(st.none() | st.integers(1, 5)),
        radius_km=data.draw(st.sampled_from([5.0, 25.0])),
    )

    def kept(rows: list[Row]) -> Metadata | None:
        try:
            return within_cities(facts(*rows), wanted, CITIES)
        except BadMetadata:
            return None

    found, turned = kept(rows), kept(data.draw(st.permutations(rows)))
    assert (found is None) == (turned is None)
    if found is None or turned is None:
        return
    assert set(ids(found)) == set(ids(turned))
    assert set(ids(found)) | set(found.left_out["photo_id"]) == {row[0] for row in rows}
    assert found.table.height + found.left_out.height == len(rows)
    left_out = found.findings.filter(action="left out")["rows"].sum()
    assert left_out == found.left_out.height and ids(found) == sorted(ids(found), key=int)
    elsewhere = kept([row for row in rows if row[0] in ids(found) or row[1:3] in ((0.0, 0.0), (None, None))])
    assert elsewhere is not None and set(ids(elsewhere)) == set(ids(found))


def test_nothing_left_is_named_with_the_radius_and_what_to_do() -> None:
    with pytest.raises(BadMetadata, match=r"within 25 km of the 3 cities .*: 1 outside of the cities; raise"):
        within_cities(facts(("far", 0.0, 0.0, None, None)), WithinCities(), CITIES)
    with pytest.raises(BadMetadata, match="no row at all"):
        within_cities(facts(), WithinCities(), CITIES)
    indoor = facts(("room", *PARIS, "indoor", None))
    with pytest.raises(BadMetadata, match="1 indoor"):
        within_cities(indoor, WithinCities(outdoor=True), CITIES)


def test_cities_of_the_package_or_of_a_file(tmp_path: Path) -> None:
    assert read_cities(WithinCities(), tmp_path).equals(place_pulse_cities())
    own = WithinCities(cities="own.csv")
    with pytest.raises(FileNotFoundError, match=r"own\.csv is missing; `within\.cities` names a CSV"):
        read_cities(own, tmp_path)
    for text, message in (
        ("city,country,lat\nParis,France,48.9\n", "no column lon"),
        ("city,country,lat,lon\n", "no city in it"),
        ("", "empty"),
    ):
        (tmp_path / "own.csv").write_text(text)
        with pytest.raises(BadMetadata, match=message):
            read_cities(own, tmp_path)
    (tmp_path / "own.csv").write_text("city,country,lat,lon\nParis,France,48.9,2.3\nParis,Texas,33.7,-95.6\n")
    found = within_cities(
        facts(("a", 48.9, 2.3, None, None), ("b", 33.7, -95.6, None, None)), own, read_cities(own, tmp_path)
    )
    assert "Paris, France 1, Paris, Texas 1" in found.findings["detail"].item()
