"""
Ledgers and histories against the exchange, through the socket: whatever KuCoin leaves open, all rows of a day come
once each, as they were sent and oldest first, or the reading is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.api.blocks import is_block
from airflow_provider_kucoin.api.calls import Line, Site
from airflow_provider_kucoin.api.columns import rows
from airflow_provider_kucoin.api.errors import Incomplete, Unavailable, UnexpectedData
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import FUTURES, LEDGERS, MARGIN_HF, TRADE_HF, UNIFIED, UNIFIED_PAGES
from airflow_provider_kucoin.api.selections import select
from airflow_provider_kucoin.api.signing import Credentials
from airflow_provider_kucoin.api.windows import Window
from airflow_provider_kucoin.client.reading import PieceReader
from airflow_provider_kucoin.testing import Exchange, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_kucoin.api.calls import Retry
    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.client.network import Network

# 2026-02-03 00:00:00 UTC; the exchange's clock stands at noon of the next day.
MIDNIGHT, DAY = 1_770_076_800_000, 86_400_000
WHOLE = Window(MIDNIGHT, MIDNIGHT + DAY)
EDGES = [WHOLE.start_ms, WHOLE.start_ms + 1, WHOLE.end_ms - 2, WHOLE.end_ms - 1]
OUTSIDE = [WHOLE.start_ms - 2, WHOLE.start_ms - 1, WHOLE.end_ms, WHOLE.end_ms + 1]
BOUNDS = list(product((True, False), repeat=2))

# As they are, but with answers of ten rows, so that a crowd is easily had.
SMALL = {
    "trade_hf": replace(TRADE_HF, page_size=10),
    "margin_hf": replace(MARGIN_HF, page_size=10),
    "futures": replace(FUTURES, page_size=10),
    "unified": replace(UNIFIED, page_size=10, page_sizes=()),
}


@dataclass
class Reading:
    """Reads a day, and what came of it."""

    exchange: Exchange
    line: Line
    network: Network
    retry: Retry
    held_back: int = 0
    calls: int = 0

    def __call__(
        self, dataset: Dataset, given: Mapping[str, str | Sequence[str] | None] | None = None, window: Window = WHOLE
    ) -> list[dict[str, Any]]:
        self.exchange.account_mode = "unified" if dataset.name == "unified" else "classic"
        before = self._calls()
        queries = select(dataset, given or {}).queries
        with PieceReader(self.line, self.network, dataset, [window], queries, retry=self.retry) as reader:
            found = [item for page in reader.pages(window) for item in page]
            self.held_back = reader.held_back(window)
        self.calls = self._calls() - before
        times = dataset.times_ms(found)
        if dataset.in_order:
            assert times == sorted(times)
        return found

    def _calls(self) -> int:
        return sum(record.code == "200000" for record in self.exchange.requests)


@pytest.fixture
def read(exchange: Exchange, line: Line, network: Network, hasty: Retry) -> Reading:
    return Reading(exchange, line, network, hasty)


def exact(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return rows as texts, with all digits of their numbers, in one order."""
    return sorted(json.dumps(row, sort_keys=True, default=lambda number: f"number {number}") for row in rows)


def crowd(exchange: Exchange, ledger: str, each: int, times: Iterable[int] = (*EDGES, *OUTSIDE)) -> None:
    for ms, number in product(times, range(each)):
        about = {"account_type": ("SPOT", "FUNDING")[number % 2]} if ledger == "unified" else {}
        exchange.book(ledger=ledger, created_at=ms, amount=f"0.{number + 1}", **about)


def truth(exchange: Exchange, ledger: str) -> list[str]:
    return exact(exchange.entries(WHOLE.start_ms, WHOLE.end_ms, ledger=ledger))


# -------------------------------------------------------------------------------------------- ledgers with a cursor


@pytest.mark.parametrize("each", [1, 4, 25])
@pytest.mark.parametrize("ledger", SMALL)
def test_every_row_comes_once_whatever_bounds_and_ids_mean(server: Any, read: Reading, ledger: str, each: int) -> None:
    for (start, end), rising in product(BOUNDS, (True, False)):
        server.exchange = read.exchange = exchange = another(read.exchange)
        exchange.readings.start_inclusive, exchange.readings.end_inclusive = start, end
        exchange.readings.ids_rise_with_time = rising
        crowd(exchange, ledger, each)
        try:
            assert exact(read(SMALL[ledger])) == truth(exchange, ledger)
        except Incomplete:
            # Rows of the nanoseconds before a millisecond come along with it, and ids tell nothing of which come first.
            assert (ledger, rising, each) == ("unified", False, 25)


