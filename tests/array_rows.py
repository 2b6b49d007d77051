"""Features of an array in memory, where a real training has shards on disk."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass
class ArrayRows:
    """An (n, width) array as g3lib.alignment.data.FeatureRows."""

    array: NDArray[np.float16]
    stamp: str

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return int(self.array.shape[1])

    def __len__(self) -> int:
        return len(self.array)

    def rows(self, indices: NDArray[np.int64]) -> NDArray[np.float16]:
        """The rows of these numbers, in this order."""
        return self.array[indices]
