"""Parts of files from servers that break, lie and redirect: the right bytes, or an error by name."""

import logging
import time
from itertools import pairwise
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from pydantic import SecretStr
from ranged import Answer, Fault, RangedServer, cut, first, status

from g3lib.experiments.datasets import DownloadSettings
from g3lib.images.archives.slices import LocalFile, Slices
from g3lib.images.archives.web import (
    AccessDenied,
    ContentChanged,
    FetchError,
    RangeIgnored,
    Stopped,
    Unreachable,
    Web,
    WebFile,
    WrongRange,
    hub_token,
    hub_url,
)

FAST = DownloadSettings(requests_per_second=10_000, backoff_seconds=0.001, attempts=3, timeout_seconds=5)
DATA = np.random.default_rng(0).bytes(300_000)


def remote(url: str, settings: DownloadSettings = FAST, token: str | None = None) -> WebFile:
    return WebFile(Web(settings, SecretStr(token) if token else None, page="the page of X"), url)


def test_parts_are_what_was_asked_for(server: RangedServer) -> None:
    file = remote(server.put("/a", DATA))
    assert file.size == len(DATA)
    assert file.read(1000, 50_000) == DATA[1000:51_000]
    assert file.read(len(DATA) - 10, 50) == DATA[-10:]
    assert file.read(len(DATA) + 10, 50) == b""
    assert [(each.start, each.stop) for each in server.requests][1:2] == [(1000, 51_000)]
    file.close()


def test_an_empty_file(server: RangedServer) -> None:
    file = remote(server.put("/a", b""))
    assert file.size == 0 and file.read(0, 10) == b""


def test_it_goes_on_at_the_byte_where_it_broke(server: RangedServer) -> None:
    server.faults.append(
        lambda request, answer: answer if request.number > 5 else cut(70_000)(request, answer)
    )
    assert remote(server.put("/a", DATA)).read(0, len(DATA)) == DATA
    starts = [each.start for each in server.requests if each.stop == len(DATA)]
    assert len(starts) == 5
    assert starts == sorted(starts) and all(later - one <= 70_000 for one, later in pairwise(starts))


def test_it_gives_up_by_name_after_its_attempts(server: RangedServer) -> None:
    url = server.put("/a", DATA)
    server.faults.append(status(503))
    with pytest.raises(Unreachable, match=r"/a: HTTP status 503, at byte 0 after 3 attempts; .*run again"):
        remote(url).read(0, 10)
    assert len(server.requests) == 3


def test_nobody_listens() -> None:
    with pytest.raises(Unreachable, match="ConnectError"):
        remote("http://127.0.0.1:1/a").read(0, 1)


def test_a_server_that_asks_to_wait_is_obeyed(server: RangedServer) -> None:
    url = server.put("/a", DATA)
    server.faults.append(first(1, status(429, Retry_After="1")))
    started = time.monotonic()
    assert remote(url).read(0, 10) == DATA[:10]
    assert time.monotonic() - started >= 1


def test_a_server_that_asks_for_too_long_a_wait_ends_the_try(server: RangedServer) -> None:
    url = server.put("/a", DATA)
    server.faults.append(status(503, Retry_After="Fri, 31 Dec 2100 23:59:59 GMT"))
    with pytest.raises(Unreachable, match="asks to wait"):
        remote(url).read(0, 10)
    assert len(server.requests) == 1


def with_header(name: str, value: str) -> Fault:
    return lambda request, answer: Answer(answer.status, answer.body, answer.headers | {name: value})


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (status(200), RangeIgnored, "200, not 206"),
        (with_header("Content-Range", "bytes 7-16/300000"), WrongRange, "asked for bytes 0-9.*7-16"),
        (with_header("Content-Range", "bytes 0-9/*"), WrongRange, r"0-9/\*"),
        (with_header("Content-Range", "bytes 0-99/300000"), WrongRange, "0-99"),
        (with_header("Content-Range", ""), WrongRange, "''"),
        (with_header("Content-Range", "bytes 0-9/300001"), ContentChanged, "300000 bytes.*is 300001"),
        (with_header("ETag", '"other"'), ContentChanged, "'other': replaced meanwhile; run again"),
        (status(416), ContentChanged, "shorter"),
        (status(404), FetchError, "404; look whether the profile"),
    ],
)
def test_wrong_answers_have_names(
    server: RangedServer, fault: Fault, error: type[FetchError], words: str
) -> None:
    file = remote(server.put("/a", DATA))
    assert file.size == len(DATA)
    server.faults.append(fault)
    with pytest.raises(error, match=words):
        file.read(0, 10)
    assert len(server.requests) == 2  # none is tried again


