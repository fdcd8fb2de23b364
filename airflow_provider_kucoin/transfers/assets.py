"""The asset that a task writes to."""

from __future__ import annotations

import re

from airflow.providers.common.compat.sdk import Asset

from airflow_provider_kucoin.api import objects

#: Buckets and prefixes of which a URI is made that is normal as it stands.
_PLAIN = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")
_FIELDS = ("name", "uri")


def asset_of(bucket: object, key: object, name: object) -> Asset | None:
    """
    Return the asset that a task writes to, if that can be told while the DAG is parsed.

    :param bucket: of S3; as all of these, it may also be another task's XCom, or a Jinja template
    :param key: template of the objects' keys
    :param name: of the ledger or dataset
    """
    texts = [text for text in (bucket, key, name) if isinstance(text, str) and text and not _is_template(text)]
    if len(texts) < 3:  # noqa: PLR2004 - all three
        return None
    bucket, key, name = texts
    prefix = objects.static_prefix(key, name)
    return (
        _asset(f"s3://{bucket}/{prefix}")
        if _PLAIN.fullmatch(f"{bucket}/{prefix}")
        else Asset(f"s3://{bucket}/{prefix}")
    )


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text


def _asset(uri: str) -> Asset:
    """
    Return ``Asset(uri)``, without what makes that slow.

    For any URI Airflow imports the asset handlers of all installed providers, and so boto3: a fifth of a second for
    every DAG file that is parsed. Schemes that begin with ``x-`` it leaves alone, so the asset is made with one and
    gets its URI afterwards. A test holds it to be the same asset.
    """
    asset = Asset(f"x-{uri}")
    for field in _FIELDS:
        if getattr(asset, field, None) == f"x-{uri}":
            object.__setattr__(asset, field, uri)
    return asset
