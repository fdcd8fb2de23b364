"""
KuCoin's own Python client, unmodified, reads every ledger and every balance from the running exchange.

What it reads is what KuCoin documents: each sample, booked field by field, comes back as it is. Of the unified ledger
there is no sample, and the client has only its second version, whose answers it leaves as they are.
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

with warnings.catch_warnings():
    # The client's generated models declare path variables in a way that pydantic 2 would rather not see.
    warnings.filterwarnings("ignore", "Using extra keyword arguments on `Field`", PydanticDeprecatedSince20)
    # Python 3.12 tells of escapes in its documentation that are none, whenever it compiles it.
    warnings.filterwarnings("ignore", "invalid escape sequence", SyntaxWarning)
    from kucoin_universal_sdk.api import DefaultClient
    from kucoin_universal_sdk.generate.account import account as accounts
    from kucoin_universal_sdk.generate.account import subaccount
    from kucoin_universal_sdk.generate.earn import earn
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


def sample(name: str, parse_float: Any = float) -> Any:
    text = SAMPLES.joinpath(f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text, parse_float=parse_float)["data"]


def on_the_wire(reply: Any) -> Any:
    """The `data` that a reply of the client was made from."""
    return reply.common_response.data


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def exchange() -> Exchange:
    """The client reads the true clock, so the exchange has it too; old samples then need a long memory."""
    exchange = Exchange()
    exchange.readings.trade_hf_retention_ms = exchange.readings.margin_hf_retention_ms = None
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


@pytest.fixture
def account(client: Any) -> Any:
    return client.get_account_service().get_account_api()


@pytest.fixture
def sub_account(client: Any) -> Any:
    return client.get_account_service().get_sub_account_api()


# --- ledgers ---


def book_hf(exchange: Exchange, ledger: str, row: dict[str, Any]) -> None:
    exchange.book(
        ledger=ledger,
        id=row["id"],
        created_at=int(row["createdAt"]),
        currency=row["currency"],
        amount=row["amount"],
        fee=row["fee"],
        tax=row.get("tax", "0"),
        balance=row["balance"],
        account_type=row["accountType"],
        biz_type=row["bizType"],
        direction=row["direction"],
        context=row["context"],
    )


def book_futures(exchange: Exchange, row: dict[str, Any]) -> None:
    exchange.book(
        ledger="futures",
        id=row["offset"],
        created_at=row["time"],
        currency=row["currency"],
        amount=str(row["amount"]),
        fee=str(row["fee"]),
        balance=str(row["accountEquity"]),
        biz_type=row["type"],
        context=row["remark"],
    )


def test_the_trade_hf_ledger_is_the_documented_one(exchange: Exchange, account: Any) -> None:
    (documented,) = sample("trade_hf_ledger")
    book_hf(exchange, "trade_hf", documented)
    reply = account.get_spot_hf_ledger(accounts.GetSpotHfLedgerReqBuilder().set_limit(200).build())
    assert on_the_wire(reply) == [documented]
    assert (reply.data[0].id, reply.data[0].created_at) == ("254062248624417", "1728443957539")
    assert reply.common_response.rate_limit.limit == 4000


def test_the_older_sample_of_trade_hf_is_served_with_its_single_quotes(exchange: Exchange, account: Any) -> None:
    documented = sample("trade_hf_ledger_old")
    for row in documented:
        book_hf(exchange, "trade_hf", row)
    reply = account.get_spot_hf_ledger(accounts.GetSpotHfLedgerReqBuilder().set_currency("CSP,DAI").build())
    assert [{**row, "tax": "0"} for row in documented] == on_the_wire(reply)
    assert reply.data[0].context.startswith("{'symbol':")
    last = accounts.GetSpotHfLedgerReqBuilder().set_last_id(int(documented[0]["id"])).build()
    assert [row.id for row in account.get_spot_hf_ledger(last).data] == [documented[1]["id"]]


def test_the_margin_hf_ledger_is_the_documented_one(exchange: Exchange, account: Any) -> None:
    (documented,) = sample("margin_hf_ledger")
    book_hf(exchange, "margin_hf", documented)
    builder = accounts.GetMarginHfLedgerReqBuilder().set_biz_type("TRANSFER").set_direction("in")
    reply = account.get_margin_hf_ledger(builder.set_start_at(documented["createdAt"]).build())
    assert on_the_wire(reply) == [documented]
    assert (reply.data[0].id, reply.data[0].created_at) == (1949641706720, 1728664091208)


def test_the_futures_ledger_is_the_documented_one(exchange: Exchange, account: Any) -> None:
    for row in reversed(sample("futures_ledger", Decimal)["dataList"]):
        book_futures(exchange, row)
    reply = account.get_futures_ledger(accounts.GetFuturesLedgerReqBuilder().set_currency("USDT").build())
    assert on_the_wire(reply) == sample("futures_ledger")
    assert (reply.has_more, [row.offset for row in reply.data_list]) == (False, [51360793, 51352430])
    builder = accounts.GetFuturesLedgerReqBuilder().set_offset(51360793).set_forward(True).set_max_count(1)
    assert [row.type for row in account.get_futures_ledger(builder.build()).data_list] == ["RealisedPNL"]


def test_the_older_sample_of_futures_begins_with_what_is_pending(exchange: Exchange, account: Any) -> None:
    pending, settled = sample("futures_ledger_pending", Decimal)["dataList"]
    book_futures(exchange, settled)
    exchange.set_pending(pending["currency"], str(pending["amount"]), symbol=pending["remark"], at_ms=pending["time"])
    exchange.pending[0].settles_at_ms = now() + MINUTE  # its true period is long over
    reply = account.get_futures_ledger(accounts.GetFuturesLedgerReqBuilder().build())
    assert on_the_wire(reply) == sample("futures_ledger_pending")
    assert (reply.data_list[0].status, reply.data_list[0].fee) == ("Pending", None)


def test_every_page_of_the_futures_ledger_is_turned(exchange: Exchange, account: Any) -> None:
    exchange.seed_ledger(now() - 40 * MINUTE, now(), rows_per_day=6_000, ledger="futures")
    found: list[int] = []
    while True:
        builder = accounts.GetFuturesLedgerReqBuilder()
        page = account.get_futures_ledger((builder.set_offset(found[-1]) if found else builder).build())
        found += [row.offset for row in page.data_list]
        if not page.has_more:
            break
    assert found == [row["offset"] for row in exchange.entries(0, now(), ledger="futures")][::-1]
    assert len(found) > 50


def test_the_unified_ledger_is_read_through_the_clients_own_path(exchange: Exchange, client: Any) -> None:
    exchange.account_mode = "unified"
    booked = exchange.book(ledger="unified", created_at=now() - MINUTE, amount="1.5", direction="out")
    reply = client.get_uta_service().get_account_api().get_account_ledger(accountType="UNIFIED", pageSize=200)
    assert on_the_wire(reply) == {"items": [booked], "lastId": booked["id"]}


def test_an_account_of_the_other_mode_is_refused(exchange: Exchange, account: Any) -> None:
    exchange.account_mode = "unified"
    with pytest.raises(RestError, match="116104"):
        account.get_spot_hf_ledger(accounts.GetSpotHfLedgerReqBuilder().build())


# --- balances ---


def test_the_user_is_the_documented_one(exchange: Exchange, account: Any) -> None:
    for uid, trade_types in ((1, ("Spot", "Margin", "Futures")), (2, ("Spot", "Margin", "Futures")), (3, ("Spot",))):
        exchange.add_sub_account(uid, trade_types=trade_types)
    assert on_the_wire(account.get_account_info()) == sample("user_info")


def test_who_trades_at_high_frequency_is_told(exchange: Exchange, account: Any) -> None:
    assert account.get_spot_account_type().data is True
    exchange.is_high_frequency = False
    assert account.get_spot_account_type().data == sample("hf_opened")


def test_cross_margin_is_the_documented_one(exchange: Exchange, account: Any) -> None:
    documented = sample("cross_margin")
    (usdt,) = documented["accounts"]
    exchange.balances.set("USDT", "margin", usdt["total"], holds=usdt["hold"])
    exchange.max_borrow_sizes[exchange.key.uid, "margin", "USDT"] = usdt["maxBorrowSize"]
    exchange.balances.set("KCS", "margin", "0.217627856")  # what the total has and the sample does not show
    builder = accounts.GetCrossMarginAccountReqBuilder().set_quote_currency("USDT").set_query_type("MARGIN")
    reply = account.get_cross_margin_account(builder.build())
    wire = on_the_wire(reply)
    assert {**wire, "accounts": [one for one in wire["accounts"] if one["currency"] == "USDT"]} == documented
    assert reply.accounts[1].liability_principal == "0"


def test_isolated_margin_is_the_documented_one(exchange: Exchange, account: Any) -> None:
    documented = sample("isolated_margin")
    quote = documented["assets"][0]["quoteAsset"]
    exchange.balances.set("USDT", "isolated:BTC-USDT", quote["total"])
    exchange.owe("USDT", quote["liabilityPrincipal"], quote["liabilityInterest"], account="isolated:BTC-USDT")
    exchange.max_borrow_sizes[exchange.key.uid, "isolated:BTC-USDT", "USDT"] = quote["maxBorrowSize"]
    builder = accounts.GetIsolatedMarginAccountReqBuilder().set_symbol("BTC-USDT").set_quote_currency("USDT")
    reply = account.get_isolated_margin_account(builder.build())
    assert {**on_the_wire(reply), "timestamp": documented["timestamp"]} == documented
    assert reply.assets[0].quote_asset.liability == "0.00038891"


def test_the_futures_account_is_the_documented_one(exchange: Exchange, account: Any) -> None:
    documented = sample("futures_account", Decimal)
    shown = {name: value for name, value in documented.items() if name != "currency"}
    exchange.set_futures_account("USDT", shown=shown)  # the sample's sums do not add up
    reply = account.get_futures_account(accounts.GetFuturesAccountReqBuilder().set_currency("USDT").build())
    assert on_the_wire(reply) == sample("futures_account")
    assert reply.account_equity == 394.439280806


def test_sub_accounts_are_the_documented_ones(exchange: Exchange, sub_account: Any) -> None:
    (documented,) = sample("sub_users")["items"]
    exchange.add_sub_account(
        documented["uid"], documented["userId"], documented["subName"], remarks=documented["remarks"]
    )
    builder = subaccount.GetSpotSubAccountsSummaryV2ReqBuilder().set_current_page(1).set_page_size(10)
    reply = sub_account.get_spot_sub_accounts_summary_v2(builder.build())
    assert on_the_wire(reply) == sample("sub_users")
    assert reply.items[0].status.value == 2


@pytest.fixture
def sub_accounts(exchange: Exchange) -> Callable[..., None]:
    """Have the sub-accounts of the documented samples: the first has a cent in each account."""

    def sub_accounts(price: str) -> None:
        exchange.prices["BTC"] = Decimal(price)
        for uid, item in enumerate(sample("sub_accounts")["items"], start=1):
            exchange.add_sub_account(uid, item["subUserId"], item["subName"])
        for kind in ("main", "trade", "margin"):
            exchange.balances.set("USDT", kind, "0.01", uid=1)

    return sub_accounts


def test_the_balances_of_a_sub_account_are_the_documented_ones(
    sub_accounts: Callable[..., None], sub_account: Any
) -> None:
    documented = sample("sub_account")
    sub_accounts(documented["mainAccounts"][0]["baseCurrencyPrice"])
    builder = subaccount.GetSpotSubAccountDetailReqBuilder().set_sub_user_id(documented["subUserId"])
    reply = sub_account.get_spot_sub_account_detail(builder.set_include_base_amount(False).build())
    assert on_the_wire(reply) == documented
    assert reply.trade_accounts[0].balance == "0.01"


def test_the_balances_of_all_sub_accounts_are_the_documented_ones(
    sub_accounts: Callable[..., None], sub_account: Any
) -> None:
    documented = sample("sub_accounts")
    sub_accounts(documented["items"][0]["mainAccounts"][0]["baseCurrencyPrice"])
    builder = subaccount.GetSpotSubAccountListV2ReqBuilder().set_current_page(1).set_page_size(10)
    reply = sub_account.get_spot_sub_account_list_v2(builder.build())
    assert on_the_wire(reply) == documented
    assert [item.sub_name for item in reply.items] == ["testapi6", "Name1234567", "LTkucoin1491"]


def test_the_futures_balances_of_all_sub_accounts_are_the_documented_ones(exchange: Exchange, sub_account: Any) -> None:
    documented = sample("futures_sub_accounts", Decimal)
    for uid, one in enumerate(documented["accounts"], start=1):
        owner = exchange.key.uid if one["accountName"] == "main" else uid
        shown = {name: Decimal(value) for name, value in one.items() if name not in ("accountName", "currency")}
        exchange.set_futures_account("USDT", uid=owner, shown=shown)
        if owner == uid:
            exchange.add_sub_account(uid, name=one["accountName"])
    builder = subaccount.GetFuturesSubAccountListV2ReqBuilder().set_currency("USDT")
    reply = sub_account.get_futures_sub_account_list_v2(builder.build())
    assert on_the_wire(reply) == sample("futures_sub_accounts")
    assert reply.summary.account_equity_total == 103.899081508


def test_holdings_of_earn_are_the_documented_ones(exchange: Exchange, client: Any) -> None:
    (documented,) = sample("earn_holdings")["items"]
    exchange.add_earn_holding("KCS", "1", category="KCS_STAKING", redeemingAmount="1", status="REDEEMING")
    builder = earn.GetAccountHoldingReqBuilder().set_currency("KCS").set_product_category("KCS_STAKING")
    reply = client.get_earn_service().get_earn_api().get_account_holding(builder.build())
    assert on_the_wire(reply) == sample("earn_holdings")
    assert reply.items[0].order_id == documented["orderId"]
