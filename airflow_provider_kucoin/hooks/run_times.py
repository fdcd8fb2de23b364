"""What Airflow says of a run's times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.windows import RunTimes

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


def run_times(context: Context) -> RunTimes:
    """Return what Airflow says of a run's times."""
    run = context.get("dag_run")
    end = context.get("data_interval_end")
    return RunTimes(
        partition_date=context.get("partition_date"),
        interval_start=context.get("data_interval_start"),
        interval_end=end,
        # An empty interval is the moment when the run was due, also of a manual run for another date than today's.
        run_after=end or getattr(run, "run_after", None) or context.get("logical_date"),
    )
