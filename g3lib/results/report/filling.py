"""What fills the room that tables and predictions leave: candidates, references, pictures, the most important first."""

from g3lib.results.report.candidates import candidate_block, nothing_known
from g3lib.results.report.draft import Draft
from g3lib.results.report.experiments import Entry, by_importance
from g3lib.results.report.packing import packed
from g3lib.results.report.pictures import add_pictures
from g3lib.results.report.references import DEPTHS, Depth, Search, reference_block, searched_by

FIRST_SHARE = 0.35  # of the room, for the candidates of the first experiment, and for its references
LEAST_BYTES = 3.0  # that a candidate takes, however many others share its position

NAMED = 12  # experiments in a sentence

_COUNTS = "select experiment, count(*) as rows from results.candidate where benchmark = $benchmark group by experiment"


def fill(draft: Draft) -> None:
    """Candidates and references of the first experiment, pictures, then both of the others while there is room."""
    counts = dict(draft.source.rows(_COUNTS, benchmark=draft.benchmark).iter_rows())
    entries = [each for each in by_importance(draft.experiments) if counts.get(each.name)]
    known, without = nothing_known(), list[Entry]()
    for place, entry in enumerate(entries):
        share = 1.0 if place else FIRST_SHARE
        if counts[entry.name] * LEAST_BYTES > share * draft.budget.left:
            without.append(entry)
        else:
            found = candidate_block(draft.source, draft.benchmark, entry.name, draft.queries, known)
            number = draft.number_of(entry)
            if _placed(draft, f"candidates-{number}", packed(*found.block), share):
                draft.about["candidates"].append(number)
                known = found.known
            else:
                without.append(entry)
        if place == 0:
            _add_references(draft, _searches([entry]), FIRST_SHARE)
            add_pictures(draft)
    if not entries:
        add_pictures(draft)
    _say_what_lacks(draft, without, sum(counts[each.name] for each in without))
    there = _searches(entries[:1])
    with_candidates = [each for each in entries if each not in without]
    _add_references(draft, [each for each in _searches(with_candidates) if each not in there], 1.0)


def _placed(draft: Draft, name: str, text: str, share: float) -> bool:
    """Whether a block has its room; then it is in the page."""
    if not draft.budget.fits(text, share):
        return False
    draft.rest[name] = text
    return True


def _searches(entries: list[Entry]) -> list[Search]:
    """What they retrieve from, each once, in their order."""
    return [each for each in dict.fromkeys(map(searched_by, entries)) if each is not None]


def _add_references(draft: Draft, searches: list[Search], share: float) -> None:
    """What galleries returned, each as deep as there is room for."""
    for search in searches:
        name = f"references-{len(draft.about['references'])}"
        for depth in DEPTHS:
            block = reference_block(draft.source, draft.benchmark, search, draft.queries, depth)
            if block is None:
                break
            if _placed(draft, name, packed(*block), share):
                draft.about["references"].append(search._asdict())
                if depth != DEPTHS[0]:
                    _say_references(draft, search, depth)
                break
        else:
            _say_references(draft, search, None)


def _say_references(draft: Draft, search: Search, depth: Depth | None) -> None:
    what = f"References of gallery {search.gallery}, policy {search.policy}"
    sql = _sql(draft, "reference", gallery=search.gallery, policy=search.policy)
    draft.budget.leave_out(f"{what}, beyond {depth}" if depth else what, f"{sql}; or {draft.larger()}")


def _say_what_lacks(draft: Draft, without: list[Entry], rows: int) -> None:
    if not without:
        return
    names = ", ".join([each.name for each in without[:NAMED]] + ["…"] * (len(without) > NAMED))
    sql = _sql(draft, "candidate", experiment=without[0].name)
    draft.budget.leave_out(
        f"{rows:,} candidates of {len(without)} experiments ({names})", f"{sql}; or {draft.larger()}"
    )


def _sql(draft: Draft, table: str, **columns: str) -> str:
    """The command that tells what is left out."""
    wanted = {"benchmark": draft.benchmark} | columns
    conditions = (f"{name} = '{value.replace(chr(39), 2 * chr(39))}'" for name, value in wanted.items())
    return f'g3 sql --csv "from results.{table} where {" and ".join(conditions)}"'