def another(exchange: Exchange) -> Exchange:
    now = exchange.now_ms()
    return Exchange(clock=lambda: now)


@pytest.mark.parametrize(
    "readings",
    [
        {"empty_items": "null"},
        {"empty_items": "absent"},
        {"offset_inclusive": True},
        {"unified_ids": "number"},
        {"unified_last_id_at_end": "same"},
        {"offsets": "per_currency"},
        {"fee_beside_amount": ("trade_hf", "futures")},
        {"exactly_24h_allowed": False},
        {"wide_window": "cut"},
        {"futures_window_ms": 2 * DAY, "futures_retention_ms": 3 * DAY},
    ],
    ids=lambda given: ", ".join(f"{name}={value}" for name, value in given.items()),
)
@pytest.mark.parametrize("ledger", SMALL)
def test_every_row_comes_once_under_every_other_reading(
    exchange: Exchange, read: Reading, ledger: str, readings: dict[str, Any]
) -> None:
    for name, value in readings.items():
        setattr(exchange.readings, name, value)
    assert read(SMALL[ledger]) == []
    crowd(exchange, ledger, 24)
    assert exact(read(SMALL[ledger])) == truth(exchange, ledger)


@pytest.mark.parametrize("ties", ["id_ascending", "shuffled"])
@pytest.mark.parametrize("ledger", SMALL)
def test_a_crowd_in_another_order_is_read_if_it_fits_an_answer_and_else_refused(
    exchange: Exchange, read: Reading, ledger: str, ties: Any
) -> None:
    exchange.readings.ties = ties
    crowd(exchange, ledger, 6 if ledger == "unified" else 9)
    assert exact(read(SMALL[ledger])) == truth(exchange, ledger)
    crowd(exchange, ledger, 20, [WHOLE.start_ms + 5])
    with pytest.raises(Incomplete, match="not in the order of their ids"):
        read(SMALL[ledger])


@pytest.mark.parametrize("off", [-1, 0, 1], ids=["one less than an answer", "an answer", "one more"])
@pytest.mark.parametrize("ledger", LEDGERS)
def test_about_as_many_rows_as_an_answer_holds(exchange: Exchange, read: Reading, ledger: str, off: int) -> None:
    dataset = LEDGERS[ledger]
    each = {"unified": min(UNIFIED_PAGES.values())}.get(ledger, dataset.page_size) + off
    for number in range(each):
        about = {"account_type": "FUTURES"} if ledger == "unified" else {}
        exchange.book(ledger=ledger, created_at=MIDNIGHT + 70_000 * number, **about)
    assert exact(read(dataset)) == truth(exchange, ledger)


@pytest.mark.parametrize(("ledger", "most"), [("trade_hf", 1.3), ("futures", 2.5)])
def test_ten_thousand_rows_come_with_hardly_more_calls_than_they_must(
    exchange: Exchange, read: Reading, ledger: str, most: float
) -> None:
    exchange.synthesize_ledger(WHOLE.start_ms, WHOLE.end_ms, rows=10_000, ledger=ledger)
    assert exact(read(LEDGERS[ledger])) == truth(exchange, ledger)
    assert read.calls <= most * ceil(10_000 / LEDGERS[ledger].page_size)


def test_all_types_of_a_unified_account_come_as_one_or_each_by_itself(exchange: Exchange, read: Reading) -> None:
    exchange.seed_ledger(WHOLE.start_ms, WHOLE.end_ms, rows_per_day=600, ledger="unified")
    assert exact(read(UNIFIED)) == truth(exchange, "unified")
    apart = [row for name in UNIFIED_PAGES for row in read(UNIFIED, {"account_type": name})]
    assert exact(apart) == truth(exchange, "unified")


def test_offsets_that_are_unique_within_a_currency_only_do_not_lead_past_rows(
    exchange: Exchange, read: Reading
) -> None:
    exchange.readings.offsets = "per_currency"
    for number in range(40):
        exchange.book(ledger="futures", created_at=MIDNIGHT + 9, currency=("USDT", "XBT")[number % 2])
    with pytest.raises(Incomplete, match="they differ in currency: ask for one at a time"):
        read(SMALL["futures"])
    one_by_one = [row for code in ("USDT", "XBT") for row in read(SMALL["futures"], {"currency": code})]
    assert exact(one_by_one) == truth(exchange, "futures")


