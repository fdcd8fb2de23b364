from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.testing.ledger import AccountLedger, Filter, row
from airflow_provider_kucoin.testing.synthetic import Synthetic

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

DAY_MS = 86_400_000
DAY = 1_769_990_400_000


def paged(ledger: Any, **params: Any) -> list[dict[str, Any]]:
    """The rows of a window as pages give them, turned oldest first."""
    first = ledger(startAt=DAY, endAt=DAY + DAY_MS - 1, pageSize=500, **params).data
    pages = [
        ledger(startAt=DAY, endAt=DAY + DAY_MS - 1, pageSize=500, currentPage=number, **params).data
        for number in range(1, first["totalPage"] + 1)
    ]
    found = [item for page in pages for item in page["items"]]
    assert len(found) == first["totalNum"]
    return found[::-1]


def test_paged_it_is_what_it_is(exchange: Exchange, ledger: Any) -> None:
    exchange.synthesize_ledger(DAY - DAY_MS, DAY + 2 * DAY_MS, rows=9_000)
    found = paged(ledger)
    assert found == list(exchange.entries(DAY, DAY + DAY_MS))
    assert len(found) == 3_000


def test_paged_among_booked_rows_it_is_what_both_are(exchange: Exchange, ledger: Any) -> None:
    exchange.synthesize_ledger(DAY, DAY + DAY_MS, rows=3_000)
    exchange.seed_ledger(DAY, DAY + DAY_MS, rows_per_day=700)
    found = paged(ledger)
    assert found == list(exchange.entries(DAY, DAY + DAY_MS))
    assert found == sorted(found, key=lambda item: (item["createdAt"], item["id"]))
    assert len(found) >= 3_700


@pytest.mark.parametrize(
    "params", [{"currency": "BTC"}, {"direction": "out"}, {"bizType": "DEPOSIT", "direction": "in"}]
)
def test_filtered_it_gives_what_passes_the_filter(exchange: Exchange, ledger: Any, params: dict[str, str]) -> None:
    exchange.synthesize_ledger(DAY, DAY + DAY_MS, rows=5_000)
    exchange.book(created_at=DAY + 77, currency="BTC", direction="out")
    wanted = {**params, **({"bizType": "Deposit"} if "bizType" in params else {})}
    expected = [
        entry
        for entry in exchange.entries(DAY, DAY + DAY_MS)
        if all(entry[name] == value for name, value in wanted.items())
    ]
    assert paged(ledger, **params) == expected
    assert expected


def test_a_filter_that_nothing_passes_gives_nothing(exchange: Exchange, ledger: Any) -> None:
    exchange.synthesize_ledger(DAY, DAY + DAY_MS, rows=5_000)
    assert ledger(startAt=DAY, endAt=DAY + DAY_MS - 1, currency="NONE").data["totalNum"] == 0


def test_a_multitude_costs_nothing_to_have_and_little_to_page(exchange: Exchange, ledger: Any) -> None:
    exchange.synthesize_ledger(DAY, DAY + DAY_MS, rows=10_000_000)
    last = ledger(startAt=DAY, endAt=DAY + DAY_MS - 1, pageSize=500, currentPage=20_000).data
    assert (last["totalNum"], last["totalPage"], len(last["items"])) == (10_000_000, 20_000, 500)
    assert last["items"][-1]["createdAt"] == DAY


@pytest.mark.parametrize(("span", "count"), [(0, 10), (-1, 10), (10, -1)])
def test_a_multitude_needs_a_span_and_a_number(span: int, count: int) -> None:
    with pytest.raises(ValueError, match="span of time"):
        Synthetic(DAY, DAY + span, count, seed=7)


def test_three_rows_share_each_of_its_milliseconds() -> None:
    ledger = Synthetic(DAY, DAY + DAY_MS, 3_000, seed=7)
    assert [ledger.created_at(number) - DAY for number in range(7)] == [0, 0, 0, 86_400, 86_400, 86_400, 172_800]


def test_its_rows_are_json_like_any_other() -> None:
    (text,) = Synthetic(DAY, DAY + DAY_MS, 3_000, seed=7).texts([2_999])
    assert set(json.loads(text)) == {
        "id",
        "currency",
        "amount",
        "fee",
        "balance",
        "accountType",
        "bizType",
        "direction",
        "createdAt",
        "context",
    }
    assert json.loads(json.loads(text)["context"])["tradeId"] == "2997"


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 400),
    span=st.integers(1, 300),
    booked=st.lists(st.integers(-5, 310), max_size=12),
    start=st.integers(-5, 310),
    length=st.integers(0, 320),
    cut=st.tuples(st.integers(0, 500), st.integers(0, 60)),
    currency=st.sampled_from([None, "BTC", "USDT", "NONE"]),
)
def test_any_slice_of_any_view_is_the_slice_of_its_rows(  # the arithmetic against the obvious
    count: int,
    span: int,
    booked: list[int],
    start: int,
    length: int,
    cut: tuple[int, int],
    currency: str | None,
) -> None:
    ledger, synthetic = AccountLedger(), Synthetic(0, span, count, seed=1)
    ledger.synthesize(synthetic)
    rows = [
        row({"id": f"{number}", "createdAt": moment, "currency": "BTC", "direction": "in", "bizType": "x"})
        for number, moment in enumerate(booked)
    ]
    ledger.add(rows)
    everything = sorted([*(item.text for item in rows), *synthetic.texts(range(count))], key=_order)
    expected = [
        text
        for text in everything
        if start <= json.loads(text)["createdAt"] < start + length and currency in (None, json.loads(text)["currency"])
    ]
    only = Filter(currencies=None if currency is None else frozenset({currency}))
    view = ledger.view(start, start + length, only)
    assert len(view) == len(expected)
    first, last = min(cut[0], len(view)), min(cut[0] + cut[1], len(view))
    assert view.texts(first, last) == expected[first:last]
    assert [view.order(index) for index in range(len(view))] == [_order(text) for text in expected]


def _order(text: str) -> tuple[int, str]:
    item = json.loads(text)
    return item["createdAt"], item["id"]
