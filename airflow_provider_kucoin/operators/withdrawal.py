"""Withdrawing, once and only once, and cancelling."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    conf,
)

from airflow_provider_kucoin.api.errors import RequestRefused, RetryableError
from airflow_provider_kucoin.api.polling import interval
from airflow_provider_kucoin.api.withdrawals import Outcome, marker, outcome
from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal
from airflow_provider_kucoin.hooks.metrics import Fate, count_withdrawal
from airflow_provider_kucoin.links.withdrawal import KucoinTransactionLink, KucoinWithdrawalLink
from airflow_provider_kucoin.operators.hooked import HookedOperator, MoneyOperator
from airflow_provider_kucoin.sensors.withdrawal import fail, settled
from airflow_provider_kucoin.triggers.events import PROBLEM, TIMED_OUT, WITHDRAWAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.hooks.treasury import Try

#: Where the journal of a payment is kept in the task's state store.
STATE_KEY = "kucoin_withdrawal"


class KucoinWithdrawOperator(MoneyOperator):
    """
    Withdraw from KuCoin, once and only once.

    KuCoin has no idempotency key. This operator marks the withdrawal in its remark, looks for the marker in KuCoin's
    history before it sends anything, writes the intent into the task's state store (Airflow 3.3 and later) before the
    request and the id after it, never sends a request again whose answer was lost, and stops for a person where it
    cannot know. Clearing the task of the same run finds the same withdrawal; a new run, or a new ``idempotency_key``,
    is a new payment. What is guaranteed, what is not, and why: ``docs/guarantees.md``.

    Whether money may leave, to whom and how much is decided by the connection (``withdrawals_enabled``,
    ``withdraw_destinations``, ``withdraw_limits``), not here.

    Returns ``withdrawal_id``, ``status``, ``marker``, ``currency``, ``amount``, ``fee``, ``chain``, ``address`` and
    ``wallet_tx_id``; amounts are text.

    :param currency: code, such as ``USDT``
    :param amount: decimal text, a ``Decimal`` or an ``int``; never a float
    :param destination: alias of the connection's address book; or
    :param to_address: an address, a UID, an e-mail address or a phone number, as ``withdraw_type`` says
    :param chain: KuCoin's chain id, such as ``trx``; required for an address unless the destination pins it; never
        guessed
    :param memo: where the chain takes one
    :param withdraw_type: ``ADDRESS``, ``UID``, ``MAIL`` or ``PHONE``
    :param is_inner: a transfer to another KuCoin user's address, within KuCoin
    :param fee_deduct_type: ``EXTERNAL``: on top of the amount; ``INTERNAL``: out of it, less arrives
    :param remark: a few characters of letters, digits, ``_`` and ``-`` that fit beside the marker
    :param idempotency_key: makes the payment the same across runs; without it the run, task and map index do
    :param api_version: ``v3``, or KuCoin's abandoned ``v1``, which takes whole amounts only
    :param preflight: check enabled, precision, minimum, quota, balance and memo before sending
    :param dry_run: do all of it but send; returns the exact body, fee, net amount and verdicts
    :param settle: how long after KuCoin has accepted a withdrawal its history must show it
    :param wait_for_completion: end only when the withdrawal is settled, and fail when it fails
    :param deferrable: wait for that in the triggerer
    :param poll_interval: seconds after the first look; later waits grow up to four times as long
    :param timeout: seconds to wait for completion; then the task fails without retries, and the withdrawal goes on
    :param kucoin_conn_id: the connection
    """

    template_fields: Sequence[str] = (
        "currency",
        "amount",
        "destination",
        "to_address",
        "chain",
        "memo",
        "withdraw_type",
        "fee_deduct_type",
        "remark",
        "idempotency_key",
        "api_version",
        "kucoin_conn_id",
    )
    operator_extra_links = (KucoinWithdrawalLink(), KucoinTransactionLink())

    def __init__(
        self,
        *,
        currency: str | None = None,
        amount: str | Decimal | int,
        destination: str | None = None,
        to_address: str | None = None,
        chain: str | None = None,
        memo: str | None = None,
        withdraw_type: Literal["ADDRESS", "UID", "MAIL", "PHONE"] = "ADDRESS",
        is_inner: bool = False,
        fee_deduct_type: Literal["EXTERNAL", "INTERNAL"] = "EXTERNAL",
        remark: str | None = None,
        idempotency_key: str | None = None,
        api_version: Literal["v3", "v1"] = "v3",
        preflight: bool = True,
        dry_run: bool = False,
        settle: timedelta = timedelta(seconds=60),
        wait_for_completion: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = 30.0,
        timeout: float = 24 * 60 * 60,
        kucoin_conn_id: str = "kucoin_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(amount=amount, settle=settle, kucoin_conn_id=kucoin_conn_id, **kwargs)
        self.currency = currency
        self.destination = destination
        self.to_address = to_address
        self.chain = chain
        self.memo = memo
        self.withdraw_type = withdraw_type
        self.is_inner = is_inner
        self.fee_deduct_type = fee_deduct_type
        self.remark = remark
        self.idempotency_key = idempotency_key
        self.api_version = api_version
        self.preflight = preflight
        # not self.dry_run: that is a method of Airflow's
        self.only_rehearse = dry_run
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout

    def execute(self, context: Context) -> dict[str, Any]:
        """Pay, unless it has been paid."""
        with no_retry_when_fatal():
            treasury = self.hook.treasury
            wanted = treasury.order(self.destination, **self._parameters())
            mark = self._marker(context)
            if self.api_version == "v1":
                self.log.warning("api_version='v1' is abandoned by KuCoin: 'v3' is recommended")
            if self.only_rehearse:
                return treasury.rehearse(wanted, mark)
            result = treasury.withdraw(
                wanted, mark, do_preflight=self.preflight, settle=self.settle, attempt=self._try(context)
            )
            self._withdrawal_id = result["withdrawal_id"]
            if outcome(result["status"]) is Outcome.FAILED:
                fail(self.hook.get_withdrawal(result["withdrawal_id"]) if result["withdrawal_id"] else result)
            if not self.wait_for_completion:
                return result
            if outcome(result["status"]) is Outcome.SUCCEEDED:
                count_withdrawal(Fate.SETTLED, result["currency"])
                return result
            return self._wait(result)

    def execute_complete(
        self,
        context: Context,  # noqa: ARG002 - Airflow's signature
        event: Mapping[str, Any],
        result: dict[str, Any],
    ) -> dict[str, Any]:
        """Judge what the trigger saw."""
        if PROBLEM in event:
            raise AirflowFailException(f"withdrawal {result['withdrawal_id']} was sent; {event[PROBLEM]}")
        if TIMED_OUT in event:
            self._give_up(result, event[TIMED_OUT])
        return _merged(result, event[WITHDRAWAL])

    def on_kill(self) -> None:
        """Say that money may be on its way: whoever stops the task does not stop the withdrawal."""
        self.log.warning(
            "the task was stopped; withdrawal %s was not cancelled, and may still be on its way",
            getattr(self, "_withdrawal_id", None) or "(if it was sent)",
        )

    def _parameters(self) -> dict[str, Any]:
        return {
            "currency": self.currency,
            "amount": self.amount,
            "to_address": self.to_address or None,
            "chain": self.chain or None,
            "memo": self.memo or None,
            "withdraw_type": self.withdraw_type,
            "is_inner": self.is_inner,
            "fee_deduct_type": self.fee_deduct_type,
            "remark": self.remark or None,
            "api_version": self.api_version,
        }

    def _marker(self, context: Context) -> str:
        """Return what makes the payment the same on every try: the key, or the task's place in its run."""
        if self.idempotency_key:
            return marker("key", self.idempotency_key)
        ti = context["ti"]
        return marker("run", ti.dag_id, ti.task_id, ti.run_id, getattr(ti, "map_index", -1))

    def _try(self, context: Context) -> Try:
        """Return what is known of earlier tries of this task."""
        from airflow_provider_kucoin.hooks.treasury import LOOK_BACK
        from airflow_provider_kucoin.hooks.trying import earlier_tries, run_began

        since = run_began(context)
        if not self.idempotency_key:
            return earlier_tries(context, STATE_KEY, since)
        # Another run may have used the key, a moment ago: this run's first try proves nothing.
        since = min(since or datetime.now(UTC), datetime.now(UTC) - LOOK_BACK)
        known = earlier_tries(context, STATE_KEY, since)
        return replace(known, certainly_first=False, number=known.number and known.number + 1)

    def _wait(self, result: dict[str, Any]) -> dict[str, Any]:
        withdrawal_id = result["withdrawal_id"]
        if withdrawal_id is None:
            raise AirflowFailException(
                f"the withdrawal with the marker {result['marker']} was sent, but KuCoin's history does not give its "
                "id, so it cannot be waited for: look at it on KuCoin"
            )
        if self.deferrable:
            from airflow_provider_kucoin.triggers.withdrawal import KucoinWithdrawalTrigger

            self.defer(
                trigger=KucoinWithdrawalTrigger(
                    withdrawal_id,
                    self.kucoin_conn_id,
                    poll_interval=self.poll_interval,
                    timeout=self.timeout,
                    currency=result["currency"],
                ),
                method_name="execute_complete",
                kwargs={"result": result},
            )
        return self._poll(result)

    def _poll(self, result: dict[str, Any]) -> dict[str, Any]:
        status, looks, give_up_at = result["status"], 0, time.monotonic() + self.timeout
        while (left := give_up_at - time.monotonic()) > 0:
            looks += 1
            time.sleep(min(interval(self.poll_interval, looks, random.random()), left))  # noqa: S311 - spread
            try:
                withdrawal = self.hook.get_withdrawal(result["withdrawal_id"])
            except (RetryableError, RequestRefused) as problem:
                self.log.warning("looking again later: %s", problem)
                continue
            if withdrawal.get("status") != status:
                status = withdrawal.get("status")
                self.log.info("withdrawal %s: %s", result["withdrawal_id"], status)
            if outcome(status) is not Outcome.PENDING:
                return _merged(result, withdrawal)
        return self._give_up(result, status)

    def _give_up(self, result: Mapping[str, Any], status: object) -> dict[str, Any]:
        count_withdrawal(Fate.TIMED_OUT, result["currency"])
        raise AirflowFailException(
            f"withdrawal {result['withdrawal_id']} was not settled within {self.timeout:.0f} s; it goes on at KuCoin. "
            f"Last status: {status}"
        )


