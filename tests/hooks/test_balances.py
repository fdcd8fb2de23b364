"""The hook's balances: which questions are asked, and what becomes of their answers."""

from __future__ import annotations

import logging
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.api.balances import SOURCES
from airflow_provider_kucoin.api.errors import InvalidInput, PermissionDenied, RequestRefused, UnexpectedData
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server

PATHS = {
    "accounts": "/api/v1/accounts",
    "cross_margin": "/api/v3/margin/accounts",
    "isolated_margin": "/api/v3/isolated/accounts",
    "futures": "/api/v1/account-overview",
    "earn": "/api/v1/earn/hold-assets",
    "sub_accounts": "/api/v2/sub-accounts",
    "sub_futures": "/api/v1/account-overview-all",
}


def asked(exchange: Exchange) -> list[str]:
    """Return the questions about balances that the exchange has seen, each once."""
    found = [name for record in exchange.requests for name, path in PATHS.items() if record.path == path]
    return list(dict.fromkeys(found))


def test_every_kind_is_asked_for_and_told_apart(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.balances.set("USDT", "main", "1")
    exchange.balances.set("USDT", "contract", "2")
    rows = hook.get_balances()
    assert asked(exchange) == list(SOURCES)
    assert {(row["source"], row["accountType"], str(row["total"])) for row in rows if Decimal(str(row["total"]))} == {
        ("accounts", "main", "1"),
        ("futures", "futures", "2.0"),
    }


def test_each_answer_has_the_time_at_which_it_came(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.balances.set("USDT", "main", "1")
    before = exchange.now_ms()
    [row] = hook.get_balances(["accounts"])
    assert before - 1000 <= row["takenAt"] <= exchange.now_ms() + 1000


@pytest.mark.parametrize("include", [["futures"], ("earn", "accounts"), "accounts,earn"])
def test_only_what_is_asked_for_is_asked_for(hook: KucoinHook, exchange: Exchange, include: Any) -> None:
    hook.get_balances(include)
    names = include.split(",") if isinstance(include, str) else include
    assert set(asked(exchange)) == set(names)
    assert not [record for record in exchange.requests if record.path == "/api/v1/user/api-key"]


def test_a_name_that_does_not_exist_is_refused_before_any_request(hook: KucoinHook, exchange: Exchange) -> None:
    with pytest.raises(InvalidInput, match="include='spot' is not one of 'accounts'"):
        hook.get_balances(["accounts", "spot"])
    assert len(exchange.requests) == 0


def test_margin_of_both_kinds_is_asked_for(hook: KucoinHook, exchange: Exchange) -> None:
    hook.server_time_ms()
    hook.get_balances(["cross_margin", "isolated_margin"])
    params = [record.params for record in exchange.requests if "margin" in record.path or "isolated" in record.path]
    assert params == [{"queryType": "ALL"}] * 2


def test_futures_are_asked_for_in_every_currency_that_contracts_settle_in(hook: KucoinHook, exchange: Exchange) -> None:
    contract = exchange.histories.contracts["XBTUSDTM"]
    exchange.histories.contracts["ETHUSDCM"] = {**contract, "symbol": "ETHUSDCM", "settleCurrency": "USDC"}
    rows = hook.get_balances(["futures"], currencies={"ETH", "USDT"})
    assert [row["currency"] for row in rows] == ["ETH", "USDC", "USDT", "XBT"]


def test_the_usual_currencies_are_asked_for_though_nothing_is_listed(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.histories.contracts.clear()
    assert [row["currency"] for row in hook.get_balances(["futures"])] == ["USDT", "XBT"]


@pytest.mark.parametrize(
    ("permissions", "left_out"),
    [(("General",), ["futures"]), (("General", "Futures"), [])],
)
def test_what_the_key_may_not_read_is_not_asked_for_and_named(
    hook: KucoinHook,
    exchange: Exchange,
    caplog: pytest.LogCaptureFixture,
    permissions: tuple[str, ...],
    left_out: list[str],
) -> None:
    exchange.replace_key(replace(exchange.key, permissions=permissions))
    with caplog.at_level(logging.WARNING):
        hook.get_balances()
    assert set(SOURCES) - set(asked(exchange)) == set(left_out)
    told = [record.message for record in caplog.records if record.message.startswith("left out")]
    assert told == [f"left out: {name}: the key has no permission Futures" for name in left_out]


def test_what_is_asked_for_and_not_allowed_is_an_error(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.replace_key(replace(exchange.key, permissions=("General",)))
    with pytest.raises(PermissionDenied, match="400007"):
        hook.get_balances(["futures"])


@pytest.mark.parametrize("code", ["101030", "112010", "116104"])
def test_balances_that_the_account_has_not_are_left_out_unless_they_were_asked_for(
    hook: KucoinHook, exchange: Exchange, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    """101030: margin trading is not enabled; the others: it is the other kind of account."""
    exchange.balances.set("USDT", "main", "1")

    def refuse() -> None:
        refusal = {"status": 200, "code": code, "message": "No."}
        exchange.faults.inject(Fault.SERVER_ERROR, path=PATHS["cross_margin"], **refusal)

    refuse()
    with caplog.at_level(logging.WARNING):
        rows = hook.get_balances()
    assert {row["source"] for row in rows} >= {"accounts", "futures"}
    assert "left out: cross_margin: the account has none" in caplog.text
    assert code in caplog.text
    refuse()
    with pytest.raises(RequestRefused, match=code):
        hook.get_balances(["cross_margin"])


def test_any_other_refusal_is_an_error(hook: KucoinHook, exchange: Exchange) -> None:
    """Or a snapshot would lack what is there."""
    refusal = {"status": 200, "code": "400100", "message": "No."}
    exchange.faults.inject(Fault.SERVER_ERROR, path=PATHS["earn"], **refusal)
    with pytest.raises(RequestRefused, match="400100"):
        hook.get_balances()


def test_a_list_of_holdings_that_changes_while_its_pages_are_read_is_read_again(
    hook: KucoinHook, exchange: Exchange
) -> None:
    for number in range(505):
        exchange.add_earn_holding("KCS", str(number + 1))
    exchange.faults.inject(Fault.SHORT_PAGE, path=PATHS["earn"], after=1)
    rows = hook.get_balances(["earn"])
    assert sorted(int(row["total"]) for row in rows) == [*range(1, 506)]


@pytest.mark.parametrize(
    ("path", "include", "message"),
    [
        ("/api/v1/user/api-key", None, "does not tell what the key may do"),
        ("/api/v1/contracts/active", ["futures"], "has a row without settleCurrency"),
        ("/api/v3/margin/accounts", ["cross_margin"], "cross_margin balances have not the documented shape"),
    ],
)
def test_an_answer_of_another_shape_is_an_error(
    hook: KucoinHook, exchange: Exchange, path: str, include: Any, message: str
) -> None:
    hook.server_time_ms()
    exchange.faults.inject(Fault.NULL_DATA, path=path, data=[{"symbol": "XBTUSDTM"}])
    with pytest.raises(UnexpectedData, match=message):
        hook.get_balances(include)


@pytest.mark.parametrize("shown", ["absent", "empty", "null"])
def test_a_key_without_an_ip_whitelist_is_understood(hook: KucoinHook, exchange: Exchange, shown: Any) -> None:
    exchange.readings.unrestricted_ip_whitelist = shown
    exchange.balances.set("USDT", "main", "1")
    assert {row["source"] for row in hook.get_balances()} >= {"accounts"}


def test_a_sub_accounts_key_reads_its_own(
    exchange: Exchange, server: Server, connect: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    key = exchange.add_key(replace(exchange.key, key="5" * 24, uid=555, is_master=False, sub_name="sub"))
    exchange.balances.set("USDT", "main", "7", uid=555)
    connect(server.connection(key))
    rows = KucoinHook().get_balances()
    assert [(row["source"], row["total"]) for row in rows if row["source"] == "accounts"] == [("accounts", "7")]
    assert not {"sub_accounts", "sub_futures"} & set(asked(exchange))
    assert "left out: sub_accounts: the key belongs to a sub-account" in caplog.text
