"""
One call from its request to its data: waiting for quota, signing, repairing the clock, repeating what may be repeated.

Sans I/O: :func:`call` is a generator that says what to do (:class:`Send`, :class:`Sleep`) and is told what came of it,
so that the synchronous and the asynchronous transport follow one set of decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.backoff import Backoff
from airflow_provider_kucoin.api.codes import CODES
from airflow_provider_kucoin.api.endpoints import TIMESTAMP, Endpoint
from airflow_provider_kucoin.api.envelope import Answer, Unreadable, unwrap
from airflow_provider_kucoin.api.errors import (
    ClockSkewed,
    KucoinError,
    OutcomeUnknown,
    RateLimited,
    RequestRefused,
    RetryableError,
    Unavailable,
    UnexpectedData,
)
from airflow_provider_kucoin.api.pages import LATEST_MS
from airflow_provider_kucoin.api.ratelimits import Budget, Quota
from airflow_provider_kucoin.api.signing import Credentials, sign, target

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from airflow_provider_kucoin.api.endpoints import Pool
    from airflow_provider_kucoin.api.signing import Value


#: A round trip that is good enough to set a clock by: half of it is far below the 5 s that KuCoin allows. A slower one
#: is asked again, a few times at the most.
QUICK_MS, TIME_QUESTIONS = 2_000, 3


@dataclass(frozen=True, slots=True)
class Send:
    """
    Do this: send one request and come back with an :class:`Answer` or a :class:`NoAnswer`.

    :param url: complete and percent-encoded; a transport must not encode it again
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do this: wait so many seconds."""

    seconds: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """
    The request was tried and no whole answer came.

    :param reason: what the transport saw, in words without secrets
    :param sent: False only when it is certain that nothing reached KuCoin
    """

    reason: str
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Retry:
    """
    How often and how far apart a call that may be repeated is repeated.

    :param attempts: how often a request is sent at the most
    :param first_pause: seconds before the second attempt; doubled each time, with full jitter
    :param longest_pause: seconds; also the most that a missing reset header can cost
    """

    attempts: int = 8
    first_pause: float = 0.25
    longest_pause: float = 30.0

    def pause(self, attempt: int, random: float) -> float:
        """Return the seconds to wait after ``attempt`` (from 1); ``random`` is in [0, 1)."""
        # Full jitter, but never nothing: a storm of retries is what gets callers blocked.
        return float(min(self.longest_pause, self.first_pause * 2 ** (attempt - 1)) * (0.5 + random / 2))


@dataclass(frozen=True, slots=True)
class Site:
    """Where KuCoin is: the base URLs, without a slash at the end, and headers that every request carries."""

    spot_url: str
    futures_url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def url(self, endpoint: Endpoint) -> str:
        """Return the base URL that serves ``endpoint``."""
        return self.futures_url if endpoint.futures else self.spot_url


@dataclass(slots=True)
class Line:
    """
    What all calls on one key share.

    :param clock_offset_ms: KuCoin's clock minus ours, as far as known
    :param budgets: what is known of each pool's quota
    :param backoff: what KuCoin has said to hold back for besides
    """

    site: Site
    credentials: Credentials
    clock_offset_ms: int = 0
    budgets: dict[Pool, Budget] = field(default_factory=dict)
    backoff: Backoff = field(default_factory=Backoff)

    def __repr__(self) -> str:
        """Name the site only: a line holds credentials."""
        return f"Line({self.site.spot_url})"

    def budget(self, endpoint: Endpoint) -> Budget | None:
        """Return what is known of the quota that an endpoint draws from, unless its pool is not known."""
        if endpoint.pool is None:
            return None
        return self.budgets.setdefault(endpoint.pool, Budget())


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    The clocks and the chance that decisions depend on, as functions.

    :param monotonic: seconds on a clock that never jumps
    :param wall_ms: milliseconds since the epoch
    :param random: a number in [0, 1)
    """

    monotonic: Callable[[], float]
    wall_ms: Callable[[], int]
    random: Callable[[], float]


