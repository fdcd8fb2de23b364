"""The example that is scheduled on an asset: copied by one DAG, told by its event, summarised by another."""

from __future__ import annotations

import json
import runpy
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

FOLDER = Path(__file__).resolve().parent.parent / "dags_examples"
DAY = 86_400_000
TODAY = 1_770_120_000_000 // DAY * DAY  # 2026-02-03, the exchange's day
SUMMARY = "kucoin/summary/ledger=spot/account={uid}/date=2026-02-02/20260202T000000Z_20260203T000000Z.parquet"
#: Hands the events that the copy left behind to the summary's run, as the scheduler would.
HAND_OVER = """
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.dagrun import DagRun
from sqlalchemy import event, select
from sqlalchemy.orm import Session


@event.listens_for(Session, "before_flush")
def hand_over(session, context, instances):
    for made in session.new:
        if isinstance(made, DagRun) and made.dag_id == "kucoin_daily_summary":
            with session.no_autoflush:
                ledger = AssetEvent.asset.has(AssetModel.uri.endswith("/kucoin/ledger=spot"))
                made.consumed_asset_events = list(session.scalars(select(AssetEvent).where(ledger)))
"""


@pytest.fixture
def ran(airflow_with: Callable[[Path], Any], bucket: Any, connection: dict[str, Any]) -> Callable[[], Any]:  # noqa: ARG001
    """Run both DAGs, and return the summaries that the second one handed on."""

    def ran() -> list[tuple[Any, ...]]:
        airflow = airflow_with(FOLDER)
        copy, summarise = (
            ["dags", "test", dag, "2026-02-03"] for dag in ("kucoin_ledger_to_s3", "kucoin_daily_summary")
        )
        done = airflow(copy, HAND_OVER, summarise, KUCOIN_LAKE_BUCKET=bucket.name)
        assert done.returncode == 0, done.stdout[-9000:]
        found: list[tuple[Any, ...]] = airflow.recorded(
            "select value from xcom where task_id = 'summarise' and key = 'return_value'"
        )
        return found

    return ran


def expected(exchange: Exchange) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what yesterday's rows add up to, by a second reading."""
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(lambda: {"rows": 0, "in": 0, "out": 0, "fees": 0})
    for entry in exchange.entries(TODAY - DAY, TODAY):
        of_kind = found[entry["currency"], entry["bizType"]]
        of_kind["rows"] += 1
        of_kind[entry["direction"]] += Fraction(entry["amount"])
        of_kind["fees"] += Fraction(entry["fee"])
    return found


@pytest.fixture
def example(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the example defines."""
    monkeypatch.setenv("KUCOIN_LAKE_BUCKET", bucket.name)
    return runpy.run_path(str(FOLDER / "example_kucoin_daily_summary.py"))


@pytest.mark.usefixtures("connection")
def test_the_summary_of_an_object_is_exact_and_published_beside_it(
    exchange: Exchange, bucket: Any, example: dict[str, Any]
) -> None:
    import duckdb

    exchange.seed_ledger(TODAY - 2 * DAY, TODAY + DAY // 2, rows_per_day=300)
    # A float would have lost the last digits, and so would a sum of floats.
    for _ in range(3):
        exchange.book(created_at=TODAY - 5, currency="XYZ", amount="12345678901.100000000000000001", direction="in")
    window = {"window_start": TODAY - DAY, "window_end": TODAY}
    [written] = KucoinLedgerToS3Operator(task_id="copy", s3_bucket=bucket.name, **window).execute({})  # type: ignore[arg-type]
    handed_on = example["dag"].get_task("summarise").python_callable(written["uri"])

    wanted = expected(exchange)
    assert [(row["currency"], row["biz_type"]) for row in handed_on] == sorted(wanted)
    for row in handed_on:
        of_kind = wanted[row["currency"], row["biz_type"]]
        assert int(row["rows"]) == of_kind["rows"]
        assert (Fraction(row["came"]), Fraction(row["went"])) == (of_kind["in"], of_kind["out"])
        assert (Fraction(row["net"]), Fraction(row["fees"])) == (of_kind["in"] - of_kind["out"], of_kind["fees"])
    [exact] = [row for row in handed_on if row["currency"] == "XYZ"]
    assert exact["came"] == "37037036703.300000000000000003"

    table = bucket.table(SUMMARY.format(uid=exchange.key.uid))
    assert [(row["currency"], row["net"]) for row in table.to_pylist()] == [
        (row["currency"], Decimal(row["net"])) for row in handed_on
    ]
    assert duckdb.from_arrow(table).types[-1] == "DECIMAL(38,18)"


def test_the_objects_are_those_of_the_events_or_those_that_a_person_names(example: dict[str, Any]) -> None:
    new_objects = example["dag"].get_task("new_objects").python_callable
    events = [
        SimpleNamespace(extra={"objects": [{"uri": "s3://b/2"}, {"uri": "s3://b/1"}]}),
        SimpleNamespace(extra={"objects": [{"uri": "s3://b/1"}]}),
        SimpleNamespace(extra={}),
    ]
    by_hand: dict[str, Any] = {"params": {"objects": ["s3://b/9"]}}
    assert new_objects(params={"objects": []}, triggering_asset_events={"asset": events}) == ["s3://b/1", "s3://b/2"]
    assert new_objects(**by_hand, triggering_asset_events={}) == ["s3://b/9"]
    assert new_objects(**by_hand) == ["s3://b/9"]  # Airflow 2 has none
    events[0].extra["objects_left_out"] = 3
    with pytest.raises(AirflowFailException, match="more objects than it can name"):
        new_objects(params={"objects": []}, triggering_dataset_events={"asset": events})


def test_a_day_is_summarised_when_its_event_tells_of_it(
    exchange: Exchange, bucket: Any, ran: Callable[[], list[tuple[Any, ...]]]
) -> None:
    exchange.seed_ledger(TODAY - 2 * DAY, TODAY + DAY // 2, rows_per_day=100)
    [(said,)] = ran()
    handed_on = json.loads(json.loads(said)) if said.startswith('"') else json.loads(said)
    wanted = expected(exchange)
    assert {(row["currency"], row["biz_type"]): Fraction(row["net"]) for row in handed_on} == {
        kind: sums["in"] - sums["out"] for kind, sums in wanted.items()
    }
    assert [key for key in bucket.keys if "summary" in key] == [SUMMARY.format(uid=exchange.key.uid)]
