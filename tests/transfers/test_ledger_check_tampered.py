"""The check fails what is not complete, and names the first place: object, row, expected, found."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from moments import DAY, TODAY, YESTERDAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Copy = Callable[..., list[dict[str, Any]]]
    Check = Callable[..., dict[str, Any]]
    Rewrite = Callable[..., None]
    Rows = list[dict[str, Any]]

BEFORE = "2026-02-01"
CARRYING = ("trade_hf", "margin_hf", "futures", "unified")
LEDGERS = ("spot", *CARRYING)
BALANCE = {"futures": "account_equity"}

every_ledger = pytest.mark.parametrize("ledger", LEDGERS)
carrying = pytest.mark.parametrize("ledger", CARRYING)
#: Which row, and in which of two objects. The last row of the range is another matter: nothing follows from it.
PLACES = {
    "first-of-the-range": (0, 0),
    "middle": (0, 20),
    "last-before-the-next-object": (0, -1),
    "first-of-the-next-object": (1, 0),
    "in-the-next-object": (1, 20),
}


@pytest.fixture
def written(exchange: Exchange, copy: Copy) -> Callable[..., list[str]]:
    """
    Write three days of a ledger, of which the last two are to be checked, and return these two.

    Every account has many rows, and no two changes make up for a third.
    """

    def written(ledger: str, *, days: int = 3, **arguments: Any) -> list[str]:
        exchange.account_mode = "unified" if ledger == "unified" else "classic"
        # A day after the other: three whole ones are more than some ledgers still have.
        exchange.clock_offset_ms -= days * DAY
        uris, number = [], 0
        for day in range(YESTERDAY - (days - 1) * DAY, TODAY, DAY):
            for minute in range(40):
                number += 1
                pair = ("BTC-USDT", "ETH-USDT")[minute // 2 % 2]
                exchange.book(
                    ledger=ledger,
                    created_at=day + minute * 600_000,
                    amount=str(1 << number % 30),
                    currency=("USDT", "BTC")[minute % 2],
                    direction="in" if number % 3 else "out",
                    context=pair if ledger == "futures" else f'{{"symbol":"{pair}"}}',
                )
            exchange.clock_offset_ms += DAY
            [result] = copy(ledger=ledger, window_start=day, window_end=day + DAY, **arguments)
            uris.append(result["uri"])
        return uris[-2:]

    return written


@pytest.fixture
def fails(check: Check) -> Callable[..., str]:
    """Check the last two days, and return in which words it fails."""

    def fails(ledger: str, **arguments: Any) -> str:
        with pytest.raises(AirflowFailException) as caught:
            check(**{"ledger": ledger, "window_start": YESTERDAY - DAY, **arguments})
        return str(caught.value)

    return fails


@pytest.fixture
def spoiled(rewrite: Rewrite, fails: Callable[..., str], bucket: Any) -> Callable[..., str]:
    """Return in which words the check fails when an object is changed, and put it back as it was."""

    def spoiled(ledger: str, uri: str, change: Callable[[Rows], Rows], *, honest: bool = True) -> str:
        body, about = bucket.read(uri), bucket.head(uri)["Metadata"]
        rewrite(uri, change, honest=honest)
        try:
            return fails(ledger)
        finally:
            key = uri.removeprefix(f"s3://{bucket.name}/")
            bucket.client.put_object(Bucket=bucket.name, Key=key, Body=body, Metadata=about)

    return spoiled


def without(rows: Rows, place: int) -> Rows:
    place %= len(rows)
    return rows[:place] + rows[place + 1 :]


def altered(rows: Rows, place: int, **changes: Callable[[Any], Any]) -> Rows:
    place %= len(rows)
    row = rows[place]
    return [*rows[:place], {**row, **{name: change(row[name]) for name, change in changes.items()}}, *rows[place + 1 :]]


def doubled(rows: Rows, place: int, **changes: Any) -> Rows:
    place %= len(rows)
    return [*rows[: place + 1], {**rows[place], **changes}, *rows[place + 1 :]]


def a_little_more(value: Decimal) -> Decimal:
    return Context(prec=60).add(value, Decimal("0.000000000000000001"))


def test_what_is_written_here_passes(written: Callable[..., list[str]], check: Check) -> None:
    """Or the tests below would prove nothing."""
    for ledger in LEDGERS:
        written(ledger)
        assert check(ledger=ledger, window_start=YESTERDAY - DAY)["rows"] == 80


# ------------------------------------------------------------------------------------------- rows, with honest metadata


@carrying
def test_a_row_that_was_removed_is_missed_by_the_balances(
    written: Callable[..., list[str]], spoiled: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    for name, (which, place) in PLACES.items():
        words = spoiled(ledger, uris[which], lambda rows, place=place: without(rows, place))
        assert "does not follow from the row before it: expected" in words, name


@carrying
def test_a_row_that_was_doubled_is_told_by_its_key_or_by_the_balances(
    written: Callable[..., list[str]], spoiled: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    key = {"offset": "999999999999999999"} if ledger == "futures" else {"id": "999999999999999999"}
    for name, (which, place) in PLACES.items():
        words = spoiled(ledger, uris[which], lambda rows, place=place: doubled(rows, place))
        assert "does not follow from the row before it" in words or "expected once, found again" in words, name
        words = spoiled(ledger, uris[which], lambda rows, place=place: doubled(rows, place, **key))
        assert "does not follow from the row before it" in words, name


@carrying
def test_a_row_of_which_the_smallest_digit_was_altered_is_told_by_the_balances(
    written: Callable[..., list[str]], spoiled: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    for name, (which, place) in PLACES.items():
        for field in ("amount", BALANCE.get(ledger, "balance")):
            change = {field: a_little_more}
            words = spoiled(
                ledger, uris[which], lambda rows, place=place, change=change: altered(rows, place, **change)
            )
            assert words.startswith(f"{uris[which]}, row "), (name, field)
            assert "does not follow from the row before it" in words, (name, field)


@pytest.mark.parametrize("ledger", ["trade_hf", "margin_hf", "unified"])
def test_a_row_whose_direction_was_altered_is_told_by_the_balances(
    written: Callable[..., list[str]], rewrite: Rewrite, fails: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    turned = {"in": "out", "out": "in", "IN": "OUT", "OUT": "IN"}
    rewrite(uris[0], lambda rows: altered(rows, 20, direction=turned.__getitem__))
    assert "does not follow from the row before it" in fails(ledger)


@carrying
def test_rows_that_changed_places_in_time_are_told_by_the_balances(
    written: Callable[..., list[str]], rewrite: Rewrite, fails: Callable[..., str], ledger: str
) -> None:
    """The futures' own count of rows tells the order of booking too, so it is changed with the time."""

    def swap(rows: Rows) -> Rows:
        names = ("created_at", "offset") if ledger == "futures" else ("created_at",)
        one, other = rows[10], rows[12]
        return [
            {**row, **{name: (other if row is one else one)[name] for name in names}} if row in (one, other) else row
            for row in sorted(rows, key=lambda row: row["created_at"])
        ]

    def swapped(rows: Rows) -> Rows:
        return sorted(swap(rows), key=lambda row: row["created_at"])

    uris = written(ledger)
    rewrite(uris[0], swapped)
    assert "does not follow from the row before it" in fails(ledger)


