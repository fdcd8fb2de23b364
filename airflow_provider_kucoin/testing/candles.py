"""
Candles of a spot symbol: a bare list of lists of text, newest first.

https://www.kucoin.com/docs-new/api-3470163. A range is in seconds, and at most 1,500 candles come at once.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import wire
from airflow_provider_kucoin.testing.history_rows import encode
from airflow_provider_kucoin.testing.history_seeding import Event, amount
from airflow_provider_kucoin.testing.refusals import bad_parameter, not_in_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.history_rows import Row
    from airflow_provider_kucoin.testing.wire import Reply

NAME: Final = "klines"
PATH: Final = "/api/v1/market/candles"
MOST: Final = 1500
# The values of a candle as they are sent; `symbol` and `type` are what it was asked for by.
VALUES: Final = ("time", "open", "close", "high", "low", "volume", "turnover")
SAMPLE: Final[dict[str, Any]] = {
    "symbol": "BTC-USDT",
    "type": "1min",
    "time": "1566789720",
    "open": "10411.5",
    "close": "10401.9",
    "high": "10411.5",
    "low": "10396.3",
    "volume": "29.11357276",
    "turnover": "302889.301529914",
}
# Candles are everybody's.
NOBODY: Final = 0

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
# How far apart candles are. Weeks and months are no multiples of anything; where they begin is told nowhere.
TYPES_MS: Final[Mapping[str, int]] = {
    "1min": _MINUTE_MS,
    "3min": 3 * _MINUTE_MS,
    "5min": 5 * _MINUTE_MS,
    "15min": 15 * _MINUTE_MS,
    "30min": 30 * _MINUTE_MS,
    "1hour": _HOUR_MS,
    "2hour": 2 * _HOUR_MS,
    "4hour": 4 * _HOUR_MS,
    "6hour": 6 * _HOUR_MS,
    "8hour": 8 * _HOUR_MS,
    "12hour": 12 * _HOUR_MS,
    "1day": _DAY_MS,
    "1week": 7 * _DAY_MS,
    "1month": 30 * _DAY_MS,
}
_AMONG: Final[tuple[dict[str, str], ...]] = (
    {"symbol": "BTC-USDT", "type": "1min"},
    {"symbol": "ETH-USDT", "type": "1hour"},
)


def candles(call: Call) -> Reply:
    """Answer GET /api/v1/market/candles."""
    readings = call.exchange.readings
    symbol, kind = call.required("symbol"), call.required("type")
    if kind not in TYPES_MS:
        raise not_in_range()
    # 0 is the documented default, and no bound.
    start, end = call.integer("startAt", 0), call.integer("endAt", 0)
    if end and start > end:
        # How KuCoin answers this is not known.
        raise bad_parameter("startAt should not be later than endAt")
    view = call.exchange.histories.book(NAME).view(
        NOBODY,
        (symbol, kind),
        lambda row: (row.get("symbol"), row.get("type")) == (symbol, kind),
        lambda row: int(row.get("time")),
    )
    last = end + (1 if readings.candle_end_inclusive else 0) if end else 1 << 62
    first, stop = view.between(range(start, max(start, last)))
    rows = view.rows[first:stop]
    rows = rows[-MOST:] if readings.candles_kept == "newest" else rows[:MOST]
    return wire.success(encode([_values(row) for row in reversed(rows)]).encode())


def events(
    start_ms: int, end_ms: int, count: int, seed: str, among: Sequence[Mapping[str, Any]] | None = None
) -> list[Event]:
    """
    Return so many candles that start in `[start_ms, end_ms)`, those at both edges included, at most one per interval.

    There are gaps among them when there are fewer than intervals: one without trades has no candle.
    """
    random = Random(f"{seed} {start_ms} {end_ms} {count}")  # noqa: S311  repeatable, not secret
    made: list[Event] = []
    abouts = [{**_AMONG[0], **about} for about in among or _AMONG]
    for about in abouts:
        step_ms = TYPES_MS[about["type"]]
        steps = range(-(-start_ms // step_ms), -(-end_ms // step_ms))
        wanted = min(count // len(abouts), len(steps))
        edges = sorted({*steps[:1], *steps[-1:]})[:wanted]
        chosen = sorted([*edges, *random.sample(steps[1:-1], wanted - len(edges))])
        made += [Event(step * step_ms, _candle(random, about, step * step_ms), {}) for step in chosen]
    return made


def _candle(random: Random, about: Mapping[str, Any], time_ms: int) -> dict[str, Any]:
    low, first, second, high = sorted((amount(random, 70_000, 12) for _ in range(4)), key=Decimal)
    opened, closed = random.sample((first, second), 2)
    return {
        **about,
        "time": str(time_ms // 1000),
        "open": opened,
        "close": closed,
        "high": high,
        "low": low,
        "volume": amount(random, 10_000, 16),
        "turnover": amount(random, 9_000_000, 16),
    }


def _values(row: Row) -> list[Any]:
    return [row.fields[name] for name in VALUES]
