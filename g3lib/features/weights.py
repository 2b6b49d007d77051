"""Weights from files, whoever wrote them: tensors come in, code never runs."""

import hashlib
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from g3lib.features.files import PICKLED, SUFFIXES

_PLAIN = "ask for a plain state dict (torch.save(model.state_dict(), ...)), or better for a safetensors file"
_SHOWN = 3  # misfits that a message lists
_DAMAGED = "it is damaged or was not copied whole; fetch it again"


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, holds something else than tensors, or is of another architecture."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pth, .pt or .bin file by name, on the CPU, in the dtypes they were stored in.

    Large files are mapped, not read, where their format allows it. Pickled code is never run: what is neither a tensor
    nor a plain container is refused. Raises CheckpointError naming the file, what was found in it, and the remedy.
    """
    if path.suffix not in SUFFIXES:
        raise CheckpointError(
            f"{path}: weights are read from {', '.join(SUFFIXES)}, not from {path.suffix!r}"
        )
    if not path.is_file():
        raise CheckpointError(
            f"there is no checkpoint {path}; put it there, or correct its name in the profile"
        )
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path} is empty: {_DAMAGED}")
    if path.suffix in PICKLED:
        return _tensors(_unpickled(path), path)
    try:
        return load_file(path)
    except SafetensorError as damage:
        raise CheckpointError(f"{path} is no safetensors file ({damage}): {_DAMAGED}") from damage


def weights_digest(state: Mapping[str, Tensor]) -> str:
    """Hex SHA-256 of a state dict: names, dtypes, shapes and bytes; the same in whatever file it lies."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().view(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def misfits(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """In words, the first tensors of `found` that differ in shape from those expected, are missing, or too many.

    Empty if all fit.
    """
    wrong = [
        f"{name} is {_shape(found[name])} where {_shape(each)} is expected"
        for name, each in expected.items()
        if name in found and found[name].shape != each.shape
    ]
    wrong += [f"{name} ({_shape(each)}) is missing" for name, each in expected.items() if name not in found]
    wrong += [f"{name} ({_shape(each)}) is unknown" for name, each in found.items() if name not in expected]
    more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return f"{'; '.join(wrong[:_SHOWN])}{more}"


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a scalar"


def _unpickled(path: Path) -> Any:
    """What torch's restricted unpickler makes of a file: it knows tensors and containers and calls nothing else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what we refuse in our own words
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as refusal:
        raise CheckpointError(f"{path} {_refused(str(refusal))}; {_PLAIN}") from refusal
    except RuntimeError as problem:
        if "TorchScript" in str(problem):
            raise CheckpointError(
                f"{path} is a TorchScript program, which carries code; {_PLAIN}"
            ) from problem
        raise CheckpointError(f"{path} cannot be read ({_first_line(problem)}): {_DAMAGED}") from problem
    except (EOFError, OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
        raise CheckpointError(f"{path} cannot be read ({_first_line(problem)}): {_DAMAGED}") from problem


def _refused(words: str) -> str:
    """What the unpickler would not do: it names the global that was asked for, or the operation it does not know."""
    found = re.search(r"GLOBAL ([\w.]+)|find class ([\w.]+)|function ([\w.]+)", words)
    if found is not None:
        name = next(filter(None, found.groups()))
        return f"carries pickled code: it asks for {name}, which was not run"
    reason = words.partition("WeightsUnpickler error:")[2] or words
    return f"is no state dict that can be read without running code ({_first_line(reason)})"


def _first_line(problem: object) -> str:
    return str(problem).strip().split("\n")[0][:200] or type(problem).__name__


def _tensors(found: Any, path: Path) -> dict[str, Tensor]:
    """The file's content if it maps names to tensors, else CheckpointError telling what it is."""
    if not isinstance(found, Mapping):
        raise CheckpointError(f"{path} holds a {type(found).__name__}, not tensors by name; {_PLAIN}")
    others = [str(name) for name, each in found.items() if not (isinstance(name, str) and _is_plain(each))]
    if others or not found:
        what = f"under {', '.join(map(repr, others[:3]))} no tensor" if others else "no tensors at all"
        raise CheckpointError(f"{path} holds {what}; {_PLAIN}")
    return {name: each.detach() for name, each in found.items()}


def _is_plain(found: object) -> bool:
    return isinstance(found, Tensor) and found.layout == torch.strided and not found.is_meta
