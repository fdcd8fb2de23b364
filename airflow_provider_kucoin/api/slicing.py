"""
How a range of time is cut into queries, where no answer says how many rows there are.

Pure decisions: :func:`after` looks at one answer and says which rows count and what has to be asked for next. Nothing
depends on ids rising with time, and where the order of rows is not documented, nothing depends on it either.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.errors import Incomplete
from airflow_provider_kucoin.api.windows import Slice, Window, reaching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kucoin.api.pages import Stretch

#: Answers that one slice is expected to take: enough that the last one, which is seldom full, costs little, and so few
#: that the slices read side by side fit into memory.
ANSWERS_PER_SLICE = 6
#: How full the only answer of a slice is expected to be, where a slice must fit one.
FILL = 0.6
#: Slices that are cut at once, whatever the first answer makes believe.
MOST_CUTS = 64


@dataclass(frozen=True, slots=True)
class Query:
    """
    One range to ask for.

    :param part: the range, and the rows that are its own
    :param dense: whether it is a single millisecond that holds more rows than an answer, so that only a cursor tells
        them apart
    """

    part: Slice
    dense: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """
    What an answer settles.

    :param settled: the answer's rows of this range are all rows of it; ``None`` when nothing is settled
    :param rest: what has to be asked for, oldest first; all of it lies before ``settled``
    """

    settled: Window | None
    rest: tuple[Query, ...] = ()


def after(
    part: Slice, stretch: Stretch, times: Sequence[int], size: int, *, newest_first: bool, of_bounds: bool = False
) -> Findings:
    """
    Return what an answer to a query settles.

    :param times: of the answer's rows, in KuCoin's order
    :param size: the most rows that were asked for
    :param newest_first: whether rows are documented to come in that order
    :param of_bounds: whether the times are known to be those that KuCoin's bounds are about, as they are where rows
        come in their order
    :raise Incomplete: when they do not
    """
    if stretch.is_whole:
        return Findings(part.owned)
    if not times:
        raise Incomplete("an answer without rows says that there are more")
    if newest_first and any(older > newer for newer, older in pairwise(times)):
        raise Incomplete("rows are not listed newest first, as they are documented to be")
    if newest_first and times[-1] < part.owned.start_ms:
        return Findings(part.owned)
    like = _within(part, times) if newest_first or of_bounds else part
    if like != part and not any(time in part.owned for time in times):
        return Findings(None, (Query(like),))
    return _of_the_newest(like, times, size) if newest_first else _of_any(like, times, size)


def _of_the_newest(part: Slice, times: Sequence[int], size: int) -> Findings:
    owned, oldest = part.owned, times[-1]
    if oldest + 1 >= owned.end_ms:
        return _around(owned.end_ms - 1, part)
    # More rows of the oldest millisecond may follow: it is asked for again.
    rest = Window(owned.start_ms, oldest + 1)
    answers = _expected(part, times, rest) / size
    return Findings(Window(oldest + 1, owned.end_ms), _cut(rest, answers / ANSWERS_PER_SLICE, part, at_least=1))


def _of_any(part: Slice, times: Sequence[int], size: int) -> Findings:
    owned, oldest = part.owned, min(times)
    if owned.end_ms - owned.start_ms == 1:
        return _around(owned.start_ms, part)
    if oldest == max(times) and oldest in owned:
        return _around(oldest, part)
    return Findings(None, _cut(owned, _expected(part, times, owned) / (FILL * size), part, at_least=2))


def _around(crowded: int, part: Slice) -> Findings:
    """Return what is left of a range of which one millisecond, and no other, is known to fill an answer or more."""
    older, dense, newer = (part.owned.start_ms, crowded), (crowded, crowded + 1), (crowded + 1, part.owned.end_ms)
    ranges = [Window(start, end) for start, end in (older, dense, newer) if start < end]
    return Findings(None, tuple(Query(reaching(range_, part), dense=crowded in range_) for range_ in ranges))


def _within(part: Slice, times: Sequence[int]) -> Slice:
    """
    Return a query without the millisecond that it reaches beyond what is owned, where that is known not to be needed.

    Rows on the very bound show that KuCoin's bounds are inclusive. Asked for again and again, they would cost answers,
    and lead a cursor astray: it goes by ids, which need not rise with time.
    """
    start_shown = min(times) == part.start_at < part.owned.start_ms
    end_shown = max(times) == part.end_at >= part.owned.end_ms
    return Slice(part.owned, part.start_at + start_shown, part.end_at - end_shown)


def _expected(part: Slice, times: Sequence[int], window: Window) -> float:
    """Return how many rows a range holds if it is as full as the time that an answer reaches back to."""
    # Rows may be listed that are later than what was asked for: who sorts them out looks at them after this.
    reached = max(1, part.end_at + 1 - min(times))
    return len(times) / reached * (window.end_ms - window.start_ms)


def _cut(window: Window, into: float, part: Slice, *, at_least: int) -> tuple[Query, ...]:
    """Return a range in equal parts, oldest first."""
    span = window.end_ms - window.start_ms
    count = min(max(at_least, ceil(into)), MOST_CUTS, span)
    edges = [window.start_ms + span * number // count for number in range(count + 1)]
    return tuple(Query(reaching(Window(start, end), part)) for start, end in pairwise(edges))
