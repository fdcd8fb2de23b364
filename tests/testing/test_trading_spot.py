"""Fills and closed orders of spot and margin: by symbol, and of the last three days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing.history_limits import ALTERNATIVES, DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
PATHS = {
    "spot_fills": "/api/v1/hf/fills",
    "spot_orders": "/api/v1/hf/orders/done",
    "margin_fills": "/api/v3/hf/margin/fills",
    "margin_orders": "/api/v3/hf/margin/orders/done",
}
TIMES = {"spot_fills": "createdAt", "margin_fills": "createdAt"}


@pytest.fixture
def listed(ask: Any) -> Callable[..., list[str]]:
    """The prices of what is listed: what rows are called here."""

    def listed(dataset: str, **params: Any) -> list[str]:
        wanted = {"symbol": "BTC-USDT", "tradeType": "MARGIN_TRADE", "limit": 100, **params}
        data = ask(PATHS[dataset], wanted).data
        return [item["price"] for item in data["items"]]

    return listed


def add(exchange: Exchange, dataset: str, name: str, at_ms: int = NOON, **fields: Any) -> None:
    exchange.histories.add(dataset, {TIMES.get(dataset, "lastUpdatedAt"): at_ms, "price": name, **fields})


@pytest.mark.parametrize("dataset", PATHS)
def test_a_symbol_is_required(ask: Any, dataset: str) -> None:
    assert ask(PATHS[dataset], {"tradeType": "MARGIN_TRADE"}).code == "400100"
    assert ask(PATHS[dataset], {"tradeType": "MARGIN_TRADE", "symbol": ""}).code == "400100"


@pytest.mark.parametrize("dataset", ["margin_fills", "margin_orders"])
def test_margin_asks_for_its_kind(ask: Any, dataset: str) -> None:
    for kind, code in ((None, "400100"), ("TRADE", "400100"), ("MARGIN_ISOLATED_TRADE", "200000")):
        params = {"symbol": "BTC-USDT"} | ({} if kind is None else {"tradeType": kind})
        assert ask(PATHS[dataset], params).code == code


@pytest.mark.parametrize("dataset", PATHS)
@pytest.mark.parametrize("params", [{"side": "Buy"}, {"type": "stop"}, {"limit": "many"}])
def test_values_that_are_none_are_refused(ask: Any, dataset: str, params: dict[str, str]) -> None:
    wanted = {"symbol": "BTC-USDT", "tradeType": "MARGIN_TRADE", **params}
    assert ask(PATHS[dataset], wanted).code == "400100"


@pytest.mark.parametrize("dataset", PATHS)
def test_rows_go_by_symbol_side_and_type(exchange: Exchange, listed: Any, dataset: str) -> None:
    add(exchange, dataset, "a")
    add(exchange, dataset, "b", side="sell")
    add(exchange, dataset, "c", type="market")
    add(exchange, dataset, "d", symbol="ETH-USDT")
    assert sorted(listed(dataset)) == ["a", "b", "c"]
    assert listed(dataset, side="sell") == ["b"]
    assert listed(dataset, type="market") == ["c"]
    assert listed(dataset, type="market", side="sell") == []
    assert listed(dataset, symbol="ETH-USDT") == ["d"]


@pytest.mark.parametrize("dataset", ["margin_fills", "margin_orders"])
def test_cross_and_isolated_margin_are_listed_apart(exchange: Exchange, listed: Any, dataset: str) -> None:
    add(exchange, dataset, "cross")
    add(exchange, dataset, "isolated", tradeType="MARGIN_ISOLATED_TRADE")
    assert listed(dataset) == ["cross"]
    assert listed(dataset, tradeType="MARGIN_ISOLATED_TRADE") == ["isolated"]


@pytest.mark.parametrize("dataset", ["spot_fills", "margin_fills"])
def test_who_asks_for_an_order_gets_its_fills_whatever_else_is_said(
    exchange: Exchange, listed: Any, dataset: str
) -> None:
    order = "6717422bd51c29000775ea03"
    add(exchange, dataset, "a", NOON - DAY_MS, orderId=order, side="sell")
    add(exchange, dataset, "b", NOON - 4 * DAY_MS, orderId=order)
    add(exchange, dataset, "c")
    assert listed(dataset, orderId=order, side="buy", startAt=NOON) == ["a"]


# --- the last three days ---


@pytest.mark.parametrize("dataset", PATHS)
def test_what_is_older_than_three_days_is_left_out_without_a_word(
    exchange: Exchange, listed: Any, clock: Any, dataset: str
) -> None:
    add(exchange, dataset, "a", NOON - 3 * DAY_MS)
    add(exchange, dataset, "b", NOON - 3 * DAY_MS - 1)
    assert listed(dataset) == ["a"]
    assert listed(dataset, startAt=NOON - 30 * DAY_MS, endAt=NOON) == ["a"]
    assert listed(dataset, startAt=NOON - 30 * DAY_MS, endAt=NOON - 29 * DAY_MS) == []
    clock.now_ms += 1
    assert listed(dataset) == []


@pytest.mark.parametrize("dataset", PATHS)
def test_or_a_range_beyond_is_taken_for_all_three_days(exchange: Exchange, listed: Any, dataset: str) -> None:
    exchange.readings.history_limits[dataset] = ALTERNATIVES[dataset][-1]
    for name, days in (("a", 1), ("b", 2), ("c", 4)):
        add(exchange, dataset, name, NOON - days * DAY_MS)
    assert listed(dataset, startAt=NOON - 30 * DAY_MS, endAt=NOON - 29 * DAY_MS) == ["a", "b"]


def test_filled_orders_may_be_kept_longer_than_cancelled_ones(exchange: Exchange, listed: Any) -> None:
    for days in (1, 3, 6, 8):
        add(exchange, "spot_orders", f"filled {days}", NOON - days * DAY_MS)
        add(exchange, "spot_orders", f"cancelled {days}", NOON - days * DAY_MS, cancelExist=True)
    exchange.readings.history_limits["spot_orders"] = ALTERNATIVES["spot_orders"][0]
    assert sorted(listed("spot_orders")) == ["cancelled 1", "filled 1", "filled 3", "filled 6"]


def test_margin_fills_may_be_kept_three_months_and_asked_for_by_the_week(
    exchange: Exchange, listed: Any, ask: Any
) -> None:
    exchange.readings.history_limits["margin_fills"] = ALTERNATIVES["margin_fills"][0]
    add(exchange, "margin_fills", "a", NOON - 80 * DAY_MS)
    assert listed("margin_fills", startAt=NOON - 83 * DAY_MS, endAt=NOON - 76 * DAY_MS) == ["a"]
    long = {"symbol": "BTC-USDT", "tradeType": "MARGIN_TRADE", "startAt": NOON - 8 * DAY_MS, "endAt": NOON}
    assert ask(PATHS["margin_fills"], long).code == "400100"


# --- orders ---


@pytest.mark.parametrize("dataset", ["spot_orders", "margin_orders"])
def test_orders_are_listed_by_their_last_change(exchange: Exchange, listed: Any, dataset: str) -> None:
    add(exchange, dataset, "a", NOON, createdAt=NOON - DAY_MS)
    add(exchange, dataset, "b", NOON - 2, createdAt=NOON - 2)
    assert listed(dataset) == ["a", "b"]
    assert listed(dataset, startAt=NOON - 1) == ["a"]
    setattr(exchange.readings, f"{dataset}_bounded_by", "createdAt")
    assert listed(dataset, startAt=NOON - 3) == ["b"]
    assert listed(dataset) == ["a", "b"]


@pytest.mark.parametrize("dataset", ["spot_orders", "margin_orders"])
def test_an_open_order_is_listed_once_it_is_closed(exchange: Exchange, listed: Any, dataset: str) -> None:
    add(exchange, dataset, "a", NOON - DAY_MS, id="order", active=True)
    assert listed(dataset) == []
    exchange.histories.replace(dataset, {"id": "order"}, {"active": False, "lastUpdatedAt": NOON})
    assert listed(dataset, startAt=NOON) == ["a"]


# --- which symbols have open orders ---


def test_the_symbols_with_open_orders_are_told_once(exchange: Exchange, ask: Any) -> None:
    for symbol, active in (("ETH-USDT", True), ("BTC-USDT", True), ("ETH-USDT", True), ("KCS-USDT", False)):
        add(exchange, "spot_orders", "x", symbol=symbol, active=active)
    add(exchange, "margin_orders", "x", active=True)
    add(exchange, "margin_orders", "x", symbol="A-B", active=True, tradeType="MARGIN_ISOLATED_TRADE")
    assert ask("/api/v1/hf/orders/active/symbols").data == {"symbols": ["ETH-USDT", "BTC-USDT"]}
    margin = "/api/v3/hf/margin/order/active/symbols"
    assert ask(margin, {"tradeType": "MARGIN_TRADE"}).data == {"symbolSize": 1, "symbols": ["BTC-USDT"]}
    assert ask(margin, {"tradeType": "MARGIN_ISOLATED_TRADE"}).data == {"symbolSize": 1, "symbols": ["A-B"]}
    for params in ({}, {"tradeType": "TRADE"}):
        assert ask(margin, params).code == "400100"


@pytest.mark.parametrize(("reading", "shown"), [("list", {"symbols": []}), ("null", {"symbols": None}), ("absent", {})])
def test_no_open_orders_are_shown_in_some_way(
    exchange: Exchange, ask: Any, reading: Any, shown: dict[str, Any]
) -> None:
    exchange.readings.empty_items = reading
    assert ask("/api/v1/hf/orders/active/symbols").data == shown
