"""What is refused: with a clear message, before the ledger is asked for anything, and with nothing written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from moments import DAY, TODAY, YESTERDAY

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server

    Copy = Callable[..., list[dict[str, Any]]]


#: Refused before any request at all.
BAD = {
    "ledger": ({"ledger": "swap"}, "ledger='swap' is not one of 'spot'"),
    "file-format": ({"file_format": "xml"}, "file_format='xml' is not one of 'parquet', 'jsonl', 'csv'"),
    "compression": ({"compression": "brotli"}, "compression='brotli': parquet takes one of 'zstd', 'snappy'"),
    "compression-of-another-format": (
        {"file_format": "csv", "compression": "snappy"},
        "compression='snappy': csv takes one of 'gzip', 'zstd', 'none'",
    ),
    "start-after-end": ({"window_start": TODAY, "window_end": YESTERDAY}, "the start must be before the end"),
    "start-is-end": ({"window_start": TODAY, "window_end": TODAY}, "a single day D is"),
    "naive-text": ({"window_start": "2026-02-02T00:00:00"}, "window_start='2026-02-02T00:00:00' has no time zone"),
    "date-only": ({"window_end": "2026-02-03"}, "window_end='2026-02-03.*no time zone"),
    "naive-datetime": ({"window_start": datetime(2026, 2, 2)}, "window_start=.*no time zone"),  # noqa: DTZ001 - on purpose
    "not-a-time": ({"window_start": "yesterday"}, "window_start='yesterday' is not a time: give ISO 8601"),
    "none-as-text": ({"window_start": "None"}, "window_start='None' is not a time"),
    "empty-text": ({"window_start": ""}, "window_start='' is not a time"),
    "seconds": ({"window_start": 1_769_990_400}, "taken as milliseconds since the epoch"),
    "float": ({"window_start": 1_769_990_400_000.0}, "is not a time"),
    "boolean": ({"window_start": True}, "is not a time"),
    "end-missing": ({"window_end": None}, "window_start is given and window_end is not: give both, or neither"),
    "start-missing": ({"window_start": None}, "window_end is given and window_start is not"),
    "11-currencies": ({"currency": [f"C{n}" for n in range(11)]}, "11 codes given, KuCoin takes 10"),
    "11-currencies-as-text": ({"currency": ",".join("ABCDEFGHIJK")}, "11 codes given"),
    "empty-currency": ({"currency": "BTC,,ETH"}, "give codes such as 'USDT'"),
    "direction": ({"direction": "up"}, "direction='up' is not one of 'in', 'out'; leave it out for all"),
    "direction-of-futures": (
        {"ledger": "futures", "direction": "in"},
        "direction='in': the futures ledger does not take it. It takes 'currency', 'biz_type'",
    ),
    "account-type-of-another-ledger": (
        {"ledger": "trade_hf", "account_type": "SPOT"},
        "account_type='SPOT': the trade_hf ledger does not take it",
    ),
    "account-type": (
        {"ledger": "unified", "account_type": ["SPOT", "MAIN"]},
        "account_type='MAIN' is not one of 'FUNDING', 'SPOT', 'FUTURES', 'CROSS', 'ISOLATED', 'UNIFIED'",
    ),
    "account-type-twice": (
        {"ledger": "unified", "account_type": ["SPOT", "SPOT"]},
        "account_type=.*: a value is there twice, and its rows would be",
    ),
    "key-placeholder": (
        {"s3_key": "kucoin/{day}.{ext}"},
        r"unknown placeholder \{day\}; known are \{ledger\}, \{dataset\}, \{account\}, \{date\}, \{start\}, \{end\}, ",
    ),
    "key-positional": ({"s3_key": "kucoin/{}.{ext}"}, r"unknown placeholder \{\}"),
    "key-attribute": ({"s3_key": "kucoin/{date.year}"}, r"unknown placeholder \{date.year\}"),
    "key-format": ({"s3_key": "kucoin/{date:>20}"}, r"unknown placeholder \{date:>20\}"),
    "key-conversion": ({"s3_key": "kucoin/{date!r}"}, r"unknown placeholder \{date!r\}"),
    "key-stray-brace": ({"s3_key": "kucoin/{date.{ext}"}, "s3_key="),
    "key-empty": ({"s3_key": ""}, "s3_key=''"),
    "key-slash-in-front": ({"s3_key": "/kucoin/{date}"}, "without a slash in front"),
    "key-collision": (
        {"s3_key": "kucoin/{ledger}.{ext}", "window_start": YESTERDAY - DAY},
        r"2026-02-01T00:00:00Z.*2026-02-02T00:00:00Z.*would both be written to one object; put \{date\} or \{start\}",
    ),
    "bucket-empty": ({"s3_bucket": ""}, "s3_bucket is empty"),
    "bucket-with-a-slash": ({"s3_bucket": "lake/kucoin"}, "s3_bucket='lake/kucoin' is not the name of a bucket"),
    "bucket-as-url": ({"s3_bucket": "s3://lake"}, "s3_bucket='s3://lake' is not the name of a bucket"),
}


def test_currencies_that_are_no_text_are_refused(copy: Copy) -> None:
    with pytest.raises(AirflowFailException, match="give codes such as 'USDT'"):
        copy(currency=[1, 2])


@pytest.mark.parametrize(("arguments", "message"), list(BAD.values()), ids=list(BAD))
def test_it_is_refused_before_any_request_with_a_clear_message(
    copy: Copy, exchange: Exchange, bucket: Any, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=f"(?s){message}"):
        copy(**{"window_start": YESTERDAY, "window_end": TODAY, **arguments})
    assert len(exchange.requests) == 0
    assert bucket.keys == []


def test_a_run_without_any_time_is_refused(copy: Copy, exchange: Exchange) -> None:
    with pytest.raises(AirflowFailException, match="neither times of its own nor window_start and window_end"):
        copy({})
    assert len(exchange.requests) == 0


def test_one_day_in_one_object_needs_no_date_in_its_key(copy: Copy, bucket: Any) -> None:
    copy(s3_key="latest.{ext}")
    assert bucket.keys == ["latest.parquet"]


def test_every_placeholder_of_a_key_is_filled_in(copy: Copy, bucket: Any) -> None:
    copy(
        s3_key="{ledger}/{account}/{date}/{start}/{end}/{{x}}.{ext}",
        file_format="csv",
        compression="none",
        window_start=YESTERDAY + 1,
        window_end=TODAY - 1,
    )
    assert bucket.keys == ["spot/165111215/2026-02-02/20260202T000000.001Z/20260202T235959.999Z/{x}.csv"]


def test_a_bucket_that_does_not_exist_is_named_before_kucoin_is_asked(copy: Copy, exchange: Exchange) -> None:
    with pytest.raises(AirflowFailException, match=r"s3_bucket='nowhere' does not exist \(connection 'aws_default'\)"):
        copy(s3_bucket="nowhere")
    assert len(exchange.requests) == 0


def test_a_business_type_that_kucoin_does_not_take_is_named_by_its_code(copy: Copy, bucket: Any) -> None:
    with pytest.raises(AirflowFailException, match=r"400100.*not in the given range!"):
        copy(biz_type="Transfer")
    assert bucket.keys == []


def test_an_aws_connection_that_does_not_exist_is_named(copy: Copy, exchange: Exchange) -> None:
    with pytest.raises(Exception, match=r"aws_nowhere|credentials"):  # amazon's provider goes on to look elsewhere
        copy(aws_conn_id="aws_nowhere")
    assert len(exchange.requests) == 0


def test_a_kucoin_connection_that_does_not_exist_is_named(copy: Copy, bucket: Any) -> None:
    with pytest.raises(Exception, match="kucoin_nowhere"):
        copy(kucoin_conn_id="kucoin_nowhere")
    assert bucket.keys == []


@pytest.mark.parametrize(
    ("extra", "changes", "message"),
    [
        pytest.param({"passphrase": None}, {}, "has no extra field 'passphrase'", id="no-passphrase"),
        pytest.param({"passphrase": "wrong"}, {}, "400004.*What to do", id="wrong-passphrase"),
        pytest.param({}, {"login": "0" * 24}, "400003.*What to do", id="wrong-key"),
        pytest.param({}, {"password": "0" * 36}, "40000[45].*What to do", id="wrong-secret"),
        pytest.param({}, {"host": "https://api.kucoin.com/v1"}, "not a base URL", id="bad-host"),
    ],
)
def test_credentials_that_will_be_refused_again_fail_the_task_without_retries(
    copy: Copy,
    bucket: Any,
    asked: Callable[[], list[Any]],
    server: Server,
    connect: Callable[..., Any],
    extra: dict[str, Any],
    changes: dict[str, Any],
    message: str,
) -> None:
    connect(server.connection(), extra, **changes)
    with pytest.raises(AirflowFailException, match=message):
        copy()
    assert (asked(), bucket.keys) == ([], [])


# --------------------------------------------------------------------------------------------- while the DAG is parsed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"on_out_of_retention": "ignore"}, "on_out_of_retention='ignore' is not one of", id="retention"),
        pytest.param({"on_unsettled": "hope"}, "on_unsettled='hope' is not one of 'wait', 'fail'", id="unsettled"),
        pytest.param({"settle": timedelta(seconds=-1)}, "settle=.*negative", id="settle"),
    ],
)
def test_what_no_template_can_make_right_is_refused_while_the_dag_is_parsed(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        KucoinLedgerToS3Operator(task_id="copy", s3_bucket="lake", **arguments)


def test_a_bucket_has_to_be_given() -> None:
    with pytest.raises(Exception, match="s3_bucket"):
        KucoinLedgerToS3Operator(task_id="copy")  # type: ignore[call-arg]


def test_an_argument_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Exception, match="s3_buckets"):
        KucoinLedgerToS3Operator(task_id="copy", s3_bucket="lake", s3_buckets="lake")
