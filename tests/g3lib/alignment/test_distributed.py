"""Two processes train as one does, and none is left behind, however the training ends."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_alignment import SETTINGS, stored, toy, train_in_two

from g3lib.alignment.data import AlignmentData
from g3lib.alignment.distributed import ALONE, Ranks, joined
from g3lib.alignment.launching import TrainingProcessFailed
from g3lib.alignment.training import TrainingDiverged, train
from g3lib.features.shards import FEATURES, FeatureShards

pytestmark = pytest.mark.timeout(180)


# --- shares


@pytest.mark.parametrize(("size", "count"), [(256, 2), (7, 2), (7, 3), (2, 3), (1, 1)])
def test_shares_are_the_batch_cut_in_nearly_equal_pieces(size: int, count: int) -> None:
    rows = list(range(size))
    shares = [rows[Ranks(rank, count).share(size)] for rank in range(count)]
    assert [row for share in shares for row in share] == rows
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_process_by_itself_gathers_nothing() -> None:
    vectors, module = torch.ones(3, 2), torch.nn.Linear(2, 2)
    assert ALONE.gather(vectors, 3) is vectors and ALONE.averaged(module) is module and ALONE.leads


def test_without_torchrun_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(RuntimeError, match=r"RANK is not set.*alignment\.processes > 1"), joined("cpu"):
        pass


# --- two processes


def on_disk(folder: Path, photos: int = 45, held_out: int = 4) -> tuple[AlignmentData, Path]:
    """A toy whose features are in a folder."""
    data = toy(photos=photos, held_out=held_out)
    shard = stored(folder / "features", data.image.rows(data.photos))
    return replace(data, image=FeatureShards([shard])), shard


@pytest.mark.parametrize(
    ("with_text", "changes"),
    [(True, {"multiple_positives": True}), (False, {"resident_gigabytes": 0.0, "loss_reduction": "sum"})],
)
def test_two_processes_train_as_one(tmp_path: Path, with_text: bool, changes: dict[str, object]) -> None:
    """41 photos in batches of 16: the last has 9, which two processes cannot share equally."""
    data, path = on_disk(tmp_path)
    settings = SETTINGS.model_copy(update={"batch_size": 16, "epochs": 4, "held_out_authors": 0.1, **changes})
    one = train(data, settings, with_text, lambda *_: None)
    course: list[tuple[int, dict[str, float]]] = []
    two = train_in_two(data, path, settings, with_text, tmp_path, lambda *told: course.append(told))
    assert [metrics for _, metrics in course] == two.history and [n for n, _ in course] == [0, 1, 2, 3]
    for alone, both in zip(one.history, two.history, strict=True):
        assert set(alone) == set(both) and both == pytest.approx(alone, abs=1e-5, rel=1e-5)
    state = two.model.state_dict()
    for name, each in one.model.state_dict().items():
        torch.testing.assert_close(state[name], each, atol=1e-5, rtol=1e-4, msg=name)
    assert two.resumed == 0 and two.photos_per_second > 0
    assert not any(each.requires_grad for each in two.model.parameters())


def test_a_training_goes_on_in_other_numbers_of_processes(tmp_path: Path) -> None:
    data, path = on_disk(tmp_path)
    saved = tmp_path / "resume" / "a.safetensors"
    remarks: list[str] = []
    whole = train(data, SETTINGS, True, lambda *_: None, resume=saved)
    again = train_in_two(
        data, path, SETTINGS, True, tmp_path, lambda *_: None, resume=saved, remark=remarks.append
    )
    assert again.resumed == 3 and again.history == whole.history
    assert remarks == [f"{saved}: going on after epoch 3"]


def test_divergence_is_told_as_from_one_process(tmp_path: Path) -> None:
    data, path = on_disk(tmp_path)
    np.save(path / FEATURES, np.full((45, data.image.width), np.nan, dtype=np.float16))
    with pytest.raises(TrainingDiverged, match=r"loss_image_gps is nan; lower alignment\.learning_rate"):
        train_in_two(data, path, SETTINGS, True, tmp_path, lambda *_: None)


def test_a_failing_process_is_quoted(tmp_path: Path) -> None:
    data, path = on_disk(tmp_path)
    (path / FEATURES).unlink()
    with pytest.raises(TrainingProcessFailed, match=r"(?s)process \d of 2 failed.*features\.npy") as failure:
        train_in_two(data, path, SETTINGS, True, tmp_path, lambda *_: None)
    assert "alignment.processes = 1" in str(failure.value)


# --- nobody is left behind


def of(folder: Path) -> list[int]:
    """Processes whose command line names this folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            command = (each / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if f"{folder}/order.json".encode() in command:
            found.append(int(each.name))
    return found


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def long_training(folder: Path, told: Path) -> None:
    data, path = on_disk(folder)
    settings = SETTINGS.model_copy(update={"epochs": 10_000})
    train_in_two(data, path, settings, True, folder, lambda *_: told.touch())


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to look for processes")
def test_killed_it_leaves_no_process_behind(tmp_path: Path) -> None:
    told = tmp_path / "told"
    process = multiprocessing.get_context("forkserver").Process(target=long_training, args=(tmp_path, told))
    process.start()
    eventually(told.is_file)
    assert len(of(tmp_path)) == 3  # torchrun and its two
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    eventually(lambda: of(tmp_path) == [])


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to look for processes")
def test_interrupted_it_leaves_no_process_behind(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    data, path = on_disk(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train_in_two(data, path, SETTINGS.model_copy(update={"epochs": 10_000}), True, tmp_path, interrupt)
    assert of(tmp_path) == []
