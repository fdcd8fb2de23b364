"""
GET /api/v1/withdrawals/quotas: what may still be withdrawn, and at what cost.

https://www.kucoin.com/docs-new/api-3470143. KuCoin's limit is one for all currencies, in BTC and in USDT; this exchange
knows no prices, so that each currency has a limit of its own (`Exchange.daily_limits`), in its own units.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import reference, wire
from airflow_provider_kucoin.testing.amounts import padded, plain
from airflow_provider_kucoin.testing.refusals import bad_parameter, invalid_chain
from airflow_provider_kucoin.testing.withdrawals import FAILURE

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.wire import Reply

DAY_MS: Final = 86_400_000
LIMIT_BTC: Final = "15.79590095"
LIMIT_QUOTA_CURRENCY: Final = "999999.00000000"
QUOTA_CURRENCY: Final = "USDT"
DEFAULT_LIMITS: Final = {"BTC": LIMIT_BTC, QUOTA_CURRENCY: LIMIT_QUOTA_CURRENCY}


def quota(call: Call) -> Reply:
    """Answer GET /api/v1/withdrawals/quotas."""
    exchange, uid = call.exchange, call.key.uid
    code = call.required("currency")
    detail = exchange.currencies.get(code)
    if detail is None or not detail["chains"]:
        # How KuCoin answers this is not known.
        raise bad_parameter("currency does not exist")
    chain = _chain(call, detail)
    fields = {
        "currency": code,
        "limitBTCAmount": LIMIT_BTC,
        "usedBTCAmount": padded(used(exchange, uid, "BTC", call.now_ms)),
        "quotaCurrency": QUOTA_CURRENCY,
        "limitQuotaCurrencyAmount": LIMIT_QUOTA_CURRENCY,
        "usedQuotaCurrencyAmount": plain(used(exchange, uid, QUOTA_CURRENCY, call.now_ms)),
        "remainAmount": plain(max(remaining(exchange, uid, code, call.now_ms), Decimal(0))),
        "availableAmount": plain(exchange.balances.available(code, "main", uid)),
        "withdrawMinFee": chain["withdrawalMinFee"],
        "innerWithdrawMinFee": "0",
        "withdrawMinSize": chain["withdrawalMinSize"],
        "isWithdrawEnabled": chain["isWithdrawEnabled"],
        "precision": chain["withdrawPrecision"],
        "chain": chain["chainName"],
        "reason": None,
        "lockedAmount": "0",
    }
    return wire.success(wire.encode(fields))


def fee(chain: dict[str, Any], amount: Decimal) -> Decimal:
    """Return what a withdrawal costs. How `withdrawFeeRate` and the minimum go together is inferred from the names."""
    return max(Decimal(chain["withdrawalMinFee"]), Decimal(chain["withdrawFeeRate"]) * amount)


def used(exchange: Exchange, uid: int, currency: str, now_ms: int) -> Decimal:
    """Return how much of a currency was withdrawn "today"; what has failed does not count."""
    start = now_ms - DAY_MS + 1 if exchange.readings.quota_day == "rolling_24h" else now_ms // DAY_MS * DAY_MS
    amounts = (
        one.amount
        for one in exchange.withdrawal_book.of(uid)
        if one.currency == currency and one.status != FAILURE and start <= one.created_at_ms <= now_ms
    )
    return sum(amounts, start=Decimal(0))


def remaining(exchange: Exchange, uid: int, currency: str, now_ms: int) -> Decimal:
    """Return how much of a currency may be withdrawn today still."""
    return Decimal(exchange.daily_limits.get(currency, LIMIT_QUOTA_CURRENCY)) - used(exchange, uid, currency, now_ms)


def _chain(call: Call, detail: dict[str, Any]) -> dict[str, Any]:
    wanted = call.params.get("chain", "eth")
    chain = reference.find_chain(detail, wanted, by_name=call.exchange.readings.chain_names_accepted)
    if chain is not None:
        return chain
    if call.exchange.readings.quota_of_other_chain == "refused" and "chain" in call.params:
        raise invalid_chain()
    first: dict[str, Any] = detail["chains"][0]
    return first
