"""Which column of anybody's predictions holds what: known by its name, decided by one rule, and said.

A name is cut into words, whatever its case and separators: `LAT_pred`, `predLat`, `Predicted Latitude (deg)`. A column
is a position's if one word names an axis; the others give its role: prediction, truth, plain (none) or other (a word
that is not known here, as in `zs_0_latitude`). Latitude and longitude of equal words are a pair, and in this order:

1. the prediction is the only pair that says so, else the only plain pair if there is no other one, else the only other;
2. the truth is the only pair that says so, else the only plain pair that is not the prediction;
3. whatever leaves a choice is refused, with the candidates and how to choose.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Literal

Role = Literal["prediction", "truth", "plain", "other", "other truth"]

AXES = {
    **dict.fromkeys(("lat", "lats", "latitude", "latitudes"), "lat"),
    **dict.fromkeys(("lon", "lons", "lng", "long", "longitude", "longitudes"), "lon"),
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PREDICTION = _words(
    "pred preds predict predicted prediction predictions est estimate estimated estimation guess guessed answer "
    "answered output model hat inferred inference top1 result"
)
TRUTH = _words("true truth gt gold ground groundtruth target actual label real original exif")
NEUTRAL = _words(
    "gps coord coords coordinate coordinates deg degs degree degrees wgs84 img image photo pos position loc location "
    "geo decimal point value"
)
WORDS = frozenset({*AXES, *PREDICTION, *TRUTH, *NEUTRAL})
JOINED = WORDS - {"est"}  # `latest` is none of these

# without separators, the likeliest first; the last are what pandas calls an index
IDS = (
    *("imgid", "imageid", "photoid", "pictureid", "queryid", "sampleid", "flickrid"),
    *("img", "image", "photo", "picture", "query", "sample"),
    *(
        "filename",
        "imagename",
        "imgname",
        "photoname",
        "imagefilename",
        "imagefile",
        "imgfile",
        "file",
        "fname",
    ),
    *("imagepath", "imgpath", "photopath", "filepath", "path", "name", "id", "key", "uid", "uuid"),
    *("indexlevel0", "unnamed0", ""),
)
AUTHORS = (
    "author",
    "authorid",
    "ownernsid",
    "owner",
    "photographer",
    "photographerid",
    "creatorid",
    "userid",
    "user",
)
OPTION_KEYS = ("id", "lat", "lon", "true_lat", "true_lon", "author")
OPTION = "--columns id=…,lat=…,lon=…,true_lat=…,true_lon=…"


class BadPredictions(ValueError):
    """Predictions that cannot be scored as they are: names the file, what was found, and the remedy."""


class NoTruth(BadPredictions):
    """Predictions without a truth: none was given, and none is in the file."""


@dataclass(frozen=True)
class Pair:
    """A latitude's and a longitude's column, by index."""

    lat: int
    lon: int
    role: Role


@dataclass(frozen=True)
class Columns:
    """Where the facts stand, by index; `ids` are in order of preference, several if the data must decide."""

    names: tuple[str, ...]
    ids: tuple[int, ...]
    prediction: Pair
    truth: Pair | None
    author: int | None
    unused: tuple[Pair, ...] = ()

    def name(self, index: int) -> str:
        """A column's name as the file has it; its number if it has none."""
        return self.names[index].strip() or f"column {index + 1}"

    def pair(self, pair: Pair) -> str:
        """A pair's names."""
        return f"{self.name(pair.lat)}, {self.name(pair.lon)}"


