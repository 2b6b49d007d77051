"""Training moves what it should, the same way each time, and says when it fails."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_alignment import SETTINGS, WIDTH, means_of, stored, toy, trained

from g3lib.alignment.batches import Batch, Batches
from g3lib.alignment.data import AlignmentData
from g3lib.alignment.model import GeoAlignment
from g3lib.alignment.training import TrainingDiverged, train
from g3lib.features.shards import FeatureShards
from tests.array_rows import ArrayRows

TEXT_ONLY = ("text_projection_else", "vision_projection_else_1", "logit_scale1")


def course_of(data: AlignmentData, **changes: object) -> list[dict[str, float]]:
    course: list[dict[str, float]] = []
    trained(data, course=course, **changes)
    return course


def state(data: AlignmentData, with_text: bool = True, **changes: object) -> dict[str, Tensor]:
    return trained(data, with_text, **changes).model.state_dict()


def initial() -> dict[str, Tensor]:
    torch.manual_seed(SETTINGS.seed)
    return GeoAlignment(WIDTH, SETTINGS).state_dict()


# --- training


def test_the_losses_fall() -> None:
    course = course_of(toy(), epochs=40)
    for name in ("loss_image_text", "loss_image_gps"):
        assert course[-1][name] < 0.6 * course[0][name]


def test_every_epoch_is_reported_with_its_rate() -> None:
    course = course_of(toy())
    assert [each["epoch"] for each in course] == [0, 1, 2]
    assert [each["learning_rate"] for each in course] == pytest.approx([1e-3 * 0.87**n for n in range(3)])


def test_an_epochs_loss_is_the_mean_over_its_photos() -> None:
    """One batch holds all photos, so the first epoch reports the loss of the untrained model."""
    data = toy()
    course = course_of(data, batch_size=20, epochs=1)
    torch.manual_seed(SETTINGS.seed)
    model = GeoAlignment(WIDTH, SETTINGS)
    with torch.inference_mode():
        text, gps = means_of(model, data)
    assert course[0]["loss_image_text"] == pytest.approx(text.item(), rel=1e-5)
    assert course[0]["loss_image_gps"] == pytest.approx(gps.item(), rel=1e-5)


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    first, second, other = (state(toy(), seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first if name.endswith("0.weight"))


def test_the_seed_does_not_depend_on_what_was_drawn_before() -> None:
    first = state(toy())
    torch.randn(7)
    assert torch.equal(first["logit_scale2"], state(toy())["logit_scale2"])


def test_with_text_everything_moves_but_the_frequencies_and_the_unused_temperature() -> None:
    before, after = initial(), state(toy())
    still = {name for name, each in after.items() if torch.equal(each, before[name])}
    # weight decay alone never moves what has no gradient
    assert still == {"logit_scale3", *(f"location_encoder.LocEnc{i}.capsule.0.b" for i in range(3))}


def test_without_text_the_text_heads_stay_as_they_were_born() -> None:
    before, after = initial(), state(toy(), with_text=False, weight_decay=0.5)
    for name, each in after.items():
        is_fixed = name.startswith(TEXT_ONLY) or name.endswith("capsule.0.b") or name == "logit_scale3"
        assert torch.equal(each, before[name]) == is_fixed, name


def test_a_last_batch_of_one_photo_is_left_out() -> None:
    """It has no negatives: its loss is zero and would dilute the mean."""
    data = toy(photos=9)
    course = course_of(data, epochs=1)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(SETTINGS.seed))[:8].numpy()
    torch.manual_seed(SETTINGS.seed)
    model = GeoAlignment(WIDTH, SETTINGS)
    with torch.inference_mode():
        met = data.part(order)
        _, gps = means_of(model, met)
    assert course[0]["loss_image_gps"] == pytest.approx(gps.item(), rel=1e-5)


def test_the_trained_model_is_frozen() -> None:
    model = trained(toy(), epochs=1).model
    assert not model.training and not any(each.requires_grad for each in model.parameters())


def test_a_diverging_rate_is_named() -> None:
    with pytest.raises(TrainingDiverged, match=r"lower alignment\.learning_rate \(now 1e\+30\)"):
        trained(toy(), learning_rate=1e30)


def test_features_that_are_no_numbers_are_noticed() -> None:
    data = toy()
    image = data.image.rows(data.photos)
    image[3, 4] = np.nan
    data = replace(data, image=ArrayRows(image, "spoilt"))
    with pytest.raises(TrainingDiverged, match="non-finite features"):
        trained(data, epochs=1)


def test_too_few_photos_are_named() -> None:
    with pytest.raises(ValueError, match=r"1 photos to train on, 4 held out; at least 2"):
        trained(toy(photos=5, held_out=4))


# --- options


def test_without_text_nothing_is_said_of_it() -> None:
    course: list[dict[str, float]] = []
    trained(toy(), with_text=False, course=course)
    assert all(set(each) == {"epoch", "loss_image_gps", "learning_rate"} for each in course)


def test_unshuffled_every_epoch_goes_through_the_photos_in_order() -> None:
    """With a rate so small that nothing moves, equal batches have equal losses."""
    settings = {"learning_rate": 1e-30, "weight_decay": 0}
    course = course_of(toy(), shuffle=False, **settings)
    assert course[0]["loss_image_gps"] == pytest.approx(course[2]["loss_image_gps"], rel=1e-9)
    shuffled = course_of(toy(), **settings)
    assert shuffled[0]["loss_image_gps"] != pytest.approx(shuffled[2]["loss_image_gps"], rel=1e-4)


def test_the_sum_over_a_batch_reports_the_mean() -> None:
    """And with Adam, which is blind to the loss's scale, training hardly differs."""
    mean, total = course_of(toy()), course_of(toy(), loss_reduction="sum")
    for one, other in zip(mean, total, strict=True):
        assert one["loss_image_gps"] == pytest.approx(other["loss_image_gps"], rel=1e-2)


