"""Deposits and withdrawals as histories: the old lists and the present ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
DAY = 86_400_000
FEBRUARY_2019 = 1_550_448_000_000
PATHS = {
    "deposits": "/api/v1/deposits",
    "withdrawals": "/api/v1/withdrawals",
    "hist_deposits": "/api/v1/hist-deposits",
    "hist_withdrawals": "/api/v1/hist-withdrawals",
}
NEW = ("deposits", "withdrawals")
OLD = ("hist_deposits", "hist_withdrawals")


def items(ask: Any, dataset: str, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(PATHS[dataset], {"currency": "USDT", **params}).data["items"]
    return found


@pytest.mark.parametrize("dataset", PATHS)
def test_what_is_added_is_listed_and_is_the_truth(exchange: Exchange, ask: Any, dataset: str) -> None:
    added = exchange.histories.add(dataset, {"amount": "1.5", "walletTxId": "tx@address@0", "status": "FAILURE"})
    assert items(ask, dataset) == exchange.histories.rows(dataset) == [added]
    assert (added["walletTxId"], added["status"]) == ("tx@address@0", "FAILURE")


@pytest.mark.parametrize("dataset", NEW)
def test_a_row_is_listed_with_the_fields_that_it_brings(exchange: Exchange, ask: Any, dataset: str) -> None:
    row = {
        "currency": "USDT",
        "chain": "trx",
        "status": "SUCCESS",
        "address": "T1",
        "memo": "7",
        "isInner": True,
        "amount": "6.000000000000000001",
        "fee": "0.10000000",
        "walletTxId": "tx",
        "createdAt": NOON - 5000,
        "updatedAt": NOON - 4000,
        "remark": "März",
    }
    exchange.histories.add(dataset, row)
    (item,) = items(ask, dataset)
    assert {name: item[name] for name in row} == row


@pytest.mark.parametrize("dataset", PATHS)
def test_rows_are_of_one_user(exchange: Exchange, ask: Any, dataset: str) -> None:
    exchange.histories.add(dataset, {}, uid=2)
    assert items(ask, dataset) == exchange.histories.rows(dataset) == []
    assert len(exchange.histories.rows(dataset, uid=2)) == 1


@pytest.mark.parametrize("dataset", NEW)
def test_rows_are_oldest_first_by_the_time_that_is_shown(exchange: Exchange, ask: Any, dataset: str) -> None:
    for offset in (0, 2999, 1000):
        exchange.histories.add(dataset, {"createdAt": NOON - DAY + offset})
    times = [row["createdAt"] - NOON + DAY for row in exchange.histories.rows(dataset)]
    assert times == [0, 1000, 2000]
    assert [item["createdAt"] - NOON + DAY for item in items(ask, dataset)] == [2000, 1000, 0]
    found = exchange.histories.rows(dataset, NOON - DAY + 1000, NOON - DAY + 2000)
    assert [row["createdAt"] - NOON + DAY for row in found] == [1000]


@pytest.mark.parametrize("dataset", NEW)
def test_rows_change_and_go(exchange: Exchange, ask: Any, dataset: str) -> None:
    for amount in ("1", "2"):
        exchange.histories.add(dataset, {"amount": amount, "status": "PROCESSING"})
    changes = {"status": "SUCCESS", "walletTxId": "tx", "fee": "0.5", "updatedAt": NOON + 1000}
    (changed,) = exchange.histories.replace(dataset, {"amount": "2.00000000"}, changes)
    assert {name: changed[name] for name in changes} == {**changes, "fee": "0.50000000"}
    assert changed in items(ask, dataset, status="SUCCESS")
    exchange.histories.remove(dataset, {"amount": "1.00000000"})
    assert items(ask, dataset) == exchange.histories.rows(dataset) == [changed]


@pytest.mark.parametrize("dataset", NEW)
def test_the_rows_of_others_and_those_that_went_do_not_change(exchange: Exchange, dataset: str) -> None:
    for uid in (None, None, 2):
        exchange.histories.add(dataset, {"status": "PROCESSING"}, uid=uid)
    exchange.histories.remove(dataset, {}, at_most=1)
    assert len(exchange.histories.replace(dataset, {}, {"status": "SUCCESS"})) == 1
    assert [row["status"] for row in exchange.histories.rows(dataset, uid=2)] == ["PROCESSING"]


@pytest.mark.parametrize("dataset", NEW)
def test_a_row_is_found_by_its_id_though_it_may_not_show_it(exchange: Exchange, dataset: str) -> None:
    exchange.readings.list_rows_have_id = False
    exchange.histories.add(dataset, {"id": "one", "amount": "1"})
    exchange.histories.add(dataset, {"id": "two", "amount": "2"})
    (gone,) = exchange.histories.remove(dataset, {"id": "one"})
    assert "id" not in gone
    assert [row["amount"] for row in exchange.histories.rows(dataset)] == ["2.00000000"]


def test_a_deposit_that_was_made_is_in_the_history(exchange: Exchange) -> None:
    exchange.deposit(currency="USDT", amount="5", created_at_ms=NOON)
    assert [row["amount"] for row in exchange.histories.rows("deposits", NOON, NOON + 1)] == ["5.00000000"]


# --- the old lists ---


@pytest.mark.parametrize(("old", "new"), [("hist_deposits", "deposits"), ("hist_withdrawals", "withdrawals")])
def test_the_old_lists_have_what_was_before_and_the_present_ones_the_rest(
    exchange: Exchange, ask: Any, old: str, new: str
) -> None:
    exchange.histories.add(old, {"createAt": FEBRUARY_2019 // 1000 - 1, "amount": "1"})
    exchange.histories.add(new, {"createdAt": FEBRUARY_2019, "amount": "2"})
    assert [item["amount"] for item in items(ask, old)] == ["1"]
    assert [item["amount"] for item in items(ask, new)] == ["2.00000000"]
    assert [len(exchange.histories.rows(dataset)) for dataset in (old, new)] == [1, 1]
    exchange.readings.old_rows_in_new_lists = True
    assert [item["amount"] for item in items(ask, new)] == ["2.00000000", "1.00000000"]


def test_old_rows_have_no_ids_and_times_in_seconds(exchange: Exchange, ask: Any) -> None:
    for dataset in OLD:
        exchange.histories.add(dataset, {"createAt": 1_528_536_998})
        (item,) = items(ask, dataset)
        assert item["createAt"] == 1_528_536_998
        names = {"currency", "createAt", "amount", "walletTxId", "isInner", "status"}
        assert set(item) == names | ({"address"} if dataset == "hist_withdrawals" else set())


@pytest.mark.parametrize("dataset", OLD)
@pytest.mark.parametrize(("reading", "unit"), [("s", 1), ("ms", 1000)])
def test_the_bounds_of_the_old_lists_are_in_one_unit_and_not_in_the_other(
    exchange: Exchange, ask: Any, dataset: str, reading: Any, unit: int
) -> None:
    exchange.readings.old_history_unit = reading
    exchange.histories.add(dataset, {"createAt": 1_528_536_998})
    right = {"startAt": 1_528_536_998 * unit, "endAt": 1_528_536_998 * unit}
    assert len(items(ask, dataset, **right)) == 1
    wrong = 1000 // unit
    assert items(ask, dataset, startAt=1_528_536_998 * wrong, endAt=1_528_536_999 * wrong) == []


@pytest.mark.parametrize("dataset", OLD)
def test_old_rows_go_by_currency_and_status(exchange: Exchange, ask: Any, dataset: str) -> None:
    exchange.histories.add(dataset, {"status": "FAILURE"})
    assert ask(PATHS[dataset]).code == "400100"
    assert ask(PATHS[dataset], {"currency": "USDT", "status": "REVIEW"}).code == "400100"
    assert len(items(ask, dataset, status="FAILURE")) == 1
    assert items(ask, dataset, status="SUCCESS") == items(ask, dataset, currency="BTC") == []


@pytest.mark.parametrize("dataset", PATHS)
def test_the_currency_may_be_optional(exchange: Exchange, ask: Any, dataset: str) -> None:
    exchange.readings.list_requires_currency = False
    for currency in ("USDT", "BTC"):
        exchange.histories.add(dataset, {"currency": currency})
    assert len(ask(PATHS[dataset]).data["items"]) == 2


def test_an_old_deposit_in_an_unheard_of_state_is_processing(exchange: Exchange, ask: Any) -> None:
    exchange.histories.add("hist_deposits", {"status": "ROLLBACK"})
    assert [item["status"] for item in items(ask, "hist_deposits")] == ["PROCESSING"]


# --- fields of 2026 ---


@pytest.mark.parametrize(
    ("reading", "names"),
    [
        ("none", set()),
        ("confirms", {"id", "failureReason", "preConfirms", "confirms", "currentConfirms"}),
        ("confirmation_counts", {"id", "preConfirmationCount", "confirmationCount", "confirmation"}),
    ],
)
def test_deposits_may_have_more_fields(exchange: Exchange, ask: Any, reading: Any, names: set[str]) -> None:
    exchange.histories.add("deposits", {})
    (plain,) = items(ask, "deposits")
    exchange.readings.deposit_extras = reading
    (item,) = items(ask, "deposits")
    assert set(item) - set(plain) == names | ({"subStatus", "url", "needSubmitWht"} if names else set())
    assert {name: item[name] for name in plain} == plain


def test_withdrawals_may_have_more_fields(exchange: Exchange, ask: Any) -> None:
    exchange.readings.withdrawal_extras = True
    exchange.histories.add("withdrawals", {})
    (item,) = items(ask, "withdrawals")
    assert {name: item[name] for name in ("subStatus", "failureReason", "failureReasonMsg")} == {
        "subStatus": "SUCCESS",
        "failureReason": "",
        "failureReasonMsg": None,
    }
