"""A home drawn at random, small for tests or as large as a benchmark needs: nothing in it was measured.

Every experiment's LMM is called `synthetic`, which the report shows beside each number. The tables are those that the
stages would write, made by the same functions; positions, scores and photos are drawn.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from g3lib.experiments import experiment
from g3lib.experiments.published import published
from g3lib.geo import geodesic_km, haversine_km, wrap_longitude
from g3lib.images import Photo, write_shard
from g3lib.results.accuracy import accuracy_table, continent_table, place_table
from g3lib.results.comparisons import comparison_table
from g3lib.results.diagnosis import diagnose
from g3lib.store import Home, Key, Record
from g3lib.store.artifacts import commit_table, file_name, frame_version
from g3lib.store.warehouse import publish

BENCHMARK, GALLERY = "im2gps3k", "mp16"
SYNTHETIC = "synthetic"
CONTINENTS = ("Africa", "Asia", "Europe", "North America", "Oceania", "South America")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "\"'`&lt;${alert(3)}",
    "line\u2028separator\u2029and %2F#/?&=",
    "emoji 🗺️👩‍🚀 and ‮right-to-left مرحبا",
    "--><!-- ]]> \\u003cb\\u003e",
)
Numbers = NDArray[np.float64]


def small_photo(number: int) -> bytes:
    """A JPEG of one colour and a stripe."""
    colour = tuple(int(x) for x in np.random.default_rng(number).integers(40, 255, 3))
    image = Image.new("RGB", (96, 72), colour)
    image.paste((255 - colour[0], 90, 90), (0, number % 60, 96, number % 60 + 8))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


@dataclass
class SyntheticHome:
    """What is drawn, and how much of it."""

    root: Path
    queries: int = 40
    experiments: Sequence[str] = (
        "nn-clip",
        "lmm-only",
        "img2loc",
        "g3",
        "g3+other-authors",
        "g3-without-verification",
    )
    candidates: int = 8  # of each experiment that asks an LMM
    gallery: int = 60
    references: int = 6  # of each kind
    resamples: int = 100
    pools: int = 1  # of answers; experiments share one, as ablations share recorded answers
    strangers: Sequence[str] = ()  # predictions from elsewhere, by names that no catalogue has
    hostile: bool = False
    photo: Callable[[int], bytes] = small_photo
    runs: int = 0
    numbers: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    @property
    def home(self) -> Home:
        """Its layout."""
        return Home(self.root)

    def fill(self) -> "SyntheticHome":
        """Write everything, and publish."""
        self._truth()
        self._gallery()
        self._queries()
        searched = {each for name in self.experiments if (each := experiment(name).gallery)}
        self.retrieved = {each: self._references(each) for each in sorted(searched)}
        self.pool = self._answers((2 + self.pools) * self.candidates)
        predicted = [self._experiment(name) for name in self.experiments]
        self.put(Key("comparisons"), comparison_table(pl.concat(predicted), self.resamples, 0))
        for number, name in enumerate(self.strangers):
            self._stranger(name, number)
        self.put(Key("published"), published())
        self.publish()
        return self

    def publish(self) -> None:
        """Build the warehouse anew."""
        runs = {"run_id": ["run-1"], "job": ["everything"], "status": ["SUCCESS"], "tags": ["{}"]}
        times = {name: ["2026-01-01T00:00:00+00:00"] for name in ("started_at", "finished_at")}
        history = pl.DataFrame(schema={"run_id": pl.String, "record": pl.String})
        publish(self.home, pl.DataFrame(runs | times), history, {})

    def put(
        self, key: Key, frame: pl.DataFrame, files: Sequence[Path] = (), path: Path | None = None
    ) -> None:
        """Commit a table with its record."""
        self.runs += 1
        path = path or self.home.table(key)
        record = Record(
            asset=key.asset,
            partition=key.partition,
            data_version=frame_version(frame),
            fingerprint="f" * 64,
            code_version="1",
            run_id=f"synthetic-run-{self.runs}",
            mlflow_run_id=None,
            git_commit=COMMIT,
            started_at="2026-01-01T00:00:00+00:00",
            finished_at="2026-01-01T00:00:30+00:00",
            rows=frame.height,
            bytes=1,
            path=self.home.relative(path),
            config={"source": {"kind": "archive"}},
            inputs=(),
            files={self.home.relative(each): each.stat().st_size for each in files},
        )
        commit_table(path, frame, record)

    def _truth(self) -> None:
        count = self.queries
        authors = [
            f"{each:08d}@N{each % 10:02d}" for each in self.numbers.integers(0, 10**8, max(2, count // 4))
        ]
        ids = [
            f"{a}_{b:x}_{c}@N00.jpg" for a, b, c in self.numbers.integers(10**6, 10**9, (count, 3)).tolist()
        ]
        if self.hostile:
            ids[: len(HOSTILE)] = HOSTILE
            authors[: len(HOSTILE)] = [f"by {text}" for text in HOSTILE]
        self.truth = pl.DataFrame(
            {
                "photo_id": ids,
                "author": [authors[each] for each in np.arange(count) % len(authors)],
                "true_lat": np.degrees(np.arcsin(self.numbers.uniform(-0.7, 0.9, count))),
                "true_lon": self.numbers.uniform(-180, 180, count),
            }
        )
        self._photos(BENCHMARK, self.truth.rename({"true_lat": "lat", "true_lon": "lon"}))

    def _gallery(self) -> None:
        count = self.gallery
        self.gallery_photos = pl.DataFrame(
            {
                "photo_id": [
                    f"{a:02x}_{b:02x}_{c}.jpg"
                    for a, b, c in self.numbers.integers(0, 2**33, (count, 3)).tolist()
                ],
                "author": [f"{each:08d}@N05" for each in self.numbers.integers(0, 10**8, count)],
                "lat": np.degrees(np.arcsin(self.numbers.uniform(-0.7, 0.9, count))),
                "lon": self.numbers.uniform(-180, 180, count),
            }
        )
        if self.hostile:
            first = self.gallery_photos["photo_id"].to_list()
            self.gallery_photos = self.gallery_photos.with_columns(
                photo_id=pl.Series([*HOSTILE, *first[len(HOSTILE) :]])
            )
        self._photos(GALLERY, self.gallery_photos)

    def _photos(self, dataset: str, photos: pl.DataFrame) -> None:
        look = self.photo if dataset == BENCHMARK else small_photo
        key, tar = Key("photos", f"{dataset}-000000"), self.home.shard(dataset, 0)
        tar.parent.mkdir(parents=True)
        offers = (
            Photo(row["photo_id"], look(number), row["lat"], row["lon"], row["author"], "CC BY 2.0")
            for number, row in enumerate(photos.iter_rows(named=True))
        )
        shard = write_shard(tar, dataset, str(key.partition), offers)
        assert shard.manifest.height == photos.height
        self.put(key, shard.manifest, [tar], tar.with_suffix(".parquet"))

    def _places(self, count: int) -> dict[str, pl.Series]:
        cities = self.numbers.integers(0, 4000, count)
        return {
            "city": pl.Series([f"City of {each}" for each in cities]),
            "state": pl.Series([f"State {each // 4}" for each in cities]),
            "country": pl.Series([f"Country {each // 25}" for each in cities]),
            "continent": pl.Series([CONTINENTS[each % 6] for each in cities]),
        }

    def _queries(self) -> None:
        count, near = self.queries, self._kilometres(self.queries)
        scenes = ["indoor", "natural", "urban"]
        self.asked = self.truth.select("photo_id", "author", lat="true_lat", lon="true_lon").with_columns(
            benchmark=pl.lit(BENCHMARK),
            **self._places(count),
            scene=pl.Series(self.numbers.choice(scenes, count)),
            bits_per_pixel=pl.Series(self.numbers.uniform(0.5, 4, count)),
            detail=pl.Series(self.numbers.choice(["little", "medium", "much"], count)),
            gallery_km=near,
            gallery_km_other_authors=near * 1.5,
            gallery_km_other_authors_no_duplicates=near * 1.7,
        )
        self.put(Key("queries", BENCHMARK), self.asked)

    def _kilometres(self, count: int) -> pl.Series:
        return pl.Series(np.exp(self.numbers.normal(4.5, 2.5, count)).clip(0.01, 19_000))

    def _references(self, gallery: str) -> pl.DataFrame:
        each = pl.DataFrame(
            {
                "kind": ["similar"] * self.references + ["dissimilar"] * self.references,
                "rank": [*range(self.references)] * 2,
            },
            schema={"kind": pl.String, "rank": pl.Int32},
        )
        frame = pl.DataFrame({"policy": ["open", "other-authors", "other-authors-no-duplicates"]})
        frame = frame.join(self.truth.select("photo_id"), how="cross").join(each, how="cross")
        drawn = self.numbers.integers(0, self.gallery, frame.height)
        photos = self.gallery_photos[drawn].rename({"photo_id": "reference_id", "author": "reference_author"})
        found = pl.concat([frame, photos], how="horizontal").with_columns(
            benchmark=pl.lit(BENCHMARK),
            gallery=pl.lit(gallery),
            reference_dataset=pl.lit(GALLERY),
            similarity=pl.Series(self.numbers.uniform(-1, 1, frame.height).astype(np.float32)),
        )
        self.put(Key("references", f"{BENCHMARK}|{gallery}"), found)
        return found

    def _answers(self, each: int) -> pl.DataFrame:
        """A pool of answers to four prompts: some near the truth, most far, a few unreadable."""
        frame = self.truth.select("photo_id", "true_lat", "true_lon").join(
            pl.DataFrame({"number": range(each)}), how="cross"
        )
        count = frame.height
        spread = np.exp(self.numbers.normal(0.7, 2.5, count))  # degrees
        angle = self.numbers.uniform(0, 2 * np.pi, count)
        lat = (frame["true_lat"].to_numpy() + spread * np.sin(angle)).clip(-85, 85)
        lon = wrap_longitude(frame["true_lon"].to_numpy() + spread * np.cos(angle))
        failed = pl.Series("failed", self.numbers.uniform(size=count) < 0.03)
        said = HOSTILE if self.hostile else ("I cannot tell where this photo was taken.",)
        return frame.with_columns(
            source=pl.format("prompt-{}", 5 * (pl.col("number") % 4)),
            rank=(pl.col("number") // 4).cast(pl.Int32),
            lat=pl.when(~failed).then(pl.Series(lat.round(6))),
            lon=pl.when(~failed).then(pl.Series(lon.round(6))),
            score=pl.when(~failed).then(
                pl.Series(0.8 - 0.1 * np.log1p(spread) + self.numbers.normal(0, 0.25, count))
            ),
            failure=pl.when(failed).then(pl.lit("no coordinates")),
            answer=pl.when(failed).then(pl.Series([said[i % len(said)] for i in range(count)])),
        )

    def _candidates(self, name: str) -> pl.DataFrame:
        """Answers that the experiments of one method share, or the nearest reference."""
        found = experiment(name)
        if not found.prompts:
            nearest = self.retrieved[str(found.gallery)].filter(
                (pl.col("rank") == 0) & (pl.col("kind") == "similar")
            )
            rows = (
                nearest.filter(policy=found.policy)
                .join(self.truth, on="photo_id")
                .select(
                    *("photo_id", "lat", "lon", "rank", "true_lat", "true_lon"),
                    source=pl.lit("retrieval"),
                    **{column: pl.lit(None, pl.String) for column in ("failure", "answer")},
                    score=pl.lit(None, pl.Float64),
                )
            )
        else:
            own = self.candidates * (2 + list(self.experiments).index(name) % self.pools)
            first = {"lmm-only": 0, "img2loc": self.candidates}.get(name, own)
            count = 1 if name in ("lmm-only", "img2loc") else self.candidates
            rows = self.pool.filter(pl.col("number").is_between(first, first + count, closed="left"))
            shift = 0.02 * self.numbers.normal(size=rows.height)
            rows = rows.with_columns(score=pl.col("score") + pl.Series(shift))
        best = pl.col("score").fill_null(-9) == pl.col("score").fill_null(-9).max().over("photo_id")
        chosen = (best & pl.col("lat").is_not_null()).cum_sum().over("photo_id") == 1
        return rows.with_columns(
            chosen=chosen & best & pl.col("lat").is_not_null(),
            benchmark=pl.lit(BENCHMARK),
            experiment=pl.lit(name),
            lmm=pl.lit(SYNTHETIC),
            tokens_in=pl.lit(500, pl.Int64),
            tokens_out=pl.lit(20, pl.Int64),
        )

    def _experiment(self, name: str) -> pl.DataFrame:
        """Every table of one experiment; what comparisons need of its predictions."""
        found, partition = experiment(name), f"{BENCHMARK}|{name}"
        scored = self._candidates(name)
        self.put(Key("scored_candidates", partition), scored)
        predicted = self._predictions(name, scored.filter("chosen"))
        self.put(Key("predictions", partition), predicted)
        accuracy = accuracy_table(predicted, self.queries, self.resamples, 0)
        beside = {
            "continents": continent_table(predicted, self.asked, self.resamples, 0),
            "places": place_table(predicted, self.asked, self.resamples, 0),
        }
        paths = []
        for folder, frame in beside.items():
            path = self.home.table(Key("accuracy")).parent / folder / f"{file_name(partition)}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            frame.write_parquet(path)
            paths.append(path)
        self.put(Key("accuracy", partition), accuracy, paths)
        near = self.asked.select("photo_id", "gallery_km") if found.gallery else None
        similar = (
            self.retrieved[str(found.gallery)].filter(policy=found.policy, kind="similar")
            if found.gallery
            else None
        )
        shown = similar if similar is not None else next(iter(self.retrieved.values())).clear()
        diagnosed = diagnose(predicted, scored, shown.select("photo_id", "lat", "lon"), near)
        self.put(Key("diagnoses", partition), diagnosed)
        return predicted.select("benchmark", "experiment", "photo_id", "author", "error_km")

    def _stranger(self, name: str, number: int) -> None:
        """Predictions without candidates, as somebody's file brings them."""
        key = Key("predictions", f"{BENCHMARK}|{self.experiments[0]}")
        frame = pl.read_parquet(self.home.table(key)).with_columns(
            experiment=pl.lit(name),
            method=pl.lit(name),
            variant=pl.lit(None, pl.String),
            source=pl.lit(None, pl.String),
        )
        self.put(Key("predictions", f"{BENCHMARK}|stranger-{number}"), frame)
        self.put(
            Key("accuracy", f"{BENCHMARK}|stranger-{number}"), accuracy_table(frame, self.queries, 50, 0)
        )

    def _predictions(self, name: str, chosen: pl.DataFrame) -> pl.DataFrame:
        found = experiment(name)
        answers = self.truth.join(
            chosen.select("photo_id", "lat", "lon", "source", "score"), on="photo_id", how="left"
        )
        ends = [
            answers[column].fill_null(0.0).to_numpy() for column in ("lat", "lon", "true_lat", "true_lon")
        ]
        known = pl.col("lat").is_not_null()
        names = {each: pl.when(known).then(values) for each, values in self._places(self.queries).items()}
        return answers.with_columns(
            benchmark=pl.lit(BENCHMARK),
            experiment=pl.lit(name),
            method=pl.lit(found.method),
            variant=pl.lit(found.variant),
            gallery_policy=pl.lit(found.gallery_policy, pl.String),
            error_km=pl.when(known).then(pl.Series(geodesic_km(*ends))),
            error_haversine_km=pl.when(known).then(pl.Series(haversine_km(*ends))),
            lmm=pl.lit(SYNTHETIC),
            **names,
        )


def grown(root: Path, **size: object) -> SyntheticHome:
    """A filled home of that size."""
    return replace(SyntheticHome(root), **size).fill()  # type: ignore[arg-type]
