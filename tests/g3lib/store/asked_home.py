"""A home about which docs/questions.md can be asked: drawn photos, experiments of known quality, arms, a second making.

Everything that the stages compute from predictions is computed by their own functions.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from answers import Files
from pyproj import Geod
from small_home import ledger_of, put, put_accuracy, put_beside, record_of

from g3lib.experiments.published import published
from g3lib.geo import geodesic_km, haversine_km
from g3lib.results.comparisons import comparison_table
from g3lib.results.diagnosis import diagnose
from g3lib.store import Home, Key, Record
from g3lib.store.artifacts import commit_table, frame_version

BENCHMARK, QUERIES, AUTHORS = "im2gps3k", 160, 30
PRICES = {"gpt-4": (10.0, 30.0)}  # nobody knows what the other LMM costs
GLOBE = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Arm:
    """An experiment: how often a candidate of it is good, which LMM it asks, what its gallery holds."""

    name: str
    quality: float
    lmm: str | None
    policy: str | None

    @property
    def sources(self) -> list[tuple[str, int]]:
        """Source and rank of each query's candidates."""
        answers = [(f"prompt-{k}", rank) for k in (0, 5) for rank in (0, 1)] if self.lmm else []
        return answers + [("retrieval", 0)] * (self.policy is not None)


ARMS = (
    Arm("nn-clip", 0.30, None, "open"),
    Arm("nn-clip+other-authors", 0.15, None, "other-authors"),
    Arm("g3", 0.35, "gpt-4", "open"),
    Arm("g3+other-authors", 0.25, "gpt-4", "other-authors"),
    Arm("g3+other-authors-no-duplicates", 0.24, "gpt-4", "other-authors-no-duplicates"),
    Arm("g3@llava", 0.30, "llava", "open"),
    Arm("g3+other-authors@llava", 0.20, "llava", "other-authors"),
    Arm("lmm-only", 0.20, "gpt-4", None),
)
RUNS = pl.DataFrame(
    {
        "run_id": ["run-1", "run-2"],
        "job": ["everything", "experiments"],
        "status": "SUCCESS",
        "started_at": ["2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"],
        "finished_at": ["2026-01-01T01:00:00+00:00", "2026-01-02T01:00:00+00:00"],
        "tags": "{}",
    }
)


