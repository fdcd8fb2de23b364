"""What a general call may do, and that nothing that moves money gets through, however its path is spelled."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.endpoints import ENDPOINTS, Endpoint, Moves, find
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.general_calls import (
    METHODS,
    advice,
    encode_body,
    prepare,
    refuse_money,
    secrets_in,
)

MONEY = [row for row in ENDPOINTS if row.moves in {Moves.OUT, Moves.BETWEEN}]
VERBS = {Moves.OUT: "withdrawal policy: use KucoinHook.withdraw", Moves.BETWEEN: "use KucoinHook.transfer"}

#: A DELETE of these cancels a withdrawal.
CANCELS = re.compile("/api/ua/v1/withdrawal|/api/v1/withdrawals/[a-z]+")

# ---------------------------------------------------------------------------------------------------------------- money

#: Ways to write a path that one server or another, or a proxy before it, reads as the plain one.
SPELLINGS = {
    "as it is": lambda path: path,
    "upper case": str.upper,
    "title case": str.title,
    "slash at the end": lambda path: path + "/",
    "slashes doubled": lambda path: path.replace("/", "//"),
    "slashes doubled behind": lambda path: "/api" + path[4:].replace("/", "//"),
    "dot segments": lambda path: path.replace("/v", "/./v"),
    "dot segment at the end": lambda path: path + "/.",
    "a way round": lambda path: path.replace("/v", "/x/../v"),
    "a way round at the end": lambda path: path + "/x/..",
    "dots escaped": lambda path: path.replace("/v", "/x/%2e%2E/v"),
    "slash escaped": lambda path: path.replace("/v", "%2Fv"),
    "slash escaped twice": lambda path: path.replace("/v", "%252fv"),
    "letter escaped": lambda path: path.replace("draw", "%64raw").replace("fer", "%66er"),
    "letter escaped twice": lambda path: path.replace("draw", "%2564raw").replace("fer", "%2566er"),
    "letter escaped ten times": lambda path: path.replace("draw", f"%{'25' * 9}64raw").replace(
        "fer", f"%{'25' * 9}66er"
    ),
    "all escaped": lambda path: "/" + "".join(f"%{ord(letter):02x}" for letter in path[1:]),
    "query": lambda path: path + "?x=1",
    "query escaped": lambda path: path + "%3Fx=1",
    "fragment": lambda path: path + "#x",
    "parameter of a segment": lambda path: path + ";x=1",
    "parameter of a segment in the middle": lambda path: path.replace("/v", ";x=1/v"),
    "suffix": lambda path: path + ".json",
    "backslashes": lambda path: path.replace("/", "\\"),
    "blank": lambda path: path + " ",
    "blank escaped": lambda path: path + "%20",
    "line break": lambda path: path + "\r\n",
    "tab inside": lambda path: path.replace("draw", "d\traw").replace("fer", "f\ter"),
    "null inside": lambda path: path.replace("draw", "d%00raw").replace("fer", "f%00er"),
    "zero-width blank inside": lambda path: path.replace("draw", "d\u200braw").replace("fer", "f\u200ber"),
    "wide letters": lambda path: path.replace("w", "\uff57").replace("t", "\uff54"),
    "long s": lambda path: path.replace("s", "\u017f"),
    "another version": lambda path: re.sub("/v[0-9]", "/v9", path),
    "no version": lambda path: re.sub("/v[0-9]", "", path),
    "one level down": lambda path: path + "/apply",
    "host in front": lambda path: "https://api.kucoin.com" + path,
    "two slashes in front": lambda path: "//api.kucoin.com" + path,
    "no slash in front": lambda path: path.lstrip("/"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_moves_money_is_refused_however_it_is_spelled(spelling: str) -> None:
    for row in MONEY:
        path = SPELLINGS[spelling](row.path)
        for method in {*METHODS, "PATCH", "HEAD", "OPTIONS", "TRACE", "POST "} - {"GET"}:
            if method == "DELETE" and CANCELS.fullmatch(path):
                continue
            with pytest.raises(InvalidInput, match=VERBS[row.moves]):
                refuse_money(method, path)


@given(st.text("/.%\\;?#&=_- \t\n", max_size=3), st.data())
def test_no_signs_put_anywhere_into_a_path_help(signs: str, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(MONEY))
    at = data.draw(st.integers(0, len(row.path)))
    with pytest.raises(InvalidInput):
        refuse_money("POST", row.path[:at] + signs + row.path[at:])


@given(st.data())
def test_no_mixture_of_cases_and_escapes_helps(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(MONEY))
    ways = (str.lower, str.upper, lambda letter: f"%{ord(letter):02x}", lambda letter: f"%25{ord(letter):02X}")
    path = "".join(data.draw(st.sampled_from(ways))(letter) if letter != "/" else letter for letter in row.path)
    with pytest.raises(InvalidInput, match=VERBS[row.moves]):
        refuse_money("POST", path)


@pytest.mark.parametrize(
    ("method", "path", "verb"),
    [
        ("POST", "/api/v4/withdrawals", "KucoinHook.withdraw"),
        ("POST", "/api/v1/sub-accounts/withdraw", "KucoinHook.withdraw"),
        ("PUT", "/api/v1/withdrawals/1", "KucoinHook.withdraw"),
        ("POST", "/api/v1/broker/nd/transfer", "KucoinHook.transfer"),
        ("POST", "/api/v1/withdrawals/transfer", "KucoinHook.withdraw"),
        ("DELETE", "/api/v1/withdrawals/a/b", "KucoinHook.withdraw"),
        ("DELETE", "/api/v1/withdrawals/%2e%2e", "KucoinHook.withdraw"),
        ("POST", "/api/v1/margin/withdrawMargin/", "KucoinHook.withdraw"),
    ],
)
def test_what_looks_as_if_it_moved_money_is_refused_too(method: str, path: str, verb: str) -> None:
    with pytest.raises(InvalidInput, match=f"looks as if it moved money .*{verb}"):
        refuse_money(method, path)


def test_every_row_that_moves_money_would_be_refused_without_the_table() -> None:
    """The telltales in their paths are what unknown versions of them are known by."""
    assert all(re.search("withdraw|transfer", row.path) for row in MONEY)


@pytest.mark.parametrize(
    "row",
    [row for row in ENDPOINTS if row not in MONEY],
    ids=lambda row: f"{row.method} {row.path.lstrip('/')}",
)
def test_every_other_endpoint_is_reached(row: Endpoint) -> None:
    path = re.sub(r"\{[^}]+\}", "BTC-USDT", row.path)
    endpoint, body = prepare(row.method, path, None, None, futures=row.futures)
    assert (endpoint.path, endpoint.pool, endpoint.weight, body) == (row.path, row.pool, row.weight, b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/new/%6frders"),
        ("POST", "/api/v1//orders"),
        ("POST", "/api/v1/../orders"),
        ("DELETE", "/api/v1/orders;x"),
        ("POST", "/api/v1/orders?x=1"),
        ("POST", ""),
    ],
)
def test_a_path_that_may_be_read_in_two_ways_is_refused_where_something_is_acted_on(method: str, path: str) -> None:
    with pytest.raises(InvalidInput, match="KuCoin's paths begin with"):
        refuse_money(method, path)


def test_a_long_path_is_cut_in_the_message() -> None:
    with pytest.raises(InvalidInput) as caught:
        refuse_money("POST", "/withdraw" + "x" * 10_000)
    assert len(str(caught.value)) < 500


# ------------------------------------------------------------------------------------------------------------ the rest


@pytest.mark.parametrize("method", ["get", "Get", "GET"])
def test_a_method_may_be_written_in_any_case(method: str) -> None:
    assert prepare(method, "/api/v1/accounts", None, None)[0].method == "GET"


@pytest.mark.parametrize("method", ["", "PATCH", "GET ", "GET\n", "POST /api/v3/withdrawals", None, 7, b"GET"])
def test_a_method_that_kucoin_does_not_have_is_refused(method: Any) -> None:
    with pytest.raises(InvalidInput, match="is not one of GET, POST, PUT, DELETE"):
        prepare(method, "/api/v1/accounts", None, None)


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        (None, None, "path=None is not text"),
        (b"/api/v1/accounts", None, "is not text"),
        ("/api/v1/accounts/{accountId}", None, "put the id itself"),
        ("/api/v1/accounts", "currency=BTC", "params='currency=BTC' is not a mapping"),
        ("/api/v1/accounts", [("currency", "BTC")], "is not a mapping"),
    ],
)
def test_what_is_no_path_or_no_parameters_is_refused(path: Any, params: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        prepare("GET", path, params, None)


def test_a_get_never_has_a_body() -> None:
    for json in ({}, [], {"a": "1"}):
        with pytest.raises(InvalidInput, match="a GET has no body"):
            prepare("GET", "/api/v1/accounts", None, json)


def test_a_get_that_finds_nothing_may_come_without_data_but_an_order_may_not() -> None:
    assert not prepare("GET", "/api/v1/accounts", None, None)[0].data_expected
    assert prepare("POST", "/api/v1/hf/orders", None, {})[0].data_expected
    assert find("GET", "/api/v1/accounts").data_expected


def test_a_body_is_json_with_its_amounts_as_text() -> None:
    body = {"a": Decimal("1E+3"), "b": [Decimal("1e-18")], "c": UUID(int=1), "d": (1, True, None, "é"), "e": {}}
    assert encode_body(body).decode() == (
        '{"a":"1000","b":["0.000000000000000001"],"c":"00000000-0000-0000-0000-000000000001",'
        '"d":[1,true,null,"é"],"e":{}}'
    )


@pytest.mark.parametrize("json", ["text", 1, True, None, Decimal(1)])
def test_a_body_is_a_mapping_or_a_list(json: Any) -> None:
    with pytest.raises(InvalidInput, match="a body is a mapping or a list"):
        encode_body(json)


@pytest.mark.parametrize("value", [1 << 64, -(1 << 64)])
def test_a_number_that_no_json_reader_may_keep_is_refused(value: int) -> None:
    with pytest.raises(InvalidInput, match="64 bits"):
        encode_body({"n": value})


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_an_amount_that_is_no_number_is_refused(amount: str) -> None:
    with pytest.raises(InvalidInput, match="is not an amount"):
        encode_body({"amount": Decimal(amount)})


@pytest.mark.parametrize("value", [0.1, object(), b"1", 1j])
def test_what_json_does_not_have_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        encode_body({"n": [value]})
    with pytest.raises(TypeError):
        prepare("GET", "/api/v1/accounts", {"n": value}, None)


@pytest.mark.parametrize(
    ("method", "path", "futures", "said"),
    [
        ("GET", "/api/v1/positions", False, "It is an endpoint of the futures host: futures=True"),
        ("GET", "/api/v1/accounts", True, "It is an endpoint of the spot host: futures=False"),
        ("POST", "/api/v1/accounts", False, "Its methods are: GET"),
        ("PUT", "/api/v1/hf/orders", False, "Its methods are: POST, DELETE"),
        ("GET", "/api/v1/nowhere", False, ""),
        ("GET", "/api/v1/accounts", False, ""),
    ],
)
def test_what_may_be_meant_is_told(method: str, path: str, futures: Any, said: str) -> None:
    assert advice(find(method, path, futures=futures), path) == said


def test_secrets_are_found_by_the_names_of_their_fields() -> None:
    value = {
        "passphrase": "one",
        "keys": [{"apiSecret": "two", "apiKey": "shown", "remark": "shown"}],
        "token": "three",
        "password": ["four", {"x": "shown"}],
        "secret": "",
        "n": 5,
    }
    assert list(secrets_in(value)) == ["one", "two", "three", "four"]
    assert list(secrets_in("text")) == []
