"""Telling people: what a message about a failed run or stale results says, and how it is sent.

Whom to tell is the profile's section `notify`. What is sent or logged passes through `redacted` first.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from g3lib.experiments import Profile

if TYPE_CHECKING:
    import apprise
    import dagster as dg
    from dagster_shared.error import SerializableErrorInfo

REDACTED = "[redacted]"
SHORTEST_SECRET = 8  # characters; a shorter one stands in too many words to be taken out
# in addresses, and keys whose form is known
SECRETS = re.compile(r"(?<=://)[^/\s@]+(?=@)|\b(?:sk-|hf_|xox[a-z]-|Bearer\s)[\w.~+/=-]{6,}")
COMMAND_SECONDS = 60
SHOWN = 3000  # characters of a reason; chats refuse long messages
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


@dataclass(frozen=True)
class Message:
    """What people read."""

    title: str
    body: str

    def __str__(self) -> str:
        return f"{self.title}\n\n{self.body}\n"


# --- what is said


def failure_message(
    profile: Profile, run: "dg.DagsterRun", steps: "Sequence[dg.DagsterEvent]", ending: str
) -> Message:
    """About a failed run: what failed, why, where to look, how to go on. `ending` is what the run's last event says."""
    partition = run.tags.get("dagster/partition")
    names = [str(event.step_key) for event in steps] or sorted(
        key.to_user_string() for key in run.asset_selection or ()
    )
    what = ", ".join(f"{name}[{partition}]" if partition else name for name in names) or run.job_name
    reasons = dict.fromkeys(words(error) for error in innermost(steps))
    told = "\n".join(reasons) or ending
    body = (
        f"{redacted(told, profile)[:SHOWN]}\n\n"  # before a key is cut in two
        f"Run {run.run_id} of {_called(run)}: {profile.notify.pages.rstrip('/')}/runs/{run.run_id}\n"
        f"To go on: mend the cause, then `g3 run {profile.name}`, or materialize it again from its page. "
        "What was finished is kept and not made again."
    )
    return Message(f"g3 {profile.name}: {what} failed", redacted(body, profile))


def staleness_message(profile: Profile, hours: Mapping[str, float]) -> Message:
    """About results that were not renewed in time: hours since they were, by asset."""
    ages = ", ".join(f"{name} ({age:.0f} h)" for name, age in hours.items())
    body = (
        f"Older than the schedule allows: {ages}.\n\n"
        f"Did the last scheduled run fail, or is it still at work? {profile.notify.pages.rstrip('/')}/runs\n"
        "To go on: mend the cause, then launch the job `benchmarks` from its page, or wait for the next run."
    )
    return Message(f"g3 {profile.name}: results are stale", redacted(body, profile))


def innermost(steps: "Sequence[dg.DagsterEvent]") -> "list[SerializableErrorInfo]":
    """The first cause of each failed step, where Dagster knows one."""
    found = []
    for event in steps:
        error = getattr(event.event_specific_data, "error", None)
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            found.append(error)
    return found


def words(error: "SerializableErrorInfo") -> str:
    """The error's message; without the name of `dagster.Failure`, which says nothing."""
    message = error.message.strip()
    return message.split("Failure: ", 1)[-1] if error.cls_name == "Failure" else message


def _called(run: "dg.DagsterRun") -> str:
    """Dagster's name of an ad hoc run says nothing to people."""
    return "an asset's materialization" if run.job_name.startswith("__") else f"job {run.job_name}"


# --- what is not said


def redacted(text: str, profile: Profile) -> str:
    """`text` without the profile's keys, addresses and commands, and without what looks like a key."""
    for secret in sorted(set(_secrets(profile)), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return SECRETS.sub(REDACTED, text)


def _secrets(profile: Profile) -> Iterable[str]:
    keys = [lmm.api_key.get_secret_value() for lmm in (profile.lmm, *profile.lmms.values()) if lmm.api_key]
    tokens = [os.environ.get(name, "") for name in TOKENS]
    urls = [url.get_secret_value() for url in profile.notify.urls]
    arguments = [each.get_secret_value() for each in profile.notify.command[1:]]
    parts = [part for each in (*urls, *arguments) for part in _parts(each)]
    return [each for each in (*keys, *tokens, *urls, *arguments, *parts) if len(each) >= SHORTEST_SECRET]


def _parts(url: str) -> list[str]:
    """What of an address may be secret: user, password, path, query, and a host that is none but a token."""
    if "://" not in url:
        return []
    try:
        split = urlsplit(url)
        said = [split.username or "", split.password or "", *split.path.split("/")]
        said += [value for _, value in parse_qsl(split.query)]
    except ValueError:  # no address after all; the whole of it is taken out
        return []
    host = split.netloc.rpartition("@")[2].partition(":")[0]
    said += [] if "." in host or host == "localhost" else [host]
    return [*said, *(unquote(each) for each in said)]


# --- how it is sent


def tell(profile: Profile, message: Message) -> list[str]:
    """Send to everybody; why somebody could not be told, one line each. Never raises for what an address does."""
    settings = profile.notify
    problems = []
    for number, url in enumerate(settings.urls, 1):
        problem = _post(url.get_secret_value(), message)
        if problem:
            problems.append(f"notify.urls, number {number}: {problem}")
    if settings.command:
        problem = _run([each.get_secret_value() for each in settings.command], message)
        if problem:
            problems.append(f"notify.command: {problem}")
    return [redacted(problem, profile) for problem in problems]


def is_address(url: str) -> bool:
    """Whether Apprise can read this address."""
    return _service(url) is not None


def _service(url: str) -> "apprise.Apprise | None":
    """What sends to an address; None if Apprise cannot read it."""
    import logging

    import apprise

    logging.getLogger("apprise").propagate = False  # it quotes the addresses that it cannot read
    service = apprise.Apprise()
    return service if service.add(url) else None


def _post(url: str, message: Message) -> str | None:
    """Send by Apprise; its own words if that failed."""
    import logging

    import apprise

    service = _service(url)
    if service is None:
        return "Apprise cannot read this address; https://appriseit.com/services says how they are written"
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log:  # type: ignore[no-untyped-call]
        sent = service.notify(
            title=message.title,
            body=message.body,
            notify_type=apprise.NotifyType.FAILURE,
            body_format=apprise.NotifyFormat.TEXT,
        )
        said = " ".join(log.getvalue().split())
    return None if sent else said or "not sent, and Apprise does not say why"


def _run(command: list[str], message: Message) -> str | None:
    """Run a program with the message on its standard input; what it said if that failed."""
    try:
        done = subprocess.run(
            command, input=str(message), capture_output=True, text=True, timeout=COMMAND_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"not done after {COMMAND_SECONDS} s"
    except OSError as problem:
        return str(problem)
    if done.returncode == 0:
        return None
    return f"exit status {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}"
