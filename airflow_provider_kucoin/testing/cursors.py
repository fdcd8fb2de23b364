"""Pages that are cut by the ids of their rows: the newest rows before one, or the next ones after it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from airflow_provider_kucoin.testing.ledger import View
    from airflow_provider_kucoin.testing.readings import Readings


class Cut(NamedTuple):
    """Rows of a page, newest first; the last one's id, if there is one; and whether there are further rows."""

    texts: list[str]
    last_id: int | None
    more: bool


def before(view: View, row_id: int | None, limit: int, readings: Readings, random: Random) -> Cut:
    """Return the newest rows whose id is less than one, or the newest of all."""
    if view.rises:
        stop = len(view) if row_id is None else bisect_left(range(len(view)), row_id, key=lambda at: _id(view, at))
        return _cut(view, range(stop), limit, readings, random)
    # Without order among the ids every row must be looked at.
    return _cut(
        view,
        [at for at in range(len(view)) if row_id is None or _id(view, at) < row_id],
        limit,
        readings,
        random,
    )


def after(view: View, row_id: int, limit: int) -> Cut:
    """Return the rows that follow next on the one with an id; the others come with a greater id still."""
    if view.rises:
        first = bisect_right(range(len(view)), row_id, key=lambda at: _id(view, at))
        chosen: Sequence[int] = range(first, min(first + limit, len(view)))
        more = first + limit < len(view)
    else:
        greater = [at for at in range(len(view)) if _id(view, at) > row_id]
        chosen, more = greater[:limit], len(greater) > limit
    return _page(view, list(reversed(chosen)), more=more)


def _id(view: View, at: int) -> int:
    row_id = view.order(at)[1]
    if not isinstance(row_id, int):
        raise TypeError("pages are cut by ids that are numbers")
    return row_id


def _cut(view: View, candidates: Sequence[int], limit: int, readings: Readings, random: Random) -> Cut:
    """Return the newest of some rows, those of one millisecond as the readings say."""
    more = len(candidates) > limit
    first = max(len(candidates) - limit, 0)
    if readings.ties == "id_descending":
        return _page(view, list(reversed(candidates[first:])), more=more)
    while first > 0 and view.order(candidates[first - 1])[0] == view.order(candidates[first])[0]:
        first -= 1
    if readings.ties == "id_ascending":
        ordered = sorted(candidates[first:], key=lambda at: (-view.order(at)[0], at))
    else:
        ordered = sorted(candidates[first:], key=lambda at: (-view.order(at)[0], random.random()))
    return _page(view, ordered[:limit], more=more)


def _page(view: View, chosen: Sequence[int], *, more: bool) -> Cut:
    if not chosen:
        return Cut([], None, more)
    low, high = min(chosen), max(chosen) + 1
    if high - low == len(chosen):
        texts = view.texts(low, high)
        return Cut([texts[at - low] for at in chosen], _id(view, chosen[-1]), more)
    return Cut([view.texts(at, at + 1)[0] for at in chosen], _id(view, chosen[-1]), more)
