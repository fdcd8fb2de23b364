"""The work of copying a dataset to S3: read piece by piece, checked, written to a file, published as one object."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_kucoin import __version__
from airflow_provider_kucoin.api import objects
from airflow_provider_kucoin.api.datasets import doubtful, out_of_retention
from airflow_provider_kucoin.api.errors import Incomplete, OutOfRetention, UnexpectedData
from airflow_provider_kucoin.api.selections import needs_all_symbols, select
from airflow_provider_kucoin.api.windows import Window, choose, earlier, pieces, stamp, unsettled_for
from airflow_provider_kucoin.hooks.bucket import Bucket, already_there
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.hooks.metrics import count_object, tell_time_left
from airflow_provider_kucoin.hooks.run_times import run_times
from airflow_provider_kucoin.transfers.events import Published, Told
from airflow_provider_kucoin.transfers.garbage import spared
from airflow_provider_kucoin.transfers.progress import Progress
from airflow_provider_kucoin.transfers.uploading import Uploads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.pages import Item
    from airflow_provider_kucoin.api.selections import Selection
    from airflow_provider_kucoin.api.totals import Totals
    from airflow_provider_kucoin.client.reading import PieceReader
    from airflow_provider_kucoin.lake.files import Finished
    from airflow_provider_kucoin.transfers.dataset_to_s3 import DatasetToS3Operator

#: How often a piece is read before the task fails, when rows keep coming while it is read.
READ_ATTEMPTS = 5


class Copy:
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
        self.published: list[Published] = []
        self.results: dict[Window, dict[str, Any]] = {}
        self.uploads = Uploads()
        self.bucket = Bucket(operator.s3_bucket, operator.aws_conn_id)
        self.hook = KucoinHook(operator.kucoin_conn_id)
        self.log.info("window %s, from %s: %d object(s)", self.window, rule, len(self.pieces))

    def run(self) -> list[dict[str, Any]]:
        """Read the window and publish its objects; return what was published."""
        self.bucket.check()
        self._wait_until_settled()
        self._tell_time_left(self.window.start_ms)
        wanted = self._within_retention()
        before = self._before(wanted)
        if not self.operator.replace:
            for piece in wanted:
                if self.bucket.holds(key := self._key(piece)):
                    raise already_there(self.bucket.uri(key))
        self.selection = self._select(Window(min(before, default=self.window).start_ms, self.window.end_ms))
        wrong: list[UnexpectedData] = []
        self.progress = self._follow([*before, *wanted])
        with (
            self.hook.read_pieces(self.dataset, [*before, *wanted], self.selection) as reader,
            spared(),
            self.uploads,
        ):
            # What is oldest is lost first.
            for piece in before:
                self._read_again(reader, piece, wrong)
            for piece in wanted:
                self._read(reader, piece, fresh=True)
        if wrong:
            raise wrong[0]
        published = [self.results[piece] for piece in (*wanted, *before) if piece in self.results]
        self._tell_time_left(self.window.end_ms)
        if not published:
            raise AirflowSkipException(f"nothing of {self.window} could be read: see the warnings above")
        return published

    def _tell_time_left(self, unread_since_ms: int) -> None:
        tell_time_left(self.dataset, self.operator.kucoin_conn_id, unread_since_ms, self.hook.now_ms())

    def _read_again(self, reader: PieceReader, piece: Window, wrong: list[UnexpectedData]) -> None:
        """Read a piece of before; what is wrong with it fails the task, but not before its own window is written."""
        try:
            self._read(reader, piece, fresh=False)
        except UnexpectedData as problem:
            self.log.error("%s", problem)  # noqa: TRY400 - it is raised in the end
            wrong.append(problem)
            self.progress.finished(piece)

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

    def _read(self, reader: PieceReader, piece: Window, *, fresh: bool) -> None:
        """
        Read one piece, again if rows come meanwhile, and begin to publish it.

        :param fresh: whether it is of this run's window; otherwise it is written only if it has changed
        """
        from airflow_provider_kucoin.lake.files import OutOfOrder

        any_order, divided = not self.dataset.in_order, False
        attempt = 1
        while True:
            try:
                self._try_to_read(reader, piece, fresh=fresh, any_order=any_order, divided=divided)
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
            else:
                self.progress.finished(piece)
                return

    def _try_to_read(self, reader: PieceReader, piece: Window, *, fresh: bool, any_order: bool, divided: bool) -> None:
        from airflow_provider_kucoin.lake.totals import TotalledFile

        began = time.monotonic()
        how = (self.dataset, self._account(), self.operator.file_format, self.compression)
        with ExitStack() as kept:
            file = kept.enter_context(TotalledFile(*how, any_order=any_order))
            self.progress.begin()
            with closing(reader.pages(piece, divided=divided)) as pages:
                for items in pages:
                    file.add(items)
                    self.progress.read(len(items), partial(self._time_of_last, items))
            rows = file.complete()
            # Time has passed: what was within reach when reading began may have dropped out before it was read.
            now_ms = self.hook.now_ms()
            if not self.dataset.kept.has(piece, now_ms):
                self._leave(out_of_retention(self.dataset, [piece], now_ms), fresh=fresh)
                return
            if held := reader.held_back(piece):
                self.log.info(
                    "%d row(s) of %s are not settled yet and were held back; lookback brings them later", held, piece
                )
            if not rows and self.dataset.kept.is_doubtful(piece, now_ms):
                self._leave(doubtful(self.dataset, piece), fresh=fresh)
                return
            done = None if fresh else file.finish(self._metadata(piece))
            late = {} if done is None else self._compare(piece, done)
            if late is not None:
                seconds = time.monotonic() - began
                self.uploads.begin(
                    lambda: self._publish(piece, done or file.finish(self._metadata(piece))),
                    kept,
                    lambda found: self._note(*found, piece, file.totals, late, seconds),
                )

    def _note(
        self, done: Finished, uri: str, piece: Window, totals: Totals, late: dict[str, Any], seconds: float
    ) -> None:
        """Keep what consumers will be told of an object, and count it."""
        self.log.info("wrote %s: %d rows, %d bytes, read in %.1f s", uri, done.rows, done.size, seconds)
        self.results[piece] = result = {
            "uri": uri,
            "rows": done.rows,
            "window_start": stamp(piece.start_ms),
            "window_end": stamp(piece.end_ms),
            "bytes": done.size,
            **late,
        }
        self.published.append(Published(result, totals))
        count_object(self.dataset, self.operator.kucoin_conn_id, done.rows, done.size, late.get("late_rows", 0))

    def told(self) -> Told:
        """Return what consumers are told, the oldest object first."""
        published = sorted(self.published, key=lambda one: one.result["window_start"])
        return Told(self.dataset, self._account(), self.hook.source(self.dataset), published)

    def _follow(self, parts: Sequence[Window]) -> Progress:
        usage, pool = self.hook.metrics, self.dataset.endpoint.pool
        return Progress(parts, self.log.info, usage, partial(usage.quota, pool))

    def _time_of_last(self, items: Sequence[Item]) -> int | None:
        """Return how far reading has come, where rows come in the order of their times."""
        return max(self.dataset.times_ms(items), default=None) if self.dataset.in_order else None

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

    def _publish(self, piece: Window, done: Finished) -> tuple[Finished, str]:
        """Upload a file, and return it and the object's URI; in a thread of its own."""
        content_type = objects.content_type(self.operator.file_format, self.compression)
        return done, self.bucket.publish(
            done, self._key(piece), self._metadata(piece), content_type=content_type, replace=self.operator.replace
        )

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
