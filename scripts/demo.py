"""
One day of a KuCoin ledger through Airflow to S3, on this machine: `make demo`.

Everything is real but KuCoin and S3: the package's sandbox exchange and moto's S3 server stand in for them, and Airflow
runs the example DAG. In the end every row in S3 is compared with what the exchange holds; any difference is a failure.
"""

from __future__ import annotations

import gzip
import io
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

from comparison import differences
from terminal import heading, side_by_side, step, styled, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
#: What stays when the demo is over: Airflow's log, and a copy of the bucket.
KEPT = ROOT / ".demo"
LOG = KEPT / "airflow.log"

DAG_ID = "kucoin_ledger_to_s3"
BUCKET = "kucoin-lake"
#: What the DAG is to write, by the beginning of the key: which of the day's rows.
OBJECTS = {"kucoin/ledger=spot/": None, "kucoin/stablecoins/": ("USDT", "USDC")}
#: The operator waits until a window is so old; a demo takes the day before that one instead.
SETTLE = timedelta(minutes=6)
#: A run that takes longer hangs.
PATIENCE = 600.0


class Failed(Exception):
    """The demo failed; the message is for the person before the terminal."""


@dataclass(frozen=True)
class Written:
    """One object, read back."""

    key: str
    size: int
    account: str
    rows: list[dict[str, Any]]


def main() -> int:
    """Run the demo, and return the process's exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    began = time.monotonic()
    print(styled("One day of a KuCoin ledger, through Airflow, to S3", "bold"))
    print("All of it on this machine: no KuCoin account, no AWS account, nothing that is money.\n")
    try:
        with ExitStack() as running:
            demonstrate(running)
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 130
    except Failed as problem:
        print(f"\n{styled('The demo failed:', 'red')} {problem}", file=sys.stderr)
        return 1
    print(f"\n{styled('Done', 'green')} in {time.monotonic() - began:.0f} s.")
    return 0


def demonstrate(running: ExitStack) -> None:
    """Do everything, step by step; what was started is stopped by ``running``."""
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir()
    isolate()
    home = running.enter_context(tempfile.TemporaryDirectory(prefix="kucoin-demo-"))
    midnight = (datetime.now(UTC) - SETTLE).replace(hour=0, minute=0, second=0, microsecond=0)
    day = midnight - timedelta(days=1)

    with step("Start the sandbox exchange") as this:
        sandbox = running.enter_context(sandbox_exchange())
        this.result = f"{sandbox['url']}, {sandbox['rows']:,} ledger rows of the last days"
    with step("Start an S3 server (moto)") as this:
        s3_url, s3 = running.enter_context(s3_server())
        this.result = f"{s3_url}, bucket {BUCKET}"
    os.environ |= airflow_settings(home, sandbox["connection"], s3_url)
    with step("Make an Airflow home with a SQLite database") as this:
        airflow("db", "migrate")
        this.result = f"thrown away at the end; all that Airflow says is in {LOG.relative_to(ROOT)}"
    with step(f"Run the DAG {DAG_ID} for {day:%Y-%m-%d}: airflow dags test") as this:
        said = airflow("dags", "test", DAG_ID, f"{midnight:%Y-%m-%d}")
        this.result = "\n  ".join(said)
    with step("Read back what is in S3") as this:
        found = read_back(s3)
        this.result = f"{len(found)} objects, {sum(len(one.rows) for one in found):,} rows"
    with step("Compare every field of every row with what the exchange holds") as this:
        compare(found, sandbox["url"], midnight)
        this.result = "no row is missing, none is there twice, none is different"

    show(found, day)
    show_what_next()


# ------------------------------------------------------------------------------------------------------ surroundings


def isolate() -> None:
    """Forget what this machine's user has set up for Airflow, AWS and proxies: the demo touches none of it."""
    for name in list(os.environ):
        if name.startswith(("AIRFLOW_", "AWS_", "KUCOIN_", "PYTHONDONTWRITEBYTECODE")):
            del os.environ[name]
    os.environ |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")


def airflow_settings(home: str, connection: dict[str, Any], s3_url: str) -> dict[str, str]:
    """Return the environment of an Airflow that knows the two servers."""
    return {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags_examples"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW_CONN_KUCOIN_DEFAULT": json.dumps(connection),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws_connection(s3_url)),
        "KUCOIN_LAKE_BUCKET": BUCKET,
    }


