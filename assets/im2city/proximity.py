"""City proximity: whether labels that lie near one another are alike to each experiment that names cities."""

from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.common import whole
from assets.im2city.models import model_of
from assets.im2city.partitions import gem_of, gems_of
from assets.im2city.photos import cities_of, settings_of
from assets.pictures import picture, table
from assets.step import Config, Outcome, Partition, Step, Task, Upstream
from g3lib.experiments import Profile, experiment
from g3lib.experiments.gem import ENCODER

if TYPE_CHECKING:
    from g3lib.im2city.likeness import Embedding, Likeness

PROBE = "gem-probe"  # learned one-hot, it was never told the names of its labels
SHOWN = ("gem-zero-shot", PROBE)  # side by side in pictures
BESIDE = ("comparisons", "neighbours", "summaries", "pairs")


def of_cities(profile: Profile) -> list[str]:
    """The experiments that name the cities of the label set."""
    gems = {name: gem_of(experiment(name)) for name in gems_of(profile)}
    return [name for name, gem in gems.items() if gem.labels != "countries"]


def proximity_of(profile: Profile) -> list[Partition]:
    """The one partition of this, if there is an experiment to look at."""
    return [None] if of_cities(profile) else []


def _build(task: Task) -> Outcome:
    from g3lib.im2city.labels import label_set
    from g3lib.im2city.likeness import likeness

    labels = label_set(cities_of(task), "cities")
    embeddings = {name: _embedding(task, name) for name in of_cities(task.profile)}
    found = likeness(embeddings, labels, settings_of(task.profile).permutations)
    files = {}
    for name in BESIDE:
        scratch = task.scratch / f"{name}.parquet"
        getattr(found, name).write_parquet(scratch, compression="zstd")
        files[f"tables/city_proximity/{name}/all.parquet"] = scratch
    return Outcome(found.proximity.height, found.proximity, files=files, metadata=_shown(task, found))


def _embedding(task: Task, name: str) -> "Embedding":
    from g3lib.im2city.likeness import Embedding

    gem = gem_of(experiment(name))
    other = PROBE if gem.backbone == ENCODER else f"{PROBE}@{gem.backbone}"
    probe = gem.kind == "probe"
    return Embedding(name, "weights" if probe else "text", model_of(task, name), None if probe else other)


def _shown(task: Task, found: "Likeness") -> dict[str, Any]:
    """Correlations of all; pictures of GEM and the one-hot probe, where both are there."""
    from g3lib.im2city.drawing import likeness_png

    plain = found.proximity.filter(~pl.col("centred"), method="spearman").sort("correlation")
    wanted = ("experiment", "embedding", "correlation", "ci_low", "ci_high", "p")
    shown: dict[str, Any] = {
        "correlations": table(plain.select(wanted).with_columns(pl.selectors.float().round(4)))
    }
    names = [name for name in SHOWN if name in plain["experiment"]]
    if names:
        path = task.scratch / "likeness.png"
        pairs = found.pairs.filter(pl.col("experiment").is_in(names)).rename({"experiment": "model"})
        likeness_png(pairs, path)
        shown["similarity against distance"] = picture(path, "similarity of labels against their distance")
    for name in names:
        shown |= _maps(task, name, found.neighbours.filter(experiment=name))
    return shown


def _maps(task: Task, name: str, neighbours: pl.DataFrame) -> dict[str, Any]:
    """An arrow from each label to its most similar one, and the labels as the embedding lays them out."""
    from g3lib.im2city.drawing import embedding_map_png, nearest_png
    from g3lib.places.countries import country_codes

    nearest, laid_out = task.scratch / f"nearest-{name}.png", task.scratch / f"map-{name}.png"
    rows = neighbours["nearest"].replace_strict({label: row for row, label in enumerate(neighbours["label"])})
    nearest_png(neighbours.with_columns(nearest=rows), neighbours, nearest)
    continents = country_codes().select(country_code="code", group="continent")
    points = neighbours.join(continents, on="country_code", how="left", maintain_order="left")
    embedding_map_png(points, laid_out, name)
    return {
        f"{name}: most similar labels": picture(nearest, "an arrow from each label to its most similar one"),
        f"{name}: the map it has": picture(laid_out, "labels as their embeddings lie"),
    }


def _config(profile: Profile, _: Partition) -> Config:
    return {"permutations": settings_of(profile).permutations, "experiments": of_cities(profile)}


STEP = Step(
    name="city_proximity",
    group="im2city",
    description="Similarity of labels against their distance: Mantel tests, most similar labels, GEM beside one-hot.",
    code_version="1",
    build=_build,
    config=_config,
    upstream=(
        whole("city_labels"),
        Upstream("city_models", lambda profile, _: of_cities(profile), lambda _: dg.AllPartitionMapping()),
    ),
    keys=proximity_of,
)
