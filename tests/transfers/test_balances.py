"""A snapshot of all balances: every kind of them, by every kind of key, under the moment at which the run was due."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kucoin.transfers.balances_to_s3 import KucoinBalancesToS3Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import ApiKey, Exchange, Server

    Snapshot = Callable[..., dict[str, Any]]

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
SUB_UID = 555

SCHEMA = {
    "account_uid": "string",
    "taken_at": "timestamp[ms, tz=UTC]",
    "source": "string",
    "owner": "string",
    "owner_name": "string",
    "account_type": "string",
    "symbol": "string",
    "reference": "string",
    "currency": "string",
    "total": "decimal128(38, 18)",
    "available": "decimal128(38, 18)",
    "hold": "decimal128(38, 18)",
    "liability": "decimal128(38, 18)",
    "unrealised_pnl": "decimal128(38, 18)",
    "margin_balance": "decimal128(38, 18)",
    "status": "string",
    "_extra": "string",
}


@pytest.fixture
def rich(exchange: Exchange) -> Exchange:
    """An account that has some of everything, and a sub-account."""
    balances = exchange.balances
    balances.set("USDT", "main", "1000.000000000000000001", holds="1")
    balances.set("BTC", "trade", "0.5")
    balances.set("USDT", "margin_v2", "250", holds="50")
    balances.set("BTC", "isolated_v2:BTC-USDT", "0.25")
    balances.set("USDT", "contract", "394.439280806")
    balances.set("XBT", "contract", "0.0001")
    exchange.owe("USDT", "40", "0.5")
    exchange.set_futures_account("USDT", unrealised_pnl="20.15278", position_margin="100", order_margin="10.5")
    exchange.add_earn_holding("KCS", "7", redeemingAmount="1", status="REDEEMING")
    exchange.add_sub_account(SUB_UID, user_id="63743f07e0c5230001761d08", name="testapi6")
    balances.set("USDT", "main", "3", uid=SUB_UID)
    balances.set("USDT", "contract", "4.5", uid=SUB_UID)
    return exchange


def due(moment: datetime) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(run_after=moment)}


def rows_of(bucket: Any, result: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bucket.table(result["uri"]).to_pylist()
    return found


ABOUT = ("source", "owner_name", "account_type", "symbol", "currency")


def told(rows: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    """Return what each row is about, and its total."""
    return {(*(row[name] or "" for name in ABOUT), f"{row['total'].normalize():f}") for row in rows}


EVERYTHING = {
    ("accounts", "", "main", "", "USDT", "1000.000000000000000001"),
    ("accounts", "", "trade", "", "BTC", "0.5"),
    ("cross_margin", "", "cross", "", "USDT", "250"),
    ("isolated_margin", "", "isolated", "BTC-USDT", "BTC", "0.25"),
    ("isolated_margin", "", "isolated", "BTC-USDT", "USDT", "0"),
    ("futures", "", "futures", "", "USDT", "414.592060806"),
    ("futures", "", "futures", "", "XBT", "0.0001"),
    ("earn", "", "earn", "", "KCS", "7"),
    ("sub_accounts", "testapi6", "main", "", "USDT", "3"),
    ("sub_futures", "testapi6", "futures", "", "USDT", "4.5"),
    ("sub_futures", "testapi6", "futures", "", "XBT", "0"),
}


# ----------------------------------------------------------------------------------------------------------- everything


def test_a_snapshot_has_every_kind_of_balance(snapshot: Snapshot, rich: Exchange, bucket: Any) -> None:
    result = snapshot()
    rows = rows_of(bucket, result)
    assert told(rows) == EVERYTHING
    assert result["rows"] == len(rows) == len(EVERYTHING)
    assert {row["account_uid"] for row in rows} == {str(rich.key.uid)}
    assert {row["_extra"] for row in rows} == {None}
    assert all(NOON <= row["taken_at"] < NOON + timedelta(minutes=5) for row in rows)
    assert json.loads(json.dumps(result)) == result


def test_each_row_says_what_is_held_and_owed(snapshot: Snapshot, rich: Exchange, bucket: Any) -> None:
    del rich
    by = {(row["source"], row["account_type"], row["currency"]): row for row in rows_of(bucket, snapshot())}
    main = by["accounts", "main", "USDT"]
    assert (main["available"], main["hold"]) == (Decimal("999.000000000000000001"), Decimal(1))
    cross = by["cross_margin", "cross", "USDT"]
    assert (cross["available"], cross["hold"], cross["liability"]) == (200, 50, Decimal("40.5"))
    futures = by["futures", "futures", "USDT"]
    assert (futures["unrealised_pnl"], futures["margin_balance"]) == (Decimal("20.15278"), Decimal("394.439280806"))
    assert futures["hold"] == Decimal("110.5")
    earn = by["earn", "earn", "KCS"]
    assert (earn["hold"], earn["status"]) == (1, "REDEEMING")
    sub = by["sub_accounts", "main", "USDT"]
    assert (sub["owner"], sub["owner_name"]) == ("63743f07e0c5230001761d08", "testapi6")


def test_the_declared_schema_is_the_same_without_rows(snapshot: Snapshot, rich: Exchange, bucket: Any) -> None:
    full = bucket.table(snapshot()["uri"]).schema
    rich.balances.clear()
    empty = snapshot(include=["accounts"])
    table = bucket.table(empty["uri"])
    assert (empty["rows"], table.num_rows) == (0, 0)
    assert {field.name: str(field.type) for field in full} == SCHEMA
    assert table.schema.equals(full)
    # Nothing is a finding of that moment too.
    assert empty["taken_at"].startswith("2026-02-03T12:0")


@pytest.mark.parametrize(("file_format", "compression"), [("jsonl", None), ("jsonl", "none"), ("csv", "zstd")])
def test_text_formats_say_the_same(
    snapshot: Snapshot, rich: Exchange, bucket: Any, file_format: str, compression: str | None
) -> None:
    del rich
    parquet = rows_of(bucket, snapshot(due(NOON)))
    text = snapshot(due(NOON), file_format=file_format, compression=compression)
    lines = bucket.text(text["uri"]).splitlines()
    assert len(lines) == len(parquet) + (file_format == "csv")
    assert "1000.000000000000000001" in "".join(lines)
    if file_format == "jsonl":
        found = [json.loads(line) for line in lines]
        assert [row["total"] for row in found] == [f"{row['total'].normalize():f}" for row in parquet]
        assert all(row["taken_at"].endswith("Z") for row in found)


def test_an_object_says_what_it_holds(snapshot: Snapshot, rich: Exchange, bucket: Any) -> None:
    result = snapshot(due(NOON))
    assert bucket.keys == [f"kucoin/balances/account={rich.key.uid}/date=2026-02-03/20260203T120000Z.parquet"]
    about = bucket.head(result["uri"])["Metadata"]
    assert (
        about.items()
        >= {
            "kucoin.dataset": "balances",
            "kucoin.account-uid": str(rich.key.uid),
            "kucoin.rows": str(result["rows"]),
            "kucoin.taken-at": result["taken_at"],
        }.items()
    )
    assert {name: bucket.footer(result["uri"])[name] for name in about} == about


def test_a_settlement_currency_that_is_not_among_the_usual_is_asked_for(
    snapshot: Snapshot, rich: Exchange, bucket: Any
) -> None:
    rich.histories.contracts["ETHUSDCM"] = {
        **rich.histories.contracts["XBTUSDTM"],
        "symbol": "ETHUSDCM",
        "settleCurrency": "USDC",
    }
    rich.balances.set("USDC", "contract", "9")
    rows = rows_of(bucket, snapshot(include="futures"))
    assert {(row["currency"], row["total"]) for row in rows} >= {("USDC", Decimal(9))}


def test_many_sub_accounts_and_holdings_come_in_pages(snapshot: Snapshot, exchange: Exchange, bucket: Any) -> None:
    for number in range(230):
        exchange.add_sub_account(1000 + number, name=f"sub{number:04}")
        exchange.balances.set("USDT", "main", str(number + 1), uid=1000 + number)
    for number in range(510):
        exchange.add_earn_holding("KCS", str(number + 1))
    rows = rows_of(bucket, snapshot(include=["sub_accounts", "earn"]))
    assert sorted(int(row["total"]) for row in rows if row["source"] == "sub_accounts") == [*range(1, 231)]
    assert sorted(int(row["total"]) for row in rows if row["source"] == "earn") == [*range(1, 511)]


# ----------------------------------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [
        (("General",), {"futures"}),
        (("General", "Futures"), set()),
        (("General", "Spot", "Margin"), {"futures"}),
    ],
)
def test_what_the_key_may_not_read_is_left_out_and_said_to_be(
    snapshot: Snapshot,
    rich: Exchange,
    bucket: Any,
    caplog: pytest.LogCaptureFixture,
    permissions: tuple[str, ...],
    missing: set[str],
) -> None:
    rich.replace_key(replace(rich.key, permissions=permissions))
    rows = rows_of(bucket, snapshot())
    assert told(rows) == {row for row in EVERYTHING if row[0] not in missing}
    log = caplog.text
    for name in missing:
        assert f"left out: {name}: the key has no permission Futures" in log


@pytest.fixture
def sub_key(rich: Exchange, server: Server, connect: Callable[..., Any]) -> ApiKey:
    """The key of the sub-account, and `kucoin_default` a connection with it."""
    key = rich.add_key(
        replace(rich.key, key="5" * 24, uid=SUB_UID, is_master=False, sub_name="testapi6", parent_uid=rich.key.uid)
    )
    connect(server.connection(key))
    return key


@pytest.mark.parametrize("reading", ["refused", "empty"])
def test_the_key_of_a_sub_account_reads_its_own_balances(
    snapshot: Snapshot, rich: Exchange, sub_key: ApiKey, bucket: Any, reading: Any
) -> None:
    rich.readings.sub_accounts_with_sub_key = reading
    rows = rows_of(bucket, snapshot())
    assert told(rows) == {
        ("accounts", "", "main", "", "USDT", "3"),
        ("futures", "", "futures", "", "USDT", "4.5"),
        ("futures", "", "futures", "", "XBT", "0"),
    }
    assert {row["account_uid"] for row in rows} == {str(sub_key.uid)}


def test_what_is_asked_for_and_not_allowed_fails(snapshot: Snapshot, sub_key: ApiKey, bucket: Any) -> None:
    assert not sub_key.is_master
    with pytest.raises(AirflowFailException, match="400007"):
        snapshot(include=["accounts", "sub_accounts"])
    assert bucket.keys == []


def test_what_is_asked_for_without_the_permission_fails_with_what_to_do(
    snapshot: Snapshot, rich: Exchange, bucket: Any
) -> None:
    rich.replace_key(replace(rich.key, permissions=("General",)))
    with pytest.raises(AirflowFailException, match=r"account-overview.*400007.*grant the permission"):
        snapshot(include=["futures"])
    assert bucket.keys == []


@pytest.mark.parametrize("codes", [("116104", "112010"), ("112010", "116104")], ids="-".join)
def test_a_unified_account_has_none_of_the_classic_balances_and_that_is_said(
    snapshot: Snapshot, rich: Exchange, bucket: Any, caplog: pytest.LogCaptureFixture, codes: tuple[str, str]
) -> None:
    rich.account_mode = "unified"
    rich.readings.wrong_mode_codes = dict(zip(("classic", "unified"), codes, strict=True))
    result = snapshot()
    sources = {row["source"] for row in rows_of(bucket, result)}
    assert sources == {"sub_accounts"}
    log = caplog.text
    for name in ("accounts", "cross_margin", "isolated_margin", "futures", "earn", "sub_futures"):
        assert f"left out: {name}: the account has none" in log


def test_what_is_asked_for_and_the_account_has_not_fails(snapshot: Snapshot, rich: Exchange, bucket: Any) -> None:
    rich.account_mode = "unified"
    with pytest.raises(AirflowFailException, match=r"116104|112010"):
        snapshot(include=["accounts"])
    assert bucket.keys == []


# -------------------------------------------------------------------------------------------------------------- include


@pytest.mark.parametrize(
    ("include", "sources"),
    [
        (["accounts"], {"accounts"}),
        (["futures", "earn"], {"futures", "earn"}),
        ("futures, earn", {"futures", "earn"}),
        (["accounts", "accounts"], {"accounts"}),
        ([], {row[0] for row in EVERYTHING}),
        ("", {row[0] for row in EVERYTHING}),
    ],
)
@pytest.mark.usefixtures("rich")
def test_only_what_is_asked_for_is_read(snapshot: Snapshot, bucket: Any, include: Any, sources: set[str]) -> None:
    rows = rows_of(bucket, snapshot(include=include))
    assert told(rows) == {row for row in EVERYTHING if row[0] in sources}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"include": ["savings"]}, "include='savings' is not one of 'accounts', 'cross_margin'"),
        ({"include": "accounts,savings"}, "include='savings' is not one of"),
        ({"file_format": "xml"}, "file_format='xml' is not one of"),
        ({"compression": "lzma"}, "compression='lzma'"),
        ({"s3_key": "{day}"}, r"unknown placeholder \{day\}"),
        ({"s3_bucket": ""}, "s3_bucket is empty"),
        ({"s3_bucket": "nowhere"}, "s3_bucket='nowhere' does not exist"),
    ],
)
def test_bad_input_is_refused_before_kucoin_is_asked(
    snapshot: Snapshot, exchange: Exchange, bucket: Any, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        snapshot(**arguments)
    assert (len(exchange.requests), bucket.keys) == (0, [])


# ----------------------------------------------------------------------------------------------------------------- runs


def test_a_retry_writes_over_the_same_object_with_what_is_there_then(
    snapshot: Snapshot, rich: Exchange, bucket: Any
) -> None:
    first = snapshot(due(NOON), include=["accounts"])
    rich.balances.set("BTC", "trade", "0.75")
    rich.clock_offset_ms += 3_600_000
    again = snapshot(due(NOON), include=["accounts"])
    assert (again["uri"], len(bucket.keys)) == (first["uri"], 1)
    assert again["taken_at"] > first["taken_at"]
    assert ("accounts", "", "trade", "", "BTC", "0.75") in told(rows_of(bucket, again))


def test_without_replace_a_retry_fails_and_kucoin_is_not_asked_for_balances(
    snapshot: Snapshot, rich: Exchange, bucket: Any
) -> None:
    first = snapshot(due(NOON), replace=False)
    body = bucket.read(first["uri"])
    rich.requests.clear()
    with pytest.raises(AirflowFailException, match="exists and replace=False"):
        snapshot(due(NOON), replace=False)
    assert bucket.read(first["uri"]) == body
    assert not [record for record in rich.requests if record.path == "/api/v1/accounts"]


@pytest.mark.parametrize(
    "context",
    [
        {"dag_run": SimpleNamespace(run_after=NOON)},
        {"data_interval_start": NOON - timedelta(days=1), "data_interval_end": NOON, "dag_run": SimpleNamespace()},
        {"data_interval_start": NOON, "data_interval_end": NOON, "dag_run": SimpleNamespace(run_after=NOON)},
        {"logical_date": NOON, "dag_run": SimpleNamespace()},
    ],
    ids=["manual", "interval", "empty-interval", "logical-date"],
)
@pytest.mark.usefixtures("rich")
def test_the_object_stands_at_the_moment_at_which_the_run_was_due(
    snapshot: Snapshot, bucket: Any, context: dict[str, Any]
) -> None:
    snapshot(context)
    assert bucket.keys[0].endswith("/date=2026-02-03/20260203T120000Z.parquet")


@pytest.mark.parametrize(
    ("late", "allowed"),
    [
        (timedelta(hours=25), timedelta(hours=24)),
        (timedelta(minutes=5), timedelta(minutes=1)),
        (timedelta(days=400), timedelta(days=399)),
    ],
)
def test_a_run_that_comes_too_late_is_refused_for_it_would_write_todays_balances_under_an_old_date(
    snapshot: Snapshot, rich: Exchange, bucket: Any, late: timedelta, allowed: timedelta
) -> None:
    with pytest.raises(AirflowFailException, match=r"this run was due at .*nothing was written. Set catchup=False"):
        snapshot(due(NOON - late), max_delay=allowed)
    assert bucket.keys == []
    assert not [record for record in rich.requests if record.path == "/api/v1/accounts"]


@pytest.mark.usefixtures("rich")
def test_a_run_that_is_late_and_may_be_is_written_with_the_time_at_which_it_was_taken(
    snapshot: Snapshot, bucket: Any
) -> None:
    result = snapshot(due(NOON - timedelta(hours=23)))
    assert bucket.keys[0].endswith("/date=2026-02-02/20260202T130000Z.parquet")
    assert result["taken_at"].startswith("2026-02-03T12:0")


def test_it_is_kucoins_clock_that_says_how_late_a_run_is(snapshot: Snapshot, exchange: Exchange) -> None:
    """This machine's clock is months ahead of the exchange's in every test here."""
    exchange.balances.set("BTC", "trade", "1")
    assert snapshot(due(NOON), max_delay=timedelta(hours=1))["rows"] >= 1


def test_every_template_field_is_a_parameter() -> None:
    import inspect

    operator = KucoinBalancesToS3Operator
    assert set(operator.template_fields) <= set(inspect.signature(operator.__init__).parameters)