def aws_connection(s3_url: str) -> dict[str, Any]:
    """Return an Airflow connection to the S3 server."""
    return {
        "conn_type": "aws",
        "login": "demo-key",
        "password": "demo-secret",
        "extra": {"endpoint_url": s3_url, "region_name": "us-east-1"},
    }


@contextmanager
def process(*command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a group of its own, and stop the whole group at the end, however that comes."""
    # In a group of its own, Ctrl-C reaches this process alone, which then stops the others in order.
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True, start_new_session=True, **options) as started:
        try:
            yield started
        finally:
            for number in (signal.SIGTERM, signal.SIGKILL):
                if started.poll() is None:
                    os.killpg(started.pid, number)
                    try:
                        started.wait(5)
                    except subprocess.TimeoutExpired:
                        continue


@contextmanager
def sandbox_exchange(*options: str) -> Iterator[dict[str, Any]]:
    """Run the sandbox on a free port, or as the options say, and return what it says of itself."""
    command = (sys.executable, "-m", "airflow_provider_kucoin.testing", "--json", *(options or ("--port", "0")))
    with process(*command, stdout=subprocess.PIPE) as started:
        line = started.stdout.readline() if started.stdout else ""
        if not line:
            raise Failed("the sandbox exchange did not start; its own words are above")
        yield json.loads(line)


@contextmanager
def s3_server() -> Iterator[tuple[str, Any]]:
    """Run an S3 server with one empty bucket on a free port, and return its URL and a client."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="demo-key",
            aws_secret_access_key="demo-secret",  # noqa: S106 - moto's server takes any
        )
        client.create_bucket(Bucket=BUCKET)
        yield url, client
    finally:
        server.stop()


def airflow(*arguments: str) -> list[str]:
    """Run an Airflow command to its end, with its output in the log, and return what the operators said."""
    give_up_at = time.monotonic() + PATIENCE
    with LOG.open("a") as log:
        log.write(f"$ airflow {' '.join(arguments)}\n")
        log.flush()
        begins_at = log.tell()
        with process(sys.executable, "-m", "airflow", *arguments, stdout=log, stderr=log) as started:
            while started.poll() is None and time.monotonic() < give_up_at:
                time.sleep(0.1)
                # Airflow would try again in five minutes; what is wrong here then is still wrong.
                if "Task failed with exception" in said_since(begins_at):
                    break
    said = said_since(begins_at)
    if started.returncode:
        tail = "\n".join(said.splitlines()[-40:])
        raise Failed(f"airflow {' '.join(arguments)} did not succeed. The end of {LOG}:\n\n{tail}")
    return [
        re.sub(r"s3://\S+/", "", line[line.index("]") + 1 :].partition(" [airflow.task")[0].strip())
        for line in said.splitlines()
        if "KucoinLedgerToS3Operator" in line and ("] window [" in line or "] wrote s3://" in line)
    ]


def said_since(position: int) -> str:
    """Return the log from a position on."""
    with LOG.open(errors="replace") as log:
        log.seek(position)
        return log.read()


# ----------------------------------------------------------------------------------------------- reading and comparing


def read_back(s3: Any) -> list[Written]:
    """Return all objects of the bucket, and keep a copy of each."""
    found = []
    for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        key = entry["Key"]
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        copy = KEPT / "s3" / BUCKET / key
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(body)
        account = key.partition("account=")[2].partition("/")[0]
        found.append(Written(key, entry["Size"], account, rows_of(key, body)))
    return found


def rows_of(key: str, body: bytes) -> list[dict[str, Any]]:
    """Return an object's rows, amounts as ``Decimal`` and times with a zone, whatever its format."""
    if key.endswith(".parquet"):
        import pyarrow.parquet as pq

        rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(body)).to_pylist()
        return rows
    return [
        {
            **row,
            **{name: Decimal(row[name]) for name in ("amount", "fee", "balance")},
            "created_at": datetime.fromisoformat(row["created_at"]),
        }
        for row in map(json.loads, gzip.decompress(body).splitlines())
    ]


