"""
The account ledgers: where each is, how it is listed, how long KuCoin keeps it, and what its rows are.

A ledger is a row in :data:`LEDGERS`; a column is a row in its columns. :func:`columns` turns a page of KuCoin's items
into columns without losing anything: text stays text, a number stays the digits that KuCoin sent, and a field that
no column knows is kept in ``_extra``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import Enum, auto
from functools import cache
from itertools import compress
from operator import itemgetter
from types import NoneType
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_kucoin.api.endpoints import SPOT_LEDGER, Endpoint
from airflow_provider_kucoin.api.errors import InvalidInput, UnexpectedData
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
    INSTANT = auto()  # milliseconds since the epoch, int


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column of a ledger's declared schema.

    :param name: in files and rows
    :param source: KuCoin's name of the field, empty for columns that are not a field of their own
    :param required: whether a row without it is refused
    :param meaning: for the schema's documentation
    """

    name: str
    source: str
    kind: Kind = Kind.TEXT
    required: bool = False
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """
    One account ledger.

    :param page_size: the most rows that one call brings
    :param max_span_ms: the most that ``endAt - startAt`` may be; ``None`` for no documented limit
    :param retention: how far back KuCoin keeps rows; ``None`` where no source says
    :param fields: the columns that are fields of KuCoin's rows
    :param key: the column whose values are unique
    :param time: the column that the window is about
    :param schema_version: raised whenever the columns change
    """

    name: str
    endpoint: Endpoint
    page_size: int
    max_span_ms: int | None
    retention: timedelta | None
    fields: tuple[Column, ...]
    key: str = "id"
    time: str = "created_at"
    schema_version: int = 1

    @property
    def columns(self) -> tuple[Column, ...]:
        """The declared schema, in order."""
        return (ACCOUNT_UID, *self.fields, *CONTEXT_COLUMNS, EXTRA)

    @property
    def key_source(self) -> str:
        """KuCoin's name of the key."""
        return self._source(self.key)

    @property
    def time_source(self) -> str:
        """KuCoin's name of the time."""
        return self._source(self.time)

    def _source(self, name: str) -> str:
        return next(column.source for column in self.fields if column.name == name)


ACCOUNT_UID = Column("account_uid", "", required=True, meaning="KuCoin's uid of the account that the key belongs to")
EXTRA = Column("_extra", "", meaning="fields that no column knows, as a JSON object; null when there are none")
CONTEXT_COLUMNS = (
    Column("order_id", "", meaning="orderId in the context; for deposits and withdrawals presumably their id"),
    Column("trade_id", "", meaning="tradeId in the context"),
    Column("tx_id", "", meaning="txId, or transactionId, in the context"),
    Column("symbol", "", meaning="symbol in the context"),
)
#: The context's keys behind each of these columns (KuCoin's samples; transactionId: Kucoin.Net).
CONTEXT_KEYS = {
    "order_id": ("orderId",),
    "trade_id": ("tradeId",),
    "tx_id": ("txId", "transactionId"),
    "symbol": ("symbol",),
}

SPOT = Ledger(
    name="spot",
    endpoint=SPOT_LEDGER,
    page_size=500,
    # "Cannot exceed 24 hours"; whether exactly 24 hours are allowed is UNVERIFIED.
    max_span_ms=86_399_999,
    # "1 year": 365 days are kept under every reading of a year.
    retention=timedelta(days=365),
    fields=(
        Column("id", "id", required=True, meaning="KuCoin's id of the row: 24 hexadecimal digits or a whole number"),
        Column("currency", "currency", required=True, meaning="code of the currency"),
        Column(
            "amount", "amount", Kind.AMOUNT, required=True, meaning="size of the change, without sign, fee included"
        ),
        Column("fee", "fee", Kind.AMOUNT, meaning="the part of the amount that is a fee"),
        Column("balance", "balance", Kind.AMOUNT, meaning="documented as without meaning; usually 0"),
        Column("account_type", "accountType", meaning="MAIN, TRADE, MARGIN, CONTRACT, ...; an open set"),
        Column("biz_type", "bizType", meaning="business type; an open set in mixed spellings"),
        Column("direction", "direction", meaning="in or out"),
        Column("created_at", "createdAt", Kind.INSTANT, required=True, meaning="UTC"),
        Column("context", "context", meaning="as KuCoin sends it: JSON, empty, null or single-quoted text"),
    ),
)

