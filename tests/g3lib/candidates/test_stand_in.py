"""The stand-in through OpenAI's own client, and its death."""

import base64
import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
import pytest

from g3lib.candidates.stand_in import guessing
from g3lib.candidates.stand_in.answering import answers
from g3lib.candidates.stand_in.protocol import MODEL
from g3lib.candidates.stand_in.running import running_stand_in

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 not much of a photo").decode()
PARIS = [(48.85, 2.35), (48.86, 2.34), (48.9, 2.4), (48.8, 2.3)]
LONELY = [(-33.9, 151.2)]
ANSWER = re.compile(r'{"latitude": (-?[\d.]+), "longitude": (-?[\d.]+)}')

Point = tuple[float, float]


def prompt(similar: list[Point], dissimilar: list[Point]) -> str:
    """A prompt that shows references."""
    shown = {kind: [list(point) for point in points] for kind, points in (("", similar), ("dis", dissimilar))}
    return f"coordinates of similar images: {shown['']}, of dissimilar images: {shown['dis']}"


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
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"n": 200}, "n"),
        ({"n": 0.5}, "n"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"seed": "7"}, "seed"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stream": True}, "stream"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"image": "data:image/jpeg;base64,!"}, "messages"),
    ]
    for wrong, param in wrongs:
        with pytest.raises(openai.BadRequestError) as refused:
            ask(stand_in, **wrong)
        assert refused.value.param == param
    with pytest.raises(openai.BadRequestError, match="no data URL"):
        ask(stand_in, image=base64.b64encode(b"MZ not an image").decode())
    with pytest.raises(openai.BadRequestError, match="not a chat completion"):
        ask(stand_in, extra_body={"messages": 7})


def test_answers_depend_on_seed_text_and_image_alone(stand_in: str) -> None:
    def said(**changed: Any) -> list[str]:
        return [choice.message.content for choice in ask(stand_in, **changed).choices]

    assert said() == said() == answers("Where?", _digest(JPEG), 1, 1.0, 3)
    others = (said(seed=2), said(text="And where?"), said(image=JPEG[:-4]))
    assert all(other != said() for other in others)
    assert said(n=2) == said()[:2]


def test_n_can_be_split_over_requests_in_any_way(stand_in: str) -> None:
    text = prompt(PARIS + LONELY, LONELY)

    def said(n: int, seed: int) -> list[str]:
        return [choice.message.content for choice in ask(stand_in, text, n=n, seed=seed).choices]

    whole = said(10, 5)
    assert len(set(whole)) > 1
    for split in ([1] * 10, [3, 7], [4, 1, 5]):
        assert [text for k, n in enumerate(split) for text in said(n, 5 + sum(split[:k]))] == whole


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"7", b"{}", b"{", b"\xff\xfe", b"[" * 100_000,
        b'{"model": "g3-stand-in"}',
        b'{"model": ["g3-stand-in"], "messages": []}',
        b'{"model": "g3-stand-in", "messages": [7]}',
        b'{"model": "g3-stand-in", "messages": [{"content": "\\ud800"}]}',
        b'{"model": "g3-stand-in", "messages": [{"content": [{"type": "audio"}]}]}',
        b'{"model": "g3-stand-in", "messages": [], "n": 1e999}',
        b'{"model": "g3-stand-in", "messages": [], "temperature": NaN}',
        b'{"model": "g3-stand-in", "messages": [], "seed": 1' + b"0" * 5000 + b"}",
        b'{"model": "g3-stand-in", "messages": [], "response_format": {"type": "json_schema"}}',
        b'{"model": "g3-stand-in", "messages": [], "response_format": 7}',
        b'{"model": "g3-stand-in", "messages": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
    ],
)  # fmt: skip
def test_malformed_requests_get_openais_errors(stand_in: str, body: bytes) -> None:
    answer = httpx.post(f"{stand_in}/chat/completions", content=body, trust_env=False)
    assert 400 <= answer.status_code < 500
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert len(answer.content) < 1000


def test_there_is_nothing_elsewhere(stand_in: str) -> None:
    for method, path in (("GET", "/completions"), ("GET", "/chat/completions"), ("PUT", "/files")):
        answer = httpx.request(method, stand_in + path, trust_env=False)
        assert answer.status_code in (404, 405)
        assert path in answer.json()["error"]["message"]


def _digest(image: str) -> str:
    import hashlib

    return hashlib.sha256(base64.b64decode(image)).hexdigest()


def positions(text: str, n: int, temperature: float = 1.0) -> list[Point]:
    """The points of the answers to a prompt, dressed ones included."""
    found = [ANSWER.search(said) for said in answers(text, "", 0, temperature, n)]
    return [(float(match[1]), float(match[2])) for match in found if match]


def is_near_paris(point: Point) -> bool:
    """Whether it lies among PARIS."""
    return 48 < point[0] < 50 and 2 < point[1] < 3


def test_it_seeks_the_mode_of_the_similar_references() -> None:
    near = [is_near_paris(each) for each in positions(prompt(PARIS + LONELY, []), 200)]
    assert sum(near) / 200 > 0.99  # company and rank agree
    near = [is_near_paris(each) for each in positions(prompt(LONELY + PARIS, []), 200)]
    assert 0.2 < sum(near) / 200 < 0.8  # company against rank
    certain = positions(prompt(PARIS + LONELY, []), 20, temperature=0.0)
    assert len(set(certain)) == 1 and is_near_paris(certain[0])


def test_dissimilar_references_repel() -> None:
    near = [is_near_paris(each) for each in positions(prompt(LONELY + PARIS, PARIS * 10), 200)]
    assert sum(near) / 200 < 0.5


def test_the_kernel_has_no_seam_at_the_antimeridian() -> None:
    found = positions(prompt([(0.0, 179.9), (0.0, -179.9)], []), 5)
    assert len(found) == 5 and all(abs(lon) > 179.9 for _, lon in found)


def test_without_references_it_guesses_anywhere_and_sometimes_chats() -> None:
    found = positions("Where?", 1000, 1.2)
    assert len(found) == 1000 and all(-56 <= lat <= 75 and -180 <= lon <= 180 for lat, lon in found)
    assert {(lat > 20, lon > 0) for lat, lon in found} == {
        (n, e) for n in (True, False) for e in (True, False)
    }
    bare = [text for text in answers("Where?", "", 0, 1.2, 1000) if text.startswith("{")]
    assert 900 < len(bare) < 990
    assert all(set(json.loads(text)) == {"latitude", "longitude"} for text in bare)


def test_it_dies_with_a_killed_parent() -> None:
    script = (
        "import time\nfrom g3lib.candidates.stand_in.running import running_stand_in\n"
        "with running_stand_in() as url:\n print(url, flush=True)\n time.sleep(60)\n"
    )
    root = Path(guessing.__file__).parents[3]
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
