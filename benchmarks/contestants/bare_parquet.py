"""
What it takes to write Parquet at all: the bare loop, its rows put into typed columns, and those into a file.

Nothing is checked: rows lie in the order in which answers come, twice or not, as many as there are. Contexts stay as
they are, nothing is added up, and nothing is uploaded.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa  # noqa: TID253 - a command, not a DAG file
import pyarrow.parquet as pq  # noqa: TID253
from bare import main

#: As many rows as the provider turns into columns together, and as it writes together.
ROWS_AT_ONCE, ROWS_PER_GROUP = 1 << 12, 1 << 15
AMOUNTS = ("amount", "fee", "balance")
TEXTS = ("id", "currency", "accountType", "bizType", "direction", "context")
OFTEN_THE_SAME = ("currency", "accountType", "bizType", "direction")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in TEXTS]
    + [(name, pa.decimal128(38, 18)) for name in AMOUNTS]
    + [("createdAt", pa.timestamp("ms", "UTC"))]
)


class Columns:
    """Takes answers, and writes them."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetWriter(path, SCHEMA, compression="zstd", use_dictionary=list(OFTEN_THE_SAME))
        self._items: list[dict[str, Any]] = []
        self._batches: list[pa.RecordBatch] = []

    def keep(self, data: dict[str, Any]) -> None:
        """Take the rows of an answer."""
        self._items += data["items"]
        if len(self._items) >= ROWS_AT_ONCE:
            self._convert()
        if sum(map(len, self._batches)) >= ROWS_PER_GROUP:
            self._write()

    def _convert(self) -> None:
        columns = [
            pa.array([item[name] for item in self._items]).cast(SCHEMA.field(name).type) for name in SCHEMA.names
        ]
        self._batches.append(pa.record_batch(columns, schema=SCHEMA))
        self._items = []

    def _write(self) -> None:
        self._file.write_table(pa.Table.from_batches(self._batches, SCHEMA))
        self._batches = []

    def close(self) -> None:
        """Write what is left."""
        if self._items:
            self._convert()
        self._write()
        self._file.close()


with tempfile.TemporaryDirectory() as folder:
    columns = Columns(Path(folder) / "rows.parquet")
    asyncio.run(main(columns.keep, columns.close))
