"""
KuCoin's REST endpoints: the rows of :mod:`~airflow_provider_kucoin.api.endpoint_table`, and finding one by its path.

What the columns mean, and where each fact comes from, stands there. Here are the names of the endpoints that the code
uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Literal, cast

from airflow_provider_kucoin.api.endpoint_table import FUTURES_HOST, SPOT_HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

SPOT_URL = "https://api.kucoin.com"
FUTURES_URL = "https://api-futures.kucoin.com"

Method = Literal["GET", "POST", "DELETE", "PUT"]


class Pool(StrEnum):
    """
    A rate-limit pool: each key has one quota of weight per 30 seconds in each (KuCoin's rate-limit page).

    The Unified account's has windows of 3 seconds. Brokers have a pool too, on a host of their own.
    """

    SPOT = "Spot"
    FUTURES = "Futures"
    MANAGEMENT = "Management"
    EARN = "Earn"
    PUBLIC = "Public"
    UNIFIED = "Unified"
    COPY_TRADING = "CopyTrading"


class Moves(StrEnum):
    """What a call does to money; the table says which kinds a general call may reach."""

    NOTHING = ""
    WITHIN = "within"
    BETWEEN = "between"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    One REST endpoint.

    :param path: with its variables in braces
    :param pool: the quota it draws from; ``None`` when that is not known
    :param weight: what one call costs; 0 also when that is not known
    :param permission: what the key must be allowed; ``None`` for public endpoints, which are not signed
    :param futures: whether it is served by the futures host
    :param data_expected: whether success means that ``data`` is not null
    :param moves: what it does to money
    """

    method: Method
    path: str
    pool: Pool | None
    weight: int
    permission: str | None = "General"
    futures: bool = False
    data_expected: bool = True
    moves: Moves = Moves.NOTHING

    @property
    def is_safe_to_repeat(self) -> bool:
        """Whether asking again cannot do anything twice."""
        return self.method == "GET"

    @property
    def is_signed(self) -> bool:
        """Whether the call carries the key's signature."""
        return self.permission is not None

    @property
    def pays_out(self) -> bool:
        """Whether it moves money out of the account."""
        return self.moves is Moves.OUT


def parse(table: str, *, futures: bool) -> Iterator[Endpoint]:
    """
    Yield the endpoints of a table.

    :param futures: whether they are on the futures host
    :raise ValueError: for a line that is not understood
    """
    for line in table.splitlines():
        if line and not line.startswith("#"):
            yield _parse(line, futures=futures)


def _parse(line: str, *, futures: bool) -> Endpoint:
    method, path, permission, pool, weight, *notes = line.split()
    moves = Moves("".join(note for note in notes if note != "null"))
    return Endpoint(
        cast("Method", method),
        path,
        None if pool == "?" else Pool(pool),
        0 if weight == "?" else int(weight),
        None if permission == "-" else permission,
        futures=futures,
        data_expected="null" not in notes,
        moves=moves,
    )


ENDPOINTS = (*parse(SPOT_HOST, futures=False), *parse(FUTURES_HOST, futures=True))

# A path without variables is looked up; the few others are tried one after the other, and only after it:
# "/accounts/ledgers" is not the account called "ledgers".
_ROWS = {(row.method, row.path, row.futures): row for row in ENDPOINTS}


def known(method: str, path: str, *, futures: bool = False) -> Endpoint | None:
    """Return the row of an endpoint by method and concrete path, or ``None`` where the table has none."""
    found = None if "{" in path else _ROWS.get((cast("Method", method), path, futures))
    return found or next((row for row, pattern in _patterns(method, futures) if pattern.fullmatch(path)), None)


def find(method: str, path: str, *, futures: bool = False) -> Endpoint:
    """
    Return the row of an endpoint by method and concrete path.

    One that is not in the table gets a row without pool and weight: signed, and never repeated unless it is a GET.
    """
    row = known(method, path, futures=futures)
    return row or Endpoint(cast("Method", method), path, None, 0, futures=futures, data_expected=False)


@cache
def _patterns(method: str, futures: bool) -> tuple[tuple[Endpoint, re.Pattern[str]], ...]:  # noqa: FBT001 - a key
    rows = [row for row in ENDPOINTS if "{" in row.path and (row.method, row.futures) == (method, futures)]
    return tuple((row, re.compile(re.sub(r"\\\{.+?\\\}", "[^/]+", re.escape(row.path)))) for row in rows)


def _spot(method: Method, path: str) -> Endpoint:
    return _ROWS[method, path, False]


def _futures(method: Method, path: str) -> Endpoint:
    return _ROWS[method, path, True]


TIMESTAMP = _spot("GET", "/api/v1/timestamp")
SERVICE_STATUS = _spot("GET", "/api/v1/status")
MY_IP = _spot("GET", "/api/v1/my-ip")
CURRENCIES = _spot("GET", "/api/v3/currencies")
CURRENCY = _spot("GET", "/api/v3/currencies/{currency}")
SYMBOLS = _spot("GET", "/api/v2/symbols")
CONTRACTS = _futures("GET", "/api/v1/contracts/active")
CANDLES = _spot("GET", "/api/v1/market/candles")

API_KEY = _spot("GET", "/api/v1/user/api-key")
USER_INFO = _spot("GET", "/api/v2/user-info")
HF_OPENED = _spot("GET", "/api/v1/hf/accounts/opened")

ACCOUNTS = _spot("GET", "/api/v1/accounts")
ACCOUNT = _spot("GET", "/api/v1/accounts/{accountId}")
CROSS_MARGIN_ACCOUNTS = _spot("GET", "/api/v3/margin/accounts")
ISOLATED_MARGIN_ACCOUNTS = _spot("GET", "/api/v3/isolated/accounts")
FUTURES_ACCOUNT = _futures("GET", "/api/v1/account-overview")
EARN_HOLDINGS = _spot("GET", "/api/v1/earn/hold-assets")
SUB_ACCOUNTS = _spot("GET", "/api/v2/sub/user")
SUB_ACCOUNT = _spot("GET", "/api/v1/sub-accounts/{subUserId}")
SUB_ACCOUNTS_SPOT = _spot("GET", "/api/v2/sub-accounts")
FUTURES_SUB_ACCOUNTS = _futures("GET", "/api/v1/account-overview-all")

SPOT_LEDGER = _spot("GET", "/api/v1/accounts/ledgers")
TRADE_HF_LEDGER = _spot("GET", "/api/v1/hf/accounts/ledgers")
MARGIN_HF_LEDGER = _spot("GET", "/api/v3/hf/margin/account/ledgers")
FUTURES_LEDGER = _futures("GET", "/api/v1/transaction-history")
UNIFIED_LEDGER = _spot("GET", "/api/ua/v1/account/ledger")

DEPOSITS = _spot("GET", "/api/v1/deposits")
HIST_DEPOSITS = _spot("GET", "/api/v1/hist-deposits")
WITHDRAWALS = _spot("GET", "/api/v1/withdrawals")
HIST_WITHDRAWALS = _spot("GET", "/api/v1/hist-withdrawals")
SPOT_FILLS = _spot("GET", "/api/v1/hf/fills")
SPOT_ORDERS = _spot("GET", "/api/v1/hf/orders/done")
ACTIVE_SYMBOLS = _spot("GET", "/api/v1/hf/orders/active/symbols")
MARGIN_FILLS = _spot("GET", "/api/v3/hf/margin/fills")
MARGIN_ORDERS = _spot("GET", "/api/v3/hf/margin/orders/done")
BORROW_HISTORY = _spot("GET", "/api/v3/margin/borrow")
REPAY_HISTORY = _spot("GET", "/api/v3/margin/repay")
INTEREST_HISTORY = _spot("GET", "/api/v3/margin/interest")
PURCHASE_ORDERS = _spot("GET", "/api/v3/purchase/orders")
REDEEM_ORDERS = _spot("GET", "/api/v3/redeem/orders")
FUTURES_FILLS = _futures("GET", "/api/v1/fills")
FUTURES_ORDERS = _futures("GET", "/api/v1/orders")
FUNDING_HISTORY = _futures("GET", "/api/v1/funding-history")
HISTORY_POSITIONS = _futures("GET", "/api/v1/history-positions")
CONVERT_ORDERS = _spot("GET", "/api/v1/convert/order/history")
CONVERT_LIMIT_ORDERS = _spot("GET", "/api/v1/convert/limit/orders")

WITHDRAWAL_QUOTAS = _spot("GET", "/api/v1/withdrawals/quotas")
WITHDRAWAL = _spot("GET", "/api/v1/withdrawals/{withdrawalId}")
CANCEL_WITHDRAWAL = _spot("DELETE", "/api/v1/withdrawals/{withdrawalId}")
WITHDRAW_V3 = _spot("POST", "/api/v3/withdrawals")
WITHDRAW_V1 = _spot("POST", "/api/v1/withdrawals")
WITHDRAW_UNIFIED = _spot("POST", "/api/ua/v1/withdrawal")
TRANSFERABLE = _spot("GET", "/api/v1/accounts/transferable")
FLEX_TRANSFER = _spot("POST", "/api/v3/accounts/universal-transfer")
