"""Photos over HTTP: politely, resumably, and with a recorded fate for every one that does not come.

`download` is the door. Loading this package does not load aiohttp.
"""

from g3lib.images.download.running import download
from g3lib.images.download.spool import discard
from g3lib.images.download.wanted import (
    DamagedSpool,
    Delivered,
    DiskFull,
    Request,
    SpoolInUse,
    TooManyFailures,
)

__all__ = [
    "DamagedSpool",
    "Delivered",
    "DiskFull",
    "Request",
    "SpoolInUse",
    "TooManyFailures",
    "discard",
    "download",
]
