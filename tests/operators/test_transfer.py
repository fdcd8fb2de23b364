"""Money moves between accounts once, whatever gets lost, and whatever KuCoin does with a repeated client id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kucoin.operators.transfer import KucoinTransferOperator
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

PATH = "/api/v3/accounts/universal-transfer"


@pytest.fixture(autouse=True)
def funds(rich: Exchange) -> None:
    """Something to move in every account."""
    for account in ("trade", "contract", "margin", "isolated:BTC-USDT", "unified", "option", "margin_v2"):
        rich.balances.set("USDT", account, "500")


@pytest.fixture(params=["first", "refused", "acted_again"])
def any_duplicate(request: pytest.FixtureRequest, rich: Exchange) -> None:
    """Each thing that KuCoin may do with a repeated client id."""
    rich.readings.duplicate_client_oid = request.param


def test_money_is_moved_and_described(moving: Callable[..., Any], rich: Exchange) -> None:
    result = moving().run()
    (done,) = rich.transfers
    assert result == {
        "order_id": done.order_id,
        "client_oid": done.client_oid,
        "currency": "USDT",
        "amount": "10.5",
        "from_account_type": "TRADE",
        "to_account_type": "MAIN",
        "transfer_type": "INTERNAL",
    }
    assert (rich.balances.get("USDT", "main").balance, len(done.client_oid)) == ("1010.5", 32)


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({"from_account_type": "MAIN", "to_account_type": "CONTRACT"}, {"type": "INTERNAL"}),
        (
            {"from_account_type": "ISOLATED", "to_account_type": "MAIN", "from_account_tag": "BTC-USDT"},
            {"fromAccountTag": "BTC-USDT"},
        ),
        ({"transfer_type": "PARENT_TO_SUB", "to_user_id": "sub", "from_account_type": "MAIN"}, {"toUserId": "sub"}),
        ({"transfer_type": "SUB_TO_PARENT", "from_user_id": "sub"}, {"fromUserId": "sub"}),
        ({"from_account_type": "UNIFIED"}, {"fromAccountType": "UNIFIED"}),
    ],
    ids=str,
)
def test_every_way_is_sent_as_kucoin_takes_it(
    moving: Callable[..., Any], rich: Exchange, posts: Callable[[], Any], given: dict[str, Any], body: dict[str, Any]
) -> None:
    rich.add_sub_account(4711, "sub")
    rich.balances.set("USDT", "trade", "100", uid=4711)
    moving(**given).run()
    (sent,) = posts()
    assert body.items() <= sent.json.items()
    assert None not in sent.json.values()
    assert len(rich.transfers) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"amount": "0"}, "amount is zero"),
        ({"amount": "1e3"}, "plain positive number"),
        ({"to_account_type": "TRADE"}, "same account"),
        ({"to_account_type": "SAVINGS"}, "'SAVINGS' is not one of"),
        ({"transfer_type": "SIDEWAYS"}, "'SIDEWAYS' is not one of"),
        ({"transfer_type": "PARENT_TO_SUB"}, "to_user_id is missing"),
        ({"transfer_type": "SUB_TO_PARENT"}, "from_user_id is missing"),
        ({"to_user_id": "x"}, "does not take it"),
        ({"from_account_type": "ISOLATED"}, "from_account_tag is missing"),
        ({"currency": " USDT"}, "without blanks"),
    ],
    ids=str,
)
def test_parameters_that_break_a_rule_are_refused_before_any_request(
    moving: Callable[..., Any], rich: Exchange, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(AirflowFailException) as problem:
        moving(**given).run()
    assert words in str(problem.value)
    assert len(rich.requests) == 0


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        KucoinTransferOperator(
            task_id="t", currency="USDT", amount=1.5, from_account_type="MAIN", to_account_type="TRADE"
        )  # type: ignore[arg-type]


def test_too_little_money_is_refused_for_good(moving: Callable[..., Any], rich: Exchange) -> None:
    with pytest.raises(AirflowFailException, match="230003"):
        moving(amount="501").run()
    assert rich.transfers == []


@pytest.mark.usefixtures("any_duplicate", "stores")
def test_a_retry_after_success_moves_nothing(moving: Callable[..., Any], rich: Exchange) -> None:
    task = moving()
    assert task.run() == task.run()
    assert len(rich.transfers) == 1


@pytest.mark.usefixtures("any_duplicate")
@pytest.mark.parametrize(
    ("fault", "how"),
    [
        (Fault.RESET_AFTER, {}),
        (Fault.RESET_BEFORE, {}),
        (Fault.SERVER_ERROR, {"acts": True}),
        (Fault.SERVER_ERROR, {}),
        (Fault.HTML_BODY, {"acts": True}),
        (Fault.TRUNCATED_JSON, {}),
        (Fault.NULL_DATA, {}),
        (Fault.NULL_DATA, {"data": {}}),
        (Fault.DELAYED_ACT, {"delay_ms": 4_900}),
        (Fault.CLOCK_SKEW, {}),
        (Fault.REDIRECT, {"acts": True}),
    ],
    ids=str,
)
def test_a_lost_answer_moves_the_money_once(
    moving: Callable[..., Any], rich: Exchange, sleep: Callable[[float], None], fault: Fault, how: dict[str, Any]
) -> None:
    rich.faults.inject(fault, path=PATH, method="POST", **how)
    result = moving().run()
    sleep(3600)
    rich.catch_up()
    (done,) = rich.transfers
    assert result["order_id"] in {done.order_id, None}


@pytest.mark.usefixtures("any_duplicate", "stores")
@pytest.mark.parametrize("acted", [True, False])
def test_a_lost_answer_between_accounts_that_the_ledger_does_not_show_stops_for_a_person(
    moving: Callable[..., Any], rich: Exchange, *, acted: bool
) -> None:
    rich.faults.inject(Fault.RESET_AFTER if acted else Fault.RESET_BEFORE, path=PATH)
    task = moving(from_account_type="TRADE", to_account_type="MARGIN")
    with pytest.raises(AirflowFailException, match=r"neither side is the MAIN account.*not sent again"):
        task.run()
    with pytest.raises(AirflowFailException, match="neither side"):
        task.run()
    assert len(rich.transfers) == acted


@pytest.mark.usefixtures("any_duplicate", "stores")
@pytest.mark.parametrize("acted", [True, False])
def test_a_worker_that_dies_in_the_request_is_followed_by_one_that_asks_the_ledger(
    moving: Callable[..., Any], rich: Exchange, *, acted: bool
) -> None:
    task = moving()
    made = task.make()
    task.try_number = 1

    class Killed(BaseException):
        """Nothing in between can catch it."""

    client = made.hook.treasury._client
    really_call = client.call

    def call(endpoint: Any, **how: Any) -> Any:
        if endpoint.method == "POST":
            if acted:
                really_call(endpoint, **how)
            raise Killed
        return really_call(endpoint, **how)

    client.call = call
    with pytest.raises(Killed):
        made.execute(task.context())
    task.run()
    assert len(rich.transfers) == 1


def test_a_second_try_without_a_store_stops_for_a_person(moving: Callable[..., Any], rich: Exchange) -> None:
    rich.faults.inject(Fault.RATE_LIMITED, path=PATH)
    task = moving(None)
    with pytest.raises(Exception, match="429000"):
        task.run()
    with pytest.raises(AirflowFailException, match="no task state store"):
        task.run()
    assert rich.transfers == []


@pytest.mark.usefixtures("stores")
def test_the_same_task_does_not_make_another_transfer(moving: Callable[..., Any], rich: Exchange) -> None:
    task = moving()
    task.run()
    with pytest.raises(AirflowFailException, match="another transfer"):
        task.run(amount="11")
    assert len(rich.transfers) == 1


def test_a_store_that_cannot_be_written_means_that_nothing_is_sent(
    moving: Callable[..., Any], posts: Callable[[], Any]
) -> None:
    task = moving()

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("410 Gone")

    task.store.set = refuse
    with pytest.raises(RuntimeError):
        task.run()
    assert posts() == []


def test_mapped_tasks_have_client_ids_of_their_own(moving: Callable[..., Any], rich: Exchange) -> None:
    for index in range(2):
        moving(map_index=index).run()
    assert len({done.client_oid for done in rich.transfers}) == 2


def test_a_given_client_id_is_used(moving: Callable[..., Any], rich: Exchange) -> None:
    moving(client_oid="sweep-2026-02-03").run()
    assert rich.transfers[0].client_oid == "sweep-2026-02-03"


def test_killing_the_task_takes_nothing_back(moving: Callable[..., Any], rich: Exchange) -> None:
    task = moving()
    task.run()
    rich.requests.clear()
    task.make().on_kill()
    assert len(rich.requests) == 0
