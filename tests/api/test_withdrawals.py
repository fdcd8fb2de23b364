"""Withdrawals as facts: amounts, orders, bodies, markers, and how a withdrawal is found again."""

from __future__ import annotations

import decimal
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import InvalidInput, UnexpectedData
from airflow_provider_kucoin.api.withdrawals import (
    MARKER_LENGTH,
    SHORTEST_CUT,
    Order,
    Outcome,
    bears,
    differences,
    failure_reason,
    full_remark,
    is_marker,
    looks_alike,
    marker,
    number,
    order,
    outcome,
    parse_amount,
    plain,
    same_amount,
    short_address,
    spent,
    wallet_tx_id,
)

SAMPLES = Path(__file__).parents[1] / "samples"
ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
MARK = marker("run", "treasury", "pay", "2026-02-03", -1)
SINCE_MS = 1_770_076_800_500


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def to_trx(**changes: Any) -> Order:
    return order(**{"currency": "USDT", "amount": "3", "to_address": ADDRESS, "chain": "trx", **changes})


def row(**changes: Any) -> dict[str, Any]:
    shown = {
        "currency": "USDT",
        "chain": "trx",
        "address": ADDRESS,
        "memo": "",
        "amount": "3.00000000",
        "fee": "1.00000000",
        "status": "PROCESSING",
        "remark": "",
        "createdAt": SINCE_MS // 1000 * 1000,
    }
    return {name: value for name, value in {**shown, **changes}.items() if value is not ...}


# ----------------------------------------------------------------------------------------------------------- amounts


@pytest.mark.parametrize(
    ("amount", "value"),
    [
        ("10.5", "10.5"),
        ("3", "3"),
        ("007", "7"),
        (" 1", "1"),
        ("1\n", "1"),
        ("0.00000001", "0.00000001"),
        ("1.50", "1.50"),
        (3, "3"),
        (10**40, "1" + "0" * 40),
        (Decimal("10.5"), "10.5"),
        (Decimal("0.0000001"), "0.0000001"),
        (Decimal("1E+2"), "100"),
        ("123456789012345678901234567890.123456789012345678", "123456789012345678901234567890.123456789012345678"),
    ],
    ids=repr,
)
def test_an_amount_is_kept_to_the_last_digit(amount: object, value: str) -> None:
    assert plain(parse_amount(amount)) == value


@pytest.mark.parametrize("amount", [1.0, 0.1, float("nan"), float("inf"), True, False, None, b"1", ["1"]], ids=repr)
def test_an_amount_of_another_type_is_a_type_error(amount: object) -> None:
    with pytest.raises(TypeError, match="give decimal text such as"):
        parse_amount(amount)


