"""Wrong answers against chance: by hand, against every deal of few photos, and in worlds that are known."""

from itertools import permutations

import numpy as np
import pytest
from drawn_labels import positions, world
from numpy.typing import NDArray

from g3lib.im2city.proximity import (
    AGAINST_CHANCE,
    WRONG_DISTANCES,
    label_distances,
    wrong_answers,
    wrong_distances,
)

Rows = NDArray[np.int64]
COUNTRIES = ["a", "a", "b", "b", "b", None]
MEASURES = ("mean km", "median km", "same country", "same country in the top five")


def drawn(photos: int, labels: int = 6, seed: int = 0) -> tuple[Rows, Rows]:
    """Truths, some of no label, and the top five, which know nothing."""
    generator = np.random.default_rng(seed)
    top = np.array([generator.permutation(labels)[:5] for _ in range(photos)])
    return generator.integers(-1, labels, photos), top


def by_hand(truth: Rows, top: Rows, answer: Rows, distance: NDArray[np.float64]) -> list[float]:
    """The four measures of answers and top fives, in loops; right answers are left out."""
    km, same, five = [], [], []
    for true, named, labels in zip(truth.tolist(), answer.tolist(), top.tolist(), strict=True):
        known = COUNTRIES[true] is not None
        five += [
            COUNTRIES[each] == COUNTRIES[true]
            for each in labels
            if each != true and known and COUNTRIES[each]
        ]
        if named != true:
            km.append(distance[true, named])
            same += [COUNTRIES[named] == COUNTRIES[true]] if known and COUNTRIES[named] else []
    return [float(np.mean(km)), float(np.median(km)), float(np.mean(same)), float(np.mean(five))]


def test_measures_and_their_chance_are_those_of_loops() -> None:
    truth, top = drawn(8, seed=1)
    distance = label_distances(*positions(6))
    wrong = (truth != top[:, 0]) & (truth >= 0)
    found = wrong_answers(truth, top[:, 0], distance, countries=COUNTRIES, top5=top, permutations=4_999)
    assert found.schema == AGAINST_CHANCE and found["measure"].to_list() == list(MEASURES)
    assert set(found["n"]) == {wrong.sum()}
    own, five = truth[wrong], top[wrong]
    assert found["measured"].to_list() == pytest.approx(by_hand(own, five, five[:, 0], distance))
    every = np.array(
        [
            by_hand(own, five[list(order)], five[list(order), 0], distance)
            for order in permutations(range(len(own)))
        ]
    )
    assert len(every) >= 120
    assert found["chance"].to_list() == pytest.approx(every.mean(axis=0), rel=0.05)
    low = (every[:, :2] <= np.array(found["measured"][:2]) + 1e-9).mean(axis=0)
    high = (every[:, 2:] >= np.array(found["measured"][2:]) - 1e-9).mean(axis=0)
    assert found["p"].to_list() == pytest.approx([*low, *high], abs=0.03)


def test_answers_that_err_nearby_are_nearer_than_chance() -> None:
    distance = label_distances(*positions(20))
    countries = [str(int(each > 0)) for each in positions(20)[1]]
    truth = np.random.default_rng(0).integers(0, 20, 300)
    near = distance.argsort(axis=1)[truth]
    top = np.where(np.arange(300)[:, np.newaxis] % 3 > 0, near[:, :5], near[:, 1:6])  # a third wrong
    found = wrong_answers(truth, top[:, 0], distance, countries=countries, top5=top, permutations=999)
    assert set(found["n"]) == {100} and set(found["p"]) == {0.001}
    assert (found["measured"] < found["chance_low"])[:2].all() and (found["measured"] > found["chance_high"])[
        2:
    ].all()


def test_p_is_even_where_wrong_answers_know_nothing() -> None:
    p = []
    distance = label_distances(*positions(12))
    for seed in range(80):
        truth, top = drawn(60, 12, seed)
        p.append(wrong_answers(truth, top[:, 0], distance, permutations=49, seed=seed)["p"][0])
    assert 0.4 < np.mean(p) < 0.6 and np.mean(np.array(p) <= 0.1) < 0.2


def test_nothing_wrong_is_a_row_of_nulls() -> None:
    distance, right = label_distances(*positions(6)), np.array([0, 1, 5])
    found = wrong_answers(right, right, distance, countries=COUNTRIES, permutations=9)
    assert found["measure"].to_list() == list(MEASURES[:3]) and set(found["n"]) == {0}
    assert found["measured"].null_count() == found["p"].null_count() == 3
    none = wrong_answers(np.array([-1, -1]), np.array([2, 3]), distance, permutations=9)
    assert set(none["n"]) == {0}
    assert wrong_distances(right, right, distance, permutations=9)["share"].null_count() == 21


def test_two_photos_that_swapped_their_labels_leave_nothing_to_chance() -> None:
    """Any other deal makes both right, and says nothing."""
    distance = label_distances(*positions(6))
    found = wrong_answers(np.array([0, 1]), np.array([1, 0]), distance, permutations=99).row(0, named=True)
    assert found["p"] == 1.0
    assert found["measured"] == found["chance"] == found["chance_low"] == pytest.approx(distance[0, 1])


def test_right_answers_and_photos_of_no_label_do_not_matter() -> None:
    truth, top = drawn(40)
    distance = label_distances(*positions(6))
    kept = (truth >= 0) & (truth != top[:, 0])
    whole = wrong_answers(truth, top[:, 0], distance, permutations=99)
    assert whole.equals(wrong_answers(truth[kept], top[kept, 0], distance, permutations=99))


def test_distances_of_wrong_answers_are_a_histogram() -> None:
    truth, top = drawn(200)
    distance = label_distances(*positions(6))
    found = wrong_distances(truth, top[:, 0], distance, permutations=200)
    assert found.schema == WRONG_DISTANCES and found.height == 21
    wrong = (truth >= 0) & (truth != top[:, 0])
    km = distance[truth[wrong], top[wrong, 0]]
    assert found["share"].to_list() == pytest.approx(
        np.histogram(km, np.arange(0, 22_000, 1_000))[0] / len(km)
    )
    for name in ("share", "chance"):
        assert found[name].sum() == pytest.approx(1.0)
    assert (found["chance_low"] <= found["chance"]).all() and (found["chance"] <= found["chance_high"]).all()
    two = wrong_distances(truth, top[:, 0], distance, edges_km=(0, float(np.median(km))), permutations=9)
    assert two["share"].item() == pytest.approx((km < np.median(km)).mean())


def test_labels_that_do_not_exist_are_refused() -> None:
    _, distance = world(6, 1.0)
    one = np.array([0])
    with pytest.raises(ValueError, match=r"predicted is .* from 0 to 6; row numbers of 6 labels"):
        wrong_answers(one, np.array([6]), distance)
    with pytest.raises(ValueError, match=r"truth is .* from -2"):
        wrong_answers(np.array([-2]), one, distance)
    with pytest.raises(ValueError, match=r"top5 is \(2, 5\) for 1 photos"):
        wrong_answers(one, one, distance, countries=COUNTRIES, top5=np.zeros((2, 5), np.int64))
    with pytest.raises(ValueError, match="5 countries for 6 labels"):
        wrong_answers(one, one, distance, countries=["a"] * 5)
    with pytest.raises(ValueError, match="permutations=-5"):
        wrong_distances(one, one, distance, permutations=-5)
