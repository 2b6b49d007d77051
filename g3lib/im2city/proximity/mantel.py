"""Whether labels that a model holds alike lie near one another: Mantel's test, and two models beside each other.

PyPI's `mantel` draws from numpy's global generator, so it has no seed of an experiment's own, and scikit-bio brings
h5py, statsmodels and more; the test itself is a correlation and a loop.
"""

from dataclasses import dataclass

from g3lib.im2city.proximity.chance import PERMUTATIONS, against
from g3lib.im2city.proximity.correlations import (
    LEAST,
    Method,
    correlations,
    jackknife,
    permuted_correlations,
)
from g3lib.im2city.proximity.matrices import Matrix, check


@dataclass(frozen=True)
class Mantel:
    """The correlation of similarity with distance over all pairs of k labels: below 0 if near labels are alike.

    low, high: 95 % jackknife interval over labels. p: one-sided, of so low a correlation when places are dealt to
    labels at random; null_*: the mean and middle 95 % of those correlations.
    """

    labels: int
    statistic: float
    low: float
    high: float
    p: float
    permutations: int
    null_mean: float
    null_low: float
    null_high: float


@dataclass(frozen=True)
class Comparison:
    """Two models' correlations with distance, and the first less the other: below 0 if the first's is stronger.

    low, high: the difference's 95 % jackknife interval over labels: whether the models differ. p: one-sided, of so low
    a difference when places are dealt at random, to both models alike: whether it could be there if *neither* knew
    of places.
    """

    labels: int
    statistic: float
    other_statistic: float
    difference: float
    low: float
    high: float
    p: float
    permutations: int


def mantel(
    similarity: Matrix,
    distance: Matrix,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    method: Method = "spearman",
) -> Mantel:
    """Mantel's test of two (k, k) float64 matrices (Mantel 1967); random permutations even where all could be tried.

    `spearman` correlates ranks, `pearson` values. Raises ValueError for fewer than 4 labels, for matrices that are not
    symmetric and finite, and where all pairs are equally similar or equally far.
    """
    check(similarity, distance, LEAST)
    statistic = float(correlations([similarity], distance, method)[0])
    null = permuted_correlations([similarity], distance, method, permutations, seed)[0]
    found = against(null, statistic, "lower")
    low, high = jackknife([similarity], distance, method, [1.0])
    numbers = (statistic, low, high, found.p, permutations, found.mean, found.low, found.high)
    return Mantel(len(distance), *numbers)


def compare_models(
    similarity: Matrix,
    other: Matrix,
    distance: Matrix,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    method: Method = "spearman",
) -> Comparison:
    """GEM beside a one-hot classifier, say: similarities of the same k labels by two models.

    Every permutation and every label left out goes for both models, so the difference is paired. Raises as `mantel`.
    """
    check(similarity, distance, LEAST)
    check(other, distance, LEAST)
    both = [similarity, other]
    one, second = correlations(both, distance, method).tolist()
    null = permuted_correlations(both, distance, method, permutations, seed)
    low, high = jackknife(both, distance, method, [1.0, -1.0])
    p = against(null[0] - null[1], one - second, "lower").p
    return Comparison(len(distance), one, second, one - second, low, high, p, permutations)
