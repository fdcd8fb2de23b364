"""The histories' part of the table of paths: see `routes`."""

from __future__ import annotations

from airflow_provider_kucoin.testing import candles, deposits, history_reference
from airflow_provider_kucoin.testing.histories import HISTORIES
from airflow_provider_kucoin.testing.route import Route

ROUTES: tuple[Route, ...] = (
    *(history.route() for history in HISTORIES.values()),
    *history_reference.ROUTES,
    Route("GET", candles.PATH, None, "Public", 3, candles.candles),
    Route("GET", "/api/v1/hist-deposits", "General", "Management", 5, deposits.old_deposits),
)
