"""Balances that follow from each other: no honest ledger breaks, under any reading, and no tampered one holds."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kucoin.api.continuity import RUNNING, Break, Chain, Proof, proof

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_kucoin.api.continuity import Row

EXACT = Context(prec=100)
MIDNIGHT = datetime(2026, 2, 2, tzinfo=UTC)
CARRYING = ("trade_hf", "margin_hf", "futures", "unified")


def row(ms: int, amount: str | Decimal, balance: str | Decimal, **fields: Any) -> Row:
    """A row of trade_hf that leaves a balance, or of another ledger with these fields."""
    return {
        "id": str(ms),
        "created_at": MIDNIGHT + timedelta(milliseconds=ms),
        "account_type": "TRADE_HF",
        "currency": "USDT",
        "amount": Decimal(amount),
        "fee": None,
        "tax": None,
        "direction": "in",
        "balance": Decimal(balance),
        **fields,
    }


def isolated(ms: int, amount: str, balance: str, pair: str | None = "BTC-USDT", **fields: Any) -> Row:
    return row(ms, amount, balance, account_type="ISOLATED_V2", symbol=pair, **fields)


def futures(ms: int, amount: str, equity: str, offset: int, **fields: Any) -> Row:
    made = row(ms, amount, equity, offset=str(offset), account_equity=Decimal(equity), **fields)
    return {name: value for name, value in made.items() if name not in {"account_type", "direction", "balance"}}


def followed(ledger: str, *parts: Sequence[Row]) -> tuple[Proof, Break | None]:
    """A proof that was led through the objects' rows, and the first break."""
    found = proof(ledger)
    assert found is not None

    def step(part: Sequence[Row]) -> Callable[[Chain], Break | None]:
        return lambda chain: chain.add_whole(part) if found.needs_whole_objects else chain.add(part)

    for part in parts:
        if broken := found.follow(step(part)):
            return found, broken
    return found, found.follow(Chain.finish)


def broken(ledger: str, *parts: Sequence[Row]) -> Break | None:
    return followed(ledger, *parts)[1]


# ------------------------------------------------------------------------------------------- what a row has changed


@pytest.mark.parametrize(("direction", "sign"), [("in", 1), ("out", -1), ("IN", 1), ("OUT", -1), ("Out", -1)], ids=str)
def test_the_direction_is_the_sign_of_an_amount_whatever_its_own(direction: str, sign: int) -> None:
    for amount in ("7", "-7"):  # the unified ledger's had one until 2026-04-28
        assert RUNNING["unified"][0].changes(row(0, amount, "0", direction=direction)) == (Decimal(7 * sign),)


def test_the_sign_of_an_amount_of_futures_is_its_own() -> None:
    assert RUNNING["futures"][0].changes(futures(0, "-7", "0", 1)) == (Decimal(-7),)


def test_a_fee_and_a_tax_may_be_in_the_amount_or_beside_it_and_in_it_is_the_likeliest() -> None:
    found = RUNNING["trade_hf"][0].changes(row(0, "10", "0", fee=Decimal("0.3"), tax=Decimal("0.02")))
    assert found == tuple(map(Decimal, ("10", "9.7", "9.68", "9.98")))


def test_digits_that_python_would_round_are_kept() -> None:
    small, large = Decimal("0.000000000000000001"), Decimal(99999999999999999999)
    assert broken("trade_hf", [row(0, large, large), row(1, small, large + small), row(2, small, large)]) is not None
    assert broken("trade_hf", [row(0, large, large), row(1, small, EXACT.add(large, small))]) is None


def test_the_spot_ledgers_balances_are_not_followed() -> None:
    assert proof("spot") is None


# ---------------------------------------------------------------------------------------------- honest and dishonest


class Reading(NamedTuple):
    """How a made-up ledger reads its fees and taxes."""

    fee: bool
    tax: bool


class Account(NamedTuple):
    """One balance of a made-up ledger, and the fields that tell it."""

    fields: dict[str, Any]


