"""
### Wait for a deposit, then move it to where it trades.

The sensor waits in the triggerer, where waiting costs no worker, until a deposit of the currency and of at least this
amount has arrived since the run was due. Its amount, as text, then goes from the funding account to the trading
account; retried or cleared, the transfer is still made once per run.

**Run it** with amounts of your own: `{"currency": "USDT", "at_least": "100"}`.

**Needs** the connection `kucoin_default`, whose key has the permissions General and FlexTransfers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_kucoin.operators.transfer import KucoinTransferOperator
from airflow_provider_kucoin.sensors.deposit import KucoinDepositSensor

with DAG(
    dag_id="kucoin_deposit",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    params={"currency": "USDT", "at_least": "100"},
    doc_md=__doc__,
    tags=["kucoin"],
) as dag:
    # [START howto_kucoin_deposit_sensor]
    arrived = KucoinDepositSensor(
        task_id="arrived",
        currency="{{ params.currency }}",
        min_amount="{{ params.at_least }}",
        deferrable=True,
        timeout=timedelta(hours=6).total_seconds(),
    )
    # [END howto_kucoin_deposit_sensor]

    to_trade = KucoinTransferOperator(
        task_id="to_trade",
        currency="{{ params.currency }}",
        amount="{{ ti.xcom_pull(task_ids='arrived').amount }}",
        from_account_type="MAIN",
        to_account_type="TRADE",
    )

    arrived >> to_trade
