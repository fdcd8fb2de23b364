"""
KuCoin's REST endpoints, one row each.

Method, path, pool, weight and permission: KuCoin's published OpenAPI descriptions (synced 2025-05-29). Permissions are
written as the ``permission`` string of ``/api/v1/user/api-key`` has them, which differs from the documentation's tags:
"Transfer" there is the tag "Withdrawal", "InnerTransfer" the tag "FlexTransfers".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Literal

SPOT_URL = "https://api.kucoin.com"
FUTURES_URL = "https://api-futures.kucoin.com"


class Pool(StrEnum):
    """A rate-limit pool: each key has one quota of weight per 30 seconds in each (KuCoin's rate-limit page)."""

    SPOT = "Spot"
    FUTURES = "Futures"
    MANAGEMENT = "Management"
    EARN = "Earn"
    PUBLIC = "Public"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    One REST endpoint.

    :param path: with its variables in braces
    :param pool: the quota it draws from; ``None`` when that is not known
    :param weight: what one call costs
    :param permission: what the key must be allowed; ``None`` for public endpoints, which are not signed
    :param futures: whether it is served by the futures host
    :param data_expected: whether success means that ``data`` is not null
    :param pays_out: whether it moves money out of the account: such an endpoint is never reached by a general call
    """

    method: Literal["GET", "POST", "DELETE", "PUT"]
    path: str
    pool: Pool | None
    weight: int
    permission: str | None = "General"
    futures: bool = False
    data_expected: bool = True
    pays_out: bool = False

    @property
    def is_safe_to_repeat(self) -> bool:
        """Whether asking again cannot do anything twice."""
        return self.method == "GET"

    @property
    def is_signed(self) -> bool:
        """Whether the call carries the key's signature."""
        return self.permission is not None


TIMESTAMP = Endpoint("GET", "/api/v1/timestamp", Pool.PUBLIC, 3, permission=None)
SERVICE_STATUS = Endpoint("GET", "/api/v1/status", Pool.PUBLIC, 3, permission=None)
MY_IP = Endpoint("GET", "/api/v1/my-ip", Pool.PUBLIC, 0, permission=None)
CURRENCIES = Endpoint("GET", "/api/v3/currencies", Pool.PUBLIC, 3, permission=None)
CURRENCY = Endpoint("GET", "/api/v3/currencies/{currency}", Pool.PUBLIC, 3, permission=None)
API_KEY = Endpoint("GET", "/api/v1/user/api-key", Pool.MANAGEMENT, 20)
ACCOUNTS = Endpoint("GET", "/api/v1/accounts", Pool.MANAGEMENT, 5)
ACCOUNT = Endpoint("GET", "/api/v1/accounts/{accountId}", Pool.MANAGEMENT, 5)
SPOT_LEDGER = Endpoint("GET", "/api/v1/accounts/ledgers", Pool.MANAGEMENT, 2)
WITHDRAWAL_QUOTAS = Endpoint("GET", "/api/v1/withdrawals/quotas", Pool.MANAGEMENT, 20)
WITHDRAWALS = Endpoint("GET", "/api/v1/withdrawals", Pool.MANAGEMENT, 20)
WITHDRAWAL = Endpoint("GET", "/api/v1/withdrawals/{withdrawalId}", Pool.MANAGEMENT, 20)
CANCEL_WITHDRAWAL = Endpoint(
    "DELETE", "/api/v1/withdrawals/{withdrawalId}", Pool.MANAGEMENT, 20, "Transfer", data_expected=False
)
DEPOSITS = Endpoint("GET", "/api/v1/deposits", Pool.MANAGEMENT, 5)
TRANSFERABLE = Endpoint("GET", "/api/v1/accounts/transferable", Pool.MANAGEMENT, 20)
FLEX_TRANSFER = Endpoint("POST", "/api/v3/accounts/universal-transfer", Pool.MANAGEMENT, 4, "InnerTransfer")
WITHDRAW_V3 = Endpoint("POST", "/api/v3/withdrawals", Pool.MANAGEMENT, 5, "Transfer", pays_out=True)
WITHDRAW_V1 = Endpoint("POST", "/api/v1/withdrawals", Pool.MANAGEMENT, 5, "Transfer", pays_out=True)
# The unified account's withdrawal; its weight is not in any source.
WITHDRAW_UNIFIED = Endpoint("POST", "/api/ua/v1/withdrawal", None, 0, "Transfer", pays_out=True)

ENDPOINTS = (
    TIMESTAMP,
    SERVICE_STATUS,
    MY_IP,
    CURRENCIES,
    CURRENCY,
    API_KEY,
    ACCOUNTS,
    ACCOUNT,
    SPOT_LEDGER,
    WITHDRAWAL_QUOTAS,
    WITHDRAWALS,
    WITHDRAWAL,
    CANCEL_WITHDRAWAL,
    DEPOSITS,
    TRANSFERABLE,
    FLEX_TRANSFER,
    WITHDRAW_V3,
    WITHDRAW_V1,
    WITHDRAW_UNIFIED,
)


def find(method: str, path: str, *, futures: bool = False) -> Endpoint:
    """
    Return the row of an endpoint by method and concrete path.

    One that is not in the table gets a row without pool and weight: signed, and never repeated unless it is a GET.
    """
    for endpoint, pattern in _patterns():
        if endpoint.method == method and endpoint.futures == futures and pattern.fullmatch(path):
            return endpoint
    return Endpoint(method, path, None, 0, futures=futures, data_expected=False)  # type: ignore[arg-type]


@cache
def _patterns() -> tuple[tuple[Endpoint, re.Pattern[str]], ...]:
    # A path without variables comes first: "/accounts/ledgers" is not the account called "ledgers".
    rows = sorted(ENDPOINTS, key=lambda endpoint: "{" in endpoint.path)
    return tuple((row, re.compile(re.sub(r"\{\w+\}", "[^/]+", row.path))) for row in rows)
