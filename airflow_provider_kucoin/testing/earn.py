"""GET /api/v1/earn/hold-assets: what is held in earn products. https://www.kucoin.com/docs-new/api-3470273."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing import pages, wire

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.wire import Reply

DEFAULT_SIZE: Final = 15
CATEGORIES: Final = ("DEMAND", "ACTIVITY", "STAKING", "KCS_STAKING", "ETH2")


def holdings(call: Call) -> Reply:
    """Answer GET /api/v1/earn/hold-assets."""
    page = pages.asked_for(call, default=DEFAULT_SIZE)
    asked = {
        "currency": call.params.get("currency") or None,
        "productId": call.params.get("productId") or None,
        "productCategory": call.choice("productCategory", CATEGORIES),
    }
    found = [
        holding
        for uid, holding in call.exchange.earn_holdings
        if uid == call.key.uid and all(value in (None, holding[name]) for name, value in asked.items())
    ]
    items = [wire.encode(holding).decode() for holding in page.of(found)]
    return pages.answer(page, len(found), items, call.exchange.readings)
