"""Weights of others: the whole official state dict goes in and out bit for bit and gives the official numbers."""

import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from g3lib.alignment.checkpoints import (
    MissingWeights,
    UnknownFormat,
    export_official,
    find_geoclip_weights,
    initialise_location_encoder,
    load_official,
)
from g3lib.alignment.location_encoder import LocationEncoder
from g3lib.alignment.model import GeoAlignment, OtherArchitecture
from g3lib.experiments.alignment import AlignmentSettings
from g3lib.features.architectures import ClipSizes, Tower, build_clip
from g3lib.features.huggingface import open_clip_state
from g3lib.features.weights import CheckpointError, read_weights
from tests.g3lib.golden import drawn, five_steps, load_golden

SETTINGS = AlignmentSettings()
SMALL = AlignmentSettings(rff_frequencies=4, hidden=8, location=8)
# golden/README.md
SMALL_CLIP = ClipSizes(
    projection=768,
    vision=Tower(64, 2, 2, 256),
    text=Tower(64, 2, 2, 256),
    image=56,
    patch=14,
    vocabulary=1000,
)
Save = Callable[[dict[str, Tensor], Path], None]


@pytest.fixture(scope="module")
def golden() -> dict[str, NDArray[Any]]:
    return load_golden()


@pytest.fixture(scope="module")
def state(golden: dict[str, NDArray[Any]]) -> dict[str, Tensor]:
    """All of the official state dict."""
    state = drawn(golden["tensors"])
    assert len(state) == 123 and sum(each.numel() for each in state.values()) == 14_056_003
    return state


@pytest.fixture(scope="module", params=[".pth", ".safetensors"])
def released(request: pytest.FixtureRequest, state: dict[str, Tensor], tmp_path_factory: Any) -> Path:
    """The official state dict as a file."""
    path = Path(tmp_path_factory.mktemp("released")) / f"g3{request.param}"
    save: Save = torch.save if request.param == ".pth" else save_file
    save(state, path)
    return path


def heads_of(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    clip = ("text_model.", "vision_model.", "text_projection.", "vision_projection.")
    return {name: each for name, each in state.items() if not name.startswith(clip)}


def assert_same(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    different = [name for name, each in expected.items() if not torch.equal(found[name], each)]
    assert different == [] and all(found[name].dtype == each.dtype for name, each in expected.items())


# --- the official format


def test_the_official_heads_are_read(released: Path, state: dict[str, Tensor]) -> None:
    model = load_official(released, SETTINGS)
    assert_same(model.state_dict(), heads_of(state))
    assert model.dimension == 768 and not model.training and model.trainable_parameters() == 13_648_131
    assert not any(each.requires_grad for each in model.parameters())


def test_the_official_files_numbers_from_photos_to_scores(
    released: Path, golden: dict[str, NDArray[Any]]
) -> None:
    """The CLIP part by open_clip, the heads by ours."""
    model, clip = load_official(released, SETTINGS), build_clip(SMALL_CLIP)
    clip.load_state_dict(open_clip_state(read_weights(released)))
    coordinates = torch.from_numpy(golden["coordinates"]).float()  # as the official code rounds them
    with torch.inference_mode():
        image = clip.encode_image(torch.from_numpy(golden["images"]))
        text = clip.encode_text(torch.from_numpy(golden["input_ids"]))
        found = {
            "image_features": image,
            "text_features": text,
            "image_text": model.image_text(image),
            "image_gps": model.image_gps(image),
            "text": model.text(text),
            "gallery": model.gallery_vectors(image, "image-gps-text"),
        }
        through_gps = {"location": model.location_encoder(coordinates), "gps": model.gps(coordinates)}
        through_gps["similarity"] = found["image_gps"] @ through_gps["gps"].T
    for vectors, tolerance in ((found, 1e-5), (through_gps, 1e-4)):
        for name, each in vectors.items():
            assert each.numpy() == pytest.approx(golden[name], abs=tolerance), name
    model.requires_grad_(True)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.endswith("capsule.0.b"))
    course = five_steps(model, image.clone(), text.clone(), coordinates)
    assert course == pytest.approx(golden["loss_over_five_steps"].tolist(), abs=1e-3)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_all_123_tensors_come_back(
    released: Path, state: dict[str, Tensor], tmp_path: Path, suffix: str
) -> None:
    clip = build_clip(SMALL_CLIP)
    clip.load_state_dict(open_clip_state(read_weights(released)))
    written = tmp_path / f"again{suffix}"
    assert export_official(load_official(released, SETTINGS), clip.state_dict(), written) == 123
    assert_same(read_weights(written), state)
    assert [each.name for each in tmp_path.iterdir()] == [written.name]
    if suffix == ".pth":  # as the official code reads it
        assert_same(torch.load(written, weights_only=True), state)


def test_heads_alone(released: Path, state: dict[str, Tensor], tmp_path: Path) -> None:
    written = tmp_path / "heads.safetensors"
    assert export_official(load_official(released, SETTINGS), None, written) == len(heads_of(state))
    assert_same(read_weights(written), heads_of(state))
    assert_same(load_official(written, SETTINGS).state_dict(), heads_of(state))


def test_a_format_that_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownFormat, match=r"g3\.onnx: weights are written as \.pth or \.safetensors, not '\.onnx'"
    ):
        export_official(GeoAlignment(6, SMALL), None, tmp_path / "g3.onnx")


