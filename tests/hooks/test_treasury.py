"""The hook's verbs that move money, and those that look where it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY

from airflow_provider_kucoin.api.errors import Incomplete, InvalidInput, OutcomeUnknown, RequestRefused
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.hooks.treasury import Try
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server

ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
V3, LIST = "/api/v3/withdrawals", "/api/v1/withdrawals"


@pytest.fixture
def rich(exchange: Exchange, server: Server, connect: Callable[..., Any]) -> Exchange:
    """The exchange with 1000 USDT, a key and a connection that may move them."""
    exchange.allow_withdrawals()
    exchange.balances.set("USDT", "main", "1000")
    connect(server.connection(withdrawals_enabled=True, timeout=5))
    return exchange


@pytest.fixture
def swift(rich: Exchange) -> KucoinHook:
    """A hook that moves the exchange's clock instead of waiting."""

    def sleep(seconds: float) -> None:
        rich.clock_offset_ms += int(seconds * 1000) + 1

    return KucoinHook(sleep=sleep)


def pay(hook: KucoinHook, key: str = "invoice-7", **changes: Any) -> dict[str, Any]:
    given = {"currency": "USDT", "amount": Decimal("10.50"), "to_address": ADDRESS, "chain": "trx", **changes}
    return hook.withdraw(idempotency_key=key, **given)


def moment(exchange: Exchange, before_ms: int = 0) -> datetime:
    return datetime.fromtimestamp((exchange.now_ms() - before_ms) / 1000, UTC)


# ------------------------------------------------------------------------------------------------------------- paying


def test_the_hook_pays_once_for_a_key(swift: KucoinHook, rich: Exchange) -> None:
    first = pay(swift)
    assert pay(swift) == first
    assert [withdrawal.id for withdrawal in rich.withdrawals] == [first["withdrawal_id"]]


def test_another_process_with_the_same_key_pays_nothing(swift: KucoinHook, rich: Exchange) -> None:
    rich.readings.history_lag_ms = 50_000
    pay(swift)
    pay(KucoinHook(sleep=swift._sleep))
    assert len(rich.withdrawals) == 1


@pytest.mark.parametrize("acted", [True, False])
def test_a_lost_answer_is_searched_for_and_never_answered_with_another_request(
    swift: KucoinHook, rich: Exchange, *, acted: bool
) -> None:
    rich.faults.inject(Fault.RESET_AFTER if acted else Fault.RESET_BEFORE, path=V3)
    if acted:
        assert pay(swift)["withdrawal_id"] == rich.withdrawals[0].id
    else:
        with pytest.raises(OutcomeUnknown, match="It was not sent again"):
            pay(swift)
    assert len([record for record in rich.requests if record.method == "POST"]) == 1


@pytest.mark.parametrize("amount", [10.5, float("inf"), True, None])
def test_what_is_no_exact_amount_is_a_type_error(swift: KucoinHook, rich: Exchange, amount: Any) -> None:
    with pytest.raises(TypeError):
        pay(swift, amount=amount)
    assert len(rich.requests) == 0


def test_a_try_that_is_certainly_the_first_does_not_wait(swift: KucoinHook, rich: Exchange) -> None:
    before = rich.clock_offset_ms
    pay(swift, attempt=Try(certainly_first=True))
    assert rich.clock_offset_ms == before


def test_a_key_on_a_history_of_many_pages_is_found(swift: KucoinHook, rich: Exchange) -> None:
    pay(swift)
    for _ in range(1100):
        rich.add_withdrawal(currency="USDT", amount="1", address="T" + "2" * 33, chain="trx")
    assert pay(swift)["withdrawal_id"] == rich.withdrawals[0].id
    assert len(rich.withdrawals) == 1101


@pytest.mark.parametrize("fault", [Fault.EMPTY_PAGE, Fault.SHORT_PAGE])
def test_a_history_that_lacks_rows_is_never_taken_for_one_without_the_payment(
    swift: KucoinHook, rich: Exchange, fault: Fault
) -> None:
    pay(swift)
    rich.faults.inject(fault, path=LIST, times=None)
    with pytest.raises(Incomplete):
        pay(swift)
    assert len(rich.withdrawals) == 1


def test_money_cannot_leave_through_any_other_door(swift: KucoinHook, rich: Exchange) -> None:
    for path in (V3, LIST, "//api/v3/withdrawals", "/api/v3/./withdrawals", "/API/V3/WITHDRAWALS"):
        with pytest.raises(InvalidInput):
            swift.request("POST", path, json={"currency": "USDT"})
    assert rich.withdrawals == []


# ------------------------------------------------------------------------------------------------------------ looking


def test_a_withdrawal_is_told_as_kucoin_tells_it(swift: KucoinHook) -> None:
    found = swift.get_withdrawal(pay(swift)["withdrawal_id"])
    assert (found["amount"], found["chainId"], found["cancelType"]) == ("10.50000000", "trx", "CANCELABLE")


@pytest.mark.parametrize("wrong", ["", "../accounts", "a b", None, "x?y=1"])
def test_what_is_no_id_is_refused(swift: KucoinHook, rich: Exchange, wrong: Any) -> None:
    for verb in (swift.get_withdrawal, swift.cancel_withdrawal):
        with pytest.raises(InvalidInput, match="is not an id"):
            verb(wrong)
    assert len(rich.requests) == 0


