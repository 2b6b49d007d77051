"""`g3 locate`: a person's own photos through the workflow of a finished home, which is left as it was."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pillow_heif
import polars as pl
import pytest
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from tiny import BENCHMARK, QUERIES, ROOT, Finished, TinyHome

from g3lib.images import read_shard
from g3lib.store import Key
from pipelines.commands.failures import FAILED, WRONG_USAGE

SCHEMA = json.loads((ROOT / "docs" / "locating.schema.json").read_text(encoding="utf-8"))
QUICK = ("--experiment", "nn-clip")  # asks no LMM
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
EIFFEL = {1: "N", 2: (48.0, 51.0, 29.52), 3: "E", 4: (2.0, 17.0, 40.2)}


@pytest.fixture(scope="module")
def home(new_copy: Callable[..., TinyHome]) -> TinyHome:
    """A copy, since answers are recorded in it."""
    return new_copy()


@pytest.fixture(scope="module")
def queries(home: TinyHome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The benchmark's photos as files of a folder."""
    folder, tar = tmp_path_factory.mktemp("queries"), home.home.shard(BENCHMARK, 0)
    manifest = pl.read_parquet(tar.with_suffix(".parquet"))
    for photo_id, data in zip(manifest["photo_id"], read_shard(tar, manifest), strict=True):
        (folder / f"{photo_id}.jpg").write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One picture in many formats, with the Eiffel Tower's position, and what is no photo."""
    folder = tmp_path_factory.mktemp("album")
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x8825] = EIFFEL
    pillow_heif.from_pillow(picture).save(folder / "a.heic", exif=exif.tobytes(), quality=95)
    picture.save(folder / "b.webp", exif=exif, lossless=True)
    picture.save(folder / "c.png")
    exif[0x0112] = 6
    (folder / "turned").mkdir()
    picture.transpose(Image.Transpose.ROTATE_90).save(folder / "turned" / "d.jpg", exif=exif, quality=95)
    (folder / "broken.jpg").write_bytes((folder / "turned" / "d.jpg").read_bytes()[:4000])
    (folder / "text.jpg").write_text("[red]no photo[/red]")
    return folder


def located(home: TinyHome, *arguments: str, code: int = 0, **settings: str) -> Any:
    """The document; standard output has nothing else in it."""
    said = home.call("locate", *arguments, "--json", **settings)
    assert said.returncode == code, said.stdout + said.stderr
    document = json.loads(said.stdout)
    jsonschema.validate(document, SCHEMA)
    return document


def digests(home: TinyHome) -> dict[str, str]:
    """Every file of the home but the recorded answers and locks."""
    return {
        path.relative_to(home.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.root.rglob("*"))
        if path.is_file() and home.home.responses not in path.parents
    }


# --- as the benchmark was


@pytest.mark.parametrize("name", ["g3", "nn-clip", "nn-colour-histogram"])
def test_a_benchmarks_own_photos_get_its_predictions(home: TinyHome, queries: Path, name: str) -> None:
    before = digests(home)
    document = located(home, str(queries), "--experiment", name)
    expected = pl.read_parquet(home.home.table(Key("predictions", f"{BENCHMARK}|{name}")))
    found = {Path(each["photo"]).stem: each["answer"] for each in document["photos"]}
    assert len(found) == QUERIES
    for row in expected.iter_rows(named=True):
        answer = found[row["photo_id"]]
        assert (answer["lat"], answer["lon"], answer["source"]) == (row["lat"], row["lon"], row["source"])
        assert answer["place"]["country"] == row["country"]
        assert (answer["score"] is None) == (row["score"] is None)
    assert digests(home) == before, "nothing of the home has changed"


def test_asking_twice_costs_nothing(home: TinyHome, queries: Path) -> None:
    photo = str(next(iter(sorted(queries.iterdir()))))
    first = located(home, photo)
    again = located(home, photo)
    assert again["asked"] == {"requests": 0, "answers": 0, "usd": 0.0}
    assert again["photos"] == first["photos"] and len(again["photos"][0]["candidates"]) == 20
    other = located(home, photo, "--experiment", "g3-without-verification")
    assert other["asked"]["requests"] == 0, "whose questions are the same"


