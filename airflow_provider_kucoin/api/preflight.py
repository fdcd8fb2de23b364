"""
Looking before paying: every rule that KuCoin's own data lets us check, with the number that decides.

Pure: it is handed what ``/api/v1/withdrawals/quotas`` and ``/api/v3/currencies/{currency}`` answered. An amount is
never rounded to make it fit. Where the two sources disagree the stricter one counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.withdrawals import EXACT, number, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kucoin.api.withdrawals import Order


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    One rule and what became of it.

    :param detail: the numbers, in words
    """

    rule: str
    passed: bool
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """Return it in JSON types."""
        return {"rule": self.rule, "passed": self.passed, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Preflight:
    """
    What was found.

    :param order: the order, its chain named as KuCoin's requests name it
    :param fee: what KuCoin says it takes; an estimate where the fee depends on more than the amount
    """

    order: Order
    fee: Decimal
    verdicts: tuple[Verdict, ...]

    @property
    def net(self) -> Decimal:
        """What arrives."""
        wanted = self.order
        return EXACT.subtract(wanted.amount, self.fee) if wanted.fee_deduct_type == "INTERNAL" else wanted.amount

    @property
    def debit(self) -> Decimal:
        """What leaves the funding account."""
        wanted = self.order
        return wanted.amount if wanted.fee_deduct_type == "INTERNAL" else EXACT.add(wanted.amount, self.fee)

    def check(self) -> None:
        """
        Check that every rule is kept.

        :raise InvalidInput: naming all that are not, with their numbers
        """
        if broken := [verdict for verdict in self.verdicts if not verdict.passed]:
            rules = "; ".join(f"{verdict.rule}: {verdict.detail}" for verdict in broken)
            raise InvalidInput(f"not withdrawn, {self.order.summary()}: {rules}. Nothing was sent")


def find_chain(wanted: Order, currency: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """
    Return the currency's chain that the order names, by id or by name, or ``None`` when it has no such chain.

    Ids and names are two vocabularies ("trx" and "TRC20"); requests take ids. An id comes before a name, because one
    chain's name could be another one's id.
    """
    chains = _chains(currency)
    for field in ("chainId", "chainName"):
        for chain in chains:
            if wanted.chain is not None and str(chain.get(field, "")).lower() == wanted.chain.lower():
                return dict(chain)
    return None


def _chains(currency: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = currency.get("chains")
    return [chain for chain in found if isinstance(chain, dict)] if isinstance(found, list) else []


def with_chain_id(wanted: Order, currency: Mapping[str, Any]) -> Order:
    """
    Return the order with its chain named by KuCoin's id.

    :raise InvalidInput: when the currency has no such chain
    """
    if wanted.withdraw_type != "ADDRESS":
        return wanted
    chain = find_chain(wanted, currency)
    if chain is None or not chain.get("chainId"):
        known = ", ".join(f"{row.get('chainId')} ({row.get('chainName')})" for row in _chains(currency))[:1000]
        raise InvalidInput(f"chain={wanted.chain!r} is not a chain of {wanted.currency}: {known or 'it has none'}")
    return replace(wanted, chain=str(chain["chainId"]))


def preflight(wanted: Order, currency: Mapping[str, Any], quotas: Mapping[str, Any]) -> Preflight:
    """
    Return every rule's verdict on an order.

    :param wanted: with its chain named by id, see :func:`with_chain_id`
    :param currency: of ``/api/v3/currencies/{currency}``
    :param quotas: of ``/api/v1/withdrawals/quotas``, asked for with the order's chain
    """
    # Within KuCoin no chain is involved.
    chain = find_chain(wanted, currency) or {}
    inner = wanted.is_inner or wanted.withdraw_type != "ADDRESS"
    known_fee = _fee(wanted, chain, quotas, inner=inner)
    fee = known_fee or Decimal(0)
    found = Preflight(wanted, fee, ())
    verdicts = [
        _enabled(wanted, chain, quotas),
        _same_chain(wanted, chain, quotas),
        _precision(wanted, chain, quotas),
        _minimum(wanted, chain, quotas),
        _at_most("quota", found.order.amount, quotas.get("remainAmount"), "left of today's quota", wanted.currency),
        _at_most(
            "balance",
            found.debit,
            quotas.get("availableAmount"),
            "available in the funding (main) account",
            wanted.currency,
        ),
        _memo(wanted, chain),
    ]
    if known_fee is None:
        verdicts.append(Verdict("fee", passed=False, detail="KuCoin does not say what it takes"))
    if wanted.fee_deduct_type == "INTERNAL":
        verdicts.append(
            Verdict(
                "net", found.net > 0, f"{plain(found.net)} {wanted.currency} would arrive after a fee of {plain(fee)}"
            )
        )
    return replace(found, verdicts=tuple(verdicts))


def _fee(wanted: Order, chain: Mapping[str, Any], quotas: Mapping[str, Any], *, inner: bool) -> Decimal | None:
    if inner:
        return number(quotas.get("innerWithdrawMinFee"))
    least = _larger(quotas.get("withdrawMinFee"), chain.get("withdrawalMinFee"))
    # How a rate and a minimum go together is not documented: the larger one is the safer estimate.
    rate = number(chain.get("withdrawFeeRate")) or Decimal(0)
    return None if least is None else max(least, EXACT.multiply(rate, wanted.amount))


def _larger(*given: object) -> Decimal | None:
    """Return the largest of the numbers that KuCoin gave; ``None`` when it gave none."""
    return max((found for found in map(number, given) if found is not None), default=None)


def _enabled(wanted: Order, chain: Mapping[str, Any], quotas: Mapping[str, Any]) -> Verdict:
    enabled = quotas.get("isWithdrawEnabled") is True and chain.get("isWithdrawEnabled", True) is True
    where = f"{wanted.currency} on {wanted.chain}" if wanted.chain else wanted.currency
    reason = f" ({str(quotas['reason'])[:256]})" if quotas.get("reason") else ""
    return Verdict("enabled", enabled, f"withdrawing {where} is {'open' if enabled else 'closed'} at KuCoin{reason}")


def _same_chain(wanted: Order, chain: Mapping[str, Any], quotas: Mapping[str, Any]) -> Verdict:
    if wanted.chain is None:
        return Verdict("chain", passed=True, detail="within KuCoin")
    # KuCoin's own sample asks for one chain and is answered about another.
    answered = str(quotas.get("chain") or "")[:80]
    names = {str(chain[field]).lower() for field in ("chainId", "chainName") if chain.get(field)}
    return Verdict(
        "chain",
        answered.lower() in names,
        f"asked for {wanted.chain!r} ({chain.get('chainName')}), KuCoin answered about {answered!r}",
    )


def _precision(wanted: Order, chain: Mapping[str, Any], quotas: Mapping[str, Any]) -> Verdict:
    known = [value for value in (quotas.get("precision"), chain.get("withdrawPrecision")) if type(value) is int]
    # Zeros at the end are no decimals. (Not Decimal.normalize(): it rounds to the context's precision.)
    decimals = len(plain(wanted.amount).partition(".")[2].rstrip("0"))
    if not known:
        return Verdict("precision", passed=False, detail="KuCoin does not say how many decimals it takes")
    return Verdict(
        "precision",
        decimals <= min(known),
        f"{plain(wanted.amount)} has {decimals} decimals, {min(known)} are taken; it is not rounded",
    )


def _minimum(wanted: Order, chain: Mapping[str, Any], quotas: Mapping[str, Any]) -> Verdict:
    least = _larger(quotas.get("withdrawMinSize"), chain.get("withdrawalMinSize"))
    if least is None:
        return Verdict("minimum", passed=False, detail="KuCoin does not say what the least is")
    return Verdict("minimum", wanted.amount >= least, f"{plain(wanted.amount)} of at least {plain(least)}")


def _at_most(rule: str, amount: Decimal, most: object, what: str, currency: str) -> Verdict:
    bound = number(most)
    if bound is None:
        return Verdict(rule, passed=False, detail=f"KuCoin does not say how much is {what}")
    return Verdict(rule, amount <= bound, f"{plain(amount)} of {plain(bound)} {currency} {what}")


def _memo(wanted: Order, chain: Mapping[str, Any]) -> Verdict:
    needed = chain.get("needTag") is True
    if wanted.chain is not None and not isinstance(chain.get("needTag"), bool):
        return Verdict("memo", passed=False, detail=f"KuCoin does not say whether {wanted.chain} needs a memo (tag)")
    if needed and not wanted.memo:
        return Verdict("memo", passed=False, detail=f"{wanted.chain} needs a memo (tag); without it the money is lost")
    if wanted.memo and not needed:
        return Verdict("memo", passed=False, detail=f"{wanted.chain} takes no memo, and KuCoin refuses one")
    return Verdict("memo", passed=True, detail="given" if needed else "none, and none is taken")
