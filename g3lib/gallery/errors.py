"""What can be wrong with a gallery, its index or a question to it."""


class GalleryError(ValueError):
    """Any of the below."""


class BadVectors(GalleryError):
    """Gallery vectors that are not finite, not as wide as the others, or not the same when asked again."""


class EmptyGallery(GalleryError):
    """Not one vector to index."""


class GalleryTooSmall(GalleryError):
    """Fewer photos in the gallery, or left of it for a query, than references asked for."""


class BadQueries(GalleryError):
    """Queries that are not finite or not as wide as the index."""


class BadExclusion(GalleryError):
    """Rows to leave out that the gallery does not have, or not one list per query."""


class DamagedIndex(GalleryError):
    """A folder that holds no index, or not the files its card names."""


class StampMismatch(GalleryError):
    """Queries that were embedded otherwise than the gallery: their inner products mean nothing."""


class BadReferences(GalleryError):
    """Published arrays of references that do not fit the queries or the gallery."""
