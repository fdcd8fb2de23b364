"""
Metrics, through Airflow's own stats: statsd, Datadog or OpenTelemetry, whichever the deployment has switched on.

What each of them means stands in ``docs/observability.md``. Nothing that is sent is secret, and a metric that cannot be
sent is never a reason for a task to fail.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.endpoints import ENDPOINTS
from airflow_provider_kucoin.api.envelope import Answer
from airflow_provider_kucoin.client.observing import Cause, Usage, refused_for, too_many

if TYPE_CHECKING:
    from airflow_provider_kucoin.api.calls import NoAnswer
    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.endpoints import Endpoint

log = logging.getLogger(__name__)

HOUR_MS = 3_600_000
# What stands for a path that is in no table: it may hold anything, and every other value would be a time series.
_OTHER = "other"
_PATHS = frozenset(row.path for row in ENDPOINTS)


class Fate(StrEnum):
    """What became of a withdrawal, as far as a task has seen it."""

    SENT = "sent"  # KuCoin accepted the request
    FOUND = "found"  # an earlier try had sent it
    REFUSED = "refused"  # by KuCoin or by a rule here; nothing was sent, or nothing came of it
    UNKNOWN = "unknown"  # it may have been sent: a person has to look
    SETTLED = "settled"
    FAILED = "failed"
    TIMED_OUT = "timed_out"  # still under way when the task stopped waiting


class Metrics(Usage):
    """
    Counts the calls of one connection, and tells Airflow's stats.

    :param connection: the connection's id
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: str) -> None:
        super().__init__()
        self._connection = connection

    def answered(self, endpoint: Endpoint, outcome: Answer | NoAnswer) -> None:
        """Count a request."""
        super().answered(endpoint, outcome)
        tags = self._tags(endpoint)
        if not isinstance(outcome, Answer):
            count("kucoin.calls", tags={**tags, "status": "none"})
        else:
            count("kucoin.calls", tags={**tags, "status": str(outcome.status)})
            if too_many(outcome):
                count("kucoin.rate_limited", tags={**tags, "cause": refused_for(outcome).value})
        if endpoint.weight:
            pool = {"connection": self._connection, "pool": tags["pool"]}
            count("kucoin.weight", endpoint.weight, tags=pool)

    def waiting(self, endpoint: Endpoint, seconds: float, cause: Cause, now: float) -> None:
        """Count a wait."""
        new = self.add_wait(seconds, now)
        if milliseconds := round(new * 1000):
            pool = self._tags(endpoint)["pool"]
            tags = {"connection": self._connection, "pool": pool, "cause": cause.value}
            count("kucoin.waited_ms", milliseconds, tags=tags)

    def _tags(self, endpoint: Endpoint) -> dict[str, str]:
        return {
            "connection": self._connection,
            "pool": endpoint.pool.value if endpoint.pool is not None else _OTHER,
            "endpoint": endpoint.path if endpoint.path in _PATHS else _OTHER,
        }


def count(name: str, number: int = 1, *, tags: dict[str, str]) -> None:
    """Add to a counter."""
    try:
        _stats().incr(name, number, tags=tags)
    except Exception:
        log.debug("%s was not counted", name, exc_info=True)


def gauge(name: str, value: float, *, tags: dict[str, str]) -> None:
    """Set a gauge."""
    try:
        _stats().gauge(name, value, tags=tags)
    except Exception:
        log.debug("%s was not set", name, exc_info=True)


def count_object(dataset: Dataset, connection: str, rows: int, size: int, late_rows: int = 0) -> None:
    """
    Count an object that was published.

    :param size: bytes
    :param late_rows: those of the rows that came after the object had been written
    """
    tags = {"connection": connection, "dataset": dataset.name}
    count("kucoin.objects", tags=tags)
    count("kucoin.bytes", size, tags=tags)
    if rows:
        count("kucoin.rows", rows, tags=tags)
    if late_rows:
        count("kucoin.late_rows", late_rows, tags=tags)


def tell_time_left(dataset: Dataset, connection: str, unread_since_ms: int, now_ms: int) -> None:
    """
    Tell how many hours are left until the oldest unread row is lost, where KuCoin keeps rows for a time only.

    :param unread_since_ms: everything before has been read
    """
    left = hours_left(dataset, unread_since_ms, now_ms)
    if left is not None:
        gauge("kucoin.retention_hours_left", left, tags={"connection": connection, "dataset": dataset.name})


def hours_left(dataset: Dataset, unread_since_ms: int, now_ms: int) -> float | None:
    """Return that number, negative for what is lost; ``None`` where nothing is lost, as far as is known."""
    if dataset.kept.span is None:
        return None
    horizon = dataset.kept.horizon_ms(now_ms)
    return None if horizon is None else round((unread_since_ms - horizon) / HOUR_MS, 3)


def count_withdrawal(fate: Fate, currency: object) -> None:
    """Count what became of a withdrawal; a currency is a code."""
    count("kucoin.withdrawals", tags={"outcome": fate.value, "currency": str(currency or _OTHER)})


@cache
def _stats() -> Any:
    from airflow.providers.common.compat.sdk import Stats

    return Stats
