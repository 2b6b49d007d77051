"""Tables of facts (schema METADATA) in few words."""

from pathlib import Path

import polars as pl

from g3lib.images.metadata import METADATA


def facts(
    *photo_ids: str, locators: tuple[str, ...] = (), refused: dict[str, str] | None = None
) -> pl.DataFrame:
    """A row for each photo; its number in order makes its position."""
    rows = [
        {
            "photo_id": photo_id,
            "author": f"a{number}",
            "licence": "CC0",
            "lat": float(number),
            "lon": -float(number),
            "locator": locators[number] if locators else None,
            "refused": (refused or {}).get(photo_id),
        }
        for number, photo_id in enumerate(photo_ids)
    ]
    return pl.DataFrame(rows, schema=METADATA)


def parquet(table: pl.DataFrame, folder: Path) -> Path:
    """The table as a file, as sources are given it."""
    path = folder / "facts.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    table.write_parquet(path)
    return path
