"""What a connection may say, and what is refused, by name and without showing a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.hooks.connection import settings
from airflow_provider_kucoin.hooks.kucoin import KucoinHook

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Server


def conn(extra: dict[str, Any] | str | None = None, **fields: Any) -> Connection:
    given = extra if isinstance(extra, str) else {"passphrase": "canary-phrase", **(extra or {})}
    return Connection(
        conn_id="mine",
        conn_type="kucoin",
        **{"login": "key", "password": "canary-secret", **fields},
        extra=given if isinstance(given, str) else json.dumps(given),
    )


def test_a_connection_without_host_goes_to_kucoin() -> None:
    site = settings(conn()).site
    assert (site.spot_url, site.futures_url) == ("https://api.kucoin.com", "https://api-futures.kucoin.com")


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        pytest.param({"host": "api.kucoin.eu"}, "https://api.kucoin.eu", id="host-only"),
        pytest.param({"host": "https://api.kucoin.eu"}, "https://api.kucoin.eu", id="full-url"),
        pytest.param({"host": "https://api.kucoin.eu/"}, "https://api.kucoin.eu", id="trailing-slash"),
        pytest.param({"host": " https://api.kucoin.eu "}, "https://api.kucoin.eu", id="blanks-around"),
        pytest.param(
            {"host": "127.0.0.1", "schema": "http", "port": 8765}, "http://127.0.0.1:8765", id="schema-host-port"
        ),
        pytest.param({"host": "http://127.0.0.1", "port": 8765}, "http://127.0.0.1:8765", id="url-and-port"),
        pytest.param({"host": "http://127.0.0.1/", "port": 8765}, "http://127.0.0.1:8765", id="url-slash-port"),
        pytest.param({"host": "127.0.0.1:8765"}, "https://127.0.0.1:8765", id="host-with-port"),
        pytest.param({"host": "http://[::1]:8765"}, "http://[::1]:8765", id="ipv6"),
    ],
)
def test_the_base_url_may_be_written_in_these_ways(fields: dict[str, Any], url: str) -> None:
    assert settings(conn(**fields)).site.spot_url == url


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("ftp://api.kucoin.com", id="not-http"),
        pytest.param("https://api.kucoin.com/api/v1", id="with-a-path"),
        pytest.param("https://api.kucoin.com?x=1", id="with-a-query"),
        pytest.param("https://api.kucoin.com#there", id="with-a-fragment"),
        pytest.param("https://me:canary-word@api.kucoin.com", id="with-a-password"),
        pytest.param("https://", id="without-a-host"),
        pytest.param("https://api.kucoin.com:https", id="port-that-is-no-number"),
        pytest.param("https://api.kucoin.com:99999", id="port-too-high"),
        pytest.param("https://[::1", id="half-an-address"),
        pytest.param("https://api kucoin.com", id="blank-inside"),
    ],
)
def test_what_is_no_base_url_is_refused_by_name(host: str) -> None:
    with pytest.raises(InvalidInput, match=r"'mine': host.*base URL such as https://api\.kucoin\.com") as refusal:
        settings(conn(host=host))
    assert "canary" not in str(refusal.value)


def test_a_port_that_is_given_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="host"):
        settings(conn(host="127.0.0.1:1", port=2))


def test_a_futures_host_that_is_no_base_url_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="futures_host"):
        settings(conn({"futures_host": "https://futures/api"}))


@pytest.mark.parametrize(
    ("fields", "extra", "name"),
    [
        pytest.param({"login": None}, {}, r"login \(API key\)", id="key"),
        pytest.param({"password": None}, {}, r"password \(API secret\)", id="secret"),
        pytest.param({}, {"passphrase": None}, "'passphrase'", id="passphrase-null"),
        pytest.param({}, {"passphrase": ""}, "'passphrase'", id="passphrase-empty"),
    ],
)
def test_what_is_missing_is_named(fields: dict[str, Any], extra: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"connection 'mine' has no .*{name}"):
        settings(conn(extra, **fields))


def test_a_connection_without_any_extra_lacks_its_passphrase() -> None:
    with pytest.raises(InvalidInput, match="'passphrase'"):
        settings(Connection(conn_id="mine", conn_type="kucoin", login="key", password="secret"))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("canary\n", id="line-break-at-the-end"),
        pytest.param("can\r\nary", id="line-break-inside"),
        pytest.param(" canary", id="blank-in-front"),
        pytest.param("canary€", id="not-ascii"),
        pytest.param("canary\x00", id="nul"),
    ],
)
@pytest.mark.parametrize(
    ("place", "name"),
    [("login", "API key"), ("password", "API secret"), ("passphrase", "'passphrase'")],
    ids=["key", "secret", "passphrase"],
)
def test_a_secret_that_no_header_can_hold_is_refused_without_showing_it(place: str, name: str, value: str) -> None:
    given = conn({"passphrase": value}) if place == "passphrase" else conn(**{place: value})
    with pytest.raises(InvalidInput, match=name) as refusal:
        settings(given)
    assert "canary" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_passphrase_of_digits_that_was_written_without_quotes_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidInput, match="'passphrase'") as refusal:
        settings(conn({"passphrase": 12345678}))
    assert "12345678" not in str(refusal.value)


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        pytest.param({"key_version": "1"}, "key_version", id="key-version-1"),
        pytest.param({"key_version": "latest"}, "key_version", id="key-version-text"),
        pytest.param({"timeout": "soon"}, "timeout", id="timeout-text"),
        pytest.param({"timeout": 0}, "timeout", id="timeout-0"),
        pytest.param({"timeout": -1}, "timeout", id="timeout-negative"),
        pytest.param({"timeout": "inf"}, "timeout", id="timeout-infinite"),
        pytest.param({"timeout": "nan"}, "timeout", id="timeout-nan"),
        pytest.param({"timeout": [1, 2]}, "timeout", id="timeout-list"),
        pytest.param({"trust_env": "perhaps"}, "trust_env", id="trust-env"),
        pytest.param({"withdrawals_enabled": "maybe"}, "withdrawals_enabled", id="withdrawals-enabled"),
        pytest.param({"site_type": "aus\ntralia"}, "site_type", id="site-type"),
        pytest.param({"proxies": "http://me:canary-word@proxy:3128"}, "proxies", id="proxies-text"),
        pytest.param({"proxies": {"https": 3128}}, "proxies", id="proxies-number"),
        pytest.param({"cert": ["one", "two", "three"]}, "cert", id="cert-of-three"),
        pytest.param({"cert": {"file": "x"}}, "cert", id="cert-object"),
    ],
)
def test_an_extra_field_that_makes_no_sense_is_refused_by_name(extra: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"'mine'.*{name}") as refusal:
        settings(conn(extra))
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize("extra", [pytest.param("[1, 2]", id="list"), pytest.param("no json", id="text")])
def test_an_extra_that_is_no_object_is_refused(extra: str) -> None:
    with pytest.raises(Exception, match=r"passphrase|extra|JSON|json"):
        settings(conn(extra))


@pytest.mark.parametrize(
    ("given", "means"),
    [
        pytest.param(True, True, id="true"),
        pytest.param(False, False, id="false"),
        pytest.param("False", False, id="text-false"),
        pytest.param("true", True, id="text-true"),
        pytest.param("", True, id="empty"),
        pytest.param(None, True, id="null"),
        pytest.param("/etc/ca.pem", "/etc/ca.pem", id="path"),
    ],
)
def test_verify_is_a_flag_or_a_path_and_never_off_by_accident(given: object, means: object) -> None:
    assert settings(conn({"verify": given})).network.verify == means


@pytest.mark.parametrize("given", [None, "", False, "false", 0, "0", "no", "off"], ids=repr)
def test_withdrawals_are_off_until_the_connections_owner_says_so(given: object) -> None:
    assert settings(conn({"withdrawals_enabled": given})).policy.enabled is False


def test_the_connection_survives_its_way_through_a_uri(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's test button and its environment variables hand connections over as URIs."""
    fields = server.connection()
    given = Connection(conn_id="as_uri", **{**fields, "extra": json.dumps(fields["extra"])})
    monkeypatch.setenv("AIRFLOW_CONN_AS_URI", given.get_uri())
    assert KucoinHook("as_uri").test_connection()[0]


def test_airflow_makes_the_hook_from_the_connection(
    connection: dict[str, Any],  # noqa: ARG001 - it is there
    connect: Callable[..., Any],  # noqa: ARG001
) -> None:
    from airflow.providers.common.compat.sdk import BaseHook

    hook = BaseHook.get_connection("kucoin_default").get_hook()
    assert isinstance(hook, KucoinHook)
    assert hook.test_connection()[0]
