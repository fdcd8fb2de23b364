"""One pause for all calls of a line: when it begins, when it ends, and who goes first."""

from __future__ import annotations

from airflow_provider_kucoin.api.backoff import Backoff
from airflow_provider_kucoin.api.ratelimits import BRIEFLY, PATIENCE


def refused(backoff: Backoff, now: float, *, sent_at: float | None = None) -> None:
    backoff.refused(lambda refusals: 10.0 * refusals, "too much", now if sent_at is None else sent_at, now)


def test_nobody_waits_while_nothing_is_wrong() -> None:
    backoff = Backoff()
    backoff.sent(1.0)
    assert backoff.wait(1.0) == 0
    backoff.answered(1.0)
    assert backoff.wait(1.0) == 0


def test_after_a_refusal_everybody_waits_until_its_pause_is_over() -> None:
    backoff = Backoff()
    refused(backoff, 5.0)
    assert (backoff.wait(5.0), backoff.wait(14.0), backoff.wait(15.0)) == (10.0, 1.0, 0)


def test_refusals_of_what_left_before_the_first_one_came_are_the_same_one() -> None:
    backoff = Backoff()
    refused(backoff, 5.0, sent_at=4.0)
    for number in range(15):
        refused(backoff, 5.1 + number / 10, sent_at=4.5)
    assert (backoff.refusals, backoff.until) == (1, 15.0)


def test_when_the_pause_is_over_one_goes_alone_to_find_out() -> None:
    backoff = Backoff()
    refused(backoff, 5.0)
    backoff.sent(15.0)
    assert backoff.wait(15.0) == BRIEFLY
    assert backoff.wait(15.0 + PATIENCE) == 0


def test_when_the_one_comes_back_without_an_answer_another_one_goes() -> None:
    backoff = Backoff()
    refused(backoff, 5.0)
    backoff.sent(15.0)
    backoff.ended()
    assert backoff.wait(15.1) == 0
    assert backoff.refusals == 1


def test_when_the_one_is_refused_too_the_next_pause_begins() -> None:
    backoff = Backoff()
    refused(backoff, 5.0)
    backoff.sent(15.0)
    backoff.ended()
    refused(backoff, 15.5, sent_at=15.0)
    assert (backoff.refusals, backoff.wait(15.5)) == (2, 20.0)


def test_when_the_one_is_answered_all_is_well() -> None:
    backoff = Backoff()
    refused(backoff, 5.0)
    backoff.sent(15.0)
    backoff.ended()
    backoff.answered(15.0)
    assert (backoff.refusals, backoff.wait(15.2)) == (0, 0)


def test_an_answer_to_what_left_before_the_refusal_came_says_nothing() -> None:
    backoff = Backoff()
    refused(backoff, 5.0)
    backoff.answered(4.9)
    assert backoff.wait(6.0) == 9.0


def test_a_pause_that_somebody_has_slept_is_over_whatever_the_clock_says() -> None:
    backoff = Backoff()
    refused(backoff, 5.0)
    backoff.rested(15.0)
    assert backoff.wait(5.0) == 0


def test_who_has_slept_an_earlier_pause_does_not_end_a_later_one() -> None:
    backoff = Backoff()
    refused(backoff, 5.0)
    refused(backoff, 7.0)
    backoff.rested(15.0)
    assert backoff.wait(15.0) == 12.0
