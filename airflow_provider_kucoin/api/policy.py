"""
What a connection's owner allows: whether money may leave at all, to whom, and how much.

Policy sits on the connection because whoever owns the connection is not whoever writes the DAG.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.errors import InvalidInput, PolicyRefused
from airflow_provider_kucoin.api.withdrawals import (
    DEFAULT_REMARK_LIMIT,
    EXACT,
    WITHDRAW_TYPES,
    Order,
    parse_amount,
    plain,
    short_address,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

_WHOLE = re.compile(r"[0-9]*")


@dataclass(frozen=True, slots=True)
class Destination:
    """
    An entry of the address book. What it pins cannot be overridden.

    :param withdraw_type: ``ADDRESS`` unless it says otherwise
    """

    currency: str
    address: str
    chain: str | None = None
    memo: str | None = None
    withdraw_type: str = "ADDRESS"


@dataclass(frozen=True, slots=True)
class Limit:
    """
    The most that may leave of one currency.

    :param per_withdrawal: in one withdrawal; ``None`` for no limit
    :param per_day: in one UTC day; ``None`` for no limit
    """

    per_withdrawal: Decimal | None = None
    per_day: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """
    A connection's policy.

    :param enabled: whether the connection may move money out at all
    :param destinations: the address book by alias; ``None`` when there is none, and then any address may be paid
    :param limits: by currency; when there are any, a currency without one may not be withdrawn
    :param remark_limit: the most characters of a remark
    """

    enabled: bool = False
    destinations: Mapping[str, Destination] | None = None
    limits: Mapping[str, Limit] | None = None
    remark_limit: int = DEFAULT_REMARK_LIMIT

    def limit(self, currency: str) -> Limit:
        """Return the limit of a currency."""
        return (self.limits or {}).get(currency, Limit())


def parse_policy(conn_id: str, extra: Mapping[str, Any], *, enabled: bool) -> Policy:
    """
    Return the policy in a connection's extra fields.

    :raise InvalidInput: for a policy that cannot be understood: it is refused as a whole rather than in part ignored
    """
    limit = extra.get("remark_limit")
    if limit is not None and not (type(limit) is int or (isinstance(limit, str) and _WHOLE.fullmatch(limit))):
        raise InvalidInput(f"connection {conn_id!r}: remark_limit={limit!r} is not a whole number")
    book = _mapping(conn_id, "withdraw_destinations", extra.get("withdraw_destinations"))
    limits = _mapping(conn_id, "withdraw_limits", extra.get("withdraw_limits"))
    return Policy(
        enabled=enabled,
        destinations=None
        if book is None
        else {alias: _destination(conn_id, alias, row) for alias, row in book.items()},
        limits=None
        if limits is None
        else {currency: _limit(conn_id, currency, row) for currency, row in limits.items()},
        remark_limit=DEFAULT_REMARK_LIMIT if limit is None or limit == "" else int(limit),
    )


def _mapping(conn_id: str, name: str, given: Any) -> dict[str, Any] | None:
    """Return a field that holds JSON, as an object or as text; ``None`` when it is empty."""
    if given is None or given == "":
        return None
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise InvalidInput(f"connection {conn_id!r}: extra field {name!r} is not JSON") from None
    if not isinstance(given, dict):
        raise InvalidInput(f"connection {conn_id!r}: extra field {name!r} is not a JSON object")
    return given


def _destination(conn_id: str, alias: str, row: Any) -> Destination:
    known = {"currency", "address", "chain", "memo", "withdraw_type"}
    if not isinstance(row, dict) or not row.keys() <= known or not row.get("currency") or not row.get("address"):
        raise InvalidInput(
            f"connection {conn_id!r}: destination {alias!r} must have currency and address, and may have chain, memo "
            "and withdraw_type, nothing else"
        )
    # UIDs and memos look like numbers, and are written as such.
    fields = {name: str(value) if type(value) is int else value for name, value in row.items() if value is not None}
    for name, value in fields.items():
        if not isinstance(value, str) or value != value.strip():
            raise InvalidInput(
                f"connection {conn_id!r}: {name}={value!r} of destination {alias!r}: give it as text, without blanks "
                "around it"
            )
    found = Destination(**{name: value for name, value in fields.items() if value})
    if found.withdraw_type not in WITHDRAW_TYPES:
        raise InvalidInput(
            f"connection {conn_id!r}: withdraw_type={found.withdraw_type!r} of destination {alias!r} is not one of "
            f"{', '.join(map(repr, WITHDRAW_TYPES))}"
        )
    return found


def _limit(conn_id: str, currency: str, row: Any) -> Limit:
    if not isinstance(row, dict) or not row or not row.keys() <= {"per_withdrawal", "per_day"}:
        raise InvalidInput(
            f"connection {conn_id!r}: the limit of {currency!r} must have per_withdrawal or per_day, nothing else"
        )
    try:
        return Limit(**{name: parse_amount(value) for name, value in row.items()})
    except (TypeError, InvalidInput) as problem:
        raise InvalidInput(f"connection {conn_id!r}: the limit of {currency!r}: {problem}") from None


# ------------------------------------------------------------------------------------------------------------- checks


def pinned(policy: Policy, conn_id: str, destination: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return an order's parameters with what a destination of the address book pins.

    :param destination: the alias; ``None`` to use ``to_address`` of ``given``
    :raise InvalidInput: when both are given, or neither, or a parameter contradicts the address book
    """
    if (destination is None) == (given.get("to_address") is None):
        raise InvalidInput("give either destination (an alias of the connection's address book) or to_address")
    if destination is None:
        return dict(given)
    entry = (policy.destinations or {}).get(destination)
    if entry is None:
        known = ", ".join(map(repr, policy.destinations or {})) or "it is empty"
        raise PolicyRefused(
            f"destination={destination!r} is not in the address book of connection {conn_id!r}: {known}"
        )
    found = dict(given, to_address=entry.address)
    for name in ("currency", "chain", "memo", "withdraw_type"):
        fixed, asked = getattr(entry, name), given.get(name)
        # ADDRESS is the parameter's default, so it says nothing against an entry of another type.
        if asked not in (None, "", fixed) and not (name == "withdraw_type" and asked == "ADDRESS"):
            raise PolicyRefused(f"{name}={asked!r}: destination {destination!r} pins {fixed!r}")
        found[name] = fixed
    return found


