"""
### Every ledger of every account in a data lake, and the proof that it is complete.

One mapped task for each ledger of each connection. No endpoint of KuCoin's gives a sub-account's ledger to the master
key, so every sub-account needs a key, and a connection, of its own: name them in `KUCOIN_CONNECTIONS`, with commas
between. Objects and rows carry the account's uid.

**One pool for all.** The tasks share the pool `kucoin`, whose slots say how many read at the same time:
`airflow pools set kucoin 4 "reads from KuCoin"`. Each connection has a quota of its own, so more accounts can use more
slots.

**Late rows.** `lookback` reads the day before once more and writes it again only if rows came late, or were settled
since: the futures ledger's running profits and losses are held back until they are.

**Retention.** KuCoin keeps the high-frequency ledgers for 72 hours: a day's window and a day's look back fit with a day
to spare. A DAG that was paused for longer has lost rows; its runs for those days fail rather than write short days.

**The proof** follows every balance from row to row and compares the last with the live one. It fails, and names the
first break, when an object is missing, or a row is missing, doubled or altered.

**Needs** the connections (keys with the permissions General and Futures), `aws_default`, the pool, and the bucket's
name in `KUCOIN_LAKE_BUCKET`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_kucoin.operators.ledger_check import KucoinLedgerCheckOperator
from airflow_provider_kucoin.transfers.balances_to_s3 import KucoinBalancesToS3Operator
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

BUCKET = os.environ.get("KUCOIN_LAKE_BUCKET", "kucoin-lake")
CONNECTIONS = os.environ.get("KUCOIN_CONNECTIONS", "kucoin_default").split(",")
# A unified account has the ledger "unified" instead of these.
LEDGERS = os.environ.get("KUCOIN_LEDGERS", "spot,trade_hf,margin_hf,futures").split(",")

# [START howto_kucoin_all_ledgers]
with DAG(
    dag_id="kucoin_all_ledgers",
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # what is older than 72 hours is gone for two of these ledgers
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5), "pool": "kucoin"},
    doc_md=__doc__,
    tags=["kucoin"],
) as dag:
    each = [{"kucoin_conn_id": name, "ledger": ledger} for name in CONNECTIONS for ledger in LEDGERS]
    copies = KucoinLedgerToS3Operator.partial(
        task_id="ledger",
        s3_bucket=BUCKET,
        lookback=timedelta(days=1),
        map_index_template="{{ task.kucoin_conn_id }} {{ task.ledger }}",
    ).expand_kwargs(each)
    # [END howto_kucoin_all_ledgers]

    # [START howto_kucoin_ledger_check]
    proofs = KucoinLedgerCheckOperator.partial(
        task_id="proof",
        s3_bucket=BUCKET,
        map_index_template="{{ task.kucoin_conn_id }} {{ task.ledger }}",
    ).expand_kwargs(each)

    copies >> proofs
    # [END howto_kucoin_ledger_check]

    # [START howto_kucoin_balances]
    balances = KucoinBalancesToS3Operator.partial(
        task_id="balances",
        s3_bucket=BUCKET,
        map_index_template="{{ task.kucoin_conn_id }}",
    ).expand(kucoin_conn_id=CONNECTIONS)
    # [END howto_kucoin_balances]
