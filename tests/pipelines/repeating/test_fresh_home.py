"""What a repetition begins with: links to the original's files, copies of its logs, and nothing that can harm it."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from recorded_home import (
    BENCHMARK,
    CANDIDATES,
    FEATURES,
    GALLERY,
    INDEX,
    PREDICTIONS,
    QUERIES,
    REFERENCES,
    SCORED,
    UPSTREAM,
    make,
)

from assets.plan import OBSERVED
from assets.steps import STEPS
from g3lib.store import Home, Key
from g3lib.store.artifacts import commit_table, is_intact, read_record
from g3lib.store.snapshots import keep_profile, snapshot_path
from pipelines.repeating import NotNamed, NotRepeatable
from pipelines.repeating.fresh_home import fresh_home, lay_out
from pipelines.repeating.recorded import Recorded, find, split


@pytest.fixture
def recorded(home: Home) -> Recorded:
    version = keep_profile(home, {"name": "toy"})
    make(home, profile=version)
    return find(home, BENCHMARK, "g3")


def laid_out(recorded: Recorded, fresh: Home, beginning: str = "candidates") -> list[Key]:
    """What lies in a fresh home, and whole."""
    lay_out(recorded, split(recorded, beginning, STEPS), fresh)
    records = [read_record(path) for path in fresh.commits()]
    return [each.key for each in records if each is not None and is_intact(fresh.root, each)]


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_what_is_not_made_again_is_there_whole(recorded: Recorded, tmp_path: Path) -> None:
    fresh, before = Home(tmp_path / "fresh"), everything(recorded.home.root)
    fresh.root.mkdir()
    again = {CANDIDATES, SCORED, PREDICTIONS, recorded.key}
    assert set(laid_out(recorded, fresh)) == set(UPSTREAM) - again
    for name, content in everything(fresh.root).items():
        assert before[name] == content
    tar = fresh.shard("gallery", 0)
    assert tar.samefile(recorded.home.shard("gallery", 0)), "linked, since a gallery is large"
    assert everything(recorded.home.root) == before


def test_logs_are_copied_and_only_those_of_the_benchmark(recorded: Recorded, tmp_path: Path) -> None:
    home, fresh = recorded.home, Home(tmp_path / "fresh")
    for name in (BENCHMARK, "other", "held-out"):
        log = home.responses / "g3" / f"{name}.jsonl"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"{name}\n")
    (home.responses / f".{BENCHMARK}.lock").touch()
    home.prices.write_text("{}")
    fresh.root.mkdir()
    laid_out(recorded, fresh)
    copies = sorted(path for path in fresh.responses.rglob("*") if path.is_file())
    assert [path.name for path in copies] == ["held-out.jsonl", f"{BENCHMARK}.jsonl"]
    assert not copies[1].samefile(home.responses / "g3" / copies[1].name), (
        "else a torn line would be cut off there"
    )
    assert fresh.prices.exists()
    assert (
        snapshot_path(fresh, recorded.record.profile).read_text()
        == json.dumps({"name": "toy"}, indent=1) + "\n"
    )


def test_files_of_others_come_along_if_they_are_read(recorded: Recorded, tmp_path: Path) -> None:
    home = recorded.home
    incoming = home.root / "incoming" / BENCHMARK
    (incoming / ".spool").mkdir(parents=True)
    for name in ("photos.zip", ".photos.zip.0123.part", ".spool/half"):
        (incoming / name).write_text(name)
    elsewhere = tmp_path / "another disk"
    elsewhere.mkdir()
    (elsewhere / "facts.csv").write_text("facts")
    (incoming / "facts.csv").symlink_to(elsewhere / "facts.csv")
    fresh = Home(tmp_path / "fresh")
    fresh.root.mkdir()
    laid_out(recorded, fresh, "photos")
    assert not (fresh.root / "incoming").exists(), "nothing says that anything was read"
    made = recorded.made[QUERIES]
    told = replace(made.record, config={OBSERVED: {"photos.zip": "10 bytes, 1 ns"}})
    recorded = replace(recorded, made={**recorded.made, QUERIES: replace(made, record=told)})
    laid_out(recorded, Home(tmp_path / "fresh"), "photos")
    brought = sorted(path for path in (fresh.root / "incoming").rglob("*") if path.is_file())
    assert [path.name for path in brought] == ["facts.csv", "photos.zip"]
    assert all(not path.is_symlink() for path in brought)
    zips = (fresh.root / "incoming" / BENCHMARK / "photos.zip", incoming / "photos.zip")
    assert zips[0].stat().st_mtime_ns == zips[1].stat().st_mtime_ns, "it was read as of then"


def test_where_no_links_can_be_made_it_is_copied(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    fresh = Home(tmp_path / "fresh")
    fresh.root.mkdir()
    laid = lay_out(recorded, split(recorded, "candidates", STEPS), fresh)
    assert laid.linked == 0 and laid.copied > 0
    assert not fresh.shard("gallery", 0).samefile(recorded.home.shard("gallery", 0))


def test_what_nothing_reads_may_be_gone(recorded: Recorded, tmp_path: Path) -> None:
    recorded.home.shard("gallery", 0).unlink()
    shutil.rmtree(recorded.home.root / recorded.made[INDEX].record.path)
    fresh = Home(tmp_path / "fresh")
    fresh.root.mkdir()
    there = laid_out(recorded, fresh)
    assert {QUERIES, REFERENCES, FEATURES} <= set(there) and not {GALLERY, INDEX} & set(there)


def test_what_changes_meanwhile_is_noticed(recorded: Recorded, tmp_path: Path) -> None:
    parts = split(recorded, "candidates", STEPS)
    made = recorded.made[REFERENCES]
    path = recorded.home.root / made.commit
    commit_table(path, pl.read_parquet(path), replace(made.record, run_id="another"))
    fresh = Home(tmp_path / "fresh")
    fresh.root.mkdir()
    with pytest.raises(NotRepeatable, match=r"references.*made anew while"):
        lay_out(recorded, parts, fresh)


@pytest.mark.parametrize("name", ["../elsewhere", "/etc/passwd"])
def test_a_record_cannot_name_files_elsewhere(recorded: Recorded, tmp_path: Path, name: str) -> None:
    made = recorded.made[QUERIES]
    wrong = replace(
        made.record, files={name: (recorded.home.root / name).stat().st_size if name[0] == "/" else 1}
    )
    (recorded.home.root / "../elsewhere").resolve().write_text("x")
    recorded = replace(recorded, made={**recorded.made, QUERIES: replace(made, record=wrong)})
    fresh = Home(tmp_path / "fresh")
    fresh.root.mkdir()
    with pytest.raises(NotRepeatable, match="lies outside"):
        lay_out(recorded, split(recorded, "candidates", STEPS), fresh)


class TestWhere:
    def test_beside_the_home_and_gone_afterwards(self, recorded: Recorded) -> None:
        with fresh_home(recorded.home, None) as fresh:
            assert fresh.root.parent == recorded.home.root.parent and fresh.root.name.startswith(".")
            (fresh.root / "file").touch()
        assert not fresh.root.exists()

    def test_gone_after_an_interrupt_too(self, recorded: Recorded) -> None:
        with pytest.raises(KeyboardInterrupt), fresh_home(recorded.home, None) as fresh:
            raise KeyboardInterrupt
        assert not fresh.root.exists()

    def test_where_it_is_to_stay(self, recorded: Recorded, tmp_path: Path) -> None:
        with fresh_home(recorded.home, tmp_path / "a" / "b") as fresh:
            (fresh.root / "file").touch()
        assert (tmp_path / "a" / "b" / "file").exists()
        with pytest.raises(NotNamed, match="not empty"), fresh_home(recorded.home, tmp_path / "a" / "b"):
            pass

    @pytest.mark.parametrize("place", ["", "x", "..", "../home/tables"])
    def test_never_in_the_home_or_around_it(self, recorded: Recorded, place: str) -> None:
        before = everything(recorded.home.root)
        with (
            pytest.raises(NotNamed, match="apart from it"),
            fresh_home(recorded.home, recorded.home.root / place),
        ):
            pass
        assert everything(recorded.home.root) == before

    def test_not_in_a_file(self, recorded: Recorded, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with (
            pytest.raises(NotNamed, match="cannot be used"),
            fresh_home(recorded.home, tmp_path / "file" / "x"),
        ):
            pass
