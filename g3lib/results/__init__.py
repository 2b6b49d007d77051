"""From predictions to tables: metrics, intervals, accuracies, and how people see them."""

from g3lib.results.accuracy import accuracy_table, summary_table
from g3lib.results.metrics import THRESHOLDS_KM, geoscore, hits

__all__ = ["THRESHOLDS_KM", "accuracy_table", "geoscore", "hits", "summary_table"]
