"""
From a page of KuCoin's rows to the columns of a declared schema, without losing, rounding or guessing anything.

Text stays text, a number stays the digits that KuCoin sent, and a field that no column knows is kept in ``_extra``.
Ids and times come as text here and as numbers there: either becomes what the column declares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import Enum, auto
from functools import cache
from operator import attrgetter, itemgetter
from types import NoneType
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_kucoin.api.blocks import is_block
from airflow_provider_kucoin.api.errors import UnexpectedData
from airflow_provider_kucoin.api.windows import to_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_kucoin.api.pages import Item

#: Every amount is a decimal of 38 digits, 18 of them after the point: the finest unit that any chain has, and more
#: than KuCoin's largest supplies before it.
DECIMAL_PRECISION, DECIMAL_SCALE = 38, 18


class Kind(Enum):
    """What a column holds, and in which form it travels from a page to a file."""

    TEXT = auto()  # str or None
    AMOUNT = auto()  # the number's digits as plain ASCII text, 20 before and 18 after the point at the most, or None
    FLAG = auto()  # bool or None
    INSTANT = auto()  # int or None: milliseconds since the epoch, sent as milliseconds
    SECONDS = auto()  # int or None: milliseconds since the epoch, sent as whole seconds
    NANOSECONDS = auto()  # int or None: nanoseconds since the epoch, sent as nanoseconds


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column of a declared schema.

    :param name: in files and rows
    :param source: KuCoin's name of the field, empty for columns that are not a field of their own
    :param required: whether a row without it is refused
    :param meaning: for the schema's documentation
    :param distinct: whether hardly any value is there twice, so that a dictionary of them would save nothing
    """

    name: str
    source: str
    kind: Kind = Kind.TEXT
    required: bool = False
    meaning: str = ""
    distinct: bool = False


ACCOUNT_UID = Column("account_uid", "", required=True, meaning="KuCoin's uid of the account that the key belongs to")
EXTRA = Column("_extra", "", meaning="fields that no column knows, as a JSON object; null when there are none")
#: The useful parts of a ledger row's context.
CONTEXT_COLUMNS = (
    Column(
        "order_id",
        "",
        meaning="orderId in the context; for deposits and withdrawals presumably their id",
        distinct=True,
    ),
    Column("trade_id", "", meaning="tradeId in the context", distinct=True),
    Column("tx_id", "", meaning="txId, or transactionId, in the context", distinct=True),
    Column("symbol", "", meaning="symbol in the context"),
)

# -------------------------------------------------------------------------------------------------- from page to rows

Columns = dict[str, list[Any]]


def columns(fields: tuple[Column, ...], items: Sequence[Item], *, amounts_as_sent: bool = False) -> Columns:
    """
    Return KuCoin's items as columns, in the same order: one for each of ``fields``, and ``_extra``.

    :param amounts_as_sent: leave amounts of texts as they are, for who puts them through :func:`amounts` where needed
    :raise UnexpectedData: when an item cannot be held exactly
    """
    raw, extra = _raw_fields(fields, items)
    found: Columns = {}
    for column in fields:
        convert = _CONVERTERS[column.kind]
        if amounts_as_sent and column.kind is Kind.AMOUNT:
            convert = _text_amounts
        found[column.name] = convert(column, raw[column.source])
    found[EXTRA.name] = extra
    return found


@cache
def row_type(fields: tuple[Column, ...]) -> type[msgspec.Struct]:
    """
    Return a type for rows that have exactly these fields, texts all but the times.

    Nearly every row is like that, and read into such a type it costs half of what a dictionary does. Whatever is not,
    the decoder refuses, and the row is read the general way.
    """
    text: dict[bool, Any] = {True: str, False: str | None}
    time: dict[bool, Any] = {True: int | str, False: int | str | None}
    types = [(column.name, (time if column.kind is Kind.INSTANT else text)[column.required]) for column in fields]
    return msgspec.defstruct(
        "Row",
        types,
        rename={column.name: column.source for column in fields},
        forbid_unknown_fields=True,
        gc=False,
    )


