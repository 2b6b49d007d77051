"""The retrieval index over gallery photos and the references it returns for queries.

Inner products of joined unit vectors (paper section 3.1), exact or compressed and then measured against exact.
"""

from g3lib.gallery.building import build
from g3lib.gallery.card import Card, IndexReport
from g3lib.gallery.errors import (
    BadExclusion,
    BadQueries,
    BadReferences,
    BadVectors,
    DamagedIndex,
    EmptyGallery,
    GalleryError,
    GalleryTooSmall,
    StampMismatch,
)
from g3lib.gallery.exclusion import rows_by_author, union
from g3lib.gallery.index import Index, open_index, similar_and_dissimilar
from g3lib.gallery.official import import_official, read_official_gallery
from g3lib.gallery.references import REFERENCES, reference_table, references
from g3lib.gallery.vectors import Rows, Vectors

__all__ = [
    "REFERENCES",
    "BadExclusion",
    "BadQueries",
    "BadReferences",
    "BadVectors",
    "Card",
    "DamagedIndex",
    "EmptyGallery",
    "GalleryError",
    "GalleryTooSmall",
    "Index",
    "IndexReport",
    "Rows",
    "StampMismatch",
    "Vectors",
    "build",
    "import_official",
    "open_index",
    "read_official_gallery",
    "reference_table",
    "references",
    "rows_by_author",
    "similar_and_dissimilar",
    "union",
]
