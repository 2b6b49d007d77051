"""The loss, by hand, against a float64 reference, and with several positives."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_alignment import SETTINGS, WIDTH, image_of, text_of, toy

from g3lib.alignment.losses import Objective, same_caption, symmetric_info_nce
from g3lib.alignment.model import GeoAlignment
from g3lib.experiments.alignment import AlignmentSettings


def unit(rows: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(rows, 5, generator=generator), dim=-1)


def test_info_nce_of_two_orthogonal_pairs() -> None:
    """Logits are s on the diagonal and 0 beside it: each direction costs log(1 + exp(-s))."""
    pairs, scale = torch.eye(2), torch.tensor(math.log(3.0))
    assert symmetric_info_nce(pairs, pairs, scale).item() == pytest.approx(math.log1p(math.exp(-3.0)))
    assert symmetric_info_nce(pairs, pairs.flip(0), scale).item() == pytest.approx(math.log1p(math.exp(3.0)))


def test_info_nce_of_indistinguishable_pairs_is_the_logarithm_of_their_number() -> None:
    same = torch.nn.functional.normalize(torch.ones(7, 3), dim=-1)
    assert symmetric_info_nce(same, same, torch.tensor(2.0)).item() == pytest.approx(math.log(7))


def test_info_nce_against_a_float64_reference() -> None:
    a, b = unit(9, 1), unit(9, 2)
    logits = math.exp(1.5) * a.double().numpy() @ b.double().numpy().T
    rows = np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)
    columns = np.log(np.exp(logits).sum(axis=0)) - np.diag(logits)
    expected = (rows.mean() + columns.mean()) / 2
    found = symmetric_info_nce(a, b, torch.tensor(1.5))
    assert found.item() == pytest.approx(expected, rel=1e-5)
    swapped = symmetric_info_nce(b, a, torch.tensor(1.5))
    assert swapped.item() == pytest.approx(found.item(), rel=1e-6)


# --- several positives


def test_distinct_captions_give_plain_info_nce() -> None:
    a, b, scale = unit(6, 1), unit(6, 2), torch.tensor(2.0)
    none = same_caption(torch.tensor([5, 3, 1, 0, 9, 2]))
    assert not none.any()
    assert symmetric_info_nce(a, b, scale, none).item() == symmetric_info_nce(a, b, scale).item()


def test_several_positives_against_a_float64_reference() -> None:
    """The mean over anchors of the mean over their positives of -log(e / (e + the other captions' e)), both ways."""
    captions = np.array([0, 1, 0, 2, 0, 1])
    texts, images = unit(3, 1)[captions], unit(6, 2)
    logits = math.exp(1.5) * texts.double().numpy() @ images.double().numpy().T
    expected = 0.0
    for each in (np.exp(logits), np.exp(logits.T)):
        for anchor, row in zip(captions, each, strict=True):
            own, others = row[captions == anchor], row[captions != anchor].sum()
            expected += -np.log(own / (own + others)).mean() / 6 / 2
    found = symmetric_info_nce(texts, images, torch.tensor(1.5), same_caption(torch.from_numpy(captions)))
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_photos_of_one_caption_do_not_push_each_other_away() -> None:
    vectors = unit(2).requires_grad_()
    loss = symmetric_info_nce(vectors, unit(2, 1), torch.tensor(2.0), same_caption(torch.tensor([4, 4])))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0.0 and vectors.grad is not None and vectors.grad.abs().max() == 0.0


# --- what training descends


def objective(with_text: bool = True, **changes: object) -> tuple[Tensor, Tensor, Objective]:
    torch.manual_seed(0)
    settings: AlignmentSettings = SETTINGS.model_copy(update=changes)
    made = Objective(GeoAlignment(WIDTH, settings), settings, with_text)
    data = toy(photos=10)
    captions = torch.from_numpy(data.text_rows)
    loss, means = made(image_of(data), text_of(data), torch.from_numpy(data.coordinates), captions)
    return loss, means, made


def test_the_objective_is_the_sum_of_both_losses() -> None:
    data = toy(photos=10)
    loss, means, made = objective()
    model, image = made.model, image_of(data)
    gps, text = model.gps(torch.from_numpy(data.coordinates)), model.text(text_of(data))
    expected = [
        symmetric_info_nce(text, model.image_text(image), model.logit_scale1).item(),
        symmetric_info_nce(gps, model.image_gps(image), model.logit_scale2).item(),
    ]
    assert means.tolist() == pytest.approx(expected, rel=1e-6)
    assert loss.item() == pytest.approx(sum(means.tolist()), rel=1e-6) and not means.requires_grad


def test_summed_over_the_batch_the_loss_is_so_many_times_the_mean() -> None:
    mean, means, _ = objective()
    total, same_means, _ = objective(loss_reduction="sum")
    assert total.item() == pytest.approx(10 * mean.item(), rel=1e-6) and torch.equal(means, same_means)


def test_several_positives_concern_the_texts_only() -> None:
    _, plain, _ = objective()
    _, several, _ = objective(multiple_positives=True)
    assert several[0].item() != pytest.approx(plain[0].item(), rel=1e-3) and several[1] == plain[1]


def test_without_text_there_is_one_term() -> None:
    _, both, _ = objective()
    loss, means, made = objective(with_text=False)
    assert made.terms == ("loss_image_gps",) and loss.item() == means[0].item() == both[1].item()
