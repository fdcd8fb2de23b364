"""Columns: from KuCoin's items to declared columns and rows, without losing, rounding or guessing anything."""

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

from airflow_provider_kucoin.api.columns import (
    CONTEXT_COLUMNS,
    Column,
    Columns,
    Kind,
    amounts,
    columns,
    context_columns,
    plain_decimal,
    row_type,
    rows,
)
from airflow_provider_kucoin.api.errors import UnexpectedData

SAMPLE = json.loads((Path(__file__).parents[1] / "samples" / "spot_ledger.json").read_text())["data"]["items"][0]
FIELDS = (
    Column("id", "id", required=True),
    Column("currency", "currency", required=True),
    Column("amount", "amount", Kind.AMOUNT, required=True),
    Column("fee", "fee", Kind.AMOUNT),
    Column("balance", "balance", Kind.AMOUNT),
    Column("account_type", "accountType"),
    Column("biz_type", "bizType"),
    Column("direction", "direction"),
    Column("created_at", "createdAt", Kind.INSTANT, required=True),
    Column("context", "context"),
)
# As the envelope decodes: numbers with a fraction are decimals.
decode = msgspec.json.Decoder(float_hook=Decimal).decode


def item(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**SAMPLE, **changes}.items() if value is not ...}


def read(*items: Any) -> Columns:
    return columns(FIELDS, items)


def column(name: Any, *items: Any) -> list[Any]:
    return read(*items)[name]


def of_kind(kind: Kind, *values: Any, required: bool = False) -> list[Any]:
    """Read values of one field, as the envelope would decode them, beside another that is always there."""
    fields = (Column("id", "id", required=True), Column("value", "value", kind, required=required))
    return columns(fields, [{"id": "1", "value": value} for value in values])["value"]


def as_rows(kind: Kind, *values: Any) -> list[Any]:
    return [row["value"] for row in rows([Column("value", "value", kind)], {"value": of_kind(kind, *values)})]


# -------------------------------------------------------------------------------------------------- columns and rows


def test_the_documented_row_becomes_a_row_of_exact_values() -> None:
    assert rows(FIELDS, read(SAMPLE)) == [
        {
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
        }
    ]


def test_no_items_are_columns_of_nothing() -> None:
    found = read()
    assert found == {name: [] for name in [*(column.name for column in FIELDS), "_extra"]}
    assert rows(FIELDS, found) == []


def test_columns_come_in_the_declared_order_and_are_equally_long() -> None:
    found = read(item(), item(id="2"))
    assert list(found) == [*(column.name for column in FIELDS), "_extra"]
    assert {len(values) for values in found.values()} == {2}


def test_the_order_of_items_and_of_their_fields_does_not_matter_to_what_is_read() -> None:
    shuffled = dict(reversed(list(item(id="2").items())))
    assert column("id", item(id="1"), shuffled, item(id="3")) == ["1", "2", "3"]
    assert read(shuffled) == read(item(id="2"))


def test_a_page_with_a_strange_row_is_read_as_each_row_alone_would_be() -> None:
    strange = [item(), item(id=5, fee=None, note="new"), item(context="{'symbol':'A-B'}"), item(balance=...)]
    together = read(*strange)
    alone = [read(one) for one in strange]
    assert together == {name: [found[name][0] for found in alone] for name in together}


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.integers(-(2**70), 2**70),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.text(st.sampled_from("0123456789.-eE \u0661"), max_size=6),
    st.sampled_from(["true", "false", "1728658481484", "6.41E-4", [], {}, {"a": 1}]),
)


@given(st.sampled_from(Kind), st.booleans(), st.lists(anything, min_size=1, max_size=5))
@example(Kind.INSTANT, False, [-1, None])
@example(Kind.NANOSECONDS, False, [2**63, 1])
def test_any_value_is_read_or_refused_alike_whatever_stands_beside_it(kind: Kind, required: Any, values: Any) -> None:
    def read_or_refuse(*some: Any) -> list[Any] | None:
        try:
            return of_kind(kind, *some, required=required)
        except UnexpectedData:
            return None

    alone = [read_or_refuse(value) for value in values]
    expected = None if None in alone else [found[0] for found in alone if found]
    assert read_or_refuse(*values) == expected


