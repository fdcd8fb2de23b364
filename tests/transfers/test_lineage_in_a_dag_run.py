"""What OpenLineage's own listener makes of a real run of a DAG."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server

DAY = 86_400_000
TODAY = 1_770_120_000_000 // DAY * DAY  # 2026-02-03, the exchange's day


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """The file that the listener writes to."""
    return tmp_path / "events"


@pytest.fixture
def airflow(airflow_with: Callable[..., Any], airflow_process_with: Callable[..., Any], events: Path) -> Any:
    """Airflow with the examples, in a process of its own: whether somebody listens is settled when it starts."""
    pytest.importorskip("airflow.providers.openlineage")
    transport = {"type": "file", "log_file_path": str(events), "append": True}
    process = airflow_process_with(AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps(transport))
    return airflow_with(Path(__file__).parents[2] / "dags_examples", process)


@pytest.mark.usefixtures("connection")
def test_the_event_of_a_copy_names_the_ledger_and_the_object(
    airflow: Any, exchange: Exchange, server: Server, bucket: Any, events: Path
) -> None:
    exchange.seed_ledger(TODAY - DAY, TODAY, rows_per_day=50)
    done = airflow(["dags", "test", "kucoin_ledger_to_s3", "2026-02-03"], KUCOIN_LAKE_BUCKET=bucket.name)
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
