"""Place names to coordinates, offline: where an answer like "Paris, Île-de-France, France" is on the map.

Names are compared as `spelling` says, exactly first and coarsely last, and nothing is guessed from letters that
differ: a wrong city costs more than a known state. In this order:

- **country**: a country or an overseas part of one; else a state in its place ("Scotland"); else nothing is known.
- **state**: a state of that country, or an overseas part of it ("Puerto Rico"); else a county ("Kent").
- **city**: the most populous place of that name in the state; where the state has none, the nearest of that name
  in the country to the state's own point, if within NEAR_KM (Moscow is not in its oblast); where no state is known,
  the most populous in the country, which comes before its overseas parts.
- **county**: where no city is found; a city's name is tried as one, too ("Cornwall").

A county, state or country is where its most populous place is. Of 99,825 of MP-16's photos on land, that point of
their country is within 25 / 200 / 750 / 2500 km of 20.9 / 36.7 / 69.7 / 85.9 %, beside 6.3 / 34.3 / 66.9 / 88.7 %
for the spherical median of its inhabitants and 2.2 / 28.4 / 64.6 / 92.4 % for their centre; that point of their
state within 25 / 200 km of 46.9 / 82.9 %, beside 41.6 / 86.3 % and 29.1 / 86.6 %. It is a place, never the sea.
"""

from dataclasses import dataclass

from g3lib.geo import haversine_km
from g3lib.places.name_index import ANYWHERE, Area, Level, areas_named, lands_named, name_index
from g3lib.places.spelling import LONGEST

NEAR_KM = 200.0


@dataclass(frozen=True)
class Located:
    """The gazetteer's position (degrees) for a name; `level` is how much of it was found, `name` what was."""

    lat: float
    lon: float
    level: Level
    name: str


def locate_place(
    country: str | None, state: str | None = None, city: str | None = None, county: str | None = None
) -> Located | None:
    """Where a place is, from names in any spelling; None or blank for what is not known.

    None where the country is named and unknown, where nothing is, or where the gazetteer has no place there
    (Antarctica). Without a country the whole world is searched. Ties of population go by the gazetteer's order.
    """
    country, state, city, county = (
        name and name[:LONGEST].strip() for name in (country, state, city, county)
    )
    lands = lands_named(country) if country else ANYWHERE
    if country and not lands:
        return _in_country_that_is_a_state(country, state, city, county)
    states = areas_named(state, lands) if state else ()
    if city and (place := _city(city, states, lands)):
        return _located(place, "city")
    for name in (county, city):
        if name and (found := _county(name, states[:1] or lands)):
            return _located(found, "county")
    if states:
        return _located(states[0], "county" if states[0].county else "state")
    return _located(lands[0], "country") if country else None


def _in_country_that_is_a_state(
    country: str, state: str | None, city: str | None, county: str | None
) -> Located | None:
    """As `locate_place`, for "Scotland" and what is in it; None if no state or overseas part has that name."""
    is_state = any(area.county is None for area in areas_named(country, ANYWHERE))
    return locate_place(None, country, city, county or state) if is_state else None


def _city(name: str, states: tuple[Area, ...], lands: tuple[Area, ...]) -> Area | None:
    """The place that is meant, by the rules above."""
    known = name_index()
    best = next(known.places_named(name, states or lands), None)
    if best is None and states and (elsewhere := [*known.places_named(name, lands)]):
        rows, state = [place.row for place in elsewhere], states[0].row
        km = haversine_km(known.lat[rows], known.lon[rows], known.lat[state], known.lon[state])
        best = elsewhere[int(km.argmin())] if km.min() <= NEAR_KM else None
    return best


def _county(name: str, within: tuple[Area, ...]) -> Area | None:
    return next((area for area in areas_named(name, within) if area.county), None)


def _located(area: Area, level: Level) -> Located:
    known = name_index()
    return Located(float(known.lat[area.row]), float(known.lon[area.row]), level, area.name)
