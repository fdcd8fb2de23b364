"""
The ledgers that tell running balances, as a table: what a row of each looks like on the wire.

Fields, their order and their JSON types are those of KuCoin's samples: https://www.kucoin.com/docs-new/api-3470122
(trade_hf), 3470123 (margin_hf) and 3470124 (futures); of the unified ledger, whose page was not seen, those of the
client libraries kucoin-api and Kucoin.Net. Ids and times are text here and numbers there.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing.amounts import EXACT, plain
from airflow_provider_kucoin.testing.running import Chain, Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing.readings import Readings

UNIFIED_TYPES: Final = ("FUNDING", "SPOT", "FUTURES", "CROSS", "ISOLATED", "UNIFIED")
_NANOSECONDS: Final = 1_000_000
# Room for so many ids on one millisecond. They have 18 digits: more than a float keeps.
_IDS_PER_MS: Final = 100_000
# Odd, so that no two ids become one.
_SCRAMBLER: Final = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What somebody wants to have booked, in words that all ledgers share."""

    id: int
    created_at: int
    currency: str
    amount: str
    fee: str | None
    direction: str
    biz_type: str
    account_type: str
    tag: str | None
    context: str | None
    tax: str
    balance: Decimal | None
    visible_from: int | None
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One ledger."""

    biz_type: str
    """What a row is unless said otherwise; what kind of account it belongs to is `default_account`'s business."""
    wire: Callable[[Booking, Readings], dict[str, Any]]
    balance: str
    """The field that tells the running balance."""
    is_number: bool = False
    """Whether that is a JSON number."""
    account: str | None = None
    """The balance that its rows change, as `Balances` names it; None where that depends on the account's type."""


def _trade_hf(booking: Booking, _: Readings) -> dict[str, Any]:
    return {
        "id": str(booking.id),
        "currency": booking.currency,
        "amount": booking.amount,
        "fee": booking.fee,
        "tax": booking.tax,
        "balance": "",
        "accountType": booking.account_type,
        "bizType": booking.biz_type,
        "direction": booking.direction,
        "createdAt": str(booking.created_at),
        "context": booking.context,
    }


def _margin_hf(booking: Booking, _: Readings) -> dict[str, Any]:
    return {
        "id": booking.id,
        "currency": booking.currency,
        "amount": booking.amount,
        "fee": booking.fee,
        "balance": "",
        "accountType": booking.account_type,
        "bizType": booking.biz_type,
        "direction": booking.direction,
        "createdAt": booking.created_at,
        "context": booking.context,
        "tax": booking.tax,
    }


def _futures(booking: Booking, readings: Readings) -> dict[str, Any]:
    return {
        "time": booking.created_at,
        "type": readings.transfer_in if booking.biz_type == "TransferIn" else booking.biz_type,
        "amount": _signed(booking),
        "fee": None if booking.fee is None else Decimal(booking.fee),
        "accountEquity": Decimal(0),
        "status": "Completed",
        "remark": booking.context,
        "offset": booking.id,
        "currency": booking.currency,
    }


def _unified(booking: Booking, readings: Readings) -> dict[str, Any]:
    return {
        "accountType": booking.account_type,
        "id": str(booking.id) if readings.unified_ids == "text" else booking.id,
        "currency": booking.currency,
        "direction": booking.direction.upper(),
        "businessType": booking.biz_type,
        "amount": plain(_signed(booking)) if readings.unified_amount == "signed" else booking.amount,
        "balance": "",
        "fee": booking.fee,
        "tax": booking.tax,
        "remark": booking.context,
        "ts": booking.created_at * _NANOSECONDS,
    }


KINDS: Final[dict[str, Kind]] = {
    "trade_hf": Kind(biz_type="TRADE_EXCHANGE", wire=_trade_hf, balance="balance", account="trade"),
    "margin_hf": Kind(biz_type="MARGIN_EXCHANGE", wire=_margin_hf, balance="balance"),
    "futures": Kind(biz_type="RealisedPNL", wire=_futures, balance="accountEquity", is_number=True, account="contract"),
    "unified": Kind(biz_type="TRANSFER", wire=_unified, balance="balance"),
}
NAMES: Final = ("spot", *KINDS)


def default_account(ledger: str, readings: Readings) -> str:
    """Return the `accountType` of a ledger's rows unless somebody says another."""
    if ledger == "margin_hf":
        return "MARGIN_V2" if readings.margin_account_types == "v2" else "MARGIN"
    return {"spot": "MAIN", "trade_hf": "TRADE_HF", "unified": "UNIFIED"}.get(ledger, "")


def row_id(created_at: int, number: int, readings: Readings) -> int:
    """Return the id of row number so-and-so on a millisecond."""
    rank = created_at * _IDS_PER_MS + number
    return rank if readings.ids_rise_with_time else rank * _SCRAMBLER % (1 << 60)


def account(ledger: str, account_type: str, tag: str | None) -> str:
    """Return the balance that a row changes, as `Balances` names it: "trade", "isolated_v2:BTC-USDT", …."""
    fixed = KINDS[ledger].account
    if fixed is not None:
        return fixed
    name = account_type.lower()
    if ledger == "unified" and name != "unified":
        # Apart from the classic accounts of the same names, whose own ledgers move them.
        name = f"unified:{name}"
    if not account_type.startswith("ISOLATED"):
        return name
    if not tag:
        raise ValueError("a row of isolated margin needs the tag of its pair, such as BTC-USDT")
    return f"{name}:{tag}"


def entry(ledger: str, booking: Booking, readings: Readings) -> Entry:
    """Return the row for a booking; `extra` has the last word about what it looks like."""
    kind = KINDS[ledger]
    chained = account(ledger, booking.account_type, booking.tag)
    if readings.isolated_balance == "currency":
        chained = chained.partition(":")[0] if ledger == "margin_hf" else chained
    wire = kind.wire(booking, readings)

    def tell(row: dict[str, Any], balance: Decimal) -> None:
        row[kind.balance] = balance if kind.is_number else plain(balance)
        row |= booking.extra

    return Entry(
        created_at=booking.created_at,
        id=booking.id,
        chain=Chain(chained, booking.currency),
        change=_change(booking, ledger in readings.fee_beside_amount),
        wire=wire,
        tell=tell,
        account=account(ledger, booking.account_type, booking.tag),
        direction=booking.direction,
        biz_type=booking.biz_type,
        given=booking.balance,
        visible_from=booking.visible_from,
    )


def _signed(booking: Booking) -> Decimal:
    amount = Decimal(booking.amount)
    return -amount if booking.direction == "out" else amount


def _change(booking: Booking, fee_counts: bool) -> Decimal:  # noqa: FBT001  private, and named where it is called
    change = _signed(booking)
    return EXACT.subtract(change, Decimal(booking.fee)) if fee_counts and booking.fee is not None else change
