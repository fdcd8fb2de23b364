"""
Paying once, and only once, on an API without idempotency keys.

Sans I/O: :func:`pay` is a generator that says what to do next and is told what came of it, so that every crash and
every lost answer can be played through in tests. What carries the guarantee:

* **Found again.** Every payment bears a marker in its remark, the same on every try. Nothing is sent before the history
  was searched for it.
* **Written down first.** Where there is a place to keep a journal, the intent is written there before the request is
  sent. A worker that has lost its task cannot write, so it cannot pay.
* **Fenced.** The request is signed with the very time that the journal holds. KuCoin refuses it 5 seconds later,
  however long the worker was frozen in between: from then on no earlier try can be accepted any more. The request is
  never signed again without a new entry in the journal.
* **In turn.** Where there is no journal, nothing keeps a worker from sending that was frozen and replaced. So each try
  may send only for so long after Airflow began it, and the next one waits until all before it have had their time and
  the history must show what they did.
* **Never sent again in doubt.** After a lost answer the history is searched until it must show what happened. If it
  does not, the payment stops for a person.
* **An unmarked look-alike stops it too**: it may be ours, its remark lost on the way, or somebody else's. Neither
  adopting it nor paying again would be safe.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_kucoin.api.errors import FatalError, OutcomeUnknown, Unavailable
from airflow_provider_kucoin.api.windows import stamp
from airflow_provider_kucoin.api.withdrawals import bears, differences, looks_alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kucoin.api.withdrawals import Order

#: KuCoin refuses a request whose timestamp is further from its clock (code 400002).
SIGNATURE_LIFE_MS = 5_000
#: The most that may pass between an intent's time and its request, so that the request has time to travel.
FRESH_MS = 2_500
#: How old a look into the history may be when the request is sent.
LOOKED_MS = 15_000
#: How long after Airflow began it a try may send that nothing else fences.
TURN_MS = 60_000
#: How often an intent that grew stale, or whose time KuCoin did not like, is written anew.
STAMPS = 4
#: Seconds between looks into the history; each costs a hundredth of the quota of 30 seconds.
FIRST_LOOK, LONGEST_BETWEEN_LOOKS = 1.0, 15.0

STAGES = ("sending", "lost", "unknown", "sent")

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Journal:
    """
    What is kept of a payment from one try to the next.

    :param stage: ``sending`` from before the request until its answer; ``lost`` when the answer was lost; ``unknown``
        when a person was told that the outcome is not known; ``sent`` when KuCoin accepted it
    :param fingerprint: of the order; the same task must not come back with another one
    :param since_ms: KuCoin's time of the first intent: nothing of ours is older
    :param stamp_ms: KuCoin's time that the latest request was signed with
    """

    marker: str
    fingerprint: str
    since_ms: int
    stamp_ms: int
    stage: str = "sending"
    withdrawal_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it in JSON types."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, kept: Any) -> Journal:
        """
        Return what :meth:`as_dict` made.

        :raise FatalError: when it cannot be understood: then it is not known what an earlier try did
        """
        try:
            found = cls(**kept)
        except TypeError:
            found = None
        if found is None or not _is_sound(found):
            raise FatalError(
                "the task's state store holds a payment that cannot be understood: look into KuCoin's withdrawal "
                "history, and remove the entry if nothing was paid"
            )
        return found


def _is_sound(journal: Journal) -> bool:
    """Return whether what was kept outside this process, where people can change it, is of the right types."""
    texts: list[Any] = [journal.marker, journal.fingerprint]
    texts += [] if journal.withdrawal_id is None else [journal.withdrawal_id]
    return (
        all(type(time) is int for time in (journal.since_ms, journal.stamp_ms))
        and all(type(text) is str and text for text in texts)
        and journal.stage in STAGES
    )


# ------------------------------------------------------------------------------------------------- what is to be done


@dataclass(frozen=True, slots=True)
class AskTime:
    """Ask KuCoin for its time; told: milliseconds."""


@dataclass(frozen=True, slots=True)
class Search:
    """Look into KuCoin's history; told: the rows of the order's currency since then."""

    since_ms: int


@dataclass(frozen=True, slots=True)
class Prepare:
    """Do the preflight and check the limits that need KuCoin; told: nothing. A refusal is thrown in as its error."""


@dataclass(frozen=True, slots=True)
class Note:
    """Keep the journal; told: nothing. Must raise when it cannot be kept, or belongs to another worker by now."""

    journal: Journal


@dataclass(frozen=True, slots=True)
class Post:
    """
    Send the request once, signed with ``stamp_ms``, unless more than :data:`FRESH_MS` have passed since.

    Told: :class:`Accepted`, :class:`Doubtful` or :class:`NotSent`. A definite refusal is thrown in as its error.
    """

    stamp_ms: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait; told: nothing."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """KuCoin accepted the request."""

    withdrawal_id: str


@dataclass(frozen=True, slots=True)
class Doubtful:
    """It may or may not have been acted on."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing was acted on: too much time had passed, here or, by KuCoin's clock, on the way (code 400002)."""


