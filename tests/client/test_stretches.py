"""
Listings without page numbers, against a model of one in memory: whatever it leaves open, every row comes exactly once
or the reading is refused; with few questions, few rows in memory, and nothing left running.
"""

from __future__ import annotations

import asyncio
import random
import weakref
from bisect import bisect_left
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import product
from math import ceil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import Incomplete, UnexpectedData
from airflow_provider_kucoin.api.pages import Stretches, parse_stretch
from airflow_provider_kucoin.api.slicing import MOST_CUTS
from airflow_provider_kucoin.api.windows import Slice, Window, slices
from airflow_provider_kucoin.client.stretches import LOOKED_AT, LOOKED_AT_LEAST, UNDER_WAY, Source, read_stretches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

# The four ways in which KuCoin's listings with a cursor look.
SHAPES = {
    "bare": Stretches(),
    "more": Stretches(items="dataList", more="hasMore", newest_first=False),
    "last": Stretches(last="lastId", items="items", short_is_last=False, newest_first=False),
    "last, newest first": Stretches(last="lastId", items="items", short_is_last=False),
}
BOUNDS = list(product(("in", "out"), repeat=2))
IDS = ("rising", "falling", "neither")
DAY = Window(0, 86_400_000)
SHORT = Window(1000, 1040)


class Row(dict[str, int]):
    """A row whose end can be noticed."""

    __slots__ = ("__weakref__",)


@dataclass
class Listing:
    """
    A listing of (time, id), as KuCoin may serve it.

    :param size: the most rows of an answer
    :param start: whether rows at the start of a range are in or out of it
    :param end: the same of its end
    :param order: newest (first), oldest, by id, or random, which is another one for each question
    :param ties: the order of rows of one millisecond: ids down, up, or random
    :param cursor: what it means: rows with ids below it, those listed below its row, those from its row on, or nothing
    :param end_mark: the cursor of an answer without rows
    :param beside: how many lists are read at the same time
    """

    rows: list[tuple[int, int]]
    style: Stretches
    size: int
    start: str = "in"
    end: str = "in"
    order: str = "newest"
    ties: str = "down"
    cursor: str = "below"
    end_mark: str | None = None
    empty: str = "list"
    random: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - repeatable, not secret
    beside: int = 1
    asked: list[tuple[Slice, str | None]] = field(default_factory=list)
    alive: int = 0
    most_alive: int = 0
    under_way: int = 0
    most_under_way: int = 0

    def __post_init__(self) -> None:
        self.rows.sort()
        self._times = [time for time, _ in self.rows]

    async def ask(self, part: Slice, cursor: str | None) -> Any:
        """Answer a question."""
        self.asked.append((part, cursor))
        assert len(self.asked) < 50_000, "this does not end"
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        rows = self._below(self._listed(part), cursor)
        return parse_stretch(self.style, self._data(rows), self.size)

    def _listed(self, part: Slice) -> list[tuple[int, int]]:
        first = bisect_left(self._times, part.start_at + (self.start == "out"))
        last = bisect_left(self._times, part.end_at + (self.end == "in"))
        rows = self.rows[first:last]
        if self.order == "newest" and self.ties == "down":
            return rows[::-1]
        tie = {"down": lambda row: -row[1], "up": lambda row: row[1], "random": lambda _: self.random.random()}
        orders: dict[str, Callable[[tuple[int, int]], Any]] = {
            "newest": lambda row: (-row[0], tie[self.ties](row)),
            "oldest": lambda row: (row[0], tie[self.ties](row)),
            "by id": lambda row: -row[1],
            "random": lambda _: self.random.random(),
        }
        return sorted(rows, key=orders[self.order])

    def _below(self, rows: list[tuple[int, int]], cursor: str | None) -> list[tuple[int, int]]:
        if cursor is None or self.cursor == "ignored":
            return rows
        number = int(cursor)
        if self.cursor == "below":
            return [row for row in rows if row[1] < number]
        place = [row[1] for row in rows].index(number)
        return rows[place + (self.cursor == "after its row") :]

    def _data(self, rows: list[tuple[int, int]]) -> Any:
        style, found = self.style, rows[: self.size]
        items = [self._row(time, number) for time, number in found]
        if not style.items:
            return items or {"list": [], "null": None, "absent": None}[self.empty]
        data: dict[str, Any] = {style.items: items}
        if not items and self.empty != "list":
            data = {style.items: None} if self.empty == "null" else {}
        if style.more:
            data[style.more] = len(rows) > len(found)
        if style.last:
            data[style.last] = str(found[-1][1]) if found else self.end_mark
        return data

    def _row(self, time: int, number: int) -> Row:
        row = Row(time=time, id=number)
        self.alive += 1
        self.most_alive = max(self.alive, self.most_alive)
        weakref.finalize(row, self._gone).atexit = False
        return row

    def _gone(self) -> None:
        self.alive -= 1

    def source(self) -> Source:
        """Return what the reading needs to know."""
        return Source(
            ask=self.ask,
            times=lambda items: [item["time"] for item in items],
            owned=_owned,
            keys=lambda items: [str(item["id"]) for item in items],
            ids=lambda items: [item["id"] for item in items],
            size=self.size,
            newest_first=self.style.newest_first,
            of_bounds=True,
            beside=self.beside,
        )


