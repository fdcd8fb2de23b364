"""
Where a transaction can be looked at in public, by KuCoin's chain id.

The addresses are the explorers' own; a chain that is not in the table has no link. Ids that KuCoin has used for one
chain at different times stand for the same explorer.
"""

from __future__ import annotations

EXPLORERS = {
    "arbitrum": "https://arbiscan.io/tx/{}",
    "avaxc": "https://snowtrace.io/tx/{}",
    "base": "https://basescan.org/tx/{}",
    "bech32": "https://mempool.space/tx/{}",
    "bsc": "https://bscscan.com/tx/{}",
    "btc": "https://mempool.space/tx/{}",
    "eth": "https://etherscan.io/tx/{}",
    "kcc": "https://explorer.kcc.io/en/tx/{}",
    "ltc": "https://litecoinspace.org/tx/{}",
    "matic": "https://polygonscan.com/tx/{}",
    "optimism": "https://optimistic.etherscan.io/tx/{}",
    "sol": "https://solscan.io/tx/{}",
    "ton": "https://tonviewer.com/transaction/{}",
    "ton2": "https://tonviewer.com/transaction/{}",
    "trx": "https://tronscan.org/#/transaction/{}",
    "xrp": "https://xrpscan.com/tx/{}",
}


def explorer_url(chain: str | None, wallet_tx_id: str | None) -> str | None:
    """
    Return the address of a transaction in a public block explorer, ``None`` where none is known.

    :param chain: KuCoin's chain id
    :param wallet_tx_id: the transaction's id, without what KuCoin may append to it
    """
    pattern = EXPLORERS.get((chain or "").lower())
    if pattern is None or not wallet_tx_id or not wallet_tx_id.isalnum():
        return None
    return pattern.format(wallet_tx_id)
