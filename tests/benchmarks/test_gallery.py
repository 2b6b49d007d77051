"""A million photos of 2,304 dimensions: what compression costs and saves, building's memory, exclusion's time.

The vectors are drawn as features of photos are spread (drawn_features.py); none of it was made to suit an index.
Times depend on the machine, so none of them fails a test. GALLERY_BENCHMARK_PHOTOS sets another number of photos.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pytest
from drawn_features import Drawing, spectrum

from g3lib.gallery import Index, Rows, Vectors, open_index, rows_by_author, similar_and_dissimilar

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

T = TypeVar("T")
PHOTOS = int(os.environ.get("GALLERY_BENCHMARK_PHOTOS", 1_000_000))
FEW = min(PHOTOS, 50_000)  # for the kinds that have no bar to meet
MP16 = 4_122_110
QUERIES, DEPTH = 400, 20
HERE = Path(__file__).parent


def built(kind: str, rows: int, folder: Path, exact: Path | None = None) -> dict[str, Any]:
    """An index, built in a process of its own, and what that process measured."""
    command = [
        sys.executable,
        HERE / "gallery_building.py",
        kind,
        str(rows),
        folder,
        *([exact] if exact else []),
    ]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def recall(found: Rows, true: Rows) -> float:
    return float(np.mean([np.isin(theirs, ours).mean() for ours, theirs in zip(found, true, strict=True)]))


def drawn_queries() -> Vectors:
    return np.concatenate(list(Drawing().blocks(QUERIES, stream=1)))


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("exact")
    report = built("exact", PHOTOS, folder)
    try:
        yield folder, report
    finally:
        shutil.rmtree(folder)  # 9 GB, which pytest would keep


def show(rows: list[tuple[str, str, str]]) -> None:
    for what, value, bar in rows:
        print(f"{what:<44} {value:<44} {'bar: ' + bar if bar else ''}")


def test_a_million(exact: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, whole = exact
    sample = np.array(np.load(folder / "vectors.npy", mmap_mode="r")[:20_000])
    print(
        f"\n{os.cpu_count()} cores, {PHOTOS:,} photos of {whole['width']} dimensions; one sample of 20,000:"
    )
    for name, part in (
        ("CLIP's third", sample[:, :768]),
        ("f_text's third", sample[:, 768:1536]),
        ("all", sample),
    ):
        print(f"  {name}: " + ", ".join(f"{what} {value:.3g}" for what, value in spectrum(part).items()))
    del sample
    compressed = built("ivf", PHOTOS, tmp_path, folder)
    queries = drawn_queries()
    ours, theirs = open_index(tmp_path), open_index(folder)
    answers(ours, queries)  # both are read from the disk once before they are timed
    true, slow = timed(lambda: answers(theirs, queries))
    found, fast = timed(lambda: answers(ours, queries))
    recalls = {kind: recall(found[kind][1], true[kind][1]) for kind in found}
    room = compressed["bytes_per_photo"] / whole["bytes_per_photo"]
    size = compressed["bytes_per_photo"] * PHOTOS
    show(
        [
            ("exact, queries per second", f"{2 * QUERIES / slow:.1f}", ""),
            ("ivf, queries per second", f"{2 * QUERIES / fast:.0f} = {slow / fast:.1f} x exact", ">= 10 x"),
            ("ivf, bytes per photo", f"{compressed['bytes_per_photo']:.0f} = {room:.3f} of exact", "<= 0.25"),
            ("ivf, recall@20 similar", f"{recalls['similar']:.4f}", ">= 0.95"),
            ("ivf, recall@20 dissimilar", f"{recalls['dissimilar']:.4f}", ">= 0.95"),
            (
                "ivf, recalls on its card",
                f"{compressed['recall_similar']:.4f}, {compressed['recall_dissimilar']:.4f}",
                "",
            ),
            ("ivf, parameters", json.dumps(compressed["parameters"]), ""),
            ("ivf, building", f"{compressed['seconds']:.0f} s", ""),
            (
                "ivf, peak memory of building",
                f"{compressed['peak'] / 1e9:.2f} GB",
                f"<= {size / 1e9 + 1:.2f} GB",
            ),
            ("exact, building (and drawing)", f"{whole['seconds']:.0f} s, {whole['peak'] / 1e9:.2f} GB", ""),
        ]
    )
    if PHOTOS >= 1_000_000:  # the bars' own size; below it, what is kept once weighs more
        assert room <= 0.25 and min(recalls.values()) >= 0.95
    assert compressed["peak"] <= size + 1e9


def answers(index: Index, queries: Vectors) -> dict[str, tuple[Vectors, Rows]]:
    return similar_and_dissimilar(index, queries, DEPTH)


def authors(rows: int, numbers: np.random.Generator) -> pl.Series:
    """Photographers of 27 photos on average, as MP-16's; the busiest of thousands, most of a few."""
    shares = 1 / (np.arange(max(1, rows // 27)) + 50.0) ** 0.9
    ranks = numbers.choice(len(shares), rows, p=shares / shares.sum())
    return pl.select(pl.format("{}@N00", pl.Series(ranks))).to_series()


def brute_force(vectors: Vectors, queries: Vectors, excluded: list[Rows]) -> Rows:
    """Nothing of ours: all products at once, the excluded ones struck out, sorted."""
    products = np.concatenate(
        [queries @ np.array(vectors[start : start + 50_000]).T for start in range(0, len(vectors), 50_000)],
        axis=1,
    )
    for query, rows in enumerate(excluded):
        products[query, rows] = -np.inf
    return np.argsort(-products, axis=1, kind="stable")[:, :DEPTH]


def test_exclusion(exact: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = exact
    numbers = np.random.default_rng(0)
    photographers = authors(PHOTOS, numbers)
    queries, some = drawn_queries(), 40
    asked = photographers[numbers.integers(0, PHOTOS, QUERIES)]  # the busier, the likelier
    excluded, finding = timed(lambda: rows_by_author(photographers, asked))
    mp16, many = authors(MP16, numbers), authors(4536, numbers)
    of_mp16, finding_mp16 = timed(lambda: rows_by_author(mp16, many))
    built("ivf", PHOTOS, tmp_path, folder)
    left_out = [len(each) for each in excluded]
    rows = [
        ("rows left out per query", f"median {np.median(left_out):,.0f}, most {max(left_out):,}", ""),
        ("finding them", f"{finding:.2f} s for {QUERIES} queries", ""),
        ("finding them in MP-16", f"{finding_mp16:.2f} s, {sum(map(len, of_mp16)):,} rows", ""),
    ]
    for kind, where in (("exact", folder), ("ivf", tmp_path)):
        index = open_index(where)
        _, warm = timed(lambda: index.search(queries, DEPTH))  # noqa: B023  (called at once)
        _, without = timed(lambda: index.search(queries, DEPTH))  # noqa: B023
        found, taking = timed(lambda: index.search(queries, DEPTH, excluded))  # noqa: B023
        rows.append(
            (
                f"{kind}, time with exclusion",
                f"{taking:.2f} s = {taking / min(warm, without):.2f} x without",
                "<= 2 x",
            )
        )
        assert not any(np.isin(*pair).any() for pair in zip(found[1], excluded, strict=True))
        if kind == "exact":
            vectors = np.load(folder / "vectors.npy", mmap_mode="r")
            true = brute_force(vectors, queries[:some], excluded[:some])
            equal = np.array_equal(found[1][:some], true)
            rows.append((f"exact, {some} queries as brute force", str(equal), "True"))
            assert equal
    print()
    show(rows)


def test_every_kind(exact: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = exact
    print(f"\n{FEW:,} photos; recalls and speed as their cards and reports tell")
    print(f"{'kind':<9}{'bytes':>7}{'similar':>9}{'dissim.':>9}{'queries/s':>11}{'build s':>9}{'peak GB':>9}")
    for kind in ("exact", "scalar", "product", "ivf", "hnsw"):
        report = built(kind, FEW, tmp_path / kind, folder)
        print(
            f"{kind:<9}{report['bytes_per_photo']:>7.0f}{report['recall_similar']:>9.3f}"
            f"{report['recall_dissimilar']:>9.3f}{report['queries_per_second']:>11.0f}"
            f"{report['seconds']:>9.0f}{report['peak'] / 1e9:>9.2f}"
        )


def test_on_a_gpu(exact: tuple[Path, dict[str, Any]]) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU here; exact search by torch on one is not measured")
    folder, _ = exact
    queries = drawn_queries()
    expected = open_index(folder).search(queries[:20], DEPTH)[1]
    index = open_index(folder, "cuda")
    index.search(queries[:20], DEPTH)
    found, taking = timed(lambda: index.search(queries, DEPTH))
    print(f"\n{torch.cuda.get_device_name()}: exact, {QUERIES / taking:.0f} queries per second")
    assert np.mean(found[1][:20] == expected) > 0.99
