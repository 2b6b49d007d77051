"""GEM's experiments: templates, ensembles, label sets, probes, shots and sources, one entry each.

The factors are the abstract's, the templates and recorded weights the authors' script's; the rest of the design is ours
(docs/im2city.md). `name@backbone` is any of these on another backbone of the profile's section `im2city.backbones`.
"""

from dataclasses import replace

from g3lib.experiments.experiment import Experiment
from g3lib.experiments.gem import Gem, LabelSet

BEST = ("in", "from", "at")  # the script's three; its weights are theirs
TEMPLATES = (*BEST, "label", "city-of", "to")
SHOTS = (1, 2, 4, 8, 16)
SOFT_KM = 500.0  # our choice: neighbours within a country share, continents do not


def _gem(name: str, variant: str, gem: Gem, method: str = "GEM") -> Experiment:
    return Experiment(name=name, method=method, variant=variant, gallery=None, selection="first", gem=gem)


def _zero_shot(name: str, variant: str, labels: LabelSet = "cities") -> Experiment:
    """The three recorded templates, over some labels."""
    return _gem(name, variant, Gem("zero-shot", labels, templates=BEST, weights="recorded"))


ZERO_SHOT = _zero_shot("gem-zero-shot", "zero-shot")
ENSEMBLES = (
    ZERO_SHOT,
    _gem(
        "gem-zero-shot-all",
        "zero-shot, all templates",
        Gem("zero-shot", templates=TEMPLATES, weights="recorded-all"),
    ),
    _gem("gem-zero-shot-uniform", "zero-shot, equal weights", Gem("zero-shot", templates=TEMPLATES)),
    _gem(
        "gem-zero-shot-measured",
        "zero-shot, measured weights",
        Gem("zero-shot", templates=TEMPLATES, weights="measured"),
    ),
)
SINGLE = tuple(
    _gem(f"gem-template-{name}", f"zero-shot, template {name}", Gem("zero-shot", templates=(name,)))
    for name in TEMPLATES
)
CONTEXT = _zero_shot("gem-zero-shot-context", "zero-shot, city and country", "cities-with-country")
COUNTRIES = _zero_shot("gem-zero-shot-countries", "zero-shot, countries", "countries")
STREETCLIP = _gem(
    "streetclip-two-stage",
    "country, then city",
    Gem("two-stage", "countries"),
    method="StreetCLIP's inference",
)

PROBE = _gem("gem-probe", "linear probing", Gem("probe"))
PROBES = (
    PROBE,
    _gem("gem-probe-chosen-c", "linear probing, C chosen", Gem("probe", c=None)),
    _gem("gem-probe-countries", "linear probing, countries", Gem("probe", "countries")),
    _gem("gem-probe-online", "linear probing, online photos", Gem("probe", training="online")),
    _gem("gem-probe-soft", "linear probing, distance-aware labels", Gem("probe", soft_km=SOFT_KM)),
)
FEW_SHOT = tuple(
    _gem(f"gem-probe-{shots}-shot", f"linear probing, {shots} per label", Gem("probe", shots=shots))
    for shots in SHOTS
)
GEM_EXPERIMENTS = (*ENSEMBLES, *SINGLE, CONTEXT, COUNTRIES, STREETCLIP, *PROBES, *FEW_SHOT)


def on_backbone(found: Experiment, backbone: str) -> Experiment:
    """The same experiment on features of another backbone."""
    assert found.gem is not None
    return replace(
        found,
        name=f"{found.name}@{backbone}",
        variant=f"{found.variant}, {backbone}",
        gem=replace(found.gem, backbone=backbone),
    )
