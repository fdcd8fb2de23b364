"""
### What happened on a day, as soon as the day is in the lake.

Waits for no time of its own: its schedule is the asset that `kucoin_ledger_to_s3` writes to, so a run begins when days
have been published, and again for a day to which rows came late. The asset event says which objects are new. Each is
summarised by DuckDB, per currency and business type, in exact decimals, and the summary is published beside it:
`kucoin/summary/ledger=spot/account=<uid>/date=<day>/<window>.parquet`. Writing it again replaces it.

DuckDB's own reader of S3 is an extension that it fetches from the internet; here objects are copied to a local file
by the connection that wrote them, which works everywhere.

**By hand**, name the objects: `{"objects": ["s3://kucoin-lake/kucoin/ledger=spot/..."]}`.

**Needs** the connection `aws_default`, the package `duckdb`, and the bucket's name in the environment variable
`KUCOIN_LAKE_BUCKET`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowFailException, Asset, task

BUCKET = os.environ.get("KUCOIN_LAKE_BUCKET", "kucoin-lake")
LEDGER = "kucoin/ledger=spot"
SUMMARY = "kucoin/summary/ledger=spot"

# [START howto_kucoin_daily_summary_sql]
# Sums of DECIMAL(38, 18) are DECIMAL(38, 18): exact, or an error. As text they stay so in XCom and in JSON.
QUERY = """
    SELECT currency,
           biz_type,
           count(*)::INTEGER AS rows,
           coalesce(sum(amount) FILTER (direction = 'in'), 0)::DECIMAL(38, 18) AS came,
           coalesce(sum(amount) FILTER (direction = 'out'), 0)::DECIMAL(38, 18) AS went,
           (came - went)::DECIMAL(38, 18) AS net,
           coalesce(sum(fee), 0)::DECIMAL(38, 18) AS fees
      FROM read_parquet(?)
  GROUP BY currency, biz_type
  ORDER BY currency, biz_type
"""
# [END howto_kucoin_daily_summary_sql]

# [START howto_kucoin_daily_summary]
with DAG(
    dag_id="kucoin_daily_summary",
    schedule=[Asset(f"s3://{BUCKET}/{LEDGER}")],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"objects": []},
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
    tags=["kucoin", "example"],
    doc_md=__doc__,
) as dag:

    @task
    def new_objects(**context: Any) -> list[str]:
        """Return the objects that the events tell of; of a run by hand those that its parameters name."""
        # Airflow 2 calls assets datasets.
        told = context.get("triggering_asset_events") or context.get("triggering_dataset_events") or {}
        events = [event for of_asset in told.values() for event in of_asset]
        if any(event.extra.get("objects_left_out") for event in events):
            raise AirflowFailException("an event is about more objects than it can name: give them as a parameter")
        named = [written["uri"] for event in events for written in event.extra.get("objects", [])]
        # An object that was written twice since the last run is in two events.
        return sorted({*named, *context["params"]["objects"]})

    @task(outlets=[Asset(f"s3://{BUCKET}/{SUMMARY}")], map_index_template="{{ task.op_kwargs['uri'] }}")
    def summarise(uri: str) -> list[dict[str, str]]:
        """Summarise one object; return the summary, amounts as text."""
        from pathlib import Path
        from tempfile import TemporaryDirectory

        import duckdb
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        s3 = S3Hook("aws_default")
        bucket, key = s3.parse_s3_url(uri)
        with TemporaryDirectory() as folder, duckdb.connect() as database:
            day, summary = Path(folder, "day.parquet"), Path(folder, "summary.parquet")
            s3.get_conn().download_file(bucket, key, str(day))
            database.execute(f"CREATE TABLE summary AS {QUERY}", [str(day)])
            database.execute("COPY summary TO ? (FORMAT parquet)", [str(summary)])
            s3.load_file(str(summary), key.replace(LEDGER, SUMMARY, 1), bucket, replace=True)
            found = database.execute("SELECT COLUMNS(*)::VARCHAR FROM summary")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    summarise.expand(uri=new_objects())
# [END howto_kucoin_daily_summary]
