"""StreetCLIP's label sets: the countries of its list, and the most populous cities of each.

The list is that of the paper's appendix as a re-implementation copied it; streetclip_countries.csv adds the codes, by
which everything is looked up: by name, Georgia would be the state, and a city the first of its name in the world. The
paper took cities and populations from SimpleMaps' World Cities, where Palestine is two territories; ours are GeoNames',
of the code `ps`. An overseas part (Réunion) is no city of its country there, nor here.
"""

import io

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.geo.distances import EARTH_RADIUS_KM
from g3lib.im2city.labels import LABELS
from g3lib.im2city.prompts.templates import FOLDER
from g3lib.places.gazetteer import gazetteer

COUNTRIES = "streetclip_countries.csv"
MOST = 30  # cities of a country
APART_KM = 20.0


def streetclip_countries() -> pl.DataFrame:
    """The 193 countries and territories (schema LABELS) by their names in StreetCLIP's prompts.

    A country's position is that of its most populous place.
    """
    listed = pl.read_csv(io.BytesIO((FOLDER / COUNTRIES).read_bytes()), schema_overrides=[pl.String] * 2)
    largest = _by_population(listed["country_code"]).unique("code", keep="first", maintain_order=True)
    positions = gazetteer().places.select("lat", "lon")[largest["row"]]
    found = listed.join(
        largest.hstack(positions), left_on="country_code", right_on="code", how="left", maintain_order="left"
    )
    none = pl.lit(None, pl.String).alias("city")
    return found.with_columns(none, label=pl.col("country")).select(LABELS.names())


def populous_cities(countries: pl.DataFrame, most: int = MOST, apart_km: float = APART_KM) -> pl.DataFrame:
    """Up to `most` cities of each country (both schema LABELS), country by country, by falling population.

    GeoNames has parts of cities as places (Brooklyn, Singapore's towns), SimpleMaps mostly has not: our choice is that
    a place within `apart_km` of a more populous one chosen is a part of it. Of places of one name, the most populous
    stands for all: their prompts would be the same. ValueError for a country whose code the gazetteer does not have.
    """
    ranked = _by_population(countries["country_code"])
    rows = dict(ranked.group_by("code").agg("row").iter_rows())
    if missing := [code for code in countries["country_code"] if code not in rows]:
        raise ValueError(
            f"the gazetteer has no cities of {missing[:5]}; country codes are ISO 3166's, two lower-case letters"
        )
    chosen = {code: _apart(np.asarray(rows[code]), most, apart_km) for code in countries["country_code"]}
    cities = gazetteer().places.select("city", "lat", "lon")
    found = [
        cities[chosen[code]].with_columns(country=pl.lit(country), country_code=pl.lit(code))
        for country, code in countries.select("country", "country_code").iter_rows()
    ]
    label = pl.concat_str("city", "country", separator=", ").alias("label")
    return pl.concat(found).with_columns(label).select(LABELS.names())


def _by_population(codes: pl.Series) -> pl.DataFrame:
    """Places (row in the gazetteer, code) of those countries, by falling population, then as they stand there."""
    places = gazetteer().places.with_row_index("row").filter(pl.col("code").is_in(codes.implode()))
    return places.sort("population", "row", descending=[True, False]).select("row", "code")


def _apart(rows: NDArray[np.int64], most: int, apart_km: float) -> NDArray[np.int64]:
    """The first so many rows of the gazetteer that are neither near one before them nor of its name."""
    known, chosen = gazetteer(), list[int]()
    names = known.places["city"].gather(rows).to_numpy()
    near = np.cos(apart_km / EARTH_RADIUS_KM)
    while len(rows) and len(chosen) < most:
        chosen.append(int(rows[0]))
        cosines = known.vectors[rows] @ known.vectors[rows[0]]
        others = (cosines < near) & (names != names[0])
        rows, names = rows[others], names[others]
    return np.array(chosen, np.int64)
