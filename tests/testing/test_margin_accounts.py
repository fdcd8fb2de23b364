"""Cross and isolated margin: what the accounts hold and owe, and that it agrees with their ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
CROSS = "/api/v3/margin/accounts"
ISOLATED = "/api/v3/isolated/accounts"


def test_the_total_is_the_last_rows_balance(exchange: Exchange, ask: Any) -> None:
    exchange.book(ledger="margin_hf", created_at=NOON - 2, amount="10.5")
    exchange.book(ledger="margin_hf", created_at=NOON - 1, amount="0.25", direction="out")
    (account,) = ask(CROSS, {"queryType": "MARGIN_V2"}).data["accounts"]
    (last, _) = ask("/api/v3/hf/margin/account/ledgers").data
    assert (account["currency"], account["total"], account["available"]) == ("USDT", "10.25", "10.25")
    assert account["total"] == last["balance"]


def test_low_and_high_frequency_accounts_are_told_apart_or_together(exchange: Exchange, ask: Any) -> None:
    exchange.balances.set("USDT", "margin", "1", holds="0.5")
    exchange.balances.set("USDT", "margin_v2", "10")
    exchange.balances.set("USDT", "isolated_v2:BTC-USDT", "100")
    totals = [
        [(account["total"], account["hold"]) for account in ask(CROSS, params).data["accounts"]]
        for params in ({}, {"queryType": "MARGIN_V2"}, {"queryType": "ALL"})
    ]
    assert totals == [[("1", "0.5")], [("10", "0")], [("11", "0.5")]]


def test_what_is_owed_is_told_with_its_interest_and_as_a_share(exchange: Exchange, ask: Any) -> None:
    exchange.balances.set("USDT", "margin_v2", "100")
    exchange.owe("USDT", "20", "0.05")
    exchange.owe("KCS", "1")
    exchange.margin_status[exchange.key.uid, ""] = "BORROW"
    found = ask(CROSS, {"queryType": "MARGIN_V2"}).data
    kcs, usdt = found["accounts"]
    assert (usdt["liability"], usdt["liabilityPrincipal"], usdt["liabilityInterest"]) == ("20.05", "20", "0.05")
    assert (kcs["total"], kcs["liability"]) == ("0", "1")
    assert found["totalAssetOfQuoteCurrency"] == "100"
    assert found["totalLiabilityOfQuoteCurrency"] == "30.05"  # a KCS is worth ten dollars here
    assert (found["debtRatio"], found["status"]) == ("0.3005", "BORROW")
    assert ask(CROSS, {"queryType": "MARGIN_V2", "quoteCurrency": "KCS"}).data["totalAssetOfQuoteCurrency"] == "10"


def test_an_empty_account_owes_nothing(ask: Any) -> None:
    assert ask(CROSS).data == {
        "totalAssetOfQuoteCurrency": "0",
        "totalLiabilityOfQuoteCurrency": "0",
        "debtRatio": "0",
        "status": "EFFECTIVE",
        "accounts": [],
    }


@pytest.mark.parametrize("path", [CROSS, ISOLATED])
@pytest.mark.parametrize("params", [{"queryType": "margin"}, {"quoteCurrency": "EUR"}])
def test_what_cannot_be_asked_for_is_refused(ask: Any, path: str, params: dict[str, str]) -> None:
    assert ask(path, params).code == "400100"


def test_an_isolated_pair_shows_both_of_its_currencies(exchange: Exchange, ask: Any) -> None:
    exchange.book(
        ledger="margin_hf", account_type="ISOLATED_V2", tag="BTC-USDT", created_at=NOON - 1, currency="BTC", amount="2"
    )
    exchange.owe("USDT", "5", account="isolated_v2:KCS-USDT")
    exchange.max_borrow_sizes[exchange.key.uid, "isolated_v2:BTC-USDT", "BTC"] = "7"
    found = ask(ISOLATED, {"queryType": "ISOLATED_V2"}).data
    assert found["timestamp"] == NOON
    btc, kcs = found["assets"]
    assert (btc["symbol"], btc["baseAsset"]["currency"], btc["quoteAsset"]["currency"]) == ("BTC-USDT", "BTC", "USDT")
    assert (btc["baseAsset"]["total"], btc["baseAsset"]["maxBorrowSize"], btc["quoteAsset"]["total"]) == ("2", "7", "0")
    assert (kcs["symbol"], kcs["quoteAsset"]["liability"]) == ("KCS-USDT", "5")
    only = ask(ISOLATED, {"queryType": "ALL", "symbol": "KCS-USDT"}).data["assets"]
    assert [pair["symbol"] for pair in only] == ["KCS-USDT"]
    assert ask(ISOLATED).data["assets"] == []  # of low frequency


def test_totals_have_their_price(exchange: Exchange, ask: Any) -> None:
    exchange.balances.set("BTC", "isolated:BTC-USDT", "0.00000003")
    exchange.balances.set("MOON", "isolated:MOON-USDT", "3")  # of no known price
    assert ask(ISOLATED).data["totalAssetOfQuoteCurrency"] == "0.00187152"
    del exchange.prices["KCS"]
    assert ask(ISOLATED, {"quoteCurrency": "KCS"}).data["totalAssetOfQuoteCurrency"] == "0"
