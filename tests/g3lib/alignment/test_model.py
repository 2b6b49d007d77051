"""The model is the official one: its size and its numbers for the same weights; and it comes back from its file."""

import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from g3lib.alignment.location_encoder import LocationEncoder, RandomFourierFeatures
from g3lib.alignment.model import (
    DamagedAlignment,
    GeoAlignment,
    OtherArchitecture,
    load_alignment,
    save_alignment,
)
from g3lib.alignment.projections import Projection
from g3lib.experiments.alignment import HEADS, AlignmentSettings
from g3lib.experiments.experiment import ALIGNMENTS, Gallery
from tests.g3lib.golden import drawn, five_steps, load_golden, loss_of

WIDTH = 768
SMALL = AlignmentSettings(rff_frequencies=4, hidden=8, location=8)


def changed(**settings: Any) -> AlignmentSettings:
    return SMALL.model_copy(update=settings)


def test_it_has_the_papers_number_of_parameters() -> None:
    model = GeoAlignment(WIDTH, AlignmentSettings())
    assert model.trainable_parameters() == 13_648_131  # table 6
    fixed = [name for name, each in model.named_parameters() if not each.requires_grad]
    assert fixed == [f"location_encoder.LocEnc{i}.capsule.0.b" for i in range(3)]


# --- the GPS encoder


def test_fourier_features_are_cosines_then_sines() -> None:
    layer = RandomFourierFeatures(2.0, 5, 2, torch.Generator().manual_seed(0))
    points = torch.tensor([[0.25, -0.5], [0.0, 0.0]])
    angles = 2 * np.pi * points.double().numpy() @ layer.b.double().numpy().T
    expected = np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)
    assert layer(points).numpy() == pytest.approx(expected, abs=1e-5)


def test_frequencies_have_the_deviation_sigma() -> None:
    layer = RandomFourierFeatures(16.0, 20_000, 3, torch.Generator().manual_seed(0))
    assert layer.b.std().item() == pytest.approx(16.0, rel=0.02)
    assert abs(layer.b.mean().item()) < 0.3 and not layer.b.requires_grad


def test_the_encoder_is_the_sum_of_its_scales() -> None:
    encoder = LocationEncoder(changed(sigmas=(1.0, 16.0)))
    places = torch.tensor([[48.0, 2.0], [-33.0, 151.0]])
    scales = [encoder.get_submodule(f"LocEnc{i}")(Projection()(places)) for i in range(2)]
    torch.testing.assert_close(encoder(places), scales[0] + scales[1])


@pytest.mark.parametrize("projection", ["mercator", "equal-earth", "unit-sphere"])
def test_the_encoder_sees_the_projection_of_its_settings(projection: str) -> None:
    encoder = LocationEncoder(changed(projection=projection, axis_order="xy", sigmas=(1.0,)))
    wanted = Projection(projection, "xy")  # type: ignore[arg-type]
    assert encoder.projection == wanted
    capsule = encoder.get_submodule("LocEnc0")
    assert capsule.state_dict()["capsule.0.b"].shape == (4, wanted.inputs)
    places = torch.tensor([[48.0, 2.0], [-33.0, 151.0]], dtype=torch.float64)
    torch.testing.assert_close(encoder(places), capsule(wanted(places)))


@pytest.mark.parametrize("clamp", [True, False])
def test_the_poles_have_finite_vectors(clamp: bool) -> None:
    model = GeoAlignment(6, changed(mercator_clamp=clamp, sigmas=(1.0, 256.0)))
    places = torch.tensor([[90.0, 0.0], [-90.0, 179.0], [89.9999, -180.0]], dtype=torch.float64)
    with torch.inference_mode():
        torch.testing.assert_close(model.gps(places).norm(dim=-1), torch.ones(3))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_coordinates_may_lie_on_either_side() -> None:
    model = GeoAlignment(WIDTH, AlignmentSettings()).eval()
    places = torch.tensor([[48.0, 2.0], [-33.0, 151.0]], dtype=torch.float64)
    with torch.inference_mode():
        expected = model.gps(places)
        model.cuda()
        torch.testing.assert_close(model.gps(places.cuda()).cpu(), expected, atol=1e-3, rtol=0)
        torch.testing.assert_close(model.gps(places).cpu(), expected, atol=1e-3, rtol=0)


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


@pytest.mark.parametrize("gallery", ALIGNMENTS)
def test_a_gallery_has_the_parts_that_its_heads_were_trained_for(gallery: Gallery) -> None:
    model, features = GeoAlignment(6, SMALL), torch.randn(3, 6)
    with torch.inference_mode():
        found = model.gallery_vectors(features, gallery)
        like: Gallery = "image-gps-text" if HEADS[gallery].text else "image-gps"
        torch.testing.assert_close(found, model.gallery_vectors(features, like))


