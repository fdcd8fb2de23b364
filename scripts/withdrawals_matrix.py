"""
What becomes of a withdrawal, whatever goes wrong.

Every fault at every request, under every reading of the documentation; then Airflow's retries; then a person who clears
the task.

    python scripts/withdrawals_matrix.py            print the tables; fail if a cell breaks the rule
    python scripts/withdrawals_matrix.py --write    and keep them in docs/guarantees.md
    python scripts/withdrawals_matrix.py --check    and fail if docs/guarantees.md holds others

The rule: one withdrawal on the exchange at the most, and no success of which the exchange knows nothing. The exchange
is the sandbox, behind a socket; its clock is moved instead of waited for.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from page_parts import Part

from airflow_provider_kucoin.testing import Exchange, Fault, Readings, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = Part("docs/guarantees.md", "<!-- tables of make test-withdrawals -->", "<!-- end of the tables -->")

CONN_ID = "kucoin_matrix"
ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
#: How often Airflow tries, and how often once more for each time that somebody clears the task.
TRIES = 3
#: Pauses that are waited for in truth: those for a quota, whose clock is not the exchange's.
REAL_PAUSE = 0.06

V3, HISTORY = "/api/v3/withdrawals", "/api/v1/withdrawals"
#: The requests of a withdrawal, in their order: method, path, and how many such requests come before.
STEPS: dict[str, tuple[str, str | None, int]] = {
    "time": ("GET", "/api/v1/timestamp", 0),
    "currency": ("GET", "/api/v3/currencies/USDT", 0),
    "history": ("GET", HISTORY, 0),
    "quotas": ("GET", f"{HISTORY}/quotas", 0),
    "POST": ("POST", V3, 0),
    # Its path has the withdrawal's id, so it is told by what has come before.
    "look": ("GET", None, -1),
}
#: These strike lists only.
OF_LISTS = {Fault.SHORT_PAGE, Fault.EMPTY_PAGE}
FAULTS = [fault for fault in Fault if fault is not Fault.LATE_ROW]
#: Faults whose answer hides a success if told so.
MAY_ACT = [
    Fault.SERVER_ERROR,
    Fault.BAD_GATEWAY,
    Fault.UNAVAILABLE,
    Fault.HTML_BODY,
    Fault.REDIRECT,
]

READINGS: dict[str, dict[str, Any]] = {
    "as documented": {},
    "history 45 s late": {"history_lag_ms": 45_000},
    "late and null by id": {"history_lag_ms": 45_000, "unknown_withdrawal": "null"},
    "times to the ms": {"created_at_floored_to_seconds": False},
    "remark dropped": {"remark": "dropped"},
    "remark null": {"remark": "null"},
    "remark cut to 10": {"remark": 10},
    "remark cut to 5": {"remark": 5},
    "rows without id": {"list_rows_have_id": False},
    "list without currency": {"list_requires_currency": False},
    "late and dropped and without id": {"history_lag_ms": 45_000, "remark": "dropped", "list_rows_have_id": False},
}


@dataclass(frozen=True)
class Case:
    """
    One thing that goes wrong.

    :param lasts: through the whole first try, or only once
    :param has_store: whether this Airflow has a task state store
    :param lost: whether the request that pays loses its answer as well, acted on or not; the fault strikes after that
    """

    step: str
    fault: Fault
    acts: bool | None = None
    lasts: bool = False
    has_store: bool = True
    reading: str = "as documented"
    lost: bool | None = None

    @property
    def name(self) -> str:
        """Return the case in words."""
        parts = [
            self.step,
            self.fault_name,
            "lasting" if self.lasts else "once",
            "with a store" if self.has_store else "no store",
            self.reading,
        ]
        if self.lost is not None:
            parts.append(f"answer lost, {'acted' if self.lost else 'not acted'}")
        return ", ".join(parts)

    @property
    def fault_name(self) -> str:
        """Return the fault, and whether it hides a success."""
        return self.fault.name + (" (acted)" if self.acts else "")


@dataclass
class Found:
    """What came of a case: how each try ended, in words; withdrawals on the exchange; what breaks the rule."""

    first: str = ""
    retried: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    sent: int = 0
    struck: int = 0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return it as the tables have it."""
        tries = " → ".join([self.first, *self.retried])
        after = f" ⟲ {' → '.join(self.cleared)}" if self.cleared else ""
        return f"{self.sent}: {tries}{after}" if self.struck else "-"


