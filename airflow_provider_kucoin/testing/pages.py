"""
Pages as KuCoin numbers them: `currentPage` from 1 and `pageSize`, both told again in the answer.

Most lists take sizes of 10 … 500 and give 50 unless asked; the others say so when they ask for the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from airflow_provider_kucoin.testing import wire
from airflow_provider_kucoin.testing.refusals import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply

MAX_PAGE_SIZE: Final = 500
MIN_PAGE_SIZE: Final = 10
DEFAULT_PAGE_SIZE: Final = 50


class Page(NamedTuple):
    """Which page is asked for."""

    number: int
    size: int

    def of(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return the rows of this page."""
        return rows[(self.number - 1) * self.size : self.number * self.size]


def asked_for(
    call: Call,
    *,
    default: int = DEFAULT_PAGE_SIZE,
    smallest: int = MIN_PAGE_SIZE,
    largest: int = MAX_PAGE_SIZE,
) -> Page:
    """Return the page that a request asks for."""
    number = call.integer("currentPage", 1)
    if number < 1:
        # How KuCoin answers this is not known.
        raise bad_parameter("currentPage should not be less than 1")
    return Page(number, size(call.integer("pageSize", default), call.exchange.readings, smallest, largest))


def answer(page: Page, total: int, items: Sequence[str], readings: Readings) -> Reply:
    """Return an answer; the items are JSON already."""
    head = (
        f'{{"code":"200000","data":{{"currentPage":{page.number},"pageSize":{page.size},'
        f'"totalNum":{total},"totalPage":{-(-total // page.size)}'
    )
    if items:
        tail = f',"items":[{",".join(items)}]'
    else:
        tail = {"list": ',"items":[]', "null": ',"items":null', "absent": ""}[readings.empty_items]
    return wire.Reply(f"{head}{tail}}}}}".encode(), code="200000")


def size(wanted: int, readings: Readings, smallest: int = MIN_PAGE_SIZE, largest: int = MAX_PAGE_SIZE) -> int:
    """Return the page size that is asked for, if it is one."""
    if wanted > largest:
        raise bad_parameter(f"pageSize should not greater than {largest}")  # quoted in ccxt, with 500
    if wanted >= smallest or (readings.small_page == "serve" and wanted > 0):
        return wanted
    if readings.small_page == "raise_to_10":
        return smallest
    raise bad_parameter(f"pageSize should not less than {smallest}")
