"""Fills, orders and closed positions, on the futures host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing.history_limits import ALTERNATIVES, DAY_MS, WEEK_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
PATHS = {
    "futures_fills": "/api/v1/fills",
    "futures_orders": "/api/v1/orders",
    "positions": "/api/v1/history-positions",
    "funding": "/api/v1/funding-history",
}
TIMES = {"positions": "closeTime"}


@pytest.fixture
def listed(ask: Any) -> Callable[..., list[str]]:
    """The symbols of what is listed: what rows are called here."""

    def listed(dataset: str, **params: Any) -> list[str]:
        return [item["symbol"] for item in ask(PATHS[dataset], params, futures=True).data["items"]]

    return listed


def add(exchange: Exchange, dataset: str, name: str, at_ms: int = NOON, **fields: Any) -> None:
    exchange.histories.add(dataset, {TIMES.get(dataset, "createdAt"): at_ms, "symbol": name, **fields})


@pytest.mark.parametrize("dataset", PATHS)
def test_the_spot_host_does_not_know_them(ask: Any, dataset: str) -> None:
    assert ask(PATHS[dataset], {"symbol": "XBTUSDTM"}).code == "404000"


def test_the_futures_host_does_not_know_the_others(ask: Any) -> None:
    assert ask("/api/v1/hf/fills", {"symbol": "BTC-USDT"}, futures=True).code == "404000"


@pytest.mark.parametrize(
    ("dataset", "params"),
    [
        ("futures_fills", {"side": "Buy"}),
        ("futures_fills", {"type": "oco_limit"}),
        ("futures_fills", {"tradeTypes": "trade,gift"}),
        ("futures_orders", {"status": "open"}),
        ("futures_orders", {"type": "stop"}),
        ("futures_orders", {"side": "long"}),
        ("futures_fills", {"startAt": "yesterday"}),
        ("positions", {"from": "yesterday"}),
    ],
)
def test_values_that_are_none_are_refused(ask: Any, dataset: str, params: dict[str, str]) -> None:
    assert ask(PATHS[dataset], params, futures=True).code == "400100"


def test_fills_go_by_symbol_side_type_and_kind(exchange: Exchange, listed: Any) -> None:
    add(exchange, "futures_fills", "A")
    add(exchange, "futures_fills", "B", side="sell")
    add(exchange, "futures_fills", "C", displayType="limit_stop", orderType="limit")
    add(exchange, "futures_fills", "D", tradeType="liquid")
    add(exchange, "futures_fills", "E", tradeType="adl")
    assert sorted(listed("futures_fills")) == ["A", "B", "C", "D", "E"]
    assert listed("futures_fills", symbol="A") == ["A"]
    assert listed("futures_fills", side="sell") == ["B"]
    assert listed("futures_fills", type="limit_stop") == ["C"]
    assert sorted(listed("futures_fills", tradeTypes="adl,liquid")) == ["D", "E"]


def test_who_asks_for_an_order_gets_its_fills_whatever_else_is_said(exchange: Exchange, listed: Any) -> None:
    add(exchange, "futures_fills", "A", NOON - 30 * DAY_MS, orderId="7")
    add(exchange, "futures_fills", "B", NOON - 91 * DAY_MS, orderId="7")
    add(exchange, "futures_fills", "C")
    assert listed("futures_fills", orderId="7", symbol="C", startAt=NOON) == ["A"]


def test_orders_go_by_status_symbol_side_and_type(exchange: Exchange, listed: Any) -> None:
    add(exchange, "futures_orders", "A")
    add(exchange, "futures_orders", "B", side="sell")
    add(exchange, "futures_orders", "C", stop="up", type="market")
    add(exchange, "futures_orders", "D", isActive=True, status="open")
    assert sorted(listed("futures_orders")) == sorted(listed("futures_orders", status="done")) == ["A", "B", "C"]
    assert listed("futures_orders", status="active") == ["D"]
    assert listed("futures_orders", symbol="A") == ["A"]
    assert listed("futures_orders", side="sell") == ["B"]
    assert listed("futures_orders", type="market_stop") == ["C"]
    assert listed("futures_orders", type="market") == []
    assert listed("futures_orders", type="oco_stop") == []


# --- time ---


def test_a_long_range_of_fills_loses_its_end_without_a_word(exchange: Exchange, listed: Any) -> None:
    for name, days in (("A", 1), ("B", 5), ("C", 9)):
        add(exchange, "futures_fills", name, NOON - days * DAY_MS)
    assert listed("futures_fills", startAt=NOON - 9 * DAY_MS, endAt=NOON) == ["B", "C"]
    exchange.readings.history_limits["futures_fills"] = ALTERNATIVES["futures_fills"][1]
    assert listed("futures_fills", startAt=NOON - 9 * DAY_MS, endAt=NOON) == ["A", "B"]


def test_or_it_is_refused(exchange: Exchange, ask: Any) -> None:
    long = {"startAt": NOON - WEEK_MS - 1, "endAt": NOON}
    assert ask(PATHS["futures_fills"], long, futures=True).code == "200000"
    exchange.readings.history_limits["futures_fills"] = ALTERNATIVES["futures_fills"][0]
    assert ask(PATHS["futures_fills"], long, futures=True).code == "400100"


def test_a_long_range_of_closed_orders_is_refused_and_of_open_ones_not(
    exchange: Exchange, listed: Any, ask: Any
) -> None:
    long = {"startAt": NOON - 300 * DAY_MS, "endAt": NOON}
    assert ask(PATHS["futures_orders"], long, futures=True).code == "400100"
    add(exchange, "futures_orders", "A", NOON - 299 * DAY_MS, isActive=True)
    assert listed("futures_orders", status="active", **long) == listed("futures_orders", status="active") == ["A"]


@pytest.mark.parametrize("dataset", ["futures_fills", "futures_orders"])
def test_one_bound_alone_means_a_day(exchange: Exchange, listed: Any, dataset: str) -> None:
    for name, hours in (("A", 1), ("B", 30), ("C", 60)):
        add(exchange, dataset, name, NOON - hours * DAY_MS // 24)
    assert listed(dataset, startAt=NOON - 60 * DAY_MS // 24) == ["C"]
    assert listed(dataset, endAt=NOON) == ["A"]


@pytest.mark.parametrize("dataset", ["futures_fills", "futures_orders"])
def test_three_months_are_kept(exchange: Exchange, listed: Any, dataset: str) -> None:
    add(exchange, dataset, "A", NOON - 90 * DAY_MS)
    add(exchange, dataset, "B", NOON - 90 * DAY_MS - 1)
    assert listed(dataset, startAt=NOON - 91 * DAY_MS, endAt=NOON - 89 * DAY_MS) == ["A"]


def test_positions_go_by_symbol_and_the_time_of_closing(exchange: Exchange, listed: Any) -> None:
    add(exchange, "positions", "A", NOON - 400 * DAY_MS)
    add(exchange, "positions", "B", NOON, openTime=NOON - DAY_MS)
    assert listed("positions") == ["B", "A"]
    assert listed("positions", symbol="A") == ["A"]
    assert listed("positions", **{"from": NOON - DAY_MS + 1, "to": NOON}) == ["B"]
    assert listed("positions", to=NOON - 1) == ["A"]


def test_fills_may_be_bounded_by_the_time_of_trade(exchange: Exchange, listed: Any) -> None:
    add(exchange, "futures_fills", "A", NOON + 100, tradeTime=(NOON - 83) * 1_000_000 + 999_999)
    window = {"startAt": NOON - 83, "endAt": NOON}
    assert listed("futures_fills", **window) == []
    exchange.readings.futures_fills_bounded_by = "tradeTime"
    assert listed("futures_fills", **window) == ["A"]


@pytest.mark.parametrize(("reading", "expected"), [("createdAt", "A"), ("updatedAt", "B"), ("endAt", "C")])
def test_orders_may_be_bounded_by_any_of_their_times(
    exchange: Exchange, listed: Any, reading: Any, expected: str
) -> None:
    exchange.readings.futures_orders_bounded_by = reading
    times = ("createdAt", "updatedAt", "endAt")
    for number, name in enumerate("ABC"):
        inside = {time: NOON - (0 if number == place else DAY_MS) for place, time in enumerate(times)}
        exchange.histories.add("futures_orders", {"symbol": name, **inside})
    assert listed("futures_orders", startAt=NOON, endAt=NOON + 1) == [expected]


def test_an_order_that_has_not_ended_is_where_it_was_made(exchange: Exchange, listed: Any) -> None:
    exchange.readings.futures_orders_bounded_by = "endAt"
    add(exchange, "futures_orders", "A", endAt=None)
    assert listed("futures_orders", startAt=NOON, endAt=NOON) == ["A"]


def test_an_order_and_a_fill_may_change_after_they_were_seen(exchange: Exchange, listed: Any, ask: Any) -> None:
    add(exchange, "futures_orders", "A", id="1", dealSize=0)
    exchange.histories.replace("futures_orders", {"id": "1"}, {"dealSize": 7})
    (order,) = ask(PATHS["futures_orders"], futures=True).data["items"]
    assert order["dealSize"] == 7
    add(exchange, "futures_fills", "B", NOON - DAY_MS // 2)
    assert listed("futures_fills") == ["B"]
    exchange.histories.remove("futures_fills", {"symbol": "B"})
    assert listed("futures_fills") == []
