"""The example DAGs: all of them parse, and those that fill a lake run through Airflow against the sandbox and S3."""

from __future__ import annotations

import io
import json
import os
import re
import runpy
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_kucoin.testing import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import ApiKey, Server

    Airflow = Any

FOLDER = Path(__file__).resolve().parent.parent / "dags_examples"
#: Seconds; some are usual.
PATIENCE = 300
DAY = 86_400_000
TODAY = 1_770_120_000_000 // DAY * DAY  # 2026-02-03, the exchange's day
YESTERDAY = TODAY - DAY
CLASSIC = ("spot", "trade_hf", "margin_hf", "futures")

AIRFLOW = tuple(map(int, version("apache-airflow").split(".")[:2]))


@pytest.fixture
def airflow(airflow_with: Callable[[Path], Airflow]) -> Airflow:
    """Airflow with the examples."""
    return airflow_with(FOLDER)


@pytest.fixture
def recorded(airflow: Airflow) -> Callable[..., list[tuple[Any, ...]]]:
    """Look into Airflow's database."""
    found: Callable[..., list[tuple[Any, ...]]] = airflow.recorded
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_parses_without_a_warning_and_makes_a_dag(path: Path) -> None:
    made = [value for value in runpy.run_path(str(path)).values() if isinstance(value, DAG)]
    assert made
    assert all(dag.tasks for dag in made)


