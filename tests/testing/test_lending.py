"""Money lent: what was subscribed and what was redeemed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
PATHS = {"lending_purchases": "/api/v3/purchase/orders", "lending_redemptions": "/api/v3/redeem/orders"}
NUMBERS = {"lending_purchases": "purchaseOrderNo", "lending_redemptions": "redeemOrderNo"}


@pytest.mark.parametrize("dataset", PATHS)
@pytest.mark.parametrize("params", [{}, {"status": "done"}, {"currency": "BTC"}, {"status": "DONE,PENDING"}])
def test_a_status_is_required(ask: Any, dataset: str, params: dict[str, str]) -> None:
    assert ask(PATHS[dataset], params).code == "400100"


@pytest.mark.parametrize("dataset", PATHS)
def test_orders_go_by_status_currency_and_number(exchange: Exchange, ask: Any, dataset: str) -> None:
    number = NUMBERS[dataset]
    for order, currency, status in (("a", "BTC", "DONE"), ("b", "USDT", "DONE"), ("c", "BTC", "PENDING")):
        exchange.histories.add(dataset, {number: order, "currency": currency, "status": status})

    def orders(**params: str) -> list[str]:
        return [item[number] for item in ask(PATHS[dataset], params).data["items"]]

    assert orders(status="DONE") == ["b", "a"]
    assert orders(status="PENDING") == ["c"]
    assert orders(status="DONE", currency="BTC") == ["a"]
    assert orders(status="DONE", **{number: "b"}) == ["b"]
    exchange.histories.replace(dataset, {number: "c"}, {"status": "DONE"})
    assert orders(status="PENDING") == []


@pytest.mark.parametrize("dataset", PATHS)
def test_no_range_of_time_is_taken(exchange: Exchange, ask: Any, dataset: str) -> None:
    exchange.histories.add(dataset, {"applyTime": 1, "status": "DONE"})
    exchange.histories.add(dataset, {"status": "DONE"})
    params = {"status": "DONE", "startAt": NOON, "endAt": "nonsense", "startTime": NOON}
    assert len(ask(PATHS[dataset], params).data["items"]) == 2


@pytest.mark.parametrize("dataset", PATHS)
def test_fifty_rows_come_unless_it_is_ten(exchange: Exchange, ask: Any, dataset: str) -> None:
    for _ in range(60):
        exchange.histories.add(dataset, {"status": "DONE"})
    answers = [ask(PATHS[dataset], {"status": "DONE"}).data]
    exchange.readings.lending_default_page = 10
    answers.append(ask(PATHS[dataset], {"status": "DONE"}).data)
    assert [(data["pageSize"], len(data["items"]), data["totalNum"]) for data in answers] == [
        (50, 50, 60),
        (10, 10, 60),
    ]


@pytest.mark.parametrize(("reading", "shown"), [("null", None), ("number", NOON), ("text", str(NOON))])
def test_the_time_of_a_redemption_is_told_in_some_way_or_not_at_all(
    exchange: Exchange, ask: Any, reading: Any, shown: Any
) -> None:
    exchange.readings.redeem_apply_time = reading
    exchange.histories.add("lending_redemptions", {"applyTime": NOON, "redeemSize": "1"})
    exchange.histories.add("lending_redemptions", {"applyTime": NOON - 5, "redeemSize": "2"})
    found = ask(PATHS["lending_redemptions"], {"status": "DONE"}).data["items"]
    assert [item["redeemSize"] for item in found] == ["1", "2"]
    assert found[0]["applyTime"] == shown
    (row,) = exchange.histories.rows("lending_redemptions", NOON)
    assert (row["redeemSize"], row["applyTime"]) == ("1", shown)


def test_the_time_of_a_purchase_is_always_told(exchange: Exchange, ask: Any) -> None:
    exchange.histories.add("lending_purchases", {"applyTime": NOON})
    (item,) = ask(PATHS["lending_purchases"], {"status": "PENDING"}).data["items"]
    assert item["applyTime"] == NOON
