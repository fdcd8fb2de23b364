"""The trigger that waits for a deposit."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.api.deposits import expected
from airflow_provider_kucoin.testing import Fault
from airflow_provider_kucoin.triggers.deposit import KucoinDepositTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange


@pytest.fixture
def trigger(fast: Exchange) -> Callable[..., KucoinDepositTrigger]:
    """A wait for a deposit of USDT from now on."""

    def trigger(timeout: float | None = 15.0, **wanted: Any) -> KucoinDepositTrigger:
        given = {"currency": "USDT", "since_ms": fast.now_ms() - 1000, **wanted}
        return KucoinDepositTrigger(expected(**given).as_dict(), "kucoin_default", poll_interval=0.03, timeout=timeout)

    return trigger


def arrive(exchange: Exchange, status: str = "SUCCESS", **fields: Any) -> Any:
    return exchange.deposit(
        **{"currency": "USDT", "amount": "25", "wallet_tx_id": "aa01@T", "status": status, **fields}
    )


async def after(seconds: float, do: Callable[[], object]) -> None:
    await asyncio.sleep(seconds)
    do()


def test_it_ends_when_the_deposit_arrives(fast: Exchange, trigger: Callable[..., Any], run: Callable[..., Any]) -> None:
    event, _ = run(trigger(), after(0.1, lambda: arrive(fast)))
    assert event["deposit"]["amount"] == "25.00000000"
    json.dumps(event)


def test_a_provisional_credit_is_waited_out(
    fast: Exchange, trigger: Callable[..., Any], run: Callable[..., Any]
) -> None:
    deposit = arrive(fast, "PRE_SUCCESS")
    event, _ = run(trigger(), after(0.2, lambda: fast.set_deposit_status(deposit, "SUCCESS")))
    assert event["deposit"]["status"] == "SUCCESS"


@pytest.mark.parametrize("status", ["FAILURE", "ROLLBACK", "TRM_MGT_REJECTED", "RISK_MGT_REJECTED"])
def test_the_one_that_is_rolled_back_or_rejected_ends_it(
    fast: Exchange, trigger: Callable[..., Any], run: Callable[..., Any], status: str
) -> None:
    deposit = arrive(fast, "PRE_SUCCESS")
    event, _ = run(trigger(tx_id="aa01"), after(0.1, lambda: fast.set_deposit_status(deposit, status)))
    assert event["failed"]["status"] == status


def test_without_a_transaction_the_next_one_is_waited_for(
    fast: Exchange, trigger: Callable[..., Any], run: Callable[..., Any]
) -> None:
    arrive(fast, "ROLLBACK")
    event, _ = run(trigger(), after(0.1, lambda: arrive(fast, wallet_tx_id="aa02")))
    assert event["deposit"]["walletTxId"] == "aa02"


def test_it_gives_up_when_time_is_up(fast: Exchange, trigger: Callable[..., Any], run: Callable[..., Any]) -> None:
    assert run(trigger(timeout=0.2)) == {"timed_out": None}
    arrive(fast, "WAIT_RISK_MGT")
    # Long enough for a look on a machine that is busy.
    assert run(trigger(timeout=2.0)) == {"timed_out": "WAIT_RISK_MGT"}


def test_it_can_be_made_again_from_what_it_is_stored_as(trigger: Callable[..., Any], fast: Exchange) -> None:
    path, arguments = trigger(min_amount="0.1", tx_id="x", address="y").serialize()
    assert path == "airflow_provider_kucoin.triggers.deposit.KucoinDepositTrigger"
    again = KucoinDepositTrigger(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)
    assert fast.key.secret not in json.dumps(arguments)


@pytest.mark.parametrize(
    "fault", [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.RESET_AFTER, Fault.EMPTY_PAGE, Fault.CLOCK_SKEW]
)
def test_it_survives_kucoins_bad_moments(
    fast: Exchange, trigger: Callable[..., Any], run: Callable[..., Any], fault: Fault
) -> None:
    arrive(fast)
    fast.faults.inject(fault, path="/api/v1/deposits", times=3)
    assert run(trigger())["deposit"]["status"] == "SUCCESS"


def test_a_refusal_to_be_asked_is_an_event(
    fast: Exchange, trigger: Callable[..., Any], run: Callable[..., Any]
) -> None:
    fast.remove_key(fast.key)
    assert "400003" in run(trigger())["problem"]


@pytest.mark.parametrize("when", [0.0, 0.002, 0.05])
def test_one_that_is_cancelled_leaves_nothing_behind(
    trigger: Callable[..., Any], run: Callable[..., Any], first_event: Callable[[Any], Any], when: float
) -> None:
    async def work() -> None:
        task = asyncio.ensure_future(first_event(trigger()))
        await asyncio.sleep(when)
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)

    run(work())
