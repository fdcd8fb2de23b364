"""
Paying and moving once, whatever happens: a model of KuCoin and a model of Airflow, and every bad thing that can happen.

Both models are pure and have their own clock. A tape of bytes decides what happens at every step; a zero, and whatever
comes after the tape's end, is "nothing bad". What the models hold to, and so what the guarantees rest on:

* KuCoin accepts a request only within 5 seconds of the time it was signed with, and its history shows a withdrawal (its
  ledger a transfer) no later than ``settle`` after that.
* With a task state store, a worker that was replaced cannot write to it. Without one, tries are numbered, none begins
  before the one with the number below, and Airflow says when it began each.
* Nobody marks the journal by hand.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import (
    FatalError,
    InvalidInput,
    OutcomeUnknown,
    RateLimited,
    RequestRefused,
    RetryableError,
    Unavailable,
)
from airflow_provider_kucoin.api.payments import (
    FRESH_MS,
    SIGNATURE_LIFE_MS,
    Accepted,
    AskTime,
    Doubtful,
    Journal,
    Note,
    NotSent,
    Paid,
    Pause,
    Post,
    Prepare,
    Search,
    Turn,
    pay,
)
from airflow_provider_kucoin.api.transfers import Transfer, client_oid, move, transfer
from airflow_provider_kucoin.api.withdrawals import Order, marker, order

SETTLE_MS = 60_000
#: How much further back than asked for the history is read, because clocks differ.
MARGIN_MS = 300_000
BEGIN_MS = 1_770_076_800_500
ORDER = order(currency="USDT", amount="12.5", to_address="TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8", chain="trx")
TRANSFER = transfer(currency="USDT", amount="12.5", from_account_type="TRADE", to_account_type="MAIN")

Row = dict[str, Any]


class Chance:
    """What the tape says; nothing bad once it has ended."""

    def __init__(self, tape: bytes) -> None:
        self._tape = iter(tape)

    def end(self) -> None:
        """From now on nothing bad happens."""
        self._tape = iter(b"")

    def of(self, *choices: Any) -> Any:
        """Choose; the first of the choices is the one where nothing bad happens."""
        return choices[next(self._tape, 0) % len(choices)]

    def seldom(self, *choices: Any) -> Any:
        """Choose one in a fifth of the cases, else nothing."""
        found = next(self._tape, 0)
        return choices[found // 5 % len(choices)] if found % 5 == 4 else None


# ----------------------------------------------------------------------------------------------------- the exchange


@dataclass
class Exchange:
    """KuCoin, as far as it matters: what it accepted, and what it shows of that, and when."""

    chance: Chance
    now: int = BEGIN_MS
    #: (owner, what is shown, visible from)
    accepted: list[tuple[str, Row, int]] = field(default_factory=list)
    on_the_way: list[tuple[int, int, str]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.remark = self.chance.of("kept", "dropped", "null", "cut to 8", "cut to 5", "cut to 10", "upper case")
        self.gives_ids = self.chance.of(True, False)
        self.floors = self.chance.of(True, False)
        # The time that a worker believes may be ahead of KuCoin's by half a round trip.
        self.ahead_ms = self.chance.of(0, 0, 400, 1_250)
        self.shows_always_late = self.chance.of(False, True)
        self.repeats = self.chance.of("moves again", "refuses", "gives the first order")
        self.tell(f"remark {self.remark}, ids {self.gives_ids}, floors {self.floors}, ahead {self.ahead_ms}")

    def tell(self, what: str) -> None:
        self.story.append(f"{(self.now - BEGIN_MS) / 1000:9.3f} {what}")

    def wait(self, ms: int) -> None:
        """Let time pass, and requests that are on their way arrive in it."""
        until = self.now + ms
        while due := [request for request in self.on_the_way if request[0] <= until]:
            at, stamp_ms, owner = request = min(due)
            self.on_the_way.remove(request)
            self.now = max(self.now, at)
            with suppress(RequestRefused):
                self.post(owner, stamp_ms)
        self.now = until

    def post(self, owner: str, stamp_ms: int) -> str | None:
        """Return an id, or ``None`` when the signature is too old, or too new."""
        if abs(self.now - stamp_ms) > SIGNATURE_LIFE_MS:
            self.tell(f"{owner}: refused, signed at another time")
            return None
        return self.act(owner)

    def act(self, owner: str) -> str:
        """Do what was asked for; the one place where money moves."""
        already = sum(one == owner for one, _, _ in self.accepted)
        found = f"{len(self.accepted):024x}"
        lag_ms = SETTLE_MS - self.ahead_ms
        lag_ms = lag_ms if self.shows_always_late else self.chance.of(0, lag_ms, 900, lag_ms // 2)
        row = {**self.row(owner), "createdAt": self.now // 1000 * 1000 if self.floors else self.now}
        if self.gives_ids:
            row["id"] = found
        self.accepted.append((owner, row, self.now + lag_ms))
        self.tell(f"{owner}: ACCEPTED, shown from {(self.now + lag_ms - BEGIN_MS) / 1000:.3f}")
        assert not already, "\n".join(["paid twice", *self.story])
        return found

    def row(self, owner: str) -> Row:
        remark = {"dropped": "", "null": None, "upper case": owner.upper()}.get(self.remark, owner)
        if self.remark.startswith("cut"):
            remark = owner[: int(self.remark.split()[-1])]
        return {
            "currency": "USDT",
            "chain": "trx",
            "address": ORDER.address,
            "amount": "12.50000000",
            "fee": "1",
            "memo": "",
            "status": "PROCESSING",
            "remark": remark,
        }

    def shown(self, since_ms: int) -> list[Row]:
        before = {**self.row("x"), "remark": "", "createdAt": BEGIN_MS - 600_000}
        found = [before, *(row for _, row, visible_ms in self.accepted if visible_ms <= self.now)]
        return [row for row in found if row["createdAt"] >= since_ms - MARGIN_MS]

    def count(self, owner: str) -> int:
        return sum(one == owner for one, _, _ in self.accepted)

    def recognisable(self) -> bool:
        return self.remark not in {"dropped", "null", "cut to 5"}


class Ledger(Exchange):
    """The exchange's transfers instead of its withdrawals, in its three readings of a repeated client id."""

    def act(self, owner: str) -> str:
        if self.count(owner) and self.repeats == "refuses":
            self.tell(f"{owner}: refused, repeated")
            raise RequestRefused("duplicate clientOid", code="400100")
        if self.count(owner) and self.repeats == "gives the first order":
            self.tell(f"{owner}: first order again")
            return "0" * 24
        return super().act(owner)

    def row(self, owner: str) -> Row:  # noqa: ARG002 - a ledger does not give the client id
        return {"currency": "USDT", "amount": "12.5", "accountType": "MAIN", "bizType": "Transfer", "direction": "in"}

    def shown(self, since_ms: int) -> list[Row]:
        return [row for row in super().shown(since_ms) if row["createdAt"] >= since_ms - 1000]


