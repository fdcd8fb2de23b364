"""Waiting for a withdrawal until it arrives, fails, or time is up; nothing hides a failure."""

from __future__ import annotations

import json
import threading
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

from airflow_provider_kucoin.sensors.withdrawal import KucoinWithdrawalSensor
from airflow_provider_kucoin.testing import Fault, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange


def sensor(withdrawal: Any, **how: Any) -> KucoinWithdrawalSensor:
    given = {"poke_interval": 0.01, "exponential_backoff": False, "timeout": 20, **how}
    return KucoinWithdrawalSensor(task_id="wait", withdrawal_id=getattr(withdrawal, "id", withdrawal), **given)


@pytest.fixture
def resumed(context: Callable[..., Any], exchange: Exchange) -> Callable[..., Any]:
    """Defer a sensor's wait, and resume it with an event, through a serialisation as between processes."""

    def resumed(withdrawal: Any, event: dict[str, Any] | None = None, **how: Any) -> Any:
        with pytest.raises(TaskDeferred) as left:
            sensor(withdrawal, deferrable=True, **how).execute(context())
        if event is None:
            from airflow_provider_kucoin.hooks.kucoin import KucoinHook

            event = {"withdrawal": KucoinHook().get_withdrawal(withdrawal.id)}
        assert left.value.kwargs is None or left.value.kwargs == {}
        assert len(exchange.requests)
        again = sensor(withdrawal, deferrable=True, **how)
        return again.resume_execution(left.value.method_name, {"event": json.loads(json.dumps(event))}, context())

    return resumed


# -------------------------------------------------------------------------------------------------------------- success


def test_a_settled_withdrawal_is_handed_on(sent: Any, exchange: Exchange, context: Callable[..., Any]) -> None:
    exchange.settle(sent.id, wallet_tx_id="ab01@TAddress")
    assert sensor(sent).execute(context()) == {
        "withdrawal_id": sent.id,
        "status": "SUCCESS",
        "currency": "USDT",
        "amount": "10.50000000",
        "fee": "1.00000000",
        "chain": "trx",
        "address": sent.address,
        "remark": "afx",
        "wallet_tx_id": "ab01",
    }


def test_a_withdrawal_is_poked_until_it_is_settled(sent: Any, exchange: Exchange, context: Callable[..., Any]) -> None:
    sent.steps = [Step("REVIEW", looks=1), Step("WALLET_PROCESSING", looks=1), Step("SUCCESS", looks=1)]
    assert sensor(sent).execute(context())["status"] == "SUCCESS"
    assert len([one for one in exchange.requests if one.path.endswith(sent.id) and one.code == "200000"]) == 4


@pytest.mark.parametrize("how", [{"deferrable": True}, {}, {"mode": "reschedule"}], ids=str)
def test_what_is_settled_already_ends_at_once(
    sent: Any, exchange: Exchange, context: Callable[..., Any], how: dict[str, Any]
) -> None:
    exchange.settle(sent.id)
    assert sensor(sent, **how).execute(context())["status"] == "SUCCESS"


def test_a_sensor_that_reschedules_gives_its_slot_back(sent: Any, context: Callable[..., Any]) -> None:
    with pytest.raises(AirflowRescheduleException) as later:
        sensor(sent, mode="reschedule", poke_interval=30).execute(context())
    assert timedelta(seconds=25) < later.value.reschedule_date - datetime.now(UTC) < timedelta(seconds=35)


def test_the_time_between_pokes_grows_fourfold_at_the_most(sent: Any) -> None:
    made = KucoinWithdrawalSensor(task_id="wait", withdrawal_id=sent.id)
    assert (made.poke_interval, made.exponential_backoff, made.max_wait) == (30, True, timedelta(seconds=120))
    made = KucoinWithdrawalSensor(task_id="wait", withdrawal_id=sent.id, poke_interval=timedelta(minutes=1))
    assert (made.poke_interval, made.max_wait) == (60, timedelta(minutes=4))


