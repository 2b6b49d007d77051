"""A training of a second: a few random photos and narrow heads."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from g3lib.alignment.data import AlignmentData
from g3lib.alignment.launching import Stored, train_in_processes
from g3lib.alignment.losses import Objective
from g3lib.alignment.model import GeoAlignment
from g3lib.alignment.training import Report, Trained, train
from g3lib.experiments.alignment import AlignmentSettings
from g3lib.features.shards import Stamp, save_features
from tests.array_rows import ArrayRows

SETTINGS = AlignmentSettings(
    rff_frequencies=8,
    hidden=16,
    location=8,
    epochs=3,
    batch_size=8,
    learning_rate=1e-3,
    held_out_authors=0,
    seed=5,
)
WIDTH = 12


def toy(photos: int = 20, seed: int = 0, held_out: int = 0, captions: int = 4) -> AlignmentData:
    """Random features, the last `held_out` photos held out."""
    numbers = np.random.default_rng(seed)
    return AlignmentData(
        image=ArrayRows(numbers.normal(size=(photos, WIDTH)).astype(np.float16), f"toy {photos} {seed}"),
        photos=np.arange(photos),
        text=numbers.normal(size=(captions, WIDTH)).astype(np.float16),
        text_rows=np.arange(photos) % captions,
        coordinates=numbers.random((photos, 2)) * 80,
        held_out=np.arange(photos) >= photos - held_out,
    )


def stored(folder: Path, features: NDArray[np.floating]) -> Path:
    """The folder, with (n, d) features of some encoder in it."""
    folder.mkdir(exist_ok=True)
    save_features(folder, features, Stamp("toy", "00", "none", "float32", features.shape[1]))
    return folder


def image_of(data: AlignmentData) -> Tensor:
    """(n, d) float32."""
    return torch.from_numpy(data.image.rows(data.photos)).float()


def text_of(data: AlignmentData) -> Tensor:
    """(n, d) float32: each photo's caption's."""
    return torch.from_numpy(data.text[data.text_rows]).float()


def means_of(model: GeoAlignment, data: AlignmentData) -> Tensor:
    """Image-text and image-GPS losses of all photos as one batch."""
    objective, captions = Objective(model, SETTINGS, with_text=True), torch.from_numpy(data.text_rows)
    means: Tensor = objective(image_of(data), text_of(data), torch.from_numpy(data.coordinates), captions)[1]
    return means


def trained(
    data: AlignmentData, with_text: bool = True, course: list[dict[str, float]] | None = None, **changes: Any
) -> Trained:
    """Trained with the settings above but for `changes`; every report is appended to `course`."""
    seen = [] if course is None else course
    settings = SETTINGS.model_copy(update=changes)
    return train(data, settings, with_text, lambda epoch, metrics: seen.append({"epoch": epoch, **metrics}))


def train_and_tell(folder: Path, epochs: int) -> None:
    """For a process that may be killed: a line in `told` for each epoch, and at the end what came of it."""

    def report(epoch: int, _: dict[str, float]) -> None:
        with (folder / "told").open("a") as lines:
            lines.write(f"{epoch}\n")

    settings = SETTINGS.model_copy(update={"epochs": epochs})
    data = toy(photos=200, held_out=40)
    found = train(data, settings, True, report, resume=folder / "saved.safetensors")
    save_file(found.model.state_dict(), folder / "heads.safetensors")
    (folder / "history.json").write_text(json.dumps([found.resumed, found.history]))


def train_in_two(
    data: AlignmentData,
    features: Path,
    settings: AlignmentSettings,
    with_text: bool,
    folder: Path,
    report: Report,
    **options: Any,
) -> Trained:
    """In two processes, the features read from a folder; what they write goes to `folder`."""
    settings = settings.model_copy(update={"processes": 2})
    stored = Stored("g3lib.features.shards:FeatureShards", [features])
    return train_in_processes(data, settings, with_text, report, stored, folder, **options)
