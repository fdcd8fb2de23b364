"""What tests of the transports need: a line to the exchange, an exchange with rows, and a tight watch on leftovers."""

from __future__ import annotations

import gc
import socket
from typing import TYPE_CHECKING

import pytest

from airflow_provider_kucoin.api.calls import Line, Retry, Site
from airflow_provider_kucoin.api.signing import Credentials
from airflow_provider_kucoin.client.network import Network
from airflow_provider_kucoin.testing import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kucoin.testing import Server

# 2026-02-03 00:00:00 UTC; the exchange's clock stands at noon of the next day.
MIDNIGHT = 1_770_076_800_000
DAY = 86_400_000


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """Whatever was left open is found by the garbage collector here, and its warning is this test's failure."""
    yield
    gc.collect()


@pytest.fixture
def exchange() -> Exchange:
    clock_ms = MIDNIGHT + DAY + DAY // 2
    return Exchange(clock=lambda: clock_ms)


@pytest.fixture
def server(exchange: Exchange, kucoin_server: Server) -> Server:
    kucoin_server.exchange = exchange
    return kucoin_server


@pytest.fixture
def line(server: Server) -> Line:
    key = server.exchange.key
    return Line(Site(server.url, server.futures_url), Credentials(key.key, key.secret, key.passphrase))


@pytest.fixture
def network() -> Network:
    return Network(timeout=5, trust_env=False)


@pytest.fixture
def hasty() -> Retry:
    """Repeat as often as usual, without the pauses."""
    return Retry(first_pause=0.001, longest_pause=0.002)


@pytest.fixture
def nobody() -> str:
    """The address of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}"
