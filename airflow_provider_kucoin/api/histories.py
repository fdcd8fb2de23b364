"""
The histories of an account, one row each.

Fields: KuCoin's published OpenAPI descriptions (synced 2025-05-29), and the models of its own Python client 1.3.0 for
lending; convert: tiagosiebler's kucoin-api and ccxt. Windows and retention: as the comments say.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api import endpoints
from airflow_provider_kucoin.api.columns import Column, Kind
from airflow_provider_kucoin.api.datasets import Bounds, Dataset, Kept, Parameter
from airflow_provider_kucoin.api.errors import InvalidInput, UnexpectedData
from airflow_provider_kucoin.api.ledgers import THREE_DAYS, UNDER_A_DAY_MS, UNKNOWN, UNKNOWN_FUTURES
from airflow_provider_kucoin.api.pages import Candles, Numbered, Stretches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kucoin.api.pages import Item
    from airflow_provider_kucoin.api.windows import Window

TEXT, AMOUNT, FLAG, INSTANT = Kind.TEXT, Kind.AMOUNT, Kind.FLAG, Kind.INSTANT

# ------------------------------------------------------------------------------------------------ what KuCoin still has

#: 2019-02-18 00:00 UTC: what is older is in the "hist" lists only (ccxt, rotki).
OLD_UNTIL_MS = 1_550_448_000_000
#: 2023-04-01 00:00 CST (1680278400000): an earlier start is raised to it without a word.
MARGIN_SINCE_MS = 1_680_278_400_000
#: "3 months": 89 days are kept under every reading of three months.
THREE_MONTHS = Kept(timedelta(days=89))
#: Cancelled orders 2 x 24 h, filled ones 7 x 24 h (page of the unified account's order history); 3 x 24 h for both (the
#: old documentation): 48 hours are kept under either.
TWO_DAYS = Kept(timedelta(hours=48))

# ---------------------------------------------------------------------------------------------------- what is asked for

_SYMBOL = Parameter("symbol", "symbol")
_EACH_SYMBOL = Parameter("symbol", "symbol", required=True)
_SIDE = Parameter("side", "side", ("buy", "sell"))
_TYPE = Parameter("order_type", "type")
_CURRENCY = Parameter("currency", "currency")
_STATUS = Parameter("status", "status")
_MARGIN_KINDS = ("MARGIN_TRADE", "MARGIN_ISOLATED_TRADE")
_TRADE_TYPE = Parameter("trade_type", "tradeType", _MARGIN_KINDS, default=_MARGIN_KINDS)
# Without a symbol the cross margin account is meant, with one the isolated account of that pair.
_CROSS = (("isIsolated", "false"),)
_ISOLATED_PAIR = Parameter("symbol", "symbol", implies=(("isIsolated", "true"),))
_SINCE_UNTIL = (Bounds("startTime", "endTime"),)

# Rows are said to be sorted by the latest update of their order, which need not be the time of the row.
_BY_ORDER = Stretches(last="lastId", items="items", short_is_last=False, newest_first=False)

# ------------------------------------------------------------------------------------------------------------- columns


def _column(name: str, source: str, kind: Kind = TEXT, meaning: str = "", *, required: bool = False) -> Column:
    return Column(name, source, kind, required=required, meaning=meaning, distinct=name in _DISTINCT)


_DISTINCT = {
    "id",
    "order_id",
    "trade_id",
    "counter_order_id",
    "client_oid",
    "order_no",
    "purchase_order_no",
    "redeem_order_no",
    "wallet_tx_id",
    "close_id",
    "client_order_id",
}

_WALLET = (
    _column("currency", "currency", required=True, meaning="code of the currency"),
    _column("chain", "chain", meaning="chain id or name; the documentation and its samples differ"),
    _column("status", "status", meaning="an open set"),
    _column("address", "address"),
    _column("memo", "memo"),
    _column("is_inner", "isInner", FLAG, meaning="whether between accounts of KuCoin"),
    _column("amount", "amount", AMOUNT, required=True, meaning="without the fee"),
    _column("fee", "fee", AMOUNT),
    _column("wallet_tx_id", "walletTxId", meaning="the transaction on the chain, with a suffix here and there"),
    _column("created_at", "createdAt", INSTANT, required=True, meaning="UTC, in whole seconds"),
    _column("updated_at", "updatedAt", INSTANT, meaning="UTC"),
    _column("remark", "remark"),
)

_OLD_WALLET = (
    _column("currency", "currency", required=True, meaning="code of the currency"),
    _column("amount", "amount", AMOUNT, required=True),
    _column("wallet_tx_id", "walletTxId"),
    _column("is_inner", "isInner", FLAG),
    _column("status", "status"),
    _column("created_at", "createAt", Kind.SECONDS, required=True, meaning="UTC, in whole seconds"),
)

_FILL = (
    _column("id", "id", required=True),
    _column("symbol", "symbol", required=True),
    _column("trade_id", "tradeId"),
    _column("order_id", "orderId"),
    _column("counter_order_id", "counterOrderId"),
    _column("side", "side", meaning="buy or sell"),
    _column("liquidity", "liquidity", meaning="taker or maker"),
    _column("force_taker", "forceTaker", FLAG),
    _column("price", "price", AMOUNT),
    _column("size", "size", AMOUNT),
    _column("funds", "funds", AMOUNT),
    _column("fee", "fee", AMOUNT),
    _column("fee_rate", "feeRate", AMOUNT),
    _column("fee_currency", "feeCurrency"),
    _column("stop", "stop"),
    _column("trade_type", "tradeType", required=True),
    _column("tax_rate", "taxRate", AMOUNT),
    _column("tax", "tax", AMOUNT),
    _column("type", "type", meaning="limit or market"),
    _column("created_at", "createdAt", INSTANT, required=True, meaning="UTC"),
)

_ORDER = (
    _column("id", "id", required=True),
    _column("symbol", "symbol", required=True),
    _column("op_type", "opType"),
    _column("type", "type"),
    _column("side", "side"),
    _column("price", "price", AMOUNT),
    _column("size", "size", AMOUNT),
    _column("funds", "funds", AMOUNT),
    _column("deal_size", "dealSize", AMOUNT),
    _column("deal_funds", "dealFunds", AMOUNT),
    _column("remain_size", "remainSize", AMOUNT),
    _column("remain_funds", "remainFunds", AMOUNT),
    _column("cancelled_size", "cancelledSize", AMOUNT),
    _column("cancelled_funds", "cancelledFunds", AMOUNT),
    _column("fee", "fee", AMOUNT),
    _column("fee_currency", "feeCurrency"),
    _column("stp", "stp"),
    _column("time_in_force", "timeInForce"),
    _column("post_only", "postOnly", FLAG),
    _column("hidden", "hidden", FLAG),
    _column("iceberg", "iceberg", FLAG),
    _column("visible_size", "visibleSize", AMOUNT),
    _column("cancel_after", "cancelAfter", meaning="seconds"),
    _column("channel", "channel"),
    _column("client_oid", "clientOid"),
    _column("remark", "remark"),
    _column("tags", "tags"),
    _column("cancel_exist", "cancelExist", FLAG),
    _column("created_at", "createdAt", INSTANT, required=True, meaning="UTC"),
    _column("last_updated_at", "lastUpdatedAt", INSTANT, meaning="UTC"),
    _column("trade_type", "tradeType"),
    _column("in_order_book", "inOrderBook", FLAG),
    _column("tax", "tax", AMOUNT),
    _column("active", "active", FLAG),
)

_STOP = (
    _column("stop", "stop"),
    _column("stop_triggered", "stopTriggered", FLAG),
    _column("stop_price", "stopPrice", AMOUNT),
)

_DEBIT = (
    _column("order_no", "orderNo", required=True),
    _column("symbol", "symbol", meaning="the isolated margin pair; empty for cross margin"),
    _column("currency", "currency", required=True),
    _column("size", "size", AMOUNT, required=True),
    _column("status", "status", meaning="PENDING, SUCCESS, FAILED"),
    _column("created_at", "createdTime", INSTANT, required=True, meaning="UTC"),
)

_CONVERT = (
    _column("order_id", "orderId", required=True),
    _column("client_order_id", "clientOrderId"),
    _column("status", "status"),
    _column("from_currency", "fromCurrency"),
    _column("to_currency", "toCurrency"),
    _column("from_currency_size", "fromCurrencySize", AMOUNT),
    _column("to_currency_size", "toCurrencySize", AMOUNT),
    _column("account_type", "accountType", meaning="BOTH, FUNDING, TRADING"),
    _column("price", "price", AMOUNT),
    _column("created_at", "orderTime", INSTANT, required=True, meaning="UTC"),
)


def _with_own_time(number: str) -> Any:
    """Return what gives a lending order without a time the one in its number."""

    def derived(item: Item) -> Item:
        time = item.get("applyTime")
        if time is None:
            # KuCoin's own samples hold redemptions whose applyTime is null, and the list has no other time. Their
            # numbers are 24 hexadecimal digits, as MongoDB makes them: the first 8 count seconds. If that were wrong,
            # a row would still always fall on the same day, and so be written once.
            if not re.fullmatch(r"[0-9a-f]{24}", str(item.get(number))):
                raise UnexpectedData(f"{number} {item.get(number)!r} has no applyTime: it belongs to no day")
            time = int(str(item[number])[:8], 16) * 1000
        return {**item, "createdAt": time}

    return derived


def _lending(number: str) -> tuple[Column, Column]:
    return (
        _column("created_at", "createdAt", INSTANT, required=True, meaning=f"applyTime, or the time in {number}; UTC"),
        _column("apply_time", "applyTime", INSTANT, meaning="as KuCoin sends it; UTC"),
    )


#: Milliseconds of the candles that a day can be cut into.
INTERVALS = {
    "1min": 60_000,
    "3min": 180_000,
    "5min": 300_000,
    "15min": 900_000,
    "30min": 1_800_000,
    "1hour": 3_600_000,
    "2hour": 7_200_000,
    "4hour": 14_400_000,
    "6hour": 21_600_000,
    "8hour": 28_800_000,
    "12hour": 43_200_000,
    "1day": 86_400_000,
}


def _on_the_grid(window: Window, queries: Sequence[Mapping[str, str]]) -> None:
    """Refuse a window in which a candle would be written before it is over, or in two objects."""
    for interval in {query["type"] for query in queries}:
        if window.start_ms % INTERVALS[interval] or window.end_ms % INTERVALS[interval]:
            raise InvalidInput(
                f"window {window} does not begin and end where candles of interval={interval!r} do (counted from "
                "midnight UTC): the last one would not be over. Choose another window, or a shorter interval"
            )


# Those that are pending first: one that is done meanwhile is then in the other list.
_LENDING_STATUS = Parameter("status", "status", ("PENDING", "DONE"), default=("PENDING", "DONE"))
# Whether their bounds are milliseconds (as documented, and as rotki sends them) or seconds (as ccxt sends them) is
# unclear.
_EITHER_UNIT = (Bounds(), Bounds(seconds=True))

# ----------------------------------------------------------------------------------------------------------- the table

HISTORIES: dict[str, Dataset] = {
    table.name: table
    for table in (
        Dataset(
            name="deposits",
            kind="history",
            endpoint=endpoints.DEPOSITS,
            page_size=500,
            # Documented as required, and left out by ccxt and rotki: both work here, if KuCoin lets them.
            parameters=(_CURRENCY, _STATUS),
            kept=Kept(since_ms=OLD_UNTIL_MS, elsewhere="hist_deposits"),
            fields=(*_WALLET, _column("arrears", "arrears", FLAG, meaning="whether its reversal left a debt")),
            # Until 2026 deposits had no id (rotki): two of them may be equal in all fields.
            key=(),
        ),
        Dataset(
            name="withdrawals",
            kind="history",
            endpoint=endpoints.WITHDRAWALS,
            page_size=500,
            parameters=(_CURRENCY, _STATUS),
            kept=Kept(since_ms=OLD_UNTIL_MS, elsewhere="hist_withdrawals"),
            # The published sample has rows without an id, copied from the deposits' it seems.
            fields=(_column("id", "id"), *_WALLET),
            key=(),
        ),
        Dataset(
            name="hist_deposits",
            kind="history",
            endpoint=endpoints.HIST_DEPOSITS,
            page_size=500,
            parameters=(_CURRENCY, _STATUS),
            bounds=_EITHER_UNIT,
            kept=Kept(until_ms=OLD_UNTIL_MS, elsewhere="deposits"),
            fields=_OLD_WALLET,
            key=(),
        ),
        Dataset(
            name="hist_withdrawals",
            kind="history",
            endpoint=endpoints.HIST_WITHDRAWALS,
            page_size=500,
            parameters=(_CURRENCY, _STATUS),
            bounds=_EITHER_UNIT,
            kept=Kept(until_ms=OLD_UNTIL_MS, elsewhere="withdrawals"),
            fields=(*_OLD_WALLET, _column("address", "address")),
            key=(),
        ),
        Dataset(
            name="spot_fills",
            kind="history",
            named_in=("spot", "trade_hf"),
            endpoint=endpoints.SPOT_FILLS,
            page_size=100,
            parameters=(_EACH_SYMBOL, _SIDE, _TYPE),
            style=_BY_ORDER,
            # 3 x 24 h in the old documentation, 7 x 24 h in a newer page; beyond it rows are left out without a word.
            kept=THREE_DAYS,
            fields=_FILL,
            key=("symbol", "id"),
        ),
        Dataset(
            name="spot_orders",
            kind="history",
            named_in=("spot", "trade_hf"),
            endpoint=endpoints.SPOT_ORDERS,
            page_size=100,
            parameters=(_EACH_SYMBOL, _SIDE, _TYPE),
            style=_BY_ORDER,
            kept=TWO_DAYS,
            fields=_ORDER,
            other_times=("last_updated_at",),
        ),
        Dataset(
            name="margin_fills",
            kind="history",
            named_in=("spot", "margin_hf"),
            endpoint=endpoints.MARGIN_FILLS,
            page_size=100,
            parameters=(_EACH_SYMBOL, _TRADE_TYPE, _SIDE, _TYPE),
            max_span_ms=UNDER_A_DAY_MS,
            style=_BY_ORDER,
            # Not recovered for margin: as for spot.
            kept=THREE_DAYS,
            fields=_FILL,
            key=("symbol", "trade_type", "id"),
        ),
        Dataset(
            name="margin_orders",
            kind="history",
            named_in=("spot", "margin_hf"),
            endpoint=endpoints.MARGIN_ORDERS,
            page_size=100,
            parameters=(_EACH_SYMBOL, _TRADE_TYPE, _SIDE, _TYPE),
            max_span_ms=UNDER_A_DAY_MS,
            style=_BY_ORDER,
            kept=TWO_DAYS,
            fields=(*_ORDER, *_STOP),
            other_times=("last_updated_at",),
        ),
        Dataset(
            name="borrow",
            kind="history",
            endpoint=endpoints.BORROW_HISTORY,
            page_size=500,
            parameters=(Parameter("currency", "currency", required=True), _ISOLATED_PAIR),
            fixed=_CROSS,
            bounds=_SINCE_UNTIL,
            kept=Kept(since_ms=MARGIN_SINCE_MS),
            fields=(*_DEBIT, _column("actual_size", "actualSize", AMOUNT)),
            key=("order_no",),
        ),
        Dataset(
            name="repay",
            kind="history",
            endpoint=endpoints.REPAY_HISTORY,
            page_size=500,
            parameters=(Parameter("currency", "currency", required=True), _ISOLATED_PAIR),
            fixed=_CROSS,
            bounds=_SINCE_UNTIL,
            kept=Kept(since_ms=MARGIN_SINCE_MS),
            fields=(*_DEBIT, _column("principal", "principal", AMOUNT), _column("interest", "interest", AMOUNT)),
            key=("order_no",),
        ),
        Dataset(
            name="interest",
            kind="history",
            endpoint=endpoints.INTEREST_HISTORY,
            page_size=500,
            parameters=(_CURRENCY, _ISOLATED_PAIR),
            fixed=_CROSS,
            bounds=_SINCE_UNTIL,
            kept=Kept(since_ms=MARGIN_SINCE_MS),
            # Rows do not say of which margin account they are.
            from_query=("isIsolated", "symbol"),
            fields=(
                _column("currency", "currency", required=True),
                _column("is_isolated", "isIsolated", FLAG, "as was asked for: isolated margin, or cross"),
                _column("symbol", "symbol", meaning="as was asked for: the isolated margin pair"),
                _column("day_ratio", "dayRatio", AMOUNT),
                _column("interest_amount", "interestAmount", AMOUNT, required=True),
                _column("created_at", "createdTime", INSTANT, required=True, meaning="UTC"),
            ),
            key=(),
        ),
        Dataset(
            name="lending_purchases",
            kind="history",
            endpoint=endpoints.PURCHASE_ORDERS,
            page_size=50,
            parameters=(_LENDING_STATUS, _CURRENCY),
            bounds=(),
            fields=(
                _column("purchase_order_no", "purchaseOrderNo", required=True),
                _column("currency", "currency", required=True),
                _column("purchase_size", "purchaseSize", AMOUNT),
                _column("match_size", "matchSize", AMOUNT),
                _column("interest_rate", "interestRate", AMOUNT),
                _column("income_size", "incomeSize", AMOUNT),
                _column("status", "status"),
                *_lending("purchaseOrderNo"),
            ),
            key=("purchase_order_no",),
            in_turn=True,
            derived=_with_own_time("purchaseOrderNo"),
        ),
        Dataset(
            name="lending_redemptions",
            kind="history",
            endpoint=endpoints.REDEEM_ORDERS,
            page_size=50,
            parameters=(_LENDING_STATUS, _CURRENCY),
            bounds=(),
            fields=(
                _column("redeem_order_no", "redeemOrderNo", required=True),
                _column("purchase_order_no", "purchaseOrderNo"),
                _column("currency", "currency", required=True),
                _column("redeem_size", "redeemSize", AMOUNT),
                _column("receipt_size", "receiptSize", AMOUNT),
                _column("status", "status"),
                *_lending("redeemOrderNo"),
            ),
            key=("redeem_order_no",),
            in_turn=True,
            derived=_with_own_time("redeemOrderNo"),
        ),
        Dataset(
            name="futures_fills",
            kind="history",
            named_in=("futures",),
            endpoint=endpoints.FUTURES_FILLS,
            page_size=1000,
            parameters=(_SYMBOL, _SIDE, _TYPE, Parameter("trade_types", "tradeTypes", most=10)),
            kept=THREE_MONTHS,
            fields=(
                _column("symbol", "symbol", required=True),
                _column("trade_id", "tradeId", required=True),
                _column("order_id", "orderId", required=True),
                _column("side", "side", required=True),
                _column("liquidity", "liquidity"),
                _column("force_taker", "forceTaker", FLAG),
                _column("price", "price", AMOUNT),
                _column("size", "size", AMOUNT, meaning="lots"),
                _column("value", "value", AMOUNT),
                _column("open_fee_pay", "openFeePay", AMOUNT),
                _column("close_fee_pay", "closeFeePay", AMOUNT),
                _column("stop", "stop"),
                _column("fee_rate", "feeRate", AMOUNT),
                _column("fix_fee", "fixFee", AMOUNT),
                _column("fee_currency", "feeCurrency"),
                _column("trade_time", "tradeTime", Kind.NANOSECONDS, meaning="UTC, to the nanosecond"),
                _column("sub_trade_type", "subTradeType"),
                _column("margin_mode", "marginMode"),
                _column("settle_currency", "settleCurrency"),
                _column("display_type", "displayType"),
                _column("fee", "fee", AMOUNT),
                _column("order_type", "orderType"),
                _column("trade_type", "tradeType"),
                _column("created_at", "createdAt", INSTANT, required=True, meaning="UTC"),
                _column("open_fee_tax_pay", "openFeeTaxPay", AMOUNT),
                _column("close_fee_tax_pay", "closeFeeTaxPay", AMOUNT),
            ),
            # Both sides of a trade with oneself have its id.
            key=("symbol", "trade_id", "order_id", "side"),
            # Whether the bounds are about createdAt or tradeTime, a fraction of a second earlier in the sample, is in
            # no source.
            margin_ms=60_000,
        ),
        Dataset(
            name="futures_orders",
            kind="history",
            named_in=("futures",),
            endpoint=endpoints.FUTURES_ORDERS,
            page_size=1000,
            parameters=(_SYMBOL, _SIDE, _TYPE),
            fixed=(("status", "done"),),
            kept=THREE_MONTHS,
            fields=(
                _column("id", "id", required=True),
                _column("symbol", "symbol", required=True),
                _column("type", "type"),
                _column("side", "side"),
                _column("price", "price", AMOUNT),
                _column("size", "size", AMOUNT, meaning="lots"),
                _column("value", "value", AMOUNT),
                _column("deal_value", "dealValue", AMOUNT),
                _column("deal_size", "dealSize", AMOUNT),
                _column("stp", "stp"),
                *_STOP,
                _column("stop_price_type", "stopPriceType"),
                _column("time_in_force", "timeInForce"),
                _column("post_only", "postOnly", FLAG),
                _column("hidden", "hidden", FLAG),
                _column("iceberg", "iceberg", FLAG),
                _column("leverage", "leverage", AMOUNT),
                _column("force_hold", "forceHold", FLAG),
                _column("close_order", "closeOrder", FLAG),
                _column("visible_size", "visibleSize", AMOUNT),
                _column("client_oid", "clientOid"),
                _column("remark", "remark"),
                _column("tags", "tags"),
                _column("is_active", "isActive", FLAG),
                _column("cancel_exist", "cancelExist", FLAG),
                _column("created_at", "createdAt", INSTANT, required=True, meaning="UTC"),
                _column("updated_at", "updatedAt", INSTANT, meaning="UTC"),
                _column("ended_at", "endAt", INSTANT, meaning="UTC"),
                _column("order_time", "orderTime", Kind.NANOSECONDS, meaning="UTC, to the nanosecond"),
                _column("settle_currency", "settleCurrency"),
                _column("margin_mode", "marginMode"),
                _column("avg_deal_price", "avgDealPrice", AMOUNT),
                _column("status", "status"),
                _column("filled_size", "filledSize", AMOUNT),
                _column("filled_value", "filledValue", AMOUNT),
                _column("reduce_only", "reduceOnly", FLAG),
            ),
            other_times=("updated_at", "ended_at"),
        ),
        Dataset(
            name="funding",
            kind="history",
            endpoint=endpoints.FUNDING_HISTORY,
            # The default; the most that KuCoin gives is in no source.
            page_size=10,
            parameters=(_EACH_SYMBOL,),
            style=Stretches(
                size="maxCount",
                cursor="offset",
                items="dataList",
                more="hasMore",
                newest_first=False,
            ),
            max_span_ms=UNDER_A_DAY_MS,
            kept=UNKNOWN_FUTURES,
            named_in=("futures",),
            fields=(
                _column("id", "id", required=True),
                _column("symbol", "symbol", required=True),
                _column("created_at", "timePoint", INSTANT, required=True, meaning="time of the settlement; UTC"),
                _column("funding_rate", "fundingRate", AMOUNT),
                _column("mark_price", "markPrice", AMOUNT),
                _column("position_qty", "positionQty", AMOUNT),
                _column("position_cost", "positionCost", AMOUNT),
                _column("funding", "funding", AMOUNT, meaning="positive: received"),
                _column("settle_currency", "settleCurrency"),
                _column("context", "context"),
                _column("margin_mode", "marginMode"),
            ),
            key=("symbol", "id"),
        ),
        Dataset(
            name="positions",
            kind="history",
            endpoint=endpoints.HISTORY_POSITIONS,
            page_size=200,
            parameters=(_SYMBOL,),
            style=Numbered("pageId", "limit"),
            bounds=(Bounds("from", "to"),),
            max_span_ms=UNDER_A_DAY_MS,
            kept=UNKNOWN_FUTURES,
            named_in=("futures",),
            fields=(
                _column("close_id", "closeId", required=True),
                _column("user_id", "userId"),
                _column("symbol", "symbol", required=True),
                _column("settle_currency", "settleCurrency"),
                _column("leverage", "leverage", AMOUNT),
                _column("type", "type", meaning="such as CLOSE_LONG"),
                _column("pnl", "pnl", AMOUNT),
                _column("realised_gross_cost", "realisedGrossCost", AMOUNT),
                _column("realised_gross_cost_new", "realisedGrossCostNew", AMOUNT),
                _column("withdraw_pnl", "withdrawPnl", AMOUNT),
                _column("trade_fee", "tradeFee", AMOUNT),
                _column("funding_fee", "fundingFee", AMOUNT),
                _column("open_time", "openTime", INSTANT, meaning="UTC"),
                _column("closed_at", "closeTime", INSTANT, required=True, meaning="UTC"),
                _column("open_price", "openPrice", AMOUNT),
                _column("close_price", "closePrice", AMOUNT),
                _column("margin_mode", "marginMode"),
                _column("tax", "tax", AMOUNT),
                _column("roe", "roe", AMOUNT),
                _column("liquid_amount", "liquidAmount", AMOUNT),
                _column("liquid_price", "liquidPrice", AMOUNT),
                _column("side", "side"),
            ),
            key=("close_id",),
            time="closed_at",
        ),
        Dataset(
            name="convert_orders",
            kind="history",
            endpoint=endpoints.CONVERT_ORDERS,
            page_size=100,
            style=Numbered("page"),
            max_span_ms=UNDER_A_DAY_MS,
            kept=UNKNOWN,
            parameters=(_STATUS,),
            fields=_CONVERT,
            key=("order_id",),
        ),
        Dataset(
            name="convert_limit_orders",
            kind="history",
            endpoint=endpoints.CONVERT_LIMIT_ORDERS,
            page_size=100,
            style=Numbered("page"),
            max_span_ms=UNDER_A_DAY_MS,
            kept=UNKNOWN,
            parameters=(_STATUS,),
            fields=(
                *_CONVERT,
                _column("expires_at", "expiryTime", INSTANT, meaning="UTC"),
                _column("cancelled_at", "cancelTime", INSTANT, meaning="UTC"),
                _column("filled_at", "filledTime", INSTANT, meaning="UTC"),
                _column("cancel_type", "cancelType"),
            ),
            key=("order_id",),
        ),
        Dataset(
            name="klines",
            kind="history",
            endpoint=endpoints.CANDLES,
            page_size=1500,
            parameters=(_EACH_SYMBOL, Parameter("interval", "type", tuple(INTERVALS), required=True)),
            from_query=("symbol", "type"),
            style=Candles(("time", "open", "close", "high", "low", "volume", "turnover")),
            bounds=(Bounds(seconds=True),),
            fields=(
                _column("symbol", "symbol", required=True),
                _column("interval", "type", required=True),
                _column("created_at", "time", Kind.SECONDS, required=True, meaning="when the candle begins; UTC"),
                _column("open", "open", AMOUNT, required=True),
                _column("close", "close", AMOUNT, required=True),
                _column("high", "high", AMOUNT, required=True),
                _column("low", "low", AMOUNT, required=True),
                _column("volume", "volume", AMOUNT, required=True),
                _column("turnover", "turnover", AMOUNT, required=True),
            ),
            key=("symbol", "interval", "created_at"),
            # A candle that holds the start of the window may begin before it.
            tolerance_ms=86_400_000,
            check_window=_on_the_grid,
        ),
    )
}


def history(name: str) -> Dataset:
    """
    Return the history of that name.

    :raise InvalidInput: when there is none
    """
    try:
        return HISTORIES[name]
    except KeyError:
        raise InvalidInput(f"dataset={name!r} is not one of {', '.join(map(repr, HISTORIES))}") from None
