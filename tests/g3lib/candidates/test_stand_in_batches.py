"""The batch API through OpenAI's own client."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

CANCELLED, EXPIRED = "batch_cancelled", "batch_expired"
CREATED = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}


@pytest.fixture
def client(steered: Any) -> Iterator[openai.OpenAI]:
    """OpenAI's client of this module's stand-in."""
    with openai.OpenAI(base_url=steered.base_url, api_key="any", max_retries=0) as client:
        yield client


def line(custom_id: str, body: dict[str, Any], **more: Any) -> bytes:
    """One request of an input file."""
    request = {"custom_id": custom_id, "method": "POST", "url": CREATED["endpoint"], "body": body}
    return json.dumps(request | more).encode()


def create(client: openai.OpenAI, lines: list[bytes], **more: Any) -> Any:
    """A new batch of these lines."""
    file = client.files.create(file=("input.jsonl", b"\n".join(lines)), purpose="batch")
    return client.batches.create(input_file_id=file.id, **CREATED, **more)


def ended(client: openai.OpenAI, batch: Any) -> tuple[Any, list[str]]:
    """A batch when it has ended, and the statuses it had."""
    statuses = [batch.status]
    deadline = time.monotonic() + 20
    while statuses[-1] in ("validating", "in_progress", "finalizing", "cancelling"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
        batch = client.batches.retrieve(batch.id)
        if batch.status != statuses[-1]:
            statuses.append(batch.status)
    return batch, statuses


def rows(client: openai.OpenAI, file_id: str | None) -> dict[str, dict[str, Any]]:
    """The rows of an output or error file by custom_id, in the file's order."""
    if file_id is None:
        return {}
    found = [json.loads(row) for row in client.files.content(file_id).text.splitlines()]
    assert len({row["id"] for row in found}) == len(found)
    return {row["custom_id"]: row for row in found}


def said(row: dict[str, Any]) -> list[str]:
    """The texts of an output row."""
    assert row["error"] is None
    assert row["response"]["status_code"] == 200
    assert row["response"]["request_id"]
    return [choice["message"]["content"] for choice in row["response"]["body"]["choices"]]


def test_a_batch_from_upload_to_answers(steered: Any, client: openai.OpenAI) -> None:
    steered.tell(batch_seconds=0.8)
    bodies = {f"question {seed}": steered.body(seed=seed, n=2) for seed in range(20)}
    lines = [line(custom_id, body) for custom_id, body in bodies.items()]
    batch, statuses = ended(client, create(client, [*lines, b""], metadata={"run": "r1"}))
    assert statuses == ["validating", "in_progress", "finalizing", "completed"]
    assert batch.metadata == {"run": "r1"}
    assert batch.request_counts.model_dump() == {"total": 20, "completed": 20, "failed": 0}
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at
    assert (batch.errors, batch.error_file_id) == (None, None)
    found = rows(client, batch.output_file_id)
    assert list(found) != list(bodies) and set(found) == set(bodies)  # shuffled
    assert {custom_id: said(row) for custom_id, row in found.items()} == {
        custom_id: steered.said(**{key: body[key] for key in ("seed", "n")})
        for custom_id, body in bodies.items()
    }
    ledger = steered.ledger()
    assert (ledger["batch_lines"], ledger["batch_answered"]) == (20, 20)
    assert (ledger["answered"], ledger["choices"], ledger["answered_again"]) == (40, 80, 20)
    usage = [row["response"]["body"]["usage"]["prompt_tokens"] for row in found.values()]
    assert batch.usage.input_tokens == sum(usage)


def test_failed_and_expired_lines_are_in_the_error_file(steered: Any, client: openai.OpenAI) -> None:
    steered.tell(batch_error=0.3, batch_expire=0.2)
    lines = [line(f"q{seed}", steered.body(seed=seed)) for seed in range(40)]
    lines.append(line("wrong", steered.body(n=1000)))
    batch, statuses = ended(client, create(client, lines))
    assert statuses[-1] == batch.status == "expired"
    assert batch.expired_at and not batch.completed_at
    outputs, errors = rows(client, batch.output_file_id), rows(client, batch.error_file_id)
    assert outputs.keys() | errors.keys() == {f"q{seed}" for seed in range(40)} | {"wrong"}
    assert not outputs.keys() & errors.keys()
    wrong = errors.pop("wrong")["response"]
    assert (wrong["status_code"], wrong["body"]["error"]["param"]) == (400, "n")
    expired = [row["error"]["code"] for row in errors.values() if row["response"] is None]
    assert set(expired) == {EXPIRED} and 2 < len(expired) < 16
    failed = [row["response"]["status_code"] for row in errors.values() if row["response"]]
    assert set(failed) == {500} and 4 < len(failed) < 22
    assert batch.request_counts.failed == len(errors) + 1
    assert steered.ledger()["answered"] == batch.request_counts.completed == len(outputs)
    steered.tell(batch_expire=0, batch_error=1)
    batch, _ = ended(client, create(client, lines))
    assert (batch.status, batch.output_file_id) == ("completed", None)


def test_faults_about_answers_befall_lines(steered: Any, client: openai.OpenAI) -> None:
    steered.tell(faults=["content-filter:0.3", "refusal:0.3", "hang:0.2", "status=500:0.2"])
    batch, _ = ended(client, create(client, [line(f"q{n}", steered.body(seed=n)) for n in range(40)]))
    assert batch.status == "completed"  # nothing hangs in a batch
    filtered = rows(client, batch.error_file_id).values()
    assert {row["response"]["body"]["error"]["code"] for row in filtered} == {"content_filter"}
    refused = [said(row) == [None] for row in rows(client, batch.output_file_id).values()]
    faults = steered.ledger()["faults"]
    assert faults == {"content-filter": len(filtered), "refusal": sum(refused)}
    assert len(refused) > sum(refused) > 0


