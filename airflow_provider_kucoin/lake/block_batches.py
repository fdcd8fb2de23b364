"""Rows as they lie in answers' bytes to typed Arrow batches: no row becomes an object on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.columns import (
    ACCOUNT_UID,
    CONTEXT_COLUMNS,
    EXTRA,
    Kind,
    context_columns,
    instants,
)
from airflow_provider_kucoin.lake.batches import array

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from airflow_provider_kucoin.api.blocks import Block
    from airflow_provider_kucoin.api.columns import Column


def block_batch(
    columns: Sequence[Column], arrow_schema: pa.Schema, blocks: Sequence[Block], account_uid: str
) -> pa.RecordBatch:
    """
    Return the rows of some answers as one batch of the declared schema, in the same order.

    :param account_uid: goes into every row
    :raise UnexpectedData: when a value does not fit its column's type exactly
    """
    import pyarrow as pa

    rows = sum(map(len, blocks))
    texts = _Texts(blocks, rows)
    made: dict[str, pa.Array] = {
        ACCOUNT_UID.name: pa.repeat(pa.scalar(account_uid), rows),
        EXTRA.name: pa.nulls(rows, pa.string()),
    }
    of_context = {column.name for column in CONTEXT_COLUMNS}
    if any(column.name in of_context for column in columns):
        found = context_columns(texts.of("context").to_pylist())
        made |= {name: pa.array(values, pa.string()) for name, values in found.items()}
    arrays = [
        made[column.name] if column.name in made else _array(column, arrow_schema.field(column.name).type, texts)
        for column in columns
    ]
    return pa.record_batch(arrays, schema=arrow_schema)


def _array(column: Column, wanted: pa.DataType, texts: _Texts) -> pa.Array:
    if column.kind in (Kind.TEXT, Kind.AMOUNT):
        return array(column, wanted, texts.of(column.source))
    times = [time for block in texts.blocks for time in block.numbers(column.source)]
    return array(column, wanted, instants(column, times))


class _Texts:
    """The values of answers, each field as one Arrow array."""

    def __init__(self, blocks: Sequence[Block], rows: int) -> None:
        import pyarrow as pa

        self.blocks = blocks
        self._rows = rows
        self._bytes = pa.py_buffer(b"".join([block.body for block in blocks]))
        self._found: dict[str, pa.Array] = {}

    def of(self, field: str) -> pa.Array:
        """Return the values of a field as they are meant."""
        if field not in self._found:
            self._found[field] = self._cut(field)
        return self._found[field]

    def _cut(self, field: str) -> pa.Array:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        starts, ends, offset = [], [], 0
        for block in self.blocks:
            start, end = block.places(field)
            starts.append(start + np.int32(offset))
            ends.append(end + np.int32(offset))
            offset += len(block.body)
        begin, end = np.concatenate(starts), np.concatenate(ends)
        # Arrow's texts lie side by side in one buffer. Here what lies between two of them is taken for a text as well,
        # and every second one is taken. That needs them in the order of their places.
        order = np.argsort(begin, kind="stable")
        places = np.empty(2 * len(begin), np.int32)
        places[0::2], places[1::2] = begin[order], end[order]
        every = pa.Array.from_buffers(pa.string(), len(places) - 1, [None, pa.py_buffer(places), self._bytes])
        wanted = np.empty(len(begin), np.int64)
        wanted[order] = np.arange(0, len(places), 2)
        values = every.take(pa.Array.from_buffers(pa.int64(), len(wanted), [None, pa.py_buffer(wanted)]))
        if any(block.escaped == field for block in self.blocks):
            values = pc.replace_substring(values, '\\"', '"')
        return values
