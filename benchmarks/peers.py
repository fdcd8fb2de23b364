"""
This provider and the other clients for KuCoin, side by side, against the sandbox exchange.

Every contestant runs in a process of its own, for every scenario anew; the exchange and the S3 server are processes of
their own too. The others count rows and drop them; the provider does its whole task: signed reads, checks, Parquet in
S3. What is lost, or refused, is counted on the exchange's side. Scenarios and contestants are the two tables below.

The others come from .venv-bench, which `make bench` makes; the provider from the environment that runs this.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
DAY_MS = 86_400_000
MIB = 1024  # memory is told in KiB
#: Packages whose version the tables should name.
NAMED = ("kucoin-universal-sdk", "ccxt", "python-kucoin", "aiohttp", "orjson", "pyarrow")

# ----------------------------------------------------------------------------------------------------------- the tables


@dataclass(frozen=True)
class Contestant:
    """
    One client.

    :param script: in benchmarks/contestants
    :param package: that it comes from
    :param is_ours: whether it writes to S3, and runs where Airflow is
    """

    name: str
    script: str
    package: str | None = None
    is_ours: bool = False


CONTESTANTS = (
    Contestant("this provider, to Parquet in S3", "provider.py", is_ours=True),
    Contestant("bare aiohttp + orjson, following the headers", "bare.py"),
    Contestant("ccxt, async, implicit calls", "ccxt_async.py", "ccxt"),
    Contestant("python-kucoin, async", "python_kucoin.py", "python-kucoin"),
    Contestant("official client, 16 threads", "official.py", "kucoin-universal-sdk"),
)
OURS, FLOOR = CONTESTANTS[:2]
#: What writing costs whoever writes: no contestant, but the second measure beside the floor.
FLOOR_OF_FILES = Contestant("the bare loop, into unchecked Parquet on local disk", "bare_parquet.py")


@dataclass(frozen=True)
class Scenario:
    """
    What there is to read, and under which conditions.

    :param rows: of the whole window
    :param days: of the window, whole UTC days before today; for `trade_hf` the hours up to now, which it alone keeps
    :param vip: level whose quotas are enforced; ``None`` enforces none
    :param round_trip_ms: added by the exchange to every answer
    :param processes: of each contestant at the same time, on one key
    """

    name: str
    title: str
    rows: int
    days: int = 1
    ledger: str = "spot"
    vip: int | None = None
    round_trip_ms: int = 50
    processes: int = 1
    contestants: tuple[Contestant, ...] = CONTESTANTS


#: Rows come in threes, of one millisecond each: so many make four full pages of every day.
YEAR, ROWS_PER_DAY = 364, 1_998

SCENARIOS = (
    Scenario("year", "A year of the spot ledger, VIP 0 quota enforced", YEAR * ROWS_PER_DAY, YEAR, vip=0),
    Scenario("year-free", "The same without a quota", YEAR * ROWS_PER_DAY, YEAR),
    Scenario(
        "day",
        "One day of 1,000,000 rows, no quota",
        1_000_000,
        contestants=(*CONTESTANTS[:2], FLOOR_OF_FILES, *CONTESTANTS[2:]),
    ),
    Scenario("hf", "Three days of the trade_hf ledger, no quota", 600_000, 3, "trade_hf"),
    Scenario("hf-vip0", "Three days of the trade_hf ledger, VIP 0 quota enforced", 600_000, 3, "trade_hf", vip=0),
    Scenario(
        "two",
        "Two processes on one key, each a year, VIP 0",
        YEAR * ROWS_PER_DAY,
        YEAR,
        vip=0,
        processes=2,
        contestants=(OURS, FLOOR),
    ),
    Scenario(
        "four",
        "Four processes on one key, each a year, VIP 0",
        YEAR * ROWS_PER_DAY,
        YEAR,
        vip=0,
        processes=4,
        contestants=(OURS, FLOOR),
    ),
    *(
        Scenario(
            f"memory-{rows}", f"Memory: {rows:,} rows in one day", rows, round_trip_ms=0, contestants=(OURS, FLOOR)
        )
        for rows in (100_000, 1_000_000, 10_000_000)
    ),
)

# -------------------------------------------------------------------------------------------------------------- one run


@dataclass
class Result:
    """What a contestant's processes reported, and what the exchange saw."""

    reports: list[dict[str, Any]]
    expected: int
    refused: int
    calls: int
    used: list[float] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Return the rows of all processes."""
        return sum(report["rows"] for report in self.reports)

    @property
    def wall(self) -> float:
        """Return the seconds until the last was ready."""
        return max(float(report["wall"]) for report in self.reports)

    @property
    def cpu_per_row(self) -> float:
        """Return microseconds."""
        return sum(report["cpu"] for report in self.reports) / max(self.rows, 1) * 1e6

    @property
    def peak(self) -> float:
        """Return MiB, of the largest process."""
        return max(report["peak"] for report in self.reports) / MIB


class Meter(threading.Thread):
    """Looks at the weight that has been used, again and again."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._seen: list[tuple[float, int]] = []
        self._ended = threading.Event()

    def run(self) -> None:
        """Look until stopped."""
        while not self._ended.wait(0.1):
            weight = sum(stats(self._url)["weight"].get(pool, 0) for pool in ("Management", "Spot"))
            self._seen.append((time.monotonic(), weight))

    def windows(self, limit: int, seconds: float = 30.0) -> list[float]:
        """Stop, and return the part of the quota that was used in each window but the last."""
        self._ended.set()
        self.join()
        used, before, starts = [], 0, next((at for at, weight in self._seen if weight), 0.0)
        while starts and starts + seconds < self._seen[-1][0]:
            weight = max(weight for at, weight in self._seen if at < starts + seconds - 0.2)
            used.append((weight - before) / limit)
            before = weight
            starts = next((at for at, weight in self._seen if weight > before), 0.0)
        return used


