"""The connection's policy: what its owner allows, how it is read, and what it refuses."""

from __future__ import annotations

import decimal
import json
import re
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_kucoin.api.errors import InvalidInput, PolicyRefused
from airflow_provider_kucoin.api.policy import (
    Destination,
    Limit,
    Policy,
    check_day,
    check_static,
    parse_policy,
    pinned,
)
from airflow_provider_kucoin.api.withdrawals import Order, order

TRX = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
XRP = "rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh"
BOOK = {
    "cold-wallet": {"currency": "USDT", "chain": "trx", "address": TRX, "memo": None},
    "market-maker": {"currency": "XRP", "chain": "xrp", "address": XRP, "memo": "104"},
    "partner": {"currency": "USDT", "address": "165111215", "withdraw_type": "UID"},
}
LIMITS = {"USDT": {"per_withdrawal": "5000", "per_day": "20000"}, "XRP": {"per_day": "7.5"}}


def policy(**extra: Any) -> Policy:
    return parse_policy("kc", extra, enabled=True)


def to_trx(**changes: Any) -> Order:
    return order(**{"currency": "USDT", "amount": "3", "to_address": TRX, "chain": "trx", **changes})


# ----------------------------------------------------------------------------------------------------------- reading


def test_a_connection_that_says_nothing_may_not_pay() -> None:
    found = parse_policy("kc", {}, enabled=False)
    assert found == Policy(enabled=False, destinations=None, limits=None, remark_limit=20)
    with pytest.raises(PolicyRefused, match="its owner has not set the extra field 'withdrawals_enabled'"):
        check_static(found, "kc", to_trx())


@pytest.mark.parametrize("written", [lambda value: value, json.dumps], ids=["object", "text"])
def test_book_and_limits_are_read_as_object_or_as_text(written: Any) -> None:
    found = policy(withdraw_destinations=written(BOOK), withdraw_limits=written(LIMITS), remark_limit=written(64))
    assert found.destinations == {
        "cold-wallet": Destination("USDT", TRX, "trx"),
        "market-maker": Destination("XRP", XRP, "xrp", "104"),
        "partner": Destination("USDT", "165111215", withdraw_type="UID"),
    }
    assert found.limits == {"USDT": Limit(Decimal(5000), Decimal(20000)), "XRP": Limit(None, Decimal("7.5"))}
    assert found.remark_limit == 64


@pytest.mark.parametrize("empty", [None, ""], ids=repr)
def test_a_field_that_a_form_left_empty_is_no_rule(empty: Any) -> None:
    found = policy(withdraw_destinations=empty, withdraw_limits=empty, remark_limit=empty)
    assert (found.destinations, found.limits, found.remark_limit) == (None, None, 20)


def test_numbers_in_the_book_are_taken_as_the_text_that_they_look_like() -> None:
    found = policy(withdraw_destinations={"a": {"currency": "USDT", "address": 165111215, "withdraw_type": "UID"}})
    assert (found.destinations or {})["a"].address == "165111215"
    found = policy(withdraw_destinations={"a": {"currency": "XRP", "address": XRP, "chain": "xrp", "memo": 0}})
    assert (found.destinations or {})["a"].memo == "0"


@pytest.mark.parametrize("empty", [None, ""], ids=repr)
@pytest.mark.parametrize("name", ["chain", "memo", "withdraw_type"])
def test_an_empty_field_of_the_book_is_one_that_is_not_there(name: str, empty: Any) -> None:
    found = policy(withdraw_destinations={"a": {"currency": "USDT", "address": TRX, name: empty}})
    assert found.destinations == {"a": Destination("USDT", TRX)}


GOOD = BOOK["cold-wallet"]


@pytest.mark.parametrize(
    "extra",
    [
        *({"withdraw_destinations": wrong} for wrong in ("{", "[]", "null", "7", " ", [], 0, False, True, 7, ["a"])),
        *({"withdraw_limits": wrong} for wrong in ("{", "[]", "null", "7", " ", [], 0, False, True, 7, "20000")),
        *({"withdraw_destinations": {"good": GOOD, "a": row}} for row in (None, "T", [], {}, TRX, 5)),
        *({"withdraw_destinations": {"good": GOOD, "a": {**GOOD, "adress": TRX}}},),
        *({"withdraw_destinations": {"a": {**GOOD, "currency": value}}} for value in (None, "", " USDT", ["USDT"])),
        *({"withdraw_destinations": {"a": {**GOOD, "address": value}}} for value in (None, "", TRX + " ", [TRX], True)),
        *({"withdraw_destinations": {"a": {**GOOD, "chain": value}}} for value in (["trx"], True, 1.5, " trx")),
        *({"withdraw_destinations": {"a": {**GOOD, "memo": value}}} for value in ([], {}, True, 1.5, "1 ")),
        *({"withdraw_destinations": {"a": {**GOOD, "withdraw_type": value}}} for value in ("address", "IBAN", [], 1)),
        *({"withdraw_limits": {"XRP": {"per_day": "1"}, "USDT": row}} for row in (None, {}, [], "5", 5)),
        *({"withdraw_limits": {"USDT": {"per_day": "1", "per_week": "5"}}},),
        *(
            {"withdraw_limits": {"USDT": {"per_day": value}}}
            for value in (None, 1.5, True, "", "-1", "1e3", "0", 0, "NaN", "a lot", [])
        ),
        *({"withdraw_limits": '{"USDT": {"per_day": 1.5}}'},),
        *({"remark_limit": wrong} for wrong in ("twenty", "20.5", 20.5, 20.0, True, False, "-1", " 20", "2_0", [], {})),
    ],
    ids=str,
)
def test_a_policy_that_cannot_be_understood_is_refused_as_a_whole(extra: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="connection 'kc'"):
        policy(**extra)


