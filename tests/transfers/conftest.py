"""The operator, run as a worker would run it, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange
    from airflow_provider_kucoin.testing.request_log import RequestRecord

DAY = 86_400_000
YESTERDAY = 1_770_120_000_000 // DAY * DAY - DAY


@pytest.fixture
def copy(connection: dict[str, Any], bucket: Any) -> Callable[..., list[dict[str, Any]]]:  # noqa: ARG001 - is there
    """Execute the operator for yesterday (2026-02-02), or as told, and return its result."""

    def copy(context: dict[str, Any] | None = None, **arguments: Any) -> list[dict[str, Any]]:
        given: dict[str, Any] = {"task_id": "copy", "s3_bucket": bucket.name}
        if context is None:
            given |= {"window_start": YESTERDAY, "window_end": YESTERDAY + DAY}
        return KucoinLedgerToS3Operator(**{**given, **arguments}).execute(context or {})  # type: ignore[arg-type]

    return copy


@pytest.fixture
def asked(exchange: Exchange) -> Callable[[], list[RequestRecord]]:
    """The ledger requests that the exchange has seen."""
    return lambda: [record for record in exchange.requests if record.path == "/api/v1/accounts/ledgers"]
