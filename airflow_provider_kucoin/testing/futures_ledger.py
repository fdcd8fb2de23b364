"""
GET /api/v1/transaction-history on the futures host: pages by offset, newest first.

https://www.kucoin.com/docs-new/api-3470124; of Pending rows and of turning pages with the smallest offset of a page the
old documentation of futures tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing import cursors, exact_json, queries, wire
from airflow_provider_kucoin.testing.cursors import Cut

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.ledger import Filter
    from airflow_provider_kucoin.testing.queries import Window
    from airflow_provider_kucoin.testing.wire import Reply

DEFAULT_COUNT: Final = 50
# Two spellings of one type are about; rows are booked under the one, whichever they are served with.
TYPES: Final = queries.as_they_are("RealisedPNL", "Deposit", "Withdrawal", "TransferIn", "TransferOut") | {
    "Transferin": frozenset({"TransferIn"})
}


def transactions(call: Call) -> Reply:
    """Answer GET /api/v1/transaction-history."""
    exchange, readings = call.exchange, call.exchange.readings
    count = queries.size(call, "maxCount", DEFAULT_COUNT, readings.largest_max_count)
    only = queries.rows(call, TYPES, "type")
    window = queries.window(call, readings.futures_window_ms, readings.futures_retention_ms)
    forward, offset = call.flag("forward", default=True), call.optional_offset("offset")
    view = exchange.running_ledger("futures", call.key.uid).view(*window, only)
    if not forward and offset is not None:
        # What lies on the other side of a row, the nearest of it. That it is newest first, too, is an assumption.
        return _answer(cursors.after(view, offset - 1 if readings.offset_inclusive else offset, count))
    first = _pending_rows(call, window, only) if offset is None else []
    rest = max(count - len(first), 0)
    start = offset + 1 if offset is not None and readings.offset_inclusive else offset
    cut = cursors.before(view, start, rest, readings, exchange.random)
    return _answer(Cut([*first[:count], *cut.texts], cut.last_id, cut.more))


def _pending_rows(call: Call, window: Window, only: Filter) -> list[str]:
    """Return the rows that are not settled yet; they come before all others."""
    exchange, shown = call.exchange, call.exchange.readings.pending_shown
    found = []
    for one in exchange.pending:
        row = exchange.pending_row(one)
        inside = window.start_ms <= row["time"] < window.end_ms
        if one.uid == call.key.uid and only.passes(one.currency, "", row["type"]) and (inside or shown == "always"):
            found.append(exact_json.encode(row))
    return [] if shown == "never" else found


def _answer(cut: Cut) -> Reply:
    more = "true" if cut.more else "false"
    return wire.success(f'{{"dataList":[{",".join(cut.texts)}],"hasMore":{more}}}'.encode())
