"""
Withdrawals as facts: what is ordered, how it is written for KuCoin, how it is found again, and what a status means.

KuCoin has no idempotency key on any withdrawal version, but gives ``remark`` back in its history. So every order
carries a marker there: derived from the task's run, the same on every try, and recognisable as a marker.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_kucoin.api.errors import InvalidInput, UnexpectedData

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WITHDRAW_TYPES = ("ADDRESS", "UID", "MAIL", "PHONE")
FEE_DEDUCT_TYPES = ("EXTERNAL", "INTERNAL")
API_VERSIONS = ("v3", "v1")

#: KuCoin documents no limit for a withdrawal's remark. 20 is the limit of its nearest neighbour (spot order remarks).
DEFAULT_REMARK_LIMIT = 20
_REMARK = re.compile(r"[A-Za-z0-9_-]*")
_PLAIN_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
#: Adds amounts exactly, whatever precision the process around us has set (28 digits by default, which rounds).
EXACT = Context(prec=1000)
#: The largest whole number that V1's int64 amount can carry.
_INT64 = 2**63 - 1


# ------------------------------------------------------------------------------------------------------------- status


class Outcome(Enum):
    """What a status means to somebody who waits."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


#: KuCoin's statuses. The order in which a withdrawal walks through them is inferred and not relied on; SUCCESS and
#: FAILURE are final. There is no status for a cancelled one: FAILURE is expected, UNVERIFIED.
STATUSES = {
    "REVIEW": Outcome.PENDING,
    "PROCESSING": Outcome.PENDING,
    "WALLET_PROCESSING": Outcome.PENDING,
    "SUCCESS": Outcome.SUCCEEDED,
    "FAILURE": Outcome.FAILED,
}


def outcome(status: object) -> Outcome:
    """Return what a status means. One that is not listed is neither success nor failure: who waits keeps waiting."""
    return STATUSES.get(str(status), Outcome.PENDING)


def failure_reason(withdrawal: Mapping[str, Any]) -> str:
    """Return KuCoin's reason for a failed withdrawal, in its words."""
    words = [str(withdrawal.get(name) or "") for name in ("failureReason", "failureReasonMsg", "reason")]
    reason = ": ".join(word for word in words if word) or "KuCoin gave no reason"
    if returned := withdrawal.get("returnStatus"):
        amount, currency = withdrawal.get("returnAmount"), withdrawal.get("returnCurrency")
        reason += f" (returned: {returned}{f', {amount} {currency}' if amount else ''})"
    return reason


# ------------------------------------------------------------------------------------------------------------- marker

_MARKER = re.compile(r"af([a-z2-7]{10})([a-z2-7]{2})")
MARKER_LENGTH = 14
#: A remark that KuCoin cut short still counts as ours with so many of the marker's characters: 30 bits of it.
SHORTEST_CUT = 8


def marker(*scope: str | int) -> str:
    """
    Return the marker of a payment's scope: 14 characters, the same for the same scope.

    ``af``, ten characters of a hash, and two that prove that it is a marker and not somebody's text.
    """
    body = _letters(json.dumps(scope), 10)
    return f"af{body}{_letters(body, 2)}"


def is_marker(remark: str) -> bool:
    """Return whether a remark begins with a marker, whoever's."""
    found = _MARKER.match(remark.lower())
    return found is not None and found[2] == _letters(found[1], 2)


def bears(remark: object, wanted: str) -> bool:
    """
    Return whether a remark is the one that was sent with the marker ``wanted``.

    The remark may come back whole or cut short (UNVERIFIED); empty or too short, it proves nothing.
    """
    text = str(remark or "").lower()
    return text.startswith(wanted) or (len(text) >= SHORTEST_CUT and wanted.startswith(text))


def _letters(text: str, count: int) -> str:
    # Lower-case letters and digits only: they survive any folding of case.
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:count]


# -------------------------------------------------------------------------------------------------------------- order


