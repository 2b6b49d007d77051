"""The door of metadata: one file of one publication in, checked facts and findings out."""

from pathlib import Path

from g3lib.images.fates import Fate
from g3lib.images.metadata.addresses import join_addresses
from g3lib.images.metadata.countries import check_countries, refuse_without_country
from g3lib.images.metadata.draft import Draft
from g3lib.images.metadata.formats import Publication
from g3lib.images.metadata.identity import check_ids
from g3lib.images.metadata.left_out import findings_of, unreadable
from g3lib.images.metadata.loading import loaded
from g3lib.images.metadata.positions import check_known_rows, check_positions
from g3lib.images.metadata.recognition import check_publication, publication_of
from g3lib.images.metadata.records import Tally
from g3lib.images.metadata.table import Metadata
from g3lib.images.metadata.votes import places_of_votes


def read_metadata(
    path: Path, publication: str, *, urls: Path | None = None, require_country: bool = False
) -> Metadata:
    """The facts of every row of a file, in its order, and what was found in it.

    `publication` names what the file should be (formats.PUBLICATIONS; `any` for a table of one's own); CSV, its like
    with tabs or semicolons, gzip or bzip2 of these, or Parquet, whatever its name ends in. `urls` is a list of ids and
    URLs that become the locators. With `require_country`, rows without country are refused.

    Lines that cannot be read as rows are no rows of the table; findings count them. Raises BadMetadata if the file is
    not what it was offered as, FileNotFoundError if it is not there, ValueError for an unknown publication.
    """
    offered = publication_of(publication)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; it should hold {offered.title}: {offered.remedy}")
    with places_of_votes(path) if publication == "place-pulse" else loaded(path, offered) as (draft, tally):
        _check(draft, tally, path, offered)
        if require_country:
            refuse_without_country(draft, str(path))
        if urls is not None:
            join_addresses(draft, urls)
        return draft.finished()


def _check(draft: Draft, tally: Tally, path: Path, offered: Publication) -> None:
    """Every check in the order in which one relies on another: what it is, where it lies, who it is."""
    draft.findings += findings_of(tally)
    check_publication(draft, str(path), offered, unreadable(tally))
    if draft.video is not None:
        draft.refuse("video", Fate.NOT_AN_IMAGE, draft.video, "a video, no photo")
    check_positions(draft, offered.known, published_swapped=not offered.forms)
    check_known_rows(draft, str(path), offered.known, offered.exact)
    check_ids(draft)
    check_countries(draft)