def compare(found: Sequence[Written], sandbox_url: str, midnight: datetime) -> None:
    """Raise :class:`Failed` unless the objects hold exactly what the exchange does for the day before midnight."""
    wrong = []
    for begin, currencies in OBJECTS.items():
        matching = [one for one in found if one.key.startswith(begin)]
        if len(matching) != 1:
            wrong.append(f"{len(matching)} objects below {begin}, should be 1")
        for one in matching:
            entries = [
                entry
                for entry in truth(sandbox_url, midnight, one.account)
                if currencies is None or entry["currency"] in currencies
            ]
            if not entries:
                wrong.append(f"the exchange has no rows for {one.key}: nothing to compare with")
            wrong += [f"{one.key}: {words}" for words in differences(entries, one.rows, one.account)]
    wrong += [f"nobody asked for {one.key}" for one in found if not one.key.startswith(tuple(OBJECTS))]
    if wrong:
        lines = "\n  ".join(wrong[:20])
        raise Failed(f"{len(wrong)} difference(s) between S3 and the exchange:\n  {lines}")


def truth(sandbox_url: str, midnight: datetime, account: str) -> list[dict[str, Any]]:
    """Return the exchange's rows of the day before midnight, not through the API that the provider uses."""
    end = int(midnight.timestamp()) * 1000
    url = f"{sandbox_url}/__sandbox__/ledger?start={end - 86_400_000}&end={end}&uid={account}"
    with build_opener(ProxyHandler({})).open(url, timeout=60) as answer:
        return [json.loads(line) for line in answer]


# ------------------------------------------------------------------------------------------------------------- showing


def show(found: Sequence[Written], day: datetime) -> None:
    """Print what a person wants to see of the objects."""
    heading(f"Written to s3://{BUCKET}")
    for one in found:
        print(f"{len(one.rows):>7,} rows {one.size:>9,} bytes  {one.key.rpartition('/')[0]}/")
        print(f"{'':>26}{one.key.rpartition('/')[2]}")
    whole = next(one for one in found if one.key.endswith(".parquet"))

    heading(f"First rows of {day:%A, %d %B %Y}")
    names = ("created_at", "currency", "direction", "amount", "biz_type", "account_type")
    first = [[f"{row['created_at']:%H:%M:%S.%f}"[:-3], *(row[name] for name in names[1:])] for row in whole.rows[:8]]
    print(*table(names, first), sep="\n")

    heading("Totals by currency, exact")
    currencies = sorted({row["currency"] for row in whole.rows})
    totals = [
        [code, sum(row["currency"] == code for row in whole.rows), *in_and_out(whole.rows, code)] for code in currencies
    ]
    print(*table(("currency", "rows", "in", "out"), totals), sep="\n")

    heading("Rows by business type")
    counted = Counter(row["biz_type"] for row in whole.rows).most_common()
    half = (len(counted) + 1) // 2
    left, right = (table(("business type", "rows"), part) for part in (counted[:half], counted[half:]))
    print(*side_by_side(left[1:], right[1:]), sep="\n")


def in_and_out(rows: Sequence[dict[str, Any]], currency: str) -> tuple[Decimal, Decimal]:
    """Return what came in and what went out."""
    came, went = (
        sum((row["amount"] for row in rows if (row["currency"], row["direction"]) == (currency, way)), Decimal(0))
        for way in ("in", "out")
    )
    return came, went


def show_what_next() -> None:
    """Print where things are and what to do with a real account."""
    heading("Where things are")
    print(f"  {KEPT.name}/s3/{BUCKET}/   a copy of the bucket: look into it with any Parquet reader")
    print(f"  {LOG.relative_to(ROOT)}       all that Airflow said")
    print("  The servers are stopped and the Airflow home is gone; the next run replaces the rest.")

    heading("Next, with an account of your own")
    print("  1. On KuCoin's API-management page make a key with the permission General, nothing else, and put")
    print("     your worker's address on its IP whitelist.")
    print("  2. Tell Airflow, and let the key doctor look at it:")
    print('       export AIRFLOW_CONN_KUCOIN_DEFAULT=\'{"conn_type": "kucoin", "login": "<API key>",')
    print('         "password": "<API secret>", "extra": {"passphrase": "<API passphrase>"}}\'')
    print("       AIRFLOW__CORE__TEST_CONNECTION=Enabled airflow connections test kucoin_default")
    print("  3. Copy dags_examples/example_kucoin_ledger_to_s3.py to your DAGs folder, and name your bucket")
    print("     in KUCOIN_LAKE_BUCKET.")


if __name__ == "__main__":
    sys.exit(main())