@given(st.sampled_from(Kind), st.lists(anything, min_size=1, max_size=5))
def test_what_has_been_read_can_always_be_shown_as_rows(kind: Kind, values: Any) -> None:
    try:
        of_kind(kind, *values)
    except UnexpectedData:
        return
    assert [value is None for value in as_rows(kind, *values)] == [value is None for value in values]


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
        read(item(), item(**{name: missing}))


@pytest.mark.parametrize("name", ["fee", "balance", "accountType", "bizType", "direction", "context"])
@pytest.mark.parametrize("missing", [None, ...], ids=["null", "absent"])
def test_anything_else_may_be_missing(name: str, missing: Any) -> None:
    [declared] = [column for column in FIELDS if column.source == name]
    assert column(declared.name, item(), item(**{name: missing}))[1] is None


@pytest.mark.parametrize(
    "wrong", [None, 5, "abcdefghij", ["id"] * len(SAMPLE), [], True], ids=["null", "int", "text", "list", "[]", "bool"]
)
def test_a_row_that_is_no_object_is_refused(wrong: Any) -> None:
    with pytest.raises(UnexpectedData, match="not an object"):
        read(item(), wrong)


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
    [
        "",
        "soon",
        "1.5",
        "-1",
        " 1",
        "²",
        "\u0661",
        "1_0",
        "1" * 20,
        "1" * 5000,
        True,
        Decimal("1728658481484.0"),
        [],
        {},
        "2026-02-03T00:00:00Z",
    ],
    ids=repr,
)
def test_a_time_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(UnexpectedData, match="created_at"):
        read(item(), item(createdAt=value))


# ---------------------------------------------------------------------------------------------- rows of their own type

TYPED = msgspec.json.Decoder(list[row_type(FIELDS)])  # type: ignore[misc] # made for these fields


def typed(*items: Any) -> list[Any] | None:
    try:
        return list(TYPED.decode(msgspec.json.encode(items)))
    except msgspec.DecodeError:
        return None


odd_values = st.sampled_from([..., None, "", "5", 5, -1, True, Decimal("1.5"), 1.5, [], {}, "1e3", "1728658481484"])


@given(
    st.lists(st.dictionaries(st.sampled_from([*SAMPLE, "note"]), odd_values, max_size=2), min_size=1, max_size=4),
    st.booleans(),
)
@example([{}, {}], True)
@example([{"createdAt": "1728658481484"}, {"fee": None}], False)
def test_rows_of_their_own_type_are_read_as_the_same_rows_in_general_are(changes: Any, as_sent: Any) -> None:
    items = [item(**change) for change in changes]
    own = typed(*items)
    general = decode(msgspec.json.encode(items))
    if own is None:
        # Only what is not as nearly every row is may be left to the general way.
        assert any(change for change in changes)
        return

    def read_or_refuse(some: Any) -> Columns | str:
        try:
            return columns(FIELDS, some, amounts_as_sent=as_sent)
        except UnexpectedData as problem:
            return str(problem)

    assert read_or_refuse(own) == read_or_refuse(general)


def test_amounts_may_be_left_as_they_were_sent_until_they_are_known_to_need_more() -> None:
    as_sent = columns(FIELDS, [item(amount="1e3", fee=""), item(amount="0.10", fee="x")], amounts_as_sent=True)
    assert (as_sent["amount"], as_sent["fee"]) == (["1e3", "0.10"], ["", "x"])
    by_name = {column.name: column for column in FIELDS}
    assert amounts(by_name["amount"], as_sent["amount"]) == ["1000.000000000000000000", "0.10"]
    with pytest.raises(UnexpectedData, match="column fee: '' is not a number"):
        amounts(by_name["fee"], as_sent["fee"])


def test_amounts_that_were_not_all_sent_as_text_are_not_left_as_they_were() -> None:
    found = columns(FIELDS, [item(fee=None), item(fee=5), item(fee="1e-3")], amounts_as_sent=True)
    assert [fee if fee is None else Decimal(fee) for fee in found["fee"]] == [None, Decimal(5), Decimal("0.001")]
    with pytest.raises(UnexpectedData, match="a row has no amount"):
        columns(FIELDS, [item(amount=None)], amounts_as_sent=True)


