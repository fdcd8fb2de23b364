"""KuCoin's codes as a table: complete where a person needs advice, and honest where a code does not tell."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kucoin.api.codes import CODES, PAUSES, SUCCESS
from airflow_provider_kucoin.api.errors import AuthenticationFailed, ClockSkewed, PermissionDenied, RateLimited

ROWS = [pytest.param(code, id=code) for code in CODES]


@pytest.mark.parametrize("code", ROWS)
def test_every_code_says_what_it_means_and_what_to_do(code: str) -> None:
    assert CODES[code].meaning
    assert CODES[code].remedy
    assert not CODES[code].remedy.endswith(".")


def test_success_is_not_among_the_errors() -> None:
    assert SUCCESS not in CODES


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("400001", AuthenticationFailed),
        ("400002", ClockSkewed),
        ("400003", AuthenticationFailed),
        ("400004", AuthenticationFailed),
        ("400005", AuthenticationFailed),
        ("400006", PermissionDenied),
        ("400007", PermissionDenied),
        ("400008", AuthenticationFailed),
        ("400009", AuthenticationFailed),
        ("400010", PermissionDenied),
    ],
)
def test_every_refusal_of_the_gateway_has_its_row(code: str, kind: type[Any]) -> None:
    assert CODES[code].error is kind


@pytest.mark.parametrize("code", ["230005", "408000", "500000"])
def test_codes_that_leave_the_outcome_open_name_no_error(code: str) -> None:
    assert CODES[code].error is None


@pytest.mark.parametrize("code", ["200002", "429000"])
def test_codes_of_a_throttle_are_rate_limits(code: str) -> None:
    assert CODES[code].error is RateLimited


def test_fixed_pauses_are_known_for_those_throttles_that_send_no_reset() -> None:
    assert PAUSES == {"200002": 10.0, "1015": 30.0}
