"""`kucoin-plan`, as a person runs it: in a process of its own, with the connection in the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY, TODAY

from airflow_provider_kucoin.api.ledgers import LEDGERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Command = Callable[..., subprocess.CompletedProcess[str]]

#: Nine days of which the last is yesterday; the exchange's clock stands at noon of 2026-02-03.
RANGE = ("--start", "2026-01-25", "--end", "2026-02-03")


@pytest.fixture
def command(connection: dict[str, Any]) -> Command:  # noqa: ARG001 - it is there
    """Run the command, and return what came of it."""

    def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - this package's own command
            [Path(sys.executable).with_name("kucoin-plan"), *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return command


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def _tables(text: str) -> list[list[list[str]]]:
    """Return the parts of a plan, each as lines of cells."""
    return [[_cells(line) for line in part.splitlines()] for part in text.split("\n\n")]


@pytest.mark.parametrize(
    ("vip", "management", "spot"), [(0, "2,000 per 30 s", "4,000 per 30 s"), (5, "7,000", "16,000")]
)
def test_a_plan_of_all_ledgers_tells_what_they_take_and_what_is_lost(
    exchange: Exchange, command: Command, vip: int, management: str, spot: str
) -> None:
    exchange.readings.unified_api_for_classic = "served"
    for pool in ("Management", "Spot", "Futures"):
        quota = type(exchange)(vip=vip).quota(pool)
        exchange.set_quota(pool, quota.limit, quota.window_ms)
    for ledger in LEDGERS:
        exchange.seed_ledger(TODAY - 9 * DAY, TODAY, rows_per_day=60, ledger=ledger)
    done = command(*RANGE)
    assert (done.returncode, done.stderr) == (0, "")
    plans, pools, notes = _tables(done.stdout)

    head, *lines = plans
    assert head == ["dataset", "days to read", "days lost", "rows, about", "calls", "weight", "next loss"]
    found = {name: rest for name, *rest in lines}
    assert list(found) == list(LEDGERS)
    assert found["spot"][:2] == ["9", "0"]
    assert 400 <= int(found["spot"][2]) <= 700
    assert found["spot"][3:5] == ["18", "36"]
    assert found["spot"][5] == "in 8,532 h (355 days), 2027-01-25T00:00:00Z"
    for name in ("trade_hf", "margin_hf"):
        assert found[name][:2] == ["2", "7"]
        assert found[name][5] in {"in 12.0 h, 2026-02-04T00:00:00Z", "in 11.9 h, 2026-02-04T00:00:00Z"}

    assert pools[0] == ["pool", "weight", "quota of the key", "time that it takes at the least"]
    quotas = {name: quota for name, _, quota, _ in pools[1:]}
    assert quotas["Management"].startswith(management)
    assert quotas["Spot"].startswith(spot)
    assert {time for *_, time in pools[1:]} == {"no waiting for quota"}
    assert ["trade_hf ledger: 7 of 9 days of the range are lost: KuCoin keeps the last 3 days"] in notes


def test_a_range_that_takes_several_windows_of_the_quota_tells_how_long_they_last(command: Command) -> None:
    done = command("spot", *RANGE, "--rows-per-day", "1000000")
    assert (done.returncode, done.stderr) == (0, "")
    [plan, pool] = [table[1] for table in _tables(done.stdout)]
    assert plan[:6] == ["spot", "9", "0", "9,000,000", "18,009", "36,018"]
    assert pool == ["Management", "36,018", "2,000 per 30 s", "9 min"]


@pytest.mark.usefixtures("exchange")
def test_of_all_ledgers_the_one_that_a_classic_account_has_not_is_left_out_with_a_word(command: Command) -> None:
    done = command(*RANGE)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["spot", "trade_hf", "margin_hf", "futures"]
    assert lines[-1].startswith("unified ledger: left out: GET /api/ua/v1/account/ledger: KuCoin code 112010")


def test_a_unified_account_is_planned_without_the_classic_ledgers(exchange: Exchange, command: Command) -> None:
    exchange.account_mode = "unified"
    done = command(*RANGE)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()[:2]] == ["dataset", "unified"]
    assert done.stdout.count("left out: ") == 4


def test_histories_are_planned_for_what_they_are_narrowed_down_to(exchange: Exchange, command: Command) -> None:
    exchange.histories.seed("spot_fills", TODAY - 2 * DAY, TODAY, rows=50, seed=3)
    done = command("spot_fills", "deposits", *RANGE, "--symbol", "BTC-USDT,ETH-USDT", "--currency", "USDT")
    assert (done.returncode, done.stderr) == (0, "")
    fills, deposits = (_cells(line) for line in done.stdout.splitlines()[1:3])
    assert fills[:3] == ["spot_fills", "2", "7"]
    assert deposits[:6] == ["deposits", "9", "0", "0", "9", "45"]
    assert deposits[6] == "not documented"


def test_help_says_what_there_is() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "airflow_provider_kucoin.planning", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for word in (*LEDGERS, "spot_fills", "--rows-per-day", "--conn-id", "kucoin_default"):
        assert word in done.stdout
    # Nobody waits seconds for it.
    assert "airflow.sdk" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("spott", *RANGE), "'spott' is not one of 'spot', 'trade_hf'"),
        (("--start", "2026-01-25"), "the following arguments are required: --end"),
        (("spot", "--start", "soon", "--end", "2026-02-03"), "start='soon' is not a time"),
        (("spot", "--start", "2026-02-03", "--end", "2026-01-25"), "the start must be before the end"),
        (("spot", "--start", "2027-01-25", "--end", "2027-02-03"), "is in the future"),
        (("spot", *RANGE, "--rows-per-day", "many"), "argument --rows-per-day: invalid float value: 'many'"),
        (("spot", *RANGE, "--rows-per-day", "-5"), "rows_per_day=-5.0 is no number of rows"),
        (("spot", *RANGE, "--symbol", "BTC-USDT"), "none of these takes --symbol: spot"),
        (("spot_fills", *RANGE), "symbol is missing"),
        (("klines", *RANGE, "--symbol", "BTC-USDT", "--interval", "2min"), "interval='2min' is not one of '1min'"),
        (("spot", *RANGE, "--conn-id", "kucoin_nowhere"), "The conn_id `kucoin_nowhere` isn't defined"),
        (("unified", *RANGE), "KuCoin code 112010"),
        (("deposits", *RANGE), "currency"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None,
)
def test_what_cannot_be_planned_is_said_in_one_line(command: Command, arguments: tuple[str, ...], said: str) -> None:
    done = command(*arguments)
    assert done.returncode in {1, 2}
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("kucoin-plan: ")
    assert said in line


def test_a_key_that_kucoin_does_not_know_is_said_in_one_line(exchange: Exchange, command: Command) -> None:
    exchange.remove_key(exchange.key)
    done = command(*RANGE)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "KuCoin code 400003" in line
    assert exchange.key.secret not in line
