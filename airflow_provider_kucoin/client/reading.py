"""
Bulk reads: the pieces of a window, their pages read concurrently and handed on in order, oldest first.

At any time a few pages are in memory, whatever the size of the window: who reads too fast waits for who writes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Self, TypeVar

from airflow_provider_kucoin.api.errors import UnexpectedData
from airflow_provider_kucoin.api.pages import check_no_repeats, check_same_listing, parse_page
from airflow_provider_kucoin.api.windows import halves, slices
from airflow_provider_kucoin.client.concurrent import ConcurrentClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Generator, Iterable, Mapping, Sequence

    from airflow_provider_kucoin.api.calls import Line, Retry
    from airflow_provider_kucoin.api.ledgers import Ledger
    from airflow_provider_kucoin.api.pages import Item, Page
    from airflow_provider_kucoin.api.signing import Value
    from airflow_provider_kucoin.api.windows import Slice, Window
    from airflow_provider_kucoin.client.network import Network

T = TypeVar("T")

#: Pages of one slice that are fetched before they are needed.
PAGES_AHEAD = 8
#: Pieces that are begun before the one at hand is finished, and how many of their pages may lie ready.
PIECES_AHEAD = 3
PAGES_READY = 2


async def read_piece(
    client: ConcurrentClient, ledger: Ledger, piece: Window, filters: Mapping[str, str], *, divided: bool = False
) -> AsyncGenerator[list[Item], None]:
    """
    Yield every row of a piece exactly once, page by page, oldest first.

    :param divided: cut the piece into queries of one page each: slower, but where rows keep coming, or KuCoin's order
        of rows of one millisecond is not stable, nothing can move between the pages
    :raise Incomplete: when the listing changed while it was read; what was yielded is then worth nothing
    """
    read = _read_divided if divided else _read_slice
    for part in slices(piece, ledger.max_span_ms):
        async with aclosing(read(client, ledger, part, filters)) as pages:
            async for items in pages:
                yield items


async def _fetch(
    client: ConcurrentClient, ledger: Ledger, part: Slice, filters: Mapping[str, str], number: int
) -> Page:
    asked: dict[str, Value] = {
        **filters,
        "startAt": part.start_at,
        "endAt": part.end_at,
        "currentPage": number,
        "pageSize": ledger.page_size,
    }
    return parse_page(await client.call(ledger.endpoint, params=asked), number, ledger.page_size)


async def _read_divided(
    client: ConcurrentClient, ledger: Ledger, part: Slice, filters: Mapping[str, str]
) -> AsyncGenerator[list[Item], None]:
    whole = await _fetch(client, ledger, part, filters, 1)
    async with aclosing(_read_by_halves(client, ledger, part, filters, whole)) as pages:
        async for items in pages:
            yield items
    if whole.count > 1:
        # Each query's answer was of one moment, but the moments differ.
        check_same_listing(whole, await _fetch(client, ledger, part, filters, 1))


async def _read_by_halves(
    client: ConcurrentClient, ledger: Ledger, part: Slice, filters: Mapping[str, str], first: Page
) -> AsyncGenerator[list[Item], None]:
    if first.count == 1:
        check_no_repeats([], _ids(ledger, first))
        if owned := _owned(ledger, part, first):
            yield owned
        return
    parts = halves(part)
    if not parts:
        # More than a page of rows in a single millisecond can only be read as pages.
        async with aclosing(_read_slice(client, ledger, part, filters)) as pages:
            async for items in pages:
                yield items
    for half in parts:
        page = await _fetch(client, ledger, half, filters, 1)
        async with aclosing(_read_by_halves(client, ledger, half, filters, page)) as pages:
            async for items in pages:
                yield items


async def _read_slice(
    client: ConcurrentClient, ledger: Ledger, part: Slice, filters: Mapping[str, str]
) -> AsyncGenerator[list[Item], None]:
    first = await _fetch(client, ledger, part, filters, 1)
    older_ids: list[str] = []
    # KuCoin lists the newest first, so the last page is the oldest.
    others = (_fetch(client, ledger, part, filters, number) for number in range(first.count, 1, -1))
    async with aclosing(_in_order(others, PAGES_AHEAD, last=first)) as pages:
        async for page in pages:
            check_same_listing(first, page)
            ids = _ids(ledger, page)
            check_no_repeats(older_ids, ids)
            older_ids = ids
            if owned := _owned(ledger, part, page):
                yield owned


def _ids(ledger: Ledger, page: Page) -> list[str]:
    source = ledger.key_source
    try:
        return [str(item[source]) for item in page.items]
    except (KeyError, TypeError):
        raise UnexpectedData(f"the {ledger.name} ledger has a row without {source}") from None


def _owned(ledger: Ledger, part: Slice, page: Page) -> list[Item]:
    """
    Return the page's rows that belong to the slice, oldest first.

    :raise UnexpectedData: for rows that were not asked for; to drop them would hide that the times are not understood
    """
    source = ledger.time_source
    try:
        times = [int(item[source]) for item in page.items]
    except (KeyError, TypeError, ValueError):
        raise UnexpectedData(f"the {ledger.name} ledger has a row whose {source} is not a time") from None
    if times and part.owned.start_ms <= min(times) and max(times) < part.owned.end_ms:
        return page.items[::-1]
    if stray := [time for time in times if not part.start_at <= time <= part.end_at]:
        raise UnexpectedData(
            f"the {ledger.name} ledger was asked for {part.start_at} to {part.end_at} and answered with a row whose "
            f"{source} is {stray[0]}"
        )
    return [item for item, time in zip(page.items[::-1], times[::-1], strict=True) if time in part.owned]


async def _in_order(jobs: Iterable[Coroutine[None, None, T]], ahead: int, *, last: T) -> AsyncGenerator[T, None]:
    """Yield the jobs' results in the jobs' order, a few of them running at once, and ``last`` at the end."""
    under_way: deque[asyncio.Task[T]] = deque()
    try:
        for job in jobs:
            under_way.append(asyncio.create_task(job))
            if len(under_way) == ahead:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
        yield last
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


class PieceReader:
    """
    Reads the pieces of a window for a caller without an event loop. A context manager.

    Its own loop runs only while the caller waits for a page; what arrives in between waits in the sockets.

    :param pieces: what will be asked for, in this order; those to come are begun early
    """

    def __init__(
        self,
        line: Line,
        network: Network,
        ledger: Ledger,
        pieces: Sequence[Window],
        filters: Mapping[str, str],
        *,
        retry: Retry | None = None,
    ) -> None:
        self._client = ConcurrentClient(line, network, retry=retry)
        self._ledger = ledger
        self._coming = deque(pieces)
        self._filters = filters
        self._pumps: dict[Window, _Pump] = {}

    def __enter__(self) -> Self:
        """Open the session."""
        self._loop = asyncio.new_event_loop()
        try:
            self._loop.run_until_complete(self._client.__aenter__())
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what is under way and close the session."""
        try:
            while self._pumps:
                self._loop.run_until_complete(self._pumps.popitem()[1].stop())
            self._loop.run_until_complete(self._client.__aexit__())
        finally:
            self._loop.close()

    def pages(self, piece: Window, *, divided: bool = False) -> Generator[list[Item], None, None]:
        """
        Yield every row of a piece exactly once, page by page, oldest first. May be called again to read it anew.

        :param divided: see :func:`read_piece`
        :raise Incomplete: when the listing changed while it was read; what was yielded is then worth nothing
        """
        pump = self._start(piece, divided=divided)
        while self._coming and len(self._pumps) <= PIECES_AHEAD:
            self._start(self._coming[0])
        try:
            while (items := self._loop.run_until_complete(pump.next())) is not None:
                yield items
        finally:
            # Not when the reader has been left meanwhile: then all is stopped, and the loop is closed.
            if self._pumps.pop(piece, None):
                self._loop.run_until_complete(pump.stop())

    def _start(self, piece: Window, *, divided: bool = False) -> _Pump:
        if piece in self._coming:
            self._coming.remove(piece)
        if piece not in self._pumps:
            pages = read_piece(self._client, self._ledger, piece, self._filters, divided=divided)
            self._pumps[piece] = _Pump(pages, self._loop)
        return self._pumps[piece]


class _Pump:
    """Moves pages into a short queue until it is full or they end."""

    def __init__(self, pages: AsyncGenerator[list[Item], None], loop: asyncio.AbstractEventLoop) -> None:
        self._ready: asyncio.Queue[list[Item] | None] = asyncio.Queue(PAGES_READY)
        self._task = loop.create_task(self._run(pages))

    async def _run(self, pages: AsyncGenerator[list[Item], None]) -> None:
        # Closed here rather than by the garbage collector, which may come when the loop is gone.
        async with aclosing(pages):
            async for items in pages:
                await self._ready.put(items)
        await self._ready.put(None)

    async def next(self) -> list[Item] | None:
        """Return the next page, ``None`` at the end; what went wrong while reading is raised here."""
        getting = asyncio.ensure_future(self._ready.get())
        await asyncio.wait({getting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if getting.done() or not self._ready.empty() or not self._task.exception():
            return await getting
        getting.cancel()
        return await self._task  # type: ignore[func-returns-value] # raises what stopped the reading

    async def stop(self) -> None:
        """Stop reading."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
