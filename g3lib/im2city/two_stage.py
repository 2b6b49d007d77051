"""StreetCLIP's two stages: first the country, then one of its most populous cities ("hierarchical linear probing").

Its prompts and label sets are in `prompts`. Only the cities of the country that was named compete in the second stage,
so that a photo is compared with some 200 + 30 prompts, not with thousands.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.im2city.labels import NONE
from g3lib.im2city.model import ROWS, CityModel, Matrix, softmax
from g3lib.im2city.zero_shot import zero_shot_model


@dataclass(frozen=True)
class Answers:
    """What is said of n photos, best first; NONE and probability 0 where a country has fewer cities.

    countries: (n,) int64, rows of the country labels. country_probabilities: (n,) float32.
    cities: (n, top) int64, rows of the city labels, all of that country.
    probabilities: (n, top) float32, of the country times of the city among the country's.
    """

    countries: NDArray[np.int64]
    country_probabilities: NDArray[np.float32]
    cities: NDArray[np.int64]
    probabilities: Matrix


@dataclass(frozen=True)
class TwoStage:
    """Two classifiers, one behind the other, and their labels (schema LABELS, in the order of the models' rows).

    country_of: (cities,) int64, the row of each city's country.
    """

    countries: CityModel
    cities: CityModel
    country_labels: pl.DataFrame
    city_labels: pl.DataFrame
    country_of: NDArray[np.int64]

    def answers(self, features: NDArray[np.floating], top: int = 5) -> Answers:
        """The country of each photo (n, d), float16 or float32, and its best `top` cities.

        Within each stage, a softmax of 100 times the cosine. Equal ones are in the order of the labels. ValueError if
        the features are of another encoder, or not finite.
        """
        starts = range(0, max(len(features), 1), ROWS)
        blocks = [self._answers(features[start : start + ROWS], top, start) for start in starts]
        columns = ([getattr(block, each.name) for block in blocks] for each in fields(Answers))
        return Answers(*map(np.concatenate, columns))

    def _answers(self, features: NDArray[np.floating], top: int, first: int) -> Answers:
        """Of one block, whose first photo has that number."""
        chances = self._country_chances(features, first)
        named = chances.argmax(axis=1)
        chance = chances[np.arange(len(named)), named]
        cities = np.full((len(named), top), NONE, np.int64)
        found = np.zeros((len(named), top), np.float32)
        for country in np.unique(named):
            photos = np.flatnonzero(named == country)
            own = np.flatnonzero(self.country_of == country)
            best, shares = self._best_of(own, features[photos], top)
            cities[photos, : best.shape[1]] = best
            found[photos, : best.shape[1]] = shares
        return Answers(named, chance, cities, found * chance[:, None])

    def _country_chances(self, features: NDArray[np.floating], first: int) -> Matrix:
        chances = self.countries.probabilities(features)
        finite = np.isfinite(chances).all(axis=1)
        if not finite.all():
            row = first + int(finite.argmin())
            raise ValueError(f"the features of photo {row} are not finite; compute them again")
        return chances

    def _best_of(
        self, own: NDArray[np.int64], features: NDArray[np.floating], top: int
    ) -> tuple[NDArray[np.int64], Matrix]:
        """The best of a country's own cities (rows), and their probabilities among these alone."""
        among = replace(self.cities, weights=self.cities.weights[own], bias=self.cities.bias[own])
        logits = among.logits(features)
        # by logits: far from the best, probabilities are all 0
        order = np.argsort(-logits, axis=1, kind="stable")[:, :top]
        return own[order], np.take_along_axis(softmax(logits), order, axis=1)


def two_stage_model(
    country_labels: pl.DataFrame,
    city_labels: pl.DataFrame,
    country_features: NDArray[np.floating],
    city_features: NDArray[np.floating],
) -> TwoStage:
    """The model of text features (countries, d) and (cities, d), un-normalised, row for row of the labels' prompts.

    ValueError for features that do not go with the labels, a city of a country that is no label, and a country without
    cities: it would have no answer.
    """
    for what, labels, features in (
        ("country", country_labels, country_features),
        ("city", city_labels, city_features),
    ):
        if features.ndim != 2 or len(features) != labels.height:
            raise ValueError(f"{what} features {features.shape} for {labels.height} labels; each has one")
    rows = {code: row for row, code in enumerate(country_labels["country_code"])}
    if unknown := sorted({*city_labels["country_code"]} - rows.keys()):
        raise ValueError(
            f"cities of {unknown[:5]}, which are no country labels; leave them out, or add the countries"
        )
    if empty := sorted(rows.keys() - {*city_labels["country_code"]}):
        raise ValueError(f"no city of {empty[:5]}; add one of each, or leave the countries out")
    country_of = np.array([rows[code] for code in city_labels["country_code"]], np.int64)
    countries, cities = (zero_shot_model(each[None], [1.0]) for each in (country_features, city_features))
    return TwoStage(countries, cities, country_labels, city_labels, country_of)
