"""Linear-probing GEM: multinomial logistic regression on frozen image features, and what it is fitted to.

`Probe` is exactly scikit-learn's `LogisticRegression` (CLIP's recipe for a linear probe), found in some twenty passes
over the features instead of hundreds; docs/im2city.md says which parts are the paper's.
"""

from g3lib.im2city.probing.choosing import GRID, Choice, choose_c
from g3lib.im2city.probing.errors import BadFeatures, BadTargets, EmptyClass, NotEnoughShots, ProbeError
from g3lib.im2city.probing.probe import Probe, fit_probe
from g3lib.im2city.probing.shots import draw_shots
from g3lib.im2city.probing.soft_targets import soft_targets

__all__ = [
    "GRID",
    "BadFeatures",
    "BadTargets",
    "Choice",
    "EmptyClass",
    "NotEnoughShots",
    "Probe",
    "ProbeError",
    "choose_c",
    "draw_shots",
    "fit_probe",
    "soft_targets",
]
