"""One call of any endpoint, as a task: what it asks, what it hands on, and when it is not tried again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from textwrap import dedent
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, AirflowFailException

from airflow_provider_kucoin.api.errors import Unavailable
from airflow_provider_kucoin.operators.request import KucoinOperator, json_types
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_kucoin.testing import Exchange, Server

ACCOUNTS = "/api/v1/accounts"
#: Seconds; half a minute is usual.
PATIENCE = 180


@pytest.fixture
def call(connection: dict[str, Any]) -> Callable[..., Any]:
    """Run a task with these parameters and return what it hands on."""
    assert connection["conn_type"] == "kucoin"

    def call(method: str, path: str, **parameters: Any) -> Any:
        operator = KucoinOperator(task_id="call", method=method, path=path, **parameters)
        # Half of the tests are about answers that get lost; no task needs seconds for that here.
        operator.hook._retry = _quick()
        return operator.execute({})  # type: ignore[typeddict-item]

    return call


def _quick() -> Any:
    from airflow_provider_kucoin.api.calls import Retry

    return Retry(attempts=2, first_pause=0.001)


# --------------------------------------------------------------------------------------------------------------- result


def test_the_data_of_the_answer_is_handed_on(call: Callable[..., Any], exchange: Exchange) -> None:
    exchange.balances.set("USDT", "main", "100.123456789012345678")
    exchange.balances.set("BTC", "main", "1")
    [found] = call("GET", ACCOUNTS, params={"currency": "USDT", "type": None})
    assert (found["currency"], found["balance"]) == ("USDT", "100.123456789012345678")


def test_numbers_with_a_fraction_are_handed_on_as_exact_text(
    call: Callable[..., Any], tap: Callable[..., Any], server: Server, connect: Callable[..., Any]
) -> None:
    body = (
        b'{"code":"200000","data":{"dataList":[{"amount":-0.0100,"fee":6.41E-4,"equity":394.439280806,'
        b'"none":null,"offset":51360793,"big":123456789012345678901234567890,"more":true}],"hasMore":false}}'
    )
    said = type("Said", (), {"status": 200, "body": body, "headers": {}})
    connect(server.connection(), {"futures_host": tap(lambda _: said).url})
    found = call("GET", "/api/v1/transaction-history", futures=True)
    assert found["dataList"] == [
        {
            "amount": "-0.0100",
            "fee": "0.000641",
            "equity": "394.439280806",
            "none": None,
            "offset": 51_360_793,
            "big": "123456789012345678901234567890",
            "more": True,
        }
    ]
    assert found["hasMore"] is False
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1E+3", "1000"),
        ("-0", "-0"),
        ("0E-8", "0.00000000"),
        ("1E-63", f"0.{'0' * 62}1"),
        ("1E+999999999", "1E+999999999"),
        ("1E-999999999", "1E-999999999"),
    ],
)
def test_a_decimal_is_written_out_unless_that_would_fill_the_memory(number: str, text: str) -> None:
    assert json_types([Decimal(number)]) == [text]


@pytest.mark.parametrize(
    ("number", "kept"),
    [(2**63, "9223372036854775808"), (2**63 - 1, 2**63 - 1), (-(2**70), str(-(2**70))), (True, True)],
)
def test_whole_numbers_stay_numbers_as_long_as_they_fit_into_64_bits(number: int, kept: Any) -> None:
    assert json_types({"n": number}) == {"n": kept}


def test_a_read_that_finds_nothing_hands_on_nothing(call: Callable[..., Any], exchange: Exchange) -> None:
    exchange.clock_offset_ms = 0
    exchange.faults.inject(Fault.NULL_DATA, path=ACCOUNTS, times=None)
    assert call("GET", ACCOUNTS) is None


# ----------------------------------------------------------------------------------------------------------- templates


def test_every_template_field_renders_and_is_what_is_asked(
    connection: dict[str, Any], exchange: Exchange, server: Server
) -> None:
    assert connection["host"] == server.url
    values = {
        "method": "get",
        "path": ACCOUNTS,
        "query": {"currency": "BTC", "type": "main"},
        "json": None,
        "kucoin_conn_id": "kucoin_default",
    }
    with DAG("templated", schedule=None, params={"type": "trade", "stray": "1"}) as dag:
        operator = KucoinOperator(
            task_id="call",
            method="{{ v['method'] }}",
            path="{{ v['path'] }}",
            params={"currency": "{{ v['query']['currency'] }}", "type": "{{ v['query']['type'] }}"},
            kucoin_conn_id="{{ v['kucoin_conn_id'] }}",
        )
    assert set(operator.template_fields) == set(values)
    context: Any = {"v": values, "dag": dag, "task": operator, "ti": SimpleNamespace(task=operator)}
    operator.render_template_fields(context)
    assert {name: getattr(operator, name) for name in values} == values
    assert operator.execute(context) == []
    assert exchange.requests[-1].params == {"currency": "BTC", "type": "main"}


def test_values_in_a_body_render(connection: dict[str, Any]) -> None:
    assert connection
    operator = KucoinOperator(
        task_id="call", method="POST", path="/api/v1/x", json={"orders": [{"size": "{{ size }}"}]}
    )
    operator.render_template_fields({"size": "0.10"})  # type: ignore[typeddict-unknown-key]
    assert operator.json == {"orders": [{"size": "0.10"}]}


# --------------------------------------------------------------------------------------------------------------- params


def test_parameters_of_the_dag_do_not_get_into_the_query_nor_the_other_way_round() -> None:
    with DAG("params", schedule=None, params={"currency": "ETH", "stray": 1}):
        operator = KucoinOperator(task_id="call", method="GET", path=ACCOUNTS, params={"currency": "BTC"})
        bare = KucoinOperator(task_id="bare", method="GET", path=ACCOUNTS)
    assert (operator.query, bare.query) == ({"currency": "BTC"}, None)
    assert dict(operator.params) == dict(bare.params) == {"currency": "ETH", "stray": 1}


def test_params_may_hold_what_airflows_own_may_not() -> None:
    with DAG("xcom", schedule=None):
        first = KucoinOperator(task_id="first", method="GET", path="/api/v1/user/api-key")
        second = KucoinOperator(
            task_id="second", method="GET", path=ACCOUNTS, params={"currency": first.output, "n": Decimal("1.10")}
        )
    assert second.upstream_task_ids == {"first"}


def test_a_mapped_call_takes_its_query_from_the_mapping() -> None:
    with DAG("mapped", schedule=None, params={"stray": 1}):
        mapped = KucoinOperator.partial(task_id="each", method="GET", path=ACCOUNTS).expand(
            query=[{"currency": "BTC"}, {"currency": "ETH"}]
        )
    assert mapped.unmap({"query": {"currency": "ETH"}}).query == {"currency": "ETH"}


def _partial() -> Any:
    return (
        KucoinOperator.partial(task_id="t", method="GET", path=ACCOUNTS, params={"currency": "BTC"})
        .expand(json=[None])
        .unmap({"json": None})
    )


def _expanded() -> Any:
    mapped = KucoinOperator.partial(task_id="t", method="GET", path=ACCOUNTS).expand(params=[{"currency": "BTC"}])
    return mapped.unmap({"params": {"currency": "BTC"}})


@pytest.mark.parametrize("make", [_partial, _expanded])
@pytest.mark.parametrize("params", [{}, {"currency": "ETH"}, {"stray": 1}], ids=["none", "same name", "others"])
def test_params_that_airflow_would_swallow_are_refused(make: Callable[[], Any], params: dict[str, Any]) -> None:
    """A filter that is lost makes another question of it."""
    with DAG("swallowed", schedule=None, params=params), pytest.raises(TypeError, match="give query, not params"):
        make()


def test_params_of_a_subclass_are_airflows_and_refused_too() -> None:
    class Mine(KucoinOperator):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(method="GET", path=ACCOUNTS, params={"currency": "BTC"}, **kwargs)

    with pytest.raises(TypeError, match="give query, not params"):
        Mine(task_id="t")


def test_default_params_of_tasks_are_airflows() -> None:
    with DAG("defaults", schedule=None, params={"a": 1}):
        operator = KucoinOperator(
            task_id="t", method="GET", path=ACCOUNTS, params={"x": "1"}, default_args={"params": {"b": 2}}
        )
    assert (operator.query, dict(operator.params)) == ({"x": "1"}, {"a": 1, "b": 2})


def test_a_query_has_one_name_at_a_time() -> None:
    with pytest.raises(TypeError, match="either params or query"):
        KucoinOperator(task_id="t", method="GET", path=ACCOUNTS, params={"a": "1"}, query={"a": "1"})


# ----------------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("method", "path", "parameters", "message"),
    [
        pytest.param("PATCH", ACCOUNTS, {}, "method='PATCH' is not one of", id="method"),
        pytest.param("", ACCOUNTS, {}, "method='' is not one of", id="no method"),
        pytest.param("GET", "accounts", {}, "KuCoin's paths begin with '/'", id="path"),
        pytest.param("GET", "None", {}, "KuCoin's paths begin with '/'", id="rendered nothing"),
        pytest.param("GET", ACCOUNTS, {"params": "currency=BTC"}, "is not a mapping", id="params"),
        pytest.param("GET", ACCOUNTS, {"json": {}}, "a GET has no body", id="body"),
        pytest.param("POST", "/api/v1/hf/orders", {"json": {"size": 0.1}}, "0.1 is a float", id="float"),
        pytest.param("POST", "/api/v3/withdrawals", {"json": {}}, "withdrawal policy", id="withdrawal"),
        pytest.param(
            "POST", "/api/v1/transfer-in", {"json": {}, "futures": True}, "KucoinHook.transfer", id="transfer"
        ),
    ],
)
def test_what_cannot_be_asked_fails_the_task_at_once_and_is_not_asked(
    call: Callable[..., Any], exchange: Exchange, method: str, path: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        call(method, path, **parameters)
    assert len(exchange.requests) == 0


def test_what_kucoin_refuses_fails_the_task_at_once(call: Callable[..., Any]) -> None:
    with pytest.raises(AirflowFailException, match=r"GET /api/v1/positions: KuCoin code 404000.*futures=True"):
        call("GET", "/api/v1/positions")


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("POST", Fault.RESET_AFTER),
        ("POST", Fault.BAD_GATEWAY),
        ("POST", Fault.NULL_DATA),
        ("DELETE", Fault.RESET_AFTER),
        ("PUT", Fault.BAD_GATEWAY),
    ],
    ids=str,
)
def test_an_act_whose_answer_is_lost_fails_the_task_at_once_and_is_not_sent_again(
    call: Callable[..., Any], exchange: Exchange, fault: Fault, method: str
) -> None:
    exchange.clock_offset_ms = 0
    exchange.faults.inject(fault, method=method, path="/api/v1/hf/orders", times=None)
    with pytest.raises(AirflowFailException, match="may or may not have been acted on"):
        call(method, "/api/v1/hf/orders")
    assert [record.method for record in exchange.requests if record.path == "/api/v1/hf/orders"] == [method]


def test_a_read_that_gets_no_answer_is_tried_again_by_airflow(call: Callable[..., Any], exchange: Exchange) -> None:
    exchange.faults.inject(Fault.BAD_GATEWAY, path=ACCOUNTS, times=None)
    with pytest.raises(Unavailable) as caught:
        call("GET", ACCOUNTS)
    assert not isinstance(caught.value, AirflowException)


def test_neither_the_log_nor_the_serialised_dag_holds_a_secret(
    call: Callable[..., Any],
    exchange: Exchange,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    serialization: Any,
) -> None:
    exchange.balances.set("USDT", "main", "31.4159")
    with caplog.at_level("DEBUG"), DAG("quiet", schedule=None) as dag:
        operator = KucoinOperator(task_id="call", method="GET", path=ACCOUNTS)
        assert operator.execute({})  # type: ignore[typeddict-item]
    with caplog.at_level("DEBUG"), pytest.raises(AirflowFailException):
        call("GET", "/api/v1/nowhere")
    texts = [caplog.text, *capfd.readouterr(), json.dumps(serialization.serialize_dag(dag)), str(vars(operator))]
    for text in texts:
        for secret in (exchange.key.key, exchange.key.secret, exchange.key.passphrase, "31.4159"):
            assert secret not in text


# --------------------------------------------------------------------------------------------------------- a real run

DAGS = """
    import json
    import os
    from datetime import datetime, timedelta, timezone
    from pathlib import Path

    from airflow.providers.common.compat.sdk import DAG, task

    from airflow_provider_kucoin.operators.request import KucoinOperator

    defaults = {"retries": 2, "retry_delay": timedelta(milliseconds=1)}

    with DAG("asking", schedule=None, params={"currency": "ETH", "stray": 1}, default_args=defaults):
        first = KucoinOperator(
            task_id="first", method="GET", path="/api/v1/accounts", params={"currency": "{{ params.currency }}"}
        )

        @task
        def ids(found):
            return [{"path": f"/api/v1/accounts/{row['id']}"} for row in found]

        each = KucoinOperator.partial(task_id="each", method="GET").expand_kwargs(ids(first.output))
        futures = KucoinOperator(task_id="futures", method="GET", path="/api/v1/timestamp", futures=True)

        @task
        def keep(first, each, futures):
            found = {"first": first, "each": list(each), "futures": futures}
            Path(os.environ["RESULT"]).write_text(json.dumps(found))

        keep(first.output, each.output, futures.output)

    with DAG("acting", schedule=None, default_args=defaults):
        KucoinOperator(task_id="order", method="POST", path="/api/v1/hf/orders", json={"size": "1"})
        KucoinOperator(task_id="pay", method="POST", path="/api/v3//withdrawals", json={"amount": "1"})
