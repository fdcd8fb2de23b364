"""
What tests of the hook and the operators stand on: a throw-away Airflow home, an exchange, a bucket, and a wiretap.

The exchange's clock stands near the noon of one fixed day, far from this machine's, so that no test depends on the hour
at which it runs; the hook has to correct its clock in every one of them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

# Before anything imports Airflow, which makes its home when it is imported.
_HOME = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
# Nor the certificates of this machine, which would be read again for every line to an exchange that has none.
_STRANGE = ("AIRFLOW_", "AWS_", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
for _name in [name for name in os.environ if name.startswith(_STRANGE)]:
    del os.environ[_name]
os.environ |= {
    "AIRFLOW_HOME": _HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": f"{_HOME}/dags",
    # Never the credentials of whoever runs the tests.
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": f"{_HOME}/no-credentials",
    "AWS_CONFIG_FILE": f"{_HOME}/no-config",
    "NO_PROXY": "127.0.0.1,localhost",
}

import base64  # noqa: E402
import csv  # noqa: E402
import hashlib  # noqa: E402
import hmac  # noqa: E402
import http.client  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import select  # noqa: E402
import signal  # noqa: E402
import sqlite3  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from contextlib import closing  # noqa: E402
from dataclasses import dataclass, field, replace  # noqa: E402
from datetime import UTC, datetime, timedelta  # noqa: E402
from decimal import Decimal  # noqa: E402
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # noqa: E402
from importlib.metadata import version  # noqa: E402
from itertools import count  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any, TextIO  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from moments import NOON  # noqa: E402

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from airflow_provider_kucoin.testing import Exchange, Server

    Respond = Callable[["Heard"], "Said | None"]

# An example takes as long as the machine lets it.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AIRFLOW_VERSION = tuple(map(int, version("apache-airflow").split(".")[:2]))

# ------------------------------------------------------------------------------------------------------- the exchange


@pytest.fixture
def exchange(kucoin_exchange: Exchange) -> Exchange:
    """An empty exchange, at noon of 2026-02-03."""
    kucoin_exchange.clock_offset_ms = NOON - kucoin_exchange.now_ms()
    return kucoin_exchange


@pytest.fixture
def server(exchange: Exchange, kucoin_server: Server) -> Server:
    """The exchange on a loopback port."""
    assert kucoin_server.exchange is exchange
    return kucoin_server


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Make `kucoin_default` a given connection with changes; what is changed to None is left out."""

    def connect(base: dict[str, Any], extra: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        fields = {name: value for name, value in {**base, **changes}.items() if value is not None}
        extras = {name: value for name, value in {**base["extra"], **(extra or {})}.items() if value is not None}
        found = {**fields, "extra": extras}
        monkeypatch.setenv("AIRFLOW_CONN_KUCOIN_DEFAULT", json.dumps(found))
        return found

    return connect


@pytest.fixture
def connection(server: Server, connect: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The connection `kucoin_default`, to the exchange."""
    return connect(server.connection())


@pytest.fixture
def serialization() -> Any:
    """What turns DAGs into what Airflow stores, under the name that this Airflow has for it."""
    from airflow.serialization import serialized_objects

    # Before 3.2 one class is both.
    return getattr(serialized_objects, "DagSerialization", serialized_objects.SerializedDAG)


# ----------------------------------------------------------------------------------------------------- a wire to tap


@dataclass(frozen=True)
class Heard:
    """One request as it came over the wire; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    line: int
    """The number of the TCP connection."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.line = next(self.server.numbers)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        said = self.server.tap.hear(Heard(self.command, self.path, headers, body, self.line))
        if said is None:
            self.close_connection = True
            return
        self.send_response_only(said.status)
        for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, tap: Wiretap, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tap = tap
        self.numbers = count()
        self._context = context

    def get_request(self) -> Any:
        connected, address = super().get_request()
        if self._context is None:
            return connected, address
        connected.settimeout(5)
        try:
            return self._context.wrap_socket(connected, server_side=True), address
        except OSError:
            connected.close()
            raise

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no error here."""


class Wiretap:
    """An HTTP server that remembers what it hears; `respond` answers, and None breaks the line off."""

    def __init__(self, respond: Respond, context: ssl.SSLContext | None = None) -> None:
        self.respond = respond
        self.heard: list[Heard] = []
        self._server = _Server(self, context)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def hear(self, heard: Heard) -> Said | None:
        self.heard.append(heard)
        return self.respond(heard)

    @property
    def lines(self) -> set[int]:
        """The TCP connections that requests came over."""
        return {heard.line for heard in self.heard}

    @property
    def paths(self) -> list[str]:
        return [heard.path for heard in self.heard]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def tap() -> Iterator[Callable[..., Wiretap]]:
    """Start a wiretap."""
    taps: list[Wiretap] = []

    def tap(respond: Respond, context: ssl.SSLContext | None = None) -> Wiretap:
        taps.append(Wiretap(respond, context))
        return taps[-1]

    yield tap
    for started in taps:
        started.stop()


@pytest.fixture
def through(exchange: Exchange) -> Callable[..., Respond]:
    """Answer as the exchange does, after `change` has had its way with the request."""
    from airflow_provider_kucoin.testing.wire import Request

    def through(change: Callable[[Request], Request] = lambda request: request) -> Respond:
        def respond(heard: Heard) -> Said | None:
            target = heard.target[len("http://") :].partition("/") if heard.target.startswith("http://") else None
            request = Request(heard.method, f"/{target[2]}" if target else heard.target, heard.headers, heard.body)
            reply = exchange.handle(change(request))
            if reply.sent is not None:
                return None
            return Said(reply.status, reply.body, {"Content-Type": reply.content_type, **reply.headers})

        return respond

    return through


@pytest.fixture
def wire(tap: Callable[..., Wiretap], through: Callable[..., Respond]) -> Wiretap:
    """The exchange behind a wiretap."""
    return tap(through())


# ----------------------------------------------------------------------------------------------------- a real Airflow


class AirflowProcess:
    """A process that runs Airflow's own commands, so that Airflow is started once and not for each of them."""

    #: Seconds; some are usual.
    patience = 300

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self._environment = {"AIRFLOW_HOME": str(home), **environment}
        self._said = home / "said.log"
        self._process: subprocess.Popen[str] | None = None
        self._answers: TextIO | None = None

    def run(self, *commands: list[str] | str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run commands, and Python code where one is text, until one fails; return its status and what all said."""
        if self._process is None:
            self._start()
        assert self._process
        assert self._process.stdin
        assert self._answers
        said_before = self._said.stat().st_size
        asked = {"commands": commands, "environment": {**os.environ, **self._environment, **environment}}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        answered, _, _ = select.select([self._answers], [], [], self.patience)
        status = self._answers.readline() if answered else ""
        if not status:
            self.stop()
        with self._said.open(errors="replace") as file:
            file.seek(said_before)
            said = file.read()
        if not answered:
            # It waits for a retry: what it waits for was said at the first try.
            pytest.fail(f"{commands} did not end in {self.patience} s:\n{said[:20_000]}")
        return subprocess.CompletedProcess(commands, int(status or -1), said)

    def _start(self) -> None:
        reading, writing = os.pipe()
        with self._said.open("a") as said:
            self._process = subprocess.Popen(  # noqa: S603 - Airflow's own commands
                [sys.executable, Path(__file__).with_name("airflow_commands.py"), str(writing)],
                env={**os.environ, **self._environment},
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                pass_fds=[writing],
                start_new_session=True,
                text=True,
            )
        os.close(writing)
        self._answers = os.fdopen(reading)

    def stop(self) -> None:
        """End the process, if there is one, and whatever it started."""
        if self._process is None:
            return
        assert self._answers
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self._answers.close()
        self._process = None


class Airflow:
    """Airflow with a database and a folder of DAGs of one's own."""

    def __init__(self, process: AirflowProcess, database: Path, dags: Path) -> None:
        self._process = process
        self._database = database
        self.environment = {
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
        }

    def __call__(self, *commands: list[str] | str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run commands, and Python code where one is text, until one fails; return its status and what all said."""
        if AIRFLOW_VERSION == (3, 0) and any(command[:2] == ["dags", "test"] for command in commands):
            # It runs no task whose outlets it has not seen in the database before.
            commands = (["dags", "reserialize"], *commands)
        return self._process.run(*commands, **self.environment, **environment)

    def recorded(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look into the database."""
        with closing(sqlite3.connect(self._database)) as database:
            return database.execute(query, values).fetchall()


@pytest.fixture(scope="session")
def airflow_process_with(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., AirflowProcess]]:
    """Make a process for Airflow's commands that has settings from its start on."""
    made: list[AirflowProcess] = []

    def airflow_process_with(**environment: str) -> AirflowProcess:
        made.append(AirflowProcess(tmp_path_factory.mktemp("airflow"), **environment))
        return made[-1]

    yield airflow_process_with
    for process in made:
        process.stop()


@pytest.fixture(scope="session")
def airflow_process(airflow_process_with: Callable[..., AirflowProcess]) -> AirflowProcess:
    """The process that runs Airflow's commands for all tests."""
    return airflow_process_with()


@pytest.fixture(scope="session")
def migrated(airflow_process: AirflowProcess) -> Path:
    """A new database, to be copied."""
    done = airflow_process.run(["db", "migrate"], ["pools", "set", "kucoin", "4", "reads from KuCoin"])
    assert done.returncode == 0, done.stdout[-4000:]
    return airflow_process.home / "airflow.db"


@pytest.fixture
def airflow_with(airflow_process: AirflowProcess, migrated: Path, tmp_path: Path) -> Callable[..., Airflow]:
    """Make an Airflow with a folder of DAGs; its process may be another one."""

    def airflow_with(dags: Path, process: AirflowProcess = airflow_process) -> Airflow:
        database = tmp_path / "airflow.db"
        with closing(sqlite3.connect(migrated)) as source, closing(sqlite3.connect(database)) as copy:
            source.backup(copy)  # a plain copy would leave behind what is still in SQLite's log
        return Airflow(process, database, dags)

    return airflow_with


# ---------------------------------------------------------------------------------------------------------- the bucket


@pytest.fixture(scope="session")
def _s3_url() -> Iterator[str]:
    import functools

    import botocore.session
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
    from moto.server import ThreadedMotoServer

    # Every task makes S3 clients of its own, and every client would parse the same megabytes of JSON again.
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    # To tell Amazon which operator asks, every hook would look for the source of all that stands below it on the stack.
    AwsGenericHook._get_caller = lambda *_: "Unknown"  # type: ignore[method-assign]

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def aws_connection(url: str) -> str:
    """Return an Airflow connection to an S3 server."""
    return json.dumps(
        {
            "conn_type": "aws",
            "login": "nobody",
            "password": "nothing-secret",
            "extra": {
                "endpoint_url": url,
                "region_name": "us-east-1",
                "config_kwargs": {"s3": {"addressing_style": "path"}, "retries": {"total_max_attempts": 1}},
            },
        }
    )


class Lake:
    """A bucket, and how to read back what was written into it."""

    def __init__(self, url: str, client: Any, name: str) -> None:
        self.url = url
        self.client = client
        self.name = name
        client.create_bucket(Bucket=name)

    @property
    def keys(self) -> list[str]:
        """The keys of all objects."""
        found = self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return [entry["Key"] for entry in found]

    def read(self, key: str) -> bytes:
        """Return an object's bytes."""
        body: bytes = self.client.get_object(Bucket=self.name, Key=self._key(key))["Body"].read()
        return body

    def head(self, key: str) -> dict[str, Any]:
        """Return an object's description."""
        found: dict[str, Any] = self.client.head_object(Bucket=self.name, Key=self._key(key))
        return found

    def table(self, key: str) -> Any:
        """Return a Parquet object as an Arrow table."""
        import pyarrow.parquet as pq

        return pq.read_table(io.BytesIO(self.read(key)))

    def footer(self, key: str) -> dict[str, str]:
        """Return what a Parquet object says of itself."""
        import pyarrow.parquet as pq

        found = pq.read_metadata(io.BytesIO(self.read(key))).metadata
        return {name.decode(): value.decode() for name, value in found.items()}

    def text(self, key: str) -> str:
        """Return a text object, decompressed by somebody else than who compressed it."""
        import gzip

        body = self.read(key)
        if key.endswith(".gz"):
            body = gzip.decompress(body)
        elif key.endswith(".zst"):
            import pyarrow as pa

            body = pa.input_stream(io.BytesIO(body), compression="zstd").read()
        return body.decode()

    def rows(self, key: str) -> list[dict[str, Any]]:
        """Return an object's rows: amounts as Decimal, times as datetime, whatever the format."""
        if ".parquet" in key:
            rows: list[dict[str, Any]] = self.table(key).to_pylist()
            return rows
        if ".jsonl" in key:
            return [_typed(json.loads(line)) for line in self.text(key).splitlines()]
        return [_typed(row) for row in csv.DictReader(io.StringIO(self.text(key), newline=""))]

    def all_rows(self) -> list[dict[str, Any]]:
        """Return the rows of all objects, in the order of their keys."""
        return [row for key in self.keys for row in self.rows(key)]

    def _key(self, key: str) -> str:
        return key.removeprefix(f"s3://{self.name}/")


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    amounts = {name: Decimal(row[name]) if row[name] else None for name in ("amount", "fee", "balance")}
    return {**row, **amounts, "created_at": datetime.fromisoformat(row["created_at"])}


@pytest.fixture(scope="session")
def _s3_client(_s3_url: str) -> Any:
    import boto3

    return boto3.client(
        "s3", endpoint_url=_s3_url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y"
    )


@pytest.fixture
def bucket(_s3_url: str, _s3_client: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty bucket behind S3's API, and `aws_default` a connection to it."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(_s3_url))
    return Lake(_s3_url, _s3_client, f"lake-{abs(hash(request.node.nodeid)):x}")


@pytest.fixture
def s3_gate(
    bucket: Lake, tap: Callable[..., Wiretap], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Heard], Said | None]], Wiretap]:
    """Put a gate in front of the bucket: what it has no answer of its own to goes on to S3."""
    host = urlsplit(bucket.url).netloc

    def forward(heard: Heard) -> Said:
        with closing(http.client.HTTPConnection(host, timeout=60)) as line:
            line.request(heard.method, heard.target, heard.body, {**heard.headers, "host": host, "connection": "close"})
            answer = line.getresponse()
            body = answer.read()
        kept = {name: value for name, value in answer.getheaders() if name.lower() in {"etag", "content-type"}}
        return Said(answer.status, body, kept)

    def s3_gate(keeper: Callable[[Heard], Said | None]) -> Wiretap:
        found = tap(lambda heard: keeper(heard) or forward(heard))
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(found.url))
        return found

    return s3_gate


