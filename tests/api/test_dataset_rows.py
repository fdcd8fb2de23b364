"""Rows of a dataset: KuCoin's own come out of it exactly, and those of a type of their own are as any others."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.blocks import is_block
from airflow_provider_kucoin.api.columns import Column, Kind, rows
from airflow_provider_kucoin.api.errors import KucoinError, UnexpectedData
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import LEDGERS, SPOT, TRADE_HF
from airflow_provider_kucoin.api.pages import Candles, Numbered, parse_page, parse_stretch

if TYPE_CHECKING:
    from airflow_provider_kucoin.api.datasets import Dataset

SAMPLES = Path(__file__).parents[1] / "samples"
UID = "165111215"
DATASETS = {**LEDGERS, **HISTORIES}
# As the envelope decodes: numbers with a fraction are decimals.
decode = msgspec.json.Decoder(float_hook=Decimal).decode

# ------------------------------------------------------------------------------------------------- KuCoin's own samples

#: Which sample shows the rows of which dataset; most are called alike.
SHOWN = {
    "spot_ledger": "spot",
    "trade_hf_ledger": "trade_hf",
    "trade_hf_ledger_old": "trade_hf",
    "margin_hf_ledger": "margin_hf",
    "futures_ledger": "futures",
    "futures_ledger_pending": "futures",
    "deposits_old": "hist_deposits",
    "withdrawals_old": "hist_withdrawals",
    "candles": "klines",
    **{name: name for name in HISTORIES if (SAMPLES / f"{name}.json").exists()},
}
#: What rows have that no column knows: the sample of withdrawals is a copy of the deposits', as it seems.
UNKNOWN = {"withdrawals": {"arrears": False}}
_MS = {Kind.INSTANT: 1, Kind.SECONDS: 1000, Kind.NANOSECONDS: 1}


def sample(file: str) -> list[dict[str, Any]]:
    """Return a sample's rows as they come to its dataset."""
    dataset = DATASETS[SHOWN[file]]
    data = decode((SAMPLES / f"{file}.json").read_text())["data"]
    if isinstance(dataset.style, Numbered):
        # Some samples count other rows than they show.
        found = data["items"]
    else:
        found = parse_stretch(dataset.style, data, dataset.page_size).items
    if isinstance(dataset.style, Candles):
        return [{"symbol": "BTC-USDT", "type": "1min", **item} for item in found]
    return list(map(dataset.derived, found)) if dataset.derived else found


def expected(column: Column, item: dict[str, Any]) -> Any:
    value = item.get(column.source)
    if value is None:
        return None
    if column.kind is Kind.AMOUNT:
        return Decimal(value)
    if column.kind is Kind.TEXT:
        return str(value)
    return value if column.kind is Kind.FLAG else int(value) * _MS[column.kind]


@pytest.mark.parametrize("file", SHOWN)
def test_kucoins_documented_rows_pass_through_exactly(file: str) -> None:
    dataset = DATASETS[SHOWN[file]]
    items = sample(file)
    found = dataset.table(items, UID)
    for column in dataset.fields:
        held = found[column.name]
        if column.kind is Kind.AMOUNT:
            held = [None if text is None else Decimal(text) for text in held]
        assert held == [expected(column, item) for item in items], column.name
    assert [json.loads(kept) if kept else {} for kept in found["_extra"]] == [UNKNOWN.get(file, {})] * len(items)
    assert found.get("account_uid") == (None if file == "candles" else [UID] * len(items))
    assert len(set(dataset.keys(items))) == (len(items) if dataset.key else 0)
    assert dataset.times_ms(items) == found[dataset.time]
    # All of it can be shown to Python, too.
    assert len(rows(dataset.columns, found)) == len(items) > 0


@pytest.mark.parametrize("file", SHOWN)
def test_an_amount_that_kucoin_sends_as_text_keeps_its_very_digits(file: str) -> None:
    dataset = DATASETS[SHOWN[file]]
    items = sample(file)
    found = dataset.table(items, UID)
    for column in dataset.fields:
        sent = [item.get(column.source) for item in items]
        if column.kind is Kind.AMOUNT and set(map(type, sent)) == {str}:
            assert found[column.name] == sent


def test_all_datasets_that_kucoin_shows_rows_of_are_held_to_them() -> None:
    # No source shows a row of these.
    assert DATASETS.keys() - set(SHOWN.values()) == {"unified", "convert_orders", "convert_limit_orders"}


