"""
KuCoin's own Python client, unmodified, reads every history that it knows from the running exchange.

It knows no conversions. What it reads is what KuCoin documents: each sample, booked, comes back as it is.
"""

from __future__ import annotations

import json
import time
import warnings
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic.warnings import PydanticDeprecatedSince20

from airflow_provider_kucoin.testing import Exchange, Server
from airflow_provider_kucoin.testing.history_limits import Limits

with warnings.catch_warnings():
    # The client's generated models declare path variables in a way that pydantic 2 would rather not see.
    warnings.filterwarnings("ignore", "Using extra keyword arguments on `Field`", PydanticDeprecatedSince20)
    # Python 3.12 tells of escapes in its documentation that are none, whenever it compiles it.
    warnings.filterwarnings("ignore", "invalid escape sequence", SyntaxWarning)
    from kucoin_universal_sdk.api import DefaultClient
    from kucoin_universal_sdk.generate.account import deposit, withdrawal
    from kucoin_universal_sdk.generate.futures import fundingfees, positions
    from kucoin_universal_sdk.generate.futures import order as futures_order
    from kucoin_universal_sdk.generate.margin import credit, debit
    from kucoin_universal_sdk.generate.margin import order as margin_order
    from kucoin_universal_sdk.generate.spot import market
    from kucoin_universal_sdk.generate.spot import order as spot_order
    from kucoin_universal_sdk.model import ClientOptionBuilder, TransportOptionBuilder
    from kucoin_universal_sdk.model.common import RestError

if TYPE_CHECKING:
    from collections.abc import Callable

# At run time it looks up path variables on instances, which pydantic 2.11 would rather not see either.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Accessing the 'model_fields' attribute on the instance:pydantic.warnings.PydanticDeprecatedSince211"
)

SAMPLES = Path(__file__).parents[1] / "samples"
MINUTE = 60_000
DAY = 86_400_000


def sample(name: str, parse_float: Any = float) -> Any:
    text = SAMPLES.joinpath(f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text, parse_float=parse_float)["data"]


def on_the_wire(reply: Any) -> Any:
    """The `data` that a reply of the client was made from."""
    return reply.common_response.data


@pytest.fixture
def exchange() -> Exchange:
    """The client reads the true clock, so the exchange has it too; old samples then need a long memory."""
    exchange = Exchange()
    for dataset in exchange.readings.history_limits:
        exchange.readings.history_limits[dataset] = Limits()
    return exchange


@pytest.fixture
def client(server: Server) -> Any:
    key = server.exchange.key
    options = (
        ClientOptionBuilder()
        .set_key(key.key)
        .set_secret(key.secret)
        .set_passphrase(key.passphrase)
        .set_spot_endpoint(server.url)
        .set_futures_endpoint(server.futures_url)
        .set_broker_endpoint(server.url)
        .set_transport_option(TransportOptionBuilder().build())
        .build()
    )
    return DefaultClient(options).rest_service()


def spot_orders(client: Any) -> Any:
    return client.get_spot_service().get_order_api()


def margin_orders(client: Any) -> Any:
    return client.get_margin_service().get_order_api()


def debits(client: Any) -> Any:
    return client.get_margin_service().get_debit_api()


def lendings(client: Any) -> Any:
    return client.get_margin_service().get_credit_api()


def futures_orders(client: Any) -> Any:
    return client.get_futures_service().get_order_api()


def add_all(exchange: Exchange, dataset: str, rows: list[dict[str, Any]], hidden: dict[str, Any] | None = None) -> None:
    for row in rows:
        exchange.histories.add(dataset, row, hidden=hidden)


# --- by cursor ---


def test_spot_fills_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    add_all(exchange, "spot_fills", sample("spot_fills")["items"])
    request = spot_order.GetTradeHistoryReqBuilder().set_symbol("BTC-USDT").set_limit(100)
    reply = spot_orders(client).get_trade_history(request.set_start_at(1729577515473).build())
    assert on_the_wire(reply) == sample("spot_fills")
    assert (reply.items[0].trade_id, reply.last_id) == (11029373945659392, 19814995255305)
    assert reply.common_response.rate_limit.remaining == 3998


