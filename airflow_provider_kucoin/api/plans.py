"""
What reading a range will cost: calls, weight, time at the quota that the key has; what is lost, and when more will be.

Pure estimates. The numbers of rows come from samples, so the calls are what such days would take; the retention is not
an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_kucoin.api.pages import Numbered, Stretches
from airflow_provider_kucoin.api.slicing import ANSWERS_PER_SLICE, FILL
from airflow_provider_kucoin.api.windows import MILLISECOND, slices, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.endpoints import Pool
    from airflow_provider_kucoin.api.pages import Stretch
    from airflow_provider_kucoin.api.windows import Slice, Window

T = TypeVar("T")

#: Seconds that a quota lasts (KuCoin's rate-limit page); the unified accounts' pool has shorter windows and a smaller
#: quota in each.
QUOTA_SECONDS = 30
MINUTE, HOUR_MS, DAY_HOURS = 60, 3_600_000, 24
#: Hours up to which a time is told to a tenth of an hour.
SOON = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What reading one dataset takes.

    :param pieces: days, or parts of days, that KuCoin still has
    :param lost: those that it has no longer, or never had in this dataset
    :param rows: that the pieces hold, as far as samples tell
    :param calls: that they take
    :param pool: the quota that is drawn from; ``None`` where no source names it
    :param weight: of all calls
    :param quota: weight per window that the key has; ``None`` where no answer has told
    :param next_loss_ms: when the oldest piece begins to be lost; ``None`` where no source says how long rows are kept
    """

    dataset: Dataset
    pieces: int
    lost: int
    rows: int
    calls: int
    pool: Pool | None
    weight: int
    quota: int | None
    next_loss_ms: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A query as far as its cost goes.

    :param rows_per_day: that it brings; where KuCoin takes no times, all rows of the list
    :param size: the most rows that a call brings
    """

    rows_per_day: float
    size: int


def plan(
    dataset: Dataset, found: Sequence[Window], queries: Mapping[Asked, float], now_ms: int, *, quota: int | None = None
) -> Plan:
    """
    Return what reading pieces of a dataset takes.

    :param queries: that make up a piece: one for each symbol, account type, ...; with how many are like it
    """
    kept = [piece for piece in found if dataset.kept.has(piece, now_ms)]
    rows, calls = 0.0, 0.0
    for piece in kept:
        # What takes no times is listed as a whole for every piece.
        days = (piece.end_ms - piece.start_ms) / (DAY_HOURS * HOUR_MS) if dataset.bounds else 1
        listed = sum(count * one.rows_per_day * days for one, count in queries.items())
        rows = rows + listed if dataset.bounds else listed
        calls += sum(
            count * calls_of(dataset, piece, one.rows_per_day * days, one.size) for one, count in queries.items()
        )
    return Plan(
        dataset=dataset,
        pieces=len(kept),
        lost=len(found) - len(kept),
        rows=round(rows),
        calls=round(calls),
        pool=dataset.endpoint.pool,
        weight=round(calls) * dataset.endpoint.weight,
        quota=quota,
        next_loss_ms=_next_loss(dataset, kept),
    )


def calls_of(dataset: Dataset, piece: Window, rows: float, size: int) -> int:
    """
    Return the calls that one query takes for a piece of so many rows.

    :param size: the most rows that a call brings
    """
    parts = slices(piece, dataset.max_span_ms, dataset.margin_ms)
    style = dataset.style
    if isinstance(style, Numbered):
        calls = float(ceil(rows / size))
    elif not isinstance(style, Stretches) or rows < size:
        calls = 1
    elif style.newest_first:
        # The last answer of a slice is half full.
        calls = rows / size * (1 + 1 / (2 * ANSWERS_PER_SLICE))
    else:
        calls = 1 + rows / (FILL * size)
    if isinstance(style, Stretches) and not style.short_is_last and rows:
        calls *= 2
    return max(1, ceil(calls)) * len(dataset.bounds or (None,)) + len(parts) - 1


def estimated(stretch: Stretch, times: Sequence[int], part: Slice) -> float:
    """Return how many rows a range holds, as one answer lets guess."""
    if stretch.is_whole or not times:
        return len(stretch.items)
    seen = max(1, part.owned.end_ms - min(times))
    return len(times) * max(1.0, (part.owned.end_ms - part.owned.start_ms) / seen)


def sampled(found: Sequence[T], count: int) -> list[T]:
    """Return some of many, evenly spread, the last among them."""
    if len(found) <= count:
        return list(found)
    return [found[len(found) - 1 - number * len(found) // count] for number in range(count)]


@dataclass(frozen=True, slots=True)
class Load:
    """
    What plans take of one pool.

    :param weight: of all calls
    :param quota: weight per window that the key has; ``None`` where no answer has told
    """

    weight: int
    quota: int | None

    @property
    def seconds(self) -> int | None:
        """How long the quota makes them last at the least; ``None`` where it is not known."""
        # What fits into the first window needs no waiting.
        return None if self.quota is None else max(0, ceil(self.weight / self.quota) - 1) * QUOTA_SECONDS


def loads(plans: Iterable[Plan]) -> dict[Pool | None, Load]:
    """Return what plans take of each pool that they take something of."""
    found: dict[Pool | None, Load] = {}
    for one in plans:
        if one.calls:
            before = found.get(one.pool, Load(0, None))
            found[one.pool] = Load(before.weight + one.weight, one.quota or before.quota)
    return found


def _next_loss(dataset: Dataset, kept: Sequence[Window]) -> int | None:
    if not kept or dataset.kept.span is None:
        return None
    return kept[0].start_ms + dataset.kept.span // MILLISECOND


# ------------------------------------------------------------------------------------------------------- for people

HEADINGS = ("dataset", "days to read", "days lost", "rows, about", "calls", "weight", "next loss")
POOL_HEADINGS = ("pool", "weight", "quota of the key", "time that it takes at the least")


def rendered(plans: Sequence[Plan], now_ms: int) -> str:
    """Return plans as tables for people."""
    pools = [_pool_line(pool, load) for pool, load in loads(plans).items()]
    notes = [f"{one.dataset}: {_missing(one)}" for one in plans if one.lost]
    parts = [
        _table([HEADINGS, *(_line(one, now_ms) for one in plans)], left=(0, len(HEADINGS) - 1)),
        _table([POOL_HEADINGS, *pools], left=(0, 2, 3)) if pools else "",
        "\n".join(notes),
    ]
    return "\n\n".join(filter(None, parts))


def _table(lines: Sequence[Sequence[str]], *, left: Sequence[int]) -> str:
    """Return lines with their cells below each other: text to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _line(found: Plan, now_ms: int) -> tuple[str, ...]:
    counts = (found.pieces, found.lost, found.rows, found.calls, found.weight)
    return (found.dataset.name, *(f"{count:,}" for count in counts), _loss(found, now_ms))


