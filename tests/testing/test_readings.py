"""What the documentation leaves open, turned both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

DAY = 1_769_990_400_000
FULL = 86_400_000


@pytest.mark.parametrize(
    ("start_inclusive", "end_inclusive", "expected"),
    [
        (True, True, ["end", "middle", "start"]),
        (True, False, ["middle", "start"]),
        (False, True, ["end", "middle"]),
        (False, False, ["middle"]),
    ],
)
def test_the_ends_of_a_window_belong_to_it_or_not(
    exchange: Exchange, ledger: Any, *, start_inclusive: bool, end_inclusive: bool, expected: list[str]
) -> None:
    exchange.readings.start_inclusive = start_inclusive
    exchange.readings.end_inclusive = end_inclusive
    for offset, row_id in ((0, "start"), (5, "middle"), (10, "end")):
        exchange.book(created_at=DAY + offset, id=row_id)
    assert ledger(startAt=DAY, endAt=DAY + 10).ids == expected


def test_an_empty_window_stays_empty_when_neither_end_belongs_to_it(exchange: Exchange, ledger: Any) -> None:
    exchange.readings.start_inclusive = exchange.readings.end_inclusive = False
    exchange.book(created_at=DAY)
    assert ledger(startAt=DAY, endAt=DAY).ids == []


@pytest.mark.parametrize(("allowed", "code"), [(True, "200000"), (False, "400100")])
def test_exactly_24_hours_pass_or_not(exchange: Exchange, ledger: Any, *, allowed: bool, code: str) -> None:
    exchange.readings.exactly_24h_allowed = allowed
    assert ledger(startAt=DAY, endAt=DAY + FULL).code == code
    assert ledger(startAt=DAY, endAt=DAY + FULL - 1).code == "200000"


@pytest.mark.parametrize(("reading", "expected"), [("last_24h", ["new"]), ("all", ["new", "old"])])
def test_no_bounds_mean_the_last_day_or_everything(
    exchange: Exchange, ledger: Any, reading: Any, expected: list[str]
) -> None:
    exchange.readings.no_bounds = reading
    exchange.book(created_at=exchange.now_ms() - FULL - 1, id="old")
    exchange.book(created_at=exchange.now_ms() - FULL, id="new")
    assert ledger().ids == expected


def test_a_window_beyond_retention_may_be_an_error(exchange: Exchange, ledger: Any) -> None:
    horizon = exchange.now_ms() - 365 * FULL
    assert ledger(startAt=horizon - 1, endAt=horizon).code == "200000"
    exchange.readings.beyond_retention = "error"
    assert ledger(startAt=horizon - 1, endAt=horizon).code == "400100"
    assert ledger(startAt=horizon, endAt=horizon).code == "200000"


def test_retention_may_be_lifted(exchange: Exchange, ledger: Any) -> None:
    exchange.readings.retention_days = None
    exchange.book(created_at=1_000_000, id="ancient")
    assert ledger(startAt=999_999, endAt=1_000_001).ids == ["ancient"]


@pytest.mark.parametrize(("reading", "fields"), [("list", {"items": []}), ("null", {"items": None}), ("absent", {})])
def test_no_items_are_a_list_or_null_or_absent(
    exchange: Exchange, ledger: Any, reading: Any, fields: dict[str, Any]
) -> None:
    exchange.readings.empty_items = reading
    found = ledger(startAt=DAY, endAt=DAY + 1).data
    assert {name: value for name, value in found.items() if name == "items"} == fields


@pytest.mark.parametrize(("reading", "rows"), [("serve", 3), ("raise_to_10", 10)])
def test_a_small_page_may_be_served(exchange: Exchange, ledger: Any, reading: Any, rows: int) -> None:
    exchange.readings.small_page = reading
    for number in range(12):
        exchange.book(created_at=DAY + number)
    found = ledger(startAt=DAY, endAt=DAY + FULL - 1, pageSize=3).data
    assert (len(found["items"]), found["pageSize"]) == (rows, rows)


def test_ties_may_change_places_between_requests_but_not_with_others(exchange: Exchange, ledger: Any) -> None:
    exchange.readings.shuffle_ties = True
    for number in range(40):
        exchange.book(created_at=DAY + number // 20, id=f"{number:02}")
    orders = [tuple(ledger(startAt=DAY, endAt=DAY + 9).ids) for _ in range(5)]
    assert len(set(orders)) > 1
    for order in orders:
        assert {int(row_id) // 20 for row_id in order[:20]} == {1}
        assert sorted(order) == [f"{number:02}" for number in range(40)]


def test_shuffled_ties_keep_every_page_full(exchange: Exchange, ledger: Any) -> None:
    exchange.readings.shuffle_ties = True
    for number in range(30):
        exchange.book(created_at=DAY + number // 7, id=f"{number:02}")
    pages = [ledger(startAt=DAY, endAt=DAY + 9, pageSize=10, currentPage=page) for page in (1, 2, 3)]
    assert [len(page.ids) for page in pages] == [10, 10, 10]


def test_rebate_may_be_no_request_value(exchange: Exchange, ledger: Any) -> None:
    assert ledger(startAt=DAY, endAt=DAY, bizType="REBATE").code == "200000"
    exchange.readings.accepts_rebate = False
    assert ledger(startAt=DAY, endAt=DAY, bizType="REBATE").code == "400100"


def test_version_header_2_may_end_one_day(exchange: Exchange, ask: Any) -> None:
    assert ask("/api/v1/accounts", headers={"KC-API-KEY-VERSION": "2"}).code == "200000"
    exchange.readings.key_version_headers = ("3",)
    assert ask("/api/v1/accounts", headers={"KC-API-KEY-VERSION": "2"}).code == "400009"


def test_a_get_may_need_a_content_type(exchange: Exchange, ask: Any) -> None:
    assert ask("/api/v1/timestamp", headers={"Content-Type": None}).code == "200000"
    exchange.readings.content_type_required_on_get = True
    assert ask("/api/v1/timestamp", headers={"Content-Type": None}).code == "415000"


def test_http_statuses_never_seen_may_be_others(exchange: Exchange, ask: Any) -> None:
    exchange.readings.http_status = {"400005": 200}
    answer = ask("/api/v1/accounts", headers={"KC-API-SIGN": "wrong"})
    assert (answer.status, answer.code) == (200, "400005")


@pytest.mark.parametrize(
    ("reading", "fields"), [("absent", {}), ("empty", {"ipWhitelist": ""}), ("null", {"ipWhitelist": None})]
)
def test_a_key_without_whitelist_is_described_in_some_way(
    exchange: Exchange, ask: Any, reading: Any, fields: dict[str, Any]
) -> None:
    exchange.readings.unrestricted_ip_whitelist = reading
    described = ask("/api/v1/user/api-key").data
    assert {name: value for name, value in described.items() if name == "ipWhitelist"} == fields


def test_the_newer_fields_of_a_key_may_be_missing(exchange: Exchange, ask: Any) -> None:
    assert ask("/api/v1/user/api-key").data["siteType"] == "global"
    exchange.readings.extended_api_key = False
    assert "siteType" not in ask("/api/v1/user/api-key").data


def test_a_sub_accounts_key_names_it(exchange: Exchange, ask: Any) -> None:
    exchange.replace_key(replace(exchange.key, is_master=False, sub_name="desk7", parent_uid=1))
    described = ask("/api/v1/user/api-key").data
    assert (described["isMaster"], described["subName"], described["parentUid"]) == (False, "desk7", 1)