# ---------------------------------------------------------------------------------------------------------- Airflow


class Killed(Exception):
    """The worker is gone."""


class StoreFailed(Exception):
    """The journal could not be written, as far as the worker knows."""


@dataclass
class Worker:
    """A process that carries out the steps of one try."""

    task: Task
    number: int
    steps: Any
    told: Any = None
    asked_at: int = 0
    clock_stopped: bool = False
    paid: bool | None = None

    def go_on(self) -> None:
        """Do one step. What ends the try is raised, but for success, which is :attr:`paid`."""
        exchange = self.task.exchange
        try:
            step = self.steps.send(self.told)
        except StopIteration as end:
            self.check_success(end.value)
            self.paid = True
            return
        bad = exchange.chance.seldom("slow", "killed before", "killed after", "slow", "very slow")
        if bad:
            exchange.tell(f"try {self.number} of {self.task.name}: {bad} at {type(step).__name__}")
        if bad == "slow":
            exchange.wait(exchange.chance.of(700, 2_600, 4_800, 5_100, 14_000))
        elif bad == "very slow":
            exchange.wait(exchange.chance.of(16_000, 61_000, 66_000, 130_000, 600_000))
        elif bad == "killed before":
            raise Killed
        self.told = self.do(step, killed=bad == "killed after")
        if bad == "killed after":
            raise Killed
        exchange.wait(exchange.chance.of(40, 300, 1_000))

    def do(self, step: Any, *, killed: bool) -> Any:
        exchange, task = self.task.exchange, self.task
        told: Any = None
        match step:
            case AskTime():
                self.asked_at = exchange.now
                told = exchange.now + exchange.ahead_ms
            case Search(since_ms):
                told = exchange.shown(since_ms)
            case Prepare():
                if refused := exchange.chance.seldom(InvalidInput("below the minimum"), Unavailable("no answer")):
                    self.fail(refused)
            case Note(journal):
                task.keep(self, journal)
            case Pause(seconds):
                assert 0 < seconds <= 15
                exchange.wait(round(seconds * 1000))
            case Post(stamp_ms):
                is_stale = exchange.now - self.asked_at > FRESH_MS and not self.clock_stopped
                told = NotSent() if is_stale else self.post(stamp_ms, killed=killed)
            case _:
                raise AssertionError(step)
        return told

    def post(self, stamp_ms: int, *, killed: bool) -> Any:
        exchange, owner = self.task.exchange, self.task.name
        fate = exchange.chance.seldom("lost before", "lost after", "late", "429", "refused", "late")
        if fate or killed:
            exchange.tell(f"try {self.number} of {owner}: POST {fate or ''}{' and killed' if killed else ''}")
        if fate == "lost before":
            return Doubtful("the line broke")
        if fate == "late":
            exchange.on_the_way.append((exchange.now + exchange.chance.of(1_000, 3_000, 4_900, 8_000), stamp_ms, owner))
            return Doubtful("time-out")
        if fate == "429":
            self.fail(RateLimited("too many requests"))
        if fate == "refused":
            self.fail(RequestRefused("the amount is below the minimum", code="400100"))
        try:
            found = exchange.post(owner, stamp_ms)
        except RequestRefused as problem:
            self.fail(problem)
        if found is None:
            return NotSent()
        return Doubtful("no answer") if fate == "lost after" else Accepted(found)

    def fail(self, problem: Exception) -> NoReturn:
        """Throw a refusal in; the steps are not to go on after it."""
        self.steps.throw(problem)
        raise AssertionError("went on after a refusal")

    def check_success(self, result: Any) -> None:
        """Check that a success is one that the exchange knows of."""
        exchange, owner = self.task.exchange, self.task.name
        named = result.withdrawal_id if isinstance(result, Paid) else result.order_id
        known = [row.get("id", named) for one, row, _ in exchange.accepted if one == owner]
        assert known, "\n".join(["success without a withdrawal", *exchange.story])
        assert named is None or named in known
        exchange.tell(f"try {self.number} of {owner}: success")