@dataclass(frozen=True, slots=True)
class Order:
    """
    What is to be paid, checked as far as that is possible without asking KuCoin.

    :param amount: what is asked for; with EXTERNAL fees the recipient gets it, with INTERNAL ones gets it less the fee
    :param chain: KuCoin's chainId, or a chain's name as long as no preflight has looked it up; ``None`` within KuCoin
    """

    currency: str
    amount: Decimal
    address: str
    withdraw_type: str = "ADDRESS"
    chain: str | None = None
    memo: str | None = None
    is_inner: bool = False
    fee_deduct_type: str = "EXTERNAL"
    api_version: str = "v3"
    remark: str = ""

    def body(self, remark: str) -> dict[str, Any]:
        """
        Return the request's body. Every field is explicit; a field that does not apply is absent.

        KuCoin's defaults are not safe: without ``chain`` it takes ``eth``, without ``feeDeductType`` it is the balance
        that decides who pays the fee, and a ``memo`` where the chain has none makes the address incorrect.
        """
        common: dict[str, Any] = {"currency": self.currency}
        if self.api_version == "v1":
            common |= {"address": self.address, "amount": int(self.amount)}
        else:
            common |= {"toAddress": self.address, "withdrawType": self.withdraw_type, "amount": plain(self.amount)}
        if self.chain is not None:
            common["chain"] = self.chain
        if self.memo is not None:
            common["memo"] = self.memo
        return common | {"isInner": self.is_inner, "remark": remark, "feeDeductType": self.fee_deduct_type}

    def summary(self) -> str:
        """Return the order in words, the address shortened."""
        where = short_address(self.address) + (f" memo {self.memo}" if self.memo else "")
        on = f" on {self.chain}" if self.chain else f" by {self.withdraw_type}"
        return f"{plain(self.amount)} {self.currency} to {where}{on}, fee {self.fee_deduct_type}"


def plain(amount: Decimal) -> str:
    """Return an amount as a plain decimal."""
    return f"{amount:f}"


def short_address(address: str) -> str:
    """Return enough of an address to recognise it: it need not stand in logs as a whole."""
    return address if len(address) <= 12 else f"{address[:5]}...{address[-5:]}"  # noqa: PLR2004 - 5 + 2 + 5


def parse_amount(amount: object) -> Decimal:
    """
    Return an amount of money exactly as it was given.

    :param amount: decimal text, a ``Decimal`` or an ``int``
    :raise TypeError: for a float: it has already lost what it may have lost
    :raise InvalidInput: for anything that is not a plain positive number
    """
    if isinstance(amount, bool | float) or not isinstance(amount, str | int | Decimal):
        raise TypeError(
            f"amount={amount!r} is a {type(amount).__name__}: give decimal text such as '10.5', a Decimal or an int"
        )
    # Not str() of a Decimal: that of 0.0000001 is "1E-7".
    text = f"{amount:f}" if isinstance(amount, Decimal) else str(amount).strip()
    if not _PLAIN_NUMBER.fullmatch(text):
        raise InvalidInput(f"amount={text!r} is not a plain positive number such as '10.5' (no sign, no exponent)")
    value = Decimal(text)
    if not value:
        raise InvalidInput("amount is zero: there is nothing to withdraw")
    return value


