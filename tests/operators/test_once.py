"""A payment is made once: through retries, clears, lost answers, frozen workers and look-alikes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kucoin.api.withdrawals import is_marker
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
V3 = "/api/v3/withdrawals"
KEY = "kucoin_withdrawal"

pytestmark = pytest.mark.filterwarnings("ignore:.*cannot be called outside.*")


def lose(exchange: Exchange, *, acted: bool, **how: Any) -> None:
    """Lose the answer to the request that pays."""
    exchange.faults.inject(Fault.RESET_AFTER if acted else Fault.RESET_BEFORE, path=V3, method="POST", **how)


# --------------------------------------------------------------------------------------------------- when all goes well


def test_a_payment_is_made_and_described(payment: Callable[..., Any], rich: Exchange) -> None:
    result = payment().run()
    (withdrawal,) = rich.withdrawals
    assert result == {
        "withdrawal_id": withdrawal.id,
        "status": "PROCESSING",
        "marker": withdrawal.remark,
        "currency": "USDT",
        "amount": "10.5",
        "fee": "1.00000000",
        "chain": "trx",
        "address": ADDRESS,
        "wallet_tx_id": None,
    }
    assert is_marker(result["marker"])


def test_a_first_try_does_not_wait(payment: Callable[..., Any], rich: Exchange) -> None:
    before = rich.clock_offset_ms
    payment().run()
    assert rich.clock_offset_ms == before


def test_v3_is_sent_with_every_field(payment: Callable[..., Any], posts: Callable[[], Any]) -> None:
    marker = payment(remark="inv7").run()["marker"]
    (sent,) = posts()
    assert (sent.path, sent.json) == (
        V3,
        {
            "currency": "USDT",
            "toAddress": ADDRESS,
            "withdrawType": "ADDRESS",
            "amount": "10.5",
            "chain": "trx",
            "isInner": False,
            "remark": f"{marker}-inv7",
            "feeDeductType": "EXTERNAL",
        },
    )


def test_v1_is_sent_as_v1_takes_it(payment: Callable[..., Any], posts: Callable[[], Any]) -> None:
    marker = payment(api_version="v1", amount="10", fee_deduct_type="INTERNAL").run()["marker"]
    (sent,) = posts()
    assert (sent.path, sent.json) == (
        "/api/v1/withdrawals",
        {
            "currency": "USDT",
            "address": ADDRESS,
            "amount": 10,
            "chain": "trx",
            "isInner": False,
            "remark": marker,
            "feeDeductType": "INTERNAL",
        },
    )


def test_v1_is_advised_against(payment: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    payment(api_version="v1", amount="10").run()
    assert "'v3' is recommended" in "".join(capsys.readouterr())


@pytest.mark.parametrize(("kind", "to"), [("UID", "123456"), ("MAIL", "a@example.org"), ("PHONE", "55-12341234")])
def test_kucoin_users_are_paid_without_chain_and_memo(
    payment: Callable[..., Any], posts: Callable[[], Any], rich: Exchange, kind: str, to: str
) -> None:
    task = payment(withdraw_type=kind, to_address=to, chain=...)
    result = task.run()
    (sent,) = posts()
    assert {"chain", "memo"}.isdisjoint(sent.json)
    assert (sent.json["withdrawType"], sent.json["toAddress"]) == (kind, to)
    assert (result["status"], result["fee"]) == ("SUCCESS", "0.00000000")
    assert task.run()["withdrawal_id"] == result["withdrawal_id"]
    assert len(rich.withdrawals) == 1


def test_a_memo_travels_where_the_chain_takes_one(payment: Callable[..., Any], posts: Callable[[], Any]) -> None:
    address = "EQ" + "a" * 46
    payment(chain="ton", to_address=address, memo="0042").run()
    assert posts()[0].json["memo"] == "0042"


def test_a_chain_named_by_name_is_sent_by_id(payment: Callable[..., Any], posts: Callable[[], Any]) -> None:
    payment(chain="TRC20").run()
    assert posts()[0].json["chain"] == "trx"


def test_a_remark_stands_behind_the_marker_where_the_connection_has_room(
    allow: Callable[..., None], payment: Callable[..., Any], posts: Callable[[], Any]
) -> None:
    task = payment(remark="salary-2026-02_0007")
    allow(remark_limit=40)
    result = task.run()
    assert posts()[0].json["remark"] == f"{result['marker']}-salary-2026-02_0007"


# ---------------------------------------------------------------------------------------------------------- tried again


def test_a_retry_finds_what_the_first_try_paid(
    payment: Callable[..., Any], rich: Exchange, either_store: Callable[[], Any], posts: Callable[[], Any]
) -> None:
    task = payment(either_store())
    first = task.run()
    assert task.run() == first
    assert (len(rich.withdrawals), len(posts())) == (1, 1)


@pytest.mark.usefixtures("stores")
def test_a_cleared_task_with_an_id_in_its_journal_asks_for_that_withdrawal_only(
    payment: Callable[..., Any], rich: Exchange
) -> None:
    task = payment()
    first = task.run()
    rich.settle(first["withdrawal_id"], wallet_tx_id="a0b1")
    rich.requests.clear()
    again = task.run()
    assert (again["status"], again["wallet_tx_id"]) == ("SUCCESS", "a0b1")
    assert {record.path for record in rich.requests} == {
        "/api/v1/timestamp",
        "/api/v3/currencies/USDT",
        f"/api/v1/withdrawals/{first['withdrawal_id']}",
    }


def test_the_journal_holds_the_intent_before_and_the_id_after(payment: Callable[..., Any], rich: Exchange) -> None:
    task = payment()
    kept: list[tuple[str, int]] = []
    was_set = task.store.set

    def spy(key: str, value: dict[str, Any], **how: Any) -> None:
        kept.append((value["stage"], len(rich.withdrawals)))
        was_set(key, value, **how)

    task.store.set = spy
    result = task.run()
    assert kept == [("sending", 0), ("sent", 1)]
    assert task.store[KEY]["withdrawal_id"] == result["withdrawal_id"]


def test_a_store_that_cannot_be_written_means_that_nothing_is_sent(
    payment: Callable[..., Any], rich: Exchange, posts: Callable[[], Any]
) -> None:
    task = payment()

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("410 Gone: this task belongs to another worker by now")

    task.store.set = refuse
    with pytest.raises(RuntimeError, match="410"):
        task.run()
    assert (posts(), rich.withdrawals) == ([], [])


def test_an_id_that_cannot_be_written_is_found_by_the_next_try(payment: Callable[..., Any], rich: Exchange) -> None:
    task = payment()
    was_set = task.store.set

    def refuse(key: str, value: dict[str, Any], **how: Any) -> None:
        if value["stage"] == "sent":
            raise RuntimeError("the API server is gone")
        was_set(key, value, **how)

    task.store.set = refuse
    with pytest.raises(RuntimeError):
        task.run()
    task.store.set = was_set
    assert task.run()["withdrawal_id"] == rich.withdrawals[0].id
    assert len(rich.withdrawals) == 1


@pytest.mark.parametrize(
    "journal",
    ["text", 7, [], {}, {"marker": "x"}, {"marker": "x", "fingerprint": "y", "since_ms": "1", "stamp_ms": 1},
     {"marker": "x", "fingerprint": "y", "since_ms": 1, "stamp_ms": 1, "surprise": 1}],
    ids=str,
)  # fmt: skip
def test_a_journal_that_cannot_be_understood_stops_the_task(
    payment: Callable[..., Any], posts: Callable[[], Any], journal: Any
) -> None:
    task = payment()
    task.store[KEY] = journal
    with pytest.raises(AirflowFailException, match="cannot be understood"):
        task.run()
    assert posts() == []


@pytest.mark.usefixtures("stores")
@pytest.mark.parametrize("changed", [{"amount": "11"}, {"to_address": "T" + "2" * 33}, {"fee_deduct_type": "INTERNAL"}])
def test_the_same_task_does_not_pay_another_order(
    payment: Callable[..., Any], rich: Exchange, changed: dict[str, Any]
) -> None:
    task = payment()
    task.run()
    with pytest.raises(AirflowFailException, match="another payment"):
        task.run(**changed)
    assert len(rich.withdrawals) == 1


def test_without_a_store_the_marker_tells_that_the_order_has_changed(
    payment: Callable[..., Any], rich: Exchange
) -> None:
    task = payment(None)
    task.run()
    with pytest.raises(AirflowFailException, match=r"amount '10\.50000000' instead of '11'"):
        task.run(amount="11")
    assert len(rich.withdrawals) == 1


def test_another_run_is_another_payment(payment: Callable[..., Any], rich: Exchange) -> None:
    assert payment(run_id="a").run()["marker"] != payment(run_id="b").run()["marker"]
    assert len(rich.withdrawals) == 2


def test_a_failed_withdrawal_is_not_paid_again(
    payment: Callable[..., Any], rich: Exchange, either_store: Callable[[], Any]
) -> None:
    task = payment(either_store())
    rich.fail(task.run()["withdrawal_id"], "ADDRESS_RISK", "the address is on a list")
    for _ in range(2):
        with pytest.raises(AirflowFailException, match="FAILURE: ADDRESS_RISK: the address is on a list"):
            task.run()
    assert len(rich.withdrawals) == 1


def test_a_failed_withdrawal_is_no_success_while_kucoin_cannot_be_asked(
    payment: Callable[..., Any], rich: Exchange
) -> None:
    task = payment()
    withdrawal_id = task.run()["withdrawal_id"]
    rich.fail(withdrawal_id, "ADDRESS_RISK")
    injection = rich.faults.inject(
        Fault.SERVER_ERROR, path=f"/api/v1/withdrawals/{withdrawal_id}", method="GET", times=None
    )
    with pytest.raises(Exception, match="500000") as problem:
        task.run()
    assert injection.hits
    assert not isinstance(problem.value, AirflowFailException)
    rich.faults.clear()
    with pytest.raises(AirflowFailException, match="ADDRESS_RISK"):
        task.run()


# ------------------------------------------------------------------------------------------------ answers that are lost


def test_a_lost_answer_is_looked_for_and_found(
    payment: Callable[..., Any], rich: Exchange, either_store: Callable[[], Any], posts: Callable[[], Any]
) -> None:
    rich.readings.history_lag_ms = 40_000
    lose(rich, acted=True)
    result = payment(either_store()).run()
    assert [withdrawal.id for withdrawal in rich.withdrawals] == [result["withdrawal_id"]]
    assert len(posts()) == 1


def test_a_lost_answer_that_stays_unknown_stops_with_all_that_is_known(
    payment: Callable[..., Any], rich: Exchange, posts: Callable[[], Any]
) -> None:
    lose(rich, acted=False)
    task = payment()
    with pytest.raises(AirflowFailException) as problem:
        task.run()
    message = str(problem.value)
    for part in ("not known whether 10.5 USDT to TKFRQ...ggwX8 on trx", "It was not sent again",
                 posts()[0].json["remark"], "clear the task", "2026-02-03T12:00"):  # fmt: skip
        assert part in message
    assert ADDRESS not in message
    assert len(posts()) == 1


def test_who_clears_a_task_that_stopped_gets_the_payment_made(payment: Callable[..., Any], rich: Exchange) -> None:
    lose(rich, acted=False)
    task = payment()
    with pytest.raises(AirflowFailException):
        task.run()
    task.run()
    assert len(rich.withdrawals) == 1


def test_who_clears_a_task_that_stopped_gets_what_has_shown_up_since(
    payment: Callable[..., Any], rich: Exchange, sleep: Callable[[float], None]
) -> None:
    """The history lagged longer than was settled: that is why it stops, and does not pay."""
    rich.readings.history_lag_ms = 600_000
    lose(rich, acted=True)
    task = payment()
    with pytest.raises(AirflowFailException, match="not known"):
        task.run()
    sleep(600)
    assert task.run()["withdrawal_id"] == rich.withdrawals[0].id
    assert len(rich.withdrawals) == 1


def test_a_worker_that_dies_while_it_looks_for_a_lost_answer_is_not_followed_by_another_payment(
    payment: Callable[..., Any], rich: Exchange
) -> None:
    lose(rich, acted=False)
    task = payment()
    slept = task.sleep

    def die(_: float) -> None:
        raise SystemExit

    task.sleep = die
    with pytest.raises(SystemExit):
        task.run()
    assert task.store[KEY]["stage"] == "lost"
    task.sleep = slept
    with pytest.raises(AirflowFailException, match="not known"):
        task.run()
    assert rich.withdrawals == []


@pytest.mark.parametrize("acted", [True, False])
def test_a_worker_that_dies_in_the_request_is_followed_by_one_that_waits_for_the_history(
    payment: Callable[..., Any], rich: Exchange, either_store: Callable[[], Any], *, acted: bool
) -> None:
    rich.readings.history_lag_ms = 50_000
    task = payment(either_store())
    made = task.make()
    task.try_number = 1

    class Killed(BaseException):
        """Nothing in between can catch it."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    treasury = made.hook.treasury
    really_call = treasury._client.call

    def call(endpoint: Any, **how: Any) -> Any:
        if endpoint.method != "POST":
            return really_call(endpoint, **how)
        if acted:
            really_call(endpoint, **how)
        return die()

    treasury._client.call = call
    with pytest.raises(Killed):
        made.execute(task.context())
    assert len(rich.withdrawals) == acted
    task.run()
    assert len(rich.withdrawals) == 1


