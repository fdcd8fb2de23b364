"""What tells whether two objects hold the same rows, without reading either."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa


class Digest:
    """
    A digest of rows that depends on their values and their order alone: not on pages, format or compression.

    Another version of Arrow may lay the same values out differently; then the digest differs, and an object is written
    once more than it had to be. It is no signature: who means to deceive can make rows that have it.
    """

    def __init__(self, arrow_schema: pa.Schema) -> None:
        import pyarrow as pa

        self._hash = hashlib.sha256()
        # Descriptions are not content.
        bare = pa.schema([pa.field(field.name, field.type, field.nullable) for field in arrow_schema])
        self._schema = bare
        self._writer = pa.ipc.new_stream(pa.PythonFile(_Sink(self._hash), mode="w"), bare)

    def add(self, table: pa.Table) -> None:
        """Take in rows, in their order; the same rows must come in the same groups."""
        import pyarrow as pa

        if len(table):
            columns = [_plain(column) for column in table.columns]
            self._writer.write_batch(pa.record_batch(columns, schema=self._schema))

    def text(self) -> str:
        """Return the digest of all that was taken in."""
        return f"sha256:{self._hash.hexdigest()}"


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """
    Return a column's values as they lie in memory when nothing else has been there.

    In one piece, for where pages ended must not be seen; and where single bits tell values or nulls, copied: neither
    what surrounds a slice's bits must be seen, nor what lies in the place of a null.
    """
    import pyarrow as pa

    whole = column.combine_chunks()
    is_of_bits = whole.null_count or pa.types.is_boolean(whole.type)
    return whole.take(_places(len(whole).bit_length()).slice(0, len(whole))) if is_of_bits else whole


@cache
def _places(bits: int) -> pa.Array:
    """Return the places of all rows in their order, as many as numbers of so many bits."""
    import pyarrow as pa

    return pa.array(range(1 << bits), pa.int64())


def digest_of(batches: Iterable[pa.RecordBatch], arrow_schema: pa.Schema, rows_per_group: int) -> str:
    """Return the digest of rows that come in batches of any size."""
    import pyarrow as pa

    digest, waiting = Digest(arrow_schema), pa.Table.from_batches([], arrow_schema)
    for batch in batches:
        waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
        while len(waiting) > rows_per_group:
            digest.add(waiting.slice(0, rows_per_group))
            waiting = waiting.slice(rows_per_group)
    if len(waiting):
        digest.add(waiting)
    return digest.text()


class _Sink:
    """Takes bytes for a hash, as a file would: of each buffer its checksum, which is ten times as fast as its hash."""

    closed = False

    def __init__(self, into: hashlib._Hash) -> None:
        self._into = into

    def write(self, data: bytes) -> int:
        self._into.update(b"%d %d;" % (len(data), crc32(data)))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""
