"""Where a benchmark's photos were taken: from a home's photos, a metadata file, or the predictions' own columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from g3lib.experiments.datasets import UNKNOWN
from g3lib.geo import is_on_earth
from g3lib.images.metadata import BadMetadata, Metadata, read_metadata
from g3lib.images.metadata.findings import Finding
from g3lib.images.metadata.formats import PUBLICATIONS
from g3lib.images.metadata.identity import check_ids
from g3lib.results.outside.columns import BadPredictions, recognised_truth
from g3lib.results.outside.positions import check_truths, draft_of
from g3lib.results.outside.reading import Sheet, sheet_of
from g3lib.store import Input
from g3lib.store.files import sha256_of

TRUTH = pl.Schema({"photo_id": pl.String, "author": pl.String, "lat": pl.Float64, "lon": pl.Float64})
WHATEVER = ("any", "yfcc100m")  # whose columns a metadata file may have


@dataclass(frozen=True)
class Truth:
    """Every photo of a benchmark once (schema TRUTH; author null if unknown), and where that is known from.

    `config` and `inputs` go into lineage records: a file's digest, or the materializations of a home.
    """

    benchmark: str
    photos: pl.DataFrame
    source: str
    findings: Sequence[Finding] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()

    @property
    def has_authors(self) -> bool:
        """Whether any photographer is known."""
        return self.photos["author"].null_count() < self.photos.height


def truth_of_photos(benchmark: str, photos: pl.DataFrame, source: str, inputs: Sequence[Input]) -> Truth:
    """The truth of a home's photos (photo_id, author, lat, lon)."""
    return Truth(benchmark, _plain(photos), source, config={"truth": source}, inputs=tuple(inputs))


def truth_of_file(path: Path, benchmark: str, publication: str | None = None) -> Truth:
    """The truth of a metadata file; `publication` says which it must be, else it is whichever it looks like.

    Raises BadPredictions for a file that is none, or not that publication's.
    """
    table, findings = _metadata(path, publication) if publication else _whatever(path)
    usable = table.filter(pl.col("refused").is_null() & pl.col("lat").is_not_null())
    if usable.is_empty():
        raise BadPredictions(f"{path}: none of its {table.height} rows tells where a photo was taken")
    config = {"truth": path.name, "truth_sha256": sha256_of(path), "truth_publication": publication}
    return Truth(benchmark, _plain(usable), str(path), _named(findings), config)


def truth_of_sheet(sheet: Sheet, ids: pl.Series, path: Path, benchmark: str) -> Truth:
    """The truth that stands beside the predictions; photos whose rows tell none, or several, are not among them.

    Raises BadPredictions if the benchmark is a published one that has another number of photos.
    """
    assert sheet.columns.truth is not None
    names = sheet.columns.pair(sheet.columns.truth)
    draft = draft_of("truth", ids, sheet.facts["true_lat"], sheet.facts["true_lon"], sheet.where)
    check_truths(draft)
    found = pl.DataFrame({"photo_id": ids, "author": _authors(sheet), "lat": draft.lat, "lon": draft.lon})
    found = found.filter(draft.usable & ids.is_not_null().to_numpy()).unique(maintain_order=True)
    one = pl.struct("lat", "lon").n_unique().over("photo_id") == 1
    photos = found.filter(one).unique("photo_id", keep="first", maintain_order=True)
    several = found.filter(~one)["photo_id"].unique(maintain_order=True)
    findings = list(draft.findings)
    if len(several):
        detail = "photos whose rows tell several true positions; they are no queries"
        findings.append(Finding("conflicting_truth", "refused", len(several), detail, str(several[0])))
    if photos.is_empty():
        raise BadPredictions(f"{path}: {names} hold no usable truth")
    _check_size(photos, path, benchmark)
    source = f"columns {names} of the predictions"
    return Truth(benchmark, _plain(photos), source, _named(findings), {"truth": source})


def _authors(sheet: Sheet) -> pl.Series:
    nobody = pl.Series([None], dtype=pl.String).new_from_index(0, sheet.facts.height)
    return sheet.facts["author"] if "author" in sheet.facts.columns else nobody


def _check_size(photos: pl.DataFrame, path: Path, benchmark: str) -> None:
    published = PUBLICATIONS.get(benchmark)
    if published is not None and published.exact and photos.height not in published.rows:
        rows = " or ".join(f"{each:,}" for each in published.rows)
        raise BadPredictions(
            f"{path}: {published.title} has {rows} photos, but the file tells the truth of {photos.height:,}: averages "
            f"must divide by all of them. Give its metadata with --truth ({published.remedy}), or another --benchmark "
            "name for a set of your own"
        )


def _metadata(path: Path, publication: str) -> tuple[pl.DataFrame, list[Finding]]:
    try:
        return _read(read_metadata(path, publication))
    except BadMetadata as problem:
        raise BadPredictions(str(problem)) from problem


def _whatever(path: Path) -> tuple[pl.DataFrame, list[Finding]]:
    """A publisher's form, else a table with any of the usual names."""
    for publication in WHATEVER:
        try:
            return _read(read_metadata(path, publication))
        except BadMetadata:
            continue
    with sheet_of(path, lambda names: recognised_truth(str(path), names)) as sheet:
        if not sheet.columns.ids:
            raise BadPredictions(f"{path}: no column of photo ids; call it photo_id")
        ids = sheet.facts["id0"].str.strip_chars()
        draft = draft_of(
            "truth", ids.set(ids == "", None), sheet.facts["lat"], sheet.facts["lon"], sheet.where
        )
        check_truths(draft)
        check_ids(draft)
        columns = {"photo_id": ids, "author": _authors(sheet), "lat": draft.lat, "lon": draft.lon}
        refused = pl.Series(["refused"]).new_from_index(0, ids.len()).set(pl.Series(draft.usable), None)
        return pl.DataFrame({**columns, "refused": refused}), [*sheet.findings, *draft.findings]


def _read(metadata: Metadata) -> tuple[pl.DataFrame, list[Finding]]:
    return metadata.table, [Finding(*row) for row in metadata.findings.rows()]


def _named(findings: Sequence[Finding]) -> list[Finding]:
    """Findings about a truth, told apart from those about predictions."""
    return [
        Finding(f"truth_{each.name}", each.action, each.rows, each.detail, each.example) for each in findings
    ]


def _plain(photos: pl.DataFrame) -> pl.DataFrame:
    """The schema TRUTH, nobody being null; ValueError for what is not on the Earth, or twice."""
    author = pl.col("author").cast(pl.String).str.strip_chars()
    somebody = pl.when(~author.str.to_lowercase().is_in(["", UNKNOWN, "nan", "none", "null"])).then(author)
    plain = photos.select("photo_id", author=somebody, lat="lat", lon="lon").match_to_schema(TRUTH)
    if plain["photo_id"].is_duplicated().any() or not is_on_earth(plain["lat"], plain["lon"]).all():
        raise ValueError("a truth needs every photo once, each on the Earth")
    return plain
