"""The operator as a part of a DAG: templates, serialization, assets."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, Asset, AssetAlias

from airflow_provider_kucoin.operators.ledger_check import KucoinLedgerCheckOperator
from airflow_provider_kucoin.transfers.balances_to_s3 import KucoinBalancesToS3Operator
from airflow_provider_kucoin.transfers.history_to_s3 import KucoinHistoryToS3Operator
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Copy = Callable[..., list[dict[str, Any]]]

DAY = 86_400_000
YESTERDAY = 1_770_120_000_000 // DAY * DAY - DAY
TODAY = YESTERDAY + DAY


@pytest.mark.usefixtures("connection")
def test_every_template_field_renders_and_is_what_is_copied(exchange: Exchange, bucket: Any) -> None:
    exchange.book(created_at=YESTERDAY, currency="BTC", biz_type="Deposit")
    exchange.book(created_at=YESTERDAY, currency="ETH", biz_type="Deposit", direction="out")
    values = {
        "ledger": "spot",
        "s3_bucket": bucket.name,
        "s3_key": "raw/{ledger}/{date}.{ext}",
        "window_start": "2026-02-02T00:00:00+00:00",
        "window_end": "2026-02-03T00:00:00+00:00",
        "currency": "BTC,ETH",
        "direction": "in",
        "biz_type": "DEPOSIT",
        "account_type": "",
        "file_format": "jsonl",
        "compression": "none",
        "kucoin_conn_id": "kucoin_default",
        "aws_conn_id": "aws_default",
    }
    with DAG("templated", schedule=None) as dag:
        operator = KucoinLedgerToS3Operator(
            task_id="copy",
            **{name: f"{{{{ params_of['{name}'] }}}}" for name in values},  # type: ignore[arg-type]
        )
    assert set(operator.template_fields) == set(values)
    assert operator.outlets == []  # which asset it is cannot be told yet
    context: Any = {"params_of": values, "dag": dag, "task": operator, "ti": SimpleNamespace(task=operator)}
    operator.render_template_fields(context)
    assert {name: getattr(operator, name) for name in values} == values
    [result] = operator.execute(context)
    assert result["uri"] == f"s3://{bucket.name}/raw/spot/2026-02-02.jsonl"
    assert [row["currency"] for row in bucket.all_rows()] == ["BTC"]


@pytest.mark.usefixtures("connection")
def test_a_list_of_templated_currencies_renders(exchange: Exchange, bucket: Any) -> None:
    exchange.book(created_at=YESTERDAY, currency="BTC")
    exchange.book(created_at=YESTERDAY, currency="ETH")
    with DAG("listed", schedule=None):
        operator = KucoinLedgerToS3Operator(
            task_id="copy", s3_bucket=bucket.name, currency=["{{ which }}"], window_start=YESTERDAY, window_end=TODAY
        )
    operator.render_template_fields({"which": "ETH"})  # type: ignore[arg-type]
    operator.execute({})
    assert [row["currency"] for row in bucket.all_rows()] == ["ETH"]


@pytest.mark.usefixtures("connection")
def test_every_template_field_of_a_history_renders_and_is_what_is_copied(exchange: Exchange, bucket: Any) -> None:
    for symbol, side in (("BTC-USDT", "buy"), ("BTC-USDT", "sell"), ("ETH-USDT", "buy")):
        exchange.histories.add("spot_fills", {"symbol": symbol, "side": side, "createdAt": YESTERDAY})
    values = {
        "dataset": "spot_fills",
        "currency": "",
        "symbol": "BTC-USDT",
        "side": "buy",
        "status": "",
        "order_type": "limit",
        "trade_type": "",
        "trade_types": "",
        "interval": "",
        "s3_bucket": bucket.name,
        "s3_key": "raw/{dataset}/{date}.{ext}",
        "window_start": "2026-02-02T00:00:00+00:00",
        "window_end": "2026-02-03T00:00:00+00:00",
        "file_format": "jsonl",
        "compression": "none",
        "kucoin_conn_id": "kucoin_default",
        "aws_conn_id": "aws_default",
    }
    with DAG("templated", schedule=None) as dag:
        operator = KucoinHistoryToS3Operator(
            task_id="take",
            **{name: f"{{{{ params_of['{name}'] }}}}" for name in values},  # type: ignore[arg-type]
        )
    assert set(operator.template_fields) == set(values)
    assert operator.outlets == []
    context: Any = {"params_of": values, "dag": dag, "task": operator, "ti": SimpleNamespace(task=operator)}
    operator.render_template_fields(context)
    [result] = operator.execute(context)
    assert result["uri"] == f"s3://{bucket.name}/raw/spot_fills/2026-02-02.jsonl"
    [row] = [json.loads(line) for line in bucket.text(result["uri"]).splitlines()]
    assert (row["symbol"], row["side"]) == ("BTC-USDT", "buy")


@pytest.mark.parametrize(
    "operator",
    [KucoinLedgerToS3Operator, KucoinHistoryToS3Operator, KucoinBalancesToS3Operator, KucoinLedgerCheckOperator],
)
def test_template_fields_are_parameters_of_the_constructor(operator: Any) -> None:
    import inspect

    assert set(operator.template_fields) <= set(inspect.signature(operator.__init__).parameters)


def test_a_dag_with_all_of_them_mapped_survives_serialization(serialization: Any) -> None:
    with DAG("mapped", schedule=None) as dag:
        ledgers = ["spot", "trade_hf", "margin_hf", "futures", "unified"]
        KucoinLedgerToS3Operator.partial(task_id="copy", s3_bucket="lake").expand(ledger=ledgers)
        KucoinLedgerCheckOperator.partial(task_id="check", s3_bucket="lake").expand(ledger=ledgers)
        KucoinHistoryToS3Operator.partial(task_id="take", s3_bucket="lake").expand_kwargs(
            [{"dataset": "deposits"}, {"dataset": "klines", "symbol": "all", "interval": "1hour"}]
        )
        KucoinBalancesToS3Operator.partial(task_id="balances", s3_bucket="lake").expand(
            kucoin_conn_id=["kucoin_default", "kucoin_sub"]
        )
    encoded = json.loads(json.dumps(serialization.serialize_dag(dag)))
    assert set(serialization.deserialize_dag(encoded).task_dict) == {"copy", "check", "take", "balances"}


def test_a_dag_with_the_operator_survives_serialization(serialization: Any) -> None:
    with DAG("serialized", schedule=None) as dag:
        KucoinLedgerToS3Operator(
            task_id="copy",
            s3_bucket="lake",
            window_start="{{ data_interval_start }}",
            window_end=datetime(2026, 2, 3, tzinfo=UTC),
            currency=["BTC", "ETH"],
        )
        KucoinLedgerToS3Operator.partial(task_id="each", s3_bucket="lake").expand(currency=["BTC", "ETH"])
    encoded = json.loads(json.dumps(serialization.serialize_dag(dag)))
    found = serialization.deserialize_dag(encoded).task_dict
    assert set(found) == {"copy", "each"}
    assert list(found["copy"].template_fields) == list(KucoinLedgerToS3Operator.template_fields)
    assert found["copy"].s3_bucket == "lake"
    assert found["copy"].window_start == "{{ data_interval_start }}"


# --------------------------------------------------------------------------------------------------------------- assets


class Event:
    """What a task tells of an outlet."""

    def __init__(self) -> None:
        self.extra: dict[str, Any] = {}
        self.added: list[tuple[Asset, dict[str, Any]]] = []

    def add(self, asset: Asset, extra: dict[str, Any]) -> None:
        """Tell of an asset by its alias."""
        self.added.append((asset, extra))


class OutletEvents:
    """What a task tells of its outlets; found as equals, since those of Airflow 3.0 cannot be keys of a dict."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, Event]] = []

    def __getitem__(self, outlet: Any) -> Event:
        for known, event in self.told:
            if known == outlet:
                return event
        self.told.append((outlet, Event()))
        return self.told[-1][1]


