"""
Rows for a ledger to look lived in, and to hold everything that a reader of it can stumble over.

Every UTC day has rows on its first and last millisecond, rows that share a millisecond (also where a page of 500 ends
when the whole day is read), ids of both shapes, `context` in all its guises, business types in both naming styles and
some that nobody has heard of, amounts of up to 18 decimals, and trades whose rows share order and trade id.

What is documented about each: https://www.kucoin.com/docs-new/api-3470121; seen in the wild: ccxt issues 12493, 14666
and 21200, Kucoin.Net issues 18, 102 and 112, kucoin-api-docs issue 380.
"""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY_MS: Final = 86_400_000
_PAGE: Final = 500
# Rows on either side of a page's end that share its millisecond.
_TIED: Final = 4

# currency, decimals, typical size in units
_CURRENCIES: Final = (
    ("USDT", 8, 1000),
    ("BTC", 8, 1),
    ("ETH", 18, 10),
    ("KCS", 8, 100),
    ("XRP", 6, 5000),
    ("SHIB", 18, 50_000_000),
    ("SOL", 9, 50),
    ("USDC", 6, 1000),
    ("TON", 9, 500),
    ("1INCH", 18, 2000),
    ("DOGE", 8, 100_000),
    ("LUNA2", 2, 300),
)

# bizType, accountType, direction, context: KuCoin's display names, its upper snake case, and the unheard-of.
_KINDS: Final = (
    ("Deposit", "MAIN", "in", "chain"),
    ("Withdrawal", "MAIN", "out", "chain"),
    ("Transfer", "MAIN", "out", "empty"),
    ("Transfer", "TRADE", "in", "empty"),
    ("TRANSFER", "MAIN", "in", "braces"),
    ("SUB_TRANSFER", "TRADE", "out", "empty"),
    ("Sub Account Transfer", "MAIN", "in", "description"),
    ("KuCoin Bonus", "MAIN", "in", "null"),
    ("Rewards", "MAIN", "in", "description"),
    ("Airdrop/Fork", "MAIN", "in", "null"),
    ("Staking Profits", "MAIN", "in", "braces"),
    ("EARN_LOCK", "MAIN", "out", "description"),
    ("KCS Pay Fees", "TRADE", "out", "quoted"),
    ("Cross Margin", "MARGIN", "out", "quoted"),
    ("Borrowings", "MARGIN", "in", "loan"),
    ("Debt Repayment", "MARGIN_V2", "out", "loan"),
    ("COUPON_RETURNED_FEES", "TRADE_HF", "in", "quoted"),
    ("BROKER_TRANSFER", "MAIN", "out", "empty"),
    ("Moon Landing Reward", "MAIN", "in", "empty"),
    ("SOMETHING_NEW", "CONTRACT", "out", "null"),
)


