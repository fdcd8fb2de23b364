"""
Signatures: equal to those that others made, and equal to what a server will reckon from what it received.

The same through real sockets: tests/client/test_wire.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.signing import Credentials, passphrase_header, prehash, sign, target, text

VECTORS = json.loads((Path(__file__).parents[1] / "samples" / "signing_vectors.json").read_text())
AWKWARD = "BTC,USDT BEP20(BSC) x+y/é%2B%%25?&=#;'\"[]{}\\^`|<>!*$@:~ü漢🪙\0\t\r\n\x7f"
CREDENTIALS = Credentials("key-of-the-tests", "secret-of-the-tests", "passphrase-of-the-tests")

# Everything that is text in UTF-8: lone surrogates are not.
anything = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture(params=VECTORS, ids=[vector["name"] for vector in VECTORS])
def vector(request: Any) -> Any:
    return request.param


def credentials_of(vector: Any) -> Credentials:
    return Credentials(vector["key"] or "", vector["secret"], vector["passphrase"] or "")


def our_target(vector: Any) -> str:
    return target(vector["path"], dict(vector["query"] or []))


def test_a_vectors_signature_is_reproduced_from_its_own_wire_form(vector: dict[str, Any]) -> None:
    wire = vector["wire_target"] or our_target(vector)
    found = sign(
        credentials_of(vector), vector["method"], wire, (vector["body"] or "").encode(), vector["timestamp_ms"]
    )
    assert found["KC-API-SIGN"] == vector["signature"]


def test_a_vectors_signature_is_reproduced_from_our_wire_form(vector: dict[str, Any]) -> None:
    found = sign(
        credentials_of(vector),
        vector["method"],
        our_target(vector),
        (vector["body"] or "").encode(),
        vector["timestamp_ms"],
    )
    assert found["KC-API-SIGN"] == vector["signature"]


def test_a_vectors_prehash_is_reproduced(vector: dict[str, Any]) -> None:
    found = prehash(vector["method"], our_target(vector), (vector["body"] or "").encode(), vector["timestamp_ms"])
    assert found.decode() == vector["prehash"]


def test_a_vectors_headers_are_reproduced(vector: dict[str, Any]) -> None:
    expected = {name: value for name, value in (vector["headers"] or {}).items() if name != "Content-Type"}
    found = sign(
        credentials_of(vector),
        vector["method"],
        our_target(vector),
        (vector["body"] or "").encode(),
        vector["timestamp_ms"],
    )
    assert {name: found[name] for name in expected} == expected


def test_a_vectors_passphrase_leaves_as_its_signature_only(vector: dict[str, Any]) -> None:
    if vector["passphrase_signature"] is not None:
        assert passphrase_header(credentials_of(vector)) == vector["passphrase_signature"]


def test_the_encoded_query_is_not_what_is_signed() -> None:
    [wrong] = [vector for vector in VECTORS if vector["name"] == "GET with a query"]
    found = sign(credentials_of(wrong), "GET", our_target(wrong), b"", wrong["timestamp_ms"])
    assert found["KC-API-SIGN"] != wrong["wrong_signature"]


@given(st.dictionaries(anything, anything, max_size=4))
@example({"currency": "BTC,USDT", "chain": AWKWARD})
@example({AWKWARD: AWKWARD})
@example({"": ""})
@example({"a+b": "c d", "a b": "c+d", "a%20b": "%"})
def test_what_is_signed_is_what_a_server_decodes_whatever_is_in_a_parameter(params: dict[str, str]) -> None:
    wire = target("/api/v1/accounts/ledgers", params)
    un_encoded = "&".join(f"{name}={value}" for name, value in params.items())
    signed = prehash("GET", wire, b"", 1).decode()
    assert signed == f"1GET/api/v1/accounts/ledgers{'?' if params else ''}{un_encoded}"
    assert wire.isascii()
    assert wire.isprintable()
    assert parse_qsl(wire.partition("?")[2], keep_blank_values=True, separator="&") == list(params.items())


@given(st.binary(), st.integers(0, 10**14))
def test_a_body_is_signed_byte_by_byte(body: bytes, timestamp_ms: Any) -> None:
    assert prehash("POST", "/api/v3/withdrawals", body, timestamp_ms) == (
        f"{timestamp_ms}POST/api/v3/withdrawals".encode() + body
    )


def test_a_signature_is_an_hmac_of_the_prehash() -> None:
    found = sign(CREDENTIALS, "GET", "/api/v1/accounts", b"", 1728692138123)
    expected = hmac.new(b"secret-of-the-tests", b"1728692138123GET/api/v1/accounts", hashlib.sha256).digest()
    assert base64.b64decode(found["KC-API-SIGN"]) == expected


@pytest.mark.parametrize("version", ["2", "3"])
def test_key_versions_sign_alike_and_are_named(version: str) -> None:
    credentials = Credentials("k", "s", "p", version)
    found = sign(credentials, "GET", "/", b"", 1)
    assert found == {**sign(Credentials("k", "s", "p"), "GET", "/", b"", 1), "KC-API-KEY-VERSION": version}


def test_credentials_show_nothing_of_themselves() -> None:
    assert "of-the-tests" not in repr(CREDENTIALS)
    assert "of-the-tests" not in str(CREDENTIALS)


def test_neither_secret_nor_passphrase_is_in_what_is_sent() -> None:
    sent = " ".join(sign(CREDENTIALS, "GET", "/api/v1/accounts", b"", 1).values())
    assert "secret-of-the-tests" not in sent
    assert "passphrase-of-the-tests" not in sent


class Currency(StrEnum):
    USDT = "USDT"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param("BTC,USDT", "BTC,USDT", id="text"),
        pytest.param(Currency.USDT, "USDT", id="enumeration"),
        pytest.param("", "", id="empty text"),
        pytest.param(-5, "-5", id="int"),
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(Decimal("1E-8"), "0.00000001", id="decimal in full"),
        pytest.param(Decimal("1E+3"), "1000", id="decimal without exponent"),
        pytest.param(["BTC", "USDT"], "BTC,USDT", id="list"),
        pytest.param(("BTC",), "BTC", id="tuple"),
        pytest.param([], "", id="empty list"),
    ],
)
def test_a_value_has_one_spelling(value: Any, sent: str) -> None:
    assert text("name", value) == sent


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(0.1, id="float"),
        pytest.param(float("nan"), id="nan"),
        pytest.param(Decimal("NaN"), id="decimal nan"),
        pytest.param(Decimal("sNaN"), id="signalling nan"),
        pytest.param(Decimal("-Infinity"), id="infinite decimal"),
        pytest.param(b"BTC", id="bytes"),
        pytest.param({"a": 1}, id="dict"),
        pytest.param({"BTC"}, id="set"),
        pytest.param(["BTC", None], id="null in a list"),
        pytest.param(["BTC", 0.5], id="float in a list"),
        pytest.param(object(), id="object"),
    ],
)
def test_what_has_no_one_spelling_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="parameter size="):
        target("/api/v1/accounts", {"size": value})


def test_a_missing_value_is_not_sent() -> None:
    assert target("/api/v1/accounts", {"currency": None, "type": "main"}) == "/api/v1/accounts?type=main"
    assert target("/api/v1/accounts", {"currency": None}) == "/api/v1/accounts"
    assert target("/api/v1/accounts") == "/api/v1/accounts"


@pytest.mark.parametrize("params", [{"a": "\ud800"}, {"\udfff": "a"}, {"a": ["b", "x\ud83d"]}])
def test_a_lone_surrogate_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="lone surrogate"):
        target("/api/v1/accounts", params)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("", id="empty"),
        pytest.param("api/v1/accounts", id="relative"),
        pytest.param("//elsewhere.invalid/api", id="another host"),
        pytest.param("/api//v1", id="empty segment"),
        pytest.param("/api/../v1", id="parent"),
        pytest.param("/api/./v1", id="self"),
        pytest.param("/api/v1/..", id="parent at the end"),
        pytest.param("/api/v1/.", id="self at the end"),
        pytest.param("/..", id="nothing but the parent"),
        pytest.param("/api/v1/accounts?currency=BTC", id="query"),
        pytest.param("/api/v1/accounts#x", id="fragment"),
        pytest.param("/api/v1/a b", id="space"),
        pytest.param("/api/v1/a%20b", id="escape"),
        pytest.param("/api/v1/é", id="non-ASCII"),
        pytest.param("/api/v1/accounts\n", id="line break at the end"),
        pytest.param("/api/v1/a\r\nX-Evil: 1", id="header injection"),
        pytest.param("/api/v1/a@b", id="at"),
        pytest.param("/api/v1/a:b", id="colon"),
        pytest.param("http://127.0.0.1/api", id="URL"),
        pytest.param("/api\\v1", id="backslash"),
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="path"):
        target(path)


@pytest.mark.parametrize(
    "path",
    ["/", "/api/v1/accounts", "/api/v1/withdrawals/670b891f7e0f440007730692", "/a/..b/.c/d./~_-.", "/api/v1/accounts/"],
)
def test_a_plain_path_is_sent_as_it_is(path: str) -> None:
    assert target(path, {"a": 1}) == f"{path}?a=1"
