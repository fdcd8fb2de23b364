"""Columns of a page to typed Arrow batches, exactly."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.columns import (
    DECIMAL_PRECISION,
    DECIMAL_SCALE,
    PLAIN_AMOUNT,
    Kind,
    amounts,
    plain_decimal,
)
from airflow_provider_kucoin.api.errors import UnexpectedData

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from airflow_provider_kucoin.api.columns import Column, Columns


def arrow_type(kind: Kind) -> pa.DataType:
    """Return the Arrow type of a kind of column."""
    import pyarrow as pa

    return {
        Kind.TEXT: pa.string(),
        Kind.AMOUNT: pa.decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
        Kind.FLAG: pa.bool_(),
        Kind.INSTANT: pa.timestamp("ms", tz="UTC"),
        Kind.SECONDS: pa.timestamp("ms", tz="UTC"),
        Kind.NANOSECONDS: pa.timestamp("ns", tz="UTC"),
    }[kind]


@cache
def schema(columns: tuple[Column, ...]) -> pa.Schema:
    """Return the declared columns as an Arrow schema."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(
                column.name,
                arrow_type(column.kind),
                nullable=not column.required,
                metadata={"description": column.meaning} if column.meaning else None,
            )
            for column in columns
        ]
    )


def batch(columns: Sequence[Column], arrow_schema: pa.Schema, page: Columns) -> pa.RecordBatch:
    """
    Return a page as a batch of the declared schema.

    :raise UnexpectedData: when a value does not fit its column's type exactly
    """
    import pyarrow as pa

    arrays = [array(column, arrow_schema.field(column.name).type, page[column.name]) for column in columns]
    return pa.record_batch(arrays, schema=arrow_schema)


def array(column: Column, wanted: pa.DataType, values: Any) -> pa.Array:
    """
    Return the values of a column as an Arrow array.

    :param values: as :func:`airflow_provider_kucoin.api.columns.columns` returns them; texts may be an array already
    :raise UnexpectedData: when one does not fit the type exactly
    """
    import pyarrow as pa

    sent = pa.int64() if pa.types.is_timestamp(wanted) else wanted
    try:
        if column.kind is Kind.AMOUNT:
            text = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
            if not _surely_plain(text):
                text = pa.array(amounts(column, text.to_pylist() if values is text else values), pa.string())
            return text.cast(wanted)
        return values if isinstance(values, pa.Array) else pa.array(values, sent).cast(wanted)
    except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError) as problem:
        raise UnexpectedData(
            f"column {column.name}: a value does not fit {wanted} exactly ({problem}), and nothing is rounded or cut; "
            "nothing was written"
        ) from None


#: Of so many digits and points not more than 20 can be before and 18 behind a point: a point takes one place, and what
#: is before it another.
_SHORT = 20


def _surely_plain(text: pa.Array) -> bool:
    """
    Return whether texts can be trusted to Arrow's cast.

    Of text other than digits its cast makes other numbers without a word ('1e30' overflows), and so it does of too many
    of them. Where it is not sure, :func:`amounts` decides.
    """
    import pyarrow.compute as pc

    every = text.buffers()[2]
    if every is not None and every.to_pybytes().translate(None, b"0123456789.-"):
        return False
    long = pc.greater(pc.binary_length(text), _SHORT)
    # To look at each digit costs more than the rest, and few are so long.
    return bool(pc.all(pc.match_substring_regex(text.filter(long), f"^{PLAIN_AMOUNT}$"), min_count=0).as_py())


def plain_rows(page: pa.RecordBatch) -> list[dict[str, str | bool | None]]:
    """
    Return a batch as rows of plain text, for formats without types.

    Amounts are plain decimals without exponent or trailing zeros, times ISO 8601 in UTC with milliseconds, or with
    nanoseconds where KuCoin sends them.
    """
    columns = {name: _plain(page.schema.field(name).type, page.column(name)) for name in page.schema.names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(kind: pa.DataType, values: pa.Array) -> list[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_decimal(kind):
        return [None if value is None else plain_decimal(value) for value in values.to_pylist()]
    if pa.types.is_timestamp(kind):
        return list(pc.strftime(values, "%Y-%m-%dT%H:%M:%SZ").to_pylist())
    return list(values.to_pylist())