def test_text_that_is_no_json_is_not_repeated_in_the_message() -> None:
    with pytest.raises(InvalidInput, match=r"^connection 'kc': extra field 'withdraw_destinations' is not JSON$"):
        policy(withdraw_destinations='{"secret')


# -------------------------------------------------------------------------------------------------------------- pins


def test_a_destination_gives_what_the_book_says() -> None:
    found = pinned(policy(withdraw_destinations=BOOK), "kc", "market-maker", {"currency": None, "amount": "3"})
    assert found == {
        "currency": "XRP",
        "amount": "3",
        "to_address": XRP,
        "chain": "xrp",
        "memo": "104",
        "withdraw_type": "ADDRESS",
    }


@pytest.mark.parametrize("nothing", [None, ""], ids=repr)
def test_what_is_left_empty_does_not_contradict_the_book(nothing: Any) -> None:
    given = {"currency": nothing, "chain": nothing, "memo": nothing, "withdraw_type": nothing, "to_address": None}
    found = pinned(policy(withdraw_destinations=BOOK), "kc", "market-maker", given)
    assert (found["currency"], found["chain"], found["memo"]) == ("XRP", "xrp", "104")


def test_what_agrees_with_the_book_may_be_given_too() -> None:
    given = {"currency": "XRP", "chain": "xrp", "memo": "104", "withdraw_type": "ADDRESS"}
    assert pinned(policy(withdraw_destinations=BOOK), "kc", "market-maker", given)["to_address"] == XRP


def test_the_default_type_does_not_contradict_an_entry_of_another_type() -> None:
    found = pinned(policy(withdraw_destinations=BOOK), "kc", "partner", {"withdraw_type": "ADDRESS"})
    assert (found["withdraw_type"], found["to_address"]) == ("UID", "165111215")


@pytest.mark.parametrize(
    ("alias", "name", "asked"),
    [
        ("cold-wallet", "currency", "BTC"),
        ("cold-wallet", "currency", "usdt"),
        ("cold-wallet", "chain", "eth"),
        ("cold-wallet", "chain", "TRX"),
        ("cold-wallet", "memo", "7"),
        ("cold-wallet", "memo", 0),
        ("cold-wallet", "withdraw_type", "UID"),
        ("market-maker", "memo", "105"),
        ("market-maker", "memo", ["104"]),
        ("partner", "chain", "trx"),
        ("partner", "withdraw_type", "MAIL"),
    ],
)
def test_what_the_book_pins_cannot_be_overridden(alias: str, name: str, asked: Any) -> None:
    with pytest.raises(PolicyRefused, match=rf"{name}=.*: destination '{alias}' pins"):
        pinned(policy(withdraw_destinations=BOOK), "kc", alias, {name: asked})


@pytest.mark.parametrize(
    ("book", "known"),
    [(BOOK, "'cold-wallet', 'market-maker', 'partner'"), ({}, "it is empty"), (None, "it is empty")],
    ids=["book", "empty book", "no book"],
)
@pytest.mark.parametrize("alias", ["cold wallet", "COLD-WALLET", ""])
def test_an_alias_that_is_not_in_the_book_is_refused_with_those_that_are(book: Any, known: str, alias: str) -> None:
    with pytest.raises(
        PolicyRefused, match=re.escape(f"destination={alias!r} is not in the address book") + ".*" + known
    ):
        pinned(policy(withdraw_destinations=book), "kc", alias, {})


@pytest.mark.parametrize(("alias", "address"), [(None, None), ("cold-wallet", TRX)], ids=["neither", "both"])
def test_either_a_destination_or_an_address_is_given(alias: str | None, address: str | None) -> None:
    with pytest.raises(InvalidInput, match="give either destination"):
        pinned(policy(withdraw_destinations=BOOK), "kc", alias, {"to_address": address})


