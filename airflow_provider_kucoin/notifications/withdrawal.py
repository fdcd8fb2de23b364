"""
What became of a withdrawal, in words, to wherever people look.

For ``on_success_callback``, ``on_failure_callback`` and ``on_retry_callback`` of the tasks that withdraw and that wait.
How a message travels is left to those who know: to any notifier of Airflow's (Slack, SMTP, ...), or to a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseNotifier, redact

from airflow_provider_kucoin.api.explorers import explorer_url
from airflow_provider_kucoin.api.withdrawals import Outcome, outcome, short_address

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

#: How the message and the facts are called in the templates of other notifiers.
MESSAGE, FACTS = "kucoin_message", "kucoin_withdrawal"
#: The most characters of an error: KuCoin's own words and this provider's advice fit into it.
LONGEST_ERROR = 600

Send = Callable[[str], object]

_VERDICTS = {Outcome.SUCCEEDED: "settled", Outcome.FAILED: "FAILED at KuCoin", Outcome.PENDING: "sent, not settled yet"}
#: Attributes of the operators and sensors of this provider, as far as they have them.
_ASKED_FOR = ("withdrawal_id", "currency", "amount", "chain", "destination", "to_address", "idempotency_key")


class KucoinWithdrawalNotifier(BaseNotifier):
    """
    Say what became of a withdrawal: amount, currency, chain, address, status, fee, marker, id, transaction, task.

    Addresses are shortened, and what Airflow knows to be secret is masked. A task that failed is told with its error,
    and never in words that could be taken for a payment that did not happen: whether it did is what the error says.

    Give one or both of:

    :param send: a function that is called with the message
    :param notifiers: other notifiers, called with a context in which the message is ``kucoin_message``, to be used as
        ``"{{ kucoin_message }}"`` in their templated arguments, and its parts are ``kucoin_withdrawal``
    :param note: put in front of the message; a template
    """

    template_fields: Sequence[str] = ("note",)

    def __init__(
        self,
        *,
        send: Send | None = None,
        notifiers: BaseNotifier | Sequence[BaseNotifier] = (),
        note: str = "",
    ) -> None:
        super().__init__()
        if send is None and not notifiers:
            raise ValueError("give the notifier a function to send= with, or other notifiers= to hand its message to")
        self.send = send
        self.notifiers = list(notifiers) if isinstance(notifiers, Sequence) else [notifiers]
        self.note = note

    def __call__(self, *args: Any) -> None:
        """Tell. Airflow renders templates in place, for good; one notifier may serve many tasks, so a copy tells."""
        super(KucoinWithdrawalNotifier, copy(self)).__call__(*args)

    def notify(self, context: Context) -> None:
        """Put the message together and hand it on."""
        facts = facts_of(context)
        message = " ".join(filter(None, (self.note, message_of(facts))))
        if self.send is not None:
            self.send(message)
        for notifier in self.notifiers:
            told: Any = {**context, MESSAGE: message, FACTS: facts}
            copy(notifier)(told)


def facts_of(context: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what is known of a task's withdrawal: text by name, ``None`` left out, addresses shortened.

    What the task returned comes first; of one that failed before it could, what it was asked to do.
    """
    ti, task = context.get("ti"), context.get("task")
    known = {name: getattr(task, name, None) for name in _ASKED_FOR}
    known["address"] = known.pop("to_address")
    result = _result(ti)
    known |= {name: value for name, value in result.items() if value is not None}
    if known.get("address"):
        known["address"] = short_address(str(known["address"]))
    known["transaction"] = explorer_url(known.get("chain"), known.get("wallet_tx_id"))
    if (problem := context.get("exception")) is not None:
        known["error"] = redact(str(problem))[:LONGEST_ERROR]
    known |= {name: getattr(ti, name, None) for name in ("dag_id", "task_id", "run_id", "try_number")}
    if (index := getattr(ti, "map_index", -1)) is not None and index >= 0:
        known["map_index"] = index
    known["log_url"] = getattr(ti, "log_url", None)
    return {name: str(value) for name, value in known.items() if _is_told(value)}


def _is_told(value: Any) -> bool:
    """Return whether something can stand in a message. A rehearsal's body and verdicts cannot."""
    return value is not None and not isinstance(value, dict | list) and str(value) != ""


def message_of(facts: Mapping[str, str]) -> str:
    """Return facts as one message."""
    said = [_headline(facts)]
    labels = {
        "status": "status",
        "fee": "fee",
        "withdrawal_id": "id",
        "marker": "marker",
        "transaction": "transaction",
        "error": "error",
    }
    said += [f"{label} {facts[name]}" for name, label in labels.items() if name in facts]
    if "transaction" not in facts and "wallet_tx_id" in facts:
        said.append(f"transaction {facts['wallet_tx_id']}")
    return "; ".join([*said, _place(facts)])


def _headline(facts: Mapping[str, str]) -> str:
    what = " ".join(facts[name] for name in ("amount", "currency") if name in facts) or "of an unknown amount"
    on = f" on {facts['chain']}" if "chain" in facts else ""
    to = facts.get("address") or facts.get("destination")
    return f"KuCoin withdrawal {what}{on}{f' to {to}' if to else ''}: {_verdict(facts)}"


def _verdict(facts: Mapping[str, str]) -> str:
    if facts.get("dry_run") == "True":
        return "only rehearsed, nothing was sent"
    if "error" in facts:
        return "the task FAILED, see the error for whether money has moved"
    if not {"status", "withdrawal_id"} & facts.keys():
        return "nothing is known of it"
    return _VERDICTS[outcome(facts.get("status"))]


def _place(facts: Mapping[str, str]) -> str:
    index = f"[{facts['map_index']}]" if "map_index" in facts else ""
    place = f"task {facts.get('dag_id')}.{facts.get('task_id')}{index}, run {facts.get('run_id')}"
    return f"{place}, {facts['log_url']}" if "log_url" in facts else place


def _result(ti: Any) -> dict[str, Any]:
    """Return what the task returned, if it got so far."""
    try:
        found = ti.xcom_pull(task_ids=ti.task_id, map_indexes=getattr(ti, "map_index", -1))
    except Exception:  # noqa: BLE001 - of a task that failed there may be nothing to pull, nor anybody to ask
        return {}
    return found if isinstance(found, dict) else {}
