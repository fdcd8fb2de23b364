"""
This provider: the whole task. KucoinLedgerToS3Operator reads, checks, writes Parquet and uploads it.

Runs in the environment of an Airflow worker, with the two connections in environment variables.
"""

from __future__ import annotations

import sys

from work import Job, Report


def main() -> None:
    """Copy, and report; or, asked for nothing, report an idle task process."""
    import airflow_provider_kucoin.lake.files
    import airflow_provider_kucoin.transfers.copying  # noqa: F401 - loading libraries is no part of what is measured
    from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

    if sys.argv[1] == "idle":
        Report().print()
        return
    job = Job.given()
    operator = KucoinLedgerToS3Operator(
        task_id="bench", ledger=job.ledger, s3_bucket="bench", window_start=job.start_ms, window_end=job.end_ms
    )
    report = Report()
    written = operator.execute({})
    report.rows = sum(found["rows"] for found in written)
    report.print(bytes=sum(found["bytes"] for found in written), objects=len(written))


main()
