"""POST /api/v3/withdrawals and /api/v1/withdrawals: what is accepted, what is refused, and what the money does."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import ApiKey

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

V1 = "/api/v1/withdrawals"
V3 = "/api/v3/withdrawals"
TRON = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
ETHEREUM = "0x0a2586d5a901c8e7e68f6b0dc83bfd8bd8600ff5"
RIPPLE = "rNFugeoj3ZN8Wv6xhuLegUBBPXKCyWLRkB"
DAY = 86_400_000


def in_main(exchange: Exchange, currency: str = "USDT") -> tuple[str, str]:
    entry = exchange.balances.get(currency, "main")
    return entry.available, entry.holds


# --- accepted ---


def test_what_was_accepted_is_remembered_as_it_was_sent(rich: Exchange, withdraw: Any) -> None:
    answer = withdraw()
    (withdrawal,) = rich.withdrawals
    assert answer.data == {"withdrawalId": withdrawal.id}
    assert (withdrawal.currency, withdrawal.chain, withdrawal.address) == ("USDT", "trx", TRON)
    assert (withdrawal.amount, withdrawal.fee, withdrawal.fee_deduct_type) == (Decimal(10), Decimal(1), "EXTERNAL")
    assert (withdrawal.memo, withdrawal.remark, withdrawal.version) == ("", "af-1", "v3")
    assert (withdrawal.status, withdrawal.uid) == ("PROCESSING", rich.key.uid)
    assert withdrawal.created_at_ms == rich.now_ms()


def test_the_same_request_twice_is_two_withdrawals(rich: Exchange, withdraw: Any) -> None:
    ids = [withdraw().data["withdrawalId"] for _ in range(2)]
    assert [withdrawal.id for withdrawal in rich.withdrawals] == ids
    assert len(set(ids)) == 2


def test_ids_look_like_kucoins_and_are_the_same_in_every_run(rich: Exchange, withdraw: Any) -> None:
    withdrawal_id = withdraw().data["withdrawalId"]
    assert len(withdrawal_id) == 24
    assert int(withdrawal_id[:8], 16) == rich.now_ms() // 1000


def test_the_fee_is_paid_on_top_or_out_of_the_amount(rich: Exchange, withdraw: Any) -> None:
    withdraw(feeDeductType="EXTERNAL")
    assert in_main(rich) == ("989", "0")
    withdraw(feeDeductType="INTERNAL")
    assert in_main(rich) == ("979", "0")
    assert [withdrawal.arriving for withdrawal in rich.withdrawals] == [Decimal(10), Decimal(9)]


def test_an_omitted_fee_type_takes_the_fee_from_main_if_it_can(rich: Exchange, withdraw: Any) -> None:
    withdraw(feeDeductType=None, amount="500")
    withdraw(feeDeductType=None, amount="499")
    first, second = rich.withdrawals
    assert (first.fee_deduct_type, second.fee_deduct_type) == ("EXTERNAL", "INTERNAL")
    assert second.arriving == Decimal(498)
    assert in_main(rich) == ("0", "0")


def test_an_omitted_chain_is_ethereum(rich: Exchange, withdraw: Any) -> None:
    assert withdraw(chain=None).json["msg"] == "Incorrect withdrawal address"  # a Tron address, that is
    withdraw(chain=None, toAddress=ETHEREUM)
    assert [withdrawal.chain for withdrawal in rich.withdrawals] == ["eth"]


def test_the_ledger_has_the_row_with_the_fee_in_its_amount(rich: Exchange, withdraw: Any, ledger: Any) -> None:
    withdrawal_id = withdraw().data["withdrawalId"]
    (row,) = ledger(bizType="WITHDRAW").data["items"]
    assert (row["amount"], row["fee"], row["direction"], row["accountType"]) == ("11", "1", "out", "MAIN")
    assert json.loads(row["context"]) == {"orderId": withdrawal_id}
    assert row["createdAt"] == rich.now_ms()


def test_the_ledger_may_have_the_row_when_it_is_settled(rich: Exchange, withdraw: Any, ledger: Any) -> None:
    rich.readings.withdrawal_booked = "settled"
    withdrawal_id = withdraw().data["withdrawalId"]
    assert ledger().ids == []
    assert in_main(rich) == ("989", "11")
    rich.settle(withdrawal_id, "tx")
    assert in_main(rich) == ("989", "0")
    (row,) = ledger().data["items"]
    assert json.loads(row["context"]) == {"orderId": withdrawal_id, "txId": "tx"}


def test_the_ledger_may_never_have_the_row(rich: Exchange, withdraw: Any, ledger: Any) -> None:
    rich.readings.withdrawal_booked = "never"
    withdraw()
    assert ledger().ids == []
    assert in_main(rich) == ("989", "0")


@pytest.mark.parametrize(
    ("withdraw_type", "destination"), [("UID", "987654"), ("MAIL", "someone@example.com"), ("PHONE", "55-12341234")]
)
def test_a_users_other_names_are_paid_at_once_for_nothing_and_without_chain(
    rich: Exchange, withdraw: Any, withdraw_type: str, destination: str
) -> None:
    withdraw(withdrawType=withdraw_type, toAddress=destination, chain=None, amount="0.00000001")
    (withdrawal,) = rich.withdrawals
    assert (withdrawal.status, withdrawal.chain, withdrawal.is_inner) == ("SUCCESS", "", True)
    assert (withdrawal.fee, withdrawal.wallet_tx_id) == (Decimal(0), None)


def test_an_inner_withdrawal_to_an_address_is_there_at_once(rich: Exchange, withdraw: Any) -> None:
    withdraw(isInner=True)
    (withdrawal,) = rich.withdrawals
    assert (withdrawal.status, withdrawal.chain, withdrawal.fee) == ("SUCCESS", "trx", Decimal(0))


def test_a_withdrawal_without_the_memo_that_its_chain_needs_is_sent_and_lost(rich: Exchange, withdraw: Any) -> None:
    for memo in ("1919537769", None):
        withdraw(currency="XRP", chain="xrp", toAddress=RIPPLE, amount="20", memo=memo)
    assert [withdrawal.is_lost for withdrawal in rich.withdrawals] == [False, True]


def test_zeros_at_the_end_of_an_amount_are_no_decimals(withdraw: Any) -> None:
    assert withdraw(amount="10.000000000").code == "200000"


def test_no_digit_of_a_balance_is_lost(rich: Exchange, withdraw: Any) -> None:
    rich.balances.set("USDT", "main", "123456789012345.123456789012345678")
    withdraw(amount="0.000001", withdrawType="UID", toAddress="1")
    assert in_main(rich) == ("123456789012345.123455789012345678", "0")


def test_money_for_one_withdrawal_pays_one_whoever_comes_first(rich: Exchange, withdraw: Any) -> None:
    rich.balances.set("USDT", "main", "15")
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(answer.code for answer in pool.map(lambda _: withdraw(), range(8)))
    assert codes == ["200000"] + ["400100"] * 7
    assert len(rich.withdrawals) == 1


# --- version 1 ---


def test_version_1_takes_an_address_and_a_whole_number(rich: Exchange, post: Any) -> None:
    answer = post(V1, {"currency": "USDT", "address": TRON, "amount": 3, "chain": "trx", "remark": "m"})
    (withdrawal,) = rich.withdrawals
    assert answer.data == {"withdrawalId": withdrawal.id}
    assert (withdrawal.version, withdrawal.amount, withdrawal.withdraw_type) == ("v1", Decimal(3), "ADDRESS")


@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize("amount", ["3", 3.5, True, None])
def test_version_1_takes_nothing_but_a_whole_number(exchange: Exchange, post: Any, amount: Any) -> None:
    assert post(V1, {"currency": "USDT", "address": TRON, "amount": amount, "chain": "trx"}).code == "400100"
    assert exchange.withdrawals == []


def test_version_1_may_take_any_number(rich: Exchange, post: Any) -> None:
    rich.readings.v1_amount = "number"
    assert post(V1, {"currency": "USDT", "address": TRON, "amount": 3.1, "chain": "trx"}).code == "200000"
    assert [withdrawal.amount for withdrawal in rich.withdrawals] == [Decimal("3.1")]


def test_version_1_may_be_gone(rich: Exchange, post: Any) -> None:
    rich.readings.v1_withdrawals = "deprecated"
    assert post(V1, {"currency": "USDT", "address": TRON, "amount": 3, "chain": "trx"}).code == "401000"


def test_version_1_knows_no_to_address_and_version_3_no_address(rich: Exchange, withdraw: Any, post: Any) -> None:
    assert withdraw(toAddress=None, address=TRON).code == "400100"
    assert post(V1, {"currency": "USDT", "toAddress": TRON, "amount": 3, "chain": "trx"}).code == "400100"
    assert rich.withdrawals == []


# --- refused ---


@pytest.mark.parametrize("currency", ["USDT", "BTC"])
def test_a_key_without_the_permission_is_400007(exchange: Exchange, post: Any, currency: str) -> None:
    exchange.balances.set(currency, "main", "1000")
    assert post(V3, {}).code == "400007"
    exchange.replace_key(replace(exchange.key, permissions=(*exchange.key.permissions, "InnerTransfer")))
    assert post(V3, {}).code == "400007"


def test_a_key_without_ip_whitelist_cannot_withdraw(rich: Exchange, withdraw: Any) -> None:
    rich.replace_key(replace(rich.key, ip_whitelist=()))
    assert withdraw().code == "400007"
    rich.readings.withdrawal_needs_ip_whitelist = False
    assert withdraw().code == "200000"


def test_a_withdrawal_from_another_address_is_400006(rich: Exchange, withdraw: Any) -> None:
    assert withdraw(remote="203.0.113.7").code == "400006"
    rich.allow_withdrawals("203.0.113.7")
    assert withdraw(remote="203.0.113.7").code == "200000"


def test_a_sub_accounts_key_cannot_withdraw(rich: Exchange, withdraw: Any) -> None:
    key = rich.add_key(
        ApiKey("sub", "s", "p", permissions=("Transfer",), ip_whitelist=("127.0.0.1",), uid=2, is_master=False)
    )
    assert withdraw(key=key).code == "400007"


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"amount": "999.5"}, "400100", "account.available.amount"),
        ({"amount": "1000.1", "feeDeductType": "INTERNAL"}, "400100", "account.available.amount"),
        ({"amount": "2.999999"}, "400100", "The withdrawal amount is below the minimum requirement."),
        ({"amount": "10.1234567"}, "400100", "The amount increment is invalid."),
        ({"amount": "10.0000000000000000000000000000000000001"}, "400100", "The amount increment is invalid."),
        ({"currency": "SHIB", "chain": "eth", "toAddress": ETHEREUM, "amount": "1000000.5"}, "400100",
         "The amount increment is invalid."),
        ({"toAddress": ETHEREUM}, "400100", "Incorrect withdrawal address"),
        ({"toAddress": TRON[:-1]}, "400100", "Incorrect withdrawal address"),
        ({"chain": "eth"}, "400100", "Incorrect withdrawal address"),
        ({"chain": "xrp"}, "400100", "Incorrect withdrawal address"),
        ({"chain": "TRC20"}, "900014", "Invalid chainId"),
        ({"chain": "TRX"}, "900014", "Invalid chainId"),
        ({"chain": "optimism", "toAddress": ETHEREUM}, "260210", "withdraw.disabled"),
        ({"memo": "1"}, "400100", "Incorrect withdrawal address"),
        ({"memo": ""}, "400100", "Incorrect withdrawal address"),
        ({"withdrawType": "UID", "toAddress": TRON}, "400100", "Incorrect withdrawal address"),
        ({"withdrawType": "address"}, "400100", "not in the given range!"),
        ({"feeDeductType": "external"}, "400100", "not in the given range!"),
    ],
)  # fmt: skip
def test_kucoins_refusals(rich: Exchange, withdraw: Any, changes: dict[str, Any], code: str, message: str) -> None:
    answer = withdraw(**changes)
    assert (answer.status, answer.code, answer.json["msg"]) == (200, code, message)
    assert rich.withdrawals == []
    assert in_main(rich) == ("1000", "0")


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": None},
        {"currency": "NOPE"},
        {"toAddress": None},
        {"toAddress": ""},
        {"withdrawType": None},
        {"amount": None},
        {"amount": "0"},
        {"amount": "-10"},
        {"amount": "1E1"},
        {"amount": "NaN"},
        {"amount": float("nan")},
        {"amount": " 10"},
        {"amount": ["10"]},
        {"isInner": "false"},
        {"chain": 7},
        {"remark": 7},
    ],
)
def test_bodies_that_make_no_sense_are_refused(rich: Exchange, withdraw: Any, changes: dict[str, Any]) -> None:
    assert withdraw(**changes).code == "400100"
    assert rich.withdrawals == []


@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize("body", ["", "nothing", "[]", '"text"', "null"])
def test_a_body_that_is_no_json_object_is_refused(ask: Any, body: str) -> None:
    assert ask(V3, method="POST", body=body).code == "400100"


def test_what_is_left_pays_without_fee_but_not_with_it(rich: Exchange, withdraw: Any) -> None:
    assert withdraw(amount="1000").code == "400100"
    assert withdraw(amount="1000", feeDeductType="INTERNAL").code == "200000"
    assert in_main(rich) == ("0", "0")


def test_the_trade_account_pays_nothing(rich: Exchange, withdraw: Any) -> None:
    rich.balances.set("USDT", "main", "0")
    rich.balances.set("USDT", "trade", "1000")
    assert withdraw().json["msg"] == "account.available.amount"


def test_what_is_held_pays_nothing(rich: Exchange, withdraw: Any) -> None:
    rich.balances.set("USDT", "main", "1000", holds="990")
    assert withdraw().json["msg"] == "account.available.amount"


def test_the_address_book_compares_every_letter(rich: Exchange, withdraw: Any) -> None:
    rich.address_book = {(TRON, "trx"), (ETHEREUM.upper().replace("0X", "0x"), "eth")}
    assert withdraw().code == "200000"
    assert withdraw(chain="eth", toAddress=ETHEREUM).code == "260325"
    rich.address_book = ()
    assert withdraw().code == "260325"


def test_more_than_the_days_limit_is_refused(rich: Exchange, withdraw: Any) -> None:
    rich.daily_limits["USDT"] = "25"
    assert [withdraw().code for _ in range(3)] == ["200000", "200000", "400100"]
    assert withdraw(amount="5.000001").json["msg"] == "Withdrawal Limit Exceeded"


def test_three_direct_withdrawals_in_ten_seconds_and_fifty_in_a_day(rich: Exchange, withdraw: Any, clock: Any) -> None:
    def pay() -> str:
        return str(withdraw(withdrawType="UID", toAddress="1", amount="0.01").code)

    assert [pay() for _ in range(4)] == ["200000"] * 3 + ["429000"]
    clock.now_ms += 10_000
    assert pay() == "200000"
    while len(rich.withdrawals) < 50:
        clock.now_ms += 10_000
        pay()
    clock.now_ms += 10_000
    assert pay() == "429000"
    clock.now_ms += DAY
    assert pay() == "200000"


# --- readings ---


@pytest.mark.parametrize(
    ("reading", "value", "changes"),
    [
        ("withdraw_type_required", False, {"withdrawType": None}),
        ("chain_names_accepted", True, {"chain": "TRC20"}),
        ("address_shapes_checked", False, {"toAddress": "anywhere"}),
        ("empty_memo", "none", {"memo": ""}),
    ],
)
def test_what_is_refused_may_pass(
    rich: Exchange, withdraw: Any, reading: str, value: Any, changes: dict[str, Any]
) -> None:
    assert withdraw(**changes).code != "200000"
    setattr(rich.readings, reading, value)
    assert withdraw(**changes).code == "200000"


@pytest.mark.parametrize(
    ("reading", "value", "changes"),
    [
        ("v3_amount", "text", {"amount": 10}),
        ("v3_amount", "text", {"amount": 10.5}),
        ("missing_memo", "refused", {"currency": "XRP", "chain": "xrp", "toAddress": RIPPLE, "amount": "20"}),
        ("remark_limit", 3, {"remark": "af-1"}),
    ],
)
def test_what_passes_may_be_refused(
    rich: Exchange, withdraw: Any, reading: str, value: Any, changes: dict[str, Any]
) -> None:
    assert withdraw(**changes).code == "200000"
    setattr(rich.readings, reading, value)
    assert withdraw(**changes).code == "400100"


def test_too_little_money_may_be_told_in_other_words(rich: Exchange, withdraw: Any) -> None:
    rich.readings.insufficient_funds = ("260100", "account.noBalance")
    assert withdraw(amount="5000").code == "260100"


# --- the log ---


def test_the_log_has_the_body_that_was_sent(rich: Exchange, withdraw: Any, ask: Any) -> None:
    withdraw(amount="10.50")
    assert rich.requests[-1].json["amount"] == "10.50"
    ask("/api/v1/elsewhere", method="POST", body='{"passphrase": "secret"}')
    assert rich.requests[-1].body == ""
