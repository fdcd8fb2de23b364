"""The socket, the command, the control paths, the plugin: everything around the exchange."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_kucoin import testing
from airflow_provider_kucoin.testing import Exchange, Fault, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
DAY_MS = 86_400_000
DAY = 1_769_990_400_000
# Child processes find the package as this one does, and nothing else of the surrounding configuration.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def test_the_connection_is_what_airflow_reads(server: Server) -> None:
    key = server.exchange.key
    assert server.connection(timeout=3) == {
        "conn_type": "kucoin",
        "host": server.url,
        "login": key.key,
        "password": key.secret,
        "extra": {"passphrase": key.passphrase, "futures_host": server.futures_url, "timeout": 3},
    }


def test_it_answers_through_the_socket(server: Server, http: Any) -> None:
    server.exchange.book(created_at=DAY, id="a", extra={"note": "März"})
    answer = http("/api/v1/accounts/ledgers", {"startAt": DAY, "endAt": DAY})
    assert answer.headers["Content-Type"] == "application/json"
    assert [item["note"] for item in answer.json()["data"]["items"]] == ["März"]


def test_each_host_answers_its_own_paths_and_those_of_both(server: Server, http: Any) -> None:
    assert server.url != server.futures_url
    paths = ("/api/v1/status", "/api/v1/timestamp", "/api/v1/accounts", "/api/v1/my-ip")
    assert [http(path).status_code for path in paths] == [200, 200, 200, 200]
    assert [http(path, futures=True).status_code for path in paths] == [200, 200, 404, 404]
    assert [record.futures for record in server.exchange.requests] == [False] * 4 + [True] * 4


def test_both_hosts_have_the_control_paths(server: Server) -> None:
    for url in (server.url, server.futures_url):
        assert requests.get(f"{url}/__sandbox__/stats", timeout=5).json()["requests"] == 0


def test_it_can_be_stopped_and_started_again() -> None:
    server = Server(Exchange())
    for _ in range(2):
        with server:
            for url in (server.url, server.futures_url):
                assert requests.get(f"{url}/api/v1/status", timeout=5).json()["data"]["status"] == "open"
        for url in (server.url, server.futures_url):
            with pytest.raises(requests.ConnectionError):
                requests.get(f"{url}/api/v1/status", timeout=5)


def test_it_cannot_be_started_twice(server: Server) -> None:
    with pytest.raises(RuntimeError):
        server.start()


def test_a_port_that_is_taken_is_an_error_where_it_was_asked_for(server: Server) -> None:
    for ports in ({"port": server.port}, {"futures_port": server.port}):
        with pytest.raises(OSError, match="address already in use"):
            Server(Exchange(), **ports).start()


def test_many_may_ask_at_once(server: Server, http: Any) -> None:
    exchange = server.exchange
    threads = [threading.Thread(target=lambda: http("/api/v1/accounts")) for _ in range(8)]
    booking = threading.Thread(target=lambda: [exchange.book(created_at=DAY) for _ in range(200)])
    for thread in (*threads, booking):
        thread.start()
    for thread in (*threads, booking):
        thread.join()
    assert [record.code for record in exchange.requests] == ["200000"] * 8
    assert len(list(exchange.entries(DAY, DAY + 1))) == 200


def test_the_log_tells_what_was_asked(server: Server, http: Any) -> None:
    http("/api/v1/accounts/ledgers", {"currency": "BTC,USDT", "startAt": DAY, "endAt": DAY})
    (record,) = server.exchange.requests
    assert (record.method, record.path) == ("GET", "/api/v1/accounts/ledgers")
    assert record.params == {"currency": "BTC,USDT", "startAt": str(DAY), "endAt": str(DAY)}
    assert (record.http_status, record.code, record.weight, record.pool) == (200, "200000", 2, "Management")
    assert record.at_ms == server.exchange.now_ms()


def test_the_log_can_be_switched_off_and_still_counts(exchange: Exchange, ask: Any) -> None:
    exchange.requests.enabled = False
    ask("/api/v1/accounts")
    ask("/api/v1/accounts", headers={"KC-API-SIGN": "wrong"})
    assert list(exchange.requests) == []
    totals = exchange.requests.totals()
    assert (totals["requests"], totals["weight"]) == (2, {"Management": 5})
    assert [(row["code"], row["count"]) for row in totals["by_outcome"]] == [("200000", 1), ("400005", 1)]
    exchange.requests.clear()
    assert exchange.requests.totals()["requests"] == 0


def test_another_process_can_read_the_truth(server: Server) -> None:
    server.exchange.seed_ledger(DAY, DAY + 1000, rows_per_day=5000)
    answer = requests.get(f"{server.url}/__sandbox__/ledger", {"start": DAY, "end": DAY + 1000}, timeout=5)
    assert [json.loads(line) for line in answer.text.splitlines()] == list(server.exchange.entries(DAY, DAY + 1000))


def test_an_empty_truth_is_an_empty_text(server: Server) -> None:
    assert requests.get(f"{server.url}/__sandbox__/ledger", {"start": 0, "end": 1}, timeout=5).text == ""


def test_another_process_can_inject_and_clear_faults(server: Server) -> None:
    faults = f"{server.url}/__sandbox__/faults"
    requests.post(faults, json={"fault": "SERVER_ERROR", "path": "/api/v1/status", "times": None}, timeout=5)
    assert requests.get(f"{server.url}/api/v1/timestamp", timeout=5).status_code == 200
    assert requests.get(f"{server.url}/api/v1/status", timeout=5).status_code == 500
    requests.delete(faults, timeout=5)
    assert requests.get(f"{server.url}/api/v1/status", timeout=5).status_code == 200


def test_another_process_can_read_and_reset_the_counts(server: Server) -> None:
    requests.get(f"{server.url}/api/v1/status", timeout=5)
    assert requests.get(f"{server.url}/__sandbox__/stats", timeout=5).json()["weight"] == {"Public": 3}
    requests.post(f"{server.url}/__sandbox__/reset-stats", timeout=5)
    assert requests.get(f"{server.url}/__sandbox__/stats", timeout=5).json()["requests"] == 0


def test_another_process_can_say_how_withdrawals_end(server: Server) -> None:
    made = server.exchange.add_withdrawal(currency="USDT", amount="1.50", address="T", status="REVIEW")
    withdrawals = f"{server.url}/__sandbox__/withdrawals"
    (found,) = requests.get(withdrawals, timeout=5).json()["withdrawals"]
    assert (found["id"], found["amount"], found["status"]) == (made.id, "1.50", "REVIEW")
    assert (
        requests.post(withdrawals, json={"id": made.id, "status": "WAITING"}, timeout=5).json()["status"] == "WAITING"
    )
    requests.post(withdrawals, json={"id": made.id, "status": "SUCCESS", "wallet_tx_id": "a0"}, timeout=5)
    assert (made.status, made.wallet_tx_id) == ("SUCCESS", "a0")
    answer = requests.post(withdrawals, json={"id": made.id, "status": "FAILURE", "reason": "no"}, timeout=5)
    assert answer.status_code == 400
    assert "has ended in SUCCESS" in answer.json()["error"]


def test_another_process_can_let_deposits_come_in(server: Server) -> None:
    deposits = f"{server.url}/__sandbox__/deposits"
    assert requests.post(deposits, json={"currency": "USDT", "amount": "5"}, timeout=5).json()["status"] == "SUCCESS"
    assert server.exchange.balances.get("USDT", "main").available == "5"


def test_another_process_can_book_and_settle_and_read_any_ledger(server: Server) -> None:
    control = f"{server.url}/__sandbox__"
    for body in (
        {"ledger": "futures", "created_at": DAY, "amount": "0.000000000000000001"},
        {"ledger": "futures", "created_at": DAY, "amount": "5", "status": "Pending"},
    ):
        assert requests.post(f"{control}/book", json=body, timeout=5).status_code == 200
    (settled,) = requests.post(f"{control}/settle-pending", json={"fee": "0.5"}, timeout=5).json()["rows"]
    assert (settled["amount"], settled["fee"]) == ("5", "0.5")
    window = {"start": DAY, "end": DAY + 2 * DAY_MS, "ledger": "futures"}
    lines = requests.get(f"{control}/ledger", window, timeout=5).text.splitlines()
    assert ['"amount":1E-18,' in lines[0], len(lines)] == [True, 2]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "book", '{"created_at": 5, "ledger": "lunar"}', 400),
        ("POST", "withdrawals", '{"id": "nothing", "status": "SUCCESS"}', 400),
        ("POST", "deposits", '{"currency": "USDT", "amount": 5.5}', 400),
        ("POST", "faults", '{"fault": "EARTHQUAKE"}', 400),
        ("POST", "faults", "not json", 400),
        ("GET", "ledger", None, 400),
        ("GET", "nothing", None, 404),
    ],
)
def test_a_wrong_use_of_the_control_paths_is_told(
    server: Server, method: str, path: str, body: str | None, status: int
) -> None:
    answer = requests.request(method, f"{server.url}/__sandbox__/{path}", data=body, timeout=5)
    assert answer.status_code == status
    assert answer.text


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def spawn(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "airflow_provider_kucoin.testing", "--port", "0", *arguments]
        process = subprocess.Popen(  # noqa: S603  our own command
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
        started.append(process)
        return process

    yield spawn
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_full_days_until_it_is_told_to_stop(spawn: Any, how: signal.Signals) -> None:
    process = spawn("--json", "--days", "2", "--rows-per-day", "600")
    ready = json.loads(process.stdout.readline())
    yesterday = (ready["now_ms"] // DAY_MS - 1) * DAY_MS
    window = {"start": yesterday, "end": yesterday + DAY_MS}
    lines = requests.get(f"{ready['url']}/__sandbox__/ledger", window, timeout=5).text.splitlines()
    assert len(lines) >= 600
    assert [json.loads(line)["createdAt"] for line in (lines[0], lines[-1])] == [yesterday, yesterday + DAY_MS - 1]
    assert ready["connection"]["host"] == ready["url"]
    process.send_signal(how)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


def test_the_command_fills_every_ledger_and_history(spawn: Any) -> None:
    process = spawn("--json", "--days", "2", "--rows-per-day", "60", "--ledger", "all", "--history", "all")
    ready = json.loads(process.stdout.readline())
    assert {"spot", "trade_hf", "margin_hf", "futures", "unified", "deposits", "spot_fills"} < ready[
        "rows_by_name"
    ].keys()
    assert min(ready["rows_by_name"].values()) > 0
    assert ready["rows"] == sum(ready["rows_by_name"].values())
    window = {"start": ready["start_ms"], "end": ready["now_ms"]}
    for name in ("trade_hf", "margin_hf", "futures", "unified"):
        url = f"{ready['futures_url']}/__sandbox__/ledger"
        lines = requests.get(url, {**window, "ledger": name}, timeout=5).text.splitlines()
        assert len(lines) == ready["rows_by_name"][name]


def test_the_command_computes_long_ledgers_and_knows_sub_accounts(spawn: Any) -> None:
    process = spawn(
        *("--json", "--days", "2", "--ledger", "trade_hf", "--ledger", "futures"),
        *("--synthetic-rows", "300000", "--sub-accounts", "2"),
    )
    ready = json.loads(process.stdout.readline())
    assert ready["rows_by_name"] == {"trade_hf": 300_000, "futures": 300_000}
    logins = [connection["login"] for connection in ready["sub_account_connections"]]
    assert len({ready["connection"]["login"], *logins}) == 3
    assert {connection["host"] for connection in ready["sub_account_connections"]} == {ready["url"]}


def test_the_command_serves_a_unified_account(spawn: Any) -> None:
    process = spawn("--json", "--account-mode", "unified", "--ledger", "unified", "--rows-per-day", "20")
    assert json.loads(process.stdout.readline())["rows_by_name"].keys() == {"unified"}


def test_the_command_tells_a_person_what_to_do(spawn: Any) -> None:
    process = spawn("--days", "1", "--rows-per-day", "0")
    text = ""
    while "Ctrl-C" not in text:
        text += process.stdout.readline()
    export = next(line for line in text.splitlines() if "AIRFLOW_CONN_KUCOIN_DEFAULT=" in line)
    connection = json.loads(export.partition("='")[2].rstrip("'"))
    assert connection["host"] in text.replace(export, "")
    assert connection["extra"]["futures_host"] in text.replace(export, "")
    assert connection["conn_type"] == "kucoin"


def test_the_command_lets_nobody_withdraw_unless_told_to(spawn: Any) -> None:
    connections = []
    for arguments in ([], ["--allow-withdrawals"]):
        process = spawn("--json", "--rows-per-day", "0", *arguments)
        connections.append(json.loads(process.stdout.readline())["connection"])
    reader, payer = connections
    assert "withdrawals_enabled" not in reader["extra"]
    assert payer["extra"]["withdrawals_enabled"] is True


def test_the_command_fails_when_its_port_is_taken(server: Server) -> None:
    command = [sys.executable, "-m", "airflow_provider_kucoin.testing", "--port", str(server.port), "--rows-per-day=0"]
    result = subprocess.run(  # noqa: S603  our own command
        command, capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=20
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert str(server.port) in result.stderr


def test_the_plugin_gives_every_test_an_exchange_of_its_own(tmp_path: Path) -> None:
    tmp_path.joinpath("test_mine.py").write_text(
        """
