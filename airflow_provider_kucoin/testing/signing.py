"""
The exchange's side of KuCoin's signature: what a request should have been signed with.

Documented at https://www.kucoin.com/docs-new/authentication. The prehash holds the query *before* percent-encoding, so
the verifier takes what arrived on the wire and undoes the encoding. A `+` is a space there: the official client encodes
with `urlencode`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import unquote_plus


def digest(secret: str, message: bytes) -> str:
    """Return base64(HMAC-SHA256(secret, message))."""
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def prehash(timestamp: str, method: str, target: str, body: bytes) -> bytes:
    """Return what a client must have signed, given the request line's target exactly as it arrived."""
    path, mark, query = target.partition("?")
    return f"{timestamp}{method.upper()}{path}{mark}{unquote_plus(query)}".encode() + body


def signature(secret: str, timestamp: str, method: str, target: str, body: bytes) -> str:
    """Return the `KC-API-SIGN` that a request should carry."""
    return digest(secret, prehash(timestamp, method, target, body))


def signed_passphrase(secret: str, passphrase: str) -> str:
    """Return the `KC-API-PASSPHRASE` that a key of version 2 or 3 should send."""
    return digest(secret, passphrase.encode())


def equal(one: str, other: str) -> bool:
    """Compare two credentials without telling by the time it takes where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
