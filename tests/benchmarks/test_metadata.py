"""A synthetic MP16-Pro of 4.7 million rows: loaded and checked, in time and memory, every planted lie found.

No photo, place or photographer in it is real. Times depend on the machine and fail no test; what is found must be
what was planted, everywhere.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
import pytest

from g3lib.experiments.cities import place_pulse_cities
from g3lib.images.metadata import METADATA

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

CHUNKS, ROWS = 47, 100_000
HEADER = (
    "IMG_ID,AUTHOR,LAT,LON,S3_Label,S16_Label,S365_Label,Prob_indoor,Prob_natural,Prob_urban,"
    "neighbourhood,city,county,state,region,country,country_code,continent"
)
# of every chunk: as many rows as each finding is to count
PLANTED = {
    "no_position": 10,
    "no_number": 5,
    "swapped_row": 6,
    "off_earth": 4,
    "zero_position": 20,
    "decimal_comma": 3,
    "hemisphere_letter": 2,
    "longitude_wrapped": 7,
    "duplicate_id": 8,
    "conflicting_id": 4,
    "same_file_name": 2,
    "no_id": 1,
    "lost_namibia": 19,
    "mixed_case_country_code": 15,
    "no_country": 1000,
    "too_few_fields": 3,
    "too_many_fields": 2,
    "nul_bytes": 1,
    "not_utf_8": 1,
    "stray_quotes": 1,
    "repeated_header": 1,
    "blank_lines": 2,
}
LINES = {
    "too_few_fields": b"aa/bb/1.jpg,author,1.5\n",
    "too_many_fields": b"aa/bb/2.jpg,author,1.5,2.5" + b"," * 15 + b"\n",
    "nul_bytes": b"aa/bb/3.jpg,aut\0hor,1.5,2.5" + b"," * 14 + b"\n",
    "not_utf_8": b"aa/bb/4.jpg,aut\xffhor,1.5,2.5" + b"," * 14 + b"\n",
    "stray_quotes": b'aa/bb/5.jpg,"author,1.5,2.5\n',
    "repeated_header": HEADER.encode() + b"\n",
    "blank_lines": b"\n",
}
MEASURED = """
import json, resource, sys, time
from pathlib import Path
started = time.perf_counter()
from g3lib.images.metadata import read_metadata
found = read_metadata(Path(sys.argv[1]), "mp16-pro", require_country=True)
seconds = time.perf_counter() - started
counts = dict(found.findings.select("name", "rows").iter_rows())
refused = int(found.table["refused"].is_not_null().sum())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps([seconds, peak, found.table.height, refused, counts]))
"""
BARE = """
import json, resource, sys, time
started = time.perf_counter()
import polars as pl
rows = pl.read_csv(sys.argv[1], infer_schema=False, truncate_ragged_lines=True, quote_char=None,
    encoding="utf8-lossy").height
