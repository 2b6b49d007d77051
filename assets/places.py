"""Places: the city, state and country of every photo, and the caption made of them."""

from assets.common import same_partition
from assets.partitions import shards
from assets.step import Config, Outcome, Partition, Rule, Step, Task
from g3lib.experiments import Profile
from g3lib.places import captions, nearest_places

COVERAGE = 0.95  # of the photos with a position; below it the caption template or gazetteer is wrong


def _config(profile: Profile, _: Partition) -> Config:
    return profile.plain("caption_template")


def _build(task: Task) -> Outcome:
    manifest = task.table("photos").drop_nulls(["lat", "lon"])
    places = nearest_places(manifest["lat"], manifest["lon"])
    text = captions(places, task.profile.caption_template)
    table = manifest.select("dataset", "photo_id").hstack(places).with_columns(caption=text)
    countries = places["country"].value_counts(sort=True).head(10)
    return Outcome(
        rows=table.height,
        table=table,
        metadata={
            "distinct captions": text.n_unique(),
            "countries": countries.to_dicts(),
            "first captions": text.head(5).to_list(),
        },
    )


def _coverage(_: Task, outcome: Outcome) -> tuple[bool, dict[str, object]]:
    assert outcome.table is not None
    share = 1 - outcome.table["caption"].null_count() / max(outcome.rows, 1)
    return share >= COVERAGE, {"photos with a caption": share, "needed": COVERAGE}


CAPTIONS = Step(
    name="captions",
    group="places",
    description="City, state and country of each photo of a shard, and its caption (MP16-Pro's text).",
    code_version="1",
    build=_build,
    config=_config,
    upstream=(same_partition("photos"),),
    partitions=shards,
    keys=lambda profile: profile.shards(),
    rules=(Rule("coverage_of_places", f"at least {COVERAGE:.0%} of photos have a caption", _coverage),),
)

STEPS = (CAPTIONS,)