@pytest.mark.usefixtures("connection")
def test_the_ledger_example_copies_the_day_before_its_run(
    airflow: Airflow, exchange: Exchange, bucket: Any, same: Callable[..., None]
) -> None:
    exchange.seed_ledger(YESTERDAY - DAY, TODAY + DAY // 2, rows_per_day=700)
    done = airflow(["dags", "test", "kucoin_ledger_to_s3", "2026-02-03"], KUCOIN_LAKE_BUCKET=bucket.name)
    assert done.returncode == 0, done.stdout[-4000:]
    window, uid = "date=2026-02-02/20260202T000000Z_20260203T000000Z", exchange.key.uid
    whole = f"kucoin/ledger=spot/account={uid}/{window}.parquet"
    part = f"kucoin/stablecoins/account={uid}/{window}.jsonl.gz"
    assert bucket.keys == [whole, part]
    same(bucket.rows(whole), YESTERDAY, TODAY)
    wanted = [row["id"] for row in bucket.rows(whole) if row["currency"] in {"USDT", "USDC"}]
    assert [row["id"] for row in bucket.rows(part)] == wanted
    assert wanted


# ------------------------------------------------------------------------------------- all ledgers of all accounts


@pytest.fixture
def sub_account(exchange: Exchange, server: Server, monkeypatch: pytest.MonkeyPatch) -> ApiKey:
    """A sub-account with a key and a connection of its own; both accounts have rows of two days, and of today."""
    key = replace(Exchange(seed=1).key, uid=exchange.key.uid + 1, is_master=False, sub_name="desk1")
    exchange.add_sub_account(key.uid, name=key.sub_name)
    exchange.add_key(key)
    for uid in (exchange.key.uid, key.uid):
        for ledger in CLASSIC:
            exchange.seed_ledger(YESTERDAY - DAY, exchange.now_ms(), rows_per_day=80, seed=uid, uid=uid, ledger=ledger)
    monkeypatch.setenv("AIRFLOW_CONN_KUCOIN_DESK1", json.dumps(server.connection(key)))
    monkeypatch.setenv("KUCOIN_CONNECTIONS", "kucoin_default,kucoin_desk1")
    return key


@pytest.mark.usefixtures("connection")
def test_every_ledger_of_every_account_is_copied_and_proven_and_every_balance_is_taken(
    airflow: Airflow, exchange: Exchange, sub_account: ApiKey, bucket: Any, recorded: Callable[..., Any]
) -> None:
    done = airflow(["dags", "test", "kucoin_all_ledgers", "2026-02-03"], KUCOIN_LAKE_BUCKET=bucket.name)
    assert done.returncode == 0, done.stdout[-9000:]

    states = recorded("select task_id, state, pool from task_instance where dag_id = 'kucoin_all_ledgers'")
    assert Counter(states) == {
        ("ledger", "success", "kucoin"): 8,
        ("proof", "success", "kucoin"): 8,
        ("balances", "success", "kucoin"): 2,
    }
    names = recorded("select distinct rendered_map_index from task_instance where task_id = 'ledger'")
    assert {name for (name,) in names} == {
        f"{connection} {ledger}" for connection in ("kucoin_default", "kucoin_desk1") for ledger in CLASSIC
    }

    for uid in (exchange.key.uid, sub_account.uid):
        for ledger in CLASSIC:
            # The window, and the day before it that is looked back at.
            for day in (YESTERDAY - DAY, YESTERDAY):
                _check_day(exchange, bucket, ledger, uid, day)
        [balances] = [key for key in bucket.keys if key.startswith(f"kucoin/balances/account={uid}/")]
        rows = bucket.rows(balances)
        assert {row["account_uid"] for row in rows} == {str(uid)}
        [usdt] = [row for row in rows if (row["account_type"], row["currency"], row["owner"]) == ("trade", "USDT", "")]
        assert usdt["total"] == exchange.balances.balance("USDT", "trade", uid)
    assert len(bucket.keys) == 2 * len(CLASSIC) * 2 + 2


def _check_day(exchange: Exchange, bucket: Any, ledger: str, uid: int, day: int) -> None:
    date = {YESTERDAY - DAY: "2026-02-01", YESTERDAY: "2026-02-02"}[day]
    [key] = [key for key in bucket.keys if f"ledger={ledger}/account={uid}/date={date}/" in key]
    rows, field = bucket.rows(key), "offset" if ledger == "futures" else "id"
    assert {row["account_uid"] for row in rows} == {str(uid)}
    truth = exchange.entries(day, day + DAY, uid=uid, ledger=ledger)
    assert sorted(row[field] for row in rows) == sorted(str(row[field]) for row in truth)


@pytest.mark.usefixtures("connection")
def test_the_proof_of_a_broken_object_fails_and_says_where_it_is_broken(
    airflow: Airflow, exchange: Exchange, bucket: Any, recorded: Callable[..., Any]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    exchange.seed_ledger(YESTERDAY, exchange.now_ms(), rows_per_day=80, ledger="trade_hf")
    only = {"KUCOIN_LEDGERS": "trade_hf", "KUCOIN_LAKE_BUCKET": bucket.name}
    copied = airflow(
        ["dags", "test", "kucoin_all_ledgers", "2026-02-03", "--mark-success-pattern", "proof|balances"], **only
    )
    assert copied.returncode == 0, copied.stdout[-4000:]
    [key] = [key for key in bucket.keys if "date=2026-02-02" in key]

    table, about = bucket.table(key), bucket.head(key)["Metadata"]
    lost = table.to_pylist()[40]
    shorter = pa.concat_tables([table.slice(0, 40), table.slice(41)])
    body = io.BytesIO()
    pq.write_table(shorter, body)
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=body.getvalue(), Metadata=about)

    done = airflow(
        ["dags", "test", "kucoin_all_ledgers", "2026-02-03", "--mark-success-pattern", "ledger|balances"],
        **only,
    )
    assert done.returncode != 0
    query = "select state, try_number from task_instance where task_id = 'proof' and state = 'failed'"
    assert recorded(query)[-1:] == [("failed", 1)]  # it is not tried again: nothing would be different
    # Airflow 3.0 colours what it says, and breaks it into lines wherever that suits it.
    said = _unbroken(done.stdout)
    [said] = set(re.findall("ProofFailed:(s3://.*?writesitagain)", said))
    following = next(row for row in shorter.to_pylist()[40:] if row["currency"] == lost["currency"])
    for part in (
        f"s3://{bucket.name}/{key}, row {following['id']} of ",
        f"the balance of TRADE_HF/{lost['currency']} does not follow from the row before it: expected ",
        "A row before it is missing, doubled or altered, or it is altered itself",
    ):
        assert _unbroken(part) in said


def _unbroken(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m|\s", "", text)


# ------------------------------------------------------------------------------------------------------- a backfill


@pytest.mark.usefixtures("connection")
def test_the_backfill_example_copies_days_and_skips_those_that_kucoin_no_longer_has(
    airflow: Airflow, exchange: Exchange, bucket: Any, recorded: Callable[..., Any], same: Callable[..., None]
) -> None:
    year = 365 * DAY
    exchange.seed_ledger(TODAY - year - DAY, TODAY - year + 2 * DAY, rows_per_day=40)
    exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=40)
    for day in (TODAY - year, YESTERDAY):
        exchange.deposit(currency="USDT", amount="5", chain="trx", created_at_ms=day + 1000)
    # Of 2025-02-03 half is gone at noon of 2026-02-03.
    days = ("2026-02-02", "2026-02-03", "2025-02-04", "2025-02-05")
    tests = [["dags", "test", "kucoin_backfill", day] for day in days]
    done = airflow(*tests, KUCOIN_LAKE_BUCKET=bucket.name, KUCOIN_CURRENCIES="USDT,BTC")
    assert done.returncode == 0, done.stdout[-9000:]

    states = recorded("select task_id, state from task_instance where dag_id = 'kucoin_backfill'")
    assert Counter(states) == {
        ("spot", "success"): 3,
        ("spot", "skipped"): 1,
        ("deposits", "success"): 4,
        ("withdrawals", "success"): 4,
    }
    spot = [key for key in bucket.keys if "ledger=spot" in key]
    assert [key.split("/")[-2] for key in spot] == ["date=2025-02-04", "date=2026-02-01", "date=2026-02-02"]
    same(bucket.rows(spot[0]), TODAY - year + DAY, TODAY - year + 2 * DAY)
    same(bucket.rows(spot[2]), YESTERDAY, TODAY)
    deposits = {key.split("/")[-2]: len(bucket.rows(key)) for key in bucket.keys if "dataset=deposits" in key}
    assert deposits == {"date=2025-02-03": 1, "date=2025-02-04": 0, "date=2026-02-01": 0, "date=2026-02-02": 1}


@pytest.mark.skipif(
    AIRFLOW < (3, 0), reason="the backfill of Airflow 2 runs in the command itself, and makes no queued runs"
)
def test_airflows_backfill_command_makes_a_run_for_each_day_with_that_days_window(
    airflow: Airflow, recorded: Callable[..., Any]
) -> None:
    create = ["backfill", "create", "--dag-id", "kucoin_backfill", "--max-active-runs", "4"]
    done = airflow(
        ["dags", "reserialize"],
        [*create, "--from-date", "2026-01-30", "--to-date", "2026-02-01"],
        KUCOIN_LAKE_BUCKET="b",
    )
    assert done.returncode == 0, done.stdout[-4000:]
    query = (
        "select data_interval_start, data_interval_end from dag_run "
        "where dag_id = 'kucoin_backfill' and run_id like 'backfill%' order by 1"
    )
    assert [(start[:16], end[:16]) for start, end in recorded(query)] == [
        ("2026-01-30 00:00", "2026-01-31 00:00"),
        ("2026-01-31 00:00", "2026-02-01 00:00"),
        ("2026-02-01 00:00", "2026-02-02 00:00"),
    ]


# ------------------------------------------------------------------------------------------------- smaller examples


@pytest.mark.usefixtures("connection")
def test_the_deposit_example_moves_what_arrived_and_nothing_else(airflow: Airflow, exchange: Exchange) -> None:
    exchange.allow_withdrawals()
    exchange.deposit(currency="USDT", amount="99.5", chain="trx", created_at_ms=TODAY + 60_000)
    exchange.deposit(currency="USDT", amount="250.125", chain="trx", created_at_ms=TODAY + 120_000)
    done = airflow(["dags", "test", "kucoin_deposit", "2026-02-03"])
    assert done.returncode == 0, done.stdout[-4000:]
    [moved] = exchange.transfers
    assert (moved.currency, moved.amount) == ("USDT", Decimal("250.125"))
    assert exchange.balances.balance("USDT", "trade") == Decimal("250.125")


@pytest.mark.usefixtures("connection")
def test_the_cancel_example_cancels_a_withdrawal_once_and_fails_when_it_is_too_late(
    airflow: Airflow, exchange: Exchange
) -> None:
    exchange.allow_withdrawals()
    early, late = (
        exchange.add_withdrawal(currency="USDT", chain="trx", address="T1", amount="5", status=status)
        for status in ("PROCESSING", "SUCCESS")
    )
    done = [
        airflow(["dags", "test", "kucoin_cancel_withdrawal", day, "--conf", json.dumps({"withdrawal_id": one.id})])
        for day, one in (("2026-02-03", early), ("2026-02-04", late))
    ]
    assert [one.returncode == 0 for one in done] == [True, False], done[0].stdout[-4000:]
    assert [one.status for one in exchange.withdrawals] == ["FAILURE", "SUCCESS"]
    assert f"withdrawal {late.id} was not cancelled" in done[1].stdout


@pytest.mark.usefixtures("connection")
def test_the_request_example_asks_what_may_leave_and_fails_when_that_is_not_enough(
    airflow: Airflow, exchange: Exchange, recorded: Callable[..., Any]
) -> None:
    exchange.balances.set("USDT", "main", "5000")
    done = airflow(["dags", "test", "kucoin_request", "2026-02-03"])
    assert done.returncode == 0, done.stdout[-4000:]
    states = recorded("select task_id, state from task_instance where dag_id = 'kucoin_request'")
    assert dict(states) == {"quota": "success", "enough": "success"}

    enough = runpy.run_path(str(FOLDER / "example_kucoin_request.py"))["enough"].function
    quota = {"currency": "USDT", "isWithdrawEnabled": True, "remainAmount": "1000"}
    assert enough(quota) == "1000"
    for changes, said in (({"remainAmount": "999.9"}, "only 999.9 USDT"), ({"isWithdrawEnabled": False}, "not let")):
        with pytest.raises(AirflowFailException, match=said):
            enough({**quota, **changes})


# ------------------------------------------------------------------------------------------------------- the planner


def test_the_planner_finds_a_connection_that_was_made_in_airflows_ui(
    airflow: Airflow, server: Server, exchange: Exchange
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=40)
    added = airflow(["connections", "add", "kucoin_of_ui", "--conn-json", json.dumps(server.connection())])
    assert added.returncode == 0, added.stdout[-4000:]
    command = ["spot", "--start", "2026-02-02", "--end", "2026-02-03", "--conn-id", "kucoin_of_ui"]
    done = subprocess.run(  # noqa: S603 - this package's own command
        [Path(sys.executable).with_name("kucoin-plan"), *command],
        env={**os.environ, **airflow.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    # Older versions of Airflow have warnings of their own to write there.
    assert "airflow_provider_kucoin" not in done.stderr
    assert done.stdout.splitlines()[1].split()[:3] == ["spot", "1", "0"]
