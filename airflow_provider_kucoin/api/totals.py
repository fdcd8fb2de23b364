"""Sums of the rows of an object or a run, exact and small enough to hand on."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.columns import Kind, plain_decimal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kucoin.api.columns import Column

#: What rows are told apart by, where they have it. A symbol only where there is no currency: of ledgers it is a detail.
TOLD_APART_BY = ("account_type", "currency", "symbol", "direction", "side", "status")
#: What can be added up: quantities, not prices, rates or balances after a change.
ADDED_UP = (
    "amount",
    "fee",
    "tax",
    "size",
    "funds",
    "deal_size",
    "deal_funds",
    "principal",
    "interest",
    "interest_amount",
    "total",
)
#: Those that are of another currency than the row, where that is in a column of its own.
_OF_ANOTHER_CURRENCY = {"fee", "tax"}
#: Twice the digits of a file's decimals: no number of rows is enough to need more.
EXACT = Context(prec=76, traps=[Inexact])


@dataclass(slots=True)
class Totals:
    """
    Sums.

    :param by: the columns that rows are told apart by
    :param summed: the columns that are added up; none where there is nothing to add up
    """

    by: tuple[str, ...]
    summed: tuple[str, ...]
    _found: dict[tuple[str | None, ...], tuple[int, tuple[Decimal | None, ...]]] = field(default_factory=dict)

    def add(self, key: tuple[str | None, ...], rows: int, sums: Sequence[Decimal | None]) -> None:
        """Add sums of rows that have the same values of ``by``; ``None`` where no row has one."""
        before, known = self._found.get(key, (0, (None,) * len(self.summed)))
        self._found[key] = before + rows, tuple(map(_plus, known, sums))

    def include(self, others: Totals) -> None:
        """Add other sums of the same columns."""
        for key, (rows, sums) in others._found.items():
            self.add(key, rows, sums)

    def as_rows(self) -> list[dict[str, Any]]:
        """Return one dict for each kind of row, in JSON types: the columns of ``by``, ``rows``, and sums as text."""
        order = sorted(self._found, key=lambda key: tuple(part or "" for part in key))
        return [self._row(key, *self._found[key]) for key in order]

    def _row(self, key: tuple[str | None, ...], rows: int, sums: Sequence[Decimal | None]) -> dict[str, Any]:
        added = {name: plain_decimal(total) for name, total in zip(self.summed, sums, strict=True) if total is not None}
        return {**dict(zip(self.by, key, strict=True)), "rows": rows, **added}


def totals_of(columns: Sequence[Column]) -> Totals:
    """Return empty totals for rows of these columns."""
    texts = {column.name for column in columns if column.kind is Kind.TEXT}
    amounts = {column.name for column in columns if column.kind is Kind.AMOUNT}
    if "currency" in texts:
        texts.discard("symbol")
    if "fee_currency" in texts:
        amounts -= _OF_ANOTHER_CURRENCY
    summed = tuple(name for name in ADDED_UP if name in amounts)
    return Totals(tuple(name for name in TOLD_APART_BY if name in texts), summed)


def _plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    return EXACT.add(one, other)
