"""Which window a run copies, how it is cut, and when it is too early or too late for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from moments import DAY, NOON, TODAY, YESTERDAY

from airflow_provider_kucoin.api.errors import Incomplete

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Copy = Callable[..., list[dict[str, Any]]]


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def windows(result: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(found["window_start"], found["window_end"]) for found in result]


# ------------------------------------------------------------------------------------------------------------- the rule


def run(run_after: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(run_after=at(run_after) if run_after else None)


CONTEXTS = {
    "3-cron-preset-scheduled-or-caught-up-or-backfilled": (
        {"data_interval_start": at("2026-02-03"), "data_interval_end": at("2026-02-03"), "dag_run": run("2026-02-03")},
        [("2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z")],
        "the last whole UTC day before the run",
    ),
    "3-cron-in-the-night-of-another-zone": (
        {
            "data_interval_start": at("2026-02-03T01:00", "Asia/Taipei"),
            "data_interval_end": at("2026-02-03T01:00", "Asia/Taipei"),
            "dag_run": SimpleNamespace(run_after=at("2026-02-03T01:00", "Asia/Taipei")),
        },
        [("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")],
        "the last whole UTC day before the run",
    ),
    "3-cron-with-data-interval": (
        {"data_interval_start": at("2026-02-01"), "data_interval_end": at("2026-02-02"), "dag_run": run("2026-02-02")},
        [("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")],
        "the run's data interval",
    ),
    "3-hourly-data-interval": (
        {
            "data_interval_start": at("2026-02-02T07:00"),
            "data_interval_end": at("2026-02-02T08:00"),
            "dag_run": run("2026-02-02T08:00"),
        },
        [("2026-02-02T07:00:00Z", "2026-02-02T08:00:00Z")],
        "the run's data interval",
    ),
    "3-partitioned-scheduled": (
        {"partition_date": at("2026-02-01"), "partition_key": "2026-02-01", "dag_run": run("2026-02-03")},
        [("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")],
        "the run's partition",
    ),
    "3-partitioned-backfilled": (
        {"partition_date": at("2026-02-01"), "partition_key": "2026-02-01", "dag_run": run("2026-02-01")},
        [("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")],
        "the run's partition",
    ),
    "3-partition-wins-over-an-interval": (
        {
            "partition_date": at("2026-02-01"),
            "data_interval_start": at("2026-01-01"),
            "data_interval_end": at("2026-01-02"),
            "dag_run": run("2026-02-03"),
        },
        [("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")],
        "the run's partition",
    ),
    "3-manual-without-a-date": (
        {"partition_date": None, "partition_key": None, "dag_run": run("2026-02-03T11:59:59")},
        [("2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z")],
        "the last whole UTC day before the run",
    ),
    "3-asset-triggered-right-after-midnight": (
        {"dag_run": run("2026-02-03T00:00:00.001")},
        [("2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z")],
        "the last whole UTC day before the run",
    ),
    "2-scheduled": (
        {
            "data_interval_start": at("2026-02-01"),
            "data_interval_end": at("2026-02-02"),
            "logical_date": at("2026-02-01"),
            "dag_run": SimpleNamespace(),
        },
        [("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")],
        "the run's data interval",
    ),
    "2-manual-on-a-dag-without-schedule": (
        {
            "data_interval_start": at("2026-02-03T08:00"),
            "data_interval_end": at("2026-02-03T08:00"),
            "logical_date": at("2026-02-03T08:00"),
            "dag_run": SimpleNamespace(),
        },
        [("2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z")],
        "the last whole UTC day before the run",
    ),
    "2-logical-date-alone": (
        {"logical_date": at("2026-02-03T08:00"), "dag_run": SimpleNamespace()},
        [("2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z")],
        "the last whole UTC day before the run",
    ),
}


@pytest.mark.parametrize(("context", "expected", "rule"), list(CONTEXTS.values()), ids=list(CONTEXTS))
def test_every_kind_of_run_has_its_window_and_the_log_says_why(
    copy: Copy,
    capfd: pytest.CaptureFixture[str],
    context: dict[str, Any],
    expected: list[tuple[str, str]],
    rule: str,
) -> None:
    assert windows(copy(context)) == expected
    log = "".join(capfd.readouterr())
    assert f"window [{expected[0][0]}, {expected[-1][1]}), from {rule}: 1 object(s)" in log


def test_a_run_that_is_retried_or_cleared_later_has_the_same_window_again(copy: Copy, exchange: Exchange) -> None:
    context = {"dag_run": run("2026-02-02T05:00")}
    first = copy(context)
    exchange.clock_offset_ms += 3 * DAY
    assert copy(context) == first


def test_given_bounds_win_over_everything_that_the_run_says(copy: Copy) -> None:
    context = {
        "partition_date": at("2026-01-01"),
        "data_interval_start": at("2026-01-01"),
        "data_interval_end": at("2026-01-02"),
        "dag_run": run("2026-01-02"),
    }
    result = copy(context, window_start="2026-02-02T10:00:00+01:00", window_end="2026-02-02T11:00:00+01:00")
    assert windows(result) == [("2026-02-02T09:00:00Z", "2026-02-02T10:00:00Z")]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param("2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z", id="z"),
        pytest.param("2026-02-02 00:00:00+00:00", "2026-02-03 00:00:00+00:00", id="str-of-a-datetime"),
        pytest.param("2026-02-02T01:00:00+01:00", "2026-02-02T19:00:00-05:00", id="offsets"),
        pytest.param(at("2026-02-02"), at("2026-02-03"), id="datetimes"),
        pytest.param(at("2026-02-02T08:00", "Asia/Taipei"), at("2026-02-03T08:00", "Asia/Taipei"), id="zones"),
        pytest.param(YESTERDAY, TODAY, id="milliseconds"),
        pytest.param(str(YESTERDAY), str(TODAY), id="milliseconds-as-text"),
    ],
)
def test_bounds_may_be_written_in_these_ways(copy: Copy, start: Any, end: Any) -> None:
    assert windows(copy(window_start=start, window_end=end)) == [("2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z")]


# --------------------------------------------------------------------------------------------------------------- pieces


def test_a_window_of_several_days_becomes_an_object_per_utc_day(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None]
) -> None:
    exchange.seed_ledger(YESTERDAY - 5 * DAY, TODAY, rows_per_day=40)
    result = copy(window_start=YESTERDAY - 4 * DAY, window_end=TODAY)
    assert sum(found["rows"] for found in result) == len(list(exchange.entries(YESTERDAY - 4 * DAY, TODAY)))
    assert bucket.keys == [
        f"kucoin/ledger=spot/account=165111215/date=2026-{day}/"
        f"2026{day.replace('-', '')}T000000Z_2026{after}T000000Z.parquet"
        for day, after in [
            ("01-29", "0130"),
            ("01-30", "0131"),
            ("01-31", "0201"),
            ("02-01", "0202"),
            ("02-02", "0203"),
        ]
    ]
    for day, key in enumerate(bucket.keys):
        same(bucket.rows(key), YESTERDAY + (day - 4) * DAY, YESTERDAY + (day - 3) * DAY)


def test_the_two_ends_of_a_window_may_be_parts_of_a_day(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None]
) -> None:
    exchange.seed_ledger(YESTERDAY - 2 * DAY, TODAY, rows_per_day=100)
    start, end = YESTERDAY - DAY // 3 - 1, YESTERDAY + DAY // 4 + 7
    result = copy(window_start=start, window_end=end)
    assert windows(result) == [
        ("2026-02-01T15:59:59.999Z", "2026-02-02T00:00:00Z"),
        ("2026-02-02T00:00:00Z", "2026-02-02T06:00:00.007Z"),
    ]
    same(bucket.all_rows(), start, end)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        pytest.param("2025-11-02", "2025-11-03", 25, id="25-hours"),
        pytest.param("2025-03-09", "2025-03-10", 23, id="23-hours"),
    ],
)
def test_a_day_of_a_zone_with_summer_time_is_copied_whole(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None], start: str, end: str, hours: int
) -> None:
    begin, stop = at(start, "America/New_York"), at(end, "America/New_York")
    assert ms(stop) - ms(begin) == hours * 3_600_000
    exchange.seed_ledger(ms(begin) - DAY, ms(stop) + DAY, rows_per_day=240)
    context = {"data_interval_start": begin, "data_interval_end": stop, "dag_run": SimpleNamespace(run_after=stop)}
    assert len(copy(context)) == 2
    same(bucket.all_rows(), ms(begin), ms(stop))


# -------------------------------------------------------------------------------------------------- too early, too late


def test_a_window_that_ended_just_now_is_waited_for(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None], asked: Callable[[], list[Any]]
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=20)
    exchange.clock_offset_ms += TODAY - NOON
    settle = timedelta(milliseconds=exchange.now_ms() - TODAY + 400)
    copy(settle=settle)
    same(bucket.all_rows(), YESTERDAY, TODAY)
    assert all(record.at_ms >= TODAY + settle / timedelta(milliseconds=1) for record in asked())


def test_a_window_that_ended_just_now_fails_when_it_is_not_to_be_waited_for(
    copy: Copy, exchange: Exchange, bucket: Any, asked: Callable[[], list[Any]]
) -> None:
    exchange.clock_offset_ms += TODAY + 60_000 - NOON
    with pytest.raises(Incomplete, match=r"settle=0:05:00 ago.*run 2[34]\d s later, or set on_unsettled='wait'"):
        copy(on_unsettled="fail")
    assert (asked(), bucket.keys) == ([], [])


def test_it_is_kucoins_clock_that_says_whether_a_window_has_settled(copy: Copy, exchange: Exchange) -> None:
    """This machine's clock is months ahead of the exchange's in every test here; the other way round it is behind."""
    exchange.clock_offset_ms = 0
    assert windows(copy(on_unsettled="fail")) == [("2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z")]


def test_settle_may_be_nothing(copy: Copy, exchange: Exchange) -> None:
    exchange.clock_offset_ms += TODAY + 1 - NOON
    assert len(copy(settle=timedelta(0), on_unsettled="fail")) == 1


@pytest.mark.parametrize("on_unsettled", ["wait", "fail"])
def test_a_window_that_ends_in_the_future_fails_at_once(
    copy: Copy, bucket: Any, asked: Callable[[], list[Any]], on_unsettled: str
) -> None:
    with pytest.raises(AirflowFailException, match=r"ends in the future \(KuCoin's time is 2026-02-03T12:00"):
        copy(window_start=YESTERDAY, window_end=TODAY + DAY, on_unsettled=on_unsettled)
    assert (asked(), bucket.keys) == ([], [])


def test_a_window_beyond_retention_fails_and_says_what_can_be_done(
    copy: Copy, bucket: Any, asked: Callable[[], list[Any]]
) -> None:
    with pytest.raises(AirflowFailException, match=r"365 days.*since 2025-02-03T12:00:.*on_out_of_retention='skip'"):
        copy(window_start=YESTERDAY - 400 * DAY, window_end=YESTERDAY - 399 * DAY)
    assert (asked(), bucket.keys) == ([], [])


def test_the_part_of_a_window_that_is_beyond_retention_fails_the_whole_of_it(
    copy: Copy, bucket: Any, asked: Callable[[], list[Any]]
) -> None:
    with pytest.raises(AirflowFailException, match=r"2 of the window's days are beyond it"):
        copy(window_start=NOON // DAY * DAY - 366 * DAY, window_end=NOON // DAY * DAY - 363 * DAY)
    assert (asked(), bucket.keys) == ([], [])


def test_the_part_of_a_window_that_is_beyond_retention_can_be_skipped(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None], capfd: pytest.CaptureFixture[str]
) -> None:
    midnight = NOON // DAY * DAY
    exchange.seed_ledger(midnight - 367 * DAY, midnight - 362 * DAY, rows_per_day=20)
    result = copy(window_start=midnight - 366 * DAY, window_end=midnight - 363 * DAY, on_out_of_retention="skip")
    # noon of 365 days ago is the horizon: the day that holds it is not whole any more
    assert windows(result) == [("2025-02-04T00:00:00Z", "2025-02-05T00:00:00Z")]
    same(bucket.all_rows(), midnight - 364 * DAY, midnight - 363 * DAY)
    assert "skipped: KuCoin keeps the spot ledger for 365 days" in "".join(capfd.readouterr())


def test_a_window_that_is_wholly_beyond_retention_can_skip_the_task(
    copy: Copy, bucket: Any, asked: Callable[[], list[Any]]
) -> None:
    with pytest.raises(AirflowSkipException, match="365 days"):
        copy(window_start=YESTERDAY - 400 * DAY, window_end=YESTERDAY - 398 * DAY, on_out_of_retention="skip")
    assert (asked(), bucket.keys) == ([], [])


def test_the_very_last_day_within_retention_is_copied(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None]
) -> None:
    midnight = NOON // DAY * DAY - 364 * DAY
    exchange.seed_ledger(midnight - DAY, midnight + 2 * DAY, rows_per_day=20)
    exchange.readings.beyond_retention = "error"
    copy(window_start=midnight, window_end=midnight + DAY)
    same(bucket.all_rows(), midnight, midnight + DAY)
