"""Features are row for row those of the photos and captions, whatever the batches."""

import io
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from g3lib.features import extraction
from g3lib.features.encoder import Encoder
from g3lib.features.extraction import (
    BATCHES_AHEAD,
    NotFinite,
    extract_images,
    image_features,
    text_features,
)
from g3lib.images.photo import BadPhoto


class Tower:
    """A model whose features are plain to see: of a photo its grey value, of a caption its length."""

    def __init__(self, scale: float = 1.0):
        self.scale, self.batches = scale, list[int]()

    def encode_image(self, batch: Tensor) -> Tensor:
        self.batches.append(len(batch))
        return self.scale * torch.stack([batch.mean(dim=(1, 2, 3)), -batch.mean(dim=(1, 2, 3))], dim=1)

    def encode_text(self, tokens: Tensor) -> Tensor:
        self.batches.append(len(tokens))
        return self.scale * torch.stack([tokens, 2 * tokens], dim=1).float()


def encoder_of(tower: Tower) -> Encoder:
    def preprocess(image: Image.Image) -> Tensor:
        assert image.mode == "RGB"
        return torch.from_numpy(np.asarray(image, dtype=np.float32).copy()).permute(2, 0, 1)

    return Encoder("toy", tower, preprocess, lambda texts: torch.tensor([len(t) for t in texts]), dimension=2)


def png(grey: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (4, 4), grey).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("count", [1, 4, 5, 8, 23])
def test_order_is_kept_across_batches(count: int) -> None:
    tower, greys = Tower(), [(37 * i) % 256 for i in range(count)]
    features = image_features((png(grey) for grey in greys), encoder_of(tower), batch_size=4)
    assert features.dtype == np.float16
    assert features.tolist() == [[grey, -grey] for grey in greys]
    assert tower.batches == [4] * (count // 4) + ([count % 4] if count % 4 else [])


@pytest.mark.parametrize("count", [1, 4, 5])
def test_captions_keep_their_order_too(count: int) -> None:
    tower, captions = Tower(), ["x" * (count - i) for i in range(count)]
    features = text_features(captions, encoder_of(tower), batch_size=4)
    assert features.tolist() == [[len(each), 2 * len(each)] for each in captions]
    assert tower.batches == [4] * (count // 4) + ([count % 4] if count % 4 else [])


def test_nothing_gives_no_rows_of_the_right_width() -> None:
    for features in (image_features([], encoder_of(Tower()), 4), text_features([], encoder_of(Tower()), 4)):
        assert features.shape == (0, 2) and features.dtype == np.float16


def test_photos_are_read_only_a_little_ahead_of_the_tower() -> None:
    """Memory stays bounded however large the shard."""
    read, ahead = 0, list[int]()

    def photos() -> Iterator[bytes]:
        nonlocal read
        for grey in range(40):
            read += 1
            yield png(grey)

    class Watching(Tower):
        def encode_image(self, batch: Tensor) -> Tensor:
            ahead.append(read - sum(self.batches))
            return super().encode_image(batch)

    image_features(photos(), encoder_of(Watching()), batch_size=4)
    assert max(ahead) <= 4 * (BATCHES_AHEAD + 1)


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), 1e5])
def test_what_float16_cannot_hold_is_refused(scale: float) -> None:
    with pytest.raises(NotFinite, match="1 of 3 photo features are not finite in float16, first row 2"):
        tower = Tower()
        photos = [png(0), png(0), png(200)]
        original = tower.encode_image
        tower.encode_image = lambda batch: torch.where(  # type: ignore[method-assign]
            batch.mean(dim=(1, 2, 3))[:, None] > 100, original(batch) * scale, original(batch)
        )
        image_features(photos, encoder_of(tower), 2)
    with pytest.raises(NotFinite, match="caption features"):
        text_features(["some caption"], encoder_of(Tower(scale)), 2)


def test_a_photo_that_does_not_decode_is_an_error_of_its_own() -> None:
    with pytest.raises(BadPhoto, match="begins with b'no photo'"):
        image_features([png(1), b"no photo"], encoder_of(Tower()), 4)


def test_an_error_stops_every_thread_and_reads_no_further() -> None:
    read, before = 0, threading.active_count()

    def photos() -> Iterator[bytes]:
        nonlocal read
        for number in range(10_000):
            read += 1
            yield b"no photo" if number == 9 else png(1)

    with pytest.raises(BadPhoto):
        extract_images(photos(), encoder_of(Tower()), 4)
    assert read <= 4 * (BATCHES_AHEAD + 3)
    assert threading.active_count() == before


def test_a_failing_source_is_an_error_of_its_own() -> None:
    def photos() -> Iterator[bytes]:
        yield png(1)
        raise OSError("the tar is gone")

    with pytest.raises(OSError, match="the tar is gone"):
        extract_images(photos(), encoder_of(Tower()), 4)


def test_waiting_is_told_from_working(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "REPORT_SECONDS", 0.0)
    said = list[str]()

    class Slow(Tower):
        def encode_image(self, batch: Tensor) -> Tensor:
            time.sleep(0.05)
            return super().encode_image(batch)

    busy = extract_images([png(1)] * 20, encoder_of(Slow()), 4, 20, said.append)
    assert busy.waiting_share < 0.5 and 0 < busy.photos_per_second < 20 / 0.25
    assert said[0].startswith("0 of 20 photos, 0.0 per second, the model waited")
    assert said[-1].startswith("20 of 20 photos")

    def slowly() -> Iterator[bytes]:
        for _ in range(20):
            time.sleep(0.01)
            yield png(1)

    assert extract_images(slowly(), encoder_of(Tower()), 4).waiting_share > 0.8


def test_photos_travel_as_bytes_and_are_normalised_by_the_encoder() -> None:
    def as_bytes(image: Image.Image) -> Tensor:
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)

    class Watching(Tower):
        def encode_image(self, batch: Tensor) -> Tensor:
            assert batch.dtype == torch.float32 and batch.is_contiguous()
            return super().encode_image(batch)

    plain = encoder_of(Watching())
    encoder = replace(plain, preprocess=as_bytes, normalise=lambda pixels: pixels.float() / 2)
    features = image_features([png(grey) for grey in (4, 200, 10)], encoder, 2)
    assert features[:, 0].tolist() == [2, 100, 5]
