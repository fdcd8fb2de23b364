from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_kucoin.testing import ApiKey, Exchange

ACCOUNTS = "/api/v1/accounts"


def test_what_is_held_is_not_available(exchange: Exchange, ask: Any) -> None:
    exchange.balances.set("BTC", "trade", Decimal("1.50000000"), holds="0.00000001")
    (found,) = ask(ACCOUNTS).data
    assert (found["balance"], found["available"], found["holds"]) == ("1.50000000", "1.49999999", "0.00000001")


def test_setting_a_balance_again_keeps_the_account(exchange: Exchange) -> None:
    first = exchange.balances.set("BTC", "main", "1")
    exchange.balances.set("BTC", "main", "2")
    found = exchange.balances.get("BTC", "main")
    assert (found.id, found.balance) == (first.id, "2")


def test_a_float_is_no_balance(exchange: Exchange) -> None:
    wrong: Any = 1.5
    with pytest.raises(TypeError):
        exchange.balances.set("BTC", "main", wrong)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [("BTC", "main"), ("BTC", "trade"), ("KCS", "main")]),
        ({"currency": "BTC"}, [("BTC", "main"), ("BTC", "trade")]),
        ({"type": "main"}, [("BTC", "main"), ("KCS", "main")]),
        ({"currency": "KCS", "type": "trade"}, []),
    ],
)
def test_accounts_are_found_by_currency_and_type(
    exchange: Exchange, ask: Any, params: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    for currency, account_type in (("BTC", "main"), ("BTC", "trade"), ("KCS", "main")):
        exchange.balances.set(currency, account_type, "1")
    assert [(found["currency"], found["type"]) for found in ask(ACCOUNTS, params).data] == expected


def test_an_account_type_in_capitals_is_refused(ask: Any) -> None:
    assert ask(ACCOUNTS, {"type": "MAIN"}).code == "400100"


def test_accounts_belong_to_the_user_of_the_key(exchange: Exchange, ask: Any) -> None:
    other = exchange.add_key(ApiKey("other", "secret", "phrase", uid=2))
    mine = exchange.balances.set("BTC", "main", "1")
    exchange.balances.set("BTC", "main", "2", uid=2)
    assert [found["balance"] for found in ask(ACCOUNTS, key=other).data] == ["2"]
    assert ask(f"{ACCOUNTS}/{mine.id}", key=other).code == "400100"


def test_balances_may_be_cleared(exchange: Exchange, ask: Any) -> None:
    exchange.balances.set("BTC", "main", "1")
    exchange.balances.clear()
    assert ask(ACCOUNTS).data == []


def test_only_a_known_key_can_be_replaced(exchange: Exchange) -> None:
    with pytest.raises(KeyError):
        exchange.replace_key(replace(exchange.key, key="another"))


def test_another_seed_gives_another_key() -> None:
    assert Exchange(seed=1).key == Exchange(seed=1).key
    assert Exchange(seed=1).key != Exchange(seed=2).key
