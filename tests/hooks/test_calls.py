"""The hook's verbs: any call, accounts, rows of a ledger."""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY, YESTERDAY

from airflow_provider_kucoin.api import errors
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server


# ------------------------------------------------------------------------------------------------------------- request


def test_an_endpoint_that_the_table_does_not_know_is_called_signed(
    wire: Any, server: Server, connect: Callable[..., Any]
) -> None:
    connect(server.connection(), host=wire.url)
    with pytest.raises(errors.RequestRefused, match=r"GET /api/v9/new: KuCoin code 404000"):
        KucoinHook().request("get", "/api/v9/new", {"a": "1,2", "b": None})
    assert wire.heard[0].target == "/api/v9/new?a=1%2C2"
    assert "kc-api-sign" in wire.heard[0].headers


@pytest.fixture
def posted(wire: Any, server: Server, connect: Callable[..., Any], tap: Callable[..., Any]) -> Any:
    """A stand-in for endpoints that the sandbox does not have: a POST is heard, and answered with success."""
    said = type("Said", (), {"status": 200, "body": b'{"code":"200000","data":{"ok":true}}', "headers": {}})
    found = tap(lambda heard: said if heard.method == "POST" else wire.respond(heard))
    connect(server.connection(), {"futures_host": found.url}, host=found.url)
    return found


def test_a_body_is_sent_as_signed_with_decimals_as_plain_text(posted: Any, exchange: Exchange) -> None:
    import base64
    import hashlib
    import hmac

    order = {"amount": Decimal("1E+3"), "fee": Decimal("1e-18"), "parts": [Decimal("0.10")], "remark": "é", "n": 3}
    assert KucoinHook().request("POST", "/api/v1/something", json=order) == {"ok": True}
    heard = posted.heard[-1]
    assert heard.body.decode() == ('{"amount":"1000","fee":"0.000000000000000001","parts":["0.10"],"remark":"é","n":3}')
    prehash = f"{heard.headers['kc-api-timestamp']}POST/api/v1/something".encode() + heard.body
    mac = hmac.new(exchange.key.secret.encode(), prehash, hashlib.sha256).digest()
    assert heard.headers["kc-api-sign"] == base64.b64encode(mac).decode()


@pytest.mark.parametrize(
    "json",
    [
        pytest.param({"amount": 0.1}, id="value"),
        pytest.param({"orders": [{"amount": 1.5}]}, id="deep"),
        pytest.param([1, (2, 3.0)], id="tuple"),
        pytest.param({"amounts": {1.5}}, id="set"),
        pytest.param(1e3, id="itself"),
    ],
)
def test_a_float_in_a_body_is_a_type_error_before_any_request(posted: Any, json: Any) -> None:
    with pytest.raises(TypeError, match="is a float: give amounts as Decimal"):
        KucoinHook().request("POST", "/api/v1/something", json=json)
    assert posted.heard == []


def test_a_float_in_a_query_is_a_type_error_before_any_request(posted: Any) -> None:
    with pytest.raises(TypeError, match="is a float"):
        KucoinHook().request("GET", "/api/v1/accounts", {"amount": 0.1})
    assert posted.heard == []


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_an_amount_that_is_no_number_is_refused(posted: Any, amount: str) -> None:
    with pytest.raises(errors.InvalidInput):
        KucoinHook().request("POST", "/api/v1/something", json={"amount": Decimal(amount)})
    assert posted.heard == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/v3/withdrawals",
        "/api/v1/withdrawals",
        "/api/ua/v1/withdrawal",
        "/api/ua/v2/asset/withdrawal",
        "/api/v4/withdrawals",
        "/api/v3/withdrawals/",
        "//api//v3//withdrawals",
        "/api/v3/./withdrawals",
        "/api/v3/x/../withdrawals",
        "/API/v3/Withdrawals",
        "/api/v3/%77ithdrawals",
        "/api/v3/%2577ithdrawals",
        "/api/v3/withdrawals?x=1",
        "/api/v3/withdrawals#x",
        "/api/v3/withdrawals;x=1",
    ],
)
@pytest.mark.parametrize("futures", [False, True], ids=["spot-host", "futures-host"])
@pytest.mark.parametrize("method", ["POST", "post", "PUT"])
def test_an_endpoint_that_pays_out_is_not_reached_by_request(
    posted: Any,
    path: str,
    futures: bool,  # noqa: FBT001 - a case of this test
    method: str,
) -> None:
    with pytest.raises(errors.InvalidInput, match=r"withdrawal policy: use KucoinHook\.withdraw"):
        KucoinHook().request(method, path, json={"amount": "1"}, futures=futures)
    assert posted.heard == []