def test_a_budget_is_kept(home: TinyHome, queries: Path, album: Path) -> None:
    photo = str(next(iter(sorted(queries.iterdir()))))
    assert located(home, photo, G3_LMM__BUDGET__REQUESTS="1")["photos"][0]["located"], "it was asked before"
    said = home.call("locate", str(album / "c.png"), G3_LMM__BUDGET__REQUESTS="1")
    assert said.returncode == FAILED and said.stdout == "", said.stdout
    assert "budget" in said.stderr and "Traceback" not in said.stderr


def test_how_sure_rests_on_the_benchmark(home: TinyHome, queries: Path) -> None:
    photo = str(next(iter(sorted(queries.iterdir()))))
    document = located(home, photo)
    assert document["sureness"]["benchmarks"] == [BENCHMARK]
    assert document["sureness"]["photos"] == QUERIES and document["sureness"]["reason"] is None
    chances = list(document["photos"][0]["answer"]["probability_within_km"].values())
    assert chances == sorted(chances)


def test_an_experiment_that_was_not_tried_gives_no_probability(home: TinyHome, queries: Path) -> None:
    document = located(home, str(queries), "--experiment", "g3-retrieval-only")
    assert "not been tried" in document["sureness"]["reason"]
    assert document["lmm"] is None and document["asked"]["requests"] == 0
    for each in document["photos"]:
        assert each["answer"]["probability_within_km"] is None
        scores = [candidate["score"] for candidate in each["candidates"]]
        assert scores == sorted(scores, reverse=True) and len(scores) == 15


# --- a person's album


def test_every_format_is_located_and_what_is_broken_is_named(home: TinyHome, album: Path) -> None:
    document = located(home, str(album), *QUICK, code=FAILED)
    found = {Path(each["photo"]).relative_to(album).as_posix(): each for each in document["photos"]}
    assert list(found) == ["a.heic", "b.webp", "broken.jpg", "c.png", "text.jpg", "turned/d.jpg"]
    fates = {name: each["failure"]["fate"] for name, each in found.items() if not each["located"]}
    assert fates == {"broken.jpg": "does_not_decode", "text.jpg": "not_an_image"}
    answers = {(each["answer"]["lat"], each["answer"]["lon"]) for each in found.values() if each["located"]}
    assert len(answers) == 1, "one picture, seen upright, however it is stored"
    for name in ("a.heic", "b.webp", "turned/d.jpg"):
        own = found[name]["own_position"]
        assert own["source"] == "exif" and own["place"]["city"] == "Paris"
        assert (own["lat"], own["lon"]) == pytest.approx((48.8582, 2.2945), abs=1e-4)
        assert own["error_km"] > 0
    assert found["c.png"]["own_position"] is None and "EXIF" in found["c.png"]["no_own_position"]


def test_the_terminal_says_so_in_80_columns(home: TinyHome, album: Path) -> None:
    said = home.call("locate", str(album), COLUMNS="80")
    assert said.returncode == FAILED, said.stderr
    assert max(map(len, said.stdout.splitlines())) <= 80
    text = " ".join(said.stdout.split())
    for words in (
        "encoder knows satellite tiles only",
        "meaningless",
        "The LMM is a stand-in",
        "within 1 km",
        "its EXIF says 48.858",
        "not located:",
        "(does_not_decode)",
        f"{QUERIES} photos of {BENCHMARK}",
        "4 of 6 photos located by g3; stand-in",
    ):
        assert words in text, said.stdout


def test_only_what_cannot_be_read(home: TinyHome, album: Path) -> None:
    document = located(home, str(album / "broken.jpg"), *QUICK, code=FAILED)
    assert [each["located"] for each in document["photos"]] == [False]