@pytest.mark.parametrize("ledger", ["spot", "trade_hf"])
def test_rows_read_into_a_type_of_their_own_are_the_same_rows(
    exchange: Exchange, line: Line, network: Network, ledger: str
) -> None:
    dataset = LEDGERS[ledger]
    for number in range(3 * dataset.page_size):
        # An answer with a row that is not as they nearly always are has all its rows as objects.
        odd = {"new": 1} if number in {7, dataset.page_size + 7} else {}
        exchange.book(ledger=ledger, created_at=MIDNIGHT + 1000 * number, currency="BTC", extra=odd)
        exchange.book(ledger=ledger, created_at=MIDNIGHT + 1000 * number, currency="KCS", fee=None if odd else "0")
    apart, together = [{"currency": "BTC"}, {"currency": "KCS"}], [{}]
    found = []
    for typed, queries in product((False, True), (apart, together)):
        with PieceReader(line, network, dataset, [WHOLE], queries, typed=typed) as reader:
            pages = list(reader.pages(WHOLE))
        # Rows of several queries are merged one by one.
        assert any(map(is_block, pages)) == (typed and queries is together)
        found.append([row for page in pages for row in rows(dataset.columns, dataset.table(page, "1"))])
    assert len(found[0]) == 6 * dataset.page_size
    by_id = [sorted(one, key=lambda row: str(row["id"])) for one in found]
    assert by_id[0] == by_id[1] == by_id[2] == by_id[3]


def test_a_crowd_of_rows_of_two_kinds_comes_once_each(exchange: Exchange, line: Line, network: Network) -> None:
    for number in range(35):
        exchange.book(ledger="trade_hf", created_at=MIDNIGHT + 9, extra={"new": 1} if number == 17 else {})
    with PieceReader(line, network, SMALL["trade_hf"], [WHOLE], [{}], typed=True) as reader:
        [page] = reader.pages(WHOLE)
    assert sorted(item["id"] for item in page) == sorted(
        row["id"] for row in exchange.entries(WHOLE.start_ms, WHOLE.end_ms, ledger="trade_hf")
    )


# ------------------------------------------------------------------------------------------- rows that change until


@pytest.mark.parametrize("shown", ["always", "in_window", "never"])
def test_rows_that_are_not_settled_are_held_back_and_counted(exchange: Exchange, read: Reading, shown: Any) -> None:
    exchange.readings.pending_shown = shown
    crowd(exchange, "futures", 3)
    # Their 8 hours end after the exchange's noon.
    for symbol in ("XBTUSDTM", "ETHUSDTM"):
        exchange.set_pending("USDT", "5", symbol=symbol, at_ms=exchange.now_ms())
    assert exact(read(FUTURES)) == truth(exchange, "futures")
    assert read.held_back == 0
    now = Window(WHOLE.end_ms, exchange.now_ms() + 1)
    assert len(read(FUTURES, window=now)) == 6
    assert read.held_back == (0 if shown == "never" else 2)


def test_a_row_comes_with_the_next_reading_after_it_was_settled(exchange: Exchange, read: Reading) -> None:
    exchange.set_pending("USDT", "5", at_ms=exchange.now_ms())
    today = Window(WHOLE.end_ms, exchange.now_ms() + 1)
    assert (read(FUTURES, window=today), read.held_back) == ([], 1)
    [settled] = exchange.settle_pending(fee="0.25")
    assert (read(FUTURES, window=today), read.held_back) == ([settled], 0)


def test_a_row_that_is_not_settled_does_not_end_a_crowd(exchange: Exchange, read: Reading) -> None:
    """Its offset is -1: below that there is nothing."""
    crowd(exchange, "futures", 40)
    exchange.set_pending("USDT", "5", at_ms=exchange.now_ms())
    assert exact(read(SMALL["futures"])) == truth(exchange, "futures")


def test_more_rows_that_are_not_settled_than_an_answer_holds_are_refused(exchange: Exchange, read: Reading) -> None:
    crowd(exchange, "futures", 2)
    for number in range(10):
        exchange.set_pending("USDT", "5", symbol=f"C{number}USDTM", at_ms=exchange.now_ms())
    with pytest.raises(Incomplete, match="without rows says that there are more"):
        read(SMALL["futures"])


