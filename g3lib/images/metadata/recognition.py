"""Whether a file is what it was offered as: by its columns, its number of rows, and how its ids look."""

from collections.abc import Sequence

import numpy as np

from g3lib.images.metadata.draft import Draft
from g3lib.images.metadata.findings import Finding
from g3lib.images.metadata.formats import PUBLICATIONS, Form, Publication
from g3lib.images.metadata.table import BadMetadata


def publication_of(name: str) -> Publication:
    """The publication of that name; ValueError lists those there are."""
    if name not in PUBLICATIONS:
        raise ValueError(f"no publication {name!r}; there are: {', '.join(PUBLICATIONS)}")
    return PUBLICATIONS[name]


def matched(path: str, offered: Publication, names: Sequence[str]) -> tuple[Form, dict[str, int]]:
    """The form that the columns have, and where each fact stands; BadMetadata says which columns are missing."""
    lower = [name.strip().lstrip("\ufeff").lower() for name in names]
    for form in offered.forms:
        facts = _facts(path, form, lower)
        if all(fact in facts for fact in form.required):
            return form, facts
    raise BadMetadata(f"{path}: offered as {offered.title}, {_missing(offered, lower)}; {offered.remedy}")


def is_bare(names: Sequence[str], form: Form) -> bool:
    """Whether a first record is no header but a row of a form without one."""
    if len(names) != len(form.names):
        return False
    place = [names[form.names.index(each)].strip() for each in ("lon", "lat", "accuracy")]
    return not any(each and not each.replace(".", "").lstrip("-").isdigit() for each in place)


def _facts(path: str, form: Form, names: Sequence[str]) -> dict[str, int]:
    facts = {}
    for fact, candidates in form.columns.items():
        column = next((each for each in candidates if each in names), None)
        if column is None:
            continue
        if names.count(column) > 1:
            raise BadMetadata(
                f"{path}: {names.count(column)} columns are called {column!r}; keep the right one"
            )
        facts[fact] = names.index(column)
    return facts


def _missing(offered: Publication, names: Sequence[str]) -> str:
    form = offered.forms[0]
    missing = [
        "/".join(form.columns[fact]) for fact in form.required if not set(form.columns[fact]) & set(names)
    ]
    shown = ", ".join(name[:40] for name in names[:30])
    alike = [
        other.title
        for other in PUBLICATIONS.values()
        if other.title not in (offered.title, PUBLICATIONS["any"].title)
        and any(_has(each, names) for each in other.forms)
    ]
    looks = f" (the columns of {' or '.join(alike)})" if alike else ""
    return f"but it has no column {', '.join(missing)}; found: {shown}{looks}"


def _has(form: Form, names: Sequence[str]) -> bool:
    return all(set(form.columns[fact]) & set(names) for fact in form.required)


def check_publication(draft: Draft, path: str, offered: Publication, left_out: int) -> None:
    """BadMetadata if the rows are another publication's, or not those of a benchmark; galleries' are noted."""
    rows = draft.text.height
    if not offered.rows or rows in offered.rows:
        _check_looks(draft, path, offered)
        return
    expected = " or ".join(f"{count:,}" for count in offered.rows)
    says = f"it has {rows:,} rows, not {expected}" + (
        f" ({left_out:,} more could not be read)" if left_out else ""
    )
    sample = _sample(draft)
    other = _recognised(rows, sample)
    if other is not None and other is not offered and (offered.exact or other.exact):
        raise BadMetadata(
            f"{path}: offered as {offered.title}, but {says}, with ids such as {sample[0]!r}: this is "
            f"{other.title}. {offered.remedy}"
        )
    if offered.exact:
        raise BadMetadata(
            f"{path}: offered as {offered.title}, but {says}: scores would not be comparable. {offered.remedy}; "
            "for a set of your own use the publication `any`"
        )
    detail = f"{says}, as {offered.title} was published; a filtered or later edition?"
    draft.findings.append(Finding("row_count", "noted", rows, detail))


def _check_looks(draft: Draft, path: str, offered: Publication) -> None:
    """A benchmark's ids must look like its own; MP-16's are said to, nothing more."""
    sample = _sample(draft)
    if offered.looks is None or not sample:
        return
    strange = [each for each in sample if not offered.looks.fullmatch(each)]
    if offered.exact and len(strange) > len(sample) / 2:
        raise BadMetadata(
            f"{path}: offered as {offered.title}, but its ids are such as {strange[0]!r}; {offered.remedy}"
        )


def _recognised(rows: int, sample: Sequence[str]) -> Publication | None:
    """The publication with that number of rows and such ids."""
    for publication in PUBLICATIONS.values():
        looks = publication.looks
        if rows in publication.rows and (looks is None or all(looks.fullmatch(each) for each in sample[:5])):
            return publication
    return None


def _sample(draft: Draft) -> list[str]:
    """Up to a thousand ids from all over the file."""
    rows = np.linspace(0, draft.text.height - 1, min(1000, draft.text.height)).astype(np.int64)
    return draft.text["photo_id"][rows].drop_nulls().to_list()
