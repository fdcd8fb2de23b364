"""What leaves the machine: one line, fresh signatures, the headers named here and no others, to no other host."""

from __future__ import annotations

import ssl
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import requests
from moments import DAY, YESTERDAY

from airflow_provider_kucoin.api.errors import ClockSkewed, InvalidInput, KucoinError, RequestRefused, Unavailable
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_kucoin.testing import Exchange, Server

    Reach = Callable[[KucoinHook], object]


#: All that may leave, in lower case.
KC_HEADERS = {"kc-api-key", "kc-api-sign", "kc-api-timestamp", "kc-api-passphrase", "kc-api-key-version"}
PLAIN_HEADERS = {"host", "content-type", "user-agent", "accept", "accept-encoding", "connection", "content-length"}


@pytest.fixture
def tapped(wire: Any, server: Server, connect: Callable[..., Any]) -> Any:
    """The exchange behind a wiretap, and `kucoin_default` a connection to it."""
    connect(server.connection(), {"futures_host": wire.url}, host=wire.url)
    return wire


# ------------------------------------------------------------------------------------------------- line and signature


def test_one_hook_keeps_one_connection_alive_for_all_its_calls(tapped: Any) -> None:
    hook = KucoinHook()
    hook.server_time_ms()
    hook.get_accounts()
    hook.request("GET", "/api/v1/accounts")
    hook.request("GET", "/api/v1/status", futures=True)
    hook.run("/api/v1/status")
    hook.get_conn().get(f"{tapped.url}/api/v1/accounts", timeout=5)
    assert hook.test_connection()[0]
    assert len(tapped.heard) >= 8
    assert tapped.lines == {0}


def test_a_bulk_read_keeps_its_connections_alive(tapped: Any) -> None:
    hook = KucoinHook()
    assert list(hook.iter_ledger("spot", YESTERDAY - 9 * DAY, YESTERDAY)) == []
    ledger = [heard for heard in tapped.heard if heard.path == "/api/v1/accounts/ledgers"]
    assert len(ledger) == 18  # nine days, each with a query for its last milliseconds
    assert len({heard.line for heard in ledger}) <= 4


def test_get_conn_returns_the_same_session_each_time(hook: KucoinHook) -> None:
    assert hook.get_conn() is hook.get_conn()


def test_every_attempt_is_signed_afresh(tapped: Any, exchange: Exchange) -> None:
    hook = KucoinHook()
    hook.server_time_ms()
    exchange.faults.inject(Fault.SERVER_ERROR, path="/api/v1/accounts", times=2)
    hook.get_accounts()
    attempts = [heard.headers for heard in tapped.heard if heard.path == "/api/v1/accounts"]
    assert len(attempts) == 3
    assert len({headers["kc-api-timestamp"] for headers in attempts}) == 3
    assert len({headers["kc-api-sign"] for headers in attempts}) == 3


@pytest.mark.parametrize("seconds", [-30, 30], ids=["exchange-behind", "exchange-ahead"])
def test_a_request_30_s_off_succeeds_after_one_look_at_the_clock_and_later_ones_need_none(
    hook: KucoinHook, exchange: Exchange, seconds: int
) -> None:
    exchange.clock_offset_ms = seconds * 1000
    for _ in range(3):
        hook.get_accounts()
    assert [(record.path, record.code) for record in exchange.requests] == [
        ("/api/v1/accounts", "400002"),
        ("/api/v1/timestamp", "200000"),
        ("/api/v1/accounts", "200000"),
        ("/api/v1/accounts", "200000"),
        ("/api/v1/accounts", "200000"),
    ]


