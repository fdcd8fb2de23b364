"""Account modes: endpoints of the other one refuse, with HTTP 200 and a code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

UNIFIED = ("/api/ua/v1/account/ledger", {"accountType": "UNIFIED"}, False)
CLASSIC = [
    ("/api/v1/accounts/ledgers", {}, False),
    ("/api/v1/hf/accounts/ledgers", {}, False),
    ("/api/v3/hf/margin/account/ledgers", {}, False),
    ("/api/v1/accounts", {}, False),
    ("/api/v3/margin/accounts", {}, False),
    ("/api/v1/transaction-history", {}, True),
    ("/api/v1/account-overview", {}, True),
]
BOTH = [
    ("/api/v1/user/api-key", {}, False),
    ("/api/v2/user-info", {}, False),
    ("/api/v2/sub/user", {}, False),
    ("/api/v1/withdrawals", {"currency": "USDT"}, False),
    ("/api/v1/deposits", {"currency": "USDT"}, False),
    ("/api/v1/timestamp", {}, False),
    ("/api/v1/timestamp", {}, True),
]


@pytest.mark.parametrize(("path", "params", "futures"), CLASSIC)
def test_a_unified_account_has_no_classic_endpoints(
    exchange: Exchange,
    ask: Any,
    path: str,
    params: dict[str, str],
    futures: bool,  # noqa: FBT001  a case
) -> None:
    assert ask(path, params, futures=futures).code == "200000"
    exchange.account_mode = "unified"
    answer = ask(path, params, futures=futures)
    assert (answer.status, answer.json) == (200, {"code": "116104", "msg": "User not found."})


def test_a_classic_account_has_no_unified_endpoints(exchange: Exchange, ask: Any) -> None:
    path, params, _ = UNIFIED
    answer = ask(path, params)
    assert (answer.status, answer.code) == (200, "112010")
    exchange.account_mode = "unified"
    assert ask(path, params).code == "200000"


@pytest.mark.parametrize("mode", ["classic", "unified"])
@pytest.mark.parametrize(("path", "params", "futures"), BOTH)
def test_some_endpoints_belong_to_both(
    exchange: Exchange,
    ask: Any,
    mode: Any,
    path: str,
    params: dict[str, str],
    futures: bool,  # noqa: FBT001  a case
) -> None:
    exchange.account_mode = mode
    assert ask(path, params, futures=futures).code == "200000"


def test_which_code_comes_where_is_a_reading(exchange: Exchange, ask: Any) -> None:
    exchange.readings.wrong_mode_codes = {"classic": "112010", "unified": "116104"}
    assert ask(UNIFIED[0], UNIFIED[1]).code == "116104"
    exchange.account_mode = "unified"
    assert ask("/api/v1/accounts").code == "112010"


def test_classic_accounts_may_ask_the_unified_api(exchange: Exchange, ask: Any) -> None:
    exchange.readings.unified_api_for_classic = "served"
    assert ask(UNIFIED[0], UNIFIED[1]).code == ask("/api/v1/accounts").code == "200000"


def test_who_may_not_ask_at_all_is_told_that_first(exchange: Exchange, ask: Any) -> None:
    assert ask(UNIFIED[0], UNIFIED[1], headers={"KC-API-SIGN": "wrong"}).code == "400005"
    assert exchange.requests[-1].code == "400005"
