"""Datasets: every row of the tables is consistent, and what follows from a row is right."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.columns import CONTEXT_COLUMNS, Column, Kind
from airflow_provider_kucoin.api.datasets import Bounds, Dataset, Kept, doubtful, out_of_retention
from airflow_provider_kucoin.api.endpoints import CANDLES, ENDPOINTS, SPOT_LEDGER
from airflow_provider_kucoin.api.errors import FatalError, OutOfRetention, UnexpectedData
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import LEDGERS
from airflow_provider_kucoin.api.pages import Candles, Numbered, Stretches
from airflow_provider_kucoin.api.windows import DAY_MS, Slice, Window, pieces, slices, to_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES = {**LEDGERS, **HISTORIES}
TIMES = {Kind.INSTANT, Kind.SECONDS, Kind.NANOSECONDS}
every_dataset = pytest.mark.parametrize("dataset", TABLES.values(), ids=TABLES)

# 2026-02-03 00:00:00 UTC
NOW_MS = 1_770_076_800_000
DAY = timedelta(days=1)


def by_name(dataset: Dataset) -> dict[str, Column]:
    return {column.name: column for column in dataset.fields}


# ------------------------------------------------------------------------------------------------------- of each table


@every_dataset
def test_columns_are_all_different_and_so_are_the_fields_behind_them(dataset: Dataset) -> None:
    names = [column.name for column in dataset.columns]
    assert len(set(names)) == len(names)
    sources = [column.source for column in dataset.fields]
    assert len(set(sources)) == len(sources)
    assert all(sources)


@every_dataset
def test_a_column_whose_name_does_not_say_what_it_is_says_it_in_words(dataset: Dataset) -> None:
    asked_for = {(parameter.name, parameter.sent_as) for parameter in dataset.parameters}
    for column in dataset.columns:
        literal = re.sub(r"[A-Z]+", lambda found: f"_{found[0].lower()}", column.source)
        assert column.meaning or column.name == literal or (column.name, column.source) in asked_for, column.name
        if column.kind in TIMES:
            assert "UTC" in column.meaning, column.name


# Documented with every row; a row without them would still be told from others by what is left of its key.
LENIENT = {("margin_fills", "trade_type"), ("futures_fills", "order_id"), ("futures_fills", "side")}


@every_dataset
def test_key_and_time_are_columns_that_every_row_must_have(dataset: Dataset) -> None:
    known = by_name(dataset)
    assert known[dataset.time].required
    assert known[dataset.time].kind in TIMES
    assert {(dataset.name, name) for name in dataset.key if not known[name].required} <= LENIENT
    assert all(known[name].kind in TIMES for name in dataset.other_times)
    assert dataset.time not in dataset.other_times


@every_dataset
def test_kucoins_names_of_key_and_time_are_known(dataset: Dataset) -> None:
    known = by_name(dataset)
    assert dataset.time_source == known[dataset.time].source
    assert dataset.key_sources == tuple(known[name].source for name in dataset.key)


SOURCES = {
    "spot": (("id",), "createdAt"),
    "trade_hf": (("id",), "createdAt"),
    "margin_hf": (("id",), "createdAt"),
    "futures": (("currency", "offset"), "time"),
    "unified": (("accountType", "id"), "ts"),
    "deposits": ((), "createdAt"),
    "withdrawals": ((), "createdAt"),
    "hist_deposits": ((), "createAt"),
    "hist_withdrawals": ((), "createAt"),
    "spot_fills": (("symbol", "id"), "createdAt"),
    "spot_orders": (("id",), "createdAt"),
    "margin_fills": (("symbol", "tradeType", "id"), "createdAt"),
    "margin_orders": (("id",), "createdAt"),
    "borrow": (("orderNo",), "createdTime"),
    "repay": (("orderNo",), "createdTime"),
    "interest": ((), "createdTime"),
    # A time of ours: see the tests of histories.
    "lending_purchases": (("purchaseOrderNo",), "createdAt"),
    "lending_redemptions": (("redeemOrderNo",), "createdAt"),
    "futures_fills": (("symbol", "tradeId", "orderId", "side"), "createdAt"),
    "futures_orders": (("id",), "createdAt"),
    "funding": (("symbol", "id"), "timePoint"),
    "positions": (("closeId",), "closeTime"),
    "convert_orders": (("orderId",), "orderTime"),
    "convert_limit_orders": (("orderId",), "orderTime"),
    "klines": (("symbol", "type", "time"), "time"),
}


def test_keys_and_times_are_those_of_kucoins_documentation() -> None:
    assert {name: (dataset.key_sources, dataset.time_source) for name, dataset in TABLES.items()} == SOURCES


@every_dataset
def test_parameters_have_names_of_their_own(dataset: Dataset) -> None:
    names = [parameter.name for parameter in dataset.parameters]
    assert len(set(names)) == len(names)
    sent = [parameter.sent_as for parameter in dataset.parameters] + [name for name, _ in dataset.fixed]
    assert len(set(sent)) == len(sent)
    # None of them can be taken for what cuts a listing into answers.
    cutting = {name for bounds in dataset.bounds for name in (bounds.start, bounds.end)}
    match dataset.style:
        case Numbered(number, size):
            cutting |= {number, size}
        case Stretches(size, cursor):
            cutting |= {size, cursor}
    assert cutting.isdisjoint(sent)


@every_dataset
def test_a_parameters_default_is_all_that_it_may_be(dataset: Dataset) -> None:
    for parameter in dataset.parameters:
        assert parameter.default in ((), parameter.values)
        assert not (parameter.required and parameter.default)
        assert parameter.most == 1 or not parameter.default


@every_dataset
def test_the_endpoint_is_a_get_of_the_table_and_the_rows_of_a_call_are_positive(dataset: Dataset) -> None:
    assert dataset.endpoint in ENDPOINTS
    assert dataset.endpoint.method == "GET"
    assert dataset.page_size > 0
    assert all(size > 0 for _, _, size in dataset.page_sizes)
    assert dataset.schema_version >= 1


@every_dataset
def test_ledgers_named_by_a_dataset_exist(dataset: Dataset) -> None:
    assert set(dataset.named_in) <= set(LEDGERS)


@every_dataset
def test_only_what_is_documented_in_milliseconds_shows_what_bounds_mean(dataset: Dataset) -> None:
    doubtful_times = {"unified", "spot_orders", "margin_orders", "futures_orders", "futures_fills"}
    assert dataset.shows_bounds == (dataset.name not in doubtful_times)
    assert dataset.in_order == (dataset.name not in {"spot_orders", "margin_orders", "futures_orders"})


@every_dataset
def test_rows_of_an_account_carry_its_uid_and_public_ones_do_not(dataset: Dataset) -> None:
    names = [column.name for column in dataset.columns]
    assert ("account_uid" in names) == (dataset.name != "klines")
    assert names[-1] == "_extra"


@every_dataset
def test_no_rows_are_columns_of_nothing(dataset: Dataset) -> None:
    found = dataset.table([], "1")
    assert found == {column.name: [] for column in dataset.columns}
    assert dataset.keys([]) == []
    assert dataset.times_ms([]) == []


@every_dataset
def test_a_dataset_is_called_what_it_is(dataset: Dataset) -> None:
    kind = "ledger" if dataset.name in LEDGERS else "history"
    assert str(dataset) == f"{dataset.name} {kind}"
    assert dataset.noun == ("ledger" if kind == "ledger" else "dataset")
    assert TABLES[dataset.name] is dataset


def test_no_ledger_and_history_share_a_name() -> None:
    assert LEDGERS.keys().isdisjoint(HISTORIES)


def test_styles_are_those_of_the_documentation() -> None:
    """Which endpoints count pages, which answer with the newest of a range, and which with all of it."""
    found = {name: type(dataset.style) for name, dataset in TABLES.items()}
    stretches = {
        "trade_hf", "margin_hf", "futures", "unified", "spot_fills", "spot_orders", "margin_fills", "margin_orders",
        "funding",
    }  # fmt: skip
    assert {name for name, style in found.items() if style is Stretches} == stretches
    assert {name for name, style in found.items() if style is Candles} == {"klines"}
    # Only where it is documented may the order of rows be relied on.
    in_order = {
        name for name, table in TABLES.items() if isinstance(table.style, Stretches) and table.style.newest_first
    }
    assert in_order == {"trade_hf", "margin_hf"}


# --------------------------------------------------------------------------------------------------------- one dataset

PLAIN = Dataset(
    name="plain",
    kind="history",
    endpoint=SPOT_LEDGER,
    page_size=100,
    page_sizes=(("accountType", "SPOT", 200), ("accountType", "FUTURES", 50)),
    fields=(
        Column("id", "id", required=True),
        Column("symbol", "symbol", required=True),
        Column("created_at", "createdAt", Kind.INSTANT, required=True),
        Column("second", "second", Kind.SECONDS),
        Column("nanosecond", "nanosecond", Kind.NANOSECONDS),
        Column("context", "context"),
    ),
)
PAIR = replace(PLAIN, key=("symbol", "id"))
KEYLESS = replace(PLAIN, key=())


def test_the_rows_of_a_call_may_depend_on_what_is_asked_for() -> None:
    assert [PLAIN.size_of(query) for query in ({}, {"accountType": "SPOT"}, {"accountType": "FUTURES"})] == [
        100,
        200,
        50,
    ]
    assert PLAIN.size_of({"accountType": "NEW"}) == 100


def test_a_table_has_the_uid_the_fields_and_what_no_column_knows() -> None:
    found = PLAIN.table([{"id": 5, "symbol": "A-B", "createdAt": "7", "note": 1}], "165111215")
    assert {name: values[0] for name, values in found.items() if values != [None]} == {
        "account_uid": "165111215",
        "id": "5",
        "symbol": "A-B",
        "created_at": 7,
        "_extra": '{"note":1}',
    }
    public = replace(PLAIN, endpoint=CANDLES).table([{"id": "5", "symbol": "A-B", "createdAt": 7}], "165111215")
    assert "account_uid" not in public


def test_the_useful_parts_of_a_context_are_columns_where_rows_have_one() -> None:
    items = [{"id": "1", "symbol": "A-B", "createdAt": 7, "context": '{"orderId":"9","tradeId":3}'}]
    clash = replace(PLAIN, fields=tuple(column for column in PLAIN.fields if column.name != "symbol"), context=True)
    assert clash.columns[-5:-1] == CONTEXT_COLUMNS
    found = clash.table(items, "1")
    assert (found["order_id"], found["trade_id"], found["symbol"]) == (["9"], ["3"], [None])
    assert "order_id" not in PLAIN.table(items, "1")


@pytest.mark.parametrize(
    ("dataset", "items", "keys"),
    [
        (PLAIN, [{"id": "1"}, {"id": 1}, {"id": 2**63}], ["1", "1", str(2**63)]),
        (PAIR, [{"id": 1, "symbol": "A-B"}, {"id": "1", "symbol": "C-D"}], ["A-B\0" + "1", "C-D\0" + "1"]),
        (KEYLESS, [{"id": 1}, {"id": 1}], []),
    ],
    ids=["one column", "two", "none"],
)
def test_a_key_is_the_same_whether_its_parts_are_numbers_or_text(dataset: Dataset, items: Any, keys: list[str]) -> None:
    assert dataset.keys(items) == keys


parts = st.text(st.sampled_from("ab-1"), max_size=3)


@given(st.lists(st.tuples(parts, parts), unique=True))
def test_two_rows_whose_keys_differ_anywhere_never_have_the_same_key(rows: list[tuple[str, str]]) -> None:
    found = PAIR.keys([{"symbol": symbol, "id": number} for symbol, number in rows])
    assert len(set(found)) == len(rows)


@pytest.mark.parametrize("dataset", [PLAIN, PAIR], ids=["one column", "two"])
@pytest.mark.parametrize("item", [{}, {"symbol": "A-B"}, None, 5, "id", ["id"]], ids=repr)
def test_a_row_without_its_key_is_refused(dataset: Dataset, item: Any) -> None:
    names = "id" if dataset is PLAIN else "symbol and id"
    with pytest.raises(UnexpectedData, match=f"the plain history has a row without {names}$"):
        dataset.keys([{"id": "1", "symbol": "A-B"}, item])


@pytest.mark.parametrize("as_sent", [int, str])
@pytest.mark.parametrize(
    ("name", "sent", "ms"),
    [
        ("", 1728658481484, 1728658481484),
        ("created_at", 1728658481484, 1728658481484),
        ("second", 1728658481, 1728658481000),
        ("nanosecond", 1728658481484999999, 1728658481484),
        ("nanosecond", 1728658481484000000, 1728658481484),
    ],
)
def test_times_are_milliseconds_in_whatever_unit_and_form_they_come(
    name: str, sent: int, ms: int, as_sent: Any
) -> None:
    source = {"": "createdAt", "created_at": "createdAt"}.get(name, name)
    assert PLAIN.times_ms([{source: as_sent(sent)}] * 2, name) == [ms, ms]


@pytest.mark.parametrize("value", [None, "", "soon", "1.5", [], {}, ...], ids=repr)
def test_a_row_whose_time_is_none_is_refused(value: Any) -> None:
    item = {} if value is ... else {"createdAt": value}
    with pytest.raises(UnexpectedData, match="the plain history has a row whose createdAt is not a time"):
        PLAIN.times_ms([{"createdAt": 1}, item])


def test_a_row_that_is_no_object_has_no_time() -> None:
    with pytest.raises(UnexpectedData, match="not a time"):
        PLAIN.times_ms([5])  # type: ignore[list-item] # KuCoin may send anything


# -------------------------------------------------------------------------------------------------------------- bounds


def test_bounds_go_out_under_kucoins_names() -> None:
    part = Slice(Window(1000, 2000), 999, 2000)
    assert Bounds().of(part) == {"startAt": 999, "endAt": 2000}
    assert Bounds("from", "to").of(part) == {"from": 999, "to": 2000}
    assert Bounds("startTime", "endTime", seconds=True).of(part) == {"startTime": 0, "endTime": 2}


@given(st.integers(0, 5000), st.integers(1, 5000), st.booleans(), st.booleans())
def test_bounds_in_seconds_ask_for_all_that_a_slice_owns_under_every_reading(
    start: int, span: int, start_inclusive: Any, end_inclusive: Any
) -> None:
    [part] = slices(Window(start, start + span), None)
    sent = Bounds(seconds=True).of(part)
    first = sent["startAt"] * 1000 + (not start_inclusive)
    last = sent["endAt"] * 1000 - (not end_inclusive)
    assert first <= part.owned.start_ms
    assert last >= part.owned.end_ms - 1
    # And for hardly more.
    assert sent["startAt"] * 1000 > part.start_at - 1000
    assert sent["endAt"] * 1000 < part.end_at + 1000


# ----------------------------------------------------------------------------------------------------------- retention


def day(number: int) -> Window:
    """The UTC day that begins so many days before now."""
    return Window(NOW_MS - number * DAY_MS, NOW_MS - (number - 1) * DAY_MS)


@pytest.mark.parametrize(
    ("kept", "horizon"),
    [
        (Kept(), None),
        (Kept(3 * DAY), NOW_MS - 3 * DAY_MS),
        (Kept(since_ms=5), 5),
        (Kept(3 * DAY, since_ms=5), NOW_MS - 3 * DAY_MS),
        (Kept(3 * DAY, since_ms=NOW_MS - 1), NOW_MS - 1),
        (Kept(until_ms=5), None),
        (Kept(doubtful_after=DAY), None),
    ],
    ids=["unknown", "a span", "since", "the span is later", "since is later", "until", "doubtful"],
)
def test_the_horizon_is_the_later_of_what_bounds_the_past(kept: Kept, horizon: int | None) -> None:
    assert kept.horizon_ms(NOW_MS) == horizon


@pytest.mark.parametrize(("passed_ms", "kept"), [(0, True), (1, False), (DAY_MS, False), (-1, True)])
def test_a_piece_is_lost_as_soon_as_its_start_is_beyond_the_horizon(passed_ms: int, kept: Any) -> None:
    assert Kept(365 * DAY).has(day(365), NOW_MS + passed_ms) == kept


def test_a_piece_that_the_horizon_cuts_through_is_not_kept() -> None:
    kept = Kept(since_ms=NOW_MS - DAY_MS // 2)
    assert [kept.has(piece, NOW_MS) for piece in (day(2), day(1), day(0))] == [False, False, True]


def test_what_ends_at_a_time_has_nothing_from_then_on() -> None:
    kept = Kept(until_ms=NOW_MS)
    assert [kept.has(piece, NOW_MS + 10 * DAY_MS) for piece in (day(1), day(0))] == [True, False]
    assert not kept.has(Window(NOW_MS - 1, NOW_MS + 1), NOW_MS)


def test_everything_is_kept_where_nothing_else_is_known() -> None:
    assert Kept().has(Window(0, DAY_MS), NOW_MS)


def test_nothing_that_came_back_is_doubtful_within_the_time_that_is_known_to_be_kept() -> None:
    kept = Kept(doubtful_after=3 * DAY)
    assert [kept.is_doubtful(day(number), NOW_MS) for number in (2, 3, 4)] == [False, False, True]
    assert kept.is_doubtful(day(3), NOW_MS + 1)
    assert not Kept(3 * DAY).is_doubtful(day(400), NOW_MS)


NOON_MS = NOW_MS + DAY_MS // 2
SUPPORT = "ask KuCoin's support for older data"


def days_of(*days: str) -> list[Window]:
    return [Window.between(start, start + DAY) for start in (datetime.fromisoformat(f"{one}T00:00Z") for one in days)]


@pytest.mark.parametrize(
    ("name", "lost", "rule", "remedy"),
    [
        (
            "spot",
            days_of("2025-02-02", "2025-02-03"),
            "KuCoin keeps the spot ledger for 365 days, that is since 2025-02-03T12:00:00Z",
            SUPPORT,
        ),
        (
            "trade_hf",
            days_of("2026-01-31"),
            "KuCoin keeps the trade_hf ledger for 72 hours, that is since 2026-01-31T12:00:00Z",
            SUPPORT,
        ),
        (
            "spot_orders",
            days_of("2026-02-01"),
            "KuCoin keeps the spot_orders history for 48 hours, that is since 2026-02-01T12:00:00Z",
            SUPPORT,
        ),
        (
            "futures_fills",
            days_of("2025-11-05", "2025-11-06"),
            "KuCoin keeps the futures_fills history for 89 days, that is since 2025-11-06T12:00:00Z",
            SUPPORT,
        ),
        ("borrow", days_of("2023-03-31"), "KuCoin's borrow history begins at 2023-03-31T16:00:00Z", SUPPORT),
        (
            "deposits",
            days_of("2019-02-17"),
            "KuCoin's deposits history begins at 2019-02-18T00:00:00Z",
            "read hist_deposits for the rest",
        ),
        (
            "hist_withdrawals",
            days_of("2019-02-18", "2019-02-19", "2019-02-20"),
            "KuCoin's hist_withdrawals history ends at 2019-02-18T00:00:00Z",
            "read withdrawals for the rest",
        ),
    ],
    ids=["a year", "72 hours", "48 hours", "three months", "a beginning", "a beginning with a sequel", "an end"],
)
def test_what_is_lost_is_told_with_the_rule_the_days_and_what_to_do(
    name: str, lost: Sequence[Window], rule: str, remedy: str
) -> None:
    dataset = TABLES[name]
    assert [dataset.kept.has(piece, NOON_MS) for piece in lost] == [False] * len(lost)
    problem = out_of_retention(dataset, lost, NOON_MS)
    assert isinstance(problem, OutOfRetention)
    assert isinstance(problem, FatalError)
    span = f"{lost[0]} to {lost[-1]}" if len(lost) > 1 else str(lost[0])
    assert str(problem) == (
        f"{rule}; {len(lost)} of the window's days are beyond it ({span}) and would look empty, or be cut short. Ask "
        f"for another window, set on_out_of_retention='skip' to write the rest only, or {remedy}"
    )


@pytest.mark.parametrize(
    ("name", "kept", "lost"),
    [
        ("spot", day(364), day(365)),
        ("trade_hf", day(2), day(3)),
        ("margin_hf", day(2), day(3)),
        ("spot_fills", day(2), day(3)),
        ("margin_orders", day(1), day(2)),
        ("futures_orders", day(88), day(89)),
    ],
)
def test_the_last_day_that_is_kept_is_the_one_after_the_horizon(name: str, kept: Window, lost: Window) -> None:
    assert TABLES[name].kept.has(kept, NOON_MS)
    assert not TABLES[name].kept.has(lost, NOON_MS)


def test_the_old_lists_and_the_new_ones_have_every_day_between_them() -> None:
    end = to_ms(datetime(2019, 2, 21, tzinfo=UTC))
    for old, new in (("hist_deposits", "deposits"), ("hist_withdrawals", "withdrawals")):
        for piece in pieces(Window(end - 6 * DAY_MS, end)):
            assert TABLES[old].kept.has(piece, NOON_MS) != TABLES[new].kept.has(piece, NOON_MS)
        assert (TABLES[old].kept.elsewhere, TABLES[new].kept.elsewhere) == (new, old)


def test_a_window_over_the_end_of_the_old_lists_is_told_by_that_end() -> None:
    dataset = TABLES["hist_deposits"]
    window = Window.between(datetime(2019, 2, 17, tzinfo=UTC), datetime(2019, 2, 19, tzinfo=UTC))
    lost: Sequence[Window] = [piece for piece in pieces(window) if not dataset.kept.has(piece, NOON_MS)]
    assert "ends at 2019-02-18T00:00:00Z; 1 of the window's days" in str(out_of_retention(dataset, lost, NOON_MS))


def test_an_empty_answer_that_proves_nothing_is_told_with_what_to_do() -> None:
    problem = doubtful(TABLES["unified"], day(10))
    assert isinstance(problem, OutOfRetention)
    assert str(problem) == (
        f"KuCoin's unified ledger of {day(10)} came back empty, and no source says how long it is kept: it may be "
        "gone, so nothing was written. If the account was idle then, set on_out_of_retention='skip'"
    )


@every_dataset
def test_retention_is_either_documented_or_doubtful_or_without_end(dataset: Dataset) -> None:
    """A dataset of which nothing is known says so, so that an empty answer is not taken for an idle account."""
    unlimited = {"lending_purchases", "lending_redemptions", "klines"}
    known = dataset.kept.span or dataset.kept.since_ms or dataset.kept.until_ms
    assert bool(known) + bool(dataset.kept.doubtful_after) + (dataset.name in unlimited) == 1
