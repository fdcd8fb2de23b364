"""
Money: withdrawals, transfers, and what KuCoin says of them. The verbs behind the hook's.

Every way of withdrawing comes through :meth:`Treasury.withdraw`, and so past the connection's policy.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from airflow_provider_kucoin.api import endpoints, payments, transfers
from airflow_provider_kucoin.api.errors import (
    ClockSkewed,
    FatalError,
    InvalidInput,
    OutcomeUnknown,
    RequestRefused,
    RetryableError,
)
from airflow_provider_kucoin.api.pages import as_object
from airflow_provider_kucoin.api.policy import check_day, check_static, pinned
from airflow_provider_kucoin.api.preflight import Preflight, preflight, with_chain_id
from airflow_provider_kucoin.api.windows import DAY_MS, stamp, to_ms
from airflow_provider_kucoin.api.withdrawals import (
    Outcome,
    bears,
    full_remark,
    order,
    outcome,
    plain,
    spent,
    wallet_tx_id,
)
from airflow_provider_kucoin.client.listing import read_settled_listing
from airflow_provider_kucoin.hooks.metrics import Fate, count_withdrawal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_kucoin.api.endpoints import Endpoint
    from airflow_provider_kucoin.api.payments import Paid, Steps
    from airflow_provider_kucoin.api.policy import Policy
    from airflow_provider_kucoin.api.signing import Value
    from airflow_provider_kucoin.api.transfers import Transfer
    from airflow_provider_kucoin.api.withdrawals import Order
    from airflow_provider_kucoin.client.blocking import BlockingClient

log = logging.getLogger(__name__)

#: How long before a moment the history is searched: KuCoin gives times in whole seconds, and clocks differ.
MARGIN_MS = 300_000
#: How long a stretch of history is asked for at once. No limit is documented; another client walks 30 days at a time.
STRETCH_MS = 30 * DAY_MS
#: How long after a transfer's request the ledger is searched for it; it can be accepted for 5 seconds only.
LEDGER_LOOK_MS = 3_600_000
#: How far back an idempotency key is looked for, where no run says since when it can have been used.
LOOK_BACK = timedelta(days=30)

#: The only status in which KuCoin cancels.
CANCELABLE_STATUS = "PROCESSING"

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Try:
    """
    What a caller knows of earlier tries at the same payment.

    :param journal: what an earlier try has kept through ``note``
    :param note: keeps a dict of JSON types where the next try finds it; must raise when it cannot
    :param certainly_first: whether it is certain that no earlier try got as far as sending
    :param since: when the payment can first have been tried; ``None`` when nothing is known of it
    :param number: of this try, from 1, where nothing keeps a journal and so nothing stops a worker that was replaced
    :param begun: when Airflow began this try, if known
    """

    journal: Mapping[str, Any] | None = None
    note: Callable[[dict[str, Any]], None] | None = None
    certainly_first: bool = False
    since: datetime | None = None
    number: int | None = None
    begun: datetime | None = None


class Treasury:
    """
    Moves money, and looks where it is.

    :param conn_id: of the connection, for messages
    """

    def __init__(self, client: BlockingClient, policy: Policy, conn_id: str) -> None:
        self._client = client
        self._policy = policy
        self._conn_id = conn_id

    # -------------------------------------------------------------------------------------------------------- looking

    def quotas(self, currency: str, chain: str | None) -> Row:
        """Return what KuCoin allows to withdraw of a currency, as it says it."""
        asked: dict[str, Value] = {"currency": currency, "chain": chain}
        return as_object(self._client.call(endpoints.WITHDRAWAL_QUOTAS, params=asked), "the quota")

    def currency(self, code: str) -> Row:
        """Return KuCoin's description of a currency, with its chains."""
        if not code.isascii() or not code.isalnum():
            raise InvalidInput(f"currency={code!r} is not a code such as 'USDT'")
        return as_object(self._client.call(endpoints.CURRENCY, path=f"/api/v3/currencies/{code}"), "the currency")

    def get(self, withdrawal_id: str) -> Row:
        """Return a withdrawal by KuCoin's id."""
        return as_object(self._client.call(endpoints.WITHDRAWAL, path=_path(withdrawal_id)), "the withdrawal")

    def history(self, currency: str, since_ms: int, until_ms: int) -> list[Row]:
        """Return the withdrawals of a currency in ``[since_ms, until_ms)``, by the time that KuCoin shows."""
        rows: list[Row] = []
        while since_ms < until_ms:
            begin = max(since_ms, until_ms - STRETCH_MS)
            # Whether the bounds are inclusive is UNVERIFIED, and times are shown in whole seconds: each stretch is
            # asked for with a second more on either side, and of neighbouring stretches only one keeps a row.
            listed = self._listed(endpoints.WITHDRAWALS, currency, begin - 1000, until_ms + 1000)
            rows += [row for row in listed if begin <= _shown_at(row, begin) < until_ms]
            until_ms = begin
        return rows

    def _listed(self, endpoint: Endpoint, currency: str, start_at: int, end_at: int) -> list[Row]:
        # KuCoin's documentation contradicts itself on whether some lists need a currency: they always get one.
        asked: dict[str, Value] = {"currency": currency, "startAt": start_at, "endAt": end_at}
        return read_settled_listing(self._client, endpoint, asked)

    def find(self, remark: str, currency: str, since: datetime) -> Row | None:
        """Return the newest withdrawal whose remark begins with ``remark``, or ``None``."""
        now_ms = self._client.server_time_ms()
        rows = self.history(currency, to_ms(since) - MARGIN_MS, now_ms + MARGIN_MS)
        found = [row for row in rows if bears(row.get("remark"), remark)]
        return max(found, key=lambda row: int(row.get("createdAt") or 0), default=None)

    def cancel(self, withdrawal_id: str) -> None:
        """Ask KuCoin to cancel a withdrawal; only one in PROCESSING is cancelable."""
        self._client.call(endpoints.CANCEL_WITHDRAWAL, path=_path(withdrawal_id))

    # --------------------------------------------------------------------------------------------------------- paying

    def order(self, destination: str | None = None, **parameters: Any) -> Order:
        """
        Return the order that parameters mean, checked against the connection's policy.

        :raise InvalidInput: naming the rule, the value and what to do
        """
        with _counted(parameters.get("currency")):
            fields = pinned(self._policy, self._conn_id, destination, parameters)
            wanted = order(**fields)
            check_static(self._policy, self._conn_id, wanted)
        return wanted

    def check(self, wanted: Order) -> Preflight:
        """Return every rule's verdict on an order whose chain is named by id."""
        found = preflight(wanted, self.currency(wanted.currency), self.quotas(wanted.currency, wanted.chain))
        for verdict in found.verdicts:
            log.info("preflight %s: %s, %s", verdict.rule, "passed" if verdict.passed else "BROKEN", verdict.detail)
        return found

    def withdraw(
        self, wanted: Order, mark: str, *, do_preflight: bool, settle: timedelta, attempt: Try
    ) -> dict[str, Any]:
        """
        Pay an order unless it has been paid, and return the withdrawal.

        :param mark: the marker that finds it again
        :param settle: how long after KuCoin has accepted a withdrawal its history must show it
        """
        with _counted(wanted.currency):
            paid = self._pay(wanted, mark, do_preflight=do_preflight, settle=settle, attempt=attempt)
        count_withdrawal(Fate.FOUND if paid.adopted else Fate.SENT, wanted.currency)
        return self._result(paid, mark)

    def _pay(self, wanted: Order, mark: str, *, do_preflight: bool, settle: timedelta, attempt: Try) -> Paid:
        remark = full_remark(mark, wanted.remark, self._policy.remark_limit)
        if do_preflight:
            wanted = with_chain_id(wanted, self.currency(wanted.currency))
        journal = payments.Journal.from_dict(attempt.journal) if attempt.journal is not None else None
        self._client.server_time_ms()
        steps = payments.pay(
            wanted,
            mark,
            journal=journal,
            certainly_first=attempt.certainly_first,
            since_ms=self._since_ms(attempt.since or datetime.now(UTC) - LOOK_BACK),
            settle_ms=settle // timedelta(milliseconds=1),
            turn=self._turn(attempt),
        )

        def prepare(now_ms: int) -> None:
            self.check_day(wanted, now_ms)
            if do_preflight:
                self.check(wanted).check()

        errand = _Errand(
            endpoint=endpoints.WITHDRAW_V1 if wanted.api_version == "v1" else endpoints.WITHDRAW_V3,
            body=msgspec.json.encode(wanted.body(remark)),
            summary=f"withdrawal of {wanted.summary()}",
            id_field="withdrawalId",
            search=lambda since_ms, now_ms: self.history(wanted.currency, since_ms - MARGIN_MS, now_ms + MARGIN_MS),
            prepare=prepare,
        )
        return _Driver(self._client, errand, attempt.note).follow(steps)

    def _since_ms(self, moment: datetime) -> int:
        """Return a moment of Airflow's by KuCoin's clock; where that is ahead, by the earlier one."""
        return to_ms(moment) + min(0, self._client.line.clock_offset_ms)

    def _turn(self, attempt: Try) -> payments.Turn | None:
        if attempt.number is None:
            return None
        if attempt.begun is None:
            return payments.Turn(attempt.number)
        return payments.Turn(attempt.number, to_ms(attempt.begun) + self._client.line.clock_offset_ms)

    def rehearse(self, wanted: Order, mark: str) -> dict[str, Any]:
        """
        Do everything about an order but send it; return its exact body, fee, net amount and verdicts, in JSON types.

        :raise InvalidInput: when a rule would refuse it
        """
        remark = full_remark(mark, wanted.remark, self._policy.remark_limit)
        wanted = with_chain_id(wanted, self.currency(wanted.currency))
        self.check_day(wanted, self._client.server_time_ms())
        found = self.check(wanted)
        found.check()
        return {
            "dry_run": True,
            "body": wanted.body(remark),
            "marker": mark,
            "currency": wanted.currency,
            "amount": plain(wanted.amount),
            "fee": plain(found.fee),
            "net": plain(found.net),
            "debit": plain(found.debit),
            "chain": wanted.chain,
            "address": wanted.address,
            "memo": wanted.memo,
            "verdicts": [verdict.as_dict() for verdict in found.verdicts],
        }

    def cancel_and_look(self, withdrawal_id: str) -> dict[str, Any]:
        """Cancel a withdrawal if that is still possible, and return what was found before and after."""
        before = self.get(withdrawal_id)
        cancelled, in_doubt = False, False
        reason = f"it is {before.get('cancelType')}: KuCoin cancels in status PROCESSING only"
        if before.get("status") == CANCELABLE_STATUS:
            try:
                self.cancel(withdrawal_id)
                cancelled, reason = True, "KuCoin took the request"
            except RequestRefused as problem:
                reason = str(problem)
            except OutcomeUnknown as problem:
                # Asking to cancel again does nothing twice, but what follows tells all there is to know.
                in_doubt, reason = True, str(problem)
        after = self.get(withdrawal_id)
        cancelled = cancelled or after.get("cancelType") == "CANCELING"
        return {
            "withdrawal_id": withdrawal_id,
            "cancelled": cancelled or (in_doubt and outcome(after.get("status")) is Outcome.FAILED),
            "status_before": before.get("status"),
            "status": after.get("status"),
            "cancel_type": after.get("cancelType"),
            "return_status": after.get("returnStatus"),
            "reason": reason,
        }

    def check_day(self, wanted: Order, now_ms: int) -> None:
        """Check the limit of the UTC day against KuCoin's own history."""
        if self._policy.limit(wanted.currency).per_day is None:
            return
        midnight_ms = now_ms // DAY_MS * DAY_MS
        rows = self.history(wanted.currency, midnight_ms, now_ms + MARGIN_MS)
        today = [row for row in rows if int(row.get("createdAt") or 0) >= midnight_ms]
        check_day(self._policy, self._conn_id, wanted, spent(today, wanted.currency))

    # --------------------------------------------------------------------------------------------- transfers, deposits

    def transfer(self, wanted: Transfer, oid: str, *, settle: timedelta, attempt: Try) -> dict[str, Any]:
        """
        Move money between the owner's accounts unless it has been moved, and return what is known of it.

        :param oid: the client id, the same on every try
        :param settle: how long after KuCoin has accepted a transfer its ledger must show it
        """
        errand = _Errand(
            endpoint=endpoints.FLEX_TRANSFER,
            body=msgspec.json.encode(wanted.body(oid)),
            summary=f"transfer of {wanted.summary()}",
            id_field="orderId",
            search=lambda since_ms, now_ms: self._ledger_rows(wanted.currency, since_ms, now_ms),
            prepare=lambda _: None,
        )
        moved = _Driver(self._client, errand, attempt.note).follow(
            transfers.move(
                wanted,
                oid,
                journal=payments.Journal.from_dict(attempt.journal) if attempt.journal is not None else None,
                settle_ms=settle // timedelta(milliseconds=1),
                certainly_first=attempt.certainly_first,
            )
        )
        if moved.order_id is None:
            log.warning("the ledger shows the %s; its order id is not known", errand.summary)
        return {
            "order_id": moved.order_id,
            "client_oid": oid,
            "currency": wanted.currency,
            "amount": plain(wanted.amount),
            "from_account_type": wanted.from_account_type,
            "to_account_type": wanted.to_account_type,
            "transfer_type": wanted.transfer_type,
        }

    def transferable(self, currency: str, account_type: str, tag: str | None = None) -> Row:
        """Return how much of an account can be transferred, as KuCoin says it."""
        asked: dict[str, Value] = {"currency": currency, "type": account_type, "tag": tag}
        return as_object(self._client.call(endpoints.TRANSFERABLE, params=asked), "what can be transferred")

    def deposits(self, currency: str, since_ms: int) -> list[Row]:
        """Return the deposits of a currency since a moment."""
        now_ms = self._client.server_time_ms()
        return self._listed(endpoints.DEPOSITS, currency, since_ms - 1000, now_ms + MARGIN_MS)

    def _ledger_rows(self, currency: str, since_ms: int, now_ms: int) -> list[Row]:
        """Return the spot ledger's rows around a request that was signed at ``since_ms``."""
        until_ms = min(now_ms, since_ms + LEDGER_LOOK_MS)
        return self._listed(endpoints.SPOT_LEDGER, currency, since_ms - 1000, max(until_ms, since_ms + 1))

    def _result(self, paid: Paid, mark: str) -> dict[str, Any]:
        row = paid.row or {}
        if paid.withdrawal_id is not None:
            try:
                row = self.get(paid.withdrawal_id)
            except Exception as problem:
                if paid.adopted and not row and isinstance(problem, RetryableError):
                    # It may have failed since an earlier try sent it. Asking again later moves no money.
                    raise
                # The money has moved: nothing may make that a failure.
                log.info("withdrawal %s cannot be looked at yet: %s", paid.withdrawal_id, problem)
        return withdrawal_result(paid.order, mark, paid.withdrawal_id, row)


