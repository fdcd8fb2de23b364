"""The work of a snapshot of all balances: read, written to a file, published as one object."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_provider_kucoin import __version__
from airflow_provider_kucoin.api import objects
from airflow_provider_kucoin.api.balances import BALANCES, choose
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.windows import MILLISECOND, Window, stamp, to_ms
from airflow_provider_kucoin.hooks.bucket import Bucket, already_there
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.hooks.metrics import count_object
from airflow_provider_kucoin.hooks.run_times import run_times
from airflow_provider_kucoin.transfers.events import Published, Told

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.balances import Row
    from airflow_provider_kucoin.transfers.balances_to_s3 import KucoinBalancesToS3Operator


class BalanceSnapshot:
    """One execution: all parameters are rendered, and checked before the first request is sent."""

    def __init__(self, operator: KucoinBalancesToS3Operator, context: Context) -> None:
        self.log = operator.log
        self.operator = operator
        self.due = run_times(context).run_after
        self.compression = objects.compression_of(operator.file_format, operator.compression)
        objects.check_template(operator.s3_key)
        choose(operator.include, (), is_master=True)
        self.bucket = Bucket(operator.s3_bucket, operator.aws_conn_id)
        self.hook = KucoinHook(operator.kucoin_conn_id)

    def run(self) -> Told:
        """Read all balances and publish them; return what was published."""
        self.bucket.check()
        key = self._key(self._due_ms(self.hook.server_time_ms()))
        if not self.operator.replace and self.bucket.holds(key):
            raise already_there(self.bucket.uri(key))
        return self._publish(key, self.hook.get_balances(self.operator.include))

    def _due_ms(self, now_ms: int) -> int:
        """Return the moment at which the run was due, as it is again when the task is retried."""
        if self.due is None:
            return now_ms
        due_ms, max_delay = to_ms(self.due), self.operator.max_delay
        if now_ms - due_ms > max_delay // MILLISECOND:
            raise InvalidInput(
                f"this run was due at {stamp(due_ms)}, more than max_delay={max_delay} ago, and KuCoin tells the "
                "balances of now only: nothing was written. Set catchup=False, or a longer max_delay"
            )
        return due_ms

    def _key(self, due_ms: int) -> str:
        return objects.key(
            self.operator.s3_key,
            Window(due_ms, due_ms + 1),
            name=BALANCES.name,
            account=self.hook.account_uid,
            ext=objects.extension(self.operator.file_format, self.compression),
        )

    def _publish(self, key: str, rows: list[Row]) -> Told:
        from airflow_provider_kucoin.lake.totals import TotalledFile

        began, account_uid, file_format = time.monotonic(), self.hook.account_uid, self.operator.file_format
        taken_at = stamp(max((row["takenAt"] for row in rows), default=self.hook.now_ms()))
        about = {
            "kucoin.dataset": BALANCES.name,
            "kucoin.account-uid": account_uid,
            "kucoin.taken-at": taken_at,
            "kucoin.schema-version": str(BALANCES.schema_version),
            "kucoin.provider-version": __version__,
        }
        with TotalledFile(BALANCES, account_uid, file_format, self.compression, any_order=True) as file:
            file.add(rows)
            done = file.finish(about)
            content_type = objects.content_type(file_format, self.compression)
            uri = self.bucket.publish(done, key, about, content_type=content_type, replace=self.operator.replace)
        self.log.info("wrote %s: %d rows, %d bytes, %.1f s", uri, done.rows, done.size, time.monotonic() - began)
        count_object(BALANCES, self.operator.kucoin_conn_id, done.rows, done.size)
        result = {"uri": uri, "rows": done.rows, "taken_at": taken_at, "bytes": done.size}
        return Told(BALANCES, account_uid, self.hook.source(BALANCES), [Published(result, file.totals)])
