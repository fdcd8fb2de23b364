"""Rows as they lie in answers' bytes to typed Arrow batches: no row becomes an object on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.blocks import BACKSLASH
from airflow_provider_kucoin.api.columns import (
    ACCOUNT_UID,
    CONTEXT_COLUMNS,
    EXTRA,
    LATEST,
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
    return array(column, wanted, _instants(column, texts.blocks))


def _instants(column: Column, blocks: Sequence[Block]) -> Any:
    import numpy as np

    found = [block.whole(column.source) for block in blocks]
    whole = [one for one in found if one is not None]
    if len(whole) == len(found) and int((times := np.concatenate(whole)).max(initial=0)) <= LATEST[column.kind]:
        return times
    return instants(column, [time for block in blocks for time in block.numbers(column.source)])


class _Texts:
    """The values of answers, each field as one Arrow array."""

    def __init__(self, blocks: Sequence[Block], rows: int) -> None:
        import numpy as np
        import pyarrow as pa

        self.blocks = blocks
        self._bytes = pa.py_buffer(b"".join([block.body for block in blocks]))
        self._fields = blocks[0].fields
        starts, ends, offset = [], [], 0
        for block in blocks:
            # Answers may have their fields in different orders.
            lines: Any = (
                slice(None) if block.fields == self._fields else [block.fields.index(field) for field in self._fields]
            )
            starts.append(block.starts[lines] + np.int32(offset))
            ends.append(block.ends[lines] + np.int32(offset))
            offset += len(block.body)
        begin = np.concatenate(starts, axis=1)
        order = np.argsort(begin[0], kind="stable")
        # In the order of their places: where each text begins and ends.
        self._places = np.stack((begin[:, order], np.concatenate(ends, axis=1)[:, order]), axis=2)
        wanted = np.empty(rows, np.int64)
        wanted[order] = np.arange(0, 2 * rows, 2)
        self._wanted = pa.array(wanted)
        self._found: dict[str, pa.Array] = {}

    def of(self, field: str) -> pa.Array:
        """Return the values of a field."""
        if field not in self._found:
            self._found[field] = self._cut(field)
        return self._found[field]

    def _cut(self, field: str) -> pa.Array:
        import pyarrow as pa

        # Arrow's texts lie side by side in one buffer. Here what lies between two of them is taken for a text as well,
        # and every second one is taken. That needs them in the order of their places.
        places = self._places[self._fields.index(field)].reshape(-1)
        every = pa.Array.from_buffers(pa.string(), len(places) - 1, [None, pa.py_buffer(places), self._bytes])
        values = every.take(self._wanted)
        return _unescaped(values) if any(block.escaped == field for block in self.blocks) else values


def _unescaped(values: pa.Array) -> pa.Array:
    """Return texts without their backslashes, each of which stands in front of a quotation mark."""
    import numpy as np
    import pyarrow as pa

    _, offsets, texts = values.buffers()
    ends = np.frombuffer(offsets, np.int32, len(values) + 1, values.offset * 4)
    escapes = np.flatnonzero(np.frombuffer(texts, np.uint8) == BACKSLASH)
    moved = ends - np.searchsorted(escapes, ends).astype(np.int32)
    plain = texts.to_pybytes().translate(None, bytes([BACKSLASH]))
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(moved), pa.py_buffer(plain)])
