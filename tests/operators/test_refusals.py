"""What must not be paid is refused for good: with the rule, the value and the code, before any request that pays."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kucoin.api.errors import PolicyRefused
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.operators.withdrawal import KucoinWithdrawOperator
from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server

ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
OTHER = "T" + "2" * 33
TON = "EQ" + "a" * 46
BOOK = {
    "cold": {"currency": "USDT", "chain": "trx", "address": ADDRESS},
    "exchange": {"currency": "USDT", "chain": "ton", "address": TON, "memo": "77"},
    "friend": {"currency": "USDT", "address": "123456", "withdraw_type": "UID"},
}


@pytest.fixture
def refused(payment: Callable[..., Any], rich: Exchange) -> Callable[..., str]:
    """Assert that a payment is refused for good and that nothing was sent; return the message."""

    def refused(**parameters: Any) -> str:
        with pytest.raises(AirflowFailException) as problem:
            payment(**parameters).run()
        assert [record for record in rich.requests if record.method == "POST"] == []
        assert rich.withdrawals == []
        return str(problem.value)

    return refused


# ----------------------------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    "amount",
    ["0", "0.000", "-1", "+1", "NaN", "Infinity", "1e3", "1E-2", "1,5", "1_000", "", "ten", "0x1f", "\u0661\u0660",
     Decimal("NaN"), Decimal(-5), "None"],
    ids=str,
)  # fmt: skip
def test_an_amount_that_is_no_plain_positive_number_is_refused(refused: Callable[..., str], amount: Any) -> None:
    assert "amount" in refused(amount=amount)


@pytest.mark.parametrize("amount", [10.5, float("nan"), 1e30])
def test_a_float_is_refused_where_the_dag_is_parsed(amount: float) -> None:
    with pytest.raises(TypeError, match="float"):
        KucoinWithdrawOperator(task_id="pay", currency="USDT", amount=amount, to_address=ADDRESS, chain="trx")  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [10.5, True, None, ["10"]])
def test_a_float_that_a_template_gives_is_refused_for_good(
    payment: Callable[..., Any], rich: Exchange, amount: Any
) -> None:
    """`render_template_as_native_obj=True` makes a float of '10.5' after the constructor has looked."""
    task = payment()
    made = task.make()
    made.amount = amount
    with pytest.raises(AirflowFailException, match=r"amount=.*give decimal text"):
        made.execute(task.context())
    assert len(rich.requests) == 0


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"currency": "USDT "}, "without blanks"),
        ({"currency": ""}, "currency=''"),
        ({"currency": None}, "currency=None"),
        ({"to_address": f" {ADDRESS}"}, "without blanks"),
        ({"to_address": None}, "either destination"),
        ({"destination": "cold"}, "either destination"),
        ({"chain": None}, "chain is missing"),
        ({"chain": ""}, "chain is missing"),
        ({"withdraw_type": "IBAN"}, "'IBAN' is not one of 'ADDRESS', 'UID', 'MAIL', 'PHONE'"),
        ({"withdraw_type": "UID"}, "chain and memo do not apply"),
        ({"withdraw_type": "MAIL", "chain": None, "memo": "1"}, "chain and memo do not apply"),
        ({"fee_deduct_type": "SENDER"}, "'SENDER' is not one of"),
        ({"api_version": "v2"}, "'v2' is not one of"),
        ({"api_version": "v1"}, r"amount=10.5: api_version='v1' takes a whole number only"),
        ({"api_version": "v1", "amount": str(2**63)}, "whole number"),
        ({"api_version": "v1", "amount": "5", "withdraw_type": "UID", "chain": None}, "addresses only"),
        ({"remark": "abcdef"}, "5 fit beside the marker"),
        ({"remark": "ü"}, "letters, digits"),
        ({"remark": "a b"}, "letters, digits"),
        ({"remark": "a\n"}, "letters, digits"),
    ],
    ids=str,
)
def test_parameters_that_break_a_rule_are_refused_before_any_request(
    refused: Callable[..., str], rich: Exchange, parameters: dict[str, Any], words: str
) -> None:
    assert words in refused(**parameters)
    assert len(rich.requests) == 0


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"chain": "tron"}, "chain='tron' is not a chain of USDT: eth (ERC20), trx (TRC20)"),
        ({"chain": "btc"}, "is not a chain of USDT"),
        ({"amount": "10.1234567"}, "precision: 10.1234567 has 7 decimals, 6 are taken; it is not rounded"),
        ({"amount": "2.9"}, "minimum: 2.9 of at least 3"),
        ({"amount": "1000"}, "balance: 1001 of 1000 USDT available in the funding (main) account"),
        ({"amount": "99999999"}, "quota: 99999999 of 999999.00000000 USDT left"),
        ({"chain": "ton", "to_address": TON}, "ton needs a memo (tag); without it the money is lost"),
        ({"memo": "1"}, "trx takes no memo, and KuCoin refuses one"),
        ({"chain": "optimism", "to_address": "0x" + "a" * 40}, "enabled: withdrawing USDT on optimism is closed"),
        ({"currency": "BTC", "chain": "bech32", "to_address": "bc1qqqqqqqqqqqqqqq"}, "closed at KuCoin"),
        ({"currency": "NOPE"}, "NOPE"),
        ({"currency": "../accounts"}, "is not a code"),
    ],
    ids=str,
)
def test_what_kucoins_own_data_forbids_is_refused_with_the_number(
    refused: Callable[..., str], parameters: dict[str, Any], words: str
) -> None:
    assert words in refused(**parameters)


def test_all_rules_that_are_broken_are_named_at_once(refused: Callable[..., str]) -> None:
    message = refused(amount="2000000.1234567", memo="1")
    assert all(f"{rule}: " in message for rule in ("precision", "quota", "balance", "memo"))


def test_a_fee_that_eats_the_amount_is_refused(refused: Callable[..., str], rich: Exchange) -> None:
    for chain in rich.currencies["USDT"]["chains"]:
        chain["withdrawalMinFee"] = "20"
    assert "would arrive" in refused(amount="15", fee_deduct_type="INTERNAL")


def test_an_answer_about_another_chain_is_refused(refused: Callable[..., str], rich: Exchange) -> None:
    """KuCoin's own sample asks about one chain and is answered about another."""
    rich.currencies["USDT"]["chains"][1]["chainId"] = "trx9"
    message = refused(chain="trx")
    assert "trx" in message