def order(
    *,
    currency: str,
    amount: object,
    to_address: str | None = None,
    chain: str | None = None,
    memo: str | None = None,
    withdraw_type: str = "ADDRESS",
    is_inner: bool = False,
    fee_deduct_type: str = "EXTERNAL",
    remark: str | None = None,
    api_version: str = "v3",
) -> Order:
    """
    Return the order that these parameters mean.

    :raise InvalidInput: naming the rule that they break
    """
    for name, choice, known in (
        ("withdraw_type", withdraw_type, WITHDRAW_TYPES),
        ("fee_deduct_type", fee_deduct_type, FEE_DEDUCT_TYPES),
        ("api_version", api_version, API_VERSIONS),
    ):
        if choice not in known:
            raise InvalidInput(f"{name}={choice!r} is not one of {', '.join(map(repr, known))}")
    # A memo that a template turned into a number may have lost its leading zeros, and 0 would pass for none.
    for name, text, optional in (
        ("currency", currency, False),
        ("to_address", to_address, False),
        ("chain", chain, True),
        ("memo", memo, True),
    ):
        if not _is_clean(text, optional=optional):
            raise InvalidInput(f"{name}={text!r}: give it as text, without blanks around it")
    if not isinstance(is_inner, bool):
        raise InvalidInput(f"is_inner={is_inner!r} is not True or False")
    value = parse_amount(amount)
    if withdraw_type == "ADDRESS" and not chain:
        raise InvalidInput(
            "chain is missing: the same address can exist on several chains, and on the wrong one the money is lost. "
            "Give KuCoin's chain id, such as 'trx' or 'eth', or a destination that pins it"
        )
    if withdraw_type != "ADDRESS" and (chain or memo):
        raise InvalidInput(f"withdraw_type={withdraw_type!r} stays within KuCoin: chain and memo do not apply")
    if api_version == "v1":
        _check_v1(withdraw_type, value)
    return Order(
        currency=currency,
        amount=value,
        address=str(to_address),
        withdraw_type=withdraw_type,
        chain=chain or None,
        memo=memo or None,
        is_inner=is_inner,
        fee_deduct_type=fee_deduct_type,
        api_version=api_version,
        remark=remark or "",
    )


def _is_clean(text: object, *, optional: bool) -> bool:
    return (optional and text is None) or (isinstance(text, str) and text == text.strip() and (optional or text != ""))


def _check_v1(withdraw_type: str, amount: Decimal) -> None:
    if withdraw_type != "ADDRESS":
        raise InvalidInput(f"api_version='v1' knows addresses only, not withdraw_type={withdraw_type!r}: use 'v3'")
    if amount != int(amount) or amount > _INT64:
        raise InvalidInput(
            f"amount={plain(amount)}: api_version='v1' takes a whole number only, which cannot carry it exactly: "
            "use 'v3'"
        )


def full_remark(mark: str, remark: str, limit: int = DEFAULT_REMARK_LIMIT) -> str:
    """
    Return what is sent as remark: the marker, then the caller's words.

    :raise InvalidInput: when they do not fit beside the marker; they are not cut
    """
    if limit < MARKER_LENGTH:
        raise InvalidInput(f"remark_limit={limit}: the marker alone takes {MARKER_LENGTH} characters")
    if not _REMARK.fullmatch(remark):
        raise InvalidInput(f"remark={remark!r}: letters, digits, '_' and '-' only")
    whole = f"{mark}-{remark}" if remark else mark
    if len(whole) > limit:
        raise InvalidInput(
            f"remark={remark!r} is of {len(remark)} characters, {max(0, limit - MARKER_LENGTH - 1)} fit beside the "
            f"marker that finds the withdrawal again (remark_limit={limit}); it is not cut. Shorten it, or raise "
            "remark_limit on the connection if your account is known to take longer remarks"
        )
    return whole


# --------------------------------------------------------------------------------------------------- finding it again


def same_amount(wanted: Order, row: Mapping[str, Any]) -> bool:
    """
    Return whether a row of the history is about the order's amount.

    With EXTERNAL fees the history shows what arrives (KuCoin's samples). With INTERNAL ones it is UNVERIFIED whether
    it shows the amount with or without the fee, so either counts.
    """
    amount, fee = number(row.get("amount")), number(row.get("fee")) or Decimal(0)
    if amount is None:
        return False
    if wanted.fee_deduct_type == "INTERNAL":
        return wanted.amount in {amount, EXACT.add(amount, fee)}
    return wanted.amount == amount


