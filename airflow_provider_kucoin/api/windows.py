"""
Intervals of time: half-open, UTC, in whole milliseconds.

KuCoin's clock ticks in milliseconds and its bounds go over the wire as milliseconds since the epoch, so a window is two
integers here; everybody else sees datetimes.
"""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from itertools import pairwise

from airflow_provider_kucoin.api.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
DAY_MS = 86_400_000

#: A point in time as DAG authors give it: a datetime with a zone, ISO 8601 text with a zone, or milliseconds.
Moment = datetime | str | int


def to_ms(moment: datetime) -> int:
    """
    Return the first whole millisecond that is not before ``moment``.

    Rounding up keeps half-open windows exact: a row at millisecond r is in [start, end) exactly when it is in
    [to_ms(start), to_ms(end)).
    """
    # Not by subtraction: Airflow's times are pendulum's, whose differences cannot be divided by a timedelta.
    return timegm(moment.utctimetuple()) * 1000 - (-moment.microsecond // 1000)


def to_datetime(ms: int) -> datetime:
    """Return the UTC datetime of milliseconds since the epoch."""
    return EPOCH + timedelta(milliseconds=ms)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """
    The interval ``[start_ms, end_ms)``, in milliseconds since the epoch.

    :raise InvalidInput: when the end is not after the start
    """

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if self.start_ms >= self.end_ms:
            raise InvalidInput(
                f"window [{stamp(self.start_ms)}, {stamp(self.end_ms)}): the start must be before the end. "
                "A window is half-open, so a single day D is [D 00:00, D+1 00:00)"
            )

    @classmethod
    def between(cls, start: datetime, end: datetime) -> Window:
        """Return the window of two datetimes with a zone."""
        return cls(to_ms(start), to_ms(end))

    @property
    def start(self) -> datetime:
        """The first moment inside, UTC."""
        return to_datetime(self.start_ms)

    @property
    def end(self) -> datetime:
        """The first moment after, UTC."""
        return to_datetime(self.end_ms)

    @property
    def is_whole_day(self) -> bool:
        """Whether it is one UTC day."""
        return self.start_ms % DAY_MS == 0 and self.end_ms - self.start_ms == DAY_MS

    def __contains__(self, ms: int) -> bool:
        return self.start_ms <= ms < self.end_ms

    def __str__(self) -> str:
        return f"[{stamp(self.start_ms)}, {stamp(self.end_ms)})"


def stamp(ms: int) -> str:
    """Return ISO 8601 text in UTC, with milliseconds only where there are any: ``2026-11-20T00:00:00Z``."""
    return to_datetime(ms).isoformat(timespec="milliseconds").replace(".000+00:00", "Z").replace("+00:00", "Z")


def parse_moment(name: str, value: object) -> datetime:
    """
    Return the datetime that a DAG author meant.

    :param name: the parameter's name, for the message
    :param value: a datetime with a zone, ISO 8601 text with a zone, or milliseconds (int, or 12 to 14 digits)
    :raise InvalidInput: for anything else; a time without a zone is refused, it is not assumed to be UTC
    """
    wanted = "give ISO 8601 with a zone such as 2026-11-20T00:00:00Z, a datetime with a zone, or milliseconds"
    if isinstance(value, bool) or not isinstance(value, datetime | str | int):
        raise InvalidInput(f"{name}={value!r} is not a time: {wanted}")
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"\d{12,14}", text):
            return _from_ms(name, int(text))
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise InvalidInput(f"{name}={text!r} is not a time: {wanted}") from None
    elif isinstance(value, int):
        return _from_ms(name, value)
    if value.utcoffset() is None:
        raise InvalidInput(f"{name}={value.isoformat()!r} has no time zone, so it could mean any of 25 hours: {wanted}")
    if not EPOCH.year <= value.year < MAXYEAR:
        raise InvalidInput(f"{name}={value.isoformat()!r} is in no year of KuCoin's: {wanted}")
    return value.astimezone(UTC)


def _from_ms(name: str, ms: int) -> datetime:
    # 1e11 ms is March 1973, 1e14 ms is the year 5138: what lies outside is seconds or nanoseconds.
    if not 10**11 <= ms < 10**14:
        raise InvalidInput(f"{name}={ms}: a whole number is taken as milliseconds since the epoch; this one is not")
    return to_datetime(ms)


@dataclass(frozen=True, slots=True)
class RunTimes:
    """
    What Airflow says of a run, any of which may be missing.

    Manual, asset-triggered and partitioned runs of Airflow 3 have no data interval, and only partitioned ones have a
    partition.

    :param run_after: when the run was due; on Airflow 2 the end of its data interval or its logical date
    """

    partition_date: datetime | None = None
    interval_start: datetime | None = None
    interval_end: datetime | None = None
    run_after: datetime | None = None


