"""Whose prediction a row is: its id among the benchmark's, as it stands or written in another way.

Rules go from strict to loose, and a photo that a stricter one has found is not found again by a looser one. A rule
applies only where it leaves no choice: ids of two photos that it makes equal are not told apart by guessing.
"""

from collections.abc import Callable, Iterator

import polars as pl

Rule = Callable[[pl.Expr], pl.Expr]
EXTENSION = r"(?i)\.(jpe?g|png|webp|gif|bmp|tiff?|heic|heif|avif)$"
AS_IT_STANDS = "as it stands"


def _as_it_stands(text: pl.Expr) -> pl.Expr:
    return text


def _bare(text: pl.Expr) -> pl.Expr:
    return text.str.replace(EXTENSION, "")


def _joined(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(r"[/\\]", "_")


def _file(text: pl.Expr) -> pl.Expr:
    return text.str.extract(r"([^/\\]+)[/\\]*$", 1)


def _bare_joined(text: pl.Expr) -> pl.Expr:
    return _bare(_joined(text))


def _bare_file(text: pl.Expr) -> pl.Expr:
    return _bare(_file(text))


def _number(text: pl.Expr) -> pl.Expr:
    """Digits alone, as spreadsheets and data frames rewrite them: without zeros before, or `.0` behind."""
    digits = _bare_file(text).str.replace(r"^(\d+)\.0$", "$1").str.replace(r"^0+(\d)", "$1")
    return pl.when(digits.str.contains(r"^\d+$")).then(digits)


RULES: dict[str, Rule] = {
    AS_IT_STANDS: _as_it_stands,
    "but for the extension": _bare,
    "with / as _": _joined,
    "with / as _, but for the extension": _bare_joined,
    "but for folders": _file,
    "but for folders and the extension": _bare_file,
    "as a number": _number,
}


def _in_small_letters(rule: Rule) -> Rule:
    return lambda text: rule(text).str.to_lowercase()


def _rules() -> Iterator[tuple[str, Rule]]:
    """Every rule, and then every rule in small letters."""
    yield from RULES.items()
    for name, rule in RULES.items():
        yield f"{name}, in small letters", _in_small_letters(rule)


def matched(found: pl.Series, photos: pl.Series) -> pl.DataFrame:
    """For each of the ids `found` (strings, null for none) the benchmark's photo and the rule that found it, else null.

    Columns `photo_id` and `rule`, in the order of `found`. `photos` must be distinct.
    """
    known = pl.DataFrame({"photo_id": photos}, schema={"photo_id": pl.String})
    every = pl.DataFrame({"found": found}, schema={"found": pl.String})
    left, missing, parts = every.drop_nulls().unique(maintain_order=True), known, []
    for name, rule in _rules():
        if left.is_empty() or missing.is_empty():
            break
        pairs = _pairs(left, known, rule).join(missing, on="photo_id", how="semi")
        parts.append(pairs.with_columns(rule=pl.lit(name)))
        left = left.join(pairs, on="found", how="anti")
        missing = missing.join(pairs, on="photo_id", how="anti")
    schema = {"found": pl.String, "photo_id": pl.String, "rule": pl.String}
    pairs = pl.concat([pl.DataFrame(schema=schema), *parts])
    return every.join(pairs, on="found", how="left", maintain_order="left").drop("found")


def _pairs(left: pl.DataFrame, known: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """(found, photo_id) that the rule makes equal, but for photos that it makes equal with one another."""
    keyed = known.with_columns(key=rule(pl.col("photo_id"))).drop_nulls("key")
    single = keyed.filter(pl.col("key").is_unique() & (pl.col("key") != ""))
    return left.with_columns(key=rule(pl.col("found"))).join(single, on="key").select("found", "photo_id")
