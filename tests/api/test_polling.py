"""How long to wait between looks: longer each time, up to a bound, and not all at once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.polling import LONGEST, SPREAD, interval


@given(
    first=st.floats(0.001, 86_400),
    looks=st.integers(1, 10**9),
    random=st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_never_shorter_than_the_first_nor_longer_than_four_times(
    first: float, looks: int, random: float
) -> None:
    found = interval(first, looks, random)
    assert first * (1 - SPREAD) * 0.999999 <= found <= first * LONGEST * (1 + SPREAD) * 1.000001


@pytest.mark.parametrize(
    ("looks", "seconds"), [(1, 30), (2, 45), (3, 67.5), (4, 101.25), (5, 120), (6, 120), (1000, 120)]
)
def test_waits_grow_by_half_up_to_four_times_the_first(looks: int, seconds: float) -> None:
    assert interval(30, looks, 0.5) == pytest.approx(seconds)


def test_waits_never_shrink() -> None:
    waits = [interval(30, looks, 0.5) for looks in range(1, 40)]
    assert all(later >= earlier for earlier, later in pairwise(waits))


@pytest.mark.parametrize(("random", "seconds"), [(0.0, 27), (0.5, 30), (0.999999, 33)])
def test_chance_spreads_waits_by_a_tenth_either_way(random: float, seconds: float) -> None:
    assert interval(30, 1, random) == pytest.approx(seconds, rel=1e-5)