def test_the_whole_balance_can_leave_when_the_fee_is_taken_out_of_it(
    payment: Callable[..., Any], rich: Exchange
) -> None:
    payment(amount="1000", fee_deduct_type="INTERNAL").run()
    assert (rich.balances.get("USDT", "main").available, rich.withdrawals[0].arriving) == ("0", Decimal(999))


def test_kucoin_has_the_last_word_where_nobody_looked_before(
    payment: Callable[..., Any], posts: Callable[[], Any], rich: Exchange
) -> None:
    with pytest.raises(AirflowFailException, match=r"400100.*account\.available\.amount"):
        payment(amount="5000", preflight=False).run()
    assert (len(posts()), rich.withdrawals) == (1, [])


# -------------------------------------------------------------------------------------------------------------- the key


@pytest.mark.parametrize(
    ("code", "permissions", "ips"),
    [("400007", ("General",), ("127.0.0.1",)), ("400006", ("General", "Transfer"), ("10.0.0.1",))],
)
def test_a_key_that_may_not_withdraw_is_refused_for_good(
    payment: Callable[..., Any], rich: Exchange, code: str, permissions: tuple[str, ...], ips: tuple[str, ...]
) -> None:
    from dataclasses import replace

    rich.replace_key(replace(rich.key, permissions=permissions, ip_whitelist=ips))
    with pytest.raises(AirflowFailException, match=code):
        payment().run()
    assert rich.withdrawals == []


def test_an_address_outside_kucoins_own_address_book_is_refused_for_good(
    payment: Callable[..., Any], rich: Exchange
) -> None:
    rich.address_book = [(ADDRESS, "eth")]
    with pytest.raises(AirflowFailException, match="260325"):
        payment().run()
    assert rich.withdrawals == []


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.OVERLOADED, Fault.CLOUDFLARE_1015])
def test_what_is_safe_to_retry_is_left_to_airflow(payment: Callable[..., Any], rich: Exchange, fault: Fault) -> None:
    rich.faults.inject(fault, path="/api/v3/withdrawals", method="POST")
    task = payment()
    with pytest.raises(Exception, match="too many requests") as problem:
        task.run()
    assert not isinstance(problem.value, AirflowFailException)
    task.run()
    assert len(rich.withdrawals) == 1


# --------------------------------------------------------------------------------------------------------------- policy