# ------------------------------------------------------------------------------------------------------------ faults

PASSING = [
    Fault.RATE_LIMITED,
    Fault.RESET_AFTER,
    Fault.BAD_GATEWAY,
    Fault.MISSING_DATA,
    Fault.NULL_DATA,
    Fault.HTML_BODY,
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.name)
@pytest.mark.parametrize("ledger", SMALL)
def test_a_passing_fault_at_any_call_costs_nothing(
    exchange: Exchange, read: Reading, ledger: str, fault: Fault
) -> None:
    crowd(exchange, ledger, 4)
    expected = truth(exchange, ledger)
    for after in (0, 1, 3):
        exchange.faults.inject(fault, path=LEDGERS[ledger].endpoint.path, after=after)
        assert exact(read(SMALL[ledger])) == expected


def test_an_empty_list_may_be_null_but_only_the_second_one_is_believed(exchange: Exchange, read: Reading) -> None:
    crowd(exchange, "trade_hf", 1)
    exchange.faults.inject(Fault.NULL_DATA, path=TRADE_HF.endpoint.path, times=1)
    assert len(read(TRADE_HF)) == 4
    exchange.faults.inject(Fault.NULL_DATA, path=TRADE_HF.endpoint.path, times=2)
    assert read(TRADE_HF) == []


def test_a_list_that_says_whether_there_is_more_is_never_null(exchange: Exchange, read: Reading) -> None:
    exchange.faults.inject(Fault.NULL_DATA, path=FUTURES.endpoint.path, times=None)
    with pytest.raises(Unavailable):
        read(FUTURES)


@pytest.mark.parametrize("ledger", ["trade_hf", "futures"])
def test_a_listing_that_takes_no_notice_of_times_is_noticed_at_once(
    tap: Callable[..., Any], network: Network, ledger: str
) -> None:
    dataset = SMALL[ledger]
    late = WHOLE.end_ms + 5000
    items = [{"id": str(number), "offset": number, "createdAt": late, "time": late} for number in range(20, 10, -1)]
    data = items if ledger == "trade_hf" else {"dataList": items, "hasMore": True}
    body = json.dumps({"code": "200000", "data": data}).encode()
    server = tap(lambda _: SimpleNamespace(status=200, body=body, headers={}))
    line = Line(Site(server.url, server.url), Credentials("k", "s", "p"))
    with (
        PieceReader(line, network, dataset, [WHOLE], [{}]) as reader,
        pytest.raises(UnexpectedData, match=r"was asked for \d+ to \d+ and answered with a row whose"),
    ):
        list(reader.pages(WHOLE))
    assert len([heard for heard in server.heard if heard.path == dataset.endpoint.path]) == 1


# ---------------------------------------------------------------------------------------------------------- histories

# What a history has to be narrowed down by, and which of the exchange's rows that leaves.
PAIRS = ["BTC-USDT", "ETH-USDT", "KCS-USDT", "SHIB-USDT"]
CONTRACTS = ["XBTUSDTM", "ETHUSDTM", "XBTUSDM"]
NARROWED: dict[str, dict[str, Any]] = {
    "spot_fills": {"symbol": PAIRS},
    "spot_orders": {"symbol": PAIRS},
    "margin_fills": {"symbol": PAIRS},
    "margin_orders": {"symbol": PAIRS},
    "funding": {"symbol": CONTRACTS},
}
READINGS: dict[str, dict[str, Sequence[Any]]] = {
    "spot_fills": {"last_id_when_empty": ("zero", "asked", "null"), "last_id_on_last_page": ("row", "zero")},
    "margin_fills": {"last_id_when_empty": ("zero", "asked", "null"), "last_id_on_last_page": ("row", "zero")},
    "spot_orders": {"spot_orders_bounded_by": ("lastUpdatedAt", "createdAt"), "empty_done_orders": ("object", "null")},
    "margin_orders": {
        "margin_orders_bounded_by": ("lastUpdatedAt", "createdAt"),
        "empty_done_orders": ("object", "null"),
    },
    "funding": {"offset_includes_row": (True, False), "empty_items": ("list", "null", "absent")},
    "futures_fills": {"futures_fills_bounded_by": ("createdAt", "tradeTime")},
    "futures_orders": {"futures_orders_bounded_by": ("createdAt", "updatedAt", "endAt")},
    "positions": {"empty_items": ("list", "null", "absent")},
    "deposits": {"empty_items": ("list", "null", "absent")},
    "withdrawals": {"empty_items": ("list", "null", "absent")},
}


