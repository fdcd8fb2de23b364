"""The exchange's treasury: withdrawals, deposits and addresses, as tests bring them about and look at them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_kucoin.testing import deposits, quotas, reference
from airflow_provider_kucoin.testing.amounts import plain
from airflow_provider_kucoin.testing.withdrawals import FAILURE, STAYS, SUCCESS, Step, Withdrawal, Withdrawals

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Sequence

    from airflow_provider_kucoin.testing.deposits import Deposit
    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.keys import ApiKey
    from airflow_provider_kucoin.testing.transfers import Transfer


class Money:
    """The part of the exchange that money leaves and comes into."""

    key: ApiKey
    _lock: threading.RLock

    def __init__(self) -> None:
        self.currencies = reference.currencies()
        self.life_cycle: Sequence[Step] = STAYS
        """What new withdrawals go through; see `withdrawals.Step`."""
        self.daily_limits: dict[str, str] = dict(quotas.DEFAULT_LIMITS)
        """How much of a currency may be withdrawn a day, in that currency."""
        self.address_book: Collection[tuple[str, str]] | None = None
        """(address, chain id) of what may be paid, None for all. On KuCoin's website it can be switched on."""
        self.withdrawal_book = Withdrawals(self._whole)
        self.transfers: list[Transfer] = []
        """Every flex transfer that was carried out."""
        self.deposits: list[Deposit] = []
        self.deposit_addresses: list[tuple[int, dict[str, Any]]] = []
        self.direct_requests: dict[tuple[int, int], tuple[int, int]] = {}

    @property
    def _whole(self) -> Exchange:
        return cast("Exchange", self)

    def now_ms(self) -> int:
        """Return the exchange's time."""
        raise NotImplementedError

    def catch_up(self) -> None:
        """Let happen what the time has brought."""
        raise NotImplementedError

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
            deposits.enter(self._whole, deposit, status, created)
        return deposit

    def set_deposit_status(self, deposit: Deposit, status: str) -> None:
        """Give a deposit another status; PRE_SUCCESS and SUCCESS credit it, what comes after them takes it back."""
        with self._lock:
            deposits.enter(self._whole, deposit, status, self.now_ms())

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
