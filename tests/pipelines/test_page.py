"""Dagster's pages in a browser: the asset graph, and an asset materialized by a click."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import Pages
from playwright.sync_api import Page, expect, sync_playwright
from workplace import SCREENSHOTS

from assets.steps import STEPS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
WIDE = {"width": 2400, "height": 1700}
SECONDS = 1000.0  # playwright counts in milliseconds

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; `apt-get install chromium`"),
]


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


def test_the_asset_graph_shows_every_stage_and_asset(page: Page, pages: Pages) -> None:
    page.goto(f"{pages.dagster}/asset-groups")
    for group in {step.group for step in STEPS.values()}:
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    page.get_by_text("Hide navigation").click()
    page.locator("button:right-of([placeholder='Jump to…'])").first.click()  # more room for the graph
    page.mouse.click(WIDE["width"] / 2, WIDE["height"] - 50, button="right")
    page.get_by_role("menuitem", name="Expand all groups").click()
    expect(page.get_by_text("scored_candidates", exact=True).first).to_be_visible()
    page.reload()  # opened anew, it is fitted into the window
    for name in (*STEPS, "warehouse"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    picture(page, "asset-graph")


def test_an_asset_is_materialized_from_its_page(page: Page, pages: Pages) -> None:
    page.goto(f"{pages.dagster}/assets/published")
    page.get_by_role("button", name="Materialize", exact=True).click()
    page.get_by_text("View", exact=True).first.click()  # beside "Launched run …"
    page.wait_for_url("**/runs/*")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=120 * SECONDS)
    picture(page, "run")
    run = page.url.rsplit("/", 1)[-1].split("?")[0]
    assert pages.workplace.run_statuses()[run] == "SUCCESS"
