"""What the exchange knows of accounts beside their balances: liabilities, positions, holdings, sub-accounts, prices."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kucoin.testing.amounts import EXACT, plain

if TYPE_CHECKING:
    import threading

    from airflow_provider_kucoin.testing.account import Balances
    from airflow_provider_kucoin.testing.keys import ApiKey
    from airflow_provider_kucoin.testing.readings import Readings


class Liability(NamedTuple):
    """What is owed of a currency in a margin account."""

    principal: Decimal = Decimal(0)
    interest: Decimal = Decimal(0)


@dataclass(slots=True, kw_only=True)
class FuturesAccount:
    """
    What positions and orders make of the futures balance of one currency.

    KuCoin's description: equity = margin balance + unrealised PNL, and margin balance = margins of positions and
    orders + frozen + available - unrealised PNL. Its samples obey neither; `shown` has the last word about any field.
    """

    unrealised_pnl: Decimal = Decimal(0)
    position_margin: Decimal = Decimal(0)
    order_margin: Decimal = Decimal(0)
    frozen_funds: Decimal = Decimal(0)
    risk_ratio: Decimal = Decimal(0)
    shown: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubAccount:
    """One sub-account of a master account."""

    user_id: str
    uid: int
    parent_uid: int
    name: str
    status: int = 2
    type: int = 0
    access: str = "All"
    created_at: int = 1_668_562_696_000
    remarks: str = ""
    trade_types: tuple[str, ...] = ("Spot", "Futures", "Margin")
    opened_trade_types: tuple[str, ...] = ("Spot",)


class Assets:
    """The part of the exchange that knows what accounts hold and owe."""

    key: ApiKey
    readings: Readings
    balances: Balances
    _lock: threading.RLock

    def __init__(self) -> None:
        self.is_high_frequency = True
        """Whether users trade on high-frequency accounts; trade_hf then has the rows of transfers to them."""
        self.prices: dict[str, Decimal] = {
            "USDT": Decimal(1),
            "USDC": Decimal(1),
            "BTC": Decimal("62384.3"),
            "ETH": Decimal(2400),
            "KCS": Decimal(10),
        }
        """What one unit of a currency is worth in USDT, for totals; one that is not here counts as nothing."""
        self.max_sub_accounts = {"Default": 5, "Spot": 0, "Margin": 0, "Futures": 0, "Option": 0}
        self.sub_accounts: dict[str, int] = {}
        """The uid of a sub-account by its user id."""
        self.sub_account_details: dict[str, SubAccount] = {}
        """The same with all that is told about it."""
        self.liabilities: dict[tuple[int, str, str], Liability] = {}
        """What is owed, by uid, account ("margin_v2", "isolated_v2:BTC-USDT", …) and currency."""
        self.max_borrow_sizes: dict[tuple[int, str, str], str] = {}
        """What may still be borrowed, by uid, account and currency; nothing unless said."""
        self.futures_accounts: dict[tuple[int, str], FuturesAccount] = {}
        """By uid and currency."""
        self.margin_status: dict[tuple[int, str], str] = {}
        """`status` of the margin accounts of a uid, "" for cross margin or a pair, where it is not EFFECTIVE."""
        self.earn_holdings: list[tuple[int, dict[str, Any]]] = []

    def add_sub_account(self, uid: int, user_id: str | None = None, name: str | None = None, **details: Any) -> str:
        """Know a sub-account of the default key's user, and return its user id, by which transfers name it."""
        user_id = user_id or f"{uid:024x}"
        with self._lock:
            self.sub_accounts[user_id] = uid
            self.sub_account_details[user_id] = SubAccount(
                user_id=user_id, uid=uid, parent_uid=self.key.uid, name=name or f"sub{uid}", **details
            )
        return user_id

    def owe(
        self,
        currency: str,
        principal: str | Decimal,
        interest: str | Decimal = "0",
        *,
        account: str = "margin_v2",
        uid: int | None = None,
    ) -> None:
        """Have so much of a currency borrowed in a margin account, which may be "isolated_v2:BTC-USDT"."""
        liability = Liability(Decimal(plain(principal)), Decimal(plain(interest)))
        with self._lock:
            self.liabilities[self.key.uid if uid is None else uid, account, currency] = liability

    def set_futures_account(
        self,
        currency: str = "USDT",
        *,
        uid: int | None = None,
        shown: dict[str, str | Decimal] | None = None,
        **amounts: str | Decimal,
    ) -> FuturesAccount:
        """Set what positions and orders make of a futures balance: see `FuturesAccount` for the names."""
        account = FuturesAccount(
            **{name: Decimal(plain(amount)) for name, amount in amounts.items()},
            shown={name: Decimal(plain(amount)) for name, amount in (shown or {}).items()},
        )
        with self._lock:
            self.futures_accounts[self.key.uid if uid is None else uid, currency] = account
        return account

    def add_earn_holding(
        self,
        currency: str,
        amount: str | Decimal,
        *,
        category: str = "DEMAND",
        uid: int | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """Hold a currency in an earn product, and return the holding as it is served; `fields` has the last word."""
        with self._lock:
            number = len(self.earn_holdings) + 1
            holding = {
                "orderId": str(2_767_290 + number),
                "productId": str(2_610 + number),
                "productCategory": category,
                "productType": "DEMAND",
                "currency": currency,
                "incomeCurrency": currency,
                "returnRate": "0.03471727",
                "holdAmount": plain(amount),
                "redeemedAmount": "0",
                "redeemingAmount": "0",
                "lockStartTime": 1_701_252_000_000,
                "lockEndTime": None,
                "purchaseTime": 1_729_257_513_000,
                "redeemPeriod": 3,
                "status": "LOCKED",
                "earlyRedeemSupported": 0,
                **fields,
            }
            self.earn_holdings.append((self.key.uid if uid is None else uid, holding))
        return holding

    def worth(self, currency: str, amount: Decimal, quote: str) -> Decimal:
        """Return what an amount is worth in another currency, cut off after 8 decimals."""
        price = self.prices.get(quote)
        if not price:
            return Decimal(0)
        worth = EXACT.multiply(amount, self.prices.get(currency, Decimal(0))) / price
        return worth.quantize(Decimal("1E-8"), ROUND_DOWN)
