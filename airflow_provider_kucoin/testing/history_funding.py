"""
Deposits and withdrawals as histories: the same rows that `deposits` and `withdrawal_history` list.

What is added here is history: it moves no balance and books no ledger row. (`Exchange.deposit` does both.)
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import deposits, reference, withdrawal_history
from airflow_provider_kucoin.testing.amounts import plain
from airflow_provider_kucoin.testing.history_limits import OLD_UNTIL_MS
from airflow_provider_kucoin.testing.history_seeding import Seeding, amount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from random import Random

    from airflow_provider_kucoin.testing.deposits import Deposit
    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.history_seeding import About
    from airflow_provider_kucoin.testing.withdrawals import Withdrawal

    Listed = Callable[..., list[tuple[int, dict[str, Any]]]]

# Wire name -> what it is called on a `Deposit` or a `Withdrawal`, and how its value gets there.
_AS_IT_IS: Final[Callable[[Any], Any]] = lambda value: value  # noqa: E731  one of several in a table
_DECIMAL: Final[Callable[[Any], Any]] = lambda value: Decimal(plain(value))  # noqa: E731  the same
_SECONDS: Final[Callable[[Any], Any]] = lambda value: value * 1000  # noqa: E731  the same
_ATTRIBUTES: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "id": ("id", _AS_IT_IS),
    "currency": ("currency", _AS_IT_IS),
    "chain": ("chain", _AS_IT_IS),
    "status": ("status", _AS_IT_IS),
    "address": ("address", _AS_IT_IS),
    "memo": ("memo", _AS_IT_IS),
    "isInner": ("is_inner", _AS_IT_IS),
    "amount": ("amount", _DECIMAL),
    "fee": ("fee", _DECIMAL),
    "walletTxId": ("wallet_tx_id", _AS_IT_IS),
    "createdAt": ("created_at_ms", _AS_IT_IS),
    "updatedAt": ("updated_at_ms", _AS_IT_IS),
    "createAt": ("created_at_ms", _SECONDS),
    "remark": ("remark", _AS_IT_IS),
    "arrears": ("arrears", _AS_IT_IS),
}
_TRON: Final = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
# The last second of the old lists, for rows that do not say when they were.
_OLD_MS: Final = OLD_UNTIL_MS - 1000


def _make(random: Random, about: About, time_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a row that has no more digits than the currency."""
    inner = random.random() < 0.2  # noqa: PLR2004  some are
    return {
        "currency": about["currency"],
        "chain": "" if inner else about["chain"],
        "address": about["address"],
        "amount": amount(random, 10_000, int(about["decimals"])),
        "fee": "0.00000000" if inner else amount(random, 10, 8),
        "isInner": inner,
        # As in the old lists' sample: the transaction, and behind it where in it.
        "walletTxId": None if inner else f"{random.getrandbits(256):064x}@{about['address']}@{random.randrange(9)}",
        "status": random.choice(("SUCCESS", "SUCCESS", "SUCCESS", "FAILURE")),
        "remark": random.choice(("", "Deposit", "März")),
        "createdAt": time_ms,
    }, {}