def test_spot_orders_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    documented = sample("spot_orders")
    add_all(exchange, "spot_orders", documented["items"], {"cursor": documented["lastId"]})
    request = spot_order.GetClosedOrdersReqBuilder().set_symbol("BTC-USDT").set_limit(100).build()
    assert on_the_wire(spot_orders(client).get_closed_orders(request)) == documented


def test_margin_fills_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    add_all(exchange, "margin_fills", sample("margin_fills")["items"])
    request = margin_order.GetTradeHistoryReqBuilder().set_symbol("BTC-USDT")
    request = request.set_trade_type(margin_order.GetTradeHistoryReq.TradeTypeEnum.MARGIN_TRADE)
    assert on_the_wire(margin_orders(client).get_trade_history(request.build())) == sample("margin_fills")


def test_margin_orders_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    documented = sample("margin_orders")
    add_all(exchange, "margin_orders", documented["items"], {"cursor": documented["lastId"]})
    request = margin_order.GetClosedOrdersReqBuilder().set_symbol("BTC-USDT")
    request = request.set_trade_type(margin_order.GetClosedOrdersReq.TradeTypeEnum.MARGIN_TRADE)
    assert on_the_wire(margin_orders(client).get_closed_orders(request.build())) == documented


def test_the_client_follows_the_cursor_to_the_end(exchange: Exchange, client: Any) -> None:
    now = exchange.now_ms()
    exchange.histories.seed("spot_fills", now - DAY, now, rows=250, among=[{"symbol": "BTC-USDT"}])
    found: list[int] = []
    request = spot_order.GetTradeHistoryReqBuilder().set_symbol("BTC-USDT").set_limit(100)
    while items := (reply := spot_orders(client).get_trade_history(request.build())).items:
        found += [item.id for item in items]
        request.set_last_id(reply.last_id)
    assert found == [row["id"] for row in exchange.histories.rows("spot_fills")][::-1]


def test_the_symbols_with_open_orders_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    for symbol in sample("spot_symbols_with_orders")["symbols"]:
        exchange.histories.add("spot_orders", {"symbol": symbol, "active": True})
    exchange.histories.add("margin_orders", {"active": True})
    reply = spot_orders(client).get_symbols_with_open_order()
    assert on_the_wire(reply) == sample("spot_symbols_with_orders")
    request = margin_order.GetSymbolsWithOpenOrderReqBuilder()
    request = request.set_trade_type(margin_order.GetSymbolsWithOpenOrderReq.TradeTypeEnum.MARGIN_TRADE)
    reply = margin_orders(client).get_symbols_with_open_order(request.build())
    assert on_the_wire(reply) == sample("margin_symbols_with_orders")


# --- by page ---


def without_timestamp(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "timestamp"}


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        (
            "borrow",
            lambda api: api.get_borrow_history(debit.GetBorrowHistoryReqBuilder().set_currency("USDT").build()),
        ),
        ("repay", lambda api: api.get_repay_history(debit.GetRepayHistoryReqBuilder().set_currency("USDT").build())),
        ("interest", lambda api: api.get_interest_history(debit.GetInterestHistoryReqBuilder().build())),
    ],
)
def test_debts_are_the_documented_ones(exchange: Exchange, client: Any, name: str, ask: Callable[[Any], Any]) -> None:
    documented = sample(name)
    add_all(exchange, name, documented["items"])
    reply = ask(debits(client))
    assert without_timestamp(on_the_wire(reply)) == without_timestamp(documented)
    assert 0 <= reply.timestamp - int(time.time() * 1000) + MINUTE < 2 * MINUTE


