"""What consumers of an asset are told, and that it stays small."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import Asset
from moments import DAY, YESTERDAY

from airflow_provider_kucoin.api.ledgers import SPOT
from airflow_provider_kucoin.api.sources import source_of
from airflow_provider_kucoin.api.totals import totals_of
from airflow_provider_kucoin.transfers.balances_to_s3 import KucoinBalancesToS3Operator
from airflow_provider_kucoin.transfers.events import LONGEST_EXTRA, MOST_TOTALS, Published, Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange


def published(day: int, currencies: int) -> Published:
    totals = totals_of(SPOT.columns)
    for number in range(currencies):
        totals.add(("MAIN", f"C{number:04}", "in"), 1, [Decimal("0.1"), Decimal(0)])
    date = f"2026-{day // 28 + 1:02}-{day % 28 + 1:02}"
    uri = f"s3://lake/kucoin/ledger=spot/account=165111215/date={date}/{date}.parquet"
    window = {"window_start": f"{date}T00:00:00Z", "window_end": f"{date}T24:00:00Z"}
    return Published({"uri": uri, "rows": currencies, **window, "bytes": 10}, totals)


def told(objects: int, currencies: int) -> dict[str, Any]:
    source = source_of(SPOT, "https://api.kucoin.com", "1")
    return Told(SPOT, "1", source, [published(day, currencies) for day in range(objects)]).of_run()


def test_a_run_of_a_month_is_told_in_full() -> None:
    extra = told(28, 10)
    assert "objects_left_out" not in extra
    assert (extra["rows"], extra["bytes"]) == (280, 280)
    assert (extra["window_start"], extra["window_end"]) == ("2026-01-01T00:00:00Z", "2026-01-28T24:00:00Z")
    assert all(len(written["totals"]) == 10 for written in extra["objects"])
    assert extra["totals"][0] == {
        "account_type": "MAIN",
        "currency": "C0000",
        "direction": "in",
        "rows": 28,
        "amount": "2.8",
        "fee": "0",
    }


def test_of_a_run_with_many_objects_their_own_totals_are_left_out_first() -> None:
    extra = told(150, 20)
    assert "objects_left_out" not in extra
    assert len(extra["objects"]) == 150
    assert all("totals" not in written for written in extra["objects"])
    assert len(extra["totals"]) == 20


def test_of_a_run_with_very_many_objects_it_is_said_how_many_are_not_named() -> None:
    extra = told(330, 20)
    assert len(extra["objects"]) + extra["objects_left_out"] == 330
    assert len(extra["objects"]) > 150
    assert (extra["rows"], len(extra["totals"])) == (6600, 20)


@pytest.mark.parametrize(("objects", "currencies"), [(1, 1), (1, 1500), (40, 150), (330, MOST_TOTALS), (330, 1500)])
def test_an_event_never_grows_beyond_what_it_may(objects: int, currencies: int) -> None:
    extra = told(objects, currencies)
    assert len(json.dumps(extra)) <= LONGEST_EXTRA
    assert (extra["totals"] is None) is (currencies > MOST_TOTALS)
    assert extra["objects"]


# ------------------------------------------------------------------------------------------------------------- balances


def test_a_snapshot_of_balances_tells_its_consumers(
    exchange: Exchange, snapshot: Callable[..., dict[str, Any]], bucket: Any, measured: Any
) -> None:
    exchange.balances.set("USDT", "main", "250.5")
    exchange.balances.set("USDT", "trade", "0.000000000000000001")
    events: dict[Any, Any] = defaultdict(lambda: SimpleNamespace(extra={}))
    result = snapshot({"outlet_events": events}, include=["accounts"])
    [(asset, event)] = events.items()
    assert asset == Asset(f"s3://{bucket.name}/kucoin/balances")
    assert event.extra == {
        "dataset": "balances",
        "account": str(exchange.key.uid),
        "schema_version": 1,
        "rows": result["rows"],
        "bytes": result["bytes"],
        "taken_at": result["taken_at"],
        "totals": event.extra["totals"],
        "objects": [{**result, "totals": event.extra["totals"]}],
    }
    sums = {row["account_type"]: row["total"] for row in event.extra["totals"] if row["currency"] == "USDT"}
    assert sums == {"main": "250.5", "trade": "0.000000000000000001"}
    assert measured.total("kucoin.rows", dataset="balances") == result["rows"]


def test_where_balances_go_can_be_a_template_or_an_outlet_of_ones_own() -> None:
    mine = Asset("s3://lake/mine")
    assert KucoinBalancesToS3Operator(task_id="a", s3_bucket="{{ x }}").outlets == []
    assert KucoinBalancesToS3Operator(task_id="b", s3_bucket="lake", outlets=[mine]).outlets == [mine]


# -------------------------------------------------------------------------------------------------------------- metrics


def test_what_a_copy_publishes_is_counted_and_how_long_the_rest_is_kept_is_told(
    exchange: Exchange, copy: Callable[..., list[dict[str, Any]]], measured: Any
) -> None:
    for hour in range(30):
        exchange.book(created_at=YESTERDAY - DAY // 4 + hour * 3_600_000, ledger="trade_hf")
    result = copy(ledger="trade_hf")
    tags = {"connection": "kucoin_default", "dataset": "trade_hf"}
    assert measured.named("kucoin.rows") == [(24, tags)]
    assert measured.named("kucoin.objects") == [(1, tags)]
    assert measured.named("kucoin.bytes") == [(result[0]["bytes"], tags)]
    # The window began 36 hours before the exchange's noon and ended 12 hours before it.
    before, after = (hours for hours, _ in measured.named("kucoin.retention_hours_left"))
    assert (before, after) == (pytest.approx(36, abs=0.1), pytest.approx(60, abs=0.1))


def test_a_run_that_comes_too_late_still_tells_how_late_it_is(
    exchange: Exchange, copy: Callable[..., list[dict[str, Any]]], measured: Any
) -> None:
    assert exchange
    with pytest.raises(Exception, match="KuCoin keeps"):
        copy(ledger="trade_hf", window_start=YESTERDAY - 3 * DAY, window_end=YESTERDAY - 2 * DAY)
    [(hours, _)] = measured.named("kucoin.retention_hours_left")
    assert hours == pytest.approx(-36, abs=0.1)


def test_late_rows_are_counted(exchange: Exchange, copy: Callable[..., Any], measured: Any) -> None:
    from datetime import timedelta

    exchange.book(created_at=YESTERDAY - 1)
    copy(window_start=YESTERDAY - DAY, window_end=YESTERDAY)
    exchange.book(created_at=YESTERDAY - 2)
    copy(lookback=timedelta(days=1), window_start=YESTERDAY, window_end=YESTERDAY + DAY)
    assert measured.total("kucoin.late_rows", dataset="spot") == 1