print(json.dumps([time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, rows]))
"""

CITY_PHOTOS = (
    0.27  # of MP-16's photos lie within 25 km of one of the 56 cities, by 100,000 of its coordinates
)
PART = """
import json, resource, sys, time
import numpy as np, polars as pl
from g3lib.experiments.cities import place_pulse_cities
from g3lib.experiments.datasets import WithinCities
from g3lib.geo import geodesic_km
from g3lib.geo.nearest import nearest_within
from g3lib.images.metadata import Metadata
from g3lib.images.metadata.table import FINDINGS
from g3lib.images.metadata.within import within_cities
table, cities = pl.read_parquet(sys.argv[1]), place_pulse_cities()
scenes = table.select("photo_id", scene=pl.lit("urban"))
found = Metadata(table, pl.DataFrame(schema=FINDINGS), scenes)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
started = time.perf_counter()
kept = within_cities(found, WithinCities(most_per_city=2000, outdoor=True), cities)
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6 - before
started = time.perf_counter()
kept.left_out.write_parquet(sys.argv[2], compression="zstd")
writing = time.perf_counter() - started
some = table.head(int(sys.argv[3]))
started = time.perf_counter()
km = geodesic_km(*(some[each].to_numpy()[:, None] for each in ("lat", "lon")), cities["lat"], cities["lon"])
pairs = time.perf_counter() - started
nearest = nearest_within(some["lat"], some["lon"], cities["lat"], cities["lon"], 25)
same = bool((nearest == np.where(km.min(axis=1) < 25, km.argmin(axis=1), -1)).all())
counts = dict(kept.findings.select("name", "rows").iter_rows())
print(json.dumps([seconds, peak, writing, pairs, same, kept.table.height, kept.left_out.height, counts]))
"""


def chunk(index: int, rng: np.random.Generator) -> pl.DataFrame:
    """Well-formed synthetic rows of MP16-Pro's shape, as text, without any lie."""
    number = np.arange(index * ROWS, (index + 1) * ROWS)
    texts = {
        "IMG_ID": [f"{n % 251:02x}/{n % 241:02x}/{n + 1_000_000_000}.jpg" for n in number.tolist()],
        "AUTHOR": [f"{n:08d}@N00" for n in rng.integers(0, 200_000, ROWS).tolist()],
        "LAT": [f"{v:.6f}" for v in rng.uniform(0.5, 75, ROWS).tolist()],
        "LON": [f"{v:.6f}" for v in rng.uniform(-179, 179, ROWS).tolist()],
    }
    numbers = {
        **{name: rng.integers(0, 365, ROWS) for name in ("S3_Label", "S16_Label", "S365_Label")},
        **{name: rng.random(ROWS) for name in ("Prob_indoor", "Prob_natural", "Prob_urban")},
    }
    names = np.array([f"Synthetic-Ort-{n} ä" for n in range(5000)])
    places = {
        name: names[rng.integers(0, 5000, ROWS)] for name in ("neighbourhood", "city", "county", "state")
    }
    frame = pl.DataFrame({**texts, **numbers, **places}).with_columns(
        pl.when(pl.Series(rng.random(ROWS) < 0.6)).then("neighbourhood"),
        region=pl.lit(None, pl.String),
        country=pl.lit("Synthetica"),
        country_code=pl.lit("sy"),
        continent=pl.lit(None, pl.String),
    )
    return frame.select(HEADER.split(","))


