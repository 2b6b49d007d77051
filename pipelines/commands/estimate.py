"""`g3 run --estimate`: what the LMMs would be asked, and what that takes; nothing is asked, started or written."""

from itertools import groupby
from typing import TYPE_CHECKING

import click
from rich import box
from rich.table import Table
from rich.text import Text

from g3lib.experiments import Profile
from g3lib.store import Home
from pipelines.commands.failures import WRONG_USAGE, CommandFailed

if TYPE_CHECKING:
    from assets.estimates import Estimates, Lmm, Row
    from g3lib.candidates.costs.estimate import Estimate

COLUMNS = ("requests", "answers", "known", "in", "out", "USD", "hours")


def show_estimate(profile: Profile, home: Home) -> None:
    """The table, and what it rests on; CommandFailed for a table of prices that cannot be read."""
    from assets.estimates import estimates
    from assets.plan import Workflow
    from assets.steps import STEPS
    from g3lib.candidates.costs.prices import PriceTableError
    from pipelines.commands.showing import show

    try:
        found = estimates(Workflow(profile, home, STEPS))
    except PriceTableError as problem:
        raise CommandFailed(str(problem), WRONG_USAGE) from problem
    if not found.rows:
        click.echo(f"No experiment of profile {profile.name} asks an LMM.")
        return
    show(_table(found), None)
    click.echo("known: answers that are recorded already; in, out: tokens.")
    if any(row.estimate is not None and not row.estimate.exact for row in found.rows):
        click.echo(
            "~: presumed, since photos or references are not up to date: as many photos as the profile names, and "
            "references of the usual length."
        )
    for label, lmm in found.lmms.items():
        for line in _about(label, lmm, found.totals.get(label)):
            click.echo(line)
    click.echo(
        f"Prices of your own, which go first: {home.prices} (like g3lib/candidates/costs/prices.yaml)."
    )


def _table(found: "Estimates") -> Table:
    """As narrow as a terminal of 80 columns: a section for each benchmark, counts in thousands or millions."""
    table = Table(title="What LMMs would be asked", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("experiment", overflow="fold")
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    several = len(found.totals) > 1
    for benchmark, rows in groupby(found.rows, key=lambda row: row.benchmark):
        table.add_row(Text(benchmark, "bold"))
        for row in rows:
            asked = f" ({row.lmm})" if several else ""
            table.add_row(f"  {row.experiment}{asked}", *_cells(row))
        table.add_section()
    for label, total in found.totals.items():
        table.add_row(f"all, shared once: {label}", *_figures(total), style="bold")
    if several:
        first, *rest = found.totals.values()
        table.add_row("all LMMs", *_figures(sum(rest, first)), style="bold")
    return table


def _cells(row: "Row") -> list[str]:
    if row.estimate is None:
        return ["current", *[""] * (len(COLUMNS) - 1)]
    return _figures(row.estimate)


def _figures(one: "Estimate") -> list[str]:
    requests = f"{'' if one.exact else '~'}{_count(one.requests)}"
    counts = [_count(each) for each in (one.answers, one.recorded, one.tokens_in, one.tokens_out)]
    hours = f"≤ {one.hours:.0f}" if one.batch and one.hours else f"{one.hours:.2f}"
    return [requests, *counts, _usd(one.usd_due), hours]


def _count(number: float) -> str:
    """Four digits at most."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= max(0.9995 * unit, 9999.5):
            return f"{number / unit:.3g}{name}"
    return f"{number:.0f}"


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:,.2f}"


def _about(label: str, lmm: "Lmm", total: "Estimate | None") -> list[str]:
    """What the figures of an LMM rest on, and whether its budget will do."""
    from g3lib.candidates.costs.estimate import passed_limits

    settings, prices, used = lmm.settings, lmm.prices, lmm.used
    charged = (
        f"USD {prices.usd_in:g} in, {prices.usd_out:g} out per million tokens, by " if prices.known else ""
    )
    lines = [f"{label}: {charged}{prices.source}."]
    if total is None:
        return lines
    lines.append(f"{label}: {total.basis}; at most {settings.concurrency} requests at once.")
    if not total.batch and total.usd_batched:
        lines.append(f"{label}: through the Batch API (transport: batch) USD {total.usd_batched:,.2f}.")
    if settings.is_stand_in:
        lines.append(
            f"{label}: for what an LMM would take, set its base_url and model; no key is needed here."
        )
    if settings.transport == "replay" and total.requests:
        lines.append(f"{label}: transport is replay, so {total.answers:,} answers would be missing.")
    if any(limit is not None for limit in settings.budget.model_dump().values()):
        passed = passed_limits(settings.budget, used, total)
        verdict = f"exceeded: {'; '.join(passed)}" if passed else "enough"
        lines.append(f"{label}: the budget is {verdict}.")
    return lines
