"""
Many waits for withdrawals on one connection, with few calls.

A look at one withdrawal costs a hundredth of the quota of 30 seconds, and so does a page of the list with 500 of them.
Waits that are due at about the same time and share a currency therefore share a look at the list. Only what the list
does not show, and why a withdrawal failed, is asked for by id.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api import endpoints
from airflow_provider_kucoin.api.errors import FatalError, Incomplete, KucoinError, RequestRefused
from airflow_provider_kucoin.api.pages import as_object
from airflow_provider_kucoin.api.polling import interval
from airflow_provider_kucoin.api.withdrawals import Outcome, outcome
from airflow_provider_kucoin.client.listing import read_listing
from airflow_provider_kucoin.client.network import REAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_kucoin.api.calls import Surroundings
    from airflow_provider_kucoin.api.signing import Value
    from airflow_provider_kucoin.client.concurrent import ConcurrentClient

log = logging.getLogger(__name__)

Row = dict[str, Any]

#: Waits that are due within this part of their present interval are looked at together with one that is due. It is
#: more than the intervals differ by, see api/polling.py: who began together stays together.
TOGETHER = 0.3
#: Before a round passes this part of the shortest interval, between so many seconds: a triggerer that starts hands over
#: its waits one by one, and each new one is due at once.
BREATH, SHORTEST_BREATH, LONGEST_BREATH = 0.03, 0.05, 1.0
#: The list is asked from so long before the oldest withdrawal: KuCoin gives times in whole seconds, and clocks differ.
MARGIN_MS = 300_000
#: How far back the list is asked for withdrawals of which it is not known when they were made.
LOOK_BACK_MS = 86_400_000
#: More pages than this are not read for a look: then the rest is looked at by id.
PAGES = 4
#: How often a list is read that changes while it is read.
READS = 3
#: A withdrawal that the list has not shown so often is not looked for there any more.
MISSES = 3


@dataclass(eq=False, slots=True)
class Wait:
    """
    One wait for one withdrawal.

    :param currency: of the withdrawal, where it is known; without it the list cannot be asked
    :param created_at_ms: KuCoin's time of the withdrawal, where it is known
    :param first_interval: seconds after the first look
    :param interval: seconds after the latest look
    """

    withdrawal_id: str
    currency: str | None
    created_at_ms: int | None
    first_interval: float
    ended: asyncio.Future[Row]
    due: float
    interval: float = 0.0
    looks: int = 0
    status: str | None = None
    misses: int = 0
    notes: Callable[[str], object] = field(default=log.warning, repr=False)


class Watch:
    """
    Looks after all waits of one connection, in one event loop.

    :param client: entered already; closed by whoever opened it
    """

    def __init__(self, client: ConcurrentClient, surroundings: Surroundings = REAL) -> None:
        self._client = client
        self._surroundings = surroundings
        self._waits: set[Wait] = set()
        self._changed = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waits)

    @property
    def client(self) -> ConcurrentClient:
        """The client that all waits on the connection share, and with it what is known of the quota."""
        return self._client

    async def until_final(
        self,
        withdrawal_id: str,
        *,
        first_interval: float,
        currency: str | None = None,
        created_at_ms: int | None = None,
        notes: Callable[[str], object] = log.warning,
    ) -> Row:
        """
        Return the withdrawal once its status is final: as KuCoin lists it, or gives it by id, which says why it failed.

        Pauses that KuCoin asks for, its errors and broken lines are outlasted.

        :param notes: told in words what a person should know while it lasts, such as a status that is not listed
        :raise FatalError: when KuCoin refuses to be asked
        """
        if self._runner is None:
            self._runner = asyncio.get_running_loop().create_task(self._run())
        wait = Wait(
            withdrawal_id,
            currency,
            created_at_ms,
            first_interval,
            asyncio.get_running_loop().create_future(),
            self._surroundings.monotonic(),
            notes=notes,
        )
        self._waits.add(wait)
        self._changed.set()
        try:
            return await wait.ended
        finally:
            self._waits.discard(wait)

    async def close(self) -> None:
        """Stop looking."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            if not self._waits:
                self._changed.clear()
                await self._changed.wait()
            now = self._surroundings.monotonic()
            earliest = min(wait.due for wait in self._waits)
            if earliest > now:
                self._changed.clear()
                # A new wait is due at once, so it ends the pause.
                with suppress(TimeoutError):
                    async with asyncio.timeout(earliest - now):
                        await self._changed.wait()
                continue
            breath = BREATH * min(wait.first_interval for wait in self._waits)
            await asyncio.sleep(min(max(breath, SHORTEST_BREATH), LONGEST_BREATH))
            now = self._surroundings.monotonic()
            due = [wait for wait in self._waits if wait.due <= now + TOGETHER * wait.interval]
            try:
                await self._look(due)
            except Exception as problem:  # noqa: BLE001 - handed to those who wait; the others' waits go on
                self._end(due, problem)

    async def _look(self, due: list[Wait]) -> None:
        """Look at all waits that are due, together where that is cheaper."""
        by_currency: dict[str | None, list[Wait]] = {}
        for wait in due:
            by_currency.setdefault(wait.currency if wait.misses < MISSES else None, []).append(wait)
        alone = by_currency.pop(None, [])
        for currency, waits in by_currency.items():
            if len(waits) == 1:
                alone += waits
            else:
                alone += await self._look_at_list(str(currency), waits)
        await asyncio.gather(*map(self._look_at_one, alone))

    async def _look_at_list(self, currency: str, waits: list[Wait]) -> list[Wait]:
        """Look at waits through the list; return those that are to be asked for by id."""
        try:
            rows = await self._list(currency, waits)
        except RequestRefused as problem:
            log.warning("looking at withdrawals one by one: %s", problem)
            return waits
        except FatalError as problem:
            self._end(waits, problem)
            return []
        except KucoinError as problem:
            self._again(waits, problem)
            return []
        by_id = []
        looked_at = self._surroundings.monotonic()
        for wait in waits:
            row = rows.get(wait.withdrawal_id)
            if row is None:
                # It may show later, be older than was asked for, or the list's rows may have no id at all.
                wait.misses += 1
                by_id.append(wait)
                continue
            match outcome(row.get("status")):
                case Outcome.PENDING:
                    self._pending(wait, row, looked_at)
                case Outcome.SUCCEEDED:
                    self._finish(wait, row)
                case Outcome.FAILED:
                    by_id.append(wait)
        return by_id

    async def _list(self, currency: str, waits: list[Wait]) -> dict[str, Row]:
        now_ms = self._surroundings.wall_ms() + self._client.line.clock_offset_ms
        since = [now_ms - LOOK_BACK_MS if wait.created_at_ms is None else wait.created_at_ms for wait in waits]
        asked: dict[str, Value] = {
            "currency": currency,
            "startAt": min(since) - MARGIN_MS,
            "endAt": now_ms + MARGIN_MS,
        }
        reads = 1
        while True:
            try:
                rows = await read_listing(self._client, endpoints.WITHDRAWALS, asked, most_pages=PAGES)
            except Incomplete:
                if reads == READS:
                    raise
                reads += 1
            else:
                return {str(row["id"]): row for row in rows if row.get("id")}

    async def _look_at_one(self, wait: Wait) -> None:
        path = endpoints.WITHDRAWAL.path.replace("{withdrawalId}", wait.withdrawal_id)
        try:
            row = as_object(await self._client.call(endpoints.WITHDRAWAL, path=path), "the withdrawal")
        except RequestRefused as problem:
            # How KuCoin answers about a withdrawal that it does not show yet is not documented.
            self._again([wait], problem)
        except FatalError as problem:
            self._end([wait], problem)
        except KucoinError as problem:
            self._again([wait], problem)
        else:
            if outcome(row.get("status")) is Outcome.PENDING:
                self._pending(wait, row, self._surroundings.monotonic())
            else:
                self._finish(wait, row)

    def _pending(self, wait: Wait, row: Row, looked_at: float) -> None:
        status = str(row.get("status"))
        wait.currency = row.get("currency") or wait.currency
        if isinstance(row.get("createdAt"), int):
            wait.created_at_ms = row["createdAt"]
        if status != wait.status:
            wait.status = status
            wait.notes(status)
        self._postpone(wait, looked_at)

    def _again(self, waits: Iterable[Wait], problem: KucoinError) -> None:
        log.warning("looking again later: %s", problem)
        looked_at = self._surroundings.monotonic()
        for wait in waits:
            self._postpone(wait, looked_at)

    def _postpone(self, wait: Wait, looked_at: float) -> None:
        """Set when to look again: by the moment of the look, which is the same for all who shared it."""
        wait.looks += 1
        wait.interval = interval(wait.first_interval, wait.looks, self._surroundings.random())
        wait.due = looked_at + wait.interval

    @staticmethod
    def _finish(wait: Wait, row: Row) -> None:
        if not wait.ended.done():
            wait.ended.set_result(row)

    @staticmethod
    def _end(waits: Iterable[Wait], problem: Exception) -> None:
        for wait in waits:
            if not wait.ended.done():
                wait.ended.set_exception(problem)