def _owned(part: Slice, window: Window, items: list[Any]) -> list[Any]:
    if any(not part.start_at <= item["time"] <= part.end_at for item in items):
        raise UnexpectedData("a row that was not asked for")
    return sorted((item for item in items if item["time"] in window), key=lambda item: item["time"])


async def stream(listing: Listing, window: Window) -> AsyncGenerator[list[Any], None]:
    [part] = slices(window, None)
    async with aclosing(read_stretches(listing.source(), part)) as pages:
        async for items in pages:
            yield items


def read(listing: Listing, window: Window) -> list[tuple[int, int]]:
    async def all_of_it() -> list[tuple[int, int]]:
        return [(item["time"], item["id"]) async for items in stream(listing, window) for item in items]

    return asyncio.run(all_of_it())


def inside(listing: Listing, window: Window) -> list[tuple[int, int]]:
    return [row for row in listing.rows if row[0] in window]


def check(listing: Listing, window: Window) -> None:
    """Check that every row comes exactly once, oldest first."""
    found = read(listing, window)
    times = [time for time, _ in found]
    assert times == sorted(times)
    assert sorted(found) == inside(listing, window)


def numbered(times: Iterable[int], ids: str = "rising") -> list[tuple[int, int]]:
    """Give ids to times: rising with them, falling, or neither."""
    times = sorted(times)
    numbers = list(range(1, len(times) + 1))
    if ids == "falling":
        numbers.reverse()
    elif ids == "neither":
        random.Random(len(times)).shuffle(numbers)  # noqa: S311 - repeatable, not secret
    return list(zip(times, numbers, strict=True))


# ------------------------------------------------------------------------------------------------------- exactly once

EDGES = [SHORT.start_ms, SHORT.start_ms + 1, SHORT.end_ms - 2, SHORT.end_ms - 1]
OUTSIDE = [SHORT.start_ms - 2, SHORT.start_ms - 1, SHORT.end_ms, SHORT.end_ms + 1]


@pytest.mark.parametrize("each", [1, 4, 10, 11, 35])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_row_comes_once_however_many_share_a_millisecond(shape: str, each: int) -> None:
    for (start, end), ids in product(BOUNDS, IDS):
        rows = numbered([*EDGES, *OUTSIDE] * each, ids)
        check(Listing(rows, SHAPES[shape], 10, start, end), SHORT)


@pytest.mark.parametrize("beside", [SHORT.start_ms - 1, SHORT.start_ms, SHORT.end_ms - 1, SHORT.end_ms])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_crowd_at_an_edge_does_not_lead_the_cursor_past_the_rows_beside_it(shape: str, beside: int) -> None:
    for (start, end), ids in product(BOUNDS, IDS):
        rows = numbered([beside] * 60 + list(range(SHORT.start_ms - 3, SHORT.end_ms + 3)) * 2, ids)
        check(Listing(rows, SHAPES[shape], 10, start, end), SHORT)


@pytest.mark.parametrize("cursor", ["below", "after its row", "from its row on"])
@pytest.mark.parametrize("shape", ["more", "last"])
def test_a_cursor_may_mean_ids_or_places_and_its_own_row_may_come_again(shape: str, cursor: str) -> None:
    for order, ids in product(("newest", "by id"), IDS):
        rows = numbered([SHORT.start_ms + 7] * 45 + EDGES * 3, ids)
        check(Listing(rows, SHAPES[shape], 10, order=order, cursor=cursor), SHORT)


