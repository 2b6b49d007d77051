"""The same as a page: one HTML file that needs no network and no scripts, with a map and a table for every photo."""

from base64 import b64encode
from collections.abc import Callable
from importlib.resources import files
from io import BytesIO
from typing import Any

from jinja2 import Environment, StrictUndefined

from g3lib.images import upright
from g3lib.results.locating import drawing
from g3lib.results.locating.answers import Located, Locations
from g3lib.results.locating.terminal import distance, percent, position
from g3lib.results.metrics import THRESHOLDS_KM

SIDE, QUALITY = 320, 80  # of the small picture of a photo: pixels, and of its JPEG

_FILES = files("g3lib.results.locating")


def page(found: Locations, read: Callable[[str], bytes]) -> str:
    """The page's HTML; `read` gives the bytes of a located photo by its name, for a small picture of it."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"distance": distance, "percent": percent, "zip": zip}
    template = environment.from_string((_FILES / "page.html").read_text(encoding="utf-8"))
    land, borders = drawing.world_paths()
    return template.render(
        found=found,
        style=(_FILES / "page.css").read_text(encoding="utf-8"),
        land=land,
        borders=borders,
        world_size=drawing.WORLD_SIZE,
        region_size=drawing.REGION_SIZE,
        thresholds=THRESHOLDS_KM,
        position=position,
        photos=[_photo(number, each, read) for number, each in enumerate(found.photos, 1)],
    )


def _photo(number: int, each: Located, read: Callable[[str], bytes]) -> dict[str, Any]:
    """What the template shows of a photo besides its facts."""
    seen = each.candidates or each.answer is not None
    return {
        "id": f"photo-{number}",
        "facts": each,
        "picture": thumbnail(read(each.photo)) if seen else "",
        "world": drawing.world(each) if each.answer is not None else None,
        "region": drawing.region(each),
    }


def thumbnail(data: bytes) -> str:
    """A small upright JPEG of a photo as a data URL; nothing else that its file tells is in it."""
    small = upright(data)
    small.thumbnail((SIDE, SIDE))
    small.info.clear()
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode()}"
