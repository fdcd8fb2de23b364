"""Waiting until a withdrawal is settled, poking or deferred."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    PokeReturnValue,
    conf,
)

from airflow_provider_kucoin.api.errors import FatalError, RequestRefused, RetryableError
from airflow_provider_kucoin.api.withdrawals import STATUSES, Outcome, failure_reason, outcome, wallet_tx_id
from airflow_provider_kucoin.hooks.metrics import Fate, count_withdrawal
from airflow_provider_kucoin.links.withdrawal import KucoinTransactionLink, KucoinWithdrawalLink
from airflow_provider_kucoin.sensors.judging import JudgingSensor
from airflow_provider_kucoin.triggers.events import PROBLEM, TIMED_OUT, WITHDRAWAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context

#: The fields that are handed on, by the name they get: KuCoin's answer by id, JSON types, amounts as text.
RESULT = {
    "withdrawal_id": "id",
    "status": "status",
    "currency": "currency",
    "amount": "amount",
    "fee": "fee",
    "chain": "chainId",
    "address": "address",
    "remark": "remark",
}


class KucoinWithdrawalSensor(JudgingSensor):
    """
    Wait until a withdrawal is settled.

    SUCCESS ends it with the withdrawal as XCom. FAILURE fails it at once with KuCoin's reason, without retries, and
    also where ``soft_fail`` is set: a failed payment is never a skipped task. A status that is not listed keeps
    waiting, warns, and is in the message at time-out. Pauses that KuCoin asks for, its errors and broken lines are
    outlasted.

    :param withdrawal_id: KuCoin's id, as ``KucoinWithdrawOperator`` returns it
    :param kucoin_conn_id: the connection
    :param deferrable: wait in the triggerer, where a thousand waits cost little, instead of on a worker
    """

    template_fields: Sequence[str] = ("withdrawal_id", "kucoin_conn_id")
    operator_extra_links = (KucoinWithdrawalLink(), KucoinTransactionLink())

    def __init__(
        self,
        *,
        withdrawal_id: str,
        kucoin_conn_id: str = "kucoin_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: float | timedelta = 30.0,
        exponential_backoff: bool = True,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("max_wait", 4 * poke_interval)
        super().__init__(poke_interval=poke_interval, exponential_backoff=exponential_backoff, **kwargs)
        self.withdrawal_id = withdrawal_id
        self.kucoin_conn_id = kucoin_conn_id
        self.deferrable = deferrable
        self._status: str | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Wait, on the worker or in the triggerer."""
        if self.deferrable:
            seen = self.poke(context)
            if not seen.is_done:
                self._defer(seen.xcom_value or {})
            return self._judge(seen.xcom_value or {})
        try:
            return self._judge(super().execute(context))
        except AirflowSensorTimeout as problem:
            count_withdrawal(Fate.TIMED_OUT, None)
            raise AirflowSensorTimeout(f"{problem} Last status: {self._status}") from None

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002 - Airflow's signature
        """
        Look once.

        The judgement is not passed here, but on what ``execute`` gets back: Airflow turns errors raised in here into
        a skipped task where ``soft_fail`` is set, and a failed payment must not become one.
        """
        from airflow_provider_kucoin.hooks.kucoin import KucoinHook

        try:
            withdrawal = KucoinHook(self.kucoin_conn_id).get_withdrawal(self.withdrawal_id)
        except (RetryableError, RequestRefused) as problem:
            # How KuCoin answers about a withdrawal that it does not show yet is not documented.
            self.log.warning("looking again later: %s", problem)
            return PokeReturnValue(is_done=False)
        except FatalError as problem:
            return PokeReturnValue(is_done=True, xcom_value={PROBLEM: str(problem)})
        status = str(withdrawal.get("status"))
        if status != self._status:
            known = status in STATUSES
            say = self.log.info if known else self.log.warning
            say("withdrawal %s: %s%s", self.withdrawal_id, status, "" if known else " is not a listed status: waiting")
            self._status = status
        return PokeReturnValue(is_done=outcome(status) is not Outcome.PENDING, xcom_value=withdrawal)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002
        """Return what the trigger saw; it is judged in :meth:`resume_execution`."""
        if TIMED_OUT in event:
            count_withdrawal(Fate.TIMED_OUT, None)
            raise AirflowSensorTimeout(
                f"withdrawal {self.withdrawal_id} was not settled within {self.timeout:.0f} s; it goes on at KuCoin. "
                f"Last status: {event[TIMED_OUT]}"
            )
        return dict(event.get(WITHDRAWAL) or event)

    def _defer(self, seen: Mapping[str, Any]) -> NoReturn:
        from airflow_provider_kucoin.triggers.withdrawal import KucoinWithdrawalTrigger

        self.defer(
            trigger=KucoinWithdrawalTrigger(
                self.withdrawal_id,
                self.kucoin_conn_id,
                poll_interval=float(self.poke_interval),
                timeout=float(self.timeout),
                currency=seen.get("currency"),
                created_at_ms=seen.get("createdAt"),
            ),
            method_name="execute_complete",
        )

    def _judge(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        """Return a withdrawal that succeeded; fail on any other."""
        if PROBLEM in seen:
            raise AirflowFailException(seen[PROBLEM])
        return settled(seen)


def settled(withdrawal: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what is handed on of a withdrawal that succeeded.

    The one judgement that sensor and operator share.

    :raise AirflowFailException: with KuCoin's reason, when it failed
    """
    if outcome(withdrawal.get("status")) is not Outcome.SUCCEEDED:
        fail(withdrawal)
    count_withdrawal(Fate.SETTLED, withdrawal.get("currency"))
    found = {name: withdrawal.get(source) for name, source in RESULT.items()}
    found["chain"] = found["chain"] or withdrawal.get("chain")
    return {**found, "wallet_tx_id": wallet_tx_id(withdrawal)}


def fail(withdrawal: Mapping[str, Any]) -> NoReturn:
    """Fail without retries, with KuCoin's reason."""
    count_withdrawal(Fate.FAILED, withdrawal.get("currency"))
    raise AirflowFailException(
        f"withdrawal {withdrawal.get('id')} of {withdrawal.get('amount')} {withdrawal.get('currency')} ended in "
        f"{withdrawal.get('status')}: {failure_reason(withdrawal)}. It is not paid again by a retry; to pay anew, use "
        "another run or another idempotency_key"
    )