# ----------------------------------------------------------------------------------------------- times in their units

OCTOBER = datetime(2024, 10, 11, 14, 54, 41, tzinfo=UTC)


@pytest.mark.parametrize("as_sent", [int, str])
@pytest.mark.parametrize(
    ("kind", "sent", "held", "moment"),
    [
        (Kind.INSTANT, 1728658481484, 1728658481484, OCTOBER.replace(microsecond=484000)),
        (Kind.SECONDS, 1728658481, 1728658481000, OCTOBER),
        (Kind.NANOSECONDS, 1728658481484123456, 1728658481484123456, OCTOBER.replace(microsecond=484123)),
        (Kind.NANOSECONDS, 1728658481000000999, 1728658481000000999, OCTOBER),
        (Kind.INSTANT, 0, 0, datetime(1970, 1, 1, tzinfo=UTC)),
        (Kind.SECONDS, 253_402_300_799, 253_402_300_799_000, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
    ids=["milliseconds", "seconds", "nanoseconds", "less than a microsecond", "epoch", "last second"],
)
def test_times_come_in_three_units_as_numbers_or_text_and_none_loses_a_digit(
    kind: Kind, sent: int, held: int, moment: datetime, as_sent: Any
) -> None:
    assert of_kind(kind, as_sent(sent)) == [held]
    # Python's datetimes end at microseconds.
    assert as_rows(kind, as_sent(sent)) == [moment]


@pytest.mark.parametrize("as_sent", [int, str])
@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (Kind.INSTANT, 253_402_300_800_000),
        (Kind.SECONDS, 253_402_300_800),
        (Kind.NANOSECONDS, 2**63),
        (Kind.INSTANT, -1),
        (Kind.SECONDS, -1),
        (Kind.NANOSECONDS, -1),
        (Kind.SECONDS, 1728658481484),
        (Kind.INSTANT, 10**30),
    ],
)
def test_a_time_that_no_calendar_holds_is_refused(kind: Kind, sent: int, as_sent: Any) -> None:
    with pytest.raises(UnexpectedData, match=r"column value: .* is not a time"):
        of_kind(kind, as_sent(sent))


@pytest.mark.parametrize("kind", [Kind.INSTANT, Kind.SECONDS, Kind.NANOSECONDS])
def test_a_time_that_need_not_be_there_stays_missing_in_every_unit(kind: Kind) -> None:
    assert of_kind(kind, None, "1728658481", 5)[0] is None
    assert as_rows(kind, None, 5)[0] is None


# -------------------------------------------------------------------------------------------------------------- flags


@pytest.mark.parametrize(
    ("sent", "flag"),
    [(True, True), (False, False), (1, True), (0, False), ("true", True), ("false", False), (None, None)],
    ids=repr,
)
def test_a_flag_is_true_or_false_or_not_there(sent: Any, flag: Any) -> None:
    assert of_kind(Kind.FLAG, True, sent, False) == [True, flag, False]
    assert as_rows(Kind.FLAG, sent) == [flag]


@pytest.mark.parametrize("sent", [2, -1, "", "True", "yes", "1", Decimal("1.0"), 1.0, [], {}, [True]], ids=repr)
def test_a_flag_that_is_neither_is_refused(sent: Any) -> None:
    with pytest.raises(UnexpectedData, match=r"column value: .* is neither true nor false"):
        of_kind(Kind.FLAG, True, sent)


def test_a_flag_that_every_row_must_have_may_not_be_missing() -> None:
    with pytest.raises(UnexpectedData, match="a row has no value"):
        of_kind(Kind.FLAG, True, None, required=True)
    assert of_kind(Kind.FLAG, False, required=True) == [False]


# ------------------------------------------------------------------------------------------------------- JSON numbers