# --- what cannot be


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("c.png", "--experiment", "g4"), WRONG_USAGE, ("'g4'", "nn-clip")),
        (("c.png", "--experiment", "g3@llava"), WRONG_USAGE, ("no LMM 'llava'", "lmms")),
        (("c.png", "--experiment", "g3-official-references"), WRONG_USAGE, ("two benchmarks",)),
        (("c.png", "--profile", "demoo"), WRONG_USAGE, ("'demoo'",)),
        (("gone.jpg",), WRONG_USAGE, ("gone.jpg", "does not exist")),
        ((), WRONG_USAGE, ("PHOTOS",)),
        (("empty",), WRONG_USAGE, ("no file in it ends in", ".heic")),
        (("c.png", "--map", "no/map.html", *QUICK), WRONG_USAGE, ("there is no folder",)),
        (("c.png", "--experiment", "g3-n"), FAILED, ("image-gps-text-neighbourhood", "g3 run demo")),
    ],
)
def test_what_cannot_be_located_is_named(
    home: TinyHome, album: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copy(album / "c.png", tmp_path)
    named = [str(tmp_path / each) if "." in each or each == "empty" else each for each in arguments]
    said = home.call("locate", *named)
    assert said.returncode == code, said.stdout + said.stderr
    assert [word for word in words if word not in said.stderr] == [], said.stderr
    assert said.stdout == "" and "Traceback" not in said.stderr


def test_before_the_first_run(tmp_path: Path, album: Path) -> None:
    said = TinyHome(tmp_path / "home").call("locate", str(album / "c.png"), "--json")
    assert said.returncode == FAILED and said.stdout == ""
    assert "g3 needs encoder, alignment[image-gps-text], gallery_index[image-gps-text]" in said.stderr
    assert "g3 run demo" in said.stderr and not (tmp_path / "home").exists()


def test_a_gallery_that_changed_since_is_refused(finished: Finished, album: Path, tmp_path: Path) -> None:
    bfloat = finished.tiny.call("locate", str(album / "c.png"), *QUICK, G3_ENCODER__PRECISION="bfloat16")
    assert bfloat.returncode == FAILED
    assert "precision is 'bfloat16' of the queries" in bfloat.stderr


# --- the map


@pytest.fixture(scope="module")
def mapped(home: TinyHome, album: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("map") / "map.html"
    said = home.call("locate", str(album), "--map", str(file), "--experiment", "g3-retrieval-only")
    assert said.returncode == FAILED and str(file) in said.stderr, said.stderr
    return file


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser.new_page()
        browser.close()


def test_the_map_is_small_and_whole(mapped: Path) -> None:
    assert mapped.stat().st_size < 400_000
    assert [each.name for each in mapped.parent.iterdir()] == [mapped.name], "no scratch is left"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; `apt-get install chromium`")
@pytest.mark.parametrize("width", [1200, 380])
def test_the_map_shows_candidates_answer_and_truth_without_a_network(
    page: Page, mapped: Path, width: int
) -> None:
    asked, complaints = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(mapped.as_uri())
    assert {each for each in asked if not each.startswith("data:")} == {mapped.as_uri()} and complaints == []
    section = page.locator("section").first
    for drawing in ("region", "world"):
        drawn = section.locator(f"svg.{drawing}")
        expect(drawn.locator(".candidate.chosen")).to_be_visible()
        box = drawn.bounding_box()
        assert box is not None and 0 < box["width"] <= width
        assert drawn.locator(".candidate").count() >= 1
    expect(section.locator("svg.world .own-mark")).to_be_visible()
    land = section.locator("svg.world use").evaluate("use => use.getBBox().width")
    assert land > 600, "the continents are there"
    expect(section.get_by_role("img", name="The photo")).to_be_visible()
    assert section.get_by_role("img", name="The photo").evaluate("image => image.naturalWidth") == 320
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is cut off"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; `apt-get install chromium`")
def test_the_map_is_read_without_eyes_and_mouse(page: Page, mapped: Path, album: Path) -> None:
    page.set_viewport_size({"width": 1200, "height": 900})
    page.goto(mapped.as_uri())
    expect(page.get_by_role("heading", level=2)).to_have_count(6)
    expect(page.get_by_role("note")).to_have_count(1)
    table = page.get_by_role("region", name="Candidates of").first.get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(16)
    expect(table.get_by_role("cell", name="the answer", exact=True)).to_have_count(1)
    expect(page.get_by_role("img", name="the table below has the same facts")).to_have_count(8)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the photos"
    stops = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        stops.add(
            page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.href")
        )
    assert any("Candidates of" in str(stop) for stop in stops)
    assert len(stops) >= 10, "six photos in the list, four tables"
    page.get_by_role("link", name="broken.jpg").click()
    expect(page.get_by_text("does_not_decode")).to_be_in_viewport()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; `apt-get install chromium`")
def test_a_mark_leads_to_its_row(page: Page, mapped: Path) -> None:
    page.goto(mapped.as_uri())
    page.locator("svg.region").first.locator("a:has(.chosen) .candidate").click()
    row = page.locator("tr:target")
    expect(row).to_be_in_viewport()
    expect(row).to_contain_text("the answer")