"""


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """The file that the DAG writes its result to."""
    return tmp_path / "result.json"


@pytest.fixture
def run(
    airflow_with: Callable[[Path], Any], connection: dict[str, Any], tmp_path: Path, result: Path
) -> Callable[[str], Any]:
    """Run one of the DAGs, as Airflow does."""
    assert connection
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "asking.py").write_text(dedent(DAGS))
    airflow, when = airflow_with(tmp_path / "dags"), datetime(2026, 2, 3, tzinfo=UTC).isoformat()
    return lambda dag_id: airflow(["dags", "test", dag_id, when], RESULT=str(result))


def test_a_real_dag_asks_and_hands_on(run: Callable[[str], Any], result: Path, exchange: Exchange) -> None:
    exchange.balances.set("ETH", "main", "0.123456789012345678")
    exchange.balances.set("ETH", "trade", "2")
    exchange.balances.set("BTC", "main", "3")
    done = run("asking")
    assert done.returncode == 0, done.stdout[-6000:]
    found = json.loads(result.read_text())
    assert [row["balance"] for row in found["first"]] == ["0.123456789012345678", "2"]
    assert [row["balance"] for row in found["each"]] == ["0.123456789012345678", "2"]
    assert abs(found["futures"] - exchange.now_ms()) < PATIENCE * 1000
    asked = [record.params for record in exchange.requests if record.path == ACCOUNTS and record.http_status == 200]
    assert asked == [{"currency": "ETH"}]


def test_a_real_dag_does_not_send_an_act_again_nor_gets_round_the_withdrawal_policy(
    run: Callable[[str], Any], exchange: Exchange
) -> None:
    exchange.allow_withdrawals()
    exchange.faults.inject(Fault.RESET_AFTER, method="POST", times=None)
    done = run("acting")
    assert done.returncode != 0
    assert "may or may not have been acted on" in done.stdout
    assert "withdrawal policy" in done.stdout
    assert [record.path for record in exchange.requests if record.method == "POST"] == ["/api/v1/hf/orders"]