def fill(root: Path) -> Files:
    """Commit everything; what is known of it besides."""
    home, numbers = Home(root), np.random.default_rng(7)
    asked = queries(numbers)
    photos = put_benchmark(home, asked)
    known = put(home, Key("queries", BENCHMARK), asked, photos)
    earlier, heads = two_makings(photos)
    shown = references(asked, numbers)
    retrieved = put(home, Key("references", f"{BENCHMARK}|image"), shown, photos)
    put(home, Key("published"), published())
    put(home, heads.key, pl.DataFrame({"weights": [1.0]}))
    commit_table(home.table(heads.key), pl.DataFrame({"weights": [1.0]}), heads)
    history, made, everything = list(earlier), [], []
    for number, arm in enumerate(ARMS):
        partition = f"{BENCHMARK}|{arm.name}"
        proposed = candidates(arm, asked, np.random.default_rng(number // 2))  # arms share what they find
        scored = put(home, Key("scored_candidates", partition), proposed, heads, photos)
        predicted = predictions(arm, asked, proposed)
        record = replace(put(home, Key("predictions", partition), predicted, scored, photos), run_id="run-2")
        commit_table(home.table(record.key), predicted, record)
        put_accuracy(home, partition, predicted, asked, record)
        diagnosed = diagnose(predicted, proposed, shown, gallery_km(arm, asked))
        put(home, Key("diagnoses", partition), diagnosed, record, known, retrieved)
        made.append(record)
        everything.append(predicted)
    put(home, Key("comparisons"), comparison_table(pl.concat(everything), 300, 0), *made)
    return Files(home, history, RUNS.to_dicts(), PRICES, BENCHMARK)


def two_makings(photos: Record) -> tuple[list[Record], Record]:
    """Three earlier makings of g3's predictions, which only the event log remembers, and the heads of today."""
    old_heads = record_of(Key("heads"), "h1", (photos,), seconds=1)
    heads = replace(record_of(Key("heads"), "h2", (photos,), seconds=5), code_version="2")
    scored = record_of(Key("scored_candidates", f"{BENCHMARK}|g3"), "s1", (old_heads, photos), seconds=2)
    scored = replace(scored, config={"selection": "random"})
    older = record_of(Key("predictions", f"{BENCHMARK}|g3"), "p0", (scored, photos), seconds=2)
    old = record_of(Key("predictions", f"{BENCHMARK}|g3"), "p1", (scored, photos), seconds=3)
    return [old_heads, scored, older, old], replace(heads, path="tables/heads/heads.parquet")


def queries(numbers: np.random.Generator) -> pl.DataFrame:
    """Photos anywhere; some photographers took many, and of some photos nobody knows the photographer."""
    lat = np.degrees(np.arcsin(numbers.uniform(-0.9, 0.9, QUERIES)))
    lon = numbers.uniform(-180, 180, QUERIES)
    taken = (AUTHORS * numbers.uniform(size=QUERIES) ** 2).astype(int)
    authors = [f"author-{each}" if each else None for each in taken]
    near = 10 ** numbers.uniform(-1, 3.5, QUERIES)
    frame = pl.DataFrame(
        {
            "benchmark": BENCHMARK,
            "photo_id": [f"q{i:03d}" for i in range(QUERIES)],
            "author": authors,
            "lat": lat,
            "lon": lon,
            "scene": numbers.choice(["indoor", "natural", "urban"], QUERIES),
            "bits_per_pixel": numbers.uniform(0.5, 4, QUERIES),
            "detail": numbers.choice(["little", "medium", "much"], QUERIES),
            "gallery_km": near,
            "gallery_km_other_authors": near * 2,
            "gallery_km_other_authors_no_duplicates": near * 3,
        }
    )
    return frame.hstack(names(frame["lat"], frame["lon"]))


def names(lat: pl.Series, lon: pl.Series) -> pl.DataFrame:
    """Places as a chessboard has them; the southernmost rows are sea."""
    frame = pl.DataFrame({"lat": lat, "lon": lon})
    land = pl.col("lat") > -50
    column, row = (pl.col("lon") + 180) // 60, (pl.col("lat") + 90) // 10
    named = {
        "city": pl.format("city-{}-{}", pl.col("lon") // 2, pl.col("lat") // 2),
        "state": pl.format("state-{}-{}", pl.col("lon") // 10, row),
        "country": pl.format("country-{}-{}", pl.col("lon") // 20, row // 2),
        "continent": pl.format("continent-{}", column),
    }
    return frame.select(pl.when(land).then(each).alias(name) for name, each in named.items())


def gallery_km(arm: Arm, asked: pl.DataFrame) -> pl.DataFrame | None:
    column = {
        "open": "gallery_km",
        "other-authors": "gallery_km_other_authors",
        "other-authors-no-duplicates": "gallery_km_other_authors_no_duplicates",
    }
    return asked.select("photo_id", gallery_km=column[arm.policy]) if arm.policy else None


def displaced(
    asked: pl.DataFrame, km: np.ndarray, numbers: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Positions so far from each query, in any direction."""
    lon, lat, _ = GLOBE.fwd(
        asked["lon"].to_numpy(), asked["lat"].to_numpy(), numbers.uniform(0, 360, len(km)), km * 1000
    )
    return np.asarray(lat), (np.asarray(lon) + 180) % 360 - 180


def candidates(arm: Arm, asked: pl.DataFrame, numbers: np.random.Generator) -> pl.DataFrame:
    """Good ones within metres to hundreds of kilometres, bad ones anywhere; the last queries nobody gets."""
    frames = []
    hopeless = np.arange(QUERIES) >= QUERIES - 6
    silent = np.arange(QUERIES) < 3  # no answer can be read, and nothing is retrieved
    for source, rank in arm.sources:
        is_good = (numbers.uniform(size=QUERIES) < arm.quality) & ~hopeless
        km = np.where(is_good, 10 ** numbers.uniform(-1, 2.5, QUERIES), numbers.uniform(3000, 15000, QUERIES))
        lat, lon = displaced(asked, km, numbers)
        answers = source != "retrieval"
        failed = silent | (answers & (numbers.uniform(size=QUERIES) < 0.1))
        score = 0.5 - 0.05 * np.log10(km) + numbers.normal(0, 0.05, QUERIES)
        tokens = numbers.integers(100, 1000, QUERIES) * answers
        frames.append(
            asked.select("benchmark", "photo_id").with_columns(
                experiment=pl.lit(arm.name),
                source=pl.lit(source),
                rank=pl.lit(rank, pl.Int32),
                lat=pl.Series(np.where(failed, np.nan, lat)).fill_nan(None),
                lon=pl.Series(np.where(failed, np.nan, lon)).fill_nan(None),
                score=pl.Series(np.where(failed, np.nan, score)).fill_nan(None),
                failure=pl.when(pl.Series(failed & answers)).then(pl.lit("no coordinates")),
                answer=pl.when(pl.Series(failed & answers)).then(pl.lit("Who knows?")),
                lmm=pl.lit(arm.lmm if answers else None, pl.String),
                tokens_in=pl.Series(tokens),
                tokens_out=pl.Series(tokens // 20),
            )
        )
    best = pl.col("score") == pl.col("score").max().over("photo_id")
    return pl.concat(frames).with_columns(chosen=best.fill_null(False))


def predictions(arm: Arm, asked: pl.DataFrame, proposed: pl.DataFrame) -> pl.DataFrame:
    """The chosen candidate of each query."""
    truth = asked.select("benchmark", "photo_id", "author", true_lat="lat", true_lon="lon")
    chosen = proposed.filter("chosen").select("photo_id", "lat", "lon", "source", "score")
    joined = truth.join(chosen, on="photo_id", how="left", maintain_order="left")
    where = [joined[name].fill_null(np.nan).to_numpy() for name in ("lat", "lon", "true_lat", "true_lon")]
    return joined.hstack(names(joined["lat"], joined["lon"])).with_columns(
        experiment=pl.lit(arm.name),
        method=pl.lit("G3"),
        variant=pl.lit(arm.name),
        gallery_policy=pl.lit(arm.policy, pl.String),
        error_km=pl.Series(geodesic_km(*where)).fill_nan(None),
        error_haversine_km=pl.Series(haversine_km(*where)).fill_nan(None),
        lmm=pl.lit(arm.lmm, pl.String),
    )


def references(asked: pl.DataFrame, numbers: np.random.Generator) -> pl.DataFrame:
    """Two retrieved photos of each query, some near."""
    frames = []
    for rank in range(2):
        lat, lon = displaced(asked, 10 ** numbers.uniform(0, 4.2, QUERIES), numbers)
        frames.append(
            asked.select("benchmark", "photo_id").with_columns(
                gallery=pl.lit("image"),
                policy=pl.lit("open"),
                kind=pl.lit("similar"),
                rank=pl.lit(rank, pl.Int32),
                reference_dataset=pl.lit("mp16"),
                reference_id=pl.format("r{}", pl.int_range(pl.len())),
                reference_author=pl.lit("somebody"),
                lat=pl.Series(lat),
                lon=pl.Series(lon),
                similarity=pl.lit(0.5, pl.Float32),
            )
        )
    return pl.concat(frames)


def put_benchmark(home: Home, asked: pl.DataFrame) -> Record:
    """The manifest of the benchmark's one shard."""
    frame = asked.select(
        dataset="benchmark",
        photo_id="photo_id",
        author="author",
        licence=pl.lit("CC BY 2.0"),
        lat="lat",
        lon="lon",
        width=pl.lit(500),
        height=pl.lit(375),
        bytes=pl.lit(5121),
        sha256=pl.lit("d" * 64),
    )
    path = home.shard(BENCHMARK, 0)
    beside = put_beside(path.parent / "ledger" / f"{path.stem}.parquet", ledger_of(frame, path.stem))
    record = record_of(Key("photos", f"{BENCHMARK}-000000"), frame_version(frame), path=home.relative(path))
    record = replace(record, files={home.relative(beside): beside.stat().st_size})
    commit_table(path.with_suffix(".parquet"), frame, record)
    return record
