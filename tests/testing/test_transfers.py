"""Money between accounts: GET /api/v1/accounts/transferable and POST /api/v3/accounts/universal-transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import ApiKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

TRANSFER = "/api/v3/accounts/universal-transfer"
TRANSFERABLE = "/api/v1/accounts/transferable"
SWEEP = {
    "clientOid": "one",
    "type": "INTERNAL",
    "currency": "USDT",
    "amount": "100.5",
    "fromAccountType": "MAIN",
    "toAccountType": "TRADE",
}
SUB = 7


@pytest.fixture
def transfer(post: Any, rich: Exchange) -> Callable[..., Any]:
    """Move 100.5 USDT from MAIN to TRADE, with changes."""
    assert rich.transfers == []
    return lambda key=None, **changes: post(TRANSFER, {**SWEEP, **changes}, key=key)


def balances(exchange: Exchange, *accounts: str, uid: int | None = None) -> list[str]:
    return [f"{exchange.balances.available('USDT', account, uid)}" for account in accounts]


def test_money_moves_between_accounts(rich: Exchange, transfer: Any) -> None:
    answer = transfer()
    assert balances(rich, "main", "trade") == ["899.5", "100.5"]
    (done,) = rich.transfers
    assert answer.data == {"orderId": done.order_id}
    assert (done.client_oid, done.from_account, done.to_account) == ("one", "main", "trade")


@pytest.mark.parametrize("account", ["CONTRACT", "MARGIN", "MARGIN_V2", "OPTION", "UNIFIED"])
def test_money_moves_into_every_account_and_back(rich: Exchange, transfer: Any, account: str) -> None:
    transfer(toAccountType=account)
    transfer(clientOid="two", fromAccountType=account, toAccountType="MAIN", amount="0.5")
    assert balances(rich, "main", account.lower()) == ["900.0", "100.0"]


def test_a_pairs_account_needs_its_pair(rich: Exchange, transfer: Any, ask: Any) -> None:
    assert transfer(toAccountType="ISOLATED").code == "400100"
    assert transfer(toAccountType="ISOLATED", toAccountTag="ETH-USDT").code == "200000"
    assert balances(rich, "isolated:ETH-USDT", "isolated:BTC-USDT") == ["100.5", "0"]
    wanted = {"currency": "USDT", "type": "ISOLATED"}
    assert ask(TRANSFERABLE, {**wanted, "tag": "ETH-USDT"}).data["transferable"] == "100.5"
    assert ask(TRANSFERABLE, wanted).data["transferable"] == "0"


def test_a_pairs_account_is_not_among_the_accounts(rich: Exchange, transfer: Any, ask: Any) -> None:
    transfer(toAccountType="ISOLATED", toAccountTag="ETH-USDT")
    assert {found["type"] for found in ask("/api/v1/accounts", {"currency": "USDT"}).data} == {"main"}
    assert rich.balances.get("USDT", "isolated:ETH-USDT").balance == "100.5"


def test_what_is_held_is_not_transferable(rich: Exchange, transfer: Any, ask: Any) -> None:
    rich.balances.set("USDT", "main", "1000", holds="950")
    found = ask(TRANSFERABLE, {"currency": "USDT", "type": "MAIN"}).data
    assert found == {
        "currency": "USDT",
        "balance": "1000",
        "available": "50",
        "holds": "950",
        "transferable": "50",
    }
    assert transfer().code == "230003"


def test_money_moves_to_a_sub_account_and_back(rich: Exchange, transfer: Any) -> None:
    sub = rich.add_sub_account(SUB)
    transfer(type="PARENT_TO_SUB", toUserId=sub)
    assert balances(rich, "main") + balances(rich, "trade", uid=SUB) == ["899.5", "100.5"]
    back = {"fromUserId": sub, "fromAccountType": "TRADE", "toAccountType": "MAIN", "amount": "0.5"}
    transfer(clientOid="two", type="SUB_TO_PARENT", **back)
    assert balances(rich, "main") + balances(rich, "trade", uid=SUB) == ["900.0", "100.0"]


def test_a_sub_account_pays_its_parent_with_a_key_of_its_own(rich: Exchange, transfer: Any) -> None:
    sub = rich.add_sub_account(SUB, "63743f07e0c5230001761d08")
    key = rich.add_key(
        ApiKey("s", "s", "p", permissions=("InnerTransfer",), uid=SUB, is_master=False, parent_uid=rich.key.uid)
    )
    rich.balances.set("USDT", "main", "1", uid=SUB)
    transfer(key=key, type="SUB_TO_PARENT", fromUserId=sub, toAccountType="MAIN", amount="1")
    assert balances(rich, "main") + balances(rich, "main", uid=SUB) == ["1001", "0"]


def test_both_rows_come_into_the_ledger_at_the_same_moment(rich: Exchange, transfer: Any, ledger: Any) -> None:
    transfer()
    rows = ledger(bizType="TRANSFER").data["items"]
    assert {(row["direction"], row["accountType"], row["amount"]) for row in rows} == {
        ("out", "MAIN", "100.5"),
        ("in", "TRADE", "100.5"),
    }
    assert {row["createdAt"] for row in rows} == {rich.now_ms()}


def test_each_side_of_a_sub_transfer_is_in_its_owners_ledger(rich: Exchange, transfer: Any, ledger: Any) -> None:
    transfer(type="PARENT_TO_SUB", toUserId=rich.add_sub_account(SUB))
    assert [row["direction"] for row in ledger(bizType="SUB_TRANSFER").data["items"]] == ["out"]
    assert [row["direction"] for row in rich.entries(0, rich.now_ms() + 1, SUB)] == ["in"]


def test_the_ledger_may_have_no_rows_of_transfers(rich: Exchange, transfer: Any, ledger: Any) -> None:
    rich.readings.transfers_booked = False
    transfer()
    assert ledger().ids == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"clientOid": None}, "400100"),
        ({"clientOid": "x" * 129}, "400100"),
        ({"currency": "NOPE"}, "400100"),
        ({"amount": 100.5}, "400100"),
        ({"amount": "0"}, "400100"),
        ({"amount": "0.000000001"}, "400100"),
        ({"amount": "1000.00000001"}, "230003"),
        ({"type": "SIDEWAYS"}, "400100"),
        ({"fromAccountType": "main"}, "400100"),
        ({"toAccountType": "MAIN"}, "400100"),
        ({"toAccountType": None}, "400100"),
        ({"fromAccountType": "CONTRACT"}, "230003"),
        ({"type": "PARENT_TO_SUB"}, "400100"),
        ({"type": "PARENT_TO_SUB", "toUserId": "nobody"}, "400100"),
        ({"type": "SUB_TO_PARENT"}, "400100"),
    ],
)
def test_refused_transfers_move_nothing(rich: Exchange, transfer: Any, changes: dict[str, Any], code: str) -> None:
    assert transfer(**changes).code == code
    assert rich.transfers == []
    assert balances(rich, "main") == ["1000"]


def test_transfers_need_their_permission(exchange: Exchange, post: Any) -> None:
    exchange.balances.set("USDT", "main", "1000")
    assert post(TRANSFER, SWEEP).code == "400007"


@pytest.mark.parametrize(
    ("reading", "code", "moved"), [("first", "200000", 1), ("refused", "400100", 1), ("acted_again", "200000", 2)]
)
def test_a_client_id_that_was_used_before(rich: Exchange, transfer: Any, reading: Any, code: str, moved: int) -> None:
    rich.readings.duplicate_client_oid = reading
    first, second = transfer(), transfer()
    assert second.code == code
    assert len(rich.transfers) == moved
    assert (second.json.get("data") == first.data) == (reading == "first")


def test_client_ids_belong_to_their_user(rich: Exchange, transfer: Any) -> None:
    key = rich.add_key(ApiKey("other", "s", "p", permissions=("InnerTransfer",), uid=2))
    rich.balances.set("USDT", "main", "1000", uid=2)
    assert [transfer().code, transfer(key=key).code] == ["200000", "200000"]
    assert len(rich.transfers) == 2


@pytest.mark.parametrize("params", [{}, {"currency": "USDT"}, {"type": "MAIN"}, {"currency": "USDT", "type": "main"}])
def test_a_transfer_quota_needs_currency_and_type(ask: Any, params: dict[str, str]) -> None:
    assert ask(TRANSFERABLE, params).code == "400100"
