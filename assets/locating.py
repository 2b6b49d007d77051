"""Locating photos that belong to no dataset: what a trained workflow needs for it, and the way through it.

The inbox's assets and `g3 locate` both go this way, by the functions that the benchmarks go by. N and S are the
experiment's own, or chosen on held-out authors: a profile's numbers for a benchmark say nothing of other photos.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from assets.asking import ask
from assets.baselines import histogram_stamp
from assets.common import trained_encoder
from assets.gallery import is_clip, is_histogram
from assets.held_out import heads
from assets.im2city.features import network_of
from assets.im2city.partitions import gem_of
from assets.named_cities import named_cities
from assets.overlap import MAXIMUM_DISTANCE
from assets.partitions import OFFICIAL
from assets.plan import Workflow
from assets.step import Partition, Task
from assets.verification import eligible
from g3lib.baselines import colour_histograms
from g3lib.experiments import ALIGNMENTS, Experiment, Profile, open_arm
from g3lib.experiments.gem import ENCODER
from g3lib.store import Key, Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from g3lib.candidates.generation import Query
    from g3lib.features.shards import Features, Stamp
    from g3lib.gallery import Rows, Vectors

JUDGED = {"benchmark": pl.String, "score": pl.Float64, "error_km": pl.Float64}
RECORDED_AS = "inbox"  # the benchmark under whose name answers are kept, for whoever asks again
BATCH_BYTES = (
    256_000_000  # of photos that wait for the model together: a telephone's have some 5 million each
)


class NotMade(RuntimeError):
    """What an experiment needs, and the home does not hold."""


class NoAnswer(ValueError):
    """An experiment that can say nothing of photos that are in no benchmark."""


@dataclass(frozen=True)
class Embedded:
    """n photos as their gallery and the verifier want them; what the experiment does not use is None."""

    clip: (
        "Features | None"  # (n, d) float16, projected, not normalised; of another backbone, as it gives them
    )
    histograms: "Features | None"  # (n, 64) float16, unit vectors
    stamp: "Stamp | None"  # of those that are compared with the gallery's


@dataclass(frozen=True)
class Located:
    """Every candidate of every photo with `score` and `chosen`; what asking came to; what to show of it."""

    candidates: pl.DataFrame
    bill: Mapping[str, float]
    shown: Mapping[str, Any]


def needed(found: Experiment) -> dict[str, list[Partition]]:
    """The trained artefacts of an experiment, by asset. NoAnswer for references that others retrieved."""
    if found.gallery == OFFICIAL:
        raise NoAnswer(
            f"{found.name} uses references that G3's authors retrieved for two benchmarks; there are none for "
            "other photos. `g3` searches the gallery here"
        )
    wanted: dict[str, list[Partition]] = {
        "encoder": [None] if _sees_by_clip(found) else [],
        "city_models": [found.name] if found.gem is not None else [],
        "alignment": [each for each in ALIGNMENTS if each in _heads(found)],
        "gallery_index": [] if found.gallery is None else [found.gallery],
        "pool_choice": [open_arm(found.name)] if found.pool == "chosen" else [],
    }
    return {asset: partitions for asset, partitions in wanted.items() if partitions}


def made(workflow: Workflow, found: Experiment) -> dict[str, list[Record]]:
    """The records of all that an experiment needs; NotMade names whatever is missing, and the remedy."""
    records: dict[str, list[Record]] = {}
    missing: list[str] = []
    for asset, partitions in needed(found).items():
        for partition in partitions:
            record = workflow.record(key := Key(asset, partition))
            if record is None:
                missing.append(str(key))
            else:
                records.setdefault(asset, []).append(record)
    if missing:
        name, profile = open_arm(found.name), workflow.profile
        only = "" if name in profile.experiments else f" --experiment {name}"
        raise NotMade(
            f"{found.name} needs {', '.join(missing)}, not made or incomplete in {workflow.home.root}; "
            f"`g3 run {profile.name}{only}` makes what it needs"
        )
    return records


def _sees_by_clip(found: Experiment) -> bool:
    """Whether the profile's encoder looks at the photos."""
    if found.gem is not None:
        return found.gem.backbone == ENCODER
    return found.verifies or (found.gallery is not None and is_clip(found.gallery))


def _heads(found: Experiment) -> set[str | None]:
    """Those that verify, and those of the gallery that is searched."""
    return {found.gallery, found.alignment if found.verifies else None}


