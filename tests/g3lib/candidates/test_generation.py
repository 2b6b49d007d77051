"""From references to the table of candidates; kill -9 in between costs nothing but time."""

import hashlib
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from pydantic import SecretStr

from g3lib.candidates import generation
from g3lib.candidates.generation import Query, generate
from g3lib.candidates.protocol import MODEL
from g3lib.candidates.questions import LmmError
from g3lib.candidates.responses import Answer
from g3lib.candidates.table import SCHEMA, answered
from g3lib.experiments import Experiment, experiment
from g3lib.experiments.profile import LmmSettings

KEY = "sk-very-secret-0123456789"
SETTINGS = LmmSettings(concurrency=8)
G3 = replace(experiment("g3"), answers=2, retrieved=1)


def jpeg(photo_id: str) -> bytes:
    """Bytes that pass for a photo."""
    return b"\xff\xd8\xff\xe0" + hashlib.sha512(photo_id.encode()).digest()


def queries(count: int) -> list[Query]:
    """Photos q0, q1 …"""
    return [Query(f"q{index}", lambda index=index: jpeg(f"q{index}")) for index in range(count)]  # type: ignore[misc]


def references(count: int, depth: int = 15) -> pl.DataFrame:
    """Similar references around (10, 20), dissimilar ones around (-30, 100), in shuffled rows."""
    rows = [
        (f"q{index}", kind, rank, "r", lat + rank / 100, lon + index / 100, 1.0 - rank / 100)
        for index in range(count)
        for kind, lat, lon in (("similar", 10.0, 20.0), ("dissimilar", -30.0, 100.0))
        for rank in range(depth)
    ]
    names = ["photo_id", "kind", "rank", "reference_id", "lat", "lon", "similarity"]
    return pl.DataFrame(rows, schema=names, orient="row").sample(fraction=1.0, shuffle=True, seed=1)


def run(folder: Path, count: int = 3, what: Experiment = G3) -> pl.DataFrame:
    """Generate with the stand-in."""
    return generate(queries(count), references(count), what, "b", SETTINGS, folder)


def logged(folder: Path) -> int:
    """How many answers are on the disk."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*/b.jsonl"))


def test_the_table(tmp_path: Path) -> None:
    frame = run(tmp_path)
    assert frame.schema == SCHEMA
    sources = ["retrieval"] + [f"prompt-{k}" for k in (0, 5, 10, 15) for _ in range(2)]
    assert frame["source"].to_list() == sources * 3
    assert frame["photo_id"].unique(maintain_order=True).to_list() == ["q0", "q1", "q2"]
    assert frame["rank"].to_list() == [0, 0, 1, 0, 1, 0, 1, 0, 1] * 3
    retrieved = frame.filter(source="retrieval")
    assert retrieved.select("lat", "lon").rows() == [(10.0, 20.0), (10.0, 20.01), (10.0, 20.02)]
    assert retrieved["lmm"].null_count() == retrieved["request_key"].null_count() == 3
    asked = frame.filter(pl.col("source") != "retrieval")
    assert set(asked["lmm"]) == {"stand-in"}
    assert asked["request_key"].n_unique() == 12
    assert (asked.filter(rank=0)["tokens_in"] > 0).all()
    assert asked.filter(rank=1)["tokens_in"].sum() == 0
    rag = asked.filter(pl.col("source") != "prompt-0")
    assert rag["failure"].null_count() == rag.height
    assert ((rag["lat"] - 10).abs() < 1).all()
    assert ((rag["lon"] - 20).abs() < 1).all()


def test_two_runs_are_identical_and_the_second_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path)
    assert run(tmp_path / "elsewhere").equals(first)
    monkeypatch.delattr(generation, "running_stand_in")  # a start would be a NameError
    assert run(tmp_path).equals(first)


def test_experiments_share_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path)
    before = logged(tmp_path)
    monkeypatch.delattr(generation, "running_stand_in")
    alike = replace(experiment("g3-without-diversification"), answers=2)
    assert run(tmp_path, what=alike).height == 3 * 2
    assert logged(tmp_path) == before


def test_photos_of_equal_bytes_are_paid_once(tmp_path: Path) -> None:
    twins = [Query("q0", lambda: jpeg("same")), Query("q1", lambda: jpeg("same"))]
    what = replace(experiment("lmm-only"), answers=1)
    frame = generate(twins, references(0), what, "b", SETTINGS, tmp_path)
    assert frame.height == 2
    assert logged(tmp_path) == 1


def test_without_prompts_nothing_is_asked(tmp_path: Path) -> None:
    frame = run(tmp_path, what=experiment("nn-clip"))
    assert frame["source"].to_list() == ["retrieval"] * 3
    assert not list(tmp_path.iterdir())


def test_too_few_references_fail_before_anything_is_paid(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'q0' has 12 similar references, 15 are needed"):
        generate(queries(2), references(2, depth=12), G3, "b", SETTINGS, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_an_endpoint_refuses_is_a_failure_not_a_place(tmp_path: Path) -> None:
    question = generation._questions(queries(1)[0], ["?"] * 4, G3, SETTINGS)[0]
    refused = answered(question, Answer((), 5, 0, "refused: filter"))
    assert [row["failure"] for row in refused] == ["refused: filter"] * 2
    assert [row["lat"] for row in refused] == [None, None]
    spoken = answered(question, Answer(("Sorry, no.", "1, 2"), 5, 9))
    assert [(row["lat"], row["failure"]) for row in spoken] == [(None, "refusal"), (1.0, None)]


def test_a_real_endpoint_needs_a_key_which_stays_secret(tmp_path: Path, stand_in: str) -> None:
    settings = LmmSettings(base_url=stand_in, model=MODEL)
    with pytest.raises(LmmError, match="set G3_LMM_API_KEY") as caught:
        generate(queries(1), references(1), G3, "b", settings, tmp_path)
    assert caught.value.kind == "no-key"
    with_key = settings.model_copy(update={"api_key": SecretStr(KEY)})
    frame = generate(queries(1), references(1), G3, "b", with_key, tmp_path)
    assert frame["lmm"].drop_nulls().unique().to_list() == [MODEL]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(KEY.encode() in path.read_bytes() for path in files)


def test_kill_9_costs_what_was_in_flight_and_changes_nothing(tmp_path: Path) -> None:
    count = 40
    folder = tmp_path / "killed"
    root = Path(generation.__file__).parents[2]
    command = [sys.executable, __file__, str(folder), str(count)]
    with subprocess.Popen(command, cwd=root, env={"PYTHONPATH": str(root)}) as process:
        deadline = time.monotonic() + 60
        while logged(folder) < 20 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    (log,) = folder.glob("*/b.jsonl")
    whole = log.read_bytes()[: log.read_bytes().rfind(b"\n") + 1]
    assert 20 <= whole.count(b"\n") < 4 * count
    resumed = run(folder, count)
    assert log.read_bytes().startswith(whole)
    assert logged(folder) == 4 * count  # each question is answered, and recorded, once
    assert resumed.equals(run(tmp_path / "undisturbed", count))


if __name__ == "__main__":  # the process that is killed
    run(Path(sys.argv[1]), int(sys.argv[2]))
