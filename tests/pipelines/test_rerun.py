"""`g3 rerun` on a finished home: the same numbers again, or the words that say why not; the home stays as it was."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from tiny import BENCHMARK, ROOT, Finished, TinyHome, lines_until

from assets.factory import git_commit
from g3lib.store import Key, Record
from g3lib.store.artifacts import commit_table, read_record
from g3lib.store.warehouse import query
from pipelines.commands.failures import FAILED, INTERRUPTED, WRONG_USAGE

pytestmark = pytest.mark.xdist_group("more whole runs")  # as long as a whole run, several times
ARM = "g3+other-authors"
BROKEN = 'def _build_accuracy(task: Task) -> Outcome:\n    raise RuntimeError("the code at hand")\n'
FIVE = "five accuracies, n and failures"


@pytest.fixture(scope="module")
def done(finished: Finished) -> TinyHome:
    return finished.tiny


def contents(tiny: TinyHome) -> dict[str, str]:
    """Digest by name of every file of a home."""
    files = (path for path in sorted(tiny.root.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def beside(tiny: TinyHome) -> list[str]:
    """Temporary homes beside this one."""
    return [path.name for path in tiny.root.parent.iterdir() if path.name.startswith(".g3-rerun")]


def rerun(
    tiny: TinyHome, experiment: str, *arguments: str, **settings: str
) -> "subprocess.CompletedProcess[str]":
    return tiny.g3("rerun", BENCHMARK, experiment, *arguments, **settings)


def judged(said: str) -> dict[str, str]:
    """What is said of each artefact that was made again."""
    versions = r"(?:[0-9a-f]{12}|\d+ parts) +(?:[0-9a-f]{12}|\d+ identical)"
    rows = re.findall(rf"^  ([a-z_]+) +{versions} +(\S.*?)? *$", said, re.MULTILINE)
    return dict(rows)


def test_an_arm_again_from_its_references(done: TinyHome) -> None:
    before = contents(done)
    said = rerun(done, ARM, G3_EXPERIMENTS="[nn-clip]", G3_BOOTSTRAP_RESAMPLES="500", G3_LMM__MAX_RETRIES="0")
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"Identical: {FIVE}; 5 of 5 artefacts are identical" in said.stdout, said.stdout
    assert "stand-in" in said.stdout and "nobody is asked" in said.stdout
    assert list(judged(said.stdout)) == [
        *("references", "candidates", "scored_candidates", "predictions", "accuracy")
    ]
    exact = "+changes" not in git_commit()
    assert ("as recorded" in said.stdout and "CANNOT" not in said.stdout) == exact
    assert contents(done) == before and beside(done) == []


def test_from_the_training_of_the_heads_and_kept(done: TinyHome, homes: Path) -> None:
    before, into = contents(done), homes / "kept"
    said = rerun(done, "g3", "--from", "alignment", "--into", str(into))
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"Identical: {FIVE}; 7 of 7" in said.stdout and contents(done) == before
    kept = TinyHome(into)
    recorded, again = done.records(), kept.records()
    made = {key for key, record in again.items() if record != recorded[key]}
    assert {key.asset for key in made} == {*judged(said.stdout)}
    heads = Key("alignment", "image-gps-text")
    assert heads in made and again[heads].data_version == recorded[heads].data_version
    assert not [key for key in made if key.partition and key.partition.endswith(("nn-clip", ARM))], (
        "but this one"
    )
    numbers = "select * exclude (run_id) from results.prediction where experiment = 'g3' order by photo_id"
    assert query(kept.home, numbers).equals(query(done.home, numbers)), "it can be asked like any other"
    traced = (
        f"from lineage.trace('accuracy', '{BENCHMARK}|g3') select asset, partition, data_version order by all"
    )
    assert query(kept.home, traced).equals(query(done.home, traced)), "down to the photos"
    answers = {path.name for path in kept.home.responses.rglob("*.jsonl")}
    assert answers == {f"{BENCHMARK}.jsonl"}
    refused = done.call("rerun", BENCHMARK, "g3", "--into", str(into))
    assert refused.returncode == WRONG_USAGE and "not empty" in refused.stderr, refused.stderr


@pytest.fixture(scope="module")
def changed(new_copy: Callable[..., TinyHome]) -> TinyHome:
    return new_copy()


def rewrite(
    tiny: TinyHome, key: Key, change: Callable[[pl.DataFrame], pl.DataFrame], **record: str
) -> Record:
    """Change a table behind its record's back, or the record."""
    path = tiny.home.table(key)
    before = read_record(path)
    assert before is not None
    commit_table(path, change(pl.read_parquet(path)), replace(before, **record))  # type: ignore[arg-type]
    return before


def test_another_number_is_told_with_what_differs_first(changed: TinyHome) -> None:
    moved = (
        pl.when(pl.col("photo_id") == pl.col("photo_id").min()).then(pl.col("lat") / 2 - 10).otherwise("lat")
    )
    rewrite(changed, Key("predictions", f"{BENCHMARK}|nn-clip"), lambda table: table.with_columns(lat=moved))
    one_more = pl.col("accuracy") + pl.when(pl.col("threshold_km") == 2500).then(1 / 40).otherwise(0)
    rewrite(changed, Key("accuracy", f"{BENCHMARK}|nn-clip"), lambda table: table.with_columns(one_more))
    before = contents(changed)
    said = rerun(changed, "nn-clip", "--from", "predictions")
    assert said.returncode == FAILED, said.stdout + said.stderr
    assert "-2.5000 %" in said.stdout and judged(said.stdout).keys() == {"predictions", "accuracy"}
    for words in (
        "The numbers differ",
        "predictions",
        "altered after it was written",
        "1 of 40 photos moved",
    ):
        assert words in said.stderr, said.stderr
    assert contents(changed) == before and beside(changed) == []


