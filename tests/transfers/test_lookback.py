"""Objects of before, read again: those that have changed are written anew, and nothing is lost in silence."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from moments import TODAY, YESTERDAY

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.transfers.history_to_s3 import KucoinHistoryToS3Operator
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Run = Callable[..., list[dict[str, Any]]]
    Exactly = Callable[..., None]

HOUR, DAY = 3_600_000, 86_400_000
TWO_DAYS = timedelta(days=2)


@pytest.fixture(params=["spot", "trade_hf", "margin_hf", "futures", "unified"])
def ledger(request: pytest.FixtureRequest, exchange: Exchange) -> str:
    """A ledger with rows on each of the last three days."""
    name: str = request.param
    exchange.account_mode = "unified" if name == "unified" else "classic"
    exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=40, ledger=name)
    return name


@pytest.fixture
def written(bucket: Any, s3_gate: Callable[..., Any]) -> Callable[[], list[str]]:
    """The days whose objects were written since it was asked for last."""
    tapped = s3_gate(lambda _: None)

    def written() -> list[str]:
        found = sorted(
            heard.path.partition("date")[2][3:13] for heard in tapped.heard if heard.method in {"PUT", "POST"}
        )
        tapped.heard.clear()
        return found

    assert bucket.keys == []
    return written


def mark(bucket: Any) -> dict[str, tuple[Any, str]]:
    """When each object was written, and its bytes' fingerprint."""
    found = bucket.client.list_objects_v2(Bucket=bucket.name).get("Contents", [])
    return {entry["Key"].rpartition("date=")[2][:10]: (entry["LastModified"], entry["ETag"]) for entry in found}


def days(result: list[dict[str, Any]]) -> list[str]:
    return [found["window_start"][:10] for found in result]


def key_of(result: list[dict[str, Any]], day: str) -> str:
    return next(found["uri"] for found in result if found["window_start"].startswith(day))


# -------------------------------------------------------------------------------------------------------------- ledgers


def test_objects_that_have_not_changed_are_not_written_again(
    copy: Run, ledger: str, written: Callable[[], list[str]], bucket: Any
) -> None:
    copy(ledger=ledger, window_start=YESTERDAY - DAY)
    assert written() == ["2026-02-01", "2026-02-02"]
    before = mark(bucket)
    result = copy(ledger=ledger, lookback=timedelta(days=1))
    assert days(result) == ["2026-02-02"]
    assert "late_rows" not in result[0]
    assert written() == ["2026-02-02"]
    assert mark(bucket)["2026-02-01"] == before["2026-02-01"]


def test_an_object_to_which_rows_came_late_is_written_again_and_they_are_counted(
    copy: Run,
    ledger: str,
    exchange: Exchange,
    written: Callable[[], list[str]],
    exactly: Exactly,
    capfd: pytest.CaptureFixture[str],
) -> None:
    copy(ledger=ledger, window_start=YESTERDAY - DAY)
    written()
    # Later than all others of their day, so that no balance is told anew.
    for _ in range(3):
        exchange.book(ledger=ledger, created_at=YESTERDAY - 1, tag="BTC-USDT")
    result = copy(ledger=ledger, lookback=timedelta(days=1))
    assert days(result) == ["2026-02-02", "2026-02-01"]
    assert (result[1]["late_rows"], result[1]["changed_rows"]) == (3, 0)
    assert written() == ["2026-02-01", "2026-02-02"]
    exactly(ledger, key_of(result, "2026-02-01"), list(exchange.entries(YESTERDAY - DAY, YESTERDAY, ledger=ledger)))
    assert "3 late row(s), 0 changed" in "".join(capfd.readouterr())


def test_an_object_in_which_rows_have_changed_is_written_again_and_they_are_counted(
    copy: Run, ledger: str, exchange: Exchange, bucket: Any, rewrite: Callable[..., None], exactly: Exactly
) -> None:
    [result] = copy(ledger=ledger, window_start=YESTERDAY - DAY, window_end=YESTERDAY)

    def other(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "biz_type": "ANOTHER"} if number in {3, 5} else row for number, row in enumerate(rows)]

    rewrite(result["uri"], other)
    _, again = copy(ledger=ledger, lookback=timedelta(days=1))
    assert (again["late_rows"], again["changed_rows"]) == (0, 2)
    exactly(ledger, again["uri"], list(exchange.entries(YESTERDAY - DAY, YESTERDAY, ledger=ledger)))
    assert len(bucket.keys) == 2


