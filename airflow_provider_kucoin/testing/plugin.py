"""
pytest fixtures: an exchange of one's own for every test, and an Airflow connection that points at it.

Load it with `pytest_plugins = ["airflow_provider_kucoin.testing.plugin"]`, or through the package's entry point. One
server per test session is enough: every test gets a fresh exchange behind it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.server import Server


@pytest.fixture
def kucoin_exchange() -> Exchange:
    """Give an empty exchange."""
    from airflow_provider_kucoin.testing import Exchange

    return Exchange()


@pytest.fixture(scope="session")
def _kucoin_session_server() -> Iterator[Server]:
    from airflow_provider_kucoin.testing import Exchange, Server

    with Server(Exchange()) as server:
        yield server


@pytest.fixture
def kucoin_server(kucoin_exchange: Exchange, _kucoin_session_server: Server) -> Server:
    """Give a running server with this test's exchange behind it."""
    _kucoin_session_server.exchange = kucoin_exchange
    _kucoin_session_server.latency = 0.0
    return _kucoin_session_server


@pytest.fixture
def kucoin_connection(kucoin_server: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Make `kucoin_default` a connection to this test's exchange, and return it."""
    connection = kucoin_server.connection()
    monkeypatch.setenv("AIRFLOW_CONN_KUCOIN_DEFAULT", json.dumps(connection))
    return connection
