"""
A month of ledger and a payment in deployments as people have them, while their workers and their triggerer die.

PostgreSQL, API server, scheduler, DAG processor and triggerer; once the tasks run in the scheduler's own workers, once
in two Celery workers with Redis between. Airflow's backfill copies thirty days; in the middle of a task its worker is
killed; four withdrawals are waited for when the triggerer is killed, too. Then bucket and exchange are compared.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import demo
import psutil
import pytest
from airflow_deployment import Airflow3, until
from airflow_servers import postgresql, redis
from comparison import differences

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86_400_000
DAYS = 30
ROWS_PER_DAY = 600
#: Seconds for the month; 90 are usual in the scheduler's own workers, twice as many in Celery's.
PATIENCE = 420
#: As the settings of Airflow's documentation have it, but with the patience of a test.
CELERY = {
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    # A message that a killed worker had taken is given to another one after so many seconds; 86,400 without this.
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "60",
    "AIRFLOW__CELERY__WORKER_ENABLE_REMOTE_CONTROL": "False",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
}
COMMON = {
    "KUCOIN_LAKE_BUCKET": demo.BUCKET,
    "KUCOIN_CURRENCIES": "USDT,BTC",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    # Files that nobody changes need not be read again and again.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    # A triggerer that was killed is missed after so many seconds, and its triggers are given to another one.
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
}


@dataclass(frozen=True)
class Outcome:
    """What came of a deployment's day."""

    exchange: Any
    days: list[int]
    """Midnights, in milliseconds."""
    objects: list[demo.Written]
    runs: dict[str, str]
    """States, by run."""
    tries: dict[str, list[int]]
    """Of the backfill's tasks."""
    killed: list[str]
    """Names of the processes that were killed in the middle of a task."""
    waits_before: dict[int, int]
    """Trigger to triggerer, when the triggerer was killed."""
    waits_after: dict[int, int]
    paid: dict[str, Any]
    """What the treasury's tasks returned, by task."""
    logs: str