import json, os, urllib.request, pytest

urls = set()

@pytest.mark.parametrize("number", [1, 2])
def test_mine(kucoin_exchange, kucoin_server, kucoin_connection, number):
    assert list(kucoin_exchange.entries(0, 10)) == []
    kucoin_exchange.book(created_at=5)
    assert kucoin_server.exchange is kucoin_exchange
    assert json.loads(os.environ["AIRFLOW_CONN_KUCOIN_DEFAULT"]) == kucoin_connection
    for url in (kucoin_connection["host"], kucoin_connection["extra"]["futures_host"]):
        with urllib.request.urlopen(url + "/api/v1/timestamp") as answer:
            assert json.load(answer)["code"] == "200000"
    urls.add(kucoin_server.url)
    assert len(urls) == 1
    assert [record.futures for record in kucoin_exchange.requests] == [False, True]

def test_the_connection_is_gone_afterwards():
    assert "AIRFLOW_CONN_KUCOIN_DEFAULT" not in os.environ
""",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "airflow_provider_kucoin.testing.plugin", str(tmp_path)]
    environment = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("AIRFLOW_CONN_")}
    result = subprocess.run(  # noqa: S603  our own command
        command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False, timeout=60
    )
    assert "3 passed" in result.stdout, result.stdout


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("airflow_provider_kucoin.testing.plugin", ("aiohttp", "asyncio", "airflow_provider_kucoin.testing.exchange")),
        ("airflow_provider_kucoin.testing.__main__", ("airflow", "airflow_provider_kucoin.api")),
        ("airflow_provider_kucoin.testing.server", ("aiohttp",)),
    ],
)
def test_a_module_brings_only_what_it_needs(module: str, absent: tuple[str, ...]) -> None:
    script = (
        "import sys, pytest; before = set(sys.modules)\n"
        f"import importlib; importlib.import_module({module!r})\n"
        f"print(sorted((set(sys.modules) - before) & set({absent!r})))"
    )
    result = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", script], capture_output=True, text=True, env=ENVIRONMENT, check=True, timeout=20
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("name", testing.__all__)
def test_public_names_are_there(name: str) -> None:
    assert getattr(testing, name).__name__ == name


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Mock'"):
        _ = testing.Mock


def test_a_fault_may_be_named_by_its_name() -> None:
    assert Fault["SLOW"] is Fault.SLOW
