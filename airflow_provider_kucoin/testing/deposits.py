"""
Money that comes in, and where to send it.

https://www.kucoin.com/docs-new/api-3470141 (history), https://www.kucoin.com/docs-new/api-3470306 (the old list) and
https://www.kucoin.com/docs-new/api-3470140 (addresses).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import history_windows, moves, pages, wire
from airflow_provider_kucoin.testing.amounts import padded
from airflow_provider_kucoin.testing.refusals import invalid_chain

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply

# What may be asked for; `status` of an answer has also those that came later, such as PRE_SUCCESS and ROLLBACK.
STATUSES: Final = ("PROCESSING", "SUCCESS", "FAILURE")
# While it is in one of these, the money is in the account. PRE_SUCCESS: before the last confirmations.
CREDITED: Final = ("SUCCESS", "PRE_SUCCESS")

# Fields of 2026 that KuCoin's published descriptions have not: the first three were only ever seen null.
_NEVER_SET: Final[dict[str, Any]] = {"subStatus": None, "url": None, "needSubmitWht": None}
_EXTRAS: Final[dict[str, dict[str, Any]]] = {
    "none": {},
    "confirms": {**_NEVER_SET, "failureReason": None, "preConfirms": 1, "confirms": 3, "currentConfirms": 3},
    "confirmation_counts": {
        **_NEVER_SET,
        "preConfirmationCount": 1,
        "confirmationCount": 3,
        "confirmation": 3,
    },
}


@dataclass(slots=True, kw_only=True)
class Deposit:
    """One deposit; times to the millisecond."""

    id: str
    uid: int
    currency: str
    chain: str
    chain_name: str
    address: str
    memo: str
    is_inner: bool
    amount: Decimal
    fee: Decimal
    wallet_tx_id: str | None
    status: str
    created_at_ms: int
    updated_at_ms: int
    remark: str
    account: str
    arrears: bool = False
    is_credited: bool = False


def enter(exchange: Exchange, deposit: Deposit, status: str, now_ms: int) -> None:
    """Give a deposit another status, and put its money into the account or take it out again."""
    deposit.status, deposit.updated_at_ms = status, now_ms
    credited = status in CREDITED
    if credited == deposit.is_credited:
        return
    deposit.is_credited = credited
    amount = deposit.amount if credited else -deposit.amount
    moves.move(
        exchange,
        deposit.account,
        deposit.currency,
        amount,
        uid=deposit.uid,
        at_ms=now_ms,
        biz_type="OTHER",
        is_booked=exchange.readings.deposits_booked,
    )
    if exchange.readings.deposits_booked:
        context = {"orderId": deposit.id, "txId": deposit.wallet_tx_id or ""}
        exchange.book(
            created_at=now_ms,
            currency=deposit.currency,
            amount=deposit.amount,
            direction="in" if credited else "out",
            biz_type="Deposit",
            account_type=deposit.account.upper(),
            context=json.dumps(context, separators=(",", ":")),
            uid=deposit.uid,
        )


def deposits(call: Call) -> Reply:
    """Answer GET /api/v1/deposits."""
    return _answer(call, history_windows.span, old=False)


def old_deposits(call: Call) -> Reply:
    """Answer GET /api/v1/hist-deposits: no id, no address, no fee, no chain, and times in seconds."""
    return _answer(call, history_windows.old_span, old=True)


def listed(exchange: Exchange, uid: int, *, old: bool = False) -> list[tuple[int, dict[str, Any]]]:
    """Return a user's deposits as they are listed, newest first, and the time of each in milliseconds."""
    readings = exchange.readings
    found = [
        (item["createAt"] * 1000, item) if old else (item["createdAt"], item)
        for one in reversed(exchange.deposits)
        if one.uid == uid
        and history_windows.is_listed(one.created_at_ms, readings, old=old)
        and not exchange.histories.is_removed(one.id)
        for item in [old_item(one) if old else shown_item(one, readings)]
    ]
    found.sort(key=itemgetter(0), reverse=True)
    return found


def _answer(call: Call, asked_for: Callable[[Call], range], *, old: bool) -> Reply:
    page = pages.asked_for(call)
    currency = history_windows.currency(call)
    status = call.choice("status", STATUSES)
    span = asked_for(call)
    found = [
        item
        for time_ms, item in listed(call.exchange, call.key.uid, old=old)
        if time_ms in span and currency in (None, item["currency"]) and status in (None, item["status"])
    ]
    items = [wire.encode(item).decode() for item in page.of(found)]
    return pages.answer(page, len(found), items, call.exchange.readings)


def addresses(call: Call) -> Reply:
    """Answer GET /api/v3/deposit-addresses: those that there are; none is made by asking."""
    currency, chain = call.required("currency"), call.params.get("chain")
    if chain and not any(
        chain == one["chainId"] for each in call.exchange.currencies.values() for one in each["chains"] or ()
    ):
        raise invalid_chain()
    found = [
        fields
        for uid, fields in call.exchange.deposit_addresses
        if uid == call.key.uid and fields["currency"] == currency and chain in (None, "", fields["chainId"])
    ]
    return wire.success(wire.encode(found))


def shown_item(deposit: Deposit, readings: Readings) -> dict[str, Any]:
    """Return a deposit as it is listed."""
    has_id = readings.deposit_rows_have_id or readings.deposit_extras != "none"
    item: dict[str, Any] = {"id": deposit.id} if has_id else {}
    return item | {
        "currency": deposit.currency,
        "chain": deposit.chain if readings.deposit_chain == "id" else deposit.chain_name,
        "status": deposit.status,
        "address": deposit.address,
        "memo": deposit.memo,
        "isInner": deposit.is_inner,
        "amount": padded(deposit.amount),
        "fee": padded(deposit.fee),
        "walletTxId": deposit.wallet_tx_id,
        "createdAt": history_windows.shown_time(deposit.created_at_ms, readings),
        "updatedAt": history_windows.shown_time(deposit.updated_at_ms, readings),
        "remark": deposit.remark,
        "arrears": deposit.arrears,
        **_EXTRAS[readings.deposit_extras],
    }


def old_item(deposit: Deposit) -> dict[str, Any]:
    """Return a deposit as the old list has it."""
    return {
        "currency": deposit.currency,
        "createAt": deposit.created_at_ms // 1000,
        "amount": f"{deposit.amount:f}",
        "walletTxId": deposit.wallet_tx_id,
        "isInner": deposit.is_inner,
        "status": deposit.status if deposit.status in STATUSES else "PROCESSING",
    }