# ------------------------------------------------------------------------------------------------------------ the truth


@pytest.fixture
def truth(exchange: Exchange) -> Callable[[int, int], list[dict[str, Any]]]:
    """Return the rows that the lake should hold for `[start, end)`, by a second reading of what the exchange holds."""

    def truth(start_ms: int, end_ms: int) -> list[dict[str, Any]]:
        rows = [_expected(entry, exchange.key.uid) for entry in exchange.entries(start_ms, end_ms)]
        return sorted(rows, key=lambda row: (row["created_at"], len(row["id"]), row["id"]))

    return truth


def _expected(entry: dict[str, Any], uid: int) -> dict[str, Any]:
    return {
        "account_uid": str(uid),
        "id": entry["id"],
        "currency": entry["currency"],
        "amount": Decimal(entry["amount"]),
        "fee": Decimal(entry["fee"]),
        "balance": Decimal(entry["balance"]),
        "account_type": entry["accountType"],
        "biz_type": entry["bizType"],
        "direction": entry["direction"],
        "created_at": EPOCH + timedelta(milliseconds=entry["createdAt"]),
        "context": entry["context"],
    }


@pytest.fixture
def same(truth: Callable[[int, int], list[dict[str, Any]]]) -> Callable[..., None]:
    """Assert that rows are those of `[start, end)`, all of them, once each, oldest first, and with these values."""

    def same(rows: list[dict[str, Any]], start_ms: int, end_ms: int) -> None:
        wanted = truth(start_ms, end_ms)
        assert [row["id"] for row in rows] == [row["id"] for row in wanted]
        # CSV has one way to say nothing
        seen = [{name: row[name] for name in wanted[0]} for row in rows] if wanted else []
        for row, want in zip(seen, wanted, strict=True):
            assert {**row, "context": row["context"] or ""} == {**want, "context": want["context"] or ""}

    return same


