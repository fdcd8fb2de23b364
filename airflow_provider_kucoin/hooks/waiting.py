"""A KuCoin connection inside the triggerer: read asynchronously, shared by all who wait on it."""

from __future__ import annotations

import asyncio
import importlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_kucoin.api.calls import Line
from airflow_provider_kucoin.client.concurrent import ConcurrentClient
from airflow_provider_kucoin.client.watching import Watch
from airflow_provider_kucoin.hooks.connection import Settings, settings
from airflow_provider_kucoin.hooks.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def read_settings(conn_id: str) -> Settings:
    """
    Return a connection's settings without blocking the event loop, and register its secrets with Airflow's masker.

    :raise InvalidInput: when the connection cannot be used
    """
    from asgiref.sync import sync_to_async

    try:
        connection = await get_async_connection(conn_id)
    except AirflowNotFoundException:
        # ``dag.test()`` runs triggers where only the synchronous way to a connection in the database works.
        connection = await sync_to_async(BaseHook.get_connection)(conn_id)
    found = settings(connection, await get_async_extra_dejson(connection))
    for secret in found.secrets:
        await _mask(secret)
    return found


async def _mask(secret: str) -> None:
    try:
        from airflow.sdk.log import amask_secret
    except ImportError:
        # Before Airflow 3.3 there is only the synchronous way.
        from airflow.providers.common.compat.sdk import mask_secret
        from asgiref.sync import sync_to_async

        await sync_to_async(mask_secret)(secret)
    else:
        await amask_secret(secret)


class _Shared:
    """One connection's watch, and how many use it."""

    def __init__(self) -> None:
        self.opening = asyncio.Lock()
        self.users = 0
        self.client: ConcurrentClient | None = None
        self.watch: Watch | None = None


# By event loop and connection: a triggerer has one loop, tests have many.
_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def watch_on(conn_id: str) -> AsyncIterator[Watch]:
    """Give the watch that all who wait on a connection share; the last to leave closes it."""
    by_connection = _shared.setdefault(asyncio.get_running_loop(), {})
    shared = by_connection.setdefault(conn_id, _Shared())
    shared.users += 1
    try:
        async with shared.opening:
            if shared.watch is None:
                # Its import takes so long that the triggerer's event loop would stand still.
                await asyncio.to_thread(importlib.import_module, "aiohttp")
                found = await read_settings(conn_id)
                shared.client = await ConcurrentClient(
                    Line(found.site, found.credentials), found.network, observer=Metrics(conn_id)
                ).__aenter__()
                shared.watch = Watch(shared.client)
        yield shared.watch
    finally:
        shared.users -= 1
        if not shared.users:
            by_connection.pop(conn_id, None)
            await _close(shared)


async def _close(shared: _Shared) -> None:
    try:
        if shared.watch is not None:
            await shared.watch.close()
    finally:
        if shared.client is not None:
            await shared.client.__aexit__(None, None, None)