@pytest.mark.parametrize("code", [401, 403])
def test_terms_are_told_and_the_token_is_not(
    server: RangedServer, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = server.put("/a", DATA)
    server.faults.append(status(code))
    file = remote(url, token="hf_secret")
    with pytest.raises(AccessDenied, match=r"accept the terms on the page of X.*HF_TOKEN") as caught:
        file.read(0, 10)
    assert server.requests[0].authorization == "Bearer hf_secret"
    told = f"{caught.value}{caught.value.__cause__!r}{file!r}{vars(file)!r}{vars(file._web)!r}{caplog.text}"
    assert "hf_secret" not in told


def test_a_redirect_to_another_host_does_not_see_the_token(
    server: RangedServer, storage: RangedServer
) -> None:
    target = storage.put("/stored", DATA)
    url = server.put("/a", DATA)
    server.faults.append(status(302, Location=f"{target}?signature=s", X_Linked_Etag='"abc"'))
    storage.files["/stored?signature=s"] = DATA
    file = remote(url, token="hf_secret")
    assert file.read(5, 100) == DATA[5:105]
    assert file.version.etag == "abc"
    assert {each.authorization for each in server.requests} == {"Bearer hf_secret"}
    assert {each.authorization for each in storage.requests} == {None}
    storage.faults.append(status(403))
    with pytest.raises(Unreachable, match="server it is stored on") as caught:
        file.read(0, 10)
    assert "signature" not in str(caught.value)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "/a", "http://[", "ftp://x/y"])
def test_redirects_to_nowhere_have_a_name(server: RangedServer, location: str) -> None:
    url = server.put("/a", DATA)
    server.faults.append(status(302, Location=location))
    with pytest.raises(FetchError, match="/a: "):
        remote(url).read(0, 10)


def test_a_stopped_stream_does_not_wait_for_its_retries(server: RangedServer) -> None:
    file, stopped = remote(server.put("/a", DATA)), Event()
    assert file.size == len(DATA)
    server.faults.append(status(503, Retry_After="60"))
    stopped.set()
    with pytest.raises(Stopped):
        file.read(0, 10, stopped)


def test_a_stream_delivers_in_order_and_reads_no_further_than_it_may(
    server: RangedServer, tmp_path: Path
) -> None:
    (tmp_path / "c").write_bytes(DATA[250_000:])
    web = Web(FAST)
    pieces = [
        WebFile(web, server.put("/a", DATA[:100_001])),
        WebFile(web, server.put("/b", DATA[100_001:250_000])),
        LocalFile(tmp_path / "c"),
    ]
    with Slices(pieces, connections=3, chunk=10_000) as slices:
        assert slices.size == len(DATA)
        assert b"".join(slices.stream(0, len(DATA))) == DATA
        assert b"".join(slices.stream(99_990, 250_010)) == DATA[99_990:250_010]
        assert slices.read(99_990, 160_020) == DATA[99_990:260_010]
        assert slices.where(100_001) == "b at byte 0 (byte 100001 of the whole)"
        server.requests.clear()
        stream = slices.stream(0, len(DATA))
        assert next(stream) == DATA[:10_000]
        stream.close()
        assert max(each.stop for each in server.requests) <= 50_000


def test_requests_are_paced(server: RangedServer) -> None:
    file = remote(server.put("/a", DATA), FAST.model_copy(update={"requests_per_second": 20.0}))
    started = time.monotonic()
    for _ in range(5):
        file.read(0, 10)
    assert time.monotonic() - started >= 0.2


def test_a_file_that_shrinks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(DATA)
    with Slices.of_files(path) as slices:
        path.write_bytes(DATA[:100])
        with pytest.raises(OSError, match="300000 bytes when opened, shorter now"):
            slices.read(0, 200)


def test_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert hub_url("a/b", "main", "c.csv") == "https://huggingface.co/datasets/a/b/resolve/main/c.csv"
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror/")
    assert hub_url("a/b", "main", "c.csv") == "http://mirror/datasets/a/b/resolve/main/c.csv"
    monkeypatch.setenv("HF_TOKEN", " hf_x\n")
    token = hub_token()
    assert token is not None and token.get_secret_value() == "hf_x" and "hf_x" not in repr(token)
    monkeypatch.setenv("HF_TOKEN", "hf_x\nhf_y")
    with pytest.raises(ValueError, match="HF_TOKEN holds") as caught:
        hub_token()
    assert "hf_x" not in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", "")
    assert hub_token() is None
