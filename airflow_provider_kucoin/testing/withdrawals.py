"""
Every withdrawal that was ever accepted, what becomes of each, and what that does to balances and ledger.

A withdrawal is accepted in the first status of the exchange's life cycle and walks on as its steps say. Whoever tells
it what to do (`settle`, `fail`, `set_status`) takes it out of the life cycle.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing.amounts import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_kucoin.testing.exchange import Exchange

SUCCESS: Final = "SUCCESS"
FAILURE: Final = "FAILURE"
PROCESSING: Final = "PROCESSING"
FINAL: Final = (SUCCESS, FAILURE)
# What KuCoin's sample shows as `returnCurrency` when nothing was returned, whatever the currency. Why is not known.
_NOTHING_RETURNED_IN: Final = "KCS"


@dataclass(frozen=True, slots=True)
class Step:
    """
    One status of a life cycle, and what it takes to come to it from the one before.

    Either so many milliseconds of the exchange's time, or so many looks at the withdrawal (an answer of the list or by
    id that had it); without either it waits for `Exchange.advance`. The first step is where a withdrawal begins.
    """

    status: str
    after_ms: int | None = None
    looks: int | None = None
    reason: str = ""
    """Of a FAILURE."""
    message: str | None = None
    """Of a FAILURE."""


STAYS: Final = (Step(PROCESSING),)
"""Accepted, and waiting for somebody to say how it ends."""

EACH_LOOK: Final = (
    Step("REVIEW"),
    Step(PROCESSING, looks=1),
    Step("WALLET_PROCESSING", looks=1),
    Step(SUCCESS, looks=1),
)
"""Every documented status, one per look."""


@dataclass(slots=True, kw_only=True)
class Withdrawal:
    """One withdrawal; `amount` and `remark` as they were sent, times to the millisecond."""

    id: str
    uid: int
    currency: str
    chain: str
    """The chain's id; empty if it went to a user id, an e-mail address or a telephone number."""
    chain_name: str
    address: str
    memo: str
    withdraw_type: str
    is_inner: bool
    amount: Decimal
    fee: Decimal
    fee_deduct_type: str
    """EXTERNAL or INTERNAL, also where the request left it to the exchange."""
    remark: str | None
    status: str
    created_at_ms: int
    updated_at_ms: int
    version: str
    """"v1", "v3", or "web" if it did not come through the API."""
    is_lost: bool = False
    """Whether it went without memo to a chain that needs one."""
    wallet_tx_id: str | None = None
    failure_reason: str = ""
    failure_message: str | None = None
    return_status: str = "NOT_RETURN"
    return_amount: Decimal | None = None
    cancelled_at_ms: int | None = None
    debited: Decimal = Decimal(0)
    """What it took from MAIN, fee included."""
    steps: list[Step] = field(default_factory=list, repr=False)
    """Those that are to come."""
    looks: int = 0
    """How often it was seen in its present status."""

    @property
    def arriving(self) -> Decimal:
        """What the other side gets."""
        return EXACT.subtract(self.amount, self.fee) if self.fee_deduct_type == "INTERNAL" else self.amount

    @property
    def is_final(self) -> bool:
        """Whether it has come to its end, or its money has come back."""
        return self.status in FINAL or self.return_amount is not None

    @property
    def return_currency(self) -> str:
        """The currency of what was returned."""
        return _NOTHING_RETURNED_IN if self.return_amount is None else self.currency


