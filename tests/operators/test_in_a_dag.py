"""Operators and sensors as parts of a DAG: parsed, serialised, mapped; and nothing secret in any of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_kucoin.operators.transfer import KucoinTransferOperator
from airflow_provider_kucoin.operators.withdrawal import KucoinCancelWithdrawalOperator, KucoinWithdrawOperator
from airflow_provider_kucoin.sensors.deposit import KucoinDepositSensor
from airflow_provider_kucoin.sensors.withdrawal import KucoinWithdrawalSensor

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"


@pytest.fixture
def dag() -> DAG:
    """One of each."""
    with DAG("treasury", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None) as dag:
        sweep = KucoinTransferOperator(
            task_id="sweep", currency="USDT", amount="10", from_account_type="TRADE", to_account_type="MAIN"
        )
        pay = KucoinWithdrawOperator(
            task_id="pay", currency="USDT", amount="{{ params.amount }}", to_address=ADDRESS, chain="trx"
        )
        wait = KucoinWithdrawalSensor(task_id="wait", withdrawal_id="{{ ti.xcom_pull('pay')['withdrawal_id'] }}")
        KucoinCancelWithdrawalOperator(task_id="cancel", withdrawal_id="1")
        KucoinDepositSensor(task_id="deposit", currency="USDT")
        payouts = KucoinWithdrawOperator.partial(task_id="payouts", chain="trx", currency="USDT").expand_kwargs(
            [{"amount": "1", "to_address": ADDRESS}, {"amount": "1", "to_address": ADDRESS}]
        )
        KucoinWithdrawalSensor.partial(task_id="waits").expand(withdrawal_id=payouts.output)
        sweep >> pay >> wait
    return dag


def test_they_serialise_with_what_was_asked_for(dag: DAG) -> None:
    serialised = _serialised(dag)
    for part in (ADDRESS, "params.amount", "kucoin_default", '"payouts"'):
        assert part in serialised


def test_they_serialise_before_and_after_they_were_used_alike(dag: DAG, payment: Callable[..., Any]) -> None:
    """The hook that a used operator holds stays where it is."""
    before = _serialised(dag)
    assert dag.get_task("pay").hook
    assert _serialised(dag) == before
    assert payment().run()


@pytest.mark.parametrize(
    "operator",
    [KucoinWithdrawOperator, KucoinTransferOperator, KucoinCancelWithdrawalOperator, KucoinWithdrawalSensor,
     KucoinDepositSensor],
)  # fmt: skip
def test_template_fields_are_parameters_of_the_constructor(operator: Any) -> None:
    import inspect

    assert set(operator.template_fields) <= set(inspect.signature(operator.__init__).parameters)


def _serialised(dag: DAG) -> str:
    try:
        from airflow.serialization.serialized_objects import DagSerialization as Serialisation
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as Serialisation
    return json.dumps(Serialisation.to_dict(dag), sort_keys=True)