def test_an_object_that_is_missing_is_written(
    copy: Run, ledger: str, exchange: Exchange, bucket: Any, exactly: Exactly
) -> None:
    result = copy(ledger=ledger, lookback=timedelta(days=1))
    assert days(result) == ["2026-02-02", "2026-02-01"]
    assert result[1]["late_rows"] == result[1]["rows"] >= 40
    exactly(ledger, bucket.keys, list(exchange.entries(YESTERDAY - DAY, TODAY, ledger=ledger)))


def test_a_row_that_kucoin_no_longer_shows_fails_the_task_and_the_object_stays(
    copy: Run, ledger: str, exchange: Exchange, bucket: Any, rewrite: Callable[..., None], exactly: Exactly
) -> None:
    """But not before the task's own window is written: the next run could be too late for it."""
    [result] = copy(ledger=ledger, window_start=YESTERDAY - DAY, window_end=YESTERDAY)
    key = "offset" if ledger == "futures" else "id"
    rewrite(result["uri"], lambda rows: [*rows, {**rows[-1], key: "7"}])
    exchange.book(ledger=ledger, created_at=YESTERDAY - 1, tag="BTC-USDT")
    before = bucket.read(result["uri"])
    message = rf"no longer shows 1 row\(s\) that {result['uri']} holds. It was left as it is"
    with pytest.raises(AirflowFailException, match=message):
        copy(ledger=ledger, lookback=timedelta(days=1))
    assert bucket.read(result["uri"]) == before
    [today] = [one for one in bucket.keys if "date=2026-02-02" in one]
    exactly(ledger, today, list(exchange.entries(YESTERDAY, TODAY, ledger=ledger)))


def test_an_object_that_cannot_be_read_fails_the_task_and_stays(
    copy: Run, ledger: str, bucket: Any, exchange: Exchange, exactly: Exactly
) -> None:
    [result] = copy(ledger=ledger, window_start=YESTERDAY - DAY, window_end=YESTERDAY)
    [key] = bucket.keys
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"PAR1 broken")
    with pytest.raises(AirflowFailException, match=f"it is not a parquet file of the {ledger} ledger"):
        copy(ledger=ledger, lookback=timedelta(days=1))
    assert bucket.read(result["uri"]) == b"PAR1 broken"
    [today] = [one for one in bucket.keys if "date=2026-02-02" in one]
    exactly(ledger, today, list(exchange.entries(YESTERDAY, TODAY, ledger=ledger)))


def test_an_object_whose_metadata_were_lost_is_compared_row_by_row(
    copy: Run, ledger: str, bucket: Any, written: Callable[[], list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    [result] = copy(ledger=ledger, window_start=YESTERDAY - DAY, window_end=YESTERDAY)
    [key] = bucket.keys
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=bucket.read(result["uri"]))
    written()
    assert days(copy(ledger=ledger, lookback=timedelta(days=1))) == ["2026-02-02"]
    assert written() == ["2026-02-02"]
    assert "holds the same rows" in "".join(capfd.readouterr())


@pytest.mark.parametrize(("file_format", "compression"), [("jsonl", "gzip"), ("csv", "zstd"), ("csv", "none")])
def test_text_objects_are_compared_too(
    copy: Run,
    ledger: str,
    exchange: Exchange,
    written: Callable[[], list[str]],
    file_format: str,
    compression: str,
) -> None:
    how = {"ledger": ledger, "file_format": file_format, "compression": compression}
    copy(**how, window_start=YESTERDAY - DAY)
    written()
    assert days(copy(**how, lookback=timedelta(days=1))) == ["2026-02-02"]
    assert written() == ["2026-02-02"]
    exchange.book(ledger=ledger, created_at=YESTERDAY - 1, tag="BTC-USDT")
    assert copy(**how, lookback=timedelta(days=1))[1]["late_rows"] == 1


# -------------------------------------------------------------------------------------------------------------- windows


def test_hourly_runs_look_back_at_hourly_objects(
    copy: Run, exchange: Exchange, written: Callable[[], list[str]], bucket: Any, exactly: Exactly
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=240)
    start = YESTERDAY + 2 * HOUR
    for number in range(4):
        copy(window_start=start + number * HOUR, window_end=start + (number + 1) * HOUR)
    written()
    exchange.book(created_at=start + HOUR + 5)
    result = copy(window_start=start + 4 * HOUR, window_end=start + 5 * HOUR, lookback=timedelta(hours=3))
    assert [found["window_start"][11:16] for found in result] == ["06:00", "03:00"]
    assert result[1]["late_rows"] == 1
    assert written() == ["2026-02-02", "2026-02-02"]
    exactly("spot", bucket.keys, list(exchange.entries(start, start + 5 * HOUR)))


def test_hourly_runs_look_back_over_midnight(
    copy: Run, exchange: Exchange, written: Callable[[], list[str]], bucket: Any, exactly: Exactly
) -> None:
    exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=240)
    for start in (YESTERDAY - 2 * HOUR, YESTERDAY - HOUR):
        copy(window_start=start, window_end=start + HOUR)
    exchange.book(created_at=YESTERDAY - 1)
    written()
    copy(window_start=YESTERDAY, window_end=YESTERDAY + HOUR, lookback=timedelta(hours=2))
    assert written() == ["2026-02-01", "2026-02-02"]
    exactly("spot", bucket.keys, list(exchange.entries(YESTERDAY - 2 * HOUR, YESTERDAY + HOUR)))


