"""`python -m airflow_provider_kucoin.testing`: run the exchange by itself."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import Exchange, Server, Step
from airflow_provider_kucoin.testing.histories import DATASETS
from airflow_provider_kucoin.testing.ledger_kinds import NAMES
from airflow_provider_kucoin.testing.synthetic_running import LEDGERS as RUNNING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kucoin.testing import ApiKey

DAY_MS: Final = 86_400_000

# With --allow-withdrawals: half a minute from one end to the other.
_LIFE_CYCLE: Final = (
    Step("REVIEW"),
    Step("PROCESSING", after_ms=5_000),
    Step("WALLET_PROCESSING", after_ms=10_000),
    Step("SUCCESS", after_ms=15_000),
)

_BANNER: Final = """\
A KuCoin to test against is at {url}, its futures host at {futures_url}
It is not KuCoin, and nothing in it is money.

Airflow connects to it with this:

  export AIRFLOW_CONN_KUCOIN_DEFAULT={connection}
{others}
Of {days} days, today until now included, it holds: {rows}. Try:

  curl {url}/api/v1/timestamp
  curl {url}/__sandbox__/stats

Ctrl-C stops it.
"""

# What hist-deposits and hist-withdrawals tell of ends on 2019-02-18.
_OLD_HISTORIES: Final = ("hist_deposits", "hist_withdrawals")
_OLD_START_MS: Final = 1_548_979_200_000  # 2019-02-01
_ALL: Final = "all"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted."""
    options = _parser().parse_args(arguments)
    exchange = Exchange(seed=options.seed, vip=options.vip, enforce_quota=not options.no_quota)
    exchange.requests.enabled = False  # the totals are enough here, and a long run would only fill memory
    exchange.account_mode = options.account_mode
    for currency, main_balance, trade_balance in (
        ("USDT", "10000", "2500.5"),
        ("BTC", "0.75", "0.1"),
        ("KCS", "120", "0"),
    ):
        exchange.balances.set(currency, "main", main_balance)
        exchange.balances.set(currency, "trade", trade_balance)
    now = exchange.now_ms()
    start = (now // DAY_MS - options.days + 1) * DAY_MS
    rows = _fill(exchange, options, start, now)
    if options.allow_withdrawals is not None:
        exchange.allow_withdrawals(*options.allow_withdrawals)
        exchange.life_cycle = _LIFE_CYCLE

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    futures_port = options.futures_port
    if futures_port is None:
        futures_port = options.port + 1 if options.port else 0
    server = Server(exchange, options.host, options.port, latency=options.latency_ms / 1000, futures_port=futures_port)
    try:
        server.start()
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}, ports {options.port} and {futures_port}: {error}\n")
        return 1
    moves_money: dict[str, Any] = {} if options.allow_withdrawals is None else {"withdrawals_enabled": True}
    connection = server.connection(**moves_money)
    others = [server.connection(key=key) for key in _sub_accounts(exchange, options.sub_accounts)]
    if options.json:
        line = json.dumps(
            {
                "url": server.url,
                "futures_url": server.futures_url,
                "connection": connection,
                "start_ms": start,
                "now_ms": now,
                "rows": sum(rows.values()),
                "rows_by_name": rows,
                "sub_account_connections": others,
            }
        )
        sys.stdout.write(f"{line}\n")
    else:
        quoted = shlex.quote(json.dumps(connection))
        sys.stdout.write(
            _BANNER.format(
                url=server.url,
                futures_url=server.futures_url,
                connection=quoted,
                others="".join(
                    f"  export AIRFLOW_CONN_KUCOIN_SUB{number}={shlex.quote(json.dumps(each))}\n"
                    for number, each in enumerate(others, start=1)
                ),
                rows=", ".join(f"{count:,} rows of {name}" for name, count in rows.items()) or "nothing",
                days=options.days,
            )
        )
    sys.stdout.flush()
    stop.wait()
    server.stop()
    return 0


