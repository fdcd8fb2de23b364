"""
### Any endpoint of KuCoin's: how much of a currency could be withdrawn today.

`KucoinOperator` calls an endpoint, signed and within the key's quota, and hands on the `data` of its answer. The task
after it fails when withdrawing is closed, or when less is left than will be needed, so that somebody hears of it before
the money is due.

**Needs** the connection `kucoin_default`; a key with the permission General is enough, since nothing is moved.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DAG, AirflowFailException, task

from airflow_provider_kucoin.operators.request import KucoinOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What will be needed, as text: JSON's numbers are not exact.
NEEDED = "1000"


@task
def enough(quota: Mapping[str, Any], needed: str = NEEDED) -> str:
    """Return what is left; fail when that is not enough."""
    from decimal import Decimal

    left = Decimal(quota["remainAmount"])
    if not quota["isWithdrawEnabled"]:
        raise AirflowFailException(f"KuCoin does not let {quota['currency']} out: {quota.get('reason')}")
    if left < Decimal(needed):
        raise AirflowFailException(f"only {left} {quota['currency']} may still leave today, {needed} are needed")
    return str(left)


with DAG(
    dag_id="kucoin_request",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
    tags=["kucoin"],
) as dag:
    # [START howto_kucoin_request]
    quota = KucoinOperator(
        task_id="quota",
        method="GET",
        path="/api/v1/withdrawals/quotas",
        query={"currency": "USDT", "chain": "trx"},
    )
    # [END howto_kucoin_request]

    enough(quota.output)  # type: ignore[arg-type]
