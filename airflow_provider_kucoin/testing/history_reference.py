"""
What there is to ask histories about: symbols, contracts, and the symbols with open orders.

https://www.kucoin.com/docs-new/api-3470154 (symbols), https://www.kucoin.com/docs-new/api-3470220 (contracts),
https://www.kucoin.com/docs-new/api-3470177 and https://www.kucoin.com/docs-new/api-3470196 (open orders).

BTC-USDT and XBTUSDTM are KuCoin's documented samples; the others are the same under another name.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import wire
from airflow_provider_kucoin.testing.history_rows import encode
from airflow_provider_kucoin.testing.history_tables import MARGIN_TYPES
from airflow_provider_kucoin.testing.refusals import not_in_range
from airflow_provider_kucoin.testing.route import Route

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.wire import Reply


def symbols() -> dict[str, dict[str, Any]]:
    """Return the spot symbols by name, afresh: a test may change its own."""
    known = (
        _symbol("BTC-USDT"),
        _symbol("ETH-USDT"),
        _symbol("KCS-USDT"),
        _symbol("SHIB-USDT", isMarginEnabled=False),
        _symbol("ETH-BTC", market="BTC"),
        # A symbol keeps its code when it is renamed; one that is no longer traded may still have a history.
        _symbol("LUNA2-USDT", name="LUNA-USDT", enableTrading=False, st=True),
    )
    return {one["symbol"]: one for one in known}


def contracts() -> dict[str, dict[str, Any]]:
    """Return the futures contracts by symbol, afresh."""
    known = (
        dict(_XBTUSDTM),
        {**_XBTUSDTM, "symbol": "ETHUSDTM", "baseCurrency": "ETH", "multiplier": Decimal("0.01")},
        {
            **_XBTUSDTM,
            "symbol": "XBTUSDM",
            "rootSymbol": "XBT",
            "quoteCurrency": "USD",
            "settleCurrency": "XBT",
            "multiplier": Decimal(-1),
            "isInverse": True,
        },
    )
    return {one["symbol"]: one for one in known}


def all_symbols(call: Call) -> Reply:
    """Answer GET /api/v2/symbols."""
    market = call.params.get("market")
    found = [one for one in call.exchange.histories.symbols.values() if market in (None, "", one["market"])]
    return wire.success(encode(found).encode())


def active_contracts(call: Call) -> Reply:
    """Answer GET /api/v1/contracts/active."""
    return wire.success(encode(list(call.exchange.histories.contracts.values())).encode())


def spot_symbols_with_orders(call: Call) -> Reply:
    """Answer GET /api/v1/hf/orders/active/symbols."""
    return wire.success(encode(_listed(_open(call, "spot_orders"), call)).encode())


def margin_symbols_with_orders(call: Call) -> Reply:
    """Answer GET /api/v3/hf/margin/order/active/symbols."""
    trade_type = call.required("tradeType")
    if trade_type not in MARGIN_TYPES:
        raise not_in_range()
    found = _open(call, "margin_orders", trade_type)
    return wire.success(encode({"symbolSize": len(found), **_listed(found, call)}).encode())


def _open(call: Call, dataset: str, trade_type: str | None = None) -> list[str]:
    rows = call.exchange.histories.book(dataset).of(call.key.uid)
    active = (row for row in rows if row.get("active") is True and trade_type in (None, row.get("tradeType")))
    return list(dict.fromkeys(row.get("symbol") for row in active))


def _listed(found: list[str], call: Call) -> dict[str, Any]:
    empty = call.exchange.readings.empty_items
    if found or empty == "list":
        return {"symbols": found}
    return {"symbols": None} if empty == "null" else {}


def _symbol(code: str, **changes: Any) -> dict[str, Any]:
    base, _, quote = code.partition("-")
    return {
        "symbol": code,
        "name": code,
        "baseCurrency": base,
        "quoteCurrency": quote,
        "feeCurrency": quote,
        "market": "USDS",
        "baseMinSize": "0.00001",
        "quoteMinSize": "0.1",
        "baseMaxSize": "10000000000",
        "quoteMaxSize": "99999999",
        "baseIncrement": "0.00000001",
        "quoteIncrement": "0.000001",
        "priceIncrement": "0.1",
        "priceLimitRate": "0.1",
        "minFunds": "0.1",
        "isMarginEnabled": True,
        "enableTrading": True,
        "feeCategory": 1,
        "makerFeeCoefficient": "1.00",
        "takerFeeCoefficient": "1.00",
        "st": False,
        "callauctionIsEnabled": False,
        "callauctionPriceFloor": None,
        "callauctionPriceCeiling": None,
        "callauctionFirstStageStartTime": None,
        "callauctionSecondStageStartTime": None,
        "callauctionThirdStageStartTime": None,
        "tradingStartTime": None,
        **changes,
    }


_XBTUSDTM: Final[dict[str, Any]] = {
    "symbol": "XBTUSDTM",
    "rootSymbol": "USDT",
    "type": "FFWCSX",
    "firstOpenDate": 1585555200000,
    "expireDate": None,
    "settleDate": None,
    "baseCurrency": "XBT",
    "quoteCurrency": "USDT",
    "settleCurrency": "USDT",
    "maxOrderQty": 1000000,
    "maxPrice": Decimal(1000000),
    "lotSize": 1,
    "tickSize": Decimal("0.1"),
    "indexPriceTickSize": Decimal("0.01"),
    "multiplier": Decimal("0.001"),
    "initialMargin": Decimal("0.008"),
    "maintainMargin": Decimal("0.004"),
    "maxRiskLimit": 100000,
    "minRiskLimit": 100000,
    "riskStep": 50000,
    "makerFeeRate": Decimal("0.0002"),
    "takerFeeRate": Decimal("0.0006"),
    "takerFixFee": Decimal(0),
    "makerFixFee": Decimal(0),
    "settlementFee": None,
    "isDeleverage": True,
    "isQuanto": True,
    "isInverse": False,
    "markMethod": "FairPrice",
    "fairMethod": "FundingRate",
    "fundingBaseSymbol": ".XBTINT8H",
    "fundingQuoteSymbol": ".USDTINT8H",
    "fundingRateSymbol": ".XBTUSDTMFPI8H",
    "indexSymbol": ".KXBTUSDT",
    "settlementSymbol": "",
    "status": "Open",
    "fundingFeeRate": Decimal("0.000052"),
    "predictedFundingFeeRate": Decimal("0.000083"),
    "fundingRateGranularity": 28800000,
    "openInterest": "6748176",
    "turnoverOf24h": Decimal("1034643198.3265533"),
    "volumeOf24h": Decimal("12069.225"),
    "markPrice": Decimal("86378.69"),
    "indexPrice": Decimal("86382.64"),
    "lastTradePrice": Decimal(86364),
    "nextFundingRateTime": 17752926,
    "maxLeverage": 125,
    "sourceExchanges": ["okex", "binance", "kucoin", "bybit", "bitmart", "gateio"],
    "premiumsSymbol1M": ".XBTUSDTMPI",
    "premiumsSymbol8H": ".XBTUSDTMPI8H",
    "fundingBaseSymbol1M": ".XBTINT",
    "fundingQuoteSymbol1M": ".USDTINT",
    "lowPrice": Decimal("82205.2"),
    "highPrice": Decimal("89299.9"),
    "priceChgPct": Decimal("-0.028"),
    "priceChg": Decimal("-2495.9"),
    "k": Decimal(490),
    "m": Decimal(300),
    "f": Decimal("1.3"),
    "mmrLimit": Decimal("0.3"),
    "mmrLevConstant": Decimal(125),
    "supportCross": True,
    "buyLimit": Decimal("90700.7115"),
    "sellLimit": Decimal("82062.5485"),
}

ROUTES: Final = (
    Route("GET", "/api/v2/symbols", None, "Public", 4, all_symbols),
    Route("GET", "/api/v1/hf/orders/active/symbols", "Spot", "Spot", 2, spot_symbols_with_orders),
    Route("GET", "/api/v3/hf/margin/order/active/symbols", "Margin", "Spot", 4, margin_symbols_with_orders),
    Route("GET", "/api/v1/contracts/active", None, "Public", 3, active_contracts, futures=True),
)
