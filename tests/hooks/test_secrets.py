"""Key, secret, passphrase and what they turn into on the wire appear nowhere but there."""

from __future__ import annotations

import json
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY, YESTERDAY

from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.testing import Fault
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_kucoin.testing import Exchange, Server


def chain(problem: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and everything that hangs on it, suppressed contexts included."""
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__


def test_the_canaries_do_go_over_the_wire(canaries: Any) -> None:
    """Otherwise these tests would prove nothing."""
    KucoinHook().get_accounts()
    headers = canaries.wire.heard[-1].headers
    assert (headers["kc-api-key"], headers["kc-api-passphrase"]) == (canaries.key, canaries.hashed_passphrase)


def test_nothing_that_the_hook_is_made_of_shows_a_secret(canaries: Any) -> None:
    hook = KucoinHook()
    hook.get_accounts()
    session = hook.get_conn()
    parts = [hook, session, session.auth, hook._line, hook._settings, hook._settings.credentials, hook._client]
    canaries.absent_from(*map(repr, parts), *parts, session.headers, vars(session))


def test_a_step_of_a_call_does_not_show_its_headers(canaries: Any) -> None:
    from airflow_provider_kucoin.api.calls import call
    from airflow_provider_kucoin.api.endpoints import API_KEY
    from airflow_provider_kucoin.client.network import REAL

    step = next(call(KucoinHook()._line, API_KEY, REAL))
    canaries.absent_from(repr(step), f"{step}")


FAULTS = [
    None,
    Fault.SERVER_ERROR,
    Fault.RESET_AFTER,
    Fault.HTML_BODY,
    Fault.TRUNCATED_JSON,
    Fault.CLOCK_SKEW,
    Fault.REDIRECT,
    Fault.BROKEN_BODY,
    Fault.RATE_LIMITED,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name if fault else "none")
def test_logs_hold_no_secret_whatever_goes_wrong(
    canaries: Any,
    exchange: Exchange,
    everything_logged: Callable[[], str],
    capfd: pytest.CaptureFixture[str],
    fault: Fault | None,
) -> None:
    exchange.seed_ledger(YESTERDAY, YESTERDAY + DAY, rows_per_day=20)
    if fault:
        for path in ("/api/v1/timestamp", "/api/v1/accounts", "/api/v1/accounts/ledgers"):
            exchange.faults.inject(fault, path=path)
    hook = KucoinHook()
    hook.test_connection()
    hook.get_accounts()
    list(hook.iter_ledger("spot", YESTERDAY, YESTERDAY + DAY))
    hook.run("/api/v1/accounts")
    log = everything_logged()
    assert "urllib3" in log  # it did listen
    canaries.absent_from(log, *capfd.readouterr())


def failing(hook: KucoinHook, way: str) -> object:
    match way:
        case "request":
            return hook.request("GET", "/api/v1/accounts", {"type": "main"})
        case "run":
            return hook.run("/api/v1/accounts", {"type": "main"})
        case "session":
            answer = hook.get_conn().get(f"{hook.base_url or hook._settings.site.spot_url}/api/v1/accounts", timeout=5)
            return hook.check_response(answer)
    return list(hook.iter_ledger("spot", YESTERDAY, YESTERDAY + DAY))


@pytest.mark.parametrize(
    "fault",
    [Fault.SERVER_ERROR, Fault.RESET_AFTER, Fault.TRUNCATED_JSON, Fault.CLOCK_SKEW, Fault.REDIRECT, Fault.BROKEN_BODY],
    ids=lambda fault: fault.name,
)
@pytest.mark.parametrize("way", ["request", "run", "session", "ledger"])
def test_an_exception_holds_no_secret_nor_does_anything_that_it_hangs_on(
    canaries: Any,
    exchange: Exchange,
    impatient: Callable[[], KucoinHook],
    everything_logged: Callable[[], str],
    fault: Fault,
    way: str,
) -> None:
    hook = impatient()
    hook.server_time_ms()
    _ = hook.account_uid
    for path in ("/api/v1/accounts", "/api/v1/accounts/ledgers"):
        exchange.faults.inject(fault, path=path, times=None)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever it is
        failing(hook, way)
    logging.getLogger("somebody").error("it failed", exc_info=caught.value)
    for problem in chain(caught.value):
        canaries.absent_from(repr(problem), problem, problem.args, vars(problem), *traceback.format_exception(problem))
    canaries.absent_from(everything_logged())


@pytest.mark.parametrize("field", ["login", "password", "passphrase"])
def test_a_refused_credential_is_not_in_the_refusal(
    canaries: Any, server: Server, connect: Callable[..., Any], field: str
) -> None:
    wrong = f"songbird-wrong-{field}"
    extra, changes = ({field: wrong}, {}) if field == "passphrase" else ({}, {field: wrong})
    connect(server.connection(), extra, host=canaries.wire.url, **changes)
    with pytest.raises(Exception, match="KuCoin code 40000") as caught:
        KucoinHook().request("GET", "/api/v1/accounts")
    texts = [text for problem in chain(caught.value) for text in traceback.format_exception(problem)]
    canaries.absent_from(*texts, KucoinHook().test_connection()[1])
    assert wrong not in "".join(texts)


def test_airflows_masker_knows_every_secret_that_does_not_change(canaries: Any) -> None:
    from airflow.providers.common.compat.sdk import redact

    KucoinHook().get_accounts()
    for canary in (canaries.key, canaries.secret, canaries.passphrase, canaries.hashed_passphrase):
        assert redact(f"somebody prints {canary} in a task") == "somebody prints *** in a task"


def test_neither_the_result_nor_the_object_nor_its_metadata_hold_a_secret(
    canaries: Any,
    exchange: Exchange,
    bucket: Any,
    capfd: pytest.CaptureFixture[str],
    everything_logged: Callable[[], str],
) -> None:
    exchange.seed_ledger(YESTERDAY, YESTERDAY + DAY, rows_per_day=20)
    operator = KucoinLedgerToS3Operator(
        task_id="copy",
        s3_bucket=bucket.name,
        window_start=YESTERDAY,
        window_end=YESTERDAY + DAY,
        file_format="jsonl",
        compression="none",
    )
    result = operator.execute({})
    canaries.absent_from(
        json.dumps(result),
        bucket.text(result[0]["uri"]),
        bucket.head(result[0]["uri"]),
        *capfd.readouterr(),
        everything_logged(),
        vars(operator),
    )


def test_neither_the_serialized_dag_nor_rendered_fields_hold_a_secret(
    canaries: Any, bucket: Any, serialization: Any
) -> None:
    from airflow.providers.common.compat.sdk import DAG

    with DAG("copying", schedule=None) as dag:
        operator = KucoinLedgerToS3Operator(
            task_id="copy", s3_bucket=bucket.name, window_start=str(YESTERDAY), window_end=str(YESTERDAY + DAY)
        )
    operator.execute({})  # ... and it has held the secrets in its hands by now
    rendered = {name: getattr(operator, name) for name in operator.template_fields}
    canaries.absent_from(json.dumps(serialization.serialize_dag(dag)), rendered, repr(operator))
