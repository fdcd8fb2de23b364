"""
What open positions have realised in the running 8 hours: Pending rows of the futures ledger, until they are settled.

"If there are open positions, the status of the first page returned will be Pending, indicating the realised profit and
loss in the current 8-hour settlement period" (the old page of the futures ledger). Such a row has offset -1 and no fee.
When the periods end is told nowhere; the RealisedPNL row of KuCoin's sample is of 12:00 UTC, as funding is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from decimal import Decimal

PERIOD_MS: Final = 8 * 3_600_000
_FIRST_END_MS: Final = 4 * 3_600_000
OFFSET: Final = -1


@dataclass(slots=True, kw_only=True)
class Pending:
    """The position in one contract; `amount` is what it has realised since its period began."""

    uid: int
    currency: str
    symbol: str
    amount: Decimal
    changed_at_ms: int
    settles_at_ms: int


def period_end(now_ms: int) -> int:
    """Return when the period ends that a moment is in: at 04:00, 12:00 or 20:00 UTC."""
    return ((now_ms - _FIRST_END_MS) // PERIOD_MS + 1) * PERIOD_MS + _FIRST_END_MS


def shown(pending: Pending, equity: Decimal) -> dict[str, Any]:
    """Return the row as it is served; its numbers are `Decimal`."""
    return {
        "time": pending.changed_at_ms,
        "type": "RealisedPNL",
        "amount": pending.amount,
        "fee": None,
        "accountEquity": equity,
        "status": "Pending",
        "remark": pending.symbol,
        "offset": OFFSET,
        "currency": pending.currency,
    }
