"""
The proof that nothing is missing between two rows of a ledger: every row's balance follows from the one before.

The spot ledger's balance is documented as without meaning; the other four have one. What is not documented is left
open: whether a fee or a tax is inside the amount or beside it, and in which order rows of one millisecond were booked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.columns import context_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Row = dict[str, Any]
#: What tells one balance from another, such as ("TRADE_HF", "USDT").
Account = tuple[str, ...]

ZERO = Decimal(0)
#: Python's own arithmetic keeps 28 digits, and balances have up to 38.
EXACT = Context(prec=80)
_PAIR = re.compile(r"[A-Z0-9]+-[A-Z0-9]+")


def _pair(told: str) -> str:
    """Return the pair in a text: it is the pair, or tells it among other things; nothing where it does not."""
    return told if _PAIR.fullmatch(told) else context_columns([told])["symbol"][0] or ""


@dataclass(frozen=True, slots=True)
class Running:
    """
    How a ledger's balance runs on.

    :param balance: the column of the balance after the row
    :param account: the columns that tell which balance it is
    :param pair: the column that may tell the pair, for account types that have a balance for each pair
    :param signed: whether amounts have a sign; otherwise the direction tells
    :param booked_by: a column that may tell the order of booking better than the time
    """

    balance: str
    account: tuple[str, ...]
    pair: str = ""
    signed: bool = False
    booked_by: str = ""

    def account_of(self, row: Row) -> tuple[Account, bool]:
        """Return whose balance a row changes, and whether the row tells that: it may not name its pair."""
        found = tuple(str(row[name]) for name in self.account)
        if not self.pair or not found[0].startswith("ISOLATED"):
            return found, True
        pair = _pair(str(row[self.pair] or ""))
        return (*found, pair), bool(pair)

    def changes(self, row: Row) -> tuple[Decimal, ...]:
        """Return what a row may have changed, the likeliest first."""
        return tuple(dict.fromkeys(self.readings(row)))

    def readings(self, row: Row) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """
        Return what a row has changed under each reading of its fee and tax, the likeliest first.

        Whether they are part of the amount is not the same in all of KuCoin's descriptions and samples.
        """
        amount = row["amount"]
        if not self.signed:
            amount = amount.copy_abs()
            amount = amount.copy_negate() if str(row["direction"]).lower() == "out" else amount
        less_fee = EXACT.subtract(amount, row.get("fee") or ZERO)
        tax = row.get("tax") or ZERO
        return amount, less_fee, EXACT.subtract(less_fee, tax), EXACT.subtract(amount, tax)


_BY_CURRENCY = Running("balance", ("account_type", "currency"))
#: The ledgers whose rows carry a balance, with the ways in which it may run. Whether the balance of an isolated margin
#: account is that of the pair, or of the currency in all pairs, is in no source: either will do, if all rows follow it.
RUNNING: Mapping[str, tuple[Running, ...]] = {
    "trade_hf": (_BY_CURRENCY,),
    "margin_hf": (replace(_BY_CURRENCY, pair="symbol"), _BY_CURRENCY),
    "futures": (Running("account_equity", ("currency",), signed=True, booked_by="offset"),),
    "unified": (replace(_BY_CURRENCY, pair="remark"), _BY_CURRENCY),
}


@dataclass(frozen=True, slots=True)
class Break:
    """
    The first row that does not follow from those before.

    :param row: its key and time, for people
    :param expected: the balance, or the balances, that it should have left
    """

    account: Account
    row: Row
    expected: tuple[Decimal, ...]
    found: Decimal


@dataclass(slots=True)
class Chain:
    """
    Follows the balances of a ledger through its rows, which come oldest first.

    :param last: the balance of each account after the rows so far
    :param unproven: rows whose balance cannot be followed, by what they lack
    :param other: what the balance of an account may be instead, since rows that name no pair may be of it or of another
    """

    running: Running
    last: dict[Account, Decimal] = field(default_factory=dict)
    unproven: dict[str, int] = field(default_factory=dict)
    other: dict[Account, tuple[Decimal, ...]] = field(default_factory=dict)
    _moment: dict[Account, list[Row]] = field(default_factory=dict)
    _loose: list[Row] = field(default_factory=list)
    _time: Any = None

    def copy(self) -> Chain:
        """Return another chain that goes on from here."""
        waiting = {account: [*rows] for account, rows in self._moment.items()}
        loose = [*self._loose]
        return Chain(self.running, dict(self.last), dict(self.unproven), dict(self.other), waiting, loose, self._time)

    def may_be(self, account: Account) -> tuple[Decimal, ...]:
        """Return the balances that an account may have after the rows so far; nothing where none is known."""
        return (self.last[account], *self.other.get(account, ())) if account in self.last else ()

    def add(self, rows: Iterable[Row], time: str = "created_at") -> Break | None:
        """Follow the balances through rows; rows of the last moment wait for more of it."""
        for moment, together in groupby(rows, key=lambda row: row[time]):
            if moment != self._time and (found := self.finish()):
                return found
            self._time = moment
            for row in together:
                self._take(row)
        return None

    def add_whole(self, rows: Sequence[Row]) -> Break | None:
        """
        Follow the balances through all rows of an object, in the order of booking if that is not the one of times.

        Which of them a balance follows is in no source, so either will do.
        """
        in_time = self.copy()
        if not (in_time.add(rows) or in_time.finish()):
            self.last, self.unproven = in_time.last, in_time.unproven
            return None
        for row in rows:
            self._take(row)
        moment, self._moment = self._moment, {}
        for account, found in moment.items():
            booked = sorted(found, key=lambda row: int(row[self.running.booked_by]))
            if broken := self._walk(account, booked, self.last.get(account)):
                return broken
            self.last[account] = booked[-1][self.running.balance]
        return None

    def finish(self) -> Break | None:
        """Follow the balances through the rows that wait."""
        for account, rows in self._moment.items():
            if found := self._follow(account, rows):
                return found
        # Rows of one moment come in any order, so one may fit only after another.
        waiting: list[Row] = []
        while len(waiting) != len(self._loose):
            waiting, self._loose = self._loose, [row for row in self._loose if not self._attribute(row)]
        for _ in self._loose:
            self._leave_out(self.running.pair)
        self._moment, self._loose = {}, []
        return None

    def _take(self, row: Row) -> None:
        """Have a row wait for the others of its moment."""
        account, is_told = self.running.account_of(row)
        if row[self.running.balance] is None:
            self._leave_out(self.running.balance)
        elif is_told:
            self._moment.setdefault(account, []).append(row)
        else:
            self._loose.append(row)

    def _leave_out(self, lacking: str) -> None:
        self.unproven[lacking] = self.unproven.get(lacking, 0) + 1

    def _attribute(self, row: Row) -> bool:
        """
        Find the pair of a row that names none, by the balance from which it follows; return whether there is one.

        It may be another's all the same, of which nothing is known yet: two accounts may hold as much, or nothing.
        """
        base, balance = self.running.account_of(row)[0][:-1], row[self.running.balance]
        befores = {EXACT.subtract(balance, change) for change in self.running.changes(row)}
        mine = [account for account in self.last if account[:-1] == base]
        fitting = [account for account in mine if not befores.isdisjoint(self.may_be(account))]
        for account in fitting:
            others = tuple(dict.fromkeys((balance, *self.may_be(account))))
            first = balance if len(fitting) == 1 else self.last[account]
            self.last[account] = first
            self.other[account] = tuple(other for other in others if other != first)
        if len(fitting) > 1:
            self._leave_out(self.running.pair)
        return bool(fitting)

    def _follow(self, account: Account, rows: list[Row]) -> Break | None:
        befores = self.may_be(account) or (None,)
        broken = [self._walk(account, rows, before) for before in befores]
        if None in broken:
            self._settle(account, rows, befores[broken.index(None)])
            return None
        base = account[:-1]
        loose = [row for row in self._loose if self.running.account_of(row)[0][:-1] == base]
        for before in befores:
            if ordered := _booked_order(self.running, rows, before) or _search(self.running, rows, loose, before):
                self._loose = [row for row in self._loose if not any(row is taken for taken in ordered)]
                self._settle(account, ordered, before)
                return None
        return broken[0]

    def _settle(self, account: Account, rows: Sequence[Row], before: Decimal | None) -> None:
        """Take note of rows that have followed."""
        if before is not None and before != self.last[account]:
            # A row that named no pair was not this account's after all, but one's of which nothing is known.
            self._leave_out(self.running.pair)
        self.last[account] = rows[-1][self.running.balance]
        self.other.pop(account, None)

    def _walk(self, account: Account, rows: Sequence[Row], before: Decimal | None) -> Break | None:
        """Return the first row that does not follow from the one before it."""
        for row in rows:
            balance: Decimal = row[self.running.balance]
            if before is not None:
                expected = tuple(EXACT.add(before, change) for change in self.running.changes(row))
                if balance not in expected:
                    return Break(account, row, expected, balance)
            before = balance
        return None


@dataclass(slots=True)
class Proof:
    """
    Follows the balances of a ledger in every way in which they may run; all rows must follow one of them.

    :param chains: the ways that have held so far
    """

    chains: list[Chain]

    def copy(self) -> Proof:
        """Return another proof that goes on from here."""
        return Proof([chain.copy() for chain in self.chains])

    @property
    def needs_whole_objects(self) -> bool:
        """Whether rows must be given by the object: :meth:`Chain.add_whole` instead of :meth:`Chain.add`."""
        return bool(self.chains[0].running.booked_by)

    def follow(self, step: Callable[[Chain], Break | None]) -> Break | None:
        """Take a step on every way, and return the break of the first if there is none left."""
        broken = [(chain, step(chain)) for chain in self.chains]
        if held := [chain for chain, found in broken if found is None]:
            self.chains = held
            return None
        return broken[0][1]

    @property
    def best(self) -> Chain:
        """The way that proves most."""
        return min(self.chains, key=lambda chain: sum(chain.unproven.values()))


def proof(ledger: str) -> Proof | None:
    """Return the beginning of a proof; ``None`` for a ledger whose rows carry no balance."""
    ways = RUNNING.get(ledger)
    return None if ways is None else Proof([Chain(way) for way in ways])


def _booked_order(running: Running, rows: Sequence[Row], before: Decimal | None) -> list[Row] | None:
    """
    Return the rows of one moment in an order in which each follows from the one before; ``None`` when there is none.

    Fee and tax are read in the same way for all of them.
    """
    readings = zip(*(running.readings(row) for row in rows), strict=True)
    walks = (_walk_of(running, rows, changes, before) for changes in dict.fromkeys(readings))
    return next((walk for walk in walks if walk), None)


def _walk_of(
    running: Running, rows: Sequence[Row], changes: Sequence[Decimal], before: Decimal | None
) -> list[Row] | None:
    """
    Return rows in an order in which each follows from the one before, by what each has changed.

    Balances are places, rows are ways from one to the next: what is looked for is a walk that takes each way once.
    """
    ways: dict[Decimal, list[tuple[Row, Decimal]]] = {}
    arrivals: dict[Decimal, int] = {}
    for row, change in zip(rows, changes, strict=True):
        balance = row[running.balance]
        ways.setdefault(EXACT.subtract(balance, change), []).append((row, balance))
        arrivals[balance] = arrivals.get(balance, 0) + 1
    start = before
    if start is None:
        # Where nothing is known of before, it begins at the place that is left once more than it is reached.
        start = next((place for place, out in ways.items() if len(out) > arrivals.get(place, 0)), next(iter(ways)))
    walk: list[tuple[Decimal, Row]] = []
    path: list[tuple[Decimal, Row | None]] = [(start, None)]
    while path:
        place, arrived_by = path[-1]
        if ways.get(place):
            following, balance = ways[place].pop()
            path.append((balance, following))
        else:
            path.pop()
            if arrived_by is not None:
                walk.append((path[-1][0], arrived_by))
    walk.reverse()
    # Where there is no such walk, what was found is one with gaps.
    is_whole = len(walk) == len(rows) and all(row[running.balance] == at for (_, row), (at, _) in pairwise(walk))
    return [row for _, row in walk] if is_whole else None


#: Steps after which the search for a walk is given up.
MOST_STEPS = 10_000


def _search(running: Running, rows: Sequence[Row], loose: Sequence[Row], before: Decimal | None) -> list[Row] | None:
    """
    Return the rows of one moment in a walk, together with as many rows of unknown pairs as it needs.

    Fee and tax are read for each as it fits.
    """
    ways: dict[Decimal, list[int]] = {}
    both = [*rows, *loose]
    for number, row in enumerate(both):
        for change in running.changes(row):
            ways.setdefault(EXACT.subtract(row[running.balance], change), []).append(number)
    walk: list[int] = []
    taken: set[int] = set()
    untried = [[*range(len(rows))] if before is None else [*ways.get(before, ())]]
    for _ in range(MOST_STEPS):
        if len(rows) == sum(number < len(rows) for number in taken):
            return [both[number] for number in walk]
        if not untried:
            return None
        if not untried[-1]:
            untried.pop()
            taken -= {*walk[-1:]}
            del walk[-1:]
            continue
        number = untried[-1].pop(0)
        if number not in taken:
            walk.append(number)
            taken.add(number)
            untried.append([*ways.get(both[number][running.balance], ())])
    return None
