"""The epochs of a training: passes over the photos, the decay after each, and what held-out photos say of it."""

from collections.abc import Callable, Iterable
from time import perf_counter

import torch
from torch import Tensor
from tqdm import tqdm

from g3lib.alignment.batches import Batch, Batches
from g3lib.alignment.data import AlignmentData
from g3lib.alignment.distributed import Ranks
from g3lib.alignment.evaluation import FEWEST, HeldOut, evaluate, load_held_out
from g3lib.alignment.losses import Objective
from g3lib.alignment.resume import Progress
from g3lib.experiments.alignment import AlignmentSettings

WATCHED = 500  # steps between two looks at the loss: each look waits for the device
MINUTE = 60.0  # seconds between two words on how far an epoch is

Remark = Callable[[str], None]


class TrainingDiverged(RuntimeError):
    """The loss stopped being a number."""


class Trainer:
    """Epochs of one training in this process."""

    def __init__(
        self,
        progress: Progress,
        data: AlignmentData,
        settings: AlignmentSettings,
        with_text: bool,
        ranks: Ranks,
        note: Remark,
        remark: Remark,
    ):
        self.progress, self.settings, self.with_text, self.ranks = progress, settings, with_text, ranks
        self.device = next(progress.model.parameters()).device
        chosen = _training_part(data)
        self.batches = Batches(chosen, settings.batch_size, self.device, settings.resident_gigabytes, ranks)
        self.precision = torch.float32 if self.device.type == "mps" else torch.float64
        objective = Objective(progress.model, settings, with_text, ranks)
        self.terms, self.objective = objective.terms, ranks.averaged(objective)
        self.held_out = self._held_out(data, note) if ranks.leads else None
        self.remark, self.told = remark, perf_counter()
        self.seconds, self.photos = 0.0, 0
        left = (settings.epochs - len(progress.history)) * self.batches.steps()
        self.bar = tqdm(total=left, desc="alignment", unit="step", disable=None if ranks.leads else True)

    def epoch(self) -> dict[str, float]:
        """One pass over the photos, the decay after it, and what the held-out authors' photos say."""
        progress, started = self.progress, perf_counter()
        rate = float(progress.schedule.get_last_lr()[0])
        metrics = self._pass(self.batches.epoch(self._order())) | {"learning_rate": rate}
        self.seconds += perf_counter() - started
        progress.schedule.step()
        if self.held_out is None:
            return metrics
        return metrics | evaluate(progress.model, self.held_out, self.settings, self.with_text)

    @property
    def photos_per_second(self) -> float:
        """Of all processes together, evaluation not counted."""
        return self.photos / self.seconds if self.seconds else 0.0

    def _order(self) -> Tensor:
        photos = len(self.batches.data)
        if self.settings.shuffle:
            return torch.randperm(photos, generator=self.progress.order)
        return torch.arange(photos)  # as the released code goes through them

    def _pass(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Means over the photos of each term of the loss, as each batch met the model."""
        totals = torch.zeros(len(self.terms), dtype=self.precision, device=self.device)
        seen = 0
        for number, batch in enumerate(batches, start=1):
            totals += self._step(batch) * batch.size
            seen += batch.size
            self.bar.update()
            if number % WATCHED == 0:
                self._tell(number, self._means(totals, seen))
        self.photos += seen
        return self._means(totals, seen)

    def _tell(self, step: int, means: dict[str, float]) -> None:
        if perf_counter() - self.told > MINUTE:
            self.told = perf_counter()
            losses = ", ".join(f"{name} {each:.4g}" for name, each in means.items())
            epoch = len(self.progress.history) + 1
            self.remark(f"epoch {epoch}: {step:,} of {self.batches.steps():,} steps, {losses}")

    def _step(self, batch: Batch) -> Tensor:
        loss, means = self.objective(batch.image, batch.text, batch.coordinates, batch.captions)
        self.progress.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.progress.optimizer.step()
        return means  # type: ignore[no-any-return]

    def _means(self, totals: Tensor, seen: int) -> dict[str, float]:
        """The means so far; TrainingDiverged if they are no numbers."""
        means = dict(zip(self.terms, (totals / max(seen, 1)).tolist(), strict=True))
        if all(each - each == 0 for each in means.values()):  # neither infinite nor NaN
            return means
        raise TrainingDiverged(
            f"{', '.join(f'{name} is {each}' for name, each in means.items())}; lower "
            f"alignment.learning_rate (now {self.settings.learning_rate}) or look for non-finite features"
        )

    def _held_out(self, data: AlignmentData, note: Remark) -> HeldOut | None:
        found = load_held_out(data, self.settings.seed, self.device)
        if found is None and self.settings.held_out_authors > 0:
            note(
                f"no evaluation: {int(data.held_out.sum())} photos are of held-out authors, fewer than {FEWEST}; "
                f"raise alignment.held_out_authors (now {self.settings.held_out_authors}) to have it"
            )
        return found


def _training_part(data: AlignmentData) -> AlignmentData:
    found = data.part(~data.held_out)
    if len(found) < 2:
        raise ValueError(
            f"{len(found)} photos to train on, {len(data) - len(found)} held out; at least 2 with a caption and a "
            "position are needed: add photos, or lower alignment.held_out_authors"
        )
    return found
