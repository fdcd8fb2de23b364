"""Columns of a page to typed Arrow batches, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.errors import UnexpectedData
from airflow_provider_kucoin.api.ledgers import DECIMAL_PRECISION, DECIMAL_SCALE, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    import pyarrow as pa

    from airflow_provider_kucoin.api.ledgers import Column, Columns


def arrow_type(kind: Kind) -> pa.DataType:
    """Return the Arrow type of a kind of column."""
    import pyarrow as pa

    return {
        Kind.TEXT: pa.string(),
        Kind.AMOUNT: pa.decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
        Kind.INSTANT: pa.timestamp("ms", tz="UTC"),
    }[kind]


def schema(columns: Sequence[Column]) -> pa.Schema:
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

    arrays = [_array(column, arrow_schema.field(column.name).type, page[column.name]) for column in columns]
    return pa.record_batch(arrays, schema=arrow_schema)


def _array(column: Column, wanted: pa.DataType, values: list[Any]) -> pa.Array:
    import pyarrow as pa

    # Amounts are plain digits that fit, which is as much as Arrow can be trusted with: of other text its cast makes
    # other numbers without a word.
    sent = {Kind.AMOUNT: pa.string(), Kind.INSTANT: pa.int64()}.get(column.kind, wanted)
    try:
        return pa.array(values, sent).cast(wanted)
    except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError) as problem:
        raise UnexpectedData(
            f"column {column.name}: a value does not fit {wanted} exactly ({problem}), and nothing is rounded or cut; "
            "nothing was written"
        ) from None


def plain_rows(page: pa.RecordBatch) -> list[dict[str, str | None]]:
    """
    Return a batch as rows of plain text, for formats without types.

    Amounts are plain decimals without exponent or trailing zeros, times ISO 8601 in UTC with milliseconds.
    """
    columns = {name: _plain(page.schema.field(name).type, page.column(name)) for name in page.schema.names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(kind: pa.DataType, values: pa.Array) -> list[str | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_decimal(kind):
        return [None if value is None else plain_decimal(value) for value in values.to_pylist()]
    if pa.types.is_timestamp(kind):
        return list(pc.strftime(values, "%Y-%m-%dT%H:%M:%SZ").to_pylist())
    return list(values.to_pylist())


def plain_decimal(value: Decimal) -> str:
    """Return a decimal without exponent and trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
