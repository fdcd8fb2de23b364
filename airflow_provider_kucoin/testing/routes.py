"""Every path that the exchange answers, as a table: what it needs, what it costs, who answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_kucoin.testing import (
    account,
    deposits,
    public,
    quotas,
    spot_ledger,
    transfers,
    withdrawal_history,
    withdrawing,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.wire import Reply

    Answer = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `permission` is the documentation's tag, None that of a public endpoint; `{…}` is one segment."""

    method: str
    path: str
    permission: str | None
    pool: str
    weight: int
    answer: Answer
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(pattern))

    @property
    def is_public(self) -> bool:
        """Whether it is answered without a key."""
        return self.permission is None


# A route, and the variables that its path had.
Found = tuple[Route, dict[str, str]]


# Paths, permissions, pools and weights: https://www.kucoin.com/docs-new/rest/account-info and the pages beside it. Both
# hosts, spot and futures, are this one; a path that exists on both (timestamp, status) does the same on each.
ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/timestamp", None, "Public", 3, public.timestamp),
    Route("GET", "/api/v1/status", None, "Public", 3, public.status),
    Route("GET", "/api/v1/my-ip", None, "Public", 0, public.my_ip),
    Route("GET", "/api/v3/currencies", None, "Public", 3, public.currencies),
    Route("GET", "/api/v3/currencies/{currency}", None, "Public", 3, public.currency),
    Route("GET", "/api/v1/user/api-key", "General", "Management", 20, account.api_key),
    Route("GET", "/api/v1/accounts", "General", "Management", 5, account.accounts),
    Route("GET", "/api/v1/accounts/ledgers", "General", "Management", 2, spot_ledger.ledgers),
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

_FIXED = {(route.method, route.path): route for route in ROUTES if "{" not in route.path}
_PATTERNS = tuple(route for route in ROUTES if "{" in route.path)


def find(method: str, path: str) -> Found | None:
    """Return the route of a request and the path's variables."""
    if route := _FIXED.get((method, path)):
        return route, {}
    for route in _PATTERNS:
        if route.method == method and (match := route.pattern.fullmatch(path)):
            return route, match.groupdict()
    return None
