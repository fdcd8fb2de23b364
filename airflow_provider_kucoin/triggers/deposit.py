"""Waiting for a deposit inside the triggerer."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_kucoin.api import endpoints
from airflow_provider_kucoin.api.deposits import Expected, judge
from airflow_provider_kucoin.api.errors import KucoinError, RetryableError
from airflow_provider_kucoin.api.polling import interval
from airflow_provider_kucoin.api.withdrawals import Outcome
from airflow_provider_kucoin.client.listing import read_listing
from airflow_provider_kucoin.client.network import REAL
from airflow_provider_kucoin.client.watching import MARGIN_MS
from airflow_provider_kucoin.hooks.waiting import watch_on
from airflow_provider_kucoin.triggers.events import DEPOSIT, FAILED, PROBLEM, TIMED_OUT
from airflow_provider_kucoin.triggers.withdrawal import left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from airflow_provider_kucoin.api.signing import Value
    from airflow_provider_kucoin.client.concurrent import ConcurrentClient


class KucoinDepositTrigger(BaseTrigger):
    """
    Wait until a deposit has arrived.

    Yields one event: ``{"deposit": ...}`` as KuCoin lists it, ``{"failed": ...}``, ``{"timed_out": <last status>}``,
    or ``{"problem": <words>}`` when KuCoin refuses to be asked.

    :param expected: the deposit, as :meth:`airflow_provider_kucoin.api.deposits.Expected.as_dict` gives it
    :param kucoin_conn_id: the connection
    :param poll_interval: seconds after the first look; later waits grow up to four times as long
    :param timeout: seconds after which to give up; ``None`` for never
    :param give_up_at: that moment in seconds since the epoch: a restart of the triggerer does not begin the time anew
    """

    def __init__(
        self,
        expected: Mapping[str, Any],
        kucoin_conn_id: str,
        poll_interval: float = 60.0,
        timeout: float | None = None,
        give_up_at: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.expected = dict(expected)
        self.kucoin_conn_id = kucoin_conn_id
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.give_up_at = time.time() + timeout if give_up_at is None and timeout is not None else give_up_at
        self._status: str | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer needs to make this trigger again; no secrets are among it."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "expected": self.expected,
            "kucoin_conn_id": self.kucoin_conn_id,
            "poll_interval": self.poll_interval,
            "timeout": self.timeout,
            "give_up_at": self.give_up_at,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait."""
        try:
            async with asyncio.timeout(left(self.timeout, self.give_up_at)), watch_on(self.kucoin_conn_id) as watch:
                event = await self._until_final(watch.client)
        except TimeoutError:
            event = {TIMED_OUT: self._status}
        except KucoinError as problem:
            event = {PROBLEM: str(problem)}
        yield TriggerEvent(event)

    async def _until_final(self, client: ConcurrentClient) -> dict[str, Any]:
        wanted = Expected.from_dict(self.expected)
        looks = 0
        while True:
            looks += 1
            try:
                asked: dict[str, Value] = {
                    "currency": wanted.currency,
                    "startAt": wanted.since_ms - 1000,
                    "endAt": REAL.wall_ms() + client.line.clock_offset_ms + MARGIN_MS,
                }
                rows = await read_listing(client, endpoints.DEPOSITS, asked)
            except RetryableError as problem:
                self.log.warning("looking again later: %s", problem)
            else:
                outcome, row = judge(wanted, rows)
                if row is not None and row.get("status") != self._status:
                    self._status = str(row.get("status"))
                    self.log.info("deposit of %s: %s", wanted.currency, self._status)
                if outcome is not Outcome.PENDING and row is not None:
                    return {DEPOSIT if outcome is Outcome.SUCCEEDED else FAILED: dict(row)}
            await asyncio.sleep(interval(self.poll_interval, looks, random.random()))  # noqa: S311 - spreads the looks