def test_a_clock_that_is_never_right_is_looked_at_once(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.faults.inject(Fault.CLOCK_SKEW, path="/api/v1/accounts", times=None)
    with pytest.raises(ClockSkewed):
        hook.get_accounts()
    assert [record.path for record in exchange.requests] == [
        "/api/v1/accounts",
        "/api/v1/timestamp",
        "/api/v1/accounts",
    ]


# ------------------------------------------------------------------------------------------------------------ headers

EXTRAS = {
    "foo": "canary-foo",
    "X-Evil": "canary-evil",
    "headers": {"X-Nested": "canary-nested"},
    "withdraw_limits": {"USDT": {"per_withdrawal": "5000"}},
    "withdraw_destinations": {"cold": {"currency": "USDT", "address": "canary-address"}},
    "withdrawals_enabled": True,
    "a list": [1, 2],
    "number": 7,
    "nothing": None,
}


def test_no_extra_field_ever_leaves_as_a_header(wire: Any, server: Server, connect: Callable[..., Any]) -> None:
    connect(server.connection(), {**EXTRAS, "futures_host": wire.url}, host=wire.url)
    hook = KucoinHook()
    hook.server_time_ms()
    hook.request("GET", "/api/v1/accounts")
    hook.request("GET", "/api/v1/status", futures=True)
    hook.run("/api/v1/accounts")
    hook.run("/api/v1/accounts", extra_options={"check_response": False})
    hook.get_conn().get(f"{wire.url}/api/v1/accounts", timeout=5)
    list(hook.iter_ledger("spot", YESTERDAY, YESTERDAY + DAY))
    hook.test_connection()
    assert len(wire.heard) >= 10
    for heard in wire.heard:
        assert set(heard.headers) <= KC_HEADERS | PLAIN_HEADERS, heard
        everything = f"{heard.target} {heard.headers} {heard.body!r}"
        assert "canary" not in everything
        assert server.exchange.key.passphrase not in everything
        assert server.exchange.key.secret not in everything


def test_a_public_endpoint_is_asked_without_the_key(tapped: Any) -> None:
    KucoinHook().request("GET", "/api/v1/timestamp")
    assert not KC_HEADERS & set(tapped.heard[0].headers)


def test_site_type_leaves_as_its_header_on_every_way_out(
    wire: Any, server: Server, connect: Callable[..., Any]
) -> None:
    connect(server.connection(), {"site_type": "australia"}, host=wire.url)
    hook = KucoinHook()
    hook.server_time_ms()
    hook.request("GET", "/api/v1/accounts")
    hook.run("/api/v1/accounts")
    hook.get_conn().get(f"{wire.url}/api/v1/accounts", timeout=5)
    list(hook.iter_ledger("spot", YESTERDAY, YESTERDAY + DAY))
    assert {heard.headers.get("x-site-type") for heard in wire.heard} == {"australia"}


def test_without_site_type_there_is_no_such_header(tapped: Any) -> None:
    KucoinHook().get_accounts()
    assert not any("x-site-type" in heard.headers for heard in tapped.heard)


# ---------------------------------------------------------------------------------------------------------- redirects


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda hook, _: hook.get_accounts(), id="request"),
        pytest.param(lambda hook, _: hook.run("/api/v1/accounts"), id="run"),
        pytest.param(
            lambda hook, _: hook.run("/api/v1/accounts", extra_options={"allow_redirects": True}), id="run-follow"
        ),
        pytest.param(lambda hook, url: hook.get_conn().get(f"{url}/api/v1/accounts", timeout=5), id="session"),
        pytest.param(lambda hook, _: list(hook.iter_ledger("spot", YESTERDAY, YESTERDAY + DAY)), id="bulk"),
    ],
)
def test_a_redirect_is_not_followed(
    ask: Callable[[KucoinHook, str], object],
    tap: Callable[..., Any],
    server: Server,
    exchange: Exchange,
    connection: dict[str, Any],  # noqa: ARG001 - it is there
    impatient: Callable[[], KucoinHook],
) -> None:
    elsewhere = tap(lambda _: None)
    hook = impatient()
    hook.server_time_ms()
    exchange.faults.inject(Fault.REDIRECT, location=f"{elsewhere.url}/api/v1/accounts", times=None)
    with pytest.raises((KucoinError, requests.TooManyRedirects)):
        ask(hook, server.url)
    assert elsewhere.heard == []


def test_the_session_refuses_to_carry_the_key_to_another_host(hook: KucoinHook, tap: Callable[..., Any]) -> None:
    elsewhere = tap(lambda _: None)
    with pytest.raises(InvalidInput, match="not a host of this KuCoin connection"):
        hook.get_conn().get(f"{elsewhere.url}/api/v1/accounts", timeout=5)
    assert elsewhere.heard == []


# ------------------------------------------------------------------------------------------------------ run, get_conn


