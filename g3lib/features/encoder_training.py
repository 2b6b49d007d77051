"""Training of the demo's small CLIP model from scratch, on tiles, in minutes, on two cores.

CLIP's image-text loss alone teaches too little from place names; as in SLIP (Mu et al. 2022), a
second loss asks for the same photo behind two augmented views, which makes retrieval work.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from g3lib.features.architectures import build_model, tokenizer_of
from g3lib.features.augmentation import Augmentation, augmented
from g3lib.features.contrastive_losses import image_image_loss, image_text_loss

Report = Callable[[int, dict[str, float]], None]

_HIGHEST_LOGIT_SCALE = math.log(100.0)  # as CLIP clips it


class TrainingDiverged(ArithmeticError):
    """The loss is infinite or no number: the learning rate is too high or the model unsuited."""


@dataclass(frozen=True)
class EncoderTraining:
    """All that decides what comes out of a training; the same values give the same weights."""

    model: str = "blue-marble"  # an open_clip model name
    epochs: int = 5
    batch_size: int = 256
    learning_rate: float = 3e-3  # the one-cycle schedule's peak
    warmup: float = 0.2  # the part of the steps in which the rate rises
    weight_decay: float = 0.05
    image_image_weight: float = 1.0
    image_text_weight: float = 0.2
    image_image_temperature: float = 0.1
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True)
class _Material:
    """The training set in memory: photos at the model's size, each distinct caption once."""

    images: Tensor  # uint8 (n, 3, size, size)
    tokens: Tensor  # int64 (captions, context length)
    caption_of: Tensor  # int64 (n,), rows of `tokens`


