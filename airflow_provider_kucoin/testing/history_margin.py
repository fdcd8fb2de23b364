"""
What was borrowed, repaid and paid as interest on margin, cross or one pair's.

https://www.kucoin.com/docs-new/api-3470207 (borrowings), https://www.kucoin.com/docs-new/api-3470208 (repayments),
https://www.kucoin.com/docs-new/api-3470209 (interest).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing.history_seeding import Seeding, amount, hex_id
from airflow_provider_kucoin.testing.history_styles import Pages
from airflow_provider_kucoin.testing.history_tables import Bounds, Filter, History
from airflow_provider_kucoin.testing.refusals import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.history_rows import Row, Unit
    from airflow_provider_kucoin.testing.history_seeding import About
    from airflow_provider_kucoin.testing.readings import Readings

_STATUSES: Final = ("SUCCESS", "SUCCESS", "SUCCESS", "PENDING", "FAILED")
_BOUNDS: Final = Bounds("startTime", "endTime")
_TIMES: Final[Mapping[str, Unit]] = {"createdTime": "ms"}
# Of a day; one of them with digits that no float keeps.
_RATES: Final = ("0.000296", "0.00001234567890123456", "0")

_BORROW: Final[dict[str, Any]] = {
    "orderNo": "67187162c0d6990007717b15",
    "symbol": None,
    "currency": "USDT",
    "size": "10",
    "actualSize": "10",
    "status": "SUCCESS",
    "createdTime": 1729655138000,
}
_REPAY: Final[dict[str, Any]] = {
    "orderNo": "671873361d5bd400075096ad",
    "symbol": None,
    "currency": "USDT",
    "size": "10",
    "principal": "9.99986518",
    "interest": "0.00013482",
    "status": "SUCCESS",
    "createdTime": 1729655606000,
}
_INTEREST: Final[dict[str, Any]] = {
    "currency": "USDT",
    "dayRatio": "0.000296",
    "interestAmount": "0.00000001",
    "createdTime": 1729663213375,
}

# `symbol` says which pair's margin it is, None that it is cross margin; rows of interest show no symbol.
_AMONG: Final = (
    {"currency": "USDT", "symbol": None},
    {"currency": "BTC", "symbol": None},
    {"currency": "USDT", "symbol": "BTC-USDT"},
)


def _borrow(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    status, size = random.choice(_STATUSES), amount(random, 1_000, 16)
    return {
        **about,
        "size": size,
        "actualSize": size if status == "SUCCESS" else "0",
        "status": status,
        "createdTime": time_ms,
    }, {}


def _repay(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {
        **about,
        "size": amount(random, 1_000, 16),
        "principal": amount(random, 1_000, 16),
        "interest": amount(random, 1, 18),
        "status": random.choice(_STATUSES),
        "createdTime": time_ms,
    }, {}


def _interest(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    fields = {
        "currency": about["currency"],
        "dayRatio": random.choice(_RATES),
        "interestAmount": random.choice(("0.00000001", amount(random, 1, 18))),
        "createdTime": time_ms,
    }
    return fields, {"symbol": about["symbol"]}


def _shown(row: Row, readings: Readings) -> dict[str, Any]:
    """Return a row whose symbol is as the reading has it, if it is none."""
    fields = dict(row.fields)
    if fields["symbol"] is None:
        fields["symbol"] = {"null": None, "empty": "", "DEFAULT": "DEFAULT"}[readings.cross_margin_symbol]
    return fields


def _check(call: Call) -> None:
    """Refuse a question about isolated margin that does not say which pair's: "mandatory" in the descriptions."""
    if call.flag("isIsolated", default=False) and not call.params.get("symbol"):
        raise bad_parameter("symbol is required")


def _is_isolated(row: Row, isolated: str) -> bool:
    return (row.get("symbol") is not None) == (isolated.lower() == "true")


_CURRENCY: Final = Filter("currency", required_by="margin_requires_currency")
# What a symbol does in a question about cross margin is not known: here it leaves nothing.
_COMMON: Final = (Filter("isIsolated", default="false", matches=_is_isolated), Filter("symbol"))
_STYLE: Final = Pages(timestamp=True)

BORROW: Final = History(
    name="borrow",
    path="/api/v3/margin/borrow",
    permission="Margin",
    weight=15,
    style=_STYLE,
    sample=_BORROW,
    times=_TIMES,
    ids={"orderNo": lambda number, time_ms: hex_id(time_ms, number)},
    filters=(_CURRENCY, *_COMMON, Filter("orderNo")),
    bounds=_BOUNDS,
    shown=_shown,
    check=_check,
    seeding=Seeding(make=_borrow, among=_AMONG),
)
REPAY: Final = History(
    name="repay",
    path="/api/v3/margin/repay",
    permission="Margin",
    weight=15,
    style=_STYLE,
    sample=_REPAY,
    times=_TIMES,
    ids={"orderNo": lambda number, time_ms: hex_id(time_ms, number)},
    filters=(_CURRENCY, *_COMMON, Filter("orderNo")),
    bounds=_BOUNDS,
    shown=_shown,
    check=_check,
    seeding=Seeding(make=_repay, among=_AMONG),
)
INTEREST: Final = History(
    name="interest",
    path="/api/v3/margin/interest",
    permission="Margin",
    weight=20,
    style=_STYLE,
    sample=_INTEREST,
    times=_TIMES,
    filters=(Filter("currency"), *_COMMON),
    bounds=_BOUNDS,
    check=_check,
    seeding=Seeding(make=_interest, among=_AMONG, doubles=True),
)
HISTORIES: Final = (BORROW, REPAY, INTEREST)
