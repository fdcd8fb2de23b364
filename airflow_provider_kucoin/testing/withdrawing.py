"""
POST /api/v3/withdrawals and its abandoned forerunner, POST /api/v1/withdrawals.

https://www.kucoin.com/docs-new/api-3470146 and https://www.kucoin.com/docs-new/api-3470310. Nothing here tells a second
request from a first: KuCoin has no client id for withdrawals. The order in which it looks at things is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import quotas, reference, refusals, wire
from airflow_provider_kucoin.testing.amounts import EXACT, fits
from airflow_provider_kucoin.testing.bodies import Body
from airflow_provider_kucoin.testing.refusals import Refusal, bad_parameter
from airflow_provider_kucoin.testing.withdrawals import Withdrawal

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply

# What a destination looks like that is no address; roughly so, as KuCoin's rules are not known.
DIRECT_TYPES: Final = {
    "UID": re.compile(r"[0-9]+"),
    "MAIL": re.compile(r"[^@\s]+@[^@\s]+"),
    "PHONE": re.compile(r"[0-9]+-[0-9]+"),
}
FEE_DEDUCT_TYPES: Final = ("INTERNAL", "EXTERNAL")
# Documented for all: an omitted chain is Ethereum, whatever the currency.
DEFAULT_CHAIN: Final = "eth"
# Requests by UID, MAIL or PHONE: so many within so many milliseconds, counted from the first one.
DIRECT_LIMITS: Final = ((3, 10_000), (50, 86_400_000))


@dataclass(frozen=True, slots=True)
class Order:
    """What a request wants, the same for both versions."""

    version: str
    currency: str
    address: str
    withdraw_type: str
    amount: Decimal
    chain: str
    memo: str | None
    is_inner: bool
    remark: str | None
    fee_deduct_type: str | None

    @property
    def is_direct(self) -> bool:
        """Whether it goes to a user of KuCoin by another name than an address."""
        return self.withdraw_type != "ADDRESS"


def withdraw_v3(call: Call) -> Reply:
    """Answer POST /api/v3/withdrawals."""
    readings = call.exchange.readings
    body = Body(call.body)
    given = body.optional_choice("withdrawType", ("ADDRESS", *DIRECT_TYPES))
    if given is None and readings.withdraw_type_required:
        raise bad_parameter("withdrawType is required")
    kinds = (str,) if readings.v3_amount == "text" else (str, int, Decimal)
    return _withdraw(call, _order(body, "v3", body.text("toAddress"), given or "ADDRESS", body.amount("amount", kinds)))


def withdraw_v1(call: Call) -> Reply:
    """Answer POST /api/v1/withdrawals."""
    readings = call.exchange.readings
    if readings.v1_withdrawals == "deprecated":
        raise refusals.deprecated()
    body = Body(call.body)
    kinds = (int,) if readings.v1_amount == "integer" else (int, Decimal)
    return _withdraw(call, _order(body, "v1", body.text("address"), "ADDRESS", body.amount("amount", kinds)))


def _order(body: Body, version: str, address: str, withdraw_type: str, amount: Decimal) -> Order:
    return Order(
        version=version,
        currency=body.text("currency"),
        address=address,
        withdraw_type=withdraw_type,
        amount=amount,
        chain=body.optional_text("chain") or DEFAULT_CHAIN,
        memo=body.optional_text("memo"),
        is_inner=body.flag("isInner"),
        remark=body.optional_text("remark"),
        fee_deduct_type=body.optional_choice("feeDeductType", FEE_DEDUCT_TYPES),
    )


def _withdraw(call: Call, order: Order) -> Reply:
    exchange, readings, uid = call.exchange, call.exchange.readings, call.key.uid
    detail = exchange.currencies.get(order.currency)
    if detail is None:
        # How KuCoin answers this is not known.
        raise bad_parameter("currency does not exist")
    if readings.remark_limit is not None and len(order.remark or "") > readings.remark_limit:
        raise bad_parameter(f"remark should not be longer than {readings.remark_limit}")
    if order.is_direct:
        chain = None
        if not DIRECT_TYPES[order.withdraw_type].fullmatch(order.address):
            raise refusals.incorrect_address()
        _limit_direct(call)
    else:
        chain = _chain(call, order, detail)
        _check_address(order, chain, readings)
        if exchange.address_book is not None and (order.address, order.chain) not in exchange.address_book:
            raise refusals.not_in_address_book()
    is_inner = order.is_inner or order.is_direct
    fee = _check_amount(order, detail, None if is_inner else chain)
    fee_deduct_type = _who_pays_the_fee(call, order, fee)
    if order.amount > quotas.remaining(exchange, uid, order.currency, call.now_ms):
        raise Refusal(readings.withdrawal_limit_code, "Withdrawal Limit Exceeded")
    withdrawal = Withdrawal(
        id=exchange.withdrawal_book.new_id(call.now_ms),
        uid=uid,
        currency=order.currency,
        chain=chain["chainId"] if chain else "",
        chain_name=chain["chainName"] if chain else "",
        address=order.address,
        memo=order.memo or "",
        withdraw_type=order.withdraw_type,
        is_inner=is_inner,
        amount=order.amount,
        fee=fee,
        fee_deduct_type=fee_deduct_type,
        remark=order.remark,
        status="",
        created_at_ms=call.now_ms,
        updated_at_ms=call.now_ms,
        version=order.version,
        is_lost=bool(chain and chain["needTag"] and not order.memo),
    )
    exchange.withdrawal_book.accept(withdrawal, exchange.life_cycle)
    return wire.success(wire.encode({"withdrawalId": withdrawal.id}))


def _chain(call: Call, order: Order, detail: dict[str, Any]) -> dict[str, Any]:
    """Return the chain asked for. KuCoin compares in small letters and refuses in one of two ways; which is a guess."""
    chain = reference.find_chain(detail, order.chain, by_name=call.exchange.readings.chain_names_accepted)
    if chain is None:
        known = {one["chainId"] for each in call.exchange.currencies.values() for one in each["chains"] or ()}
        raise refusals.incorrect_address() if order.chain in known else refusals.invalid_chain()
    if not chain["isWithdrawEnabled"]:
        raise refusals.withdraw_disabled()
    return chain


def _check_address(order: Order, chain: dict[str, Any], readings: Readings) -> None:
    shape = reference.ADDRESS_SHAPES.get(chain["chainId"])
    if readings.address_shapes_checked and shape is not None and not shape.fullmatch(order.address):
        raise refusals.incorrect_address()
    if chain["needTag"]:
        if not order.memo and readings.missing_memo == "refused":
            raise bad_parameter("memo is required")
    elif order.memo or (order.memo == "" and readings.empty_memo == "refused"):
        raise refusals.incorrect_address()


def _check_amount(order: Order, detail: dict[str, Any], chain: dict[str, Any] | None) -> Decimal:
    """Refuse an amount that cannot be sent, and return the fee. What stays inside KuCoin has no minimum and no fee."""
    if chain is None:
        if not fits(order.amount, detail["precision"]):
            raise refusals.bad_increment()
        return Decimal(0)
    if not fits(order.amount, chain["withdrawPrecision"]):
        raise refusals.bad_increment()
    fee = quotas.fee(chain, order.amount)
    if order.amount < Decimal(chain["withdrawalMinSize"]):
        raise refusals.below_minimum()
    if order.fee_deduct_type == "INTERNAL" and order.amount <= fee:
        raise refusals.below_minimum()
    return fee


def _who_pays_the_fee(call: Call, order: Order, fee: Decimal) -> str:
    """Return the effective `feeDeductType`: if it was left out, the amount pays for what MAIN cannot."""
    available = call.exchange.balances.available(order.currency, "main", call.key.uid)
    wanted = order.fee_deduct_type
    if wanted is None:
        wanted = "EXTERNAL" if available >= EXACT.add(order.amount, fee) or order.amount <= fee else "INTERNAL"
    if available < EXACT.add(order.amount, fee if wanted == "EXTERNAL" else Decimal(0)):
        raise Refusal(*call.exchange.readings.insufficient_funds)
    return wanted


def _limit_direct(call: Call) -> None:
    """Count a request by UID, MAIL or PHONE. That refused ones count too is an assumption."""
    for limit, window_ms in DIRECT_LIMITS:
        start, count = call.exchange.direct_requests.get((call.key.uid, window_ms), (call.now_ms, 0))
        if call.now_ms - start >= window_ms:
            start, count = call.now_ms, 0
        if count >= limit:
            raise Refusal(call.exchange.readings.direct_limit_code, f"{limit} withdrawals per {window_ms // 1000} s")
        call.exchange.direct_requests[call.key.uid, window_ms] = (start, count + 1)
