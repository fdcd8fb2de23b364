"""An Airflow connection of type ``kucoin``, checked and taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_kucoin.api.calls import Site
from airflow_provider_kucoin.api.endpoints import FUTURES_URL, SPOT_URL
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.policy import Policy, parse_policy
from airflow_provider_kucoin.api.signing import Credentials, passphrase_header
from airflow_provider_kucoin.client.network import DEFAULT_TIMEOUT, Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Connection

#: Versions that sign alike. Version 1 sends the passphrase in clear and was cut off in 2021.
KEY_VERSIONS = ("2", "3")
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a connection says, by who needs it."""

    site: Site
    credentials: Credentials = field(repr=False)
    network: Network
    policy: Policy

    @property
    def secrets(self) -> tuple[str, ...]:
        """What Airflow's masker must know: of the key, and of what the passphrase turns into, it cannot know itself."""
        found = self.credentials
        return found.key, found.secret, found.passphrase, passphrase_header(found)


def settings(connection: Connection, extra: Mapping[str, Any] | None = None) -> Settings:
    """
    Return a connection's settings.

    :param extra: the connection's extra, where it was read already
    :raise InvalidInput: naming the field and what to do; never its value, where that is a secret
    """
    conn_id, extra = connection.conn_id or "?", connection.extra_dejson if extra is None else extra
    if not isinstance(extra, dict):
        raise InvalidInput(f"connection {conn_id!r}: extra is not a JSON object")
    key_version = str(extra.get("key_version") or "3")
    if key_version not in KEY_VERSIONS:
        raise InvalidInput(f"connection {conn_id!r}: extra field 'key_version'={key_version!r:.80} is not one of 2, 3")
    site_type = extra.get("site_type")
    return Settings(
        site=Site(
            spot_url=_base_url(conn_id, "host", _host(connection), SPOT_URL),
            futures_url=_base_url(conn_id, "futures_host", extra.get("futures_host"), FUTURES_URL),
            headers={"X-SITE-TYPE": _plain(conn_id, "site_type", site_type)} if site_type else {},
        ),
        credentials=Credentials(
            key=_secret(conn_id, "login (API key)", connection.login),
            secret=_secret(conn_id, "password (API secret)", connection.password),
            passphrase=_secret(conn_id, "extra field 'passphrase' (API passphrase)", extra.get("passphrase")),
            key_version=key_version,
        ),
        network=Network(
            timeout=_seconds(conn_id, extra),
            proxies=_proxies(conn_id, extra.get("proxies") or extra.get("proxy") or {}),
            verify=_verify(extra.get("verify", extra.get("verify_ssl"))),
            cert=_cert(conn_id, extra.get("cert")),
            trust_env=_flag(conn_id, extra, "trust_env", default=True),
        ),
        policy=parse_policy(conn_id, extra, enabled=_flag(conn_id, extra, "withdrawals_enabled", default=False)),
    )


def _host(connection: Connection) -> Any:
    host: Any = connection.host
    if not host:
        return None
    if not isinstance(host, str):
        return host  # which is refused by name
    if "://" not in host:
        # Never plain HTTP by default: the API key travels in a header.
        host = f"{connection.schema or 'https'}://{host}"
    return f"{host.rstrip('/')}:{connection.port}" if connection.port else host


def _base_url(conn_id: str, name: str, given: Any, default: str) -> str:
    if given and not isinstance(given, str):
        raise InvalidInput(f"connection {conn_id!r}: {name} is not a text: give a base URL such as {default}")
    url = (given or default).strip()
    url = (url if "://" in url else f"https://{url}").rstrip("/")
    if not _is_base_url(url):
        # What stands in front of an @ is a password as often as not.
        shown = f"{name}={given!r:.200}" if "@" not in url else f"{name}, which holds an @,"
        raise InvalidInput(f"connection {conn_id!r}: {shown} is not a base URL such as {default}")
    return url


def _is_base_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        # half an IPv6 address, or a port that is no port
        return False
    plain = f"{parts.scheme}://{parts.netloc}" == url and "@" not in url and url.isascii() and url.isprintable()
    return plain and bool(host) and " " not in url and parts.scheme in {"http", "https"} and port != 0


def _secret(conn_id: str, name: str, value: Any) -> str:
    if not value:
        raise InvalidInput(
            f"connection {conn_id!r} has no {name}: KuCoin's API needs key, secret and passphrase, which are shown or "
            "chosen when the key is made"
        )
    return _plain(conn_id, name, value)


def _plain(conn_id: str, name: str, value: Any) -> str:
    """Return text that can go into a header as it is; the value itself is never shown."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or value != value.strip():
        raise InvalidInput(
            f"connection {conn_id!r}: {name} must be ASCII text without line breaks or blanks around it; "
            "it looks as if more, or something else, was pasted"
        )
    return value


def _seconds(conn_id: str, extra: Mapping[str, Any]) -> float:
    given = extra.get("timeout")
    try:
        seconds = DEFAULT_TIMEOUT if given in {None, ""} else float(given)
    except (TypeError, ValueError):
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise InvalidInput(f"connection {conn_id!r}: extra field 'timeout'={given!r} is not a number of seconds")
    return seconds


def _flag(conn_id: str, extra: Mapping[str, Any], name: str, *, default: bool) -> bool:
    given = extra.get(name)
    if given is None:
        return default
    text = str(given).strip().lower()
    if text not in _TRUE | _FALSE:
        raise InvalidInput(f"connection {conn_id!r}: extra field {name!r}={given!r} is neither true nor false")
    return text in _TRUE


def _verify(given: Any) -> bool | str:
    """Return True, False, or the path of the authorities to trust."""
    if given is None or isinstance(given, bool):
        return given is not False
    text = str(given).strip()
    if text.lower() in _TRUE | _FALSE:
        return text.lower() not in _FALSE or not text
    return text


def _cert(conn_id: str, given: Any) -> str | tuple[str, str] | None:
    if not given:
        return None
    if isinstance(given, str):
        return given
    if isinstance(given, list) and [type(path) for path in given] == [str, str]:
        return given[0], given[1]
    raise InvalidInput(
        f"connection {conn_id!r}: extra field 'cert' is neither the path of a client certificate nor a list of two "
        "paths, certificate and key"
    )


def _proxies(conn_id: str, given: Any) -> dict[str, str]:
    """Return proxies by scheme; what was given is never shown, since it may hold a password."""
    if not isinstance(given, dict) or not all(isinstance(url, str) for url in given.values()):
        raise InvalidInput(
            f"connection {conn_id!r}: extra field 'proxies' is not an object with a proxy's URL by scheme, such as "
            '{"https": "http://proxy:3128"}'
        )
    return given
