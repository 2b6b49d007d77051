"""Feature extraction beside the model alone: photos per second from JPEG bytes, in turns, in one process.

Times depend on the machine, so none of them fails a test.
"""

import io
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from g3lib.features.architectures import Precision
from g3lib.features.encoder import Encoder, load_encoder
from g3lib.features.extraction import Extraction, extract_images
from g3lib.features.preprocessing import preprocessing_of
from g3lib.images import upright

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

MP16 = 4_120_000  # photos
DISTINCT = 128  # photos that are made; longer runs repeat them
BAR = 0.9


def jpeg(numbers: np.random.Generator, width: int = 500, height: int = 375) -> bytes:
    """A picture of soft shapes and fine grain: about as many bytes as a photo of its size."""
    coarse = numbers.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    soft = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    grain = numbers.normal(0, 12, soft.shape)
    buffer = io.BytesIO()
    picture = Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8))
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    numbers = np.random.default_rng(0)
    return [jpeg(numbers) if k % 4 else jpeg(numbers, 375, 500) for k in range(DISTINCT)]


@dataclass(frozen=True)
class Turns:
    """The best of several turns: photos per second, and milliseconds of cores, which others' load hardly changes."""

    bare: float
    whole: Extraction
    bare_cores: float
    whole_cores: float

    @property
    def ratio(self) -> float:
        return self.whole.photos_per_second / self.bare


def in_turns(encoder: Encoder, photos: list[bytes], count: int, batch_size: int, turns: int) -> Turns:
    """The model on tensors that lie on its device, and the whole way, by turns: neither has the quiet minutes."""
    data = [photos[k % len(photos)] for k in range(count)]
    pixels = torch.stack([encoder.preprocess(upright(each)) for each in data[:batch_size]])
    ready = encoder.normalise(pixels.to(encoder.device)).contiguous()
    encoder.encode_images(ready)  # chooses its kernels, or compiles
    bare, whole, cores = list[float](), list[Extraction](), list[tuple[float, float]]()
    for _ in range(turns):
        started, used = time.perf_counter(), time.process_time()
        for at in range(0, count, batch_size):
            encoder.encode_images(ready[: min(batch_size, count - at)])
        bare.append(count / (time.perf_counter() - started))
        between = time.process_time()
        whole.append(extract_images(iter(data), encoder, batch_size))
        cores.append((between - used, time.process_time() - between))
    bare_cores, whole_cores = (min(each) / count * 1e3 for each in zip(*cores, strict=True))
    best = max(whole, key=lambda each: each.photos_per_second)
    return Turns(max(bare), best, bare_cores, whole_cores)


def table(rows: Iterable[tuple[str, ...]]) -> None:
    for name, *cells in rows:
        print(f"{name:<34}" + "".join(f"{cell:>18}" for cell in cells))


def row(name: str, turns: Turns) -> tuple[str, ...]:
    rates = (f"{turns.bare:,.1f}", f"{turns.whole.photos_per_second:,.1f}")
    cores = f"{turns.bare_cores:.1f} / {turns.whole_cores:.1f}"
    return name, *rates, f"{turns.ratio:.3f}", f"{turns.whole.waiting_share:.1%}", cores


HEADER = ("photos per second", "model alone", "from JPEG bytes", "ratio", "waited", "core-ms of both")


def test_extraction_keeps_up_with_the_model(photos: list[bytes]) -> None:
    size = sum(map(len, photos)) / len(photos) / 1e3
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"\n{os.cpu_count()} cores, {torch.get_num_threads()} of torch, {load}; photos of {size:.0f} kB")
    small = in_turns(load_encoder("ViT-B-32", None), photos, count=128, batch_size=32, turns=5)
    large = in_turns(load_encoder("ViT-L-14", None), photos, count=8, batch_size=4, turns=1)
    table([HEADER, row("ViT-B-32, CPU", small), row("ViT-L-14, CPU, 8 photos", large)])
    print(f"bar: the ratio of ViT-B-32 is at least {BAR}; on a CPU both share the same cores")
    assert np.isfinite(small.whole.features).all()


def milliseconds(work: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter() - started) / times)
    return best * 1e3


def test_preprocessing(photos: list[bytes]) -> None:
    preprocess = preprocessing_of(load_encoder("ViT-B-32", None).model)
    wide, tall = upright(photos[1]), upright(photos[0])
    rows = [("ms per photo, one thread", "open_clip's", "ours", "times as fast")]
    for name, image in (("500 x 375 to 224 x 224", wide), ("375 x 500 to 224 x 224", tall)):
        theirs, ours = (
            milliseconds(lambda work=work, image=image: work(image), 40)  # type: ignore[misc]
            for work in (preprocess.transform, preprocess)
        )
        rows.append((name, f"{theirs:.2f}", f"{ours:.2f}", f"{theirs / ours:.2f}"))
    decoding = milliseconds(lambda: upright(photos[1]), 40)
    rows.append(("decoding a JPEG of 500 x 375", "", f"{decoding:.2f}", ""))
    print()
    table(rows)


@pytest.mark.parametrize("compile", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_on_a_gpu(photos: list[bytes], precision: Precision, compile: bool) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here: hours for MP-16 were not measured")
    encoder = load_encoder("ViT-L-14", None, "cuda", precision, compile)
    count = 4096 if precision == "float32" else 16_384
    turns = in_turns(encoder, photos, count, batch_size=256, turns=2)
    print(f"\n{torch.cuda.get_device_name()}, {os.cpu_count()} cores")
    table([HEADER, row(f"ViT-L-14, {precision}{', compiled' if compile else ''}", turns)])
    hours = MP16 / turns.whole.photos_per_second / 3600
    print(f"{MP16:,} photos: {hours:.2f} hours; bar: ratio {BAR}")
