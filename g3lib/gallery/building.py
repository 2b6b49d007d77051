"""Building an index from a stream of vectors: the gallery never lies in memory."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from g3lib.experiments.indexing import IndexSettings
from g3lib.gallery.arrays import ArrayWriter, mapped
from g3lib.gallery.card import CARD, Card, IndexReport
from g3lib.gallery.coarse import FILE, new_coarse, write_coarse
from g3lib.gallery.codes import BASIS, LEADING, RANGES, train_coder
from g3lib.gallery.errors import BadVectors
from g3lib.gallery.index import CODES, VECTORS, open_index
from g3lib.gallery.layout import layout_of
from g3lib.gallery.measuring import QUERIES, Truth, queries_per_second, recall
from g3lib.gallery.vectors import Sample, Vectors, checked
from g3lib.store.files import scratch_folder

FILES = (CARD, VECTORS, CODES, BASIS, LEADING, RANGES, FILE)
Blocks = Callable[[], Iterable[Vectors]]


def build(blocks: Blocks, folder: Path, settings: IndexSettings, stamp: Mapping[str, str]) -> IndexReport:
    """Index the vectors of all blocks, (n_i, d) float32 each, into `folder`, and measure the index.

    `blocks()` is called once for an exact index and twice for others, and must give the same each time. `stamp` says
    who embedded the vectors, see Index.check. Memory: some 0.7 GB, blocks included, plus the coarse codes.

    Raises BadVectors, EmptyGallery, or GalleryTooSmall for too few photos to compress; nothing is written then.
    """
    started = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    with scratch_folder(folder / "index") as scratch:
        make = _exact if settings.kind == "exact" else _compressed
        queries = make(blocks, scratch, settings, stamp)
        seconds = time.perf_counter() - started
        index = open_index(scratch)
        speed = queries_per_second(index, queries)
        _install(scratch, folder)
    return IndexReport(index.card, speed, seconds)


def _install(scratch: Path, folder: Path) -> None:
    """The card goes first and comes last: a folder between two indices holds none."""
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    for name in reversed(FILES):
        if (scratch / name).exists():
            (scratch / name).rename(folder / name)


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}


def _exact(blocks: Blocks, folder: Path, _: IndexSettings, stamp: Mapping[str, str]) -> Vectors:
    """Writes the files, and returns some vectors to measure by."""
    with ArrayWriter(folder / VECTORS, np.float32) as writer:
        for chunk in checked(blocks()):
            writer.write(chunk)
    Card("exact", {}, writer.rows, writer.width, dict(stamp), 1.0, 1.0, _sizes(folder)).write(folder)
    some = np.linspace(0, writer.rows - 1, min(QUERIES, writer.rows)).astype(np.int64)
    return np.array(mapped(folder / VECTORS, (writer.rows, writer.width), np.float32)[some])


def _compressed(blocks: Blocks, folder: Path, settings: IndexSettings, stamp: Mapping[str, str]) -> Vectors:
    """Likewise: a pass to train by, a pass to write, and to know the exact answers to some vectors."""
    sample = _sampled(blocks, settings.seed)
    layout = layout_of(settings, sample.seen, sample.width)
    coder = train_coder(sample, layout, settings.seed)
    coder.write(folder)
    coarse = None
    if layout.coarse:
        principal = [coder.principal(coder.turned(chunk)) for chunk in sample.chunks()]
        coarse = new_coarse(settings.kind, layout, np.concatenate(principal), settings.seed)
    truth = Truth(*sample.spread(QUERIES))
    rows, width = sample.seen, sample.width
    del sample
    with ArrayWriter(folder / CODES, np.uint8) as writer:
        for chunk in checked(blocks()):
            turned = coder.turned(chunk)
            if coarse is not None:
                coarse.add(coder.principal(turned))
            truth.offer(chunk, writer.rows)
            writer.write(coder.encoded(turned))
    if writer.rows != rows:
        raise BadVectors(f"the gallery had {rows} vectors at first and {writer.rows} when asked again")
    if coarse is not None:
        write_coarse(coarse, folder)
    card = Card(settings.kind, layout.parameters(), rows, width, dict(stamp), 0.0, 0.0, _sizes(folder))
    card.write(folder)
    similar, dissimilar = recall(open_index(folder), truth)
    replace(card, recall_similar=similar, recall_dissimilar=dissimilar).write(folder)
    return truth.queries


def _sampled(blocks: Blocks, seed: int) -> Sample:
    """A sample of all vectors, each of which is checked on the way."""
    chunks = checked(blocks())
    first = next(chunks)
    sample = Sample(first.shape[1], seed)
    for chunk in chain([first], chunks):
        sample.take(chunk)
    return sample
