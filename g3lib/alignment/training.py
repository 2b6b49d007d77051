"""Training Geo-alignment on stored CLIP features: paper eq. 2, AdamW, one decay step per epoch.

CLIP is frozen and nothing is augmented, so the features are computed once and an epoch is a few matrix
products.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from tqdm import trange

from g3lib.alignment.model import GeoAlignment
from g3lib.experiments.alignment import AlignmentSettings


class TrainingDiverged(RuntimeError):
    """The loss stopped being a number."""


@dataclass(frozen=True)
class AlignmentData:
    """n photos: CLIP image features (n, d), distinct captions' features (m, d), the row of each photo's
    caption (n,) and positions in degrees (n, 2)."""

    image: Tensor
    text: Tensor
    text_rows: Tensor
    coordinates: Tensor


def symmetric_info_nce(a: Tensor, b: Tensor, logit_scale: Tensor) -> Tensor:
    """Mean of both directions' cross entropy over (n, d) unit vectors; matching rows are the positives."""
    logits = logit_scale.exp() * a @ b.T
    targets = torch.arange(len(a), device=a.device)
    return (cross_entropy(logits, targets) + cross_entropy(logits.T, targets)) / 2


def losses(model: GeoAlignment, image: Tensor, text: Tensor, coordinates: Tensor) -> tuple[Tensor, Tensor]:
    """(image-text, image-GPS) losses of one batch of un-normalised CLIP features."""
    with_text = symmetric_info_nce(model.text(text), model.image_text(image), model.logit_scale1)
    with_gps = symmetric_info_nce(model.gps(coordinates), model.image_gps(image), model.logit_scale2)
    return with_text, with_gps


def train(
    data: AlignmentData,
    settings: AlignmentSettings,
    with_text: bool,
    report: Callable[[int, dict[str, float]], None],
) -> GeoAlignment:
    """A trained model; `report(epoch, metrics)` hears of each epoch. Equal seeds give equal models.

    Without text only the image-GPS loss trains (IMG+GPS of paper table 5). Raises TrainingDiverged.
    """
    torch.manual_seed(settings.seed)
    model = GeoAlignment(data.image.shape[1], settings).to(data.image.device)
    optimizer = torch.optim.AdamW(
        [each for each in model.parameters() if each.requires_grad],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, settings.decay_per_epoch)
    order = torch.Generator().manual_seed(settings.seed)
    for epoch in trange(settings.epochs, desc="alignment", unit="epoch", disable=None):
        rate = float(schedule.get_last_lr()[0])
        metrics = _epoch(model, optimizer, data, settings, order, with_text)
        report(epoch, metrics | {"learning_rate": rate})
        schedule.step()
    return model.eval().requires_grad_(False)


def _epoch(
    model: GeoAlignment,
    optimizer: torch.optim.Optimizer,
    data: AlignmentData,
    settings: AlignmentSettings,
    order: torch.Generator,
    with_text: bool,
) -> dict[str, float]:
    """One pass over the photos in a fresh order; a last batch of one has no negatives and is left out."""
    totals, seen = torch.zeros(2), 0
    rows = torch.randperm(len(data.image), generator=order)
    for batch in torch.split(rows, settings.batch_size):
        if len(batch) < 2:
            continue
        text = data.text[data.text_rows[batch]]
        text_loss, gps_loss = losses(model, data.image[batch], text, data.coordinates[batch])
        loss = text_loss + gps_loss if with_text else gps_loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        totals += torch.stack([text_loss, gps_loss]).detach().cpu() * len(batch)
        seen += len(batch)
    text_mean, gps_mean = (totals / max(seen, 1)).tolist()
    if not torch.isfinite(totals).all():
        raise TrainingDiverged(
            f"loss is image-text {text_mean}, image-GPS {gps_mean}; lower alignment.learning_rate "
            f"(now {settings.learning_rate}) or look for non-finite features"
        )
    return {"loss_image_text": text_mean, "loss_image_gps": gps_mean}
