"""Whether a model knows that labels are places: likeness of labels against distance, and where wrong answers lie."""

from g3lib.im2city.proximity.chance import AGAINST_CHANCE
from g3lib.im2city.proximity.mantel import Comparison, Mantel, compare_models, mantel
from g3lib.im2city.proximity.maps import EMBEDDING_MAP, EmbeddingMap, embedding_map
from g3lib.im2city.proximity.matrices import PAIRS, label_distances, label_pairs, label_similarities
from g3lib.im2city.proximity.nearest import NEAREST, nearest_labels, nearest_summary
from g3lib.im2city.proximity.wrong_answers import WRONG_DISTANCES, wrong_answers, wrong_distances

__all__ = [
    "AGAINST_CHANCE",
    "EMBEDDING_MAP",
    "NEAREST",
    "PAIRS",
    "WRONG_DISTANCES",
    "Comparison",
    "EmbeddingMap",
    "Mantel",
    "compare_models",
    "embedding_map",
    "label_distances",
    "label_pairs",
    "label_similarities",
    "mantel",
    "nearest_labels",
    "nearest_summary",
    "wrong_answers",
    "wrong_distances",
]
