"""The example DAGs: all of them parse, and the ledger's runs through Airflow against the sandbox and S3."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Airflow = Callable[..., subprocess.CompletedProcess[str]]

FOLDER = Path(__file__).resolve().parent.parent / "dags_examples"
#: Seconds; half a minute is usual.
PATIENCE = 120
DAY = 86_400_000
TODAY = 1_770_120_000_000 // DAY * DAY  # 2026-02-03, the exchange's day
YESTERDAY = TODAY - DAY


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated database."""
    home = tmp_path_factory.mktemp("airflow")
    done = _airflow(home, "db", "migrate")
    assert done.returncode == 0, done.stdout[-4000:]
    return home


@pytest.fixture
def airflow(airflow_home: Path) -> Airflow:
    """Run an Airflow command."""
    return lambda *arguments, **environment: _airflow(airflow_home, *arguments, **environment)


def _airflow(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - Airflow's own command
            [sys.executable, "-m", "airflow", *arguments],
            env={**os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired as problem:
        # It waits for a retry: what it waits for was said at the first try.
        pytest.fail(
            f"airflow {' '.join(arguments)} did not end in {PATIENCE} s:\n{(problem.output or b'').decode()[:9000]}"
        )


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
    done = airflow("dags", "test", "kucoin_ledger_to_s3", "2026-02-03", KUCOIN_LAKE_BUCKET=bucket.name)
    assert done.returncode == 0, done.stdout[-4000:]
    window, uid = "date=2026-02-02/20260202T000000Z_20260203T000000Z", exchange.key.uid
    whole = f"kucoin/ledger=spot/account={uid}/{window}.parquet"
    part = f"kucoin/stablecoins/account={uid}/{window}.jsonl.gz"
    assert bucket.keys == [whole, part]
    same(bucket.rows(whole), YESTERDAY, TODAY)
    wanted = [row["id"] for row in bucket.rows(whole) if row["currency"] in {"USDT", "USDC"}]
    assert [row["id"] for row in bucket.rows(part)] == wanted
    assert wanted