def test_a_clip_that_the_format_cannot_name_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"visual\.trunk\.conv1\.weight"):
        export_official(
            GeoAlignment(6, SMALL), {"visual.trunk.conv1.weight": torch.zeros(1)}, tmp_path / "g3.pth"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dimension", [6, 12])
def test_the_width_is_the_weights_own(tmp_path: Path, dimension: int) -> None:
    model, path = GeoAlignment(dimension, SMALL), tmp_path / "g3.pth"
    export_official(model, None, path)
    loaded = load_official(path, SMALL)
    assert loaded.dimension == dimension
    assert_same(loaded.state_dict(), model.state_dict())


# --- what is refused


def test_other_widths_are_named(tmp_path: Path) -> None:
    path = tmp_path / "g3.pth"
    export_official(GeoAlignment(6, SMALL), None, path)
    words = rf"{path}: 46 tensors .*LocEnc0\.capsule\.0\.b is 4 x 2 where 256 x 2 is expected.*and \d+ more; use the"
    with pytest.raises(OtherArchitecture, match=words):
        load_official(path, SETTINGS)


@pytest.mark.parametrize("width", [None, torch.zeros(()), torch.zeros(3)])
def test_a_checkpoint_of_something_else_is_named(tmp_path: Path, width: Tensor | None) -> None:
    path, found = tmp_path / "other.pth", {"decoder.weight": torch.zeros(2, 2)}
    if width is not None:
        found["vision_projection_else_1.0.weight"] = width
    torch.save(found, path)
    with pytest.raises(OtherArchitecture, match=rf"{path}: no G3 checkpoint: .*\(decoder\.weight.*Jia-py/G3"):
        load_official(path, SMALL)


def test_a_file_cut_short_is_named(released: Path, tmp_path: Path) -> None:
    path = tmp_path / released.name
    path.write_bytes(released.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match=str(path)):
        load_official(path, SETTINGS)


class Code:
    """Unpickled for real it would leave a file behind."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self) -> Any:
        return (Path.touch, (self.trace,))


@pytest.mark.parametrize("reader", [load_official, initialise_location_encoder])
def test_pickled_code_is_refused_and_not_run(tmp_path: Path, reader: Any) -> None:
    path, trace = tmp_path / "g3.pth", tmp_path / "was-run"
    torch.save({"vision_projection_else_1.0.weight": Code(trace)}, path)
    with pytest.raises(CheckpointError, match=rf"{path} carries pickled code"):
        reader(path, SMALL) if reader is load_official else reader(GeoAlignment(6, SMALL), path)
    assert not trace.exists()


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=str(tmp_path / "g3.pth")):
        load_official(tmp_path / "g3.pth", SMALL)


# --- GeoCLIP's GPS encoder


@pytest.fixture
def geoclip(tmp_path: Path) -> Path:
    """Its file, with the names of the released one."""
    torch.manual_seed(7)
    path = tmp_path / "incoming" / "location_encoder_weights.pth"
    path.parent.mkdir()
    names = LocationEncoder(SMALL).state_dict()
    assert {"LocEnc0.capsule.0.b", "LocEnc0.capsule.1.weight", "LocEnc2.head.0.bias"} < names.keys()
    torch.save(dict(names), path)
    return path


def test_geoclips_weights_come_in_frequencies_and_all(geoclip: Path) -> None:
    model = GeoAlignment(6, SMALL)
    others = {
        name: each.clone() for name, each in model.state_dict().items() if "location_encoder" not in name
    }
    initialise_location_encoder(model, geoclip)
    assert_same(model.location_encoder.state_dict(), read_weights(geoclip))
    assert all(torch.equal(model.state_dict()[name], each) for name, each in others.items())
    fixed = [name for name, each in model.named_parameters() if not each.requires_grad]
    assert fixed == [f"location_encoder.LocEnc{i}.capsule.0.b" for i in range(3)]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hidden": 16}, r"LocEnc0\.capsule\.1\.weight is 8 x 8 where 16 x 8 is expected"),
        ({"projection": "unit-sphere"}, r"LocEnc0\.capsule\.0\.b is 4 x 2 where 4 x 3 is expected"),
        ({"sigmas": (1.0, 16.0)}, r"LocEnc2\.capsule\.0\.b \(.*\) is unknown"),
    ],
)
def test_geoclips_weights_of_other_widths_are_named(
    geoclip: Path, settings: dict[str, Any], words: str
) -> None:
    model = GeoAlignment(6, SMALL.model_copy(update=settings))
    before = {name: each.clone() for name, each in model.state_dict().items()}
    with pytest.raises(OtherArchitecture, match=words):
        initialise_location_encoder(model, geoclip)
    assert_same(model.state_dict(), before)


def test_the_given_file_is_found_first(geoclip: Path) -> None:
    assert find_geoclip_weights(geoclip.parent) == geoclip


def package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a package geoclip were installed there, which may not be imported."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text("raise AssertionError('imported')")
    spec = importlib.machinery.PathFinder.find_spec("geoclip", [str(folder.parent)])
    monkeypatch.setattr(
        "g3lib.alignment.checkpoints.find_spec", lambda name: spec if name == "geoclip" else None
    )


def test_else_that_of_the_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site-packages" / "geoclip"
    package(folder, monkeypatch)
    weights = folder / "model" / "weights" / "location_encoder_weights.pth"
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert find_geoclip_weights(tmp_path / "incoming") == weights
    assert "geoclip" not in sys.modules


@pytest.mark.parametrize("installed", [True, False])
def test_else_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    if installed:  # without its weights
        package(tmp_path / "site-packages" / "geoclip", monkeypatch)
    elif importlib.util.find_spec("geoclip") is not None:
        monkeypatch.setattr("g3lib.alignment.checkpoints.find_spec", lambda _: None)
    incoming = tmp_path / "incoming"
    with pytest.raises(
        MissingWeights, match=rf"{incoming}.*pip install --no-deps geoclip.*location_init to random"
    ):
        find_geoclip_weights(incoming)
