"""An account ledger to S3: one window per run, one typed object per UTC day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_kucoin.api import objects
from airflow_provider_kucoin.transfers.dataset_to_s3 import DatasetToS3Operator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.windows import Moment


class KucoinLedgerToS3Operator(DatasetToS3Operator):
    """
    Copy one window of an account ledger to S3, complete and exact, or fail.

    The window is half-open and in UTC. It is the first of these that applies: ``window_start`` and ``window_end``;
    the run's partition, as its UTC day; the run's data interval, unless that is empty, as it is for cron presets on
    Airflow 3; the last whole UTC day before the run. The log says which. It is cut at UTC midnights, and every piece
    becomes one object, published in one atomic write: a re-run replaces exactly that object, and nobody ever sees half
    a day.

    Every row of a piece is written once: rows are unique by id, and as many as KuCoin counts
    where it does. If rows come while a
    piece is read it is read again; if it cannot be made to agree the task fails and the piece is not published. A
    number that the declared decimal type cannot hold exactly fails the task.

    Returns a list with a dict for each object: ``uri``, ``rows``, ``window_start``, ``window_end``, ``bytes``; and
    emits an asset event for ``s3://<bucket>/<static part of the key>``, or for the task's own ``outlets``.

    Rows that KuCoin documents as not settled yet (the futures' Pending ones) are held back until they are.

    :param ledger: ``spot``, ``trade_hf``, ``margin_hf``, ``futures`` or ``unified``
    :param s3_bucket: the bucket to write to
    :param s3_key: template of the objects' keys, with ``{ledger}``, ``{account}`` (the KuCoin uid), ``{date}``,
        ``{start}``, ``{end}`` and ``{ext}``
    :param window_start: the first moment inside: ISO 8601 text with a zone, a datetime with a zone, or milliseconds
    :param window_end: the first moment after, likewise
    :param currency: only these currencies: a code or a list of at most 10
    :param direction: only ``in`` or ``out``; not for the futures ledger, whose amounts have signs
    :param biz_type: only this business type, as KuCoin's request value: ``TRADE_EXCHANGE``, ``DEPOSIT``, ...
    :param account_type: of the unified ledger: only these account types; all of them unless given
    :param file_format: ``parquet``, ``jsonl`` or ``csv``
    :param compression: Parquet: ``zstd`` (default), ``snappy``, ``gzip``, ``none``; text: ``gzip`` (default),
        ``zstd``, ``none``
    :param replace: overwrite objects of the same key, which makes re-runs repair themselves; False fails instead
    :param on_out_of_retention: ``fail`` when KuCoin no longer keeps part of the window, or ``skip`` that part. Such a
        part is never written as if it were empty
    :param settle: how long after the window's end it is read at the earliest, because rows may appear late
    :param on_unsettled: ``wait`` for that time in the task, or ``fail``
    :param lookback: how far before the window objects are read again, with the windows that runs before this one had.
        An object whose rows are the same stays as it is; one to which rows came late, or in which they changed, is
        written again, and the log and ``late_rows`` in the result say how many; one that is missing is written. If
        KuCoin no longer shows a row that an object holds, the task fails and the object stays
    :param kucoin_conn_id: the connection to KuCoin
    :param aws_conn_id: the connection to S3
    """

    template_fields: Sequence[str] = (
        "ledger",
        "currency",
        "direction",
        "biz_type",
        "account_type",
        *DatasetToS3Operator.shared_template_fields,
    )

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
        account_type: str | Sequence[str] | None = None,
        file_format: str = "parquet",
        compression: str | None = None,
        replace: bool = True,
        on_out_of_retention: Literal["fail", "skip"] = "fail",
        settle: timedelta = timedelta(minutes=5),
        on_unsettled: Literal["wait", "fail"] = "wait",
        lookback: timedelta = timedelta(0),
        kucoin_conn_id: str = "kucoin_default",
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            name=ledger,
            s3_bucket=s3_bucket,
            s3_key=s3_key,
            window_start=window_start,
            window_end=window_end,
            file_format=file_format,
            compression=compression,
            replace=replace,
            on_out_of_retention=on_out_of_retention,
            settle=settle,
            on_unsettled=on_unsettled,
            lookback=lookback,
            kucoin_conn_id=kucoin_conn_id,
            aws_conn_id=aws_conn_id,
            **kwargs,
        )
        self.ledger = ledger
        self.currency = currency
        self.direction = direction
        self.biz_type = biz_type
        self.account_type = account_type

    def find_dataset(self) -> Dataset:
        """Return the ledger that is meant."""
        from airflow_provider_kucoin.api.ledgers import ledger

        return ledger(self.ledger)

    def find_parameters(self) -> Mapping[str, str | Sequence[str] | None]:
        """Return by what the ledger is narrowed down."""
        return {
            "currency": self.currency,
            "direction": self.direction,
            "biz_type": self.biz_type,
            "account_type": self.account_type,
        }