class Store(dict[str, Any]):
    """A task state store."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Keep a value, as JSON does."""
        del retention
        self[key] = json.loads(json.dumps(value))


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for has_store in (True, False):
        yield from (Case(*each, has_store=has_store) for each in _of_reads())
        yield from (
            Case("POST", fault, acts, has_store=has_store, reading=reading)
            for reading in READINGS
            for fault in FAULTS
            if fault not in OF_LISTS
            for acts in ((None, True) if fault in MAY_ACT else (None,))
        )
        yield from (
            Case(step, fault, lasts=True, has_store=has_store, lost=acted)
            for step, fault, _, lasts in _of_reads()
            if lasts and step in ("time", "history")
            for acted in (True, False)
        )


def _of_reads() -> Iterator[tuple[str, Fault, None, bool]]:
    """Yield what can happen to a request that only asks."""
    for step in STEPS:
        for fault in FAULTS:
            if step != "POST" and (fault not in OF_LISTS or step == "history") and fault is not Fault.DELAYED_ACT:
                yield step, fault, None, False
                yield step, fault, None, True


class Bench:
    """A running sandbox, and Airflow's part around the operator."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._gets_before: dict[tuple[bool, str], int] = {}
        self._run_after = datetime.now(UTC)

    def play(self, case: Case) -> Found:
        """Play a case to its end."""
        exchange = self._new_exchange(case.reading)
        self._inject(exchange, case)
        store = Store() if case.has_store else None
        found = Found()
        number = 1
        found.first = self._try(exchange, store, number, found)
        exchange.faults.clear()
        number, found.retried = self._retries(exchange, store, number, found.first, found)
        for ended in [(found.retried or [found.first])[-1], "again"]:
            # A person clears it: because it stopped, and once more for no reason at all.
            before = exchange.withdrawals
            number += 1
            outcomes = [self._try(exchange, store, number, found)]
            number, more = self._retries(exchange, store, number, outcomes[0], found)
            if ended == "stopped":
                found.cleared = outcomes + more
            if before and len(exchange.withdrawals) > len(before):
                found.broken.append("paid again after it was cleared")
        exchange.clock_offset_ms += 3_600_000
        found.sent = len(exchange.withdrawals)
        if found.sent > 1:
            found.broken.append(f"{found.sent} withdrawals")
        found.struck = sum(record.fault == case.fault.name for record in exchange.requests)
        return found

    def _retries(
        self, exchange: Exchange, store: Store | None, number: int, last: str, found: Found
    ) -> tuple[int, list[str]]:
        """Retry as Airflow does: after any error but one that says that retries are of no use."""
        outcomes: list[str] = []
        while last == "error" and len(outcomes) < TRIES - 1:
            number += 1
            last = self._try(exchange, store, number, found)
            outcomes.append(last)
        return number, outcomes

    def _try(self, exchange: Exchange, store: Store | None, number: int, found: Found) -> str:
        """Run the task once, and say how it ended."""
        from airflow.providers.common.compat.sdk import AirflowFailException

        before = len(exchange.withdrawals)
        try:
            result = self._run(exchange, store, number)
        except AirflowFailException:
            return "stopped"
        except Exception:  # noqa: BLE001 - Airflow retries any other
            return "error"
        known = {withdrawal.id for withdrawal in exchange.withdrawals}
        if not known or result["withdrawal_id"] not in {*known, None}:
            found.broken.append(f"a success that the exchange does not know: {result['withdrawal_id']}")
        return "paid" if len(known) > before else "found"

    def _run(self, exchange: Exchange, store: Store | None, number: int) -> dict[str, Any]:
        from airflow_provider_kucoin.hooks.kucoin import KucoinHook
        from airflow_provider_kucoin.operators.withdrawal import KucoinWithdrawOperator

        def sleep(seconds: float) -> None:
            if seconds <= REAL_PAUSE:
                time.sleep(seconds)
            else:
                exchange.clock_offset_ms += int(seconds * 1000) + 1

        operator = KucoinWithdrawOperator(
            task_id="pay", currency="USDT", amount="10.5", to_address=ADDRESS, chain="trx", kucoin_conn_id=CONN_ID
        )
        operator.hook = KucoinHook(CONN_ID, sleep=sleep)
        context: dict[str, Any] = {
            "ti": SimpleNamespace(dag_id="dag", task_id="pay", run_id="run", map_index=-1, try_number=number),
            "dag_run": SimpleNamespace(run_after=self._run_after),
        }
        if store is not None:
            context["task_state_store"] = store
        return operator.execute(context)  # type: ignore[arg-type]

    def _new_exchange(self, reading: str) -> Exchange:
        exchange = Exchange(readings=Readings(**READINGS[reading]))
        exchange.allow_withdrawals()
        exchange.balances.set("USDT", "main", "1000")
        exchange.set_quota("Management", 10**9)
        self._run_after = datetime.now(UTC)
        self.server.exchange = exchange
        return exchange

    def _inject(self, exchange: Exchange, case: Case) -> None:
        method, path, after = STEPS[case.step]
        if case.lost is not None:
            lost = Fault.RESET_AFTER if case.lost else Fault.RESET_BEFORE
            exchange.faults.inject(lost, path=V3, method="POST")
            after = self._gets(case, exchange, path)
        elif after < 0:
            after = self._gets(case, exchange, None)
        exchange.faults.inject(
            case.fault, path=path, method=method, after=after, acts=case.acts, times=None if case.lasts else 1
        )

    def _gets(self, case: Case, exchange: Exchange, path: str | None) -> int:
        """Return how many GETs of a path go before the request that pays is answered, when all goes well."""
        key = (case.has_store, path or "")
        if key not in self._gets_before:
            clean = self._new_exchange("as documented")
            self._run(clean, Store() if case.has_store else None, 1)
            paths = [record.path for record in clean.requests if record.method == "GET" or record.path == V3]
            paths = paths[: paths.index(V3)]
            self._gets_before[key] = len([one for one in paths if path in (None, one)])
            self.server.exchange = exchange
        return self._gets_before[key]


@contextmanager
def bench() -> Iterator[Bench]:
    """Start the sandbox, and make a connection to it."""
    with Server(Exchange()) as server:
        name = f"AIRFLOW_CONN_{CONN_ID.upper()}"
        os.environ[name] = json.dumps(server.connection(withdrawals_enabled=True, timeout=5))
        try:
            yield Bench(server)
        finally:
            del os.environ[name]


# ------------------------------------------------------------------------------------------------------------- tables


def tables(results: dict[Case, Found]) -> str:
    """Return the tables in Markdown."""
    parts = [
        "### Any request but the one that pays\n\n" + _of_steps(results),
        "### The request that pays\n\n" + _of_readings(results),
        "### Looking for what became of it\n\n" + _of_lost(results),
        "### In all\n\n" + _totals(results),
    ]
    return "\n\n".join(parts)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _merged(found: list[Found]) -> str:
    """Return the outcomes with and without a store; one where they are the same."""
    texts = dict.fromkeys(map(str, found))
    return " / ".join(texts)


def _grouped(rows: dict[str, list[str]]) -> list[list[str]]:
    """Return rows by name, those that are the same in one."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, cells in rows.items():
        groups.setdefault(tuple(cells), []).append(name)
    return [[", ".join(names), *cells] for cells, names in groups.items()]


