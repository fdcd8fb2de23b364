"""`kucoin_ledger`: what DuckDB reads through the view out of the objects that the operator wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from moments import DAY, TODAY

from airflow_provider_kucoin.api.common import COLUMNS, kucoin_ledger_sql
from airflow_provider_kucoin.api.ledgers import LEDGERS
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_kucoin.testing import Exchange

    View = Callable[..., duckdb.DuckDBPyConnection]

#: Python's own arithmetic keeps 28 digits.
EXACT = Context(prec=80)
START, END = TODAY - 2 * DAY, TODAY


@pytest.fixture
def view(exchange: Exchange, connection: dict[str, Any], bucket: Any, tmp_path: Path) -> View:  # noqa: ARG001 - is there
    """Copy two days of ledgers to S3, and have DuckDB look at the objects through the view."""
    exchange.readings.unified_api_for_classic = "served"

    def view(*ledgers: str, zone: str = "UTC", dialect: str = "duckdb") -> duckdb.DuckDBPyConnection:
        for ledger in ledgers or LEDGERS:
            KucoinLedgerToS3Operator(
                task_id="copy", ledger=ledger, s3_bucket=bucket.name, window_start=START, window_end=END
            ).execute({})
        for key in bucket.keys:
            path = tmp_path / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bucket.read(key))
        database = duckdb.connect()
        database.execute(f"SET TimeZone = '{zone}'")
        sources = {name: _source(tmp_path, name, dialect) for name in ledgers or LEDGERS}
        database.execute(f"CREATE VIEW kucoin_ledger AS {kucoin_ledger_sql(sources, dialect)}")
        return database

    return view


def _source(folder: Path, ledger: str, dialect: str) -> str:
    files = f"read_parquet('{folder}/kucoin/ledger={ledger}/**/*.parquet')"
    # Athena has no times with a zone in such tables.
    return files if dialect == "duckdb" else f"(FROM {files} SELECT * REPLACE (created_at::TIMESTAMPTZ AS created_at))"


@pytest.fixture
def seeded(exchange: Exchange) -> Exchange:
    """Every ledger has two days of rows, and the accounts hold what these have left."""
    for ledger in LEDGERS:
        exchange.seed_ledger(START, END, rows_per_day=120, ledger=ledger)
    return exchange


@pytest.mark.usefixtures("seeded")
def test_the_columns_are_the_documented_ones_and_amounts_are_exact_decimals(view: View) -> None:
    described = view().execute("DESCRIBE kucoin_ledger").fetchall()
    types = {name: kind for name, kind, *_ in described}
    assert list(types) == list(COLUMNS)
    amounts = {"change", "fee", "tax", "change_before_fee", "amount", "balance"}
    assert {name for name, kind in types.items() if kind == "DECIMAL(38,18)"} == amounts
    assert types["created_at"] == "TIMESTAMP"
    assert {kind for name, kind in types.items() if name not in {*amounts, "created_at"}} == {"VARCHAR"}


def test_every_row_of_every_ledger_is_there_once_and_its_id_is_unique(seeded: Exchange, view: View) -> None:
    rows = view().execute(
        "SELECT ledger, count(*), count(DISTINCT (account_uid, account_type, id)), min(account_uid), max(account_uid) "
        "FROM kucoin_ledger GROUP BY ledger"
    )
    uid = str(seeded.key.uid)
    there = {name: len(list(seeded.entries(START, END, ledger=name))) for name in LEDGERS}
    assert {ledger: tuple(rest) for ledger, *rest in rows.fetchall()} == {
        name: (count, count, uid, uid) for name, count in there.items()
    }


def test_all_changes_of_a_currency_add_up_to_what_the_account_holds(seeded: Exchange, view: View) -> None:
    rows = view().execute(
        "SELECT ledger, account_type, currency, sum(change) FROM kucoin_ledger WHERE ledger <> 'spot' GROUP BY ALL"
    )
    found = {tuple(key): total for *key, total in rows.fetchall()}
    held: dict[tuple[str, ...], Decimal] = {}
    for entry in seeded.balances.of(seeded.key.uid):
        key = (*_whose(entry.type), entry.currency)
        # The ledger of isolated margin has the rows of all pairs.
        held[key] = EXACT.add(held.get(key, Decimal(0)), Decimal(entry.balance))
    assert found == held
    assert len(found) > 25


def _whose(account: str) -> tuple[str, str]:
    """Return ledger and account type of an account of the exchange."""
    name, _, rest = account.partition(":")
    if name == "unified":
        return "unified", (rest.partition(":")[0] or name).upper()
    return {"trade": ("trade_hf", "TRADE_HF"), "contract": ("futures", "FUTURES")}.get(
        name, ("margin_hf", name.upper())
    )


@pytest.mark.usefixtures("seeded")
def test_every_change_is_the_difference_of_two_balances(view: View) -> None:
    [(breaks, followed)] = (
        view()
        .execute(
            "SELECT count(*) FILTER (balance - before <> change), count(before) FROM (SELECT *, lag(balance) OVER ("
            "PARTITION BY ledger, account_type, currency ORDER BY created_at, regexp_extract(id, '\\d+$')::HUGEINT"
            ") AS before FROM kucoin_ledger WHERE account_type NOT LIKE 'ISOLATED%' AND ledger <> 'spot')"
        )
        .fetchall()
    )
    assert breaks == 0
    assert followed > 600


@pytest.mark.usefixtures("seeded")
def test_signs_and_fees_mean_the_same_in_every_ledger(view: View) -> None:
    rows = view().execute(
        "SELECT ledger, count(*) FILTER (change_before_fee <> change + fee), "
        "count(*) FILTER (direction = 'in' AND change < 0), count(*) FILTER (direction = 'out' AND change > 0), "
        "count(*) FILTER (direction NOT IN ('in', 'out')), count(*) FILTER (fee > 0), "
        "count(*) FILTER (direction = 'out') FROM kucoin_ledger GROUP BY ledger"
    )
    for ledger, unequal, wrong_in, wrong_out, strange, with_fee, out in rows.fetchall():
        assert (unequal, wrong_in, wrong_out, strange) == (0, 0, 0, 0), ledger
        assert with_fee > 0, ledger
        assert out > 0, ledger


def test_the_spot_ledgers_fee_is_taken_out_of_what_comes_in_and_is_part_of_what_goes_out(
    exchange: Exchange, view: View
) -> None:
    tiny = "0.000000000000000001"
    exchange.book(created_at=START, amount="10", fee=tiny, direction="in")
    exchange.book(created_at=START + 1, amount="10", fee=tiny, direction="out")
    rows = view("spot").execute("SELECT change, fee, tax, change_before_fee, balance FROM kucoin_ledger ORDER BY 1")
    unit = Decimal(tiny)
    assert rows.fetchall() == [(-10, unit, 0, -10 + unit, None), (10 - unit, unit, 0, Decimal(10), None)]


def test_a_futures_row_names_its_contract_its_sign_and_its_equity(exchange: Exchange, view: View) -> None:
    exchange.book(ledger="futures", created_at=START, amount="7", biz_type="TransferIn", context="from Main")
    lost = exchange.book(ledger="futures", created_at=START + 1, amount="-1.5", fee="-0.01", context="XBTUSDTM")
    rows = view("futures").execute(
        "SELECT id, account_type, direction, change, fee, change_before_fee, balance, symbol, remark "
        "FROM kucoin_ledger ORDER BY created_at DESC LIMIT 1"
    )
    rebate = Decimal("-0.01")
    assert rows.fetchall() == [
        (
            f"USDT-{lost['offset']}",
            "FUTURES",
            "out",
            Decimal("-1.5"),
            rebate,
            Decimal("-1.51"),
            Decimal("5.5"),
            "XBTUSDTM",
            "XBTUSDTM",
        )
    ]


@pytest.mark.parametrize("reading", ["positive", "signed"])
def test_the_unified_ledger_reads_the_same_with_and_without_signs(exchange: Exchange, view: View, reading: Any) -> None:
    exchange.readings.unified_amount = reading
    exchange.book(ledger="unified", created_at=START, amount="5")
    exchange.book(ledger="unified", created_at=START + 1, amount="2", direction="out")
    rows = view("unified").execute("SELECT direction, change, balance FROM kucoin_ledger ORDER BY created_at")
    assert rows.fetchall() == [("in", 5, 5), ("out", -2, 3)]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_times_are_utc_wherever_the_reader_is(exchange: Exchange, view: View, zone: str) -> None:
    exchange.book(created_at=END - 1)
    exchange.book(ledger="unified", created_at=END - 1, extra={"ts": END * 1_000_000 - 1})
    rows = view("spot", "unified", zone=zone).execute("SELECT ledger, created_at FROM kucoin_ledger ORDER BY ledger")
    end = datetime.fromtimestamp(END / 1000, UTC).replace(tzinfo=None)
    # The last nanosecond of a day is not rounded into the next.
    last = end - timedelta(milliseconds=1), end - timedelta(microseconds=1)
    assert rows.fetchall() == list(zip(("spot", "unified"), last, strict=True))


@pytest.mark.usefixtures("seeded")
def test_the_text_for_athena_brings_the_same_rows_in_an_engine_that_understands_it(view: View) -> None:
    ours, athenas = view(), view(dialect="athena")
    query = "SELECT * FROM kucoin_ledger ORDER BY ledger, account_type, id"
    assert athenas.execute(query).fetchall() == ours.execute(query).fetchall()


def test_an_account_without_rows_is_an_empty_view_with_the_same_columns(view: View) -> None:
    found = view().execute("SELECT * FROM kucoin_ledger")
    assert [name for name, *_ in found.description or ()] == list(COLUMNS)
    assert found.fetchall() == []
