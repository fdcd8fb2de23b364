"""
How long all calls hold back when KuCoin says "not now" for another reason than a used-up quota. Pure.

An overload of KuCoin's (429000 with quota left), the old limits' 200002 and Cloudflare's page 1015 are about the key or
the whole IP address, not about one call. What one call is told therefore holds for all calls of a line: when sixteen
are under way and all are refused, that is one refusal, and when the pause is over one of them goes and finds out.
A storm of retries is what gets callers blocked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.ratelimits import BRIEFLY, PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER = float("-inf")


@dataclass(slots=True)
class Backoff:
    """
    What is known of a pause that holds for all. Times are seconds on the caller's monotonic clock.

    :param refusals: how often in a row; 0 when nothing is wrong
    :param until: when the pause ends
    :param why: what KuCoin said
    """

    refusals: int = 0
    until: float = NEVER
    why: str = ""
    _noticed_at: float = NEVER
    _asked_at: float = NEVER

    def wait(self, now: float) -> float:
        """Return the seconds to wait before a request may go; 0 means: now."""
        if not self.refusals:
            return 0
        if now < self.until:
            return self.until - now
        # One goes alone to find out; when that takes long, another one.
        return BRIEFLY if now < self._asked_at + PATIENCE else 0

    def rested(self, until: float) -> None:
        """Note that somebody has slept until then, by whatever clock: the pause is over, unless a new one has begun."""
        if self.until == until:
            self.until = NEVER

    def sent(self, now: float) -> None:
        """Note a request that is leaving."""
        self._asked_at = now

    def ended(self) -> None:
        """Note that a request has come to its end, whatever that was."""
        self._asked_at = NEVER

    def refused(self, pause: Callable[[int], float], why: str, sent_at: float, now: float) -> None:
        """
        Note that a request was refused.

        :param pause: the seconds to hold back after so many refusals in a row
        """
        if sent_at <= self._noticed_at:
            return  # it left before the refusal that is known already, and means the same
        self.refusals += 1
        self.until, self.why, self._noticed_at = now + pause(self.refusals), why, now

    def answered(self, sent_at: float) -> None:
        """Note that a request was not refused."""
        if sent_at > self._noticed_at:
            self.refusals = 0
