"""
The histories of an account: fills, orders, borrowings, conversions, candles …, and deposits and withdrawals.

Which there are, and what their rows look like, is in the tables of `trading_spot`, `trading_futures`, `history_margin`,
`lending`, `convert`, `candles` and `history_funding`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import (
    candles,
    convert,
    history_funding,
    history_margin,
    history_reference,
    history_seeding,
    lending,
    trading_futures,
    trading_spot,
)
from airflow_provider_kucoin.testing.history_funding import FUNDING
from airflow_provider_kucoin.testing.history_rows import Book, Row, from_ms, refuse_floats, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.history_tables import History

HISTORIES: Final[Mapping[str, History]] = {
    history.name: history
    for history in (
        *trading_spot.HISTORIES,
        *history_margin.HISTORIES,
        *lending.HISTORIES,
        *trading_futures.HISTORIES,
        *convert.HISTORIES,
    )
}
DATASETS: Final = (*FUNDING, *HISTORIES, candles.NAME)


class Histories:
    """
    The rows of every history, by dataset and user; the user is the default key's unless told otherwise.

    Rows are objects as KuCoin sends them, except that JSON numbers with a fraction are `Decimal`. A candle is an object
    with the `symbol` and `type` that it was asked for by and the names of `candles.VALUES`.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.symbols = history_reference.symbols()
        """The spot symbols that there are; may be changed."""
        self.contracts = history_reference.contracts()
        """The futures contracts that there are; may be changed."""
        self._exchange = exchange
        self._books = {name: Book() for name in (*HISTORIES, candles.NAME)}
        self._removed: set[str] = set()

    def add(
        self,
        dataset: str,
        fields: Mapping[str, Any],
        uid: int | None = None,
        *,
        hidden: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """
        Add a row and return it as it will be served.

        What it does not bring it has from KuCoin's documented sample; ids that it does not bring are made up, and so is
        the time (now). It may come late: its time may be before that of rows that are there.

        :param hidden: what KuCoin goes by and does not show: `cursor` of an order, `symbol` of isolated interest
        :raise TypeError: when there is a float
        """
        refuse_floats(fields)
        owner = self._owner(uid)
        if dataset in FUNDING:
            return FUNDING[dataset].add(self._exchange, fields, owner)
        if dataset == candles.NAME:
            return self._added(dataset, candles.SAMPLE | {**fields}, candles.NOBODY, {})
        history = HISTORIES[dataset]
        number = self._books[dataset].number()
        row = Row(owner, number, self._whole(history, fields, number), dict(hidden or {}))
        self._books[dataset].add([row])
        return history.shown(row, self._exchange.readings)

    def seed(
        self,
        dataset: str,
        start_ms: int,
        end_ms: int,
        rows: int = 1000,
        seed: int = 7,
        uid: int | None = None,
        *,
        among: Sequence[Mapping[str, Any]] | None = None,
    ) -> int:
        """
        Fill `[start_ms, end_ms)` with rows that look lived in, and return how many: see `history_seeding`.

        :param among: what they are about, as in `[{"symbol": "BTC-USDT"}]`; every dataset has a few of its own
        """
        text, owner = f"{seed} {dataset}", self._owner(uid)
        if dataset == candles.NAME:
            events = candles.events(start_ms, end_ms, rows, text, among)
            for event in events:
                self._added(dataset, event.fields, candles.NOBODY, event.hidden)
            return len(events)
        if dataset in FUNDING:
            events = history_seeding.events(
                history_funding.SEEDING, start_ms, end_ms, rows, text, history_funding.PAGE, among
            )
            for event in events:
                FUNDING[dataset].add(self._exchange, event.fields, owner)
            return len(events)
        history, book = HISTORIES[dataset], self._books[dataset]
        events = history_seeding.events(history.seeding, start_ms, end_ms, rows, text, history.style.most, among)
        made = []
        for event in events:
            number = book.number()
            made.append(Row(owner, number, self._whole(history, event.fields, number), event.hidden))
        book.add(made)
        return len(made)

    def rows(
        self,
        dataset: str,
        start_ms: int = 0,
        end_ms: int = 1 << 62,
        uid: int | None = None,
        *,
        by: str | None = None,
    ) -> list[dict[str, Any]]:
        """
        Return the rows with `start_ms <= time < end_ms`, oldest first: the truth as it is now.

        It holds also what is listed no longer, or not yet.

        :param by: the field that is the time; unless given, the one that KuCoin's bounds are about
        """
        if dataset in FUNDING:
            rows = FUNDING[dataset].rows(self._exchange, self._owner(uid))
            return [deepcopy(item) for time_ms, item in rows if start_ms <= time_ms < end_ms]
        readings = self._exchange.readings
        if dataset == candles.NAME:
            found = self._books[dataset].of(candles.NOBODY)
            timed = [(to_ms(row.get("time"), "s"), row.number, dict(row.fields)) for row in found]
        else:
            history = HISTORIES[dataset]
            field = by or history.time_field(readings)
            timed = [
                (row.time_ms(field, history.times), row.number, deepcopy(history.shown(row, readings)))
                for row in self._books[dataset].of(self._owner(uid))
            ]
        timed.sort(key=lambda one: one[:2])
        return [item for time_ms, _, item in timed if start_ms <= time_ms < end_ms]

    def replace(
        self,
        dataset: str,
        where: Mapping[str, Any],
        changes: Mapping[str, Any],
        uid: int | None = None,
        *,
        at_most: int | None = None,
    ) -> list[dict[str, Any]]:
        """
        Change the rows that have all the values of `where`, and return them as they are now.

        :param at_most: how many, the first ones; all unless given
        :raise LookupError: when there is none
        """
        refuse_floats(changes)
        owner = self._owner(uid)
        if dataset in FUNDING:
            found = list(FUNDING[dataset].matching(self._exchange, where, owner))[:at_most]
            return _some([FUNDING[dataset].change(self._exchange, one, changes) for one, _ in found], dataset, where)
        changed: list[dict[str, Any]] = []

        def change(row: Row) -> Row:
            row = Row(row.uid, row.number, {**row.fields, **changes}, row.hidden)
            changed.append(self._shown(dataset, row))
            return row

        self._change(dataset, where, change, owner, at_most)
        return _some(changed, dataset, where)

    def remove(
        self, dataset: str, where: Mapping[str, Any], uid: int | None = None, *, at_most: int | None = None
    ) -> list[dict[str, Any]]:
        """
        List no longer the rows that have all the values of `where`, and return them.

        :param at_most: how many, the first ones; all unless given
        :raise LookupError: when there is none
        """
        owner = self._owner(uid)
        if dataset in FUNDING:
            found = list(FUNDING[dataset].matching(self._exchange, where, owner))[:at_most]
            self._removed |= {one.id for one, _ in found}
            return _some([item for _, item in found], dataset, where)
        gone: list[dict[str, Any]] = []
        self._change(dataset, where, lambda row: gone.append(self._shown(dataset, row)), owner, at_most)
        return _some(gone, dataset, where)

    # --- for the endpoints ---

    def book(self, dataset: str) -> Book:
        """Return the rows of a dataset."""
        return self._books[dataset]

    def is_removed(self, row_id: str) -> bool:
        """Whether a deposit or a withdrawal is no longer listed."""
        return row_id in self._removed

    # --- how ---

    def _owner(self, uid: int | None) -> int:
        return self._exchange.key.uid if uid is None else uid

    def _added(self, dataset: str, fields: Mapping[str, Any], uid: int, hidden: Mapping[str, Any]) -> dict[str, Any]:
        book = self._books[dataset]
        book.add([Row(uid, book.number(), dict(fields), dict(hidden))])
        return dict(fields)

    def _whole(self, history: History, fields: Mapping[str, Any], number: int) -> dict[str, Any]:
        """Return a row with all its fields: those of the sample, ids and times where it brings none."""
        given = [(name, fields[name]) for name in history.times if fields.get(name) is not None]
        time_ms = to_ms(given[0][1], history.times[given[0][0]]) if given else self._exchange.now_ms()
        whole = dict(history.sample)
        whole |= {name: from_ms(time_ms, unit) for name, unit in history.times.items()}
        whole |= {name: make(number, time_ms) for name, make in history.ids.items()}
        whole |= fields
        first = next(iter(history.times))
        if not given:
            whole[first] = from_ms(time_ms, history.times[first])
        return whole

    def _shown(self, dataset: str, row: Row) -> dict[str, Any]:
        if dataset == candles.NAME:
            return dict(row.fields)
        return HISTORIES[dataset].shown(row, self._exchange.readings)

    def _change(
        self,
        dataset: str,
        where: Mapping[str, Any],
        change: Callable[[Row], Row | None],
        uid: int,
        at_most: int | None,
    ) -> None:
        left = [1 << 62 if at_most is None else at_most]

        def perhaps(row: Row) -> Row | None:
            if not left[0] or not row.matches(where):
                return row
            left[0] -= 1
            return change(row)

        self._books[dataset].change(candles.NOBODY if dataset == candles.NAME else uid, perhaps)


def _some(rows: list[dict[str, Any]], dataset: str, where: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not rows:
        raise LookupError(f"{dataset} has no row with {dict(where)}")
    return rows