class KucoinCancelWithdrawalOperator(HookedOperator):
    """
    Cancel a withdrawal that is still cancelable, and report what became of it.

    KuCoin cancels in status PROCESSING only. What a cancelled withdrawal's status is, is not documented (FAILURE is
    expected), so the answer is looked at and reported rather than assumed.

    Returns ``withdrawal_id``, ``cancelled`` (whether KuCoin took the request), ``status_before``, ``status``,
    ``cancel_type``, ``return_status`` and ``reason``.

    :param withdrawal_id: KuCoin's id
    :param fail_if_not_cancelable: fail the task when it is too late; otherwise report it
    :param kucoin_conn_id: the connection
    """

    template_fields: Sequence[str] = ("withdrawal_id", "kucoin_conn_id")

    def __init__(
        self,
        *,
        withdrawal_id: str,
        fail_if_not_cancelable: bool = True,
        kucoin_conn_id: str = "kucoin_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(kucoin_conn_id=kucoin_conn_id, **kwargs)
        self.withdrawal_id = withdrawal_id
        self.fail_if_not_cancelable = fail_if_not_cancelable

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Cancel, and look at what came of it."""
        with no_retry_when_fatal():
            report = self.hook.treasury.cancel_and_look(self.withdrawal_id)
        self.log.info("withdrawal %s: %s", self.withdrawal_id, report)
        if not report["cancelled"] and self.fail_if_not_cancelable:
            raise AirflowFailException(
                f"withdrawal {self.withdrawal_id} was not cancelled: {report['reason']} (status {report['status']})"
            )
        return report


def _merged(result: Mapping[str, Any], withdrawal: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result with what a settled withdrawal says; fail on one that failed."""
    final = settled(withdrawal)
    return {**result, **{name: final[name] for name in ("status", "fee", "wallet_tx_id")}}
