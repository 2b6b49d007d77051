"""A training in several processes of this machine, started by torchrun, watched, and never left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from g3lib.alignment.data import AlignmentData
from g3lib.alignment.epochs import Remark, TrainingDiverged
from g3lib.alignment.model import load_alignment
from g3lib.alignment.orders import Order
from g3lib.alignment.training import Report, Trained
from g3lib.experiments.alignment import AlignmentSettings

LIFELINE = "G3_ALIGNMENT_LIFELINE"  # set: the process's standard input closes when its starter ends
GLANCE = 0.2  # seconds between two looks at what the processes say
PATIENCE = 15.0  # seconds they are given to end by themselves
TAIL = 15  # lines of a failed process's errors that a message quotes


class TrainingProcessFailed(RuntimeError):
    """A process of the training ended before its time."""


@dataclass(frozen=True)
class Stored:
    """Features in files as other processes open them: `reader` is `module:name` of what makes FeatureRows of them."""

    reader: str
    sources: Sequence[Path]


def train_in_processes(
    data: AlignmentData,
    settings: AlignmentSettings,
    with_text: bool,
    report: Report,
    stored: Stored,
    folder: Path,
    *,
    device: str = "cpu",
    resume: Path | None = None,
    location_weights: Path | None = None,
    remark: Remark = lambda _: None,
) -> Trained:
    """As g3lib.alignment.training.train, in `settings.processes` processes; `folder` is for their files.

    On `cuda` each has a GPU of its own. Raises TrainingDiverged, and TrainingProcessFailed with the last words of
    the process that failed first.
    """
    order = Order(
        reader=stored.reader,
        sources=tuple(str(each.absolute()) for each in stored.sources),
        arrays=str(folder / "arrays.safetensors"),
        version=data.version,
        settings=settings.model_dump(mode="json"),
        with_text=with_text,
        device=device,
        resume=str(resume) if resume else None,
        location_weights=str(location_weights) if location_weights else None,
        model=str(folder / "alignment.safetensors"),
        lines=str(folder / "lines.jsonl"),
    )
    order.save(folder / "order.json", data)
    heard = _Lines(Path(order.lines), report, remark)
    with _torchrun(folder, settings.processes) as process:
        while process.poll() is None:
            heard.deliver()
            _wait(process, GLANCE)
    heard.deliver()
    if "diverged" in heard.last:
        raise TrainingDiverged(heard.last["diverged"])
    if process.returncode != 0 or "resumed" not in heard.last:
        raise _failure(folder, settings.processes, process.returncode)
    model = load_alignment(Path(order.model), data.image.width, settings)
    return Trained(model, heard.history, **heard.last)


@dataclass
class _Lines:
    """What the leading process writes, handed on as it comes."""

    path: Path
    report: Report
    remark: Remark
    history: list[dict[str, float]] = field(default_factory=list)
    last: Mapping[str, Any] = field(default_factory=dict)
    read: int = 0  # bytes

    def deliver(self) -> None:
        """Hand on every whole line that is new."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            file.seek(self.read)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self.read += len(line)
                self._hand_on(json.loads(line))

    def _hand_on(self, facts: Mapping[str, Any]) -> None:
        self.last = facts
        if "metrics" in facts:
            self.history.append(facts["metrics"])
            self.report(facts["epoch"], facts["metrics"])
        elif "remark" in facts:
            self.remark(facts["remark"])


@contextmanager
def _torchrun(folder: Path, processes: int) -> Iterator["subprocess.Popen[bytes]"]:
    """torchrun and its processes, which end with the body, or with this process if it is killed.

    They are a session of their own, so that a terminal's Ctrl-C reaches this process alone, which stops them.
    """
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(processes),
    ]
    # 2: each process's errors go to a file of its own
    command += ["--redirects", "2", "--log-dir", str(folder / "logs")]
    command += ["-m", "g3lib.alignment.worker", str(folder / "order.json")]
    with (folder / "torchrun.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {LIFELINE: "1"},
        )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()  # every process of the training sees this and ends
        if process.poll() is None:
            process.terminate()
            _wait(process, PATIENCE)
            process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Until it ends, at most so long."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return


def _failure(folder: Path, processes: int, status: int) -> TrainingProcessFailed:
    """An error that quotes the process which failed first, or torchrun if none said anything."""
    logs = sorted(folder.glob("logs/**/stderr.log"), key=lambda path: path.stat().st_mtime)
    guilty = [path for path in logs if "Traceback" in _text(path)]  # others were only told to stop
    path = next(iter(guilty), folder / "torchrun.log")
    last_words = "\n".join(_text(path).splitlines()[-TAIL:])
    who = f"process {path.parent.name} of {processes}" if guilty else f"one of {processes} processes"
    return TrainingProcessFailed(
        f"alignment: {who} failed (torchrun's exit status {status}); finished epochs are kept: run again, or "
        f"with alignment.processes = 1. Its last words:\n{last_words}"
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
