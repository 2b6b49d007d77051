"""Questions for tests that ask them, and ways to ask."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from g3lib.candidates.asking import Asked, Item, ask_all
from g3lib.candidates.costs.prices import prices_of
from g3lib.candidates.questions import Question
from g3lib.candidates.responses import ResponseLog
from g3lib.candidates.stand_in.protocol import MODEL
from g3lib.experiments.lmm import LmmSettings

KEY = "sk-very-secret-0123456789"
JPEG = b"\xff\xd8\xff\xe0 not much of a photo"
QUESTION = Question(
    photo_id="p",
    source="prompt-0",
    text="Where?",
    image_sha256=hashlib.sha256(JPEG).hexdigest(),
    model=MODEL,
    label="stand-in",
    n=3,
    temperature=1.2,
    seed=0,
    max_tokens=200,
)


def jpeg() -> bytes:
    """The photo."""
    return JPEG


def items(count: int, n: int = 3) -> list[Item]:
    """So many different questions, each to be answered `n` times."""
    return [Item(replace(QUESTION, text=f"Where is {index}?"), jpeg, 0, n) for index in range(count)]


def settings(**changed: Any) -> LmmSettings:
    """Impatient settings."""
    impatient = {
        "concurrency": 4,
        "max_retries": 0,
        "timeout_seconds": 5.0,
        "deadline_seconds": 20.0,
        "backoff_seconds": 0.05,
    }
    return LmmSettings(
        **(impatient | {"patience_seconds": 2.0, "price_in": 10.0, "price_out": 30.0} | changed)
    )


def ask(folder: Path, url: str, count: int = 1, n: int = 3, **changed: Any) -> tuple[Asked, ResponseLog]:
    """Ask what is not recorded of `count` questions."""
    wanted = settings(**changed)
    with ResponseLog.open(folder, "e", "b") as log:
        still = [
            Item(item.question, jpeg, first, missing)
            for item in items(count, n)
            for first, missing in log.recorded.missing(item.question.key, n)
        ]
        return ask_all(still, wanted, url, KEY, log, prices_of(wanted)), log


def lines(log: Path) -> list[dict[str, Any]]:
    """What a log's file holds."""
    return [json.loads(line) for line in log.read_bytes().splitlines()]


def texts(log: ResponseLog, count: int, n: int = 3) -> list[list[str]]:
    """The answers to every question, however they were received."""
    found = []
    for item in items(count, n):
        assert log.recorded.missing(item.question.key, n) == []
        found.append([text for _, answer in log.recorded.parts(item.question.key) for text in answer.texts])
    return found


def assert_nowhere(secret: str, folder: Path) -> None:
    """No file under `folder` holds the secret."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert not any(secret.encode() in path.read_bytes() for path in files)