@pytest.mark.parametrize(
    ("arguments", "uri"),
    [
        pytest.param({}, "s3://lake/kucoin/ledger=spot", id="default"),
        pytest.param({"s3_key": "a/b/{date}.{ext}"}, "s3://lake/a/b", id="folder"),
        pytest.param({"s3_key": "a/b-{date}.{ext}"}, "s3://lake/a", id="part-of-a-name"),
        pytest.param({"s3_key": "latest.parquet"}, "s3://lake/", id="bucket"),
    ],
)
def test_the_asset_is_the_part_of_the_key_that_stays_the_same(arguments: dict[str, Any], uri: str) -> None:
    operator = KucoinLedgerToS3Operator(task_id="copy", s3_bucket="lake", **arguments)
    assert [asset.uri for asset in operator.outlets] == [uri]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"s3_bucket": "{{ var.value.bucket }}"}, id="bucket"),
        pytest.param({"s3_key": "{% if x %}a{% endif %}/{date}"}, id="key"),
        pytest.param({"ledger": "{{ params.ledger }}"}, id="ledger"),
    ],
)
def test_where_the_place_is_a_template_there_is_no_asset_to_tell(arguments: dict[str, Any]) -> None:
    assert KucoinLedgerToS3Operator(**{"task_id": "copy", "s3_bucket": "lake", **arguments}).outlets == []


