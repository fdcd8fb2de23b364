"""The operators, run as a worker would run them, what became of it, and what KuCoin has, by a second reading."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY, YESTERDAY

from airflow_provider_kucoin.operators.ledger_check import KucoinLedgerCheckOperator
from airflow_provider_kucoin.transfers.balances_to_s3 import KucoinBalancesToS3Operator
from airflow_provider_kucoin.transfers.history_to_s3 import KucoinHistoryToS3Operator
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow_provider_kucoin.testing import Exchange
    from airflow_provider_kucoin.testing.request_log import RequestRecord

    Run = Callable[..., Any]


# -------------------------------------------------------------------------------------------------------- the operators


def _runner(operator: type, task_id: str, bucket: Any) -> Run:
    """Execute an operator for yesterday (2026-02-02), or as told, and return its result."""

    def run(context: dict[str, Any] | None = None, **arguments: Any) -> Any:
        given: dict[str, Any] = {"task_id": task_id, "s3_bucket": bucket.name}
        if context is None:
            given |= {"window_start": YESTERDAY, "window_end": YESTERDAY + DAY}
        return operator(**{**given, **arguments}).execute(context or {})

    return run


@pytest.fixture
def copy(connection: dict[str, Any], bucket: Any) -> Run:  # noqa: ARG001 - is there
    """Copy a ledger, the spot ledger unless told otherwise."""
    return _runner(KucoinLedgerToS3Operator, "copy", bucket)


@pytest.fixture
def take(connection: dict[str, Any], bucket: Any) -> Run:  # noqa: ARG001 - is there
    """Copy a history."""
    return _runner(KucoinHistoryToS3Operator, "take", bucket)


@pytest.fixture
def check(connection: dict[str, Any], bucket: Any) -> Run:  # noqa: ARG001 - is there
    """Check the objects of a ledger."""
    return _runner(KucoinLedgerCheckOperator, "check", bucket)


@pytest.fixture
def snapshot(connection: dict[str, Any], bucket: Any) -> Run:  # noqa: ARG001 - is there
    """Take a snapshot of the balances."""

    def snapshot(context: dict[str, Any] | None = None, **arguments: Any) -> Any:
        given = {"task_id": "snapshot", "s3_bucket": bucket.name, **arguments}
        return KucoinBalancesToS3Operator(**given).execute(context or {})  # type: ignore[arg-type]

    return snapshot


@pytest.fixture
def asked(exchange: Exchange) -> Callable[..., list[RequestRecord]]:
    """The requests for a path that the exchange has seen; for the spot ledger unless told otherwise."""
    return lambda path="/api/v1/accounts/ledgers": [record for record in exchange.requests if record.path == path]


@pytest.fixture
def clock(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Move everybody's clock ahead by so many milliseconds: the exchange's and this machine's."""
    import time

    ahead, real = [0], time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + ahead[0] * 1_000_000)
    assert exchange.now_ms() > 0

    def move(ms: int) -> None:
        ahead[0] += ms

    return move


# --------------------------------------------------------------------------------------------- a second reading of rows

