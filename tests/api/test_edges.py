"""What shows that KuCoin's bounds are inclusive: every answer but one that is exact to the millisecond does not."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from airflow_provider_kucoin.api.edges import QUESTIONS, Trial, trial
from airflow_provider_kucoin.api.windows import DAY_MS, Window, slices

if TYPE_CHECKING:
    from collections.abc import Callable

MIDNIGHT = 1_770_076_800_000
LIMIT = DAY_MS - 1
ROUNDINGS: dict[str, Callable[[int], int]] = {
    "exact": lambda ms: ms,
    "down to a second": lambda ms: ms // 1000 * 1000,
    "up to a second": lambda ms: -(-ms // 1000) * 1000,
    "down to a minute": lambda ms: ms // 60_000 * 60_000,
    "up to a minute": lambda ms: -(-ms // 60_000) * 60_000,
}
BOUNDS = list(product(ROUNDINGS, ROUNDINGS, (True, False), (True, False)))


def brings(how: tuple[str, str, bool, bool]) -> Callable[[list[int], int, int], list[int]]:
    """Return what an exchange answers that reads its bounds like this."""
    start, end, start_inclusive, end_inclusive = how

    def answer(times: list[int], start_at: int, end_at: int) -> list[int]:
        first, last = ROUNDINGS[start](start_at), ROUNDINGS[end](end_at)
        return [
            time
            for time in times
            if (first < time < last)
            or (start_inclusive and time == first <= last)
            or (end_inclusive and time == last >= first)
        ]

    return answer


@pytest.mark.parametrize("how", BOUNDS)
def test_bounds_are_taken_for_inclusive_only_where_a_day_then_comes_whole(how: tuple[str, str, bool, bool]) -> None:
    answer = brings(how)
    day = Window(MIDNIGHT, MIDNIGHT + DAY_MS)
    times = [day.start_ms, day.start_ms + 1, MIDNIGHT + 7_001, MIDNIGHT + 7_004, day.end_ms - 2, day.end_ms - 1]
    about = trial(times)
    assert about == Trial(MIDNIGHT + 1, MIDNIGHT + 7_001)
    answers = [answer(times, part.start_at, part.end_at) for part in about.questions]
    if about.shows_inclusive(*answers):
        [part] = slices(day, LIMIT, inclusive=True)
        assert answer(times, part.start_at, part.end_at) == times
    else:
        assert how != ("exact", "exact", True, True)


def test_exact_and_inclusive_bounds_are_the_only_ones_that_are_believed() -> None:
    times, believed = [MIDNIGHT + 503, MIDNIGHT + 7_507], []
    for how in BOUNDS:
        answer = brings(how)
        about = Trial(*times)
        if about.shows_inclusive(*(answer(times, part.start_at, part.end_at) for part in about.questions)):
            believed.append(how)
    assert believed == [("exact", "exact", True, True)]


@pytest.mark.parametrize(
    ("without_earlier", "without_later"),
    [
        ([], []),
        ([10_007], []),
        ([], [10_001]),
        ([10_001, 10_007], [10_001]),
        ([10_007], [10_001, 10_007]),
        ([10_007, 99_999], [10_001]),
        ([10_001], [10_007]),
    ],
)
def test_an_answer_that_lacks_a_row_or_has_one_more_shows_nothing(
    without_earlier: list[int], without_later: list[int]
) -> None:
    assert not Trial(10_001, 10_007).shows_inclusive(without_earlier, without_later)


def test_rows_of_one_millisecond_may_be_several() -> None:
    assert Trial(10_001, 10_007).shows_inclusive([10_007, 10_007], [10_001] * 3)


@pytest.mark.parametrize(
    "times",
    [
        [],
        [10_001],
        [10_001, 10_001],
        [10_001, 10_002],  # a question about a single moment
        [10_000, 10_007],  # a bound that is rounded down would pass for an exact one
        [10_001, 11_000],
    ],
)
def test_of_some_rows_nothing_can_be_asked(times: list[int]) -> None:
    assert trial(times) is None


def test_the_two_rows_lie_side_by_side_in_whatever_order_rows_come() -> None:
    assert trial([70_003, 10_001, 50_002, 10_002]) == Trial(10_002, 50_002)


def test_each_question_asks_from_before_one_row_to_before_the_other_and_never_about_a_single_moment() -> None:
    parts = Trial(10_001, 10_003).questions
    assert [(part.start_at, part.end_at) for part in parts] == [(10_002, 10_003), (10_001, 10_002)]
    assert len(parts) == QUESTIONS