ACCOUNTS: dict[str, list[dict[str, Any]]] = {
    "trade_hf": [{"account_type": "TRADE_HF", "currency": code} for code in ("USDT", "BTC")],
    "margin_hf": [
        {"account_type": "MARGIN_V2", "currency": "USDT", "symbol": None},
        {"account_type": "ISOLATED_V2", "currency": "USDT", "symbol": "BTC-USDT"},
        {"account_type": "ISOLATED_V2", "currency": "USDT", "symbol": "ETH-USDT"},
    ],
    "futures": [{"currency": code} for code in ("USDT", "XBT")],
    "unified": [
        {"account_type": "UNIFIED", "currency": "USDT", "remark": "whatever"},
        {"account_type": "ISOLATED", "currency": "USDT", "remark": '{"symbol":"BTC-USDT","orderId":"1"}'},
        {"account_type": "ISOLATED", "currency": "USDT", "remark": "ETH-USDT"},
    ],
}


@st.composite
def ledgers(draw: st.DrawFn, name: str = "", *, per_currency: bool = False) -> tuple[str, list[Row]]:
    """
    A ledger in order of booking, several rows of each balance, many of them on one millisecond.

    No sum of some changes is a sum of others, so that nothing makes up for anything.
    """
    name = name or draw(st.sampled_from(CARRYING))
    reading = Reading(draw(st.booleans()), draw(st.booleans()))
    balances: dict[int, Decimal] = {}
    rows: list[Row] = []
    ms = 0
    for number in range(draw(st.integers(6, 24))):
        place = draw(st.integers(0, len(ACCOUNTS[name]) - 1))
        ms += draw(st.sampled_from((0, 0, 1, 500)))
        amount = Decimal(1 << number)
        fee, tax = amount.scaleb(-9) * 3, amount.scaleb(-18) * 5
        sign = draw(st.sampled_from((1, -1)))
        change = EXACT.subtract(amount * sign, (fee if reading.fee else 0) + (tax if reading.tax else 0))
        shared = per_currency and "symbol" in ACCOUNTS[name][place] and place > 0
        before = balances.get(1 if shared else place, Decimal(1 << 40))
        balances[1 if shared else place] = after = EXACT.add(before, change)
        fields = {"fee": fee, "tax": tax, **ACCOUNTS[name][place]}
        if name == "futures":
            rows.append(futures(ms, str(amount * sign), str(after), number + 1, **fields))
        else:
            rows.append(row(ms, amount, after, direction="in" if sign > 0 else "out", **fields))
    return name, rows


def in_parts(rows: Sequence[Row], data: st.DataObject) -> list[Sequence[Row]]:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(rows)), max_size=3)))
    return [rows[start:end] for start, end in pairwise([0, *cuts, len(rows)])]


def ties_shuffled(rows: Sequence[Row], seed: int) -> list[Row]:
    drawn = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return sorted(rows, key=lambda one: (one["created_at"], drawn.random()))


@given(made=ledgers(), seed=st.integers(0, 999), data=st.data())
def test_an_honest_ledger_holds_in_any_order_of_ties_with_fees_in_or_beside_the_amounts(
    made: tuple[str, list[Row]], seed: int, data: st.DataObject
) -> None:
    name, rows = made
    # Objects end between milliseconds; answers do so anywhere, which only the ledgers that come row by row may see.
    parts = [rows] if name == "futures" else in_parts(ties_shuffled(rows, seed), data)
    assert broken(name, *parts) is None


@given(made=ledgers("margin_hf", per_currency=True), seed=st.integers(0, 999))
def test_an_honest_ledger_holds_whose_isolated_balances_are_those_of_the_currency_in_all_pairs(
    made: tuple[str, list[Row]], seed: int
) -> None:
    assert broken(made[0], ties_shuffled(made[1], seed)) is None


def account_of(name: str, one: Row) -> tuple[str, ...]:
    return RUNNING[name][0].account_of(one)[0]


@st.composite
def tampered(draw: st.DrawFn) -> tuple[str, list[Row]]:
    """A ledger with one row removed, doubled or altered that is neither the first nor the last of its balance."""
    name, rows = draw(ledgers())
    inner = [
        number
        for number, one in enumerate(rows)
        if any(account_of(name, other) == account_of(name, one) for other in rows[:number])
        and any(account_of(name, other) == account_of(name, one) for other in rows[number + 1 :])
    ]
    if not inner:
        return name, []
    place, balance = draw(st.sampled_from(inner)), RUNNING[name][0].balance
    one, what = rows[place], draw(st.sampled_from(("removed", "doubled", "amount", "balance", "sign")))
    put = {
        "removed": [],
        "doubled": [one, {**one, "id": "another", "offset": "1000000"}],
        "amount": [{**one, "amount": EXACT.add(one["amount"], Decimal("0.000000000000000001"))}],
        "balance": [{**one, balance: EXACT.subtract(one[balance], Decimal("0.000000000000000001"))}],
        "sign": [{**one, "amount": -one["amount"], "direction": "out" if one.get("direction") == "in" else "in"}],
    }[what]
    return name, [*rows[:place], *put, *rows[place + 1 :]]


