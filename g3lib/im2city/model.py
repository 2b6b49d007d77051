"""What every GEM comes down to: a linear map from image features to labels, and a softmax.

Zero-shot, its rows are text features and image features are normalised first; probed, they are what was fitted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
ROWS = 65_536  # of features at once, so that millions fit


@dataclass(frozen=True)
class CityModel:
    """A linear classifier over the d numbers of an encoder's feature.

    weights: (k, d) float32, a row for each label. bias: (k,) float32.
    normalised: whether image features are brought to length 1 first.
    scale: of logits: CLIP's 100 for cosines, 1 for a probe. temperature: what calibration divides them by.
    """

    weights: Matrix
    bias: Matrix
    normalised: bool
    scale: float = 1.0
    temperature: float = 1.0

    def logits(self, features: NDArray[np.floating]) -> Matrix:
        """(n, d) float16 or float32 features to (n, k) float32 logits, divided by the temperature.

        Raises ValueError if the features are not d numbers wide: they are of another encoder.
        """
        if features.ndim != 2 or features.shape[1] != self.weights.shape[1]:
            raise ValueError(
                f"features are {features.shape}, the model takes {self.weights.shape[1]} numbers: they are of another "
                "encoder; compute them with the model's own"
            )
        found = np.empty((len(features), len(self.weights)), np.float32)
        factor = np.float32(self.scale / self.temperature)
        for start in range(0, len(features), ROWS):
            block = features[start : start + ROWS].astype(np.float32)
            products = block @ self.weights.T
            if self.normalised:
                products /= np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-12)
            found[start : start + ROWS] = (products + self.bias) * factor
        return found

    def probabilities(self, features: NDArray[np.floating]) -> Matrix:
        """(n, k) float32: the softmax of `logits`."""
        return softmax(self.logits(features))


def softmax(logits: Matrix) -> Matrix:
    """(n, k) rows that sum to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Matrix = powers / powers.sum(axis=1, keepdims=True)
    return shares
