"""The minimiser on functions whose minimum is known, on noise, and where there is no way down."""

import pytest
import torch
from torch import Tensor

from g3lib.im2city.probing.lbfgs import Point, minimise


def bowl(place: Tensor) -> Point:
    """Least, 3, at (1, 2, ...); curvatures from 1 to 1000."""
    heights = torch.logspace(0, 3, len(place), dtype=torch.float64)
    off = place - torch.arange(1, len(place) + 1, dtype=torch.float64)
    return Point(place, 3 + float((heights * off**2).sum()) / 2, heights * off)


def banana(place: Tensor) -> Point:
    """Rosenbrock's, least, 1, at (1, 1)."""
    x, y = place.tolist()
    slopes = [-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)]
    return Point(place, 1 + 100 * (y - x * x) ** 2 + (1 - x) ** 2, torch.tensor(slopes, dtype=torch.float64))


def test_known_minima_are_found() -> None:
    found = minimise(bowl, torch.zeros(20, dtype=torch.float64), 1e-12, 200)
    assert found.converged and found.point.loss == pytest.approx(3, rel=1e-11)
    assert found.point.place.tolist() == pytest.approx(list(range(1, 21)), abs=1e-4)
    curved = minimise(banana, torch.tensor([-1.2, 1.0], dtype=torch.float64), 1e-14, 200)
    assert curved.converged and curved.point.place.tolist() == pytest.approx([1, 1], abs=1e-5)


def test_the_expected_fall_is_about_what_is_still_to_gain() -> None:
    seen: list[tuple[float, float]] = []
    minimise(bowl, torch.zeros(20, dtype=torch.float64), 1e-12, 200, lambda _, *told: seen.append(told))
    gaps = [(loss - 3) / loss / expected for loss, expected in seen[15:] if expected > 1e-10]
    assert len(gaps) > 3 and max(gaps) < 100 and min(gaps) > 0.01


def test_the_loss_may_be_noise_in_its_last_digits() -> None:
    numbers = torch.Generator().manual_seed(0)

    def noisy(place: Tensor) -> Point:
        found = bowl(place)
        return Point(
            place, found.loss * (1 + 1e-7 * float(torch.rand(1, generator=numbers)) / 2), found.gradient
        )

    found = minimise(noisy, torch.zeros(20, dtype=torch.float64), 1e-13, 200)
    assert found.converged and found.point.place.tolist() == pytest.approx(list(range(1, 21)), abs=1e-4)


def test_a_loss_that_is_no_number_is_stepped_back_from() -> None:
    def walled(place: Tensor) -> Point:
        found = bowl(place)
        return (
            found
            if float(place.abs().max()) < 30
            else Point(place, float("nan"), found.gradient * float("nan"))
        )

    assert minimise(walled, torch.zeros(20, dtype=torch.float64), 1e-12, 300).converged


def test_no_way_down_is_an_end_and_not_a_loop() -> None:
    def wrong(place: Tensor) -> Point:
        found = bowl(place)
        return Point(place, found.loss, -found.gradient)

    found = minimise(wrong, torch.zeros(3, dtype=torch.float64), 1e-9, 1000)
    assert not found.converged and found.iterations == 0


def test_who_starts_at_the_minimum_stays() -> None:
    found = minimise(bowl, torch.arange(1, 4, dtype=torch.float64), 1e-9, 100)
    assert found.converged and found.iterations == 0


def test_at_most_so_many_iterations() -> None:
    found = minimise(bowl, torch.zeros(20, dtype=torch.float64), 1e-14, 5)
    assert found.iterations == 5 and not found.converged and found.expected > 1e-14
