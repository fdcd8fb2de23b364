"""What an object is: one schema, three formats, the same bytes again, and who it says it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from moments import TODAY, YESTERDAY

from airflow_provider_kucoin import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Copy = Callable[..., list[dict[str, Any]]]


FORMATS = [
    ("parquet", None, "parquet"),
    ("parquet", "zstd", "parquet"),
    ("parquet", "snappy", "parquet"),
    ("parquet", "gzip", "parquet"),
    ("parquet", "none", "parquet"),
    ("jsonl", None, "jsonl.gz"),
    ("jsonl", "gzip", "jsonl.gz"),
    ("jsonl", "zstd", "jsonl.zst"),
    ("jsonl", "none", "jsonl"),
    ("csv", None, "csv.gz"),
    ("csv", "gzip", "csv.gz"),
    ("csv", "zstd", "csv.zst"),
    ("csv", "none", "csv"),
]
every_format = pytest.mark.parametrize(
    ("file_format", "compression", "ending"), FORMATS, ids=lambda part: part if isinstance(part, str) else "default"
)

COLUMNS = {
    "account_uid": "string",
    "id": "string",
    "currency": "string",
    "amount": "decimal128(38, 18)",
    "fee": "decimal128(38, 18)",
    "balance": "decimal128(38, 18)",
    "account_type": "string",
    "biz_type": "string",
    "direction": "string",
    "created_at": "timestamp[ms, tz=UTC]",
    "context": "string",
    "order_id": "string",
    "trade_id": "string",
    "tx_id": "string",
    "symbol": "string",
    "_extra": "string",
}


@every_format
def test_what_is_written_is_read_back_equal(
    copy: Copy,
    exchange: Exchange,
    bucket: Any,
    same: Callable[..., None],
    file_format: str,
    compression: str | None,
    ending: str,
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=150)
    exchange.book(created_at=YESTERDAY + 7, context='"quoted", and\r\nbroken; é✓\t\\', amount="-0.000000000000000001")
    [result] = copy(file_format=file_format, compression=compression)
    assert result["uri"].endswith(f"T000000Z.{ending}")
    same(bucket.rows(result["uri"]), YESTERDAY, TODAY)


@every_format
def test_a_rerun_writes_the_same_bytes_over_the_same_object_whichever_way_the_rows_come(
    copy: Copy, exchange: Exchange, bucket: Any, file_format: str, compression: str | None, ending: str
) -> None:
    del ending
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=200)
    [first] = copy(file_format=file_format, compression=compression)
    body = bucket.read(first["uri"])
    exchange.readings.shuffle_ties = True
    exchange.readings.start_inclusive = exchange.readings.end_inclusive = False
    assert copy(file_format=file_format, compression=compression) == [first]
    assert bucket.read(first["uri"]) == body
    assert len(bucket.keys) == 1


@pytest.mark.parametrize("rows", [0, 150], ids=["empty-day", "busy-day"])
def test_parquet_has_the_declared_schema_with_or_without_rows(
    copy: Copy, exchange: Exchange, bucket: Any, rows: int
) -> None:
    if rows:
        exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=rows)
    [result] = copy()
    table = bucket.table(result["uri"])
    assert {field.name: str(field.type) for field in table.schema} == COLUMNS
    assert table.num_rows == result["rows"] == len(list(exchange.entries(YESTERDAY, TODAY)))
    assert bool(result["rows"]) == bool(rows)
    required = {"account_uid", "id", "currency", "amount", "created_at"}
    assert {field.name for field in table.schema if not field.nullable} == required


@pytest.mark.parametrize("items", ["list", "null", "absent"])
@pytest.mark.parametrize("file_format", ["parquet", "jsonl", "csv"])
def test_a_day_without_rows_is_an_object_without_rows(
    copy: Copy, exchange: Exchange, bucket: Any, items: Any, file_format: str
) -> None:
    exchange.readings.empty_items = items
    [result] = copy(file_format=file_format)
    assert (result["rows"], bucket.rows(result["uri"])) == (0, [])
    if file_format == "csv":
        assert bucket.text(result["uri"]).splitlines() == [",".join(f'"{name}"' for name in COLUMNS)]


def test_text_formats_name_the_same_columns_in_the_same_order(copy: Copy, exchange: Exchange, bucket: Any) -> None:
    exchange.book(created_at=YESTERDAY)
    for file_format in ("jsonl", "csv"):
        [result] = copy(file_format=file_format)
        assert list(bucket.rows(result["uri"])[0]) == list(COLUMNS)


def test_text_formats_keep_numbers_as_plain_text_and_times_with_milliseconds(
    copy: Copy, exchange: Exchange, bucket: Any
) -> None:
    odd = {"amount": "1E-18", "fee": "1E+3", "balance": None, "context": None}
    exchange.book(created_at=YESTERDAY + 1, extra=odd)
    [result] = copy(file_format="jsonl", compression="none")
    row = json.loads(bucket.text(result["uri"]))
    assert (row["amount"], row["fee"], row["balance"]) == ("0.000000000000000001", "1000", None)
    assert row["created_at"] == "2026-02-02T00:00:00.001Z"


def test_csv_tells_nothing_from_empty_text(copy: Copy, exchange: Exchange, bucket: Any) -> None:
    for number, context in enumerate(["", None]):
        exchange.book(created_at=YESTERDAY + number, context=context)
    [result] = copy(file_format="csv", compression="none")
    _, empty, nothing = bucket.text(result["uri"]).splitlines()
    assert ',"",' in empty
    assert ',"",' not in nothing


METADATA = {
    "kucoin.ledger": "spot",
    "kucoin.account-uid": "165111215",
    "kucoin.window-start": "2026-02-02T00:00:00Z",
    "kucoin.window-end": "2026-02-03T00:00:00Z",
    "kucoin.rows": "3",
    "kucoin.schema-version": "1",
    "kucoin.provider-version": __version__,
}


@pytest.fixture
def three_rows(exchange: Exchange) -> None:
    for number in range(3):
        exchange.book(created_at=YESTERDAY + number, currency="BTC")


@pytest.mark.usefixtures("three_rows")
def test_parquet_says_what_it_holds(copy: Copy, bucket: Any) -> None:
    [result] = copy(currency=["BTC", "ETH"], direction="in", s3_key="btc/{date}.{ext}")
    found = bucket.footer(result["uri"])
    filters = json.loads(found.pop("kucoin.filters"))
    assert found.pop("kucoin.content").startswith("sha256:")
    assert {name: value for name, value in found.items() if name.startswith("kucoin.")} == METADATA
    assert filters == {"currency": "BTC,ETH", "direction": "in"}


@pytest.mark.usefixtures("three_rows")
@pytest.mark.parametrize(
    ("file_format", "compression", "content_type"),
    [
        ("parquet", "gzip", "application/vnd.apache.parquet"),
        ("jsonl", "none", "application/x-ndjson"),
        ("jsonl", "gzip", "application/gzip"),
        ("csv", "none", "text/csv"),
        ("csv", "zstd", "application/zstd"),
    ],
)
def test_the_object_says_what_it_holds(
    copy: Copy, bucket: Any, file_format: str, compression: str, content_type: str
) -> None:
    [result] = copy(file_format=file_format, compression=compression, replace=False)
    head = bucket.head(result["uri"])
    assert head["ContentType"] == content_type
    assert head["Metadata"].pop("kucoin.content").startswith("sha256:")
    assert head["Metadata"] == {**METADATA, "kucoin.filters": "{}"}


@pytest.mark.usefixtures("three_rows")
def test_the_result_is_of_json_types_and_counts_what_is_there(copy: Copy, bucket: Any) -> None:
    result = copy()
    assert json.loads(json.dumps(result)) == result
    assert result == [
        {
            "uri": f"s3://{bucket.name}/{bucket.keys[0]}",
            "rows": 3,
            "window_start": "2026-02-02T00:00:00Z",
            "window_end": "2026-02-03T00:00:00Z",
            "bytes": len(bucket.read(bucket.keys[0])),
        }
    ]


def test_a_time_is_never_shifted_by_the_zone_of_the_machine(
    copy: Copy, exchange: Exchange, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        exchange.book(created_at=YESTERDAY + 1)
        for file_format in ("parquet", "jsonl", "csv"):
            [result] = copy(file_format=file_format)
            [row] = bucket.rows(result["uri"])
            assert row["created_at"] == datetime(2026, 2, 2, microsecond=1000, tzinfo=UTC)
            assert row["amount"] == Decimal(1)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_more_rows_than_a_row_group_are_in_order_and_complete(copy: Copy, exchange: Exchange, bucket: Any) -> None:
    exchange.enforce_quota = False
    exchange.synthesize_ledger(YESTERDAY, TODAY, rows=60_000)
    [result] = copy()
    table = bucket.table(result["uri"])
    times = table.column("created_at").to_pylist()
    assert times == sorted(times)
    assert sorted(table.column("id").to_pylist()) == sorted(e["id"] for e in exchange.entries(YESTERDAY, TODAY))
