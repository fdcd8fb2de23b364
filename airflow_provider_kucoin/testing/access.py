"""The exchange's doors: which keys it knows, and what each may use up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_kucoin.testing.limits import Pools, Quota

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from airflow_provider_kucoin.testing.keys import ApiKey


class Access:
    """The part of the exchange that knows keys and quotas."""

    key: ApiKey
    _lock: threading.RLock
    _clock: Callable[[], int]

    def __init__(self, vip: int) -> None:
        self.vip = vip
        self._keys = {self.key.key: self.key}
        self._pools = Pools(vip)

    def add_key(self, key: ApiKey) -> ApiKey:
        """Let a key in."""
        with self._lock:
            self._keys[key.key] = key
        return key

    def allow_withdrawals(self, *ips: str) -> ApiKey:
        """Let the default key withdraw and transfer, from these addresses (127.0.0.1), and return it as it is now."""
        permissions = dict.fromkeys((*self.key.permissions, "InnerTransfer", "Transfer"))
        return self.replace_key(replace(self.key, permissions=tuple(permissions), ip_whitelist=ips or ("127.0.0.1",)))

    def replace_key(self, key: ApiKey) -> ApiKey:
        """Change a known key, as in `replace_key(dataclasses.replace(exchange.key, permissions=("General",)))`."""
        with self._lock:
            if key.key not in self._keys:
                raise KeyError(key.key)
            self._keys[key.key] = key
            if key.key == self.key.key:
                self.key = key
        return key

    def remove_key(self, key: ApiKey) -> None:
        """Forget a key: its callers get 400003 from now on."""
        with self._lock:
            del self._keys[key.key]

    def quota(self, pool: str) -> Quota:
        """Return what a pool gives per window."""
        return self._pools[pool]

    def set_quota(self, pool: str, limit: int, window_ms: int = 30_000) -> None:
        """Give a pool another quota; its present windows end."""
        with self._lock:
            self._pools[pool] = Quota(limit, window_ms)

    def quota_used(self, pool: str, owner: int | str | None = None) -> int:
        """Return the weight used in the present window by a uid (the default key's) or, in Public, by an IP."""
        with self._lock:
            return self._pools.used(pool, str(self.key.uid if owner is None else owner), self._clock())