def rows(declared: Sequence[Column], page: Columns) -> list[dict[str, Any]]:
    """Return columns as rows for Python: amounts as ``Decimal``, times as UTC ``datetime``, all else as it is."""
    names = [column.name for column in declared]
    values = [list(map(_VALUES[column.kind], page[column.name])) for column in declared]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _raw_fields(fields: tuple[Column, ...], items: Sequence[Item]) -> tuple[dict[str, Sequence[Any]], list[str | None]]:
    """Return the values of each known field, and what is left of each item as JSON."""
    sources = _sources(fields)
    if is_block(items):
        items = list(items)
    if not items:
        return dict.fromkeys(sources, ()), []
    if isinstance(items[0], msgspec.Struct):
        return {column.source: list(map(attrgetter(column.name), items)) for column in fields}, [None] * len(items)
    try:
        # As many fields as there are columns, and every column found: then there is nothing else in any item.
        if set(map(len, items)) == {len(sources)}:
            found = zip(*map(_getter(sources), items), strict=True)
            return dict(zip(sources, found, strict=True)), [None] * len(items)
    except (KeyError, TypeError):
        pass
    known = frozenset(sources)
    extra: list[str | None] = []
    for item in items:
        if not isinstance(item, dict):
            raise UnexpectedData(f"a row is not an object: {_short(item)}")
        unknown = {name: value for name, value in item.items() if name not in known}
        extra.append(_json(unknown) if unknown else None)
    return {source: [item.get(source) for item in items] for source in sources}, extra


@cache
def _sources(fields: tuple[Column, ...]) -> tuple[str, ...]:
    return tuple(column.source for column in fields)


@cache
def _getter(sources: tuple[str, ...]) -> Callable[[Item], tuple[Any, ...]]:
    return itemgetter(*sources)


def _text(column: Column, values: Sequence[Any]) -> list[str | None]:
    if set(map(type, values)) <= {str}:
        return list(values)
    _refuse_missing(column, values)
    # A number becomes its digits (ids come as text here and as numbers there), anything else its JSON.
    return [value if value is None or isinstance(value, str) else _json(value) for value in values]


def _text_amounts(column: Column, values: Sequence[Any]) -> list[str | None]:
    return list(values) if set(map(type, values)) <= {str} else amounts(column, values)


def amounts(column: Column, values: Sequence[Any]) -> list[str | None]:
    """
    Return amounts as plain digits that fit the decimals of files.

    :raise UnexpectedData: for one that is no number, or does not fit
    """
    if _are_plain(values):
        return list(values)
    _refuse_missing(column, values)
    return [None if value is None else _digits(column, value) for value in values]


# No other spelling goes on from here, because readers of text disagree about them: Arrow's cast of '1e30', and of 39
# digits, overflows without a word; Python takes '1_000' and ' 1'.
PLAIN_AMOUNT = r"-?[0-9]{1,20}(?:\.[0-9]{1,18})?"
_PLAIN_AMOUNTS = re.compile(rf"(?:(?>{PLAIN_AMOUNT})(?: (?=[-0-9])|$))++")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_UNIT = Decimal(1).scaleb(-DECIMAL_SCALE)
_EXACT = Context(prec=DECIMAL_PRECISION, traps=[Inexact, InvalidOperation])


def _are_plain(values: Sequence[Any]) -> bool:
    if not set(map(type, values)) <= {str}:
        return False
    text = " ".join(values)
    return _PLAIN_AMOUNTS.fullmatch(text) is not None and text.count(" ") == len(values) - 1


def _digits(column: Column, value: Any) -> str:
    if _are_plain([value]):
        return str(value)
    if type(value) not in {str, int, Decimal} or not _NUMBER.fullmatch(str(value)):
        raise UnexpectedData(f"column {column.name}: {_short(value)} is not a number")
    try:
        return f"{Decimal(value).quantize(_UNIT, context=_EXACT):f}"
    except (Inexact, InvalidOperation):
        raise UnexpectedData(
            f"column {column.name}: {_short(value)} does not fit a decimal of {DECIMAL_PRECISION} digits, "
            f"{DECIMAL_SCALE} of them after the point, and is not rounded"
        ) from None


