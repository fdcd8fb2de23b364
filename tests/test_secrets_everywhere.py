"""Every task for DAG authors, when it succeeds and however it fails: no secret in anything that it leaves behind."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from airflow.providers.common.compat.sdk import DAG, AssetAlias, TaskDeferred
from moments import TODAY, YESTERDAY
from public import classes

from airflow_provider_kucoin.api.calls import Retry
from airflow_provider_kucoin.api.ledgers import SPOT
from airflow_provider_kucoin.api.windows import Window
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.notifications.withdrawal import KucoinWithdrawalNotifier, facts_of
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_kucoin.testing import Exchange, Server

ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
WITHDRAWAL = "67e6515f7960ba0007b42025"
WINDOW = {"window_start": YESTERDAY, "window_end": TODAY, "file_format": "jsonl", "compression": "none"}

#: Every task, and what makes one.
TASKS: dict[str, dict[str, Any]] = {
    "KucoinLedgerToS3Operator": {"s3_bucket": "", **WINDOW},
    "KucoinHistoryToS3Operator": {"dataset": "deposits", "currency": "USDT", "s3_bucket": "", **WINDOW},
    "KucoinBalancesToS3Operator": {
        "s3_bucket": "",
        "include": ["accounts"],
        "file_format": "jsonl",
        "compression": "none",
    },
    "KucoinLedgerCheckOperator": {"s3_bucket": "", "live_balance": False, **WINDOW},
    "KucoinOperator": {"method": "GET", "path": "/api/v1/accounts"},
    "KucoinWithdrawOperator": {"currency": "USDT", "amount": "10", "to_address": ADDRESS, "chain": "trx"},
    "KucoinCancelWithdrawalOperator": {"withdrawal_id": ""},
    "KucoinTransferOperator": {
        "currency": "USDT",
        "amount": "10",
        "from_account_type": "MAIN",
        "to_account_type": "TRADE",
    },
    "KucoinWithdrawalSensor": {"withdrawal_id": "", "deferrable": True},
    "KucoinDepositSensor": {"currency": "USDT", "min_amount": "1000", "since": YESTERDAY, "deferrable": True},
}
#: Whatever goes wrong on the way, at the first requests.
FAULTS = (
    *(Fault.RATE_LIMITED, Fault.CLOCK_SKEW, Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.SERVER_ERROR),
    *(Fault.HTML_BODY, Fault.TRUNCATED_JSON, Fault.BROKEN_BODY, Fault.NULL_DATA, Fault.REDIRECT, Fault.SLOW),
)
WRONG = ("login", "password", "passphrase")
SITUATIONS = ("success", *(f"wrong {field}" for field in WRONG), "refused", *(fault.name for fault in FAULTS))


OPERATORS = classes("operators", "sensors", "transfers")


def test_every_task_is_looked_at() -> None:
    assert set(TASKS) == set(OPERATORS), "a task without a row in TASKS is not looked at"


@pytest.fixture
def watched(
    canaries: Any, exchange: Exchange, server: Server, connect: Callable[..., Any], bucket: Any
) -> Callable[..., Any]:
    """Make a task whose connection has canaries for secrets, and an exchange with something to do for it."""
    exchange.allow_withdrawals()
    exchange.balances.set("USDT", "main", "1000")
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=5)
    exchange.deposit(currency="USDT", amount="5", chain="trx", created_at_ms=YESTERDAY)
    sent = exchange.add_withdrawal(currency="USDT", chain="trx", address="T1", amount="5", status="PROCESSING")

    def watched(name: str, situation: str) -> Any:
        if name == "KucoinLedgerCheckOperator":
            copy = OPERATORS["KucoinLedgerToS3Operator"]
            copy(task_id="before", **{**TASKS[copy.__name__], "s3_bucket": bucket.name}).execute({})
        changes, extra = {}, {"withdrawals_enabled": True, "futures_host": canaries.wire.url, "timeout": 1}
        if situation in {f"wrong {field}" for field in WRONG}:
            field = situation.removeprefix("wrong ")
            wrong = {field: f"songbird-wrong-{field}"}
            extra, changes = ({**extra, **wrong}, {}) if field == "passphrase" else (extra, wrong)
        elif situation == "refused":
            exchange.denied_uids.add(exchange.key.uid)
        elif situation != "success":
            for path in ("/api/v1/timestamp", "/api/v1/accounts", None):
                exchange.faults.inject(Fault[situation], path=path, **({"seconds": 2} if situation == "SLOW" else {}))
        connect(server.connection(), extra, host=canaries.wire.url, **changes)
        given = {**TASKS[name]}
        if "s3_bucket" in given:
            given["s3_bucket"] = bucket.name
        if "withdrawal_id" in given:
            given["withdrawal_id"] = sent.id
        with DAG("watched", schedule=None):
            return OPERATORS[name](task_id="task", **given)

    return watched


@dataclass
class Event:
    """What consumers of an outlet are told: of an asset one extra, of an alias one for each asset."""

    extra: dict[str, Any] = field(default_factory=dict)
    added: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)

    def add(self, asset: Any, extra: dict[str, Any]) -> None:
        """Tell of an asset of an alias."""
        self.added.append((asset, extra))


class Events(dict[Any, Any]):
    """Asset events as Airflow collects them."""

    def __missing__(self, outlet: Any) -> Any:
        return self.setdefault(str(outlet), Event())


def told_to_openlineage(task: Any) -> list[object]:
    """Return what OpenLineage's events hold of a task: all of itself, if that is configured, and its facets."""
    from airflow.providers.openlineage.extractors.base import DefaultExtractor
    from airflow.providers.openlineage.utils.utils import TaskInfoComplete

    facets = DefaultExtractor(task).extract_on_complete(None)
    datasets = [*facets.inputs, *facets.outputs] if facets else []
    return [json.dumps(TaskInfoComplete(task), default=repr), *(json.dumps(attrs.asdict(one)) for one in datasets)]


