"""Tasks that move money, tried and cleared as Airflow does it, on an exchange whose clock is moved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.api.calls import Retry
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.operators.transfer import KucoinTransferOperator
from airflow_provider_kucoin.operators.withdrawal import KucoinWithdrawOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server
    from airflow_provider_kucoin.testing.request_log import RequestRecord

ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"

try:
    from airflow.sdk import NEVER_EXPIRE  # noqa: F401 - since 3.3, as task state stores are
except ImportError:
    HAS_STORE = False
else:
    HAS_STORE = True


def needs_store() -> None:
    """Skip the test where Airflow has no task state store, and nothing can be handed over as one."""
    if not HAS_STORE:
        pytest.skip("Airflow has task state stores since 3.3")


@pytest.fixture
def stores() -> None:
    """For tests whose second try has a journal to read."""
    needs_store()


class Store(dict[str, Any]):
    """A task state store: JSON only, and never None."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        assert value is not None
        assert retention is not None, "the default retention is 30 days, which is not for ever"
        self[key] = json.loads(json.dumps(value))


@dataclass
class Task:
    """
    A task instance: its operator is made anew for every try, its state store outlives them.

    `kept=None` is an Airflow without one (before 3.3).
    """

    operator: type
    parameters: dict[str, Any]
    sleep: Callable[[float], object]
    kept: Store | None
    exchange: Exchange
    run_id: str = "run"
    map_index: int = -1
    try_number: int = 0
    due_ms: int = 0

    def __post_init__(self) -> None:
        self.due_ms = self.exchange.now_ms()

    @property
    def store(self) -> Store:
        """The task's state store, for tests that look into it or break it."""
        needs_store()
        assert self.kept is not None
        return self.kept

    def make(self, **changes: Any) -> Any:
        made = self.operator(task_id="pay", **{**self.parameters, **changes})
        made.hook = KucoinHook(retry=Retry(attempts=3, first_pause=0.001), sleep=self.sleep)
        return made

    def context(self) -> dict[str, Any]:
        ti = SimpleNamespace(
            dag_id="dag", task_id="pay", run_id=self.run_id, map_index=self.map_index, try_number=self.try_number
        )
        # By this machine's clock, which does not move with the exchange's.
        run_after = datetime.now(UTC) - timedelta(milliseconds=self.exchange.now_ms() - self.due_ms)
        found = {"ti": ti, "dag_run": SimpleNamespace(run_after=run_after)}
        return found if self.kept is None else {**found, "task_state_store": self.kept}

    def run(self, **changes: Any) -> dict[str, Any]:
        """One more try."""
        self.try_number += 1
        result: dict[str, Any] = self.make(**changes).execute(self.context())
        assert result == json.loads(json.dumps(result)), "XCom takes JSON types only"
        return result


@pytest.fixture
def rich(exchange: Exchange) -> Exchange:
    """The exchange, with 1000 USDT and a key that may move them."""
    exchange.allow_withdrawals()
    exchange.balances.set("USDT", "main", "1000")
    return exchange


@pytest.fixture
def allow(rich: Exchange, server: Server, connect: Callable[..., Any]) -> Callable[..., None]:
    """Make `kucoin_default` a connection that may withdraw, with these extra fields."""
    assert rich is server.exchange

    def allow(**extra: Any) -> None:
        connect(server.connection(**{"withdrawals_enabled": True, "timeout": 5, **extra}))

    return allow


@pytest.fixture
def sleep(rich: Exchange) -> Callable[[float], None]:
    """Move the exchange's clock."""

    def sleep(seconds: float) -> None:
        rich.clock_offset_ms += int(seconds * 1000) + 1

    return sleep


@pytest.fixture(params=["store", "no store"])
def either_store(request: pytest.FixtureRequest) -> Callable[[], Store | None]:
    """Airflow with and without a task state store."""
    if request.param == "store":
        needs_store()
        return Store
    return lambda: None


@pytest.fixture
def payment(allow: Callable[..., None], sleep: Callable[[float], None], rich: Exchange) -> Callable[..., Task]:
    """A task that pays 10.5 USDT over TRON, or as told; with a store where Airflow has them, unless told otherwise."""
    allow()

    def payment(
        store: Store | str | None = "new", *, run_id: str = "run", map_index: int = -1, **parameters: Any
    ) -> Task:
        given = {"currency": "USDT", "amount": "10.5", "to_address": ADDRESS, "chain": "trx", **parameters}
        given = {name: value for name, value in given.items() if value is not ...}
        kept = store if not isinstance(store, str) else Store() if HAS_STORE else None
        return Task(KucoinWithdrawOperator, given, sleep, kept, rich, run_id, map_index)

    return payment


@pytest.fixture
def moving(allow: Callable[..., None], sleep: Callable[[float], None], rich: Exchange) -> Callable[..., Task]:
    """A task that moves 10.5 USDT from TRADE to MAIN, or as told."""
    allow()

    def moving(store: Store | str | None = "new", *, run_id: str = "run", map_index: int = -1, **given: Any) -> Task:
        fields = {"currency": "USDT", "amount": "10.5", "from_account_type": "TRADE", "to_account_type": "MAIN"}
        kept = store if not isinstance(store, str) else Store() if HAS_STORE else None
        return Task(KucoinTransferOperator, {**fields, **given}, sleep, kept, rich, run_id, map_index)

    return moving


@pytest.fixture
def posts(rich: Exchange) -> Callable[[], list[RequestRecord]]:
    """The requests that may have moved money, as the exchange saw them."""
    return lambda: [record for record in rich.requests if record.method == "POST"]
