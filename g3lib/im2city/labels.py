"""Label sets as tables, and which label each photo has. How labels become prompts does not belong here.

A photo's true label is the city its publisher names, where the dataset does (Place Pulse), else the nearest city within
a radius; a photo beyond it has none. The true country is that city's, so that both scales judge the same photos.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.experiments.cities import CITY_SCHEMA
from g3lib.experiments.gem import LabelSet
from g3lib.geo import unit_vectors
from g3lib.geo.distances import EARTH_RADIUS_KM
from g3lib.geo.nearest import nearest_within
from g3lib.places import geocode, locate_place
from g3lib.places.gazetteer import gazetteer
from g3lib.places.spelling import Names, plain

NONE = -1  # the row number of no label
LABELS = pl.Schema(
    {
        "label": pl.String,  # as tables show it
        "city": pl.String,  # null for a country
        "country": pl.String,
        "country_code": pl.String,  # in lower case; the name, where no code is known
        "lat": pl.Float64,
        "lon": pl.Float64,
    }
)
NEAR_KM = 50.0  # of a place to itself; the geocoder asks
LARGEST = 20_000  # of the gazetteer's places by population, among which labels are looked for


class BadLabels(ValueError):
    """Labels that cannot be told apart, have no photos, or do not name what a dataset names."""


def label_set(cities: pl.DataFrame, kind: LabelSet) -> pl.DataFrame:
    """The labels of a kind (schema LABELS) made of `cities` (schema CITY_SCHEMA), in their order.

    A country's position is that of its most populous place, as everywhere here; of one that the gazetteer does not
    know, its first city's. Raises BadLabels for labels that differ only by case, accents or punctuation.
    """
    known = cities.with_columns(_code())
    if kind != "countries":
        _check_distinct(known["city"] + ", " + known["country"])
        shared = pl.col("city").is_duplicated()
        label = pl.when(shared).then(pl.concat_str("city", "country", separator=", ")).otherwise("city")
        labels = known.with_columns(label=label).select(LABELS.names())
        _check_distinct(labels["label"])
        return labels
    countries = known.unique("country_code", keep="first", maintain_order=True)
    _check_distinct(countries["country"])
    found = [locate_place(name) for name in countries["country"]]
    positions = {
        axis: [
            getattr(place, axis) if place else own for place, own in zip(found, countries[axis], strict=True)
        ]
        for axis in ("lat", "lon")
    }
    columns = {name: pl.Series(name, values) for name, values in positions.items()}
    none = pl.lit(None, pl.String).alias("city")
    return countries.with_columns(none, label=pl.col("country"), **columns).select(LABELS.names())


def rows_among(cities_of: NDArray[np.int64], cities: pl.DataFrame, labels: pl.DataFrame) -> NDArray[np.int64]:
    """What photos show as rows of `labels` (schema LABELS): their cities, or the countries of those.

    cities_of: (n,) rows of `cities` (with country, country_code), NONE of none. NONE, too, where no label is the
    city's country.
    """
    if not labels["city"].null_count():
        return cities_of
    rows = {code: row for row, code in enumerate(labels["country_code"])}
    codes = cities.select(_code())["country_code"]
    of_city = np.array([rows.get(code, NONE) for code in codes], np.int64)
    return np.where(cities_of == NONE, NONE, of_city[np.maximum(cities_of, 0)])


def _code() -> pl.Expr:
    """The country's code, or its name where a label set gives no code."""
    return pl.coalesce("country_code", "country").str.to_lowercase().alias("country_code")


def cities_of_gazetteer(
    sources: Sequence[pl.DataFrame], count: int, apart_km: float, radius_km: float, least_photos: int
) -> pl.DataFrame:
    """The `count` most populous places that have photos (schema CITY_SCHEMA): our choice, where no labels are given.

    Of every source (lat, lon of its photos), each has at least `least_photos` that are nearer to it than to those
    chosen before, within `radius_km`; and lies `apart_km` from these. Raises BadLabels if there are not enough.
    """
    places = gazetteer().places.with_row_index("row").top_k(LARGEST, by="population")
    places = places.sort("population", "row", descending=[True, False])
    points = unit_vectors(places["lat"], places["lon"])
    free = [unit_vectors(photos["lat"], photos["lon"]) for photos in sources]
    near, apart = (np.cos(km / EARTH_RADIUS_KM) for km in (radius_km, apart_km))
    chosen: list[int] = []
    for row, point in enumerate(points):
        if len(chosen) == count:
            break
        if (points[chosen] @ point > apart).any():
            continue
        shown = [photos @ point > near for photos in free]
        if min(each.sum() for each in shown) >= least_photos:
            chosen.append(row)
            free = [photos[~each] for photos, each in zip(free, shown, strict=True)]
    if len(chosen) < count:
        raise BadLabels(
            f"only {len(chosen)} of {count} cities have {least_photos} training photos within {radius_km:g} km and lie "
            f"{apart_km:g} km apart; lower im2city.count, least_photos or apart_km, or raise radius_km"
        )
    cities = places[chosen].select("city", "lat", "lon")
    # by the geocoder that wrote the captions, so that prompts and captions call a country the same
    lands = geocode(cities["lat"], cities["lon"], NEAR_KM).select("country", "country_code")
    return cities.hstack(lands).with_columns(other_names=pl.lit(None, pl.String)).select(CITY_SCHEMA.names())


def photo_labels(photos: pl.DataFrame, cities: pl.DataFrame, radius_km: float) -> NDArray[np.int64]:
    """The row in `cities` of the nearest city of each photo (both lat, lon), shape (n,); NONE from `radius_km` on.

    Photos without a position have none.
    """
    lat, lon = (photos[axis].fill_null(np.nan) for axis in ("lat", "lon"))
    return nearest_within(lat, lon, cities["lat"], cities["lon"], radius_km)


def named_labels(names: Sequence[str | None], cities: pl.DataFrame) -> NDArray[np.int64]:
    """The row in `cities` (schema CITY_SCHEMA) of each published name, in any spelling; NONE where none is given.

    Raises BadLabels for a name that no city has.
    """
    spellings = [
        (row, name)
        for row, (city, others) in enumerate(cities.select("city", "other_names").iter_rows())
        for name in [city, *(others or "").split(";")]
        if name
    ]
    known = Names([row for row, _ in spellings], [name for _, name in spellings])
    distinct = {name for name in names if name}
    found = {name: known.find(name) for name in distinct}
    if unknown := sorted(name for name, rows in found.items() if not rows):
        raise BadLabels(
            f"{len(unknown)} published cities are none of the {cities.height} labels, e.g. {unknown[:3]}; add them to "
            "the label set, or a spelling to its column other_names"
        )
    return np.array([found[name][0][1] if name else NONE for name in names], np.int64)


def _check_distinct(names: pl.Series) -> None:
    """No two labels are one but for case, accents and punctuation."""
    spelt = pl.DataFrame({"name": names, "plain": plain("\n".join(names)).split("\n")})
    twins = spelt.filter(pl.col("plain").is_duplicated()).sort("plain", "name")
    if twins.height:
        raise BadLabels(
            f"labels {twins['name'][0]!r} and {twins['name'][1]!r} are the same but for case, accents or punctuation; "
            "leave one of them out, or tell them apart by their country"
        )
