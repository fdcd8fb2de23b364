"""Rows as they lie in answers: found where they are plain, and read the general way where they are not."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.blocks import Block, decode, objects, surely_differ
from airflow_provider_kucoin.api.errors import UnexpectedData
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import LEDGERS, SPOT

HF = LEDGERS["trade_hf"]
BEFORE = {"spot": b'"items":', "trade_hf": b'"data":'}


def row(number: int = 0, **other: Any) -> dict[str, Any]:
    return {
        "id": f"3000000{number}",
        "currency": "USDT",
        "amount": f"{number}.5",
        "fee": "0",
        "balance": "0",
        "accountType": "TRADE",
        "bizType": "Exchange",
        "direction": "in",
        "createdAt": 1_769_990_443_027 + number,
        "context": '{"symbol":"BTC-USDT","orderId":"6"}',
        **other,
    }


def answer(items: list[dict[str, Any]], *, text: bytes | None = None) -> bytes:
    rows = msgspec.json.encode(items) if text is None else text
    return b'{"code":"200000","data":{"currentPage":1,"pageSize":500,"totalNum":%d,"items":%s}}' % (len(items), rows)


def found(body: bytes) -> list[dict[str, Any]] | None:
    """Return the rows of an answer if they were found without reading it the general way."""
    data = SPOT.decode(body)
    return list(data["items"]) if data is not None and isinstance(data["items"], Block) else None


def as_texts(items: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{field: str(value) for field, value in item.items()} for item in items]


# ----------------------------------------------------------------------------------------------------- plain answers


@pytest.mark.parametrize("rows", [1, 2, 500])
def test_the_values_are_those_of_the_rows(rows: int) -> None:
    items = [row(number) for number in range(rows)]
    assert found(answer(items)) == as_texts(items)


def test_the_rest_of_the_answer_is_read_too() -> None:
    data = SPOT.decode(answer([row(), row(1)]))
    assert {name: data[name] for name in ("currentPage", "pageSize", "totalNum")} == {
        "currentPage": 1,
        "pageSize": 500,
        "totalNum": 2,
    }


def test_what_stands_behind_the_rows_is_part_of_the_answer() -> None:
    body = b'{"code":"200000","data":{"items":%s,"currentPage":1,"pageSize":500,"totalNum":1}}'
    data = SPOT.decode(body % msgspec.json.encode([row()]))
    assert isinstance(data["items"], Block)
    assert data["totalNum"] == 1


def test_a_list_may_be_all_of_the_data() -> None:
    item = {**row(), "tax": "0", "createdAt": "1769990443027", "relatedOrderId": "1"}
    items = [{field.source: item.get(field.source, "1") for field in HF.fields}] * 3
    data = HF.decode(b'{"code":"200000","data":%s}' % msgspec.json.encode(items))
    assert isinstance(data, Block)
    assert list(data) == items
    assert HF.times_ms(data) == [1_769_990_443_027] * 3


def test_fields_may_come_in_any_order_as_long_as_a_text_comes_last() -> None:
    items = [dict(sorted(row(number).items())) for number in range(3)]
    assert found(answer(items)) == as_texts(items)


TEXTS = st.text(st.characters(codec="ascii", min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
PLAIN = TEXTS.filter(lambda text: "\\" not in text and '"' not in text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(
            row,
            id=PLAIN,
            currency=PLAIN,
            amount=PLAIN,
            direction=PLAIN,
            createdAt=st.integers(10**12, 10**13 - 1),
            context=TEXTS.filter(lambda text: "\\" not in text),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_is_in_plain_values_they_are_found_as_they_are(items: list[dict[str, Any]]) -> None:
    assert found(answer(items)) == as_texts(items)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"id": TEXTS, "context": TEXTS, "fee": st.none() | TEXTS}), min_size=1, max_size=4)
)
def test_rows_are_never_other_rows_than_the_general_way_reads(values: list[dict[str, Any]]) -> None:
    body = answer([row(number, **some) for number, some in enumerate(values)])
    rows = found(body)
    if rows is not None:
        assert rows == as_texts(msgspec.json.decode(body)["data"]["items"])


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_an_answer_with_one_byte_altered_is_never_read_otherwise_than_the_general_way(data: st.DataObject) -> None:
    body = bytearray(answer([row(number) for number in range(3)]))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.sampled_from(b'"\\{}[],: 0a\x00\x7f\xff'))
    rows = found(bytes(body))
    if rows is not None:
        assert rows == as_texts(msgspec.json.decode(bytes(body))["data"]["items"])


# ----------------------------------------------------------------------------------------------------- and all others

NOT_PLAIN: dict[str, bytes] = {
    "nothing": b"",
    "no rows": answer([]),
    "no list of rows": answer([], text=b"null"),
    "a refusal": b'{"code":"400100","msg":"items"}',
    "a field is missing": answer([{name: value for name, value in row().items() if name != "fee"}]),
    "a field more": answer([row(tax="0")]),
    "a field more in the second row": answer([row(), row(tax="0")]),
    "a field twice": answer([], text=b'[{"id":"1","id":"2"}]'),
    "null": answer([row(), row(fee=None)]),
    "null in the first row": answer([row(fee=None), row()]),
    "an object within": answer([row(context={"a": "b"})]),
    "another order in the second row": answer([row(), dict(sorted(row().items()))]),
    "a number comes last": answer([{**{n: v for n, v in row().items() if n != "createdAt"}, "createdAt": 1}]),
    "white space": msgspec.json.format(answer([row(), row()]), indent=1),
    "a space between rows": answer([row(), row()]).replace(b"},{", b"}, {"),
    "two spaces between rows": answer([row(), row()]).replace(b"},{", b"} ,{"),
    "beyond ASCII": answer([row(context="é")]),
    "another escape": answer([row(context="a\\b")]),
    "a quotation mark where none is expected": answer([row(bizType='a"b')]),
    "a quotation mark in an id, and one in its context": answer([row(bizType='"', context='"')]),
    "an answer that ends too soon": answer([row(), row()])[:-40],
    "no end": answer([row(), row()])[:-1],
    "something behind the rows": answer([row()], text=msgspec.json.encode([row()]) + b"x"),
    "another field that is a number": answer([row(amount=1), row(amount=1)]),
    "a number that is none": answer([row(createdAt=1.5), row(createdAt=1.5)]),
    "a negative number": answer([row(createdAt=-5)]),
    "true": answer([row(createdAt=True)]),
    "numbers of several lengths": answer([row(createdAt=7), row(createdAt=12)]),
    "a number of 19 digits": answer([row(createdAt=2**63 - 1)]),
    "a number that begins with 0": answer([row(createdAt=70)]).replace(b":70,", b":07,"),
    "another code": answer([row()]).replace(b"200000", b"400100"),
    "only a beginning": b'{"code":"200000","data":{"items":[{"id":"',
    "rows that are no objects": answer([], text=b'[{"id":"a"},"b"}]'),
    "values of which one is cut": answer([], text=b'[{"id":"a","b"}]'),
}


@pytest.mark.parametrize("body", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_plain_is_read_the_general_way(body: bytes) -> None:
    assert found(body) is None


def test_without_numpy_everything_is_read_the_general_way() -> None:
    script = (
        "import sys; from importlib.machinery import PathFinder; find = PathFinder.find_spec\n"
        "PathFinder.find_spec = lambda name, *more: None if name == 'numpy' else find(name, *more)\n"
        "from airflow_provider_kucoin.api.ledgers import SPOT\n"
        f"print(SPOT.decode({answer([row()])!r})['items'][0].id)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    assert done.stdout.split() == ["30000000"]


def test_where_no_field_may_have_escapes_none_is_taken() -> None:
    fields = frozenset(row())
    assert decode(answer([row(context='"')]), fields, BEFORE["spot"], numeric="createdAt") is None
    assert decode(answer([row(context="")]), fields, BEFORE["spot"], numeric="createdAt") is not None


# ------------------------------------------------------------------------------------------------------------ a block


def block(*items: dict[str, Any]) -> Block:
    rows = SPOT.decode(answer(list(items)))["items"]
    assert isinstance(rows, Block)
    return rows


def test_rows_can_be_turned_round_and_chosen() -> None:
    items = [row(number) for number in range(4)]
    rows = block(*items)
    assert list(rows.take(range(3, -1, -1))) == as_texts(items[::-1])
    assert list(rows.take([2, 0])) == as_texts([items[2], items[0]])
    assert len(rows.take([])) == 0
    assert rows.take([]).numbers("createdAt") == []


def test_numbers_of_any_length_are_exact() -> None:
    assert block(row(createdAt=0), row(createdAt=7)).numbers("createdAt") == [0, 7]
    assert block(row(createdAt=10**17), row(createdAt=10**18 - 1)).numbers("createdAt") == [10**17, 10**18 - 1]


@pytest.mark.parametrize("time", ["1e3", "", "12a", " 12", "-5"])
def test_a_text_that_is_no_time_is_refused(time: str) -> None:
    with pytest.raises(UnexpectedData, match="createdAt is not a time"):
        SPOT.times_ms(block(row(createdAt=time), row(createdAt=time)))


def test_times_may_be_texts_of_several_lengths() -> None:
    assert SPOT.times_ms(block(row(createdAt="7"), row(createdAt="12"))) == [7, 12]


def test_keys_are_the_ids() -> None:
    assert SPOT.keys(block(row(5), row(7))) == ["30000005", "30000007"]


@pytest.mark.parametrize(
    ("older", "newer", "expected"),
    [
        (["10", "11"], ["12", "13"], True),
        ([], ["12", "13"], True),
        (["8", "9"], ["10", "11"], True),
        (["10", "11"], ["11", "12"], False),
        ([], ["12", "12"], False),
        ([], [], False),
        (["010", "011"], ["12", "13"], False),
        (["a"], ["1"], False),
        (["1", "10"], ["20", "30"], False),
    ],
    ids=str,
)
def test_ids_surely_differ_where_they_are_numbers_of_which_none_is_there_twice(
    older: list[str], newer: list[str], expected: Any
) -> None:
    answers = [block(*(row(id=each) for each in ids)) if ids else [] for ids in (older, newer)]
    assert surely_differ(answers, "id") is expected


def test_of_rows_that_are_no_block_nothing_is_sure() -> None:
    assert not surely_differ([[row(1)], block(row(2))], "id")


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([5, 3, 3, 1], (5, 1)),
        ([4], (4, 4)),
        ([1, 2], None),
        ([10, 9], None),
    ],
)
def test_times_that_fall_are_known_by_the_first_and_the_last(times: list[int], expected: Any) -> None:
    rows = block(*(row(createdAt=str(time)) for time in times))
    assert rows.falling("createdAt") == expected
    assert SPOT.falling_ms(rows) == (expected and expected[::-1])


def test_no_rows_fall_nowhere() -> None:
    assert block(row()).take([]).falling("createdAt") is None
    assert SPOT.falling_ms([row()]) is None


def test_objects_may_stand_one_behind_the_other() -> None:
    items = [{"b": str(number), "a": "x" * number} for number in range(4)]
    text = b"".join(map(msgspec.json.encode, items))
    rows = objects(text)
    assert rows is not None
    assert list(rows) == items
    assert rows.begins.tolist() == [0, 16, 33, 51]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b'{"a":"1"}{}',
        b'{"a":"1"},{"a":"2"}',
        b'{"a":"1"} {"a":"2"}',
        b'{"a":"1"}{"b":"2"}',
        b'{"a":"1","a":"2"}',
        b'{"a":1,"b":"2"}',
        b'{"a":"\\""}',
        b'{"a":{"b":"1"}}',
        b'{"a"}',
        b'{"a":"1"}"}',
    ],
    ids=bytes.decode,
)
def test_objects_that_are_not_plain_are_none(text: bytes) -> None:
    assert objects(text) is None


def test_a_row_that_is_shorter_than_what_must_be_in_it_is_no_such_row() -> None:
    long = "a" * 40
    body = b'{"items":[{"%s":"x","b":"y"},{"":"","":""}]}' % long.encode()
    assert decode(body, frozenset([long, "b"]), BEFORE["spot"]) is None


def test_of_datasets_that_come_in_blocks_nothing_is_held_back_and_nothing_is_added_to_rows() -> None:
    for dataset in (*LEDGERS.values(), *HISTORIES.values()):
        if dataset.all_text:
            assert (dataset.is_provisional, dataset.from_query, dataset.derived) == (None, (), None)
