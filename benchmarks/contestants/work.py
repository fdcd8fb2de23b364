"""
What every contestant reads, and what it reports: the same calls, sixteen at a time, rows counted and dropped.

A job comes as JSON on the command line, the report goes as JSON to the standard output. A call that fails is not made
again unless the client does so itself: its rows are lost.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DAY_MS = 86_400_000
#: As many calls at once as the provider makes.
CALLS_AT_ONCE = 16
#: Rows a page, KuCoin's most.
PAGE = {"spot": 500, "trade_hf": 200}
PATH = {"spot": "/api/v1/accounts/ledgers", "trade_hf": "/api/v1/hf/accounts/ledgers"}
#: A ledger that is paged by the last row's id is cut into so many stretches, or it would be read call by call.
STRETCHES = 48


@dataclass(frozen=True)
class Job:
    """
    What to read, and where.

    :param ledger: `spot`, by page number, or `trade_hf`, by the last row's id
    :param name: of this process, where several do the same
    :param limited: whether the quota is enforced: clients with a limiter of their own then use it
    """

    url: str
    futures_url: str
    key: str
    secret: str
    passphrase: str
    ledger: str
    start_ms: int
    end_ms: int
    limited: bool
    name: str

    @classmethod
    def given(cls) -> Job:
        """Return the one of the command line."""
        return cls(**json.loads(sys.argv[1]))

    def first_calls(self) -> deque[Call]:
        """Return the calls with which reading begins: the first page of each day, or of each stretch."""
        step = DAY_MS if self.ledger == "spot" else -(-(self.end_ms - self.start_ms) // STRETCHES)
        starts = range(self.start_ms, self.end_ms, step)
        return deque(Call(start, min(start + step, self.end_ms) - 1) for start in starts)

    def params(self, call: Call) -> dict[str, Any]:
        """Return the parameters of a call, as KuCoin names them."""
        bounds = {"startAt": call.start_at, "endAt": call.end_at}
        if self.ledger == "spot":
            return {**bounds, "currentPage": call.page, "pageSize": PAGE["spot"]}
        return {**bounds, "limit": PAGE["trade_hf"], **({"lastId": call.last_id} if call.last_id else {})}

    def after(self, call: Call, data: Any) -> tuple[int, list[Call]]:
        """Return how many rows an answer brought, and what to ask next."""
        if self.ledger == "spot":
            pages = range(2, data["totalPage"] + 1) if call.page == 1 else ()
            return len(data["items"]), [Call(call.start_at, call.end_at, page) for page in pages]
        if len(data) < PAGE["trade_hf"]:
            return len(data), []
        return len(data), [Call(call.start_at, call.end_at, last_id=str(data[-1]["id"]))]


@dataclass(frozen=True)
class Call:
    """One call: KuCoin's bounds are both inclusive."""

    start_at: int
    end_at: int
    page: int = 1
    last_id: str = ""


class Report:
    """What came of a job; made when the client stands ready and has not asked for anything yet."""

    def __init__(self) -> None:
        self.rows = 0
        self.failed: dict[str, int] = {}
        self._cpu, self._began = time.process_time(), time.perf_counter()

    def fail(self, problem: Exception) -> None:
        """Note a call that brought nothing."""
        name = type(problem).__name__
        self.failed[name] = self.failed.get(name, 0) + 1

    def print(self, **more: Any) -> None:
        """Say it, as JSON."""
        found = {
            "rows": self.rows,
            "failed": self.failed,
            "wall": time.perf_counter() - self._began,
            "cpu": time.process_time() - self._cpu,
            "peak": peak(),
            **more,
        }
        print(json.dumps(found))


def peak() -> int:
    """Return the most memory that this process has had, in KiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss: a new process begins with its parent's.
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class _Todo:
    """The calls that are still to be made. A call that is under way may bring more."""

    def __init__(self, calls: deque[Call]) -> None:
        self.calls = calls
        self.under_way = 0

    def says(self) -> bool:
        """Return whether there is a call to make, or will be none any more."""
        return bool(self.calls) or not self.under_way

    def next(self) -> Call | None:
        if not self.calls:
            return None
        self.under_way += 1
        return self.calls.popleft()

    def done(self, more: list[Call]) -> None:
        self.under_way -= 1
        self.calls.extend(more)


async def work_off(job: Job, ask: Callable[[Call], Awaitable[Any]], report: Report) -> None:
    """Make all calls of a job, a few at a time, in one event loop."""
    import asyncio

    todo, changed = _Todo(job.first_calls()), asyncio.Condition()

    async def work() -> None:
        while True:
            async with changed:
                await changed.wait_for(todo.says)
                call = todo.next()
            if call is None:
                return
            more: list[Call] = []
            try:
                rows, more = job.after(call, await ask(call))
                report.rows += rows
            except Exception as problem:  # noqa: BLE001 - the report says what there was
                report.fail(problem)
            async with changed:
                todo.done(more)
                changed.notify_all()

    await asyncio.gather(*(work() for _ in range(CALLS_AT_ONCE)))


def work_off_in_threads(job: Job, ask: Callable[[Call], Any], report: Report) -> None:
    """Make all calls of a job, a few at a time, each in a thread."""
    todo, changed = _Todo(job.first_calls()), threading.Condition()

    def work() -> None:
        while True:
            with changed:
                changed.wait_for(todo.says)
                call = todo.next()
            if call is None:
                return
            rows, more = 0, []
            try:
                rows, more = job.after(call, ask(call))
            except Exception as problem:  # noqa: BLE001 - the report says what there was
                report.fail(problem)
            with changed:
                report.rows += rows
                todo.done(more)
                changed.notify_all()

    with ThreadPoolExecutor(CALLS_AT_ONCE) as threads:
        for done in [threads.submit(work) for _ in range(CALLS_AT_ONCE)]:
            done.result()
