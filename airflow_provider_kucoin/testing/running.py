"""
Ledgers whose rows tell the balance after them.

Rows that change one balance are a chain: each one's balance is its predecessor's and its own change. Wherever in time a
row is booked, the chain stays whole: the rows after it are told anew. A row that is to come late for readers, but not
for the chain, is booked with `visible_from`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from airflow_provider_kucoin.testing import exact_json
from airflow_provider_kucoin.testing.amounts import EXACT
from airflow_provider_kucoin.testing.ledger import EVERYTHING, Filter, Ledger, Row, Source, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from decimal import Decimal


# So many are put where they belong one by one.
_FEW = 50


class Chain(NamedTuple):
    """The balance that rows run along: what is chained, as in "isolated_v2:BTC-USDT", and its currency."""

    account: str
    currency: str


class BalancedSource(Source, Protocol):
    """A multitude of rows that tells its own balances."""

    end_ms: int

    def closing(self) -> Mapping[Chain, Decimal]:
        """Return the balances after its last row."""


@dataclass(slots=True, eq=False, kw_only=True)
class Entry:
    """One row on its way into a ledger; `tell` puts the balance into its wire dict."""

    created_at: int
    id: int
    chain: Chain
    change: Decimal
    wire: dict[str, Any]
    tell: Callable[[dict[str, Any], Decimal], None]
    account: str
    """The balance that it changes, as `Balances` names it; more than one of them may make a chain."""
    direction: str = ""
    biz_type: str = ""
    given: Decimal | None = None
    """A balance that the row tells whatever came before it; those after it start from there."""
    visible_from: int | None = None
    balance: Decimal | None = None
    _row: Row | None = None

    @property
    def order(self) -> tuple[int, int, str]:
        """Where it stands in its ledger. Two currencies may have the same id, where each counts its own."""
        return (self.created_at, self.id, self.chain.currency)

    def settle(self, before: Decimal) -> Decimal:
        """Take note of the balance before it, and return the one after it."""
        balance = EXACT.add(before, self.change) if self.given is None else self.given
        if balance != self.balance:
            self.balance, self._row = balance, None
            self.tell(self.wire, balance)
        return balance

    @property
    def row(self) -> Row:
        """The row as queries find it."""
        if self._row is None:
            text = exact_json.encode(self.wire)
            self._row = Row(self.created_at, self.id, self.chain.currency, self.direction, self.biz_type, text)
        return self._row


def _order(entry: Entry) -> tuple[int, int, str]:
    return entry.order


@dataclass(slots=True)
class _Running:
    """The rows of one chain, oldest first."""

    opening: Decimal
    entries: list[Entry] = field(default_factory=list)

    @property
    def closing(self) -> Decimal:
        last = self.entries[-1].balance if self.entries else None
        return self.opening if last is None else last

    def add(self, entries: Iterable[Entry]) -> None:
        first = len(self.entries)
        for entry in entries:
            first = min(first, bisect_left(self.entries, entry.order, key=_order))
            insort(self.entries, entry, key=_order)
        before = self.entries[first - 1].balance if first else self.opening
        for entry in self.entries[first:]:
            before = entry.settle(self.opening if before is None else before)


class RunningLedger(Ledger):
    """
    One ledger with running balances, of one uid.

    `opening` tells what a chain starts from when its first row is booked.
    """

    def __init__(self, opening: Callable[[Chain], Decimal]) -> None:
        super().__init__()
        self._opening = opening
        self._chains: dict[Chain, _Running] = {}
        self._entries: list[Entry] = []
        self._hidden: list[Entry] = []
        self._keys: set[tuple[str, int]] = set()
        self._stale = False
        self._closed_ms: int | None = None

    def book(self, entries: Iterable[Entry]) -> dict[Chain, Decimal]:
        """Book rows, in any order, and return by how much the end of each of their chains has moved."""
        entries = list(entries)
        keys = {(entry.chain.currency, entry.id) for entry in entries}
        if len(keys) < len(entries) or not self._keys.isdisjoint(keys):
            raise ValueError("a row with that id is in the ledger already")
        if self._closed_ms is not None and any(entry.created_at < self._closed_ms for entry in entries):
            raise ValueError("the balances of a synthetic ledger are fixed: book after its last row")
        self._keys |= keys
        moved = {}
        for chain in dict.fromkeys(entry.chain for entry in entries):
            if chain not in self._chains:
                self._chains[chain] = _Running(self._opening(chain))
            running = self._chains[chain]
            before = running.closing
            running.add(entry for entry in entries if entry.chain == chain)
            moved[chain] = EXACT.subtract(running.closing, before)
        self._hidden += [entry for entry in entries if entry.visible_from is not None]
        self._show([entry for entry in entries if entry.visible_from is None])
        return moved

    def closing(self, chain: Chain) -> Decimal | None:
        """Return the balance after a chain's last row, None if it has no rows."""
        running = self._chains.get(chain)
        return running.closing if running else None

    def synthesize(self, source: BalancedSource) -> dict[Chain, Decimal]:
        """Have a multitude of rows, before all others, and return the balances after its last row."""
        if self._keys or self._closed_ms is not None:
            raise ValueError("a synthetic ledger with balances must come first")
        self._closed_ms = source.end_ms
        self._synthetic = source
        self._views.clear()
        closing = dict(source.closing())
        self._chains = {chain: _Running(balance) for chain, balance in closing.items()}
        return closing

    def reveal(self, now_ms: int) -> None:
        """Let the rows be seen whose time for it has come."""
        if due := [entry for entry in self._hidden if entry.visible_from is None or entry.visible_from <= now_ms]:
            self._hidden = [entry for entry in self._hidden if entry not in due]
            self._show(due)

    def view(self, start_ms: int, end_ms: int, only: Filter = EVERYTHING) -> View:
        """Return the rows with `start_ms <= createdAt < end_ms` that pass a filter; good until the next row comes."""
        self._refresh()
        return super().view(start_ms, end_ms, only)

    def entries(self, start_ms: int, end_ms: int) -> Iterator[list[str]]:
        """Yield the JSON of all rows of a window as they are now, oldest first, some thousand at a time."""
        self._refresh()
        return super().entries(start_ms, end_ms)

    def _show(self, entries: list[Entry]) -> None:
        if len(entries) < _FEW:
            for entry in entries:
                insort(self._entries, entry, key=_order)
        else:
            self._entries = sorted([*self._entries, *entries], key=_order)
        self._stale = True
        self._views.clear()

    def _refresh(self) -> None:
        if self._stale:
            self._booked.replace([entry.row for entry in self._entries])
            self._stale = False