def test_a_window_of_a_zone_of_its_own_looks_back_at_the_parts_of_the_window_before(
    copy: Run, exchange: Exchange, written: Callable[[], list[str]], bucket: Any, exactly: Exactly
) -> None:
    exchange.seed_ledger(YESTERDAY - 3 * DAY, TODAY, rows_per_day=60)
    start = YESTERDAY - 8 * HOUR
    copy(window_start=start - DAY, window_end=start)
    exchange.book(created_at=start - 5)
    written()
    result = copy(window_start=start, window_end=start + DAY, lookback=timedelta(hours=1))
    # One hour back lies in the second of the two objects that the window before has become.
    assert [found["window_start"][:13] for found in result] == ["2026-02-01T16", "2026-02-02T00", "2026-02-01T00"]
    assert written() == ["2026-02-01", "2026-02-01", "2026-02-02"]
    exactly("spot", bucket.keys, list(exchange.entries(start - DAY, start + DAY)))


def test_an_object_of_less_than_a_day_that_is_missing_is_not_written(
    copy: Run, exchange: Exchange, bucket: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its rows may be in objects of other lengths, as those of local days are when the clocks are put forward."""
    exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=240)
    copy(window_start=YESTERDAY, window_end=YESTERDAY + HOUR, lookback=timedelta(hours=2))
    assert [key.rpartition("/")[2][:16] for key in bucket.keys] == ["20260202T000000Z"]
    assert "it is no whole UTC day: it is not written" in "".join(capfd.readouterr())


def test_a_key_that_does_not_tell_the_windows_apart_is_refused(copy: Run, exchange: Exchange, bucket: Any) -> None:
    exchange.book(created_at=YESTERDAY)
    with pytest.raises(AirflowFailException, match="would both be written to one object"):
        copy(s3_key="latest.{ext}", lookback=TWO_DAYS)
    assert bucket.keys == []


@pytest.mark.parametrize("operator", [KucoinLedgerToS3Operator, KucoinHistoryToS3Operator])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lookback": timedelta(days=1), "replace": False}, "replace=False forbids that: use one of them"),
        ({"lookback": timedelta(seconds=-1)}, r"lookback=-1 day, 23:59:59 is negative"),
    ],
    ids=["replace-false", "negative"],
)
def test_what_cannot_be_is_refused_while_the_dag_is_parsed(
    operator: Any, arguments: dict[str, Any], message: str
) -> None:
    more = {"dataset": "deposits"} if operator is KucoinHistoryToS3Operator else {}
    with pytest.raises(InvalidInput, match=message):
        operator(task_id="copy", s3_bucket="lake", **more, **arguments)


def test_without_lookback_nothing_of_before_is_looked_at(
    copy: Run, exchange: Exchange, s3_gate: Callable[..., Any], asked: Callable[..., list[Any]]
) -> None:
    exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=20)
    tapped = s3_gate(lambda _: None)
    copy(replace=False)
    assert not [heard for heard in tapped.heard if heard.method == "GET"]
    assert min(int(record.params["startAt"]) for record in asked()) >= YESTERDAY - 1


@pytest.mark.parametrize("allowed", ["nothing", "to-list"])
def test_who_may_not_look_at_objects_overwrites_none_blindly(
    copy: Run, exchange: Exchange, bucket: Any, s3_gate: Callable[..., Any], allowed: str
) -> None:
    exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=20)
    copy(window_start=YESTERDAY - DAY)
    before = mark(bucket)

    def refuse(heard: Any) -> Any:
        if heard.method in {"HEAD", "GET"} and "date%3D2026-02-01" in heard.path.replace("=", "%3D"):
            if heard.method == "HEAD" and allowed == "to-list":
                return None
            body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>No.</Message></Error>"
            return type("Said", (), {"status": 403, "body": body, "headers": {"Content-Type": "application/xml"}})
        return None

    exchange.book(created_at=YESTERDAY - 5)
    s3_gate(refuse)
    with pytest.raises(AirflowFailException, match=r"'aws_default' may s3:GetObject it"):
        copy(lookback=timedelta(days=1))
    assert mark(bucket)["2026-02-01"] == before["2026-02-01"]


# ------------------------------------------------------------------------------------------------------------ histories


def test_an_order_that_has_changed_is_written_again(
    take: Run, exchange: Exchange, bucket: Any, exactly: Exactly
) -> None:
    exchange.histories.seed("futures_orders", YESTERDAY - DAY, TODAY, rows=30)
    take(dataset="futures_orders", window_start=YESTERDAY - DAY)
    [one, *_] = exchange.histories.rows("futures_orders", YESTERDAY - DAY, YESTERDAY)
    exchange.histories.replace("futures_orders", {"id": one["id"]}, {"remark": "settled", "filledValue": "7.5"})
    _, again = take(dataset="futures_orders", lookback=timedelta(days=1))
    assert (again["late_rows"], again["changed_rows"]) == (0, 1)
    exactly("futures_orders", again["uri"], exchange.histories.rows("futures_orders", YESTERDAY - DAY, YESTERDAY))
    assert len(bucket.keys) == 2


def test_a_fill_that_appears_late_is_written(take: Run, exchange: Exchange, exactly: Exactly) -> None:
    exchange.histories.seed("spot_fills", YESTERDAY - DAY, TODAY, rows=30, among=[{"symbol": "BTC-USDT"}])
    take(dataset="spot_fills", symbol="BTC-USDT", window_start=YESTERDAY - DAY)
    exchange.histories.add("spot_fills", {"symbol": "BTC-USDT", "createdAt": YESTERDAY - 1000})
    _, again = take(dataset="spot_fills", symbol="BTC-USDT", lookback=timedelta(days=1))
    assert again["late_rows"] == 1
    exactly("spot_fills", again["uri"], exchange.histories.rows("spot_fills", YESTERDAY - DAY, YESTERDAY))


def test_a_withdrawal_whose_status_has_changed_is_written_again_though_it_has_no_key(
    take: Run, exchange: Exchange, exactly: Exactly
) -> None:
    at = YESTERDAY - HOUR
    made = [
        exchange.add_withdrawal(currency="USDT", amount="5", address="T1", created_at_ms=at + n, status="PROCESSING")
        for n in (0, 0, 7000)
    ]
    take(dataset="withdrawals", currency="USDT", window_start=YESTERDAY - DAY)
    exchange.settle(made[0].id)
    _, again = take(dataset="withdrawals", currency="USDT", lookback=timedelta(days=1))
    assert (again["late_rows"], again["changed_rows"], again["rows"]) == (0, 1, 3)
    exactly("withdrawals", again["uri"], exchange.histories.rows("withdrawals", YESTERDAY - DAY, YESTERDAY))


def test_one_of_two_equal_rows_that_is_gone_fails_the_task(take: Run, exchange: Exchange, bucket: Any) -> None:
    for _ in range(2):
        exchange.histories.add("interest", {"createdTime": YESTERDAY - HOUR})
    [result] = take(dataset="interest", currency="USDT", window_start=YESTERDAY - DAY, window_end=YESTERDAY)
    before = bucket.read(result["uri"])
    exchange.histories.remove("interest", {"createdTime": YESTERDAY - HOUR}, at_most=1)
    with pytest.raises(AirflowFailException, match=r"no longer shows 1 row\(s\)"):
        take(dataset="interest", currency="USDT", lookback=timedelta(days=1))
    assert bucket.read(result["uri"]) == before


def test_a_history_that_began_after_the_first_object_of_before_is_looked_back_at_from_there(
    take: Run, exchange: Exchange, bucket: Any, exactly: Exactly
) -> None:
    """Borrowings are listed from 2023-04-01 00:00 in KuCoin's own time, which is 2023-03-31 16:00 UTC."""
    since = 1_680_278_400_000
    start = since // DAY * DAY + DAY
    exchange.histories.seed("borrow", start, start + DAY, rows=20, among=[{"currency": "USDT", "symbol": None}])
    take(dataset="borrow", currency="USDT", window_start=start, window_end=start + DAY, lookback=TWO_DAYS)
    exactly("borrow", bucket.keys, exchange.histories.rows("borrow", start, start + DAY))