def call(
    line: Line,
    endpoint: Endpoint,
    surroundings: Surroundings,
    *,
    path: str | None = None,
    params: Mapping[str, Value] | None = None,
    body: bytes = b"",
    retry: Retry | None = None,
    timestamp_ms: int | None = None,
    decode: Callable[[bytes], Any] | None = None,
) -> Generator[Send | Sleep, Answer | NoAnswer | None, Any]:
    """
    Make one call; the generator's return value is the answer's ``data``.

    Every attempt is signed afresh. Only a GET is sent again after an answer that leaves open whether it was acted on;
    for anything else that ends in :class:`OutcomeUnknown`. A wrong timestamp is refused before anything is acted on,
    so there the clock is asked for once and the request is signed again, whatever its method.

    :param path: the concrete path, where the endpoint's has variables
    :param timestamp_ms: sign with this time, and once only: no waiting for quota, and no second signature
    :param decode: see :func:`airflow_provider_kucoin.api.envelope.unwrap`
    :raise KucoinError: see :mod:`airflow_provider_kucoin.api.errors`
    """
    retry = retry or Retry()
    path = path or endpoint.path
    where = target(path, params)
    clock_asked = False
    attempt = 0
    while True:
        attempt += 1
        answer, sent_at = yield from _attempt(line, endpoint, surroundings, where, body, timestamp_ms)
        try:
            data = _data(endpoint, answer, decode)
        except ClockSkewed as problem:
            if clock_asked or timestamp_ms is not None:
                raise _named(problem, endpoint, path) from None
            clock_asked = True
            # A call without a signature has no timestamp to be wrong; it may be the clock itself that is asked.
            if endpoint.is_signed:
                yield from ask_the_time(line, surroundings, retry)
        except RetryableError as problem:
            holds_for_all = _hold_back(line, endpoint, problem, retry, surroundings, sent_at)
            if not endpoint.is_safe_to_repeat or max(attempt, line.backoff.refusals) >= retry.attempts:
                raise _named(problem, endpoint, path, attempt) from None
            if not holds_for_all:
                yield Sleep(_pause(problem, retry, attempt, surroundings.random()), str(problem))
        except KucoinError as problem:
            line.backoff.answered(sent_at)
            raise _named(problem, endpoint, path) from None
        else:
            line.backoff.answered(sent_at)
            return data


def wait_for_quota(line: Line, endpoint: Endpoint, surroundings: Surroundings) -> float:
    """Return the seconds until there is quota for one call of an endpoint; 0 when there is."""
    return _wait(line, endpoint, surroundings.monotonic())[0]


def ask_the_time(
    line: Line, surroundings: Surroundings, retry: Retry | None = None
) -> Generator[Send | Sleep, Answer | NoAnswer | None, int]:
    """Ask KuCoin for its time, keep the difference for all later signatures, and return KuCoin's milliseconds."""
    for _ in range(TIME_QUESTIONS):
        server_ms, asked_at, answered_at = yield from _ask_once(line, surroundings, retry)
        # The answer was made somewhere between the two: after a long round trip it is not known well when.
        line.clock_offset_ms = server_ms - (asked_at + answered_at) // 2
        if answered_at - asked_at <= QUICK_MS:
            break
    return answered_at + line.clock_offset_ms


def _ask_once(
    line: Line, surroundings: Surroundings, retry: Retry | None
) -> Generator[Send | Sleep, Answer | NoAnswer | None, tuple[int, int, int]]:
    """Return KuCoin's time, and ours when it was asked for and answered."""
    steps = call(line, TIMESTAMP, surroundings, retry=retry)
    outcome: Answer | NoAnswer | None = None
    asked_at = 0
    while True:
        try:
            step = steps.send(outcome)
        except StopIteration as end:
            server_ms = end.value
            break
        # Attempts that failed, and the pauses after them, are no part of the round trip.
        asked_at = surroundings.wall_ms()
        outcome = yield step
    if type(server_ms) is not int:
        raise UnexpectedData(f"{TIMESTAMP.method} {TIMESTAMP.path}: the answer is not a time in milliseconds")
    if not 0 < server_ms <= LATEST_MS:
        raise Unavailable("no usable answer: what KuCoin gave as its time is none")
    return server_ms, asked_at, surroundings.wall_ms()