def test_a_deferred_sensor_looks_once_and_tells_the_trigger_what_it_saw(sent: Any, context: Callable[..., Any]) -> None:
    with pytest.raises(TaskDeferred) as left:
        sensor(sent, deferrable=True, timeout=600).execute(context())
    path, arguments = left.value.trigger.serialize()
    assert path == "airflow_provider_kucoin.triggers.withdrawal.KucoinWithdrawalTrigger"
    assert arguments["created_at_ms"] == sent.created_at_ms // 1000 * 1000
    assert (arguments["withdrawal_id"], arguments["currency"], arguments["timeout"]) == (sent.id, "USDT", 600)
    json.dumps(arguments)


def test_a_deferred_sensor_hands_on_what_the_trigger_saw(
    sent: Any, exchange: Exchange, context: Callable[..., Any]
) -> None:
    with pytest.raises(TaskDeferred) as left:
        sensor(sent, deferrable=True).execute(context())
    exchange.settle(sent.id)
    from airflow_provider_kucoin.hooks.kucoin import KucoinHook

    event = {"withdrawal": KucoinHook().get_withdrawal(sent.id)}
    result = sensor(sent, deferrable=True).resume_execution(left.value.method_name, {"event": event}, context())
    assert result == sensor(sent).execute(context())


# -------------------------------------------------------------------------------------------------------------- failure

SOFT = [{}, {"soft_fail": True}]


@pytest.mark.parametrize("how", [*SOFT, *({**soft, "mode": "reschedule"} for soft in SOFT)], ids=str)
def test_a_failure_fails_at_once_with_kucoins_reason_and_is_never_skipped(
    sent: Any, exchange: Exchange, context: Callable[..., Any], how: dict[str, Any]
) -> None:
    exchange.fail(sent.id, "AML", "declined by a bank")
    with pytest.raises(AirflowFailException, match=f"withdrawal {sent.id} .*FAILURE: AML: declined by a bank"):
        sensor(sent, **how).execute(context())


@pytest.mark.parametrize("how", SOFT, ids=str)
def test_a_failure_seen_by_the_trigger_is_never_skipped(
    sent: Any, resumed: Callable[..., Any], how: dict[str, Any]
) -> None:
    event = {"withdrawal": {"id": sent.id, "status": "FAILURE", "failureReason": "AML"}}
    with pytest.raises(AirflowFailException, match="AML"):
        resumed(sent, event, **how)


@pytest.mark.parametrize("how", SOFT, ids=str)
@pytest.mark.parametrize("deferrable", [True, False])
def test_a_failure_seen_before_deferring_is_never_skipped(
    sent: Any, exchange: Exchange, context: Callable[..., Any], how: dict[str, Any], *, deferrable: bool
) -> None:
    exchange.fail(sent.id)
    with pytest.raises(AirflowFailException, match="KuCoin gave no reason"):
        sensor(sent, deferrable=deferrable, **how).execute(context())


@pytest.mark.parametrize("how", SOFT, ids=str)
def test_a_refusal_to_be_asked_fails_for_good_and_is_never_skipped(
    sent: Any, exchange: Exchange, context: Callable[..., Any], resumed: Callable[..., Any], how: dict[str, Any]
) -> None:
    with pytest.raises(AirflowFailException, match="400003"):
        resumed(sent, {"problem": "KuCoin code 400003"}, **how)
    exchange.remove_key(exchange.key)
    with pytest.raises(AirflowFailException, match="400003"):
        sensor(sent, **how).execute(context())


@pytest.mark.parametrize("wrong", ["", "../accounts", "None?"])
def test_what_is_no_id_fails_for_good(exchange: Exchange, sent: Any, context: Callable[..., Any], wrong: str) -> None:
    with pytest.raises(AirflowFailException, match="is not an id"):
        sensor(wrong, soft_fail=True).execute(context())
    assert sent
    assert len(exchange.requests) == 0


# ----------------------------------------------------------------------------------------------------------- time is up


@pytest.mark.parametrize("status", ["REVIEW", "PENDING_MARS_LANDING"])
def test_time_that_is_up_fails_with_the_last_status(
    sent: Any, exchange: Exchange, context: Callable[..., Any], resumed: Callable[..., Any], status: str
) -> None:
    exchange.set_status(sent.id, status)
    with pytest.raises(AirflowSensorTimeout, match=f"Last status: {status}"):
        sensor(sent, timeout=0.05).execute(context())
    with pytest.raises(AirflowSensorTimeout, match=f"Last status: {status}"):
        sensor(sent, timeout=60, mode="reschedule").execute(context(datetime.now(UTC) - timedelta(minutes=2)))
    with pytest.raises(AirflowSensorTimeout, match=f"it goes on at KuCoin. Last status: {status}"):
        resumed(sent, {"timed_out": status})


