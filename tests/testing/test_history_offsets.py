"""Funding payments: an offset, `hasMore`, and JSON numbers that no float keeps."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing.history_limits import ALTERNATIVES, DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
HOUR = 3_600_000
FUNDING = "/api/v1/funding-history"


@pytest.fixture
def paid(ask: Any) -> Callable[..., Any]:
    return lambda **params: ask(FUNDING, {"symbol": "XBTUSDTM", **params}, futures=True)


def add(exchange: Exchange, count: int, per_time: int = 1) -> None:
    for number in range(count):
        fields = {"id": 100 + number, "timePoint": NOON - (count - number // per_time) * HOUR}
        exchange.histories.add("funding", fields)


def ids(answer: Any) -> list[int]:
    return [item["id"] - 100 for item in answer.data["dataList"]]


def test_ten_rows_come_newest_first_unless_asked_otherwise(exchange: Exchange, paid: Any) -> None:
    add(exchange, 25)
    assert (ids(paid()), paid().data["hasMore"]) == (list(range(24, 14, -1)), True)
    assert (len(ids(paid(maxCount=25))), paid(maxCount=25).data["hasMore"]) == (25, False)
    assert paid(maxCount=24).data["hasMore"] is True


def test_there_may_be_a_most_whatever_is_asked_for(exchange: Exchange, paid: Any) -> None:
    add(exchange, 25)
    exchange.readings.offset_page_max = 20
    assert (len(ids(paid(maxCount=25))), paid(maxCount=25).data["hasMore"]) == (20, True)


def test_the_offset_is_the_id_of_the_row_to_go_on_from(exchange: Exchange, paid: Any) -> None:
    add(exchange, 25, per_time=3)
    found: list[int] = []
    offset: dict[str, int] = {}
    while True:
        answer = paid(maxCount=4, **offset)
        found += ids(answer)
        if not answer.data["hasMore"]:
            break
        offset = {"offset": answer.data["dataList"][-1]["id"]}
    assert found == list(range(24, -1, -1))


def test_the_row_that_the_offset_names_may_come_again(exchange: Exchange, paid: Any) -> None:
    add(exchange, 9)
    exchange.readings.offset_includes_row = True
    assert ids(paid(offset=105, maxCount=3)) == [5, 4, 3]
    assert ids(paid(offset=105, maxCount=3, forward="false")) == [7, 6, 5]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"forward": "true"}, [4, 3, 2]),
        ({"forward": "false"}, [8, 7, 6]),
        ({"forward": "False", "maxCount": 2}, [7, 6]),
        ({"reverse": "false"}, [6, 7, 8]),
        ({"reverse": "false", "forward": "false"}, [2, 3, 4]),
        ({"reverse": "True", "forward": "True"}, [4, 3, 2]),
    ],
)
def test_one_can_go_both_ways_in_both_orders(
    exchange: Exchange, paid: Any, params: dict[str, Any], expected: list[int]
) -> None:
    add(exchange, 11)
    assert ids(paid(offset=105, **{"maxCount": 3, **params})) == expected


def test_an_offset_of_no_row_goes_by_its_size(exchange: Exchange, paid: Any) -> None:
    add(exchange, 11)
    exchange.histories.remove("funding", {"id": 105})
    assert ids(paid(offset=105, maxCount=2)) == [4, 3]
    assert ids(paid(offset=105, maxCount=2, reverse="false")) == [6, 7]
    assert ids(paid(offset=105, maxCount=2, forward="false")) == [7, 6]


@pytest.mark.parametrize(
    "params", [{"symbol": ""}, {"maxCount": 0}, {"maxCount": "x"}, {"offset": "x"}, {"forward": "yes"}]
)
def test_bad_questions_are_refused(paid: Any, params: dict[str, Any]) -> None:
    assert paid(**params).code == "400100"


@pytest.mark.parametrize(
    ("reading", "rest"), [("list", {"dataList": []}), ("null", {"dataList": None}), ("absent", {})]
)
def test_an_answer_without_rows_shows_none_in_some_way(
    exchange: Exchange, paid: Any, reading: Any, rest: dict[str, Any]
) -> None:
    exchange.readings.empty_items = reading
    assert paid().data == {**rest, "hasMore": False}


def test_funding_goes_by_symbol_and_time(exchange: Exchange, paid: Any) -> None:
    add(exchange, 5)
    exchange.histories.add("funding", {"symbol": "ETHUSDTM", "id": 177})
    assert ids(paid(startAt=NOON - 3 * HOUR, endAt=NOON - 2 * HOUR)) == [3, 2]
    assert ids(paid(symbol="ETHUSDTM")) == [77]


def test_numbers_are_sent_with_all_their_digits(exchange: Exchange, paid: Any) -> None:
    exact = {"fundingRate": "6.41E-4", "markPrice": "87139.92000000000000001", "funding": "-0.0000000558566912345678"}
    exchange.histories.add("funding", {name: Decimal(value) for name, value in exact.items()})
    (row,) = json.loads(paid().body, parse_float=Decimal)["data"]["dataList"]
    assert {name: row[name] for name in exact} == {name: Decimal(value) for name, value in exact.items()}
    assert b'"fundingRate":6.41E-4' in paid().body


def test_six_months_may_be_all_and_three_a_range(exchange: Exchange, paid: Any) -> None:
    (exchange.readings.history_limits["funding"],) = ALTERNATIVES["funding"]
    for days in (181, 179, 1):
        exchange.histories.add("funding", {"timePoint": NOON - days * DAY_MS, "id": 100 + days})
    assert ids(paid(startAt=NOON - 200 * DAY_MS, endAt=NOON - 110 * DAY_MS)) == [179]
    assert ids(paid(startAt=NOON - 180 * DAY_MS)) == [179]
    assert paid(startAt=NOON - 91 * DAY_MS, endAt=NOON).code == "400100"
