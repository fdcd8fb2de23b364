"""
A worker is killed at every step of a withdrawal, and Airflow tries again by itself: the money moves once.

All crashes happen at the same time, each in a run of its own against an exchange of its own; the tests look at what
came of them. Alone: pytest tests/deployment/test_crashes.py
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PAY = "/api/v3/withdrawals"
LOOK_UP = "/api/v1/withdrawals"


@dataclass(frozen=True)
class Crash:
    """
    When a worker is killed.

    :param hold: the request at which it is killed, as `Hold` takes it
    :param at_airflow: whether that is one to Airflow's API server, which writes into the state store
    :param supervisor: whether the process that watches over the task dies with it
    """

    hold: dict[str, Any]
    at_airflow: bool = False
    supervisor: bool = False


CRASHES = {
    "before-the-look-up": Crash({"method": "GET", "path": LOOK_UP, "lost": True}),
    "after-the-look-up": Crash({"method": "GET", "path": f"{LOOK_UP}/quotas", "acted": True}),
    "before-the-request-arrives": Crash({"method": "POST", "path": PAY, "lost": True}),
    "while-the-request-is-under-way": Crash({"method": "POST", "path": PAY}),
    "while-the-answer-is-under-way": Crash({"method": "POST", "path": PAY, "acted": True}),
    "when-the-id-is-known": Crash({"method": "GET", "path": f"{LOOK_UP}/[0-9a-f]+", "acted": True}),
    "while-the-request-is-under-way-with-its-supervisor": Crash({"method": "POST", "path": PAY}, supervisor=True),
    "while-the-answer-is-under-way-with-its-supervisor": Crash(
        {"method": "POST", "path": PAY, "acted": True}, supervisor=True
    ),
}
# Where there is a state store, a path is the stage that the journal comes to.
STORED = {
    "before-the-intent": Crash({"method": "PUT", "path": "sending", "lost": True}, at_airflow=True, supervisor=True),
    "after-the-intent": Crash({"method": "PUT", "path": "sending", "acted": True}, at_airflow=True),
    "after-the-intent-with-its-supervisor": Crash(
        {"method": "PUT", "path": "sending", "acted": True}, at_airflow=True, supervisor=True
    ),
    "before-the-id-is-saved": Crash({"method": "PUT", "path": "sent", "lost": True}, at_airflow=True, supervisor=True),
    "after-the-id-was-saved": Crash({"method": "PUT", "path": "sent", "acted": True}, at_airflow=True),
}


@dataclass(frozen=True)
class Aftermath:
    """What came of a crash."""

    happened: bool
    state: str
    tries: int
    withdrawals: list[Any]
    balance: str
    result: dict[str, Any]
    journal: Any
    why: str


class Stage:
    """Makes crashes happen, each at an exchange of its own."""

    def __init__(self, deployment: Any, crashes: dict[str, Crash], tools: Any) -> None:
        self.deployment = deployment
        self.crashes = crashes
        self.tools = tools
        # Those first that take longest: a supervisor that died is missed only after a while.
        order = sorted(crashes, key=lambda name: not crashes[name].supervisor)
        self.runs = {name: {"conn_id": f"kucoin_{number}"} for number, name in enumerate(order)}
        self.holds = {name: tools.Hold(**crashes[name].hold) for name in order}

    def play(self, trigger: Callable[[dict[str, dict[str, str]]], None]) -> dict[str, Aftermath]:
        """Begin all runs, and return what came of each."""
        for name, hold in self.holds.items():
            if self.crashes[name].at_airflow:
                self.deployment.gate.holds[name] = hold
            else:
                self._server(name).exchange.hold = hold
        trigger(self.runs)
        with ThreadPoolExecutor(len(self.runs)) as together:
            return dict(zip(self.runs, together.map(self._crash, self.runs), strict=True))

    def _server(self, name: str) -> Any:
        return self.deployment.exchanges[self.runs[name]["conn_id"]]

    def _crash(self, name: str) -> Aftermath:
        deployment, server, hold = self.deployment, self._server(name), self.holds[name]
        why = ""
        try:
            self.tools.until(f"the step of {name}", lambda: hold.reached.is_set() or deployment.run_state(name))
            if hold.reached.is_set():
                worker = deployment.worker_at(server.port)
                doomed = [worker, worker.parent()] if self.crashes[name].supervisor else [worker]
                for process in reversed(doomed):  # the supervisor first: it must not see its child die
                    process.kill()
                psutil.wait_procs(doomed, 10)
            hold.released.set()
            self.tools.until(f"the end of {name}", lambda: deployment.run_state(name))
        except TimeoutError as problem:
            why = str(problem)
        finally:
            hold.released.set()
        state, tries = deployment.task(name, "pay")
        return Aftermath(
            hold.reached.is_set(),
            state,
            tries,
            server.exchange.withdrawals,
            server.exchange.balances.get("USDT", "main").balance,
            deployment.xcom(name, "pay"),
            deployment.journal(name, "pay"),
            why if state == "success" else f"{why}\n{deployment.logs()}",
        )


@pytest.fixture(scope="module")
def after_crashes_on_3(airflow_3: Any, tools: Any) -> dict[str, Aftermath]:
    """Crash on the Airflow that the tests run under."""

    def trigger(runs: dict[str, dict[str, str]]) -> None:
        for run_id, conf in runs.items():
            airflow_3.trigger("pay", run_id, conf)

    return Stage(airflow_3, {**CRASHES, **STORED}, tools).play(trigger)


@pytest.fixture(scope="module")
def after_crashes_on_2(airflow_2: Any, tools: Any) -> dict[str, Aftermath]:
    """Crash on an Airflow without a task state store."""
    return Stage(airflow_2, CRASHES, tools).play(lambda runs: airflow_2.trigger_all("pay", runs))


def _check(aftermath: Aftermath) -> None:
    assert aftermath.happened, aftermath.why
    assert len(aftermath.withdrawals) <= 1, aftermath.why
    assert aftermath.state == "success", aftermath.why
    assert aftermath.tries > 1, aftermath.why
    [withdrawal] = aftermath.withdrawals
    assert withdrawal.amount == 25
    assert aftermath.balance == "974"  # 25, and KuCoin's fee of 1, once
    assert aftermath.result["withdrawal_id"] == withdrawal.id


@pytest.mark.parametrize("name", {**CRASHES, **STORED})
def test_a_killed_worker_pays_once(name: str, after_crashes_on_3: dict[str, Aftermath]) -> None:
    _check(after_crashes_on_3[name])
    journal = after_crashes_on_3[name].journal
    assert journal["marker"] == after_crashes_on_3[name].result["marker"]


@pytest.mark.parametrize("name", CRASHES)
def test_a_killed_worker_pays_once_without_a_task_state_store(
    name: str, after_crashes_on_2: dict[str, Aftermath]
) -> None:
    _check(after_crashes_on_2[name])
    assert after_crashes_on_2[name].journal is None
