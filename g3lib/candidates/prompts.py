"""The prompts as data, and their rendering; what a photo's references are is decided elsewhere.

References are written as one JSON list of [lat, lon] lists, as G3's LLaVA script shows them (its
GPT script prints a list of strings), with at most PLACES decimals, i.e. 0.1 m.
"""

import math
from collections.abc import Mapping, Sequence

PLACES = 6

_COORDINATES = "Your answer must be to the coordinates level in (latitude, longitude) format."
_REFERENCES = (
    "For your reference, these are coordinates of some similar images: {similar}, "
    "and these are coordinates of some dissimilar images: {dissimilar}."
)
_FAR_AWAY = (
    "Photos that look like it were taken at these similar locations: {similar}. "
    "Photos that look unlike it were taken at these dissimilar locations, "
    "from which it should be far away: {dissimilar}."
)
_INSIST = "You must answer with your best guess; declining or leaving it open is not an option."
_JSON = (
    "Your answer should be in the following JSON format without any other information: "
    '{"latitude": float,"longitude": float}.'
)

# source: paper figure 2 and the official prompts; the JSON line stands twice there, too
TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "g3-zero-shot": (
        "You are an expert in geo-localization who can tell the GPS coordinates of a photo, "
        "two numbers, from its content.",
        "Where was the photo below taken?",
        _INSIST,
        _JSON,
        _JSON,
    ),
    "g3-rag": (
        "You are an expert in geo-localization. Analyse the photo below and guess where it was taken.",
        _COORDINATES,
        _REFERENCES,
        _INSIST,
        _JSON,
        _JSON,
    ),
    "img2loc": (
        "You are an expert in geo-localization. Give the coordinates of the photo below and nothing else.",
        _FAR_AWAY,
        _COORDINATES,
        _JSON,
    ),
}


def render(
    template: str,
    similar: Sequence[tuple[float, float]],
    dissimilar: Sequence[tuple[float, float]],
) -> str:
    """The text of a template of TEMPLATES with (lat, lon) references in degrees, by rank.

    KeyError lists the templates there are; ValueError for references that are not finite or that
    the template has no place for. Source: paper section 3.3.
    """
    if template not in TEMPLATES:
        raise KeyError(f"no prompt template {template!r}; there are: {', '.join(TEMPLATES)}")
    text = "\n".join(TEMPLATES[template])
    for place, references in (("{similar}", similar), ("{dissimilar}", dissimilar)):
        if references and place not in text:
            raise ValueError(
                f"template {template!r} shows no {place} references, {len(references)} given; "
                "use g3-rag or img2loc, or ask for none"
            )
        # not str.format: the JSON line has braces of its own
        text = text.replace(place, write_references(references))
    return text


def write_references(references: Sequence[tuple[float, float]]) -> str:
    """References in degrees as a JSON list of [lat, lon] lists."""
    pairs = (f"[{_decimal(lat)}, {_decimal(lon)}]" for lat, lon in references)
    return f"[{', '.join(pairs)}]"


def _decimal(degrees: float) -> str:
    """At most PLACES decimals, at least one, never in scientific notation, never minus zero."""
    if not math.isfinite(degrees):
        raise ValueError(f"a reference coordinate is {degrees}; drop photos without a position")
    whole, _, fraction = f"{round(degrees, PLACES) + 0.0:.{PLACES}f}".partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"
