"""
One process and one quota: what the headers say, and what follows from it, step by step.

Processes that share a quota, and quotas used to their end, are simulated: tests/api/test_sharing.py.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_kucoin.api.ratelimits import (
    BRIEFLY,
    CROWD_AT_FIRST,
    LARGEST_CROWD,
    LARGEST_ERROR,
    LONGEST_RESET_MS,
    PATIENCE,
    ROUNDING,
    Budget,
    Crowd,
    Ending,
    Quota,
)

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


# ------------------------------------------------------------------------------------------------------- the beginning


def test_the_very_first_request_goes_alone() -> None:
    budget = Budget()
    assert budget.wait(2, 0.0) == 0
    budget.sent(2, 0.0)
    assert budget.wait(2, 0.0) == BRIEFLY


def test_the_longer_there_is_no_answer_the_more_rarely_it_is_looked_for() -> None:
    budget = Budget()
    budget.sent(2, 0.0)
    waits = [budget.wait(2, now) for now in (0.0, 0.01, 0.1, 0.5, 0.9)]
    assert waits == sorted(waits)
    assert waits[-1] <= PATIENCE / 4


def test_a_first_request_that_gets_no_answer_is_not_waited_for_long() -> None:
    budget = Budget()
    budget.sent(2, 0.0)
    assert budget.wait(2, PATIENCE) == 0
    budget.sent(2, PATIENCE)
    assert budget.wait(2, PATIENCE) == BRIEFLY


def test_as_long_as_no_answer_comes_requests_go_one_at_a_time() -> None:
    budget = Budget()
    for now in range(100):
        assert budget.wait(2, float(now)) == 0
        budget.sent(2, float(now))
        assert budget.wait(2, now + 0.01) == BRIEFLY
        budget.answered(2, None, float(now), now + 0.5)


def test_a_pool_that_answers_and_tells_of_no_quota_is_used_freely_until_it_tells() -> None:
    budget = Budget()
    budget.sent(2, 0.0)
    assert budget.wait(2, 0.0) == BRIEFLY
    budget.answered(2, None, 0.0, 0.1, was_granted=True)
    for _ in range(100):
        assert budget.wait(2, 0.1) == 0
        budget.sent(2, 0.1)
    budget.answered(2, None, 0.1, 0.2)
    assert budget.wait(2, 0.2) == 0
    budget.answered(2, Quota(2000, 50, 30_000), 0.1, 0.2)
    assert budget.wait(2, 0.2) > BRIEFLY


def told(limit: int = 2000, remaining: int = 1998, *, others: bool = False) -> Budget:
    """A budget that has had one answer, 10 seconds before the end of a window, and knows whether there are others."""
    budget = Budget()
    budget.sent(2, 0.0)
    budget.answered(2, Quota(limit, remaining, 10_000), 0.0, 0.0)
    budget.crowd.mine, budget.crowd.theirs = 100, 100 if others else 0
    return budget


def under_way(budget: Budget, now: float, weight: int = 2) -> int:
    """Send what may be sent at once, and return how many requests that were."""
    before = budget.in_flight
    while budget.wait(weight, now) == 0:
        budget.sent(weight, now)
    return (budget.in_flight - before) // weight


def test_it_begins_with_few_requests_and_doubles_them_with_each_round_trip() -> None:
    budget = told()
    counts = []
    for now in range(1, 5):
        counts.append(under_way(budget, float(now)))
        for _ in range(counts[-1]):
            budget.answered(2, Quota(2000, 1900, 10_000 - 1000 * now), float(now), now + 0.5)
    assert counts == [2, 4, 8, 16]


# -------------------------------------------------------------------------------------------------------- one's own use


def test_requests_under_way_count_as_if_they_were_not_in_the_number_yet() -> None:
    budget = Budget(limit=10, remaining=5, ending=Ending(30.0, 30.0))
    budget.sent(2, 1.0)
    assert budget.wait(3, 1.0) == 0
    assert budget.wait(4, 1.0) == BRIEFLY


def test_a_part_of_the_quota_is_left_for_the_first_requests_of_others() -> None:
    budget = Budget(limit=1000, remaining=33, ending=Ending(30.0, 30.0))
    assert budget.wait(3, 0.0) == 0
    assert budget.wait(4, 0.0) == 30.0 + ROUNDING


def test_an_empty_quota_is_waited_for_until_its_window_ends() -> None:
    budget = Budget(limit=10, remaining=1, ending=Ending(29.5, 30.0))
    assert budget.wait(2, 12.5) == 17.5 + ROUNDING
    assert budget.wait(2, 30.0 + ROUNDING) == 0


def test_requests_under_way_do_not_make_an_empty_quota_full() -> None:
    budget = Budget(limit=10, remaining=1, ending=Ending(29.5, 30.0))
    budget.sent(2, 12.0)
    assert budget.wait(2, 12.5) == 17.5 + ROUNDING


def test_a_weight_above_the_whole_quota_goes_alone_with_a_full_one() -> None:
    budget = Budget(limit=10, remaining=9, ending=Ending(30.0, 30.0))
    assert budget.wait(50, 0.0) == 30.0 + ROUNDING
    assert budget.wait(50, 31.0) == 0
    budget.sent(50, 31.0)
    assert budget.wait(1, 31.0) == BRIEFLY
    assert Budget(limit=10, remaining=10, ending=Ending(30.0, 30.0)).wait(50, 0.0) == 0


def test_within_a_window_the_smaller_number_is_the_newer_one() -> None:
    budget = Budget()
    for _ in range(3):
        budget.sent(2, 0.0)
    budget.answered(2, Quota(10, 4, 29_000), 0.0, 1.0)
    budget.answered(2, Quota(10, 8, 29_500), 0.0, 1.0)
    assert budget.remaining == 4


def test_an_answer_without_headers_may_have_cost_its_weight() -> None:
    budget = Budget(limit=10, remaining=5, ending=Ending(30.0, 30.0))
    budget.sent(2, 0.0)
    budget.answered(2, None, 0.0, 1.0)
    assert budget.wait(3, 1.0) == 0
    assert budget.wait(4, 1.0) == 29.0 + ROUNDING


def test_what_a_lost_request_has_cost_is_in_the_answers_to_later_ones() -> None:
    budget = told(10, 8)
    for _ in range(2):
        budget.sent(2, 1.0)
    budget.answered(2, None, 1.0, 2.0)
    budget.answered(2, Quota(10, 6, 8000), 1.0, 2.0)
    assert budget.wait(6, 2.0) > BRIEFLY
    budget.sent(2, 3.0)
    budget.answered(2, Quota(10, 6, 7000), 3.0, 3.0)
    assert budget.wait(6, 3.0) == 0


def test_an_answer_in_the_last_moment_of_a_window_is_taken_as_any_other() -> None:
    budget = Budget()
    budget.sent(2, 0.0)
    budget.answered(2, Quota(2000, 1000, 0), 0.0, 0.0)
    assert budget.wait(2, 0.0) == 0


def test_a_raised_quota_is_heard_of() -> None:
    budget = told(10, 8)
    budget.sent(2, 1.0)
    budget.answered(2, Quota(20, 6, 9000), 1.0, 1.0)
    assert budget.limit == 20


@pytest.mark.parametrize(("remaining", "weight", "lacks"), [(5, 5, False), (4, 5, True)])
def test_it_knows_what_it_has_been_told_is_missing(remaining: int, weight: int, *, lacks: bool) -> None:
    assert Budget(limit=10, remaining=remaining).lacks(weight) is lacks


def test_what_nobody_has_told_is_not_missing() -> None:
    assert not Budget().lacks(5)


# ------------------------------------------------------------------------------------------------------ the next window


def test_only_one_request_goes_to_see_whether_the_window_is_over() -> None:
    budget = Budget(limit=100, remaining=0, ending=Ending(30.0, 30.0))
    assert under_way(budget, 30.1) == 1
    assert budget.wait(2, 30.1) == BRIEFLY
    budget.answered(2, Quota(100, 98, 30_000), 30.1, 30.2)
    assert under_way(budget, 30.2) == 2


def test_who_does_not_have_to_wait_goes_on_while_a_window_ends() -> None:
    budget = Budget(limit=100, remaining=90, ending=Ending(30.0, 30.0))
    for _ in range(10):
        budget.sent(2, 29.9)
    assert budget.wait(2, 30.1) == 0


def test_where_nobody_has_told_when_the_window_ends_one_request_asks() -> None:
    assert under_way(Budget(limit=100, remaining=0), 1.0) == 1


def test_requests_that_have_long_been_without_an_answer_do_not_stop_a_new_window() -> None:
    budget = Budget(limit=100, remaining=15, ending=Ending(30.0, 30.0))
    assert under_way(budget, 29.0) == 6
    assert budget.wait(2, 29.0) == BRIEFLY
    assert budget.wait(2, 30.1) == 0


def test_a_pool_that_falls_silent_is_asked_one_request_at_a_time_when_its_quota_is_used_up() -> None:
    budget = Budget(limit=4, remaining=0, ending=Ending(30.0, 30.0))
    for now in range(31, 60):
        assert budget.wait(2, float(now)) == 0
        budget.sent(2, float(now))
        assert budget.wait(2, now + 0.01) == BRIEFLY
        budget.answered(2, None, float(now), now + 0.5)


def test_a_late_answer_of_the_window_before_says_nothing_of_the_new_one() -> None:
    budget = told(100, 98)
    budget.sent(2, 9.9)
    budget.sent(2, 10.1)
    budget.answered(2, Quota(100, 98, 29_900), 10.1, 10.2)
    budget.answered(2, Quota(100, 3, 100), 9.9, 11.0)
    assert budget.remaining == 98
    assert budget.ending is not None
    assert (budget.ending.earliest, budget.ending.answers) == (40.0, 1)


def test_the_next_window_is_noticed_whenever_it_begins() -> None:
    budget = Budget(limit=100, remaining=0, ending=Ending(30.0, 32.0))
    budget.sent(2, 30.5)
    budget.answered(2, Quota(100, 98, 30_000), 30.5, 31.0)
    assert (budget.remaining, budget.ending) == (98, Ending(60.5, 61.0))


def test_the_more_answers_there_were_the_earlier_the_next_window_is_tried() -> None:
    ending = Ending(29.0, 31.0)
    ending.heard(Ending(29.6, 31.5))
    assert ending == Ending(29.6, 31.0, 2)
    assert ending.probable() == pytest.approx(30.3)
    for _ in range(98):
        ending.heard(Ending(29.6, 31.0))
    assert ending.probable() == pytest.approx(29.614)


def test_a_window_is_tried_early_only_if_that_cannot_be_refused() -> None:
    assert Budget(limit=100, remaining=4, ending=Ending(29.0, 31.0, 2)).wait(4, 0.0) == 30.0 + ROUNDING
    assert Budget(limit=100, remaining=3, ending=Ending(29.0, 31.0, 2)).wait(4, 0.0) == 31.0 + ROUNDING


def test_a_countdown_that_ends_before_its_window_is_believed_less_each_time() -> None:
    """As one in whole seconds, rounded down, would."""
    budget = Budget(limit=1000, remaining=30, ending=Ending(30.0, 30.0))
    now, pauses = 30.0, []
    for _ in range(9):
        pauses.append(budget.wait(2, now))
        now += pauses[-1]
        assert budget.wait(2, now) == 0
        budget.sent(2, now)
        budget.answered(2, Quota(1000, 29, 0), now, now)
    assert pauses[0] == pytest.approx(ROUNDING)
    assert all(later >= earlier for earlier, later in pairwise(pauses))
    assert pauses[-1] == pytest.approx(LARGEST_ERROR + ROUNDING)


# ----------------------------------------------------------------------------------------------------------- the others


def test_one_who_knows_nothing_reckons_with_others() -> None:
    budget = Budget()
    budget.sent(2, 0.0)
    budget.answered(2, Quota(2000, 1998, 10_000), 0.0, 0.0)
    assert budget.crowd.size == CROWD_AT_FIRST


def test_one_who_sees_no_others_soon_does_not_reckon_with_any() -> None:
    budget, remaining = told(), 1998
    budget.crowd.guess(2, 2, 0, 0.0)
    for now in range(1, 20):
        budget.sent(20, float(now))
        remaining -= 20
        budget.answered(20, Quota(2000, remaining, 10_000), float(now), now + 0.5)
    assert budget.crowd.size == 1


def test_what_is_missing_besides_ones_own_use_was_used_by_others() -> None:
    budget, remaining = told(), 1998
    for now in range(1, 40):
        budget.sent(2, float(now))
        remaining -= 8  # six of which are not ours
        budget.answered(2, Quota(2000, remaining, 10_000), float(now), now + 0.5)
    assert budget.crowd.size == pytest.approx(4, rel=0.1)


def test_what_others_used_before_one_came_says_nothing_of_what_they_use_now() -> None:
    budget = told(2000, 500)
    budget.crowd.guess(2, budget.limit - 500, 1498, 0.0)
    assert budget.crowd.size == CROWD_AT_FIRST


def test_answers_within_one_round_trip_are_one_look_at_the_others() -> None:
    crowd = Crowd()
    crowd.look(10, 10, 1.0, 0.5)
    crowd.look(20, 500, 1.4, 0.5)
    assert crowd.size == 2
    crowd.look(20, 30, 1.5, 0.5)
    assert crowd.size == pytest.approx(1 + 29 / 19)


def test_a_crowd_is_never_so_large_that_one_would_stop_for_it() -> None:
    crowd = Crowd()
    crowd.look(1, 10_000, 1.0, 0.5)
    assert crowd.size == LARGEST_CROWD


def test_nobody_is_seen_by_one_who_has_used_nothing() -> None:
    assert Crowd().size == 1


def test_the_last_requests_go_only_while_each_of_the_others_may_send_one_too() -> None:
    assert told(1000, 30 + 4, others=True).wait(2, 9.0) == 0
    assert told(1000, 30 + 3, others=True).wait(2, 9.0) == pytest.approx(1.0 + ROUNDING)
    assert told(1000, 30 + 2, others=False).wait(2, 9.0) == 0


def test_where_there_are_others_only_so_much_is_under_way_that_twice_as_much_from_each_finds_quota() -> None:
    budget = told(1000, 30 + 48, others=True)
    assert under_way(budget, 9.0) == 2
    budget._ramp = 100
    assert under_way(budget, 9.0) == 4  # with the two before: 6 of weight 2, twice, from both of us, are 48


def test_who_has_used_much_leaves_as_much_to_the_others_in_the_first_half_of_a_window() -> None:
    budget = told(1000, 700, others=True)
    budget._mine = 680
    assert 0 < budget.wait(2, 0.0) < 5.0
    later = budget.wait(2, 0.0)
    assert budget.wait(2, later + 0.01) == 0
    assert budget.wait(2, later - 0.1) == pytest.approx(0.1)
    budget._mine = 100
    assert budget.wait(2, 0.0) == 0


def test_who_is_alone_leaves_nothing_to_others() -> None:
    budget = told(1000, 700)
    budget._mine = 600
    assert budget.wait(2, 0.0) == 0
