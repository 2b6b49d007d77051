"""Pictures for asset pages: small enough to live in an event, so that a page needs no file server."""

import base64
import html
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import dagster as dg
import polars as pl
from dagster import MarkdownMetadataValue

from g3lib.images import upright

COLUMNS, THUMBNAIL = 6, 64
CELL = 300  # characters of a table's cell


def contact_sheet(photos: Iterable[bytes]) -> MarkdownMetadataValue:
    """A few photos side by side as one small JPEG."""
    from PIL import Image

    thumbnails = [upright(data).resize((THUMBNAIL, THUMBNAIL)) for data in photos]
    rows = -(-len(thumbnails) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * THUMBNAIL, max(rows, 1) * THUMBNAIL), "white")
    for number, thumbnail in enumerate(thumbnails):
        sheet.paste(thumbnail, (number % COLUMNS * THUMBNAIL, number // COLUMNS * THUMBNAIL))
    buffer = BytesIO()
    sheet.save(buffer, "JPEG", quality=80)
    return _markdown(buffer.getvalue(), "sample photos", "jpeg")


def picture(path: Path, what: str) -> MarkdownMetadataValue:
    """A PNG file, shown on the page."""
    return _markdown(path.read_bytes(), what, "png")


def table(frame: pl.DataFrame) -> MarkdownMetadataValue:
    """A small table as Markdown; what would break out of its cell is escaped, since some of it comes from outside."""
    rows = [frame.columns, ["---"] * frame.width, *frame.iter_rows()]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows))


def _cell(value: object) -> str:
    text = html.escape("" if value is None else str(value)[:CELL], quote=False)
    return text.replace("|", "\\|").replace("\n", " ")


def _markdown(data: bytes, what: str, kind: str) -> MarkdownMetadataValue:
    encoded = base64.b64encode(data).decode()
    return dg.MetadataValue.md(f"![{what}](data:image/{kind};base64,{encoded})")


def curves(history: list[dict[str, float]], names: list[str], path: Path) -> Path:
    """A line per metric over epochs, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3), dpi=80, layout="tight")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name in names:
        axes.plot(range(1, len(history) + 1), [each[name] for each in history], label=name)
    axes.set_xlabel("epoch")
    axes.legend()
    figure.savefig(path)
    return path
