"""Targets that know distance: a photo of Madrid is a little of Barcelona too.

The idea is SW-CLIP's (Han, ..., Wu, arXiv 2604.04357, 2026), by authors of IM2City: soft labels by geodesic distance
instead of one-hot ones. There it softens a contrastive loss; for a probe, the form below is our choice.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g3lib.geo import geodesic_km
from g3lib.im2city.probing.errors import BadTargets, ProbeError


def soft_targets(lat: ArrayLike, lon: ArrayLike, scale_km: float) -> NDArray[np.float32]:
    """(k, k) float32 for labels at lat, lon (k,) degrees: row y is proportional to exp(-km / scale_km), and sums to 1.

    km is WGS 84's geodesic distance from label y. A scale that is small beside the distances gives one-hot targets, a
    large one uniform ones. Raises ProbeError for a scale not above 0, BadTargets for labels without a position.
    """
    if not (np.isfinite(scale_km) and scale_km > 0):
        raise ProbeError(f"scale_km={scale_km}; a distance above 0 is needed")
    lat, lon = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    if lat.ndim != 1 or lat.shape != lon.shape or not np.isfinite([lat, lon]).all():
        raise BadTargets(
            f"latitudes {lat.shape} and longitudes {lon.shape}; both finite and one for each label needed"
        )
    powers = np.exp(-geodesic_km(lat[:, None], lon[:, None], lat, lon) / scale_km)
    shares: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
