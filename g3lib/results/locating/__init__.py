"""Where somebody's own photos were taken, as people and programs read it: what is said, and its three forms."""

from g3lib.results.locating.answers import (
    Answer,
    Candidate,
    Located,
    Locations,
    Own,
    Place,
    Refusal,
    answers,
)
from g3lib.results.locating.document import as_json
from g3lib.results.locating.sureness import Sureness, sureness

__all__ = [
    "Answer",
    "Candidate",
    "Located",
    "Locations",
    "Own",
    "Place",
    "Refusal",
    "Sureness",
    "answers",
    "as_json",
    "sureness",
]
