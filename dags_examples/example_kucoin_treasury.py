"""
### From the trading account to a cold wallet, with a person's consent.

One run moves money once: it sweeps an amount from the trading account to the funding account, rehearses the withdrawal,
asks a person, withdraws, waits until KuCoin calls it settled, and checks that KuCoin's ledger tells the same story.
Every task may be retried or cleared, and every worker may die: the money still moves once per run.

| task | does | when it is run again in the same run |
| --- | --- | --- |
| `sweep` | TRADE → MAIN | finds its transfer |
| `rehearse` | every check that KuCoin's own data allows, without sending | rehearses again |
| `approve` | shows destination, address, amount, fee and net to a person, and waits | asks again |
| `withdraw` | pays exactly what was shown | finds its withdrawal |
| `settled` | waits in the triggerer, where waiting costs no worker | waits again |
| `reconcile` | compares the ledger's row with the withdrawal | compares again |

**Consent.** Airflow 3.1 and later ask under *Required Actions*; *Reject*, or no answer within `response_timeout`, skips
all that follows, and nothing is withdrawn. Older versions have no such operator: there `approve` writes the question to
its log and waits to be marked as succeeded (consent) or failed (refusal) by hand; Airflow's audit log keeps who it was.

**Needs** the connection `kucoin_default`, whose key has the permissions General, FlexTransfers and Withdrawal and whose
extra allows it:

    {"passphrase": "...", "withdrawals_enabled": true,
     "withdraw_destinations": {"cold-wallet": {"currency": "USDT", "chain": "trx", "address": "T..."}},
     "withdraw_limits": {"USDT": {"per_withdrawal": "5000", "per_day": "20000"}}}

**Run it** with amounts of your own: `{"sweep": "300", "amount": "250"}`. Amounts are text, since JSON's numbers are not
exact.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DAG, AirflowException, AirflowFailException, task

from airflow_provider_kucoin.operators.transfer import KucoinTransferOperator
from airflow_provider_kucoin.operators.withdrawal import KucoinWithdrawOperator
from airflow_provider_kucoin.sensors.withdrawal import KucoinWithdrawalSensor

try:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
except (ImportError, AirflowException):  # Airflow before 3.1, or the standard provider is not installed
    ApprovalOperator = None  # type: ignore[assignment,misc]

if TYPE_CHECKING:
    from collections.abc import Mapping

# [START howto_kucoin_treasury_question]
QUESTION = """
{%- set plan = ti.xcom_pull(task_ids='rehearse') -%}
| | |
| --- | --- |
| destination | {{ params.destination }} |
| address | `{{ plan.address }}` |
| chain | {{ plan.chain }} |
| memo | {{ plan.memo or 'none' }} |
| amount | {{ plan.amount }} {{ plan.currency }} |
| fee | {{ plan.fee }} {{ plan.currency }} |
| **arrives** | **{{ plan.net }} {{ plan.currency }}** |
| leaves the account | {{ plan.debit }} {{ plan.currency }} |
"""
# [END howto_kucoin_treasury_question]


def consent() -> Any:
    """Return the task that asks a person."""
    patience = timedelta(hours=4)
    # [START howto_kucoin_treasury_approve]
    if ApprovalOperator is not None:
        return ApprovalOperator(
            task_id="approve",
            subject="Withdraw {{ params.amount }} {{ params.currency }} to {{ params.destination }}?",
            body=QUESTION,
            response_timeout=patience,
            defaults="Reject",  # silence is no consent
        )
    # [END howto_kucoin_treasury_approve]

    @task.sensor(task_id="approve", mode="reschedule", poke_interval=60, timeout=patience.total_seconds())
    def approve(question: str) -> bool:
        print(  # noqa: T201 - goes to the task's log, where the person reads it
            "This Airflow has no human-in-the-loop operators (3.1 and later, apache-airflow-providers-standard).\n"
            f"{question}\nMark this task as succeeded to consent, or as failed to refuse."
        )
        return False

    return approve(QUESTION)


# [START howto_kucoin_treasury_reconcile]
@task(retries=5, retry_delay=timedelta(minutes=2))
def reconcile(settled: Mapping[str, Any], kucoin_conn_id: str = "kucoin_default") -> dict[str, str]:
    """
    Compare the spot ledger's row of the withdrawal with the withdrawal.

    The row names the withdrawal in its context, and its amount has the fee in it. A row that is not there yet is looked
    for again by Airflow's retries, because rows may appear late; one that tells another story fails at once.
    """
    from decimal import Decimal

    from airflow_provider_kucoin.hooks.kucoin import KucoinHook

    hook = KucoinHook(kucoin_conn_id)
    withdrawal_id = settled["withdrawal_id"]
    withdrawal = hook.get_withdrawal(withdrawal_id)
    # KuCoin gives the time in whole seconds, and may book the row when it accepts the withdrawal or when it is settled.
    began = int(withdrawal["createdAt"]) - 60_000
    now = hook.server_time_ms() - 1_000  # two clocks differ by a little, and no ledger is read into the future
    rows = [
        row
        for row in hook.iter_ledger("spot", began, now, currency=withdrawal["currency"], direction="out")
        if row["order_id"] == withdrawal_id and row["biz_type"].lower().startswith("withdraw")
    ]
    if not rows:
        raise AirflowException(f"the ledger does not show withdrawal {withdrawal_id} (yet)")
    debited = sum((row["amount"] for row in rows), Decimal(0))
    expected = Decimal(withdrawal["amount"]) + Decimal(withdrawal["fee"])
    if len(rows) > 1 or debited != expected:
        raise AirflowFailException(
            f"withdrawal {withdrawal_id} should have taken {expected:f} {withdrawal['currency']}, fee included; the "
            f"ledger has {debited:f} in {len(rows)} rows: {', '.join(row['id'] for row in rows)}"
        )
    return {
        "withdrawal_id": withdrawal_id,
        "ledger_row": rows[0]["id"],
        "debited": f"{debited:f}",
        "booked_at": rows[0]["created_at"].isoformat(),
    }


# [END howto_kucoin_treasury_reconcile]


# [START howto_kucoin_treasury_dag]
with DAG(
    dag_id="kucoin_treasury",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    params={"currency": "USDT", "sweep": "300", "amount": "250", "destination": "cold-wallet"},
    doc_md=__doc__,
    tags=["kucoin"],
) as dag:
    # [END howto_kucoin_treasury_dag]
    # [START howto_kucoin_transfer]
    sweep = KucoinTransferOperator(
        task_id="sweep",
        currency="{{ params.currency }}",
        amount="{{ params.sweep }}",
        from_account_type="TRADE",
        to_account_type="MAIN",
    )
    # [END howto_kucoin_transfer]

    # [START howto_kucoin_rehearse]
    # Nothing is sent: the result is the exact order, its fee, what arrives, and every rule's verdict.
    rehearse = KucoinWithdrawOperator(
        task_id="rehearse",
        currency="{{ params.currency }}",
        amount="{{ params.amount }}",
        destination="{{ params.destination }}",  # an alias of the connection's address book, which pins the chain
        dry_run=True,
    )
    # [END howto_kucoin_rehearse]

    approve = consent()

    # [START howto_kucoin_withdraw]
    # Not the parameters once more, but what the person saw: should the address book change in between, this fails.
    withdraw = KucoinWithdrawOperator(
        task_id="withdraw",
        currency="{{ ti.xcom_pull(task_ids='rehearse').currency }}",
        amount="{{ ti.xcom_pull(task_ids='rehearse').amount }}",
        to_address="{{ ti.xcom_pull(task_ids='rehearse').address }}",
        chain="{{ ti.xcom_pull(task_ids='rehearse').chain or '' }}",
        memo="{{ ti.xcom_pull(task_ids='rehearse').memo or '' }}",
    )
    # [END howto_kucoin_withdraw]

    # [START howto_kucoin_withdrawal_sensor]
    settled = KucoinWithdrawalSensor(
        task_id="settled",
        withdrawal_id="{{ ti.xcom_pull(task_ids='withdraw').withdrawal_id }}",
        deferrable=True,
        poke_interval=30,
        timeout=timedelta(hours=12).total_seconds(),
    )
    # [END howto_kucoin_withdrawal_sensor]

    # [START howto_kucoin_treasury_order]
    sweep >> rehearse >> approve >> withdraw >> settled >> reconcile(settled.output)  # type: ignore[arg-type]
    # [END howto_kucoin_treasury_order]
