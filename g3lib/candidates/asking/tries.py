"""What the errors of an endpoint mean: try again and when, or give up and why; and the policy of trying again."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay
from tenacity.wait import wait_random_exponential

from g3lib.candidates.asking.endpoint import Endpoint
from g3lib.candidates.questions import LmmError, Question
from g3lib.experiments.lmm import LmmSettings
from g3lib.retry_after import retry_after

if TYPE_CHECKING:
    from openai import APIConnectionError, APIError, APIStatusError

FILTERS = ("content_filter", "content_policy_violation", "moderation_blocked")
TOO_MANY = (429, 503, 529)  # what an endpoint says that is well but busy
NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached")

LONGEST_BACKOFF = 30.0  # seconds


class Again(Exception):
    """A try failed in a way that another may mend.

    trouble: its kind, for counting. error: what to raise if no other try mends it. wait: seconds that the endpoint
    asked for. busy: the endpoint is well and wants fewer requests; then the try does not count. lost: an answer may
    have been given, and billed, that did not arrive.
    """

    def __init__(
        self, trouble: str, error: LmmError, wait: float | None = None, busy: bool = False, lost: bool = False
    ) -> None:
        """See the class."""
        super().__init__(trouble)
        self.trouble, self.error, self.wait, self.busy, self.lost = trouble, error, wait, busy, lost


def retrying(
    settings: LmmSettings, before: Callable[[RetryCallState], None], sleep: Callable[[float], Awaitable[None]]
) -> AsyncRetrying:
    """Backoff with full jitter, at least as long as the endpoint asks for, until tries or time are used up."""
    counted = _Counted(settings.max_retries)
    backoff = wait_random_exponential(multiplier=settings.backoff_seconds, max=LONGEST_BACKOFF)
    return AsyncRetrying(
        retry=retry_if_exception_type(Again),
        wait=lambda state: backoff(state) + (failure_of(state).wait or 0.0),
        stop=lambda state: counted(state) or stop_before_delay(settings.deadline_seconds)(state),
        after=before,
        sleep=sleep,
        reraise=True,
    )


class _Counted:
    """Stops after so many tries that count."""

    def __init__(self, retries: int) -> None:
        self.left = retries

    def __call__(self, state: RetryCallState) -> bool:
        again = failure_of(state)
        if not again.busy:
            self.left -= 1
        return self.left < 0


def failure_of(state: RetryCallState) -> Again:
    """The failure of a try that may be repeated."""
    assert state.outcome is not None
    again = state.outcome.exception()
    assert isinstance(again, Again)
    return again


def judged(endpoint: Endpoint, question: Question, error: "APIError | TimeoutError") -> "Again | LmmError":
    """What a failed try means."""
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, (APITimeoutError, TimeoutError)):
        what = "no answer in time, retries included; raise timeout_seconds or lower concurrency."
        return Again("timeout", endpoint.error("unavailable", what), lost=True)
    if isinstance(error, APIConnectionError):
        return _unconnected(endpoint, error)
    if isinstance(error, APIStatusError):
        return _judged_status(endpoint, question, error)
    return endpoint.error("nonsense", "openai's client cannot read the reply.", str(error))


def _unconnected(endpoint: Endpoint, error: "APIConnectionError") -> Again:
    from httpx2 import ConnectError, ConnectTimeout

    cause = error.__cause__
    if cause is None or isinstance(cause, (ConnectError, ConnectTimeout)):
        what = "no connection; start the endpoint or check G3_LMM_BASE_URL."
        return Again("no connection", endpoint.error("unreachable", what, str(cause or "")))
    what = "the connection broke before the answer was there, retries included."
    return Again("connection lost", endpoint.error("unavailable", what, str(cause)), lost=True)


def _judged_status(endpoint: Endpoint, question: Question, error: "APIStatusError") -> Again | LmmError:
    status, said = error.status_code, error.response.text
    if status in (401, 403):
        what = f"HTTP {status}: it does not accept the key; check G3_LMM_API_KEY."
        return endpoint.error("unauthorized", what, said)
    if status == 404:
        what = f"HTTP 404 for model {question.model!r}; check G3_LMM_MODEL and G3_LMM_BASE_URL."
        return endpoint.error("unknown-model", what, said)
    if error.code in NO_CREDIT:
        what = f"HTTP {status}: the account has no credit left; top it up, then run again."
        return endpoint.error("unauthorized", what, said)
    if status in (408, 409, 425, 429) or status >= 500:
        what = f"HTTP {status}, retries included; wait or lower concurrency."
        wait = retry_after(error.response.headers.get("retry-after"))
        failed = endpoint.error("unavailable", what, said)
        return Again(f"HTTP {status}", failed, wait, busy=status in TOO_MANY)
    what = f"HTTP {status} for {question.source} of photo {question.photo_id!r}."
    if "temperature" in said:
        what += f" This model may take no temperature of {question.temperature}: set the LMM's `temperature`."
    return endpoint.error("rejected", what, said)
