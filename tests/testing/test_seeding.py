from __future__ import annotations

import ast
import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_kucoin.testing import Exchange

DAY_MS = 86_400_000
DAY = 1_769_990_400_000


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    exchange = Exchange(clock=lambda: DAY + 3 * DAY_MS)
    exchange.seed_ledger(DAY, DAY + 2 * DAY_MS)
    return list(exchange.entries(DAY, DAY + 2 * DAY_MS))


def seeded(start: int, end: int, **options: int) -> list[dict[str, Any]]:
    exchange = Exchange(clock=lambda: end)
    exchange.seed_ledger(start, end, **options)
    return list(exchange.entries(start, end))


def test_the_same_seed_gives_the_same_rows(rows: list[dict[str, Any]]) -> None:
    assert seeded(DAY, DAY + 2 * DAY_MS) == rows
    assert seeded(DAY, DAY + 2 * DAY_MS, seed=8) != rows


def test_a_days_rows_do_not_depend_on_the_range(rows: list[dict[str, Any]]) -> None:
    start, end = DAY + DAY_MS // 2, DAY + DAY_MS + 1
    assert seeded(start, end) == [row for row in rows if start <= row["createdAt"] < end]


def test_there_are_about_as_many_as_asked_for(rows: list[dict[str, Any]]) -> None:
    assert 2 * 2000 <= len(rows) <= 2 * 2003


def test_every_day_has_rows_on_its_first_and_last_millisecond(rows: list[dict[str, Any]]) -> None:
    times = Counter(row["createdAt"] for row in rows)
    for midnight in (DAY, DAY + DAY_MS):
        assert times[midnight] >= 2
        assert times[midnight + DAY_MS - 1] >= 2


def test_rows_share_a_millisecond_across_every_page_end_of_a_day(rows: list[dict[str, Any]]) -> None:
    times = [row["createdAt"] for row in rows if row["createdAt"] < DAY + DAY_MS][::-1]
    for end in range(500, len(times), 500):
        assert times[end - 1] == times[end]


def test_ids_are_unique_and_of_both_shapes(rows: list[dict[str, Any]]) -> None:
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    decimal = [row_id for row_id in ids if row_id.isdigit() and len(row_id) < 24]
    hexadecimal = [row_id for row_id in ids if len(row_id) == 24 and int(row_id, 16)]
    assert decimal
    assert hexadecimal
    assert len(decimal) + len(hexadecimal) == len(ids)


def test_context_comes_in_all_its_guises(rows: list[dict[str, Any]]) -> None:
    contexts = {row["context"] for row in rows}
    assert {"", "{}", None} <= contexts
    others = contexts - {"", "{}", None}
    quoted = {context for context in others if context.startswith("{'")}
    assert all(isinstance(ast.literal_eval(context), dict) for context in quoted)
    assert all(isinstance(json.loads(context), dict) for context in others - quoted)
    assert quoted
    assert others - quoted


def test_business_types_come_in_both_styles_and_some_are_unheard_of(rows: list[dict[str, Any]]) -> None:
    assert {"Sub Account Transfer", "SUB_TRANSFER", "Moon Landing Reward"} <= {row["bizType"] for row in rows}


def test_amounts_are_exact_decimals_up_to_18_places(rows: list[dict[str, Any]]) -> None:
    places = {len(row["amount"].partition(".")[2]) for row in rows}
    assert max(places) == 18
    assert all(Decimal(row["amount"]) > 0 and Decimal(row["amount"]) >= Decimal(row["fee"]) for row in rows)
    assert any(str(float(row["amount"])) != row["amount"].rstrip("0") for row in rows)


def test_the_rows_of_a_trade_share_order_and_trade_id(rows: list[dict[str, Any]]) -> None:
    trades = Counter(row["context"] for row in rows if row["bizType"] in ("Exchange", "Refunded Fees"))
    assert set(trades.values()) == {2, 3}


def test_many_currencies_are_about(rows: list[dict[str, Any]]) -> None:
    assert len({row["currency"] for row in rows}) > 10


def test_two_users_may_have_the_same_rows(rows: list[dict[str, Any]]) -> None:
    exchange = Exchange()
    for uid in (1, 2):
        exchange.seed_ledger(DAY, DAY + 1000, uid=uid)
    assert list(exchange.entries(DAY, DAY + 1000, uid=1)) == list(exchange.entries(DAY, DAY + 1000, uid=2))
    assert next(exchange.entries(DAY, DAY + 1, uid=1)) == rows[0]
