"""
One call, driven by hand: what it asks the transport to do, step by step, with clocks that stand still until told.

The same through real sockets: tests/client.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.api.calls import (
    Line,
    NoAnswer,
    Retry,
    Send,
    Site,
    Sleep,
    Surroundings,
    ask_the_time,
    call,
    wait_for_quota,
)
from airflow_provider_kucoin.api.endpoints import (
    ACCOUNTS,
    API_KEY,
    CURRENCY,
    SPOT_LEDGER,
    TIMESTAMP,
    WITHDRAW_V3,
    Endpoint,
    Pool,
)
from airflow_provider_kucoin.api.envelope import Answer
from airflow_provider_kucoin.api.errors import (
    ClockSkewed,
    InvalidInput,
    KucoinError,
    OutcomeUnknown,
    RateLimited,
    RequestRefused,
    Unavailable,
    UnexpectedData,
)
from airflow_provider_kucoin.api.ratelimits import BRIEFLY, ROUNDING, Budget, Ending
from airflow_provider_kucoin.api.signing import Credentials, sign

if TYPE_CHECKING:
    from collections.abc import Callable

NOW_MS = 1_728_692_138_123
CREDENTIALS = Credentials("key-of-the-tests", "secret-of-the-tests", "passphrase-of-the-tests")
FUTURES = Endpoint("GET", "/api/v1/transaction-history", Pool.FUTURES, 2, futures=True)
LOST = NoAnswer("the line went dead")
UNSENT = NoAnswer("nobody there", sent=False)


@dataclass
class Clock:
    """Clocks that move when somebody sleeps, or when a test says so."""

    seconds: float = 0.0
    random: float = 0.0

    def surroundings(self) -> Surroundings:
        return Surroundings(
            monotonic=lambda: 1000 + self.seconds,
            wall_ms=lambda: NOW_MS + round(self.seconds * 1000),
            random=lambda: self.random,
        )


def ok(data: Any, **headers: Any) -> Answer:
    return Answer(
        200,
        {name.replace("_", "-"): str(value) for name, value in headers.items()},
        json.dumps({"code": "200000", "data": data}).encode(),
    )


def no(code: str, status: int = 400, **headers: Any) -> Answer:
    return Answer(
        status,
        {name.replace("_", "-"): str(value) for name, value in headers.items()},
        json.dumps({"code": code, "msg": "no"}).encode(),
    )


def quota(limit: int = 2000, remaining: int = 1990, reset: int = 30_000) -> dict[str, int]:
    return {"gw_ratelimit_limit": limit, "gw_ratelimit_remaining": remaining, "gw_ratelimit_reset": reset}


@dataclass
class Run:
    """A call that has run to its end: what was sent, how long it slept, and what came of it."""

    sent: list[Send] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    data: object = None
    problem: KucoinError | None = None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def line() -> Line:
    return Line(Site("https://spot.invalid", "https://futures.invalid", {"X-SITE-TYPE": "australia"}), CREDENTIALS)


@pytest.fixture
def run(line: Any, clock: Any) -> Callable[..., Run]:
    """Run a call against prepared answers; each may also be a function of the request."""

    def run(endpoint: Any, *answers: Any, steps: Any = None, **options: Any) -> Run:
        done, coming = Run(), list(answers)
        steps = steps or call(line, endpoint, clock.surroundings(), **options)
        outcome = None
        try:
            while True:
                step = steps.send(outcome)
                outcome = None
                if isinstance(step, Sleep):
                    done.slept.append(step.seconds)
                    clock.seconds += step.seconds
                else:
                    done.sent.append(step)
                    outcome = coming.pop(0)
                    outcome = outcome(step) if callable(outcome) else outcome
        except StopIteration as end:
            done.data = end.value
        except KucoinError as problem:
            done.problem = problem
        assert not coming, "answers are left over"
        return done

    return run


# ---------------------------------------------------------------------------------------------------------- a request


def test_a_call_returns_its_data(run: Callable[..., Any]) -> None:
    done = run(ACCOUNTS, ok([{"id": "1"}]))
    assert done.data == [{"id": "1"}]
    assert done.slept == []


def test_a_private_call_is_signed_over_exactly_what_is_sent(run: Callable[..., Any]) -> None:
    [sent] = run(ACCOUNTS, ok([]), params={"currency": "BTC,USDT", "type": None}).sent
    assert sent.url == "https://spot.invalid/api/v1/accounts?currency=BTC%2CUSDT"
    signed = sign(CREDENTIALS, "GET", "/api/v1/accounts?currency=BTC%2CUSDT", b"", NOW_MS)
    assert sent.headers == {"Content-Type": "application/json", "X-SITE-TYPE": "australia", **signed}


def test_a_body_is_signed_and_sent_as_it_is(run: Callable[..., Any]) -> None:
    body = b'{"currency": "USDT" , "remark":"\xc3\xa9"}'
    [sent] = run(WITHDRAW_V3, ok({"withdrawalId": "1"}), body=body).sent
    assert (sent.method, sent.body) == ("POST", body)
    assert sent.headers["KC-API-SIGN"] == sign(CREDENTIALS, "POST", WITHDRAW_V3.path, body, NOW_MS)["KC-API-SIGN"]


def test_a_public_call_is_not_signed(run: Callable[..., Any]) -> None:
    [sent] = run(TIMESTAMP, ok(NOW_MS)).sent
    assert sent.headers == {"Content-Type": "application/json", "X-SITE-TYPE": "australia"}


def test_a_path_with_variables_is_filled_in_by_the_caller(run: Callable[..., Any]) -> None:
    [sent] = run(CURRENCY, ok({}), path="/api/v3/currencies/BTC").sent
    assert sent.url == "https://spot.invalid/api/v3/currencies/BTC"


def test_a_template_is_never_sent_as_a_path(run: Callable[..., Any]) -> None:
    done = run(CURRENCY)
    assert isinstance(done.problem, InvalidInput)
    assert done.sent == []


def test_futures_endpoints_go_to_the_futures_host(run: Callable[..., Any]) -> None:
    [sent] = run(FUTURES, ok({})).sent
    assert sent.url == "https://futures.invalid/api/v1/transaction-history"


def test_what_is_shown_of_a_request_or_a_line_holds_no_credentials(run: Callable[..., Any], line: Line) -> None:
    [sent] = run(ACCOUNTS, ok([])).sent
    for shown in (repr(sent), repr(line), str(line)):
        assert "KC-API" not in shown
        assert "of-the-tests" not in shown


def test_the_data_may_be_null_where_nothing_is_due(run: Callable[..., Any]) -> None:
    assert run(Endpoint("GET", "/x", None, 0, data_expected=False), ok(None)).data is None
    assert isinstance(run(ACCOUNTS, *[ok(None)] * 2, retry=Retry(attempts=2)).problem, Unavailable)


# ---------------------------------------------------------------------------------------------------------- repeating

HARMLESS = [
    pytest.param(LOST, id="lost"),
    pytest.param(UNSENT, id="not sent"),
    pytest.param(None, id="nothing at all"),
    pytest.param(no("500000", 500), id="500000"),
    pytest.param(no("230005", 200), id="230005"),
    pytest.param(no("429000", 429), id="overloaded"),
    pytest.param(no("999999", 503), id="unknown code at 503"),
    pytest.param(Answer(502, {}, b"<html>"), id="html"),
    pytest.param(Answer(200, {}, b'{"code":"2000'), id="truncated"),
    pytest.param(ok(None), id="null data"),
]


@pytest.mark.parametrize("trouble", HARMLESS)
def test_a_get_is_repeated_and_signed_afresh_each_time(
    run: Callable[..., Any], trouble: Answer | NoAnswer | None
) -> None:
    done = run(ACCOUNTS, trouble, trouble, ok([1]))
    assert done.data == [1]
    stamps = [int(sent.headers["KC-API-TIMESTAMP"]) for sent in done.sent]
    assert stamps == [NOW_MS + round(1000 * sum(done.slept[:number])) for number in range(3)]
    assert len({sent.headers["KC-API-SIGN"] for sent in done.sent}) == 3


@pytest.mark.parametrize("trouble", HARMLESS)
def test_a_get_is_given_up_after_so_many_attempts(run: Callable[..., Any], trouble: Answer | NoAnswer | None) -> None:
    done = run(ACCOUNTS, *[trouble] * 3, retry=Retry(attempts=3))
    assert isinstance(done.problem, Unavailable | RateLimited)
    assert str(done.problem).startswith("GET /api/v1/accounts (3 attempts): ")
    assert len(done.slept) == 2


@pytest.mark.parametrize(
    "trouble",
    [trouble for trouble in HARMLESS if trouble.id not in {"not sent", "overloaded"}],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_anything_but_a_get_is_never_repeated_when_its_outcome_is_open(
    run: Callable[..., Any], trouble: Answer | NoAnswer | None, method: str
) -> None:
    done = run(Endpoint(method, "/api/v3/withdrawals", None, 5), trouble)
    assert isinstance(done.problem, OutcomeUnknown)
    assert len(done.sent) == 1
    assert str(done.problem).startswith(f"{method} /api/v3/withdrawals: ")


def test_a_post_that_was_certainly_not_sent_may_be_made_again_by_the_caller(run: Callable[..., Any]) -> None:
    done = run(WITHDRAW_V3, UNSENT)
    assert isinstance(done.problem, Unavailable)
    assert "nobody there" in str(done.problem)
    assert len(done.sent) == 1


def test_a_rate_limited_post_is_left_to_the_caller(run: Callable[..., Any]) -> None:
    done = run(WITHDRAW_V3, no("429000", 429, **quota(remaining=0, reset=7000)))
    assert isinstance(done.problem, RateLimited)
    assert (done.problem.retry_after, len(done.sent)) == (7.0, 1)


def test_a_code_that_nobody_knows_refuses_a_get_and_leaves_a_posts_outcome_open(run: Callable[..., Any]) -> None:
    assert isinstance(run(ACCOUNTS, no("999999", 200)).problem, RequestRefused)
    done = run(WITHDRAW_V3, no("999999", 200))
    assert isinstance(done.problem, OutcomeUnknown)
    assert len(done.sent) == 1


@pytest.mark.parametrize("endpoint", [ACCOUNTS, WITHDRAW_V3], ids=["GET", "POST"])
@pytest.mark.parametrize("code", ["400100", "400003", "400005", "400006", "400007", "404000"])
def test_a_refusal_is_final(run: Callable[..., Any], endpoint: Endpoint, code: str) -> None:
    done = run(endpoint, no(code))
    assert done.problem.code == code
    assert len(done.sent) == 1
    assert str(done.problem).startswith(f"{endpoint.method} {endpoint.path}: ")


def test_an_error_names_the_concrete_path_and_no_query(run: Callable[..., Any]) -> None:
    done = run(CURRENCY, no("400100"), path="/api/v3/currencies/NOPE", params={"chain": "hidden-from-logs"})
    assert isinstance(done.problem, RequestRefused)
    assert "/api/v3/currencies/NOPE" in str(done.problem)
    assert "hidden-from-logs" not in str(done.problem)


# ------------------------------------------------------------------------------------------------------------- pauses


@pytest.mark.parametrize(("random", "expected"), [(0.0, 12.345), (0.5, 12.345 + 0.125)], ids=["least", "half"])
def test_a_used_up_quota_is_waited_for_exactly_and_a_little_jitter(
    run: Callable[..., Any], clock: Clock, random: float, expected: float
) -> None:
    clock.random = random
    done = run(API_KEY, no("429000", 429, **quota(remaining=0, reset=12_345)), ok({}))
    assert done.slept[0] == pytest.approx(expected)
    assert sum(done.slept) == pytest.approx(expected, abs=2 * ROUNDING)


def test_a_quota_that_is_told_to_be_too_small_for_the_call_is_used_up_too(run: Callable[..., Any], line: Line) -> None:
    """It is not KuCoin that is overloaded: nobody else has to hold back, and waiting has a known end."""
    done = run(ACCOUNTS, no("429000", 429, **quota(remaining=ACCOUNTS.weight - 1, reset=7000)), ok([]))
    assert sum(done.slept) == pytest.approx(7.0, abs=2 * ROUNDING)
    assert line.backoff.refusals == 0


def test_cloudflares_page_is_waited_for_as_long_as_it_blocks(run: Callable[..., Any]) -> None:
    done = run(ACCOUNTS, Answer(403, {}, b"<html>Cloudflare 1015</html>"), ok([]))
    assert done.slept == [30.0]


@pytest.mark.parametrize(("random", "factor"), [(0.0, 0.5), (1.0, 1.0)], ids=["least", "most"])
def test_other_pauses_double_up_to_a_limit_and_never_vanish(random: float, factor: float) -> None:
    retry = Retry(attempts=9, first_pause=1.0, longest_pause=10.0)
    pauses = [retry.pause(attempt, random) for attempt in range(1, 7)]
    assert pauses == [factor * pause for pause in (1, 2, 4, 8, 10, 10)]


def test_pauses_of_a_call_are_those_of_its_retry(run: Callable[..., Any], clock: Clock) -> None:
    clock.random = 0.999999
    done = run(ACCOUNTS, LOST, LOST, LOST, ok([]), retry=Retry(first_pause=1.0, longest_pause=3.0))
    assert done.slept == pytest.approx([1, 2, 3], rel=1e-5)


# ------------------------------------------------------------------------------------------------------- holding back

#: What is not about one call: an overload of KuCoin, the old limits, a page from before KuCoin; the seconds to pause.
NOT_NOW = [
    pytest.param(no("429000", 429), 0.5, id="overloaded"),
    pytest.param(no("429000", 429, **quota(remaining=1900)), 0.5, id="overloaded, with quota left"),
    pytest.param(Answer(429, {}, b"<html>busy</html>"), 0.5, id="overloaded, as a page"),
    pytest.param(no("200002", 200), 10.0, id="old limits"),
    pytest.param(Answer(429, {}, b"<html>error 1015, by Cloudflare</html>"), 30.0, id="1015"),
    pytest.param(Answer(403, {}, b"<html>error 1015, by Cloudflare</html>"), 30.0, id="1015 at 403"),
]
SLOWLY = Retry(first_pause=1.0)


class Calls:
    """Several calls of one line, driven step by step on one clock."""

    def __init__(self, line: Line, clock: Clock, number: int, endpoint: Endpoint = ACCOUNTS) -> None:
        line.budgets[Pool.MANAGEMENT] = Budget(limit=2000, remaining=2000)
        self.clock = clock
        self.steps = [call(line, endpoint, clock.surroundings(), retry=SLOWLY) for _ in range(number)]
        self.doing = [next(steps) for steps in self.steps]

    def tell(self, number: int, outcome: Answer | NoAnswer | None) -> object:
        """Tell one what came of what it did; return what it does next, or the data that it returns."""
        try:
            self.doing[number] = self.steps[number].send(outcome)
        except StopIteration as end:
            return end.value
        return self.doing[number]

    def wake(self, number: int) -> object:
        return self.tell(number, None)


@pytest.mark.parametrize(("refusal", "pause"), NOT_NOW)
def test_when_one_call_is_told_to_hold_back_all_of_them_do(
    line: Line, clock: Clock, refusal: Answer, pause: float
) -> None:
    calls = Calls(line, clock, 3)
    assert calls.tell(0, refusal) == Sleep(pause, line.backoff.why)
    clock.seconds += 0.1
    # The one after it was on its way already, and is refused too: the same pause, not another one.
    assert calls.tell(1, refusal) == Sleep(pytest.approx(pause - 0.1), line.backoff.why)
    # One that begins now waits as well, whatever it wants to know.
    for endpoint in (ACCOUNTS, FUTURES, TIMESTAMP):
        another = next(call(line, endpoint, clock.surroundings()))
        assert another == Sleep(pytest.approx(pause - 0.1), line.backoff.why)
    # And one that was answered says nothing of what comes.
    assert calls.tell(2, ok([2])) == [2]
    assert isinstance(next(call(line, ACCOUNTS, clock.surroundings())), Sleep)


@pytest.mark.parametrize(("refusal", "pause"), NOT_NOW)
def test_after_the_pause_one_call_goes_alone_and_the_others_when_it_is_answered(
    line: Line, clock: Clock, refusal: Answer, pause: float
) -> None:
    calls = Calls(line, clock, 16)
    for number in range(16):
        assert isinstance(calls.tell(number, refusal), Sleep)
    clock.seconds += pause
    assert isinstance(calls.wake(0), Send)
    for number in range(1, 16):
        assert calls.wake(number) == Sleep(BRIEFLY, line.backoff.why)
    clock.seconds += 0.05
    assert calls.tell(0, ok([0])) == [0]
    assert all(isinstance(calls.wake(number), Send) for number in range(1, 16))


def test_an_overload_that_lasts_gets_one_request_after_each_pause_and_each_pause_is_longer(
    line: Line, clock: Clock
) -> None:
    calls = Calls(line, clock, 16)
    for number in range(16):
        calls.tell(number, no("429000", 429))
    sent, pauses = 0, []
    while line.backoff.refusals < 6:
        pauses.append(line.backoff.wait(1000 + clock.seconds))
        clock.seconds += pauses[-1]
        asking = [number for number in range(16) if isinstance(calls.wake(number), Send)]
        sent += len(asking)
        assert all(isinstance(calls.tell(number, no("429000", 429)), Sleep) for number in asking)
    assert sent == 5
    assert pauses == pytest.approx([0.5, 1, 2, 4, 8])


def test_an_overload_that_does_not_end_ends_the_calls(run: Callable[..., Any], line: Line) -> None:
    first = run(ACCOUNTS, *[no("429000", 429)] * 3, retry=Retry(attempts=3))
    assert isinstance(first.problem, RateLimited)
    assert str(first.problem).startswith("GET /api/v1/accounts (3 attempts): ")
    second = run(ACCOUNTS, no("429000", 429), retry=Retry(attempts=3))
    assert isinstance(second.problem, RateLimited)
    assert line.backoff.refusals == 4


def test_a_refusal_of_the_call_itself_shows_that_nobody_is_held_back_any_more(line: Line, clock: Clock) -> None:
    calls = Calls(line, clock, 2)
    for number in range(2):
        calls.tell(number, no("429000", 429))
    clock.seconds += 1
    assert isinstance(calls.wake(0), Send)
    with pytest.raises(RequestRefused):
        calls.tell(0, no("400100"))
    assert isinstance(calls.wake(1), Send)


def test_a_call_that_is_given_up_while_it_finds_out_leaves_that_to_another(line: Line, clock: Clock) -> None:
    calls = Calls(line, clock, 2)
    for number in range(2):
        calls.tell(number, no("429000", 429))
    clock.seconds += 1
    calls.wake(0)
    assert isinstance(calls.wake(1), Sleep)
    calls.steps[0].close()
    assert isinstance(calls.wake(1), Send)


def test_a_refused_payment_is_left_to_the_caller_and_everything_else_holds_back(line: Line, clock: Clock) -> None:
    calls = Calls(line, clock, 1, WITHDRAW_V3)
    with pytest.raises(RateLimited):
        calls.tell(0, no("429000", 429))
    assert isinstance(next(call(line, ACCOUNTS, clock.surroundings())), Sleep)
    assert wait_for_quota(line, WITHDRAW_V3, clock.surroundings()) > 0


def test_a_used_up_quota_holds_back_only_who_draws_from_it(line: Line, clock: Clock) -> None:
    calls = Calls(line, clock, 1)
    calls.tell(0, no("429000", 429, **quota(remaining=0, reset=7000)))
    assert line.backoff.refusals == 0
    waiting = next(call(line, ACCOUNTS, clock.surroundings()))
    assert isinstance(waiting, Sleep)
    assert waiting.seconds == pytest.approx(7.0, abs=2 * ROUNDING)
    assert isinstance(next(call(line, FUTURES, clock.surroundings())), Send)


# -------------------------------------------------------------------------------------------------------------- clock


def skewed_by(line_clock: Any, ahead_ms: Any) -> tuple[Any, Any]:
    """Answers of a KuCoin whose clock is ahead: the call refused, the time told."""
    return no("400002"), lambda _: ok(NOW_MS + round(line_clock.seconds * 1000) + ahead_ms)


@pytest.mark.parametrize("endpoint", [ACCOUNTS, WITHDRAW_V3], ids=["GET", "POST"])
def test_a_wrong_clock_is_put_right_once_and_the_request_signed_again(
    run: Callable[..., Any], clock: Clock, line: Line, endpoint: Endpoint
) -> None:
    refused, time = skewed_by(clock, 60_000)
    done = run(endpoint, refused, time, ok({"withdrawalId": "1"}), body=b"{}" if endpoint is WITHDRAW_V3 else b"")
    assert done.data == {"withdrawalId": "1"}
    first, asked, second = done.sent
    assert asked.url == "https://spot.invalid/api/v1/timestamp"
    assert "KC-API-SIGN" not in asked.headers
    assert int(second.headers["KC-API-TIMESTAMP"]) - int(first.headers["KC-API-TIMESTAMP"]) == 60_000
    assert (second.body, second.url) == (first.body, first.url)
    assert line.clock_offset_ms == 60_000


def test_a_clock_once_put_right_stays_so_for_other_calls(run: Callable[..., Any], clock: Clock) -> None:
    run(ACCOUNTS, *skewed_by(clock, -7_000), ok([]))
    [sent] = run(ACCOUNTS, ok([])).sent
    assert sent.headers["KC-API-TIMESTAMP"] == str(NOW_MS - 7_000)


def test_a_second_refusal_of_the_timestamp_is_final(run: Callable[..., Any], clock: Clock) -> None:
    done = run(ACCOUNTS, *skewed_by(clock, 0), no("400002"))
    assert isinstance(done.problem, ClockSkewed)
    assert str(done.problem).startswith("GET /api/v1/accounts: ")


def test_a_refused_timestamp_between_other_troubles_is_put_right(run: Callable[..., Any], clock: Clock) -> None:
    done = run(ACCOUNTS, LOST, *skewed_by(clock, 100), LOST, ok([1]))
    assert done.data == [1]


def test_a_request_with_a_time_of_its_own_is_signed_with_that_once_and_waits_for_nothing(
    run: Callable[..., Any], line: Line
) -> None:
    line.budgets[Pool.MANAGEMENT] = Budget(limit=100, remaining=0, ending=Ending(1009.0, 1009.0))
    done = run(WITHDRAW_V3, no("400002"), timestamp_ms=NOW_MS + 5)
    assert isinstance(done.problem, ClockSkewed)
    assert done.slept == []
    [sent] = done.sent
    assert sent.headers["KC-API-TIMESTAMP"] == str(NOW_MS + 5)


def test_half_of_the_way_is_taken_off_the_time(run: Callable[..., Any], clock: Clock, line: Line) -> None:
    def slow(_: Any) -> Answer:
        clock.seconds += 2.0
        return ok(NOW_MS + 1000)

    done = run(TIMESTAMP, slow, steps=ask_the_time(line, clock.surroundings()))
    assert line.clock_offset_ms == 0
    assert done.data == NOW_MS + 2000


def test_attempts_that_failed_and_their_pauses_do_not_bend_the_clock(
    run: Callable[..., Any], clock: Clock, line: Line
) -> None:
    busy = no("200002", 200)  # a pause of 10 seconds
    done = run(TIMESTAMP, busy, busy, lambda _: ok(NOW_MS + 20_000), steps=ask_the_time(line, clock.surroundings()))
    assert done.slept == [10.0, 10.0]
    assert (line.clock_offset_ms, done.data) == (0, NOW_MS + 20_000)


def test_a_clock_that_says_the_timestamp_is_wrong_is_asked_once_more_and_no_more(run: Callable[..., Any]) -> None:
    """The question carries no timestamp; to answer it so is absurd, and need not last."""
    assert run(TIMESTAMP, no("400002"), ok(NOW_MS)).data == NOW_MS
    assert isinstance(run(TIMESTAMP, no("400002"), no("400002")).problem, ClockSkewed)


def test_a_time_that_took_long_to_come_is_asked_for_again(run: Callable[..., Any], clock: Clock, line: Line) -> None:
    """It cannot be told when, within a long round trip, KuCoin read its clock."""

    def late(_: Send) -> Answer:
        at = NOW_MS + round(clock.seconds * 1000)
        clock.seconds += 9
        return ok(at + 20_000)

    def at_once(_: Send) -> Answer:
        return ok(NOW_MS + round(clock.seconds * 1000) + 20_000)

    done = run(TIMESTAMP, late, at_once, steps=ask_the_time(line, clock.surroundings()))
    assert len(done.sent) == 2
    assert line.clock_offset_ms == 20_000


def test_a_slow_network_is_not_asked_for_the_time_for_ever(run: Callable[..., Any], clock: Clock, line: Line) -> None:
    def late(_: Send) -> Answer:
        at = NOW_MS + round(clock.seconds * 1000)
        clock.seconds += 4
        return ok(at)

    done = run(TIMESTAMP, late, late, late, steps=ask_the_time(line, clock.surroundings()))
    assert len(done.sent) == 3
    assert line.clock_offset_ms == -2_000


@pytest.mark.parametrize("data", ["1728692138123", {"time": 1}, [], 1.5, True], ids=repr)
def test_a_time_that_is_none_is_refused_and_the_clock_left_alone(
    run: Callable[..., Any], clock: Clock, line: Line, data: Any
) -> None:
    done = run(TIMESTAMP, ok(data), steps=ask_the_time(line, clock.surroundings()))
    assert isinstance(done.problem, UnexpectedData)
    assert line.clock_offset_ms == 0


@pytest.mark.parametrize("ms", [0, -1, 10**15, 10**30])
def test_a_time_that_no_clock_shows_is_refused_whoever_asks_for_it(
    run: Callable[..., Any], clock: Clock, line: Line, ms: int
) -> None:
    done = run(TIMESTAMP, ok(ms), steps=ask_the_time(line, clock.surroundings()))
    assert isinstance(done.problem, Unavailable)
    assert "gave as its time is none" in str(done.problem)
    assert line.clock_offset_ms == 0


def test_a_time_that_cannot_be_had_ends_the_call_with_that(run: Callable[..., Any]) -> None:
    done = run(ACCOUNTS, no("400002"), LOST, LOST, retry=Retry(attempts=2))
    assert isinstance(done.problem, Unavailable)
    assert "/api/v1/timestamp" in str(done.problem)


# -------------------------------------------------------------------------------------------------------------- quota


def test_a_call_waits_for_quota_before_it_signs(run: Callable[..., Any], line: Line) -> None:
    line.budgets[Pool.MANAGEMENT] = Budget(limit=100, remaining=3, ending=Ending(1009.0, 1009.0))
    done = run(ACCOUNTS, ok([]))
    assert done.slept == [pytest.approx(9.0 + ROUNDING)]
    assert done.sent[0].headers["KC-API-TIMESTAMP"] == str(NOW_MS + 9000 + round(1000 * ROUNDING))


def test_the_wait_for_quota_can_be_told_beforehand(line: Line, clock: Clock) -> None:
    assert wait_for_quota(line, ACCOUNTS, clock.surroundings()) == 0
    line.budgets[Pool.MANAGEMENT] = Budget(limit=100, remaining=3, ending=Ending(1009.0, 1009.0))
    assert wait_for_quota(line, ACCOUNTS, clock.surroundings()) == pytest.approx(9.0 + ROUNDING)
    assert wait_for_quota(line, Endpoint("GET", "/x", None, 0), clock.surroundings()) == 0


def test_pools_do_not_wait_for_each_other(run: Callable[..., Any], line: Line) -> None:
    line.budgets[Pool.FUTURES] = Budget(limit=100, remaining=0, ending=Ending(1009.0, 1009.0))
    assert run(ACCOUNTS, ok([])).slept == []


def test_an_endpoint_without_a_known_pool_waits_for_none(run: Callable[..., Any], line: Line) -> None:
    assert run(Endpoint("GET", "/x", None, 0), ok([])).data == []
    assert line.budgets == {}


def test_every_answer_that_tells_of_the_quota_is_heard(run: Callable[..., Any], line: Line) -> None:
    run(SPOT_LEDGER, no("400100", 200, **quota(4000, 3998, 25_000)))
    budget = line.budgets[Pool.MANAGEMENT]
    assert (budget.limit, budget.remaining, budget.ending, budget.in_flight) == (4000, 3998, Ending(1025.0, 1025.0), 0)


def test_a_call_that_is_given_up_under_way_gives_its_place_back(line: Line, clock: Clock) -> None:
    steps = call(line, ACCOUNTS, clock.surroundings())
    next(steps)
    assert line.budgets[Pool.MANAGEMENT].in_flight == ACCOUNTS.weight
    steps.close()
    assert line.budgets[Pool.MANAGEMENT].in_flight == 0


def test_a_call_that_is_given_up_while_it_waits_had_taken_nothing(line: Line, clock: Clock) -> None:
    line.budgets[Pool.MANAGEMENT] = budget = Budget(limit=100, remaining=0, ending=Ending(1009.0, 1009.0))
    steps = call(line, ACCOUNTS, clock.surroundings())
    assert isinstance(next(steps), Sleep)
    steps.close()
    assert budget.in_flight == 0


def test_an_error_in_the_transport_gives_the_place_back_too(line: Line, clock: Clock) -> None:
    steps = call(line, ACCOUNTS, clock.surroundings())
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())
    assert line.budgets[Pool.MANAGEMENT].in_flight == 0


def test_the_first_call_goes_alone_and_the_others_wait_for_what_it_learns(line: Line, clock: Clock) -> None:
    first, second = (call(line, SPOT_LEDGER, clock.surroundings()) for _ in range(2))
    assert isinstance(next(first), Send)
    assert isinstance(next(second), Sleep)
    with pytest.raises(StopIteration):
        first.send(ok({}, **quota()))
    assert isinstance(second.send(None), Send)


def test_public_calls_keep_to_a_quota_that_they_are_told_of(run: Callable[..., Any], line: Line, clock: Clock) -> None:
    run(TIMESTAMP, ok(NOW_MS, **quota(remaining=0, reset=9000)))
    assert wait_for_quota(line, TIMESTAMP, clock.surroundings()) == pytest.approx(9.0 + ROUNDING)
    assert wait_for_quota(line, ACCOUNTS, clock.surroundings()) == 0


def test_public_calls_wait_for_nothing_where_no_quota_is_told(line: Line, clock: Clock) -> None:
    first = call(line, TIMESTAMP, clock.surroundings())
    next(first)
    with pytest.raises(StopIteration):
        first.send(ok(NOW_MS))
    calls = [call(line, TIMESTAMP, clock.surroundings()) for _ in range(16)]
    assert all(isinstance(next(steps), Send) for steps in calls)
    for steps in calls:
        steps.close()