@dataclass
class Task:
    """A task instance: its tries, and what Airflow keeps of it."""

    name: str
    exchange: Exchange
    what: Order | Transfer
    has_store: bool
    clear_on_success: bool
    numbers_turns: bool = True
    retries: int = 2
    store: str | None = None
    tries: int = 0
    allowed: int = 0
    worker: Worker | None = None
    state: str = "queued"
    replaced: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.allowed = 1 + self.retries

    def start(self) -> None:
        self.tries += 1
        self.state = "running"
        self.exchange.tell(f"try {self.tries} of {self.name} starts")
        journal = Journal.from_dict(json.loads(self.store)) if self.store else None
        first = journal is None and (self.tries == 1 or (self.has_store and not self.clear_on_success))
        if isinstance(self.what, Transfer):
            steps: Any = move(self.what, self.name, journal=journal, settle_ms=SETTLE_MS, certainly_first=first)
        else:
            steps = pay(
                self.what,
                self.name,
                journal=journal,
                certainly_first=first,
                since_ms=BEGIN_MS,
                settle_ms=SETTLE_MS,
                turn=Turn(self.tries, self.exchange.now) if not self.has_store and self.numbers_turns else None,
            )
        self.worker = Worker(self, self.tries, steps)

    def keep(self, worker: Worker, journal: Journal) -> None:
        if not self.has_store:
            return
        if worker is not self.worker:
            raise StoreFailed("this worker was replaced")
        bad = self.exchange.chance.seldom("not written", "written all the same")
        if bad != "not written":
            self.store = json.dumps(journal.as_dict())
        if bad:
            raise StoreFailed(bad)

    def go_on(self) -> None:
        """Let the task's worker do one step, and Airflow do what follows from it."""
        worker = self.worker
        if worker is None:
            self.start()
            return
        try:
            worker.go_on()
        except (FatalError, OutcomeUnknown) as problem:
            self.exchange.tell(f"try {worker.number} of {self.name}: {type(problem).__name__}: {problem}")
            if self.tries == 1 and isinstance(problem, FatalError):
                assert not self.exchange.count(self.name), "\n".join(["refused, and paid", *self.exchange.story])
            self.end("failed")
        except (Killed, StoreFailed, RetryableError) as problem:
            self.exchange.tell(f"try {worker.number} of {self.name}: {problem!r}")
            self.end("queued" if self.tries < self.allowed else "failed")
        else:
            if worker.paid:
                if self.clear_on_success:
                    self.store = None
                self.end("success")

    def end(self, state: str) -> None:
        self.worker = None
        self.state = state

    def replace(self) -> None:
        """The worker is frozen, and Airflow believes that it is dead."""
        assert self.worker is not None
        self.exchange.tell(f"try {self.worker.number} of {self.name}: frozen")
        self.worker.clock_stopped = self.exchange.chance.of(False, True)
        self.replaced.append(self.worker)
        self.end("queued" if self.tries < self.allowed else "failed")
        self.exchange.wait(self.exchange.chance.of(1, 1_000, 20_000, 300_000))

    def thaw(self) -> None:
        """Let a frozen worker do one step; what becomes of it nobody hears."""
        worker = self.replaced.pop(self.exchange.chance.of(0, -1))
        try:
            worker.go_on()
        except (Killed, StoreFailed, FatalError, OutcomeUnknown, RetryableError) as problem:
            self.exchange.tell(f"frozen try {worker.number} of {self.name} ends: {problem!r}")
        else:
            if not worker.paid:
                self.replaced.append(worker)

    def clear(self) -> None:
        """A person clears the task, whatever became of it."""
        self.exchange.tell(f"a person clears {self.name}, {self.state}")
        self.allowed = self.tries + 1 + self.retries
        self.state = "queued"
        self.exchange.wait(self.exchange.chance.of(5_000, 500, 100_000))


