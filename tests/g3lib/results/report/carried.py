"""Reading a finished report as its scripts do: the blocks it carries, and the elements of its page."""

import base64
import gzip
import json
import math
import re
import struct
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from g3lib.results.report.packing import LEAST_KM, LOG_STEP, NO_DISTANCE

_DATA = re.compile(r'<script type="text/plain" id="data-([\w-]+)">([^<]*)</script>')
_ABOUT = re.compile(r'<script type="application/json" id="about">(.*?)</script>', re.DOTALL)


def unpacked(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and columns of a block, written down a second time from the description in packing.py."""
    data = gzip.decompress(base64.b64decode(text))
    (size,) = struct.unpack("<I", data[:4])
    header, rest = json.loads(data[4 : 4 + size]), data[4 + size :]
    return header, {each["name"]: _numbers(rest, each) for each in header["columns"]}


def _numbers(data: bytes, column: dict[str, Any]) -> Any:
    kind = np.dtype(column["type"]).newbyteorder("<")
    size = column["length"] * kind.itemsize
    planes = np.frombuffer(data[column["offset"] : column["offset"] + size], np.uint8)
    values = planes.reshape(kind.itemsize, -1).T.copy().view(kind).ravel() if size else np.empty(0, kind)
    if column.get("distance"):
        return np.array([_km(int(code)) for code in values])
    if "per" not in column and "empty" not in column:
        return values
    numbers = values / column.get("per", 1)
    return np.where(values == column["empty"], np.nan, numbers) if "empty" in column else numbers


def _km(code: int) -> float:
    if code == NO_DISTANCE:
        return math.nan
    return 0.0 if code == 0 else LEAST_KM * math.exp((code - 1) * LOG_STEP)


class Carried:
    """What a report's file holds."""

    def __init__(self, path: Path) -> None:
        self.html = path.read_text(encoding="utf-8")
        self.texts = dict(_DATA.findall(self.html))
        found = _ABOUT.search(self.html)
        assert found is not None
        self.about: dict[str, Any] = json.loads(found.group(1))

    def block(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        return unpacked(self.texts[name])

    def number(self, experiment: str) -> int:
        return [each["name"] for each in self.about["experiments"]].index(experiment)


class Elements(HTMLParser):
    """Start tags with their attributes, and the text within each kind of element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.stack:
            while self.stack.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.stack:
            self.texts.setdefault(self.stack[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]
