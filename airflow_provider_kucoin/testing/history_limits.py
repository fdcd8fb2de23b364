"""
How far a history goes back, how much of it one request may ask for, and what becomes of a request for more.

`DOCUMENTED` is what the exchange starts with; where a source says otherwise, or none says anything, `ALTERNATIVES` has
what a client must be right under as well. Each is a value of `Readings.history_limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from airflow_provider_kucoin.testing.refusals import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kucoin.testing.readings import Readings

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
WEEK_MS: Final = 7 * DAY_MS
# "Three months" in KuCoin's words; how many days it means by them is told nowhere.
MONTHS_3_MS: Final = 90 * DAY_MS
# 2023-04-01: borrowings, repayments and interest are listed from here on (KuCoin's published OpenAPI descriptions).
MARGIN_SINCE_MS: Final = 1_680_278_400_000
# 2019-02-18: the hist-* lists have what happened before, the other lists what happened since (ccxt, rotki).
OLD_UNTIL_MS: Final = 1_550_448_000_000
_FOR_EVER: Final = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one history lets a request ask for; None is no limit."""

    kept_ms: int | None = None
    """How long rows are listed."""
    cancelled_kept_ms: int | None = None
    """How long cancelled orders are, if less."""
    since_ms: int | None = None
    """Nothing from before this time is listed."""
    until_ms: int | None = None
    """Nothing from this time on is listed."""
    beyond: Literal["clamped", "whole_range", "refused"] = "clamped"
    """A range that starts before what is listed: cut to it without a word, replaced by all of it, or refused."""
    span_ms: int | None = None
    """The longest range; whether exactly that passes is `exact_span`."""
    exact_span: bool = True
    too_wide: Literal["refused", "end_clamped", "start_clamped"] = "refused"
    """A longer range: refused, or cut at its end or at its start without a word."""
    one_bound_ms: int | None = None
    """How far the other bound is from the only one given."""
    no_bound_ms: int | None = None
    """How far back from now a range without bounds goes."""


# Sources: KuCoin's old high-frequency documentation (spot fills and orders), its new documentation (futures fills), the
# old futures documentation (futures orders) and the published OpenAPI descriptions (margin). No source says anything of
# the others; of margin fills and orders the same as of spot ones is assumed.
_HF: Final = Limits(kept_ms=3 * DAY_MS)
_FUTURES_FILLS: Final = Limits(
    kept_ms=MONTHS_3_MS, span_ms=WEEK_MS, too_wide="end_clamped", one_bound_ms=DAY_MS, no_bound_ms=DAY_MS
)
_FUTURES_ORDERS: Final = Limits(kept_ms=MONTHS_3_MS, span_ms=WEEK_MS, one_bound_ms=DAY_MS, no_bound_ms=WEEK_MS)
_MARGIN: Final = Limits(since_ms=MARGIN_SINCE_MS)
_NONE: Final = Limits()
DOCUMENTED: Final[Mapping[str, Limits]] = {
    "spot_fills": _HF,
    "spot_orders": _HF,
    "margin_fills": _HF,
    "margin_orders": _HF,
    "borrow": _MARGIN,
    "repay": _MARGIN,
    "interest": _MARGIN,
    "futures_fills": _FUTURES_FILLS,
    "futures_orders": _FUTURES_ORDERS,
    "funding": _NONE,
    "positions": _NONE,
    "lending_purchases": _NONE,
    "lending_redemptions": _NONE,
    "convert_orders": _NONE,
    "convert_limit_orders": _NONE,
    "klines": _NONE,
}

