"""
Money lent to others' margin: what was subscribed and what was redeemed. Neither list takes a range of time.

https://www.kucoin.com/docs-new/api-3470213 (purchases), https://www.kucoin.com/docs-new/api-3470214 (redemptions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing.history_seeding import Seeding, amount, hex_id, random_id
from airflow_provider_kucoin.testing.history_styles import Pages
from airflow_provider_kucoin.testing.history_tables import Filter, History

if TYPE_CHECKING:
    from random import Random

    from airflow_provider_kucoin.testing.history_rows import Row
    from airflow_provider_kucoin.testing.history_seeding import About
    from airflow_provider_kucoin.testing.readings import Readings

# The rows are those of the official client's own tests (kucoin-universal-sdk 1.3.0).
_PURCHASE: Final[dict[str, Any]] = {
    "currency": "BTC",
    "purchaseOrderNo": "671bb15a3b3f930007880bae",
    "purchaseSize": "0.001",
    "matchSize": "0",
    "interestRate": "0.1",
    "incomeSize": "0",
    "applyTime": 1729868122172,
    "status": "PENDING",
}
_REDEEM: Final[dict[str, Any]] = {
    "currency": "BTC",
    "purchaseOrderNo": "671bafa804c26d000773c533",
    "redeemOrderNo": "671bb01004c26d000773c55c",
    "redeemSize": "0.001",
    "receiptSize": "0.001",
    "applyTime": 1729867792000,
    "status": "DONE",
}
_STATUS: Final = Filter("status", choices=("DONE", "PENDING"), required=True)
_CURRENCY: Final = Filter("currency")
_STYLE: Final = Pages(most=50, least=1, default_reading="lending_default_page")
_AMONG: Final = tuple(
    {"currency": currency, "status": status} for currency in ("USDT", "BTC") for status in ("DONE", "PENDING")
)


def _purchase(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    size = amount(random, 1_000, 16)
    return {
        **about,
        "purchaseSize": size,
        "matchSize": size if about["status"] == "DONE" else "0",
        "interestRate": amount(random, 1, 18),
        "incomeSize": amount(random, 1, 18),
        "applyTime": time_ms,
    }, {}


def _redeem(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    size = amount(random, 1_000, 16)
    return {
        **about,
        "purchaseOrderNo": random_id(random, time_ms),
        "redeemSize": size,
        "receiptSize": size if about["status"] == "DONE" else "0",
        "applyTime": time_ms,
    }, {}


def _shown(row: Row, readings: Readings) -> dict[str, Any]:
    """Return a redemption with its time as the reading has it; the truth of when it was is kept."""
    fields = dict(row.fields)
    time_ms = fields["applyTime"]
    fields["applyTime"] = {"null": None, "number": time_ms, "text": str(time_ms)}[readings.redeem_apply_time]
    return fields


LENDING_PURCHASES: Final = History(
    name="lending_purchases",
    path="/api/v3/purchase/orders",
    weight=10,
    style=_STYLE,
    sample=_PURCHASE,
    times={"applyTime": "ms"},
    ids={"purchaseOrderNo": lambda number, time_ms: hex_id(time_ms, number)},
    filters=(_STATUS, _CURRENCY, Filter("purchaseOrderNo")),
    bounds=None,
    seeding=Seeding(make=_purchase, among=_AMONG),
)
LENDING_REDEMPTIONS: Final = History(
    name="lending_redemptions",
    path="/api/v3/redeem/orders",
    weight=10,
    style=_STYLE,
    sample=_REDEEM,
    times={"applyTime": "ms"},
    ids={"redeemOrderNo": lambda number, time_ms: hex_id(time_ms, number)},
    filters=(_STATUS, _CURRENCY, Filter("redeemOrderNo")),
    bounds=None,
    shown=_shown,
    seeding=Seeding(make=_redeem, among=_AMONG),
)
HISTORIES: Final = (LENDING_PURCHASES, LENDING_REDEMPTIONS)