def test_a_request_that_is_acted_on_late_is_waited_for(
    payment: Callable[..., Any], rich: Exchange, either_store: Callable[[], Any]
) -> None:
    rich.readings.history_lag_ms = 30_000
    rich.faults.inject(Fault.DELAYED_ACT, path=V3, method="POST", delay_ms=4_900)
    assert payment(either_store()).run()["withdrawal_id"] == rich.withdrawals[0].id


@pytest.mark.parametrize("seconds", [3, 10, 3600])
def test_a_worker_that_froze_between_intent_and_request_writes_a_new_intent(
    payment: Callable[..., Any], rich: Exchange, sleep: Callable[[float], None], seconds: int
) -> None:
    """Its clock stood still: the signature's age is all that tells."""
    task = payment()
    was_set, intents = task.store.set, []

    def freeze(key: str, value: dict[str, Any], **how: Any) -> None:
        was_set(key, value, **how)
        intents.append(value["stamp_ms"])
        if len(intents) == 1:
            sleep(seconds)

    task.store.set = freeze
    task.run()
    (withdrawal,) = rich.withdrawals
    accepted_with = intents[-1]
    assert abs(withdrawal.created_at_ms - accepted_with) <= 5_000


def test_a_worker_that_froze_and_lost_its_task_cannot_pay(
    payment: Callable[..., Any], rich: Exchange, sleep: Callable[[float], None]
) -> None:
    """It wrote its intent, froze, and its successor paid, which the history does not show yet."""
    rich.readings.history_lag_ms = 30_000
    slow, quick = payment(), payment()
    quick.try_number, was_set = 1, slow.store.set

    def freeze(key: str, value: dict[str, Any], **how: Any) -> None:
        was_set(key, value, **how)
        quick.store.update(slow.store)
        sleep(6)
        quick.run()
        slow.store.set = gone

    def gone(*_: object, **__: object) -> None:
        raise RuntimeError("410 Gone")

    slow.store.set = freeze
    with pytest.raises(RuntimeError, match="410"):
        slow.run()
    assert len(rich.withdrawals) == 1


