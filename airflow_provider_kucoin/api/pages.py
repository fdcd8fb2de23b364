"""
How KuCoin cuts listings into answers.

*Numbered* (:class:`Numbered`): a page number and size in; ``totalNum``, ``totalPage`` and ``items`` out. Lists are
newest first (KuCoin's published descriptions), so rows that arrive while pages are being read push others onto the
next page. Every page says how many rows there are in all: as long as that number stands still while all pages are
read, nothing moved; when it does not, the reading is worth nothing.

*Stretches* (:class:`Stretches`): the newest rows of a range of time, so many at the most, and a cursor to what lies
below the last of them. No answer says how many rows there are.

*Candles* (:class:`Candles`): all of a range at once, each row a list of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import ceil
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.blocks import Block, is_block
from airflow_provider_kucoin.api.errors import Incomplete, Unavailable

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from airflow_provider_kucoin.api.signing import Value

Item = dict[str, Any]
#: The last moment that Python's datetimes hold.
LATEST_MS = 253_402_300_799_999
#: What the rows of an answer may be in.
LISTS = (list, Block)


@dataclass(frozen=True, slots=True)
class Numbered:
    """
    Pages by number.

    :param number: KuCoin's name of the parameter for the page's number, from 1
    :param size: KuCoin's name of the parameter for the rows per page
    """

    number: str = "currentPage"
    size: str = "pageSize"


@dataclass(frozen=True, slots=True)
class Stretches:
    """
    The newest rows of a range, with a cursor to those below.

    The cursor is used only where time does not tell rows apart. It means "rows whose id is lower" (KuCoin's description
    of the high-frequency ledger) while rows are listed by time and then by id: where ids do not rise with time, and no
    source says that they do, a cursor would pass over rows without a word. To go on from the oldest row's time loses
    none.

    :param size: KuCoin's name of the parameter for the most rows of an answer
    :param cursor: KuCoin's name of the parameter for where to go on
    :param cursor_field: the field of the rows that goes there, the lowest of an answer's
    :param last: the field of the answer that goes there instead
    :param items: the field of the answer that holds the rows; empty when the answer is the rows
    :param more: the field that says whether there are more rows; empty where a full answer says so
    :param short_is_last: whether an answer that is not full is known to be the last, as it is for the bare lists.
        Where it is not, only an answer that brings nothing new ends a listing
    :param newest_first: whether the order of rows is documented to be that of their times. Where it is not, a range is
        cut until it fits one answer
    """

    size: str = "limit"
    cursor: str = "lastId"
    cursor_field: str = "id"
    last: str = ""
    items: str = ""
    more: str = ""
    short_is_last: bool = True
    newest_first: bool = True


@dataclass(frozen=True, slots=True)
class Candles:
    """
    Everything in one answer, as lists of values.

    :param names: of the values, in order
    """

    names: tuple[str, ...]


Style = Numbered | Stretches | Candles


class Below(Enum):
    """What an answer says of rows below those that it brought."""

    NOTHING = auto()
    PERHAPS = auto()
    SOMETHING = auto()


@dataclass(frozen=True, slots=True)
class Stretch:
    """
    What one answer brings of a range.

    :param items: in KuCoin's order
    :param below: whether there are rows below them
    :param is_full: whether it holds as many rows as were asked for
    :param cursor: where to go on below them; ``None`` where nothing tells
    """

    items: list[Item]
    below: Below
    is_full: bool
    cursor: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it holds all rows of the range that was asked for."""
        return self.below is Below.NOTHING or (self.below is Below.PERHAPS and not self.is_full)


def parse_stretch(style: Stretches | Candles, data: Any, size: int) -> Stretch:
    """
    Return the rows in an answer's data.

    :param size: the most rows that were asked for
    :raise Incomplete: when the answer is not of the style
    """
    if isinstance(style, Candles):
        return _parse_candles(style, data, size)
    items, more = data, None
    if style.items:
        if not isinstance(data, dict):
            raise Incomplete(f"the answer is not a listing: {type(data).__name__} where an object is due")
        items = data.get(style.items)
        more = data.get(style.more) if style.more else None
    if style.more and type(more) is not bool:
        raise Incomplete(f"the answer is not a listing: {style.more} is {_short(more)}")
    # Lists may be null or absent when they are empty (seen for pages: ccxt#21200).
    items = [] if items is None else items
    if type(items) not in LISTS or len(items) > size:
        got = f"{len(items)} rows" if type(items) in LISTS else type(items).__name__
        raise Incomplete(f"the answer is not a listing: asked for {size} rows at the most, got {got}")
    if more is None:
        below = Below.NOTHING if not items or (style.short_is_last and len(items) < size) else Below.PERHAPS
    else:
        below = Below.SOMETHING if more else Below.NOTHING
    return Stretch(items, below, len(items) == size, _cursor(style, data, items))


def _cursor(style: Stretches, data: Any, items: list[Any]) -> str | None:
    if style.last:
        found = data.get(style.last)
        return None if found is None else str(found)
    name = style.cursor_field
    try:
        if is_block(items):
            return str(min(items.numbers(name)))
        # Rows may be of a type of their own, see Dataset.decode.
        return str(min((item[name] if isinstance(item, dict) else getattr(item, name) for item in items), key=int))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _short(value: Any) -> str:
    return repr(value)[:80]


