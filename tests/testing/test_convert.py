"""Conversions: pages of 20 to 100, called `page`, and ids of two types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing.history_limits import ALTERNATIVES, DAY_MS

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
PATHS = {"convert_orders": "/api/v1/convert/order/history", "convert_limit_orders": "/api/v1/convert/limit/orders"}
COMMON = {"clientOrderId", "orderId", "price", "fromCurrency", "toCurrency", "fromCurrencySize", "toCurrencySize"}
COMMON |= {"accountType", "orderTime", "status"}


def test_market_orders_have_numbers_for_ids_and_limit_orders_text(exchange: Exchange, ask: Any) -> None:
    for dataset, path in PATHS.items():
        exchange.histories.add(dataset, {})
        (item,) = ask(path).data["items"]
        of_limits = {"expiryTime", "cancelTime", "filledTime", "cancelType"} if "limit" in dataset else set()
        assert set(item) == COMMON | of_limits
        assert type(item["orderId"]) is (str if of_limits else int)


@pytest.mark.parametrize("dataset", PATHS)
def test_twenty_rows_are_a_page_and_the_page_is_called_page(exchange: Exchange, ask: Any, dataset: str) -> None:
    for number in range(45):
        exchange.histories.add(dataset, {"orderTime": NOON - number, "price": str(number)})
    data = ask(PATHS[dataset], {"page": 3, "currentPage": 1}).data
    assert [int(item["price"]) for item in data["items"]] == [40, 41, 42, 43, 44]
    assert [data[name] for name in ("currentPage", "pageSize", "totalNum", "totalPage")] == [3, 20, 45, 3]


@pytest.mark.parametrize(("dataset", "codes"), [("convert_orders", ["400100"]), ("convert_limit_orders", ["200000"])])
def test_only_limit_orders_can_be_cancelled(ask: Any, dataset: str, codes: list[str]) -> None:
    assert [ask(PATHS[dataset], {"status": "CANCELLED"}).code] == codes
    assert ask(PATHS[dataset], {"status": "success"}).code == "400100"


@pytest.mark.parametrize("dataset", PATHS)
def test_orders_go_by_status_and_time(exchange: Exchange, ask: Any, dataset: str) -> None:
    for days, status in ((0, "SUCCESS"), (1, "FAIL"), (400, "OPEN")):
        exchange.histories.add(dataset, {"orderTime": NOON - days * DAY_MS, "status": status})

    def statuses(**params: Any) -> list[str]:
        return [item["status"] for item in ask(PATHS[dataset], params).data["items"]]

    assert statuses() == ["SUCCESS", "FAIL", "OPEN"]
    assert statuses(status="FAIL") == ["FAIL"]
    assert statuses(startAt=NOON - DAY_MS, endAt=NOON - 1) == ["FAIL"]
    exchange.readings.history_limits[dataset] = ALTERNATIVES[dataset][0]
    assert statuses() == ["SUCCESS", "FAIL"]
    assert ask(PATHS[dataset], {"startAt": NOON - 8 * DAY_MS, "endAt": NOON}).code == "400100"
