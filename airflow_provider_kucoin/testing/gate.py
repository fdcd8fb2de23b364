"""
The gate in front of every private endpoint, which finds out who is asking and whether they may.

KuCoin documents each of these refusals, but not the order in which it looks. This is the order of the header list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing import signing
from airflow_provider_kucoin.testing.refusals import Refusal, gateway, ip_not_allowed
from airflow_provider_kucoin.testing.wire import JSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airflow_provider_kucoin.testing.keys import ApiKey
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Request

TOLERANCE_MS: Final = 5_000
HEADERS: Final = ("kc-api-key", "kc-api-sign", "kc-api-timestamp", "kc-api-passphrase", "kc-api-key-version")
_ACCEPTED_VERSION: Final = 3


def check_content_type(request: Request, readings: Readings) -> None:
    """Refuse a request that says that it is not JSON."""
    content_type = request.headers.get("content-type")
    if content_type is None:
        if request.method in ("GET", "DELETE") and not readings.content_type_required_on_get:
            return
        raise gateway("415000")
    if content_type.partition(";")[0].strip().lower() != JSON_TYPE:
        raise gateway("415000")


def identify(request: Request, keys: Mapping[str, ApiKey], now_ms: int, readings: Readings) -> ApiKey:
    """Return the key that a request proves to hold, or refuse it."""
    headers = request.headers
    if any(not headers.get(name) for name in HEADERS):
        raise gateway("400001")
    timestamp = headers["kc-api-timestamp"]
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(now_ms - int(timestamp)) > TOLERANCE_MS:
        raise gateway("400002")
    key = keys.get(headers["kc-api-key"])
    if key is None:
        raise gateway("400003")
    if key.expired_at is not None and key.expired_at <= now_ms:
        raise Refusal(readings.expired_key_code, "the key has expired")
    if key.version < _ACCEPTED_VERSION:
        raise gateway("400008")
    if headers["kc-api-key-version"] not in readings.key_version_headers:
        raise gateway("400009")
    if not signing.equal(headers["kc-api-passphrase"], signing.signed_passphrase(key.secret, key.passphrase)):
        raise gateway("400004")
    expected = signing.signature(key.secret, timestamp, request.method, request.target, request.body)
    if not signing.equal(headers["kc-api-sign"], expected):
        raise gateway("400005")
    return key


def admit(key: ApiKey, ip: str, denied_uids: Collection[int]) -> None:
    """Refuse a caller whose key is right and whose address or account is not."""
    if key.ip_whitelist and ip not in key.ip_whitelist:
        raise ip_not_allowed(ip)
    if key.uid in denied_uids:
        raise gateway("400010")


def permit(key: ApiKey, permission: str, readings: Readings) -> None:
    """Refuse a key that may not do that. A sub-account's key never gets the permission to withdraw."""
    may = key.may(permission)
    if permission == "Withdrawal":
        may = may and key.is_master and (bool(key.ip_whitelist) or not readings.withdrawal_needs_ip_whitelist)
    if not may:
        raise gateway("400007")
