"""What an observer of the transports is told, and that nothing of it changes what they do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_kucoin.api.calls import NoAnswer, Retry
from airflow_provider_kucoin.api.endpoints import ACCOUNTS, API_KEY, TIMESTAMP, WITHDRAWAL, Pool
from airflow_provider_kucoin.api.envelope import Answer
from airflow_provider_kucoin.api.errors import Unavailable
from airflow_provider_kucoin.client.blocking import BlockingClient
from airflow_provider_kucoin.client.concurrent import ConcurrentClient
from airflow_provider_kucoin.client.observing import Cause, Usage, refused_for, too_many
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_kucoin.api.calls import Line
    from airflow_provider_kucoin.api.endpoints import Endpoint
    from airflow_provider_kucoin.client.network import Network
    from airflow_provider_kucoin.testing import Exchange


class Diary:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int | None]] = []
        self.waits: list[tuple[str, float, Cause]] = []

    def answered(self, endpoint: Endpoint, outcome: Answer | NoAnswer) -> None:
        self.calls.append((endpoint.path, outcome.status if isinstance(outcome, Answer) else None))

    def waiting(self, endpoint: Endpoint, seconds: float, cause: Cause, now: float) -> None:  # noqa: ARG002
        self.waits.append((endpoint.path, seconds, cause))


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture(params=["blocking", "concurrent"])
def call(request: pytest.FixtureRequest, line: Line, network: Network, diary: Diary) -> Iterator[Callable[..., Any]]:
    """Make a call by one of the transports."""
    retry = Retry(attempts=3, first_pause=0.001, longest_pause=0.002)

    async def concurrently(endpoint: Endpoint, **how: Any) -> Any:
        async with ConcurrentClient(line, network, retry=retry, observer=diary) as client:
            return await client.call(endpoint, **how)

    if request.param == "concurrent":
        yield lambda endpoint, **how: asyncio.run(concurrently(endpoint, **how))
        return
    with requests.Session() as session:
        session.trust_env = False
        yield BlockingClient(line, network, session, retry=retry, observer=diary).call


def test_every_request_is_told_also_those_for_the_clock(call: Callable[..., Any], diary: Diary) -> None:
    call(API_KEY)
    # The clock of the exchange is not this machine's: the first request is refused, and its time is asked for.
    assert diary.calls == [(API_KEY.path, 400), (TIMESTAMP.path, 200), (API_KEY.path, 200)]
    assert diary.waits == []


def test_an_endpoint_is_told_by_its_template(call: Callable[..., Any], diary: Diary, exchange: Exchange) -> None:
    exchange.allow_withdrawals()
    sent = exchange.add_withdrawal(currency="USDT", chain="trx", address="T1", amount="5", status="SUCCESS")
    call(WITHDRAWAL, path=f"/api/v1/withdrawals/{sent.id}")
    assert {path for path, _ in diary.calls} == {WITHDRAWAL.path, TIMESTAMP.path}


def test_a_wait_for_the_quota_is_told_with_its_cause(
    call: Callable[..., Any], diary: Diary, exchange: Exchange
) -> None:
    call(API_KEY)
    exchange.faults.inject(Fault.RATE_LIMITED, path=ACCOUNTS.path, reset_ms=40)
    call(ACCOUNTS)
    assert (ACCOUNTS.path, 429) in diary.calls
    assert {(path, cause) for path, _, cause in diary.waits} == {(ACCOUNTS.path, Cause.QUOTA)}
    assert sum(seconds for _, seconds, _ in diary.waits) >= 0.04


def test_a_pause_after_an_overload_is_told_as_one(call: Callable[..., Any], diary: Diary, exchange: Exchange) -> None:
    call(API_KEY)
    exchange.faults.inject(Fault.OVERLOADED, path=ACCOUNTS.path)
    call(ACCOUNTS)
    assert {cause for _, _, cause in diary.waits} == {Cause.OVERLOAD}


def test_a_lost_answer_and_the_pause_after_it_are_told(
    call: Callable[..., Any], diary: Diary, exchange: Exchange
) -> None:
    call(API_KEY)
    exchange.faults.inject(Fault.BROKEN_BODY, path=ACCOUNTS.path)
    call(ACCOUNTS)
    assert diary.calls[-2:] == [(ACCOUNTS.path, None), (ACCOUNTS.path, 200)]
    assert {cause for _, _, cause in diary.waits} == {Cause.RETRY}


def test_a_call_that_fails_has_been_told_to_the_end(call: Callable[..., Any], diary: Diary, exchange: Exchange) -> None:
    call(API_KEY)
    diary.calls.clear()
    exchange.faults.inject(Fault.BAD_GATEWAY, path=ACCOUNTS.path, times=3)
    with pytest.raises(Unavailable):
        call(ACCOUNTS)
    assert diary.calls == [(ACCOUNTS.path, 502)] * 3


# ------------------------------------------------------------------------------------------------------------- counting


def answer(status: int = 200, body: bytes = b"", **quota: int) -> Answer:
    return Answer(status, {f"gw-ratelimit-{name}": str(value) for name, value in quota.items()}, body)


def test_usage_adds_up_calls_and_weight_and_keeps_what_was_said_of_the_quota() -> None:
    usage = Usage()
    assert usage.quota(Pool.MANAGEMENT) is None
    usage.answered(ACCOUNTS, answer(limit=2000, remaining=1500, reset=1000))
    usage.answered(ACCOUNTS, NoAnswer("lost"))
    usage.answered(ACCOUNTS, answer(429, limit=2000, remaining=0, reset=1000))
    assert (usage.calls, usage.weight, usage.refusals) == (3, 3 * ACCOUNTS.weight, 1)
    found = usage.quota(ACCOUNTS.pool)
    assert found is not None
    assert (found.limit, found.remaining) == (2000, 0)
    assert usage.quota(Pool.EARN) is None
    assert usage.quota(None) is None


def test_waits_at_the_same_time_count_once() -> None:
    usage = Usage()
    for seconds, now in ((10, 100), (10, 100), (4, 103), (10, 105), (1, 200)):
        usage.waiting(ACCOUNTS, seconds, Cause.QUOTA, now)
    # From 100 to 115, and from 200 to 201.
    assert usage.waited == pytest.approx(16)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"code":"429000","msg":"Too many requests"}', True),
        (b'{"code": 200002, "msg": "too many requests"}', True),
        (b'{"code":"200002","msg":"Cancelling is suspended"}', False),
        (b'{"code":"200000","data":{"code":"x429000"}}', False),
        (b'{"code":"400100","msg":"429000"}', False),
        (b"", False),
        (b'{"code":"200000","data":[' + b'{"code":"429000"},' * 100 + b"null]}", False),
    ],
)
def test_too_many_requests_is_told_by_the_code_where_the_status_does_not(body: bytes, said: bool) -> None:  # noqa: FBT001
    assert too_many(answer(200, body)) is said
    assert too_many(answer(429, body)) is True


@pytest.mark.parametrize(
    ("quota", "cause"),
    [
        ({"limit": 2000, "remaining": 0, "reset": 10}, Cause.QUOTA),
        ({"limit": 2000, "remaining": 5, "reset": 10}, Cause.OVERLOAD),
        ({}, Cause.OVERLOAD),
    ],
)
def test_a_refusal_is_this_keys_fault_only_when_its_quota_is_seen_to_be_empty(
    quota: dict[str, int], cause: Cause
) -> None:
    assert refused_for(answer(429, **quota)) is cause
