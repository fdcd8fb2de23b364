"""
Quotas: by hand, and against a simulated pool of KuCoin's.

The simulation has KuCoin's rule (a window of fixed length that starts with the first request in it) and what makes it
hard: every request takes its time to get there and back, so answers overtake each other, arrive in the next window, or
get lost. Callers do what `api.calls` does: wait, send, note the answer.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count, pairwise
from math import ceil
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.ratelimits import BRIEFLY, LONGEST_RESET_MS, Budget, Quota

# ------------------------------------------------------------------------------------------------------------ headers


def headers(limit: str = "2000", remaining: str = "1990", reset: str = "30000") -> dict[str, str]:
    given = {"gw-ratelimit-limit": limit, "gw-ratelimit-remaining": remaining, "gw-ratelimit-reset": reset}
    return {name: value for name, value in given.items() if value is not None}


def test_headers_tell_the_quota() -> None:
    assert Quota.from_headers(headers()) == Quota(2000, 1990, 30000)


def test_a_quota_may_be_overdrawn_and_end_now() -> None:
    assert Quota.from_headers(headers(remaining="-5", reset="0")) == Quota(2000, -5, 0)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"limit": None}, id="no limit"),
        pytest.param({"remaining": None}, id="no remaining"),
        pytest.param({"reset": None}, id="no reset"),
        pytest.param({"limit": "-1"}, id="the official client's unknown"),
        pytest.param({"limit": "0"}, id="no quota at all"),
        pytest.param({"remaining": "many"}, id="words"),
        pytest.param({"remaining": ""}, id="empty"),
        pytest.param({"remaining": "1.5"}, id="fraction"),
        pytest.param({"remaining": "²"}, id="superscript"),
        pytest.param({"reset": "-1"}, id="in the past"),
        pytest.param({"reset": str(LONGEST_RESET_MS + 1)}, id="too far away"),
        pytest.param({"reset": "9" * 5000}, id="more digits than Python reads"),
    ],
)
def test_odd_headers_tell_nothing(odd: dict[str, Any]) -> None:
    assert Quota.from_headers(headers(**odd)) is None


def test_no_headers_tell_nothing() -> None:
    assert Quota.from_headers({}) is None


# ------------------------------------------------------------------------------------------------------------ by hand


def test_the_very_first_request_goes_alone() -> None:
    budget = Budget()
    assert budget.wait(2, 0.0) == 0
    budget.sent(2)
    assert budget.wait(2, 0.0) == BRIEFLY


def test_requests_under_way_count_as_if_they_were_not_in_the_number_yet() -> None:
    budget = Budget(limit=10, remaining=5, resets_at=30.0)
    budget.sent(2)
    assert budget.wait(3, 1.0) == 0
    assert budget.wait(4, 1.0) == BRIEFLY


def test_an_empty_quota_is_waited_for_until_its_window_ends() -> None:
    budget = Budget(limit=10, remaining=1, resets_at=30.0)
    assert budget.wait(2, 12.5) == 17.5
    assert budget.wait(2, 30.0) == 0


def test_a_weight_above_the_whole_quota_goes_alone_with_a_full_one() -> None:
    budget = Budget(limit=10, remaining=9, resets_at=30.0)
    assert budget.wait(50, 0.0) == 30.0
    assert budget.wait(50, 30.0) == 0
    budget.sent(50)
    assert budget.wait(1, 30.0) == BRIEFLY


def test_within_a_window_the_smaller_number_is_the_newer_one() -> None:
    budget = Budget()
    for _ in range(3):
        budget.sent(2)
    budget.answered(2, Quota(10, 4, 29_000), 0.0, 1.0)
    budget.answered(2, Quota(10, 8, 29_500), 0.0, 1.0)
    assert (budget.remaining, budget.resets_at) == (4, 30.0)


def test_an_answer_without_headers_may_have_cost_its_weight() -> None:
    budget = Budget(limit=10, remaining=5, resets_at=30.0)
    budget.sent(2)
    budget.answered(2, None, 0.0, 1.0)
    assert budget.wait(3, 1.0) == 0
    assert budget.wait(4, 1.0) == 29.0
    assert budget.wait(4, 30.0) == 0


def test_a_pool_that_never_tells_its_quota_is_asked_one_request_at_a_time() -> None:
    budget = Budget()
    for now in range(100):
        assert budget.wait(2, float(now)) == 0
        budget.sent(2)
        assert budget.wait(2, now + 0.1) == BRIEFLY
        budget.answered(2, None, float(now), now + 0.5)


def test_a_pool_that_falls_silent_is_asked_one_request_at_a_time_when_its_quota_is_used_up() -> None:
    budget = Budget(limit=4, remaining=0, resets_at=30.0)
    for now in range(30, 60):
        assert budget.wait(2, float(now)) == 0
        budget.sent(2)
        budget.answered(2, None, float(now), now + 0.5)
    budget.sent(2)
    assert budget.wait(2, 60.0) == BRIEFLY


def test_a_late_answer_of_the_window_before_says_nothing_of_the_new_one() -> None:
    budget = Budget(limit=10, remaining=2, resets_at=30.0)
    budget.sent(2)
    assert budget.wait(2, 30.0) == 0
    budget.answered(2, Quota(10, 0, 500), 29.0, 30.5)
    assert (budget.remaining, budget.resets_at) == (10, None)


def test_the_next_window_is_noticed_before_the_last_ones_end_was_due() -> None:
    budget = Budget(limit=10, remaining=0, resets_at=32.0)  # told late: it really ended at 30
    budget.sent(2)
    budget.answered(2, Quota(10, 8, 30_000), 30.5, 31.0)
    assert (budget.remaining, budget.resets_at) == (8, 61.0)


def test_a_raised_quota_is_heard_of() -> None:
    budget = Budget(limit=10, remaining=8, resets_at=30.0)
    budget.sent(2)
    budget.answered(2, Quota(20, 6, 29_000), 0.0, 1.0)
    assert budget.limit == 20


# --------------------------------------------------------------------------------------------------- against a pool


@dataclass
class Pool:
    """KuCoin's side: a window of fixed length that starts with the first request in it."""

    limit: int
    window: float
    tells: bool = True
    start: float = float("-inf")
    used: int = 0
    refused: int = 0
    served: list[tuple[float, int]] = field(default_factory=list)

    def take(self, weight: int, now: float) -> Quota | None:
        if now >= self.start + self.window:
            self.start, self.used = now, 0
        if self.used + weight > self.limit:
            self.refused += 1
            self.used = self.limit
        else:
            self.used += weight
            self.served.append((now, weight))
        # Whether the milliseconds are rounded up or down is not known; up is the harder one.
        reset_ms = ceil((self.start + self.window - now) * 1000)
        return Quota(self.limit, self.limit - self.used, reset_ms) if self.tells else None


