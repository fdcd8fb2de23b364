"""Withdrawals and deposits that are on their way, and contexts to wait for them in."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange


@pytest.fixture
def sent(exchange: Exchange, connection: dict[str, Any]) -> Any:  # noqa: ARG001 - it is there
    """A withdrawal in PROCESSING."""
    return exchange.add_withdrawal(
        currency="USDT", amount="10.5", address="T" + "2" * 33, chain="trx", fee="1", status="PROCESSING", remark="afx"
    )


@pytest.fixture
def context(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The context of a run that was due at the exchange's present time, first poked at a given moment."""

    def context(first_poke: datetime | None = None) -> Any:
        due = datetime.fromtimestamp(exchange.now_ms() / 1000, UTC)
        ti = SimpleNamespace(
            dag_id="dag",
            task_id="wait",
            run_id="run",
            map_index=-1,
            try_number=1,
            max_tries=0,
            get_first_reschedule_date=lambda _: first_poke,
        )
        if version("apache-airflow").startswith("2."):
            # It does not ask the task instance for that, but the database.
            monkeypatch.setattr("airflow.sensors.base._orig_start_date", lambda **_: first_poke)
        return {"ti": ti, "dag_run": SimpleNamespace(run_after=due)}

    return context