def test_run_raises_what_kucoins_code_stands_for(
    server: Server, exchange: Exchange, connect: Callable[..., Any]
) -> None:
    exchange.clock_offset_ms = 0
    connect(server.connection(), login="0" * 24)
    from airflow_provider_kucoin.api.errors import AuthenticationFailed

    with pytest.raises(AuthenticationFailed, match="400003"):
        KucoinHook().run("/api/v1/accounts")


def test_run_sees_an_error_inside_http_200(hook: KucoinHook) -> None:
    hook.server_time_ms()
    with pytest.raises(RequestRefused, match=r"400100.*not in the given range!"):
        hook.run("/api/v1/accounts/ledgers", {"bizType": "Transfer"})


def test_run_does_not_forget_to_check_after_a_call_that_did_not(hook: KucoinHook) -> None:
    hook.server_time_ms()
    answer = hook.run("/api/v1/nowhere", extra_options={"check_response": False})
    assert answer.json()["code"] == "404000"
    with pytest.raises(RequestRefused, match="404000"):
        hook.run("/api/v1/nowhere")


def test_run_signs_the_query_that_it_sends(hook: KucoinHook, exchange: Exchange) -> None:
    hook.server_time_ms()
    exchange.book(created_at=YESTERDAY, currency="BTC")
    asked = {"currency": "BTC,USDT", "startAt": YESTERDAY, "endAt": YESTERDAY + 1000, "x": "a b+c/é(BSC)%"}
    assert hook.run("/api/v1/accounts/ledgers", asked).json()["data"]["totalNum"] == 1


def test_a_header_of_one_run_is_not_sent_with_the_next(tapped: Any) -> None:
    hook = KucoinHook()
    hook.run("/api/v1/status", headers={"X-Once": "1"})
    hook.run("/api/v1/status")
    assert ["x-once" in heard.headers for heard in tapped.heard] == [True, False]
    assert tapped.lines == {0}


# ------------------------------------------------------------------------------- network settings, on both transports


def test_proxies_are_used(
    reach: Reach, tap: Callable[..., Any], through: Callable[..., Any], server: Server, connect: Callable[..., Any]
) -> None:
    proxy = tap(through())
    connect(server.connection(), {"proxies": {"http": proxy.url}}, host="http://kucoin.invalid")
    reach(KucoinHook())
    assert proxy.heard
    assert all(heard.target.startswith("http://kucoin.invalid/") for heard in proxy.heard)


