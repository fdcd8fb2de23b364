"""The look before paying: every rule's verdict, from what KuCoin's documentation shows its answers to be."""

from __future__ import annotations

import decimal
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.preflight import Preflight, find_chain, preflight, with_chain_id
from airflow_provider_kucoin.api.withdrawals import Order, order

SAMPLES = Path(__file__).parents[1] / "samples"
BTC: dict[str, Any] = json.loads((SAMPLES / "currency_btc.json").read_text())["data"]
QUOTAS: dict[str, Any] = json.loads((SAMPLES / "withdrawal_quotas.json").read_text())["data"]
RICH = {**QUOTAS, "availableAmount": "10"}
ADDRESS = "33xW37ZSW4tQvg443Pc7NLCAs167Yc2XUV"


def to_btc(**changes: Any) -> Order:
    return order(**{"currency": "BTC", "amount": "0.5", "to_address": ADDRESS, "chain": "btc", **changes})


def look(
    wanted: Order | None = None, *, chain: dict[str, Any] | None = None, quotas: dict[str, Any] | None = None
) -> Preflight:
    """Look at an order, with changes to the samples; ``...`` takes a field away."""
    chains = [changed(BTC["chains"][0], chain or {}), *BTC["chains"][1:]]
    return preflight(wanted or to_btc(), {**BTC, "chains": chains}, changed(RICH, quotas or {}))


def changed(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**fields, **changes}.items() if value is not ...}


def broken(found: Preflight) -> list[str]:
    return [verdict.rule for verdict in found.verdicts if not verdict.passed]


# ------------------------------------------------------------------------------------------------------------ chains


@pytest.mark.parametrize(
    ("named", "chain_id"),
    [
        ("btc", "btc"),
        ("BTC", "btc"),
        ("bech32", "bech32"),
        ("BTC-Segwit", "bech32"),
        ("btc-segwit", "bech32"),
        ("Lightning Network", "btcln"),
        ("KCC", "kcc"),
    ],
)
def test_a_chain_is_found_by_id_and_by_name(named: str, chain_id: str) -> None:
    assert with_chain_id(to_btc(chain=named), BTC).chain == chain_id


def test_an_id_comes_before_another_chains_name() -> None:
    currency = {"chains": [{"chainId": "one", "chainName": "TWO"}, {"chainId": "two", "chainName": "ONE"}]}
    assert with_chain_id(to_btc(chain="TWO"), currency).chain == "two"


@pytest.mark.parametrize(
    ("currency", "known"),
    [
        (BTC, r"btc \(BTC\), btcln"),
        ({"chains": []}, "it has none"),
        ({"chains": None}, "it has none"),
        ({}, "it has none"),
    ],
    ids=["other chains", "empty", "null", "absent"],
)
def test_a_chain_that_the_currency_does_not_have_is_refused(currency: dict[str, Any], known: str) -> None:
    with pytest.raises(InvalidInput, match=f"chain='eth' is not a chain of BTC: {known}"):
        with_chain_id(to_btc(chain="eth"), currency)


def test_within_kucoin_no_chain_is_looked_for() -> None:
    wanted = to_btc(withdraw_type="UID", chain=None)
    assert with_chain_id(wanted, {}) is wanted
    assert find_chain(wanted, BTC) is None


# ------------------------------------------------------------------------------------------------------ documented


def test_kucoins_own_samples_are_short_of_balance_only() -> None:
    found = preflight(to_btc(), BTC, QUOTAS)
    assert broken(found) == ["balance"]
    with pytest.raises(InvalidInput, match=r"balance: 0\.5005 of 0 BTC available in the funding \(main\) account"):
        found.check()


def test_an_answer_about_another_chain_than_asked_for_is_no_answer() -> None:
    # As KuCoin's own sample: asked for one chain, it answered about BTC.
    found = look(to_btc(chain="kcc"))
    assert broken(found) == ["chain"]
    assert "asked for 'kcc' (KCC), KuCoin answered about 'BTC'" in str(found.verdicts)


@pytest.mark.parametrize("answered", ["BTC", "btc", "Btc"])
def test_the_answer_may_name_the_chain_by_name_or_id(answered: str) -> None:
    assert broken(look(quotas={"chain": answered})) == []


def test_an_order_that_keeps_all_rules_passes_with_all_numbers() -> None:
    found = look()
    found.check()
    assert (found.fee, found.net, found.debit) == (Decimal("0.0005"), Decimal("0.5"), Decimal("0.5005"))
    assert [verdict.rule for verdict in found.verdicts] == [
        *("enabled", "chain", "precision", "minimum", "quota", "balance", "memo")
    ]
    assert found.verdicts[3].as_dict() == {"rule": "minimum", "passed": True, "detail": "0.5 of at least 0.001"}


