"""The futures account overview: JSON numbers that agree with the futures ledger."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import ApiKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000


@pytest.fixture
def overview(ask: Any) -> Callable[..., Any]:
    def overview(currency: str = "USDT", path: str = "/api/v1/account-overview", **options: Any) -> Any:
        answer = ask(path, {"currency": currency}, futures=True, **options)
        assert answer.code == "200000"
        return json.loads(answer.body, parse_float=Decimal)["data"]

    return overview


def test_equity_is_the_last_rows_and_what_positions_would_realise(exchange: Exchange, overview: Any) -> None:
    exchange.book(ledger="futures", created_at=NOON - 2, amount="100.123456789012345678")
    exchange.book(ledger="futures", created_at=NOON - 1, amount="-0.000000000000000001")
    exchange.set_futures_account("USDT", unrealised_pnl="-1.5", position_margin="10", order_margin="2")
    found = overview()
    (_, last) = exchange.entries(0, NOON, ledger="futures")
    assert found["marginBalance"] == last["accountEquity"] == Decimal("100.123456789012345677")
    assert found["accountEquity"] == last["accountEquity"] + found["unrealisedPNL"]
    assert found["availableBalance"] == found["accountEquity"] - 12
    assert (found["positionMargin"], found["orderMargin"], found["frozenFunds"]) == (10, 2, 0)
    assert found["maxWithdrawAmount"] == found["availableBalance"]


def test_it_is_of_bitcoin_unless_asked_otherwise(exchange: Exchange, ask: Any) -> None:
    exchange.book(ledger="futures", created_at=NOON - 2, currency="XBT", amount="0.5")
    found = ask("/api/v1/account-overview", futures=True).data
    assert (found["currency"], found["accountEquity"]) == ("XBT", 0.5)


def test_an_account_without_money_has_numbers_all_the_same(overview: Any) -> None:
    found = overview("ETH")
    assert found.pop("currency") == "ETH"
    assert set(found.values()) == {0}


def test_what_is_pending_may_count(exchange: Exchange, overview: Any) -> None:
    exchange.book(ledger="futures", created_at=NOON - 2, amount="100")
    exchange.set_pending(amount="7")
    exchange.set_pending("XBT", amount="1", symbol="XBTUSDM")
    assert overview()["accountEquity"] == 100
    exchange.readings.pending_in_overview = True
    assert overview()["accountEquity"] == 107


def test_a_shown_field_has_the_last_word(exchange: Exchange, overview: Any) -> None:
    exchange.set_futures_account("USDT", shown={"accountEquity": "394.439280806"})
    assert overview()["accountEquity"] == Decimal("394.439280806")


def test_the_key_needs_the_permission_for_futures(exchange: Exchange, ask: Any) -> None:
    key = exchange.add_key(ApiKey("general", "secret", "phrase", permissions=("General",)))
    assert ask("/api/v1/account-overview", futures=True, key=key).code == "400007"
    assert ask("/api/v1/transaction-history", futures=True, key=key).code == "200000"


def test_a_master_sees_all_of_its_sub_accounts_and_their_sum(exchange: Exchange, overview: Any) -> None:
    exchange.add_sub_account(2, name="robot")
    exchange.book(ledger="futures", created_at=NOON - 2, amount="1.5", uid=2)
    exchange.book(ledger="futures", created_at=NOON - 2, amount="100")
    exchange.book(ledger="futures", created_at=NOON - 2, amount="5000", uid=3)  # nobody's
    exchange.set_futures_account("USDT", uid=2, unrealised_pnl="0.25")
    found = overview(path="/api/v1/account-overview-all")
    names = [(account["accountName"], account["accountEquity"]) for account in found["accounts"]]
    assert names == [("robot", Decimal("1.75")), ("main", 100)]
    assert found["summary"]["accountEquityTotal"] == Decimal("101.75")
    assert found["summary"]["currency"] == "USDT"


def test_a_sub_accounts_key_does_not(exchange: Exchange, ask: Any) -> None:
    key = exchange.add_key(ApiKey("sub", "secret", "phrase", uid=2, is_master=False, parent_uid=exchange.key.uid))
    assert ask("/api/v1/account-overview-all", futures=True, key=key).code == "400007"
    exchange.readings.sub_accounts_with_sub_key = "empty"
    accounts = ask("/api/v1/account-overview-all", futures=True, key=key).data["accounts"]
    assert [account["accountName"] for account in accounts] == ["main"]
