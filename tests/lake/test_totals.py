"""What a file adds up to is what its rows do."""

from __future__ import annotations

import random
from collections import defaultdict
from fractions import Fraction
from typing import Any

import pytest

from airflow_provider_kucoin.api.ledgers import SPOT
from airflow_provider_kucoin.lake.totals import TotalledFile

START = 1_770_076_800_000


def rows(count: int, amount: Any = None) -> list[dict[str, Any]]:
    chance = random.Random(7)  # noqa: S311 - made-up rows
    return [
        {
            "id": str(number),
            "currency": chance.choice(["BTC", "USDT", "SHIB"]),
            "amount": amount or f"{chance.randrange(10**19)}.{chance.randrange(10**18):018}",
            "fee": f"0.{chance.randrange(10**9):09}",
            "balance": "1",
            "accountType": chance.choice(["MAIN", "MARGIN"]),
            "bizType": "Deposit",
            "direction": chance.choice(["in", "out"]),
            "createdAt": START + number,
            "context": "",
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("any_order", [False, True])
@pytest.mark.parametrize("file_format", ["parquet", "csv"])
@pytest.mark.parametrize("amount", [None, "99999999999999999999.999999999999999999"], ids=["any", "largest"])
def test_every_row_is_in_the_totals_once_and_exactly(file_format: str, any_order: bool, amount: Any) -> None:  # noqa: FBT001
    items = rows(1000, amount)
    expected: dict[tuple[str, str, str], list[Any]] = defaultdict(lambda: [0, 0, 0])
    for item in items:
        kind = expected[item["accountType"], item["currency"], item["direction"]]
        kind[0] += 1
        kind[1] += Fraction(item["amount"])
        kind[2] += Fraction(item["fee"])
    with TotalledFile(SPOT, "1", file_format, "none", any_order=any_order, rows_per_group=64) as file:
        for start in range(0, len(items), 90):
            file.add(items[start : start + 90])
        file.finish({})
        found = file.totals.as_rows()
    assert {(row["account_type"], row["currency"], row["direction"]) for row in found} == set(expected)
    for row in found:
        kind = expected[row["account_type"], row["currency"], row["direction"]]
        assert [row["rows"], Fraction(row["amount"]), Fraction(row["fee"])] == kind


def test_a_file_without_rows_adds_up_to_nothing() -> None:
    with TotalledFile(SPOT, "1", "parquet", "none") as file:
        file.finish({})
        assert file.totals.as_rows() == []
