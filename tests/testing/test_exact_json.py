from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kucoin.testing import exact_json


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=18) | st.decimals(allow_nan=False, allow_infinity=False)
)
def test_every_number_comes_back_as_it_was(number: Decimal) -> None:
    assert exact_json.decode(exact_json.encode({"a": [number]})) == {"a": [number]}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="no JSON number"):
        exact_json.encode(Decimal(number))


def test_all_else_is_json_as_usual() -> None:
    value = {"é": None, "b": [True, 12345678901234567890, "ü", {}], "c": ()}
    assert exact_json.encode(value) == '{"\\u00e9":null,"b":[true,12345678901234567890,"ü",{}],"c":[]}'


@pytest.mark.parametrize(
    ("number", "text"),
    [("0.001", "0.001"), ("0.00099", "9.9E-4"), ("9999999.5", "9999999.5"), ("1E+7", "1E7"), ("5", "5.0")],
)
def test_exponents_begin_where_javas_do(number: str, text: str) -> None:
    assert exact_json.encode(Decimal(number)) == text