@pytest.mark.usefixtures("stores")
def test_a_worker_that_froze_before_its_intent_looks_again(
    payment: Callable[..., Any], rich: Exchange, sleep: Callable[[float], None]
) -> None:
    slow, quick = payment(), payment()
    made = slow.make()
    slow.try_number = quick.try_number = 1
    check = made.hook.treasury.check

    def freeze(*given: Any) -> Any:
        found = check(*given)
        sleep(400)
        quick.run()
        return found

    made.hook.treasury.check = freeze
    assert made.execute(slow.context())["withdrawal_id"] == rich.withdrawals[0].id
    assert len(rich.withdrawals) == 1


def test_a_clock_that_kucoin_never_likes_ends_in_something_to_retry(
    payment: Callable[..., Any], rich: Exchange, posts: Callable[[], Any]
) -> None:
    rich.faults.inject(Fault.CLOCK_SKEW, path=V3, method="POST", times=None)
    task = payment()
    with pytest.raises(Exception, match="4 times in a row") as problem:
        task.run()
    assert not isinstance(problem.value, AirflowFailException)
    assert (len(posts()), rich.withdrawals) == (4, [])
    rich.faults.clear()
    task.run()
    assert len(rich.withdrawals) == 1


def test_an_airflow_whose_clock_is_an_hour_ahead_of_kucoins_finds_its_payment(
    payment: Callable[..., Any], rich: Exchange
) -> None:
    """Without a store the run's own time is all that says how far back to look."""
    rich.clock_offset_ms -= 3_600_000
    task = payment(None)
    task.run()
    task.run()
    assert len(rich.withdrawals) == 1


