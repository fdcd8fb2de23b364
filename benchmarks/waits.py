"""
What a thousand deferred waits on one connection cost: quota, the triggerer's event loop, and time.

The triggers are the real ones, in one event loop as in a triggerer; the sandbox exchange is another process behind a
socket, with KuCoin's quota of 2,000 for 30 seconds. The withdrawals settle evenly over a while. Printed are the weight
used in each minute, how late the event loop was, and how long after it was settled a withdrawal's task was resumed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from typing import Any

#: How often the event loop is asked whether it still lives; Airflow's triggerer complains from 200 ms on.
PULSE = 0.01


def exchange(count: int, quiet: float, within: float) -> None:
    """Serve ``count`` withdrawals (in this process), settle them evenly, and print when, as JSON."""
    from airflow_provider_kucoin.testing import Exchange, Server

    found = Exchange()
    sent = [
        found.add_withdrawal(currency="USDT", amount="1", address="T" + "2" * 33, chain="trx", status="PROCESSING").id
        for _ in range(count)
    ]
    with Server(found) as server:
        print(json.dumps({"connection": server.connection(), "ids": sent}), flush=True)
        began = time.time()
        settled = {}
        for number, one in enumerate(sent):
            due = began + quiet + within * number / count
            time.sleep(max(0.0, due - time.time()))
            found.settle(one)
            settled[one] = time.time()
        sys.stdin.readline()
        weights: dict[int, int] = {}
        for record in found.requests:
            if record.pool == "Management":
                minute = int((record.at_ms / 1000 - began) // 60)
                weights[minute] = weights.get(minute, 0) + record.weight
        totals = found.requests.totals()
    print(json.dumps({"settled": settled, "weights": weights, **totals}), flush=True)


async def pulse(delays: list[float]) -> None:
    """Note by how much the event loop is late, for as long as it runs."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(PULSE)
        delays.append(time.perf_counter() - began - PULSE)


async def wait(withdrawal_id: str, interval: float) -> tuple[str, float]:
    """Wait as the triggerer does; return when the event came."""
    from airflow_provider_kucoin.triggers.withdrawal import KucoinWithdrawalTrigger

    trigger = KucoinWithdrawalTrigger(withdrawal_id, "kucoin_default", poll_interval=interval, currency="USDT")
    async for event in trigger.run():
        if event.payload["withdrawal"]["status"] != "SUCCESS":
            raise RuntimeError(event.payload)
    return withdrawal_id, time.time()


async def all_waits(ids: list[str], interval: float) -> tuple[dict[str, float], list[float]]:
    """Wait for all of them in one event loop."""
    delays: list[float] = []
    heart = asyncio.ensure_future(pulse(delays))
    resumed = dict(await asyncio.gather(*(wait(one, interval) for one in ids)))
    heart.cancel()
    await asyncio.gather(heart, return_exceptions=True)
    return resumed, delays


def at(part: float, values: list[float]) -> float:
    """Return a percentile."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchange", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--waits", type=int, default=1000)
    parser.add_argument("--interval", type=float, default=30.0, help="seconds after the first look")
    parser.add_argument("--quiet", type=float, default=60.0, help="seconds until the first one is settled")
    parser.add_argument(
        "--within", type=float, default=120.0, help="seconds from the first to the last that is settled"
    )
    given = parser.parse_args()
    if given.exchange:
        exchange(given.waits, given.quiet, given.within)
        return
    command = [sys.executable, __file__, "--exchange", "--waits", str(given.waits)]
    command += ["--quiet", str(given.quiet), "--within", str(given.within)]
    with (
        tempfile.TemporaryDirectory() as home,
        subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as other,
    ):
        if other.stdout is None or other.stdin is None:
            raise RuntimeError("no pipes")
        ready: dict[str, Any] = json.loads(other.stdout.readline())
        os.environ |= {
            "AIRFLOW_HOME": home,
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
            "AIRFLOW_CONN_KUCOIN_DEFAULT": json.dumps(ready["connection"]),
            "NO_PROXY": "127.0.0.1",
        }
        import airflow_provider_kucoin.triggers.withdrawal  # noqa: F401 - before the clock runs

        logging.disable(logging.WARNING)
        cpu, began = time.process_time(), time.perf_counter()
        resumed, delays = asyncio.run(all_waits(ready["ids"], given.interval))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - began
        other.stdin.write("\n")
        other.stdin.flush()
        seen: dict[str, Any] = json.loads(other.stdout.readline())
    late = [resumed[one] - settled for one, settled in seen["settled"].items()]
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores")
    print(
        f"{given.waits:,} waits, {given.interval:.0f} s interval, {wall:.0f} s in all, {cpu / wall:.1%} of one core\n"
    )
    print("| what | figure |")
    print("| --- | --- |")
    for minute, weight in seen["weights"].items():
        print(f"| weight used in minute {int(minute) + 1}, of 4,000 | {weight:,} |")
    print(f"| requests | {seen['requests']:,} |")
    print(f"| answered with 429 | {seen['rate_limited']:,} |")
    print(f"| event loop late, median | {at(0.5, delays) * 1000:.1f} ms |")
    print(f"| event loop late, 99 % | {at(0.99, delays) * 1000:.1f} ms |")
    print(f"| event loop late, most | {max(delays) * 1000:.1f} ms |")
    print(f"| from settled to resumed, median | {at(0.5, late):.1f} s |")
    print(f"| from settled to resumed, 99 % | {at(0.99, late):.1f} s |")
    print(f"| from settled to resumed, most | {max(late):.1f} s |")


if __name__ == "__main__":
    main()