def rows(start_ms: int, end_ms: int, rows_per_day: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the rows with `start_ms <= createdAt < end_ms`; those of a day are the same whatever the range."""
    for day in range(start_ms // DAY_MS, -(-end_ms // DAY_MS)):
        random = Random(f"{seed} {day} {rows_per_day}")  # noqa: S311  repeatable, not secret
        for row in _day(random, day * DAY_MS, rows_per_day):
            if start_ms <= row["createdAt"] < end_ms:
                yield row


def _day(random: Random, midnight: int, count: int) -> Iterator[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while len(events) < count:
        events += _trade(random) if random.random() < 0.2 else [_single(random)]  # noqa: PLR2004  a fifth are trades
    times = _times(random, midnight, events)
    for number, (row, created_at) in enumerate(zip(events, times, strict=True)):
        row["createdAt"] = created_at
        row["id"] = _id(random, row["accountType"], created_at, number)
        yield row


def _times(random: Random, midnight: int, events: list[dict[str, Any]]) -> list[int]:
    """Return times in ascending order: both edges of the day, one time per trade, and ties around page ends."""
    count = len(events)
    times = sorted(midnight + random.randrange(DAY_MS) for _ in range(count))
    for number in range(1, count):
        if events[number]["context"] == events[number - 1]["context"] and "tradeId" in (
            events[number]["context"] or ""
        ):
            times[number] = times[number - 1]  # may fall back below its successor's, never below its predecessor's
    for newer in range(_PAGE, count, _PAGE):
        first, last = max(count - newer - _TIED, 0), count - newer + _TIED
        times[first:last] = [times[first]] * len(times[first:last])
    times[:2] = [midnight] * len(times[:2])
    times[-2:] = [midnight + DAY_MS - 1] * len(times[-2:])
    return times


def _id(random: Random, account_type: str, created_at: int, number: int) -> str:
    if account_type.startswith("TRADE"):
        return str((created_at - 1_500_000_000_000) * 1000 + number % 1000)
    return f"{created_at // 1000:08x}{random.getrandbits(64):016x}"


def _single(random: Random) -> dict[str, Any]:
    biz_type, account_type, direction, kind = random.choice(_KINDS)
    currency, amount, fee = _amounts(random)
    if biz_type not in ("Withdrawal", "KCS Pay Fees"):
        fee = "0"
    return _row(currency, amount, fee, account_type, biz_type, direction, _context(random, kind))


def _trade(random: Random) -> list[dict[str, Any]]:
    """Return what one trade leaves behind: what was paid, what was got, and now and then a fee given back."""
    order, trade = _hex_id(random), str(random.getrandbits(53))
    bought, amount, fee = _amounts(random)
    symbol = {"symbol": f"{bought}-USDT", "orderId": order, "tradeId": trade}
    context = repr(symbol).replace(" ", "") if random.random() < 0.3 else json.dumps(symbol)  # noqa: PLR2004  some are quoted singly
    paid = f"{random.randrange(1, 5000)}.{random.randrange(10**8):08}"
    group = [
        _row("USDT", paid, "0", "TRADE", "Exchange", "out", context),
        _row(bought, amount, fee, "TRADE", "Exchange", "in", context),
    ]
    if random.random() < 0.5:  # noqa: PLR2004  every other one
        group.append(_row("KCS", f"0.{random.randrange(10**8):08}", "0", "TRADE", "Refunded Fees", "in", context))
    return group


def _row(
    currency: str, amount: str, fee: str, account_type: str, biz_type: str, direction: str, context: str | None
) -> dict[str, Any]:
    return {
        "id": "",
        "currency": currency,
        "amount": amount,
        "fee": fee,
        "balance": "0",
        "accountType": account_type,
        "bizType": biz_type,
        "direction": direction,
        "createdAt": 0,
        "context": context,
    }


def _amounts(random: Random) -> tuple[str, str, str]:
    """Return currency, amount (fee included, as in this ledger) and fee, in digits that no float would keep."""
    currency, decimals, size = random.choice(_CURRENCIES)
    smallest = random.random() < 0.02  # noqa: PLR2004  now and then the smallest amount there is
    units = 1 if smallest else random.randrange(1, size * 10**decimals)
    return currency, _decimal(units, decimals), _decimal(units // 1000, decimals)


def _decimal(units: int, decimals: int) -> str:
    whole, fraction = divmod(units, 10**decimals)
    return f"{whole}.{fraction:0{decimals}}"


def _context(random: Random, kind: str) -> str | None:
    order, other, trade = _hex_id(random), _hex_id(random), random.getrandbits(53)
    contexts = {
        "chain": json.dumps({"orderId": order, "txId": f"{random.getrandbits(256):064x}"}, separators=(",", ":")),
        "description": json.dumps({"orderId": order, "description": "Erträge im März"}, ensure_ascii=False),
        "loan": json.dumps({"borrowerUserId": order, "loanRepayDetailNo": other}),
        "quoted": f"{{'symbol':'KCS-USDT','orderId':'{order}','tradeId':'{trade}'}}",
        "braces": "{}",
        "null": None,
        "empty": "",
    }
    return contexts[kind]


def _hex_id(random: Random) -> str:
    return f"{random.getrandbits(96):024x}"