def _fill(exchange: Exchange, options: argparse.Namespace, start: int, now: int) -> dict[str, int]:
    """Fill the ledgers and histories that were asked for, and return how many rows each of them has."""
    rows = {}
    for ledger in _chosen(options.ledger, NAMES, ["spot"]):
        rows[ledger] = 0
        if ledger == "unified" and exchange.account_mode == "classic":
            exchange.readings.unified_api_for_classic = "served"
        many = options.synthetic_rows if ledger in ("spot", *RUNNING) else 0
        if many:
            # Whole days: those before today are then the same whenever it was started. But who tells a balance tells
            # it of now.
            end = (now // DAY_MS + 1) * DAY_MS if ledger == "spot" else now
            exchange.synthesize_ledger(start, end, rows=many, seed=options.seed, ledger=ledger)
            rows[ledger] += many
        if options.rows_per_day and (ledger == "spot" or not many):
            rows[ledger] += exchange.seed_ledger(
                start, now, rows_per_day=options.rows_per_day, seed=options.seed, ledger=ledger
            )
    for name in _chosen(options.history, DATASETS, []):
        first, last = (_OLD_START_MS, _OLD_START_MS + DAY_MS) if name in _OLD_HISTORIES else (start, now)
        rows[name] = exchange.histories.seed(name, first, last, rows=options.rows_per_day, seed=options.seed)
    return rows


def _chosen(wanted: list[str] | None, known: Sequence[str], default: list[str]) -> Sequence[str]:
    return known if _ALL in (wanted or ()) else list(dict.fromkeys(wanted or default))


def _sub_accounts(exchange: Exchange, count: int) -> list[ApiKey]:
    """Have so many sub-accounts, and return a key of each."""
    keys = []
    for number in range(1, count + 1):
        uid = exchange.key.uid + number
        exchange.add_sub_account(uid, name=f"sandbox{number}")
        exchange.balances.set("USDT", "main", f"{100 * number}", uid=uid)
        own = Exchange(seed=exchange.key.uid + number).key
        keys.append(
            exchange.add_key(
                replace(own, uid=uid, is_master=False, sub_name=f"sandbox{number}", parent_uid=exchange.key.uid)
            )
        )
    return keys


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_kucoin.testing", description="Run a KuCoin to test against."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="port; 0 takes any free one (default: %(default)s)")
    parser.add_argument("--futures-port", type=int, help="port of the futures host (default: the one after --port)")
    parser.add_argument("--days", type=int, default=3, help="days of ledger, today included (default: %(default)s)")
    parser.add_argument(
        "--ledger",
        action="append",
        choices=(*NAMES, _ALL),
        help="a ledger to fill: spot, trade_hf, margin_hf, futures, unified, or all; more than once (default: spot)",
        metavar="NAME",
    )
    parser.add_argument(
        "--history",
        action="append",
        choices=(*DATASETS, _ALL),
        help="a history to fill, such as deposits or spot_fills, or all; more than once (default: none)",
        metavar="NAME",
    )
    parser.add_argument(
        "--rows-per-day", type=int, default=2000, help="about so many a day, or in a history (default: %(default)s)"
    )
    parser.add_argument(
        "--synthetic-rows",
        type=int,
        default=0,
        help="so many over the same days, computed as asked for: beside the others in spot, instead of them in "
        "trade_hf and futures",
    )
    parser.add_argument(
        "--account-mode", choices=("classic", "unified"), default="classic", help="(default: %(default)s)"
    )
    parser.add_argument("--sub-accounts", type=int, default=0, help="so many, each with a key of its own", metavar="N")
    parser.add_argument("--seed", type=int, default=7, help="of the rows and the key (default: %(default)s)")
    parser.add_argument(
        "--vip", type=int, default=0, choices=range(13), help="VIP level, for rate limits", metavar="0-12"
    )
    parser.add_argument("--no-quota", action="store_true", help="count weight, but limit nobody, and tell of no quota")
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
