"""A payment that waits until it is settled, on the worker or deferred, and what does not stop when it is killed."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_kucoin.testing import Fault, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
WALK = (Step("REVIEW"), Step("PROCESSING", looks=1), Step("WALLET_PROCESSING", looks=1), Step("SUCCESS", looks=1))
WAITING: dict[str, Any] = {"wait_for_completion": True, "poll_interval": 0.01, "timeout": 20.0}


@pytest.fixture
def deferred(payment: Callable[..., Any]) -> Callable[..., tuple[Any, TaskDeferred]]:
    """A payment that has been made and deferred."""

    def deferred(**parameters: Any) -> tuple[Any, TaskDeferred]:
        task = payment(**{**WAITING, "deferrable": True, **parameters})
        with pytest.raises(TaskDeferred) as caught:
            task.run()
        return task, caught.value

    return deferred


def test_a_payment_is_waited_for_on_the_worker(payment: Callable[..., Any], rich: Exchange) -> None:
    rich.life_cycle = WALK
    result = payment(**WAITING).run()
    assert (result["status"], result["fee"]) == ("SUCCESS", "1.00000000")
    assert result["wallet_tx_id"] == rich.withdrawals[0].wallet_tx_id


def test_a_payment_that_fails_while_it_is_waited_for_fails_with_kucoins_reason(
    payment: Callable[..., Any], rich: Exchange
) -> None:
    rich.life_cycle = (Step("REVIEW"), Step("FAILURE", looks=2, reason="AML", message="declined"))
    task = payment(**WAITING)
    with pytest.raises(AirflowFailException, match=r"AML: declined \(returned: SUCCESS, 11\.5"):
        task.run()
    with pytest.raises(AirflowFailException, match="AML"):
        task.run()
    assert len(rich.withdrawals) == 1


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.RESET_BEFORE, Fault.HTML_BODY])
def test_kucoins_bad_moments_are_outlasted(payment: Callable[..., Any], rich: Exchange, fault: Fault) -> None:
    rich.life_cycle = (Step("REVIEW"), Step("SUCCESS", looks=3))
    task = payment(**WAITING)
    made = task.make()
    task.try_number = 1
    really_wait = made._wait

    def wait(result: dict[str, Any]) -> Any:
        rich.faults.inject(fault, path=f"/api/v1/withdrawals/{result['withdrawal_id']}", times=5)
        return really_wait(result)

    made._wait = wait
    assert made.execute(task.context())["status"] == "SUCCESS"


@pytest.mark.parametrize("status", ["REVIEW", "QUANTUM_CHECK"])
def test_who_waits_too_long_fails_for_good_with_the_last_status(
    payment: Callable[..., Any], rich: Exchange, status: str
) -> None:
    rich.life_cycle = (Step(status),)
    task = payment(**{**WAITING, "timeout": 0.1})
    with pytest.raises(AirflowFailException, match=f"was not settled.*it goes on at KuCoin.*{status}"):
        task.run()
    assert len(rich.withdrawals) == 1


def test_a_key_that_is_revoked_while_it_waits_is_not_retried(payment: Callable[..., Any], rich: Exchange) -> None:
    task = payment(**WAITING)
    made = task.make()
    task.try_number = 1
    really_wait = made._wait

    def wait(result: dict[str, Any]) -> Any:
        rich.remove_key(rich.key)
        return really_wait(result)

    made._wait = wait
    with pytest.raises(AirflowFailException, match="400003"):
        made.execute(task.context())


def test_a_worker_that_dies_while_it_waits_is_followed_by_one_that_goes_on_waiting(
    payment: Callable[..., Any], rich: Exchange
) -> None:
    task = payment(**WAITING)
    made = task.make()
    task.try_number = 1

    class Killed(BaseException):
        """Nothing in between can catch it."""

    def wait(_: object) -> None:
        raise Killed

    made._wait = wait
    with pytest.raises(Killed):
        made.execute(task.context())
    threading.Timer(0.1, lambda: rich.settle(rich.withdrawals[0].id)).start()
    assert task.run()["status"] == "SUCCESS"
    assert len(rich.withdrawals) == 1


# ------------------------------------------------------------------------------------------------------------- deferred


def test_a_deferred_payment_hands_over_what_the_trigger_needs_and_no_secret(
    deferred: Callable[..., Any], rich: Exchange
) -> None:
    _, leave = deferred()
    path, arguments = leave.trigger.serialize()
    assert path == "airflow_provider_kucoin.triggers.withdrawal.KucoinWithdrawalTrigger"
    assert arguments["withdrawal_id"] == rich.withdrawals[0].id
    text = json.dumps([arguments, leave.kwargs])
    assert not [secret for secret in (rich.key.key, rich.key.secret, rich.key.passphrase) if secret in text]
    assert leave.method_name == "execute_complete"


def test_a_deferred_payment_that_is_settled_ends_with_all_that_is_known(
    deferred: Callable[..., Any], rich: Exchange
) -> None:
    task, leave = deferred()
    rich.settle(rich.withdrawals[0].id, wallet_tx_id="ff00")
    row = task.make().hook.get_withdrawal(rich.withdrawals[0].id)
    result = task.make().execute_complete(task.context(), event={"withdrawal": row}, **leave.kwargs)
    assert result == {**leave.kwargs["result"], "status": "SUCCESS", "fee": "1.00000000", "wallet_tx_id": "ff00"}


def test_a_deferred_payment_that_fails_fails_for_good(deferred: Callable[..., Any], rich: Exchange) -> None:
    task, leave = deferred()
    rich.fail(rich.withdrawals[0].id, "AML")
    row = task.make().hook.get_withdrawal(rich.withdrawals[0].id)
    with pytest.raises(AirflowFailException, match="AML"):
        task.make().execute_complete(task.context(), event={"withdrawal": row}, **leave.kwargs)


@pytest.mark.parametrize(
    ("event", "words"),
    [({"timed_out": "REVIEW"}, "Last status: REVIEW"), ({"problem": "400003 no such key"}, "was sent; 400003")],
)
def test_a_deferred_payment_that_is_not_settled_is_neither_skipped_nor_succeeded(
    deferred: Callable[..., Any], event: dict[str, Any], words: str
) -> None:
    task, leave = deferred()
    with pytest.raises(AirflowFailException, match=words):
        task.make().execute_complete(task.context(), event=event, **leave.kwargs)


def test_a_payment_that_is_settled_at_once_is_not_deferred(payment: Callable[..., Any], rich: Exchange) -> None:
    rich.life_cycle = (Step("SUCCESS"),)
    assert payment(**WAITING, deferrable=True).run()["status"] == "SUCCESS"


def test_a_cleared_payment_that_was_deferred_goes_on_waiting_and_pays_nothing(
    deferred: Callable[..., Any], rich: Exchange
) -> None:
    task, leave = deferred()
    with pytest.raises(TaskDeferred) as again:
        task.run()
    assert again.value.kwargs == leave.kwargs
    assert len(rich.withdrawals) == 1


# -------------------------------------------------------------------------------------------------------------- killing


def test_whoever_kills_the_task_does_not_cancel_the_money(
    deferred: Callable[..., Any], rich: Exchange, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    task, _ = deferred()
    made = task.make()
    made.on_kill()
    assert "was not cancelled" in caplog.text + "".join(capsys.readouterr())
    assert [record for record in rich.requests if record.method == "DELETE"] == []
    assert rich.withdrawals[0].status == "PROCESSING"
