"""The table of endpoints, and finding a row by a concrete path."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_provider_kucoin.api import endpoints
from airflow_provider_kucoin.api.endpoints import ENDPOINTS, Endpoint, Pool, find

ROWS = [pytest.param(row, id=f"{row.method} {row.path}") for row in ENDPOINTS]


def test_every_endpoint_of_the_module_is_in_the_table_once() -> None:
    rows = [value for value in vars(endpoints).values() if isinstance(value, Endpoint)]
    assert sorted(map(repr, rows)) == sorted(map(repr, ENDPOINTS))
    assert len({(row.method, row.path) for row in rows}) == len(rows)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_found_by_its_own_path(row: Endpoint) -> None:
    assert find(row.method, re.sub(r"\{\w+\}", "548674591753", row.path)) == row


@pytest.mark.parametrize("row", ROWS)
def test_only_public_endpoints_go_unsigned_and_only_gets_are_repeated(row: Endpoint) -> None:
    assert row.is_signed == (row.pool is not Pool.PUBLIC)
    assert row.is_safe_to_repeat == (row.method == "GET")


@pytest.mark.parametrize("row", ROWS)
def test_what_pays_out_needs_the_permission_to_withdraw_and_is_a_post(row: Endpoint) -> None:
    assert not row.pays_out or (row.permission, row.method) == ("Transfer", "POST")


def test_a_path_without_variables_wins_over_one_with_them() -> None:
    assert find("GET", "/api/v1/accounts/ledgers").path == "/api/v1/accounts/ledgers"
    assert find("GET", "/api/v1/accounts/265329987780896").path == "/api/v1/accounts/{accountId}"


@pytest.mark.parametrize(
    ("method", "path", "futures"),
    [
        pytest.param("GET", "/api/v1/nowhere", False, id="unknown path"),
        pytest.param("DELETE", "/api/v1/accounts", False, id="known path, other method"),
        pytest.param("GET", "/api/v1/accounts/1/2", False, id="a variable holds no slash"),
        pytest.param("GET", "/api/v1/accounts/", False, id="a variable is not empty"),
        pytest.param("GET", "/api/v1/accounts", True, id="known path, other host"),
        pytest.param("POST", "/api/v1/accountsXledgers", False, id="near miss"),
    ],
)
def test_an_endpoint_that_is_not_in_the_table_is_signed_and_draws_from_no_known_pool(
    method: str, path: str, futures: Any
) -> None:
    row = find(method, path, futures=futures)
    assert (row.pool, row.weight, row.is_signed, row.futures) == (None, 0, True, futures)
    assert row.is_safe_to_repeat == (method == "GET")
    assert not row.data_expected
    assert not row.pays_out


@pytest.mark.parametrize(
    "path", ["/api/v1/withdrawals", "/api/v3/withdrawals", "/api/ua/v1/withdrawal"], ids=["v1", "v3", "unified"]
)
def test_every_way_to_withdraw_is_marked(path: str) -> None:
    assert find("POST", path).pays_out