def test_soft_fail_is_for_time_that_is_up(sent: Any, context: Callable[..., Any], resumed: Callable[..., Any]) -> None:
    with pytest.raises(AirflowSkipException):
        sensor(sent, timeout=0.05, soft_fail=True).execute(context())
    with pytest.raises(AirflowSkipException):
        resumed(sent, {"timed_out": "REVIEW"}, soft_fail=True)


@pytest.mark.parametrize("soft_fail", [True, False])
def test_a_trigger_that_breaks_is_no_reason_to_skip(sent: Any, context: Callable[..., Any], *, soft_fail: bool) -> None:
    """Airflow says so by resuming with `__fail__`."""

    made = sensor(sent, deferrable=True, soft_fail=soft_fail)
    with pytest.raises(Exception, match=r"rigger|boom") as problem:
        made.resume_execution("__fail__", {"error": "Trigger failure", "traceback": ["boom"]}, context())
    assert not isinstance(problem.value, AirflowSkipException)


def test_an_unlisted_status_is_waited_out_with_a_warning(
    sent: Any,
    exchange: Exchange,
    context: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exchange.set_status(sent.id, "UNHEARD_OF")
    threading.Timer(0.1, lambda: exchange.settle(sent.id)).start()
    assert sensor(sent).execute(context())["status"] == "SUCCESS"
    assert "UNHEARD_OF is not a listed status" in caplog.text + "".join(capsys.readouterr())


# ---------------------------------------------------------------------------------------------------------- bad moments


@pytest.mark.parametrize(
    "fault",
    [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.RESET_AFTER, Fault.HTML_BODY, Fault.NULL_DATA,
     Fault.CLOCK_SKEW, Fault.TRUNCATED_JSON],
    ids=lambda fault: fault.name,
)  # fmt: skip
@pytest.mark.parametrize("soft_fail", [True, False])
def test_kucoins_bad_moments_are_outlasted(
    sent: Any, exchange: Exchange, context: Callable[..., Any], fault: Fault, *, soft_fail: bool
) -> None:
    sent.steps = [Step("SUCCESS", looks=2)]
    injection = exchange.faults.inject(fault, path=f"/api/v1/withdrawals/{sent.id}", times=2)
    assert sensor(sent, soft_fail=soft_fail).execute(context())["status"] == "SUCCESS"
    assert injection.hits == 2


@pytest.mark.parametrize("unknown", ["refused", "null"])
def test_a_withdrawal_that_shows_late_is_waited_for(
    sent: Any, exchange: Exchange, context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, unknown: Any
) -> None:
    from airflow_provider_kucoin.api import calls

    monkeypatch.setattr(calls.Retry, "__init__", _hasty(calls.Retry.__init__))
    exchange.readings.unknown_withdrawal = unknown
    exchange.readings.history_lag_ms = 300
    sent.steps = [Step("SUCCESS", looks=1)]
    assert sensor(sent).execute(context())["status"] == "SUCCESS"


def _hasty(init: Any) -> Any:
    def hasty(self: Any, attempts: int = 2, first_pause: float = 0.01, longest_pause: float = 0.02) -> None:
        init(self, attempts, first_pause, longest_pause)

    return hasty


# -------------------------------------------------------------------------------------------------------------- Airflow


def test_the_id_can_be_templated_with_what_the_operator_returns(
    sent: Any, exchange: Exchange, context: Callable[..., Any]
) -> None:
    exchange.settle(sent.id)
    made = sensor("{{ params.paid['withdrawal_id'] }}")
    made.render_template_fields({"params": {"paid": {"withdrawal_id": sent.id}}})  # type: ignore[typeddict-item]
    assert made.execute(context())["withdrawal_id"] == sent.id


def test_the_environment_decides_what_is_deferrable_by_default(sent: Any) -> None:
    assert KucoinWithdrawalSensor(task_id="wait", withdrawal_id=sent.id).deferrable is False