#: The column of a field, where that is not the field's name in other letters.
RENAMED: dict[str, dict[str, str]] = {
    "futures": {"type": "biz_type", "time": "created_at"},
    "unified": {"businessType": "biz_type", "ts": "created_at"},
    "hist_deposits": {"createAt": "created_at"},
    "hist_withdrawals": {"createAt": "created_at"},
    "borrow": {"createdTime": "created_at"},
    "repay": {"createdTime": "created_at"},
    "interest": {"createdTime": "created_at"},
    "futures_orders": {"endAt": "ended_at"},
    "funding": {"timePoint": "created_at"},
    "positions": {"closeTime": "closed_at"},
    "convert_orders": {"orderTime": "created_at"},
    "convert_limit_orders": {
        "orderTime": "created_at",
        "expiryTime": "expires_at",
        "cancelTime": "cancelled_at",
        "filledTime": "filled_at",
    },
    "klines": {"time": "created_at", "type": "interval"},
}
#: Nanoseconds of the unit of a field's times; milliseconds unless it is here.
UNITS = {
    ("unified", "ts"): 1,
    ("futures_fills", "tradeTime"): 1,
    ("futures_orders", "orderTime"): 1,
    ("hist_deposits", "createAt"): 1_000_000_000,
    ("hist_withdrawals", "createAt"): 1_000_000_000,
    ("klines", "time"): 1_000_000_000,
}
#: Columns that no field of KuCoin's stands behind: what the context tells, and the time that a lending order's number
#: tells where KuCoin sends none.
DERIVED = {"account_uid", "order_id", "trade_id", "tx_id", "symbol", "_extra"}
DERIVED_OF = {
    "lending_purchases": {"created_at"},
    "lending_redemptions": {"created_at"},
    # KuCoin's rows do not say of which margin account they are: what was asked for does.
    "interest": {"is_isolated", "symbol"},
}
#: By what rows of one moment are in order; nothing where rows have no key.
KEYS = {
    "spot": ("id",),
    "trade_hf": ("id",),
    "margin_hf": ("id",),
    "futures": ("currency", "offset"),
    "unified": ("account_type", "id"),
}


def column_of(dataset: str, field: str) -> str:
    return RENAMED.get(dataset, {}).get(field) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", field).lower()


def seen(table: Any) -> list[dict[str, Any]]:
    """Return an Arrow table as rows, with times in nanoseconds: Python's datetimes do not hold them."""
    import pyarrow as pa

    values = {}
    for field in table.schema:
        column = table.column(field.name)
        if pa.types.is_timestamp(field.type):
            per = {"ms": 1_000_000, "ns": 1}[field.type.unit]
            values[field.name] = [
                None if value is None else value * per for value in column.cast(pa.int64()).to_pylist()
            ]
        else:
            values[field.name] = column.to_pylist()
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def expected(dataset: str, item: dict[str, Any], schema: Any, uid: str) -> dict[str, Any]:
    """Return the row that stands for one of KuCoin's, as far as it does not come from the context."""
    row: dict[str, Any] = dict.fromkeys(schema.names)
    extra = {}
    for field, value in item.items():
        name = column_of(dataset, field)
        if name in schema.names:
            row[name] = _as(schema.field(name).type, value, UNITS.get((dataset, field), 1_000_000))
        else:
            extra[field] = value
    if "account_uid" in row:
        row["account_uid"] = uid
    return {**row, "_extra": extra or None}


def _as(kind: Any, value: Any, per: int) -> Any:
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_timestamp(kind):
        return int(value) * per
    if pa.types.is_decimal(kind):
        return Decimal(str(value))
    if pa.types.is_boolean(kind):
        assert value in (True, False, "true", "false")
        return value in (True, "true")
    return value if isinstance(value, str) else json.dumps(value)


@pytest.fixture
def exactly(bucket: Any, exchange: Exchange) -> Callable[..., None]:
    """Assert that Parquet objects hold these rows of KuCoin's: all, once each, field by field, oldest first."""

    def exactly(dataset: str, keys: str | Iterable[str], items: Sequence[dict[str, Any]]) -> None:
        keys = [keys] if isinstance(keys, str) else list(keys)
        tables = [bucket.table(key) for key in keys]
        schema = tables[0].schema
        rows = [row for table in tables for row in seen(table)]
        wanted = [expected(dataset, item, schema, str(exchange.key.uid)) for item in items]
        known = {column_of(dataset, field) for item in items for field in item}
        derived = (DERIVED - known) | DERIVED_OF.get(dataset, set())
        time = next(name for name in ("closed_at", "created_at") if name in schema.names)
        times = [row[time] for row in rows]
        assert times == sorted(times), "not oldest first"
        assert len(rows) == len(wanted)
        found = [_plain(row, derived - {"_extra", "account_uid"}) for row in rows]
        told = [_plain(row, derived - {"_extra", "account_uid"}) for row in wanted]
        if dataset in KEYS:
            told.sort(key=lambda row: (row[time], *((len(row[name]), row[name]) for name in KEYS[dataset])))
            for one, other in zip(found, told, strict=True):
                assert one == other
        assert Counter(map(repr, found)) == Counter(map(repr, told))

    return exactly


