"""Sums of rows: exact, told apart by what matters, and nothing added up that cannot be."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_kucoin.api.balances import BALANCES
from airflow_provider_kucoin.api.columns import Column, Kind
from airflow_provider_kucoin.api.histories import history
from airflow_provider_kucoin.api.ledgers import FUTURES, SPOT, UNIFIED
from airflow_provider_kucoin.api.totals import Totals, totals_of


@pytest.mark.parametrize(
    ("dataset", "by", "summed"),
    [
        (SPOT, ("account_type", "currency", "direction"), ("amount", "fee")),
        (UNIFIED, ("account_type", "currency", "direction"), ("amount", "fee", "tax")),
        (FUTURES, ("currency", "status"), ("amount", "fee")),
        (history("withdrawals"), ("currency", "status"), ("amount", "fee")),
        # What the fee is of stands in a column of its own.
        (history("spot_fills"), ("symbol", "side"), ("size", "funds")),
        (history("klines"), ("symbol",), ()),
        (BALANCES, ("account_type", "currency", "status"), ("total",)),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_added_up_of_a_dataset_can_be_added_up(
    dataset: object, by: tuple[str, ...], summed: tuple[str, ...]
) -> None:
    found = totals_of(dataset.columns)  # type: ignore[attr-defined]
    assert (found.by, found.summed) == (by, summed)


def test_a_balance_after_a_change_is_not_added_up() -> None:
    columns = [Column("currency", "c"), Column("balance", "b", Kind.AMOUNT), Column("price", "p", Kind.AMOUNT)]
    assert totals_of(columns).summed == ()


def test_rows_of_one_kind_come_together_and_amounts_are_plain_text() -> None:
    totals = Totals(("currency", "direction"), ("amount", "fee"))
    totals.add(("USDT", "in"), 2, [Decimal("1E+3"), None])
    totals.add(("BTC", None), 1, [Decimal("-0.500"), Decimal(0)])
    totals.add(("USDT", "in"), 1, [Decimal("0.000000000000000001"), Decimal("0.10")])
    assert totals.as_rows() == [
        {"currency": "BTC", "direction": None, "rows": 1, "amount": "-0.5", "fee": "0"},
        {"currency": "USDT", "direction": "in", "rows": 3, "amount": "1000.000000000000000001", "fee": "0.1"},
    ]


def test_a_sum_has_more_digits_than_its_parts_can_have() -> None:
    totals, largest = Totals(("currency",), ("amount",)), Decimal("99999999999999999999.999999999999999999")
    for _ in range(1000):
        totals.add(("SHIB",), 1, [largest])
    assert totals.as_rows()[0]["amount"] == "99999999999999999999999.999999999999999"


def test_totals_are_merged_without_changing_those_that_come_in() -> None:
    one, other = Totals(("currency",), ("amount",)), Totals(("currency",), ("amount",))
    one.add(("BTC",), 1, [Decimal(1)])
    other.add(("BTC",), 2, [Decimal(2)])
    one.include(other)
    one.include(other)
    assert one.as_rows() == [{"currency": "BTC", "rows": 5, "amount": "5"}]
    assert other.as_rows() == [{"currency": "BTC", "rows": 2, "amount": "2"}]