@pytest.mark.parametrize(
    ("file", "column", "value"),
    [
        ("spot_ledger", "id", "265329987780896"),
        ("trade_hf_ledger", "amount", Decimal("1.59760080")),
        ("trade_hf_ledger", "symbol", "KCS-USDT"),
        ("trade_hf_ledger", "created_at", datetime(2024, 10, 9, 3, 19, 17, 539000, tzinfo=UTC)),
        ("trade_hf_ledger_old", "tax", None),
        ("trade_hf_ledger_old", "order_id", "6306257dd9180300014c8d47"),
        ("margin_hf_ledger", "id", "1949641706720"),
        ("futures_ledger", "account_equity", Decimal("14.02924938")),
        ("futures_ledger", "offset", "51360793"),
        ("futures_ledger_pending", "account_equity", Decimal("8060.7899305281")),
        ("deposits", "is_inner", True),
        ("deposits", "wallet_tx_id", None),
        ("deposits_old", "created_at", datetime(2018, 6, 9, 9, 36, 38, tzinfo=UTC)),
        ("withdrawals_old", "amount", Decimal("0.534")),
        ("spot_fills", "trade_id", "11029373945659392"),
        ("spot_fills", "fee", Decimal("0.000677176")),
        ("spot_orders", "cancel_after", "0"),
        ("margin_orders", "stop_triggered", False),
        ("repay", "principal", Decimal("9.99986518")),
        ("interest", "interest_amount", Decimal("0.00000001")),
        ("lending_purchases", "created_at", datetime(2024, 10, 25, 14, 55, 22, 172000, tzinfo=UTC)),
        ("lending_redemptions", "created_at", datetime(2024, 10, 25, 14, 49, 52, tzinfo=UTC)),
        ("lending_redemptions", "apply_time", None),
        ("futures_fills", "size", Decimal(1)),
        ("futures_fills", "trade_time", datetime(2025, 2, 27, 7, 8, 8, 244000, tzinfo=UTC)),
        ("futures_orders", "order_time", datetime(2024, 9, 30, 10, 40, 4, 808418, tzinfo=UTC)),
        ("funding", "funding_rate", Decimal("0.000641")),
        ("funding", "funding", Decimal("-0.05585669")),
        ("funding", "id", "1472387374042586"),
        ("positions", "closed_at", datetime(2024, 12, 30, 20, 9, 12, 69000, tzinfo=UTC)),
        ("candles", "created_at", datetime(2019, 8, 26, 3, 22, 0, tzinfo=UTC)),
        ("candles", "turnover", Decimal("302889.301529914")),
    ],
)
def test_what_kucoin_shows_is_what_a_reader_sees(file: str, column: str, value: Any) -> None:
    dataset = DATASETS[SHOWN[file]]
    assert rows(dataset.columns, dataset.table(sample(file), UID))[0][column] == value


def test_nanoseconds_stay_whole_in_the_table() -> None:
    found = HISTORIES["futures_orders"].table(sample("futures_orders"), UID)
    assert found["order_time"] == [1727692804808418000]


def test_a_pending_row_of_the_futures_ledger_is_told_from_a_settled_one() -> None:
    is_provisional = LEDGERS["futures"].is_provisional
    assert is_provisional is not None
    assert list(map(is_provisional, sample("futures_ledger_pending"))) == [True, False]
    assert not any(map(is_provisional, sample("futures_ledger")))


# ------------------------------------------------------------------------------------------ rows of a type of their own

TYPED = [dataset for dataset in DATASETS.values() if dataset.all_text]
ROW = {SPOT.name: sample("spot_ledger")[0], TRADE_HF.name: sample("trade_hf_ledger")[0]}
ABSENT = object()

each_typed = pytest.mark.parametrize("dataset", TYPED, ids=str)
odd = st.text(max_size=3) | st.sampled_from(
    [
        *[ABSENT, None, True, False, "", "0", "text", "1728658481484", [], {}, ["1"], {"a": 1}],
        *[0, 1, 5, -1, 10**25, Decimal("1.0"), Decimal("1E+3"), Decimal("1728658481484.0")],
    ]
)
likely = {
    "createdAt": st.sampled_from([1728658481484, "1728658481484", 0, "0", -1, "1_0", 253_402_300_800_000]),
    "amount": st.sampled_from(["0.01", "1e-18", "-5", "+1", "1" * 21, "1_0", " 1", "NaN"]),
    "context": st.sampled_from([None, "", "{}", '{"orderId":"1"}', "{'symbol':'A-B'}", "\u00e9\U0001f600"]),
    "fee": st.sampled_from([None, "0", "1E-9"]),
}


