"""A real run of a DAG by Airflow: mapped tasks, XComs, asset events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

DAY = 86_400_000
TODAY = 1_770_120_000_000 // DAY * DAY
YESTERDAY = TODAY - DAY
LEDGERS = ("spot", "trade_hf", "margin_hf", "futures")
BALANCES = "kucoin/balances/account={uid}/date=2026-02-03/20260203T000000Z.parquet"


@pytest.mark.usefixtures("connection")
def test_every_ledger_and_history_is_copied_by_mapped_tasks_checked_and_told_to_consumers(
    airflow_with: Callable[[Path], Any],
    exchange: Exchange,
    bucket: Any,
    exactly: Callable[..., None],
) -> None:
    for ledger in LEDGERS:
        exchange.seed_ledger(YESTERDAY - DAY, TODAY + DAY // 4, rows_per_day=120, ledger=ledger)
    for dataset, among in (
        ("spot_fills", {"symbol": "BTC-USDT"}),
        ("deposits", {"currency": "USDT", "chain": "trx", "address": "T1", "decimals": 8}),
        ("klines", {"symbol": "BTC-USDT", "type": "1hour"}),
    ):
        exchange.histories.seed(dataset, YESTERDAY - DAY // 4, TODAY + DAY // 4, rows=60, among=[among])
    airflow = airflow_with(Path(__file__).parent / "dags")
    done = airflow(["dags", "test", "everything", "2026-02-03"], KUCOIN_LAKE_BUCKET=bucket.name)
    assert done.returncode == 0, done.stdout[-6000:]

    day, uid = "date=2026-02-02/20260202T000000Z_20260203T000000Z.parquet", exchange.key.uid
    for ledger in LEDGERS:
        truth = list(exchange.entries(YESTERDAY, TODAY, ledger=ledger))
        exactly(ledger, f"kucoin/ledger={ledger}/account={uid}/{day}", truth)
    for dataset in ("spot_fills", "deposits", "klines"):
        account = "public" if dataset == "klines" else uid
        key = f"kucoin/dataset={dataset}/account={account}/{day}"
        exactly(dataset, key, exchange.histories.rows(dataset, YESTERDAY, TODAY))
    assert BALANCES.format(uid=uid) in bucket.keys
    assert len(bucket.keys) == len(LEDGERS) + 3 + 3

    states = airflow.recorded("select task_id, map_index, state from task_instance order by task_id, map_index")
    assert states == [
        (task, index, "success")
        for task, count in (("alone", 0), ("balances", 0), ("check", 4), ("copy", 4), ("funding", 0), ("take", 3))
        for index in (range(count) if count else [-1])
    ]
    checked = [json.loads(value) for (value,) in airflow.recorded("select value from xcom where task_id = 'check'")]
    checked = [json.loads(one) if isinstance(one, str) else one for one in checked]
    assert sorted(one["rows"] for one in checked) == sorted(
        len(list(exchange.entries(YESTERDAY, TODAY, ledger=ledger))) for ledger in LEDGERS
    )

    events: dict[str, list[dict[str, Any]]] = {}
    for uri, extra in airflow.recorded(
        "select asset.uri, asset_event.extra from asset_event join asset on asset.id = asset_event.asset_id"
    ):
        events.setdefault(uri.removeprefix(f"s3://{bucket.name}/"), []).append(json.loads(extra))
    mapped = {event["ledger"]: event for event in events.pop("kucoin/ledgers")}
    assert set(mapped) == set(LEDGERS)
    for ledger, event in mapped.items():
        assert [one["uri"] for one in event["objects"]] == [
            f"s3://{bucket.name}/kucoin/ledger={ledger}/account={uid}/{day}"
        ]
        assert event["rows"] == len(list(exchange.entries(YESTERDAY, TODAY, ledger=ledger)))
        assert (event["window_start"], event["window_end"]) == ("2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z")
    [alone], [funding] = events["alone/futures"], events["kucoin/dataset=funding"]
    assert [one["uri"] for one in alone["objects"]] == [f"s3://{bucket.name}/alone/futures/2026-02-02.parquet"]
    assert (alone["ledger"], funding["dataset"], funding["rows"]) == ("futures", "funding", 0)
    [balances] = events["kucoin/balances"]
    assert [one["uri"] for one in balances["objects"]] == [f"s3://{bucket.name}/{BALANCES.format(uid=uid)}"]
    assert balances["taken_at"].startswith("2026-02-03T12:0")
