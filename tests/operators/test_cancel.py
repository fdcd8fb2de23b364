"""Cancelling: what still can be is, what cannot is reported, and what came of it is looked at rather than assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kucoin.operators.withdrawal import KucoinCancelWithdrawalOperator
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange


@pytest.fixture
def sent(payment: Callable[..., Any], rich: Exchange) -> Any:
    """A withdrawal in PROCESSING."""
    payment().run()
    return rich.withdrawals[0]


def cancel(withdrawal_id: str, **how: Any) -> dict[str, Any]:
    operator = KucoinCancelWithdrawalOperator(task_id="cancel", withdrawal_id=withdrawal_id, **how)
    result: dict[str, Any] = operator.execute({})  # type: ignore[typeddict-item]
    return result


def deletes(exchange: Exchange) -> int:
    return sum(record.method == "DELETE" for record in exchange.requests)


def test_what_is_processing_is_cancelled_and_its_money_is_back(sent: Any, rich: Exchange) -> None:
    report = cancel(sent.id)
    assert report == {
        "withdrawal_id": sent.id,
        "cancelled": True,
        "status_before": "PROCESSING",
        "status": "FAILURE",
        "cancel_type": "NON_CANCELABLE",
        "return_status": "SUCCESS",
        "reason": "KuCoin took the request",
    }
    assert rich.balances.available("USDT", "main") == 1000


def test_a_cancellation_that_takes_its_time_is_reported_as_it_stands(sent: Any, rich: Exchange) -> None:
    rich.readings.cancel_ms = 60_000
    report = cancel(sent.id)
    assert (report["cancelled"], report["status"], report["cancel_type"]) == (True, "PROCESSING", "CANCELING")


@pytest.mark.parametrize("status", ["REVIEW", "WALLET_PROCESSING", "SUCCESS", "FAILURE", "UNHEARD_OF"])
def test_what_is_not_processing_is_not_cancelled_and_not_even_tried(sent: Any, rich: Exchange, status: str) -> None:
    rich.set_status(sent.id, status)
    with pytest.raises(AirflowFailException, match=f"was not cancelled.*status {status}"):
        cancel(sent.id)
    report = cancel(sent.id, fail_if_not_cancelable=False)
    assert (report["cancelled"], report["status"], deletes(rich)) == (False, status, 0)


def test_what_left_in_the_meantime_is_reported(sent: Any, rich: Exchange) -> None:
    injection = rich.faults.inject(Fault.SLOW, method="DELETE", seconds=0.0)
    strikes = injection.strikes

    def settle_first(request: Any) -> bool:
        if struck := strikes(request):
            rich.set_status(sent.id, "WALLET_PROCESSING")
        return struck

    type(injection).strikes, was = (
        (lambda self, request: settle_first(request) if self is injection else was(self, request)),
        type(injection).strikes,
    )
    try:
        report = cancel(sent.id, fail_if_not_cancelable=False)
    finally:
        type(injection).strikes = was
    assert (report["cancelled"], report["status"]) == (False, "WALLET_PROCESSING")
    assert "400100" in report["reason"]


@pytest.mark.parametrize(("fault", "cancelled"), [(Fault.RESET_AFTER, True), (Fault.RESET_BEFORE, False)])
def test_a_lost_answer_is_resolved_by_looking(sent: Any, rich: Exchange, fault: Fault, *, cancelled: bool) -> None:
    rich.faults.inject(fault, method="DELETE")
    report = cancel(sent.id, fail_if_not_cancelable=False)
    assert report["cancelled"] is cancelled
    assert deletes(rich) == 1


@pytest.mark.parametrize("status", ["PROCESSING", "CANCELLED"])
def test_whatever_status_a_cancelled_one_gets_is_reported(sent: Any, rich: Exchange, status: str) -> None:
    rich.readings.status_after_cancel = status
    report = cancel(sent.id)
    assert (report["cancelled"], report["status"]) == (True, status)


def test_a_key_without_permission_is_refused_for_good(sent: Any, rich: Exchange) -> None:
    from dataclasses import replace

    rich.replace_key(replace(rich.key, permissions=("General",)))
    with pytest.raises(AirflowFailException, match="400007"):
        cancel(sent.id)


@pytest.mark.parametrize("wrong", ["", "../hf/orders", "abc/..", "a b", "?"])
def test_what_is_no_id_is_asked_about_nowhere(sent: Any, rich: Exchange, wrong: str) -> None:
    rich.requests.clear()
    with pytest.raises(AirflowFailException, match="is not an id of KuCoin's"):
        cancel(wrong)
    assert len(rich.requests) == 0
    assert sent.status == "PROCESSING"


def test_an_unknown_id_is_refused_for_good(sent: Any) -> None:
    with pytest.raises(AirflowFailException, match="does not exist"):
        cancel("0" * len(sent.id))
