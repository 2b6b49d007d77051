"""At which rank each photo's true label comes, under many sets of label vectors at once: one matrix product per block.

A rank is counted, not sorted for: it is the number of labels before the true one.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.im2city.model import Matrix

ROWS = 8_192  # photos at once: enough for the product, little enough for memory


def ranks_of_truth(
    features: NDArray[np.floating], rows: Matrix, truth: NDArray[np.integer], photos: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(m, t) ranks, from 0, of the true labels of those photos (m,) among the k labels of each of t sets (t, k, d).

    Before a label come those with a greater product, and those with an equal one and a lower number: as a stable sort
    has it. features (n, d) are float16 or float32, truth (n,) rows of labels; products are float32. ValueError names
    the first of the photos whose features are not finite.
    """
    count, labels, width = rows.shape
    vectors = torch.from_numpy(rows.reshape(count * labels, width)).T.contiguous()
    found = np.empty((len(photos), count), np.int64)
    buffers = [
        torch.empty(min(ROWS, len(photos)), columns) for columns in (width, count * labels, count * labels)
    ]
    for start in range(0, len(photos), ROWS):
        chosen = photos[start : start + ROWS]
        block, scores, marks = (buffer[: len(chosen)] for buffer in buffers)
        block.copy_(torch.from_numpy(features[chosen]))
        torch.mm(block, vectors, out=scores)
        right = torch.from_numpy(truth[chosen].astype(np.int64))
        ranks, finite = _ranks(scores.view(-1, count, labels), right, marks.view(-1, count, labels))
        if not finite.all():
            photo = int(chosen[int((~finite).nonzero()[0])])
            raise ValueError(f"the features of photo {photo} are not finite; compute them again")
        found[start : start + ROWS] = ranks.numpy()
    return found


def _ranks(scores: Tensor, right: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
    """(m, t) ranks of the labels `right` (m,) by scores (m, t, k), and whether a photo's own scores are finite (m,).

    `marks` is scratch of the scores' shape: comparisons are written as 0 and 1, whose sums are fast in float32.
    """
    own = scores.gather(2, right[:, None, None].expand(-1, scores.shape[1], 1))
    ranks = torch.gt(scores, own, out=marks).sum(dim=2).long()
    equal = torch.ge(scores, own, out=marks).sum(dim=2).long() - ranks  # itself, and who ties with it
    photos, sets = (equal > 1).nonzero(as_tuple=True)
    tied = scores[photos, sets] == own[photos, sets]
    before = torch.arange(scores.shape[2]) < right[photos, None]
    ranks[photos, sets] += (tied & before).sum(dim=1)
    return ranks, own.isfinite().flatten(1).all(dim=1)
