"""The stand-in through OpenAI's own client, and its death."""

import base64
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from g3lib.candidates import guessing
from g3lib.candidates.parsing import Failure, Position, parse_position
from g3lib.candidates.prompts import render
from g3lib.candidates.protocol import MODEL
from g3lib.candidates.running import running_stand_in

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 not much of a photo").decode()
PARIS = [(48.85, 2.35), (48.86, 2.34), (48.9, 2.4), (48.8, 2.3)]
LONELY = [(-33.9, 151.2)]


def ask(base_url: str, text: str = "Where?", image: str = JPEG, **more: Any) -> Any:
    """One chat completion by OpenAI's typed client."""
    url = image if ":" in image else f"data:image/jpeg;base64,{image}"
    content: Any = [
        {"type": "text", "text": text},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    ]
    settings: dict[str, Any] = {"model": MODEL, "n": 3, "temperature": 1.0, "seed": 1} | more
    with openai.OpenAI(base_url=base_url, api_key="any", max_retries=0) as client:
        return client.chat.completions.create(messages=[{"role": "user", "content": content}], **settings)


def test_speaks_the_protocol(stand_in: str) -> None:
    completion = ask(stand_in, max_tokens=200)
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    assert all(choice.finish_reason == "stop" for choice in completion.choices)
    assert completion.model == MODEL
    usage = completion.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 85
    with openai.OpenAI(base_url=stand_in, api_key="any") as client:
        assert [model.id for model in client.models.list()] == [MODEL]


def test_errors_are_those_of_the_protocol(stand_in: str) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        ask(stand_in, model="gpt-9")
    assert unknown.value.code == "model_not_found"
    for wrong in ({"n": 0.5}, {"temperature": 3}, {"image": "data:image/jpeg;base64,!"}):
        arguments: dict[str, Any] = {"n": 200} if "n" in wrong else wrong
        with pytest.raises(openai.BadRequestError):
            ask(stand_in, **arguments)
    with pytest.raises(openai.BadRequestError, match="no data URL"):
        ask(stand_in, image=base64.b64encode(b"MZ not an image").decode())
    with pytest.raises(openai.BadRequestError, match="not a chat completion"):
        ask(stand_in, extra_body={"messages": 7})


def test_answers_depend_on_seed_text_and_image_alone(stand_in: str) -> None:
    def said(**changed: Any) -> list[str]:
        return [choice.message.content for choice in ask(stand_in, **changed).choices]

    assert said() == said() == guessing.answers("Where?", _digest(JPEG), 1, 1.0, 3)
    others = (said(seed=2), said(text="And where?"), said(image=JPEG[:-4]))
    assert all(other != said() for other in others)
    assert said(n=2) == said()[:2]


def _digest(image: str) -> str:
    import hashlib

    return hashlib.sha256(base64.b64decode(image)).hexdigest()


def positions(text: str, n: int, temperature: float = 1.0) -> list[Position | Failure]:
    """Parsed answers to a prompt."""
    return [parse_position(said) for said in guessing.answers(text, "", 0, temperature, n)]


def is_near_paris(position: Position | Failure) -> bool:
    """Whether it lies among PARIS."""
    return isinstance(position, Position) and 48 < position.lat < 50 and 2 < position.lon < 3


def test_it_seeks_the_mode_of_the_similar_references() -> None:
    near = [is_near_paris(each) for each in positions(render("g3-rag", PARIS + LONELY, []), 200)]
    assert sum(near) / len(near) > 0.99  # company and rank agree
    near = [is_near_paris(each) for each in positions(render("g3-rag", LONELY + PARIS, []), 200)]
    assert 0.2 < sum(near) / len(near) < 0.8  # company against rank
    text = render("g3-rag", PARIS + LONELY, [])
    assert all(map(is_near_paris, positions(text, 20, temperature=0.0)))


def test_dissimilar_references_repel() -> None:
    text = render("g3-rag", LONELY + PARIS, PARIS * 10)
    near = [is_near_paris(position) for position in positions(text, 200)]
    assert sum(near) / len(near) < 0.5


def test_the_kernel_has_no_seam_at_the_antimeridian() -> None:
    text = render("img2loc", [(0.0, 179.9), (0.0, -179.9)], [])
    for position in positions(text, 5):
        assert isinstance(position, Position)
        assert abs(position.lon) > 179.9


def test_without_references_it_guesses_anywhere_and_sometimes_chats() -> None:
    said = guessing.answers(render("g3-zero-shot", [], []), "", 0, 1.2, 1000)
    found = [parse_position(text) for text in said]
    assert all(isinstance(each, Position) and -56 <= each.lat <= 75 for each in found)
    bare = sum(text.startswith("{") for text in said)
    assert 900 < bare < 990
    assert json.loads(next(text for text in said if text.startswith("{")))


def test_it_dies_with_a_killed_parent() -> None:
    script = (
        "import time\nfrom g3lib.candidates.running import running_stand_in\n"
        "with running_stand_in() as url:\n print(url, flush=True)\n time.sleep(60)\n"
    )
    root = Path(guessing.__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=root) as parent:
        assert parent.stdout is not None
        url = urlsplit(parent.stdout.readline().decode().strip())
        parent.send_signal(signal.SIGKILL)
    address = (str(url.hostname), int(url.port or 0))
    deadline = time.monotonic() + 10
    with pytest.raises(ConnectionRefusedError):
        while time.monotonic() < deadline:
            socket.create_connection(address, timeout=1).close()
            time.sleep(0.02)


def test_a_stand_in_that_does_not_start_says_why() -> None:
    with (
        pytest.raises(RuntimeError, match="unrecognized arguments: --nope"),
        running_stand_in("--nope"),
    ):
        pass
