"""The same for programs: one JSON document, whose fields docs/locating.schema.json describes."""

import json
import math
from dataclasses import asdict
from typing import Any

from g3lib.results.locating.answers import Answer, Candidate, Located, Locations, Own
from g3lib.results.locating.sureness import Sureness
from g3lib.results.metrics import THRESHOLDS_KM

SCHEMA = "g3-locate/1"  # a field may be added within a number; one that goes or changes its meaning raises it


def as_json(found: Locations) -> str:
    """The document as text; photos that could not be located are in it, with the reason."""
    return json.dumps(as_document(found), ensure_ascii=False, allow_nan=False, indent=1)


def as_document(found: Locations) -> dict[str, Any]:
    """The document as plain values: every field is always there, null where nothing is known."""
    experiment = found.experiment
    return {
        "schema": SCHEMA,
        "profile": found.profile,
        "experiment": experiment.name,
        "method": experiment.method,
        "variant": experiment.variant,
        "gallery_policy": experiment.gallery_policy,
        "lmm": found.lmm,
        "warnings": list(found.warnings),
        "sureness": _sureness(found.sureness),
        "asked": {
            "requests": int(found.bill.get("requests", 0)),
            "answers": int(found.bill.get("answers_received", 0)),
            "usd": found.bill.get("usd_spent", None if found.bill else 0.0),
        },
        "photos": [_photo(each) for each in found.photos],
    }


def _sureness(sure: Sureness) -> dict[str, Any]:
    return {
        "thresholds_km": list(THRESHOLDS_KM),
        "benchmarks": list(sure.benchmarks),
        "photos": sure.photos,
        "reason": sure.reason or None,
    }


def _photo(each: Located) -> dict[str, Any]:
    return {
        "photo": each.photo,
        "located": each.answer is not None,
        "failure": None if each.refusal is None else asdict(each.refusal),
        "answer": None if each.answer is None else _answer(each.answer),
        "own_position": None if each.own is None else _own(each.own),
        "no_own_position": each.no_own or None,
        "candidates": [_candidate(candidate) for candidate in each.candidates],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    chances = None
    if answer.within is not None:
        chances = {str(km): chance for km, chance in zip(THRESHOLDS_KM, answer.within, strict=True)}
    return {
        "lat": answer.lat,
        "lon": answer.lon,
        "place": asdict(answer.place),
        "source": answer.source,
        "score": _finite(answer.score),
        "probability_within_km": chances,
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return asdict(candidate) | {"score": _finite(candidate.score)}


def _own(own: Own) -> dict[str, Any]:
    return asdict(own)


def _finite(score: float | None) -> float | None:
    """JSON has no NaN."""
    return score if score is not None and math.isfinite(score) else None
