"""The asynchronous transport: one ``aiohttp`` session, many calls at a time."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.request import getproxies, proxy_bypass

from airflow_provider_kucoin.api.calls import NoAnswer, Sleep, call
from airflow_provider_kucoin.api.envelope import Answer
from airflow_provider_kucoin.client.network import REAL, Network
from airflow_provider_kucoin.client.observing import UNOBSERVED, Observer, asked, cause_of_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import aiohttp

    from airflow_provider_kucoin.api.calls import Line, Retry, Send, Surroundings
    from airflow_provider_kucoin.api.endpoints import Endpoint
    from airflow_provider_kucoin.api.signing import Value

log = logging.getLogger(__name__)

#: Requests under way at once. At 50 ms a round trip this is 320 calls a second, far more than any quota's average.
CONCURRENCY = 16


class ConcurrentClient:
    """
    Calls KuCoin from a running event loop. An asynchronous context manager.

    :param concurrency: the most requests under way at once
    :param observer: is told of every request and every wait
    """

    def __init__(
        self,
        line: Line,
        network: Network,
        *,
        retry: Retry | None = None,
        surroundings: Surroundings = REAL,
        concurrency: int = CONCURRENCY,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self.line = line
        self._observer = observer
        self._network = network
        self._retry = retry
        self._surroundings = surroundings
        self._turns = asyncio.Semaphore(concurrency)
        self._session: aiohttp.ClientSession | None = None
        self._ssl: ssl.SSLContext | bool = True
        self._proxy = cache(partial(_proxy, network))

    async def __aenter__(self) -> Self:
        """Open the session."""
        import aiohttp

        self._ssl = _ssl(self._network)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._ssl),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._network.timeout, sock_read=self._network.timeout
            ),
            # With it, aiohttp would ask the environment before every request, in a thread; :func:`_proxy` asks once.
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        endpoint: Endpoint,
        *,
        path: str | None = None,
        params: Mapping[str, Value] | None = None,
        decode: Callable[[bytes], Any] | None = None,
    ) -> Any:
        """Make one call and return its data; errors as in :mod:`airflow_provider_kucoin.api.errors`."""
        # A call waits here for its turn rather than in aiohttp for a connection: there it would be signed already,
        # and a signature is good for 5 seconds.
        async with self._turns:
            return await self._follow(
                call(
                    self.line, endpoint, self._surroundings, path=path, params=params, retry=self._retry, decode=decode
                ),
                endpoint,
            )

    async def _follow(self, steps: Generator[Send | Sleep, Answer | NoAnswer | None, Any], endpoint: Endpoint) -> Any:
        outcome: Answer | NoAnswer | None = None
        try:
            while True:
                try:
                    step = steps.send(outcome)
                except StopIteration as end:
                    return end.value
                if isinstance(step, Sleep):
                    if step.seconds >= 1:
                        log.debug("waiting %.1f s: %s", step.seconds, step.why)
                    cause = cause_of_wait(self.line, endpoint, self._surroundings, outcome)
                    self._observer.waiting(endpoint, step.seconds, cause, self._surroundings.monotonic())
                    await asyncio.sleep(step.seconds)
                    outcome = None
                else:
                    outcome = await self._send(step)
                    self._observer.answered(asked(step, endpoint), outcome)
        finally:
            # A cancelled call gives back the quota that it had taken for the request under way.
            steps.close()

    async def _send(self, step: Send) -> Answer | NoAnswer:
        import aiohttp
        import yarl

        if self._session is None:
            raise RuntimeError("use the client as an asynchronous context manager")
        url = yarl.URL(step.url, encoded=True)  # exactly what was signed
        try:
            async with self._session.request(
                step.method,
                url,
                headers=step.headers,
                data=step.body or None,
                allow_redirects=False,
                proxy=self._proxy(url.scheme, url.host or ""),
            ) as answer:
                body = await answer.read()
        except aiohttp.ClientConnectorError as problem:
            where = f"{url.origin()} ({type(problem).__name__})"
            reason = f"no answer from {where}: check the connection's host, the network and any proxy"
            return NoAnswer(reason, sent=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            return NoAnswer(f"{type(problem).__name__} while talking to {url.origin()}")
        return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)


def _proxy(network: Network, scheme: str, host: str) -> str | None:
    """Return the proxy for a host: the connection's own, or that of the environment, where that may be asked."""
    if scheme in network.proxies or not network.trust_env or proxy_bypass(host):
        return network.proxies.get(scheme)
    return getproxies().get(scheme)


def _ssl(network: Network) -> ssl.SSLContext | bool:
    """Return what aiohttp takes for the settings that ``requests`` calls ``verify``, ``cert`` and ``trust_env``."""
    trusted = network.verify if isinstance(network.verify, str) else None
    if trusted is None and network.verify and network.trust_env:
        trusted = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if trusted is None and network.cert is None:
        return bool(network.verify)
    is_folder = trusted is not None and Path(trusted).is_dir()
    context = ssl.create_default_context(cafile=None if is_folder else trusted, capath=trusted if is_folder else None)
    if network.verify is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if network.cert:
        context.load_cert_chain(*([network.cert] if isinstance(network.cert, str) else network.cert))
    return context