def test_an_airflow_whose_clock_is_an_hour_behind_kucoins_finds_its_payment(
    payment: Callable[..., Any], rich: Exchange
) -> None:
    rich.clock_offset_ms = 3_600_000
    task = payment(None)
    task.run()
    task.run()
    assert len(rich.withdrawals) == 1


def test_a_run_that_was_due_months_ago_is_looked_for_that_far_back(
    payment: Callable[..., Any], sleep: Callable[[float], None]
) -> None:
    task = payment(None)
    first = task.run()
    sleep(100 * 86_400)
    assert task.run()["withdrawal_id"] == first["withdrawal_id"]


def test_a_worker_that_froze_without_a_store_and_was_replaced_leaves_the_payment_to_the_other(
    payment: Callable[..., Any], rich: Exchange, sleep: Callable[[float], None]
) -> None:
    """Nothing but the time tells it: the history does not show yet what the other one has paid."""
    rich.readings.history_lag_ms = 50_000
    slow, quick = payment(None), payment(None)
    made = slow.make()
    slow.try_number = quick.try_number = 1
    check = made.hook.treasury.check

    def freeze(*given: Any) -> Any:
        found = check(*given)
        sleep(400)
        quick.run()
        return found

    made.hook.treasury.check = freeze
    with pytest.raises(Exception, match="another try may be at it"):
        made.execute(slow.context())
    assert len(rich.withdrawals) == 1


