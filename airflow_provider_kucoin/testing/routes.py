"""Every path that the exchange answers, as a table: what it needs, what it costs, who answers."""

from __future__ import annotations

from airflow_provider_kucoin.testing import (
    account,
    deposits,
    earn,
    futures_accounts,
    futures_ledger,
    hf_ledgers,
    history_routes,
    margin_accounts,
    public,
    quotas,
    spot_ledger,
    sub_accounts,
    transfers,
    unified_ledger,
    users,
    withdrawal_history,
    withdrawing,
)
from airflow_provider_kucoin.testing.route import Found, Route

# Paths, permissions, pools and weights: https://www.kucoin.com/docs-new/rest/account-info and the pages beside it.
_SPOT: tuple[Route, ...] = (
    Route("GET", "/api/v1/timestamp", None, "Public", 3, public.timestamp),
    Route("GET", "/api/v1/status", None, "Public", 3, public.status),
    Route("GET", "/api/v1/my-ip", None, "Public", 0, public.my_ip),
    Route("GET", "/api/v3/currencies", None, "Public", 3, public.currencies),
    Route("GET", "/api/v3/currencies/{currency}", None, "Public", 3, public.currency),
    Route("GET", "/api/v1/user/api-key", "General", "Management", 20, account.api_key),
    Route("GET", "/api/v1/accounts", "General", "Management", 5, account.accounts),
    Route("GET", "/api/v1/accounts/ledgers", "General", "Management", 2, spot_ledger.ledgers),
    Route("GET", "/api/v1/hf/accounts/ledgers", "General", "Spot", 2, hf_ledgers.trade_hf),
    Route("GET", "/api/v3/hf/margin/account/ledgers", "General", "Spot", 2, hf_ledgers.margin_hf),
    # Pool and weight are those of Kucoin.Net. Of the second version, which KuCoin's client asks for since 2026, nothing
    # but the path is known; it does what the first one does.
    Route("GET", "/api/ua/v1/account/ledger", "General", "Management", 2, unified_ledger.ledger),
    Route("GET", "/api/ua/v2/account/ledger", "General", "Management", 2, unified_ledger.ledger),
    Route("GET", "/api/v2/user-info", "General", "Management", 20, users.user_info),
    Route("GET", "/api/v1/hf/accounts/opened", "General", "Spot", 30, users.high_frequency),
    Route("GET", "/api/v3/margin/accounts", "General", "Spot", 15, margin_accounts.cross),
    Route("GET", "/api/v3/isolated/accounts", "General", "Spot", 15, margin_accounts.isolated),
    Route("GET", "/api/v2/sub/user", "General", "Management", 20, sub_accounts.users),
    Route("GET", "/api/v2/sub-accounts", "General", "Management", 20, sub_accounts.balances),
    Route("GET", "/api/v1/sub-accounts/{subUserId}", "General", "Management", 15, sub_accounts.balance),
    Route("GET", "/api/v1/earn/hold-assets", "General", "Earn", 5, earn.holdings),
    Route("GET", "/api/v1/accounts/transferable", "General", "Management", 20, transfers.transferable),
    Route("POST", "/api/v3/accounts/universal-transfer", "FlexTransfers", "Management", 4, transfers.transfer),
    Route("GET", "/api/v1/withdrawals/quotas", "General", "Management", 20, quotas.quota),
    Route("POST", "/api/v3/withdrawals", "Withdrawal", "Management", 5, withdrawing.withdraw_v3),
    Route("POST", "/api/v1/withdrawals", "Withdrawal", "Management", 5, withdrawing.withdraw_v1),
    Route("GET", "/api/v1/withdrawals", "General", "Management", 20, withdrawal_history.withdrawals),
    Route("GET", "/api/v1/withdrawals/{withdrawalId}", "General", "Management", 20, withdrawal_history.withdrawal),
    Route("DELETE", "/api/v1/withdrawals/{withdrawalId}", "Withdrawal", "Management", 20, withdrawal_history.cancel),
    Route("GET", "/api/v1/hist-withdrawals", "General", "Management", 20, withdrawal_history.old_withdrawals),
    Route("GET", "/api/v1/deposits", "General", "Management", 5, deposits.deposits),
    Route("GET", "/api/v3/deposit-addresses", "General", "Management", 5, deposits.addresses),
    Route("GET", "/api/v1/accounts/{accountId}", "General", "Management", 5, account.account),
)

_FUTURES: tuple[Route, ...] = (
    Route("GET", "/api/v1/timestamp", None, "Public", 2, public.timestamp, futures=True),
    Route("GET", "/api/v1/status", None, "Public", 4, public.status, futures=True),
    Route("GET", "/api/v1/transaction-history", "General", "Futures", 2, futures_ledger.transactions, futures=True),
    Route("GET", "/api/v1/account-overview", "Futures", "Futures", 5, futures_accounts.overview, futures=True),
    Route(
        "GET", "/api/v1/account-overview-all", "General", "Futures", 6, futures_accounts.overview_of_all, futures=True
    ),
)

ROUTES: tuple[Route, ...] = (*_SPOT, *_FUTURES, *history_routes.ROUTES)

_FIXED = {(route.futures, route.method, route.path): route for route in ROUTES if "{" not in route.path}
_PATTERNS = tuple(route for route in ROUTES if "{" in route.path)


def find(method: str, path: str, *, futures: bool = False) -> Found | None:
    """Return the route of a request to the spot or the futures host, and the path's variables."""
    if route := _FIXED.get((futures, method, path)):
        return route, {}
    for route in _PATTERNS:
        if (route.futures, route.method) == (futures, method) and (match := route.pattern.fullmatch(path)):
            return route, match.groupdict()
    return None
