"""Several streams of rows, each oldest first, as one."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from contextlib import aclosing
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from airflow_provider_kucoin.api.pages import Item


@dataclass(slots=True, eq=False)
class _Stream:
    """One stream: the rows at hand, and the page that is being fetched meanwhile."""

    pages: AsyncGenerator[list[Item], None]
    coming: asyncio.Task[list[Item] | None]
    items: list[Item]
    times: list[int]

    def take(self, until: int) -> list[tuple[int, Item]]:
        """Return the rows at hand up to a time, with their times, and forget them."""
        count = bisect_right(self.times, until)
        taken = list(zip(self.times[:count], self.items[:count], strict=True))
        del self.items[:count], self.times[:count]
        return taken


async def merged(
    streams: Sequence[AsyncGenerator[list[Item], None]], times_ms: Callable[[list[Item]], list[int]]
) -> AsyncGenerator[list[Item], None]:
    """
    Yield the rows of all streams in lists of which none is older than the one before.

    One page of each stream is in memory, and the next on its way.
    """
    if len(streams) == 1:
        async with aclosing(streams[0]) as pages:
            async for items in pages:
                yield items
        return
    waiting = [_Stream(pages, _fetch(pages), [], []) for pages in streams]
    try:
        live = [stream for stream in waiting if await _advance(stream, times_ms)]
        while live:
            # No stream can bring anything older than the rows at hand, so up to the first end of them all is known.
            until = min(stream.times[-1] for stream in live)
            taken = sorted((row for stream in live for row in stream.take(until)), key=itemgetter(0))
            yield [item for _, item in taken]
            live = [stream for stream in live if stream.items or await _advance(stream, times_ms)]
    finally:
        await _stop(waiting)


async def chained(streams: Sequence[AsyncGenerator[list[Item], None]]) -> AsyncGenerator[list[Item], None]:
    """Yield the rows of all streams one after the other; the first page of each is fetched at once."""
    waiting = [_Stream(pages, _fetch(pages), [], []) for pages in streams]
    try:
        for stream in waiting:
            while (items := await stream.coming) is not None:
                stream.coming = _fetch(stream.pages)
                yield items
    finally:
        await _stop(waiting)


async def _stop(waiting: Sequence[_Stream]) -> None:
    for stream in waiting:
        stream.coming.cancel()
    await asyncio.gather(*(stream.coming for stream in waiting), return_exceptions=True)
    for stream in waiting:
        await stream.pages.aclose()


def _fetch(pages: AsyncGenerator[list[Item], None]) -> asyncio.Task[list[Item] | None]:
    async def following() -> list[Item] | None:
        return await anext(pages, None)

    return asyncio.create_task(following())


async def _advance(stream: _Stream, times_ms: Callable[[list[Item]], list[int]]) -> bool:
    """Fill a stream with its next page; return whether there was one."""
    items = await stream.coming
    if items is None:
        return False
    stream.items, stream.times = list(items), times_ms(items)
    stream.coming = _fetch(stream.pages)
    return True
