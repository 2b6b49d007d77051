"""A finished home with experiments of few profiles besides: other projections and captions, GEM, references of others.

One run makes them all; the files that look at one kind each share it.
"""

from pathlib import Path

import numpy as np
import polars as pl
from tiny import BENCHMARK, QUERIES, TinyHome

VARIANTS = ("nn-g3-equal-earth", "g3-n", "g3-official-references")
GEMS = ("gem-zero-shot-measured", "streetclip-two-stage", "gem-probe-2-shot", "gem-probe@other")
OFFICIAL = 50  # photos of the official gallery
SETTINGS = {
    "G3_EXPERIMENTS": f"[nn-clip, {', '.join((*VARIANTS, *GEMS))}]",
    "G3_GALLERY_POLICIES": "[open]",
    "G3_IM2CITY__COUNT": "5",
    "G3_IM2CITY__RADIUS_KM": "2500",
    "G3_IM2CITY__APART_KM": "3000",
    "G3_IM2CITY__LEAST_PHOTOS": "5",
    "G3_IM2CITY__TRAINING": "{street-view: blue-marble}",
    "G3_IM2CITY__PERMUTATIONS": "99",
    "G3_IM2CITY__BACKBONES": "{other: {architecture: timm/test_resnet, pretrained: random, image_size: 32}}",
}


def enriched(finished: TinyHome, root: Path) -> TinyHome:
    """A copy in which these experiments have run too; stands for G3's authors' arrays lie in incoming."""
    copy = finished.copy_to(root, **SETTINGS)
    _put_official_references(copy.root / "incoming")
    done = copy.g3("run", "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


def _put_official_references(incoming: Path) -> None:
    incoming.mkdir(exist_ok=True)
    draws = np.random.default_rng(0)
    for ending in ("", "_reverse"):
        rows = np.stack([draws.permutation(OFFICIAL)[:20] for _ in range(QUERIES)])
        np.save(incoming / f"I_g3_{BENCHMARK}{ending}.npy", rows)
    numbers = range(OFFICIAL)
    columns = {"IMG_ID": [f"{n:02x}/a/{n}.jpg" for n in numbers], "AUTHOR": [f"a{n}" for n in numbers]}
    places = {"LAT": [n - 25.0 for n in numbers], "LON": [2.0 * n for n in numbers]}
    pl.DataFrame(columns | places).write_csv(incoming / "MP16_Pro_filtered.csv")
