"""Every ledger, some histories and the balances, each mapped over what there is, and the ledgers checked."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Asset

from airflow_provider_kucoin.operators.ledger_check import KucoinLedgerCheckOperator
from airflow_provider_kucoin.transfers.balances_to_s3 import KucoinBalancesToS3Operator
from airflow_provider_kucoin.transfers.history_to_s3 import KucoinHistoryToS3Operator
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

BUCKET = os.environ["KUCOIN_LAKE_BUCKET"]
LEDGERS = ["spot", "trade_hf", "margin_hf", "futures"]
HISTORIES = [
    {"dataset": "spot_fills", "symbol": "all"},
    {"dataset": "deposits", "currency": "USDT"},
    {"dataset": "klines", "symbol": ["BTC-USDT"], "interval": "1hour"},
]

with DAG("everything", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False):
    # Where a mapped task writes to is not known while the DAG is parsed: its consumers wait for an asset of one's own.
    lake = Asset(f"s3://{BUCKET}/kucoin/ledgers")
    copied = KucoinLedgerToS3Operator.partial(task_id="copy", s3_bucket=BUCKET, outlets=[lake]).expand(ledger=LEDGERS)
    checked = KucoinLedgerCheckOperator.partial(task_id="check", s3_bucket=BUCKET).expand(ledger=LEDGERS)
    KucoinHistoryToS3Operator.partial(task_id="take", s3_bucket=BUCKET).expand_kwargs(HISTORIES)
    KucoinLedgerToS3Operator(task_id="alone", ledger="futures", s3_bucket=BUCKET, s3_key="alone/{ledger}/{date}.{ext}")
    KucoinHistoryToS3Operator(task_id="funding", dataset="funding", symbol="all", s3_bucket=BUCKET)
    KucoinBalancesToS3Operator(task_id="balances", s3_bucket=BUCKET)
    copied >> checked
