"""First the country, then its cities: as a loop over photos in float64 has it."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from g3lib.im2city import two_stage
from g3lib.im2city.labels import LABELS, NONE
from g3lib.im2city.two_stage import TwoStage, two_stage_model

CODES = ("it", "fr", "nr", "us")
SIZES = (7, 3, 1, 30)  # cities of each
WIDTH = 6


def labels(codes: list[str], cities: list[str | None]) -> pl.DataFrame:
    rows = zip(codes, cities, strict=True)
    found = [(city or code, city, code.upper(), code, 1.0, 2.0) for code, city in rows]
    return pl.DataFrame(found, schema=LABELS, orient="row")


def drawn(seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame, NDArray[np.float16], NDArray[np.float16]]:
    """Countries, and cities that do not stand in the countries' order, with text features."""
    numbers = np.random.default_rng(seed)
    codes = [code for code, size in zip(CODES, SIZES, strict=True) for _ in range(size)]
    order = numbers.permutation(len(codes))
    cities = labels([codes[row] for row in order], [f"city {row}" for row in order])
    countries = labels([*CODES], [None] * len(CODES))
    texts = (
        numbers.normal(size=(size, WIDTH)).astype(np.float16) for size in (countries.height, cities.height)
    )
    return countries, cities, *texts


@pytest.fixture(scope="module")
def model() -> TwoStage:
    return two_stage_model(*drawn())


@pytest.fixture(scope="module")
def photos() -> NDArray[np.float16]:
    return (np.random.default_rng(1).normal(size=(300, WIDTH)) * 8).astype(np.float16)


def chances(texts: NDArray[np.float16], photo: NDArray[np.float16]) -> NDArray[np.float64]:
    """The softmax of 100 times the cosine, in float64."""
    rows, one = texts.astype(np.float64), photo.astype(np.float64)
    logits = 100 * (rows @ one) / (np.linalg.norm(rows, axis=1) * np.linalg.norm(one))
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def test_against_a_loop(model: TwoStage, photos: NDArray[np.float16]) -> None:
    countries, cities, country_texts, city_texts = drawn()
    found = model.answers(photos, top=5)
    assert len(set(found.countries.tolist())) == len(CODES)
    for row, photo in enumerate(photos):
        first = chances(country_texts, photo)
        country = int(first.argmax())
        own = np.flatnonzero((cities["country_code"] == countries["country_code"][country]).to_numpy())
        second = chances(city_texts[own], photo)
        best = own[np.argsort(-second, kind="stable")][:5]
        assert found.countries[row] == country
        assert found.country_probabilities[row] == pytest.approx(first[country], abs=1e-4)
        assert found.cities[row].tolist() == [*best, *[NONE] * (5 - len(best))]
        expected = first[country] * np.sort(second)[::-1][:5]
        assert np.allclose(found.probabilities[row, : len(best)], expected, atol=1e-4)
        assert not found.probabilities[row, len(best) :].any()


def test_cities_are_of_the_country_and_all_of_them_share_its_probability(
    model: TwoStage, photos: NDArray[np.float16]
) -> None:
    found = model.answers(photos, top=40)
    assert found.cities.dtype == np.int64 and found.cities.shape == (300, 40)
    there = found.cities != NONE
    assert (model.country_of[found.cities] == found.countries[:, None])[there].all()
    assert (there.sum(axis=1) == np.array(SIZES)[found.countries]).all()
    assert np.allclose(found.probabilities.sum(axis=1), found.country_probabilities, atol=1e-5)


def test_blocks_change_nothing(
    model: TwoStage, photos: NDArray[np.float16], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model.answers(photos)
    monkeypatch.setattr(two_stage, "ROWS", 7)
    parts = model.answers(photos)
    assert np.array_equal(parts.cities, whole.cities) and np.array_equal(parts.countries, whole.countries)
    assert np.allclose(parts.probabilities, whole.probabilities, atol=1e-6)


def test_no_photos_have_no_answers(model: TwoStage) -> None:
    found = model.answers(np.empty((0, WIDTH), np.float16))
    assert found.cities.shape == (0, 5) and found.countries.shape == (0,)


def test_a_city_far_better_than_its_country_does_not_compete(model: TwoStage) -> None:
    """The photo is a city's own text, yet the country decides."""
    _, _, country_texts, city_texts = drawn()
    italian = int(np.flatnonzero(model.country_of == 0)[0])
    photo = (country_texts[3] * np.float16(4) + city_texts[italian])[None]
    assert model.answers(photo).countries.tolist() == [3]
    assert italian not in model.answers(photo, top=30).cities


def test_bad_input_has_a_name(model: TwoStage, photos: NDArray[np.float16]) -> None:
    countries, cities, country_texts, city_texts = drawn()
    with pytest.raises(ValueError, match="they are of another encoder"):
        model.answers(photos[:, :4])
    broken = photos.copy()
    broken[123] = np.nan
    with pytest.raises(ValueError, match="features of photo 123 are not finite"):
        model.answers(broken)
    with pytest.raises(ValueError, match=r"country features \(3, 6\) for 4 labels"):
        two_stage_model(countries, cities, country_texts[:3], city_texts)
    with pytest.raises(ValueError, match=r"no city of \['nr'\]; add one of each"):
        kept = (cities["country_code"] != "nr").to_numpy()
        two_stage_model(countries, cities.filter(kept), country_texts, city_texts[kept])
    with pytest.raises(ValueError, match=r"cities of \['us'\], which are no country labels"):
        two_stage_model(countries[:3], cities, country_texts[:3], city_texts)
    with pytest.raises(ValueError, match="which has no direction"):
        two_stage_model(countries, cities, country_texts * np.float16(0), city_texts)
