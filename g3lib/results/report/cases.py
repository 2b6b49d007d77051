"""Which queries deserve a closer look: what the first experiment found, and what it missed for each reason."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from g3lib.results.report.experiments import Entry
from g3lib.results.report.reading import Source

NEAR_KM, FAR_KM = 25, 750
EACH = 3  # cases of a kind
WORST = 6  # of every scene, for the failure gallery: worth a larger picture
REFERENCES = 5  # shown of a case

_FACTS = """
select
    told.photo_id, told.error_km, told.oracle_km, told.reference_km, told.gallery_km, plain.error_km as plain_km
from results.diagnosis as told
left join results.prediction as plain
    on plain.benchmark = told.benchmark and plain.photo_id = told.photo_id and plain.experiment = $plain
where told.benchmark = $benchmark and told.experiment = $experiment
order by told.photo_id
"""
_WORST = """
select photo_id
from results.prediction left join results.query using (benchmark, photo_id)
where benchmark = $benchmark and experiment = $experiment
qualify row_number() over (
    partition by coalesce(scene, detail) order by error_km desc nulls first, photo_id
) <= $worst
"""


@dataclass(frozen=True)
class Kind:
    """A kind of case: what it teaches, which queries are of it, and which of them are the clearest."""

    name: str
    title: str
    teaches: str
    holds: pl.Expr
    clearest: pl.Expr


def _kinds(plain: str) -> tuple[Kind, ...]:
    error, best = pl.col("error_km"), pl.min_horizontal("oracle_km", "reference_km")
    missed = error > FAR_KM
    return (
        Kind(
            "gained",
            f"Found, where {plain} is lost",
            f"Within {NEAR_KM} km, while {plain} errs by the most.",
            (error < NEAR_KM) & (pl.col("plain_km") > FAR_KM),
            -pl.col("plain_km"),
        ),
        Kind(
            "ranking",
            "Proposed or retrieved, not chosen",
            f"A candidate or reference lies within {NEAR_KM} km of the truth, the choice farther than {FAR_KM} km.",
            missed & (best < NEAR_KM),
            -error,
        ),
        Kind(
            "retrieval",
            "In the gallery, not retrieved",
            f"The gallery has a photo within {NEAR_KM} km; no reference and no candidate came near it.",
            missed & (pl.col("gallery_km") < NEAR_KM) & (best.is_null() | (best >= FAR_KM)),
            -error,
        ),
        Kind(
            "coverage",
            "Not in the gallery",
            "The farthest from any gallery photo that may be retrieved, and missed.",
            missed & (pl.col("gallery_km") >= NEAR_KM) & (best.is_null() | (best >= NEAR_KM)),
            -pl.col("gallery_km"),
        ),
    )


def cases(source: Source, benchmark: str, experiments: list[Entry]) -> list[dict[str, Any]]:
    """Kinds of cases with their photo_ids, of the most important experiment that was diagnosed; may be empty."""
    first = experiments[0]
    plain = next((each for each in experiments if each.method != first.method), first)
    given = {"benchmark": benchmark, "experiment": first.name, "plain": plain.name}
    facts = source.rows(_FACTS, **given)
    found = []
    for kind in _kinds(plain.name):
        rows = facts.filter(kind.holds).sort(kind.clearest, "photo_id", nulls_last=True).head(EACH)
        about = {"name": kind.name, "title": kind.title, "teaches": kind.teaches, "experiment": first.name}
        found.append(about | {"photos": rows["photo_id"].to_list()})
    return [kind for kind in found if kind["photos"]]


def worst(source: Source, benchmark: str, experiment: str) -> list[str]:
    """The worst misses of every scene, or of every degree of detail where the dataset has no scenes."""
    found = source.rows(_WORST, benchmark=benchmark, experiment=experiment, worst=WORST)
    return found["photo_id"].to_list()