@pytest.mark.parametrize(
    "amount",
    [
        *("", " ", "-1", "+1", "1e3", "1E-8", "1_0", "1,000", "1.", ".5", "1.2.3", "0x10", "NaN", "nan", "inf"),
        *("Infinity", "sNaN", "one", "1 000", "\u0661", "\uff11", "1\u00a0000", "$1", "1/2", "--1", "None"),
        *(-1, Decimal(-1), Decimal("-0"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")),
    ],
    ids=repr,
)
def test_an_amount_that_is_no_plain_positive_number_is_refused(amount: object) -> None:
    with pytest.raises(InvalidInput, match="is not a plain positive number"):
        parse_amount(amount)


@pytest.mark.parametrize("amount", ["0", "0.00", 0, Decimal(0), Decimal("0E-8"), "000"], ids=repr)
def test_nothing_is_not_an_amount(amount: object) -> None:
    with pytest.raises(InvalidInput, match="amount is zero"):
        parse_amount(amount)


@given(st.decimals(min_value=Decimal("1E-30"), max_value=Decimal("1E30"), allow_nan=False))
def test_every_positive_decimal_goes_out_as_it_came_in(amount: Decimal) -> None:
    assert Decimal(plain(parse_amount(amount))) == amount
    assert "E" not in plain(parse_amount(amount))


# ------------------------------------------------------------------------------------------------------------- orders


def test_the_body_of_v3_names_every_field() -> None:
    assert to_trx(amount="3.10").body("af-x") == {
        "currency": "USDT",
        "toAddress": ADDRESS,
        "withdrawType": "ADDRESS",
        "amount": "3.10",
        "chain": "trx",
        "isInner": False,
        "remark": "af-x",
        "feeDeductType": "EXTERNAL",
    }


def test_the_body_of_v1_has_its_own_names_and_a_whole_number() -> None:
    body = to_trx(api_version="v1", amount="3.0", memo="7", is_inner=True, fee_deduct_type="INTERNAL").body("af-x")
    assert body == {
        "currency": "USDT",
        "address": ADDRESS,
        "amount": 3,
        "chain": "trx",
        "memo": "7",
        "isInner": True,
        "remark": "af-x",
        "feeDeductType": "INTERNAL",
    }
    assert type(body["amount"]) is int


@pytest.mark.parametrize("kind", ["UID", "MAIL", "PHONE"])
def test_what_stays_within_kucoin_has_neither_chain_nor_memo(kind: str) -> None:
    body = order(currency="USDT", amount=3, to_address="165111215", withdraw_type=kind).body("m")
    assert body["withdrawType"] == kind
    assert not {"chain", "memo"} & body.keys()


@pytest.mark.parametrize("version", ["v3", "v1"])
@pytest.mark.parametrize("memo", [None, ""], ids=repr)
def test_a_memo_that_is_not_there_is_left_out(version: str, memo: str | None) -> None:
    assert "memo" not in to_trx(api_version=version, memo=memo).body("m")


@pytest.mark.parametrize(
    ("request_name", "version"), [("POST /api/v3/withdrawals", "v3"), ("POST /api/v1/withdrawals", "v1")]
)
def test_every_documented_field_is_sent_under_the_documented_name(request_name: str, version: str) -> None:
    documented = sample("money_requests.json")[request_name]
    body = to_trx(api_version=version, is_inner=True).body("this is Remark")
    address = {name: ADDRESS for name in ("toAddress", "address") if name in documented}
    assert {name: body[name] for name in documented} == {**documented, **address}
    assert body.keys() - documented.keys() <= {"remark", "feeDeductType"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"withdraw_type": "address"}, "withdraw_type='address' is not one of 'ADDRESS', 'UID'"),
        ({"withdraw_type": None}, "withdraw_type=None"),
        ({"fee_deduct_type": ""}, "fee_deduct_type='' is not one of"),
        ({"fee_deduct_type": "internal"}, "fee_deduct_type='internal'"),
        ({"api_version": "v2"}, "api_version='v2'"),
        ({"currency": ""}, "currency=''"),
        ({"currency": " USDT"}, "currency=' USDT'"),
        ({"currency": None}, "currency=None"),
        ({"to_address": ""}, "to_address=''"),
        ({"to_address": ADDRESS + "\n"}, "to_address="),
        ({"to_address": 165111215}, "to_address=165111215"),
        ({"to_address": None}, "to_address=None"),
        ({"chain": None}, "chain is missing"),
        ({"chain": ""}, "chain is missing"),
        ({"chain": " trx"}, "chain=' trx'"),
        ({"chain": 5}, "chain=5"),
        ({"memo": "12 "}, "memo='12 '"),
        ({"memo": 12345}, "memo=12345"),
        ({"memo": 0}, "memo=0"),
        ({"is_inner": "false"}, "is_inner='false'"),
        ({"is_inner": None}, "is_inner=None"),
        ({"withdraw_type": "UID"}, "chain and memo do not apply"),
        ({"withdraw_type": "MAIL", "chain": None, "memo": "1"}, "chain and memo do not apply"),
        ({"withdraw_type": "UID", "chain": None, "api_version": "v1"}, "knows addresses only"),
        ({"amount": "3.5", "api_version": "v1"}, "takes a whole number only"),
        ({"amount": str(2**63), "api_version": "v1"}, "takes a whole number only"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value),
)
def test_an_order_that_breaks_a_rule_is_refused_with_the_rule(change: dict[str, Any], rule: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(rule)):
        to_trx(**change)


def test_v1_carries_the_largest_whole_number_that_it_can() -> None:
    assert to_trx(amount=2**63 - 1, api_version="v1").body("m")["amount"] == 2**63 - 1


def test_a_float_amount_is_a_type_error_before_anything_else_is_made_of_it() -> None:
    with pytest.raises(TypeError):
        to_trx(amount=3.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "3 USDT to TKFRQ...ggwX8 on trx, fee EXTERNAL"),
        ({"memo": "42"}, "3 USDT to TKFRQ...ggwX8 memo 42 on trx, fee EXTERNAL"),
        (
            {"withdraw_type": "UID", "chain": None, "to_address": "165111215", "fee_deduct_type": "INTERNAL"},
            "3 USDT to 165111215 by UID, fee INTERNAL",
        ),
    ],
    ids=["address", "memo", "uid"],
)
def test_an_order_in_words_shortens_the_address(change: dict[str, Any], words: str) -> None:
    assert to_trx(**change).summary() == words