@pytest.mark.parametrize("order", ["newest", "oldest", "by id", "random"])
@pytest.mark.parametrize("shape", ["more", "last"])
def test_where_no_order_is_documented_any_will_do(shape: str, order: str) -> None:
    for ties, ids in product(("down", "up", "random"), IDS):
        rows = numbered([*range(SHORT.start_ms - 5, SHORT.end_ms + 5)] * 9, ids)
        check(Listing(rows, SHAPES[shape], 10, order=order, ties=ties), SHORT)


@pytest.mark.parametrize("empty", ["list", "null", "absent"])
@pytest.mark.parametrize("shape", SHAPES)
def test_lists_may_be_null_or_absent_when_they_are_empty(shape: str, empty: str) -> None:
    crowd = numbered([SHORT.start_ms] * 20 + [SHORT.end_ms - 1])
    for end_mark, rows in product((None, "0"), ([], crowd)):
        check(Listing(rows, SHAPES[shape], 10, empty=empty, end_mark=end_mark), SHORT)


class SaysZero(Listing):
    """A listing whose last answer has the cursor 0, and which refuses to be asked for what lies below 0."""

    async def ask(self, part: Slice, cursor: str | None) -> Any:
        assert cursor != "0"
        stretch = await super().ask(part, cursor)
        return stretch if stretch.is_full else replace(stretch, cursor="0")


def test_a_cursor_of_zero_is_the_end_and_not_asked_for() -> None:
    for each in (1, 4, 13):
        check(SaysZero(numbered([*EDGES, *OUTSIDE] * each), SHAPES["last"], 10), SHORT)


# How many rows each of some milliseconds has; the window begins at the third of them and ends before the last but one.
crowds = st.lists(st.sampled_from([0, 0, 1, 6, 11, 12, 13, 30]), min_size=5, max_size=9)


@given(
    crowds,
    st.sampled_from(list(SHAPES.values())),
    st.sampled_from(["in", "out"]),
    st.sampled_from(["in", "out"]),
    st.sampled_from(["newest", "oldest", "by id", "random"]),
    st.sampled_from(["down", "up", "random"]),
    st.sampled_from(["below", "after its row", "from its row on"]),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=200)
def test_nothing_is_ever_left_out_without_a_word(
    crowd: list[int],
    style: Stretches,
    start: str,
    end: str,
    order: str,
    ties: str,
    cursor: str,
    random: random.Random,
) -> None:
    times = [SHORT.start_ms - 2 + number for number, rows in enumerate(crowd) for _ in range(rows)]
    window = Window(SHORT.start_ms, SHORT.start_ms + len(crowd) - 4)
    order = "newest" if style.newest_first else order
    numbers = random.sample(range(1, 1000), len(times))
    listing = Listing(
        list(zip(times, numbers, strict=True)), style, 12, start, end, order, ties, cursor, None, "list", random
    )
    try:
        check(listing, window)
    except Incomplete:
        # Only a cursor tells rows apart that share a millisecond and are more than fit an answer; and only where ids
        # fall from row to row it is known to.
        assert max(crowd[2:-2]) >= listing.size
        assert order in {"oldest", "random"} or (order == "newest" and ties != "down")


# ----------------------------------------------------------------------------------------------- how many, how few

SIZES = {"bare": 200, "more": 50, "last": 100, "last, newest first": 200}
#: Calls for each answer that there must be: newest first it is one and a little; otherwise a range is asked for before
#: it is known to be too large, and cut so that its parts fit well; and where a short answer may not be the last, each
#: is asked about.
CALLS_PER_ANSWER = {"bare": 1.3, "more": 2.5, "last": 5.0, "last, newest first": 1.6}
SPREADS: dict[str, Callable[[random.Random], float]] = {
    "even": lambda chance: chance.random(),
    "most of them old": lambda chance: chance.random() ** 4,
    "most of them new": lambda chance: 1 - chance.random() ** 4,
    "in bursts": lambda chance: (chance.randrange(4) + chance.random() * 0.0001) / 4,
}


