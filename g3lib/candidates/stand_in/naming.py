"""The names of guessed points. The gazetteer is loaded when a place is asked for, not before."""

from collections.abc import Sequence

from g3lib.candidates.stand_in.references import Point


def named(points: Sequence[Point]) -> list[dict[str, str]]:
    """City, state and country of each (lat, lon): those of the nearest place."""
    from g3lib.places import nearest_places

    places = nearest_places([lat for lat, _ in points], [lon for _, lon in points])
    rows = places.select("city", "state", "country").rows(named=True)
    return [{kind: name or "" for kind, name in row.items()} for row in rows]
