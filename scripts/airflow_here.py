"""
A whole Airflow on this machine, to look at and to play with: `make airflow`.

Its own processes, its own interface, all example DAGs; instead of KuCoin and S3 the package's sandbox exchange and
moto's S3 server. Nothing of it stays when it is stopped.
"""

from __future__ import annotations

import argparse
import json
import secrets
import signal
import socket
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_deployment import Airflow3
from airflow_servers import SQLite, free_port
from demo import BUCKET, ROOT, Failed, aws_connection, isolate, s3_server, sandbox_exchange
from terminal import heading, step, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

USER = "admin"
PORT = 8080
#: Days of ledger in the sandbox, today included.
DAYS = 6
LEDGERS = ("spot", "trade_hf", "margin_hf", "futures")
#: No withdrawals: those of today would count against the limit of a day.
HISTORIES = ("deposits", "spot_fills")
#: Whom the example DAGs pay. Addresses with a right check sum, which nobody has the keys of.
DESTINATIONS = {
    alias: {"currency": "USDT", "chain": "trx", "address": address}
    for alias, address in {
        "cold-wallet": "TNPeeaaFB7K9cmo4uQpcU32zGK8G1NYqeL",
        "alice": "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8",
        "bob": "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf",
    }.items()
}
LIMITS = {"USDT": {"per_withdrawal": "5000", "per_day": "20000"}}
#: Where the ledger example begins to catch up: in the sandbox there is nothing before its first day.
START = "start_date=datetime(2026, 1, 1, tzinfo=UTC)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until somebody stops it, and return the process's exit status."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        with ExitStack() as running:
            try:
                serve(running, options)
            finally:
                # Whoever is in a hurry presses Ctrl-C twice; what was started is to be stopped all the same.
                _be_deaf()
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
    except (Failed, RuntimeError, TimeoutError) as problem:
        print(f"\n{styled('This failed:', 'red')} {problem}", file=sys.stderr)
        return 1
    return 0


def serve(running: ExitStack, options: argparse.Namespace) -> None:
    """Start everything, say what there is, and wait; what was started is stopped by ``running``."""
    isolate()
    home = tempfile.TemporaryDirectory(prefix="kucoin-airflow-", ignore_cleanup_errors=True)
    folder = Path(running.enter_context(home))
    port = options.port or (PORT if _is_free(PORT) else free_port())
    print(styled("A whole Airflow, a KuCoin to test against and S3, on this machine alone\n", "bold"))
    with step("Start the sandbox exchange") as this:
        sandbox = running.enter_context(sandbox_exchange(*sandbox_options()))
        this.result = f"{sandbox['url']}, {sandbox['rows']:,} rows of {DAYS} days"
    with step("Start an S3 server (moto)") as this:
        s3_url, _ = running.enter_context(s3_server())
        this.result = f"{s3_url}, bucket {BUCKET}"
    airflow = deployment(folder, port)
    running.callback(airflow.stop, gently=True)
    with step("Start Airflow: API server, scheduler, DAG processor, triggerer") as this:
        airflow.open()
        this.result = f"{len(list(airflow.dags.glob('*.py')))} example DAGs"
    with step("Make connections, a pool and a variable") as this:
        furnish(airflow, sandbox["connection"], s3_url)
        this.result = "kucoin_default, aws_default; pool kucoin; variable kucoin_lake_bucket"
    facts = {
        "url": airflow.url,
        "user": USER,
        "password": airflow.login[1],
        "sandbox": sandbox,
        "s3": s3_url,
        "bucket": BUCKET,
        "home": str(folder),
    }
    show(facts)
    if options.json:
        print(json.dumps(facts), flush=True)
    while not (ended := airflow.ended()):
        time.sleep(1)
    raise Failed(f"{', '.join(ended)} ended by itself.\n{airflow.logs()[-4000:]}")


def sandbox_options() -> list[str]:
    """Return the sandbox's options: several days of all ledgers, and withdrawals that settle in half a minute."""
    options = ["--port", "0", "--days", str(DAYS), "--rows-per-day", "1000", "--allow-withdrawals"]
    for option, names in (("--ledger", LEDGERS), ("--history", HISTORIES)):
        options += [part for name in names for part in (option, name)]
    return options