Step = AskTime | Search | Prepare | Note | Post | Pause


@dataclass(frozen=True, slots=True)
class Paid:
    """
    The order is paid: by now, or by an earlier try.

    :param withdrawal_id: ``None`` when KuCoin's list does not give it (UNVERIFIED)
    :param row: of the history, where it was found there
    """

    order: Order
    withdrawal_id: str | None
    adopted: bool
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """
    A try's place among those of a payment whose journal nothing keeps.

    :param number: of this try, from 1
    :param begun_ms: when Airflow began it, if known: it can have been frozen before it looked at the clock
    """

    number: int
    begun_ms: int | None = None


# ---------------------------------------------------------------------------------------------------- the procedure


def fingerprint(order: Order) -> str:
    """Return a short text that two different orders do not share."""
    return hashlib.sha256(json.dumps([order.api_version, order.body("")], sort_keys=True).encode()).hexdigest()[:32]


Steps = Generator[Step, Any, T]


def pay(
    order: Order,
    marker: str,
    *,
    journal: Journal | None,
    certainly_first: bool,
    since_ms: int,
    settle_ms: int,
    turn: Turn | None = None,
) -> Steps[Paid]:
    """
    Pay the order unless it has been paid.

    :param journal: what an earlier try has kept
    :param certainly_first: whether it is certain that no earlier try got as far as sending
    :param since_ms: how far back the history is searched for the marker
    :param settle_ms: how long after KuCoin has accepted a withdrawal its history must show it
    :param turn: where no journal is kept, so that a worker that was replaced can go on; ``None`` where :class:`Note`
        raises in such a worker
    :raise OutcomeUnknown: it may have been paid; a person must look
    :raise KucoinError: it was refused, and not paid
    """
    payment = _Payment(order, marker, since_ms, settle_ms)
    if journal is not None:
        _check_same(journal, marker, order)
        if journal.withdrawal_id is not None:
            return Paid(order, journal.withdrawal_id, adopted=True)
    looked_ms = yield AskTime()
    # The turns of all earlier tries: none of them began later than this one.
    turns_ms = (turn.number - 1) * (TURN_MS + SIGNATURE_LIFE_MS + settle_ms) if turn else 0
    if journal is None and certainly_first:
        found, _ = yield from payment.search(looked_ms, looked_ms)
    else:
        found = yield from payment.find_earlier_try(journal, looked_ms, looked_ms + turns_ms)
    if found is not None:
        return found
    yield Prepare()
    deadline_ms = None
    if turn is not None:
        begun_ms = looked_ms if turn.begun_ms is None else min(looked_ms, turn.begun_ms)
        deadline_ms = begun_ms + turns_ms + TURN_MS
    return (yield from payment.send(journal, looked_ms, deadline_ms))


