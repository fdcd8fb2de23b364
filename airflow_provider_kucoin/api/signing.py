"""
Signing: pure functions of the request, the credentials and the time.

``prehash = TIMESTAMP + METHOD + PATH_WITH_QUERY + BODY`` with nothing in between, where the query is **not**
percent-encoded although it is on the wire (KuCoin's authentication page, with the example ``passphrase=abc!@#11``;
clients that sign the encoded form are answered with 400005 as soon as a value holds a comma or a bracket:
Kucoin.Net#72, ccxt#9702). Both forms are made from one list of parameters here, so they cannot drift apart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from airflow_provider_kucoin.api.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: What a query parameter may be. ``None`` means: not sent.
Value = str | int | bool | Decimal | list[str] | tuple[str, ...] | None

# Without "//", "/./" and "/../", which clients tidy up on the way: what is sent would not be what was signed.
_PATH = re.compile(r"/|(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+/?")


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    What signs a request. Never shown: ``repr`` names the key's last characters only.

    :param key: the API key
    :param secret: the API secret
    :param passphrase: the API passphrase, in clear; it leaves the process as an HMAC only
    :param key_version: as shown on KuCoin's API-management page; version 2 and 3 sign alike
    """

    key: str = field(repr=False)
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    key_version: str = "3"


def digest(secret: str, message: bytes) -> str:
    """Return base64(HMAC-SHA256(secret, message))."""
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def passphrase_header(credentials: Credentials) -> str:
    """Return what is sent in place of the passphrase."""
    return digest(credentials.secret, credentials.passphrase.encode())


def prehash(method: str, target: str, body: bytes, timestamp_ms: int) -> bytes:
    """
    Return the bytes that are signed.

    :param method: the HTTP method, upper case
    :param target: path and query exactly as they go over the wire
    :param body: exactly the bytes that are sent; empty for GET and DELETE
    """
    path, mark, query = target.partition("?")
    # "+" on the wire is a space: KuCoin's own client relies on it.
    plain = unquote_to_bytes(query.replace("+", " "))
    return f"{timestamp_ms}{method}{path}{mark}".encode() + plain + body


def sign(credentials: Credentials, method: str, target: str, body: bytes, timestamp_ms: int) -> dict[str, str]:
    """
    Return the headers that authenticate one request, for parameters as in :func:`prehash`.

    :param timestamp_ms: the time of sending in milliseconds since the epoch; KuCoin refuses it after 5 seconds
    """
    return {
        "KC-API-KEY": credentials.key,
        "KC-API-SIGN": digest(credentials.secret, prehash(method, target, body, timestamp_ms)),
        "KC-API-TIMESTAMP": str(timestamp_ms),
        "KC-API-PASSPHRASE": passphrase_header(credentials),
        "KC-API-KEY-VERSION": credentials.key_version,
    }


def target(path: str, params: Mapping[str, Value] | None = None) -> str:
    """
    Return path and query as they go over the wire.

    :param path: begins with ``/``. KuCoin says nothing about escapes in a path, so one that would need them is
        refused; ids, the only variable parts, are plain
    :raise InvalidInput: for a path or a value that cannot be sent without guessing
    """
    if not _PATH.fullmatch(path):
        raise InvalidInput(f"path {path!r}: KuCoin's paths begin with '/' and are of letters, digits and . _ ~ - only")
    pairs = [f"{_encode(name)}={_encode(text(name, value))}" for name, value in _given(params)]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def text(name: str, value: Value) -> str:
    """
    Return a parameter's value as un-encoded text.

    :raise InvalidInput: for a float, which cannot be sent exactly, and for anything that has no one spelling
    """
    match value:
        case str():
            return value
        case bool():
            # Lower case, as JSON has it; whether Python's "True" is understood is UNVERIFIED.
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal() if value.is_finite():
            return f"{value:f}"
        case list() | tuple():
            return ",".join(text(name, part) for part in value)
        case _:
            raise InvalidInput(
                f"parameter {name}={value!r} of type {type(value).__name__}: use text, int, bool, a finite Decimal or "
                "a list of text; a float cannot be sent exactly"
            )


def _given(params: Mapping[str, Value] | None) -> Iterable[tuple[str, Value]]:
    return ((name, value) for name, value in (params or {}).items() if value is not None)


def _encode(value: str) -> str:
    try:
        # "%20" rather than "+" for a space: every reading of the documentation decodes it alike.
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidInput(f"{value!r} holds a lone surrogate and cannot be sent as UTF-8") from None
