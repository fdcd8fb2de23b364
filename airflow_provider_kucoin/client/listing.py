"""A whole listing in pages, from an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.pages import check_same_listing, parse_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kucoin.api.endpoints import Endpoint
    from airflow_provider_kucoin.api.pages import Page
    from airflow_provider_kucoin.api.signing import Value
    from airflow_provider_kucoin.client.concurrent import ConcurrentClient

PAGE_SIZE = 500


async def read_listing(
    client: ConcurrentClient, endpoint: Endpoint, asked: Mapping[str, Value], *, most_pages: int | None = None
) -> list[dict[str, Any]]:
    """
    Return the rows of a listing.

    :param most_pages: stop after so many pages; ``None`` reads them all
    :raise Incomplete: when it changes while it is read
    """
    rows: list[dict[str, Any]] = []
    first: Page | None = None
    number = 1
    while True:
        data = await client.call(endpoint, params={**asked, "pageSize": PAGE_SIZE, "currentPage": number})
        page = parse_page(data, number, PAGE_SIZE)
        first = first or page
        check_same_listing(first, page)
        rows += page.items
        if number >= page.count or number == most_pages:
            return rows
        number += 1