def _attempt(
    line: Line, endpoint: Endpoint, surroundings: Surroundings, where: str, body: bytes, timestamp_ms: int | None
) -> Generator[Send | Sleep, Answer | NoAnswer | None, tuple[Answer | NoAnswer | None, float]]:
    """Wait for quota, sign and send once, and note what the answer says of the quota; return also when it was sent."""
    budget = line.budget(endpoint)
    while timestamp_ms is None:
        seconds, why = _wait(line, endpoint, surroundings.monotonic())
        if seconds <= 0:
            break
        until = line.backoff.until
        yield Sleep(seconds, why)
        line.backoff.rested(until)
    # Content-Type on every call, also without a body: KuCoin's own client does so, and 415000 exists.
    headers = {"Content-Type": "application/json", **line.site.headers}
    if endpoint.is_signed:
        if timestamp_ms is None:
            timestamp_ms = surroundings.wall_ms() + line.clock_offset_ms
        headers |= sign(line.credentials, endpoint.method, where, body, timestamp_ms)
    answer: Answer | NoAnswer | None = None
    sent_at = surroundings.monotonic()
    line.backoff.sent(sent_at)
    if budget:
        budget.sent(endpoint.weight, sent_at)
    try:
        answer = yield Send(endpoint.method, line.site.url(endpoint) + where, headers, body)
    finally:
        if budget:
            quota = Quota.from_headers(answer.headers) if isinstance(answer, Answer) else None
            granted = isinstance(answer, Answer) and answer.status == HTTPStatus.OK
            budget.answered(endpoint.weight, quota, sent_at, surroundings.monotonic(), was_granted=granted)
        line.backoff.ended()
    return answer, sent_at


def _wait(line: Line, endpoint: Endpoint, now: float) -> tuple[float, str]:
    """Return the seconds until a call of an endpoint may go, and what it has to wait for."""
    if (seconds := line.backoff.wait(now)) > 0:
        return seconds, line.backoff.why
    budget = line.budget(endpoint)
    return (budget.wait(endpoint.weight, now) if budget else 0), f"the {endpoint.pool} quota is used up"


def _hold_back(
    line: Line, endpoint: Endpoint, problem: RetryableError, retry: Retry, surroundings: Surroundings, sent_at: float
) -> bool:
    """Return whether a refusal holds for all calls of the line, and let them know if so."""
    budget = line.budget(endpoint)
    if not isinstance(problem, RateLimited) or problem.quota_used_up or (budget and budget.lacks(endpoint.weight)):
        return False
    random = surroundings.random()
    line.backoff.refused(
        lambda refusals: _pause(problem, retry, refusals, random), str(problem), sent_at, surroundings.monotonic()
    )
    return True


def _data(endpoint: Endpoint, answer: Answer | NoAnswer | None, decode: Callable[[bytes], Any] | None) -> Any:
    """Return the data, or raise the error that says what to do next."""
    match answer:
        case Answer():
            try:
                return unwrap(answer, data_expected=endpoint.data_expected, decode=decode)
            except Unreadable as problem:
                doubt = str(problem)
            except RequestRefused as problem:
                if endpoint.is_safe_to_repeat or problem.code in CODES:
                    raise
                # No source lists the code, so it is not known to mean that nothing was done.
                doubt = str(problem)
        case NoAnswer(reason, sent=False):
            raise Unavailable(reason)
        case NoAnswer(reason):
            doubt = reason
        case _:
            doubt = "no answer"
    if endpoint.is_safe_to_repeat:
        raise Unavailable(f"no usable answer: {doubt}")
    raise OutcomeUnknown(f"it may or may not have been acted on: {doubt}")


def _pause(problem: RetryableError, retry: Retry, attempt: int, random: float) -> float:
    if isinstance(problem, RateLimited) and problem.retry_after is not None:
        # As long as it takes, and a little apart from others who wait for the same moment.
        return problem.retry_after + random * retry.first_pause
    return retry.pause(attempt, random)


def _named(problem: KucoinError, endpoint: Endpoint, path: str, attempts: int = 1) -> KucoinError:
    """Put the call's name in front of the message."""
    times = f" ({attempts} attempts)" if attempts > 1 else ""
    problem.args = (f"{endpoint.method} {path}{times}: {problem}",)
    return problem
