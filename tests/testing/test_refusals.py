"""Each way in which the exchange says no, by KuCoin's code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.testing import ApiKey

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

LEDGERS = "/api/v1/accounts/ledgers"
ACCOUNTS = "/api/v1/accounts"
START = 1_770_000_000_000
DAY = 86_400_000


@pytest.mark.parametrize(
    "header", ["KC-API-KEY", "KC-API-SIGN", "KC-API-TIMESTAMP", "KC-API-PASSPHRASE", "KC-API-KEY-VERSION"]
)
def test_a_missing_header_is_400001(ask: Any, header: str) -> None:
    assert ask(ACCOUNTS, headers={header: None}).code == "400001"


@pytest.mark.parametrize("skew", [-5001, 5001])
def test_a_timestamp_more_than_five_seconds_off_is_400002(ask: Any, exchange: Exchange, skew: int) -> None:
    exchange.clock_offset_ms = skew
    answer = ask(ACCOUNTS)
    assert (answer.code, answer.status) == ("400002", 400)


@pytest.mark.parametrize("skew", [-5000, 5000])
def test_a_timestamp_five_seconds_off_is_taken(ask: Any, exchange: Exchange, skew: int) -> None:
    exchange.clock_offset_ms = skew
    assert ask(ACCOUNTS).code == "200000"


def test_a_timestamp_that_is_no_number_is_400002(ask: Any) -> None:
    assert ask(ACCOUNTS, headers={"KC-API-TIMESTAMP": "noon"}).code == "400002"


def test_an_unknown_key_is_400003(ask: Any) -> None:
    answer = ask(ACCOUNTS, key=ApiKey("nobody", "s", "p"))
    assert (answer.code, answer.status) == ("400003", 401)


def test_a_removed_key_is_400003(ask: Any, exchange: Exchange) -> None:
    exchange.remove_key(exchange.key)
    assert ask(ACCOUNTS).code == "400003"


def test_an_expired_key_is_refused(ask: Any, exchange: Exchange) -> None:
    exchange.replace_key(replace(exchange.key, expired_at=exchange.now_ms()))
    assert ask(ACCOUNTS).code == exchange.readings.expired_key_code


def test_a_wrong_passphrase_is_400004(ask: Any, exchange: Exchange) -> None:
    assert ask(ACCOUNTS, key=replace(exchange.key, passphrase="wrong")).code == "400004"


def test_a_passphrase_in_plain_text_is_400004(ask: Any, exchange: Exchange) -> None:
    assert ask(ACCOUNTS, headers={"KC-API-PASSPHRASE": exchange.key.passphrase}).code == "400004"


def test_a_wrong_signature_is_400005(ask: Any) -> None:
    assert ask(ACCOUNTS, headers={"KC-API-SIGN": "AAAA"}).code == "400005"


def test_a_wrong_secret_is_noticed_by_the_passphrase_that_it_signs(ask: Any, exchange: Exchange) -> None:
    assert ask(ACCOUNTS, key=replace(exchange.key, secret="wrong")).code == "400004"


def test_an_address_outside_the_whitelist_is_400006_and_named(ask: Any, exchange: Exchange) -> None:
    exchange.replace_key(replace(exchange.key, ip_whitelist=("192.0.2.1",)))
    answer = ask(ACCOUNTS, remote="203.0.113.7")
    assert answer.code == "400006"
    assert "203.0.113.7" in answer.json["msg"]


def test_an_address_on_the_whitelist_is_let_in(ask: Any, exchange: Exchange) -> None:
    exchange.replace_key(replace(exchange.key, ip_whitelist=("192.0.2.1", "203.0.113.7")))
    assert ask(ACCOUNTS, remote="203.0.113.7").code == "200000"


def test_a_key_without_the_permission_is_400007(ask: Any, exchange: Exchange) -> None:
    exchange.replace_key(replace(exchange.key, permissions=("Spot",)))
    assert ask(ACCOUNTS).code == "400007"


@pytest.mark.parametrize("version", [1, 2])
def test_a_key_of_an_old_version_is_400008(ask: Any, exchange: Exchange, version: int) -> None:
    exchange.replace_key(replace(exchange.key, version=version))
    assert ask(ACCOUNTS).code == "400008"


@pytest.mark.parametrize("version", ["1", "4", "v3"])
def test_a_bad_version_header_is_400009(ask: Any, version: str) -> None:
    assert ask(ACCOUNTS, headers={"KC-API-KEY-VERSION": version}).code == "400009"


def test_a_denied_user_is_400010(ask: Any, exchange: Exchange) -> None:
    exchange.denied_uids.add(exchange.key.uid)
    assert ask(ACCOUNTS).code == "400010"


def test_another_content_type_is_415000(ask: Any) -> None:
    answer = ask(ACCOUNTS, headers={"Content-Type": "text/plain"})
    assert (answer.code, answer.status) == ("415000", 415)


def test_a_get_with_a_body_meets_a_page_for_people(ask: Any) -> None:
    answer = ask(ACCOUNTS, body="{}")
    assert answer.status == 403
    assert answer.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v9/nothing"), ("DELETE", LEDGERS)])
def test_an_unknown_path_is_404000(ask: Any, method: str, path: str) -> None:
    answer = ask(path, method=method)
    assert (answer.code, answer.status) == ("404000", 404)


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"pageSize": 501}, id="page too large"),
        pytest.param({"pageSize": 9}, id="page too small"),
        pytest.param({"pageSize": "ten"}, id="page size no number"),
        pytest.param({"pageSize": -10}, id="page size negative"),
        pytest.param({"currentPage": 0}, id="page before the first"),
        pytest.param({"currency": ",".join(f"C{number}" for number in range(11))}, id="eleven currencies"),
        pytest.param({"direction": "IN"}, id="direction in capitals"),
        pytest.param({"bizType": "Transfer"}, id="business type as rows name it"),
        pytest.param({"bizType": ""}, id="business type empty"),
        pytest.param({"startAt": START, "endAt": START + DAY + 1}, id="more than 24 hours"),
        pytest.param({"startAt": START + 1, "endAt": START}, id="start after end"),
        pytest.param({"startAt": "2026-01-01"}, id="start no number"),
    ],
)
def test_bad_ledger_parameters_are_400100_inside_http_200(ledger: Any, params: dict[str, Any]) -> None:
    answer = ledger(**params)
    assert (answer.status, answer.code) == (200, "400100")
    assert "data" not in answer.json


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"pageSize": 501}, "pageSize should not greater than 500"),
        ({"bizType": "Transfer"}, "not in the given range!"),
    ],
)
def test_messages_that_sources_quote_are_quoted(ledger: Any, params: dict[str, Any], message: str) -> None:
    assert ledger(**params).json["msg"] == message


@pytest.mark.parametrize("path", [f"{ACCOUNTS}/1", "/api/v3/currencies/NOPE"])
def test_a_thing_that_does_not_exist_is_refused(ask: Any, path: str) -> None:
    assert ask(path).code == "400100"


def test_a_key_tells_neither_secret_nor_passphrase(exchange: Exchange) -> None:
    assert exchange.key.secret not in repr(exchange.key)
    assert exchange.key.passphrase not in repr(exchange.key)
