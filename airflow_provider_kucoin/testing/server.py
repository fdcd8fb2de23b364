"""The exchange's sockets: HTTP on two loopback ports, one per host of KuCoin's, in a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_kucoin.testing import control
from airflow_provider_kucoin.testing.wire import Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from aiohttp import web

    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.keys import ApiKey
    from airflow_provider_kucoin.testing.wire import Reply

    _Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

# aiohttp is imported by the methods that need it: a test run that merely loads the pytest plugin shall not pay for it.


class Server:
    """
    Serves an exchange while the context lasts; `exchange` may be swapped for another one at any time.

    One port is the spot host, another one the futures host; each answers only its own paths, and those that both have.
    `latency` seconds are added to every answer.
    """

    def __init__(
        self,
        exchange: Exchange,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        *,
        futures_port: int = 0,
    ) -> None:
        self.exchange = exchange
        self.host = host
        self.port = port
        self.futures_port = futures_port
        self.latency = latency
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Where the spot host listens, once started."""
        return f"http://{self.host}:{self.port}"

    @property
    def futures_url(self) -> str:
        """Where the futures host listens, once started."""
        return f"http://{self.host}:{self.futures_port}"

    def connection(self, key: ApiKey | None = None, **extra: Any) -> dict[str, Any]:
        """Return an Airflow connection (with the default key); as JSON it fits AIRFLOW_CONN_KUCOIN_DEFAULT."""
        key = key or self.exchange.key
        return {
            "conn_type": "kucoin",
            "host": self.url,
            "login": key.key,
            "password": key.secret,
            "extra": {"passphrase": key.passphrase, "futures_host": self.futures_url, **extra},
        }

    def start(self) -> Self:
        """Start serving; returns once both ports are open."""
        if self._thread is not None:
            raise RuntimeError("the server is running already")
        ready = threading.Event()
        failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(ready, failures), name="kucoin-sandbox", daemon=True)
        self._thread.start()
        ready.wait()
        if failures:
            self._thread.join()
            self._thread = None
            raise failures[0]
        return self

    def stop(self) -> None:
        """Stop serving and close the ports; does nothing when not running."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, ready: threading.Event, failures: list[BaseException]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:  # noqa: BLE001  told to the thread that waits in start()
            failures.append(error)
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as running:
            self.port = await self._listen(running, self.port, self._answer_spot)
            self.futures_port = await self._listen(running, self.futures_port, self._answer_futures)
            ready.set()
            await self._stop.wait()

    async def _listen(self, running: AsyncExitStack, port: int, answer: _Handler) -> int:
        """Open a port until `running` ends, and return its number."""
        from aiohttp import web

        # Requests in flight when it stops are not waited for: a test that is over has no use for them.
        runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=0.01)
        await runner.setup()
        running.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self.host, port).start()
        return int(runner.addresses[0][1])

    async def _answer_spot(self, incoming: web.BaseRequest) -> web.StreamResponse:
        return await self._answer(incoming, futures=False)

    async def _answer_futures(self, incoming: web.BaseRequest) -> web.StreamResponse:
        return await self._answer(incoming, futures=True)

    async def _answer(self, incoming: web.BaseRequest, *, futures: bool) -> web.StreamResponse:
        from aiohttp import web

        exchange = self.exchange
        request = Request(
            method=incoming.method,
            target=incoming.raw_path,
            headers={name.lower(): value for name, value in incoming.headers.items()},
            body=await incoming.read(),
            remote=incoming.remote or "",
            futures=futures,
        )
        if request.path.startswith(control.PREFIX):
            return await control.answer(exchange, request, incoming)
        reply = exchange.handle(request)
        if delay := self.latency + reply.delay:
            await asyncio.sleep(delay)
        if reply.sent is not None:
            return await _break_off(incoming, reply)
        return web.Response(
            body=reply.body,
            status=reply.status,
            headers={"Content-Type": _content_type(reply), **reply.headers},
        )


def _content_type(reply: Reply) -> str:
    return f"{reply.content_type}; charset=utf-8" if reply.content_type.startswith("text/") else reply.content_type


async def _break_off(incoming: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Send the first bytes of a reply, if any, then cut the line."""
    from aiohttp import web

    response = web.StreamResponse(
        status=reply.status,
        headers={"Content-Type": _content_type(reply), "Content-Length": str(len(reply.body)), **reply.headers},
    )
    if reply.sent:
        await response.prepare(incoming)
        await response.write(reply.body[: reply.sent])
    if incoming.transport is not None:
        incoming.transport.abort()
    return response
