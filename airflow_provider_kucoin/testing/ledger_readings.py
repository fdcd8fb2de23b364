"""Readings of the ledgers beside the spot ledger, of balances and of account modes: see `readings`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from airflow_provider_kucoin.testing.history_readings import HistoryReadings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DAY_MS = 86_400_000


@dataclass(slots=True)
class LedgerReadings(HistoryReadings):
    """Settable interpretations of what is written down nowhere. Those about ids count for rows booked from then on."""

    # --- ledgers with a cursor: trade_hf, margin_hf, futures, unified ---
    ids_rise_with_time: bool = True
    """Whether a later row has a greater id (a greater offset, in futures). Pages are cut by ids and sorted by time;
    where ids do not rise, whoever turns pages by them misses rows."""
    ties: Literal["id_descending", "id_ascending", "shuffled"] = "id_descending"
    """The order of rows of one millisecond. Documented for the two hf ledgers is "by createdAt and ID"; of the others
    it is untold. Shuffled is in another order for each request."""
    large_limit: Literal["refused", "cut"] = "refused"
    """What a `limit`, `maxCount` or `pageSize` above the greatest does. Refusal is known for the spot ledger alone."""
    fee_beside_amount: Collection[str] = ()
    """Ledgers whose running balance moves by amount *and* fee. KuCoin's sample of trade_hf has an amount net of fee; it
    is a row of money that comes in, and of the others nothing is told."""

    # --- trade_hf and margin_hf ---
    trade_hf_retention_ms: int | None = 3 * DAY_MS
    """Documented: "from 3 * 24 hours ago up to now". None keeps rows for ever, for old samples."""
    margin_hf_retention_ms: int | None = 3 * DAY_MS
    """The same is assumed; no page tells."""
    beyond_hf_retention: Literal["clipped", "replaced"] = "clipped"
    """What a range gives that reaches further back. Documented: "the system will default to data from within 3 * 24
    hours". That may mean those of its rows that are still there, or all of the last 72 hours whatever was asked for."""
    isolated_balance: Literal["pair", "currency"] = "pair"
    """Whether `balance` of a row of isolated margin is that of its pair's account, or that of the currency in all."""
    margin_account_types: Literal["v2", "renamed"] = "v2"
    """Whether rows are of MARGIN_V2 and ISOLATED_V2, or of MARGIN and ISOLATED, as KuCoin has announced."""

    # --- futures ---
    futures_window_ms: int | None = None
    """The longest range of the futures ledger, None for any. No text recovered tells of one."""
    futures_retention_ms: int | None = None
    """How far back the futures ledger reaches, None for all the way. No text recovered tells of a limit."""
    wide_window: Literal["refused", "cut"] = "refused"
    """What a range longer than the longest does (futures, unified): refusal, or its newest part alone."""
    offsets: Literal["shared", "per_currency"] = "shared"
    """Whether one count gives the rows of all currencies their offsets, or each currency its own from 1."""
    offset_inclusive: bool = False
    """Whether the row whose `offset` is asked for comes again. Documented: hand in the page's smallest offset."""
    largest_max_count: int = 50
    """The greatest `maxCount`. 50 is the default; ccxt asks for no more, and no page tells."""
    pending_shown: Literal["always", "in_window", "never"] = "always"
    """Whether the first page starts with the Pending rows of open positions even when the range asked for does not
    reach to them. Documented: "If there are open positions, the status of the first page returned will be Pending"."""
    pending_equity: Literal["before", "after"] = "before"
    """`accountEquity` of a Pending row: without its amount or with it."""
    pending_in_overview: bool = False
    """Whether what is Pending counts as equity in the account overview already."""
    transfer_in: Literal["TransferIn", "Transferin"] = "TransferIn"
    """`type` of money that comes in. The sample says TransferIn, the description of the parameter Transferin; both may
    be asked for."""

    # --- unified ---
    unified_window_ms: int | None = DAY_MS
    """The longest range. KuCoin's page was not seen; a client library (kucoin-go) says "1 day per call"."""
    unified_retention_ms: int | None = 7 * DAY_MS
    """How far back it reaches. Again from kucoin-go: "7 days total lookback". `beyond_retention` says what lies
    before."""
    unified_shape: Literal["items", "array"] = "items"
    """Whether a page is an object with `items` and `lastId`, or a bare array of rows: client libraries differ."""
    unified_ids: Literal["text", "number"] = "text"
    """The JSON type of `id` and `lastId`: client libraries differ."""
    unified_amount: Literal["positive", "signed"] = "positive"
    """Whether money that goes out has a minus. It had before 2026-04-28, and has none since (Kucoin.Net)."""
    unified_last_id_at_end: Literal["null", "same"] = "null"
    """`lastId` of a page without rows: nothing, or what was asked with."""

    # --- balances ---
    hf_account_type: Literal["trade", "trade_hf"] = "trade"
    """What the list of accounts calls the high-frequency trading account. Documented is trade; users of old have seen
    trade_hf (ccxt issue 20733)."""
    sub_accounts_with_sub_key: Literal["refused", "empty"] = "refused"
    """What a sub-account's own key is told of sub-accounts: 400007, or that there are none."""

    # --- account modes ---
    unified_api_for_classic: Literal["refused", "served"] = "refused"
    """Whether endpoints under /api/ua answer classic accounts, too. KuCoin has put that "into maintenance" in 2026."""
    wrong_mode_codes: Mapping[str, str] = field(default_factory=lambda: {"classic": "116104", "unified": "112010"})
    """The code of an endpoint of the other account mode, by the endpoint's own mode. 112010 "not a unified account" and
    116104 "User not found." were seen, which of them comes where was not."""
