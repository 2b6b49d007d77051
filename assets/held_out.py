"""Photos of the gallery whose authors the verifying heads were not trained on, asked about as a benchmark's are.

They are retrieved for from a gallery without their author's photos, of which they are themselves, and without their
own copies.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
import polars as pl

from assets.asking import jpeg_of
from assets.common import tar_of, trained_alignment
from assets.gallery import IDENTITY, is_clip, stamp_of
from assets.heads import is_released, settings_of
from assets.overlap import MAXIMUM_DISTANCE
from assets.step import Task
from g3lib.experiments import ALIGNMENTS, Experiment
from g3lib.store import Key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from g3lib.alignment.model import GeoAlignment
    from g3lib.candidates.generation import Query

ENOUGH = 20  # photos; what is chosen by fewer is chance


@dataclass(frozen=True)
class HeldOut:
    """A sample of n such photos, in the gallery's order.

    photos: their IDENTITY and `query`, by which candidates name them. features (n, d) float32, of CLIP.
    gallery: the IDENTITY of every photo of the gallery, in the order of its index.
    """

    photos: pl.DataFrame
    features: "NDArray[np.float32]"
    gallery: pl.DataFrame


def sample(task: Task, found: Experiment) -> HeldOut:
    """Up to `held_out_photos` of them, drawn by the experiment's seed; Failure if a choice by them is impossible."""
    from g3lib.features.shards import FeatureShards

    gallery = pl.concat(
        [pl.read_parquet(task.commit_of(record), columns=IDENTITY) for record in task.inputs["photos"]]
    )
    rows = _rows(task, found, gallery)
    count = min(task.profile.held_out_photos, len(rows))
    drawn = np.sort(np.random.default_rng(found.seed).choice(rows, count, replace=False))
    shards = FeatureShards([task.home.root / record.path for record in task.inputs["image_features"]])
    query = pl.concat_str("dataset", pl.lit("/"), "photo_id")
    return HeldOut(gallery[drawn].with_columns(query=query), shards.rows(drawn).astype(np.float32), gallery)


def _rows(task: Task, found: Experiment, gallery: pl.DataFrame) -> "NDArray[np.int64]":
    """Rows of the gallery that have a position and a held-out author."""
    from g3lib.alignment.data import held_out

    settings = settings_of(task.profile, found.alignment)
    if found.gallery is None or not is_clip(found.gallery):
        raise _impossible(
            found, f"gallery {found.gallery!r} is not searched by CLIP features; name one that is"
        )
    if is_released(task.profile, found.alignment):
        raise _impossible(
            found,
            f"alignment.pretrained={settings.pretrained} was trained on everybody's photos; unset it, and heads are "
            "trained here",
        )
    authors = held_out(gallery["author"].to_list(), settings.held_out_authors, settings.seed)
    placed = gallery.select(pl.all_horizontal(pl.col("lat", "lon").is_not_null())).to_series().to_numpy()
    rows: NDArray[np.int64] = np.flatnonzero(authors & placed)
    if len(rows) < ENOUGH:
        raise _impossible(
            found,
            f"alignment.held_out_authors={settings.held_out_authors} holds out {len(rows)} photos with a position, "
            f"and {ENOUGH} are the least; raise it (heads are trained anew) or enlarge the gallery",
        )
    return rows


def _impossible(found: Experiment, reason: str) -> dg.Failure:
    said = f"N and S of {found.name} cannot be chosen on held-out authors: {reason}, or leave it out of experiments"
    return dg.Failure(said, allow_retries=False)


def heads(task: Task, name: str, width: int) -> "GeoAlignment":
    """One of the sets of heads among the inputs, on the CPU."""
    found = [record for record in task.inputs["alignment"] if record.partition == name]
    return trained_alignment(replace(task, inputs={"alignment": found}), width)


def queries(task: Task, held_out: HeldOut) -> "list[Query]":
    """Each photo with a way to read its bytes when it is asked about, and not before."""
    from g3lib.candidates.generation import Query

    jpegs = dict(_jpegs(task, held_out))
    return [Query(query, jpegs[query]) for query in held_out.photos["query"]]


def _jpegs(task: Task, held_out: HeldOut) -> "Iterator[tuple[str, partial[bytes]]]":
    wanted = held_out.photos.select("dataset", "photo_id", "query")
    for record in task.inputs["photos"]:
        manifest = pl.read_parquet(task.commit_of(record)).join(wanted, on=["dataset", "photo_id"])
        for row in range(manifest.height):
            yield manifest["query"][row], partial(jpeg_of, tar_of(task.home, record), manifest[row])


def references(task: Task, found: Experiment, held_out: HeldOut) -> pl.DataFrame:
    """REFERENCES from the experiment's gallery, as deep as it needs them."""
    from g3lib.gallery import open_index, references, rows_by_author, union
    from g3lib.images.duplicates import same_pictures

    index, gallery, photos = task.folder("gallery_index"), held_out.gallery, held_out.photos
    opened = open_index(index, task.profile.device)
    opened.check(stamp_of(_of_gallery(task, found)))
    authors = rows_by_author(gallery["author"], photos["author"])
    left_out = union(authors, same_pictures(gallery, photos, MAXIMUM_DISTANCE))
    asked = _vectors(task, found, held_out)
    return references(opened, gallery, photos["query"], asked, found.references_needed, left_out)


def _vectors(task: Task, found: Experiment, held_out: HeldOut) -> "NDArray[np.float32]":
    """(n, width) of the gallery's embedding."""
    import torch

    features = torch.from_numpy(held_out.features)
    with torch.inference_mode():
        if found.gallery not in ALIGNMENTS:
            return torch.nn.functional.normalize(features, dim=-1).numpy()
        trained = heads(task, found.gallery, features.shape[1])
        return trained.gallery_vectors(features, found.gallery).numpy()


def _of_gallery(task: Task, found: Experiment) -> Task:
    """The task as the gallery's index had it, with that gallery's heads alone."""
    trained = [record for record in task.inputs["alignment"] if record.partition == found.gallery]
    inputs = {"image_features": task.inputs["image_features"], "alignment": trained}
    return replace(task, key=Key("gallery_index", found.gallery), inputs=inputs)
