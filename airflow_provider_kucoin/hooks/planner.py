"""Plans from samples: a few days of each dataset are counted, the rest is arithmetic."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from math import inf
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import LEDGERS
from airflow_provider_kucoin.api.pages import Stretches
from airflow_provider_kucoin.api.plans import Asked, plan, sampled
from airflow_provider_kucoin.api.windows import DAY_MS, Window, parse_moment, pieces, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.plans import Plan
    from airflow_provider_kucoin.api.selections import Selection
    from airflow_provider_kucoin.api.windows import Moment
    from airflow_provider_kucoin.hooks.kucoin import KucoinHook

#: Days that are counted, and queries of each, before the rest is guessed from them.
SAMPLE_DAYS, SAMPLE_QUERIES = 5, 10


class Planner:
    """
    Counts samples and plans.

    :param given: by what datasets are narrowed down, as far as each takes it
    :param rows_per_day: rows of a day, instead of what samples tell
    :raise InvalidInput: for a number of rows that there cannot be
    """

    def __init__(
        self, hook: KucoinHook, given: Mapping[str, str | Sequence[str] | None], rows_per_day: float | None
    ) -> None:
        if rows_per_day is not None and not 0 <= rows_per_day < inf:
            raise InvalidInput(f"rows_per_day={rows_per_day} is no number of rows")
        self._hook = hook
        self._given = given
        self._rows_per_day = rows_per_day

    def plan(self, names: Sequence[str], start: Moment, end: Moment) -> list[Plan]:
        """
        Return a plan for each name. What of the range is still to come is left out.

        :raise InvalidInput: for a name that does not exist, or a range that has not begun
        """
        window = Window.between(_moment("start", start), _moment("end", end))
        known = {**LEDGERS, **HISTORIES}
        if unknown := [name for name in names if name not in known]:
            raise InvalidInput(f"{unknown[0]!r} is not one of {', '.join(map(repr, known))}")
        now_ms = self._hook.server_time_ms()
        if window.start_ms >= now_ms:
            raise InvalidInput(f"start={stamp(window.start_ms)} is in the future (KuCoin's time is {stamp(now_ms)})")
        window = Window(window.start_ms, min(window.end_ms, now_ms))
        return [self._plan(known[name], window, now_ms) for name in names]

    def _plan(self, dataset: Dataset, window: Window, now_ms: int) -> Plan:
        takes = {parameter.name for parameter in dataset.parameters}
        selection = self._hook.selection(
            dataset, {name: value for name, value in self._given.items() if name in takes}, window
        )
        found = pieces(window)
        kept = [piece for piece in found if dataset.kept.has(piece, now_ms)]
        if self._rows_per_day is None:
            queries = self._sample(dataset, kept, selection)
        else:
            queries = self._given_rows(dataset, selection, self._rows_per_day)
            if kept and self._hook.quota(dataset.endpoint.pool) is None:
                # Any answer tells the key's quota.
                self._hook.count(dataset, kept[-1], selection.queries[0])
        return plan(dataset, found, queries, now_ms, quota=self._hook.quota(dataset.endpoint.pool))

    def _sample(self, dataset: Dataset, kept: Sequence[Window], selection: Selection) -> Mapping[Asked, float]:
        """Return some of the queries, counted on some days, with how many each stands for."""
        days = sampled(kept, SAMPLE_DAYS)
        queries = sampled(selection.queries, SAMPLE_QUERIES) if days else []
        # What is listed as a whole is the same list every day.
        spanned = sum(day.end_ms - day.start_ms for day in days) / DAY_MS if dataset.bounds else len(days)
        found: dict[Asked, float] = {}
        for query in queries:
            rows = sum(self._count(dataset, day, query) for day in days) / spanned
            one = Asked(rows, dataset.size_of(query))
            found[one] = found.get(one, 0) + len(selection.queries) / len(queries)
        return found

    @staticmethod
    def _given_rows(dataset: Dataset, selection: Selection, rows_per_day: float) -> Mapping[Asked, float]:
        """Return the queries, each with its share of the rows."""
        return Counter(
            Asked(rows_per_day / len(selection.queries), dataset.size_of(query)) for query in selection.queries
        )

    def _count(self, dataset: Dataset, part: Window, query: Mapping[str, str]) -> float:
        """
        Return the rows of a time.

        Where the order of rows is not documented, the first of them tell nothing of the others: then ever shorter times
        are counted, until an answer holds all rows of one.
        """
        found = self._hook.count(dataset, part, query)
        size, span = dataset.size_of(query), part.end_ms - part.start_ms
        is_ordered = not isinstance(dataset.style, Stretches) or dataset.style.newest_first
        if is_ordered or found < size or span == 1:
            return found
        shorter = max(1, int(span * min(1 / 4, size / 2 / found)))
        return self._count(dataset, Window(part.end_ms - shorter, part.end_ms), query) * span / shorter


def _moment(name: str, value: Moment) -> datetime:
    """Return a moment; a date stands for its beginning in UTC."""
    if isinstance(value, str):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return parse_moment(name, value)
        return parse_moment(name, datetime(day.year, day.month, day.day, tzinfo=UTC))
    return parse_moment(name, value)
