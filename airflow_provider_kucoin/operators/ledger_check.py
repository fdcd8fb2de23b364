"""The proof that a ledger in the lake is complete: read back, followed row by row, and held against KuCoin."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_kucoin.api import objects
from airflow_provider_kucoin.api.durations import check_duration
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.windows import Moment


class KucoinLedgerCheckOperator(BaseOperator):
    """
    Prove that the objects of a ledger are complete and exact, or fail and name the first break.

    For the range of the run's window, or of ``window_start`` and ``window_end``: there is an object for every day; it
    holds as many rows as were written into it, with the same content; every row is of its window and of this account;
    no key is there twice, in one object or in two. In the ledgers whose rows carry a balance (trade_hf, margin_hf,
    unified: ``balance``; futures: ``accountEquity``) each balance follows from the one before, inside objects and
    across them, for each account and currency; and the last one, with what has happened since, is the live balance.

    Not provable, and said so in the log and the result: the balances of the spot ledger, which KuCoin documents as
    without meaning; what came before the first row of a balance, unless the object before the range tells; rows of
    isolated margin that do not name their pair; the live balance where KuCoin no longer has the rows since, and of
    unified accounts, for which no source describes how it is asked for.

    Returns a dict: ``objects``, ``rows``, ``window_start``, ``window_end``, ``balances`` (the last one of each account,
    as decimal text) and ``not_proven`` (what could not be, in words).

    :param ledger: ``spot``, ``trade_hf``, ``margin_hf``, ``futures`` or ``unified``
    :param s3_bucket: the bucket that the ledger was written to
    :param s3_key: the template with which it was written
    :param window_start: the first moment of the range; as for the operator that wrote it
    :param window_end: the first moment after
    :param window_length: how long the windows were with which it was written: a day, unless the schedule was shorter
    :param file_format: with which it was written
    :param compression: with which it was written
    :param live_balance: whether the last balances are held against KuCoin's
    :param kucoin_conn_id: the connection to KuCoin
    :param aws_conn_id: the connection to S3
    """

    template_fields: Sequence[str] = (
        "ledger",
        "s3_bucket",
        "s3_key",
        "window_start",
        "window_end",
        "file_format",
        "compression",
        "kucoin_conn_id",
        "aws_conn_id",
    )
    ui_color = "#d7f2ea"

    def __init__(
        self,
        *,
        s3_bucket: str,
        ledger: str = "spot",
        s3_key: str = objects.DEFAULT_KEY,
        window_start: Moment | None = None,
        window_end: Moment | None = None,
        window_length: timedelta = timedelta(days=1),
        file_format: str = "parquet",
        compression: str | None = None,
        live_balance: bool = True,
        kucoin_conn_id: str = "kucoin_default",
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ledger = ledger
        self.s3_bucket = s3_bucket
        self.s3_key = s3_key
        self.window_start = window_start
        self.window_end = window_end
        self.window_length = window_length
        self.file_format = file_format
        self.compression = compression
        self.live_balance = live_balance
        self.kucoin_conn_id = kucoin_conn_id
        self.aws_conn_id = aws_conn_id
        check_duration("window_length", window_length)
        if window_length <= timedelta(0):
            raise InvalidInput(f"window_length={window_length} is not positive: give the length of the runs' windows")

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the objects back and prove what can be proven."""
        from airflow_provider_kucoin.operators.checking import Check

        with no_retry_when_fatal():
            return Check(self, context).run()