@pytest.mark.parametrize("name", READINGS)
def test_every_row_of_a_history_comes_once_under_every_reading(server: Any, read: Reading, name: str) -> None:
    settings = list(READINGS[name].items())
    for values, (start, end) in product(product(*(choices for _, choices in settings)), BOUNDS):
        server.exchange = read.exchange = exchange = another(read.exchange)
        exchange.readings.list_requires_currency = False
        exchange.readings.history_start_inclusive, exchange.readings.history_end_inclusive = start, end
        for (setting, _), value in zip(settings, values, strict=True):
            setattr(exchange.readings, setting, value)
        # Some of them share a millisecond, and some of those are more than a page holds.
        exchange.histories.seed(name, WHOLE.start_ms - DAY // 24, WHOLE.end_ms + DAY // 24, rows=150)
        expected = exact(exchange.histories.rows(name, WHOLE.start_ms, WHOLE.end_ms))
        assert exact(read(HISTORIES[name], NARROWED.get(name))) == expected
        assert expected


ORDERS: dict[str, tuple[dict[str, Any], dict[str, Any], str, list[str]]] = {
    # what is asked for, what every row has, the later time, and what KuCoin's bounds may be about
    "spot_orders": ({"symbol": "BTC-USDT"}, {"symbol": "BTC-USDT"}, "lastUpdatedAt", ["createdAt", "lastUpdatedAt"]),
    "margin_orders": (
        {"symbol": "BTC-USDT", "trade_type": "MARGIN_TRADE"},
        {"symbol": "BTC-USDT", "tradeType": "MARGIN_TRADE"},
        "lastUpdatedAt",
        ["createdAt", "lastUpdatedAt"],
    ),
    "futures_orders": ({}, {}, "updatedAt", ["createdAt", "updatedAt"]),
}
#: When orders were made and updated. Those at the edges lie in what is asked for by either time.
AT_THE_EDGES = [
    (WHOLE.start_ms - 1, WHOLE.start_ms + 5000),
    (WHOLE.start_ms - 1, WHOLE.start_ms - 1),
    (WHOLE.start_ms, WHOLE.start_ms),
    (WHOLE.end_ms - 5000, WHOLE.end_ms),
    (WHOLE.end_ms - 1, WHOLE.end_ms - 1),
    (WHOLE.end_ms, WHOLE.end_ms),
]


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_at_an_edge_is_on_the_side_of_the_time_that_kucoin_goes_by(
    server: Any, read: Reading, name: str
) -> None:
    given, about, later, readings = ORDERS[name]
    dataset = HISTORIES[name]
    days = [Window(WHOLE.start_ms + DAY * number, WHOLE.end_ms + DAY * number) for number in (-1, 0)]
    for (start, end), goes_by in product(BOUNDS, readings):
        server.exchange = read.exchange = exchange = another(read.exchange)
        exchange.readings.history_start_inclusive, exchange.readings.history_end_inclusive = start, end
        setattr(exchange.readings, f"{name}_bounded_by", goes_by)
        for made, updated in AT_THE_EDGES:
            exchange.histories.add(name, {**about, "createdAt": made, later: updated})
        for day in days:
            expected = exact(exchange.histories.rows(name, day.start_ms, day.end_ms, by=goes_by))
            assert exact(read(dataset, given, day)) == expected


def test_which_time_kucoin_goes_by_is_asked_only_where_it_matters(exchange: Exchange, read: Reading) -> None:
    for made, updated in ((MIDNIGHT, MIDNIGHT + 5000), (WHOLE.end_ms - 5000, WHOLE.end_ms - 1)):
        exchange.histories.add("futures_orders", {"createdAt": made, "updatedAt": updated, "endAt": updated})
    read(HISTORIES["futures_orders"])  # puts the clock right
    assert (len(read(HISTORIES["futures_orders"])), read.calls) == (2, 1)
    exchange.histories.add("futures_orders", {"createdAt": MIDNIGHT - 1, "updatedAt": MIDNIGHT + 5, "endAt": None})
    assert (len(read(HISTORIES["futures_orders"])), read.calls) == (2, 2)


def test_where_no_question_tells_which_time_kucoin_goes_by_nothing_is_guessed(
    exchange: Exchange, read: Reading
) -> None:
    exchange.histories.add("futures_orders", {"createdAt": MIDNIGHT - 1, "updatedAt": MIDNIGHT, "endAt": MIDNIGHT})
    with pytest.raises(Incomplete, match="does not show whether KuCoin goes by created_at or updated_at"):
        read(HISTORIES["futures_orders"])


@pytest.mark.parametrize("name", ["spot_fills", "margin_fills", "funding"])
def test_a_crowd_of_fills_comes_once_each(exchange: Exchange, read: Reading, name: str) -> None:
    dataset = replace(HISTORIES[name], page_size=10)
    symbol = NARROWED[name]["symbol"][0]
    time = {"funding": "timePoint"}.get(name, "createdAt")
    for ms in (*EDGES, *OUTSIDE, MIDNIGHT + 500):
        for _ in range(24):
            exchange.histories.add(name, {"symbol": symbol, time: ms})
    expected = exact(exchange.histories.rows(name, WHOLE.start_ms, WHOLE.end_ms))
    assert exact(read(dataset, {"symbol": symbol})) == expected


def test_rows_without_keys_come_once_each_although_pages_are_not_of_one_order(
    exchange: Exchange, read: Reading
) -> None:
    exchange.readings.shuffle_ties = True
    interest = replace(HISTORIES["interest"], page_size=10)
    for number in range(70):
        row = {"createdTime": MIDNIGHT + number // 7 * 3_600_000, "interestAmount": f"0.{number:08}"}
        exchange.histories.add("interest", {"currency": "USDT", **row})
    expected = exact(exchange.histories.rows("interest", WHOLE.start_ms, WHOLE.end_ms))
    assert exact(without(read(interest), "isIsolated")) == expected


def test_a_crowd_without_keys_that_changes_places_is_refused(exchange: Exchange, read: Reading) -> None:
    interest = replace(HISTORIES["interest"], page_size=10)
    for number in range(35):
        row = {"createdTime": MIDNIGHT + 7, "interestAmount": f"0.{number:08}"}
        exchange.histories.add("interest", {"currency": "USDT", **row})
    expected = exact(exchange.histories.rows("interest", WHOLE.start_ms, WHOLE.end_ms))
    assert exact(without(read(interest), "isIsolated")) == expected
    exchange.readings.shuffle_ties = True
    with pytest.raises(Incomplete, match="changed places between pages, and have no keys"):
        read(interest)


def without(items: Iterable[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return rows without what the reading has put to them."""
    return [{field: value for field, value in item.items() if field != name} for item in items]


def test_candles_come_once_each_with_what_they_were_asked_for_by(exchange: Exchange, read: Reading) -> None:
    for minute in range(-5, 1445):
        exchange.histories.add(
            "klines", {"symbol": "BTC-USDT", "type": "1min", "time": str(MIDNIGHT // 1000 + 60 * minute)}
        )
    for inclusive, size in product((True, False), (1500, 100)):
        exchange.readings.candle_end_inclusive = inclusive
        dataset = replace(HISTORIES["klines"], page_size=size)
        found = read(dataset, {"symbol": "BTC-USDT", "interval": "1min"})
        assert [int(row["time"]) for row in found] == list(range(WHOLE.start_ms // 1000, WHOLE.end_ms // 1000, 60))
        assert {(row["symbol"], row["type"]) for row in found} == {("BTC-USDT", "1min")}


@pytest.mark.parametrize("unit", ["s", "ms"])
@pytest.mark.parametrize("name", ["hist_deposits", "hist_withdrawals"])
def test_old_lists_are_read_whichever_unit_their_bounds_have(
    exchange: Exchange, read: Reading, name: str, unit: Any
) -> None:
    old = Window(1_526_688_000_000, 1_526_688_000_000 + DAY)  # 2018-05-19
    exchange.readings.old_history_unit = unit
    exchange.readings.list_requires_currency = False
    assert read(HISTORIES[name], window=old) == []
    for ms in (old.start_ms - 1000, old.start_ms, old.start_ms + 43_200_000, old.end_ms - 1000, old.end_ms):
        exchange.histories.add(name, {"createAt": ms // 1000})
    found = read(HISTORIES[name], window=old)
    assert [row["createAt"] * 1000 - old.start_ms for row in found] == [0, 43_200_000, DAY - 1000]
