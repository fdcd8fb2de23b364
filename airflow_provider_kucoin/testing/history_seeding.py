"""
Rows for a history to look lived in, and to hold what a reader of it can stumble over.

Everything that is listed by itself (a symbol, a currency) has rows on the first and last millisecond of the range and
rows that share a millisecond where a page ends; amounts have more digits than a float keeps, ids more than 53 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    About = Mapping[str, Any]
    # (random, what the row is about, its time in ms) -> its fields and what is hidden
    Make = Callable[[Random, About, int], tuple[dict[str, Any], dict[str, Any]]]

# Rows on either side of a page's end that share its millisecond.
_TIED: Final = 4
# One row in so many comes twice, where rows have no id.
_DOUBLED: Final = 17


class Event(NamedTuple):
    """A row to be."""

    time_ms: int
    fields: dict[str, Any]
    hidden: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """How the rows of a history are made up."""

    make: Make
    among: Sequence[About]
    """What rows are about: half of them about the first. Who wants others need not say all: the rest is the first's."""
    step_ms: int = 1
    """Times are multiples of this."""
    doubles: bool = False
    """Whether some rows come twice, equal in all."""


def events(
    seeding: Seeding, start_ms: int, end_ms: int, count: int, seed: str, page: int, among: Sequence[About] | None = None
) -> list[Event]:
    """Return so many rows with times in `[start_ms, end_ms)`, oldest first; the same ones for the same arguments."""
    if count < 0 or end_ms <= start_ms:
        raise ValueError("seeding needs a range of time and a number of rows")
    random = Random(f"{seed} {start_ms} {end_ms} {count}")  # noqa: S311  repeatable, not secret
    abouts = [{**seeding.among[0], **about} for about in among or seeding.among]
    made: list[Event] = []
    for about, share in zip(abouts, _shares(count, len(abouts)), strict=True):
        rows = [
            Event(time_ms, *seeding.make(random, about, time_ms))
            for time_ms in times(random, start_ms, end_ms, share, page, seeding.step_ms)
        ]
        made += _doubled(rows) if seeding.doubles else rows
    made.sort(key=itemgetter(0))
    return made


def times(random: Random, start_ms: int, end_ms: int, count: int, page: int, step_ms: int = 1) -> Iterator[int]:
    """Yield times in ascending order: both edges of the range, and ties around the ends of pages."""
    first, last = -(-start_ms // step_ms), -(-end_ms // step_ms) - 1
    if count and last < first:
        raise ValueError(f"there is no multiple of {step_ms} ms in that range")
    steps = sorted(random.randint(first, last) for _ in range(count))
    for newer in range(page, count, page):
        start, stop = max(count - newer - _TIED, 0), count - newer + _TIED
        steps[start:stop] = [steps[start]] * len(steps[start:stop])
    steps[:2] = [first] * len(steps[:2])
    steps[-2:] = [last] * len(steps[-2:])
    return (step * step_ms for step in steps)


def _shares(count: int, parts: int) -> list[int]:
    """Return how many rows each gets: the first one half of them, the others the same of the rest."""
    if parts == 1:
        return [count]
    each = count // 2 // (parts - 1)
    return [count - each * (parts - 1), *[each] * (parts - 1)]


def _doubled(rows: list[Event]) -> list[Event]:
    for number in range(_DOUBLED, len(rows) - 2, _DOUBLED):
        rows[number] = rows[number - 1]
    return rows


# --- values ---


def amount(random: Random, below: int, decimals: int) -> str:
    """Return an amount in so many decimals, without a float having seen it."""
    whole, fraction = divmod(random.randrange(1, below * 10**decimals), 10**decimals)
    return f"{whole}.{fraction:0{decimals}}"


def hex_id(time_ms: int, number: int) -> str:
    """Return 24 hex digits, the first 8 of them the time, as KuCoin's ids look."""
    return f"{time_ms // 1000:08x}{number:016x}"


def random_id(random: Random, time_ms: int) -> str:
    """Return an id of the same looks that nobody counted."""
    return hex_id(time_ms, random.getrandbits(64))
