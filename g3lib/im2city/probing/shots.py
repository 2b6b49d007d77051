"""The few photos of each label that a few-shot probe is fitted to.

The authors' folders hold 1, 2, 4, 8 and 16 shots per city (author code); how they were drawn is not known. Ours are
nested, so that a curve over shots shows more photos and not other photos.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from g3lib.im2city.probing.errors import EmptyClass, NotEnoughShots, ProbeError
from g3lib.im2city.probing.problem import counted


def draw_shots(
    targets: NDArray[np.int64], classes: int, shots: int, seed: int, names: Sequence[str] | None = None
) -> NDArray[np.int64]:
    """Row numbers (classes x shots,) int64, without replacement: the shots of class 0 first, in the order drawn.

    Targets (n,) are in 0 ... classes - 1, or -1 for none of them. Fewer shots of the same seed are the first of each
    class's, and a class's own hang on its rows, their order and the seed, not on other classes.
    Raises EmptyClass and NotEnoughShots with the `names` of labels, BadTargets, and ProbeError for fewer than 1 shot.
    """
    if shots < 1:
        raise ProbeError(f"shots={shots}; at least 1 is needed")
    counts = counted(targets, classes, names, least=-1)
    empty = np.flatnonzero(counts == 0).tolist()
    if empty:
        raise EmptyClass(empty, names)
    few = np.flatnonzero(counts < shots).tolist()
    if few:
        raise NotEnoughShots(shots, {label: int(counts[label]) for label in few}, names)
    order = np.argsort(targets, kind="stable")[-int(counts.sum()) :]
    of_class = np.split(order, np.cumsum(counts)[:-1])
    orders = (np.random.default_rng([seed, label]).permutation(counts[label]) for label in range(classes))
    return np.concatenate([rows[each[:shots]] for rows, each in zip(of_class, orders, strict=True)])
