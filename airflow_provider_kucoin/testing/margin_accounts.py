"""
GET /api/v3/margin/accounts and GET /api/v3/isolated/accounts: what margin accounts hold and owe.

https://www.kucoin.com/docs-new/api-3470127 and https://www.kucoin.com/docs-new/api-3470128. MARGIN and MARGIN_V2 are
two kinds of accounts (low and high frequency), ALL is both; what has neither balance nor debt is not listed.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import wire
from airflow_provider_kucoin.testing.amounts import EXACT, plain, trimmed
from airflow_provider_kucoin.testing.assets import Liability

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.wire import Reply

QUOTES: Final = ("USDT", "KCS", "BTC")
_CROSS: Final = {"MARGIN": ("margin",), "MARGIN_V2": ("margin_v2",), "ALL": ("margin", "margin_v2")}
_ISOLATED: Final = {"ISOLATED": ("isolated",), "ISOLATED_V2": ("isolated_v2",), "ALL": ("isolated", "isolated_v2")}


class _Holding:
    """One currency in one or more accounts."""

    def __init__(self) -> None:
        self.total = self.held = self.principal = self.interest = Decimal(0)
        self.max_borrow_size = "0"

    @property
    def liability(self) -> Decimal:
        return EXACT.add(self.principal, self.interest)

    def shown(self, currency: str) -> dict[str, Any]:
        return {
            "currency": currency,
            "total": plain(self.total),
            "available": plain(EXACT.subtract(self.total, self.held)),
            "hold": plain(self.held),
            "liability": plain(self.liability),
            "liabilityPrincipal": plain(self.principal),
            "liabilityInterest": plain(self.interest),
            "maxBorrowSize": self.max_borrow_size,
            "borrowEnabled": True,
            "transferInEnabled": True,
        }


def cross(call: Call) -> Reply:
    """Answer GET /api/v3/margin/accounts."""
    quote = call.choice("quoteCurrency", QUOTES) or "USDT"
    holdings = _holdings(call, _CROSS[call.choice("queryType", _CROSS) or "MARGIN"])
    assets, liabilities = _worth(call, holdings.items(), quote)
    fields = {
        "totalAssetOfQuoteCurrency": trimmed(assets),
        "totalLiabilityOfQuoteCurrency": trimmed(liabilities),
        "debtRatio": _debt_ratio(assets, liabilities),
        "status": call.exchange.margin_status.get((call.key.uid, ""), "EFFECTIVE"),
        "accounts": [holding.shown(currency) for currency, holding in sorted(holdings.items())],
    }
    return wire.success(wire.encode(fields))


def isolated(call: Call) -> Reply:
    """Answer GET /api/v3/isolated/accounts."""
    quote = call.choice("quoteCurrency", QUOTES) or "USDT"
    kinds = _ISOLATED[call.choice("queryType", _ISOLATED) or "ISOLATED"]
    wanted = call.params.get("symbol")
    assets, owed, pairs = Decimal(0), Decimal(0), []
    for pair in _pairs(call, kinds):
        if wanted in (None, "", pair):
            holdings = _holdings(call, tuple(f"{kind}:{pair}" for kind in kinds))
            has, owes = _worth(call, holdings.items(), quote)
            assets, owed = EXACT.add(assets, has), EXACT.add(owed, owes)
            pairs.append(_pair(call, pair, holdings, _debt_ratio(has, owes)))
    fields = {
        "totalAssetOfQuoteCurrency": trimmed(assets),
        "totalLiabilityOfQuoteCurrency": trimmed(owed),
        "timestamp": call.now_ms,
        "assets": pairs,
    }
    return wire.success(wire.encode(fields))


def _pair(call: Call, pair: str, holdings: dict[str, _Holding], debt_ratio: str) -> dict[str, Any]:
    base, _, quote = pair.partition("-")
    return {
        "symbol": pair,
        "status": call.exchange.margin_status.get((call.key.uid, pair), "EFFECTIVE"),
        "debtRatio": debt_ratio,
        "baseAsset": _asset(holdings, base),
        "quoteAsset": _asset(holdings, quote),
    }


def _asset(holdings: dict[str, _Holding], currency: str) -> dict[str, Any]:
    return holdings.get(currency, _Holding()).shown(currency)


def _pairs(call: Call, kinds: tuple[str, ...]) -> list[str]:
    """Return the pairs that there is something of, in the order of their names."""
    uid, exchange = call.key.uid, call.exchange
    accounts = [entry.type for entry in exchange.balances.of(uid)]
    accounts += [account for owner, account, _ in exchange.liabilities if owner == uid]
    split = [account.partition(":") for account in accounts]
    return sorted({pair for kind, _, pair in split if kind in kinds and pair})


def _holdings(call: Call, accounts: tuple[str, ...]) -> dict[str, _Holding]:
    """Return what some accounts hold and owe, together, by currency."""
    uid, exchange = call.key.uid, call.exchange
    found: dict[str, _Holding] = {}
    for entry in exchange.balances.of(uid):
        if entry.type in accounts:
            holding = found.setdefault(entry.currency, _Holding())
            holding.total = EXACT.add(holding.total, Decimal(entry.balance))
            holding.held = EXACT.add(holding.held, Decimal(entry.holds))
    for (owner, account, currency), liability in exchange.liabilities.items():
        if owner == uid and account in accounts and liability != Liability():
            holding = found.setdefault(currency, _Holding())
            holding.principal = EXACT.add(holding.principal, liability.principal)
            holding.interest = EXACT.add(holding.interest, liability.interest)
    for (owner, account, currency), size in exchange.max_borrow_sizes.items():
        if owner == uid and account in accounts and currency in found:
            found[currency].max_borrow_size = size
    return found


def _worth(call: Call, holdings: Iterable[tuple[str, _Holding]], quote: str) -> tuple[Decimal, Decimal]:
    """Return what holdings are worth, and what is owed of them."""
    assets = liabilities = Decimal(0)
    for currency, holding in holdings:
        assets += call.exchange.worth(currency, holding.total, quote)
        liabilities += call.exchange.worth(currency, holding.liability, quote)
    return assets, liabilities


def _debt_ratio(assets: Decimal, liabilities: Decimal) -> str:
    return trimmed((liabilities / assets).quantize(Decimal("1E-4"), ROUND_DOWN)) if assets else "0"
