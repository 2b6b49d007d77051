"""Mercator on the device in one go, beside the released code's way: pyproj for every point, through the CPU.

The released way is written from its description, a loop over samples with a trip to the CPU, in two forms: over the
tensor's rows, each sent to the CPU by itself; and kindly, the batch going there once and the loop seeing plain floats.
Times depend on the machine, so none of them fails a test; that all ways give the same does.
"""

import os
import time
from collections.abc import Callable

import pytest
import torch
from pyproj import Transformer
from torch import Tensor

from g3lib.alignment.location_encoder import LocationEncoder
from g3lib.alignment.projections import Projection
from g3lib.experiments.alignment import AlignmentSettings

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

BATCHES = (256, 4096, 100_000)
ENCODED = (256, 4096)  # the MLPs alone are 19 million multiplications a point
RATIO = 20.0
HALF_EQUATOR = 20037508.3427892
DEVICES = ("cpu", "cuda")
TO_MERCATOR = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)


def by_rows(coordinates: Tensor) -> Tensor:
    """(n, 2) degrees on a device to (y, x) there: sample by sample to the CPU, and back."""
    points = []
    for place in coordinates:
        lat, lon = place.cpu().numpy()
        x, y = TO_MERCATOR.transform(lon, lat)
        points.append((y / HALF_EQUATOR, x / HALF_EQUATOR))
    return torch.tensor(points, dtype=torch.float32).to(coordinates.device)


def official_projection(coordinates: Tensor) -> Tensor:
    """(n, 2) degrees on a device to (y, x) there: to the CPU, point by point, and back."""
    points = []
    for lat, lon in coordinates.cpu().tolist():
        x, y = TO_MERCATOR.transform(lon, lat)
        points.append((y / HALF_EQUATOR, x / HALF_EQUATOR))
    return torch.tensor(points, dtype=torch.float32).to(coordinates.device)


def places(count: int, device: str) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    spread = torch.tensor([170.0, 360.0], dtype=torch.float64)
    return ((torch.rand((count, 2), generator=generator, dtype=torch.float64) - 0.5) * spread).to(device)


def seconds(work: Callable[[], Tensor]) -> float:
    """The fastest of several, in at least a tenth of a second if they are short."""
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.1 and len(times) < 200):
        started = time.perf_counter()
        if work().is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times)


def with_projection(
    encoder: LocationEncoder, projection: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """The encoder's capsules after another projection."""

    def encode(coordinates: Tensor) -> Tensor:
        projected = projection(coordinates)
        capsules = [encoder.get_submodule(f"LocEnc{number}") for number in range(encoder.scales)]
        total: Tensor = sum(capsule(projected) for capsule in capsules)  # type: ignore[assignment]
        return total

    return encode


def show(what: str, count: int, ours: float, official: float, remark: str = "") -> None:
    """A line of the table, of seconds."""
    times = f"{ours * 1e3:>10.3f} {official * 1e3:>10.3f} {official / ours:>7.2f}x"
    print(f"{what:<22} {count:>8,} {times} {remark}".rstrip())


@pytest.mark.parametrize("device", DEVICES)
def test_gps_encoding(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        print("\nno CUDA device here: only the CPU is measured")
        pytest.skip("no CUDA device")
    ours = Projection()
    encoder = LocationEncoder(AlignmentSettings()).to(device).eval()
    official = with_projection(encoder, official_projection)
    name = torch.cuda.get_device_name() if device == "cuda" else f"{os.cpu_count()} cores"
    print(f"\n{device} ({name}), {torch.get_num_threads()} threads, milliseconds, fastest of several")
    print(f"{'':<22} {'points':>8} {'ours':>10} {'official':>10} {'ratio':>8}")
    with torch.inference_mode():
        for count in BATCHES:
            batch = places(count, device)
            assert ours(batch).device == batch.device
            torch.testing.assert_close(ours(batch), official_projection(batch), atol=1e-6, rtol=0)
            one = seconds(lambda b=batch: ours(b))
            for form, way in (("by rows", by_rows), ("kindly", official_projection)):
                other = seconds(lambda b=batch, way=way: way(b))
                verdict = "met" if other >= RATIO * one else "missed"
                show(f"projection, {form}", count, one, other, f"bar {RATIO:.0f}x: {verdict}")
        for count in ENCODED:
            batch = places(count, device)
            # a coordinate's last bit shows at sigma = 256
            torch.testing.assert_close(encoder(batch), official(batch), atol=1e-4, rtol=0)
            one, other = seconds(lambda b=batch: encoder(b)), seconds(lambda b=batch: official(b))
            show("whole encoder", count, one, other)
