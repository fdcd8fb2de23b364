"""
Rows for the ledgers with running balances: see `seeding`, whose spot ledger they resemble.

Every UTC day begins with money that comes into each account, more than the day can spend, so that no balance is ever
negative. It has rows on its first and last millisecond, rows that share a millisecond (also where pages end), both ways
of quoting in `context`, amounts of up to 18 decimals, and in futures numbers that no float keeps.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from airflow_provider_kucoin.testing import ledger_kinds
from airflow_provider_kucoin.testing.ledger_kinds import Booking

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_kucoin.testing.readings import Readings

DAY_MS: Final = 86_400_000
# Rows on either side of a page's end that share its millisecond.
_TIED: Final = 3
# Every tenth context is quoted as in KuCoin's older samples; a quarter of the events are trades of two rows or three.
_QUOTED: Final = 0.1
_TRADES: Final = 0.25


class _Purse(NamedTuple):
    """One currency in one account; amounts are up to `size` units of it."""

    account_type: str
    tag: str | None
    currency: str
    decimals: int
    size: int


class _What(NamedTuple):
    """What may happen beside trades: its business type, the direction if it has but one, and its remark."""

    biz_type: str
    direction: str | None = None
    remark: str | None = ""


@dataclass(frozen=True, slots=True)
class _Life:
    """What a day of a ledger is made of."""

    purses: Sequence[_Purse]
    opening: _What
    trade: str
    others: Sequence[_What]
    page: int


def _purses(account_type: str, tag: str | None, currencies: Sequence[tuple[str, int, int]]) -> tuple[_Purse, ...]:
    return tuple(_Purse(account_type, tag, *each) for each in currencies)


_SPOT_MONEY: Final = (
    ("USDT", 8, 1000),
    ("BTC", 8, 1),
    ("ETH", 18, 10),
    ("KCS", 8, 100),
    ("SHIB", 18, 50_000_000),
)
_PAIR_MONEY: Final = (("BTC", 8, 1), ("USDT", 8, 1000))
_FUTURES_MONEY: Final = (("USDT", 18, 1000), ("XBT", 16, 1), ("ETH", 18, 10))
_SYMBOLS: Final = {"USDT": ("XBTUSDTM", "ETHUSDTM", "SOLUSDTM"), "XBT": ("XBTUSDM",), "ETH": ("ETHUSDM",)}

_LIVES: Final[dict[str, _Life]] = {
    "trade_hf": _Life(
        _purses("TRADE_HF", None, _SPOT_MONEY),
        _What("TRANSFER", "in"),
        "TRADE_EXCHANGE",
        (
            _What("TRANSFER"),
            _What("SUB_TRANSFER"),
            _What("RETURNED_FEES", "in", "{}"),
            _What("DEDUCTION_FEES", "out"),
            _What("OTHER", "in", None),
            _What("SOMETHING_NEW"),
        ),
        page=200,
    ),
    "margin_hf": _Life(
        (
            *_purses("MARGIN_V2", None, _SPOT_MONEY[:4]),
            *_purses("ISOLATED_V2", "BTC-USDT", _PAIR_MONEY),
            *_purses("ISOLATED_V2", "KCS-USDT", (("KCS", 8, 100), ("USDT", 8, 1000))),
        ),
        _What("TRANSFER", "in", "{}"),
        "MARGIN_EXCHANGE",
        (_What("TRANSFER", remark="{}"), _What("LIQUIDATION", "out"), _What("ASSERT_RETURN", "in", "{}")),
        page=200,
    ),
    "futures": _Life(
        _purses("", None, _FUTURES_MONEY),
        _What("TransferIn", "in", "Transferred from High-Frequency Trading Account"),
        "RealisedPNL",
        (
            _What("TransferIn", "in", "Transferred from Main Account"),
            _What("TransferOut", "out", "Transferred to Main Account"),
            _What("Deposit", "in", "Deposit"),
            _What("Withdrawal", "out", "Withdrawal"),
        ),
        page=50,
    ),
    "unified": _Life(
        (
            *_purses("UNIFIED", None, _SPOT_MONEY),
            *_purses("FUNDING", None, _SPOT_MONEY[:2]),
            *_purses("SPOT", None, _SPOT_MONEY[:2]),
            *_purses("FUTURES", None, _PAIR_MONEY),
            *_purses("CROSS", None, _PAIR_MONEY),
            *_purses("ISOLATED", "BTC-USDT", _PAIR_MONEY),
        ),
        _What("TRANSFER", "in"),
        "SPOT_EXCHANGE",
        (
            _What("TRANSFER"),
            _What("SUB_TO_SUB_TRANSFER"),
            _What("FUNDING_FEE"),
            _What("FUTURES_EXCHANGE_CLOSE"),
            _What("SPOT_EXCHANGE_REBATE", "in"),
            _What("LIABILITY_INTEREST", "out", None),
            _What("KCS_DEDUCTION_FEES", "out"),
            _What("SOMETHING_NEW"),
        ),
        page=200,
    ),
}


@dataclass(slots=True)
class _Draft:
    """A row before it has its time."""

    purse: _Purse
    units: int
    fee_units: int
    direction: str
    biz_type: str
    remark: str | None
    created_at: int = 0


def bookings(
    ledger: str, start_ms: int, end_ms: int, rows_per_day: int, seed: int, readings: Readings
) -> Iterator[Booking]:
    """
    Yield what happened until `end_ms`, from the midnight before `start_ms` on, oldest first.

    A day is the same whatever the range. What is before `start_ms` tells what there was to begin with.
    """
    offsets: dict[str, int] = {}
    for day in range(start_ms // DAY_MS, -(-end_ms // DAY_MS)):
        random = Random(f"{ledger} {seed} {day} {rows_per_day}")  # noqa: S311  repeatable, not secret
        drafts = _day(random, _LIVES[ledger], day * DAY_MS, rows_per_day)
        for created_at, some in groupby(drafts, key=lambda draft: draft.created_at):
            for number, draft in enumerate(some):
                currency = draft.purse.currency
                offsets[currency] = offsets.get(currency, 0) + 1
                if created_at < end_ms:
                    row_id = ledger_kinds.row_id(created_at, number, readings)
                    counts = ledger == "futures" and readings.offsets == "per_currency"
                    yield _booking(draft, offsets[currency] if counts else row_id)


def _day(random: Random, life: _Life, midnight: int, count: int) -> list[_Draft]:
    """Return a day's rows in the order of their times."""
    opened = life.purses[: max(1, min(len(life.purses), count // 4))]
    # Twice what the whole day could spend if all of its rows were of this purse and as large as they get.
    groups = [
        [_draft(random, purse, life.opening, 2 * count * purse.size * 10**purse.decimals + 1)]
        for purse in opened[:count]
    ]
    while sum(map(len, groups)) < count:
        groups.append(_trade(random, life, opened) if random.random() < _TRADES else [_other(random, life, opened)])
    for created_at, group in zip(_times(random, midnight, groups, len(opened), life.page), groups, strict=True):
        for draft in group:
            draft.created_at = created_at
    return [draft for group in groups for draft in group]


def _times(random: Random, midnight: int, groups: Sequence[Sequence[_Draft]], opened: int, page: int) -> list[int]:
    """Return a time for each group, ascending: both edges of the day, and ties around the ends of its pages."""
    times = sorted(midnight + random.randrange(DAY_MS) for _ in groups)
    times[:opened] = [midnight] * len(times[:opened])
    if len(times) > opened:
        times[-1] = midnight + DAY_MS - 1
    newest_first, seen = range(len(groups) - 1, -1, -1), 0
    for number in newest_first:
        seen += len(groups[number])
        if seen >= page:
            first, last = max(number - _TIED, 0), number + _TIED
            times[first:last] = [times[first]] * len(times[first:last])
            seen = 0
    return times


def _trade(random: Random, life: _Life, opened: Sequence[_Purse]) -> list[_Draft]:
    """Return what one trade leaves behind: what was paid, what was got, and now and then a fee given back."""
    paid, got = random.choice(opened), random.choice(opened)
    got = got if (got.account_type, got.tag) == (paid.account_type, paid.tag) else paid
    # An isolated account trades its pair, and no other.
    remark = _trade_remark(random, paid.tag or f"{got.currency}-{paid.currency}")
    biz_type = life.trade
    if paid.account_type.startswith("ISOLATED") and biz_type == "MARGIN_EXCHANGE":
        biz_type = "ISOLATED_EXCHANGE"
    if biz_type == "RealisedPNL":
        symbol = random.choice(_SYMBOLS[paid.currency])
        return [_draft(random, paid, _What(biz_type, random.choice(("in", "out")), symbol), fee=True)]
    group = [
        _draft(random, paid, _What(biz_type, "out", remark)),
        _draft(random, got, _What(biz_type, "in", remark), fee=True),
    ]
    if random.random() < 0.3:  # noqa: PLR2004  some
        group.append(_draft(random, got, _What(biz_type, "in", remark)))
    return group


def _other(random: Random, life: _Life, opened: Sequence[_Purse]) -> _Draft:
    what = random.choice(life.others)
    if life.trade == "RealisedPNL" and random.random() < 0.8:  # noqa: PLR2004  most rows of this ledger are
        return _trade(random, life, opened)[0]
    return _draft(random, random.choice(opened), what)


def _draft(random: Random, purse: _Purse, what: _What, units: int | None = None, *, fee: bool = False) -> _Draft:
    if units is None:
        smallest = random.random() < 0.02  # noqa: PLR2004  now and then the smallest amount there is
        units = 1 if smallest else random.randrange(1, purse.size * 10**purse.decimals)
    direction = what.direction or random.choice(("in", "out"))
    return _Draft(purse, units, units // 1000 if fee else 0, direction, what.biz_type, what.remark)


def _trade_remark(random: Random, symbol: str) -> str:
    context = {"symbol": symbol, "orderId": f"{random.getrandbits(96):024x}", "tradeId": str(random.getrandbits(53))}
    if random.random() < _QUOTED:
        return repr(context).replace(" ", "")
    return json.dumps(context, separators=(",", ":"))


def _booking(draft: _Draft, row_id: int) -> Booking:
    purse = draft.purse
    return Booking(
        id=row_id,
        created_at=draft.created_at,
        currency=purse.currency,
        amount=_decimal(draft.units, purse.decimals),
        fee=_decimal(draft.fee_units, purse.decimals),
        direction=draft.direction,
        biz_type=draft.biz_type,
        account_type=purse.account_type,
        tag=purse.tag,
        context=draft.remark,
        tax="0",
        balance=None,
        visible_from=None,
        extra={},
    )


def _decimal(units: int, decimals: int) -> str:
    whole, fraction = divmod(units, 10**decimals)
    return f"{whole}.{fraction:0{decimals}}"
