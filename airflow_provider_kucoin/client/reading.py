"""
Bulk reads: the pieces of a window, read concurrently and handed on in order, oldest first.

At any time a few answers are in memory, whatever the size of the window: who reads too fast waits for who writes.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from msgspec import Struct

from airflow_provider_kucoin.api.blocks import is_block, surely_differ, whole_numbers
from airflow_provider_kucoin.api.edges import QUESTIONS, trial
from airflow_provider_kucoin.api.errors import Incomplete, UnexpectedData
from airflow_provider_kucoin.api.pages import (
    Candles,
    Numbered,
    Stretch,
    Stretches,
    check_no_repeats,
    check_same_listing,
    parse_page,
    parse_stretch,
)
from airflow_provider_kucoin.api.windows import Slice, halves, slices
from airflow_provider_kucoin.client.concurrent import ConcurrentClient
from airflow_provider_kucoin.client.merging import chained, merged
from airflow_provider_kucoin.client.observing import UNOBSERVED, Observer
from airflow_provider_kucoin.client.owning import Owning, alike, oldest_first
from airflow_provider_kucoin.client.stretches import Source, read_stretches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable, Mapping, Sequence

    from airflow_provider_kucoin.api.calls import Line, Retry
    from airflow_provider_kucoin.api.datasets import Bounds, Dataset
    from airflow_provider_kucoin.api.pages import Item, Page
    from airflow_provider_kucoin.api.signing import Value
    from airflow_provider_kucoin.api.windows import Window
    from airflow_provider_kucoin.client.network import Network

T = TypeVar("T")

#: Pages of one slice that are fetched before they are needed.
PAGES_AHEAD = 16
#: Pieces that are begun before the one at hand is finished, and how many of their pages may lie ready.
PIECES_AHEAD = 3
PAGES_READY = 6


class Edges:
    """
    What is known of KuCoin's bounds; shared by the pieces of one read.

    :param is_open: whether to find out more
    """

    def __init__(self, *, is_open: bool = False) -> None:
        self.inclusive = False
        self.is_open = is_open

    @classmethod
    def of(cls, dataset: Dataset, pieces: Sequence[Window]) -> Self:
        """Return what is known before the first answer: nothing, and whether to know it would save queries."""
        if not dataset.shows_bounds or not dataset.bounds:
            return cls()
        how = dataset.max_span_ms, dataset.margin_ms
        # Those that are begun together are begun before anything is known.
        later = pieces[PIECES_AHEAD + 1 :]
        saved = sum(len(slices(piece, *how)) - len(slices(piece, *how, inclusive=True)) for piece in later)
        return cls(is_open=saved > QUESTIONS)

    async def find_out(self, times: Sequence[int], ask: Callable[[Slice], Awaitable[list[int]]]) -> None:
        """
        Ask whether bounds are inclusive, once, when rows have come about which it can be asked.

        :param times: of all rows of some stretch of time, milliseconds
        :param ask: returns the times of the rows that a query brings
        """
        if (about := trial(times)) is not None:
            self.is_open = False
            self.inclusive = about.shows_inclusive(*await asyncio.gather(*map(ask, about.questions)))


async def read_piece(
    client: ConcurrentClient,
    dataset: Dataset,
    piece: Window,
    queries: Sequence[Mapping[str, str]],
    *,
    edges: Edges | None = None,
    divided: bool = False,
    held_back: set[str] | None = None,
    typed: bool = False,
) -> AsyncGenerator[list[Item], None]:
    """
    Yield every row of a piece exactly once, in lists that are not older than those before.

    :param queries: KuCoin's parameters of each query; their rows are merged by time
    :param edges: what other pieces have shown of KuCoin's bounds
    :param divided: cut the piece into queries of one page each: slower, but where rows keep coming, or KuCoin's order
        of rows of one millisecond is not stable, nothing can move between the pages
    :param held_back: takes in the rows that will change until they are settled, and are not yielded
    :param typed: read rows into types of their own, see :meth:`Dataset.decode`
    :raise Incomplete: when the listing changed while it was read; what was yielded is then worth nothing
    """
    held_back = set() if held_back is None else held_back
    streams = [
        _Reading(client, dataset, query, held_back, edges or Edges(), beside=len(queries), typed=typed).read(
            piece, divided=divided
        )
        for query in queries
    ]
    if dataset.in_turn and len(streams) > 1:
        rows = [item for stream in streams for item in [one async for page in stream for one in page]]
        yield oldest_first(rows, dataset.times_ms(rows))
        return
    together = merged(streams, dataset.times_ms) if dataset.in_order else chained(streams)
    async with aclosing(together) as pages:
        async for items in pages:
            yield alike(items)


class _Reading:
    """The rows that one query brings."""

    def __init__(
        self,
        client: ConcurrentClient,
        dataset: Dataset,
        query: Mapping[str, str],
        held_back: set[str],
        edges: Edges,
        bounds: Bounds | None = None,
        *,
        beside: int = 1,
        typed: bool = False,
    ) -> None:
        self._client = client
        self._dataset = dataset
        self._query = query
        self._held_back = held_back
        self._edges = edges
        self._beside = beside
        self._typed = typed
        self._bounds = bounds or next(iter(dataset.bounds), None)
        self._size = dataset.size_of(query)
        self._owning = Owning(dataset, self._bounds)

    def read(self, piece: Window, *, divided: bool) -> AsyncGenerator[list[Item], None]:
        """Yield the rows of a piece, oldest first."""
        if len(self._dataset.bounds) > 1:
            return self._read_either(piece)
        return self._read_slices(piece, divided=divided)

    async def _read_slices(self, piece: Window, *, divided: bool) -> AsyncGenerator[list[Item], None]:
        dataset = self._dataset
        if not isinstance(dataset.style, Numbered):
            read = self._read_stretches
        else:
            # Rows without keys that change places between pages would be missed, or come twice, without a word.
            read = self._read_divided if (divided or not dataset.key) and self._bounds else self._read_numbered
        for part in slices(piece, dataset.max_span_ms, dataset.margin_ms, inclusive=self._edges.inclusive):
            async with aclosing(read(part)) as pages:
                async for items in pages:
                    if self._edges.is_open:
                        await self._edges.find_out(dataset.times_ms(items), self._times_within)
                    yield items

    async def _times_within(self, part: Slice) -> list[int]:
        """Return the times of the rows that a query brings, as far as one answer goes."""
        if isinstance(self._dataset.style, Numbered):
            return self._dataset.times_ms((await self._get_page(part, 1)).items)
        return self._dataset.times_ms((await self._get_stretch(part, None)).items)

    async def _read_either(self, piece: Window) -> AsyncGenerator[list[Item], None]:
        """Read with each of the bounds that may be meant: only the right ones bring rows of the piece."""
        found: list[list[Item]] = []
        for bounds in self._dataset.bounds:
            reading = _Reading(
                self._client, self._dataset, self._query, self._held_back, self._edges, bounds, beside=self._beside
            )
            rows = [item async for items in reading._read_slices(piece, divided=False) for item in items]
            if rows and rows not in found:
                found.append(rows)
        if len(found) > 1:
            raise Incomplete(
                f"the {self._dataset} brings different rows for bounds in milliseconds and in seconds: "
                f"{len(found[0])} and {len(found[1])}"
            )
        for rows in found:
            yield rows

    async def _ask(self, part: Slice, asked: Mapping[str, Value], *, may_be_null: bool = False) -> Any:
        times = self._bounds.of(part) if self._bounds else {}
        endpoint = self._dataset.endpoint
        if endpoint.data_expected == may_be_null:
            endpoint = replace(endpoint, data_expected=not may_be_null)
        decode = self._dataset.decode if self._typed else None
        return await self._client.call(endpoint, params={**self._query, **times, **asked}, decode=decode)

    async def _find_out_the_time(self, part: Slice, items: list[Item]) -> None:
        """Ask which time KuCoin's bounds are about, where it is not known and decides whose rows these are."""
        questions = self._owning.questions(part, items)
        for question in questions:
            if isinstance(self._dataset.style, Numbered):
                found = (await self._get_page(question.part, 1)).items
            else:
                found = (await self._get_stretch(question.part, None)).items
            if question.key in self._dataset.keys(found):
                self._owning.settle(question.time)
                return
        if questions:
            raise Incomplete(f"the {self._dataset} did not show a row again when it was asked for it alone")

    # --------------------------------------------------------------------------------------------------- stretches

    def _read_stretches(self, part: Slice) -> AsyncGenerator[list[Item], None]:
        style = self._dataset.style
        source = Source(
            ask=self._fetch_stretch,
            times=self._dataset.times_ms,
            owned=self._owning.owned,
            keys=self._dataset.keys,
            # Where it is not known which time KuCoin goes by, neither is its order of rows.
            ids=self._cursor_ids if isinstance(style, Stretches) and self._dataset.in_order else None,
            size=self._size,
            newest_first=isinstance(style, Stretches) and style.newest_first,
            of_bounds=self._dataset.shows_bounds,
            beside=self._beside,
        )
        return read_stretches(source, part)

    async def _fetch_stretch(self, part: Slice, cursor: str | None) -> Stretch:
        stretch = await self._get_stretch(part, cursor)
        await self._find_out_the_time(part, stretch.items)
        return stretch

    async def _get_stretch(self, part: Slice, cursor: str | None) -> Stretch:
        style = self._dataset.style
        if isinstance(style, Numbered):
            raise TypeError("numbered pages are no stretches")
        if isinstance(style, Candles):
            data = await self._ask(part, {})
        else:
            # What is not sent is left out: None stands for nothing.
            asked = {style.size: self._size, style.cursor: cursor}
            data = await self._ask(part, asked, may_be_null=not style.more)
            if data is None:
                # An empty list may be null, and so may an answer that went wrong: that is not so twice in a row.
                data = await self._ask(part, asked, may_be_null=True)
                data = {} if data is None and style.items else data
        stretch = parse_stretch(style, data, self._size)
        items = self._settled(part, stretch.items)
        if len(items) < len(stretch.items) and isinstance(style, Stretches):
            # Rows that are not settled have no place of their own in the listing, and so none to go on from.
            bare = Stretches(cursor_field=style.cursor_field)
            return replace(stretch, items=items, cursor=parse_stretch(bare, items, self._size).cursor)
        return replace(stretch, items=items)

    def _cursor_ids(self, items: Sequence[Any]) -> list[int]:
        """Return the numbers that a cursor goes by: they must be of one kind, for only within it they are unique."""
        dataset, style = self._dataset, self._dataset.style
        name = style.cursor_field if isinstance(style, Stretches) else ""
        others = [source for source in dataset.key_sources if source != name]
        if len({tuple(item.get(source) for source in others) for item in items}) > 1:
            raise Incomplete(
                f"the {dataset} has more rows in one millisecond than fit an answer, and they differ in "
                f"{' and '.join(others)}: ask for one at a time"
            )
        try:
            # Rows may be of a type of their own, see Dataset.decode.
            if is_block(items):
                return items.numbers(name)
            return whole_numbers([item[name] if isinstance(item, dict) else getattr(item, name) for item in items])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Incomplete(f"the {dataset} has rows whose {name} is no number: no cursor tells them apart") from None

    def _settled(self, part: Slice, items: list[Item]) -> list[Item]:
        """Return an answer's rows without those that will still change; those of the range are counted."""
        dataset = self._dataset
        # A block holds nothing else, and of datasets that come in blocks nothing is held back or added to.
        if not is_block(items) and (
            bad := [item for item in items if type(item) is not dict and not isinstance(item, Struct)]
        ):
            raise UnexpectedData(f"the {dataset} has a row that is not an object: {bad[0]!r:.80}")
        if dataset.is_provisional is not None and (changing := list(filter(dataset.is_provisional, items))):
            # They may be shown whatever times are asked for.
            times = dataset.times_ms(changing)
            self._held_back |= {repr(item) for item, ms in zip(changing, times, strict=True) if ms in part.owned}
            items = [item for item in items if not dataset.is_provisional(item)]
        if dataset.from_query:
            asked = {name: self._query[name] for name in dataset.from_query if name in self._query}
            items = [{**asked, **item} for item in items]
        return items if dataset.derived is None else list(map(dataset.derived, items))

    # ---------------------------------------------------------------------------------------------------- numbered

    async def _fetch(self, part: Slice, number: int) -> Page:
        page = await self._get_page(part, number)
        await self._find_out_the_time(part, page.items)
        return page

    async def _get_page(self, part: Slice, number: int) -> Page:
        style = self._dataset.style
        if not isinstance(style, Numbered):
            raise TypeError("stretches have no numbers")
        data = await self._ask(part, {style.number: number, style.size: self._size})
        page = parse_page(data, number, self._size)
        return replace(page, items=self._settled(part, page.items))

    async def _read_divided(self, part: Slice) -> AsyncGenerator[list[Item], None]:
        whole = await self._fetch(part, 1)
        async with aclosing(self._read_by_halves(part, whole)) as pages:
            async for items in pages:
                yield items
        if whole.count > 1:
            # Each query's answer was of one moment, but the moments differ.
            check_same_listing(whole, await self._fetch(part, 1))

    async def _read_by_halves(self, part: Slice, first: Page) -> AsyncGenerator[list[Item], None]:
        if first.count == 1:
            check_no_repeats([], self._dataset.keys(first.items))
            if owned := self._owning.owned(part, part.owned, first.items):
                yield owned
            return
        parts = halves(part)
        if not parts:
            # More than a page of rows in a single millisecond can only be read as pages.
            rows = [item async for items in self._read_numbered(part) for item in items]
            if not self._dataset.key:
                again = [item async for items in self._read_numbered(part) for item in items]
                if Counter(map(repr, rows)) != Counter(map(repr, again)):
                    raise Incomplete("rows of one millisecond changed places between pages, and have no keys")
            if rows:
                yield rows
        for half in parts:
            page = await self._fetch(half, 1)
            async with aclosing(self._read_by_halves(half, page)) as pages:
                async for items in pages:
                    yield items

    async def _read_numbered(self, part: Slice) -> AsyncGenerator[list[Item], None]:
        first = await self._fetch(part, 1)
        older: list[Item] = []
        # KuCoin lists the newest first, so the last page is the oldest.
        others = (self._fetch(part, number) for number in range(first.count, 1, -1))
        async with aclosing(_in_order(others, PAGES_AHEAD, last=first)) as pages:
            async for page in pages:
                check_same_listing(first, page)
                # Texts are only made where it is not sure.
                if not any(surely_differ((older, page.items), source) for source in self._dataset.key_sources):
                    check_no_repeats(self._dataset.keys(older), self._dataset.keys(page.items))
                older = page.items
                if owned := self._owning.owned(part, part.owned, page.items):
                    yield owned


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
    :param queries: KuCoin's parameters of each query whose rows make up a piece
    :param typed: read rows into types of their own, see :meth:`Dataset.decode`
    :param observer: is told of every request and every wait
    """

    def __init__(
        self,
        line: Line,
        network: Network,
        dataset: Dataset,
        pieces: Sequence[Window],
        queries: Sequence[Mapping[str, str]],
        *,
        retry: Retry | None = None,
        typed: bool = False,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._client = ConcurrentClient(line, network, retry=retry, observer=observer)
        self._typed = typed
        self._dataset = dataset
        self._edges = Edges.of(dataset, pieces)
        self._coming = deque(pieces)
        self._queries = queries
        self._pumps: dict[Window, _Pump] = {}
        self._held_back: dict[Window, set[str]] = {}

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

    def held_back(self, piece: Window) -> int:
        """Return how many rows of a piece were held back because they will still change."""
        return len(self._held_back.get(piece, ()))

    def _start(self, piece: Window, *, divided: bool = False) -> _Pump:
        if piece in self._coming:
            self._coming.remove(piece)
        if piece not in self._pumps:
            held_back = self._held_back[piece] = set()
            pages = read_piece(
                self._client,
                self._dataset,
                piece,
                self._queries,
                edges=self._edges,
                divided=divided,
                held_back=held_back,
                typed=self._typed,
            )
            self._pumps[piece] = _Pump(pages, self._loop)
        return self._pumps[piece]


class _Pump:
    """Reads pages until a few lie ready, and goes on when one has been taken."""

    def __init__(self, pages: AsyncGenerator[list[Item], None], loop: asyncio.AbstractEventLoop) -> None:
        self._ready: asyncio.Queue[list[Item] | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(PAGES_READY)
        self._task = loop.create_task(self._run(pages))
        # However it ends, for which there is always room: a timeout of Airflow's may hit anywhere.
        self._task.add_done_callback(lambda _: self._ready.put_nowait(None))

    async def _run(self, pages: AsyncGenerator[list[Item], None]) -> None:
        # Closed here rather than by the garbage collector, which may come when the loop is gone.
        async with aclosing(pages):
            async for items in pages:
                await self._room.acquire()
                self._ready.put_nowait(items)

    async def next(self) -> list[Item] | None:
        """Return the next page, ``None`` at the end; what went wrong while reading is raised here."""
        items = await self._ready.get()
        if items is None:
            return self._task.result()
        self._room.release()
        return items

    async def stop(self) -> None:
        """Stop reading."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