@pytest.mark.parametrize("ledger", ["trade_hf", "margin_hf", "futures"])
def test_what_was_done_to_the_last_row_is_told_by_the_live_balance(
    written: Callable[..., list[str]], spoiled: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    balance, key = BALANCE.get(ledger, "balance"), "offset" if ledger == "futures" else "id"

    def sign(row: dict[str, Any]) -> int:
        return -1 if row.get("direction") == "out" else 1

    def removed(rows: Rows) -> Rows:
        return rows[:-1]

    def amount_and_balance(rows: Rows) -> Rows:
        last = rows[-1]
        return [*rows[:-1], {**last, "amount": last["amount"] + 1, balance: last[balance] + sign(last)}]

    def another_row(rows: Rows) -> Rows:
        last = rows[-1]
        return [*rows, {**last, key: last[key] + "0", balance: last[balance] + sign(last) * last["amount"]}]

    for change in (removed, amount_and_balance, another_row):
        words = spoiled(ledger, uris[-1], change)
        assert re.search(r"the live balance of .*: expected .* as the last row says, found", words), change


@pytest.mark.parametrize("ledger", ["trade_hf", "margin_hf", "futures"])
def test_what_was_done_to_the_last_row_is_told_by_the_rows_since(
    written: Callable[..., list[str]], rewrite: Rewrite, fails: Callable[..., str], exchange: Exchange, ledger: str
) -> None:
    uris = written(ledger)
    for currency in ("USDT", "BTC"):
        exchange.book(ledger=ledger, created_at=TODAY + 1000, currency=currency, amount="3")
    rewrite(uris[-1], lambda rows: rows[:-1])
    words = fails(ledger)
    assert words.startswith("KuCoin's rows since then, row ")
    assert "does not follow from the row before it" in words


def test_where_the_live_balance_cannot_be_asked_for_the_last_row_is_said_not_to_be_proven(
    written: Callable[..., list[str]], rewrite: Rewrite, check: Check
) -> None:
    uris = written("unified")
    rewrite(uris[-1], lambda rows: rows[:-1])
    not_proven = check(ledger="unified", window_start=YESTERDAY - DAY)["not_proven"]
    assert not_proven == ["the live balance: how it is asked for is in no source for the unified ledger"]


def test_without_an_object_before_the_range_its_first_row_is_said_not_to_be_proven(
    written: Callable[..., list[str]], rewrite: Rewrite, check: Check
) -> None:
    uris = written("trade_hf", days=2)
    rewrite(uris[0], lambda rows: rows[1:])
    [not_proven] = check(ledger="trade_hf", window_start=YESTERDAY - DAY)["not_proven"]
    assert not_proven.startswith("what came before the first row of 2 balance(s), such as TRADE_HF/")


@pytest.mark.parametrize("ledger", ["trade_hf", "margin_hf", "futures"])
def test_a_live_balance_that_differs_fails_with_both(
    written: Callable[..., list[str]], fails: Callable[..., str], exchange: Exchange, ledger: str
) -> None:
    written(ledger)
    account = {"trade_hf": "trade", "margin_hf": "margin_v2", "futures": "contract"}[ledger]
    name = {"trade_hf": "TRADE_HF/USDT", "margin_hf": "MARGIN_V2/USDT", "futures": "USDT"}[ledger]
    last = exchange.balances.balance("USDT", account)
    for other in (last + 7, last - 7):
        exchange.balances.set("USDT", account, other)
        expected = f"the live balance of {name}: expected {last}, as the last row says, found {other}"
        assert fails(ledger).startswith(expected)


def test_a_currency_that_is_not_listed_any_more_is_not_taken_to_be_as_it_was(
    written: Callable[..., list[str]], fails: Callable[..., str], exchange: Exchange
) -> None:
    written("trade_hf")
    exchange.balances.clear()
    assert re.search(
        r"the live balance of TRADE_HF/\w+: expected -?\d+, as the last row says, found 0$", fails("trade_hf")
    )


@pytest.mark.parametrize("kind", ["ISOLATED_V2", "ISOLATED"])
@pytest.mark.parametrize("place", [1, 5, 14])
@pytest.mark.parametrize("told", [True, False], ids=["pair-told", "pair-not-told"])
def test_a_row_of_isolated_margin_that_was_removed_is_missed_by_the_balances(
    exchange: Exchange,
    copy: Copy,
    rewrite: Rewrite,
    fails: Callable[..., str],
    kind: str,
    place: int,
    told: bool,  # noqa: FBT001 - a parameter
) -> None:
    for number in range(60):
        pair = ("BTC-USDT", "ETH-USDT")[number % 2]
        is_told = told or number % 4 < 2
        exchange.book(
            ledger="margin_hf",
            created_at=YESTERDAY + number * 1000,
            account_type=kind,
            tag=pair,
            amount=str(1 << number),
            context=f'{{"symbol":"{pair}"}}' if is_told else "{}",
        )
    [result] = copy(ledger="margin_hf")
    rewrite(result["uri"], lambda rows: without(rows, 30 + place))
    assert "does not follow from the row before it" in fails("margin_hf", window_start=YESTERDAY)


@pytest.mark.parametrize("place", [1, 5, 14])
def test_a_row_of_a_unified_accounts_isolated_margin_that_was_removed_is_missed_by_the_balances(
    exchange: Exchange, copy: Copy, rewrite: Rewrite, fails: Callable[..., str], place: int
) -> None:
    exchange.account_mode = "unified"
    for number in range(60):
        pair = ("BTC-USDT", "ETH-USDT")[number % 2]
        exchange.book(
            ledger="unified",
            created_at=YESTERDAY + number * 1000,
            account_type="ISOLATED",
            tag=pair,
            amount=str(1 << number),
            context=f'{{"symbol":"{pair}","orderId":"{number}"}}',
        )
    [result] = copy(ledger="unified")
    rewrite(result["uri"], lambda rows: without(rows, 30 + place))
    assert "does not follow from the row before it" in fails("unified", window_start=YESTERDAY)


# ------------------------------------------------------------------------------------- rows, with metadata as they were


@every_ledger
def test_a_row_that_was_removed_is_missed_by_what_the_object_says_of_itself(
    written: Callable[..., list[str]], spoiled: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    for uri in uris:
        for place in (0, 20, -1):
            words = spoiled(ledger, uri, lambda rows, place=place: without(rows, place), honest=False)
            assert "expected 40 rows, as were written, found 39" in words or "does not follow" in words
            assert uri in words or ledger != "spot"


@every_ledger
def test_a_field_that_was_altered_is_told_by_what_the_object_says_of_itself(
    written: Callable[..., list[str]], spoiled: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    for field in ("biz_type", "currency", "amount"):
        change = {field: a_little_more if field == "amount" else lambda value: value + "X"}
        words = spoiled(ledger, uris[0], lambda rows, change=change: altered(rows, 20, **change), honest=False)
        assert words.startswith(uris[0])
        assert "its rows are not those that were written: expected sha256:" in words or "does not follow" in words


@every_ledger
def test_a_row_that_was_doubled_is_told_with_both_places(
    written: Callable[..., list[str]], rewrite: Rewrite, fails: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    rewrite(uris[0], lambda rows: doubled(rows, 20), honest=ledger == "spot")
    words = fails(ledger)
    assert uris[0] in words
    if ledger == "spot":
        assert re.search(rf"row \w+ of 2026-02-01T\S+: expected once, found again; it is also in {uris[0]}$", words)


# -------------------------------------------------------------------------------------------------------------- objects


@every_ledger
def test_an_object_that_is_missing_is_named(
    written: Callable[..., list[str]], bucket: Any, fails: Callable[..., str], ledger: str
) -> None:
    days = ("[2026-02-01T00:00:00Z, 2026-02-02T00:00:00Z)", "[2026-02-02T00:00:00Z, 2026-02-03T00:00:00Z)")
    for uri, day in reversed(list(zip(written(ledger), days, strict=True))):
        bucket.client.delete_object(Bucket=bucket.name, Key=uri.removeprefix(f"s3://{bucket.name}/"))
        assert fails(ledger).startswith(f"{uri} is missing: nothing holds {day}. Run the task that writes it")


@every_ledger
def test_an_id_that_is_in_two_objects_is_told_with_both(
    written: Callable[..., list[str]], rewrite: Rewrite, fails: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    key = "offset" if ledger == "futures" else "id"
    taken: list[dict[str, Any]] = []
    rewrite(uris[0], lambda rows: taken.append(rows[3]) or rows)  # type: ignore[func-returns-value]
    names = {"futures": ("currency", "offset"), "unified": ("account_type", "id")}.get(ledger, ("id",))

    def same_key(rows: Rows) -> Rows:
        place = next(
            n for n, row in enumerate(rows) if all(row[name] == taken[0][name] for name in names if name != key)
        )
        return altered(rows, place, **{key: lambda _: taken[0][key]})

    rewrite(uris[1], same_key)
    words = fails(ledger)
    assert re.search(rf"^{uris[1]}, row .*: expected once, found again; it is also in {uris[0]}$", words)


@every_ledger
def test_another_accounts_row_is_told(
    written: Callable[..., list[str]], rewrite: Rewrite, fails: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    rewrite(uris[1], lambda rows: altered(rows, 7, account_uid=lambda _: "42"))
    words = fails(ledger)
    assert words.startswith(f"{uris[1]}, row ")
    assert "expected account_uid 165111215, found 42" in words


@every_ledger
def test_a_row_outside_its_window_is_told(
    written: Callable[..., list[str]], spoiled: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    per = 1_000_000 if ledger == "unified" else 1
    for place, shift in ((0, -DAY * per), (-1, DAY * per)):
        moved = {"created_at": lambda value, shift=shift: value + shift}
        words = spoiled(ledger, uris[1], lambda rows, place=place, moved=moved: altered(rows, place, **moved))
        assert "expected created_at in [2026-02-02T00:00:00Z, 2026-02-03T00:00:00Z), found 2026-02-0" in words


@every_ledger
def test_an_object_that_says_it_is_something_else_proves_nothing(
    written: Callable[..., list[str]], bucket: Any, fails: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    key = uris[0].removeprefix(f"s3://{bucket.name}/")
    body, about = bucket.read(key), bucket.head(key)["Metadata"]
    for name, value, words in (
        ("kucoin.filters", '{"currency": "BTC"}', "holds only part of the ledger"),
        ("kucoin.ledger", "another", f"expected kucoin.ledger {ledger}, found another"),
        ("kucoin.window-end", "2026-02-01T12:00:00Z", "expected kucoin.window-end 2026-02-02T00:00:00Z, found 2026"),
    ):
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=body, Metadata={**about, name: value})
        found = fails(ledger)
        assert found.startswith(uris[0])
        assert words in found


def test_half_a_day_under_the_key_of_a_day_proves_nothing(
    copy: Copy, exchange: Exchange, fails: Callable[..., str]
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=40)
    copy(s3_key="{date}.{ext}", window_start=YESTERDAY + DAY // 2, window_end=TODAY)
    assert "expected kucoin.window-start" in fails("spot", window_start=YESTERDAY, s3_key="{date}.{ext}")


@every_ledger
def test_an_object_that_cannot_be_read_is_named(
    written: Callable[..., list[str]], bucket: Any, fails: Callable[..., str], ledger: str
) -> None:
    uris = written(ledger)
    for body in (b"", b"PAR1", b"PAR1 nonsense PAR1", b"{}"):
        bucket.client.put_object(Bucket=bucket.name, Key=uris[1].removeprefix(f"s3://{bucket.name}/"), Body=body)
        assert fails(ledger).startswith(f"{uris[1]}: it is not a parquet file of the {ledger} ledger")


def test_an_object_of_another_ledger_is_named(
    written: Callable[..., list[str]], copy: Copy, fails: Callable[..., str]
) -> None:
    written("trade_hf")
    key = {"s3_key": "kucoin/ledger=trade_hf/account={account}/date={date}/{start}_{end}.{ext}"}
    copy(ledger="futures", window_start=YESTERDAY - DAY, **key)
    assert "expected kucoin.ledger trade_hf, found futures" in fails("trade_hf")


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
@carrying
def test_text_that_was_tampered_with_is_told(
    written: Callable[..., list[str]], bucket: Any, fails: Callable[..., str], ledger: str, file_format: str
) -> None:
    uris = written(ledger, file_format=file_format, compression="none")
    lines = bucket.text(uris[0]).splitlines(keepends=True)
    key = uris[0].removeprefix(f"s3://{bucket.name}/")
    bucket.client.put_object(
        Bucket=bucket.name,
        Key=key,
        Body="".join([*lines[:20], *lines[21:]]).encode(),
        Metadata={**bucket.head(key)["Metadata"], "kucoin.rows": "39"},
    )
    words = fails(ledger, file_format=file_format, compression="none")
    assert "does not follow from the row before it" in words


@every_ledger
def test_hourly_objects_are_told_apart(
    copy: Copy, exchange: Exchange, rewrite: Rewrite, fails: Callable[..., str], ledger: str
) -> None:
    exchange.account_mode = "unified" if ledger == "unified" else "classic"
    hour = DAY // 24
    for minute in range(40):
        exchange.book(ledger=ledger, created_at=YESTERDAY + minute * 180_000, amount=str(1 << minute))
    uris = [
        copy(ledger=ledger, window_start=start, window_end=start + hour)[0]["uri"]
        for start in (YESTERDAY, YESTERDAY + hour)
    ]
    rewrite(uris[1], lambda rows: without(rows, 0), honest=ledger != "spot")
    words = fails(ledger, window_start=YESTERDAY, window_end=YESTERDAY + 2 * hour, window_length=timedelta(hours=1))
    assert words.startswith(uris[1])
