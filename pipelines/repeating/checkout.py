"""The code of a recorded commit: the code at hand if it is that, else a temporary git worktree of it."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.repeating import NotRepeatable

AT_HAND = Path(__file__).parents[2]  # where `pipelines` is imported from
CONDUCTING = Path("pipelines/repeating/conducting.py")
CHANGES = "+changes"


@dataclass(frozen=True)
class Code:
    """A folder to import the three packages from, whether it is exactly what was recorded, and that in words."""

    root: Path
    exact: bool
    said: str


@contextmanager
def code_of(commit: str, present: str, at_hand: Path = AT_HAND) -> Iterator[Code]:
    """The code a record names, for as long as the context lasts.

    commit, present: as `assets.factory.git_commit` tells them, of the record and of the code at hand. Where the very
    code cannot be had, the code at hand stands for it, and says so. NotRepeatable for a commit that this repository
    does not have.
    """
    if commit == present and not commit.endswith(CHANGES):
        yield Code(at_hand, True, f"{short(commit)}, as recorded, which is the code at hand")
    elif reason := _unavailable(commit, at_hand):
        yield _instead(at_hand, present, reason)
    else:
        with _worktree(commit, at_hand) as root:
            if (root / CONDUCTING).is_file():
                yield Code(root, True, f"{short(commit)}, as recorded, checked out for this")
            else:
                yield _instead(at_hand, present, f"{short(commit)} is older than `g3 rerun`")


def _instead(at_hand: Path, present: str, reason: str) -> Code:
    return Code(
        at_hand, False, f"CANNOT BE HAD as recorded ({reason}); this is the code at hand, {short(present)}"
    )


def _unavailable(commit: str, at_hand: Path) -> str | None:
    """Why a record's code cannot be had; None if git may have it."""
    if commit.endswith(CHANGES):
        return f"it was {short(commit)}, and what is not committed is not kept"
    if commit.startswith("g3 "):
        return f"it was release {commit.removeprefix('g3 ')}, outside git"
    if _git(at_hand, "rev-parse", "--git-dir").returncode:
        return f"it was {short(commit)}, and {at_hand} is no git repository"
    return None


def short(commit: str) -> str:
    """A commit as people quote it; releases, and the mark of changes, stay whole."""
    if commit.startswith("g3 "):
        return commit
    return commit.removesuffix(CHANGES)[:12] + (CHANGES if commit.endswith(CHANGES) else "")


@contextmanager
def _worktree(commit: str, at_hand: Path) -> Iterator[Path]:
    """The three packages as of a commit, in a folder that is gone afterwards."""
    if _git(at_hand, "cat-file", "-e", f"{commit}^{{commit}}").returncode:
        raise NotRepeatable(
            f"commit {commit}, whose code made the number, is not in the git repository of {at_hand}; fetch it "
            "(`git fetch --all`, or from whoever has it), or measure anew: `g3 run`"
        )
    within = _git(at_hand, "rev-parse", "--show-prefix").stdout.strip()
    folder = Path(tempfile.mkdtemp(prefix="g3-code-"))
    root = folder / commit[:12]
    try:
        added = _git(at_hand, "worktree", "add", "--detach", "--force", str(root), commit)
        if added.returncode:
            raise NotRepeatable(f"git cannot check out {commit}: {added.stderr.strip()}")
        yield root / within
    finally:
        _git(at_hand, "worktree", "remove", "--force", str(root))
        shutil.rmtree(folder, ignore_errors=True)
        _git(at_hand, "worktree", "prune")


def _git(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Git in a folder, without hooks and questions; a machine without git has no repository."""
    command = ["git", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as problem:
        return subprocess.CompletedProcess(command, 1, "", str(problem))
