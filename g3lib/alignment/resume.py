"""A training's state on the disk after each epoch: one safetensors file, never a pickle, from which it goes on bit
for bit.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from g3lib.alignment.model import GeoAlignment
from g3lib.experiments.alignment import AlignmentSettings
from g3lib.features.weights import weights_digest
from g3lib.store.files import replacing

FORMAT = "g3 alignment progress 2"


class Unusable(ValueError):
    """Saved progress that cannot be gone on from; the message says why."""


@dataclass
class Progress:
    """Everything that changes while a training runs."""

    model: GeoAlignment
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    order: torch.Generator  # draws each epoch's order
    history: list[dict[str, float]] = field(default_factory=list)  # a finished epoch's metrics each


def stamp_of(settings: AlignmentSettings, with_text: bool, *others: str) -> str:
    """SHA-256 over what determines a training: its settings, and what `others` say of data and initial weights."""
    plain = json.dumps([settings.trained, with_text, *others], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def save_progress(progress: Progress, path: Path, stamp: str) -> None:
    """Write it all in one rename: a process killed meanwhile leaves the epoch before."""
    tensors = _tensors(progress)
    facts = {
        "format": FORMAT,
        "stamp": stamp,
        "digest": weights_digest(tensors),
        "history": progress.history,
        "schedule": progress.schedule.state_dict(),
        "rates": [group["lr"] for group in progress.optimizer.param_groups],
    }
    with replacing(path) as scratch:
        save_file(tensors, scratch, {"progress": json.dumps(facts)})


def load_progress(progress: Progress, path: Path, stamp: str) -> None:
    """Bring `progress` to where the file's training stopped.

    Unusable, and nothing changed, if the file is damaged or of another training.
    """
    tensors, facts = _read(path)
    if facts["stamp"] != stamp:
        raise Unusable(f"{path} is of a training with other settings, data or initial weights")
    if facts["digest"] != weights_digest(tensors):
        raise Unusable(f"{path} is damaged: its numbers are not those that were written")
    progress.model.load_state_dict(_under("model.", tensors))
    _restore_optimizer(progress.optimizer, _under("optimizer.", tensors), facts["rates"])
    progress.schedule.load_state_dict(facts["schedule"])
    progress.order.set_state(tensors["random.order"])
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
    progress.history[:] = facts["history"]


def _tensors(progress: Progress) -> dict[str, Tensor]:
    """Weights, the optimizer's moments and the states of random numbers, by name, on the CPU."""
    found = {f"model.{name}": each for name, each in progress.model.state_dict().items()}
    for number, state in progress.optimizer.state_dict()["state"].items():
        found |= {f"optimizer.{number}.{name}": each for name, each in state.items()}
    found |= {"random.cpu": torch.get_rng_state(), "random.order": progress.order.get_state()}
    if torch.cuda.is_available():
        found["random.cuda"] = torch.cuda.get_rng_state()
    return {name: each.detach().cpu().contiguous() for name, each in found.items()}


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})["progress"])
            if facts["format"] != FORMAT:
                raise Unusable(f"{path} is of another version of this program: {facts['format']}")
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118  (no mapping)
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as problem:
        raise Unusable(f"{path} is damaged, or was not saved by a training: {problem}") from problem


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], rates: list[float]
) -> None:
    """Moments and step counts by the parameter's number; rates by the group's."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, each in tensors.items():
        number, _, what = name.partition(".")
        state.setdefault(int(number), {})[what] = each
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
