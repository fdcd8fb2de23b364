"""
Rows as they lie in an answer's bytes: where each value begins and ends, and nothing else.

Nearly every answer of a large ledger is the same text again and again with other values in it. Such an answer is not
made into objects: the places of its quotation marks say where the values are, and everything between the values is
compared with what it must be, byte by byte. Whatever is not exactly like that (a field more or less, null, another
order of fields, white space, other escapes than that of a quotation mark) is read the general way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    Places = np.ndarray[Any, np.dtype[np.int32]]
    Numbers = np.ndarray[Any, np.dtype[np.int64]]

QUOTE, BACKSLASH, DIGIT, END = b'"\\0}'
#: Below this there are only control characters, which JSON has nowhere but in white space.
FIRST_PRINTED = 0x20
#: An int64 holds as many digits, whatever they are.
LONGEST_NUMBER = 18


@dataclass(frozen=True, slots=True)
class Shape:
    """
    What rows look like.

    :param fields: KuCoin's names of the fields, in the order in which rows have them
    :param numbers: those whose values are bare numbers; all others are texts
    """

    fields: tuple[str, ...]
    numbers: frozenset[str]

    @property
    def quotes(self) -> int:
        """How many quotation marks a row has, but for escaped ones."""
        return 4 * len(self.fields) - 2 * len(self.numbers)

    def is_of(self, fields: frozenset[str], numeric: str | None) -> bool:
        """Return whether there are these fields, each once, and no others, and only one of them a number."""
        return len(self.fields) == len(fields) and set(self.fields) == fields and self.numbers <= {numeric}


class Block:
    """
    Rows of one answer. A sequence, which can be cut and put into another order without looking at the rows.

    :param body: the rows, all of it ASCII
    :param fields: KuCoin's names
    :param starts: where the values begin: a line for each field, in which each row has its place
    :param ends: where they end, likewise
    :param escaped: the one field in whose values quotation marks are escaped, if there is one
    :param known: the whole numbers of fields that have been looked at
    """

    __slots__ = ("_known", "body", "ends", "escaped", "fields", "starts")

    def __init__(
        self,
        body: bytes,
        fields: tuple[str, ...],
        starts: Places,
        ends: Places,
        escaped: str | None,
        known: dict[str, Numbers | None] | None = None,
    ) -> None:
        self.body = body
        self.fields = fields
        self.starts = starts
        self.ends = ends
        self.escaped = escaped
        self._known = {} if known is None else known

    def __len__(self) -> int:
        return int(self.starts.shape[1])

    def __iter__(self) -> Iterator[dict[str, str]]:
        """Yield the rows as objects, all of their values texts."""
        columns = [self.texts(field) for field in self.fields]
        return (dict(zip(self.fields, row, strict=True)) for row in zip(*columns, strict=True))

    def take(self, order: Sequence[int]) -> Any:
        """Return some of the rows, or all in another order."""
        import numpy as np

        # To turn rows round needs no copy.
        back = range(len(self) - 1, -1, -1)
        numbers: Any = slice(None, None, -1) if order == back else np.fromiter(order, np.int32, len(order))
        known = {field: values if values is None else values[numbers] for field, values in self._known.items()}
        return Block(self.body, self.fields, self.starts[:, numbers], self.ends[:, numbers], self.escaped, known)

    def places(self, field: str) -> tuple[Places, Places]:
        """Return where the values of a field begin and end, row by row."""
        line = self.fields.index(field)
        return self.starts[line], self.ends[line]

    def texts(self, field: str) -> list[str]:
        """Return the values of a field as they are meant."""
        starts, ends = self.places(field)
        body = self.body.decode()
        found = [body[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        return [text.replace('\\"', '"') for text in found] if field == self.escaped else found

    def whole(self, field: str) -> Numbers | None:
        """Return the values of a field as whole numbers if all have as many digits, and no more than 18."""
        if field not in self._known:
            self._known[field] = _of_one_length(self.body, *self.places(field))
        return self._known[field]

    def numbers(self, field: str) -> list[int]:
        """
        Return the values of a field as whole numbers.

        :raise ValueError: when one is anything but digits
        """
        values = self.whole(field)
        if values is not None:
            found: list[int] = values.tolist()
            return found
        return whole_numbers(self.texts(field))


def whole_numbers(values: Sequence[Any]) -> list[int]:
    """
    Return what KuCoin sent as whole numbers, bare or as text.

    :raise ValueError: when one is anything else, even what Python takes for a number, such as ``1_0`` or 1.5
    """
    if any(type(value) is not int and not (type(value) is str and _is_digits(value)) for value in values):
        raise ValueError(values)
    return list(map(int, values))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def is_block(items: object) -> TypeGuard[Block]:
    """Return whether rows are a block. One is used wherever a list of rows can be used, though it is none."""
    return isinstance(items, Block)


def decode(
    body: bytes, fields: frozenset[str], before: bytes, *, numeric: str | None = None, escaped: str | None = None
) -> tuple[bytes, Block] | None:
    """
    Return an answer without its rows, and the rows; ``None`` where they are not all of one shape.

    :param fields: KuCoin's names of the fields that every row must have, and no other
    :param before: what stands in front of the list of rows, such as ``"items":``
    :param numeric: the one field that may be a bare number
    :param escaped: the one field in which quotation marks may be escaped
    """
    first = body.find(before + b'[{"') + len(before) + 1
    last = body.rfind(b'"}]') + 1
    # All ASCII is valid UTF-8.
    if first <= len(before) or last <= first or not body.isascii() or not _has_numpy():
        return None
    rows = body[first : last + 1]
    quotes = _quotes(rows)
    shape = None if quotes is None else _shape(rows, quotes)
    if quotes is None or shape is None or not shape.is_of(fields, numeric) or len(quotes) % shape.quotes:
        return None
    places = _values(rows, quotes.reshape(-1, shape.quotes), shape)
    if places is None:
        return None
    block = Block(rows, shape.fields, *places, escaped if b"\\" in rows else None)
    if not _are_numbers(block, shape.numbers) or not _are_escapes_in_place(block):
        return None
    return body[:first] + body[last + 1 :], block


@cache
def _has_numpy() -> bool:
    return find_spec("numpy") is not None


def _quotes(rows: bytes) -> Places | None:
    """Return where there are quotation marks that are not escaped; ``None`` where anything else is escaped."""
    import numpy as np

    whole = np.frombuffer(rows, np.uint8)
    if bool((whole < FIRST_PRINTED).any()):
        return None
    is_quote = whole == QUOTE
    every = int(np.count_nonzero(is_quote))
    is_quote[1:] &= whole[:-1] != BACKSLASH
    found = np.flatnonzero(is_quote).astype(np.int32)
    # If they are as many, every backslash has a quotation mark behind it.
    return found if every - len(found) == int(np.count_nonzero(whole == BACKSLASH)) else None


def _shape(rows: bytes, quotes: Places) -> Shape | None:
    """Return what the first row looks like, as far as its quotation marks tell; the rest is looked at later."""
    fields: list[str] = []
    numbers: list[str] = []
    at = 0
    while at + 3 < len(quotes):
        start, end = int(quotes[at]) + 1, int(quotes[at + 1])
        fields.append(rows[start:end].decode())
        if rows[end + 2] != QUOTE:
            # Behind a number there is another field: one at the end of a row is read the general way.
            numbers.append(fields[-1])
            at += 2
            continue
        at += 4
        if rows[int(quotes[at - 1]) + 1] == END:
            return Shape(tuple(fields), frozenset(numbers))
    return None


def _values(rows: bytes, quotes: Places, shape: Shape) -> tuple[Places, Places] | None:
    """Return where values begin and end, if all that is between them is as it must be."""
    import numpy as np

    # Line by line what is row by row: each line is then gone through without jumps.
    quotes = np.ascontiguousarray(quotes.T)
    starts = np.empty((len(shape.fields), quotes.shape[1]), np.int32)
    ends = np.empty_like(starts)
    at, after_number = 0, False
    for place, field in enumerate(shape.fields):
        is_number = field in shape.numbers
        head = ("," if place else "{") + f'"{field}":' + ("" if is_number else '"')
        anchor = quotes[at] - 1
        if after_number:
            ends[place - 1] = anchor
        elif place:
            # The text in front ends where this begins.
            head, anchor = '"' + head, quotes[at - 1]
        if not _is_there(rows, anchor, head.encode()):
            return None
        after_number = is_number
        starts[place] = quotes[at + 1] + 2 if is_number else quotes[at + 2] + 1
        at += 2 if is_number else 4
        if not is_number:
            ends[place] = quotes[at - 1]
    # What is left are the ends of rows. The last has been found by its own.
    behind, next_row = quotes[-1], quotes[0] - 1
    if not _is_there(rows, behind[:-1], b'"},') or not np.array_equal(next_row[1:], behind[:-1] + 3):
        return None
    return (starts, ends) if int(behind[-1]) == len(rows) - 2 else None


def _are_numbers(block: Block, fields: Iterable[str]) -> bool:
    """Return whether these fields have whole numbers, written as JSON does, and nothing else."""
    for field in fields:
        if block.whole(field) is None:
            return False
        starts, ends = block.places(field)
        if ends[0] > starts[0] + 1 and b"0" in _runs(block.body, starts, 1):
            return False
    return True


def _are_escapes_in_place(block: Block) -> bool:
    """Return whether all that is escaped is in the one field that may have it."""
    import numpy as np

    if block.escaped is None:
        return b"\\" not in block.body
    starts, ends = block.places(block.escaped)
    escapes = np.flatnonzero(np.frombuffer(block.body, np.uint8) == BACKSLASH)
    return int((np.searchsorted(escapes, ends) - np.searchsorted(escapes, starts)).sum()) == len(escapes)


def _of_one_length(body: bytes, starts: Places, ends: Places) -> Numbers | None:
    """Return whole numbers that all have as many digits; ``None`` where that is not so."""
    import numpy as np

    digits = int(ends[0] - starts[0]) if len(starts) else 1
    if not 0 < digits <= LONGEST_NUMBER or not bool((ends - starts == digits).all()):
        return None
    values = np.frombuffer(_runs(body, starts, digits), np.uint8) - np.uint8(DIGIT)
    # What is less than 0 has become more than 9.
    if bool((values > 9).any()):  # noqa: PLR2004 - the last digit
        return None
    found: Numbers = values.reshape(-1, digits) @ _powers(digits)
    return found


def _is_there(body: bytes, places: Places, text: bytes) -> bool:
    """Return whether a text stands at every one of these places."""
    if len(places) and int(places.max()) + len(text) > len(body):
        return False
    return _runs(body, places, len(text)) == text * len(places)


def _runs(body: bytes, places: Places, length: int) -> bytes:
    """Return so many bytes from each of these places, one after the other."""
    import numpy as np

    # A view that begins anew at every byte; only what is taken from it is copied.
    every = np.ndarray((max(len(body) - length + 1, 0),), dtype=f"V{length}", buffer=body, strides=(1,))
    return every[places].tobytes()  # not every.take(): that would copy all of it first


@cache
def _powers(digits: int) -> Any:
    import numpy as np

    return 10 ** np.arange(digits - 1, -1, -1, dtype=np.int64)
