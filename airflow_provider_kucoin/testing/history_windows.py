"""What the lists of withdrawals and of deposits have in common: which items are asked for, and when they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing.history_limits import DAY_MS, OLD_UNTIL_MS
from airflow_provider_kucoin.testing.refusals import bad_parameter

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.readings import Readings

_FOR_EVER: Final = 1 << 62


def currency(call: Call) -> str | None:
    """Return the currency asked for, None for all of them."""
    if call.exchange.readings.list_requires_currency:
        return call.required("currency")
    return call.params.get("currency") or None


def span(call: Call, unit_ms: int = 1) -> range:
    """Return the times asked for, in milliseconds. That a bound left out is no bound is an assumption."""
    readings = call.exchange.readings
    start, end = call.optional_integer("startAt"), call.optional_integer("endAt")
    if start is not None and end is not None and start > end:
        # How KuCoin answers this is not known.
        raise bad_parameter("startAt should not be later than endAt")
    first = 0
    if start is not None:
        first = start * unit_ms + (0 if readings.history_start_inclusive else 1)
    elif readings.history_default_days is not None:
        first = (call.now_ms if end is None else end * unit_ms) - readings.history_default_days * DAY_MS
    last = _FOR_EVER if end is None else end * unit_ms + (1 if readings.history_end_inclusive else 0)
    return range(first, last)


def shown_time(time_ms: int, readings: Readings) -> int:
    """Return a time as the lists show it."""
    return time_ms // 1000 * 1000 if readings.created_at_floored_to_seconds else time_ms


def old_span(call: Call) -> range:
    """Return the times asked for of an old list. Its items are in seconds; what its bounds are in is a reading."""
    return span(call, unit_ms=1000 if call.exchange.readings.old_history_unit == "s" else 1)


def is_listed(created_at_ms: int, readings: Readings, *, old: bool) -> bool:
    """Whether an old list, or a present one, has what was made at a time."""
    if old:
        return created_at_ms < OLD_UNTIL_MS
    return created_at_ms >= OLD_UNTIL_MS or readings.old_rows_in_new_lists
