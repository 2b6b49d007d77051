"""How well the heads retrieve captions and positions for photos whose authors they were not trained on."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.alignment.data import AlignmentData, resident
from g3lib.alignment.losses import same_caption, symmetric_info_nce
from g3lib.alignment.model import GeoAlignment
from g3lib.experiments.alignment import AlignmentSettings
from g3lib.geo import geodesic_km

MOST = 4096  # photos evaluated; more would take longer and hardly tell more
FEWEST = 2  # one has no negatives


@dataclass(frozen=True)
class HeldOut:
    """n photos, the c distinct captions and p distinct positions among them, on the model's device.

    image (n, d), text (c, d) float32, captions (n,) rows of text, positions (p, 2) degrees, places (n,) rows of them.
    """

    image: Tensor
    text: Tensor
    captions: Tensor
    positions: NDArray[np.float64]
    places: Tensor


def load_held_out(data: AlignmentData, seed: int, device: torch.device) -> HeldOut | None:
    """At most MOST of the held-out photos, drawn by the seed; None if there are fewer than FEWEST."""
    rows = np.flatnonzero(data.held_out)
    if len(rows) < FEWEST:
        return None
    chosen = data.part(np.random.default_rng(seed).permutation(rows)[:MOST])
    captions, caption_of = np.unique(chosen.text_rows, return_inverse=True)
    positions, place_of = np.unique(chosen.coordinates, axis=0, return_inverse=True)
    return HeldOut(
        image=resident(chosen, device).float(),
        text=torch.from_numpy(data.text[captions]).to(device).float(),
        captions=torch.from_numpy(caption_of).to(device),
        positions=positions,
        places=torch.from_numpy(place_of.reshape(-1)).to(device),
    )


@torch.inference_mode()
def evaluate(
    model: GeoAlignment, photos: HeldOut, settings: AlignmentSettings, with_text: bool
) -> dict[str, float]:
    """Losses in batches as in training, and how often and how near retrieval hits.

    `held_out_loss_image_gps`; `image_to_gps_top_1`, `image_to_gps_top_10`: how often a photo's own position is
    among so many retrieved of the held-out photos' positions; `image_to_gps_median_km`: to the first of them.
    With text, `held_out_loss_image_text` and `image_to_text_top_1`: its caption is the first of theirs.
    """
    positions = torch.from_numpy(photos.positions).to(photos.image.device)
    image, gps = model.image_gps(photos.image), model.gps(positions)
    loss = _loss(image, gps[photos.places], model.logit_scale2, settings.batch_size)
    found = {"held_out_loss_image_gps": loss} | _nearness(image @ gps.T, photos)
    if not with_text:
        return found
    image, text = model.image_text(photos.image), model.text(photos.text)
    shared = photos.captions if settings.multiple_positives else None
    loss = _loss(image, text[photos.captions], model.logit_scale1, settings.batch_size, shared)
    hits = (image @ text.T).argmax(dim=1) == photos.captions
    return found | {"held_out_loss_image_text": loss, "image_to_text_top_1": hits.float().mean().item()}


def _nearness(similarities: Tensor, photos: HeldOut) -> dict[str, float]:
    """Of (n, p) similarities: hits among the first one and ten, and the median distance of the first."""
    best = similarities.topk(min(10, similarities.shape[1]), dim=1).indices
    hits = (best == photos.places[:, None]).float()
    first, own = photos.positions[best[:, 0].cpu()], photos.positions[photos.places.cpu()]
    km = geodesic_km(first[:, 0], first[:, 1], own[:, 0], own[:, 1])
    return {
        "image_to_gps_top_1": hits[:, 0].mean().item(),
        "image_to_gps_top_10": hits.sum(dim=1).mean().item(),
        "image_to_gps_median_km": float(np.median(km)),
    }


def _loss(
    image: Tensor, other: Tensor, logit_scale: Tensor, batch_size: int, captions: Tensor | None = None
) -> float:
    """Mean over photos; a batch of one is left out as in training."""
    total, seen = torch.zeros((), device=image.device), 0
    for rows in torch.split(torch.arange(len(image), device=image.device), batch_size):
        if len(rows) > 1:
            ours = None if captions is None else same_caption(captions[rows])
            total += symmetric_info_nce(other[rows], image[rows], logit_scale, ours) * len(rows)
            seen += len(rows)
    return (total / seen).item()
