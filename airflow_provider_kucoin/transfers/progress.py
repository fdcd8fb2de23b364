"""What the log says of a long read while it goes on: a line now and then, never one for each page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_kucoin.api.ratelimits import Quota
    from airflow_provider_kucoin.api.windows import Window
    from airflow_provider_kucoin.client.observing import Usage

#: Seconds between two lines at the least. What takes less altogether gets none.
EVERY = 30.0
#: Of less than this part of all nothing is concluded about the rest.
ENOUGH = 0.02
_MINUTE, _HOUR = 60, 3600


class Progress:
    """
    Follows a read.

    Time is taken to be left in proportion to the part of the window that has been read, by the clock of its rows: pages
    come oldest first. Where rows are not in order of time only whole pieces count.

    :param parts: what is read, in this order
    :param say: writes a line
    :param usage: of the connection whose calls are counted
    :param quota: returns what is known of the quota that the calls draw from
    :param clock: seconds on a clock that never jumps
    """

    def __init__(
        self,
        parts: Sequence[Window],
        say: Callable[[str], object],
        usage: Usage,
        quota: Callable[[], Quota | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parts = parts
        self._say = say
        self._usage = usage
        self._quota = quota
        self._clock = clock
        self._began = clock()
        self._due = self._began + EVERY
        self._done = 0
        self._rows = self._rows_done = 0
        self._ended_ms = 0
        self._all_ms = sum(part.end_ms - part.start_ms for part in parts)

    def read(self, rows: int, until_ms: Callable[[], int | None] = lambda: None) -> None:
        """
        Note a page.

        :param until_ms: the time of its last row; only asked for when a line is due
        """
        self._rows += rows
        now = self._clock()
        if now >= self._due:
            self._due = now + EVERY
            self._say(self._line(now, until_ms()))

    def begin(self) -> None:
        """Note that a piece is read from its beginning: what had been read of it before counts no more."""
        self._rows = self._rows_done

    def finished(self, piece: Window) -> None:
        """Note that a piece is done, whatever came of it."""
        self._done += 1
        self._rows_done = self._rows
        self._ended_ms += piece.end_ms - piece.start_ms

    def _line(self, now: float, until_ms: int | None) -> str:
        usage = self._usage
        rows = f"{self._rows:,}".replace(",", " ")
        said = [
            f"{self._done} of {len(self._parts)} objects done, {rows} rows",
            f"{usage.calls} calls, weight {usage.weight}",
        ]
        if quota := self._quota():
            said.append(f"{quota.remaining} of {quota.limit} left in this window of the quota")
        if usage.waited >= 1:
            said.append(f"{usage.waited:.0f} s waited")
        said.append(self._left(now - self._began, self._part_read(until_ms)))
        return ": ".join(("reading", "; ".join(said)))

    def _part_read(self, until_ms: int | None) -> float:
        """Return which part of the whole has been read."""
        under_way = 0
        if until_ms is not None and self._done < len(self._parts):
            piece = self._parts[self._done]
            under_way = min(max(until_ms - piece.start_ms, 0), piece.end_ms - piece.start_ms)
        return (self._ended_ms + under_way) / self._all_ms if self._all_ms else 1.0

    @staticmethod
    def _left(seconds: float, part: float) -> str:
        if part < ENOUGH:
            return "time left not known yet"
        return f"about {duration(seconds * (1 - part) / part)} left"


def duration(seconds: float) -> str:
    """Return a duration in words, no finer than anybody wants to know."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"
