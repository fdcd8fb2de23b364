"""
The key doctor: what a key can do, what is wrong with it, and what to do about it, in plain words.

Pure: it is handed what KuCoin answered. Fields of ``GET /api/v1/user/api-key`` beyond the documented sample came later
(``expiredAt`` 2025-11, ``siteType`` 2026-03), so each of them may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.windows import DAY_MS, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

#: KuCoin refuses a request whose timestamp is further off (code 400002).
CLOCK_TOLERANCE_MS = 5_000
#: A difference that deserves a word, because it leaves little room for a slow network.
CLOCK_WARNING_MS = 1_000
#: A key that expires within this time deserves a word.
EXPIRY_WARNING_DAYS = 14
#: An expiry from here on (the year 5138) means none.
FOREVER_MS = 10**14
#: The permission that moves money out, as the key's ``permission`` text has it (the documentation's tag: Withdrawal).
WITHDRAWAL_PERMISSION = "Transfer"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a look at a key found. ``problems`` make the connection unusable, ``warnings`` do not."""

    facts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing stands in the way of using the key."""
        return not self.problems

    def __str__(self) -> str:
        lines = [*self.facts]
        lines += [f"WARNING: {warning}" for warning in self.warnings]
        lines += [f"PROBLEM: {problem}" for problem in self.problems]
        return "\n".join(lines)


def diagnose(
    info: Mapping[str, Any], *, offset_ms: int, now_ms: int, key_version: str, withdrawals_enabled: bool
) -> Diagnosis:
    """
    Return what is to be said of a key that KuCoin accepts.

    :param info: the answer of ``/api/v1/user/api-key``
    :param offset_ms: KuCoin's clock minus the worker's
    :param now_ms: KuCoin's time
    :param key_version: what the connection sends
    :param withdrawals_enabled: whether the connection's owner allows withdrawals
    """
    permissions = _listed(info.get("permission"))
    addresses = _listed(info.get("ipWhitelist"))
    version = str(info.get("apiVersion", "?"))
    account = "master account" if info.get("isMaster", True) else f"sub-account {info.get('subName') or '?'}"
    found = Diagnosis(
        [
            f"KuCoin accepts the key: uid {info.get('uid', '?')}, {account}, key version {version}",
            f"permissions: {', '.join(permissions) or 'none'}",
            f"IP whitelist: {', '.join(addresses) or 'none'}",
            f"clock: KuCoin is {offset_ms:+d} ms from this machine",
        ]
    )
    _look_at_clock(found, offset_ms)
    _look_at_permissions(found, permissions, withdrawals_enabled=withdrawals_enabled)
    if not addresses:
        found.warnings.append("the key has no IP whitelist: whoever gets hold of it can use it from anywhere")
    if version not in {key_version, "?"}:
        found.warnings.append(
            f"the key is of version {version}, the connection sends {key_version}: set the extra field key_version"
        )
    _look_at_expiry(found, info.get("expiredAt"), now_ms)
    return found


def _look_at_clock(found: Diagnosis, offset_ms: int) -> None:
    if abs(offset_ms) > CLOCK_TOLERANCE_MS:
        found.warnings.append(
            f"this machine's clock is {-offset_ms:+d} ms off, KuCoin allows {CLOCK_TOLERANCE_MS} ms; the hook corrects "
            "for it, but schedules and logs do not: set the clock by NTP"
        )
    elif abs(offset_ms) > CLOCK_WARNING_MS:
        found.warnings.append(f"this machine's clock is {-offset_ms:+d} ms off: set it by NTP")


def _look_at_permissions(found: Diagnosis, permissions: list[str], *, withdrawals_enabled: bool) -> None:
    if "General" not in permissions:
        found.problems.append("the key lacks the permission 'General', without which nothing can be read")
    if WITHDRAWAL_PERMISSION in permissions and not withdrawals_enabled:
        found.warnings.append(
            "this key could also withdraw, although the connection does not: use a key with the permission General "
            "only for ingestion, so that nobody who gets hold of it can move money"
        )
    if withdrawals_enabled and WITHDRAWAL_PERMISSION not in permissions:
        found.problems.append(
            "the connection has withdrawals_enabled, but the key lacks KuCoin's permission Withdrawal (shown as "
            f"{WITHDRAWAL_PERMISSION!r}): grant it, or switch withdrawals off"
        )


def _look_at_expiry(found: Diagnosis, expires_ms: object, now_ms: int) -> None:
    if not isinstance(expires_ms, int) or not 0 < expires_ms < FOREVER_MS:
        return
    found.facts.append(f"expires: {stamp(expires_ms)}")
    if expires_ms <= now_ms:
        found.problems.append(f"the key expired at {stamp(expires_ms)}: make a new one")
    elif expires_ms - now_ms < EXPIRY_WARNING_DAYS * DAY_MS:
        found.warnings.append(f"the key expires at {stamp(expires_ms)}: make a new one before that")


def _listed(text: object) -> list[str]:
    """Return the parts of a comma list."""
    return [part.strip() for part in str(text or "").split(",") if part.strip()]
