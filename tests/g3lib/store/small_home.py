"""A small G3_HOME with every published table, as the stages would leave it."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from g3lib.experiments.published import published
from g3lib.images.duplicates import DUPLICATES, OVERLAP
from g3lib.images.fates import LEDGER
from g3lib.images.metadata import FINDINGS
from g3lib.results.accuracy import accuracy_table, continent_table, place_table
from g3lib.results.comparisons import comparison_table
from g3lib.results.diagnosis import diagnose
from g3lib.store import Check, Home, Input, Key, Record
from g3lib.store.artifacts import commit_card, commit_table, frame_version

PARTITION = "im2gps3k|g3"
SCHEMA_OF_FINDINGS = {"dataset": pl.String, **FINDINGS}
QUERIES = 40
RUNS = pl.DataFrame(
    {
        "run_id": ["run-1", "run-2"],
        "job": "everything",
        "status": ["SUCCESS", "STARTED"],
        "started_at": ["2026-01-01T00:00:00+00:00", "2026-01-02T02:00:00+02:00"],
        "finished_at": ["2026-01-01T00:01:00+00:00", None],
        "tags": ['{"g3/profile": "mp16"}', "{}"],
    }
)
NO_HISTORY = pl.DataFrame(schema={"run_id": pl.String, "record": pl.String})


def record_of(
    key: Key, version: str, inputs: tuple[Record, ...] = (), seconds: int = 10, path: str = ""
) -> Record:
    """A record as a stage writes it; it took `seconds`."""
    return Record(
        asset=key.asset,
        partition=key.partition,
        data_version=version,
        fingerprint="f" * 64,
        code_version="1",
        run_id="run-1",
        mlflow_run_id=None,
        git_commit="abc",
        started_at="2026-01-01T00:00:00+00:00",
        finished_at=f"2026-01-01T00:{seconds // 60:02d}:{seconds % 60:02d}+00:00",
        rows=1,
        bytes=2,
        path=path,
        config={"lmm": {"model": "gpt-4"}},
        inputs=tuple(Input(each.asset, each.partition, each.data_version) for each in inputs),
        checks=(Check("whole", True, {"rows": 1}),),
    )


def put(home: Home, key: Key, frame: pl.DataFrame, *inputs: Record, seconds: int = 10) -> Record:
    """Commit a table with its record."""
    path = home.table(key)
    record = record_of(key, frame_version(frame), inputs, seconds, home.relative(path))
    commit_table(path, frame, record)
    return record


def predictions(experiment: str = "g3", queries: int = QUERIES) -> pl.DataFrame:
    """Predictions of one experiment on im2gps3k; every tenth query failed."""
    numbers = pl.DataFrame({"i": range(queries)}, schema={"i": pl.Int64})
    failed = pl.col("i") % 10 == 9
    return numbers.select(
        benchmark=pl.lit("im2gps3k"),
        experiment=pl.lit(experiment),
        method=pl.lit("G3"),
        variant=pl.lit("full"),
        gallery_policy=pl.lit("open"),
        photo_id=pl.format("q{}", "i"),
        author=pl.format("a{}", pl.col("i") // 4),
        lat=pl.when(~failed).then(pl.col("i") * 0.5),
        lon=pl.when(~failed).then(179.0 - pl.col("i")),
        true_lat=pl.col("i") * 0.5,
        true_lon=pl.lit(-179.0),
        error_km=pl.when(~failed).then(0.3 * 1.3 ** pl.col("i")),
        error_haversine_km=pl.when(~failed).then(0.301 * 1.3 ** pl.col("i")),
        city=pl.lit(None, pl.String),
        state=pl.lit(None, pl.String),
        country=pl.when(~failed).then(pl.lit("Japan")),
        continent=pl.when(~failed).then(pl.lit("Asia")),
        source=pl.when(~failed).then(pl.lit("prompt-5")),
        score=pl.when(~failed).then(pl.lit(0.5)),
        lmm=pl.lit("gpt-4"),
    )


def candidates(experiment: str = "g3", queries: int = QUERIES) -> pl.DataFrame:
    """One LMM answer and one retrieved candidate for each query; every fifth answer failed."""
    answers = (
        predictions(experiment, queries)
        .with_row_index("i")
        .with_columns(
            failure=pl.when(pl.col("i") % 5 == 4).then(pl.lit("no coordinates")),
        )
    )
    return pl.concat(
        [
            answers.select(
                "benchmark",
                "experiment",
                "photo_id",
                source=pl.lit(source),
                rank=pl.lit(0, pl.Int32),
                lat="lat",
                lon="lon",
                score=pl.lit(0.5),
                chosen=pl.lit(source == "prompt-5"),
                failure=pl.col("failure") if source == "prompt-5" else pl.lit(None, pl.String),
                answer=pl.when(pl.col("failure").is_not_null() & (source == "prompt-5")).then(
                    pl.lit("Paris?")
                ),
                lmm=pl.lit("gpt-4" if source == "prompt-5" else None, pl.String),
                tokens_in=pl.lit(500 if source == "prompt-5" else 0, pl.Int64),
                tokens_out=pl.lit(20 if source == "prompt-5" else 0, pl.Int64),
            )
            for source in ("prompt-5", "retrieval")
        ]
    )


def pool_choice(experiment: str = "g3-chosen-pool") -> pl.DataFrame:
    """Two pools of an experiment, of which the second is chosen."""
    within = {f"within_{km}_km": [0.1, 0.2] for km in (1, 25, 200, 750, 2500)}
    pools = {"answers": [1, 2], "retrieved": [0, 0], "n": [500, 500]}
    measured = {"median_km": [120.0, 90.0], "geoscore": [2000.0, 2100.0], "chosen": [False, True]}
    return pl.DataFrame({"experiment": experiment, "lmm": "gpt-4", **pools, **within, **measured})


def put_results(home: Home, queries: int = QUERIES) -> Record:
    """Photos, index, candidates, predictions and tables of one experiment; predictions' record."""
    shards = [put_photos(home, "mp16", 0), put_photos(home, "im2gps3k", 0)]
    index = record_of(Key("gallery_index", "image"), "index-1", (shards[0],), path="index/x")
    commit_card(home.card("index", index.key), index)
    asked = put(home, Key("queries", "im2gps3k"), query_rows(queries), *shards)
    retrieved = put(home, Key("references", "im2gps3k|image"), references(queries), index)
    proposed = candidates(queries=queries)
    made = put(home, Key("candidates", PARTITION), proposed, index, shards[1], seconds=30)
    scored = put(home, Key("scored_candidates", PARTITION), proposed, made, seconds=20)
    predicted = predictions(queries=queries)
    record = put(home, Key("predictions", PARTITION), predicted, scored, shards[1], seconds=5)
    put_accuracy(home, PARTITION, predicted, query_rows(queries), record)
    distances = query_rows(queries).select("photo_id", "gallery_km")
    diagnosed = diagnose(predicted, proposed, references(queries), distances)
    put(home, Key("diagnoses", PARTITION), diagnosed, record, scored, retrieved, asked)
    both = pl.concat([predicted, predicted.with_columns(experiment=pl.lit("again"))])
    put(home, Key("comparisons"), comparison_table(both, 200, 0), record)
    put(home, Key("published"), published())
    put(home, Key("pool_choice", "g3-chosen-pool"), pool_choice(), index)
    put_image_tables(home, *shards)
    put_distances(home, index)
    return record