def test_an_address_is_taken_as_it_is_given() -> None:
    given = {"to_address": TRX, "currency": "USDT", "chain": "trx"}
    found = pinned(Policy(), "kc", None, given)
    assert found == given
    assert found is not given


# ------------------------------------------------------------------------------------------------------------ checks


def test_an_order_that_keeps_every_rule_passes() -> None:
    found = policy(withdraw_destinations=BOOK, withdraw_limits=LIMITS)
    check_static(found, "kc", to_trx(amount="5000"))
    check_day(found, "kc", to_trx(amount="5000"), Decimal(15000))


@pytest.mark.parametrize("alias", sorted(BOOK))
def test_every_entry_of_the_book_can_be_paid_by_its_alias(alias: str) -> None:
    found = policy(withdraw_destinations=BOOK)
    check_static(found, "kc", order(**pinned(found, "kc", alias, {"amount": "1"})))


@pytest.mark.parametrize(
    "change",
    [
        {"to_address": TRX.lower()},
        {"to_address": XRP},
        {"chain": "eth"},
        {"chain": "TRX"},
        {"memo": "1"},
        {"currency": "USDC"},
        {"currency": "XRP", "to_address": XRP, "chain": "xrp"},
        {"currency": "XRP", "to_address": XRP, "chain": "xrp", "memo": "105"},
        {"withdraw_type": "MAIL", "chain": None, "to_address": "165111215"},
    ],
    ids=str,
)
def test_nothing_outside_the_book_is_paid(change: dict[str, Any]) -> None:
    with pytest.raises(PolicyRefused, match="nothing outside it can be paid") as refused:
        check_static(policy(withdraw_destinations=BOOK), "kc", to_trx(**change))
    assert TRX not in str(refused.value)


def test_an_empty_book_lets_nothing_be_paid() -> None:
    with pytest.raises(PolicyRefused, match="not in the address book"):
        check_static(policy(withdraw_destinations={}), "kc", to_trx())


@pytest.mark.parametrize("limits", [{}, {"XRP": {"per_day": "1"}}, {"usdt": {"per_day": "1"}}], ids=str)
def test_where_there_are_limits_a_currency_without_one_is_not_paid(limits: dict[str, Any]) -> None:
    with pytest.raises(PolicyRefused, match="withdraw_limits, but none for USDT"):
        check_static(policy(withdraw_limits=limits), "kc", to_trx())


@pytest.mark.parametrize("amount", ["5000.00000001", "5001", "999999999999999999999999999999999"])
def test_a_withdrawal_above_the_limit_is_refused_with_the_number(amount: str) -> None:
    with pytest.raises(PolicyRefused, match=f"amount {amount} USDT is above per_withdrawal=5000 of connection 'kc'"):
        check_static(policy(withdraw_limits=LIMITS), "kc", to_trx(amount=amount))


@pytest.mark.parametrize(
    ("spent", "amount"), [("20000", "1"), ("19999", "1.00000001"), ("0", "20000.1"), ("25000", "1")]
)
def test_a_day_above_the_limit_is_refused_with_the_numbers(spent: str, amount: str) -> None:
    with pytest.raises(PolicyRefused, match=f"{spent} were withdrawn this UTC day, .* per_day=20000"):
        check_day(policy(withdraw_limits=LIMITS), "kc", to_trx(amount=amount), Decimal(spent))


@pytest.mark.parametrize(("spent", "amount"), [("19999", "1"), ("0", "20000"), ("19999.99999999", "0.00000001")])
def test_a_day_may_reach_its_limit(spent: str, amount: str) -> None:
    check_day(policy(withdraw_limits=LIMITS), "kc", to_trx(amount=amount), Decimal(spent))


def test_a_day_is_added_up_exactly_whatever_precision_the_process_has_set() -> None:
    found = policy(withdraw_limits={"USDT": {"per_day": "100000000000000000000000000000"}})
    with decimal.localcontext(decimal.Context(prec=5)), pytest.raises(PolicyRefused):
        check_day(found, "kc", to_trx(amount="0.000000000001"), Decimal(10) ** 29)


@pytest.mark.parametrize("limits", [None, {"USDT": {"per_withdrawal": "5000"}}], ids=["no limits", "no day"])
def test_without_a_limit_of_the_day_any_day_passes(limits: Any) -> None:
    check_day(policy(withdraw_limits=limits), "kc", to_trx(), Decimal(10) ** 30)


def test_without_a_limit_per_withdrawal_any_amount_passes() -> None:
    check_static(policy(withdraw_limits=LIMITS), "kc", to_trx(currency="XRP", amount="1000000"))


def test_a_policy_in_text_and_as_object_is_the_same() -> None:
    as_text = policy(withdraw_destinations=json.dumps(BOOK), withdraw_limits=json.dumps(LIMITS))
    assert as_text == policy(withdraw_destinations=BOOK, withdraw_limits=LIMITS)
