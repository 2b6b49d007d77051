"""Which names mean a file of weights; told without loading torch, which takes seconds."""

from pathlib import Path

PICKLED = (".pth", ".pt", ".bin")  # as torch.save writes them
SUFFIXES = (".safetensors", *PICKLED)


def is_weights_file(pretrained: str | Path | None) -> bool:
    """Whether a file is meant, not an open_clip tag: a Path always is one, a string when it ends like one."""
    return isinstance(pretrained, Path) or (pretrained or "").endswith(SUFFIXES)
