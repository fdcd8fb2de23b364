"""Withdrawals and deposits that are on their way, and contexts to wait for them in."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange


class Instance(SimpleNamespace):
    """A task instance of which Airflow's own part of a sensor learns when it was first poked."""

    @property
    def max_tries(self) -> int:
        """Only Airflow 2 asks for it, before it looks for earlier pokes in its database."""
        pytest.skip("Airflow 2 reads earlier pokes from a database, which there is none of here")


@pytest.fixture
def sent(exchange: Exchange, connection: dict[str, Any]) -> Any:  # noqa: ARG001 - it is there
    """A withdrawal in PROCESSING."""
    return exchange.add_withdrawal(
        currency="USDT", amount="10.5", address="T" + "2" * 33, chain="trx", fee="1", status="PROCESSING", remark="afx"
    )


@pytest.fixture
def context(exchange: Exchange) -> Callable[..., Any]:
    """The context of a run that was due at the exchange's present time, first poked at a given moment."""

    def context(first_poke: datetime | None = None) -> Any:
        due = datetime.fromtimestamp(exchange.now_ms() / 1000, UTC)
        ti = Instance(dag_id="dag", task_id="wait", try_number=1, get_first_reschedule_date=lambda _: first_poke)
        return {"ti": ti, "dag_run": SimpleNamespace(run_after=due)}

    return context