def test_answers_that_are_missing_from_the_log(changed: TinyHome) -> None:
    shutil.rmtree(changed.home.responses)
    said = rerun(changed, "g3", "--from", "candidates")
    assert said.returncode == FAILED, said.stdout + said.stderr
    for words in ("are not recorded", "bring back responses/<experiment>/<benchmark>.jsonl", "`g3 run`"):
        assert words in said.stderr, said.stderr
    assert "Traceback" not in said.stderr + said.stdout and beside(changed) == []
    assert not changed.home.responses.exists(), "and nobody was asked"


class TestBeforeAnythingIsMade:
    """What is refused, in the order in which it is looked at."""

    def refused(
        self, tiny: TinyHome, code: int, *words: str, experiment: str = "g3", **settings: str
    ) -> None:
        said = tiny.call("rerun", BENCHMARK, experiment, **settings)
        assert said.returncode == code, said.stdout + said.stderr
        assert [word for word in words if word not in said.stderr] == [], said.stderr
        assert "Traceback" not in said.stderr and beside(tiny) == []

    def test_a_number_that_nobody_measured(self, done: TinyHome) -> None:
        self.refused(done, WRONG_USAGE, "g4", f"{BENCHMARK} {ARM}", experiment="g4")

    def test_a_step_that_there_is_not(self, done: TinyHome) -> None:
        said = done.call("rerun", BENCHMARK, "g3", "--from", "photo_census")
        assert said.returncode == WRONG_USAGE and "photo_census" in said.stderr and "alignment" in said.stderr

    def test_an_index_that_is_gone(self, changed: TinyHome) -> None:
        (index,) = changed.root.glob("index/gallery_index/image-gps-text@*")
        hidden = index.rename(changed.root / "hidden")
        self.refused(changed, FAILED, "gallery_index[image-gps-text]", index.name, "--from")
        hidden.rename(index)

    def test_a_profile_that_is_gone(self, changed: TinyHome) -> None:
        hidden = changed.home.profiles.rename(changed.root / "hidden")
        self.refused(changed, FAILED, "profiles/", "g3 run")
        hidden.rename(changed.home.profiles)

    def test_an_older_record_and_other_settings(self, changed: TinyHome) -> None:
        key = Key("accuracy", f"{BENCHMARK}|g3")
        before = rewrite(changed, key, lambda table: table, profile="")
        words = ("references", "reference_depth", "kept no whole profile")
        self.refused(changed, FAILED, *words, G3_REFERENCE_DEPTH="19")
        rewrite(changed, key, lambda table: table, profile=before.profile)

    @pytest.mark.skipif(not (ROOT / ".git").exists(), reason="outside git no commit is known")
    def test_a_commit_that_nobody_has(self, changed: TinyHome) -> None:
        key = Key("accuracy", f"{BENCHMARK}|g3")
        before = rewrite(changed, key, lambda table: table, git_commit="0" * 40)
        self.refused(changed, FAILED, "0" * 40, "git fetch")
        rewrite(changed, key, lambda table: table, git_commit=before.git_commit)

    def test_a_measurement_made_anew_since(self, changed: TinyHome) -> None:
        key = Key("predictions", f"{BENCHMARK}|g3")
        before = rewrite(changed, key, lambda table: table, data_version="0" * 64)
        self.refused(changed, FAILED, f"predictions[{BENCHMARK}|g3]", "made anew since", "g3 run")
        rewrite(changed, key, lambda table: table, data_version=before.data_version)


def repository_of_the_code(folder: Path) -> Path:
    """The three packages in a git repository of their own."""
    for name in ("g3lib", "assets", "pipelines"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_in_the_recorded_code_and_not_in_the_code_at_hand(changed: TinyHome, homes: Path) -> None:
    folder = repository_of_the_code(homes / "repository")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "as recorded")
    then = git(folder, "rev-parse", "HEAD")
    module = folder / "assets" / "results.py"
    module.write_text(module.read_text().replace("def _build_accuracy(task: Task) -> Outcome:\n", BROKEN))
    git(folder, "commit", "--quiet", "--all", "--message", "broken since")
    rewrite(changed, Key("accuracy", f"{BENCHMARK}|g3"), lambda table: table, git_commit=then)
    at_hand = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    said = rerun(changed, "g3", "--from", "accuracy", **at_hand)
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"{then[:12]}, as recorded, checked out for this" in said.stdout
    assert f"Identical: {FIVE}" in said.stdout and "the code at hand" not in said.stdout
    assert git(folder, "worktree", "list").count("\n") == 0 and git(folder, "status", "--porcelain") == ""


def test_interrupted_it_leaves_nothing(done: TinyHome) -> None:
    before = contents(done)
    process = done.start("rerun", BENCHMARK, ARM)
    lines_until(process, "references [")
    os.kill(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED and "Traceback" not in errors, errors
    assert beside(done) == [] and contents(done) == before
