"""All balances of an account to S3: one object per run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_kucoin.api.durations import check_duration
from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal
from airflow_provider_kucoin.transfers.assets import asset_of
from airflow_provider_kucoin.transfers.events import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.transfers.events import Told

#: What stands for a dataset's name in the key's template.
NAME = "balances"
#: One object for each moment at which a run was due.
DEFAULT_KEY = "kucoin/balances/account={account}/date={date}/{start}.{ext}"


class KucoinBalancesToS3Operator(BaseOperator):
    """
    Write one snapshot of all balances to S3: main, trade, cross and isolated margin, futures, earn, sub-accounts.

    The object stands at the moment at which the run was due, so that a retry replaces it; ``taken_at`` in each row is
    KuCoin's time when the balance was read. KuCoin tells balances of now only: a run that is further behind than
    ``max_delay`` fails rather than write today's balances under an old date. The questions are asked one after the
    other, so money that is moved meanwhile can be seen twice or not at all.

    Returns a dict: ``uri``, ``rows``, ``taken_at``, ``bytes``; and emits an asset event for
    ``s3://<bucket>/<static part of the key>``, or for the task's own ``outlets``.

    :param s3_bucket: the bucket to write to
    :param s3_key: template of the object's key, with ``{account}`` (the KuCoin uid), ``{date}``, ``{start}`` (the
        moment at which the run was due) and ``{ext}``
    :param include: ``accounts``, ``cross_margin``, ``isolated_margin``, ``futures``, ``earn``, ``sub_accounts``,
        ``sub_futures``: a list, or a text with commas between. Unless given, all that the key may read
        and the account has; the log names what is left out
    :param file_format: ``parquet``, ``jsonl`` or ``csv``
    :param compression: as for :class:`~airflow_provider_kucoin.transfers.ledger_to_s3.KucoinLedgerToS3Operator`
    :param replace: overwrite an object of the same key; False fails instead
    :param max_delay: how late a run may be
    :param kucoin_conn_id: the connection to KuCoin
    :param aws_conn_id: the connection to S3
    """

    template_fields: Sequence[str] = (
        "s3_bucket",
        "s3_key",
        "include",
        "file_format",
        "compression",
        "kucoin_conn_id",
        "aws_conn_id",
    )
    #: What this execution published, for who asks afterwards.
    _told: Told | None = None
    ui_color = "#24ae8f"
    ui_fgcolor = "#ffffff"

    def __init__(
        self,
        *,
        s3_bucket: str,
        s3_key: str = DEFAULT_KEY,
        include: str | Sequence[str] | None = None,
        file_format: str = "parquet",
        compression: str | None = None,
        replace: bool = True,
        max_delay: timedelta = timedelta(hours=24),
        kucoin_conn_id: str = "kucoin_default",
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        if "outlets" not in kwargs and (asset := asset_of(s3_bucket, s3_key, NAME)) is not None:
            kwargs["outlets"] = [asset]
        super().__init__(**kwargs)
        self.s3_bucket = s3_bucket
        self.s3_key = s3_key
        self.include = include
        self.file_format = file_format
        self.compression = compression
        self.replace = replace
        check_duration("max_delay", max_delay)
        self.max_delay = max_delay
        self.kucoin_conn_id = kucoin_conn_id
        self.aws_conn_id = aws_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Read all balances and publish them."""
        from airflow_provider_kucoin.transfers.balance_snapshot import BalanceSnapshot

        with no_retry_when_fatal():
            told = self._told = BalanceSnapshot(self, context).run()
        tell(context, self.outlets, told, bucket=self.s3_bucket, key=self.s3_key)
        [published] = told.published
        return published.result

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002 - OpenLineage's signature
        """Return where the object came from and what it is."""
        from airflow_provider_kucoin.transfers.lineage import lineage

        return None if self._told is None else lineage(self._told, bucket=self.s3_bucket, key=self.s3_key)
