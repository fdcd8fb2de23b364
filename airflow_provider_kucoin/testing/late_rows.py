"""Rows that are booked inside the window that a request asks for, just before it is answered (`Fault.LATE_ROW`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing import queries

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.faults import Parameters

# The ledger that a path lists; requests to others book a spot row.
_LEDGERS: Final = {
    "/api/v1/hf/accounts/ledgers": "trade_hf",
    "/api/v3/hf/margin/account/ledgers": "margin_hf",
    "/api/v1/transaction-history": "futures",
    "/api/ua/v1/account/ledger": "unified",
    "/api/ua/v2/account/ledger": "unified",
}
_BIZ_TYPES: Final = {"spot": "KuCoin Bonus", "futures": "TransferIn"}


def book(call: Call, path: str, parameters: Parameters) -> None:
    """Book rows into the ledger that a path lists."""
    ledger = _LEDGERS.get(path, "spot")
    for _ in range(parameters["rows"]):
        call.exchange.book(
            ledger=ledger,
            created_at=parameters["created_at"] or _newest_moment(call),
            biz_type=_BIZ_TYPES.get(ledger, "TRANSFER"),
            account_type=call.params.get("accountType") if ledger == "unified" else None,
            tag="BTC-USDT",
            uid=call.key.uid,
        )


def _newest_moment(call: Call) -> int:
    """Return a moment inside the window whatever the readings about its ends: a millisecond before the last one."""
    start, end = queries.bounds(call)
    if end is None:
        end = call.exchange.now_ms() if start is None else start + queries.DAY_MS
    return max(end - queries.DAY_MS if start is None else start, end - 1)
