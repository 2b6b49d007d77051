"""What an LMM charges: the shipped table of prices, the user's own before it, the profile's before both.

Prices are data, in prices.yaml beside this file. How many tokens a request has is the business of tokens.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import Field, ValidationError

from g3lib.candidates.costs.image_tokens import ImageTokens, Patches, Tiles
from g3lib.experiments.datasets import Section
from g3lib.experiments.lmm import Amount, LmmSettings

FILE = "prices.yaml"  # the user's own table, in G3_HOME
_MILLION = 1e6
_LOCAL_NAMES = ("localhost", ".localhost", ".local", ".lan", ".internal", ".home.arpa")


class PriceTableError(ValueError):
    """A table of prices that cannot be read; the message names file, entry and remedy."""


class Entry(Section):
    """The price of some models; prices.yaml explains the fields."""

    models: Annotated[tuple[str, ...], Field(min_length=1)]
    usd_in: Amount
    usd_out: Amount
    batch: Annotated[float, Field(ge=0, le=1)] = 1.0
    image: str = "gpt-4o"
    thinks: bool = False
    endpoint: Literal["any", "local"] = "any"

    def matches(self, settings: LmmSettings) -> bool:
        """Whether this is the price of an LMM there."""
        if self.endpoint == "local" and not _is_local(settings.base_url):
            return False
        names = {settings.label.lower(), settings.label.lower().rpartition("/")[2]}
        return any(fnmatchcase(name, glob.lower()) for name in names for glob in self.models)


class PriceTable(Section):
    """A table of prices: entries in the order in which they are tried, and rules for images by name."""

    as_of: date | None = None
    source: str = ""
    images: dict[str, ImageTokens] = Field(default_factory=dict)
    models: tuple[Entry, ...] = ()

    @property
    def provenance(self) -> str:
        """As of when, and by whom, as far as the table says it."""
        as_of = f", as of {self.as_of}" if self.as_of else ""
        return as_of + (f", {self.source}" if self.source else "")


@dataclass(frozen=True)
class Prices:
    """USD per million tokens of one LMM, None where unknown; `source` says where they come from, or the remedy."""

    usd_in: float | None
    usd_out: float | None
    batch_factor: float
    source: str
    image: Tiles | Patches
    thinks: bool = False

    @property
    def known(self) -> bool:
        """Whether both prices are known."""
        return self.usd_in is not None and self.usd_out is not None

    def usd(self, tokens_in: float, tokens_out: float, batched: bool = False) -> float:
        """What so many tokens cost, through the Batch API if `batched`; ValueError names the remedy if unknown."""
        if self.usd_in is None or self.usd_out is None:
            raise ValueError(self.source)
        factor = self.batch_factor if batched else 1.0
        return (tokens_in * self.usd_in + tokens_out * self.usd_out) * factor / _MILLION

    def image_tokens(self, detail: str, longest_side: int | None) -> int:
        """Tokens of an image: the most there can be with that longest side in pixels, or with any if None."""
        return self.image.tokens(detail, longest_side)


def prices_of(settings: LmmSettings, own_table: Path | None = None) -> Prices:
    """The prices of an LMM: its section's own, else the user's table, else the shipped one.

    own_table: <G3_HOME>/prices.yaml; it need not exist. PriceTableError if it cannot be read.
    """
    found = _from_tables(settings, own_table)
    if settings.price_in is None and settings.price_out is None:
        return found
    usd_in = found.usd_in if settings.price_in is None else settings.price_in
    usd_out = found.usd_out if settings.price_out is None else settings.price_out
    priced = replace(found, usd_in=usd_in, usd_out=usd_out)
    return replace(priced, source="price_in, price_out of the profile") if priced.known else priced


def known_prices(
    lmms: Iterable[LmmSettings], own_table: Path | None = None
) -> dict[str, tuple[float, float]]:
    """USD per million tokens, in and out, by the LMM's label; the first of a label counts, unknown ones lack."""
    known: dict[str, tuple[float, float]] = {}
    for settings in lmms:
        prices = prices_of(settings, own_table)
        if prices.usd_in is not None and prices.usd_out is not None:
            known.setdefault(settings.label, (prices.usd_in, prices.usd_out))
    return known


def _from_tables(settings: LmmSettings, own_table: Path | None) -> Prices:
    shipped = _shipped()
    own = _read(own_table) if own_table is not None and own_table.exists() else PriceTable()
    images = shipped.images | own.images
    for table, name in ((own, str(own_table)), (shipped, "the table that comes with g3")):
        for entry in table.models:
            if entry.matches(settings):
                if entry.image not in images:
                    raise PriceTableError(
                        f"{name}: models {', '.join(entry.models)}: no image rule {entry.image!r}; "
                        f"there are: {', '.join(images)}; add it under `images`"
                    )
                source, image = f"{name}{table.provenance}", images[entry.image]
                return Prices(entry.usd_in, entry.usd_out, entry.batch, source, image, entry.thinks)
    return Prices(None, None, 1.0, _remedy(settings, own_table), images[Entry.model_fields["image"].default])


def _remedy(settings: LmmSettings, own_table: Path | None) -> str:
    where = own_table or f"<G3_HOME>/{FILE}"
    line = f"models: [{{models: [{settings.label}], usd_in: …, usd_out: …}}]"
    return (
        f"the price of {settings.label!r} is unknown: add it to {where} ({line}, USD per million tokens), "
        "or give price_in and price_out in its section of the profile (G3_LMM__PRICE_IN, G3_LMM__PRICE_OUT)"
    )


@cache
def _shipped() -> PriceTable:
    return PriceTable(
        **yaml.safe_load(files("g3lib.candidates.costs").joinpath(FILE).read_text(encoding="utf-8"))
    )


def _read(path: Path) -> PriceTable:
    """A user's table; PriceTableError says what is wrong with it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if not isinstance(content, dict):
            raise PriceTableError(f"{path}: found a {type(content).__name__}; it needs the key `models`")
        return PriceTable(**content)
    except yaml.YAMLError as problem:
        raise PriceTableError(f"{path} is no YAML: {problem}; mend or remove it") from problem
    except ValidationError as problem:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors())
        raise PriceTableError(f"{path}: {wrong}; mend it, or remove it for the shipped prices") from problem


def _is_local(base_url: str | None) -> bool:
    """Whether an endpoint is on this machine or a private network; without one, nobody is asked."""
    if base_url is None:
        return True
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_NAMES)
