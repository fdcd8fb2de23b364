"""Whatever comes over the wire: every verb of the hook ends in a value or an error of ours, and pays once at most."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moments import TODAY, YESTERDAY

from airflow_provider_kucoin.api.balances import SOURCES
from airflow_provider_kucoin.api.calls import Retry
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import LEDGERS
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.testing.histories import DATASETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server

# What is wrong with some examples is their size.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
# An example is many requests here.
_many = settings.get_profile("fuzz")
fuzz = settings(_many, max_examples=max(_many.max_examples // 8, 2))
#: More requests than this for a handful of rows go round in circles.
MOST_REQUESTS = 400
#: Codes and pages after which nothing is sent for a while.
ASKS_FOR_A_PAUSE = (b"1015", b"200002", b"429000", b"1015000", b"200112")
ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
SINCE = datetime.fromtimestamp(YESTERDAY / 1000, UTC)
#: What must be named where a dataset wants it.
NAMED: dict[str, dict[str, Any]] = {
    name: {parameter.name: "BTC-USDT" for parameter in dataset.parameters if parameter.required}
    for name, dataset in {**LEDGERS, **HISTORIES}.items()
}
NAMED["klines"] = {"symbol": "BTC-USDT", "interval": "1hour"}


def _reads(name: str) -> Callable[[KucoinHook], object]:
    if name in LEDGERS:
        return lambda hook: list(hook.iter_ledger(name, YESTERDAY, TODAY, **NAMED[name]))
    return lambda hook: list(hook.iter_history(name, YESTERDAY, TODAY, **NAMED[name]))


VERBS: dict[str, Callable[[KucoinHook], object]] = {
    **{f"read {name}": _reads(name) for name in (*LEDGERS, *HISTORIES)},
    **{f"balances {name}": lambda hook, name=name: hook.get_balances([name]) for name in SOURCES},  # type: ignore[misc]
    "all balances": lambda hook: hook.get_balances(),
    "request": lambda hook: hook.request("GET", "/api/v1/accounts"),
    "order": lambda hook: hook.request("POST", "/api/v1/hf/orders", json={"side": "buy"}),
    "accounts": lambda hook: hook.get_accounts(),
    "uid": lambda hook: hook.account_uid,
    "time": lambda hook: hook.server_time_ms(),
    "symbols": lambda hook: hook.get_symbols("spot_fills", YESTERDAY, TODAY),
    "plan": lambda hook: hook.plan(["spot", "trade_hf"], YESTERDAY, TODAY),
    "quota": lambda hook: hook.get_withdrawal_quota("USDT", "trx"),
    "withdrawal": lambda hook: hook.get_withdrawal("67e6515f7960ba0007b42025"),
    "find": lambda hook: hook.find_withdrawal("afx", "USDT", SINCE),
    "cancel": lambda hook: hook.cancel_withdrawal("67e6515f7960ba0007b42025"),
    "cancel and look": lambda hook: hook.treasury.cancel_and_look("67e6515f7960ba0007b42025"),
    "deposits": lambda hook: hook.treasury.deposits("USDT", YESTERDAY),
    "transferable": lambda hook: hook.treasury.transferable("USDT", "MAIN"),
}
PAYMENTS: dict[str, Callable[[KucoinHook], object]] = {
    "withdraw": lambda hook: hook.withdraw(
        currency="USDT",
        amount="10",
        to_address=ADDRESS,
        chain="trx",
        idempotency_key="one",
        settle=timedelta(seconds=9),
    ),
    "withdraw V1": lambda hook: hook.withdraw(
        currency="USDT",
        amount="10",
        to_address=ADDRESS,
        chain="trx",
        idempotency_key="one",
        api_version="v1",
        settle=timedelta(seconds=9),
    ),
    "transfer": lambda hook: hook.transfer(
        currency="USDT", amount="10", from_account_type="MAIN", to_account_type="TRADE", client_oid="one"
    ),
}


@pytest.fixture
def busy(exchange: Exchange) -> Exchange:
    """An exchange with something of everything."""
    exchange.allow_withdrawals()
    exchange.enforce_quota = False
    exchange.balances.set("USDT", "main", "1000")
    for name in LEDGERS:
        if name != "unified":
            exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=5, ledger=name)
    for name in DATASETS:
        if not name.startswith("hist_"):  # which have only what was long ago
            exchange.histories.seed(name, YESTERDAY, TODAY, rows=5)
    exchange.add_withdrawal(currency="USDT", chain="trx", address="T1", amount="5", status="PROCESSING", remark="afx")
    exchange.deposit(currency="USDT", amount="5", chain="trx", created_at_ms=YESTERDAY)
    return exchange


@pytest.fixture
def line(
    busy: Exchange,
    server: Server,
    tap: Callable[..., Any],
    through: Callable[..., Any],
    connect: Callable[..., Any],
    garbage: Any,
) -> Callable[[Random], KucoinHook]:
    """Return a hook whose answers have something wrong in them from now on."""
    assert busy is server.exchange
    random, rate, heard = Random(0), 0.0, 0  # noqa: S311 - repeatable, not secret
    answer = through()

    def respond(request: Any) -> Any:
        nonlocal heard
        heard += 1
        assert heard <= MOST_REQUESTS, "it goes round in circles"
        said = answer(request)
        if said is None or random.random() >= rate:
            return said
        headers = dict(said.headers)
        for name in [name for name in headers if name.lower().startswith("gw-ratelimit")]:
            headers[name] = random.choice([headers[name], "-1", "0", "x", "9" * 30])
        status = random.choice([said.status] * 6 + [204, 301, 400, 401, 429, 500, 503])
        body = garbage.mangled_body(said.body, random)
        if status == 429 or any(code in body for code in ASKS_FOR_A_PAUSE):
            # Readers that read several answers at a time wait by this machine's clock.
            return said
        return type(said)(status, b"" if status == 204 else body, headers)

    wire = tap(respond)
    connect(server.connection(withdrawals_enabled=True, timeout=5), {"futures_host": wire.url}, host=wire.url)

    def sleep(seconds: float) -> None:
        busy.clock_offset_ms += int(seconds * 1000) + 1

    def line(seed: int) -> KucoinHook:
        nonlocal random, rate, heard
        random, heard = Random(seed), 0  # noqa: S311 - repeatable, not secret
        rate = random.choice([0.2, 0.5, 1.0])
        return KucoinHook(retry=Retry(attempts=2, first_pause=0.001, longest_pause=0.002), sleep=sleep)

    return line


@pytest.mark.parametrize("verb", VERBS)
@fuzz
@given(seed=st.integers(0, 2**32))
def test_a_verb_ends_in_a_value_or_an_error_of_ours(garbage: Any, line: Any, verb: str, seed: int) -> None:
    garbage.survives(lambda: VERBS[verb](line(seed)))


@fuzz
@given(seed=st.integers(0, 2**32))
def test_the_connection_test_always_says_something(garbage: Any, line: Any, seed: int) -> None:
    verdict = []
    assert garbage.survives(lambda: verdict.append(line(seed).test_connection())) is None
    [(usable, said)] = verdict
    assert type(usable) is bool
    assert 0 < len(said) <= 4_000


@pytest.mark.parametrize("payment", PAYMENTS)
@fuzz
@given(seed=st.integers(0, 2**32))
def test_a_payment_is_made_once_at_the_most_however_often_it_is_tried(
    garbage: Any, line: Any, busy: Exchange, payment: str, seed: int
) -> None:
    for again in range(3):
        garbage.survives(lambda again=again: PAYMENTS[payment](line(seed + again)))
    # By all examples together: they name the same payment.
    assert sum(found.amount == 10 for found in busy.withdrawals) <= 1
    assert len(busy.transfers) <= 1
