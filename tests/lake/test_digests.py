"""Digests: the same for the same rows however they came and are written, another one for any other rows."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # noqa: TID253 - this is where Arrow is looked at
import pyarrow.parquet as pq  # noqa: TID253 - the same
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import SPOT, UNIFIED
from airflow_provider_kucoin.api.objects import COMPRESSIONS
from airflow_provider_kucoin.lake.batches import schema
from airflow_provider_kucoin.lake.digests import Digest, digest_of
from airflow_provider_kucoin.lake.files import ROWS_PER_GROUP, PieceFile
from airflow_provider_kucoin.lake.rereading import read

if TYPE_CHECKING:
    from airflow_provider_kucoin.api.datasets import Dataset

T0 = 1_770_120_000_000
FORMATS = [(file_format, known) for file_format, several in COMPRESSIONS.items() for known in several]
DEPOSITS, FILLS, KLINES = HISTORIES["deposits"], HISTORIES["futures_fills"], HISTORIES["klines"]


def entry(number: int, ms: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(265_000_000_000_000 + number),
        "currency": ("USDT", "BTC")[number % 2],
        "amount": f"{number}.{number:08}",
        "fee": None if number % 3 else "0",
        "balance": "0",
        "accountType": ("MAIN", None, "")[number % 3],
        "bizType": "Deposit",
        "direction": "in",
        "createdAt": T0 + ms,
        "context": f'{{"orderId":"{number}"}}' if number % 4 else "",
        **changes,
    }


def deposit(number: int, ms: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "currency": "USDT",
        "memo": (None, "", "memo")[number % 3],
        "isInner": (True, False, None)[number % 3],
        "amount": f"{number}.5",
        "createdAt": T0 + ms,
        "updatedAt": None if number % 2 else T0 + number,
        "arrears": bool(number % 2),
        **changes,
    }


def transfer(number: int, ms: int = 0, **changes: Any) -> dict[str, Any]:
    row = {"accountType": "SPOT", "id": str(number), "currency": "USDT", "amount": "-1.5"}
    return {**row, "ts": (T0 + ms) * 1_000_000 + number, "remark": None if number % 2 else "", **changes}


ROWS = {"spot": (SPOT, entry), "deposits": (DEPOSITS, deposit), "unified": (UNIFIED, transfer)}


def digest(
    items: list[dict[str, Any]],
    dataset: Dataset = SPOT,
    file_format: str = "parquet",
    compression: str = "none",
    sizes: tuple[int, ...] = (100_000,),
    account: str = "165111215",
    **options: Any,
) -> str:
    """Return the digest of a file made from items, in pages of the given sizes, again and again."""
    with PieceFile(dataset, account, file_format, compression, **options) as file:
        start = number = 0
        while start < len(items):
            size = sizes[number % len(sizes)]
            file.add(items[start : start + size])
            start, number = start + size, number + 1
        done = file.finish({})
        # What was written says the same when it is read again.
        again = digest_of(
            read(done.path, dataset, file_format, compression),
            schema(dataset.columns),
            options.get("rows_per_group", ROWS_PER_GROUP),
        )
        assert again == done.digest
        if file_format == "parquet":
            assert pq.read_metadata(done.path).metadata[b"kucoin.content"].decode() == done.digest
    return done.digest


# ------------------------------------------------------------------------------------------------- the same


@pytest.mark.parametrize(("dataset", "item"), ROWS.values(), ids=ROWS)
def test_the_same_rows_have_one_digest_in_every_format_and_compression(dataset: Dataset, item: Any) -> None:
    items = [item(number, number // 3) for number in range(50)]
    found = {digest(items, dataset, *how, rows_per_group=13) for how in FORMATS}
    assert len(found) == 1
    assert found.pop().startswith("sha256:")


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 15, 16, 17, 40])
@pytest.mark.parametrize(("dataset", "item"), ROWS.values(), ids=ROWS)
def test_the_same_rows_have_one_digest_whatever_the_pages_and_wherever_groups_end(
    dataset: Dataset, item: Any, rows: int
) -> None:
    for tied in (1, 3, 100):
        items = [item(number, number // tied) for number in range(rows)]
        ways = product([(100,), (1,), (8,), (3, 5, 1)], (False, True))
        found = {
            digest(items, dataset, sizes=sizes, any_order=any_order, rows_per_group=8) for sizes, any_order in ways
        }
        assert len(found) == 1


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 9), st.integers(1, 12), st.randoms())
@settings(deadline=None, max_examples=60)
def test_ties_in_any_order_have_one_digest(times: list[int], size: int, rows_per_group: int, random: Any) -> None:
    items = [deposit(number % 7, ms) for number, ms in enumerate(sorted(times))]
    shuffled = sorted(items, key=lambda row: (row["createdAt"], random.random()))
    expected = digest(items, DEPOSITS, rows_per_group=rows_per_group)
    assert digest(shuffled, DEPOSITS, sizes=(size,), rows_per_group=rows_per_group) == expected


@pytest.mark.parametrize("rows", [ROWS_PER_GROUP - 1, ROWS_PER_GROUP, ROWS_PER_GROUP + 1])
def test_groups_of_their_real_size_end_where_they_end(rows: int) -> None:
    items = [transfer(number, number // 7) for number in range(rows)]
    assert digest(items, UNIFIED) == digest(items, UNIFIED, sizes=(9_999, 500))


def test_descriptions_of_columns_are_no_content() -> None:
    plain = pa.schema([("a", pa.string()), ("b", pa.bool_())])
    described = pa.schema([pa.field("a", pa.string(), metadata={"description": "x"}), ("b", pa.bool_())])
    rows = [{"a": "x", "b": None}, {"a": None, "b": True}]
    found = set()
    for arrow_schema in (plain, described):
        made = Digest(arrow_schema)
        made.add(pa.Table.from_pylist(rows, schema=arrow_schema))
        found.add(made.text())
    assert len(found) == 1


def test_what_lies_in_memory_beside_the_values_is_no_content() -> None:
    arrow_schema = pa.schema([("a", pa.string()), ("b", pa.bool_()), ("c", pa.int64())])
    rows = [
        {"a": (None, "", "xy")[number % 3], "b": (True, None, False)[number % 3], "c": None if number % 5 else number}
        for number in range(40)
    ]
    all_of_them = pa.Table.from_pylist(rows, schema=arrow_schema)
    # Where a value is null, these have one in memory all the same.
    nulls = all_of_them.column("c").chunk(0).buffers()[0]
    values = pa.array([77 if number % 5 else number for number in range(40)]).buffers()[1]
    hidden = all_of_them.set_column(2, "c", pa.Array.from_buffers(pa.int64(), 40, [nulls, values]))
    assert hidden.to_pylist() == rows
    for start, length in product(range(1, 20), (1, 5, 7, 8, 13)):
        texts = set()
        for table in (all_of_them.slice(start, length), hidden.slice(start, length)):
            made = Digest(arrow_schema)
            made.add(table)
            texts.add(made.text())
        fresh = Digest(arrow_schema)
        fresh.add(pa.Table.from_pylist(rows[start : start + length], schema=arrow_schema))
        assert texts == {fresh.text()}


# --------------------------------------------------------------------------------------------------------- another


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("spot", {"id": "265000000000099"}),
        ("spot", {"currency": "KCS"}),
        ("spot", {"amount": "5.000000050000000001"}),
        ("spot", {"amount": "-5.00000005"}),
        ("spot", {"fee": "0"}),
        ("spot", {"fee": None, "balance": None}),
        ("spot", {"accountType": None}),
        ("spot", {"bizType": ""}),
        ("spot", {"bizType": None}),
        ("spot", {"bizType": "deposit"}),
        ("spot", {"direction": "in "}),
        ("spot", {"createdAt": T0 + 6}),
        ("spot", {"context": ""}),
        ("spot", {"context": None}),
        ("spot", {"tax": "0"}),
        ("deposits", {"isInner": True}),
        ("deposits", {"isInner": False}),
        ("deposits", {"arrears": None}),
        ("deposits", {"updatedAt": T0}),
        ("unified", {"ts": (T0 + 5) * 1_000_000 + 6}),
        ("unified", {"remark": ""}),
    ],
    ids=str,
)
def test_any_changed_value_changes_the_digest(name: str, changes: dict[str, Any]) -> None:
    dataset, item = ROWS[name]
    items = [item(number, number) for number in range(9)]
    changed = [*items[:5], {**items[5], **changes}, *items[6:]]
    for rows_per_group in (3, 5, 6, 100):
        before = digest(items, dataset, rows_per_group=rows_per_group)
        assert digest(changed, dataset, rows_per_group=rows_per_group) != before


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"chain": "a", "status": ""}, {"chain": "", "status": "a"}),
        ({"chain": None, "status": ""}, {"chain": "", "status": None}),
        ({"chain": "ab", "status": "c"}, {"chain": "a", "status": "bc"}),
        ({"amount": "1", "fee": None}, {"amount": "1", "fee": "0"}),
    ],
    ids=["moved", "null and empty", "cut elsewhere", "null and zero"],
)
def test_values_do_not_run_into_each_other(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert digest([deposit(1, **first)], DEPOSITS) != digest([deposit(1, **second)], DEPOSITS)


def test_rows_more_and_less_and_those_of_somebody_else_change_the_digest() -> None:
    items = [deposit(number, number) for number in range(6)]
    found = [
        digest(items, DEPOSITS),
        digest(items[:-1], DEPOSITS),
        digest(items[1:], DEPOSITS),
        digest([*items, items[-1]], DEPOSITS),
        digest([], DEPOSITS),
        digest(items, DEPOSITS, account="2"),
    ]
    assert len(set(found)) == len(found)
