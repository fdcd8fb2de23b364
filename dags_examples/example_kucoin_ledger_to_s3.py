"""
### A KuCoin ledger in a data lake, one UTC day per run.

Every run copies the day before it: complete and exact, or the run fails. Running it again replaces that day's object.

**Schedule.** `CronDataIntervalTimetable("@daily")` gives each run the interval `[yesterday 00:00, today 00:00)`, which
is the operator's window. A plain `schedule="@daily"` works too: on Airflow 3 its interval is empty, and the operator
then takes the last whole UTC day before the run. A run begins at midnight, and the operator waits until the window is
5 minutes old (`settle`), because rows may appear late.

**Catch-up.** With `catchup=True` Airflow makes one run for each day since `start_date`, so history loads itself.
KuCoin keeps the spot ledger for one year: a run for an older day fails, since its day would look empty. Begin within
the last year, or set `on_out_of_retention="skip"` to have such runs skipped.

**Needs** the connections `kucoin_default` (a key with the permission General is enough) and `aws_default`, and the
bucket's name in the environment variable `KUCOIN_LAKE_BUCKET`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

# A template such as "{{ var.value.kucoin_lake_bucket }}" works as well. A name that is known while the file is parsed
# also declares the asset s3://<bucket>/kucoin/ledger=spot, which other DAGs can be scheduled on.
BUCKET = os.environ.get("KUCOIN_LAKE_BUCKET", "kucoin-lake")

# [START howto_kucoin_ledger_dag]
with DAG(
    dag_id="kucoin_ledger_to_s3",
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=True,
    max_active_runs=4,  # catch-up runs share one key's request quota; more would only wait for each other
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["kucoin"],
) as dag:
    # The window is the run's data interval; the object is
    # s3://<bucket>/kucoin/ledger=spot/account=<uid>/date=<day>/<start>_<end>.parquet
    whole_ledger = KucoinLedgerToS3Operator(task_id="whole_ledger", ledger="spot", s3_bucket=BUCKET)
    # [END howto_kucoin_ledger_dag]

    # [START howto_kucoin_ledger_part]
    # Part of the ledger, for a window of one's own. It gets a key of its own, so that it never stands where the whole
    # day belongs. Runs without a data interval (manual ones without a date, asset-triggered ones) cannot fill in these
    # templates; without them the operator finds its window for every kind of run.
    stablecoins = KucoinLedgerToS3Operator(
        task_id="stablecoins",
        ledger="spot",
        s3_bucket=BUCKET,
        s3_key="kucoin/stablecoins/account={account}/date={date}/{start}_{end}.{ext}",
        window_start="{{ data_interval_start }}",
        window_end="{{ data_interval_end }}",
        currency=["USDT", "USDC"],
        file_format="jsonl",
    )
    # [END howto_kucoin_ledger_part]