@pytest.mark.parametrize("gallery", ["colour-histogram", "official"])
def test_a_gallery_of_something_else_is_refused(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match=f"gallery '{gallery}'; there are: image, image-gps, image-gps-text"):
        GeoAlignment(6, SMALL).gallery_vectors(torch.randn(3, 6), gallery)


# --- its own file


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "alignment.safetensors"
    save_alignment(GeoAlignment(6, SMALL), path)
    return path


def test_a_saved_model_comes_back(tmp_path: Path) -> None:
    model, path = GeoAlignment(6, SMALL), tmp_path / "alignment.safetensors"
    save_alignment(model, path)
    loaded = load_alignment(path, 6, SMALL)
    assert all(torch.equal(model.state_dict()[name], each) for name, each in loaded.state_dict().items())
    assert not loaded.training and not any(each.requires_grad for each in loaded.parameters())
    first = path.read_bytes()
    save_alignment(loaded, path)
    assert path.read_bytes() == first and [each.name for each in tmp_path.iterdir()] == [path.name]


def test_another_width_is_named(saved: Path) -> None:
    with pytest.raises(
        OtherArchitecture, match=rf"{saved}.*is 6 x 6 where 7 x 7 is expected.* and \d+ more; use the"
    ):
        load_alignment(saved, 7, SMALL)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hidden": 16}, r"LocEnc0\.capsule\.1\.weight is 8 x 8 where 16 x 8 is expected"),
        ({"sigmas": (1.0,)}, r"LocEnc1\.\S+ \(.*\) is unknown"),
        ({"sigmas": (1.0, 2.0, 3.0, 4.0)}, r"LocEnc3\.\S+ \(.*\) is missing"),
        (
            {"projection": "unit-sphere"},
            "trained on mercator yx clamped, expected unit-sphere; set alignment.proj",
        ),
        ({"projection": "equal-earth"}, "expected equal-earth yx"),  # the same shapes, other numbers
        ({"axis_order": "xy"}, "expected mercator xy clamped"),
        ({"mercator_clamp": False}, "expected mercator yx unclamped"),
    ],
)
def test_other_settings_are_named(saved: Path, settings: Mapping[str, Any], words: str) -> None:
    with pytest.raises(OtherArchitecture, match=words):
        load_alignment(saved, 6, changed(**settings))


def test_a_setting_that_a_projection_does_not_have_is_no_difference(tmp_path: Path) -> None:
    path = tmp_path / "alignment.safetensors"
    save_alignment(GeoAlignment(6, changed(projection="unit-sphere")), path)
    load_alignment(path, 6, changed(projection="unit-sphere", axis_order="xy", mercator_clamp=False))


def test_a_file_that_does_not_say_its_projection_is_read(saved: Path) -> None:
    save_file(load_file(saved), saved)
    load_alignment(saved, 6, SMALL)


@pytest.mark.parametrize("harm", ["cut in the weights", "cut in the header", "empty", "pickled", "absent"])
def test_a_damaged_file_is_named(saved: Path, harm: str) -> None:
    whole = saved.read_bytes()
    harmed = {
        "cut in the weights": whole[:-100],
        "cut in the header": whole[:50],
        "empty": b"",
        "pickled": pickle.dumps({"vision_projection_else_1.0.weight": [0.0] * 36}),
    }
    saved.unlink() if harm == "absent" else saved.write_bytes(harmed[harm])
    with pytest.raises(DamagedAlignment, match=rf"{saved}: no trained heads can be read: .*train them again"):
        load_alignment(saved, 6, SMALL)


# --- the official numbers


@pytest.fixture(scope="module")
def golden() -> dict[str, NDArray[Any]]:
    return load_golden()


@pytest.fixture
def official(golden: dict[str, NDArray[Any]]) -> GeoAlignment:
    state = drawn(golden["tensors"])
    assert len(state) == 123 and sum(each.numel() for each in state.values()) == 14_056_003
    ours = GeoAlignment(WIDTH, AlignmentSettings())
    clip = ("text_model.", "vision_model.", "text_projection.", "vision_projection.")
    ours.load_state_dict({name: each for name, each in state.items() if not name.startswith(clip)})
    return ours


@pytest.fixture
def inputs(golden: dict[str, NDArray[Any]]) -> tuple[Tensor, Tensor, Tensor]:
    """Image and text features, and coordinates as the official code rounded them."""
    coordinates = torch.from_numpy(golden["coordinates"]).float()
    return torch.from_numpy(golden["image_features"]), torch.from_numpy(golden["text_features"]), coordinates


def test_official_outputs(
    official: GeoAlignment, inputs: tuple[Tensor, Tensor, Tensor], golden: dict[str, NDArray[Any]]
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
        loss = loss_of(official, image, text, coordinates)
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
    official: GeoAlignment, inputs: tuple[Tensor, Tensor, Tensor], golden: dict[str, NDArray[Any]]
) -> None:
    """CLIP is frozen, so the heads alone give the official course of the loss."""
    assert five_steps(official, *inputs) == pytest.approx(golden["loss_over_five_steps"].tolist(), abs=1e-3)
