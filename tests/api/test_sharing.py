"""
Processes that share a quota, simulated: how much of it they use, that none is refused, that none is left with nothing.

The simulation, and the table of many more conditions, is benchmarks/sharing.py.
"""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sharing import (
    CALLERS,
    CONDITIONS,
    UNIFIED_VIP0,
    UNIFIED_VIP12,
    VIP0,
    VIP12,
    Process,
    Quotas,
    Way,
    possible,
    simulate,
)

if TYPE_CHECKING:
    from sharing import Condition

#: Of 100 requests a window, each is 1 %.
BAR = 0.95

# ------------------------------------------------------------------------------------------------------- one by itself


@given(
    limit=st.integers(40, 120),
    window=st.sampled_from([3.0, 30.0]),
    weights=st.lists(st.sampled_from([2, 2, 2, 5, 10]), min_size=1, max_size=10),
    calls=st.integers(1, 150),
    round_trip=st.floats(0.002, 1.0),
    jitter=st.floats(0, 0.99),
    lost=st.sampled_from([0.0, 0.0, 0.01]),
    callers=st.integers(1, 40),
    seed=st.integers(0, 1000),
)
@example(40, 3.0, [2], 150, 1.0, 0.99, 0.0, 32, 1)
@example(12, 30.0, [2], 100, 0.8, 0.9, 0.01, 32, 1)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_one_process_is_never_refused_and_all_its_calls_are_made(
    limit: int,
    window: float,
    weights: list[int],
    calls: int,
    round_trip: float,
    jitter: float,
    lost: float,
    callers: int,
    seed: int,
) -> None:
    outcome = simulate(
        Quotas(limit, window),
        [Process(calls=calls, weights=weights, callers=callers)],
        Way(round_trip, jitter, lost=lost),
        windows=200,
        seed=seed,
    )
    assert outcome.refused == 0
    assert 0 in outcome.finished


@pytest.mark.parametrize("round_trip", [0.005, 0.05, 0.2])
def test_a_year_of_ledger_takes_two_bursts_and_one_sleep(round_trip: float) -> None:
    """1,460 calls of weight 2: 1,000 may be made in the first 30 s, and the rest at once thereafter."""
    outcome = simulate(VIP0, [Process(calls=1460)], Way(round_trip), windows=2)
    bare = 30 + 460 / CALLERS * round_trip
    assert outcome.refused == 0
    assert outcome.finished[0] < 1.10 * bare


# --------------------------------------------------------------------------------------------------- several of a kind


@pytest.mark.parametrize("round_trip", [0.005, 0.05, 0.2], ids=["5 ms", "50 ms", "200 ms"])
@pytest.mark.parametrize("processes", [1, 2, 4, 8])
@pytest.mark.parametrize("quotas", [VIP0, UNIFIED_VIP0, UNIFIED_VIP12], ids=str)
def test_processes_that_share_a_quota_use_it_and_are_not_refused(
    quotas: Quotas, processes: int, round_trip: float
) -> None:
    outcome = simulate(quotas, [Process()] * processes, Way(round_trip), windows=2 if quotas.limit > 200 else 6)
    can = possible(quotas, processes, round_trip)
    assert outcome.refused == 0
    assert min(outcome.used) >= (BAR if can == 1 else 0.8 * can)
    assert min(outcome.share(number) for number in range(processes)) > 0.5


@pytest.mark.parametrize("processes", [1, 8])
def test_the_largest_quota_is_used_too(processes: int) -> None:
    outcome = simulate(VIP12, [Process()] * processes, Way(0.02), windows=1)
    assert outcome.refused == 0
    assert min(outcome.used) >= BAR


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
def test_a_new_window_is_begun_as_soon_as_the_last_is_over(processes: int) -> None:
    outcome = simulate(UNIFIED_VIP0, [Process()] * processes, Way(0.05), windows=10)
    assert outcome.used_by_the_clock >= BAR


# --------------------------------------------------------------------------------------------------------- and troubles

#: What the smallest quota, of 100 requests and so with three in reserve, is too small for, and how many are refused.
BEYOND_THE_RESERVE = {
    "16 processes": 16,
    "4 join 4 at once at any moment": 4,
    "7 join 1 at once at any moment": 7,
    "7 join 1, one by one": 7,
    "weights 2, 3 and 20, 4 processes": 8,
    "countdown in seconds, rounded down, 4 processes": 150,
}


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_nobody_is_refused_whatever_happens(condition: Condition) -> None:
    outcome = condition.run(VIP0, 2, 1)
    assert outcome.refused == 0
    assert min(outcome.used) >= 0.93


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_with_the_smallest_quota_few_are_refused_and_only_where_it_is_too_small(condition: Condition) -> None:
    for seed in range(2):
        outcome = condition.run(UNIFIED_VIP0, 6, seed)
        assert outcome.refused <= BEYOND_THE_RESERVE.get(condition.name, 0)
        assert mean(outcome.used) >= (0.80 if condition.name in BEYOND_THE_RESERVE else 0.90)


def test_who_is_far_away_gets_a_share_too() -> None:
    ways = (0.005, 0.02, 0.05, 0.2)
    outcome = simulate(VIP0, [Process(round_trip=seconds) for seconds in ways], windows=3)
    assert min(outcome.share(number) for number in range(len(ways))) > 0.4


def test_who_comes_late_gets_an_equal_share_from_the_next_window_on() -> None:
    outcome = simulate(VIP0, [Process(), Process(), Process(starts=40)], windows=4)
    assert outcome.share(2, since=60) > 0.9


def test_what_the_dead_leave_is_used_by_the_living() -> None:
    outcome = simulate(VIP0, [Process(), *[Process(dies=10)] * 3], windows=3)
    assert min(outcome.used) >= BAR
