"""An object goes up while the next one is read; nothing of it is lost or left, however either ends."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from airflow_provider_kucoin.client.reading import PIECES_AHEAD
from airflow_provider_kucoin.transfers.uploading import ON_THEIR_WAY, Uploads

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

DAY = 86_400_000
TODAY = 1_770_120_000_000 // DAY * DAY
PATIENCE = 30


class Log:
    """What happened, in order; and files that note when they go."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def file(self, name: str) -> ExitStack:
        kept = ExitStack()
        kept.callback(self.lines.append, f"{name} gone")
        return kept

    def there(self, uri: str) -> None:
        self.lines.append(f"{uri} there")


@pytest.fixture
def log() -> Log:
    return Log()


def refuse() -> NoReturn:
    raise OSError("S3 said no")


def begin_and_fail(uploads: Uploads, upload: Callable[[], str], log: Log) -> NoReturn:
    uploads.begin(upload, log.file("one"), log.there)
    raise LookupError


def test_a_file_stays_until_it_is_up_and_then_goes(log: Log) -> None:
    go = threading.Event()
    with Uploads() as uploads:
        with log.file("one") as kept:
            uploads.begin(lambda: "one" if go.wait(PATIENCE) else "late", kept, log.there)
        assert log.lines == []
        go.set()
        uploads.finish()
        assert log.lines == ["one gone", "one there"]
        uploads.finish()
    assert log.lines == ["one gone", "one there"]


def test_the_next_begins_when_the_one_before_is_up(log: Log) -> None:
    go = threading.Event()

    def upload(name: str) -> str:
        go.wait(PATIENCE)
        log.lines.append(f"{name} up")
        return name

    with Uploads() as uploads:
        uploads.begin(lambda: upload("one"), log.file("one"), log.there)
        uploads.begin(lambda: upload("two"), log.file("two"), log.there)
        assert log.lines == []
        go.set()
    assert [line for line in log.lines if line.endswith(" up")] == ["one up", "two up"]
    assert [line for line in log.lines if line.endswith(" there")] == ["one there", "two there"]
    assert log.lines.index("one up") < log.lines.index("one gone") < log.lines.index("one there")


def test_no_more_files_wait_than_that(log: Log) -> None:
    with Uploads() as uploads:
        for number in range(ON_THEIR_WAY):
            uploads.begin(lambda number=number: str(number), log.file(str(number)), log.there)
        assert log.lines == []
        uploads.begin(lambda: "one more", log.file("one more"), log.there)
        assert log.lines == ["0 gone", "0 there"]


def test_what_is_noted_is_noted_in_the_callers_thread() -> None:
    threads: list[threading.Thread] = []
    with Uploads() as uploads:
        uploads.begin(
            lambda: threads.append(threading.current_thread()) or "one",  # type: ignore[func-returns-value]
            ExitStack(),
            lambda _uri: threads.append(threading.current_thread()),
        )
    assert threads[0] is not threading.current_thread()
    assert threads[1] is threading.current_thread()


def test_after_an_upload_that_fails_none_is_begun_and_all_files_go(log: Log) -> None:
    begun: list[str] = []

    def all_of_them(uploads: Uploads) -> None:
        uploads.begin(refuse, log.file("failing"), log.there)
        for number in range(ON_THEIR_WAY):
            name = f"later {number}"
            uploads.begin(lambda name=name: begun.append(name) or name, log.file(name), log.there)  # type: ignore[func-returns-value]

    with pytest.raises(OSError, match="S3 said no"), Uploads() as uploads:
        all_of_them(uploads)
    assert begun == []
    assert sorted(log.lines) == ["failing gone", *(f"later {number} gone" for number in range(ON_THEIR_WAY))]


@pytest.mark.parametrize("later", range(ON_THEIR_WAY))
def test_an_upload_that_fails_is_known_at_the_end_whatever_waits_behind_it(log: Log, later: int) -> None:
    def all_of_them(uploads: Uploads) -> None:
        uploads.begin(refuse, log.file("failing"), log.there)
        for _ in range(later):
            uploads.begin(lambda: "later", log.file("later"), log.there)

    with pytest.raises(OSError, match="S3 said no"), Uploads() as uploads:
        all_of_them(uploads)
    assert log.lines == ["failing gone", *["later gone"] * later]


def test_what_else_goes_wrong_waits_for_the_upload_under_way(log: Log) -> None:
    with pytest.raises(LookupError), Uploads() as uploads:
        begin_and_fail(uploads, lambda: "one", log)
    assert log.lines == ["one gone", "one there"]


def test_of_two_things_that_go_wrong_the_first_is_raised_and_the_other_logged(
    log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(LookupError), Uploads() as uploads:
        begin_and_fail(uploads, refuse, log)
    assert log.lines == ["one gone"]
    assert len(caplog.records) == 1
    assert "S3 said no" in caplog.text


def test_of_several_uploads_the_one_that_failed_is_logged_and_not_what_it_kept_back(
    log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    def two_and_fail(uploads: Uploads) -> NoReturn:
        uploads.begin(refuse, log.file("failing"), log.there)
        begin_and_fail(uploads, lambda: "one", log)

    with pytest.raises(LookupError), Uploads() as uploads:
        two_and_fail(uploads)
    assert log.lines == ["failing gone", "one gone"]
    assert "S3 said no" in caplog.text
    assert "_Abandoned" not in caplog.text


def test_days_are_read_on_while_an_object_goes_up(
    exchange: Exchange, copy: Callable[..., Any], bucket: Any, s3_gate: Callable[..., Any]
) -> None:
    days = PIECES_AHEAD + 4
    start = TODAY - days * DAY
    exchange.seed_ledger(start, TODAY, rows_per_day=20)
    further, seen = start + (PIECES_AHEAD + 1) * DAY, threading.Event()
    waited: list[bool] = []

    def hold(heard: Any) -> None:
        if heard.method == "PUT" and not waited:
            waited.append(True)
            for _ in range(PATIENCE * 100):
                if any(int(one.params.get("endAt", 0)) > further for one in exchange.requests):
                    seen.set()
                    break
                threading.Event().wait(0.01)

    s3_gate(hold)
    results = copy(window_start=start, window_end=TODAY)
    assert seen.is_set()
    assert sum(result["rows"] for result in results) == len(list(exchange.entries(start, TODAY)))
    assert len(bucket.keys) == len(results) == days


def test_a_day_that_cannot_be_written_fails_the_task_and_no_later_one_is_written(
    exchange: Exchange, copy: Callable[..., Any], bucket: Any, s3_gate: Callable[..., Any]
) -> None:
    exchange.seed_ledger(TODAY - 3 * DAY, TODAY, rows_per_day=20)
    puts: list[str] = []

    def refuse_the_second(heard: Any) -> Any:
        if heard.method != "PUT":
            return None
        puts.append(heard.path)
        body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>No.</Message></Error>"
        said = {"status": 403, "body": body, "headers": {"Content-Type": "application/xml"}}
        return type("Said", (), said) if len(puts) > 1 else None

    s3_gate(refuse_the_second)
    with pytest.raises(Exception, match="S3 refused to write"):
        copy(window_start=TODAY - 3 * DAY, window_end=TODAY)
    assert len(puts) == 2
    assert len(bucket.keys) == 1