def _of_steps(results: dict[Case, Found]) -> str:
    steps = [step for step in STEPS if step != "POST"]
    rows: list[list[str]] = []
    for lasts in (False, True):
        cells = {
            fault.name: [
                _merged(
                    [
                        found
                        for case, found in results.items()
                        if (case.step, case.fault, case.lasts, case.lost) == (step, fault, lasts, None)
                    ]
                )
                or "-"
                for step in steps
            ]
            for fault in FAULTS
            if fault is not Fault.DELAYED_ACT
        }
        rows += [[faults, "the whole try" if lasts else "once", *rest] for faults, *rest in _grouped(cells)]
    return _table(["fault", "struck", *steps], rows)


def _of_readings(results: dict[Case, Found]) -> str:
    faults = dict.fromkeys((case.fault_name, case.fault, case.acts) for case in results if case.step == "POST")
    cells = {
        name: [
            _merged(
                [
                    found
                    for case, found in results.items()
                    if (case.step, case.fault, case.acts, case.reading) == ("POST", fault, acts, reading)
                ]
            )
            for reading in READINGS
        ]
        for name, fault, acts in faults
    }
    rows = []
    for names, *outcomes in _grouped(cells):
        readings = _grouped({reading: [outcome] for reading, outcome in zip(READINGS, outcomes, strict=True)})
        alike = [["any", readings[0][1]]] if len(readings) == 1 else readings
        rows += [[names, *each] for each in alike]
    return _table(["fault", "reading", "outcome"], rows)


