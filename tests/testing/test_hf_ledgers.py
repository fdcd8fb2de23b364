"""trade_hf and margin_hf: cursors, three days and no more, types of ids and times."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import ApiKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

NOON = 1_770_120_000_000
HOUR = 3_600_000
PATHS = {"trade_hf": "/api/v1/hf/accounts/ledgers", "margin_hf": "/api/v3/hf/margin/account/ledgers"}

pytestmark = pytest.mark.parametrize("name", sorted(PATHS))


@pytest.fixture
def hf(ask: Any, name: str) -> Callable[..., Any]:
    """Ask for the rows of a ledger; the parameters are its query."""
    return lambda **params: ask(PATHS[name], params)


def ids(answer: Any) -> list[int]:
    return [int(row["id"]) for row in answer.data]


def all_ids(hf: Any, **params: Any) -> list[int]:
    """The ids that pages give, turned by the last row's id until one is short."""
    found: list[int] = []
    while True:
        page = ids(hf(**params, **({"lastId": found[-1]} if found else {})))
        found += page
        if len(page) < int(params.get("limit", 100)):
            return found


def test_the_answer_is_a_bare_array(exchange: Exchange, hf: Any, name: str) -> None:
    booked = exchange.book(ledger=name, created_at=NOON - 1, amount="1.50")
    assert hf().data == [booked]
    assert (booked["amount"], booked["balance"], booked["direction"]) == ("1.50", "1.50", "in")


def test_ids_and_times_are_text_here_and_numbers_there(exchange: Exchange, hf: Any, name: str) -> None:
    exchange.book(ledger=name, created_at=NOON - 1)
    (row,) = hf().data
    kind = str if name == "trade_hf" else int
    assert (type(row["id"]), row["createdAt"]) == (kind, kind(NOON - 1))
    assert int(row["id"]) > 2**53  # a float would not keep it


def test_rows_come_newest_first_and_of_one_millisecond_by_id(exchange: Exchange, hf: Any, name: str) -> None:
    for moment, row_id in ((-2, 12), (-1, 11), (-2, 13), (-3, 20)):
        exchange.book(ledger=name, created_at=NOON + moment, id=row_id)
    assert ids(hf()) == [11, 13, 12, 20]


def test_last_id_gives_rows_with_lesser_ids(exchange: Exchange, hf: Any, name: str) -> None:
    for number in range(5):
        exchange.book(ledger=name, created_at=NOON - 10 + number, id=100 + number)
    assert ids(hf(lastId=103, limit=2)) == [102, 101]
    assert ids(hf(lastId=100)) == []
    assert ids(hf(lastId=999)) == [104, 103, 102, 101, 100]


