"""Running balances: each row tells its predecessor's and its own change, wherever in time it was booked."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.testing import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterable

NOON = 1_770_120_000_000
LEDGERS = ("trade_hf", "margin_hf", "futures", "unified")
FIELDS = {"futures": "accountEquity"}
ACCOUNTS = {"trade_hf": "trade", "margin_hf": "margin_v2", "futures": "contract", "unified": "unified"}


def balances(exchange: Exchange, ledger: str) -> list[Decimal]:
    rows = exchange.entries(0, 1 << 60, ledger=ledger)
    return [Decimal(row[FIELDS.get(ledger, "balance")]) for row in rows]


def chained(rows: Iterable[dict[str, Any]]) -> bool:
    """Whether rows of one account and currency go on from each other, by another reckoning than the exchange's."""
    with localcontext(prec=60):
        for before, row in pairwise(rows):
            change = Decimal(row["amount"]) * (-1 if row["direction"].lower() == "out" else 1)
            if Decimal(before["balance"]) + change != Decimal(row["balance"]):
                return False
    return True


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_row_goes_on_from_the_one_before_it(exchange: Exchange, ledger: str) -> None:
    for number, (amount, direction) in enumerate((("10", "in"), ("0.000000000000000001", "in"), ("3.5", "out"))):
        exchange.book(ledger=ledger, created_at=NOON + number, amount=amount, direction=direction)
    assert balances(exchange, ledger) == [
        Decimal(10),
        Decimal("10.000000000000000001"),
        Decimal("6.500000000000000001"),
    ]


@pytest.mark.parametrize("ledger", LEDGERS)
def test_the_live_balance_is_the_last_rows(exchange: Exchange, ledger: str) -> None:
    exchange.book(ledger=ledger, created_at=NOON, amount="10")
    exchange.book(ledger=ledger, created_at=NOON + 1, amount="4", direction="out")
    exchange.book(ledger=ledger, created_at=NOON - 1, amount="0.5")  # before all others
    assert balances(exchange, ledger)[-1] == Decimal("6.5")
    assert exchange.balances.balance("USDT", ACCOUNTS[ledger]) == Decimal("6.5")


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_ledger_opens_with_what_the_account_holds(exchange: Exchange, ledger: str) -> None:
    exchange.balances.set("USDT", ACCOUNTS[ledger], "100", holds="30")
    exchange.book(ledger=ledger, created_at=NOON, amount="1")
    assert balances(exchange, ledger) == [Decimal(101)]
    assert exchange.balances.get("USDT", ACCOUNTS[ledger]).available == "71"


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_row_booked_late_is_told_by_those_after_it(exchange: Exchange, ledger: str) -> None:
    exchange.book(ledger=ledger, created_at=NOON, amount="1")
    exchange.book(ledger=ledger, created_at=NOON + 10, amount="2")
    row = exchange.book(ledger=ledger, created_at=NOON + 5, amount="100")
    assert Decimal(row[FIELDS.get(ledger, "balance")]) == 101
    assert balances(exchange, ledger) == [1, 101, 103]


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_given_balance_is_told_and_gone_on_from(exchange: Exchange, ledger: str) -> None:
    exchange.book(ledger=ledger, created_at=NOON, amount="1")
    exchange.book(ledger=ledger, created_at=NOON + 1, amount="2", balance="50")
    exchange.book(ledger=ledger, created_at=NOON + 2, amount="3")
    assert balances(exchange, ledger) == [1, 50, 53]
    assert exchange.balances.balance("USDT", ACCOUNTS[ledger]) == 53


@pytest.mark.parametrize("ledger", LEDGERS)
def test_currencies_and_users_have_balances_of_their_own(exchange: Exchange, ledger: str) -> None:
    exchange.book(ledger=ledger, created_at=NOON, amount="1")
    exchange.book(ledger=ledger, created_at=NOON + 1, amount="2", currency="BTC")
    exchange.book(ledger=ledger, created_at=NOON + 2, amount="4", uid=2)
    assert balances(exchange, ledger) == [1, 2]
    assert exchange.balances.balance("USDT", ACCOUNTS[ledger], 2) == 4


@pytest.mark.parametrize("ledger", LEDGERS)
def test_the_fee_may_count_beside_the_amount(exchange: Exchange, ledger: str) -> None:
    exchange.readings.fee_beside_amount = (ledger,)
    exchange.book(ledger=ledger, created_at=NOON, amount="10", fee="1")
    exchange.book(ledger=ledger, created_at=NOON + 1, amount="5", fee="0.5", direction="out")
    assert balances(exchange, ledger) == [9, Decimal("3.5")]


@pytest.mark.parametrize("ledger", LEDGERS)
def test_an_id_is_booked_once(exchange: Exchange, ledger: str) -> None:
    exchange.book(ledger=ledger, created_at=NOON, id=7)
    with pytest.raises(ValueError, match="that id"):
        exchange.book(ledger=ledger, created_at=NOON + 1, id=7)
    assert len(balances(exchange, ledger)) == 1


