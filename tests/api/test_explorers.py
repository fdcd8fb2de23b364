"""Where a transaction can be looked at in public."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from airflow_provider_kucoin.api.explorers import EXPLORERS, explorer_url

TX = "4f3c1e" * 10


@pytest.mark.parametrize("chain", sorted(EXPLORERS))
def test_every_address_is_an_https_address_with_the_transaction_at_its_end(chain: str) -> None:
    found = explorer_url(chain, TX)
    assert found is not None
    assert found.endswith("/" + TX)
    parts = urlsplit(found)
    assert (parts.scheme, bool(parts.netloc)) == ("https", True)
    assert chain == chain.lower()


def test_a_chain_is_found_in_any_case() -> None:
    assert explorer_url("TRX", TX) == f"https://tronscan.org/#/transaction/{TX}"


@pytest.mark.parametrize("chain", [None, "", "dogecoin", "TRC20"], ids=repr)
def test_an_unknown_chain_has_no_address(chain: str | None) -> None:
    assert explorer_url(chain, TX) is None


@pytest.mark.parametrize("tx", [None, "", "abc@0", "../x", "a b", "<script>", "a?b", "{0}"], ids=repr)
def test_what_is_no_transaction_id_has_no_address(tx: str | None) -> None:
    assert explorer_url("trx", tx) is None
