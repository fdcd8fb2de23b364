"""A dataset to S3: one window per run, one typed object per UTC day. What the ledgers and the histories share."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_kucoin.api.durations import check_duration
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal
from airflow_provider_kucoin.transfers.assets import asset_of
from airflow_provider_kucoin.transfers.events import tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.windows import Moment
    from airflow_provider_kucoin.transfers.copying import Copy


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
    #: The work of this execution, for who asks afterwards what came of it.
    _copy: Copy | None = None
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
        if "outlets" not in kwargs and (asset := asset_of(s3_bucket, s3_key, name)) is not None:
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
        from airflow_provider_kucoin.transfers.copying import Copy

        with no_retry_when_fatal():
            copy = self._copy = Copy(self, context)
            published = copy.run()
        tell(context, self.outlets, copy.told(), bucket=self.s3_bucket, key=self.s3_key)
        return published

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002 - OpenLineage's signature
        """Return where the objects came from and what they are; also of a task that failed after some of them."""
        from airflow_provider_kucoin.transfers.lineage import lineage

        copy = self._copy
        if copy is None or not copy.published:
            return None
        return lineage(copy.told(), bucket=self.s3_bucket, key=self.s3_key)

    def _check_choices(self) -> None:
        """Refuse, while the DAG is parsed, what no template can make right."""
        for name, value, known in (
            ("on_out_of_retention", self.on_out_of_retention, ("fail", "skip")),
            ("on_unsettled", self.on_unsettled, ("wait", "fail")),
        ):
            if value not in known:
                raise InvalidInput(f"{name}={value!r} is not one of {', '.join(map(repr, known))}")
        check_duration("settle", self.settle)
        check_duration("lookback", self.lookback)
        if self.settle < timedelta(0):
            raise InvalidInput(f"settle={self.settle} is negative: give the time to wait after the window's end")
        if self.lookback < timedelta(0):
            raise InvalidInput(f"lookback={self.lookback} is negative: give the time to look back before the window")
        if self.lookback and not self.replace:
            raise InvalidInput(
                "lookback writes objects again whose rows have changed, and replace=False forbids that: use one of them"
            )
