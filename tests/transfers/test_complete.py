"""Every row of the window lands in S3 exactly once, under every reading of the documentation, or the task fails."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from moments import DAY, TODAY, YESTERDAY

from airflow_provider_kucoin.api.errors import Incomplete, KucoinError
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Copy = Callable[..., list[dict[str, Any]]]

LEDGER = "/api/v1/accounts/ledgers"


def edges(exchange: Exchange, *, ties: int = 1) -> None:
    """Book rows on both sides of each edge of three days, on the seam between two queries, and in the middle."""
    for midnight in (YESTERDAY - DAY, YESTERDAY, TODAY):
        for offset in (-3, -2, -1, 0, 1, 2, DAY // 2):
            if midnight + offset < exchange.now_ms() - DAY // 4:
                for _ in range(ties):
                    exchange.book(created_at=midnight + offset)


# ------------------------------------------------------------------------------------------------------------- readings


@pytest.mark.parametrize(
    ("start", "end", "exactly"),
    list(product([True, False], repeat=3)),
    ids=lambda value: "yes" if value else "no",
)
def test_the_edges_of_a_day_are_in_it_once_however_kucoin_reads_its_bounds(
    copy: Copy,
    exchange: Exchange,
    bucket: Any,
    same: Callable[..., None],
    start: bool,  # noqa: FBT001
    end: bool,  # noqa: FBT001
    exactly: bool,  # noqa: FBT001
) -> None:
    exchange.readings.start_inclusive = start
    exchange.readings.end_inclusive = end
    exchange.readings.exactly_24h_allowed = exactly
    exchange.readings.empty_items = "absent"
    edges(exchange)
    copy(window_start=YESTERDAY - DAY, window_end=TODAY)
    assert len(bucket.keys) == 2
    same(bucket.all_rows(), YESTERDAY - DAY, TODAY)


@pytest.mark.parametrize("span", [1, 2, 3, DAY - 2, DAY - 1, DAY, DAY + 1], ids=lambda ms: f"{ms}-ms")
@pytest.mark.parametrize("inclusive", [True, False], ids=["inclusive", "exclusive"])
def test_a_window_of_any_length_holds_its_own_rows_only(
    copy: Copy,
    exchange: Exchange,
    bucket: Any,
    same: Callable[..., None],
    span: int,
    inclusive: bool,  # noqa: FBT001
) -> None:
    exchange.readings.start_inclusive = exchange.readings.end_inclusive = inclusive
    exchange.readings.exactly_24h_allowed = False
    edges(exchange, ties=2)
    copy(window_start=YESTERDAY - 1, window_end=YESTERDAY - 1 + span)
    same(bucket.all_rows(), YESTERDAY - 1, YESTERDAY - 1 + span)


def test_a_day_of_many_pages_with_ties_across_their_edges_is_complete(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None]
) -> None:
    exchange.seed_ledger(YESTERDAY - DAY, TODAY + DAY // 2, rows_per_day=2100)
    [result] = copy()
    assert result["rows"] == 2100
    same(bucket.all_rows(), YESTERDAY, TODAY)


def test_rows_of_one_millisecond_that_change_places_between_requests_are_in_the_same_order_in_the_object(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None]
) -> None:
    exchange.readings.shuffle_ties = True
    for number in range(40):
        exchange.book(created_at=YESTERDAY + number // 8, account_type="TRADE" if number % 2 else "MAIN")
    [result] = copy()
    first = bucket.read(result["uri"])
    same(bucket.all_rows(), YESTERDAY, TODAY)
    copy()
    assert bucket.read(result["uri"]) == first


def test_ties_that_change_places_across_a_page_edge_are_read_again_until_they_agree(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None], asked: Callable[[], list[Any]]
) -> None:
    exchange.readings.shuffle_ties = True
    # the newest 500 rows end between two rows of one millisecond: half of all readings disagree
    for number in range(600):
        exchange.book(created_at=YESTERDAY + (number if number != 100 else 99) * 1000)
    exchange.random.seed(4)
    copy()
    same(bucket.all_rows(), YESTERDAY, TODAY)
    assert len(asked()) > 3


def test_many_ties_that_change_places_on_every_reading_still_arrive(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None]
) -> None:
    exchange.readings.shuffle_ties = True
    # no page edge of these is ever between two milliseconds
    for number in range(1200):
        exchange.book(created_at=YESTERDAY + number // 40 * 1000)
    copy()
    same(bucket.all_rows(), YESTERDAY, TODAY)


def test_both_shapes_of_ids_and_all_guises_of_the_context_arrive_as_they_are(
    copy: Copy, exchange: Exchange, bucket: Any
) -> None:
    contexts = {
        "none": None,
        "empty": "",
        "braces": "{}",
        "json": '{"symbol":"KCS-USDT","orderId":"o1","tradeId":"t1"}',
        "quoted": "{'symbol':'CSP-USDT','orderId':'o2','tradeId':'t2'}",
        "chain": '{"orderId":"w1","txId":"0xabc"}',
        "other-name": '{"transactionId":"tx9"}',
        "numbers": '{"tradeId":72057594037927937,"orderId":null}',
        "array": "[1,2]",
        "text": "from the moon",
        "broken": '{"orderId":"o3",',
        "nested": '{"orderId":{"a":1}}',
        "unicode": '{"symbol":"é-✓"}',
    }
    for number, context in enumerate(contexts.values()):
        exchange.book(created_at=YESTERDAY + number, context=context, account_type="TRADE" if number % 2 else "MAIN")
    copy()
    rows = dict(zip(contexts, bucket.all_rows(), strict=True))
    assert {name: row["context"] for name, row in rows.items()} == contexts
    assert {len(row["id"]) for row in rows.values()} == {24, 15}
    useful = {
        name: (row["order_id"], row["trade_id"], row["tx_id"], row["symbol"])
        for name, row in rows.items()
        if any((row["order_id"], row["trade_id"], row["tx_id"], row["symbol"]))
    }
    assert useful == {
        "json": ("o1", "t1", None, "KCS-USDT"),
        "quoted": ("o2", "t2", None, "CSP-USDT"),
        "chain": ("w1", None, "0xabc", None),
        "other-name": (None, None, "tx9", None),
        "numbers": (None, "72057594037927937", None, None),
        "broken": ("o3", None, None, None),
        "nested": ('{"a":1}', None, None, None),
        "unicode": (None, None, None, "é-✓"),
    }


def test_business_types_that_nobody_has_heard_of_and_unknown_fields_are_kept(
    copy: Copy, exchange: Exchange, bucket: Any
) -> None:
    exchange.book(created_at=YESTERDAY, biz_type="Moon Landing", account_type="LUNAR", direction="up")
    exchange.book(created_at=YESTERDAY + 1, extra={"tax": "0.10", "nested": {"a": [1, 12345678901234567890]}})
    copy()
    first, second = bucket.all_rows()
    assert (first["biz_type"], first["account_type"], first["direction"]) == ("Moon Landing", "LUNAR", "up")
    assert first["_extra"] is None
    assert second["_extra"] == '{"tax":"0.10","nested":{"a":[1,12345678901234567890]}}'


def test_only_the_rows_that_are_asked_for_arrive(copy: Copy, exchange: Exchange, bucket: Any) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=300)
    copy(currency="BTC, ETH", direction="in", biz_type="TRADE_EXCHANGE")
    wanted = [
        entry["id"]
        for entry in exchange.entries(YESTERDAY, TODAY)
        if entry["currency"] in {"BTC", "ETH"} and entry["direction"] == "in" and entry["bizType"] == "Exchange"
    ]
    assert wanted
    assert sorted(row["id"] for row in bucket.all_rows()) == sorted(wanted)


def test_another_accounts_rows_are_not_mixed_in(copy: Copy, exchange: Exchange, bucket: Any) -> None:
    exchange.book(created_at=YESTERDAY, uid=42)
    mine = exchange.book(created_at=YESTERDAY)
    copy()
    assert [row["id"] for row in bucket.all_rows()] == [mine["id"]]


# -------------------------------------------------------------------------------------------------- rows on the move


def test_a_row_that_arrives_while_pages_are_read_is_in_the_object(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None]
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=1200)
    exchange.faults.inject(Fault.LATE_ROW, path=LEDGER, after=1)
    [result] = copy()
    assert result["rows"] == 1201
    same(bucket.all_rows(), YESTERDAY, TODAY)


def test_a_listing_that_never_stands_still_fails_the_task_and_leaves_the_older_object_alone(
    copy: Copy, exchange: Exchange, bucket: Any
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=1200)
    [result] = copy()
    before = bucket.read(result["uri"])
    exchange.faults.inject(Fault.LATE_ROW, path=LEDGER, times=None)
    with pytest.raises(Incomplete, match=r"5 attempts, and was not published"):
        copy()
    assert bucket.read(result["uri"]) == before
    assert len(bucket.keys) == 1


def test_a_listing_that_never_stands_still_is_worth_another_try_of_the_task(copy: Copy, exchange: Exchange) -> None:
    """Airflow does not retry an AirflowFailException."""
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=600)
    exchange.faults.inject(Fault.LATE_ROW, path=LEDGER, times=None)
    with pytest.raises(Incomplete) as caught:
        copy()
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("fault", [Fault.SHORT_PAGE, Fault.EMPTY_PAGE], ids=lambda fault: fault.name)
def test_pages_that_lack_rows_which_they_count_are_never_published(
    copy: Copy, exchange: Exchange, bucket: Any, fault: Fault
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=600)
    exchange.faults.inject(fault, path=LEDGER, times=None)
    with pytest.raises(Incomplete):
        copy()
    assert bucket.keys == []


def test_of_several_days_those_before_the_one_that_fails_are_whole(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None]
) -> None:
    exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=20)
    exchange.book(created_at=YESTERDAY + 5, extra={"amount": "1e-19"})
    with pytest.raises(AirflowFailException):
        copy(window_start=YESTERDAY - DAY, window_end=TODAY)
    assert len(bucket.keys) == 1
    same(bucket.all_rows(), YESTERDAY - DAY, YESTERDAY)


# ------------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    "amount",
    [
        pytest.param("0.0000000000000000001", id="a-19th-decimal"),
        pytest.param("1e-19", id="exponent"),
        pytest.param("100000000000000000000.1", id="21-digits-in-front"),
        pytest.param("1e30", id="1e30"),
        pytest.param("1e400", id="1e400"),
        pytest.param("NaN", id="nan"),
        pytest.param("Infinity", id="infinity"),
        pytest.param("", id="empty"),
        pytest.param("1,5", id="comma"),
        pytest.param("1_000", id="underscore"),
        pytest.param(" 1", id="blank"),
        pytest.param("0x10", id="hexadecimal"),
        pytest.param(True, id="boolean"),
        pytest.param(None, id="null"),
        pytest.param(["1"], id="list"),
    ],
)
def test_a_number_that_the_column_cannot_hold_exactly_fails_the_task_and_nothing_is_published(
    copy: Copy, exchange: Exchange, bucket: Any, amount: Any
) -> None:
    exchange.book(created_at=YESTERDAY)
    exchange.book(created_at=YESTERDAY + 1, extra={"amount": amount})
    with pytest.raises(AirflowFailException, match="amount"):
        copy()
    assert bucket.keys == []


@pytest.mark.parametrize(
    "amount",
    [
        "0.000000000000000001",
        "99999999999999999999.999999999999999999",
        "-1.5",
        "1.50000000000000000000000",
        "1E+3",
        "5e-18",
        "0",
        "-0",
        "007",
        7,
    ],
    ids=str,
)
def test_a_number_that_the_column_can_hold_arrives_exactly(
    copy: Copy, exchange: Exchange, bucket: Any, amount: Any
) -> None:
    from decimal import Decimal

    exchange.book(created_at=YESTERDAY, extra={"amount": amount, "fee": amount})
    copy()
    [row] = bucket.all_rows()
    assert (row["amount"], row["fee"]) == (Decimal(amount), Decimal(amount))


def test_a_number_sent_as_a_json_number_keeps_all_its_digits(copy: Copy, exchange: Exchange, bucket: Any) -> None:
    from decimal import Decimal

    exchange.book(created_at=YESTERDAY, extra={"amount": 0.1, "fee": 12345678901234567890, "balance": None})
    copy()
    [row] = bucket.all_rows()
    assert (row["amount"], row["fee"], row["balance"]) == (Decimal("0.1"), Decimal(12345678901234567890), None)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"id": None}, id="no-id"),
        pytest.param({"currency": None}, id="no-currency"),
    ],
)
def test_a_row_without_what_every_row_has_fails_the_task(
    copy: Copy, exchange: Exchange, bucket: Any, extra: dict[str, Any]
) -> None:
    exchange.book(created_at=YESTERDAY, extra=extra)
    with pytest.raises(AirflowFailException, match=next(iter(extra))):
        copy()
    assert bucket.keys == []


# -------------------------------------------------------------------------------------------------------------- faults

# An address that is blocked for half a minute is waited for in the tests of the clients, which have no clock.
FAULTS = [fault for fault in Fault if fault is not Fault.CLOUDFLARE_1015]
REQUESTS = {
    "clock": ("/api/v1/timestamp", 0),
    "key": ("/api/v1/user/api-key", 0),
    "first-page": (LEDGER, 0),
    "last-page": (LEDGER, 1),
}


@pytest.mark.parametrize("place", list(REQUESTS.values()), ids=list(REQUESTS))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_one_fault_anywhere_ends_in_the_exact_object(
    copy: Copy,
    exchange: Exchange,
    bucket: Any,
    same: Callable[..., None],
    fault: Fault,
    place: tuple[str, int],
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=520)
    path, after = place
    struck = exchange.faults.inject(fault, path=path, after=after)
    # a little less than a day: one query, two pages
    try:
        copy(window_start=YESTERDAY, window_end=TODAY - 1000)
    except AirflowFailException:
        # An answer that is whole, and says nothing of what was asked for, is not asked for again.
        assert (fault.name, path) in {("EMPTY_DATA", REQUESTS["clock"][0]), ("EMPTY_DATA", REQUESTS["key"][0])}
        assert bucket.keys == []
    else:
        same(bucket.all_rows(), YESTERDAY, TODAY - 1000)
    assert struck.hits == 1


LASTING = {
    Fault.CLOCK_SKEW: KucoinError,
    Fault.LATE_ROW: Incomplete,
    Fault.SHORT_PAGE: Incomplete,
    Fault.EMPTY_PAGE: Incomplete,
}


@pytest.mark.parametrize("fault", list(LASTING), ids=lambda fault: fault.name)
def test_a_fault_that_lasts_fails_the_task_and_publishes_nothing(
    copy: Copy, exchange: Exchange, bucket: Any, fault: Fault
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=520)
    exchange.faults.inject(fault, path=LEDGER, times=None)
    with pytest.raises(LASTING[fault]):
        copy()
    assert bucket.keys == []


def test_an_outage_longer_than_the_patience_of_a_call_fails_the_task_and_publishes_nothing(
    exchange: Exchange,
    bucket: Any,
    connection: dict[str, Any],  # noqa: ARG001 - it is there
) -> None:
    """By the transport that the operator reads by, which has the patience of half a minute; here it has less."""
    from airflow_provider_kucoin.api.calls import Retry
    from airflow_provider_kucoin.api.errors import Unavailable
    from airflow_provider_kucoin.hooks.kucoin import KucoinHook

    exchange.faults.inject(Fault.BAD_GATEWAY, path=LEDGER, times=None)
    with pytest.raises(Unavailable, match=rf"GET {LEDGER} \(3 attempts\)"):
        list(KucoinHook(retry=Retry(attempts=3, first_pause=0.01)).iter_ledger("spot", YESTERDAY, TODAY))
    assert bucket.keys == []


def test_the_quota_is_kept_to_and_waited_for(
    copy: Copy, exchange: Exchange, bucket: Any, same: Callable[..., None]
) -> None:
    exchange.set_quota("Management", 26, window_ms=300)
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=3100)
    copy()
    same(bucket.all_rows(), YESTERDAY, TODAY)
    assert exchange.requests.totals()["rate_limited"] <= 1
