"""
GET /api/v1/account-overview and GET /api/v1/account-overview-all on the futures host: JSON numbers throughout.

https://www.kucoin.com/docs-new/api-3470129 and https://www.kucoin.com/docs-new/api-3470134. The margin balance is what
the ledger's last row tells as `accountEquity`; equity is that and what open positions would realise.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import exact_json, refusals, wire
from airflow_provider_kucoin.testing.amounts import EXACT
from airflow_provider_kucoin.testing.assets import FuturesAccount

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.wire import Reply

DEFAULT_CURRENCY: Final = "XBT"
_SUMMED: Final = (
    "accountEquity",
    "unrealisedPNL",
    "marginBalance",
    "positionMargin",
    "orderMargin",
    "frozenFunds",
    "availableBalance",
)


def overview(call: Call) -> Reply:
    """Answer GET /api/v1/account-overview."""
    currency = call.params.get("currency") or DEFAULT_CURRENCY
    account = call.exchange.futures_accounts.get((call.key.uid, currency), FuturesAccount())
    amounts = _amounts(call.exchange, call.key.uid, currency)
    fields = {
        **amounts,
        "currency": currency,
        "riskRatio": account.risk_ratio,
        "maxWithdrawAmount": max(amounts["availableBalance"], Decimal(0)),
        **account.shown,
    }
    return wire.success(exact_json.encode(fields).encode())


def overview_of_all(call: Call) -> Reply:
    """Answer GET /api/v1/account-overview-all: the sub-accounts and, last, the account itself, called main."""
    exchange, currency = call.exchange, call.params.get("currency") or DEFAULT_CURRENCY
    if not call.key.is_master and exchange.readings.sub_accounts_with_sub_key == "refused":
        raise refusals.gateway("400007")
    owners = [(sub.name, sub.uid) for sub in exchange.sub_account_details.values() if sub.parent_uid == call.key.uid]
    accounts: list[dict[str, Any]] = [
        {"accountName": name, **_shown(exchange, uid, currency), "currency": currency}
        for name, uid in [*owners, ("main", call.key.uid)]
    ]
    summary: dict[str, Any] = {}
    for name in _SUMMED:
        total = Decimal(0)
        for account in accounts:
            total = EXACT.add(total, account[name])
        summary[f"{name}Total"] = total
    fields = {"summary": {**summary, "currency": currency}, "accounts": accounts}
    return wire.success(exact_json.encode(fields).encode())


def _shown(exchange: Exchange, uid: int, currency: str) -> dict[str, Decimal]:
    """Return a user's amounts as the list of all shows them: fewer than the overview, but what is set has its way."""
    account = exchange.futures_accounts.get((uid, currency), FuturesAccount())
    amounts = _amounts(exchange, uid, currency)
    return {name: account.shown.get(name, amounts[name]) for name in _SUMMED}


def _amounts(exchange: Exchange, uid: int, currency: str) -> dict[str, Decimal]:
    account = exchange.futures_accounts.get((uid, currency), FuturesAccount())
    booked = exchange.balances.balance(currency, "contract", uid)
    if exchange.readings.pending_in_overview:
        for one in exchange.pending:
            if (one.uid, one.currency) == (uid, currency):
                booked = EXACT.add(booked, one.amount)
    equity = EXACT.add(booked, account.unrealised_pnl)
    available = equity
    for tied in (account.position_margin, account.order_margin, account.frozen_funds):
        available = EXACT.subtract(available, tied)
    return {
        "accountEquity": equity,
        "unrealisedPNL": account.unrealised_pnl,
        "marginBalance": booked,
        "positionMargin": account.position_margin,
        "orderMargin": account.order_margin,
        "frozenFunds": account.frozen_funds,
        "availableBalance": available,
    }
