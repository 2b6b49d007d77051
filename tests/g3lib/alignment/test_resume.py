"""Killed at any moment, a training ends as if nothing had been; what cannot be gone on from is named."""

import json
import multiprocessing
import os
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from toy_alignment import SETTINGS, toy, train_and_tell

from g3lib.alignment.resume import stamp_of
from g3lib.alignment.training import Trained, train

EPOCHS = 20


def started(folder: Path) -> BaseProcess:
    """A training in a process of its own, with the libraries loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["g3lib.alignment.training"])
    process = context.Process(target=train_and_tell, args=(folder, EPOCHS))
    process.start()
    return process


def killed(folder: Path, epoch: int, seconds: float) -> None:
    """Start it, and kill it so long after it tells of an epoch."""
    (folder / "told").unlink(missing_ok=True)
    process = started(folder)
    while not (folder / "told").is_file() or len((folder / "told").read_text().split()) <= epoch:
        assert process.is_alive()
        time.sleep(0.001)
    time.sleep(seconds)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL


def finished(folder: Path) -> tuple[int, list[dict[str, float]]]:
    """Let it go on to its end: epochs that were done before, and what is known of all."""
    process = started(folder)
    process.join()
    assert process.exitcode == 0
    resumed, history = json.loads((folder / "history.json").read_text())
    return resumed, history


def test_killed_three_times_it_ends_bit_for_bit_as_undisturbed(tmp_path: Path) -> None:
    torn, whole = tmp_path / "torn", tmp_path / "whole"
    for folder in (torn, whole):
        folder.mkdir()
    for epoch, seconds in ((3, 0.0), (8, 0.013), (12, 0.031)):
        killed(torn, epoch, seconds)
    assert (torn / "saved.safetensors").is_file() and not (torn / "heads.safetensors").exists()
    resumed, history = finished(torn)
    none, undisturbed = finished(whole)
    assert 13 <= resumed < EPOCHS and none == 0
    assert history == undisturbed
    assert (torn / "heads.safetensors").read_bytes() == (whole / "heads.safetensors").read_bytes()


# --- what cannot be gone on from


def run(
    saved: Path, remarks: list[str] | None = None, with_text: bool = True, seed: int = 0, **changes: object
) -> Trained:
    settings = SETTINGS.model_copy(update=changes)
    told = [] if remarks is None else remarks
    return train(toy(seed=seed), settings, with_text, lambda *_: None, resume=saved, remark=told.append)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "image-gps.safetensors"
    run(path)
    return path


def test_a_finished_training_is_not_done_again(saved: Path) -> None:
    remarks: list[str] = []
    epochs: list[int] = []
    again = train(
        toy(), SETTINGS, True, lambda epoch, _: epochs.append(epoch), resume=saved, remark=remarks.append
    )
    assert again.resumed == 3 and epochs == [0, 1, 2] and again.photos_per_second == 0
    assert remarks == [f"{saved}: going on after epoch 3"]
    new = run(saved.with_name("other.safetensors"))
    assert new.resumed == 0 and new.history == again.history
    state = new.model.state_dict()
    assert all(torch.equal(each, state[name]) for name, each in again.model.state_dict().items())


@pytest.mark.parametrize(
    "changes", [{"with_text": False}, {"seed": 1}, {"epochs": 4}, {"learning_rate": 2e-3}, {"shuffle": False}]
)
def test_progress_of_another_training_is_left_alone(saved: Path, changes: dict[str, object]) -> None:
    remarks: list[str] = []
    found = run(saved, remarks, **changes)  # type: ignore[arg-type]
    assert found.resumed == 0
    assert remarks == [
        f"{saved} is of a training with other settings, data or initial weights; training begins anew"
    ]


def test_where_and_how_fast_does_not_matter(saved: Path) -> None:
    assert run(saved, resident_gigabytes=0.0, processes=3, preset="paper").resumed == 3
    assert stamp_of(SETTINGS, True, "a") != stamp_of(SETTINGS, True, "b")


def flipped(path: Path) -> None:
    """A bit in the last tensor."""
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)


def of_another_format(path: Path) -> None:
    save_file(load_file(path), path, {"progress": json.dumps({"format": "older"})})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "is damaged"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: path.write_bytes(b"\x80\x04pickle"), "is damaged"),
        (lambda path: save_file(load_file(path), path), "was not saved by a training"),
        (flipped, "its numbers are not those that were written"),
        (of_another_format, "another version"),
    ],
)
def test_a_damaged_file_is_named_and_training_begins_anew(saved: Path, spoil: object, words: str) -> None:
    expected = run(saved).model.state_dict()
    spoil(saved)  # type: ignore[operator]
    remarks: list[str] = []
    found = run(saved, remarks)
    assert found.resumed == 0 and len(remarks) == 1
    assert str(saved) in remarks[0] and words in remarks[0] and remarks[0].endswith("training begins anew")
    assert all(torch.equal(each, expected[name]) for name, each in found.model.state_dict().items())
    assert run(saved).resumed == 3  # and what it saved is whole