def _loss(found: Plan, now_ms: int) -> str:
    if not found.pieces:
        return "nothing is left"
    if found.next_loss_ms is None:
        return "not documented"
    hours = max(0.0, (found.next_loss_ms - now_ms) / HOUR_MS)
    away = f"{hours:.1f} h" if hours < SOON else f"{hours:,.0f} h ({hours // DAY_HOURS:.0f} days)"
    return f"in {away}, {stamp(found.next_loss_ms)}"


def _missing(found: Plan) -> str:
    """Say why some days of the range cannot be read."""
    kept = found.dataset.kept
    days = f"{found.lost:,} of {found.pieces + found.lost:,} days of the range are"
    if kept.span is not None:
        return f"{days} lost: KuCoin keeps the last {kept.span.days} days"
    where = f"begins at {stamp(kept.since_ms)}" if kept.since_ms is not None else f"ends at {stamp(kept.until_ms or 0)}"
    return f"{days} not in it: it {where}{f', the rest is in {kept.elsewhere}' if kept.elsewhere else ''}"


def _pool_line(pool: Pool | None, load: Load) -> tuple[str, ...]:
    quota = "not told by KuCoin" if load.quota is None else f"{load.quota:,} per {QUOTA_SECONDS} s"
    return (str(pool or "not documented"), f"{load.weight:,}", quota, _duration(load.seconds))


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "not known"
    if not seconds:
        return "no waiting for quota"
    minutes, rest = divmod(seconds, MINUTE)
    return " ".join(filter(None, (f"{minutes:,} min" if minutes else "", f"{rest} s" if rest else "")))
