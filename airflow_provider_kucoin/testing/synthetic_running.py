"""
Ledgers with running balances of any length that are computed, not stored: trade_hf and futures.

As in `synthetic`, row number k follows from k alone, and so does the balance after it. The rows go round a pool of
moulds; with each round a mould's amount grows by its step, and starts again after some rounds. What comes in and what
goes out in one round is the same, so that a row's balance is what its own round has added up to: two sums that were
made once, of amounts and of steps. All of them are whole numbers of the smallest unit.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from airflow_provider_kucoin.testing.exact_json import number as json_number
from airflow_provider_kucoin.testing.running import Chain
from airflow_provider_kucoin.testing.synthetic import GROUP, POOL, Multitude

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROUNDS: Final = 10_007
_DECIMALS: Final = 8
_UNIT: Final = 10**_DECIMALS
# From a thousandth to ten millions JSON numbers have no exponent.
_SMALLEST_PLAIN: Final = _UNIT // 1000
_LARGEST_PLAIN: Final = _UNIT * 10_000_000
# As in `ledger_kinds.row_id`: of the numbers on a millisecond, booked rows have none above these.
_IDS_PER_MS: Final = 100_000
_FIRST_NUMBER: Final = 50_000

_SYMBOLS: Final = {"USDT": ("XBTUSDTM", "ETHUSDTM", "SOLUSDTM"), "XBT": ("XBTUSDM",)}


class _Ledger(NamedTuple):
    """What differs between the two: currencies with their weights, business types, the chain, how a row is written."""

    account: str
    currencies: dict[str, int]
    trade: str
    inward: str
    outward: str
    write: Callable[[_Mould, int, int, int, int, int], str]


class _Mould(NamedTuple):
    """
    What stays from round to round, and the texts between the parts of a row that change.

    `sign` is 1 for money that comes in. The sums are those of the rows of its currency in a round, up to its own.
    """

    currency: str
    direction: str
    biz_type: str
    sign: int
    amount: int
    step: int
    texts: tuple[str, ...]
    amounts: int = 0
    steps: int = 0


def _trade_hf(mould: _Mould, row_id: int, created_at: int, group: int, amount: int, balance: int) -> str:
    after_id, after_amount, after_balance, after_time = mould.texts
    fee = amount // 1000
    return (
        f'{{"id":"{row_id}{after_id}{amount // _UNIT}.{amount % _UNIT:08}","fee":"{fee // _UNIT}.{fee % _UNIT:08}'
        f"{after_amount}{balance // _UNIT}.{balance % _UNIT:08}{after_balance}{created_at}{after_time}{group}"
        '\\"}"}'
    )


def _futures(mould: _Mould, row_id: int, created_at: int, _: int, amount: int, balance: int) -> str:
    after_time, after_equity, after_offset = mould.texts
    sign = "-" if mould.sign < 0 else ""
    return (
        f'{{"time":{created_at}{after_time}{sign}{_number(amount)},"fee":{_number(amount // 1000)},'
        f'"accountEquity":{_number(balance)}{after_equity}{row_id}{after_offset}'
    )


def _number(units: int) -> str:
    """Return a number as `exact_json` writes it, but for the zeros at its end."""
    if _SMALLEST_PLAIN <= units < _LARGEST_PLAIN:
        return f"{units // _UNIT}.{units % _UNIT:08}"
    return json_number(Decimal(units).scaleb(-_DECIMALS))


LEDGERS: Final = {
    "trade_hf": _Ledger(
        "trade",
        {"USDT": 50, "BTC": 20, "ETH": 15, "KCS": 15},
        "TRADE_EXCHANGE",
        "RETURNED_FEES",
        "TRANSFER",
        _trade_hf,
    ),
    "futures": _Ledger("contract", {"USDT": 80, "XBT": 20}, "RealisedPNL", "TransferIn", "TransferOut", _futures),
}


class SyntheticRunning(Multitude):
    """
    A trade_hf or futures ledger with the balance after each row; ids rise with time, whatever the readings.

    There may be three rows on a millisecond, no more.
    """

    def __init__(self, ledger: str, start_ms: int, end_ms: int, count: int, seed: int) -> None:
        if ledger not in LEDGERS:
            raise ValueError(f"there is no synthetic ledger {ledger!r}")
        if count > GROUP * (end_ms - start_ms):
            raise ValueError(f"a synthetic ledger with balances has at most {GROUP} rows to a millisecond")
        self._ledger = LEDGERS[ledger]
        self._moulds = _summed(_moulds(Random(f"{ledger} {seed}"), self._ledger))  # noqa: S311  repeatable, not secret
        self._openings = {
            currency: -min(
                (
                    mould.amounts + turn * mould.steps
                    for mould in self._moulds
                    for turn in (0, _ROUNDS - 1)
                    if mould.currency == currency
                ),
                default=0,
            )
            for currency in self._ledger.currencies
        }
        super().__init__(start_ms, end_ms, count, self._moulds)

    def row_id(self, number: int) -> int:
        """Return the id of a row."""
        return self.created_at(number) * _IDS_PER_MS + _FIRST_NUMBER + number % GROUP

    def texts(self, numbers: Sequence[int]) -> list[str]:
        """Return the JSON of rows."""
        moulds, openings, write = self._moulds, self._openings, self._ledger.write
        start, span, count = self._start, self._span, self._count
        texts = []
        for number in numbers:
            mould = moulds[number % POOL]
            turn = number // POOL % _ROUNDS
            group = number // GROUP * GROUP
            created_at = start + group * span // count
            texts.append(
                write(
                    mould,
                    created_at * _IDS_PER_MS + _FIRST_NUMBER + number - group,
                    created_at,
                    group,
                    mould.amount + turn * mould.step,
                    openings[mould.currency] + mould.amounts + turn * mould.steps,
                )
            )
        return texts

    def closing(self) -> dict[Chain, Decimal]:
        """Return the balances after the last row."""
        turn, units = self._count // POOL % _ROUNDS, dict(self._openings)
        for mould in self._moulds[: self._count % POOL]:
            units[mould.currency] = self._openings[mould.currency] + mould.amounts + turn * mould.steps
        return {
            Chain(self._ledger.account, currency): Decimal(amount).scaleb(-_DECIMALS)
            for currency, amount in units.items()
        }


def _moulds(random: Random, ledger: _Ledger) -> list[_Mould]:
    """Return moulds in and out that even out: pairs, and at last three, as their number is odd."""
    names, weights = tuple(ledger.currencies), tuple(ledger.currencies.values())
    moulds: list[_Mould] = []
    while len(moulds) < POOL:
        currency = random.choices(names, weights)[0]
        amount, step = random.randrange(1, 1000 * _UNIT), random.randrange(1, _UNIT // 100)
        parts = [(1, amount, step), (-1, amount, step)]
        if POOL - len(moulds) < 2 * len(parts):
            parts = [(1, amount, step), (1, step, amount % 100), (-1, amount + step, step + amount % 100)]
        moulds += [_mould(random, ledger, currency, *part) for part in parts]
    random.shuffle(moulds)
    return moulds


def _mould(random: Random, ledger: _Ledger, currency: str, sign: int, amount: int, step: int) -> _Mould:
    is_trade = random.random() < 0.9  # noqa: PLR2004  most of them are
    biz_type = ledger.trade if is_trade else (ledger.inward if sign > 0 else ledger.outward)
    direction = "in" if sign > 0 else "out"
    if ledger.account == "contract":
        symbol = random.choice(_SYMBOLS[currency]) if is_trade else "Transferred"
        texts: tuple[str, ...] = (
            f',"type":"{biz_type}","amount":',
            f',"status":"Completed","remark":"{symbol}","offset":',
            f',"currency":"{currency}"}}',
        )
    else:
        order = f"{random.getrandbits(96):024x}"
        context = f'{{\\"symbol\\":\\"{currency}-USDC\\",\\"orderId\\":\\"{order}\\",\\"tradeId\\":\\"'
        texts = (
            f'","currency":"{currency}","amount":"',
            '","tax":"0","balance":"',
            f'","accountType":"TRADE_HF","bizType":"{biz_type}","direction":"{direction}","createdAt":"',
            f'","context":"{context}',
        )
    return _Mould(currency, direction, biz_type, sign, amount, step, texts)


def _summed(moulds: Sequence[_Mould]) -> list[_Mould]:
    """Return moulds that know what those of their currency add up to in a round, themselves included."""
    amounts: dict[str, int] = {}
    steps: dict[str, int] = {}
    summed = []
    for mould in moulds:
        amounts[mould.currency] = amounts.get(mould.currency, 0) + mould.sign * mould.amount
        steps[mould.currency] = steps.get(mould.currency, 0) + mould.sign * mould.step
        summed.append(mould._replace(amounts=amounts[mould.currency], steps=steps[mould.currency]))
    return summed
