"""Rows as they lie in answers' bytes to typed Arrow batches: no row becomes an object on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.blocks import BACKSLASH, objects
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
        made |= _parts(texts.of("context"), texts.escapes)
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


def _parts(contexts: pa.Array, quotes: Any) -> dict[str, pa.Array]:
    """
    Return the useful parts of contexts, as :func:`airflow_provider_kucoin.api.columns.context_columns` does.

    :param quotes: how many quotation marks there are in each: those that have as many nearly always are of one shape
    """
    import numpy as np
    import pyarrow as pa

    kinds = np.unique(quotes)
    if len(kinds) == 1:
        return _parts_of_shape(contexts)
    groups = [np.flatnonzero(quotes == kind) for kind in kinds]
    found = [_parts_of_shape(contexts.take(pa.array(group))) for group in groups]
    back = pa.array(np.argsort(np.concatenate(groups)))
    return {name: pa.concat_arrays([parts[name] for parts in found]).take(back) for name in found[0]}


def _parts_of_shape(contexts: pa.Array) -> dict[str, pa.Array]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    _, offsets, texts = contexts.buffers()
    begins = np.frombuffer(offsets, np.int32, len(contexts), contexts.offset * 4)
    block = objects(texts.to_pybytes()) if texts is not None else None
    # Nothing but where they begin tells that each of them is one object.
    if block is None or not np.array_equal(block.begins, begins):
        return {name: pa.array(values, pa.string()) for name, values in context_columns(contexts.to_pylist()).items()}
    values = _Texts([block], len(block))
    none = pa.nulls(len(block), pa.string())

    def part(field: str) -> pa.Array:
        if field not in block.fields:
            return none
        found = values.of(field)
        is_empty = pc.equal(pc.binary_length(found), 0)
        return pc.if_else(is_empty, none, found) if pc.any(is_empty).as_py() else found

    return {
        "order_id": part("orderId"),
        "trade_id": part("tradeId"),
        "tx_id": pc.coalesce(part("txId"), part("transactionId")),
        "symbol": part("symbol"),
    }


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
        escapes = [np.zeros(len(block), np.int64) if block.escapes is None else block.escapes for block in blocks]
        self.escapes = np.concatenate(escapes)
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
        return _unescaped(values, self.escapes) if any(block.escaped == field for block in self.blocks) else values


def _unescaped(values: pa.Array, escapes: Any) -> pa.Array:
    """
    Return texts without their backslashes, each of which stands in front of a quotation mark.

    :param escapes: how many there are in each
    """
    import numpy as np
    import pyarrow as pa

    _, offsets, texts = values.buffers()
    moved = np.array(np.frombuffer(offsets, np.int32, len(values) + 1, values.offset * 4))
    moved[1:] -= np.cumsum(escapes).astype(np.int32)
    plain = texts.to_pybytes().translate(None, bytes([BACKSLASH]))
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(moved), pa.py_buffer(plain)])
