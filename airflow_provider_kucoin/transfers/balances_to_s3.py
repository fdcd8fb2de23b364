"""All balances of an account to S3: one object per run."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_kucoin import __version__
from airflow_provider_kucoin.api import objects
from airflow_provider_kucoin.api.balances import BALANCES, choose
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.windows import MILLISECOND, Window, stamp, to_ms
from airflow_provider_kucoin.hooks.bucket import Bucket, already_there
from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.hooks.run_times import run_times
from airflow_provider_kucoin.transfers.dataset_to_s3 import content_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.balances import Row

#: One object for each moment at which a run was due.
DEFAULT_KEY = "kucoin/balances/account={account}/date={date}/{start}.{ext}"


class KucoinBalancesToS3Operator(BaseOperator):
    """
    Write one snapshot of all balances to S3: main, trade, cross and isolated margin, futures, earn, sub-accounts.

    The object stands at the moment at which the run was due, so that a retry replaces it; ``taken_at`` in each row is
    KuCoin's time when the balance was read. KuCoin tells balances of now only: a run that is further behind than
    ``max_delay`` fails rather than write today's balances under an old date. The questions are asked one after the
    other, so money that is moved meanwhile can be seen twice or not at all.

    Returns a dict: ``uri``, ``rows``, ``taken_at``, ``bytes``.

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
        kucoin_conn_id: str = KucoinHook.default_conn_name,
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.s3_bucket = s3_bucket
        self.s3_key = s3_key
        self.include = include
        self.file_format = file_format
        self.compression = compression
        self.replace = replace
        self.max_delay = max_delay
        self.kucoin_conn_id = kucoin_conn_id
        self.aws_conn_id = aws_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Read all balances and publish them."""
        with no_retry_when_fatal():
            return self._execute(context)

    def _execute(self, context: Context) -> dict[str, Any]:
        compression = objects.compression_of(self.file_format, self.compression)
        objects.check_template(self.s3_key)
        choose(self.include, (), is_master=True)
        bucket = Bucket(self.s3_bucket, self.aws_conn_id)
        bucket.check()
        hook = KucoinHook(self.kucoin_conn_id)
        now_ms = hook.server_time_ms()
        due_ms = self._due(context, now_ms)
        key = objects.key(
            self.s3_key,
            Window(due_ms, due_ms + 1),
            name=BALANCES.name,
            account=hook.account_uid,
            ext=objects.extension(self.file_format, compression),
        )
        if not self.replace and bucket.holds(key):
            raise already_there(bucket.uri(key))
        return self._publish(bucket, key, hook, hook.get_balances(self.include), compression)

    def _due(self, context: Context, now_ms: int) -> int:
        """Return the moment at which the run was due, as it is again when the task is retried."""
        due = run_times(context).run_after
        if due is None:
            return now_ms
        due_ms = to_ms(due)
        if now_ms - due_ms > self.max_delay // MILLISECOND:
            raise InvalidInput(
                f"this run was due at {stamp(due_ms)}, more than max_delay={self.max_delay} ago, and KuCoin tells the "
                "balances of now only: nothing was written. Set catchup=False, or a longer max_delay"
            )
        return due_ms

    def _publish(self, bucket: Bucket, key: str, hook: KucoinHook, rows: list[Row], compression: str) -> dict[str, Any]:
        from airflow_provider_kucoin.lake.files import PieceFile

        began, account_uid = time.monotonic(), hook.account_uid
        taken_at = stamp(max((row["takenAt"] for row in rows), default=hook.now_ms()))
        about = {
            "kucoin.dataset": BALANCES.name,
            "kucoin.account-uid": account_uid,
            "kucoin.taken-at": taken_at,
            "kucoin.schema-version": str(BALANCES.schema_version),
            "kucoin.provider-version": __version__,
        }
        with PieceFile(BALANCES, account_uid, self.file_format, compression, any_order=True) as file:
            file.add(rows)
            done = file.finish(about)
            bucket.publish(
                done.path,
                key,
                content_type=content_type(self.file_format, compression),
                metadata={**about, "kucoin.rows": str(done.rows), "kucoin.content": done.digest},
                replace=self.replace,
            )
        uri = bucket.uri(key)
        self.log.info("wrote %s: %d rows, %d bytes, %.1f s", uri, done.rows, done.size, time.monotonic() - began)
        return {"uri": uri, "rows": done.rows, "taken_at": taken_at, "bytes": done.size}
