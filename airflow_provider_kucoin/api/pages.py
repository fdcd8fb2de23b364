"""
KuCoin's page style of listing: ``currentPage`` and ``pageSize`` in, ``totalNum``, ``totalPage`` and ``items`` out.

Lists are newest first (KuCoin's published descriptions), so rows that arrive while pages are being read push others
onto the next page. Every page says how many rows there are in all: as long as that number stands still while all
pages are read, nothing moved; when it does not, the reading is worth nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from airflow_provider_kucoin.api.errors import Incomplete

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page of a listing.

    :param items: newest first, as KuCoin sends them
    :param number: from 1
    :param size: rows per full page
    :param total: rows in all, as KuCoin says
    """

    items: list[Item]
    number: int
    size: int
    total: int

    @property
    def count(self) -> int:
        """How many pages there are; one, empty, when there are no rows."""
        return max(1, ceil(self.total / self.size))


def parse_page(data: Any, number: int, size: int) -> Page:
    """
    Return the page in an answer's data.

    ``items`` is null or absent when there are none (seen: ccxt#21200).

    :param number: as asked for
    :param size: as asked for
    :raise Incomplete: when the answer contradicts itself or what was asked for
    """
    try:
        total, answered_size = data["totalNum"], data.get("pageSize", size)
        items = data.get("items") or []
    except (AttributeError, KeyError, TypeError):
        raise Incomplete(f"page {number} is not a page: it has no totalNum") from None
    if type(total) is not int or type(answered_size) is not int or type(items) is not list:
        raise Incomplete(f"page {number} is not a page: totalNum {total!r}, pageSize {answered_size!r}")
    if data.get("currentPage", number) != number or not 0 < answered_size <= size or total < 0:
        raise Incomplete(
            f"asked for page {number} of {size} rows, got page {data.get('currentPage')!r} of {answered_size} rows"
        )
    page = Page(items, number, answered_size, total)
    expected = max(0, min(answered_size, total - (number - 1) * answered_size))
    if len(items) != expected:
        raise Incomplete(
            f"page {number} of {page.count} has {len(items)} rows where {expected} are due ({total} in all)"
        )
    return page


def check_same_listing(first: Page, other: Page) -> None:
    """
    Check that two pages were cut from the same listing.

    :raise Incomplete: when rows came or went in between
    """
    if (first.total, first.size) != (other.total, other.size):
        raise Incomplete(
            f"page {first.number} counted {first.total} rows in pages of {first.size}, page {other.number} "
            f"{other.total} in pages of {other.size}: rows came while the pages were being read"
        )


def check_no_repeats(older: list[str], newer: list[str]) -> None:
    """
    Check that neighbouring pages share no row, by their rows' ids.

    :raise Incomplete: when a row is there twice
    """
    seen = set(newer)
    if len(seen) != len(newer) or not seen.isdisjoint(older):
        repeated = next(key for key in newer if newer.count(key) > 1 or key in older)
        raise Incomplete(f"row {repeated} was listed twice: rows moved while the pages were being read")