def test_a_connection_cannot_withdraw_unless_its_owner_says_so(
    allow: Callable[..., None], payment: Callable[..., Any], rich: Exchange
) -> None:
    task = payment()
    for said in (None, False, "false", ""):
        allow(withdrawals_enabled=said)
        with pytest.raises(AirflowFailException, match="'kucoin_default' may not withdraw"):
            task.run()
    assert len(rich.requests) == 0


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"to_address": OTHER}, "not in the address book"),
        ({"chain": "TRC20"}, "not in the address book"),
        ({"chain": "ton", "to_address": TON, "memo": "78"}, "not in the address book"),
        ({"chain": "ton", "to_address": TON}, "not in the address book"),
        ({"to_address": None, "chain": None, "destination": "warm"}, "'cold', 'exchange', 'friend'"),
        ({"to_address": None, "chain": "eth", "destination": "cold"}, "chain='eth': destination 'cold' pins 'trx'"),
        ({"to_address": None, "chain": None, "destination": "cold", "currency": "USDC"}, "pins 'USDT'"),
        ({"to_address": None, "chain": None, "destination": "exchange", "memo": "1"}, "pins '77'"),
        ({"to_address": "123457", "chain": None, "withdraw_type": "UID"}, "not in the address book"),
    ],
    ids=str,
)
def test_nothing_outside_the_address_book_is_paid(
    allow: Callable[..., None], payment: Callable[..., Any], rich: Exchange, parameters: dict[str, Any], words: str
) -> None:
    task = payment(**parameters)
    allow(withdraw_destinations=BOOK)
    with pytest.raises(AirflowFailException) as problem:
        task.run()
    assert words in str(problem.value)
    assert len(rich.requests) == 0


@pytest.mark.parametrize(
    ("alias", "sent"),
    [
        ("cold", {"toAddress": ADDRESS, "chain": "trx", "withdrawType": "ADDRESS"}),
        ("exchange", {"toAddress": TON, "chain": "ton", "memo": "77"}),
        ("friend", {"toAddress": "123456", "withdrawType": "UID"}),
    ],
)
def test_an_alias_pins_all_that_the_address_book_says(
    allow: Callable[..., None], payment: Callable[..., Any], posts: Callable[[], Any], alias: str, sent: dict[str, Any]
) -> None:
    task = payment(to_address=..., chain=..., destination=alias)
    allow(withdraw_destinations=json.dumps(BOOK))
    task.run()
    assert sent.items() <= posts()[0].json.items()


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"USDT": {"per_withdrawal": "10"}}, "amount 10.5 USDT is above per_withdrawal=10"),
        ({"BTC": {"per_withdrawal": "1"}}, "withdraw_limits, but none for USDT"),
        ({"USDT": {"per_day": "10.4"}}, "per_day=10.4"),
        ({"USDT": {"per_day": 10.5}}, "limit of 'USDT'"),
        ({"USDT": {}}, "limit of 'USDT'"),
        ({"USDT": {"per_week": "1"}}, "limit of 'USDT'"),
        ("not json", "not JSON"),
    ],
    ids=str,
)
def test_limits_are_kept_and_a_limit_that_cannot_be_understood_stops_everything(
    allow: Callable[..., None], payment: Callable[..., Any], rich: Exchange, limits: Any, words: str
) -> None:
    task = payment()
    allow(withdraw_limits=limits)
    with pytest.raises(AirflowFailException) as problem:
        task.run()
    assert words in str(problem.value)
    assert [record for record in rich.requests if record.method == "POST"] == []


def test_the_days_limit_counts_what_kucoin_says_left_that_day_whoever_sent_it(
    allow: Callable[..., None], payment: Callable[..., Any], rich: Exchange
) -> None:
    noon = rich.now_ms()
    paid = {"currency": "USDT", "address": OTHER, "chain": "trx"}
    rich.add_withdrawal(amount="500", created_at_ms=noon - 13 * 3_600_000, **paid)  # yesterday
    rich.add_withdrawal(amount="60", created_at_ms=noon - 11 * 3_600_000, **paid)
    rich.add_withdrawal(amount="200", created_at_ms=noon - 3_600_000, status="FAILURE", **paid)
    rich.add_withdrawal(amount="1", created_at_ms=noon, **{**paid, "currency": "BTC"})
    task, second = payment(map_index=0, amount="39.5"), payment(map_index=1, amount="10")
    allow(withdraw_limits={"USDT": {"per_day": "100"}})
    task.run()
    with pytest.raises(AirflowFailException, match=r"99\.50000000 were withdrawn this UTC day.*per_day=100"):
        second.run()
    assert task.run()["amount"] == "39.5", "what is paid already is not measured again"


