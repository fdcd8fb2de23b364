"""Waiting until a deposit has arrived, poking or deferred."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    PokeReturnValue,
    conf,
)

from airflow_provider_kucoin.api.errors import InvalidInput, RetryableError
from airflow_provider_kucoin.api.withdrawals import Outcome, wallet_tx_id
from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal
from airflow_provider_kucoin.sensors.judging import JudgingSensor
from airflow_provider_kucoin.triggers.events import DEPOSIT, FAILED, PROBLEM, TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from decimal import Decimal

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.deposits import Expected
    from airflow_provider_kucoin.api.windows import Moment


class KucoinDepositSensor(JudgingSensor):
    """
    Wait until a deposit has arrived.

    The deposit is told by its currency, and by any of its transaction, the address it arrives at and its least amount.
    SUCCESS is an arrival; PRE_SUCCESS is not, because KuCoin can still roll it back. A deposit that failed, was
    rejected or rolled back fails the task without retries when the transaction tells which one it is; without
    ``tx_id`` another one may still come, and the wait goes on.

    Returns the deposit: ``currency``, ``amount``, ``fee``, ``chain``, ``address``, ``memo``, ``wallet_tx_id``,
    ``status`` and ``created_at_ms``; amounts are text.

    :param currency: code, such as ``USDT``
    :param since: not before this moment: ISO 8601 text with a zone, a datetime with a zone, or milliseconds; by
        default the moment when the run was due
    :param min_amount: of this size at least, as decimal text
    :param tx_id: the transaction on its chain
    :param address: the account's address it arrives at
    :param kucoin_conn_id: the connection
    :param deferrable: wait in the triggerer instead of on a worker
    """

    template_fields: Sequence[str] = ("currency", "since", "min_amount", "tx_id", "address", "kucoin_conn_id")

    def __init__(
        self,
        *,
        currency: str,
        since: Moment | None = None,
        min_amount: str | Decimal | int | None = None,
        tx_id: str | None = None,
        address: str | None = None,
        kucoin_conn_id: str = "kucoin_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: float | timedelta = 60.0,
        exponential_backoff: bool = True,
        **kwargs: Any,
    ) -> None:
        if isinstance(min_amount, float):
            raise TypeError(f"min_amount={min_amount!r} is a float: give decimal text such as '10.5'")
        kwargs.setdefault("max_wait", 4 * poke_interval)
        super().__init__(poke_interval=poke_interval, exponential_backoff=exponential_backoff, **kwargs)
        self.currency = currency
        self.since = since
        self.min_amount = min_amount
        self.tx_id = tx_id
        self.address = address
        self.kucoin_conn_id = kucoin_conn_id
        self.deferrable = deferrable
        self._status: str | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Wait, on the worker or in the triggerer."""
        with no_retry_when_fatal():
            wanted = self._expected(context)
        if not self.deferrable:
            try:
                return self._judge(super().execute(context))
            except AirflowSensorTimeout as problem:
                raise AirflowSensorTimeout(f"{problem} Last status: {self._status}") from None
        seen = self.poke(context)
        if not seen.is_done:
            from airflow_provider_kucoin.triggers.deposit import KucoinDepositTrigger

            self.defer(
                trigger=KucoinDepositTrigger(
                    wanted.as_dict(),
                    self.kucoin_conn_id,
                    poll_interval=float(self.poke_interval),
                    timeout=float(self.timeout),
                ),
                method_name="execute_complete",
            )
        return self._judge(seen.xcom_value or {})

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once; it is judged in ``execute``, outside of what ``soft_fail`` turns into a skipped task."""
        from airflow_provider_kucoin.api.deposits import STATUSES, judge
        from airflow_provider_kucoin.hooks.kucoin import KucoinHook

        wanted = self._expected(context)
        try:
            rows = KucoinHook(self.kucoin_conn_id).treasury.deposits(wanted.currency, wanted.since_ms)
        except RetryableError as problem:
            self.log.warning("looking again later: %s", problem)
            return PokeReturnValue(is_done=False)
        except Exception as problem:  # noqa: BLE001 - judged in execute
            return PokeReturnValue(is_done=True, xcom_value={PROBLEM: str(problem)})
        outcome, row = judge(wanted, rows)
        if row is not None:
            self._status = str(row.get("status"))
            say = self.log.info if row.get("status") in STATUSES else self.log.warning
            say("deposit of %s %s: %s", row.get("amount"), wanted.currency, row.get("status"))
        key = DEPOSIT if outcome is Outcome.SUCCEEDED else FAILED
        return PokeReturnValue(is_done=outcome is not Outcome.PENDING, xcom_value={key: dict(row or {})})

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002
        """Return what the trigger saw; it is judged in :meth:`resume_execution`."""
        if TIMED_OUT in event:
            raise AirflowSensorTimeout(
                f"no deposit of {self.currency} arrived within {self.timeout:.0f} s. Last status: {event[TIMED_OUT]}"
            )
        return event

    def _expected(self, context: Context) -> Expected:
        from airflow_provider_kucoin.api.deposits import expected
        from airflow_provider_kucoin.api.windows import parse_moment, to_ms
        from airflow_provider_kucoin.hooks.trying import run_began

        since = parse_moment("since", self.since) if self.since not in {None, ""} else run_began(context)
        if since is None:
            raise InvalidInput("since is missing, and this run has no times of its own: give the moment to look from")
        return expected(
            currency=self.currency,
            since_ms=to_ms(since),
            min_amount=self.min_amount,
            tx_id=self.tx_id,
            address=self.address,
        )

    def _judge(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        if PROBLEM in seen:
            raise AirflowFailException(seen[PROBLEM])
        row = seen.get(DEPOSIT) or seen[FAILED]
        if DEPOSIT not in seen:
            raise AirflowFailException(
                f"deposit {wallet_tx_id(row)} of {row.get('amount')} {row.get('currency')} ended in {row.get('status')}"
                + (f": {row['failureReason']}" if row.get("failureReason") else "")
            )
        return {
            **{name: row.get(name) for name in ("currency", "amount", "fee", "chain", "address", "memo", "status")},
            "wallet_tx_id": wallet_tx_id(row),
            "created_at_ms": row.get("createdAt"),
        }
