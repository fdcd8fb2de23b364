"""
The rows of one ledger of one user: what the exchange remembers.

A row is kept as the JSON text that goes out, beside the few values that queries ask for. Everything here is oldest
first; that the wire is newest first is the endpoints' business.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_created_at = itemgetter(0)

# Text at the spot ledger, whose ids have two shapes; numbers where pages are cut by ids.
RowId = str | int

# How many views are kept, so that a query's pages are not filtered and merged one by one.
_REMEMBERED_VIEWS = 16


class Row(NamedTuple):
    """One ledger row; tuples compare by time and then by id, which is the ledger's order."""

    created_at: int
    id: RowId
    currency: str
    direction: str
    biz_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Filter:
    """What a query may restrict beside the time; None does not restrict."""

    currencies: frozenset[str] | None = None
    direction: str | None = None
    biz_types: frozenset[str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether every row passes."""
        return self.currencies is None and self.direction is None and self.biz_types is None

    def passes(self, currency: str, direction: str, biz_type: str) -> bool:
        """Whether a row with these values is asked for."""
        return (
            (self.currencies is None or currency in self.currencies)
            and (self.direction is None or direction == self.direction)
            and (self.biz_types is None or biz_type in self.biz_types)
        )


EVERYTHING = Filter()


class View(Protocol):
    """Rows of a window, oldest first, numbered from 0."""

    def __len__(self) -> int:
        """Return how many rows there are."""

    @property
    def rises(self) -> bool:
        """Whether every row's id is greater than those of the rows before it."""

    def order(self, index: int) -> tuple[int, RowId]:
        """Return time and id of a row."""

    def texts(self, start: int, stop: int) -> list[str]:
        """Return the JSON of the rows `start` … `stop - 1`."""


class Source(Protocol):
    """A place where rows come from."""

    def view(self, start_ms: int, end_ms: int, only: Filter) -> View:
        """Return the rows with `start_ms <= createdAt < end_ms` that pass a filter."""


class RowsView:
    """Some rows out of a sorted list, without copying it."""

    def __init__(self, rows: Sequence[Row], start: int, stop: int, *, among_rising: bool = False) -> None:
        self._rows, self._start, self._stop = rows, start, max(start, stop)
        self._among_rising = among_rising

    def __len__(self) -> int:
        return self._stop - self._start

    @cached_property
    def rises(self) -> bool:
        """Whether every row's id is greater than those of the rows before it."""
        return self._among_rising or rising([self.order(index)[1] for index in range(len(self))])

    def order(self, index: int) -> tuple[int, RowId]:
        """Return time and id of a row."""
        return self._rows[self._start + index][:2]

    def texts(self, start: int, stop: int) -> list[str]:
        """Return the JSON of the rows `start` … `stop - 1`."""
        return [row.text for row in self._rows[self._start + start : self._start + stop]]


class MergedView:
    """Two views as one, without walking through either: the few are ranked among the many."""

    def __init__(self, few: View, many: View) -> None:
        self._few, self._many = few, many
        # Number of rows of `many` before each of the few, so that few[i] is row number ranks[i] + i of the whole.
        self._ranks = [bisect_left(range(len(many)), few.order(index), key=many.order) for index in range(len(few))]

    def __len__(self) -> int:
        return len(self._few) + len(self._many)

    @cached_property
    def rises(self) -> bool:
        """Whether every row's id is greater than those of the rows before it."""
        if not (self._few.rises and self._many.rises):
            return False
        places = [rank + number for number, rank in enumerate(self._ranks)]
        beside = [place for place in places if place > 0] + [place + 1 for place in places if place + 1 < len(self)]
        return all(rising([self.order(place - 1)[1], self.order(place)[1]]) for place in beside)

    def order(self, index: int) -> tuple[int, RowId]:
        """Return time and id of a row."""
        before = self._few_before(index)
        if before < len(self._few) and self._ranks[before] + before == index:
            return self._few.order(before)
        return self._many.order(index - before)

    def texts(self, start: int, stop: int) -> list[str]:
        """Return the JSON of the rows `start` … `stop - 1`."""
        first, last = self._few_before(start), self._few_before(stop)
        cuts = [start - first, *self._ranks[first:last], stop - last]
        texts = []
        for number, (from_many, to_many) in enumerate(pairwise(cuts), start=first):
            texts += self._many.texts(from_many, to_many)
            if number < last:
                texts += self._few.texts(number, number + 1)
        return texts

    def _few_before(self, index: int) -> int:
        return bisect_left(range(len(self._few)), index, key=lambda number: self._ranks[number] + number)


def rising(ids: Sequence[RowId]) -> bool:
    """Whether ids grow from one to the next."""
    return all(one < other for one, other in pairwise((each,) for each in ids))


class Booked:
    """Rows that were booked one by one; kept sorted."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._rises: bool | None = None
        self._ids: set[RowId] = set()

    def add(self, rows: Iterable[Row]) -> None:
        """Book rows, in any order."""
        rows = list(rows)
        ids = {row.id for row in rows}
        if len(ids) < len(rows) or not self._ids.isdisjoint(ids):
            raise ValueError("a row with that id is in the ledger already")
        self._ids |= ids
        self._rows += rows
        self._rows.sort()  # nearly sorted before, so this is cheap
        self._rises = None

    def replace(self, rows: list[Row]) -> None:
        """Have these rows, sorted already, instead of those that there are."""
        self._rows, self._rises = rows, None

    def view(self, start_ms: int, end_ms: int, only: Filter = EVERYTHING) -> RowsView:
        """Return the rows with `start_ms <= createdAt < end_ms` that pass a filter; good until the next row comes."""
        first = bisect_left(self._rows, start_ms, key=_created_at)
        last = bisect_left(self._rows, end_ms, key=_created_at)
        if self._rises is None:
            self._rises = rising([row.id for row in self._rows])
        if only.is_open:
            return RowsView(self._rows, first, last, among_rising=self._rises)
        rows = [row for row in self._rows[first:last] if only.passes(row.currency, row.direction, row.biz_type)]
        return RowsView(rows, 0, len(rows), among_rising=self._rises)

    def snapshot(self, start_ms: int, end_ms: int) -> RowsView:
        """Return the rows of a window as they are now, whatever is booked later."""
        first = bisect_left(self._rows, start_ms, key=_created_at)
        last = bisect_left(self._rows, end_ms, key=_created_at)
        return RowsView(self._rows[first:last], 0, last - first)


class Ledger:
    """All rows of one ledger of one uid: the booked ones, and perhaps a synthetic multitude."""

    def __init__(self) -> None:
        self._booked = Booked()
        self._synthetic: Source | None = None
        self._views: OrderedDict[tuple[int, int, Filter], View] = OrderedDict()

    def reveal(self, now_ms: int) -> None:
        """Let the rows be seen whose time for it has come."""
        raise NotImplementedError

    def view(self, start_ms: int, end_ms: int, only: Filter = EVERYTHING) -> View:
        """Return the rows with `start_ms <= createdAt < end_ms` that pass a filter; good until the next row comes."""
        key = (start_ms, end_ms, only)
        if key not in self._views:
            self._views[key] = self._merged(self._booked.view(start_ms, end_ms, only), start_ms, end_ms, only)
            if len(self._views) > _REMEMBERED_VIEWS:
                self._views.popitem(last=False)
        return self._views[key]

    def entries(self, start_ms: int, end_ms: int) -> Iterator[list[str]]:
        """Yield the JSON of all rows of a window as they are now, oldest first, some thousand at a time."""
        view = self._merged(self._booked.snapshot(start_ms, end_ms), start_ms, end_ms, EVERYTHING)
        return _chunks(view)

    def _merged(self, booked: RowsView, start_ms: int, end_ms: int, only: Filter) -> View:
        if self._synthetic is None:
            return booked
        synthetic = self._synthetic.view(start_ms, end_ms, only)
        return MergedView(booked, synthetic) if len(booked) else synthetic


class AccountLedger(Ledger):
    """A ledger whose rows know nothing of each other: the spot ledger, whose balances mean nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._hidden: list[tuple[int, Row]] = []

    def add(self, rows: Iterable[Row], visible_from: int | None = None) -> None:
        """Book rows, in any order; they are seen at once, or from a moment on."""
        if visible_from is not None:
            self._hidden += [(visible_from, row) for row in rows]
            return
        self._views.clear()
        self._booked.add(rows)

    def reveal(self, now_ms: int) -> None:
        """Let the rows be seen whose time for it has come."""
        if due := [row for moment, row in self._hidden if moment <= now_ms]:
            self._hidden = [(moment, row) for moment, row in self._hidden if moment > now_ms]
            self.add(due)

    def synthesize(self, source: Source) -> None:
        """Have a multitude of rows beside the booked ones, instead of the one that there may have been."""
        self._views.clear()
        self._synthetic = source


def _chunks(view: View, size: int = 5000) -> Iterator[list[str]]:
    for start in range(0, len(view), size):
        yield view.texts(start, min(start + size, len(view)))


def row(wire: dict[str, Any]) -> Row:
    """Return the row for a wire dict; a field that is missing or odd only keeps it from being found by that field."""
    return Row(
        created_at=int(wire["createdAt"]),
        id=str(wire.get("id", "")),
        currency=str(wire.get("currency", "")),
        direction=str(wire.get("direction", "")),
        biz_type=str(wire.get("bizType", "")),
        text=json.dumps(wire, separators=(",", ":"), ensure_ascii=False),
    )
