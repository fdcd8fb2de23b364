"""Histories in numbered pages: borrowings, futures fills and orders, positions and what else is listed so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
DAY = 86_400_000
BORROW = "/api/v3/margin/borrow"
FILLS = "/api/v1/fills"
POSITIONS = "/api/v1/history-positions"


@pytest.fixture
def borrowed(ask: Any) -> Callable[..., Any]:
    return lambda **params: ask(BORROW, {"currency": "USDT", **params})


@pytest.fixture
def fills(ask: Any) -> Callable[..., Any]:
    return lambda **params: ask(FILLS, {"startAt": NOON - DAY, "endAt": NOON, **params}, futures=True)


def add(exchange: Exchange, count: int, dataset: str = "borrow", field: str = "createdTime") -> None:
    for number in range(count):
        exchange.histories.add(dataset, {field: NOON - count + number, "size": str(number)})


def sizes(answer: Any) -> list[int]:
    return [int(item["size"]) for item in answer.data["items"]]


def test_pages_are_newest_first_and_say_how_many_there_are(exchange: Exchange, borrowed: Any) -> None:
    add(exchange, 25)
    first, last = borrowed(pageSize=10), borrowed(pageSize=10, currentPage=3)
    assert sizes(first) == list(range(24, 14, -1))
    assert sizes(last) == [4, 3, 2, 1, 0]
    head = {name: value for name, value in last.data.items() if name != "items"}
    assert head == {"timestamp": NOON, "currentPage": 3, "pageSize": 10, "totalNum": 25, "totalPage": 3}


def test_fifty_rows_are_a_page_unless_asked_otherwise(exchange: Exchange, borrowed: Any) -> None:
    add(exchange, 51)
    assert (len(sizes(borrowed())), borrowed().data["pageSize"]) == (50, 50)


@pytest.mark.parametrize(("reading", "rest"), [("list", {"items": []}), ("null", {"items": None}), ("absent", {})])
def test_a_page_without_rows_shows_none_in_some_way(
    exchange: Exchange, borrowed: Any, reading: Any, rest: dict[str, Any]
) -> None:
    exchange.readings.empty_items = reading
    head = {"timestamp": NOON, "currentPage": 1, "pageSize": 50, "totalNum": 0, "totalPage": 0}
    assert borrowed().data == {**head, **rest}


def test_a_page_past_the_last_one_is_empty(exchange: Exchange, borrowed: Any) -> None:
    add(exchange, 5)
    assert (sizes(borrowed(currentPage=2)), borrowed(currentPage=2).data["totalNum"]) == ([], 5)


# --- sizes ---

SIZES = [
    (BORROW, {"currency": "USDT"}, "pageSize", 10, 500),
    ("/api/v3/margin/repay", {"currency": "USDT"}, "pageSize", 10, 500),
    ("/api/v3/margin/interest", {}, "pageSize", 10, 500),
    ("/api/v3/purchase/orders", {"status": "DONE"}, "pageSize", 1, 50),
    ("/api/v3/redeem/orders", {"status": "DONE"}, "pageSize", 1, 50),
    ("/api/v1/convert/order/history", {}, "pageSize", 20, 100),
    ("/api/v1/convert/limit/orders", {}, "pageSize", 20, 100),
    (FILLS, {}, "pageSize", 1, 1000),
    ("/api/v1/orders", {}, "pageSize", 1, 1000),
    (POSITIONS, {}, "limit", 1, 200),
    ("/api/v1/hist-deposits", {"currency": "USDT"}, "pageSize", 10, 500),
]
ON_FUTURES = {FILLS, "/api/v1/orders", POSITIONS}


@pytest.mark.parametrize(("path", "params", "size", "least", "most"), SIZES)
def test_pages_have_the_documented_sizes(
    ask: Any, path: str, params: dict[str, str], size: str, least: int, most: int
) -> None:
    codes = [
        ask(path, {**params, size: wanted}, futures=path in ON_FUTURES).code
        for wanted in (least - 1, least, most, most + 1)
    ]
    assert codes == ["400100", "200000", "200000", "400100"]


def test_a_size_too_large_may_be_cut_without_a_word(exchange: Exchange, fills: Any) -> None:
    exchange.readings.oversized_page = "clamped"
    assert fills(pageSize=1001).data["pageSize"] == 1000
    assert fills(pageSize=999).data["pageSize"] == 999


def test_a_size_too_small_may_be_served_or_raised(exchange: Exchange, borrowed: Any) -> None:
    add(exchange, 12)
    exchange.readings.small_page = "serve"
    assert sizes(borrowed(pageSize=3, currentPage=2)) == [8, 7, 6]
    exchange.readings.small_page = "raise_to_10"
    assert borrowed(pageSize=3).data["pageSize"] == 10


def test_what_is_known_of_sizes_of_conversions_is_no_reading(exchange: Exchange, ask: Any) -> None:
    exchange.readings.oversized_page, exchange.readings.small_page = "clamped", "serve"
    for wanted in (19, 101):
        refused = ask("/api/v1/convert/order/history", {"pageSize": wanted}).json
        assert refused == {"code": "400100", "msg": "pageSize not in range value"}


@pytest.mark.parametrize(("path", "number"), [(BORROW, "currentPage"), (POSITIONS, "pageId")])
@pytest.mark.parametrize("wanted", ["0", "-1", "x", "1.5", ""])
def test_pages_are_counted_from_one(ask: Any, path: str, number: str, wanted: str) -> None:
    params = {"currency": "USDT", number: wanted}
    assert ask(path, params, futures=path in ON_FUTURES).code == "400100"


def test_positions_call_page_and_size_by_other_names(exchange: Exchange, ask: Any) -> None:
    for number in range(25):
        exchange.histories.add("positions", {"closeTime": NOON - 25 + number, "leverage": str(number)})
    found = ask(POSITIONS, {"pageId": 2, "currentPage": 9, "pageSize": 20}, futures=True).data
    assert [int(item["leverage"]) for item in found["items"]] == list(range(14, 4, -1))
    assert (found["currentPage"], found["pageSize"], found["totalNum"], found["totalPage"]) == (2, 10, 25, 3)
    assert len(ask(POSITIONS, {"limit": 25}, futures=True).data["items"]) == 25


# --- what changes while pages are read ---


def test_rows_that_come_push_others_onto_the_next_page(exchange: Exchange, borrowed: Any) -> None:
    add(exchange, 20)
    first = sizes(borrowed(pageSize=10))
    exchange.histories.add("borrow", {"createdTime": NOON, "size": "99"})
    assert first[-1] == sizes(borrowed(pageSize=10, currentPage=2))[0] == 10


def test_a_row_may_come_late(exchange: Exchange, borrowed: Any) -> None:
    add(exchange, 3)
    exchange.histories.add("borrow", {"createdTime": NOON - 2, "size": "99"})
    assert sizes(borrowed()) == [2, 99, 1, 0]


def test_a_row_may_change_and_go(exchange: Exchange, borrowed: Any) -> None:
    add(exchange, 3)
    exchange.histories.replace("borrow", {"size": "1"}, {"size": "7"})
    exchange.histories.remove("borrow", {"size": "0"})
    assert sizes(borrowed()) == [2, 7]


def test_rows_of_one_millisecond_may_change_their_order(exchange: Exchange, borrowed: Any) -> None:
    exchange.readings.shuffle_ties = True
    for number in range(40):
        exchange.histories.add("borrow", {"createdTime": NOON - number // 20, "size": str(number)})
    orders = [
        tuple(one for page in (1, 2, 3, 4) for one in sizes(borrowed(pageSize=10, currentPage=page))) for _ in range(5)
    ]
    assert len(set(orders)) > 1
    whole = sizes(borrowed())
    assert sorted(whole) == list(range(40))
    assert {number // 20 for number in whole[:20]} == {0}


# --- whose, and when ---


def test_rows_are_their_owners(exchange: Exchange, borrowed: Any) -> None:
    exchange.histories.add("borrow", {}, uid=2)
    assert sizes(borrowed()) == []


@pytest.mark.parametrize(
    ("start_in", "end_in", "expected"),
    [(True, True, [9, 8, 7, 6]), (False, True, [9, 8, 7]), (True, False, [8, 7, 6]), (False, False, [8, 7])],
)
def test_bounds_belong_to_the_range_or_not(
    exchange: Exchange, borrowed: Any, *, start_in: bool, end_in: bool, expected: list[int]
) -> None:
    add(exchange, 12)
    exchange.readings.history_start_inclusive, exchange.readings.history_end_inclusive = start_in, end_in
    assert sizes(borrowed(startTime=NOON - 6, endTime=NOON - 3)) == expected


@pytest.mark.parametrize("bad", ["x", "1.5", "-1", "2026-02-03"])
def test_bounds_are_whole_numbers(borrowed: Any, bad: str) -> None:
    assert borrowed(startTime=bad).code == "400100"


def test_bounds_the_wrong_way_round_are_refused(borrowed: Any) -> None:
    assert borrowed(startTime=2, endTime=1).code == "400100"
