"""
A real Airflow, in processes of its own, and exchanges in this one.

Because the exchanges are here, and the way between Airflow's workers and its API server leads through here too, a test
can hold any request, kill the worker that waits for its answer, and let go. Nothing of the project is patched.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sys
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow_deployment import PATIENCE, ROOT, Airflow3, Deployment, until
from airflow_servers import SQLite, free_port

from airflow_provider_kucoin.testing import Exchange, Server, Step
from airflow_provider_kucoin.testing.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_kucoin.testing.wire import Request

#: Where an Airflow 2 is, which has no task state store. How it is made: constraints-2.11.txt.
AIRFLOW_2 = Path(os.environ.get("KUCOIN_AIRFLOW_2", ROOT / ".venv-2.11"))
WALLET = "TNPeeaaFB7K9cmo4uQpcU32zGK8G1NYqeL"
BOOK = {
    alias: {"currency": "USDT", "chain": "trx", "address": address}
    for alias, address in {
        "cold-wallet": WALLET,
        "alice": "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8",
        "bob": "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf",
    }.items()
}
#: How many connections there are besides the default one.
RUNS = 16
#: What makes an example look every second, and try again at once.
IMPATIENT = {"poke_interval=30": "poke_interval=1", "timedelta(minutes=1)": "timedelta(seconds=1)"}
#: Settings with which a worker whose supervisor was killed with it is missed after so many seconds.
MISSED_SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
}


# ------------------------------------------------------------------------------------------------ holding a request


@dataclass
class Hold:
    """
    A request that is to be stopped on its way.

    :param method: of the request
    :param path: of the request, a regular expression
    :param number: the first such request is number 1
    :param acted: whether it is stopped on the way back, when its receiver has acted on it
    :param lost: whether it is never to arrive; says whoever lets go
    """

    method: str
    path: str
    number: int = 1
    acted: bool = False
    lost: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is the one; counts it."""
        if method != self.method or not re.fullmatch(self.path, path) or self.number < 1:
            return False
        self.number -= 1
        return self.number == 0

    def pass_through(self, act: Callable[[], Any]) -> Any:
        """Stop here until released; return what acting gave, or nothing when it is lost."""
        answer = act() if self.acted else None
        self.reached.set()
        self.released.wait(PATIENCE)
        return answer if self.acted else None if self.lost else act()


class HoldingExchange(Exchange):
    """An exchange that holds a request when told to. Its server waits with it: nobody else asks meanwhile."""

    hold: Hold | None = None

    def handle(self, request: Request) -> Reply:
        """Answer a request, perhaps later."""
        if self.hold is None or not self.hold.strikes(request.method, request.path):
            return super().handle(request)
        return self.hold.pass_through(lambda: super(HoldingExchange, self).handle(request)) or Reply(b"", sent=0)


def open_exchange() -> Server:
    """Start an exchange with money in it, and withdrawals allowed."""
    exchange = HoldingExchange()
    exchange.allow_withdrawals()
    exchange.balances.set("USDT", "main", "1000")
    exchange.balances.set("USDT", "trade", "500")
    exchange.life_cycle = (Step("PROCESSING"), Step("SUCCESS", after_ms=3_000))
    return Server(exchange).start()


def connection(server: Server) -> str:
    """Return an Airflow connection to an exchange, which may pay those in its book."""
    return json.dumps(server.connection(withdrawals_enabled=True, withdraw_destinations=BOOK))


