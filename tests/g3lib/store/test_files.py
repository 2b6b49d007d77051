"""Files are whole or absent: when the body raises, the process is killed, or the disk is full."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from g3lib.store.files import install, replacing, scratch_folder, sha256_of, sweep_scratch


class Interrupted(Exception):
    """Stands for whatever may go wrong in a body."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def script(body: str) -> list[str]:
    return [sys.executable, "-c", "from g3lib.store.files import *\n" + textwrap.dedent(body)]


def test_a_finished_body_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.txt"
    for text in ("old", "new"):
        with replacing(path) as scratch:
            scratch.write_text(text)
            assert not path.exists() or path.read_text() == "old"
        assert path.read_text() == text
    assert names(path.parent) == ["file.txt"]


def test_a_body_that_raises_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(Interrupted), replacing(path) as scratch:
        scratch.write_text("half of the n")
        raise Interrupted
    assert path.read_text() == "old" and names(tmp_path) == ["file.txt"]


def test_a_body_that_writes_nothing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with replacing(path) as first:
        first.write_text("first")
        with replacing(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first" and names(tmp_path) == ["file.txt"]


def test_a_scratch_folder_goes_with_what_is_left_in_it(tmp_path: Path) -> None:
    with pytest.raises(Interrupted), scratch_folder(tmp_path / "deep" / "artefact") as folder:
        assert folder.parent == tmp_path / "deep"
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_text("x")
        raise Interrupted
    assert names(tmp_path) == ["deep"]


def test_what_was_moved_out_of_a_scratch_folder_stays(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "artefact") as folder:
        (folder / "file").write_text("x")
        install(folder / "file", tmp_path / "images" / "file")
    assert (tmp_path / "images" / "file").read_text() == "x"
    assert names(tmp_path) == ["file", "images"]


@pytest.mark.parametrize("left", ["file", "folder"])
def test_a_killed_writer_leaves_the_old_file_and_a_scratch_to_sweep(tmp_path: Path, left: str) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    body = {
        "file": """
            with replacing(path) as scratch, scratch.open("w") as handle:
                handle.write("half of the n")
                handle.flush()
                print("writing", flush=True)
                sys.stdin.read()
            """,
        "folder": """
            with scratch_folder(path) as scratch:
                (scratch / "half").write_text("x")
                print("writing", flush=True)
                sys.stdin.read()
            """,
    }[left]
    command = script(f"import sys\npath = Path({str(path)!r})\n" + textwrap.dedent(body))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"writing\n"
        writer.send_signal(signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 2
    assert sweep_scratch(tmp_path) == 1
    assert names(tmp_path) == ["file.txt"] and sweep_scratch(tmp_path) == 0


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    command = script(
        f"""
        import resource, signal, sys
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            with replacing(Path({str(path)!r})) as scratch:
                scratch.write_bytes(bytes(100_000))
        except OSError as full:
            sys.exit(full.errno)
        """
    )
    assert subprocess.run(command, check=False).returncode == errno.EFBIG
    assert path.read_bytes() == b"old" and names(tmp_path) == ["file.bin"]


def test_sweeping_spares_all_but_scratch(tmp_path: Path) -> None:
    kept = ["table.parquet", ".hidden", "notes.tmp", "a/b/x@1/weights"]
    swept = [".table.parquet.0123.tmp", "a/b/.x.4567.tmp"]
    for name in kept + swept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    within = tmp_path / "a" / ".folder.89.tmp"
    within.mkdir()
    (within / ".file.ab.tmp").write_text("x")
    assert sweep_scratch(tmp_path) == 4
    assert [path for path in kept if not (tmp_path / path).exists()] == []
    assert [path for path in tmp_path.rglob(".*.tmp")] == []
    assert sweep_scratch(tmp_path / "absent") == 0


def test_a_digest_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")  # FIPS 180-2's example
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "file") == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_forbids_writing_says_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError), replacing(tmp_path / "file") as scratch:
            scratch.write_text("x")
    finally:
        tmp_path.chmod(0o700)
