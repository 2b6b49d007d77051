"""Names of archive members: what is safe, and what part of a name tells the photo."""

import re

ENDINGS = frozenset({"jpg", "jpeg", "png", "webp", "gif", "heic", "heif"})
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def base_name(name: str) -> str:
    """The last part of a member's path, whichever slashes it was written with."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def stem(name: str) -> str:
    """A photo's name or id without the ending of an image, slashes as underscores, as MP16-Pro renames them.

    Dots are common in ids, so that only an image's ending is one.
    """
    front, _, ending = name.rpartition(".")
    return (front if ending.lower() in ENDINGS else name).replace("/", "_")


def is_image(name: str) -> bool:
    """Whether the name ends as an image's does."""
    return name.rpartition(".")[2].lower() in ENDINGS and "." in name


def unsafe(name: str) -> str | None:
    """What makes a member's path one that no honest archive has, else None."""
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        return "an absolute path"
    if ".." in name and ".." in name.replace("\\", "/").split("/"):
        return "a path that climbs out of its folder"
    return "a name with control characters" if CONTROL.search(name) else None
