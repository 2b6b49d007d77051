"""Few photos of each label: as many as asked, nested, each label's own; too few are named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from g3lib.im2city.probing import BadTargets, EmptyClass, NotEnoughShots, ProbeError, draw_shots

KINDS = 3


@st.composite
def targets_and_shots(draw: st.DrawFn) -> tuple[NDArray[np.int64], int]:
    """Each class often enough, and rows of none of them in between, in any order."""
    shots = draw(st.integers(1, 5))
    counts = draw(st.lists(st.integers(shots, 9), min_size=KINDS, max_size=KINDS))
    rows = np.repeat(np.arange(-1, KINDS), [draw(st.integers(0, 5)), *counts])
    return np.array(draw(st.permutations(rows.tolist())), dtype=np.int64), shots


@settings(deadline=None, max_examples=50)
@given(targets_and_shots(), st.integers(0, 2**32))
def test_as_many_of_each_and_none_twice(asked: tuple[NDArray[np.int64], int], seed: int) -> None:
    targets, shots = asked
    found = draw_shots(targets, KINDS, shots, seed)
    assert targets[found].tolist() == np.repeat(np.arange(KINDS), shots).tolist()
    assert len(set(found.tolist())) == len(found) and found.dtype == np.int64
    assert np.array_equal(found, draw_shots(targets, KINDS, shots, seed))


@settings(deadline=None, max_examples=50)
@given(targets_and_shots(), st.integers(0, 2**32))
def test_fewer_shots_are_the_first_of_more(asked: tuple[NDArray[np.int64], int], seed: int) -> None:
    targets, shots = asked
    most = draw_shots(targets, KINDS, shots, seed).reshape(KINDS, shots)
    for fewer in range(1, shots):
        assert np.array_equal(draw_shots(targets, KINDS, fewer, seed), most[:, :fewer].ravel())


@settings(deadline=None, max_examples=50)
@given(targets_and_shots(), st.integers(0, 2**32), st.integers(0, KINDS - 1), st.integers(1, 9))
def test_more_photos_of_other_labels_change_nothing(
    asked: tuple[NDArray[np.int64], int], seed: int, other: int, more: int
) -> None:
    targets, shots = asked
    before = draw_shots(targets, KINDS, shots, seed).reshape(KINDS, shots)
    after = draw_shots(np.append(targets, [other] * more), KINDS, shots, seed).reshape(KINDS, shots)
    same = np.arange(KINDS) != other
    assert np.array_equal(before[same], after[same])


def test_every_photo_is_as_likely_and_seeds_and_labels_differ() -> None:
    targets = np.tile(np.arange(2), 20)
    drawn = np.stack([draw_shots(targets, 2, 5, seed) for seed in range(400)])
    often = np.bincount(drawn.ravel(), minlength=40)
    assert often.min() > 60 and often.max() < 145  # 100 expected, standard deviation 8.7
    assert (drawn[:, :5] // 2 != drawn[:, 5:] // 2).any(axis=1).mean() > 0.99


def test_one_shot_more_than_exists_is_named() -> None:
    targets = np.array([0, 0, 1, 1, 1, 2, 2, 2, 2, -1])
    assert len(draw_shots(targets, 3, 2, 0)) == 6
    with pytest.raises(
        NotEnoughShots, match=r"3 shots of Oslo: there are 2 photos of Oslo; ask for at most 2"
    ) as one:
        draw_shots(targets, 3, 3, 0, ("Oslo", "Kiev", "Rome"))
    assert (one.value.wanted, one.value.found) == (3, {0: 2})
    with pytest.raises(NotEnoughShots, match="4 shots of class 0, class 1: there are 2 photos of class 0"):
        draw_shots(targets, 3, 4, 0)


def test_a_label_without_photos_is_named() -> None:
    with pytest.raises(EmptyClass, match="no training photo of Kiev"):
        draw_shots(np.array([0, 2, -1]), 3, 1, 0, ("Oslo", "Kiev", "Rome"))
    with pytest.raises(EmptyClass, match="class 0, class 1"):
        draw_shots(np.full(5, -1), 2, 1, 0)


def test_targets_of_no_label_and_no_shots() -> None:
    for wrong in (-2, 3):
        with pytest.raises(
            BadTargets, match=f"1 of 4 targets are none of -1 ... 2, the first is {wrong} in row 3"
        ):
            draw_shots(np.array([0, 1, 2, wrong]), 3, 1, 0)
    with pytest.raises(ProbeError, match="shots=0"):
        draw_shots(np.array([0, 1]), 2, 0, 0)
