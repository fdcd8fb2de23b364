"""What reading a range will cost: arithmetic on samples, and how it is shown to people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_kucoin.api.datasets import Dataset, Kept
from airflow_provider_kucoin.api.endpoints import Pool
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import FUTURES, MARGIN_HF, SPOT, TRADE_HF, UNIFIED
from airflow_provider_kucoin.api.pages import Below, Stretch
from airflow_provider_kucoin.api.plans import Asked, Load, Plan, calls_of, estimated, loads, rendered, sampled
from airflow_provider_kucoin.api.plans import plan as plan_of
from airflow_provider_kucoin.api.windows import Slice, Window, pieces

DAY, HOUR = 86_400_000, 3_600_000
NOON = 1_770_120_000_000  # 2026-02-03 12:00 UTC
TODAY = NOON - DAY // 2
ONE_DAY = Window(TODAY - DAY, TODAY)
FILLS = HISTORIES["spot_fills"]


def plan(dataset: Dataset, found: list[Window], rows_per_day: float, now_ms: int, quota: int | None = None) -> Plan:
    """Plan for a dataset that is read in one query."""
    return plan_of(dataset, found, {Asked(rows_per_day, dataset.page_size): 1}, now_ms, quota=quota)


def days(count: int) -> list[Window]:
    return pieces(Window(TODAY - count * DAY, TODAY))


# --------------------------------------------------------------------------------------- what is left, and for how long


def test_days_that_kucoin_has_forgotten_are_lost_and_take_no_calls() -> None:
    found = plan(TRADE_HF, days(9), 600, NOON)
    # 72 hours before noon is noon of the fourth day back: half of that day is gone, so all of it counts as lost.
    assert (found.pieces, found.lost) == (2, 7)
    assert found.rows == 1200
    assert found.calls == 2 * calls_of(TRADE_HF, ONE_DAY, 600, 200)


def test_the_next_loss_is_when_the_oldest_day_that_is_left_begins_to_go() -> None:
    found = plan(TRADE_HF, days(9), 600, NOON)
    assert found.next_loss_ms == TODAY - 2 * DAY + 72 * HOUR
    assert found.next_loss_ms - NOON == 12 * HOUR


def test_nothing_is_left_to_lose_where_all_is_lost() -> None:
    found = plan(SPOT, [Window(TODAY - 400 * DAY, TODAY - 399 * DAY)], 600, NOON)
    assert (found.pieces, found.lost, found.rows, found.calls, found.weight) == (0, 1, 0, 0, 0)
    assert found.next_loss_ms is None


def test_where_no_source_says_how_long_rows_are_kept_no_loss_is_foretold() -> None:
    assert plan(FUTURES, days(2), 600, NOON).next_loss_ms is None


def test_part_of_a_day_has_part_of_its_rows() -> None:
    assert plan(SPOT, pieces(Window(TODAY, TODAY + 6 * HOUR)), 600, NOON).rows == 150


# ----------------------------------------------------------------------------------------------------- calls and weight


@pytest.mark.parametrize(("rows", "calls"), [(0, 2), (1, 2), (500, 2), (501, 3), (1_000_000, 2001)])
def test_numbered_pages_are_counted_and_the_last_milliseconds_of_a_day_take_a_call_of_their_own(
    rows: int, calls: int
) -> None:
    assert calls_of(SPOT, ONE_DAY, rows, 500) == calls


def test_a_list_with_a_cursor_that_is_sorted_by_time_takes_little_more_than_its_rows() -> None:
    assert calls_of(TRADE_HF, ONE_DAY, 199, 200) == 1
    assert 100 <= calls_of(TRADE_HF, ONE_DAY, 20_000, 200) <= 115


def test_a_list_whose_order_is_not_documented_is_cut_until_its_parts_fit_one_answer() -> None:
    # The whole of it first, then parts that are expected to fill six tenths of an answer each.
    assert calls_of(FUTURES, ONE_DAY, 3000, 50) == 1 + 100 + 1


def test_where_a_short_answer_need_not_be_the_last_each_is_asked_for_twice() -> None:
    assert calls_of(UNIFIED, ONE_DAY, 10, 100) == 2 + 1
    assert calls_of(UNIFIED, ONE_DAY, 0, 100) == 1 + 1


def test_all_candles_of_a_day_come_at_once() -> None:
    assert calls_of(HISTORIES["klines"], ONE_DAY, 1440, 1500) == 1


def test_where_it_is_not_known_which_bounds_are_meant_both_are_asked_for() -> None:
    assert calls_of(HISTORIES["hist_deposits"], ONE_DAY, 0, 500) == 2


def test_every_query_takes_calls_of_its_own() -> None:
    found = plan_of(FILLS, [ONE_DAY], {Asked(0, 100): 1300}, NOON)
    assert found.calls == 1300
    assert found.weight == 1300 * FILLS.endpoint.weight


def test_queries_whose_answers_are_longer_take_fewer_calls() -> None:
    short, long = Asked(30_000, 100), Asked(30_000, 500)
    calls = {one: plan_of(UNIFIED, [ONE_DAY], {one: 1}, NOON).calls for one in (short, long)}
    assert calls[short] > 4 * calls[long]
    assert plan_of(UNIFIED, [ONE_DAY], {short: 1, long: 1}, NOON).calls == sum(calls.values())


def test_a_few_counted_queries_stand_for_many_that_were_not() -> None:
    found = plan_of(FILLS, [ONE_DAY], {Asked(0, 100): 97.5, Asked(1000, 100): 2.5}, NOON)
    assert found.rows == 2500
    assert found.calls == round(97.5 + 2.5 * calls_of(FILLS, ONE_DAY, 1000, 100))


def test_a_list_that_takes_no_times_is_read_as_a_whole_for_every_day() -> None:
    lending = HISTORIES["lending_purchases"]
    found = plan(lending, days(9), 120, NOON)
    assert found.rows == 120  # not nine times as many
    assert found.calls == 9 * calls_of(lending, ONE_DAY, 120, lending.page_size) == 9 * 3


# -------------------------------------------------------------------------------------------------------------- samples


@pytest.mark.parametrize(
    ("count", "wanted"),
    [(0, []), (3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (11, [10, 8, 6, 4, 2]), (365, [364, 291, 218, 145, 72])],
)
def test_samples_are_spread_evenly_with_the_newest_among_them(count: int, wanted: list[int]) -> None:
    assert sampled(range(count), 5) == wanted


def test_an_answer_that_holds_all_rows_is_no_estimate() -> None:
    whole = Stretch([{}] * 7, Below.NOTHING, is_full=False)
    assert estimated(whole, [TODAY - 1] * 7, Slice(ONE_DAY, TODAY - DAY, TODAY)) == 7


def test_a_full_answer_tells_how_many_rows_there_are_by_how_far_back_it_reaches() -> None:
    full = Stretch([{}] * 200, Below.PERHAPS, is_full=True)
    times = [TODAY - 1 - number * HOUR * 6 // 200 for number in range(200)]
    assert estimated(full, times, Slice(ONE_DAY, TODAY - DAY, TODAY)) == pytest.approx(800, rel=0.01)


def test_an_answer_whose_rows_are_all_of_the_last_millisecond_is_no_division_by_nothing() -> None:
    full = Stretch([{}] * 2, Below.PERHAPS, is_full=True)
    assert estimated(full, [TODAY, TODAY], Slice(ONE_DAY, TODAY - DAY, TODAY)) == 2 * DAY


def test_an_answer_without_times_counts_what_it_holds() -> None:
    full = Stretch([{}] * 1500, Below.PERHAPS, is_full=True)
    assert estimated(full, [], Slice(ONE_DAY, TODAY - DAY, TODAY)) == 1500


# ------------------------------------------------------------------------------------------------------ time at a quota


@pytest.mark.parametrize(
    ("weight", "quota", "seconds"),
    [(0, 2000, 0), (1999, 2000, 0), (2000, 2000, 0), (2001, 2000, 30), (4001, 2000, 60), (5000, None, None)],
)
def test_what_does_not_fit_into_a_window_of_the_quota_waits_for_the_next(
    weight: int, quota: int | None, seconds: int | None
) -> None:
    assert Load(weight, quota).seconds == seconds


def test_datasets_that_draw_from_one_pool_draw_from_it_together() -> None:
    spot = plan(SPOT, [ONE_DAY], 450_000, NOON, quota=2000)
    unified = plan(UNIFIED, [ONE_DAY], 0, NOON, quota=2000)
    trade = plan(TRADE_HF, [ONE_DAY], 0, NOON, quota=4000)
    found = loads([spot, unified, trade])
    assert found == {
        Pool.MANAGEMENT: Load(spot.weight + unified.weight, 2000),
        Pool.SPOT: Load(trade.weight, 4000),
    }


def test_a_quota_that_one_plan_has_been_told_holds_for_all_of_its_pool() -> None:
    told, not_told = (plan(SPOT, [ONE_DAY], 0, NOON, quota=quota) for quota in (2000, None))
    assert loads([told, not_told])[Pool.MANAGEMENT].quota == 2000
    assert loads([not_told, told])[Pool.MANAGEMENT].quota == 2000


def test_what_is_all_lost_draws_from_no_pool() -> None:
    assert loads([plan(SPOT, [Window(DAY, 2 * DAY)], 0, NOON, quota=2000)]) == {}


# ----------------------------------------------------------------------------------------------------------- for people


def test_plans_are_shown_as_tables_and_what_is_lost_in_a_sentence() -> None:
    shown = rendered(
        [
            plan(SPOT, days(9), 200_000, NOON, quota=2000),
            plan(TRADE_HF, days(9), 600, NOON, quota=4000),
            plan(FUTURES, days(9), 0, NOON),
        ],
        NOON,
    )
    assert shown == (
        "dataset   days to read  days lost  rows, about  calls  weight  next loss\n"
        "spot                 9          0    1,800,000  3,609   7,218"
        "  in 8,532 h (355 days), 2027-01-25T00:00:00Z\n"
        "trade_hf             2          7        1,200      8      16  in 12.0 h, 2026-02-04T00:00:00Z\n"
        "futures              9          0            0     18      36  not documented\n"
        "\n"
        "pool        weight  quota of the key    time that it takes at the least\n"
        "Management   7,218  2,000 per 30 s      1 min 30 s\n"
        "Spot            16  4,000 per 30 s      no waiting for quota\n"
        "Futures         36  not told by KuCoin  not known\n"
        "\n"
        "trade_hf ledger: 7 of 9 days of the range are lost: KuCoin keeps the last 3 days"
    )


def test_what_is_all_lost_says_so_without_an_empty_table() -> None:
    shown = rendered([plan(MARGIN_HF, [Window(TODAY - 9 * DAY, TODAY - 8 * DAY)], 0, NOON)], NOON)
    assert shown.splitlines()[1].endswith("nothing is left")
    assert shown.endswith("margin_hf ledger: 1 of 1 days of the range are lost: KuCoin keeps the last 3 days")
    assert "pool" not in shown


def test_days_that_another_dataset_has_are_not_called_lost() -> None:
    around = pieces(Window(1_550_448_000_000 - DAY, 1_550_448_000_000 + DAY))
    for name, edge, other in (
        ("deposits", "begins", "hist_deposits"),
        ("hist_deposits", "ends", "deposits"),
    ):
        said = rendered([plan(HISTORIES[name], around, 0, NOON)], NOON).splitlines()[-1]
        assert said == (
            f"{name} history: 1 of 2 days of the range are not in it: it {edge} at 2019-02-18T00:00:00Z, "
            f"the rest is in {other}"
        )


def test_a_dataset_that_begins_some_day_and_has_no_relative_names_none() -> None:
    said = rendered([plan(HISTORIES["interest"], [Window(DAY, 2 * DAY)], 0, NOON)], NOON)
    assert said.endswith("1 of 1 days of the range are not in it: it begins at 2023-03-31T16:00:00Z")


def test_a_pool_that_no_source_names_is_called_so() -> None:
    shown = rendered([plan(HISTORIES["convert_orders"], [ONE_DAY], 0, NOON)], NOON)
    assert "not documented" in shown.splitlines()[-1]


def test_a_loss_that_begins_while_the_plan_is_made_is_now() -> None:
    found = plan(replace(SPOT, kept=Kept()), [ONE_DAY], 0, NOON)
    late = replace(found, next_loss_ms=NOON - 5)
    assert isinstance(late, Plan)
    assert "in 0.0 h" in rendered([late], NOON)


@pytest.mark.parametrize(("weight", "shown"), [(1, "no waiting for quota"), (3, "30 s"), (5, "1 min"), (121, "30 min")])
def test_times_are_shown_in_minutes_and_seconds(weight: int, shown: str) -> None:
    one = replace(plan(SPOT, [ONE_DAY], 0, NOON, quota=2), weight=weight)
    assert rendered([one], NOON).splitlines()[-1].split("  ")[-1] == shown