LEDGERS = {SPOT.name: SPOT}


def ledger(name: str) -> Ledger:
    """
    Return the ledger of that name.

    :raise InvalidInput: when there is none
    """
    try:
        return LEDGERS[name]
    except KeyError:
        raise InvalidInput(f"ledger={name!r} is not one of {', '.join(map(repr, LEDGERS))}") from None


# ------------------------------------------------------------------------------------------------------------ filters

MAX_CURRENCIES = 10
DIRECTIONS = ("in", "out")


def filters(
    currency: str | Sequence[str] | None = None, direction: str | None = None, biz_type: str | None = None
) -> dict[str, str]:
    """
    Return the query parameters that narrow a ledger down.

    :param currency: a code, several with commas between, or a list of codes; 10 at the most (KuCoin's limit)
    :param direction: ``in`` or ``out``
    :param biz_type: KuCoin's request value, in upper snake case such as ``TRADE_EXCHANGE``. The set grows, so it is
        KuCoin that refuses an unknown one
    :raise InvalidInput: for anything that KuCoin documents as not accepted
    """
    found: dict[str, str] = {}
    if currency:
        given: list[object] = [*(currency.split(",") if isinstance(currency, str) else currency)]
        codes = [code.strip() if isinstance(code, str) else "" for code in given]
        if len(codes) > MAX_CURRENCIES:
            raise InvalidInput(
                f"currency: {len(codes)} codes given, KuCoin takes {MAX_CURRENCIES} in one call. "
                "Leave currency out to read all, or use several tasks"
            )
        if not all(code and "," not in code for code in codes):
            raise InvalidInput(f"currency={currency!r}: give codes such as 'USDT' or ['BTC', 'USDT']")
        found["currency"] = ",".join(codes)
    if direction:
        if direction not in DIRECTIONS:
            raise InvalidInput(f"direction={direction!r} is not one of 'in', 'out'; leave it out for both")
        found["direction"] = direction
    if biz_type:
        found["bizType"] = biz_type
    return found


# -------------------------------------------------------------------------------------------------- from page to rows

Columns = dict[str, list[Any]]


def columns(ledger: Ledger, items: Sequence[Item], account_uid: str) -> Columns:
    """
    Return KuCoin's items as the columns of the declared schema, in the same order.

    :raise UnexpectedData: when an item cannot be held exactly
    """
    raw, extra = _fields(ledger, items)
    found: Columns = {ACCOUNT_UID.name: [account_uid] * len(items)}
    for column in ledger.fields:
        found[column.name] = _CONVERTERS[column.kind](column, raw[column.source])
    found |= context_columns(found["context"])
    found[EXTRA.name] = extra
    return found


def rows(ledger: Ledger, page: Columns) -> list[dict[str, Any]]:
    """Return columns as rows for Python: amounts as ``Decimal``, times as UTC ``datetime``, all else as text."""
    names = [column.name for column in ledger.columns]
    values = [list(map(_VALUES[column.kind], page[column.name])) for column in ledger.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _fields(ledger: Ledger, items: Sequence[Item]) -> tuple[dict[str, Sequence[Any]], list[str | None]]:
    """Return the values of each known field, and what is left of each item as JSON."""
    sources = _sources(ledger)
    if not items:
        return dict.fromkeys(sources, ()), []
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
            raise UnexpectedData(f"the {ledger.name} ledger has a row that is not an object: {_short(item)}")
        unknown = {name: value for name, value in item.items() if name not in known}
        extra.append(_json(unknown) if unknown else None)
    return {source: [item.get(source) for item in items] for source in sources}, extra


@cache
def _sources(ledger: Ledger) -> tuple[str, ...]:
    return tuple(column.source for column in ledger.fields)


@cache
def _getter(sources: tuple[str, ...]) -> Callable[[Item], tuple[Any, ...]]:
    return itemgetter(*sources)


def _text(column: Column, values: Sequence[Any]) -> list[str | None]:
    if set(map(type, values)) <= {str}:
        return list(values)
    _refuse_missing(column, values)
    # A number becomes its digits (ids come as text here and as numbers there), anything else its JSON.
    return [value if value is None or isinstance(value, str) else _json(value) for value in values]


def _amounts(column: Column, values: Sequence[Any]) -> list[str | None]:
    if _are_plain(values):
        return list(values)
    _refuse_missing(column, values)
    return [None if value is None else _digits(column, value) for value in values]


# No other spelling goes on from here, because readers of text disagree about them: Arrow's cast of '1e30', and of 39
# digits, overflows without a word; Python takes '1_000' and ' 1'.
_PLAIN_AMOUNTS = re.compile(r"(?:-?[0-9]{1,20}+(?:\.[0-9]{1,18}+)?+(?: (?=[-0-9])|$))++")
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


def _instants(column: Column, values: Sequence[Any]) -> list[int | None]:
    if set(map(type, values)) <= {int}:
        return list(values)
    _refuse_missing(column, values)
    # The high-frequency ledger sends milliseconds as text.
    if bad := [value for value in values if value is not None and not str(value).isdecimal()]:
        raise UnexpectedData(f"column {column.name}: {_short(bad[0])} is not a time in milliseconds")
    return [None if value is None else int(value) for value in values]


_CONVERTERS: dict[Kind, Callable[[Column, Sequence[Any]], list[Any]]] = {
    Kind.TEXT: _text,
    Kind.AMOUNT: _amounts,
    Kind.INSTANT: _instants,
}
_VALUES: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: lambda value: value,
    Kind.AMOUNT: lambda value: None if value is None else Decimal(value),
    Kind.INSTANT: lambda value: None if value is None else to_datetime(value),
}


