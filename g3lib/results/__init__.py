"""From predictions to tables: metrics, intervals, accuracies, and how people see them."""

from g3lib.results.accuracy import accuracy_table, continent_table, place_table, summary_table
from g3lib.results.comparisons import comparison_table
from g3lib.results.diagnosis import diagnose
from g3lib.results.metrics import THRESHOLDS_KM, geoscore, hits

__all__ = [
    "THRESHOLDS_KM",
    "accuracy_table",
    "comparison_table",
    "continent_table",
    "diagnose",
    "geoscore",
    "hits",
    "place_table",
    "summary_table",
]
