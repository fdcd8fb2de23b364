"""
KuCoin's own Python client, unmodified, against the exchange: what it reads is what KuCoin documents.

`kucoin-universal-sdk` is nobody's here; it signs, encodes and parses as its makers think right.
"""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic.warnings import PydanticDeprecatedSince20

from airflow_provider_kucoin.testing import Exchange, Fault, Server

with warnings.catch_warnings():
    # The client's generated models declare path variables in a way that pydantic 2 would rather not see.
    warnings.filterwarnings("ignore", "Using extra keyword arguments on `Field`", PydanticDeprecatedSince20)
    # Python 3.12 tells of escapes in its documentation that are none, whenever it compiles it.
    warnings.filterwarnings("ignore", "invalid escape sequence", SyntaxWarning)
    from kucoin_universal_sdk.api import DefaultClient
    from kucoin_universal_sdk.generate.account.account import (
        GetSpotAccountDetailReqBuilder,
        GetSpotAccountListReqBuilder,
        GetSpotLedgerReqBuilder,
    )
    from kucoin_universal_sdk.generate.account.deposit import GetDepositAddressV3ReqBuilder, GetDepositHistoryReqBuilder
    from kucoin_universal_sdk.generate.account.transfer import FlexTransferReq, GetTransferQuotasReqBuilder
    from kucoin_universal_sdk.generate.account.withdrawal import (
        CancelWithdrawalReqBuilder,
        GetWithdrawalHistoryByIdReqBuilder,
        GetWithdrawalHistoryOldReqBuilder,
        GetWithdrawalHistoryReqBuilder,
        GetWithdrawalQuotasReqBuilder,
        WithdrawalV1Req,
        WithdrawalV3Req,
        WithdrawalV3ReqBuilder,
    )
    from kucoin_universal_sdk.generate.spot.market import GetCurrencyReqBuilder
    from kucoin_universal_sdk.model import ClientOptionBuilder, TransportOptionBuilder
    from kucoin_universal_sdk.model.common import RestError

# At run time it looks up path variables on instances, which pydantic 2.11 would rather not see either.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Accessing the 'model_fields' attribute on the instance:pydantic.warnings.PydanticDeprecatedSince211"
)

SAMPLES = Path(__file__).parents[1] / "samples"
MINUTE = 60_000
ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"


def sample(name: str) -> Any:
    return json.loads(SAMPLES.joinpath(f"{name}.json").read_text(encoding="utf-8"))["data"]


def on_the_wire(reply: Any) -> Any:
    """The `data` that a reply of the client was made from."""
    return reply.common_response.data


@pytest.fixture
def exchange() -> Exchange:
    """The client reads the true clock, so the exchange has it too; old samples then need a long memory."""
    exchange = Exchange()
    exchange.readings.retention_days = None
    return exchange


def connect(server: Server) -> Any:
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
def client(server: Server) -> Any:
    return connect(server)


@pytest.fixture
def account(client: Any) -> Any:
    return client.get_account_service().get_account_api()


@pytest.fixture
def market(client: Any) -> Any:
    return client.get_spot_service().get_market_api()


def test_the_time_is_the_documented_number(exchange: Exchange, market: Any) -> None:
    exchange.clock_offset_ms = sample("timestamp") - exchange.now_ms()
    assert 0 <= market.get_server_time().data - sample("timestamp") < MINUTE


def test_the_service_is_open(market: Any) -> None:
    reply = market.get_service_status()
    assert on_the_wire(reply) == sample("status")
    assert reply.status.value == "open"


def test_the_callers_address_is_told(market: Any) -> None:
    assert market.get_client_ip_address().data == "127.0.0.1"


def test_the_currencies_hold_the_documented_one(market: Any) -> None:
    reply = market.get_all_currencies()
    assert sample("currency_btc") in on_the_wire(reply)
    assert len(reply.data) == len(on_the_wire(reply))


def test_a_currency_is_the_documented_one(market: Any) -> None:
    reply = market.get_currency(GetCurrencyReqBuilder().set_currency("BTC").build())
    assert on_the_wire(reply) == sample("currency_btc")
    assert [chain.chain_id for chain in reply.chains] == ["btc", "btcln", "kcc", "bech32"]


@pytest.mark.parametrize("chain", ["btcln", "Lightning Network"])
def test_a_currency_can_be_asked_for_by_chain(market: Any, chain: str) -> None:
    reply = market.get_currency(GetCurrencyReqBuilder().set_currency("BTC").set_chain(chain).build())
    assert [found.chain_id for found in reply.chains] == ["btcln"]