@st.composite
def answers(draw: Any, dataset: Dataset) -> bytes:
    """Draw an answer nearly as KuCoin sends them: what is not as usual is in a few places at the most."""

    def change(found: dict[str, Any], names: list[str], most: int) -> dict[str, Any]:
        for name in draw(st.lists(st.sampled_from(names), max_size=most)):
            found[name] = draw(likely.get(name, odd) if draw(st.booleans()) else odd)
        return {name: value for name, value in found.items() if value is not ABSENT}

    usual, items = ROW[dataset.name], []
    for number in range(draw(st.integers(0, 3))):
        item = change({**usual, "id": str(number)}, [*usual, "newField"], draw(st.sampled_from([0, 1, 2])))
        items.append(dict(draw(st.permutations(list(item.items())))))
    listed: Any = items
    if isinstance(dataset.style, Numbered):
        listed = {"currentPage": 1, "pageSize": 500, "totalNum": len(items), "totalPage": 1, "items": items}
        listed = change(listed, list(listed), draw(st.sampled_from([0, 0, 0, 1])))
    envelope = {"code": "200000", "data": listed}
    envelope = change(envelope, ["code", "data", "msg"], draw(st.sampled_from([0, 0, 0, 0, 0, 1])))
    return msgspec.json.Encoder(decimal_format="number").encode(envelope)


def outcome(read: Any, *arguments: Any, **options: Any) -> Any:
    try:
        return read(*arguments, **options)
    except KucoinError as error:
        return type(error), str(error)


def all_that_is_read(dataset: Dataset, data: Any) -> list[Any]:
    if isinstance(dataset.style, Numbered):
        page = parse_page(data, 1, 500)
        items, about = page.items, (page.number, page.size, page.total)
    else:
        stretch = parse_stretch(dataset.style, data, 200)
        items, about = stretch.items, (stretch.below, stretch.is_full, stretch.cursor)
    return [
        about,
        outcome(dataset.table, items, UID),
        outcome(dataset.table, items, UID, amounts_as_sent=True),
        outcome(dataset.keys, items),
        outcome(dataset.times_ms, items),
    ]


@each_typed
@settings(max_examples=300, deadline=None)
@given(drawn=st.data())
def test_rows_of_a_type_of_their_own_are_the_same_rows(dataset: Dataset, drawn: Any) -> None:
    body = drawn.draw(answers(dataset))
    typed = dataset.decode(body)
    if typed is None:
        return
    general = decode(body)
    assert general["code"] == "200000"
    assert outcome(all_that_is_read, dataset, typed) == outcome(all_that_is_read, dataset, general["data"])


def body_of(dataset: Dataset, *items: str) -> bytes:
    listed = f"[{','.join(items)}]"
    if isinstance(dataset.style, Numbered):
        listed = f'{{"currentPage":1,"pageSize":500,"totalNum":{len(items)},"totalPage":1,"items":{listed}}}'
    return f'{{"code":"200000","data":{listed}}}'.encode()


@each_typed
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as documented"),
        pytest.param({"createdAt": 1728658481484}, id="time a number"),
        pytest.param({"createdAt": "1728658481484"}, id="time a text"),
        pytest.param({"createdAt": 253_402_300_800_000}, id="time a number beyond all calendars"),
        pytest.param({"fee": None, "context": None, "bizType": None}, id="null where it may be"),
        pytest.param({"amount": "1e-3", "fee": "no number"}, id="amounts that nobody has looked at yet"),
        pytest.param({"context": "{'symbol':'A-B'}"}, id="context of another shape"),
    ],
)
def test_rows_as_they_nearly_always_are_get_a_type_of_their_own(dataset: Dataset, changes: dict[str, Any]) -> None:
    body = body_of(dataset, json.dumps({**ROW[dataset.name], **changes}))
    typed = dataset.decode(body)
    rows = typed["items"] if isinstance(typed, dict) else typed
    [row] = rows
    assert is_block(rows) or isinstance(row, msgspec.Struct)
    assert all_that_is_read(dataset, typed) == all_that_is_read(dataset, decode(body)["data"])


@each_typed
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"newField": None}, id="a field that no column knows"),
        pytest.param({"id": 5}, id="id a number"),
        pytest.param({"amount": 5}, id="amount a number"),
        pytest.param({"amount": None}, id="null where it may not be"),
        pytest.param({"createdAt": 1.5}, id="time with a fraction"),
        pytest.param({"context": {}}, id="context an object"),
    ],
)
def test_one_row_that_is_otherwise_sends_all_of_an_answer_the_general_way(
    dataset: Dataset, changes: dict[str, Any]
) -> None:
    usual = json.dumps(ROW[dataset.name])
    assert dataset.decode(body_of(dataset, usual, usual)) is not None
    assert dataset.decode(body_of(dataset, usual, json.dumps({**ROW[dataset.name], **changes}))) is None


