"""One long array in a file: written row by row without knowing how many, read where it lies."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from g3lib.gallery.errors import DamagedIndex

HEADER = 128  # bytes, enough for the shape of any array


class ArrayWriter:
    """A .npy file (rows, width) that grows; the number of rows goes into its header at the end."""

    def __init__(self, path: Path, dtype: DTypeLike):
        self._file = path.open("wb")
        self._file.write(bytes(HEADER))
        self._dtype = np.dtype(dtype)
        self.rows, self.width = 0, 0

    def write(self, rows: NDArray[Any]) -> None:
        """Append (n, width) values."""
        self.rows, self.width = self.rows + len(rows), rows.shape[1]
        np.ascontiguousarray(rows, dtype=self._dtype).tofile(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.seek(0)
        self._file.write(self._header())
        self._file.close()

    def _header(self) -> bytes:
        """Format 1.0 of numpy's NEP 1, padded to the place kept for it."""
        facts = {"descr": self._dtype.str, "fortran_order": False, "shape": (self.rows, self.width)}
        text = repr(facts).encode().ljust(HEADER - 11) + b"\n"
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def mapped(path: Path, shape: tuple[int, int], dtype: DTypeLike) -> NDArray[Any]:
    """The array where it lies on the disk; DamagedIndex if it is another than the card says."""
    try:
        array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError) as problem:
        raise DamagedIndex(f"{path} cannot be read: {problem}; build the index again") from problem
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise DamagedIndex(
            f"{path} holds {array.dtype} of shape {array.shape}, its card says {np.dtype(dtype)} of {shape}; "
            "build the index again"
        )
    return np.asarray(array)  # a view without memmap's slow indexing
