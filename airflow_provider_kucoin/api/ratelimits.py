"""
How much of a quota is left, and how long to wait for more. Pure: the time is an argument.

Every private answer says what is left of its pool: ``gw-ratelimit-limit``, ``-remaining`` and ``-reset`` (milliseconds
until the pool is refilled; quoted in kucoin-java-sdk#70). A window is fixed: it starts with the first request and
lasts 30 s, or 3 s in the Unified account's pool (KuCoin's rate-limit page). Nothing else is needed to use a quota and
never exceed it, whatever the account's VIP level.

Who is alone on a key sends as fast as it can until the quota is used, and sleeps until it is refilled. Several
processes on one key see of each other only what is missing from ``remaining``, and an answer is old when it arrives:
the others' requests under way are in it no more than one's own. Therefore:

* The last :data:`RESERVE` of a quota is left alone: whoever comes new must send one request to learn anything.
* The use of the others is measured, as a multiple of one's own: :class:`Crowd`. Where there are others, so much is
  under way at most that the same from each of them still finds quota, and the last requests go only while each of
  them may send one as well.
* Who has used much leaves as much again to the others, less and less until half of the window has passed. Whoever is
  far from KuCoin, or came late, needs that time to get a share. It costs nothing: the quota would be empty otherwise,
  and the window not over.
* A window is not believed to be over because its time has come: one request goes alone and finds out.

``benchmarks/sharing.py`` simulates how well that works; tests hold it to that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds after which to look again, at the least, when only requests under way can tell whether there is quota left.
BRIEFLY = 0.005
#: A reset that is further away belongs to no window of KuCoin's (they last 30 s, or 3 s): nobody waits for that long.
LONGEST_RESET_MS = 600_000

#: The part of a quota that is left alone.
RESERVE = 0.03
#: How often everything that is under way must fit into what is left: all of it may be sent once more before the first
#: answer is back.
UNSEEN = 2
#: The part of a window in which those who have used much leave something to those who have not.
GIVING_WAY = 0.5

#: As how many one who knows nothing counts those who share the quota, and how many are planned for at the most.
CROWD_AT_FIRST, LARGEST_CROWD = 8, 16
#: Fewer are nobody: what is left of a guess, or of others who have gone.
NOBODY = 1.1
#: What one look at the others counts for at the next.
FADING = 0.9

#: Seconds that a lone request may be without an answer before another one goes to ask the same.
PATIENCE = 1.0
#: Seconds that a window lasts at the least, and between two estimates of its end that are still the same end.
SHORTEST_WINDOW, SAME = 3.0, 1.5
#: Seconds by which KuCoin's countdown may be wrong because milliseconds are rounded.
ROUNDING = 0.002
#: Seconds that are added when a countdown turns out to be wrong by more: doubled each time, up to the most.
FIRST_ERROR, LARGEST_ERROR = 0.02, 1.0


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
class Ending:
    """
    When a window ends, as its answers tell. Seconds on the caller's monotonic clock.

    An answer counts down from a moment between the sending of its request and its own arrival.

    :param earliest: what is sent now arrives after the end, unless it travels faster than any request before
    :param latest: now the end has passed
    :param answers: how many have told
    """

    earliest: float
    latest: float
    answers: int = 1

    def heard(self, other: Ending) -> None:
        """Take in what one more answer tells."""
        self.earliest = max(self.earliest, other.earliest)
        self.latest = min(self.latest, other.latest)
        self.answers += 1

    def probable(self) -> float:
        """Return when it is time to try, where being early costs no more than a request."""
        # The more requests there were, the less will the next one be the fastest of them.
        return self.earliest + max(self.latest - self.earliest, 0) / self.answers


@dataclass(slots=True)
class Crowd:
    """
    How many share a quota, counted in as many as use what oneself does: one's own use is one, twice as much is two.

    :param mine: weight of one's own requests, the older the less
    :param theirs: weight that is missing from the quota besides, likewise
    """

    mine: float = 0.0
    theirs: float = 0.0
    _looked_at: float = float("-inf")
    _mine_then: int = 0
    _theirs_then: int = 0

    @property
    def size(self) -> float:
        """Oneself included; 1 when alone."""
        size = min(1 + self.theirs / self.mine, LARGEST_CROWD) if self.mine else 1.0
        return size if size >= NOBODY else 1.0

    def guess(self, weight: int, mine: int, theirs: int, now: float) -> None:
        """Begin, knowing nothing of the others but what they used before."""
        self.mine, self.theirs = weight, weight * (CROWD_AT_FIRST - 1)
        self._looked_at, self._mine_then, self._theirs_then = now, mine, theirs

    def begin_window(self, mine: int) -> None:
        """Count anew from here, what was known of the others staying known."""
        self._mine_then, self._theirs_then = mine, 0

    def look(self, mine: int, theirs: int, now: float, round_trip: float) -> None:
        """Take in what each has used in this window so far. Looks within one round trip of each other are one."""
        if now - self._looked_at < round_trip:
            return
        self.mine = FADING * self.mine + mine - self._mine_then
        self.theirs = FADING * self.theirs + theirs - self._theirs_then
        self._looked_at, self._mine_then, self._theirs_then = now, mine, theirs


@dataclass(slots=True)
class Budget:
    """
    What is known of one pool of one key. Times are seconds on the caller's monotonic clock.

    :param limit: weight per window; ``None`` until an answer has told
    :param remaining: weight left, as last told
    :param ending: of the window that is known last
    :param in_flight: weight of requests that have not been answered
    """

    limit: int | None = None
    remaining: int = 0
    ending: Ending | None = None
    in_flight: int = 0
    crowd: Crowd = field(default_factory=Crowd)
    #: weight that has been sent and may be charged to this window, and that is missing from it besides
    _mine: int = 0
    _theirs: int = 0
    #: weight of requests whose answers did not tell of this window, and when the last of them was noticed
    _lost: int = 0
    _lost_at: float = float("-inf")
    #: the most weight to have under way: little at first in a window, then twice as much with each round trip
    _ramp: int | None = None
    #: when the last request was sent, and when the last answer came
    _sent_at: float = float("-inf")
    _heard_at: float = float("-inf")
    _round_trip: float = 0.0
    #: how long windows last: the longest countdown
    _length: float = SHORTEST_WINDOW
    #: how much too short countdowns have turned out to be
    _error: float = 0.0
    _silent: bool = False

    def wait(self, weight: int, now: float) -> float:
        """Return the seconds to wait before a request of this weight may go; 0 means: now."""
        if self.limit is None:
            return 0 if self._silent else self._wait_for_the_lone_one(now)
        reserve = int(self.limit * RESERVE)
        # A weight above the whole quota may still try alone.
        need = min(weight, self.limit - reserve)
        left = self.remaining - self._lost - reserve
        crowd = self.crowd.size
        if left < need * crowd:
            return self._wait_for_the_reset(need, now)
        if crowd > 1:
            given = self._given_way(now)
            if left - given < need:
                return self._wait_for_less_to_give(left - need, now)
            left -= int(given)
        if not self.in_flight:
            return 0
        # A request under way may or may not be in ``remaining`` already; counting it twice for a moment costs
        # nothing, counting it never would cost a 429.
        under_way = self.in_flight + need
        if (self._ramp is None or under_way <= self._ramp) and under_way * (UNSEEN * crowd if crowd > 1 else 1) <= left:
            return 0
        return self._briefly(now) if now < self._probable_end(need) else self._wait_for_the_lone_one(now)

    def lacks(self, weight: int) -> bool:
        """Return whether an answer has told that there is less left."""
        return self.limit is not None and self.remaining < weight

    def sent(self, weight: int, now: float) -> None:
        """Note a request that is leaving."""
        self.in_flight += weight
        self._mine += weight
        self._sent_at = now

    def answered(
        self, weight: int, quota: Quota | None, sent_at: float, now: float, *, was_granted: bool = False
    ) -> None:
        """
        Note the end of a request, with what its answer told.

        :param was_granted: whether it was answered as asked. Where such an answer tells of no quota, there is none to
            keep to: that of calls without a signature, or where something between here and KuCoin takes headers away.
            Who then asks too much is told so by a 429
        """
        self.in_flight -= weight
        self._heard_at = now
        if quota is None:
            self._silent = self.limit is None and (was_granted or self._silent)
            self._lose(weight, now)
            return
        took = now - sent_at
        self._round_trip += (took - self._round_trip) * (0.2 if self._round_trip else 1)
        self._length = max(self._length, quota.reset_ms / 1000)
        told = Ending(sent_at + quota.reset_ms / 1000, now + quota.reset_ms / 1000)
        if self.limit is None or self.ending is None or told.earliest > self.ending.earliest + SAME:
            self._begin_window(weight, quota, told, now)
        elif told.earliest < self.ending.earliest - SAME:
            # A late answer of the window before says nothing of this one, and its weight may be in neither.
            self._lose(weight, now)
            return
        else:
            self._go_on(weight, quota, told, self.ending, sent_at)
        self._theirs = max(self._theirs, quota.limit - self.remaining - self._mine)
        self.crowd.look(self._mine, self._theirs, now, self._round_trip)

    def _begin_window(self, weight: int, quota: Quota, told: Ending, now: float) -> None:
        is_first = self.limit is None
        self.limit, self.remaining, self.ending = quota.limit, quota.remaining, told
        self._mine, self._theirs, self._lost = self.in_flight + weight, 0, 0
        self._error *= FADING
        if is_first:
            self._theirs = max(quota.limit - quota.remaining - self._mine, 0)
            self.crowd.guess(weight, self._mine, self._theirs, now)
        else:
            self.crowd.begin_window(self.in_flight)
        if not self.in_flight:
            # Who had to wait may be one of many who begin now.
            self._ramp = 2 * weight

    def _go_on(self, weight: int, quota: Quota, told: Ending, ending: Ending, sent_at: float) -> None:
        if not quota.reset_ms and sent_at >= ending.earliest + self._error:
            self._error = min(max(2 * self._error, FIRST_ERROR), LARGEST_ERROR)
        # Answers overtake each other: within a window, less is newer.
        self.limit, self.remaining = quota.limit, min(self.remaining, quota.remaining)
        ending.heard(told)
        if self._ramp is not None:
            self._ramp += weight
        if sent_at >= self._lost_at:
            self._lost = 0  # whatever of it has arrived was there before this one

    def _lose(self, weight: int, now: float) -> None:
        self._lost += weight
        self._lost_at = now

    def _wait_for_the_lone_one(self, now: float) -> float:
        """Where nobody has told, one request goes alone to ask, and the others wait for what it learns."""
        patience = max(PATIENCE, 4 * self._round_trip)
        return self._briefly(now) if self.in_flight and now - self._sent_at < patience else 0

    def _briefly(self, now: float) -> float:
        """Return when to look again for an answer: the longer there was none, the later."""
        silence = now - max(self._sent_at, self._heard_at)
        return max(BRIEFLY, self._round_trip / 8, min(silence / 4, PATIENCE / 4))

    def _wait_for_the_reset(self, need: int, now: float) -> float:
        end = self._probable_end(need)
        return end - now if now < end else self._wait_for_the_lone_one(now)

    def _probable_end(self, need: int) -> float:
        """Return when to believe that the window may be over."""
        if self.ending is None:
            return float("-inf")
        # Being early must not cost a 429.
        is_harmless = self.remaining - self._lost >= need
        return (self.ending.probable() if is_harmless else self.ending.latest) + ROUNDING + self._error

    def _given_way(self, now: float) -> float:
        """Return the weight that is left to those who have used less."""
        return self._mine * max(1 - self._elapsed(now) / (self._length * GIVING_WAY), 0)

    def _wait_for_less_to_give(self, gift: int, now: float) -> float:
        """Return the seconds until no more than this is left to others."""
        return max(self._length * GIVING_WAY * (1 - gift / self._mine) - self._elapsed(now), 4 * BRIEFLY)

    def _elapsed(self, now: float) -> float:
        """Return how long the window has lasted; when it is over, as long as windows last."""
        rest = self.ending.earliest + self._error - now if self.ending else 0.0
        return self._length - max(rest, 0.0)