def test_all_broken_rules_are_named_at_once_with_their_numbers() -> None:
    found = look(to_btc(amount="0.000000001"), quotas={"isWithdrawEnabled": False, "reason": "maintenance"})
    assert broken(found) == ["enabled", "precision", "minimum"]
    with pytest.raises(InvalidInput) as refused:
        found.check()
    assert str(refused.value) == (
        "not withdrawn, 0.000000001 BTC to 33xW3...c2XUV on btc, fee EXTERNAL: "
        "enabled: withdrawing BTC on btc is closed at KuCoin (maintenance); "
        "precision: 0.000000001 has 9 decimals, 8 are taken; it is not rounded; "
        "minimum: 0.000000001 of at least 0.001. Nothing was sent"
    )


# ------------------------------------------------------------------------------------------------- each of the rules


@pytest.mark.parametrize("closed", [False, None, "true", 1, ...], ids=repr)
def test_withdrawing_must_be_open(closed: Any) -> None:
    assert broken(look(quotas={"isWithdrawEnabled": closed})) == ["enabled"]


@pytest.mark.parametrize("closed", [False, None, "true"], ids=repr)
def test_a_chain_that_is_closed_in_the_currencys_description_is_closed(closed: Any) -> None:
    assert broken(look(chain={"isWithdrawEnabled": closed})) == ["enabled"]


@pytest.mark.parametrize("answered", [None, "", ..., "kcc", "BTC-Segwit"], ids=repr)
def test_an_answer_that_does_not_name_the_chain_is_refused(answered: Any) -> None:
    assert broken(look(quotas={"chain": answered})) == ["chain"]


@pytest.mark.parametrize("name", [None, "", ...], ids=repr)
def test_a_chain_without_a_name_does_not_match_an_answer_without_one(name: Any) -> None:
    assert broken(look(chain={"chainName": name}, quotas={"chain": ""})) == ["chain"]


def test_a_chain_that_vanished_from_the_currency_is_refused() -> None:
    found = preflight(to_btc(chain="eth"), BTC, {**RICH, "chain": ""})
    assert {"chain", "memo"} <= set(broken(found))


@pytest.mark.parametrize(
    ("amount", "passes"),
    [
        ("0.12345678", True),
        ("0.123456789", False),
        ("0.1234567800000000000000", True),
        ("1.0000000000000", True),
        ("9.00000001", True),
        ("1.00000000000000000000000000000000000001", False),
    ],
)
def test_decimals_are_counted_without_zeros_at_the_end_and_never_rounded(amount: str, *, passes: bool) -> None:
    assert broken(look(to_btc(amount=amount))) == ([] if passes else ["precision"])


def test_a_currency_without_decimals_takes_whole_amounts_only() -> None:
    assert broken(look(to_btc(amount="2"), quotas={"precision": 0})) == []
    assert broken(look(to_btc(amount="2.00"), quotas={"precision": 0})) == []
    assert broken(look(to_btc(amount="2.5"), quotas={"precision": 0})) == ["precision"]


@pytest.mark.parametrize(("quotas", "chain"), [(3, 8), (8, 3), (3, None), (None, 3), (3, "8"), ("8", 3)], ids=str)
def test_the_stricter_of_two_precisions_counts(quotas: Any, chain: Any) -> None:
    changes: dict[str, Any] = {"quotas": {"precision": quotas}, "chain": {"withdrawPrecision": chain}}
    assert broken(look(to_btc(amount="0.123"), **changes)) == []
    assert broken(look(to_btc(amount="0.1234"), **changes)) == ["precision"]


@pytest.mark.parametrize("unknown", [None, ..., "8", True, 8.0], ids=repr)
def test_an_unknown_precision_is_a_refusal(unknown: Any) -> None:
    assert broken(look(quotas={"precision": unknown}, chain={"withdrawPrecision": unknown})) == ["precision"]


@pytest.mark.parametrize(("quotas", "chain"), [("0.5", "0.1"), ("0.1", "0.5"), (None, "0.5"), ("0.5", ...)], ids=str)
def test_the_larger_of_two_minimums_counts(quotas: Any, chain: Any) -> None:
    changes: dict[str, Any] = {"quotas": {"withdrawMinSize": quotas}, "chain": {"withdrawalMinSize": chain}}
    assert broken(look(to_btc(amount="0.5"), **changes)) == []
    assert broken(look(to_btc(amount="0.49999999"), **changes)) == ["minimum"]


@pytest.mark.parametrize("unknown", [None, ..., "", "x"], ids=repr)
def test_an_unknown_minimum_is_a_refusal(unknown: Any) -> None:
    changes: dict[str, Any] = {"quotas": {"withdrawMinSize": unknown}, "chain": {"withdrawalMinSize": unknown}}
    assert broken(look(**changes)) == ["minimum"]


@pytest.mark.parametrize(("left", "passes"), [("0.5", True), ("0.50000000", True), ("0.49999999", False), ("0", False)])
def test_the_amount_must_be_within_what_is_left_of_the_quota(left: str, *, passes: bool) -> None:
    assert broken(look(quotas={"remainAmount": left})) == ([] if passes else ["quota"])


@pytest.mark.parametrize("unknown", [None, ..., "", "x", "NaN"], ids=repr)
@pytest.mark.parametrize(("field", "rule"), [("remainAmount", "quota"), ("availableAmount", "balance")])
def test_an_unknown_quota_or_balance_is_a_refusal(field: str, rule: str, unknown: Any) -> None:
    assert broken(look(quotas={field: unknown})) == [rule]


