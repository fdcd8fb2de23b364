"""KuCoin's refusals, brought about for real: the class of the error, its code, and what a person is told to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY

from airflow_provider_kucoin.api import errors
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server
    from airflow_provider_kucoin.testing.wire import Request


@dataclass(frozen=True)
class Case:
    """Something that is set up wrongly: on the key, on the connection, at the exchange, or on the way there."""

    code: str
    error: type[errors.KucoinError]
    advice: str
    key: dict[str, Any] = field(default_factory=dict)
    connection: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    exchange: Callable[[Exchange], object] = lambda _: None
    on_the_way: Callable[[Request], Request] | None = None


def stripped(request: Request) -> Request:
    kept = {name: value for name, value in request.headers.items() if name != "kc-api-sign"}
    return replace(request, headers=kept)


def rewritten(request: Request) -> Request:
    return replace(request, target=request.target + "?via=proxy")


CASES = {
    "400001-headers-stripped-by-a-proxy": Case(
        "400001", errors.AuthenticationFailed, "strips request headers", on_the_way=stripped
    ),
    "400002-clock-never-right": Case(
        "400002",
        errors.ClockSkewed,
        "NTP",
        exchange=lambda exchange: exchange.faults.inject(Fault.CLOCK_SKEW, path="/api/v1/user/api-key", times=None),
    ),
    "400003-wrong-key": Case(
        "400003", errors.AuthenticationFailed, r"login \(API key\)", connection={"login": "0" * 24}
    ),
    "400003-expired-key": Case("400003", errors.AuthenticationFailed, "expired", key={"expired_at": 1_700_000_000_000}),
    "400004-wrong-passphrase": Case(
        "400004", errors.AuthenticationFailed, "'passphrase'", extra={"passphrase": "not-that-one"}
    ),
    "400004-wrong-secret": Case("400004", errors.AuthenticationFailed, "passphrase", connection={"password": "0" * 36}),
    "400005-url-rewritten-by-a-proxy": Case("400005", errors.AuthenticationFailed, "API secret", on_the_way=rewritten),
    "400006-ip-address": Case(
        "400006", errors.PermissionDenied, "127.0.0.1.*IP whitelist", key={"ip_whitelist": ("203.0.113.7",)}
    ),
    "400007-permission": Case(
        "400007", errors.PermissionDenied, "grant the permission", key={"permissions": ("Spot",)}
    ),
    "400008-old-key": Case("400008", errors.AuthenticationFailed, "make a new key", key={"version": 2}),
    "400009-key-version": Case(
        "400009",
        errors.AuthenticationFailed,
        "'key_version'",
        extra={"key_version": "2"},
        exchange=lambda exchange: setattr(exchange.readings, "key_version_headers", ("3",)),
    ),
    "400010-account": Case(
        "400010",
        errors.PermissionDenied,
        "account's status",
        exchange=lambda exchange: exchange.denied_uids.add(exchange.key.uid),
    ),
}


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def case(
    request: pytest.FixtureRequest,
    exchange: Exchange,
    server: Server,
    connect: Callable[..., Any],
    tap: Callable[..., Any],
    through: Callable[..., Any],
) -> Case:
    """One thing set up wrongly, and everything else right."""
    case: Case = request.param
    base = server.connection()
    exchange.replace_key(replace(exchange.key, **case.key))
    case.exchange(exchange)
    url = server.url if case.on_the_way is None else tap(through(case.on_the_way)).url
    connect(base, case.extra, host=url, **case.connection)
    return case


def test_a_refusal_has_its_class_its_code_and_what_to_do(case: Case) -> None:
    with pytest.raises(errors.KucoinError, match=rf"(?s)KuCoin code {case.code}.*What to do: .*") as refusal:
        KucoinHook().request("GET", "/api/v1/user/api-key")
    assert type(refusal.value) is case.error
    assert refusal.value.code == case.code
    assert refusal.value.http_status in {400, 401, 403}
    assert refusal.match(f"(?s){case.advice}")


def test_a_refusal_is_not_repeated(case: Case, exchange: Exchange) -> None:
    with pytest.raises(errors.KucoinError):
        KucoinHook().request("GET", "/api/v1/user/api-key")
    asked = [record for record in exchange.requests if record.path == "/api/v1/user/api-key"]
    # ... but for the clock, which is repaired: the exchange's is not this machine's
    assert len([record for record in asked if record.code == case.code]) == (2 if case.code == "400002" else 1)


def test_the_doctor_names_the_code_and_the_cure(case: Case) -> None:
    healthy, found = KucoinHook().test_connection()
    assert not healthy
    assert "is reachable" in found
    assert f"PROBLEM: GET /api/v1/user/api-key: KuCoin code {case.code}" in found
    assert "What to do: " in found


def test_the_cure_of_400004_names_the_secret_too_because_it_signs_the_passphrase(
    server: Server, connect: Callable[..., Any]
) -> None:
    connect(server.connection(), password="0" * 36)
    assert "password (API secret)" in KucoinHook().test_connection()[1]


def test_the_doctor_says_what_a_sound_key_is_and_may_do(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.clock_offset_ms = 0
    exchange.replace_key(replace(exchange.key, ip_whitelist=("127.0.0.1",)))
    healthy, found = hook.test_connection()
    assert healthy
    assert f"uid {exchange.key.uid}, master account, key version 3" in found
    assert "permissions: General, Spot, Margin, Futures" in found
    assert "IP whitelist: 127.0.0.1" in found
    assert "WARNING" not in found


def test_the_doctor_says_soon_that_a_host_is_not_reachable(server: Server, connect: Callable[..., Any]) -> None:
    """Whoever presses the test button waits for the answer: no more than one repetition."""
    import time

    connect(server.connection(), host="http://127.0.0.1:1")
    began = time.monotonic()
    healthy, found = KucoinHook().test_connection()
    assert time.monotonic() - began < 5
    assert not healthy
    assert "PROBLEM" in found
    assert "http://127.0.0.1:1" in found
    assert "check the connection's host, the network and any proxy" in found


def test_the_doctor_says_that_a_host_is_not_kucoin(
    tap: Callable[..., Any], server: Server, connect: Callable[..., Any]
) -> None:
    from http import HTTPStatus

    said = type("Said", (), {"status": HTTPStatus.OK.value, "body": b"<html>It works!</html>", "headers": {}})
    connect(server.connection(), host=tap(lambda _: said).url)
    healthy, found = KucoinHook().test_connection()
    assert not healthy
    assert "HTML" in found


def test_the_doctor_reports_a_connection_that_lacks_its_passphrase(server: Server, connect: Callable[..., Any]) -> None:
    connect(server.connection(), {"passphrase": None})
    healthy, found = KucoinHook().test_connection()
    assert (healthy, "has no extra field 'passphrase'" in found) == (False, True)


def test_the_doctor_warns_of_a_key_that_expires_soon(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.replace_key(replace(exchange.key, expired_at=exchange.now_ms() + 3 * DAY))
    healthy, found = hook.test_connection()
    assert healthy
    assert "WARNING: the key expires at 2026-02-06T" in found


def test_the_doctor_warns_that_an_ingestion_key_could_withdraw(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.replace_key(replace(exchange.key, permissions=("General", "Transfer")))
    healthy, found = hook.test_connection()
    assert healthy
    assert "WARNING: this key could also withdraw" in found


def test_the_doctor_says_that_withdrawals_are_on_and_the_key_may_not(
    server: Server, connect: Callable[..., Any]
) -> None:
    connect(server.connection(), {"withdrawals_enabled": True})
    healthy, found = KucoinHook().test_connection()
    assert not healthy
    assert "PROBLEM: the connection has withdrawals_enabled" in found


def test_the_doctor_warns_of_a_key_without_ip_whitelist(hook: KucoinHook) -> None:
    healthy, found = hook.test_connection()
    assert healthy
    assert "IP whitelist: none" in found
    assert "WARNING: the key has no IP whitelist" in found


def test_the_doctor_warns_of_a_version_that_is_not_the_keys(server: Server, connect: Callable[..., Any]) -> None:
    connect(server.connection(), {"key_version": "2"})
    healthy, found = KucoinHook().test_connection()
    assert healthy
    assert "WARNING: the key is of version 3, the connection sends 2: set the extra field key_version" in found


@pytest.mark.parametrize("seconds", [-30, 30], ids=["exchange-behind", "exchange-ahead"])
def test_the_doctor_works_with_a_clock_that_is_30_s_off_and_says_so(
    hook: KucoinHook, exchange: Exchange, seconds: int
) -> None:
    exchange.clock_offset_ms = seconds * 1000
    healthy, found = hook.test_connection()
    assert healthy
    off = next(line for line in found.splitlines() if "this machine's clock" in line)
    shown = int(off.partition("clock is ")[2].partition(" ms")[0])
    assert shown == pytest.approx(-seconds * 1000, abs=1000)
    assert "NTP" in off


@pytest.mark.parametrize("reading", ["absent", "empty", "null"])
def test_the_doctor_takes_every_way_of_having_no_ip_whitelist(
    hook: KucoinHook, exchange: Exchange, reading: Any
) -> None:
    exchange.readings.unrestricted_ip_whitelist = reading
    assert "IP whitelist: none" in hook.test_connection()[1]


def test_the_doctor_takes_the_description_of_a_key_as_it_was_before_2025(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.readings.extended_api_key = False
    assert hook.test_connection()[0]
