"""Pages of a listing: what makes one, and what shows that a listing moved while it was read."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kucoin.api.errors import Incomplete
from airflow_provider_kucoin.api.pages import Page, check_no_repeats, check_same_listing, parse_page


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
