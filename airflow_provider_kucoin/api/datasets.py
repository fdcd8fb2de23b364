"""
What can be listed: where a dataset is, how KuCoin cuts it into answers, how long it is kept, and what its rows are.

A dataset is a row in a table: the account ledgers in :mod:`airflow_provider_kucoin.api.ledgers`, the histories in
:mod:`airflow_provider_kucoin.api.histories`. Nothing else in this package names one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from operator import attrgetter
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from airflow_provider_kucoin.api import blocks
from airflow_provider_kucoin.api.blocks import Block, whole_numbers
from airflow_provider_kucoin.api.codes import SUCCESS
from airflow_provider_kucoin.api.columns import (
    ACCOUNT_UID,
    CONTEXT_COLUMNS,
    EXTRA,
    Column,
    Kind,
    columns,
    context_columns,
    row_type,
)
from airflow_provider_kucoin.api.errors import OutOfRetention, UnexpectedData
from airflow_provider_kucoin.api.pages import Numbered, Style
from airflow_provider_kucoin.api.windows import MILLISECOND, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_kucoin.api.columns import Columns
    from airflow_provider_kucoin.api.endpoints import Endpoint
    from airflow_provider_kucoin.api.pages import Item
    from airflow_provider_kucoin.api.windows import Slice, Window

#: How many of a kind's own units make a millisecond, as (multiply, divide).
_TO_MS = {Kind.INSTANT: (1, 1), Kind.SECONDS: (1000, 1), Kind.NANOSECONDS: (1, 1_000_000)}


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    How a range of time is asked for.

    :param start: KuCoin's name of the parameter
    :param end: KuCoin's name of the parameter
    :param seconds: whether they are whole seconds; milliseconds otherwise
    """

    start: str = "startAt"
    end: str = "endAt"
    seconds: bool = False

    def of(self, part: Slice) -> dict[str, int]:
        """Return the parameters that ask for a slice, or for a little more."""
        if self.seconds:
            return {self.start: part.start_at // 1000, self.end: -(-part.end_at // 1000)}
        return {self.start: part.start_at, self.end: part.end_at}


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What KuCoin still has.

    :param span: how far back rows are kept; ``None`` where no source says
    :param since_ms: nothing is kept from before this time
    :param until_ms: nothing is kept from this time on
    :param elsewhere: which dataset has the rest, for the message
    :param doubtful_after: where no source says how long rows are kept: the age from which on an empty answer may mean
        that they are kept no longer
    """

    span: timedelta | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    elsewhere: str = ""
    doubtful_after: timedelta | None = None

    def horizon_ms(self, now_ms: int) -> int | None:
        """Return the time from which on rows are kept; ``None`` when nothing is known of one."""
        found = [] if self.span is None else [now_ms - self.span // MILLISECOND]
        return max([*found, *([] if self.since_ms is None else [self.since_ms])], default=None)

    def has(self, piece: Window, now_ms: int) -> bool:
        """Return whether all of a piece is kept."""
        horizon = self.horizon_ms(now_ms)
        return (horizon is None or piece.start_ms >= horizon) and (
            self.until_ms is None or piece.end_ms <= self.until_ms
        )

    def is_doubtful(self, piece: Window, now_ms: int) -> bool:
        """Return whether an empty answer for a piece proves nothing."""
        return self.doubtful_after is not None and piece.start_ms < now_ms - self.doubtful_after // MILLISECOND


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    Something by which a dataset can, or must, be narrowed down.

    :param name: as DAG authors give it
    :param sent_as: KuCoin's name of it
    :param values: those that KuCoin documents as the only ones, as DAG authors write them; empty for an open set
    :param most: how many values one call takes, with commas between; one call is made for each when it is 1
    :param required: whether KuCoin answers nothing without it
    :param default: what is read when none is given: one call for each, so that nothing is left out
    :param upper: whether KuCoin wants it in upper case
    :param implies: what is sent with it
    """

    name: str
    sent_as: str
    values: tuple[str, ...] = ()
    most: int = 1
    required: bool = False
    default: tuple[str, ...] = ()
    upper: bool = False
    implies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Dataset:
    """
    A listing of rows that happened at a time.

    :param kind: ``ledger`` or ``history``
    :param page_size: the most rows that one call brings
    :param page_sizes: other sizes, as (KuCoin's parameter, its value, the most rows with it)
    :param fields: the columns that are fields of KuCoin's rows
    :param parameters: by what it can be narrowed down
    :param style: how it is cut into answers
    :param fixed: parameters that every call carries
    :param bounds: how a range of time is asked for; more than one where it is not known which is right: then each is
        tried, and what only one of them brings counts; empty where KuCoin takes no times and lists everything
    :param max_span_ms: the most that the end of a query may be after its start; ``None`` for no documented limit
    :param kept: how long
    :param key: the columns whose values together are unique; empty where two rows may be equal
    :param time: the column that windows are about
    :param other_times: columns that KuCoin's bounds may be about instead: no source says which
    :param margin_ms: how far KuCoin's own time of a row may be from ``time``: so much more is asked for on both sides
    :param tolerance_ms: how far outside of what was asked for rows may be without being taken for a misunderstanding
    :param context: whether rows have a context with useful parts
    :param is_provisional: tells rows that will change until they are settled, and are held back until then
    :param derived: adds fields to KuCoin's rows
    :param in_turn: whether its queries are sent one after the other: a row that moves from what the first brings to
        what the last brings is then in one of them at the least
    :param from_query: KuCoin's parameters that tell whose a row is where the row itself does not
    :param check_window: refuses windows that cannot be read as a whole
    :param named_in: the ledgers whose rows name the symbols that were traded
    :param all_text: whether nearly all rows have exactly these fields, texts all but the times: then they are read into
        a type of their own, which costs half
    :param schema_version: raised whenever the columns change
    """

    name: str
    kind: Literal["ledger", "history"]
    endpoint: Endpoint
    page_size: int
    fields: tuple[Column, ...]
    parameters: tuple[Parameter, ...] = ()
    page_sizes: tuple[tuple[str, str, int], ...] = ()
    style: Style = field(default_factory=Numbered)
    fixed: tuple[tuple[str, str], ...] = ()
    bounds: tuple[Bounds, ...] = (Bounds(),)
    max_span_ms: int | None = None
    kept: Kept = Kept()
    key: tuple[str, ...] = ("id",)
    time: str = "created_at"
    other_times: tuple[str, ...] = ()
    margin_ms: int = 0
    tolerance_ms: int = 0
    context: bool = False
    is_provisional: Callable[[Item], bool] | None = None
    derived: Callable[[Item], Item] | None = None
    in_turn: bool = False
    from_query: tuple[str, ...] = ()
    check_window: Callable[[Window, Sequence[Mapping[str, str]]], None] | None = None
    named_in: tuple[str, ...] = ()
    all_text: bool = False
    schema_version: int = 1

    def __str__(self) -> str:
        return f"{self.name} {self.kind}"

    @property
    def noun(self) -> str:
        """What it is called in metadata and events."""
        return "ledger" if self.kind == "ledger" else "dataset"

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The declared schema, in order."""
        owner = (ACCOUNT_UID,) if self.endpoint.is_signed else ()
        return (*owner, *self.fields, *(CONTEXT_COLUMNS if self.context else ()), EXTRA)

    @cached_property
    def in_order(self) -> bool:
        """Whether rows can be had in the order of ``time``."""
        return not self.other_times

    @cached_property
    def shows_bounds(self) -> bool:
        """Whether the times of rows are known to be those that KuCoin's bounds are about, and as fine as they are."""
        return self.in_order and not self.margin_ms and self._column(self.time).kind is not Kind.NANOSECONDS

    @cached_property
    def key_sources(self) -> tuple[str, ...]:
        """KuCoin's names of the key."""
        return tuple(self._column(name).source for name in self.key)

    @cached_property
    def time_source(self) -> str:
        """KuCoin's name of the time."""
        return self._column(self.time).source

    def size_of(self, query: Mapping[str, str]) -> int:
        """Return the most rows that one call of a query brings."""
        sizes = (size for name, value, size in self.page_sizes if query.get(name) == value)
        return next(sizes, self.page_size)

    def _column(self, name: str) -> Column:
        return next(column for column in self.fields if column.name == name)

    @cached_property
    def _envelope(self) -> msgspec.json.Decoder[Any]:
        listed: Any = GenericAlias(list, row_type(self.fields))
        if isinstance(self.style, Numbered):
            numbers = [(name, int) for name in ("currentPage", "pageSize", "totalNum")]
            listed = msgspec.defstruct("Data", [*numbers, ("items", listed)], gc=False)
        return msgspec.json.Decoder(msgspec.defstruct("Envelope", [("code", str), ("data", listed)], gc=False))

    @cached_property
    def _sources(self) -> frozenset[str]:
        return frozenset(column.source for column in self.fields)

    @cached_property
    def _before_rows(self) -> bytes:
        return b'"items":' if isinstance(self.style, Numbered) else b'"data":'

    def decode(self, body: bytes) -> Any:
        """
        Return the data of a successful answer whose rows are as they nearly always are; ``None`` for any other.

        Such rows are a :class:`Block`, or of a type of their own instead of dictionaries; all of :class:`Dataset` takes
        any of them.
        """
        if not self.all_text:
            return None
        rows: Any = None
        escaped = "context" if self.context else None
        parts = blocks.decode(body, self._sources, self._before_rows, numeric=self.time_source, escaped=escaped)
        if parts is not None:
            body, rows = parts
        try:
            found = self._envelope.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if found.code != SUCCESS:
            return None
        if not isinstance(found.data, Struct):
            return found.data if rows is None else rows
        listed = {} if rows is None else {"items": rows}
        return msgspec.structs.asdict(found.data) | listed

    def table(self, items: Sequence[Item], account_uid: str, *, amounts_as_sent: bool = False) -> Columns:
        """
        Return KuCoin's items as the columns of the declared schema, in the same order.

        :param amounts_as_sent: see :func:`airflow_provider_kucoin.api.columns.columns`
        :raise UnexpectedData: when an item cannot be held exactly
        """
        found = columns(self.fields, items, amounts_as_sent=amounts_as_sent)
        if self.endpoint.is_signed:
            found[ACCOUNT_UID.name] = [account_uid] * len(items)
        if self.context:
            found |= context_columns(found["context"])
        return found

    def keys(self, items: Sequence[Item]) -> list[str]:
        """
        Return what tells each row from all others; nothing for a dataset without keys.

        :raise UnexpectedData: when a row has none
        """
        if isinstance(items, Block):
            return items.texts(self.key_sources[0])
        if items and isinstance(items[0], Struct):
            own: list[Any] = list(map(attrgetter(*self.key), items))
            return own
        try:
            if len(self.key_sources) == 1:
                source = self.key_sources[0]
                return [str(item[source]) for item in items]
            return ["\0".join([str(item[source]) for source in self.key_sources]) for item in items if self.key]
        except (KeyError, TypeError):
            raise UnexpectedData(f"the {self} has a row without {' and '.join(self.key_sources)}") from None

    def falling_ms(self, items: Sequence[Item]) -> tuple[int, int] | None:
        """Return the oldest and the newest time of a :class:`Block` whose rows surely come newest first."""
        times = items.falling(self.time_source) if isinstance(items, Block) else None
        if times is None:
            return None
        multiply, divide = _TO_MS[self._column(self.time).kind]
        return times[1] * multiply // divide, times[0] * multiply // divide

    def times_ms(self, items: Sequence[Item], name: str = "") -> list[int]:
        """
        Return the rows' times in milliseconds, rounded down.

        :param name: of the column; ``time`` unless given
        :raise UnexpectedData: when a row has none
        """
        column = self._column(name or self.time)
        multiply, divide = _TO_MS[column.kind]
        try:
            if isinstance(items, Block):
                found = items.numbers(column.source)
            elif items and isinstance(items[0], Struct):
                found = whole_numbers(list(map(attrgetter(column.name), items)))
            else:
                found = whole_numbers([item[column.source] for item in items])
        except (KeyError, TypeError, ValueError):
            raise UnexpectedData(f"the {self} has a row whose {column.source} is not a time") from None
        return found if multiply == divide else [time * multiply // divide for time in found]


def out_of_retention(dataset: Dataset, lost: Sequence[Window], now_ms: int) -> OutOfRetention:
    """Return the error that says which pieces are gone and what can be done."""
    kept = dataset.kept
    span = f"{lost[0]} to {lost[-1]}" if len(lost) > 1 else str(lost[0])
    horizon = kept.horizon_ms(now_ms)
    if kept.until_ms is not None and lost[-1].end_ms > kept.until_ms:
        where = f"KuCoin's {dataset} ends at {stamp(kept.until_ms)}"
    elif horizon is not None and horizon == kept.since_ms:
        where = f"KuCoin's {dataset} begins at {stamp(kept.since_ms)}"
    else:
        since = "" if horizon is None else f", that is since {stamp(horizon)}"
        where = f"KuCoin keeps the {dataset} for {_days(kept.span or timedelta(0))}{since}"
    elsewhere = f"read {kept.elsewhere} for the rest" if kept.elsewhere else "ask KuCoin's support for older data"
    return OutOfRetention(
        f"{where}; {len(lost)} of the window's days are beyond it ({span}) and would look empty, or be cut short. "
        f"Ask for another window, set on_out_of_retention='skip' to write the rest only, or {elsewhere}"
    )


def doubtful(dataset: Dataset, piece: Window) -> OutOfRetention:
    """Return the error for an empty answer that proves nothing."""
    return OutOfRetention(
        f"KuCoin's {dataset} of {piece} came back empty, and no source says how long it is kept: it may be gone, so "
        "nothing was written. If the account was idle then, set on_out_of_retention='skip'"
    )


def _days(span: timedelta) -> str:
    return f"{span.days} days" if span >= timedelta(days=7) else f"{span // timedelta(hours=1)} hours"