def train_encoder(
    images: NDArray[np.uint8], captions: Sequence[str], settings: EncoderTraining, report: Report
) -> nn.Module:
    """Train `settings.model` on photos (n, h, h, 3) and their n captions; returns it in eval mode.

    `report` is called after each epoch with its number (from 1), loss, accuracies (the fraction of
    a batch whose partner was found), photos per second and learning rate. Raises ValueError for
    photos, captions and settings that do not fit each other, TrainingDiverged for a loss that is
    not finite. The caller's random state is left as it was.
    """
    _check(images, captions, settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = build_model(settings.model).to(memory_format=torch.channels_last)
        _train(model, _material(images, captions, model, settings.model), settings, report)
    trained: nn.Module = model.eval()
    return trained


def _train(model: Any, material: _Material, settings: EncoderTraining, report: Report) -> None:
    steps = len(material.images) // settings.batch_size
    optimizer, schedule = _optimizer(model, settings, steps * settings.epochs)
    model.train()
    with tqdm(total=steps * settings.epochs, desc="encoder", unit="step", disable=None) as progress:
        for epoch in range(1, settings.epochs + 1):
            started, sums = time.perf_counter(), torch.zeros(3)
            order = torch.randperm(len(material.images))[: steps * settings.batch_size]
            for chosen in torch.split(order, settings.batch_size):
                sums += _step(model, material, chosen, settings, optimizer)
                schedule.step()
                progress.update()
            speed = len(order) / (time.perf_counter() - started)
            report(epoch, _metrics(sums / steps, speed, float(schedule.get_last_lr()[0])))


def _metrics(means: Tensor, speed: float, learning_rate: float) -> dict[str, float]:
    loss, text_accuracy, image_accuracy = means.tolist()
    return {
        "loss": loss,
        "image_text_accuracy": text_accuracy,
        "image_image_accuracy": image_accuracy,
        "images_per_second": speed,
        "learning_rate": learning_rate,
    }


def _step(
    model: Any,
    material: _Material,
    chosen: Tensor,
    settings: EncoderTraining,
    optimizer: torch.optim.Optimizer,
) -> Tensor:
    """One update; returns the loss and both accuracies, float32 (3,)."""
    first, second = _two_views(model, material.images[chosen], settings.augmentation)
    captions, caption_of = torch.unique(material.caption_of[chosen], return_inverse=True)
    texts = F.normalize(model.encode_text(material.tokens[captions]), dim=1)
    to_texts = first @ texts.T * model.logit_scale.exp()
    text_loss, text_accuracy = image_text_loss(to_texts, caption_of)
    to_second = first @ second.T / settings.image_image_temperature
    image_loss, image_accuracy = image_image_loss(to_second)
    loss = settings.image_text_weight * text_loss + settings.image_image_weight * image_loss
    _update(model, loss, optimizer, settings)
    return torch.stack([loss.detach(), text_accuracy, image_accuracy])


def _update(model: Any, loss: Tensor, optimizer: torch.optim.Optimizer, settings: EncoderTraining) -> None:
    if not torch.isfinite(loss):
        rate = settings.learning_rate
        raise TrainingDiverged(f"the loss became {loss.item()}; lower the learning rate ({rate})")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(0.0, _HIGHEST_LOGIT_SCALE)


def _two_views(model: Any, images: Tensor, strength: Augmentation) -> tuple[Tensor, Tensor]:
    """Unit features (n, d) of two views, in one pass so that batch normalisation sees both."""
    with torch.no_grad():
        views = augmented(images.repeat(2, 1, 1, 1), strength)
        mean = torch.tensor(model.visual.image_mean).view(1, 3, 1, 1)
        deviation = torch.tensor(model.visual.image_std).view(1, 3, 1, 1)
        views = ((views - mean) / deviation).contiguous(memory_format=torch.channels_last)
    first, second = F.normalize(model.encode_image(views), dim=1).chunk(2)
    return first, second


def _optimizer(
    model: Any, settings: EncoderTraining, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.OneCycleLR]:
    """AdamW that decays matrices only, on a one-cycle schedule."""
    matrices = [each for each in model.parameters() if each.ndim >= 2]
    others = [each for each in model.parameters() if each.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        settings.learning_rate,
        total_steps=steps + 1,  # one is taken after the last update
        pct_start=settings.warmup,
    )
    return optimizer, schedule


def _material(images: NDArray[np.uint8], captions: Sequence[str], model: Any, name: str) -> _Material:
    distinct = sorted(set(captions))
    rows = {caption: row for row, caption in enumerate(distinct)}
    size = model.visual.image_size
    return _Material(
        images=_resized(images, size[0] if isinstance(size, tuple) else int(size)),
        tokens=tokenizer_of(name)(distinct),
        caption_of=torch.tensor([rows[caption] for caption in captions]),
    )


def _resized(images: NDArray[np.uint8], size: int) -> Tensor:
    """Photos as uint8 (n, 3, size, size), bicubic and antialiased like encoders' preprocessing."""
    result = torch.empty((len(images), 3, size, size), dtype=torch.uint8)
    for batch, target in enumerate(torch.split(result, 1024)):
        photos = np.ascontiguousarray(images[batch * 1024 : (batch + 1) * 1024])
        part = torch.from_numpy(photos).permute(0, 3, 1, 2).float()
        if part.shape[2:] != (size, size):
            part = F.interpolate(part, (size, size), mode="bicubic", antialias=True)
        target.copy_(part.round_().clamp_(0, 255))
    return result


def _check(images: NDArray[np.uint8], captions: Sequence[str], settings: EncoderTraining) -> None:
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(f"photos must be uint8 (n, h, w, 3), not {images.dtype} {images.shape}")
    if images.shape[1] != images.shape[2]:
        raise ValueError(f"training takes square photos, not {images.shape[1]} x {images.shape[2]}")
    if len(images) != len(captions):
        raise ValueError(f"{len(images)} photos do not go with {len(captions)} captions")
    if not all(isinstance(caption, str) for caption in captions):
        raise ValueError("every photo needs a caption; leave out those that have none")
    if not 2 <= settings.batch_size <= len(images):
        size = settings.batch_size
        raise ValueError(f"batches of {size} cannot be drawn from {len(images)} photos")
