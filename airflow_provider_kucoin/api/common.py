"""
``kucoin_ledger``: one set of columns over all five ledgers, as the text of an SQL view.

The ledgers do not mean the same by the same words. What is made equal:

* ``change`` is what became of the balance: positive when it grew, negative when it shrank, after the fee.
* ``fee`` and ``tax`` are what was paid: positive when they were taken, negative when they were given back.
* ``change_before_fee`` is always ``change + fee``.

===========  =================================  ================================================================
ledger       KuCoin's ``amount``                so ``change`` is
===========  =================================  ================================================================
spot         without sign, fee included         ``amount - fee`` for what came in, ``-amount`` for what went out
trade_hf     without sign, what is left after   ``amount``, ``-amount``
             the fee in the documented row
margin_hf    as trade_hf                        ``amount``, ``-amount``
futures      with sign                          ``amount``
unified      without sign since 2026-04-28,     ``amount``, ``-amount``, whatever the sign
             before that with
===========  =================================  ================================================================

UNVERIFIED: whether the spot ledger's amount of what came in is before its fee, as "fee included" says, and whether the
futures' amount is after its fee. Where that matters, ``amount`` is there as KuCoin sends it.

The spot ledger may also hold the rows of the high-frequency trade account, which are in ``trade_hf`` too: no source
says so, KuCoin's own sample looks like it. Sum over one ``ledger`` at a time until you know your account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.columns import Kind
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.ledgers import LEDGERS

if TYPE_CHECKING:
    from collections.abc import Mapping

_OUT = "lower(direction) = 'out'"
_SIGNED = f"CASE WHEN {_OUT} THEN -abs(amount) ELSE abs(amount) END"
_FEE = "coalesce(fee, 0)"
_SUM = "CAST({} AS {{term}}) {} CAST({} AS {{term}})"
_NOTHING = "CAST(NULL AS {text})"

#: The columns of the view, in order, each with its meaning.
COLUMNS: Mapping[str, str] = {
    "ledger": "spot, trade_hf, margin_hf, futures, unified",
    "account_uid": "KuCoin's uid of the account",
    "account_type": "as KuCoin names it; FUTURES for the futures ledger",
    "id": "unique within ledger, account_uid and account_type; of the futures ledger currency and offset",
    "currency": "code of the currency",
    "created_at": "UTC, to the microsecond; of Spark an instant",
    "direction": "in or out",
    "biz_type": "KuCoin's business type",
    "change": "what became of the balance, after the fee, with sign",
    "fee": "positive when paid",
    "tax": "positive when paid",
    "change_before_fee": "change + fee",
    "amount": "as KuCoin sends it",
    "balance": "after the change; null for the spot ledger, whose balance has no meaning",
    "symbol": "pair or contract",
    "order_id": "order; of deposits and withdrawals presumably their id",
    "trade_id": "trade",
    "tx_id": "transaction on the chain",
    "remark": "the context or remark as KuCoin sends it",
}

_DEFAULTS: Mapping[str, str] = {
    "account_type": "account_type",
    "id": "id",
    "direction": "lower(direction)",
    "change": _SIGNED,
    "fee": _FEE,
    "tax": "coalesce(tax, 0)",
    "balance": "balance",
    "symbol": "symbol",
    "order_id": "order_id",
    "trade_id": "trade_id",
    "tx_id": "tx_id",
    "remark": "context",
}
#: Where a ledger differs.
_OWN: Mapping[str, Mapping[str, str]] = {
    "spot": {
        "change": f"CASE WHEN {_OUT} THEN -amount ELSE {_SUM.format('amount', '-', _FEE)} END",
        "tax": "0",
        "balance": "CAST(NULL AS {decimal})",
    },
    "trade_hf": {},
    "margin_hf": {},
    "futures": {
        "account_type": "'FUTURES'",
        "id": "concat(currency, '-', \"offset\")",
        "direction": "CASE WHEN amount < 0 THEN 'out' ELSE 'in' END",
        "change": "amount",
        "tax": "0",
        "balance": "account_equity",
        "symbol": "CASE WHEN biz_type = 'RealisedPNL' THEN remark END",
        "order_id": _NOTHING,
        "trade_id": _NOTHING,
        "tx_id": _NOTHING,
        "remark": "remark",
    },
    "unified": {
        "symbol": _NOTHING,
        "order_id": _NOTHING,
        "trade_id": _NOTHING,
        "tx_id": _NOTHING,
        "remark": "remark",
    },
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    How an engine writes what the view needs.

    :param text: type of a text
    :param decimal: type of an amount
    :param term: type of what is added or subtracted, so that the result is exact
    :param quote: around a name
    :param instant: the time of a row in UTC
    :param nanoseconds: the same, of rows whose times are kept to the nanosecond
    """

    text: str = "VARCHAR"
    decimal: str = "DECIMAL(38, 18)"
    term: str = "DECIMAL(38, 18)"
    quote: str = '"'
    instant: str = ""
    nanoseconds: str = ""


