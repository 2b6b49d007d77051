"""Place Pulse 2.0's two sides: a fixed split of its places by where they are, so that whoever repeats it has the same.

IM2City's own split is not known but for its size, some 22,000 of 110,988 images for testing. A random one would set
test images beside training images of the same street; here all places of a cell of the Earth are on one side.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.experiments.datasets import PlacePulseSource
from g3lib.geo.cells import cell_numbers, drawn_cells
from g3lib.images.metadata.findings import Finding, as_table
from g3lib.images.metadata.table import BadMetadata, Metadata


def one_side(found: Metadata, settings: PlacePulseSource) -> Metadata:
    """The rows of the side that `settings.split` names; a row without a position is of `train`.

    A row's side is a function of its position and the settings alone: other rows, their order and number do not matter.
    Raises BadMetadata if no row is left.
    """
    if settings.split == "all":
        return found
    tests = _is_test(found.table, settings)
    other = tests if settings.split == "train" else ~tests
    if other.all():
        raise BadMetadata(
            f"none of {other.size} places is on the side {settings.split} with test_share {settings.test_share:g} and "
            f"cells of {settings.split_km:g} km; are the votes whole? Else lower split_km"
        )
    side = "test" if settings.split == "train" else "train"
    count = int(np.count_nonzero(other))
    detail = (
        f"places of the side {side}, {count / other.size:.2%} of all: cells of {settings.split_km:g} km draw their "
        f"side, {settings.test_share:.0%} of them test, with seed {settings.split_seed}"
    )
    first = str(found.table["photo_id"][int(other.argmax())] or "")
    findings = [Finding("other_side", "left out", count, detail, first)] if count else []
    reasons = pl.select(pl.when(pl.Series(other)).then(pl.lit(f"of the side {side}"))).to_series()
    return found.without(reasons, as_table(findings))


def _is_test(table: pl.DataFrame, settings: PlacePulseSource) -> NDArray[np.bool_]:
    placed = table.select(pl.all_horizontal(pl.col("lat", "lon").is_not_null())).to_series().to_numpy()
    known = table.filter(placed)
    cells = cell_numbers(known["lat"], known["lon"], settings.split_km)
    tests = np.zeros(table.height, bool)
    tests[placed] = drawn_cells(cells, settings.test_share, settings.split_seed)
    return tests