def simulate(
    pool: Pool, weights: list[int], there: list[float], back: list[float], lost: set[int], callers: int
) -> float:
    """Let so many callers work off the requests; return the time at which the last answer came."""
    budget, todo, numbers = Budget(), list(enumerate(weights)), count()
    now = 0.0
    # (time, tie breaker, what happens, data)
    events = [(0.0, next(numbers), "look", None) for _ in range(callers)]
    heapq.heapify(events)
    steps = 0
    while events:
        steps += 1
        assert steps < 500_000, "it does not end"
        now, _, what, data = heapq.heappop(events)
        if what == "look":
            if not todo:
                continue
            number, weight = todo[0]
            if (seconds := budget.wait(weight, now)) > 0:
                heapq.heappush(events, (now + seconds, next(numbers), "look", None))
                continue
            todo.pop(0)
            budget.sent(weight)
            heapq.heappush(events, (now + there[number % len(there)], next(numbers), "arrive", (number, weight, now)))
        elif what == "arrive":
            number, weight, sent_at = data
            quota = pool.take(weight, now)
            if number in lost:
                quota = None
            event = (now + back[number % len(back)], next(numbers), "answer", (weight, quota, sent_at))
            heapq.heappush(events, event)
        else:
            weight, quota, sent_at = data
            budget.answered(weight, quota, sent_at, now)
            heapq.heappush(events, (now, next(numbers), "look", None))
    assert budget.in_flight == 0
    return now


latencies = st.lists(st.floats(0.001, 0.9), min_size=1, max_size=7)


@given(
    limit=st.integers(40, 120),
    window=st.sampled_from([3.0, 30.0]),
    weights=st.lists(st.sampled_from([2, 2, 2, 5, 10]), min_size=1, max_size=250),
    there=latencies,
    back=latencies,
    # Not the very first, and not a whole window: where no answer tells of a quota, nobody can know what is left of it.
    lost=st.sets(st.integers(1, 249), max_size=3),
    callers=st.integers(1, 40),
)
@example(40, 3.0, [2] * 250, [0.001, 0.9], [0.9, 0.001, 0.4], set(), 32)
@example(12, 30.0, [2] * 100, [0.9, 0.001, 0.3], [0.001, 0.9], {1, 5, 6}, 32)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_no_request_is_ever_refused_and_all_are_served(
    limit: int, window: float, weights: list[int], there: list[float], back: list[float], lost: set[int], callers: int
) -> None:
    pool = Pool(limit, window)
    simulate(pool, weights, there, back, lost, callers)
    assert pool.refused == 0
    assert len(pool.served) == len(weights)


@pytest.mark.parametrize("window", [3.0, 30.0], ids=["3 s", "30 s"])
@pytest.mark.parametrize("callers", [8, 32])
def test_the_quota_is_used_to_its_end_in_every_window(window: float, callers: int) -> None:
    pool = Pool(400, window)
    took = simulate(pool, [2] * 2000, [0.01, 0.05, 0.02], [0.04, 0.01], set(), callers)
    # 4000 in 400s are ten windows, the last of which need not be waited for.
    assert pool.refused == 0
    assert 9 * window <= took < 9 * window + 0.2 * window + 1.0
    first = pool.served[0][0]
    assert sum(weight for at, weight in pool.served if at < first + window) == 400


def test_without_headers_requests_go_one_by_one_and_all_arrive() -> None:
    pool = Pool(1_000_000, 30.0, tells=False)
    simulate(pool, [2] * 100, [0.01], [0.01], set(), 16)
    arrivals = [at for at, _ in pool.served]
    assert len(arrivals) == 100
    assert all(later - earlier >= 0.02 - 1e-9 for earlier, later in pairwise(arrivals))
