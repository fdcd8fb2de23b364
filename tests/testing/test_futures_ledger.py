"""The futures ledger: offsets, exact numbers, and rows that are not settled yet."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000  # 12:00 UTC, when a period of 8 hours ends
HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture
def futures(ask: Any) -> Callable[..., Any]:
    """Ask for the futures ledger; the parameters are its query."""
    return lambda **params: ask("/api/v1/transaction-history", params, futures=True)


def exact(answer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(answer.body, parse_float=Decimal)["data"]["dataList"]
    return found


def offsets(answer: Any) -> list[int]:
    return [row["offset"] for row in answer.data["dataList"]]


def all_offsets(futures: Any, **params: Any) -> list[int]:
    """The offsets that pages give, turned as documented: with the smallest offset of each."""
    found: list[int] = []
    while True:
        page = futures(**params, **({"offset": min(found)} if found else {}))
        found += offsets(page)
        if not page.data["hasMore"]:
            return found


def test_it_is_asked_of_the_futures_host_alone(exchange: Exchange, ask: Any, futures: Any) -> None:
    assert futures().data == {"dataList": [], "hasMore": False}
    assert ask("/api/v1/transaction-history").code == "404000"
    assert exchange.quota_used("Futures") == 2


def test_a_row_has_the_documented_fields_and_json_numbers(exchange: Exchange, futures: Any) -> None:
    booked = exchange.book(ledger="futures", created_at=NOON - 5, amount="-0.00630042", fee="0.0005")
    (row,) = exact(futures())
    assert row == booked
    assert row == {
        "time": NOON - 5,
        "type": "RealisedPNL",
        "amount": Decimal("-0.00630042"),
        "fee": Decimal("0.0005"),
        "accountEquity": Decimal("-0.00630042"),
        "status": "Completed",
        "remark": "XBTUSDTM",
        "offset": booked["offset"],
        "currency": "USDT",
    }


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0.000641", b"6.41E-4"),
        ("-0.000000000000000001", b"-1E-18"),
        ("150000000", b"1.50000000E8"),
        ("20", b"20.0"),
        ("0", b"0.0"),
        ("12345.678901234567890123", b"12345.678901234567890123"),
    ],
)
def test_numbers_are_written_as_java_writes_them_and_no_digit_is_lost(
    exchange: Exchange, futures: Any, amount: str, written: bytes
) -> None:
    exchange.book(ledger="futures", created_at=NOON - 5, amount=amount)
    answer = futures()
    assert b'"amount":' + written + b"," in answer.body
    assert exact(answer)[0]["amount"] == Decimal(amount)


def test_money_that_goes_has_a_minus(exchange: Exchange, futures: Any) -> None:
    exchange.book(ledger="futures", created_at=NOON - 2, amount="5", biz_type="TransferIn")
    exchange.book(ledger="futures", created_at=NOON - 1, amount="2", direction="out", biz_type="TransferOut")
    assert [(row["amount"], row["accountEquity"]) for row in exact(futures())] == [(-2, 3), (5, 5)]


def test_pages_are_turned_with_the_smallest_offset(exchange: Exchange, futures: Any) -> None:
    for number in range(120):
        exchange.book(ledger="futures", created_at=NOON - 1000 + number // 4)
    truth = [row["offset"] for row in exchange.entries(0, NOON, ledger="futures")]
    assert len(offsets(futures())) == 50
    assert all_offsets(futures) == all_offsets(futures, maxCount=7) == truth[::-1]


def test_has_more_says_whether_there_is_more(exchange: Exchange, futures: Any) -> None:
    for number in range(4):
        exchange.book(ledger="futures", created_at=NOON - 10 + number, id=number + 1)
    assert [futures(maxCount=count).data["hasMore"] for count in (3, 4, 5)] == [True, False, False]
    assert futures(maxCount=3, offset=2).data["hasMore"] is False


def test_backward_gives_what_lies_on_the_other_side(exchange: Exchange, futures: Any) -> None:
    for number in range(6):
        exchange.book(ledger="futures", created_at=NOON - 10 + number, id=number + 1)
    page = futures(offset=2, forward="false", maxCount=2)
    assert (offsets(page), page.data["hasMore"]) == ([4, 3], True)
    assert futures(offset=4, forward="False").data["hasMore"] is False
    assert offsets(futures(forward="false")) == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("name", ["forward", "offset", "maxCount", "startAt"])
def test_what_is_no_value_is_refused(futures: Any, name: str) -> None:
    assert futures(**{name: "maybe"}).code == "400100"


def test_the_offset_asked_for_may_come_again(exchange: Exchange, futures: Any) -> None:
    exchange.readings.offset_inclusive = True
    for number in range(4):
        exchange.book(ledger="futures", created_at=NOON - 10 + number, id=number + 1)
    assert offsets(futures(offset=3)) == [3, 2, 1]
    assert offsets(futures(offset=3, forward="false")) == [4, 3]


def test_each_currency_may_count_its_own_offsets(exchange: Exchange, futures: Any) -> None:
    exchange.readings.offsets = "per_currency"
    for number, currency in enumerate(("USDT", "XBT", "USDT", "XBT", "USDT")):
        exchange.book(ledger="futures", created_at=NOON - 10 + number, currency=currency)
    assert all_offsets(futures, currency="USDT", maxCount=2) == [3, 2, 1]
    assert all_offsets(futures, currency="XBT", maxCount=1) == [2, 1]
    assert offsets(futures()) == [3, 2, 2, 1, 1]


def test_rows_are_asked_for_by_currency_and_type_in_either_spelling(exchange: Exchange, futures: Any) -> None:
    exchange.book(ledger="futures", created_at=NOON - 3, biz_type="TransferIn", id=1)
    exchange.book(ledger="futures", created_at=NOON - 2, currency="XBT", id=2)
    assert offsets(futures(type="TransferIn")) == offsets(futures(type="Transferin")) == [1]
    assert offsets(futures(currency="XBT")) == [2]
    assert futures(type="RealizedPNL").code == "400100"
    assert futures(type="Transferin").data["dataList"][0]["type"] == "TransferIn"


def test_the_other_spelling_may_be_served(exchange: Exchange, futures: Any) -> None:
    exchange.readings.transfer_in = "Transferin"
    exchange.book(ledger="futures", created_at=NOON - 3, biz_type="TransferIn")
    assert futures(type="TransferIn").data["dataList"][0]["type"] == "Transferin"


def test_no_range_is_too_long_and_nothing_too_old_unless_a_reading_says_so(exchange: Exchange, futures: Any) -> None:
    exchange.book(ledger="futures", created_at=NOON - 400 * DAY, id=1)
    exchange.book(ledger="futures", created_at=NOON - 2 * DAY, id=2)
    exchange.book(ledger="futures", created_at=NOON - HOUR, id=3)
    assert offsets(futures(startAt=0, endAt=NOON)) == [3, 2, 1]
    exchange.readings.futures_retention_ms = 90 * DAY
    assert offsets(futures(startAt=0, endAt=NOON)) == [3, 2]
    exchange.readings.futures_window_ms = DAY
    assert futures(startAt=NOON - 2 * DAY, endAt=NOON).code == "400100"
    assert offsets(futures(startAt=NOON - 2 * DAY)) == [2]
    assert offsets(futures(endAt=NOON - DAY)) == [2]
    assert offsets(futures()) == [3]
    exchange.readings.wide_window = "cut"
    assert offsets(futures(startAt=NOON - 3 * DAY, endAt=NOON)) == [3]
    exchange.readings.beyond_retention = "error"
    assert futures(startAt=NOON - 91 * DAY, endAt=NOON - 90 * DAY).code == "400100"


# --- what is pending ---


def test_while_a_position_is_open_the_first_page_starts_with_a_pending_row(exchange: Exchange, futures: Any) -> None:
    exchange.book(ledger="futures", created_at=NOON - 10, amount="100", id=1)
    exchange.book(ledger="futures", created_at=NOON - 9, amount="1", id=2)
    shown = exchange.set_pending(amount="-0.5")
    first = futures(maxCount=2)
    assert exact(first)[0] == shown
    assert shown == {
        "time": NOON,
        "type": "RealisedPNL",
        "amount": Decimal("-0.5"),
        "fee": None,
        "accountEquity": 101,
        "status": "Pending",
        "remark": "XBTUSDTM",
        "offset": -1,
        "currency": "USDT",
    }
    assert (offsets(first), first.data["hasMore"]) == ([-1, 2], True)
    assert offsets(futures(maxCount=2, offset=2)) == [1]


def test_a_pending_row_changes_until_it_is_settled(exchange: Exchange, clock: Any, futures: Any) -> None:
    exchange.set_pending(amount="1")
    clock.now_ms += 5
    exchange.set_pending(amount="2.5")
    assert [(row["amount"], row["time"]) for row in exact(futures())] == [(Decimal("2.5"), NOON + 5)]
    (booked,) = exchange.settle_pending(fee="0.1")
    assert exact(futures()) == [booked]
    assert (booked["status"], booked["amount"], booked["fee"]) == ("Completed", Decimal("2.5"), Decimal("0.1"))
    assert booked["offset"] > 0
    assert exchange.balances.balance("USDT", "contract") == Decimal("2.5")


def test_it_is_settled_by_the_clock_and_the_position_stays_open(exchange: Exchange, clock: Any, futures: Any) -> None:
    exchange.set_pending(amount="1.5")
    clock.now_ms = NOON + 8 * HOUR
    rows = exact(futures())
    assert [(row["status"], row["amount"], row["time"]) for row in rows] == [
        ("Pending", 0, NOON + 8 * HOUR),
        ("Completed", Decimal("1.5"), NOON + 8 * HOUR),
    ]
    clock.now_ms += 24 * HOUR
    assert [row["status"] for row in exact(futures())] == ["Pending", *["Completed"] * 4]


def test_a_pending_row_can_be_booked_like_any_other(exchange: Exchange, futures: Any) -> None:
    row = exchange.book(ledger="futures", created_at=NOON, amount="3", status="Pending", context="ETHUSDTM")
    assert exact(futures()) == [row]
    assert (row["offset"], row["remark"], row["time"]) == (-1, "ETHUSDTM", NOON)
    assert list(exchange.entries(0, NOON + 1, ledger="futures")) == []


def test_every_contract_has_a_pending_row_of_its_own(exchange: Exchange, futures: Any) -> None:
    for currency, symbol in (("USDT", "XBTUSDTM"), ("USDT", "ETHUSDTM"), ("XBT", "XBTUSDM")):
        exchange.set_pending(currency, "1", symbol=symbol)
    exchange.set_pending("USDT", "9", symbol="XBTUSDTM", uid=2)
    assert offsets(futures()) == [-1, -1, -1]
    assert [row["remark"] for row in exact(futures(currency="XBT"))] == ["XBTUSDM"]
    assert offsets(futures(type="Deposit")) == []
    assert len(exchange.settle_pending("USDT", "ETHUSDTM")) == 1
    assert len(exchange.settle_pending()) == 2
    assert len(exchange.pending) == 1  # another user's


@pytest.mark.parametrize(("shown", "found"), [("always", [-1]), ("in_window", []), ("never", [])])
def test_whether_it_is_shown_with_a_range_of_the_past_is_a_reading(
    exchange: Exchange, futures: Any, shown: Any, found: list[int]
) -> None:
    exchange.readings.pending_shown = shown
    exchange.set_pending(amount="1")
    assert offsets(futures(startAt=NOON - 2 * DAY, endAt=NOON - DAY)) == found
    assert offsets(futures(startAt=NOON - DAY, endAt=NOON + 1)) == ([] if shown == "never" else [-1])


def test_its_equity_may_count_its_amount(exchange: Exchange, futures: Any) -> None:
    exchange.readings.pending_equity = "after"
    exchange.book(ledger="futures", created_at=NOON - 10, amount="100")
    exchange.set_pending(amount="-1")
    assert [row["accountEquity"] for row in exact(futures())] == [99, 100]


def test_asking_with_the_offset_of_a_pending_row_is_asking_for_the_first_page(exchange: Exchange, futures: Any) -> None:
    exchange.book(ledger="futures", created_at=NOON - 10, id=1)
    exchange.set_pending(amount="1")
    page = futures(maxCount=1)
    assert (offsets(page), page.data["hasMore"]) == ([-1], True)
    assert offsets(futures(maxCount=2, offset=-1)) == [-1, 1]


def test_seeded_rows_hold_numbers_that_no_float_keeps(exchange: Exchange, futures: Any) -> None:
    count = exchange.seed_ledger(NOON - DAY, NOON, rows_per_day=300, ledger="futures")
    rows = list(exchange.entries(0, NOON, ledger="futures"))
    assert len(rows) == count
    assert all_offsets(futures) == [row["offset"] for row in rows][::-1]
    assert any(Decimal(float(row["amount"])) != row["amount"] for row in rows)
    assert {row["amount"] < 0 for row in rows} == {True, False}
    assert all(row["accountEquity"] >= 0 for row in rows)
