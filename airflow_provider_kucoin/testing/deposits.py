"""
Money that comes in, and where to send it.

https://www.kucoin.com/docs-new/api-3470141 (history) and https://www.kucoin.com/docs-new/api-3470140 (addresses).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import histories, pages, wire
from airflow_provider_kucoin.testing.amounts import padded
from airflow_provider_kucoin.testing.refusals import invalid_chain

if TYPE_CHECKING:
    from decimal import Decimal

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply

# What may be asked for; `status` of an answer has also those that came later, such as PRE_SUCCESS and ROLLBACK.
STATUSES: Final = ("PROCESSING", "SUCCESS", "FAILURE")
# While it is in one of these, the money is in the account. PRE_SUCCESS: before the last confirmations.
CREDITED: Final = ("SUCCESS", "PRE_SUCCESS")


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
    exchange.balances.move(deposit.currency, deposit.account, amount, uid=deposit.uid)
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
    readings = call.exchange.readings
    page = pages.asked_for(call)
    currency = histories.currency(call)
    status = call.choice("status", STATUSES)
    span = histories.span(call)
    found = [
        one
        for one in reversed(call.exchange.deposits)
        if one.uid == call.key.uid
        and currency in (None, one.currency)
        and status in (None, one.status)
        and histories.shown_time(one.created_at_ms, readings) in span
    ]
    found.sort(key=lambda one: histories.shown_time(one.created_at_ms, readings), reverse=True)
    items = [wire.encode(_item(one, readings)).decode() for one in page.of(found)]
    return pages.answer(page, len(found), items, readings)


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


def _item(deposit: Deposit, readings: Readings) -> dict[str, Any]:
    item: dict[str, Any] = {"id": deposit.id} if readings.deposit_rows_have_id else {}
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
        "createdAt": histories.shown_time(deposit.created_at_ms, readings),
        "updatedAt": histories.shown_time(deposit.updated_at_ms, readings),
        "remark": deposit.remark,
        "arrears": deposit.arrears,
    }
