"""
### Stop a withdrawal that is still cancelable.

KuCoin cancels a withdrawal in status PROCESSING, and no other. When it is too late the task fails and says which status
it found.

**Run it** with the withdrawal's id, as `KucoinWithdrawOperator` returned it:
`{"withdrawal_id": "670deec84d64da0007d7c946"}`.

**Needs** the connection `kucoin_default`, whose key has the permission Withdrawal.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_kucoin.operators.withdrawal import KucoinCancelWithdrawalOperator

with DAG(
    dag_id="kucoin_cancel_withdrawal",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"withdrawal_id": ""},
    doc_md=__doc__,
    tags=["kucoin"],
) as dag:
    # [START howto_kucoin_cancel_withdrawal]
    cancel = KucoinCancelWithdrawalOperator(
        task_id="cancel",
        withdrawal_id="{{ params.withdrawal_id }}",
    )
    # [END howto_kucoin_cancel_withdrawal]
