"""
What can go wrong between a client and the exchange, by name and on demand.

`exchange.faults.inject(Fault.RATE_LIMITED, path="/api/v1/accounts/ledgers", after=1)` answers the second ledger request
with 429. What a fault does is a row of `BEHAVIOURS`; its settable parts are that row's parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.testing import exact_json, wire
from airflow_provider_kucoin.testing.refusals import HTTP_STATUS, MESSAGES
from airflow_provider_kucoin.testing.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kucoin.testing.wire import Request

Parameters = dict[str, Any]
Alteration = Callable[[Reply, Parameters], Reply]


class Fault(Enum):
    """Everything that can be made to go wrong; the parameters of each, with their defaults, in brackets."""

    RATE_LIMITED = "429 with 429000, nothing remaining, and a time to wait (reset_ms=50, limit=2000)"
    OVERLOADED = "429 with 429000 although the quota is not used up, and no rate limit headers"
    CLOUDFLARE_1015 = "an HTML page from before the exchange (status=429)"
    CLOCK_SKEW = "400002 for a timestamp that was right"
    RESET_BEFORE = "the connection breaks before the exchange acts"
    RESET_AFTER = "the exchange acts, and the connection breaks without an answer"
    SERVER_ERROR = "500 with 500000, or another code that leaves things open (status=500, code=500000, message=…)"
    BAD_GATEWAY = "502 with an HTML page"
    UNAVAILABLE = "503 with an HTML page"
    HTML_BODY = "200 with an HTML page"
    TRUNCATED_JSON = "200 with the first part of the JSON, its length honestly told (keep=0.5)"
    BROKEN_BODY = "200, and the connection breaks in the middle of the body (keep=0.5)"
    SLOW = "the answer comes late (seconds=0.1)"
    DELAYED_ACT = "no answer; the exchange acts later, unless the signature is too old by then (delay_ms=2000)"
    LATE_ROW = "a row is booked inside the window just before it is read (rows=1, created_at=its newest moment)"
    MISSING_DATA = "200000 without `data`"
    NULL_DATA = "200000 with `data` null, or something else that says nothing (data=None)"
    SHORT_PAGE = "a page lacks its last rows, which its own totals count if it has any (missing=1)"
    EMPTY_PAGE = "a page has no rows although there are some"
    REDIRECT = "302 to another host (location=http://elsewhere.invalid)"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """
    What a fault does: whether the exchange acts on the request, and what becomes of its answer.

    `acts` can be set per injection (`inject(Fault.BAD_GATEWAY, acts=True)`): a 502 may well hide a success.
    """

    acts: bool
    alter: Alteration
    parameters: Mapping[str, Any] = field(default_factory=dict)
    path: str | None = None
    """The requests that it strikes unless told otherwise, where it means nothing to others."""


def _rate_limited(_: Reply, parameters: Parameters) -> Reply:
    reply = _refused("429000")(_, parameters)
    reply.headers = {
        "gw-ratelimit-limit": str(parameters["limit"]),
        "gw-ratelimit-remaining": "0",
        "gw-ratelimit-reset": str(parameters["reset_ms"]),
    }
    return reply


def _refused(code: str, message: str = "") -> Alteration:
    return lambda _, __: wire.refusal(code, message or MESSAGES[code], HTTP_STATUS[code])


def _server_error(_: Reply, parameters: Parameters) -> Reply:
    return wire.refusal(parameters["code"], parameters["message"], parameters["status"])


def _page(title: str, status: int | None = None) -> Alteration:
    return lambda _, parameters: wire.page(title, parameters["status"] if status is None else status)


def _dropped(reply: Reply, _: Parameters) -> Reply:
    reply.sent = 0
    return reply


def _truncated(reply: Reply, parameters: Parameters) -> Reply:
    reply.body = reply.body[: int(len(reply.body) * parameters["keep"])]
    return reply


def _broken(reply: Reply, parameters: Parameters) -> Reply:
    reply.sent = max(int(len(reply.body) * parameters["keep"]), 1)
    return reply


def _slow(reply: Reply, parameters: Parameters) -> Reply:
    reply.delay += parameters["seconds"]
    return reply


def _without_data(reply: Reply, _: Parameters) -> Reply:
    reply.body = b'{"code":"200000"}'
    return reply


def _null_data(reply: Reply, parameters: Parameters) -> Reply:
    reply.body = wire.encode({"code": "200000", "data": parameters["data"]})
    return reply


def _without_items(reply: Reply, parameters: Parameters) -> Reply:
    envelope = exact_json.decode(reply.body)
    data = envelope.get("data")
    rows = data if isinstance(data, list) else next((data[name] for name in _ROWS if (data or {}).get(name)), [])
    del rows[max(len(rows) - parameters.get("missing", len(rows)), 0) :]
    reply.body = exact_json.encode(envelope).encode()
    return reply


def _redirected(_: Reply, parameters: Parameters) -> Reply:
    reply = wire.page("Found", 302)
    reply.headers["location"] = parameters["location"]
    return reply


def _as_it_is(reply: Reply, _: Parameters) -> Reply:
    return reply


_LEDGER = "/api/v1/accounts/ledgers"
# Where a page has its rows, unless it is nothing but rows.
_ROWS = ("items", "dataList")

BEHAVIOURS: dict[Fault, Behaviour] = {
    Fault.RATE_LIMITED: Behaviour(acts=False, alter=_rate_limited, parameters={"reset_ms": 50, "limit": 2000}),
    # The words are those that ccxt knows. That no rate limit headers come with them is an assumption.
    Fault.OVERLOADED: Behaviour(
        acts=False, alter=_refused("429000", "Too many requests. System-level rate limit exceeded.")
    ),
    # The page is known (rotki issue 2841), its HTTP status is not.
    Fault.CLOUDFLARE_1015: Behaviour(
        acts=False, alter=_page("Error 1015: You are being rate limited"), parameters={"status": 429}
    ),
    Fault.CLOCK_SKEW: Behaviour(acts=False, alter=_refused("400002")),
    Fault.RESET_BEFORE: Behaviour(acts=False, alter=_dropped),
    Fault.RESET_AFTER: Behaviour(acts=True, alter=_dropped),
    # Such as 230005 "System busy" and 408000, both with a status that nobody has reported.
    Fault.SERVER_ERROR: Behaviour(
        acts=False,
        alter=_server_error,
        parameters={"status": HTTP_STATUS["500000"], "code": "500000", "message": MESSAGES["500000"]},
    ),
    Fault.BAD_GATEWAY: Behaviour(acts=False, alter=_page("502 Bad Gateway", 502)),
    Fault.UNAVAILABLE: Behaviour(acts=False, alter=_page("503 Service Temporarily Unavailable", 503)),
    Fault.HTML_BODY: Behaviour(acts=False, alter=_page("Just a moment...", 200)),
    Fault.TRUNCATED_JSON: Behaviour(acts=True, alter=_truncated, parameters={"keep": 0.5}),
    Fault.BROKEN_BODY: Behaviour(acts=True, alter=_broken, parameters={"keep": 0.5}),
    Fault.SLOW: Behaviour(acts=True, alter=_slow, parameters={"seconds": 0.1}),
    Fault.DELAYED_ACT: Behaviour(acts=False, alter=_dropped, parameters={"delay_ms": 2000}),
    Fault.LATE_ROW: Behaviour(acts=True, alter=_as_it_is, parameters={"rows": 1, "created_at": None}, path=_LEDGER),
    Fault.MISSING_DATA: Behaviour(acts=True, alter=_without_data),
    Fault.NULL_DATA: Behaviour(acts=True, alter=_null_data, parameters={"data": None}),
    Fault.SHORT_PAGE: Behaviour(acts=True, alter=_without_items, parameters={"missing": 1}, path=_LEDGER),
    Fault.EMPTY_PAGE: Behaviour(acts=True, alter=_without_items, path=_LEDGER),
    Fault.REDIRECT: Behaviour(acts=False, alter=_redirected, parameters={"location": "http://elsewhere.invalid"}),
}


@dataclass(slots=True)
class Injection:
    """One fault lying in wait; `hits` tells how often it has struck."""

    fault: Fault
    path: str | None
    method: str | None
    times: int | None
    after: int
    acts: bool
    parameters: Parameters
    hits: int = 0

    def alter(self, reply: Reply) -> Reply:
        """Return what becomes of an answer."""
        return BEHAVIOURS[self.fault].alter(reply, self.parameters)

    def strikes(self, request: Request) -> bool:
        """Whether this request is the one; counts it."""
        if self.path not in (None, request.path) or self.method not in (None, request.method):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults lying in wait. One request meets one fault at most: the first that was injected and is due."""

    def __init__(self) -> None:
        self._injections: list[Injection] = []

    def inject(
        self,
        fault: Fault,
        *,
        path: str | None = None,
        method: str | None = None,
        times: int | None = 1,
        after: int = 0,
        acts: bool | None = None,
        **parameters: Any,
    ) -> Injection:
        """Strike the requests number `after + 1` … `after + times` that match; `times=None` is for ever."""
        behaviour = BEHAVIOURS[fault]
        if unknown := parameters.keys() - behaviour.parameters.keys():
            raise TypeError(f"{fault.name} has no {', '.join(sorted(unknown))}; it means: {fault.value}")
        injection = Injection(
            fault,
            path or behaviour.path,
            method and method.upper(),
            times,
            after,
            behaviour.acts if acts is None else acts,
            {**behaviour.parameters, **parameters},
        )
        self._injections.append(injection)
        return injection

    def clear(self) -> None:
        """Let everything work again."""
        self._injections.clear()

    def due(self, request: Request) -> Injection | None:
        """Return the fault that strikes a request, if any."""
        return next((injection for injection in self._injections if injection.strikes(request)), None)
