"""The unified ledger: by type of account, in nanoseconds, a day at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
DAY = 86_400_000
PATH = "/api/ua/v1/account/ledger"


@pytest.fixture
def exchange(exchange: Exchange) -> Exchange:
    exchange.account_mode = "unified"
    return exchange


@pytest.fixture
def unified(ask: Any) -> Callable[..., Any]:
    """Ask for the ledger of the unified account, or another type's."""
    return lambda **params: ask(PATH, {"accountType": "UNIFIED", **params})


def ids(answer: Any) -> list[int]:
    return [int(row["id"]) for row in answer.data["items"]]


def test_a_row_is_served_with_directions_in_capitals_and_nanoseconds(exchange: Exchange, unified: Any) -> None:
    booked = exchange.book(ledger="unified", created_at=NOON - 5, amount="1.5", direction="in", context='{"a": "b"}')
    assert unified().data == {"items": [booked], "lastId": booked["id"]}
    assert booked == {
        "accountType": "UNIFIED",
        "id": booked["id"],
        "currency": "USDT",
        "direction": "IN",
        "businessType": "TRANSFER",
        "amount": "1.5",
        "balance": "1.5",
        "fee": "0",
        "tax": "0",
        "remark": '{"a": "b"}',
        "ts": (NOON - 5) * 1_000_000,
    }


def test_every_type_of_account_has_a_ledger_of_its_own(exchange: Exchange, unified: Any) -> None:
    kinds = ("FUNDING", "SPOT", "FUTURES", "CROSS", "ISOLATED", "UNIFIED")
    for number, kind in enumerate(kinds):
        exchange.book(ledger="unified", account_type=kind, tag="BTC-USDT", created_at=NOON - 9 + number, id=number)
    assert [ids(unified(accountType=kind)) for kind in kinds] == [[0], [1], [2], [3], [4], [5]]
    assert [int(row["id"]) for row in exchange.entries(0, NOON, ledger="unified")] == [0, 1, 2, 3, 4, 5]
    only = exchange.entries(0, NOON, ledger="unified", account_type="CROSS")
    assert [row["accountType"] for row in only] == ["CROSS"]


@pytest.mark.parametrize("kind", ["", "unified", "MARGIN"])
def test_the_type_of_account_must_be_said(unified: Any, kind: str) -> None:
    assert unified(accountType=kind).code == "400100"


@pytest.mark.parametrize(
    ("kind", "most"),
    [("UNIFIED", 200), ("SPOT", 200), ("FUNDING", 500), ("CROSS", 500), ("ISOLATED", 500), ("FUTURES", 100)],
)
def test_the_greatest_page_depends_on_the_type(unified: Any, kind: str, most: int) -> None:
    assert unified(accountType=kind, pageSize=most).data["items"] == []
    assert unified(accountType=kind, pageSize=most + 1).code == "400100"


def test_pages_are_turned_until_one_is_empty(exchange: Exchange, unified: Any) -> None:
    for number in range(25):
        exchange.book(ledger="unified", created_at=NOON - 100 + number // 3)
    found: list[int] = []
    last_id: dict[str, Any] = {}
    while (page := unified(pageSize=10, **last_id)).data["items"]:
        found += ids(page)
        last_id = {"lastId": page.data["lastId"]}
    assert found == [int(row["id"]) for row in exchange.entries(0, NOON, ledger="unified")][::-1]
    assert page.data == {"items": [], "lastId": None}


def test_the_page_without_rows_may_repeat_the_last_id(exchange: Exchange, unified: Any) -> None:
    exchange.readings.unified_last_id_at_end = "same"
    exchange.readings.empty_items = "null"
    assert unified(lastId=5).data == {"items": None, "lastId": "5"}
    assert unified().data == {"items": None, "lastId": None}


def test_ids_may_be_numbers(exchange: Exchange, unified: Any) -> None:
    exchange.readings.unified_ids = "number"
    exchange.book(ledger="unified", created_at=NOON - 5, id=7)
    assert unified().data["lastId"] == unified().data["items"][0]["id"] == 7


def test_money_that_goes_may_have_a_minus(exchange: Exchange, unified: Any) -> None:
    exchange.book(ledger="unified", created_at=NOON - 5, amount="2")
    exchange.book(ledger="unified", created_at=NOON - 4, amount="0.5", direction="out")
    assert unified().data["items"][0]["amount"] == "0.5"
    exchange.readings.unified_amount = "signed"
    booked = exchange.book(ledger="unified", created_at=NOON - 3, amount="0.5", direction="out")
    assert (booked["amount"], booked["balance"], booked["direction"]) == ("-0.5", "1.0", "OUT")


def test_rows_are_asked_for_by_currency_direction_and_type(exchange: Exchange, unified: Any) -> None:
    exchange.book(ledger="unified", created_at=NOON - 3, currency="BTC", id=1)
    exchange.book(ledger="unified", created_at=NOON - 2, id=2, biz_type="FUNDING_FEE", direction="out")
    assert ids(unified(currency="BTC,KCS")) == [1]
    assert ids(unified(direction="OUT")) == [2]
    assert ids(unified(businessType="FUNDING_FEE")) == [2]
    assert unified(direction="out").code == unified(businessType="funding_fee").code == "400100"


def test_a_day_at_a_time_and_seven_days_back(exchange: Exchange, unified: Any) -> None:
    for number, age in enumerate((8 * DAY, 6 * DAY, DAY, 0)):
        exchange.book(ledger="unified", created_at=NOON - age, id=number)
    assert ids(unified()) == [3, 2]
    assert ids(unified(startAt=NOON - 6 * DAY)) == [1]
    assert ids(unified(endAt=NOON - 5 * DAY)) == [1]
    assert ids(unified(startAt=NOON - 8 * DAY, endAt=NOON - 7 * DAY)) == []
    assert unified(startAt=NOON - DAY - 1, endAt=NOON).code == "400100"
    exchange.readings.exactly_24h_allowed = False
    assert unified(startAt=NOON - DAY, endAt=NOON).code == "400100"


def test_it_may_know_no_limits(exchange: Exchange, unified: Any) -> None:
    exchange.readings.unified_window_ms = exchange.readings.unified_retention_ms = None
    for number, age in enumerate((800 * DAY, 0)):
        exchange.book(ledger="unified", created_at=NOON - age, id=number)
    assert ids(unified()) == ids(unified(startAt=0, endAt=NOON)) == [1, 0]


def test_without_bounds_it_may_give_all_that_there_is(exchange: Exchange, unified: Any) -> None:
    exchange.readings.no_bounds = "all"
    exchange.book(ledger="unified", created_at=NOON - 3 * DAY, id=1)
    assert ids(unified()) == [1]


def test_the_path_of_the_second_version_does_the_same(exchange: Exchange, ask: Any, unified: Any) -> None:
    exchange.book(ledger="unified", created_at=NOON - 5)
    assert ask(PATH.replace("v1", "v2"), {"accountType": "UNIFIED"}).data == unified().data


def test_a_page_may_be_a_bare_array(exchange: Exchange, unified: Any) -> None:
    exchange.readings.unified_shape = "array"
    booked = exchange.book(ledger="unified", created_at=NOON - 5)
    assert unified().data == [booked]
    assert unified(lastId=int(booked["id"])).data == []
