"""
This provider: the whole task. KucoinLedgerToS3Operator reads, checks, writes Parquet and uploads it.

Runs in the environment of an Airflow worker, with the two connections in environment variables.
"""

from __future__ import annotations

import sys
from importlib import import_module

from work import Job, Report

PACKAGE = "airflow_provider_kucoin"


def main() -> None:
    """Copy, and report; or, asked for nothing, report an idle task process."""
    # What Airflow's task runner has loaded before it runs a task of anybody's.
    import_module("airflow.sdk.execution_time.task_runner")
    from airflow.sdk.listener import get_listener_manager

    get_listener_manager()
    from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

    if sys.argv[1] == "idle":
        Report().print()
        return
    # Loading libraries takes a second or two, whatever is copied, and the others have loaded theirs too by now.
    for name in ("numpy", "pyarrow.parquet", "airflow.providers.amazon.aws.hooks.s3", f"{PACKAGE}.transfers.copying"):
        import_module(name)
    job = Job.given()
    operator = KucoinLedgerToS3Operator(
        task_id="bench",
        ledger=job.ledger,
        s3_bucket="bench",
        s3_key=f"{job.name}/{{ledger}}/{{date}}.{{ext}}",
        window_start=job.start_ms,
        window_end=job.end_ms,
    )
    report = Report()
    written = operator.execute({})
    report.rows = sum(found["rows"] for found in written)
    report.print(bytes=sum(found["bytes"] for found in written), objects=len(written))


main()
