"""What people are told of a withdrawal: all that helps, nothing secret, and no failure that sounds like calm."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, BaseNotifier

from airflow_provider_kucoin.notifications.withdrawal import KucoinWithdrawalNotifier, facts_of, message_of
from airflow_provider_kucoin.operators.withdrawal import KucoinWithdrawOperator

ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
TX_ID = "4b5cdd3a9d4dd3f8a0c3a0e8c5c44c2bfb3a4a0cbd9c8a2a4b6f0d3e1c2b3a49"
RESULT = {
    "withdrawal_id": "670deec84d64da0007d7c946",
    "status": "SUCCESS",
    "marker": "k1a2b3c4d5e6f7g8",
    "currency": "USDT",
    "amount": "250.5",
    "fee": "1",
    "chain": "trx",
    "address": ADDRESS,
    "wallet_tx_id": TX_ID,
}


class Instance(SimpleNamespace):
    """A task instance with what its task returned."""

    def xcom_pull(self, *, task_ids: str, map_indexes: int) -> Any:
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        if isinstance(self.returned, Exception):
            raise self.returned
        return self.returned


def context_of(returned: Any, task: Any = None, **changes: Any) -> dict[str, Any]:
    given = {"dag_id": "treasury", "task_id": "pay", "run_id": "scheduled__x", "try_number": 1, "map_index": -1}
    ti = Instance(**{**given, **changes}, returned=returned, log_url="https://airflow.example/log")
    return {"ti": ti, "task": task, "dag": DAG("treasury", schedule=None)}


def tell(context: dict[str, Any], **how: Any) -> str:
    """Call a notifier as Airflow does, and return what it sent."""
    said: list[str] = []
    KucoinWithdrawalNotifier(send=said.append, **how)(context)
    [message] = said
    return message


def test_a_settled_withdrawal_is_told_with_all_that_identifies_it() -> None:
    assert tell(context_of(RESULT)) == (
        "KuCoin withdrawal 250.5 USDT on trx to TKFRQ...ggwX8: settled; status SUCCESS; fee 1; "
        "id 670deec84d64da0007d7c946; marker k1a2b3c4d5e6f7g8; "
        f"transaction https://tronscan.org/#/transaction/{TX_ID}; "
        "task treasury.pay, run scheduled__x, https://airflow.example/log"
    )


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"status": "PROCESSING"}, "sent, not settled yet"),
        ({"status": None}, "sent, not settled yet"),
        ({"status": "A_NEW_STATUS"}, "sent, not settled yet"),
        ({"status": "FAILURE"}, "FAILED at KuCoin"),
        ({"dry_run": True, "status": None, "body": {"a": 1}, "verdicts": [{}]}, "only rehearsed, nothing was sent"),
    ],
)
def test_the_verdict_is_that_of_the_status(changes: dict[str, Any], verdict: str) -> None:
    message = tell(context_of({**RESULT, **changes}))
    assert message.startswith(f"KuCoin withdrawal 250.5 USDT on trx to TKFRQ...ggwX8: {verdict};")
    assert ("body" in message, "verdicts" in message) == (False, False)


@pytest.mark.parametrize("returned", [None, "text", RuntimeError("nobody to ask")])
def test_a_task_that_failed_is_told_with_its_error_and_what_it_was_to_do(returned: Any) -> None:
    task = KucoinWithdrawOperator(task_id="pay", currency="USDT", amount="250.5", to_address=ADDRESS, chain="trx")
    context = context_of(returned, task) | {"exception": AirflowFailException("it may have been sent: look at KuCoin")}
    message = tell(context)
    assert message.startswith(
        "KuCoin withdrawal 250.5 USDT on trx to TKFRQ...ggwX8: the task FAILED, see the error for whether money has "
        "moved; error it may have been sent: look at KuCoin; task treasury.pay"
    )
    assert ADDRESS not in message


def test_a_chain_without_a_known_explorer_is_told_with_the_transactions_id() -> None:
    message = tell(context_of({**RESULT, "chain": "nowhere"}))
    assert f"transaction {TX_ID};" in message


def test_which_of_the_mapped_tasks_it_was_is_told() -> None:
    assert "task treasury.pay[3], run" in tell(context_of(RESULT, map_index=3))


def test_what_airflow_knows_to_be_secret_is_masked() -> None:
    from airflow.providers.common.compat.sdk import mask_secret

    mask_secret("a-secret-of-this-test")
    context = context_of(None) | {"exception": RuntimeError("refused: a-secret-of-this-test")}
    assert "a-secret-of-this-test" not in tell(context)


def test_an_error_of_any_length_makes_a_message_that_can_be_sent() -> None:
    message = tell(context_of(None) | {"exception": RuntimeError("x" * 100_000)})
    assert len(message) < 1000


class Pager(BaseNotifier):
    """Somebody else's notifier: its text is a template."""

    template_fields = ("text",)

    def __init__(self, text: str, sent: list[str]) -> None:
        super().__init__()
        self.text = text
        self.sent = sent

    def notify(self, context: Any) -> None:  # noqa: ARG002 - Airflow's signature
        self.sent.append(self.text)


def test_any_notifier_carries_the_message_in_its_templates() -> None:
    sent: list[str] = []
    pagers = [Pager("{{ kucoin_message }}", sent), Pager("{{ kucoin_withdrawal.amount }} left", sent)]
    KucoinWithdrawalNotifier(notifiers=pagers, note="Desk {{ ti.task_id }}:")(context_of(RESULT))
    assert sent[0].startswith("Desk pay: KuCoin withdrawal 250.5 USDT on trx")
    assert sent[1] == "250.5 left"


def test_one_notifier_tells_of_each_task_anew() -> None:
    """Airflow renders templates in place: the second task would be told with the words of the first."""
    sent: list[str] = []
    notifier = KucoinWithdrawalNotifier(notifiers=Pager("{{ kucoin_message }}", sent), note="{{ ti.task_id }}:")
    for task_id, amount in (("one", "1"), ("two", "2")):
        notifier(context_of({**RESULT, "amount": amount}, task_id=task_id))
    assert [message.partition(" USDT")[0] for message in sent] == [
        "one: KuCoin withdrawal 1",
        "two: KuCoin withdrawal 2",
    ]


def test_a_notifier_that_reaches_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="send="):
        KucoinWithdrawalNotifier()


def test_facts_are_text_and_hold_the_address_only_in_short() -> None:
    facts = facts_of(context_of(RESULT))
    assert {type(value) for value in facts.values()} == {str}
    assert facts["address"] == "TKFRQ...ggwX8"
    assert message_of({}) == (
        "KuCoin withdrawal of an unknown amount: nothing is known of it; task None.None, run None"
    )
