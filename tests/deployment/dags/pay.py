"""One payment, that may be tried three times; the connection says which exchange it goes to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_kucoin.operators.withdrawal import KucoinWithdrawOperator

with DAG("pay", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False, max_active_runs=20) as dag:
    KucoinWithdrawOperator(
        task_id="pay",
        kucoin_conn_id="{{ dag_run.conf['conn_id'] }}",
        destination="cold-wallet",
        amount="25",
        settle=timedelta(seconds=2),
        retries=2,
        retry_delay=timedelta(seconds=1),
    )