@pytest.mark.parametrize(
    ("path", "futures"),
    [
        ("/api/v3/accounts/universal-transfer", False),
        ("/api/v2/accounts/inner-transfer", False),
        ("/api/v2/accounts/sub-transfer", False),
        ("/api/ua/v1/account/transfer", False),
        ("/api/v3/transfer-out", True),
        ("/api/v1/transfer-in", True),
        ("/api/v3/accounts//Universal-Transfer", False),
        ("/api/v9/transfer%2Din", True),
    ],
)
def test_a_transfer_is_not_reached_by_request(posted: Any, path: str, futures: Any) -> None:
    with pytest.raises(errors.InvalidInput, match=r"use KucoinHook\.transfer"):
        KucoinHook().request("POST", path, json={"amount": "1"}, futures=futures)
    assert posted.heard == []


def test_a_connection_that_may_withdraw_may_not_do_so_by_request(
    posted: Any, server: Server, connect: Callable[..., Any]
) -> None:
    connect(server.connection(withdrawals_enabled=True), {"futures_host": posted.url}, host=posted.url)
    with pytest.raises(errors.InvalidInput, match="withdrawal policy"):
        KucoinHook().request("POST", "/api/v3/withdrawals", json={"amount": "1"})
    assert posted.heard == []


@pytest.mark.parametrize("path", ["/api/v1/hf/orders", "/api/v3/margin/borrow", "/api/v1/earn/orders"])
def test_what_only_changes_what_the_account_holds_is_reached(posted: Any, path: str) -> None:
    assert KucoinHook().request("POST", path, json={"size": "1"}) == {"ok": True}
    assert posted.paths == [path]


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(lambda session, url: session.post(f"{url}/api/v3/x/../withdrawals", json={}), id="a way round"),
        pytest.param(lambda session, url: session.post(f"{url}//api/v3/withdrawals;x", json={}), id="slashes"),
        pytest.param(lambda session, url: session.post(f"{url}/api/v3/%2577ithdrawals", json={}), id="escaped twice"),
        pytest.param(lambda session, url: session.request("post", f"{url}/API/V3/WITHDRAWALS"), id="upper case"),
        pytest.param(lambda session, url: session.put(f"{url}/api/v1/transfer-in"), id="transfer"),
        pytest.param(lambda session, url: session.post(f"{url}/api/v1/a%2Fb"), id="a path that is not plain"),
        pytest.param(
            lambda session, url: session.get(f"{url}/api/v3/withdrawals", json={"a": "1"}), id="get with body"
        ),
        pytest.param(
            lambda session, url: session.get(f"{url}/api/v3/withdrawals", headers={"X-HTTP-Method-Override": "POST"}),
            id="a method in a header",
        ),
    ],
)
def test_a_session_that_is_handed_out_is_as_limited_as_request(posted: Any, send: Callable[..., Any]) -> None:
    with pytest.raises(errors.InvalidInput):
        send(KucoinHook().get_conn(), posted.url)
    assert posted.heard == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("PATCH", "/api/v1/accounts"), "method='PATCH' is not one of GET, POST, PUT, DELETE", id="method"),
        pytest.param(("GET", "api/v1/accounts"), "paths begin with '/'", id="no slash"),
        pytest.param(("GET", "https://api.kucoin.com/api/v1/accounts"), "paths begin with '/'", id="url"),
        pytest.param(("GET", "/api/v1/accounts?currency=BTC"), "paths begin with '/'", id="query"),
        pytest.param(("GET", ""), "paths begin with '/'", id="empty"),
        pytest.param(("GET", "/api/v1/accounts/{accountId}"), "put the id itself", id="braces"),
        pytest.param(("GET", None), "path=None is not text", id="none"),
        pytest.param(("GET", "/api/v1/accounts", "BTC"), "params='BTC' is not a mapping", id="params"),
        pytest.param(("POST", "/api/v1/orders", None, "BTC"), "a body is a mapping or a list", id="body"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_any_request(
    posted: Any, arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(errors.InvalidInput, match=message):
        KucoinHook().request(*arguments)
    assert posted.heard == []


@pytest.mark.parametrize(
    ("method", "path", "futures", "advice"),
    [
        ("GET", "/api/v1/trade-statistics", False, "It is an endpoint of the futures host: futures=True"),
        ("GET", "/api/v1/accounts", True, "It is an endpoint of the spot host: futures=False"),
        ("POST", "/api/v1/accounts", False, "Its methods are: GET"),
    ],
)
def test_a_path_that_kucoin_does_not_have_comes_back_with_what_may_be_meant(
    hook: KucoinHook, method: str, path: str, futures: Any, advice: str
) -> None:
    with pytest.raises(errors.RequestRefused, match=rf"{method} {path}: KuCoin code 404000.*{advice}") as caught:
        hook.request(method, path, futures=futures)
    assert caught.value.code == "404000"


def test_other_refusals_come_back_as_they_are(hook: KucoinHook) -> None:
    with pytest.raises(errors.RequestRefused, match="KuCoin code 400100") as caught:
        hook.request("GET", "/api/v1/accounts/ledgers", {"bizType": "Transfer"})
    assert caught.value.code == "400100"


def test_calls_of_one_endpoint_keep_within_its_quota(hook: KucoinHook, exchange: Exchange) -> None:
    hook.server_time_ms()
    exchange.set_quota("Management", limit=20, window_ms=300)
    for _ in range(10):
        hook.request("GET", "/api/v1/accounts")
    statuses = [record.http_status for record in exchange.requests if record.path == "/api/v1/accounts"]
    assert statuses == [200] * 10


@pytest.mark.parametrize("fault", [Fault.NULL_DATA, Fault.MISSING_DATA], ids=lambda fault: fault.name)
def test_a_read_that_finds_nothing_returns_nothing_and_is_not_repeated(
    hook: KucoinHook, exchange: Exchange, fault: Fault
) -> None:
    hook.server_time_ms()
    exchange.faults.inject(fault, path="/api/v1/accounts")
    assert hook.request("GET", "/api/v1/accounts") is None
    assert [record.path for record in exchange.requests] == ["/api/v1/timestamp", "/api/v1/accounts"]


def test_numbers_come_back_exact(tap: Callable[..., Any], server: Server, connect: Callable[..., Any]) -> None:
    body = b'{"code":"200000","data":{"funding":-0.05585669000,"fundingRate":6.41E-4,"id":1472387374042586}}'
    said = type("Said", (), {"status": 200, "body": body, "headers": {}})
    connect(server.connection(), {"futures_host": tap(lambda _: said).url})
    found = KucoinHook().request("GET", "/api/v1/funding-history", {"symbol": "XBTUSDTM"}, futures=True)
    assert found == {
        "funding": Decimal("-0.05585669000"),
        "fundingRate": Decimal("0.000641"),
        "id": 1_472_387_374_042_586,
    }
    assert str(found["funding"]) == "-0.05585669000"


def test_secrets_that_are_sent_or_come_back_are_masked(posted: Any) -> None:
    from airflow.providers.common.compat.sdk import redact

    answer = (
        b'{"code":"200000","data":{"apiSecret":"songbird-secret-9","apiKey":"key","passphrase":"songbird-phrase-9"}}'
    )
    posted.respond = lambda _: type("Said", (), {"status": 200, "body": answer, "headers": {}})
    hook = KucoinHook()
    hook.request("POST", "/api/v1/sub/api-key", json={"subName": "sub", "passphrase": "songbird-phrase-8"})
    hook.request("DELETE", "/api/v1/sub/api-key", {"apiKey": "key", "passphrase": "songbird-phrase-7"})
    for secret in ("songbird-secret-9", "songbird-phrase-9", "songbird-phrase-8", "songbird-phrase-7"):
        assert redact(f"somebody prints {secret} in a task") == "somebody prints *** in a task"
    assert redact("somebody prints sub in a task") == "somebody prints sub in a task"


def test_reading_withdrawals_is_not_paying_out(hook: KucoinHook) -> None:
    with pytest.raises(errors.RequestRefused, match="KuCoin code"):  # not by this provider
        hook.request("GET", "/api/v1/withdrawals", {"status": "nonsense"})


def test_a_get_with_a_body_is_refused(hook: KucoinHook, exchange: Exchange) -> None:
    with pytest.raises(errors.InvalidInput, match="a GET has no body"):
        hook.request("GET", "/api/v1/accounts", json={"currency": "BTC"})
    assert len(exchange.requests) == 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault.RESET_BEFORE,
        Fault.RESET_AFTER,
        Fault.SERVER_ERROR,
        Fault.BAD_GATEWAY,
        Fault.TRUNCATED_JSON,
        Fault.BROKEN_BODY,
        Fault.HTML_BODY,
    ],
    ids=lambda fault: fault.name,
)
def test_a_post_whose_answer_is_lost_is_not_repeated(hook: KucoinHook, exchange: Exchange, fault: Fault) -> None:
    hook.server_time_ms()
    exchange.faults.inject(fault, method="POST", times=None)
    with pytest.raises(errors.OutcomeUnknown):
        hook.request("POST", "/api/v1/something", json={})
    assert len([record for record in exchange.requests if record.method == "POST"]) == 1


