"""What Airflow's stats are told."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY, NOON

from airflow_provider_kucoin.api.calls import Retry
from airflow_provider_kucoin.api.endpoints import ACCOUNTS, Endpoint
from airflow_provider_kucoin.api.envelope import Answer
from airflow_provider_kucoin.api.errors import FatalError, OutcomeUnknown, RetryableError
from airflow_provider_kucoin.api.ledgers import FUTURES, SPOT, TRADE_HF
from airflow_provider_kucoin.client.observing import Cause
from airflow_provider_kucoin.hooks import metrics
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

HOUR = 3_600_000


def test_the_calls_of_a_hook_are_counted_by_connection_pool_and_endpoint(
    hook: KucoinHook, reach: Callable[[KucoinHook], object], measured: Any, exchange: Exchange
) -> None:
    hook.server_time_ms()
    reach(hook)
    seen = Counter(record.path for record in exchange.requests)
    counted: Counter[str] = Counter()
    for number, tags in measured.named("kucoin.calls"):
        assert (tags["connection"], tags["status"]) == ("kucoin_default", "200")
        counted[tags["endpoint"]] += int(number)
    assert counted == seen
    assert measured.total("kucoin.weight") == hook.metrics.weight > 0
    assert measured.total("kucoin.rate_limited") == 0


def test_a_429_is_counted_with_its_cause_and_the_wait_after_it_in_milliseconds(
    hook: KucoinHook, measured: Any, exchange: Exchange
) -> None:
    hook.server_time_ms()
    exchange.faults.inject(Fault.RATE_LIMITED, path=ACCOUNTS.path, reset_ms=40)
    hook.get_accounts()
    [(number, tags)] = measured.named("kucoin.rate_limited")
    assert (number, tags["endpoint"], tags["cause"]) == (1, ACCOUNTS.path, "quota")
    assert measured.total("kucoin.calls", status="429") == 1
    assert 40 <= measured.total("kucoin.waited_ms", pool="Management", cause="quota") < 1000


def test_an_answer_that_never_came_is_a_call_without_status(
    hook: KucoinHook, measured: Any, exchange: Exchange
) -> None:
    hook.server_time_ms()
    exchange.faults.inject(Fault.RESET_BEFORE, path=ACCOUNTS.path)
    hook.get_accounts()
    assert measured.total("kucoin.calls", endpoint=ACCOUNTS.path, status="none") == 1


def test_a_path_that_is_in_no_table_becomes_no_time_series_of_its_own(measured: Any) -> None:
    told = metrics.Metrics("kucoin_default")
    told.answered(Endpoint("GET", "/api/v9/things/6502c", None, 0), Answer(200, {}, b""))
    told.waiting(Endpoint("GET", "/api/v9/things/6502c", None, 0), 1, Cause.RETRY, 5.0)
    [(_, calls)], [(_, waits)] = measured.named("kucoin.calls"), measured.named("kucoin.waited_ms")
    assert (calls["endpoint"], calls["pool"], waits["pool"]) == ("other", "other", "other")
    assert measured.named("kucoin.weight") == []


def test_waits_of_many_calls_for_one_reset_count_once(measured: Any) -> None:
    told = metrics.Metrics("kucoin_default")
    for _ in range(16):
        told.waiting(ACCOUNTS, 2.5, Cause.QUOTA, 100.0)
    assert measured.total("kucoin.waited_ms") == 2500


def test_a_backend_that_fails_costs_no_call(hook: KucoinHook, measured: Any) -> None:
    measured.incr = measured.gauge = None  # cannot be called
    assert hook.get_accounts() == []
    metrics.tell_time_left(TRADE_HF, "kucoin_default", NOON, NOON)
    assert measured == []


# ------------------------------------------------------------------------------------------------------------ retention


@pytest.mark.parametrize(
    ("dataset", "unread_since", "hours"),
    [
        pytest.param(TRADE_HF, NOON, 72.0, id="all-read"),
        pytest.param(TRADE_HF, NOON - 70 * HOUR, 2.0, id="nearly-lost"),
        pytest.param(TRADE_HF, NOON - 73 * HOUR, -1.0, id="lost"),
        pytest.param(SPOT, NOON - DAY, 364 * 24.0, id="a-year"),
        pytest.param(FUTURES, NOON - 900 * DAY, None, id="kept-for-ever-as-far-as-is-known"),
    ],
)
def test_the_time_left_is_that_of_the_oldest_unread_row(
    dataset: Any, unread_since: int, hours: float | None, measured: Any
) -> None:
    assert metrics.hours_left(dataset, unread_since, NOON) == hours
    metrics.tell_time_left(dataset, "kucoin_default", unread_since, NOON)
    told = [] if hours is None else [(hours, {"connection": "kucoin_default", "dataset": dataset.name})]
    assert measured.named("kucoin.retention_hours_left") == told


# ---------------------------------------------------------------------------------------------------------- withdrawals

ORDER = {"currency": "USDT", "amount": "10", "to_address": "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8", "chain": "trx"}


@pytest.fixture
def fates(measured: Any) -> Callable[[], list[str]]:
    """What became of withdrawals, in order."""
    return lambda: [tags["outcome"] for _, tags in measured.named("kucoin.withdrawals")]


@pytest.fixture
def pay(exchange: Exchange, server: Any, connect: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Pay USDT from a connection that may, on an exchange whose clock is moved."""
    exchange.allow_withdrawals()
    exchange.balances.set("USDT", "main", "100")
    connect(server.connection(), extra={"withdrawals_enabled": True})

    def sleep(seconds: float) -> None:
        exchange.clock_offset_ms += int(seconds * 1000)

    def pay(key: str = "one", **changes: Any) -> dict[str, Any]:
        hook = KucoinHook(retry=Retry(attempts=3, first_pause=0.001), sleep=sleep)
        return hook.withdraw(**{**ORDER, "idempotency_key": key, **changes})

    return pay


