"""
### A year of the spot ledger, through Airflow's own backfill.

Unpause the DAG, then ask for the days that are wanted; each becomes a run with its own window:

```bash
airflow backfill create --dag-id kucoin_backfill --from-date 2026-01-01 --to-date 2026-11-20 --max-active-runs 4
```

On Airflow 2: `airflow dags backfill kucoin_backfill --start-date 2026-01-01 --end-date 2026-11-20`.

Both dates are included: these are the windows from 1 January to the end of 20 November.

What it will take, and what of it KuCoin no longer has, tells `kucoin-plan spot --start 2026-01-01 --end 2026-11-21`: a
year of 2,000 rows a day is 1,825 calls. Besides, every task asks once whose key it is, which weighs as much as ten of
them: a year of these three tasks takes 18 minutes of the quota that an account without VIP level has, with five
currencies.

KuCoin keeps the spot ledger for one year. Days that are older are skipped here, and no object is written for them. Runs
of one key share its request quota; they see each other's use, so more runs at a time only wait for each other.

**Currencies.** Recent pages of KuCoin's documentation want a currency for deposits and withdrawals, older ones do not:
name all that the account has in `KUCOIN_CURRENCIES`, with commas between, or leave it empty to ask for all at once.

**Needs** the connections `kucoin_default` and `aws_default`, and the bucket's name in `KUCOIN_LAKE_BUCKET`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_kucoin.transfers.history_to_s3 import KucoinHistoryToS3Operator
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

BUCKET = os.environ.get("KUCOIN_LAKE_BUCKET", "kucoin-lake")
CURRENCIES = [code for code in os.environ.get("KUCOIN_CURRENCIES", "USDT,USDC,BTC,ETH,KCS").split(",") if code]

# [START howto_kucoin_backfill]
with DAG(
    dag_id="kucoin_backfill",
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,  # the backfill says which days are wanted
    max_active_runs=4,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
    tags=["kucoin"],
) as dag:
    spot = KucoinLedgerToS3Operator(
        task_id="spot",
        ledger="spot",
        s3_bucket=BUCKET,
        on_out_of_retention="skip",
    )
    # [END howto_kucoin_backfill]

    # [START howto_kucoin_history]
    deposits = KucoinHistoryToS3Operator(
        task_id="deposits",
        dataset="deposits",
        currency=CURRENCIES,
        s3_bucket=BUCKET,
    )
    withdrawals = KucoinHistoryToS3Operator(
        task_id="withdrawals",
        dataset="withdrawals",
        currency=CURRENCIES,
        s3_bucket=BUCKET,
    )
    # [END howto_kucoin_history]
