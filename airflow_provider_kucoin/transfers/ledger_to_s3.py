"""An account ledger to S3: one window per run, one typed object per UTC day."""

from __future__ import annotations

import json
import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import AirflowSkipException, Asset, BaseOperator

from airflow_provider_kucoin import __version__
from airflow_provider_kucoin.api import objects
from airflow_provider_kucoin.api.errors import Incomplete, InvalidInput
from airflow_provider_kucoin.api.ledgers import filters, ledger
from airflow_provider_kucoin.api.windows import (
    RunTimes,
    beyond_retention,
    choose,
    out_of_retention,
    pieces,
    stamp,
    unsettled_for,
)
from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.transfers.s3 import Bucket, already_there

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.ledgers import Ledger
    from airflow_provider_kucoin.api.windows import Moment, Window
    from airflow_provider_kucoin.client.reading import PieceReader

#: How often a piece is read before the task fails, when rows keep coming while it is read.
READ_ATTEMPTS = 5

CONTENT_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
}
CONTENT_TYPES_COMPRESSED = {"gzip": "application/gzip", "zstd": "application/zstd"}


class KucoinLedgerToS3Operator(BaseOperator):
    """
    Copy one window of an account ledger to S3, complete and exact, or fail.

    The window is half-open and in UTC. It is the first of these that applies: ``window_start`` and ``window_end``;
    the run's partition, as its UTC day; the run's data interval, unless that is empty, as it is for cron presets on
    Airflow 3; the last whole UTC day before the run. The log says which. It is cut at UTC midnights, and every piece
    becomes one object, published in one atomic write: a re-run replaces exactly that object, and nobody ever sees half
    a day.

    Every row of a piece is written once: rows are unique by id and as many as KuCoin counts. If rows come while a
    piece is read it is read again; if it cannot be made to agree the task fails and the piece is not published. A
    number that the declared decimal type cannot hold exactly fails the task.

    Returns a list with a dict for each object: ``uri``, ``rows``, ``window_start``, ``window_end``, ``bytes``; and
    emits an asset event for ``s3://<bucket>/<static part of the key>``, or for the task's own ``outlets``.

    :param ledger: the name of the ledger: ``spot``
    :param s3_bucket: the bucket to write to
    :param s3_key: template of the objects' keys, with ``{ledger}``, ``{account}`` (the KuCoin uid), ``{date}``,
        ``{start}``, ``{end}`` and ``{ext}``
    :param window_start: the first moment inside: ISO 8601 text with a zone, a datetime with a zone, or milliseconds
    :param window_end: the first moment after, likewise
    :param currency: only these currencies: a code or a list of at most 10
    :param direction: only ``in`` or ``out``
    :param biz_type: only this business type, as KuCoin's request value: ``TRADE_EXCHANGE``, ``DEPOSIT``, ...
    :param file_format: ``parquet``, ``jsonl`` or ``csv``
    :param compression: Parquet: ``zstd`` (default), ``snappy``, ``gzip``, ``none``; text: ``gzip`` (default),
        ``zstd``, ``none``
    :param replace: overwrite objects of the same key, which makes re-runs repair themselves; False fails instead
    :param on_out_of_retention: ``fail`` when KuCoin no longer keeps part of the window, or ``skip`` that part. Such a
        part is never written as if it were empty
    :param settle: how long after the window's end it is read at the earliest, because rows may appear late
    :param on_unsettled: ``wait`` for that time in the task, or ``fail``
    :param kucoin_conn_id: the connection to KuCoin
    :param aws_conn_id: the connection to S3
    """

    template_fields: Sequence[str] = (
        "ledger",
        "s3_bucket",
        "s3_key",
        "window_start",
        "window_end",
        "currency",
        "direction",
        "biz_type",
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
        ledger: str = "spot",
        s3_key: str = objects.DEFAULT_KEY,
        window_start: Moment | None = None,
        window_end: Moment | None = None,
        currency: str | Sequence[str] | None = None,
        direction: str | None = None,
        biz_type: str | None = None,
        file_format: str = "parquet",
        compression: str | None = None,
        replace: bool = True,
        on_out_of_retention: Literal["fail", "skip"] = "fail",
        settle: timedelta = timedelta(minutes=5),
        on_unsettled: Literal["wait", "fail"] = "wait",
        kucoin_conn_id: str = KucoinHook.default_conn_name,
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        # An asset on S3 makes Airflow import boto3: it is not made in vain.
        if "outlets" not in kwargs and (asset := _asset(s3_bucket, s3_key, ledger)) is not None:
            kwargs["outlets"] = [asset]
        super().__init__(**kwargs)
        self.ledger = ledger
        self.s3_bucket = s3_bucket
        self.s3_key = s3_key
        self.window_start = window_start
        self.window_end = window_end
        self.currency = currency
        self.direction = direction
        self.biz_type = biz_type
        self.file_format = file_format
        self.compression = compression
        self.replace = replace
        self.on_out_of_retention = on_out_of_retention
        self.settle = settle
        self.on_unsettled = on_unsettled
        self.kucoin_conn_id = kucoin_conn_id
        self.aws_conn_id = aws_conn_id
        self._check_choices()

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Read the window and publish its objects."""
        with no_retry_when_fatal():
            published = _Transfer(self, context).run()
        self._tell_consumers(context, published)
        return published

    def _check_choices(self) -> None:
        """Refuse, while the DAG is parsed, what no template can make right."""
        for name, value, known in (
            ("on_out_of_retention", self.on_out_of_retention, ("fail", "skip")),
            ("on_unsettled", self.on_unsettled, ("wait", "fail")),
        ):
            if value not in known:
                raise InvalidInput(f"{name}={value!r} is not one of {', '.join(map(repr, known))}")
        if self.settle < timedelta(0):
            raise InvalidInput(f"settle={self.settle} is negative: give the time to wait after the window's end")

    def _tell_consumers(self, context: Context, published: list[dict[str, Any]]) -> None:
        events = context.get("outlet_events")
        if events is None or not published:
            return
        about = {
            "ledger": self.ledger,
            "rows": sum(found["rows"] for found in published),
            "bytes": sum(found["bytes"] for found in published),
            "window_start": published[0]["window_start"],
            "window_end": published[-1]["window_end"],
            "objects": [found["uri"] for found in published],
        }
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                events[outlet].extra = about


class _Transfer:
    """One execution: all parameters are rendered, and checked before the first request is sent."""

    def __init__(self, operator: KucoinLedgerToS3Operator, context: Context) -> None:
        self.log = operator.log
        self.operator = operator
        self.ledger: Ledger = ledger(operator.ledger)
        self.filters = filters(operator.currency, operator.direction, operator.biz_type)
        self.compression = objects.compression_of(operator.file_format, operator.compression)
        self.ext = objects.extension(operator.file_format, self.compression)
        objects.check_template(operator.s3_key)
        self.window, rule = choose(operator.window_start, operator.window_end, _run_times(context))
        self.pieces = pieces(self.window)
        objects.check_distinct(operator.s3_key, self.pieces)
        self.bucket = Bucket(operator.s3_bucket, operator.aws_conn_id)
        self.hook = KucoinHook(operator.kucoin_conn_id)
        self.log.info("window %s, from %s: %d object(s)", self.window, rule, len(self.pieces))
        if self.filters and operator.s3_key == objects.DEFAULT_KEY:
            self.log.warning(
                "only part of the ledger is asked for (%s), and s3_key does not say so: the object will stand where "
                "the whole day would",
                self.filters,
            )

    def run(self) -> list[dict[str, Any]]:
        self.bucket.check()
        self._wait_until_settled()
        wanted = self._within_retention()
        keys = {piece: self._key(piece) for piece in wanted}
        if not self.operator.replace:
            for key in keys.values():
                if self.bucket.holds(key):
                    raise already_there(self.bucket.uri(key))
        with self.hook.read_pieces(self.ledger, wanted, self.filters) as reader:
            return [self._publish(reader, piece, keys[piece]) for piece in wanted]

    def _wait_until_settled(self) -> None:
        while (seconds := unsettled_for(self.window, self.hook.server_time_ms(), self.operator.settle)) > 0:
            if self.operator.on_unsettled == "fail":
                raise Incomplete(
                    f"window {self.window} ended less than settle={self.operator.settle} ago, so rows of it may still "
                    f"appear: run {seconds:.0f} s later, or set on_unsettled='wait'"
                )
            self.log.info("the window ended less than %s ago: waiting %.1f s", self.operator.settle, seconds)
            time.sleep(seconds)

    def _within_retention(self) -> list[Window]:
        retention, now_ms = self.ledger.retention, self.hook.now_ms()
        lost = beyond_retention(self.pieces, retention, now_ms)
        if not lost or retention is None:
            return self.pieces
        problem = out_of_retention(self.ledger.name, lost, retention, now_ms)
        if self.operator.on_out_of_retention == "fail":
            raise problem
        self.log.warning("skipped: %s", problem)
        kept = [piece for piece in self.pieces if piece not in lost]
        if not kept:
            raise AirflowSkipException(str(problem))
        return kept

    def _key(self, piece: Window) -> str:
        return objects.key(
            self.operator.s3_key, piece, ledger=self.ledger.name, account=self.hook.account_uid, ext=self.ext
        )

    def _publish(self, reader: PieceReader, piece: Window, key: str) -> dict[str, Any]:
        """Read one piece, again if rows come meanwhile, and publish it."""
        from airflow_provider_kucoin.lake.files import OutOfOrder

        any_order = divided = False
        attempt = 1
        while True:
            try:
                return self._try_to_publish(reader, piece, key, any_order=any_order, divided=divided)
            except Incomplete as problem:
                if attempt == READ_ATTEMPTS:
                    raise Incomplete(
                        f"{self.ledger.name} ledger of {piece} could not be read as one in {attempt} attempts, and "
                        f"was not published: {problem}"
                    ) from problem
                any_order = any_order or isinstance(problem, OutOfOrder)
                # One late row may come while pages are read; when it happens again, pages are avoided.
                divided = attempt > 1
                attempt += 1
                self.log.warning("reading %s again: %s", piece, problem)

    def _try_to_publish(
        self, reader: PieceReader, piece: Window, key: str, *, any_order: bool, divided: bool
    ) -> dict[str, Any]:
        from airflow_provider_kucoin.lake.files import PieceFile

        began = time.monotonic()
        account, file_format = self.hook.account_uid, self.operator.file_format
        with (
            PieceFile(self.ledger, account, file_format, self.compression, any_order=any_order) as file,
            closing(reader.pages(piece, divided=divided)) as pages,
        ):
            for items in pages:
                file.add(items)
            done = file.finish(self._metadata(piece))
            # Time has passed: what was within reach when reading began may have dropped out before it was read.
            self.hook.check_retention(self.ledger, [piece], self.hook.now_ms())
            compressed = CONTENT_TYPES_COMPRESSED.get(self.compression)
            self.bucket.publish(
                done.path,
                key,
                content_type=compressed if compressed and file_format != "parquet" else CONTENT_TYPES[file_format],
                metadata={**self._metadata(piece), "kucoin.rows": str(done.rows)},
                replace=self.operator.replace,
            )
        uri = self.bucket.uri(key)
        self.log.info("wrote %s: %d rows, %d bytes, %.1f s", uri, done.rows, done.size, time.monotonic() - began)
        return {
            "uri": uri,
            "rows": done.rows,
            "window_start": stamp(piece.start_ms),
            "window_end": stamp(piece.end_ms),
            "bytes": done.size,
        }

    def _metadata(self, piece: Window) -> dict[str, str]:
        return {
            "kucoin.ledger": self.ledger.name,
            "kucoin.account-uid": self.hook.account_uid,
            "kucoin.window-start": stamp(piece.start_ms),
            "kucoin.window-end": stamp(piece.end_ms),
            "kucoin.filters": json.dumps(self.filters),
            "kucoin.schema-version": str(self.ledger.schema_version),
            "kucoin.provider-version": __version__,
        }


def _asset(bucket: str, key: str, ledger_name: str) -> Asset | None:
    """Return the asset that a task writes to, if that can be told while the DAG is parsed."""
    # An argument may also be another task's XCom.
    texts: tuple[object, ...] = (bucket, key, ledger_name)
    if not all(isinstance(text, str) and text and "{{" not in text and "{%" not in text for text in texts):
        return None
    prefix = objects.static_prefix(key.replace("{ledger}", ledger_name))
    return Asset(f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}/")


def _run_times(context: Context) -> RunTimes:
    run = context.get("dag_run")
    end = context.get("data_interval_end")
    return RunTimes(
        partition_date=context.get("partition_date"),
        interval_start=context.get("data_interval_start"),
        interval_end=end,
        # An empty interval is the moment when the run was due, also of a manual run for another date than today's.
        run_after=end or getattr(run, "run_after", None) or context.get("logical_date"),
    )
