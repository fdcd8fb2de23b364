"""
GET /api/v1/accounts/ledgers: pages of ledger rows, newest first.

https://www.kucoin.com/docs-new/rest/account-info/account-funding/get-account-ledgers-spot-margin
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from airflow_provider_kucoin.testing import pages, queries
from airflow_provider_kucoin.testing.refusals import bad_parameter

if TYPE_CHECKING:
    from random import Random

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.ledger import Filter, View
    from airflow_provider_kucoin.testing.pages import Page
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply

DAY_MS: Final = 86_400_000

# What a request may ask for, and the `bizType` of the rows that it means. KuCoin asks in one vocabulary and answers in
# another, and documents no mapping: this one goes by the names.
BIZ_TYPES: Final[dict[str, frozenset[str]]] = {
    "DEPOSIT": frozenset({"DEPOSIT", "Deposit"}),
    "WITHDRAW": frozenset({"WITHDRAW", "Withdrawal", "Withdraw"}),
    "TRANSFER": frozenset({"TRANSFER", "Transfer"}),
    "SUB_TRANSFER": frozenset({"SUB_TRANSFER", "Sub Account Transfer", "Sub-account transfer"}),
    "TRADE_EXCHANGE": frozenset({"TRADE_EXCHANGE", "Trade_Exchange", "Exchange"}),
    "MARGIN_EXCHANGE": frozenset(
        {"MARGIN_EXCHANGE", "Margin Trade", "Cross Margin", "Cross Margin Trading", "Isolated Margin Trading"}
    ),
    "KUCOIN_BONUS": frozenset({"KUCOIN_BONUS", "KuCoin Bonus"}),
    "BROKER_TRANSFER": frozenset({"BROKER_TRANSFER"}),
    "REBATE": frozenset({"REBATE", "Rebate", "Fee Rebate"}),
}


class Span(NamedTuple):
    """Times as asked for, both ends named as KuCoin names them; which of them belong is a reading."""

    start_at: int
    end_at: int


def ledgers(call: Call) -> Reply:
    """Answer GET /api/v1/accounts/ledgers."""
    readings = call.exchange.readings
    page = pages.asked_for(call)
    only = _filter(call, readings)
    span = _span(call, readings)
    start = span.start_at if readings.start_inclusive else span.start_at + 1
    end = span.end_at + 1 if readings.end_inclusive else span.end_at
    if readings.retention_days is not None:
        horizon = call.exchange.now_ms() - readings.retention_days * DAY_MS
        if start < horizon and readings.beyond_retention == "error":
            raise bad_parameter("the query time is more than one year ago")
        start = max(start, horizon)
    return _answer(call, call.exchange.ledger(call.key.uid).view(start, max(start, end), only), page)


def _filter(call: Call, readings: Readings) -> Filter:
    types = {value: meant for value, meant in BIZ_TYPES.items() if value != "REBATE" or readings.accepts_rebate}
    return queries.rows(call, types, "bizType", {"in": "in", "out": "out"})


def _span(call: Call, readings: Readings) -> Span:
    start, end = queries.bounds(call)
    if start is None:
        if end is None:
            now = call.exchange.now_ms()
            return Span(now - DAY_MS if readings.no_bounds == "last_24h" else 0, now)
        return Span(end - DAY_MS, end)  # documented: with one bound alone, the other is 24 hours from it
    if end is None:
        return Span(start, start + DAY_MS)
    if end - start > DAY_MS or (end - start == DAY_MS and not readings.exactly_24h_allowed):
        # That it is refused is documented; the words are not known.
        raise bad_parameter("the time span should not exceed 24 hours")
    return Span(start, end)


def _answer(call: Call, view: View, page: Page) -> Reply:
    total = len(view)
    stop = max(total - (page.number - 1) * page.size, 0)
    start = max(stop - page.size, 0)
    if call.exchange.readings.shuffle_ties:
        texts = _texts_with_ties_shuffled(view, start, stop, call.exchange.random)
    else:
        texts = view.texts(start, stop)
        texts.reverse()
    return pages.answer(page, total, texts, call.exchange.readings)


def _texts_with_ties_shuffled(view: View, start: int, stop: int, random: Random) -> list[str]:
    """Return a page newest first, with the rows of each millisecond in an order drawn anew for each request."""
    first, last = start, stop
    while 0 < first < last and view.order(first - 1)[0] == view.order(first)[0]:
        first -= 1
    while first < last < len(view) and view.order(last)[0] == view.order(last - 1)[0]:
        last += 1
    texts = view.texts(first, last)
    keys = [(-view.order(index)[0], random.random()) for index in range(first, last)]
    newest_first = sorted(range(len(texts)), key=keys.__getitem__)
    return [texts[index] for index in newest_first[last - stop : last - start]]