# ---------------------------------------------------------------------------------------------------------- look-alikes


def other(exchange: Exchange, **fields: Any) -> Any:
    """Somebody pays the same amount to the same address."""
    return exchange.add_withdrawal(
        **{"currency": "USDT", "amount": "10.5", "address": ADDRESS, "chain": "trx", **fields}
    )


@pytest.mark.parametrize("remark", ["", None, "rent", "af"])
def test_a_look_alike_after_the_intent_stops_the_task_and_is_named(
    payment: Callable[..., Any], rich: Exchange, remark: str | None
) -> None:
    lose(rich, acted=False)
    task = payment()
    was_set = task.store.set

    def meanwhile(key: str, value: dict[str, Any], **how: Any) -> None:
        was_set(key, value, **how)
        if value["stage"] == "lost":
            other(rich, remark=remark, id="f" * 24)

    task.store.set = meanwhile
    with pytest.raises(AirflowFailException, match=f"{'f' * 24}.*without the marker.*mark the task as succeeded"):
        task.run()
    with pytest.raises(AirflowFailException, match="f" * 24):
        task.run()
    assert len(rich.withdrawals) == 1


def test_a_look_alike_that_is_another_marked_payment_does_not_matter(
    payment: Callable[..., Any], rich: Exchange, either_store: Callable[[], Any]
) -> None:
    first, second = payment(either_store(), map_index=0), payment(either_store(), map_index=1)
    first.run()
    second.try_number = 1  # a try of which nothing is known
    second.run()
    assert len(rich.withdrawals) == 2


