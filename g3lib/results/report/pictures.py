"""The pictures of a report: a small one of every query, as large as there is room for, and larger ones of the cases."""

import base64
from collections.abc import Sequence
from typing import Any

import polars as pl

from g3lib.geo import geodesic_km
from g3lib.results.report.budget import Omission
from g3lib.results.report.cases import REFERENCES, cases, worst
from g3lib.results.report.draft import Draft
from g3lib.results.report.experiments import Entry, by_importance
from g3lib.results.report.packing import integers, packed
from g3lib.results.report.photos import LOOKS, Look
from g3lib.results.report.references import searched_by

EACH = 100  # pictures in a block: the page unpacks a block at once
SHARE = 0.8  # of the room that is left, for the small pictures
LARGE = Look(400, 42)  # of cases and worst misses, where the small ones are smaller
REFERENCE = Look(224, 38)
LARGE_SHARE = 0.1  # of the room, for these and for references' pictures
SAMPLE = 48  # photos from which the room that all of them take is judged
MARGIN = 1.04  # by which a sample may err

_REFERENCES = """
select
    photo_id, reference_dataset as dataset, reference_id as id, reference_author as author,
    rank, lat, lon, similarity
from results.reference
where benchmark = $benchmark and gallery = $gallery and policy = $policy and kind = 'similar' and rank < $depth
    and photo_id in (select photo_id from wanted)
order by photo_id, rank
"""


def add_pictures(draft: Draft) -> None:
    """Put `pictures`, its blocks and `cases` into a draft; what has no room or cannot be read is named."""
    look = _fitting(draft, draft.queries["photo_id"].to_list(), SHARE * draft.budget.left)
    _add_cases(draft, look)
    _add_small(draft, look)
    for problem in dict.fromkeys(draft.library.problems):
        draft.budget.omissions.append(Omission("Pictures", problem))


def _add_small(draft: Draft, look: Look | None) -> None:
    """One of every query, unless there is no room for any."""
    if look is None:
        return draft.budget.leave_out("Pictures of the queries", draft.larger())
    ids = draft.queries["photo_id"].to_list()
    found = draft.library.pictures(draft.benchmark, ids, look)
    data = [found.get(each, b"") for each in ids]
    draft.rest["pictures"] = draft.budget.spend(
        packed({"each": EACH}, {"sizes": integers([len(x) for x in data])})
    )
    for start in range(0, len(data), EACH):
        draft.rest[f"pictures-{start // EACH}"] = draft.budget.spend(_text(data[start : start + EACH]))
    if look != LOOKS[0]:
        small = f"Larger pictures than {look.pixels} pixels of all {len(ids):,} queries"
        draft.budget.leave_out(small, draft.larger())


def _fitting(draft: Draft, ids: Sequence[str], room: float) -> Look | None:
    """The best look that a sample says fits, by halving."""
    step = max(1, len(ids) // SAMPLE)
    sample = ids[::step]
    low, high = 0, len(LOOKS)
    while low < high:
        middle = (low + high) // 2
        found = draft.library.pictures(draft.benchmark, sample, LOOKS[middle])
        mean = sum(map(len, found.values())) / max(len(sample), 1)
        if mean * len(ids) * MARGIN * 4 / 3 <= room:
            high = middle
        else:
            low = middle + 1
    return LOOKS[low] if low < len(LOOKS) else None


def _add_cases(draft: Draft, small: Look | None) -> None:
    """The case studies, with their references, and pictures of these and of the worst misses."""
    ordered = by_importance(draft.experiments)
    kinds = cases(draft.source, draft.benchmark, ordered)
    shown = list(dict.fromkeys(photo_id for kind in kinds for photo_id in kind["photos"]))
    retrieved = _references(draft, ordered[0], shown)
    large = shown + worst(draft.source, draft.benchmark, ordered[0].name)
    if small is not None and small.pixels >= LARGE.pixels:
        large = []
    found = _more(draft, list(dict.fromkeys(large)), retrieved)
    places = {key: place for place, key in enumerate(found)}
    by_photo: dict[str, list[dict[str, Any]]] = {}
    for row in retrieved:
        picture = places.get((row.pop("dataset"), row["id"]))
        by_photo.setdefault(row.pop("photo_id"), []).append(row | {"picture": picture})
    numbers = dict(zip(draft.queries["photo_id"], draft.queries["q"], strict=True))
    for kind in kinds:
        kind["queries"] = [
            {"q": numbers[each], "references": by_photo.get(each, [])} for each in kind.pop("photos")
        ]
    own = [numbers.get(name) if dataset == draft.benchmark else None for dataset, name in found]
    sizes = integers([len(data) for data in found.values()])
    draft.rest["cases"] = draft.budget.spend(packed({"kinds": kinds, "large": own}, {"sizes": sizes}))
    draft.rest["pictures-more"] = draft.budget.spend(_text(list(found.values())))


def _references(draft: Draft, entry: Entry, photo_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The first similar references of some queries, as the experiment retrieves them, with their distance."""
    search = searched_by(entry)
    if search is None or not photo_ids:
        return []
    wanted = pl.DataFrame({"photo_id": list(photo_ids)}, schema={"photo_id": pl.String})
    draft.source.connection.register("wanted", wanted)
    given = {"benchmark": draft.benchmark, "depth": REFERENCES, **search._asdict()}
    truth = draft.queries.select("photo_id", true_lat="lat", true_lon="lon")
    found = draft.source.rows(_REFERENCES, **given).join(truth, on="photo_id", maintain_order="left")
    km = geodesic_km(*(found[name].to_numpy() for name in ("lat", "lon", "true_lat", "true_lon")))
    told = found.with_columns(
        km=pl.Series(km).round(3), similarity=pl.col("similarity").cast(pl.Float64).round(4)
    )
    return told.drop("lat", "lon", "true_lat", "true_lon").to_dicts()


def _more(
    draft: Draft, large: Sequence[str], retrieved: Sequence[dict[str, Any]]
) -> dict[tuple[str, str], bytes]:
    """Larger pictures of these queries, and pictures of the references, by dataset and photo: as many as fit."""
    by_dataset: dict[str, list[str]] = {}
    for row in retrieved:
        by_dataset.setdefault(row["dataset"], []).append(row["id"])
    found = {
        (draft.benchmark, name): data
        for name, data in draft.library.pictures(draft.benchmark, large, LARGE).items()
    }
    for dataset, names in by_dataset.items():
        pictures = draft.library.pictures(dataset, list(dict.fromkeys(names)), REFERENCE)
        found |= {(dataset, name): data for name, data in pictures.items()}
    room, kept = LARGE_SHARE * draft.budget.left * 3 / 4, {}
    for key, data in sorted(found.items(), key=lambda each: each[0][0] != draft.benchmark):
        room -= len(data)
        if room >= 0:
            kept[key] = data
    if len(kept) < len(found):
        draft.budget.leave_out(
            f"{len(found) - len(kept)} larger pictures of cases and references", draft.larger()
        )
    return kept


def _text(data: Sequence[bytes]) -> str:
    """Pictures one after the other; they are compressed already."""
    return base64.b64encode(b"".join(data)).decode("ascii")
