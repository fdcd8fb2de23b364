"""
What a master account is told of the sub-accounts below it: who they are and what they hold.

https://www.kucoin.com/docs-new/api-3470131 (list), 3470132 (one of them) and 3470133 (balances of all). None of them
tells a sub-account's ledger: for that its own key must ask.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import pages, refusals, wire
from airflow_provider_kucoin.testing.amounts import trimmed
from airflow_provider_kucoin.testing.refusals import bad_parameter

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.account import Balance
    from airflow_provider_kucoin.testing.assets import SubAccount
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.wire import Reply

DEFAULT_SIZE: Final = 10
LARGEST_SIZE: Final = 100
DEFAULT_BASE: Final = "BTC"
# The accounts that each part of an answer lists.
_PARTS: Final = {
    "mainAccounts": ("main",),
    "tradeAccounts": ("trade",),
    "marginAccounts": ("margin", "margin_v2"),
}


def users(call: Call) -> Reply:
    """Answer GET /api/v2/sub/user."""
    page = pages.asked_for(call, default=DEFAULT_SIZE, smallest=1, largest=LARGEST_SIZE)
    found = _below(call)
    items = [wire.encode(_user(sub)).decode() for sub in page.of(found)]
    return pages.answer(page, len(found), items, call.exchange.readings)


def balances(call: Call) -> Reply:
    """Answer GET /api/v2/sub-accounts."""
    page = pages.asked_for(call, default=DEFAULT_SIZE, smallest=10, largest=LARGEST_SIZE)
    found = _below(call)
    items = [wire.encode(_balances(call.exchange, sub, zero=False)).decode() for sub in page.of(found)]
    return pages.answer(page, len(found), items, call.exchange.readings)


def balance(call: Call) -> Reply:
    """Answer GET /api/v1/sub-accounts/{subUserId}."""
    for sub in _below(call):
        if sub.user_id == call.variables["subUserId"]:
            found = _balances(
                call.exchange,
                sub,
                zero=call.flag("includeBaseAmount", default=False),
                base=call.params.get("baseCurrency") or DEFAULT_BASE,
                least=call.params.get("baseAmount") or "0",
            )
            return wire.success(wire.encode(found))
    # How KuCoin answers this is not known.
    raise bad_parameter("sub-account does not exist")


def _below(call: Call) -> list[SubAccount]:
    if not call.key.is_master and call.exchange.readings.sub_accounts_with_sub_key == "refused":
        raise refusals.gateway("400007")
    return [sub for sub in call.exchange.sub_account_details.values() if sub.parent_uid == call.key.uid]


def _user(sub: SubAccount) -> dict[str, Any]:
    return {
        "userId": sub.user_id,
        "uid": sub.uid,
        "subName": sub.name,
        "status": sub.status,
        "type": sub.type,
        "access": sub.access,
        "createdAt": sub.created_at,
        "remarks": sub.remarks,
        "tradeTypes": list(sub.trade_types),
        "openedTradeTypes": list(sub.opened_trade_types),
        "hostedStatus": None,
    }


def _balances(
    exchange: Exchange, sub: SubAccount, *, zero: bool, base: str = DEFAULT_BASE, least: str = "0"
) -> dict[str, Any]:
    """Return what a sub-account holds; currencies of which there is nothing only if asked for."""
    parts: dict[str, list[dict[str, Any]]] = {part: [] for part in _PARTS}
    for entry in exchange.balances.of(sub.uid):
        for part, accounts in _PARTS.items():
            shown = entry.type in accounts and (zero or Decimal(entry.balance) > 0)
            if shown and exchange.worth(entry.currency, Decimal(entry.balance), base) >= Decimal(least):
                parts[part].append(_line(exchange, entry, base))
    return {"subUserId": sub.user_id, "subName": sub.name, **parts, "tradeHFAccounts": []}


def _line(exchange: Exchange, entry: Balance, base: str) -> dict[str, Any]:
    """Return one balance; `baseCurrencyPrice` is what one unit of the base currency costs in this one."""
    own = exchange.prices.get(entry.currency)
    price = exchange.prices.get(base, Decimal(0)) / own if own else Decimal(0)
    return {
        "currency": entry.currency,
        "balance": entry.balance,
        "available": entry.available,
        "holds": entry.holds,
        "baseCurrency": base,
        "baseCurrencyPrice": trimmed(price.quantize(Decimal("1E-8"))),
        "baseAmount": trimmed(exchange.worth(entry.currency, Decimal(entry.balance), base)),
        "tag": "DEFAULT",
    }