def put_accuracy(
    home: Home, partition: str, predicted: pl.DataFrame, asked: pl.DataFrame, *inputs: Record
) -> Record:
    """The accuracies of predictions, with those by continent and place beside them."""
    key = Key("accuracy", partition)
    path = home.table(key)
    tables = {
        "continents": continent_table(predicted, asked, 200, 0),
        "places": place_table(predicted, asked, 200, 0),
    }
    beside = [put_beside(path.parent / name / path.name, table) for name, table in tables.items()]
    table = accuracy_table(predicted, predicted["photo_id"].n_unique(), 200, 0)
    record = record_of(key, frame_version(table), inputs, path=home.relative(path))
    record = replace(record, files={home.relative(each): each.stat().st_size for each in beside})
    commit_table(path, table, record)
    return record


def query_rows(queries: int = QUERIES) -> pl.DataFrame:
    """What is known of the queries of `predictions`; half are in Asia, half at sea."""
    asia = pl.int_range(pl.len()) % 2 == 0
    names = {name: pl.lit(None, pl.String) for name in ("city", "state", "scene", "detail")}
    kilometres = {
        f"gallery_km{end}": pl.lit(5.0) for end in ("", "_other_authors", "_other_authors_no_duplicates")
    }
    return predictions(queries=queries).select(
        *("benchmark", "photo_id", "author"),
        lat="true_lat",
        lon="true_lon",
        country=pl.when(asia).then(pl.lit("Japan")),
        continent=pl.when(asia).then(pl.lit("Asia")),
        bits_per_pixel=pl.lit(1.0),
        **names,
        **kilometres,
    )


def references(queries: int = QUERIES) -> pl.DataFrame:
    """One gallery photo for each query, at the truth."""
    return query_rows(queries).select(
        "benchmark",
        gallery=pl.lit("image"),
        policy=pl.lit("open"),
        photo_id="photo_id",
        kind=pl.lit("similar"),
        rank=pl.lit(0, pl.Int32),
        reference_dataset=pl.lit("mp16"),
        reference_id=pl.lit("0-0"),
        reference_author=pl.lit("a"),
        lat="lat",
        lon="lon",
        similarity=pl.lit(0.5, pl.Float32),
    )


