"""What OpenLineage's own listener makes of a real run of a DAG."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange, Server

DAY = 86_400_000
TODAY = 1_770_120_000_000 // DAY * DAY  # 2026-02-03, the exchange's day
#: Seconds; half a minute is usual.
PATIENCE = 200
RUN = """
from airflow.cli.cli_parser import get_parser
for command in (["db", "migrate"], ["dags", "test", "kucoin_ledger_to_s3", "2026-02-03"]):
    arguments = get_parser().parse_args(command)
    arguments.func(arguments)
"""


@pytest.mark.usefixtures("connection")
def test_the_event_of_a_copy_names_the_ledger_and_the_object(
    exchange: Exchange, server: Server, bucket: Any, tmp_path: Path
) -> None:
    pytest.importorskip("airflow.providers.openlineage")
    exchange.seed_ledger(TODAY - DAY, TODAY, rows_per_day=50)
    events = tmp_path / "events"
    transport = {"type": "file", "log_file_path": str(events), "append": True}
    done = subprocess.run(  # noqa: S603 - Airflow's own commands
        [sys.executable, "-c", RUN],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parents[2] / "dags_examples"),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
            "KUCOIN_LAKE_BUCKET": bucket.name,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert events.exists(), done.stdout[-6000:]
    told = [json.loads(line) for line in events.read_text().splitlines()]
    whole = [
        event for event in told if event["job"]["name"].endswith(".whole_ledger") and event["eventType"] == "COMPLETE"
    ]
    names = sorted({(event["job"]["name"], event["eventType"]) for event in told})
    assert len(whole) == 1, names
    [source], [output] = whole[0]["inputs"], whole[0]["outputs"]
    uid = exchange.key.uid
    assert (source["namespace"], source["name"]) == (
        f"kucoin://{urlsplit(server.url).netloc}",
        f"accounts/{uid}/ledgers/spot",
    )
    [key] = [key for key in bucket.keys if key.startswith("kucoin/ledger=spot/")]
    assert (output["namespace"], output["name"]) == (f"s3://{bucket.name}", key)
    statistics = output["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"]) == (bucket.table(key).num_rows, len(bucket.read(key)))
    assert statistics["rowCount"] == len(list(exchange.entries(TODAY - DAY, TODAY)))
    assert [field["name"] for field in output["facets"]["schema"]["fields"]] == bucket.table(key).schema.names