def withdrawal_result(wanted: Order, mark: str, withdrawal_id: str | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a withdrawal as operators hand it on: JSON types, amounts as text."""
    return {
        "withdrawal_id": withdrawal_id,
        "status": row.get("status"),
        "marker": mark,
        "currency": wanted.currency,
        "amount": plain(wanted.amount),
        "fee": row.get("fee"),
        "chain": row.get("chainId") or row.get("chain") or wanted.chain,
        "address": wanted.address,
        "wallet_tx_id": wallet_tx_id(row),
    }


@dataclass(frozen=True, slots=True)
class _Errand:
    """
    What is particular to a kind of request that moves money.

    :param search: KuCoin's rows since a moment, where the outcome shows; told that moment and KuCoin's time
    :param prepare: what is to be checked before anything is sent; told KuCoin's time
    :param id_field: the field of the answer that proves that it was accepted
    """

    endpoint: Endpoint
    body: bytes
    summary: str
    id_field: str
    search: Callable[[int, int], list[Row]]
    prepare: Callable[[int], None]


class _Driver:
    """Does what :func:`~.payments.pay` and :func:`~.transfers.move` say."""

    def __init__(self, client: BlockingClient, errand: _Errand, note: Callable[[dict[str, Any]], None] | None) -> None:
        self._client = client
        self._errand = errand
        self._note = note
        self._asked_at = 0.0
        self._now_ms = 0

    def follow(self, steps: Steps[T]) -> T:
        """Do all steps and return what they return."""
        told: Any = None
        while True:
            try:
                step = steps.send(told)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            told = self._do(step)

    def _do(self, step: payments.Step) -> Any:
        match step:
            case payments.AskTime():
                self._asked_at = self._client.monotonic()
                self._now_ms = self._client.server_time_ms()
                return self._now_ms
            case payments.Search(since_ms):
                return self._errand.search(since_ms, self._now_ms)
            case payments.Prepare():
                return self._errand.prepare(self._now_ms)
            case payments.Note(journal):
                log.info("%s: %s", self._errand.summary, journal.stage)
                if self._note is not None:
                    self._note(journal.as_dict())
                return None
            case payments.Pause(seconds, why):
                log.info("waiting %.1f s: %s", seconds, why)
                return self._client.sleep(seconds)
            case payments.Post(stamp_ms):
                return self._post(stamp_ms)

    def _post(self, stamp_ms: int) -> payments.Accepted | payments.Doubtful | payments.NotSent:
        """Send the request once, if it is still fresh."""
        endpoint = self._errand.endpoint
        waited = self._client.wait_for_quota(endpoint)
        if waited or (self._client.monotonic() - self._asked_at) * 1000 > payments.FRESH_MS:
            return payments.NotSent()
        log.info("sending %s, signed at %s", self._errand.summary, stamp(stamp_ms))
        try:
            data = self._client.call(endpoint, body=self._errand.body, timestamp_ms=stamp_ms)
        except ClockSkewed as problem:
            log.warning("%s", problem)
            return payments.NotSent()
        except OutcomeUnknown as problem:
            log.warning("%s", problem)
            return payments.Doubtful(f"its answer was lost ({problem})")
        found = data.get(self._errand.id_field) if isinstance(data, dict) else None
        if not found:
            return payments.Doubtful(f"KuCoin said success but gave no {self._errand.id_field}")
        log.info("KuCoin accepted it: %s %s", self._errand.id_field, found)
        return payments.Accepted(str(found))


@contextmanager
def _counted(currency: object) -> Iterator[None]:
    """Count a withdrawal that comes to nothing in here. What may be tried again is neither."""
    try:
        yield
    except OutcomeUnknown:
        count_withdrawal(Fate.UNKNOWN, currency)
        raise
    except (FatalError, TypeError):
        count_withdrawal(Fate.REFUSED, currency)
        raise


def _shown_at(row: Row, otherwise: int) -> int:
    created_at = row.get("createdAt")
    return created_at if isinstance(created_at, int) else otherwise


def _path(withdrawal_id: str) -> str:
    if not withdrawal_id or not str(withdrawal_id).isalnum():
        raise InvalidInput(f"withdrawal_id={withdrawal_id!r} is not an id of KuCoin's")
    return f"/api/v1/withdrawals/{withdrawal_id}"
