"""Plans against the sandbox: what they foretell, and what reading then really takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY, NOON, TODAY

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import LEDGERS
from airflow_provider_kucoin.hooks.planner import SAMPLE_DAYS, SAMPLE_QUERIES
from airflow_provider_kucoin.transfers.history_to_s3 import KucoinHistoryToS3Operator
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from airflow_provider_kucoin.hooks.kucoin import KucoinHook
    from airflow_provider_kucoin.testing import Exchange
    from airflow_provider_kucoin.testing.request_log import RequestRecord

TWO_DAYS = TODAY - 2 * DAY
#: Between the calls that are foretold and those that are made lies no larger factor. Samples see the newest rows of a
#: day, and the seeded days are as uneven as days are.
FACTOR = 2
#: The sandbox lets classic accounts have the unified ledger, so that one account has all five.
SERVED = "served"


def _asked(exchange: Exchange, path: str) -> list[RequestRecord]:
    return [record for record in exchange.requests if record.path == path]


def _are_close(foretold: float, real: float) -> bool:
    return real / FACTOR <= foretold <= real * FACTOR


# ------------------------------------------------------------------------------------------------- foretold and real


@pytest.mark.parametrize("rows_per_day", [0, 30, 400, 2500])
@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_ledger_takes_about_as_many_calls_as_were_foretold(
    exchange: Exchange, hook: KucoinHook, bucket: Any, ledger: str, rows_per_day: int
) -> None:
    exchange.readings.unified_api_for_classic = SERVED
    exchange.seed_ledger(TWO_DAYS, TODAY, rows_per_day=rows_per_day, ledger=ledger)
    [found] = hook.plan([ledger], TWO_DAYS, TODAY)
    exchange.requests.clear()
    operator = KucoinLedgerToS3Operator(
        task_id="copy", ledger=ledger, s3_bucket=bucket.name, window_start=TWO_DAYS, window_end=TODAY
    )
    written = sum(one["rows"] for one in operator.execute({}))
    real = _asked(exchange, LEDGERS[ledger].endpoint.path)
    assert _are_close(found.calls, len(real))
    assert _are_close(found.rows, written)
    assert _are_close(found.weight, sum(record.weight for record in real))


@pytest.mark.parametrize("rows", [0, 60, 1500])
@pytest.mark.parametrize(
    "dataset", ["deposits", "spot_fills", "spot_orders", "margin_fills", "futures_fills", "positions"]
)
def test_a_history_takes_about_as_many_calls_as_were_foretold(
    exchange: Exchange, hook: KucoinHook, bucket: Any, dataset: str, rows: int
) -> None:
    exchange.histories.seed(dataset, TODAY - DAY, TODAY, rows=rows, seed=3)
    table = HISTORIES[dataset]
    takes = {parameter.name for parameter in table.parameters}
    given: dict[str, Any] = {"symbol": "all"} if "symbol" in takes else {"currency": ["USDT", "BTC"]}
    [found] = hook.plan([dataset], TODAY - DAY, TODAY, given)
    exchange.requests.clear()
    operator = KucoinHistoryToS3Operator(
        task_id="copy", dataset=dataset, s3_bucket=bucket.name, window_start=TODAY - DAY, window_end=TODAY, **given
    )
    operator.execute({})
    assert _are_close(found.calls, len(_asked(exchange, table.endpoint.path)))


def test_a_long_range_is_planned_from_a_few_samples(exchange: Exchange, hook: KucoinHook) -> None:
    exchange.synthesize_ledger(TODAY - 364 * DAY, TODAY, rows=364 * 9_900)
    exchange.requests.clear()
    [found] = hook.plan(["spot"], TODAY - 364 * DAY, TODAY)
    assert len(_asked(exchange, "/api/v1/accounts/ledgers")) == SAMPLE_DAYS
    assert found.pieces == 364
    assert abs(found.rows - 364 * 9_900) < 1000
    # 20 pages, and the tail of the day.
    assert found.calls == 364 * 21


def test_many_symbols_are_planned_from_a_few_of_them(exchange: Exchange, hook: KucoinHook) -> None:
    symbols = [f"COIN{number}-USDT" for number in range(300)]
    exchange.requests.clear()
    [found] = hook.plan(["spot_fills"], TWO_DAYS, TODAY, {"symbol": symbols})
    assert found.calls == 600
    assert len(_asked(exchange, "/api/v1/hf/fills")) == 2 * SAMPLE_QUERIES


def test_lists_that_are_not_in_order_of_time_are_counted_in_ever_shorter_times(
    exchange: Exchange, hook: KucoinHook
) -> None:
    # Sorted by their last update: the newest answer's rows may be of any time of the day.
    exchange.histories.seed("spot_orders", TODAY - DAY, TODAY, rows=4000, seed=3)
    [found] = hook.plan(["spot_orders"], TODAY - DAY, TODAY, {"symbol": "all"})
    assert _are_close(found.rows, 4000)


# ------------------------------------------------------------------------------------------- quota, losses, windows


@pytest.mark.parametrize(("vip", "management", "spot"), [(0, 2000, 4000), (5, 7000, 16_000)])
@pytest.mark.parametrize("rows_per_day", [None, 1e6])
def test_the_quota_is_the_one_that_the_key_really_has(
    exchange: Exchange, hook: KucoinHook, vip: int, management: int, spot: int, rows_per_day: float | None
) -> None:
    for pool, limit in (("Management", management), ("Spot", spot)):
        assert type(exchange)(vip=vip).quota(pool).limit == limit
        exchange.set_quota(pool, limit)
    found = hook.plan(["spot", "trade_hf"], TWO_DAYS, TODAY, rows_per_day=rows_per_day)
    assert [one.quota for one in found] == [management, spot]


def test_given_rows_per_day_are_not_counted_again(exchange: Exchange, hook: KucoinHook) -> None:
    exchange.seed_ledger(TWO_DAYS, TODAY, rows_per_day=40)
    exchange.requests.clear()
    [found] = hook.plan(["spot"], TWO_DAYS, TODAY, rows_per_day=5000)
    assert found.rows == 10_000
    # One call, which tells the quota.
    assert len(_asked(exchange, "/api/v1/accounts/ledgers")) == 1


def test_what_kucoin_has_lost_is_not_asked_for(exchange: Exchange, hook: KucoinHook) -> None:
    [found] = hook.plan(["trade_hf"], TODAY - 30 * DAY, TODAY - 20 * DAY)
    assert (found.pieces, found.lost, found.calls, found.quota) == (0, 10, 0, None)
    assert _asked(exchange, "/api/v1/hf/accounts/ledgers") == []


def test_the_next_loss_is_told_by_kucoins_clock(hook: KucoinHook) -> None:
    [found] = hook.plan(["trade_hf"], TODAY - 9 * DAY, TODAY)
    assert (found.pieces, found.lost) == (2, 7)
    assert found.next_loss_ms == TODAY + DAY
    assert found.next_loss_ms - hook.now_ms() == pytest.approx(DAY // 2, abs=60_000)


def test_what_is_still_to_come_is_left_out(exchange: Exchange, hook: KucoinHook) -> None:
    [found] = hook.plan(["spot"], "2026-02-02", "2027-01-01", rows_per_day=1000)
    # Yesterday, and today until noon.
    assert found.pieces == 2
    assert found.rows == pytest.approx(1500, abs=2)
    assert exchange.now_ms() - NOON < 60_000


def test_a_date_is_its_midnight_in_utc_and_other_moments_are_taken_too(hook: KucoinHook) -> None:
    for start in ("2026-02-02", "2026-02-02T01:00:00+01:00", TODAY - DAY):
        [found] = hook.plan(["spot"], start, "2026-02-03", rows_per_day=100)
        assert (found.pieces, found.rows) == (1, 100)


@pytest.mark.parametrize(
    ("names", "start", "end", "rows_per_day", "said"),
    [
        (["spott"], "2026-02-02", "2026-02-03", None, "'spott' is not one of 'spot', 'trade_hf'"),
        (["spot"], "2026-02-03", "2026-02-02", None, "the start must be before the end"),
        (["spot"], "2026-02-04", "2026-02-05", None, "start=2026-02-04T00:00:00Z is in the future"),
        (["spot"], "yesterday", "2026-02-05", None, "start='yesterday' is not a time"),
        (["spot"], "2026-02-02T00:00:00", "2026-02-05", None, "has no time zone"),
        (["spot"], "0001-01-01", "2026-02-05", None, "is in no year of KuCoin's"),
        (["spot"], "2026-02-02", "2026-02-03", -1, "rows_per_day=-1 is no number of rows"),
        (["spot"], "2026-02-02", "2026-02-03", float("nan"), "rows_per_day=nan is no number of rows"),
        (["spot"], "2026-02-02", "2026-02-03", float("inf"), "rows_per_day=inf is no number of rows"),
        (["spot_fills"], "2026-02-02", "2026-02-03", None, "symbol is missing"),
    ],
)
def test_what_cannot_be_planned_is_refused(
    exchange: Exchange, hook: KucoinHook, names: list[str], start: str, end: str, rows_per_day: Any, said: str
) -> None:
    with pytest.raises(InvalidInput) as problem:
        hook.plan(names, start, end, rows_per_day=rows_per_day)
    assert said in str(problem.value)
    assert [record for record in exchange.requests if record.path != "/api/v1/timestamp"] == []
