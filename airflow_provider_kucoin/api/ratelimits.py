"""
How much of a quota is left, and how long to wait for more. Pure: the time is an argument.

Every private answer says what is left of its pool: ``gw-ratelimit-limit``, ``-remaining`` and ``-reset`` (milliseconds
until the pool is refilled; quoted in kucoin-java-sdk#70). A window is fixed: it starts with the first request and
lasts 30 s (KuCoin's rate-limit page, three snapshots agree). Nothing else is needed to use a quota fully and never
exceed it, whatever the account's VIP level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds after which to look again when only requests under way can tell whether there is quota left.
BRIEFLY = 0.005
#: Seconds by which two estimates of one window's end may differ through rounding; windows last 3 s or more.
SLACK = 0.25
#: A reset that is further away belongs to no window of KuCoin's (they last 30 s, or 3 s): nobody waits for that long.
LONGEST_RESET_MS = 600_000


@dataclass(frozen=True, slots=True)
class Quota:
    """
    What an answer says of its pool.

    :param limit: weight per window
    :param remaining: weight left in this window
    :param reset_ms: milliseconds until the window ends
    """

    limit: int
    remaining: int
    reset_ms: int

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Quota | None:
        """Return what the headers (names in lower case) say, or ``None`` where one is missing or odd."""
        try:
            values = [int(headers[f"gw-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")]
        except (KeyError, ValueError):
            return None
        limit, remaining, reset_ms = values
        return cls(limit, remaining, reset_ms) if limit > 0 and 0 <= reset_ms <= LONGEST_RESET_MS else None


@dataclass(slots=True)
class Budget:
    """
    What is known of one pool of one key. Times are seconds on the caller's monotonic clock.

    :param limit: weight per window; ``None`` until an answer has told
    :param remaining: weight left, as last told
    :param resets_at: when the window ends, at the latest; ``None`` while no answer of this window has come
    :param ended_at: when the window before it ended, at the latest
    :param in_flight: weight of requests that have not been answered
    :param lost: weight of this window's requests whose answers did not tell of the quota
    """

    limit: int | None = None
    remaining: int = 0
    resets_at: float | None = None
    ended_at: float = float("-inf")
    in_flight: int = 0
    lost: int = 0

    def wait(self, weight: int, now: float) -> float:
        """Return the seconds to wait before a request of this weight may go; 0 means: now."""
        if self.limit is None:
            # The very first request goes alone and learns the quota for those behind it.
            return BRIEFLY if self.in_flight else 0
        self._begin_anew(now)
        # A request under way may or may not be in ``remaining`` already; counting it twice for a moment costs
        # nothing, counting it never would cost a 429. The same goes for one that was lost. A weight above the whole
        # quota may still try alone.
        if self.remaining - self.in_flight - self.lost >= min(weight, self.limit):
            return 0
        if self.in_flight:
            return BRIEFLY
        # Where nobody has told when the window ends, the next one goes alone to ask.
        return 0 if self.resets_at is None else self.resets_at - now

    def sent(self, weight: int) -> None:
        """Note a request that is leaving."""
        self.in_flight += weight

    def answered(self, weight: int, quota: Quota | None, sent_at: float, now: float) -> None:
        """Note the end of a request, with what its answer told."""
        self.in_flight -= weight
        self._begin_anew(now)
        if quota is None:
            self.lost += weight
            return
        # The answer was made somewhere between sent_at and now, and so is its window's end that much later.
        earliest, latest = sent_at + quota.reset_ms / 1000, now + quota.reset_ms / 1000
        if earliest <= self.ended_at + SLACK:
            return  # a late answer of the window before, which says nothing of this one
        if self.resets_at is not None and earliest > self.resets_at + SLACK:
            # The window ended sooner than its own answers could tell, and this is the next one.
            self._begin_anew(self.resets_at)
        # Answers overtake each other: within a window, less is newer. Every estimate of the end is late by the way
        # back of its answer, so the earliest is the best and none is too early.
        self.remaining = quota.remaining if self.limit is None else min(self.remaining, quota.remaining)
        self.resets_at = latest if self.resets_at is None else min(self.resets_at, latest)
        self.limit = quota.limit

    def _begin_anew(self, now: float) -> None:
        """Forget the window when it has ended."""
        if self.limit is not None and self.resets_at is not None and now >= self.resets_at:
            self.ended_at, self.resets_at, self.remaining, self.lost = self.resets_at, None, self.limit, 0
