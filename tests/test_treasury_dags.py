"""
The examples that move money: their shape, and how they reconcile.

A real Airflow runs them in tests/deployment/test_examples.py.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server

EXAMPLES = Path(__file__).parents[1] / "dags_examples"
WALLET = "TNPeeaaFB7K9cmo4uQpcU32zGK8G1NYqeL"


@pytest.fixture(scope="module")
def treasury() -> dict[str, Any]:
    """What the treasury example defines."""
    return runpy.run_path(str(EXAMPLES / "example_kucoin_treasury.py"))


@pytest.fixture
def reconcile(
    treasury: dict[str, Any], server: Server, connect: Callable[..., dict[str, Any]]
) -> Callable[..., dict[str, str]]:
    """The example's reconciliation, as a function, on a connection to the exchange."""
    connect(server.connection())
    found: Callable[..., dict[str, str]] = treasury["reconcile"].function
    return found


@pytest.fixture
def withdrawn(exchange: Exchange) -> Any:
    """A settled withdrawal of 250 USDT with a fee of 1, of a minute ago, which the ledger does not show."""
    return exchange.add_withdrawal(
        currency="USDT",
        chain="trx",
        address=WALLET,
        amount="250",
        fee="1",
        created_at_ms=exchange.now_ms() - 60_000,
        wallet_tx_id="a0",
    )


def _book(exchange: Exchange, withdrawal_id: str, amount: str, **changes: Any) -> dict[str, Any]:
    fields = {
        "created_at": exchange.now_ms() - 30_000,
        "currency": "USDT",
        "amount": amount,
        "fee": "1",
        "direction": "out",
        "biz_type": "Withdrawal",
        "context": f'{{"orderId":"{withdrawal_id}","txId":"a0"}}',
        **changes,
    }
    return exchange.book(**fields)


def test_money_is_withdrawn_only_after_a_person_was_shown_the_rehearsal(treasury: dict[str, Any]) -> None:
    chain, task = [], treasury["dag"].get_task("sweep")
    while task:
        chain.append(task.task_id)
        task = next(iter(task.downstream_list), None)
    assert chain == ["sweep", "rehearse", "approve", "withdraw", "settled", "reconcile"]
    assert treasury["dag"].get_task("rehearse").only_rehearse
    assert not treasury["dag"].get_task("withdraw").only_rehearse
    assert treasury["dag"].get_task("approve").defaults == ["Reject"]


def test_a_withdrawal_that_the_ledger_shows_reconciles(
    reconcile: Callable[..., dict[str, str]], exchange: Exchange, withdrawn: Any
) -> None:
    row = _book(exchange, withdrawn.id, "251")
    _book(exchange, "somebody-elses", "7")
    found = reconcile({"withdrawal_id": withdrawn.id})
    assert (found["ledger_row"], found["debited"]) == (row["id"], "251")


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([], id="no-row"),
        pytest.param([{"context": ""}], id="row-without-an-id"),
        pytest.param([{"direction": "in"}], id="money-that-came-back"),
        pytest.param([{"biz_type": "Transfer"}], id="another-business"),
    ],
)
def test_a_withdrawal_that_the_ledger_does_not_show_yet_is_looked_for_again(
    rows: list[dict[str, Any]], reconcile: Callable[..., dict[str, str]], exchange: Exchange, withdrawn: Any
) -> None:
    for changes in rows:
        _book(exchange, withdrawn.id, "251", **changes)
    with pytest.raises(AirflowException, match=f"does not show withdrawal {withdrawn.id}") as failure:
        reconcile({"withdrawal_id": withdrawn.id})
    assert not isinstance(failure.value, AirflowFailException)  # Airflow tries again


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        pytest.param(["250"], r"taken 251\.0+ USDT, fee included; the ledger has 250 in 1 rows", id="too-little"),
        pytest.param(["251.000001"], "the ledger has 251.000001 in 1 rows", id="too-much"),
        pytest.param(["251", "251"], "the ledger has 502 in 2 rows", id="twice"),
    ],
)
def test_a_ledger_that_tells_another_story_fails_at_once_and_names_both(
    amounts: list[str], said: str, reconcile: Callable[..., dict[str, str]], exchange: Exchange, withdrawn: Any
) -> None:
    for amount in amounts:
        _book(exchange, withdrawn.id, amount)
    with pytest.raises(AirflowFailException, match=said):
        reconcile({"withdrawal_id": withdrawn.id})


def test_every_payout_is_paid_and_waited_for_by_a_task_of_its_own() -> None:
    dag = runpy.run_path(str(EXAMPLES / "example_kucoin_payouts.py"))["dag"]
    pay, settled = dag.get_task("pay"), dag.get_task("settled")
    assert (pay.is_mapped, settled.is_mapped) == (True, True)
    assert settled.partial_kwargs["deferrable"] is True
    payouts = dag.get_task("payouts").python_callable()
    assert all(isinstance(value, str) for payout in payouts for value in payout.values())