@given(made=tampered(), seed=st.integers(0, 999))
def test_a_row_that_is_removed_doubled_or_altered_breaks_the_chain(made: tuple[str, list[Row]], seed: int) -> None:
    name, rows = made
    if rows:
        assert broken(name, rows if name == "futures" else ties_shuffled(rows, seed)) is not None


def test_the_first_break_is_named_with_what_was_expected_and_found() -> None:
    rows = [row(0, "5", "5"), row(1, "2", "7", fee=Decimal("0.1")), row(2, "1", "9"), row(3, "1", "20")]
    assert broken("trade_hf", rows) == Break(("TRADE_HF", "USDT"), rows[2], (Decimal(8),), Decimal(9))


def test_a_break_on_one_millisecond_is_a_break_in_every_order() -> None:
    rows = [row(0, "5", "5"), row(1, "2", "7"), row(1, "4", "11.5")]
    for ties in permutations(rows[1:]):
        found = broken("trade_hf", [rows[0], *ties])
        assert found is not None
        assert found.row in rows[1:]


def test_an_object_that_ends_within_a_millisecond_is_gone_on_from() -> None:
    rows = [row(0, "5", "5"), row(1, "4", "11"), row(1, "2", "7"), row(2, "1", "12")]
    assert broken("trade_hf", rows[:2], rows[2:]) is None


def test_ties_of_which_some_have_their_fee_in_the_amount_and_some_beside_it_hold() -> None:
    fee = Decimal("0.25")
    rows = [row(1, "4", "10.75", fee=fee), row(1, "2", "7", fee=fee)]
    assert broken("trade_hf", [row(0, "5", "5"), *rows]) is None
    assert broken("trade_hf", rows) is None


def test_ties_hold_of_which_the_balance_before_is_not_known() -> None:
    rows = [row(0, "1", "6"), row(0, "1", "7"), row(0, "2", "6", direction="out"), row(0, "2", "8")]
    for ties in permutations(rows):
        assert broken("trade_hf", ties) is None


def test_ties_that_go_round_in_a_circle_hold() -> None:
    rows = [row(0, "5", "5"), row(1, "1", "5", direction="out"), row(1, "1", "6"), row(2, "3", "8")]
    for circle in permutations(rows[1:3]):
        assert broken("trade_hf", [rows[0], *circle, rows[3]]) is None


def test_a_search_through_too_many_ties_ends() -> None:
    """Thousands of ways through the same two places, and one row that none of them reaches."""
    circle = [row(1, "1", "6"), row(1, "1", "5", direction="out")] * 12
    assert broken("trade_hf", [row(0, "5", "5"), *circle, row(1, "1", "1000")]) is not None


def test_a_row_without_a_balance_is_counted_and_passed_over() -> None:
    found, gap = followed("trade_hf", [row(0, "5", "5"), {**row(1, "9", "0"), "balance": None}, row(2, "1", "6")])
    assert gap is None
    assert found.best.unproven == {"balance": 1}


# ------------------------------------------------------------------------------------------------------- whole objects


def test_futures_hold_when_their_offsets_and_not_their_times_are_the_order_of_booking() -> None:
    rows = [futures(0, "5", "5", 1), futures(10, "1", "8", 3), futures(20, "2", "7", 2), futures(30, "1", "9", 4)]
    assert broken("futures", rows) is None


def test_futures_hold_when_their_times_and_not_their_offsets_are_the_order_of_booking() -> None:
    rows = [futures(0, "5", "5", 9), futures(10, "2", "7", 3), futures(20, "1", "8", 5)]
    assert broken("futures", rows) is None


