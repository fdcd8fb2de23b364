"""
Money that comes into an account or leaves it: the balance moves, and the account's own ledger has a row of it.

Which rows a transfer leaves in the ledgers of high-frequency, futures and unified accounts is not documented but for
their business types; here there is one in each of them whose balance it moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

    from airflow_provider_kucoin.testing.exchange import Exchange

# Futures know some currencies by another name.
_FUTURES_NAMES: Final = {"BTC": "XBT"}


def currency_of(account: str, currency: str) -> str:
    """Return what an account calls a currency."""
    return _FUTURES_NAMES.get(currency, currency) if account == "contract" else currency


def move(
    exchange: Exchange,
    account: str,
    currency: str,
    amount: Decimal,
    *,
    uid: int,
    at_ms: int,
    biz_type: str,
    is_booked: bool,
) -> None:
    """Add an amount, which may be negative, to an account as `Balances` names it."""
    ledger = ledger_of(exchange, account)
    currency = currency_of(account, currency)
    if ledger is None or not is_booked:
        exchange.balances.move(currency, account, amount, uid=uid)
        return
    kind, _, tag = account.partition(":")
    account_type = {"trade_hf": "TRADE_HF", "futures": "", "unified": "UNIFIED"}.get(ledger, kind.upper())
    if ledger == "futures":
        biz_type = "TransferIn" if amount > 0 else "TransferOut"
    if ledger == "unified":
        kind, tag = "unified", ""
    exchange.book(
        ledger=ledger,
        created_at=at_ms,
        currency=currency,
        amount=abs(amount),
        direction="in" if amount > 0 else "out",
        biz_type=biz_type,
        account_type=account_type,
        tag=tag or None,
        context="Transferred" if ledger == "futures" else "",
        uid=uid,
    )


def ledger_of(exchange: Exchange, account: str) -> str | None:
    """Return the ledger with running balances that an account has, if it has one."""
    kind = account.partition(":")[0]
    if kind == "trade":
        return "trade_hf" if exchange.is_high_frequency else None
    hf = ("margin_v2", "isolated_v2")
    if exchange.readings.margin_account_types == "renamed":
        hf = ("margin", "isolated")
    return "margin_hf" if kind in hf else {"contract": "futures", "unified": "unified"}.get(kind)
