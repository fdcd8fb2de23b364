"""
One piece of a window as one file on local disk, in one of three formats.

Pages come in oldest first; rows go out sorted by time, and by key within a millisecond, so that the same rows always
give the same file. A few pages and two row groups are in memory, whatever the number of rows: one that comes in, and
one that is written in a thread.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from airflow_provider_kucoin.api.blocks import Block
from airflow_provider_kucoin.api.columns import Kind
from airflow_provider_kucoin.api.errors import Incomplete
from airflow_provider_kucoin.lake.batches import batch, plain_rows, schema
from airflow_provider_kucoin.lake.block_batches import block_batch
from airflow_provider_kucoin.lake.digests import Digest
from airflow_provider_kucoin.lake.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future

    import pyarrow as pa
    import pyarrow.parquet as pq

    from airflow_provider_kucoin.api.columns import Column, Columns
    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.pages import Item

#: Rows of a row group, and so the most that wait in memory to be written.
ROWS_PER_GROUP = 1 << 15


#: Items that are turned into columns together.
ITEMS_AT_ONCE = 1 << 12


class OutOfOrder(Incomplete):
    """The listing is not in order of time; read it again and sort it as a whole."""


@dataclass(frozen=True, slots=True)
class Finished:
    """
    A file that is complete.

    :param size: bytes
    :param digest: of the rows' content, the same in every format and compression
    """

    path: Path
    rows: int
    size: int
    digest: str


class _Writer(Protocol):
    """What a format has to offer."""

    def write(self, table: pa.Table) -> None: ...

    def close(self, metadata: Mapping[str, str]) -> None: ...


class _ParquetWriter:
    def __init__(self, path: Path, columns: Sequence[Column], arrow_schema: pa.Schema, compression: str) -> None:
        import pyarrow.parquet as pq

        self._begin = partial(
            pq.ParquetWriter,
            path,
            arrow_schema,
            compression=compression,
            # ids and contexts never repeat: a dictionary of them would only be built to be thrown away
            use_dictionary=[column.name for column in columns if column.kind is Kind.TEXT and not column.distinct],
            # nor does the smallest of contexts help to find any
            write_statistics=[column.name for column in columns if column.required or not column.distinct],
            write_page_index=True,
        )

    @cached_property
    def _writer(self) -> pq.ParquetWriter:
        """Return the writer, begun when something is written: that is another thread's work."""
        return self._begin()

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table, row_group_size=len(table))

    def close(self, metadata: Mapping[str, str]) -> None:
        self._writer.add_key_value_metadata(dict(metadata))
        self._writer.close()


class _TextWriter:
    """A stream of text, compressed on the way out."""

    def __init__(self, path: Path, columns: Sequence[Column], arrow_schema: pa.Schema, compression: str) -> None:  # noqa: ARG002 - text has one type for all
        import pyarrow as pa

        self._file = pa.OSFile(str(path), "wb")
        self._stream = self._file if compression == "none" else pa.CompressedOutputStream(self._file, compression)
        self._schema = arrow_schema

    def close(self, metadata: Mapping[str, str]) -> None:  # noqa: ARG002 - text has no place for it
        self._stream.close()
        self._file.close()


class _JsonLinesWriter(_TextWriter):
    def write(self, table: pa.Table) -> None:
        import msgspec

        for page in table.to_batches():
            self._stream.write(msgspec.json.Encoder().encode_lines(plain_rows(page)))


class _CsvWriter(_TextWriter):
    def __init__(self, path: Path, columns: Sequence[Column], arrow_schema: pa.Schema, compression: str) -> None:
        super().__init__(path, columns, arrow_schema, compression)
        import pyarrow as pa
        import pyarrow.csv

        self._text_schema = pa.schema([pa.field(name, pa.string()) for name in arrow_schema.names])
        # nulls are empty, empty text is "": the two stay apart
        self._writer = pyarrow.csv.CSVWriter(self._stream, self._text_schema)

    def write(self, table: pa.Table) -> None:
        import pyarrow as pa

        for page in table.to_batches():
            found = [{name: _cell(value) for name, value in row.items()} for row in plain_rows(page)]
            self._writer.write(pa.RecordBatch.from_pylist(found, schema=self._text_schema))

    def close(self, metadata: Mapping[str, str]) -> None:
        self._writer.close()
        super().close(metadata)


