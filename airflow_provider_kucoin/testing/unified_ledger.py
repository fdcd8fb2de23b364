"""
GET /api/ua/v1/account/ledger: the ledger of unified accounts, by type of account.

KuCoin's page of it was not seen. What is here is what the client libraries kucoin-api, Kucoin.Net, ccxt and kucoin-go
agree on; what they do not agree on, or what one of them says alone, is a reading.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing import cursors, queries, wire
from airflow_provider_kucoin.testing.ledger_kinds import UNIFIED_TYPES

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.cursors import Cut
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply

DEFAULT_PAGE_SIZE: Final = 100
MAX_PAGE_SIZES: Final = {"UNIFIED": 200, "SPOT": 200, "FUNDING": 500, "CROSS": 500, "ISOLATED": 500, "FUTURES": 100}
DIRECTIONS: Final = {"IN": "in", "OUT": "out"}
# Those that Kucoin.Net knows. Others are refused, as the spot ledger does.
TYPES: Final = queries.as_they_are(
    "TRADE_EXCHANGE",
    "TRANSFER",
    "SUB_TRANSFER",
    "RETURNED_FEES",
    "DEDUCTION_FEES",
    "OTHER",
    "SUB_TO_SUB_TRANSFER",
    "SPOT_EXCHANGE",
    "SPOT_EXCHANGE_REBATE",
    "FUTURES_EXCHANGE_OPEN",
    "FUTURES_EXCHANGE_CLOSE",
    "FUTURES_EXCHANGE_REBATE",
    "FUNDING_FEE",
    "LIABILITY_INTEREST",
    "KCS_DEDUCTION_FEES",
    "KCS_RETURNED_FEES",
    "AUTO_EXCHANGE_USER",
)


def ledger(call: Call) -> Reply:
    """Answer GET /api/ua/v1/account/ledger."""
    exchange, readings = call.exchange, call.exchange.readings
    call.required("accountType")
    account_type = call.choice("accountType", UNIFIED_TYPES) or ""
    size = queries.size(call, "pageSize", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZES[account_type])
    only = queries.rows(call, TYPES, "businessType", DIRECTIONS)
    window = queries.window(call, readings.unified_window_ms, readings.unified_retention_ms)
    view = exchange.running_ledger("unified", call.key.uid, account_type).view(*window, only)
    last_id = call.optional_integer("lastId")
    cut = cursors.before(view, last_id, size, readings, exchange.random)
    items = f"[{','.join(cut.texts)}]"
    if readings.unified_shape == "array":
        return wire.success(items.encode())
    if not cut.texts and readings.empty_items != "list":
        items = "null"
    return wire.success(f'{{"items":{items},"lastId":{_last_id(cut, last_id, readings)}}}'.encode())


def _last_id(cut: Cut, asked: int | None, readings: Readings) -> str:
    last = cut.last_id
    if last is None and readings.unified_last_id_at_end == "same":
        last = asked
    return json.dumps(str(last) if last is not None and readings.unified_ids == "text" else last)
