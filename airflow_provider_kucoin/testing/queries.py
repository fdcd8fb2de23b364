"""What requests to the ledgers have in common: currencies, directions, business types, bounds of time, sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from airflow_provider_kucoin.testing.ledger import Filter
from airflow_provider_kucoin.testing.refusals import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.readings import Readings

DAY_MS: Final = 86_400_000
MAX_CURRENCIES: Final = 10
FOR_EVER: Final = 1 << 62

# What may be asked for, and the values of rows that it means.
Types = dict[str, frozenset[str]]


class Window(NamedTuple):
    """Times of rows, half-open."""

    start_ms: int
    end_ms: int


def as_they_are(*values: str) -> Types:
    """Return values that are asked for as rows have them."""
    return {value: frozenset({value}) for value in values}


def currencies(call: Call) -> frozenset[str] | None:
    """Return the currencies that a comma list asks for, None for all."""
    codes = [code for code in call.params.get("currency", "").split(",") if code]
    if len(codes) > MAX_CURRENCIES:
        # How KuCoin answers this is not known.
        raise bad_parameter(f"currency should not be more than {MAX_CURRENCIES}")
    return frozenset(codes) if codes else None


def rows(call: Call, types: Types, type_name: str, directions: Mapping[str, str] | None = None) -> Filter:
    """Return which rows are asked for; `directions` is by the word that requests have for it."""
    wanted = call.choice(type_name, types)
    direction = None if directions is None else call.choice("direction", directions)
    return Filter(
        currencies=currencies(call),
        direction=None if directions is None or direction is None else directions[direction],
        biz_types=None if wanted is None else types[wanted],
    )


def size(call: Call, name: str, default: int, largest: int) -> int:
    """Return how many rows are asked for."""
    wanted = call.integer(name, default)
    if wanted < 1:
        # How KuCoin answers this is not known.
        raise bad_parameter(f"{name} should not be less than 1")
    if wanted > largest and call.exchange.readings.large_limit == "refused":
        raise bad_parameter(f"{name} should not be greater than {largest}")
    return min(wanted, largest)


def bounds(call: Call) -> tuple[int | None, int | None]:
    """Return the times asked for, as they were asked for."""
    start, end = call.optional_integer("startAt"), call.optional_integer("endAt")
    if start is not None and end is not None and start > end:
        # How KuCoin answers this is not known.
        raise bad_parameter("startAt should not be later than endAt")
    return start, end


def half_open(start: int | None, end: int | None, readings: Readings) -> Window:
    """Return the rows' times for bounds; which of both ends belongs is a reading. A bound left out is none."""
    first = 0 if start is None else start + (0 if readings.start_inclusive else 1)
    stop = FOR_EVER if end is None else end + (1 if readings.end_inclusive else 0)
    return Window(first, max(first, stop))


def window(call: Call, longest_ms: int | None, kept_ms: int | None) -> Window:
    """Return the times of the rows that are asked for, where a range may be too long or reach too far back."""
    readings, now = call.exchange.readings, call.exchange.now_ms()
    start, end = bounds(call)
    if longest_ms is not None:
        start, end = _at_most(longest_ms, start, end, now, readings)
    asked = half_open(start, end, readings)
    if kept_ms is None:
        return asked
    horizon = now - kept_ms
    if start is not None and start < horizon and readings.beyond_retention == "error":
        # That it is refused is a reading; the words are ours.
        raise bad_parameter("the query time is too long ago")
    first = max(asked.start_ms, horizon)
    return Window(first, max(first, asked.end_ms))


def _at_most(
    longest_ms: int, start: int | None, end: int | None, now: int, readings: Readings
) -> tuple[int | None, int | None]:
    """Return bounds that are no further apart than allowed; one that was left out is as far away as it may be."""
    if start is None and end is None:
        return (now - longest_ms, now) if readings.no_bounds == "last_24h" else (None, None)
    if start is None or end is None:
        return (start, start + longest_ms) if start is not None else ((end or 0) - longest_ms, end)
    if end - start < longest_ms or (end - start == longest_ms and readings.exactly_24h_allowed):
        return start, end
    if readings.wide_window == "refused":
        # The words are ours.
        raise bad_parameter("the time span is too long")
    return end - longest_ms, end