def test_the_asset_of_a_history_names_the_dataset() -> None:
    operator = KucoinHistoryToS3Operator(task_id="take", s3_bucket="lake", dataset="deposits")
    assert [asset.uri for asset in operator.outlets] == ["s3://lake/kucoin/dataset=deposits"]


def test_the_asset_event_of_a_history_says_what_was_written(exchange: Exchange, take: Copy, bucket: Any) -> None:
    exchange.histories.add("deposits", {"createdAt": YESTERDAY, "currency": "USDT"})
    events = OutletEvents()
    result = take(
        {"outlet_events": events}, dataset="deposits", currency="USDT", window_start=YESTERDAY, window_end=TODAY
    )
    [(asset, event)] = events.told
    assert asset == Asset(f"s3://{bucket.name}/kucoin/dataset=deposits")
    assert (event.extra["dataset"], event.extra["rows"]) == ("deposits", 1)
    [written] = event.extra["objects"]
    assert written == result[0] | {"totals": event.extra["totals"]}
    assert event.extra["totals"] == [{"currency": "USDT", "status": "SUCCESS", "rows": 1, "amount": "1", "fee": "0"}]


def test_outlets_of_the_dags_author_win() -> None:
    mine = Asset("s3://lake/mine")
    assert KucoinLedgerToS3Operator(task_id="copy", s3_bucket="lake", outlets=[mine]).outlets == [mine]
    assert KucoinLedgerToS3Operator(task_id="copy", s3_bucket="lake", outlets=[]).outlets == []


def test_the_asset_event_says_what_was_written(exchange: Exchange, copy: Copy, bucket: Any) -> None:
    exchange.book(created_at=YESTERDAY - 1, currency="USDT", amount="0.1", direction="in")
    exchange.book(created_at=YESTERDAY, currency="USDT", amount="0.2", direction="in")
    events = OutletEvents()
    result = copy({"outlet_events": events}, window_start=YESTERDAY - DAY, window_end=TODAY)
    [(asset, event)] = events.told
    assert asset == Asset(f"s3://{bucket.name}/kucoin/ledger=spot")
    assert event.extra == {
        "ledger": "spot",
        "account": str(exchange.key.uid),
        "schema_version": 1,
        "rows": 2,
        "bytes": sum(found["bytes"] for found in result),
        "window_start": "2026-02-01T00:00:00Z",
        "window_end": "2026-02-03T00:00:00Z",
        "totals": [moved(2, "0.3")],
        "objects": [result[0] | {"totals": [moved(1, "0.1")]}, result[1] | {"totals": [moved(1, "0.2")]}],
    }
    assert json.loads(json.dumps(event.extra)) == event.extra


def moved(rows: int, amount: str) -> dict[str, Any]:
    """Return what rows of one kind add up to."""
    return {
        "account_type": "MAIN",
        "currency": "USDT",
        "direction": "in",
        "rows": rows,
        "amount": amount,
        "fee": "0",
    }


