"""The official G3's numbers for weights that anyone can draw again: alignment/golden/README.md."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.alignment.losses import Objective
from g3lib.alignment.model import GeoAlignment
from g3lib.experiments.alignment import AlignmentSettings

GOLDEN = Path(__file__).parent / "alignment" / "golden" / "official_g3_seed0.npz"


def load_golden() -> dict[str, NDArray[Any]]:
    """Inputs and outputs of the official code, and `tensors`: name, shape and sum of each weight."""
    with np.load(GOLDEN) as file:
        return dict(file)


def drawn(tensors: NDArray[np.str_]) -> dict[str, Tensor]:
    """The official state dict (float32, all of it, CLIP included) as the README tells to draw it; sums are checked."""
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


def loss_of(model: GeoAlignment, image: Tensor, text: Tensor, coordinates: Tensor) -> Tensor:
    """What training descends, with the official settings."""
    objective = Objective(model, AlignmentSettings(), with_text=True)
    loss: Tensor = objective(image, text, coordinates, torch.arange(len(image)))[0]
    return loss


def five_steps(model: GeoAlignment, image: Tensor, text: Tensor, coordinates: Tensor) -> list[float]:
    """The loss before each of five steps of the official optimizer."""
    trainable = [each for each in model.parameters() if each.requires_grad]
    optimizer, course = torch.optim.AdamW(trainable, lr=3e-5, weight_decay=1e-6), []
    for _ in range(5):
        loss = loss_of(model, image, text, coordinates)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        course.append(loss.item())
    return course
