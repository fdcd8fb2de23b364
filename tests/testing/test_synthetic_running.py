"""Multitudes with balances: what is computed is what adding up gives."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import exact_json
from airflow_provider_kucoin.testing.ledger import Filter
from airflow_provider_kucoin.testing.running import Chain
from airflow_provider_kucoin.testing.synthetic_running import SyntheticRunning

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
HOUR = 3_600_000
START = NOON - 60 * HOUR
ACCOUNTS = {"trade_hf": "trade", "futures": "contract"}


def change(row: dict[str, Any]) -> Decimal:
    return Decimal(row["amount"]) * (-1 if row.get("direction") == "out" else 1)


def balance(row: dict[str, Any]) -> Decimal:
    return Decimal(row.get("balance", row.get("accountEquity")))


@pytest.mark.parametrize("ledger", ["trade_hf", "futures"])
@pytest.mark.parametrize("count", [10_000, 997 * 3, 997 * 5 + 1])
def test_every_row_goes_on_from_the_one_before_it(exchange: Exchange, ledger: str, count: int) -> None:
    exchange.synthesize_ledger(START, NOON, rows=count, ledger=ledger)
    last: dict[str, Decimal] = {}
    rows = 0
    for row in exchange.entries(START, NOON, ledger=ledger):
        rows += 1
        if row["currency"] in last:
            assert last[row["currency"]] + change(row) == balance(row)
        last[row["currency"]] = balance(row)
        assert balance(row) >= 0
    assert rows == count
    for currency, amount in last.items():
        assert exchange.balances.balance(currency, ACCOUNTS[ledger]) == amount


@pytest.mark.parametrize("ledger", ["trade_hf", "futures"])
def test_far_along_it_still_adds_up(ledger: str) -> None:
    many = SyntheticRunning(ledger, 0, 10_000_000, 30_000_000, seed=3)
    turn = 997 * 10_007  # where amounts start again
    for first in (turn - 50, 29_990_000):
        rows = [exact_json.decode(text) for text in many.texts(range(first, first + 1200))]
        last: dict[str, Decimal] = {}
        for row in rows:
            if row["currency"] in last:
                assert last[row["currency"]] + change(row) == balance(row)
            last[row["currency"]] = balance(row)
    assert many.closing()[Chain(ACCOUNTS[ledger], "USDT")] > 0


def test_later_rows_go_on_from_its_last_balance(exchange: Exchange) -> None:
    exchange.synthesize_ledger(START, NOON - HOUR, rows=3_000, ledger="trade_hf")
    before = exchange.balances.balance("USDT", "trade")
    row = exchange.book(ledger="trade_hf", created_at=NOON - HOUR, amount="1")
    assert Decimal(row["balance"]) == before + 1
    assert exchange.balances.balance("USDT", "trade") == before + 1


def test_its_balances_are_fixed(exchange: Exchange) -> None:
    exchange.synthesize_ledger(START, NOON, rows=3_000, ledger="trade_hf")
    with pytest.raises(ValueError, match="after its last row"):
        exchange.book(ledger="trade_hf", created_at=NOON - 1)
    with pytest.raises(ValueError, match="must come first"):
        exchange.synthesize_ledger(START, NOON, rows=3, ledger="trade_hf")
    exchange.book(ledger="futures", created_at=NOON)
    with pytest.raises(ValueError, match="must come first"):
        exchange.synthesize_ledger(START, NOON, rows=3, ledger="futures")


def test_three_rows_to_a_millisecond_are_the_most(exchange: Exchange) -> None:
    exchange.synthesize_ledger(NOON - 100, NOON, rows=300, ledger="trade_hf")
    with pytest.raises(ValueError, match="at most 3 rows"):
        SyntheticRunning("trade_hf", NOON - 100, NOON, 301, seed=1)
    with pytest.raises(ValueError, match="no synthetic ledger"):
        SyntheticRunning("margin_hf", NOON - 100, NOON, 3, seed=1)


def paged(ask: Any, path: str, params: dict[str, Any]) -> list[int]:
    found: list[int] = []
    while True:
        page = ask(path, {**params, "limit": 200, **({"lastId": found[-1]} if found else {})}).data
        found += [int(row["id"]) for row in page]
        if len(page) < 200:
            return found


@pytest.mark.parametrize("params", [{}, {"currency": "BTC"}, {"direction": "out"}, {"bizType": "TRANSFER"}])
def test_paged_it_is_what_it_is(exchange: Exchange, ask: Any, params: dict[str, str]) -> None:
    exchange.synthesize_ledger(START, NOON, rows=5_000, ledger="trade_hf")
    exchange.book(ledger="trade_hf", created_at=NOON, currency="BTC", direction="out", biz_type="TRANSFER")
    truth = [
        int(row["id"])
        for row in exchange.entries(0, NOON + 1, ledger="trade_hf")
        if all(row[name] == value for name, value in params.items())
    ]
    assert paged(ask, "/api/v1/hf/accounts/ledgers", params) == truth[::-1]
    assert truth


def test_of_a_multitude_only_three_days_are_served(exchange: Exchange, ask: Any) -> None:
    exchange.synthesize_ledger(NOON - 144 * HOUR, NOON, rows=6_000, ledger="trade_hf")
    served = paged(ask, "/api/v1/hf/accounts/ledgers", {"startAt": NOON - 144 * HOUR, "endAt": NOON})
    kept = [int(row["id"]) for row in exchange.entries(NOON - 72 * HOUR, NOON, ledger="trade_hf")]
    assert served == kept[::-1]
    assert len(served) == 3_000


def test_a_multitude_costs_nothing_to_have_and_little_to_page(exchange: Exchange, ask: Any) -> None:
    exchange.synthesize_ledger(START, NOON, rows=10_000_000, ledger="futures")
    (row,) = ask("/api/v1/transaction-history", {"maxCount": 1}, futures=True).data["dataList"]
    page = ask("/api/v1/transaction-history", {"offset": row["offset"]}, futures=True).data
    assert (len(page["dataList"]), page["hasMore"]) == (50, True)


def test_a_filter_is_counted_without_looking_at_rows() -> None:
    many = SyntheticRunning("futures", 0, 10_000_000, 30_000_000, seed=3)
    only = Filter(currencies=frozenset({"XBT"}))
    view = many.view(0, 10_000_000, only)
    assert 0 < len(view) < 30_000_000
    assert {exact_json.decode(text)["currency"] for text in view.texts(1_000_000, 1_000_050)} == {"XBT"}