@pytest.mark.parametrize(
    ("sent", "exact"),
    [
        ("6.41E-4", "0.000641"),
        ("1e-18", "0.000000000000000001"),
        ("-5.585669e-2", "-0.05585669"),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("14.029249380000000001", "14.029249380000000001"),
        ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
        ("9007199254740993", "9007199254740993"),
        ("0.0", "0"),
        ("-0.0", "0"),
        ("1E+3", "1000"),
        ("0e-400", "0"),
    ],
)
def test_a_json_number_keeps_digits_that_no_float_keeps(sent: str, exact: str) -> None:
    found = decode(f"[{sent}]")
    assert as_rows(Kind.AMOUNT, *found) == [Decimal(exact)]
    [text] = of_kind(Kind.AMOUNT, *found)
    assert set(text) <= set("-.0123456789")


@pytest.mark.parametrize("sent", ["1e-19", "1e20", "0.1234567890123456789", "123456789012345678901", "1e400", "1e-400"])
def test_a_json_number_that_does_not_fit_is_refused(sent: str) -> None:
    with pytest.raises(UnexpectedData, match="does not fit a decimal of 38 digits, 18 of them after the point"):
        of_kind(Kind.AMOUNT, *decode(f"[{sent}]"))


def test_a_float_is_never_taken_for_an_amount() -> None:
    with pytest.raises(UnexpectedData, match=r"0\.1 is not a number"):
        of_kind(Kind.AMOUNT, 0.1)


def test_an_id_is_the_same_text_whether_it_was_sent_as_a_number_or_as_text() -> None:
    largest = 2**63 - 1
    assert of_kind(Kind.TEXT, largest, str(largest), 1949641706720, "1949641706720") == [
        str(largest),
        str(largest),
        "1949641706720",
        "1949641706720",
    ]


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
    assert [row["amount"] for row in rows(FIELDS, read(*neighbours))] == [
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
        read(item(), item(amount=value))
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
        read(item(), item(amount=value))


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
        found = read(*items)
    except UnexpectedData:
        return
    assert [Decimal(text) for text in found["amount"]] == [Decimal(value) for value in values]
    assert [row["amount"] for row in rows(FIELDS, found)] == [Decimal(value) for value in values]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0E-18", "0"),
        ("0.100000000000000000", "0.1"),
        ("100.000000000000000000", "100"),
        ("-0.000000000000000001", "-0.000000000000000001"),
        ("1E+3", "1000"),
        ("10", "10"),
    ],
)
def test_a_decimal_in_text_has_no_exponent_and_no_zeros_behind(number: str, text: str) -> None:
    assert plain_decimal(Decimal(number)) == text


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
    '{"deep":' + "[" * 50_000: {},
    '{"orderId":"1","deep":' + "[" * 50_000 + "]" * 50_000 + "}": {"order_id": "1"},
    '{"orderId":"1","orderId":"2"}': {"order_id": "2"},
    '{"orderId":"1","orderId":3}': {"order_id": "3"},
    '{"orderId":"1"} ...': {"order_id": "1"},
    '{"orderId":"\\ud800"}': {"order_id": "\\ud800"},
    '{"orderId":"\\u0000between two contexts"}': {"order_id": "\0between two contexts"},
}


TOGETHER: dict[str, list[str]] = {
    "all are plain": ['{"orderId":"1"}', '{"txId":"2","more":[1]}', '{"symbol":""}'],
    "one is of another type": ['{"orderId":"1"}', '{"orderId":2}'],
    "one holds two objects": ['{"orderId":"1"}', '{"orderId":"2"}{"orderId":"3"}'],
    "one holds two, another none": ['{"orderId":"1"}{"orderId":"2"}', '{"orderId":"3"', '{"orderId":"4"}'],
    "one goes on in the next": ['{"a":', '{"orderId":"1"}}', '{"orderId":"2"}{"orderId":"3"}'],
    "one is a text across two": ['{"orderId":"}', '{"}'],
    "one is broken by lines": ['{"orderId":\n"1"}', '{"orderId":"2"}'],
    "some are nothing": ["", '{"orderId":"1"}', "{}", '{"orderId":"2"}'],
}


@pytest.mark.parametrize("contexts", TOGETHER.values(), ids=TOGETHER)
def test_contexts_that_are_read_together_are_read_as_each_alone(contexts: list[str]) -> None:
    assert parts(*contexts) == [parts(context)[0] for context in contexts]


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
