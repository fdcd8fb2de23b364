"""
Transfers between accounts of one owner, done once.

A flex transfer does have a client id, ``clientOid``, but what KuCoin does with a repeated one is UNVERIFIED: it may
refuse it, answer with the first order, or move the money again. So a request whose answer was lost is not repeated on
the strength of it: the ledger is asked first. Where the ledger shows that the amount has moved as ordered since the
intent, the order is fulfilled, whoever moved it; where it must show it and does not, nothing was done and it is sent
again.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.errors import FatalError, InvalidInput, OutcomeUnknown, Unavailable
from airflow_provider_kucoin.api.payments import (
    FIRST_LOOK,
    LONGEST_BETWEEN_LOOKS,
    SIGNATURE_LIFE_MS,
    STAMPS,
    Accepted,
    AskTime,
    Doubtful,
    Journal,
    Note,
    Pause,
    Post,
    Row,
    Search,
    Steps,
)
from airflow_provider_kucoin.api.windows import stamp
from airflow_provider_kucoin.api.withdrawals import number, parse_amount, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

TRANSFER_TYPES = ("INTERNAL", "PARENT_TO_SUB", "SUB_TO_PARENT")
ACCOUNT_TYPES = (
    *("MAIN", "TRADE", "CONTRACT", "MARGIN", "ISOLATED", "MARGIN_V2", "ISOLATED_V2", "OPTION"),
    "UNIFIED",  # since 2026-03, according to one client
)
#: Accounts of isolated margin need the pair they belong to.
TAGGED = {"ISOLATED", "ISOLATED_V2"}
#: The account whose rows the spot ledger is certain to hold; of the others that is documented in part, or not at all.
WITNESS = "MAIN"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What is to be moved, checked as far as that is possible without asking KuCoin."""

    currency: str
    amount: Decimal
    from_account_type: str
    to_account_type: str
    transfer_type: str = "INTERNAL"
    from_user_id: str | None = None
    to_user_id: str | None = None
    from_account_tag: str | None = None
    to_account_tag: str | None = None

    def body(self, client_oid: str) -> dict[str, Any]:
        """Return the request's body; a field that does not apply is absent."""
        fields = {
            "clientOid": client_oid,
            "currency": self.currency,
            "amount": plain(self.amount),
            "type": self.transfer_type,
            "fromAccountType": self.from_account_type,
            "toAccountType": self.to_account_type,
            "fromUserId": self.from_user_id,
            "toUserId": self.to_user_id,
            "fromAccountTag": self.from_account_tag,
            "toAccountTag": self.to_account_tag,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def summary(self) -> str:
        """Return the transfer in words."""
        return (
            f"{plain(self.amount)} {self.currency} from {self.from_account_type} to {self.to_account_type} "
            f"({self.transfer_type})"
        )

    def fingerprint(self) -> str:
        """Return a short text that two different transfers do not share."""
        return hashlib.sha256(json.dumps(self.body(""), sort_keys=True).encode()).hexdigest()[:32]

    def witnessed_direction(self) -> str | None:
        """Return the direction in which the key owner's own MAIN account sees it; ``None`` when it does not."""
        if self.from_account_type == WITNESS and self.transfer_type != "SUB_TO_PARENT":
            return "out"
        if self.to_account_type == WITNESS and self.transfer_type != "PARENT_TO_SUB":
            return "in"
        return None


def transfer(
    *,
    currency: Any,
    amount: object,
    from_account_type: str,
    to_account_type: str,
    transfer_type: str = "INTERNAL",
    from_user_id: str | None = None,
    to_user_id: str | None = None,
    from_account_tag: str | None = None,
    to_account_tag: str | None = None,
) -> Transfer:
    """
    Return the transfer that these parameters mean.

    :raise InvalidInput: naming the rule that they break
    """
    for name, choice, known in (
        ("transfer_type", transfer_type, TRANSFER_TYPES),
        ("from_account_type", from_account_type, ACCOUNT_TYPES),
        ("to_account_type", to_account_type, ACCOUNT_TYPES),
    ):
        if choice not in known:
            raise InvalidInput(f"{name}={choice!r} is not one of {', '.join(map(repr, known))}")
    if not isinstance(currency, str) or not currency or currency != currency.strip():
        raise InvalidInput(f"currency={repr(currency)[:80]}: give its code, without blanks around it")
    for name, value, needed in (
        ("from_user_id", from_user_id, transfer_type == "SUB_TO_PARENT"),
        ("to_user_id", to_user_id, transfer_type == "PARENT_TO_SUB"),
        ("from_account_tag", from_account_tag, from_account_type in TAGGED),
        ("to_account_tag", to_account_tag, to_account_type in TAGGED),
    ):
        if needed and not value:
            raise InvalidInput(f"{name} is missing: {transfer_type} {from_account_type} to {to_account_type} needs it")
        if value and not needed:
            raise InvalidInput(
                f"{name}={value!r}: {transfer_type} {from_account_type} to {to_account_type} does not take it"
            )
    if transfer_type == "INTERNAL" and (from_account_type, from_account_tag) == (to_account_type, to_account_tag):
        raise InvalidInput(f"from and to are the same account, {from_account_type}: there is nothing to move")
    return Transfer(
        currency,
        parse_amount(amount),
        from_account_type,
        to_account_type,
        transfer_type,
        from_user_id or None,
        to_user_id or None,
        from_account_tag or None,
        to_account_tag or None,
    )


def client_oid(*scope: str | int) -> str:
    """Return the client id of a scope: 32 hexadecimal digits (128 bits), the same for the same scope."""
    return uuid.UUID(bytes=hashlib.sha256(json.dumps(scope).encode()).digest()[:16]).hex


@dataclass(frozen=True, slots=True)
class Moved:
    """
    The money is where the transfer says.

    :param order_id: ``None`` when that was seen in the ledger, which does not give it
    """

    order_id: str | None


def fulfilled_by(wanted: Transfer, rows: Sequence[Row], since_ms: int) -> list[Row]:
    """Return the ledger's rows that show the amount moving through MAIN as ordered, not before ``since_ms``."""
    return [
        row
        for row in rows
        if row.get("currency") == wanted.currency
        and row.get("accountType") == WITNESS
        and row.get("direction") == wanted.witnessed_direction()
        and number(row.get("amount")) == wanted.amount
        and "transfer" in str(row.get("bizType")).lower()
        and _is_since(row, since_ms)
    ]


def _is_since(row: Row, since_ms: int) -> bool:
    # Whole seconds, should KuCoin round down. A row without a time could be ours.
    created_at = number(row.get("createdAt"))
    return created_at is None or created_at >= since_ms // 1000 * 1000


def move(wanted: Transfer, oid: str, *, journal: Journal | None, settle_ms: int, certainly_first: bool) -> Steps[Moved]:
    """
    Move the money unless it has been moved.

    :param oid: the client id, the same on every try
    :param journal: what an earlier try has kept
    :param settle_ms: how long after KuCoin has accepted a transfer its ledger must show it
    :param certainly_first: whether it is certain that no earlier try got as far as sending
    :raise OutcomeUnknown: it may have been moved; a person must look
    """
    if journal is None and not certainly_first:
        raise OutcomeUnknown(
            f"not known whether {wanted.summary()} was moved: an earlier try of this task left nothing that tells "
            "(this Airflow has no task state store). Nothing was sent. Look at the balances: if it was moved, mark the "
            "task as succeeded; if not, move it in another run (with another client_oid, where one is given)"
        )
    if journal is not None:
        if (journal.marker, journal.fingerprint) != (oid, wanted.fingerprint()):
            raise FatalError(
                f"this task's state store holds an earlier try at another transfer, of {stamp(journal.since_ms)}: the "
                "task's parameters have changed since. Nothing was sent. Run it as another run"
            )
        if journal.withdrawal_id is not None:
            return Moved(journal.withdrawal_id)
        found = yield from _find_out(wanted, journal, settle_ms)
        if found is not None:
            return found
    for _ in range(STAMPS):
        stamp_ms = yield AskTime()
        kept = Journal(oid, wanted.fingerprint(), stamp_ms, stamp_ms)
        yield Note(kept)
        match (yield Post(stamp_ms)):
            case Accepted(order_id):
                yield Note(replace(kept, stage="sent", withdrawal_id=order_id))
                return Moved(order_id)
            case Doubtful():
                found = yield from _find_out(wanted, kept, settle_ms)
                if found is not None:
                    return found
    raise Unavailable(f"not moved, {wanted.summary()}: in {STAMPS} attempts no request reached KuCoin in time")


def _find_out(wanted: Transfer, journal: Journal, settle_ms: int) -> Steps[Moved | None]:
    """Ask the ledger what became of a request; ``None`` when nothing did, and it can be sent again."""
    if wanted.witnessed_direction() is None:
        raise _unknown(wanted, journal, "neither side is the MAIN account, whose ledger could tell")
    must_show_ms = journal.stamp_ms + SIGNATURE_LIFE_MS + settle_ms
    pause = FIRST_LOOK
    while True:
        now_ms = yield AskTime()
        # KuCoin accepts what was signed with a time up to 5 seconds ahead of its own.
        earliest_ms = journal.stamp_ms - SIGNATURE_LIFE_MS
        rows: Sequence[Row] = yield Search(earliest_ms)
        found = fulfilled_by(wanted, rows, earliest_ms)
        if len(found) > 1:
            raise _unknown(wanted, journal, f"the ledger shows {len(found)} such transfers")
        if found and _is_since(found[0], journal.stamp_ms):
            return Moved(None)
        if now_ms >= must_show_ms:
            if found:
                raise _unknown(wanted, journal, "the ledger shows such a transfer from a moment before")
            return None
        seconds = min(pause, (must_show_ms - now_ms) / 1000)
        yield Pause(seconds, f"the ledger must show by {stamp(must_show_ms)} what may have been moved")
        pause = min(2 * pause, LONGEST_BETWEEN_LOOKS)


def _unknown(wanted: Transfer, journal: Journal, why: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"not known whether {wanted.summary()} was moved: it was sent at {stamp(journal.stamp_ms)} with clientOid "
        f"{journal.marker}, its answer was lost, and {why}. It was not sent again. Look at the balances: if it was "
        "moved, mark the task as succeeded; if not, move it in another run (with another client_oid, where one is "
        "given)"
    )