_ATHENA_INSTANT = "CAST(created_at AS TIMESTAMP(6))"

DIALECTS: Mapping[str, Dialect] = {
    "duckdb": Dialect(
        # A cast to a time without zone alone would give the time of day where the session is.
        instant="CAST(created_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC'",
        # A cast would round the last moment of a day into the next.
        nanoseconds="make_timestamp(epoch_ns(created_at) // 1000)",
    ),
    "athena": Dialect(instant=_ATHENA_INSTANT, nanoseconds=_ATHENA_INSTANT),
    "spark": Dialect(
        text="STRING",
        # Of two decimals of 38 digits the sum would have 17 places, rounded.
        term="DECIMAL(37, 18)",
        quote="`",
        instant="CAST(created_at AS TIMESTAMP)",
        # It reads such a column as a number, and only with spark.sql.legacy.parquet.nanosAsLong=true.
        nanoseconds="timestamp_micros(created_at DIV 1000)",
    ),
}


def kucoin_ledger_sql(sources: Mapping[str, str], dialect: str = "duckdb") -> str:
    """
    Return a query over ledgers as ``KucoinLedgerToS3Operator`` writes them, with one set of columns.

    DuckDB is what it is tested with. The texts for Athena and Spark follow their documentation.

    :param sources: what stands behind FROM for each ledger: a table's name, or ``read_parquet('s3://...')``
    :param dialect: ``duckdb``, ``athena`` (Trino as well) or ``spark``
    :raise InvalidInput: for an unknown ledger or dialect, or no ledger at all
    """
    if dialect not in DIALECTS:
        raise InvalidInput(f"dialect={dialect!r} is not one of {', '.join(map(repr, DIALECTS))}")
    if unknown := [name for name in sources if name not in LEDGERS]:
        raise InvalidInput(f"sources: {unknown[0]!r} is not one of {', '.join(map(repr, LEDGERS))}")
    if not sources:
        raise InvalidInput("sources is empty: name the table of at least one ledger")
    return "\nUNION ALL\n".join(_select(name, source, DIALECTS[dialect]) for name, source in sources.items())


def _select(name: str, source: str, dialect: Dialect) -> str:
    own = {**_DEFAULTS, **_OWN[name]}
    is_finer = any(column.kind is Kind.NANOSECONDS for column in LEDGERS[name].columns)
    expressions = {
        "ledger": f"'{name}'",
        "account_uid": "account_uid",
        "currency": "currency",
        "created_at": dialect.nanoseconds if is_finer else dialect.instant,
        "biz_type": "biz_type",
        "amount": "amount",
        "change_before_fee": _SUM.format(own["change"], "+", own["fee"]),
        **own,
    }
    for column in ("change", "fee", "tax", "change_before_fee"):
        expressions[column] = f"CAST({expressions[column]} AS {{decimal}})"
    lines = ",\n    ".join(f"{expressions[column]} AS {column}" for column in COLUMNS)
    chosen = lines.format(text=dialect.text, decimal=dialect.decimal, term=dialect.term).replace('"', dialect.quote)
    return f"SELECT\n    {chosen}\nFROM {source}"
