"""A history of an account to S3: one window per run, one typed object per UTC day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_kucoin.api import objects
from airflow_provider_kucoin.transfers.dataset_to_s3 import DatasetToS3Operator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.windows import Moment


class KucoinHistoryToS3Operator(DatasetToS3Operator):
    """
    Copy one window of a history to S3, complete and exact, or fail.

    Windows, objects, completeness, retention, late rows and the result are those of
    :class:`~airflow_provider_kucoin.transfers.ledger_to_s3.KucoinLedgerToS3Operator`. Which dataset takes which
    parameters, and how long KuCoin keeps it, is in ``docs/datasets.md``; a parameter that a dataset does not take is
    refused, and so is a dataset that answers for one symbol or currency at a time and got none.

    :param dataset: ``deposits``, ``withdrawals``, ``hist_deposits``, ``hist_withdrawals``; ``spot_fills``,
        ``spot_orders``, ``margin_fills``, ``margin_orders``; ``borrow``, ``repay``, ``interest``;
        ``lending_purchases``, ``lending_redemptions``; ``futures_fills``, ``futures_orders``, ``funding``,
        ``positions``; ``convert_orders``, ``convert_limit_orders``; ``klines``
    :param currency: only this currency, or a list of them
    :param symbol: only this pair or contract, a list of them, or ``"all"``: those that KuCoin lists now, and those
        that the account's own ledger names in the window
    :param side: ``buy`` or ``sell``
    :param status: as KuCoin's request value
    :param order_type: such as ``limit`` or ``market``
    :param trade_type: margin: ``MARGIN_TRADE``, ``MARGIN_ISOLATED_TRADE``; both unless given
    :param trade_types: futures fills: ``trade``, ``adl``, ``liquid``, ``settlement``; all unless given
    :param interval: of klines: ``1min`` to ``1day``
    :param s3_bucket: the bucket to write to
    :param s3_key: template of the objects' keys, with ``{dataset}``, ``{account}`` (the KuCoin uid), ``{date}``,
        ``{start}``, ``{end}`` and ``{ext}``
    :param window_start: the first moment inside: ISO 8601 text with a zone, a datetime with a zone, or milliseconds
    :param window_end: the first moment after, likewise
    :param file_format: ``parquet``, ``jsonl`` or ``csv``
    :param compression: Parquet: ``zstd`` (default), ``snappy``, ``gzip``, ``none``; text: ``gzip`` (default),
        ``zstd``, ``none``
    :param replace: overwrite objects of the same key, which makes re-runs repair themselves; False fails instead
    :param on_out_of_retention: ``fail`` when KuCoin no longer keeps part of the window, or ``skip`` that part
    :param settle: how long after the window's end it is read at the earliest, because rows may appear late
    :param on_unsettled: ``wait`` for that time in the task, or ``fail``
    :param lookback: how far before the window objects are read again; those whose rows have changed are written again.
        Orders, deposits and withdrawals change until they are done
    :param kucoin_conn_id: the connection to KuCoin
    :param aws_conn_id: the connection to S3
    """

    parameter_names = (
        "currency",
        "symbol",
        "side",
        "status",
        "order_type",
        "trade_type",
        "trade_types",
        "interval",
    )
    template_fields: Sequence[str] = ("dataset", *parameter_names, *DatasetToS3Operator.shared_template_fields)

    def __init__(
        self,
        *,
        dataset: str,
        s3_bucket: str,
        s3_key: str = objects.DEFAULT_HISTORY_KEY,
        window_start: Moment | None = None,
        window_end: Moment | None = None,
        currency: str | Sequence[str] | None = None,
        symbol: str | Sequence[str] | None = None,
        side: str | None = None,
        status: str | None = None,
        order_type: str | None = None,
        trade_type: str | Sequence[str] | None = None,
        trade_types: str | Sequence[str] | None = None,
        interval: str | None = None,
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
            name=dataset,
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
        self.dataset = dataset
        self.currency = currency
        self.symbol = symbol
        self.side = side
        self.status = status
        self.order_type = order_type
        self.trade_type = trade_type
        self.trade_types = trade_types
        self.interval = interval

    def find_dataset(self) -> Dataset:
        """Return the history that is meant."""
        from airflow_provider_kucoin.api.histories import history

        return history(self.dataset)

    def find_parameters(self) -> Mapping[str, str | Sequence[str] | None]:
        """Return by what the history is narrowed down."""
        return {name: getattr(self, name) for name in self.parameter_names}
