"""
How well processes share one quota with nothing but KuCoin's headers: a simulation.

Each process has a `Budget` of its own and callers that do what `api.calls` does: wait, send, note the answer. On the
other side is a pool with KuCoin's rule: a window of fixed length that starts with the first request in it. In between,
every request takes its time to get there and back, so that answers are old when they come, overtake each other, arrive
in the next window or get lost. Nothing sleeps and nothing is random but by seed: the same again on every machine.

Printed as Markdown: how much of the quota was used, window by window and by the clock; how many requests were refused;
and the share of the process that got least, where 1 is as much as the others.
"""

from __future__ import annotations

import argparse
import heapq
import random
from dataclasses import dataclass, field, replace
from itertools import count
from math import ceil, floor
from statistics import mean
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.ratelimits import Budget, Quota

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: As many requests at once as the client of bulk reads makes.
CALLERS = 16
NEVER = float("inf")


@dataclass(frozen=True)
class Quotas:
    """
    A pool's rule.

    :param limit: weight per window
    :param window: seconds
    :param rounding: how the milliseconds of the countdown come about, and to multiples of how many
    """

    limit: int
    window: float
    rounding: Callable[[float], int] = ceil
    step_ms: int = 1

    def __str__(self) -> str:
        return f"{self.limit:,} / {self.window:.0f} s"


VIP0, VIP12 = Quotas(2_000, 30.0), Quotas(20_000, 30.0)
UNIFIED_VIP0, UNIFIED_VIP12 = Quotas(200, 3.0), Quotas(2_000, 3.0)


@dataclass(frozen=True)
class Way:
    """
    The way to KuCoin and back.

    :param round_trip: seconds, on average
    :param jitter: by what part of it each way varies, up and down
    :param stragglers: the part of the requests that take several times as long
    :param lost: the part of the requests that get no answer; half of them had arrived
    :param timeout: seconds until a lost one is noticed
    """

    round_trip: float = 0.05
    jitter: float = 0.5
    stragglers: float = 0.0
    lost: float = 0.0
    timeout: float = 5.0


@dataclass(frozen=True)
class Process:
    """
    One process that uses the key.

    :param starts: when, in seconds
    :param dies: when, without a word
    :param calls: how many it has to make
    :param weights: of its calls, in turn
    :param round_trip: where its own is not that of the others
    """

    starts: float = 0.0
    dies: float = NEVER
    calls: float = NEVER
    weights: Sequence[int] = (2,)
    callers: int = CALLERS
    round_trip: float | None = None


