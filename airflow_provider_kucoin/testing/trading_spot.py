"""
Fills and closed orders of spot and of margin, by symbol.

https://www.kucoin.com/docs-new/api-3470180 and https://www.kucoin.com/docs-new/api-3470179 (spot),
https://www.kucoin.com/docs-new/api-3470200 and https://www.kucoin.com/docs-new/api-3470199 (margin).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing.history_rows import time_cursor
from airflow_provider_kucoin.testing.history_seeding import Seeding, amount, hex_id, random_id
from airflow_provider_kucoin.testing.history_styles import Cursor
from airflow_provider_kucoin.testing.history_tables import MARGIN_TYPES, ORDER_ID, SIDE, Bounds, Filter, History

if TYPE_CHECKING:
    from random import Random

    from airflow_provider_kucoin.testing.history_rows import Row
    from airflow_provider_kucoin.testing.history_seeding import About

_SYMBOL: Final = Filter("symbol", required=True)
_TYPE: Final = Filter("type", choices=("limit", "market"))
_TRADE_TYPE: Final = Filter("tradeType", choices=MARGIN_TYPES, required=True)
# "1000000000000 < startAt, endAt < 9999999999999", and "0 < lastId": the published descriptions, of spot alone.
_MS_ONLY: Final = Bounds(least=1_000_000_000_000, most=9_999_999_999_999)
_SPOT_CURSOR: Final = 1

_FILL: Final[dict[str, Any]] = {
    "id": 19814995255305,
    "orderId": "6717422bd51c29000775ea03",
    "counterOrderId": "67174228135f9e000709da8c",
    "tradeId": 11029373945659392,
    "symbol": "BTC-USDT",
    "side": "buy",
    "liquidity": "taker",
    "type": "limit",
    "forceTaker": False,
    "price": "67717.6",
    "size": "0.00001",
    "funds": "0.677176",
    "fee": "0.000677176",
    "feeRate": "0.001",
    "feeCurrency": "USDT",
    "stop": "",
    "tradeType": "TRADE",
    "taxRate": "0",
    "tax": "0",
    "createdAt": 1729577515473,
}
_ORDER: Final[dict[str, Any]] = {
    "id": "6717422bd51c29000775ea03",
    "clientOid": "5c52e11203aa677f33e493fb",
    "symbol": "BTC-USDT",
    "opType": "DEAL",
    "type": "limit",
    "side": "buy",
    "price": "70000",
    "size": "0.00001",
    "funds": "0.7",
    "dealSize": "0.00001",
    "dealFunds": "0.677176",
    "remainSize": "0",
    "remainFunds": "0.022824",
    "cancelledSize": "0",
    "cancelledFunds": "0",
    "fee": "0.000677176",
    "feeCurrency": "USDT",
    "stp": None,
    "timeInForce": "GTC",
    "postOnly": False,
    "hidden": False,
    "iceberg": False,
    "visibleSize": "0",
    "cancelAfter": 0,
    "channel": "API",
    "remark": "order remarks",
    "tags": None,
    "cancelExist": False,
    "tradeType": "TRADE",
    "inOrderBook": False,
    "active": False,
    "tax": "0",
    "createdAt": 1729577515444,
    "lastUpdatedAt": 1729577515481,
}
_MARGIN_FILL: Final = {**_FILL, "tradeType": "MARGIN_TRADE"}
_MARGIN_ORDER: Final = {
    **_ORDER,
    "stop": None,
    "stopTriggered": False,
    "stopPrice": "0",
    "tradeType": "MARGIN_TRADE",
}

_SPOT_SYMBOLS: Final = tuple({"symbol": symbol} for symbol in ("BTC-USDT", "ETH-USDT", "KCS-USDT", "SHIB-USDT"))
_MARGIN_SYMBOLS: Final = (
    {"symbol": "BTC-USDT", "tradeType": "MARGIN_TRADE"},
    {"symbol": "ETH-USDT", "tradeType": "MARGIN_TRADE"},
    {"symbol": "BTC-USDT", "tradeType": "MARGIN_ISOLATED_TRADE"},
)


def _fill(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    maker = random.random() < 0.5  # noqa: PLR2004  every other one
    return {
        **about,
        "orderId": random_id(random, time_ms),
        "counterOrderId": random_id(random, time_ms),
        "side": random.choice(("buy", "sell")),
        "liquidity": "maker" if maker else "taker",
        "forceTaker": not maker and random.random() < 0.1,  # noqa: PLR2004  now and then
        "type": "limit" if maker else random.choice(("limit", "market")),
        "price": amount(random, 70_000, 10),
        "size": amount(random, 1_000, 18),
        "funds": amount(random, 9_000_000, 16),
        "fee": amount(random, 9_000, 18),
        "feeRate": random.choice(("0.001", "0.0008", "0.00064")),
        "feeCurrency": str(about["symbol"]).partition("-")[2],
        "createdAt": time_ms,
    }, {}


def _order(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    cancelled = random.random() < 0.3  # noqa: PLR2004  some are
    size = amount(random, 1_000, 18)
    return {
        **about,
        "side": random.choice(("buy", "sell")),
        "type": random.choice(("limit", "limit", "market")),
        "price": amount(random, 70_000, 10),
        "size": size,
        "funds": amount(random, 9_000_000, 16),
        "dealSize": "0" if cancelled else size,
        "dealFunds": "0" if cancelled else amount(random, 9_000_000, 16),
        "cancelledSize": size if cancelled else "0",
        "remainFunds": "0",
        "fee": "0" if cancelled else amount(random, 9_000, 18),
        "feeCurrency": str(about["symbol"]).partition("-")[2],
        "clientOid": random_id(random, time_ms),
        "remark": random.choice((None, "", "order remarks", "März")),
        "cancelExist": cancelled,
        # The order was made before, up to two days ago.
        "createdAt": time_ms - random.randrange(2 * 86_400_000),
        "lastUpdatedAt": time_ms,
    }, {}


def is_done(row: Row) -> bool:
    """Whether an order is closed."""
    return row.get("active") is False


def _is_cancelled(row: Row) -> bool:
    return bool(row.get("cancelExist"))


SPOT_FILLS: Final = History(
    name="spot_fills",
    path="/api/v1/hf/fills",
    weight=2,
    style=Cursor(least_last_id=_SPOT_CURSOR),
    sample=_FILL,
    times={"createdAt": "ms"},
    ids={
        "id": lambda number, time_ms: time_cursor(time_ms, number),
        "tradeId": lambda number, _: 11_029_373_945_659_393 + 2 * number,
        "orderId": lambda number, time_ms: hex_id(time_ms, number),
    },
    filters=(_SYMBOL, ORDER_ID, SIDE, _TYPE),
    bounds=_MS_ONLY,
    cursor="id",
    seeding=Seeding(make=_fill, among=_SPOT_SYMBOLS),
)
SPOT_ORDERS: Final = History(
    name="spot_orders",
    path="/api/v1/hf/orders/done",
    weight=2,
    style=Cursor(least_last_id=_SPOT_CURSOR, nullable=True),
    sample=_ORDER,
    times={"lastUpdatedAt": "ms", "createdAt": "ms"},
    bounded_by="spot_orders_bounded_by",
    ids={"id": lambda number, time_ms: hex_id(time_ms, number)},
    filters=(_SYMBOL, SIDE, _TYPE),
    bounds=_MS_ONLY,
    is_listed=is_done,
    is_cancelled=_is_cancelled,
    seeding=Seeding(make=_order, among=_SPOT_SYMBOLS),
)
MARGIN_FILLS: Final = History(
    name="margin_fills",
    path="/api/v3/hf/margin/fills",
    weight=5,
    style=Cursor(),
    sample=_MARGIN_FILL,
    times={"createdAt": "ms"},
    ids={
        "id": lambda number, time_ms: time_cursor(time_ms, number),
        "tradeId": lambda number, _: 11_040_911_994_273_793 + 2 * number,
        "orderId": lambda number, time_ms: hex_id(time_ms, number),
    },
    filters=(_SYMBOL, _TRADE_TYPE, ORDER_ID, SIDE, _TYPE),
    cursor="id",
    seeding=Seeding(make=_fill, among=_MARGIN_SYMBOLS),
)
MARGIN_ORDERS: Final = History(
    name="margin_orders",
    path="/api/v3/hf/margin/orders/done",
    weight=10,
    style=Cursor(nullable=True),
    sample=_MARGIN_ORDER,
    times={"lastUpdatedAt": "ms", "createdAt": "ms"},
    bounded_by="margin_orders_bounded_by",
    ids={"id": lambda number, time_ms: hex_id(time_ms, number)},
    filters=(_SYMBOL, _TRADE_TYPE, SIDE, _TYPE),
    is_listed=is_done,
    is_cancelled=_is_cancelled,
    seeding=Seeding(make=_order, among=_MARGIN_SYMBOLS),
)
HISTORIES: Final = (SPOT_FILLS, SPOT_ORDERS, MARGIN_FILLS, MARGIN_ORDERS)
