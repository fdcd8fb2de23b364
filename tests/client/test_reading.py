"""
Bulk reads against the exchange: every row exactly once under every reading, or an error; never too much ahead; and
nothing left behind, however a read ends.
"""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import closing
from itertools import product
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Never

import pytest

from airflow_provider_kucoin.api.calls import Line, Retry, Site, Surroundings
from airflow_provider_kucoin.api.edges import QUESTIONS
from airflow_provider_kucoin.api.endpoints import ACCOUNTS, SYMBOLS
from airflow_provider_kucoin.api.errors import Incomplete, RequestRefused, Unavailable, UnexpectedData
from airflow_provider_kucoin.api.ledgers import SPOT
from airflow_provider_kucoin.api.signing import Credentials
from airflow_provider_kucoin.api.windows import Window, pieces
from airflow_provider_kucoin.client.concurrent import ConcurrentClient
from airflow_provider_kucoin.client.network import Network
from airflow_provider_kucoin.client.reading import PAGES_AHEAD, PAGES_READY, PIECES_AHEAD, PieceReader
from airflow_provider_kucoin.testing import Exchange, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

# 2026-02-03 00:00:00 UTC; the exchange's clock stands at noon of the next day.
MIDNIGHT, DAY = 1_770_076_800_000, 86_400_000
WHOLE = Window(MIDNIGHT, MIDNIGHT + DAY)
LEDGER = SPOT.endpoint.path
# On and around every edge that a query of the day can have, several to a millisecond.
EDGES = [WHOLE.start_ms, WHOLE.start_ms + 1, WHOLE.end_ms - 4, WHOLE.end_ms - 3, WHOLE.end_ms - 2, WHOLE.end_ms - 1]
OUTSIDE = [WHOLE.start_ms - 2, WHOLE.start_ms - 1, WHOLE.end_ms, WHOLE.end_ms + 1]


@pytest.fixture
def reader(line: Any, network: Any, hasty: Any) -> Any:
    def reader(*coming: Any, filters: Any = None, retry: Any = hasty, to: Any = line) -> PieceReader:
        return PieceReader(to, network, SPOT, coming, [filters or {}], retry=retry)

    return reader


@pytest.fixture
def read(reader: Any) -> Any:
    """Read a window from its first to its last page."""

    def read(window: float = WHOLE, **options: Any) -> Any:
        found = pieces(window)
        with reader(*found, **options) as opened:
            return [item for piece in found for page in opened.pages(piece) for item in page]

    return read


def book(exchange: Any, times: list[int], each: int = 1) -> list[str]:
    return [exchange.book(created_at=ms)["id"] for ms in times for _ in range(each)]


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


# -------------------------------------------------------------------------------------------------- exactly once

#: So many that it pays to find out whether bounds are inclusive.
DAYS = 12
READINGS = [
    {"start_inclusive": start, "end_inclusive": end, "exactly_24h_allowed": whole, "empty_items": empty}
    for start, end, whole, empty in product((True, False), (True, False), (True, False), ("list", "null", "absent"))
]


@pytest.mark.parametrize(
    "readings", READINGS, ids=lambda given: " ".join(f"{name}={value}" for name, value in given.items())
)
def test_every_row_comes_exactly_once_under_every_reading(
    exchange: Exchange, read: Callable[..., Any], readings: dict[str, Any]
) -> None:
    for name, value in readings.items():
        setattr(exchange.readings, name, value)
    book(exchange, OUTSIDE, each=2)
    inside = book(exchange, EDGES, each=2)
    assert sorted(ids(read())) == sorted(inside)


