"""
### Many payouts in one run, each paid once.

A list becomes one withdrawal and one wait per row. Rows are independent: each has its own marker in KuCoin's history,
its own journal, and its own retries, so one that is refused or unsettled does not hold up or repeat the others. Two
rows with the same amount and the same destination are two payouts, and both are paid.

**The list must stay the same within a run.** A payout is known by its run and its place in the list. Should a cleared
task find another payout in its place, it refuses, rather than paying somebody twice. Where the order may change, or an
invoice may turn up in two runs, give every row an `idempotency_key`, such as the number of the invoice: it is then paid
once whatever the run, and since another run may have just sent it, each payment first waits as long as `settle` says.

**Amounts are text.** XCom turns decimals into floats, and `0.1` would no longer be what the invoice says.

**Needs** the connection `kucoin_default`, whose key may withdraw, and whose extra has `"withdrawals_enabled": true` and
the aliases below in `withdraw_destinations`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_kucoin.operators.withdrawal import KucoinWithdrawOperator
from airflow_provider_kucoin.sensors.withdrawal import KucoinWithdrawalSensor


# [START howto_kucoin_payouts_list]
@task
def payouts() -> list[dict[str, str]]:
    """Return what is to be paid; here it could come out of a database, a sheet or an object in S3."""
    return [
        {"destination": "alice", "amount": "12.5"},
        {"destination": "bob", "amount": "40"},
        {"destination": "alice", "amount": "12.5"},
    ]


# [END howto_kucoin_payouts_list]


# [START howto_kucoin_payouts_dag]
with DAG(
    dag_id="kucoin_payouts",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
    tags=["kucoin"],
) as dag:
    paid = KucoinWithdrawOperator.partial(
        task_id="pay",
        currency="USDT",
        fee_deduct_type="EXTERNAL",  # the payee gets the whole amount
        max_active_tis_per_dagrun=1,  # one after the other: each checks the day's limit against what went before
    ).expand_kwargs(payouts())

    # One wait per payout, all of them in the triggerer, where they share their looks at KuCoin.
    KucoinWithdrawalSensor.partial(
        task_id="settled", deferrable=True, poke_interval=30, timeout=timedelta(hours=12).total_seconds()
    ).expand(withdrawal_id=paid.output.map(lambda result: result["withdrawal_id"]))
# [END howto_kucoin_payouts_dag]
