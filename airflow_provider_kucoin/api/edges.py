"""
Whether KuCoin's bounds are inclusive, shown by its own answers.

It is documented nowhere, so that every query reaches a millisecond beyond what it owns on either side, and a day, which
is as much as a query may span, takes two. Two small questions about two rows that have been seen settle it for all
further days. Only an answer that is exact to the millisecond at all four edges counts; after any other, queries go on
reaching beyond.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.windows import Slice, Window

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A bound that KuCoin rounds to seconds, or to anything coarser, would pass for an exact one at a multiple of them.
SECOND_MS = 1000

#: How many a trial takes.
QUESTIONS = 2


@dataclass(frozen=True, slots=True)
class Trial:
    """
    Two times of rows between which there is no other row.

    :param earlier: milliseconds
    :param later: milliseconds, at least two after ``earlier``, so that no question is about a single moment: what
        KuCoin makes of that is not documented either
    """

    earlier: int
    later: int

    @property
    def questions(self) -> tuple[Slice, Slice]:
        """Two queries, each of which leaves out one of the two rows if bounds are exact, and brings the other."""
        first, last = self.earlier, self.later
        return Slice(Window(first + 1, last + 1), first + 1, last), Slice(Window(first, last), first, last - 1)

    def shows_inclusive(self, without_earlier: Iterable[int], without_later: Iterable[int]) -> bool:
        """
        Return whether the answers show that both bounds are inclusive, to the millisecond.

        :param without_earlier: the times of the rows that the first question brought
        :param without_later: those of the second
        """
        return set(without_earlier) == {self.later} and set(without_later) == {self.earlier}


def trial(times: Iterable[int]) -> Trial | None:
    """
    Return what can be asked about rows of which all that lie between two of them are at hand; ``None`` for nothing.

    :param times: of the rows, milliseconds, in any order
    """
    found = sorted(set(times))
    return next(
        (
            Trial(earlier, later)
            for earlier, later in pairwise(found)
            if later - earlier > 1 and earlier % SECOND_MS and later % SECOND_MS
        ),
        None,
    )
