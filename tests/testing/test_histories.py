"""What tests put into the histories, and get back as the truth."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing.histories import DATASETS, HISTORIES
from airflow_provider_kucoin.testing.routes import ROUTES

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

SAMPLES = Path(__file__).parents[1] / "samples"
NOON = 1_770_120_000_000
HOUR = 3_600_000
WITHOUT_SAMPLE = {"convert_orders", "convert_limit_orders"}  # no source shows a row of these


def sample_row(dataset: str) -> dict[str, Any]:
    text = SAMPLES.joinpath(f"{dataset}.json").read_text(encoding="utf-8")
    data = json.loads(text, parse_float=Decimal)["data"]
    row: dict[str, Any] = (data.get("items") or data.get("dataList"))[0]
    return row


def test_there_are_the_histories_that_there_are() -> None:
    assert DATASETS == (
        "deposits",
        "hist_deposits",
        "withdrawals",
        "hist_withdrawals",
        "spot_fills",
        "spot_orders",
        "margin_fills",
        "margin_orders",
        "borrow",
        "repay",
        "interest",
        "lending_purchases",
        "lending_redemptions",
        "futures_fills",
        "futures_orders",
        "funding",
        "positions",
        "convert_orders",
        "convert_limit_orders",
        "klines",
    )


# Methods, hosts, permissions, pools and weights, from KuCoin's published descriptions and its official client.
@pytest.mark.parametrize(
    ("path", "futures", "permission", "pool", "weight"),
    [
        ("/api/v1/hist-deposits", False, "General", "Management", 5),
        ("/api/v1/hf/fills", False, "General", "Spot", 2),
        ("/api/v1/hf/orders/done", False, "General", "Spot", 2),
        ("/api/v1/hf/orders/active/symbols", False, "Spot", "Spot", 2),
        ("/api/v3/hf/margin/fills", False, "General", "Spot", 5),
        ("/api/v3/hf/margin/orders/done", False, "General", "Spot", 10),
        ("/api/v3/hf/margin/order/active/symbols", False, "Margin", "Spot", 4),
        ("/api/v3/margin/borrow", False, "Margin", "Spot", 15),
        ("/api/v3/margin/repay", False, "Margin", "Spot", 15),
        ("/api/v3/margin/interest", False, "Margin", "Spot", 20),
        ("/api/v3/purchase/orders", False, "General", "Spot", 10),
        ("/api/v3/redeem/orders", False, "General", "Spot", 10),
        ("/api/v1/fills", True, "General", "Futures", 5),
        ("/api/v1/orders", True, "General", "Futures", 2),
        ("/api/v1/funding-history", True, "Futures", "Futures", 5),
        ("/api/v1/history-positions", True, "Futures", "Futures", 2),
        ("/api/v1/convert/order/history", False, "General", "Spot", 5),
        ("/api/v1/convert/limit/orders", False, "General", "Spot", 5),
        ("/api/v1/market/candles", False, None, "Public", 3),
        ("/api/v2/symbols", False, None, "Public", 4),
        ("/api/v1/contracts/active", True, None, "Public", 3),
    ],
)
def test_every_history_has_its_row_in_the_table_of_paths(
    path: str, *, futures: bool, permission: str | None, pool: str, weight: int
) -> None:
    (route,) = [route for route in ROUTES if (route.path, route.futures) == (path, futures)]
    assert (route.method, route.permission, route.pool, route.weight) == ("GET", permission, pool, weight)


@pytest.mark.parametrize("dataset", sorted(set(HISTORIES) - WITHOUT_SAMPLE))
def test_a_row_has_the_fields_and_types_of_the_documented_one(exchange: Exchange, dataset: str) -> None:
    documented = sample_row(dataset)
    added = exchange.histories.add(dataset, {})
    assert sorted(added) == sorted(documented)
    for name, value in documented.items():
        if value is not None and added[name] is not None:
            assert type(added[name]) is type(value), name


@pytest.mark.parametrize("dataset", sorted(set(HISTORIES) - WITHOUT_SAMPLE))
def test_a_documented_row_comes_back_as_it_is(exchange: Exchange, dataset: str) -> None:
    documented = sample_row(dataset)
    assert exchange.histories.add(dataset, documented) == documented
    assert exchange.histories.rows(dataset) == [documented]


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_row_that_says_nothing_is_one_of_now(exchange: Exchange, dataset: str) -> None:
    added = exchange.histories.add(dataset, {})
    assert exchange.histories.rows(dataset) == [added]
    if not dataset.startswith("hist_") and dataset != "klines":
        assert exchange.histories.rows(dataset, NOON, NOON + 1) == [added]
    assert exchange.histories.rows(dataset, NOON + 1) == []


@pytest.mark.parametrize("dataset", ["spot_fills", "spot_orders", "borrow", "futures_fills", "funding", "positions"])
def test_ids_are_made_up_that_no_other_row_has(exchange: Exchange, dataset: str) -> None:
    keys = {"spot_fills": "id", "spot_orders": "id", "borrow": "orderNo", "futures_fills": "tradeId"}
    key = keys.get(dataset, "id" if dataset == "funding" else "closeId")
    ids = [exchange.histories.add(dataset, {})[key] for _ in range(20)]
    assert len(set(ids)) == 20
    assert ids == sorted(ids)


def test_times_that_a_row_does_not_bring_are_those_that_it_does(exchange: Exchange) -> None:
    order = exchange.histories.add("futures_orders", {"createdAt": NOON + 7})
    times = {name: order[name] for name in ("updatedAt", "endAt", "orderTime")}
    assert times == {"updatedAt": NOON + 7, "endAt": NOON + 7, "orderTime": (NOON + 7) * 1_000_000}
    assert exchange.histories.add("futures_fills", {"tradeTime": 5_000_000})["createdAt"] == 5


def test_rows_are_oldest_first_and_of_one_user(exchange: Exchange) -> None:
    for offset in (3, 1, 2):
        exchange.histories.add("spot_fills", {"createdAt": NOON + offset})
    exchange.histories.add("spot_fills", {"createdAt": NOON}, uid=2)
    assert [row["createdAt"] - NOON for row in exchange.histories.rows("spot_fills")] == [1, 2, 3]
    assert [row["createdAt"] - NOON for row in exchange.histories.rows("spot_fills", NOON + 1, NOON + 3)] == [1, 2]
    assert [row["createdAt"] - NOON for row in exchange.histories.rows("spot_fills", uid=2)] == [0]


def test_rows_can_be_asked_for_by_another_of_their_times(exchange: Exchange) -> None:
    histories = exchange.histories
    histories.add("spot_orders", {"createdAt": NOON - HOUR, "lastUpdatedAt": NOON})
    assert [len(histories.rows("spot_orders", NOON, by=by)) for by in (None, "createdAt", "lastUpdatedAt")] == [1, 0, 1]
    exchange.readings.spot_orders_bounded_by = "createdAt"
    assert [len(histories.rows("spot_orders", NOON, by=by)) for by in (None, "createdAt", "lastUpdatedAt")] == [0, 0, 1]


def test_the_truth_cannot_be_changed_by_who_looks_at_it(exchange: Exchange) -> None:
    added = exchange.histories.add("spot_fills", {"price": "1"})
    added["price"] = exchange.histories.rows("spot_fills")[0]["price"] = "2"
    assert exchange.histories.rows("spot_fills")[0]["price"] == "1"


def test_rows_change(exchange: Exchange) -> None:
    histories = exchange.histories
    for order in ("a", "b"):
        histories.add("futures_orders", {"id": order, "dealSize": 0, "createdAt": NOON})
    (changed,) = histories.replace("futures_orders", {"id": "b"}, {"dealSize": 3, "updatedAt": NOON + 5})
    assert (changed["id"], changed["dealSize"], changed["updatedAt"]) == ("b", 3, NOON + 5)
    assert [row["dealSize"] for row in histories.rows("futures_orders")] == [0, 3]


def test_rows_go(exchange: Exchange) -> None:
    histories = exchange.histories
    for _ in range(2):
        histories.add("interest", {"createdTime": NOON})
    one, other = histories.rows("interest")
    assert one == other
    assert histories.remove("interest", one, at_most=1) == [one]
    assert histories.rows("interest") == [other]
    assert histories.remove("interest", {"currency": "USDT"}) == [other]
    assert histories.rows("interest") == []


def test_candles_change_and_go(exchange: Exchange) -> None:
    histories = exchange.histories
    for time in ("60", "120"):
        histories.add("klines", {"time": time})
    assert [row["close"] for row in histories.replace("klines", {"time": "60"}, {"close": "7"})] == ["7"]
    histories.remove("klines", {"time": "120"})
    assert [(row["time"], row["close"]) for row in histories.rows("klines")] == [("60", "7")]


@pytest.mark.parametrize("dataset", ["spot_fills", "deposits", "klines"])
def test_what_is_not_there_cannot_change_or_go(exchange: Exchange, dataset: str) -> None:
    exchange.histories.add(dataset, {})
    with pytest.raises(LookupError, match=dataset):
        exchange.histories.replace(dataset, {"status": "nonsense"}, {"status": "x"})
    with pytest.raises(LookupError, match=dataset):
        exchange.histories.remove(dataset, {"status": "nonsense"})


def test_floats_are_refused(exchange: Exchange) -> None:
    with pytest.raises(TypeError):
        exchange.histories.add("funding", {"fundingRate": 0.1})
    exchange.histories.add("funding", {})
    with pytest.raises(TypeError):
        exchange.histories.replace("funding", {}, {"fundingRate": 0.1})


def test_an_unknown_history_is_an_error(exchange: Exchange) -> None:
    with pytest.raises(KeyError):
        exchange.histories.add("moon", {})
    with pytest.raises(KeyError):
        exchange.histories.rows("moon")