def test_a_key_is_described_as_documented(exchange: Exchange, server: Server) -> None:
    documented = sample("api_key")
    exchange.readings.extended_api_key = False
    exchange.egress_ip = documented["ipWhitelist"].split(",")[0]
    exchange.key = exchange.add_key(
        replace(
            exchange.key,
            key=documented["apiKey"],
            remark=documented["remark"],
            permissions=tuple(documented["permission"].split(",")),
            ip_whitelist=tuple(documented["ipWhitelist"].split(",")),
            created_at=documented["createdAt"],
            uid=documented["uid"],
        )
    )
    api = connect(server).get_account_service().get_account_api()
    assert on_the_wire(api.get_apikey_info()) == documented


def test_accounts_are_the_documented_ones(exchange: Exchange, account: Any) -> None:
    for entry in sample("accounts"):
        exchange.balances.set(entry["currency"], entry["type"], entry["balance"], id=entry["id"])
    exchange.balances.set("BTC", "main", "1")
    reply = account.get_spot_account_list(GetSpotAccountListReqBuilder().set_currency("USDT").build())
    assert on_the_wire(reply) == sample("accounts")
    assert [entry.type.value for entry in reply.data] == ["trade", "main"]


def test_an_account_is_the_documented_one(exchange: Exchange, account: Any) -> None:
    entry = sample("accounts")[0]
    exchange.balances.set(entry["currency"], entry["type"], entry["balance"], id=entry["id"])
    reply = account.get_spot_account_detail(GetSpotAccountDetailReqBuilder().set_account_id(entry["id"]).build())
    assert on_the_wire(reply) == sample("account")


def test_the_ledger_is_the_documented_one(exchange: Exchange, account: Any) -> None:
    (documented,) = sample("spot_ledger")["items"]
    exchange.book(created_at=documented["createdAt"], extra=documented)
    request = GetSpotLedgerReqBuilder().set_start_at(1728658481484 - MINUTE).set_end_at(1728658481484 + MINUTE)
    reply = account.get_spot_ledger(request.build())
    assert on_the_wire(reply) == sample("spot_ledger")
    assert reply.items[0].created_at == documented["createdAt"]
    assert reply.common_response.rate_limit.limit == 2000
    assert reply.common_response.rate_limit.remaining == 1998


def test_a_comma_list_of_currencies_is_signed_and_sent_as_the_exchange_expects(
    exchange: Exchange, account: Any
) -> None:
    now = int(time.time() * 1000)
    for currency in ("BTC", "KCS", "USDT"):
        exchange.book(created_at=now - MINUTE, currency=currency, id=currency)
    request = GetSpotLedgerReqBuilder().set_currency("BTC,USDT").set_direction("in").set_biz_type("DEPOSIT")
    reply = account.get_spot_ledger(request.set_current_page(1).set_page_size(500).build())
    assert [item.currency for item in reply.items] == ["USDT", "BTC"]


@pytest.mark.parametrize(
    "currency", ["A B", "a+b", "50%", "x/y", "BEP20(BSC)", "é", "a&b", "a=b", "#1", "?", "abc!@#11", "€"]
)
def test_awkward_characters_are_signed_and_sent_as_the_exchange_expects(
    exchange: Exchange, account: Any, currency: str
) -> None:
    exchange.book(created_at=int(time.time() * 1000) - MINUTE, currency=currency)
    reply = account.get_spot_ledger(GetSpotLedgerReqBuilder().set_currency(currency).build())
    assert [item.currency for item in reply.items] == [currency]


def test_no_rows_may_be_null(exchange: Exchange, account: Any) -> None:
    exchange.readings.empty_items = "null"
    reply = account.get_spot_ledger(GetSpotLedgerReqBuilder().build())
    assert (reply.total_num, reply.items) == (0, None)


def test_a_refusal_reaches_the_client(account: Any) -> None:
    with pytest.raises(RestError) as caught:
        account.get_spot_ledger(GetSpotLedgerReqBuilder().set_page_size(501).build())
    assert caught.value.response.code == "400100"


def test_a_limit_reaches_the_client(exchange: Exchange, account: Any) -> None:
    exchange.faults.inject(Fault.OVERLOADED)
    with pytest.raises(RestError, match="429000"):
        account.get_apikey_info()


# --- money ---


@pytest.fixture
def withdrawal(exchange: Exchange, client: Any) -> Any:
    """The client's withdrawals, with a key that may withdraw 1000 USDT."""
    exchange.allow_withdrawals()
    exchange.balances.set("USDT", "main", "1000")
    return client.get_account_service().get_withdrawal_api()


@pytest.fixture
def deposit(client: Any) -> Any:
    return client.get_account_service().get_deposit_api()