def plain_decimal(value: Decimal) -> str:
    """Return a decimal without exponent and trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _flags(column: Column, values: Sequence[Any]) -> list[bool | None]:
    _refuse_missing(column, values)
    if bad := [value for value in values if type(value) not in _FLAG_TYPES or value not in _FLAGS]:
        raise UnexpectedData(f"column {column.name}: {_short(bad[0])} is neither true nor false")
    return [_FLAGS[value] for value in values]


_FLAG_TYPES = {bool, int, str, NoneType}
# 0 and 1, which are sent here and there, are the same keys as False and True.
_FLAGS: dict[Any, bool | None] = {True: True, False: False, None: None, "true": True, "false": False}


def instants(column: Column, values: Sequence[Any]) -> list[int | None]:
    """
    Return times as whole numbers in the unit of their kind.

    :raise UnexpectedData: for one that is no time
    """
    latest = LATEST[column.kind]
    if set(map(type, values)) == {int} and min(values) >= 0 and max(values) <= latest:
        return list(values)
    _refuse_missing(column, values)
    # The high-frequency ledger sends its times as text.
    if bad := [value for value in values if value is not None and not _is_time(value, latest)]:
        raise UnexpectedData(f"column {column.name}: {_short(str(bad[0]))} is not a time")
    return [None if value is None else int(value) for value in values]


#: The last that Python's datetimes hold; of nanoseconds, the last that 64 bits hold.
LATEST = {Kind.INSTANT: 253_402_300_799_999, Kind.SECONDS: 253_402_300_799, Kind.NANOSECONDS: 2**63 - 1}
_DIGITS = re.compile(r"[0-9]{1,19}")


def _is_time(value: Any, latest: int) -> bool:
    return type(value) in {int, str} and _DIGITS.fullmatch(str(value)) is not None and int(value) <= latest


def _seconds(column: Column, values: Sequence[Any]) -> list[int | None]:
    return [None if value is None else value * 1000 for value in instants(column, values)]


_CONVERTERS: dict[Kind, Callable[[Column, Sequence[Any]], list[Any]]] = {
    Kind.TEXT: _text,
    Kind.AMOUNT: amounts,
    Kind.FLAG: _flags,
    Kind.INSTANT: instants,
    Kind.SECONDS: _seconds,
    Kind.NANOSECONDS: instants,
}
_VALUES: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: lambda value: value,
    Kind.AMOUNT: lambda value: None if value is None else Decimal(value),
    Kind.FLAG: lambda value: value,
    Kind.INSTANT: lambda value: None if value is None else to_datetime(value),
    Kind.SECONDS: lambda value: None if value is None else to_datetime(value),
    # Python's datetimes have microseconds; KuCoin's nanoseconds are whole in files.
    Kind.NANOSECONDS: lambda value: (
        None if value is None else to_datetime(value // 1_000_000) + timedelta(microseconds=value % 1_000_000 // 1000)
    ),
}


def _refuse_missing(column: Column, values: Sequence[Any]) -> None:
    if column.required and None in values:
        raise UnexpectedData(f"a row has no {column.source}, which every row must have; nothing of it was kept")


# ------------------------------------------------------------------------------------------------------------ context

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode
_NOT_JSON = (msgspec.DecodeError, InvalidOperation, RecursionError)
# KuCoin's older samples write {'symbol':'CSP-USDT',...}: not JSON, but the useful parts can be told.
_LOOSE = re.compile(r"""['"](\w+)['"]\s*:\s*(?:'([^']*)'|"([^"]*)"|([^\s,'"{}]+))""")


class _Context(msgspec.Struct, gc=False):
    """The parts of a context that are columns, as they are in nearly every row."""

    orderId: str | None = None  # noqa: N815 - KuCoin's names
    tradeId: str | None = None  # noqa: N815
    txId: str | None = None  # noqa: N815
    transactionId: str | None = None  # noqa: N815
    symbol: str | None = None


_NO_CONTEXT = _Context()
_decode_context = msgspec.json.Decoder(_Context).decode


def context_columns(contexts: Sequence[str | None]) -> Columns:
    """Return the useful parts of each context: order, trade and transaction id, symbol; ``None`` where not there."""
    found = [_parse_context(context) if context and len(context) > len("{}") else _NO_CONTEXT for context in contexts]
    return {
        "order_id": [context.orderId or None for context in found],
        "trade_id": [context.tradeId or None for context in found],
        "tx_id": [context.txId or context.transactionId or None for context in found],
        "symbol": [context.symbol or None for context in found],
    }


def _parse_context(context: str) -> _Context:
    try:
        return _decode_context(context)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        found = _decode(context)
    except _NOT_JSON:
        found = {key: single or double or bare for key, single, double, bare in _LOOSE.findall(context)}
    if not isinstance(found, dict):
        return _NO_CONTEXT
    parts = {name: found[name] for name in _Context.__struct_fields__ if found.get(name) is not None}
    return _Context(**{name: value if isinstance(value, str) else _json(value) for name, value in parts.items()})


def _json(value: Any) -> str:
    """Return JSON with numbers in full: a Decimal is written as the number that KuCoin sent."""
    return _encode(value).decode()


def _short(value: Any) -> str:
    return repr(value)[:80]