def test_a_payment_is_counted_as_sent_once_and_as_found_after_that(
    pay: Callable[..., Any], fates: Callable[[], list[str]], exchange: Exchange
) -> None:
    pay()
    pay()
    assert fates() == ["sent", "found"]
    assert len(exchange.withdrawals) == 1


@pytest.mark.parametrize("changes", [{"amount": "0.0000001"}, {"amount": "1000000"}, {"chain": "nowhere"}])
def test_a_payment_that_a_rule_forbids_is_counted_as_refused(
    pay: Callable[..., Any], fates: Callable[[], list[str]], exchange: Exchange, changes: dict[str, Any]
) -> None:
    with pytest.raises(FatalError):
        pay(**changes)
    assert fates() == ["refused"]
    assert exchange.withdrawals == []


def test_a_payment_of_which_nobody_knows_is_counted_as_unknown(
    pay: Callable[..., Any], fates: Callable[[], list[str]], exchange: Exchange, measured: Any
) -> None:
    exchange.faults.inject(Fault.RESET_BEFORE, path="/api/v3/withdrawals")
    with pytest.raises(OutcomeUnknown):
        pay()
    assert fates() == ["unknown"]
    [(_, tags)] = measured.named("kucoin.withdrawals")
    assert tags["currency"] == "USDT"


def test_what_may_be_tried_again_is_counted_as_nothing(
    pay: Callable[..., Any], fates: Callable[[], list[str]], exchange: Exchange
) -> None:
    exchange.faults.inject(Fault.BAD_GATEWAY, path="/api/v1/withdrawals", times=20)
    with pytest.raises(RetryableError):
        pay()
    assert fates() == []


@pytest.mark.parametrize(("status", "fate"), [("SUCCESS", "settled"), ("FAILURE", "failed")])
def test_who_waits_counts_what_came_of_it(status: str, fate: str, fates: Callable[[], list[str]]) -> None:
    from airflow.providers.common.compat.sdk import AirflowFailException

    from airflow_provider_kucoin.sensors.withdrawal import settled

    with contextlib.suppress(AirflowFailException):
        settled({"id": "1", "status": status, "currency": "USDT", "amount": "1"})
    assert fates() == [fate]


def test_a_wait_that_takes_too_long_is_counted(
    exchange: Exchange, connection: dict[str, Any], fates: Callable[[], list[str]]
) -> None:
    from airflow.providers.common.compat.sdk import AirflowSensorTimeout

    from airflow_provider_kucoin.sensors.withdrawal import KucoinWithdrawalSensor

    assert connection
    exchange.allow_withdrawals()
    sent = exchange.add_withdrawal(currency="USDT", chain="trx", address="T1", amount="5", status="PROCESSING")
    waiting = KucoinWithdrawalSensor(
        task_id="wait", withdrawal_id=sent.id, timeout=0, poke_interval=0.01, exponential_backoff=False
    )
    with pytest.raises(AirflowSensorTimeout):
        waiting.execute({})
    with pytest.raises(AirflowSensorTimeout):
        waiting.execute_complete({}, {"timed_out": "PROCESSING"})
    assert fates() == ["timed_out", "timed_out"]


def test_what_waits_in_the_triggerer_is_counted_too(
    exchange: Exchange, connection: dict[str, Any], measured: Any
) -> None:
    import asyncio

    from airflow_provider_kucoin.triggers.withdrawal import KucoinWithdrawalTrigger

    assert connection
    exchange.allow_withdrawals()
    sent = exchange.add_withdrawal(currency="USDT", chain="trx", address="T1", amount="5", status="SUCCESS")

    async def wait() -> list[Any]:
        return [event async for event in KucoinWithdrawalTrigger(sent.id, "kucoin_default").run()]

    [event] = asyncio.run(wait())
    assert event.payload["withdrawal"]["status"] == "SUCCESS"
    assert measured.total("kucoin.calls", connection="kucoin_default") == len(exchange.requests) > 0


# ------------------------------------------------------------------------------------------------------ documentation


def test_every_metric_is_documented_with_its_type_and_tags() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "observability.md").read_text()
    rows = dict(re.findall(r"(?m)^\| `(kucoin\.\w+)` \| (counter|gauge) \|", page))
    code = (root / "airflow_provider_kucoin" / "hooks" / "metrics.py").read_text()
    told = {
        name: {"count": "counter", "gauge": "gauge"}[how]
        for how, name in re.findall(r"(count|gauge)\(\"(kucoin\.\w+)\"", code)
    }
    assert rows == told
    assert len(told) == 10
    [line] = [line for line in page.splitlines() if line.startswith("| `kucoin.withdrawals`")]
    assert [fate for fate in metrics.Fate if f"`{fate}`" not in line] == []
