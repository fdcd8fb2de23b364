"""Several streams as one: by time or one after the other, whole, with little in memory, and nothing left running."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.client.merging import chained, merged

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    Pages = list[list[int]]


class Stream:
    """
    Pages of times, one after the other.

    :param fails_at: the number of the page in whose place there is an error
    """

    def __init__(self, pages: Pages, name: str = "", fails_at: int | None = None) -> None:
        self.pages = pages
        self.name = name
        self.fails_at = fails_at
        self.begun = 0
        self.is_open = False

    async def read(self) -> AsyncGenerator[list[dict[str, Any]], None]:
        self.is_open = True
        try:
            for number, page in enumerate(self.pages):
                self.begun += 1
                await asyncio.sleep(0)
                if number == self.fails_at:
                    raise ConnectionError(f"{self.name} broke")
                yield [{"time": time, "from": self.name} for time in page]
            if self.fails_at == len(self.pages):
                raise ConnectionError(f"{self.name} broke")
        finally:
            # A line to KuCoin takes a moment to close.
            await asyncio.sleep(0)
            self.is_open = False


def times(items: Sequence[dict[str, Any]]) -> list[int]:
    return [item["time"] for item in items]


def by_time(streams: Sequence[Stream]) -> AsyncGenerator[list[dict[str, Any]], None]:
    return merged([stream.read() for stream in streams], times)


def one_by_one(streams: Sequence[Stream]) -> AsyncGenerator[list[dict[str, Any]], None]:
    return chained([stream.read() for stream in streams])


EITHER = pytest.mark.parametrize("join", [by_time, one_by_one])


async def whole(pages: AsyncGenerator[Any, None]) -> list[Any]:
    return [page async for page in pages]


def run(pages: Callable[[], AsyncGenerator[Any, None]]) -> list[Any]:
    async def read() -> list[Any]:
        return await whole(pages())

    return asyncio.run(read())


def nothing_runs(*streams: Stream) -> bool:
    return len(asyncio.all_tasks()) == 1 and not any(stream.is_open for stream in streams)


# --------------------------------------------------------------------------------------------------------------- whole

sorted_pages = st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6), max_size=5).map(
    lambda pages: _cut(sorted(time for page in pages for time in page), [len(page) for page in pages])
)


def _cut(found: list[int], sizes: list[int]) -> Pages:
    pages, start = [], 0
    for size in sizes:
        pages.append(found[start : start + size])
        start += size
    return pages


@given(st.lists(sorted_pages, max_size=5))
@settings(deadline=None, max_examples=200)
def test_rows_of_all_streams_come_once_each_in_order_of_time(streams: list[Pages]) -> None:
    pages = run(lambda: by_time([Stream(found, str(number)) for number, found in enumerate(streams)]))
    found = [item for page in pages for item in page]
    assert times(found) == sorted(time for stream in streams for page in stream for time in page)
    for number, stream in enumerate(streams):
        own = [item for item in found if item["from"] == str(number)]
        assert times(own) == [time for page in stream for time in page]
    assert all(pages)


@given(st.lists(sorted_pages, max_size=5))
@settings(deadline=None, max_examples=50)
def test_chained_streams_come_one_after_the_other_page_by_page(streams: list[Pages]) -> None:
    pages = run(lambda: one_by_one([Stream(found) for found in streams]))
    assert [times(page) for page in pages] == [page for stream in streams for page in stream]


def test_one_stream_alone_comes_in_the_pages_that_it_has() -> None:
    pages = run(lambda: by_time([Stream([[3, 4], [4], [5, 9]])]))
    assert [times(page) for page in pages] == [[3, 4], [4], [5, 9]]


@EITHER
@pytest.mark.parametrize(
    ("streams", "expected"),
    [([], []), ([[]], []), ([[], [], []], []), ([[], [[1], [2]], []], [1, 2])],
    ids=["none", "one empty", "all empty", "some empty"],
)
def test_streams_may_be_empty(join: Any, streams: list[Pages], expected: list[int]) -> None:
    pages = run(lambda: join([Stream(found) for found in streams]))
    assert [time for page in pages for time in times(page)] == expected


def test_rows_of_one_time_at_the_end_of_a_page_and_the_start_of_the_next_stay_in_order() -> None:
    streams = [Stream([[1, 5], [5, 5], [5, 6]]), Stream([[5], [5, 7]]), Stream([[2, 9]])]
    pages = run(lambda: by_time(streams))
    assert [time for page in pages for time in times(page)] == [1, 2, *[5] * 6, 6, 7, 9]


# ------------------------------------------------------------------------------------------------------------ in memory


@EITHER
def test_no_stream_is_read_more_than_a_page_ahead(join: Any) -> None:
    streams = [Stream([[10 * page + number] for page in range(50)], str(number)) for number in range(4)]

    async def read() -> None:
        taken = dict.fromkeys("0123", 0)
        async with aclosing(join(streams)) as pages:
            async for page in pages:
                for item in page:
                    taken[item["from"]] += 1
                for _ in range(20):
                    await asyncio.sleep(0)
                # One page is at hand, and the next on its way.
                assert all(stream.begun <= taken[stream.name] + 2 for stream in streams)

    asyncio.run(read())
    assert [stream.begun for stream in streams] == [50] * 4


def test_the_first_page_of_each_chained_stream_is_fetched_at_once() -> None:
    streams = [Stream([[1], [2]]) for _ in range(3)]

    async def read_one() -> list[int]:
        async with aclosing(one_by_one(streams)) as pages:
            await anext(pages)
            return [stream.begun for stream in streams]

    assert min(asyncio.run(read_one())) == 1


# ------------------------------------------------------------------------------------------------- leaving in between


@EITHER
@pytest.mark.parametrize("fails_at", [0, 1, 3])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_error_of_one_stream_comes_out_and_leaves_nothing_running(join: Any, place: int, fails_at: int) -> None:
    streams = [Stream([[number], [5], [9]], str(number)) for number in range(3)]
    streams[place].fails_at = fails_at

    async def fail() -> bool:
        with pytest.raises(ConnectionError, match=f"{place} broke"):
            await whole(join(streams))
        return nothing_runs(*streams)

    assert asyncio.run(fail())


@EITHER
def test_when_several_streams_fail_one_error_comes_out(join: Any) -> None:
    streams = [Stream([[1]], str(number), fails_at=0) for number in range(3)]

    async def fail() -> bool:
        with pytest.raises(ConnectionError, match="0 broke"):
            await whole(join(streams))
        return nothing_runs(*streams)

    assert asyncio.run(fail())


@EITHER
@pytest.mark.parametrize("taken", [0, 1, 2])
@pytest.mark.parametrize("many", [1, 2, 5])
def test_whoever_leaves_early_leaves_nothing_running(join: Any, many: int, taken: int) -> None:
    streams = [Stream([[page] for page in range(10)]) for _ in range(many)]

    async def leave() -> bool:
        async with aclosing(join(streams)) as pages:
            for _ in range(taken):
                await anext(pages)
        return nothing_runs(*streams)

    assert asyncio.run(leave())


@EITHER
@pytest.mark.parametrize("many", [1, 3])
def test_whoever_is_cancelled_leaves_nothing_running(join: Any, many: int) -> None:
    streams = [Stream([[page] for page in range(10)]) for _ in range(many)]

    async def be_cancelled() -> bool:
        async def read() -> None:
            async with aclosing(join(streams)) as pages:
                async for _ in pages:
                    pass

        task = asyncio.create_task(read())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return nothing_runs(*streams)

    assert asyncio.run(be_cancelled())
