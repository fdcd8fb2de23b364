"""Deposits: what a status means, and which deposit it is that somebody waits for."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kucoin.api.deposits import STATUSES, Expected, expected, judge, outcome
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.withdrawals import Outcome

SAMPLES = Path(__file__).parents[1] / "samples"
SINCE_MS = 1_770_076_800_700


def row(**changes: Any) -> dict[str, Any]:
    shown = {
        "currency": "USDT",
        "status": "SUCCESS",
        "address": "TSv3L1fS7X4nLP6rqNxYz",
        "amount": "6.00000000",
        "walletTxId": "0xabc@default@0",
        "createdAt": SINCE_MS,
    }
    return {name: value for name, value in {**shown, **changes}.items() if value is not ...}


def waited_for(**changes: Any) -> Expected:
    return expected(**{"currency": "USDT", "since_ms": SINCE_MS, **changes})


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("PROCESSING", Outcome.PENDING),
        ("PRE_SUCCESS", Outcome.PENDING),
        ("WAIT_TRM_MGT", Outcome.PENDING),
        ("WAIT_RISK_MGT", Outcome.PENDING),
        ("ROLLBACKING", Outcome.PENDING),
        ("SUCCESS", Outcome.SUCCEEDED),
        ("FAILURE", Outcome.FAILED),
        ("ROLLBACK", Outcome.FAILED),
        ("TRM_MGT_REJECTED", Outcome.FAILED),
        ("RISK_MGT_REJECTED", Outcome.FAILED),
        ("SOMETHING_NEW", Outcome.PENDING),
        ("success", Outcome.PENDING),
        (None, Outcome.PENDING),
    ],
)
def test_a_deposit_has_arrived_only_when_it_cannot_be_rolled_back(status: object, meaning: Outcome) -> None:
    assert outcome(status) is meaning


def test_the_table_above_names_every_status() -> None:
    assert len(STATUSES) == 10


@pytest.mark.parametrize(
    ("wanted", "change", "matches"),
    [
        ({}, {}, True),
        ({}, {"currency": "USDC"}, False),
        ({}, {"createdAt": SINCE_MS // 1000 * 1000}, True),
        ({}, {"createdAt": SINCE_MS // 1000 * 1000 - 1}, False),
        ({}, {"createdAt": str(SINCE_MS)}, True),
        ({}, {"createdAt": None}, False),
        ({}, {"createdAt": ...}, False),
        ({}, {"amount": None}, False),
        ({}, {"amount": "x"}, False),
        ({"min_amount": "6"}, {}, True),
        ({"min_amount": "6.00000001"}, {}, False),
        ({"min_amount": 5}, {}, True),
        ({"tx_id": "0xabc"}, {}, True),
        ({"tx_id": "0xabc@default@0"}, {"walletTxId": "0xabc"}, True),
        ({"tx_id": "0xab"}, {}, False),
        ({"tx_id": "0xabc"}, {"walletTxId": None}, False),
        ({"address": "TSv3L1fS7X4nLP6rqNxYz"}, {}, True),
        ({"address": "Tother"}, {}, False),
        ({"tx_id": "", "address": "", "min_amount": ""}, {"walletTxId": None}, True),
    ],
    ids=str,
)
def test_a_deposit_is_recognised_by_all_that_is_known_of_it(
    wanted: dict[str, Any], change: dict[str, Any], *, matches: bool
) -> None:
    assert waited_for(**wanted).matches(row(**change)) is matches


@pytest.mark.parametrize("currency", ["", " USDT", "USDT\n"], ids=repr)
def test_a_currency_with_blanks_is_refused(currency: str) -> None:
    with pytest.raises(InvalidInput, match="give its code, without blanks"):
        waited_for(currency=currency)


@pytest.mark.parametrize("amount", ["-1", "1e3", "NaN", "0"])
def test_a_minimum_that_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(InvalidInput):
        waited_for(min_amount=amount)


def test_a_float_minimum_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        waited_for(min_amount=1.5)


@pytest.mark.parametrize(
    "change", [{}, {"min_amount": "0.000000000000000001"}, {"tx_id": "0xabc", "address": "T"}], ids=str
)
def test_what_is_waited_for_survives_a_triggers_serialisation(change: dict[str, Any]) -> None:
    wanted = waited_for(**change)
    assert Expected.from_dict(json.loads(json.dumps(wanted.as_dict()))) == wanted


def test_kucoins_sample_of_deposits_is_understood() -> None:
    rows = json.loads((SAMPLES / "deposits.json").read_text())["data"]["items"]
    found = judge(expected(currency="USDT", since_ms=0, min_amount="2"), rows)
    assert found == (Outcome.SUCCEEDED, rows[1])


def test_no_deposit_yet_is_waited_for() -> None:
    assert judge(waited_for(), []) == (Outcome.PENDING, None)
    assert judge(waited_for(), [row(currency="BTC")]) == (Outcome.PENDING, None)


def test_of_those_that_arrived_the_oldest_is_it() -> None:
    newer, older = row(createdAt=SINCE_MS + 2000), row(createdAt=SINCE_MS + 1000)
    assert judge(waited_for(), [newer, older]) == (Outcome.SUCCEEDED, older)


def test_one_that_arrived_comes_before_one_that_is_on_its_way_and_one_that_failed() -> None:
    rows = [row(status="FAILURE"), row(status="PROCESSING"), row()]
    assert judge(waited_for(tx_id="0xabc"), rows) == (Outcome.SUCCEEDED, rows[2])


def test_one_that_is_on_its_way_comes_before_one_that_failed() -> None:
    rows = [row(status="ROLLBACK"), row(status="PRE_SUCCESS")]
    assert judge(waited_for(tx_id="0xabc"), rows) == (Outcome.PENDING, rows[1])


@pytest.mark.parametrize("status", ["FAILURE", "ROLLBACK", "TRM_MGT_REJECTED", "RISK_MGT_REJECTED"])
def test_a_failed_deposit_fails_only_who_waited_for_that_very_transaction(status: str) -> None:
    rows = [row(status=status)]
    assert judge(waited_for(tx_id="0xabc"), rows) == (Outcome.FAILED, rows[0])
    # Without its transaction another one may still come.
    assert judge(waited_for(), rows) == (Outcome.PENDING, rows[0])


def test_the_least_that_is_waited_for_is_nothing_unless_said() -> None:
    assert waited_for().min_amount == Decimal(0)
