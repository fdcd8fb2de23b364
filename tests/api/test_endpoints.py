"""
The table of endpoints, and finding a row by a concrete path.

``endpoints.csv`` holds the facts once more, in the words of the sources, one line per endpoint: that table can be
checked against them line by line.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kucoin.api import endpoints
from airflow_provider_kucoin.api.endpoint_table import FUTURES_HOST, SPOT_HOST
from airflow_provider_kucoin.api.endpoints import ENDPOINTS, Endpoint, Moves, Pool, find, known, parse

with (Path(__file__).parent / "endpoints.csv").open(newline="") as _file:
    FACTS = list(csv.DictReader(_file))

#: The documentation's tags that are called otherwise in the permissions of a key.
PERMISSIONS = {"Withdrawal": "Transfer", "FlexTransfers": "InnerTransfer", "": "General"}
#: Weights that the first source leaves out, or tells smaller than another one.
WEIGHTS = {
    ("GET", "/api/v1/earn/promotion/products", "spot"): 5,
    ("GET", "/api/v1/recentFills", "futures"): 3,
    ("GET", "/api/v1/level2/depth{size}", "futures"): 10,
    ("GET", "/api/v1/timestamp", "futures"): 3,
}
#: What comes back from these on success is null.
WITHOUT_DATA = {
    "DELETE /api/v1/withdrawals/{withdrawalId}",
    "DELETE /api/ua/v1/withdrawal",
    "POST /api/ua/v2/asset/withdraw/cancel",
    "POST /api/v3/sub/user/margin/enable",
    "POST /api/v3/sub/user/futures/enable",
    "POST /api/v1/transfer-in",
    "POST /api/v3/position/update-user-leverage",
}


def _key(row: Endpoint) -> tuple[str, str, str]:
    return row.method, row.path, "futures" if row.futures else "spot"


def _named(moves: Moves) -> set[str]:
    return {f"{row.method} {row.path}" for row in ENDPOINTS if row.moves is moves}


# ------------------------------------------------------------------------------------------------------------ the facts


def test_the_table_has_every_endpoint_of_the_sources_once_and_no_other() -> None:
    assert sorted(map(_key, ENDPOINTS)) == sorted((fact["method"], fact["path"], fact["host"]) for fact in FACTS)
    assert len(set(map(_key, ENDPOINTS))) == len(ENDPOINTS)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact['method']} {fact['host']} {fact['path'].lstrip('/')}")
def test_an_endpoint_is_as_its_source_says(fact: dict[str, str]) -> None:
    key = fact["method"], fact["path"], fact["host"]
    [row] = [row for row in ENDPOINTS if _key(row) == key]
    permission = PERMISSIONS.get(fact["permission"], fact["permission"])
    assert row.permission == (None if fact["channel"] == "public" else permission)
    assert row.pool == (fact["pool"] or None)
    assert row.weight == WEIGHTS.get(key, int(fact["weight"] or 0))
    assert row.weight >= int(fact["weight"] or 0)


def test_all_187_operations_of_kucoins_descriptions_are_there() -> None:
    assert sum(fact["source"] == "openapi" for fact in FACTS) == 187


def test_every_constant_is_a_row_of_the_table() -> None:
    constants = [value for value in vars(endpoints).values() if isinstance(value, Endpoint)]
    assert constants
    assert all(any(constant is row for row in ENDPOINTS) for constant in constants)


def test_a_pool_that_is_not_known_has_no_weight_that_counts() -> None:
    assert {row.pool for row in ENDPOINTS} == {None, *Pool}
    assert all(row.pool is None for row in ENDPOINTS if row.weight == 0 and row.path != "/api/v1/my-ip")


def test_calls_of_which_success_is_documented_without_data_do_not_expect_any() -> None:
    assert {f"{row.method} {row.path}" for row in ENDPOINTS if not row.data_expected} == WITHOUT_DATA


def test_only_gets_are_repeated() -> None:
    assert all(row.is_safe_to_repeat == (row.method == "GET") for row in ENDPOINTS)


def test_the_table_is_in_columns_and_says_where_its_sections_are_from() -> None:
    """Or nobody could read it."""
    lines = [line for line in (SPOT_HOST + FUTURES_HOST).splitlines() if line]
    assert max(map(len, lines)) <= 120
    rows = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Z]+ +/api/\S+ +\S+ +\S+ +(\d+|\?)( [a-z ]+)?", row) for row in rows)
    assert len({row.index("/") for row in rows}) == 1


# ---------------------------------------------------------------------------------------------------------------- money


def test_these_and_no_others_move_money_out() -> None:
    assert _named(Moves.OUT) == {
        "POST /api/v1/withdrawals",
        "POST /api/v3/withdrawals",
        "POST /api/ua/v1/withdrawal",
        "POST /api/ua/v2/asset/withdrawal",
    }
    assert {f"{row.method} {row.path}" for row in ENDPOINTS if row.pays_out} == _named(Moves.OUT)


def test_these_and_no_others_move_money_between_accounts() -> None:
    assert _named(Moves.BETWEEN) == {
        "POST /api/v3/accounts/universal-transfer",
        "POST /api/v2/accounts/sub-transfer",
        "POST /api/v2/accounts/inner-transfer",
        "POST /api/v3/transfer-out",
        "POST /api/v1/transfer-in",
        "POST /api/ua/v1/account/transfer",
        "POST /api/ua/v2/account/transfer",
    }


def test_whatever_needs_the_permission_to_withdraw_withdraws_or_cancels_that() -> None:
    rest = {f"{row.method} {row.path}" for row in ENDPOINTS if row.permission == "Transfer"} - _named(Moves.OUT)
    assert rest == {
        "DELETE /api/v1/withdrawals/{withdrawalId}",
        "DELETE /api/ua/v1/withdrawal",
        "POST /api/ua/v2/asset/withdraw/cancel",
    }


def test_a_get_moves_nothing() -> None:
    assert {row.moves for row in ENDPOINTS if row.method == "GET"} == {Moves.NOTHING}


# -------------------------------------------------------------------------------------------------------------- finding


@pytest.mark.parametrize("value", ["548674591753", "BTC-USDT", "20"])
def test_every_row_is_found_by_its_own_path(value: str) -> None:
    for row in ENDPOINTS:
        path = re.sub(r"\{[^}]+\}", value, row.path)
        assert find(row.method, path, futures=row.futures) is row
        assert known(row.method, path, futures=row.futures) is row


def test_no_path_belongs_to_two_rows_with_variables() -> None:
    patterns = [(row, re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(row.path))) for row in ENDPOINTS if "{" in row.path]
    for row, _ in patterns:
        path = re.sub(r"\{[^}]+\}", "x", row.path)
        same = [
            other
            for other, pattern in patterns
            if (other.method, other.futures) == (row.method, row.futures) and re.fullmatch(pattern, path)
        ]
        assert same == [row]


@pytest.mark.parametrize(
    ("method", "path", "futures", "found"),
    [
        ("GET", "/api/v1/accounts/ledgers", False, "/api/v1/accounts/ledgers"),
        ("GET", "/api/v1/accounts/265329987780896", False, "/api/v1/accounts/{accountId}"),
        ("DELETE", "/api/v1/hf/orders/cancelAll", False, "/api/v1/hf/orders/cancelAll"),
        ("GET", "/api/v1/withdrawals/quotas", False, "/api/v1/withdrawals/quotas"),
        ("GET", "/api/v1/contracts/active", True, "/api/v1/contracts/active"),
        ("GET", "/api/v1/orders/byClientOid", True, "/api/v1/orders/byClientOid"),
    ],
)
def test_a_path_without_variables_wins_over_one_with_them(method: str, path: str, futures: Any, found: str) -> None:
    assert find(method, path, futures=futures).path == found


@pytest.mark.parametrize(
    ("path", "futures", "found"),
    [
        ("/api/v1/orders/5cdfc138b21023a909e5ad55", True, "/api/v1/orders/{order-id}"),
        ("/api/v1/market/orderbook/level2_100", False, "/api/v1/market/orderbook/level2_{size}"),
        (
            "/api/v1/market/orderbook/callauction/level2_20",
            False,
            "/api/v1/market/orderbook/callauction/level2_{size}",
        ),
        ("/api/v1/level2/depth20", True, "/api/v1/level2/depth{size}"),
        ("/api/ua/v1/unified/order/history", False, "/api/ua/v1/{accountMode}/order/history"),
    ],
)
def test_a_variable_may_have_any_name_and_stand_anywhere(path: str, futures: Any, found: str) -> None:
    assert find("GET", path, futures=futures).path == found


def test_one_path_may_be_two_endpoints_on_two_hosts() -> None:
    spot, futures = find("GET", "/api/v1/fills"), find("GET", "/api/v1/fills", futures=True)
    assert (spot.pool, spot.weight, futures.pool, futures.weight) == (Pool.SPOT, 10, Pool.FUTURES, 5)


@pytest.mark.parametrize(
    ("method", "path", "futures"),
    [
        pytest.param("GET", "/api/v1/nowhere", False, id="unknown path"),
        pytest.param("DELETE", "/api/v1/accounts", False, id="known path, other method"),
        pytest.param("GET", "/api/v1/accounts/1/2", False, id="a variable holds no slash"),
        pytest.param("GET", "/api/v1/accounts/", False, id="a variable is not empty"),
        pytest.param("GET", "/api/v1/accounts", True, id="known path, other host"),
        pytest.param("GET", "/api/v1/accountsXledgers", False, id="near miss"),
        pytest.param("GET", "/api/v1/market/orderbook/level2_", False, id="no size"),
        pytest.param("POST", "/api/v1/accounts/{accountId}", False, id="other method, braces"),
        pytest.param("PATCH", "/api/v1/trade-fees", True, id="the method that the descriptions lend it"),
    ],
)
def test_an_endpoint_that_is_not_in_the_table_is_signed_and_draws_from_no_known_pool(
    method: str, path: str, futures: Any
) -> None:
    assert known(method, path, futures=futures) is None
    row = find(method, path, futures=futures)
    assert (row.pool, row.weight, row.is_signed, row.futures) == (None, 0, True, futures)
    assert row.is_safe_to_repeat == (method == "GET")
    assert not row.data_expected
    assert not row.pays_out


# -------------------------------------------------------------------------------------------------------------- reading


def test_a_line_is_read_as_its_columns_say() -> None:
    [first, second] = parse("# a section\n\nPOST /api/x  Spot Earn 7 within null\nGET /api/{y-z} - ? ?\n", futures=True)
    assert first == Endpoint(
        "POST", "/api/x", Pool.EARN, 7, "Spot", futures=True, data_expected=False, moves=Moves.WITHIN
    )
    assert second == Endpoint("GET", "/api/{y-z}", None, 0, None, futures=True)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("GET /api/x General Spot", id="no weight"),
        pytest.param("GET /api/x General Sport 1", id="pool"),
        pytest.param("GET /api/x General Spot one", id="weight"),
        pytest.param("POST /api/x General Spot 1 away", id="note"),
        pytest.param("POST /api/x General Spot 1 out within", id="two moves"),
    ],
)
def test_a_line_that_is_not_understood_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(parse(line, futures=False))
