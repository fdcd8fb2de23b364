"""
How fast and in how much memory KucoinLedgerToS3Operator copies one day of ledger.

Everything is real but KuCoin and S3: the operator in a process of its own, the sandbox exchange in another, moto's S3
server in a third, sockets in between. Printed are rows per second, CPU time per row of the operator's process, the
requests it made and its peak memory above an Airflow process that has only imported the operator.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any

MIB = 1024  # ru_maxrss is in KiB on Linux


def measure(rows: int) -> None:
    """Copy one day (in this process) and print what it took, as JSON."""
    from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

    if not rows:
        import airflow_provider_kucoin.lake.files  # noqa: F401 - what a worker has loaded when it has run any task

        print(json.dumps({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
        return
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    operator = KucoinLedgerToS3Operator(
        task_id="bench", s3_bucket="bench", window_start=end - timedelta(days=1), window_end=end
    )
    cpu, began = time.process_time(), time.perf_counter()
    (written,) = operator.execute({})
    print(
        json.dumps(
            {
                "wall": time.perf_counter() - began,
                "cpu": time.process_time() - cpu,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                **written,
            }
        )
    )


def in_a_process(rows: int, environment: dict[str, str]) -> dict[str, Any]:
    """Run :func:`measure` in a fresh process and return what it printed."""
    command = [sys.executable, __file__, "--measure", str(rows)]
    done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def bench(rows: int, latency_ms: int, environment: dict[str, str]) -> None:
    """Copy one day of ``rows`` rows and print a line of the table."""
    import urllib.request

    command = [
        *(sys.executable, "-m", "airflow_provider_kucoin.testing", "--json", "--port", "0", "--vip", "12"),
        # the largest quota, or the pauses between its windows would be all that is measured;
        # today and yesterday, which is the day that is copied
        *("--days", "2", "--rows-per-day", "0", "--synthetic-rows", str(2 * rows), "--latency-ms", str(latency_ms)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as exchange:
        try:
            ready = json.loads(exchange.stdout.readline())  # type: ignore[union-attr]
            idle = in_a_process(0, environment)["peak"]
            connection = {"AIRFLOW_CONN_KUCOIN_DEFAULT": json.dumps(ready["connection"])}
            found = in_a_process(rows, {**environment, **connection})
            with urllib.request.urlopen(f"{ready['url']}/__sandbox__/stats") as answer:  # noqa: S310 - loopback
                requests = json.load(answer)["requests"]
        finally:
            exchange.terminate()
    print(
        f"{found['rows']:>10,} {latency_ms:>6} ms {found['wall']:>8.1f} s {found['rows'] / found['wall']:>10,.0f} "
        f"{found['cpu'] / found['rows'] * 1e6:>8.2f} µs {requests:>9,} {(found['peak'] - idle) / MIB:>8.0f} MiB "
        f"{found['bytes'] / 2**20:>8.1f} MiB",
        flush=True,
    )


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000], help="rows of the day")
    parser.add_argument("--latency-ms", type=int, nargs="*", default=[0, 50], help="round trip to the exchange")
    arguments = parser.parse_args()
    if arguments.measure is not None:
        measure(arguments.measure)
        return

    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    login = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench-secret"}
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **login).create_bucket(Bucket="bench")
    aws = {
        "conn_type": "aws",
        "login": "bench",
        "password": "bench-secret",
        "extra": {"endpoint_url": endpoint, "region_name": "us-east-1"},
    }
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, one day, Parquet")
    print("      rows  round trip     wall     rows/s  CPU/row  requests  memory*     object")
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "AIRFLOW_HOME": home,
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws),
        }
        for rows in arguments.rows:
            for latency_ms in arguments.latency_ms:
                bench(rows, latency_ms, environment)
    print("* peak above an Airflow process that has imported the operator and run nothing")
    server.stop()


if __name__ == "__main__":
    main()
