"""
What a history is: a row of a table.

`trading_spot`, `trading_futures`, `history_margin`, `lending` and `convert` hold the rows; here is what they have in
common, and how a request for one is answered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import history_limits
from airflow_provider_kucoin.testing.history_limits import Limits
from airflow_provider_kucoin.testing.history_rows import time_cursor
from airflow_provider_kucoin.testing.history_styles import Listing
from airflow_provider_kucoin.testing.refusals import not_in_range
from airflow_provider_kucoin.testing.route import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.history_rows import Row, Unit, View
    from airflow_provider_kucoin.testing.history_seeding import Seeding
    from airflow_provider_kucoin.testing.history_styles import Style
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply

    # (number of the row, its time in ms) -> value
    Maker = Callable[[int, int], Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """
    A parameter that leaves out rows.

    `choices` are the values that KuCoin documents, a value besides them is refused; none means that any will do.
    `required_by` names the reading that says whether it must be given.
    """

    parameter: str
    field: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    required_by: str = ""
    default: str | None = None
    many: bool = False
    """Whether several values may be given, with commas between."""
    alone: bool = False
    """Whether all other parameters are ignored when this one is given."""
    matches: Callable[[Row, str], bool] | None = None

    def asked_for(self, call: Call) -> str | None:
        """Return what a request gives, None if it restricts nothing."""
        if self.required or (self.required_by and getattr(call.exchange.readings, self.required_by)):
            call.required(self.parameter)
        text = call.params.get(self.parameter) or self.default
        if text is not None and self.choices and not set(self._values(text)) <= set(self.choices):
            raise not_in_range()
        return text

    def passes(self, row: Row, text: str) -> bool:
        """Whether a row is asked for."""
        if self.matches is not None:
            return self.matches(row, text)
        return str(row.get(self.field or self.parameter)) in self._values(text)

    def _values(self, text: str) -> list[str]:
        return text.split(",") if self.many else [text]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The parameters that bound a range of time."""

    start: str = "startAt"
    end: str = "endAt"
    least: int | None = None
    """Times up to this one are refused."""
    most: int | None = None
    """Times from this one on are refused."""

    def asked_for(self, call: Call) -> history_limits.Asked:
        """Return what a request gives."""
        return history_limits.Asked(self._time(call, self.start), self._time(call, self.end))

    def _time(self, call: Call, name: str) -> int | None:
        time = call.optional_integer(name)
        if time is not None and (
            (self.least is not None and time <= self.least) or (self.most is not None and time >= self.most)
        ):
            raise not_in_range()
        return time


def as_they_are(row: Row, _: Readings) -> dict[str, Any]:
    """Return a row as it goes out: as it was added."""
    return dict(row.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One history: where it is listed, how, what may be asked of it, and what its rows look like."""

    name: str
    path: str
    permission: str = "General"
    pool: str = "Spot"
    weight: int
    futures: bool = False
    style: Style
    sample: Mapping[str, Any]
    """A row as KuCoin's documentation shows it; a row that is added has its values where it brings none of its own."""
    times: Mapping[str, Unit]
    """The fields that are times. Ranges are about the first one, unless a reading says otherwise."""
    bounded_by: str = ""
    """The reading that has the name of the time that ranges are about."""
    ids: Mapping[str, Maker] = field(default_factory=dict)
    """How the fields are made up that no two rows share."""
    filters: tuple[Filter, ...] = ()
    bounds: Bounds | None = field(default_factory=Bounds)
    cursor: str = ""
    """The field that is the cursor; if none is, it is what a row hides as `cursor`, or made of its time and number."""
    is_listed: Callable[[Row], bool] = lambda _: True
    """Whether a row is in the list at all."""
    is_cancelled: Callable[[Row], bool] = lambda _: False
    shown: Callable[[Row, Readings], dict[str, Any]] = as_they_are
    is_unlimited: Callable[[Call], bool] = lambda _: False
    """Whether no limits of time apply to a request."""
    check: Callable[[Call], None] = lambda _: None
    """Refuses what no single parameter can tell."""
    seeding: Seeding

    def time_field(self, readings: Readings) -> str:
        """Return the field that ranges are about."""
        if self.bounded_by:
            name: str = getattr(readings, self.bounded_by)
            return name
        return next(iter(self.times))

    def cursor_of(self, row: Row) -> int:
        """Return the cursor of a row."""
        if self.cursor:
            return int(row.get(self.cursor))
        made_up = row.hidden.get("cursor")
        return time_cursor(row.time_ms(next(iter(self.times)), self.times), row.number) if made_up is None else made_up

    def route(self) -> Route:
        """Return its row of the table of paths."""
        return Route(
            "GET", self.path, self.permission, self.pool, self.weight, lambda call: answer(self, call), self.futures
        )


def answer(history: History, call: Call) -> Reply:
    """Answer a request for a history."""
    readings = call.exchange.readings
    limits = Limits() if history.is_unlimited(call) else readings.history_limits[history.name]
    history.check(call)
    wanted = list(_wanted(history, call))
    asked = history_limits.Asked(None, None)
    if history.bounds is not None:
        asked = history.bounds.asked_for(call)
    if any(one.alone for one, _ in wanted):
        wanted = [(one, text) for one, text in wanted if one.alone]
        times = history_limits.kept(limits, call.now_ms)
    else:
        times = history_limits.listed(asked, limits, call.now_ms, readings)
    time = history.time_field(readings)
    cancelled_since = 0 if limits.cancelled_kept_ms is None else call.now_ms - limits.cancelled_kept_ms

    def is_listed(row: Row) -> bool:
        at_ms = row.time_ms(time, history.times)
        return at_ms in times and (at_ms >= cancelled_since or not history.is_cancelled(row))

    listing = Listing(
        view=_view(history, call, wanted, time),
        times=times,
        is_listed=is_listed,
        shown=lambda row: history.shown(row, readings),
    )
    return history.style.answer(call, listing)


def _wanted(history: History, call: Call) -> Iterator[tuple[Filter, str]]:
    for one in history.filters:
        if (text := one.asked_for(call)) is not None:
            yield one, text


def _view(history: History, call: Call, wanted: list[tuple[Filter, str]], time: str) -> View:
    def passes(row: Row) -> bool:
        return history.is_listed(row) and all(one.passes(row, text) for one, text in wanted)

    def key(row: Row) -> int:
        return history.cursor_of(row) if history.style.by_cursor else row.time_ms(time, history.times)

    name = (time, *((one.parameter, text) for one, text in wanted))
    return call.exchange.histories.book(history.name).view(call.key.uid, name, passes, key)


# --- filters that several histories have ---

BUY_SELL: Final = ("buy", "sell")
SIDE: Final = Filter("side", choices=BUY_SELL)
MARGIN_TYPES: Final = ("MARGIN_TRADE", "MARGIN_ISOLATED_TRADE")
ORDER_ID: Final = Filter("orderId", alone=True)
