"""
What `requests` and aiohttp really put on the socket: byte by byte what was signed, and not one header more.

The pure half: tests/api/test_signing.py.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.calls import Line, Site
from airflow_provider_kucoin.api.endpoints import ACCOUNTS, WITHDRAW_V3
from airflow_provider_kucoin.api.signing import Credentials, target
from airflow_provider_kucoin.client.blocking import BlockingClient, KucoinAuth
from airflow_provider_kucoin.client.concurrent import ConcurrentClient
from airflow_provider_kucoin.client.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "secret-of-the-tests"
CREDENTIALS = Credentials("key-of-the-tests", SECRET, "passphrase-of-the-tests")
AWKWARD = "BTC,USDT BEP20(BSC) x+y/é%2B%%25?&=#;'\"[]{}\\^`|<>!*$@:~ü漢🪙\0\t\r\n\x7f"
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
BODY = b'{"code":"200000","data":[]}'


class Listener:
    """A socket that keeps the raw bytes of each request and says yes to all of them."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connected, _ = self._socket.accept()
            except OSError:
                return
            with connected:
                while head := self._read_until_blank_line(connected):
                    text, _, rest = head.partition(b"\r\n\r\n")
                    length = next(
                        (int(line[15:]) for line in text.lower().split(b"\r\n") if line.startswith(b"content-length:")),
                        0,
                    )
                    while len(rest) < length:
                        rest += connected.recv(65536)
                    self.heard.append(text + b"\r\n\r\n" + rest)
                    connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)

    @staticmethod
    def _read_until_blank_line(connected: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            received = connected.recv(65536)
            if not received:
                return b""
            data += received
        return data

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    started = Listener()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def line(listener: Any) -> Line:
    return Line(Site(listener.url, listener.url), CREDENTIALS)


def by_requests(line: Any, params: dict[str, str], body: bytes = b"") -> None:
    with requests.Session() as session:
        client = BlockingClient(line, Network(timeout=5, trust_env=False), session)
        client.call(WITHDRAW_V3 if body else ACCOUNTS, params=params, body=body)


def by_aiohttp(line: Any, params: dict[str, str]) -> None:
    async def call() -> None:
        async with ConcurrentClient(line, Network(timeout=5, trust_env=False)) as client:
            await client.call(ACCOUNTS, params=params)

    asyncio.run(call())


def by_session(line: Any, params: dict[str, str]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.auth = KucoinAuth(line)
        session.get(line.site.spot_url + ACCOUNTS.path, params=params, timeout=5)


def taken_apart(raw: Any) -> tuple[str, str, dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    method, wire, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return method, wire, headers, body


def signature_of(method: str, wire: Any, headers: Any, body: bytes) -> str:
    """As KuCoin describes it: over the query as it is when decoded, where `+` is a space."""
    path, mark, query = wire.partition("?")
    plain = unquote(query.replace("+", " "), errors="strict")
    prehash = f"{headers['kc-api-timestamp']}{method}{path}{mark}{plain}".encode() + body
    return base64.b64encode(hmac.new(SECRET.encode(), prehash, hashlib.sha256).digest()).decode()


@pytest.mark.parametrize("send", [by_requests, by_aiohttp], ids=["requests", "aiohttp"])
@given(params=st.dictionaries(anything, anything, max_size=3))
@example({"currency": "BTC,USDT", "chain": AWKWARD})
@example({AWKWARD: AWKWARD, "": ""})
@example({"a": "%41%2f%2F+ "})
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_request_line_is_exactly_what_was_signed(
    listener: Listener, line: Line, send: Callable[..., Any], params: dict[str, str]
) -> None:
    listener.heard.clear()
    send(line, params)
    [raw] = listener.heard
    method, wire, headers, body = taken_apart(raw)
    assert wire == target(ACCOUNTS.path, params)
    assert headers["kc-api-sign"] == signature_of(method, wire, headers, body)


@pytest.mark.parametrize("params", [{"currency": "BTC,USDT"}, {"chain": AWKWARD}, {"a b": "c+d"}, {}], ids=repr)
def test_a_session_that_encodes_in_its_own_way_is_signed_over_what_it_sends(
    listener: Listener, line: Line, params: dict[str, Any]
) -> None:
    listener.heard.clear()
    by_session(line, params)
    method, wire, headers, body = taken_apart(listener.heard[0])
    assert headers["kc-api-sign"] == signature_of(method, wire, headers, body)
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", [b"{}", '{"remark":"é 🪙","amount" : "3"}'.encode(), b'{"a":"\x00"}'], ids=repr)
def test_a_body_goes_out_byte_by_byte_as_it_was_signed(listener: Listener, line: Line, body: bytes) -> None:
    listener.heard.clear()
    by_requests(line, None, body)
    method, wire, headers, sent = taken_apart(listener.heard[0])
    assert (method, wire, sent) == ("POST", "/api/v3/withdrawals", body)
    assert headers["kc-api-sign"] == signature_of(method, wire, headers, body)


@pytest.mark.parametrize("body", ['{"a":"é"}', b'{"a":1}', None], ids=["text", "bytes", "none"])
def test_a_session_signs_a_body_of_text_or_bytes(listener: Listener, line: Line, body: bytes | str | None) -> None:
    listener.heard.clear()
    with requests.Session() as session:
        session.trust_env = False
        session.post(
            f"{listener.url}/api/v1/x",
            data=body and (body.encode() if isinstance(body, str) else body),
            auth=KucoinAuth(line),
            timeout=5,
        )
    method, wire, headers, sent = taken_apart(listener.heard[0])
    assert headers["kc-api-sign"] == signature_of(method, wire, headers, sent)


@pytest.mark.parametrize("send", [by_requests, by_aiohttp], ids=["requests", "aiohttp"])
def test_no_header_goes_out_that_was_not_meant_to(listener: Listener, line: Line, send: Callable[..., Any]) -> None:
    listener.heard.clear()
    send(line, {"currency": "BTC"})
    _, _, headers, body = taken_apart(listener.heard[0])
    assert body == b""
    assert set(headers) - {"host", "accept", "accept-encoding", "user-agent", "connection"} == {
        "content-type",
        "kc-api-key",
        "kc-api-sign",
        "kc-api-timestamp",
        "kc-api-passphrase",
        "kc-api-key-version",
    }


@pytest.mark.parametrize("send", [by_requests, by_aiohttp, by_session], ids=["requests", "aiohttp", "session"])
def test_neither_secret_nor_passphrase_is_on_the_wire(listener: Listener, line: Line, send: Callable[..., Any]) -> None:
    listener.heard.clear()
    send(line, {"currency": "BTC"})
    assert SECRET.encode() not in listener.heard[0]
    assert b"passphrase-of-the-tests" not in listener.heard[0]
