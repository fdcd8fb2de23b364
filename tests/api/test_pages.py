"""Pages of a listing: what makes one, and what shows that a listing moved while it was read."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import Incomplete
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import LEDGERS, TRADE_HF
from airflow_provider_kucoin.api.pages import (
    Below,
    Candles,
    Page,
    Stretch,
    Stretches,
    check_no_repeats,
    check_same_listing,
    listing,
    parse_page,
    parse_stretch,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parents[1] / "samples"


def data(rows: int = 3, total: int = 3, number: int = 1, size: int = 500, **changes: Any) -> dict[str, Any]:
    found = {
        "currentPage": number,
        "pageSize": size,
        "totalNum": total,
        "totalPage": -(-total // size),
        "items": [{"id": str(row)} for row in range(rows)],
        **changes,
    }
    return {name: value for name, value in found.items() if value is not ...}


def test_a_page_is_its_items_and_how_many_there_are_in_all() -> None:
    page = parse_page(data(500, 1001), 1, 500)
    assert (len(page.items), page.number, page.size, page.total, page.count) == (500, 1, 500, 1001, 3)


@pytest.mark.parametrize("items", [[], None, ...], ids=["list", "null", "absent"])
def test_an_empty_listing_has_one_empty_page_however_it_says_so(items: Any) -> None:
    page = parse_page(data(0, 0, items=items), 1, 500)
    assert (page.items, page.count) == ([], 1)


@pytest.mark.parametrize(
    ("number", "items", "total"),
    [(1, 500, 500), (1, 500, 501), (2, 1, 501), (3, 500, 1500), (1, 1, 1)],
    ids=["one full page", "first of two", "last of two", "last, full", "one row"],
)
def test_a_page_has_as_many_rows_as_are_due(number: int, items: int, total: int) -> None:
    assert len(parse_page(data(items, total, number), number, 500).items) == items


@pytest.mark.parametrize(
    ("number", "items", "total"),
    [(1, 499, 500), (1, 500, 499), (1, 0, 1), (2, 2, 501), (2, 0, 501), (3, 1, 600), (1, 1, 0)],
    ids=["short", "long", "empty", "long last", "empty last", "beyond the end", "a row too many"],
)
def test_a_page_with_more_or_fewer_rows_than_its_own_total_is_incomplete(number: int, items: int, total: int) -> None:
    with pytest.raises(Incomplete, match=rf"has {items} rows where \d+ are due"):
        parse_page(data(items, total, number), number, 500)


@pytest.mark.parametrize("items", [[], None, ...], ids=["list", "null", "absent"])
def test_rows_that_are_counted_and_not_there_are_incomplete(items: Any) -> None:
    with pytest.raises(Incomplete):
        parse_page(data(0, 7, items=items), 1, 500)


@pytest.mark.parametrize("wrong", [None, [], "page", 5, {}, {"items": []}], ids=repr)
def test_what_is_no_page_is_incomplete(wrong: Any) -> None:
    with pytest.raises(Incomplete, match="not a page"):
        parse_page(wrong, 1, 500)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"totalNum": "3"}, id="total as text"),
        pytest.param({"totalNum": None}, id="total null"),
        pytest.param({"totalNum": True}, id="total bool"),
        pytest.param({"totalNum": -1}, id="total negative"),
        pytest.param({"pageSize": "500"}, id="size as text"),
        pytest.param({"pageSize": None}, id="size null"),
        pytest.param({"pageSize": 0}, id="size nothing"),
        pytest.param({"pageSize": -500}, id="size negative"),
        pytest.param({"pageSize": 1000}, id="size above what was asked for"),
        pytest.param({"items": {"0": {}}}, id="items an object"),
        pytest.param({"items": "abc"}, id="items text"),
        pytest.param({"currentPage": 2}, id="another page"),
        pytest.param({"currentPage": "1"}, id="number as text"),
        pytest.param({"currentPage": None}, id="number null"),
    ],
)
def test_a_page_that_is_not_the_one_asked_for_is_incomplete(change: dict[str, Any]) -> None:
    with pytest.raises(Incomplete):
        parse_page(data(**change), 1, 500)


def test_a_page_that_does_not_repeat_what_was_asked_for_is_taken_at_its_word() -> None:
    assert parse_page(data(currentPage=..., pageSize=...), 1, 500).size == 500


def test_smaller_pages_than_asked_for_are_counted_by_their_own_size() -> None:
    page = parse_page(data(100, 250, size=100), 1, 500)
    assert (page.size, page.count) == (100, 3)


def test_pages_of_one_listing_agree() -> None:
    check_same_listing(Page([], 1, 500, 1001), Page([], 3, 500, 1001))


@pytest.mark.parametrize("other", [Page([], 3, 500, 1002), Page([], 3, 500, 1000), Page([], 3, 100, 1001)])
def test_pages_that_do_not_agree_are_incomplete(other: Page) -> None:
    with pytest.raises(Incomplete, match="rows came while the pages were being read"):
        check_same_listing(Page([], 1, 500, 1001), other)


def test_neighbours_without_a_common_row_pass() -> None:
    check_no_repeats(["1", "2"], ["3", "4"])
    check_no_repeats([], ["3"])
    check_no_repeats(["3"], [])


@pytest.mark.parametrize(
    ("older", "newer"), [(["1", "2"], ["2", "3"]), ([], ["5", "5"]), (["7"], ["6", "6"])], ids=["drift", "twin", "both"]
)
def test_a_row_that_is_there_twice_is_named(older: list[Any], newer: list[Any]) -> None:
    with pytest.raises(Incomplete, match=r"row [256] was listed twice"):
        check_no_repeats(older, newer)


# ------------------------------------------------------------------------------------------- a whole listing, by pages


def read_listing(pages: list[dict[str, Any]], size: int, **options: Any) -> tuple[list[Any], list[Any]]:
    """Read a listing whose answers are these; return what was asked for and the rows."""
    asked = []
    answers = iter(pages)
    reading = listing({"currency": "USDT"}, size, **options)
    try:
        asked.append(next(reading))
        while True:
            asked.append(reading.send(next(answers)))
    except StopIteration as done:
        return asked, done.value


def cut(total: int, size: int) -> list[dict[str, Any]]:
    rows = [{"id": str(row)} for row in range(total)]
    return [
        data(number=number, total=total, size=size, items=rows[(number - 1) * size : number * size])
        for number in range(1, max(1, -(-total // size)) + 1)
    ]


@given(st.integers(0, 40), st.integers(1, 9))
def test_a_listing_is_read_to_its_last_row_in_order_and_not_asked_for_more(total: int, size: int) -> None:
    asked, rows = read_listing(cut(total, size), size)
    assert [row["id"] for row in rows] == [str(row) for row in range(total)]
    assert asked == [
        {"currency": "USDT", "currentPage": number, "pageSize": size}
        for number in range(1, max(1, -(-total // size)) + 1)
    ]


@pytest.mark.parametrize(("most", "rows"), [(1, 10), (2, 20), (3, 25), (4, 25)])
def test_a_listing_can_be_left_after_so_many_pages(most: int, rows: int) -> None:
    asked, found = read_listing(cut(25, 10), 10, most_pages=most)
    assert len(found) == rows
    assert len(asked) == min(most, 3)


def test_a_listing_that_grows_while_it_is_read_is_incomplete() -> None:
    first, _, _ = cut(25, 10)
    _, second, _ = cut(26, 10)
    with pytest.raises(Incomplete, match="page 1 counted 25 rows in pages of 10, page 2 26 in pages of 10"):
        read_listing([first, second], 10)


def test_a_listing_that_is_cut_smaller_than_asked_for_is_read_by_its_own_size() -> None:
    asked, found = read_listing(cut(25, 10), 50)
    assert [call["currentPage"] for call in asked] == [1, 2, 3]
    assert len(found) == 25


# ----------------------------------------------------------------------------------------------------------- stretches

BARE = Stretches()
BY_OFFSET = Stretches(size="maxCount", cursor="offset", cursor_field="offset", items="dataList", more="hasMore")
BY_LAST = Stretches(last="lastId", items="items", short_is_last=False)


def rows_of(*ids: Any, name: str = "id") -> list[dict[str, Any]]:
    return [{name: number} for number in ids]


def by_offset(rows: Any, *, more: Any = False) -> dict[str, Any]:
    return {"dataList": rows, "hasMore": more}


@pytest.mark.parametrize(
    ("style", "answer", "below", "cursor"),
    [
        pytest.param(BARE, rows_of("9", "8"), Below.NOTHING, "8", id="bare, not full"),
        pytest.param(BARE, rows_of("9", "8", "7"), Below.PERHAPS, "7", id="bare, full"),
        pytest.param(BARE, rows_of(10, "9"), Below.NOTHING, "9", id="the lowest as a number, not as text"),
        pytest.param(BARE, rows_of("7", "9"), Below.NOTHING, "7", id="the lowest, wherever it stands"),
        pytest.param(BARE, [], Below.NOTHING, None, id="bare, empty"),
        pytest.param(BARE, None, Below.NOTHING, None, id="bare, null"),
        pytest.param(BARE, rows_of("9", "x"), Below.NOTHING, None, id="an id that is no number"),
        pytest.param(BARE, [{}, {"id": "9"}], Below.NOTHING, None, id="a row without an id"),
        pytest.param(BARE, rows_of("9", None), Below.NOTHING, None, id="an id that is null"),
        pytest.param(BARE, ["text", 5], Below.NOTHING, None, id="rows that are none"),
        pytest.param(BY_OFFSET, by_offset(rows_of(5, name="offset")), Below.NOTHING, "5", id="no more"),
        pytest.param(
            BY_OFFSET, by_offset(rows_of(5, name="offset"), more=True), Below.SOMETHING, "5", id="short and more"
        ),
        pytest.param(BY_OFFSET, by_offset(rows_of(5, 4, 3, name="offset")), Below.NOTHING, "3", id="full, no more"),
        pytest.param(BY_OFFSET, by_offset([], more=True), Below.SOMETHING, None, id="empty and more"),
        pytest.param(BY_OFFSET, by_offset(None), Below.NOTHING, None, id="null"),
        pytest.param(BY_OFFSET, {"hasMore": False}, Below.NOTHING, None, id="absent"),
        pytest.param(BY_LAST, {"items": rows_of(9, 8, 7), "lastId": 4}, Below.PERHAPS, "4", id="full, a last id"),
        pytest.param(BY_LAST, {"items": rows_of(9), "lastId": 4}, Below.PERHAPS, "4", id="short need not be last"),
        pytest.param(BY_LAST, {"items": [], "lastId": 0}, Below.NOTHING, "0", id="empty is last"),
        pytest.param(BY_LAST, {"items": rows_of(9), "lastId": None}, Below.PERHAPS, None, id="last id null"),
        pytest.param(BY_LAST, {"items": rows_of(9)}, Below.PERHAPS, None, id="last id absent"),
        pytest.param(BY_LAST, {}, Below.NOTHING, None, id="nothing at all"),
    ],
)
def test_an_answer_says_what_may_be_below_it_and_where_to_go_on(
    style: Stretches, answer: Any, below: Below, cursor: str | None
) -> None:
    found = parse_stretch(style, answer, 3)
    assert (found.below, found.cursor) == (below, cursor)
    listed = answer.get(style.items) if isinstance(answer, dict) else answer
    assert found.items == (listed or [])
    assert found.is_full == (len(found.items) == 3)


@pytest.mark.parametrize(
    ("style", "answer", "message"),
    [
        pytest.param(BARE, {}, "at the most, got dict", id="an object for a bare list"),
        pytest.param(BARE, "abc", "at the most, got str", id="text"),
        pytest.param(BARE, rows_of(1, 2, 3, 4), "asked for 3 rows at the most, got 4 rows", id="too many"),
        pytest.param(BY_LAST, [], "list where an object is due", id="a bare list for an object"),
        pytest.param(BY_LAST, None, "NoneType where an object is due", id="null for an object"),
        pytest.param(BY_LAST, {"items": {}}, "at the most, got dict", id="rows in an object"),
        pytest.param(BY_LAST, {"items": rows_of(1, 2, 3, 4)}, "got 4 rows", id="too many in an object"),
        pytest.param(BY_OFFSET, {"dataList": []}, "hasMore is None", id="whether there is more is absent"),
        pytest.param(BY_OFFSET, by_offset([], more=None), "hasMore is None", id="whether there is more is null"),
        pytest.param(BY_OFFSET, by_offset([], more="false"), "hasMore is 'false'", id="whether there is more is text"),
        pytest.param(BY_OFFSET, by_offset([], more=0), "hasMore is 0", id="whether there is more is a number"),
    ],
)
def test_an_answer_that_is_no_stretch_is_incomplete(style: Stretches, answer: Any, message: str) -> None:
    with pytest.raises(Incomplete, match=message):
        parse_stretch(style, answer, 3)


@pytest.mark.parametrize(
    ("below", "full", "whole"),
    [
        (Below.NOTHING, False, True),
        (Below.NOTHING, True, True),
        (Below.PERHAPS, False, True),
        (Below.PERHAPS, True, False),
        (Below.SOMETHING, False, False),
        (Below.SOMETHING, True, False),
    ],
)
def test_a_stretch_is_whole_unless_something_may_be_below_it(below: Below, full: Any, whole: Any) -> None:
    assert Stretch([], below, full).is_whole is whole


def test_rows_of_a_type_of_their_own_have_the_same_cursor() -> None:
    item = json.loads((SAMPLES / "trade_hf_ledger.json").read_text())["data"][0]
    body = json.dumps({"code": "200000", "data": [{**item, "id": number} for number in ("10", "9", "11")]}).encode()
    typed = TRADE_HF.decode(body)
    assert isinstance(typed[0], msgspec.Struct)
    assert parse_stretch(BARE, typed, 200).cursor == "9"


# ------------------------------------------------------------------------------------------------------------- candles

CANDLES = Candles(("time", "open", "close"))


@pytest.mark.parametrize(
    ("rows", "below", "full"), [(0, Below.NOTHING, False), (2, Below.NOTHING, False), (3, Below.PERHAPS, True)]
)
def test_candles_are_rows_by_the_names_of_their_values(rows: int, below: Below, full: Any) -> None:
    found = parse_stretch(CANDLES, [[str(number), "1.50", "2"] for number in range(rows)], 3)
    assert found == Stretch(
        [{"time": str(number), "open": "1.50", "close": "2"} for number in range(rows)], below, full
    )


def test_no_candles_may_be_null() -> None:
    assert parse_stretch(CANDLES, None, 3) == Stretch([], Below.NOTHING, is_full=False)


def test_more_candles_than_asked_for_are_not_taken_for_all() -> None:
    assert not parse_stretch(CANDLES, [["1", "2", "3"]] * 4, 3).is_whole


@pytest.mark.parametrize(
    "answer",
    [{}, "abc", 5, [["1", "2"]], [["1", "2", "3", "4"]], [["1", "2", "3"], {"time": "1"}], [None], ["123"]],
    ids=repr,
)
def test_what_are_no_candles_is_incomplete(answer: Any) -> None:
    with pytest.raises(Incomplete, match="the answer is not a list of candles of 3 values"):
        parse_stretch(CANDLES, answer, 3)


# ---------------------------------------------------------------------------------------- what KuCoin's pages look like

decode: Callable[[str], Any] = msgspec.json.Decoder(float_hook=Decimal).decode


@pytest.mark.parametrize(
    ("name", "sample", "rows", "below", "cursor"),
    [
        ("trade_hf", "trade_hf_ledger", 1, Below.NOTHING, "254062248624417"),
        ("trade_hf", "trade_hf_ledger_old", 2, Below.NOTHING, "42852401152"),
        ("margin_hf", "margin_hf_ledger", 1, Below.NOTHING, "1949641706720"),
        ("futures", "futures_ledger", 2, Below.NOTHING, "51352430"),
        ("futures", "futures_ledger_pending", 2, Below.NOTHING, "-1"),
        ("spot_fills", "spot_fills", 1, Below.PERHAPS, "19814995255305"),
        ("spot_orders", "spot_orders", 1, Below.PERHAPS, "19814995255305"),
        ("margin_fills", "margin_fills", 1, Below.PERHAPS, "137891621991"),
        ("margin_orders", "margin_orders", 1, Below.PERHAPS, "136112949351"),
        ("funding", "funding", 1, Below.SOMETHING, "1472387374042586"),
        ("klines", "candles", 3, Below.NOTHING, None),
    ],
)
def test_kucoins_documented_answers_are_stretches_of_their_datasets(
    name: str, sample: str, rows: int, below: Below, cursor: str | None
) -> None:
    dataset = {**LEDGERS, **HISTORIES}[name]
    assert isinstance(dataset.style, Stretches | Candles)
    answer = decode((SAMPLES / f"{sample}.json").read_text())["data"]
    found = parse_stretch(dataset.style, answer, dataset.page_size)
    assert (len(found.items), found.below, found.cursor) == (rows, below, cursor)
