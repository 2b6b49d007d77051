"""timm's networks without their classifiers, with weights from its hub, from a file, or none."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from g3lib.features.architectures import UnknownEncoder
from g3lib.features.files import is_weights_file
from g3lib.features.torchvision_pairing import timm
from g3lib.features.weights import CheckpointError, misfits, read_weights

PREFIX = "timm/"  # of architectures
IMAGENET, RANDOM = "imagenet", "random"
SEED = 0  # of random weights
_COUNTER = "num_batches_tracked"  # of batch norms in training: weights of nothing, which older files lack


def timm_model(name: str, pretrained: str | Path) -> Any:
    """The timm model without a classifier, with these weights in float32."""
    plain, _, tag = name.partition(".")
    if not timm.is_model(plain):
        near = get_close_matches(plain, timm.list_models(), n=5, cutoff=0.4)
        raise UnknownEncoder(f"timm has no model {plain!r}; did you mean {', '.join(near) or 'resnet152'}?")
    tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{plain}.*")]
    if tag and tag not in tags:
        raise UnknownEncoder(
            f"no pretrained weights {tag!r} for {PREFIX}{plain}: there are {', '.join(tags) or 'none'}"
        )
    if pretrained == IMAGENET:
        if not tags:
            raise UnknownEncoder(f"no pretrained weights for {PREFIX}{plain}; give a file, or {RANDOM!r}")
        return timm.create_model(name, pretrained=True, num_classes=0)
    model = _random(name)
    if is_weights_file(pretrained):
        _load(model, Path(pretrained), f"{PREFIX}{name}")
    elif pretrained != RANDOM:
        raise UnknownEncoder(
            f"no weights {str(pretrained)!r} for {PREFIX}{name}: give {IMAGENET!r}, {RANDOM!r} or a file of weights"
        )
    return model


def _random(name: str) -> Any:
    """Untrained: what the architecture alone gives; the caller's random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return timm.create_model(name, pretrained=False, num_classes=0)


def _load(model: Any, path: Path, name: str) -> None:
    classifiers = model.pretrained_cfg.get("classifier") or ()
    classifiers = (classifiers,) if isinstance(classifiers, str) else classifiers
    heads = tuple(f"{each}." for each in classifiers)
    found = {key: each for key, each in read_weights(path).items() if not key.startswith(heads)}
    found = {key: each for key, each in found.items() if not key.endswith(_COUNTER)}
    if wrong := misfits(weights_of(model), found):
        raise CheckpointError(
            f"{path} is of another architecture than {name}: {wrong}; correct the name, or the file"
        )
    model.load_state_dict(found, strict=False)


def weights_of(model: Any) -> dict[str, Tensor]:
    """All that decides a feature."""
    return {name: each for name, each in model.state_dict().items() if not name.endswith(_COUNTER)}