def test_lending_orders_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    api = lendings(client)
    for name in ("lending_purchases", "lending_redemptions"):
        add_all(exchange, name, sample(name)["items"])
    status = credit.GetPurchaseOrdersReq.StatusEnum.PENDING
    request = credit.GetPurchaseOrdersReqBuilder().set_status(status).set_page_size(10).build()
    assert on_the_wire(api.get_purchase_orders(request)) == sample("lending_purchases")
    status = credit.GetRedeemOrdersReq.StatusEnum.DONE
    request = credit.GetRedeemOrdersReqBuilder().set_status(status).set_page_size(10).build()
    assert on_the_wire(api.get_redeem_orders(request)) == sample("lending_redemptions")


def test_futures_fills_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    documented = sample("futures_fills")
    add_all(exchange, "futures_fills", documented["items"])
    request = futures_order.GetTradeHistoryReqBuilder().set_symbol("XBTUSDTM").set_trade_types("trade,adl")
    reply = futures_orders(client).get_trade_history(request.set_start_at(1740640088427).build())
    assert on_the_wire(reply) == {**documented, "totalNum": 1}  # the sample counts two and shows one
    assert reply.items[0].trade_time == 1740640088244000000


def test_futures_orders_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    documented = sample("futures_orders")
    add_all(exchange, "futures_orders", documented["items"])
    request = futures_order.GetOrderListReqBuilder()
    done = request.set_status(futures_order.GetOrderListReq.StatusEnum.DONE).build()
    assert futures_orders(client).get_order_list(done).items == []
    active = request.set_status(futures_order.GetOrderListReq.StatusEnum.ACTIVE).build()
    assert on_the_wire(futures_orders(client).get_order_list(active)) == documented  # the sample's order is open


def test_positions_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    add_all(exchange, "positions", sample("positions")["items"])
    api = client.get_futures_service().get_positions_api()
    reply = api.get_positions_history(positions.GetPositionsHistoryReqBuilder().set_symbol("XBTUSDTM").build())
    assert on_the_wire(reply) == sample("positions")


def test_the_client_turns_the_pages_of_positions(exchange: Exchange, client: Any) -> None:
    now = exchange.now_ms()
    exchange.histories.seed("positions", now - DAY, now, rows=70)
    api = client.get_futures_service().get_positions_api()
    found: list[str] = []
    for page in (1, 2, 3):
        request = positions.GetPositionsHistoryReqBuilder().set_from_(now - DAY).set_to(now)
        found += [
            item.close_id for item in api.get_positions_history(request.set_limit(30).set_page_id(page).build()).items
        ]
    assert found == [row["closeId"] for row in exchange.histories.rows("positions")][::-1]


def test_old_deposits_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    documented = sample("deposits_old")
    add_all(exchange, "hist_deposits", documented["items"])
    api = client.get_account_service().get_deposit_api()
    request = deposit.GetDepositHistoryOldReqBuilder().set_currency("BTC")
    reply = api.get_deposit_history_old(request.set_start_at(1528536998).set_end_at(1528536998).build())
    assert on_the_wire(reply) == {**documented, "totalNum": 1, "totalPage": 1}  # the sample counts none


def test_deposits_and_withdrawals_of_the_histories_are_read_too(exchange: Exchange, client: Any) -> None:
    service = client.get_account_service()
    rows = sample("deposits")["items"]
    add_all(exchange, "deposits", rows)
    add_all(exchange, "withdrawals", rows)
    add_all(exchange, "hist_withdrawals", sample("withdrawals_old")["items"])
    exchange.readings.list_rows_have_id = False
    request = deposit.GetDepositHistoryReqBuilder().set_currency("USDT").build()
    assert on_the_wire(service.get_deposit_api().get_deposit_history(request))["items"] == rows
    api = service.get_withdrawal_api()
    request = withdrawal.GetWithdrawalHistoryReqBuilder().set_currency("USDT").build()
    assert on_the_wire(api.get_withdrawal_history(request))["items"] == rows
    request = withdrawal.GetWithdrawalHistoryOldReqBuilder().set_currency("BTC").build()
    assert on_the_wire(api.get_withdrawal_history_old(request)) == sample("withdrawals_old")


