"""The report in headless Chromium, opened from disk without a network and clicked through."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright
from synthetic_home import BENCHMARK, HOSTILE, SYNTHETIC, SyntheticHome, grown

from g3lib.geo import geodesic_km
from g3lib.results.report import Report, build_report
from g3lib.store.warehouse import query

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
LOCAL = ("file:", "blob:", "data:")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; `apt-get install chromium`"),
    pytest.mark.xdist_group("report"),
]

# every element with text of its own: contrast of its colour with that of what lies behind it
_CONTRASTS = """() => {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data];
  };
  const linear = (x) => (x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = rgb(getComputedStyle(each).backgroundColor);
      if (colour[3] > 230) return colour;
    }
    return [255, 255, 255];
  };
  const silent = "script, noscript, option, :disabled, .drawing";
  return [...document.querySelectorAll("body *")].filter((element) => {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    return own && element.checkVisibility({ checkVisibilityCSS: true }) && !element.closest(silent);
  }).map((element) => {
    const [one, other] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    return [contrast, `${element.tagName}.${element.className}: ${element.textContent.trim().slice(0, 40)}`];
  });
}"""
_FOCUSED = """() => {
  const at = document.activeElement, look = getComputedStyle(at);
  return [at.tagName, at.textContent.trim().slice(0, 30), look.outlineStyle, parseFloat(look.outlineWidth)];
}"""
# where on the canvas the first truth is drawn, in the page's pixels
_DARK_SPOT = """(canvas) => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const scale = canvas.clientWidth / canvas.width;
  const at = Array.from({ length: pixels.length / 4 }, (_, i) => i)
    .find((i) => pixels[4 * i] < 40 && pixels[4 * i + 2] < 45 && pixels[4 * i + 3] === 255);
  return { x: (at % canvas.width) * scale, y: Math.floor(at / canvas.width) * scale };
}"""
_PIXELS = """(canvas) => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const colour = pixels[i] * 65536 + pixels[i + 1] * 256 + pixels[i + 2];
    seen.add(colour);
    sum = (sum * 31 + colour) % 2147483647;
  }
  return [seen.size, sum];
}"""


@dataclass
class Watched:
    """A page, and whatever it did that a report must not do."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        page = self.page
        page.on("console", lambda said: self._is_fault(said) and self.faults.append(said.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(LOCAL) or self.faults.append(asked.url))
        page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))

    @staticmethod
    def _is_fault(said: ConsoleMessage) -> bool:
        """Reading pixels back is what the tests do, not the page."""
        return said.type in ("error", "warning") and "getImageData" not in said.text

    def ready(self, address: str) -> Page:
        self.page.goto(address)
        expect(self.page.locator("#figure-curves[data-drawn=yes]")).to_be_attached(timeout=30_000)
        return self.page

    def rows(self, table: Locator) -> list[list[str]]:
        found: list[list[str]] = table.evaluate(
            "(table) => [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()))"
        )
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def watched(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A new page without a network; at the end it must have had nothing to complain of."""
    options: dict[str, Any] = getattr(request, "param", {"viewport": DESKTOP})
    context = browser.new_context(offline=True, **options)
    found = Watched(context.new_page())
    found.page.set_default_timeout(20_000)
    yield found
    context.close()
    assert found.faults == []


@pytest.fixture
def address(report: Report) -> str:
    return report.path.as_uri()


@pytest.fixture
def page(watched: Watched, address: str) -> Page:
    """The report, its first chart drawn."""
    return watched.ready(address)


Ask = Callable[[str], pl.DataFrame]


@pytest.fixture
def ask(synthetic: SyntheticHome) -> Ask:
    return lambda sql: query(synthetic.home, sql)


def to_map(page: Page) -> Locator:
    page.locator("#map").scroll_into_view_if_needed()
    page.get_by_role("navigation", name="Sections of the report").get_by_role("link", name="Map").click()
    canvas = page.locator("#world canvas")
    expect(canvas).to_have_attribute("data-shown", "40")
    return canvas


def counted(page: Page, number: int) -> None:
    """The filters' words and the map agree on how many photos there are."""
    expect(page.locator("#count")).to_contain_text(f"{number} of 40 photos")
    expect(page.locator("#world canvas")).to_have_attribute("data-shown", str(number))


def test_the_leaderboard_sorts_by_any_column(page: Page, ask: Ask) -> None:
    head = page.locator("#leaderboard-table thead th", has_text="200 km")
    names = page.locator("#leaderboard-table tbody .key")
    best = ask("select max(accuracy) from results.accuracy where threshold_km = 200").item()
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    shown = page.locator("#leaderboard-table tbody tr").evaluate_all(
        "rows => rows.map(row => Number(row.dataset.a200))"
    )
    assert shown == sorted(shown, reverse=True) and len(set(shown)) > 2
    assert shown[0] == pytest.approx(100 * best)
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    last = page.locator("#leaderboard-table tbody tr").last
    assert float(str(last.get_attribute("data-a200"))) == pytest.approx(100 * best)
    page.locator("#leaderboard-table thead th", has_text="Experiment").get_by_role("button").click()
    expect(names.first).to_contain_text("nn-clip")


def test_what_is_unknown_sorts_last_both_ways(page: Page) -> None:
    button = page.get_by_role("button", name="Parse failures")
    for _ in range(2):
        button.click()
        rates = page.locator("#leaderboard-table tbody tr").evaluate_all(
            "rows => rows.map(row => row.dataset.parse_failures)"
        )
        assert rates[-1] == "" and rates.count("") == 1, "nn-clip asks no LMM"


def test_every_chart_is_drawn_and_has_a_name_and_a_table(page: Page) -> None:
    for figure in page.locator("figure.chart").all():
        figure.scroll_into_view_if_needed()
        expect(figure).to_have_attribute("data-drawn", "yes")
        drawing = figure.locator(".drawing")
        assert drawing.get_attribute("role") == "img"
        assert len(str(drawing.get_attribute("aria-label"))) > 60
        assert drawing.locator("svg path").count() > 2
        figure.get_by_text("The same as a table").click()
        assert figure.locator("table caption").inner_text()
        assert figure.locator("tbody tr").count() >= 4
        assert figure.locator("tbody").inner_text().count(SYNTHETIC) >= 4, "not without its warning"


def test_experiments_are_chosen_and_charts_follow(page: Page, watched: Watched) -> None:
    legend = page.locator("#figure-curves .legend li")
    expect(legend).to_have_count(6)
    page.locator("#chooser summary").click()
    page.get_by_role("checkbox", name="img2loc").uncheck()
    expect(legend).to_have_count(5)
    expect(page.locator("#chosen-count")).to_have_text("5 of 6")
    rows = watched.rows(page.locator("#figure-curves table"))
    assert [row[0].split()[0] for row in rows] == [
        "g3",
        "nn-clip",
        "lmm-only",
        "g3+other-authors",
        "g3-without-verification",
    ]


def test_the_threshold_is_one_for_all_charts(page: Page, watched: Watched, ask: Ask) -> None:
    page.locator("#figure-intervals .threshold").select_option("750")
    expect(page.locator("#figure-oracle .threshold")).to_have_value("750")
    wanted = ask(
        "select round(100 * accuracy, 1) from results.accuracy where threshold_km = 750 and experiment = 'g3'"
    ).item()
    expect(page.locator("#figure-intervals .drawing")).to_have_attribute(
        "aria-label", _starting("Intervals side by side. At 750 km")
    )
    (row,) = [
        row
        for row in watched.rows(page.locator("#figure-intervals table"))
        if row[0].startswith(f"g3 {SYNTHETIC}")
    ]
    assert row[1] == f"{wanted:.1f} %"


def _starting(text: str) -> Any:
    import re

    return re.compile("^" + re.escape(text))


def test_differences_are_the_warehouses_whichever_side_is_asked(
    page: Page, watched: Watched, ask: Ask
) -> None:
    rows = ask("from results.comparison where threshold_km = 25").to_dicts()
    for against in ("g3", "nn-clip"):
        page.locator("#against").select_option(label=f"{against} ({SYNTHETIC})")
        figure = page.locator("#figure-differences .drawing")
        expect(figure).to_have_attribute(
            "aria-label", _starting(f"Difference from the chosen experiment. Against {against} ")
        )
        shown = {row[0].split()[0]: row for row in watched.rows(page.locator("#figure-differences table"))}
        told = [row for row in rows if against in (row["experiment"], row["other"])]
        assert len(shown) == len(told) == 5
        for row in told:
            sign = 1 if row["other"] == against else -1
            other = row["experiment"] if sign == 1 else row["other"]
            assert shown[other][1] == f"{100 * sign * row['difference']:+.1f}".replace("-", "−").replace(
                "+-", "−"
            )
            assert float(shown[other][6]) == pytest.approx(row["p_holm"], rel=0.01)


def test_filters_change_the_count_the_map_and_the_list(page: Page, ask: Ask) -> None:
    to_map(page)
    both = "from results.prediction as p join results.query as q using (benchmark, photo_id) where experiment = 'g3'"
    form = page.locator("#filters")
    continent = ask(f"select q.continent {both} group by 1 order by count(*) desc limit 1").item()
    form.get_by_label("Continent").select_option(continent)
    counted(page, ask(f"select count(*) {both} and q.continent = '{continent}'").item())
    page.get_by_role("button", name="Clear").click()
    counted(page, 40)
    for outcome, condition in (("hit", "error_km < 200"), ("miss", "coalesce(error_km >= 200, true)")):
        form.get_by_label("Threshold").select_option("200")
        form.get_by_label("Outcome").select_option(outcome)
        counted(page, ask(f"select count(*) {both} and {condition}").item())
    kinds = {
        kind: ask(
            f"select round({kind} * n) from results.miss where experiment = 'g3' and threshold_km = 200"
        ).item()
        for kind in ("ranking", "coverage")
    }
    for kind, number in kinds.items():
        form.get_by_label("Outcome").select_option(kind)
        counted(page, int(number))
    form.get_by_label("Outcome").select_option("")
    form.get_by_label("Error from, km").fill("10")
    form.get_by_label("Error to, km").fill("500")
    counted(page, ask(f"select count(*) {both} and error_km between 10 and 500").item())
    page.get_by_role("button", name="Clear").click()
    form.get_by_label("Experiment").select_option(label=f"nn-clip ({SYNTHETIC})")
    expect(page.locator("#count")).to_contain_text("nn-clip")
    form.get_by_label("Photo, author or place").fill("ALERT(1)")
    found = ask("select photo_id from results.query where contains(photo_id || author, 'alert(1)')")
    counted(page, found.height)
    assert 0 < found.height < 40
    expect(page.locator("#list tr")).to_have_count(found.height)
    expect(page.locator("#list")).to_contain_text(HOSTILE[0])


def test_the_list_is_in_order_and_has_pages(page: Page, ask: Ask) -> None:
    to_map(page)
    worst = ask(
        "select photo_id from results.prediction where experiment = 'g3' order by error_km desc nulls first"
    )["photo_id"].to_list()
    names = page.locator("#list th")
    assert names.all_inner_texts() == worst[:12]
    page.locator("#later").click()
    assert names.all_inner_texts() == worst[12:24]
    expect(page.locator("#page-number")).to_have_text("Page 2 of 4")
    expect(page.locator("#earlier")).to_be_enabled()
    page.locator("#order").select_option("best")
    assert names.first.inner_text() == worst[-1]


def test_the_map_shows_the_world_and_moves(page: Page) -> None:
    canvas = to_map(page)
    colours, whole = canvas.evaluate(_PIXELS)
    assert colours > 20, "land, sea, arcs and dots"
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(200)
    _, closer = canvas.evaluate(_PIXELS)
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(200)
    _, moved = canvas.evaluate(_PIXELS)
    page.keyboard.press("0")
    page.wait_for_timeout(200)
    _, again = canvas.evaluate(_PIXELS)
    assert len({whole, closer, moved}) == 3 and again == whole


def test_a_dot_on_the_map_leads_to_its_photo(page: Page, ask: Ask) -> None:
    canvas = to_map(page)
    photo_id = ask("select max(photo_id) from results.query where photo_id like '%@N00.jpg'").item()
    page.locator("#filters").get_by_label("Photo, author or place").fill(photo_id)
    counted(page, 1)
    spot = canvas.evaluate(_DARK_SPOT)
    canvas.hover(position=spot)
    expect(page.locator(".pointed")).to_be_visible()
    canvas.click(position=spot)
    expect(page.locator("#photo-title")).to_have_text(f"Photo {photo_id}")


def to_photo(page: Page, photo_id: str) -> None:
    page.evaluate("(hash) => { location.hash = hash; }", f"#photo/{quote(photo_id, safe='')}")
    expect(page.locator("#photo-title")).to_have_text(f"Photo {photo_id}")


@pytest.mark.parametrize("photo_id", HOSTILE)
def test_hostile_texts_are_shown_as_text(watched: Watched, address: str, ask: Ask, photo_id: str) -> None:
    watched.page.goto(f"{address}#photo/{quote(photo_id, safe='')}")
    page = watched.page
    expect(page.locator("#photo-title")).to_have_text(f"Photo {photo_id}")
    expect(page.locator("#photo-page")).to_contain_text(f"by {photo_id}")
    told = page.locator("#photo-page .answer")
    said = ask("from results.candidate where experiment = 'g3' and answer is not null").filter(
        photo_id=photo_id
    )
    assert sorted(told.all_inner_texts()) == sorted(f"“{text}”" for text in said["answer"])
    assert (
        page.evaluate("document.querySelectorAll('img[src=x], #photo-page script, #photo-page b').length")
        == 0
    )
    assert page.title().startswith(photo_id.strip()[:10])


def test_experiments_from_elsewhere_may_be_called_anything(watched: Watched, tmp_path: Path) -> None:
    drawn = grown(tmp_path, queries=10, candidates=2, experiments=("nn-clip", "g3"), strangers=HOSTILE[:4])
    report = build_report(drawn.home, BENCHMARK)
    page = watched.ready(report.path.as_uri())
    names = page.locator("#leaderboard-table tbody .method").all_inner_texts()
    assert names[:2] == ["Nearest neighbour", "G3"]
    assert sorted(names[2:]) == sorted(HOSTILE[:4])
    page.locator("#figure-intervals").scroll_into_view_if_needed()
    expect(page.locator("#figure-intervals tbody")).to_contain_text(HOSTILE[0])
    expect(page.locator("#figure-intervals svg text", has_text="<img src=x")).to_be_attached()
    page.locator("#filters").get_by_label("Experiment").select_option(label=f"{HOSTILE[1]} ({SYNTHETIC})")
    expect(page.locator("#count")).to_contain_text(HOSTILE[1])


def test_nothing_that_is_put_into_the_page_can_run(watched: Watched, address: str) -> None:
    page = watched.ready(address)
    ran = page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          const image = document.createElement("div");
          image.innerHTML = '<img src="https://example.org/x.png" onerror="window.ran = true">';
          document.body.append(image);
          return window.ran === true;
        }"""
    )
    assert not ran
    page.wait_for_timeout(300)
    blocked = [fault for fault in watched.faults if "Content Security Policy" in fault]
    assert len(blocked) >= 2, "script and picture are refused"
    watched.faults.clear()


def test_candidates_are_the_warehouses(page: Page, watched: Watched, ask: Ask) -> None:
    ids = ask("select photo_id from results.query order by photo_id")["photo_id"].to_list()
    for photo_id in (ids[3], ids[-1]):
        to_photo(page, photo_id)
        for experiment in ("g3", "img2loc"):
            page.locator("#photo-page").get_by_label("Experiment").select_option(
                label=f"{experiment} ({SYNTHETIC})"
            )
            region = page.get_by_role("region", name="Candidates", exact=True)
            expect(region.locator("caption")).to_contain_text(f"candidates of {experiment} ")
            escaped = photo_id.replace("'", "''")
            wanted = ask(
                "select c.*, true_lat, true_lon from results.candidate as c join results.prediction as p "
                f"using (benchmark, experiment, photo_id) where experiment = '{experiment}' and photo_id = '{escaped}' "
                "order by c.score desc nulls last, c.source, rank"
            ).to_dicts()
            shown = watched.rows(region.locator("table"))
            assert len(shown) == len(wanted) > 0
            for row, told in zip(shown, wanted, strict=True):
                assert row[1:3] == [told["source"], str(told["rank"] + 1)]
                assert row[6] == ("✓ chosen" if told["chosen"] else "")
                if told["lat"] is None:
                    assert row[3].startswith(told["failure"])
                    continue
                assert [float(x) for x in row[3].split(", ")] == pytest.approx(
                    [told["lat"], told["lon"]], abs=1.1e-5
                )
                km = float(geodesic_km(told["lat"], told["lon"], told["true_lat"], told["true_lon"]))
                assert float(row[4].replace(",", "")) == pytest.approx(km, rel=6e-3, abs=0.6)
                assert float(row[5]) == pytest.approx(told["score"], abs=1e-4)


def test_predictions_and_references_are_the_warehouses(page: Page, watched: Watched, ask: Ask) -> None:
    photo_id = ask("select photo_id from results.query order by photo_id")["photo_id"][7]
    to_photo(page, photo_id)
    shown = {
        row[0].split()[0]: row
        for row in watched.rows(page.get_by_role("region", name="Predictions").locator("table"))
    }
    predictions = ask(f"from results.prediction where photo_id = '{photo_id}'").to_dicts()
    assert set(shown) == {each["experiment"] for each in predictions}
    for told in predictions:
        row = shown[told["experiment"]]
        assert row[0].endswith(SYNTHETIC)
        if told["error_km"] is None:
            assert row[1] == "failed"
        else:
            assert float(row[1].replace(",", "")) == pytest.approx(told["error_km"], rel=6e-3, abs=0.5)
            assert row[3] == f"{told['city']}, {told['state']}, {told['country']}"
    page.locator("#photo-page").get_by_label("Gallery").select_option(label="image-gps-text · other-authors")
    similar = page.get_by_role("region", name="Similar references", exact=True)
    wanted = ask(
        f"select reference_id from results.reference where photo_id = '{photo_id}' and gallery = 'image-gps-text' "
        "and policy = 'other-authors' and kind = 'similar' order by rank"
    )
    expect(similar.locator("td:nth-child(2)")).to_have_text(wanted["reference_id"].to_list())


def test_arrow_keys_go_from_photo_to_photo_in_the_lists_order(page: Page, ask: Ask) -> None:
    to_map(page)
    worst = ask(
        "select photo_id from results.prediction where experiment = 'g3' order by error_km desc nulls first"
    )["photo_id"].to_list()
    page.locator("#list a").nth(1).click()
    title = page.locator("#photo-title")
    expect(title).to_have_text(f"Photo {worst[1]}")
    expect(title).to_be_focused()
    expect(page.locator("#report")).to_be_hidden()
    for key, place in (
        ("ArrowRight", 2),
        ("ArrowRight", 3),
        ("ArrowLeft", 2),
        ("ArrowLeft", 1),
        ("ArrowLeft", 0),
        ("ArrowLeft", 0),
    ):
        page.keyboard.press(key)
        expect(title).to_have_text(f"Photo {worst[place]}")
        expect(page.locator(".steps .where")).to_contain_text(f"{place + 1} of 40")
    page.locator("#photo-page").get_by_label("Experiment").focus()
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text(f"Photo {worst[0]}"), "a list's own arrows are left to it"
    page.get_by_role("link", name="Back to the report").click()
    expect(page.locator("#report")).to_be_visible()
    expect(page.locator("#list")).to_be_in_viewport()


def test_an_unknown_photo_is_named(watched: Watched, address: str) -> None:
    watched.page.goto(f"{address}#photo/%E0%A4%A")
    expect(watched.page.locator("#photo-title")).to_have_text("No such photo")
    expect(watched.page.locator("#photo-page")).to_contain_text("%E0%A4%A")


def test_failures_and_cases_show_pictures_and_lead_to_photos(page: Page, ask: Ask) -> None:
    page.locator("#failures").scroll_into_view_if_needed()
    groups = page.locator("#failure-groups h3")
    expect(groups).to_have_count(3)
    page.locator("#failures-by").select_option("continent")
    expect(groups).to_have_count(ask("select count(distinct continent) from results.query").item())
    image = page.locator("#failure-groups img").first
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("complete", True)
    page.wait_for_function("(image) => image.naturalWidth > 40", arg=image.element_handle())
    assert str(image.get_attribute("alt")).startswith("Photo taken in City of")
    page.locator("#cases").scroll_into_view_if_needed()
    case = page.locator("#case-groups .case").first
    expect(case).to_be_visible()
    reference = case.locator(".cards img").first
    reference.scroll_into_view_if_needed()
    page.wait_for_function("(image) => image.naturalWidth > 40", arg=reference.element_handle())
    name = case.locator("h4 bdi").inner_text()
    case.get_by_role("link", name="All candidates").click()
    expect(page.locator("#photo-title")).to_have_text(f"Photo {name}")


def test_the_page_is_walked_by_keyboard_and_focus_is_seen(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the results")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the results")).to_be_in_viewport()
    walked = []
    for _ in range(20):
        page.keyboard.press("Tab")
        walked.append(page.evaluate(_FOCUSED))
    names = [name for _, name, *_ in walked]
    assert names[:3] == ["At a glance", "Leaderboard", "Differences"]
    assert names.index("Provenance") < names.index("Experiments in the charts: 6 o"[:30])
    order = [names.index(each) for each in ("The same as a table", "Experiment", "1 km", "25 km")]
    assert order == sorted(order)
    assert all(shape not in ("none", "auto") and width >= 2 for *_, shape, width in walked), walked
    page.reload()
    expect(page.locator("#figure-curves[data-drawn=yes]")).to_be_attached()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#report")).to_be_focused()


def test_landmarks_and_live_regions_are_there_for_who_listens(page: Page) -> None:
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_be_visible()  # type: ignore[arg-type]
    expect(page.get_by_role("navigation", name="Sections of the report")).to_be_visible()
    to_map(page)
    expect(page.get_by_role("status").filter(has_text="photos")).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("img", name=_starting("World map of truths and predictions"))).to_be_visible()
    assert page.get_by_role("table", name=f"Photos on the map, placed by g3 ({SYNTHETIC})").count() == 1


@pytest.mark.parametrize(
    "watched",
    [{"viewport": PHONE}, {"viewport": PHONE, "color_scheme": "dark", "reduced_motion": "reduce"}],
    indirect=True,
)
def test_a_phone_needs_no_scrolling_sideways(page: Page, ask: Ask) -> None:
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for section in page.locator("section").all():
        section.scroll_into_view_if_needed()
        page.wait_for_timeout(80)
        assert page.evaluate(wide) <= 0, section.get_attribute("id")
    for summary in page.locator("summary").all():
        summary.evaluate("(summary) => { summary.parentElement.open = true; }")
    assert page.evaluate(wide) <= 0
    to_photo(page, HOSTILE[1])
    expect(page.locator("#photo-page tr.chosen").first).to_be_attached()
    assert page.evaluate(wide) <= 0
    expect(page.locator("#photo-page .shown img")).to_be_visible()


@pytest.mark.parametrize("watched", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_texts_stand_out_from_what_is_behind_them(page: Page) -> None:
    for summary in page.locator("summary").all():
        summary.evaluate("(summary) => { summary.parentElement.open = true; }")
    to_map(page)
    found = page.evaluate(_CONTRASTS)
    to_photo(page, HOSTILE[2])
    found += page.evaluate(_CONTRASTS)
    assert len(found) > 300
    assert [each for each in found if each[0] < 4.5] == []


@pytest.mark.parametrize("watched", [{"color_scheme": "dark"}], indirect=True)
def test_charts_follow_the_scheme(page: Page) -> None:
    text = page.locator("#figure-curves .drawing svg text").first
    dark = text.get_attribute("fill")
    page.emulate_media(color_scheme="light")
    expect(text).not_to_have_attribute("fill", str(dark))