def test_the_environments_proxy_is_used_by_default(
    reach: Reach,
    tap: Callable[..., Any],
    through: Callable[..., Any],
    server: Server,
    connect: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = tap(through())
    monkeypatch.setenv("http_proxy", proxy.url)
    connect(server.connection(), host="http://kucoin.invalid")
    reach(KucoinHook())
    assert proxy.heard


def test_the_environments_proxy_is_not_used_when_trust_env_is_off(
    reach: Reach,
    tap: Callable[..., Any],
    server: Server,
    connect: Callable[..., Any],
    impatient: Callable[[], KucoinHook],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = tap(lambda _: None)
    monkeypatch.setenv("http_proxy", proxy.url)
    connect(server.connection(), {"trust_env": False}, host="http://kucoin.invalid")
    with pytest.raises(Unavailable, match=r"http://kucoin\.invalid"):
        reach(impatient())
    assert proxy.heard == []


def test_an_answer_that_does_not_come_in_time_counts_as_lost(
    reach: Reach, exchange: Exchange, server: Server, connect: Callable[..., Any], impatient: Callable[[], KucoinHook]
) -> None:
    exchange.faults.inject(Fault.SLOW, seconds=5, times=None)
    connect(server.connection(), {"timeout": 0.1})
    with pytest.raises(Unavailable):
        reach(impatient())


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A certificate for 127.0.0.1 that only its own file vouches for, and its key."""
    import ipaddress
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("pki")
    found = {"cert": folder / "cert.pem", "key": folder / "key.pem", "both": folder / "both.pem"}
    found["cert"].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    found["key"].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    found["both"].write_bytes(found["key"].read_bytes() + found["cert"].read_bytes())
    return found


@pytest.fixture
def over_tls(
    pki: dict[str, Path],
    tap: Callable[..., Any],
    through: Callable[..., Any],
    server: Server,
    connect: Callable[..., Any],
) -> Callable[..., Any]:
    """Serve the exchange over TLS, and make `kucoin_default` a connection to it with these extras."""

    def over_tls(extra: dict[str, Any], *, ask_for_a_certificate: bool = False) -> Any:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki["cert"], pki["key"])
        if ask_for_a_certificate:
            context.load_verify_locations(pki["cert"])
            context.verify_mode = ssl.CERT_REQUIRED
        found = tap(through(), context)
        connect(server.connection(), extra, host=found.url)
        return found

    return over_tls


def test_a_certificate_that_nobody_vouches_for_is_refused(
    reach: Reach, over_tls: Callable[..., Any], impatient: Callable[[], KucoinHook]
) -> None:
    tapped = over_tls({})
    with pytest.raises(Unavailable, match=rf"{tapped.url}.*(SSL|Certificate)"):
        reach(impatient())
    assert tapped.heard == []


def test_verify_names_who_vouches_for_the_certificate(
    reach: Reach, over_tls: Callable[..., Any], pki: dict[str, Path]
) -> None:
    tapped = over_tls({"verify": str(pki["cert"])})
    reach(KucoinHook())
    assert tapped.heard


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # that it warns is right: the connection says so
def test_verify_can_be_switched_off(reach: Reach, over_tls: Callable[..., Any]) -> None:
    tapped = over_tls({"verify": False})
    reach(KucoinHook())
    assert tapped.heard


@pytest.mark.parametrize("shape", ["pair", "one-file"])
def test_the_client_certificate_is_shown(
    reach: Reach, over_tls: Callable[..., Any], pki: dict[str, Path], shape: str
) -> None:
    cert = [str(pki["cert"]), str(pki["key"])] if shape == "pair" else str(pki["both"])
    tapped = over_tls({"verify": str(pki["cert"]), "cert": cert}, ask_for_a_certificate=True)
    reach(KucoinHook())
    assert tapped.heard


def test_without_the_client_certificate_there_is_no_answer(
    reach: Reach, over_tls: Callable[..., Any], pki: dict[str, Path], impatient: Callable[[], KucoinHook]
) -> None:
    tapped = over_tls({"verify": str(pki["cert"])}, ask_for_a_certificate=True)
    with pytest.raises(Unavailable):
        reach(impatient())
    assert tapped.heard == []


@pytest.mark.parametrize("reach", ["blocking", "concurrent"], indirect=True)
def test_the_client_certificate_is_shown_also_to_a_server_that_is_not_verified(
    reach: Reach, over_tls: Callable[..., Any], pki: dict[str, Path], impatient: Callable[[], KucoinHook]
) -> None:
    cert = [str(pki["cert"]), str(pki["key"])]
    tapped = over_tls({"verify": False, "cert": cert}, ask_for_a_certificate=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it warns is right: the connection says so
        reach(impatient())
    assert tapped.heard


@pytest.mark.parametrize("reach", ["blocking", "concurrent"], indirect=True)
def test_the_environments_authorities_vouch_for_the_certificate(
    reach: Reach,
    over_tls: Callable[..., Any],
    pki: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    impatient: Callable[[], KucoinHook],
) -> None:
    """Behind a proxy that looks into TLS this is how everything else on the machine is told of it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pki["cert"]))
    tapped = over_tls({})
    reach(impatient())
    assert tapped.heard


@pytest.mark.parametrize("way", ["session", "run"])
def test_a_session_that_is_handed_out_does_not_sign_what_pays_out(tapped: Any, way: str) -> None:
    """The connection's policy would not be asked."""
    hook = KucoinHook()
    hook.method = "POST"
    url = "/api/v3/withdrawals"
    ask = hook.run if way == "run" else lambda path, json: hook.get_conn().post(tapped.url + path, json=json, timeout=5)
    with pytest.raises(InvalidInput, match="withdrawal policy"):
        ask(url, json={"amount": "1"})
    assert tapped.heard == []


def test_run_repairs_the_clock_as_any_other_call(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.clock_offset_ms = 30_000
    assert hook.run("/api/v1/accounts").json()["data"] == []


def test_a_clock_that_refuses_to_be_read_is_not_asked_again_and_again(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.faults.inject(Fault.CLOCK_SKEW, path="/api/v1/timestamp", times=20)
    with pytest.raises(ClockSkewed):
        hook.server_time_ms()
    assert len(exchange.requests) <= 2
