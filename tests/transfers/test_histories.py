"""Every history lands in S3 row by row and field by field, with what each of them needs, in every format."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from moments import DAY, TODAY, YESTERDAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Take = Callable[..., list[dict[str, Any]]]
    Exactly = Callable[..., None]
    Lands = Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]

#: 2019-02-17: the last day of the old lists.
OLD = 1_550_361_600_000

TRON = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"


class Case(NamedTuple):
    """What a dataset is asked for, and rows of which that is the whole."""

    arguments: dict[str, Any]
    among: list[dict[str, Any]]
    rows: int = 120
    start: int = YESTERDAY


_WALLET = [{"currency": "USDT", "chain": "trx", "address": TRON, "decimals": 8}]
_CROSS = [{"currency": "USDT", "symbol": None}]
_SPOT = {"symbol": ["BTC-USDT", "ETH-USDT"]}
_SPOT_ROWS = [{"symbol": "BTC-USDT"}, {"symbol": "ETH-USDT"}]
_MARGIN_ROWS = [
    {"symbol": "BTC-USDT", "tradeType": "MARGIN_TRADE"},
    {"symbol": "BTC-USDT", "tradeType": "MARGIN_ISOLATED_TRADE"},
    {"symbol": "ETH-USDT", "tradeType": "MARGIN_TRADE"},
]
_FUTURES_ROWS = [{"symbol": "XBTUSDTM"}, {"symbol": "XBTUSDM", "settleCurrency": "XBT"}]
CASES = {
    "deposits": Case({"currency": "USDT"}, _WALLET),
    "withdrawals": Case({"currency": "USDT"}, _WALLET),
    "hist_deposits": Case({"currency": "USDT"}, _WALLET, start=OLD),
    "hist_withdrawals": Case({"currency": "USDT"}, _WALLET, start=OLD),
    "spot_fills": Case(_SPOT, _SPOT_ROWS, 260),
    "spot_orders": Case(_SPOT, _SPOT_ROWS, 260),
    "margin_fills": Case(_SPOT, _MARGIN_ROWS, 300),
    "margin_orders": Case(_SPOT, _MARGIN_ROWS, 300),
    "borrow": Case({"currency": "USDT"}, _CROSS),
    "repay": Case({"currency": "USDT"}, _CROSS),
    "interest": Case({"currency": "USDT"}, _CROSS),
    "lending_purchases": Case({}, [{"status": "DONE"}, {"status": "PENDING"}]),
    "lending_redemptions": Case({}, [{"status": "DONE"}, {"status": "PENDING"}]),
    "futures_fills": Case({}, _FUTURES_ROWS),
    "futures_orders": Case({}, _FUTURES_ROWS),
    "funding": Case({"symbol": ["XBTUSDTM", "XBTUSDM"]}, _FUTURES_ROWS, 50),
    "positions": Case({}, _FUTURES_ROWS, 450),
    "convert_orders": Case({}, [{}], 230),
    "convert_limit_orders": Case({}, [{}], 230),
    "klines": Case({"symbol": "BTC-USDT", "interval": "1min"}, [{"symbol": "BTC-USDT", "type": "1min"}], 2500),
}
every_dataset = pytest.mark.parametrize("dataset", list(CASES))


@pytest.fixture
def busy(exchange: Exchange) -> Callable[[str], list[dict[str, Any]]]:
    """Fill a dataset's day, the hours around it and another user's, and return what the day has."""

    def busy(dataset: str) -> list[dict[str, Any]]:
        case = CASES[dataset]
        count, add = case.rows, exchange.histories.seed
        add(dataset, case.start, case.start + DAY, rows=count, among=case.among)
        add(dataset, case.start - DAY // 2, case.start, rows=count // 5, seed=8, among=case.among)
        if case.start == YESTERDAY:
            add(dataset, TODAY, TODAY + DAY // 3, rows=count // 5, seed=9, among=case.among)
        if dataset != "klines":
            add(dataset, case.start, case.start + DAY, rows=len(case.among), seed=10, among=case.among, uid=42)
        _hold_to_18_decimals(exchange, dataset)
        return exchange.histories.rows(dataset, case.start, case.start + DAY)

    return busy


def _hold_to_18_decimals(exchange: Exchange, dataset: str) -> None:
    """Cut what the sandbox seeds with more: that it is refused has tests of its own."""
    from airflow_provider_kucoin.testing.history_rows import Row

    if dataset in {"deposits", "withdrawals", "hist_deposits", "hist_withdrawals"}:
        return

    def cut(row: Any) -> Any:
        fields = {
            name: value.quantize(Decimal("1E-18")) if isinstance(value, Decimal) and value else _cut(value)
            for name, value in row.fields.items()
        }
        return Row(row.uid, row.number, fields, row.hidden)

    exchange.histories.book(dataset).change(0 if dataset == "klines" else exchange.key.uid, cut)


def _cut(value: Any) -> Any:
    found = re.fullmatch(r"(-?\d+\.\d{18})\d+", value) if isinstance(value, str) else None
    return found[1] if found else value


def day_of(dataset: str) -> dict[str, Any]:
    case = CASES[dataset]
    return {"dataset": dataset, "window_start": case.start, "window_end": case.start + DAY, **case.arguments}


@pytest.fixture
def lands(take: Take, busy: Callable[[str], list[dict[str, Any]]], exactly: Exactly) -> Lands:
    """
    Copy a dataset's busy day, or those of its rows that are asked for, and assert that its object holds just them.

    Return the task's result and the rows as KuCoin has them.
    """

    def lands(dataset: str, only: Callable[[dict[str, Any]], bool] = bool, **arguments: Any) -> Any:
        truth = [row for row in busy(dataset) if only(row)]
        [result] = take(**day_of(dataset), **arguments)
        exactly(dataset, result["uri"], truth)
        return result, truth

    return lands


# ------------------------------------------------------------------------------------------------------------ every one


@every_dataset
def test_every_row_of_a_day_is_in_its_object_field_by_field(lands: Lands, dataset: str) -> None:
    result, truth = lands(dataset)
    assert result["rows"] == len(truth) >= 50
    account = "public" if dataset == "klines" else "165111215"
    assert f"kucoin/dataset={dataset}/account={account}/date=" in result["uri"]


@every_dataset
@pytest.mark.parametrize("inclusive", [True, False], ids=["inclusive", "exclusive"])
def test_the_edges_of_a_day_are_in_it_once_however_kucoin_reads_its_bounds(
    take: Take,
    exchange: Exchange,
    exactly: Exactly,
    dataset: str,
    inclusive: bool,  # noqa: FBT001 - a reading
) -> None:
    exchange.readings.history_start_inclusive = exchange.readings.history_end_inclusive = inclusive
    exchange.readings.candle_end_inclusive = inclusive
    exchange.readings.empty_items = "null" if inclusive else "absent"
    exchange.readings.created_at_floored_to_seconds = inclusive
    case = CASES[dataset]
    for start in (case.start - DAY // 2, case.start, case.start + DAY // 2):
        # Rows on the first and the last millisecond of each.
        exchange.histories.seed(dataset, start, start + DAY // 2, rows=4 * len(case.among), among=case.among)
    if case.start == YESTERDAY:
        exchange.histories.seed(dataset, TODAY, TODAY + DAY // 3, rows=4 * len(case.among), among=case.among)
    _hold_to_18_decimals(exchange, dataset)
    [result] = take(**day_of(dataset))
    truth = exchange.histories.rows(dataset, case.start, case.start + DAY)
    assert truth
    exactly(dataset, result["uri"], truth)


@every_dataset
def test_a_day_without_rows_has_the_schema_of_one_with_rows(
    take: Take, exchange: Exchange, busy: Callable[[str], list[dict[str, Any]]], bucket: Any, dataset: str
) -> None:
    exchange.readings.empty_items = "null"
    exchange.readings.empty_done_orders, exchange.readings.last_id_when_empty = "null", "null"
    [result] = take(**day_of(dataset))
    empty = bucket.table(result["uri"])
    assert (result["rows"], empty.num_rows) == (0, 0)
    busy(dataset)
    [result] = take(**day_of(dataset))
    full = bucket.table(result["uri"])
    assert full.schema.equals(empty.schema)
    assert [field.nullable for field in full.schema] == [field.nullable for field in empty.schema]


@every_dataset
def test_every_number_with_a_fraction_is_a_decimal_and_every_moment_a_time(
    take: Take, busy: Callable[[str], list[dict[str, Any]]], bucket: Any, dataset: str
) -> None:
    truth = busy(dataset)
    [result] = take(**day_of(dataset))
    schema = bucket.table(result["uri"]).schema
    assert {str(field.type) for field in schema} <= {
        "string",
        "bool",
        "decimal128(38, 18)",
        "timestamp[ms, tz=UTC]",
        "timestamp[ns, tz=UTC]",
    }
    for field in {name for item in truth for name in item}:
        values = [item[field] for item in truth if item[field] is not None]
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", field).lower()
        kind = str(schema.field(name).type) if name in schema.names else "another name"
        if any(isinstance(value, Decimal) or re.fullmatch(r"-?\d+\.\d+", str(value)) for value in values):
            assert kind == "decimal128(38, 18)", field
        if all(isinstance(value, bool) for value in values) and values:
            assert kind == "bool", field
        if field.endswith(("At", "Time")) and values:
            assert kind.startswith("timestamp") or kind == "another name", field


@every_dataset
def test_text_formats_say_the_same_as_parquet(
    take: Take,
    busy: Callable[[str], list[dict[str, Any]]],
    same_as_text: Callable[[str, str], None],
    dataset: str,
) -> None:
    busy(dataset)
    [parquet] = take(**day_of(dataset))
    for file_format, compression in (("jsonl", None), ("csv", "none")):
        [text] = take(**day_of(dataset), file_format=file_format, compression=compression)
        same_as_text(text["uri"], parquet["uri"])


@every_dataset
def test_an_object_says_what_it_holds(
    take: Take, busy: Callable[[str], list[dict[str, Any]]], bucket: Any, dataset: str
) -> None:
    busy(dataset)
    [result] = take(**day_of(dataset), s3_key="part/{dataset}/{date}.{ext}")
    assert result["uri"].startswith(f"s3://{bucket.name}/part/{dataset}/20")
    about = bucket.head(result["uri"])["Metadata"]
    assert (about["kucoin.dataset"], about["kucoin.rows"]) == (dataset, str(result["rows"]))
    sent = {"interval": "type"}
    wanted = {
        sent.get(name, name): ",".join([value] if isinstance(value, str) else value)
        for name, value in CASES[dataset].arguments.items()
    }
    assert json.loads(about["kucoin.filters"]) == wanted
    assert {name: bucket.footer(result["uri"])[name] for name in about} == about


@every_dataset
def test_a_rerun_writes_the_same_bytes(
    take: Take, exchange: Exchange, busy: Callable[[str], list[dict[str, Any]]], bucket: Any, dataset: str
) -> None:
    busy(dataset)
    [first] = take(**day_of(dataset))
    body = bucket.read(first["uri"])
    exchange.readings.shuffle_ties = True
    exchange.readings.history_start_inclusive = exchange.readings.history_end_inclusive = False
    assert take(**day_of(dataset)) == [first]
    assert bucket.read(first["uri"]) == body


def test_every_dataset_is_tested() -> None:
    from airflow_provider_kucoin.api.histories import HISTORIES

    assert set(CASES) == set(HISTORIES)


# ----------------------------------------------------------------------------------------------- what some of them need


@pytest.mark.parametrize("dataset", ["spot_fills", "spot_orders", "margin_fills", "margin_orders"])
@pytest.mark.parametrize("ending", ["zero", "asked", "null"])
def test_cursors_that_end_in_any_way_end(
    lands: Lands,
    exchange: Exchange,
    dataset: str,
    ending: Any,
) -> None:
    exchange.readings.last_id_when_empty = ending
    exchange.readings.last_id_on_last_page = "zero" if ending == "zero" else "row"
    lands(dataset)


@pytest.mark.parametrize("dataset", ["margin_fills", "margin_orders"])
def test_one_kind_of_margin_alone_can_be_read(lands: Lands, dataset: str) -> None:
    kind = "MARGIN_ISOLATED_TRADE"
    _, truth = lands(dataset, lambda row: row["tradeType"] == kind, trade_type=kind, s3_key="{dataset}.{ext}")
    assert truth


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("dataset", ["spot_fills", "spot_orders", "margin_fills", "futures_fills", "futures_orders"])
def test_one_side_alone_can_be_read(lands: Lands, dataset: str, side: str) -> None:
    lands(dataset, lambda row: row["side"] == side, side=side, s3_key="{dataset}.{ext}")


def test_some_kinds_of_futures_fills_alone_can_be_read(lands: Lands) -> None:
    kinds = ["liquid", "adl"]
    _, truth = lands(
        "futures_fills", lambda row: row["tradeType"] in kinds, trade_types=kinds, s3_key="{dataset}.{ext}"
    )
    assert truth


@pytest.mark.parametrize("dataset", ["borrow", "repay", "interest"])
def test_isolated_margin_is_read_by_its_pair(take: Take, exchange: Exchange, exactly: Exactly, dataset: str) -> None:
    for pair in (None, "BTC-USDT", "ETH-USDT"):
        among = [{"currency": "USDT", "symbol": pair}]
        exchange.histories.seed(dataset, YESTERDAY, TODAY, rows=40, seed=len(str(pair)), among=among)
    _hold_to_18_decimals(exchange, dataset)
    everything = exchange.histories.rows(dataset, YESTERDAY, TODAY)
    [result] = take(**day_of(dataset), symbol="BTC-USDT", s3_key="{dataset}.{ext}")
    if dataset == "interest":
        assert result["rows"] == 40
    else:
        exactly(dataset, result["uri"], [row for row in everything if row["symbol"] == "BTC-USDT"])


def test_interest_of_several_pairs_says_of_which_it_is(take: Take, exchange: Exchange, bucket: Any) -> None:
    for number, pair in enumerate(("BTC-USDT", "ETH-USDT")):
        among = [{"currency": "USDT", "symbol": pair}]
        exchange.histories.seed("interest", YESTERDAY, TODAY, rows=30 + number, seed=number, among=among)
    _hold_to_18_decimals(exchange, "interest")
    [result] = take(**day_of("interest"), symbol=["BTC-USDT", "ETH-USDT"], s3_key="{dataset}.{ext}")
    found = bucket.table(result["uri"])
    assert set(found["is_isolated"].to_pylist()) == {True}
    assert [found["symbol"].to_pylist().count(pair) for pair in ("BTC-USDT", "ETH-USDT")] == [30, 31]


@pytest.mark.parametrize("shown", ["null", "empty", "DEFAULT"])
def test_what_is_borrowed_in_cross_margin_has_the_symbol_that_kucoin_sends(
    lands: Lands, exchange: Exchange, shown: Any
) -> None:
    exchange.readings.cross_margin_symbol = shown
    _, truth = lands("borrow")
    assert {row["symbol"] for row in truth} == {{"null": None, "empty": "", "DEFAULT": "DEFAULT"}[shown]}


@pytest.mark.parametrize("time", ["null", "number", "text"])
def test_a_redemption_without_a_time_falls_on_the_day_that_its_number_tells(
    lands: Lands,
    exchange: Exchange,
    bucket: Any,
    time: Any,
) -> None:
    exchange.readings.redeem_apply_time = time
    result, truth = lands("lending_redemptions")
    numbers = {row["redeemOrderNo"]: row for row in truth}
    for row in bucket.table(result["uri"]).to_pylist():
        told = numbers[row["redeem_order_no"]]["applyTime"]
        made = int(row["redeem_order_no"][:8], 16) if told is None else int(told) / 1000
        assert row["created_at"].timestamp() == made


def test_a_redemption_whose_number_tells_no_time_fails_the_task(take: Take, exchange: Exchange, bucket: Any) -> None:
    exchange.histories.add("lending_redemptions", {"redeemOrderNo": "7", "applyTime": YESTERDAY})
    with pytest.raises(AirflowFailException, match=r"redeemOrderNo '7' has no applyTime: it belongs to no day"):
        take(**day_of("lending_redemptions"))
    assert bucket.keys == []


# ------------------------------------------------------------------------------------------------ deposits, withdrawals


@pytest.mark.parametrize("dataset", ["deposits", "withdrawals", "hist_deposits", "hist_withdrawals"])
def test_without_a_currency_all_are_read_if_kucoin_lets_one(
    take: Take, exchange: Exchange, exactly: Exactly, dataset: str
) -> None:
    exchange.readings.list_requires_currency = False
    start = CASES[dataset].start
    exchange.histories.seed(dataset, start, start + DAY, rows=90)
    truth = exchange.histories.rows(dataset, start, start + DAY)
    assert len({row["currency"] for row in truth}) == 3
    [result] = take(dataset=dataset, window_start=start, window_end=start + DAY)
    exactly(dataset, result["uri"], truth)


@pytest.mark.parametrize("dataset", ["deposits", "withdrawals", "hist_deposits", "hist_withdrawals"])
def test_several_currencies_are_read_one_by_one(take: Take, exchange: Exchange, exactly: Exactly, dataset: str) -> None:
    start = CASES[dataset].start
    exchange.histories.seed(dataset, start, start + DAY, rows=90)
    truth = exchange.histories.rows(dataset, start, start + DAY)
    [result] = take(
        dataset=dataset, window_start=start, window_end=start + DAY, currency=["USDT", "ETH"], s3_key="two.{ext}"
    )
    exactly(dataset, result["uri"], [row for row in truth if row["currency"] in {"USDT", "ETH"}])


@pytest.mark.parametrize("dataset", ["deposits", "withdrawals", "hist_deposits", "hist_withdrawals"])
def test_without_a_currency_where_kucoin_requires_one_the_task_fails_and_says_so(
    take: Take, bucket: Any, dataset: str
) -> None:
    start = CASES[dataset].start
    with pytest.raises(AirflowFailException, match=r"400100.*currency"):
        take(dataset=dataset, window_start=start, window_end=start + DAY)
    assert bucket.keys == []


@pytest.mark.parametrize("extras", ["none", "confirms", "confirmation_counts"])
@pytest.mark.parametrize("chain", ["id", "name"])
def test_deposits_are_exact_whatever_fields_they_have(
    lands: Lands,
    exchange: Exchange,
    extras: Any,
    chain: Any,
) -> None:
    exchange.readings.deposit_extras, exchange.readings.deposit_chain = extras, chain
    lands("deposits")


@pytest.mark.parametrize("has_id", [True, False])
@pytest.mark.parametrize("extras", [True, False])
def test_withdrawals_are_exact_whatever_fields_they_have(
    lands: Lands,
    exchange: Exchange,
    has_id: bool,  # noqa: FBT001 - a reading
    extras: bool,  # noqa: FBT001 - a reading
) -> None:
    exchange.readings.list_rows_have_id, exchange.readings.withdrawal_extras = has_id, extras
    lands("withdrawals")


@pytest.mark.parametrize("unit", ["s", "ms"])
@pytest.mark.parametrize("inclusive", [True, False], ids=["inclusive", "exclusive"])
@pytest.mark.parametrize("dataset", ["hist_deposits", "hist_withdrawals"])
def test_the_old_lists_are_whole_in_whichever_unit_they_take_their_bounds(
    lands: Lands,
    exchange: Exchange,
    dataset: str,
    unit: Any,
    inclusive: bool,  # noqa: FBT001 - a reading
) -> None:
    exchange.readings.old_history_unit = unit
    exchange.readings.history_start_inclusive = exchange.readings.history_end_inclusive = inclusive
    lands(dataset)


@pytest.mark.parametrize("dataset", ["interest", "deposits", "hist_deposits", "hist_withdrawals"])
def test_equal_rows_that_are_there_twice_stay_twice(
    take: Take, exchange: Exchange, exactly: Exactly, dataset: str
) -> None:
    time = "createdTime" if dataset == "interest" else "createAt" if dataset.startswith("hist") else "createdAt"
    start = CASES[dataset].start
    moment = start // 1000 if time == "createAt" else start
    for number in (0, 0, 0, 1):
        exchange.histories.add(dataset, {time: moment + number, "currency": "USDT"})
    truth = exchange.histories.rows(dataset, start, start + DAY)
    assert len(truth) == 4
    [result] = take(**day_of(dataset))
    exactly(dataset, result["uri"], truth)


@pytest.mark.parametrize("dataset", ["interest", "deposits", "hist_deposits"])
def test_rows_without_keys_that_change_places_between_pages_are_all_there_once(
    take: Take, exchange: Exchange, exactly: Exactly, dataset: str
) -> None:
    """All interest of an hour is of one moment. Nothing tells such rows apart, so nothing shows that one was missed."""
    exchange.readings.shuffle_ties = True
    start, count = CASES[dataset].start, 0
    for hour in range(24):
        for _ in range(45):
            count += 1
            if dataset == "interest":
                row = {"createdTime": start + hour * 3_600_000, "interestAmount": f"0.{count:08}"}
            else:
                row = {"createdAt": start + hour * 3_600_000, "amount": f"{count}.5"}
            exchange.histories.add(dataset, {"currency": "USDT", **row})
    for _ in range(3):
        [result] = take(**day_of(dataset))
        exactly(dataset, result["uri"], exchange.histories.rows(dataset, start, start + DAY))


# ------------------------------------------------------------------------------------------------ what bounds are about


@pytest.mark.parametrize(
    ("dataset", "reading", "about"),
    [
        ("spot_orders", "spot_orders_bounded_by", "lastUpdatedAt"),
        ("spot_orders", "spot_orders_bounded_by", "createdAt"),
        ("margin_orders", "margin_orders_bounded_by", "lastUpdatedAt"),
        ("margin_orders", "margin_orders_bounded_by", "createdAt"),
        ("futures_orders", "futures_orders_bounded_by", "createdAt"),
        ("futures_orders", "futures_orders_bounded_by", "updatedAt"),
        ("futures_orders", "futures_orders_bounded_by", "endAt"),
    ],
)
def test_orders_are_on_the_day_of_the_time_that_kucoins_bounds_are_about(
    take: Take,
    exchange: Exchange,
    busy: Callable[[str], list[dict[str, Any]]],
    exactly: Exactly,
    dataset: str,
    reading: str,
    about: str,
) -> None:
    setattr(exchange.readings, reading, about)
    busy(dataset)
    truth = exchange.histories.rows(dataset, YESTERDAY, TODAY, by=about)
    [result] = take(**day_of(dataset))
    exactly(dataset, result["uri"], truth)


@pytest.mark.parametrize("about", ["createdAt", "tradeTime"])
def test_futures_fills_are_on_the_day_that_they_were_created_whatever_kucoins_bounds_are_about(
    take: Take, exchange: Exchange, busy: Callable[[str], list[dict[str, Any]]], exactly: Exactly, about: Any
) -> None:
    exchange.readings.futures_fills_bounded_by = about
    busy("futures_fills")
    for midnight in (YESTERDAY, TODAY):
        # In the sample 183 ms lie between the two.
        exchange.histories.add(
            "futures_fills",
            {"symbol": "XBTUSDTM", "createdAt": midnight + 100, "tradeTime": (midnight - 83) * 1_000_000},
        )
    truth = exchange.histories.rows("futures_fills", YESTERDAY, TODAY, by="createdAt")
    [result] = take(**day_of("futures_fills"))
    exactly("futures_fills", result["uri"], truth)


# --------------------------------------------------------------------------------------------------------------- klines


@pytest.mark.parametrize("interval", ["1min", "5min", "1hour", "4hour", "1day"])
@pytest.mark.parametrize("inclusive", [True, False], ids=["end-inclusive", "end-exclusive"])
@pytest.mark.parametrize("kept", ["newest", "oldest"])
def test_candles_are_those_that_begin_in_the_window(
    take: Take,
    exchange: Exchange,
    exactly: Exactly,
    interval: str,
    inclusive: bool,  # noqa: FBT001 - a reading
    kept: Any,
) -> None:
    exchange.readings.candle_end_inclusive, exchange.readings.candles_kept = inclusive, kept
    among = [{"symbol": "BTC-USDT", "type": interval}]
    exchange.histories.seed("klines", YESTERDAY - DAY, TODAY + DAY // 2, rows=5000, among=among)
    exchange.histories.seed("klines", YESTERDAY - DAY, TODAY + DAY // 2, rows=30, among=[{"symbol": "ETH-USDT"}])
    [result] = take(dataset="klines", symbol="BTC-USDT", interval=interval)
    truth = [row for row in exchange.histories.rows("klines", YESTERDAY, TODAY) if row["symbol"] == "BTC-USDT"]
    assert (
        len(truth) == DAY // {"1min": 60, "5min": 300, "1hour": 3600, "4hour": 14400, "1day": 86400}[interval] // 1000
    )
    exactly("klines", result["uri"], truth)


def test_candles_of_several_pairs_are_in_one_object_and_need_no_key(
    take: Take, exchange: Exchange, exactly: Exactly
) -> None:
    for symbol in ("BTC-USDT", "ETH-USDT"):
        exchange.histories.seed(
            "klines", YESTERDAY, TODAY, rows=24, among=[{"symbol": symbol, "type": "1hour"}], seed=len(symbol)
        )
    [result] = take(dataset="klines", symbol=["BTC-USDT", "ETH-USDT"], interval="1hour")
    exactly("klines", result["uri"], exchange.histories.rows("klines", YESTERDAY, TODAY))
    assert not [record for record in exchange.requests if record.path == "/api/v1/user/api-key"]


def test_late_candles_are_no_reason_to_look_back_for_ever(take: Take, exchange: Exchange) -> None:
    among = [{"symbol": "BTC-USDT", "type": "1hour"}]
    exchange.histories.seed("klines", YESTERDAY - 2 * DAY, TODAY, rows=72, among=among)
    arguments = {"dataset": "klines", "symbol": "BTC-USDT", "interval": "1hour"}
    assert len(take(**arguments, lookback=timedelta(days=2))) == 3
    assert len(take(**arguments, lookback=timedelta(days=2))) == 1