class Withdrawals:
    """The withdrawals of one exchange. Not locked: the exchange does that."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._all: list[Withdrawal] = []
        self._by_id: dict[str, Withdrawal] = {}
        self._open: list[Withdrawal] = []

    def __iter__(self) -> Iterator[Withdrawal]:
        return iter(self._all)

    def of(self, uid: int) -> Iterator[Withdrawal]:
        """Yield a user's withdrawals, newest first."""
        return (one for one in reversed(self._all) if one.uid == uid)

    def __getitem__(self, withdrawal_id: str) -> Withdrawal:
        return self._by_id[withdrawal_id]

    def get(self, withdrawal_id: str, uid: int) -> Withdrawal | None:
        """Return a user's withdrawal."""
        found = self._by_id.get(withdrawal_id)
        return found if found is not None and found.uid == uid else None

    def new_id(self, now_ms: int) -> str:
        """Return 24 hex digits, the first 8 of them the time, as KuCoin's look."""
        return f"{now_ms // 1000:08x}{self._exchange.random.getrandbits(64):016x}"

    def add(self, withdrawal: Withdrawal) -> None:
        """Know a withdrawal from now on; nothing is debited."""
        if withdrawal.id in self._by_id:
            raise ValueError("there is a withdrawal with that id already")
        self._all.append(withdrawal)
        self._by_id[withdrawal.id] = withdrawal
        if not withdrawal.is_final:
            self._open.append(withdrawal)

    def accept(self, withdrawal: Withdrawal, life_cycle: Sequence[Step]) -> None:
        """Take the money and set out. What stays inside KuCoin is there at once."""
        on_top = withdrawal.fee if withdrawal.fee_deduct_type == "EXTERNAL" else Decimal(0)
        withdrawal.debited = spent = EXACT.add(withdrawal.amount, on_top)
        self.add(withdrawal)
        if self._exchange.readings.withdrawal_booked == "settled":
            self._move(withdrawal, Decimal(0), holds=spent)
        else:
            self._move(withdrawal, -spent)
            self._book(withdrawal, "out", withdrawal.created_at_ms)
        withdrawal.steps = [Step(SUCCESS)] if withdrawal.is_inner else list(life_cycle)
        self.advance(withdrawal, withdrawal.created_at_ms)

    # --- what becomes of it ---

    def enter(self, withdrawal: Withdrawal, step: Step, now_ms: int, tx_id: str | None = None) -> None:
        """Give it another status, and do what that means."""
        if withdrawal.is_final:
            raise ValueError(f"withdrawal {withdrawal.id} has ended in {withdrawal.status}")
        withdrawal.status, withdrawal.updated_at_ms, withdrawal.looks = step.status, now_ms, 0
        if step.status == SUCCESS:
            if not withdrawal.is_inner:
                withdrawal.wallet_tx_id = tx_id or hashlib.sha256(withdrawal.id.encode()).hexdigest()
            if self._exchange.readings.withdrawal_booked == "settled":
                self._move(withdrawal, -withdrawal.debited, holds=-withdrawal.debited)
                self._book(withdrawal, "out", now_ms)
        elif step.status == FAILURE:
            withdrawal.failure_reason, withdrawal.failure_message = step.reason, step.message

    def give_back(self, withdrawal: Withdrawal, now_ms: int) -> None:
        """Return what it took, once."""
        if withdrawal.return_amount is not None:
            return
        withdrawal.return_status, withdrawal.return_amount = "SUCCESS", withdrawal.debited
        if self._exchange.readings.withdrawal_booked == "settled":
            self._move(withdrawal, Decimal(0), holds=-withdrawal.debited)
        else:
            self._move(withdrawal, withdrawal.debited)
            self._book(withdrawal, "in", now_ms)

    def catch_up(self, now_ms: int) -> None:
        """Let happen what the time has brought."""
        for withdrawal in self._open:
            if withdrawal.cancelled_at_ms is not None:
                self._finish_cancelling(withdrawal, now_ms)
            while withdrawal.steps and (after := withdrawal.steps[0].after_ms) is not None:
                due = withdrawal.updated_at_ms + after
                if due > now_ms:
                    break
                self.advance(withdrawal, due)
        self._open = [withdrawal for withdrawal in self._open if not withdrawal.is_final]

    def look(self, withdrawal: Withdrawal, now_ms: int) -> None:
        """Take note that it was shown to its owner; that may bring it on."""
        withdrawal.looks += 1
        needed = withdrawal.steps[0].looks if withdrawal.steps else None
        if needed is not None and withdrawal.looks >= needed:
            self.advance(withdrawal, now_ms)

    def advance(self, withdrawal: Withdrawal, now_ms: int) -> None:
        """Go to the next step of its life cycle."""
        if not withdrawal.steps:
            raise ValueError(f"withdrawal {withdrawal.id} has no further step")
        step = withdrawal.steps.pop(0)
        self.enter(withdrawal, step, now_ms)
        if step.status == FAILURE:
            self.give_back(withdrawal, now_ms)

    def cancel(self, withdrawal: Withdrawal, now_ms: int) -> None:
        """Begin to cancel it; done at once unless `Readings.cancel_ms` says otherwise."""
        withdrawal.cancelled_at_ms = now_ms
        withdrawal.steps.clear()
        self._finish_cancelling(withdrawal, now_ms)

    def _finish_cancelling(self, withdrawal: Withdrawal, now_ms: int) -> None:
        if withdrawal.cancelled_at_ms is None or withdrawal.return_amount is not None:
            return
        done_at = withdrawal.cancelled_at_ms + self._exchange.readings.cancel_ms
        if done_at <= now_ms and not withdrawal.is_final:
            self.enter(withdrawal, Step(self._exchange.readings.status_after_cancel), done_at)
            self.give_back(withdrawal, done_at)

    # --- money ---

    def _move(self, withdrawal: Withdrawal, amount: Decimal, *, holds: Decimal = Decimal(0)) -> None:
        if withdrawal.debited:
            self._exchange.balances.move(withdrawal.currency, "main", amount, holds=holds, uid=withdrawal.uid)

    def _book(self, withdrawal: Withdrawal, direction: str, now_ms: int) -> None:
        """
        Book the ledger row: the amount has the fee in it, and `context.orderId` is the withdrawal's id.

        That it is, is inferred from its shape. What the row of returned money looks like is not known.
        """
        if not withdrawal.debited or self._exchange.readings.withdrawal_booked == "never":
            return
        context = {"orderId": withdrawal.id}
        if withdrawal.wallet_tx_id:
            context["txId"] = withdrawal.wallet_tx_id
        self._exchange.book(
            created_at=now_ms,
            currency=withdrawal.currency,
            amount=withdrawal.debited,
            fee=withdrawal.fee,
            direction=direction,
            biz_type="Withdrawal",
            context=json.dumps(context, separators=(",", ":")),
            uid=withdrawal.uid,
        )
