"""The synchronous transport: what a broken line means, what is never followed, and what is never shown."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_kucoin.api.calls import Line, Retry, Site
from airflow_provider_kucoin.api.endpoints import ACCOUNTS, API_KEY, TIMESTAMP, WITHDRAW_V3
from airflow_provider_kucoin.api.errors import (
    AuthenticationFailed,
    InvalidInput,
    OutcomeUnknown,
    RateLimited,
    Unavailable,
)
from airflow_provider_kucoin.api.signing import Credentials
from airflow_provider_kucoin.client.blocking import BlockingClient, KucoinAuth
from airflow_provider_kucoin.client.network import Network
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CREDENTIALS = Credentials("key-of-the-tests", "secret-of-the-tests", "passphrase-of-the-tests")
ONCE = Retry(attempts=1)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


@pytest.fixture
def naps() -> list[float]:
    """How long the client has slept, without anybody waiting for it."""
    return []


@pytest.fixture
def client(line: Any, network: Any, session: Any, naps: Any) -> BlockingClient:
    return BlockingClient(line, network, session, sleep=naps.append)


def to(url: Any, session: Any, *, timeout: float = 5.0, retry: Any = ONCE) -> BlockingClient:
    network = Network(timeout=timeout, trust_env=False)
    return BlockingClient(Line(Site(url, url), CREDENTIALS), network, session, retry=retry, sleep=lambda _: None)


def test_a_call_returns_its_data_after_correcting_the_clock(client: BlockingClient, exchange: Any, line: Line) -> None:
    assert client.call(API_KEY)["uid"] == exchange.key.uid
    assert abs(line.clock_offset_ms) > 5000


PASSING = [
    Fault.RATE_LIMITED,
    Fault.OVERLOADED,
    Fault.CLOUDFLARE_1015,
    Fault.CLOCK_SKEW,
    Fault.RESET_BEFORE,
    Fault.RESET_AFTER,
    Fault.SERVER_ERROR,
    Fault.BAD_GATEWAY,
    Fault.UNAVAILABLE,
    Fault.HTML_BODY,
    Fault.TRUNCATED_JSON,
    Fault.BROKEN_BODY,
    Fault.MISSING_DATA,
    Fault.NULL_DATA,
    Fault.REDIRECT,
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.name)
def test_a_get_survives_a_passing_fault(client: BlockingClient, exchange: Any, fault: Fault) -> None:
    client.call(API_KEY)
    exchange.faults.inject(fault, path=ACCOUNTS.path)
    assert client.call(ACCOUNTS) == []


def test_a_used_up_quota_is_slept_for_as_long_as_kucoin_says(
    client: BlockingClient, exchange: Any, naps: list[Any]
) -> None:
    client.call(API_KEY)
    exchange.faults.inject(Fault.RATE_LIMITED, path=ACCOUNTS.path, reset_ms=400)
    client.call(ACCOUNTS)
    assert 0.4 <= naps[0] < 0.7


def test_a_long_pause_is_told_in_the_log(
    line: Line, network: Network, session: Any, exchange: Any, caplog: Any
) -> None:
    caplog.set_level("INFO")
    client = BlockingClient(line, network, session, sleep=lambda _: None, retry=Retry(attempts=2))
    exchange.faults.inject(Fault.RATE_LIMITED, path=TIMESTAMP.path, reset_ms=7000)
    client.call(TIMESTAMP)
    assert "waiting 7." in caplog.text


@pytest.mark.parametrize("path", [API_KEY], ids=["api-key"])
def test_a_wrong_secret_is_told_once_and_not_tried_again(
    server: Any, session: Any, network: Network, exchange: Any, path: Any
) -> None:
    key = exchange.key
    wrong = Line(Site(server.url, server.futures_url), Credentials(key.key, "wrong", key.passphrase))
    with pytest.raises(AuthenticationFailed, match="400004"):
        BlockingClient(wrong, network, session).call(path)
    assert [record.code for record in exchange.requests if record.path == path.path] == ["400002", "400004"]


# ---------------------------------------------------------------------------------------------------------- the line


@pytest.mark.parametrize("endpoint", [ACCOUNTS, WITHDRAW_V3], ids=["GET", "POST"])
def test_where_nobody_listens_nothing_was_sent(nobody: str, session: Any, endpoint: Any) -> None:
    with pytest.raises(Unavailable, match=r"no answer from http://127.0.0.1:\d+ \(ConnectionError\)"):
        to(nobody, session).call(endpoint)


def test_an_unknown_host_was_sent_nothing(session: Any) -> None:
    with pytest.raises(Unavailable):
        to("http://nowhere.invalid", session).call(WITHDRAW_V3)


@pytest.mark.parametrize("words", ["NewConnectionError", "NameResolutionError", "SSLCertVerificationError"])
def test_words_in_a_url_do_not_make_a_lost_answer_look_unsent(
    tap: Callable[..., Any], session: Any, words: str
) -> None:
    broken = tap(lambda _: None)
    with pytest.raises(OutcomeUnknown):
        to(broken.url, session).call(WITHDRAW_V3, path=f"/api/v3/{words}")
    assert len(broken.heard) == 1


def test_a_post_whose_answer_is_lost_is_sent_once_and_its_outcome_unknown(
    tap: Callable[..., Any], session: Any
) -> None:
    broken = tap(lambda _: None)
    with pytest.raises(OutcomeUnknown, match="may or may not"):
        to(broken.url, session, retry=Retry()).call(WITHDRAW_V3, body=b"{}")
    assert len(broken.heard) == 1


def test_a_get_whose_answers_are_lost_is_given_up_after_its_attempts(tap: Callable[..., Any], session: Any) -> None:
    broken = tap(lambda _: None)
    with pytest.raises(Unavailable, match=r"\(3 attempts\)"):
        to(broken.url, session, retry=Retry(attempts=3)).call(ACCOUNTS)
    assert len(broken.heard) == 3


@pytest.mark.parametrize(
    ("endpoint", "kind"), [(ACCOUNTS, Unavailable), (WITHDRAW_V3, OutcomeUnknown)], ids=["GET", "POST"]
)
def test_an_answer_that_does_not_come_in_time_is_lost(session: Any, endpoint: Any, kind: type[Any]) -> None:
    # The kernel takes the connection and the request; nobody ever answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = to(f"http://127.0.0.1:{silent.getsockname()[1]}", session, timeout=0.05)
        with pytest.raises(kind, match="ReadTimeout while talking to"):
            client.call(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "kind"), [(ACCOUNTS, Unavailable), (WITHDRAW_V3, Unavailable)], ids=["GET", "POST"]
)
def test_a_proxy_that_is_not_there_was_sent_nothing(nobody: str, session: Any, endpoint: Any, kind: type[Any]) -> None:
    line = Line(Site("http://kucoin.invalid", "http://kucoin.invalid"), CREDENTIALS)
    network = Network(timeout=5, proxies={"http": nobody}, trust_env=False)
    with pytest.raises(kind, match="ProxyError"):
        BlockingClient(line, network, session, retry=ONCE).call(endpoint)


def test_tls_that_fails_in_the_middle_leaves_open_what_was_sent(session: Any) -> None:
    """A server that does not speak TLS: nothing but a certificate that was looked at and refused is certain."""
    with socket.create_server(("127.0.0.1", 0)) as plain:
        client = to(f"https://127.0.0.1:{plain.getsockname()[1]}", session, timeout=0.05)
        with pytest.raises((OutcomeUnknown, Unavailable)):
            client.call(WITHDRAW_V3)


@pytest.mark.parametrize("endpoint", [ACCOUNTS, WITHDRAW_V3], ids=["GET", "POST"])
def test_a_redirect_is_not_followed(tap: Callable[..., Any], session: Any, endpoint: Any) -> None:
    stranger = tap(lambda _: SimpleNamespace(status=200, body=b'{"code":"200000","data":[]}', headers={}))
    moved = tap(lambda _: SimpleNamespace(status=307, body=b"", headers={"Location": stranger.url}))
    with pytest.raises((Unavailable, OutcomeUnknown)):
        to(moved.url, session).call(endpoint)
    assert (len(moved.heard), len(stranger.heard)) == (1, 0)


def test_cookies_are_not_sent_back(tap: Callable[..., Any], session: Any) -> None:
    sticky = tap(
        lambda _: SimpleNamespace(
            status=200, body=b'{"code":"200000","data":[]}', headers={"Set-Cookie": "a=b; Path=/"}
        )
    )
    client = to(sticky.url, session)
    client.call(ACCOUNTS)
    client.call(ACCOUNTS)
    assert not any("cookie" in heard.headers for heard in sticky.heard)
    assert len(sticky.lines) == 1


# ---------------------------------------------------------------------------------------------------------- secrets


def shown(problem: Any) -> str:
    """Everything that a traceback would show of an error and its causes."""
    texts = []
    while problem is not None:
        texts.append(f"{problem!r} {problem}")
        problem = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    return " ".join(texts)


@pytest.mark.parametrize("endpoint", [ACCOUNTS, WITHDRAW_V3], ids=["GET", "POST"])
def test_what_is_shown_of_a_failure_holds_neither_secrets_nor_the_query(
    nobody: str, session: Any, endpoint: Any
) -> None:
    with pytest.raises((Unavailable, OutcomeUnknown)) as caught:
        to(nobody, session).call(endpoint, params={"currency": "hidden-from-logs"})
    assert "of-the-tests" not in shown(caught.value)
    assert "hidden-from-logs" not in shown(caught.value)


def test_what_is_shown_of_auth_client_and_network_holds_no_secrets(nobody: str, session: Any) -> None:
    client = to(nobody, session)
    network = Network(proxies={"https": "http://user:secret-of-the-tests@proxy.invalid"})
    for thing in (KucoinAuth(client.line), client, client.line, network):
        assert "of-the-tests" not in repr(thing)
        assert "of-the-tests" not in str(thing)


# -------------------------------------------------------------------------------------------------------------- auth


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.invalid/api/v1/accounts",
        "http://kucoin.invalid/api/v1/accounts",
        "https://kucoin.invalid:8443/api/v1/accounts",
        "https://kucoin.invalid.elsewhere.invalid/api/v1/accounts",
        "https://kucoin.invalid@elsewhere.invalid/api/v1/accounts",
        "https://user:word@kucoin.invalid/api/v1/accounts",
    ],
)
def test_the_auth_signs_for_no_other_host(url: str) -> None:
    line = Line(Site("https://kucoin.invalid", "https://futures.invalid"), CREDENTIALS)
    with pytest.raises(InvalidInput, match="is not a host of this KuCoin connection") as caught:
        requests.Request("GET", url, auth=KucoinAuth(line)).prepare()
    assert "of-the-tests" not in str(caught.value)


@pytest.mark.parametrize("spot", ["https://KuCoin.invalid", "https://kucoin.invalid"])
@pytest.mark.parametrize("url", ["https://kucoin.invalid/x", "https://KUCOIN.invalid/x", "https://futures.invalid/x"])
def test_the_auth_signs_for_its_own_hosts_however_they_are_written(spot: str, url: str) -> None:
    line = Line(Site(spot, "https://futures.invalid", {"X-SITE-TYPE": "australia"}), CREDENTIALS)
    prepared = requests.Request("GET", url, auth=KucoinAuth(line)).prepare()
    assert prepared.headers["KC-API-KEY"] == "key-of-the-tests"
    assert prepared.headers["X-SITE-TYPE"] == "australia"


def test_a_rate_limit_that_never_ends_is_raised_as_one(client: BlockingClient, exchange: Any) -> None:
    client.call(API_KEY)
    exchange.faults.inject(Fault.OVERLOADED, path=ACCOUNTS.path, times=None)
    with pytest.raises(RateLimited, match=r"\(8 attempts\)"):
        client.call(ACCOUNTS)
