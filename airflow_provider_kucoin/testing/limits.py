"""
Resource pools: a quota of weight per window, by VIP level.

https://www.kucoin.com/docs-new/rate-limit: a window lasts 30 seconds and starts with the user's first request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WINDOW_MS: Final = 30_000
UNIFIED_WINDOW_MS: Final = 3_000

# Quota per window, by VIP level 0 … 12. The Unified pool's windows last 3 seconds.
POOLS: Final[dict[str, tuple[int, ...]]] = {
    "Spot": (4000, 6000, 8000, 10000, 13000, 16000, 20000, 23000, 26000, 30000, 33000, 36000, 40000),
    "Futures": (2000, 2000, 4000, 5000, 6000, 7000, 8000, 10000, 12000, 14000, 16000, 18000, 20000),
    "Management": (2000, 2000, 4000, 5000, 6000, 7000, 8000, 10000, 12000, 14000, 16000, 18000, 20000),
    "Earn": (2000,) * 13,
    "CopyTrading": (2000,) * 13,
    "Public": (2000,) * 13,
    "Unified": (200, 200, 400, 500, 600, 700, 800, 1000, 1200, 1400, 1600, 1800, 2000),
}


@dataclass(frozen=True, slots=True)
class Quota:
    """What a pool gives in one window."""

    limit: int
    window_ms: int = WINDOW_MS


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request was told about its pool; `granted` is False when there was too little left."""

    granted: bool
    weight: int
    limit: int
    remaining: int
    reset_ms: int

    @property
    def headers(self) -> dict[str, str]:
        """The three headers, reset in milliseconds."""
        return {
            "gw-ratelimit-limit": str(self.limit),
            "gw-ratelimit-remaining": str(self.remaining),
            "gw-ratelimit-reset": str(self.reset_ms),
        }


class Pools:
    """The quotas of one VIP level and who has used how much of them."""

    def __init__(self, vip: int) -> None:
        self._quotas = {
            pool: Quota(by_vip[vip], UNIFIED_WINDOW_MS if pool == "Unified" else WINDOW_MS)
            for pool, by_vip in POOLS.items()
        }
        self._windows: dict[tuple[str, str], tuple[int, int]] = {}

    def __getitem__(self, pool: str) -> Quota:
        return self._quotas[pool]

    def __setitem__(self, pool: str, quota: Quota) -> None:
        if pool not in self._quotas:
            raise KeyError(pool)
        self._quotas[pool] = quota
        self._windows = {key: window for key, window in self._windows.items() if key[0] != pool}

    def used(self, pool: str, owner: str, now: int) -> int:
        """Return the weight that an owner (a uid; an IP for the Public pool) has used in its present window."""
        return self._window(pool, owner, now)[1]

    def charge(self, pool: str, owner: str, weight: int, now: int, *, enforce: bool = True) -> Charge:
        """
        Take a request's weight from its pool.

        A request that finds too little left is refused and takes the rest: KuCoin's headers then say 0, and whether
        a lighter request would still pass is told nowhere.
        """
        limit, window_ms = self._quotas[pool].limit, self._quotas[pool].window_ms
        start, used = self._window(pool, owner, now)
        granted = not enforce or used + weight <= limit
        used = used + weight if granted else limit
        self._windows[pool, owner] = (start, used)
        return Charge(granted, weight if granted else 0, limit, max(limit - used, 0), start + window_ms - now)

    def _window(self, pool: str, owner: str, now: int) -> tuple[int, int]:
        start, used = self._windows.get((pool, owner), (now, 0))
        return (start, used) if start <= now < start + self._quotas[pool].window_ms else (now, 0)