def _parse_candles(style: Candles, data: Any, size: int) -> Stretch:
    data = [] if data is None else data
    if type(data) is not list or not all(type(row) is list and len(row) == len(style.names) for row in data):
        raise Incomplete(f"the answer is not a list of candles of {len(style.names)} values")
    items = [dict(zip(style.names, row, strict=True)) for row in data]
    full = len(items) >= size
    return Stretch(items, Below.PERHAPS if full else Below.NOTHING, full)


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page of a listing.

    :param items: newest first, as KuCoin sends them
    :param number: from 1
    :param size: rows per full page
    :param total: rows in all, as KuCoin says
    """

    items: list[Item]
    number: int
    size: int
    total: int

    @property
    def count(self) -> int:
        """How many pages there are; one, empty, when there are no rows."""
        return max(1, ceil(self.total / self.size))


def parse_page(data: Any, number: int, size: int) -> Page:
    """
    Return the page in an answer's data.

    ``items`` is null or absent when there are none (seen: ccxt#21200).

    :param number: as asked for
    :param size: as asked for
    :raise Incomplete: when the answer contradicts itself or what was asked for
    """
    try:
        total, answered_size = data["totalNum"], data.get("pageSize", size)
        items = data.get("items") or []
    except (AttributeError, KeyError, TypeError):
        raise Incomplete(f"page {number} is not a page: it has no totalNum") from None
    if type(total) is not int or type(answered_size) is not int or type(items) not in LISTS:
        raise Incomplete(f"page {number} is not a page: totalNum {_short(total)}, pageSize {_short(answered_size)}")
    if data.get("currentPage", number) != number or not 0 < answered_size <= size or not 0 <= total < 2**63:
        got = f"page {_short(data.get('currentPage'))} of {answered_size} rows of {_short(total)}"
        raise Incomplete(f"asked for page {number} of {size} rows, got {got}")
    page = Page(items, number, answered_size, total)
    expected = max(0, min(answered_size, total - (number - 1) * answered_size))
    if len(items) != expected:
        raise Incomplete(
            f"page {number} of {page.count} has {len(items)} rows where {expected} are due ({total} in all)"
        )
    return page


def check_same_listing(first: Page, other: Page) -> None:
    """
    Check that two pages were cut from the same listing.

    :raise Incomplete: when rows came or went in between
    """
    if (first.total, first.size) != (other.total, other.size):
        raise Incomplete(
            f"page {first.number} counted {first.total} rows in pages of {first.size}, page {other.number} "
            f"{other.total} in pages of {other.size}: rows came while the pages were being read"
        )


def check_no_repeats(older: list[str], newer: list[str]) -> None:
    """
    Check that neighbouring pages share no row, by their rows' ids.

    :raise Incomplete: when a row is there twice
    """
    seen = set(newer)
    if len(seen) != len(newer) or not seen.isdisjoint(older):
        repeated = next(key for key in newer if newer.count(key) > 1 or key in older)
        raise Incomplete(f"row {repeated} was listed twice: rows moved while the pages were being read")


def listing(
    asked: Mapping[str, Value], size: int, *, most_pages: int | None = None
) -> Generator[dict[str, Value], Any, list[Item]]:
    """
    Read a whole listing in numbered pages: yields the parameters of a call, is sent its data, returns the rows.

    :param asked: what every call carries
    :param size: rows per page
    :param most_pages: stop after so many pages; ``None`` reads them all
    :raise Incomplete: when it changes while it is read
    """
    rows: list[Item] = []
    first: Page | None = None
    number = 1
    while True:
        data = yield {**asked, "currentPage": number, "pageSize": size}
        page = parse_page(data, number, size)
        first = first or page
        check_same_listing(first, page)
        _check_rows(page.items)
        rows += page.items
        if number >= page.count or number == most_pages:
            return rows
        number += 1


def _check_rows(rows: list[Any]) -> None:
    """Check what all who use listings rely on: rows are objects, and times are times."""
    for row in rows:
        if not isinstance(row, dict):
            raise Incomplete(f"a row of the listing is not an object: {_short(row)}")
        time = row.get("createdAt")
        if time is not None and not (type(time) is int and 0 <= time <= LATEST_MS):
            raise Incomplete(f"a row of the listing has a createdAt that is not a time: {_short(time)}")


def as_object(data: Any, what: str) -> dict[str, Any]:
    """
    Return an answer's data that is one object.

    :param what: it is, for the message
    :raise Unavailable: when it is something else: it tells nothing, and asking again is harmless
    """
    if not isinstance(data, dict):
        raise Unavailable(f"no usable answer: {what} is not an object but {_short(data)}")
    return data


def as_objects(data: Any, what: str) -> list[dict[str, Any]]:
    """
    Return an answer's data that is a list of objects.

    :param what: they are, for the message
    :raise Unavailable: when it is something else: it tells nothing, and asking again is harmless
    """
    if not isinstance(data, list):
        raise Unavailable(f"no usable answer: {what} are not a list but {_short(data)}")
    return [as_object(row, f"one of {what}") for row in data]
