"""Two payments, one of which a rule forbids; what is said of each goes to a file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import DAG, BaseNotifier

from airflow_provider_kucoin.notifications.withdrawal import KucoinWithdrawalNotifier
from airflow_provider_kucoin.operators.withdrawal import KucoinWithdrawOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

SAID = Path(os.environ["KUCOIN_SAID"])


class Pager(BaseNotifier):
    """Writes its text down."""

    template_fields = ("text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def notify(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Write."""
        with SAID.open("a") as file:
            file.write(f"{self.text}\n")


tell = KucoinWithdrawalNotifier(notifiers=Pager("{{ kucoin_message }}"))

with DAG("told", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False):
    for name, amount in (("pay", "10.5"), ("too_much", "99999999")):
        KucoinWithdrawOperator(
            task_id=name,
            currency="USDT",
            amount=amount,
            to_address="TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8",
            chain="trx",
            on_success_callback=tell,
            on_failure_callback=tell,
        )
