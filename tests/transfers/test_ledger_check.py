"""The check passes what is complete, under every reading, and says what it could not prove."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from moments import TODAY, YESTERDAY

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.operators.ledger_check import KucoinLedgerCheckOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Copy = Callable[..., list[dict[str, Any]]]
    Check = Callable[..., dict[str, Any]]

HOUR, DAY = 3_600_000, 86_400_000
LEDGERS = ("spot", "trade_hf", "margin_hf", "futures", "unified")
CARRYING = LEDGERS[1:]

every_ledger = pytest.mark.parametrize("ledger", LEDGERS)
carrying = pytest.mark.parametrize("ledger", CARRYING)
LIVE_OF_UNIFIED = "the live balance: how it is asked for is in no source for the unified ledger"


@pytest.fixture
def honest(exchange: Exchange, copy: Copy, check: Check) -> Callable[..., dict[str, Any]]:
    """Fill three days of a ledger and today, copy the last two, check the last, and return what the check returned."""

    def honest(ledger: str, rows: int = 120, **arguments: Any) -> dict[str, Any]:
        exchange.account_mode = "unified" if ledger == "unified" else "classic"
        exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=rows, ledger=ledger)
        if exchange.readings.offsets == "shared":
            exchange.seed_ledger(TODAY, TODAY + DAY // 4, rows_per_day=rows, ledger=ledger, seed=8)
        copy(ledger=ledger, window_start=YESTERDAY - DAY, window_end=TODAY, **arguments)
        return check(ledger=ledger, **arguments)

    return honest


# ---------------------------------------------------------------------------------------------------- what is complete


@every_ledger
def test_what_is_complete_passes_with_the_last_balance_of_each_account(
    honest: Callable[..., dict[str, Any]], exchange: Exchange, ledger: str
) -> None:
    found = honest(ledger)
    balances, not_proven = found.pop("balances"), found.pop("not_proven")
    rows = list(exchange.entries(YESTERDAY, TODAY, ledger=ledger))
    assert found == {
        "objects": 1,
        "rows": len(rows),
        "window_start": "2026-02-02T00:00:00Z",
        "window_end": "2026-02-03T00:00:00Z",
    }
    if ledger == "spot":
        assert (balances, not_proven) == ({}, ["the balances: the spot ledger has none"])
        return
    last = {(row.get("accountType", ""), row["currency"]): row.get("balance", row.get("accountEquity")) for row in rows}
    for (kind, currency), balance in last.items():
        if not kind.startswith("ISOLATED"):
            name = f"{kind}/{currency}" if kind else currency
            assert Decimal(balances[name]) == Decimal(balance)
    # Some rows of isolated margin do not tell their pair, and are the first of it.
    assert all("without" in one or one == LIVE_OF_UNIFIED for one in not_proven)
    assert (LIVE_OF_UNIFIED in not_proven) == (ledger == "unified")
    assert json.loads(json.dumps(balances)) == balances


@every_ledger
@pytest.mark.parametrize(("file_format", "compression"), [("jsonl", None), ("csv", "none")])
def test_what_is_complete_passes_in_every_format(
    honest: Callable[..., dict[str, Any]], ledger: str, file_format: str, compression: str | None
) -> None:
    assert honest(ledger, rows=40, file_format=file_format, compression=compression)["rows"] >= 40


@every_ledger
def test_days_without_rows_pass(copy: Copy, check: Check, exchange: Exchange, ledger: str) -> None:
    exchange.account_mode = "unified" if ledger == "unified" else "classic"
    copy(ledger=ledger, window_start=YESTERDAY - DAY)
    found = check(ledger=ledger, window_start=YESTERDAY - DAY)
    assert (found["objects"], found["rows"], found["balances"]) == (2, 0, {})


@carrying
def test_balances_run_on_over_days_without_rows(copy: Copy, check: Check, exchange: Exchange, ledger: str) -> None:
    exchange.account_mode = "unified" if ledger == "unified" else "classic"
    exchange.book(ledger=ledger, created_at=YESTERDAY - DAY, amount="5")
    exchange.book(ledger=ledger, created_at=TODAY - 1, amount="7")
    exchange.book(ledger=ledger, created_at=TODAY + 1, amount="1")
    start = YESTERDAY - DAY
    copy(ledger=ledger, window_start=start)
    assert set(check(ledger=ledger, window_start=start)["balances"].values()) == {"12"}


def test_a_million_rows_would_not_be_held_in_memory_for_a_check(copy: Copy, check: Check, exchange: Exchange) -> None:
    """Rows come in batches, and only the last balances are kept: here are more than two batches of them."""
    exchange.enforce_quota = False
    exchange.synthesize_ledger(YESTERDAY, TODAY, rows=12_000, ledger="trade_hf")
    copy(ledger="trade_hf")
    found = check(ledger="trade_hf")
    assert found["rows"] == 12_000
    assert set(found["balances"]) == {f"TRADE_HF/{code}" for code in ("USDT", "BTC", "ETH", "KCS")}


def test_many_rows_of_futures_pass(copy: Copy, check: Check, exchange: Exchange) -> None:
    exchange.enforce_quota = False
    exchange.synthesize_ledger(YESTERDAY, TODAY, rows=5_000, ledger="futures")
    copy(ledger="futures")
    assert check(ledger="futures")["rows"] == 5_000


def test_hourly_objects_are_checked_with_their_length(copy: Copy, check: Check, exchange: Exchange) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=240, ledger="trade_hf")
    for hour in range(4):
        copy(ledger="trade_hf", window_start=YESTERDAY + hour * HOUR, window_end=YESTERDAY + (hour + 1) * HOUR)
    found = check(
        ledger="trade_hf",
        window_start=YESTERDAY,
        window_end=YESTERDAY + 4 * HOUR,
        window_length=timedelta(hours=1),
    )
    assert found["objects"] == 4
    with pytest.raises(AirflowFailException, match="is missing: nothing holds"):
        check(ledger="trade_hf", window_start=YESTERDAY, window_end=YESTERDAY + DAY)


def test_a_range_that_whole_windows_do_not_cover_is_refused(check: Check, exchange: Exchange) -> None:
    with pytest.raises(AirflowFailException, match=r"is no multiple of window_length=1 day"):
        check(window_start=YESTERDAY, window_end=TODAY + HOUR)
    assert len(exchange.requests) == 0


@pytest.mark.parametrize("length", [timedelta(0), timedelta(hours=-1)])
def test_windows_without_length_are_refused_while_the_dag_is_parsed(length: timedelta) -> None:
    with pytest.raises(InvalidInput, match="is not positive"):
        KucoinLedgerCheckOperator(task_id="check", s3_bucket="lake", window_length=length)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ledger": "swap"}, "ledger='swap' is not one of 'spot'"),
        ({"file_format": "xml"}, "file_format='xml'"),
        ({"compression": "lzma"}, "compression='lzma'"),
        ({"s3_key": "{day}"}, r"unknown placeholder \{day\}"),
        ({"s3_key": "one", "window_start": YESTERDAY - DAY}, "would both be written to one object"),
        ({"s3_bucket": ""}, "s3_bucket is empty"),
        ({"window_start": "yesterday"}, "is not a time"),
    ],
)
def test_bad_input_is_refused_before_any_request(
    check: Check, exchange: Exchange, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        check(**arguments)
    assert len(exchange.requests) == 0


# ------------------------------------------------------------------------------------------------------------ readings


@carrying
@pytest.mark.parametrize("ids_rise", [True, False], ids=["ids-rise", "ids-do-not-rise"])
def test_fees_beside_the_amounts_are_no_break_also_among_ties(
    honest: Callable[..., dict[str, Any]],
    exchange: Exchange,
    ledger: str,
    ids_rise: bool,  # noqa: FBT001 - a reading
) -> None:
    exchange.readings.fee_beside_amount = CARRYING
    exchange.readings.ids_rise_with_time = ids_rise
    exchange.readings.ties = "shuffled"
    assert honest(ledger)["rows"] == len(list(exchange.entries(YESTERDAY, TODAY, ledger=ledger)))


@pytest.mark.parametrize("fee", ["inside", "beside"])
@carrying
def test_ties_that_were_booked_in_another_order_than_that_of_their_ids_are_no_break(
    copy: Copy, check: Check, exchange: Exchange, ledger: str, fee: str
) -> None:
    exchange.account_mode = "unified" if ledger == "unified" else "classic"
    fees = Decimal("0.25") if fee == "beside" else Decimal(0)
    balance = Decimal(100)
    booked = []
    for number, amount in enumerate((5, -3, 8, 2, -1, 4)):
        balance += amount - fees
        booked.append((number, amount, balance))
    for place, (number, amount, after) in enumerate([booked[0], *booked[:0:-1]]):
        exchange.book(
            ledger=ledger,
            created_at=YESTERDAY + (1000 if number else 0),
            amount=str(abs(amount)),
            direction="in" if amount > 0 else "out",
            fee="0.25",
            balance=after,
            id=10_000 + place,
        )
    field = (
        "contract" if ledger == "futures" else {"trade_hf": "trade", "margin_hf": "margin_v2"}.get(ledger, "unified")
    )
    exchange.balances.set("USDT", field, balance)
    copy(ledger=ledger)
    assert set(check(ledger=ledger)["balances"].values()) == {f"{balance.normalize():f}"}


@pytest.mark.parametrize("balance", ["pair", "currency"])
@pytest.mark.parametrize("names", ["v2", "renamed"])
def test_isolated_margin_is_followed_by_pair_or_by_currency(
    copy: Copy, check: Check, exchange: Exchange, balance: Any, names: Any
) -> None:
    exchange.readings.isolated_balance, exchange.readings.margin_account_types = balance, names
    kind = "ISOLATED_V2" if names == "v2" else "ISOLATED"
    for number in range(30):
        pair = "BTC-USDT" if number % 3 else "ETH-USDT"
        exchange.book(
            ledger="margin_hf",
            created_at=YESTERDAY + number // 2,
            account_type=kind,
            tag=pair,
            amount=str(100 + number),
            context="{}" if number % 5 == 4 else f'{{"symbol":"{pair}"}}',
        )
        exchange.book(ledger="margin_hf", created_at=YESTERDAY + number // 2, amount="3")
    copy(ledger="margin_hf")
    found = check(ledger="margin_hf")
    cross = "MARGIN_V2" if names == "v2" else "MARGIN"
    assert found["balances"][f"{cross}/USDT"] == "90"
    expected = {f"{kind}/USDT"} if balance == "currency" else {f"{kind}/USDT/BTC-USDT", f"{kind}/USDT/ETH-USDT"}
    assert set(found["balances"]) - {f"{cross}/USDT"} == expected


def test_a_pair_whose_first_row_does_not_name_it_is_no_break_beside_one_that_has_no_rows(
    copy: Copy, check: Check, exchange: Exchange
) -> None:
    """Only one pair has rows, so they follow by currency too, and that is less than what all pairs hold."""
    exchange.balances.set("USDT", "isolated_v2:ETH-USDT", "1000")
    for number, context in enumerate(["{}", '{"symbol":"BTC-USDT"}', '{"symbol":"BTC-USDT"}']):
        exchange.book(
            ledger="margin_hf",
            created_at=YESTERDAY + number,
            account_type="ISOLATED_V2",
            tag="BTC-USDT",
            context=context,
        )
    copy(ledger="margin_hf")
    assert check(ledger="margin_hf")["rows"] == 3


@pytest.mark.parametrize("owed", ["0", "40.5"])
def test_a_margin_balance_may_have_debts_and_holds(
    honest: Callable[..., dict[str, Any]], exchange: Exchange, owed: str
) -> None:
    exchange.owe("USDT", owed, "0.25")
    exchange.owe("BTC", owed, account="isolated_v2:BTC-USDT")
    assert honest("margin_hf")["rows"] > 0


@pytest.mark.parametrize("offsets", ["shared", "per_currency"])
@pytest.mark.parametrize("ids_rise", [True, False], ids=["offsets-rise", "offsets-do-not-rise"])
def test_futures_offsets_may_be_counted_in_any_way(
    honest: Callable[..., dict[str, Any]],
    exchange: Exchange,
    offsets: Any,
    ids_rise: bool,  # noqa: FBT001 - a reading
) -> None:
    exchange.readings.offsets, exchange.readings.ids_rise_with_time = offsets, ids_rise
    assert set(honest("futures")["balances"]) == {"USDT", "XBT", "ETH"}


def test_futures_whose_offsets_are_the_order_of_booking_and_their_times_are_not_pass(
    copy: Copy, check: Check, exchange: Exchange
) -> None:
    for offset, (ms, amount, equity) in enumerate([(0, 5, 5), (900, 2, 7), (300, 1, 8), (600, 4, 12)], start=1):
        exchange.book(ledger="futures", created_at=YESTERDAY + ms, amount=str(amount), balance=str(equity), id=offset)
    exchange.balances.set("USDT", "contract", "12")
    copy(ledger="futures")
    assert check(ledger="futures")["balances"] == {"USDT": "12"}


@pytest.mark.parametrize("unrealised", ["0", "20.15278", "-7.5"])
def test_the_live_equity_of_futures_may_have_in_it_what_is_not_realised(
    honest: Callable[..., dict[str, Any]], exchange: Exchange, unrealised: str
) -> None:
    exchange.set_futures_account("USDT", unrealised_pnl=unrealised, position_margin="3")
    assert honest("futures")["rows"] > 0


@pytest.mark.parametrize("counted", [True, False], ids=["counted", "not-counted"])
@pytest.mark.parametrize("equity", ["before", "after"])
@pytest.mark.parametrize("shown", ["always", "in_window"])
def test_what_is_not_settled_yet_may_be_in_the_live_equity_of_futures(
    honest: Callable[..., dict[str, Any]],
    exchange: Exchange,
    counted: bool,  # noqa: FBT001 - a reading
    equity: Any,
    shown: Any,
) -> None:
    exchange.readings.pending_in_overview, exchange.readings.pending_equity = counted, equity
    exchange.readings.pending_shown = shown
    exchange.set_pending("USDT", "1.5", at_ms=TODAY + DAY // 2 - 60_000)
    exchange.set_pending("USDT", "-0.25", symbol="ETHUSDTM", at_ms=TODAY + DAY // 2 - 60_000)
    assert honest("futures")["rows"] > 0


@pytest.mark.parametrize("name", ["trade", "trade_hf"])
def test_the_trading_account_may_be_listed_under_two_names(
    honest: Callable[..., dict[str, Any]], exchange: Exchange, name: Any
) -> None:
    exchange.readings.hf_account_type = name
    assert honest("trade_hf")["not_proven"] == []


@pytest.mark.parametrize("amount", ["positive", "signed"])
def test_amounts_of_the_unified_ledger_may_have_signs(
    honest: Callable[..., dict[str, Any]], exchange: Exchange, amount: Any
) -> None:
    exchange.readings.unified_amount = amount
    assert honest("unified")["rows"] > 0


# ------------------------------------------------------------------------------------------------------ live balances


@pytest.mark.parametrize("ledger", ["trade_hf", "margin_hf", "futures"])
def test_rows_since_the_range_are_allowed_for(
    honest: Callable[..., dict[str, Any]], exchange: Exchange, check: Check, ledger: str
) -> None:
    honest(ledger)
    exchange.book(ledger=ledger, created_at=exchange.now_ms() - 1000, amount="0.5")
    assert check(ledger=ledger)["rows"] > 0


@pytest.mark.parametrize("ledger", ["trade_hf", "margin_hf", "futures"])
def test_an_account_that_was_emptied_need_not_be_listed(
    copy: Copy, check: Check, exchange: Exchange, ledger: str
) -> None:
    exchange.book(ledger=ledger, created_at=YESTERDAY, amount="5")
    exchange.book(ledger=ledger, created_at=YESTERDAY + 1, amount="5", direction="out")
    copy(ledger=ledger)
    exchange.balances.clear()
    assert set(check(ledger=ledger)["balances"].values()) == {"0"}


@pytest.mark.parametrize("ledger", ["trade_hf", "margin_hf", "futures"])
def test_a_row_that_is_booked_between_the_two_questions_is_no_difference(
    honest: Callable[..., dict[str, Any]],
    exchange: Exchange,
    check: Check,
    connect: Callable[..., Any],
    server: Any,
    tap: Callable[..., Any],
    through: Callable[..., Any],
    ledger: str,
) -> None:
    honest(ledger)
    is_futures = ledger == "futures"
    respond = through(lambda request: replace(request, futures=is_futures))
    target = {
        "trade_hf": "/api/v1/accounts",
        "margin_hf": "/api/v3/margin/accounts?queryType=ALL",
        "futures": "/api/v1/account-overview?currency=USDT",
    }[ledger]
    answered: list[str] = []

    def meanwhile(heard: Any) -> Any:
        said = respond(heard)
        if heard.target == target and not answered:
            exchange.book(ledger=ledger, created_at=exchange.now_ms(), amount="0.5")
        answered.extend([heard.target] if heard.target == target else [])
        return said

    url = tap(meanwhile).url
    connect(server.connection(futures_host=url) if is_futures else {**server.connection(), "host": url})
    assert check(ledger=ledger)["rows"] > 0
    assert len(answered) == 2


def test_the_live_balance_is_not_asked_for_where_it_is_not_wanted(
    honest: Callable[..., dict[str, Any]], exchange: Exchange, check: Check
) -> None:
    honest("trade_hf")
    exchange.balances.set("USDT", "trade", "1")
    exchange.requests.clear()
    assert check(ledger="trade_hf", live_balance=False)["not_proven"] == []
    assert not [record for record in exchange.requests if record.path == "/api/v1/accounts"]


def test_where_kucoin_no_longer_has_the_rows_since_the_live_balance_is_said_not_to_be_proven(
    honest: Callable[..., dict[str, Any]], exchange: Exchange, check: Check
) -> None:
    honest("trade_hf")
    exchange.clock_offset_ms += 5 * DAY
    assert check(ledger="trade_hf")["not_proven"] == [
        "the live balance: KuCoin no longer has all rows since 2026-02-03T00:00:00Z"
    ]


@carrying
def test_what_came_before_the_first_row_is_said_not_to_be_proven_where_nothing_tells(
    copy: Copy, check: Check, exchange: Exchange, ledger: str, capfd: pytest.CaptureFixture[str]
) -> None:
    exchange.account_mode = "unified" if ledger == "unified" else "classic"
    exchange.book(ledger=ledger, created_at=YESTERDAY)
    copy(ledger=ledger)
    not_proven = check(ledger=ledger)["not_proven"]
    assert any(one.startswith("what came before the first row of 1 balance(s)") for one in not_proven)
    assert "not proven: what came before the first row" in "".join(capfd.readouterr())


@pytest.mark.parametrize("wrong", ["other-window", "part", "broken-chain"])
def test_an_object_before_the_range_that_proves_nothing_is_not_gone_on_from(
    copy: Copy, check: Check, exchange: Exchange, bucket: Any, rewrite: Callable[..., None], wrong: str
) -> None:
    exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=40, ledger="trade_hf")
    [before, _] = copy(ledger="trade_hf", window_start=YESTERDAY - DAY)
    key = before["uri"].removeprefix(f"s3://{bucket.name}/")
    if wrong == "broken-chain":
        rewrite(key, lambda rows: rows[:20] + rows[21:])
    else:
        changes = {"other-window": {"kucoin.window-start": "2026-02-01T12:00:00Z"}, "part": {"kucoin.filters": "{...}"}}
        bucket.client.put_object(
            Bucket=bucket.name,
            Key=key,
            Body=bucket.read(key),
            Metadata={**bucket.head(key)["Metadata"], **changes[wrong]},
        )
    not_proven = check(ledger="trade_hf")["not_proven"]
    assert [one[:50] for one in not_proven] == ["what came before the first row of 5 balance(s), su"]


def test_a_key_that_is_the_same_every_day_is_not_taken_for_the_day_before(
    copy: Copy, check: Check, exchange: Exchange
) -> None:
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=40, ledger="trade_hf")
    copy(ledger="trade_hf", s3_key="latest.{ext}")
    assert check(ledger="trade_hf", s3_key="latest.{ext}")["rows"] == 40
