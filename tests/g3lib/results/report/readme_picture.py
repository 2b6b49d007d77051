"""The README's picture of a report: its beginning, its map and a photo's page, side by side.

.venv/bin/python tests/g3lib/results/report/readme_picture.py REPORT.html docs/images/report.png
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTH, GAP, COLOURS = 1180, 28, 256


_ON_TOP = """(element) => {
  document.querySelector("nav.sections").style.position = "static";
  element.scrollIntoView({ behavior: "instant" });
  scrollBy(0, 40);
}"""


def shot(page: Page, height: int, selector: str | None = None) -> Image.Image:
    """What is on the screen, from an element on."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    if selector:
        page.locator(selector).evaluate(_ON_TOP)
    page.wait_for_timeout(1500)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def main(report: Path, out: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        page.goto(report.resolve().as_uri())
        page.wait_for_selector("#figure-curves[data-drawn=yes]")
        left = shot(page, 1700)
        top = shot(page, 910, "#map")
        page.locator("#list a").nth(3).click()
        page.wait_for_selector("#photo-page tr.chosen")
        bottom = shot(page, left.height - top.height - GAP)
        browser.close()
    whole = Image.new("RGB", (2 * WIDTH + GAP, left.height), "#8a929c")
    for part, place in ((left, (0, 0)), (top, (WIDTH + GAP, 0)), (bottom, (WIDTH + GAP, top.height + GAP))):
        whole.paste(part, place)
    half = whole.resize((whole.width * 6 // 10, whole.height * 6 // 10), Image.Resampling.LANCZOS)
    half.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(out, "PNG", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
