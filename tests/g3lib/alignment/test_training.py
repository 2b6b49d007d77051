"""Training moves what it should, the same way each time, and says when it fails."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from g3lib.alignment.model import GeoAlignment
from g3lib.alignment.training import AlignmentData, TrainingDiverged, losses, symmetric_info_nce, train
from g3lib.experiments.alignment import AlignmentSettings

SETTINGS = AlignmentSettings(
    rff_frequencies=8, hidden=16, location=8, epochs=3, batch_size=8, learning_rate=1e-3, seed=5
)
WIDTH = 12
TEXT_ONLY = ("text_projection_else", "vision_projection_else_1", "logit_scale1")


def toy(photos: int = 20, seed: int = 0) -> AlignmentData:
    generator = torch.Generator().manual_seed(seed)
    return AlignmentData(
        image=torch.randn(photos, WIDTH, generator=generator),
        text=torch.randn(4, WIDTH, generator=generator),
        text_rows=torch.arange(photos) % 4,
        coordinates=torch.rand(photos, 2, generator=generator, dtype=torch.float64) * 80,
    )


def trained(
    data: AlignmentData, with_text: bool = True, **changes: float
) -> tuple[GeoAlignment, list[dict[str, float]]]:
    course = list[dict[str, float]]()
    settings = SETTINGS.model_copy(update=changes)
    model = train(data, settings, with_text, lambda epoch, metrics: course.append(metrics | {"epoch": epoch}))
    return model, course


def initial() -> dict[str, Tensor]:
    torch.manual_seed(SETTINGS.seed)
    return GeoAlignment(WIDTH, SETTINGS).state_dict()


# --- the loss


def test_info_nce_of_two_orthogonal_pairs() -> None:
    """Logits are s on the diagonal and 0 beside it: each direction costs log(1 + exp(-s))."""
    pairs, scale = torch.eye(2), torch.tensor(math.log(3.0))
    assert symmetric_info_nce(pairs, pairs, scale).item() == pytest.approx(math.log1p(math.exp(-3.0)))
    assert symmetric_info_nce(pairs, pairs.flip(0), scale).item() == pytest.approx(math.log1p(math.exp(3.0)))


def test_info_nce_of_indistinguishable_pairs_is_the_logarithm_of_their_number() -> None:
    same = torch.nn.functional.normalize(torch.ones(7, 3), dim=-1)
    assert symmetric_info_nce(same, same, torch.tensor(2.0)).item() == pytest.approx(math.log(7))


def test_info_nce_against_a_float64_reference() -> None:
    generator = np.random.default_rng(0)
    a, b = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in generator.normal(size=(2, 9, 5)))
    logits = math.exp(1.5) * a @ b.T
    rows = np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)
    columns = np.log(np.exp(logits).sum(axis=0)) - np.diag(logits)
    expected = (rows.mean() + columns.mean()) / 2
    found = symmetric_info_nce(torch.tensor(a).float(), torch.tensor(b).float(), torch.tensor(1.5))
    assert found.item() == pytest.approx(expected, rel=1e-5)
    swapped = symmetric_info_nce(torch.tensor(b).float(), torch.tensor(a).float(), torch.tensor(1.5))
    assert swapped.item() == pytest.approx(found.item(), rel=1e-6)


# --- training


def test_the_losses_fall() -> None:
    _, course = trained(toy(), epochs=40)
    for name in ("loss_image_text", "loss_image_gps"):
        assert course[-1][name] < 0.6 * course[0][name]


def test_every_epoch_is_reported_with_its_rate() -> None:
    _, course = trained(toy())
    assert [each["epoch"] for each in course] == [0, 1, 2]
    assert [each["learning_rate"] for each in course] == pytest.approx([1e-3 * 0.87**n for n in range(3)])


def test_an_epochs_loss_is_the_mean_over_its_photos() -> None:
    """One batch holds all photos, so the first epoch reports the loss of the untrained model."""
    data = toy()
    _, course = trained(data, batch_size=20, epochs=1)
    torch.manual_seed(SETTINGS.seed)
    model = GeoAlignment(WIDTH, SETTINGS)
    with torch.inference_mode():
        text, gps = losses(model, data.image, data.text[data.text_rows], data.coordinates)
    assert course[0]["loss_image_text"] == pytest.approx(text.item(), rel=1e-5)
    assert course[0]["loss_image_gps"] == pytest.approx(gps.item(), rel=1e-5)


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    first, second, other = (trained(toy(), seed=seed)[0].state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first if name.endswith("0.weight"))


def test_the_seed_does_not_depend_on_what_was_drawn_before() -> None:
    first, _ = trained(toy())
    torch.randn(7)
    second, _ = trained(toy())
    assert torch.equal(first.logit_scale2, second.logit_scale2)


def test_with_text_everything_moves_but_the_frequencies_and_the_unused_temperature() -> None:
    before, after = initial(), trained(toy())[0].state_dict()
    still = {name for name, each in after.items() if torch.equal(each, before[name])}
    # weight decay alone never moves what has no gradient
    assert still == {"logit_scale3", *(f"location_encoder.LocEnc{i}.capsule.0.b" for i in range(3))}


def test_without_text_the_text_heads_stay_as_they_were_born() -> None:
    before, after = initial(), trained(toy(), with_text=False, weight_decay=0.5)[0].state_dict()
    for name, each in after.items():
        is_fixed = name.startswith(TEXT_ONLY) or name.endswith("capsule.0.b") or name == "logit_scale3"
        assert torch.equal(each, before[name]) == is_fixed, name


def test_a_last_batch_of_one_photo_is_left_out() -> None:
    """It has no negatives: its loss is zero and would dilute the mean."""
    data = toy(photos=9)
    _, course = trained(data, epochs=1)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(SETTINGS.seed))[:8]
    torch.manual_seed(SETTINGS.seed)
    model = GeoAlignment(WIDTH, SETTINGS)
    with torch.inference_mode():
        _, gps = losses(model, data.image[order], data.text[data.text_rows[order]], data.coordinates[order])
    assert course[0]["loss_image_gps"] == pytest.approx(gps.item(), rel=1e-5)


def test_the_trained_model_is_frozen() -> None:
    model, _ = trained(toy(), epochs=1)
    assert not model.training and model.trainable_parameters() == 0


def test_a_diverging_rate_is_named() -> None:
    with pytest.raises(TrainingDiverged, match=r"lower alignment\.learning_rate \(now 1e\+30\)"):
        trained(toy(), learning_rate=1e30)


def test_features_that_are_no_numbers_are_noticed() -> None:
    data = toy()
    data.image[3, 4] = float("nan")
    with pytest.raises(TrainingDiverged, match="non-finite features"):
        trained(data, epochs=1)
