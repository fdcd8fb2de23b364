"""
Reading a range whose answers do not say how many rows there are: the newest of it first, cut into slices by what came.

The slices are read side by side and handed on in order, oldest first. What waits for its turn is bounded: a few slices
of a few answers each.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.errors import Incomplete
from airflow_provider_kucoin.api.pages import Below
from airflow_provider_kucoin.api.slicing import Findings, Query, after
from airflow_provider_kucoin.api.windows import Slice
from airflow_provider_kucoin.client.concurrent import CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from airflow_provider_kucoin.api.pages import Item, Stretch
    from airflow_provider_kucoin.api.windows import Window

#: Queries under way at once: as many as the client has under way at all.
UNDER_WAY = CONCURRENCY
#: How many places of the line are looked at for more to begin: some ten slices, each with what it has brought. Lists
#: that are read side by side share them, down to so many for each.
LOOKED_AT, LOOKED_AT_LEAST = 64, 8


@dataclass(frozen=True, slots=True)
class Source:
    """
    How the reading gets at rows.

    :param ask: sends one query; a cursor says where it goes on
    :param times: the rows' times in milliseconds
    :param owned: those of an answer's rows that a query was asked for and a range owns, oldest first
    :param keys: what tells rows apart
    :param ids: the rows' numbers that a cursor goes by; ``None`` where it goes by something that rows do not show
    :param size: the most rows of an answer
    :param newest_first: whether rows are documented to come in that order
    :param of_bounds: whether the rows' times are known to be those that KuCoin's bounds are about
    :param beside: how many lists are read side by side, this one among them
    """

    ask: Callable[[Slice, str | None], Awaitable[Stretch]]
    times: Callable[[list[Item]], list[int]]
    owned: Callable[[Slice, Window, list[Item]], list[Item]]
    keys: Callable[[list[Item]], list[str]]
    ids: Callable[[list[Item]], list[int]] | None
    size: int
    newest_first: bool
    of_bounds: bool
    beside: int = 1

    @property
    def places(self) -> int:
        """Return how many places of the line are looked at for more to begin."""
        return max(LOOKED_AT // self.beside, LOOKED_AT_LEAST)


@dataclass(slots=True, eq=False)
class _Place:
    """One place in the line: a query to be asked, one that is under way, or rows that are ready."""

    query: Query | None = None
    task: asyncio.Task[tuple[Findings, list[Item]]] | None = None
    rows: list[Item] = field(default_factory=list)


async def read_stretches(source: Source, part: Slice) -> AsyncGenerator[list[Item], None]:
    """
    Yield every row that a slice owns exactly once, oldest first.

    :raise Incomplete: when the answers contradict each other
    """
    line = [_Place(Query(part))]
    try:
        while line:
            _begin(line, source)
            head = line[0]
            if head.query is None:
                del line[0]
                if head.rows:
                    yield head.rows
                continue
            tasks = [place.task for place in line if place.task is not None]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            line = [new for place in line for new in _follow(place)]
    finally:
        under_way = [place.task for place in line if place.task is not None]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def _begin(line: list[_Place], source: Source) -> None:
    free = UNDER_WAY - sum(place.task is not None for place in line)
    for place in line[: source.places]:
        if free and place.query is not None and place.task is None:
            place.task = asyncio.create_task(_read(source, place.query))
            free -= 1


def _follow(place: _Place) -> list[_Place]:
    """Return what takes a place in the line: itself until it is answered, then what is left to ask, and rows."""
    if place.task is None or not place.task.done():
        return [place]
    findings, rows = place.task.result()
    return [*(_Place(query) for query in findings.rest), _Place(rows=rows)]


async def _read(source: Source, query: Query) -> tuple[Findings, list[Item]]:
    part = query.part
    stretch = await source.ask(part, None)
    # Refuses rows that were not asked for, too, before anything is concluded from them.
    rows = source.owned(part, part.owned, stretch.items)
    if query.dense:
        return Findings(part.owned), await _read_dense(source, part, stretch)
    if stretch.below is Below.PERHAPS and stretch.is_whole:
        stretch = await _confirm(source, part, stretch)
    times = source.times(stretch.items)
    findings = after(part, stretch, times, source.size, newest_first=source.newest_first, of_bounds=source.of_bounds)
    if findings.settled != part.owned:
        rows = [] if findings.settled is None else source.owned(part, findings.settled, stretch.items)
    return findings, rows


async def _confirm(source: Source, part: Slice, stretch: Stretch) -> Stretch:
    """Ask whether there is really nothing below an answer that is not full, where that is not documented."""
    if _ends(stretch):
        return stretch
    below = await source.ask(part, stretch.cursor)
    is_nothing = set(source.keys(below.items)) <= set(source.keys(stretch.items))
    return replace(stretch, below=Below.NOTHING if is_nothing else Below.SOMETHING)


async def _read_dense(source: Source, part: Slice, stretch: Stretch) -> list[Item]:
    """Follow the cursor through a millisecond that holds more rows than an answer."""
    found: dict[str, Item] = {}
    unchecked: list[Item] = []
    while True:
        source.owned(part, part.owned, stretch.items)
        if (closer := _closer(source, part, stretch)) != part:
            return await _read_dense(source, closer, await source.ask(closer, None))
        came = dict(zip(source.keys(stretch.items), stretch.items, strict=True))
        new = [item for key, item in came.items() if key not in found]
        if stretch.below is Below.NOTHING or (stretch.is_whole and (_ends(stretch) or not new)):
            break
        if not new or stretch.cursor is None:
            raise Incomplete("the cursor does not lead to rows that were not there before")
        unchecked += new
        # An answer that is not full is not expected to have anything below it, and only asked about.
        if found or not stretch.is_whole:
            _check_order(source, unchecked)
            del unchecked[:-1]
        found |= came
        stretch = await source.ask(part, stretch.cursor)
    return source.owned(part, part.owned, list({**found, **came}.values()))


def _ends(stretch: Stretch) -> bool:
    """Whether an answer that is not full names nothing to go on from: no id is below 0."""
    return not stretch.is_full and stretch.cursor in (None, "0")


def _closer(source: Source, part: Slice, stretch: Stretch) -> Slice:
    """
    Return the query for a millisecond without those beside it, if an answer shows that bounds are inclusive.

    The rows beside it would lead the cursor astray where ids do not rise with time.
    """
    if not source.of_bounds or not stretch.items:
        return part
    times, only = source.times(stretch.items), part.owned.start_ms
    return Slice(
        part.owned,
        only if min(times) == part.start_at else part.start_at,
        only if max(times) == part.end_at else part.end_at,
    )


def _check_order(source: Source, items: list[Item]) -> None:
    """
    Check that ids fall from row to row, across answers.

    Only then all that is left has lower ids than all that came, so that the cursor passes over nothing.

    :raise Incomplete: when they do not
    """
    if source.ids is not None and any(lower >= upper for upper, lower in pairwise(source.ids(items))):
        raise Incomplete(
            "more rows of one millisecond than fit an answer, not in the order of their ids: no cursor tells them apart"
        )