@dataclass
class Window:
    """One window of the pool: when it started, and the weight that each process used in it."""

    start: float
    used: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return the weight that was used."""
        return sum(self.used.values())


@dataclass
class Outcome:
    """What came of it, up to the end of the last whole window."""

    quotas: Quotas
    windows: list[Window]
    refused: int
    finished: dict[int, float]

    @property
    def used(self) -> list[float]:
        """Return the part of the quota that was used, window by window."""
        return [window.total / self.quotas.limit for window in self.windows]

    @property
    def used_by_the_clock(self) -> float:
        """Return what was used of what would have been possible if no window had begun late."""
        span = self.windows[-1].start - self.windows[0].start
        possible = span / self.quotas.window * self.quotas.limit
        return sum(window.total for window in self.windows[:-1]) / possible

    def share(self, process: int, since: float = 0.0) -> float:
        """Return what a process used, as a multiple of the average of those who used anything."""
        totals: dict[int, int] = {}
        for window in self.windows:
            if window.start >= since:
                for name, weight in window.used.items():
                    totals[name] = totals.get(name, 0) + weight
        return totals.get(process, 0) / mean(totals.values())


@dataclass
class _Pool:
    quotas: Quotas
    windows: list[Window] = field(default_factory=list)
    used: int = 0
    refused: int = 0

    def take(self, process: int, weight: int, now: float) -> tuple[bool, Quota]:
        quotas = self.quotas
        if not self.windows or now >= self.windows[-1].start + quotas.window:
            self.windows.append(Window(now))
            self.used = 0
        window = self.windows[-1]
        granted = self.used + weight <= quotas.limit
        if granted:
            self.used += weight
            window.used[process] = window.used.get(process, 0) + weight
        else:
            # As the sandbox has it: a refused request takes what is left, which is the harder reading.
            self.used, self.refused = quotas.limit, self.refused + 1
        rest_ms = (window.start + quotas.window - now) * 1000
        return granted, Quota(
            quotas.limit, quotas.limit - self.used, quotas.rounding(rest_ms / quotas.step_ms) * quotas.step_ms
        )


class _Simulation:
    def __init__(self, quotas: Quotas, processes: Sequence[Process], way: Way, seed: int) -> None:
        self.pool = _Pool(quotas)
        self.processes = processes
        self.way = way
        self.random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.budgets = [Budget() for _ in processes]
        self.left = [process.calls for process in processes]
        self.turns = [0] * len(processes)
        self.under_way = [0] * len(processes)
        self.finished: dict[int, float] = {}
        self._numbers = count()
        # (time, tie breaker, what happens, to which process, details)
        self._events: list[tuple[float, int, Callable[..., None], int, tuple[Any, ...]]] = []
        for number, process in enumerate(processes):
            for _ in range(process.callers):
                self._later(process.starts + 0.003 * self.random.random(), self.look, number)

    def run(self, until: float) -> None:
        while self._events:
            now, _, happens, number, details = heapq.heappop(self._events)
            if now > until:
                return
            happens(now, number, *details)

    def look(self, now: float, number: int) -> None:
        """One caller has nothing under way."""
        process = self.processes[number]
        if self.left[number] < 1 or now >= process.dies:
            return
        weight = process.weights[self.turns[number] % len(process.weights)]
        if (seconds := self.budgets[number].wait(weight, now)) > 0:
            # No sleep ends exactly when it should.
            self._later(now + seconds + 0.001 * self.random.random(), self.look, number)
            return
        self.turns[number] += 1
        self.left[number] -= 1
        self.budgets[number].sent(weight, now)
        if self._is_lost():
            self._later(now + self.way.timeout, self.lose, number, weight, now)
        else:
            self._later(now + self._one_way(process), self.arrive, number, weight, now)

    def arrive(self, now: float, number: int, weight: int, sent_at: float) -> None:
        granted, quota = self.pool.take(number, weight, now)
        if self._is_lost():
            self._later(sent_at + self.way.timeout, self.lose, number, weight, sent_at)
        else:
            back = now + self._one_way(self.processes[number])
            self._later(back, self.answer, number, weight, quota, sent_at, granted)

    def lose(self, now: float, number: int, weight: int, sent_at: float) -> None:
        self.budgets[number].answered(weight, None, sent_at, now)
        self.left[number] += 1
        self._later(now + 0.25 * (0.5 + self.random.random() / 2), self.look, number)

    def answer(self, now: float, number: int, weight: int, quota: Quota, sent_at: float, granted: bool) -> None:  # noqa: FBT001 - an event's detail
        self.budgets[number].answered(weight, quota, sent_at, now)
        if not granted:
            self.left[number] += 1
            self._later(now + quota.reset_ms / 1000 + 0.25 * self.random.random(), self.look, number)
            return
        if self.left[number] < 1 and not self.budgets[number].in_flight:
            self.finished[number] = now
        self._later(now, self.look, number)

    def _later(self, at: float, happens: Callable[..., None], number: int, *details: Any) -> None:
        heapq.heappush(self._events, (at, next(self._numbers), happens, number, details))

    def _is_lost(self) -> bool:
        return bool(self.way.lost) and self.random.random() < self.way.lost / 2

    def _one_way(self, process: Process) -> float:
        average = (process.round_trip or self.way.round_trip) / 2
        takes = average * (1 + self.way.jitter * (2 * self.random.random() - 1))
        if self.way.stragglers and self.random.random() < self.way.stragglers:
            takes += average * self.random.expovariate(0.25)
        return takes


def simulate(
    quotas: Quotas, processes: Sequence[Process], way: Way | None = None, *, windows: int = 4, seed: int = 1
) -> Outcome:
    """Let processes use a quota for so many windows; a pool's windows may begin late, so that there may be one less."""
    way = way or Way()
    until = (windows + 0.5) * quotas.window
    simulation = _Simulation(quotas, processes, way, seed)
    simulation.run(until)
    whole = [window for window in simulation.pool.windows if window.start + quotas.window <= until]
    return Outcome(quotas, whole, simulation.pool.refused, simulation.finished)


# ---------------------------------------------------------------------------------------------------------- the tables


def possible(quotas: Quotas, processes: int, round_trip: float, weight: int = 2) -> float:
    """Return the part of a quota that so many processes can use at all, each with its callers."""
    return min(processes * CALLERS * weight / round_trip * quotas.window / quotas.limit, 1.0)


@dataclass(frozen=True)
class Condition:
    """What makes sharing harder: processes, made anew for each seed, and the way."""

    name: str
    processes: Callable[[random.Random, Quotas], list[Process]]
    way: Way = Way()
    quotas: Callable[[Quotas], Quotas] = lambda quotas: quotas

    def run(self, quotas: Quotas, windows: int, seed: int) -> Outcome:
        """Simulate it."""
        processes = self.processes(random.Random(seed), quotas)  # noqa: S311 - repeatable, not secret
        return simulate(self.quotas(quotas), processes, self.way, windows=windows, seed=seed)


def _some(number: int, **what: Any) -> Callable[[random.Random, Quotas], list[Process]]:
    return lambda *_: [Process(**what) for _ in range(number)]


