"""What is odd about predictions that are taken as they are: said, with numbers, and left to the reader."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from g3lib.geo import geodesic_km
from g3lib.images.metadata.findings import Finding
from g3lib.results.outside.positions import check_truths, draft_of
from g3lib.results.outside.reading import Sheet
from g3lib.results.outside.truth import Truth

SAME_KM = 1.0  # two truths of a photo that lie farther apart are two
EXACT_KM, MOST = 1e-3, 0.99  # predictions of which so many lie so near are the truth itself
COMMON, FEWEST = 0.1, 10  # share of one position that is worth a word, of so many predictions


def of_predictions(predictions: pl.DataFrame) -> Iterator[Finding]:
    """Answers that are failures in disguise, or the truth."""
    answered = predictions.drop_nulls(["lat", "lon"])
    zero = answered.filter((pl.col("lat") == 0) & (pl.col("lon") == 0))
    if zero.height:
        detail = (
            "predictions of (0, 0), off the coast of Africa: some programs write so that there is no answer; kept as "
            "answers, which miss as failures do"
        )
        yield Finding("zero_answer", "noted", zero.height, detail, str(zero["photo_id"][0]))
    if answered.height < FEWEST:
        return
    yield from _common(answered)
    error = geodesic_km(*(answered[name].to_numpy() for name in ("lat", "lon", "true_lat", "true_lon")))
    exact = int(np.count_nonzero(error < EXACT_KM))
    if exact >= MOST * answered.height:
        detail = f"of {answered.height} predictions lie within a metre of the truth: is it the truth itself?"
        yield Finding("predictions_are_truth", "noted", exact, detail, str(answered["photo_id"][0]))


def _common(answered: pl.DataFrame) -> Iterator[Finding]:
    elsewhere = answered.filter((pl.col("lat") != 0) | (pl.col("lon") != 0))
    places = elsewhere.group_by("lat", "lon").agg(count=pl.len(), first=pl.col("photo_id").first())
    top = places.sort("count", "lat", "lon", descending=True).head(1)
    if top.height and top["count"][0] >= max(FEWEST, COMMON * answered.height):
        lat, lon, count, first = top.row(0)
        yield Finding(
            "common_position", "noted", count, f"predictions of one position, {lat}, {lon}; a default?", first
        )


def of_two_truths(sheet: Sheet, photos: pl.Series, truth: Truth) -> Iterator[Finding]:
    """Rows whose own true position is not the benchmark's, which is the one that counts."""
    if sheet.columns.truth is None:
        return
    draft = draft_of("truth", photos, sheet.facts["true_lat"], sheet.facts["true_lon"], sheet.where)
    check_truths(draft)
    known = photos.to_frame("photo_id").join(truth.photos, on="photo_id", how="left", maintain_order="left")
    rows = draft.usable & known["lat"].is_not_null().to_numpy()
    apart = np.zeros(rows.size)
    theirs = (known[name].to_numpy()[rows] for name in ("lat", "lon"))
    apart[rows] = geodesic_km(draft.lat[rows], draft.lon[rows], *theirs)
    differs = apart >= SAME_KM
    if differs.any():
        names = sheet.columns.pair(sheet.columns.truth)
        first = int(np.argmax(differs))
        detail = (
            f"rows whose own truth ({names}) lies 1 km or more from the benchmark's, which counts; first "
            f"{apart[first]:.1f} km"
        )
        yield Finding("truth_differs", "noted", int(np.count_nonzero(differs)), detail, sheet.where.of(first))
