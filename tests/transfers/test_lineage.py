"""OpenLineage and hook-level lineage: from where to where, with columns, rows and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from airflow.providers.common.compat.sdk import AirflowException, Asset
from moments import DAY, TODAY, YESTERDAY

from airflow_provider_kucoin.api.ledgers import SPOT
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.transfers.balances_to_s3 import KucoinBalancesToS3Operator
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server


# -------------------------------------------------------------------------------------------------------- OpenLineage


@pytest.fixture
def extract() -> Callable[[Any], Any]:
    """Ask an operator what OpenLineage's listener would ask it."""
    base = pytest.importorskip("airflow.providers.openlineage.extractors.base")
    return lambda operator: base.DefaultExtractor(operator).extract_on_complete(None)


@pytest.fixture
def operator(connection: dict[str, Any], bucket: Any) -> KucoinLedgerToS3Operator:  # noqa: ARG001 - is there
    """The copy of two days."""
    return KucoinLedgerToS3Operator(
        task_id="copy", s3_bucket=bucket.name, window_start=YESTERDAY - DAY, window_end=TODAY
    )


def test_every_object_is_an_output_with_its_columns_rows_and_bytes(
    exchange: Exchange, server: Server, bucket: Any, operator: KucoinLedgerToS3Operator, extract: Callable[[Any], Any]
) -> None:
    for hour in range(30):
        exchange.book(created_at=YESTERDAY - DAY // 4 + hour * 3_600_000)
    result = operator.execute({})
    found = extract(operator)
    [source] = found.inputs
    uid = exchange.key.uid
    assert (source.namespace, source.name) == (
        f"kucoin://{urlsplit(server.url).netloc}",
        f"accounts/{uid}/ledgers/spot",
    )
    assert [(output.namespace, f"s3://{bucket.name}/{output.name}") for output in found.outputs] == [
        (f"s3://{bucket.name}", written["uri"]) for written in result
    ]
    statistics = [output.outputFacets["outputStatistics"] for output in found.outputs]
    assert [(each.rowCount, each.size) for each in statistics] == [
        (written["rows"], written["bytes"]) for written in result
    ]
    for output in found.outputs:
        columns = {field.name: field.type for field in output.facets["schema"].fields}
        assert list(columns) == bucket.table(result[0]["uri"]).schema.names
        assert (columns["amount"], columns["created_at"]) == ("decimal(38, 18)", "timestamp[ms, tz=UTC]")
        [origin] = output.facets["columnLineage"].fields["biz_type"].inputFields
        assert (origin.name, origin.field) == (source.name, "bizType")


def test_a_task_that_failed_tells_of_what_it_had_published(
    exchange: Exchange, operator: KucoinLedgerToS3Operator, extract: Callable[[Any], Any]
) -> None:
    exchange.book(created_at=YESTERDAY - DAY)
    exchange.book(created_at=YESTERDAY, extra={"amount": "1e-30"})
    with pytest.raises(AirflowException):
        operator.execute({})
    [output] = extract(operator).outputs
    assert "date=2026-02-01" in output.name


def test_a_task_that_has_not_run_asks_nobody(
    exchange: Exchange, operator: KucoinLedgerToS3Operator, extract: Callable[[Any], Any]
) -> None:
    assert extract(operator) is None
    assert len(exchange.requests) == 0


def test_of_very_many_objects_only_their_prefix_is_told(
    exchange: Exchange, bucket: Any, connection: dict[str, Any], extract: Callable[[Any], Any]
) -> None:
    assert connection
    exchange.book(created_at=YESTERDAY)
    operator = KucoinLedgerToS3Operator(
        task_id="copy", s3_bucket=bucket.name, window_start=TODAY - 101 * DAY, window_end=TODAY
    )
    result = operator.execute({})
    [output] = extract(operator).outputs
    assert (output.name, len(result)) == ("kucoin/ledger=spot", 101)
    assert output.outputFacets["outputStatistics"].rowCount == 1
    assert output.outputFacets["outputStatistics"].size == sum(written["bytes"] for written in result)


def test_a_snapshot_of_balances_is_an_output(
    exchange: Exchange, bucket: Any, connection: dict[str, Any], extract: Callable[[Any], Any]
) -> None:
    assert connection
    exchange.balances.set("USDT", "main", "1")
    operator = KucoinBalancesToS3Operator(task_id="b", s3_bucket=bucket.name, include=["accounts"])
    assert extract(operator) is None
    written = operator.execute({})
    found = extract(operator)
    assert [dataset.name for dataset in found.inputs] == [f"accounts/{exchange.key.uid}/histories/balances"]
    [output] = found.outputs
    assert f"{output.namespace}/{output.name}" == written["uri"]


def test_without_openlineage_there_is_nothing_to_tell(
    operator: KucoinLedgerToS3Operator, monkeypatch: pytest.MonkeyPatch, exchange: Exchange
) -> None:
    import sys

    exchange.book(created_at=YESTERDAY)
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage.extractors", None)
    operator.execute({})
    assert operator.get_openlineage_facets_on_complete(None) is None


# ------------------------------------------------------------------------------------------------- hook-level lineage


def told(collector: Any) -> tuple[list[str], list[str]]:
    found = collector.collected_assets
    return sorted({one.asset.uri for one in found.inputs}), sorted({one.asset.uri for one in found.outputs})


def test_what_a_hook_reads_is_an_input(
    exchange: Exchange, server: Server, connection: dict[str, Any], collector: Any
) -> None:
    assert connection
    exchange.book(created_at=YESTERDAY)
    hook = KucoinHook()
    assert len(list(hook.iter_ledger("spot", YESTERDAY, TODAY))) == 1
    hook.get_accounts()
    hook.get_accounts()
    base = f"kucoin://{urlsplit(server.url).netloc}/accounts/{exchange.key.uid}"
    assert told(collector) == ([f"{base}/histories/balances", f"{base}/ledgers/spot"], [])


def test_what_is_published_is_an_output_and_what_is_looked_back_at_an_input(
    exchange: Exchange, copy: Callable[..., Any], collector: Any, bucket: Any
) -> None:
    from datetime import timedelta

    exchange.book(created_at=YESTERDAY - 1)
    [first] = copy(window_start=YESTERDAY - DAY, window_end=YESTERDAY)
    exchange.book(created_at=YESTERDAY - 2)
    second, again = copy(lookback=timedelta(days=1), window_start=YESTERDAY, window_end=TODAY)
    assert again["uri"] == first["uri"]
    inputs, outputs = told(collector)
    assert [uri for uri in inputs if uri.startswith("s3:")] == [first["uri"]]
    assert outputs == sorted([first["uri"], second["uri"]])
    assert bucket.keys


def test_where_nobody_listens_nothing_is_asked_for_lineage(exchange: Exchange, connection: dict[str, Any]) -> None:
    assert connection
    KucoinHook().get_accounts()
    assert "/api/v1/user/api-key" not in {record.path for record in exchange.requests}


# -------------------------------------------------------------------------------------------------------------- assets


def test_airflow_knows_the_scheme_and_what_openlineage_calls_such_an_asset() -> None:
    try:
        from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime as Manager
    except ImportError:  # before Airflow 3.2
        from airflow.providers_manager import ProvidersManager as Manager

    manager = Manager()
    uri = "kucoin://api.kucoin.com/accounts/1/ledgers/spot"
    made = manager.asset_factories["kucoin"](host="api.kucoin.com", path="accounts/1/ledgers/spot")
    assert made == Asset(uri)
    assert Asset(f"{uri}/").uri == uri
    with pytest.raises(ValueError, match="host and a path"):
        Asset("kucoin://api.kucoin.com")
    convert = manager.asset_to_openlineage_converters["kucoin"]
    pytest.importorskip("openlineage.client")
    dataset = convert(made, None)
    assert (dataset.namespace, dataset.name) == ("kucoin://api.kucoin.com", "accounts/1/ledgers/spot")


def test_the_source_of_a_ledger_needs_its_account(exchange: Exchange, connection: dict[str, Any]) -> None:
    assert connection
    assert str(exchange.key.uid) in KucoinHook().source(SPOT).name
