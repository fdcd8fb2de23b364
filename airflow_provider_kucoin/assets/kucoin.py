"""Assets whose URIs begin with ``kucoin://``: lists of rows at KuCoin, as :mod:`~.api.sources` names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import Asset

from airflow_provider_kucoin.api.sources import SCHEME

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow.providers.common.compat.openlineage.facet import Dataset


def create_asset(*, host: str, path: str, extra: dict[str, Any] | None = None) -> Asset:
    """
    Return the asset of a list of rows.

    :param host: such as ``api.kucoin.com``
    :param path: such as ``accounts/<uid>/ledgers/spot``
    """
    return Asset(uri=f"{SCHEME}://{host}/{path.strip('/')}", extra=extra)


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Return a URI as it is compared with others."""
    if not uri.netloc or not uri.path.strip("/"):
        raise ValueError(f"URI format {SCHEME}:// must contain a host and a path")
    return uri._replace(path=uri.path.rstrip("/"))


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Dataset:  # noqa: ARG001 - Airflow's signature
    """Return OpenLineage's dataset of an asset."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    uri = urlsplit(asset.uri)
    return Dataset(namespace=f"{SCHEME}://{uri.netloc}", name=uri.path.strip("/"))
