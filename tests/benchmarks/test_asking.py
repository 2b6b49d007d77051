"""3,000 photos x 4 prompts asked of the local stand-in, which takes a second for each answer.

Beside it, the released script's way: 16 blocking workers with `requests`. ASKING_BENCHMARK_PHOTOS sets the number of
photos (3,000 take some four minutes); the peer asks a tenth of them unless ASKING_BENCHMARK_PEER_PHOTOS says otherwise,
because its rate does not depend on how many there are.
"""

import base64
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
import requests
from pydantic import SecretStr

from g3lib.candidates.costs.prices import prices_of
from g3lib.candidates.generation import Query, Watch, generate
from g3lib.candidates.planning import plan
from g3lib.candidates.stand_in.protocol import MODEL
from g3lib.candidates.stand_in.running import running_stand_in
from g3lib.experiments import experiment
from g3lib.experiments.lmm import LmmSettings

PHOTOS = int(os.environ.get("ASKING_BENCHMARK_PHOTOS", "3000"))
PEER_PHOTOS = int(os.environ.get("ASKING_BENCHMARK_PEER_PHOTOS", str(max(80, PHOTOS // 10))))
LATENCY, CONCURRENCY, PEER_WORKERS = 1.0, 64, 16
G3 = experiment("g3")
PHOTO_BYTES = 80_000

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]


def queries(folder: Path) -> list[Query]:
    """Files that begin as JPEGs do; the stand-in looks no further."""
    draw = random.Random(1)
    found = []
    for index in range(PHOTOS):
        path = folder / f"{index}.jpg"
        path.write_bytes(b"\xff\xd8\xff\xe0" + draw.randbytes(PHOTO_BYTES))
        found.append(Query(f"q{index}", path.read_bytes))
    return found


def references() -> pl.DataFrame:
    """15 similar and 15 dissimilar references of every query, anywhere."""
    draw = random.Random(2)
    rows = [
        (f"q{index}", kind, rank, draw.uniform(-60, 70), draw.uniform(-180, 180))
        for index in range(PHOTOS)
        for kind in ("similar", "dissimilar")
        for rank in range(15)
    ]
    return pl.DataFrame(rows, schema=["photo_id", "kind", "rank", "lat", "lon"], orient="row")


class Memory:
    """Resident megabytes of this process, every half second."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._ended.wait(0.5):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.seen.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def ours(folder: Path, base_url: str, photos: list[Query], shown: pl.DataFrame) -> tuple[float, Memory]:
    """Seconds of asking, every answer recorded and synced; memory meanwhile."""
    settings = LmmSettings(
        base_url=base_url, model=MODEL, api_key=SecretStr("any key"), concurrency=CONCURRENCY
    )
    memory, started = Memory(), [0.0]

    def before(_: object) -> None:
        started[0] = time.perf_counter()
        memory.__enter__()

    def after(_: object) -> None:
        started.append(time.perf_counter() - started[0])
        memory.__exit__()

    watch = Watch(before, print, after)
    begun = time.perf_counter()
    frame = generate(photos, shown, G3, "b", settings, folder, prices_of(settings), watch=watch)
    total = time.perf_counter() - begun
    assert frame.height == PHOTOS * len(G3.prompts) * G3.answers
    print(f"  planning before, reading answers after: {total - started[1]:.1f} s more")
    return started[1], memory


def peer(base_url: str, photos: list[Query], shown: pl.DataFrame) -> float:
    """Requests per second of blocking workers, as the released script has them; nothing is recorded."""
    settings = LmmSettings(base_url=base_url, model=MODEL)
    some = photos[:PEER_PHOTOS]
    questions = [question for of_query in plan(some, shown, G3, settings) for question in of_query]
    by_id = {query.photo_id: query.jpeg for query in some}

    def ask(index: int) -> int:
        question = questions[index]
        image = base64.b64encode(by_id[question.photo_id]()).decode()
        body = question.body(f"data:image/jpeg;base64,{image}", 0, question.n)
        reply = requests.post(f"{base_url}/chat/completions", json=body, timeout=(30, 60))
        return len(reply.json()["choices"])

    begun = time.perf_counter()
    with ThreadPoolExecutor(PEER_WORKERS) as workers:
        assert set(workers.map(ask, range(len(questions)))) == {G3.answers}
    return len(questions) / (time.perf_counter() - begun)


def test_asking(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    photos, shown = queries(folder), references()
    count = PHOTOS * len(G3.prompts)
    ideal = count / CONCURRENCY * LATENCY
    with running_stand_in("--latency", str(LATENCY)) as base_url:
        print(
            f"\n{count:,} requests of {PHOTO_BYTES // 1000} kB, {LATENCY:g} s latency, concurrency {CONCURRENCY}"
        )
        seconds, memory = ours(tmp_path / "responses", base_url, photos, shown)
        rate = peer(base_url, photos, shown)
    print(f"  ideal {ideal:.1f} s, ours {seconds:.1f} s = {seconds / ideal - 1:+.1%} (bar: 5 %)")
    print(
        f"  16 blocking workers: {rate:.1f} requests/s on {PEER_PHOTOS * len(G3.prompts):,} requests, "
        f"{count / rate:.0f} s for all; ours {count / seconds:.1f}/s = {count / seconds / rate:.2f} x (bar: 3.8 x)"
    )
    early, late = memory.seen[len(memory.seen) // 10], memory.seen[-1]
    photos_mb = PHOTOS * PHOTO_BYTES / 1e6
    print(
        f"  resident memory after a tenth {early:.0f} MB, at the end {late:.0f} MB, at most {max(memory.seen):.0f} MB; "
        f"the photos together {photos_mb:.0f} MB"
    )
