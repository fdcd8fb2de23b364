"""
How the exchange behaves where KuCoin's documentation is silent.

None of these is known. A client is right when it is right under every value; tests turn the knobs, one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from airflow_provider_kucoin.testing.ledger_readings import LedgerReadings

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Readings(LedgerReadings):
    """Settable interpretations of what is written down nowhere; change them while the exchange runs if need be."""

    # --- the window of the spot ledger ---
    start_inclusive: bool = True
    """Whether a row with `createdAt == startAt` is served."""
    end_inclusive: bool = True
    """Whether a row with `createdAt == endAt` is served."""
    exactly_24h_allowed: bool = True
    """The documentation says "cannot exceed 24 hours"; whether `endAt - startAt == 86 400 000` passes is untold."""
    no_bounds: Literal["last_24h", "all"] = "last_24h"
    """What a request with neither `startAt` nor `endAt` means. (One alone is documented.)"""

    # --- retention ---
    retention_days: int | None = 365
    """Documented is "one year"; 365 days or a calendar year is not. None keeps rows for ever, for old samples."""
    beyond_retention: Literal["empty", "error"] = "empty"
    """What a window that starts before the horizon gives: only the rows still there, or a refusal."""

    # --- pages ---
    empty_items: Literal["list", "null", "absent"] = "list"
    """`items` when there are none. Null has been seen in the wild (ccxt issue 21200)."""
    small_page: Literal["refuse", "serve", "raise_to_10"] = "refuse"
    """What a `pageSize` below the documented minimum of 10 does."""
    shuffle_ties: bool = False
    """Whether rows of one millisecond change their order from request to request. Documented is "newest first"."""

    # --- values ---
    accepts_rebate: bool = True
    """REBATE is a request value of `bizType` in a client library of 2026, not in KuCoin's own description."""

    # --- keys and headers ---
    key_version_headers: tuple[str, ...] = ("2", "3")
    """`KC-API-KEY-VERSION` values taken for a version 3 key. The documentation wants 3; clients still pass with 2."""
    content_type_required_on_get: bool = False
    """Whether a GET without any `Content-Type` is answered with 415000, as one with a wrong type is."""
    expired_key_code: str = "400003"
    """The code for a key that has expired."""
    unrestricted_ip_whitelist: Literal["absent", "empty", "null"] = "absent"
    """`ipWhitelist` of a key without one. The field is not among those that KuCoin's description requires."""
    extended_api_key: bool = True
    """Whether the key's description has the fields added since 2025-11 (parentUid, region, kycStatus, siteType, …)."""
    http_status: Mapping[str, int] = field(default_factory=dict)
    """HTTP status by code, over the defaults of `refusals`: most were never seen. Clients must go by the code."""

    # --- rate limits ---
    ratelimit_headers_on_public: bool = False
    """`gw-ratelimit-*` are documented for private replies."""

    # --- withdrawing: who may, and what a request may look like ---
    withdrawal_needs_ip_whitelist: bool = True
    """Whether a key without IP whitelist is refused (400007) although it has the permission. At KuCoin such a key
    cannot be made; what becomes of one that was made before that rule is untold."""
    v1_withdrawals: Literal["served", "deprecated"] = "served"
    """Whether the abandoned POST /api/v1/withdrawals still works, or answers 401000."""
    v1_amount: Literal["integer", "number"] = "integer"
    """The JSON number that V1 takes. Recent pages say integer, older ones number; no source says text."""
    v3_amount: Literal["text", "text_or_number"] = "text_or_number"
    """The amount that V3 takes. Documented is text; ccxt sends a number and is served."""
    withdraw_type_required: bool = True
    """Whether V3 refuses a body without `withdrawType`. Documented as required; a sample of KuCoin's own omits it."""
    chain_names_accepted: bool = False
    """Whether `chain` may be a chain's name ("TRC20"). Documented is the id, with names in the text of some pages."""
    address_shapes_checked: bool = True
    """Whether an address must look like one of its chain, see `reference.ADDRESS_SHAPES`."""
    empty_memo: Literal["none", "refused"] = "refused"
    """What `"memo": ""` is on a chain without memos. Documented is "omit it"."""
    missing_memo: Literal["sent", "refused"] = "sent"
    """What a withdrawal without memo does on a chain that needs one. At KuCoin it is sent, and lost (see `is_lost`)."""
    remark_limit: int | None = None
    """The longest remark that is taken; a longer one is refused. None takes all. (For cutting see `remark`.)"""

    # --- withdrawing: what it does ---
    insufficient_funds: tuple[str, str] = ("400100", "account.available.amount")
    """When MAIN has too little. "request parameter illegal" and 260100 "account.noBalance" were seen, too."""
    withdrawal_limit_code: str = "400100"
    """The code that comes with "Withdrawal Limit Exceeded". The message was seen, its code was not."""
    direct_limit_code: str = "429000"
    """The code of the fourth withdrawal by UID, MAIL or PHONE within 10 seconds. That it is refused is documented."""
    withdrawal_booked: Literal["accepted", "settled", "never"] = "accepted"
    """When a withdrawal leaves the balance and its row comes into the ledger. With "settled" it is on hold until
    SUCCESS; "never" is "accepted" without the row."""
    status_after_cancel: str = "FAILURE"
    """There is no status for "cancelled" among the documented ones."""
    cancel_ms: int = 0
    """How long a cancelled withdrawal stays PROCESSING, with `cancelType` CANCELING."""

    # --- quotas of withdrawals ---
    quota_of_other_chain: Literal["default_chain", "refused"] = "default_chain"
    """What quotas say of a chain that the currency has not. KuCoin's own sample asks for BTC on eth, and gets BTC's."""
    quota_day: Literal["utc", "rolling_24h"] = "utc"
    """What the "current day" is of which `remainAmount` tells."""

    # --- history of withdrawals and deposits ---
    history_lag_ms: int = 0
    """How long after its creation a withdrawal appears in the list."""
    by_id_lag_ms: int | None = None
    """How long after its creation a withdrawal is found by its id; None is as `history_lag_ms`."""
    unknown_withdrawal: Literal["refused", "null"] = "refused"
    """What asking for an id that is not (yet) known gives: 400100, or success with `data` null."""
    created_at_floored_to_seconds: bool = True
    """Whether `createdAt` and `updatedAt` are whole seconds, as in every sample. The window asked for is compared with
    what is shown."""
    history_start_inclusive: bool = True
    """Whether an item with `createdAt == startAt` is listed."""
    history_end_inclusive: bool = True
    """Whether an item with `createdAt == endAt` is listed."""
    history_default_days: int | None = None
    """How far back a list goes that is asked for without `startAt`. Documented for no list but an old one (a month)."""
    list_requires_currency: bool = True
    """Whether a list without `currency` is refused. Recent pages call it required; older ones and clients do not."""
    list_rows_have_id: bool = True
    """Whether a listed withdrawal has its id. The schema has it; the samples have not, and show `arrears` instead."""
    remark: Literal["kept", "dropped", "null"] | int = "kept"
    """How the remark of a withdrawal comes back: as it was sent, "", null, or cut to so many characters."""
    internal_amount: Literal["net", "gross"] = "net"
    """The amount shown when the fee was taken out of it (INTERNAL): what arrives, or what was asked for."""
    inner_chain: Literal["kept", "empty"] = "kept"
    """`chain` of an inner withdrawal to an address. One page says that it is empty; both samples show the chain."""
    no_tx_id: Literal["null", "empty"] = "null"
    """`walletTxId` while there is none."""
    deposit_rows_have_id: bool = False
    """Whether a listed deposit has an id; pages of 2026 show one, all before do not."""
    deposit_chain: Literal["id", "name"] = "id"
    """What `chain` of a listed deposit is. Documented is the name; the sample shows the id."""
    old_history_unit: Literal["s", "ms"] = "s"
    """The unit of `startAt` and `endAt` at hist-withdrawals; its items are in seconds, clients do both."""

    # --- transfers ---
    duplicate_client_oid: Literal["first", "refused", "acted_again"] = "first"
    """What a flex transfer with a `clientOid` that was used before does: give the first one's order id, refuse, or move
    the money once more."""
    transfer_insufficient_funds: tuple[str, str] = ("230003", "Balance insufficient")
    """Code and message when the paying account has too little; 200004 and 210021 were seen too."""
    transfers_booked: bool = True
    """Whether both rows of a transfer come into the ledger."""
    deposits_booked: bool = True
    """Whether a deposit's row comes into the ledger when it is credited."""
