"""
Money that moves between accounts: of one user, and of a user and those below.

https://www.kucoin.com/docs-new/api-3470148 (quotas) and https://www.kucoin.com/docs-new/api-3470147 (flex transfer).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_kucoin.testing import moves, wire
from airflow_provider_kucoin.testing.amounts import fits, plain
from airflow_provider_kucoin.testing.bodies import Body
from airflow_provider_kucoin.testing.refusals import Refusal, bad_parameter, not_in_range

if TYPE_CHECKING:
    from decimal import Decimal

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.wire import Reply

QUOTA_TYPES: Final = ("MAIN", "TRADE", "MARGIN", "ISOLATED", "OPTION", "MARGIN_V2", "ISOLATED_V2")
ACCOUNT_TYPES: Final = (*QUOTA_TYPES, "CONTRACT", "UNIFIED")
TAGGED_TYPES: Final = ("ISOLATED", "ISOLATED_V2")
TYPES: Final = ("INTERNAL", "PARENT_TO_SUB", "SUB_TO_PARENT")
MAX_CLIENT_OID_BYTES: Final = 128
_DEFAULT_TAG: Final = "BTC-USDT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One flex transfer that was carried out; accounts as `Balances` names them."""

    order_id: str
    client_oid: str
    uid: int
    type: str
    currency: str
    amount: Decimal
    from_uid: int
    from_account: str
    to_uid: int
    to_account: str
    created_at_ms: int


def transferable(call: Call) -> Reply:
    """Answer GET /api/v1/accounts/transferable."""
    code = call.required("currency")
    call.required("type")
    account_type = call.choice("type", QUOTA_TYPES) or ""
    account = _account(account_type, call.params.get("tag") or _DEFAULT_TAG)
    fields = {"currency": code, "balance": "0", "available": "0", "holds": "0", "transferable": "0"}
    for one in call.exchange.balances.of(call.key.uid):
        if (one.currency, one.type) == (code, account):
            fields |= {"balance": one.balance, "available": one.available, "holds": one.holds}
            fields["transferable"] = one.available
    # For an account that there is not this is a guess.
    return wire.success(wire.encode(fields))


def transfer(call: Call) -> Reply:
    """Answer POST /api/v3/accounts/universal-transfer."""
    exchange, readings = call.exchange, call.exchange.readings
    body = Body(call.body)
    client_oid = body.text("clientOid")
    if len(client_oid.encode()) > MAX_CLIENT_OID_BYTES:
        raise bad_parameter(f"clientOid should not be longer than {MAX_CLIENT_OID_BYTES}")
    first = next((one for one in exchange.transfers if (one.uid, one.client_oid) == (call.key.uid, client_oid)), None)
    if first is not None and readings.duplicate_client_oid != "acted_again":
        if readings.duplicate_client_oid == "refused":
            raise bad_parameter("clientOid is used already")
        return wire.success(wire.encode({"orderId": first.order_id}))
    wanted = _wanted(call, body, client_oid)
    paid_in = moves.currency_of(wanted.from_account, wanted.currency)
    if exchange.balances.available(paid_in, wanted.from_account, wanted.from_uid) < wanted.amount:
        raise Refusal(*readings.transfer_insufficient_funds)
    for account, amount, uid in (
        (wanted.from_account, -wanted.amount, wanted.from_uid),
        (wanted.to_account, wanted.amount, wanted.to_uid),
    ):
        moves.move(
            exchange,
            account,
            wanted.currency,
            amount,
            uid=uid,
            at_ms=wanted.created_at_ms,
            biz_type="TRANSFER" if wanted.type == "INTERNAL" else "SUB_TRANSFER",
            is_booked=readings.transfers_booked,
        )
    exchange.transfers.append(wanted)
    if readings.transfers_booked:
        _book(call, wanted)
    return wire.success(wire.encode({"orderId": wanted.order_id}))


def _wanted(call: Call, body: Body, client_oid: str) -> Transfer:
    exchange = call.exchange
    code = body.text("currency")
    detail = exchange.currencies.get(code)
    if detail is None:
        # How KuCoin answers this is not known.
        raise bad_parameter("currency does not exist")
    amount = body.amount("amount", (str,))
    if not fits(amount, detail["precision"]):
        # Documented is the rule; the words are those that KuCoin has for withdrawals.
        raise bad_parameter("The amount increment is invalid.")
    kind = body.choice("type", TYPES)
    from_uid = to_uid = call.key.uid
    if kind == "PARENT_TO_SUB":
        to_uid = _sub_uid(call, body, "toUserId")
    elif kind == "SUB_TO_PARENT":
        from_uid = _sub_uid(call, body, "fromUserId")
        if call.key.parent_uid is not None:
            to_uid = call.key.parent_uid
    wanted = Transfer(
        order_id=exchange.withdrawal_book.new_id(call.now_ms),
        client_oid=client_oid,
        uid=call.key.uid,
        type=kind,
        currency=code,
        amount=amount,
        from_uid=from_uid,
        from_account=_side(body, "from"),
        to_uid=to_uid,
        to_account=_side(body, "to"),
        created_at_ms=call.now_ms,
    )
    if (wanted.from_uid, wanted.from_account) == (wanted.to_uid, wanted.to_account):
        # How KuCoin answers this is not known.
        raise bad_parameter("payer and recipient are the same account")
    return wanted


def _sub_uid(call: Call, body: Body, name: str) -> int:
    uid = call.exchange.sub_accounts.get(body.text(name))
    if uid is None:
        # How KuCoin answers this is not known.
        raise bad_parameter(f"{name} is no sub-account")
    return uid


def _side(body: Body, side: str) -> str:
    account_type = body.choice(f"{side}AccountType", ACCOUNT_TYPES)
    return _account(account_type, body.text(f"{side}AccountTag") if account_type in TAGGED_TYPES else "")


def _account(account_type: str, tag: str) -> str:
    if account_type not in ACCOUNT_TYPES:
        raise not_in_range()
    return f"{account_type.lower()}:{tag}" if account_type in TAGGED_TYPES else account_type.lower()


def _book(call: Call, done: Transfer) -> None:
    """Book both rows, of one millisecond and with an empty context, as KuCoin's sample of one has it."""
    biz_type = "Transfer" if done.type == "INTERNAL" else "SUB_TRANSFER"
    for direction, uid, account in (("out", done.from_uid, done.from_account), ("in", done.to_uid, done.to_account)):
        call.exchange.book(
            created_at=done.created_at_ms,
            currency=done.currency,
            amount=plain(done.amount),
            direction=direction,
            biz_type=biz_type,
            account_type=account.partition(":")[0].upper(),
            uid=uid,
        )