def _refuse_missing(column: Column, values: Sequence[Any]) -> None:
    if column.required and None in values:
        raise UnexpectedData(f"a row has no {column.source}, which every row must have; nothing of it was kept")


# ------------------------------------------------------------------------------------------------------------ context

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode
# Between contexts that are parsed together. Found at every second place, it proves that each context was one document,
# for none can hold it: JSON has no way to write its first character but this escape, which is looked for.
_BETWEEN, _ESCAPE = "\0between two contexts", "\\u0000"
_NOT_JSON = (msgspec.DecodeError, InvalidOperation, RecursionError)
# KuCoin's older samples write {'symbol':'CSP-USDT',...}: not JSON, but the useful parts can be told.
_LOOSE = re.compile(r"""['"](\w+)['"]\s*:\s*(?:'([^']*)'|"([^"]*)"|([^\s,'"{}]+))""")


def context_columns(contexts: Sequence[str | None]) -> Columns:
    """Return the useful parts of each context: order, trade and transaction id, symbol; ``None`` where not there."""
    useful = [context is not None and len(context) > len("{}") for context in contexts]
    found = _parse_contexts(list(compress(contexts, useful)))
    if len(found) < len(contexts):
        some = iter(found)
        found = [next(some) if holds_something else {} for holds_something in useful]
    return {name: _part(found, keys) for name, keys in CONTEXT_KEYS.items()}


def _part(contents: list[dict[str, Any]], keys: tuple[str, ...]) -> list[str | None]:
    """Return, for each context, the first of some keys that holds something."""
    name, *others = keys
    values = [content.get(name) for content in contents]
    if not set(map(type, values)) <= {str, NoneType}:
        values = [value if value is None or isinstance(value, str) else _json(value) for value in values]
    values = [value or None for value in values]
    if others and None in values:
        rest = _part(contents, tuple(others))
        return [value or other for value, other in zip(values, rest, strict=True)]
    return values


def _parse_contexts(contexts: list[Any]) -> list[dict[str, Any]]:
    if not contexts:
        return []
    try:
        # All in one go, which is several times faster than one by one.
        text = f"[{f',{_json(_BETWEEN)},'.join(contexts)}]"
        found = _decode(text)
    except _NOT_JSON:
        pass
    else:
        documents: list[dict[str, Any]] = found[::2]
        between = [_BETWEEN] * (len(contexts) - 1)
        if (
            len(documents) == len(contexts)
            and found[1::2] == between
            and text.count(_ESCAPE) == len(between)
            and set(map(type, documents)) <= {dict}
        ):
            return documents
    return list(map(_parse_context, contexts))


def _parse_context(context: str) -> dict[str, Any]:
    try:
        found = _decode(context)
    except _NOT_JSON:
        return {key: single or double or bare for key, single, double, bare in _LOOSE.findall(context)}
    return found if isinstance(found, dict) else {}


def _json(value: Any) -> str:
    """Return JSON with numbers in full: a Decimal is written as the number that KuCoin sent."""
    return _encode(value).decode()


def _short(value: Any) -> str:
    return repr(value)[:80]