def words_of(name: str) -> tuple[str, ...]:
    """A column's name as words in lower case; `predlat` is two."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return tuple(part for word in re.findall(r"[^\W_]+", spaced.lower()) for part in _parts(word))


def _parts(word: str) -> tuple[str, ...]:
    """A word, or the two known ones that it is made of."""
    if word in WORDS:
        return (word,)
    cuts = ((word[:at], word[at:]) for at in range(2, len(word) - 1))
    return next((cut for cut in cuts if set(cut) <= JOINED), (word,))


def recognised(path: str, names: Sequence[str], asked: Mapping[str, str], needs_truth: bool) -> Columns:
    """The columns of a file's facts; `asked` (see `parse_columns`) comes before the rule.

    Raises BadPredictions where the rule leaves a choice; a choice of truths matters only if one is needed.
    """
    names = tuple(names)
    chosen = {key: _asked_index(path, names, key, column) for key, column in asked.items()}
    known = pairs_of(names)
    truth = _asked_pair(chosen, "true_lat", "true_lon", "truth")
    prediction = _asked_pair(chosen, "lat", "lon", "prediction") or _prediction(
        path, names, _without(known, truth)
    )
    left = _without(known, prediction)
    if truth is None:
        truth = _truth(path, names, left, needs_truth)
    return Columns(
        names=names,
        ids=(chosen["id"],) if "id" in chosen else _ids(names),
        prediction=prediction,
        truth=truth,
        author=chosen.get("author", _first(names, AUTHORS)),
        unused=tuple(_without(left, truth)),
    )


def _without(pairs: list[Pair], taken: Pair | None) -> list[Pair]:
    """Pairs that have neither column of the one taken."""
    columns = set() if taken is None else {taken.lat, taken.lon}
    return [pair for pair in pairs if not {pair.lat, pair.lon} & columns]


def recognised_truth(path: str, names: Sequence[str]) -> Columns:
    """The columns of a file that tells nothing but the truth, as its `prediction`; BadPredictions if there are none."""
    names = tuple(names)
    truth = _truth(path, names, pairs_of(names), True)
    if truth is None:
        raise BadPredictions(
            f"{path}: no columns of a true position; found: {listed(names)}; call them lat and lon"
        )
    return Columns(names, _ids(names), truth, None, _first(names, AUTHORS))


def pairs_of(names: Sequence[str]) -> list[Pair]:
    """Latitudes with their longitudes: of the same words, else of the same role; all pairs where that is a choice."""
    columns = _position_columns(names)
    pairs, single = [], defaultdict[Role, _Axes](_Axes)
    for (role, _), axes in columns.items():
        pairs += [Pair(lat, lon, role) for lat, lon in axes.pairs()]
        if not (axes.lat and axes.lon) and not role.startswith("other"):
            single[role].lat += axes.lat
            single[role].lon += axes.lon
    for role, axes in single.items():
        pairs += [Pair(lat, lon, role) for lat, lon in axes.pairs()]
    return sorted(pairs, key=lambda pair: (pair.lat, pair.lon))


@dataclass
class _Axes:
    """Columns that hold latitudes, and such that hold longitudes."""

    lat: list[int] = field(default_factory=list)
    lon: list[int] = field(default_factory=list)

    def pairs(self) -> Iterable[tuple[int, int]]:
        """One with one in their order, or each with each if they are not as many."""
        if len(self.lat) == len(self.lon):
            return zip(self.lat, self.lon, strict=True)
        return product(self.lat, self.lon)


def _position_columns(names: Sequence[str]) -> dict[tuple[Role, tuple[str, ...]], _Axes]:
    """Columns with one axis in their names, by role and other words."""
    found = defaultdict[tuple[Role, tuple[str, ...]], _Axes](_Axes)
    for index, name in enumerate(names):
        words = words_of(name)
        axes = [AXES[word] for word in words if word in AXES]
        if len(axes) == 1:
            others = tuple(sorted(word for word in words if word not in AXES))
            key = _role(others), others
            (found[key].lat if axes[0] == "lat" else found[key].lon).append(index)
    return found


def _role(words: tuple[str, ...]) -> Role:
    predicted, true = bool(PREDICTION & set(words)), bool(TRUTH & set(words))
    if set(words) - PREDICTION - TRUTH - NEUTRAL or (predicted and true):
        return "other truth" if true else "other"
    return "prediction" if predicted else "truth" if true else "plain"


def _prediction(path: str, names: tuple[str, ...], pairs: list[Pair]) -> Pair:
    said, plain, other = (
        [pair for pair in pairs if pair.role == r] for r in ("prediction", "plain", "other")
    )
    if len(said) == 1:
        return said[0]
    if said or len(plain) + len(other) > 1:
        raise _ambiguous(path, "predicted position", names, said or [*plain, *other])
    if plain or other:
        return (plain or other)[0]
    raise BadPredictions(
        f"{path}: no column of a predicted position; found: {listed(names)}; {_remedy(names)}"
    )


def _truth(path: str, names: tuple[str, ...], left: list[Pair], needed: bool) -> Pair | None:
    said, plain = ([pair for pair in left if pair.role == role] for role in ("truth", "plain"))
    candidates = said or plain
    if len(candidates) > 1 and needed:
        raise _ambiguous(path, "true position", names, candidates)
    return candidates[0] if len(candidates) == 1 else None


def _ambiguous(path: str, what: str, names: tuple[str, ...], pairs: list[Pair]) -> BadPredictions:
    shown = "; ".join(f"{names[pair.lat].strip()}, {names[pair.lon].strip()}" for pair in pairs[:12])
    more = f" and {len(pairs) - 12} more" if len(pairs) > 12 else ""
    return BadPredictions(
        f"{path}: {len(pairs)} pairs of columns may be the {what}: {shown}{more}; choose with {OPTION}"
    )


def listed(names: Sequence[str]) -> str:
    """The columns of a file, as messages name them."""
    return ", ".join(name.strip()[:40] for name in names[:30]) + (", …" if len(names) > 30 else "")


def _remedy(names: Sequence[str]) -> str:
    if sum(_is_number(name) for name in names) >= 2:
        return "its first line is no header: put one above it, such as photo_id,lat,lon"
    return f"call them pred_lat and pred_lon, or choose with {OPTION}"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[+-]?\d+(\.\d*)?([eE][+-]?\d+)?\s*", text) is not None


def _ids(names: Sequence[str]) -> tuple[int, ...]:
    squeezed = [_squeezed(name) for name in names]
    return tuple(i for known in IDS for i, name in enumerate(squeezed) if name == known)


def _first(names: Sequence[str], known: Sequence[str]) -> int | None:
    squeezed = [_squeezed(name) for name in names]
    return next((squeezed.index(name) for name in known if name in squeezed), None)


def _squeezed(name: str) -> str:
    return "".join(re.findall(r"[^\W_]+", name.lower()))


def parse_columns(text: str | None) -> dict[str, str]:
    """`id=photo,lat=y` as a mapping; BadPredictions for what is no such list."""
    asked: dict[str, str] = {}
    for part in (text or "").split(","):
        key, equals, column = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not equals or not column or key not in OPTION_KEYS or key in asked:
            known = ", ".join(OPTION_KEYS)
            raise BadPredictions(f"--columns: {part.strip()!r} is not one of {known}, each once, = a column")
        asked[key] = column
    for one, other in (("lat", "lon"), ("true_lat", "true_lon")):
        if (one in asked) != (other in asked):
            raise BadPredictions(f"--columns: {one} and {other} belong together; give both")
    return asked


def _asked_index(path: str, names: tuple[str, ...], key: str, column: str) -> int:
    """The column of that name, in any case if only one has it so."""
    plain = [name.strip() for name in names]
    lower = [name.lower() for name in plain]
    for among, wanted in ((plain, column), (lower, column.lower())):
        if among.count(wanted) == 1:
            return among.index(wanted)
    count = lower.count(column.lower())
    says = f"{count} columns are called {column!r}" if count else f"no column {column!r}"
    raise BadPredictions(f"{path}: --columns {key}={column}: {says}; found: {listed(names)}")


def _asked_pair(chosen: Mapping[str, int], lat: str, lon: str, role: Role) -> Pair | None:
    return Pair(chosen[lat], chosen[lon], role) if lat in chosen else None
