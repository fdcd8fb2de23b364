"""Windows: which one a run means, how it is cut, and what is asked for so that every row comes exactly once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.windows import (
    DAY_MS,
    RunTimes,
    Window,
    choose,
    earlier,
    halves,
    parse_moment,
    pieces,
    reaching,
    slices,
    stamp,
    to_datetime,
    to_ms,
    unsettled_for,
)

HOUR_MS = 3_600_000
DAY = timedelta(days=1)
# 2026-02-03 00:00:00 UTC
MIDNIGHT_MS = 1_770_076_800_000
MIDNIGHT = datetime(2026, 2, 3, tzinfo=UTC)

moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy's way
windows = st.builds(
    lambda start, span: Window(start, start + span),
    st.integers(MIDNIGHT_MS - 3 * DAY_MS, MIDNIGHT_MS + 3 * DAY_MS),
    st.one_of(st.integers(1, 5), st.integers(DAY_MS - 3, DAY_MS + 3), st.integers(1, 5 * DAY_MS)),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def window(start: Any, end: Any) -> Window:
    return Window.between(at(start), at(end))


# ------------------------------------------------------------------------------------------------------------ moments


@given(moments)
def test_a_row_is_inside_exactly_when_its_millisecond_is_not_before_the_bound(moment: Any) -> None:
    ms = to_ms(moment)
    assert to_datetime(ms) >= moment > to_datetime(ms - 1)


@given(st.integers(-(10**12), 10**14))
def test_milliseconds_and_datetimes_are_one_to_one(ms: int) -> None:
    assert to_ms(to_datetime(ms)) == ms


def test_microseconds_round_up_so_that_half_open_stays_half_open() -> None:
    ms = MIDNIGHT_MS
    micro = timedelta(microseconds=1)
    assert (to_ms(MIDNIGHT - micro), to_ms(MIDNIGHT), to_ms(MIDNIGHT + micro)) == (ms, ms, ms + 1)
    inside = Window.between(MIDNIGHT + micro, MIDNIGHT + timedelta(milliseconds=2) + micro)
    assert [ms in inside for ms in range(ms, ms + 4)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (MIDNIGHT_MS, "2026-02-03T00:00:00Z"),
        (MIDNIGHT_MS + 1, "2026-02-03T00:00:00.001Z"),
        (MIDNIGHT_MS + 120, "2026-02-03T00:00:00.120Z"),
        (0, "1970-01-01T00:00:00Z"),
    ],
)
def test_a_stamp_shows_milliseconds_only_where_there_are_any(ms: int, text: str) -> None:
    assert stamp(ms) == text
    assert to_ms(at(text)) == ms


TAIPEI, BERLIN = ZoneInfo("Asia/Taipei"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026-02-03T00:00:00Z", MIDNIGHT, id="Z"),
        pytest.param("  2026-02-03T00:00:00Z\n", MIDNIGHT, id="blanks"),
        pytest.param("2026-02-03T00:00:00+00:00", MIDNIGHT, id="offset"),
        pytest.param("2026-02-03 08:00:00+08:00", MIDNIGHT, id="space and offset, as Airflow's templates render"),
        pytest.param("20260203T000000Z", MIDNIGHT, id="basic format, as ts_nodash_with_tz renders"),
        pytest.param("1770076800000", MIDNIGHT, id="milliseconds as text"),
        pytest.param(1_770_076_800_000, MIDNIGHT, id="milliseconds"),
        pytest.param(MIDNIGHT, MIDNIGHT, id="datetime"),
        pytest.param(datetime(2026, 2, 3, 8, tzinfo=TAIPEI), MIDNIGHT, id="datetime in Taipei"),
        pytest.param("2026-02-03T00:00:00.000001Z", MIDNIGHT + timedelta(microseconds=1), id="microsecond"),
        pytest.param(10**11, to_datetime(10**11), id="the first milliseconds"),
        pytest.param(10**14 - 1, to_datetime(10**14 - 1), id="the last milliseconds"),
        pytest.param(
            datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=0), at("2026-10-25T00:30Z"), id="before DST ends"
        ),
        pytest.param(
            datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1), at("2026-10-25T01:30Z"), id="after DST ended"
        ),
    ],
)
def test_a_moment_is_understood(value: datetime | int | str, expected: datetime) -> None:
    found = parse_moment("window_start", value)
    assert (found, found.tzinfo) == (expected, UTC)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("None", id="a template of nothing"),
        pytest.param("yesterday", id="words"),
        pytest.param("2026-02-30T00:00:00Z", id="no such day"),
        pytest.param("2026-02-03", id="date without zone"),
        pytest.param("2026-02-03T00:00:00", id="text without zone"),
        pytest.param(datetime(2026, 2, 3), id="datetime without zone"),  # noqa: DTZ001 - the point
        pytest.param("20260203", id="ds_nodash"),
        pytest.param(1_770_076_800, id="seconds"),
        pytest.param("1770076800", id="seconds as text"),
        pytest.param(1_770_076_800_000_000_000, id="nanoseconds"),
        pytest.param(10**11 - 1, id="just below"),
        pytest.param(10**14, id="just above"),
        pytest.param("-1770076800000", id="negative"),
        pytest.param(True, id="bool"),
        pytest.param(1770076800000.0, id="float"),
        pytest.param(None, id="null"),
        pytest.param(MIDNIGHT.date(), id="date"),
        pytest.param(b"2026-02-03T00:00:00Z", id="bytes"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before the calendar"),
        pytest.param("9999-12-31T23:59:59-14:00", id="after the calendar"),
        pytest.param("9999-12-31T23:59:59.999999Z", id="the calendar's last moment"),
        pytest.param("1969-12-31T23:59:59Z", id="before the epoch"),
    ],
)
def test_what_is_no_clear_moment_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidInput, match="window_start"):
        parse_moment("window_start", value)


# ------------------------------------------------------------------------------------------------------------ windows


@pytest.mark.parametrize("span", [0, -1, -DAY_MS], ids=["empty", "backwards", "a day backwards"])
def test_a_window_ends_after_it_starts(span: int) -> None:
    with pytest.raises(InvalidInput, match="start must be before the end"):
        Window(MIDNIGHT_MS, MIDNIGHT_MS + span)


def test_a_window_is_half_open() -> None:
    day = Window(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    assert [ms in day for ms in (day.start_ms - 1, day.start_ms, day.end_ms - 1, day.end_ms)] == [
        False,
        True,
        True,
        False,
    ]
    assert (day.start, day.end) == (MIDNIGHT, MIDNIGHT + DAY)
    assert str(day) == "[2026-02-03T00:00:00Z, 2026-02-04T00:00:00Z)"


# What Airflow gives for each kind of run, and the window that is meant. The tick is at midnight of the 3rd; a manual or
# asset-triggered run happens at 12:34:56 of that day.
TICK, BEFORE = MIDNIGHT, MIDNIGHT - DAY
NOW = MIDNIGHT + timedelta(hours=12, minutes=34, seconds=56, microseconds=789)
THE_DAY_BEFORE = ("2026-02-02T00:00Z", "2026-02-03T00:00Z")
LAST_DAY = "the last whole UTC day before the run"
INTERVAL = "the run's data interval"
PARTITION = "the run's partition"


@pytest.mark.parametrize(
    ("run", "expected", "rule"),
    [
        pytest.param(RunTimes(None, TICK, TICK, TICK), THE_DAY_BEFORE, LAST_DAY, id="@daily on Airflow 3, scheduled"),
        pytest.param(RunTimes(None, TICK, TICK, TICK), THE_DAY_BEFORE, LAST_DAY, id="timedelta on Airflow 3"),
        pytest.param(
            RunTimes(None, BEFORE, TICK, TICK), THE_DAY_BEFORE, INTERVAL, id="CronTriggerTimetable with interval"
        ),
        pytest.param(RunTimes(None, BEFORE, TICK, TICK), THE_DAY_BEFORE, INTERVAL, id="CronDataIntervalTimetable"),
        pytest.param(RunTimes(BEFORE, None, None, TICK), THE_DAY_BEFORE, PARTITION, id="partitioned, scheduled"),
        pytest.param(RunTimes(BEFORE, None, None, BEFORE), THE_DAY_BEFORE, PARTITION, id="partitioned, backfill"),
        pytest.param(
            RunTimes(BEFORE, None, None, NOW), THE_DAY_BEFORE, PARTITION, id="partitioned, by REST with a key"
        ),
        pytest.param(RunTimes(None, None, None, NOW), THE_DAY_BEFORE, LAST_DAY, id="manual without a logical date"),
        pytest.param(RunTimes(None, NOW, NOW, NOW), THE_DAY_BEFORE, LAST_DAY, id="manual with a logical date, @daily"),
        pytest.param(
            RunTimes(None, BEFORE, TICK, NOW), THE_DAY_BEFORE, INTERVAL, id="manual with a logical date, data interval"
        ),
        pytest.param(
            RunTimes(None, at("2026-01-10T00:00Z"), at("2026-01-13T00:00Z"), NOW),
            ("2026-01-10T00:00Z", "2026-01-13T00:00Z"),
            INTERVAL,
            id="manual with an explicit interval",
        ),
        pytest.param(RunTimes(None, None, None, NOW), THE_DAY_BEFORE, LAST_DAY, id="asset-triggered"),
        pytest.param(RunTimes(BEFORE, None, None, NOW), THE_DAY_BEFORE, PARTITION, id="asset-triggered, partitioned"),
        pytest.param(RunTimes(None, NOW, NOW, NOW), THE_DAY_BEFORE, LAST_DAY, id="dags test"),
        pytest.param(RunTimes(None, BEFORE, TICK, TICK), THE_DAY_BEFORE, INTERVAL, id="@daily on Airflow 2.11"),
        pytest.param(
            RunTimes(None, datetime(2026, 2, 2, tzinfo=TAIPEI), datetime(2026, 2, 3, tzinfo=TAIPEI), TICK),
            ("2026-02-01T16:00Z", "2026-02-02T16:00Z"),
            INTERVAL,
            id="a day of Taipei",
        ),
        pytest.param(
            RunTimes(None, datetime(2026, 10, 25, tzinfo=BERLIN), datetime(2026, 10, 26, tzinfo=BERLIN), TICK),
            ("2026-10-24T22:00Z", "2026-10-25T23:00Z"),
            INTERVAL,
            id="a day of 25 hours",
        ),
        pytest.param(
            RunTimes(datetime(2026, 2, 3, 7, tzinfo=TAIPEI), None, None, TICK),
            THE_DAY_BEFORE,
            PARTITION,
            id="a partition's moment in another zone falls on its UTC day",
        ),
        pytest.param(
            RunTimes(None, TICK, BEFORE, TICK), THE_DAY_BEFORE, LAST_DAY, id="an interval that runs backwards is none"
        ),
        pytest.param(RunTimes(None, BEFORE, None, TICK), THE_DAY_BEFORE, LAST_DAY, id="half an interval is none"),
        pytest.param(
            RunTimes(None, None, None, MIDNIGHT - timedelta(microseconds=1)),
            ("2026-02-01T00:00Z", "2026-02-02T00:00Z"),
            LAST_DAY,
            id="a moment before midnight",
        ),
    ],
)
def test_a_run_means_a_window_and_the_rule_is_named(run: RunTimes, expected: tuple[Any, ...], rule: str) -> None:
    assert choose(None, None, run) == (window(*expected), rule)


@pytest.mark.parametrize(
    "run",
    [RunTimes(), RunTimes(BEFORE, BEFORE, TICK, NOW), RunTimes(None, TICK, TICK, TICK)],
    ids=["nothing", "everything", "empty interval"],
)
def test_given_bounds_come_before_everything_else(run: RunTimes) -> None:
    found = choose("2026-01-01T00:00:00Z", 1_767_229_200_000, run)
    assert found == (window("2026-01-01T00:00Z", "2026-01-01T01:00Z"), "window_start and window_end")


@pytest.mark.parametrize(("start", "end"), [("2026-01-01T00:00Z", None), (None, "2026-01-01T00:00Z")])
def test_one_bound_alone_is_refused(start: str | None, end: str | None) -> None:
    with pytest.raises(InvalidInput, match=r"window_\w+ is given and window_\w+ is not"):
        choose(start, end, RunTimes(run_after=NOW))


def test_a_run_without_any_times_is_refused() -> None:
    with pytest.raises(InvalidInput, match="give both"):
        choose(None, None, RunTimes())


def test_given_bounds_of_nothing_are_refused_and_not_taken_for_missing() -> None:
    with pytest.raises(InvalidInput, match="window_start"):
        choose("", "", RunTimes(run_after=NOW))


# ------------------------------------------------------------------------------------------------------------- pieces


@given(windows)
@example(Window(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS))
@example(Window(MIDNIGHT_MS - 1, MIDNIGHT_MS + DAY_MS + 1))
def test_pieces_tile_the_window_and_are_cut_at_midnights_only(whole: Any) -> None:
    found = pieces(whole)
    assert (found[0].start_ms, found[-1].end_ms) == (whole.start_ms, whole.end_ms)
    for older, later in pairwise(found):
        assert older.end_ms == later.start_ms
        assert older.end_ms % DAY_MS == 0
    for piece in found:
        assert piece.end_ms - piece.start_ms <= DAY_MS
        assert piece.start.date() == to_datetime(piece.end_ms - 1).date()


# ------------------------------------------------------------------------------------------------------------- slices


@given(
    windows.map(lambda whole: pieces(whole)[0]),
    st.sampled_from([86_399_999, DAY_MS, 3 * HOUR_MS, 1000, None]),
    st.sampled_from([0, 1, 400]),
)
@example(Window(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS), 86_399_999, 0)
@example(Window(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS), DAY_MS, 0)
@example(Window(MIDNIGHT_MS, MIDNIGHT_MS + 1), 86_399_999, 0)
def test_slices_own_every_millisecond_once_whatever_kucoins_bounds_mean(
    piece: Any, max_span_ms: Any, margin_ms: int
) -> None:
    if max_span_ms == 1000:
        piece = Window(piece.start_ms, min(piece.end_ms, piece.start_ms + 50_000))
    found = slices(piece, max_span_ms, margin_ms)
    # What is owned tiles the piece ...
    assert (found[0].owned.start_ms, found[-1].owned.end_ms) == (piece.start_ms, piece.end_ms)
    assert all(older.owned.end_ms == newer.owned.start_ms for older, newer in pairwise(found))
    for part in found:
        # ... what is asked for brings all of it under the narrowest reading, where neither bound belongs ...
        assert part.start_at < part.owned.start_ms - margin_ms
        assert part.end_at > part.owned.end_ms - 1 + margin_ms
        # ... and it is never more than KuCoin takes, be exactly 24 hours allowed or not.
        assert max_span_ms is None or part.end_at - part.start_at <= max_span_ms


@pytest.mark.parametrize("start_inclusive", [True, False], ids=["start in", "start out"])
@pytest.mark.parametrize("end_inclusive", [True, False], ids=["end in", "end out"])
@pytest.mark.parametrize("limit", [999, 1000], ids=["below the limit", "exactly the limit"])
@pytest.mark.parametrize("span", [1, 2, 997, 998, 999, 1000, 1001, 2500])
def test_every_millisecond_is_brought_and_kept_exactly_once_under_every_reading(
    start_inclusive: Any, end_inclusive: Any, limit: int, span: int
) -> None:
    piece = Window(MIDNIGHT_MS, MIDNIGHT_MS + span)
    kept = []
    for part in slices(piece, limit):
        asked = range(part.start_at + (not start_inclusive), part.end_at + end_inclusive)
        kept += [ms for ms in asked if ms in part.owned]
    assert kept == list(range(piece.start_ms, piece.end_ms))


def test_a_whole_day_takes_two_queries_and_anything_shorter_one() -> None:
    day = Window(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    assert [part.owned.end_ms - part.owned.start_ms for part in slices(day, 86_399_999)] == [DAY_MS - 2, 2]
    assert len(slices(Window(MIDNIGHT_MS, day.end_ms - 2), 86_399_999)) == 1
    assert len(slices(day, None)) == 1


@given(
    st.integers(0, 3 * DAY_MS),
    st.integers(1, 3 * DAY_MS),
    st.sampled_from([DAY_MS - 1, DAY_MS, 10_000_000, None]),
    st.sampled_from([0, 1, 400]),
)
def test_where_bounds_are_inclusive_queries_bring_what_they_own_and_no_more_than_kucoin_takes(
    start: int, span: int, max_span_ms: int | None, margin_ms: int
) -> None:
    piece = Window(MIDNIGHT_MS + start, MIDNIGHT_MS + start + span)
    found = slices(piece, max_span_ms, margin_ms, inclusive=True)
    assert (found[0].owned.start_ms, found[-1].owned.end_ms) == (piece.start_ms, piece.end_ms)
    assert all(older.owned.end_ms == newer.owned.start_ms for older, newer in pairwise(found))
    for part in found:
        assert part.start_at == part.owned.start_ms - margin_ms
        assert part.end_at == part.owned.end_ms - 1 + margin_ms
        assert max_span_ms is None or part.end_at - part.start_at <= max_span_ms


def test_a_whole_day_takes_one_query_where_bounds_are_inclusive() -> None:
    day = Window(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    [part] = slices(day, 86_399_999, inclusive=True)
    assert (part.start_at, part.end_at) == (day.start_ms, day.end_ms - 1)


# --------------------------------------------------------------------------------------------- settling and retention


@pytest.mark.parametrize(
    ("since_end", "settle", "expected"),
    [
        pytest.param(0, 0, 0, id="just ended, nothing to settle"),
        pytest.param(0, 300, 300, id="just ended"),
        pytest.param(299_500, 300, 0.5, id="half a second to go"),
        pytest.param(300_000, 300, 0, id="just settled"),
        pytest.param(10**9, 300, 0, id="long ago"),
    ],
)
def test_a_window_settles_for_a_while_after_its_end(since_end: int, settle: int, expected: float) -> None:
    day = Window(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    assert unsettled_for(day, day.end_ms + since_end, timedelta(seconds=settle)) == expected


def test_a_window_that_ends_in_the_future_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"ends in the future \(KuCoin's time is 2026-02-03T23:59:59.999Z\)"):
        unsettled_for(Window(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS), MIDNIGHT_MS + DAY_MS - 1)


@pytest.mark.parametrize(
    ("start", "end", "whole"),
    [(0, 24, True), (0, 23, False), (1, 25, False), (-24, 0, True), (0, 48, False)],
)
def test_a_whole_day_is_one_that_begins_and_ends_at_midnight(start: int, end: int, whole: Any) -> None:
    assert Window(MIDNIGHT_MS + start * HOUR_MS, MIDNIGHT_MS + end * HOUR_MS).is_whole_day is whole


def test_a_fixed_offset_is_as_good_as_a_zone() -> None:
    assert parse_moment("x", datetime(2026, 2, 3, 5, 45, tzinfo=timezone(timedelta(hours=5, minutes=45)))) == MIDNIGHT


def test_a_query_is_halved_in_the_middle_of_what_it_owns_until_it_owns_a_millisecond() -> None:
    [part] = slices(Window(1000, 1005), None)
    older, newer = halves(part)
    assert (older.owned, older.start_at, older.end_at) == (Window(1000, 1002), 999, 1002)
    assert (newer.owned, newer.start_at, newer.end_at) == (Window(1002, 1005), 1001, 1005)
    [millisecond] = slices(Window(1000, 1001), None)
    assert halves(millisecond) == []


def test_a_part_of_a_query_reaches_beyond_what_it_owns_by_as_much_as_the_whole_does() -> None:
    [part] = slices(Window(1000, 2000), None, margin_ms=60)
    assert (part.start_at, part.end_at) == (939, 2060)
    inner = reaching(Window(1200, 1300), part)
    assert (inner.owned, inner.start_at, inner.end_at) == (Window(1200, 1300), 1139, 1360)
    assert [(half.start_at, half.end_at) for half in halves(part)] == [(939, 1560), (1439, 2060)]


# ------------------------------------------------------------------------------------------------------ looking back


@pytest.mark.parametrize(
    ("start", "length", "lookback", "expected"),
    [
        pytest.param(0, DAY, DAY * 0, [], id="no look back"),
        pytest.param(0, DAY, DAY, [(-24, 0)], id="a day"),
        pytest.param(0, DAY, timedelta(hours=1), [(-24, 0)], id="an hour is the whole day that it falls into"),
        pytest.param(
            0, DAY, DAY * 2 + timedelta(hours=1), [(-72, -48), (-48, -24), (-24, 0)], id="two days and an hour"
        ),
        pytest.param(5, timedelta(hours=1), timedelta(hours=3), [(2, 3), (3, 4), (4, 5)], id="hourly windows"),
        pytest.param(1, timedelta(hours=1), timedelta(hours=2), [(-1, 0), (0, 1)], id="hourly, across midnight"),
        pytest.param(0, DAY * 31, DAY * 2, [(-48, -24), (-24, 0)], id="monthly windows are days"),
        pytest.param(12, timedelta(hours=36), DAY, [(-24, 0), (0, 12)], id="odd windows, cut where theirs were"),
    ],
)
def test_what_runs_before_have_written_is_looked_back_at(start: int, length: Any, lookback: Any, expected: Any) -> None:
    begin = MIDNIGHT_MS + start * HOUR_MS
    window = Window(begin, begin + int(length.total_seconds()) * 1000)
    found = [
        ((one.start_ms - MIDNIGHT_MS) // HOUR_MS, (one.end_ms - MIDNIGHT_MS) // HOUR_MS)
        for one in earlier(window, lookback)
    ]
    assert found == expected


@given(
    st.integers(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS),
    st.sampled_from([HOUR_MS, 5 * HOUR_MS, 90 * 60_000 + 1, DAY_MS, 36 * HOUR_MS, 7 * DAY_MS, 31 * DAY_MS]),
    st.timedeltas(timedelta(0), timedelta(days=10)),
)
@example(MIDNIGHT_MS, DAY_MS, timedelta(days=2))
@example(MIDNIGHT_MS + 1, HOUR_MS, timedelta(microseconds=999))
def test_what_is_looked_back_at_are_objects_of_earlier_runs_and_all_of_them(
    start: int, length: int, lookback: timedelta
) -> None:
    since = start - lookback // timedelta(milliseconds=1)
    ends = [start - number * length for number in range(10 * DAY_MS // length + 1, -1, -1)]
    runs = [Window(end - length, end) for end in ends]
    written = [piece for run in runs for piece in pieces(run)]
    assert earlier(Window(start, start + length), lookback) == [
        piece for piece in written if piece.end_ms > since and since < start
    ]


def test_airflows_own_kind_of_datetime_gives_the_same_windows() -> None:
    """Airflow hands over pendulum's, which are datetimes but do not calculate like them."""
    start, end = pendulum.datetime(2026, 11, 19, tz="UTC"), pendulum.datetime(2026, 11, 20, tz="UTC")
    plain = RunTimes(interval_start=datetime(2026, 11, 19, tzinfo=UTC), interval_end=datetime(2026, 11, 20, tzinfo=UTC))
    assert choose(None, None, RunTimes(interval_start=start, interval_end=end)) == choose(None, None, plain)
    assert choose(start, end, RunTimes())[0] == choose(None, None, plain)[0]
    assert choose(None, None, RunTimes(run_after=end))[0] == choose(None, None, plain)[0]
    assert choose(None, None, RunTimes(partition_date=start))[0] == choose(None, None, plain)[0]
    assert to_ms(pendulum.datetime(1969, 12, 31, 23, 59, 59, 999_001, tz="Asia/Taipei")) == -28_800_000
