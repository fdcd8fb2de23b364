"""All symbols of an account: those that KuCoin lists, and those that the account's own ledgers name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY, TODAY, YESTERDAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Take = Callable[..., list[dict[str, Any]]]
    Exactly = Callable[..., None]


LISTED = {"BTC-USDT", "ETH-USDT", "KCS-USDT", "SHIB-USDT", "ETH-BTC", "LUNA2-USDT"}
CONTRACTS = {"XBTUSDTM", "ETHUSDTM", "XBTUSDM"}
CONTEXT = '{"symbol":"%s","orderId":"6705f6350dc7210007d6a36d","tradeId":"10046097631627265"}'

#: For each dataset, a ledger that names its symbols, and more that its rows have.
BY_SYMBOL = {
    "spot_fills": ("trade_hf", {}),
    "spot_orders": ("trade_hf", {}),
    "margin_fills": ("margin_hf", {"tradeType": "MARGIN_TRADE"}),
    "margin_orders": ("margin_hf", {"tradeType": "MARGIN_TRADE"}),
    "futures_fills": ("futures", {}),
    "futures_orders": ("futures", {}),
    "funding": ("futures", {}),
    "positions": ("futures", {}),
}
TIMES = {
    "spot_orders": ("createdAt", "lastUpdatedAt"),
    "margin_orders": ("createdAt", "lastUpdatedAt"),
    "futures_orders": ("createdAt", "updatedAt", "endAt"),
    "funding": ("timePoint",),
    "positions": ("closeTime",),
}
every_dataset = pytest.mark.parametrize("dataset", list(BY_SYMBOL))


@pytest.fixture
def traded(exchange: Exchange) -> Callable[..., dict[str, Any]]:
    """Have traded a symbol: a row of the dataset, and one of the ledger that names it."""

    def traded(dataset: str, symbol: str, at_ms: int = YESTERDAY + 1000, *, ledger: str | None = None) -> Any:
        found, more = BY_SYMBOL[dataset]
        ledger = ledger or found
        is_futures = ledger == "futures"
        exchange.book(
            ledger=ledger,
            created_at=at_ms,
            context=symbol if is_futures else CONTEXT % symbol,
            biz_type="RealisedPNL" if is_futures else "TRADE_EXCHANGE" if ledger != "margin_hf" else "MARGIN_EXCHANGE",
        )
        times = dict.fromkeys(TIMES.get(dataset, ("createdAt",)), at_ms)
        if dataset == "futures_fills":
            times["tradeTime"] = at_ms * 1_000_000
        return exchange.histories.add(dataset, {"symbol": symbol, **times, **more})

    return traded


@every_dataset
def test_all_covers_a_symbol_that_is_listed_no_more_but_was_traded(
    take: Take, traded: Callable[..., dict[str, Any]], exactly: Exactly, dataset: str
) -> None:
    listed = "XBTUSDTM" if BY_SYMBOL[dataset][0] == "futures" else "BTC-USDT"
    gone = "LUNAUSDTM" if BY_SYMBOL[dataset][0] == "futures" else "LUNA-USDT"
    rows = [traded(dataset, listed), traded(dataset, gone, YESTERDAY + 2000)]
    [result] = take(dataset=dataset, symbol="all")
    exactly(dataset, result["uri"], rows)


@pytest.mark.parametrize("dataset", ["spot_fills", "margin_fills"])
def test_a_symbol_may_be_named_by_the_spot_ledger_alone(
    take: Take, traded: Callable[..., dict[str, Any]], exactly: Exactly, dataset: str
) -> None:
    row = traded(dataset, "LUNA-USDT", ledger="spot")
    [result] = take(dataset=dataset, symbol="all")
    exactly(dataset, result["uri"], [row])


def test_a_context_in_single_quotes_names_its_symbol_too(take: Take, exchange: Exchange, exactly: Exactly) -> None:
    exchange.book(ledger="trade_hf", created_at=YESTERDAY, context="{'symbol':'CSP-USDT','orderId':'1'}")
    row = exchange.histories.add("spot_fills", {"symbol": "CSP-USDT", "createdAt": YESTERDAY})
    [result] = take(dataset="spot_fills", symbol="all")
    exactly("spot_fills", result["uri"], [row])


@pytest.mark.parametrize("dataset", ["spot_fills", "funding"])
def test_every_listed_symbol_is_asked_for_once(take: Take, asked: Callable[..., list[Any]], dataset: str) -> None:
    take(dataset=dataset, symbol="all")
    path, listed = {
        "spot_fills": ("/api/v1/hf/fills", LISTED),
        "funding": ("/api/v1/funding-history", CONTRACTS),
    }[dataset]
    symbols = {record.params["symbol"] for record in asked(path)}
    assert symbols == listed


def test_all_symbols_are_not_mentioned_one_by_one_in_the_objects_metadata(take: Take, bucket: Any) -> None:
    [result] = take(dataset="spot_fills", symbol="all", s3_key="{dataset}.{ext}")
    assert "symbol" in bucket.head(result["uri"])["Metadata"]["kucoin.filters"]


@pytest.mark.parametrize("dataset", ["spot_fills", "margin_fills", "futures_fills"])
def test_with_lookback_the_symbols_of_the_days_before_count_too(
    take: Take, exchange: Exchange, traded: Callable[..., dict[str, Any]], exactly: Exactly, bucket: Any, dataset: str
) -> None:
    """A pair that was traded the day before alone, and is listed no more, is there when that day is read again."""
    gone = "LUNAUSDTM" if BY_SYMBOL[dataset][0] == "futures" else "LUNA-USDT"
    first = traded(dataset, gone)
    [before] = take(dataset=dataset, symbol="all")
    exchange.clock_offset_ms += DAY
    window = {"window_start": TODAY, "window_end": TODAY + DAY}
    assert len(take(dataset=dataset, symbol="all", lookback=timedelta(days=1), **window)) == 1
    exactly(dataset, before["uri"], [first])
    late = traded(dataset, gone, YESTERDAY + 5000)
    _, again = take(dataset=dataset, symbol="all", lookback=timedelta(days=1), **window)
    assert (again["uri"], again["late_rows"]) == (before["uri"], 1)
    exactly(dataset, again["uri"], [first, late])
    assert len(bucket.keys) == 2


def test_a_ledger_that_no_longer_reaches_back_is_asked_as_far_as_it_does(
    take: Take, exchange: Exchange, traded: Callable[..., dict[str, Any]], exactly: Exactly
) -> None:
    """The trading ledger keeps 72 hours, the spot ledger a year, and futures fills three months."""
    row = traded("futures_fills", "LUNAUSDTM", YESTERDAY - 20 * DAY + 1000)
    start = YESTERDAY - 20 * DAY
    [result] = take(dataset="futures_fills", symbol="all", window_start=start, window_end=start + DAY)
    exactly("futures_fills", result["uri"], [row])
    assert exchange.requests[-1].code == "200000"