def test_a_post_that_was_refused_for_its_timestamp_is_signed_again(posted: Any, exchange: Exchange) -> None:
    """It was refused before anything was acted on, so that sending it again cannot do anything twice."""
    exchange.clock_offset_ms = 30_000
    answers = iter([b'{"code":"400002","msg":"KC-API-TIMESTAMP Invalid"}', b'{"code":"200000","data":1}'])
    on_get = posted.respond

    def respond(heard: Any) -> Any:
        if heard.method == "GET":
            return on_get(heard)
        return type("Said", (), {"status": 400 if b"[1]" in heard.body else 200, "body": next(answers), "headers": {}})

    posted.respond = respond
    assert KucoinHook().request("POST", "/api/v1/something", json=[]) == 1
    assert posted.paths == ["/api/v1/something", "/api/v1/timestamp", "/api/v1/something"]


# ------------------------------------------------------------------------------------------------------------ accounts


def test_accounts_come_with_their_amounts_as_text(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.balances.set("USDT", "main", "100.123456789012345678", holds="0.5")
    exchange.balances.set("BTC", "trade", "1")
    found = hook.get_accounts()
    assert [(entry["currency"], entry["balance"]) for entry in found] == [
        ("USDT", "100.123456789012345678"),
        ("BTC", "1"),
    ]


def test_accounts_can_be_narrowed_down(hook: KucoinHook, exchange: Exchange) -> None:
    for account_type in ("main", "trade"):
        exchange.balances.set("USDT", account_type, "1")
        exchange.balances.set("BTC", account_type, "1")
    found = hook.get_accounts("BTC", "trade")
    assert [(entry["currency"], entry["type"]) for entry in found] == [("BTC", "trade")]


@pytest.mark.parametrize("data", ["5", '"USDT"', '{"id": "1"}', '["USDT"]'])
def test_what_are_no_accounts_is_never_taken_for_some(
    server: Server, connect: Callable[..., Any], tap: Callable[..., Any], data: str
) -> None:
    answer = type("Said", (), {"status": 200, "body": f'{{"code":"200000","data":{data}}}'.encode(), "headers": {}})
    connect(server.connection(), host=tap(lambda _: answer).url)
    with pytest.raises(errors.Unavailable, match="the accounts"):
        KucoinHook().get_accounts()


def test_an_account_without_any_balance_is_an_empty_list(hook: KucoinHook) -> None:
    assert hook.get_accounts() == []


def test_an_answer_without_the_owners_uid_is_no_uid(
    hook: KucoinHook, tap: Callable[..., Any], server: Server, connect: Callable[..., Any]
) -> None:
    del hook
    said = type(
        "Said", (), {"status": 200, "body": b'{"code":"200000","data":{"permission":"General"}}', "headers": {}}
    )
    connect(server.connection(), host=tap(lambda _: said).url)
    with pytest.raises(errors.UnexpectedData, match="uid"):
        _ = KucoinHook().account_uid


# -------------------------------------------------------------------------------------------------------------- ledger


def test_rows_of_a_ledger_come_exact_and_typed(hook: KucoinHook, exchange: Exchange, same: Callable[..., None]) -> None:
    exchange.seed_ledger(YESTERDAY - DAY, YESTERDAY + 2 * DAY, rows_per_day=30)
    start = datetime.fromtimestamp(YESTERDAY / 1000, UTC) - timedelta(days=1)
    rows = list(hook.iter_ledger("spot", start, "2026-02-03T00:00:00+00:00"))
    same(rows, YESTERDAY - DAY, YESTERDAY + DAY)
    assert {type(row["amount"]) for row in rows} == {Decimal}
    assert {row["created_at"].tzinfo for row in rows} == {UTC}


def test_a_row_keeps_what_its_context_says_and_what_no_column_knows(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.book(
        created_at=YESTERDAY,
        amount="0.000000000000000001",
        context='{"symbol":"KCS-USDT","orderId":"o1","tradeId":7}',
        extra={"tax": "0.1", "new": {"a": 1.10}},
    )
    [row] = hook.iter_ledger("spot", YESTERDAY, YESTERDAY + 1)
    assert row["amount"] == Decimal("1e-18")
    assert (row["symbol"], row["order_id"], row["trade_id"], row["tx_id"]) == ("KCS-USDT", "o1", "7", None)
    assert row["_extra"] == '{"tax":"0.1","new":{"a":1.1}}'


def test_a_ledger_can_be_narrowed_down(hook: KucoinHook, exchange: Exchange) -> None:
    for currency, direction, biz_type in [
        ("BTC", "in", "Deposit"),
        ("BTC", "out", "Deposit"),
        ("ETH", "in", "Deposit"),
        ("KCS", "in", "Deposit"),
        ("BTC", "in", "Withdrawal"),
    ]:
        exchange.book(created_at=YESTERDAY, currency=currency, direction=direction, biz_type=biz_type)
    found = hook.iter_ledger(
        "spot", YESTERDAY, YESTERDAY + DAY, currency=["BTC", "ETH"], direction="in", biz_type="DEPOSIT"
    )
    assert sorted(row["currency"] for row in found) == ["BTC", "ETH"]


@pytest.mark.parametrize(
    ("arguments", "filters", "message"),
    [
        pytest.param(("swap", YESTERDAY, YESTERDAY + 1), {}, "ledger='swap'", id="ledger"),
        pytest.param(("spot", YESTERDAY, YESTERDAY), {}, "start must be before the end", id="empty"),
        pytest.param(("spot", "2026-02-02", "2026-02-03"), {}, "no time zone", id="naive"),
        pytest.param(("spot", 1_770_000_000, YESTERDAY), {}, "milliseconds", id="seconds"),
        pytest.param(("spot", YESTERDAY, YESTERDAY + 1), {"direction": "up"}, "direction", id="direction"),
        pytest.param(("spot", YESTERDAY, YESTERDAY + 1), {"currency": ["C"] * 11}, "11 codes", id="currencies"),
    ],
)
def test_bad_arguments_are_refused_before_the_first_row_is_asked_for(
    hook: KucoinHook, exchange: Exchange, arguments: tuple[Any, ...], filters: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.InvalidInput, match=message):
        hook.iter_ledger(*arguments, **filters)
    assert len(exchange.requests) == 0


def test_a_window_that_ends_in_the_future_is_refused(hook: KucoinHook, exchange: Exchange) -> None:
    with pytest.raises(errors.InvalidInput, match="ends in the future"):
        next(hook.iter_ledger("spot", YESTERDAY, YESTERDAY + 3 * DAY))
    assert [record.path for record in exchange.requests] == ["/api/v1/timestamp"]


def test_a_window_beyond_retention_is_refused(hook: KucoinHook, exchange: Exchange) -> None:
    with pytest.raises(errors.OutOfRetention, match="365 days"):
        next(hook.iter_ledger("spot", YESTERDAY - 400 * DAY, YESTERDAY - 399 * DAY))
    assert [record.path for record in exchange.requests] == ["/api/v1/timestamp"]


def test_rows_that_come_while_pages_are_read_are_an_error_not_a_gap(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.seed_ledger(YESTERDAY, YESTERDAY + DAY, rows_per_day=1200)
    exchange.faults.inject(Fault.LATE_ROW, path="/api/v1/accounts/ledgers", after=1)
    with pytest.raises(errors.Incomplete):
        list(hook.iter_ledger("spot", YESTERDAY, YESTERDAY + DAY))


@pytest.mark.filterwarnings("error")
def test_a_reader_that_stops_early_leaves_nothing_behind(hook: KucoinHook, exchange: Exchange) -> None:
    exchange.seed_ledger(YESTERDAY - 3 * DAY, YESTERDAY + DAY, rows_per_day=600)
    rows = hook.iter_ledger("spot", YESTERDAY - 3 * DAY, YESTERDAY + DAY)
    next(rows)
    del rows
    gc.collect()
    assert len(hook.get_accounts()) == 0


@pytest.mark.parametrize("every", [1, 1000], ids=["between-rows", "between-pages"])
def test_a_call_between_two_rows_does_not_wait_for_ever_when_the_quota_is_short(
    hook: KucoinHook, exchange: Exchange, every: int
) -> None:
    """While nobody asks for rows, the requests under way get no answers."""
    exchange.seed_ledger(YESTERDAY, YESTERDAY + DAY, rows_per_day=5000 if every > 1 else 600)
    exchange.set_quota("Management", 30, window_ms=100)
    for number, _ in enumerate(hook.iter_ledger("spot", YESTERDAY, YESTERDAY + DAY)):
        if number % every == 0 and number < 5 * every:
            assert hook.get_accounts() == []
