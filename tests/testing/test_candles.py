"""GET /api/v1/market/candles: seconds, lists of text, and 1,500 at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

PATH = "/api/v1/market/candles"


@pytest.fixture
def times(ask: Any) -> Callable[..., list[int]]:
    def times(**params: Any) -> list[int]:
        candles = ask(PATH, {"symbol": "BTC-USDT", "type": "1min", **params}).data
        return [int(candle[0]) // 60 for candle in candles]

    return times


def add(exchange: Exchange, *minutes: int, **fields: str) -> None:
    for minute in minutes:
        exchange.histories.add("klines", {"time": str(minute * 60), **fields})


def test_a_candle_is_a_list_of_seven_texts(exchange: Exchange, ask: Any) -> None:
    row = {"time": "60", "open": "1", "close": "2", "high": "3", "low": "0.5", "volume": "9", "turnover": "18"}
    exchange.histories.add("klines", row)
    assert ask(PATH, {"symbol": "BTC-USDT", "type": "1min"}).data == [["60", "1", "2", "3", "0.5", "9", "18"]]
    assert exchange.histories.rows("klines") == [{"symbol": "BTC-USDT", "type": "1min", **row}]


def test_candles_need_no_key(exchange: Exchange, ask: Any) -> None:
    add(exchange, 1)
    headers = {"KC-API-KEY": None, "KC-API-SIGN": None}
    assert len(ask(PATH, {"symbol": "BTC-USDT", "type": "1min"}, headers=headers).data) == 1


def test_candles_are_newest_first_and_may_have_gaps(exchange: Exchange, times: Any) -> None:
    add(exchange, 5, 1, 3)
    assert times() == [5, 3, 1]


def test_candles_go_by_symbol_and_type(exchange: Exchange, times: Any) -> None:
    add(exchange, 1)
    add(exchange, 2, symbol="ETH-USDT")
    add(exchange, 60, type="1hour")
    assert (times(), times(symbol="ETH-USDT"), times(type="1hour"), times(symbol="A-B")) == ([1], [2], [60], [])


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"symbol": "BTC-USDT"},
        {"type": "1min"},
        {"symbol": "BTC-USDT", "type": "2min"},
        {"symbol": "BTC-USDT", "type": "1min", "startAt": "x"},
        {"symbol": "BTC-USDT", "type": "1min", "startAt": 2, "endAt": 1},
    ],
)
def test_bad_questions_are_refused(ask: Any, params: dict[str, Any]) -> None:
    assert ask(PATH, params).code == "400100"


def test_a_range_is_in_seconds_with_its_start_and_perhaps_its_end(exchange: Exchange, times: Any) -> None:
    add(exchange, 1, 2, 3, 4)
    assert times(startAt=120, endAt=240) == [3, 2]
    exchange.readings.candle_end_inclusive = True
    assert times(startAt=120, endAt=240) == [4, 3, 2]
    assert times(startAt=120 * 1000, endAt=240 * 1000) == []


def test_nought_is_no_bound(exchange: Exchange, times: Any) -> None:
    add(exchange, 1, 2, 3)
    assert times(startAt=0, endAt=0) == [3, 2, 1]
    assert times(startAt=120, endAt=0) == [3, 2]
    assert times(startAt=0, endAt=120) == [1]


def test_at_most_1500_candles_come_the_newest_or_the_oldest(exchange: Exchange, times: Any) -> None:
    add(exchange, *range(1, 1602))
    assert times() == list(range(1601, 101, -1))
    exchange.readings.candles_kept = "oldest"
    assert times() == list(range(1500, 0, -1))
    assert times(startAt=1600 * 60) == [1601, 1600]
