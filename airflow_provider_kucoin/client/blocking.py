"""The synchronous transport: one ``requests`` session, one call at a time."""

from __future__ import annotations

import logging
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from airflow_provider_kucoin.api.calls import NoAnswer, Sleep, ask_the_time, call, wait_for_quota
from airflow_provider_kucoin.api.endpoints import TIMESTAMP
from airflow_provider_kucoin.api.envelope import Answer
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.signing import sign
from airflow_provider_kucoin.client.network import REAL, Network
from airflow_provider_kucoin.client.observing import UNOBSERVED, Observer, asked, cause_of_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from airflow_provider_kucoin.api.calls import Line, Retry, Send, Surroundings
    from airflow_provider_kucoin.api.endpoints import Endpoint
    from airflow_provider_kucoin.api.signing import Value

log = logging.getLogger(__name__)

#: A pause that a person who follows the log should know of.
WORTH_A_LINE = 1.0


class KucoinAuth(AuthBase):
    """
    Signs a prepared request, whose URL and body are by now exactly what will be sent.

    For sessions that are handed out. It refuses any other host than the connection's own, so that the key never
    leaves for a stranger.
    """

    def __init__(self, line: Line, surroundings: Surroundings = REAL) -> None:
        self._line = line
        self._surroundings = surroundings
        self._origins = {_origin(line.site.spot_url), _origin(line.site.futures_url)}

    def __repr__(self) -> str:
        """Show nothing of the credentials."""
        return "KucoinAuth(***)"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers that authenticate ``request``."""
        if _origin(request.url or "") not in self._origins:
            raise InvalidInput(f"not signed: {_origin(request.url or '')} is not a host of this KuCoin connection")
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else bytes(body)
        timestamp_ms = self._surroundings.wall_ms() + self._line.clock_offset_ms
        request.headers.setdefault("Content-Type", "application/json")
        request.headers.update(self._line.site.headers)
        request.headers.update(
            sign(self._line.credentials, request.method or "GET", request.path_url, body, timestamp_ms)
        )
        return request


class BlockingClient:
    """
    Calls KuCoin and waits for the answer.

    :param session: sends the requests; its connections are kept alive between calls
    :param observer: is told of every request and every wait
    """

    def __init__(
        self,
        line: Line,
        network: Network,
        session: requests.Session,
        *,
        retry: Retry | None = None,
        surroundings: Surroundings = REAL,
        sleep: Callable[[float], object] = time.sleep,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self.line = line
        self._observer = observer
        self._network = network
        self._session = session
        self._retry = retry
        self._surroundings = surroundings
        self._sleep = sleep

    def call(
        self,
        endpoint: Endpoint,
        *,
        path: str | None = None,
        params: Mapping[str, Value] | None = None,
        body: bytes = b"",
        timestamp_ms: int | None = None,
    ) -> Any:
        """Make one call and return its data; see :func:`airflow_provider_kucoin.api.calls.call`."""
        return self.follow(
            call(
                self.line,
                endpoint,
                self._surroundings,
                path=path,
                params=params,
                body=body,
                retry=self._retry,
                timestamp_ms=timestamp_ms,
            ),
            endpoint,
        )

    def server_time_ms(self) -> int:
        """Ask KuCoin for its time, and sign with it from now on."""
        return int(self.follow(ask_the_time(self.line, self._surroundings, self._retry)))

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps."""
        return self._surroundings.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._sleep(seconds)

    def wait_for_quota(self, endpoint: Endpoint) -> bool:
        """Wait until there is quota for a call of ``endpoint``; return whether that took any time."""
        seconds = wait_for_quota(self.line, endpoint, self._surroundings)
        if seconds > 0:
            cause = cause_of_wait(self.line, endpoint, self._surroundings)
            self._observer.waiting(endpoint, seconds, cause, self._surroundings.monotonic())
            self._sleep(seconds)
        return seconds > 0

    def follow(
        self, steps: Generator[Send | Sleep, Answer | NoAnswer | None, Any], endpoint: Endpoint = TIMESTAMP
    ) -> Any:
        """
        Do what ``steps`` say until they return, and return what they do.

        :param endpoint: whose call they are, for who observes it
        """
        outcome: Answer | NoAnswer | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                return end.value
            if isinstance(step, Sleep):
                if step.seconds >= WORTH_A_LINE:
                    log.info("waiting %.1f s: %s", step.seconds, step.why)
                cause = cause_of_wait(self.line, endpoint, self._surroundings, outcome)
                self._observer.waiting(endpoint, step.seconds, cause, self._surroundings.monotonic())
                self._sleep(step.seconds)
                outcome = None
            else:
                outcome = self._send(step)
                self._observer.answered(asked(step, endpoint), outcome)

    def _send(self, step: Send) -> Answer | NoAnswer:
        # Prepared without the session, so that only the headers named here leave.
        prepared = requests.Request(step.method, step.url, headers=dict(step.headers), data=step.body or None).prepare()
        settings = self._session.merge_environment_settings(
            step.url, dict(self._network.proxies), False, self._network.verify, self._network.cert
        )
        try:
            answer = self._session.send(prepared, timeout=self._network.timeout, allow_redirects=False, **settings)
        except requests.ConnectionError as problem:
            return NoAnswer(_unreached(step.url, problem), sent=not _never_connected(problem))
        except requests.RequestException as problem:
            return NoAnswer(f"{type(problem).__name__} while talking to {_origin(step.url)}")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, headers, answer.content)


def _never_connected(problem: requests.ConnectionError) -> bool:
    """Return whether it is certain that nothing was sent. A TLS error is so only while certificates are looked at."""
    if isinstance(problem, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    # Not by the exception's text: that holds the URL, in which anything may stand.
    reason = getattr(problem.args[0] if problem.args else None, "reason", None)
    if isinstance(reason, urllib3.exceptions.SSLError):
        reason = reason.args[0]
    return isinstance(reason, urllib3.exceptions.NewConnectionError | ssl.SSLCertVerificationError)


def _unreached(url: str, problem: Exception) -> str:
    """Say what was not reached. The exception's own text holds the whole URL, which belongs in no log."""
    reason = type(problem).__name__
    return f"no answer from {_origin(url)} ({reason}): check the connection's host, the network and any proxy"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
