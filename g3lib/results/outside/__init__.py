"""Anybody's predictions, scored as ours are.

Columns are recognised, ids matched, and every row's fate is told; the measures are the same functions as for ours.
"""

from g3lib.results.outside.beside import Beside, beside
from g3lib.results.outside.columns import BadPredictions, NoTruth, parse_columns
from g3lib.results.outside.judging import Judged, judge
from g3lib.results.outside.keeping import Making, config_of, is_kept, keep
from g3lib.results.outside.measuring import Scored, measure
from g3lib.results.outside.truth import Truth, truth_of_file, truth_of_photos

__all__ = [
    "BadPredictions",
    "Beside",
    "Judged",
    "Making",
    "NoTruth",
    "Scored",
    "Truth",
    "beside",
    "config_of",
    "is_kept",
    "judge",
    "keep",
    "measure",
    "parse_columns",
    "truth_of_file",
    "truth_of_photos",
]
