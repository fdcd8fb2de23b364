"""
Databases of a real Airflow, and a queue: PostgreSQL and Redis of Debian's packages, in folders that are thrown away.

They are for tests: nothing is synced to disk, and nobody needs a password.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Seconds for what takes one on an idle machine.
PATIENCE = 60
#: Where Debian has the commands of each version of PostgreSQL, which are not on the path.
POSTGRESQL = Path("/usr/lib/postgresql")
#: PostgreSQL does not run as root: who runs it then. Debian's package makes the first of them.
UNPRIVILEGED = ("postgres", "nobody")


class Missing(Exception):
    """A program is not on this machine; the message says which Debian package has it."""


class Database(Protocol):
    """What Airflow keeps its state in."""

    url: str
    """As ``[database] sql_alchemy_conn`` takes it."""

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask; the query has question marks where the values belong."""

    def has_table(self, name: str) -> bool:
        """Return whether there is a table of that name."""


class SQLite:
    """A database in a file. Its writers wait for each other, and do not give up after 5 seconds as they would."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}?timeout=60"
        self._path = path
        with closing(sqlite3.connect(path)) as database:
            # So that readers do not block writers.
            database.execute("PRAGMA journal_mode=WAL")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask, without ever writing."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=60)) as database:
            return database.execute(query, values).fetchall()

    def has_table(self, name: str) -> bool:
        """Return whether there is a table of that name."""
        return bool(self.rows("select 1 from sqlite_master where name = ?", name))


class PostgreSQL:
    """A database of a server that listens on a socket in a folder."""

    def __init__(self, folder: Path, user: str) -> None:
        self.url = f"postgresql+psycopg2://{user}@/airflow?host={folder}"
        self._where = {"host": str(folder), "user": user, "dbname": "airflow"}

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask; JSON comes decoded."""
        import psycopg2

        with closing(psycopg2.connect(**self._where)) as line, line.cursor() as cursor:
            cursor.execute(query.replace("?", "%s"), values)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def has_table(self, name: str) -> bool:
        """Return whether there is a table of that name."""
        return bool(self.rows("select 1 from pg_tables where tablename = ?", name))


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL with one empty database, as somebody without rights when this is root."""
    initdb = program("initdb", "postgresql", sorted(POSTGRESQL.glob("*/bin"), key=lambda one: int(one.parent.name)))
    user = _unprivileged() if os.geteuid() == 0 else getpass.getuser()
    groups: dict[str, Any] = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    who = groups if os.geteuid() == 0 else {}
    # Not in a test's own folder: those above it are open to nobody but who runs the test.
    with tempfile.TemporaryDirectory(prefix="kucoin-postgresql-") as name:
        folder = Path(name)
        if who:
            shutil.chown(folder, user)
        data, log = folder / "data", folder / "log"
        _run([initdb, "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--no-sync"], cwd=folder, **who)
        options = {"listen_addresses": "", "unix_socket_directories": name, "fsync": "off", "max_connections": "200"}
        command = [initdb.with_name("postgres"), "-D", data, *(f"--{key}={value}" for key, value in options.items())]
        with log.open("wb") as said, _server(command, said, cwd=folder, **who) as server:
            ready = [str(initdb.with_name("createdb")), "-h", name, "-U", user, "airflow"]
            _until_ready(server, log, lambda: not subprocess.run(ready, capture_output=True, check=False).returncode)
            yield PostgreSQL(folder, user)


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis that keeps nothing, and return its URL."""
    command = program("redis-server", "redis-server")
    with tempfile.TemporaryDirectory(prefix="kucoin-redis-") as name:
        port, log = free_port(), Path(name) / "log"
        options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", name)

        def listens() -> bool:
            with socket.socket() as line:
                return line.connect_ex(("127.0.0.1", port)) == 0

        with log.open("wb") as said, _server([command, *options], said) as server:
            _until_ready(server, log, listens)
            yield f"redis://127.0.0.1:{port}/0"


def program(name: str, package: str, folders: list[Path] | None = None) -> Path:
    """Return where a program is, on the path or in one of the folders, of which later ones are better."""
    for folder in reversed(folders or []):
        if (folder / name).exists():
            return folder / name
    if found := shutil.which(name):
        return Path(found)
    raise Missing(f"{name} is not on this machine. On Debian: apt-get install {package}")


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _unprivileged() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in UNPRIVILEGED if name in known)


def _run(command: list[Any], **options: Any) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stdout}")


@contextmanager
def _server(command: list[Any], log: Any, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    # A session of its own, so that Ctrl-C reaches who started it alone, who then stops all in order.
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **options
    ) as server:
        try:
            yield server
        finally:
            # PostgreSQL's "fast shutdown": it does not wait until everybody has gone.
            server.send_signal(2)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def _until_ready(server: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not ready():
        if server.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError(f"{server.args!r} does not answer; it said:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)
