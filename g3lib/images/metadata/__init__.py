"""Facts of photos as their publishers wrote them: read, checked, repaired where the evidence is conclusive.

Everything that was found is reported by name and count; a row that cannot be used keeps its place, with its fate.
"""

from g3lib.images.metadata.reading import read_metadata
from g3lib.images.metadata.table import FINDINGS, METADATA, PLACE_FIELDS, BadMetadata, Metadata

__all__ = ["FINDINGS", "METADATA", "PLACE_FIELDS", "BadMetadata", "Metadata", "read_metadata"]