@pytest.mark.parametrize("ledger", LEDGERS)
def test_extra_has_the_last_word(exchange: Exchange, ledger: str) -> None:
    field = FIELDS.get(ledger, "balance")
    row = exchange.book(ledger=ledger, created_at=NOON, extra={field: "odd", "new": [1]})
    exchange.book(ledger=ledger, created_at=NOON - 1)
    (_, served) = exchange.entries(0, NOON + 1, ledger=ledger)
    assert (row[field], row["new"], served[field]) == ("odd", [1], "odd")


def test_each_pair_of_isolated_margin_has_a_balance_of_its_own(exchange: Exchange) -> None:
    for number, (tag, amount) in enumerate((("BTC-USDT", "1"), ("KCS-USDT", "10"), ("BTC-USDT", "2"))):
        exchange.book(ledger="margin_hf", account_type="ISOLATED_V2", tag=tag, created_at=NOON + number, amount=amount)
    assert balances(exchange, "margin_hf") == [1, 10, 3]
    assert exchange.balances.balance("USDT", "isolated_v2:BTC-USDT") == 3
    with pytest.raises(ValueError, match="tag"):
        exchange.book(ledger="margin_hf", account_type="ISOLATED_V2", created_at=NOON)


def test_the_pairs_of_isolated_margin_may_tell_one_balance_for_all(exchange: Exchange) -> None:
    exchange.readings.isolated_balance = "currency"
    exchange.balances.set("USDT", "isolated_v2:KCS-USDT", "100")
    for number, (tag, amount) in enumerate((("BTC-USDT", "1"), ("KCS-USDT", "10"), ("BTC-USDT", "2"))):
        exchange.book(ledger="margin_hf", account_type="ISOLATED_V2", tag=tag, created_at=NOON + number, amount=amount)
    assert balances(exchange, "margin_hf") == [101, 111, 113]
    assert exchange.balances.balance("USDT", "isolated_v2:BTC-USDT") == 3
    assert exchange.balances.balance("USDT", "isolated_v2:KCS-USDT") == 110


def test_margin_accounts_may_bear_the_new_names(exchange: Exchange) -> None:
    exchange.readings.margin_account_types = "renamed"
    row = exchange.book(ledger="margin_hf", created_at=NOON, amount="2")
    assert row["accountType"] == "MARGIN"
    assert exchange.balances.balance("USDT", "margin") == 2


@pytest.mark.parametrize(
    "asked", [{"ledger": "lunar"}, {"ledger": "unified", "account_type": "LUNAR"}, {"ledger": "LUNAR", "id": 1}]
)
def test_there_are_five_ledgers_and_no_other(exchange: Exchange, asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no ledger"):
        exchange.book(created_at=NOON, **asked)


@pytest.mark.parametrize("ledger", ["trade_hf", "margin_hf", "unified"])
def test_seeded_days_chain_whichever_way_they_come(ledger: str) -> None:
    day = 86_400_000
    start = NOON // day * day
    whole, parts = Exchange(), Exchange()
    whole.seed_ledger(start, start + 2 * day, rows_per_day=300, ledger=ledger)
    for first in (start + day, start):  # the later one first
        parts.seed_ledger(first, first + day, rows_per_day=300, ledger=ledger)
    rows = list(whole.entries(start, start + 2 * day, ledger=ledger))
    assert rows == list(parts.entries(start, start + 2 * day, ledger=ledger))
    for chain in {(row["accountType"], row["currency"]) for row in rows}:
        if chain != ("ISOLATED_V2", "USDT"):  # of two pairs, and no field says of which
            assert chained(row for row in rows if (row["accountType"], row["currency"]) == chain), chain
    assert all(Decimal(row["balance"]) >= 0 for row in rows)


@settings(max_examples=80, deadline=None)
@given(
    bookings=st.lists(
        st.tuples(st.integers(0, 20), st.integers(-50, 50), st.sampled_from(["A", "B"])), min_size=1, max_size=25
    )
)
def test_in_any_order_of_booking_the_rows_tell_the_same_sums(bookings: list[tuple[int, int, str]]) -> None:
    exchange = Exchange()
    for number, (moment, amount, currency) in enumerate(bookings):
        exchange.book(ledger="futures", created_at=NOON + moment, amount=str(amount), currency=currency, id=number + 1)
    for currency in ("A", "B"):
        expected, total = [], 0
        order = sorted((moment, number) for number, (moment, _, code) in enumerate(bookings) if code == currency)
        for _, number in order:
            total += bookings[number][1]
            expected.append(total)
        rows = [row for row in exchange.entries(0, 1 << 60, ledger="futures") if row["currency"] == currency]
        assert [row["accountEquity"] for row in rows] == expected
        assert exchange.balances.balance(currency, "contract") == total
