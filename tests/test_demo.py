"""The demo's comparison: it is only worth something if it finds what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import demo
import pytest
from comparison import differences
from moments import DAY, TODAY, YESTERDAY

from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange, Server

MIDNIGHT = datetime(2026, 2, 3, tzinfo=UTC)

Rows = list[dict[str, Any]]

#: A wrong value for every column but the id, whose wrongness is another row.
OTHER_VALUES = [
    ("account_uid", "1"),
    ("currency", "btc"),
    ("amount", Decimal("0.000000000000000001")),
    ("fee", None),
    ("balance", Decimal("1E-18")),
    ("account_type", None),
    ("biz_type", "exchange"),
    ("direction", "In"),
    ("created_at", datetime(2026, 2, 2, 23, 59, 59, 999_001, tzinfo=UTC)),
    ("context", "{ }"),
    ("order_id", "?"),
    ("trade_id", "?"),
    ("tx_id", "?"),
    ("symbol", "?"),
    ("_extra", '{"a": 1}'),
]


@pytest.fixture
def entries(exchange: Exchange) -> Rows:
    """A day's rows, as the exchange holds them."""
    exchange.seed_ledger(YESTERDAY - DAY, TODAY + DAY // 2, rows_per_day=200)
    return list(exchange.entries(YESTERDAY, TODAY))


@pytest.fixture
def uid(exchange: Exchange) -> str:
    """The account's uid."""
    return str(exchange.key.uid)


@pytest.fixture
def rows(entries: Rows, bucket: Any, connection: object) -> Rows:  # noqa: ARG001 - sets it up
    """The same rows, as the operator wrote them."""
    operator = KucoinLedgerToS3Operator(task_id="copy", s3_bucket=bucket.name, window_start=YESTERDAY, window_end=TODAY)
    [result] = operator.execute({})
    assert result["rows"] == len(entries)
    found: Rows = bucket.rows(result["uri"])
    return found


def test_what_the_operator_wrote_is_what_the_exchange_holds(entries: Rows, rows: Rows, uid: str) -> None:
    assert differences(entries, rows, uid) == []


def test_a_row_that_is_missing_is_found(entries: Rows, rows: Rows, uid: str) -> None:
    lost = rows.pop(77)
    assert differences(entries, rows, uid) == [f"row {lost['id']} is missing"]


def test_a_row_that_is_there_twice_is_found(entries: Rows, rows: Rows, uid: str) -> None:
    rows.insert(77, rows[77])
    assert differences(entries, rows, uid) == [f"row {rows[77]['id']} is there 2 times"]


def test_a_row_that_nobody_booked_is_found(entries: Rows, rows: Rows, uid: str) -> None:
    rows.insert(77, {**rows[77], "id": "made-up"})
    assert differences(entries, rows, uid) == ["row made-up is not one of the exchange's"]


def test_a_row_out_of_order_is_found(entries: Rows, rows: Rows, uid: str) -> None:
    rows.append(rows.pop(0))
    assert differences(entries, rows, uid) == [f"row {rows[-1]['id']} comes after a newer one"]


@pytest.mark.parametrize(("column", "value"), OTHER_VALUES)
def test_a_value_that_differs_is_found(entries: Rows, rows: Rows, uid: str, column: str, value: object) -> None:
    rows[-1] = {**rows[-1], column: value}
    [found] = differences(entries, rows, uid)
    assert found.startswith(f"row {rows[-1]['id']}: {column} is ")


def test_every_column_of_the_schema_is_compared(rows: Rows) -> None:
    assert set(rows[0]) == {"id", *(column for column, _ in OTHER_VALUES)}


def test_a_column_that_is_gone_is_found(entries: Rows, rows: Rows, uid: str) -> None:
    del rows[3]["symbol"]
    assert [words.partition(" should")[0] for words in differences(entries, rows, uid)] == [
        f"row {rows[3]['id']}: symbol is 'absent',"
    ]


def test_a_field_that_no_column_knows_must_be_in_extra(exchange: Exchange, entries: Rows, rows: Rows, uid: str) -> None:
    del exchange
    entries[5]["novelty"] = 0.1
    assert len(differences(entries, rows, uid)) == 1
    rows[5]["_extra"] = json.dumps({"novelty": 0.1})
    entries[5]["novelty"] = Decimal("0.1")
    assert differences(entries, rows, uid) == []


def test_the_demo_fails_when_an_object_is_missing(entries: Rows, rows: Rows, server: Server, uid: str) -> None:
    del entries
    whole = demo.Written(f"kucoin/ledger=spot/account={uid}/x.parquet", 1, uid, rows)
    with pytest.raises(demo.Failed, match=r"1 difference.*\n.*0 objects below kucoin/stablecoins/"):
        demo.compare([whole], server.url, MIDNIGHT)


def test_the_demo_fails_when_an_object_holds_another_day(rows: Rows, server: Server, uid: str) -> None:
    part = [row for row in rows if row["currency"] in {"USDT", "USDC"}]
    found = [
        demo.Written(f"kucoin/ledger=spot/account={uid}/x.parquet", 1, uid, rows),
        demo.Written(f"kucoin/stablecoins/account={uid}/x.jsonl.gz", 1, uid, part),
    ]
    demo.compare(found, server.url, MIDNIGHT)
    with pytest.raises(demo.Failed, match="is missing"):
        demo.compare(found, server.url, MIDNIGHT - timedelta(days=1))