def test_an_alias_among_the_outlets_gets_an_event_for_each_object(exchange: Exchange, copy: Copy, bucket: Any) -> None:
    exchange.book(created_at=YESTERDAY - 1)
    alias, events = AssetAlias("ledgers"), OutletEvents()
    result = copy(
        {"outlet_events": events},
        ledger="spot",
        s3_key="{ledger}/{date}.{ext}",
        outlets=[alias],
        window_start=YESTERDAY - DAY,
        window_end=TODAY,
    )
    [(outlet, event)] = events.told
    assert outlet == alias
    told = event.added
    assert [asset for asset, _ in told] == [Asset(f"s3://{bucket.name}/spot")] * 2
    for (_, extra), written in zip(told, result, strict=True):
        assert extra.items() >= {"ledger": "spot", **written}.items()
        # Airflow 2 takes no others there.
        assert {type(value) for value in extra.values()} == {str, int}
    assert [len(json.loads(extra["totals"])) for _, extra in told] == [1, 0]


def test_a_task_that_fails_tells_no_consumer(exchange: Exchange, copy: Copy) -> None:
    exchange.book(created_at=YESTERDAY, extra={"amount": "1e-30"})
    events = OutletEvents()
    with pytest.raises(AirflowException):
        copy({"outlet_events": events}, window_start=YESTERDAY, window_end=TODAY)
    assert events.told == []


# -------------------------------------------------------------------------------------------------------------- parsing

HEAVY = ("pyarrow", "boto3", "botocore", "aiohttp", "requests", "pandas", "airflow.providers.amazon.aws")


def loaded_by(*lines: str) -> list[str]:
    """Return which heavy libraries a new process has loaded by these lines, and not by Airflow's own operators."""
    # Airflow 3.0 loads its API with the first operator of all.
    own = "import sys; from airflow.providers.common.compat.sdk import BaseOperator; BaseOperator(task_id='own')"
    script = "\n".join(
        [
            own,
            "own = set(sys.modules)",
            *lines,
            f"print([name for name in {HEAVY!r} if name in set(sys.modules) - own])",
        ]
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    found: list[str] = ast.literal_eval(done.stdout.splitlines()[-1])
    return found


def test_parsing_a_dag_loads_nothing_heavy() -> None:
    assert (
        loaded_by(
            "from airflow_provider_kucoin.operators.ledger_check import KucoinLedgerCheckOperator",
            "from airflow_provider_kucoin.operators.request import KucoinOperator",
            "from airflow_provider_kucoin.operators.transfer import KucoinTransferOperator",
            "from airflow_provider_kucoin.operators.withdrawal import KucoinWithdrawOperator",
            "from airflow_provider_kucoin.sensors.deposit import KucoinDepositSensor",
            "from airflow_provider_kucoin.sensors.withdrawal import KucoinWithdrawalSensor",
            "from airflow_provider_kucoin.transfers.balances_to_s3 import KucoinBalancesToS3Operator",
            "from airflow_provider_kucoin.transfers.history_to_s3 import KucoinHistoryToS3Operator",
            "from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator",
            "copy = KucoinLedgerToS3Operator(task_id='copy', s3_bucket='lake')",
            "assert [asset.uri for asset in copy.outlets] == ['s3://lake/kucoin/ledger=spot']",
            "KucoinHistoryToS3Operator(task_id='take', dataset='deposits', s3_bucket='lake')",
            "KucoinBalancesToS3Operator(task_id='balances', s3_bucket='lake')",
            "KucoinLedgerCheckOperator(task_id='check', s3_bucket='lake')",
            "KucoinWithdrawOperator(task_id='pay', amount='1', destination='a', currency='USDT')",
            "KucoinWithdrawalSensor(task_id='wait', withdrawal_id='1')",
        )
        == []
    )


@pytest.mark.parametrize("bucket", ["lake", "my.lake-1", "My_Lake"])
@pytest.mark.parametrize("prefix", ["", "x/", "a/b=c/", "a b/", "a%2Fb/", "a#b/c/", "a//b/", "q?b=1&a=2/x/"])
def test_the_asset_is_the_one_that_a_consumer_makes_of_its_uri(bucket: str, prefix: str) -> None:
    [asset] = KucoinLedgerToS3Operator(task_id="copy", s3_bucket=bucket, s3_key=f"{prefix}{{date}}.{{ext}}").outlets
    expected = Asset(f"s3://{bucket}/{prefix.removesuffix('/')}")
    assert asset == expected
    assert (asset.uri, getattr(asset, "name", None)) == (expected.uri, getattr(expected, "name", None))
