"""Where open_clip and timm come from: torchvision's CUDA build must load beside a CPU-only torch too.

Package indexes hand out such pairs. torchvision's compiled half then cannot load, and its Python
half, all that they need, stops at two operators that the compiled half would have declared.
Matching pairs are left alone.
"""

from importlib.util import find_spec
from pathlib import Path

import torch

_MISSING_OPERATORS = ("nms", "qnms")


def _is_mismatched() -> bool:
    """Whether torch knows no CUDA while torchvision was linked against it."""
    found = find_spec("torchvision")
    if torch.version.cuda is not None or found is None or found.origin is None:
        return False
    return any(Path(found.origin).parent.with_name("torchvision.libs").glob("libcudart*"))


def _declare_operators() -> torch.library.Library:
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in _MISSING_OPERATORS:
        signature = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(signature)  # type: ignore[no-untyped-call]
    return library


# The declarations live as long as this object. Declaring them where the real extension loads as
# well aborts the whole process, hence the condition.
_OPERATORS = _declare_operators() if _is_mismatched() else None

import open_clip  # noqa: E402  (it imports torchvision)
import timm  # noqa: E402  (so does it)

__all__ = ["open_clip", "timm"]