def stats(url: str) -> dict[str, Any]:
    """Return what the exchange has counted."""
    with urllib.request.urlopen(f"{url}/__sandbox__/stats") as answer:  # noqa: S310 - loopback
        return json.load(answer)  # type: ignore[no-any-return]


@contextmanager
def exchange(scenario: Scenario) -> Iterator[dict[str, Any]]:
    """Run the sandbox exchange in a process of its own; yield where it is and what it holds."""
    is_hf = scenario.ledger == "trade_hf"
    # Today is one of its days, and is not read, but for the hours that trade_hf keeps.
    days = scenario.days + 1
    command = [
        *(sys.executable, "-m", "airflow_provider_kucoin.testing", "--json", "--port", "0"),
        *("--days", str(days), "--ledger", scenario.ledger, "--rows-per-day", "0"),
        *("--synthetic-rows", str(scenario.rows // scenario.days * days)),
        *("--latency-ms", str(scenario.round_trip_ms)),
        *(("--vip", str(scenario.vip)) if scenario.vip is not None else ("--no-quota",)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            ready = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            today = ready["now_ms"] // DAY_MS * DAY_MS
            # A minute less than 72 hours: reading takes its time, and what drops out meanwhile is gone.
            start = ready["now_ms"] - scenario.days * DAY_MS + 60_000 if is_hf else today - scenario.days * DAY_MS
            yield {**ready, "job_start_ms": start, "job_end_ms": ready["now_ms"] - 600_000 if is_hf else today}
        finally:
            process.terminate()


def run(scenario: Scenario, contestant: Contestant, peers: Path, environment: dict[str, str]) -> Result:
    """Let one contestant do one scenario."""
    with exchange(scenario) as found:
        connection = found["connection"]
        job = {
            "url": found["url"],
            "futures_url": found["futures_url"],
            "key": connection["login"],
            "secret": connection["password"],
            "passphrase": connection["extra"]["passphrase"],
            "ledger": scenario.ledger,
            "start_ms": found["job_start_ms"],
            "end_ms": found["job_end_ms"],
            "limited": scenario.vip is not None,
        }
        expected = count(found["url"], job) * scenario.processes
        python = sys.executable if contestant.is_ours else str(peers / "bin" / "python")
        script = str(HERE / "contestants" / contestant.script)
        extra = {**environment, "AIRFLOW_CONN_KUCOIN_DEFAULT": json.dumps(connection)} if contestant.is_ours else {}
        meter = Meter(found["url"])
        if scenario.processes > 1:
            meter.start()
        running = [
            subprocess.Popen(
                [python, script, json.dumps({**job, "name": f"process-{number}"})],
                env={**os.environ, **extra},
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(scenario.processes)
        ]
        reports = [json.loads(process.communicate()[0].splitlines()[-1]) for process in running]
        used = meter.windows(2_000) if scenario.processes > 1 else []
        totals = stats(found["url"])
    return Result(reports, expected, totals["rate_limited"], totals["requests"], used)


def count(url: str, job: dict[str, Any]) -> int:
    """Return how many rows the exchange holds in the window."""
    query = f"start={job['start_ms']}&end={job['end_ms']}&ledger={job['ledger']}"
    rows = 0
    with urllib.request.urlopen(f"{url}/__sandbox__/ledger?{query}") as answer:  # noqa: S310 - loopback
        while block := answer.read(1 << 20):
            rows += block.count(b"\n")
    return rows


def idle(environment: dict[str, str]) -> float:
    """Return the MiB of an Airflow task process that has run nothing."""
    command = [sys.executable, str(HERE / "contestants" / OURS.script), "idle"]
    done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["peak"]) / MIB


# ---------------------------------------------------------------------------------------------------------- the outcome


def line(cells: list[str]) -> None:
    """Print a row of a table in Markdown."""
    print(f"| {' | '.join(cells)} |", flush=True)


def table(scenario: Scenario, peers: Path, environment: dict[str, str], idle_mib: float) -> None:
    """Run a scenario, and print its table."""
    of_several = ["quota used, worst window", "first and last ready"] if scenario.processes > 1 else []
    print(f"\n### {scenario.title}\n", flush=True)
    head = ["client", "seconds", "rows/s", "CPU µs/row", "peak MiB", "calls", "429s", "rows lost", *of_several]
    line(head)
    line(["---", *["---:"] * (len(head) - 1)])
    for contestant in scenario.contestants:
        found = run(scenario, contestant, peers, environment)
        above = f" (+{found.peak - idle_mib:.0f})" if contestant.is_ours else ""
        walls = [report["wall"] for report in found.reports]
        line(
            [
                contestant.name,
                f"{found.wall:.1f}",
                f"{found.rows / found.wall:,.0f}",
                f"{found.cpu_per_row:.2f}",
                f"{found.peak:.0f}{above}",
                f"{found.calls:,}",
                f"{found.refused:,}",
                f"{found.expected - found.rows:,}",
                *(
                    [f"{min(found.used, default=0):.1%}", f"{min(walls):.0f} s, {max(walls):.0f} s"]
                    if of_several
                    else []
                ),
            ]
        )


def machine(peers: Path) -> str:
    """Return what the figures were made on."""
    show = subprocess.run(
        [str(peers / "bin" / "python"), "-m", "pip", "freeze"], stdout=subprocess.PIPE, check=True, text=True
    ).stdout.splitlines()
    versions = ", ".join(pin.replace("==", " ") for pin in show if pin.partition("==")[0] in NAMED)
    load = os.getloadavg()[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, {platform.python_implementation()} "
        f"{platform.python_version()}; {versions}. Load average when it began: {load:.1f}."
    )


@contextmanager
def s3(home: str) -> Iterator[dict[str, str]]:
    """Run an S3 server; yield the environment of a worker that writes to it."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    login = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench-secret"}
    endpoint = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **login).create_bucket(Bucket="bench")
    aws = {
        "conn_type": "aws",
        "login": "bench",
        "password": "bench-secret",
        "extra": {"endpoint_url": endpoint, "region_name": "us-east-1"},
    }
    try:
        yield {
            "AIRFLOW_HOME": home,
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws),
        }
    finally:
        server.stop()


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"of {', '.join(names)} (default: all)")
    parser.add_argument(
        "--peers", type=Path, default=HERE.parent / ".venv-bench", help="where the others are installed"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="a part of the rows, to try it out")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenarios) - set(names):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as home, s3(home) as environment:
        print(machine(arguments.peers), flush=True)
        idle_mib = idle(environment)
        print(f"An idle Airflow task process: {idle_mib:.0f} MiB; the provider's memory above that is in brackets.")
        for scenario in SCENARIOS:
            if scenario.name in (arguments.scenarios or names):
                table(scaled(scenario, arguments.scale), arguments.peers, environment, idle_mib)


def scaled(scenario: Scenario, part: float) -> Scenario:
    """Return a scenario with a part of the rows, and of the days if it has many."""
    from dataclasses import replace

    if part == 1:
        return scenario
    days = max(round(scenario.days * part), 1) if scenario.ledger == "spot" else scenario.days
    return replace(scenario, days=days, rows=max(int(scenario.rows * part) // days * days, days * 3))


if __name__ == "__main__":
    main()
