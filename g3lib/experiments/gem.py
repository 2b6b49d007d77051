"""GEM as data: what turns a photo's features into the label of a city or country, and every parameter of it.

Whether a part is the paper's, its authors' later code's, or our choice where both are silent, docs/im2city.md says.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["zero-shot", "two-stage", "probe"]
LabelSet = Literal["cities", "cities-with-country", "countries"]
Weights = Literal["uniform", "recorded", "recorded-all", "measured"]

KINDS: tuple[Kind, ...] = get_args(Kind)
LABEL_SETS: tuple[LabelSet, ...] = get_args(LabelSet)
WEIGHTS: tuple[Weights, ...] = get_args(Weights)

ENCODER = (
    "encoder"  # the backbone that is the profile's own encoder; others are sections of `im2city.backbones`
)
PROBE_C = 0.316  # of CLIP's own recipe for a linear probe


@dataclass(frozen=True)
class Gem:
    """One way to name the label of a photo.

    kind:       `zero-shot` compares image features with those of prompts; `two-stage` is StreetCLIP's, first the
                country, then one of its most populous cities; `probe` is logistic regression on image features.
    labels:     what is named. `cities-with-country` are the cities, each with its country in the prompt.
    backbone:   whose features: `encoder`, or a section of the profile's `im2city.backbones`.
    templates:  names of prompt templates, in the order of their weights (zero-shot).
    weights:    of an ensemble: equal, as recorded in the authors' script (three or all templates), or a softmax of
                single-template accuracies measured on training photos.
    training:   which of the profile's `im2city.training` sources fits the probe, and measures and calibrates.
    shots:      training photos per label; None for all.
    c:          inverse strength of the ridge, as scikit-learn counts it; None: chosen on the validation split.
    soft_km:    None for one-hot targets, else labels share their target with neighbours, by exp(-km / soft_km).
    seed:       of the draw of shots.
    """

    kind: Kind
    labels: LabelSet = "cities"
    backbone: str = ENCODER
    templates: tuple[str, ...] = ()
    weights: Weights = "uniform"
    training: str = "street-view"
    shots: int | None = None
    c: float | None = PROBE_C
    soft_km: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what could not run, naming the field."""
        for field, value, allowed in (
            ("kind", self.kind, KINDS),
            ("labels", self.labels, LABEL_SETS),
            ("weights", self.weights, WEIGHTS),
        ):
            if value not in allowed:
                raise ValueError(f"gem: {field}={value!r} is none of {allowed}")
        if (self.kind == "zero-shot") != bool(self.templates):
            raise ValueError(
                f"gem: {self.kind} with templates {self.templates}; zero-shot, and only it, has some"
            )
        if self.shots is not None and self.shots < 1:
            raise ValueError(f"gem: shots={self.shots}; at least 1, or None for all photos")
        if (self.c is not None and self.c <= 0) or (self.soft_km is not None and self.soft_km <= 0):
            raise ValueError(f"gem: c={self.c}, soft_km={self.soft_km}; both are above 0, or None")
