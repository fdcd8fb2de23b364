"""The exchange: its state, and the way of a request through it. It has no socket; `Server` has one."""

from __future__ import annotations

import hashlib
import threading
import time
from random import Random
from typing import TYPE_CHECKING

from airflow_provider_kucoin.testing import gate, late_rows, modes, routes, wire
from airflow_provider_kucoin.testing.access import Access
from airflow_provider_kucoin.testing.account import Balances
from airflow_provider_kucoin.testing.assets import Assets
from airflow_provider_kucoin.testing.books import Books
from airflow_provider_kucoin.testing.call import Call
from airflow_provider_kucoin.testing.faults import Fault, Faults
from airflow_provider_kucoin.testing.histories import Histories
from airflow_provider_kucoin.testing.keys import ApiKey
from airflow_provider_kucoin.testing.money import Money
from airflow_provider_kucoin.testing.readings import Readings
from airflow_provider_kucoin.testing.refusals import HTTP_STATUS, Refusal, gateway
from airflow_provider_kucoin.testing.request_log import RequestLog, RequestRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing.faults import Injection
    from airflow_provider_kucoin.testing.limits import Charge
    from airflow_provider_kucoin.testing.modes import Mode
    from airflow_provider_kucoin.testing.route import Found
    from airflow_provider_kucoin.testing.wire import Reply, Request


class Exchange(Access, Books, Assets, Money):
    """
    KuCoin, as far as its documentation goes.

    Everything may be read and set while a server serves it; methods may be called from any thread. Its parts are the
    doors (`Access`), the ledgers (`Books`), what is in the accounts (`Assets`) and what moves in and out (`Money`).
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        vip: int = 0,
        enforce_quota: bool = True,
        clock: Callable[[], int] | None = None,
        readings: Readings | None = None,
    ) -> None:
        self.readings = readings or Readings()
        self.enforce_quota = enforce_quota
        self.clock_offset_ms = 0
        """How far the exchange's clock is ahead of its callers'."""
        self.egress_ip: str | None = None
        """The address that callers seem to come from; None is the true one."""
        self.denied_uids: set[int] = set()
        """Users that are answered with 400010."""
        self.account_mode: Mode = "classic"
        """Which accounts its users have, "classic" or "unified" ones: see `modes`."""
        self.service_status = ("open", "")
        self.faults = Faults()
        self.requests = RequestLog()
        self.random = Random(seed)  # noqa: S311  repeatable, not secret
        self.key = _default_key(seed)
        self.balances = Balances(self.key.uid)
        self._lock = threading.RLock()
        self._clock = clock or _wall_clock_ms
        self._delayed: list[tuple[int, Request]] = []
        Access.__init__(self, vip)
        Books.__init__(self)
        Assets.__init__(self)
        Money.__init__(self)
        self.histories = Histories(self)
        """Fills, orders, borrowings, …: what the histories of the account list."""

    def now_ms(self) -> int:
        """Return the exchange's time."""
        return self._clock() + self.clock_offset_ms

    def catch_up(self) -> None:
        """
        Let happen what the time has brought: requests that were on their way, steps of life cycles, what is pending.

        Every request does that, and `withdrawals`; whoever moves the clock and then looks at balances has to.
        """
        with self._lock:
            now = self.now_ms()
            due = [(at_ms, request) for at_ms, request in self._delayed if at_ms <= now]
            self._delayed = [(at_ms, request) for at_ms, request in self._delayed if at_ms > now]
            for at_ms, request in sorted(due, key=lambda one: one[0]):
                self._catch_up(at_ms)
                self._act(request, request.params, _route(request), None, at_ms)
            self._catch_up(now)

    def _catch_up(self, now_ms: int) -> None:
        self.withdrawal_book.catch_up(now_ms)
        self._catch_up_ledgers(now_ms)

    # --- requests ---

    def handle(self, request: Request) -> Reply:
        """Answer a request."""
        with self._lock:
            self.catch_up()
            now = self.now_ms()
            injection = self.faults.due(request)
            found = _route(request)
            params = request.params
            if injection is None:
                reply = self._act(request, params, found, None, now)
                weight = reply.weight
            else:
                reply = self._act(request, params, found, injection, now) if injection.acts else wire.Reply(b"")
                weight = reply.weight
                reply = injection.alter(reply)
                if injection.fault is Fault.DELAYED_ACT:
                    self._delayed.append((now + injection.parameters["delay_ms"], request))
            self.requests.add(
                RequestRecord(
                    method=request.method,
                    path=request.path,
                    params=params,
                    http_status=None if reply.sent == 0 else reply.status,
                    code=reply.code,
                    weight=weight,
                    pool=found[0].pool if found else None,
                    at_ms=now,
                    fault=injection.fault.name if injection else None,
                    futures=request.futures,
                    body=request.body.decode(errors="replace") if found else "",
                )
            )
            return reply

    def _act(
        self,
        request: Request,
        params: dict[str, str],
        found: Found | None,
        injection: Injection | None,
        now_ms: int,
    ) -> Reply:
        if request.method == "GET" and request.body:
            # CloudFront in front of KuCoin refuses this: old FAQ of KuCoin's documentation.
            return wire.page("403 ERROR: The request could not be satisfied", 403)
        charge: Charge | None = None
        try:
            gate.check_content_type(request, self.readings)
            if found is None:
                raise gateway("404000")  # a known path with another method included: what KuCoin does is not known
            route, variables = found
            ip = self.egress_ip or request.remote
            key = self.key
            if not route.is_public:
                key = gate.identify(request, self._keys, now_ms, self.readings)
                gate.admit(key, ip, self.denied_uids)
            # From here on a request costs its weight, also if it is refused. Whether it does at KuCoin is not known.
            owner = ip if route.is_public else str(key.uid)
            charge = self._pools.charge(route.pool, owner, route.weight, self._clock(), enforce=self.enforce_quota)
            if not charge.granted:
                raise gateway("429000")
            if route.permission is not None:
                gate.permit(key, route.permission, self.readings)
                modes.check(route.path, self.account_mode, self.readings)
            call = Call(self, key, params, variables, ip, now_ms, request.body)
            if injection is not None and injection.fault is Fault.LATE_ROW:
                late_rows.book(call, route.path, injection.parameters)
            reply = route.answer(call)
        except Refusal as refusal:
            reply = wire.refusal(refusal.code, refusal.message, self._http_status(refusal.code))
        if charge is not None:
            reply.weight = charge.weight
            # An exchange that limits nobody has no quota to tell of.
            if self.enforce_quota and (not route.is_public or self.readings.ratelimit_headers_on_public):
                reply.headers |= charge.headers
        return reply

    def _http_status(self, code: str) -> int:
        return self.readings.http_status.get(code, HTTP_STATUS.get(code, 200))


def _route(request: Request) -> Found | None:
    return routes.find(request.method, request.path, futures=request.futures)


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def _default_key(seed: int) -> ApiKey:
    """Return credentials that are the same in every run and look like nothing else in a log."""

    def text(of: str, length: int) -> str:
        return hashlib.sha256(f"airflow-provider-kucoin {of} {seed}".encode()).hexdigest()[:length]

    return ApiKey(
        key=text("key", 24), secret=text("secret", 36), passphrase=f"sandbox-{text('passphrase', 12)}", remark="sandbox"
    )
