"""The examples that move money, run by a real Airflow; people answer over its API."""

from __future__ import annotations

import re
from typing import Any

TRADE, MAIN = 500, 1000


def _end(airflow: Any, tools: Any, run_id: str) -> str:
    state: str = tools.until(f"the end of {run_id}", lambda: airflow.run_state(run_id))
    return state


def _balances(airflow: Any) -> tuple[str, str]:
    balances = airflow.exchanges["kucoin_default"].exchange.balances
    return balances.get("USDT", "trade").balance, balances.get("USDT", "main").balance


def _check_paid(airflow: Any, run_id: str, address: str) -> Any:
    """Check what a treasury run did, and return its withdrawal."""
    exchange = airflow.exchanges["kucoin_default"].exchange
    paid = airflow.xcom(run_id, "withdraw")
    [withdrawal] = [one for one in exchange.withdrawals if one.remark == paid["marker"]]
    assert (withdrawal.id, withdrawal.address, withdrawal.status) == (paid["withdrawal_id"], address, "SUCCESS")
    assert airflow.xcom(run_id, "settled")["wallet_tx_id"] == withdrawal.wallet_tx_id
    checked = airflow.xcom(run_id, "reconcile")
    assert (checked["withdrawal_id"], checked["debited"]) == (withdrawal.id, f"{withdrawal.amount + 1:f}")
    return withdrawal


def test_a_rejected_withdrawal_is_not_sent_and_an_approved_one_is_sent_settled_and_found_in_the_ledger(
    airflow_3: Any, tools: Any
) -> None:
    exchange = airflow_3.exchanges["kucoin_default"].exchange
    before = len(exchange.withdrawals)
    # One run at a time, as the example has it: the second waits for the first.
    for run_id, amount in (("rejected", "20"), ("approved", "30.5")):
        airflow_3.trigger("kucoin_treasury", run_id, {"sweep": "100", "amount": amount})

    airflow_3.answer("kucoin_treasury", "rejected", "approve", "Reject")
    assert _end(airflow_3, tools, "rejected") == "success"
    done = dict.fromkeys(("sweep", "rehearse", "approve"), "success")
    skipped = dict.fromkeys(("withdraw", "settled", "reconcile"), "skipped")
    assert airflow_3.states("rejected") == {**done, **skipped}
    assert len(exchange.withdrawals) == before

    question = airflow_3.answer("kucoin_treasury", "approved", "approve", "Approve")
    assert "cold-wallet" in question
    assert tools.WALLET in question
    assert re.search(r"\| amount \| 30\.5 USDT \|", question)
    assert re.search(r"\| fee \| 1 USDT \|", question)
    assert re.search(r"\| \*\*arrives\*\* \| \*\*30\.5 USDT\*\* \|", question)
    assert _end(airflow_3, tools, "approved") == "success", airflow_3.logs()
    assert str(_check_paid(airflow_3, "approved", tools.WALLET).amount) == "30.5"
    assert len(exchange.withdrawals) == before + 1
    assert _balances(airflow_3) == ("300", "1168.5")  # 2 x 100 swept, 30.5 and the fee withdrawn


def test_every_payout_of_a_list_is_paid_once_and_waited_for_in_the_triggerer(airflow_3: Any, tools: Any) -> None:
    exchange = airflow_3.exchanges["kucoin_default"].exchange
    airflow_3.trigger("kucoin_payouts", "payday", {})
    assert _end(airflow_3, tools, "payday") == "success", airflow_3.logs()
    _check_payouts(airflow_3, tools, exchange, "payday")


def _check_payouts(airflow: Any, tools: Any, exchange: Any, run_id: str) -> None:
    alice, bob = (tools.BOOK[name]["address"] for name in ("alice", "bob"))
    paid = [(one.address, str(one.amount)) for one in exchange.withdrawals if one.address in {alice, bob}]
    assert paid == [(alice, "12.5"), (bob, "40"), (alice, "12.5")]
    query = "select map_index, state from task_instance where run_id = ? and task_id = 'settled' order by map_index"
    assert airflow.rows(query, run_id) == [(0, "success"), (1, "success"), (2, "success")]


# ------------------------------------------------------------------------------------------- without human-in-the-loop


def test_the_examples_run_on_an_airflow_without_human_in_the_loop(airflow_2: Any, tools: Any) -> None:
    exchange = airflow_2.exchanges["kucoin_default"].exchange
    airflow_2.trigger_all("kucoin_payouts", {"payday": {}})
    airflow_2.trigger_all("kucoin_treasury", {"by-hand": {"sweep": "100", "amount": "30.5"}})
    tools.until("the question", lambda: airflow_2.states("by-hand").get("approve") == "up_for_reschedule")
    assert not [one for one in exchange.withdrawals if one.address == tools.WALLET]
    airflow_2.mark("kucoin_treasury", "by-hand", "approve", "success")
    assert _end(airflow_2, tools, "by-hand") == "success", airflow_2.logs()
    assert str(_check_paid(airflow_2, "by-hand", tools.WALLET).amount) == "30.5"
    assert _end(airflow_2, tools, "payday") == "success", airflow_2.logs()
    _check_payouts(airflow_2, tools, exchange, "payday")
    assert _balances(airflow_2) == ("400", "1000.5")  # 100 swept; 30.5, 12.5, 40 and 12.5 withdrawn, each with a fee


def test_every_module_can_be_imported_without_what_newer_airflows_have(airflow_2: Any) -> None:
    script = (
        "import importlib, pkgutil, re, airflow_provider_kucoin as root\n"
        "names = [one.name for one in pkgutil.walk_packages(root.__path__, 'airflow_provider_kucoin.')]\n"
        "names = [name for name in names if not re.search('[.](lake|transfers|plugin|__main__)', name)]\n"
        "[importlib.import_module(name) for name in names]\n"
        "print(len(names))\n"
    )
    assert int(airflow_2.run("python", "-c", script).splitlines()[-1]) > 50
