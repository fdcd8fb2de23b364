"""What Airflow knows of earlier tries of a task that moves money."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_kucoin.hooks.treasury import Try

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)


def earlier_tries(context: Context, key: str, since: datetime | None) -> Try:
    """
    Return what is known of earlier tries of this task instance.

    Where Airflow has a task state store (3.3 and later), it keeps the journal: it survives retries, killed workers and
    clearing, and a worker that has lost its task cannot write to it.

    :param key: of the journal in the task's state store
    :param since: when the first try can have been
    """
    store = context.get("task_state_store")
    ti = context["ti"]
    is_first = ti.try_number <= 1
    if store is None:
        log.info("this Airflow has no task state store: KuCoin's history alone tells of earlier tries")
        begun = getattr(ti, "start_date", None)
        return Try(certainly_first=is_first, since=since, number=max(1, ti.try_number), begun=begun)
    from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined] # exported lazily, since 3.3

    journal: Any = store.get(key)
    # An empty store is proof that no try got as far as sending, unless success empties it.
    kept = not conf.getboolean("state_store", "clear_on_success", fallback=False)
    return Try(
        journal=journal,
        note=lambda entry: store.set(key, entry, retention=NEVER_EXPIRE),
        certainly_first=journal is None and (is_first or kept),
        since=since,
    )


def run_began(context: Context) -> datetime | None:
    """
    Return a moment before which no try of this run can have been: the earliest that Airflow gives.

    Not the run's start date alone: clearing the run sets that anew.
    """
    run = context.get("dag_run")
    moments = [getattr(run, name, None) for name in ("run_after", "logical_date", "queued_at", "start_date")]
    moments += [context.get("data_interval_end")]
    return min((moment for moment in moments if isinstance(moment, datetime)), default=None)
