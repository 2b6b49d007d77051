"""How a gallery of some size and width is compressed: the numbers that its settings leave open."""

from dataclasses import dataclass

from g3lib.experiments.indexing import IndexKind, IndexSettings
from g3lib.gallery.errors import GalleryTooSmall

KEPT = 2 / 3  # of the dimensions, in 8 bits: a sixth of float32
COARSE = 192  # principal dimensions of the coarse codes
FINE_ENOUGH = 64  # vectors no wider than this keep all their dimensions
SMALLEST = 1000  # photos: fewer can train no compression, and need none
NEIGHBOURS = 32  # of a node of hnsw
BREADTH = 400  # of its search, at least


@dataclass(frozen=True)
class Layout:
    """kept: dimensions in 8 bits; None: all of them, as they are. coarse: of those, the ones in the coarse index."""

    kept: int | None
    coarse: int
    lists: int
    probes: int
    reranked: int

    def parameters(self) -> dict[str, int]:
        """Those that apply, for the card."""
        return {name: value for name, value in vars(self).items() if value}


def layout_of(settings: IndexSettings, rows: int, width: int) -> Layout:
    """From the settings, and the gallery where they say nothing; GalleryTooSmall where nothing can be trained."""
    kind: IndexKind = settings.kind
    if rows < SMALLEST:
        raise GalleryTooSmall(
            f"{rows} photos are too few to compress by kind {kind!r}, which takes {SMALLEST}; use kind 'exact'"
        )
    if kind == "scalar":
        return Layout(None, 0, 0, 0, 0)
    kept = width if width <= FINE_ENOUGH else round(KEPT * width)
    coarse = min(kept, COARSE) // 2 * 2  # pairs of dimensions share a coarse code
    lists = min(settings.lists or round(2 * rows**0.5), rows // 16) if kind == "ivf" else 0
    probes = min(settings.probes or -(-lists // 2), lists)
    return Layout(kept, coarse, lists, probes, settings.reranked)
