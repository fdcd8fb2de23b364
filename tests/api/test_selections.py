"""Selections: from what a DAG author asks for to KuCoin's queries, and what is refused before any of them is sent."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given as drawn_from
from hypothesis import strategies as st

from airflow_provider_kucoin.api.datasets import Dataset, Parameter
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import LEDGERS, SPOT
from airflow_provider_kucoin.api.selections import needs_all_symbols, select

if TYPE_CHECKING:
    from collections.abc import Mapping

DATASETS = {**LEDGERS, **HISTORIES}
ACCOUNT_TYPES = ["FUNDING", "SPOT", "FUTURES", "CROSS", "ISOLATED", "UNIFIED"]


def queries(name: str, **given: Any) -> list[Mapping[str, str]]:
    return list(select(DATASETS[name], given).queries)


def taking(*parameters: Parameter, **changes: Any) -> Dataset:
    """Return a dataset that takes these parameters."""
    return replace(SPOT, parameters=parameters, **changes)


# --------------------------------------------------------------------------------------------------- what is asked for


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        pytest.param("spot", {}, [{}], id="everything"),
        pytest.param("spot", {"currency": "USDT"}, [{"currency": "USDT"}], id="one"),
        pytest.param("spot", {"currency": " BTC , USDT "}, [{"currency": "BTC,USDT"}], id="commas"),
        pytest.param("spot", {"currency": ["BTC", "USDT"]}, [{"currency": "BTC,USDT"}], id="several in one call"),
        pytest.param("spot", {"currency": ("BTC",)}, [{"currency": "BTC"}], id="tuple"),
        pytest.param("spot", {"currency": list("ABCDEFGHIJ")}, [{"currency": "A,B,C,D,E,F,G,H,I,J"}], id="ten"),
        pytest.param(
            "spot",
            {"biz_type": "NEW", "direction": "in"},
            [{"direction": "in", "bizType": "NEW"}],
            id="KuCoin's names of parameters",
        ),
        pytest.param(
            "deposits",
            {"currency": "A,B"},
            [{"currency": "A"}, {"currency": "B"}],
            id="one call for each where it is one",
        ),
        pytest.param("futures", {"biz_type": "RealisedPNL"}, [{"type": "RealisedPNL"}], id="another name"),
        pytest.param("futures_orders", {}, [{"status": "done"}], id="what every call carries"),
        pytest.param("borrow", {"currency": "BTC"}, [{"isIsolated": "false", "currency": "BTC"}], id="cross margin"),
        pytest.param(
            "borrow",
            {"currency": "BTC", "symbol": "A-B"},
            [{"isIsolated": "true", "currency": "BTC", "symbol": "A-B"}],
            id="isolated margin, because of the pair",
        ),
        pytest.param("lending_purchases", {}, [{"status": "PENDING"}, {"status": "DONE"}], id="each of the defaults"),
        pytest.param("lending_purchases", {"status": "DONE"}, [{"status": "DONE"}], id="one of the defaults"),
        pytest.param("unified", {}, [{"accountType": kind} for kind in ACCOUNT_TYPES], id="each account type"),
        pytest.param(
            "unified",
            {"account_type": "SPOT,FUNDING", "currency": "A,B", "direction": "out"},
            [{"accountType": kind, "currency": "A,B", "direction": "OUT"} for kind in ("SPOT", "FUNDING")],
            id="some account types, the other parameters with each, in upper case",
        ),
        pytest.param(
            "margin_fills",
            {"symbol": ["A-B", "C-D"], "side": "buy"},
            [
                {"symbol": symbol, "tradeType": kind, "side": "buy"}
                for symbol, kind in product(("A-B", "C-D"), ("MARGIN_TRADE", "MARGIN_ISOLATED_TRADE"))
            ],
            id="each pair in each account",
        ),
        pytest.param(
            "klines",
            {"symbol": "A-B", "interval": ["1min", "1day"]},
            [{"symbol": "A-B", "type": "1min"}, {"symbol": "A-B", "type": "1day"}],
            id="each interval",
        ),
    ],
)
def test_what_is_asked_for_becomes_kucoins_queries(
    name: str, given: dict[str, Any], expected: list[dict[str, str]]
) -> None:
    assert queries(name, **given) == expected


@pytest.mark.parametrize("nothing", ["", None, [], ()], ids=repr)
def test_what_is_empty_is_taken_for_not_given(nothing: Any) -> None:
    found = select(SPOT, {"currency": nothing, "direction": nothing, "of_nobody": nothing})
    assert (list(found.queries), found.shown) == ([{}], {})


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("futures_orders", {}, {}),
        ("unified", {}, {}),
        ("unified", {"account_type": "SPOT", "direction": "in"}, {"accountType": "SPOT", "direction": "IN"}),
        ("borrow", {"currency": ["A", "B"], "symbol": "A-B"}, {"currency": "A,B", "symbol": "A-B"}),
        ("spot", {"biz_type": "X", "currency": ""}, {"bizType": "X"}),
    ],
)
def test_people_are_shown_what_was_asked_for_and_not_what_goes_without_saying(
    name: str, given: dict[str, Any], shown: dict[str, str]
) -> None:
    assert select(DATASETS[name], given).shown == shown


codes = st.lists(st.from_regex(r"[A-Z]{1,4}", fullmatch=True), min_size=1, max_size=5, unique=True)


@drawn_from(codes, codes, codes)
def test_queries_are_every_combination_once_and_nothing_else(one: Any, other: Any, together: Any) -> None:
    dataset = taking(
        Parameter("one", "x"), Parameter("other", "y"), Parameter("together", "z", most=5), fixed=(("f", "g"),)
    )
    found = select(dataset, {"one": one, "other": ",".join(other), "together": tuple(together)}).queries
    assert [(query["x"], query["y"]) for query in found] == list(product(one, other))
    assert {query["z"] for query in found} == {",".join(together)}
    assert {query["f"] for query in found} == {"g"}
    assert {len(query) for query in found} == {4}


def test_what_a_parameter_implies_overrides_what_every_call_carries_only_when_it_is_given() -> None:
    dataset = taking(Parameter("a", "A", implies=(("mode", "one"), ("more", "1"))), fixed=(("mode", "all"),))
    assert list(select(dataset, {}).queries) == [{"mode": "all"}]
    assert list(select(dataset, {"a": "x"}).queries) == [{"mode": "one", "more": "1", "A": "x"}]


def test_values_are_told_apart_as_they_are_written_and_sent_in_upper_case() -> None:
    dataset = taking(Parameter("way", "way", ("in", "out"), upper=True))
    assert list(select(dataset, {"way": "in,out"}).queries) == [{"way": "IN"}, {"way": "OUT"}]
    with pytest.raises(InvalidInput, match="way='IN' is not one of 'in', 'out'"):
        select(dataset, {"way": "IN"})


# ------------------------------------------------------------------------------------------------------ what is refused

CODES = "give codes such as 'USDT' or ['BTC', 'USDT']"
PAIRS = "give symbols such as 'BTC-USDT' or ['BTC-USDT', 'ETH-USDT']"


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        pytest.param(
            "spot",
            {"symbol": "A-B"},
            "symbol='A-B': the spot ledger does not take it. It takes 'currency', 'direction', 'biz_type'",
            id="unknown parameter",
        ),
        pytest.param("convert_orders", {"side": "buy"}, "the convert_orders history does not take it", id="another's"),
        pytest.param(
            "spot_fills",
            {},
            "symbol is missing: KuCoin's spot_fills history answers for one symbol at a time. "
            "Give one, or a list, or 'all'",
            id="no symbol",
        ),
        pytest.param(
            "borrow",
            {"currency": ""},
            "currency is missing: KuCoin's borrow history answers for one currency at a time. Give one, or a list",
            id="no currency",
        ),
        pytest.param(
            "klines",
            {"symbol": "A-B"},
            "interval is missing: KuCoin's klines history answers for one interval at a time. Give one, or a list",
            id="no interval",
        ),
        pytest.param("spot", {"currency": ","}, f"currency=',': {CODES}", id="a comma"),
        pytest.param("spot", {"currency": "A,"}, f"currency='A,': {CODES}", id="a comma too many"),
        pytest.param("spot", {"currency": " "}, f"currency=' ': {CODES}", id="blank"),
        pytest.param("spot", {"currency": ["A", ""]}, f"currency=['A', '']: {CODES}", id="an empty one"),
        pytest.param("spot", {"currency": ["A,B"]}, f"currency=['A,B']: {CODES}", id="a comma in a list"),
        pytest.param("spot", {"currency": ["A", None]}, f"currency=['A', None]: {CODES}", id="null in a list"),
        pytest.param("spot", {"currency": 5}, f"currency=5: {CODES}", id="number"),
        pytest.param("spot", {"currency": b"BTC"}, f"currency=b'BTC': {CODES}", id="bytes"),
        pytest.param("spot_fills", {"symbol": [5]}, f"symbol=[5]: {PAIRS}", id="symbol as a number"),
        pytest.param(
            "spot", {"biz_type": [5]}, "biz_type=[5]: give a text or a list of texts", id="another as a number"
        ),
        pytest.param(
            "spot",
            {"currency": list("ABCDEFGHIJK")},
            "currency: 11 codes given, KuCoin takes 10 in one call. "
            "Leave currency out to read all, or use several tasks",
            id="eleven codes",
        ),
        pytest.param(
            "spot", {"currency": "A,B,A"}, "currency='A,B,A': a value is there twice, and its rows would be", id="twice"
        ),
        pytest.param(
            "deposits",
            {"currency": ["A", " A"]},
            "a value is there twice, and its rows would be",
            id="twice, with a blank",
        ),
        pytest.param(
            "spot",
            {"direction": "In"},
            "direction='In' is not one of 'in', 'out'; leave it out for all",
            id="not among the documented values",
        ),
        pytest.param("spot", {"direction": "in,up"}, "direction='up' is not one of", id="one of two"),
        pytest.param(
            "klines",
            {"symbol": "A-B", "interval": "1month"},
            "interval='1month' is not one of '1min', '3min', '5min', '15min', '30min', '1hour', '2hour', '4hour', "
            "'6hour', '8hour', '12hour', '1day'",
            id="not among the values of what cannot be left out",
        ),
        pytest.param(
            "spot_fills",
            {"symbol": "All"},
            "symbol='All': 'all' stands for every symbol, in small letters and alone",
            id="all, with a capital",
        ),
        pytest.param("spot_fills", {"symbol": ["A-B", "all"]}, "in small letters and alone", id="all and another"),
        pytest.param("futures_fills", {"symbol": " all "}, "in small letters and alone", id="all, with blanks"),
    ],
)
def test_what_kucoin_would_not_take_is_refused_before_it_is_sent(
    name: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        select(DATASETS[name], given)
    assert message in str(caught.value)


def test_what_cannot_be_left_out_is_not_said_to_be_left_out() -> None:
    with pytest.raises(InvalidInput) as caught:
        queries("klines", symbol="A-B", interval="1month")
    assert "leave" not in str(caught.value)
    with pytest.raises(InvalidInput) as caught:
        queries("borrow")
    assert "'all'" not in str(caught.value)


def test_a_dataset_that_takes_nothing_says_so() -> None:
    with pytest.raises(InvalidInput, match=r"does not take it\. It takes no parameters of its own"):
        select(taking(), {"currency": "BTC"})


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_every_dataset_asks_for_what_it_needs_and_takes_all_that_it_names(dataset: Dataset) -> None:
    given = {parameter.name: parameter.values[0] if parameter.values else "X" for parameter in dataset.parameters}
    [query] = select(dataset, given).queries
    assert query.keys() >= {parameter.sent_as for parameter in dataset.parameters} | dict(dataset.fixed).keys()
    for parameter in dataset.parameters:
        rest = {name: value for name, value in given.items() if name != parameter.name}
        if parameter.required:
            with pytest.raises(InvalidInput, match=f"{parameter.name} is missing"):
                select(dataset, rest)
        else:
            assert len(select(dataset, rest).queries) == max(1, len(parameter.default))


# ---------------------------------------------------------------------------------------------------------- all symbols


@pytest.mark.parametrize(
    ("name", "symbol", "needed"),
    [
        ("spot_fills", "all", True),
        ("spot_fills", ["all"], True),
        ("spot_fills", ("all",), True),
        ("futures_fills", "all", True),
        ("spot_fills", "All", False),
        ("spot_fills", ["all", "A-B"], False),
        ("spot_fills", "A-B", False),
        ("spot_fills", None, False),
        ("spot", "all", False),
    ],
)
def test_all_symbols_have_to_be_found_out_where_a_dataset_takes_them(name: str, symbol: Any, needed: Any) -> None:
    assert needs_all_symbols(DATASETS[name], {"symbol": symbol}) is needed


def test_no_symbols_have_to_be_found_out_when_none_are_asked_for() -> None:
    assert not needs_all_symbols(HISTORIES["spot_fills"], {})