@pytest.mark.parametrize(
    ("address", "short"), [("123456789012", "123456789012"), ("1234567890123", "12345...90123"), ("", "")]
)
def test_only_a_long_address_is_shortened(address: str, short: str) -> None:
    assert short_address(address) == short


# ------------------------------------------------------------------------------------------------------------ markers


@given(st.lists(st.text() | st.integers()))
def test_a_marker_is_fourteen_letters_and_digits_that_prove_themselves(scope: list[str | int]) -> None:
    found = marker(*scope)
    assert re.fullmatch(r"af[a-z2-7]{12}", found)
    assert len(found) == MARKER_LENGTH
    assert marker(*scope) == found
    assert is_marker(found)


def test_a_marker_is_the_same_for_ever() -> None:
    # Another value would pay again what an earlier version of this code has paid.
    assert marker("run", "dag", "task", "manual__2026-01-01", -1) == "afhtrwyyrxsx4k"


SCOPES = [(), ("",), ("", ""), ("a",), ("a", "b"), ("ab",), ("a,b",), ('a", "b',), ("a", 1), ("a", "1"), ("a", -1)]


def test_different_scopes_have_different_markers() -> None:
    assert len({marker(*scope) for scope in SCOPES}) == len(SCOPES)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567", min_size=12, max_size=12))
def test_a_text_that_only_looks_like_a_marker_is_none(text: str) -> None:
    proof = marker_of(text[:10])
    assert is_marker("af" + text) is (text[10:] == proof)


def marker_of(body: str) -> str:
    """Return the two letters that prove a marker's body, by a second reading."""
    import base64
    import hashlib

    return base64.b32encode(hashlib.sha256(body.encode()).digest())[:2].decode().lower()


@pytest.mark.parametrize("remark", [MARK, MARK + "-note", MARK.upper(), MARK + "x"], ids=repr)
def test_a_remark_that_begins_with_a_marker_is_recognised(remark: str) -> None:
    assert is_marker(remark)
    assert bears(remark, MARK)


@pytest.mark.parametrize("remark", ["", "note", " " + MARK, MARK[:13], "x" + MARK], ids=repr)
def test_a_remark_that_does_not_begin_with_a_whole_marker_is_none(remark: str) -> None:
    assert not is_marker(remark)


@pytest.mark.parametrize("length", range(len(MARK) + 5))
def test_a_remark_that_was_cut_counts_from_eight_characters_on(length: int) -> None:
    assert bears(f"{MARK}-note"[:length], MARK) is (length >= SHORTEST_CUT)


@pytest.mark.parametrize(
    "remark", [None, "", "note", marker("other"), marker("other")[:10], " " + MARK, f"x{MARK}", 0, False], ids=repr
)
def test_a_remark_that_is_lost_or_of_another_proves_nothing(remark: object) -> None:
    assert not bears(remark, MARK)


@pytest.mark.parametrize(
    ("remark", "limit", "whole"),
    [
        ("", 14, MARK),
        ("", 20, MARK),
        ("note5", 20, f"{MARK}-note5"),
        ("a_B-9", 20, f"{MARK}-a_B-9"),
        ("x" * 85, 100, f"{MARK}-{'x' * 85}"),
    ],
    ids=repr,
)
def test_a_remark_goes_behind_the_marker(remark: str, limit: int, whole: str) -> None:
    assert full_remark(MARK, remark, limit) == whole


@pytest.mark.parametrize(
    ("remark", "limit", "rule"),
    [
        ("note56", 20, "is of 6 characters, 5 fit beside the marker"),
        ("n", 14, "is of 1 characters, 0 fit"),
        ("n", 15, "is of 1 characters, 0 fit"),
        ("", 13, "remark_limit=13: the marker alone takes 14"),
        ("", -1, "remark_limit=-1"),
        ("a b", 20, "letters, digits, '_' and '-' only"),
        ("\u00e9", 20, "letters, digits"),
        ("a\n", 20, "letters, digits"),
    ],
    ids=repr,
)
def test_a_remark_that_does_not_fit_is_refused_and_not_cut(remark: str, limit: int, rule: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(rule)):
        full_remark(MARK, remark, limit)


# -------------------------------------------------------------------------------------------------- finding it again


