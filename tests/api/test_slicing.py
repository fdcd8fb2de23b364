"""Slicing: whatever a listing looks like, what is asked for next brings every row of a range exactly once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from math import log2
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import Incomplete
from airflow_provider_kucoin.api.pages import Below, Candles, Stretch, Stretches, parse_stretch
from airflow_provider_kucoin.api.slicing import ANSWERS_PER_SLICE, FILL, MOST_CUTS, Query, after
from airflow_provider_kucoin.api.windows import DAY_MS, Slice, Window, slices

if TYPE_CHECKING:
    from collections.abc import Callable

# A listing's row: when, and its id.
Row = tuple[int, int]

BASE_MS = 1_770_076_800_000
BARE = Stretches()
MORE = Stretches(size="maxCount", cursor="offset", cursor_field="id", items="dataList", more="hasMore")
LAST = Stretches(size="pageSize", last="lastId", items="items", short_is_last=False)
NEWEST_FIRST: Callable[[Row], Any] = lambda row: (-row[0], -row[1])  # noqa: E731 - as a table's entry
ORDERS: dict[str, Callable[[Row], Any]] = {
    "newest first": NEWEST_FIRST,
    "oldest first": lambda row: (row[0], -row[1]),
    "by id": lambda row: -row[1],
}
READINGS = [(True, True), (True, False), (False, True), (False, False)]


@dataclass
class Listing:
    """
    A model of KuCoin's side: the first rows of a range in its order, and a cursor to rows of lower ids.

    :param size: rows of an answer
    :param inclusive: whether the bounds themselves belong to a range
    :param style: how an answer says whether there is more
    :param order: in which rows are listed
    :param shown: the time that a row shows, where that is not the one that ranges are about
    :param most: answers that it gives before it takes the reader for one that never ends
    """

    rows: list[Row]
    size: int
    inclusive: tuple[bool, bool] = (True, True)
    style: Stretches = BARE
    order: Callable[[Row], Any] = NEWEST_FIRST
    shown: Callable[[Row], int] = itemgetter(0)
    most: int = 100_000
    answers: int = 0
    full_answers: int = 0
    times: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = sorted(self.rows)
        self.times = [time for time, _ in self.rows]

    def ask(self, part: Slice, cursor: str | None = None) -> Stretch:
        self.answers += 1
        assert self.answers <= self.most, "the reader never ends"
        first = bisect_left(self.times, part.start_at + (not self.inclusive[0]))
        last = bisect_right(self.times, part.end_at - (not self.inclusive[1]))
        found = sorted(self.rows[first:last], key=self.order)
        if cursor is not None:
            found = [row for row in found if row[1] < int(cursor)]
        page = found[: self.size]
        self.full_answers += len(page) == self.size
        items = [{"id": number, "time": time, "shown": self.shown((time, number))} for time, number in page]
        data: Any = items
        if self.style.more:
            data = {"dataList": items, "hasMore": len(found) > self.size}
        elif self.style.last:
            data = {"items": items, "lastId": items[-1]["id"] if items else 0}
        return parse_stretch(self.style, data, self.size)


def drive(listing: Listing, window: Window, *, of_bounds: bool = True) -> list[Row]:
    """Ask until nothing is left, as a reader does, and return all rows, oldest first."""
    newest_first = listing.style is BARE
    [whole] = slices(window, None)
    todo, found = [Query(whole)], []
    while todo:
        query = todo.pop()
        stretch = listing.ask(query.part)
        if query.dense:
            found.append(follow_the_cursor(listing, query.part, stretch))
            continue
        times = [item["shown"] for item in stretch.items]
        findings = after(
            query.part,
            stretch,
            times,
            listing.size,
            newest_first=newest_first,
            of_bounds=of_bounds and not newest_first,
        )
        todo += findings.rest
        if findings.settled is not None:
            found.append(owned(stretch.items, findings.settled))
    # What comes out is handed on in this order, so it has to be that of time.
    return [row for rows in reversed(found) for row in rows]


def follow_the_cursor(listing: Listing, part: Slice, stretch: Stretch) -> list[Row]:
    found = {item["id"]: item for item in stretch.items}
    while stretch.below is not Below.NOTHING:
        stretch = listing.ask(part, stretch.cursor)
        found |= {item["id"]: item for item in stretch.items}
    return owned(list(found.values()), part.owned)


def owned(items: list[Any], window: Window) -> list[Row]:
    return sorted((item["time"], item["id"]) for item in items if item["time"] in window)


def repeatable(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - repeatable, not secret


def numbered(times: list[int]) -> list[Row]:
    return [(BASE_MS + time, number) for number, time in enumerate(times)]


# ------------------------------------------------------------------------------------------------- every row, and once


@st.composite
def listings(draw: Any) -> tuple[list[Row], int, int]:
    """Rows around a range of a length, and the size of an answer: even, in bursts, or ever denser towards the end."""
    span = draw(st.sampled_from([1, 2, 3, 5, 30, 1000, DAY_MS]))
    size = draw(st.sampled_from([2, 3, 5, 10]))
    count = draw(st.integers(0, 60))
    random = repeatable(draw(st.integers(0, 2**32)))
    shape = draw(st.sampled_from(["even", "bursts", "denser"]))
    if shape == "even":
        times = [random.randrange(-1, span + 2) for _ in range(count)]
    elif shape == "bursts":
        starts = [random.randrange(-1, span + 1) for _ in range(3)]
        times = [random.choice(starts) + random.randrange(draw(st.sampled_from([1, 4]))) for _ in range(count)]
    else:
        times = [int(span * (1 - random.random() ** random.choice([5, 60]))) for _ in range(count)]
    # In any order: nothing says that ids rise with time.
    numbers = random.sample(range(10 * count), count)
    return [(BASE_MS + time, number) for time, number in zip(times, numbers, strict=True)], span, size


@pytest.mark.parametrize(
    ("style", "order"),
    [(BARE, "newest first"), *((style, order) for style in (MORE, LAST) for order in ORDERS)],
    ids=lambda value: {BARE: "bare list", MORE: "hasMore", LAST: "lastId"}.get(value, value),
)
@given(listings(), st.sampled_from(READINGS))
# Rows of the milliseconds beside a dense one, whose ids are lower.
@example(([(BASE_MS + 5, 1), *((BASE_MS + 4, number) for number in range(10, 16))], 10, 3), (True, True))
@example(([(BASE_MS + 3, 1), *((BASE_MS + 4, number) for number in range(10, 16))], 10, 3), (True, True))
def test_every_row_comes_exactly_once_and_in_order_of_time_whatever_the_listing(
    style: Stretches, order: str, listed: tuple[list[Row], int, int], inclusive: tuple[bool, bool]
) -> None:
    rows, span, size = listed
    listing = Listing(rows, size, inclusive, style, ORDERS[order])
    window = Window(BASE_MS, BASE_MS + span)
    found = drive(listing, window)
    assert found == sorted(row for row in rows if row[0] in window)
    assert [time for time, _ in found] == sorted(time for time, _ in found)

    # What it costs: every full answer leads to MOST_CUTS queries or one more, and there are few full answers. Where the
    # order is documented, a row is in a handful of them; where it is not, a range is at worst halved down to a burst.
    times_full = 6 if style is BARE else log2(DAY_MS)
    assert listing.full_answers <= 2 + times_full * len(rows) / size
    assert listing.answers <= 1 + (MOST_CUTS + 1) * listing.full_answers


@pytest.mark.parametrize("inclusive", READINGS)
@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 399, 400, 401, 10_000])
@pytest.mark.parametrize(("style", "most"), [(BARE, 1.25), (MORE, 2.75)], ids=["newest first", "any order"])
def test_an_even_listing_takes_little_more_than_the_fewest_answers_that_hold_it(
    style: Stretches, most: float, count: int, inclusive: tuple[bool, bool]
) -> None:
    random = repeatable(count)
    rows = numbered([random.randrange(DAY_MS) for _ in range(count)])
    window = Window(BASE_MS, BASE_MS + DAY_MS)
    for order in ["newest first"] if style is BARE else ORDERS:
        listing = Listing(rows, 200, inclusive, style, ORDERS[order])
        assert drive(listing, window) == sorted(rows)
        assert listing.answers <= 2 + most * count / 200


@pytest.mark.parametrize("style", [BARE, MORE], ids=["newest first", "any order"])
def test_bursts_cost_a_few_times_the_fewest_answers(style: Stretches) -> None:
    """A market that sleeps and wakes: gaps between rows with so heavy a tail that most rows lie in a few seconds."""
    random = repeatable(7)
    gaps = [random.paretovariate(0.8) for _ in range(5_000)]
    moments, passed = [], 0.0
    for gap in gaps:
        passed += gap
        moments.append(int(passed / sum(gaps) * (DAY_MS - 1)))
    listing = Listing(numbered(moments), 200, style=style)
    found = drive(listing, Window(BASE_MS, BASE_MS + DAY_MS))
    assert len(found) == 5_000
    assert listing.answers <= 5 * 5_000 / 200


@pytest.mark.parametrize("style", [BARE, MORE], ids=["newest first", "any order"])
def test_a_settlement_of_many_rows_in_one_millisecond_does_not_make_the_rest_of_the_day_dear(style: Stretches) -> None:
    burst = [0, 28_800_000, 57_600_000]
    rows = numbered([time for time in burst for _ in range(130)] + list(range(1, DAY_MS, DAY_MS // 100)))
    listing = Listing(rows, 50, style=style)
    found = drive(listing, Window(BASE_MS, BASE_MS + DAY_MS))
    assert found == sorted(rows)
    assert listing.answers <= 10 * len(rows) / 50


@given(st.integers(1, 40), st.integers(2, 5), st.sampled_from(READINGS), st.sampled_from([BARE, MORE, LAST]))
def test_a_millisecond_with_more_rows_than_an_answer_is_read_by_cursor_and_its_neighbours_are_not_lost(
    count: int, size: int, inclusive: tuple[bool, bool], style: Stretches
) -> None:
    random = repeatable(count)
    numbers = random.sample(range(1000), 3 * count)
    rows = [(BASE_MS + 5 + place % 3, number) for place, number in enumerate(numbers)]
    listing = Listing(rows, size, inclusive, style)
    for window in (Window(BASE_MS, BASE_MS + 10), Window(BASE_MS + 6, BASE_MS + 7)):
        expected = sorted(row for row in rows if row[0] in window)
        assert drive(listing, window) == expected


@given(
    st.dictionaries(st.integers(0, 999), st.sampled_from([0, 1, 2, 50, DAY_MS]), max_size=60),
    st.sampled_from(READINGS),
    st.sampled_from(sorted(ORDERS)),
    st.integers(2, 5),
)
def test_every_row_comes_once_where_ranges_are_about_another_time_than_the_one_that_rows_show(
    lags: dict[int, int], inclusive: tuple[bool, bool], order: str, size: int
) -> None:
    """Orders are listed by their latest update, and the time that is known of them is that of their creation."""
    # Apart from each other, because rows of one millisecond, and of those beside it, are told apart by a cursor only.
    moments = repeatable(size).sample(range(0, 5000, 5), len(lags))
    rows = [(BASE_MS + moment, number) for moment, number in zip(moments, lags, strict=True)]
    listing = Listing(rows, size, inclusive, MORE, ORDERS[order], shown=lambda row: row[0] - lags[row[1]])
    assert drive(listing, Window(BASE_MS, BASE_MS + 5000), of_bounds=False) == sorted(rows)


# ---------------------------------------------------------------------------------------------------- one answer's say

WHOLE = Slice(Window(1000, 2000), 999, 2000)


def stretch(times: list[int], *, below: Below = Below.SOMETHING) -> Stretch:
    return Stretch([{"time": time} for time in times], below, is_full=True, cursor="5")


@st.composite
def answers(draw: Any) -> tuple[Slice, list[int], int]:
    """A query of any range, and the times of an answer to it, newest first."""
    start, span = draw(st.integers(1000, 1010)), draw(st.sampled_from([1, 2, 3, 10, 100, DAY_MS]))
    [part] = slices(Window(start, start + span), None, draw(st.sampled_from([0, 0, 60_000])))
    times = draw(st.lists(st.integers(part.start_at, part.end_at), min_size=1, max_size=12))
    return part, sorted(times, reverse=True), draw(st.integers(1, 12))


@given(answers(), st.booleans(), st.booleans())
@example((Slice(Window(1000, 1001), 999, 1001), [1000], 1), True, True)
@example((Slice(Window(1000, 1001), 999, 1001), [1001, 1001], 2), False, False)
def test_what_is_settled_and_what_is_left_make_up_the_range_without_gap_or_overlap(
    answer: tuple[Slice, list[int], int], newest_first: Any, of_bounds: Any
) -> None:
    part, times, size = answer
    findings = after(part, stretch(times), times, size, newest_first=newest_first, of_bounds=of_bounds)
    tiles = [query.part.owned for query in findings.rest] + ([findings.settled] if findings.settled else [])
    assert (tiles[0].start_ms, tiles[-1].end_ms) == (part.owned.start_ms, part.owned.end_ms)
    assert all(older.end_ms == newer.start_ms for older, newer in pairwise(tiles))
    # It goes on: nothing is asked for again, but a millisecond by cursor, or less far beyond the range.
    assert all(query.dense or query.part != part for query in findings.rest)
    assert all(query.part.owned.end_ms - query.part.owned.start_ms == 1 for query in findings.rest if query.dense)
    assert len(findings.rest) <= MOST_CUTS + 1


@given(answers(), st.booleans(), st.booleans())
def test_what_is_left_is_asked_for_with_the_same_reach_but_beyond_a_bound_that_is_known_to_be_inclusive(
    answer: tuple[Slice, list[int], int], newest_first: Any, of_bounds: Any
) -> None:
    part, times, size = answer
    known = newest_first or of_bounds
    before = part.owned.start_ms - part.start_at - (known and min(times) == part.start_at)
    beyond = part.end_at - part.owned.end_ms - (known and max(times) == part.end_at)
    for query in after(part, stretch(times), times, size, newest_first=newest_first, of_bounds=of_bounds).rest:
        mine = query.part
        assert (mine.owned.start_ms - mine.start_at, mine.end_at - mine.owned.end_ms) == (before, beyond)


def test_a_bound_is_drawn_in_by_the_one_millisecond_once() -> None:
    """It is the inclusive start of what is owned then: a row on it says nothing new."""
    part = Slice(Window(1000, 2000), 1000, 1999)
    for query in after(part, stretch([1999, 1000]), [1999, 1000], 2, newest_first=False, of_bounds=True).rest:
        assert query.part.start_at == query.part.owned.start_ms
        assert query.part.end_at == query.part.owned.end_ms - 1


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("times", [[], [1500], [1999, 1000, 1700]], ids=["no rows", "one", "any order"])
def test_an_answer_with_nothing_below_settles_all_of_the_range(times: list[int], newest_first: Any) -> None:
    found = after(WHOLE, stretch(times, below=Below.NOTHING), times, 3, newest_first=newest_first)
    assert (found.settled, found.rest) == (WHOLE.owned, ())


def test_an_answer_that_is_not_full_settles_all_of_the_range_where_nothing_else_is_said() -> None:
    short = Stretch([{}], Below.PERHAPS, is_full=False)
    assert after(WHOLE, short, [1500], 3, newest_first=False).settled == WHOLE.owned


def test_rows_older_than_the_range_show_that_all_of_it_has_come() -> None:
    found = after(WHOLE, stretch([1800, 1200, 999]), [1800, 1200, 999], 3, newest_first=True)
    assert (found.settled, found.rest) == (WHOLE.owned, ())


@pytest.mark.parametrize("newest_first", [True, False])
def test_no_rows_although_there_are_more_is_a_contradiction(newest_first: Any) -> None:
    with pytest.raises(Incomplete, match="an answer without rows says that there are more"):
        after(WHOLE, stretch([]), [], 3, newest_first=newest_first)


@pytest.mark.parametrize(
    "times",
    [[1500, 1600], [1900, 1800, 1850, 1700], [1000, 1001, 1002], [1999, 1000, 1001]],
    ids=["two", "one pair", "oldest first", "at the end"],
)
def test_a_listing_that_is_not_newest_first_although_documented_is_incomplete(times: list[int]) -> None:
    with pytest.raises(Incomplete, match="rows are not listed newest first, as they are documented to be"):
        after(WHOLE, stretch(times), times, len(times), newest_first=True)
    assert after(WHOLE, stretch(times), times, len(times), newest_first=False).settled is None


@given(st.lists(st.integers(0, 999), min_size=4, max_size=40, unique=True), st.sampled_from(READINGS))
def test_a_listing_oldest_first_is_never_read_as_if_it_were_newest_first(moments: Any, inclusive: Any) -> None:
    listing = Listing(numbered(moments), 3, inclusive, BARE, ORDERS["oldest first"])
    with pytest.raises(Incomplete, match="not listed newest first"):
        drive(listing, Window(BASE_MS, BASE_MS + 1000))


def test_rows_of_one_millisecond_are_in_no_order_of_time() -> None:
    assert after(WHOLE, stretch([1700, 1700, 1600]), [1700, 1700, 1600], 3, newest_first=True).settled == Window(
        1601, 2000
    )


def test_rows_later_than_anything_that_was_asked_for_stop_nothing_here() -> None:
    """Whoever takes the rows refuses them; until then it must go on."""
    for late in (2000, 2001, 2002, 10**13):
        for newest_first in (True, False):
            found = after(WHOLE, stretch([late] * 3), [late] * 3, 3, newest_first=newest_first)
            assert found.settled is None
            assert 1 <= len(found.rest) <= MOST_CUTS


# --------------------------------------------------------------------------------------------------------- into slices


def test_the_rest_of_an_even_listing_is_cut_into_slices_of_a_few_answers_each() -> None:
    [part] = slices(Window(BASE_MS, BASE_MS + DAY_MS), None)
    # A hundredth of the day is full: 99 more such answers are to be expected.
    times = [BASE_MS + DAY_MS - 1 - number * (DAY_MS // 100) // 199 for number in range(200)]
    found = after(part, stretch(times), times, 200, newest_first=True)
    assert len(found.rest) == -(-99 // ANSWERS_PER_SLICE)
    assert [query.dense for query in found.rest] == [False] * len(found.rest)
    lengths = {query.part.owned.end_ms - query.part.owned.start_ms for query in found.rest}
    assert max(lengths) - min(lengths) <= 1


def test_a_range_in_unknown_order_is_cut_until_each_slice_is_expected_to_fit_an_answer() -> None:
    [part] = slices(Window(BASE_MS, BASE_MS + DAY_MS), None)
    times = [BASE_MS + DAY_MS - 1 - number * (DAY_MS // 10) // 49 for number in range(50)]
    found = after(part, stretch(times), times, 50, newest_first=False)
    assert len(found.rest) == -(-10 // FILL) == 17


def test_a_burst_at_the_end_of_a_range_does_not_cut_the_rest_into_dust() -> None:
    [part] = slices(Window(BASE_MS, BASE_MS + DAY_MS), None)
    times = [BASE_MS + DAY_MS - 1 - number for number in range(200)]
    for newest_first in (True, False):
        assert len(after(part, stretch(times), times, 200, newest_first=newest_first).rest) == MOST_CUTS


def test_a_full_answer_of_candles_is_cut_and_one_that_is_not_full_is_all() -> None:
    style = Candles(("time", "open"))
    full = parse_stretch(style, [["3", "1"], ["2", "1"], ["1", "1"]], 3)
    assert len(after(WHOLE, full, [1900, 1800, 1700], 3, newest_first=False).rest) >= 2
    short = parse_stretch(style, [["3", "1"]], 3)
    assert after(WHOLE, short, [1900], 3, newest_first=False).settled == WHOLE.owned
