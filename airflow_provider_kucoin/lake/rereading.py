"""What was written, read back: the rows of an object as batches of the declared schema, in any format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_kucoin.api.columns import Kind
from airflow_provider_kucoin.api.errors import UnexpectedData
from airflow_provider_kucoin.lake.batches import schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from airflow_provider_kucoin.api.datasets import Dataset

#: Rows that are in memory at once.
ROWS_AT_ONCE = 1 << 12
#: How amounts are written as text.
PLAIN_AMOUNT = r"^-?[0-9]{1,20}(\.[0-9]{1,18})?$"


def read(path: Path, dataset: Dataset, file_format: str, compression: str) -> Iterator[pa.RecordBatch]:
    """
    Yield the rows of a file, in its order.

    :param compression: as :func:`airflow_provider_kucoin.api.objects.compression_of` returns it
    :raise UnexpectedData: when it is not a file of the dataset's declared schema
    """
    import pyarrow as pa

    wanted = schema(dataset.columns)
    try:
        for found in _READERS[file_format](path, dataset, compression):
            yield _cast(found, wanted)
    except (UnexpectedData, pa.ArrowException, OSError, msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise UnexpectedData(f"it is not a {file_format} file of the {dataset}: {problem}") from None


def rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return a batch as rows for Python; of times to the nanosecond as much as Python's datetimes hold."""
    import pyarrow as pa

    micro = pa.timestamp("us", tz="UTC")
    columns = {
        field.name: column.cast(micro, safe=False) if field.type == pa.timestamp("ns", tz="UTC") else column
        for field, column in zip(batch.schema, batch.columns, strict=True)
    }
    return [
        dict(zip(columns, row, strict=True)) for row in zip(*(c.to_pylist() for c in columns.values()), strict=True)
    ]


def metadata(path: Path) -> dict[str, str]:
    """
    Return what a Parquet file says of itself.

    :raise UnexpectedData: when it is not a Parquet file
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_metadata(path).metadata or {}
    except (pa.ArrowException, OSError) as problem:
        raise UnexpectedData(f"it is not a Parquet file: {problem}") from None
    return {name.decode(): value.decode(errors="replace") for name, value in found.items() if b":" not in name}


def _cast(found: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    """Return rows as the declared schema has them, or refuse what is not of it."""
    import pyarrow as pa

    if sorted(found.schema.names) != sorted(wanted.names):
        raise UnexpectedData(f"its columns are {', '.join(found.schema.names)} instead of {', '.join(wanted.names)}")
    return pa.record_batch([_typed(found.column(field.name), field) for field in wanted], schema=wanted)


def _typed(values: pa.Array, field: pa.Field) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if values.null_count and not field.nullable:
        raise UnexpectedData(f"a row has no {field.name}")
    # Of other spellings, and of longer numbers, Arrow's cast makes other numbers without a word.
    if pa.types.is_decimal(field.type) and pa.types.is_string(values.type):
        plain = pc.match_substring_regex(values, PLAIN_AMOUNT)
        if not pc.all(plain, min_count=0).as_py():
            raise UnexpectedData(f"column {field.name}: {values.filter(pc.invert(plain))[0]} is not an amount")
    return values.cast(field.type)


def _parquet(path: Path, dataset: Dataset, compression: str) -> Iterator[pa.RecordBatch]:  # noqa: ARG001 - is inside
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(ROWS_AT_ONCE)


def _lines(path: Path, dataset: Dataset, compression: str) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    flags = {column.name for column in dataset.columns if column.kind is Kind.FLAG}
    text = pa.schema([(column.name, pa.bool_() if column.name in flags else pa.string()) for column in dataset.columns])
    decode = msgspec.json.Decoder().decode
    # Its own way to a stream: the one of pyarrow that goes by the file's name does not know ours.
    with pa.OSFile(str(path), "rb") as file:
        stream = file if compression == "none" else pa.CompressedInputStream(file, compression)
        rows: list[dict[str, Any]] = []
        rest = b""
        while data := stream.read(1 << 20):
            *lines, rest = (rest + data).split(b"\n")
            rows += map(decode, lines)
            while len(rows) >= ROWS_AT_ONCE:
                yield _batch_of(rows[:ROWS_AT_ONCE], text)
                rows = rows[ROWS_AT_ONCE:]
        rows += [decode(rest)] if rest.strip() else []
        yield _batch_of(rows, text)


def _batch_of(rows: list[Any], text: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    names = set(text.names)
    if bad := [row for row in rows if not isinstance(row, dict) or row.keys() != names]:
        raise UnexpectedData(f"a line is not an object with the columns {', '.join(text.names)}: {bad[0]!r:.80}")
    return pa.RecordBatch.from_pylist(rows, schema=text)


def _values(path: Path, dataset: Dataset, compression: str) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.csv

    convert = pyarrow.csv.ConvertOptions(
        column_types={column.name: pa.string() for column in dataset.columns},
        strings_can_be_null=True,
        null_values=[""],
        # Empty text is in quotation marks, nothing is not.
        quoted_strings_can_be_null=False,
    )
    with pa.OSFile(str(path), "rb") as file:
        if compression == "none" and file.size():
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                # Half of a last value would look like all of it.
                raise UnexpectedData("it ends in the middle of a line")
            file.seek(0)
        stream = file if compression == "none" else pa.CompressedInputStream(file, compression)
        with pyarrow.csv.open_csv(
            stream,
            convert_options=convert,
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        ) as reader:
            yield from reader


_READERS = {"parquet": _parquet, "jsonl": _lines, "csv": _values}