SEEDING: Final = Seeding(
    make=_make,
    among=(
        {"currency": "USDT", "chain": "trx", "address": _TRON, "decimals": 8},
        {"currency": "ETH", "chain": "eth", "address": f"0x{7:040x}", "decimals": 18},
        {"currency": "BTC", "chain": "btc", "address": "33xW37ZSW4tQvg443Pc7NLCAs167Yc2XUV", "decimals": 8},
    ),
)
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Funding:
    """One of the four lists."""

    listed: Listed
    made: Callable[[Exchange, Mapping[str, Any], int], Deposit | Withdrawal]
    found: Callable[[Exchange], Iterator[Deposit | Withdrawal]]
    old: bool = False

    def add(self, exchange: Exchange, fields: Mapping[str, Any], uid: int) -> dict[str, Any]:
        """
        Add a row and return it as it is listed.

        :raise ValueError: when the old list would not have it
        """
        fields = dict(fields)
        created = fields.pop("createAt", None)
        if created is not None:
            fields["createdAt"] = created * 1000
        fields.setdefault("createdAt", _OLD_MS if self.old else exchange.now_ms())
        if self.old and fields["createdAt"] >= OLD_UNTIL_MS:
            raise ValueError("the old list has only what was before 2019-02-18")
        one = self.made(exchange, fields, uid)
        return self._item(exchange, one)

    def rows(self, exchange: Exchange, uid: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the rows of a user as they are listed, oldest first, and the time of each in milliseconds."""
        return self.listed(exchange, uid, old=self.old)[::-1]

    def matching(
        self, exchange: Exchange, where: Mapping[str, Any], uid: int
    ) -> Iterator[tuple[Deposit | Withdrawal, dict[str, Any]]]:
        """Yield what has all of these values, and how it is listed."""
        for one in self.found(exchange):
            if one.uid != uid or exchange.histories.is_removed(one.id):
                continue
            item = self._item(exchange, one)
            if all(({"id": one.id} | item).get(name) == value for name, value in where.items()):
                yield one, item

    def change(self, exchange: Exchange, one: Deposit | Withdrawal, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change one and return it as it is listed now; balances stay as they are."""
        for name, value in changes.items():
            attribute, convert = _ATTRIBUTES[name]
            setattr(one, attribute, convert(value))
        return self._item(exchange, one)

    def _item(self, exchange: Exchange, one: Deposit | Withdrawal) -> dict[str, Any]:
        if isinstance(one, deposits.Deposit):
            return deposits.old_item(one) if self.old else deposits.shown_item(one, exchange.readings)
        return withdrawal_history.old_item(one) if self.old else withdrawal_history.shown_item(one, exchange.readings)


def _deposit(exchange: Exchange, fields: Mapping[str, Any], uid: int) -> Deposit:
    known = _values(fields)
    currency, chain = known.get("currency", "USDT"), known.get("chain", "")
    detail = reference.find_chain(exchange.currencies.get(currency, {"chains": None}), chain)
    created = known["created_at_ms"]
    status = known.get("status", "SUCCESS")
    one = deposits.Deposit(
        id=known.get("id") or exchange.withdrawal_book.new_id(created),
        uid=uid,
        currency=currency,
        chain=chain,
        chain_name=detail["chainName"] if detail else "",
        address=known.get("address", ""),
        memo=known.get("memo", ""),
        is_inner=known.get("is_inner", False),
        amount=known.get("amount", Decimal(1)),
        fee=known.get("fee", Decimal(0)),
        wallet_tx_id=known.get("wallet_tx_id"),
        status=status,
        created_at_ms=created,
        updated_at_ms=known.get("updated_at_ms", created),
        remark=known.get("remark", ""),
        account="main",
        arrears=known.get("arrears", False),
        is_credited=status in deposits.CREDITED,
    )
    exchange.deposits.append(one)
    return one


def _withdrawal(exchange: Exchange, fields: Mapping[str, Any], uid: int) -> Withdrawal:
    known = {"currency": "USDT", "amount": Decimal(1), "address": _TRON, **_values(fields)}
    known.pop("arrears", None)  # its samples show it, and it means nothing
    return exchange.add_withdrawal(**known, uid=uid)


def _values(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {_ATTRIBUTES[name][0]: _ATTRIBUTES[name][1](value) for name, value in fields.items()}


FUNDING: Final[Mapping[str, Funding]] = {
    "deposits": Funding(deposits.listed, _deposit, lambda exchange: iter(list(exchange.deposits))),
    "hist_deposits": Funding(deposits.listed, _deposit, lambda exchange: iter(list(exchange.deposits)), old=True),
    "withdrawals": Funding(withdrawal_history.listed, _withdrawal, lambda exchange: iter(exchange.withdrawals)),
    "hist_withdrawals": Funding(
        withdrawal_history.listed, _withdrawal, lambda exchange: iter(exchange.withdrawals), old=True
    ),
}
