"""What became of a photo: one name for every way in which it arrives or does not, in ledgers and reports."""

from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class Fate(StrEnum):
    """The names a ledger uses; everything but STORED is a reason for absence."""

    STORED = "stored"

    # its record
    NO_POSITION = "no_position"  # no coordinates at all
    BAD_POSITION = "bad_position"  # not a number, or off the Earth
    ZERO_POSITION = "zero_position"  # (0, 0): a device's or database's way of saying nothing
    NO_ID = "no_id"
    DUPLICATE_ID = "duplicate_id"
    NO_COUNTRY = "no_country"  # G3 leaves out photos whose place has no country
    NO_ADDRESS = "no_address"  # neither URL nor key to fetch it by

    # its way over the network
    NOT_FOUND = "not_found"  # 404
    GONE = "gone"  # 410
    FORBIDDEN = "forbidden"  # 401, 403, 451
    RATE_LIMITED = "rate_limited"  # 429 until the last attempt
    SERVER_ERROR = "server_error"  # 5xx until the last attempt
    HTTP_ERROR = "http_error"  # any other status that is no success
    TIMEOUT = "timeout"  # hung or dripped past its deadline
    CONNECTION_LOST = "connection_lost"  # refused or reset
    CUT_SHORT = "cut_short"  # fewer bytes than announced
    TOO_MANY_REDIRECTS = "too_many_redirects"
    REFUSED_ADDRESS = "refused_address"  # not http(s), or a private network's
    PLACEHOLDER = "placeholder"  # Flickr's "no longer available" picture, or one like it

    # its file in an archive or folder
    NOT_IN_ARCHIVE = "not_in_archive"
    NEVER_OFFERED = "never_offered"  # in the metadata, and in no shard
    UNLISTED = "unlisted"  # in the archive, but its metadata are not known
    NOT_A_FILE = "not_a_file"  # a link, device or folder under a photo's name
    UNSAFE_NAME = "unsafe_name"  # an absolute path, or one that climbs out
    UNREADABLE = "unreadable"  # the operating system refused it

    # its EXIF position
    NO_EXIF = "no_exif"
    NO_GPS = "no_gps"  # EXIF without a position
    GPS_NOT_A_NUMBER = "gps_not_a_number"
    GPS_NO_REFERENCE = "gps_no_reference"  # no N, S, E or W that says which half of the Earth
    GPS_ZERO = "gps_zero"
    GPS_OUT_OF_RANGE = "gps_out_of_range"

    # its bytes
    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"  # an error page, a text
    DOES_NOT_DECODE = "does_not_decode"  # truncated or corrupt
    TOO_FEW_BYTES = "too_few_bytes"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    WRONG_DIGEST = "wrong_digest"


# another try may well end differently: the next run asks again for these and for nothing else
TRANSIENT = frozenset(
    {
        Fate.RATE_LIMITED,
        Fate.SERVER_ERROR,
        Fate.TIMEOUT,
        Fate.CONNECTION_LOST,
        Fate.CUT_SHORT,
    }
)


@dataclass(frozen=True)
class Rejected:
    """A photo that was looked for and is not stored; `detail` is what was found, in words."""

    photo_id: str
    fate: Fate
    detail: str
    origin: str = ""  # URL, archive member or file
    http_status: int | None = None
    attempts: int = 0
    bytes: int | None = None


# one row for every photo of a shard, stored or not
LEDGER = pl.Schema(
    {
        "dataset": pl.String,
        "shard": pl.String,
        "photo_id": pl.String,
        "fate": pl.String,
        "detail": pl.String,
        "origin": pl.String,
        "http_status": pl.Int16,
        "attempts": pl.Int16,
        "bytes": pl.Int64,
        "sha256": pl.String,
    }
)
