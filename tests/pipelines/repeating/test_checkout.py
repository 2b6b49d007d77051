"""The code of a commit: at hand, checked out for a while, or said to be out of reach."""

import subprocess
from pathlib import Path

import pytest

from pipelines.repeating import NotRepeatable
from pipelines.repeating.checkout import CONDUCTING, code_of, short


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, content: str | None) -> str:
    """The conducting module with that content, or without one, as a new commit."""
    module = folder / CONDUCTING
    module.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        module.unlink(missing_ok=True)
    else:
        module.write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--allow-empty", "--message", "a state")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    return folder


def worktrees(repository: Path) -> int:
    return git(repository, "worktree", "list", "--porcelain").count("worktree ")


def test_the_code_at_hand_is_taken_if_it_is_the_recorded_one(repository: Path) -> None:
    now = commit(repository, "now")
    with code_of(now, now, repository) as code:
        assert code.root == repository and code.exact and worktrees(repository) == 1


def test_another_commit_is_checked_out_and_goes_again(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\ntouch hooked\n")
    hook.chmod(0o755)
    then, now = commit(repository, "then"), commit(repository, "now")
    with code_of(then, f"{now}+changes", repository) as code:
        assert code.exact and (code.root / CONDUCTING).read_text() == "then"
        assert not (code.root / "hooked").exists(), "no hooks are run"
        assert worktrees(repository) == 2
    assert not code.root.exists() and worktrees(repository) == 1
    assert git(repository, "status", "--porcelain") == "" and git(repository, "rev-parse", "HEAD") == now


def test_it_goes_when_the_work_in_it_fails_too(repository: Path) -> None:
    then = commit(repository, "then")
    commit(repository, "now")
    with pytest.raises(KeyboardInterrupt), code_of(then, "other", repository) as code:
        raise KeyboardInterrupt
    assert not code.root.exists() and worktrees(repository) == 1


def test_packages_in_a_folder_of_the_repository(repository: Path) -> None:
    (repository / "code").mkdir()
    then = commit(repository / "code", "then")
    commit(repository / "code", "now")
    with code_of(then, "other", repository / "code") as code:
        assert (code.root / CONDUCTING).read_text() == "then"


@pytest.mark.parametrize(
    ("recorded", "words"),
    [
        ("0123456789abcdef+changes", ("0123456789ab+changes", "not committed")),
        ("g3 0.0.9", ("release 0.0.9", "outside git")),
    ],
)
def test_what_nobody_kept_is_said_to_be_so(repository: Path, recorded: str, words: tuple[str, ...]) -> None:
    now = commit(repository, "now")
    for present in (now, recorded if recorded.endswith("+changes") else now):
        with code_of(recorded, present, repository) as code:
            assert (code.root, code.exact) == (repository, False)
            assert [word for word in (*words, short(present), "CANNOT") if word not in code.said] == [], (
                code.said
            )


def test_the_same_release_outside_git_is_the_same_code(tmp_path: Path) -> None:
    with code_of("g3 0.1.0", "g3 0.1.0", tmp_path) as code:
        assert code.exact and code.root == tmp_path


def test_without_a_repository_no_commit_can_be_had(tmp_path: Path) -> None:
    with code_of("0123456789abcdef", "g3 0.1.0", tmp_path) as code:
        assert not code.exact and "no git repository" in code.said


def test_a_commit_from_before_it_could_repeat(repository: Path) -> None:
    then, now = commit(repository, None), commit(repository, "now")
    with code_of(then, now, repository) as code:
        assert (code.root, code.exact) == (repository, False) and "older than `g3 rerun`" in code.said


def test_an_unknown_commit_is_named_with_the_remedy(repository: Path) -> None:
    now, unknown = commit(repository, "now"), "0" * 40
    with pytest.raises(NotRepeatable, match=rf"{unknown}.*git fetch"), code_of(unknown, now, repository):
        pass
    with pytest.raises(NotRepeatable, match="git fetch"), code_of("--help", now, repository):
        pass
