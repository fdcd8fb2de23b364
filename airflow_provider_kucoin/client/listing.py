"""A whole listing in pages: the same way through it, blocking and from an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.errors import Incomplete
from airflow_provider_kucoin.api.pages import listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kucoin.api.endpoints import Endpoint
    from airflow_provider_kucoin.api.signing import Value
    from airflow_provider_kucoin.client.blocking import BlockingClient
    from airflow_provider_kucoin.client.concurrent import ConcurrentClient

PAGE_SIZE = 500
#: How often a listing is read when it changes while it is read.
READ_ATTEMPTS = 5


def read_settled_listing(
    client: BlockingClient, endpoint: Endpoint, asked: Mapping[str, Value], *, page_size: int = PAGE_SIZE
) -> list[dict[str, Any]]:
    """
    Return all rows of a listing, read again when it changes while it is read.

    :raise Incomplete: when it never stood still
    """
    attempt = 1
    while True:
        steps = listing(asked, page_size)
        try:
            params = next(steps)
            while True:
                params = steps.send(client.call(endpoint, params=params))
        except StopIteration as end:
            return list(end.value)
        except Incomplete:
            if attempt == READ_ATTEMPTS:
                raise
            attempt += 1


async def read_listing(
    client: ConcurrentClient, endpoint: Endpoint, asked: Mapping[str, Value], *, most_pages: int | None = None
) -> list[dict[str, Any]]:
    """
    Return the rows of a listing.

    :param most_pages: stop after so many pages; ``None`` reads them all
    :raise Incomplete: when it changes while it is read
    """
    steps = listing(asked, PAGE_SIZE, most_pages=most_pages)
    try:
        params = next(steps)
        while True:
            params = steps.send(await client.call(endpoint, params=params))
    except StopIteration as end:
        return list(end.value)
