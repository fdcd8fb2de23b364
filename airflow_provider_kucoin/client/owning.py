"""
Whose the rows of an answer are: those of the range that was asked for, which reaches a little beyond what it owns.

Of some lists no source says which of a row's times KuCoin's bounds are about. What an answer brings tells, as a rule:
by the right time all its rows lie in what was asked for. Where an answer fits several of them, and they differ in which
rows are owned, a question about one row alone decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins

from airflow_provider_kucoin.api.blocks import is_block
from airflow_provider_kucoin.api.errors import Incomplete, UnexpectedData
from airflow_provider_kucoin.api.windows import Slice, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kucoin.api.datasets import Bounds, Dataset
    from airflow_provider_kucoin.api.pages import Item

    Times = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Question:
    """
    A query that brings a row only if KuCoin's bounds are about a certain time of it.

    :param time: the column
    :param part: the query
    :param key: the row's
    """

    time: str
    part: Slice
    key: str


class Owning:
    """
    Tells what is owned of one listing.

    :param bounds: how times are asked for; ``None`` where they are not
    """

    def __init__(self, dataset: Dataset, bounds: Bounds | None) -> None:
        self._dataset = dataset
        self._bounds = bounds
        self._time = ""

    def settle(self, time: str) -> None:
        """Take it as known that KuCoin's bounds are about this time."""
        self._time = time

    def owned(self, part: Slice, window: Window, items: list[Item]) -> list[Item]:
        """
        Return the rows of an answer that belong to a window, oldest first.

        :param part: what was asked for
        :raise UnexpectedData: for rows that were not asked for; to drop them would hide that the times are not
            understood
        """
        items = alike(items)
        if self._are_surely_owned(part, window, items):
            return _chosen(items, range(len(items) - 1, -1, -1))
        times = self._times(part, items)
        if times and window.start_ms <= min(times) and max(times) < window.end_ms:
            return oldest_first(items, times)
        kept = [number for number, time in enumerate(times) if time in window]
        return oldest_first(_chosen(items, kept), [times[number] for number in kept])

    def questions(self, part: Slice, items: list[Item]) -> list[Question]:
        """
        Return what must be asked to know which rows of an answer are owned; nothing where there is no doubt.

        :raise Incomplete: where no question can tell
        """
        if self._time or not self._dataset.other_times or self._bounds is None or not items:
            return []
        fitting = self._fitting(part, items)
        if len(fitting) == 1:
            self.settle(*fitting)
            return []
        if all(len({time in part.owned for time in times}) == 1 for times in zip(*fitting.values(), strict=True)):
            return []
        for item, times in zip(items, zip(*fitting.values(), strict=True), strict=True):
            of_row = dict(zip(times, fitting, strict=True))
            # A query reaches a millisecond to either side, in case KuCoin's bounds are exclusive.
            if len(of_row) > 1 and all(abs(one - other) > 1 for one in of_row for other in of_row if one != other):
                [key] = self._dataset.keys([item])
                return [
                    Question(name, Slice(Window(time, time + 1), time - 1, time + 1), key)
                    for time, name in of_row.items()
                ]
        raise Incomplete(
            f"the {self._dataset} does not show whether KuCoin goes by {' or '.join(fitting)}, and it decides on which "
            "side of an edge a row is"
        )

    def _are_surely_owned(self, part: Slice, window: Window, items: list[Item]) -> bool:
        """Return whether all rows come newest first, were asked for, and belong to a window: nearly always so."""
        if self._dataset.other_times or (span := self._dataset.falling_ms(items)) is None:
            return False
        asked = self._asked(part)
        return window.start_ms <= span[0] and span[1] < window.end_ms and (asked is None or _lie(asked, span))

    def _times(self, part: Slice, items: list[Item]) -> list[int]:
        times = self._dataset.times_ms(items)
        asked = self._asked(part)
        if asked is None or (_lie(asked, times) and not self._dataset.other_times):
            return times
        fitting = self._fitting(part, items)
        if fitting:
            return fitting.get(self._time) or next(iter(fitting.values()))
        stray = next(time for time in times if not asked[0] <= time <= asked[1])
        raise UnexpectedData(
            f"the {self._dataset} was asked for {asked[0]} to {asked[1]} and answered with a row whose "
            f"{self._dataset.time_source} is {stray}"
        )

    def _fitting(self, part: Slice, items: list[Item]) -> Times:
        """Return the times by which all rows lie in what was asked for."""
        asked, found = self._asked(part), {}
        for name in (self._dataset.time, *self._dataset.other_times):
            try:
                times = self._dataset.times_ms(items, name)
            except UnexpectedData:
                continue
            if asked is None or _lie(asked, times):
                found[name] = times
        return found

    def _asked(self, part: Slice) -> tuple[int, int] | None:
        """Return the first and the last millisecond that may come; ``None`` where no times were asked for."""
        if self._bounds is None:
            return None
        around = self._dataset.tolerance_ms + (1000 if self._bounds.seconds else 0)
        return part.start_at - around, part.end_at + around


def alike(items: list[Any]) -> list[Item]:
    """Return rows of one kind: as objects, where only some of them are of a type of their own."""
    if not is_block(items) and len(set(map(type, items))) > 1:
        return [to_builtins(item) if isinstance(item, Struct) else item for item in items]
    return items


def _lie(asked: tuple[int, int], times: Sequence[int]) -> bool:
    return not times or (asked[0] <= min(times) and max(times) <= asked[1])


def oldest_first(items: list[Item], times: list[int]) -> list[Item]:
    """Return rows in the order of their times; those of one time stay as they are, or all are turned round."""
    if times == sorted(times, reverse=True):
        return _chosen(items, range(len(items) - 1, -1, -1))
    return _chosen(items, sorted(range(len(items)), key=times.__getitem__))


def _chosen(items: list[Item], numbers: Sequence[int]) -> list[Item]:
    if is_block(items):
        found: list[Item] = items.take(numbers)
        return found
    return [items[number] for number in numbers]