@each_typed
@pytest.mark.parametrize("time", ["1_0", " 1728658481484", "+1", "1.0", "", "\u0661", "1" * 5000, True, 1.0], ids=repr)
def test_a_time_that_only_python_takes_for_one_is_refused_either_way(dataset: Dataset, time: Any) -> None:
    body = body_of(dataset, *[json.dumps({**ROW[dataset.name], "createdAt": at}) for at in ("1728658481484", time)])
    general, typed = decode(body)["data"], dataset.decode(body)
    for data in [general] if typed is None else [general, typed]:
        rows = data["items"] if isinstance(data, dict) else data
        with pytest.raises(UnexpectedData, match="createdAt is not a time"):
            dataset.times_ms(rows)


@each_typed
def test_a_row_with_fewer_fields_than_usual_is_not_filled_up(dataset: Dataset) -> None:
    for name in ROW[dataset.name]:
        rest = {other: value for other, value in ROW[dataset.name].items() if other != name}
        body = body_of(dataset, json.dumps(rest))
        typed = dataset.decode(body)
        assert typed is None or all_that_is_read(dataset, typed) == all_that_is_read(dataset, decode(body)["data"])


@each_typed
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"code":"200000"}', id="no data"),
        pytest.param(b'{"code":"200000","data":null}', id="data null"),
        pytest.param(b'{"code":"200000","data":{"currentPage":1,"pageSize":1,"totalNum":0}}', id="no items"),
        pytest.param(b'{"code":"200000","data":{"currentPage":1,"pageSize":1,"totalNum":0,"items":null}}', id="null"),
        pytest.param(b'{"code":200000,"data":[]}', id="code a number"),
        pytest.param(b'{"code":"200000","data":' + b"[" * 100_000, id="too deep"),
        pytest.param(b'{"code":"200000","x":' + b"[" * 100_000, id="too deep beside it"),
    ],
)
def test_any_other_answer_is_left_to_the_general_way(dataset: Dataset, body: bytes) -> None:
    assert dataset.decode(body) is None


@each_typed
def test_a_refusal_is_never_taken_for_rows(dataset: Dataset) -> None:
    assert dataset.decode(body_of(dataset)) is not None
    assert dataset.decode(body_of(dataset).replace(b"200000", b"400100")) is None


@each_typed
def test_a_field_that_is_there_twice_counts_as_the_general_way_counts_it(dataset: Dataset) -> None:
    body = body_of(dataset, json.dumps(ROW[dataset.name])[:-1] + ',"amount":"7"}')
    typed = dataset.decode(body)
    assert typed is not None
    assert all_that_is_read(dataset, typed) == all_that_is_read(dataset, decode(body)["data"])


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_only_where_fields_are_texts_and_milliseconds_rows_get_a_type_of_their_own(dataset: Dataset) -> None:
    if dataset.all_text:
        assert {column.kind for column in dataset.fields} <= {Kind.TEXT, Kind.AMOUNT, Kind.INSTANT}
        # The names of these are used for rows of either kind.
        names = {column.name: column.source for column in dataset.fields}
        assert [names[name] for name in dataset.key] == ["id"]
        assert dataset.derived is None
        assert dataset.is_provisional is None
    else:
        assert dataset.decode(body_of(dataset)) is None


# --------------------------------------------------------------------------------------------------- amounts as sent


@given(st.lists(st.sampled_from(["0.01", "1e5", "+1", "", "no number"]), min_size=1, max_size=4))
@example(["1e5"])
def test_amounts_as_sent_are_left_as_they_are_where_all_are_texts(values: list[str]) -> None:
    found = SPOT.table([{**ROW["spot"], "amount": value} for value in values], UID, amounts_as_sent=True)
    assert found["amount"] == values
    plain = SPOT.table([ROW["spot"]] * len(values), UID)
    assert {**found, "amount": plain["amount"]} == plain


@pytest.mark.parametrize(
    ("values", "held"),
    [([Decimal("0.5"), "1e3"], [Decimal("0.5"), Decimal(1000)]), ([5, "2"], [Decimal(5), Decimal(2)])],
    ids=["decimal", "int"],
)
def test_amounts_beside_a_number_are_put_into_digits_all_the_same(values: list[Any], held: list[Decimal]) -> None:
    items = [{**ROW["spot"], "amount": value} for value in values]
    found = SPOT.table(items, UID, amounts_as_sent=True)["amount"]
    assert [Decimal(text) for text in found] == held
    assert set("".join(found)) <= set("0123456789.")


def test_an_amount_that_every_row_must_have_is_missed_as_sent_too() -> None:
    with pytest.raises(UnexpectedData, match="a row has no amount"):
        SPOT.table([{**ROW["spot"], "amount": None}], UID, amounts_as_sent=True)