def _joined(first: int, later: int) -> Callable[[random.Random, Quotas], list[Process]]:
    """Let some start, and others join all at once at any moment of the first windows."""

    def processes(chance: random.Random, quotas: Quotas) -> list[Process]:
        at = chance.uniform(0, 3 * quotas.window)
        return [Process()] * first + [Process(starts=at)] * later

    return processes


def _one_by_one(chance: random.Random, quotas: Quotas) -> list[Process]:
    return [Process(), *(Process(starts=chance.uniform(0, 3 * quotas.window)) for _ in range(7))]


def _dying(chance: random.Random, quotas: Quotas) -> list[Process]:
    return [Process(), *(Process(dies=chance.uniform(0, 2 * quotas.window)) for _ in range(3))]


def _rounded(how: Callable[[float], int], step_ms: int) -> Callable[[Quotas], Quotas]:
    return lambda quotas: replace(quotas, rounding=how, step_ms=step_ms)


CONDITIONS = (
    Condition("16 processes", _some(16)),
    Condition("1 joins 1 at any moment", _joined(1, 1)),
    Condition("4 join 4 at once at any moment", _joined(4, 4)),
    Condition("7 join 1 at once at any moment", _joined(1, 7)),
    Condition("7 join 1, one by one", _one_by_one),
    Condition("3 of 4 die", _dying),
    Condition("2 % of the requests lost, 1 process", _some(1), Way(lost=0.02)),
    Condition("2 % of the requests lost, 4 processes", _some(4), Way(lost=0.02)),
    Condition("5 % stragglers, 4 processes", _some(4), Way(stragglers=0.05)),
    Condition("ways that vary by 95 %, 4 processes", _some(4), Way(jitter=0.95)),
    Condition("weights 2, 3 and 20, 4 processes", _some(4, weights=(2, 2, 3, 20, 2))),
    Condition(
        "round trips of 5, 20, 50 and 200 ms",
        lambda *_: [Process(round_trip=seconds) for seconds in (0.005, 0.02, 0.05, 0.2)],
    ),
    Condition("24 requests at once, 2 processes", _some(2, callers=24)),
    Condition("countdown rounded down, 4 processes", _some(4), quotas=_rounded(floor, 1)),
    Condition("countdown in seconds, rounded down, 4 processes", _some(4), quotas=_rounded(floor, 1000)),
    Condition("countdown in seconds, rounded up, 4 processes", _some(4), quotas=_rounded(ceil, 1000)),
)


def _line(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def _figures(outcomes: list[Outcome], processes: int) -> list[str]:
    used = [part for outcome in outcomes for part in outcome.used]
    return [
        f"{mean(used):.1%}",
        f"{min(used):.1%}",
        f"{mean(outcome.used_by_the_clock for outcome in outcomes):.1%}",
        str(sum(outcome.refused for outcome in outcomes)),
        f"{min(outcome.share(number) for outcome in outcomes for number in range(processes)):.2f}",
    ]


HEAD = ("used", "worst window", "by the clock", "429s", "least share")


def grid(all_quotas: Sequence[Quotas], seeds: int, windows: int) -> None:
    """Print the table of quotas, round trips and numbers of processes."""
    _line(["quota", "round trip", "processes", "possible", *HEAD])
    _line(["---"] * (len(HEAD) + 4))
    for quotas in all_quotas:
        for milliseconds in (5, 20, 50, 200):
            for number in (1, 2, 4, 8):
                outcomes = [
                    simulate(quotas, [Process()] * number, Way(milliseconds / 1000), windows=windows, seed=seed)
                    for seed in range(seeds)
                ]
                part = possible(quotas, number, milliseconds / 1000)
                _line(
                    [
                        str(quotas),
                        f"{milliseconds} ms",
                        str(number),
                        "" if part == 1 else f"{part:.0%}",
                        *_figures(outcomes, number),
                    ]
                )


def troubles(all_quotas: Sequence[Quotas], seeds: int, windows: int) -> None:
    """Print the table of what makes sharing harder. The shares of those who came late or died early mean nothing."""
    _line(["quota", "condition", *HEAD[:-1]])
    _line(["---"] * (len(HEAD) + 1))
    for quotas in all_quotas:
        for condition in CONDITIONS:
            outcomes = [condition.run(quotas, windows, seed) for seed in range(seeds)]
            _line([str(quotas), condition.name, *_figures(outcomes, 1)[:-1]])


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="runs of each condition (default: %(default)s)")
    parser.add_argument("--windows", type=int, default=5, help="of each run (default: %(default)s)")
    arguments = parser.parse_args()
    grid([VIP0, UNIFIED_VIP0, UNIFIED_VIP12], arguments.seeds, arguments.windows)
    grid([VIP12], 1, 2)
    print()
    troubles([VIP0, UNIFIED_VIP0], arguments.seeds, arguments.windows)


if __name__ == "__main__":
    main()
