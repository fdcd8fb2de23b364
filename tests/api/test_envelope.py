"""From an answer to its data, or to the error that says what to do next: at every status, whatever the body."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.codes import CODES, PAUSES
from airflow_provider_kucoin.api.envelope import MESSAGE_LIMIT, Answer, Unreadable, unwrap
from airflow_provider_kucoin.api.errors import (
    FatalError,
    KucoinError,
    RateLimited,
    RequestRefused,
)

STATUSES = [200, 400, 401, 403, 429, 500, 502]
HTML = b"<!DOCTYPE html><html><head><title>502</title></head><body>Bad Gateway</body></html>"
PAGE_1015 = (
    b"<!DOCTYPE html><html><title>Access denied</title>Error 1015 You are being rate limited - Cloudflare</html>"
)
USED_UP = {"gw-ratelimit-limit": "2000", "gw-ratelimit-remaining": "0", "gw-ratelimit-reset": "12345"}


def answer(body: bytes, status: int = 200, **headers: Any) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def problem_of(found: Any, **options: Any) -> Any:
    with pytest.raises((KucoinError, Unreadable)) as caught:
        unwrap(found, **options)
    return caught.value


# ------------------------------------------------------------------------------------------------------------ success


@pytest.mark.parametrize("data", [{"a": 1}, [], {}, "", 0, False, [None], 1546837113087], ids=json.dumps)
def test_success_is_its_data_even_where_that_is_falsy(data: Any) -> None:
    assert unwrap(answer({"code": "200000", "data": data})) == data


@pytest.mark.parametrize("envelope", [{"code": "200000"}, {"code": "200000", "data": None}], ids=["absent", "null"])
def test_success_without_data_is_no_success_where_data_is_due(envelope: dict[str, Any]) -> None:
    assert isinstance(problem_of(answer(envelope)), Unreadable)


@pytest.mark.parametrize("envelope", [{"code": "200000"}, {"code": "200000", "data": None}], ids=["absent", "null"])
def test_success_without_data_is_success_where_none_is_due(envelope: dict[str, Any]) -> None:
    assert unwrap(answer(envelope), data_expected=False) is None


def test_success_that_says_unsuccessful_is_no_success_and_the_words_are_kept() -> None:
    words = "Unsuccessful! Exceeded the max. funds out-transfer limit"
    problem = problem_of(answer({"code": "200000", "msg": words}))
    assert isinstance(problem, Unreadable)
    assert words in str(problem)


@pytest.mark.parametrize("status", [201, 204, 302, 400, 429, 500, 503])
def test_success_at_another_status_than_200_is_a_contradiction(status: int) -> None:
    assert isinstance(problem_of(answer({"code": "200000", "data": {}}, status)), Unreadable)


@pytest.mark.parametrize("code", ["200", 200, "0", "20000", "2000000", "", None, True, [], {}], ids=repr)
def test_nothing_but_200000_is_success(code: Any) -> None:
    assert isinstance(problem_of(answer({"code": code, "data": {"withdrawalId": "1"}})), RequestRefused)


@pytest.mark.parametrize(
    "number", ["0.1", "6.41E-4", "1e30", "14.02924938", "0.10000000000000000555", "1.10"], ids=lambda number: number
)
def test_numbers_with_a_fraction_are_exact_decimals(number: str) -> None:
    data = unwrap(answer(b'{"code":"200000","data":{"amount":' + number.encode() + b"}}"))
    assert isinstance(data["amount"], Decimal)
    assert str(data["amount"]) == str(Decimal(number))


@pytest.mark.parametrize("number", [2**63 - 1, 2**64, 10**40, -(2**63) - 1], ids=str)
def test_whole_numbers_are_exact_whatever_their_size(number: int) -> None:
    data = unwrap(answer(b'{"code":"200000","data":%d}' % number))
    assert (data, type(data)) == (number, int)


# -------------------------------------------------------------------------------------------------------------- codes


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("code", CODES)
def test_a_code_means_the_same_at_every_status(code: str, status: int) -> None:
    problem = problem_of(answer({"code": code, "msg": "KuCoin's own words"}, status))
    row = CODES[code]
    assert type(problem) is (row.error or Unreadable)
    assert all(part in str(problem) for part in (code, row.meaning, row.remedy, "KuCoin's own words"))
    if isinstance(problem, KucoinError):
        assert (problem.code, problem.http_status) == (code, status)


@pytest.mark.parametrize("code", CODES)
def test_a_code_without_words_has_its_meaning_still(code: str) -> None:
    problem = problem_of(answer({"code": code}))
    assert CODES[code].meaning in str(problem)
    assert "None" not in str(problem)


def test_a_code_that_comes_as_a_number_is_the_same_code() -> None:
    assert problem_of(answer({"code": 400100, "msg": "x"})).code == "400100"


@pytest.mark.parametrize("status", [200, 400, 403, 429])
def test_an_unknown_code_is_a_refusal_with_kucoins_words(status: int) -> None:
    problem = problem_of(answer({"code": "777777", "msg": "something new"}, status))
    assert type(problem) is RequestRefused
    assert (problem.code, problem.http_status) == ("777777", status)
    assert "something new" in str(problem)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_unknown_code_at_a_servers_error_leaves_the_outcome_open(status: int) -> None:
    problem = problem_of(answer({"code": "777777", "msg": "something new"}, status))
    assert isinstance(problem, Unreadable)
    assert "777777" in str(problem)


def test_a_suspended_cancel_is_no_rate_limit_although_it_has_the_same_number() -> None:
    problem = problem_of(answer({"code": "200002", "msg": "Cancel order is suspended"}))
    assert type(problem) is FatalError


# -------------------------------------------------------------------------------------------------------- rate limits


def test_a_used_up_quota_tells_when_it_is_back() -> None:
    problem = problem_of(answer({"code": "429000", "msg": "Too Many Requests"}, 429, **USED_UP))
    assert isinstance(problem, RateLimited)
    assert (problem.retry_after, problem.quota_used_up) == (12.345, True)


def test_a_reset_of_nothing_is_no_pause() -> None:
    headers = USED_UP | {"gw-ratelimit-reset": "0"}
    assert problem_of(answer({"code": "429000"}, 429, **headers)).retry_after == 0


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no headers"),
        pytest.param(USED_UP | {"gw-ratelimit-remaining": "1500"}, id="quota left"),
        pytest.param(USED_UP | {"gw-ratelimit-remaining": ""}, id="empty"),
        pytest.param(USED_UP | {"gw-ratelimit-remaining": "--1"}, id="two signs"),
        pytest.param(USED_UP | {"gw-ratelimit-reset": "soon"}, id="words"),
        pytest.param(USED_UP | {"gw-ratelimit-reset": "²"}, id="superscript"),
        pytest.param(USED_UP | {"gw-ratelimit-reset": "-1"}, id="negative"),
        pytest.param(USED_UP | {"gw-ratelimit-reset": "99999999999999"}, id="in three thousand years"),
        pytest.param(USED_UP | {"gw-ratelimit-limit": "-1"}, id="limit unknown"),
    ],
)
def test_an_overload_of_kucoin_tells_no_pause(headers: dict[str, Any]) -> None:
    problem = problem_of(answer({"code": "429000"}, 429, **headers))
    assert isinstance(problem, RateLimited)
    assert (problem.retry_after, problem.quota_used_up) == (None, False)


def test_the_old_throttle_pauses_for_its_fixed_time() -> None:
    problem = problem_of(answer({"code": "200002", "msg": "Too many requests in a short period"}))
    assert (type(problem), problem.retry_after) == (RateLimited, PAUSES["200002"])


@pytest.mark.parametrize("status", [200, 403, 429, 503])
def test_cloudflares_1015_page_pauses_for_its_fixed_time_at_every_status(status: int) -> None:
    problem = problem_of(answer(PAGE_1015, status))
    assert isinstance(problem, RateLimited)
    assert (problem.code, problem.retry_after, problem.http_status) == ("1015", PAUSES["1015"], status)


@pytest.mark.parametrize("body", [HTML, b"", b"slow down"], ids=["html", "empty", "words"])
def test_429_without_json_is_a_rate_limit(body: bytes) -> None:
    problem = problem_of(answer(body, 429))
    assert isinstance(problem, RateLimited)
    assert (problem.code, problem.retry_after) == ("429000", None)


# ---------------------------------------------------------------------------------------------------- unusable bodies


@pytest.mark.parametrize("status", [200, 400, 403, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(HTML, id="html"),
        pytest.param(b'{"code":"200000","data":{"items":[{"id":"1"', id="truncated"),
        pytest.param(b'{"code":"200000","data":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"code":"200000","data":"\\ud800"}', id="lone surrogate"),
        pytest.param(b'{"code":"200000","data":1e9999999999999999999999}', id="exponent beyond any decimal"),
        pytest.param(b'{"code":"200000","data":' + b"[" * 100_000, id="deep"),
        pytest.param(b'{"code":"200000","data":' + b"1" * 5000 + b"}", id="number of 5000 digits"),
        pytest.param(b'{"code":"200000","data":NaN}', id="NaN"),
        pytest.param(b'\xef\xbb\xbf{"code":"200000","data":1}', id="byte order mark"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"200000"', id="text"),
        pytest.param(b"{}", id="no code"),
        pytest.param(b'{"timestamp":"2026","status":502,"error":"Bad Gateway"}', id="another envelope"),
    ],
)
def test_a_body_that_is_no_envelope_leaves_the_outcome_open(body: bytes, status: int) -> None:
    problem = problem_of(answer(body, status))
    assert isinstance(problem, Unreadable)
    assert str(status) in str(problem)


def test_an_html_page_is_called_one() -> None:
    assert "HTML" in str(problem_of(answer(HTML, 502)))
    assert "HTML" not in str(problem_of(answer(b"{", 502)))


@given(st.binary(max_size=200), st.sampled_from(STATUSES), st.booleans())
def test_no_body_whatever_raises_anything_else(body: bytes, status: int, data_expected: Any) -> None:
    with contextlib.suppress(KucoinError, Unreadable):
        unwrap(Answer(status, {}, body), data_expected=data_expected)


# ----------------------------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize("code", ["400100", "777777", "500000", "429000"])
def test_kucoins_words_are_cut_at_256_characters(code: str) -> None:
    problem = problem_of(answer({"code": code, "msg": "x" * 10_000}))
    assert str(problem).count("x" * MESSAGE_LIMIT) == 1
    assert "x" * (MESSAGE_LIMIT + 1) not in str(problem)
    assert "..." in str(problem)


def test_words_of_exactly_256_characters_are_whole() -> None:
    assert "..." not in str(problem_of(answer({"code": "400100", "msg": "x" * MESSAGE_LIMIT})))


def test_words_are_put_on_one_line() -> None:
    assert "(a b c)" in str(problem_of(answer({"code": "400100", "msg": "a\r\n\tb  c\n"})))


@pytest.mark.parametrize("message", [{"secret": "x"}, ["a"], 5], ids=["dict", "list", "int"])
def test_words_that_are_no_text_are_quoted_all_the_same(message: dict[str, Any] | int | list[Any]) -> None:
    assert str(message) in str(problem_of(answer({"code": "400100", "msg": message})))


def test_a_monstrous_code_is_cut() -> None:
    problem = problem_of(answer({"code": "9" * 100_000, "msg": "x"}))
    assert len(str(problem)) < 1000
    assert len(problem.code) == MESSAGE_LIMIT


@pytest.mark.parametrize("status", [200, 500])
def test_a_body_that_is_not_understood_is_not_quoted(status: int) -> None:
    problem = problem_of(answer(b'{"code":"200000","data":{"apiSecret":"of-the-tests"', status))
    assert "of-the-tests" not in str(problem)


def test_a_decoder_of_ones_own_reads_what_it_knows_and_leaves_the_rest_to_the_general_way() -> None:
    body = b'{"code":"200000","data":[1.5]}'
    assert unwrap(Answer(200, {}, body), decode=lambda seen: ("own", seen)) == ("own", body)
    assert unwrap(Answer(200, {}, body), decode=lambda _: None) == [Decimal("1.5")]


def test_an_answer_that_is_no_success_is_not_shown_to_a_decoder_of_ones_own() -> None:
    refused = Answer(500, {}, b'{"code":"200000","data":[1]}')
    with pytest.raises(Unreadable, match="contradictory"):
        unwrap(refused, decode=lambda _: pytest.fail("was shown"))
