"""Money that moves between accounts leaves its row in the ledger of each that has one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
PATH = "/api/v3/accounts/universal-transfer"


@pytest.fixture
def transfer(post: Any, rich: Exchange) -> Callable[..., Any]:
    """Move 100 USDT from MAIN to TRADE, with changes."""
    assert rich.balances.available("USDT", "main") == 1000
    body = {"clientOid": "one", "type": "INTERNAL", "currency": "USDT", "amount": "100"}
    body |= {"fromAccountType": "MAIN", "toAccountType": "TRADE"}
    return lambda **changes: post(PATH, {**body, **changes})


@pytest.mark.parametrize(
    ("kind", "ledger", "account", "biz_type"),
    [
        ("TRADE", "trade_hf", "trade", "TRANSFER"),
        ("MARGIN_V2", "margin_hf", "margin_v2", "TRANSFER"),
        ("CONTRACT", "futures", "contract", "TransferIn"),
        ("UNIFIED", "unified", "unified", "TRANSFER"),
    ],
)
def test_a_transfer_is_a_row_and_the_balance_agrees(
    rich: Exchange, transfer: Any, kind: str, ledger: str, account: str, biz_type: str
) -> None:
    assert transfer(toAccountType=kind).code == "200000"
    assert transfer(clientOid="two", fromAccountType=kind, toAccountType="MAIN", amount="40").code == "200000"
    rows = list(rich.entries(0, NOON + 1, ledger=ledger))
    told = [Decimal(row.get("balance", row.get("accountEquity"))) for row in rows]
    assert told == [100, 60]
    assert rich.balances.balance("USDT", account) == 60
    assert rows[0].get("bizType", rows[0].get("businessType", rows[0].get("type"))) == biz_type
    assert rich.balances.balance("USDT", "main") == 940


def test_an_isolated_account_has_its_pair(rich: Exchange, transfer: Any) -> None:
    transfer(toAccountType="ISOLATED_V2", toAccountTag="BTC-USDT")
    (row,) = rich.entries(0, NOON + 1, ledger="margin_hf")
    assert (row["accountType"], row["balance"]) == ("ISOLATED_V2", "100")
    assert rich.balances.balance("USDT", "isolated_v2:BTC-USDT") == 100


def test_futures_know_bitcoin_by_another_name(rich: Exchange, transfer: Any) -> None:
    transfer(currency="BTC", amount="1", toAccountType="CONTRACT")
    assert rich.balances.balance("XBT", "contract") == 1
    transfer(clientOid="two", currency="BTC", amount="0.4", fromAccountType="CONTRACT", toAccountType="MAIN")
    assert rich.balances.balance("XBT", "contract") == Decimal("0.6")
    assert rich.balances.balance("BTC", "main") == Decimal("1.4")
    assert [row["currency"] for row in rich.entries(0, NOON + 1, ledger="futures")] == ["XBT", "XBT"]


def test_who_trades_at_low_frequency_has_no_such_ledger(rich: Exchange, transfer: Any) -> None:
    rich.is_high_frequency = False
    transfer()
    assert list(rich.entries(0, NOON + 1, ledger="trade_hf")) == []
    assert rich.balances.balance("USDT", "trade") == 100


def test_transfers_may_leave_no_rows(rich: Exchange, transfer: Any) -> None:
    rich.readings.transfers_booked = False
    transfer()
    assert list(rich.entries(0, NOON + 1, ledger="trade_hf")) == list(rich.entries(0, NOON + 1)) == []
    assert rich.balances.balance("USDT", "trade") == 100


def test_a_transfer_to_a_sub_account_is_in_the_ledgers_of_both(rich: Exchange, transfer: Any) -> None:
    user = rich.add_sub_account(2)
    rich.balances.set("USDT", "trade", "500")
    transfer(type="PARENT_TO_SUB", fromAccountType="TRADE", toUserId=user)
    (mine,) = rich.entries(0, NOON + 1, ledger="trade_hf")
    (theirs,) = rich.entries(0, NOON + 1, ledger="trade_hf", uid=2)
    assert (mine["direction"], mine["balance"], mine["bizType"]) == ("out", "400", "SUB_TRANSFER")
    assert (theirs["direction"], theirs["balance"], theirs["bizType"]) == ("in", "100", "SUB_TRANSFER")


def test_a_deposit_to_the_trading_account_is_in_its_ledger(exchange: Exchange) -> None:
    deposit = exchange.deposit(currency="USDT", amount="5", chain="trx", account="trade")
    exchange.set_deposit_status(deposit, "ROLLBACK")
    assert [row["balance"] for row in exchange.entries(0, NOON + 1, ledger="trade_hf")] == ["5", "0"]
    assert exchange.balances.balance("USDT", "trade") == 0


def test_margin_accounts_of_the_new_names_have_their_ledger(rich: Exchange, transfer: Any) -> None:
    rich.readings.margin_account_types = "renamed"
    transfer(toAccountType="MARGIN")
    transfer(clientOid="two", toAccountType="MARGIN_V2")  # which is of low frequency then
    (row,) = rich.entries(0, NOON + 1, ledger="margin_hf")
    assert (row["accountType"], row["balance"]) == ("MARGIN", "100")
    assert rich.balances.balance("USDT", "margin_v2") == 100
