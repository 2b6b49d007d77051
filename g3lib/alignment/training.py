"""Training Geo-alignment on stored CLIP features: paper eq. 2, AdamW, one decay step per epoch.

CLIP is frozen and nothing is augmented, so the features are computed once and an epoch is a few matrix
products. Each epoch is saved, and a training that was killed goes on from there as if nothing had been.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from g3lib.alignment.data import AlignmentData
from g3lib.alignment.distributed import ALONE, Ranks
from g3lib.alignment.epochs import Remark, Trainer, TrainingDiverged
from g3lib.alignment.model import GeoAlignment
from g3lib.alignment.resume import Progress, Unusable, load_progress, save_progress, stamp_of
from g3lib.experiments.alignment import AlignmentSettings
from g3lib.store.files import sha256_of

__all__ = ["Trained", "TrainingDiverged", "train"]

Report = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Trained:
    """A trained model, frozen; every epoch's metrics; what this process itself did of it, and how fast."""

    model: GeoAlignment
    history: list[dict[str, float]]
    resumed: int  # epochs that were done before
    photos_per_second: float  # 0 if nothing was left to do
    remarks: list[str]  # what is worth knowing of it: where it went on, what was left out


def train(
    data: AlignmentData,
    settings: AlignmentSettings,
    with_text: bool,
    report: Report,
    *,
    device: str | torch.device = "cpu",
    resume: Path | None = None,
    location_weights: Path | None = None,
    remark: Remark = lambda _: None,
    ranks: Ranks = ALONE,
) -> Trained:
    """Train new heads; `report(epoch, metrics)` hears of each epoch from 0. Equal seeds give equal models.

    Without text only the image-GPS loss trains (IMG+GPS of paper table 5). `resume`: where each epoch is saved and
    an interrupted training is taken up, its finished epochs being reported again; what cannot be used there is
    named, and training begins anew. `remark` hears such things, and each minute how far
    an epoch is. `location_weights`: GeoCLIP's, if the settings begin with them.
    Raises TrainingDiverged; ValueError if there are fewer than two photos to train on.
    """
    progress = _new(data.image.width, settings, torch.device(device), location_weights)
    initial = sha256_of(location_weights) if location_weights else "random"
    stamp, remarks = stamp_of(settings, with_text, data.digest(), initial), list[str]()

    def note(text: str) -> None:
        remarks.append(text)
        remark(text)

    if resume is not None:
        _take_up(progress, resume, stamp, note)
    resumed = len(progress.history)
    for epoch, metrics in enumerate(progress.history):
        report(epoch, metrics)
    trainer = Trainer(progress, data, settings, with_text, ranks, note, remark)
    for epoch in range(resumed, settings.epochs):
        progress.history.append(trainer.epoch())
        if resume is not None and ranks.leads:
            save_progress(progress, resume, stamp)
        report(epoch, progress.history[-1])
    trainer.bar.close()
    model = progress.model.eval().requires_grad_(False)
    return Trained(model, progress.history, resumed, trainer.photos_per_second, remarks)


def _new(
    width: int, settings: AlignmentSettings, device: torch.device, location_weights: Path | None
) -> Progress:
    """Nothing trained yet, the same for equal seeds whatever was drawn before."""
    torch.manual_seed(settings.seed)
    model = GeoAlignment(width, settings)
    if location_weights is not None:
        from g3lib.alignment.checkpoints import initialise_location_encoder

        initialise_location_encoder(model, location_weights)
    model.to(device)
    optimizer = torch.optim.AdamW(
        [each for each in model.parameters() if each.requires_grad],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=device.type in ("cpu", "cuda"),  # one pass over memory where others make ten
    )
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, settings.decay_per_epoch)
    return Progress(model, optimizer, schedule, torch.Generator().manual_seed(settings.seed))


def _take_up(progress: Progress, resume: Path, stamp: str, remark: Remark) -> None:
    if not resume.is_file():
        return
    try:
        load_progress(progress, resume, stamp)
    except Unusable as reason:
        remark(f"{reason}; training begins anew")
    else:
        remark(f"{resume}: going on after epoch {len(progress.history)}")
