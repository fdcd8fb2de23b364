"""The exchange: its state, and the way of a request through it. It has no socket; `Server` has one."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import deposits, gate, quotas, reference, routes, seeding, spot_ledger, wire
from airflow_provider_kucoin.testing.account import Balances
from airflow_provider_kucoin.testing.amounts import plain
from airflow_provider_kucoin.testing.call import Call
from airflow_provider_kucoin.testing.faults import Fault, Faults
from airflow_provider_kucoin.testing.keys import ApiKey
from airflow_provider_kucoin.testing.ledger import AccountLedger, row
from airflow_provider_kucoin.testing.limits import Charge, Pools, Quota
from airflow_provider_kucoin.testing.readings import Readings
from airflow_provider_kucoin.testing.refusals import HTTP_STATUS, Refusal, gateway
from airflow_provider_kucoin.testing.request_log import RequestLog, RequestRecord
from airflow_provider_kucoin.testing.synthetic import Synthetic
from airflow_provider_kucoin.testing.withdrawals import FAILURE, STAYS, SUCCESS, Step, Withdrawal, Withdrawals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from airflow_provider_kucoin.testing.deposits import Deposit
    from airflow_provider_kucoin.testing.faults import Injection
    from airflow_provider_kucoin.testing.routes import Found
    from airflow_provider_kucoin.testing.transfers import Transfer
    from airflow_provider_kucoin.testing.wire import Reply, Request

# Ids that `book` makes up: 24 hex digits as the MAIN account's rows have, or decimal as the TRADE account's.
_FIRST_DECIMAL_ID: Final = 265_000_000_000_000


class Exchange:
    """
    KuCoin, as far as its documentation goes.

    Everything may be read and set while a server serves it; methods may be called from any thread.
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
        self.service_status = ("open", "")
        self.currencies = reference.currencies()
        self.faults = Faults()
        self.requests = RequestLog()
        self.random = Random(seed)  # noqa: S311  repeatable, not secret
        self.key = _default_key(seed)
        self.balances = Balances(self.key.uid)
        self.life_cycle: Sequence[Step] = STAYS
        """What new withdrawals go through; see `withdrawals.Step`."""
        self.daily_limits: dict[str, str] = dict(quotas.DEFAULT_LIMITS)
        """How much of a currency may be withdrawn a day, in that currency."""
        self.address_book: Collection[tuple[str, str]] | None = None
        """(address, chain id) of what may be paid, None for all. On KuCoin's website it can be switched on."""
        self.withdrawal_book = Withdrawals(self)
        self.transfers: list[Transfer] = []
        """Every flex transfer that was carried out."""
        self.deposits: list[Deposit] = []
        self.deposit_addresses: list[tuple[int, dict[str, Any]]] = []
        self.sub_accounts: dict[str, int] = {}
        """The uid of a sub-account by its user id."""
        self.direct_requests: dict[tuple[int, int], tuple[int, int]] = {}
        self._lock = threading.RLock()
        self._clock = clock or _wall_clock_ms
        self._keys = {self.key.key: self.key}
        self._ledgers: dict[int, AccountLedger] = {}
        self._pools = Pools(vip)
        self._booked = 0
        self._delayed: list[tuple[int, Request]] = []

    # --- settings ---

    def now_ms(self) -> int:
        """Return the exchange's time."""
        return self._clock() + self.clock_offset_ms

    def add_key(self, key: ApiKey) -> ApiKey:
        """Let a key in."""
        with self._lock:
            self._keys[key.key] = key
        return key

    def allow_withdrawals(self, *ips: str) -> ApiKey:
        """Let the default key withdraw and transfer, from these addresses (127.0.0.1), and return it as it is now."""
        permissions = dict.fromkeys((*self.key.permissions, "InnerTransfer", "Transfer"))
        return self.replace_key(replace(self.key, permissions=tuple(permissions), ip_whitelist=ips or ("127.0.0.1",)))

    def replace_key(self, key: ApiKey) -> ApiKey:
        """Change a known key, as in `replace_key(dataclasses.replace(exchange.key, permissions=("General",)))`."""
        with self._lock:
            if key.key not in self._keys:
                raise KeyError(key.key)
            self._keys[key.key] = key
            if key.key == self.key.key:
                self.key = key
        return key

    def remove_key(self, key: ApiKey) -> None:
        """Forget a key: its callers get 400003 from now on."""
        with self._lock:
            del self._keys[key.key]

    def quota(self, pool: str) -> Quota:
        """Return what a pool gives per window."""
        return self._pools[pool]

    def set_quota(self, pool: str, limit: int, window_ms: int = 30_000) -> None:
        """Give a pool another quota; its present windows end."""
        with self._lock:
            self._pools[pool] = Quota(limit, window_ms)

    def quota_used(self, pool: str, owner: int | str | None = None) -> int:
        """Return the weight used in the present window by a uid (the default key's) or, in Public, by an IP."""
        with self._lock:
            return self._pools.used(pool, str(self.key.uid if owner is None else owner), self._clock())

    # --- the ledger ---

    def ledger(self, uid: int | None = None) -> AccountLedger:
        """Return the ledger of a user (the default key's)."""
        return self._ledgers.setdefault(self.key.uid if uid is None else uid, AccountLedger())

    def book(
        self,
        *,
        created_at: int,
        currency: str = "USDT",
        amount: str | Decimal = "1",
        fee: str | Decimal = "0",
        direction: str = "in",
        biz_type: str = "Deposit",
        account_type: str = "MAIN",
        context: str | None = "",
        balance: str | Decimal = "0",
        id: str | None = None,  # noqa: A002  KuCoin's name
        extra: dict[str, Any] | None = None,
        uid: int | None = None,
    ) -> dict[str, Any]:
        """
        Book one row and return it as it will be served.

        `extra` has the last word: fields that KuCoin does not document, or documented ones in another shape.
        """
        with self._lock:
            self._booked += 1
            wire_row: dict[str, Any] = {
                "id": id or _new_id(created_at, account_type, self._booked),
                "currency": currency,
                "amount": plain(amount),
                "fee": plain(fee),
                "balance": plain(balance),
                "accountType": account_type,
                "bizType": biz_type,
                "direction": direction,
                "createdAt": created_at,
                "context": context,
                **(extra or {}),
            }
            self.ledger(uid).add([row(wire_row)])
        return wire_row

    def seed_ledger(
        self, start_ms: int, end_ms: int, rows_per_day: int = 2000, seed: int = 7, uid: int | None = None
    ) -> int:
        """
        Fill `[start_ms, end_ms)` with rows that look lived in, and return how many: see `seeding`.

        A UTC day's rows depend on the day, `rows_per_day` and `seed` alone, not on the range asked for.
        """
        rows = [row(wire_row) for wire_row in seeding.rows(start_ms, end_ms, rows_per_day, seed)]
        with self._lock:
            self.ledger(uid).add(rows)
        return len(rows)

    def synthesize_ledger(
        self, start_ms: int, end_ms: int, rows: int = 10_000_000, seed: int = 7, uid: int | None = None
    ) -> None:
        """Spread any number of rows over `[start_ms, end_ms)` without holding them; one such multitude per user."""
        with self._lock:
            self.ledger(uid).synthesize(Synthetic(start_ms, end_ms, rows, seed))

    def entries(self, start_ms: int, end_ms: int, uid: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the rows with `start_ms <= createdAt < end_ms`, oldest first: the truth, as it is when asked."""
        return (json.loads(text) for chunk in self.entry_texts(start_ms, end_ms, uid) for text in chunk)

    def entry_texts(self, start_ms: int, end_ms: int, uid: int | None = None) -> Iterator[list[str]]:
        """Yield the same as JSON texts, some thousand at a time."""
        with self._lock:
            return self.ledger(uid).entries(start_ms, end_ms)

    # --- money ---

    @property
    def withdrawals(self) -> list[Withdrawal]:
        """Every withdrawal that was ever accepted, in that order: the truth, as it is now."""
        with self._lock:
            self.catch_up()
            return list(self.withdrawal_book)

    def settle(self, withdrawal_id: str, wallet_tx_id: str | None = None) -> Withdrawal:
        """Let a withdrawal arrive; a transaction id is made up unless given."""
        with self._lock:
            withdrawal = self._taken_out(withdrawal_id)
            self.withdrawal_book.enter(withdrawal, Step(SUCCESS), self.now_ms(), wallet_tx_id)
            return withdrawal

    def fail(
        self, withdrawal_id: str, reason: str = "", message: str | None = None, *, returned: bool = True
    ) -> Withdrawal:
        """Let a withdrawal fail; its money comes back unless told otherwise (then later: `fail` it again)."""
        with self._lock:
            withdrawal = self._taken_out(withdrawal_id)
            now = self.now_ms()
            if withdrawal.status != FAILURE:
                self.withdrawal_book.enter(withdrawal, Step(FAILURE, reason=reason, message=message), now)
            if returned:
                self.withdrawal_book.give_back(withdrawal, now)
            return withdrawal

    def set_status(self, withdrawal_id: str, status: str) -> Withdrawal:
        """Give a withdrawal any status, also one that KuCoin does not list. SUCCESS and FAILURE move the money."""
        if status == SUCCESS:
            return self.settle(withdrawal_id)
        if status == FAILURE:
            return self.fail(withdrawal_id)
        with self._lock:
            withdrawal = self._taken_out(withdrawal_id)
            self.withdrawal_book.enter(withdrawal, Step(status), self.now_ms())
            return withdrawal

    def advance(self, withdrawal_id: str) -> Withdrawal:
        """Bring a withdrawal to the next step of its life cycle."""
        with self._lock:
            self.catch_up()
            withdrawal = self.withdrawal_book[withdrawal_id]
            self.withdrawal_book.advance(withdrawal, self.now_ms())
            return withdrawal

    def add_withdrawal(
        self,
        *,
        currency: str,
        amount: str | Decimal,
        address: str,
        chain: str = "",
        memo: str = "",
        remark: str | None = "",
        fee: str | Decimal = "0",
        fee_deduct_type: str = "EXTERNAL",
        withdraw_type: str = "ADDRESS",
        is_inner: bool = False,
        status: str = SUCCESS,
        wallet_tx_id: str | None = None,
        created_at_ms: int | None = None,
        updated_at_ms: int | None = None,
        id: str | None = None,  # noqa: A002  KuCoin's name
        uid: int | None = None,
    ) -> Withdrawal:
        """Put a withdrawal into the history as if somebody had made it on the website; balances stay as they are."""
        with self._lock:
            created = self.now_ms() if created_at_ms is None else created_at_ms
            known = reference.find_chain(self.currencies.get(currency, {"chains": None}), chain)
            withdrawal = Withdrawal(
                id=id or self.withdrawal_book.new_id(created),
                uid=self.key.uid if uid is None else uid,
                currency=currency,
                chain=chain,
                chain_name=known["chainName"] if known else "",
                address=address,
                memo=memo,
                withdraw_type=withdraw_type,
                is_inner=is_inner,
                amount=Decimal(plain(amount)),
                fee=Decimal(plain(fee)),
                fee_deduct_type=fee_deduct_type,
                remark=remark,
                status=status,
                created_at_ms=created,
                updated_at_ms=created if updated_at_ms is None else updated_at_ms,
                version="web",
                wallet_tx_id=wallet_tx_id,
            )
            self.withdrawal_book.add(withdrawal)
            return withdrawal

    def add_sub_account(self, uid: int, user_id: str | None = None) -> str:
        """Know a sub-account of the default key's user, and return its user id, by which transfers name it."""
        user_id = user_id or f"{uid:024x}"
        with self._lock:
            self.sub_accounts[user_id] = uid
        return user_id

    def deposit(
        self,
        *,
        currency: str,
        amount: str | Decimal,
        chain: str = "",
        address: str = "",
        memo: str = "",
        fee: str | Decimal = "0",
        is_inner: bool = False,
        wallet_tx_id: str | None = None,
        status: str = SUCCESS,
        remark: str = "",
        account: str = "main",
        created_at_ms: int | None = None,
        uid: int | None = None,
    ) -> Deposit:
        """Let a deposit come in; the account is credited when its status says so."""
        with self._lock:
            created = self.now_ms() if created_at_ms is None else created_at_ms
            known = reference.find_chain(self.currencies.get(currency, {"chains": None}), chain)
            deposit = deposits.Deposit(
                id=self.withdrawal_book.new_id(created),
                uid=self.key.uid if uid is None else uid,
                currency=currency,
                chain=chain,
                chain_name=known["chainName"] if known else "",
                address=address,
                memo=memo,
                is_inner=is_inner,
                amount=Decimal(plain(amount)),
                fee=Decimal(plain(fee)),
                wallet_tx_id=wallet_tx_id,
                status="",
                created_at_ms=created,
                updated_at_ms=created,
                remark=remark,
                account=account,
            )
            self.deposits.append(deposit)
            deposits.enter(self, deposit, status, created)
        return deposit

    def set_deposit_status(self, deposit: Deposit, status: str) -> None:
        """Give a deposit another status; PRE_SUCCESS and SUCCESS credit it, what comes after them takes it back."""
        with self._lock:
            deposits.enter(self, deposit, status, self.now_ms())

    def add_deposit_address(
        self, currency: str, chain: str, address: str, *, memo: str = "", to: str = "MAIN", uid: int | None = None
    ) -> None:
        """Have an address to which a currency can be sent."""
        known = reference.find_chain(self.currencies[currency], chain)
        if known is None:
            raise KeyError(chain)
        fields = {
            "address": address,
            "memo": memo,
            "chainId": chain,
            "to": to,
            "expirationDate": 0,
            "currency": currency,
            "contractAddress": known["contractAddress"],
            "chainName": known["chainName"],
        }
        with self._lock:
            self.deposit_addresses.append((self.key.uid if uid is None else uid, fields))

    def _taken_out(self, withdrawal_id: str) -> Withdrawal:
        """Return a withdrawal whose life cycle is over: somebody says what becomes of it."""
        self.catch_up()
        withdrawal = self.withdrawal_book[withdrawal_id]
        withdrawal.steps.clear()
        return withdrawal

    def catch_up(self) -> None:
        """
        Let happen what the time has brought: requests that were on their way, and steps of life cycles.

        Every request does that, and `withdrawals`; whoever moves the clock and then looks at balances has to.
        """
        with self._lock:
            now = self.now_ms()
            due = [(at_ms, request) for at_ms, request in self._delayed if at_ms <= now]
            self._delayed = [(at_ms, request) for at_ms, request in self._delayed if at_ms > now]
            for at_ms, request in sorted(due, key=lambda one: one[0]):
                self.withdrawal_book.catch_up(at_ms)
                self._act(request, request.params, routes.find(request.method, request.path), None, at_ms)
            self.withdrawal_book.catch_up(now)

    # --- requests ---

    def handle(self, request: Request) -> Reply:
        """Answer a request."""
        with self._lock:
            self.catch_up()
            now = self.now_ms()
            injection = self.faults.due(request)
            found = routes.find(request.method, request.path)
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
            call = Call(self, key, params, variables, ip, now_ms, request.body)
            if injection is not None and injection.fault is Fault.LATE_ROW:
                spot_ledger.book_late_rows(call, injection.parameters)
            reply = route.answer(call)
        except Refusal as refusal:
            reply = wire.refusal(refusal.code, refusal.message, self._http_status(refusal.code))
        if charge is not None:
            reply.weight = charge.weight
            if not route.is_public or self.readings.ratelimit_headers_on_public:
                reply.headers |= charge.headers
        return reply

    def _http_status(self, code: str) -> int:
        return self.readings.http_status.get(code, HTTP_STATUS.get(code, 200))


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def _new_id(created_at: int, account_type: str, number: int) -> str:
    if account_type.startswith("TRADE"):
        return str(_FIRST_DECIMAL_ID + number)
    return f"{created_at // 1000:08x}{number:016x}"


def _default_key(seed: int) -> ApiKey:
    """Return credentials that are the same in every run and look like nothing else in a log."""

    def text(of: str, length: int) -> str:
        return hashlib.sha256(f"airflow-provider-kucoin {of} {seed}".encode()).hexdigest()[:length]

    return ApiKey(
        key=text("key", 24), secret=text("secret", 36), passphrase=f"sandbox-{text('passphrase', 12)}", remark="sandbox"
    )