def put_image_tables(home: Home, gallery: Record, queries: Record) -> None:
    """What is known of the photos besides: findings, places, duplicates, leaks and authors."""
    key = Key("metadata", "mp16")
    finding = {"name": "swapped_coordinates", "action": "repaired", "rows": 3, "detail": "", "example": ""}
    found = pl.DataFrame({"dataset": "mp16", **finding}, schema=SCHEMA_OF_FINDINGS)
    beside = put_beside(home.table(key).parent / "findings" / "mp16.parquet", found)
    record = put(home, key, pl.DataFrame({"photo_id": ["0-0"]}))
    record = replace(record, files={home.relative(beside): beside.stat().st_size})
    commit_table(home.table(key), pl.DataFrame({"photo_id": ["0-0"]}), record)
    names = {"neighbourhood": None, "city": "Kyoto", "country": "Japan", "country_code": "jp"}
    rest = {"county": None, "state": None, "region": None, "continent": "Asia", "source": "nearest"}
    place = {"dataset": "mp16", "photo_id": "0-0", **names, **rest, "place_km": 1.0, "caption": "A photo"}
    place |= {"caption_neighbourhood": "A photo"}
    put(home, Key("captions", "mp16-000000"), pl.DataFrame(place), gallery)
    ends = {"dataset": "im2gps3k", "photo_id": "0-1", "other_dataset": "mp16", "other_photo_id": "0-1"}
    link = pl.DataFrame({"kind": "exact", "distance": 0, **ends}, schema=DUPLICATES)
    counted = {"dataset": "mp16", "shard": "mp16-000000", "fate": "stored", "photos": 10, "bytes": 51210}
    put(home, Key("photo_census"), pl.DataFrame(counted), gallery, queries)
    put(home, Key("photo_duplicates"), link, gallery, queries)
    put(home, Key("leaked_queries"), link, gallery, queries)
    row = {"gallery": "mp16", "benchmark": "im2gps3k", **dict.fromkeys(list(OVERLAP)[2:], 1)}
    put(home, Key("author_overlap"), pl.DataFrame(row, schema=OVERLAP, strict=False), gallery, queries)


def put_distances(home: Home, index: Record) -> None:
    """Distances of the references of one gallery, under two policies."""
    key = Key("distances", "im2gps3k|image")
    rows = {
        "benchmark": "im2gps3k",
        "gallery": "image",
        "policy": ["open", "other-authors"],
        "kind": "similar",
    }
    kilometres = {"mean_km": [2500.0, 2600.0], "median_km": 2200.0, "max_km": 5000.0, "min_km": 800.0}
    put(home, key, pl.DataFrame({**rows, "top": 5, **kilometres, "queries": QUERIES}), index)


def put_photos(home: Home, dataset: str, shard: int) -> Record:
    """The manifest of a shard of ten photos."""
    frame = pl.DataFrame(
        {
            "dataset": dataset,
            "photo_id": [f"{shard}-{i}" for i in range(10)],
            "author": [None, *("a" * 9)],
            "licence": "CC BY 2.0",
            "lat": 1.0,
            "lon": 2.0,
            "width": 500,
            "height": 375,
            "bytes": 5121,
            "sha256": "d" * 64,
        }
    )
    key, path = Key("photos", f"{dataset}-{shard:06d}"), home.shard(dataset, shard)
    beside = put_beside(path.parent / "ledger" / f"{path.stem}.parquet", ledger_of(frame, path.stem))
    record = record_of(key, frame_version(frame), path=home.relative(path))
    record = replace(record, files={home.relative(beside): beside.stat().st_size})
    commit_table(path.with_suffix(".parquet"), frame, record)
    return record


def ledger_of(photos: pl.DataFrame, shard: str) -> pl.DataFrame:
    """The photos, and two more that are gone."""
    stored = photos.select("dataset", "photo_id", "bytes", "sha256", fate=pl.lit("stored"))
    gone = stored.head(2).with_columns(
        photo_id=pl.format("gone-{}", "photo_id"), fate=pl.lit("gone"), bytes=None, sha256=None
    )
    nothing = {name: None for name in LEDGER if name not in {*stored.columns, "shard"}}
    return pl.concat([stored, gone]).with_columns(shard=pl.lit(shard), **nothing).select(*LEDGER).cast(LEDGER)


def put_beside(path: Path, frame: pl.DataFrame) -> Path:
    """A table without a record of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return path


def history_of(*records: Record) -> pl.DataFrame:
    """Events of Dagster's log, one for each record, as the publishing asset hands them over."""
    rows = {"run_id": [each.run_id for each in records], "record": [r.to_json() for r in records]}
    return pl.DataFrame(rows, schema=NO_HISTORY.schema)