def day_of(rows: int, spread: str = "even") -> list[tuple[int, int]]:
    chance = random.Random(rows)  # noqa: S311 - repeatable, not secret
    return numbered(min(int(SPREADS[spread](chance) * DAY.end_ms), DAY.end_ms - 1) for _ in range(rows))


@pytest.mark.parametrize("shape", SHAPES)
def test_about_as_many_rows_as_an_answer_holds_take_a_handful_of_calls(shape: str) -> None:
    for rows in (SIZES[shape] - 1, SIZES[shape], SIZES[shape] + 1):
        listing = Listing(day_of(rows), SHAPES[shape], SIZES[shape])
        check(listing, DAY)
        assert len(listing.asked) <= {"bare": 2, "more": 5, "last": 9, "last, newest first": 4}[shape]


@pytest.mark.parametrize(
    ("shape", "rows", "calls"),
    [
        ("bare", 0, 1),
        ("bare", 1, 1),
        ("more", 0, 1),
        ("more", 1, 1),
        ("more", 50, 1),
        ("last", 0, 1),
        ("last", 1, 2),
    ],
)
def test_what_one_answer_settles_takes_no_second_question(shape: str, rows: int, calls: int) -> None:
    listing = Listing(day_of(rows), SHAPES[shape], SIZES[shape])
    check(listing, DAY)
    assert len(listing.asked) == calls


@pytest.mark.parametrize("shape", SHAPES)
def test_ten_thousand_rows_take_hardly_more_calls_than_they_must(shape: str) -> None:
    listing = Listing(day_of(10_000), SHAPES[shape], SIZES[shape])
    check(listing, DAY)
    assert len(listing.asked) <= CALLS_PER_ANSWER[shape] * ceil(10_000 / SIZES[shape])


@pytest.mark.parametrize("spread", [name for name in SPREADS if name != "even"])
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_that_crowd_together_cost_a_few_rounds_of_cutting_and_no_more(shape: str, spread: str) -> None:
    listing = Listing(day_of(10_000, spread), SHAPES[shape], SIZES[shape])
    check(listing, DAY)
    # An empty part costs a call, too: of each cut most parts may be empty.
    rounds = 8 * MOST_CUTS
    assert len(listing.asked) <= CALLS_PER_ANSWER[shape] * ceil(10_000 / SIZES[shape]) + rounds


