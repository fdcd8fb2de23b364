"""
A ledger of any length that is computed, not stored.

Row number k of n follows from k alone: its time by spreading n rows over the span, three to a millisecond; its id by
counting; the rest from a pool of prepared texts. Counting and finding rows, filtered or not, is arithmetic.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from airflow_provider_kucoin.testing.ledger import EVERYTHING, Filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kucoin.testing.ledger import RowId

# A prime, so that the pool does not beat in time with groups, pages or days.
POOL: Final = 997
GROUP: Final = 3
# Ids count up from here: always 15 digits, so that text order is number order.
_FIRST_ID: Final = 300_000_000_000_000
_AMOUNTS: Final = 1_000_003

# currency, decimals, weight
_CURRENCIES: Final = (("USDT", 8, 50), ("BTC", 8, 20), ("ETH", 8, 12), ("KCS", 8, 8), ("SOL", 9, 6), ("SHIB", 18, 4))
# business type, account type, direction
_KINDS: Final = (
    ("Exchange", "TRADE", "in"),
    ("Exchange", "TRADE", "out"),
    ("Refunded Fees", "TRADE", "in"),
    ("Transfer", "MAIN", "out"),
    ("Deposit", "MAIN", "in"),
    ("KuCoin Bonus", "MAIN", "in"),
)


class _Mould(NamedTuple):
    """The unchanging texts between the parts of a row that change: id, amount, time, trade id."""

    currency: str
    direction: str
    biz_type: str
    after_id: str
    after_amount: str
    after_time: str
    after_trade: str


class Mould(Protocol):
    """What every row of a mould has, as queries ask for it."""

    @property
    def currency(self) -> str:
        """Its currency."""

    @property
    def direction(self) -> str:
        """Its direction."""

    @property
    def biz_type(self) -> str:
        """Its business type."""


class Multitude(ABC):
    """`count` rows spread evenly over `[start_ms, end_ms)`, made in turn from the moulds of a pool."""

    def __init__(self, start_ms: int, end_ms: int, count: int, moulds: Sequence[Mould]) -> None:
        if count < 0 or end_ms <= start_ms:
            raise ValueError("a synthetic ledger needs a span of time and a number of rows")
        self.end_ms = end_ms
        self._start, self._span, self._count = start_ms, end_ms - start_ms, count
        self._all = moulds
        self._residues: dict[Filter, Sequence[int]] = {EVERYTHING: range(POOL)}

    def view(self, start_ms: int, end_ms: int, only: Filter = EVERYTHING) -> SyntheticView:
        """Return the rows with `start_ms <= createdAt < end_ms` that pass a filter."""
        if only not in self._residues:
            self._residues[only] = [
                number
                for number, mould in enumerate(self._all)
                if only.passes(mould.currency, mould.direction, mould.biz_type)
            ]
        return SyntheticView(self, self._residues[only], self._first(start_ms), self._first(end_ms))

    def created_at(self, number: int) -> int:
        """Return the time of a row."""
        return self._start + number // GROUP * GROUP * self._span // self._count

    def order(self, number: int) -> tuple[int, RowId]:
        """Return time and id of a row."""
        return self.created_at(number), self.row_id(number)

    @abstractmethod
    def row_id(self, number: int) -> RowId:
        """Return the id of a row; they rise."""

    @abstractmethod
    def texts(self, numbers: Sequence[int]) -> list[str]:
        """Return the JSON of rows."""

    def _first(self, moment: int) -> int:
        """Return the number of the first row that is not before a moment."""
        groups = -(-(moment - self._start) * self._count // (GROUP * self._span))
        return min(max(groups * GROUP, 0), self._count)


class Synthetic(Multitude):
    """A spot ledger; its balances mean nothing."""

    def __init__(self, start_ms: int, end_ms: int, count: int, seed: int) -> None:
        random = Random(seed)  # noqa: S311  repeatable, not secret
        self._moulds = [_mould(random) for _ in range(POOL)]
        super().__init__(start_ms, end_ms, count, self._moulds)

    def row_id(self, number: int) -> str:
        """Return the id of a row."""
        return str(_FIRST_ID + number)

    def texts(self, numbers: Sequence[int]) -> list[str]:
        """Return the JSON of rows."""
        moulds, start, span, count = self._moulds, self._start, self._span, self._count
        texts = []
        for number in numbers:
            _, _, _, after_id, after_amount, after_time, after_trade = moulds[number % POOL]
            group = number // GROUP * GROUP
            texts.append(
                f'{{"id":"{_FIRST_ID + number}{after_id}{number * 7919 % _AMOUNTS}{after_amount}'
                f"{start + group * span // count}{after_time}{group}{after_trade}"
            )
        return texts


class SyntheticView:
    """The rows `first … last - 1` of a synthetic ledger whose mould is among some."""

    def __init__(self, ledger: Multitude, residues: Sequence[int], first: int, last: int) -> None:
        self._ledger, self._residues = ledger, residues
        self._before = self._rank(first)
        self._len = max(self._rank(last) - self._before, 0)

    def __len__(self) -> int:
        return self._len

    @property
    def rises(self) -> bool:
        """Whether every row's id is greater than those of the rows before it: they are counted."""
        return True

    def order(self, index: int) -> tuple[int, RowId]:
        """Return time and id of a row."""
        return self._ledger.order(self._number(index))

    def texts(self, start: int, stop: int) -> list[str]:
        """Return the JSON of the rows `start` … `stop - 1`."""
        if len(self._residues) == POOL:
            return self._ledger.texts(range(self._before + start, self._before + stop))
        return self._ledger.texts([self._number(index) for index in range(start, stop)])

    def _rank(self, number: int) -> int:
        """Return how many rows before a number pass the filter."""
        rounds, rest = divmod(number, POOL)
        return rounds * len(self._residues) + bisect_left(self._residues, rest)

    def _number(self, index: int) -> int:
        rounds, rest = divmod(self._before + index, len(self._residues))
        return rounds * POOL + self._residues[rest]


def _mould(random: Random) -> _Mould:
    currency, decimals, _ = random.choices(_CURRENCIES, weights=[weight for *_, weight in _CURRENCIES])[0]
    biz_type, account_type, direction = random.choices(_KINDS, weights=(30, 30, 10, 15, 10, 5))[0]
    fraction = "".join(random.choices("0123456789", k=decimals))
    fee = f"0.{''.join(random.choices('0123456789', k=decimals))}" if biz_type == "Exchange" else "0"
    order = f"{random.getrandbits(96):024x}"
    context = f'{{\\"symbol\\":\\"{currency}-USDC\\",\\"orderId\\":\\"{order}\\",\\"tradeId\\":\\"'
    return _Mould(
        currency=currency,
        direction=direction,
        biz_type=biz_type,
        after_id=f'","currency":"{currency}","amount":"',
        after_amount=(
            f'.{fraction}","fee":"{fee}","balance":"0","accountType":"{account_type}","bizType":"{biz_type}",'
            f'"direction":"{direction}","createdAt":'
        ),
        after_time=f',"context":"{context}',
        after_trade='\\"}"}',
    )
