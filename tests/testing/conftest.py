"""Two ways to ask the exchange: straight (`ask`, most tests) and through the socket (`http`)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pytest
import requests

from airflow_provider_kucoin.testing import ApiKey, Exchange, Server
from airflow_provider_kucoin.testing.wire import Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ask = Callable[..., "Answer"]

# 2026-02-03 12:00:00 UTC
NOON = 1_770_120_000_000


TRON = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
PAYOUT = {
    "currency": "USDT",
    "toAddress": TRON,
    "amount": "10",
    "withdrawType": "ADDRESS",
    "chain": "trx",
    "remark": "af-1",
    "feeDeductType": "EXTERNAL",
}


def digest(secret: str, text: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def signed(key: ApiKey, now_ms: int, method: str, target: str, body: str = "") -> dict[str, str]:
    """A signature made by the tests themselves, so that the exchange's own is not its only witness."""
    prehash = f"{now_ms}{method}{unquote(target)}{body}"
    return {
        "KC-API-KEY": key.key,
        "KC-API-SIGN": digest(key.secret, prehash),
        "KC-API-TIMESTAMP": str(now_ms),
        "KC-API-PASSPHRASE": digest(key.secret, key.passphrase),
        "KC-API-KEY-VERSION": "3",
        "Content-Type": "application/json",
    }


def target(path: str, params: dict[str, Any]) -> str:
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())
    return f"{path}?{query}" if query else path


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    reply: Reply | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def data(self) -> Any:
        assert self.json["code"] == "200000", self.body
        return self.json["data"]

    @property
    def ids(self) -> list[str]:
        return [item["id"] for item in self.data["items"] or ()]


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now_ms: int = NOON) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exchange(clock: Clock) -> Exchange:
    return Exchange(clock=clock)


@pytest.fixture
def ask(exchange: Exchange, clock: Clock) -> Ask:
    """Ask the exchange, properly signed unless `headers` say otherwise (None leaves a header out)."""

    def ask(
        path: str,
        params: dict[str, Any] | None = None,
        *,
        method: str = "GET",
        body: str = "",
        key: ApiKey | None = None,
        headers: dict[str, str | None] | None = None,
        remote: str = "127.0.0.1",
        futures: bool = False,
    ) -> Answer:
        wanted = target(path, params or {})
        given = {**signed(key or exchange.key, clock(), method, wanted, body), **(headers or {})}
        kept = {name.lower(): value for name, value in given.items() if value is not None}
        reply = exchange.handle(Request(method, wanted, kept, body.encode(), remote, futures))
        return Answer(reply.status, reply.headers, reply.body, reply)

    return ask


@pytest.fixture
def post(ask: Ask) -> Ask:
    """Post a JSON object; a field that is None is left out."""

    def post(path: str, fields: dict[str, Any], **options: Any) -> Answer:
        body = {name: value for name, value in fields.items() if value is not None}
        return ask(path, method="POST", body=json.dumps(body), **options)

    return post


@pytest.fixture
def rich(exchange: Exchange) -> Exchange:
    """An exchange whose default key may withdraw, and has something in MAIN."""
    exchange.allow_withdrawals()
    for currency, balance in (("USDT", "1000"), ("BTC", "2"), ("XRP", "500"), ("SHIB", "5000000")):
        exchange.balances.set(currency, "main", balance)
    return exchange


@pytest.fixture
def withdraw(post: Ask, rich: Exchange) -> Ask:
    """Withdraw 10 USDT to an address on Tron, with changes; a field that is changed to None is left out."""
    assert rich.address_book is None

    def withdraw(*, key: ApiKey | None = None, remote: str = "127.0.0.1", **changes: Any) -> Answer:
        return post("/api/v3/withdrawals", {**PAYOUT, **changes}, key=key, remote=remote)

    return withdraw


@pytest.fixture
def ledger(ask: Ask) -> Ask:
    """Ask for the spot ledger; the parameters are its query."""
    return lambda **params: ask("/api/v1/accounts/ledgers", params)


@pytest.fixture(scope="session")
def session_server() -> Iterator[Server]:
    with Server(Exchange()) as server:
        yield server


@pytest.fixture
def server(exchange: Exchange, session_server: Server) -> Server:
    session_server.exchange = exchange
    session_server.latency = 0.0
    return session_server


@pytest.fixture
def http(server: Server, clock: Clock) -> Iterator[Callable[..., requests.Response]]:
    """Ask through the socket; redirects are not followed and nothing is sent twice."""
    with requests.Session() as session:
        session.trust_env = False

        def http(
            path: str, params: dict[str, Any] | None = None, *, body: str = "", futures: bool = False
        ) -> requests.Response:
            wanted, method = target(path, params or {}), "POST" if body else "GET"
            headers = signed(server.exchange.key, clock(), method, wanted, body)
            return session.request(
                method,
                (server.futures_url if futures else server.url) + wanted,
                headers=headers,
                data=body,
                timeout=5,
                allow_redirects=False,
            )

        yield http
