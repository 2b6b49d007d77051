"""The model is the official one: its size, its projection, and its numbers for the same weights."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Transformer
from torch import Tensor

from g3lib.alignment.location_encoder import (
    MERCATOR_LATITUDE,
    LocationEncoder,
    RandomFourierFeatures,
    mercator,
)
from g3lib.alignment.model import GeoAlignment, load_alignment, save_alignment
from g3lib.alignment.training import losses
from g3lib.experiments.alignment import AlignmentSettings

GOLDEN = Path(__file__).parent / "golden" / "official_g3_seed0.npz"
WIDTH = 768
SMALL = AlignmentSettings(rff_frequencies=4, hidden=8, location=8)


def test_it_has_the_papers_number_of_parameters() -> None:
    model = GeoAlignment(WIDTH, AlignmentSettings())
    assert model.trainable_parameters() == 13_648_131  # table 6
    fixed = [name for name, each in model.named_parameters() if not each.requires_grad]
    assert fixed == [f"location_encoder.LocEnc{i}.capsule.0.b" for i in range(3)]


# --- Mercator


def test_mercator_is_epsg_3857_on_a_square_of_two_latitude_first() -> None:
    generator = np.random.default_rng(0)
    lat, lon = generator.uniform(-85, 85, 500), generator.uniform(-180, 180, 500)
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True).transform(lon, lat)
    expected = np.stack([y, x], axis=-1) / 20037508.3427892
    found = mercator(torch.from_numpy(np.stack([lat, lon], axis=-1)))
    assert found.dtype == torch.float32
    assert found.numpy() == pytest.approx(expected, abs=1e-6)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_mercator_stays_in_the_square(lat: float, lon: float) -> None:
    y, x = mercator(torch.tensor([[lat, lon]], dtype=torch.float64))[0].tolist()
    assert abs(y) <= 1 and abs(x) <= 1
    assert math.copysign(1, y) == math.copysign(1, lat) or abs(y) < 1e-6


def test_mercator_ends_where_the_square_does() -> None:
    places = torch.tensor([[90.0, 0], [-90, 0], [MERCATOR_LATITUDE, 180], [0, -180]], dtype=torch.float64)
    expected = [[1, 0], [-1, 0], [1, 1], [0, -1]]
    assert mercator(places).numpy() == pytest.approx(np.array(expected), abs=1e-7)


def test_the_projection_is_computed_in_double() -> None:
    """At sigma = 256 the float32 error of a projection in float32 would show in the features."""
    place = torch.tensor([[35.6762, 139.6503]], dtype=torch.float64)
    exact = math.asinh(math.tan(math.radians(35.6762))) / math.pi
    assert abs(float(mercator(place)[0, 0]) - exact) <= np.finfo(np.float32).eps / 4


# --- the GPS encoder


def test_fourier_features_are_cosines_then_sines() -> None:
    layer = RandomFourierFeatures(2.0, 5, torch.Generator().manual_seed(0))
    points = torch.tensor([[0.25, -0.5], [0.0, 0.0]])
    angles = 2 * np.pi * points.double().numpy() @ layer.b.double().numpy().T
    expected = np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)
    assert layer(points).numpy() == pytest.approx(expected, abs=1e-5)


def test_frequencies_have_the_deviation_sigma() -> None:
    layer = RandomFourierFeatures(16.0, 20_000, torch.Generator().manual_seed(0))
    assert layer.b.std().item() == pytest.approx(16.0, rel=0.02)
    assert abs(layer.b.mean().item()) < 0.3 and not layer.b.requires_grad


def test_the_encoder_is_the_sum_of_its_scales() -> None:
    encoder = LocationEncoder((1.0, 16.0), 4, 8, 6)
    places = torch.tensor([[48.0, 2.0], [-33.0, 151.0]])
    scales = [encoder.get_submodule(f"LocEnc{i}")(mercator(places)) for i in range(2)]
    torch.testing.assert_close(encoder(places), scales[0] + scales[1])


# --- vectors


def test_galleries_differ_in_the_parts_they_join() -> None:
    model, features = GeoAlignment(6, SMALL), torch.randn(3, 6)
    plain = torch.nn.functional.normalize(features, dim=-1)
    text, gps = model.image_text(features), model.image_gps(features)
    with torch.inference_mode():
        torch.testing.assert_close(model.gallery_vectors(features, "image"), plain)
        with_gps = model.gallery_vectors(features, "image-gps")
        torch.testing.assert_close(with_gps, torch.cat([plain, gps], dim=-1))
        everything = model.gallery_vectors(features, "image-gps-text")
        torch.testing.assert_close(everything, torch.cat([plain, text, gps], dim=-1))
    torch.testing.assert_close(everything.norm(dim=-1), torch.full((3,), math.sqrt(3)))


# --- checkpoints


def test_a_saved_model_comes_back(tmp_path: Path) -> None:
    model, path = GeoAlignment(6, SMALL), tmp_path / "alignment.safetensors"
    save_alignment(model, path)
    loaded = load_alignment(path, 6, SMALL)
    assert all(torch.equal(model.state_dict()[name], each) for name, each in loaded.state_dict().items())
    assert not loaded.training and loaded.trainable_parameters() == 0


def test_a_checkpoint_that_does_not_fit_or_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "alignment.safetensors"
    save_alignment(GeoAlignment(6, SMALL), path)
    with pytest.raises(ValueError, match=rf"{path}: not a Geo-alignment checkpoint of width 7"):
        load_alignment(path, 7, SMALL)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="train it again"):
        load_alignment(path, 6, SMALL)


# --- the official numbers


@pytest.fixture(scope="module")
def golden() -> dict[str, NDArray[np.float64]]:
    with np.load(GOLDEN) as file:
        return dict(file)


def drawn(tensors: NDArray[np.str_]) -> dict[str, Tensor]:
    """The official state dict, as golden/README.md tells to draw it; sums checked."""
    generator, state = torch.Generator().manual_seed(0), {}
    for line in tensors:
        name, _, rest = str(line).partition(" ")
        shape, _, total = rest.rpartition(" ")
        r = torch.randn([int(n) for n in shape.strip("(),").split(",") if n.strip()], generator=generator)
        if name.endswith("capsule.0.b"):
            value = r * 2.0 ** (4 * int(name.split("LocEnc")[1][0]))
        elif "norm" in name and name.endswith("weight"):
            value = 1 + 0.05 * r
        else:
            value = torch.full_like(r, 3.99) if name.startswith("logit_scale") else 0.05 * r
        assert value.double().sum().item() == pytest.approx(float(total), abs=2e-3), name
        state[name] = value
    return state


@pytest.fixture
def official(golden: dict[str, NDArray[np.float64]]) -> GeoAlignment:
    state = drawn(golden["tensors"])
    assert len(state) == 123 and sum(each.numel() for each in state.values()) == 14_056_003
    ours = GeoAlignment(WIDTH, AlignmentSettings())
    clip = ("text_model.", "vision_model.", "text_projection.", "vision_projection.")
    ours.load_state_dict({name: each for name, each in state.items() if not name.startswith(clip)})
    return ours


@pytest.fixture
def inputs(golden: dict[str, NDArray[np.float64]]) -> tuple[Tensor, Tensor, Tensor]:
    """Image and text features, and coordinates as the official code rounded them."""
    coordinates = torch.from_numpy(golden["coordinates"]).float()
    return torch.from_numpy(golden["image_features"]), torch.from_numpy(golden["text_features"]), coordinates


def test_official_outputs(
    official: GeoAlignment, inputs: tuple[Tensor, Tensor, Tensor], golden: dict[str, NDArray[np.float64]]
) -> None:
    image, text, coordinates = inputs
    with torch.inference_mode():
        vectors = {
            "image_text": official.image_text(image),
            "image_gps": official.image_gps(image),
            "text": official.text(text),
            "gallery": official.gallery_vectors(image, "image-gps-text"),
        }
        location = official.location_encoder(coordinates)
        gps = official.gps(coordinates)
        logits_text = official.logit_scale1.exp() * vectors["text"] @ vectors["image_text"].T
        logits_gps = official.logit_scale2.exp() * gps @ vectors["image_gps"].T
        loss = sum(losses(official, image, text, coordinates))
    for name, found in vectors.items():
        assert found.numpy() == pytest.approx(golden[name], abs=1e-5), name
    assert gps.numpy() == pytest.approx(golden["gps"], abs=1e-4)
    assert location.numpy() == pytest.approx(golden["location"], abs=1e-4)
    similarity = vectors["image_gps"] @ gps.T
    assert similarity.numpy() == pytest.approx(golden["similarity"], abs=1e-4)
    assert logits_text.numpy() == pytest.approx(golden["logits_text_image"], abs=54 * 1e-5)  # times exp(3.99)
    assert logits_gps.numpy() == pytest.approx(golden["logits_gps_image"], abs=54 * 1e-4)
    assert float(loss) == pytest.approx(float(golden["loss"]), abs=1e-3)


def test_official_losses_over_five_steps(
    official: GeoAlignment, inputs: tuple[Tensor, Tensor, Tensor], golden: dict[str, NDArray[np.float64]]
) -> None:
    """CLIP is frozen, so the heads alone give the official course of the loss."""
    trainable = [each for each in official.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=3e-5, weight_decay=1e-6)
    found = []
    for _ in range(5):
        loss = torch.stack(losses(official, *inputs)).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        found.append(loss.item())
    assert found == pytest.approx(golden["loss_over_five_steps"].tolist(), abs=1e-3)
