"""Geo-alignment's loss: two symmetric InfoNCE terms, image-text and image-GPS (paper eq. 2).

Only a batch's other photos are negatives; there is no queue and no text-GPS term.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from g3lib.alignment.distributed import ALONE, Ranks
from g3lib.alignment.model import GeoAlignment
from g3lib.experiments.alignment import AlignmentSettings


def symmetric_info_nce(
    a: Tensor, b: Tensor, logit_scale: Tensor, no_negatives: Tensor | None = None
) -> Tensor:
    """Mean of both directions' cross entropy over (n, d) unit vectors; matching rows are the positives.

    `no_negatives` (n, n) bool: the pairs that are left out of the denominators.
    """
    logits = logit_scale.exp() * a @ b.T
    if no_negatives is not None:
        logits = logits.masked_fill(no_negatives, -torch.inf)
    targets = torch.arange(len(a), device=a.device)
    return (cross_entropy(logits, targets) + cross_entropy(logits.T, targets)) / 2


def same_caption(captions: Tensor) -> Tensor:
    """(n,) caption numbers to (n, n) bool: pairs of different photos that have one caption.

    A photo and another's equal caption are a positive pair. Each pair's likelihood is taken against the other
    captions' photos alone: for anchor i the mean over its positives p of -log(e_ip / (e_ip + sum of negatives e_in)).
    Equal captions have one text vector, so summed over a batch this is InfoNCE without those pairs in its
    denominators, which is how it is computed. (With them there, as in L_out of Khosla et al., Supervised
    Contrastive Learning, eq. 2, that same equality would give plain InfoNCE again.) Distinct captions give plain
    InfoNCE.
    """
    return (captions[:, None] == captions[None, :]).fill_diagonal_(False)


class Objective(nn.Module):
    """What training descends: the terms that the settings ask for, of a batch spread over all processes."""

    def __init__(
        self, model: GeoAlignment, settings: AlignmentSettings, with_text: bool, ranks: Ranks = ALONE
    ):
        super().__init__()
        self.model, self.ranks = model, ranks
        self.terms = ("loss_image_text", "loss_image_gps") if with_text else ("loss_image_gps",)
        self.is_sum = settings.loss_reduction == "sum"
        self.multiple_positives = settings.multiple_positives

    def forward(
        self, image: Tensor, text: Tensor, coordinates: Tensor, captions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(loss, each of `terms` as a mean over the batch, detached).

        image, text and coordinates are this process's share; captions (n,) are the whole batch's.
        """
        model, with_text = self.model, len(self.terms) == 2
        vectors = [model.gps(coordinates), model.image_gps(image)]
        if with_text:
            vectors += [model.text(text), model.image_text(image)]
        vectors = self._whole(vectors, len(captions))
        parts = [symmetric_info_nce(vectors[0], vectors[1], model.logit_scale2)]
        if with_text:
            ours = same_caption(captions) if self.multiple_positives else None
            parts.insert(0, symmetric_info_nce(vectors[2], vectors[3], model.logit_scale1, ours))
        means = torch.stack(parts)
        loss = means.sum() * len(captions) if self.is_sum else means.sum()
        return loss, means.detach()

    def _whole(self, vectors: list[Tensor], size: int) -> list[Tensor]:
        """The whole batch's vectors, in one exchange; alone there is nothing to copy."""
        if self.ranks.count == 1:
            return vectors
        return list(self.ranks.gather(torch.stack(vectors, dim=1), size).unbind(1))
