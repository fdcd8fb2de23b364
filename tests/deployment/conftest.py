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
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from airflow_provider_kucoin.testing import Exchange, Server, Step
from airflow_provider_kucoin.testing.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_kucoin.testing.wire import Request

ROOT = Path(__file__).resolve().parents[2]
#: Seconds for what takes a few on an idle machine.
PATIENCE = 150
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


def until(what: str, found: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until something is found, and return it."""
    give_up_at = time.monotonic() + seconds
    while not (it := found()):
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)
    return it


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


class Deployment:
    """An Airflow in processes of its own, with a database of its own."""

    def __init__(
        self, home: Path, binaries: Path, exchanges: Mapping[str, Server], settings: Mapping[str, str]
    ) -> None:
        self.home = home
        self.exchanges = exchanges
        """By connection."""
        self.dags = home / "dags"
        self.database = home / "airflow.db"
        self._binaries = binaries
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_", "PYTHON"))}
        self.environment = {
            **kept,
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__FERNET_KEY": "",
            # Writers wait for each other, and do not give up after 5 seconds as they would.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}?timeout=60",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "NO_PROXY": "127.0.0.1,localhost",
            **{f"AIRFLOW_CONN_{name.upper()}": connection(server) for name, server in exchanges.items()},
            **settings,
        }
        self.dags.mkdir(parents=True)
        for path in (Path(__file__).parent / "dags").glob("*.py"):
            (self.dags / path.name).write_text(path.read_text())
        for path in (ROOT / "dags_examples").glob("example_kucoin_[tp][ra][ey]*.py"):
            (self.dags / path.name).write_text(_impatient(path.read_text()))

    def run(self, *command: str) -> str:
        """Run a command of this Airflow to its end, and return what it said."""
        done = subprocess.run(  # noqa: S603
            [str(self._binaries / command[0]), *command[1:]],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def make_database(self) -> None:
        """Make the database, so that readers do not block writers."""
        self.run("airflow", "db", "migrate")
        with closing(sqlite3.connect(self.database)) as database:
            database.execute("PRAGMA journal_mode=WAL")

    def start(self, *names: str) -> None:
        """Start processes of Airflow's, in process groups of their own."""
        for name in names:
            with (self.home / f"{name}.log").open("wb") as log:
                self._processes[name] = subprocess.Popen(  # noqa: S603
                    [str(self._binaries / "airflow"), name],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def stop(self) -> None:
        """End all processes, and those that they have started."""
        for process in self._processes.values():
            for one in self._family(process.pid):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look into Airflow's database."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=60)) as database:
            return database.execute(query, values).fetchall()

    def run_state(self, run_id: str) -> str | None:
        """Return a run's state once it is over."""
        found = self.rows("select state from dag_run where run_id = ?", run_id)
        return found[0][0] if found and found[0][0] in {"success", "failed"} else None

    def task(self, run_id: str, task_id: str) -> tuple[str, int]:
        """Return a task's state and the number of its last try."""
        query = "select state, try_number from task_instance where run_id = ? and task_id = ?"
        state, tries = self.rows(query, run_id, task_id)[0]
        return state, tries

    def xcom(self, run_id: str, task_id: str) -> Any:
        """Return what a task has returned."""
        query = "select value from xcom where run_id = ? and task_id = ? and key = 'return_value'"
        found = self.rows(query, run_id, task_id)
        value = json.loads(found[0][0]) if found else None
        return json.loads(value) if isinstance(value, str) else value

    def journal(self, run_id: str, task_id: str) -> Any:
        """Return what a task has written into its state store, if there is one."""
        if not self.rows("select 1 from sqlite_master where name = 'task_state_store'"):
            return None
        query = (
            "select value from task_state_store join dag_run on dag_run.id = dag_run_id "
            "where dag_run.run_id = ? and task_id = ?"
        )
        found = self.rows(query, run_id, task_id)
        return json.loads(found[0][0]) if found else None

    def worker_at(self, port: int) -> psutil.Process:
        """Return the process of a task, which is the one that has a line to that port."""

        def found() -> psutil.Process | None:
            for one in self._family(self._processes["scheduler"].pid):
                with suppress(psutil.Error):
                    if any(line.raddr and line.raddr.port == port for line in one.net_connections("tcp")):
                        return one
            return None

        process: psutil.Process = until(f"a worker with a line to port {port}", found, 10)
        return process

    def logs(self) -> str:
        """Return the ends of all logs, for who must find out why a test failed."""
        found = sorted(self.home.glob("*.log")) + sorted(self.home.glob("logs/**/run_id=*/**/*.log"))
        return "\n\n".join(f"== {path}\n{path.read_text(errors='replace')[-4000:]}" for path in found)

    @staticmethod
    def _family(pid: int) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            return [*parent.children(recursive=True), parent]
        return []


class Airflow3(Deployment):
    """The Airflow that the tests run under: scheduler, API server, DAG processor, triggerer."""

    def __init__(self, home: Path, exchanges: Mapping[str, Server]) -> None:
        port = free_port()
        self.api = f"127.0.0.1:{port}"
        self.gate = Gate(port)
        super().__init__(
            home,
            Path(sys.executable).parent,
            exchanges,
            {
                "AIRFLOW__CORE__PARALLELISM": "4",
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": self.gate.url,
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
                "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__PORT": str(port),
                "AIRFLOW__API_AUTH__JWT_SECRET": "the-same-for-all-processes-of-this-deployment-of-a-test",
                "AIRFLOW__API__SECRET_KEY": "likewise-the-same-for-all-processes",
                "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3600",
                "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
                "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
                # A worker whose supervisor is killed with it is missed after so many seconds.
                "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
                "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
            },
        )

    def open(self) -> None:
        """Start, and return when everything is healthy and the DAGs are known."""
        self.make_database()
        self.start("api-server", "scheduler", "dag-processor", "triggerer")
        until("all of Airflow healthy", self._healthy)
        wanted = len(list(self.dags.glob("*.py")))
        until("the DAGs", lambda: self.rows("select count(*) from serialized_dag")[0][0] >= wanted)
        for (dag_id,) in self.rows("select dag_id from dag"):
            self.ask("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, str]) -> None:
        """Begin a run."""
        self.ask(
            "POST",
            f"/api/v2/dags/{dag_id}/dagRuns",
            {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)},
        )

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask Airflow's public API."""
        with closing(http.client.HTTPConnection(self.api, timeout=60)) as line:
            line.request("GET", "/auth/token")
            headers = {"Authorization": f"Bearer {json.loads(line.getresponse().read())['access_token']}"}
            line.request(method, path, json.dumps(body), {**headers, "Content-Type": "application/json"})
            answer = line.getresponse()
            said = answer.read()
        assert answer.status < http.HTTPStatus.BAD_REQUEST, said
        return json.loads(said)

    def stop(self) -> None:
        """End everything."""
        super().stop()
        self.gate.stop()

    def _healthy(self) -> bool:
        with suppress(OSError, ValueError), closing(http.client.HTTPConnection(self.api, timeout=5)) as line:
            line.request("GET", "/api/v2/monitor/health")
            found = json.loads(line.getresponse().read())
            return all(one["status"] == "healthy" for one in found.values())
        return False


class Airflow2(Deployment):
    """An Airflow 2.11, which has no task state store: its scheduler and its triggerer."""

    def __init__(self, home: Path, exchanges: Mapping[str, Server]) -> None:
        super().__init__(
            home,
            AIRFLOW_2 / "bin",
            exchanges,
            {
                "AIRFLOW__CORE__PARALLELISM": "4",
                # The check is against SQLite's impatience, see the connection's time-out.
                "_AIRFLOW__SKIP_DATABASE_EXECUTOR_COMPATIBILITY_CHECK": "1",
                "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "3600",
                "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
                "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
                "AIRFLOW__SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "15",
                # Whom it misses it reports each time that it looks, until that is dealt with; a report that comes too
                # late ends the next try, too.
                "AIRFLOW__SCHEDULER__ZOMBIE_DETECTION_INTERVAL": "7",
                "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
            },
        )

    def open(self) -> None:
        """Start, and return when the DAGs are known."""
        self.make_database()
        self.start("scheduler", "triggerer")
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


def _impatient(example: str) -> str:
    """Return an example that looks every second, and tries again at once."""
    changes = {"poke_interval=30": "poke_interval=1", "timedelta(minutes=1)": "timedelta(seconds=1)"}
    for written, wanted in changes.items():
        assert written in example
        example = example.replace(written, wanted)
    return example


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


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
def airflow_3(opened: list[Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow3]:
    """Run the Airflow that the tests run under."""
    with _exchanges() as exchanges:
        found = Airflow3(tmp_path_factory.mktemp("airflow-3-"), exchanges)
        opened.append(found)
        try:
            found.open()
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
