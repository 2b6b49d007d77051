"""The experiments of a benchmark in the order in which a report shows them, and which of them need a warning."""

from dataclasses import asdict, dataclass
from typing import Any

from g3lib.experiments.catalogue import EXPERIMENTS, experiment, open_arm
from g3lib.experiments.experiment import POLICIES, Experiment
from g3lib.experiments.lmm import STAND_IN
from g3lib.results.report.reading import Source

SYNTHETIC = "synthetic"  # what drawn numbers call their LMM, so that nobody takes them for measured ones
WARNINGS = {
    STAND_IN: "their answers come from a local program that never looks at the photo; no language model was asked",
    SYNTHETIC: "their numbers are drawn at random; nothing was measured",
}
FIRST = ("g3", "nn-clip", "img2loc", "lmm-only")  # what is compared first, wherever there is not room for all

_EXPERIMENTS = """
select
    experiment, first(method) as method, first(variant) as variant, first(gallery_policy) as gallery_policy,
    string_agg(distinct lmm, ' + ' order by lmm) as lmm, count(*) as n, count(*) - count(error_km) as failed
from results.prediction
where benchmark = $benchmark
group by experiment
"""


@dataclass(frozen=True)
class Entry:
    """One experiment on one benchmark, as a report names it."""

    name: str
    method: str
    variant: str
    lmm: str | None
    policy: str | None  # gallery photos that a query may meet; None where nothing is retrieved
    n: int
    failed: int

    @property
    def badge(self) -> str | None:
        """The word that stands beside every number of it, if it needs one."""
        asked = (self.lmm or "").split(" + ")
        return next((word for word in WARNINGS if word in asked), None)

    @property
    def label(self) -> str:
        """Its name with that word, where there is no room for more."""
        return f"{self.name} ({self.badge})" if self.badge else self.name

    @property
    def in_catalogue(self) -> Experiment | None:
        """What it is; None for predictions from elsewhere."""
        try:
            return experiment(self.name)
        except KeyError:
            return None

    def plain(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self) | {"badge": self.badge}


def entries(source: Source, benchmark: str) -> list[Entry]:
    """Every experiment with predictions, in the catalogue's order, each followed by its arms; strangers last."""
    found = [
        Entry(
            name=row["experiment"],
            method=row["method"] or row["experiment"],
            variant=row["variant"] or "",
            lmm=row["lmm"],
            policy=row["gallery_policy"],
            n=row["n"],
            failed=row["failed"],
        )
        for row in source.rows(_EXPERIMENTS, benchmark=benchmark).iter_rows(named=True)
    ]
    return sorted(found, key=_place)


def by_importance(found: list[Entry]) -> list[Entry]:
    """G3 and what it is compared with, then the others in their order, arms after all of them: who is left out last."""

    def importance(each: Entry) -> tuple[bool, int, tuple[int, str, int, str]]:
        return _is_arm(each), FIRST.index(each.name) if each.name in FIRST else len(FIRST), _place(each)

    return sorted(found, key=importance)


def _is_arm(each: Entry) -> bool:
    return "+" in each.name or "@" in each.name


def _place(each: Entry) -> tuple[int, str, int, str]:
    names = [known.name for known in EXPERIMENTS]
    base = open_arm(each.name).partition("@")[0]
    place = names.index(base) if base in names else len(names)
    policy = POLICIES.index(each.policy) if each.policy in POLICIES else 0  # type: ignore[arg-type]
    return place, base, policy, each.name
