"""A list of photo ids and URLs without header (`mp16_urls.csv`), joined to the photos' facts."""

from pathlib import Path

import numpy as np
import polars as pl

from g3lib.images.fates import Fate
from g3lib.images.metadata.draft import Draft
from g3lib.images.metadata.findings import Finding
from g3lib.images.metadata.left_out import findings_of
from g3lib.images.metadata.opening import opened
from g3lib.images.metadata.raw import head_of, text_chunks
from g3lib.images.metadata.records import Tally
from g3lib.images.metadata.table import BadMetadata

REMEDY = "it needs two columns without header, photo id and URL, as mp16_urls.csv has"


def join_addresses(draft: Draft, urls: Path) -> None:
    """Make URLs the locators; rows without one are refused, URLs without a row noted. BadMetadata for a bad list."""
    addresses, findings = read_addresses(urls)
    draft.findings += findings
    ids = draft.text["photo_id"]
    unknown = addresses.filter(~pl.col("photo_id").is_in(ids.drop_nulls().implode()))
    if unknown.height:
        example = f"{unknown['photo_id'][0]},{unknown['locator'][0]}"
        detail = f"URLs in {urls.name} of photos that the metadata do not have; left out"
        draft.findings.append(Finding("url_without_facts", "noted", unknown.height, detail, example))
    joined = draft.text.select("photo_id").join(addresses, on="photo_id", how="left", maintain_order="left")
    draft.text = draft.text.with_columns(joined["locator"])
    missing = draft.text["locator"].is_null().to_numpy()
    draft.refuse("no_address", Fate.NO_ADDRESS, missing, f"no URL in {urls.name}")


def read_addresses(urls: Path) -> tuple[pl.DataFrame, list[Finding]]:
    """(photo_id, locator) of a list, each id once, and what was found in it."""
    if not urls.is_file():
        raise FileNotFoundError(f"{urls}: no such file; {REMEDY}")
    tally = Tally()
    with opened(urls) as file:
        head = head_of(urls, file)
        if len(head.fields) != 2:
            raise BadMetadata(f"{urls}: its first line has {len(head.fields)} columns; {REMEDY}")
        layout = head.bare if "://" in head.fields[1] else head.layout
        chunks = text_chunks(urls, file, layout, {"photo_id": 0, "locator": 1}, tally)
        frames = [chunk.facts.select(pl.all().str.strip_chars()) for chunk in chunks]
    if not frames:
        raise BadMetadata(f"{urls}: no row can be read; {REMEDY}")
    frame = pl.concat(frames, rechunk=False).drop_nulls("photo_id")
    findings = [
        Finding(f"urls_{each.name}", each.action, each.rows, f"{urls.name}: {each.detail}", each.example)
        for each in findings_of(tally)
    ]
    return _once_each(frame, urls, findings)


def _once_each(
    frame: pl.DataFrame, urls: Path, findings: list[Finding]
) -> tuple[pl.DataFrame, list[Finding]]:
    hashes = np.sort(frame["photo_id"].hash().to_numpy())
    if (hashes[1:] == hashes[:-1]).any():
        again = frame.filter(~pl.col("photo_id").is_first_distinct())
        detail = f"{urls.name} has more than one URL for a photo; the first is kept"
        if again.height:
            findings.append(Finding("repeated_url", "noted", again.height, detail, str(again["photo_id"][0])))
            frame = frame.unique("photo_id", keep="first", maintain_order=True)
    present = pl.col("locator").is_not_null() & (pl.col("locator") != "")
    return frame.filter(present), findings