class Here(Airflow3):
    """The Airflow of this command, with one user."""

    def __init__(self, folder: Path, port: int) -> None:
        self.login = (USER, secrets.token_urlsafe(9))
        settings = {
            "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            "KUCOIN_LAKE_BUCKET": BUCKET,
        }
        database = SQLite(folder / "airflow.db")
        super().__init__(folder, Path(sys.executable).parent, database, settings, login=self.login, port=port)


def deployment(folder: Path, port: int) -> Here:
    """Return an Airflow that is not started yet, with all examples; they begin when the sandbox's ledger does."""
    airflow = Here(folder, port)
    first = datetime.now(UTC) - timedelta(days=DAYS - 1)
    for path in sorted((ROOT / "dags_examples").glob("*.py")):
        changes = {START: f"start_date=datetime({first.year}, {first.month}, {first.day}, tzinfo=UTC)"}
        airflow.load(path.name, changes if START in path.read_text() else {})
    return airflow


def furnish(airflow: Airflow3, kucoin: dict[str, Any], s3_url: str) -> None:
    """Give it what the examples need, where the interface shows it, and let them run."""
    extra = {**kucoin["extra"], "withdraw_destinations": DESTINATIONS, "withdraw_limits": LIMITS}
    url = urlsplit(kucoin["host"])
    # With its port apart: Airflow 3.3's button that tests a connection refuses those whose port is empty.
    where = {"host": f"{url.scheme}://{url.hostname}", "port": url.port}
    described = {
        "kucoin_default": ({**kucoin, **where, "extra": extra}, "The sandbox exchange; nothing in it is money"),
        "aws_default": (aws_connection(s3_url), "moto's S3 server on this machine"),
    }
    for name, (connection, description) in described.items():
        fields = {**connection, "connection_id": name, "description": description}
        airflow.ask("POST", "/api/v2/connections", {**fields, "extra": json.dumps(connection["extra"])})
    airflow.ask("POST", "/api/v2/pools", {"name": "kucoin", "slots": 4, "description": "reads from KuCoin"})
    airflow.ask("POST", "/api/v2/variables", {"key": "kucoin_lake_bucket", "value": BUCKET})
    airflow.unpause_all()


def show(facts: dict[str, Any]) -> None:
    """Print where it is, and what to do there."""
    heading("Airflow")
    for name in ("url", "user", "password"):
        print(f"  {name:<10}{styled(facts[name], 'bold')}")
    sandbox = facts["sandbox"]["url"]
    deposit = '{"currency": "USDT", "amount": "150", "chain": "trx"}'
    heading("What to try")
    print("  kucoin_ledger_to_s3   is catching up the last days; trigger it for one more, and look at what it returns")
    print("  kucoin_treasury       trigger it, then approve the withdrawal under Required Actions in its run;")
    print("                        the task withdraw links to KuCoin's page and to a block explorer")
    print("  kucoin_payouts        three payouts, each with a wait of its own in the triggerer")
    print("  kucoin_all_ledgers    four ledgers, and the proof that no row is missing")
    print("  kucoin_deposit        waits in the triggerer until money comes in; how to bring that about is said below")
    print("  kucoin_backfill       Trigger > Backfill, for the last days")
    print("  Admin > Connections   kucoin_default: its form, and the button that tests the key")
    heading("Around it")
    print(f"  money comes in        curl -X POST {sandbox}/__sandbox__/deposits -d '{deposit}'")
    print(f'  KuCoin breaks down    curl -X POST {sandbox}/__sandbox__/faults -d \'{{"fault": "BAD_GATEWAY"}}\'')
    print(f"  what was asked        curl {sandbox}/__sandbox__/stats")
    print(f"  the lake              {facts['s3']}/{facts['bucket']}")
    print(f"  logs                  {facts['home']}")
    print("\nCtrl-C stops everything, and nothing of it stays.", flush=True)


def _be_deaf() -> None:
    print("\nStopping; this takes some seconds.", file=sys.stderr)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _is_free(port: int) -> bool:
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Run a whole Airflow with the sandbox, until Ctrl-C.")
    parser.add_argument("--port", type=int, help=f"of the interface (default: {PORT}, or any free one)")
    parser.add_argument("--json", action="store_true", help="also say where everything is as one line of JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
