"""APIs that lack something, want a key, or serve other models: errors in OpenAI's words."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from g3lib.candidates.stand_in.dialect import PARTS
from g3lib.candidates.stand_in.running import running_stand_in

KEY = "sk-secret-0123456789"
COORDINATES = {"type": "object", "properties": {"latitude": {"type": "number"}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": COORDINATES}}


@pytest.fixture(scope="module")
def poor() -> Iterator[str]:
    """A stand-in that lacks all that one can lack, and wants a key."""
    without = [word for part in PARTS for word in ("--without", part)]
    with running_stand_in("--key", KEY, "--model", "gpt-4v", "--model", "llava", *without) as base_url:
        yield base_url


def ask(base_url: str, key: str = KEY, detail: str | None = None, **more: Any) -> Any:
    """One chat completion by OpenAI's typed client."""
    image: dict[str, Any] = {"url": "data:image/png;base64,iVBORw0KGgo="}
    content: Any = [{"type": "text", "text": "Where?"}]
    content.append({"type": "image_url", "image_url": image | ({"detail": detail} if detail else {})})
    settings: dict[str, Any] = {"model": "llava"} | more
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
        return client.chat.completions.create(messages=[{"role": "user", "content": content}], **settings)


@pytest.mark.parametrize(
    ("asked", "words", "param", "code"),
    [
        (
            {"max_tokens": 9},
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        ),
        ({"seed": 0}, "'seed' is not supported with this model.", "seed", "unsupported_parameter"),
        ({"temperature": 0.5}, "does not support 0.5", "temperature", "unsupported_value"),
        ({"response_format": SCHEMA}, "'response_format' of type 'json_schema'", "response_format", None),
        (
            {"detail": "low"},
            "Unknown parameter",
            "messages[0].content[1].image_url.detail",
            "unknown_parameter",
        ),
    ],
)
def test_what_is_not_supported(poor: str, asked: Any, words: str, param: str, code: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ask(poor, **asked)
    assert words in str(refused.value)
    assert (refused.value.param, refused.value.code) == (param, code)


def test_what_is_left(poor: str) -> None:
    completion = ask(poor, n=5, temperature=1, max_completion_tokens=9, model="gpt-4v")
    assert len(completion.choices) == 1  # n is ignored
    assert completion.model == "gpt-4v"
    with openai.OpenAI(base_url=poor, api_key=KEY, max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["gpt-4v", "llava"]
        with pytest.raises(openai.NotFoundError):
            client.batches.list()
    with pytest.raises(openai.NotFoundError) as unknown:
        ask(poor, model="g3-stand-in")
    assert unknown.value.code == "model_not_found"


def test_the_key_is_wanted(poor: str) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        ask(poor, key="sk-wrong-987654321")
    assert refused.value.code == "invalid_api_key"
    assert "sk-wrong-987654321" not in str(refused.value)
    for path in ("/models", "/chat/completions"):
        assert httpx.get(poor + path, trust_env=False).status_code == 401
    answer = httpx.get(f"{poor}/stand-in/ledger", trust_env=False)
    assert answer.status_code == 200  # tests need no key
    assert KEY not in answer.text


@pytest.mark.parametrize("wrong", [["--without", "images"], ["--latency", "-1"], ["--capacity", "0"]])
def test_command_lines_without_sense_are_refused(wrong: list[str]) -> None:
    with pytest.raises(RuntimeError, match=wrong[0]), running_stand_in(*wrong):
        pass