def test_the_days_limit_begins_anew_at_midnight_utc(
    allow: Callable[..., None], payment: Callable[..., Any], sleep: Callable[[float], None], rich: Exchange
) -> None:
    task, second = payment(map_index=0), payment(map_index=1)
    allow(withdraw_limits={"USDT": {"per_day": "15"}})
    task.run()
    with pytest.raises(AirflowFailException):
        second.run()
    sleep(12 * 3600)
    second.run()
    assert len(rich.withdrawals) == 2


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_the_hook_keeps_to_the_policy_as_the_operator_does(
    allow: Callable[..., None], rich: Exchange, version: Any
) -> None:
    given: dict[str, Any] = {"currency": "USDT", "idempotency_key": "k", "chain": "trx", "api_version": version}
    allow(withdrawals_enabled=False)
    with pytest.raises(PolicyRefused, match="may not withdraw"):
        KucoinHook().withdraw(amount="5", to_address=ADDRESS, **given)
    allow(withdraw_destinations=BOOK, withdraw_limits={"USDT": {"per_withdrawal": "4"}})
    with pytest.raises(PolicyRefused, match="address book"):
        KucoinHook().withdraw(amount="3", to_address=OTHER, **given)
    with pytest.raises(PolicyRefused, match="per_withdrawal=4"):
        KucoinHook().withdraw(amount="5", to_address=ADDRESS, **given)
    assert len(rich.requests) == 0


# -------------------------------------------------------------------------------------------------------------- dry run


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_a_dry_run_tells_the_exact_body_fee_net_and_verdicts_and_sends_nothing(
    payment: Callable[..., Any], rich: Exchange, posts: Callable[[], Any], version: str
) -> None:
    task = payment(amount="10", api_version=version, fee_deduct_type="INTERNAL", chain="TRC20")
    told = task.run(dry_run=True)
    assert (posts(), rich.withdrawals, dict(task.store)) == ([], [], {})
    assert (told["dry_run"], told["fee"], told["net"], told["debit"]) == (True, "1", "9", "10")
    assert {verdict["rule"] for verdict in told["verdicts"]} == {
        *("enabled", "chain", "precision", "minimum", "quota", "balance", "memo", "net")
    }
    assert all(verdict["passed"] for verdict in told["verdicts"])
    task.run()
    assert posts()[0].json == told["body"]


def test_a_dry_run_refuses_what_the_real_one_would(refused: Callable[..., str]) -> None:
    assert "minimum" in refused(amount="1", dry_run=True)


def test_a_dry_run_keeps_to_the_policy(allow: Callable[..., None], payment: Callable[..., Any]) -> None:
    task = payment(dry_run=True)
    allow(withdraw_limits={"USDT": {"per_day": "10"}})
    with pytest.raises(AirflowFailException, match="per_day=10"):
        task.run()


# -------------------------------------------------------------------------------------------------------------- Airflow


def test_all_that_says_what_is_paid_can_be_templated(payment: Callable[..., Any], rich: Exchange) -> None:
    task = payment()
    made = task.make(
        **{name: "{{ params." + name + " }}" for name in ("currency", "amount", "to_address", "chain", "remark")}
    )
    params = {"currency": "USDT", "amount": "10.5", "to_address": ADDRESS, "chain": "trx", "remark": "jan"}
    made.render_template_fields({"params": params})
    made.execute(task.context())
    assert (rich.withdrawals[0].amount, rich.withdrawals[0].remark[-4:]) == (Decimal("10.5"), "-jan")


def test_a_template_that_renders_to_nothing_is_as_good_as_absent(payment: Callable[..., Any], rich: Exchange) -> None:
    payment(memo="", remark="", idempotency_key="").run()
    assert rich.withdrawals[0].memo == ""


@pytest.mark.parametrize("remark", ["", "r1"])
def test_no_secret_leaves_through_logs_errors_or_results(
    payment: Callable[..., Any],
    rich: Exchange,
    server: Server,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    remark: str,
) -> None:
    from airflow_provider_kucoin.testing import signing

    caplog.set_level(logging.DEBUG)
    texts = []
    for fault in (None, Fault.RESET_BEFORE, Fault.HTML_BODY, Fault.CLOCK_SKEW, Fault.TRUNCATED_JSON):
        if fault:
            rich.faults.inject(fault, path="/api/v3/withdrawals", method="POST")
        task = payment(run_id=f"{fault}", remark=remark)
        try:
            texts.append(json.dumps(task.run()))
        except AirflowFailException as problem:
            texts += [repr(problem), repr(problem.__cause__)]
        texts.append(json.dumps(task.store))
    texts += [caplog.text, *capsys.readouterr()]
    key = server.exchange.key
    canaries = [key.key, key.secret, key.passphrase, signing.signed_passphrase(key.secret, key.passphrase)]
    assert not [canary for canary in canaries for text in texts if canary in text]


def test_the_address_is_shortened_in_logs(payment: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    payment().run()
    assert "TKFRQ...ggwX8" in caplog.text
    assert ADDRESS not in caplog.text
