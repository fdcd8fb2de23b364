"""How the histories behave where KuCoin's documentation is silent or says two things: a part of `Readings`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from airflow_provider_kucoin.testing.history_limits import DOCUMENTED

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.history_limits import Limits


@dataclass(slots=True)
class HistoryReadings:
    """Settable interpretations of what is written down nowhere about fills, orders, borrowings, funding and candles."""

    # --- ranges of time ---
    history_limits: dict[str, Limits] = field(default_factory=lambda: dict(DOCUMENTED))
    """How long a dataset's rows are listed and what a request may ask for; for others than the documented see
    `history_limits.ALTERNATIVES`."""
    spot_orders_bounded_by: Literal["lastUpdatedAt", "createdAt"] = "lastUpdatedAt"
    """The time that `startAt` and `endAt` of closed spot orders are about. The old high-frequency documentation says
    the last update; the present one says nothing."""
    margin_orders_bounded_by: Literal["lastUpdatedAt", "createdAt"] = "lastUpdatedAt"
    """The same of closed margin orders. No source says."""
    futures_orders_bounded_by: Literal["createdAt", "updatedAt", "endAt"] = "createdAt"
    """The same of futures orders. No source says."""
    futures_fills_bounded_by: Literal["createdAt", "tradeTime"] = "createdAt"
    """The same of futures fills: in the sample the two are 183 ms apart. No source says."""
    candle_end_inclusive: bool = False
    """Whether a candle that starts at `endAt` is served. No source of KuCoin's says; a client library of 2026
    (tribulnation/typed) found that it is not."""

    # --- pages and cursors ---
    oversized_page: Literal["refused", "clamped"] = "refused"
    """What a page size or `limit` above the documented maximum does. Known is that 500 are not to be exceeded where
    that is the maximum (ccxt quotes the refusal), and nothing of the lists with other maxima."""
    cursor_default_limit: int = 20
    """How many rows come without `limit`. The descriptions say "default 20", and a line above "a maximum of 100"."""
    last_id_when_empty: Literal["zero", "asked", "null"] = "zero"
    """`lastId` of an answer without rows: 0, what was asked for, or null."""
    last_id_on_last_page: Literal["row", "zero"] = "row"
    """`lastId` of an answer after which nothing comes: still that of its last row, or 0."""
    empty_done_orders: Literal["object", "null"] = "object"
    """`data` when no closed order is found."""
    offset_includes_row: bool = False
    """Whether the row that `offset` names comes again."""
    offset_page_max: int | None = None
    """The most rows of an answer by offset, whatever `maxCount` asks for. No maximum is documented."""

    # --- values ---
    cross_margin_symbol: Literal["null", "empty", "DEFAULT"] = "null"
    """`symbol` of what was borrowed in cross margin: null in the samples, "empty" in the description, DEFAULT was seen
    (tribulnation/typed)."""
    margin_requires_currency: bool = True
    """Whether borrowings and repayments are refused without `currency`. The published descriptions require it; a client
    library of 2026 (tribulnation/typed) does not."""
    lending_default_page: int = 50
    """How many lending orders come without `pageSize`. The description says 50, its samples show 10."""
    redeem_apply_time: Literal["null", "number", "text"] = "null"
    """`applyTime` of a redemption: null in the sample, text in the official client's model, a number elsewhere."""
    candles_kept: Literal["newest", "oldest"] = "newest"
    """Which 1,500 candles are served when more were asked for."""
    deposit_extras: Literal["none", "confirms", "confirmation_counts"] = "none"
    """Whether listed deposits have the fields of 2026, and how those about confirmations are called: two client
    libraries (sieblyio/kucoin-api, Kucoin.Net) name them differently. With them comes the id."""
    withdrawal_extras: bool = False
    """Whether listed withdrawals have subStatus, failureReason and failureReasonMsg (Kucoin.Net)."""
    old_rows_in_new_lists: bool = False
    """Whether deposits and withdrawals from before 2019-02-18 are in the present lists, too. Known is that the old
    lists have nothing else (ccxt, rotki)."""