def choose(window_start: Moment | None, window_end: Moment | None, run: RunTimes) -> tuple[Window, str]:
    """
    Return the window of a run and the rule that gave it.

    The first that applies: the two bounds, when given; the run's partition, as its UTC day; the data interval, unless
    it is empty (cron presets give an empty one on Airflow 3); the last whole UTC day before the run. Every one of
    them is the same again when the run is retried or cleared.
    """
    if (window_start is None) != (window_end is None):
        given, missing = ("window_start", "window_end") if window_end is None else ("window_end", "window_start")
        raise InvalidInput(f"{given} is given and {missing} is not: give both, or neither to use the run's own times")
    if window_start is not None:
        start, end = parse_moment("window_start", window_start), parse_moment("window_end", window_end)
        return Window.between(start, end), "window_start and window_end"
    if run.partition_date is not None:
        # The UTC day that the partition's moment falls on.
        return _utc_day(run.partition_date), "the run's partition"
    if run.interval_start and run.interval_end and run.interval_start < run.interval_end:
        return Window.between(run.interval_start, run.interval_end), "the run's data interval"
    if run.run_after is None:
        raise InvalidInput("this run has neither times of its own nor window_start and window_end: give both of them")
    return _utc_day(run.run_after - timedelta(days=1)), "the last whole UTC day before the run"


def _utc_day(moment: datetime) -> Window:
    start_ms = timegm(moment.utctimetuple()) * 1000 // DAY_MS * DAY_MS
    return Window(start_ms, start_ms + DAY_MS)


def pieces(window: Window) -> list[Window]:
    """Cut a window at UTC midnights."""
    first_midnight = window.start_ms // DAY_MS * DAY_MS + DAY_MS
    cuts = [window.start_ms, *range(first_midnight, window.end_ms, DAY_MS), window.end_ms]
    return [Window(start, end) for start, end in pairwise(cuts)]


@dataclass(frozen=True, slots=True)
class Slice:
    """
    One query's time range, and the part of it whose rows it is trusted to bring.

    :param owned: rows outside it are left to a neighbouring slice, or to nobody
    :param start_at: as sent, milliseconds
    :param end_at: as sent, milliseconds
    """

    owned: Window
    start_at: int
    end_at: int


def slices(piece: Window, max_span_ms: int | None, margin_ms: int = 0, *, inclusive: bool = False) -> list[Slice]:
    """
    Return the queries that together bring every row of ``piece``, however KuCoin reads its bounds.

    Whether ``startAt`` and ``endAt`` are inclusive is documented nowhere (UNVERIFIED), so each query reaches one
    millisecond beyond what it owns on either side: under the exclusive reading it brings exactly what it owns, under
    the inclusive one a little more, which is dropped. Because ``max_span_ms`` limits ``endAt - startAt``, a whole day
    takes a second, tiny query for its last milliseconds.

    :param max_span_ms: the most that ``endAt - startAt`` may be; ``None`` for no limit
    :param margin_ms: how much further each query reaches on either side
    :param inclusive: bounds have been shown to be, see :mod:`airflow_provider_kucoin.api.edges`: none reaches beyond
    """
    found = []
    start, end = piece.start_ms, piece.end_ms
    reach = margin_ms + (0 if inclusive else 1)
    while start < end:
        # owned [start, stop): start_at = start - reach and end_at = stop - 1 + reach
        stop = end if max_span_ms is None else min(end, start + max_span_ms + 1 - 2 * reach)
        found.append(Slice(Window(start, stop), start - reach, stop - 1 + reach))
        start = stop
    return found


def halves(part: Slice) -> list[Slice]:
    """Return a query cut in two in the middle of what it owns; nothing when that is a single millisecond."""
    start, end = part.owned.start_ms, part.owned.end_ms
    middle = (start + end) // 2
    if middle == start:
        return []
    return [reaching(Window(start, middle), part), reaching(Window(middle, end), part)]


def reaching(window: Window, like: Slice) -> Slice:
    """Return the query for a part of another's range, which reaches beyond what it owns by as much as that one."""
    before, beyond = like.owned.start_ms - like.start_at, like.end_at - like.owned.end_ms
    return Slice(window, window.start_ms - before, window.end_ms + beyond)


def earlier(window: Window, lookback: timedelta) -> list[Window]:
    """
    Return the pieces before a window that runs of the same schedule have written, as far as ``lookback`` reaches.

    A schedule's windows follow each other and are of one length, so those before are this one, moved by its length; the
    pieces are cut at UTC midnights as always, oldest first.
    """
    length, reach_ms = window.end_ms - window.start_ms, lookback // MILLISECOND
    found: list[Window] = []
    start = window.start_ms
    while start > window.start_ms - reach_ms:
        found = [*pieces(Window(start - length, start)), *found]
        start -= length
    return [piece for piece in found if piece.end_ms > window.start_ms - reach_ms]


def unsettled_for(window: Window, now_ms: int, settle: timedelta = timedelta(0)) -> float:
    """
    Return the seconds until the window is old enough to be read: 0 when it is already.

    :param now_ms: KuCoin's time, not the worker's: a worker's clock that is ahead would read a day too early
    :param settle: how long after its end rows of the window may still appear
    :raise InvalidInput: when the window ends in the future
    """
    if window.end_ms > now_ms:
        raise InvalidInput(
            f"window {window} ends in the future (KuCoin's time is {stamp(now_ms)}): rows would still be added after "
            "it was written. Schedule the run after the end of its window"
        )
    return max(0, window.end_ms + settle // MILLISECOND - now_ms) / 1000
