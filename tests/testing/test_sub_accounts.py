"""Sub-accounts as their master sees them, and what kind of user one is."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kucoin.testing import ApiKey, Exchange

NOON = 1_770_120_000_000
LISTS = ("/api/v2/sub/user", "/api/v2/sub-accounts")


def test_sub_accounts_are_listed_by_pages(exchange: Exchange, ask: Any) -> None:
    for uid in range(1, 13):
        exchange.add_sub_account(uid, name=f"sub{uid}")
    first, second = (ask(LISTS[0], {"currentPage": page}).data for page in (1, 2))
    assert (first["totalNum"], first["totalPage"], first["pageSize"]) == (12, 2, 10)
    assert [item["subName"] for item in (*first["items"], *second["items"])] == [f"sub{uid}" for uid in range(1, 13)]
    assert {"userId", "uid", "status", "type", "tradeTypes", "hostedStatus"} < first["items"][0].keys()


@pytest.mark.parametrize(
    ("path", "size", "code"),
    [
        (LISTS[0], 1, "200000"),
        (LISTS[0], 101, "400100"),
        (LISTS[1], 9, "400100"),
        (LISTS[1], 100, "200000"),
        (LISTS[1], 101, "400100"),
    ],
)
def test_pages_have_their_sizes(ask: Any, path: str, size: int, code: str) -> None:
    assert ask(path, {"pageSize": size}).code == code


def test_balances_agree_with_the_sub_accounts_own_ledger(exchange: Exchange, ask: Any) -> None:
    exchange.add_sub_account(2, "abc", name="robot")
    key = exchange.add_key(ApiKey("sub", "secret", "phrase", uid=2, is_master=False, parent_uid=exchange.key.uid))
    exchange.book(ledger="trade_hf", created_at=NOON - 2, amount="7.5", uid=2)
    exchange.balances.set("KCS", "main", "3", holds="1", uid=2)
    exchange.balances.set("BTC", "main", "0", uid=2)
    exchange.balances.set("USDT", "margin_v2", "9", uid=2)
    (found,) = ask(LISTS[1]).data["items"]
    assert found == ask("/api/v1/sub-accounts/abc").data
    (traded,) = ask("/api/v1/hf/accounts/ledgers", key=key).data
    assert [(line["currency"], line["balance"]) for line in found["tradeAccounts"]] == [("USDT", traded["balance"])]
    (main,) = found["mainAccounts"]
    assert (main["currency"], main["balance"], main["available"], main["holds"]) == ("KCS", "3", "2", "1")
    assert [line["balance"] for line in found["marginAccounts"]] == ["9"]
    assert (found["subUserId"], found["subName"], found["tradeHFAccounts"]) == ("abc", "robot", [])


def test_balances_are_told_in_another_currency(exchange: Exchange, ask: Any) -> None:
    exchange.add_sub_account(2, "abc")
    exchange.balances.set("USDT", "main", "100", uid=2)
    exchange.balances.set("BTC", "main", "0", uid=2)
    path = "/api/v1/sub-accounts/abc"
    (line,) = ask(path, {"baseCurrency": "KCS"}).data["mainAccounts"]
    assert (line["baseCurrency"], line["baseCurrencyPrice"], line["baseAmount"]) == ("KCS", "10", "10")
    zero = ask(path, {"includeBaseAmount": "true"}).data["mainAccounts"]
    assert [line["currency"] for line in zero] == ["USDT", "BTC"]
    assert ask(path, {"baseCurrency": "USDT", "baseAmount": "100.01"}).data["mainAccounts"] == []


def test_there_is_no_ledger_of_a_sub_account_for_its_master(exchange: Exchange, ask: Any) -> None:
    exchange.add_sub_account(2)
    exchange.book(ledger="trade_hf", created_at=NOON - 2, uid=2)
    assert ask("/api/v1/hf/accounts/ledgers").data == []


def test_an_unknown_sub_account_is_refused(ask: Any) -> None:
    assert ask("/api/v1/sub-accounts/abc").code == "400100"


@pytest.mark.parametrize("path", LISTS)
def test_a_sub_account_has_none_below_it(exchange: Exchange, ask: Any, path: str) -> None:
    key = exchange.add_key(ApiKey("sub", "secret", "phrase", uid=2, is_master=False, parent_uid=exchange.key.uid))
    exchange.add_sub_account(2)
    assert ask(path, key=key).code == "400007"
    exchange.readings.sub_accounts_with_sub_key = "empty"
    assert ask(path, key=key).data["items"] == []


def test_a_user_is_told_the_level_and_how_many_sub_accounts_there_are(ask: Any, exchange: Exchange) -> None:
    exchange.add_sub_account(2)
    exchange.add_sub_account(3, trade_types=("Spot",))
    found = ask("/api/v2/user-info").data
    assert (found["level"], found["subQuantity"], found["spotSubQuantity"], found["futuresSubQuantity"]) == (0, 2, 2, 1)
    assert (found["maxSubQuantity"], found["maxDefaultSubQuantity"], found["optionSubQuantity"]) == (5, 5, 0)
    assert Exchange(vip=7).vip == 7


def test_high_frequency_or_not(exchange: Exchange, ask: Any) -> None:
    assert ask("/api/v1/hf/accounts/opened").data is True
    exchange.is_high_frequency = False
    assert ask("/api/v1/hf/accounts/opened").data is False
    assert exchange.quota_used("Spot") == 60


def test_the_trading_account_may_be_listed_under_its_old_name(exchange: Exchange, ask: Any) -> None:
    exchange.balances.set("USDT", "trade", "1")
    assert [entry["type"] for entry in ask("/api/v1/accounts").data] == ["trade"]
    exchange.readings.hf_account_type = "trade_hf"
    assert [entry["type"] for entry in ask("/api/v1/accounts").data] == ["trade_hf"]
    assert ask("/api/v1/accounts", {"type": "trade"}).data == []
    assert [entry["balance"] for entry in ask("/api/v1/accounts", {"type": "trade_hf"}).data] == ["1"]


def test_holdings_of_earn_are_listed_by_pages(exchange: Exchange, ask: Any) -> None:
    for number in range(16):
        exchange.add_earn_holding("KCS" if number else "BTC", "1.5", category="STAKING" if number > 10 else "DEMAND")
    exchange.add_earn_holding("ETH", "1", uid=2)
    path = "/api/v1/earn/hold-assets"
    first = ask(path).data
    assert (first["totalNum"], first["totalPage"], first["pageSize"], len(first["items"])) == (16, 2, 15, 15)
    assert [item["currency"] for item in ask(path, {"currency": "BTC"}).data["items"]] == ["BTC"]
    assert ask(path, {"productCategory": "STAKING"}).data["totalNum"] == 5
    assert ask(path, {"productId": "2612"}).data["totalNum"] == 1
    assert ask(path, {"productCategory": "staking"}).code == ask(path, {"pageSize": 9}).code == "400100"
    assert exchange.quota_used("Earn") == 30
