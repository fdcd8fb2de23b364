"""The key's own description, and the balances of its account."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.testing import wire
from airflow_provider_kucoin.testing.amounts import EXACT, plain
from airflow_provider_kucoin.testing.refusals import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.keys import ApiKey
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.wire import Reply

# Documented are main, trade and option; older accounts also show the others (ccxt issue 20733).
ACCOUNT_TYPES = ("main", "trade", "option", "margin", "isolated", "trade_hf")


@dataclass(frozen=True, slots=True)
class Balance:
    """One currency in one account; `balance == available + holds`, all of them decimal text."""

    uid: int
    id: str
    currency: str
    type: str
    balance: str
    available: str
    holds: str


class Balances:
    """
    What is in the accounts: "main", "trade", "contract" (futures), …, or "isolated:BTC-USDT" for a pair's.

    Withdrawals, transfers and deposits move them, and so does every row that is booked into a ledger with running
    balances. Rows that somebody books into the spot ledger do not.
    """

    def __init__(self, uid: int) -> None:
        self._uid = uid
        self._balances: dict[tuple[int, str, str], Balance] = {}

    def set(
        self,
        currency: str,
        account_type: str,
        balance: str | Decimal,
        *,
        holds: str | Decimal = "0",
        id: str | None = None,  # noqa: A002  KuCoin's name
        uid: int | None = None,
    ) -> Balance:
        """Set the balance of a currency in an account of the default key's user, or another's."""
        owner = self._uid if uid is None else uid
        balance, holds = plain(balance), plain(holds)
        known = self._balances.get((owner, account_type, currency))
        self._balances[owner, account_type, currency] = entry = Balance(
            uid=owner,
            id=id or (known.id if known else f"{548_674_591_753 + len(self._balances)}"),
            currency=currency,
            type=account_type,
            balance=balance,
            available=plain(EXACT.subtract(Decimal(balance), Decimal(holds))) if Decimal(holds) else balance,
            holds=holds,
        )
        return entry

    def get(self, currency: str, account_type: str, uid: int | None = None) -> Balance:
        """Return the balance of a currency in an account."""
        return self._balances[self._uid if uid is None else uid, account_type, currency]

    def balance(self, currency: str, account_type: str, uid: int | None = None) -> Decimal:
        """Return how much is in an account; nothing, if there is no such account."""
        entry = self._balances.get((self._uid if uid is None else uid, account_type, currency))
        return Decimal(entry.balance) if entry else Decimal(0)

    def available(self, currency: str, account_type: str, uid: int | None = None) -> Decimal:
        """Return how much can be moved out of an account; nothing, if there is no such account."""
        entry = self._balances.get((self._uid if uid is None else uid, account_type, currency))
        return Decimal(entry.available) if entry else Decimal(0)

    def move(
        self, currency: str, account_type: str, amount: Decimal, *, holds: Decimal = Decimal(0), uid: int | None = None
    ) -> None:
        """Change a balance, and what is held of it, by so much; accounts come into being when first credited."""
        entry = self._balances.get((self._uid if uid is None else uid, account_type, currency))
        balance, held = (Decimal(entry.balance), Decimal(entry.holds)) if entry else (Decimal(0), Decimal(0))
        self.set(currency, account_type, EXACT.add(balance, amount), holds=EXACT.add(held, holds), uid=uid)

    def of(self, uid: int) -> Iterator[Balance]:
        """Yield all balances of a user, as they are now."""
        return (entry for entry in tuple(self._balances.values()) if entry.uid == uid)

    def clear(self) -> None:
        """Leave nothing."""
        self._balances.clear()


def api_key(call: Call) -> Reply:
    """Answer GET /api/v1/user/api-key."""
    return wire.success(wire.encode(description(call.key, call.exchange.readings)))


def description(key: ApiKey, readings: Readings) -> dict[str, Any]:
    """Return what KuCoin tells about a key."""
    fields: dict[str, Any] = {
        "remark": key.remark,
        "apiKey": key.key,
        "apiVersion": key.version,
        "permission": ",".join(key.permissions),
    }
    if key.ip_whitelist or readings.unrestricted_ip_whitelist == "empty":
        fields["ipWhitelist"] = ",".join(key.ip_whitelist)
    elif readings.unrestricted_ip_whitelist == "null":
        fields["ipWhitelist"] = None
    fields |= {"createdAt": key.created_at, "uid": key.uid, "isMaster": key.is_master}
    if not key.is_master:
        fields["subName"] = key.sub_name  # "there is no such param for the master account"
    if readings.extended_api_key:
        fields |= {
            "parentUid": key.parent_uid,
            "region": key.region,
            "kycStatus": key.kyc_status,
            "expiredAt": key.expired_at,
            "thirdPartyApp": key.third_party_app,
            "siteType": key.site_type,
        }
    return fields


def accounts(call: Call) -> Reply:
    """Answer GET /api/v1/accounts."""
    account_type = call.choice("type", ACCOUNT_TYPES)
    currency = call.params.get("currency")
    names = {"trade": call.exchange.readings.hf_account_type if call.exchange.is_high_frequency else "trade"}
    found = [
        {
            "id": entry.id,
            "currency": entry.currency,
            "type": shown,
            "balance": entry.balance,
            "available": entry.available,
            "holds": entry.holds,
        }
        for entry in call.exchange.balances.of(call.key.uid)
        for shown in [names.get(entry.type, entry.type)]
        if shown in ACCOUNT_TYPES and account_type in (None, shown) and currency in (None, entry.currency)
    ]
    return wire.success(wire.encode(found))


def account(call: Call) -> Reply:
    """Answer GET /api/v1/accounts/{accountId}."""
    for entry in call.exchange.balances.of(call.key.uid):
        if entry.id == call.variables["accountId"]:
            detail = {
                "currency": entry.currency,
                "balance": entry.balance,
                "available": entry.available,
                "holds": entry.holds,
            }
            return wire.success(wire.encode(detail))
    # How KuCoin answers this is not known.
    raise bad_parameter("account does not exist")