# A newer page gives closed spot orders two days if cancelled and seven if filled, and fills seven days. "The system
# will default to looking up data from within the 3 * 24 hour time range" can be read as: that, and not what was asked
# for. The old futures documentation refuses a long range of fills. Seven days of margin orders; three months of margin
# fills, seven days at a time; six months of funding, three at a time: so a client library of 2026 (tribulnation/typed).
# Of positions and conversions nobody says anything: they are as margin fills here, to see what a client makes of it.
_WHOLE: Final = Limits(kept_ms=3 * DAY_MS, beyond="whole_range")
ALTERNATIVES: Final[Mapping[str, tuple[Limits, ...]]] = {
    "spot_fills": (Limits(kept_ms=WEEK_MS), _WHOLE),
    "spot_orders": (Limits(kept_ms=WEEK_MS, cancelled_kept_ms=2 * DAY_MS), _WHOLE),
    "margin_fills": (Limits(kept_ms=MONTHS_3_MS, span_ms=WEEK_MS), Limits(kept_ms=WEEK_MS), _WHOLE),
    "margin_orders": (Limits(kept_ms=WEEK_MS), _WHOLE),
    "futures_fills": (
        Limits(kept_ms=MONTHS_3_MS, span_ms=WEEK_MS, one_bound_ms=DAY_MS, no_bound_ms=DAY_MS),
        Limits(kept_ms=MONTHS_3_MS, span_ms=WEEK_MS, too_wide="start_clamped", one_bound_ms=DAY_MS, no_bound_ms=DAY_MS),
    ),
    "futures_orders": (
        Limits(kept_ms=MONTHS_3_MS, span_ms=WEEK_MS, exact_span=False, one_bound_ms=DAY_MS, no_bound_ms=DAY_MS),
    ),
    "funding": (Limits(kept_ms=2 * MONTHS_3_MS, span_ms=MONTHS_3_MS, one_bound_ms=MONTHS_3_MS),),
    "positions": (Limits(kept_ms=MONTHS_3_MS, span_ms=WEEK_MS),),
    "convert_orders": (Limits(kept_ms=MONTHS_3_MS, span_ms=WEEK_MS),),
    "convert_limit_orders": (Limits(kept_ms=MONTHS_3_MS, span_ms=WEEK_MS),),
}


class Asked(NamedTuple):
    """The bounds of a request in milliseconds, as they were given."""

    start_at: int | None
    end_at: int | None


def kept(limits: Limits, now_ms: int) -> range:
    """Return the times of which rows are listed at all."""
    starts = [limits.since_ms or 0, 0 if limits.kept_ms is None else now_ms - limits.kept_ms]
    return range(max(starts), _FOR_EVER if limits.until_ms is None else limits.until_ms)


def listed(asked: Asked, limits: Limits, now_ms: int, readings: Readings) -> range:
    """Return the times of which a request is answered, in milliseconds, or refuse it."""
    start, end = _both(asked, limits, now_ms)
    if start is not None and end is not None:
        if start > end:
            # How KuCoin answers this is not known.
            raise bad_parameter("the start time should not be later than the end time")
        start, end = _cut(start, end, limits)
    available = kept(limits, now_ms)
    if start is not None and start < available.start and limits.beyond != "clamped":
        if limits.beyond == "refused":
            raise bad_parameter("the time range is not supported")
        return available
    first = 0 if start is None else start + (0 if readings.history_start_inclusive else 1)
    last = _FOR_EVER if end is None else end + (1 if readings.history_end_inclusive else 0)
    return range(max(first, available.start), min(last, available.stop))


def _both(asked: Asked, limits: Limits, now_ms: int) -> Asked:
    start, end = asked
    if start is None and end is None and limits.no_bound_ms is not None:
        return Asked(now_ms - limits.no_bound_ms, now_ms)
    if limits.one_bound_ms is not None:
        if start is None and end is not None:
            return Asked(end - limits.one_bound_ms, end)
        if end is None and start is not None:
            return Asked(start, start + limits.one_bound_ms)
    return asked


def _cut(start: int, end: int, limits: Limits) -> tuple[int, int]:
    longest = limits.span_ms
    if longest is None or end - start < longest or (end - start == longest and limits.exact_span):
        return start, end
    if limits.too_wide == "refused":
        # That it is refused is documented where it is; the words are not known.
        raise bad_parameter(f"the time range should not exceed {longest // HOUR_MS} hours")
    return (start, start + longest) if limits.too_wide == "end_clamped" else (end - longest, end)
