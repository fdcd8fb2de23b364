"""Histories with a cursor: `lastId`, and no count of what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
DAY = 86_400_000
FILLS = "/api/v1/hf/fills"
ORDERS = "/api/v1/hf/orders/done"


@pytest.fixture
def fills(ask: Any) -> Callable[..., Any]:
    return lambda **params: ask(FILLS, {"symbol": "BTC-USDT", **params})


@pytest.fixture
def orders(ask: Any) -> Callable[..., Any]:
    return lambda **params: ask(ORDERS, {"symbol": "BTC-USDT", **params})


def add(exchange: Exchange, count: int, dataset: str = "spot_fills", field: str = "createdAt") -> list[dict[str, Any]]:
    """Four rows share each millisecond."""
    return [
        exchange.histories.add(dataset, {field: NOON - DAY + number // 4, "price": str(number)})
        for number in range(count)
    ]


def prices(data: dict[str, Any]) -> list[int]:
    return [int(item["price"]) for item in data["items"]]


def walk(question: Callable[..., Any], **params: Any) -> list[int]:
    """Follow the cursor until nothing comes."""
    found: list[int] = []
    last_id = None
    while True:
        data = question(**params, **({} if last_id is None else {"lastId": last_id})).data
        if not data or not data["items"]:
            return found
        found += prices(data)
        last_id = data["lastId"]


def test_the_newest_rows_come_first_with_the_id_of_the_last_one(exchange: Exchange, fills: Any) -> None:
    rows = add(exchange, 30)
    data = fills(limit=10).data
    assert prices(data) == list(range(29, 19, -1))
    assert data["lastId"] == rows[20]["id"]
    assert prices(fills(limit=10, lastId=data["lastId"]).data) == list(range(19, 9, -1))


@pytest.mark.parametrize(("question", "dataset"), [("fills", "spot_fills"), ("orders", "spot_orders")])
def test_the_cursor_leads_to_every_row_once(
    exchange: Exchange, request: pytest.FixtureRequest, question: str, dataset: str
) -> None:
    field = "createdAt" if dataset == "spot_fills" else "lastUpdatedAt"
    add(exchange, 55, dataset, field)
    assert walk(request.getfixturevalue(question), limit=10) == list(range(54, -1, -1))


def test_the_cursor_of_orders_is_a_number_of_no_order(exchange: Exchange, orders: Any) -> None:
    rows = add(exchange, 3, "spot_orders", "lastUpdatedAt")
    last_id = orders().data["lastId"]
    assert type(last_id) is int
    assert last_id > 1 << 53
    assert str(last_id) not in {row["id"] for row in rows}


def test_the_cursor_of_an_order_can_be_said(exchange: Exchange, orders: Any) -> None:
    exchange.histories.add("spot_orders", {}, hidden={"cursor": 19814995255305})
    assert orders().data["lastId"] == 19814995255305


def test_twenty_rows_come_unless_asked_otherwise(exchange: Exchange, fills: Any) -> None:
    add(exchange, 120)
    assert len(prices(fills().data)) == 20
    exchange.readings.cursor_default_limit = 100
    assert len(prices(fills().data)) == 100


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1"])
def test_limits_are_from_1_to_100(fills: Any, limit: str) -> None:
    assert fills(limit=limit).code == "400100"


def test_a_larger_limit_may_be_cut_without_a_word(exchange: Exchange, fills: Any) -> None:
    add(exchange, 120)
    exchange.readings.oversized_page = "clamped"
    assert len(prices(fills(limit=500).data)) == 100


@pytest.mark.parametrize(("path", "code"), [(FILLS, "400100"), (ORDERS, "400100"), ("margin", "200000")])
def test_a_cursor_of_nought_is_refused_where_that_is_documented(ask: Any, path: str, code: str) -> None:
    path = "/api/v3/hf/margin/fills" if path == "margin" else path
    params = {"symbol": "BTC-USDT", "tradeType": "MARGIN_TRADE", "lastId": 0}
    assert ask(path, params).code == code


# --- where it ends ---


@pytest.mark.parametrize(("reading", "expected"), [("zero", 0), ("asked", 7), ("null", None)])
def test_where_nothing_is_left_the_cursor_is_one_of_three(
    exchange: Exchange, fills: Any, reading: Any, expected: int | None
) -> None:
    exchange.readings.last_id_when_empty = reading
    assert fills(lastId=7).data == {"items": [], "lastId": expected}
    assert fills().data["lastId"] == (None if reading == "null" else 0)


def test_the_last_page_may_say_that_it_is(exchange: Exchange, fills: Any) -> None:
    rows = add(exchange, 20)
    assert fills(limit=20).data["lastId"] == rows[0]["id"]
    exchange.readings.last_id_on_last_page = "zero"
    assert fills(limit=20).data["lastId"] == 0
    assert fills(limit=19).data["lastId"] == rows[1]["id"]


def test_where_no_order_is_found_there_may_be_no_answer_at_all(exchange: Exchange, orders: Any, fills: Any) -> None:
    assert orders().data == {"items": [], "lastId": 0}
    exchange.readings.empty_done_orders = "null"
    assert orders().data is None
    assert fills().data == {"items": [], "lastId": 0}
    exchange.histories.add("spot_orders", {})
    assert len(orders().data["items"]) == 1


@pytest.mark.parametrize(("reading", "rest"), [("list", {"items": []}), ("null", {"items": None}), ("absent", {})])
def test_an_answer_without_rows_shows_none_in_some_way(
    exchange: Exchange, fills: Any, reading: Any, rest: dict[str, Any]
) -> None:
    exchange.readings.empty_items = reading
    assert fills().data == {"lastId": 0, **rest}


# --- what is listed ---


def test_a_range_of_time_goes_with_the_cursor(exchange: Exchange, fills: Any) -> None:
    add(exchange, 40)
    window = {"startAt": NOON - DAY + 2, "endAt": NOON - DAY + 6}
    assert walk(fills, limit=3, **window) == list(range(27, 7, -1))


@pytest.mark.parametrize(("question", "dataset"), [("fills", "spot_fills"), ("orders", "spot_orders")])
def test_a_row_that_comes_late_is_where_its_time_is(
    exchange: Exchange, request: pytest.FixtureRequest, question: str, dataset: str
) -> None:
    field = "createdAt" if dataset == "spot_fills" else "lastUpdatedAt"
    add(exchange, 4, dataset, field)
    exchange.histories.add(dataset, {field: NOON - 2 * DAY, "price": "99"})
    assert walk(request.getfixturevalue(question), limit=2) == [3, 2, 1, 0, 99]


def test_ids_that_do_not_rise_with_time_rule(exchange: Exchange, fills: Any) -> None:
    for number, fill in enumerate((5, 3, 4)):
        exchange.histories.add("spot_fills", {"id": fill, "createdAt": NOON - number, "price": str(fill)})
    assert walk(fills, limit=1) == [5, 4, 3]
    assert walk(fills, limit=1, endAt=NOON - 1) == [4, 3]


def test_bounds_are_milliseconds_of_our_time(ask: Any) -> None:
    for bad in (NOON // 1000, 1_000_000_000_000, 9_999_999_999_999, NOON * 1000):
        for name in ("startAt", "endAt"):
            assert ask(FILLS, {"symbol": "BTC-USDT", name: bad}).code == "400100"
            assert ask(ORDERS, {"symbol": "BTC-USDT", name: bad}).code == "400100"
    margin = {"symbol": "BTC-USDT", "tradeType": "MARGIN_TRADE", "startAt": 1}
    assert ask("/api/v3/hf/margin/fills", margin).code == "200000"
