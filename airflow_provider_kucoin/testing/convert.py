"""
Conversions of one currency into another: those at the market's price, and those with a limit.

KuCoin publishes no description of these lists beside its website. Parameters: KuCoin's skills hub; fields and their
types: sieblyio/kucoin-api; the range of page sizes and the words of its refusal, pages as all others have them:
tribulnation/typed, 2026. No source shows a row: the values here are made up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing.history_seeding import Seeding, amount, hex_id
from airflow_provider_kucoin.testing.history_styles import Pages
from airflow_provider_kucoin.testing.history_tables import Filter, History

if TYPE_CHECKING:
    from random import Random

    from airflow_provider_kucoin.testing.history_seeding import About

_STATUSES: Final = ("OPEN", "SUCCESS", "FAIL")
_LIMIT_STATUSES: Final = (*_STATUSES, "CANCELLED")
_STYLE: Final = Pages(most=100, least=20, default=20, number="page", refusal="pageSize not in range value")
_DAY_MS: Final = 86_400_000

# `orderId` is a number here, and text in the list below.
_ORDER: Final[dict[str, Any]] = {
    "clientOrderId": "6d539dc614db312",
    "orderId": 671_000_000_000_001,
    "price": "67000.5",
    "fromCurrency": "BTC",
    "toCurrency": "USDT",
    "fromCurrencySize": "0.001",
    "toCurrencySize": "67.0005",
    "accountType": "BOTH",
    "orderTime": 1729655606000,
    "status": "SUCCESS",
}
_LIMIT_ORDER: Final[dict[str, Any]] = {
    **_ORDER,
    "orderId": "671873361d5bd400075096ad",
    "expiryTime": 1729742006000,
    "cancelTime": None,
    "filledTime": None,
    "cancelType": None,
}
_AMONG: Final = (
    {"fromCurrency": "BTC", "toCurrency": "USDT"},
    {"fromCurrency": "USDT", "toCurrency": "KCS"},
)


def _order(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {
        **about,
        "clientOrderId": f"{random.getrandbits(128):032x}",
        "price": amount(random, 70_000, 12),
        "fromCurrencySize": amount(random, 1_000, 18),
        "toCurrencySize": amount(random, 1_000_000, 16),
        "accountType": random.choice(("BOTH", "FUNDING", "TRADING")),
        "status": random.choice(_STATUSES),
        "orderTime": time_ms,
    }, {}


def _limit_order(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    fields, hidden = _order(random, about, time_ms)
    status, later = random.choice(_LIMIT_STATUSES), time_ms + random.randrange(_DAY_MS)
    return {
        **fields,
        "status": status,
        "expiryTime": time_ms + _DAY_MS,
        "cancelTime": later if status == "CANCELLED" else None,
        "filledTime": later if status == "SUCCESS" else None,
        # What the numbers mean is told nowhere.
        "cancelType": random.randrange(3) if status == "CANCELLED" else None,
    }, hidden


# The permission and the pool are in no source; ccxt reckons with a weight of 5.
CONVERT_ORDERS: Final = History(
    name="convert_orders",
    path="/api/v1/convert/order/history",
    weight=5,
    style=_STYLE,
    sample=_ORDER,
    times={"orderTime": "ms"},
    ids={"orderId": lambda number, _: 9_671_000_000_000_001 + number},
    filters=(Filter("status", choices=_STATUSES),),
    seeding=Seeding(make=_order, among=_AMONG),
)
CONVERT_LIMIT_ORDERS: Final = History(
    name="convert_limit_orders",
    path="/api/v1/convert/limit/orders",
    weight=5,
    style=_STYLE,
    sample=_LIMIT_ORDER,
    times={"orderTime": "ms"},
    ids={"orderId": lambda number, time_ms: hex_id(time_ms, number)},
    filters=(Filter("status", choices=_LIMIT_STATUSES),),
    seeding=Seeding(make=_limit_order, among=_AMONG),
)
HISTORIES: Final = (CONVERT_ORDERS, CONVERT_LIMIT_ORDERS)