@dataclass(frozen=True, slots=True)
class _Payment:
    """One order on its way; parameters as for :func:`pay`."""

    order: Order
    marker: str
    since_ms: int
    settle_ms: int

    def find_earlier_try(self, journal: Journal | None, now_ms: int, turns_end_ms: int) -> Steps[Paid | None]:
        """Search until the history must show what an earlier try may have sent; ``None`` when it sent nothing."""
        # It can be accepted until its signature dies. Where nothing is known of it, it may have been sent just now.
        sent_ms = journal.stamp_ms if journal else now_ms
        until_ms = max(self._must_show(sent_ms), turns_end_ms)
        found, alike = yield from self.search(now_ms, until_ms, journal)
        if found is None and alike:
            raise _look_alike(self.order, self.marker, alike)
        if found is None and journal is not None and journal.stage == "lost":
            # That worker died while it was searching for what had become of a lost answer.
            yield Note(replace(journal, stage="unknown"))
            raise _unknown(self.order, self.marker, journal.stamp_ms, "its answer was lost")
        # A journal that says "unknown" was shown to a person; the task runs again because the person wants it to.
        return found

    def send(self, journal: Journal | None, looked_ms: int, deadline_ms: int | None) -> Steps[Paid]:
        """Write the intent down and send the order once; find out what became of it if the answer is lost."""
        first_ms = journal.since_ms if journal else None
        for _ in range(STAMPS):
            stamp_ms = yield AskTime()
            if deadline_ms is not None and stamp_ms > deadline_ms:
                raise Unavailable(
                    f"not withdrawn, {self.order.summary()}: by now another try may be at it. This one had to send by "
                    f"{stamp(deadline_ms)}"
                )
            if stamp_ms - looked_ms > LOOKED_MS:
                # A worker that was frozen may have been replaced, and its replacement may have paid.
                looked_ms = stamp_ms
                found, _alike = yield from self.search(looked_ms, looked_ms)
                if found is not None:
                    return found
                continue
            first_ms = first_ms or stamp_ms
            kept = Journal(self.marker, fingerprint(self.order), first_ms, stamp_ms)
            yield Note(kept)
            match (yield Post(stamp_ms)):
                case Accepted(withdrawal_id):
                    yield Note(replace(kept, stage="sent", withdrawal_id=withdrawal_id))
                    return Paid(self.order, withdrawal_id, adopted=False)
                case Doubtful(reason):
                    return (yield from self._find_out(kept, reason))
        raise Unavailable(
            f"not withdrawn, {self.order.summary()}: {STAMPS} times in a row too much time passed between writing the "
            "intent down and KuCoin's receiving it. The worker, the way to Airflow's API server or the way to KuCoin "
            "is too slow to pay safely"
        )

    def _find_out(self, kept: Journal, reason: str) -> Steps[Paid]:
        """Search for what became of a request whose answer was lost, until the history must show it."""
        kept = replace(kept, stage="lost")
        yield Note(kept)
        now_ms = yield AskTime()
        found, alike = yield from self.search(now_ms, self._must_show(kept.stamp_ms), kept)
        if found is not None:
            yield Note(replace(kept, stage="sent", withdrawal_id=found.withdrawal_id))
            return found
        yield Note(replace(kept, stage="unknown"))
        if alike:
            raise _look_alike(self.order, self.marker, alike)
        raise _unknown(self.order, self.marker, kept.stamp_ms, reason)

    def search(
        self, now_ms: int, until_ms: int, journal: Journal | None = None
    ) -> Steps[tuple[Paid | None, list[Row]]]:
        """Search the history for the marker until then; also return what only looks like the order."""
        # Nothing of ours is older than the first intent, or than the run where there is no journal.
        # KuCoin accepts what was signed with a time up to 5 seconds ahead of its own.
        alike_since_ms = journal.since_ms - SIGNATURE_LIFE_MS if journal else self.since_ms
        pause = FIRST_LOOK
        while True:
            rows: Sequence[Row] = yield Search(min(self.since_ms, alike_since_ms))
            if ours := [row for row in rows if bears(row.get("remark"), self.marker)]:
                return _adopted(self.order, self.marker, ours), []
            if now_ms >= until_ms:
                return None, [row for row in rows if looks_alike(self.order, row, alike_since_ms)]
            seconds = min(pause, (until_ms - now_ms) / 1000)
            yield Pause(seconds, f"the history must show by {stamp(until_ms)} what may have been sent")
            pause = min(2 * pause, LONGEST_BETWEEN_LOOKS)
            now_ms = yield AskTime()

    def _must_show(self, sent_ms: int) -> int:
        return sent_ms + SIGNATURE_LIFE_MS + self.settle_ms


def _adopted(order: Order, marker: str, rows: Sequence[Row]) -> Paid:
    """Return the withdrawal that bears our marker, if it is the order's."""
    # One whose status changed while the history was read can be there twice.
    row = rows[0]
    if len(rows) > 1 and (not row.get("id") or any(other.get("id") != row["id"] for other in rows)):
        raise FatalError(f"{len(rows)} withdrawals bear the marker {marker}: {_named(rows)}. Nothing was sent")
    if found := differences(order, row):
        raise FatalError(
            f"withdrawal {_named(rows)} bears the marker {marker} of {order.summary()}, but has {'; '.join(found)}. "
            "Nothing was sent. If this is to be another payment, run it as another run or with another idempotency_key"
        )
    return Paid(order, str(row["id"]) if row.get("id") else None, adopted=True, row=row)


def _check_same(journal: Journal, marker: str, order: Order) -> None:
    if (journal.marker, journal.fingerprint) != (marker, fingerprint(order)):
        raise FatalError(
            f"this task's state store holds an earlier try at another payment (marker {journal.marker}, of "
            f"{stamp(journal.since_ms)}, stage {journal.stage!r}) than {order.summary()}: the task's parameters, or "
            "the order of the mapped list, have changed since. Nothing was sent. Run it as another run, or remove the "
            "entry from the task's state store if nothing was paid"
        )


def _look_alike(order: Order, marker: str, alike: Sequence[Row]) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"not known whether {order.summary()} was paid: an earlier try may have sent it, and the history holds "
        f"{_named(alike)} with the same currency, address and amount but without the marker {marker}. Nothing more was "
        "sent. Look at it on KuCoin: if it is this payment, mark the task as succeeded; if it is not, pay in another "
        "run (with another idempotency_key, where one is given)"
    )


def _unknown(order: Order, marker: str, stamp_ms: int, reason: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"not known whether {order.summary()} was paid: it was sent at {stamp(stamp_ms)} with the marker {marker}, "
        f"{reason}, and the history does not show it. It was not sent again. Look into KuCoin's withdrawal history for "
        "that marker: if it is there, clear the task and it is adopted; if you are sure that it is not, clear the "
        "task too, and it looks once more and then pays"
    )


def _named(rows: Sequence[Row]) -> str:
    return ", ".join(
        f"{row.get('id') or 'without id'} ({row.get('amount')} {row.get('currency')}, {row.get('status')}, "
        f"{stamp(row['createdAt']) if isinstance(row.get('createdAt'), int) else 'time unknown'}, "
        f"remark {str(row.get('remark') or '')[:40]!r})"
        for row in rows
    )