def test_pages_hold_100_unless_asked_and_200_at_most(exchange: Exchange, hf: Any, name: str) -> None:
    for number in range(450):
        exchange.book(ledger=name, created_at=NOON - 1000 + number // 3)
    assert [len(ids(hf())), len(ids(hf(limit=200))), len(ids(hf(limit=1)))] == [100, 200, 1]
    truth = [int(row["id"]) for row in exchange.entries(0, NOON, ledger=name)]
    assert all_ids(hf) == all_ids(hf, limit=200) == truth[::-1]


@pytest.mark.parametrize("limit", [0, 201, "many"])
def test_another_limit_is_refused(hf: Any, name: str, limit: Any) -> None:
    assert name
    assert hf(limit=limit).code == "400100"


def test_a_limit_may_be_cut_instead(exchange: Exchange, hf: Any, name: str) -> None:
    exchange.readings.large_limit = "cut"
    for number in range(210):
        exchange.book(ledger=name, created_at=NOON - 1000 + number)
    assert len(ids(hf(limit=500))) == 200


def test_what_is_older_than_three_days_is_missing_without_a_word(exchange: Exchange, hf: Any, name: str) -> None:
    horizon = NOON - 72 * HOUR
    exchange.book(ledger=name, created_at=horizon - 1, id=1)
    exchange.book(ledger=name, created_at=horizon, id=2)
    exchange.book(ledger=name, created_at=NOON - HOUR, id=3)
    assert ids(hf()) == [3, 2]
    assert ids(hf(startAt=horizon - 24 * HOUR, endAt=NOON)) == [3, 2]
    assert ids(hf(startAt=horizon - 24 * HOUR, endAt=horizon - 1)) == []


def test_a_range_beyond_three_days_may_be_replaced_by_them(exchange: Exchange, hf: Any, name: str) -> None:
    exchange.readings.beyond_hf_retention = "replaced"
    exchange.book(ledger=name, created_at=NOON - HOUR, id=3)
    assert ids(hf(startAt=NOON - 90 * HOUR, endAt=NOON - 80 * HOUR)) == [3]
    assert ids(hf(startAt=NOON - 60 * HOUR, endAt=NOON - 50 * HOUR)) == []


def test_a_long_memory_serves_old_samples(exchange: Exchange, hf: Any, name: str) -> None:
    exchange.readings.trade_hf_retention_ms = exchange.readings.margin_hf_retention_ms = None
    exchange.book(ledger=name, created_at=NOON - 1000 * HOUR, id=1)
    assert ids(hf()) == [1]


@pytest.mark.parametrize(("start", "end", "found"), [(True, True, [2, 1]), (False, True, [2]), (True, False, [1])])
def test_which_bounds_belong_is_a_reading(
    exchange: Exchange,
    hf: Any,
    name: str,
    start: bool,  # noqa: FBT001  a case
    end: bool,  # noqa: FBT001  a case
    found: list[int],
) -> None:
    exchange.readings.start_inclusive, exchange.readings.end_inclusive = start, end
    exchange.book(ledger=name, created_at=NOON - 20, id=1)
    exchange.book(ledger=name, created_at=NOON - 10, id=2)
    assert ids(hf(startAt=NOON - 20, endAt=NOON - 10)) == found


def test_bounds_of_the_wrong_order_are_refused(hf: Any, name: str) -> None:
    assert name
    assert hf(startAt=NOON, endAt=NOON - 1).code == "400100"


def test_rows_are_asked_for_by_currency_direction_and_type(exchange: Exchange, hf: Any, name: str) -> None:
    exchange.book(ledger=name, created_at=NOON - 3, currency="BTC", id=1, biz_type="TRANSFER")
    exchange.book(ledger=name, created_at=NOON - 2, currency="KCS", id=2)
    exchange.book(ledger=name, created_at=NOON - 1, currency="BTC", id=3, direction="out", amount="0.5")
    assert ids(hf(currency="BTC")) == [3, 1]
    assert ids(hf(currency="KCS,BTC")) == [3, 2, 1]
    assert ids(hf(direction="out")) == [3]
    assert ids(hf(bizType="TRANSFER")) == [1]
    assert ids(hf(bizType="TRANSFER", direction="out")) == []


@pytest.mark.parametrize(
    "params", [{"bizType": "Transfer"}, {"direction": "IN"}, {"currency": ",".join("ABCDEFGHIJK")}]
)
def test_what_cannot_be_asked_for_is_refused(hf: Any, name: str, params: dict[str, str]) -> None:
    assert name
    assert hf(**params).code == "400100"


def test_no_rows_are_an_empty_array_or_nothing(exchange: Exchange, hf: Any, name: str) -> None:
    assert hf(bizType="TRANSFER").data == [], name
    exchange.readings.empty_items = "null"
    assert hf().data is None
    exchange.readings.empty_items = "absent"
    assert hf().json == {"code": "200000"}


def test_ties_may_be_in_any_order_and_pages_then_hold_what_they_hold(exchange: Exchange, hf: Any, name: str) -> None:
    for row_id in range(10, 16):
        exchange.book(ledger=name, created_at=NOON - 1, id=row_id)
    exchange.book(ledger=name, created_at=NOON - 2, id=9)
    exchange.readings.ties = "id_ascending"
    assert ids(hf()) == [10, 11, 12, 13, 14, 15, 9]
    assert ids(hf(limit=2)) == [10, 11]
    exchange.readings.ties = "shuffled"
    drawn = {tuple(ids(hf())) for _ in range(20)}
    assert len(drawn) > 1
    assert {tuple(sorted(one)) for one in drawn} == {(9, 10, 11, 12, 13, 14, 15)}
    assert {one[-1] for one in drawn} == {9}


def test_where_ids_do_not_rise_turning_pages_by_them_misses_rows(exchange: Exchange, hf: Any, name: str) -> None:
    exchange.readings.ids_rise_with_time = False
    for number in range(60):
        exchange.book(ledger=name, created_at=NOON - 1000 + number)
    truth = [int(row["id"]) for row in exchange.entries(0, NOON, ledger=name)]
    assert truth != sorted(truth)
    assert all_ids(hf) == truth[::-1]  # one page
    by_pages = all_ids(hf, limit=5)
    assert set(by_pages) < set(truth)


def test_a_ledger_belongs_to_the_user_of_the_key(exchange: Exchange, ask: Any, hf: Any, name: str) -> None:
    other = exchange.add_key(ApiKey("other", "secret", "phrase", uid=2))
    exchange.book(ledger=name, created_at=NOON - 1, id=1)
    exchange.book(ledger=name, created_at=NOON - 1, id=2, uid=2)
    assert ids(hf()) == [1]
    assert ids(ask(PATHS[name], key=other)) == [2]


def test_a_row_that_becomes_visible_late_had_its_balance_all_along(
    exchange: Exchange, clock: Any, hf: Any, name: str
) -> None:
    exchange.book(ledger=name, created_at=NOON - 30, amount="1", id=1)
    exchange.book(ledger=name, created_at=NOON - 20, amount="10", id=2, visible_from=NOON + 5)
    exchange.book(ledger=name, created_at=NOON - 10, amount="100", id=3)
    assert [(row["amount"], row["balance"]) for row in hf().data] == [("100", "111"), ("1", "1")]
    clock.now_ms += 5
    assert [row["balance"] for row in hf().data] == ["111", "11", "1"]
    assert [row["balance"] for row in exchange.entries(0, NOON, ledger=name)] == ["1", "11", "111"]


def test_it_costs_two_of_the_spot_pool(exchange: Exchange, hf: Any, name: str) -> None:
    assert hf().code == "200000", name
    assert exchange.quota_used("Spot") == 2


def test_seeded_rows_are_served_as_they_are_with_both_ways_of_quoting(exchange: Exchange, hf: Any, name: str) -> None:
    exchange.seed_ledger(NOON - 48 * HOUR, NOON, rows_per_day=900, ledger=name)
    truth = [int(row["id"]) for row in exchange.entries(0, NOON, ledger=name)]
    assert all_ids(hf, limit=200) == truth[::-1]
    contexts = [row["context"] for row in exchange.entries(0, NOON, ledger=name) if "tradeId" in (row["context"] or "")]
    quoted = [context for context in contexts if context.startswith("{'")]
    assert 0 < len(quoted) < len(contexts)
    assert all("orderId" in json.loads(context.replace("'", '"')) for context in contexts)