def _cell(value: Any) -> str | None:
    return str(value).lower() if isinstance(value, bool) else value


_WRITERS: dict[str, type[_ParquetWriter | _JsonLinesWriter | _CsvWriter]] = {
    "parquet": _ParquetWriter,
    "jsonl": _JsonLinesWriter,
    "csv": _CsvWriter,
}


class PieceFile:
    """
    A file under construction, in a folder of its own. A context manager; leaving it removes the file.

    :param account_uid: goes into every row
    :param file_format: ``parquet``, ``jsonl`` or ``csv``
    :param compression: as :func:`airflow_provider_kucoin.api.objects.compression_of` returns it
    :param any_order: hold all rows in memory and sort them at the end, for a listing that is not in order of time
    :param rows_per_group: how many rows are written together
    """

    def __init__(
        self,
        dataset: Dataset,
        account_uid: str,
        file_format: str,
        compression: str,
        *,
        any_order: bool = False,
        rows_per_group: int = ROWS_PER_GROUP,
    ) -> None:
        self._dataset = dataset
        self._account_uid = account_uid
        self._format = file_format
        self._compression = compression
        self._any_order = any_order
        self._rows_per_group = rows_per_group

    def __enter__(self) -> Self:
        """Begin the file."""
        self._folder = tempfile.TemporaryDirectory(prefix="kucoin-")
        folder = Path(self._folder.name)
        columns = self._dataset.columns
        self._schema = schema(columns)
        self._path = folder / f"piece.{self._format}"
        try:
            self._writer: _Writer = _WRITERS[self._format](self._path, columns, self._schema, self._compression)
        except BaseException:
            self._folder.cleanup()
            raise
        # A group is written while the next one comes in; never are two on their way.
        self._worker = ThreadPoolExecutor(1, "kucoin-write")
        self._under_way: Future[None] | None = None
        self._keys = Keys(folder / "keys")
        self._digest = Digest(self._schema)
        self._items: list[Item] = []
        self._blocks: list[Block] = []
        self._waiting: list[pa.RecordBatch] = []
        self._rows_waiting = 0
        self._rows = 0
        self._is_complete = False
        self._written_until: int | None = None
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file."""
        self._worker.shutdown()
        self._keys.close()
        self._folder.cleanup()

    def add(self, items: Sequence[Item]) -> None:
        """
        Add a page, which must not be older than the page before.

        :raise UnexpectedData: when a row cannot be held exactly
        :raise OutOfOrder: when the page is older than what has been written
        """
        if isinstance(items, Block):
            if self._items:
                self._convert()
            self._blocks.append(items)
        else:
            # Rows of two kinds are not turned into columns together.
            if self._blocks or (self._items and items and type(items[0]) is not type(self._items[0])):
                self._convert()
            self._items += items
        if len(self._items) + sum(map(len, self._blocks)) >= min(ITEMS_AT_ONCE, self._rows_per_group):
            self._convert()
        if self._rows_waiting > self._rows_per_group and not self._any_order:
            table = self._write_groups()
            self._waiting, self._rows_waiting = table.to_batches(), len(table)

    def _convert(self) -> None:
        """Turn the items at hand into columns: many at once, for each turn has a price of its own."""
        import pyarrow.compute as pc

        dataset = self._dataset
        if self._blocks:
            made = block_batch(dataset.columns, self._schema, self._blocks, self._account_uid)
            oldest = pc.min(made.column(dataset.time)).value
            self._add_keys(made)
        else:
            page = dataset.table(self._items, self._account_uid, amounts_as_sent=True)
            made = batch(dataset.columns, self._schema, page)
            oldest = min(page[dataset.time], default=None)
            self._keys.add(_keys(page, dataset.key))
        if self._written_until is not None and oldest is not None and oldest <= self._written_until:
            raise OutOfOrder(
                "a row was listed beyond rows that are later than it: KuCoin's listing is not in order of "
                f"{self._dataset.time}"
            )
        self._waiting.append(made)
        self._rows += len(made)
        self._rows_waiting += len(made)
        self._items, self._blocks = [], []

    def _add_keys(self, made: pa.RecordBatch) -> None:
        """Remember the keys of the blocks at hand, as numbers where they are numbers."""
        # Datasets that come in blocks have one key, see Dataset.keys.
        [name], [source] = self._dataset.key, self._dataset.key_sources
        found = [block.as_written(source) for block in self._blocks]
        numbers = [marks for marks in found if marks is not None]
        if len(numbers) < len(found):
            self._keys.add(made.column(name).to_pylist())
            return
        for marks in numbers:
            self._keys.add_marks(marks.tobytes())

    def complete(self) -> int:
        """
        Take in what is at hand as the last of the rows, and return how many there are.

        :raise Incomplete: when a row was there twice
        """
        if self._items or self._blocks:
            self._convert()
        self._keys.check()
        self._is_complete = True
        return self._rows

    def finish(self, metadata: Mapping[str, str]) -> Finished:
        """
        Write what has not been written; after :meth:`complete` this may be done in another thread.

        :param metadata: for formats that have a place for it
        :raise Incomplete: see :meth:`complete`, which is done before unless it was
        """
        if not self._is_complete:
            self.complete()
        table = self._write_groups()
        self._wait()
        if len(table):
            self._write(table)
        digest = self._digest.text()
        self._writer.close({**metadata, "kucoin.rows": str(self._rows), "kucoin.content": digest})
        return Finished(self._path, self._rows, self._path.stat().st_size, digest)

    def _write_groups(self) -> pa.Table:
        """Write what waits in groups of a fixed size, so that a file depends on its rows and not on the pages."""
        table = self._sorted()
        times = table.column(self._dataset.time)
        while len(table) > self._rows_per_group:
            # Rows of the same millisecond as the last one at hand may still come.
            if not self._is_complete and times[self._rows_per_group - 1] == times[-1]:
                break
            group, table = table.slice(0, self._rows_per_group), table.slice(self._rows_per_group)
            self._wait()
            self._written_until = times[self._rows_per_group - 1].value
            self._under_way = self._worker.submit(self._write, group)
            times = table.column(self._dataset.time)
        return table

    def _wait(self) -> None:
        """Wait for the group that is being written."""
        if self._under_way is not None:
            under_way, self._under_way = self._under_way, None
            under_way.result()

    def _sorted(self) -> pa.Table:
        import pyarrow as pa

        table = pa.Table.from_batches(self._waiting, self._schema)
        self._waiting = []  # the sorted copy replaces them, and is all that is in memory while it is written
        return in_order(table, self._dataset)

    def _write(self, table: pa.Table) -> None:
        self._writer.write(table)
        self._digest.add(table)


def in_order(table: pa.Table, dataset: Dataset) -> pa.Table:
    """
    Return rows in the one order that files have: by time, then by key; by all columns where rows have no key.

    :param table: of the dataset's declared schema
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    by = [name for name in dataset.key or table.column_names if name != dataset.time]
    order, found = [(dataset.time, "ascending")], table.select([dataset.time, *by])
    for number, name in enumerate(by):
        if dataset.key and pa.types.is_string(table.schema.field(name).type):
            # Keys are numbers or hexadecimal digits in text: the longer is the later, then by letter.
            found = found.append_column(f"length {number}", pc.utf8_length(table.column(name)))
            order.append((f"length {number}", "ascending"))
        order.append((name, "ascending"))
    if _ascends(found.select([name for name, _ in order])):
        return table
    return table.take(pc.sort_indices(found, order))


def _ascends(by: pa.Table) -> bool:
    """Return whether rows are in the order of their columns already: nearly always, and cheaper to see than to sort."""
    import pyarrow.compute as pc

    if len(by) < 2 or any(column.null_count for column in by.columns):  # noqa: PLR2004 - one row is in order
        return len(by) < 2  # noqa: PLR2004
    later, tied = False, True
    for column in by.columns:
        whole = column.combine_chunks()
        older, newer = whole.slice(0, len(whole) - 1), whole.slice(1)
        later = pc.or_(later, pc.and_(tied, pc.greater(newer, older)))
        tied = pc.and_(tied, pc.equal(newer, older))
    return bool(pc.all(pc.or_(later, tied)).as_py())


def _keys(page: Columns, names: Sequence[str]) -> list[str]:
    if len(names) == 1:
        return page[names[0]]
    return ["\0".join(map(str, values)) for values in zip(*(page[name] for name in names), strict=True)]