# ------------------------------------------------------------------------------------------------------------- metrics


class Measured(list[tuple[str, float, dict[str, str]]]):
    """A backend of Airflow's stats that keeps what it is told: name, value, tags."""

    def __bool__(self) -> bool:
        """Say that it is there, also while it is empty: Airflow 2 makes another one otherwise."""
        return True

    def incr(self, stat: str, count: int = 1, rate: float = 1, *, tags: Any = None) -> None:  # noqa: ARG002
        self.append((stat, count, dict(tags or {})))

    def gauge(self, stat: str, value: float, rate: float = 1, delta: bool = False, *, tags: Any = None) -> None:  # noqa: ARG002, FBT001, FBT002 - Airflow's signature
        self.append((stat, value, dict(tags or {})))

    def __getattr__(self, name: str) -> Any:
        """Take whatever else Airflow itself tells, and forget it."""
        return getattr(_no_stats(), name)

    def named(self, name: str) -> list[tuple[float, dict[str, str]]]:
        """Return value and tags of all that came under a name."""
        return [(value, tags) for found, value, tags in self if found == name]

    def total(self, name: str, **wanted: str) -> float:
        """Add up what came under a name, with these tags."""
        return sum(value for value, tags in self.named(name) if wanted.items() <= tags.items())


def _no_stats() -> Any:
    try:
        from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger
    except ImportError:  # before Airflow 3.2
        from airflow.metrics.base_stats_logger import NoStatsLogger
    return NoStatsLogger


