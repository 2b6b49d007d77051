"""How sure a model may be: temperatures, reliability, and sets of cities that hold the truth so often."""

from g3lib.im2city.certainty.prediction_sets import (
    SetStatistics,
    conformal_threshold,
    cross_fitted_thresholds,
    prediction_sets,
    set_statistics,
)
from g3lib.im2city.certainty.reliability import RELIABILITY, calibration_error, reliability
from g3lib.im2city.certainty.temperature import Temperature, fit_temperature

__all__ = [
    "RELIABILITY",
    "SetStatistics",
    "Temperature",
    "calibration_error",
    "conformal_threshold",
    "cross_fitted_thresholds",
    "fit_temperature",
    "prediction_sets",
    "reliability",
    "set_statistics",
]
