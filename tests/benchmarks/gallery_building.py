"""Builds one index in a process of its own, so that its memory can be told; prints what was measured as JSON.

    python gallery_building.py KIND ROWS FOLDER [EXACT]

The vectors are drawn, or read from the folder of an exact index of them.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from drawn_features import BLOCK, Drawing

from g3lib.experiments.indexing import IndexSettings
from g3lib.gallery import Vectors, build
from g3lib.gallery.arrays import HEADER

STAMP = {"encoder": "drawn"}


def stored(path: Path, rows: int, width: int) -> Iterator[Vectors]:
    """Blocks read, not mapped: pages of a mapped file would count as this process's memory."""
    with path.open("rb") as file:
        file.seek(HEADER)
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            yield np.fromfile(file, np.float32, count * width).reshape(count, width)


def main(kind: str, rows: int, folder: Path, exact: Path | None) -> None:
    def blocks() -> Iterator[Vectors]:
        if exact is None:
            return Drawing().blocks(rows)
        return stored(exact / "vectors.npy", rows, 2304)

    report = build(blocks, folder, IndexSettings(kind=kind), STAMP)
    measured = {"queries_per_second": report.queries_per_second, "seconds": report.seconds, "peak": peak()}
    card = report.card
    print(json.dumps(asdict(card) | {"bytes_per_photo": card.bytes_per_photo} | measured))


def peak() -> int:
    """The most bytes that this process had in memory, pages of mapped files among them.

    The kernel's own count: that of getrusage begins with what the parent process had.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]) if sys.argv[4:] else None)
