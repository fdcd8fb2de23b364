"""The exchange's ledgers: how rows come into them, and the truth about what is in them."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import exact_json, ledger_kinds, pending, seeding, seeding_running
from airflow_provider_kucoin.testing.amounts import EXACT, plain
from airflow_provider_kucoin.testing.ledger import AccountLedger, row
from airflow_provider_kucoin.testing.ledger_kinds import KINDS, NAMES, UNIFIED_TYPES, Booking
from airflow_provider_kucoin.testing.pending import Pending
from airflow_provider_kucoin.testing.running import Chain, RunningLedger
from airflow_provider_kucoin.testing.synthetic import Synthetic
from airflow_provider_kucoin.testing.synthetic_running import SyntheticRunning

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator

    from airflow_provider_kucoin.testing.account import Balances
    from airflow_provider_kucoin.testing.keys import ApiKey
    from airflow_provider_kucoin.testing.ledger import Ledger
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.running import Entry

# Ids that `book` makes up: 24 hex digits as the MAIN account's rows have, or decimal as the TRADE account's.
_FIRST_DECIMAL_ID: Final = 265_000_000_000_000
# Of the numbers that tell a millisecond's rows apart, seeded rows have those below, synthetic ones those above.
_FIRST_BOOKED: Final = 1_000
_LAST_BOOKED: Final = 50_000


class Books:
    """The part of the exchange that keeps the ledgers: "spot", "trade_hf", "margin_hf", "futures", "unified"."""

    key: ApiKey
    readings: Readings
    balances: Balances
    _lock: threading.RLock

    def __init__(self) -> None:
        self.pending: list[Pending] = []
        """What open positions have realised and not yet settled."""
        self._spot: dict[int, AccountLedger] = {}
        self._running: dict[tuple[int, str, str], RunningLedger] = {}
        self._booked = 0
        self._offsets: dict[tuple[int, str], int] = defaultdict(int)

    def now_ms(self) -> int:
        """Return the exchange's time."""
        raise NotImplementedError

    def catch_up(self) -> None:
        """Let happen what the time has brought."""
        raise NotImplementedError

    # --- ledgers ---

    def ledger(self, uid: int | None = None) -> AccountLedger:
        """Return the spot ledger of a user (the default key's)."""
        return self._spot.setdefault(self._owner(uid), AccountLedger())

    def running_ledger(self, ledger: str, uid: int | None = None, account_type: str = "") -> RunningLedger:
        """Return a ledger with running balances; of "unified" there is one for each type of account."""
        owner, kind = self._owner(uid), account_type if ledger == "unified" else ""
        if ledger not in KINDS or (kind not in UNIFIED_TYPES and ledger == "unified"):
            raise ValueError(f"there is no ledger {ledger!r} of {account_type!r}")
        key = (owner, ledger, kind)
        if key not in self._running:
            self._running[key] = RunningLedger(lambda chain: self._held(chain, owner))
        return self._running[key]

    def _owner(self, uid: int | None) -> int:
        return self.key.uid if uid is None else uid

    def _held(self, chain: Chain, uid: int) -> Decimal:
        """Return what the accounts of a chain hold: one account, or those of all pairs."""
        of_all_pairs = f"{chain.account}:"
        held = Decimal(0)
        for entry in self.balances.of(uid):
            if entry.currency == chain.currency and (
                entry.type == chain.account or entry.type.startswith(of_all_pairs)
            ):
                held = EXACT.add(held, Decimal(entry.balance))
        return held

    # --- booking ---

    def book(
        self,
        *,
        created_at: int,
        currency: str = "USDT",
        amount: str | Decimal = "1",
        fee: str | Decimal | None = "0",
        direction: str = "in",
        biz_type: str | None = None,
        account_type: str | None = None,
        context: str | None = "",
        balance: str | Decimal | None = None,
        id: str | int | None = None,  # noqa: A002  KuCoin's name
        extra: dict[str, Any] | None = None,
        uid: int | None = None,
        ledger: str = "spot",
        tag: str | None = None,
        tax: str = "0",
        status: str = "Completed",
        visible_from: int | None = None,
    ) -> dict[str, Any]:
        """
        Book one row and return it as it will be served; fractions among its JSON numbers are `Decimal`.

        A row of another ledger than "spot" moves the balance of its account, and tells the one after it: see `running`.
        `context` is the `remark` of futures and unified rows, `tag` the pair of an isolated margin account. In futures
        a negative amount or `direction="out"` is money that goes, and `status="Pending"` a row that settles later.
        `visible_from` hides a row from readers until then. `extra` has the last word: fields that KuCoin does not
        document, or documented ones in another shape.
        """
        if ledger not in NAMES:
            raise ValueError(f"there is no ledger {ledger!r}")
        account_type = account_type or ledger_kinds.default_account(ledger, self.readings)
        with self._lock:
            self._booked += 1
            if ledger == "spot":
                wire_row: dict[str, Any] = {
                    "id": id or _new_id(created_at, account_type, self._booked),
                    "currency": currency,
                    "amount": plain(amount),
                    "fee": plain("0" if fee is None else fee),
                    "balance": plain("0" if balance is None else balance),
                    "accountType": account_type,
                    "bizType": biz_type or "Deposit",
                    "direction": direction,
                    "createdAt": created_at,
                    "context": context,
                    **(extra or {}),
                }
                self.ledger(uid).add([row(wire_row)], visible_from)
                return wire_row
            if status == "Pending":
                return self.set_pending(currency, amount, symbol=context or "XBTUSDTM", at_ms=created_at, uid=uid)
            biz_type = biz_type or KINDS[ledger].biz_type
            booking = Booking(
                id=self._number(ledger, uid, currency, created_at) if id is None else int(id),
                created_at=created_at,
                currency=currency,
                amount=plain(amount),
                fee=None if fee is None else plain(fee),
                direction=direction.lower(),
                biz_type=biz_type,
                account_type=account_type,
                tag=tag,
                context=context or ("XBTUSDTM" if (ledger, biz_type) == ("futures", "RealisedPNL") else context),
                tax=tax,
                balance=None if balance is None else Decimal(plain(balance)),
                visible_from=visible_from,
                extra=extra or {},
            )
            entry = ledger_kinds.entry(ledger, booking, self.readings)
            self._enter(self.running_ledger(ledger, uid, account_type), [entry], self._owner(uid))
            return entry.wire.copy()

    def _number(self, ledger: str, uid: int | None, currency: str, created_at: int) -> int:
        if ledger == "futures" and self.readings.offsets == "per_currency":
            self._offsets[self._owner(uid), currency] += 1
            return self._offsets[self._owner(uid), currency]
        number = _FIRST_BOOKED + self._booked % (_LAST_BOOKED - _FIRST_BOOKED)
        return ledger_kinds.row_id(created_at, number, self.readings)

    def _enter(self, ledger: RunningLedger, entries: list[Entry], uid: int) -> None:
        """Book rows with running balances, and let the balances that they change follow."""
        moved = ledger.book(entries)
        for chain, amount in moved.items():
            accounts = {entry.account for entry in entries if entry.chain == chain}
            if accounts == {chain.account}:
                self.balances.move(chain.currency, chain.account, amount, uid=uid)
                continue
            for entry in entries:
                if entry.chain == chain:
                    self.balances.move(chain.currency, entry.account, entry.change, uid=uid)

    def seed_ledger(
        self,
        start_ms: int,
        end_ms: int,
        rows_per_day: int = 2000,
        seed: int = 7,
        uid: int | None = None,
        ledger: str = "spot",
    ) -> int:
        """
        Fill `[start_ms, end_ms)` with rows that look lived in, and return how many: see `seeding`.

        A UTC day's rows depend on the day, `rows_per_day` and `seed` alone, not on the range asked for; only running
        balances go on from what was there.
        """
        if ledger == "spot":
            rows = [row(wire_row) for wire_row in seeding.rows(start_ms, end_ms, rows_per_day, seed)]
            with self._lock:
                self.ledger(uid).add(rows)
            return len(rows)
        with self._lock:
            count, owner = 0, self._owner(uid)
            entries: dict[str, list[Entry]] = defaultdict(list)
            for booking in seeding_running.bookings(ledger, start_ms, end_ms, rows_per_day, seed, self.readings):
                # Of "unified" there is a ledger for each type of account.
                kind = booking.account_type if ledger == "unified" else ""
                entries[kind].append(ledger_kinds.entry(ledger, booking, self.readings))
            for account_type, some in entries.items():
                running = self.running_ledger(ledger, uid, account_type)
                for entry in some:
                    if entry.created_at < start_ms and running.closing(entry.chain) is None:
                        self.balances.move(entry.chain.currency, entry.account, entry.change, uid=owner)
                inside = [entry for entry in some if entry.created_at >= start_ms]
                self._enter(running, inside, owner)
                count += len(inside)
        return count

    def synthesize_ledger(
        self,
        start_ms: int,
        end_ms: int,
        rows: int = 10_000_000,
        seed: int = 7,
        uid: int | None = None,
        ledger: str = "spot",
    ) -> None:
        """
        Spread any number of rows over `[start_ms, end_ms)` without holding them.

        There is one such multitude per user and ledger, and it can be had of "spot", "trade_hf" and "futures". Those
        two tell running balances, so that it must come before all other rows there; later ones go on from its last
        balances.
        """
        with self._lock:
            if ledger == "spot":
                self.ledger(uid).synthesize(Synthetic(start_ms, end_ms, rows, seed))
                return
            closing = self.running_ledger(ledger, uid).synthesize(
                SyntheticRunning(ledger, start_ms, end_ms, rows, seed)
            )
            for chain, amount in closing.items():
                self.balances.set(chain.currency, chain.account, amount, uid=uid)

    # --- what is pending ---

    def set_pending(
        self,
        currency: str = "USDT",
        amount: str | Decimal = "0",
        *,
        symbol: str = "XBTUSDTM",
        at_ms: int | None = None,
        uid: int | None = None,
    ) -> dict[str, Any]:
        """Have an open position with so much realised since its 8 hours began, and return its row of now."""
        with self._lock:
            now = self.now_ms() if at_ms is None else at_ms
            owner = self._owner(uid)
            found = self._pending(owner, currency, symbol)
            if found:
                found[0].amount, found[0].changed_at_ms = Decimal(plain(amount)), now
            else:
                found = [
                    Pending(
                        uid=owner,
                        currency=currency,
                        symbol=symbol,
                        amount=Decimal(plain(amount)),
                        changed_at_ms=now,
                        settles_at_ms=pending.period_end(now),
                    )
                ]
                self.pending += found
            return self.pending_row(found[0])

    def settle_pending(
        self,
        currency: str | None = None,
        symbol: str | None = None,
        *,
        fee: str | Decimal = "0",
        at_ms: int | None = None,
        stays_open: bool = False,
        uid: int | None = None,
    ) -> list[dict[str, Any]]:
        """Close open positions: their Pending rows become Completed ones, which are returned."""
        with self._lock:
            now = self.now_ms() if at_ms is None else at_ms
            return [
                self._settle(one, now, fee, stays_open=stays_open)
                for one in self._pending(self._owner(uid), currency, symbol)
            ]

    def pending_row(self, one: Pending) -> dict[str, Any]:
        """Return the Pending row of a position as it is now."""
        chain = Chain("contract", one.currency)
        closing = self.running_ledger("futures", one.uid).closing(chain)
        equity = self._held(chain, one.uid) if closing is None else closing
        if self.readings.pending_equity == "after":
            equity = EXACT.add(equity, one.amount)
        return pending.shown(one, equity)

    def _pending(self, uid: int, currency: str | None, symbol: str | None) -> list[Pending]:
        return [
            one
            for one in self.pending
            if one.uid == uid and currency in (None, one.currency) and symbol in (None, one.symbol)
        ]

    def _settle(self, one: Pending, at_ms: int, fee: str | Decimal, *, stays_open: bool) -> dict[str, Any]:
        booked = self.book(
            ledger="futures",
            created_at=at_ms,
            currency=one.currency,
            amount=one.amount,
            fee=fee,
            context=one.symbol,
            uid=one.uid,
        )
        if stays_open:
            one.amount, one.changed_at_ms, one.settles_at_ms = Decimal(0), at_ms, pending.period_end(at_ms)
        else:
            self.pending.remove(one)
        return booked

    def _catch_up_ledgers(self, now_ms: int) -> None:
        """Settle what is pending when its 8 hours are over, and show the rows whose time has come."""
        for one in tuple(self.pending):
            while one.settles_at_ms <= now_ms:
                # That a position which stays open leaves a row of nothing behind, too, is an assumption.
                self._settle(one, one.settles_at_ms, "0", stays_open=True)
        for ledger in self._ledgers():
            ledger.reveal(now_ms)

    def _ledgers(self) -> Iterable[Ledger]:
        return (*self._spot.values(), *self._running.values())

    # --- the truth ---

    def entries(
        self,
        start_ms: int,
        end_ms: int,
        uid: int | None = None,
        ledger: str = "spot",
        account_type: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """
        Yield the rows with `start_ms <= createdAt < end_ms`, oldest first: the truth, as it is when asked.

        What is Pending or hidden is no part of it. Fractions among JSON numbers are `Decimal`. Of "unified" it yields
        the rows of all types of accounts, or those of one.
        """
        chunks = self.entry_texts(start_ms, end_ms, uid, ledger, account_type)
        return (exact_json.decode(text) for chunk in chunks for text in chunk)

    def entry_texts(
        self,
        start_ms: int,
        end_ms: int,
        uid: int | None = None,
        ledger: str = "spot",
        account_type: str | None = None,
    ) -> Iterator[list[str]]:
        """Yield the same as JSON texts, some thousand at a time."""
        with self._lock:
            self.catch_up()
            if ledger == "spot":
                return self.ledger(uid).entries(start_ms, end_ms)
            if ledger != "unified" or account_type:
                return self.running_ledger(ledger, uid, account_type or "").entries(start_ms, end_ms)
            found = [
                text
                for kind in UNIFIED_TYPES
                for chunk in self.running_ledger(ledger, uid, kind).entries(start_ms, end_ms)
                for text in chunk
            ]
        found.sort(key=lambda text: (json.loads(text)["ts"], text))
        return iter([found] if found else [])


def _new_id(created_at: int, account_type: str, number: int) -> str:
    if account_type.startswith("TRADE"):
        return str(_FIRST_DECIMAL_ID + number)
    return f"{created_at // 1000:08x}{number:016x}"
