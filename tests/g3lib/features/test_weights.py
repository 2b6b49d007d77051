"""Weights are read whole or refused by name, and nothing in a file is ever run."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from g3lib.features.weights import CheckpointError, read_weights, weights_digest

STATE = {"heads.weight": torch.arange(600.0).view(20, 30), "scale": torch.tensor(3.99).half()}
LEGACY = {"_use_new_zipfile_serialization": False}  # before torch 1.6


class Malicious:
    """Unpickling it runs a command."""

    def __init__(self, evidence: Path) -> None:
        self.evidence = evidence

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.evidence}",)


def written(path: Path, **how: bool) -> Path:
    if path.suffix == ".safetensors":
        save_file(STATE, path)
    else:
        torch.save(OrderedDict(STATE), path, **how)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin"])
def test_every_format_gives_the_same_tensors(tmp_path: Path, suffix: str) -> None:
    found = read_weights(written(tmp_path / f"weights{suffix}"))
    assert {name: each.dtype for name, each in found.items()} == {n: e.dtype for n, e in STATE.items()}
    assert all(torch.equal(each, STATE[name]) for name, each in found.items())
    assert weights_digest(found) == weights_digest(STATE)


def test_old_files_are_read_too(tmp_path: Path) -> None:
    assert read_weights(written(tmp_path / "old.pth", **LEGACY)).keys() == STATE.keys()


def test_parameters_come_back_as_plain_tensors(tmp_path: Path) -> None:
    torch.save(dict(nn.Linear(2, 3).named_parameters()), tmp_path / "parameters.pth")
    found = read_weights(tmp_path / "parameters.pth")
    assert not any(each.requires_grad for each in found.values())


@pytest.mark.parametrize("legacy", [False, True])
def test_pickled_code_is_named_and_not_run(tmp_path: Path, legacy: bool) -> None:
    path, evidence = tmp_path / "weights.pth", tmp_path / "it ran"
    torch.save({"a": torch.ones(2), "b": Malicious(evidence)}, path, **(LEGACY if legacy else {}))
    with pytest.raises(CheckpointError, match=r"carries pickled code: it asks for \w+\.system.*state dict"):
        read_weights(path)
    assert not evidence.exists()


def test_a_bare_pickle_is_not_run_either(tmp_path: Path) -> None:
    path, evidence = tmp_path / "weights.bin", tmp_path / "it ran"
    path.write_bytes(pickle.dumps({"a": Malicious(evidence)}, protocol=2))
    with pytest.raises(CheckpointError, match=r"weights\.bin .*not run|without running code"):
        read_weights(path)
    assert not evidence.exists()


def test_a_whole_model_is_refused_by_its_class(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=r"asks for torch\.nn\.modules\.linear\.Linear"):
        read_weights(tmp_path / "model.pt")


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("kept", [1, 100, 0.5, -1])
def test_a_truncated_pickle_is_named(tmp_path: Path, legacy: bool, kept: float) -> None:
    data = written(tmp_path / "whole.pth", **(LEGACY if legacy else {})).read_bytes()
    path = tmp_path / "cut.pth"
    path.write_bytes(data[: int(len(data) * kept) if kept == 0.5 else int(kept)])
    with pytest.raises(CheckpointError, match=r"cut\.pth"):
        read_weights(path)


@pytest.mark.parametrize(
    "data", [b"", bytes(1000), b"<html>404</html>", b"version https://git-lfs.github.com"]
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_is_no_checkpoint_is_named(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=rf"weights\{suffix}"):
        read_weights(path)


def test_a_truncated_safetensors_file_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "weights.safetensors")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"no safetensors file .*fetch it again"):
        read_weights(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"state_dict": STATE, "epoch": 3}, "under 'state_dict', 'epoch' no tensor"),
        ([torch.ones(2)], "holds a list"),
        (torch.ones(2), "holds a Tensor"),
        ({}, "no tensors at all"),
        ({1: torch.ones(2)}, "under '1' no tensor"),
        ({"a": torch.eye(2).to_sparse()}, "under 'a' no tensor"),
    ],
)
def test_what_is_not_tensors_by_name_is_told(tmp_path: Path, content: object, found: str) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(CheckpointError, match=found):
        read_weights(tmp_path / "weights.pth")


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint .*gone\.pth"):
        read_weights(tmp_path / "gone.pth")
    with pytest.raises(CheckpointError, match=r"not from '\.pkl'"):
        read_weights(tmp_path / "weights.pkl")


def test_the_digest_knows_names_shapes_dtypes_and_values() -> None:
    base = {"a": torch.tensor([[1.0, 2.0]]), "b": torch.tensor(1)}
    others: list[dict[str, Tensor]] = [
        {"a": torch.tensor([[1.0], [2.0]]), "b": base["b"]},
        {"a": torch.tensor([[1.0, 2.5]]), "b": base["b"]},
        {"a": base["a"].double(), "b": base["b"]},
        {"c": base["a"], "b": base["b"]},
        {"a": base["a"]},
    ]
    assert weights_digest(base) == weights_digest(dict(reversed(base.items())))
    assert len({weights_digest(each) for each in [base, *others]}) == 1 + len(others)