def test_kucoins_sample_of_a_withdrawal_is_the_one_of_its_sample_request() -> None:
    # The sample is of a memo-less USDT withdrawal of 3 by TRC20; list rows give the chain's id, this one id and name.
    found = sample("withdrawal.json")["data"]
    for chain in ("trx", "TRC20", "TRX"):
        assert differences(to_trx(to_address=found["address"], chain=chain, is_inner=True), found) == []


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"currency": "USDC"}, "currency 'USDC' instead of 'USDT'"),
        ({"currency": ...}, "currency None instead of 'USDT'"),
        ({"amount": "3.00000001"}, "amount '3.00000001' instead of '3'"),
        ({"amount": "4", "fee": "1"}, "amount '4' instead of '3'"),
        ({"amount": "2", "fee": "1"}, "amount '2' instead of '3'"),
        ({"amount": None}, "amount None instead of '3'"),
        ({"address": "TXotheraddressxxxxx"}, "address 'TXoth...xxxxx' instead of 'TKFRQ...ggwX8'"),
        ({"address": None}, "address 'None' instead of"),
        ({"memo": "7"}, "memo '7' instead of None"),
        ({"chain": "eth"}, "chain 'eth' instead of 'trx'"),
        ({"chain": "eth", "chainName": "ERC20"}, "chain 'erc20/eth' instead of 'trx'"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value),
)
def test_a_withdrawal_that_differs_says_in_what(change: dict[str, Any], difference: str) -> None:
    (found,) = differences(to_trx(), row(**change))
    assert found.startswith(difference)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "3"},
        {"memo": None},
        {"memo": ...},
        {"chain": ""},
        {"chain": ...},
        {"chain": "TRX"},
        {"chainId": "trx", "chainName": "TRC20", "chain": ...},
        {"address": "TKFRQXSDcY****GmLrjJggwX8"},
        {"status": "NEW"},
    ],
    ids=str,
)
def test_what_kucoin_may_write_in_another_way_is_no_difference(change: dict[str, Any]) -> None:
    assert differences(to_trx(), row(**change)) == []


def test_a_chain_is_not_compared_where_the_order_has_none() -> None:
    wanted = order(currency="USDT", amount=3, to_address="165111215", withdraw_type="UID")
    assert differences(wanted, row(address="165111215")) == []


def test_an_address_in_hexadecimal_digits_is_the_same_in_any_case() -> None:
    wanted = to_trx(to_address="0xFa93C12cd345c658bc4644D1D4E1B9615952258c", chain="eth")
    assert differences(wanted, row(chain="eth", address=wanted.address.lower())) == []


@pytest.mark.parametrize(
    ("amount", "fee", "is_same"),
    [
        ("10", "1", True),
        ("9", "1", True),
        ("11", "1", False),
        ("9", None, False),
        ("10", None, True),
        ("9.99999999", "0.00000001", True),
        ("x", "1", False),
        ("NaN", "1", False),
    ],
)
def test_with_an_internal_fee_the_history_may_show_the_amount_with_it_or_without(
    amount: str, fee: str | None, *, is_same: bool
) -> None:
    assert same_amount(to_trx(amount="10", fee_deduct_type="INTERNAL"), row(amount=amount, fee=fee)) is is_same


def test_amounts_are_added_exactly_whatever_precision_the_process_has_set() -> None:
    wanted = to_trx(amount="123456789012345678901234567890.123456789012345678", fee_deduct_type="INTERNAL")
    shown = row(amount="123456789012345678901234567890.023456789012345678", fee="0.1")
    with decimal.localcontext(decimal.Context(prec=3)):
        assert same_amount(wanted, shown)
        assert spent([shown, shown], "USDT") == Decimal("246913578024691357802469135780.046913578024691356")


SECOND = SINCE_MS // 1000 * 1000


@pytest.mark.parametrize(
    ("change", "alike"),
    [
        ({}, True),
        ({"remark": None}, True),
        ({"remark": ...}, True),
        ({"remark": "somebody's own words"}, True),
        ({"remark": MARK[:7]}, True),
        ({"remark": marker("other")[:13]}, True),
        ({"remark": marker("other")}, False),
        ({"remark": marker("other").upper()}, False),
        ({"remark": marker("other") + "-note"}, False),
        ({"createdAt": SECOND}, True),
        ({"createdAt": SECOND - 1}, False),
        ({"createdAt": SECOND - 1000}, False),
        ({"createdAt": SECOND + 10**9}, True),
        ({"createdAt": ...}, True),
        ({"createdAt": None}, True),
        ({"createdAt": "1"}, True),
        ({"currency": "BTC"}, False),
        ({"address": "TXother"}, False),
        ({"address": ""}, False),
        ({"address": "TKFRQ****"}, True),
        ({"amount": "3.1"}, False),
        ({"memo": "7"}, True),
        ({"chain": "eth"}, True),
        ({"status": "FAILURE"}, True),
    ],
    ids=str,
)
def test_a_look_alike_is_what_could_be_ours_with_its_remark_lost(change: dict[str, Any], *, alike: bool) -> None:
    assert looks_alike(to_trx(), row(**change), SINCE_MS) is alike


