"""Waiting for a deposit: the right one, when it has arrived for good."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_kucoin.sensors.deposit import KucoinDepositSensor
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

PENDING = ["PROCESSING", "PRE_SUCCESS", "WAIT_TRM_MGT", "WAIT_RISK_MGT", "ROLLBACKING", "UNHEARD_OF"]
FAILED = ["FAILURE", "ROLLBACK", "TRM_MGT_REJECTED", "RISK_MGT_REJECTED"]

pytestmark = pytest.mark.usefixtures("connection")


@pytest.fixture
def arrive(exchange: Exchange) -> Callable[..., Any]:
    """Let a deposit of 25 USDT come in."""

    def arrive(status: str = "SUCCESS", **fields: Any) -> Any:
        given = {"currency": "USDT", "amount": "25", "chain": "trx", "address": "TMine", "wallet_tx_id": "aa01@TMine"}
        return exchange.deposit(**{**given, "status": status, **fields})

    return arrive


def sensor(**how: Any) -> KucoinDepositSensor:
    given = {"currency": "USDT", "poke_interval": 0.01, "exponential_backoff": False, "timeout": 0.05, **how}
    return KucoinDepositSensor(task_id="wait", **given)


def test_a_deposit_that_has_arrived_is_handed_on(arrive: Callable[..., Any], context: Callable[..., Any]) -> None:
    run = context()
    deposit = arrive()
    found = sensor().execute(run)
    assert found == {
        "currency": "USDT",
        "amount": "25.00000000",
        "fee": "0.00000000",
        "chain": "trx",
        "address": "TMine",
        "memo": "",
        "status": "SUCCESS",
        "wallet_tx_id": "aa01",
        "created_at_ms": deposit.created_at_ms // 1000 * 1000,
    }
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    "how",
    [
        {"min_amount": "25.00000001"},
        {"tx_id": "aa02"},
        {"address": "TOther"},
        {"currency": "USDC"},
        {"since": "2026-02-03T12:01:00Z"},
    ],
    ids=str,
)
def test_another_deposit_is_not_mistaken_for_it(
    arrive: Callable[..., Any], context: Callable[..., Any], how: dict[str, Any]
) -> None:
    run = context()
    arrive()
    with pytest.raises(AirflowSensorTimeout):
        sensor(**how).execute(run)


@pytest.mark.parametrize(
    "how",
    [
        {"min_amount": "25"},
        {"tx_id": "aa01"},
        {"tx_id": "aa01@TMine"},
        {"address": "TMine", "min_amount": 20},
        {"since": "2026-02-03T11:59:00Z"},
        {"since": datetime(2026, 2, 3, 11, 59, tzinfo=UTC)},
        {"since": 1_770_119_000_000},
    ],
    ids=str,
)
def test_it_is_told_by_any_of_its_marks(
    arrive: Callable[..., Any], context: Callable[..., Any], how: dict[str, Any]
) -> None:
    run = context()
    arrive()
    assert sensor(**how).execute(run)["wallet_tx_id"] == "aa01"


def test_what_came_before_the_run_was_due_does_not_count(
    arrive: Callable[..., Any], exchange: Exchange, context: Callable[..., Any]
) -> None:
    arrive(created_at_ms=exchange.now_ms() - 5_000)
    with pytest.raises(AirflowSensorTimeout):
        sensor().execute(context())


def test_a_run_without_times_must_be_told_since_when() -> None:
    with pytest.raises(AirflowFailException, match="since is missing"):
        sensor().execute({})  # type: ignore[typeddict-item]


@pytest.mark.parametrize("status", PENDING)
def test_what_may_still_be_rolled_back_is_no_arrival_and_the_last_status_is_told(
    arrive: Callable[..., Any], context: Callable[..., Any], status: str
) -> None:
    run = context()
    arrive(status)
    with pytest.raises(AirflowSensorTimeout, match=f"Last status: {status}"):
        sensor(tx_id="aa01").execute(run)


@pytest.mark.parametrize("status", FAILED)
@pytest.mark.parametrize("how", [{}, {"soft_fail": True}, {"deferrable": True, "soft_fail": True}], ids=str)
def test_the_one_that_failed_fails_for_good_and_is_never_skipped(
    arrive: Callable[..., Any], context: Callable[..., Any], status: str, how: dict[str, Any]
) -> None:
    run = context()
    arrive(status)
    with pytest.raises(AirflowFailException, match=f"deposit aa01 of 25.00000000 USDT ended in {status}"):
        sensor(tx_id="aa01", **how).execute(run)


@pytest.mark.parametrize("status", FAILED)
def test_without_a_transaction_another_one_may_still_come(
    arrive: Callable[..., Any], context: Callable[..., Any], status: str
) -> None:
    run = context()
    arrive(status)
    with pytest.raises(AirflowSensorTimeout):
        sensor().execute(run)
    arrive("SUCCESS", wallet_tx_id="aa02")
    assert sensor().execute(run)["wallet_tx_id"] == "aa02"


def test_a_deposit_that_is_rolled_back_while_it_is_waited_for_fails(
    arrive: Callable[..., Any], exchange: Exchange, context: Callable[..., Any]
) -> None:
    run = context()
    deposit = arrive("PRE_SUCCESS")
    with pytest.raises(TaskDeferred):
        sensor(tx_id="aa01", deferrable=True).execute(run)
    exchange.set_deposit_status(deposit, "ROLLBACK")
    with pytest.raises(AirflowFailException, match="ROLLBACK"):
        sensor(tx_id="aa01").execute(run)


@pytest.mark.parametrize("how", [{"min_amount": "-1"}, {"min_amount": "1e3"}, {"since": "yesterday"}, {"currency": ""}])
def test_bad_input_fails_for_good(context: Callable[..., Any], exchange: Exchange, how: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException):
        sensor(**how, soft_fail=True).execute(context())
    assert len(exchange.requests) == 0


def test_a_float_is_refused_where_the_dag_is_parsed() -> None:
    with pytest.raises(TypeError, match="float"):
        sensor(min_amount=1.5)


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.RESET_AFTER, Fault.EMPTY_PAGE])
def test_kucoins_bad_moments_are_outlasted(
    arrive: Callable[..., Any], exchange: Exchange, context: Callable[..., Any], fault: Fault
) -> None:
    run = context()
    arrive()
    exchange.faults.inject(fault, path="/api/v1/deposits", times=2)
    assert sensor(timeout=20).execute(run)["status"] == "SUCCESS"


def test_a_key_that_is_not_accepted_fails_for_good(exchange: Exchange, context: Callable[..., Any]) -> None:
    exchange.remove_key(exchange.key)
    for how in ({}, {"soft_fail": True}, {"deferrable": True, "soft_fail": True}):
        with pytest.raises(AirflowFailException, match="400003"):
            sensor(**how).execute(context())


def test_many_pages_of_deposits_are_read(arrive: Callable[..., Any], context: Callable[..., Any]) -> None:
    run = context()
    arrive(wallet_tx_id="the-one")
    for number in range(1100):
        arrive(wallet_tx_id=f"n{number}", amount="1")
    assert sensor(tx_id="the-one", timeout=20).execute(run)["amount"] == "25.00000000"


# ------------------------------------------------------------------------------------------------------------- deferred


@pytest.fixture
def resumed(context: Callable[..., Any]) -> Callable[..., Any]:
    """Defer a sensor's wait, and resume it with an event."""

    def resumed(event: dict[str, Any], **how: Any) -> Any:
        run = context()
        with pytest.raises(TaskDeferred) as left:
            sensor(deferrable=True, **how).execute(run)
        json.dumps(left.value.trigger.serialize())
        return sensor(deferrable=True, **how).resume_execution(left.value.method_name, {"event": event}, run)

    return resumed