class Gate:
    """Stands between the workers and Airflow's API server, and holds what a worker writes into its state store."""

    def __init__(self, port: int) -> None:
        self.holds: dict[str, Hold] = {}
        """By run: a write whose path is the journal's stage."""
        runs: dict[str, str] = {}
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                hold = self.wanted(body)
                answer = hold.pass_through(lambda: self.forward(body)) if hold else self.forward(body)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, said = answer
                with suppress(OSError):
                    self.send_response_only(status)
                    for name, value in headers:
                        self.send_header(name, value)
                    if status != http.HTTPStatus.NO_CONTENT:
                        self.send_header("Content-Length", str(len(said)))
                    self.end_headers()
                    self.wfile.write(said)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815 - http.server's names

            def wanted(self, body: bytes) -> Hold | None:
                """Return the hold that strikes what is written into a state store."""
                writes = re.fullmatch(r"/execution/store/ti/([^/]+)/kucoin_withdrawal", self.path)
                hold = gate.holds.get(runs.get(writes[1], "")) if writes and self.command == "PUT" else None
                return hold if hold and hold.strikes("PUT", json.loads(body)["value"]["stage"]) else None

            def forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
                line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                with closing(line):
                    plain = {"Connection": "close", "Accept-Encoding": "identity"}
                    kept = {name: value for name, value in self.headers.items() if name.title() not in plain}
                    line.request(self.command, self.path, body, {**kept, **plain})
                    answer = line.getresponse()
                    said = answer.read()
                if begins := re.fullmatch(r"/execution/task-instances/([^/]+)/run", self.path):
                    with suppress(KeyError, ValueError):
                        runs[begins[1]] = json.loads(said)["dag_run"]["run_id"]
                unwanted = {"content-length", "connection", "transfer-encoding"}
                return answer.status, [one for one in answer.getheaders() if one[0].lower() not in unwanted], said

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class QuietServer(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Workers that are killed hang up; that is no error here."""

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/execution/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Close the gate."""
        self._server.shutdown()
        self._server.server_close()


# ------------------------------------------------------------------------------------------------------ real Airflows


def connections(exchanges: Mapping[str, Server]) -> dict[str, str]:
    """Return the settings that let an Airflow know exchanges."""
    return {f"AIRFLOW_CONN_{name.upper()}": connection(server) for name, server in exchanges.items()}


def load_payments(airflow: Deployment) -> None:
    """Give an Airflow the examples that move money, and a DAG with one payment."""
    airflow.load("*.py", folder=Path(__file__).parent / "dags")
    airflow.load("example_kucoin_treasury.py", IMPATIENT)
    airflow.load("example_kucoin_payouts.py", IMPATIENT)


class GatedAirflow3(Airflow3):
    """The Airflow that the tests run under, with a gate between its workers and its API server."""

    def __init__(self, folder: Path, exchanges: Mapping[str, Server]) -> None:
        port = free_port()
        self.gate = Gate(port)
        self.exchanges = exchanges
        """By connection."""
        super().__init__(
            folder,
            Path(sys.executable).parent,
            SQLite(folder / "airflow.db"),
            {
                **connections(exchanges),
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": self.gate.url,
                **MISSED_SOON,
            },
            port=port,
        )
        load_payments(self)

    def stop(self, *, gently: bool = False) -> None:
        """End everything."""
        super().stop(gently=gently)
        self.gate.stop()


class Airflow2(Deployment):
    """An Airflow 2.11, which has no task state store: its scheduler and its triggerer."""

    def __init__(self, folder: Path, exchanges: Mapping[str, Server]) -> None:
        self.exchanges = exchanges
        super().__init__(
            folder,
            AIRFLOW_2 / "bin",
            SQLite(folder / "airflow.db"),
            {
                **connections(exchanges),
                # The check is against SQLite's impatience, see the connection's time-out.
                "_AIRFLOW__SKIP_DATABASE_EXECUTOR_COMPATIBILITY_CHECK": "1",
                "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "3600",
                "AIRFLOW__SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "15",
                # Whom it misses it reports each time that it looks, until that is dealt with; a report that comes too
                # late ends the next try, too.
                "AIRFLOW__SCHEDULER__ZOMBIE_DETECTION_INTERVAL": "7",
                "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
            },
        )
        load_payments(self)

    def open(self) -> None:
        """Start, and return when the DAGs are known."""
        self.run("airflow", "db", "migrate")
        self.start("scheduler")
        self.start("triggerer")
        wanted = len(list(self.dags.glob("*.py")))
        until("the DAGs", lambda: self.rows("select count(*) from serialized_dag")[0][0] >= wanted)

    def trigger_all(self, dag_id: str, runs: Mapping[str, Mapping[str, str]]) -> None:
        """Begin runs: one process for all of them, because each start of Airflow takes seconds."""
        script = (
            "import json, sys\n"
            "from airflow.api.common.trigger_dag import trigger_dag\n"
            "from datetime import timedelta\n"
            "from airflow.models.dag import DagModel\n"
            "from airflow.utils.timezone import utcnow\n"
            f"DagModel.get_dagmodel({dag_id!r}).set_is_paused(False)\n"
            "now = utcnow()\n"
            "for number, (run_id, conf) in enumerate(json.loads(sys.argv[1]).items()):\n"
            "    date = now - timedelta(milliseconds=number)  # must be unique\n"
            f"    trigger_dag({dag_id!r}, run_id=run_id, conf=conf, execution_date=date, replace_microseconds=False)\n"
        )
        self.run("python", "-c", script, json.dumps(runs))

    def mark(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Mark a task by hand, as its button does."""
        script = (
            "from airflow.models.dagbag import DagBag\n"
            f"dag = DagBag(read_dags_from_db=True).get_dag({dag_id!r})\n"
            f"dag.set_task_instance_state(task_id={task_id!r}, run_id={run_id!r}, state={state!r}, commit=True)\n"
        )
        self.run("python", "-c", script)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests on Airflow 2 be the last: two Airflows at once would be slow on a small machine."""
    items.sort(key=lambda item: "airflow_2" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def tools() -> Any:
    """Give this module: tests cannot import it."""
    return sys.modules[__name__]


@pytest.fixture(scope="session")
def opened() -> Iterator[list[Deployment]]:
    """What runs now. Whoever ends the tests ends it, too, and not by Ctrl-C alone."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield []
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def airflow_3(opened: list[Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatedAirflow3]:
    """Run the Airflow that the tests run under."""
    with _exchanges() as exchanges:
        found = GatedAirflow3(tmp_path_factory.mktemp("airflow-3-"), exchanges)
        opened.append(found)
        try:
            found.open()
            found.unpause_all()
            yield found
        finally:
            found.stop()


@pytest.fixture(scope="session")
def airflow_2(opened: list[Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow2]:
    """Run an Airflow without a task state store."""
    if not (AIRFLOW_2 / "bin" / "airflow").exists():
        if os.environ.get("CI"):
            pytest.fail(f"there is no Airflow 2 in {AIRFLOW_2}, and a continuous integration must have one")
        pytest.skip(f"there is no Airflow 2 in {AIRFLOW_2}; constraints-2.11.txt says how it is made")
    for other in opened:
        other.stop()
    with _exchanges() as exchanges:
        found = Airflow2(tmp_path_factory.mktemp("airflow-2-"), exchanges)
        try:
            found.open()
            yield found
        finally:
            found.stop()


@contextmanager
def _exchanges() -> Iterator[dict[str, Server]]:
    """Start exchanges: one that the examples use, and one for each of many runs."""
    found = {name: open_exchange() for name in ("kucoin_default", *(f"kucoin_{number}" for number in range(RUNS)))}
    yield found
    for server in found.values():
        server.stop()
