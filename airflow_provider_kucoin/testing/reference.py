"""
Currencies that the exchange trades: enough of them to be useful, none of them complete.

BTC is KuCoin's own documented sample (https://www.kucoin.com/docs-new/api-3470155), and so are the contracts of USDT
(https://www.kucoin.com/docs-new/api-3470140). Of the others the codes, chain ids and chain names are KuCoin's; minima,
fees, precisions and confirmations are round numbers.
"""

from __future__ import annotations

import re
from typing import Any, Final

# What an address looks like, by chain id; checksums are not checked, and of other chains anything passes. That KuCoin
# checks is known ("Incorrect withdrawal address"), how closely is not.
_EVM: Final = re.compile(r"0x[0-9a-fA-F]{40}")
ADDRESS_SHAPES: Final[dict[str, re.Pattern[str]]] = {
    "btc": re.compile(r"[13][1-9A-HJ-NP-Za-km-z]{24,34}|bc1[02-9ac-hj-np-z]{11,71}"),
    "bech32": re.compile(r"bc1[02-9ac-hj-np-z]{11,71}"),
    "trx": re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}"),
    "xrp": re.compile(r"r[1-9A-HJ-NP-Za-km-z]{24,34}"),
    "ton": re.compile(r"[EUk0]Q[0-9A-Za-z_-]{46}"),
    **dict.fromkeys(("eth", "bsc", "kcc", "arbitrum", "optimism", "avaxc"), _EVM),
}


def chain(
    chain_id: str,
    name: str,
    *,
    withdraw_min: str = "0.01",
    deposit_min: str | None = "0.001",
    fee: str = "0.005",
    enabled: bool = True,
    confirms: int = 12,
    pre_confirms: int = 12,
    contract: str = "",
    precision: int = 8,
    max_deposit: str | None = None,
    needs_tag: bool = False,
) -> dict[str, Any]:
    """Return one chain of a currency."""
    return {
        "chainName": name,
        "withdrawalMinSize": withdraw_min,
        "depositMinSize": deposit_min,
        "withdrawFeeRate": "0",
        "withdrawalMinFee": fee,
        "isWithdrawEnabled": enabled,
        "isDepositEnabled": True,
        "confirms": confirms,
        "preConfirms": pre_confirms,
        "contractAddress": contract,
        "withdrawPrecision": precision,
        "maxWithdraw": None,
        "maxDeposit": max_deposit,
        "needTag": needs_tag,
        "chainId": chain_id,
    }


def currency(code: str, full_name: str, *chains: dict[str, Any], precision: int = 8) -> dict[str, Any]:
    """Return one currency."""
    return {
        "currency": code,
        "name": code,
        "fullName": full_name,
        "precision": precision,
        "confirms": None,
        "contractAddress": None,
        "isMarginEnabled": True,
        "isDebitEnabled": True,
        "chains": list(chains),
    }


def find_chain(detail: dict[str, Any], wanted: str, *, by_name: bool = False) -> dict[str, Any] | None:
    """Return a currency's chain by its id, or perhaps by its name."""
    names = ("chainId", "chainName") if by_name else ("chainId",)
    return next((one for one in detail["chains"] or () if wanted in [one[name] for name in names]), None)


def currencies() -> dict[str, dict[str, Any]]:
    """Return the currencies by code, afresh: a test may change its own."""
    kcc_btc = "0xfa93c12cd345c658bc4644d1d4e1b9615952258c"
    known = (
        currency(
            "BTC",
            "Bitcoin",
            chain("btc", "BTC", withdraw_min="0.001", deposit_min="0.0002", fee="0.0005", confirms=3, pre_confirms=1),
            chain(
                "btcln",
                "Lightning Network",
                withdraw_min="0.00001",
                deposit_min="0.00001",
                fee="0.000015",
                confirms=1,
                pre_confirms=1,
                max_deposit="0.03",
            ),
            chain(
                "kcc",
                "KCC",
                withdraw_min="0.0008",
                deposit_min=None,
                fee="0.00002",
                confirms=20,
                pre_confirms=20,
                contract=kcc_btc,
            ),
            chain(
                "bech32",
                "BTC-Segwit",
                withdraw_min="0.0008",
                deposit_min="0.0002",
                fee="0.0005",
                enabled=False,
                confirms=2,
                pre_confirms=2,
            ),
        ),
        currency(
            "USDT",
            "Tether",
            chain(
                "eth",
                "ERC20",
                withdraw_min="10",
                fee="4",
                precision=6,
                contract="0xdac17f958d2ee523a2206206994597c13d831ec7",
            ),
            chain(
                "trx",
                "TRC20",
                withdraw_min="3",
                fee="1",
                precision=6,
                contract="TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
            ),
            chain("bsc", "BEP20", withdraw_min="5", fee="0.5"),
            chain(
                "kcc",
                "KCC",
                withdraw_min="5",
                fee="0.1",
                contract="0x0039f574ee5cc39bdd162e9a88e3eb1f111baf48",
            ),
            chain(
                "ton",
                "TON",
                withdraw_min="3",
                fee="0.5",
                precision=6,
                needs_tag=True,
                contract="EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs",
            ),
            chain("optimism", "OPTIMISM", withdraw_min="5", fee="0.5", precision=6, enabled=False),
        ),
        currency("USDC", "USD Coin", chain("eth", "ERC20", withdraw_min="10", fee="4", precision=6)),
        currency("ETH", "Ethereum", chain("eth", "ERC20"), chain("arbitrum", "ARBITRUM", fee="0.0002")),
        currency("XRP", "XRP", chain("xrp", "XRP", withdraw_min="20", fee="0.5", precision=6, needs_tag=True)),
        currency("KCS", "KuCoin Token", chain("kcc", "KCC"), chain("eth", "ERC20")),
        currency("SHIB", "Shiba Inu", chain("eth", "ERC20", withdraw_min="1000000", fee="500000", precision=0)),
    )
    return {entry["currency"]: entry for entry in known}
