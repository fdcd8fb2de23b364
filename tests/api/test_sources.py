"""What lineage calls KuCoin's data."""

from __future__ import annotations

import pytest

from airflow_provider_kucoin.api.histories import history
from airflow_provider_kucoin.api.ledgers import FUTURES, SPOT
from airflow_provider_kucoin.api.sources import PUBLIC, source_of


@pytest.mark.parametrize(
    ("dataset", "url", "account", "uri"),
    [
        (SPOT, "https://api.kucoin.com", "123", "kucoin://api.kucoin.com/accounts/123/ledgers/spot"),
        (FUTURES, "https://api-futures.kucoin.com", "9", "kucoin://api-futures.kucoin.com/accounts/9/ledgers/futures"),
        (history("klines"), "http://127.0.0.1:80", PUBLIC, "kucoin://127.0.0.1:80/public/histories/klines"),
    ],
    ids=["spot", "futures", "public"],
)
def test_a_source_is_named_by_host_account_and_list(dataset: object, url: str, account: str, uri: str) -> None:
    found = source_of(dataset, url, account)  # type: ignore[arg-type]
    assert found.uri == uri
    assert found.namespace == uri.split("/", 3)[0] + "//" + uri.split("/", 3)[2]