FLAWED: dict[str, Callable[[dict[str, Any]], list[bytes]]] = {
    "invalid_json_line": lambda body: [line("a", body), b"{"],
    "duplicate_custom_id": lambda body: [line("a", body), line("a", body)],
    "missing_required_parameter": lambda body: [b"{}"],
    "invalid_url": lambda body: [line("a", body, url="/v1/responses")],
    "invalid_method": lambda body: [line("a", body, method="GET")],
    "model_not_found": lambda body: [line("a", body | {"model": "gpt-9"})],
    "empty_file": lambda body: [b"", b" "],
}


@pytest.mark.parametrize("code", FLAWED)
def test_flawed_input_files_fail_validation(steered: Any, client: openai.OpenAI, code: str) -> None:
    batch, statuses = ended(client, create(client, FLAWED[code](steered.body())))
    assert statuses == ["validating", "failed"]
    assert [error.code for error in batch.errors.data] == [code]
    assert batch.failed_at and batch.output_file_id is None
    assert steered.ledger()["batch_lines"] == 0


def test_validation_fails_when_told_to(steered: Any, client: openai.OpenAI) -> None:
    steered.tell(batch_fail=True)
    batch, statuses = ended(client, create(client, [line("a", steered.body())]))
    assert statuses[-1] == "failed" and batch.errors.data[0].message


def test_a_cancelled_batch_keeps_what_it_has(steered: Any, client: openai.OpenAI) -> None:
    steered.tell(batch_seconds=2)
    lines = [line(f"q{n}", steered.body(seed=n)) for n in range(100)]
    batch = create(client, lines)
    while client.batches.retrieve(batch.id).request_counts.completed < 3:
        time.sleep(0.02)
    assert client.batches.cancel(batch.id).status == "cancelling"
    assert client.batches.cancel(batch.id).status in ("cancelling", "cancelled")
    batch, statuses = ended(client, batch)
    assert statuses[-1] == "cancelled" and batch.cancelling_at <= batch.cancelled_at
    outputs, errors = rows(client, batch.output_file_id), rows(client, batch.error_file_id)
    assert len(outputs) >= 3 and len(outputs) + len(errors) == 100
    assert {row["error"]["code"] for row in errors.values()} == {CANCELLED}
    with pytest.raises(openai.ConflictError, match="Cannot cancel"):
        client.batches.cancel(batch.id)


def test_lists_have_pages_newest_first(steered: Any, client: openai.OpenAI) -> None:
    created = [create(client, [line("a", steered.body(seed=n))]).id for n in range(5)]
    page = client.batches.list(limit=2)
    assert [batch.id for batch in page.data] == created[:-3:-1] and page.has_more
    assert [batch.id for batch in client.batches.list(limit=2)][:5] == created[::-1]  # over the pages
    assert [batch.id for batch in client.batches.list(after=created[1])][:1] == created[:1]
    for wrong in ({"limit": 0}, {"limit": 101}, {"after": "batch_none"}):
        with pytest.raises(openai.BadRequestError):
            client.batches.list(**wrong)
    assert len(list(client.files.list(limit=3))) >= 5


def test_files_come_and_go(steered: Any, client: openai.OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", b"\xff\x00\n"), purpose="batch")
    assert (file.filename, file.bytes, file.purpose, file.status) == ("a.jsonl", 3, "batch", "processed")
    assert client.files.retrieve(file.id).id == file.id
    assert client.files.content(file.id).read() == b"\xff\x00\n"
    assert client.files.delete(file.id).deleted
    for gone in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError):
            gone(file.id)


def test_requests_without_sense_are_refused(steered: Any, client: openai.OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", b"{}"), purpose="batch")
    wrongs: list[dict[str, Any]] = [
        {"endpoint": "/v1/embeddings"}, {"completion_window": "1h"}, {"input_file_id": "file-none"},
        {"metadata": {"k" * 65: "v"}}, {"metadata": {str(n): "v" for n in range(17)}},
    ]  # fmt: skip
    for wrong in wrongs:
        with pytest.raises((openai.BadRequestError, openai.NotFoundError)):
            client.batches.create(**({"input_file_id": file.id} | CREATED | wrong))
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_none")
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("a.jsonl", b"{}"), purpose="assistants")
    kind = {"content-type": "multipart/form-data; boundary=x"}
    for content in (b"", b"--x\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--", b"\xff" * 99):
        for headers in (kind, {}, {"content-type": "multipart/form-data"}):
            answer = steered.http.post("/files", content=content, headers=headers)
            assert answer.status_code == 400 and answer.json()["error"]["message"]


def test_a_batch_outlives_the_client_that_created_it(steered: Any, client: openai.OpenAI) -> None:
    steered.tell(batch_seconds=0.3)
    file = client.files.create(file=("a.jsonl", line("a", steered.body())), purpose="batch")
    script = (
        f"import openai, os, signal\nclient = openai.OpenAI(base_url={steered.base_url!r}, api_key='any')\n"
        f"client.batches.create(input_file_id={file.id!r}, **{CREATED!r}, metadata={{'mine': 'yes'}})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    (batch,) = (each for each in client.batches.list() if (each.metadata or {}).get("mine") == "yes")
    batch, _ = ended(client, batch)
    assert batch.status == "completed" and len(rows(client, batch.output_file_id)) == 1