@pytest.fixture
def measured() -> Iterator[Measured]:
    """What Airflow's stats are told meanwhile."""
    found = Measured()
    try:
        from airflow.sdk.observability import stats
    except ImportError:  # before Airflow 3.3
        from airflow.providers.common.compat.sdk import Stats

        before, Stats.instance = Stats.instance, found  # type: ignore[attr-defined]
        yield found
        Stats.instance = before  # type: ignore[attr-defined]
        return
    stats.initialize(factory=lambda: found, export_legacy_names=False)  # type: ignore[arg-type,return-value]
    yield found
    stats.initialize(factory=_no_stats(), export_legacy_names=False)


# ------------------------------------------------------------------------------------------------------------- lineage


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Airflow's own collector of hooks' lineage, as it is where something is installed that reads it."""
    from airflow.providers.common.compat import sdk

    found = sdk.HookLineageCollector()
    module = "airflow.sdk.lineage"
    try:
        monkeypatch.setattr(f"{module}.get_hook_lineage_collector", lambda: found)
    except ImportError:
        monkeypatch.setattr("airflow.lineage.hook.get_hook_lineage_collector", lambda: found)
    # The compatibility module keeps what it has imported once.
    monkeypatch.setattr(sdk, "get_hook_lineage_collector", lambda: found, raising=False)
    return found


# ------------------------------------------------------------------------------------------------------------- secrets

#: What masks secrets in Airflow 3.1 and later, in 3.0, and in 2.
_MASKERS = (
    "airflow.sdk._shared.secrets_masker",
    "airflow._shared.secrets_masker",
    "airflow.sdk.execution_time.secrets_masker",
    "airflow.utils.log.secrets_masker",
)


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests() -> None:
    """Let Airflow forget them: they would hide what this test lets out, and with each all others are compiled anew."""
    for module in filter(None, map(sys.modules.get, _MASKERS)):
        if "_secrets_masker" in vars(module):
            masker = vars(module)["_secrets_masker"]()
            masker.patterns, masker.replacer = set(), None


@dataclass(frozen=True)
class Canaries:
    """What must not sing, and the wire on which it must."""

    key: str
    secret: str
    passphrase: str
    hashed_passphrase: str
    wire: Any

    def absent_from(self, *texts: object) -> None:
        """Assert that no text holds any of them, nor a signature that went over the wire."""
        signatures = {heard.headers["kc-api-sign"] for heard in self.wire.heard if "kc-api-sign" in heard.headers}
        for text in map(str, texts):
            for canary in (self.key, self.secret, self.passphrase, self.hashed_passphrase, *signatures):
                assert canary not in text


@pytest.fixture
def canaries(exchange: Exchange, server: Server, wire: Any, connect: Callable[..., Any]) -> Canaries:
    """A key that is easy to find wherever it turns up."""
    found = Canaries("songbird-key-0001", "songbird-secret-0002", "songbird-phrase-0003", "", wire)
    digest = hmac.new(found.secret.encode(), found.passphrase.encode(), hashlib.sha256).digest()
    key = replace(exchange.key, key=found.key, secret=found.secret, passphrase=found.passphrase)
    exchange.add_key(key)
    exchange.key = key
    connect(server.connection(), {"futures_host": wire.url}, host=wire.url)
    return replace(found, hashed_passphrase=base64.b64encode(digest).decode())


@pytest.fixture
def everything_logged() -> Iterator[Callable[[], str]]:
    """All that any logger says, at DEBUG, un-masked, with the arguments and tracebacks of each record."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    keeper, levels = Keep(logging.DEBUG), {}
    names = ["", "urllib3", "aiohttp", "asyncio", "requests", "botocore", "boto3", "airflow", "airflow_provider_kucoin"]
    for logger in map(logging.getLogger, names):
        levels[logger] = logger.level
        logger.setLevel(logging.DEBUG)
        logger.addHandler(keeper)
    formatter = logging.Formatter()
    yield lambda: "\n".join(
        f"{formatter.format(record)} {record.__dict__}" for record in records if record.name != "werkzeug"
    )
    for logger, level in levels.items():
        logger.removeHandler(keeper)
        logger.setLevel(level)