def embed(task: Task, found: Experiment, photos: Iterable[bytes], largest: int) -> Embedded:
    """Features of encoded photos, each taken once and in batches; the largest has `largest` bytes.

    Raises BadPhoto for bytes that do not decode.
    """
    histograms: list[NDArray[np.float16]] = []
    by_colour = found.gallery is not None and is_histogram(found.gallery)
    passing = _passing(photos, histograms) if by_colour else photos
    clip, stamp = None, None
    if _sees_by_clip(found) or found.gem is not None:
        from g3lib.features.extraction import image_features

        network = trained_encoder(task) if _sees_by_clip(found) else network_of(task, gem_of(found).backbone)
        together = min(task.profile.encoder.batch_size, max(1, BATCH_BYTES // max(largest, 1)))
        clip, stamp = image_features(passing, network, together), network.stamp
    else:
        deque(passing, maxlen=0)
    if not by_colour:
        return Embedded(clip, None, stamp)
    return Embedded(clip, np.concatenate([colour_histograms([]), *histograms]), histogram_stamp())


def _passing(photos: Iterable[bytes], histograms: "list[NDArray[np.float16]]") -> Iterator[bytes]:
    """The same photos, whose colour histograms are put aside as they pass."""
    for data in photos:
        histograms.append(colour_histograms([data]))
        yield data


def locate(
    task: Task, found: Experiment, photos: pl.DataFrame, embedded: Embedded, queries: "list[Query]"
) -> Located:
    """Candidates of every photo, scored, and one of them chosen.

    `task` has the inputs that `needed` names. `photos` has photo_id, and sha256 and dhash of the pictures, in the order
    of `embedded` and `queries`. dg.Failure if the LMM cannot be asked; StampMismatch if the gallery is of another
    encoder or of other heads; GalleryTooSmall.
    """
    from g3lib.verification import choose

    if found.gem is not None:
        assert embedded.clip is not None and embedded.stamp is not None
        named = named_cities(task, found.name, photos["photo_id"], embedded.clip, embedded.stamp)
        return Located(choose(named, found.selection, found.seed), {}, {})
    references = _references(task, found, photos, embedded)
    candidates, bill, shown = ask(task, queries, references, found, RECORDED_AS, {})
    scored = _scored(task, found, candidates, photos["photo_id"], embedded)
    in_pool = eligible(task, scored)[0] if found.pool == "chosen" else None
    if in_pool is not None:  # the others were asked for only so that one could choose
        scored = scored.filter(in_pool)
    return Located(choose(scored, found.selection, found.seed), bill, shown)


def _references(task: Task, found: Experiment, photos: pl.DataFrame, embedded: Embedded) -> pl.DataFrame:
    """What the experiment's gallery returns under its policy."""
    from g3lib.gallery import REFERENCES, open_index, references

    if found.gallery is None:
        return pl.DataFrame(schema=REFERENCES)
    folder = task.folder("gallery_index")
    index = open_index(folder, task.profile.device)
    index.check(_stamp(task, found, embedded))
    known = ["dataset", "photo_id", "author", "lat", "lon"]
    gallery = pl.read_parquet(folder / "photos.parquet", columns=known)
    depth = max(task.profile.reference_depth, found.references_needed)  # as deep as for the benchmarks
    left_out = _copies(task, photos) if found.policy == "other-authors-no-duplicates" else None
    return references(index, gallery, photos["photo_id"], _vectors(task, found, embedded), depth, left_out)


def _copies(task: Task, photos: pl.DataFrame) -> "Sequence[Rows]":
    """Gallery rows of the same pictures; who took a person's own photos is not known, so no author is left out."""
    from g3lib.images.duplicates import same_pictures

    columns = ["sha256", "dhash"]
    gallery = pl.read_parquet(task.folder("gallery_index") / "photos.parquet", columns=columns)
    return same_pictures(gallery, photos.select(columns), MAXIMUM_DISTANCE)


def _stamp(task: Task, found: Experiment, embedded: Embedded) -> dict[str, str]:
    """All that decides these vectors, as assets.gallery.stamp_of tells it of the gallery's."""
    assert embedded.stamp is not None, "a gallery is searched by features"
    stamp = {"gallery": str(found.gallery)}
    stamp |= {name: str(value) for name, value in asdict(embedded.stamp).items()}
    for record in task.inputs.get("alignment", ()):
        if record.partition == found.gallery:
            stamp["alignment"] = record.data_version
    return stamp


def _vectors(task: Task, found: Experiment, embedded: Embedded) -> "Vectors":
    """(n, width) of the gallery's embedding."""
    if embedded.histograms is not None:
        return embedded.histograms.astype(np.float32)
    import torch

    assert embedded.clip is not None
    device, gallery = task.profile.device, found.gallery
    features = torch.from_numpy(embedded.clip.astype(np.float32)).to(device)
    with torch.inference_mode():
        if gallery not in ALIGNMENTS:
            return torch.nn.functional.normalize(features, dim=-1).cpu().numpy()
        trained = heads(task, gallery, features.shape[1]).to(device)
        return trained.gallery_vectors(features, gallery).cpu().numpy()


def _scored(
    task: Task, found: Experiment, candidates: pl.DataFrame, photo_ids: pl.Series, embedded: Embedded
) -> pl.DataFrame:
    """Candidates with scores, or with none where nothing verifies."""
    if not found.verifies:
        return candidates.with_columns(score=pl.lit(None, dtype=pl.Float64))
    import torch

    from g3lib.verification import score

    assert embedded.clip is not None
    features = torch.from_numpy(embedded.clip.astype(np.float32))
    trained = heads(task, found.alignment, features.shape[1]).to(task.profile.device)
    return score(candidates, photo_ids, features, trained)


def judged(workflow: Workflow, found: Experiment, inputs: Mapping[str, Sequence[Record]]) -> pl.DataFrame:
    """Predictions of known photos by the same experiment: benchmark, score, error_km.

    Only those by the very heads and LMM that are asked now: other heads' scores mean something else.
    """
    tables = [pl.DataFrame(schema=JUDGED)]
    for benchmark in workflow.profile.benchmarks:
        partition = f"{benchmark}|{found.name}"
        scored, predicted = (
            workflow.record(Key(each, partition)) for each in ("scored_candidates", "predictions")
        )
        if scored is None or predicted is None or not _is_made_of(predicted, [scored]):
            continue
        if _judges_alike(workflow, found, scored, inputs):
            table = pl.read_parquet(workflow.home.root / predicted.path, columns=[*JUDGED, "lmm"])
            same = pl.col("lmm").eq_missing(pl.lit(lmm_of(workflow.profile, found), pl.String))
            tables.append(table.filter(same).select(*JUDGED))
    return pl.concat(tables)


def _judges_alike(
    workflow: Workflow, found: Experiment, scored: Record, inputs: Mapping[str, Sequence[Record]]
) -> bool:
    """Whether those scores were given by the heads, or the model of cities, that score now."""
    if found.gem is not None:
        named = workflow.record(Key("city_predictions", found.name))
        return (
            named is not None and _is_made_of(scored, [named]) and _is_made_of(named, inputs["city_models"])
        )
    verifying = [each for each in inputs.get("alignment", ()) if each.partition == found.alignment]
    return _is_made_of(scored, verifying if found.verifies else [])


def _is_made_of(record: Record, upstream: Sequence[Record]) -> bool:
    read = {(each.asset, each.partition): each.data_version for each in record.inputs}
    return all(read.get((each.asset, each.partition)) == each.data_version for each in upstream)


def lmm_of(profile: Profile, found: Experiment) -> str | None:
    """The label of the LMM that is asked, if one is."""
    return profile.lmm_named(found.lmm).label if found.prompts else None


def warnings(profile: Profile, found: Experiment) -> tuple[str, ...]:
    """What whoever reads an answer must know of the profile's encoder, gallery and LMM."""
    told = []
    galleries = [each for each in profile.datasets if each.role == "gallery"]
    if (weighs := _weighs(profile, found)) and all(each.source.kind == "blue-marble" for each in galleries):
        told.append(
            f"{weighs} satellite tiles only, no photographs: what profile {profile.name} answers for a photograph "
            "is meaningless."
        )
    if found.prompts and profile.lmm_named(found.lmm).is_stand_in:
        told.append("The LMM is a stand-in that never looks at the photo; no language model was asked.")
    return tuple(told)


def _weighs(profile: Profile, found: Experiment) -> str:
    """What the answer rests on that was made of the gallery; empty where nothing was, as for an LMM alone."""
    by_clip = (
        found.selection == "verifier"
        or (found.gallery is not None and is_clip(found.gallery))
        or (found.gem is not None and found.gem.backbone == ENCODER)
    )
    if by_clip and profile.encoder.pretrained is None:
        return "The encoder knows"
    return "The gallery holds" if found.gallery is not None or by_clip else ""
