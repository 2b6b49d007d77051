"""The page as a file: sealed, hostile texts harmless in it, and built so that it can be read without eyes."""

import base64
import hashlib
import re
from itertools import pairwise

import pytest
from carried import Carried, Elements
from synthetic_home import BENCHMARK, HOSTILE, SYNTHETIC, SyntheticHome

from g3lib.results.report import BUDGET, Report
from g3lib.results.report.charts import charts, scripts
from g3lib.results.report.page import SECTIONS, own_script
from g3lib.store.warehouse import query

pytestmark = pytest.mark.xdist_group("report")
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


@pytest.fixture(scope="module")
def carried(report: Report) -> Carried:
    return Carried(report.path)


@pytest.fixture(scope="module")
def elements(carried: Carried) -> Elements:
    return Elements(carried.html)


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_lets_our_scripts_and_style_run_and_nothing_else(
    carried: Carried, elements: Elements
) -> None:
    (policy,) = [each["content"] for each in elements.all("meta") if each.get("http-equiv")]
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == [digest(own_script()), digest(scripts())]
    (style,) = re.findall(r"<style>(.*?)</style>", carried.html, re.DOTALL)
    assert rules["style-src"] == digest(style)
    assert rules["img-src"] == "blob: data:"
    running = [
        each for each in elements.all("script") if each.get("type") in (None, "module", "text/javascript")
    ]
    assert running == [{}], "one script runs, and it is inline"


def test_nothing_is_fetched_and_no_markup_comes_from_texts(elements: Elements) -> None:
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"img", "iframe", "object", "embed", "link", "base", "audio", "video", "source"}
    for tag, attributes in elements.found:
        for name, value in attributes.items():
            assert not name.startswith("on") and name != "style", (tag, name)
            assert not (name in ("src", "href") and value and not value.startswith("#")), (tag, value)


def test_scripts_write_no_markup() -> None:
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "srcdoc",
    ):
        assert word not in own_script()


def test_every_number_that_is_not_measured_says_so(elements: Elements, synthetic: SyntheticHome) -> None:
    badges = [each for each in elements.all("span") if each.get("class") == "badge"]
    repeated = query(
        synthetic.home, "select distinct experiment from results.published where benchmark = 'im2gps3k'"
    )
    there = set(repeated["experiment"].drop_nulls()) & set(synthetic.experiments)
    assert len(badges) >= len(synthetic.experiments) + len(there)
    assert elements.texts["span"].count(SYNTHETIC) == len(badges)


def test_headings_follow_each_other_and_sections_have_names(elements: Elements) -> None:
    levels = [HEADINGS.index(tag) + 1 for tag, _ in elements.found if tag in HEADINGS]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = {attributes.get("id") for _, attributes in elements.found}
    for section in elements.all("section"):
        assert section["aria-labelledby"] in ids
    assert set(SECTIONS) <= ids
    anchors = [str(each["href"])[1:] for each in elements.all("a")]
    assert anchors and set(anchors) <= ids


def test_tables_have_captions_and_scoped_headings(carried: Carried, elements: Elements) -> None:
    tables = re.findall(r"<table.*?</table>", carried.html, re.DOTALL)
    assert len(tables) > 5
    assert all(re.match(r"<table[^>]*>\s*<caption>\S", each) for each in tables)
    assert {each.get("scope") for each in elements.all("th")} == {"col", "row"}


def test_controls_have_names(elements: Elements) -> None:
    labels = len(elements.all("label"))
    fields = len(elements.all("select")) + len(elements.all("input"))
    assert labels == fields
    assert all(
        each.get("role") == "region" and each.get("aria-label")
        for each in elements.all("div")
        if "tabindex" in each and each.get("class") == "scroll"
    )


def test_the_leaderboard_shows_measured_beside_published(carried: Carried, synthetic: SyntheticHome) -> None:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", carried.html))
    rows = query(
        synthetic.home,
        "select a.accuracy, a.ci_low, a.ci_high, p.accuracy as published from results.accuracy as a "
        "join results.published as p using (benchmark, experiment, threshold_km) "
        f"where experiment = 'g3' and benchmark = '{BENCHMARK}' and paper_table = 'Table 1'",
    )
    assert rows.height == 5
    for value, low, high, printed in rows.iter_rows():
        covered = "covered" if low <= printed <= high else "not covered"
        difference = f"{100 * (value - printed):+.1f}".replace("-", "−")
        interval = f"{100 * low:.1f}–{100 * high:.1f}"
        said = f"{100 * value:.1f} {interval} published {100 * printed:.1f} {difference}, {covered}"
        assert said in text


def test_hostile_texts_are_in_no_place_where_they_could_act(carried: Carried) -> None:
    for text in HOSTILE:
        if "<" in text:
            assert text not in carried.html
    assert len(carried.html.encode()) < BUDGET


def test_charts_are_vega_with_rows_of_their_own() -> None:
    assert set(charts()) == {
        "curves",
        "intervals",
        "differences",
        "continents",
        "places",
        "oracle",
        "miss",
        "calibration",
        "selective",
    }
    for spec in charts().values():
        assert spec["$schema"].startswith("https://vega.github.io/schema/vega/v6")
        assert "rows" in [data["name"] for data in spec["data"]]