@pytest.mark.parametrize("by_offset", [True, False], ids=["offset", "time"])
def test_futures_are_followed_from_object_to_object(by_offset: bool) -> None:  # noqa: FBT001 - a parameter
    offsets = (1, 3, 2) if by_offset else (1, 2, 3)
    first = [futures(0, "5", "5", offsets[0])]
    if by_offset:
        first += [futures(1, "1", "8", offsets[1]), futures(2, "2", "7", offsets[2])]
    else:
        first += [futures(1, "2", "7", offsets[1]), futures(2, "1", "8", offsets[2])]
    assert broken("futures", first, [futures(1000, "1", "9", 7)]) is None
    gap = broken("futures", first, [futures(1000, "1", "9.5", 7)])
    assert gap is not None
    assert (gap.expected, gap.found) == ((Decimal(9),), Decimal("9.5"))


def test_a_break_among_futures_is_named_in_the_order_of_their_offsets() -> None:
    rows = [futures(0, "5", "5", 1), futures(10, "1", "8", 3), futures(20, "2", "7.5", 2)]
    gap = broken("futures", rows)
    assert gap is not None
    assert gap.row == rows[2]


# --------------------------------------------------------------------------------------- rows that do not tell the pair


def test_a_row_without_its_pair_is_found_to_be_of_the_pair_that_it_follows() -> None:
    rows = [isolated(0, "5", "5"), isolated(1, "3", "103", "ETH-USDT"), isolated(2, "1", "6", None)]
    found, gap = followed("margin_hf", [*rows, isolated(3, "1", "7"), isolated(4, "1", "104", "ETH-USDT")])
    assert (gap, found.best.unproven) == (None, {})
    assert found.best.last == {
        ("ISOLATED_V2", "USDT", "BTC-USDT"): Decimal(7),
        ("ISOLATED_V2", "USDT", "ETH-USDT"): Decimal(104),
    }


def test_a_row_without_its_pair_that_is_missing_breaks_the_pairs_chain() -> None:
    rows = [isolated(0, "5", "5"), isolated(1, "3", "103", "ETH-USDT"), isolated(3, "1", "7")]
    gap = broken("margin_hf", rows)
    assert gap is not None
    assert gap.account == ("ISOLATED_V2", "USDT", "BTC-USDT")


def test_rows_without_their_pair_of_one_millisecond_hold_in_any_order() -> None:
    loose = [isolated(1, "1", "6", None), isolated(1, "2", "8", None), isolated(1, "4", "12", None)]
    other = isolated(0, "1", "1000", "ETH-USDT")
    for ties in permutations(loose):
        found, gap = followed("margin_hf", [isolated(0, "5", "5"), other, *ties, isolated(2, "1", "13")])
        assert (gap, found.best.unproven) == (None, {})


def test_rows_without_their_pair_may_stand_between_rows_of_the_same_millisecond_that_tell_it() -> None:
    other = isolated(0, "1", "1000", "ETH-USDT")
    ties = [isolated(1, "1", "6"), isolated(1, "2", "8", None), isolated(1, "4", "12")]
    for drawn in permutations(ties):
        found, gap = followed("margin_hf", [isolated(0, "5", "5"), other, *drawn, isolated(2, "1", "13")])
        assert (gap, found.best.unproven) == (None, {})


def test_a_row_without_its_pair_that_follows_none_is_counted() -> None:
    rows = [isolated(0, "5", "5"), isolated(0, "1", "1000", "ETH-USDT"), isolated(1, "1", "77", None)]
    found, gap = followed("margin_hf", [*rows, isolated(2, "1", "6")])
    assert (gap, found.best.unproven) == (None, {"symbol": 1})


def test_the_first_money_of_another_pair_is_not_taken_for_that_of_a_pair_that_is_empty() -> None:
    """Both hold nothing, and the row does not tell which of them it fills."""
    rows = [
        isolated(0, "5", "5"),
        isolated(1, "5", "0", direction="out"),
        isolated(2, "100", "100", None),  # of ETH-USDT
        isolated(3, "50", "50"),
        isolated(4, "1", "101", "ETH-USDT"),
    ]
    found, gap = followed("margin_hf", rows)
    assert (gap, found.best.unproven) == (None, {"symbol": 1})
    assert found.best.last[("ISOLATED_V2", "USDT", "BTC-USDT")] == 50


