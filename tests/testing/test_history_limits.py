"""Which rows a range of time brings: what is kept, what is cut without a word, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kucoin.testing import Readings
from airflow_provider_kucoin.testing.histories import HISTORIES
from airflow_provider_kucoin.testing.history_limits import (
    ALTERNATIVES,
    DAY_MS,
    DOCUMENTED,
    MARGIN_SINCE_MS,
    WEEK_MS,
    Asked,
    Limits,
    kept,
    listed,
)
from airflow_provider_kucoin.testing.refusals import Refusal

NOW = 1_770_120_000_000
EVER = 1 << 62


def found(start: int | None, end: int | None, limits: Limits, **readings: Any) -> tuple[int, int]:
    times = listed(Asked(start, end), limits, NOW, Readings(**readings))
    return times.start, times.stop


def test_without_limits_a_range_is_what_was_asked_for() -> None:
    assert found(5, 9, Limits()) == (5, 10)
    assert found(None, 9, Limits()) == (0, 10)
    assert found(5, None, Limits()) == (5, EVER)
    assert found(None, None, Limits()) == (0, EVER)


@pytest.mark.parametrize(
    ("start_in", "end_in", "expected"),
    [(True, True, (5, 10)), (False, True, (6, 10)), (True, False, (5, 9)), (False, False, (6, 9))],
)
def test_the_bounds_belong_to_the_range_or_not(*, start_in: bool, end_in: bool, expected: tuple[int, int]) -> None:
    readings = {"history_start_inclusive": start_in, "history_end_inclusive": end_in}
    assert found(5, 9, Limits(), **readings) == expected


def test_bounds_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(Refusal):
        found(9, 5, Limits())


def test_what_is_no_longer_kept_is_cut_off_without_a_word() -> None:
    limits = DOCUMENTED["spot_fills"]
    horizon = NOW - 3 * DAY_MS
    assert found(NOW - 9 * DAY_MS, NOW, limits) == (horizon, NOW + 1)
    assert found(None, None, limits) == (horizon, EVER)
    start, stop = found(NOW - 9 * DAY_MS, NOW - 8 * DAY_MS, limits)
    assert start >= stop


def test_or_the_range_is_replaced_by_all_that_is_kept() -> None:
    limits = Limits(kept_ms=3 * DAY_MS, beyond="whole_range")
    assert found(NOW - 9 * DAY_MS, NOW - 8 * DAY_MS, limits) == (NOW - 3 * DAY_MS, EVER)
    assert found(NOW - DAY_MS, NOW, limits) == (NOW - DAY_MS, NOW + 1)


def test_or_it_is_refused() -> None:
    with pytest.raises(Refusal):
        found(NOW - 9 * DAY_MS, NOW, Limits(kept_ms=3 * DAY_MS, beyond="refused"))


def test_margin_histories_begin_in_april_2023() -> None:
    assert found(5, NOW, DOCUMENTED["borrow"]) == (MARGIN_SINCE_MS, NOW + 1)
    assert found(NOW - 1, NOW, DOCUMENTED["interest"]) == (NOW - 1, NOW + 1)
    assert kept(DOCUMENTED["repay"], NOW).start == MARGIN_SINCE_MS


def test_nothing_from_the_time_on_at_which_a_history_ends() -> None:
    assert found(5, 9, Limits(until_ms=8)) == (5, 8)


def test_a_long_range_of_futures_orders_is_refused() -> None:
    limits = DOCUMENTED["futures_orders"]
    assert found(NOW - WEEK_MS, NOW, limits) == (NOW - WEEK_MS, NOW + 1)
    with pytest.raises(Refusal, match="168 hours"):
        found(NOW - WEEK_MS - 1, NOW, limits)
    with pytest.raises(Refusal):
        found(NOW - WEEK_MS, NOW, ALTERNATIVES["futures_orders"][0])


def test_a_long_range_of_futures_fills_is_cut_without_a_word() -> None:
    start = NOW - WEEK_MS - DAY_MS
    assert found(start, NOW, DOCUMENTED["futures_fills"]) == (start, NOW - DAY_MS + 1)
    refused, from_its_start = ALTERNATIVES["futures_fills"]
    assert found(start, NOW, from_its_start) == (NOW - WEEK_MS, NOW + 1)
    with pytest.raises(Refusal):
        found(start, NOW, refused)


def test_one_bound_alone_is_a_day_away_from_the_other() -> None:
    limits = DOCUMENTED["futures_fills"]
    assert found(NOW - WEEK_MS, None, limits) == (NOW - WEEK_MS, NOW - WEEK_MS + DAY_MS + 1)
    assert found(None, NOW, limits) == (NOW - DAY_MS, NOW + 1)
    assert found(None, None, limits) == (NOW - DAY_MS, NOW + 1)


def test_futures_keep_three_months() -> None:
    assert found(NOW - 91 * DAY_MS, NOW - 88 * DAY_MS, DOCUMENTED["futures_orders"]) == (
        NOW - 90 * DAY_MS,
        NOW - 88 * DAY_MS + 1,
    )


def test_every_history_has_limits_and_every_alternative_a_history() -> None:
    assert set(DOCUMENTED) == {*HISTORIES, "klines"}
    assert set(ALTERNATIVES) <= set(HISTORIES)
    for name, others in ALTERNATIVES.items():
        assert DOCUMENTED[name] not in others
        assert len(set(others)) == len(others)