@pytest.fixture
def transfer(exchange: Exchange, client: Any) -> Any:
    exchange.allow_withdrawals()
    return client.get_account_service().get_transfer_api()


def documented_body(request: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(SAMPLES.joinpath("money_requests.json").read_text(encoding="utf-8"))[request]
    return body


def pay(withdrawal: Any, **changes: Any) -> Any:
    builder = WithdrawalV3ReqBuilder().set_currency("USDT").set_to_address(ADDRESS).set_amount("10")
    builder = builder.set_withdraw_type("ADDRESS")
    for name, value in changes.items():
        builder = getattr(builder, f"set_{name}")(value)
    return withdrawal.withdrawal_v3(builder.build())


def history(withdrawal: Any, withdrawal_id: str) -> Any:
    request = GetWithdrawalHistoryByIdReqBuilder().set_withdrawal_id(withdrawal_id).build()
    return withdrawal.get_withdrawal_history_by_id(request)


def test_quotas_are_the_documented_ones_with_another_chain_than_asked_for(withdrawal: Any) -> None:
    request = GetWithdrawalQuotasReqBuilder().set_currency("BTC").set_chain("eth").build()
    reply = withdrawal.get_withdrawal_quotas(request)
    assert on_the_wire(reply) == sample("withdrawal_quotas")
    assert (reply.chain, reply.precision, reply.is_withdraw_enabled) == ("BTC", 8, True)


def test_a_documented_withdrawal_is_accepted(exchange: Exchange, withdrawal: Any) -> None:
    body = documented_body("POST /api/v3/withdrawals")
    exchange.readings.address_shapes_checked = False  # it is masked
    reply = withdrawal.withdrawal_v3(WithdrawalV3Req.from_dict(body))
    (made,) = exchange.withdrawals
    assert reply.withdrawal_id == made.id
    assert {name: exchange.requests[-1].json[name] for name in body} == body
    assert (made.address, made.remark, made.is_inner) == (body["toAddress"], body["remark"], True)


def test_a_documented_withdrawal_of_version_1_is_accepted(exchange: Exchange, withdrawal: Any) -> None:
    body = documented_body("POST /api/v1/withdrawals")
    exchange.readings.address_shapes_checked = False
    reply = withdrawal.withdrawal_v1(WithdrawalV1Req.from_dict(body))
    (made,) = exchange.withdrawals
    assert reply.withdrawal_id == made.id
    assert (made.version, made.amount, made.address) == ("v1", 3, body["address"])


def test_the_client_says_ethereum_where_nobody_named_a_chain(exchange: Exchange, withdrawal: Any) -> None:
    with pytest.raises(RestError, match="Incorrect withdrawal address"):
        pay(withdrawal)
    assert exchange.requests[-1].json["chain"] == "eth"
    assert exchange.withdrawals == []


def test_a_withdrawal_is_paid_found_and_settled(exchange: Exchange, withdrawal: Any) -> None:
    withdrawal_id = pay(withdrawal, chain="trx", remark="af-1", fee_deduct_type="EXTERNAL").withdrawal_id
    request = GetWithdrawalHistoryReqBuilder().set_currency("USDT").set_status("PROCESSING").set_page_size(10).build()
    (item,) = withdrawal.get_withdrawal_history(request).items
    assert (item.id, item.remark, item.amount, item.fee) == (withdrawal_id, "af-1", "10.00000000", "1.00000000")
    assert history(withdrawal, withdrawal_id).status == "PROCESSING"
    exchange.settle(withdrawal_id, "a0")
    found = history(withdrawal, withdrawal_id)
    assert (found.status, found.wallet_tx_id, found.chain_id, found.chain_name) == ("SUCCESS", "a0", "trx", "TRC20")


def test_the_list_is_the_documented_one(exchange: Exchange, withdrawal: Any) -> None:
    documented = sample("withdrawals")
    exchange.readings.list_rows_have_id = False
    for item in reversed(documented["items"]):
        exchange.add_withdrawal(
            currency=item["currency"],
            amount=item["amount"],
            address=item["address"],
            chain=item["chain"],
            is_inner=item["isInner"],
            created_at_ms=item["createdAt"],
        )
    reply = withdrawal.get_withdrawal_history(GetWithdrawalHistoryReqBuilder().set_currency("USDT").build())
    assert {**on_the_wire(reply), "totalNum": 5} == documented
    assert [item.chain for item in reply.items] == ["", "trx"]


def test_a_withdrawal_by_id_is_the_documented_one(exchange: Exchange, withdrawal: Any) -> None:
    documented = sample("withdrawal")
    exchange.add_withdrawal(
        id=documented["id"],
        currency=documented["currency"],
        amount="3",
        address=documented["address"],
        chain=documented["chainId"],
        remark=documented["remark"],
        is_inner=True,
        created_at_ms=documented["createdAt"],
    )
    reply = history(withdrawal, documented["id"])
    assert on_the_wire(reply) == documented
    assert (reply.cancel_type.value, reply.return_status.value) == ("NON_CANCELABLE", "NOT_RETURN")


def test_the_old_list_is_the_documented_one(exchange: Exchange, withdrawal: Any) -> None:
    (item,) = sample("withdrawals_old")["items"]
    exchange.add_withdrawal(
        currency=item["currency"],
        amount=item["amount"],
        address=item["address"],
        wallet_tx_id=item["walletTxId"],
        created_at_ms=item["createAt"] * 1000,
    )
    request = GetWithdrawalHistoryOldReqBuilder().set_currency("BTC").set_status("SUCCESS").build()
    reply = withdrawal.get_withdrawal_history_old(request)
    assert on_the_wire(reply) == sample("withdrawals_old")


def test_a_withdrawal_is_cancelled_as_documented(exchange: Exchange, withdrawal: Any) -> None:
    withdrawal_id = pay(withdrawal, chain="trx").withdrawal_id
    request = CancelWithdrawalReqBuilder().set_withdrawal_id(withdrawal_id).build()
    assert on_the_wire(withdrawal.cancel_withdrawal(request)) == sample("cancel_withdrawal")
    assert [made.status for made in exchange.withdrawals] == ["FAILURE"]
    with pytest.raises(RestError):
        withdrawal.cancel_withdrawal(request)
    assert exchange.balances.get("USDT", "main").available == "1000"


def test_a_broken_line_leaves_a_withdrawal_behind_of_which_the_client_knows_nothing(
    exchange: Exchange, withdrawal: Any
) -> None:
    exchange.faults.inject(Fault.RESET_AFTER, path="/api/v3/withdrawals")
    with pytest.raises(RestError):
        pay(withdrawal, chain="trx", remark="af-1")
    request = GetWithdrawalHistoryReqBuilder().set_currency("USDT").build()
    assert [item.remark for item in withdrawal.get_withdrawal_history(request).items] == ["af-1"]
    assert len(exchange.withdrawals) == 1


def test_what_is_transferable_is_the_documented_sample(exchange: Exchange, transfer: Any) -> None:
    exchange.balances.set("USDT", "main", "10.5")
    request = GetTransferQuotasReqBuilder().set_currency("USDT").set_type("MAIN").build()
    reply = transfer.get_transfer_quotas(request)
    assert on_the_wire(reply) == sample("transferable")
    assert reply.transferable == "10.5"


def test_a_documented_transfer_is_carried_out(exchange: Exchange, transfer: Any) -> None:
    body = documented_body("POST /api/v3/accounts/universal-transfer")
    exchange.add_sub_account(169579801, body["toUserId"])
    exchange.balances.set("USDT", "trade", "1")
    request = FlexTransferReq.from_dict(body)
    reply = transfer.flex_transfer(request)
    (made,) = exchange.transfers
    assert (reply.order_id, made.client_oid) == (made.order_id, body["clientOid"])
    assert exchange.balances.get("USDT", "trade", 169579801).available == "0.01"
    assert transfer.flex_transfer(request).order_id == reply.order_id


def test_deposits_are_the_documented_ones(exchange: Exchange, deposit: Any) -> None:
    documented = sample("deposits")
    for item in reversed(documented["items"]):
        exchange.deposit(
            currency=item["currency"],
            amount=item["amount"],
            address=item["address"],
            chain=item["chain"],
            is_inner=item["isInner"],
            created_at_ms=item["createdAt"],
        )
    reply = deposit.get_deposit_history(GetDepositHistoryReqBuilder().set_currency("USDT").build())
    assert {**on_the_wire(reply), "totalNum": 5} == documented
    assert [item.status.value for item in reply.items] == ["SUCCESS", "SUCCESS"]


def test_deposit_addresses_are_the_documented_ones(exchange: Exchange, deposit: Any) -> None:
    for item in sample("deposit_addresses"):
        exchange.add_deposit_address(
            item["currency"], item["chainId"], item["address"], memo=item["memo"], to=item["to"]
        )
    reply = deposit.get_deposit_address_v3(GetDepositAddressV3ReqBuilder().set_currency("USDT").build())
    assert on_the_wire(reply) == sample("deposit_addresses")
    assert [item.chain_id for item in reply.data] == ["trx", "kcc", "ton", "eth"]