def test_a_row_without_its_pair_may_have_been_of_the_empty_pair_all_the_same() -> None:
    rows = [isolated(0, "5", "5"), isolated(1, "5", "0", direction="out"), isolated(2, "100", "100", None)]
    found, gap = followed("margin_hf", rows)
    assert gap is None
    assert set(found.chains[0].may_be(("ISOLATED_V2", "USDT", "BTC-USDT"))) == {Decimal(100), Decimal(0)}
    assert broken("margin_hf", [*rows, isolated(3, "1", "101"), isolated(4, "1", "7", "ETH-USDT")]) is None


def test_where_two_pairs_hold_as_much_either_may_go_on() -> None:
    start = [isolated(0, "5", "5"), isolated(0, "5", "5", "ETH-USDT"), isolated(1, "1", "6", None)]
    for pair, other in permutations(("BTC-USDT", "ETH-USDT")):
        found, gap = followed("margin_hf", [*start, isolated(2, "1", "7", pair), isolated(3, "1", "6", other)])
        assert gap is None
        assert found.best.unproven["symbol"] > 0
    assert broken("margin_hf", [*start, isolated(2, "1", "9")]) is not None


def test_a_pair_of_which_nothing_is_known_is_no_balance() -> None:
    chain = Chain(RUNNING["margin_hf"][0])
    assert chain.may_be(("ISOLATED_V2", "USDT", "BTC-USDT")) == ()


@pytest.mark.parametrize(
    "remark",
    ["BTC-USDT", '{"symbol":"BTC-USDT","orderId":"%d"}', "{'symbol':'BTC-USDT','orderId':'%d'}"],
    ids=["pair", "json", "single-quoted"],
)
def test_isolated_rows_of_the_unified_ledger_tell_their_pair_in_their_remark(remark: str) -> None:
    """Every remark is another: to take them for the names of accounts would follow nothing at all."""
    rows = [
        row(number, "1", str(number + 1), account_type="ISOLATED", remark=remark % number if "%" in remark else remark)
        for number in range(6)
    ]
    other = row(0, "1", "1000", account_type="ISOLATED", remark="ETH-USDT")
    assert broken("unified", [other, *rows]) is None
    assert broken("unified", [other, *rows[:3], *rows[4:]]) is not None


@pytest.mark.parametrize("remark", [None, "", "from the moon"])
def test_isolated_rows_of_the_unified_ledger_may_not_tell_their_pair(remark: str | None) -> None:
    found, gap = followed("unified", [row(0, "1", "1", account_type="ISOLATED", remark=remark)])
    assert (gap, found.chains[0].unproven) == (None, {"remark": 1})


# ------------------------------------------------------------------------------------------------------------- proofs


def test_the_way_that_leaves_least_unproven_is_the_best() -> None:
    found, gap = followed("margin_hf", [isolated(0, "5", "5", None), isolated(1, "1", "6", None)])
    assert (gap, len(found.chains), found.best.unproven) == (None, 2, {})
    assert found.best.last == {("ISOLATED_V2", "USDT"): Decimal(6)}


def test_a_way_that_breaks_is_left_and_the_break_of_the_first_is_told_when_none_is_left() -> None:
    rows = [isolated(0, "5", "5"), isolated(1, "3", "103", "ETH-USDT"), isolated(2, "1", "6")]
    found, gap = followed("margin_hf", rows)
    assert (gap, [chain.running.pair for chain in found.chains]) == (None, ["symbol"])
    gap = found.follow(lambda chain: chain.add([isolated(3, "1", "99")]) or chain.finish())
    assert gap is not None
    assert gap.account == ("ISOLATED_V2", "USDT", "BTC-USDT")


def test_a_copy_goes_on_alone() -> None:
    found = proof("margin_hf")
    assert found is not None
    start = [isolated(0, "5", "5"), isolated(0, "1", "1000", "ETH-USDT"), isolated(1, "1", "6", None)]
    assert found.follow(lambda chain: chain.add(start)) is None
    copied = found.copy()
    assert copied.follow(lambda chain: chain.add([isolated(2, "1", "7")]) or chain.finish()) is None
    account = ("ISOLATED_V2", "USDT", "BTC-USDT")
    assert (copied.best.last[account], found.best.last[account]) == (7, 5)
    assert found.follow(lambda chain: chain.add([isolated(2, "4", "10")]) or chain.finish()) is None


@pytest.mark.parametrize("name", CARRYING)
def test_only_futures_need_whole_objects(name: str) -> None:
    found = proof(name)
    assert found is not None
    assert found.needs_whole_objects == (name == "futures")