def check_static(policy: Policy, conn_id: str, wanted: Order) -> None:
    """
    Check all of the policy that can be checked without asking KuCoin.

    :raise PolicyRefused: naming the rule and the value
    """
    if not policy.enabled:
        raise PolicyRefused(
            f"connection {conn_id!r} may not withdraw: its owner has not set the extra field 'withdrawals_enabled'"
        )
    if policy.destinations is not None and not any(_is_entry(entry, wanted) for entry in policy.destinations.values()):
        raise PolicyRefused(
            f"{wanted.currency} to {short_address(wanted.address)} on {wanted.chain!r} with memo {wanted.memo!r} is "
            f"not in the address book of connection {conn_id!r}, and nothing outside it can be paid"
        )
    if policy.limits is not None and wanted.currency not in policy.limits:
        raise PolicyRefused(
            f"connection {conn_id!r} has withdraw_limits, but none for {wanted.currency}: its owner must add one"
        )
    most = policy.limit(wanted.currency).per_withdrawal
    if most is not None and wanted.amount > most:
        raise PolicyRefused(
            f"amount {plain(wanted.amount)} {wanted.currency} is above per_withdrawal={plain(most)} of connection "
            f"{conn_id!r}"
        )


def check_day(policy: Policy, conn_id: str, wanted: Order, spent_today: Decimal) -> None:
    """
    Check the limit of the UTC day.

    :param spent_today: what KuCoin's own history adds up to for this UTC day
    :raise PolicyRefused: when this order would take it above the limit
    """
    most = policy.limit(wanted.currency).per_day
    if most is not None and EXACT.add(spent_today, wanted.amount) > most:
        raise PolicyRefused(
            f"amount {plain(wanted.amount)} {wanted.currency}: {plain(spent_today)} were withdrawn this UTC day, and "
            f"connection {conn_id!r} allows per_day={plain(most)}"
        )


def _is_entry(entry: Destination, wanted: Order) -> bool:
    return entry == Destination(wanted.currency, wanted.address, wanted.chain, wanted.memo, wanted.withdraw_type)


__all__ = [
    "Destination",
    "Limit",
    "Policy",
    "check_day",
    "check_static",
    "parse_policy",
    "pinned",
]
