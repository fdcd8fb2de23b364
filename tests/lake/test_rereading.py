"""What was written is read back as it was; what is broken, or of somebody else, is refused."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # noqa: TID253 - this is where Arrow is looked at
import pyarrow.parquet as pq  # noqa: TID253 - the same
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import UnexpectedData
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import FUTURES, SPOT, UNIFIED
from airflow_provider_kucoin.api.objects import COMPRESSIONS
from airflow_provider_kucoin.lake.batches import schema
from airflow_provider_kucoin.lake.files import PieceFile
from airflow_provider_kucoin.lake.rereading import ROWS_AT_ONCE, metadata, read, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_kucoin.api.datasets import Dataset

T0 = 1_770_120_000_000
FORMATS = [(file_format, known) for file_format, several in COMPRESSIONS.items() for known in several]
IDS = [f"{file_format} {compression}" for file_format, compression in FORMATS]
DEPOSITS, FILLS, KLINES = HISTORIES["deposits"], HISTORIES["futures_fills"], HISTORIES["klines"]


def entry(number: int, **changes: Any) -> dict[str, Any]:
    row = {"id": str(number), "currency": "USDT", "amount": f"-{number}.5", "bizType": "", "createdAt": T0 + number}
    return {**row, "context": f'{{"orderId":"{number}"}}', **changes}


ITEMS: dict[str, tuple[Dataset, Callable[[int], dict[str, Any]]]] = {
    "spot": (SPOT, entry),
    "futures": (
        FUTURES,
        lambda n: {"currency": "XBT", "offset": n, "amount": Decimal("-1e-18"), "time": T0 + n, "fee": None},
    ),
    "unified": (
        UNIFIED,
        lambda n: {
            "accountType": "SPOT",
            "id": n,
            "currency": "USDT",
            "amount": "1",
            "ts": (T0 * 1_000_000) + n,
            "remark": (None, "")[n % 2],
        },
    ),
    "deposits": (
        DEPOSITS,
        lambda n: {
            "currency": "USDT",
            "amount": "9" * 20 + "." + "9" * 18,
            "createdAt": T0 + n // 3,
            "isInner": (True, False, None)[n % 3],
            "memo": ("", None, " ", "NULL", '"')[n % 5],
            "updatedAt": None if n % 2 else T0,
        },
    ),
    "futures_fills": (
        FILLS,
        lambda n: {
            "symbol": "XBTUSDTM",
            "tradeId": str(n),
            "orderId": "1",
            "side": "buy",
            "forceTaker": bool(n % 2),
            "tradeTime": T0 * 1_000_000 + n,
            "createdAt": T0,
            "unknown": n,
        },
    ),
    "klines": (
        KLINES,
        lambda n: {
            "symbol": "A-B",
            "type": "1min",
            "time": str(T0 // 1000 + 60 * n),
            **dict.fromkeys(("open", "close", "high", "low", "volume", "turnover"), "0"),
        },
    ),
}


def write(dataset: Dataset, items: list[dict[str, Any]], file_format: str, compression: str) -> bytes:
    with PieceFile(dataset, "165111215", file_format, compression) as file:
        if items:
            file.add(items)
        return file.finish({"kucoin.ledger": "ours"}).path.read_bytes()


def table(path: Path, dataset: Dataset, file_format: str, compression: str) -> pa.Table:
    found = list(read(path, dataset, file_format, compression))
    return pa.Table.from_batches(found, schema(dataset.columns))


# ------------------------------------------------------------------------------------------------- as it was written


@pytest.mark.parametrize(("file_format", "compression"), FORMATS, ids=IDS)
@pytest.mark.parametrize(("dataset", "item"), ITEMS.values(), ids=ITEMS)
@pytest.mark.parametrize("count", [0, 1, 30])
def test_what_was_written_is_read_back_equal(
    tmp_path: Path, dataset: Dataset, item: Any, count: int, file_format: str, compression: str
) -> None:
    items = [item(number) for number in range(count)]
    path = tmp_path / "file"
    path.write_bytes(write(dataset, items, file_format, compression))
    # By another reader than the one that is tried.
    expected = pq.read_table(io.BytesIO(write(dataset, items, "parquet", "none")))
    found = table(path, dataset, file_format, compression)
    assert found.equals(expected)
    assert found.schema.equals(expected.schema, check_metadata=True)
    assert found.num_rows == count


@pytest.mark.parametrize(("file_format", "compression"), FORMATS, ids=IDS)
def test_a_large_file_is_read_some_rows_at_a_time(tmp_path: Path, file_format: str, compression: str) -> None:
    items = [entry(number) for number in range(3 * ROWS_AT_ONCE + 5)]
    path = tmp_path / "file"
    path.write_bytes(write(SPOT, items, file_format, compression))
    sizes = [len(batch) for batch in read(path, SPOT, file_format, compression)]
    assert sum(sizes) == len(items)
    # pyarrow's reader of CSV counts bytes: a megabyte.
    assert max(sizes) <= (ROWS_AT_ONCE if file_format != "csv" else 3 * ROWS_AT_ONCE)
    assert table(path, SPOT, file_format, compression).column("id").to_pylist() == [row["id"] for row in items]


any_text = st.one_of(
    st.none(),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(
        ["", '"', '""', ",", "\n", "\r", "\r\n", "\t", "NULL", "null", "NaN", "true", "\0", "\ufeff", "漢🪙", "'"]
    ),
)


@given(st.lists(st.tuples(any_text, any_text, st.sampled_from([True, False, None])), min_size=1, max_size=6))
@example([("a\r", "\n", None)])
@settings(deadline=None, max_examples=60)
def test_any_text_is_read_back_in_every_format(
    tmp_path_factory: Any, values: list[tuple[str | None, str | None, bool | None]]
) -> None:
    items = [
        {"currency": "A", "amount": "1", "createdAt": T0 + number, "memo": memo, "remark": remark, "isInner": inner}
        for number, (memo, remark, inner) in enumerate(values)
    ]
    path = tmp_path_factory.getbasetemp() / "any-text"
    for file_format, compression in (("parquet", "zstd"), ("jsonl", "none"), ("jsonl", "gzip"), ("csv", "none")):
        path.write_bytes(write(DEPOSITS, items, file_format, compression))
        found = table(path, DEPOSITS, file_format, compression).select(["memo", "remark", "is_inner"]).to_pylist()
        assert [tuple(row.values()) for row in found] == values


def test_columns_may_stand_in_another_order(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(changed_table(lambda found: found.select(found.column_names[::-1])))
    assert table(path, SPOT, "parquet", "zstd").equals(pq.read_table(io.BytesIO(PARQUET)))


def test_rows_for_python_have_times_as_fine_as_python_has_them(tmp_path: Path) -> None:
    items = [{**ITEMS["unified"][1](7), "ts": T0 * 1_000_000 + 123_456_789}, ITEMS["unified"][1](1)]
    path = tmp_path / "file"
    path.write_bytes(write(UNIFIED, items, "jsonl", "gzip"))
    [batch] = [batch for batch in read(path, UNIFIED, "jsonl", "gzip") if len(batch)]
    first, second = rows(batch)
    assert (first["id"], first["created_at"]) == ("1", datetime(2026, 2, 3, 12, tzinfo=UTC))
    assert second["created_at"] == datetime(2026, 2, 3, 12, 0, 0, 123_456, tzinfo=UTC)
    assert (second["amount"], second["fee"], second["remark"]) == (Decimal(1), None, "")


def test_what_parquet_says_of_itself_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(write(SPOT, [entry(1), entry(2)], "parquet", "zstd"))
    found = metadata(path)
    assert (found["kucoin.ledger"], found["kucoin.rows"]) == ("ours", "2")
    assert found["kucoin.content"].startswith("sha256:")


# --------------------------------------------------------------------------------------------------- what is refused

JSONL = write(SPOT, [entry(1), entry(2)], "jsonl", "none")
CSV = write(SPOT, [entry(1), entry(2, new="abc")], "csv", "none")
PARQUET = write(SPOT, [entry(1), entry(2)], "parquet", "zstd")


def changed_lines(**changes: Any) -> bytes:
    """Return the JSON lines with other values; None stands for null, ... for a key that is not there."""
    found = [{**json.loads(line), **changes} for line in JSONL.splitlines()]
    found = [{name: value for name, value in row.items() if value is not ...} for row in found]
    return "".join(f"{json.dumps(row)}\n" for row in found).encode()


def changed_values(**changes: str) -> bytes:
    """Return the CSV with other cells."""
    lines = list(csv.reader(io.StringIO(CSV.decode(), newline="")))
    for name, value in changes.items():
        for line in lines[1:]:
            line[lines[0].index(name)] = value
    made = io.StringIO(newline="")
    csv.writer(made, lineterminator="\n").writerows(lines)
    return made.getvalue().encode()


def changed_table(change: Callable[[pa.Table], pa.Table]) -> bytes:
    made = io.BytesIO()
    pq.write_table(change(pq.read_table(io.BytesIO(PARQUET))), made)
    return made.getvalue()


def null_id(found: pa.Table) -> pa.Table:
    place = found.schema.names.index("id")
    return found.set_column(place, "id", pa.nulls(len(found), pa.string()))


BROKEN = {
    "jsonl of something else": ("jsonl", "none", b'{"a":1}\n'),
    "jsonl of lists": ("jsonl", "none", b'["account_uid"]\n'),
    "jsonl of numbers": ("jsonl", "none", b"5\n"),
    "jsonl of nulls": ("jsonl", "none", b"null\n"),
    "jsonl of empty objects": ("jsonl", "none", b"{}\n"),
    "jsonl of empty lines": ("jsonl", "none", b"\n\n"),
    "jsonl that is no JSON": ("jsonl", "none", b"hello\n"),
    "jsonl that is no text": ("jsonl", "none", b'{"id":"\xff"}\n'),
    "jsonl with a column more": ("jsonl", "none", changed_lines(new="1")),
    "jsonl with a column less": ("jsonl", "none", changed_lines(fee=...)),
    "jsonl without an id": ("jsonl", "none", changed_lines(id=None)),
    "jsonl with a number for text": ("jsonl", "none", changed_lines(id=5)),
    "jsonl with a number for an amount": ("jsonl", "none", changed_lines(amount=1.5)),
    "jsonl with words for an amount": ("jsonl", "none", changed_lines(amount="much")),
    "jsonl with an exponent": ("jsonl", "none", changed_lines(amount="1e30")),
    "jsonl with an amount that is too long": ("jsonl", "none", changed_lines(amount="9" * 39)),
    "jsonl with an amount that is too fine": ("jsonl", "none", changed_lines(amount="0." + "1" * 19)),
    "jsonl with words for a time": ("jsonl", "none", changed_lines(created_at="soon")),
    "jsonl with a time without a zone": ("jsonl", "none", changed_lines(created_at="2026-02-03T12:00:00.001")),
    "jsonl that is cut": ("jsonl", "none", JSONL[:-5]),
    "jsonl that should be gzip": ("jsonl", "gzip", JSONL),
    "jsonl that should be zstd": ("jsonl", "zstd", JSONL),
    "jsonl that should not be gzip": ("jsonl", "none", gzip.compress(JSONL)),
    "gzip that is cut": ("jsonl", "gzip", gzip.compress(JSONL)[:-9]),
    "gzip with something behind it": ("jsonl", "gzip", gzip.compress(JSONL) + b"xxx"),
    "zstd that is cut": ("jsonl", "zstd", write(SPOT, [entry(n) for n in range(500)], "jsonl", "zstd")[:-5]),
    "csv of nothing": ("csv", "none", b""),
    "csv of something else": ("csv", "none", b'"a","b"\n"1","2"\n'),
    "csv with a column more": ("csv", "none", b"".join(line + b',"x"\n' for line in CSV.splitlines())),
    "csv with a column less": ("csv", "none", b"".join(line.rpartition(b",")[0] + b"\n" for line in CSV.splitlines())),
    "csv that ends within a row": ("csv", "none", CSV[:-40]),
    "csv that ends within its last value": ("csv", "none", CSV[:-5]),
    "csv without its last end of line": ("csv", "none", CSV[:-1]),
    "csv without an id": ("csv", "none", changed_values(id="")),
    "csv with an exponent": ("csv", "none", changed_values(amount="1e30")),
    "csv with words for a time": ("csv", "none", changed_values(created_at="soon")),
    "csv that should be gzip": ("csv", "gzip", CSV),
    "csv that should not be gzip": ("csv", "none", gzip.compress(CSV)),
    "parquet that is cut": ("parquet", "zstd", PARQUET[:-3]),
    "parquet with a hole": ("parquet", "zstd", PARQUET[:200] + bytes(60) + PARQUET[260:]),
    "parquet of nothing": ("parquet", "zstd", b""),
    "parquet that is CSV": ("parquet", "zstd", CSV),
    "parquet of another dataset": ("parquet", "zstd", write(KLINES, [ITEMS["klines"][1](1)], "parquet", "zstd")),
    "parquet with a column more": (
        "parquet",
        "zstd",
        changed_table(lambda found: found.append_column("new", pa.nulls(2, pa.string()))),
    ),
    "parquet with a column less": ("parquet", "zstd", changed_table(lambda found: found.drop_columns(["fee"]))),
    "parquet without an id": ("parquet", "zstd", changed_table(null_id)),
}


@pytest.mark.parametrize(("file_format", "compression", "content"), BROKEN.values(), ids=BROKEN)
def test_a_foreign_or_broken_file_is_refused(
    tmp_path: Path, file_format: str, compression: str, content: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UnexpectedData, match=f"it is not a {file_format} file of the spot ledger: "):
        list(read(path, SPOT, file_format, compression))


def test_a_flag_in_words_is_refused(tmp_path: Path) -> None:
    good = write(DEPOSITS, [ITEMS["deposits"][1](0)], "jsonl", "none").decode()
    path = tmp_path / "file"
    for word in ('"yes"', "1", '"true"'):
        path.write_text(good.replace('"is_inner":true', f'"is_inner":{word}'))
        with pytest.raises(UnexpectedData):
            list(read(path, DEPOSITS, "jsonl", "none"))


@pytest.mark.parametrize(("file_format", "compression"), FORMATS, ids=IDS)
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, file_format: str, compression: str) -> None:
    with pytest.raises(UnexpectedData):
        list(read(tmp_path / "nothing", SPOT, file_format, compression))


def test_what_is_no_parquet_says_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CSV)
    with pytest.raises(UnexpectedData, match="not a Parquet file"):
        metadata(path)