def with_lies(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The chunk with the planted number of each lie, in rows of their own."""
    columns = {name: frame[name].to_list() for name in ("IMG_ID", "LAT", "LON", "country", "country_code")}
    free: Iterator[int] = iter(rng.permutation(ROWS).tolist())

    def plant(finding: str, rows: int | None = None, **values: str | None) -> None:
        for _ in range(PLANTED[finding] if rows is None else rows):
            row = next(free)
            for name, value in values.items():
                columns[name][row] = value

    plant("no_position", LAT=None)
    plant("no_number", LON="unknown")
    plant("swapped_row", LAT="139.7", LON="35.7")
    plant("off_earth", LAT="213.6", LON="8.5")
    plant("zero_position", LAT="-0.0", LON="0")
    plant("decimal_comma", LAT="48,8583")
    plant("hemisphere_letter", LON="58.4W")
    plant("longitude_wrapped", LON="301.5")
    plant("no_id", IMG_ID=None)
    plant("lost_namibia", country="Namibia", country_code=None)
    plant("mixed_case_country_code", country_code="SY")
    plant("no_country", country=None, country_code=None)
    for finding, rows, same in (
        ("duplicate_id", 8, True),
        ("conflicting_id", 2, False),
        ("same_file_name", 1, False),
    ):
        for _ in range(rows):
            first, second = next(free), next(free)
            name = columns["IMG_ID"][first]
            columns["IMG_ID"][second] = name.replace("/", "_") if finding == "same_file_name" else name
            if same:
                columns["LAT"][second], columns["LON"][second] = columns["LAT"][first], columns["LON"][first]
    return frame.with_columns(
        **{name: pl.Series(values, dtype=pl.String) for name, values in columns.items()}
    )


def write(file: BinaryIO) -> None:
    """The whole synthetic file, about a gigabyte, with a footer like GeoEstimation's results."""
    rng = np.random.default_rng(3)
    file.write(HEADER.encode() + b"\n")
    for index in range(CHUNKS):
        frame = with_lies(chunk(index, rng), rng)
        half = ROWS // 2
        file.write(frame[:half].write_csv(include_header=False).encode())
        for finding, line in LINES.items():
            file.write(line * PLANTED[finding])
        file.write(frame[half:].write_csv(include_header=False).encode())
    file.write(b"\nMean,1.5\nMedian,0.5\n")


def measured(script: str, path: Path) -> list:
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_metadata(tmp_path: Path) -> None:
    path = tmp_path / "synthetic_mp16_pro.csv"
    try:
        with path.open("wb") as file:
            write(file)
        size = path.stat().st_size
        bare, bare_peak, _ = measured(BARE, path)
        seconds, peak, rows, refused, counts = measured(MEASURED, path)
    finally:
        path.unlink(missing_ok=True)
    print(f"\n{os.cpu_count()} cores, synthetic file of {size / 1e9:.2f} GB, {rows:,} rows")
    for what, value, bar in (
        ("loaded and checked", f"{seconds:.1f} s, {rows / seconds:,.0f} rows/s", "<= 30 s on 2 cores"),
        ("peak resident", f"{peak:.2f} GB", "<= 4 GB"),
        ("polars alone, nothing checked", f"{bare:.1f} s, {bare_peak:.2f} GB", "for comparison"),
        ("ratio", f"{seconds / bare:.2f}", "for comparison"),
        ("rows refused", f"{refused:,}", "each by name"),
    ):
        print(f"{what:<32} {value:<36} bar: {bar}")
    planted = {name: count * CHUNKS for name, count in PLANTED.items()}
    planted |= {"footer": 2, "row_count": rows, "blank_lines": planted["blank_lines"] + 1}
    assert counts == planted
    assert rows == CHUNKS * ROWS
    fates = ("no_position", "no_number", "swapped_row", "off_earth", "zero_position", "no_id", "no_country")
    assert refused == sum(
        counts[name] for name in (*fates, "duplicate_id", "conflicting_id", "same_file_name")
    )


def mp16_like(rows: int) -> pl.DataFrame:
    """Synthetic facts (schema METADATA): CITY_PHOTOS of them around the 56 cities, the others anywhere."""
    rng = np.random.default_rng(5)
    centres = place_pulse_cities().select("lat", "lon").to_numpy()
    popular = rng.permutation(1 / np.arange(1, len(centres) + 1))
    around = centres[rng.choice(len(centres), rows, p=popular / popular.sum())] + rng.normal(
        0, 0.05, (rows, 2)
    )
    anywhere = np.stack(
        [np.degrees(np.arcsin(rng.uniform(-1, 1, rows))), rng.uniform(-180, 180, rows)], axis=1
    )
    lat, lon = np.where(rng.random((rows, 1)) < CITY_PHOTOS, around, anywhere).T
    number = pl.int_range(rows, eager=True).cast(pl.String)
    known = pl.DataFrame({"lat": lat, "lon": lon}).with_columns(
        photo_id="e1/55/" + number + ".jpg",
        author=number.str.slice(-3),
        licence=pl.lit("unknown"),
        locator="http://farm5.staticflickr.com/4114/" + number + "_04516bfd21.jpg",
    )
    absent = [pl.lit(None, pl.String).alias(name) for name in METADATA if name not in known.columns]
    return known.with_columns(absent).select(METADATA.names())


def test_within_cities(tmp_path: Path) -> None:
    path, some = tmp_path / "facts.parquet", 20_000
    mp16_like(CHUNKS * ROWS).write_parquet(path)
    done = subprocess.run(
        [sys.executable, "-c", PART, str(path), str(tmp_path / "left-out.parquet"), str(some)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seconds, peak, writing, pairs, same, kept, left_out, counts = json.loads(done.stdout)
    rows = CHUNKS * ROWS
    print(f"\n{os.cpu_count()} cores, {rows:,} synthetic rows, 56 cities, 25 km, 2,000 drawn of each")
    for what, value, bar in (
        ("within cities", f"{seconds:.1f} s", "seconds"),
        ("more resident memory", f"{peak:.2f} GB", "for comparison"),
        ("what is left out, written", f"{writing:.1f} s", "for comparison"),
        ("every pair measured instead", f"{pairs * rows / some:.0f} s", f"extrapolated from {some:,} rows"),
        ("ratio", f"{pairs * rows / some / seconds:.0f}", "for comparison"),
    ):
        print(f"{what:<32} {value:<36} bar: {bar}")
    assert same and kept + left_out == rows
    assert counts["kept_by_city"] == kept <= 56 * 2000
    assert counts["outside_cities"] + counts["not_drawn"] == left_out