def test_what_the_trigger_saw_is_handed_on(resumed: Callable[..., Any]) -> None:
    row = {"currency": "USDT", "amount": "1", "status": "SUCCESS", "walletTxId": "x@y", "createdAt": 5}
    found = resumed({"deposit": row})
    assert (found["wallet_tx_id"], found["status"], found["created_at_ms"]) == ("x", "SUCCESS", 5)


def test_a_failure_that_the_trigger_saw_is_never_skipped(resumed: Callable[..., Any]) -> None:
    row = {"currency": "USDT", "amount": "1", "status": "ROLLBACK", "walletTxId": "x", "failureReason": "fork"}
    with pytest.raises(AirflowFailException, match="ended in ROLLBACK: fork"):
        resumed({"failed": row}, soft_fail=True)


def test_a_refusal_that_the_trigger_saw_is_never_skipped(resumed: Callable[..., Any]) -> None:
    with pytest.raises(AirflowFailException, match="400003"):
        resumed({"problem": "400003"}, soft_fail=True)


def test_time_that_is_up_in_the_trigger_fails_or_skips(resumed: Callable[..., Any]) -> None:
    with pytest.raises(AirflowSensorTimeout, match="Last status: PRE_SUCCESS"):
        resumed({"timed_out": "PRE_SUCCESS"})
    with pytest.raises(AirflowSkipException):
        resumed({"timed_out": None}, soft_fail=True)


def test_a_trigger_that_breaks_is_no_reason_to_skip(context: Callable[..., Any]) -> None:
    with pytest.raises(Exception, match=r"rigger|boom") as problem:
        sensor(deferrable=True, soft_fail=True).resume_execution("__fail__", {"error": "boom"}, context())
    assert not isinstance(problem.value, AirflowSkipException)


def test_a_sensor_that_reschedules_keeps_its_since(arrive: Callable[..., Any], context: Callable[..., Any]) -> None:
    run = context(datetime.now(UTC) - timedelta(seconds=5))
    with pytest.raises(AirflowRescheduleException):
        sensor(mode="reschedule", timeout=60).execute(run)
    arrive()
    assert sensor(mode="reschedule", timeout=60).execute(run)["status"] == "SUCCESS"
