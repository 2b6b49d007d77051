"""`g3 ui` at work: pages in a browser, and the daemon's real ticks: the watched folder, the nightly schedule.

The tests stand in the order in which least is waited for: what the daemon does takes a minute.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import numpy as np
import polars as pl
import pytest
from pages import Pages, running_ui
from playwright.sync_api import Page, expect, sync_playwright
from tiny import BENCHMARK, SCREENSHOTS, TinyHome, eventually

from assets.steps import STEPS
from g3lib.geo import is_on_earth
from g3lib.images import read_shard
from g3lib.places import names_by_level
from g3lib.store import Key

PHOTOS = 2
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
WIDE = {"width": 3400, "height": 5400}
EMPTY = (1900, 5350)  # a place in the graph where nothing lies
SECONDS = 1000.0  # playwright counts in milliseconds

pytestmark = pytest.mark.xdist_group("more whole runs")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; `apt-get install chromium`"
)


@pytest.fixture(scope="module")
def pages(new_copy: Callable[..., TinyHome], homes: Path) -> Iterator[Pages]:
    """Pages and daemon; the schedule fires every minute, the inbox is looked at every second."""
    tiny = new_copy(
        G3_SCHEDULE__ENABLED="true",
        G3_SCHEDULE__CRON="* * * * *",
        G3_SCHEDULE__INBOX_SECONDS="1",
        G3_BOOTSTRAP_RESAMPLES="250",  # unlike the finished home's, so that the nightly job finds work
    )
    with running_ui(tiny, homes / "ui.log") as found:
        yield found


@pytest.fixture(scope="module")
def dropped(pages: Pages) -> list[str]:
    """Two photos of the benchmark, put into the watched folder."""
    home = pages.tiny.home
    tar = home.shard(BENCHMARK, 0)
    manifest = pl.read_parquet(tar.with_suffix(".parquet")).head(PHOTOS)
    names = [f"holiday-{number}.jpg" for number in range(PHOTOS)]
    for name, data in zip(names, read_shard(tar, manifest), strict=True):
        (home.inbox / name).write_bytes(data)
    return names


def finished_run(tiny: TinyHome, job: str) -> dg.DagsterRun | None:
    """The first run of a job that is over."""
    with tiny.dagster() as instance:
        runs = [run for run in instance.get_runs(dg.RunsFilter(job_name=job)) if run.is_finished]
        return runs[-1] if runs else None


def succeeded(pages: Pages, job: str, seconds: float) -> dg.DagsterRun:
    """The first run of a job, once it has succeeded."""
    run: Any = eventually(lambda: finished_run(pages.tiny, job), seconds, f"a run of {job}")
    log = pages.log.read_text(encoding="utf-8")[-3000:]
    assert run.status is dg.DagsterRunStatus.SUCCESS, log
    return run


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport=WIDE)  # type: ignore[arg-type]
        page.set_default_timeout(60 * SECONDS)
        yield page
        browser.close()


def picture(page: Page, name: str) -> None:
    """Keep what the page shows, if somebody asked for pictures."""
    if SCREENSHOTS:
        page.wait_for_timeout(3 * SECONDS)  # until it stands still
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")


@pytest.mark.browser
@needs_chromium
def test_the_asset_graph_shows_every_stage_and_asset(page: Page, pages: Pages, dropped: list[str]) -> None:
    page.goto(f"{pages.dagster}/asset-groups")
    for group in {step.group for step in STEPS.values()}:
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    page.get_by_text("Hide navigation").click()  # more room for the graph
    page.mouse.click(*EMPTY, button="right")
    page.get_by_role("menuitem", name="Expand all groups").click()
    expect(page.get_by_text("scored_candidates", exact=True).first).to_be_visible()
    page.reload()  # opened anew, it is fitted into the window
    picture(page, "asset-graph")
    for name in (*STEPS, "warehouse"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    picture(page, "asset-graph")


@pytest.mark.browser
@needs_chromium
def test_an_asset_is_materialized_from_its_page(page: Page, pages: Pages) -> None:
    page.goto(f"{pages.dagster}/assets/published")
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_text("View", exact=True).first.click()  # beside "Launched run …"
    page.wait_for_url("**/runs/*")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=120 * SECONDS)
    picture(page, "run")
    run = page.url.rsplit("/", 1)[-1].split("?")[0]
    assert pages.tiny.run_statuses()[run] == "SUCCESS"


def test_photos_in_the_inbox_are_located(pages: Pages, dropped: list[str]) -> None:
    run = succeeded(pages, "stage_inbox", 180)
    assert run.tags["dagster/sensor_name"] == "inbox"
    (path,) = pages.tiny.home.root.glob("tables/inbox_predictions/*.parquet")
    located = pl.read_parquet(path)
    assert sorted(located["photo_id"]) == dropped
    assert np.all(is_on_earth(located["lat"].to_numpy(), located["lon"].to_numpy()))
    assert located["lmm"].unique().to_list() == ["stand-in"]
    near_km = pages.tiny.profile().places.near_km
    assert located["country"].to_list() == names_by_level(located, near_km)["country"].to_list()
    record = pages.tiny.records()[Key("inbox_predictions", path.stem)]
    assert record.run_id == run.run_id


def test_the_same_photos_are_taken_once(pages: Pages, dropped: list[str]) -> None:
    succeeded(pages, "stage_inbox", 180)
    batches = list((pages.tiny.home.inbox / ".batches").glob("*.json"))
    with pages.tiny.dagster() as instance:
        assert len(instance.get_runs(dg.RunsFilter(job_name="stage_inbox"))) == len(batches) <= PHOTOS


def test_mlflows_server_shows_the_stages(pages: Pages) -> None:
    def experiments() -> Any:
        try:
            reply = httpx.get(f"{pages.mlflow}/api/2.0/mlflow/experiments/search?max_results=20", timeout=5)
        except httpx.HTTPError:
            return None
        return reply.raise_for_status().json()["experiments"]

    names = {each["name"] for each in eventually(experiments, 60, "MLflow's server")}
    assert {"features", "alignment", "gallery", "candidates", "results"} <= names


def test_the_nightly_schedule_re_runs_the_benchmarks(pages: Pages) -> None:
    run = succeeded(pages, "benchmarks", 240)
    assert run.tags["dagster/schedule_name"] == "nightly_benchmarks"
    records = pages.tiny.records()
    configured = {r.config["bootstrap_resamples"] for key, r in records.items() if key.asset == "accuracy"}
    assert configured == {250}
    with pages.tiny.dagster() as instance:
        children = instance.get_runs(dg.RunsFilter(tags={"g3/conducted_by": run.run_id}))
    accuracy = {r.run_id for key, r in records.items() if key.asset == "accuracy"}
    assert accuracy <= {child.run_id for child in children}, "each says which run it belongs to"
    newest = pages.tiny.g3("sql", "--csv", f"from lineage.run where run_id = '{min(accuracy)}'")
    assert "SUCCESS" in newest.stdout, "the tables were published afterwards"
