"""The hook's histories: rows for Python, and the symbols that an account may have traded."""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY, TODAY, YESTERDAY

from airflow_provider_kucoin.api import errors
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from airflow_provider_kucoin.hooks.kucoin import KucoinHook
    from airflow_provider_kucoin.testing import Exchange

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


# ----------------------------------------------------------------------------------------------------------------- rows


def test_rows_come_oldest_first_exact_and_typed(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.histories.seed("spot_fills", YESTERDAY, TODAY, rows=230, among=[{"symbol": "BTC-USDT"}])
    truth = exchange.histories.rows("spot_fills", YESTERDAY, TODAY)
    rows = list(hook.iter_history("spot_fills", YESTERDAY, TODAY, symbol="BTC-USDT"))
    assert sorted(int(row["id"]) for row in rows) == sorted(item["id"] for item in truth)
    assert [row["created_at"] for row in rows] == sorted(moment(item["createdAt"]) for item in truth)
    by_id = {str(item["id"]): item for item in truth}
    for row in rows:
        item = by_id[row["id"]]
        assert (row["price"], row["size"], row["fee"]) == (*map(Decimal, (item["price"], item["size"], item["fee"])),)
        assert (row["side"], row["force_taker"]) == (item["side"], item["forceTaker"])
        assert row["account_uid"] == str(exchange.key.uid)


def test_the_json_numbers_of_funding_keep_their_digits(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.histories.add(
        "funding",
        {"timePoint": YESTERDAY, "fundingRate": Decimal("6.41E-4"), "funding": Decimal("-0.300000000000000004")},
    )
    [row] = hook.iter_history("funding", YESTERDAY, TODAY, symbol="XBTUSDTM")
    assert (row["funding_rate"], row["funding"]) == (Decimal("0.000641"), Decimal("-0.300000000000000004"))


def test_candles_are_everybodys(hook: KucoinHook, exchange: Exchange) -> None:
    among = [{"symbol": "BTC-USDT", "type": "1hour"}]
    exchange.histories.seed("klines", YESTERDAY, TODAY, rows=24, among=among)
    rows = list(hook.iter_history("klines", YESTERDAY, TODAY, symbol="BTC-USDT", interval="1hour"))
    assert [row["created_at"] for row in rows] == [moment(YESTERDAY + hour * 3_600_000) for hour in range(24)]
    assert {(row["symbol"], row["interval"]) for row in rows} == {("BTC-USDT", "1hour")}
    assert "account_uid" not in rows[0]
    assert not [record for record in exchange.requests if record.path == "/api/v1/user/api-key"]


def test_several_days_come_in_one_order(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.histories.seed("futures_fills", YESTERDAY - 9 * DAY, TODAY, rows=300)
    rows = list(hook.iter_history("futures_fills", YESTERDAY - 9 * DAY, TODAY))
    assert len(rows) == 300
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)


@pytest.mark.parametrize(
    ("dataset", "start", "end", "parameters", "message"),
    [
        ("trades", YESTERDAY, TODAY, {}, "dataset='trades' is not one of"),
        ("deposits", TODAY, YESTERDAY, {}, "the start must be before the end"),
        ("deposits", "yesterday", TODAY, {}, "start='yesterday' is not a time"),
        ("deposits", YESTERDAY, TODAY, {"symbol": "BTC-USDT"}, "the deposits history does not take it"),
        ("deposits", YESTERDAY, TODAY, {"colour": "red"}, "colour='red': the deposits history does not take it"),
        ("spot_fills", YESTERDAY, TODAY, {}, "symbol is missing"),
        ("borrow", YESTERDAY, TODAY, {}, "currency is missing"),
    ],
)
def test_bad_arguments_are_refused_before_the_first_row_is_asked_for(
    hook: KucoinHook, exchange: Exchange, dataset: str, start: Any, end: Any, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.InvalidInput, match=message):
        hook.iter_history(dataset, start, end, **parameters)
    assert len(exchange.requests) == 0


def test_a_window_in_which_candles_are_not_whole_is_refused(hook: KucoinHook) -> None:
    with pytest.raises(errors.InvalidInput, match="does not begin and end where candles of interval='1day' do"):
        list(hook.iter_history("klines", YESTERDAY + 1, TODAY, symbol="BTC-USDT", interval="1day"))


def test_a_window_beyond_retention_is_refused(hook: KucoinHook, exchange: Exchange) -> None:
    with pytest.raises(errors.OutOfRetention, match="spot_fills history for 72 hours"):
        list(hook.iter_history("spot_fills", YESTERDAY - 9 * DAY, TODAY, symbol="BTC-USDT"))
    assert not [record for record in exchange.requests if record.path == "/api/v1/hf/fills"]


def test_a_window_that_ends_in_the_future_is_refused(hook: KucoinHook) -> None:
    with pytest.raises(errors.InvalidInput, match="ends in the future"):
        list(hook.iter_history("deposits", YESTERDAY, TODAY + DAY, currency="USDT"))


def test_rows_that_come_while_pages_are_read_are_an_error_not_a_gap(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.histories.seed("positions", YESTERDAY, TODAY, rows=450)
    exchange.faults.inject(Fault.SHORT_PAGE, path="/api/v1/history-positions", after=1)
    with pytest.raises(errors.Incomplete):
        list(hook.iter_history("positions", YESTERDAY, TODAY))


def test_a_reader_that_stops_early_leaves_nothing_behind(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.histories.seed("positions", YESTERDAY, TODAY, rows=900)
    rows = hook.iter_history("positions", YESTERDAY, TODAY)
    next(rows)
    del rows
    gc.collect()
    assert len(list(hook.iter_history("positions", YESTERDAY, TODAY))) == 900


# -------------------------------------------------------------------------------------------------------------- symbols


def test_symbols_are_those_that_are_listed_and_those_that_the_ledgers_name(
    hook: KucoinHook, exchange: Exchange
) -> None:
    exchange.book(created_at=YESTERDAY, context='{"symbol":"GONE-USDT","orderId":"1"}')
    exchange.book(ledger="trade_hf", created_at=YESTERDAY, context="{'symbol':'LOST-USDT','orderId':'1'}")
    exchange.book(ledger="margin_hf", created_at=YESTERDAY, context='{"symbol":"OWED-USDT"}')
    exchange.book(ledger="trade_hf", created_at=TODAY, context='{"symbol":"LATER-USDT"}')
    hook.server_time_ms()
    listed = set(exchange.histories.symbols)
    spot = hook.get_symbols("spot_fills", YESTERDAY, TODAY)
    assert spot == sorted(spot)
    assert set(spot) == listed | {"GONE-USDT", "LOST-USDT"}
    assert set(hook.get_symbols("margin_orders", YESTERDAY, TODAY)) == listed | {"GONE-USDT", "OWED-USDT"}


def test_contracts_are_those_that_are_listed_and_those_that_had_a_profit_or_loss(
    hook: KucoinHook, exchange: Exchange
) -> None:
    exchange.book(ledger="futures", created_at=YESTERDAY, context="LUNAUSDTM", biz_type="RealisedPNL")
    exchange.book(ledger="futures", created_at=YESTERDAY, context="Transferred to Main", biz_type="TransferOut")
    hook.server_time_ms()
    found = hook.get_symbols("funding", YESTERDAY, TODAY)
    assert found == ["ETHUSDTM", "LUNAUSDTM", "XBTUSDM", "XBTUSDTM"]


def test_a_ledger_that_no_longer_has_the_window_is_not_asked_for_it(hook: KucoinHook, exchange: Exchange) -> None:
    start = YESTERDAY - 30 * DAY
    hook.server_time_ms()
    exchange.book(created_at=start, context='{"symbol":"GONE-USDT"}')
    assert "GONE-USDT" in hook.get_symbols("spot_fills", start, start + DAY)
    assert not [record for record in exchange.requests if record.path == "/api/v1/hf/accounts/ledgers"]


def test_a_listing_of_another_shape_is_an_error(hook: KucoinHook, exchange: Exchange) -> None:
    hook.server_time_ms()
    exchange.faults.inject(Fault.NULL_DATA, path="/api/v2/symbols", data=[{"name": "BTC-USDT"}])
    with pytest.raises(errors.UnexpectedData, match="list of symbols has a row without symbol"):
        hook.get_symbols("spot_fills", YESTERDAY, TODAY)


def test_all_reads_them_all(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.book(created_at=YESTERDAY, context='{"symbol":"GONE-USDT"}')
    for number, symbol in enumerate(("BTC-USDT", "GONE-USDT", "ETH-USDT")):
        exchange.histories.add("spot_fills", {"symbol": symbol, "createdAt": YESTERDAY + number})
    rows = list(hook.iter_history("spot_fills", YESTERDAY, TODAY, symbol="all"))
    assert [row["symbol"] for row in rows] == ["BTC-USDT", "GONE-USDT", "ETH-USDT"]