@pytest.mark.parametrize("remark", ["kept", "dropped", "null", 10, 5])
def test_two_payouts_of_one_amount_to_one_address_in_a_mapped_run_are_both_paid(
    payment: Callable[..., Any], rich: Exchange, remark: Any
) -> None:
    rich.readings.remark = remark
    for index in range(2):
        payment(map_index=index).run()
    assert len(rich.withdrawals) == 2


def test_a_look_alike_from_before_the_intent_does_not_matter(
    payment: Callable[..., Any], rich: Exchange, sleep: Callable[[float], None]
) -> None:
    other(rich)
    sleep(10)
    lose(rich, acted=False)
    task = payment()
    with pytest.raises(AirflowFailException) as problem:
        task.run()
    assert "without the marker" not in str(problem.value)
    task.run()
    assert len(rich.withdrawals) == 2


@pytest.mark.parametrize("remark", ["dropped", "null", 5])
def test_our_own_payment_without_its_remark_is_not_adopted_and_not_paid_again(
    payment: Callable[..., Any], rich: Exchange, either_store: Callable[[], Any], remark: Any
) -> None:
    rich.readings.remark = remark
    lose(rich, acted=True)
    task = payment(either_store())
    for _ in range(3):
        with pytest.raises(AirflowFailException) as problem:
            task.run()
        (withdrawal,) = rich.withdrawals
        assert withdrawal.id in str(problem.value)


def test_a_remark_cut_short_is_still_ours(payment: Callable[..., Any], rich: Exchange) -> None:
    rich.readings.remark = 8
    lose(rich, acted=True)
    assert payment(None).run()["withdrawal_id"] == rich.withdrawals[0].id


def test_a_list_without_ids_gives_a_result_without_id(payment: Callable[..., Any], rich: Exchange) -> None:
    rich.readings.list_rows_have_id = False
    lose(rich, acted=True)
    result = payment(None).run()
    assert (result["withdrawal_id"], result["status"]) == (None, "PROCESSING")


def test_what_has_no_id_cannot_be_waited_for_and_says_so(payment: Callable[..., Any], rich: Exchange) -> None:
    rich.readings.list_rows_have_id = False
    lose(rich, acted=True)
    with pytest.raises(AirflowFailException, match="does not give its id"):
        payment(None, wait_for_completion=True).run()
    assert len(rich.withdrawals) == 1


# ----------------------------------------------------------------------------------------------------- idempotency keys


def test_a_key_makes_two_runs_one_payment(
    payment: Callable[..., Any], rich: Exchange, either_store: Callable[[], Any]
) -> None:
    results = [payment(either_store(), run_id=run, idempotency_key="invoice-7").run() for run in "ab"]
    assert results[0] == results[1]
    assert len(rich.withdrawals) == 1


def test_a_key_of_another_run_is_waited_for_until_the_history_must_show_it(
    payment: Callable[..., Any], rich: Exchange, either_store: Callable[[], Any]
) -> None:
    """Otherwise the first try of the second run would pay again."""
    rich.readings.history_lag_ms = 50_000
    for run in "ab":
        payment(either_store(), run_id=run, idempotency_key="invoice-7").run()
    assert len(rich.withdrawals) == 1


def test_a_key_is_found_within_thirty_days(
    payment: Callable[..., Any], rich: Exchange, sleep: Callable[[float], None]
) -> None:
    payment(run_id="a", idempotency_key="invoice-7").run()
    sleep(29 * 86_400)
    payment(run_id="b", idempotency_key="invoice-7").run()
    assert len(rich.withdrawals) == 1


def test_a_new_key_is_a_new_payment(payment: Callable[..., Any], rich: Exchange) -> None:
    for key in ("invoice-7", "invoice-8"):
        payment(idempotency_key=key).run()
    assert len(rich.withdrawals) == 2
