"""What is said of every photo: the position chosen, its place, how sure that is, and what else was weighed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from g3lib.experiments import Experiment
from g3lib.geo import geodesic_km
from g3lib.images.exif import NoPosition, Position
from g3lib.images.fates import Rejected
from g3lib.images.given import Seen
from g3lib.places import LEVELS, names_by_level
from g3lib.results.locating.sureness import Sureness

NO_CANDIDATE = "no_candidate"  # a photo's fate that only locating has


@dataclass(frozen=True)
class Place:
    """Names of a position, None where there is none; all None far from any country."""

    city: str | None
    state: str | None
    country: str | None
    continent: str | None

    def __str__(self) -> str:
        """City, state and country, as far as they are known and differ."""
        names = dict.fromkeys(filter(None, (self.city, self.state, self.country)))
        return ", ".join(names) or "at sea, or far from any place"

    @property
    def short(self) -> str:
        """City, or state, and country."""
        return ", ".join(dict.fromkeys(filter(None, (self.city or self.state, self.country)))) or "at sea"


@dataclass(frozen=True)
class Candidate:
    """A proposed position (degrees), or an LMM's answer that holds none (`failure` says why)."""

    source: str  # `retrieval`, or the prompt that was answered
    rank: int  # from 0, within the source
    lat: float | None
    lon: float | None
    score: float | None  # the verifier's cosine; None where nothing verifies
    place: Place | None
    chosen: bool
    km: float | None  # to the chosen one
    failure: str | None


@dataclass(frozen=True)
class Answer:
    """The chosen position. within: the chances of the truth being nearer than THRESHOLDS_KM; None if not known."""

    lat: float
    lon: float
    place: Place
    source: str
    score: float | None
    within: tuple[float, ...] | None


@dataclass(frozen=True)
class Own:
    """Where the file itself says it was taken, by `exif`, `xmp` or `side-car`, and how far the answer is from there."""

    lat: float
    lon: float
    source: str
    place: Place
    error_km: float | None  # None without an answer

    @property
    def told_by(self) -> str:
        """The source as people call it."""
        return {"exif": "EXIF", "xmp": "XMP"}.get(self.source, self.source)


@dataclass(frozen=True)
class Refusal:
    """Why a photo is not located: a fate's name, and what was found."""

    fate: str
    reason: str


@dataclass(frozen=True)
class Located:
    """One photo: an answer or a refusal; its candidates, best first; what its file says, or why that is nothing."""

    photo: str
    answer: Answer | None
    refusal: Refusal | None
    candidates: tuple[Candidate, ...] = ()
    own: Own | None = None
    no_own: str = ""


@dataclass(frozen=True)
class Locations:
    """All photos, in the order given, and what holds for every one of them."""

    profile: str
    experiment: Experiment
    lmm: str | None  # None where none is asked
    warnings: tuple[str, ...]
    sureness: Sureness
    photos: tuple[Located, ...]
    bill: Mapping[str, float] = field(default_factory=dict)  # what asking came to; empty if nobody was asked

    @property
    def located(self) -> int:
        """How many photos have an answer."""
        return sum(each.answer is not None for each in self.photos)


def answers(
    order: Sequence[str],
    seen: Sequence[Seen],
    rejected: Sequence[Rejected],
    candidates: pl.DataFrame,
    sure: Sureness,
    near_km: float,
) -> tuple[Located, ...]:
    """One Located for every name in `order`.

    candidates: those of all photos, with score and chosen, `photo_id` being the SHA-256 of a photo's bytes. `near_km`
    is how far a place may lie that names a position without a city.
    """
    weighed = _weighed(candidates, near_km)
    chosen = {photo: found for photo, all_ in weighed.items() if (found := _chosen(all_)) is not None}
    chances = dict(zip(chosen, sure.within([each.score for each in chosen.values()]), strict=True))
    owns = _owns(seen, chosen, near_km)
    told = {
        each.given.name: _located(each, weighed.get(each.sha256, ()), chances.get(each.sha256), own)
        for each, own in zip(seen, owns, strict=True)
    }
    for each in rejected:
        told[each.photo_id] = Located(each.photo_id, None, Refusal(each.fate.value, each.detail))
    return tuple(told[name] for name in order)