def told_to_people(context: dict[str, Any]) -> list[object]:
    """Return what a notifier says of a task, and the facts that it hands on to others."""
    said: list[object] = []
    KucoinWithdrawalNotifier(send=said.append, note="{{ task }} {{ ti }}")(context)
    assert said
    return [*said, facts_of(context)]


def chain(problem: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and everything that hangs on it, suppressed contexts included."""
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__


def wrong_ones(canaries: Any) -> list[str]:
    """Return the secrets of connections with a wrong field, and what they turn into on the wire."""
    wrong = [f"songbird-wrong-{field}" for field in WRONG]
    pairs = [(canaries.secret, wrong[2]), (wrong[1], canaries.passphrase)]
    hashed = [hmac.new(secret.encode(), phrase.encode(), hashlib.sha256).digest() for secret, phrase in pairs]
    return [*wrong, *(base64.b64encode(one).decode() for one in hashed)]


async def _first_event(trigger: Any) -> Any:
    """Return what a trigger says within a moment, or nothing."""
    try:
        async with asyncio.timeout(1):
            async for event in trigger.run():
                return event.payload
    except TimeoutError:
        return None


@pytest.mark.filterwarnings("ignore:.*cannot be called outside")
@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", TASKS)
def test_a_task_leaves_no_secret_behind(
    canaries: Any,
    watched: Callable[..., Any],
    serialization: Any,
    collector: Any,
    bucket: Any,
    everything_logged: Callable[[], str],
    capfd: pytest.CaptureFixture[str],
    name: str,
    situation: str,
) -> None:
    task, events = watched(name, situation), Events()
    task.outlets = [*task.outlets, AssetAlias("whatever")]
    ti = SimpleNamespace(
        dag_id="watched", task_id="task", run_id="run", map_index=-1, try_number=1, start_date=None, task=task
    )
    ti.xcom_pull = lambda **_: ti.result
    context: dict[str, Any] = {"ti": ti, "outlet_events": events}
    left: list[object] = []
    try:
        ti.result = task.execute(context)
        left.append(json.dumps(ti.result, default=repr))
    except TaskDeferred as deferred:
        left += [repr(deferred), json.dumps(deferred.trigger.serialize(), default=repr), deferred.kwargs]
        left.append(asyncio.run(_first_event(deferred.trigger)))
    except Exception as problem:
        logging.getLogger("somebody").exception("it failed")
        context["exception"] = problem
        for found in chain(problem):
            left += [repr(found), str(found), found.args, vars(found), *traceback.format_exception(found)]
    left += told_to_people({**context, "task": task, "dag": task.dag})
    lineage = told_to_openlineage(task)
    left += [*lineage, collector.collected_assets]
    left += [repr(task), {field: getattr(task, field) for field in task.template_fields}]
    left += [json.dumps(serialization.serialize_dag(task.dag)), events]
    left += [bucket.text(key) for key in bucket.keys] + [bucket.head(key) for key in bucket.keys]
    left += [everything_logged(), *capfd.readouterr()]
    canaries.absent_from(*left)
    for wrong in wrong_ones(canaries):
        assert wrong not in "\n".join(map(str, left))
    assert canaries.wire.heard, "it did ask"
    assert situation != "success" or "exception" not in context, "it did what it is for"
    if situation == "success" and name.endswith("ToS3Operator"):
        told = [event.extra or event.added for event in events.values()]
        assert all(told), "it did tell"
        assert (len(told), len(lineage)) == (2, 3), (
            "to an asset and an alias; of itself, where it read and what it wrote"
        )
        assert collector.collected_assets.outputs


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_connection_test_tells_no_secret(
    canaries: Any, watched: Callable[..., Any], everything_logged: Callable[[], str], situation: str
) -> None:
    watched("KucoinOperator", situation)
    usable, said = KucoinHook().test_connection()
    assert not usable or situation not in {"refused", *(f"wrong {field}" for field in WRONG)}
    canaries.absent_from(said, everything_logged())
    assert not any(wrong in said + everything_logged() for wrong in wrong_ones(canaries))


# ------------------------------------------------------------------------------------------------------------ the hook

SINCE = datetime.fromtimestamp(YESTERDAY / 1000, UTC)
#: Every verb of the hook that asks KuCoin.
VERBS: dict[str, Callable[[Any], object]] = {
    "account_uid": lambda hook: hook.account_uid,
    "cancel_withdrawal": lambda hook: hook.cancel_withdrawal(WITHDRAWAL),
    "count": lambda hook: hook.count(SPOT, Window(YESTERDAY, TODAY), {}),
    "find_withdrawal": lambda hook: hook.find_withdrawal("afx", "USDT", SINCE),
    "get_accounts": lambda hook: hook.get_accounts(),
    "get_balances": lambda hook: hook.get_balances(["accounts"]),
    "get_conn": lambda hook: hook.get_conn().get(f"{hook._settings.site.spot_url}/api/v1/accounts", timeout=1).text,
    "get_symbols": lambda hook: hook.get_symbols("spot_fills", YESTERDAY, TODAY),
    "get_withdrawal": lambda hook: hook.get_withdrawal(WITHDRAWAL),
    "get_withdrawal_quota": lambda hook: hook.get_withdrawal_quota("USDT", "trx"),
    "iter_history": lambda hook: list(hook.iter_history("deposits", YESTERDAY, TODAY)),
    "iter_ledger": lambda hook: list(hook.iter_ledger("spot", YESTERDAY, TODAY)),
    "plan": lambda hook: hook.plan(["spot"], YESTERDAY, TODAY),
    "request": lambda hook: hook.request("GET", "/api/v1/accounts"),
    "run": lambda hook: hook.run("/api/v1/accounts").text,
    "server_time_ms": lambda hook: hook.server_time_ms(),
    "transfer": lambda hook: hook.transfer(
        currency="USDT", amount="1", from_account_type="MAIN", to_account_type="TRADE", client_oid="songless"
    ),
    "withdraw": lambda hook: hook.withdraw(
        currency="USDT", amount="10", to_address=ADDRESS, chain="trx", idempotency_key="one", settle=timedelta(0)
    ),
}
#: What asks nothing, is what others are made of, or is looked at above.
OTHERS = {
    *("check_response", "check_retention", "metrics", "now_ms", "quota", "read_pieces", "selection", "source"),
    *("test_connection", "treasury"),
}


def test_every_verb_of_the_hook_is_looked_at() -> None:
    public = {name for name, value in vars(KucoinHook).items() if not name.startswith("_") and type(value) is not str}
    assert set(VERBS) | OTHERS == public, "a verb without a row in VERBS is not looked at"


@pytest.mark.parametrize("situation", ["success", "wrong password", "refused", "HTML_BODY", "RESET_AFTER", "NULL_DATA"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_of_the_hook_leaves_no_secret_behind(
    canaries: Any,
    watched: Callable[..., Any],
    exchange: Exchange,
    everything_logged: Callable[[], str],
    verb: str,
    situation: str,
) -> None:
    watched("KucoinOperator", situation)

    def sleep(seconds: float) -> None:
        exchange.clock_offset_ms += int(seconds * 1000) + 1

    left: list[object] = []
    try:
        left.append(VERBS[verb](KucoinHook(retry=Retry(attempts=2, first_pause=0.001), sleep=sleep)))
    except Exception as problem:
        logging.getLogger("somebody").exception("it failed")
        for found in chain(problem):
            left += [repr(found), str(found), found.args, vars(found), *traceback.format_exception(found)]
    canaries.absent_from(*left, everything_logged())
    assert not any(wrong in f"{left} {everything_logged()}" for wrong in wrong_ones(canaries))


def test_every_trigger_is_run_by_a_sensor_above() -> None:
    assert set(classes("triggers")) == {"KucoinDepositTrigger", "KucoinWithdrawalTrigger"}
