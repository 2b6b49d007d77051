"""A home as large as a year's work leaves it, drawn at random, for benchmarks that measure no model.

One benchmark of IM2GPS3K's size in a hundred experiments, with all that is kept about it, and a gallery's photos. Names
are as long and as little alike as Flickr's, positions are doubles with all their digits: what is drawn compresses no
better than what is measured.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.experiments.published import published
from g3lib.store import Check, Home, Input, Key, Record
from g3lib.store.artifacts import file_name
from g3lib.store.lineage import FOOTER_KEY

BENCHMARK, DATASET = "im2gps3k", "mp16"
THRESHOLDS = (1, 25, 200, 750, 2500)
GALLERIES = ("image", "image-gps", "image-gps-text", "image-gps-text-neighbourhood", "colour-histogram")
POLICIES = ("open", "other-authors", "other-authors-no-duplicates")
SOURCES = ("prompt-0", "prompt-5", "prompt-10", "prompt-15", "retrieval")
CONTINENTS = ("Africa", "Asia", "Europe", "North America", "Oceania", "South America", "none")
START = datetime(2026, 1, 1, tzinfo=UTC)
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    experiments: int = 100
    queries: int = 3000
    candidates_each_source: int = 5
    photos: int = 100_000
    shards: int = 100

    @property
    def candidates(self) -> int:
        """Of each query."""
        return len(SOURCES) * self.candidates_each_source

    @property
    def names(self) -> list[str]:
        """The experiments: arms and LMMs of forty or so."""
        arms = ("", *(f"+{policy}" for policy in POLICIES[1:]))
        return [f"g3-variant-{i // 3:02d}{arms[i % 3]}" for i in range(self.experiments)]


def superseded(records: Sequence[Record], count: int) -> list[Record]:
    """Earlier makings of the same artefacts, which only the event log remembers."""
    return [
        replace(records[i % len(records)], data_version=f"{i:064x}", run_id=f"earlier-{i}")
        for i in range(count)
    ]


class Filling:
    """One home on its way."""

    def __init__(self, home: Home, size: Size, numbers: np.random.Generator) -> None:
        self.home, self.size, self.numbers, self.made = home, size, numbers, 0
        ids = _names(numbers, size.queries, "{:010d}_{:010x}_1025_{:08d}@N00.jpg")
        authors = numbers.choice(_names(numbers, size.queries // 3, "{:08d}@N{:02x}{:d}"), size.queries)
        lat, lon = self.positions(size.queries)
        self.queries = pl.DataFrame({"photo_id": ids, "author": authors, "true_lat": lat, "true_lon": lon})

    def positions(self, count: int) -> tuple[Numbers, Numbers]:
        """Anywhere on the globe, to the last digit."""
        lat = np.degrees(np.arcsin(self.numbers.uniform(-1, 1, count)))
        return lat, self.numbers.uniform(-180, 180, count)

    def errors(self, count: int) -> pl.Series:
        """Kilometres from metres to the other side of the globe; some failures."""
        values = 10 ** self.numbers.uniform(-1, 4.25, count)
        return pl.Series(np.where(self.numbers.uniform(size=count) < 0.01, np.nan, values)).fill_nan(None)

    def records(self) -> Iterator[Record]:
        """Everything that a finished home has, upstream first."""
        shards = []
        for dataset, shard, photos in self.shards():
            shards.append(self.photos(dataset, shard, photos))
            yield shards[-1]
            yield self.put(Key("captions", shard), _captions(photos), shards[-1:])
            yield self.card("features", Key("image_features", shard), shards[-1:])
        index = self.card("index", Key("gallery_index", "image"), shards)
        yield index
        yield self.put(Key("queries", BENCHMARK), self.query_rows(), shards[-1:])
        for gallery in GALLERIES:
            key = Key("references", f"{BENCHMARK}|{gallery}")
            yield self.put(key, self.references(gallery), [index, shards[-1]])
        yield self.put(Key("published"), published(), [])
        predictions = []
        for name in self.size.names:
            for record in self.experiment(name, [index, shards[-1]]):
                yield record
                predictions += [record] if record.asset == "predictions" else []
        yield self.put(Key("comparisons", BENCHMARK), self.comparisons(), predictions)

    def shards(self) -> Iterator[tuple[str, str, pl.DataFrame]]:
        """The gallery in shards, and the benchmark in one."""
        each = self.size.photos // self.size.shards
        for number in range(self.size.shards):
            ids = _names(self.numbers, each, "{:02x}_{:02x}_{:d}.jpg")
            authors = _names(self.numbers, each, "{:08d}@N{:02x}{:d}")
            yield DATASET, f"{DATASET}-{number:06d}", self.photo_rows(DATASET, ids, authors)
        benchmark = self.photo_rows(BENCHMARK, self.queries["photo_id"], self.queries["author"])
        yield BENCHMARK, f"{BENCHMARK}-000000", benchmark

    def photo_rows(self, dataset: str, ids: Sequence[str], authors: Sequence[str]) -> pl.DataFrame:
        lat, lon = self.positions(len(ids))
        return pl.DataFrame(
            {
                "dataset": [dataset] * len(ids),
                "photo_id": ids,
                "author": authors,
                "licence": self.numbers.choice(["CC BY 2.0", "CC BY-SA 2.0", "CC0"], len(ids)),
                "lat": lat,
                "lon": lon,
                "width": self.numbers.integers(300, 501, len(ids), dtype=np.int32),
                "height": self.numbers.integers(300, 501, len(ids), dtype=np.int32),
                "bytes": self.numbers.integers(30_000, 200_000, len(ids)),
                "sha256": _digests(self.numbers, len(ids)),
            }
        )

    def photos(self, dataset: str, shard: str, photos: pl.DataFrame) -> Record:
        """A shard's manifest with the ledger beside it."""
        path = self.home.shard(dataset, int(shard[-6:])).with_suffix(".parquet")
        beside = path.parent / "ledger" / path.name
        origin = pl.format("https://live.staticflickr.com/{}", "photo_id")
        ledger = photos.select(
            *("dataset", "photo_id"),
            shard=pl.lit(shard),
            fate=pl.lit("stored"),
            detail=pl.lit(None, pl.String),
            origin=origin,
            http_status=pl.lit(200, pl.Int16),
            attempts=pl.lit(1, pl.Int16),
            bytes="bytes",
            sha256="sha256",
        )
        return self.put(Key("photos", shard), photos, [], path=path, beside={beside: ledger})

    def query_rows(self) -> pl.DataFrame:
        count, numbers = self.size.queries, self.numbers
        near = {f"gallery_km{end}": self.errors(count) for end in _POLICY_ENDS}
        return self.queries.select("photo_id", "author", lat="true_lat", lon="true_lon").with_columns(
            benchmark=pl.lit(BENCHMARK),
            **_places(numbers, count),
            scene=pl.Series(numbers.choice(["indoor", "natural", "urban"], count)),
            bits_per_pixel=pl.Series(numbers.uniform(0.5, 4, count)),
            detail=pl.Series(numbers.choice(["little", "medium", "much"], count)),
            **near,
        )

    def references(self, gallery: str) -> pl.DataFrame:
        """Twenty similar and twenty dissimilar photos of each query under each policy."""
        ids, count = self.queries["photo_id"], self.size.queries
        rows = len(POLICIES) * count * 40
        lat, lon = self.positions(rows)
        each = pl.DataFrame({"kind": ["similar"] * 20 + ["dissimilar"] * 20, "rank": [*range(20)] * 2})
        names = pl.Series(_names(self.numbers, 10_000, "{:02x}_{:02x}_{:d}.jpg"))
        authors = pl.Series(_names(self.numbers, 10_000, "{:08d}@N{:02x}{:d}"))
        drawn = pl.Series(self.numbers.integers(0, 10_000, rows))
        return (
            pl.DataFrame({"policy": POLICIES})
            .join(ids.to_frame(), how="cross")
            .join(each.with_columns(pl.col("rank").cast(pl.Int32)), how="cross")
            .with_columns(
                benchmark=pl.lit(BENCHMARK),
                gallery=pl.lit(gallery),
                reference_dataset=pl.lit(DATASET),
                reference_id=names.gather(drawn),
                reference_author=authors.gather(drawn),
                lat=pl.Series(lat),
                lon=pl.Series(lon),
                similarity=pl.Series(self.numbers.uniform(-1, 1, rows).astype(np.float32)),
            )
        )

    def experiment(self, name: str, inputs: Sequence[Record]) -> Iterator[Record]:
        """Every table of one experiment."""
        partition = f"{BENCHMARK}|{name}"
        about = {"benchmark": pl.lit(BENCHMARK), "experiment": pl.lit(name)}
        table = {"method": pl.lit("G3"), "variant": pl.lit(name.partition("+")[0])}
        policy = {"gallery_policy": pl.lit(name.partition("+")[2] or "open")}
        scored = self.candidates().with_columns(**about)
        proposed = self.put(Key("candidates", partition), scored.drop("score", "chosen"), inputs)
        yield proposed
        verified = self.put(Key("scored_candidates", partition), scored, [proposed])
        yield verified
        answered = self.predictions().with_columns(**about, **table, **policy)
        predicted = self.put(Key("predictions", partition), answered, [verified, inputs[-1]])
        yield predicted
        folder = self.home.table(Key("accuracy", partition)).parent
        file = f"{file_name(partition)}.parquet"
        shared = about | table | policy | {"lmm": pl.lit("gpt-4o")}
        beside = {
            folder / "continents" / file: self.accuracy(continent=CONTINENTS).with_columns(**shared),
            folder / "places" / file: self.accuracy(level=("continent", "country", "state", "city"))
            .filter(threshold_km=1)
            .drop("threshold_km", "accuracy_haversine")
            .with_columns(**shared),
        }
        accuracy = self.accuracy().with_columns(**shared)
        yield self.put(Key("accuracy", partition), accuracy, [predicted], beside=beside)
        diagnosed = self.diagnoses(answered).with_columns(**about, **policy)
        yield self.put(Key("diagnoses", partition), diagnosed, [predicted, verified])

    def candidates(self) -> pl.DataFrame:
        each, count = self.size.candidates_each_source, self.size.queries
        rows = count * len(SOURCES) * each
        lat, lon = self.positions(rows)
        score = self.numbers.normal(0.3, 0.1, rows)
        pool = pl.DataFrame({"source": SOURCES}).join(
            pl.DataFrame({"rank": range(each)}, schema={"rank": pl.Int32}), how="cross"
        )
        frame = self.queries.select("photo_id").join(pool, how="cross")
        is_answer = pl.col("source") != "retrieval"
        failed = pl.Series(self.numbers.uniform(size=rows) < 0.01) & is_answer
        return frame.with_columns(
            lat=pl.when(~failed).then(
                pl.when(is_answer).then(pl.Series(lat).round(6)).otherwise(pl.Series(lat))
            ),
            lon=pl.when(~failed).then(
                pl.when(is_answer).then(pl.Series(lon).round(6)).otherwise(pl.Series(lon))
            ),
            failure=pl.when(failed).then(pl.lit("no coordinates")),
            answer=pl.when(failed).then(pl.lit("I cannot tell where this photo was taken.")),
            request_key=pl.when(is_answer).then(
                pl.Series(_digests(self.numbers, count)).gather(pl.int_range(rows) % count)
            ),
            tokens_in=pl.when(is_answer).then(pl.Series(self.numbers.integers(500, 1500, rows))).otherwise(0),
            tokens_out=pl.when(is_answer).then(pl.Series(self.numbers.integers(10, 40, rows))).otherwise(0),
            lmm=pl.when(is_answer).then(pl.lit("gpt-4o")),
            score=pl.when(~failed).then(pl.Series(score)),
            chosen=pl.int_range(pl.len()) % (len(SOURCES) * each) == 7,
        )

    def predictions(self) -> pl.DataFrame:
        count = self.size.queries
        lat, lon = self.positions(count)
        error = self.errors(count)
        known = pl.Series("known", error.is_not_null())
        return self.queries.with_columns(
            lat=pl.when(known).then(pl.Series(lat)),
            lon=pl.when(known).then(pl.Series(lon)),
            error_km=error,
            error_haversine_km=error * 1.001,
            **_places(self.numbers, count),
            source=pl.Series(self.numbers.choice(SOURCES, count)),
            score=pl.when(known).then(pl.Series(self.numbers.normal(0.4, 0.1, count))),
            lmm=pl.lit("gpt-4o"),
        )

    def diagnoses(self, predictions: pl.DataFrame) -> pl.DataFrame:
        count = self.size.queries
        distances = ("oracle_1", "oracle_5", "oracle_10", "oracle_20", "oracle", "reference", "gallery")
        chances = {f"probability_{km}_km": pl.Series(self.numbers.uniform(0, 1, count)) for km in THRESHOLDS}
        return predictions.select("photo_id", "author", "error_km", "score").with_columns(
            candidates=pl.lit(self.size.candidates, pl.Int32),
            **{f"{name}_km": self.errors(count) for name in distances},
            **chances,
        )

    def accuracy(self, **by: Sequence[str]) -> pl.DataFrame:
        frame = pl.DataFrame({"threshold_km": THRESHOLDS})
        for name, values in by.items():
            frame = frame.join(pl.DataFrame({name: values}), how="cross")
        ends = ("ci_low", "ci_high")
        if not by:
            ends += ("ci_iid_low", "ci_iid_high", "ci_author_low", "ci_author_high")
        fractions = ("accuracy", "accuracy_haversine", *ends)
        drawn = {name: pl.Series(self.numbers.uniform(0, 1, frame.height)) for name in fractions}
        return frame.with_columns(**drawn, n=pl.lit(self.size.queries), n_failed=pl.lit(30))

    def comparisons(self) -> pl.DataFrame:
        names = self.size.names
        pairs = [(a, b, km) for i, a in enumerate(names) for b in names[i + 1 :] for km in THRESHOLDS]
        frame = pl.DataFrame(pairs, schema=["experiment", "other", "threshold_km"], orient="row")
        fractions = ("accuracy", "other_accuracy", "difference", "ci_low", "ci_high", "p_mcnemar", "p_holm")
        return frame.with_columns(
            benchmark=pl.lit(BENCHMARK),
            **{name: pl.Series(self.numbers.uniform(0, 1, frame.height)) for name in fractions},
            n=pl.lit(self.size.queries),
            **{name: pl.Series(self.numbers.integers(0, 500, frame.height)) for name in _DISCORDANT},
        )

    def record(
        self, key: Key, inputs: Sequence[Record], path: Path, rows: int, files: dict[str, int]
    ) -> Record:
        """As a stage writes it; each a minute after the one before."""
        self.made += 1
        at = START + timedelta(minutes=self.made)
        return Record(
            asset=key.asset,
            partition=key.partition,
            data_version=f"{self.numbers.integers(2**62):064x}",
            fingerprint="f" * 64,
            code_version="1",
            run_id=f"run-{self.made // 10}",
            mlflow_run_id=None,
            git_commit="a" * 40,
            started_at=at.isoformat(),
            finished_at=(at + timedelta(seconds=30)).isoformat(),
            rows=rows,
            bytes=1_000_000,
            path=self.home.relative(path),
            config={"experiment": {"name": str(key), "selection": "similarity"}, "seed": 0},
            inputs=tuple(Input(each.asset, each.partition, each.data_version) for each in inputs),
            checks=(Check("whole", True, {"rows": rows}),),
            files=files,
        )

    def put(
        self,
        key: Key,
        frame: pl.DataFrame,
        inputs: Sequence[Record],
        path: Path | None = None,
        beside: dict[Path, pl.DataFrame] | None = None,
    ) -> Record:
        """A table as a stage commits it, but for the syncs, which take longer than the rest."""
        path, sizes = path or self.home.table(key), {}
        for other, table in (beside or {}).items():
            other.parent.mkdir(parents=True, exist_ok=True)
            table.write_parquet(other)
            sizes[self.home.relative(other)] = other.stat().st_size
        path.parent.mkdir(parents=True, exist_ok=True)
        record = self.record(key, inputs, path, frame.height, sizes)
        frame.write_parquet(path, compression="zstd", metadata={FOOTER_KEY: record.to_json()})
        return record

    def card(self, kind: str, key: Key, inputs: Sequence[Record]) -> Record:
        path = self.home.card(kind, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        record = self.record(key, inputs, path.with_suffix(""), 1000, {})
        path.write_text(record.to_json(), encoding="utf-8")
        return record


_POLICY_ENDS = ("", "_other_authors", "_other_authors_no_duplicates")
_DISCORDANT = ("only_experiment", "only_other")


def _names(numbers: np.random.Generator, count: int, pattern: str) -> list[str]:
    """Names of random digits."""
    return [pattern.format(*each) for each in numbers.integers(0, 2**33, (count, 3)).tolist()]


def _digests(numbers: np.random.Generator, count: int) -> list[str]:
    """Random SHA-256."""
    text = numbers.bytes(32 * count).hex()
    return [text[start : start + 64] for start in range(0, len(text), 64)]


def _places(numbers: np.random.Generator, count: int) -> dict[str, pl.Series]:
    """Names as many as there are: a few thousand cities, some hundred countries."""
    cities = numbers.integers(0, 4000, count)
    return {
        "city": pl.Series([f"City of {c}" for c in cities]),
        "state": pl.Series([f"State {c // 4}" for c in cities]),
        "country": pl.Series([f"Country {c // 25}" for c in cities]),
        "continent": pl.Series([CONTINENTS[c % 6] for c in cities]),
    }


def _captions(photos: pl.DataFrame) -> pl.DataFrame:
    names = _places(np.random.default_rng(photos.height), photos.height)
    return (
        photos.select("dataset", "photo_id")
        .with_columns(
            neighbourhood=pl.lit(None, pl.String),
            county=pl.lit("County"),
            region=pl.lit(None, pl.String),
            country_code=pl.lit("jp"),
            source=pl.lit("polygons and nearest place"),
            place_km=pl.Series(np.random.default_rng(1).uniform(0, 50, photos.height)),
            **names,
        )
        .with_columns(
            caption=pl.format("A street view photo taken in {}, {}, {}", "city", "state", "country"),
            caption_neighbourhood=pl.lit(None, pl.String),
        )
    )


def events(records: Sequence[Record]) -> pl.DataFrame:
    """The event log's frame of these records."""
    rows = {"run_id": [each.run_id for each in records], "record": [each.to_json() for each in records]}
    return pl.DataFrame(rows, schema={"run_id": pl.String, "record": pl.String})


def runs(records: Sequence[Record]) -> pl.DataFrame:
    """The runs that made them."""
    ids = sorted({each.run_id for each in records})
    columns = {"job": "everything", "status": "SUCCESS", "started_at": START.isoformat()}
    tags = json.dumps({"g3/profile": "mp16"})
    return pl.DataFrame({"run_id": ids, **columns, "finished_at": START.isoformat(), "tags": tags})
