"""
The five account ledgers, one row each.

What they mean is not the same everywhere: see :mod:`airflow_provider_kucoin.api.common` for what makes them equal.
Windows, retention and page styles: KuCoin's documentation as the comments say; fields: its published OpenAPI
descriptions (synced 2025-05-29), the unified account's those of Kucoin.Net and tiagosiebler's kucoin-api.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.columns import Column, Kind
from airflow_provider_kucoin.api.datasets import Dataset, Kept, Parameter
from airflow_provider_kucoin.api.endpoints import (
    FUTURES_LEDGER,
    MARGIN_HF_LEDGER,
    SPOT_LEDGER,
    TRADE_HF_LEDGER,
    UNIFIED_LEDGER,
)
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.pages import Stretches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kucoin.api.pages import Item

#: "Only the last 3 x 24 hours"; what lies further back is left out of the answers without an error.
THREE_DAYS = Kept(timedelta(hours=72))

#: Not in any source. No list of KuCoin's futures is known to be kept shorter than 3 months, no ledger than 3 days.
UNKNOWN_FUTURES = Kept(doubtful_after=timedelta(days=89))
UNKNOWN = Kept(doubtful_after=timedelta(hours=72))

#: A day is the longest window of the one ledger that documents one; what is not documented is not asked for longer.
#: "Cannot exceed 24 hours", and whether exactly 24 hours are allowed is UNVERIFIED.
UNDER_A_DAY_MS = 86_399_999

_CURRENCY = Parameter("currency", "currency", most=10)
_DIRECTION = Parameter("direction", "direction", ("in", "out"))
# The set of business types grows, so it is KuCoin that refuses an unknown one.
_BIZ_TYPE = Parameter("biz_type", "bizType")

_ID = Column("id", "id", required=True, meaning="KuCoin's id of the row", distinct=True)
_CODE = Column("currency", "currency", required=True, meaning="code of the currency")
_CREATED_AT = Column("created_at", "createdAt", Kind.INSTANT, required=True, meaning="UTC")
_CONTEXT = Column(
    "context", "context", meaning="as KuCoin sends it: JSON, empty, null or single-quoted text", distinct=True
)
_BUSINESS = (
    Column("account_type", "accountType", meaning="an open set, renamed now and then: no meaning follows from it"),
    Column("biz_type", "bizType", meaning="business type; an open set in mixed spellings"),
    Column("direction", "direction", meaning="in or out"),
)
_HIGH_FREQUENCY = (
    _ID,
    _CODE,
    Column("amount", "amount", Kind.AMOUNT, required=True, meaning="change of the balance, without sign"),
    Column("fee", "fee", Kind.AMOUNT, meaning="fee; in the documented row the amount is what is left after it"),
    Column("tax", "tax", Kind.AMOUNT, meaning="tax, in some regions"),
    Column("balance", "balance", Kind.AMOUNT, meaning="balance after the change"),
    *_BUSINESS,
    _CREATED_AT,
    _CONTEXT,
)

SPOT = Dataset(
    name="spot",
    kind="ledger",
    endpoint=SPOT_LEDGER,
    page_size=500,
    parameters=(_CURRENCY, _DIRECTION, _BIZ_TYPE),
    max_span_ms=UNDER_A_DAY_MS,
    # "1 year": 365 days are kept under every reading of a year.
    kept=Kept(timedelta(days=365)),
    fields=(
        _ID,
        _CODE,
        Column(
            "amount", "amount", Kind.AMOUNT, required=True, meaning="size of the change, without sign, fee included"
        ),
        Column("fee", "fee", Kind.AMOUNT, meaning="the part of the amount that is a fee"),
        Column("balance", "balance", Kind.AMOUNT, meaning="documented as without meaning; usually 0"),
        *_BUSINESS,
        _CREATED_AT,
        _CONTEXT,
    ),
    context=True,
    all_text=True,
)

TRADE_HF = Dataset(
    name="trade_hf",
    kind="ledger",
    endpoint=TRADE_HF_LEDGER,
    page_size=200,
    parameters=(_CURRENCY, _DIRECTION, _BIZ_TYPE),
    # Sorted by createdAt and id, newest first; a bare list, full until the last.
    style=Stretches(),
    kept=THREE_DAYS,
    fields=_HIGH_FREQUENCY,
    context=True,
    all_text=True,
)

MARGIN_HF = Dataset(
    name="margin_hf",
    kind="ledger",
    endpoint=MARGIN_HF_LEDGER,
    page_size=200,
    parameters=(_CURRENCY, _DIRECTION, _BIZ_TYPE),
    style=Stretches(),
    max_span_ms=UNDER_A_DAY_MS,
    # UNVERIFIED; the same as for trade_hf is assumed, because to assume more could lose rows without a word.
    kept=THREE_DAYS,
    fields=_HIGH_FREQUENCY,
    context=True,
)


def _is_pending(item: Item) -> bool:
    """
    Tell the row of a running period: it changes until it is settled, and gets its offset only then.

    Described by KuCoin's old futures documentation: status Pending, offset -1, fee null.
    """
    return item.get("status") == "Pending" or item.get("offset") == -1


FUTURES = Dataset(
    name="futures",
    kind="ledger",
    endpoint=FUTURES_LEDGER,
    # The default; the most that KuCoin gives is in no source, and ccxt asks for no more either.
    page_size=50,
    parameters=(Parameter("currency", "currency"), Parameter("biz_type", "type")),
    style=Stretches(
        size="maxCount",
        cursor="offset",
        cursor_field="offset",
        items="dataList",
        more="hasMore",
        # The order of rows is in no source.
        newest_first=False,
    ),
    # Neither the longest window nor how long rows are kept is in any source; other futures lists are kept for 3 months.
    max_span_ms=UNDER_A_DAY_MS,
    kept=UNKNOWN_FUTURES,
    fields=(
        _CODE,
        Column("offset", "offset", required=True, meaning="unique within the currency", distinct=True),
        Column("amount", "amount", Kind.AMOUNT, required=True, meaning="change, with sign"),
        Column("fee", "fee", Kind.AMOUNT, meaning="fee; negative for a rebate"),
        Column("account_equity", "accountEquity", Kind.AMOUNT, meaning="equity of the account after the change"),
        Column("biz_type", "type", meaning="RealisedPNL, Deposit, Withdrawal, TransferIn, TransferOut; an open set"),
        Column("status", "status", meaning="Completed"),
        Column("created_at", "time", Kind.INSTANT, required=True, meaning="UTC"),
        Column("remark", "remark", meaning="the contract's symbol for RealisedPNL, words for transfers"),
    ),
    key=("currency", "offset"),
    is_provisional=_is_pending,
)

#: The account types of the unified ledger, and the most rows of a page for each.
UNIFIED_PAGES = {"FUNDING": 500, "SPOT": 200, "FUTURES": 100, "CROSS": 500, "ISOLATED": 500, "UNIFIED": 200}

UNIFIED = Dataset(
    name="unified",
    kind="ledger",
    endpoint=UNIFIED_LEDGER,
    page_size=100,
    page_sizes=tuple(("accountType", name, size) for name, size in UNIFIED_PAGES.items()),
    parameters=(
        # KuCoin answers for one account type at a time: all are read unless one is named.
        Parameter("account_type", "accountType", tuple(UNIFIED_PAGES), default=tuple(UNIFIED_PAGES)),
        _CURRENCY,
        Parameter("direction", "direction", ("in", "out"), upper=True),
        Parameter("biz_type", "businessType"),
    ),
    style=Stretches(size="pageSize", last="lastId", items="items", short_is_last=False, newest_first=False),
    # In no source of KuCoin's; a client (kucoin-go) says a day a call, and 7 days back without a word of what is older.
    max_span_ms=UNDER_A_DAY_MS,
    kept=Kept(timedelta(days=7)),
    fields=(
        Column(
            "account_type", "accountType", required=True, meaning="FUNDING, SPOT, FUTURES, CROSS, ISOLATED, UNIFIED"
        ),
        _ID,
        _CODE,
        Column(
            "amount",
            "amount",
            Kind.AMOUNT,
            required=True,
            meaning="size of the change; without sign since 2026-04-28, before that with",
        ),
        Column("fee", "fee", Kind.AMOUNT, meaning="fee"),
        Column("tax", "tax", Kind.AMOUNT, meaning="tax, in some regions"),
        Column("balance", "balance", Kind.AMOUNT, meaning="balance after the change"),
        Column("biz_type", "businessType", meaning="business type; an open set"),
        Column("direction", "direction", meaning="IN or OUT"),
        Column("created_at", "ts", Kind.NANOSECONDS, required=True, meaning="UTC, to the nanosecond"),
        Column("remark", "remark", meaning="as KuCoin sends it"),
    ),
    # Whether an id is there once in all account types is in no source.
    key=("account_type", "id"),
)

LEDGERS = {table.name: table for table in (SPOT, TRADE_HF, MARGIN_HF, FUTURES, UNIFIED)}


def ledger(name: str) -> Dataset:
    """
    Return the ledger of that name.

    :raise InvalidInput: when there is none
    """
    try:
        return LEDGERS[name]
    except KeyError:
        raise InvalidInput(f"ledger={name!r} is not one of {', '.join(map(repr, LEDGERS))}") from None


def symbols(table: Dataset, items: Sequence[Item]) -> set[str]:
    """Return the pairs, or contracts, that a ledger's rows name."""
    found = table.table(items, "")
    if table is FUTURES:
        named = zip(found["biz_type"], found["remark"], strict=True)
        return {remark for biz_type, remark in named if biz_type == "RealisedPNL" and remark}
    return set(filter(None, found["symbol"]))
