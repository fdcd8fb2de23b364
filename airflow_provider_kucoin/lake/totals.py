"""Sums of a file's rows, added up while it is written: by Arrow, in more digits than it can take to be exact."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Self

from airflow_provider_kucoin.api.totals import Totals, totals_of
from airflow_provider_kucoin.lake.files import PieceFile

if TYPE_CHECKING:
    import pyarrow as pa


class TotalledFile(PieceFile):
    """A file under construction that knows what its rows add up to."""

    def __enter__(self) -> Self:
        """Begin the file."""
        self.totals = totals_of(self._dataset.columns)
        return super().__enter__()

    def _write(self, table: pa.Table) -> None:
        super()._write(table)
        add(self.totals, table)


def add(totals: Totals, table: pa.Table) -> None:
    """Add the rows of a table, which has the columns that the totals are of."""
    if not totals.summed or not len(table):
        return
    found = table.select([*totals.by, *totals.summed])
    for name in totals.summed:
        place = found.schema.get_field_index(name)
        # Arrow adds up in the type of the column and says nothing when that overflows.
        if not _fits(found.column(name)):
            found = found.set_column(place, name, found.column(name).cast(_wide(found.schema.field(name).type)))
    wanted: list[tuple[list[str] | str, str]] = [([], "count_all"), *((name, "sum") for name in totals.summed)]
    # One thread: the order of the groups does not matter, and nobody waits for it.
    for row in found.group_by(list(totals.by), use_threads=False).aggregate(wanted).to_pylist():
        key = tuple(row[name] for name in totals.by)
        totals.add(key, row["count_all"], [_decimal(row[f"{name}_sum"]) for name in totals.summed])


def _fits(column: pa.ChunkedArray) -> bool:
    """Return whether the sum of any of these decimals fits their own type."""
    import pyarrow.compute as pc

    bounds = pc.min_max(column).as_py()
    largest = max(abs(bound or Decimal()) for bound in bounds.values())
    return bool(largest * len(column) < 10 ** (column.type.precision - column.type.scale))


def _wide(narrow: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return pa.decimal256(76, narrow.scale)


def _decimal(value: object) -> Decimal | None:
    return value if isinstance(value, Decimal) else None
