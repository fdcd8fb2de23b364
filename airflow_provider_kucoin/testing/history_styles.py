"""
How KuCoin cuts histories into answers: by page, by cursor, by offset.

A style reads its parameters from a request, and makes the answer out of the rows that are listed.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kucoin.testing import pages, wire
from airflow_provider_kucoin.testing.history_rows import encode
from airflow_provider_kucoin.testing.refusals import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.history_rows import Row, View
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply


@dataclass(frozen=True, slots=True)
class Listing:
    """
    What a request may see.

    Pages and offsets go by time, so their view's keys are times; the keys of a cursor's view are cursors.
    """

    view: View
    times: range
    is_listed: Callable[[Row], bool]
    """Whether a row's time is one of `times`, and it is still kept."""
    shown: Callable[[Row], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pages:
    """Numbered pages, each of which says how many rows there are in all."""

    most: int = pages.MAX_PAGE_SIZE
    least: int = pages.MIN_PAGE_SIZE
    default: int = pages.DEFAULT_PAGE_SIZE
    number: str = "currentPage"
    size: str = "pageSize"
    timestamp: bool = False
    """Whether the answer also says what time it is."""
    default_reading: str = ""
    """The reading that has the default instead."""
    refusal: str = ""
    """The words with which a size out of range is refused, where they are known."""
    by_cursor: ClassVar[bool] = False

    def asked_for(self, call: Call) -> pages.Page:
        """Return the page that a request asks for."""
        readings = call.exchange.readings
        number = call.integer(self.number, 1)
        if number < 1:
            # How KuCoin answers this is not known.
            raise bad_parameter(f"{self.number} should not be less than 1")
        default: int = getattr(readings, self.default_reading) if self.default_reading else self.default
        wanted = call.integer(self.size, default)
        if self.refusal and not self.least <= wanted <= self.most:
            raise bad_parameter(self.refusal)
        if readings.oversized_page == "clamped":
            wanted = min(wanted, self.most)
        return pages.Page(number, pages.size(wanted, readings, self.least, self.most))

    def answer(self, call: Call, listing: Listing) -> Reply:
        """Answer with a page, newest first."""
        readings = call.exchange.readings
        page = self.asked_for(call)
        first, last = listing.view.between(listing.times)
        total = last - first
        if readings.shuffle_ties:
            rows = page.of(list(_ties_shuffled(listing.view, first, last, call.exchange.random)))
        else:
            stop = max(last - (page.number - 1) * page.size, first)
            rows = listing.view.rows[max(stop - page.size, first) : stop][::-1]
        fields: dict[str, Any] = {"timestamp": call.now_ms} if self.timestamp else {}
        fields |= {
            "currentPage": page.number,
            "pageSize": page.size,
            "totalNum": total,
            "totalPage": -(-total // page.size),
        }
        return _answer(fields | _items("items", rows, listing, readings))


def _ties_shuffled(view: View, first: int, last: int, random: Random) -> Iterator[Row]:
    """Yield rows newest first, those of one millisecond in an order drawn anew for each request."""
    drawn = sorted(range(first, last), key=lambda index: (-view.keys[index], random.random()))
    return (view.rows[index] for index in drawn)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The newest rows and a `lastId`, with which a next request gets those below."""

    most: int = 100
    nullable: bool = False
    """Whether `data` itself may be null."""
    least_last_id: int = 0
    by_cursor: ClassVar[bool] = True

    def answer(self, call: Call, listing: Listing) -> Reply:
        """Answer with the rows below the cursor, the highest first."""
        readings = call.exchange.readings
        last_id, limit = call.optional_integer("lastId"), call.integer("limit", readings.cursor_default_limit)
        if last_id is not None and last_id < self.least_last_id:
            # That it is to be more than 0 is documented; how KuCoin answers this is not known.
            raise bad_parameter(f"lastId should not be less than {self.least_last_id}")
        limit = _count("limit", limit, self.most, readings)
        rows, more = _below(listing, last_id, limit)
        if not rows:
            if self.nullable and readings.empty_done_orders == "null":
                return wire.success(b"null")
            end = {"zero": 0, "asked": last_id or 0, "null": None}[readings.last_id_when_empty]
        elif not more and readings.last_id_on_last_page == "zero":
            end = 0
        else:
            end = rows[-1][0]
        found = [row for _, row in rows]
        return _answer({"lastId": end} | _items("items", found, listing, readings))


def _below(listing: Listing, last_id: int | None, limit: int) -> tuple[list[tuple[int, Row]], bool]:
    """Return up to `limit` rows below a cursor, with their own, and whether there are more."""
    view = listing.view
    start = len(view.rows) if last_id is None else bisect_left(view.keys, last_id)
    found: list[tuple[int, Row]] = []
    for index in range(start - 1, -1, -1):
        if listing.is_listed(view.rows[index]):
            if len(found) == limit:
                return found, True
            found.append((view.keys[index], view.rows[index]))
    return found, False


@dataclass(frozen=True, slots=True)
class Offset:
    """
    The newest rows, `hasMore`, and an `offset` that names the row from which a next request goes on.

    `reverse` (true unless given) is newest first; `forward` (true unless given) goes on in that direction, false goes
    back. KuCoin describes both with the same words; this is how its old futures documentation can be read.
    """

    default: int = 10
    most: int = 10
    field: str = "id"
    by_cursor: ClassVar[bool] = False

    def answer(self, call: Call, listing: Listing) -> Reply:
        """Answer with the rows after the one that `offset` names."""
        readings = call.exchange.readings
        count = _count("maxCount", call.integer("maxCount", self.default), readings.offset_page_max, readings)
        offset = call.optional_integer("offset")
        newest_first, forward = call.flag("reverse", default=True), call.flag("forward", default=True)
        first, last = listing.view.between(listing.times)
        rows = listing.view.rows[first:last]
        if newest_first:
            rows.reverse()
        if offset is not None:
            rows = self._beyond(rows, offset, forward=forward, newest_first=newest_first, readings=readings)
        shown = rows[:count] if forward or offset is None else rows[-count:]
        return _answer(_items("dataList", shown, listing, readings) | {"hasMore": len(rows) > len(shown)})

    def _beyond(
        self, rows: list[Row], offset: int, *, forward: bool, newest_first: bool, readings: Readings
    ) -> list[Row]:
        """Return the rows after, or before, the one with an id; without such a row, those with lower or higher ids."""
        place = next((index for index, row in enumerate(rows) if row.get(self.field) == offset), None)
        if place is None:
            lower = forward == newest_first
            return [row for row in rows if (row.get(self.field) < offset) == lower]
        too = 1 if readings.offset_includes_row else 0
        return rows[place + 1 - too :] if forward else rows[: place + too]


Style = Pages | Cursor | Offset


def _count(name: str, wanted: int, most: int | None, readings: Readings) -> int:
    if wanted < 1:
        # How KuCoin answers this is not known.
        raise bad_parameter(f"{name} should not be less than 1")
    if most is None or wanted <= most:
        return wanted
    if name == "maxCount" or readings.oversized_page == "clamped":
        return most
    raise bad_parameter(f"{name} should not greater than {most}")


def _items(name: str, rows: Sequence[Row], listing: Listing, readings: Readings) -> dict[str, Any]:
    """Return the field of the rows; when there are none, as the reading has it."""
    if rows or readings.empty_items == "list":
        return {name: [listing.shown(row) for row in rows]}
    return {name: None} if readings.empty_items == "null" else {}


def _answer(data: dict[str, Any]) -> Reply:
    return wire.success(encode(data).encode())
