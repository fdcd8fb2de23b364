"""Deposits as facts: what a status means, and which of an account's deposits somebody waits for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.withdrawals import Outcome, number, parse_amount, wallet_tx_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: KuCoin's statuses of a deposit: PROCESSING, SUCCESS and FAILURE from its OpenAPI description, the travel-rule ones
#: from 2026-03, the rest from 2026-07. Which are final is inferred. PRE_SUCCESS is credited before the last
#: confirmations and can still be rolled back, so it is not an arrival.
STATUSES = {
    "PROCESSING": Outcome.PENDING,
    "PRE_SUCCESS": Outcome.PENDING,
    "WAIT_TRM_MGT": Outcome.PENDING,
    "WAIT_RISK_MGT": Outcome.PENDING,
    "ROLLBACKING": Outcome.PENDING,
    "SUCCESS": Outcome.SUCCEEDED,
    "FAILURE": Outcome.FAILED,
    "ROLLBACK": Outcome.FAILED,
    "TRM_MGT_REJECTED": Outcome.FAILED,
    "RISK_MGT_REJECTED": Outcome.FAILED,
}


def outcome(status: object) -> Outcome:
    """Return what a status means; one that is not listed is neither arrival nor failure."""
    return STATUSES.get(str(status), Outcome.PENDING)


@dataclass(frozen=True, slots=True)
class Expected:
    """
    The deposit that somebody waits for.

    :param since_ms: not before this time of KuCoin's
    :param min_amount: of this size at least
    :param tx_id: the transaction on its chain, without what KuCoin may append to it
    :param address: the account's address it arrives at
    """

    currency: str
    since_ms: int
    min_amount: Decimal = Decimal(0)
    tx_id: str | None = None
    address: str | None = None

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Return whether a deposit is the expected one, whatever its status."""
        amount = number(row.get("amount"))
        return (
            row.get("currency") == self.currency
            and int(row.get("createdAt") or 0) >= self.since_ms // 1000 * 1000
            and amount is not None
            and amount >= self.min_amount
            and (self.tx_id is None or wallet_tx_id(row) == self.tx_id)
            and (self.address is None or row.get("address") == self.address)
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it in JSON types."""
        return {
            "currency": self.currency,
            "since_ms": self.since_ms,
            "min_amount": f"{self.min_amount:f}",
            "tx_id": self.tx_id,
            "address": self.address,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Expected:
        """Return what :meth:`as_dict` made."""
        return cls(**{**kept, "min_amount": Decimal(kept["min_amount"])})


def expected(
    *, currency: Any, since_ms: int, min_amount: object = None, tx_id: Any = None, address: Any = None
) -> Expected:
    """
    Return the deposit that these parameters mean.

    :raise InvalidInput: naming the rule that they break
    """
    if not isinstance(currency, str) or not currency or currency != currency.strip():
        raise InvalidInput(f"currency={repr(currency)[:80]}: give its code, without blanks around it")
    for name, value in (("tx_id", tx_id), ("address", address)):
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"{name}={repr(value)[:80]} is not a text")
    least = Decimal(0) if min_amount in {None, ""} else parse_amount(min_amount)
    return Expected(currency, since_ms, least, (tx_id or "").partition("@")[0] or None, address or None)


def judge(wanted: Expected, rows: Sequence[Mapping[str, Any]]) -> tuple[Outcome, Mapping[str, Any] | None]:
    """
    Return what has become of the expected deposit, and the row that says so.

    One that has arrived counts before one that is on its way, and that before one that failed: only when all that
    match have failed has the deposit failed, and then only if it was told by its transaction which one it is.
    """
    matching = [row for row in rows if wanted.matches(row)]
    by_outcome = {kind: [row for row in matching if outcome(row.get("status")) is kind] for kind in Outcome}
    if by_outcome[Outcome.SUCCEEDED]:
        return Outcome.SUCCEEDED, min(by_outcome[Outcome.SUCCEEDED], key=lambda row: int(row.get("createdAt") or 0))
    if by_outcome[Outcome.PENDING]:
        return Outcome.PENDING, by_outcome[Outcome.PENDING][0]
    if by_outcome[Outcome.FAILED]:
        # Without a transaction another deposit may still come.
        failed = by_outcome[Outcome.FAILED][0]
        return (Outcome.FAILED if wanted.tx_id else Outcome.PENDING), failed
    return Outcome.PENDING, None
