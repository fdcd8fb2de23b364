from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import ApiKey

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

# 2026-02-02 00:00:00 UTC, the day before the tests' clock
DAY = 1_769_990_400_000
END = DAY + 86_399_999


def test_rows_come_newest_first_and_of_one_millisecond_by_id(exchange: Exchange, ledger: Any) -> None:
    for moment, row_id in ((2, "b"), (1, "a"), (2, "c"), (3, "0")):
        exchange.book(created_at=DAY + moment, id=row_id)
    assert ledger(startAt=DAY, endAt=END).ids == ["0", "c", "b", "a"]


def test_pages_are_cut_and_counted(exchange: Exchange, ledger: Any) -> None:
    for number in range(25):
        exchange.book(created_at=DAY + number, id=f"{number:02}")
    pages = [ledger(startAt=DAY, endAt=END, pageSize=10, currentPage=page) for page in (1, 2, 3, 4)]
    assert [len(page.ids) for page in pages] == [10, 10, 5, 0]
    assert [row_id for page in pages for row_id in page.ids] == [f"{number:02}" for number in reversed(range(25))]
    assert {(page.data["totalNum"], page.data["totalPage"], page.data["pageSize"]) for page in pages} == {(25, 3, 10)}
    assert [page.data["currentPage"] for page in pages] == [1, 2, 3, 4]


def test_an_empty_ledger_has_no_pages(ledger: Any) -> None:
    assert ledger(startAt=DAY, endAt=END).data == {
        "currentPage": 1,
        "pageSize": 50,
        "totalNum": 0,
        "totalPage": 0,
        "items": [],
    }


def test_a_row_is_served_as_it_was_booked(exchange: Exchange, ledger: Any) -> None:
    booked = exchange.book(
        created_at=DAY,
        amount=Decimal("0.000000000000000001"),
        fee="6.00000000",
        context=None,
        extra={"tax": "0", "id": 17, "note": "Grüße"},
    )
    assert ledger(startAt=DAY, endAt=END).data["items"] == [booked]
    assert booked["amount"] == "0.000000000000000001"
    assert (booked["id"], booked["fee"], booked["context"], booked["tax"]) == (17, "6.00000000", None, "0")


@pytest.mark.parametrize("amount", [1.5, 1, None])
def test_an_amount_that_is_not_text_or_decimal_is_a_type_error(exchange: Exchange, amount: Any) -> None:
    with pytest.raises(TypeError):
        exchange.book(created_at=DAY, amount=amount)


@pytest.mark.parametrize("amount", ["1e5", "NaN", "", "1.", Decimal("Infinity")])
def test_an_amount_that_is_not_plain_digits_is_refused(exchange: Exchange, amount: Any) -> None:
    with pytest.raises(ValueError, match="no amount"):
        exchange.book(created_at=DAY, amount=amount)


def test_an_id_is_booked_once(exchange: Exchange) -> None:
    exchange.book(created_at=DAY, id="a")
    with pytest.raises(ValueError, match="that id"):
        exchange.book(created_at=DAY + 1, id="a")


def test_currencies_are_a_comma_list(exchange: Exchange, ledger: Any) -> None:
    for currency in ("BTC", "USDT", "KCS"):
        exchange.book(created_at=DAY, currency=currency, id=currency)
    assert ledger(startAt=DAY, endAt=END, currency="KCS,BTC").ids == ["KCS", "BTC"]


def test_directions_are_told_apart(exchange: Exchange, ledger: Any) -> None:
    for direction in ("in", "out"):
        exchange.book(created_at=DAY, direction=direction, id=direction)
    assert ledger(startAt=DAY, endAt=END, direction="out").ids == ["out"]


def test_a_business_type_finds_rows_under_their_display_name(exchange: Exchange, ledger: Any) -> None:
    for number, biz_type in enumerate(("Withdrawal", "Withdraw", "Deposit", "Unheard of")):
        exchange.book(created_at=DAY + number, biz_type=biz_type, id=biz_type)
    assert ledger(startAt=DAY, endAt=END, bizType="WITHDRAW").ids == ["Withdraw", "Withdrawal"]


def test_a_row_booked_between_two_requests_is_seen_by_the_second_whatever_the_filter(
    exchange: Exchange, ledger: Any
) -> None:
    exchange.book(created_at=DAY, id="early")
    assert ledger(startAt=DAY, endAt=END, currency="USDT").ids == ["early"]
    exchange.book(created_at=DAY + 1, id="late")
    assert ledger(startAt=DAY, endAt=END, currency="USDT").ids == ["late", "early"]


def test_a_ledger_belongs_to_the_user_of_the_key(exchange: Exchange, ask: Any, ledger: Any) -> None:
    other = exchange.add_key(ApiKey("other", "secret", "phrase", uid=2))
    exchange.book(created_at=DAY, id="mine")
    exchange.book(created_at=DAY, id="theirs", uid=2)
    assert ledger(startAt=DAY, endAt=END).ids == ["mine"]
    assert ask("/api/v1/accounts/ledgers", {"startAt": DAY, "endAt": END}, key=other).ids == ["theirs"]


def test_one_bound_means_24_hours_from_it(exchange: Exchange, ledger: Any) -> None:
    for offset in (-86_400_001, -86_400_000, 0, 86_400_000, 86_400_001):
        exchange.book(created_at=DAY + offset, id=str(offset))
    assert ledger(startAt=DAY).ids == ["86400000", "0"]
    assert ledger(endAt=DAY).ids == ["0", "-86400000"]


def test_rows_of_more_than_a_year_ago_are_gone(exchange: Exchange, ledger: Any) -> None:
    horizon = exchange.now_ms() - 365 * 86_400_000
    exchange.book(created_at=horizon - 1, id="gone")
    exchange.book(created_at=horizon, id="there")
    assert ledger(startAt=horizon - 1000, endAt=horizon + 1000).ids == ["there"]


def test_the_truth_is_told_oldest_first_and_half_open(exchange: Exchange) -> None:
    for offset in (-1, 0, 5, 9, 10):
        exchange.book(created_at=DAY + offset, id=str(offset))
    assert [entry["id"] for entry in exchange.entries(DAY, DAY + 10)] == ["0", "5", "9"]


def test_the_truth_is_that_of_when_it_was_asked_for(exchange: Exchange) -> None:
    exchange.book(created_at=DAY, id="a")
    entries = exchange.entries(DAY, DAY + 10)
    exchange.book(created_at=DAY, id="b")
    assert [entry["id"] for entry in entries] == ["a"]


def test_made_up_ids_have_both_of_kucoins_shapes(exchange: Exchange) -> None:
    assert len(exchange.book(created_at=DAY, account_type="MAIN")["id"]) == 24
    assert exchange.book(created_at=DAY, account_type="TRADE")["id"].isdigit()


def test_a_key_that_is_replaced_keeps_its_ledger(exchange: Exchange, ledger: Any) -> None:
    exchange.book(created_at=DAY, id="a")
    exchange.replace_key(replace(exchange.key, permissions=("General",)))
    assert ledger(startAt=DAY, endAt=END).ids == ["a"]


def test_a_row_may_be_hidden_from_readers_until_its_time(exchange: Exchange, clock: Any, ledger: Any) -> None:
    exchange.book(created_at=DAY, id="a", visible_from=clock.now_ms + 5)
    assert (ledger(startAt=DAY, endAt=END).ids, list(exchange.entries(DAY, END))) == ([], [])
    clock.now_ms += 5
    assert ledger(startAt=DAY, endAt=END).ids == ["a"]
    assert len(list(exchange.entries(DAY, END))) == 1
