"""Ledgers: from KuCoin's items to columns and rows, without losing, rounding or guessing anything."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations, product
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.endpoints import SPOT_LEDGER
from airflow_provider_kucoin.api.errors import InvalidInput, UnexpectedData
from airflow_provider_kucoin.api.ledgers import (
    CONTEXT_COLUMNS,
    LEDGERS,
    SPOT,
    Column,
    Kind,
    Ledger,
    columns,
    context_columns,
    filters,
    ledger,
    rows,
)

SAMPLE = json.loads((Path(__file__).parents[1] / "samples" / "spot_ledger.json").read_text())["data"]["items"][0]
UID = "165111215"
# As the envelope decodes: numbers with a fraction are decimals.
decode = msgspec.json.Decoder(float_hook=Decimal).decode


def item(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**SAMPLE, **changes}.items() if value is not ...}


def column(name: Any, *items: Any) -> list[Any]:
    return columns(SPOT, items, UID)[name]


# ------------------------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize("name", LEDGERS)
def test_every_ledger_is_found_by_its_name(name: str) -> None:
    assert ledger(name).name == name


def test_an_unknown_ledger_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"ledger='Spot' is not one of 'spot'"):
        ledger("Spot")


@pytest.mark.parametrize("row", LEDGERS.values(), ids=LEDGERS)
def test_the_columns_of_a_ledger_are_all_different_and_its_key_and_time_are_among_them(row: Ledger) -> None:
    names = [column.name for column in row.columns]
    assert len(set(names)) == len(names)
    assert {row.key, row.time, "context"} <= set(names)
    assert all(column.meaning for column in row.columns)
    by_name = {column.name: column for column in row.columns}
    assert by_name[row.key].required
    assert by_name[row.time].required
    assert by_name[row.time].kind is Kind.INSTANT


def test_kucoins_names_of_key_and_time_are_known() -> None:
    assert (SPOT.key_source, SPOT.time_source) == ("id", "createdAt")


# ------------------------------------------------------------------------------------------------------------ filters


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param({"currency": "USDT"}, {"currency": "USDT"}, id="one code"),
        pytest.param({"currency": " BTC , USDT "}, {"currency": "BTC,USDT"}, id="comma list"),
        pytest.param({"currency": ["BTC", "USDT"]}, {"currency": "BTC,USDT"}, id="list"),
        pytest.param({"currency": ("BTC",)}, {"currency": "BTC"}, id="tuple"),
        pytest.param({"currency": "", "direction": "", "biz_type": ""}, {}, id="empty"),
        pytest.param({"direction": "in"}, {"direction": "in"}, id="in"),
        pytest.param({"direction": "out"}, {"direction": "out"}, id="out"),
        pytest.param({"biz_type": "SOMETHING_NEW"}, {"bizType": "SOMETHING_NEW"}, id="business type"),
        pytest.param({"currency": list("ABCDEFGHIJ")}, {"currency": "A,B,C,D,E,F,G,H,I,J"}, id="ten codes"),
    ],
)
def test_filters_become_query_parameters(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert filters(**given) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"currency": list("ABCDEFGHIJK")}, "11 codes given, KuCoin takes 10", id="eleven codes"),
        pytest.param({"currency": "A,B,C,D,E,F,G,H,I,J,K"}, "11 codes given", id="eleven codes in text"),
        pytest.param({"currency": "BTC,,USDT"}, "currency=", id="a code of nothing"),
        pytest.param({"currency": " "}, "currency=", id="blank"),
        pytest.param({"currency": ["BTC,USDT"]}, "currency=", id="a list in a list"),
        pytest.param({"direction": "IN"}, "direction='IN' is not one of", id="direction in capitals"),
    ],
)
def test_what_kucoin_does_not_take_is_refused_before_it_is_asked(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        filters(**given)


# -------------------------------------------------------------------------------------------------- columns and rows


def test_the_documented_row_becomes_a_row_of_exact_values() -> None:
    assert rows(SPOT, columns(SPOT, [SAMPLE], UID)) == [
        {
            "account_uid": UID,
            "id": "265329987780896",
            "currency": "USDT",
            "amount": Decimal("0.01"),
            "fee": Decimal(0),
            "balance": Decimal(0),
            "account_type": "TRADE",
            "biz_type": "SUB_TRANSFER",
            "direction": "out",
            "created_at": datetime(2024, 10, 11, 14, 54, 41, 484000, tzinfo=UTC),
            "context": "",
            "order_id": None,
            "trade_id": None,
            "tx_id": None,
            "symbol": None,
            "_extra": None,
        }
    ]


def test_no_items_are_columns_of_nothing() -> None:
    found = columns(SPOT, [], UID)
    assert found == {column.name: [] for column in SPOT.columns}
    assert rows(SPOT, found) == []


def test_columns_come_in_the_declared_order_and_are_equally_long() -> None:
    found = columns(SPOT, [item(), item(id="2")], UID)
    assert list(found) == [column.name for column in SPOT.columns]
    assert {len(values) for values in found.values()} == {2}


def test_the_order_of_items_and_of_their_fields_does_not_matter_to_what_is_read() -> None:
    shuffled = dict(reversed(list(item(id="2").items())))
    assert column("id", item(id="1"), shuffled, item(id="3")) == ["1", "2", "3"]
    assert columns(SPOT, [shuffled], UID) == columns(SPOT, [item(id="2")], UID)


def test_a_page_with_a_strange_row_is_read_as_each_row_alone_would_be() -> None:
    strange = [item(), item(id=5, fee=None, note="new"), item(context="{'symbol':'A-B'}"), item(balance=...)]
    together = columns(SPOT, strange, UID)
    alone = [columns(SPOT, [one], UID) for one in strange]
    assert together == {name: [found[name][0] for found in alone] for name in together}


# ----------------------------------------------------------------------------------------------------- unknown fields


@pytest.mark.parametrize(
    ("changes", "extra"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"tax": "0"}, {"tax": "0"}, id="one more"),
        pytest.param({"a": None, "b": [1, {"c": False}]}, {"a": None, "b": [1, {"c": False}]}, id="nested"),
        pytest.param({"balance": ..., "newBalance": "5"}, {"newBalance": "5"}, id="one renamed"),
        pytest.param({"fee": ...}, None, id="one missing"),
    ],
)
def test_fields_that_no_column_knows_are_kept_as_json(changes: dict[str, Any], extra: dict[str, Any] | None) -> None:
    [found] = column("_extra", item(**changes))
    assert (json.loads(found) if found else found) == extra


def test_unknown_numbers_keep_their_digits() -> None:
    [found] = column("_extra", decode(json.dumps(item()).replace("{", '{"tax":0.10000000000000000555,"n":1e-7,', 1)))
    assert found == '{"tax":0.10000000000000000555,"n":1E-7}'


def test_an_unknown_field_of_one_row_is_not_given_to_its_neighbours() -> None:
    assert column("_extra", item(), item(new=1), item()) == [None, '{"new":1}', None]


# ------------------------------------------------------------------------------------------------------- wrong shapes


@pytest.mark.parametrize("name", ["id", "currency", "amount", "createdAt"])
@pytest.mark.parametrize("missing", [None, ...], ids=["null", "absent"])
def test_a_row_without_what_every_row_must_have_is_refused(name: str, missing: Any) -> None:
    with pytest.raises(UnexpectedData, match=name):
        columns(SPOT, [item(), item(**{name: missing})], UID)


@pytest.mark.parametrize("name", ["fee", "balance", "accountType", "bizType", "direction", "context"])
@pytest.mark.parametrize("missing", [None, ...], ids=["null", "absent"])
def test_anything_else_may_be_missing(name: str, missing: Any) -> None:
    [declared] = [column for column in SPOT.fields if column.source == name]
    assert column(declared.name, item(), item(**{name: missing}))[1] is None


@pytest.mark.parametrize(
    "wrong", [None, 5, "abcdefghij", ["id"] * len(SAMPLE), [], True], ids=["null", "int", "text", "list", "[]", "bool"]
)
def test_a_row_that_is_no_object_is_refused(wrong: Any) -> None:
    with pytest.raises(UnexpectedData, match="not an object"):
        columns(SPOT, [item(), wrong], UID)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (265329987780896, "265329987780896"),
        (2**70, str(2**70)),
        ("611a1e7c6a053300067a88d9", "611a1e7c6a053300067a88d9"),
        ("", ""),
        (True, "true"),
        ({"a": 1}, '{"a":1}'),
        (Decimal("1.50"), "1.50"),
    ],
    ids=repr,
)
def test_text_stays_text_and_anything_else_becomes_its_json(value: Any, text: str) -> None:
    assert column("id", item(id=value)) == [text]


@pytest.mark.parametrize(("value", "ms"), [(1728658481484, 1728658481484), ("1728443957539", 1728443957539)])
def test_a_time_may_be_a_number_or_its_digits(value: int | str, ms: int) -> None:
    assert column("created_at", item(), item(createdAt=value))[1] == ms


@pytest.mark.parametrize(
    "value",
    ["", "soon", "1.5", "-1", " 1", "²", True, Decimal("1728658481484.0"), [], {}, "2026-02-03T00:00:00Z"],
    ids=repr,
)
def test_a_time_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(UnexpectedData, match="created_at"):
        columns(SPOT, [item(), item(createdAt=value)], UID)


def test_a_time_that_need_not_be_there_may_be_missing() -> None:
    settled = Column("settled_at", "settledAt", Kind.INSTANT)
    wider = Ledger("wider", SPOT_LEDGER, 500, None, None, (*SPOT.fields, settled))
    found = columns(wider, [item(settledAt="1728443957539"), item()], UID)
    assert found["settled_at"] == [1728443957539, None]
    assert rows(wider, found)[1]["settled_at"] is None


# ------------------------------------------------------------------------------------------------------------ amounts

LARGEST = "9" * 20 + "." + "9" * 18


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        pytest.param("0.01", "0.01", id="plain"),
        pytest.param("-0.01", "-0.01", id="signed"),
        pytest.param("0", "0", id="nothing"),
        pytest.param("-0", "0", id="minus nothing"),
        pytest.param("+1", "1", id="plus"),
        pytest.param(".5", "0.5", id="no digit before"),
        pytest.param("1.", "1", id="no digit after"),
        pytest.param("6.41E-4", "0.000641", id="exponent"),
        pytest.param("1e19", "1" + "0" * 19, id="largest exponent"),
        pytest.param("1e-18", "0." + "0" * 17 + "1", id="smallest"),
        pytest.param(LARGEST, LARGEST, id="largest"),
        pytest.param("-" + LARGEST, "-" + LARGEST, id="least"),
        pytest.param("0" * 500 + "1", "1", id="zeros before"),
        pytest.param("1." + "0" * 500, "1", id="zeros after"),
        pytest.param("1.50" + "0" * 30, "1.5", id="more zeros after than the scale"),
        pytest.param("0e999999999", "0", id="nothing with an exponent"),
        pytest.param(Decimal("0.1"), "0.1", id="decimal"),
        pytest.param(Decimal("1E+3"), "1000", id="decimal with exponent"),
        pytest.param(5, "5", id="int"),
        pytest.param(-(10**19), "-" + str(10**19), id="large int"),
    ],
)
def test_an_amount_is_kept_exactly_in_plain_digits(value: Decimal | int | str, exact: str) -> None:
    neighbours = [item(), item(amount=value), item()]
    assert [row["amount"] for row in rows(SPOT, columns(SPOT, neighbours, UID))] == [
        Decimal("0.01"),
        Decimal(exact),
        Decimal("0.01"),
    ]
    [_, text, _] = column("amount", *neighbours)
    assert text.isascii()
    assert set(text) <= set("-.0123456789")
    whole, _, fraction = text.lstrip("-").partition(".")
    assert len(whole) <= 20
    assert len(fraction) <= 18


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("1e30", id="Arrow would overflow"),
        pytest.param("340282366920938463463374607431768211457", id="Arrow would make it 1"),
        pytest.param("9" * 39, id="Arrow would make it negative"),
        pytest.param("1" * 100, id="long"),
        pytest.param("1" * 10_000, id="very long"),
        pytest.param("1" + "0" * 20, id="one digit too many before"),
        pytest.param("0." + "0" * 18 + "1", id="one digit too many after"),
        pytest.param("1e-19", id="too small"),
        pytest.param("1e20", id="too large"),
        pytest.param("1e999999999", id="exponent"),
        pytest.param("1e99999999999999999999", id="exponent beyond any decimal"),
        pytest.param(LARGEST + "1", id="largest and a digit"),
        pytest.param(10**20, id="large int"),
        pytest.param(Decimal("1E-19"), id="decimal too small"),
        pytest.param(Decimal("1E+999999999"), id="decimal exponent"),
    ],
)
def test_an_amount_that_does_not_fit_is_refused_and_never_rounded(value: Decimal | int | str) -> None:
    with pytest.raises(UnexpectedData, match=r"column amount: .* (does not fit|is not a number)") as caught:
        columns(SPOT, [item(), item(amount=value)], UID)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param(" 1", id="blank before"),
        pytest.param("1 ", id="blank after"),
        pytest.param("1 2", id="two"),
        pytest.param("1\n", id="line break"),
        pytest.param("1_000", id="underscore"),
        pytest.param("1,000", id="comma"),
        pytest.param("١٢", id="Arabic digits"),
        pytest.param("１", id="wide digit"),  # noqa: RUF001 - the point
        pytest.param("−1", id="typographic minus"),  # noqa: RUF001 - the point
        pytest.param("0x1F", id="hexadecimal"),
        pytest.param("Infinity", id="infinity"),
        pytest.param("-inf", id="inf"),
        pytest.param("NaN", id="nan"),
        pytest.param("nan1", id="nan with payload"),
        pytest.param("--1", id="two signs"),
        pytest.param("1-", id="sign behind"),
        pytest.param("1.2.3", id="two points"),
        pytest.param(".", id="point"),
        pytest.param("-", id="sign"),
        pytest.param("1e", id="exponent of nothing"),
        pytest.param("null", id="null in text"),
        pytest.param("1\0", id="NUL"),
        pytest.param(True, id="bool"),
        pytest.param([], id="list"),
        pytest.param({"a": 1}, id="object"),
    ],
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(UnexpectedData, match=r"column amount: .* is not a number"):
        columns(SPOT, [item(), item(amount=value)], UID)


amount_like = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.from_regex(r"[+-]?[0-9]{0,45}(\.[0-9]{0,45})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.text(st.sampled_from("0123456789.-+eE _\n\u0661InfNaN"), max_size=12),
)


@given(st.lists(amount_like, min_size=1, max_size=6))
@example(["1", "2 3"])
@example(["1 2", "3"])
@example(["", "1"])
def test_any_text_is_kept_exactly_or_refused(values: list[str]) -> None:
    items = [item(amount=value) for value in values]
    try:
        found = columns(SPOT, items, UID)
    except UnexpectedData:
        return
    assert [Decimal(text) for text in found["amount"]] == [Decimal(value) for value in values]
    assert [row["amount"] for row in rows(SPOT, found)] == [Decimal(value) for value in values]


# ------------------------------------------------------------------------------------------------------------ context

PARTS = [column.name for column in CONTEXT_COLUMNS]


def parts(*contexts: Any) -> list[dict[str, str]]:
    found = context_columns(contexts)
    return [{name: found[name][row] for name in PARTS if found[name][row] is not None} for row in range(len(contexts))]


SHAPES = {
    '{"symbol":"KCS-USDT","orderId":"6705f6350dc7210007d6a36d","tradeId":"10046097631627265"}': {
        "symbol": "KCS-USDT",
        "order_id": "6705f6350dc7210007d6a36d",
        "trade_id": "10046097631627265",
    },
    '{"orderId":"1","txId":"0xabc"}': {"order_id": "1", "tx_id": "0xabc"},
    '{"transactionId":"0xabc"}': {"tx_id": "0xabc"},
    '{"txId":"","transactionId":"0xabc"}': {"tx_id": "0xabc"},
    '{"txId":null,"transactionId":"0xabc"}': {"tx_id": "0xabc"},
    '{"txId":"1","transactionId":"2"}': {"tx_id": "1"},
    '{"orderId":"1","description":"Erträge im März"}': {"order_id": "1"},
    '{"borrowerUserId":"1","loanRepayDetailNo":"2"}': {},
    "{'symbol':'CSP-USDT','orderId':'1','tradeId':'2'}": {"symbol": "CSP-USDT", "order_id": "1", "trade_id": "2"},
    "{'symbol': 'CSP-USDT', 'orderId': 1}": {"symbol": "CSP-USDT", "order_id": "1"},
    "{'symbol':\"CSP-USDT\"}": {"symbol": "CSP-USDT"},
    '{"orderId":123456789012345678901234567890}': {"order_id": "123456789012345678901234567890"},
    '{"orderId":1.10}': {"order_id": "1.10"},
    '{"orderId":{"a":1}}': {"order_id": '{"a":1}'},
    '{"orderId":""}': {},
    '{"orderId":null}': {},
    ' {"orderId":"1"} ': {"order_id": "1"},
    '{"a":{"orderId":"inner"}}': {},
    "{}": {},
    "": {},
    "   ": {},
    "[1,2]": {},
    '"orderId"': {},
    "12345": {},
    "null": {},
    "true": {},
    "free text: orderId": {},
    '{"orderId":"1"': {"order_id": "1"},
    '{"orderId":"1"},{"orderId":"2"}': {"order_id": "2"},
    '{"orderId":1e9999999999999999999999}': {"order_id": "1e9999999999999999999999"},
    "[" * 50_000: {},
    '{"orderId":"\\ud800"}': {"order_id": "\\ud800"},
    '{"orderId":"\\u0000between two contexts"}': {"order_id": "\0between two contexts"},
}


@pytest.mark.parametrize(("context", "expected"), SHAPES.items(), ids=[shape[:40] for shape in SHAPES])
def test_the_useful_parts_of_a_context_are_found_whatever_its_shape(context: str, expected: dict[str, Any]) -> None:
    assert parts(context) == [expected]
    assert column("context", item(context=context)) == [context]


def test_no_context_has_no_parts() -> None:
    assert parts(None) == [{}]
    assert parts() == []


@pytest.mark.parametrize("number", range(len(SHAPES)))
def test_a_context_is_read_alike_whatever_stands_beside_it(number: int) -> None:
    contexts = [None, *SHAPES]
    rotated = contexts[number:] + contexts[:number]
    expected = {None: {}, **SHAPES}
    assert parts(*rotated) == [expected[context] for context in rotated]


# Each joins its neighbours into something that is JSON as a whole, or forges what stands between two.
BETWEEN = '"\\u0000between two contexts"'
ADVERSARIAL = [
    '{"orderId":"1"},{"orderId":"2"}',
    '{"x":[1',
    "2]}",
    '{"x":"',
    '"}',
    f'{{"orderId":"1"}},{BETWEEN},{{"x":[1',
    f'{{"orderId":"1"}},{BETWEEN},{{"orderId":"2"}}',
    f'{{"orderId":"1"}},{BETWEEN.replace("b", chr(92) + "u0062", 1)},{{"x":[1',
    '{"orderId":"9"}',
    "]",
    "[{}",
]


@pytest.mark.parametrize("contexts", list(permutations(ADVERSARIAL, 2)), ids=lambda pair: " | ".join(pair)[:70])
def test_contexts_never_run_into_each_other(contexts: tuple[Any, ...]) -> None:
    assert parts(*contexts) == [parts(context)[0] for context in contexts]


def test_three_contexts_never_run_into_each_other_either() -> None:
    for contexts in product(ADVERSARIAL, repeat=3):
        assert parts(*contexts) == [parts(context)[0] for context in contexts]


json_like = st.text(st.sampled_from("{}[]\",:\\u00ab1 '"), max_size=14)


@given(st.lists(st.one_of(st.none(), json_like, st.sampled_from([*SHAPES, *ADVERSARIAL])), max_size=5))
def test_no_contexts_whatever_are_read_otherwise_together_than_alone(contexts: list[str | None]) -> None:
    assert parts(*contexts) == [parts(context)[0] for context in contexts]
