"""Waiting for a withdrawal inside the triggerer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_kucoin.api.errors import KucoinError
from airflow_provider_kucoin.api.withdrawals import STATUSES
from airflow_provider_kucoin.hooks.waiting import watch_on
from airflow_provider_kucoin.triggers.events import PROBLEM, TIMED_OUT, WITHDRAWAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Seconds for a look after a restart of the triggerer that comes when time is up already.
LAST_LOOK = 10.0


class KucoinWithdrawalTrigger(BaseTrigger):
    """
    Wait until a withdrawal's status is final.

    All waits on one connection in one triggerer share their looks at KuCoin. 429, 5xx and broken lines are outlasted;
    after a restart of the triggerer the wait goes on, and only reads.

    Yields one event: ``{"withdrawal": ...}`` as KuCoin describes it, ``{"timed_out": <last status>}``, or
    ``{"problem": <words>}`` when KuCoin refuses to be asked.

    :param withdrawal_id: KuCoin's id
    :param kucoin_conn_id: the connection
    :param poll_interval: seconds after the first look; later waits grow up to four times as long
    :param timeout: seconds after which to give up; ``None`` for never
    :param give_up_at: that moment in seconds since the epoch: a restart of the triggerer does not begin the time anew
    :param currency: of the withdrawal, where it is known; saves a look
    :param created_at_ms: KuCoin's time of the withdrawal in milliseconds, where it is known
    """

    def __init__(
        self,
        withdrawal_id: str,
        kucoin_conn_id: str,
        poll_interval: float = 30.0,
        timeout: float | None = None,
        currency: str | None = None,
        created_at_ms: int | None = None,
        give_up_at: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.withdrawal_id = withdrawal_id
        self.kucoin_conn_id = kucoin_conn_id
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.currency = currency
        self.created_at_ms = created_at_ms
        self.give_up_at = time.time() + timeout if give_up_at is None and timeout is not None else give_up_at
        self._status: str | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer needs to make this trigger again; no secrets are among it."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "withdrawal_id": self.withdrawal_id,
            "kucoin_conn_id": self.kucoin_conn_id,
            "poll_interval": self.poll_interval,
            "timeout": self.timeout,
            "give_up_at": self.give_up_at,
            "currency": self.currency,
            "created_at_ms": self.created_at_ms,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait."""
        try:
            async with asyncio.timeout(left(self.timeout, self.give_up_at)), watch_on(self.kucoin_conn_id) as watch:
                withdrawal = await watch.until_final(
                    self.withdrawal_id,
                    first_interval=self.poll_interval,
                    currency=self.currency,
                    created_at_ms=self.created_at_ms,
                    notes=self._note,
                )
        except TimeoutError:
            yield TriggerEvent({TIMED_OUT: self._status})
        except KucoinError as problem:
            yield TriggerEvent({PROBLEM: str(problem)})
        else:
            yield TriggerEvent({WITHDRAWAL: withdrawal})

    async def on_kill(self) -> None:
        """Say that the money is still on its way: a person stopped the wait, not the withdrawal."""
        self.log.warning(
            "stopped watching withdrawal %s; it goes on at KuCoin and was not cancelled", self.withdrawal_id
        )

    def _note(self, status: str) -> None:
        self._status = status
        if status in STATUSES:
            self.log.info("withdrawal %s: %s", self.withdrawal_id, status)
        else:
            self.log.warning("withdrawal %s: unlisted status %r, waiting on", self.withdrawal_id, status)


def left(timeout: float | None, give_up_at: float | None) -> float | None:
    """Return how many seconds may still be waited; enough for a look, where the time is up already."""
    if timeout is None or give_up_at is None:
        return None
    return max(give_up_at - time.time(), min(timeout, LAST_LOOK))
