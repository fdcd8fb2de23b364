"""Seeded rows of the ledgers with running balances look lived in."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_kucoin.testing import Exchange

DAY_MS = 86_400_000
DAY = 1_769_990_400_000
LEDGERS = ("trade_hf", "margin_hf", "futures", "unified")
PAGES = {"trade_hf": 200, "margin_hf": 200, "futures": 50}


def seeded(ledger: str, start: int, end: int, rows_per_day: int = 900, seed: int = 7) -> list[dict[str, Any]]:
    exchange = Exchange(clock=lambda: end)
    count = exchange.seed_ledger(start, end, rows_per_day=rows_per_day, seed=seed, ledger=ledger)
    rows = list(exchange.entries(start, end, ledger=ledger))
    assert len(rows) == count
    return rows


def time_of(row: dict[str, Any]) -> int:
    return int(row.get("createdAt") or row.get("time") or row["ts"] // 1_000_000)


def balance_of(row: dict[str, Any]) -> Decimal:
    return Decimal(row.get("balance", row.get("accountEquity")))


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_day_is_the_same_whatever_the_range(ledger: str) -> None:
    day = seeded(ledger, DAY, DAY + DAY_MS)
    assert day == seeded(ledger, DAY, DAY + DAY_MS)
    assert day != seeded(ledger, DAY, DAY + DAY_MS, seed=8)
    two = seeded(ledger, DAY, DAY + 2 * DAY_MS)
    assert two[: len(day)] == day
    afternoon = seeded(ledger, DAY + DAY_MS // 2, DAY + DAY_MS)
    assert afternoon == [row for row in day if time_of(row) >= DAY + DAY_MS // 2]  # balances included


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_day_has_about_the_rows_asked_for_and_both_of_its_edges(ledger: str) -> None:
    rows = seeded(ledger, DAY, DAY + DAY_MS)
    assert 900 <= len(rows) <= 910
    assert (time_of(rows[0]), time_of(rows[-1])) == (DAY, DAY + DAY_MS - 1)


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_a_day_may_have_few_rows(ledger: str, count: int) -> None:
    assert count <= len(seeded(ledger, DAY, DAY + DAY_MS, rows_per_day=count)) <= count + 3


@pytest.mark.parametrize("ledger", sorted(PAGES))
def test_pages_end_between_rows_of_one_millisecond(ledger: str) -> None:
    times = [time_of(row) for row in seeded(ledger, DAY, DAY + DAY_MS)][::-1]
    ends = range(PAGES[ledger], len(times) - 20, PAGES[ledger])
    assert any(times[end - 1] == times[end] for end in ends)


@pytest.mark.parametrize("ledger", LEDGERS)
def test_no_balance_is_ever_negative(ledger: str) -> None:
    assert min(balance_of(row) for row in seeded(ledger, DAY + 5_000_000, DAY + 2 * DAY_MS)) >= 0


@pytest.mark.parametrize("ledger", ["trade_hf", "margin_hf"])
def test_trades_share_their_order_and_time(ledger: str) -> None:
    rows = [row for row in seeded(ledger, DAY, DAY + DAY_MS) if "tradeId" in (row["context"] or "")]
    trades = Counter(row["context"] for row in rows)
    assert set(trades.values()) == {2, 3}
    assert len({(row["context"], row["createdAt"]) for row in rows}) == len(trades)


def test_every_type_of_unified_account_has_rows() -> None:
    kinds = {row["accountType"] for row in seeded("unified", DAY, DAY + DAY_MS)}
    assert kinds == {"UNIFIED", "FUNDING", "SPOT", "FUTURES", "CROSS", "ISOLATED"}


def test_margin_rows_are_of_cross_and_of_isolated_accounts() -> None:
    rows = seeded("margin_hf", DAY, DAY + DAY_MS)
    assert {row["accountType"] for row in rows} == {"MARGIN_V2", "ISOLATED_V2"}
    exchanged = {row["accountType"] for row in rows if row["bizType"] == "ISOLATED_EXCHANGE"}
    assert exchanged == {"ISOLATED_V2"}


@pytest.mark.parametrize("ledger", LEDGERS)
def test_after_seeding_the_live_balances_are_the_last_rows(ledger: str) -> None:
    exchange = Exchange(clock=lambda: DAY + DAY_MS)
    exchange.seed_ledger(DAY, DAY + DAY_MS, rows_per_day=300, ledger=ledger)
    last = {}
    for row in exchange.entries(DAY, DAY + DAY_MS, ledger=ledger):
        last[row.get("accountType", ""), row["currency"]] = balance_of(row)
    names = {"TRADE_HF": "trade", "": "contract", "MARGIN_V2": "margin_v2", "UNIFIED": "unified"}
    compared = 0
    for (kind, currency), balance in last.items():
        if kind in names:
            assert exchange.balances.balance(currency, names[kind]) == balance
            compared += 1
    assert compared >= 3


def test_where_ids_do_not_rise_seeded_ones_do_not_either() -> None:
    exchange = Exchange(clock=lambda: DAY + DAY_MS)
    exchange.readings.ids_rise_with_time = False
    exchange.seed_ledger(DAY, DAY + DAY_MS, rows_per_day=300, ledger="trade_hf")
    ids = [int(row["id"]) for row in exchange.entries(DAY, DAY + DAY_MS, ledger="trade_hf")]
    assert ids != sorted(ids)
    assert len(set(ids)) == len(ids)


def test_each_currency_may_count_its_offsets_from_one() -> None:
    exchange = Exchange(clock=lambda: DAY + DAY_MS)
    exchange.readings.offsets = "per_currency"
    exchange.seed_ledger(DAY, DAY + DAY_MS, rows_per_day=300, ledger="futures")
    rows = list(exchange.entries(DAY, DAY + DAY_MS, ledger="futures"))
    offsets = [row["offset"] for row in rows if row["currency"] == "XBT"]
    assert offsets == list(range(1, len(offsets) + 1))
