"""What is told about withdrawals, how they are cancelled, and how they come to their end."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import ApiKey, Step
from airflow_provider_kucoin.testing.withdrawals import EACH_LOOK

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

LIST = "/api/v1/withdrawals"
OLD_LIST = "/api/v1/hist-withdrawals"
SECOND = 1000
FEBRUARY_2019 = 1_550_448_000_000


@pytest.fixture
def listed(ask: Any) -> Callable[..., list[dict[str, Any]]]:
    """The items of the list; `currency=None` asks for none."""

    def listed(**params: Any) -> list[dict[str, Any]]:
        wanted = {"currency": "USDT", **params}
        items: list[dict[str, Any]] = ask(LIST, {k: v for k, v in wanted.items() if v is not None}).data["items"]
        return items

    return listed


@pytest.fixture
def by_id(ask: Any) -> Callable[[str], dict[str, Any]]:
    return lambda withdrawal_id: ask(f"{LIST}/{withdrawal_id}").data


@pytest.fixture
def paid(withdraw: Any) -> str:
    """The id of a withdrawal of 10 USDT."""
    return str(withdraw().data["withdrawalId"])


def in_main(exchange: Exchange) -> tuple[str, str]:
    entry = exchange.balances.get("USDT", "main")
    return entry.available, entry.holds


# --- the list ---


def test_the_newest_comes_first(withdraw: Any, listed: Any, clock: Any) -> None:
    ids = []
    for _ in range(3):
        ids.append(withdraw().data["withdrawalId"])
        clock.now_ms += SECOND
    assert [item["id"] for item in listed()] == ids[::-1]


def test_the_list_has_pages(withdraw: Any, ask: Any, clock: Any) -> None:
    ids = []
    for _ in range(11):
        ids.append(withdraw().data["withdrawalId"])
        clock.now_ms += SECOND
    page = ask(LIST, {"currency": "USDT", "pageSize": 10, "currentPage": 2}).data
    assert [item["id"] for item in page.pop("items")] == ids[:1]
    assert page == {"currentPage": 2, "pageSize": 10, "totalNum": 11, "totalPage": 2}
    assert ask(LIST, {"currency": "USDT", "pageSize": 501}).code == "400100"


def test_the_list_knows_the_user_of_the_key_alone(exchange: Exchange, paid: str, ask: Any) -> None:
    other = exchange.add_key(ApiKey("other", "secret", "phrase", uid=2))
    assert ask(LIST, {"currency": "USDT"}, key=other).data["items"] == []
    assert ask(f"{LIST}/{paid}", key=other).code == "400100"


def test_the_list_goes_by_currency_status_and_time(rich: Exchange, paid: str, listed: Any, clock: Any) -> None:
    created = clock.now_ms
    assert [item["id"] for item in listed(status="PROCESSING", startAt=created, endAt=created)] == [paid]
    assert listed(currency="BTC") == []
    assert listed(status="SUCCESS") == []
    assert listed(startAt=created + 1) == []
    assert listed(endAt=created - 1) == []
    rich.settle(paid)
    assert [item["id"] for item in listed(status="SUCCESS")] == [paid]


@pytest.mark.parametrize("params", [{"status": "success"}, {"startAt": 2, "endAt": 1}, {"startAt": "today"}])
def test_the_list_refuses_what_makes_no_sense(ask: Any, params: dict[str, Any]) -> None:
    assert ask(LIST, {"currency": "USDT", **params}).code == "400100"


def test_the_list_needs_a_currency_or_does_not(exchange: Exchange, paid: str, ask: Any) -> None:
    assert ask(LIST).code == "400100"
    exchange.readings.list_requires_currency = False
    assert ask(LIST).ids == [paid]


def test_the_ends_of_the_window_belong_to_it_or_not(exchange: Exchange, paid: str, listed: Any, clock: Any) -> None:
    window = {"startAt": clock.now_ms, "endAt": clock.now_ms}
    assert [item["id"] for item in listed(**window)] == [paid]
    exchange.readings.history_start_inclusive = False
    assert listed(**window) == []
    exchange.readings.history_start_inclusive, exchange.readings.history_end_inclusive = True, False
    assert listed(**window) == []


def test_times_are_whole_seconds_and_windows_go_by_them(
    exchange: Exchange, withdraw: Any, listed: Any, clock: Any
) -> None:
    clock.now_ms += 999
    withdraw()
    (truth,) = exchange.withdrawals
    assert truth.created_at_ms == clock.now_ms
    assert [item["createdAt"] for item in listed()] == [clock.now_ms - 999]
    assert listed(startAt=clock.now_ms - 998) == []
    exchange.readings.created_at_floored_to_seconds = False
    assert [item["createdAt"] for item in listed(startAt=clock.now_ms - 998)] == [clock.now_ms]


def test_a_list_without_start_may_go_back_some_days_only(
    exchange: Exchange, paid: str, listed: Any, clock: Any
) -> None:
    exchange.readings.history_default_days = 30
    clock.now_ms += 30 * 86_400_000
    assert [item["id"] for item in listed()] == [paid]
    clock.now_ms += 1
    assert listed() == []
    assert [item["id"] for item in listed(startAt=0)] == [paid]


def test_the_history_may_lag(exchange: Exchange, withdraw: Any, listed: Any, ask: Any, clock: Any) -> None:
    exchange.readings.history_lag_ms, exchange.readings.by_id_lag_ms = 5000, 2000
    withdrawal_id = withdraw().data["withdrawalId"]

    def seen() -> tuple[int, str]:
        return len(listed()), ask(f"{LIST}/{withdrawal_id}").code

    assert seen() == (0, "400100")
    clock.now_ms += 2000
    assert seen() == (0, "200000")
    clock.now_ms += 3000
    assert seen() == (1, "200000")
    assert len(exchange.withdrawals) == 1


def test_by_id_lags_as_the_list_does_unless_told_otherwise(exchange: Exchange, paid: str, ask: Any, clock: Any) -> None:
    exchange.readings.history_lag_ms = 1000
    assert ask(f"{LIST}/{paid}").code == "400100"
    exchange.readings.unknown_withdrawal = "null"
    assert ask(f"{LIST}/{paid}").data is None
    clock.now_ms += 1000
    assert ask(f"{LIST}/{paid}").data["id"] == paid


@pytest.mark.parametrize(
    ("reading", "shown"), [("kept", "af-1"), ("dropped", ""), ("null", None), (2, "af"), (4, "af-1"), (0, "")]
)
def test_a_remark_comes_back_whole_or_not(
    exchange: Exchange, paid: str, listed: Any, by_id: Any, reading: Any, shown: str | None
) -> None:
    exchange.readings.remark = reading
    assert [listed()[0]["remark"], by_id(paid)["remark"]] == [shown, shown]
    assert exchange.withdrawals[0].remark == "af-1"


def test_items_may_have_no_id(exchange: Exchange, paid: str, listed: Any) -> None:
    assert [item["id"] for item in listed()] == [paid]
    exchange.readings.list_rows_have_id = False
    (item,) = listed()
    assert "id" not in item
    assert item["arrears"] is False


def test_a_fee_out_of_the_amount_is_shown_in_either_way(exchange: Exchange, withdraw: Any, listed: Any) -> None:
    withdraw(feeDeductType="INTERNAL")
    assert [(item["amount"], item["fee"]) for item in listed()] == [("9.00000000", "1.00000000")]
    exchange.readings.internal_amount = "gross"
    assert [(item["amount"], item["fee"]) for item in listed()] == [("10.00000000", "1.00000000")]


def test_an_inner_withdrawal_may_be_listed_without_its_chain(exchange: Exchange, withdraw: Any, listed: Any) -> None:
    withdraw(isInner=True)
    assert [item["chain"] for item in listed()] == ["trx"]
    exchange.readings.inner_chain = "empty"
    assert [item["chain"] for item in listed()] == [""]


def test_no_transaction_id_is_null_or_empty(exchange: Exchange, paid: str, by_id: Any) -> None:
    assert by_id(paid)["walletTxId"] is None
    exchange.readings.no_tx_id = "empty"
    assert by_id(paid)["walletTxId"] == ""


def test_a_withdrawal_made_elsewhere_is_in_the_history_and_moves_nothing(
    rich: Exchange, listed: Any, clock: Any
) -> None:
    made = rich.add_withdrawal(
        currency="USDT", amount="10", address="T", chain="trx", created_at_ms=clock.now_ms - 5, status="PROCESSING"
    )
    assert [(item["id"], item["remark"]) for item in listed()] == [(made.id, "")]
    assert (made.version, made.chain_name) == ("web", "TRC20")
    rich.fail(made.id)
    assert in_main(rich) == ("1000", "0")
    with pytest.raises(ValueError, match="already"):
        rich.add_withdrawal(currency="USDT", amount="10", address="T", id=made.id)


# --- the old list ---


def test_the_old_list_has_what_is_old_in_few_words_and_seconds(exchange: Exchange, ask: Any, withdraw: Any) -> None:
    withdraw()
    exchange.add_withdrawal(
        currency="USDT", amount="1", address="T", created_at_ms=FEBRUARY_2019 - 1, status="WALLET_PROCESSING"
    )
    created = FEBRUARY_2019 // 1000 - 1
    item = {"currency": "USDT", "createAt": created, "amount": "1", "address": "T", "walletTxId": None}
    item |= {"isInner": False, "status": "PROCESSING"}
    wanted = {"currency": "USDT", "startAt": created, "endAt": created, "status": "PROCESSING"}
    assert ask(OLD_LIST, wanted).data["items"] == [item]
    exchange.readings.old_history_unit = "ms"
    assert ask(OLD_LIST, wanted).data["items"] == []
    assert ask(OLD_LIST, {"currency": "USDT", "endAt": FEBRUARY_2019, "status": "SUCCESS"}).data["items"] == []


# --- how it ends ---


def test_a_withdrawal_stays_in_processing_until_it_is_told(
    exchange: Exchange, paid: str, by_id: Any, clock: Any
) -> None:
    clock.now_ms += 10**10
    assert by_id(paid)["status"] == "PROCESSING"
    exchange.settle(paid, wallet_tx_id="abc")
    found = by_id(paid)
    assert (found["status"], found["walletTxId"], found["cancelType"]) == ("SUCCESS", "abc", "NON_CANCELABLE")


def test_a_transaction_id_is_made_up_where_none_is_given(exchange: Exchange, paid: str, by_id: Any) -> None:
    exchange.settle(paid)
    assert len(by_id(paid)["walletTxId"]) == 64


def test_what_failed_comes_back(rich: Exchange, paid: str, by_id: Any, ledger: Any) -> None:
    rich.fail(paid, "risk.rejected", "not today")
    found = by_id(paid)
    assert (found["status"], found["failureReason"], found["failureReasonMsg"]) == (
        "FAILURE",
        "risk.rejected",
        "not today",
    )
    assert (found["returnStatus"], found["returnAmount"], found["returnCurrency"]) == ("SUCCESS", "11.00000000", "USDT")
    assert in_main(rich) == ("1000", "0")
    assert [row["direction"] for row in ledger().data["items"]] == ["in", "out"]


def test_what_failed_may_come_back_later_and_once(rich: Exchange, paid: str, by_id: Any) -> None:
    rich.fail(paid, "reason", returned=False)
    assert (by_id(paid)["returnStatus"], in_main(rich)) == ("NOT_RETURN", ("989", "0"))
    for _ in range(2):
        rich.fail(paid)
        found = by_id(paid)
        assert (found["failureReason"], found["returnStatus"], in_main(rich)) == ("reason", "SUCCESS", ("1000", "0"))


def test_what_is_on_hold_comes_back_when_it_failed(rich: Exchange, withdraw: Any, ledger: Any) -> None:
    rich.readings.withdrawal_booked = "settled"
    rich.fail(withdraw().data["withdrawalId"])
    assert in_main(rich) == ("1000", "0")
    assert ledger().ids == []


def test_any_status_can_be_set_but_not_after_the_end(rich: Exchange, paid: str, by_id: Any) -> None:
    for status in ("REVIEW", "SOMETHING_NEW", "SUCCESS"):
        rich.set_status(paid, status)
        assert by_id(paid)["status"] == status
    for change in (rich.settle, rich.fail, rich.advance):
        with pytest.raises(ValueError, match=paid):
            change(paid)
    assert in_main(rich) == ("989", "0")


def test_failure_can_be_set_as_a_status(rich: Exchange, paid: str) -> None:
    rich.set_status(paid, "FAILURE")
    assert in_main(rich) == ("1000", "0")


def test_an_unknown_withdrawal_cannot_be_told_anything(exchange: Exchange) -> None:
    with pytest.raises(KeyError):
        exchange.settle("nothing")


@pytest.mark.parametrize("booked", ["accepted", "settled"])
def test_the_ledger_adds_up_to_the_balance(
    rich: Exchange, withdraw: Any, ask: Any, post: Any, clock: Any, booked: Any
) -> None:
    rich.readings.withdrawal_booked = booked
    ids = []
    for fee_deduct_type in ("EXTERNAL", "INTERNAL", None, "EXTERNAL"):
        ids.append(withdraw(feeDeductType=fee_deduct_type).data["withdrawalId"])
        clock.now_ms += SECOND
    withdraw(withdrawType="MAIL", toAddress="a@b.example")
    rich.settle(ids[0])
    rich.fail(ids[1])
    rich.settle(ids[2])
    cancel(ask, ids[3])
    rich.deposit(currency="USDT", amount="7.25")
    sweep = {"clientOid": "1", "type": "INTERNAL", "currency": "USDT", "amount": "100"}
    sweep |= {"fromAccountType": "MAIN", "toAccountType": "TRADE"}
    assert post("/api/v3/accounts/universal-transfer", sweep).code == "200000"
    for account, before in (("MAIN", Decimal(1000)), ("TRADE", Decimal(0))):
        rows = [row for row in rich.entries(0, clock.now_ms + 1) if row["accountType"] == account]
        signed = [Decimal(row["amount"]) * (1 if row["direction"] == "in" else -1) for row in rows]
        assert rich.balances.available("USDT", account.lower()) == before + sum(signed)
        assert rich.balances.get("USDT", account.lower()).holds == "0"


# --- life cycles ---


def test_a_withdrawal_may_walk_with_every_look(rich: Exchange, withdraw: Any, listed: Any, by_id: Any) -> None:
    rich.life_cycle = EACH_LOOK
    withdrawal_id = withdraw().data["withdrawalId"]
    seen = [listed()[0]["status"], by_id(withdrawal_id)["status"], listed()[0]["status"]]
    assert seen == ["REVIEW", "PROCESSING", "WALLET_PROCESSING"]
    found = by_id(withdrawal_id)
    assert found["status"] == "SUCCESS"
    assert found["walletTxId"]


def test_a_withdrawal_may_walk_with_time(rich: Exchange, withdraw: Any, listed: Any, clock: Any) -> None:
    rich.life_cycle = (Step("REVIEW"), Step("PROCESSING", after_ms=1000), Step("SUCCESS", after_ms=2000))
    withdraw()
    start = clock.now_ms
    seen = []
    for passed in (0, 999, 1000, 2999, 3000, 9000):
        clock.now_ms = start + passed
        seen.append((rich.withdrawals[0].status, listed()[0]["updatedAt"] - start))
    assert seen == [
        ("REVIEW", 0),
        ("REVIEW", 0),
        ("PROCESSING", 1000),
        ("PROCESSING", 1000),
        ("SUCCESS", 3000),
        ("SUCCESS", 3000),
    ]


def test_a_leap_of_time_takes_all_steps_each_at_its_moment(rich: Exchange, withdraw: Any, clock: Any) -> None:
    rich.life_cycle = (Step("REVIEW"), Step("PROCESSING", after_ms=1000), Step("FAILURE", after_ms=2000, reason="no"))
    withdraw()
    start = clock.now_ms
    clock.now_ms += 60_000
    (withdrawal,) = rich.withdrawals
    assert (withdrawal.status, withdrawal.updated_at_ms - start, withdrawal.failure_reason) == ("FAILURE", 3000, "no")
    assert in_main(rich) == ("1000", "0")


def test_a_step_without_condition_waits_to_be_told(rich: Exchange, withdraw: Any, by_id: Any, clock: Any) -> None:
    rich.life_cycle = (Step("PROCESSING"), Step("WALLET_PROCESSING"))
    withdrawal_id = withdraw().data["withdrawalId"]
    clock.now_ms += 10**9
    assert by_id(withdrawal_id)["status"] == "PROCESSING"
    assert rich.advance(withdrawal_id).status == "WALLET_PROCESSING"
    with pytest.raises(ValueError, match="no further step"):
        rich.advance(withdrawal_id)


def test_who_is_told_leaves_the_life_cycle(rich: Exchange, withdraw: Any, clock: Any) -> None:
    rich.life_cycle = (Step("PROCESSING"), Step("SUCCESS", after_ms=1000))
    rich.set_status(withdraw().data["withdrawalId"], "REVIEW")
    clock.now_ms += 1000
    assert rich.withdrawals[0].status == "REVIEW"


def test_whoever_moves_the_clock_can_let_the_exchange_catch_up(rich: Exchange, withdraw: Any, clock: Any) -> None:
    rich.life_cycle = (Step("PROCESSING"), Step("FAILURE", after_ms=1000))
    withdraw()
    clock.now_ms += 1000
    rich.catch_up()
    assert in_main(rich) == ("1000", "0")


# --- cancelling ---


def cancel(ask: Any, withdrawal_id: str, **options: Any) -> Any:
    return ask(f"{LIST}/{withdrawal_id}", method="DELETE", **options)


def test_what_is_processing_can_be_cancelled_and_comes_back(rich: Exchange, paid: str, ask: Any, by_id: Any) -> None:
    assert by_id(paid)["cancelType"] == "CANCELABLE"
    assert json.loads(cancel(ask, paid).body) == {"code": "200000", "data": None}
    found = by_id(paid)
    assert (found["status"], found["returnStatus"], found["cancelType"]) == ("FAILURE", "SUCCESS", "NON_CANCELABLE")
    assert in_main(rich) == ("1000", "0")


@pytest.mark.parametrize("status", ["REVIEW", "WALLET_PROCESSING", "SUCCESS", "FAILURE"])
def test_nothing_else_can_be_cancelled(rich: Exchange, paid: str, ask: Any, status: str) -> None:
    rich.set_status(paid, status)
    assert cancel(ask, paid).code == "400100"
    assert rich.withdrawals[0].status == status


def test_what_is_unknown_cannot_be_cancelled(rich: Exchange, ask: Any) -> None:
    assert cancel(ask, "nothing").code == "400100"
    assert rich.withdrawals == []


def test_cancelling_needs_the_permission(exchange: Exchange, ask: Any, paid: str) -> None:
    reader = exchange.add_key(ApiKey("reader", "secret", "phrase"))
    assert cancel(ask, paid, key=reader).code == "400007"


def test_cancelling_may_take_its_time(rich: Exchange, paid: str, ask: Any, by_id: Any, clock: Any) -> None:
    rich.readings.cancel_ms = 3000
    assert cancel(ask, paid).code == "200000"
    found = by_id(paid)
    assert (found["status"], found["cancelType"]) == ("PROCESSING", "CANCELING")
    assert cancel(ask, paid).code == "400100"
    clock.now_ms += 3000
    assert by_id(paid)["status"] == "FAILURE"
    assert in_main(rich) == ("1000", "0")


def test_what_was_cancelled_may_have_a_status_of_its_own(rich: Exchange, paid: str, ask: Any, by_id: Any) -> None:
    rich.readings.status_after_cancel = "CANCELED"
    cancel(ask, paid)
    assert by_id(paid)["status"] == "CANCELED"
    assert rich.withdrawals[0].return_amount == Decimal(11)
    assert in_main(rich) == ("1000", "0")
