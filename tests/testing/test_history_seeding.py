"""Seeded histories look lived in, and hold what a reader can stumble over."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import Exchange
from airflow_provider_kucoin.testing.histories import DATASETS, HISTORIES

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86_400_000
START = 1_769_990_400_000
OLD_START = 1_550_448_000_000 - 2 * DAY
NUMBERED = [name for name in HISTORIES if name not in ("funding", "lending_redemptions")]


def span(dataset: str) -> tuple[int, int]:
    start = OLD_START if dataset.startswith("hist_") else START
    return start, start + 2 * DAY


def seeded(dataset: str, rows: int = 900, **options: Any) -> list[dict[str, Any]]:
    exchange = Exchange()
    assert exchange.histories.seed(dataset, *span(dataset), rows=rows, **options) == rows
    return exchange.histories.rows(dataset, *span(dataset))


def times(dataset: str, rows: list[dict[str, Any]]) -> list[int]:
    return [row[next(iter(HISTORIES[dataset].times))] for row in rows]


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name != "lending_redemptions"])
def test_as_many_rows_as_wanted_are_in_the_range(dataset: str) -> None:
    assert len(seeded(dataset, 90)) == 90


@pytest.mark.parametrize("dataset", ["spot_fills", "interest", "funding", "klines", "positions"])
def test_the_same_seed_gives_the_same_rows(dataset: str) -> None:
    assert seeded(dataset, 90) == seeded(dataset, 90)
    assert seeded(dataset, 90) != seeded(dataset, 90, seed=8)


@pytest.mark.parametrize("dataset", NUMBERED)
def test_both_edges_of_the_range_have_rows(dataset: str) -> None:
    found = times(dataset, seeded(dataset))
    assert found[:2] == [START] * 2
    assert found[-2:] == [START + 2 * DAY - 1] * 2


@pytest.mark.parametrize("dataset", NUMBERED)
def test_rows_share_a_millisecond_where_a_page_ends(dataset: str) -> None:
    history = HISTORIES[dataset]
    page = history.style.most
    about = history.seeding.among[0]
    found = times(dataset, seeded(dataset, 3 * page + 17, among=[about]))[::-1]
    for end in (page, 2 * page):
        assert len(set(found[end - 4 : end + 4])) == 1
        assert found[end - 5] != found[end + 4]


def test_several_symbols_have_rows_and_the_first_one_most() -> None:
    counts = Counter(row["symbol"] for row in seeded("spot_fills"))
    assert counts == {"BTC-USDT": 450, "ETH-USDT": 150, "KCS-USDT": 150, "SHIB-USDT": 150}
    assert {row["symbol"] for row in seeded("spot_fills", among=[{"symbol": "A-B"}])} == {"A-B"}


def texts(row: dict[str, Any]) -> Iterator[str]:
    return (value for value in row.values() if isinstance(value, str))


@pytest.mark.parametrize("dataset", [name for name in DATASETS if not name.startswith("hist_")])
def test_amounts_have_more_digits_than_a_float_keeps(dataset: str) -> None:
    lost = 0
    for row in seeded(dataset, 90):
        for value in (*texts(row), *(value for value in row.values() if isinstance(value, Decimal))):
            try:
                lost += Decimal(str(float(value))) != Decimal(value)
            except (ValueError, ArithmeticError):
                continue
    assert lost >= 20


def test_funding_has_numbers_with_exponents_and_of_both_signs() -> None:
    rows = seeded("funding", 200)
    assert any(row["funding"] < 0 for row in rows)
    assert any(row["funding"] > 0 for row in rows)
    assert any(0 < abs(row["fundingRate"]) < Decimal("0.001") for row in rows)
    assert {row["timePoint"] % (8 * 3_600_000) for row in rows} == {0}


def test_some_fills_of_makers_have_negative_fees() -> None:
    fees = {row["liquidity"]: row["fee"][0] == "-" for row in seeded("futures_fills", 200)}
    assert fees == {"maker": True, "taker": False}


@pytest.mark.parametrize(("dataset", "doubled"), [("interest", True), ("borrow", False), ("spot_fills", False)])
def test_rows_without_ids_are_sometimes_there_twice(dataset: str, *, doubled: bool) -> None:
    counts = Counter(str(row) for row in seeded(dataset))
    assert (max(counts.values()) > 1) is doubled


def test_ids_and_times_are_more_than_a_float_keeps() -> None:
    assert all(int(float(row["tradeId"])) != row["tradeId"] for row in seeded("spot_fills", 50))
    fills = seeded("futures_fills", 50)
    assert any(int(float(row["tradeTime"])) != row["tradeTime"] for row in fills)


def test_old_deposits_name_the_place_in_the_transaction() -> None:
    rows = seeded("hist_deposits", 90)
    assert any((row["walletTxId"] or "").count("@") == 2 for row in rows)
    assert all("id" not in row for row in rows)


def test_old_lists_cannot_have_what_came_later() -> None:
    for dataset in ("hist_deposits", "hist_withdrawals"):
        with pytest.raises(ValueError, match="2019-02-18"):
            Exchange().histories.seed(dataset, START, START + DAY, rows=1)


def test_deposits_and_withdrawals_that_are_seeded_move_no_money() -> None:
    exchange = Exchange()
    for dataset in ("deposits", "withdrawals"):
        exchange.histories.seed(dataset, START, START + DAY, rows=50)
    assert list(exchange.balances.of(exchange.key.uid)) == []
    assert list(exchange.entries(0, 1 << 60)) == []


def test_candles_are_where_candles_can_be_and_have_gaps() -> None:
    rows = seeded("klines", 400, among=[{"symbol": "BTC-USDT", "type": "5min"}])
    found = [int(row["time"]) for row in rows]
    assert found == sorted(set(found))
    assert {time % 300 for time in found} == {0}
    assert (found[0], found[-1]) == (START // 1000, START // 1000 + 2 * 86400 - 300)
    assert len(found) < 2 * 86400 // 300
    for row in rows:
        prices = [Decimal(row[name]) for name in ("low", "open", "close", "high")]
        assert min(prices) == prices[0]
        assert max(prices) == prices[3]


def test_there_is_at_most_one_candle_for_an_interval() -> None:
    exchange = Exchange()
    assert exchange.histories.seed("klines", START, START + DAY, rows=999, among=[{"type": "1hour"}]) == 24
    assert exchange.histories.seed("klines", START, START + DAY, rows=1, among=[{"type": "1day"}]) == 1


def test_nothing_can_be_seeded_into_no_time() -> None:
    histories = Exchange().histories
    with pytest.raises(ValueError, match="range of time"):
        histories.seed("spot_fills", START, START)
    with pytest.raises(ValueError, match="multiple"):
        histories.seed("funding", START + 1, START + 2, rows=1)
    assert histories.seed("spot_fills", START, START + 1, rows=0) == 0