def same_address(wanted: Order, row: Mapping[str, Any]) -> bool:
    """
    Return whether a row of the history is about the order's address.

    KuCoin's samples show some with ``*`` in place of a part (UNVERIFIED whether its answers do), and an address in
    hexadecimal digits means the same in any case.
    """
    first, *rest = re.split(r"\*+", str(row.get("address") or "").lower())
    address = wanted.address.lower()
    if not rest:
        return address == first
    # Not a pattern with a wildcard for each star: many of them would be tried in all ways.
    *middle, last = rest
    at = len(first)
    for part in middle:
        found = address.find(part, at + 1)
        if found < 0:
            return False
        at = found + len(part)
    return address.startswith(first) and address.endswith(last) and at < len(address) - len(last)


def differences(wanted: Order, row: Mapping[str, Any]) -> list[str]:
    """Return in what a withdrawal differs from the order, in words; nothing when it is the order's."""
    found = []
    if row.get("currency") != wanted.currency:
        found.append(f"currency {_short(row.get('currency'))} instead of {wanted.currency!r}")
    if not same_amount(wanted, row):
        found.append(f"amount {_short(row.get('amount'))} instead of {plain(wanted.amount)!r}")
    if not same_address(wanted, row):
        found.append(f"address {short_address(str(row.get('address')))!r} instead of {short_address(wanted.address)!r}")
    if (row.get("memo") or None) != wanted.memo:
        found.append(f"memo {_short(row.get('memo'))} instead of {wanted.memo!r}")
    # Rows within KuCoin have no chain; the list gives its id, a withdrawal by id both id and name.
    chains = {str(row[name]).lower() for name in ("chain", "chainId", "chainName") if row.get(name)}
    if chains and wanted.chain and wanted.chain.lower() not in chains:
        found.append(f"chain {_short('/'.join(sorted(chains)))} instead of {wanted.chain!r}")
    return found


def looks_alike(wanted: Order, row: Mapping[str, Any], since_ms: int) -> bool:
    """
    Return whether a row without our marker could be our order all the same, its remark lost on the way.

    That is: the same currency, address and amount, not before ``since_ms``, and no other payment's marker. KuCoin
    gives the time in whole seconds, rounded down. What it gives as address of a UID, an e-mail address or a telephone
    number is UNVERIFIED, so there any address counts.
    """
    created_at = row.get("createdAt")
    return (
        row.get("currency") == wanted.currency
        and (wanted.withdraw_type != "ADDRESS" or same_address(wanted, row))
        and same_amount(wanted, row)
        and (not isinstance(created_at, int) or created_at >= since_ms // 1000 * 1000)
        and not is_marker(str(row.get("remark") or ""))
    )


def spent(rows: Sequence[Mapping[str, Any]], currency: str) -> Decimal:
    """
    Return what rows of the history add up to, failed ones aside.

    :raise UnexpectedData: for an amount that is no number: then the sum is not known
    """
    total = Decimal(0)
    for row in rows:
        if row.get("currency") == currency and outcome(row.get("status")) is not Outcome.FAILED:
            amount = number(row.get("amount"))
            if amount is None:
                raise UnexpectedData(f"KuCoin's history holds a withdrawal of {_short(row.get('amount'))} {currency}")
            total = EXACT.add(total, amount)
    return total


def wallet_tx_id(withdrawal: Mapping[str, Any]) -> str | None:
    """Return the transaction's id on its chain; KuCoin may append something after an ``@``."""
    return str(withdrawal.get("walletTxId") or "").partition("@")[0] or None


def number(value: object) -> Decimal | None:
    """Return KuCoin's number as a decimal, ``None`` when it is none, or no amount of money that there could be."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    exponent = found.as_tuple().exponent
    if not isinstance(exponent, int) or found.adjusted() > MOST_DIGITS or exponent < -MOST_DIGITS:
        # Not finite; or, written out, as much as would fill the memory.
        return None
    return found


def _short(value: object) -> str:
    return repr(value)[:80]


#: Before the point, and after it: more than any amount has.
MOST_DIGITS = 60
FeeDeductType = Literal["EXTERNAL", "INTERNAL"]
WithdrawType = Literal["ADDRESS", "UID", "MAIL", "PHONE"]
