"""Whatever a DAG author gives for an argument: the task works, or says what is wrong with that argument."""

from __future__ import annotations

import inspect
import json
import os
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, TaskDeferred
from moments import TODAY, YESTERDAY
from public import classes

from airflow_provider_kucoin.api.errors import KucoinError
from airflow_provider_kucoin.hooks.kucoin import KucoinHook

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server

EXAMPLES = int(os.environ.get("KUCOIN_FUZZ", "0"))
ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
WINDOW = {"window_start": YESTERDAY, "window_end": TODAY}

#: Every task with arguments that work.
TASKS: dict[str, dict[str, Any]] = {
    "KucoinLedgerToS3Operator": {"s3_bucket": "lake", **WINDOW},
    "KucoinHistoryToS3Operator": {"dataset": "deposits", "currency": "USDT", "s3_bucket": "lake", **WINDOW},
    "KucoinBalancesToS3Operator": {"s3_bucket": "lake", "include": ["accounts"]},
    "KucoinLedgerCheckOperator": {"s3_bucket": "lake", "live_balance": False, **WINDOW},
    "KucoinOperator": {"method": "GET", "path": "/api/v1/accounts"},
    "KucoinWithdrawOperator": {"currency": "USDT", "amount": "10", "to_address": ADDRESS, "chain": "trx"},
    "KucoinCancelWithdrawalOperator": {"withdrawal_id": "67e6515f7960ba0007b42025"},
    "KucoinTransferOperator": {
        "currency": "USDT",
        "amount": "10",
        "from_account_type": "MAIN",
        "to_account_type": "TRADE",
    },
    "KucoinWithdrawalSensor": {"withdrawal_id": "67e6515f7960ba0007b42025", "deferrable": True},
    "KucoinDepositSensor": {"currency": "USDT", "since": YESTERDAY, "deferrable": True},
}
#: What JSON, Jinja and slips of the finger give.
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**70, 1.5, "", " ", "x", "-1", "1e400", "NaN", "9" * 400, "\x00", "../..", "{{", "{", "{a}"),
    *("☃", "2026-02-03", [], [""], [None], [1], ["x", "x"], [[]], {}, {"a": 1}, {"": None}, timedelta(days=-1)),
    *(timedelta(0), datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), object),
)
#: Airflow's own arguments are Airflow's own business, and what a connection to S3 is, the Amazon provider's. Who says
#: that the task waits for the payment gets what he asked for: a day of it.
AIRFLOWS = {
    "self",
    "kwargs",
    "aws_conn_id",
    "wait_for_completion",
    "poll_interval",
    "poke_interval",
    "exponential_backoff",
    "timeout",
    "deferrable",
}


OPERATORS = classes("operators", "sensors", "transfers")
ARGUMENTS = [
    (name, argument)
    for name in TASKS
    for argument in inspect.signature(OPERATORS[name].__init__).parameters
    if argument not in AIRFLOWS
]


def test_every_task_is_tried() -> None:
    assert set(TASKS) == set(OPERATORS), "a task without a row in TASKS is not tried"


@pytest.fixture
def ready(exchange: Exchange, server: Server, connect: Callable[..., Any], bucket: Any) -> Exchange:
    """An exchange on which all of them work."""
    exchange.allow_withdrawals()
    exchange.balances.set("USDT", "main", "1000")
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=2)
    connect(server.connection(withdrawals_enabled=True, timeout=5))
    assert bucket.keys == []
    return exchange


def is_ours(problem: Exception, argument: str) -> bool:
    """Return whether an error is one that says which argument is wrong."""
    if isinstance(problem, AirflowException | KucoinError):
        return 0 < len(str(problem)) <= 4_000
    return isinstance(problem, TypeError | ValueError) and argument in str(problem)


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS, ids=lambda value: value)
def test_an_argument_works_or_is_refused_by_name(bucket: Any, ready: Exchange, name: str, argument: str) -> None:
    def sleep(seconds: float) -> None:
        ready.clock_offset_ms += int(min(seconds, 1e6) * 1000) + 1

    # Without `make fuzz` a few for each, other ones for every argument.
    tried = VALUES if EXAMPLES else Random(f"{name} {argument}").sample(VALUES, 3)  # noqa: S311 - repeatable, not secret
    wrong = []
    for number, value in enumerate(tried):
        given = {**TASKS[name], argument: value}
        if given.get("s3_bucket") == "lake":
            given["s3_bucket"] = bucket.name
        if argument == "idempotency_key":
            # Its search goes back from this machine's day, which is months away from the exchange's.
            given["dry_run"] = True
        ti = SimpleNamespace(dag_id="d", task_id="t", run_id=f"r{number}", map_index=-1, try_number=1, start_date=None)
        run = SimpleNamespace(run_after=datetime.fromtimestamp(TODAY / 1000, UTC))
        try:
            task = OPERATORS[name](task_id="t", **given)
            if hasattr(OPERATORS[name], "hook") and argument != "kucoin_conn_id":
                task.hook = KucoinHook(sleep=sleep)
            task.execute({"ti": ti, "dag_run": run})
        except TaskDeferred:
            pass
        except Exception as problem:  # noqa: BLE001 - which it may be is what this is about
            if not is_ours(problem, argument):
                wrong.append(f"{argument}={value!r:.60}: {type(problem).__name__}: {str(problem)[:200]}")
    assert wrong == []


EXTRAS = (
    *("passphrase", "futures_host", "key_version", "site_type", "timeout", "proxies", "verify", "cert", "trust_env"),
    *("withdrawals_enabled", "withdraw_destinations", "withdraw_limits"),
)


@pytest.mark.parametrize("field", [*EXTRAS, "login", "password", "host", "schema", "port"])
def test_a_field_of_the_connection_works_or_is_refused_by_name(server: Server, field: str) -> None:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_kucoin.hooks.connection import settings

    made = server.connection(withdrawals_enabled=True)
    wrong = []
    for value in VALUES:
        if isinstance(value, timedelta | datetime | type):
            continue
        extra = {**made["extra"], field: value} if field in EXTRAS else made["extra"]
        plain = {name: made.get(name) for name in ("login", "password", "host")}
        changed = {**plain, field: value} if field not in EXTRAS else plain
        try:
            connection = Connection(conn_id="kucoin_default", conn_type="kucoin", extra=json.dumps(extra), **changed)
        except Exception:  # noqa: BLE001, S112 - Airflow itself does not take it
            continue
        try:
            settings(connection)
        except Exception as problem:  # noqa: BLE001 - which it may be is what this is about
            if not is_ours(problem, field):
                wrong.append(f"{field}={value!r:.60}: {type(problem).__name__}: {str(problem)[:200]}")
    assert wrong == []
