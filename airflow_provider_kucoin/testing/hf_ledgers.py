"""
GET /api/v1/hf/accounts/ledgers and GET /api/v3/hf/margin/account/ledgers: the ledgers of high-frequency accounts.

https://www.kucoin.com/docs-new/api-3470122 and https://www.kucoin.com/docs-new/api-3470123. Both give a bare array,
newest first, of rows whose id is less than `lastId`, and know nothing of what is older than three days: without any
error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing import cursors, queries, wire
from airflow_provider_kucoin.testing.queries import Window

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 200
DIRECTIONS: Final = {"in": "in", "out": "out"}
# A value that is not among these is refused, as the spot ledger is known to do.
TRADE_TYPES: Final = queries.as_they_are(
    "TRADE_EXCHANGE", "TRANSFER", "SUB_TRANSFER", "RETURNED_FEES", "DEDUCTION_FEES", "OTHER"
)
MARGIN_TYPES: Final = queries.as_they_are(
    "TRANSFER", "MARGIN_EXCHANGE", "ISOLATED_EXCHANGE", "LIQUIDATION", "ASSERT_RETURN"
)


def trade_hf(call: Call) -> Reply:
    """Answer GET /api/v1/hf/accounts/ledgers."""
    return _answer(call, "trade_hf", TRADE_TYPES, call.exchange.readings.trade_hf_retention_ms)


def margin_hf(call: Call) -> Reply:
    """Answer GET /api/v3/hf/margin/account/ledgers."""
    return _answer(call, "margin_hf", MARGIN_TYPES, call.exchange.readings.margin_hf_retention_ms)


def _answer(call: Call, ledger: str, types: queries.Types, kept_ms: int | None) -> Reply:
    exchange, readings = call.exchange, call.exchange.readings
    limit = queries.size(call, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    only = queries.rows(call, types, "bizType", DIRECTIONS)
    start, end = queries.bounds(call)
    window = queries.half_open(start, end, readings)
    if kept_ms is not None:
        window = _kept(window, call.exchange.now_ms(), kept_ms, readings)
    view = exchange.running_ledger(ledger, call.key.uid).view(*window, only)
    cut = cursors.before(view, call.optional_integer("lastId"), limit, readings, exchange.random)
    if not cut.texts and readings.empty_items != "list":
        return wire.Reply(
            b'{"code":"200000"}' if readings.empty_items == "absent" else b'{"code":"200000","data":null}',
            code="200000",
        )
    return wire.success(f"[{','.join(cut.texts)}]".encode())


def _kept(window: Window, now_ms: int, kept_ms: int, readings: Readings) -> Window:
    """Return what of a range is still there."""
    horizon = now_ms - kept_ms
    if window.start_ms >= horizon:
        return window
    if readings.beyond_hf_retention == "replaced":
        return Window(horizon, now_ms + 1)
    return Window(horizon, max(horizon, window.end_ms))