@pytest.mark.parametrize("kind", ["UID", "MAIL", "PHONE"])
def test_within_kucoin_any_address_may_be_what_the_history_shows(kind: str) -> None:
    wanted = order(currency="USDT", amount="3", to_address="someone@example.org", withdraw_type=kind)
    assert looks_alike(wanted, row(chain="", address="som*****@example.org"), SINCE_MS)
    assert looks_alike(wanted, row(chain="", address="165111215"), SINCE_MS)


def test_an_internal_fee_makes_a_look_alike_of_the_net_amount_too() -> None:
    assert looks_alike(to_trx(amount="4", fee_deduct_type="INTERNAL"), row(amount="3", fee="1"), SINCE_MS)


# ----------------------------------------------------------------------------------------------------- what rows say


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("REVIEW", Outcome.PENDING),
        ("PROCESSING", Outcome.PENDING),
        ("WALLET_PROCESSING", Outcome.PENDING),
        ("SUCCESS", Outcome.SUCCEEDED),
        ("FAILURE", Outcome.FAILED),
        ("success", Outcome.PENDING),
        ("CANCELLED", Outcome.PENDING),
        (None, Outcome.PENDING),
    ],
)
def test_only_success_and_failure_are_final(status: object, meaning: Outcome) -> None:
    assert outcome(status) is meaning


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "KuCoin gave no reason"),
        ({"failureReason": "", "failureReasonMsg": None}, "KuCoin gave no reason"),
        ({"failureReason": "E7", "failureReasonMsg": "address rejected"}, "E7: address rejected"),
        ({"reason": "wallet closed"}, "wallet closed"),
        ({"failureReason": "E7", "returnStatus": "NOT_RETURN"}, "E7 (returned: NOT_RETURN)"),
        (
            {"failureReason": "E7", "returnStatus": "SUCCESS", "returnAmount": "3", "returnCurrency": "USDT"},
            "E7 (returned: SUCCESS, 3 USDT)",
        ),
    ],
    ids=["none", "empty", "both", "reason", "not returned", "returned"],
)
def test_a_failure_is_told_in_kucoins_words(fields: dict[str, Any], words: str) -> None:
    assert failure_reason(fields) == words


def test_what_was_spent_is_all_of_the_currency_but_what_failed() -> None:
    rows = [
        row(amount="1.5"),
        row(amount="2", status="SUCCESS"),
        row(amount="4", status="FAILURE"),
        row(amount="8", currency="BTC"),
        row(amount="16", status="SOMETHING_NEW"),
    ]
    assert spent(rows, "USDT") == Decimal("19.5")
    assert spent([], "USDT") == 0


@pytest.mark.parametrize("amount", [None, "", "x", "NaN", ...], ids=repr)
def test_a_sum_with_an_unreadable_amount_is_not_guessed(amount: Any) -> None:
    with pytest.raises(UnexpectedData, match="history holds a withdrawal of"):
        spent([row(amount=amount)], "USDT")


@pytest.mark.parametrize(
    ("given_id", "clean"),
    [
        ("0xabc", "0xabc"),
        ("0xabc@default@0", "0xabc"),
        ("abc@TXaddress", "abc"),
        ("", None),
        (None, None),
        ("@0", None),
    ],
)
def test_a_transaction_id_is_freed_of_what_kucoin_appends(given_id: str | None, clean: str | None) -> None:
    assert wallet_tx_id({"walletTxId": given_id}) == clean


def test_a_withdrawal_without_the_field_has_no_transaction_id() -> None:
    assert wallet_tx_id({}) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("1.50", Decimal("1.50")),
        (3, Decimal(3)),
        ("", None),
        (None, None),
        ("NaN", None),
        ("Infinity", None),
        ([], None),
    ],
    ids=repr,
)
def test_a_number_of_kucoins_is_a_decimal_or_nothing(value: object, found: Decimal | None) -> None:
    assert number(value) == found
