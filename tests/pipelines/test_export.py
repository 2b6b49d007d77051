"""`g3 export`: the heads of a finished home leave by the official names; what cannot leave is named."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import Finished, TinyHome

from assets.plan import Workflow
from g3lib.alignment.checkpoints import load_official
from g3lib.features.architectures import ClipSizes, Tower, build_clip
from g3lib.features.weights import read_weights
from g3lib.store import Key
from pipelines.commands import export
from pipelines.commands.failures import FAILED, WRONG_USAGE

HEADS = "image-gps-text"
SIZES = ClipSizes(
    projection=128, vision=Tower(32, 1, 1, 64), text=Tower(32, 1, 1, 64), image=32, patch=16, vocabulary=50
)


@pytest.fixture(scope="module")
def done(finished: Finished) -> TinyHome:
    return finished.tiny


def made(tiny: TinyHome, asset: str, partition: str | None, file: str) -> Path:
    record = tiny.workflow().record(Key(asset, partition))
    assert record is not None
    return tiny.root / record.path / file


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_heads_leave_by_the_official_names(done: TinyHome, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"g3{suffix}"
    said = done.call("export", HEADS, str(file))
    assert said.returncode == 0, said.stdout + said.stderr
    # the demo's own encoder is a small convolutional one
    for words in (
        str(file),
        "46 tensors",
        "the heads only",
        "blue-marble is no OpenAI-style ViT",
        "mercator yx",
    ):
        assert words in said.stdout, said.stdout
    trained = load_file(made(done, "alignment", HEADS, "alignment.safetensors"))
    found = read_weights(file)
    assert found.keys() == trained.keys() and all(
        torch.equal(found[name], each) for name, each in trained.items()
    )
    places = torch.tensor([[48.0, 2.0], [-33.0, 151.0]], dtype=torch.float64)
    assert torch.isfinite(load_official(file, done.profile().alignment).gps(places)).all()


def test_an_encoder_of_openais_style_leaves_too(
    done: TinyHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = build_clip(SIZES).state_dict()
    monkeypatch.setattr(export, "_clip", lambda _: clip)
    said = done.call("export", HEADS, str(tmp_path / "g3.pth"))
    assert said.returncode == 0, said.stdout + said.stderr
    found = read_weights(tmp_path / "g3.pth")
    assert f"{len(found)} tensors, 46 of them the heads, the others CLIP" in said.stdout
    assert torch.equal(found["vision_projection.weight"], clip["visual.proj"].T)
    assert not {"logit_scale", "visual_projection.weight"} & found.keys()


def test_heads_without_an_encoder(done: TinyHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Workflow.record
    monkeypatch.setattr(
        Workflow, "record", lambda self, key: None if key.asset == "encoder" else record(self, key)
    )
    said = done.call("export", HEADS, str(tmp_path / "g3.pth"))
    assert said.returncode == 0 and "there is no encoder" in said.stdout, said.stdout + said.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("image-gpx", "g3.pth"), WRONG_USAGE, ("'image-gpx'", "image-gps-text-equal-earth")),
        (("image", "g3.pth"), WRONG_USAGE, ("no heads 'image'", "image-gps")),
        (("image-gps", "g3.pth"), FAILED, ("'image-gps'", "made are: image-gps-text", "g3 run demo")),
        ((HEADS, "g3.onnx"), WRONG_USAGE, ("g3.onnx", ".pth or .safetensors")),
        ((HEADS,), WRONG_USAGE, ("Missing argument 'FILE'",)),
        ((HEADS, "g3.pth", "--profile", "demoo"), WRONG_USAGE, ("'demoo'", "mp16")),
    ],
)
def test_what_cannot_leave_is_named(
    done: TinyHome, tmp_path: Path, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    place = [str(tmp_path / each) if each.startswith("g3.") else each for each in arguments]
    said = done.call("export", *place)
    assert said.returncode == code, said.stdout + said.stderr
    assert [word for word in words if word not in said.stderr] == [], said.stderr
    assert "Traceback" not in said.stderr and list(tmp_path.iterdir()) == []


def test_before_the_first_run(tmp_path: Path) -> None:
    said = TinyHome(tmp_path / "home").call("export", HEADS, str(tmp_path / "g3.pth"))
    assert said.returncode == FAILED
    assert "made are: none" in said.stderr and "g3 run demo" in said.stderr


def test_heads_of_other_settings(done: TinyHome, tmp_path: Path) -> None:
    said = done.call("export", HEADS, str(tmp_path / "g3.pth"), G3_ALIGNMENT__HIDDEN="32")
    assert said.returncode == FAILED and "where 32 x 256 is expected" in said.stderr, said.stderr


def test_a_file_where_nothing_can_be_written(done: TinyHome, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file where the folder should be")
    said = done.call("export", HEADS, str(tmp_path / "folder" / "g3.pth"))
    assert said.returncode == FAILED and "cannot be written" in said.stderr, said.stderr


def test_damaged_heads_count_as_not_made(new_copy: Callable[..., TinyHome], tmp_path: Path) -> None:
    copy = new_copy()
    path = made(copy, "alignment", HEADS, "alignment.safetensors")
    save_file({"other": torch.zeros(1)}, path)
    said = copy.call("export", HEADS, str(tmp_path / "g3.pth"))
    assert said.returncode == FAILED and "made are: none" in said.stderr, said.stderr
