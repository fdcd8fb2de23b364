"""Rows of histories: exact numbers, and views of them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_kucoin.testing.history_rows import Book, Row, encode, refuse_floats, time_cursor


@pytest.mark.parametrize(
    "number",
    ["6.41E-4", "-0.0000001", "1E-20", "0.001", "0", "-0.05585669", "87139.920000000000000001", "1E+6", "1E+9"],
)
def test_numbers_are_written_with_all_their_digits(number: str) -> None:
    text = encode({"n": [Decimal(number)]})
    assert json.loads(text, parse_float=Decimal) == {"n": [Decimal(number)]}
    assert '"' not in text.replace('"n"', "")


def test_everything_else_is_ordinary_json() -> None:
    value = {"a": None, "b": True, "c": [1, "März", {}], "d": 11029373945659393, 'q"': "x"}
    assert json.loads(encode(value)) == value
    assert json.loads(encode({**value, "n": Decimal("1.5")})) == {**value, "n": 1.5}
    assert encode({"a": "März"}) == '{"a":"März"}'


def test_a_float_is_no_number_here() -> None:
    refuse_floats({"a": 1, "b": Decimal("0.1"), "c": "0.1"})
    with pytest.raises(TypeError, match="fundingRate"):
        refuse_floats({"fundingRate": 0.1})


def rows(*times: int, uid: int = 1) -> list[Row]:
    return [Row(uid, number, {"t": time}, {"secret": number}) for number, time in enumerate(times)]


def keys(book: Book, uid: int = 1, name: Any = "all", least: int = 0) -> list[int]:
    return book.view(uid, name, lambda row: row.get("t") >= least, lambda row: row.get("t")).keys


def test_a_view_is_in_order_and_told_when_rows_come_or_change() -> None:
    book = Book()
    book.add(rows(5, 3, 9))
    assert keys(book) == [3, 5, 9]
    book.add(rows(4))
    assert keys(book) == [3, 4, 5, 9]
    book.change(1, lambda row: None if row.get("t") == 5 else Row(1, row.number, {"t": row.get("t") + 1}, {}))
    assert keys(book) == [4, 5, 10]


def test_views_are_told_apart_by_name_and_user() -> None:
    book = Book()
    book.add([*rows(1, 2, 3), *rows(7, uid=2)])
    assert [keys(book), keys(book, name="late", least=2), keys(book, 2), keys(book, 3)] == [[1, 2, 3], [2, 3], [7], []]
    for number in range(40):
        assert keys(book, name=number, least=number) == [one for one in (1, 2, 3) if one >= number]


def test_a_view_knows_where_a_range_begins_and_ends() -> None:
    book = Book()
    book.add(rows(1, 2, 2, 3))
    view = book.view(1, "all", lambda _: True, lambda row: row.get("t"))
    assert [view.between(range(2, 3)), view.between(range(4, 9)), view.between(range(3, 1))] == [(1, 3), (4, 4), (3, 3)]


def test_what_is_hidden_is_found_by_its_name() -> None:
    (row,) = rows(1)
    assert row.get("secret") == 0
    assert row.matches({"t": 1, "secret": 0})
    assert not row.matches({"t": 1, "secret": 1})


def test_a_time_that_is_null_is_another_of_the_rows_times() -> None:
    row = Row(1, 1, {"ended": None, "made": 7}, {})
    assert row.time_ms("ended", {"made": "s", "ended": "ms"}) == 7000
    with pytest.raises(ValueError, match="ended"):
        Row(1, 1, {"ended": None}, {}).time_ms("ended", {"ended": "ms"})


def test_cursors_rise_with_time_and_number_and_are_more_than_a_float_keeps() -> None:
    found = [time_cursor(1_770_120_000_000 + ms, number) for ms in (0, 1) for number in (1, 2)]
    assert found == sorted(set(found))
    assert all(int(float(cursor + 1)) != cursor + 1 or int(float(cursor)) != cursor for cursor in found)
