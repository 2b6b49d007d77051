"""A benchmark of thirty photos, files of predictions for it, and what every judgement must come to."""

from collections.abc import Callable

import polars as pl

from g3lib.results.outside import Judged, Truth, truth_of_photos

IDS = [f"photo-{number:02}.jpg" for number in range(30)]
LATS = [round(-55.0 + 4.1 * number, 3) for number in range(30)]
LONS = [round((137.7 * number) % 360 - 180, 3) for number in range(30)]
SAID = [round(lat + 0.25, 3) for lat in LATS]  # latitudes as predicted: 28 km too far north

Judge = Callable[..., Judged]


def toy_truth() -> Truth:
    authors = [f"author {number % 7}" for number in range(30)]
    photos = pl.DataFrame({"photo_id": IDS, "author": authors, "lat": LATS, "lon": LONS})
    return truth_of_photos("toy", photos, "thirty photos", [])


def lines(first: int = 0, last: int = 30, form: str = "{id},{lat},{lon}") -> list[str]:
    """Rows of predictions, from one photo to before another."""
    return [form.format(id=IDS[n], lat=SAID[n], lon=LONS[n]) for n in range(first, last)]


def table(*rows: str, header: str = "photo_id,lat,lon") -> str:
    return "\n".join([header, *rows, ""])


def check_whole(found: Judged) -> None:
    """Each photo has one row and one fate, and only a scored one a position."""
    photos = found.truth.photos["photo_id"]
    assert found.predictions["photo_id"].to_list() == photos.to_list()
    assert found.photos["count"].sum() == len(photos)
    scored = found.predictions.filter(pl.col("fate") == "scored")
    assert scored["lat"].null_count() == scored["lon"].null_count() == 0
    assert found.predictions["lat"].count() == scored.height == counts(found.rows).get("scored", 0)


def counts(fates: pl.DataFrame) -> dict[str, int]:
    return dict(fates.select("fate", "count").iter_rows())


def findings(found: Judged) -> dict[str, tuple[str, int]]:
    return {name: (action, rows) for name, action, rows, *_ in found.findings.iter_rows()}
