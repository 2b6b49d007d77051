"""Places: MP16-Pro's eight fields for every photo, and the caption made of them."""

from typing import Any

import polars as pl

from assets.common import dataset_of, same_partition
from assets.partitions import shards
from assets.pictures import table
from assets.step import Config, Outcome, Partition, Rule, Step, Task
from g3lib.experiments import Profile
from g3lib.images.metadata import PLACE_FIELDS
from g3lib.places import captions, place_names

COVERAGE = 0.95  # of the photos with a position; below it the caption template or gazetteer is wrong


def _config(profile: Profile, _: Partition) -> Config:
    manners = {"nominatim_url", "nominatim_requests_per_second"}
    places: Config = profile.places.model_dump(mode="json", exclude=manners)
    places.pop("nominatim_zoom" if profile.places.geocoder == "offline" else "near_km")
    return profile.plain("caption_template", "caption_granularity") | {"places": places}


def _build(task: Task) -> Outcome:
    manifest, (facts,) = task.table("photos").drop_nulls(["lat", "lon"]), task.inputs["metadata"]
    published = pl.scan_parquet(task.commit_of(facts)).select("photo_id", *PLACE_FIELDS)
    photos = manifest.select("dataset", "photo_id", "lat", "lon").join(
        published.filter(pl.col("photo_id").is_in(manifest["photo_id"].implode()))
        .unique("photo_id")
        .collect(),
        on="photo_id",
        how="left",
        maintain_order="left",
    )
    journal = task.home.root / "geocoding" / f"{task.key.partition}.jsonl"
    places = place_names(photos, task.profile.places, journal, task.report)
    text = captions(places, task.profile.caption_template, task.profile.caption_granularity)
    finer = captions(places, task.profile.caption_template, "neighbourhood")
    named = photos.select("dataset", "photo_id").hstack(places)
    named = named.with_columns(caption=text, caption_neighbourhood=finer)
    return Outcome(
        rows=named.height,
        table=named,
        metadata={
            "distinct captions": text.n_unique(),
            "distinct with neighbourhood": finer.n_unique(),
            "countries": table(places["country"].value_counts(sort=True).head(10)),
            "sources": table(places["source"].value_counts(sort=True)),
            "first captions": text.head(5).to_list(),
        },
    )


def _coverage(_: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    share = 1 - outcome.table["caption"].null_count() / max(outcome.rows, 1)
    return share >= COVERAGE, {"photos with a caption": share, "needed": COVERAGE}


CAPTIONS = Step(
    name="captions",
    group="places",
    description="MP16-Pro's eight place fields for each photo of a shard, and its caption.",
    code_version="3",
    build=_build,
    config=_config,
    upstream=(same_partition("photos"), dataset_of("metadata")),
    partitions=shards,
    keys=lambda profile: profile.shards(),
    rules=(Rule("coverage_of_places", f"at least {COVERAGE:.0%} of photos have a caption", _coverage),),
)

STEPS = (CAPTIONS,)