@pytest.mark.parametrize(("beside", "places"), [(1, LOOKED_AT), (4, LOOKED_AT // 4), (200, LOOKED_AT_LEAST)])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_waits_in_memory_does_not_grow_with_the_number_of_rows(shape: str, beside: int, places: int) -> None:
    for rows in (60_000, 120_000):
        listing = Listing(day_of(rows), SHAPES[shape], SIZES[shape], beside=beside)
        assert asyncio.run(_count(listing)) == rows
        # Those that were begun in one of the places, and have been moved on by what came before them.
        assert listing.most_alive <= (places + 2 * UNDER_WAY) * SIZES[shape] < rows / 2
        assert listing.most_under_way <= UNDER_WAY


async def _count(listing: Listing) -> int:
    return sum([len(items) async for items in stream(listing, DAY)])


def test_who_reads_slowly_is_not_run_away_from() -> None:
    listing = Listing(day_of(120_000), SHAPES["bare"], SIZES["bare"])

    async def read_a_little() -> tuple[int, int]:
        async with aclosing(stream(listing, DAY)) as pages:
            await anext(pages)
            for _ in range(1000):
                await asyncio.sleep(0)
            before = len(listing.asked)
            for _ in range(1000):
                await asyncio.sleep(0)
            return before, len(listing.asked)

    before, after = asyncio.run(read_a_little())
    assert before == after < LOOKED_AT + 2 * UNDER_WAY


# -------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cursor_that_is_ignored_ends_in_an_error(shape: str) -> None:
    for rows in (11, 20, 30):
        listing = Listing(numbered([SHORT.start_ms + 3] * rows), SHAPES[shape], 10, cursor="ignored")
        with pytest.raises(Incomplete, match="the cursor does not lead to rows that were not there before"):
            read(listing, SHORT)
        assert len(listing.asked) < 50


@pytest.mark.parametrize("shape", SHAPES)
def test_a_crowd_that_is_not_in_order_of_ids_is_refused(shape: str) -> None:
    """Below the lowest of the first ids there is nothing: without the check the others would be lost."""
    for ties, cursor in product(("up", "random"), ("below", "after its row")):
        listing = Listing(numbered([SHORT.start_ms + 3] * 25), SHAPES[shape], 10, ties=ties, cursor=cursor)
        with pytest.raises(Incomplete, match="not in the order of their ids"):
            read(listing, SHORT)


def test_rows_that_are_not_newest_first_although_documented_so_are_refused() -> None:
    listing = Listing(day_of(30), SHAPES["bare"], 10, order="oldest")
    with pytest.raises(Incomplete, match="not listed newest first"):
        read(listing, DAY)


class Scripted(Listing):
    """A listing that answers every question with the same data."""

    data: Any = None

    def _data(self, rows: list[tuple[int, int]]) -> Any:  # noqa: ARG002 - whatever there is
        return self.data


def scripted(shape: str, data: Any) -> Scripted:
    listing = Scripted([], SHAPES[shape], 10)
    listing.data = data
    return listing


ROW = {"time": SHORT.start_ms + 3, "id": 5}


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        pytest.param("more", {"dataList": [], "hasMore": True}, id="no rows, and more"),
        pytest.param("more", {"dataList": [ROW], "hasMore": True}, id="always the same row, and more"),
        pytest.param("more", {"dataList": [{**ROW, "id": "a"}], "hasMore": True}, id="nothing for a cursor"),
        pytest.param("more", {"dataList": [ROW]}, id="not said whether there are more"),
        pytest.param("bare", [{**ROW, "id": number} for number in range(20, 9, -1)], id="more than asked for"),
        pytest.param("bare", {"items": []}, id="not a list"),
        pytest.param("last", [], id="not an object"),
        pytest.param("last", {"items": [ROW] * 10, "lastId": None}, id="full, and no cursor"),
    ],
)
def test_answers_that_make_no_sense_are_refused(shape: str, data: Any) -> None:
    listing = scripted(shape, data)
    with pytest.raises(Incomplete):
        read(listing, SHORT)
    assert len(listing.asked) < 50


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_that_were_not_asked_for_are_refused_at_once(shape: str) -> None:
    style = SHAPES[shape]
    for time in (SHORT.start_ms - 2, SHORT.end_ms + 1, 0, 2 * SHORT.end_ms):
        rows = [{"time": time, "id": number} for number in range(20, 10, -1)]
        data: Any = {style.items: rows, "hasMore": True, "lastId": "11"} if style.items else rows
        listing = scripted(shape, data)
        with pytest.raises(UnexpectedData):
            read(listing, SHORT)
        assert len(listing.asked) == 1


# ------------------------------------------------------------------------------------------------- leaving in between


class Failing(Listing):
    """A listing that breaks after some questions, while others are under way."""

    good: int = 0

    async def ask(self, part: Slice, cursor: str | None) -> Any:
        if len(self.asked) >= self.good:
            self.asked.append((part, cursor))
            raise ConnectionError("the line broke")
        self.under_way += 1
        try:
            await asyncio.sleep(0)
            return await super().ask(part, cursor)
        finally:
            self.under_way -= 1


@pytest.mark.parametrize("good", [0, 1, 5, 40])
def test_an_error_comes_out_and_leaves_nothing_running(good: int) -> None:
    listing = Failing(day_of(20_000), SHAPES["bare"], SIZES["bare"])
    listing.good = good

    async def fail() -> set[Any]:
        with pytest.raises(ConnectionError, match="the line broke"):
            async for _ in stream(listing, DAY):
                pass
        return asyncio.all_tasks()

    assert len(asyncio.run(fail())) == 1
    assert listing.under_way == 0


@pytest.mark.parametrize("taken", [0, 1, 7])
def test_whoever_leaves_early_leaves_nothing_running(taken: int) -> None:
    listing = Listing(day_of(20_000), SHAPES["more"], SIZES["more"])

    async def leave() -> set[Any]:
        async with aclosing(stream(listing, DAY)) as pages:
            for _ in range(taken):
                await anext(pages)
        return asyncio.all_tasks()

    assert len(asyncio.run(leave())) == 1
    assert listing.under_way == 0
