"""
The rows of the histories: what the exchange remembers of fills, orders, borrowings and the like.

A row is the object that goes out, and beside it what only filters and cursors look at. Numbers that KuCoin writes as
JSON numbers are `Decimal` here, so that their digits stay what they are.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_provider_kucoin.testing import exact_json

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    Unit = Literal["s", "ms", "ns"]

_TO_MS: Final[dict[str, Callable[[int], int]]] = {
    "s": lambda value: value * 1000,
    "ms": lambda value: value,
    "ns": lambda value: value // 1_000_000,
}
_FROM_MS: Final[dict[str, Callable[[int], int]]] = {
    "s": lambda value: value // 1000,
    "ms": lambda value: value,
    "ns": lambda value: value * 1_000_000,
}
# Cursors count up with the time: from 2017-07-14, and room for so many rows of one millisecond. They are greater than a
# float keeps.
_EPOCH_MS: Final = 1_500_000_000_000
_PER_MS: Final = 100_000
_REMEMBERED_VIEWS: Final = 16


def to_ms(value: int | str, unit: str) -> int:
    """Return a time of a row in milliseconds."""
    return _TO_MS[unit](int(value))


def from_ms(time_ms: int, unit: str) -> int:
    """Return a time as a row of that unit has it."""
    return _FROM_MS[unit](time_ms)


def encode(value: Any) -> str:
    """Return compact JSON; a `Decimal` becomes a number with all its digits."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except TypeError:  # there are Decimals, which json does not know; this takes ten times as long
        return exact_json.encode(value)


def refuse_floats(fields: Mapping[str, Any]) -> None:
    """Raise TypeError when a number has been a float: its digits may be others by now."""
    for name, value in fields.items():
        if isinstance(value, float):
            raise TypeError(f"{name} is a float; numbers are Decimal, int or text")


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `number` counts the rows of a history as they came."""

    uid: int
    number: int
    fields: Mapping[str, Any]
    """What goes out."""
    hidden: Mapping[str, Any]
    """What does not."""

    def get(self, name: str) -> Any:
        """Return a field, or what is hidden by that name."""
        value = self.fields.get(name)
        return self.hidden.get(name) if value is None else value

    def time_ms(self, name: str, units: Mapping[str, Unit]) -> int:
        """Return one of its times in milliseconds; where that is null, the first that is not."""
        for field in (name, *units):
            value = self.get(field)
            if value is not None:
                return to_ms(value, units[field])
        raise ValueError(f"a row without any of {', '.join(units)}")

    def matches(self, where: Mapping[str, Any]) -> bool:
        """Whether it has all of these values."""
        return all(self.get(name) == value for name, value in where.items())


def time_cursor(time_ms: int, number: int) -> int:
    """Return a cursor, or an id, for the row of a time: what is later has a greater one."""
    return (time_ms - _EPOCH_MS) * _PER_MS + number % _PER_MS


@dataclass(frozen=True, slots=True)
class View:
    """Rows in ascending order of their keys."""

    keys: list[int]
    rows: list[Row]

    def between(self, keys: range) -> tuple[int, int]:
        """Return where in the view the rows of a range of keys begin and end."""
        first = bisect_left(self.keys, keys.start)
        return first, max(first, bisect_left(self.keys, keys.stop))


class Book:
    """All rows of one history, of every user. May be used from any thread."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Row]] = {}
        self._views: OrderedDict[Hashable, View] = OrderedDict()
        self._lock = threading.Lock()
        self._count = 0

    def number(self) -> int:
        """Return the number for the next row."""
        with self._lock:
            self._count += 1
            return self._count

    def add(self, rows: Iterable[Row]) -> None:
        """Have more rows."""
        with self._lock:
            for row in rows:
                self._rows.setdefault(row.uid, []).append(row)
            self._views.clear()

    def of(self, uid: int) -> list[Row]:
        """Return a user's rows as they came."""
        with self._lock:
            return list(self._rows.get(uid, ()))

    def change(self, uid: int, change: Callable[[Row], Row | None]) -> None:
        """Put another row in the place of each, or none."""
        with self._lock:
            changed = map(change, self._rows.get(uid, ()))
            self._rows[uid] = [row for row in changed if row is not None]
            self._views.clear()

    def view(self, uid: int, name: Hashable, passes: Callable[[Row], bool], key: Callable[[Row], int | None]) -> View:
        """Return a user's rows that pass, by their key. `name` tells one question from another."""
        with self._lock:
            if (uid, name) not in self._views:
                keyed = [
                    (order, row.number, row)
                    for row in self._rows.get(uid, ())
                    if passes(row) and (order := key(row)) is not None
                ]
                keyed.sort(key=lambda one: one[:2])
                self._views[uid, name] = View([order for order, *_ in keyed], [row for *_, row in keyed])
                if len(self._views) > _REMEMBERED_VIEWS:
                    self._views.popitem(last=False)
            return self._views[uid, name]
