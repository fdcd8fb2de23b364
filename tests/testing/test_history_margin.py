"""What was borrowed, repaid and paid as interest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import ApiKey
from airflow_provider_kucoin.testing.history_limits import MARGIN_SINCE_MS

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
PATHS = {name: f"/api/v3/margin/{name}" for name in ("borrow", "repay", "interest")}


def items(answer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.data["items"]
    return found


@pytest.mark.parametrize(("name", "code"), [("borrow", "400100"), ("repay", "400100"), ("interest", "200000")])
def test_a_currency_is_required_where_it_is_documented_so(exchange: Exchange, ask: Any, name: str, code: str) -> None:
    assert ask(PATHS[name]).code == code
    exchange.readings.margin_requires_currency = False
    assert ask(PATHS[name]).code == "200000"


@pytest.mark.parametrize("name", PATHS)
def test_the_key_needs_the_permission_for_margin(exchange: Exchange, ask: Any, name: str) -> None:
    key = exchange.add_key(ApiKey("other", "secret", "phrase", permissions=("General", "Spot", "Futures")))
    assert ask(PATHS[name], {"currency": "USDT"}, key=key).code == "400007"


@pytest.mark.parametrize("name", PATHS)
def test_cross_and_isolated_margin_are_listed_apart(exchange: Exchange, ask: Any, name: str) -> None:
    for number, symbol in enumerate((None, "BTC-USDT", "ETH-USDT")):
        fields = {"createdTime": NOON - number}
        if name == "interest":
            exchange.histories.add(name, fields, hidden={"symbol": symbol})
        else:
            exchange.histories.add(name, fields | {"symbol": symbol})

    def times(**params: Any) -> list[int]:
        return [NOON - item["createdTime"] for item in items(ask(PATHS[name], {"currency": "USDT", **params}))]

    assert times() == times(isIsolated="false") == [0]
    assert times(isIsolated="true", symbol="BTC-USDT") == times(isIsolated="True", symbol="BTC-USDT") == [1]
    assert times(isIsolated="true", symbol="ETH-USDT") == [2]


@pytest.mark.parametrize("name", PATHS)
def test_isolated_margin_needs_a_symbol(ask: Any, name: str) -> None:
    for params in ({"isIsolated": "true"}, {"isIsolated": "perhaps"}):
        assert ask(PATHS[name], {"currency": "USDT", **params}).code == "400100"


@pytest.mark.parametrize("name", ["borrow", "repay"])
def test_an_order_can_be_asked_for(exchange: Exchange, ask: Any, name: str) -> None:
    for order in ("a", "b"):
        exchange.histories.add(name, {"orderNo": order})
    exchange.histories.add(name, {"currency": "BTC"})
    found = items(ask(PATHS[name], {"currency": "USDT", "orderNo": "b"}))
    assert [item["orderNo"] for item in found] == ["b"]


@pytest.mark.parametrize("name", PATHS)
def test_there_is_nothing_from_before_april_2023(exchange: Exchange, ask: Any, name: str) -> None:
    for time in (MARGIN_SINCE_MS - 1, MARGIN_SINCE_MS):
        exchange.histories.add(name, {"createdTime": time})
    for params in ({}, {"startTime": 0}, {"startTime": MARGIN_SINCE_MS - 5, "endTime": NOON}):
        found = items(ask(PATHS[name], {"currency": "USDT", **params}))
        assert [item["createdTime"] for item in found] == [MARGIN_SINCE_MS]


@pytest.mark.parametrize(("reading", "symbol"), [("null", None), ("empty", ""), ("DEFAULT", "DEFAULT")])
def test_cross_margin_has_a_symbol_of_some_sort(exchange: Exchange, ask: Any, reading: Any, symbol: str | None) -> None:
    exchange.readings.cross_margin_symbol = reading
    for name in ("borrow", "repay"):
        added = exchange.histories.add(name, {})
        exchange.histories.add(name, {"symbol": "BTC-USDT"})
        assert items(ask(PATHS[name], {"currency": "USDT"})) == [added]
        assert [row["symbol"] for row in exchange.histories.rows(name)] == [symbol, "BTC-USDT"]


def test_interest_has_no_id_and_two_of_it_may_be_equal(exchange: Exchange, ask: Any) -> None:
    for _ in range(2):
        exchange.histories.add("interest", {"createdTime": NOON})
    one, other = items(ask(PATHS["interest"]))
    assert one == other
    assert sorted(one) == ["createdTime", "currency", "dayRatio", "interestAmount"]