# --- by offset ---


def test_funding_is_the_documented_one(exchange: Exchange, client: Any) -> None:
    documented = sample("funding", Decimal)["dataList"]
    add_all(exchange, "funding", documented)
    exchange.histories.add("funding", {"timePoint": documented[0]["timePoint"] - DAY, "id": 1})
    api = client.get_futures_service().get_funding_fees_api()
    request = fundingfees.GetPrivateFundingHistoryReqBuilder().set_symbol("XBTUSDTM").set_max_count(1)
    reply = api.get_private_funding_history(request.set_reverse(True).set_forward(True).build())
    assert on_the_wire(reply) == sample("funding")
    request.set_offset(reply.data_list[0].id)
    reply = api.get_private_funding_history(request.build())
    assert ([row.id for row in reply.data_list], reply.has_more) == ([1], False)


# --- what everybody may read ---


def test_candles_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    names = ("time", "open", "close", "high", "low", "volume", "turnover")
    for candle in sample("candles"):
        exchange.histories.add("klines", dict(zip(names, candle, strict=True)))
    api = client.get_spot_service().get_market_api()
    request = market.GetKlinesReqBuilder().set_symbol("BTC-USDT").set_type(market.GetKlinesReq.TypeEnum.T_1MIN)
    reply = api.get_klines(request.set_start_at(1566789600).set_end_at(1566789721).build())
    assert on_the_wire(reply) == sample("candles")
    assert len(reply.data) == 3


def test_symbols_and_contracts_hold_the_documented_ones(client: Any) -> None:
    spot = client.get_spot_service().get_market_api()
    reply = spot.get_all_symbols(market.GetAllSymbolsReqBuilder().set_market("USDS").build())
    assert sample("symbols")[0] in on_the_wire(reply)
    assert [one.symbol for one in reply.data][:2] == ["BTC-USDT", "ETH-USDT"]
    reply = client.get_futures_service().get_market_api().get_all_symbols()
    assert sample("contracts")[0] in on_the_wire(reply)
    assert [one.symbol for one in reply.data] == ["XBTUSDTM", "ETHUSDTM", "XBTUSDM"]


# --- what is seeded ---


def test_the_client_can_read_what_is_seeded(exchange: Exchange, client: Any) -> None:
    now = exchange.now_ms()
    for dataset in ("futures_fills", "futures_orders", "margin_orders", "interest", "lending_redemptions", "funding"):
        exchange.histories.seed(dataset, now - DAY, now, rows=60)
    fills = futures_orders(client).get_trade_history(futures_order.GetTradeHistoryReqBuilder().build())
    orders = futures_orders(client).get_order_list(futures_order.GetOrderListReqBuilder().build())
    interest = debits(client).get_interest_history(debit.GetInterestHistoryReqBuilder().build())
    assert [len(reply.items) for reply in (fills, orders, interest)] == [50, 50, 45]
    request = margin_order.GetClosedOrdersReqBuilder().set_symbol("BTC-USDT")
    request = request.set_trade_type(margin_order.GetClosedOrdersReq.TradeTypeEnum.MARGIN_TRADE)
    assert len(margin_orders(client).get_closed_orders(request.build()).items) == 20
    request = credit.GetRedeemOrdersReqBuilder().set_status(credit.GetRedeemOrdersReq.StatusEnum.DONE)
    assert len(lendings(client).get_redeem_orders(request.build()).items) == 40


def test_what_is_refused_is_an_error_with_kucoins_code(client: Any) -> None:
    with pytest.raises(RestError) as caught:
        spot_orders(client).get_trade_history(spot_order.GetTradeHistoryReqBuilder().build())
    assert caught.value.response.code == "400100"