def test_a_withdrawal_is_found_by_the_beginning_of_its_remark(swift: KucoinHook, rich: Exchange) -> None:
    paid = pay(swift, remark="x1")
    found = swift.find_withdrawal(paid["marker"], "USDT", moment(rich))
    assert found is not None
    assert found["id"] == paid["withdrawal_id"]
    assert swift.find_withdrawal("afaaaaaaaaaaaa", "USDT", moment(rich)) is None


def test_the_newest_of_several_is_found(swift: KucoinHook, rich: Exchange) -> None:
    for age in (3, 1, 2):
        rich.add_withdrawal(
            currency="USDT", amount=str(age), address="T", remark="rent-2026", created_at_ms=rich.now_ms() - age * DAY
        )
    found = swift.find_withdrawal("rent-2026", "USDT", moment(rich, 10 * DAY))
    assert found is not None
    assert Decimal(found["amount"]) == 1


def test_a_history_of_months_is_walked_in_stretches_without_gap_or_doublet(swift: KucoinHook, rich: Exchange) -> None:
    now = rich.now_ms()
    rich.readings.created_at_floored_to_seconds = False
    edge = now - 30 * DAY
    for created in (now - 1, edge + 1, edge, edge - 1, edge - 1000, edge - 1001, now - 89 * DAY):
        rich.add_withdrawal(currency="USDT", amount="1", address="T", created_at_ms=created)
    rows = swift.treasury.history("USDT", now - 90 * DAY, now)
    assert len(rows) == len({row["id"] for row in rows}) == 7


def test_rows_without_ids_are_told_apart_by_all_they_say(swift: KucoinHook, rich: Exchange) -> None:
    rich.readings.list_rows_have_id = False
    for amount in ("1", "2"):
        rich.add_withdrawal(currency="USDT", amount=amount, address="T")
    assert len(swift.treasury.history("USDT", rich.now_ms() - 40 * DAY, rich.now_ms() + 1000)) == 2


@pytest.mark.parametrize("inclusive", [True, False])
def test_bounds_that_exclude_lose_nothing(swift: KucoinHook, rich: Exchange, *, inclusive: bool) -> None:
    rich.readings.history_start_inclusive = rich.readings.history_end_inclusive = inclusive
    first = pay(swift)
    assert pay(swift)["withdrawal_id"] == first["withdrawal_id"]


def test_quotas_are_told_as_kucoin_tells_them(swift: KucoinHook) -> None:
    found = swift.get_withdrawal_quota("USDT", "trx")
    assert (found["availableAmount"], found["chain"], found["withdrawMinSize"]) == ("1000", "TRC20", "3")


def test_what_can_be_transferred_is_told(swift: KucoinHook) -> None:
    assert swift.treasury.transferable("USDT", "MAIN")["transferable"] == "1000"


# --------------------------------------------------------------------------------------------- cancelling, transferring


def test_a_withdrawal_is_cancelled(swift: KucoinHook, rich: Exchange) -> None:
    swift.cancel_withdrawal(pay(swift)["withdrawal_id"])
    assert rich.withdrawals[0].cancelled_at_ms is not None


def test_what_left_is_not_cancelled(swift: KucoinHook, rich: Exchange) -> None:
    paid = pay(swift)
    rich.settle(paid["withdrawal_id"])
    with pytest.raises(RequestRefused):
        swift.cancel_withdrawal(paid["withdrawal_id"])


def test_the_hook_transfers(swift: KucoinHook, rich: Exchange) -> None:
    done = swift.transfer(
        currency="USDT", amount="5", from_account_type="MAIN", to_account_type="TRADE", client_oid="sweep-1"
    )
    assert done["order_id"] == rich.transfers[0].order_id
    assert rich.balances.get("USDT", "trade").available == "5"


def test_a_foreign_transfer_from_before_does_not_count_as_ours(swift: KucoinHook, rich: Exchange) -> None:
    given: dict[str, Any] = {"currency": "USDT", "amount": "5", "from_account_type": "MAIN", "to_account_type": "TRADE"}
    swift.transfer(**given, client_oid="first")
    swift._sleep(60)
    rich.faults.inject(Fault.RESET_BEFORE, path="/api/v3/accounts/universal-transfer")
    swift.transfer(**given, client_oid="second")
    assert [done.client_oid for done in rich.transfers] == ["first", "second"]


def test_deposits_since_a_moment_are_listed(swift: KucoinHook, rich: Exchange) -> None:
    for age in (0, 1, 2):
        rich.deposit(currency="USDT", amount="1", created_at_ms=rich.now_ms() - age * DAY)
    assert len(swift.treasury.deposits("USDT", rich.now_ms() - 36 * 3_600_000)) == 2


def test_the_run_may_be_older_than_the_margin(swift: KucoinHook, rich: Exchange) -> None:
    attempt = Try(since=datetime.now(UTC) - timedelta(days=2))
    first = pay(swift, attempt=attempt)
    swift._sleep(86_400)
    assert pay(swift, attempt=attempt)["withdrawal_id"] == first["withdrawal_id"]
    assert len(rich.withdrawals) == 1
