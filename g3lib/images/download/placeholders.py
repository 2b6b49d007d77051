"""Pictures that stand where a photo was: told by the name a redirect leads to, or by coming again and again."""

import re
from collections.abc import Iterable

# the same bytes at so many addresses are nobody's photo...
SAME_BYTES = 8
# ...unless a few photographers posted one picture over and over; where authors are unknown, addresses alone decide
SAME_BYTES_AUTHORS = 4

# Flickr's photo_unavailable.png, photo_unavailable_l.png, photo_gone.gif; others' no-image.jpg, image-not-found.png
_NAME = re.compile(
    r"unavailable|placeholder|not[-_]?(found|available)|no[-_]?(image|photo)|(image|photo)[-_]?(gone|deleted|removed)",
    re.IGNORECASE,
)


def names_placeholder(path: str) -> bool:
    """Whether the file that a redirect leads to is called like a placeholder."""
    return _NAME.search(path.rpartition("/")[2]) is not None


def repeated(deliveries: Iterable[tuple[str, bytes, str | None]]) -> dict[bytes, int]:
    """Digests that are placeholders with the number of their URLs, from (URL, SHA-256, author) of each delivery."""
    urls, authors = dict[bytes, set[bytes]](), dict[bytes, set[str | None]]()
    first = dict[bytes, tuple[str, str | None]]()  # most digests come once and need no sets
    for url, digest, author in deliveries:
        earlier = first.setdefault(digest, (url, author))
        if earlier[0] != url:
            urls.setdefault(digest, {earlier[0].encode()}).add(url.encode())
            authors.setdefault(digest, {earlier[1]}).add(author)
    return {
        digest: len(places)
        for digest, places in urls.items()
        if len(places) >= SAME_BYTES
        and (None in authors[digest] or len(authors[digest]) >= SAME_BYTES_AUTHORS)
    }