def _of_lost(results: dict[Case, Found]) -> str:
    cells: dict[tuple[str, bool, str], list[str]] = {}
    for step in ("time", "history"):
        for lost in (True, False):
            for fault in FAULTS:
                found = [
                    one
                    for case, one in results.items()
                    if (case.step, case.fault, case.lost) == (step, fault, lost) and case.lost is not None
                ]
                if found:
                    cells.setdefault((step, lost, _merged(found)), []).append(fault.name)
    rows = [
        [f"{step}, after {'a' if lost else 'no'} withdrawal", ", ".join(faults), cell]
        for (step, lost, cell), faults in cells.items()
    ]
    return _table(["request", "fault, the rest of the try", "outcome"], rows)


def _totals(results: dict[Case, Found]) -> str:
    ends = Counter((found.retried or [found.first])[-1] for found in results.values())
    words = ", ".join(f"{ends[word]} {word}" for word in ("paid", "found", "stopped", "error") if ends[word])
    sent = Counter(found.sent for found in results.values())
    counts = ", ".join(f"{count} withdrawals in {sent[count]} cases" for count in sorted(sent))
    broken = sum(bool(found.broken) for found in results.values())
    return (
        f"{len(results)} cases; without anybody's help they end: {words}. On the exchange at the end, after clearing "
        f"the task twice: {counts}. The rule is broken in {broken}."
    ).replace("1 withdrawals", "1 withdrawal")


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep the tables in docs/guarantees.md")
    parser.add_argument("--check", action="store_true", help="fail if docs/guarantees.md holds others")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        began = time.monotonic()
        with bench() as sandbox:
            import airflow  # noqa: F401 - it sets up logging when it is imported

            logging.disable(logging.CRITICAL)
            results = {case: sandbox.play(case) for case in cases()}
    text = tables(results)
    print(text)
    print(f"\n{time.monotonic() - began:.0f} s")
    broken = {case.name: found.broken for case, found in results.items() if found.broken}
    for name, why in broken.items():
        print(f"BROKEN: {name}: {'; '.join(why)}", file=sys.stderr)
    if arguments.write:
        PART.write(text)
    is_stale = arguments.check and PART.read() != text
    if is_stale:
        print(f"{PART.page} holds other tables: run with --write", file=sys.stderr)
    return 1 if broken or is_stale else 0


if __name__ == "__main__":
    sys.exit(main())
