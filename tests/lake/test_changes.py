"""What has changed between two writings: late, changed, gone; counted by key where there is one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import FUTURES, SPOT, UNIFIED
from airflow_provider_kucoin.lake.batches import batch, schema
from airflow_provider_kucoin.lake.changes import Changes, changes

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kucoin.api.datasets import Dataset

T0 = 1_770_120_000_000
DEPOSITS, KLINES = HISTORIES["deposits"], HISTORIES["klines"]
NOTHING = Changes(0, 0, 0)


def entry(number: int, **changed: Any) -> dict[str, Any]:
    row = {"id": str(number), "currency": "USDT", "amount": "1", "bizType": "Deposit", "createdAt": T0 + number}
    return {**row, "context": "", **changed}


def deposit(number: int, **changed: Any) -> dict[str, Any]:
    return {"currency": "USDT", "amount": str(number), "createdAt": T0, "isInner": False, "memo": "", **changed}


def pnl(offset: int, **changed: Any) -> dict[str, Any]:
    row = {"currency": "USDT", "offset": offset, "amount": "1", "time": T0, "status": "Completed"}
    return {**row, **changed}


def transfer(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "accountType": "SPOT",
        "id": str(number),
        "currency": "USDT",
        "amount": "1",
        "ts": T0 * 1_000_000 + 1,
        **changed,
    }


def batches(dataset: Dataset, items: list[dict[str, Any]], size: int = 3) -> list[pa.RecordBatch]:
    pages = [items[start : start + size] for start in range(0, len(items), size)]
    return [batch(dataset.columns, schema(dataset.columns), dataset.table(page, "1")) for page in pages]


def compare(dataset: Dataset, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Changes:
    return changes(dataset, batches(dataset, old), batches(dataset, new, size=4))


TEN = [entry(number) for number in range(10)]


def test_the_same_rows_have_not_changed_whatever_the_batches_and_the_order() -> None:
    assert compare(SPOT, TEN, TEN) == NOTHING
    assert compare(SPOT, TEN, TEN[::-1]) == NOTHING
    assert compare(SPOT, [], []) == NOTHING


def test_late_rows_are_counted() -> None:
    assert compare(SPOT, TEN[:7], TEN) == Changes(3, 0, 0)
    assert compare(SPOT, [], TEN) == Changes(10, 0, 0)


def test_rows_that_are_gone_are_counted() -> None:
    assert compare(SPOT, TEN, TEN[4:]) == Changes(0, 0, 4)
    assert compare(SPOT, TEN, []) == Changes(0, 0, 10)


def test_late_changed_and_gone_rows_are_told_apart() -> None:
    new = [*TEN[2:8], {**TEN[8], "amount": "2"}, {**TEN[9], "amount": "2"}, entry(20), entry(21), entry(22)]
    assert compare(SPOT, TEN, new) == Changes(late=3, changed=2, gone=2)


@pytest.mark.parametrize(
    ("dataset", "before", "after"),
    [
        (SPOT, entry(1), entry(1, amount="1.000000000000000001")),
        (SPOT, entry(1), entry(1, amount="-1")),
        (SPOT, entry(1), entry(1, context=None)),
        (SPOT, entry(1), entry(1, bizType=None)),
        (SPOT, entry(1), entry(1, createdAt=T0)),
        (SPOT, entry(1), entry(1, tax="0")),
        (FUTURES, pnl(1, amount=-1), pnl(1, amount=-2)),
        (FUTURES, pnl(1, fee=None), pnl(1, fee=0)),
        (FUTURES, pnl(1, amount=0), pnl(1, amount=2**61 - 1)),
        (UNIFIED, transfer(1), transfer(1, ts=T0 * 1_000_000 + 2)),
        (UNIFIED, transfer(1), transfer(1, remark="")),
        (
            HISTORIES["spot_orders"],
            *({"id": "a", "symbol": "A-B", "createdAt": T0, "hidden": x} for x in (None, False)),
        ),
        (
            HISTORIES["spot_orders"],
            *({"id": "a", "symbol": "A-B", "createdAt": T0, "hidden": x} for x in (True, False)),
        ),
    ],
    ids=[
        "last digit",
        "sign",
        "empty to null",
        "text to null",
        "time",
        "unknown field",
        "minus one to minus two",
        "null to zero",
        "a number with the same hash in Python",
        "a nanosecond",
        "null to empty",
        "null to false",
        "true to false",
    ],
)
def test_any_changed_value_is_a_changed_row(dataset: Dataset, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert compare(dataset, [before], [after]) == Changes(0, 1, 0)
    assert compare(dataset, [before], [before]) == NOTHING


def test_a_number_spelt_otherwise_is_the_same() -> None:
    assert compare(SPOT, [entry(1, amount="1")], [entry(1, amount="1.000")]) == NOTHING


def test_the_parts_of_a_key_count_together() -> None:
    old = [transfer(1), transfer(1, accountType="FUNDING"), transfer(2)]
    new = [transfer(1), transfer(1, accountType="CROSS"), transfer(2, amount="2")]
    assert compare(UNIFIED, old, new) == Changes(late=1, changed=1, gone=1)


def test_a_time_may_be_a_part_of_the_key() -> None:
    values = dict.fromkeys(("open", "close", "high", "low", "volume", "turnover"), "1")
    first, second = ({"symbol": "A-B", "type": "1min", "time": T0 // 1000 + number, **values} for number in (0, 60))
    assert compare(KLINES, [first], [second]) == Changes(1, 0, 1)
    assert compare(KLINES, [first], [{**first, "close": "2"}, second]) == Changes(1, 1, 0)


# ------------------------------------------------------------------------------------------------------ without a key


def test_without_a_key_equal_rows_are_counted_each() -> None:
    two = [deposit(1)] * 2
    assert compare(DEPOSITS, two, [deposit(1)] * 2) == NOTHING
    assert compare(DEPOSITS, two, [deposit(1)] * 3) == Changes(1, 0, 0)
    assert compare(DEPOSITS, two, [deposit(1)]) == Changes(0, 0, 1)


def test_without_a_key_a_row_for_another_is_a_changed_one() -> None:
    old = [deposit(number) for number in range(5)]
    assert compare(DEPOSITS, old, [*old[1:], deposit(9)]) == Changes(0, 1, 0)
    assert compare(DEPOSITS, old, [*old[1:], deposit(9), deposit(10)]) == Changes(1, 1, 0)
    assert compare(DEPOSITS, old, [*old[2:], deposit(9)]) == Changes(0, 1, 1)


@pytest.mark.parametrize(
    "changed", [{"isInner": True}, {"isInner": None}, {"memo": None}, {"updatedAt": T0}, {"amount": "7.1"}], ids=str
)
def test_without_a_key_any_changed_value_is_a_changed_row(changed: dict[str, Any]) -> None:
    assert compare(DEPOSITS, [deposit(7)], [deposit(7, **changed)]) == Changes(0, 1, 0)


writings = st.dictionaries(st.integers(0, 12), st.sampled_from(["1", "-1", "2", "-2"]), max_size=12)


@given(writings, writings)
@settings(deadline=None, max_examples=100)
def test_by_key_the_numbers_are_those_of_a_plain_comparison(old: dict[int, str], new: dict[int, str]) -> None:
    found = compare(
        SPOT,
        [entry(number, amount=amount) for number, amount in old.items()],
        [entry(number, amount=amount) for number, amount in new.items()],
    )
    both = old.keys() & new.keys()
    changed = sum(old[number] != new[number] for number in both)
    assert found == Changes(len(new.keys() - both), changed, len(old.keys() - both))


@given(st.lists(st.integers(0, 4), max_size=12), st.lists(st.integers(0, 4), max_size=12))
@settings(deadline=None, max_examples=100)
def test_without_a_key_the_numbers_are_those_of_a_plain_count(old: list[int], new: list[int]) -> None:
    found = compare(DEPOSITS, [deposit(number) for number in old], [deposit(number) for number in new])
    less, more = (Counter(old) - Counter(new)).total(), (Counter(new) - Counter(old)).total()
    assert found == Changes(more - min(less, more), min(less, more), less - min(less, more))
