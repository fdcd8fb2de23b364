"""One object at a time, all of it or nothing, whatever S3 says and whenever the process dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from moments import DAY, TODAY, YESTERDAY

from airflow_provider_kucoin.api.errors import FatalError
from airflow_provider_kucoin.hooks.bucket import Bucket
from airflow_provider_kucoin.lake.files import Finished

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_kucoin.testing import Exchange, Server

    Copy = Callable[..., list[dict[str, Any]]]


def s3_error(status: int, code: str) -> Any:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>So it is.</Message></Error>".encode()
    return type("Said", (), {"status": status, "body": body, "headers": {"Content-Type": "application/xml"}})


@pytest.fixture
def busy(exchange: Exchange) -> None:
    exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=60)


# ---------------------------------------------------------------------------------------------------------- S3 says no


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("replace", [True, False], ids=["replace", "keep"])
def test_a_write_that_s3_refuses_fails_the_task_and_says_what_to_check(
    copy: Copy,
    bucket: Any,
    s3_gate: Callable[..., Any],
    replace: bool,  # noqa: FBT001
) -> None:
    s3_gate(lambda heard: s3_error(403, "AccessDenied") if heard.method == "PUT" else None)
    with pytest.raises(
        AirflowFailException,
        match=rf"S3 refused to write s3://{bucket.name}/kucoin/.*AccessDenied So it is\..*'aws_default'.*s3:PutObject",
    ):
        copy(replace=replace)
    assert bucket.keys == []


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("replace", [True, False], ids=["replace", "keep"])
def test_a_write_that_s3_may_take_later_is_worth_another_try_of_the_task(
    copy: Copy,
    bucket: Any,
    s3_gate: Callable[..., Any],
    replace: bool,  # noqa: FBT001
) -> None:
    s3_gate(lambda heard: s3_error(503, "SlowDown") if heard.method == "PUT" else None)
    with pytest.raises(AirflowException, match="SlowDown") as caught:
        copy(replace=replace)
    assert not isinstance(caught.value, AirflowFailException)
    assert bucket.keys == []


@pytest.mark.usefixtures("busy")
def test_a_key_that_may_write_but_not_list_is_good_enough(
    copy: Copy, bucket: Any, s3_gate: Callable[..., Any], same: Callable[..., None]
) -> None:
    s3_gate(lambda heard: s3_error(403, "AccessDenied") if heard.method == "HEAD" else None)
    copy()
    copy(replace=False, s3_key="once/{date}.{ext}")
    for key in bucket.keys:
        same(bucket.rows(key), YESTERDAY, TODAY)
    assert len(bucket.keys) == 2


def test_an_s3_that_is_not_there_fails_the_task_before_kucoin_is_asked(
    copy: Copy, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", elsewhere)
    with pytest.raises(Exception, match=r"(?i)could not connect|endpoint"):
        copy()
    assert len(exchange.requests) == 0


# -------------------------------------------------------------------------------------------------------------- replace


@pytest.mark.usefixtures("busy")
def test_without_replace_an_object_is_not_overwritten_and_the_ledger_not_even_read(
    copy: Copy, bucket: Any, asked: Callable[[], list[Any]]
) -> None:
    [first] = copy(replace=False)
    body, requests = bucket.read(first["uri"]), len(asked())
    with pytest.raises(AirflowFailException, match=r"exists and replace=False: nothing was overwritten"):
        copy(replace=False)
    assert bucket.read(first["uri"]) == body
    assert len(asked()) == requests


@pytest.mark.usefixtures("busy")
def test_without_replace_an_object_that_somebody_writes_meanwhile_is_not_overwritten(
    copy: Copy, bucket: Any, s3_gate: Callable[..., Any]
) -> None:
    def meanwhile(heard: Any) -> None:
        if heard.method == "PUT":
            key = heard.path.removeprefix(f"/{bucket.name}/")
            bucket.client.put_object(Bucket=bucket.name, Key=key.replace("%3D", "="), Body=b"theirs")

    s3_gate(meanwhile)
    with pytest.raises(AirflowFailException, match="exists and replace=False"):
        copy(replace=False, s3_key="one.parquet")
    assert bucket.read("one.parquet") == b"theirs"


@pytest.fixture
def large(tmp_path: Path) -> Finished:
    """A file that boto3 uploads in parts."""
    path = tmp_path / "large"
    path.write_bytes(os.urandom(1 << 20) * 9)
    return Finished(path, 1, 9 << 20, "sha256:0")


def test_a_large_file_goes_up_in_parts_and_is_seen_as_a_whole(
    bucket: Any, large: Finished, s3_gate: Callable[..., Any]
) -> None:
    seen: list[str] = []
    s3_gate(
        lambda heard: (
            seen.append(parse_qs(urlsplit(heard.target).query)["partNumber"][0]) if heard.method == "PUT" else None
        )
    )
    Bucket(bucket.name, "aws_default").publish(large, "large", {"kucoin.x": "y"}, content_type="x/y", replace=True)
    assert sorted(seen) == ["1", "2"]
    assert bucket.read("large") == large.path.read_bytes()
    head = bucket.head("large")
    assert (head["ContentType"], head["Metadata"]["kucoin.x"], head["Metadata"]["kucoin.rows"]) == ("x/y", "y", "1")


def test_a_part_that_s3_refuses_leaves_nothing_to_be_seen(
    bucket: Any, large: Finished, s3_gate: Callable[..., Any]
) -> None:
    s3_gate(lambda heard: s3_error(403, "AccessDenied") if "partNumber=2" in heard.target else None)
    with pytest.raises(FatalError, match="AccessDenied"):
        Bucket(bucket.name, "aws_default").publish(large, "large", {}, content_type="x/y", replace=True)
    assert bucket.keys == []


@pytest.mark.usefixtures("busy")
def test_a_rerun_repairs_what_somebody_broke(copy: Copy, bucket: Any, same: Callable[..., None]) -> None:
    [result] = copy()
    bucket.client.put_object(Bucket=bucket.name, Key=bucket.keys[0], Body=b"PAR1 broken")
    copy()
    same(bucket.rows(result["uri"]), YESTERDAY, TODAY)


def test_nothing_is_left_on_the_workers_disk(
    copy: Copy, exchange: Exchange, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=20)
    copy()
    exchange.book(created_at=YESTERDAY, extra={"amount": "1e-30"})
    with pytest.raises(AirflowFailException):
        copy()
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------------------------------------- killed

TASK = """
import sys
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator
bucket, start, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
KucoinLedgerToS3Operator(task_id="copy", s3_bucket=bucket, window_start=start, window_end=end).execute({})
"""


class Victim:
    """A task in a process of its own, killed as `kill -9` does."""

    def __init__(self, bucket: str) -> None:
        self._arguments = [sys.executable, "-c", TASK, bucket, str(YESTERDAY - DAY), str(TODAY)]
        self._born = threading.Event()
        self.is_alive = True

    def run(self) -> int:
        self._process = subprocess.Popen(  # noqa: S603 - this very test suite
            self._arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._born.set()
        return self._process.wait(timeout=60)

    def kill(self) -> None:
        assert self._born.wait(timeout=60)
        self._process.kill()
        self._process.wait(timeout=60)
        self.is_alive = False


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    ("moment", "objects"),
    [
        pytest.param("reading", 0, id="while-reading"),
        pytest.param("uploading", 0, id="while-uploading"),
        pytest.param("uploaded", 1, id="between-two-objects"),
    ],
)
def test_a_killed_task_leaves_no_part_of_an_object_and_a_rerun_repairs_everything(
    copy: Copy,
    bucket: Any,
    server: Server,
    connect: Callable[..., Any],
    tap: Callable[..., Any],
    through: Callable[..., Any],
    s3_gate: Callable[..., Any],
    same: Callable[..., None],
    moment: str,
    objects: int,
) -> None:
    victim, on_kucoin, uploads = Victim(bucket.name), through(), []

    def kucoin(heard: Any) -> Any:
        if victim.is_alive and moment == "reading" and heard.path.endswith("/ledgers"):
            victim.kill()
        return on_kucoin(heard)

    def s3(heard: Any) -> Any:
        if victim.is_alive and heard.method == "PUT":
            uploads.append(heard)
            if len(uploads) == (2 if moment == "uploaded" else 1):
                victim.kill()
                return s3_error(500, "InternalError")  # to nobody: the body never arrived as a whole
        return None

    connect(server.connection(), host=tap(kucoin).url)
    s3_gate(s3)
    assert victim.run() == -signal.SIGKILL
    assert len(bucket.keys) == objects
    if objects:
        same(bucket.all_rows(), YESTERDAY - DAY, YESTERDAY)
    copy(window_start=YESTERDAY - DAY, window_end=TODAY)
    assert len(bucket.keys) == 2
    same(bucket.all_rows(), YESTERDAY - DAY, TODAY)
