"""What Geo-alignment trains on: stored features, captions, positions, and who is held out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.experiments.datasets import UNKNOWN

BLOCK = 65_536  # rows read at once when features are taken into memory


class FeatureRows(Protocol):
    """Photos' CLIP features wherever they lie; several threads read at once."""

    def __len__(self) -> int:
        """How many photos."""

    @property
    def width(self) -> int:
        """Length of a feature."""

    @property
    def stamp(self) -> object:
        """Its repr tells which encoder they are of."""

    def rows(self, indices: NDArray[np.int64]) -> NDArray[np.float16]:
        """(n,) numbers of photos to their (n, width) features, in that order."""


@dataclass(frozen=True)
class AlignmentData:
    """n photos, the m distinct captions among them, and who is evaluated instead of trained on.

    image: where the features of these and perhaps other photos lie; photos (n,): these photos' rows there.
    text (m, d) float16: the captions' CLIP features; text_rows (n,): the row of each photo's caption.
    coordinates (n, 2) float64: degrees (lat, lon). held_out (n,): bool.
    version: names the photos' features apart from any others', since they are too many to be read for that.
    """

    image: FeatureRows
    photos: NDArray[np.int64]
    text: NDArray[np.float16]
    text_rows: NDArray[np.int64]
    coordinates: NDArray[np.float64]
    held_out: NDArray[np.bool_]
    version: str = ""

    def __len__(self) -> int:
        """How many photos, held out or not."""
        return len(self.photos)

    def part(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "AlignmentData":
        """The photos of a mask, or of row numbers in their order."""
        return replace(
            self,
            photos=self.photos[chosen],
            text_rows=self.text_rows[chosen],
            coordinates=self.coordinates[chosen],
            held_out=self.held_out[chosen],
        )

    def digest(self) -> str:
        """SHA-256 over everything; of the photos' features, over their stamp and version."""
        digest = hashlib.sha256(f"{self.version}:{self.image.stamp!r}:{self.image.width}".encode())
        for each in (self.photos, self.text, self.text_rows, self.coordinates, self.held_out):
            digest.update(f"{each.dtype}{each.shape}".encode() + np.ascontiguousarray(each).tobytes())
        return digest.hexdigest()


def held_out(authors: Sequence[str | None], fraction: float, seed: int) -> NDArray[np.bool_]:
    """(n,) bool: the photos of about `fraction` of the authors, chosen by a hash of seed and name.

    So an author stays on their side whatever other photos there are. Unknown authors are never held out: they may
    be anybody's, and a photographer on both sides flatters the figures.
    """
    chosen = {each: _is_chosen(each, fraction, seed) for each in set(authors)}
    return np.fromiter((chosen[each] for each in authors), dtype=bool, count=len(authors))


def _is_chosen(author: str | None, fraction: float, seed: int) -> bool:
    """Whether the number in [0, 1) that is this author's own lies below the fraction."""
    if author in (None, UNKNOWN):
        return False
    hashed = hashlib.sha256(f"{seed}:{author}".encode()).digest()
    return int.from_bytes(hashed[:8], "big") / 2**64 < fraction


def resident(data: AlignmentData, device: torch.device) -> Tensor:
    """(n, d) float16 on the device, read block by block: there is never a second copy."""
    held = torch.empty((len(data), data.image.width), dtype=torch.float16, device=device)
    for start in range(0, len(data), BLOCK):
        block = torch.from_numpy(data.image.rows(data.photos[start : start + BLOCK]))
        held[start : start + len(block)] = block.to(device)
    return held
