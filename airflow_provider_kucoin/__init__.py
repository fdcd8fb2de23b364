"""Apache Airflow provider for KuCoin."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

__all__ = ["__version__", "get_provider_info"]


def get_provider_info() -> dict[str, Any]:
    """Return what Airflow wants to know of a provider (``provider_info.schema.json``)."""
    from airflow_provider_kucoin.provider import provider_info

    return provider_info()