@pytest.mark.parametrize(
    ("fee_deduct_type", "available", "passes"),
    [
        ("EXTERNAL", "0.5005", True),
        ("EXTERNAL", "0.50049999", False),
        ("EXTERNAL", "0.5", False),
        ("INTERNAL", "0.5", True),
        ("INTERNAL", "0.49999999", False),
    ],
)
def test_the_balance_must_cover_what_leaves(fee_deduct_type: str, available: str, *, passes: bool) -> None:
    found = look(to_btc(fee_deduct_type=fee_deduct_type), quotas={"availableAmount": available})
    assert broken(found) == ([] if passes else ["balance"])


def test_balances_are_compared_exactly_whatever_precision_the_process_has_set() -> None:
    amount = "123456789012345678901234567890.5"
    wanted = to_btc(amount=amount)
    with decimal.localcontext(decimal.Context(prec=6)):
        found = look(wanted, quotas={"availableAmount": amount, "remainAmount": amount})
        assert found.debit == Decimal("123456789012345678901234567890.5005")
        assert look(to_btc(amount=amount, fee_deduct_type="INTERNAL")).net == Decimal(
            "123456789012345678901234567890.4995"
        )
    assert broken(found) == ["balance"]


# -------------------------------------------------------------------------------------------------------------- fees


@pytest.mark.parametrize(
    ("quotas", "chain", "rate", "fee"),
    [
        ("0.0005", "0.0005", "0", "0.0005"),
        ("0.0005", "0.0007", "0", "0.0007"),
        ("0.0007", "0.0005", None, "0.0007"),
        (None, "0.0005", ..., "0.0005"),
        ("0.0005", ..., "x", "0.0005"),
        ("0.0005", "0.0005", "0.01", "0.005"),
        ("0.0005", "0.0005", "0.0001", "0.0005"),
    ],
    ids=str,
)
def test_the_larger_of_the_fees_that_kucoin_gives_is_reckoned_with(
    quotas: Any, chain: Any, rate: Any, fee: str
) -> None:
    found = look(quotas={"withdrawMinFee": quotas}, chain={"withdrawalMinFee": chain, "withdrawFeeRate": rate})
    assert found.fee == Decimal(fee)
    assert broken(found) == []


@pytest.mark.parametrize("unknown", [None, ..., "x"], ids=repr)
def test_an_unknown_fee_is_a_refusal(unknown: Any) -> None:
    found = look(quotas={"withdrawMinFee": unknown}, chain={"withdrawalMinFee": unknown})
    assert broken(found) == ["fee"]


def test_an_internal_fee_comes_out_of_the_amount() -> None:
    found = look(to_btc(fee_deduct_type="INTERNAL"))
    assert (found.net, found.debit) == (Decimal("0.4995"), Decimal("0.5"))
    assert found.verdicts[-1].detail == "0.4995 BTC would arrive after a fee of 0.0005"


@pytest.mark.parametrize(("fee", "passes"), [("0.49999999", True), ("0.5", False), ("0.6", False)])
def test_an_internal_fee_must_leave_something(fee: str, *, passes: bool) -> None:
    found = look(to_btc(fee_deduct_type="INTERNAL"), quotas={"withdrawMinFee": fee})
    assert broken(found) == ([] if passes else ["net"])


# ------------------------------------------------------------------------------------------------------------- memos


@pytest.mark.parametrize(
    ("needed", "memo", "passes"),
    [
        (True, "104", True),
        (True, None, False),
        (False, None, True),
        (False, "104", False),
        (None, None, False),
        (..., None, False),
        (..., "104", False),
        ("true", "104", False),
    ],
    ids=str,
)
def test_a_memo_is_given_where_it_is_needed_and_only_there(needed: Any, memo: str | None, *, passes: bool) -> None:
    assert broken(look(to_btc(memo=memo), chain={"needTag": needed})) == ([] if passes else ["memo"])


# ----------------------------------------------------------------------------------------------------- within KuCoin


def test_within_kucoin_the_inner_fee_counts_and_no_chain() -> None:
    wanted = to_btc(withdraw_type="UID", to_address="165111215", chain=None)
    found = look(wanted, quotas={"innerWithdrawMinFee": "0.1", "chain": ""})
    assert found.fee == Decimal("0.1")
    assert broken(found) == []
    assert found.verdicts[1].detail == "within KuCoin"
    assert found.verdicts[0].detail == "withdrawing BTC is open at KuCoin"


def test_an_inner_payment_to_an_address_has_the_inner_fee_and_the_rules_of_its_chain() -> None:
    found = look(to_btc(is_inner=True, memo="1"))
    assert found.fee == 0
    assert broken(found) == ["memo"]


def test_an_unknown_inner_fee_is_a_refusal() -> None:
    assert broken(look(to_btc(is_inner=True), quotas={"innerWithdrawMinFee": ...})) == ["fee"]
