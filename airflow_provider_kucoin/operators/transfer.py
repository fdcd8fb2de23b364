"""Moving money between accounts of one owner, once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal
from airflow_provider_kucoin.operators.hooked import MoneyOperator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from airflow.providers.common.compat.sdk import Context

#: Where the journal of a transfer is kept in the task's state store.
STATE_KEY = "kucoin_transfer"


class KucoinTransferOperator(MoneyOperator):
    """
    Move money between accounts of one owner (KuCoin's flex transfer), once.

    ``clientOid`` is the same on every try of a task instance. What KuCoin does with a repeated one is not documented,
    so a request whose answer was lost is not simply repeated: the spot ledger is asked whether the amount has moved as
    ordered since the intent. That needs the MAIN account on one side; without it, the task stops for a person. So does
    a second try on an Airflow without a task state store (before 3.3).

    Returns ``order_id`` (``None`` when the transfer was seen in the ledger), ``client_oid``, ``currency``,
    ``amount``, ``from_account_type``, ``to_account_type`` and ``transfer_type``.

    :param currency: code, such as ``USDT``
    :param amount: decimal text, a ``Decimal`` or an ``int``; never a float
    :param from_account_type: ``MAIN``, ``TRADE``, ``CONTRACT``, ``MARGIN``, ``ISOLATED``, ``MARGIN_V2``,
        ``ISOLATED_V2``, ``OPTION`` or ``UNIFIED``
    :param to_account_type: likewise
    :param transfer_type: ``INTERNAL``, ``PARENT_TO_SUB`` or ``SUB_TO_PARENT``
    :param from_user_id: the sub-account's user id, for ``SUB_TO_PARENT``
    :param to_user_id: the sub-account's user id, for ``PARENT_TO_SUB``
    :param from_account_tag: the pair of an isolated margin account
    :param to_account_tag: likewise
    :param client_oid: KuCoin's client id instead of the one made from the run
    :param settle: how long after KuCoin has accepted a transfer its ledger must show it
    :param kucoin_conn_id: the connection
    """

    template_fields: Sequence[str] = (
        "currency",
        "amount",
        "from_account_type",
        "to_account_type",
        "transfer_type",
        "from_user_id",
        "to_user_id",
        "from_account_tag",
        "to_account_tag",
        "client_oid",
        "kucoin_conn_id",
    )

    def __init__(
        self,
        *,
        currency: str,
        amount: str | Decimal | int,
        from_account_type: str,
        to_account_type: str,
        transfer_type: Literal["INTERNAL", "PARENT_TO_SUB", "SUB_TO_PARENT"] = "INTERNAL",
        from_user_id: str | None = None,
        to_user_id: str | None = None,
        from_account_tag: str | None = None,
        to_account_tag: str | None = None,
        client_oid: str | None = None,
        settle: timedelta = timedelta(seconds=60),
        kucoin_conn_id: str = "kucoin_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(amount=amount, settle=settle, kucoin_conn_id=kucoin_conn_id, **kwargs)
        self.currency = currency
        self.from_account_type = from_account_type
        self.to_account_type = to_account_type
        self.transfer_type = transfer_type
        self.from_user_id = from_user_id
        self.to_user_id = to_user_id
        self.from_account_tag = from_account_tag
        self.to_account_tag = to_account_tag
        self.client_oid = client_oid

    def execute(self, context: Context) -> dict[str, Any]:
        """Move the money, unless it has been moved."""
        from airflow_provider_kucoin.api.transfers import client_oid
        from airflow_provider_kucoin.hooks.trying import earlier_tries, run_began

        ti = context["ti"]
        oid = self.client_oid or client_oid(ti.dag_id, ti.task_id, ti.run_id, getattr(ti, "map_index", -1))
        with no_retry_when_fatal():
            return self.hook.transfer(
                currency=self.currency,
                amount=self.amount,
                from_account_type=self.from_account_type,
                to_account_type=self.to_account_type,
                transfer_type=self.transfer_type,
                from_user_id=self.from_user_id,
                to_user_id=self.to_user_id,
                from_account_tag=self.from_account_tag,
                to_account_tag=self.to_account_tag,
                client_oid=oid,
                settle=self.settle,
                attempt=earlier_tries(context, STATE_KEY, run_began(context)),
            )

    def on_kill(self) -> None:
        """Say that money may have moved: stopping the task does not stop the transfer."""
        self.log.warning("the task was stopped; a transfer that was sent is not taken back")
