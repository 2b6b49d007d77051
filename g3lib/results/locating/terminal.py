"""The same for a person at a terminal: a block for each photo, within 80 columns."""

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from g3lib.results.locating.answers import Answer, Candidate, Located, Locations, Own
from g3lib.results.locating.sureness import Sureness
from g3lib.results.metrics import THRESHOLDS_KM

SHOWN = 5  # candidates of a photo at different positions; all are in the other forms


def blocks(found: Locations) -> Iterator[RenderableType]:
    """What to print, one after the other: warnings, photos, and what it all rests on."""
    for warning in found.warnings:
        yield Text(f"! {warning}", style="bold yellow")
    for each in found.photos:
        yield Text(f"\n{each.photo}", style="bold", overflow="fold")
        yield Padding(_block(each), (0, 0, 0, 2))
    yield Text()
    yield Text(_rest(found.sureness), style="dim")
    yield Text(_sum(found))


def position(lat: float, lon: float) -> str:
    """Degrees to five decimals, about a metre."""
    return f"{lat:.5f}, {lon:.5f}"


def distance(km: float | None) -> str:
    """Kilometres as people say them."""
    if km is None:
        return ""
    return f"{km:.1f}" if km < 100 else f"{km:,.0f}"


def percent(chance: float) -> str:
    """Whole percent; never 0 % or 100 % by rounding alone."""
    if 0 < chance < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < chance < 1 else f"{chance:.0%}".replace("%", " %")


def _block(each: Located) -> RenderableType:
    grid = Table.grid()
    if each.refusal is not None:
        grid.add_row(Text(f"not located: {each.refusal.reason} ({each.refusal.fate})", style="red"))
    if each.answer is not None:
        grid.add_row(_answer(each.answer))
        if each.answer.within is not None:
            grid.add_row(_chances(each.answer.within))
    if each.own is not None:
        grid.add_row(_own(each.own))
    if each.answer is not None and (rows := different(each.candidates)):
        grid.add_row(_table(rows, len(each.candidates)))
    return grid


def _answer(answer: Answer) -> Text:
    where = Text(position(answer.lat, answer.lon), style="bold cyan")
    return where + Text(f"  {answer.place}", style="default")


def _chances(within: tuple[float, ...]) -> Text:
    told = (f"{km} km {percent(chance)}" for km, chance in zip(THRESHOLDS_KM, within, strict=True))
    return Text("within " + ", ".join(told))


def _own(own: Own) -> Text:
    off = "" if own.error_km is None else f": {distance(own.error_km)} km off"
    return Text(
        f"its {own.told_by} says {position(own.lat, own.lon)} ({own.place.short}){off}", style="green"
    )


def different(candidates: tuple[Candidate, ...]) -> list[Candidate]:
    """The first SHOWN of them that have a position of their own, best first."""
    found: dict[tuple[float | None, float | None], Candidate] = {}
    for each in candidates:
        if each.lat is not None:
            found.setdefault((each.lat, each.lon), each)
    return list(found.values())[:SHOWN]


def _table(rows: list[Candidate], total: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("")
    table.add_column("source", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("position", no_wrap=True)
    table.add_column("km away", justify="right", no_wrap=True)
    table.add_column("place", overflow="fold")
    for each in rows:
        assert each.lat is not None and each.lon is not None and each.place is not None
        table.add_row(
            "→" if each.chosen else "",
            each.source,
            "" if each.score is None else f"{each.score:.3f}",
            position(each.lat, each.lon),
            "" if each.chosen else distance(each.km),
            Text(each.place.short),
            style="bold" if each.chosen else "",
        )
    if total > len(rows):
        table.caption = f"the best of {total} candidates"
        table.caption_justify = "left"
    return table


def _rest(sure: Sureness) -> str:
    if sure.reason:
        return f"How sure is not known: {sure.reason}."
    return (
        f"Probabilities: how often answers of such a score were that near, of {sure.photos:,} photos of "
        f"{' and '.join(sure.benchmarks)}; for photos unlike those they do not hold."
    )


def _sum(found: Locations) -> str:
    photos = f"{found.located} of {len(found.photos)} photos located by {found.experiment.name}"
    return f"{photos}{_asked(found)}."


def _asked(found: Locations) -> str:
    """Who was asked how much, and what it came to."""
    if found.lmm is None:
        return ""
    if not found.bill:
        return f"; {found.lmm} was asked nothing new"
    usd, requests = found.bill.get("usd_spent"), int(found.bill["requests"])
    cost = "at an unknown price" if usd is None else f"for {usd:.4g} USD"
    return f"; {found.lmm} was asked {requests:,} {'time' if requests == 1 else 'times'} {cost}"