def _plain(row: dict[str, Any], without: set[str]) -> dict[str, Any]:
    extra = row["_extra"]
    row = {**row, "_extra": json.loads(extra, parse_float=Decimal) if isinstance(extra, str) else extra}
    plain = {name: value for name, value in row.items() if name not in without}
    return {name: value.normalize() if isinstance(value, Decimal) else value for name, value in plain.items()}


# -------------------------------------------------------------------------------------------------------------- as text


def _told_as_text(kind: Any, value: Any, *, csv: bool) -> Any:
    """Return what text formats make of a value."""
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_timestamp(kind):
        digits = {"ms": 3, "ns": 9}[kind.unit]
        seconds, fraction = divmod(value, 1_000_000_000)
        moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{moment}.{fraction:09}"[: 20 + digits] + "Z"
    if pa.types.is_decimal(kind):
        text = f"{value:f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
    if isinstance(value, bool):
        return str(value).lower() if csv else value
    return value


def _cells(text: str) -> list[list[str | None]]:
    """Return the lines of a CSV file; what is not there is None, other than empty text, which is in quotes."""
    lines: list[list[str | None]] = [[]]
    for match in re.finditer(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)', text):
        quoted, bare, end = match.groups()
        if match.start() == len(text):
            break
        lines[-1].append(bare or None if quoted is None else quoted.replace('""', '"'))
        if end not in {",", ""}:
            lines.append([])
    return [line for line in lines if line]


@pytest.fixture
def same_as_text(bucket: Any) -> Callable[[str, str], None]:
    """Assert that a text object says what a Parquet object says."""

    def same_as_text(text_key: str, parquet_key: str) -> None:
        table, csv = bucket.table(parquet_key), ".csv" in text_key
        rows = [
            {name: _told_as_text(table.schema.field(name).type, value, csv=csv) for name, value in row.items()}
            for row in seen(table)
        ]
        text = bucket.text(text_key)
        if csv:
            names, *lines = _cells(text)
            found = [dict(zip(names, line, strict=True)) for line in lines]
        else:
            found = [json.loads(line) for line in text.splitlines()]
        assert found == rows
        if csv:
            assert names == table.schema.names

    return same_as_text


# ----------------------------------------------------------------------------------------------------- tampered objects


@pytest.fixture
def rewrite(bucket: Any) -> Callable[..., None]:
    """
    Write a Parquet object anew with changed rows.

    With `honest` its metadata say what it holds now: only what the rows say of each other can tell.
    """

    def rewrite(
        key: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], *, honest: bool = True
    ) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        from airflow_provider_kucoin.lake.digests import digest_of
        from airflow_provider_kucoin.lake.files import ROWS_PER_GROUP

        key = key.removeprefix(f"s3://{bucket.name}/")
        table, about = bucket.table(key), bucket.head(key)["Metadata"]
        # Python's datetimes do not hold nanoseconds.
        bare = pa.schema(
            [
                pa.field(field.name, pa.int64() if pa.types.is_timestamp(field.type) else field.type)
                for field in table.schema
            ]
        )
        rows = change(table.cast(bare).to_pylist())
        changed = pa.Table.from_pylist(rows, schema=bare).cast(table.schema)
        if honest:
            digest = digest_of(changed.to_batches(), table.schema, ROWS_PER_GROUP)
            about = {**about, "kucoin.rows": str(len(changed)), "kucoin.content": digest}
        body = io.BytesIO()
        pq.write_table(changed, body)
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=body.getvalue(), Metadata=about)

    return rewrite
