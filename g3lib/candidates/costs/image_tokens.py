"""How many tokens an image counts: the rules there are, whose numbers are data of prices.yaml."""

from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from g3lib.experiments.datasets import Section

_SQUARE, _SHORTER, _TILE = 2048, 768, 512  # pixels; see prices.yaml


class Tiles(Section):
    """Tokens of an image that is cut into tiles of 512 pixels, if it is seen in detail at all."""

    kind: Literal["tiles"]
    base: Annotated[int, Field(ge=0)]
    tile: Annotated[int, Field(ge=0)]

    def tokens(self, detail: str, longest_side: int | None) -> int:
        """The most that an image of that longest side (pixels; None is any) can count."""
        if detail == "low":
            return self.base
        side = longest_side or _SQUARE
        return self.base + self.tile * ceil(min(side, _SQUARE) / _TILE) * ceil(min(side, _SHORTER) / _TILE)


class Patches(Section):
    """Tokens of an image that is covered with small squares; by detail, what it is first shrunk to."""

    kind: Literal["patches"]
    edge: Annotated[int, Field(gt=0)] = 32
    multiplier: Annotated[float, Field(gt=0)]
    low: tuple[int, int]  # longest side in pixels, patches
    high: tuple[int, int]
    auto: tuple[int, int]

    def tokens(self, detail: str, longest_side: int | None) -> int:
        """The most that an image of that longest side (pixels; None is any) can count."""
        side, patches = {"low": self.low, "high": self.high}.get(detail, self.auto)
        across = ceil(min(longest_side or side, side) / self.edge)
        return ceil(min(across * across, patches) * self.multiplier)


ImageTokens = Annotated[Tiles | Patches, Field(discriminator="kind")]
