"""Each fault as a client meets it, through the socket."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_kucoin.testing import Fault
from airflow_provider_kucoin.testing.faults import BEHAVIOURS

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

LEDGERS = "/api/v1/accounts/ledgers"
DAY = 1_769_990_400_000
WINDOW = {"startAt": DAY, "endAt": DAY + 86_399_999}


@pytest.fixture
def three_rows(exchange: Exchange) -> list[str]:
    for number in range(3):
        exchange.book(created_at=DAY + number, id=str(number))
    return ["2", "1", "0"]


def test_every_fault_has_a_behaviour() -> None:
    assert set(BEHAVIOURS) == set(Fault)


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER])
def test_a_reset_gives_no_answer_at_all(exchange: Exchange, http: Any, fault: Fault) -> None:
    exchange.faults.inject(fault)
    with pytest.raises(requests.ConnectionError):
        http(LEDGERS, WINDOW)
    assert exchange.requests[-1].http_status is None


def test_a_reset_before_acting_costs_nothing_and_one_after_it_does(exchange: Exchange, http: Any) -> None:
    for fault, used in ((Fault.RESET_BEFORE, 0), (Fault.RESET_AFTER, 2)):
        exchange.faults.inject(fault)
        with pytest.raises(requests.ConnectionError):
            http(LEDGERS, WINDOW)
        assert exchange.quota_used("Management") == used


def test_rate_limited_tells_how_long_to_wait(exchange: Exchange, http: Any) -> None:
    exchange.faults.inject(Fault.RATE_LIMITED, reset_ms=70)
    answer = http(LEDGERS, WINDOW)
    assert (answer.status_code, answer.json()["code"]) == (429, "429000")
    assert (answer.headers["gw-ratelimit-remaining"], answer.headers["gw-ratelimit-reset"]) == ("0", "70")


def test_overloaded_does_not_tell_how_long_to_wait(exchange: Exchange, http: Any) -> None:
    exchange.faults.inject(Fault.OVERLOADED)
    answer = http(LEDGERS, WINDOW)
    assert (answer.status_code, answer.json()["code"]) == (429, "429000")
    assert not [name for name in answer.headers if name.lower().startswith("gw-ratelimit")]


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.CLOUDFLARE_1015, 429), (Fault.BAD_GATEWAY, 502), (Fault.UNAVAILABLE, 503), (Fault.HTML_BODY, 200)],
)
def test_machines_in_front_answer_with_a_page(exchange: Exchange, http: Any, fault: Fault, status: int) -> None:
    exchange.faults.inject(fault)
    answer = http(LEDGERS, WINDOW)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


@pytest.mark.parametrize(
    ("fault", "status", "code"), [(Fault.CLOCK_SKEW, 400, "400002"), (Fault.SERVER_ERROR, 500, "500000")]
)
def test_some_faults_speak_the_exchanges_language(
    exchange: Exchange, http: Any, fault: Fault, status: int, code: str
) -> None:
    exchange.faults.inject(fault)
    answer = http(LEDGERS, WINDOW)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert http(LEDGERS, WINDOW).json()["code"] == "200000"


@pytest.mark.usefixtures("three_rows")
def test_truncated_json_arrives_whole_and_ends_early(exchange: Exchange, http: Any) -> None:
    whole = http(LEDGERS, WINDOW).content
    exchange.faults.inject(Fault.TRUNCATED_JSON)
    answer = http(LEDGERS, WINDOW)
    assert (answer.status_code, answer.content) == (200, whole[: len(whole) // 2])
    assert int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.usefixtures("three_rows")
def test_a_broken_body_breaks_while_it_is_read(exchange: Exchange, http: Any) -> None:
    exchange.faults.inject(Fault.BROKEN_BODY)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        http(LEDGERS, WINDOW)


def test_a_slow_answer_is_late_and_right(exchange: Exchange, http: Any, three_rows: list[str]) -> None:
    exchange.faults.inject(Fault.SLOW, seconds=0.05)
    before = time.monotonic()
    answer = http(LEDGERS, WINDOW)
    assert time.monotonic() - before >= 0.05
    assert [item["id"] for item in answer.json()["data"]["items"]] == three_rows


def test_a_late_row_shifts_the_pages_that_follow(exchange: Exchange, ledger: Any) -> None:
    for number in range(20):
        exchange.book(created_at=DAY + number, id=f"{number:02}")
    exchange.faults.inject(Fault.LATE_ROW, path=LEDGERS, after=1)
    first, second = (ledger(**WINDOW, pageSize=10, currentPage=page) for page in (1, 2))
    assert (first.data["totalNum"], second.data["totalNum"]) == (20, 21)
    assert set(first.ids) & set(second.ids) == {"10"}
    assert len(list(exchange.entries(DAY, DAY + 86_400_000))) == 21


def test_a_late_row_waits_for_somebody_to_read_the_ledger(exchange: Exchange, ask: Any, ledger: Any) -> None:
    exchange.faults.inject(Fault.LATE_ROW)
    ask("/api/v1/accounts")
    assert ledger(**WINDOW).data["totalNum"] == 1


def test_a_late_row_may_be_booked_anywhere(exchange: Exchange, ledger: Any) -> None:
    exchange.faults.inject(Fault.LATE_ROW, rows=2, created_at=DAY + 7)
    assert [item["createdAt"] for item in ledger(**WINDOW).data["items"]] == [DAY + 7, DAY + 7]


@pytest.mark.parametrize(
    ("ledger", "path", "params", "rows"),
    [
        ("trade_hf", "/api/v1/hf/accounts/ledgers", {}, lambda data: data),
        ("margin_hf", "/api/v3/hf/margin/account/ledgers", {}, lambda data: data),
        ("futures", "/api/v1/transaction-history", {}, lambda data: data["dataList"]),
        ("unified", "/api/ua/v1/account/ledger", {"accountType": "SPOT"}, lambda data: data["items"]),
    ],
)
def test_every_ledger_knows_late_rows_and_short_pages(
    exchange: Exchange, ask: Any, ledger: str, path: str, params: dict[str, str], rows: Any
) -> None:
    exchange.account_mode = "unified" if ledger == "unified" else "classic"

    def read() -> list[Any]:
        found: list[Any] = rows(ask(path, params, futures=ledger == "futures").data)
        return found

    exchange.faults.inject(Fault.LATE_ROW, path=path, rows=3)
    late = read()
    assert len(late) == 3
    assert len(list(exchange.entries(0, 1 << 60, ledger=ledger))) == 3
    exchange.faults.inject(Fault.SHORT_PAGE, path=path)
    assert read() == late[:2]
    exchange.faults.inject(Fault.EMPTY_PAGE, path=path)
    assert read() == []
    assert read() == late


def test_a_late_row_is_one_of_the_range_that_is_asked_for(exchange: Exchange, ask: Any) -> None:
    exchange.readings.trade_hf_retention_ms = None
    path = "/api/v1/hf/accounts/ledgers"
    exchange.faults.inject(Fault.LATE_ROW, path=path, times=None)
    for bounds in ({"startAt": DAY, "endAt": DAY + 5}, {"startAt": DAY + 10}, {"endAt": DAY - 10}):
        assert len(ask(path, bounds).data) >= 1


@pytest.mark.parametrize(
    ("fault", "body"),
    [(Fault.MISSING_DATA, {"code": "200000"}), (Fault.NULL_DATA, {"code": "200000", "data": None})],
)
def test_success_may_come_without_data(exchange: Exchange, http: Any, fault: Fault, body: dict[str, Any]) -> None:
    exchange.faults.inject(fault)
    answer = http(LEDGERS, WINDOW)
    assert (answer.status_code, answer.json()) == (200, body)


@pytest.mark.usefixtures("three_rows")
@pytest.mark.parametrize(("fault", "rows"), [(Fault.SHORT_PAGE, 2), (Fault.EMPTY_PAGE, 0)])
def test_a_page_may_lack_rows_that_it_counts(exchange: Exchange, http: Any, fault: Fault, rows: int) -> None:
    exchange.faults.inject(fault)
    found = http(LEDGERS, WINDOW).json()["data"]
    assert (len(found["items"]), found["totalNum"]) == (rows, 3)


def test_success_may_come_with_data_that_says_nothing(exchange: Exchange, http: Any) -> None:
    exchange.faults.inject(Fault.NULL_DATA, data={})
    assert http(LEDGERS, WINDOW).json() == {"code": "200000", "data": {}}


def test_a_server_error_may_have_another_code(exchange: Exchange, http: Any) -> None:
    exchange.faults.inject(Fault.SERVER_ERROR, code="230005", message="System busy", status=200)
    answer = http(LEDGERS, WINDOW)
    assert (answer.status_code, answer.json()) == (200, {"code": "230005", "msg": "System busy"})


def test_a_redirect_points_elsewhere(exchange: Exchange, http: Any) -> None:
    exchange.faults.inject(Fault.REDIRECT, location="http://elsewhere.invalid/login")
    answer = http(LEDGERS, WINDOW)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://elsewhere.invalid/login")


def test_a_gateway_error_may_hide_that_the_exchange_acted(exchange: Exchange, http: Any) -> None:
    exchange.faults.inject(Fault.BAD_GATEWAY, acts=True)
    assert http(LEDGERS, WINDOW).status_code == 502
    assert exchange.quota_used("Management") == 2


def test_a_fault_strikes_the_requests_it_was_told_to(exchange: Exchange, ledger: Any, ask: Any) -> None:
    injection = exchange.faults.inject(Fault.SERVER_ERROR, path=LEDGERS, method="get", times=2, after=1)
    assert [ledger(**WINDOW).code for _ in range(2)] == ["200000", "500000"]
    assert ask("/api/v1/accounts").code == "200000"
    assert [ledger(**WINDOW).code for _ in range(2)] == ["500000", "200000"]
    assert injection.hits == 2


def test_a_fault_without_number_strikes_for_ever_until_cleared(exchange: Exchange, ledger: Any) -> None:
    exchange.faults.inject(Fault.OVERLOADED, times=None)
    assert {ledger(**WINDOW).code for _ in range(10)} == {"429000"}
    exchange.faults.clear()
    assert ledger(**WINDOW).code == "200000"


def test_faults_wait_for_each_other(exchange: Exchange, ledger: Any) -> None:
    exchange.faults.inject(Fault.OVERLOADED)
    exchange.faults.inject(Fault.SERVER_ERROR)
    assert [ledger(**WINDOW).code for _ in range(3)] == ["429000", "500000", "200000"]


def test_a_parameter_that_a_fault_does_not_have_is_a_type_error(exchange: Exchange) -> None:
    with pytest.raises(TypeError, match="SLOW has no speed"):
        exchange.faults.inject(Fault.SLOW, speed=1)


def test_the_log_names_the_fault(exchange: Exchange, ledger: Any) -> None:
    exchange.faults.inject(Fault.OVERLOADED)
    ledger(**WINDOW)
    record = exchange.requests[-1]
    assert (record.fault, record.http_status, record.code, record.weight) == ("OVERLOADED", 429, "429000", 0)
    assert json.dumps(exchange.requests.totals()["faults"]) == '{"OVERLOADED": 1}'