def play(chance: Chance, exchange: Exchange, tasks: list[Task]) -> None:
    """Let everything happen that the tape says, and then carry on until nobody is at work any more."""
    clears_left = 3
    for _ in range(250):
        task = chance.of(*tasks)
        event = chance.seldom("thaw", "freeze", "thaw", "clear", "time")
        if event == "thaw" and task.replaced:
            task.thaw()
        elif event == "freeze" and task.worker is not None:
            task.replace()
        elif event == "clear" and task.state in {"success", "failed"} and clears_left:
            clears_left -= 1
            task.clear()
        elif event == "time":
            exchange.wait(chance.of(1_000, 10_000, 70_000))
        elif task.state in {"queued", "running"}:
            task.go_on()
    for task in tasks:
        while task.replaced:
            task.thaw()
        while task.state in {"queued", "running"}:
            task.go_on()


def heal(tasks: list[Task]) -> None:
    """Let a person clear what failed, as the messages say, while nothing bad happens."""
    for task in tasks:
        task.exchange.chance.end()
        for _ in range(3):
            if task.state == "failed":
                task.clear()
            while task.state in {"queued", "running"}:
                task.go_on()


AIRFLOWS = pytest.mark.parametrize(
    ("has_store", "clear_on_success"),
    [(True, False), (True, True), (False, False)],
    ids=["with a store", "with a store that success empties", "without a store"],
)
plenty = settings(max_examples=250, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
tapes = st.binary(min_size=300, max_size=300)


def payments(chance: Chance, scopes: tuple[str, ...], **airflow: Any) -> tuple[Exchange, list[Task]]:
    exchange = Exchange(chance)
    return exchange, [Task(marker("run", scope), exchange, ORDER, **airflow) for scope in scopes]


# ------------------------------------------------------------------------------------------------------ withdrawals


@AIRFLOWS
@given(tape=tapes)
@plenty
def test_a_payment_is_never_made_twice_and_no_success_is_made_up(
    *, has_store: bool, clear_on_success: bool, tape: bytes
) -> None:
    chance = Chance(tape)
    exchange, tasks = payments(chance, ("a",), has_store=has_store, clear_on_success=clear_on_success)
    play(chance, exchange, tasks)
    heal(tasks)
    # Where the remark can be recognised, clearing as the message says ends in one withdrawal and a success. Where it
    # cannot, a person is asked for as soon as there was a doubt, and then nothing more is sent.
    assert exchange.count(tasks[0].name) <= 1
    if exchange.recognisable():
        assert (tasks[0].state, exchange.count(tasks[0].name)) == ("success", 1), "\n".join(exchange.story)


@AIRFLOWS
@given(tape=tapes)
@settings(plenty, max_examples=120)
def test_two_payouts_of_one_amount_to_one_address_are_both_made_once(
    *, has_store: bool, clear_on_success: bool, tape: bytes
) -> None:
    chance = Chance(tape)
    exchange, tasks = payments(chance, ("a", "b"), has_store=has_store, clear_on_success=clear_on_success)
    play(chance, exchange, tasks)
    heal(tasks)
    for task in tasks:
        assert exchange.count(task.name) <= 1
        if exchange.remark in {"kept", "upper case"}:
            assert (task.state, exchange.count(task.name)) == ("success", 1), "\n".join(exchange.story)


@AIRFLOWS
@given(readings=st.binary(min_size=6, max_size=6))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_when_nothing_bad_happens_there_is_one_withdrawal_under_every_reading(
    *, has_store: bool, clear_on_success: bool, readings: bytes
) -> None:
    chance = Chance(readings)
    exchange, tasks = payments(chance, ("a", "b"), has_store=has_store, clear_on_success=clear_on_success)
    play(chance, exchange, tasks)
    assert [(task.state, task.tries, exchange.count(task.name)) for task in tasks] == [("success", 1, 1)] * 2


def frozen_while_its_replacement_waits(*, numbers_turns: bool) -> Task:
    """Freeze a worker without a store that is about to sign, start the next try, and wake the frozen one 13 s later."""
    chance = Chance(b"\0\0\0\0\1")  # the history shows everything as late as it may
    exchange = Exchange(chance)
    task = Task(
        marker("run", "a"), exchange, ORDER, has_store=False, clear_on_success=False, numbers_turns=numbers_turns
    )
    for _ in range(4):  # start, AskTime, Search, Prepare
        task.go_on()
    task.replace()
    task.go_on()
    task.go_on()
    exchange.wait(13_000)
    while task.replaced:
        task.thaw()
    while task.state in {"queued", "running"}:
        task.go_on()
    return task


def test_without_a_store_a_frozen_worker_that_wakes_in_its_turn_is_waited_for() -> None:
    task = frozen_while_its_replacement_waits(numbers_turns=True)
    assert (task.state, task.exchange.count(task.name)) == ("success", 1)


def test_without_a_store_and_without_turns_a_frozen_worker_pays_beside_its_replacement() -> None:
    # The reason for turns: a look into a history that lags cannot keep two workers apart.
    with pytest.raises(AssertionError, match="paid twice"):
        frozen_while_its_replacement_waits(numbers_turns=False)


# -------------------------------------------------------------------------------------------------------- transfers


@AIRFLOWS
@given(tape=tapes)
@plenty
def test_a_transfer_is_never_made_twice_whatever_a_repeated_client_id_does(
    *, has_store: bool, clear_on_success: bool, tape: bytes
) -> None:
    chance = Chance(tape)
    exchange = Ledger(chance)
    task = Task(client_oid("a"), exchange, TRANSFER, has_store, clear_on_success)
    play(chance, exchange, [task])
    heal([task])
    assert exchange.count(task.name) <= 1
    # A worker whose clock is ahead cannot tell its own transfer from one of a moment before.
    if has_store and not clear_on_success and not exchange.ahead_ms:
        assert (task.state, exchange.count(task.name)) == ("success", 1), "\n".join(exchange.story)