def test_several_positives_cost_less_where_captions_recur() -> None:
    """Four captions among eight photos of a batch: what no model can tell apart is no longer asked for."""
    plain, several = course_of(toy(), epochs=1), course_of(toy(), epochs=1, multiple_positives=True)
    assert several[0]["loss_image_text"] < plain[0]["loss_image_text"] - 0.3
    assert several[0]["loss_image_gps"] == pytest.approx(plain[0]["loss_image_gps"], rel=1e-6)


def test_held_out_photos_leave_no_trace_in_the_weights() -> None:
    data = toy(photos=24, held_out=4)
    assert torch.equal(state(data)["logit_scale2"], state(data.part(~data.held_out))["logit_scale2"])


def test_photos_per_second_are_counted() -> None:
    assert trained(toy()).photos_per_second > 0


def test_training_begins_with_the_released_gps_encoder(tmp_path: Path) -> None:
    """Paper code: GeoCLIP's; here, with a rate that moves nothing, it is what comes out."""
    torch.manual_seed(99)
    released = GeoAlignment(WIDTH, SETTINGS).location_encoder.state_dict()
    torch.save(released, tmp_path / "geoclip.pth")
    settings = SETTINGS.model_copy(update={"learning_rate": 1e-30, "weight_decay": 0, "epochs": 1})
    found = train(toy(), settings, True, lambda *_: None, location_weights=tmp_path / "geoclip.pth")
    state = found.model.location_encoder.state_dict()
    assert all(torch.equal(state[name], each) for name, each in released.items())


def test_a_long_epoch_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("g3lib.alignment.epochs.WATCHED", 2)
    monkeypatch.setattr("g3lib.alignment.epochs.MINUTE", 0.0)
    told: list[str] = []
    found = train(toy(photos=40), SETTINGS, True, lambda *_: None, remark=told.append)
    assert len(told) == 6 and told[3].startswith("epoch 2: 4 of 5 steps, loss_image_text")
    assert found.remarks == []


# --- features from files


def batches(data: AlignmentData, gigabytes: float) -> list[Batch]:
    made = Batches(data, 7, torch.device("cpu"), gigabytes)
    assert (made.image is None) == (gigabytes == 0)
    return list(made.epoch(torch.randperm(len(data), generator=torch.Generator().manual_seed(1))))


def test_streamed_batches_are_the_resident_ones(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    shards = FeatureShards([stored(tmp_path / f"{n}", numbers.normal(size=(n, WIDTH))) for n in (30, 1, 40)])
    data = replace(toy(photos=60), image=shards, photos=numbers.permutation(71)[:60])
    resident, streamed = batches(data, 8.0), batches(data, 0.0)
    assert [each.size for each in resident] == [7] * 8 + [4] == [each.size for each in streamed]
    for one, other in zip(resident, streamed, strict=True):
        for name in ("image", "text", "coordinates", "captions"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert resident[0].image.dtype == torch.float32 == resident[0].text.dtype


def test_streamed_training_gives_the_same_weights() -> None:
    resident, streamed = state(toy()), state(toy(), resident_gigabytes=0.0)
    assert all(torch.equal(resident[name], streamed[name]) for name in resident)


def test_an_error_while_reading_ends_the_training() -> None:
    class Torn(ArrayRows):
        def rows(self, indices: np.ndarray) -> np.ndarray:
            raise OSError("the disk is gone")

    data = replace(toy(), image=Torn(np.zeros((20, WIDTH), np.float16), "torn"))
    with pytest.raises(OSError, match="the disk is gone"):
        trained(data, resident_gigabytes=0.0)
