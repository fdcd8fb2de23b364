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
    :param escapes: how many are, row by row
    :param known: the whole numbers of fields that have been looked at
    """

    __slots__ = ("_known", "body", "ends", "escaped", "escapes", "fields", "starts")

    def __init__(
        self,
        body: bytes,
        fields: tuple[str, ...],
        starts: Places,
        ends: Places,
        escaped: str | None,
        escapes: Numbers | None,
        known: dict[str, Numbers | None] | None = None,
    ) -> None:
        self.body = body
        self.fields = fields
        self.starts = starts
        self.ends = ends
        self.escaped = escaped
        self.escapes = escapes
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
        starts, ends = self.starts[:, numbers], self.ends[:, numbers]
        escapes = None if self.escapes is None else self.escapes[numbers]
        return Block(self.body, self.fields, starts, ends, self.escaped, escapes, known)

    @property
    def begins(self) -> Places:
        """Return where the rows begin, if they begin with a text."""
        found: Places = self.starts[0] - len(f'{{"{self.fields[0]}":"')
        return found

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

    def as_written(self, field: str) -> Numbers | None:
        """Return the values of a field as whole numbers if no two different texts are the same number."""
        values = self.whole(field)
        if values is None or not len(values):
            return values
        starts, ends = self.places(field)
        # As many digits each, and none begins with 0.
        return values if int(values.min()) >= 10 ** (int(ends[0] - starts[0]) - 1) else None

    def falling(self, field: str) -> tuple[int, int] | None:
        """Return a field's first and last value if all surely are whole numbers, and none is above the one before."""
        values = self.whole(field)
        if values is None or not len(values) or not bool((values[1:] <= values[:-1]).all()):
            return None
        return int(values[0]), int(values[-1])

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


def surely_differ(answers: Sequence[Sequence[Any]], field: str) -> bool:
    """Return whether a field is surely another in every row of some answers, as can be told without making texts."""
    answers = [answer for answer in answers if len(answer)]
    found = [answer.as_written(field) for answer in answers if is_block(answer)]
    values = [numbers for numbers in found if numbers is not None]
    if not values or len(values) < len(answers):
        return False
    import numpy as np

    every: Numbers = np.sort(np.concatenate(values))
    return not bool((every[1:] == every[:-1]).any())


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
    block = _block(body[first : last + 1], ",", fields, numeric, escaped)
    return None if block is None else (body[:first] + body[last + 1 :], block)


def objects(text: bytes) -> Block | None:
    """
    Return objects that stand one behind the other; ``None`` where they are not all of one shape.

    :param text: ASCII; nothing stands between two objects
    """
    return _block(text, "") if text.startswith(b'{"') and text.endswith(b'"}') else None


def _block(
    rows: bytes,
    between: str,
    fields: frozenset[str] | None = None,
    numeric: str | None = None,
    escaped: str | None = None,
) -> Block | None:
    """
    Return rows that are all of one shape.

    :param rows: ASCII; begin with a bracket and a quotation mark, and end with the same
    :param between: what stands between two of them
    :param fields: that there must be; ``None`` takes any
    """
    quotes = _quotes(rows)
    shape = None if quotes is None else _shape(rows, quotes.places)
    if quotes is None or shape is None or len(quotes.places) % shape.quotes:
        return None
    if not shape.is_of(frozenset(shape.fields) if fields is None else fields, numeric):
        return None
    places = _values(rows, quotes.places.reshape(-1, shape.quotes), shape, between)
    escapes = _escapes(quotes, shape, escaped) if quotes.escaped else None
    if places is None or (quotes.escaped and escapes is None):
        return None
    block = Block(rows, shape.fields, *places, escaped if quotes.escaped else None, escapes)
    return block if _are_numbers(block, shape.numbers) else None


@cache
def _has_numpy() -> bool:
    return find_spec("numpy") is not None


@dataclass(frozen=True, slots=True)
class _Quotes:
    """
    Where there are quotation marks.

    :param places: of those that are not escaped
    :param numbers: which of all quotation marks these are, from 0
    :param escaped: how many others there are
    """

    places: Numbers
    numbers: Numbers
    escaped: int


def _quotes(rows: bytes) -> _Quotes | None:
    """Return where the quotation marks are; ``None`` where anything else is escaped."""
    import numpy as np

    whole = np.frombuffer(rows, np.uint8)
    if int(whole.min()) < FIRST_PRINTED:
        return None
    every = np.flatnonzero(whole == QUOTE)
    # The first stands behind the bracket that begins a row.
    is_bare = whole[every - 1] != BACKSLASH
    numbers = np.flatnonzero(is_bare)
    escaped = len(every) - len(numbers)
    # If they are as many, every backslash has a quotation mark behind it.
    if escaped != int(np.count_nonzero(whole == BACKSLASH)):
        return None
    return _Quotes(every[numbers], numbers, escaped)


def _shape(rows: bytes, quotes: Numbers) -> Shape | None:
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


def _values(rows: bytes, quotes: Numbers, shape: Shape, between: str) -> tuple[Places, Places] | None:
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
    end = f'"}}{between}'.encode()
    if not _is_there(rows, behind[:-1], end) or not np.array_equal(next_row[1:], behind[:-1] + len(end)):
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


def _escapes(quotes: _Quotes, shape: Shape, escaped: str | None) -> Numbers | None:
    """Return how many are escaped in each value of the one field that may have them; ``None`` if others have some."""
    if escaped not in shape.fields or escaped in shape.numbers:
        return None
    before = shape.fields[: shape.fields.index(escaped)]
    # Behind the quotation marks of the fields before, and the two of its own name, stand those around its value.
    first = 2 + sum(2 if field in shape.numbers else 4 for field in before)
    numbers = quotes.numbers.reshape(-1, shape.quotes)
    found: Numbers = numbers[:, first + 1] - numbers[:, first] - 1
    return found if int(found.sum()) == quotes.escaped else None


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


def _is_there(body: bytes, places: Numbers, text: bytes) -> bool:
    """Return whether a text stands at every one of these places, which ascend."""
    if len(places) and int(places[-1]) + len(text) > len(body):
        return False
    return _runs(body, places, len(text)) == text * len(places)


def _runs(body: bytes, places: Places | Numbers, length: int) -> bytes:
    """Return so many bytes from each of these places, one after the other."""
    import numpy as np

    # A view that begins anew at every byte; only what is taken from it is copied.
    every = np.ndarray((max(len(body) - length + 1, 0),), dtype=f"V{length}", buffer=body, strides=(1,))
    return every[places].tobytes()  # not every.take(): that would copy all of it first


@cache
def _powers(digits: int) -> Any:
    import numpy as np

    return 10 ** np.arange(digits - 1, -1, -1, dtype=np.int64)
