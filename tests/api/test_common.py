"""The text of the view over all ledgers; what it brings is in tests/test_view.py."""

from __future__ import annotations

import re

import pytest

from airflow_provider_kucoin.api.common import COLUMNS, DIALECTS, kucoin_ledger_sql
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.ledgers import LEDGERS

EVERY = {name: f"lake.{name}" for name in LEDGERS}


def _selects(dialect: str) -> dict[str, dict[str, str]]:
    """Return the expression of each column, by ledger."""
    found = {}
    for text in kucoin_ledger_sql(EVERY, dialect).split("\nUNION ALL\n"):
        body, _, source = text.removeprefix("SELECT\n    ").rpartition("\nFROM ")
        lines = [line.rsplit(" AS ", 1) for line in body.split(",\n    ")]
        found[source.removeprefix("lake.")] = {name: expression for expression, name in lines}
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_ledger_has_the_same_columns_in_the_same_order(dialect: str) -> None:
    found = _selects(dialect)
    assert list(found) == list(LEDGERS)
    for columns in found.values():
        assert list(columns) == list(COLUMNS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_column_that_is_asked_for_is_one_that_the_ledgers_objects_have(dialect: str) -> None:
    words = {"lower", "coalesce", "concat", "abs", "timestamp_micros", "make_timestamp", "epoch_ns"}
    for ledger, columns in _selects(dialect).items():
        names = {column.name for column in LEDGERS[ledger].columns}
        for expression in columns.values():
            without_texts = re.sub(r"'[^']*'", "", expression)
            assert set(re.findall(r"\b[a-z_]+\b", without_texts)) <= names | words, (ledger, expression)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_brackets_are_closed_and_nothing_is_left_to_fill_in(dialect: str) -> None:
    text = kucoin_ledger_sql(EVERY, dialect)
    assert text.count("(") == text.count(")")
    assert "{" not in text
    assert len(re.findall(r"\bCASE\b", text)) == len(re.findall(r"\bEND\b", text))


def test_athena_quotes_a_word_of_its_own_and_casts_as_trino_does() -> None:
    assert kucoin_ledger_sql({"futures": "raw.futures"}, "athena") == (
        "SELECT\n"
        "    'futures' AS ledger,\n"
        "    account_uid AS account_uid,\n"
        "    'FUTURES' AS account_type,\n"
        "    concat(currency, '-', \"offset\") AS id,\n"
        "    currency AS currency,\n"
        "    CAST(created_at AS TIMESTAMP(6)) AS created_at,\n"
        "    CASE WHEN amount < 0 THEN 'out' ELSE 'in' END AS direction,\n"
        "    biz_type AS biz_type,\n"
        "    CAST(amount AS DECIMAL(38, 18)) AS change,\n"
        "    CAST(coalesce(fee, 0) AS DECIMAL(38, 18)) AS fee,\n"
        "    CAST(0 AS DECIMAL(38, 18)) AS tax,\n"
        "    CAST(CAST(amount AS DECIMAL(38, 18)) + CAST(coalesce(fee, 0) AS DECIMAL(38, 18)) AS DECIMAL(38, 18))"
        " AS change_before_fee,\n"
        "    amount AS amount,\n"
        "    account_equity AS balance,\n"
        "    CASE WHEN biz_type = 'RealisedPNL' THEN remark END AS symbol,\n"
        "    CAST(NULL AS VARCHAR) AS order_id,\n"
        "    CAST(NULL AS VARCHAR) AS trade_id,\n"
        "    CAST(NULL AS VARCHAR) AS tx_id,\n"
        "    remark AS remark\n"
        "FROM raw.futures"
    )


def test_spark_quotes_with_backticks_and_has_its_own_name_for_text() -> None:
    futures = _selects("spark")["futures"]
    assert futures["id"] == "concat(currency, '-', `offset`)"
    assert futures["order_id"] == "CAST(NULL AS STRING)"
    assert '"' not in kucoin_ledger_sql(EVERY, "spark")


def test_spark_adds_decimals_of_37_digits_since_the_sum_of_two_of_38_would_be_rounded() -> None:
    for columns in _selects("spark").values():
        for expression in columns.values():
            for term in re.findall(r"AS (DECIMAL\(\d+, 18\))\) [-+] CAST", expression):
                assert term == "DECIMAL(37, 18)"
            assert not re.search(r"\b(amount|fee) [-+] ", expression)
    spot = _selects("spark")["spot"]
    assert "CAST(amount AS DECIMAL(37, 18)) - CAST(coalesce(fee, 0) AS DECIMAL(37, 18))" in spot["change"]
    assert spot["change_before_fee"].endswith("+ CAST(coalesce(fee, 0) AS DECIMAL(37, 18)) AS DECIMAL(38, 18))")


@pytest.mark.parametrize(
    ("dialect", "ledger", "expression"),
    [
        # Without the zone the session's own would be taken.
        ("duckdb", "spot", "CAST(created_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"),
        # A cast would round the last moment of a day into the next.
        ("duckdb", "unified", "make_timestamp(epoch_ns(created_at) // 1000)"),
        ("athena", "unified", "CAST(created_at AS TIMESTAMP(6))"),
        ("spark", "spot", "CAST(created_at AS TIMESTAMP)"),
        # Spark reads times to the nanosecond as numbers.
        ("spark", "unified", "timestamp_micros(created_at DIV 1000)"),
    ],
)
def test_times_are_told_in_utc_in_every_dialects_way(dialect: str, ledger: str, expression: str) -> None:
    assert _selects(dialect)[ledger]["created_at"] == expression


def test_a_source_is_taken_as_it_is() -> None:
    source = "read_parquet('s3://lake/\"odd\" {name}/*.parquet')"
    assert kucoin_ledger_sql({"spot": source}, "spark").endswith(f"\nFROM {source}")


@pytest.mark.parametrize(
    ("sources", "dialect", "said"),
    [
        ({"spot": "s"}, "mysql", "dialect='mysql' is not one of 'duckdb', 'athena', 'spark'"),
        ({"spott": "s"}, "duckdb", "sources: 'spott' is not one of 'spot', 'trade_hf', 'margin_hf'"),
        ({}, "duckdb", "sources is empty: name the table of at least one ledger"),
    ],
)
def test_what_cannot_be_written_is_refused(sources: dict[str, str], dialect: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)):
        kucoin_ledger_sql(sources, dialect)
