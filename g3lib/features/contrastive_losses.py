"""InfoNCE between two views of photos, and between photos and the captions they share."""

import torch
import torch.nn.functional as F
from torch import Tensor


def image_image_loss(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Loss in both directions between two views of n photos, and how often a view found its twin.

    `logits` (n, n) are scaled similarities, twins on the diagonal; both results are scalars.
    """
    twin = torch.arange(len(logits), device=logits.device)
    loss = (F.cross_entropy(logits, twin) + F.cross_entropy(logits.T, twin)) / 2
    return loss, (logits.argmax(dim=1) == twin).float().mean()


def image_text_loss(logits: Tensor, caption_of: Tensor) -> tuple[Tensor, Tensor]:
    """Loss in both directions between n photos and m distinct captions, and the photos' accuracy.

    `logits` (n, m) are scaled similarities, `caption_of` int64 (n,) the captions' columns. Photos
    of one town share their caption: each of them is a right answer for it, none a wrong one.
    """
    to_text = F.cross_entropy(logits, caption_of)
    right = F.one_hot(caption_of, logits.shape[1]).to(logits.dtype)
    to_image = -(right * logits.log_softmax(dim=0)).sum(dim=0) / right.sum(dim=0)
    accuracy = (logits.argmax(dim=1) == caption_of).float().mean()
    return (to_text + to_image.mean()) / 2, accuracy
