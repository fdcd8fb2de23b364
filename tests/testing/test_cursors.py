"""Pages cut by ids: the arithmetic against the obvious."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.testing import Exchange, Readings, cursors
from airflow_provider_kucoin.testing.ledger import Booked, MergedView, RowsView, row

DICE = Exchange(seed=1).random
# (time, id): some with ids that rise with time, some without
ROWS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 40)), unique_by=lambda pair: pair[1], max_size=25)


def view_of(pairs: list[tuple[int, int]]) -> RowsView:
    booked = Booked()
    booked.add(row({"id": "", "createdAt": time})._replace(id=number, text=str(number)) for time, number in pairs)
    return booked.view(0, 100)


@settings(max_examples=200, deadline=None)
@given(pairs=ROWS, last=st.none() | st.integers(-1, 41), limit=st.integers(1, 12))
def test_before_is_the_newest_of_those_with_lesser_ids(
    pairs: list[tuple[int, int]], last: int | None, limit: int
) -> None:
    expected = sorted((pair for pair in pairs if last is None or pair[1] < last), reverse=True)
    cut = cursors.before(view_of(pairs), last, limit, Readings(), DICE)
    assert cut.texts == [str(number) for _, number in expected[:limit]]
    assert cut.more == (len(expected) > limit)
    assert cut.last_id == (expected[:limit][-1][1] if expected else None)


@settings(max_examples=200, deadline=None)
@given(pairs=ROWS, last=st.integers(-1, 41), limit=st.integers(1, 12))
def test_after_is_what_follows_in_time_among_those_with_greater_ids(
    pairs: list[tuple[int, int]], last: int, limit: int
) -> None:
    greater = sorted(pair for pair in pairs if pair[1] > last)
    cut = cursors.after(view_of(pairs), last, limit)
    assert cut.texts == [str(number) for _, number in reversed(greater[:limit])]
    assert cut.more == (len(greater) > limit)


@settings(max_examples=200, deadline=None)
@given(pairs=ROWS, ties=st.sampled_from(["id_ascending", "shuffled"]), limit=st.integers(1, 12))
def test_ties_change_the_order_of_one_millisecond_and_nothing_else(
    pairs: list[tuple[int, int]], ties: Any, limit: int
) -> None:
    cut = cursors.before(view_of(pairs), None, limit, Readings(ties=ties), DICE)
    times = {str(number): time for time, number in pairs}
    assert [times[text] for text in cut.texts] == sorted(times.values(), reverse=True)[:limit]
    assert len(set(cut.texts)) == len(cut.texts)
    if ties == "id_ascending":
        assert cut.texts == [str(number) for _, number in sorted(pairs, key=lambda pair: (-pair[0], pair[1]))[:limit]]


@settings(max_examples=200, deadline=None)
@given(pairs=ROWS, parts=st.randoms(use_true_random=False))
def test_views_know_whether_their_ids_rise(pairs: list[tuple[int, int]], parts: Any) -> None:
    few, many = [], []
    for pair in pairs:
        (few if parts.random() < 0.3 else many).append(pair)
    ids = [number for _, number in sorted(pairs)]
    assert view_of(pairs).rises == MergedView(view_of(few), view_of(many)).rises == (ids == sorted(ids))


def test_ids_that_are_text_cut_no_pages() -> None:
    booked = Booked()
    booked.add([row({"id": "abc", "createdAt": 1})])
    with pytest.raises(TypeError, match="numbers"):
        cursors.before(booked.view(0, 10), 5, 5, Readings(), DICE)
