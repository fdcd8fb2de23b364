"""Columns to Arrow: exactly, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # noqa: TID253 - this is where Arrow is looked at
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import UnexpectedData
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import SPOT, UNIFIED
from airflow_provider_kucoin.lake.batches import batch, plain_rows, schema

if TYPE_CHECKING:
    from airflow_provider_kucoin.api.datasets import Dataset

SCHEMA = schema(SPOT.columns)
T0 = 1_770_120_000_000
ITEM = {
    "id": "265329987780896",
    "currency": "USDT",
    "amount": "0.01",
    "fee": "0",
    "balance": "0",
    "accountType": "TRADE",
    "bizType": "SUB_TRANSFER",
    "direction": "out",
    "createdAt": T0,
    "context": "",
}


DEPOSIT = {"currency": "USDT", "amount": "6", "isInner": True, "arrears": False, "createdAt": T0, "updatedAt": None}
CANDLE = {
    **dict.fromkeys(("open", "close", "high", "low", "volume", "turnover"), "1.5"),
    "symbol": "BTC-USDT",
    "type": "1min",
    "time": str(T0 // 1000),
}
TRANSFER = {"accountType": "SPOT", "id": "7", "currency": "USDT", "amount": "-1.5", "ts": T0 * 1_000_000 + 7}


def batch_of(*items: Any, of: Dataset = SPOT) -> pa.RecordBatch:
    return batch(of.columns, schema(of.columns), of.table(items, "165111215"))


def amounts(*values: Any) -> list[Decimal]:
    return batch_of(*({**ITEM, "amount": value} for value in values)).column("amount").to_pylist()


def test_the_schema_is_the_declared_one_with_a_meaning_for_every_column() -> None:
    assert SCHEMA.names == [column.name for column in SPOT.columns]
    assert SCHEMA.field("amount").type == pa.decimal128(38, 18)
    assert SCHEMA.field("created_at").type == pa.timestamp("ms", tz="UTC")
    assert SCHEMA.field("id").type == pa.string()
    for column in SPOT.columns:
        assert SCHEMA.field(column.name).nullable is not column.required
        assert SCHEMA.field(column.name).metadata[b"description"].decode() == column.meaning


def test_a_page_becomes_a_batch_of_the_schema() -> None:
    found = batch_of(ITEM, {**ITEM, "fee": None, "new": 1})
    assert found.schema == SCHEMA
    first, second = found.to_pylist()
    assert (first["amount"], first["created_at"]) == (Decimal("0.01"), datetime(2026, 2, 3, 12, tzinfo=UTC))
    assert (first["fee"], second["fee"], second["_extra"]) == (Decimal(0), None, '{"new":1}')


def test_a_page_of_nothing_has_the_same_schema() -> None:
    found = batch_of()
    assert (found.schema, len(found)) == (SCHEMA, 0)


@pytest.mark.parametrize(
    ("dataset", "item", "column", "kind", "value"),
    [
        (HISTORIES["deposits"], DEPOSIT, "is_inner", pa.bool_(), True),
        (HISTORIES["deposits"], DEPOSIT, "arrears", pa.bool_(), False),
        (HISTORIES["deposits"], {**DEPOSIT, "isInner": None}, "is_inner", pa.bool_(), None),
        (HISTORIES["deposits"], {**DEPOSIT, "isInner": "true"}, "is_inner", pa.bool_(), True),
        (HISTORIES["klines"], CANDLE, "created_at", pa.timestamp("ms", tz="UTC"), T0),
        (UNIFIED, TRANSFER, "created_at", pa.timestamp("ns", tz="UTC"), T0 * 1_000_000 + 7),
        (UNIFIED, {**TRANSFER, "ts": str(TRANSFER["ts"])}, "created_at", pa.timestamp("ns", tz="UTC"), TRANSFER["ts"]),
        (UNIFIED, {**TRANSFER, "id": 7}, "id", pa.string(), "7"),
    ],
)
def test_every_kind_of_value_arrives_as_what_it_is(
    dataset: Dataset, item: dict[str, Any], column: str, kind: pa.DataType, value: Any
) -> None:
    found = batch_of(item, of=dataset).column(column)
    assert found.type == kind
    assert (found.cast(pa.int64()) if pa.types.is_timestamp(kind) else found).to_pylist() == [value]


@pytest.mark.parametrize("dataset", [*HISTORIES.values(), UNIFIED], ids=lambda dataset: dataset.name)
def test_a_page_of_nothing_has_the_declared_schema_of_any_dataset(dataset: Dataset) -> None:
    found = batch_of(of=dataset)
    assert (found.schema.names, len(found)) == ([column.name for column in dataset.columns], 0)


numbers = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.decimals(min_value=-(10**20), max_value=10**20, places=18).map(str),
    st.from_regex(r"[+-]?[0-9]{0,60}(\.[0-9]{0,60})?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9]{1,3}(\.[0-9]{0,3})?[eE][+-]?[0-9]{1,4}", fullmatch=True),
)


@given(numbers)
@example("1e30")
@example("340282366920938463463374607431768211457")
@example("9" * 39)
@example("9" * 20 + "." + "9" * 18)
@example("1" * 100_000)
@example("0." + "0" * 17 + "1")
@example("-0")
@example("+1")
@example(".5")
@example("1.")
@settings(deadline=None)
def test_a_number_arrives_exactly_or_is_refused(text: str) -> None:
    try:
        found = amounts("1.5", text, "2")
    except UnexpectedData:
        assert not _fits(text)
    else:
        assert found == [Decimal("1.5"), Decimal(text), Decimal(2)]


def _fits(text: str) -> bool:
    """Whether it is a number of at most 20 digits before and 18 after the point."""
    try:
        Decimal(text).quantize(Decimal("1e-18"), context=Context(prec=38, traps=[Inexact, InvalidOperation]))
    except (Inexact, InvalidOperation):
        return False
    return True


@pytest.mark.parametrize("value", ["1e20", "1e-19", "Infinity", "NaN", "", " 1", "1_0", "٣", "1\0"])
def test_what_arrow_would_read_otherwise_or_not_at_all_never_reaches_it(value: str) -> None:
    with pytest.raises(UnexpectedData, match="column amount"):
        amounts("1", value)


@pytest.mark.parametrize("ms", [2**63, -(2**63) - 1, 10**30])
def test_a_time_beyond_64_bits_is_refused(ms: int) -> None:
    with pytest.raises(UnexpectedData, match="column created_at"):
        batch_of(ITEM, {**ITEM, "createdAt": ms})


@pytest.mark.parametrize(
    ("dataset", "item"),
    [(UNIFIED, {**TRANSFER, "ts": 2**63}), (HISTORIES["klines"], {**CANDLE, "time": str(2**63 // 1000 + 1)})],
    ids=["nanoseconds", "seconds"],
)
def test_a_time_of_another_unit_beyond_64_bits_is_refused_too(dataset: Dataset, item: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedData, match="column created_at"):
        batch_of(item, of=dataset)


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(UnexpectedData, match="column biz_type"):
        batch_of({**ITEM, "bizType": "\ud800"})


@pytest.mark.parametrize("text", ["", "a\nb\r\n", 'q"uo"te', "漢🪙", "\0", ",;\t", "NULL", "x" * 100_000])
def test_any_other_text_is_kept(text: str) -> None:
    assert batch_of({**ITEM, "bizType": text}).column("biz_type").to_pylist() == [text]


def test_plain_rows_are_text_and_nothing_else() -> None:
    [row] = plain_rows(batch_of({**ITEM, "fee": None, "createdAt": T0 + 7, "amount": "1e-18"}))
    assert row == {
        "account_uid": "165111215",
        "id": "265329987780896",
        "currency": "USDT",
        "amount": "0.000000000000000001",
        "fee": None,
        "balance": "0",
        "account_type": "TRADE",
        "biz_type": "SUB_TRANSFER",
        "direction": "out",
        "created_at": "2026-02-03T12:00:00.007Z",
        "context": "",
        "order_id": None,
        "trade_id": None,
        "tx_id": None,
        "symbol": None,
        "_extra": None,
    }


def test_plain_rows_have_flags_as_flags_and_times_as_fine_as_they_were_sent() -> None:
    [deposit] = plain_rows(batch_of(DEPOSIT, of=HISTORIES["deposits"]))
    assert (deposit["is_inner"], deposit["arrears"], deposit["updated_at"]) == (True, False, None)
    [candle] = plain_rows(batch_of(CANDLE, of=HISTORIES["klines"]))
    assert candle["created_at"] == "2026-02-03T12:00:00.000Z"
    assert "account_uid" not in candle
    [transfer] = plain_rows(batch_of(TRANSFER, of=UNIFIED))
    assert (transfer["created_at"], transfer["amount"]) == ("2026-02-03T12:00:00.000000007Z", "-1.5")