def _located(
    photo: Seen, candidates: tuple[Candidate, ...], within: tuple[float, ...] | None, own: Own | None
) -> Located:
    no_own = photo.position.detail if isinstance(photo.position, NoPosition) else ""
    found = _chosen(candidates)
    if found is None:
        refusal = Refusal(NO_CANDIDATE, _why_none(candidates))
        return Located(photo.given.name, None, refusal, candidates, own, no_own)
    assert found.lat is not None and found.lon is not None and found.place is not None
    answer = Answer(found.lat, found.lon, found.place, found.source, found.score, within)
    return Located(photo.given.name, answer, None, candidates, own, no_own)


def _chosen(candidates: Sequence[Candidate]) -> Candidate | None:
    return next((each for each in candidates if each.chosen), None)


def _why_none(candidates: Sequence[Candidate]) -> str:
    failures = [each.failure for each in candidates if each.failure]
    counted = ", ".join(f"{failures.count(each)} x {each}" for each in dict.fromkeys(failures))
    return f"none of {len(candidates)} candidates has a position" + (f": {counted}" if counted else "")


def _weighed(candidates: pl.DataFrame, near_km: float) -> dict[str, tuple[Candidate, ...]]:
    """The candidates of each photo: the chosen one, then by score, those without a position last."""
    winner = candidates.filter("chosen").select("photo_id", won_lat="lat", won_lon="lon")
    rows = candidates.with_columns(names_by_level(candidates, near_km)).join(
        winner, on="photo_id", how="left", maintain_order="left"
    )
    positions = (rows[name].fill_null(np.nan).to_numpy() for name in ("lat", "lon", "won_lat", "won_lon"))
    rows = rows.with_columns(km=pl.Series(geodesic_km(*positions)).fill_nan(None)).sort(
        pl.col("chosen"),
        pl.col("lat").is_not_null(),
        pl.col("score"),
        descending=True,
        nulls_last=True,
        maintain_order=True,
    )
    found: dict[str, list[Candidate]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(row["photo_id"], []).append(_candidate(row))
    return {photo: tuple(all_) for photo, all_ in found.items()}


def _candidate(row: Mapping[str, Any]) -> Candidate:
    place = None if row["lat"] is None else Place(*(row[level] for level in LEVELS))
    own = ("source", "rank", "lat", "lon", "score", "chosen", "km", "failure")
    return Candidate(place=place, **{name: row[name] for name in own})


def _owns(seen: Sequence[Seen], chosen: Mapping[str, Candidate], near_km: float) -> list[Own | None]:
    """What each photo's file says, and how far its answer is from there."""
    told = [each.position if isinstance(each.position, Position) else None for each in seen]
    wons = [chosen.get(each.sha256) for each in seen]
    own = pl.DataFrame(
        {"lat": [each and each.lat for each in told], "lon": [each and each.lon for each in told]},
        schema={"lat": pl.Float64, "lon": pl.Float64},
    )
    won = np.array([(each.lat, each.lon) if each else (np.nan, np.nan) for each in wons], np.float64).reshape(
        -1, 2
    )
    error = geodesic_km(*(own[name].fill_null(np.nan).to_numpy() for name in ("lat", "lon")), *won.T)
    names = names_by_level(own, near_km).iter_rows()
    return [
        None if position is None else _own(position, Place(*place), km)
        for position, place, km in zip(told, names, error, strict=True)
    ]


def _own(position: Position, place: Place, km: float) -> Own:
    return Own(position.lat, position.lon, position.source, place, None if np.isnan(km) else float(km))
