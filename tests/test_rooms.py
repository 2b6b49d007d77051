"""Imports point one way: pipelines → assets → g3lib, and within g3lib down to the ground."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUND = ("geo", "store", "experiments", "retry_after")
STAGES = (  # in the order in which data flows
    *("images", "places", "features", "alignment", "gallery", "candidates", "verification"),
    *("im2city", "baselines", "results"),
)
# what a stage may use of an earlier one
ALLOWED = {
    "features": {"images"},
    "alignment": {"features"},  # whose weights travel in the same checkpoints
    "baselines": {"images", "features"},
    "candidates": {"places"},  # which names mean where
    "verification": {"alignment"},
    "im2city": {"places", "features"},  # labels are places; prompts and photos meet in an encoder's features
    "results": {"images", "places"},  # other people's files are read as datasets are; positions have names
}
WITHIN_GROUND = {
    **{room: set[str]() for room in ("geo", "experiments", "retry_after")},
    "store": {"experiments"},
}
MODULES = sorted(path for room in ("g3lib", "assets", "pipelines") for path in (ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    """The module's dotted name; a package's own is that of its __init__."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports_of(path: Path, source: str | None = None) -> Iterator[str]:
    """Dotted names of everything a module imports, wherever in it, `from x import y` as `x.y`."""
    tree = ast.parse(path.read_text(encoding="utf-8") if source is None else source)
    package = name_of(path).split(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: -node.level] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def rooms_of(path: Path) -> set[str]:
    """Top-level packages that a module imports."""
    return {name.split(".")[0] for name in imports_of(path)}


def stage_of(path: Path) -> str:
    """The room of a module in g3lib."""
    return name_of(path).split(".")[1]


def stages_used(path: Path) -> set[str]:
    """Other rooms of g3lib that a module of g3lib imports."""
    names = (name.split(".") for name in imports_of(path))
    return {parts[1] for parts in names if parts[0] == "g3lib" and len(parts) > 1} - {stage_of(path)}


def of_room(room: str) -> list[Path]:
    return [path for path in MODULES if name_of(path).split(".")[0] == room]


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [("g3lib", {"dagster", "mlflow", "assets", "pipelines"}), ("assets", {"pipelines"})],
)
def test_rooms_import_downwards_only(room: str, forbidden: set[str]) -> None:
    assert of_room(room)
    offenders = {name_of(path): rooms_of(path) & forbidden for path in of_room(room)}
    assert {name: used for name, used in offenders.items() if used} == {}


def test_every_room_of_g3lib_has_its_place_in_the_order() -> None:
    found = {stage_of(path) for path in of_room("g3lib")} - {"__init__"}
    assert found <= {*GROUND, *STAGES}


def test_the_ground_stands_on_nothing_above_it() -> None:
    for path in of_room("g3lib"):
        if stage_of(path) in GROUND:
            assert stages_used(path) <= WITHIN_GROUND[stage_of(path)], name_of(path)


def test_a_stage_imports_the_ground_and_what_it_is_allowed() -> None:
    for path in of_room("g3lib"):
        if stage_of(path) in STAGES:
            allowed = {*GROUND, *ALLOWED.get(stage_of(path), set())}
            assert stages_used(path) <= allowed, name_of(path)


def test_allowances_are_for_earlier_stages() -> None:
    for stage, used in ALLOWED.items():
        assert all(STAGES.index(each) < STAGES.index(stage) for each in used)


def test_the_reading_of_imports_finds_every_form() -> None:
    source = """
import os.path, dagster as dg
from g3lib import gallery
from g3lib.store.files import replacing
from . import sibling
from ..geo import distances
def f():
    from pipelines.cli import main
if TYPE_CHECKING:
    import assets
"""
    path = ROOT / "g3lib" / "images" / "photo.py"
    assert set(imports_of(path, source)) == {
        *("os.path", "dagster", "g3lib.gallery", "g3lib.store.files.replacing"),
        *("g3lib.images.sibling", "g3lib.geo.distances", "assets", "pipelines.cli.main"),
    }
