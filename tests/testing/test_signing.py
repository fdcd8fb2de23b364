from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kucoin.testing import signing

VECTORS: list[dict[str, Any]] = json.loads(
    Path(__file__).parents[1].joinpath("samples/signing_vectors.json").read_text(encoding="utf-8")
)
WITH_PASSPHRASE = [vector for vector in VECTORS if vector["passphrase"]]


def name(vector: dict[str, Any]) -> str:
    return str(vector["name"])


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_the_prehash_of_what_arrives_is_the_documented_one(vector: dict[str, Any]) -> None:
    found = signing.prehash(
        str(vector["timestamp_ms"]), vector["method"], vector["wire_target"], vector["body"].encode()
    )
    assert found.decode() == vector["prehash"]


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_the_signature_of_what_arrives_is_the_documented_one(vector: dict[str, Any]) -> None:
    found = signing.signature(
        vector["secret"],
        str(vector["timestamp_ms"]),
        vector["method"],
        vector["wire_target"],
        vector["body"].encode(),
    )
    assert found == vector["signature"]
    assert found != vector["wrong_signature"]


@pytest.mark.parametrize("vector", WITH_PASSPHRASE, ids=name)
def test_the_signed_passphrase_is_the_documented_one(vector: dict[str, Any]) -> None:
    assert signing.signed_passphrase(vector["secret"], vector["passphrase"]) == vector["passphrase_signature"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_value_is_signed_alike_however_it_was_encoded(value: str) -> None:
    prehashes = {
        signing.prehash("1", "GET", f"/api/v1/accounts?currency={encode(value)}", b"")
        for encode in (quote_plus, quote, lambda text: quote(text, safe=""))
    }
    assert prehashes == {f"1GET/api/v1/accounts?currency={value}".encode()}
