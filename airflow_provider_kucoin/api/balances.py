"""
Balances: where each is asked for, and what the answers are as rows of one schema.

Shapes: KuCoin's published OpenAPI descriptions. Amounts are text in all of them but the futures', which are JSON
numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api import endpoints
from airflow_provider_kucoin.api.columns import Column, Kind, amounts
from airflow_provider_kucoin.api.continuity import EXACT, ZERO
from airflow_provider_kucoin.api.datasets import Dataset
from airflow_provider_kucoin.api.errors import InvalidInput, UnexpectedData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_kucoin.api.continuity import Account
    from airflow_provider_kucoin.api.endpoints import Endpoint

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """
    One kind of balance.

    :param name: as DAG authors give it
    :param endpoint: where it is asked for
    :param rows: turns an answer's data into rows
    :param params: what every call carries
    :param page_size: the most rows of a page; 0 for an answer that is not cut into pages
    :param each_currency: whether KuCoin answers for one settlement currency at a time
    :param master_only: whether only the key of a master account may ask
    """

    name: str
    endpoint: Endpoint
    rows: Callable[[Any], Iterable[Row]]
    params: tuple[tuple[str, str], ...] = ()
    page_size: int = 0
    each_currency: bool = False
    master_only: bool = False


def _own(data: Any) -> Iterable[Row]:
    for account in data:
        yield {
            "accountType": account["type"],
            "reference": account["id"],
            "currency": account["currency"],
            "total": account["balance"],
            "available": account["available"],
            "hold": account["holds"],
        }


def _asset(account_type: str, asset: Mapping[str, Any], symbol: str = "", status: str | None = None) -> Row:
    return {
        "accountType": account_type,
        "symbol": symbol,
        "currency": asset["currency"],
        "total": asset["total"],
        "available": asset["available"],
        "hold": asset["hold"],
        "liability": asset.get("liability"),
        "status": status,
    }


def _cross(data: Any) -> Iterable[Row]:
    return (_asset("cross", asset, status=data.get("status")) for asset in data["accounts"])


def _isolated(data: Any) -> Iterable[Row]:
    for pair in data["assets"]:
        for side in ("baseAsset", "quoteAsset"):
            yield _asset("isolated", pair[side], pair["symbol"], pair.get("status"))


def _futures_row(data: Mapping[str, Any], **more: Any) -> Row:
    return {
        "accountType": "futures",
        "currency": data["currency"],
        "total": data["accountEquity"],
        "available": data["availableBalance"],
        "hold": _sum(data.get("positionMargin"), data.get("orderMargin"), data.get("frozenFunds")),
        "unrealisedPnl": data.get("unrealisedPNL"),
        "marginBalance": data.get("marginBalance"),
        **more,
    }


def _futures(data: Any) -> Iterable[Row]:
    return [_futures_row(data)]


def _sub_futures(data: Any) -> Iterable[Row]:
    for account in data["accounts"]:
        # The master's own line is there too, under this name (the published sample).
        if account["accountName"] != "main":
            yield _futures_row(account, ownerName=account["accountName"])


def _earn(data: Any) -> Iterable[Row]:
    for holding in data:
        yield {
            "accountType": "earn",
            "reference": holding["orderId"],
            "currency": holding["currency"],
            "total": holding["holdAmount"],
            "hold": holding.get("redeemingAmount"),
            "status": holding.get("status"),
            "symbol": "",
        }


def _subs(data: Any) -> Iterable[Row]:
    # The old high-frequency accounts are named as deprecated, and hold nothing.
    for sub in data:
        for field, account_type in (
            ("mainAccounts", "main"),
            ("tradeAccounts", "trade"),
            ("marginAccounts", "margin"),
            ("tradeHFAccounts", "trade_hf"),
        ):
            for account in sub.get(field) or ():
                yield {
                    "owner": sub["subUserId"],
                    "ownerName": sub.get("subName"),
                    "accountType": account_type,
                    "reference": account.get("tag"),
                    "currency": account["currency"],
                    "total": account["balance"],
                    "available": account["available"],
                    "hold": account["holds"],
                }


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source("accounts", endpoints.ACCOUNTS, _own),
        Source("cross_margin", endpoints.CROSS_MARGIN_ACCOUNTS, _cross, (("queryType", "ALL"),)),
        Source("isolated_margin", endpoints.ISOLATED_MARGIN_ACCOUNTS, _isolated, (("queryType", "ALL"),)),
        Source("futures", endpoints.FUTURES_ACCOUNT, _futures, each_currency=True),
        Source("earn", endpoints.EARN_HOLDINGS, _earn, page_size=500),
        Source("sub_accounts", endpoints.SUB_ACCOUNTS_SPOT, _subs, page_size=100, master_only=True),
        Source("sub_futures", endpoints.FUTURES_SUB_ACCOUNTS, _sub_futures, each_currency=True, master_only=True),
    )
}

#: The settlement currencies that there always are (KuCoin's description of the futures account).
SETTLEMENT_CURRENCIES = ("USDT", "XBT")


def _column(name: str, source: str, kind: Kind = Kind.TEXT, meaning: str = "", *, required: bool = False) -> Column:
    return Column(name, source, kind, required=required, meaning=meaning)


BALANCES = Dataset(
    name="balances",
    kind="history",
    endpoint=endpoints.ACCOUNTS,
    page_size=0,
    fields=(
        _column("taken_at", "takenAt", Kind.INSTANT, "KuCoin's time when the answer came; UTC", required=True),
        _column("source", "source", meaning="which kind of balance: a key of SOURCES", required=True),
        _column("owner", "owner", meaning="the sub-account's user id; empty for the key's own account", required=True),
        _column("owner_name", "ownerName", meaning="the sub-account's name"),
        _column(
            "account_type", "accountType", meaning="main, trade, ..., cross, isolated, futures, earn", required=True
        ),
        _column("symbol", "symbol", meaning="the isolated margin pair"),
        _column("reference", "reference", meaning="KuCoin's id of the account or holding"),
        _column("currency", "currency", meaning="code of the currency", required=True),
        _column("total", "total", Kind.AMOUNT, "balance; of futures the equity", required=True),
        _column("available", "available", Kind.AMOUNT, "what can be used"),
        _column("hold", "hold", Kind.AMOUNT, "what is held for orders, positions or redemptions"),
        _column("liability", "liability", Kind.AMOUNT, "what is borrowed, with interest"),
        _column("unrealised_pnl", "unrealisedPnl", Kind.AMOUNT, "of futures: part of the equity"),
        _column("margin_balance", "marginBalance", Kind.AMOUNT, "of futures"),
        _column("status", "status", meaning="of a margin account or a holding"),
    ),
    key=("source", "owner", "owner_name", "account_type", "symbol", "reference", "currency"),
    time="taken_at",
)


def parse(source: Source, data: Any, taken_at_ms: int) -> list[Row]:
    """
    Return an answer's balances as rows.

    :param data: of the answer; for a listing in pages the items of all pages
    :raise UnexpectedData: when it has not the documented shape
    """
    blank = {"owner": "", "ownerName": None, "symbol": "", "reference": ""}
    about = {"takenAt": taken_at_ms, "source": source.name}
    try:
        found = [{**blank, **row, **about} for row in source.rows(data or ())]
    except (AttributeError, KeyError, TypeError) as problem:
        raise UnexpectedData(f"KuCoin's {source.name} balances have not the documented shape: {problem!r}") from None
    if not all(isinstance(row["currency"], str) and isinstance(row["symbol"], str) for row in found):
        raise UnexpectedData(f"KuCoin's {source.name} balances have a currency or symbol that is not a text")
    return found


def choose(
    include: str | Sequence[str] | None, permissions: Sequence[str], *, is_master: bool
) -> tuple[list[Source], list[str]]:
    """
    Return the sources to read, and what is left out and why.

    :param include: names of sources, or a text with commas between; nothing for all that the key may read
    :param permissions: of the key
    :raise InvalidInput: for a source that does not exist
    """
    names = [name.strip() for name in include.split(",")] if isinstance(include, str) and include else include or ()
    if unknown := [name for name in names if name not in SOURCES]:
        raise InvalidInput(f"include={unknown[0]!r} is not one of {', '.join(map(repr, SOURCES))}")
    if names:
        # A name that is there twice means the same balances.
        return [SOURCES[name] for name in dict.fromkeys(names)], []
    found, left_out = [], []
    for source in SOURCES.values():
        if source.master_only and not is_master:
            left_out.append(f"{source.name}: the key belongs to a sub-account")
        elif source.endpoint.permission not in permissions:
            left_out.append(f"{source.name}: the key has no permission {source.endpoint.permission}")
        else:
            found.append(source)
    return found, left_out


#: Which balances are the live ones of a ledger.
LIVE: Mapping[str, tuple[str, ...]] = {
    "trade_hf": ("accounts",),
    "margin_hf": ("cross_margin", "isolated_margin"),
    "futures": ("futures",),
}


def live(ledger: str, rows: Iterable[Row]) -> dict[Account, tuple[Decimal, ...]]:
    """
    Return the balances that a ledger's last row may name, by account.

    What is meant by "balance" in the margin ledger (with or without what is owed), and whether the futures' equity has
    the unrealised profit in it, is in no source: each is as good.
    """
    found: dict[Account, tuple[Decimal, ...]] = {}
    for row in rows:
        total = _number(row["total"])
        match ledger, row["accountType"]:
            case "trade_hf", "trade" | "trade_hf":
                found[("TRADE_HF", row["currency"])] = (*found.get(("TRADE_HF", row["currency"]), ()), total)
            case "margin_hf", "cross" | "isolated" as kind:
                owed, free = _number(row["liability"]), _number(row["available"])
                values = (total, EXACT.subtract(total, owed), EXACT.add(free, _number(row["hold"])))
                # The account types are being renamed.
                for name in ("MARGIN", "MARGIN_V2") if kind == "cross" else ("ISOLATED", "ISOLATED_V2"):
                    if kind == "isolated":
                        found[(name, row["currency"], row["symbol"])] = values
                    together = found.get((name, row["currency"]), (ZERO,) * len(values))
                    found[(name, row["currency"])] = tuple(map(EXACT.add, together, values))
            case "futures", "futures":
                found[(row["currency"],)] = (
                    total,
                    EXACT.subtract(total, _number(row["unrealisedPnl"])),
                    _number(row["marginBalance"]),
                )
            case _:
                pass
    return found


_AMOUNT = Column("amount", "amount", Kind.AMOUNT)


def _number(value: Any) -> Decimal:
    return ZERO if value is None else Decimal(amounts(_AMOUNT, [value])[0] or 0)


def _sum(*values: Any) -> Decimal:
    return reduce(EXACT.add, map(_number, values), ZERO)
