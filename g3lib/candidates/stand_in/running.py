"""Starting and stopping the stand-in LMM as a process of its own; what it serves is no business of this module."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

START_SECONDS = 60.0  # a busy machine; it takes half a second on an idle one


@contextmanager
def running_stand_in(*arguments: str) -> Iterator[str]:
    """Yield the base URL of a stand-in started with `arguments` (see its --help).

    It is stopped at the end; if this process is killed, the pipe to the stand-in closes and it
    exits by itself. RuntimeError with its stderr if it dies or stays silent.
    """
    root = Path(__file__).parents[3]  # where `g3lib` can be imported from
    paths = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    with TemporaryFile() as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "g3lib.candidates.stand_in", "--port", "0", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | {"PYTHONPATH": paths},
        )
        try:
            yield _address(process, stderr)
        finally:
            process.kill()
            process.communicate()


def _address(process: "subprocess.Popen[bytes]", stderr: IO[bytes]) -> str:
    """The line the stand-in prints once it listens."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline().decode().strip() if ready else ""
    if line.startswith("http://"):
        return line
    stderr.seek(0)
    said = stderr.read().decode(errors="replace").strip()[-2000:] or "nothing"
    raise RuntimeError(
        f"the stand-in LMM did not start within {START_SECONDS:.0f} s; it said: {said}. "
        "Try `python -m g3lib.candidates.stand_in` by hand, or set G3_LMM_BASE_URL and G3_LMM_MODEL"
    )
