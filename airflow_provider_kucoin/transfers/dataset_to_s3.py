"""A dataset to S3: one window per run, one typed object per UTC day. What the ledgers and the histories share."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import AirflowSkipException, Asset, BaseOperator

from airflow_provider_kucoin import __version__
from airflow_provider_kucoin.api import objects
from airflow_provider_kucoin.api.datasets import doubtful, out_of_retention
from airflow_provider_kucoin.api.errors import Incomplete, InvalidInput, OutOfRetention, UnexpectedData
from airflow_provider_kucoin.api.selections import needs_all_symbols, select
from airflow_provider_kucoin.api.windows import Window, choose, earlier, pieces, stamp, unsettled_for
from airflow_provider_kucoin.hooks.bucket import Bucket, already_there
from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.hooks.run_times import run_times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.selections import Selection
    from airflow_provider_kucoin.api.windows import Moment
    from airflow_provider_kucoin.client.reading import PieceReader
    from airflow_provider_kucoin.lake.files import Finished

#: How often a piece is read before the task fails, when rows keep coming while it is read.
READ_ATTEMPTS = 5

CONTENT_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
}
CONTENT_TYPES_COMPRESSED = {"gzip": "application/gzip", "zstd": "application/zstd"}


class DatasetToS3Operator(BaseOperator):
    """
    Copy one window of a dataset to S3, complete and exact, or fail. Its relatives say of which dataset.

    :param s3_bucket: the bucket to write to
    :param s3_key: template of the objects' keys
    :param window_start: the first moment inside: ISO 8601 text with a zone, a datetime with a zone, or milliseconds
    :param window_end: the first moment after, likewise
    :param file_format: ``parquet``, ``jsonl`` or ``csv``
    :param compression: Parquet: ``zstd`` (default), ``snappy``, ``gzip``, ``none``; text: ``gzip`` (default),
        ``zstd``, ``none``
    :param replace: overwrite objects of the same key, which makes re-runs repair themselves; False fails instead
    :param on_out_of_retention: ``fail`` when KuCoin no longer keeps part of the window, or ``skip`` that part. Such a
        part is never written as if it were empty
    :param settle: how long after the window's end it is read at the earliest, because rows may appear late
    :param on_unsettled: ``wait`` for that time in the task, or ``fail``
    :param lookback: how far before the window objects are read again; those whose rows have changed are written again
    :param kucoin_conn_id: the connection to KuCoin
    :param aws_conn_id: the connection to S3
    """

    shared_template_fields: tuple[str, ...] = (
        "s3_bucket",
        "s3_key",
        "window_start",
        "window_end",
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
        s3_key: str,
        name: str,
        window_start: Moment | None,
        window_end: Moment | None,
        file_format: str,
        compression: str | None,
        replace: bool,
        on_out_of_retention: Literal["fail", "skip"],
        settle: timedelta,
        on_unsettled: Literal["wait", "fail"],
        lookback: timedelta,
        kucoin_conn_id: str,
        aws_conn_id: str | None,
        **kwargs: Any,
    ) -> None:
        # An asset on S3 makes Airflow import boto3: it is not made in vain.
        if "outlets" not in kwargs and (asset := _asset(s3_bucket, s3_key, name)) is not None:
            kwargs["outlets"] = [asset]
        super().__init__(**kwargs)
        self.s3_bucket = s3_bucket
        self.s3_key = s3_key
        self.window_start = window_start
        self.window_end = window_end
        self.file_format = file_format
        self.compression = compression
        self.replace = replace
        self.on_out_of_retention = on_out_of_retention
        self.settle = settle
        self.on_unsettled = on_unsettled
        self.lookback = lookback
        self.kucoin_conn_id = kucoin_conn_id
        self.aws_conn_id = aws_conn_id
        self._check_choices()

    def find_dataset(self) -> Dataset:
        """Return what is to be copied, as the rendered parameters say."""
        raise NotImplementedError

    def find_parameters(self) -> Mapping[str, str | Sequence[str] | None]:
        """Return by what it is narrowed down, as the rendered parameters say."""
        raise NotImplementedError

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
        if self.lookback < timedelta(0):
            raise InvalidInput(f"lookback={self.lookback} is negative: give the time to look back before the window")
        if self.lookback and not self.replace:
            raise InvalidInput(
                "lookback writes objects again whose rows have changed, and replace=False forbids that: use one of them"
            )

    def _tell_consumers(self, context: Context, published: list[dict[str, Any]]) -> None:
        events = context.get("outlet_events")
        if events is None or not published:
            return
        dataset = self.find_dataset()
        about = {
            dataset.noun: dataset.name,
            "rows": sum(found["rows"] for found in published),
            "bytes": sum(found["bytes"] for found in published),
            "window_start": min(found["window_start"] for found in published),
            "window_end": max(found["window_end"] for found in published),
            "objects": [found["uri"] for found in published],
        }
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                events[outlet].extra = about


class _Transfer:
    """One execution: all parameters are rendered, and checked before the first request is sent."""

    def __init__(self, operator: DatasetToS3Operator, context: Context) -> None:
        self.log = operator.log
        self.operator = operator
        self.dataset = operator.find_dataset()
        self.parameters = operator.find_parameters()
        self.compression = objects.compression_of(operator.file_format, operator.compression)
        self.ext = objects.extension(operator.file_format, self.compression)
        objects.check_template(operator.s3_key)
        self.window, rule = choose(operator.window_start, operator.window_end, run_times(context))
        self.pieces = pieces(self.window)
        objects.check_distinct(operator.s3_key, self.pieces)
        if not needs_all_symbols(self.dataset, self.parameters):
            self._check_window(select(self.dataset, self.parameters))
        self.bucket = Bucket(operator.s3_bucket, operator.aws_conn_id)
        self.hook = KucoinHook(operator.kucoin_conn_id)
        self.log.info("window %s, from %s: %d object(s)", self.window, rule, len(self.pieces))

    def run(self) -> list[dict[str, Any]]:
        self.bucket.check()
        self._wait_until_settled()
        wanted = self._within_retention()
        before = self._before(wanted)
        if not self.operator.replace:
            for piece in wanted:
                if self.bucket.holds(key := self._key(piece)):
                    raise already_there(self.bucket.uri(key))
        self.selection = self._select(Window(min(before, default=self.window).start_ms, self.window.end_ms))
        wrong: list[UnexpectedData] = []
        with self.hook.read_pieces(self.dataset, [*before, *wanted], self.selection) as reader:
            # What is oldest is lost first.
            again = [self._read_again(reader, piece, wrong) for piece in before]
            found = [self._read(reader, piece, fresh=True) for piece in wanted]
        if wrong:
            raise wrong[0]
        published = [one for one in [*found, *again] if one is not None]
        if not published:
            raise AirflowSkipException(f"nothing of {self.window} could be read: see the warnings above")
        return published

    def _read_again(self, reader: PieceReader, piece: Window, wrong: list[UnexpectedData]) -> dict[str, Any] | None:
        """Read a piece of before; what is wrong with it fails the task, but not before its own window is written."""
        try:
            return self._read(reader, piece, fresh=False)
        except UnexpectedData as problem:
            self.log.error("%s", problem)  # noqa: TRY400 - it is raised in the end
            wrong.append(problem)
            return None

    def _check_window(self, selection: Selection) -> None:
        if self.dataset.check_window:
            self.dataset.check_window(self.window, selection.queries)

    def _select(self, window: Window) -> Selection:
        selection = self.hook.selection(self.dataset, self.parameters, window)
        self._check_window(selection)
        if selection.shown and self.operator.s3_key in (objects.DEFAULT_KEY, objects.DEFAULT_HISTORY_KEY):
            self.log.warning(
                "only part of the %s is asked for (%s), and s3_key does not say so: the object will stand where "
                "the whole day would",
                self.dataset,
                _short(selection.shown),
            )
        return selection

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
        now_ms = self.hook.now_ms()
        lost = [piece for piece in self.pieces if not self.dataset.kept.has(piece, now_ms)]
        if not lost:
            return self.pieces
        problem = out_of_retention(self.dataset, lost, now_ms)
        if self.operator.on_out_of_retention == "fail":
            raise problem
        self.log.warning("skipped: %s", problem)
        kept = [piece for piece in self.pieces if piece not in lost]
        if not kept:
            raise AirflowSkipException(str(problem))
        return kept

    def _before(self, wanted: Sequence[Window]) -> list[Window]:
        """Return the pieces to read again, as far as KuCoin still has them."""
        found = earlier(self.window, self.operator.lookback)
        kept = [piece for piece in found if self.dataset.kept.has(piece, self.hook.now_ms())]
        if len(kept) < len(found):
            self.log.info("KuCoin no longer has %d of %d objects to look back at", len(found) - len(kept), len(found))
        objects.check_distinct(self.operator.s3_key, [*kept, *wanted])
        return kept

    def _key(self, piece: Window) -> str:
        return objects.key(self.operator.s3_key, piece, name=self.dataset.name, account=self._account(), ext=self.ext)

    def _account(self) -> str:
        """Return whose rows these are; a public dataset is everybody's, and needs no signed call."""
        return self.hook.account_uid if self.dataset.endpoint.is_signed else "public"

    def _read(self, reader: PieceReader, piece: Window, *, fresh: bool) -> dict[str, Any] | None:
        """
        Read one piece, again if rows come meanwhile, and publish it.

        :param fresh: whether it is of this run's window; otherwise it is written only if it has changed
        :return: what was published; ``None`` for nothing
        """
        from airflow_provider_kucoin.lake.files import OutOfOrder

        any_order, divided = not self.dataset.in_order, False
        attempt = 1
        while True:
            try:
                return self._try_to_read(reader, piece, fresh=fresh, any_order=any_order, divided=divided)
            except Incomplete as problem:
                if attempt == READ_ATTEMPTS:
                    raise Incomplete(
                        f"{self.dataset} of {piece} could not be read as one in {attempt} attempts, and "
                        f"was not published: {problem}"
                    ) from problem
                any_order = any_order or isinstance(problem, OutOfOrder)
                # One late row may come while pages are read; when it happens again, pages are avoided.
                divided = attempt > 1
                attempt += 1
                self.log.warning("reading %s again: %s", piece, problem)

    def _try_to_read(
        self, reader: PieceReader, piece: Window, *, fresh: bool, any_order: bool, divided: bool
    ) -> dict[str, Any] | None:
        from airflow_provider_kucoin.lake.files import PieceFile

        began = time.monotonic()
        with (
            PieceFile(
                self.dataset, self._account(), self.operator.file_format, self.compression, any_order=any_order
            ) as file,
            closing(reader.pages(piece, divided=divided)) as pages,
        ):
            for items in pages:
                file.add(items)
            done = file.finish(self._metadata(piece))
            # Time has passed: what was within reach when reading began may have dropped out before it was read.
            now_ms = self.hook.now_ms()
            if not self.dataset.kept.has(piece, now_ms):
                self._leave(out_of_retention(self.dataset, [piece], now_ms), fresh=fresh)
                return None
            if held := reader.held_back(piece):
                self.log.info(
                    "%d row(s) of %s are not settled yet and were held back; lookback brings them later", held, piece
                )
            if not done.rows and self.dataset.kept.is_doubtful(piece, now_ms):
                self._leave(doubtful(self.dataset, piece), fresh=fresh)
                return None
            late = {} if fresh else self._compare(piece, done)
            if late is None:
                return None
            return self._publish(piece, done, began) | late

    def _leave(self, problem: OutOfRetention, *, fresh: bool) -> None:
        """Write nothing of a piece that KuCoin no longer has, as far as that is enough."""
        if fresh and self.operator.on_out_of_retention == "fail":
            raise problem
        self.log.warning("skipped: %s", problem)

    def _compare(self, piece: Window, done: Finished) -> dict[str, Any] | None:
        """Return what has changed since an object was written; ``None`` when nothing has."""
        from airflow_provider_kucoin.lake.changes import Changes, changes
        from airflow_provider_kucoin.lake.rereading import read

        key = self._key(piece)
        about = self.bucket.about(key)
        if about is None and not piece.is_whole_day:
            # Schedules whose windows are not of one length (local days, months) had others: the rows may be in those.
            self.log.warning("there is no %s, and it is no whole UTC day: it is not written", self.bucket.uri(key))
            return None
        if about is None:
            self.log.warning("there was no %s: writing it", self.bucket.uri(key))
            return {"late_rows": done.rows}
        if about.get("kucoin.content") == done.digest:
            self.log.info("%s is as it was", self.bucket.uri(key))
            return None
        with tempfile.TemporaryDirectory(prefix="kucoin-") as folder:
            old = Path(folder) / "old"
            self.bucket.fetch(key, old)
            how = (self.dataset, self.operator.file_format, self.compression)
            found: Changes = changes(self.dataset, read(old, *how), read(done.path, *how))
        if found.gone:
            raise UnexpectedData(
                f"KuCoin no longer shows {found.gone} row(s) that {self.bucket.uri(key)} holds. It was left as it is: "
                "find out what became of them, and clear the task of the run that wrote it, or remove it, to write "
                "what KuCoin shows now"
            )
        if not found.late and not found.changed:
            self.log.info("%s holds the same rows", self.bucket.uri(key))
            return None
        self.log.warning("%s: %d late row(s), %d changed", self.bucket.uri(key), found.late, found.changed)
        return {"late_rows": found.late, "changed_rows": found.changed}

    def _publish(self, piece: Window, done: Finished, began: float) -> dict[str, Any]:
        key = self._key(piece)
        self.bucket.publish(
            done.path,
            key,
            content_type=content_type(self.operator.file_format, self.compression),
            metadata={
                **self._metadata(piece),
                "kucoin.rows": str(done.rows),
                "kucoin.content": done.digest,
            },
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
            f"kucoin.{self.dataset.noun}": self.dataset.name,
            "kucoin.account-uid": self._account(),
            "kucoin.window-start": stamp(piece.start_ms),
            "kucoin.window-end": stamp(piece.end_ms),
            "kucoin.filters": _short(self.selection.shown),
            "kucoin.schema-version": str(self.dataset.schema_version),
            "kucoin.provider-version": __version__,
        }


def _short(shown: Mapping[str, str]) -> str:
    """Return filters as JSON; of a value that does not fit into an object's metadata, how many it names."""
    return json.dumps(
        {name: value if len(value) <= MOST_SHOWN else f"{value.count(',') + 1} values" for name, value in shown.items()}
    )


#: S3 keeps 2 KB with an object in all.
MOST_SHOWN = 200


def _asset(bucket: str, key: str, name: str) -> Asset | None:
    """Return the asset that a task writes to, if that can be told while the DAG is parsed."""
    # An argument may also be another task's XCom.
    texts: tuple[object, ...] = (bucket, key, name)
    if not all(isinstance(text, str) and text and "{{" not in text and "{%" not in text for text in texts):
        return None
    prefix = objects.static_prefix(key, name)
    return Asset(f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}/")


def content_type(file_format: str, compression: str) -> str:
    """Return the media type of an object."""
    compressed = None if file_format == "parquet" else CONTENT_TYPES_COMPRESSED.get(compression)
    return compressed or CONTENT_TYPES[file_format]
