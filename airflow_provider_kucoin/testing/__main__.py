"""`python -m airflow_provider_kucoin.testing`: run the exchange by itself."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing import Exchange, Server, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY_MS: Final = 86_400_000

# With --allow-withdrawals: half a minute from one end to the other.
_LIFE_CYCLE: Final = (
    Step("REVIEW"),
    Step("PROCESSING", after_ms=5_000),
    Step("WALLET_PROCESSING", after_ms=10_000),
    Step("SUCCESS", after_ms=15_000),
)

_BANNER: Final = """\
A KuCoin to test against is at {url}
It is not KuCoin, and nothing in it is money.

Airflow connects to it with this:

  export AIRFLOW_CONN_KUCOIN_DEFAULT={connection}

Its ledger holds {rows} rows of {days} days, today until now included. Try:

  curl {url}/api/v1/timestamp
  curl {url}/__sandbox__/stats

Ctrl-C stops it.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted."""
    options = _parser().parse_args(arguments)
    exchange = Exchange(seed=options.seed, vip=options.vip, enforce_quota=not options.no_quota)
    exchange.requests.enabled = False  # the totals are enough here, and a long run would only fill memory
    now = exchange.now_ms()
    start = (now // DAY_MS - options.days + 1) * DAY_MS
    rows = 0
    if options.rows_per_day:
        rows = exchange.seed_ledger(start, now, rows_per_day=options.rows_per_day, seed=options.seed)
    if options.synthetic_rows:
        # Whole days: those before today are then the same whenever it was started.
        exchange.synthesize_ledger(start, (now // DAY_MS + 1) * DAY_MS, rows=options.synthetic_rows, seed=options.seed)
        rows += options.synthetic_rows
    for currency, main_balance, trade_balance in (
        ("USDT", "10000", "2500.5"),
        ("BTC", "0.75", "0.1"),
        ("KCS", "120", "0"),
    ):
        exchange.balances.set(currency, "main", main_balance)
        exchange.balances.set(currency, "trade", trade_balance)
    if options.allow_withdrawals is not None:
        exchange.allow_withdrawals(*options.allow_withdrawals)
        exchange.life_cycle = _LIFE_CYCLE

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    server = Server(exchange, options.host, options.port, latency=options.latency_ms / 1000)
    try:
        server.start()
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error}\n")
        return 1
    moves_money = {} if options.allow_withdrawals is None else {"withdrawals_enabled": True}
    connection = server.connection(**moves_money)
    if options.json:
        line = json.dumps({"url": server.url, "connection": connection, "start_ms": start, "now_ms": now, "rows": rows})
        sys.stdout.write(f"{line}\n")
    else:
        quoted = shlex.quote(json.dumps(connection))
        sys.stdout.write(_BANNER.format(url=server.url, connection=quoted, rows=f"{rows:,}", days=options.days))
    sys.stdout.flush()
    stop.wait()
    server.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_kucoin.testing", description="Run a KuCoin to test against."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="port; 0 takes any free one (default: %(default)s)")
    parser.add_argument("--days", type=int, default=3, help="days of ledger, today included (default: %(default)s)")
    parser.add_argument("--rows-per-day", type=int, default=2000, help="about so many a day (default: %(default)s)")
    parser.add_argument(
        "--synthetic-rows", type=int, default=0, help="so many more over the same days, computed as asked for"
    )
    parser.add_argument("--seed", type=int, default=7, help="of the ledger and the key (default: %(default)s)")
    parser.add_argument(
        "--vip", type=int, default=0, choices=range(13), help="VIP level, for rate limits", metavar="0-12"
    )
    parser.add_argument("--no-quota", action="store_true", help="count weight, but limit nobody")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="wait so long before every answer")
    parser.add_argument(
        "--allow-withdrawals",
        nargs="*",
        metavar="IP",
        help="let the key move money, from these addresses (default: 127.0.0.1); withdrawals then settle by themselves",
    )
    parser.add_argument("--json", action="store_true", help="say where it is as one line of JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