@pytest.mark.parametrize(
    "readings", READINGS[::3], ids=lambda given: " ".join(f"{name}={value}" for name, value in given.items())
)
def test_every_row_of_several_days_comes_exactly_once_under_every_reading(
    exchange: Exchange, read: Callable[..., Any], readings: dict[str, Any]
) -> None:
    for name, value in readings.items():
        setattr(exchange.readings, name, value)
    window = Window(MIDNIGHT - DAY - 5, MIDNIGHT + DAY + 5)
    exchange.seed_ledger(window.start_ms - 10, window.end_ms + 10, rows_per_day=1300)
    book(exchange, [*EDGES, *OUTSIDE], each=2)
    found = read(window)
    assert sorted(ids(found)) == sorted(ids(exchange.entries(window.start_ms, window.end_ms)))
    times = [item["createdAt"] for item in found]
    assert times == sorted(times)


@pytest.mark.parametrize("start_inclusive", [True, False])
@pytest.mark.parametrize("end_inclusive", [True, False])
def test_a_day_is_one_query_as_soon_as_rows_have_shown_that_bounds_are_inclusive(
    exchange: Exchange, read: Callable[..., Any], *, start_inclusive: bool, end_inclusive: bool
) -> None:
    exchange.readings.start_inclusive, exchange.readings.end_inclusive = start_inclusive, end_inclusive
    exchange.readings.exactly_24h_allowed = False
    window = Window(MIDNIGHT - (DAYS - 1) * DAY, MIDNIGHT + DAY)
    # On both sides of every midnight, and in between.
    edges = [day + ms for day in range(window.start_ms, window.end_ms + 1, DAY) for ms in (-2, -1, 0, 1)]
    book(exchange, [*edges, *range(window.start_ms + 3_600_007, window.end_ms, DAY // 5)])
    found = read(window)
    assert sorted(ids(found)) == sorted(ids(exchange.entries(window.start_ms, window.end_ms)))
    second_queries = len(ledger_requests(exchange)) - QUESTIONS - DAYS
    if start_inclusive and end_inclusive:
        # Those that were begun together, and what is begun while the first to have rows waits for its two answers.
        assert 1 + PIECES_AHEAD <= second_queries <= 1 + 2 * PIECES_AHEAD
    else:
        assert second_queries == DAYS


def test_nothing_is_asked_about_bounds_where_few_days_are_read(exchange: Exchange, read: Callable[..., Any]) -> None:
    few = 1 + PIECES_AHEAD + QUESTIONS
    window = Window(MIDNIGHT - (few - 1) * DAY, MIDNIGHT + DAY)
    book(exchange, list(range(window.start_ms + 3_600_007, window.end_ms, DAY // 5)))
    assert len(read(window)) == 5 * few
    assert len(ledger_requests(exchange)) == 2 * few


@pytest.mark.parametrize("empty", ["list", "null", "absent"])
def test_an_empty_day_has_no_pages(exchange: Exchange, reader: Callable[..., Any], empty: str) -> None:
    exchange.readings.empty_items = empty
    with reader(WHOLE) as opened:
        assert list(opened.pages(WHOLE)) == []


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1000, 1001], ids=str)
def test_pages_are_full_or_not_whatever_the_number_of_rows(
    exchange: Exchange, read: Callable[..., Any], count: int
) -> None:
    book(exchange, range(MIDNIGHT + 10, MIDNIGHT + 10 + count))
    assert len(set(ids(read()))) == count


def test_pages_come_oldest_first_and_so_do_the_rows_in_them(exchange: Exchange, reader: Callable[..., Any]) -> None:
    expected = book(exchange, range(MIDNIGHT + 10, MIDNIGHT + 1310))
    with reader(WHOLE) as opened:
        pages = [ids(page) for page in opened.pages(WHOLE)]
    assert [key for page in pages for key in page] == expected
    assert all(len(page) <= SPOT.page_size for page in pages)


def test_only_what_passes_the_filters_is_read(exchange: Exchange, read: Callable[..., Any]) -> None:
    book(exchange, EDGES)
    kept = [exchange.book(created_at=MIDNIGHT + 7, currency=code)["id"] for code in ("BTC", "KCS")]
    assert sorted(ids(read(filters={"currency": "BTC,KCS"}))) == sorted(kept)


def test_a_piece_can_be_read_again(exchange: Exchange, reader: Callable[..., Any]) -> None:
    book(exchange, EDGES)
    with reader(WHOLE) as opened:
        first = list(opened.pages(WHOLE))
        new = exchange.book(created_at=MIDNIGHT + 9)["id"]
        again = [item["id"] for page in opened.pages(WHOLE) for item in page]
    assert sorted(again) == sorted([*(item["id"] for page in first for item in page), new])


# ------------------------------------------------------------------------------------------------------------ faults

HARMLESS = [
    Fault.RATE_LIMITED,
    Fault.OVERLOADED,
    Fault.CLOUDFLARE_1015,
    Fault.CLOCK_SKEW,
    Fault.RESET_BEFORE,
    Fault.RESET_AFTER,
    Fault.SERVER_ERROR,
    Fault.BAD_GATEWAY,
    Fault.UNAVAILABLE,
    Fault.HTML_BODY,
    Fault.TRUNCATED_JSON,
    Fault.BROKEN_BODY,
    Fault.SLOW,
    Fault.MISSING_DATA,
    Fault.NULL_DATA,
    Fault.REDIRECT,
]
# 1300 rows: three pages of the day, and a tail of two milliseconds.
POSITIONS = [pytest.param(after, id=name) for after, name in enumerate(["first", "oldest", "middle", "tail"])]


@pytest.mark.parametrize("after", POSITIONS)
@pytest.mark.parametrize("fault", HARMLESS, ids=lambda fault: fault.name)
def test_a_passing_fault_on_any_page_costs_nothing(
    exchange: Exchange, read: Callable[..., Any], fault: Fault, after: int
) -> None:
    expected = book(exchange, [*range(MIDNIGHT + 10, MIDNIGHT + 1310), WHOLE.end_ms - 1])
    read(Window(MIDNIGHT - 5, MIDNIGHT))  # puts the clock right
    exchange.faults.inject(fault, path=LEDGER, after=after)
    assert ids(read()) == expected


@pytest.mark.parametrize("after", POSITIONS)
@pytest.mark.parametrize("fault", [Fault.SHORT_PAGE, Fault.EMPTY_PAGE], ids=lambda fault: fault.name)
def test_a_page_that_lacks_rows_is_never_taken_for_whole(
    exchange: Exchange, read: Callable[..., Any], fault: Fault, after: int
) -> None:
    book(exchange, [*range(MIDNIGHT + 10, MIDNIGHT + 1310), WHOLE.end_ms - 1])
    exchange.faults.inject(fault, path=LEDGER, after=after + 1)
    with pytest.raises(Incomplete):
        read()


@pytest.mark.parametrize("after", [1, 2], ids=["oldest", "middle"])
def test_a_row_that_comes_while_pages_are_read_makes_the_reading_worth_nothing(
    exchange: Exchange, reader: Callable[..., Any], after: int
) -> None:
    book(exchange, range(MIDNIGHT + 10, MIDNIGHT + 1310))
    exchange.faults.inject(Fault.LATE_ROW, path=LEDGER, after=after + 1)
    with reader(WHOLE) as opened:
        with pytest.raises(Incomplete, match="rows came while"):
            list(opened.pages(WHOLE))
        found = [item["id"] for page in opened.pages(WHOLE) for item in page]
    assert sorted(found) == sorted(ids(exchange.entries(WHOLE.start_ms, WHOLE.end_ms)))


def test_a_listing_that_shuffles_ties_across_pages_is_never_taken_for_whole(
    exchange: Exchange, read: Callable[..., Any]
) -> None:
    exchange.readings.shuffle_ties = True
    book(exchange, [MIDNIGHT + 5], each=900)
    try:
        found = ids(read())
    except Incomplete:
        return
    assert sorted(found) == sorted(ids(exchange.entries(WHOLE.start_ms, WHOLE.end_ms)))


def test_a_divided_read_brings_every_row_once_although_ties_are_shuffled(
    exchange: Exchange, reader: Callable[..., Any]
) -> None:
    exchange.readings.shuffle_ties = True
    exchange.readings.end_inclusive = False
    book(exchange, [MIDNIGHT, MIDNIGHT + 5, MIDNIGHT + 6, MIDNIGHT + 7, MIDNIGHT + 80_000_000], each=150)
    with reader() as open_reader:
        rows = [row for page in open_reader.pages(WHOLE, divided=True) for row in page]
    assert sorted(ids(rows)) == sorted(ids(exchange.entries(WHOLE.start_ms, WHOLE.end_ms)))
    assert [row["createdAt"] for row in rows] == sorted(row["createdAt"] for row in rows)


def test_a_divided_read_of_more_than_a_page_in_one_millisecond_reads_pages(
    exchange: Exchange, reader: Callable[..., Any]
) -> None:
    book(exchange, [MIDNIGHT + 5], each=900)
    with reader() as open_reader:
        rows = [row for page in open_reader.pages(WHOLE, divided=True) for row in page]
    assert sorted(ids(rows)) == sorted(ids(exchange.entries(WHOLE.start_ms, WHOLE.end_ms)))


def test_a_fault_that_stays_is_raised_where_the_pages_are_read(exchange: Exchange, read: Callable[..., Any]) -> None:
    exchange.faults.inject(Fault.BAD_GATEWAY, path=LEDGER, times=None)
    with pytest.raises(Unavailable, match=r"GET /api/v1/accounts/ledgers \(8 attempts\)"):
        read()


def test_a_refusal_is_raised_as_what_it_is(exchange: Exchange, read: Callable[..., Any]) -> None:
    book(exchange, EDGES)
    with pytest.raises(RequestRefused, match="400100"):
        read(filters={"bizType": "Transfer"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"createdAt": 1_770_076_800}, "was asked for .* and answered with a row whose createdAt is 1770076800"),
        ({"createdAt": MIDNIGHT * 1_000_000}, "answered with a row whose createdAt"),
        ({"createdAt": "soon"}, "createdAt is not a time"),
        ({"createdAt": None}, "createdAt is not a time"),
        ({"createdAt": []}, "createdAt is not a time"),
    ],
    ids=["seconds", "nanoseconds", "words", "null", "list"],
)
def test_a_time_that_is_not_understood_is_an_error_and_never_an_empty_file(
    network: Network, tap: Callable[..., Any], changes: dict[str, Any], words: str
) -> None:
    items = [{"id": "1", "createdAt": MIDNIGHT + 1, **changes}]
    with pytest.raises(UnexpectedData, match=words):
        read_from(tap, network, items)


def test_a_row_without_an_id_is_an_error(network: Network, tap: Callable[..., Any]) -> None:
    with pytest.raises(UnexpectedData, match="a row without id"):
        read_from(tap, network, [{"createdAt": MIDNIGHT + 1}])


@pytest.mark.parametrize("wrong", [5, "id", ["id"], None], ids=repr)
def test_a_row_that_is_not_an_object_is_an_error(network: Network, tap: Callable[..., Any], wrong: Any) -> None:
    with pytest.raises(UnexpectedData, match="a row that is not an object"):
        read_from(tap, network, [wrong])


def read_from(tap: Any, network: Any, items: list[dict[str, Any]]) -> list[Any]:
    """Read a day from a server that answers every question with the same items."""
    data = {"currentPage": 1, "pageSize": 500, "totalNum": len(items), "totalPage": 1, "items": items}
    body = json.dumps({"code": "200000", "data": data}).encode()
    url = tap(lambda _: SimpleNamespace(status=200, body=body, headers={})).url
    with PieceReader(Line(Site(url, url), Credentials("k", "s", "p")), network, SPOT, [WHOLE], [{}]) as opened:
        return list(opened.pages(WHOLE))


# ------------------------------------------------------------------------------------------------------ back-pressure


def ledger_requests(exchange: Any) -> list[Any]:
    return [record for record in exchange.requests if record.path == LEDGER and record.code == "200000"]


def settle(opened: Any, exchange: Any) -> None:
    """Let the reader's loop run until it asks for nothing more by itself."""
    seen = -1
    while len(ledger_requests(exchange)) != seen:
        seen = len(ledger_requests(exchange))
        opened._loop.run_until_complete(asyncio.sleep(0.1))


def test_pages_are_not_fetched_far_ahead_of_who_reads_them(exchange: Exchange, reader: Callable[..., Any]) -> None:
    exchange.synthesize_ledger(WHOLE.start_ms, WHOLE.end_ms, rows=50_000)
    with reader(WHOLE) as opened, closing(opened.pages(WHOLE)) as pages:
        for taken in range(1, 4):
            next(pages)
            settle(opened, exchange)
            # The first page, those taken, those ready, one in the hand that waits to put it down, those ahead.
            assert len(ledger_requests(exchange)) <= 1 + taken + PAGES_READY + 1 + PAGES_AHEAD


def test_few_pieces_are_begun_before_the_one_at_hand_is_done(exchange: Exchange, reader: Callable[..., Any]) -> None:
    days = pieces(Window(MIDNIGHT - 9 * DAY, MIDNIGHT + DAY))
    exchange.synthesize_ledger(days[0].start_ms, days[-1].end_ms, rows=200_000)
    with reader(*days) as opened, closing(opened.pages(days[0])) as pages:
        next(pages)
        settle(opened, exchange)
        # Until it is known whether bounds are inclusive, a day is two slices: one begins and one ends two milliseconds
        # at the most outside of what is its own.
        begun = {(int(record.params["endAt"]) - 2) // DAY for record in ledger_requests(exchange)}
        assert len(begun) == 1 + PIECES_AHEAD
        of_pages = (1 + PIECES_AHEAD) * (1 + 1 + PAGES_READY + 1 + PAGES_AHEAD + 1)
        assert len(ledger_requests(exchange)) <= of_pages + QUESTIONS


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_requests_than_that_are_under_way_at_once(
    tap: Callable[..., Any], network: Network, concurrency: int
) -> None:
    under_way, most, lock, together = 0, [], threading.Lock(), threading.Barrier(concurrency)

    def respond(_: Any) -> SimpleNamespace:
        nonlocal under_way
        with lock:
            under_way += 1
            most.append(under_way)
        together.wait(timeout=5)
        with lock:
            under_way -= 1
        return SimpleNamespace(status=200, body=b'{"code":"200000","data":[]}', headers={})

    url = tap(respond).url
    line = Line(Site(url, url), Credentials("k", "s", "p"))

    async def calls() -> None:
        async with ConcurrentClient(line, network, concurrency=concurrency) as client:
            # No quota holds public calls back.
            await asyncio.gather(*(client.call(SYMBOLS) for _ in range(9)))

    asyncio.run(calls())
    assert max(most) == concurrency


class Dawdling(Exchange):
    """An exchange whose clock runs 3 s with every answer."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: MIDNIGHT + 3000 * len(self.requests))


def test_a_request_that_waits_for_its_turn_is_signed_when_its_turn_comes(
    server: Any, line: Line, network: Network
) -> None:
    """Signed any earlier, the last ones would be refused: a signature is good for 5 s."""
    server.exchange = exchange = Dawdling()
    surroundings = Surroundings(monotonic=lambda: exchange.now_ms() / 1000, wall_ms=exchange.now_ms, random=lambda: 0.0)

    async def calls() -> None:
        client = ConcurrentClient(line, network, surroundings=surroundings, concurrency=1, retry=Retry(attempts=1))
        async with client:
            await asyncio.gather(*(client.call(ACCOUNTS) for _ in range(6)))

    asyncio.run(calls())
    assert [record.code for record in exchange.requests] == ["200000"] * 6


# ------------------------------------------------------------------------------------------------- leaving in between


def test_whoever_stops_reading_leaves_nothing_running(exchange: Exchange, reader: Callable[..., Any]) -> None:
    exchange.synthesize_ledger(WHOLE.start_ms, WHOLE.end_ms, rows=20_000)
    with reader(WHOLE) as opened:
        for _ in opened.pages(WHOLE):
            break


def test_whoever_stops_when_all_queues_are_full_leaves_nothing_running(
    exchange: Exchange, reader: Callable[..., Any]
) -> None:
    days = pieces(Window(MIDNIGHT - 3 * DAY, MIDNIGHT + DAY))
    exchange.synthesize_ledger(days[0].start_ms, days[-1].end_ms, rows=80_000)
    with reader(*days) as opened:
        pages = opened.pages(days[0])
        next(pages)
        settle(opened, exchange)


def test_pages_that_are_dropped_after_the_reader_is_left_are_no_trouble(
    exchange: Exchange, reader: Callable[..., Any]
) -> None:
    exchange.synthesize_ledger(WHOLE.start_ms, WHOLE.end_ms, rows=20_000)
    with reader(WHOLE) as opened:
        pages = opened.pages(WHOLE)
        next(pages)
    pages.close()


def test_an_error_of_who_reads_leaves_nothing_running(exchange: Exchange, reader: Callable[..., Any]) -> Never:
    exchange.synthesize_ledger(WHOLE.start_ms, WHOLE.end_ms, rows=20_000)

    def fail() -> None:
        with reader(WHOLE) as opened:
            for _ in opened.pages(WHOLE):
                raise KeyError

    with pytest.raises(KeyError):
        fail()


def test_a_reader_that_is_never_asked_for_pages_is_no_trouble(reader: Callable[..., Any]) -> None:
    with reader(WHOLE):
        pass


def test_a_reader_that_cannot_be_opened_leaves_nothing_open(line: Line) -> None:
    network = Network(cert="/nowhere/certificate.pem", trust_env=False)
    with pytest.raises(OSError, match=r"nowhere|No such file"), PieceReader(line, network, SPOT, [WHOLE], [{}]):
        pass


def test_a_client_that_is_not_open_says_so(line: Line, network: Network) -> None:
    with pytest.raises(RuntimeError, match="context manager"):
        asyncio.run(ConcurrentClient(line, network).call(ACCOUNTS))


def test_a_cancelled_call_gives_its_quota_back(exchange: Exchange, server: Any, line: Line, network: Network) -> None:
    server.latency = 5.0

    async def cancel() -> None:
        async with ConcurrentClient(line, network) as client:
            task = asyncio.create_task(client.call(ACCOUNTS))
            while not len(exchange.requests):  # noqa: ASYNC110 - it is another thread that answers
                await asyncio.sleep(0.005)
            assert line.budgets[ACCOUNTS.pool].in_flight == ACCOUNTS.weight
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        server.latency = 0.0

    asyncio.run(cancel())
    assert line.budgets[ACCOUNTS.pool].in_flight == 0


def test_where_nobody_listens_the_host_is_named_and_nothing_else(network: Network, nobody: str) -> None:
    line = Line(Site(nobody, nobody), Credentials("key-of-the-tests", "secret-of-the-tests", "passphrase-of-the-tests"))

    async def ask() -> None:
        async with ConcurrentClient(line, network, retry=Retry(attempts=1)) as client:
            await client.call(ACCOUNTS, params={"currency": "hidden-from-logs"})

    with pytest.raises(Unavailable, match=r"no answer from http://127.0.0.1:\d+ \(ClientConnectorError\)") as caught:
        asyncio.run(ask())
    assert "of-the-tests" not in str(caught.value)
    assert "hidden-from-logs" not in str(caught.value)


@pytest.mark.parametrize("verify", [True, False], ids=["checked", "unchecked"])
def test_a_read_does_not_need_tls_settings_to_be_the_default_ones(exchange: Exchange, line: Line, verify: Any) -> None:
    expected = book(exchange, EDGES)
    network = Network(timeout=5, verify=verify, trust_env=False)
    with PieceReader(line, network, SPOT, [WHOLE], [{}]) as opened:
        assert ids(item for page in opened.pages(WHOLE) for item in page) == expected