class Play:
    """One deployment, from its start to its end."""

    def __init__(self, airflow: Airflow3, exchange: Any, port: int, tools: Any) -> None:
        self.airflow = airflow
        self.exchange = exchange
        self.port = port
        self.hold = tools.Hold("GET", "/api/v1/accounts/ledgers", number=5)
        midnight = (datetime.now(UTC) - demo.SETTLE).replace(hour=0, minute=0, second=0, microsecond=0)
        self.first = midnight - timedelta(days=DAYS)
        self.days = [int(self.first.timestamp() * 1000) + number * DAY for number in range(DAYS)]
        self.killed: list[str] = []
        self.runs: list[str] = []

    def fill(self) -> None:
        """Book what is to be copied: of the day before and the day after, too, which nobody asks for."""
        start, end = self.days[0], self.days[-1] + DAY
        self.exchange.seed_ledger(start - DAY, end + DAY // 48, rows_per_day=ROWS_PER_DAY)
        for at in (start - 1, start, *(day + 1_000 for day in self.days[::5]), end - 1, end):
            self.exchange.deposit(currency="USDT", amount="5", chain="trx", created_at_ms=at // 1000 * 1000)

    def play(self) -> None:
        """Do everything: the payments are made and waited for, and then the month is copied."""
        airflow = self.airflow
        for dag_id, run_id in (("kucoin_treasury", "sweep-and-pay"), ("kucoin_payouts", "payday")):
            airflow.trigger(dag_id, run_id)
            self.runs.append(run_id)
        airflow.answer("kucoin_treasury", "sweep-and-pay", "approve", "Approve")
        self.waits_before = until("four deferred waits", self._four_waits)
        last = self.first + timedelta(days=DAYS - 1)
        dates = ("--from-date", f"{self.first:%Y-%m-%d}", "--to-date", f"{last:%Y-%m-%d}")
        airflow.run("airflow", "backfill", "create", "--dag-id", "kucoin_backfill", *dates, "--max-active-runs", "4")
        self.exchange.hold = self.hold
        self._kill_a_worker()
        airflow.kill("triggerer")
        airflow.start("triggerer")
        self.waits_after = until("all waits in another triggerer", self._other_triggerer)
        for withdrawal in self.exchange.withdrawals:
            self.exchange.settle(withdrawal.id)
        until("the end of all runs", self._all_over, PATIENCE)

    def _kill_a_worker(self) -> None:
        """Kill a worker that waits for KuCoin's answer, and start it again, as whoever watches over it would."""
        airflow = self.airflow
        until("a page of the ledger being read", self.hold.reached.is_set)
        worker = airflow.worker_at(self.port, *airflow.workers)
        if not airflow.workers:
            doomed = [worker.parent(), worker]  # the supervisor first: it must not see its child die
            for process in doomed:
                process.kill()
            psutil.wait_procs(doomed, 10)
            self.killed.append("task")
        for name in airflow.workers:
            if worker in airflow.family(name):
                airflow.kill(name)
                self.killed.append(name)
        self.hold.released.set()
        for name in self.killed:
            if name in airflow.workers:
                airflow.start(name)

    def _waits(self) -> dict[int, int]:
        query = (
            "select trigger_id, triggerer_id from task_instance join trigger on trigger.id = trigger_id "
            "where state = 'deferred' and task_id = 'settled'"
        )
        return {trigger: triggerer for trigger, triggerer in self.airflow.rows(query) if triggerer is not None}

    def _four_waits(self) -> dict[int, int] | None:
        found = self._waits()
        return found if len(found) == 4 else None

    def _other_triggerer(self) -> dict[int, int] | None:
        found = self._waits()
        moved = set(found.values()).isdisjoint(self.waits_before.values())
        return found if moved and found.keys() == self.waits_before.keys() else None

    def _all_over(self) -> bool:
        found = self._states()
        return len(found) == DAYS + len(self.runs) and set(found.values()) <= {"success", "failed"}

    def _states(self) -> dict[str, str]:
        return dict(self.airflow.rows("select run_id, state from dag_run"))

    def outcome(self, s3: Any) -> Outcome:
        """Return what there is to see of it."""
        query = "select task_id, try_number from task_instance where dag_id = 'kucoin_backfill' order by 1, 2"
        tries: dict[str, list[int]] = {}
        for task_id, number in self.airflow.rows(query):
            tries.setdefault(task_id, []).append(number)
        runs = self._states()
        paid = {name: self.airflow.xcom("sweep-and-pay", name) for name in ("withdraw", "settled", "reconcile")}
        return Outcome(
            self.exchange,
            self.days,
            list(_objects(s3)),
            runs,
            tries,
            self.killed,
            self.waits_before,
            self.waits_after,
            paid,
            "" if set(runs.values()) == {"success"} else self.airflow.logs(),
        )


def _objects(s3: Any) -> Iterator[demo.Written]:
    for entry in s3.list_objects_v2(Bucket=demo.BUCKET)["Contents"]:
        key = entry["Key"]
        body = s3.get_object(Bucket=demo.BUCKET, Key=key)["Body"].read()
        yield demo.Written(key, entry["Size"], "", demo.rows_of(key, body))


@pytest.fixture(scope="module", params=["LocalExecutor", "CeleryExecutor"])
def outcome(
    request: pytest.FixtureRequest, tools: Any, opened: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outcome]:
    """Play once with each executor."""
    folder = tmp_path_factory.mktemp("airflow-")
    with ExitStack() as running:
        database = running.enter_context(postgresql())
        server = tools.open_exchange()
        running.callback(server.stop)
        exchange = server.exchange
        exchange.life_cycle = (tools.Step("PROCESSING"),)  # until somebody says how it ends
        s3_url, s3 = running.enter_context(demo.s3_server())
        settings = {
            **COMMON,
            **tools.MISSED_SOON,
            "AIRFLOW_CONN_KUCOIN_DEFAULT": tools.connection(server),
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(demo.aws_connection(s3_url)),
        }
        workers = 0
        if request.param == "CeleryExecutor":
            settings |= CELERY | {"AIRFLOW__CELERY__BROKER_URL": running.enter_context(redis())}
            workers = 2
        airflow = Airflow3(folder, Path(sys.executable).parent, database, settings, workers=workers)
        running.callback(airflow.stop)
        opened.append(airflow)
        for name in ("backfill", "payouts"):
            airflow.load(f"example_kucoin_{name}.py", {"timedelta(minutes=1)": "timedelta(seconds=1)"})
        airflow.load("example_kucoin_treasury.py", tools.IMPATIENT)
        play = Play(airflow, exchange, server.port, tools)
        play.fill()
        airflow.open()
        airflow.unpause_all()
        try:
            play.play()
        except TimeoutError as problem:
            pytest.fail(f"{problem}\n{airflow.logs()}")
        finally:
            play.hold.released.set()
        yield play.outcome(s3)


def _below(outcome: Outcome, beginning: str) -> list[demo.Written]:
    return sorted((one for one in outcome.objects if one.key.startswith(beginning)), key=lambda one: one.key)


def test_every_run_succeeds_although_a_worker_was_killed(outcome: Outcome) -> None:
    """Whether that counts as another try is not looked at: under Celery it was seen not to."""
    assert Counter(outcome.runs.values()) == {"success": DAYS + 2}, outcome.logs
    assert len(outcome.killed) == 1
    assert {name: len(numbers) for name, numbers in outcome.tries.items()} == dict.fromkeys(
        ("deposits", "spot", "withdrawals"), DAYS
    )


def test_every_row_of_thirty_days_is_in_the_bucket_once_and_as_it_was_booked(outcome: Outcome) -> None:
    objects = _below(outcome, "kucoin/ledger=spot/")
    assert len(objects) == DAYS
    for day, written in zip(outcome.days, objects, strict=True):
        entries = list(outcome.exchange.entries(day, day + DAY))
        assert len(entries) > ROWS_PER_DAY / 2
        assert differences(entries, written.rows, str(outcome.exchange.key.uid)) == []


def test_every_deposit_of_thirty_days_is_in_the_bucket_once(outcome: Outcome) -> None:
    objects = _below(outcome, "kucoin/dataset=deposits/")
    assert len(objects) == DAYS
    copied = Counter(row["created_at"].timestamp() for written in objects for row in written.rows)
    booked = Counter(one.created_at_ms / 1000 for one in outcome.exchange.deposits)
    start, end = outcome.days[0] / 1000, (outcome.days[-1] + DAY) / 1000
    assert copied == Counter({at: count for at, count in booked.items() if start <= at < end})
    assert copied.total() == booked.total() - 2


def test_waits_outlive_their_triggerer(outcome: Outcome) -> None:
    assert len(outcome.waits_before) == len(outcome.waits_after) == 4
    assert not set(outcome.waits_before.values()) & set(outcome.waits_after.values())


def test_the_treasury_pays_once_and_finds_it_in_the_ledger(outcome: Outcome, tools: Any) -> None:
    withdrawals = outcome.exchange.withdrawals
    [paid] = [one for one in withdrawals if one.address == tools.WALLET]
    assert (str(paid.amount), paid.status) == ("250", "SUCCESS")
    for told in outcome.paid.values():
        assert told["withdrawal_id"] == paid.id
    assert outcome.paid["reconcile"]["debited"] == "251"
    assert len(outcome.exchange.transfers) == 1


def test_every_payout_is_paid_once(outcome: Outcome, tools: Any) -> None:
    paid = Counter((one.address, str(one.amount)) for one in outcome.exchange.withdrawals)
    alice, bob = (tools.BOOK[name]["address"] for name in ("alice", "bob"))
    assert paid == {(alice, "12.5"): 2, (bob, "40"): 1, (tools.WALLET, "250"): 1}


def test_kucoin_refuses_no_request_for_want_of_quota(outcome: Outcome) -> None:
    totals = outcome.exchange.requests.totals()
    assert totals["requests"] > 3 * DAYS
    assert totals["rate_limited"] == 0
    assert 429 not in {record.http_status for record in outcome.exchange.requests}
