"""
GET /api/v2/user-info and GET /api/v1/hf/accounts/opened: what kind of user this is.

https://www.kucoin.com/docs-new/api-3470119 and https://www.kucoin.com/docs-new/api-3470120.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing import wire

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.wire import Reply

_KINDS: Final = ("Spot", "Margin", "Futures", "Option")


def user_info(call: Call) -> Reply:
    """Answer GET /api/v2/user-info: the VIP level, and how many sub-accounts there are and may be."""
    exchange = call.exchange
    below = [sub for sub in exchange.sub_account_details.values() if sub.parent_uid == call.key.uid]
    fields = {"level": exchange.vip, "subQuantity": len(below)}
    for kind in _KINDS:
        fields[f"{kind.lower()}SubQuantity"] = sum(kind in sub.trade_types for sub in below)
    fields["maxSubQuantity"] = exchange.max_sub_accounts["Default"] + exchange.max_sub_accounts["Spot"]
    for kind, most in exchange.max_sub_accounts.items():
        fields[f"max{kind}SubQuantity"] = most
    return wire.success(wire.encode(fields))


def high_frequency(call: Call) -> Reply:
    """Answer GET /api/v1/hf/accounts/opened."""
    return wire.success(wire.encode(call.exchange.is_high_frequency))
