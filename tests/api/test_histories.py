"""Histories: which there are, where they are, how long they are kept, and what is peculiar to some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.api.errors import InvalidInput, UnexpectedData
from airflow_provider_kucoin.api.histories import HISTORIES, INTERVALS, history
from airflow_provider_kucoin.api.ledgers import LEDGERS
from airflow_provider_kucoin.api.pages import Candles, Numbered, Stretches
from airflow_provider_kucoin.api.selections import select
from airflow_provider_kucoin.api.windows import DAY_MS, Window

if TYPE_CHECKING:
    from collections.abc import Callable

# 2026-02-03 00:00:00 UTC
MIDNIGHT = 1_770_076_800_000

PATHS = {
    "deposits": "/api/v1/deposits",
    "withdrawals": "/api/v1/withdrawals",
    "hist_deposits": "/api/v1/hist-deposits",
    "hist_withdrawals": "/api/v1/hist-withdrawals",
    "spot_fills": "/api/v1/hf/fills",
    "spot_orders": "/api/v1/hf/orders/done",
    "margin_fills": "/api/v3/hf/margin/fills",
    "margin_orders": "/api/v3/hf/margin/orders/done",
    "borrow": "/api/v3/margin/borrow",
    "repay": "/api/v3/margin/repay",
    "interest": "/api/v3/margin/interest",
    "lending_purchases": "/api/v3/purchase/orders",
    "lending_redemptions": "/api/v3/redeem/orders",
    "futures_fills": "/api/v1/fills",
    "futures_orders": "/api/v1/orders",
    "funding": "/api/v1/funding-history",
    "positions": "/api/v1/history-positions",
    "convert_orders": "/api/v1/convert/order/history",
    "convert_limit_orders": "/api/v1/convert/limit/orders",
    "klines": "/api/v1/market/candles",
}
FUTURES = {"futures_fills", "futures_orders", "funding", "positions"}

# ------------------------------------------------------------------------------------------------------------ the table


def test_every_history_is_read_where_kucoin_has_it() -> None:
    assert {name: table.endpoint.path for name, table in HISTORIES.items()} == PATHS
    assert {table.endpoint.method for table in HISTORIES.values()} == {"GET"}
    assert {name for name, table in HISTORIES.items() if table.endpoint.futures} == FUTURES
    assert [name for name, table in HISTORIES.items() if not table.endpoint.is_signed] == ["klines"]


@pytest.mark.parametrize("name", PATHS)
def test_a_history_is_found_by_its_name(name: str) -> None:
    assert history(name).name == name


@pytest.mark.parametrize("name", ["", "Deposits", "spot", "deposits "])
def test_an_unknown_dataset_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        history(name)
    assert str(caught.value) == f"dataset={name!r} is not one of {', '.join(map(repr, PATHS))}"


@pytest.mark.parametrize(
    ("name", "hours", "since", "until", "doubtful"),
    [
        ("deposits", None, 1_550_448_000_000, None, None),
        ("withdrawals", None, 1_550_448_000_000, None, None),
        ("hist_deposits", None, None, 1_550_448_000_000, None),
        ("hist_withdrawals", None, None, 1_550_448_000_000, None),
        ("spot_fills", 72, None, None, None),
        ("spot_orders", 48, None, None, None),
        ("margin_fills", 72, None, None, None),
        ("margin_orders", 48, None, None, None),
        ("borrow", None, 1_680_278_400_000, None, None),
        ("repay", None, 1_680_278_400_000, None, None),
        ("interest", None, 1_680_278_400_000, None, None),
        ("lending_purchases", None, None, None, None),
        ("lending_redemptions", None, None, None, None),
        ("futures_fills", 89 * 24, None, None, None),
        ("futures_orders", 89 * 24, None, None, None),
        ("funding", None, None, None, 89 * 24),
        ("positions", None, None, None, 89 * 24),
        ("convert_orders", None, None, None, 72),
        ("convert_limit_orders", None, None, None, 72),
        ("klines", None, None, None, None),
    ],
)
def test_a_history_is_trusted_as_far_back_as_a_source_says(
    name: str, hours: int | None, since: int | None, until: int | None, doubtful: int | None
) -> None:
    hour = 3_600_000
    horizon = since if hours is None else MIDNIGHT - hours * hour
    kept = HISTORIES[name].kept
    assert kept.horizon_ms(MIDNIGHT) == horizon
    assert kept.until_ms == until
    if doubtful is not None:
        assert kept.is_doubtful(Window(MIDNIGHT - doubtful * hour - 1, MIDNIGHT), MIDNIGHT)
    assert not kept.is_doubtful(Window(MIDNIGHT - (doubtful or 0) * hour, MIDNIGHT + 1), MIDNIGHT)


@pytest.mark.parametrize("old", ["hist_deposits", "hist_withdrawals"])
def test_what_is_older_and_what_is_newer_meet_without_a_gap_or_an_overlap(old: str) -> None:
    before, after = HISTORIES[old], HISTORIES[old.removeprefix("hist_")]
    assert before.kept.until_ms == after.kept.since_ms
    assert (before.kept.elsewhere, after.kept.elsewhere) == (after.name, before.name)
    # In whole days, so that no object holds a day of both.
    assert after.kept.since_ms is not None
    assert after.kept.since_ms % DAY_MS == 0
    assert {bounds.seconds for bounds in before.bounds} == {True, False}


@pytest.mark.parametrize("name", HISTORIES)
def test_no_page_is_larger_than_kucoin_gives(name: str) -> None:
    largest = {"spot_fills": 100, "spot_orders": 100, "margin_fills": 100, "margin_orders": 100, "funding": 10}
    largest |= {"lending_purchases": 50, "lending_redemptions": 50, "positions": 200, "klines": 1500}
    largest |= {"futures_fills": 1000, "futures_orders": 1000, "convert_orders": 100, "convert_limit_orders": 100}
    assert HISTORIES[name].page_size == largest.get(name, 500)


def test_the_answers_of_each_history_are_of_the_style_that_kucoin_shows() -> None:
    styles: dict[type, set[str]] = {Numbered: set(), Stretches: set(), Candles: set()}
    for name, table in HISTORIES.items():
        styles[type(table.style)].add(name)
    assert styles[Candles] == {"klines"}
    assert styles[Stretches] == {"spot_fills", "spot_orders", "margin_fills", "margin_orders", "funding"}
    assert [name for name, table in HISTORIES.items() if not table.bounds] == [
        "lending_purchases",
        "lending_redemptions",
    ]
    seconds = [name for name, table in HISTORIES.items() if any(bounds.seconds for bounds in table.bounds)]
    assert seconds == ["hist_deposits", "hist_withdrawals", "klines"]


def test_symbols_of_a_history_are_looked_up_in_ledgers_that_there_are() -> None:
    for table in HISTORIES.values():
        assert set(table.named_in) <= LEDGERS.keys()
        takes_symbol = "symbol" in {parameter.name for parameter in table.parameters if parameter.required}
        assert not takes_symbol or table.named_in or not table.endpoint.is_signed


# -------------------------------------------------------------------------------------- lending orders without a time

ORDERS = {"lending_purchases": "purchaseOrderNo", "lending_redemptions": "redeemOrderNo"}
# 0x671bb010 seconds: 2024-10-25 14:49:52 UTC.
NUMBER, ITS_TIME = "671bb01004c26d000773c55c", 1_729_867_792_000


def derived(name: str) -> Callable[[Any], Any]:
    found = HISTORIES[name].derived
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "number"), ORDERS.items())
@pytest.mark.parametrize("sent", [1_729_868_122_172, "1729868122172"], ids=["number", "text"])
def test_a_lending_order_belongs_to_the_day_of_its_application(name: str, number: str, sent: Any) -> None:
    item = {number: "of any shape", "applyTime": sent}
    found = derived(name)(item)
    assert found == {**item, "createdAt": sent}
    assert HISTORIES[name].times_ms([found]) == [1_729_868_122_172]


@pytest.mark.parametrize(("name", "number"), ORDERS.items())
@pytest.mark.parametrize("missing", [{}, {"applyTime": None}], ids=["absent", "null"])
def test_a_lending_order_without_a_time_belongs_to_the_day_in_its_number(
    name: str, number: str, missing: dict[str, Any]
) -> None:
    item = {number: NUMBER, **missing}
    assert derived(name)(item) == {number: NUMBER, **missing, "createdAt": ITS_TIME}
    # What KuCoin sent is not touched.
    assert item == {number: NUMBER, **missing}


def test_a_number_of_an_order_may_be_sent_as_a_number() -> None:
    found = derived("lending_redemptions")({"redeemOrderNo": 671000001000000000000000, "applyTime": None})
    assert found["createdAt"] == 0x67100000 * 1000


@pytest.mark.parametrize(
    "number",
    [
        None,
        "",
        5,
        NUMBER[:-1],
        NUMBER + "0",
        NUMBER.upper(),
        NUMBER[:-1] + "g",
        NUMBER + "\n",
        "0x" + NUMBER[2:],
        "\u0661" * 24,
        [],
    ],
    ids=repr,
)
def test_a_lending_order_without_any_time_is_refused(number: Any) -> None:
    with pytest.raises(UnexpectedData, match=r"redeemOrderNo .* has no applyTime: it belongs to no day"):
        derived("lending_redemptions")({"redeemOrderNo": number, "applyTime": None})
    with pytest.raises(UnexpectedData, match="redeemOrderNo None has no applyTime"):
        derived("lending_redemptions")({})


def test_a_time_that_was_derived_is_told_from_the_one_that_kucoin_sent() -> None:
    item = {"redeemOrderNo": NUMBER, "currency": "BTC", "applyTime": None}
    table = HISTORIES["lending_redemptions"].table([derived("lending_redemptions")(item)], "1")
    assert (table["created_at"], table["apply_time"]) == ([ITS_TIME], [None])


# -------------------------------------------------------------------------------------------------- windows of candles


def check(window: Window, *intervals: str) -> None:
    klines = HISTORIES["klines"]
    assert klines.check_window is not None
    klines.check_window(window, select(klines, {"symbol": ["A-B", "C-D"], "interval": intervals}).queries)


def test_intervals_are_those_that_a_day_is_cut_into() -> None:
    units = {"min": 60_000, "hour": 3_600_000, "day": DAY_MS}
    for name, length in INTERVALS.items():
        count = name.rstrip("abcdefghijklmnopqrstuvwxyz")
        assert length == int(count) * units[name.removeprefix(count)]
        assert DAY_MS % length == 0


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_window_begins_and_ends_where_candles_do(interval: str) -> None:
    length = INTERVALS[interval]
    check(Window(MIDNIGHT, MIDNIGHT + DAY_MS), interval)
    check(Window(MIDNIGHT + length, MIDNIGHT + 2 * length), interval)
    for window in (
        Window(MIDNIGHT, MIDNIGHT + length - 1),
        Window(MIDNIGHT + 1, MIDNIGHT + length),
        Window(MIDNIGHT - 1, MIDNIGHT + length),
        Window(MIDNIGHT, MIDNIGHT + length + 1),
    ):
        with pytest.raises(InvalidInput, match=f"of interval='{interval}' do"):
            check(window, interval)


def test_a_window_must_suit_every_interval_that_is_asked_for() -> None:
    hour = Window(MIDNIGHT, MIDNIGHT + 3_600_000)
    check(hour, "1min", "1hour")
    with pytest.raises(InvalidInput) as caught:
        check(hour, "1min", "1day")
    assert str(caught.value) == (
        "window [2026-02-03T00:00:00Z, 2026-02-03T01:00:00Z) does not begin and end where candles of interval='1day' "
        "do (counted from midnight UTC): the last one would not be over. Choose another window, or a shorter interval"
    )


def test_only_candles_have_a_grid() -> None:
    assert [name for name, table in HISTORIES.items() if table.check_window] == ["klines"]
