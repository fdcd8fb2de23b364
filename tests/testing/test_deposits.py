"""Money that comes in: GET /api/v1/deposits and GET /api/v3/deposit-addresses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import ApiKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

DEPOSITS = "/api/v1/deposits"
ADDRESSES = "/api/v3/deposit-addresses"


@pytest.fixture
def listed(ask: Any) -> Callable[..., list[dict[str, Any]]]:
    return lambda **params: ask(DEPOSITS, {"currency": "USDT", **params}).data["items"]


def test_a_deposit_is_listed_and_credited(exchange: Exchange, listed: Any, ledger: Any, clock: Any) -> None:
    clock.now_ms += 123
    made = exchange.deposit(currency="USDT", amount="5", chain="trx", address="T", wallet_tx_id="tx")
    (item,) = listed()
    assert (item["amount"], item["chain"], item["walletTxId"]) == ("5.00000000", "trx", "tx")
    assert item["createdAt"] == clock.now_ms - 123
    assert "id" not in item
    assert exchange.balances.get("USDT", "main").available == "5"
    (row,) = ledger(bizType="DEPOSIT").data["items"]
    assert json.loads(row["context"]) == {"orderId": made.id, "txId": "tx"}


def test_deposits_may_have_ids_and_chain_names(exchange: Exchange, listed: Any) -> None:
    exchange.readings.deposit_rows_have_id, exchange.readings.deposit_chain = True, "name"
    made = exchange.deposit(currency="USDT", amount="5", chain="trx")
    assert [(item["id"], item["chain"]) for item in listed()] == [(made.id, "TRC20")]


def test_the_ledger_may_have_no_rows_of_deposits(exchange: Exchange, ledger: Any) -> None:
    exchange.readings.deposits_booked = False
    exchange.deposit(currency="USDT", amount="5")
    assert ledger().ids == []


def test_a_deposit_is_credited_early_and_may_be_rolled_back(exchange: Exchange, listed: Any, ledger: Any) -> None:
    made = exchange.deposit(currency="USDT", amount="5", status="PROCESSING")
    seen = []
    for status in ("PROCESSING", "PRE_SUCCESS", "SUCCESS", "ROLLBACKING", "ROLLBACK"):
        exchange.set_deposit_status(made, status)
        seen.append((listed()[0]["status"], str(exchange.balances.available("USDT", "main"))))
    assert seen == [
        ("PROCESSING", "0"),
        ("PRE_SUCCESS", "5"),
        ("SUCCESS", "5"),
        ("ROLLBACKING", "0"),
        ("ROLLBACK", "0"),
    ]
    assert [row["direction"] for row in ledger().data["items"]] == ["out", "in"]


def test_deposits_go_by_currency_status_time_and_user(exchange: Exchange, listed: Any, ask: Any, clock: Any) -> None:
    for _ in range(2):
        exchange.deposit(currency="USDT", amount="5")
        clock.now_ms += 1000
    exchange.deposit(currency="USDT", amount="6", status="FAILURE", created_at_ms=clock.now_ms - 5000)
    assert len(listed()) == 3
    assert [item["amount"] for item in listed(status="FAILURE")] == ["6.00000000"]
    assert [item["createdAt"] for item in listed(startAt=clock.now_ms - 1000)] == [clock.now_ms - 1000]
    assert [item["amount"] for item in listed(endAt=clock.now_ms - 3000)] == ["6.00000000"]
    assert listed(currency="BTC") == []
    other = exchange.add_key(ApiKey("other", "secret", "phrase", uid=2))
    assert ask(DEPOSITS, {"currency": "USDT"}, key=other).data["items"] == []


@pytest.mark.parametrize("params", [{}, {"currency": "USDT", "status": "PRE_SUCCESS"}])
def test_deposits_are_asked_for_as_documented(ask: Any, params: dict[str, str]) -> None:
    assert ask(DEPOSITS, params).code == "400100"


def test_a_deposit_into_the_trade_account(exchange: Exchange) -> None:
    exchange.deposit(currency="USDT", amount="5", account="trade")
    assert exchange.balances.get("USDT", "trade").available == "5"


def test_deposit_addresses_are_those_that_there_are(exchange: Exchange, ask: Any) -> None:
    assert ask(ADDRESSES, {"currency": "USDT"}).data == []
    exchange.add_deposit_address("USDT", "trx", "T1")
    exchange.add_deposit_address("USDT", "ton", "EQ", memo="7", to="TRADE")
    exchange.add_deposit_address("BTC", "btc", "1B")
    exchange.add_deposit_address("USDT", "trx", "T2", uid=2)
    assert [found["address"] for found in ask(ADDRESSES, {"currency": "USDT"}).data] == ["T1", "EQ"]
    (found,) = ask(ADDRESSES, {"currency": "USDT", "chain": "ton"}).data
    assert (found["memo"], found["to"], found["chainName"]) == ("7", "TRADE", "TON")


def test_deposit_addresses_need_a_currency_and_a_chain_that_exists(exchange: Exchange, ask: Any) -> None:
    assert ask(ADDRESSES).code == "400100"
    assert ask(ADDRESSES, {"currency": "USDT", "chain": "moon"}).code == "900014"
    with pytest.raises(KeyError):
        exchange.add_deposit_address("USDT", "moon", "M")
