"""
Fills, orders, funding payments and closed positions, on the futures host.

https://www.kucoin.com/docs-new/api-3470248 (fills), https://www.kucoin.com/docs-new/api-3470244 (orders),
https://www.kucoin.com/docs-new/api-3470267 (funding), https://www.kucoin.com/docs-new/api-3470254 (positions).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing.history_rows import time_cursor
from airflow_provider_kucoin.testing.history_seeding import Seeding, amount, random_id
from airflow_provider_kucoin.testing.history_styles import Offset, Pages
from airflow_provider_kucoin.testing.history_tables import ORDER_ID, SIDE, Bounds, Filter, History

if TYPE_CHECKING:
    from random import Random

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.history_rows import Row
    from airflow_provider_kucoin.testing.history_seeding import About

_SYMBOL: Final = Filter("symbol")
_FILL_TYPES: Final = ("limit", "market", "limit_stop", "market_stop")
_ORDER_TYPES: Final = (*_FILL_TYPES, "oco_limit", "oco_stop")
_TRADE_TYPES: Final = ("trade", "adl", "liquid", "settlement")
_NS: Final = 1_000_000
_EIGHT_HOURS_MS: Final = 8 * 3_600_000

_FILL: Final[dict[str, Any]] = {
    "symbol": "XBTUSDTM",
    "tradeId": "1828954878212",
    "orderId": "284486580251463680",
    "side": "buy",
    "liquidity": "taker",
    "forceTaker": False,
    "price": "86275.1",
    "size": 1,
    "value": "86.2751",
    "openFeePay": "0.05176506",
    "closeFeePay": "0",
    "stop": "",
    "feeRate": "0.00060",
    "fixFee": "0",
    "feeCurrency": "USDT",
    "subTradeType": None,
    "marginMode": "CROSS",
    "openFeeTaxPay": "0",
    "closeFeeTaxPay": "0",
    "displayType": "market",
    "fee": "0.05176506",
    "settleCurrency": "USDT",
    "orderType": "market",
    "tradeType": "trade",
    "tradeTime": 1740640088244000000,
    "createdAt": 1740640088427,
}
# KuCoin's sample is an open order; here it is a closed one, unless a row says otherwise.
_ORDER: Final[dict[str, Any]] = {
    "id": "230181737576050688",
    "symbol": "PEOPLEUSDTM",
    "type": "limit",
    "side": "buy",
    "price": "0.05",
    "size": 10,
    "value": "5",
    "dealValue": "0",
    "dealSize": 0,
    "stp": "",
    "stop": "",
    "stopPriceType": "",
    "stopTriggered": False,
    "stopPrice": None,
    "timeInForce": "GTC",
    "postOnly": False,
    "hidden": False,
    "iceberg": False,
    "leverage": "1",
    "forceHold": False,
    "closeOrder": False,
    "visibleSize": 0,
    "clientOid": "5a80bd847f1811ef8a7faa665a37b3d7",
    "remark": None,
    "tags": "",
    "isActive": False,
    "cancelExist": False,
    "createdAt": 1727692804813,
    "updatedAt": 1727692804813,
    "endAt": None,
    "orderTime": 1727692804808418000,
    "settleCurrency": "USDT",
    "marginMode": "ISOLATED",
    "avgDealPrice": "0",
    "filledSize": 0,
    "filledValue": "0",
    "status": "done",
    "reduceOnly": False,
}
_FUNDING: Final[dict[str, Any]] = {
    "id": 1472387374042586,
    "symbol": "XBTUSDTM",
    "timePoint": 1731470400000,
    "fundingRate": Decimal("6.41E-4"),
    "markPrice": Decimal("87139.92"),
    "positionQty": 1,
    "positionCost": Decimal("87.13992"),
    "funding": Decimal("-0.05585669"),
    "settleCurrency": "USDT",
    "context": '{"marginMode": "ISOLATED", "positionSide": "BOTH"}',
    "marginMode": "ISOLATED",
}
_POSITION: Final[dict[str, Any]] = {
    "closeId": "500000000036305465",
    "userId": "633559791e1cbc0001f319bc",
    "symbol": "XBTUSDTM",
    "settleCurrency": "USDT",
    "leverage": "1.0",
    "type": "CLOSE_LONG",
    "pnl": "0.51214413",
    "realisedGrossCost": "-0.5837",
    "realisedGrossCostNew": "-0.5837",
    "withdrawPnl": "0.0",
    "tradeFee": "0.03766066",
    "fundingFee": "-0.03389521",
    "openTime": 1735549162120,
    "closeTime": 1735589352069,
    "openPrice": "93859.8",
    "closePrice": "94443.5",
    "marginMode": "CROSS",
    "tax": "0.0",
    "roe": None,
    "liquidAmount": None,
    "liquidPrice": None,
    "side": "LONG",
}
_CONTRACTS: Final = (
    {"symbol": "XBTUSDTM", "settleCurrency": "USDT"},
    {"symbol": "ETHUSDTM", "settleCurrency": "USDT"},
    {"symbol": "XBTUSDM", "settleCurrency": "XBT"},
)


def _signed(random: Random, below: int, decimals: int) -> str:
    return f"{random.choice(('', '-'))}{amount(random, below, decimals)}"


def _fill(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    market, maker = random.random() < 0.4, random.random() < 0.3  # noqa: PLR2004  some are
    # Makers may get a rebate: then the fee is negative.
    fee = f"-{amount(random, 10, 12)}" if maker else amount(random, 100, 12)
    opens = random.random() < 0.5  # noqa: PLR2004  every other one
    return {
        **about,
        "orderId": str(random.getrandbits(58)),
        "side": random.choice(("buy", "sell")),
        "liquidity": "maker" if maker else "taker",
        "price": amount(random, 90_000, 4),
        "size": random.randrange(1, 5000),
        "value": amount(random, 900_000_000, 12),
        "openFeePay": fee if opens else "0",
        "closeFeePay": "0" if opens else fee,
        "feeRate": "-0.00010" if maker else "0.00060",
        "feeCurrency": about["settleCurrency"],
        "marginMode": random.choice(("CROSS", "ISOLATED")),
        "displayType": "market" if market else random.choice(("limit", "limit_stop")),
        "orderType": "market" if market else "limit",
        "tradeType": random.choice(("trade",) * 9 + ("adl", "liquid", "settlement")),
        "fee": fee,
        "tradeTime": time_ms * _NS - random.randrange(200 * _NS),
        "createdAt": time_ms,
    }, {}


def _order(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    size, cancelled = random.randrange(1, 5000), random.random() < 0.3  # noqa: PLR2004  some are
    filled = 0 if cancelled else size
    ended = time_ms + random.randrange(60_000)
    value = amount(random, 900_000_000, 12)
    return {
        **about,
        "type": random.choice(("limit", "market")),
        "side": random.choice(("buy", "sell")),
        "price": amount(random, 90_000, 4),
        "size": size,
        "value": value,
        "dealValue": value if filled else "0",
        "dealSize": filled,
        "stop": random.choice(("", "", "", "down")),
        "clientOid": f"{random.getrandbits(128):032x}",
        "cancelExist": cancelled,
        "createdAt": time_ms,
        "updatedAt": ended,
        "endAt": ended,
        "orderTime": time_ms * _NS - random.randrange(20 * _NS),
        "avgDealPrice": amount(random, 90_000, 10) if filled else "0",
        "filledSize": filled,
        "filledValue": value if filled else "0",
    }, {}


def _funding(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {
        **about,
        "timePoint": time_ms,
        "fundingRate": Decimal(random.choice(("6.41E-4", "-0.000012", "0.00375", "0.0", "1.0E-7"))),
        "markPrice": Decimal(amount(random, 90_000, 14)),
        "positionQty": random.randrange(-5000, 5000),
        "positionCost": Decimal(_signed(random, 900_000, 16)),
        "funding": Decimal(_signed(random, 1, 18)),
        "marginMode": random.choice(("CROSS", "ISOLATED")),
    }, {}


def _position(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    side, liquidated = random.choice(("LONG", "SHORT")), random.random() < 0.05  # noqa: PLR2004  hardly ever
    gross = _signed(random, 10_000, 14)
    return {
        **about,
        "leverage": random.choice(("1.0", "10.0", "125.0")),
        "type": f"CLOSE_{side}",
        "pnl": _signed(random, 10_000, 14),
        "realisedGrossCost": gross,
        "realisedGrossCostNew": gross,
        "tradeFee": amount(random, 100, 14),
        "fundingFee": _signed(random, 100, 14),
        "openTime": time_ms - random.randrange(1, 10 * 86_400_000),
        "closeTime": time_ms,
        "openPrice": amount(random, 90_000, 4),
        "closePrice": amount(random, 90_000, 4),
        "marginMode": random.choice(("CROSS", "ISOLATED")),
        "liquidAmount": amount(random, 10, 10) if liquidated else None,
        "liquidPrice": amount(random, 90_000, 4) if liquidated else None,
        "side": side,
        "userId": random_id(random, time_ms),
    }, {}


def _is_of_status(row: Row, status: str) -> bool:
    return bool(row.get("isActive")) == (status == "active")


def _asks_for_active(call: Call) -> bool:
    """Whether a request is about open orders: "when you query orders in active status, there is no time limit"."""
    return call.params.get("status") == "active"


def _is_of_type(row: Row, kind: str) -> bool:
    return f"{row.get('type')}{'_stop' if row.get('stop') else ''}" == kind


FUTURES_FILLS: Final = History(
    name="futures_fills",
    path="/api/v1/fills",
    pool="Futures",
    weight=5,
    futures=True,
    style=Pages(most=1000, least=1),
    sample=_FILL,
    times={"createdAt": "ms", "tradeTime": "ns"},
    bounded_by="futures_fills_bounded_by",
    ids={
        "tradeId": lambda number, _: str(1_828_954_900_000 + number),
        "orderId": lambda number, _: str(284_486_580_251_463_681 + number),
    },
    filters=(
        ORDER_ID,
        _SYMBOL,
        SIDE,
        Filter("type", "displayType", choices=_FILL_TYPES),
        Filter("tradeTypes", "tradeType", choices=_TRADE_TYPES, many=True),
    ),
    seeding=Seeding(make=_fill, among=_CONTRACTS),
)
FUTURES_ORDERS: Final = History(
    name="futures_orders",
    path="/api/v1/orders",
    pool="Futures",
    weight=2,
    futures=True,
    style=Pages(most=1000, least=1),
    sample=_ORDER,
    times={"createdAt": "ms", "updatedAt": "ms", "endAt": "ms", "orderTime": "ns"},
    bounded_by="futures_orders_bounded_by",
    ids={"id": lambda number, _: str(230_181_737_576_050_689 + number)},
    filters=(
        Filter("status", choices=("active", "done"), default="done", matches=_is_of_status),
        _SYMBOL,
        SIDE,
        Filter("type", choices=_ORDER_TYPES, matches=_is_of_type),
    ),
    is_unlimited=_asks_for_active,
    seeding=Seeding(make=_order, among=_CONTRACTS),
)
FUNDING: Final = History(
    name="funding",
    path="/api/v1/funding-history",
    permission="Futures",
    pool="Futures",
    weight=5,
    futures=True,
    style=Offset(),
    sample=_FUNDING,
    times={"timePoint": "ms"},
    ids={"id": lambda number, time_ms: time_cursor(time_ms, number)},
    filters=(Filter("symbol", required=True),),
    seeding=Seeding(make=_funding, among=_CONTRACTS, step_ms=_EIGHT_HOURS_MS),
)
POSITIONS: Final = History(
    name="positions",
    path="/api/v1/history-positions",
    permission="Futures",
    pool="Futures",
    weight=2,
    futures=True,
    style=Pages(most=200, least=1, default=10, number="pageId", size="limit"),
    sample=_POSITION,
    times={"closeTime": "ms", "openTime": "ms"},
    ids={"closeId": lambda number, _: str(500_000_000_036_305_466 + number)},
    filters=(_SYMBOL,),
    bounds=Bounds("from", "to"),
    seeding=Seeding(make=_position, among=_CONTRACTS),
)
HISTORIES: Final = (FUTURES_FILLS, FUTURES_ORDERS, FUNDING, POSITIONS)
