"""What KuCoin never promised not to send: too much, too large, or of another shape."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_kucoin.api.balances import SOURCES, parse
from airflow_provider_kucoin.api.deposits import expected
from airflow_provider_kucoin.api.durations import check_duration
from airflow_provider_kucoin.api.errors import Incomplete, InvalidInput, Unavailable, UnexpectedData
from airflow_provider_kucoin.api.pages import Stretches, as_object, as_objects, listing, parse_page, parse_stretch
from airflow_provider_kucoin.api.preflight import find_chain, with_chain_id
from airflow_provider_kucoin.api.transfers import transfer
from airflow_provider_kucoin.api.withdrawals import number, order, same_address

ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
WANTED = order(currency="USDT", amount="10", to_address=ADDRESS, chain="trx")


def read_one(data: Any) -> Any:
    steps = listing({}, 10)
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(data)
    return end.value.value


def page(*rows: Any) -> dict[str, Any]:
    return {"totalNum": len(rows), "items": list(rows)}


@pytest.mark.parametrize("row", ["text", None, [], 1])
def test_a_row_of_a_listing_is_an_object(row: Any) -> None:
    with pytest.raises(Incomplete, match="not an object"):
        read_one(page({"id": "1"}, row))


@pytest.mark.parametrize("time", ["1", -1, True, 1.5, 10**15, []])
def test_the_time_of_a_row_is_a_time(time: Any) -> None:
    with pytest.raises(Incomplete, match="createdAt that is not a time"):
        read_one(page({"createdAt": time}))


@pytest.mark.parametrize("time", [0, 1_770_120_000_000, None])
def test_a_row_may_have_any_time_or_none(time: Any) -> None:
    assert read_one(page({"createdAt": time})) == [{"createdAt": time}]


@pytest.mark.parametrize("total", [2**63, 10**400, -1])
def test_a_count_is_one_that_there_can_be(total: int) -> None:
    with pytest.raises(Incomplete, match="asked for page 1 of 1 rows") as caught:
        parse_page({"totalNum": total, "items": [{}]}, 1, 1)
    assert len(str(caught.value)) < 300


def test_what_is_wrong_with_a_listing_is_not_quoted_whole() -> None:
    with pytest.raises(Incomplete) as caught:
        parse_stretch(Stretches(items="dataList", more="hasMore"), {"hasMore": "x" * 5000}, 10)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("data", [None, [], "text", 0])
def test_what_is_no_object_is_no_answer(data: Any) -> None:
    with pytest.raises(Unavailable, match="the quota is not an object"):
        as_object(data, "the quota")


@pytest.mark.parametrize("data", [None, {}, {"a": 1}, "text", 0])
def test_what_is_no_list_is_no_list_of_objects(data: Any) -> None:
    with pytest.raises(Unavailable, match="the accounts are not a list but"):
        as_objects(data, "the accounts")


def test_a_list_of_anything_else_is_no_list_of_objects() -> None:
    with pytest.raises(Unavailable, match="one of the accounts is not an object but 7"):
        as_objects([{}, 7], "the accounts")


def test_an_object_is_handed_on_and_so_is_a_list_of_them() -> None:
    assert as_object({"a": 1}, "it") == {"a": 1}
    assert as_objects([{"a": 1}, {}], "they") == [{"a": 1}, {}]


@pytest.mark.parametrize("value", ["1e999999999", "0e-999999999", "1" * 62, "NaN", "-Infinity", "x", None])
def test_a_number_that_cannot_be_an_amount_is_none(value: Any) -> None:
    assert number(value) is None


@pytest.mark.parametrize("value", ["1e5", "0.000000000000000001", 7, Decimal("1.50")])
def test_a_number_that_can_be_is_exact(value: Any) -> None:
    assert number(value) == Decimal(str(value))


@pytest.mark.parametrize("held", ["x", "1e999999999", [], {}])
def test_a_futures_balance_that_is_no_number_is_refused(held: Any) -> None:
    account = {"currency": "USDT", "accountEquity": "1", "availableBalance": "1", "positionMargin": held}
    with pytest.raises(UnexpectedData):
        parse(SOURCES["futures"], account, 1)


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        (ADDRESS, True),
        (ADDRESS.lower(), True),
        ("TKFRQ*JggwX8", True),
        ("TKFRQ***4kd3*JggwX8", True),
        ("*", True),
        ("T*", True),
        ("*8", True),
        ("TKFRQ*4kd3*4kd3*X8", False),
        ("TKFRQ*4kd4*JggwX8", False),
        (f"{ADDRESS}*", False),
        ("X*8", False),
        ("T*9", False),
        ("", False),
    ],
)
def test_an_address_is_told_though_parts_of_it_are_hidden(shown: str, *, same: bool) -> None:
    assert same_address(WANTED, {"address": shown}) is same


def test_an_address_of_many_stars_is_compared_in_no_time() -> None:
    """With a wildcard for each, all ways of laying them would be tried: more than anybody could wait for."""
    wanted = order(currency="USDT", amount="10", to_address="1" * 90 + "x", chain="trx")
    assert not same_address(wanted, {"address": "*1" * 40})


@pytest.mark.parametrize("chains", [None, 1, "trx", [None, "trx", 1], {"chainId": "trx"}, [{"chainName": "trx"}]])
def test_a_chain_that_is_not_described_is_not_found(chains: Any) -> None:
    assert "chainId" not in (find_chain(WANTED, {"chains": chains}) or {})
    with pytest.raises(InvalidInput, match="chain='trx' is not a chain of USDT"):
        with_chain_id(WANTED, {"chains": chains})


@pytest.mark.parametrize("value", [None, 5, 1.5, "5 minutes", [], "x" * 5000])
def test_a_length_of_time_that_is_none_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"settle=.* is not a timedelta") as caught:
        check_duration("settle", value)
    assert len(str(caught.value)) < 200


def test_a_length_of_time_is_taken() -> None:
    check_duration("settle", timedelta(minutes=5))


@pytest.mark.parametrize("wrong", [{"currency": 1}, {"currency": None}, {"tx_id": 1.5}, {"address": ["x"]}])
def test_an_expected_deposit_is_told_by_texts(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(InvalidInput, match=f"{name}="):
        expected(**{"currency": "USDT", "since_ms": 0, **wrong})


@pytest.mark.parametrize("currency", [None, 1, True, [], "", " USDT"])
def test_the_currency_of_a_transfer_is_a_text(currency: Any) -> None:
    with pytest.raises(InvalidInput, match="currency="):
        transfer(currency=currency, amount="1", from_account_type="MAIN", to_account_type="TRADE")


@pytest.mark.parametrize("wrong", [{"currency": {}}, {"currency": 1}])
def test_the_currency_of_a_balance_is_a_text(wrong: dict[str, Any]) -> None:
    account = {"id": "1", "type": "main", "currency": "USDT", "balance": "1", "available": "1", "holds": "0"}
    assert parse(SOURCES["accounts"], [account], 1)
    with pytest.raises(UnexpectedData, match="not a text"):
        parse(SOURCES["accounts"], [{**account, **wrong}], 1)
