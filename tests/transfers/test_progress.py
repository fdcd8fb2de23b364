"""What the log says of a long read: seldom, and right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY, YESTERDAY

from airflow_provider_kucoin.api.endpoints import SPOT_LEDGER
from airflow_provider_kucoin.api.envelope import Answer
from airflow_provider_kucoin.api.windows import Window
from airflow_provider_kucoin.client.observing import Cause, Usage
from airflow_provider_kucoin.transfers.copying import Copy
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator
from airflow_provider_kucoin.transfers.progress import EVERY, Progress, duration

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

DAYS = [Window(number * DAY, (number + 1) * DAY) for number in range(4)]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def usage() -> Usage:
    return Usage()


@pytest.fixture
def progress(clock: Clock, said: list[str], usage: Usage) -> Progress:
    return Progress(DAYS, said.append, usage, lambda: usage.quota(SPOT_LEDGER.pool), clock)


def test_a_short_read_says_nothing(progress: Progress, clock: Clock, said: list[str]) -> None:
    for day in DAYS:
        progress.begin()
        progress.read(1000)
        clock.now += EVERY / 5
        progress.finished(day)
    assert said == []


def test_a_long_read_says_a_line_now_and_then_however_many_pages_come(
    progress: Progress, clock: Clock, said: list[str]
) -> None:
    for _ in range(10_000):
        clock.now += 0.1
        progress.read(10)
    assert len(said) == 33  # 1000 seconds, and never sooner than 30 after the last


def test_a_line_says_objects_rows_calls_quota_waits_and_the_time_left(
    progress: Progress, clock: Clock, said: list[str], usage: Usage
) -> None:
    quota = {"gw-ratelimit-limit": "2000", "gw-ratelimit-remaining": "1480", "gw-ratelimit-reset": "9000"}
    for _ in range(3):
        usage.answered(SPOT_LEDGER, Answer(200, quota, b""))
    usage.waiting(SPOT_LEDGER, 12.4, Cause.QUOTA, 5.0)
    progress.read(12_000)
    progress.finished(DAYS[0])
    progress.begin()
    clock.now += 60
    progress.read(345, lambda: DAYS[1].start_ms + DAY // 2)
    [line] = said
    assert line == (
        f"reading: 1 of 4 objects done, 12 345 rows; 3 calls, weight {3 * SPOT_LEDGER.weight}; "
        "1480 of 2000 left in this window of the quota; 12 s waited; about 100 s left"
    )


def test_where_rows_are_in_no_order_only_whole_pieces_tell_how_long_it_takes(
    progress: Progress, clock: Clock, said: list[str]
) -> None:
    clock.now += 45
    progress.read(10)
    assert said[-1].endswith("time left not known yet")
    progress.finished(DAYS[0])
    clock.now += 45
    progress.read(10)
    assert said[-1].endswith("about 4 min left")  # 90 seconds for one of four


def test_rows_of_a_piece_that_is_read_again_count_once(progress: Progress, clock: Clock, said: list[str]) -> None:
    progress.begin()
    progress.read(700)
    progress.finished(DAYS[0])
    for _ in range(3):
        progress.begin()
        progress.read(90)
    clock.now += EVERY
    progress.read(0)
    assert "1 of 4 objects done, 790 rows;" in said[-1]


def test_the_time_of_a_row_is_asked_for_only_when_a_line_is_due(progress: Progress, clock: Clock) -> None:
    asked: list[float] = []

    def until() -> int:
        asked.append(clock.now)
        return 0

    for _ in range(100):
        clock.now += 1
        progress.read(1, until)
    assert len(asked) == 3


def test_how_far_a_copy_has_come_is_told_by_the_pages_that_it_reads(
    exchange: Exchange, connection: dict[str, Any], bucket: Any
) -> None:
    assert connection
    times = [YESTERDAY + number * 60_000 for number in range(1200)]
    for created_at in times:
        exchange.book(created_at=created_at)
    operator = KucoinLedgerToS3Operator(
        task_id="copy", s3_bucket=bucket.name, window_start=YESTERDAY, window_end=YESTERDAY + DAY
    )
    copy = Copy(operator, {})
    selection = copy.hook.selection(copy.dataset, {}, copy.window)
    with copy.hook.read_pieces(copy.dataset, copy.pieces, selection) as reader:
        lengths, ends = zip(
            *((len(page), copy._time_of_last(page)) for page in reader.pages(copy.pieces[0])), strict=True
        )
    assert len(ends) > 1
    assert [times[sum(lengths[: number + 1]) - 1] for number in range(len(ends))] == list(ends)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2.0 h"), (90_000, "25.0 h")],
)
def test_a_duration_is_no_finer_than_anybody_wants_to_know(seconds: float, said: str) -> None:
    assert duration(seconds) == said
