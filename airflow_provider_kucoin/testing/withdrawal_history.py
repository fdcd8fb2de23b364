"""
What KuCoin tells about withdrawals, and how to cancel one.

https://www.kucoin.com/docs-new/api-3470145 (list), https://www.kucoin.com/docs-new/api-3471890 (by id),
https://www.kucoin.com/docs-new/api-3470144 (cancel), https://www.kucoin.com/docs-new/api-3470308 (the old list).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import history_windows, pages, wire
from airflow_provider_kucoin.testing.amounts import padded
from airflow_provider_kucoin.testing.refusals import bad_parameter
from airflow_provider_kucoin.testing.withdrawals import FINAL, PROCESSING

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply
    from airflow_provider_kucoin.testing.withdrawals import Withdrawal

STATUSES: Final = ("PROCESSING", "REVIEW", "WALLET_PROCESSING", "SUCCESS", "FAILURE")
OLD_STATUSES: Final = ("PROCESSING", "SUCCESS", "FAILURE")


def withdrawals(call: Call) -> Reply:
    """Answer GET /api/v1/withdrawals."""
    exchange, readings = call.exchange, call.exchange.readings
    page = pages.asked_for(call)
    currency = history_windows.currency(call)
    status = call.choice("status", STATUSES)
    span = history_windows.span(call)
    found = [
        one
        for one in _newest_first(exchange, call.key.uid, old=False)
        if one.created_at_ms + readings.history_lag_ms <= call.now_ms
        and currency in (None, one.currency)
        and status in (None, one.status)
        and history_windows.shown_time(one.created_at_ms, readings) in span
    ]
    shown = page.of(found)
    items = [json.dumps(shown_item(one, readings), separators=(",", ":"), ensure_ascii=False) for one in shown]
    for one in shown:
        exchange.withdrawal_book.look(one, call.now_ms)
    return pages.answer(page, len(found), items, readings)


def withdrawal(call: Call) -> Reply:
    """Answer GET /api/v1/withdrawals/{withdrawalId}."""
    exchange, readings = call.exchange, call.exchange.readings
    found = exchange.withdrawal_book.get(call.variables["withdrawalId"], call.key.uid)
    lag = readings.history_lag_ms if readings.by_id_lag_ms is None else readings.by_id_lag_ms
    if found is None or found.created_at_ms + lag > call.now_ms:
        if readings.unknown_withdrawal == "null":
            return wire.success(b"null")
        # How KuCoin answers this is not known.
        raise bad_parameter("withdrawal does not exist")
    reply = wire.success(wire.encode(_detail(found, call)))
    exchange.withdrawal_book.look(found, call.now_ms)
    return reply


def cancel(call: Call) -> Reply:
    """Answer DELETE /api/v1/withdrawals/{withdrawalId}: only what is PROCESSING can be cancelled."""
    found = call.exchange.withdrawal_book.get(call.variables["withdrawalId"], call.key.uid)
    # How KuCoin answers these two is not known.
    if found is None:
        raise bad_parameter("withdrawal does not exist")
    if cancel_type(found) != "CANCELABLE":
        raise bad_parameter("the withdrawal can not be canceled")
    call.exchange.withdrawal_book.cancel(found, call.now_ms)
    return wire.success(b"null")


def old_withdrawals(call: Call) -> Reply:
    """Answer GET /api/v1/hist-withdrawals: no id, no remark, no fee, no chain, and times in seconds."""
    page = pages.asked_for(call)
    currency = history_windows.currency(call)
    status = call.choice("status", OLD_STATUSES)
    span = history_windows.old_span(call)
    found = [
        item
        for time_ms, item in listed(call.exchange, call.key.uid, old=True)
        if time_ms in span and currency in (None, item["currency"]) and status in (None, item["status"])
    ]
    items = [wire.encode(item).decode() for item in page.of(found)]
    return pages.answer(page, len(found), items, call.exchange.readings)


def listed(exchange: Exchange, uid: int, *, old: bool = False) -> list[tuple[int, dict[str, Any]]]:
    """Return a user's withdrawals as they are listed, newest first, and the time of each in milliseconds."""
    found = _newest_first(exchange, uid, old=old)
    if old:
        return [(one.created_at_ms // 1000 * 1000, old_item(one)) for one in found]
    items = (shown_item(one, exchange.readings) for one in found)
    return [(item["createdAt"], item) for item in items]


def cancel_type(withdrawal: Withdrawal) -> str:
    """Return whether it can be cancelled, as KuCoin says it."""
    if withdrawal.status != PROCESSING:
        return "NON_CANCELABLE"
    return "CANCELABLE" if withdrawal.cancelled_at_ms is None else "CANCELING"


def _newest_first(exchange: Exchange, uid: int, *, old: bool) -> list[Withdrawal]:
    readings = exchange.readings
    found = [
        one
        for one in exchange.withdrawal_book.of(uid)
        if history_windows.is_listed(one.created_at_ms, readings, old=old) and not exchange.histories.is_removed(one.id)
    ]
    found.sort(key=lambda one: _listed_at(one, readings, old=old), reverse=True)
    return found


def _listed_at(withdrawal: Withdrawal, readings: Readings, *, old: bool) -> int:
    if old:
        return withdrawal.created_at_ms // 1000
    return history_windows.shown_time(withdrawal.created_at_ms, readings)


def old_item(withdrawal: Withdrawal) -> dict[str, Any]:
    """Return a withdrawal as the old list has it."""
    return {
        "currency": withdrawal.currency,
        "createAt": withdrawal.created_at_ms // 1000,
        "amount": f"{withdrawal.arriving:f}",
        "address": withdrawal.address,
        "walletTxId": withdrawal.wallet_tx_id,
        "isInner": withdrawal.is_inner,
        "status": withdrawal.status if withdrawal.status in FINAL else PROCESSING,
    }


def shown_item(withdrawal: Withdrawal, readings: Readings) -> dict[str, Any]:
    """Return a withdrawal as it is listed."""
    item: dict[str, Any] = {"id": withdrawal.id} if readings.list_rows_have_id else {}
    item |= {
        "currency": withdrawal.currency,
        "chain": "" if withdrawal.is_inner and readings.inner_chain == "empty" else withdrawal.chain,
        "status": withdrawal.status,
        "address": withdrawal.address,
        "memo": withdrawal.memo,
        "isInner": withdrawal.is_inner,
        "amount": _amount(withdrawal, readings),
        "fee": padded(withdrawal.fee),
        "walletTxId": _tx_id(withdrawal, readings),
        "createdAt": history_windows.shown_time(withdrawal.created_at_ms, readings),
        "updatedAt": history_windows.shown_time(withdrawal.updated_at_ms, readings),
        "remark": _remark(withdrawal, readings),
    }
    if not readings.list_rows_have_id:
        item["arrears"] = False
    if readings.withdrawal_extras:
        reason = {"failureReason": withdrawal.failure_reason, "failureReasonMsg": withdrawal.failure_message}
        item |= {"subStatus": withdrawal.status, **reason}
    return item


def _detail(withdrawal: Withdrawal, call: Call) -> dict[str, Any]:
    readings = call.exchange.readings
    currency = call.exchange.currencies.get(withdrawal.currency, {"name": withdrawal.currency})
    returned = withdrawal.return_amount
    return {
        "id": withdrawal.id,
        "uid": withdrawal.uid,
        "currency": withdrawal.currency,
        "chainId": withdrawal.chain,
        "chainName": withdrawal.chain_name,
        "currencyName": currency["name"],
        "status": withdrawal.status,
        "failureReason": withdrawal.failure_reason,
        "failureReasonMsg": withdrawal.failure_message,
        "address": withdrawal.address,
        "memo": withdrawal.memo,
        "isInner": withdrawal.is_inner,
        "amount": _amount(withdrawal, readings),
        "fee": padded(withdrawal.fee),
        "walletTxId": _tx_id(withdrawal, readings),
        "addressRemark": None,
        "remark": _remark(withdrawal, readings),
        "createdAt": history_windows.shown_time(withdrawal.created_at_ms, readings),
        "cancelType": cancel_type(withdrawal),
        "taxes": None,
        "taxDescription": None,
        "returnStatus": withdrawal.return_status,
        "returnAmount": None if returned is None else padded(returned),
        "returnCurrency": withdrawal.return_currency,
    }


def _amount(withdrawal: Withdrawal, readings: Readings) -> str:
    return padded(withdrawal.arriving if readings.internal_amount == "net" else withdrawal.amount)


def _tx_id(withdrawal: Withdrawal, readings: Readings) -> str | None:
    return withdrawal.wallet_tx_id or (None if readings.no_tx_id == "null" else "")


def _remark(withdrawal: Withdrawal, readings: Readings) -> str | None:
    if readings.remark == "null":
        return None
    sent = withdrawal.remark or ""
    if isinstance(readings.remark, int):
        return sent[: readings.remark]
    return "" if readings.remark == "dropped" else sent
