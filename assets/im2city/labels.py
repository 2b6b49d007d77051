"""City labels: what GEM can name, and how many photos show each."""

from pathlib import Path

import polars as pl

from assets.im2city.partitions import datasets_of, gems_of, sources_of, training_datasets_of
from assets.im2city.photos import PHOTOS, held_out, photos_of, settings_of
from assets.pictures import table
from assets.step import Config, Outcome, Partition, Rule, Step, Task
from g3lib.experiments import Profile
from g3lib.experiments.cities import CITY_SCHEMA
from g3lib.experiments.published import packaged_digest
from g3lib.images.sources import as_of_now
from g3lib.store import Home

PLACE_PULSE, PLACES = "place-pulse", "places"
FOLDER = "incoming/im2city"  # of one's own label set


def _build(task: Task) -> Outcome:
    from g3lib.im2city.labels import label_set

    cities = _cities(task)
    label_set(cities, "cities-with-country")  # refuses labels that cannot be told apart
    counts = pl.concat([_counts(task, name, cities) for name in datasets_of(task.profile)])
    scratch = task.scratch / "photos.parquet"
    counts.write_parquet(scratch, compression="zstd")
    by_dataset = counts.group_by("dataset", maintain_order=True).agg(
        labels=(pl.col("photos") > 0).sum(), photos=pl.sum("photos"), held_out=pl.sum("held_out")
    )
    return Outcome(
        cities.height,
        cities.with_row_index("place").with_columns(pl.col("place").cast(pl.Int64)),
        files={"tables/city_labels/photos/all.parquet": scratch},
        metadata={
            "cities": cities.height,
            "countries": cities["country"].n_unique(),
            "photos with a label": table(by_dataset),
        },
    )


def _cities(task: Task) -> pl.DataFrame:
    """The 56 of Place Pulse, one's own file's, or those of the gazetteer that training photos show."""
    from g3lib.experiments.cities import cities_of_file, place_pulse_cities
    from g3lib.im2city.labels import cities_of_gazetteer

    settings = settings_of(task.profile)
    if settings.cities == PLACE_PULSE:
        return place_pulse_cities()
    if (path := own_labels(task.profile, task.home)) is not None:
        return cities_of_file(path)
    nobody = CITY_SCHEMA.to_frame()
    sources = [photos_of(task, name, nobody) for name in training_datasets_of(task.profile)]
    return cities_of_gazetteer(
        [each.table.filter(~held_out(each, settings)).drop_nulls(["lat", "lon"]) for each in sources],
        settings.count,
        settings.apart_km,
        settings.radius_km,
        settings.least_photos,
    )


def _counts(task: Task, name: str, cities: pl.DataFrame) -> pl.DataFrame:
    """How many photos of a dataset show each city, and how many of them are held out where it trains."""
    photos = photos_of(task, name, cities)
    trains = name in training_datasets_of(task.profile)
    held = held_out(photos, settings_of(task.profile)) if trains else photos.cities < -1
    found = pl.DataFrame({"place": photos.cities, "held_out": held}).filter(pl.col("place") >= 0)
    counted = found.group_by("place").agg(photos=pl.len(), held_out=pl.sum("held_out"))
    every = cities.select("city").with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    return (
        every.join(counted, on="place", how="left", maintain_order="left")
        .select(
            "place",
            "city",
            pl.lit(name).alias("dataset"),
            pl.col("photos", "held_out").fill_null(0).cast(pl.Int64),
        )
        .sort("place")
    )


def own_labels(profile: Profile, home: Home) -> Path | None:
    """The CSV that `im2city.cities` names, if it names one."""
    if profile.im2city is None or profile.im2city.cities in (PLACE_PULSE, PLACES):
        return None
    return home.root / FOLDER / profile.im2city.cities


def _config(profile: Profile, _: Partition) -> Config:
    if profile.im2city is None:
        return {}
    chosen = {"cities", "radius_km", "validation_share", "validation_km"}
    if profile.im2city.cities == PLACES:
        chosen |= {"count", "apart_km", "least_photos"}
    config: Config = profile.im2city.model_dump(mode="json", include=chosen) | {
        "training": sources_of(profile)
    }
    if profile.im2city.cities == PLACE_PULSE:
        config["place_pulse_cities.csv"] = packaged_digest("place_pulse_cities.csv")
    return config


def _observed(home: Home, profile: Profile, _: Partition) -> dict[str, str]:
    path = own_labels(profile, home)
    return {} if path is None else as_of_now(path)


def _some_photos(task: Task, _: Outcome) -> tuple[bool, dict[str, int]]:
    """Every dataset shows some of the cities: else its radius, or its choice, is wrong."""
    counts = pl.read_parquet(task.scratch / "photos.parquet")
    by_dataset = {
        name: int(counts.filter(dataset=name)["photos"].sum()) for name in datasets_of(task.profile)
    }
    return all(by_dataset.values()), {f"photos of {name} with a label": n for name, n in by_dataset.items()}


STEP = Step(
    name="city_labels",
    group="im2city",
    description="The cities that GEM names, and how many photos of each dataset show them.",
    code_version="1",
    build=_build,
    config=_config,
    observed=_observed,
    upstream=PHOTOS,
    keys=lambda profile: [None] if gems_of(profile) else [],
    rules=(Rule("every_dataset_has_labels", "every dataset shows some of the cities", _some_photos),),
)
