"""Balances: from each of KuCoin's answers to rows of one schema, and which of them a ledger's last row may name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from airflow_provider_kucoin.api.balances import BALANCES, LIVE, SOURCES, choose, live, parse
from airflow_provider_kucoin.api.errors import InvalidInput, UnexpectedData
from airflow_provider_kucoin.api.ledgers import LEDGERS

SAMPLES = Path(__file__).parents[1] / "samples"
TAKEN_AT = 1_770_120_000_000
# As the envelope decodes: numbers with a fraction are decimals.
decode = msgspec.json.Decoder(float_hook=Decimal).decode


def sample(name: str) -> Any:
    return decode((SAMPLES / f"{name}.json").read_bytes())["data"]


def told(source: str, data: Any) -> list[dict[str, Any]]:
    """The rows of an answer, without what is empty and what is the same in all."""
    rows = parse(SOURCES[source], data, TAKEN_AT)
    assert {row.pop("source") for row in rows} <= {source}
    assert {row.pop("takenAt") for row in rows} <= {TAKEN_AT}
    return [{name: value for name, value in row.items() if value not in {None, ""}} for row in rows]


# -------------------------------------------------------------------------------------------------------------- samples


def test_accounts() -> None:
    usdt = {"currency": "USDT", "hold": "0"}
    assert told("accounts", sample("accounts")) == [
        {**usdt, "accountType": "trade", "reference": "548674591753", "total": "26.66759503",
         "available": "26.66759503"},
        {**usdt, "accountType": "main", "reference": "63355cd156298d0001b66e61", "total": "0.01", "available": "0.01"},
    ]  # fmt: skip


def test_cross_margin() -> None:
    assert told("cross_margin", sample("cross_margin")) == [
        {
            "accountType": "cross",
            "currency": "USDT",
            "total": "38.68855864",
            "available": "20.01916691",
            "hold": "18.66939173",
            "liability": "0",
            "status": "EFFECTIVE",
        }
    ]


def test_isolated_margin_has_two_rows_for_each_pair() -> None:
    pair = {"accountType": "isolated", "symbol": "BTC-USDT", "status": "EFFECTIVE", "hold": "0"}
    assert told("isolated_margin", sample("isolated_margin")) == [
        {**pair, "currency": "BTC", "total": "0", "available": "0", "liability": "0"},
        {**pair, "currency": "USDT", "total": "4.97047372", "available": "4.97047372", "liability": "0.00038891"},
    ]


def test_futures_come_exact_and_hold_what_positions_orders_and_transfers_hold() -> None:
    assert told("futures", sample("futures_account")) == [
        {
            "accountType": "futures",
            "currency": "USDT",
            "total": Decimal("394.439280806"),
            "available": Decimal("290.326799096"),
            "hold": Decimal("112.26666171"),
            "unrealisedPnl": Decimal("20.15278"),
            "marginBalance": Decimal("371.394298816"),
        }
    ]


def test_what_futures_hold_is_added_up_without_rounding() -> None:
    data = {
        **sample("futures_account"),
        "positionMargin": Decimal(99999999999999999999),
        "orderMargin": Decimal("1E-18"),
        "frozenFunds": None,
    }
    assert told("futures", data)[0]["hold"] == Decimal("99999999999999999999.000000000000000001")


def test_futures_of_sub_accounts_are_without_the_masters_own() -> None:
    rows = told("sub_futures", sample("futures_sub_accounts"))
    assert [row["ownerName"] for row in rows] == ["Name1234567", "LTkucoin1491", "manage112233", "testapi6"]
    assert rows[-1] == {
        "accountType": "futures",
        "ownerName": "testapi6",
        "currency": "USDT",
        "total": Decimal("27.30545128"),
        "available": Decimal("25.7320762825"),
        "hold": Decimal("24.1223749975"),
        "unrealisedPnl": Decimal("22.549"),
        "marginBalance": Decimal("4.75645128"),
    }


def test_earn_holdings() -> None:
    assert told("earn", sample("earn_holdings")["items"]) == [
        {
            "accountType": "earn",
            "reference": "2767291",
            "currency": "KCS",
            "total": "1",
            "hold": "1",
            "status": "REDEEMING",
        }
    ]


def test_sub_accounts_have_a_row_for_each_of_their_accounts() -> None:
    usdt = {
        "owner": "63743f07e0c5230001761d08",
        "ownerName": "testapi6",
        "reference": "DEFAULT",
        "currency": "USDT",
        "total": "0.01",
        "available": "0.01",
        "hold": "0",
    }
    rows = told("sub_accounts", sample("sub_accounts")["items"])
    assert rows == [{**usdt, "accountType": kind} for kind in ("main", "trade", "margin")]


def test_sub_accounts_of_old_show_their_high_frequency_accounts_too() -> None:
    [sub, *_] = sample("sub_accounts")["items"]
    old = {**sub, "tradeHFAccounts": sub["tradeAccounts"], "mainAccounts": None, "marginAccounts": []}
    assert [row["accountType"] for row in told("sub_accounts", [old])] == ["trade", "trade_hf"]


@pytest.mark.parametrize("source", SOURCES)
def test_every_row_fits_the_declared_schema_and_its_key_is_whole(source: str) -> None:
    names = {
        "accounts": "accounts",
        "cross_margin": "cross_margin",
        "isolated_margin": "isolated_margin",
        "futures": "futures_account",
        "earn": "earn_holdings",
        "sub_accounts": "sub_accounts",
        "sub_futures": "futures_sub_accounts",
    }
    data = sample(names[source])
    rows = parse(SOURCES[source], data["items"] if SOURCES[source].page_size else data, TAKEN_AT)
    table = BALANCES.table(rows, "165111215")
    assert set(table["account_uid"]) == {"165111215"}
    assert set(table["_extra"]) == {None}
    assert set(table["taken_at"]) == {TAKEN_AT}
    keys = BALANCES.keys(rows)
    assert len(set(keys)) == len(rows) > 0


@pytest.mark.parametrize("source", ["accounts", "earn", "sub_accounts"])
@pytest.mark.parametrize("nothing", [None, [], ()], ids=repr)
def test_no_balances_are_no_rows(source: str, nothing: Any) -> None:
    assert parse(SOURCES[source], nothing, TAKEN_AT) == []


BROKEN = {
    "accounts": [[{"currency": "USDT"}], ["USDT"], {"items": []}, 7],
    "cross_margin": [None, {}, {"accounts": [{"currency": "USDT"}]}, [1]],
    "isolated_margin": [None, {"assets": [{"symbol": "BTC-USDT"}]}, {"assets": None}],
    "futures": [None, {"currency": "USDT"}, [7]],
    "earn": [[{"currency": "KCS"}]],
    "sub_accounts": [[{"mainAccounts": [{}]}], [{"subUserId": "1", "mainAccounts": 7}]],
    "sub_futures": [None, {"accounts": [{}]}],
}


@pytest.mark.parametrize(
    ("source", "data"), [(source, data) for source, some in BROKEN.items() for data in some], ids=repr
)
def test_an_answer_of_another_shape_is_refused_and_named(source: str, data: Any) -> None:
    with pytest.raises(UnexpectedData, match=f"KuCoin's {source} balances have not the documented shape"):
        parse(SOURCES[source], data, TAKEN_AT)


# --------------------------------------------------------------------------------------------------------------- choice

EVERYTHING = ("General", "Spot", "Margin", "Futures", "Earn")


def names(found: tuple[list[Any], list[str]]) -> list[str]:
    return [source.name for source in found[0]]


def test_unless_told_otherwise_all_is_read_that_the_key_may_read() -> None:
    assert choose(None, EVERYTHING, is_master=True) == (list(SOURCES.values()), [])


@pytest.mark.parametrize("include", [None, [], ()], ids=repr)
def test_what_the_key_may_not_read_is_left_out_and_named(include: Any) -> None:
    found = choose(include, ["General"], is_master=True)
    assert "futures" not in names(found)
    assert "accounts" in names(found)
    assert "futures: the key has no permission Futures" in found[1]
    assert len(found[0]) + len(found[1]) == len(SOURCES)


def test_the_key_of_a_sub_account_is_not_asked_for_sub_accounts() -> None:
    found = choose(None, EVERYTHING, is_master=False)
    assert not {"sub_accounts", "sub_futures"} & {*names(found)}
    assert found[1] == [f"{name}: the key belongs to a sub-account" for name in ("sub_accounts", "sub_futures")]


@pytest.mark.parametrize(
    "include",
    [["futures", "accounts"], ("futures", "accounts"), "futures,accounts", " futures , accounts ",
     ["futures", "accounts", "futures"]],
    ids=repr,
)  # fmt: skip
def test_what_is_asked_for_is_read_in_that_order_and_once_whatever_the_key_may(include: Any) -> None:
    found = choose(include, (), is_master=False)
    assert (names(found), found[1]) == (["futures", "accounts"], [])


@pytest.mark.parametrize("include", [["futures", "options"], "options", "futures,options"], ids=repr)
def test_balances_that_do_not_exist_are_refused_with_those_that_do(include: Any) -> None:
    with pytest.raises(InvalidInput, match=r"include='options' is not one of 'accounts', 'cross_margin'"):
        choose(include, (), is_master=True)


# ----------------------------------------------------------------------------------------------------------------- live


def row(account_type: str, currency: str = "USDT", **fields: Any) -> dict[str, Any]:
    blank = dict.fromkeys(("available", "hold", "liability", "unrealisedPnl", "marginBalance"))
    return {"accountType": account_type, "currency": currency, "symbol": "", "total": "0", **blank, **fields}


def test_the_ledgers_with_balances_whose_live_ones_can_be_asked_for_are_known() -> None:
    assert set(LIVE) == {"trade_hf", "margin_hf", "futures"} < set(LEDGERS)
    assert all(name in SOURCES for some in LIVE.values() for name in some)


@pytest.mark.parametrize("name", ["trade", "trade_hf"])
def test_the_high_frequency_account_is_listed_under_two_names(name: str) -> None:
    found = live("trade_hf", [row(name, total="5"), row("main", total="7"), row(name, "BTC", total="1")])
    assert found == {("TRADE_HF", "USDT"): (Decimal(5),), ("TRADE_HF", "BTC"): (Decimal(1),)}


def test_where_both_names_are_listed_either_may_be_it() -> None:
    found = live("trade_hf", [row("trade", total="5"), row("trade_hf", total="7")])
    assert found == {("TRADE_HF", "USDT"): (Decimal(5), Decimal(7))}


def test_a_margin_balance_may_be_with_what_is_owed_or_without_it() -> None:
    found = live("margin_hf", [row("cross", total="10", liability="3", available="6", hold="3.5")])
    expected = tuple(map(Decimal, ("10", "7", "9.5")))
    assert found == {("MARGIN", "USDT"): expected, ("MARGIN_V2", "USDT"): expected}


def test_an_isolated_balance_may_be_of_the_pair_or_of_the_currency_in_all_pairs() -> None:
    pairs = [
        row("isolated", symbol="BTC-USDT", total="10", available="10", hold="0"),
        row("isolated", symbol="ETH-USDT", total="0.5", available="0.5", hold=None),
    ]
    found = live("margin_hf", pairs)
    for name in ("ISOLATED", "ISOLATED_V2"):
        assert set(found[name, "USDT", "BTC-USDT"]) == {Decimal(10)}
        assert set(found[name, "USDT", "ETH-USDT"]) == {Decimal("0.5")}
        assert set(found[name, "USDT"]) == {Decimal("10.5")}


def test_the_equity_of_futures_may_be_with_what_is_not_realised_or_without_it() -> None:
    numbers = {"total": Decimal("394.4"), "unrealisedPnl": Decimal("20.1"), "marginBalance": Decimal("371.3")}
    found = live("futures", [row("futures", **numbers)])
    assert found == {("USDT",): (Decimal("394.4"), Decimal("374.3"), Decimal("371.3"))}


def test_an_equity_of_38_digits_is_not_rounded() -> None:
    large = Decimal("99999999999999999999.999999999999999999")
    numbers = {"total": large, "unrealisedPnl": Decimal("0.000000000000000001")}
    assert live("futures", [row("futures", **numbers)])["USDT",][1] == Decimal(
        "99999999999999999999.999999999999999998"
    )
