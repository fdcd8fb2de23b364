"""A real Airflow in processes of its own: how the tests and `make airflow` start it, ask it, and end it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from airflow_servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_servers import Database

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "dags_examples"
#: Seconds for what takes a few on an idle machine.
PATIENCE = 150
#: Seconds that processes have to end by themselves, when they are asked to.
GRACE = 8


def until(what: str, found: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until something is found, and return it."""
    give_up_at = time.monotonic() + seconds
    while not (it := found()):
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)
    return it


class Deployment:
    """
    An Airflow with a home and a database of its own; nothing of this machine's user reaches it.

    :param binaries: where its commands are
    :param settings: environment variables beside those that every such Airflow has
    """

    def __init__(self, home: Path, binaries: Path, database: Database, settings: Mapping[str, str]) -> None:
        self.home = home
        self.database = database
        self.dags = home / "dags"
        self._binaries = binaries
        self._commands: dict[str, tuple[str, ...]] = {}
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
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.url,
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **settings,
        }
        self.dags.mkdir(parents=True)

    def load(self, pattern: str, changes: Mapping[str, str] | None = None, folder: Path = EXAMPLES) -> None:
        """Put DAG files into the DAGs folder, with changes: each is of a text that must be in every file."""
        for path in sorted(folder.glob(pattern)):
            text = path.read_text()
            for written, wanted in (changes or {}).items():
                if written not in text:
                    raise ValueError(f"{written!r} is not in {path}")
                text = text.replace(written, wanted)
            (self.dags / path.name).write_text(text)

    def run(self, *command: str) -> str:
        """Run a command of this Airflow to its end, and return what it said."""
        done = subprocess.run(
            [str(self._binaries / command[0]), *command[1:]],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    # ------------------------------------------------------------------------------------------------- processes

    def start(self, name: str, *command: str) -> None:
        """Start a process of Airflow's, or start it again; it is the command of that name unless another is given."""
        command = self._commands.setdefault(name, command or (name,))
        with (self.home / f"{name}.log").open("ab") as log:
            # In a session of its own: Ctrl-C reaches this process alone, which then ends the others.
            self._processes[name] = subprocess.Popen(
                [str(self._binaries / "airflow"), *command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill a process with all that it has started, without a warning."""
        for one in self.family(name):
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self._processes[name].wait()

    def stop(self, *, gently: bool = False) -> None:
        """End all processes and those that they have started; gently lets them finish what takes a moment."""
        everybody = [one for name in self._processes for one in self.family(name)]
        if gently:
            for process in self._processes.values():
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
            psutil.wait_procs(everybody, GRACE)
        for one in {*everybody, *(one for name in self._processes for one in self.family(name))}:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        for process in self._processes.values():
            process.wait()
        self._processes.clear()

    def ended(self) -> list[str]:
        """Return the names of processes that have ended by themselves."""
        return [name for name, process in self._processes.items() if process.poll() is not None]

    def family(self, name: str) -> list[psutil.Process]:
        """Return a process after those that it has started, also those whose parent has gone."""
        session = self._processes[name].pid
        found = [one for one in psutil.process_iter() if _session(one.pid) == session and one.pid != session]
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(session)
            found = [*{*found, *parent.children(recursive=True)}, parent]
        return found

    def worker_at(self, port: int, *names: str) -> psutil.Process:
        """Return the process of a task below a process of Airflow's: the one that has a line to that port."""

        def found() -> psutil.Process | None:
            for name in names or ("scheduler",):
                for one in self.family(name):
                    with suppress(psutil.Error):
                        if any(line.raddr and line.raddr.port == port for line in one.net_connections("tcp")):
                            return one
            return None

        process: psutil.Process = until(f"a worker with a line to port {port}", found, 10)
        return process

    # --------------------------------------------------------------------------------------------------- looking

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look into Airflow's database."""
        return self.database.rows(query, *values)

    def run_state(self, run_id: str) -> str | None:
        """Return a run's state once it is over."""
        found = self.rows("select state from dag_run where run_id = ?", run_id)
        return found[0][0] if found and found[0][0] in {"success", "failed"} else None

    def task(self, run_id: str, task_id: str) -> tuple[str, int]:
        """Return a task's state and the number of its last try."""
        query = "select state, try_number from task_instance where run_id = ? and task_id = ?"
        state, tries = self.rows(query, run_id, task_id)[0]
        return state, tries

    def states(self, run_id: str) -> dict[str, str]:
        """Return the states of a run's tasks, by task; of mapped ones that of any."""
        return dict(self.rows("select task_id, state from task_instance where run_id = ?", run_id))

    def xcom(self, run_id: str, task_id: str) -> Any:
        """Return what a task has returned."""
        query = "select value from xcom where run_id = ? and task_id = ? and key = 'return_value'"
        found = self.rows(query, run_id, task_id)
        return _decoded(found[0][0]) if found else None

    def journal(self, run_id: str, task_id: str) -> Any:
        """Return what a task has written into its state store, if there is one."""
        if not self.database.has_table("task_state_store"):
            return None
        query = (
            "select value from task_state_store join dag_run on dag_run.id = dag_run_id "
            "where dag_run.run_id = ? and task_id = ?"
        )
        found = self.rows(query, run_id, task_id)
        return json.loads(found[0][0]) if found else None

    def logs(self) -> str:
        """Return the ends of all logs, for who must find out why something failed."""
        found = sorted(self.home.glob("*.log")) + sorted(self.home.glob("logs/**/run_id=*/**/*.log"))
        return "\n\n".join(f"== {path}\n{path.read_text(errors='replace')[-4000:]}" for path in found)


class Airflow3(Deployment):
    """
    An Airflow 3: API server, scheduler, DAG processor, triggerer, and Celery's workers if there are any.

    :param login: name and password of its user; without them everybody may do everything
    :param port: of the API server, which also serves the interface
    :param workers: how many Celery workers there are; none if it has another executor
    """

    def __init__(
        self,
        home: Path,
        binaries: Path,
        database: Database,
        settings: Mapping[str, str],
        *,
        login: tuple[str, str] | None = None,
        port: int | None = None,
        workers: int = 0,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.workers = [f"worker-{number}" for number in range(1, workers + 1)]
        self._login = login
        passwords = home / "passwords.json"
        super().__init__(
            home,
            binaries,
            database,
            {
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": str(login is None),
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{login[0] if login else 'admin'}:admin",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
                "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__PORT": str(self.port),
                "AIRFLOW__API__BASE_URL": self.url,
                # For a deployment that nobody but this machine can reach, and that is thrown away.
                "AIRFLOW__API_AUTH__JWT_SECRET": "the-same-for-all-processes-of-this-one-deployment-on-this-machine",
                "AIRFLOW__API__SECRET_KEY": "likewise-the-same-for-all-processes",
                "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3600",
                **settings,
            },
        )
        passwords.write_text(json.dumps({login[0]: login[1]} if login else {}))

    def open(self) -> None:
        """Make the database, start everything, and return when it is healthy and the DAGs are known."""
        self.run("airflow", "db", "migrate")
        for name in ("api-server", "scheduler", "dag-processor", "triggerer"):
            self.start(name)
        for name in self.workers:
            # Their logs need no server: all are on this machine.
            given = ("--celery-hostname", f"{name}@%h", "--concurrency", "2", "--skip-serve-logs", "--without-mingle")
            self.start(name, "celery", "worker", *given)
        until("all of Airflow healthy", self._healthy)
        wanted = len(list(self.dags.glob("*.py")))
        until("the DAGs", lambda: self.rows("select count(*) from serialized_dag")[0][0] >= wanted)

    def unpause_all(self) -> None:
        """Let all DAGs run."""
        for (dag_id,) in self.rows("select dag_id from dag"):
            self.ask("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, str] | None = None) -> None:
        """Begin a run, as somebody does who gives no date."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}
        self.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str) -> str:
        """
        Answer what a run asks a person, and return the question.

        As a person would, after some seconds: Airflow 3.3 takes a task that is answered before its worker has gone for
        one that was lost, and asks again.
        """
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        question = ""

        def answered() -> bool:
            nonlocal question
            if self.states(run_id).get(task_id) == "awaiting_input":
                time.sleep(3)
                question = self.ask("GET", path)["body"]
                self.ask("PATCH", path, {"chosen_options": [option], "params_input": {}})
            return self.states(run_id).get(task_id) == "success"

        until(f"the consent of {run_id}", answered)
        return question

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask Airflow's public API."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            json_type = {"Content-Type": "application/json"}
            if self._login:
                given = json.dumps(dict(zip(("username", "password"), self._login, strict=True)))
                line.request("POST", "/auth/token", given, json_type)
            else:
                line.request("GET", "/auth/token")
            headers = {"Authorization": f"Bearer {json.loads(line.getresponse().read())['access_token']}"}
            line.request(method, path, json.dumps(body), {**headers, **json_type})
            answer = line.getresponse()
            said = answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {answer.status} {said.decode(errors='replace')}")
        return json.loads(said) if said else None

    def _healthy(self) -> bool:
        if ended := self.ended():
            raise RuntimeError(f"{', '.join(ended)} ended:\n{self.logs()}")
        with suppress(OSError, ValueError), closing(http.client.HTTPConnection("127.0.0.1", self.port)) as line:
            line.request("GET", "/api/v2/monitor/health")
            found = json.loads(line.getresponse().read())
            return all(one["status"] == "healthy" for one in found.values()) and self._workers_ready()
        return False

    def _workers_ready(self) -> bool:
        said = ((self.home / f"{name}.log").read_text(errors="replace") for name in self.workers)
        return all(re.search(r"celery@?\S* ready|\bready\.", text) for text in said)


def _session(pid: int) -> int | None:
    with suppress(ProcessLookupError):
        return os.getsid(pid)
    return None


def _decoded(value: Any) -> Any:
    """Return what an XCom says: Airflow 3 keeps it as text, which may hold text once more, and Airflow 2 as bytes."""
    for _ in range(2):
        value = json.loads(value) if isinstance(value, str | bytes) else value
    return value
